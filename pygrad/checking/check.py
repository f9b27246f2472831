"""check_grad: is the derivative of f right? Compared with differences of f, or with 50 digits.

An exact derivative and a difference quotient never agree entirely, so the question is what a disagreement
means. Every estimate here comes with an error bar, and there are five answers:

- ok: they agree, and the error bar is narrow enough for that to mean something;
- wrong: they differ by more than the error bar and the tolerance allow;
- not differentiable here: f has a kink, a jump or an infinite slope at x, or its domain ends there, so
  that no number is the derivative (a correct relu fails a naive check at 0);
- depends on the step: f goes in stairs around x, as what an iteration gives that stops at a tolerance. The
  derivative is that of the treads; over many of them f has another slope (pygrad.checking.stairs);
- inconclusive: the error bar is too wide to decide.

>>> from pygrad.checking.check import check_grad
>>> print(check_grad(lambda x: x[0] * x[0] / x[1], [2.0, 3.0]))
check_grad: ok, 2 derivatives
input      exact  numerical  relative error  error bar  verdict
x[0]     1.33333    1.33333         1.7e-16    2.6e-15  ok
x[1]   -0.444444  -0.444444         3.5e-15    9.8e-14  ok
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pygrad.checking.differences import (
    EPS,
    SUSPICIOUS,
    TINY,
    Corner,
    Line,
    corner,
    float_of,
    ridders,
)
from pygrad.checking.stairs import Stairs, stairs
from pygrad.core.implementation import Recorded, Value
from pygrad.core.recording import as_recorded, outside_traces, plain
from pygrad.core.singular import listening
from pygrad.core.structure import Structure, flatten_numbers, names_in
from pygrad.core.tables import html_result
from pygrad.transform import grad, gradients, jacobian

__all__ = ["CheckedDerivative", "GradientCheck", "GradientError", "check_grad"]

OK = "ok"
WRONG = "wrong"
NOT_DIFFERENTIABLE = "not differentiable here"
DEPENDS = "depends on the step"
INCONCLUSIVE = "inconclusive"
_GRAVEST_FIRST = (WRONG, NOT_DIFFERENTIABLE, DEPENDS, INCONCLUSIVE, OK)

_BARS = 3.0  # so many error bars of difference are no accident
_FAINT = 1e-9  # of f over x: slopes that a solver's tolerance may leave where they are to be 0
_NOTHING = 1e-300  # an error bar of a slope that is exactly 0
_CLEAR = 1e-4  # relative error bar of a slope that is there beyond doubt
_DROWNED = 4096  # so many times the rounding of f may an error bar be that takes a slope for 0
_ROWS_SHOWN = 40


class GradientError(AssertionError):
    """A derivative did not pass check_grad; ``.check`` is the GradientCheck that says why."""

    def __init__(self, check: GradientCheck) -> None:
        super().__init__(str(check))
        self.check = check


class CheckedDerivative(NamedTuple):
    """One derivative: what pygrad says, what was found without it, and what to make of it.

    name is the input's, as "x[0]"; for a higher order the inputs' one after the other. Errors are relative
    to the larger of exact and numerical; if both are 0 but for rounding, to the size of f over that of x.
    Where the verdict is "depends on the step", numerical is the slope over many steps of f.
    error_bar says how large a relative error the comparison could miss.
    """

    name: str
    order: int
    exact: float
    numerical: float
    relative_error: float
    error_bar: float
    verdict: str
    note: str


class GradientCheck:
    """What check_grad found. True if the verdict is "ok"; printed, it is a table."""

    def __init__(self, rows: Sequence[CheckedDerivative]) -> None:
        self.rows = tuple(rows)

    @property
    def verdict(self) -> str:
        """The gravest of the rows': wrong, not differentiable here, depends on the step, inconclusive or
        ok.
        """
        return min((row.verdict for row in self.rows), key=_GRAVEST_FIRST.index)

    @property
    def errors(self) -> tuple[float, ...]:
        """The relative error of each derivative; nan where there is nothing to compare with."""
        return tuple(row.relative_error for row in self.rows)

    @property
    def error_bar(self) -> float:
        """The widest of the relative error bars."""
        return max(row.error_bar for row in self.rows)

    def __bool__(self) -> bool:
        return self.verdict == OK

    def __repr__(self) -> str:
        return f"<GradientCheck: {self.verdict}, {_count(len(self.rows), 'derivative')}>"

    def _shown(self) -> tuple[str, list[tuple[str, ...]], str]:
        """What it says in a line, the head and the rows of its table, and of how many it says nothing."""
        shown = list(self.rows)
        if len(shown) > _ROWS_SHOWN:
            shown = sorted(shown, key=lambda row: row.verdict == OK)[:_ROWS_SHOWN]
        head = ("input", "exact", "numerical", "relative error", "error bar", "verdict")
        cells = [
            (
                row.name,
                f"{row.exact:.6g}",
                f"{row.numerical:.6g}",
                f"{row.relative_error:.1e}",
                f"{row.error_bar:.1e}",
                row.verdict + (f" ({row.note})" if row.note else ""),
            )
            for row in shown
        ]
        left = len(self.rows) - len(shown)
        said = f"check_grad: {self.verdict}, {_count(len(self.rows), 'derivative')}"
        return said, [head, *cells], f"... and {left} more" if left else ""

    def _repr_html_(self) -> str:
        return html_result(*self._shown())

    def __str__(self) -> str:
        said, rows, more = self._shown()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [said]
        for name, *numbers, verdict in rows:
            columns = [n.rjust(width) for n, width in zip(numbers, widths[1:], strict=False)]
            lines.append("  ".join([name.ljust(widths[0]), *columns, verdict]))
        if more:
            lines.append(more)
        return "\n".join(lines)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def check_grad(
    f: Callable[[Any], Any],
    x: Any,
    order: int = 1,
    *,
    rtol: float = 1e-6,
    atol: float = 0.0,
    exact: bool = False,
    raises: bool = False,
) -> GradientCheck:
    """Compare the derivatives of f at x, as pygrad.grad gives them, with differences of f.

    Args:
        f: a function of one argument, run on Values, that returns one number.
        x: a number, an array, or a list, tuple or dict of them; a tuple is one argument.
        order: derivatives up to this order are checked, mixed ones too: n inputs have n**order of the
            highest. Those of order k are compared with differences of those of order k - 1.
        rtol: the relative error that is still ok, and the widest error bar that can say so.
        atol: an absolute error that is ok whatever rtol says.
        exact: compare with the recorded graph evaluated to 50 digits in mpmath (see pygrad.checking.exact)
            instead of with differences of floats: branches that f took stay taken, so that no stairs are
            seen. Notes then give the error in units of the last place.
        raises: raise a GradientError, which is an AssertionError, unless the verdict is "ok".

    Differences are Ridders' (pygrad.checking.differences), 50 to 110 runs of f for each input, some more
    where x is tiny. A kink is found by comparing the two sides of x. Where wide steps, of up to x / 4, tell
    another tale than small ones, slopes elsewhere are added up, which tells stairs from kinks and waves:
    16 gradients for each of a few stretches. Stairs whose treads are no wider than the rounding of f look
    like a wrong slope. Where differences show no slope, one that would move f by no more than its rounding,
    over as much as x itself (that of tanh at 30), is ok. Where a derivative is exactly 0 and they show one
    below 1e-9 of f over x, but another one nearby, they cannot say whether it is there: a solver in f may
    leave as much.

    Raises:
        TypeError: x is not made of numbers; f returns no single number; order is above 1 and a node on
            the way can be differentiated only once.
        ValueError: order or a tolerance is out of range, x is empty or not finite.
        GradientError: see raises.
        Whatever f raises at x.

    >>> from pygrad import Value
    >>> from pygrad.checking.check import check_grad
    >>> def cube(x):  # with a derivative that forgets the 3
    ...     return Value(x.data**3, (x,), (x.data**2,))
    >>> check_grad(cube, 2.0).verdict
    'wrong'
    >>> check_grad(lambda x: x.relu(), 0.0).rows[0].note
    'kink: slope 0 to the left, 1 to the right'
    """
    outside_traces("check_grad")
    if isinstance(order, bool) or not isinstance(order, int):
        raise TypeError(
            f"order must be an int, not {order!r}; if it is a second argument of f, give them as one: "
            f"check_grad(lambda p: f(*p), [{x!r}, {order!r}])"
        )
    if order < 1:
        raise ValueError(f"order must be at least 1, not {order}")
    if not 0 < rtol < 1 or not 0 <= atol < math.inf:
        raise ValueError(
            f"rtol must be between 0 and 1 and atol not negative, not {rtol} and {atol}"
        )
    items, structure = flatten_numbers(x, "x")
    point = [float_of(item) for item in items]
    if not point:
        raise ValueError("x has no numbers in it: there is nothing to differentiate by")
    if not all(map(math.isfinite, point)):
        raise ValueError(f"x must be finite, not {x}")
    program = _Program(f, point, structure)
    with Recorded() as recorded:
        recorded.begin(())  # within no_grad(), too, as transforms do
        rows = list(_rows(program, order, exact, rtol, atol))
    report = GradientCheck(rows)
    if raises and not report:
        raise GradientError(report)
    return report


def _rows(
    program: _Program, order: int, exact: bool, rtol: float, atol: float
) -> Iterator[CheckedDerivative]:
    compare = _Exactly(program) if exact else _ByDifferences(program)
    names = list(names_in(program.structure, "x", lambda whole, of, key: of.place(whole, key)))
    for k in range(1, order + 1):
        places = itertools.product(range(len(names)), repeat=k)
        with listening() as singular:
            derivatives = program.derivatives(k)
        for place, found in zip(places, derivatives, strict=True):
            with listening():  # those beside x are no matter
                reference = compare.reference(place, found)
            row = _judged(" ".join(names[i] for i in place), k, found, reference, rtol, atol)
            if singular and row.verdict != OK:
                why = f"a computed 0 meets an infinite slope at {singular[0]}, and counts as 0"
                row = row._replace(note=f"{why}; {row.note}" if row.note else why)
            yield row


_NUMBERS = "check_grad compares plain numbers"


class _Program:
    """f over a flat list of numbers, and its derivatives."""

    def __init__(self, f: Callable[[Any], Any], point: list[float], structure: Structure) -> None:
        self.f, self.point, self.structure = f, point, structure
        self.size: float | None = None  # of f at the point
        self._seen: dict[tuple[int, int, float], list[float]] = {}

    def run(self, inputs: Sequence[Value]) -> Value:
        y = self.f(self.structure.as_argument(inputs))
        return y if isinstance(y, Value) else Value(float_of(y))

    def tensor(self, k: int, inputs: Sequence[Value]) -> list[Value]:
        """All derivatives of order k, each a Value that can be differentiated again."""
        values = [self.run(inputs)]
        for level in range(k):
            try:
                values = [g for v in values for g in gradients(v, list(inputs))]
            except TypeError as error:
                raise TypeError(
                    f"derivatives of order {level + 2} need one of order {level + 1} that can be "
                    f"differentiated again: {error}"
                ) from error
        return values

    def derivatives(self, k: int) -> list[float]:
        """All derivatives of order k at the point, as pygrad.grad (a numeric sweep) gives them."""
        if k == 1:
            gradient = grad(lambda v: self.f(self.structure.as_argument(v)))(self.point)
            return [float(slope) for slope in plain(gradient, "f", _NUMBERS)]
        rows = jacobian(lambda v: self.tensor(k - 1, v))(self.point)
        return [float(slope) for row in plain(rows, "f", _NUMBERS) for slope in row]

    def scale(self, place: Sequence[int]) -> float:
        """f over these inputs: the size of derivatives by them if f varies on the scale of x."""
        if self.size is None:
            self.size = abs(as_recorded(self.run, self.point).data)
        size = self.size
        for i in place:
            size /= abs(self.point[i]) or 1.0
        return size

    def _moved(self, i: int, t: float) -> list[float]:
        """The point with t in the place of input i."""
        return [*self.point[:i], t, *self.point[i + 1 :]]

    def slope(self, k: int, place: int, i: int, t: float) -> float:
        """The derivative, by input i, of a derivative of order k, with t in the place of that input."""
        if k == 0:
            gradient = grad(lambda v: self.f(self.structure.as_argument(v)))(self._moved(i, t))
            return float(plain(gradient[i], "f", _NUMBERS))
        return self.at(k + 1, place * len(self.point) + i, i, t)

    def at(self, k: int, place: int, i: int, t: float) -> float:
        """A derivative of order k (f itself for k = 0) with t in the place of input i."""
        numbers = self._moved(i, t)
        if k == 0:
            return as_recorded(self.run, numbers).data  # type: ignore[no-any-return]
        if (k, i, t) not in self._seen:
            found = as_recorded(lambda v: self.tensor(k, v), numbers)
            self._seen[k, i, t] = [v.data for v in found]
        return self._seen[k, i, t][place]


# -- what to compare with ----------------------------------------------------------------------------

_FAINTLY = (
    "differences show {:.2g}, almost nothing beside f over x, and another slope nearby: what a solver "
    "leaves at its tolerance, or a term that the derivative has not. atol= says what counts as 0"
)
_SMOOTH = Corner("", math.nan, math.nan)


class _Reference(NamedTuple):
    """A derivative found without a rule.

    difference: how far the derivative to be checked is from it. error: its own error bar. scale: the
    slope of a line from 0 to f over x; slopes are rounded to about EPS of that, if not of themselves.
    corner: why there is no derivative, if there is none. stairs: those in which f goes there, if it does.
    faint: why a slope that differences show need not be one, if it is no more than a solver may leave.
    """

    value: float
    difference: float
    error: float
    scale: float
    corner: Corner
    note: str
    stairs: Stairs | None = None
    faint: str = ""


class _ByDifferences:
    """Ridders' differences of the derivatives one order lower."""

    def __init__(self, program: _Program) -> None:
        self._program = program

    def reference(self, place: tuple[int, ...], found: float) -> _Reference:
        *lower, i = place
        x, index = self._program.point[i], 0
        for j in lower:
            index = index * len(self._program.point) + j

        def along(t: float) -> float:
            return self._program.at(len(lower), index, i, t)

        line = Line(along, x)
        if not math.isfinite(line.y):
            return _Reference(math.nan, math.nan, math.inf, 0.0, _SMOOTH, f"f is {line.y} at x")
        shape = corner(line)
        if shape.kind:
            return _Reference(math.nan, math.nan, math.inf, 0.0, shape, "")
        estimate = ridders(line)
        scale = max(abs(line.y) / line.scale, self._program.scale(place))
        if 0 in (line.y, x):  # f is as large as it is around x
            h = line.fine_steps()[0]
            around = [abs(y) for y in (line.at(x + h), line.at(x - h)) if not math.isnan(y)]
            scale = max([scale, *(y / line.scale for y in around)])
        note = "f is not finite around x" if math.isnan(estimate) else estimate.note
        difference, error = abs(found - estimate), estimate.error
        if difference > error and not math.isnan(line.other):
            # Its steps may be f, as those of floor() are, or what rounding has made of a smooth f.
            error = max(error, abs(line.other - estimate))
        if difference > error and line.scatter > SUSPICIOUS * abs(line.y):
            # It may be waves: shorter than the finest step, or lost in it where the estimate is a vague 0.
            steepest = line.scatter / line.fine_steps()[-1]
            if abs(found) > steepest / 4 or error > 0.1 * abs(estimate):
                note, error = "f varies faster than floats can follow, or scatters", math.inf
        faint = ""
        if found == 0 and error < difference and abs(estimate) <= _FAINT * scale:
            nearby = _slope_at(along, x + line.scale / 4)
            if abs(nearby - estimate) > 0.1 * abs(estimate):
                faint = _FAINTLY.format(float(estimate))
        wide = stairs(line, found, lambda t: self._program.slope(len(lower), index, i, t))
        return _Reference(float(estimate), difference, error, scale, _SMOOTH, note, wide, faint)


