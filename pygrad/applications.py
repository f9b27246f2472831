"""What derivatives are for: minima, roots and fits, ranked inputs, uncertainty, models of f at a point.

The point ``x`` is a float, an array, or lists, tuples and dicts of them, as for ``pygrad.grad``; f is
called with Values in the same structure, and what comes back has it too. Results are plain numbers: no
derivative flows through them.

The three solvers are the textbook ones, short enough to be read and watched. For work that has to be
robust, `pygrad.scipy` hands the same exact derivatives to SciPy. What is wrong at the start they raise: bad
arguments, an f without finite value, a singular Jacobian. What happens on the way they report and do not
raise: look at ``.converged``, and at ``.message`` if it is False.

>>> from pygrad.applications import newton
>>> print(newton(lambda x: x * x - 2.0, 1.0))
converged after 6 steps: x = 1.41421, value = -4.44089e-16
"""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pygrad._implementation import Value
from pygrad.structure import Array, Container, Number, Structure, flatten
from pygrad.transform import arrange_jacobian, hessian, jacfwd, jacobian, value_and_grad

__all__ = [
    "LinearModel",
    "Propagated",
    "QuadraticModel",
    "Result",
    "Sensitivity",
    "SensitivityTable",
    "gauss_newton",
    "gradient_descent",
    "linear_model",
    "newton",
    "propagate",
    "quadratic_model",
    "sensitivity",
]

_Function = Callable[[Any], Any]
_Rows = list[list[float]]
_EPSILON = 2.0**-52

# -- f as a function of a flat list of numbers ----------------------------------------------------


class _Point:
    """x as a list of floats with names, and the structure to put numbers back into."""

    def __init__(self, x: Any, what: str = "x") -> None:
        items, self.structure = flatten(x, what)
        self.names = list(_names(self.structure, what))
        self.keys = list(_names(self.structure, "x"))  # comparable between x and what belongs to x
        if not items:
            raise ValueError(f"{what} is empty: it has no numbers")
        for item, name in zip(items, self.names, strict=True):
            if isinstance(item, Value):
                raise TypeError(
                    f"{name} is a Value, but results are plain numbers, through which no derivative "
                    "flows; give its number, v.data"
                )
            if not math.isfinite(item):
                raise ValueError(f"{name} must be finite, got {item}")
        self.numbers = [float(item) for item in items]

    def arrange(self, items: Sequence[Any]) -> Any:
        return self.structure.arrange(items)

    def like(self, tree: Any, what: str) -> list[float]:
        """The numbers of a tree with the structure of x, in the order of x; keys of dicts in any order."""
        given = _Point(tree, what)
        if given.keys == self.keys:
            return given.numbers
        by_key = dict(zip(given.keys, given.numbers, strict=True))
        if sorted(given.keys) != sorted(self.keys) or len(by_key) != len(self.keys):
            raise ValueError(
                f"{what} must have the structure of x, {self.structure} ({_few(self.names)}), "
                f"not {given.structure} ({_few(given.names)})"
            )
        return [by_key[key] for key in self.keys]


def _names(structure: Structure, root: str, path: str = "") -> Iterator[str]:
    """What each number is called: x, x[0], x[0, 1]; inputs in a dict by their keys."""
    if isinstance(structure, Container):
        is_dict = issubclass(structure.kind, dict)
        parent = path or ("" if is_dict and root == "x" else root)
        for key, part in zip(structure.names, structure.parts, strict=True):
            name = f"{parent}[{key}]" if not is_dict else f"{parent}.{key}" if parent else str(key)
            yield from _names(part, root, name)
    elif isinstance(structure, Array):
        for index in itertools.product(*map(range, structure.shape)):
            yield f"{path or root}[{', '.join(map(str, index))}]"
    else:
        yield path or root


def _few(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:3], "...", names[-1]])


class _Flat:
    """f from a list of numbers to a list of numbers, and the structure that its results had last."""

    def __init__(self, f: _Function, point: _Point) -> None:
        self._f = f
        self._point = point
        self.structure: Structure = Number()

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        found, self.structure = flatten(self._f(self._point.arrange(items)), "the result of f")
        if not found:
            raise ValueError("f returned no numbers")
        return found

    def with_jacobian(self, at: list[float], forward: bool = False) -> tuple[list[float], _Rows]:
        """The outputs, and a row of derivatives for each."""

        def twice(items: list[Any]) -> tuple[list[Any], list[Any]]:
            found = self(items)
            return found, found

        rows, found = (jacfwd if forward else jacobian)(twice, has_aux=True)(at)
        return _floats(found), [_floats(row) for row in rows]


