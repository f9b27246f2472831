"""Programs with loops, branches, recursion and exceptions are differentiated as they run.

Each program is written once, over a namespace of functions, and runs on Values, on mpmath's numbers and on
JAX's. The truth is a difference quotient of the very same program in mpmath at 400 bits, which leaves no
doubt; for those with a closed form, that too; and `pytest -m long` compares with jax.grad.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from mpmath import MPContext

import pygrad
import pygrad.math as pm
from pygrad import Value, grad, hessian, jacfwd, jvp, value_and_grad

mp = MPContext()
mp.prec = 400

Program = Callable[..., Any]
REL = 1e-13  # of the largest derivative of the same order

# -- the programs ----------------------------------------------------------------------------------


def square_root_by_bisection(m, a):
    """Halves a bracket, then polishes: the derivative is in the Newton steps, the bracket is numbers."""
    low, high = 0.0, 4.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        if middle * middle < a:
            low = middle
        else:
            high = middle
    x = low
    for _ in range(3):
        x = x - (x * x - a) / (2 * x)
    return x


def fraction_by_bisection(m, a):
    """The bracket depends on the input, so the midpoints do."""
    low, high = 0.0 * a, a
    for _ in range(20):
        middle = (low + high) / 2
        if middle**3 < 7.0:
            low = middle
        else:
            high = middle
    return low


def kepler_by_newton(m, mean, eccentricity):
    """E - e sin E = M, until a step is small, and one step more."""
    x = mean + eccentricity
    for _ in range(50):
        step = (x - eccentricity * m.sin(x) - mean) / (1 - eccentricity * m.cos(x))
        x = x - step
        if abs(step) < 1e-11:
            break
    else:
        raise RuntimeError("no convergence")
    return x - (x - eccentricity * m.sin(x) - mean) / (1 - eccentricity * m.cos(x))


def pendulum_by_rk4(m, angle, speed, damping):
    """Twenty steps of the classical Runge-Kutta method, whose stages see a bouncer at 1.1."""

    def slopes(state):
        a, w = state
        push = 8.0 * (1.1 - a) if a > 1.1 else 0.0
        return (w, -9.81 * m.sin(a) - damping * w * abs(w) + push)

    def moved(state, by, h):
        return tuple(s + h * d for s, d in zip(state, by, strict=True))

    state, h = (angle, speed), 0.05
    for _ in range(20):
        k1 = slopes(state)
        k2 = slopes(moved(state, k1, h / 2))
        k3 = slopes(moved(state, k2, h / 2))
        k4 = slopes(moved(state, k3, h))
        mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True)]
        state = moved(state, mean, h)
    return state[0] * state[0] + 0.1 * state[1]


def normal_cdf(m, x):
    return 0.5 * (1 + m.erf(x / math.sqrt(2)))


def black_scholes_call(m, spot, strike, vol, rate, years):
    width = vol * m.sqrt(years)
    d1 = (m.log(spot / strike) + (rate + vol * vol / 2) * years) / width
    discounted = strike * m.exp(-rate * years)
    return spot * normal_cdf(m, d1) - discounted * normal_cdf(m, d1 - width)


def down_and_out_call_on_paths(m, spot, vol, rate):
    """Simulated paths, each left as soon as it touches the barrier; the same random numbers always."""
    rng = random.Random(7)
    steps, dt, barrier, strike, total = 12, 1 / 12, 85.0, 100.0, 0.0
    for _ in range(25):
        shocks = [rng.gauss(0, 1) for _ in range(steps)]
        s = spot
        for shock in shocks:
            s = s * m.exp((rate - vol * vol / 2) * dt + vol * math.sqrt(dt) * shock)
            if s <= barrier:
                break
        else:
            if s > strike:
                total = total + (s - strike)
    return m.exp(-rate) * total / 25


def down_and_out_call_on_a_tree(m, spot, vol, rate):
    """Backward induction on a binomial tree, knocked out below the barrier."""
    steps = 30
    up = m.exp(vol * math.sqrt(1 / steps))
    growth = m.exp(rate / steps)
    p = (growth - 1 / up) / (up - 1 / up)
    prices = [spot * up ** (2 * i - steps) for i in range(steps + 1)]
    values = [s - 100.0 if s > 100.0 else 0.0 for s in prices]
    for level in range(steps - 1, -1, -1):
        values = [
            (p * values[i + 1] + (1 - p) * values[i]) / growth
            if spot * up ** (2 * i - level) > 85.0
            else 0.0
            for i in range(level + 1)
        ]
    return values[0]


def kalman_likelihood(m, process, noise, start):
    """The log likelihood of a constant-velocity filter; measurements that are far off are left out."""
    x, v = start, 0.0
    a, b, c = 1.0, 0.0, 1.0  # the covariance [[a, b], [b, c]]
    total = 0.0
    for z in (0.9, 2.1, 2.8, 40.0, 4.9, 6.2, -30.0, 7.9):
        x = x + v
        a, b, c = a + 2 * b + c + process / 3, b + c + process / 2, c + process
        miss, spread = z - x, a + noise
        if miss * miss > 25 * spread:
            continue
        gain_x, gain_v = a / spread, b / spread
        x, v = x + gain_x * miss, v + gain_v * miss
        a, b, c = a - gain_x * a, b - gain_x * b, c - gain_v * b
        total = total - 0.5 * (miss * miss / spread + m.log(2 * math.pi * spread))
    return total


def exponential_series(m, x):
    """Terms until they no longer count."""
    total, term, n = 1.0 + 0.0 * x, 1.0, 0
    while True:
        n += 1
        term = term * x / n
        if abs(term) < 1e-30:
            break
        total = total + term
    return total


def elliptic_integral(m, k):
    """K(m) by the arithmetic-geometric mean, recursively."""

    def mean(a, b):
        if abs(a - b) < 1e-17 * a:
            return (a + b) / 2
        return mean((a + b) / 2, m.sqrt(a * b))

    return math.pi / 2 / mean(1.0, m.sqrt(1 - k))


def power_by_squaring(m, x):
    def power(base, n):
        if n == 0:
            return 1.0
        half = power(base, n // 2)
        return half * half * base if n % 2 else half * half

    return power(x, 13) + power(x * 2, 6)


def adaptive_integral(m, a, b):
    """Simpson's rule, refined where the integrand, which the inputs shape, asks for it."""

    def f(t):
        return m.exp(-a * t * t) * m.cos(b * t)

    def simpson(lo, hi):
        return (hi - lo) / 6 * (f(lo) + 4 * f((lo + hi) / 2) + f(hi))

    def integral(lo, hi, whole, depth):
        middle = (lo + hi) / 2
        left, right = simpson(lo, middle), simpson(middle, hi)
        if depth == 0 or abs(left + right - whole) < 1e-5:
            return left + right
        return integral(lo, middle, left, depth - 1) + integral(middle, hi, right, depth - 1)

    return integral(0.0, 3.0, simpson(0.0, 3.0), 8)


