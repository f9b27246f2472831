"""Differences of f around a point: what numeric.py and check.py estimate derivatives with.

Everything here works on a function of one float that gives a float: `scalar_function` makes one of a
user's. A `Line` is f around a point; `ridders` gives its derivative there with an error bar that holds,
`corner` says whether it has one at all.

>>> from pygrad.checking.differences import Line, ridders
>>> slope = ridders(Line(lambda x: x**3, 2.0))
>>> f"{slope:.12f}", slope.error < 1e-12
('12.000000000000', True)
"""

from __future__ import annotations

import itertools
import math
import numbers
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from pygrad.core.implementation import Value
from pygrad.core.recording import as_recorded

EPS = sys.float_info.epsilon
TINY = math.ulp(0.0)
SUSPICIOUS = 1e3 * EPS  # scatter of this relative size is more than the rounding of a few ops

Function = Callable[[float], float]


class Estimate(float):
    """A derivative found numerically: a float that knows how far off it may be.

    error: how far the truth may be from it, in its own units; inf if there is no telling.
    h: the step it was found with, in the units of x.
    method: "central", "forward" or "ridders".
    note: what a reader should know of it, "" if nothing.

    >>> from pygrad.numeric import numerical_derivative
    >>> slope = numerical_derivative(lambda x: x * x, 3.0)
    >>> abs(slope - 6.0) <= slope.error < 1e-9
    True
    """

    __slots__ = ("error", "h", "method", "note")

    error: float
    h: float
    method: str
    note: str

    def __new__(
        cls,
        value: float,
        error: float = math.inf,
        h: float = math.nan,
        method: str = "",
        note: str = "",
    ) -> Estimate:
        self = super().__new__(cls, value)
        self.error, self.h, self.method, self.note = error, h, method, note
        return self

    def __repr__(self) -> str:
        note = f", note={self.note!r}" if self.note else ""
        return f"Estimate({float(self)!r}, error={self.error:.1e}, h={self.h:.3g}{note})"


def float_of(y: Any) -> float:
    """What f returned, as a float. TypeError for what is not one number, ValueError for a complex one."""
    if isinstance(y, Value):
        return y.data
    if isinstance(y, numbers.Real):
        return float(y)
    if getattr(y, "shape", None) == ():
        return float_of(y.item())
    if isinstance(y, complex):
        raise ValueError(f"f is complex there: {y}")
    raise TypeError(
        f"f must return one number, not {type(y).__name__}; differentiate its outputs one at a time"
    )


def scalar_function(f: Callable[[Any], Any]) -> Function:
    """f from float to float. It is called with floats, or with Values if it needs methods of theirs."""
    methods = False

    def on_values(x: float) -> float:
        return as_recorded(lambda values: float_of(f(values[0])), [x])  # type: ignore[no-any-return]

    def g(x: float) -> float:
        nonlocal methods
        if methods:
            return on_values(x)
        try:
            return float_of(f(float(x)))
        except AttributeError as error:
            if not isinstance(error.obj, float) or not hasattr(Value, str(error.name)):
                raise
        methods = True  # f says x.relu(), which a float has not
        return on_values(x)

    return g


def power_of_two(x: float) -> float:
    """The power of two at or below x > 0. Steps that are powers of two round x + h least."""
    return math.ldexp(0.5, math.frexp(x)[1])


# -- f around a point -------------------------------------------------------------------------------


