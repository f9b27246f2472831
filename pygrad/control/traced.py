"""Loops of programs: a body that is traced once.

The functions take lists of numbers and Values, and a body that is called with lists of Values. In a
trace (of `compile` or `vmap`) `loop` is one part of the program, whatever the number of trips; outside it
is a plain Python loop. `scan` is one part of a program, too; `scanned` is the same trip by trip.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pygrad.core.implementation import Value, trace_active
from pygrad.core.structure import as_values

ROLLED = True  # whether what can be is one part of a program; if not, it is traced trip by trip

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
    items = as_values(state)
    control = start if count is None else count
    if not isinstance(control, Value) and not (control if count is None else control > 0):
        return items, 0
    if not trace_active():
        return _unrolled(body, items, count, start, max_trips)
    from pygrad import _native  # which the reference has not

    leaves, over = _native.loop_begin(tuple(items))
    try:
        result = body(list(leaves))
        outcome = tuple(as_values(result if count is not None else [*result[0], result[1]]))
        if len(outcome) != len(items) + (count is None):
            raise ValueError(
                f"the body of a loop was given {len(items)} numbers, and returned "
                f"{len(outcome) - (count is None)}"
            )
    finally:
        _native.loop_end(leaves, over)
    (control,) = as_values([control])
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
        items, trips = as_values(items), trips + 1
    return items, trips


class Column:
    """A number for each trip of a scan."""

    def __init__(self, items: Sequence[Any]) -> None:
        self.items: Sequence[Any] = items
        if not any(isinstance(item, Value) for item in items):
            self.items = array("d", items)

    @property
    def is_known(self) -> bool:
        """Whether it does not depend on an input of the trace."""
        return isinstance(self.items, array)


def scan(
    body: Callable[[_Items, _Items], tuple[_Items, ...]],
    state: Sequence[Any],
    columns: Sequence[Column],
    length: int,
    *,
    start: Any = None,
    reverse: bool = False,
) -> tuple[_Items, list[_Items]]:
    """In a trace, the state after a trip for each row of columns, and what trips make besides, as columns.

    body(state, row) returns the new state and what the trip makes; with a start, which says whether there
    is a first trip, also whether there is another one. What no trip has made is 0. The body is called once,
    as that of `loop`; there is one trip at least, if there is no start.
    """
    from pygrad import _native

    items = as_values(state)
    given = [column for column in columns if not column.is_known]
    known = [column for column in columns if column.is_known]
    first = as_values([column.items[0] for column in (*given, *known)])
    leaves, over = _native.loop_begin((*items, *first))
    try:
        of = dict(zip(map(id, (*given, *known)), leaves[len(items) :], strict=True))
        new, made, *goes_on = body(list(leaves[: len(items)]), [of[id(c)] for c in columns])
        outcome = tuple(as_values([*new, *goes_on, *made]))
        if len(new) != len(items):
            raise ValueError(
                f"the body of a scan was given {len(items)} numbers, and returned {len(new)}"
            )
    finally:
        _native.loop_end(leaves, over)
    counts = start is None
    (control,) = as_values([length if counts else start])
    found = _native.scan_made(
        leaves,
        outcome,
        tuple(items),
        control,
        counts,
        tuple(item for column in given for item in as_values(column.items)),
        b"".join(column.items.tobytes() for column in known),  # type: ignore[attr-defined]
        length,
        reverse,
    )
    ys = found[len(items) + 1 :]
    return list(found[: len(items)]), [
        list(ys[at : at + length]) for at in range(0, len(ys), length)
    ]


def scanned(
    body: Callable[[_Items, _Items], tuple[_Items, ...]],
    state: Sequence[Any],
    columns: Sequence[Column],
    length: int,
    reverse: bool = False,
) -> tuple[_Items, list[_Items]]:
    """What `scan` gives, traced trip by trip."""
    items, ys = as_values(state), []
    for at in reversed(range(length)) if reverse else range(length):
        items, made = body(items, as_values([column.items[at] for column in columns]))
        items = as_values(items)
        ys.append(as_values(made))
    if reverse:
        ys.reverse()
    return items, [list(column) for column in zip(*ys, strict=True)]


# -- ways of branches ------------------------------------------------------------------------------

# What a way has to cost to be a part of its own, in instructions, where a function is six: at least, and
# for each number that goes in or out. Measured, values and derivatives alike: rows that all take one of two
# such ways gain 1.3 to 1.7 times, blocks of which no row takes the only one 4 to 35 times, and mixed rows
# come to 0.7 to 0.95.
LEAST, EACH = 192.0, 4.0


@contextlib.contextmanager
def noted() -> Iterator[Callable[[], int]]:
    """While what is computed in a trace is noted. Gives a function that says at which place that is now."""
    if not ROLLED:
        yield lambda: 0
        return
    from pygrad import _native

    _native.ways_begin()
    try:
        yield _native.ways_place
    finally:
        _native.ways_end()


def way(span: tuple[int, int], items: _Items, control: Any) -> _Items:
    """What was computed between two places of a trace, for the rows for which control holds; 0 for others.

    Where that is little, or nothing of the items was computed there, it is the items themselves.
    """
    from pygrad import _native

    if not ROLLED:
        return items
    return list(_native.way_made(*span, tuple(items), control, 1.0, LEAST, EACH) or items)


def once(span: tuple[int, int], items: _Items) -> _Items:
    """What was computed between two places of a trace, as the body of a loop that has one trip: its
    derivative computes it once more. Of a way what is expensive is kept for that; the bound of this one
    says that it is none."""
    if not ROLLED:
        return items
    from pygrad import _native

    at = [k for k, item in enumerate(items) if isinstance(item, Value)]
    given = tuple([items[k] for k in at])
    found = _native.way_made(*span, given, Value(1.0), 2.0, 0.0, 0.0) or given
    new = dict(zip(at, found, strict=True))
    return [new.get(k, item) for k, item in enumerate(items)]