def _slope_at(f: Callable[[float], float], x: float) -> float:
    """An estimate of the slope there, or nan."""
    try:
        return float(ridders(Line(f, x)))
    except (ArithmeticError, ValueError):
        return math.nan


class _Exactly:
    """The graph of f in mpmath."""

    def __init__(self, program: _Program) -> None:
        from pygrad.checking.exact import Graph

        inputs: tuple[Value, ...] = ()

        def run(values: tuple[Value, ...]) -> Value:
            nonlocal inputs
            inputs = values
            return program.run(values)

        output = as_recorded(run, program.point)
        self._program = program
        self._graph = Graph(output, inputs)
        y, exactly = output.data, self._graph.value()
        self._lost = ""
        if not abs(exactly - y) <= max(1e-3 * abs(y), TINY):
            self._lost = f"f(x) itself has lost its digits: {y:.6g} is {float(exactly):.6g} exactly"

    def reference(self, place: tuple[int, ...], found: float) -> _Reference:
        if self._lost:
            return _Reference(math.nan, math.nan, math.inf, 0.0, _SMOOTH, self._lost)
        truth = self._graph.derivative(place, found)
        shape = Corner(truth.kind, float(truth.left), float(truth.right))
        value, note = float(truth.value), ""
        difference = abs(found - value)
        if math.isfinite(value) and math.isfinite(found):
            difference = float(abs(truth.value - found))
            note = f"{float(abs(truth.value - found) / math.ulp(value)):.2g} ulp"
            if truth.error > 1e-20 * abs(truth.value):
                note = "the digits mpmath was given were not enough"
        scale = self._program.scale(place)
        return _Reference(value, difference, float(truth.error), scale, shape, note)