class Line:
    """f around x: its values, remembered, and how far rounding and scatter may put them off.

    What f raises at x goes on to the caller. Elsewhere a value is nan where f raises as float and math
    do, or is not finite.
    """

    def __init__(self, f: Function, x: float) -> None:
        self.x = x
        self.y = f(x)
        self.scale = power_of_two(abs(x) or 1.0)
        self._f = f
        self._seen = {x: self.y}
        # What scatters from afar and not close up may be rounding, or a course with sharp turns.
        self.scatter, self.quiet = _noise_levels(self)
        self.other = math.nan  # what the slope may also be: see ridders()

    def at(self, x: float) -> float:
        """f(x), or nan."""
        if x not in self._seen:
            try:
                y = self._f(x)
            except (ArithmeticError, ValueError):
                y = math.nan
            self._seen[x] = y if math.isfinite(y) else math.nan
        return self._seen[x]

    def unsure(self, *ys: float, scatter: float | None = None) -> float:
        """How far each of these values of f may be off: an ulp of the largest, or f's own scatter."""
        own = self.scatter if scatter is None else scatter
        return max(EPS * max(map(abs, [self.y, *ys])), 4 * own) + TINY

    def slope(self, h: float, side: int = 0, scatter: float | None = None) -> tuple[float, float]:
        """A difference quotient and how far rounding may put it off; nan where f is not defined.

        side is 0 for a central difference, 1 for one to the right, -1 to the left. The quotient is by
        the step as it came out, which is not quite h where x + h was rounded. scatter is f's own, if it
        is not to be .scatter.
        """
        right = self.x + h if side >= 0 else self.x
        left = self.x - h if side <= 0 else self.x
        y_right, y_left = self.at(right), self.at(left)
        width = right - left
        if not 0 < width < math.inf:
            return math.nan, math.inf
        unsure = self.unsure(y_right, y_left, scatter=scatter)
        return (y_right - y_left) / width, 2 * unsure / width

    def fine_steps(self) -> list[float]:
        """Steps from about x / 4 to where rounding drowns everything, each an eighth of the last."""
        return [self.scale * 2.0**-k for k in range(2, 45, 3)]


def _noise_levels(line: Line) -> tuple[float, float]:
    """How much f scatters around x beyond its smooth course, in the units of f: at all, and close up.

    Higher differences of a few values very close to each other leave nothing of a smooth f but its
    scatter (Moré and Wild 2011, "Estimating computational noise"). The quieter side of x counts, for f
    may jump or bend at x. Both are 0 for f that is exact there.
    """
    steps = [1.1718e-7 * line.scale * 2.0 ** (-6 * k) for k in range(4)]
    scatter = quiet = _scatter_beside(line, steps[0])
    for step in steps[1:]:
        if quiet <= SUSPICIOUS * abs(line.y):
            break
        quiet = min(quiet, _scatter_beside(line, step))
    return scatter, quiet


def _scatter_beside(line: Line, step: float) -> float:
    levels = [(_scatter(line, step), 1), (_scatter(line, -step), -1)]
    defined = sorted(level for level in levels if not math.isnan(level[0]))
    if not defined:
        return 0.0
    quiet, side = defined[0]
    if defined[-1][0] > 8 * quiet:  # on one grid roundings may happen to agree; hardly on two
        quiet = max(quiet, _scatter(line, 0.618 * side * step))
    return quiet


def _scatter(line: Line, step: float) -> float:
    # No power of two, on so regular a grid f may be exact or round the same way; but x + step is exact.
    grain = 2 * math.ulp(line.scale)
    step = (round(step / grain) or 1) * grain
    ys = [line.at(line.x + step * k) for k in range(1, 10)]
    levels = []
    for k in range(1, 7):
        ys = [b - a for a, b in itertools.pairwise(ys)]
        # The k-th difference of independent scatter has (2k)! / (k!)**2 times its variance.
        levels.append(math.hypot(*ys) / math.sqrt(len(ys) * math.comb(2 * k, k)))
    # What is left of a smooth course falls from each to the next; closer up less of it is left.
    if levels[5] < levels[3] / 4 and abs(step) > max(1e-12 * line.scale, grain):
        return _scatter(line, step / 64)
    return min(levels[3:])


# -- extrapolation ----------------------------------------------------------------------------------

_COLUMNS = 9  # of the tableau; more of them gain nothing at 53 bits
_ROWS = 64
_PATIENCE = 25  # rows without a better entry
_WIDER = 16.0  # factor between first steps that are tried
_WIDENINGS = 6
_GOOD = 1e-12  # relative error bar that asks for no wider step
_CLEAR_SLOPE = 1e-3  # relative error bar
_ASTRAY = 16  # so many times the rounding is no accident, though f may round more than once


