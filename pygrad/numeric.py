"""Derivatives from differences of f: to be compared with exact ones, and to learn what they cost.

Every estimate knows how far off it may be. None replaces a derivative of `pygrad.grad`, which is exact
but for rounding. Measured against 50 digits on 8 functions, 60 points each, over the magnitudes on which
they vary (1e-6 to 1e4 for some): worst relative error of forward differences with h = 1.5e-8, 3.7e-3; of
central ones with h = 1e-6, 0.1; with h = 6e-6 max(|x|, 1), more than 1; with the default step, 6e-6 |x|,
9e-10; of "ridders", 1.3e-12 (median 3e-15). The step matters more than the formula.

>>> from pygrad.numeric import numerical_derivative
>>> def f(x):
...     return 3 * x**2 - 4 * x + 5
>>> f"{numerical_derivative(f, 3.0, h=1e-6, method='forward'):.6f}"
'14.000003'
>>> f"{numerical_derivative(f, 3.0):.6f}"
'14.000000'
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from pygrad.checking.check import check_grad
from pygrad.checking.differences import (
    EPS,
    TINY,
    Estimate,
    Function,
    Line,
    corner,
    float_of,
    ridders,
    scalar_function,
)
from pygrad.core.implementation import Value
from pygrad.core.recording import as_recorded, outside_traces, plain
from pygrad.core.structure import FREE, flatten_numbers, flatten_part, same
from pygrad.core.tables import html_result, html_table
from pygrad.transform import value_and_grad

__all__ = [
    "Estimate",
    "Nudge",
    "StepSweep",
    "SweepRow",
    "check_grad",
    "nudge",
    "numerical_derivative",
    "partial",
    "step_sweep",
]

_METHODS = ("central", "forward", "ridders")


def _real(x: Any, what: str) -> float:
    if isinstance(x, Value):
        raise TypeError(f"{what} must be a real number, not a Value: pass its .data")
    if getattr(x, "shape", None) == ():
        x = x.item()
    if not isinstance(x, numbers.Real):
        raise TypeError(f"{what} must be a real number, not {type(x).__name__}")
    return float(x)


def _plain(result: Any) -> float:
    return float(plain(result, "f", "this compares plain numbers"))


def _finite(x: Any, what: str) -> float:
    number = _real(x, what)
    if not math.isfinite(number):
        raise ValueError(f"{what} must be finite, not {number}")
    return number


def _step(h: Any, what: str = "h") -> float:
    number = _real(h, what)
    if not 0 < number < math.inf:
        raise ValueError(f"{what} must be a positive, finite step, not {number}")
    return number


def _check_method(method: Any, methods: Sequence[str]) -> None:
    if method not in methods:
        names = ", ".join(map(repr, methods[:-1]))
        raise ValueError(f"method must be {names} or {methods[-1]!r}, not {method!r}")


# -- one derivative ---------------------------------------------------------------------------------


def numerical_derivative(
    f: Callable[[Any], Any], x: float, h: float | None = None, method: str = "central"
) -> Estimate:
    """The derivative of f at x from differences: a float with ``.error``, ``.h`` and ``.note``.

    Args:
        f: a function of one number; it is called with floats (with Values if it asks its argument for
            a method of theirs) and returns a number or a Value.
        x: where.
        h: the step, in the units of x. None takes cbrt(eps) * |x| for "central", sqrt(eps) * |x| for
            "forward" (|x| counts as 1 at 0). For "ridders" it is the first step, |x| / 4 if None.
        method: "central", (f(x+h) - f(x-h)) / 2h, whose error shrinks as h**2; "forward",
            (f(x+h) - f(x)) / h, as h; "ridders", central differences extrapolated to h = 0, 50 to 110
            calls of f, whose steps are shrunk where f raises and fitted to the scale of f.

    Differences are divided by the step as it came out: x + h is rounded. A step so small that x + h is x
    gives exactly 0.0, with a note that says so. The default step supposes that f varies on the scale of
    x; where it does not (exp at 1e-6), ``.error`` shows it and "ridders" finds the step.

    Raises:
        ValueError: h is not positive and finite, x is not finite, the method is unknown.
        TypeError: x or h is no number, f returns no single number.
        Whatever f raises at x; and at x + h and x - h, but for "ridders".

    >>> from pygrad.numeric import numerical_derivative
    >>> slope = numerical_derivative(lambda x: x**3, 2.0, method="ridders")
    >>> f"{slope:.12f}", abs(slope - 12.0) <= slope.error < 1e-12
    ('12.000000000000', True)
    """
    _check_method(method, _METHODS)
    point = _finite(x, "x")
    step = None if h is None else _step(h)
    g = scalar_function(f)
    if method != "ridders":
        return _difference(g, point, step or _default_step(point, method), method)
    line = Line(g, point)
    if not math.isfinite(line.y):
        return Estimate(math.nan, math.inf, math.nan, method, f"f is {line.y} at x")
    shape = corner(line)
    estimate = ridders(line, step)
    note = f"no derivative: {shape}" if shape.kind else estimate.note
    error = math.inf if shape.kind else estimate.error
    return Estimate(estimate, error, estimate.h, method, note)


def _default_step(x: float, method: str) -> float:
    scale = abs(x) or 1.0
    return scale * (math.sqrt(EPS) if method == "forward" else EPS ** (1 / 3))


def _difference(f: Function, x: float, h: float, method: str) -> Estimate:
    """A forward or central difference quotient, with an error bar from a second step and rounding."""
    central = method == "central"
    right, left = x + h, x - h if central else x
    width = right - left
    if width == 0:
        spacing = math.ulp(x)
        note = f"x + h is x: floats are {spacing:.2g} apart there, so a step of {h:.2g} does not move x"
        return Estimate(0.0, math.inf, h, method, note)
    y_right, y_left = f(right), f(left)
    slope = (y_right - y_left) / width
    error = (abs(y_right) + abs(y_left)) * EPS / width
    # Between a step and its double the error grows fourfold (forward: twofold), so the change between
    # them is thrice (once) the error of the smaller. Told with a margin, for terms of higher order.
    for factor, margin in ((2.0, 1.0 if central else 2.0), (0.5, 4.0)):
        try:
            far, near = f(x + factor * h), f(x - factor * h) if central else y_left
        except (ArithmeticError, ValueError):
            continue
        span = (x + factor * h) - (x - factor * h if central else x)
        change = abs((far - near) / span - slope) if span else math.nan
        if math.isfinite(change):
            return Estimate(slope, error + margin * change, h, method)
    note = "" if math.isfinite(slope) else "f is not finite near x"
    return Estimate(slope, math.inf, h, method, note)


def partial(
    f: Callable[..., Any],
    args: Sequence[float],
    index: int,
    h: float | None = None,
    method: str = "central",
) -> Estimate:
    """The partial derivative of ``f(*args)`` by ``args[index]``: one input is bumped, the others rest.

    h, method and what is returned are those of numerical_derivative. IndexError for an index that args
    does not have.

    >>> from pygrad.numeric import partial
    >>> [f"{partial(lambda a, b, c: a * b + c, (2, -3, 10), i, h=1e-4):.6f}" for i in range(3)]
    ['-3.000000', '2.000000', '1.000000']
    """
    inputs = list(args)
    if isinstance(index, bool) or not isinstance(index, int):
        raise TypeError(f"index must be an int, the position of an argument, not {index!r}")
    if not -len(inputs) <= index < len(inputs):
        raise IndexError(f"index {index} is out of range: f has {len(inputs)} arguments here")
    at = index % len(inputs)
    x = _finite(inputs[at], f"args[{at}]")
    return numerical_derivative(lambda t: f(*inputs[:at], t, *inputs[at + 1 :]), x, h, method)


# -- which step is best -----------------------------------------------------------------------------


class SweepRow(NamedTuple):
    """One step of a sweep. All but h are in the units of the derivative; nan where f is not defined.

    error is |estimate - exact|; truncation and roundoff are what a formula expects of it: h**2 |f'''| / 6
    (forward: h |f''| / 2), and the uncertainty of f over h.
    """

    h: float
    estimate: float
    error: float
    truncation: float
    roundoff: float


def _expected(row: SweepRow) -> float:
    total = row.truncation + row.roundoff
    return math.inf if math.isnan(total) else total


class StepSweep(Sequence[SweepRow]):
    """The error of a difference quotient for a number of steps: a sequence of SweepRow.

    exact is the derivative they are compared with, x the point, method "central" or "forward".
    """

    def __init__(self, rows: Iterable[SweepRow], x: float, exact: float, method: str) -> None:
        self._rows = tuple(rows)
        self.x, self.exact, self.method = x, exact, method

    @overload
    def __getitem__(self, index: int) -> SweepRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SweepRow, ...]: ...
    def __getitem__(self, index: int | slice) -> SweepRow | tuple[SweepRow, ...]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[SweepRow]:
        return iter(self._rows)

    @property
    def best(self) -> SweepRow:
        """The row of least expected error, truncation + roundoff; a lucky hit at a bad step is not it.

        ValueError if f is not defined at any of the steps.
        """
        defined = [row for row in self._rows if not math.isnan(row.error)]
        if not defined:
            raise ValueError("f is not defined at any step of the sweep")
        return min(defined, key=_expected)

    def to_dict(self) -> dict[str, list[float]]:
        """The columns by name, for a plot or a data frame."""
        return {name: [getattr(row, name) for row in self._rows] for name in SweepRow._fields}

    def __repr__(self) -> str:
        return f"<StepSweep of {len(self)} {self.method} steps at x = {self.x}>"

    def _said(self) -> str:
        return f"{self.method} differences at x = {self.x}; exact derivative {self.exact}"

    def _cells(self) -> list[tuple[str, ...]]:
        """The rows of its table, the head first; the last column points to the best."""
        defined = [row for row in self._rows if not math.isnan(row.error)]
        best = min(defined, key=_expected, default=None)
        return [
            ("h", "estimate", "error", "truncation", "round-off", ""),
            *(
                (
                    f"{row.h:.2g}",
                    f"{row.estimate:.15g}",
                    f"{row.error:.1e}",
                    f"{row.truncation:.1e}",
                    f"{row.roundoff:.1e}",
                    "<- best" if row is best else "",
                )
                for row in self._rows
            ),
        ]

    def _repr_html_(self) -> str:
        return html_result(self._said(), self._cells())

    def __str__(self) -> str:
        lines = [self._said()]
        for *row, mark in self._cells():
            columns = zip(row, (9, 25, 10, 12, 11), strict=True)
            lines.append(f"{''.join(text.rjust(w) for text, w in columns)}  {mark}".rstrip())
        return "\n".join(lines)


def step_sweep(
    f: Callable[[Any], Any],
    x: float,
    hs: Iterable[float] | None = None,
    method: str = "central",
    *,
    exact: float | None = None,
) -> StepSweep:
    """The difference quotient of f at x for many steps, beside the exact derivative: a printable table.

    Its error is a U: truncation falls with h, round-off rises. Near h = cbrt(eps) |x| (forward:
    sqrt(eps) |x|) they meet.

    Args:
        f: as for numerical_derivative; pygrad.grad must be able to differentiate it.
        x: where.
        hs: the steps; None takes two a decade from |x| / 10 down to where x + h is x.
        method: "central" or "forward".
        exact: the derivative to compare with, for f that pygrad cannot differentiate.

    Raises:
        As numerical_derivative; ValueError also for hs without a step.

    >>> from pygrad.numeric import step_sweep
    >>> print(step_sweep(lambda x: 1 / x, 0.3, hs=[1e-2, 1e-5, 1e-9]))
    central differences at x = 0.3; exact derivative -11.111111111111112
            h                 estimate     error  truncation  round-off
         0.01        -11.1234705228031   1.2e-02     1.2e-02    3.7e-14
        1e-05        -11.1111111234519   1.2e-08     1.2e-08    3.7e-11  <- best
        1e-09        -11.1111112838125   1.7e-07     1.2e-16    3.7e-07
    """
    outside_traces("step_sweep")
    _check_method(method, _METHODS[:2])
    point = _finite(x, "x")
    scale = 10.0 ** round(math.log10(abs(point) or 1.0))
    usual = [scale * 10 ** (-k / 2) for k in range(2, 33)]
    usual = [h for h in usual if h] or [TINY]  # the last are 0 for a tiny x
    steps = usual if hs is None else [_step(h) for h in hs]
    if not steps:
        raise ValueError("hs has no step")
    truth = _plain(value_and_grad(f)(point)[1]) if exact is None else _real(exact, "exact")
    line = Line(scalar_function(f), point)
    uncertainty = max(EPS / 2 * abs(line.y), TINY / 2, 2 * line.scatter)
    central = method == "central"
    rows = []
    for h in steps:
        moves = point + h != point or (central and point - h != point)
        estimate = line.slope(h, 0 if central else 1)[0] if moves else 0.0
        truncation = _bend(line, h) if central else _slant(line, h)
        error = abs(estimate - truth)
        rows.append(
            SweepRow(h, estimate, error, truncation, uncertainty / h * (1 if central else 2))
        )
    return StepSweep(rows, point, truth, method)


def _bend(line: Line, h: float) -> float:
    """h**2 |f'''| / 6, from two central differences; their rounding and truncation are small."""
    step = max(line.scale * 2.0**-10, math.ulp(line.x))
    ratio = h / step
    return ratio * (ratio * (abs(line.slope(2 * step)[0] - line.slope(step)[0]) / 3))


def _slant(line: Line, h: float) -> float:
    """h |f''| / 2 likewise."""
    step = max(line.scale * 2.0**-12, math.ulp(line.x))
    return h / step * (abs(line.slope(step, 1)[0] - line.slope(step, -1)[0]) / 2)


# -- a derivative is a prediction -------------------------------------------------------------------


class Nudge(NamedTuple):
    """What the derivative predicts for a nudge of the input, what happens, and the difference."""

    prediction: float
    actual: float
    miss: float

    def _cells(self) -> tuple[str, ...]:
        return f"{self.prediction:.6g}", f"{self.actual:.6g}", f"{self.miss:.3g}"

    def _repr_html_(self) -> str:
        return html_table([self._fields, self._cells()])

    def __str__(self) -> str:
        return ", ".join(map(" ".join, zip(self._fields, self._cells(), strict=True)))


def nudge(f: Callable[[Any], Any], x: Any, h: Any) -> Nudge:
    """How f(x) changes when x moves by h: by f'(x) h if f is a straight line, else about that.

    x is a number, or an array or a list, tuple or dict of numbers; then h has the same structure and
    says how much each moves. f is called with Values in that structure.

    Raises:
        ValueError: h has not the structure of x.
        TypeError: something in x or h is no number, f returns no single number.

    >>> from pygrad.numeric import nudge
    >>> print(nudge(lambda x: x**2, 2.0, 0.01))
    prediction 0.04, actual 0.0401, miss 0.0001
    >>> print(nudge(lambda v: v[0] * v[1], [2.0, -3.0], [0.5, 0.0]))
    prediction -1.5, actual -1.5, miss 0
    """
    outside_traces("nudge")
    items, structure = flatten_numbers(x, "x")
    moves, structure_of_h = flatten_part(h, "h", FREE)
    if not same(structure, structure_of_h):
        raise ValueError(f"h must have the structure of x: {structure}, not {structure_of_h}")
    start = [_finite(item, "x") for item in items]
    by = [_finite(move, "h") for move in moves]
    before, gradient = value_and_grad(lambda v: f(structure.as_argument(v)))(start)
    end = [a + b for a, b in zip(start, by, strict=True)]
    prediction = math.fsum(_plain(slope) * move for slope, move in zip(gradient, by, strict=True))
    actual = float_of(as_recorded(lambda v: f(structure.as_argument(v)), end)) - _plain(before)
    return Nudge(prediction, actual, actual - prediction)
