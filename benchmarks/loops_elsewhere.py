"""Loops of programs against JAX, Dr.Jit and Warp: `while_loop`, `scan`, `odeint` of the same bodies.

Rows under vmap, in float64, on one core: a bisection, an adaptive step, a barrier, a scan of 1,000 steps,
and trajectories of an equation; values, and values with the slope by the first argument, reverse where
there is a choice: JAX and Dr.Jit have no way back through a loop whose trips are not known, and go
forward there; JAX's `odeint` has no way forward. Warp's kernels, in loops_by_warp.py, go back. Then
what the first call takes, with all that is traced and compiled for it, in a process that has compiled
another function, and without what an earlier process has left on disk.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import harness
from harness import Row, Side, timed

# -- the bodies, each stated once: m has the functions, and the loops by JAX's names ---------------------


def bisection(m: Any, x: Any) -> Any:
    def body(s: Any) -> Any:
        low, high = s
        middle = 0.5 * (low + high)
        below = middle * middle < x
        return m.where(below, middle, low), m.where(below, high, middle)

    return m.while_loop(lambda s: s[1] - s[0] > 1e-12 * x, body, (0.0 * x, 1.0 + x))[0]


def pendulum(m: Any, angle: Any) -> Any:
    """Bogacki and Shampine's pair, with a step of its own: see loops.py."""
    tolerance = 1e-8

    def body(s: Any) -> Any:
        t, step, angle, speed = s
        step = m.minimum(step, 10.0 - t)
        a1, b1 = speed, -m.sin(angle)
        a2, b2 = speed + 0.5 * step * b1, -m.sin(angle + 0.5 * step * a1)
        a3, b3 = speed + 0.75 * step * b2, -m.sin(angle + 0.75 * step * a2)
        new = angle + step * (2 * a1 + 3 * a2 + 4 * a3) / 9
        new_speed = speed + step * (2 * b1 + 3 * b2 + 4 * b3) / 9
        error = abs(step * (-5 * a1 / 72 + a2 / 12 + a3 / 9 - new_speed / 8))
        taken = error <= tolerance
        factor = m.exp(m.log(tolerance / (error + 1e-30)) / 3.0)
        factor = m.minimum(5.0, m.maximum(0.2, 0.9 * factor))
        t, angle = m.where(taken, t + step, t), m.where(taken, new, angle)
        return t, step * factor, angle, m.where(taken, new_speed, speed)

    zero = 0.0 * angle
    return m.while_loop(lambda s: s[0] < 10.0, body, (zero, zero + 0.25, angle, zero))[2]


def barrier(m: Any, volatility: Any, draws: Any) -> Any:
    def body(s: Any, z: Any) -> Any:
        price, most = s
        price = price * m.exp(0.05 * volatility * z - 0.00125 * volatility * volatility)
        return (price, m.maximum(most, price)), None

    one = 0.0 * volatility + 1.0
    (price, most), _ = m.scan(body, (one, one), draws)
    return m.where(most > 1.5, 0.0 * volatility, m.maximum(price - 1.0, 0.0 * volatility))


def filtered(m: Any, gain: Any, drive: Any) -> Any:
    """The energy that leaves a saturating filter."""

    def body(s: Any, u: Any) -> Any:
        level, energy = s
        level = level + 0.05 * (m.tanh(gain * u) - level)
        return (level, energy + 0.01 * level * level), None

    zero = 0.0 * gain
    return m.scan(body, (zero, zero), drive)[0][1]


def orbit(m: Any, growth: Any) -> Any:
    """Prey of Lotka and Volterra after 20 times."""

    def slopes(y: Any, t: Any, growth: Any) -> Any:
        return [y[0] * (growth - 0.4 * y[1]), y[1] * (0.5 * y[0] - 0.8)]

    times = [0.5 * k for k in range(21)]
    return m.odeint(slopes, [2.0, 1.0], times, growth)[0][20]


EVERYWHERE = ("pygrad", "JAX", "Dr.Jit")


