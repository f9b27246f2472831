"""Minima, roots and fits by the textbook methods, short enough to be read and watched.

The point ``x`` is a float, an array, or lists, tuples and dicts of them, as for ``pygrad.grad``; f is
called with Values in the same structure, and what comes back has it too. For work that has to be robust,
`pygrad.scipy` hands the same exact derivatives to SciPy. What is wrong at the start they raise: bad
arguments, an f without finite value, a singular Jacobian. What happens on the way they report and do not
raise: look at ``.converged``, and at ``.message`` if it is False.

In a function that is differentiated the solution depends on what f depends on: its derivatives, of any
order, are those that the implicit function theorem gives for what is 0 at it. The steps have none, nor has
the start. A solution that was not reached is a RuntimeError there.

In compiled and mapped functions a solver is one loop of the program, and its ``message`` is the same for
all rows. Rows that do not come to a solution run without a program, and so do all where f asks for the
truth of what depends on x, where there is a callback, and where there are more than 16 unknowns.

>>> from pygrad.applications.solvers import newton
>>> print(newton(lambda x: x * x - 2.0, 1.0))
converged after 6 steps: x = 1.41421, value = -4.44089e-16
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

from pygrad.applications import in_traces
from pygrad.applications.flat import (
    EPSILON,
    FlatFunction,
    Function,
    Point,
    Rows,
    ScalarFunction,
    solver_floats,
    text_of,
)
from pygrad.arrays.quiet import quietly
from pygrad.core.implementation import sum, trace_active
from pygrad.core.recording import on_numbers
from pygrad.core.tables import html_result
from pygrad.rules.implied import implied
from pygrad.transform import grad

__all__ = ["Result", "gauss_newton", "gradient_descent", "newton"]


class Result(NamedTuple):
    """Where a solver ended.

    ``value`` is f(x) there: for `gradient_descent` the minimum, for `newton` what is left of f, for
    `gauss_newton` the sum of squared residuals. ``message`` says why it ended; ``converged`` whether
    that is where it should.
    """

    x: Any
    value: Any
    steps: int
    converged: bool
    message: str

    def _repr_html_(self) -> str:
        found = [("x", text_of(self.x)), ("value", text_of(self.value)), ("steps", f"{self.steps}")]
        said = f"{'' if self.converged else 'not '}converged: {self.message}"
        return html_result(said, list(zip(*found, strict=True)))

    def __str__(self) -> str:
        where = f"x = {text_of(self.x)}, value = {text_of(self.value)}"
        steps = f"{text_of(self.steps)} step" + "s" * (self.steps != 1)
        if self.converged:
            return f"converged after {steps}: {where}"
        return f"not converged after {steps} ({self.message}): {where}"


def _check(steps: Any, tol: Any, rate: Any = 1.0) -> None:
    if not isinstance(steps, numbers.Integral) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
    for name, number, least in (("tol", tol, 0.0), ("rate", rate, math.ulp(0.0))):
        if not isinstance(number, numbers.Real):
            raise TypeError(f"{name} must be a real number, not {type(number).__name__}")
        if not least <= float(number) < math.inf:
            condition = "positive" if least else "not negative"
            raise ValueError(f"{name} must be finite and {condition}, got {number}")


def _attempt(
    evaluate: Callable[[list[float]], tuple[Any, list[float]]],
    at: list[float],
    is_start: bool = False,
) -> tuple[Any, str]:
    """What f gives at a point, and if that cannot be used why, a reason to stop; at the start an error.

    `evaluate` returns its result and all numbers in it.
    """
    if not all(map(math.isfinite, at)):
        return None, "the step leads to inf"
    try:
        result, found = evaluate(at)
    except (ArithmeticError, ValueError) as error:
        if is_start:
            raise
        return None, f"f raised {type(error).__name__}: {error}"
    bad = [number for number in found if not math.isfinite(number)]
    if bad and is_start:
        raise ValueError(f"f or its derivative is {bad[0]} at the start")
    return result, f"f or its derivative is {bad[0]}" if bad else ""


@on_numbers
def gradient_descent(
    f: Function,
    x: Any,
    rate: float = 0.1,
    steps: int = 1000,
    tol: float = 1e-8,
    callback: Callable[[int, Any, float], None] | None = None,
) -> Result:
    """Walk downhill from x by ``x -= rate * gradient`` until no slope is steeper than tol.

    The oldest method and the slowest (Cauchy 1847); `pygrad.scipy.minimize` has better ones.

    Args:
        f: a function of x that returns one number.
        x: where to start.
        rate: length of a step for a gradient of 1. Above 2 / (the largest curvature) the walk diverges.
        steps: stop after so many at the latest.
        tol: converged when every partial derivative is at most tol in size.
        callback: called with (step, x, value) at every point, the start included.

    Raises:
        ValueError: an argument is out of range, or f is not finite at the start.
        TypeError: f returns more than one number.

    >>> result = gradient_descent(lambda p: (p["a"] - 3) ** 2 + 2 * p["b"] ** 2, {"a": 0.0, "b": 1.0})
    >>> result.converged, round(result.x["a"], 6), round(result.x["b"], 6)
    (True, 3.0, 0.0)
    """
    _check(steps, tol, rate)
    point = Point(x, is_start=True)
    staged = _is_staged(f, point, callback)
    reads = list if staged else solver_floats
    one = ScalarFunction(f, point, "for residuals there is gauss_newton", reads)

    def evaluate(at: list[float]) -> tuple[tuple[float, list[float]], list[float]]:
        value, gradient = one.with_gradient(at)
        return (value, gradient), [value, *gradient]

    here = point.numbers
    if staged:
        walk = in_traces.descended(one.with_gradient, here, rate, steps, tol, "gradient_descent")
        return _of_a_program(walk, f, grad(one), point, one)
    (value, gradient), _ = _attempt(evaluate, here, is_start=True)
    step = 0
    while True:
        if callback is not None:
            callback(step, point.arrange(here), value)
        steepest = max(map(abs, gradient))
        if steepest <= tol:
            message, converged = f"no slope is steeper than {tol:g}", True
            break
        converged = False
        if step == steps:
            message = f"the steepest slope is still {steepest:.3g}"
            break
        there = [a - rate * g for a, g in zip(here, gradient, strict=True)]
        if there == here:
            message = (
                "a step is below the resolution of x; a larger tol or rate would end or move it"
            )
            break
        found, trouble = _attempt(evaluate, there)
        if trouble:
            message = f"diverged: {trouble} one step on; try a rate below {rate:g}"
            break
        here, (value, gradient) = there, found
        step += 1
    result = Result(point.arrange(here), value, step, converged, message)
    return _differentiable(result, f, here, grad(one), point, one)


@on_numbers
def newton(
    f: Function,
    x: Any,
    steps: int = 50,
    tol: float = 1e-12,
    callback: Callable[[int, Any, Any], None] | None = None,
) -> Result:
    """A root of f near x, by Newton's method: solve the linear model for 0, go there, repeat.

    f has as many outputs as inputs; its Jacobian is exact, so that close to a simple root the number of
    right digits doubles with each step. Far from one the steps may lead anywhere: `pygrad.scipy.root`
    is guarded.
    To minimise g, find where its gradient is 0: ``newton(grad(g), x)``; that may be a maximum or a
    saddle too.

    Args:
        f: a function of x that returns a number, or a list, tuple, dict or array of them.
        x: where to start.
        steps: stop after so many at the latest.
        tol: converged when a step changes no input by more than tol times its size. At the limit of
            rounding, where steps are tiny and no longer shrink, it has converged too.
        callback: called with (step, x, f(x)) at every point, the start included.

    Raises:
        ValueError: an argument is out of range, f has more or fewer outputs than inputs, or at the
            start f is not finite or its Jacobian singular.

    >>> result = newton(lambda p: [p[0] ** 2 + p[1] ** 2 - 4.0, p[0] * p[1] - 1.0], [2.0, 1.0])
    >>> result.converged, round(result.x[0], 9), round(result.x[1], 9)
    (True, 1.931851653, 0.51763809)
    """
    _check(steps, tol)
    point = Point(x, is_start=True)
    staged = _is_staged(f, point, callback)
    flat = FlatFunction(f, point, list if staged else solver_floats)

    def solve(values: list[float], rows: Rows) -> list[float] | str:
        if len(values) == 1:
            return [-values[0] / rows[0][0]] if rows[0][0] else "the derivative is 0"
        return _solve(values, rows)

    def evaluate(at: list[float]) -> tuple[tuple[list[float], Rows], list[float]]:
        values, rows = flat.with_jacobian(at)
        m, n = len(rows), len(at)
        if m != n:
            more = "; gauss_newton takes more equations than unknowns" if m > n else ""
            raise ValueError(f"newton needs as many equations as unknowns, got {m} and {n}{more}")
        return (values, rows), [number for row in [values, *rows] for number in row]

    def shown(at: list[float], values: list[float]) -> tuple[Any, Any]:
        return point.arrange(at), flat.structure.arrange(values)

    def left(at: list[Any]) -> Any:
        return flat.structure.arrange(flat(at))

    if staged:
        found = in_traces.iterated(
            lambda at: evaluate(at)[0], in_traces.newton_step, point.numbers, steps, tol, "newton"
        )
        return _of_a_program(found, f, flat, point, left)
    result, at = _iterate(evaluate, solve, shown, point.numbers, steps, tol, callback, "root")
    return _differentiable(result, f, at, flat, point, left)


@on_numbers
def gauss_newton(
    residuals: Function,
    x: Any,
    steps: int = 100,
    tol: float = 1e-10,
    callback: Callable[[int, Any, float], None] | None = None,
) -> Result:
    """Least squares near x: the x with the smallest sum of squares of residuals(x), by Gauss-Newton.

    Each step goes where the linear model of the residuals has its least squares, so no second
    derivatives are needed; it is fast when the fit is good or the model nearly linear. Nothing damps
    the steps, so start close; for robust work hand over to `pygrad.scipy.least_squares` or `curve_fit`.

    Args:
        residuals: a function of x that returns the misfits, at least as many as x has numbers.
        x: where to start.
        steps: stop after so many at the latest.
        tol: converged when a step changes no input by more than tol times its size, or at the limit of
            rounding.
        callback: called with (step, x, sum of squares) at every point, the start included.

    Raises:
        ValueError: an argument is out of range, the residuals are too few, or at the start they are not
            finite or do not determine x (columns of the Jacobian depend on each other).

    >>> times, counts = [0.0, 1.0, 2.0, 3.0], [8.0, 4.0, 2.0, 1.0]
    >>> decay = lambda p: [p[0] * (-p[1] * t).exp() - y for t, y in zip(times, counts)]
    >>> result = gauss_newton(decay, [7.0, 0.5])
    >>> result.converged, [round(number, 9) for number in result.x]  # 8 and log(2)
    (True, [8.0, 0.693147181])
    """
    _check(steps, tol)
    point = Point(x, is_start=True)
    staged = _is_staged(residuals, point, callback)
    flat = FlatFunction(residuals, point, list if staged else solver_floats)

    def evaluate(at: list[float]) -> tuple[tuple[list[float], Rows], list[float]]:
        values, rows = flat.with_jacobian(at, forward=True)
        m, n = len(rows), len(at)
        if m < n:
            raise ValueError(f"{m} residuals do not determine {n} numbers; give at least {n}")
        return (values, rows), [number for row in [values, *rows] for number in row]

    def shown(at: list[float], values: list[float]) -> tuple[Any, float]:
        return point.arrange(at), math.fsum(r * r for r in values)

    def squares(at: list[Any]) -> Any:
        return sum([r * r for r in flat(at)])

    if staged:
        step = in_traces.least_squares_step
        found = in_traces.iterated(
            lambda at: evaluate(at)[0], step, point.numbers, steps, tol, "gauss_newton"
        )
        return _of_a_program(found, residuals, grad(squares), point, squares)
    result, at = _iterate(
        evaluate, _least_squares, shown, point.numbers, steps, tol, callback, "least_squares"
    )
    return _differentiable(result, residuals, at, grad(squares), point, squares)


def _is_staged(f: Function, point: Point, callback: Any) -> bool:
    """Whether the solver is to be a loop of the program that is traced: it depends on something there."""
    if not trace_active() or callback is not None or len(point.numbers) > in_traces.MOST_UNKNOWNS:
        return False
    return in_traces.depends(FlatFunction(f, point), point.numbers)


def _of_a_program(
    found: in_traces.Found,
    f: Function,
    equation: Callable[[list[Any]], Any],
    point: Point,
    value: Callable[[list[Any]], Any],
) -> Result:
    """The result of a loop, at which the equation gives zeros."""
    items = in_traces.depending(equation, found.items, f)
    message = "the steps ended at a solution; a program does not note by which test"
    return Result(point.arrange(items), value(items), found.steps, True, message)


def _differentiable(
    result: Result,
    f: Function,
    at: list[float],
    equation: Callable[[list[Any]], Any],
    point: Point,
    value: Callable[[list[Any]], Any],
) -> Result:
    """The result, with Values where f depends on an input of a transform around the solver.

    at: the solution as a list, at which the equation gives zeros.
    """
    if trace_active():
        return result
    cure = "" if result.converged else f"{result.message}; start closer, or give more steps"
    found = implied(equation, at, f, failed=cure)
    if found is at:
        return result
    return result._replace(x=point.arrange(found), value=value(found))


def _iterate(
    evaluate: Callable[[list[float]], tuple[Any, list[float]]],
    solve: Callable[[list[float], Rows], list[float] | str],
    shown: Callable[[list[float], list[float]], tuple[Any, Any]],
    start: list[float],
    steps: int,
    tol: float,
    callback: Callable[[int, Any, Any], None] | None,
    robust: str,
) -> tuple[Result, list[float]]:
    """Newton's loop: evaluate, solve the linear model, step. `solve` returns a step, or why it has none.

    Returns the result, and where it ended as a list.
    """
    here = start
    largest = [abs(a) for a in here]  # of each input so far: the scale for steps near 0
    (values, rows), _ = _attempt(evaluate, here, is_start=True)
    previous = math.inf
    settled = ""
    step = 0
    while True:
        x, value = shown(here, values)
        if callback is not None:
            callback(step, x, value)
        if not any(values):
            return Result(x, value, step, True, "f is exactly 0"), here
        if settled:
            return Result(x, value, step, True, settled), here
        if step == steps:
            message = f"the last step changed an input by {previous:.2g} of its size"
            return Result(x, value, step, False, message), here
        move = solve(values, rows)
        if isinstance(move, str):
            if step == 0:
                raise ValueError(f"{move} at the start, x = {text_of(x)}; start elsewhere")
            return Result(x, value, step, False, f"{move} here; start elsewhere"), here
        there = [a + d for a, d in zip(here, move, strict=True)]
        found, trouble = _attempt(evaluate, there)
        if trouble:
            message = f"diverged: {trouble} one step on; start closer, or use pygrad.scipy.{robust}"
            return Result(x, value, step, False, message), here
        largest = [max(s, abs(a)) for s, a in zip(largest, there, strict=True)]
        change = max(_ratio(d, s) for d, s in zip(move, largest, strict=True))
        if all(abs(d) <= tol * abs(a) for d, a in zip(move, there, strict=True)):
            settled = f"the last step changed no input by more than {tol:g} of its size"
        elif change <= EPSILON or previous <= change <= math.sqrt(EPSILON):
            settled = "the steps are at the limit of rounding"
        previous = change
        here, (values, rows) = there, found
        step += 1


def _ratio(step: float, scale: float) -> float:
    return abs(step) / scale if scale else 0.0  # where the scale is 0, so is the step


def _scaled(rows: Rows, by_row: bool) -> tuple[Any, Any, Any]:
    """The matrix with its largest entry in each column (and row) near 1, and the factors; units then do
    not count as near-singularity. Factors are powers of two, which round nothing."""
    import numpy as np

    def factors(sizes: Any) -> Any:
        return np.ldexp(1.0, -np.frexp(np.where(sizes == 0, 1.0, sizes))[1].clip(-1000, 1000))

    matrix = np.array(rows)
    left = factors(abs(matrix).max(axis=1)) if by_row else np.ones(len(rows))
    matrix = matrix * left[:, None]
    right = factors(abs(matrix).max(axis=0))
    return matrix * right, left, right


def _solve(values: list[float], rows: Rows) -> list[float] | str:
    import numpy as np

    matrix, left, right = _scaled(rows, by_row=True)
    n = len(rows)
    if np.linalg.matrix_rank(matrix, tol=n * EPSILON * np.linalg.norm(matrix, 2)) < n:
        return "the Jacobian is singular"
    scaled = quietly(np.multiply, -left, np.array(values))  # the caller looks at what comes out
    return quietly(np.multiply, right, quietly(np.linalg.solve, matrix, scaled)).tolist()  # type: ignore[no-any-return]


def _least_squares(values: list[float], rows: Rows) -> list[float] | str:
    import numpy as np

    matrix, _, right = _scaled(rows, by_row=False)
    m, n = matrix.shape
    move, _, rank, _ = np.linalg.lstsq(matrix, -np.array(values), rcond=m * EPSILON)
    if rank < n:
        return f"the residuals do not determine x, their Jacobian is of rank {rank} and not {n},"
    return quietly(np.multiply, right, move).tolist()  # type: ignore[no-any-return]