def ridders(line: Line, h: float | None = None, side: int = 0) -> Estimate:
    """The derivative by extrapolated differences (Ridders 1982), and its error bar.

    The first step is relative, about |x| / 4, or the h that is given. It is shrunk while f raises or is
    not finite there, widened while that pays (exp at 1e-6 varies over 1, not over 1e-6), and shrunk
    again if small steps tell another tale (sin(1e6 * x), seen from afar). Where f goes in small steps,
    line.other is the slope of the steps if the answer is the slope over them, or the other way round.
    side=1 or -1 gives the right or left derivative. It is nan, with error inf, where nothing could be
    evaluated.
    """
    start = power_of_two(h) if h else max(line.scale / 4, 64 * math.ulp(line.x))
    best = _widened(line, start, side)
    if not h and best.error > _CLEAR_SLOPE * abs(best):
        best = _seen_from_afar(line, start, side, best)
    steps = line.fine_steps()
    for k, fine in enumerate(steps):
        if not fine < best.h / 2:
            continue
        slope, noise = line.slope(fine, side, line.quiet)
        astray = abs(slope - best)
        course = abs(line.slope(best.h, side)[0] - best) + best.error
        if not astray > course + _ASTRAY * noise:
            continue
        closer = [_tableau(line, 2 * step, side, line.quiet) for step in steps[k:]]
        clear = [c for c in closer if c.error < _CLEAR_SLOPE * abs(c)]
        flat = [c for c in closer if c.error < 1e-2 * astray and abs(c) < 1e-2 * astray]
        if not (clear or flat) or astray * fine < 1e-6 * abs(line.y):  # taken for rounding
            line.scatter = max(line.scatter, astray * fine)
            line.other = float([*clear, *flat, line.other][0])
            best = _widened(line, start, side)
        elif clear:
            best = min(clear, key=lambda c: c.error)
        else:
            line.other = float(best)
            note = f"f goes in steps around x; over many of them its slope is {best:.6g}"
            best = Estimate(flat[0], flat[0].error, flat[0].h, flat[0].method, note)
    return best


def _widened(line: Line, start: float, side: int) -> Estimate:
    """The best of tableaus that start at this step and at wider ones."""
    best = _tableau(line, start, side)
    for _ in range(_WIDENINGS):
        start *= _WIDER
        if best.error <= _GOOD * abs(best) or not math.isfinite(line.x + start):
            break
        wider = _tableau(line, start, side)
        # Far away f may be something else, or bounded, so that its quotient is a perfect 0. So only a
        # slope that is clear there, agrees with the one from close by and is more accurate counts.
        is_clear = wider.error < _CLEAR_SLOPE * abs(wider)
        if not (is_clear and abs(wider - best) <= best.error and wider.error < best.error / 2):
            break
        best = wider
    return best


def _seen_from_afar(line: Line, start: float, side: int, best: Estimate) -> Estimate:
    """The best of tableaus from the first step, up to 1, over which f rises by more than its rounding.

    exp at 1e-100 does so over 1e-12: too far for steps that are widened one by one.
    """
    h = start * _WIDER
    while h < 1:
        slope, noise = line.slope(h, side)
        if abs(slope) > noise / _CLEAR_SLOPE:
            wider = _widened(line, h, side)
            is_clear = wider.error < _CLEAR_SLOPE * abs(wider)
            agrees = math.isnan(best) or abs(wider - best) <= best.error
            return wider if is_clear and agrees else best
        h *= _WIDER
    return best


def _tableau(line: Line, h: float, side: int, scatter: float | None = None) -> Estimate:
    """Richardson's tableau from the step h down, halved from row to row, and its best entry.

    The error of a central difference is a series in h**2, of a one-sided one a series in h; each column
    is free of one more term. An entry is as good as it agrees with its neighbours, those below included,
    so that a chance agreement is not taken for accuracy. Steps where f is not defined are passed over.
    The row whose rounding alone exceeds the best error bar ends the tableau.
    """
    ratio = 2.0 if side else 4.0
    best = Estimate(math.nan, math.inf, math.nan, "ridders")
    above: list[float] = []
    top: list[float] = []  # the row above it
    noise_above = math.nan
    smallest = max(8 * math.ulp(line.x), h * 2.0**-_ROWS)
    patience = _PATIENCE
    while h >= smallest and patience:
        patience -= 1
        slope, noise = line.slope(h, side, scatter)
        if not math.isfinite(slope):
            above, top, patience = [], [], _PATIENCE
            h /= 2
            continue
        row, factor = [slope], 1.0
        for k, coarse in enumerate(above[:_COLUMNS]):
            factor *= ratio
            row.append(row[k] + (row[k] - coarse) / (factor - 1))
        for k, entry in enumerate(above):
            near = [row[k], *above[max(k - 1, 0) : k], *top[max(k - 1, 0) : k + 1]]
            if len(near) < 2:
                continue
            error = max(abs(entry - other) for other in near) + 2 * noise_above
            if error < best.error:
                best = Estimate(entry, error, 2 * h, "ridders")
                patience = _PATIENCE
        if noise >= best.error:
            break
        top, above, noise_above = above, row, noise
        h /= 2
    return best


