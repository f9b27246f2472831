"""The models of the benchmarks compiled_*.py, each stated once, in plain Python.

A model takes as `m` the functions it shall use: `math` for floats, `pygrad.math` for Values, `casadi` for
its symbols, `jax.numpy` for JAX's scalars. Everything else in it is loops over + - * / and lists.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Sequence
from typing import Any

# --- a network: 2-16-16-1, tanh ---------------------------------------------------------------------

SIZES = (2, 16, 16, 1)
LAYERS = tuple(itertools.pairwise(SIZES))
PARAMETERS = sum((n_in + 1) * n_out for n_in, n_out in LAYERS)  # 337


def mlp_loss(m: Any, p: Sequence[Any], x: Sequence[Any], y: Any) -> Any:
    """The squared error of the network at one point.

    p has for each layer a matrix, row by row, with a row for each input, and then the biases.
    """
    p = list(p)
    at = 0
    for n_in, n_out in LAYERS:
        biases = at + n_in * n_out
        outputs = []
        for j in range(n_out):
            act = p[biases + j]
            for i in range(n_in):
                act = act + p[at + i * n_out + j] * x[i]
            outputs.append(m.tanh(act))
        x, at = outputs, biases + n_out
    return (x[0] - y) ** 2


def matrices(p: Any) -> list[tuple[Any, Any]]:
    """The same parameters, an array or a tensor, as a matrix and a vector of biases for each layer."""
    layers, at = [], 0
    for n_in, n_out in LAYERS:
        biases = at + n_in * n_out
        layers.append((p[at:biases].reshape(n_in, n_out), p[biases : biases + n_out]))
        at = biases + n_out
    return layers


def mlp_losses(m: Any, p: Any, points: Any, targets: Any) -> Any:
    """The squared errors at many points by products of matrices, as array frameworks want it."""
    h = points
    for weights, biases in matrices(p):
        h = m.tanh(h @ weights + biases)
    return (h[:, 0] - targets) ** 2


def mlp_data(rows: int) -> tuple[Any, Any, Any]:
    """Parameters, points and targets as float64 arrays, the same ones each time."""
    import numpy as np

    rng = np.random.default_rng(1337)
    p = rng.normal(0, 0.5, PARAMETERS)
    return p, rng.normal(size=(rows, SIZES[0])), rng.normal(size=rows)


# --- functions of a few inputs ----------------------------------------------------------------------


def rosenbrock(m: Any, x: Sequence[Any]) -> Any:
    """Rosenbrock's function of any number of variables."""
    total = 0.0
    for a, b in itertools.pairwise(x):
        total = total + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return total


def black_scholes(m: Any, x: Sequence[Any]) -> Any:
    """The price of a European call (Black and Scholes 1973): spot, strike, rate, volatility, years."""
    spot, strike, rate, volatility, years = x
    spread = volatility * m.sqrt(years)
    d1 = (m.log(spot / strike) + (rate + volatility * volatility / 2.0) * years) / spread
    d2 = d1 - spread
    return spot * normal_cdf(m, d1) - strike * m.exp(-rate * years) * normal_cdf(m, d2)


def normal_cdf(m: Any, x: Any) -> Any:
    return 0.5 * (1.0 + m.erf(x * 0.5**0.5))


def pendulum(m: Any, x: Sequence[Any], steps: int = 200) -> Any:
    """The angle of a damped pendulum after 2 s, by the classical Runge-Kutta method.

    Angle and its speed at the start in rad and rad/s, gravity over length in 1/s^2, damping in 1/s.
    """
    angle, speed, pull, damping = x
    h = 2.0 / steps

    def acceleration(angle: Any, speed: Any) -> Any:
        return -pull * m.sin(angle) - damping * speed

    for _ in range(steps):
        v1, a1 = speed, acceleration(angle, speed)
        v2 = speed + h / 2 * a1
        a2 = acceleration(angle + h / 2 * v1, v2)
        v3 = speed + h / 2 * a2
        a3 = acceleration(angle + h / 2 * v2, v3)
        v4 = speed + h * a3
        a4 = acceleration(angle + h * v3, v4)
        angle = angle + h / 6 * (v1 + 2.0 * v2 + 2.0 * v3 + v4)
        speed = speed + h / 6 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
    return angle


# --- a loop that ends when it is done ---------------------------------------------------------------


def kepler(m: Any, mean_anomaly: Any, eccentricity: Any) -> Any:
    """The eccentric anomaly E with E - e sin E = M, by Newton's method to a tolerance."""
    e = mean_anomaly + 0.85 * eccentricity
    step = 1.0
    while abs(step) > 1e-12:
        step = (e - eccentricity * m.sin(e) - mean_anomaly) / (1.0 - eccentricity * m.cos(e))
        e = e - step
    return e


# --- programs of any length -------------------------------------------------------------------------


def recurrence(m: Any, x: Sequence[Any], operations: int) -> Any:
    """A chain: a point that is turned and squeezed, over and over, by 8 operations at a time."""
    a, b, c, s = x
    for _ in range(operations // 8):
        a, b = m.sin(a * c - b * s), a * s + b * c
        a = a + 0.5
    return a + b


def tangle(m: Any, x: Sequence[Any], operations: int) -> Any:
    """Operations on random ones among the last 64 results: nothing stands where it is needed."""
    recent = list(x) * (64 // len(x))
    for k, (i, j, n) in enumerate(random_places(operations // 5)):
        # A contraction: errors die out.
        recent[k % 64] = 0.3 * m.sin(recent[i] * recent[j] - recent[n]) + 0.5
    return sum(recent)


@functools.cache
def random_places(count: int) -> list[tuple[int, int, int]]:
    draw = random.Random(1337)
    return [(draw.randrange(64), draw.randrange(64), draw.randrange(64)) for _ in range(count)]
