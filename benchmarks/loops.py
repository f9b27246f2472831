"""Loops and branches of plain Python, by `autograph`, against the same function on floats, row by row.

A bisection, an adaptive step, a barrier, Newton's method, a controller, a package that bisects, a long
integration by `fori_loop`, and two scans.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import harness
from harness import Row, Side, timed

STEPS = 100_000


def bisection(x: Any) -> Any:
    low, high = 0.0 * x, 1.0 + x
    while high - low > 1e-12 * x:
        m = 0.5 * (low + high)
        if m * m < x:
            low = m
        else:
            high = m
    return low


def newton(x: Any) -> Any:
    y = x
    while abs(y * y - x) > 1e-12 * x:
        y = 0.5 * (y + x / y)
    return y


def pendulum(angle: Any) -> Any:
    """Bogacki and Shampine's pair, with a step of its own."""
    sin = pygrad_math().sin
    t, speed, step, tolerance = 0.0, 0.0 * angle, 0.25, 1e-8
    while t < 10.0:
        if t + step > 10.0:
            step = 10.0 - t
        a1, b1 = speed, -sin(angle)
        a2, b2 = speed + 0.5 * step * b1, -sin(angle + 0.5 * step * a1)
        a3, b3 = speed + 0.75 * step * b2, -sin(angle + 0.75 * step * a2)
        new = angle + step * (2 * a1 + 3 * a2 + 4 * a3) / 9
        new_speed = speed + step * (2 * b1 + 3 * b2 + 4 * b3) / 9
        error = abs(step * (-5 * a1 / 72 + a2 / 12 + a3 / 9 - new_speed / 8))
        if error <= tolerance:
            t, angle, speed = t + step, new, new_speed
        step = step * min(5.0, max(0.2, 0.9 * (tolerance / (error + 1e-30)) ** (1 / 3)))
    return angle


def barrier(volatility: Any, draws: Any) -> Any:
    exp = pygrad_math().exp
    price = 1.0
    for z in draws:
        price = price * exp(0.05 * volatility * z - 0.00125 * volatility**2)
        if price > 1.5:
            return 0.0 * volatility
    return max(price - 1.0, 0.0)


def barrier_by_scan(volatility: Any, draws: Any) -> Any:
    pygrad = importlib.import_module("pygrad")
    exp, where = pygrad.math.exp, pygrad.where

    def step(state: Any, z: Any) -> Any:
        price, out = state
        price = where(out, price, price * exp(0.05 * volatility * z - 0.00125 * volatility**2))
        return (price, out | (price > 1.5)), None

    price, out = pygrad.scan(step, (1.0, False), draws)[0]
    return where(out, 0.0, where(price > 1.0, price - 1.0, 0.0))


def filtered(rate: Any, draws: Any) -> Any:
    """A recurrence whose every state counts."""
    tanh, total, s = pygrad_math().tanh, 0.0, rate
    for z in draws:
        y = s * z
        s = 0.9 * s + tanh(rate * z)
        total = total + y * y
    return s + total


def filtered_by_scan(rate: Any, draws: Any) -> Any:
    pygrad = importlib.import_module("pygrad")
    tanh = pygrad.math.tanh
    s, ys = pygrad.scan(lambda s, z: (0.9 * s + tanh(rate * z), s * z), rate, draws)
    return s + (ys * ys).sum()


class Controller:
    def __init__(self, gain: Any) -> None:
        self.gain, self.total = gain, 0.0

    def __call__(self, error: Any) -> Any:
        self.total += 0.1 * error
        flow = self.gain * error + 0.1 * self.total
        if flow > 1.0:
            flow = 1.0
            self.total -= 0.1 * error
        elif flow < 0.0:
            flow = 0.0
        return flow


def controlled(gain: Any, target: Any) -> Any:
    sqrt = pygrad_math().sqrt
    level, settled, controller = 0.5, 0, Controller(gain)
    for _ in range(60):
        level += 0.1 * (controller(target - level) - 0.5 * sqrt(level))
        if abs(level - target) < 0.001:
            settled += 1
        else:
            settled = 0
        if settled > 3:
            break
    return level


def rotated(x: Any) -> Any:
    """Runge and Kutta's method of fourth order, on a rotation."""
    h = 1e-4

    def step(_: Any, s: Any) -> Any:
        a, b = s
        k1, l1 = b, -a
        k2, l2 = b + 0.5 * h * l1, -(a + 0.5 * h * k1)
        k3, l3 = b + 0.5 * h * l2, -(a + 0.5 * h * k2)
        k4, l4 = b + h * l3, -(a + h * k3)
        return a + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6, b + h * (l1 + 2 * l2 + 2 * l3 + l4) / 6

    return importlib.import_module("pygrad").fori_loop(0, STEPS, step, (x, 0.0 * x))[0]


