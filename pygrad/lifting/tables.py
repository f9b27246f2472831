"""Tables in lifted code: `bisect` of Values, and the items that are read by what it has found.

Of plain numbers, and outside of traces, both are what they are elsewhere. In a trace `bisect` gives a
Value, and `ys[i - 1]` is one operation, if ys has floats and Values only: see pygrad/arrays/tables.py.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable
from typing import Any

from pygrad.arrays.engines import INDICES, is_array
from pygrad.core.implementation import Value, trace_active


def item_at(container: Any, index: Any) -> Any:
    """container[index]; of a Value the item of the whole number, in a trace without asking which."""
    if not isinstance(index, Value):
        return container[index]
    if trace_active() and _has_floats(container):
        from pygrad.arrays.tables import counts, take

        if counts(index, INDICES):
            return take(container, index)
    return container[int(index)]


def _has_floats(container: Any) -> bool:
    """Whether it is a list, tuple or array of floats and Values, among which may be whole numbers."""
    if type(container) in {list, tuple}:
        kinds = set(map(type, container))
        return bool(kinds & {float, Value}) and kinds <= {float, int, Value}
    return (
        is_array(container)
        and container.ndim == 1
        and (
            container.dtype == float
            or (container.dtype == object and _has_floats(container.tolist()))
        )
    )


def _searching(original: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """One of bisect's functions; in a trace that of a list with Values, or of a Value, is a search."""

    @functools.wraps(original)
    def search(a: Any, x: Any, lo: int = 0, hi: Any = None, **named: Any) -> Any:
        if not trace_active() or named or not (isinstance(x, Value) or _has_floats(a)):
            return original(a, x, lo, hi, **named)
        from pygrad.arrays import tables

        keys = a if type(a) in {list, tuple} else list(a)
        if lo == 0 and hi is None:
            return tables.bisected(keys, x, getattr(tables, rule))
        if lo < 0:
            raise ValueError("lo must be non-negative")
        found = tables.bisected(
            keys[lo : len(keys) if hi is None else hi], x, getattr(tables, rule)
        )
        return lo + found

    return search


def lifted_bisect() -> dict[str, Any]:
    """What stands in the place of bisect's functions, by their names."""
    left = _searching(bisect.bisect_left, "BISECT_LEFT")
    right = _searching(bisect.bisect_right, "BISECT_RIGHT")
    return {"bisect_left": left, "bisect_right": right, "bisect": right}