class _Scalar(_Flat):
    """The same for an f that returns one number; `cure` is advice for one that returns more."""

    def __init__(self, f: _Function, point: _Point, cure: str) -> None:
        super().__init__(f, point)
        self._cure = cure

    def __call__(self, items: Sequence[Any]) -> Any:
        found = super().__call__(items)
        if not isinstance(self.structure, Number):
            raise TypeError(
                f"f must return one number here, but it returned {self.structure}; {self._cure}"
            )
        return found[0]

    def with_gradient(self, at: list[float]) -> tuple[float, list[float]]:
        value, gradient = value_and_grad(self)(at)
        return _floats([value])[0], _floats(gradient)


def _floats(items: Sequence[Any]) -> list[float]:
    """Derivatives are Values when f has used an input of a transform that runs around us."""
    if any(isinstance(item, Value) for item in items):
        raise TypeError(
            "f depends on an input of a transform around this call, but results are plain numbers, "
            "through which no derivative flows; give f numbers (v.data) or differentiate outside"
        )
    return [float(item) for item in items]


def _numpy(what: str) -> Any:
    try:
        import numpy
    except ImportError as error:
        raise ImportError(f"{what} needs NumPy: pip install 'pygrad[scipy]'") from error
    return numpy


def _show(x: Any) -> str:
    """Numbers at six digits, in the structure they have."""
    if isinstance(x, dict):
        return "{" + ", ".join(f"{key}: {_show(v)}" for key, v in x.items()) + "}"
    if isinstance(x, float):
        return f"{x:g}"
    content = [_show(v) for v in x]
    if len(content) > 8:
        content = [*content[:3], "...", *content[-3:]]
    return "[" + ", ".join(content) + "]"


# -- solvers --------------------------------------------------------------------------------------


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

    def __str__(self) -> str:
        where = f"x = {_show(self.x)}, value = {_show(self.value)}"
        steps = f"{self.steps} step" + "s" * (self.steps != 1)
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


