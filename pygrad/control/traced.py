"""Loops of programs: a body that is traced once.

Both functions take lists of numbers and Values, and a body that is called with a list of Values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core.implementation import Value

ROLLED = False  # loops of this module are traced trip by trip

_Items = list[Any]


def loop(
    body: Callable[[_Items], Any],
    state: Sequence[Any],
    *,
    count: Any = None,
    start: Any = True,
    reverse: bool = False,
    max_trips: int = 1_000_000_000,
) -> tuple[_Items, Any]:
    """The state after the trips of a loop, and how many there were.

    With count=None body(state) returns the new state and whether it goes on; start says whether it starts
    at all. With a count body(state) returns the new state.
    """
    items, trips = _values(state), 0
    while start if count is None else count > trips:
        if trips == max_trips:
            raise RuntimeError(f"a loop has not ended after {max_trips} trips, which is max_trips")
        if count is None:
            items, start = body(items)
        else:
            items = body(items)
        items, trips = _values(items), trips + 1
    return items, trips


def scanned(
    body: Callable[[_Items, _Items], tuple[_Items, _Items]],
    state: Sequence[Any],
    xs: Sequence[Sequence[Any]],
    length: int,
    reverse: bool = False,
) -> tuple[_Items, list[_Items]]:
    """The state after a trip for each row of xs, and what each trip gave besides, in the order of xs.

    body(state, row) returns the new state and what the trip gives.
    """
    items, ys = _values(state), []
    for at in range(length):
        row = xs[length - 1 - at if reverse else at] if xs else []
        items, given = body(items, _values(row))
        items = _values(items)
        ys.append(_values(given))
    return items, ys[::-1] if reverse else ys


def _values(items: Sequence[Any]) -> _Items:
    return [item if isinstance(item, Value) else Value(item) for item in items]
