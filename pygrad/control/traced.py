"""Loops of programs: a body that is traced once.

Both functions take lists of numbers and Values, and a body that is called with a list of Values. In a
trace (of `compile` or `vmap`) `loop` is one part of the program, whatever the number of trips; outside it
is a plain Python loop. `scanned` is traced trip by trip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core.implementation import Value, trace_active

ROLLED = True  # whether `loop` is one part of a program; if not, it is traced trip by trip

_Items = list[Any]


def loop(
    body: Callable[[_Items], Any],
    state: Sequence[Any],
    *,
    count: Any = None,
    start: Any = True,
    max_trips: int = 1_000_000_000,
) -> tuple[_Items, Any]:
    """The state after the trips of a loop, and how many there were.

    With count=None body(state) returns the new state and whether it goes on; start says whether it starts
    at all. With a count, which may be no whole number, body(state) returns the new state; there are as many
    trips as in `while trips < count`.

    In a trace the body is called once, on Values that stand for the state at any trip: to ask for the truth
    of a comparison that depends on them raises TraceError, and no operation raises for its numbers.
    """
    items = _values(state)
    control = start if count is None else count
    if not isinstance(control, Value) and not (control if count is None else control > 0):
        return items, 0
    if not trace_active():
        return _unrolled(body, items, count, start, max_trips)
    from pygrad import _native  # which the reference has not

    leaves, over = _native.loop_begin(tuple(items))
    try:
        result = body(list(leaves))
        outcome = tuple(_values(result if count is not None else [*result[0], result[1]]))
        if len(outcome) != len(items) + (count is None):
            raise ValueError(
                f"the body of a loop was given {len(items)} numbers, and returned "
                f"{len(outcome) - (count is None)}"
            )
    finally:
        _native.loop_end(leaves, over)
    (control,) = _values([control])
    *final, trips = _native.loop_made(
        leaves, outcome, tuple(items), control, count is not None, float(max_trips)
    )
    return final, trips


def _unrolled(
    body: Callable[[_Items], Any], items: _Items, count: Any, goes_on: Any, max_trips: int
) -> tuple[_Items, int]:
    trips = 0
    while goes_on if count is None else count > trips:
        if trips == max_trips:
            raise RuntimeError(f"a loop has not ended after {max_trips} trips, which is max_trips")
        if count is None:
            items, goes_on = body(items)
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
