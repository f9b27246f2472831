"""Solutions by `custom_root`: rows of a wet bulb temperature, and the gradient of a large system.

The wet bulb is found by bisection, as psychrolib finds it: in the program by `where` and `fori_loop`, and
on the other side by a Python loop over floats, with `if`, which has the value alone. The system has 30
unknowns; its gradient, one linear system however Newton's method has gone, is compared with one step of
that: the Jacobian of the residuals, and a solution of the linear system that it makes.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import harness
from harness import Row, Side, slopes_side, timed

ROWS, ROUNDS, UNKNOWNS = 1000, 45, 30
PRESSURE = 101325.0

# -- the wet bulb ----------------------------------------------------------------------------------


def saturation(m: Any, t: Any) -> Any:
    """Vapour pressure over water in Pa, t in degrees Celsius: ASHRAE Handbook, Fundamentals, equation 6."""
    k = t + 273.15
    return m.exp(
        -5.8002206e3 / k
        + 1.3914993
        - 4.8640239e-2 * k
        + 4.1764768e-5 * k * k
        - 1.4452093e-8 * k * k * k
        + 6.5459673 * m.log(k)
    )


def ratio_at(m: Any, wet: Any, dry: Any) -> Any:
    """The humidity ratio of air with these temperatures of the wet and of the dry bulb."""
    vapour = saturation(m, wet)
    saturated = 0.621945 * vapour / (PRESSURE - vapour)
    return ((2501.0 - 2.326 * wet) * saturated - 1.006 * (dry - wet)) / (
        2501.0 + 1.86 * dry - 4.186 * wet
    )


def ratio_of(m: Any, dry: Any, humidity: Any) -> Any:
    vapour = humidity * saturation(m, dry)
    return 0.621945 * vapour / (PRESSURE - vapour)


def with_pygrad(slopes: bool) -> Callable[[], Any]:
    pygrad = importlib.import_module("pygrad")
    m = pygrad.math

    @pygrad.custom_root(lambda wet, dry, ratio: ratio_at(m, wet, dry) - ratio)  # type: ignore[untyped-decorator]
    def solved(dry: Any, ratio: Any) -> Any:
        def halve(_: Any, bounds: Any) -> Any:
            low, high = bounds
            middle = 0.5 * (low + high)
            above = ratio_at(m, middle, dry) > ratio
            return m.where(above, low, middle), m.where(above, middle, high)

        low, high = pygrad.fori_loop(0, ROUNDS, halve, (dry - 40.0, dry + 0.0))
        return 0.5 * (low + high)

    def wet_bulb(dry: Any, humidity: Any) -> Any:
        return solved(dry, ratio_of(m, dry, humidity))

    f = pygrad.value_and_grad(wet_bulb) if slopes else wet_bulb
    call, given = pygrad.compile(pygrad.vmap(f)), columns()
    return lambda: call(*given)[0] if slopes else call(*given)


def with_floats(slopes: bool) -> Callable[[], Any]:
    def wet_bulb(dry: float, humidity: float) -> float:
        low, high, ratio = dry - 40.0, dry, ratio_of(math, dry, humidity)
        for _ in range(ROUNDS):
            middle = 0.5 * (low + high)
            if ratio_at(math, middle, dry) > ratio:
                high = middle
            else:
                low = middle
        return 0.5 * (low + high)

    rows = list(zip(*[column.tolist() for column in columns()], strict=True))
    return lambda: [wet_bulb(*row) for row in rows]


def columns() -> Any:
    import numpy as np

    rng = np.random.default_rng(7)
    return rng.uniform(10.0, 40.0, ROWS), rng.uniform(0.1, 0.95, ROWS)


ROWS_OF = {
    "pygrad": slopes_side(with_pygrad, "pygrad", "numpy"),
    "Python floats, value alone": slopes_side(with_floats, "numpy"),
}

# -- the system ------------------------------------------------------------------------------------


def residuals(m: Any, y: Any, p: Any) -> list[Any]:
    """A chain of unknowns, each bound to both neighbours: Broyden's, with a parameter for each."""
    n = len(y)
    return [
        (3.0 - 2.0 * y[i]) * y[i]
        - (y[i - 1] if i else 0.0)
        - 2.0 * (y[i + 1] if i + 1 < n else 0.0)
        + m.sin(p[i])
        for i in range(n)
    ]


def parameters() -> Any:
    import numpy as np

    return np.random.default_rng(1).uniform(0.5, 1.5, UNKNOWNS)


def root_of(p: Any) -> Any:
    import numpy as np

    pygrad = importlib.import_module("pygrad")
    solved = pygrad.newton(lambda y: residuals(pygrad.math, y, p), np.full(UNKNOWNS, -1.0))
    return np.array(solved.x)


def gradient(name: str, seconds: float) -> Any:
    """Of the sum of the unknowns by all parameters, the solution being known."""
    pygrad = importlib.import_module("pygrad")
    p = parameters()
    y = root_of(p)
    solved = pygrad.custom_root(lambda y, p: residuals(pygrad.math, y, p))(lambda p: y)
    slope = pygrad.grad(lambda p: sum(solved(p)))
    return timed(lambda: slope(p), slope(p), seconds)


def step(name: str, seconds: float) -> Any:
    """Of Newton's method, from the solution, where it goes nowhere."""
    import numpy as np

    pygrad = importlib.import_module("pygrad")
    p = parameters()
    y = root_of(p)
    jacobian = pygrad.jacobian(lambda y: residuals(pygrad.math, y, p))

    def once() -> Any:
        left = residuals(np, y, p)
        return y - np.linalg.solve(jacobian(y), np.array(left))

    def by_differences() -> list[float]:
        h, found = 1e-5, []
        for i in range(UNKNOWNS):
            ahead, behind = p.copy(), p.copy()
            ahead[i] += h
            behind[i] -= h
            found.append(float(sum(root_of(ahead) - root_of(behind))) / (2.0 * h))
        return found

    return timed(once, by_differences(), seconds)


SYSTEM = {"pygrad": Side(gradient, ("pygrad", "numpy")), "a step": Side(step, ("pygrad", "numpy"))}
SIDES = {**ROWS_OF, "gradient": SYSTEM["pygrad"], "a step": SYSTEM["a step"]}


def compare(quick: bool) -> list[Row]:
    rows = harness.race_with_slopes(
        __file__,
        ROWS_OF,
        "wet bulb by custom_root",
        ROWS,
        rel=1e-9,
        targets={("Python floats, value alone", True): 5.0},
        quick=quick,
    )
    rounds, seconds = (1, 0.05) if quick else (5, 0.5)
    sides = {name: SIDES[name] for name in ("gradient", "a step")}
    times = harness.race(__file__, sides, rounds, rel=1e-6, seconds=seconds, cores=1, name="system")
    what = f"gradient of a system of {UNKNOWNS} unknowns"
    rows.append(
        harness.versus(what, times["gradient"], "a step of Newton's", times["a step"], at_most=3.0)
    )
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