class Case(NamedTuple):
    what: str
    f: Callable[..., Any]
    rows: int
    trips: int = 0  # of a scan; 0: as many as it takes
    sides: tuple[str, ...] = EVERYWHERE


CASES = {
    "bisection": Case("bisection to 1e-12", bisection, 1000),
    "pendulum": Case("adaptive RK23", pendulum, 60, sides=(*EVERYWHERE, "Warp")),
    "barrier": Case("barrier, scan of 365 steps", barrier, 1000, 365, sides=(*EVERYWHERE, "Warp")),
    "filter": Case("scan of 1,000 steps", filtered, 100, 1000),
    "orbit": Case("Lotka-Volterra by odeint", orbit, 1000, sides=("pygrad", "JAX")),
}


ANOTHER = Case("a square", lambda m, x: x * x, 4)


_RANGES = {pendulum: (0.1, 3.0), orbit: (1.0, 1.2)}


def columns(case: Case) -> list[Any]:
    import numpy as np

    if not case.trips:
        return [np.linspace(*_RANGES.get(case.f, (0.1, 50.0)), case.rows)]
    xs = np.random.default_rng(5).normal(size=(case.rows, case.trips))
    return [np.linspace(0.05, 0.4, case.rows), xs]


# -- the sides ------------------------------------------------------------------------------------------


def side(make: Callable[[Case, bool], tuple[Callable[..., Any], list[Any]]], *needs: str) -> Side:
    """A side whose function is made by make; and what it is called with."""

    def run(name: str, slopes: bool, seconds: float, first: bool) -> dict[str, Any]:
        call, given = make(ANOTHER, slopes)
        call(*given)
        call, given = make(CASES[name], slopes)
        began = time.perf_counter()
        result = call(*given)
        took = time.perf_counter() - began
        numbers = [float(x) for part in result for x in part]
        if first:
            return {"result": numbers, "seconds": took if seconds else None}
        return timed(lambda: call(*given), numbers, seconds)

    return Side(run, needs)


class OfPygrad:
    """The functions for bodies."""

    def __init__(self) -> None:
        pygrad = importlib.import_module("pygrad")
        m = pygrad.math
        self.exp, self.log, self.sin, self.tanh = m.exp, m.log, m.sin, m.tanh
        self.where, self.minimum, self.maximum = m.where, m.minimum, m.maximum
        self.while_loop, self.scan = pygrad.while_loop, pygrad.scan
        self.odeint = pygrad.odeint


def with_pygrad(case: Case, slopes: bool) -> tuple[Callable[..., Any], list[Any]]:
    pygrad = importlib.import_module("pygrad")
    m = OfPygrad()

    def f(*x: Any) -> Any:
        return case.f(m, *x)

    mapped = pygrad.compile(pygrad.vmap(pygrad.value_and_grad(f) if slopes else f))
    return (mapped if slopes else lambda *x: (mapped(*x),)), columns(case)


def with_jax(case: Case, slopes: bool) -> tuple[Callable[..., Any], list[Any]]:
    import jax
    from jax import lax
    from jax import numpy as jnp
    from jax.experimental import ode

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")

    class OfJax:
        exp, log, sin, tanh = jnp.exp, jnp.log, jnp.sin, jnp.tanh
        where, minimum, maximum = jnp.where, jnp.minimum, jnp.maximum
        while_loop, scan = staticmethod(lax.while_loop), staticmethod(lax.scan)

        @staticmethod
        def odeint(slopes: Any, y0: Any, times: Any, *args: Any) -> Any:
            return ode.odeint(slopes, y0, jnp.asarray(times), *args)

    def f(*x: Any) -> Any:
        return case.f(OfJax, *x)

    def forward(x: Any) -> Any:
        return jax.jvp(f, (x,), (jnp.ones_like(x),))

    both = jax.value_and_grad(f) if case.trips or case.f is orbit else forward
    call = jax.jit(jax.vmap(both if slopes else f))
    given = [jnp.asarray(column) for column in columns(case)]

    def run(*x: Any) -> Any:
        result = jax.block_until_ready(call(*x))
        return result if slopes else (result,)

    return run, given