# -- corners ----------------------------------------------------------------------------------------

_CLEAR = 30  # differences this many times their noise show a power of h
_SPREAD = 0.05  # by how much the powers between four of them may differ


class Corner(NamedTuple):
    """How f meets a point: kind is "" where it is smooth, else "kink", "jump", "infinite slope" or
    "edge" (of its domain). left and right are the one-sided slopes, nan where there is none.
    """

    kind: str
    left: float
    right: float

    def __str__(self) -> str:
        if not self.kind:
            return "smooth"
        sides = (("left", self.left), ("right", self.right))
        known = [f"{slope:.6g} to the {side}" for side, slope in sides if not math.isnan(slope)]
        name = "the domain of f ends here" if self.kind == "edge" else self.kind
        return f"{name}: slope {', '.join(known)}" if known else name


def corner(line: Line) -> Corner:
    """Whether f has a derivative at x, by the power of h that its differences follow as h shrinks.

    f(x+h) - 2 f(x) + f(x-h) goes as h**2 or faster for a smooth f, as h at a kink. It or f(x+h) - f(x-h)
    goes as a smaller power where a slope is infinite, and stays where f jumps. Small steps count first,
    so that a kink elsewhere is not taken for one at x.

    >>> from pygrad.checking.differences import Line, corner
    >>> print(corner(Line(abs, 0.0)))
    kink: slope -1 to the left, 1 to the right
    """
    steps = line.fine_steps()[::-1]
    pairs = [(line.at(line.x - h), line.at(line.x + h)) for h in steps]
    if any(all(math.isnan(pair[side]) for pair in pairs[:4]) for side in (0, 1)):
        return _corner("edge", line)
    noises = [2 * line.unsure(a, b) for a, b in pairs]
    bends = [(b - line.y) - (line.y - a) for a, b in pairs]
    larger = [max(abs(bend), abs(b - a)) for bend, (a, b) in zip(bends, pairs, strict=True)]
    power = _power(steps, larger, noises)
    if power < 0.9:
        return _corner("jump" if power < 0.1 else "infinite slope", line)
    if 0.9 < _power(steps, bends, noises) < 1.1:
        return _corner("kink", line)
    return Corner("", math.nan, math.nan)


def _corner(kind: str, line: Line) -> Corner:
    def slope(side: int) -> float:
        steps = line.fine_steps()[::-1]
        ys = [line.at(line.x + side * h) for h in steps]
        rises = [y - line.y for y in ys]
        if _power(steps, rises, [2 * line.unsure(y) for y in ys]) < 0.9:
            return math.copysign(math.inf, side * next(r for r in rises if not math.isnan(r)))
        return float(ridders(line, side=side))

    return Corner(kind, slope(-1), slope(1))


def _power(steps: list[float], differences: list[float], noises: list[float]) -> float:
    """The power of h by which these differences grow from h = 0, or inf if they show none.

    steps grow by eights. Four differences in a row well above their noise must follow one power of h,
    and all smaller steps must agree with it, but for noise.
    """
    for i in range(len(steps) - 3):
        run = differences[i : i + 4]
        clear = all(abs(d) > _CLEAR * n for d, n in zip(run, noises[i : i + 4], strict=True))
        if not clear or min(run) < 0 < max(run):
            continue
        powers = [math.log(b / a, 8) for a, b in itertools.pairwise(run)]
        if max(powers) - min(powers) > _SPREAD:
            continue
        power, heard = sum(powers) / 3, 0.0
        for h, d, noise in zip(steps[:i], differences, noises, strict=False):
            expected = run[0] * (h / steps[i]) ** power
            if not abs(d - expected) <= 0.2 * abs(expected) + 3 * max(noise, heard):
                break
            heard = max(heard, abs(d))
        else:
            return power
    return math.inf
