"""Searches among ascending keys, by one rule of csrc/ops/cells.h or another, and items by their number."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Any

from pygrad.reference.value import Value


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


class _Last:
    """A number among which nan is the largest."""

    def __init__(self, x: Any) -> None:
        self.x = _number(x)

    def __lt__(self, other: _Last) -> bool:
        return self.x < other.x or (math.isnan(other.x) and not math.isnan(self.x))


def _like_interp(keys: Sequence[Any], x: float) -> int:
    """What numpy.interp finds: 0 below the first key, n on the last and n + 1 beyond it."""
    n = len(keys)
    if n == 0:
        return 0
    if x > _number(keys[-1]):
        return n + 1
    if x < _number(keys[0]):
        return 0
    if n <= 4:
        return next((i for i in range(1, n) if not x >= _number(keys[i])), n)
    for i in (1, 2, 3):
        if x < _number(keys[i]):
            return i
    low, high = 3, 9 if n > 10 and x < _number(keys[9]) else n
    while low < high:
        middle = (low + high) // 2
        if x >= _number(keys[middle]):
            low = middle + 1
        else:
            high = middle
    return low


_RULES: tuple[Callable[[Sequence[Any], float], int], ...] = (
    lambda keys, x: bisect.bisect_left(keys, x, key=_number),
    lambda keys, x: bisect.bisect_right(keys, x, key=_number),
    lambda keys, x: bisect.bisect_left(keys, _Last(x), key=_Last),
    lambda keys, x: bisect.bisect_right(keys, _Last(x), key=_Last),
    _like_interp,
)


def search(keys: Sequence[Any], x: Any, rule: int, /) -> int:
    """Which cell of the keys x is in."""
    return _RULES[rule](keys, _number(x))


def take(items: Sequence[Any], index: Any, /) -> Any:
    """The item of that number; nan where there is none."""
    number = _number(index)
    return items[int(number)] if 0 <= number < len(items) and number.is_integer() else math.nan