def wet_bulb(t: Any, w: Any) -> Any:
    return package().GetTWetBulbFromHumRatio(t, w, 101325.0)


def pygrad_math() -> Any:
    return importlib.import_module("pygrad").math


def package() -> Any:
    """psychrolib as it is, or lifted: see sides."""
    return _package[0]


_package: list[Any] = []


class Case(NamedTuple):
    what: str
    f: Callable[..., Any]
    rows: int
    targets: tuple[float, float]  # of values; with slopes
    needs: tuple[str, ...] = ()
    plain: Callable[..., Any] | None = None  # what floats run, if that is another function


CASES = {
    "bisection": Case("bisection to 1e-12", bisection, 1000, (30.0, 15.0)),
    "pendulum": Case("adaptive RK23", pendulum, 60, (20.0, 8.0)),
    "barrier": Case("barrier, 365 steps, early return", barrier, 1000, (30.0, 12.0)),
    "newton": Case("Newton's method until done", newton, 100_000, (30.0, 10.0)),
    "controller": Case("tanks with a PI controller", controlled, 400, (0.9, 0.9)),
    "wet bulb": Case("psychrolib's wet bulb, lifted", wet_bulb, 1000, (5.0, 2.0), ("psychrolib",)),
    "barrier by scan": Case(
        "barrier, 365 steps, by scan", barrier_by_scan, 1000, (30.0, 12.0), (), barrier
    ),
    "recurrence": Case("scan of 1,000 steps", filtered_by_scan, 1000, (30.0, 12.0), (), filtered),
    "integration": Case(f"{STEPS:,} RK4 steps by fori_loop", rotated, 1, (1.0, 0.33)),
}


def inputs(case: str, rows: int) -> list[Any]:
    import numpy as np

    if case == "recurrence":
        draws = np.random.default_rng(6).normal(size=(rows, 1000))
        return [np.linspace(0.1, 1.0, rows), draws]
    if case.startswith("barrier"):
        draws = np.random.default_rng(5).normal(size=(rows, 365))
        return [np.linspace(0.05, 0.4, rows), draws]
    if case == "controller":
        return [np.linspace(0.5, 3.0, rows), np.linspace(0.4, 1.8, rows)]
    if case == "wet bulb":
        return [np.linspace(5.0, 40.0, rows), np.linspace(0.001, 0.005, rows)]
    return [np.linspace(0.1, 3.0 if case == "pendulum" else 50.0, rows)]


def with_pygrad(case: str, slopes: bool, seconds: float) -> dict[str, Any]:
    pygrad = importlib.import_module("pygrad")
    if case == "wet bulb":
        plain = importlib.import_module("psychrolib")
        _package[:] = [pygrad.lift("psychrolib", autograph=True)]
        _package[0].SetUnitSystem(plain.SI)
    f = CASES[case].f
    call = pygrad.compile(pygrad.vmap(pygrad.value_and_grad(f) if slopes else f), autograph=True)
    columns = inputs(case, CASES[case].rows)
    run = (lambda: call(*columns)[0]) if slopes else (lambda: call(*columns))
    return timed(run, list(run()), seconds)


def with_floats(case: str, slopes: bool, seconds: float) -> dict[str, Any]:
    if case == "wet bulb":
        plain = importlib.import_module("psychrolib")
        _package[:] = [plain]
        plain.SetUnitSystem(plain.SI)
    f = CASES[case].plain or CASES[case].f
    rows = list(zip(*[c.tolist() for c in inputs(case, CASES[case].rows)], strict=True))

    def run() -> list[float]:
        return [f(*row) for row in rows]

    return timed(run, run(), seconds)


SIDES = {
    "pygrad": Side(with_pygrad, ("pygrad", "numpy")),
    "Python floats": Side(with_floats, ("pygrad", "numpy")),
}


def compare(quick: bool) -> list[Row]:
    rounds, seconds = (1, 0.05) if quick else (3, 0.5)
    rows: list[Row] = []
    for name, case in CASES.items():
        if not all(harness.can_run(name, Side(with_floats, (needed,))) for needed in case.needs):
            continue
        for slopes in (False, True):
            times = harness.race(
                __file__,
                SIDES,
                rel=1e-9,
                per=case.rows,
                rounds=rounds,
                seconds=seconds,
                cores=1,
                case=name,
                slopes=slopes,
            )
            what = f"{case.what}, {case.rows:,} rows{', value + slope' if slopes else ''}: a row"
            ours, theirs = times["pygrad"], times["Python floats"]
            target = case.targets[slopes]
            rows.append(harness.versus(what, ours, "Python floats", theirs, at_least=target))
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