def with_drjit(case: Case, slopes: bool) -> tuple[Callable[..., Any], list[Any]]:
    os.environ["DRJIT_CACHE_DIR"] = harness.scratch()
    import drjit as dr
    from drjit.llvm.ad import Float64 as Float
    from drjit.llvm.ad import UInt32

    class OfDrjit:
        exp, log, sin, tanh = dr.exp, dr.log, dr.sin, dr.tanh
        where = dr.select

        @staticmethod
        def minimum(a: Any, b: Any) -> Any:  # LLVM 15 has no code for that of dr, and aborts
            return dr.select(a < b, a, b)

        @staticmethod
        def maximum(a: Any, b: Any) -> Any:
            return dr.select(a > b, a, b)

        @staticmethod
        def while_loop(goes_on: Any, body: Any, init: Any) -> Any:
            return dr.while_loop(
                tuple(map(Float, init)), lambda *s: goes_on(s), lambda *s: body(s), mode="symbolic"
            )

        @staticmethod
        def scan(body: Any, init: Any, xs: Any) -> Any:
            def step(i: Any, *s: Any) -> Any:
                return (i + 1, *body(s, dr.gather(Float, xs, i * case.rows + row))[0])

            row = dr.arange(UInt32, case.rows)
            state = (dr.zeros(UInt32, case.rows), *map(Float, init))
            final = dr.while_loop(state, lambda i, *s: i < case.trips, step, mode="symbolic")
            return final[1:], None

    def run(x: Any, *rest: Any) -> Any:
        x = Float(x)
        if slopes:
            dr.enable_grad(x)
            dr.set_grad(x, 1.0)
        y = case.f(OfDrjit, x, *rest)
        if not slopes:
            dr.eval(y)
            dr.sync_thread()
            return (y,)
        slope = dr.forward_to(y, flags=dr.ADFlag.Default)
        value = dr.detach(y)
        dr.eval(value, slope)
        dr.sync_thread()
        return value, slope

    given = columns(case)
    if len(given) > 1:
        given[1] = given[1].T.ravel().copy()
    return run, [Float(column) for column in given]


def with_warp(case: Case, slopes: bool) -> tuple[Callable[..., Any], list[Any]]:
    import loops_by_warp

    make = {barrier: loops_by_warp.barrier, pendulum: loops_by_warp.pendulum}
    return make.get(case.f, loops_by_warp.square)(slopes, *columns(case)), []


SIDES = {
    "pygrad": side(with_pygrad, "pygrad", "numpy"),
    "JAX": side(with_jax, "jax", "numpy"),
    "Dr.Jit": side(with_drjit, "drjit", "numpy"),
    "Warp": side(with_warp, "warp", "numpy"),
}
SOONER = 50.0  # times, the first call, than JAX's


def compare(quick: bool) -> list[Row]:
    rounds, seconds = (1, 0.05) if quick else (3, 0.5)
    rows: list[Row] = []
    if sum(harness.can_run(name, each) for name, each in SIDES.items()) < 2:
        for name in CASES:  # there is nothing to compare with, but that it runs
            harness.agree(
                __file__, {"pygrad": SIDES["pygrad"]}, rel=0.0, name=name, slopes=True, first=True
            )
        return rows
    for name, case in CASES.items():
        for slopes in (False, True):
            for first in (False, True):
                times = harness.race(
                    __file__,
                    {side: SIDES[side] for side in case.sides},
                    rounds,
                    rel=1e-6 if case.f is orbit else 1e-8,  # steps of other sizes
                    per=1 if first else case.rows,
                    seconds=seconds,
                    cores=1,
                    name=name,
                    slopes=slopes,
                    first=first,
                )
                ours = times.pop("pygrad")
                also = ", value + slope" if slopes else ""
                what = (
                    f"{case.what}, {case.rows:,} rows{also}: {'first call' if first else 'a row'}"
                )
                for other, theirs in times.items():
                    target = (SOONER if first else 1.0) if other == "JAX" else None
                    rows.append(harness.versus(what, ours, other, theirs, at_least=target))
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
