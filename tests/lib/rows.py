"""What a row of truth.py is, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from digits import Real

LIMIT = 4.0

Truth = Callable[..., Real]


class LaneRange(NamedTuple):
    """Where lanes are tried: exponents of |x| in powers of two, and whether x may be negative."""

    low: float
    high: float
    signed: bool
    limit: float = 2.0  # ulp


class Row(NamedTuple):
    """What there is to know about one public op.

    value: from the operands. slopes: by each operand; None where the op has no such derivative there.
    is_smooth: else it has corners or jumps.
    domain: where it is real; the truth is not asked elsewhere.
    limit, value_limit: of errors of slopes and of the value in ulp, 0 where they are exact. Not the worst
    found at some points, which a longer search passes, but what IEEE 754, libm and the formulas can reach.
    scale: what errors of value and slopes are measured against, where that is more than they themselves:
    two terms cancel.
    own_sequence: the eager value is one of our own, with other last bits than Python's math has, if any.
    lanes: where lanes are tried; None for ops of more than one operand, and such as are exact.
    same_in_lanes: lanes run the sequence that eager code runs, in every build.
    is_tame: an error estimate to first order is sound almost everywhere.
    far: from so large an operand on, higher derivatives leave the range of doubles, or mpmath takes long.
    hard: operands at which usual formulas, or ours at some time, were worst.
    tails: operands at which a derivative is tiny beside the value.
    shortcut: a derivative of the value, where differences of the value take mpmath long.
    """

    value: Truth
    slopes: tuple[Truth, ...]
    is_smooth: bool = True
    has_constant: bool = False
    domain: tuple[float, float] = (-math.inf, math.inf)
    limit: float = LIMIT
    value_limit: float = LIMIT
    scale: Truth | None = None
    own_sequence: bool = False
    lanes: LaneRange | None = None
    same_in_lanes: bool = False
    is_tame: bool = False
    far: float = math.inf
    hard: tuple[tuple[float, ...], ...] = ()
    tails: tuple[tuple[float, ...], ...] = ()
    shortcut: Truth | None = None

    @property
    def arity(self) -> int:
        return len(self.slopes)


def tame(value: Truth, *slopes: Truth, **more: Any) -> Row:
    return Row(value, slopes, is_tame=True, **more)


def wild(value: Truth, *slopes: Truth, **more: Any) -> Row:
    return Row(value, slopes, **more)


def cornered(value: Truth, *slopes: Truth, same_in_lanes: bool = True) -> Row:
    return Row(
        value, slopes, is_smooth=False, limit=0.0, value_limit=0.0, same_in_lanes=same_in_lanes
    )


def at(*xs: float) -> tuple[tuple[float, ...], ...]:
    """Operands of a unary op."""
    return tuple((x,) for x in xs)