def fallbacks(m, x, y):
    """What cannot be computed is computed otherwise."""
    total = 0.0
    for base in (x, y, x - y, x * y):
        try:
            total = total + (m.log(base) if base > 0 else 1 / (base - base))
        except ZeroDivisionError:
            total = total + base**3
    return total


def shortest_paths(m, a, b, c):
    """Floyd and Warshall's loops over edges whose lengths are formulas; min() chooses."""
    far = 1e6
    length = [
        [0.0, a * b, far, c * c],
        [far, 0.0, m.sqrt(a), 4.0],
        [far, far, 0.0, m.exp(b)],
        [far, far, far, 0.0],
    ]
    nodes = range(4)
    for k, i, j in itertools.product(nodes, repeat=3):
        length[i][j] = min(length[i][j], length[i][k] + length[k][j])
    return length[0][3] + length[1][3] * length[0][2]


def trimmed_mean(m, *xs):
    """Sorted, without the smallest and the largest, weighed by rank."""
    kept = sorted(xs)[1:-1]
    return sum(x * x * rank for rank, x in enumerate(kept, 1)) / len(kept)


def table_lookup(m, x):
    """A table interpolated by a cubic on the interval that the input falls in."""
    table = [0.0, 1.0, 4.0, 2.0, -1.0, 3.0]
    i = int(x.data) if hasattr(x, "data") and isinstance(x, Value) else int(x)
    t = x - i
    p0, p1, p2, p3 = table[i - 1 : i + 3]
    return p1 + t * (
        (p2 - p0) / 2 + t * ((p0 - 2.5 * p1 + 2 * p2 - p3 / 2) + t * 1.5 * (p1 - p2) + 0.0)
    )


