"""Whether f goes in stairs around a point: smooth within each tread, with another slope over many of them.

What an iteration gives that stops at a tolerance, a bisection say, goes like that: within a tread it takes
the same course, and its derivative, that of the treads, is that of differences with small steps. The
derivative of what it solves is the slope over many treads.

The sign of it is that slopes do not add up: what f rises by over a stretch is not what its slopes there
add up to. Where f is continuous they do, whatever f does besides: bend at kinks, oscillate, rise steeply. A
jump here and there is told from stairs by two stretches, one eight times as long as the other: of both, as
much of the length has to be missing. And stairs go somewhere: a saw, as x % 1 is, does not.

>>> from math import floor, isclose
>>> from pygrad.checking.differences import Line
>>> from pygrad.checking.stairs import stairs
>>> line = Line(lambda x: 3.0 * x - floor(1000.0 * x) / 1000.0, 0.7321)
>>> found = stairs(line, 3.0, lambda x: 3.0)
>>> isclose(found.slope, 2.0, rel_tol=0.01)
True
>>> stairs(Line(lambda x: abs(x - 0.69), 0.7), 1.0, lambda x: 1.0 if x > 0.69 else -1.0)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean, pstdev
from typing import NamedTuple

from pygrad.checking.differences import EPS, TINY, Line

_POINTS = 16  # of a stretch, at which slopes are taken
_GOLDEN = (math.sqrt(5) - 1) / 2
_SEEN = 10.0  # so many times its rounding is a difference there beyond doubt
_NEAR = 10.0  # so many times nearer to the derivative a difference within a tread is
_LEVEL = 3.0  # differences over many treads differ by less than this factor
_SURE = 6.0  # so many standard errors of a mean of slopes are no accident
_ALIKE = 1.7  # what is missing of two stretches may differ by this factor
_AWAY = 3.0  # so many jumps f rises by over a stretch, or it is a saw that goes nowhere


class Stairs(NamedTuple):
    """The slope over many treads, and how far off it may be."""

    slope: float
    error: float


class _Stretch(NamedTuple):
    """f over so much around x: its slope from end to end, how far off that may be, what slopes in between
    lack of it, and whether that is stairs.
    """

    slope: float
    missing: float
    error: float
    is_stairs: bool


def stairs(line: Line, found: float, slope_at: Callable[[float], float]) -> Stairs | None:
    """The stairs that f goes in around x, None if it does not.

    Args:
        line: f around x.
        found: its derivative at x.
        slope_at: its derivative elsewhere; called only if differences of f are as those of stairs are.
    """
    steps = line.fine_steps()[::-1]
    first = _first_of_level(line, found, steps)
    best: Stairs | None = None
    last: _Stretch | None = None
    for h in steps[first:]:
        stretch = _stretch(line, h, slope_at)
        if stretch is None or not stretch.is_stairs:
            if best is not None:  # farther away f is something else
                break
            last = None
            continue
        if last is not None and 1 / _ALIKE < stretch.missing / last.missing < _ALIKE:
            error = abs(stretch.slope - last.slope) + stretch.error
            if best is None or error < best.error:
                best = Stairs(stretch.slope, error)
        last = stretch
    return best


def _first_of_level(line: Line, found: float, steps: list[float]) -> int:
    """The first step whose difference quotient is as far from the derivative as that of the next one is,
    while those of two smaller steps in a row are near to it; the number of steps if there is none.
    Quotients of what is smooth come nearer with each step.
    """
    off = [(slope - found, noise) for slope, noise in (line.slope(h, 0, line.quiet) for h in steps)]
    near = math.inf
    for k in range(len(off) - 1):
        (here, noise), there = off[k], off[k + 1][0]
        low, high = sorted((abs(here), abs(there)))
        if max(_SEEN * noise, _NEAR * near) < low and high < _LEVEL * low and here * there > 0:
            return k
        if k:
            near = min(near, max(abs(off[j][0]) + off[j][1] for j in (k - 1, k)))
    return len(steps)


def _stretch(line: Line, h: float, slope_at: Callable[[float], float]) -> _Stretch | None:
    """f between x - h and x + h; None where it is not defined all over."""
    left, right = line.x - h, line.x + h
    low, high = line.at(left), line.at(right)
    slope, noise = line.slope(h, 0, 0.0)
    points = [
        left + (right - left) * ((i + (0.5 + i * _GOLDEN) % 1.0) / _POINTS) for i in range(_POINTS)
    ]
    values = [line.at(t) for t in points]
    if not all(map(math.isfinite, [low, high, slope, *values])):
        return None
    try:
        slopes = [slope_at(t) for t in points]
        missing = slope - fmean(slopes)
        unsure = _SURE * pstdev(slopes) / math.sqrt(_POINTS) + _SEEN * noise
    except (ArithmeticError, ValueError):  # as f raises, or of slopes that are huge or not finite
        return None
    beside = [y - (low + slope * (t - left)) for t, y in zip(points, values, strict=True)]
    jump = max(beside) - min(beside)
    goes = abs(high - low) > _AWAY * jump + EPS * abs(low) + TINY
    return _Stretch(slope, missing, jump / (right - left), abs(missing) > unsure and goes)