def gradient_descent(
    f: _Function,
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
    point = _Point(x)
    one = _Scalar(f, point, "for residuals there is gauss_newton")

    def evaluate(at: list[float]) -> tuple[tuple[float, list[float]], list[float]]:
        value, gradient = one.with_gradient(at)
        return (value, gradient), [value, *gradient]

    here = point.numbers
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
    return Result(point.arrange(here), value, step, converged, message)


def newton(
    f: _Function,
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
        ImportError: a system needs NumPy, one equation does not.

    >>> result = newton(lambda p: [p[0] ** 2 + p[1] ** 2 - 4.0, p[0] * p[1] - 1.0], [2.0, 1.0])
    >>> result.converged, round(result.x[0], 9), round(result.x[1], 9)
    (True, 1.931851653, 0.51763809)
    """
    _check(steps, tol)
    point = _Point(x)
    flat = _Flat(f, point)

    def solve(values: list[float], rows: _Rows) -> list[float] | str:
        if len(values) == 1:
            return [-values[0] / rows[0][0]] if rows[0][0] else "the derivative is 0"
        return _solve(values, rows)

    def evaluate(at: list[float]) -> tuple[tuple[list[float], _Rows], list[float]]:
        values, rows = flat.with_jacobian(at)
        m, n = len(rows), len(at)
        if m != n:
            more = "; gauss_newton takes more equations than unknowns" if m > n else ""
            raise ValueError(f"newton needs as many equations as unknowns, got {m} and {n}{more}")
        return (values, rows), [number for row in [values, *rows] for number in row]

    def shown(at: list[float], values: list[float]) -> tuple[Any, Any]:
        return point.arrange(at), flat.structure.arrange(values)

    return _iterate(evaluate, solve, shown, point.numbers, steps, tol, callback, "root")


def gauss_newton(
    residuals: _Function,
    x: Any,
    steps: int = 100,
    tol: float = 1e-10,
    callback: Callable[[int, Any, float], None] | None = None,
) -> Result:
    """Least squares near x: the x with the smallest sum of squares of residuals(x), by Gauss-Newton.

    Each step goes where the linear model of the residuals has its least squares, so no second
    derivatives are needed; it is fast when the fit is good or the model nearly linear. Nothing damps
    the steps, so start close; for robust work hand over to `pygrad.scipy.least_squares` or `curve_fit`.
    Needs NumPy.

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
        ImportError: NumPy is missing.

    >>> times, counts = [0.0, 1.0, 2.0, 3.0], [8.0, 4.0, 2.0, 1.0]
    >>> decay = lambda p: [p[0] * (-p[1] * t).exp() - y for t, y in zip(times, counts)]
    >>> result = gauss_newton(decay, [7.0, 0.5])
    >>> result.converged, [round(number, 9) for number in result.x]  # 8 and log(2)
    (True, [8.0, 0.693147181])
    """
    _check(steps, tol)
    point = _Point(x)
    flat = _Flat(residuals, point)

    def evaluate(at: list[float]) -> tuple[tuple[list[float], _Rows], list[float]]:
        values, rows = flat.with_jacobian(at, forward=True)
        m, n = len(rows), len(at)
        if m < n:
            raise ValueError(f"{m} residuals do not determine {n} numbers; give at least {n}")
        return (values, rows), [number for row in [values, *rows] for number in row]

    def shown(at: list[float], values: list[float]) -> tuple[Any, float]:
        return point.arrange(at), math.fsum(r * r for r in values)

    return _iterate(
        evaluate, _least_squares, shown, point.numbers, steps, tol, callback, "least_squares"
    )


def _iterate(
    evaluate: Callable[[list[float]], tuple[Any, list[float]]],
    solve: Callable[[list[float], _Rows], list[float] | str],
    shown: Callable[[list[float], list[float]], tuple[Any, Any]],
    start: list[float],
    steps: int,
    tol: float,
    callback: Callable[[int, Any, Any], None] | None,
    robust: str,
) -> Result:
    """Newton's loop: evaluate, solve the linear model, step. `solve` returns a step, or why it has none."""
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
            return Result(x, value, step, True, "f is exactly 0")
        if settled:
            return Result(x, value, step, True, settled)
        if step == steps:
            message = f"the last step changed an input by {previous:.2g} of its size"
            return Result(x, value, step, False, message)
        move = solve(values, rows)
        if isinstance(move, str):
            if step == 0:
                raise ValueError(f"{move} at the start, x = {_show(x)}; start elsewhere")
            return Result(x, value, step, False, f"{move} here; start elsewhere")
        there = [a + d for a, d in zip(here, move, strict=True)]
        found, trouble = _attempt(evaluate, there)
        if trouble:
            message = f"diverged: {trouble} one step on; start closer, or use pygrad.scipy.{robust}"
            return Result(x, value, step, False, message)
        largest = [max(s, abs(a)) for s, a in zip(largest, there, strict=True)]
        change = max(_ratio(d, s) for d, s in zip(move, largest, strict=True))
        if all(abs(d) <= tol * abs(a) for d, a in zip(move, there, strict=True)):
            settled = f"the last step changed no input by more than {tol:g} of its size"
        elif change <= _EPSILON or previous <= change <= math.sqrt(_EPSILON):
            settled = "the steps are at the limit of rounding"
        previous = change
        here, (values, rows) = there, found
        step += 1


def _ratio(step: float, scale: float) -> float:
    return abs(step) / scale if scale else 0.0  # where the scale is 0, so is the step


def _scaled(np: Any, rows: _Rows, by_row: bool) -> tuple[Any, Any, Any]:
    """The matrix with its largest entry in each column (and row) near 1, and the factors; units then do
    not count as near-singularity. Factors are powers of two, which round nothing."""

    def factors(sizes: Any) -> Any:
        return np.ldexp(1.0, -np.frexp(np.where(sizes == 0, 1.0, sizes))[1].clip(-1000, 1000))

    matrix = np.array(rows)
    left = factors(abs(matrix).max(axis=1)) if by_row else np.ones(len(rows))
    matrix = matrix * left[:, None]
    right = factors(abs(matrix).max(axis=0))
    return matrix * right, left, right


def _solve(values: list[float], rows: _Rows) -> list[float] | str:
    np = _numpy("a system of equations")
    matrix, left, right = _scaled(np, rows, by_row=True)
    n = len(rows)
    if np.linalg.matrix_rank(matrix, tol=n * _EPSILON * np.linalg.norm(matrix, 2)) < n:
        return "the Jacobian is singular"
    with np.errstate(over="ignore"):  # the caller looks at what comes out
        return (right * np.linalg.solve(matrix, -left * np.array(values))).tolist()  # type: ignore[no-any-return]


def _least_squares(values: list[float], rows: _Rows) -> list[float] | str:
    np = _numpy("gauss_newton")
    matrix, _, right = _scaled(np, rows, by_row=False)
    m, n = matrix.shape
    move, _, rank, _ = np.linalg.lstsq(matrix, -np.array(values), rcond=m * _EPSILON)
    if rank < n:
        return f"the residuals do not determine x, their Jacobian is of rank {rank} and not {n},"
    with np.errstate(over="ignore"):
        return (right * move).tolist()  # type: ignore[no-any-return]


# -- which input matters most ---------------------------------------------------------------------


class Sensitivity(NamedTuple):
    """One input: df/dx, and the elasticity x/f df/dx (per cent of f for one per cent of x)."""

    name: str
    x: float
    derivative: float
    elasticity: float


@dataclass(frozen=True)
class SensitivityTable:
    """Inputs, the most influential first: iterate over them, ask for one by name or rank, or print all."""

    value: float
    by: str
    rows: tuple[Sensitivity, ...]

    def __iter__(self) -> Iterator[Sensitivity]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: int | str) -> Sensitivity:
        if isinstance(which, int):
            return self.rows[which]
        for row in self.rows:
            if row.name == which:
                return row
        known = ", ".join(row.name for row in self.rows[:8])
        raise KeyError(f"no input is called {which!r}; there are {known}")

    def __str__(self) -> str:
        head = ("input", "x", "df/dx", "elasticity")
        lines = [head, *((row.name, *(f"{number:.6g}" for number in row[1:])) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        return "\n".join(
            [
                f"f = {self.value:.6g}, by {self.by} influence",
                *(
                    "  ".join(
                        [line[0].ljust(widths[0])]
                        + [text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True)]
                    )
                    for line in lines
                ),
            ]
        )


def sensitivity(f: _Function, x: Any, by: str | None = None) -> SensitivityTable:
    """How much each input moves f at x: derivative and elasticity, the most influential input first.

    The derivative is in units of f per unit of x. The elasticity ``x/f * df/dx`` has no unit, so that
    it
    compares inputs of any: 2 means that 1 per cent more x is 2 per cent more f.

    Args:
        f: a function of x that returns one number.
        x: the inputs; a dict gives them names.
        by: rank by "relative" influence (elasticity) or by "absolute" (derivative); by default the
            relative, or the absolute where f(x) is 0 and there is no elasticity.

    Raises:
        ValueError: by is neither, or "relative" where f(x) is 0; f(x) is not finite.
        TypeError: f returns more than one number.

    >>> print(sensitivity(lambda p: p["force"] * p["length"] ** 3, {"force": 10.0, "length": 2.0}))
    f = 80, by relative influence
    input    x  df/dx  elasticity
    length   2    120           3
    force   10      8           1
    """
    point = _Point(x)
    one = _Scalar(f, point, "ask for one of them: sensitivity(lambda x: f(x)[0], x)")
    value, gradient = one.with_gradient(point.numbers)
    if not math.isfinite(value):
        raise ValueError(f"f(x) is {value}: nothing can be said of its inputs")
    by = by or ("relative" if value else "absolute")
    if by not in ("relative", "absolute"):
        raise ValueError(f"by may be 'relative' or 'absolute', not {by!r}")
    if by == "relative" and not value:
        raise ValueError("f(x) is 0, so there is no relative influence; use by='absolute'")
    rows = [
        # a/value first: a * d could overflow, and 0 * inf is nan
        Sensitivity(name, a, d, (a / value * d if a else 0.0) if value else math.nan)
        for name, a, d in zip(point.names, point.numbers, gradient, strict=True)
    ]

    def influence(row: Sensitivity) -> float:
        size = abs(row.elasticity if by == "relative" else row.derivative)
        # What is wrong comes first; what differs by rounding only stays in order.
        return math.inf if math.isnan(size) else float(f"{size:.12e}")

    return SensitivityTable(value, by, tuple(sorted(rows, key=influence, reverse=True)))


# -- uncertainty ----------------------------------------------------------------------------------


class Propagated(NamedTuple):
    """f(x), the standard deviation of each of its numbers, and their covariance (of one, its variance)."""

    value: Any
    std: Any
    cov: Any

    def __str__(self) -> str:
        return f"{_show(self.value)} +/- {_show(self.std)}"


def propagate(f: _Function, x: Any, cov: Any) -> Propagated:
    """How uncertain f(x) is when x is: to first order, the covariance ``J C J^T`` (Gauss 1823).

    Exact for a linear f; otherwise good while f is nearly linear over the uncertainty of x.

    Args:
        f: a function of x; it returns a number, or a list, tuple, dict or array of them.
        x: the inputs' values.
        cov: their variances (squares of standard deviations, not these themselves) in the structure of
            x, for independent inputs; or the n by n covariance matrix of the n numbers of x, in their
            order.

    Returns:
        (value, std, cov). For one number three floats, cov its variance. Otherwise value and std have
        f's structure and cov is an m by m array (this needs NumPy).

    Raises:
        ValueError: cov has another shape, is not symmetric, or is no covariance (a variance below 0);
            f or a derivative is not finite at x.
        TypeError: x or cov holds something that is no real number.

    >>> area = propagate(lambda p: p["a"] * p["b"], {"a": 3.0, "b": 4.0}, {"a": 0.01, "b": 0.04})
    >>> print(area, round(area.cov, 6))
    12 +/- 0.72111 0.52
    """
    point = _Point(x)
    matrix = _covariance(cov, point)
    flat = _Flat(f, point)
    values, rows = flat.with_jacobian(point.numbers)
    for number, row in zip(values, rows, strict=True):
        if not math.isfinite(number):
            raise ValueError(f"f is {number} at x = {_show(point.numbers)}")
        for name, slope in zip(point.names, row, strict=True):
            if not math.isfinite(slope):
                raise ValueError(f"f has slope {slope} by {name}: there is no first order here")
    carried = [[_dot(row, column) for column in matrix] for row in rows]  # J C; C is symmetric
    found = [[_dot(a, row) for row in rows] for a in carried]
    deviations = []
    for i, row in enumerate(rows):
        most = math.fsum(abs(a) * math.sqrt(matrix[k][k]) for k, a in enumerate(row)) ** 2
        if found[i][i] < -8 * _EPSILON * len(row) * most:
            raise ValueError("cov is no covariance matrix: it gives f a variance below 0")
        found[i][i] = max(found[i][i], 0.0)
        deviations.append(math.sqrt(found[i][i]))
    if isinstance(flat.structure, Number):
        return Propagated(values[0], deviations[0], found[0][0])
    matrix_of_f = _numpy("the covariance of several numbers").array(found)
    return Propagated(
        flat.structure.arrange(values),
        flat.structure.arrange(deviations),
        (matrix_of_f + matrix_of_f.T) / 2,  # the two halves are rounded differently
    )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(p * q for p, q in zip(a, b, strict=True))


def _covariance(cov: Any, point: _Point) -> _Rows:
    """The n by n matrix, of variances or of itself, checked."""
    n = len(point.numbers)
    given = _Point(cov, "cov")
    if given.keys in (
        [f"x[{i}][{k}]" for i in range(n) for k in range(n)],
        [f"x[{i}, {k}]" for i in range(n) for k in range(n)],
    ):
        matrix = [given.numbers[i * n : i * n + n] for i in range(n)]
    elif sorted(given.keys) == sorted(point.keys) or len(given.numbers) == n == 1:
        variances = given.numbers if n == 1 else point.like(cov, "cov")
        matrix = [[v if i == k else 0.0 for k in range(n)] for i, v in enumerate(variances)]
    else:
        raise ValueError(
            f"cov must be variances in the structure of x, {point.structure} ({_few(point.names)}), "
            f"or a {n} by {n} matrix, not {given.structure} of {len(given.numbers)} numbers"
        )
    for i in range(n):
        if matrix[i][i] < 0:
            raise ValueError(
                f"the variance of {point.names[i]} must not be negative, got {matrix[i][i]}"
            )
        for k in range(i):
            a, b = matrix[i][k], matrix[k][i]
            size = math.sqrt(matrix[i][i]) * math.sqrt(matrix[k][k])
            if abs(a - b) > 1e-8 * size:
                raise ValueError(
                    f"cov is not symmetric: cov[{i}][{k}] is {a}, cov[{k}][{i}] is {b}"
                )
            if abs(a) > size * (1 + 1e-8):
                raise ValueError(
                    f"cov is no covariance matrix: {point.names[i]} and {point.names[k]} are "
                    f"correlated by more than 1"
                )
            matrix[i][k] = matrix[k][i] = (a + b) / 2
    return matrix


# -- models of f at a point -----------------------------------------------------------------------


@dataclass(frozen=True)
class LinearModel:
    """f(x + dx) is about ``value + jacobian dx``. Call it with the step dx, in the structure of x."""

    x: Any
    value: Any
    jacobian: Any
    _point: _Point = field(repr=False)
    _structure: Structure = field(repr=False)
    _values: list[float] = field(repr=False)
    _rows: _Rows = field(repr=False)

    @property
    def gradient(self) -> Any:
        """The Jacobian of an f that returns one number."""
        if not isinstance(self._structure, Number):
            raise AttributeError("f returns several numbers; they have a jacobian, not a gradient")
        return self.jacobian

    def __call__(self, dx: Any) -> Any:
        step = self._point.like(dx, "dx")
        found = [y + _dot(row, step) for y, row in zip(self._values, self._rows, strict=True)]
        return self._structure.arrange(found)


def linear_model(f: _Function, x: Any) -> LinearModel:
    """The tangent of f at x: ``m(dx)`` is f(x) + J dx, which misses f(x + dx) by a term in dx squared.

    The model has attributes ``x``, ``value`` and ``jacobian`` (also called ``gradient`` where f returns
    one number), the latter as `pygrad.jacobian` would return it.

    Args:
        f: a function of x that returns a number, or a list, tuple, dict or array of them.
        x: the point.

    Raises:
        ValueError, TypeError: x, or later dx, is not finite, not of real numbers, or dx of another
            structure.

    >>> m = linear_model(lambda x: x**2, 2.0)
    >>> m.value, m.gradient, m(0.01), m(1.0)  # f(2.01) is 4.0401, f(3) is 9
    (4.0, 4.0, 4.04, 8.0)
    """
    point = _Point(x)
    flat = _Flat(f, point)
    values, rows = flat.with_jacobian(point.numbers)
    return LinearModel(
        x=point.arrange(point.numbers),
        value=flat.structure.arrange(values),
        jacobian=arrange_jacobian(rows, flat.structure, point.structure),
        _point=point,
        _structure=flat.structure,
        _values=values,
        _rows=rows,
    )


@dataclass(frozen=True)
class QuadraticModel:
    """f(x + dx) is about ``value + gradient dx + dx hessian dx / 2``. Call it with the step dx."""

    x: Any
    value: float
    gradient: Any
    hessian: Any
    _point: _Point = field(repr=False)
    _slopes: list[float] = field(repr=False)
    _rows: _Rows = field(repr=False)

    def __call__(self, dx: Any) -> float:
        step = self._point.like(dx, "dx")
        bend = _dot(step, [_dot(row, step) for row in self._rows])
        return self.value + _dot(self._slopes, step) + bend / 2


def quadratic_model(f: _Function, x: Any) -> QuadraticModel:
    """The parabola that f is at x: ``m(dx)`` is f(x) + g dx + dx H dx / 2, off by a term in dx cubed.

    The model has attributes ``x``, ``value``, ``gradient`` and ``hessian``, as `pygrad.hessian` would
    return it.

    Args:
        f: a function of x that returns one number.
        x: the point.

    Raises:
        ValueError, TypeError: as `linear_model`; TypeError if f returns more than one number.

    >>> m = quadratic_model(lambda x: x**3, 2.0)
    >>> m.value, m.gradient, m.hessian, m(1.0)  # f(3) is 27
    (8.0, 12.0, 12.0, 26.0)
    """
    point = _Point(x)
    one = _Scalar(f, point, "linear_model takes several")
    value, slopes = one.with_gradient(point.numbers)
    rows = [_floats(row) for row in hessian(one)(point.numbers)]
    return QuadraticModel(
        x=point.arrange(point.numbers),
        value=value,
        gradient=point.arrange(slopes),
        hessian=arrange_jacobian(rows, point.structure, point.structure),
        _point=point,
        _slopes=slopes,
        _rows=rows,
    )