PROGRAMS: dict[str, tuple[Program, tuple[float, ...]]] = {
    "bisection and Newton": (square_root_by_bisection, (2.7,)),
    "bisection of the input": (fraction_by_bisection, (5.3,)),
    "Newton for Kepler": (kepler_by_newton, (1.3, 0.6)),
    "RK4": (pendulum_by_rk4, (1.0, 0.8, 0.3)),
    "Black and Scholes": (black_scholes_call, (100.0, 95.0, 0.25, 0.03, 0.5)),
    "barrier on paths": (down_and_out_call_on_paths, (100.0, 0.3, 0.05)),
    "barrier on a tree": (down_and_out_call_on_a_tree, (100.5, 0.3, 0.05)),
    "Kalman filter": (kalman_likelihood, (0.2, 0.5, 0.1)),
    "series with break": (exponential_series, (1.7,)),
    "recursion": (elliptic_integral, (0.4,)),
    "recursion on an int": (power_by_squaring, (1.1,)),
    "adaptive recursion": (adaptive_integral, (0.8, 3.0)),
    "try and except": (fallbacks, (1.2, 2.5)),
    "builtin min": (shortest_paths, (0.7, 0.4, 1.3)),
    "sorting": (trimmed_mean, (3.0, -1.0, 2.5, 0.5, 7.0)),
    "table": (table_lookup, (2.3,)),
}
programs = pytest.mark.parametrize(("program", "at"), PROGRAMS.values(), ids=PROGRAMS)


# -- the truth -------------------------------------------------------------------------------------


def true_derivative(program: Program, at: Sequence[float], by: Sequence[int]) -> Any:
    """A central difference of the program in mpmath, once by each input that `by` lists."""
    h = mp.ldexp(1, -100)
    total = mp.zero
    for signs in itertools.product([1, -1], repeat=len(by)):
        xs = [mp.mpf(x) for x in at]
        for sign, i in zip(signs, by, strict=True):
            xs[i] += sign * h
        total += math.prod(signs) * program(mp, *xs)
    return float(total / (2 * h) ** len(by))


def close(found: Sequence[float], expected: Sequence[float], rel: float = REL) -> bool:
    """Within rel of the largest."""
    size = max(map(abs, expected))
    return all(abs(a - b) <= rel * size for a, b in zip(found, expected, strict=True))


def on_values(program: Program) -> Program:
    return lambda *xs: program(pm, *xs)


@programs
def test_first_derivatives_of_the_program_that_ran(program, at):
    every = tuple(range(len(at)))
    expected = [true_derivative(program, at, [i]) for i in every]
    value, by_reverse = value_and_grad(on_values(program), argnums=every)(*at)
    assert value == pytest.approx(float(program(mp, *map(mp.mpf, at))), rel=1e-13)
    assert close(by_reverse, expected)
    assert close(jacfwd(on_values(program), argnums=every)(*at), expected)
    along = [1.0 / (i + 1) for i in every]
    _, tangent = jvp(on_values(program), at, tuple(along))
    assert close([tangent], [sum(a * b for a, b in zip(along, expected, strict=True))], 10 * REL)


@programs
def test_second_derivatives_of_the_program_that_ran(program, at):
    every = tuple(range(len(at)))
    found = hessian(on_values(program), argnums=every)(*at)
    for i in every:
        expected = [true_derivative(program, at, [i, k]) for k in every]
        largest = max(*map(abs, expected), 1e-3)
        assert all(
            abs(a - b) <= 100 * REL * largest for a, b in zip(found[i], expected, strict=True)
        )


@pytest.mark.long
@programs
def test_the_same_derivatives_by_jax(program, at):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    names = ["exp", "log", "sqrt", "sin", "cos"]
    m = SimpleNamespace(
        erf=jax.scipy.special.erf, **{name: getattr(jax.numpy, name) for name in names}
    )
    if program is fallbacks:  # division by 0 does not raise there
        pytest.skip("JAX does not raise")
    every = tuple(range(len(at)))
    theirs = [float(x) for x in jax.grad(lambda *xs: program(m, *xs), argnums=every)(*at)]
    assert close(grad(on_values(program), argnums=every)(*at), theirs)


# -- closed forms ----------------------------------------------------------------------------------


def test_square_roots_by_bisection_have_the_roots_derivatives():
    f = on_values(square_root_by_bisection)
    for a in (0.5, 2.0, 9.0):
        assert grad(f)(a) == pytest.approx(0.5 * a**-0.5, rel=1e-14)
        assert hessian(f)(a) == pytest.approx(-0.25 * a**-1.5, rel=1e-13)
        assert grad(hessian(f))(a) == pytest.approx(0.375 * a**-2.5, rel=1e-12)


def test_bisection_alone_differentiates_the_midpoints():
    """With numbers for a bracket the result does not depend on the input, where it runs the same way."""

    def by_bisection(a):
        low, high = 0.0, 4.0
        while high - low > 1e-9:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if middle * middle < a else (low, middle)
        return low

    assert grad(by_bisection)(2.0) == 0.0
    f = on_values(fraction_by_bisection)
    value, slope = value_and_grad(f)(5.3)
    assert slope * 2**20 == round(slope * 2**20)  # the midpoint is this fraction of the input
    assert value == pytest.approx(slope * 5.3, rel=1e-15)


