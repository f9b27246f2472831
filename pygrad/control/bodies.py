"""Bodies that are traced once: what is to be known while they run, and what they raise for some rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.control import traced
from pygrad.control.autograph.context import MAX_TRIPS, context, in_a_body
from pygrad.control.autograph.merging import both, condition

_Items = list[Any]


def checked_trips(most: int | None, name: str) -> int:
    """max_trips, or the bound that holds if none is given."""
    if most is None:
        return MAX_TRIPS
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise ValueError(f"max_trips of {name}() must be a whole number, 0 or more, not {most!r}")
    return most


def loop(
    body: Callable[[_Items], tuple[_Items, Any]],
    items: Sequence[Any],
    start: Any,
    most: int = MAX_TRIPS,
    count: Any = None,
) -> _Items:
    """The state after the trips of a loop of the program, for the rows that are meant where it stands.

    body(state) returns the new state, and whether it goes on; count, if there is one, says the same by the
    number of trips. What it raises for some rows ends the loop for these, and is raised when rows may part.
    """
    before = context.raised.cell_contents
    errors, carries, raised = len(context.errors), False, False

    def trip(state: _Items) -> tuple[_Items, Any]:
        nonlocal raised
        context.raised.cell_contents = state[-1] if carries else 0
        with in_a_body():
            try:
                new, goes_on = body(state[:-1] if carries else state)
                number = context.raised.cell_contents
            finally:
                context.raised.cell_contents = before
        raised = not (type(number) is int and number == 0)
        if not carries:
            return new, goes_on
        return [*new, number], both(condition(goes_on), number == 0)

    meant = both(context.active, condition(before == 0))
    begin = both(meant, condition(start))
    if count is not None and meant is True:
        found, _ = traced.loop(lambda s: trip(s)[0], items, count=count, max_trips=most)
    else:
        found, _ = traced.loop(trip, items, start=begin, max_trips=most)
    if raised:
        del context.errors[errors:]
        carries = True
        found, _ = traced.loop(trip, [*items, before], start=begin, max_trips=most)
        context.raised.cell_contents = found.pop()
    return found