# -- what to make of it -----------------------------------------------------------------------------


def _judged(
    name: str, order: int, found: float, reference: _Reference, rtol: float, atol: float
) -> CheckedDerivative:
    def row(
        verdict: str, note: str = reference.note, relative: float = math.nan, bar: float = math.inf
    ) -> CheckedDerivative:
        return CheckedDerivative(name, order, found, reference.value, relative, bar, verdict, note)

    shape, value, error = reference.corner, reference.value, reference.error
    if shape.kind:
        low, high = sorted([shape.left, shape.right])
        slack = max(rtol * max(abs(low), abs(high)), 1e-3 * (high - low), atol)
        if math.isfinite(slack) and not low - slack <= found <= high + slack:
            return row(WRONG, f"{shape}; {found:.6g} is not between them")
        return row(NOT_DIFFERENTIABLE, str(shape))
    if reference.stairs is not None:
        wide, unsure = reference.stairs
        size, difference = max(abs(found), abs(wide)), abs(found - wide)
        if difference > max(rtol * size, atol, unsure):
            return CheckedDerivative(
                name,
                order,
                found,
                wide,
                difference / size,
                unsure / size,
                DEPENDS,
                _advice(found, wide),
            )
    if math.isnan(value) or error == math.inf:
        return row(INCONCLUSIVE)
    if not math.isfinite(found):
        # Where the truth is beyond the largest float, so may the derivative be.
        return row(OK if found == value else WRONG)
    size, difference = max(abs(found), abs(value)), reference.difference
    # Slopes that f's rounding drowns count as 0, and errors of those as relative to f over x: but only
    # where differences show no slope.
    tiny = 4 * EPS * reference.scale if math.isfinite(reference.scale) else 0.0
    if value and error <= _CLEAR * abs(value):
        tiny = min(tiny, _CLEAR * abs(value))
    unseen = value == 0 or abs(value) <= _BARS * error <= _DROWNED * tiny
    if unseen and abs(found) <= tiny and max(difference, error) > rtol * size:
        size = max(size, reference.scale)
    relative = difference / size if size else 0.0
    bar = error / size if size else 0.0
    tolerance = max(rtol * size, atol, 0.0 if size else _NOTHING)
    if difference <= tolerance and error <= tolerance:
        return row(OK, relative=relative, bar=bar)
    # Where differences underflow a slope below the smallest normal float is neither seen nor disproved.
    underflow = sys.float_info.min if value == 0 else 0.0
    if difference > max(tolerance, _BARS * error, tiny, underflow):
        if reference.faint:
            return row(INCONCLUSIVE, reference.faint, relative, bar)
        return row(WRONG, relative=relative, bar=bar)
    note = reference.note or f"differences are good to {bar:.0e} here; exact=True gives 50 digits"
    return row(INCONCLUSIVE, note, relative, bar)


def _advice(found: float, wide: float) -> str:
    return (
        f"slope {found:.6g} within a step of f, {wide:.6g} over many: where f iterates to a tolerance, "
        "pygrad.custom_root has the derivative of what it solves"
    )