def test_keplers_equation_by_newton_has_the_implicit_derivatives():
    f = on_values(kepler_by_newton)
    for mean, e in [(1.3, 0.6), (0.2, 0.05), (3.0, 0.95)]:
        x = f(mean, e)
        below = 1 - e * math.cos(x)
        assert grad(f)(mean, e) == pytest.approx(1 / below, rel=1e-13)
        assert grad(f, 1)(mean, e) == pytest.approx(math.sin(x) / below, rel=1e-13)
        assert hessian(f)(mean, e) == pytest.approx(-e * math.sin(x) / below**3, rel=1e-11)


def test_rk4_on_a_linear_equation_has_the_polynomials_derivatives():
    """One step multiplies by 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24 for z = h a."""

    def integrate(a, y):
        h = 0.125
        for _ in range(8):
            k1 = a * y
            k2 = a * (y + h / 2 * k1)
            k3 = a * (y + h / 2 * k2)
            k4 = a * (y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y

    a, y, z = -1.5, 2.0, -1.5 / 8
    factor = 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24
    slope = 1 + z + z**2 / 2 + z**3 / 6
    by_a, by_y = grad(integrate, argnums=(0, 1))(a, y)
    assert by_y == pytest.approx(factor**8, rel=1e-14)
    assert by_a == pytest.approx(8 * factor**7 * slope / 8 * y, rel=1e-14)
    assert by_a == pytest.approx(y * math.exp(a), rel=1e-4)  # of the equation itself


def test_greeks_of_black_and_scholes():
    spot, strike, vol, rate, years = 100.0, 95.0, 0.25, 0.03, 0.5
    f = on_values(black_scholes_call)
    width = vol * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + vol**2 / 2) * years) / width
    d2 = d1 - width
    cdf = lambda x: 0.5 * math.erfc(-x / math.sqrt(2))  # noqa: E731
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    discounted = strike * math.exp(-rate * years)
    vega = spot * density * math.sqrt(years)
    point = (spot, strike, vol, rate, years)
    by_spot, by_strike, by_vol, by_rate, by_years = grad(f, (0, 1, 2, 3, 4))(*point)
    assert by_spot == pytest.approx(cdf(d1), rel=1e-13)
    assert by_strike == pytest.approx(-math.exp(-rate * years) * cdf(d2), rel=1e-13)
    assert by_vol == pytest.approx(vega, rel=1e-13)
    assert by_rate == pytest.approx(years * discounted * cdf(d2), rel=1e-13)
    theta = spot * density * vol / (2 * math.sqrt(years)) + rate * discounted * cdf(d2)
    assert by_years == pytest.approx(theta, rel=1e-13)
    second = hessian(f, (0, 2))(spot, strike, vol, rate, years)
    assert second[0][0] == pytest.approx(density / (spot * width), rel=1e-12)  # gamma
    assert second[0][1] == pytest.approx(-density * d2 / vol, rel=1e-12)  # vanna
    assert second[1][0] == pytest.approx(-density * d2 / vol, rel=1e-12)
    assert second[1][1] == pytest.approx(vega * d1 * d2 / vol, rel=1e-12)  # volga


def test_a_barrier_option_has_the_delta_of_its_closed_form():
    """Reiner and Rubinstein (1991): the vanilla call less its mirror image at the barrier."""
    barrier, strike, vol, rate = 85.0, 100.0, 0.3, 0.05

    def closed(m, spot):
        mirror = (spot / barrier) ** (1 - 2 * rate / vol**2)
        vanilla = black_scholes_call(m, spot, strike, vol, rate, 1.0)
        return vanilla - mirror * black_scholes_call(m, barrier**2 / spot, strike, vol, rate, 1.0)

    for spot in (90.0, 100.0, 130.0):
        expected = true_derivative(closed, [spot], [0])
        assert grad(on_values(closed))(spot) == pytest.approx(expected, rel=1e-12)


def test_a_path_that_is_knocked_out_contributes_nothing():
    knocked_out = grad(on_values(down_and_out_call_on_paths), (0, 1, 2))(40.0, 0.3, 0.05)
    assert knocked_out == (0.0, 0.0, 0.0)


def test_a_step_of_a_kalman_filter_has_its_closed_forms_derivatives():
    """One scalar step: gain p / (p + r), mean x + gain (z - x), variance (1 - gain) p."""

    def step(x, p, r, z):
        gain = p / (p + r)
        return [x + gain * (z - x), (1 - gain) * p]

    x, p, r, z = 1.0, 2.0, 0.5, 3.0
    found = jacfwd(step, argnums=(0, 1, 2, 3))(x, p, r, z)
    total = p + r
    mean = [r / total, r * (z - x) / total**2, -p * (z - x) / total**2, p / total]
    variance = [0.0, r * r / total**2, p * p / total**2, 0.0]
    assert found[0] == pytest.approx(mean, rel=1e-14)
    assert found[1] == pytest.approx(variance, rel=1e-14)


def test_the_elliptic_integral_by_recursion_has_its_derivative():
    f = on_values(elliptic_integral)
    for k in (0.1, 0.4, 0.9):
        exactly = (mp.ellipe(k) - (1 - k) * mp.ellipk(k)) / (2 * k * (1 - k))
        assert grad(f)(k) == pytest.approx(float(exactly), rel=1e-13)


def test_a_series_that_stops_has_the_derivatives_of_its_sum():
    f = on_values(exponential_series)
    third = grad(grad(grad(f)))
    for x in (-1.0, 0.3, 2.0):
        assert grad(f)(x) == pytest.approx(math.exp(x), rel=1e-14)
        assert third(x) == pytest.approx(math.exp(x), rel=1e-14)


def test_exceptions_choose_the_branch():
    def careful(x):
        try:
            y = pm.log(x)
        except ValueError:
            return -x
        try:
            return pm.exp(y * 1000.0)
        except OverflowError:
            return y

    assert grad(careful)(-3.0) == -1.0
    assert grad(careful)(3.0) == 1 / 3.0
    assert grad(careful)(1.0) == 1000.0
    assert grad(lambda x: x if x > 0 else 2 * x)(-1.0) == 2.0
    assert hessian(careful)(-3.0) == 0.0


def test_builtin_choices_pass_the_whole_slope_to_what_they_choose():
    xs = [3.0, -1.0, 3.0, 0.5]
    assert grad(lambda v: max(v))(xs) == [1.0, 0.0, 0.0, 0.0]
    assert grad(lambda v: min(v) * 2)(xs) == [0.0, 2.0, 0.0, 0.0]
    assert grad(lambda v: sorted(v)[1])(xs) == [0.0, 0.0, 0.0, 1.0]
    assert grad(lambda v: next(x for x in v if x < 1))(xs) == [0.0, 1.0, 0.0, 0.0]
    assert grad(lambda v: sum(x for x in v if x > 1))(xs) == [1.0, 0.0, 1.0, 0.0]
    ordered = sorted(range(5), key=lambda i: PROGRAMS["sorting"][1][i])
    by_rank = {i: rank for rank, i in enumerate(ordered)}
    at = PROGRAMS["sorting"][1]
    expected = [2 * x * by_rank[i] / 3 if 0 < by_rank[i] < 4 else 0.0 for i, x in enumerate(at)]
    found = grad(on_values(trimmed_mean), tuple(range(5)))(*at)
    assert found == pytest.approx(expected, rel=1e-15)


def test_each_point_takes_its_own_way():
    """The branches taken are those of the point, at every call anew."""
    trace = []

    def f(x):
        steps = 0
        while x < 100.0:
            x = x * x if x > 2.0 else 3 * x
            steps += 1
        trace.append(steps)
        return x

    # 1 -> 3 -> 9 -> 81 -> 6561: (3 x)**8
    assert grad(f)(1.0) == 8 * 3.0**8
    assert grad(f)(11.0) == 22.0
    assert grad(f)(200.0) == 1.0
    assert hessian(f)(1.0) == 56 * 3.0**8
    assert trace == [4, 1, 0, 4]


def test_loops_with_state_in_lists_dicts_and_generators():
    def f(x):
        memory = {0: x}
        for n in range(1, 6):
            memory[n] = memory[n - 1] * x + n
        stream = (value * value for value in memory.values())
        window = []
        for value in stream:
            window.append(value)
            if len(window) > 3:
                window.pop(0)
        return pygrad.sum(window)

    def on_mpmath(m, x):
        memory = {0: x}
        for n in range(1, 6):
            memory[n] = memory[n - 1] * x + n
        return sum(memory[n] ** 2 for n in (3, 4, 5))

    for order, derivative in enumerate([grad(f), hessian(f), grad(hessian(f))], 1):
        assert derivative(1.3) == pytest.approx(
            true_derivative(on_mpmath, [1.3], [0] * order), rel=1e-14
        )
