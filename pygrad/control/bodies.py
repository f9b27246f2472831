"""Bodies that are traced once: what is to be known while they run, and what they raise for some rows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pygrad.control import traced
from pygrad.control.autograph.context import MAX_TRIPS, context, in_a_body
from pygrad.control.autograph.errors import AutographError
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
    trip = _Trip(body)
    meant = trip.meant()
    begin = both(meant, condition(start))

    def run(state: _Items) -> tuple[_Items, Any]:
        (new, goes_on), number = trip(state)
        if not trip.carries:
            return new, goes_on
        return [*new, number], both(condition(goes_on), number == 0)

    if count is not None and meant is True:
        found, _ = traced.loop(lambda s: run(s)[0], items, count=count, max_trips=most)
    else:
        found, _ = traced.loop(run, items, start=begin, max_trips=most)
    if trip.raised:
        trip.begin_again()
        found, _ = traced.loop(run, [*items, trip.before], start=begin, max_trips=most)
        context.raised.cell_contents = found.pop()
    return found


def scan(
    body: Callable[[_Items, _Items], tuple[_Items, _Items]],
    items: Sequence[Any],
    columns: Sequence[traced.Column],
    length: int,
    reverse: bool = False,
) -> tuple[_Items, list[_Items]]:
    """The same of a scan, and the columns of what its trips make: see `traced.scan`. Rows that it is not
    meant for make 0."""
    trip = _Trip(body)
    meant = trip.meant()

    def run(state: _Items, row: _Items) -> tuple[_Items, ...]:
        (new, made), number = trip(state, row)
        if not trip.carries:
            return (new, made) if meant is True else (new, made, True)  # type: ignore[return-value]
        return [*new, number], made, number == 0  # type: ignore[return-value]

    start = None if meant is True else meant
    found, ys = traced.scan(run, items, columns, length, start=start, reverse=reverse)
    if trip.raised:
        trip.begin_again()
        found, ys = traced.scan(
            run, [*items, trip.before], columns, length, start=meant, reverse=reverse
        )
        context.raised.cell_contents = found.pop()
    return found, ys


@contextlib.contextmanager
def apart(rows: tuple[Any, ...]) -> Iterator[None]:
    """While the body of a loop is differentiated: not in the branches of the code that asks for that, but
    for the rows for which conditions hold that the body has itself.

    Raises:
        AutographError: something was raised for some rows.
    """
    raised, context.raised.cell_contents = context.raised.cell_contents, 0
    before = len(context.errors)
    try:
        with in_a_body():
            context.around = rows
            yield
        if len(context.errors) > before:
            raise AutographError(
                f"the derivative of a loop's body raises {context.errors[before]!r} for some rows"
            )
    finally:
        context.raised.cell_contents = raised
        del context.errors[before:]


class _Trip:
    """A body, and the number of what it raises for some rows; once it carries that it is the last of the
    state."""

    def __init__(self, body: Callable[..., Any]) -> None:
        self.body, self.before = body, context.raised.cell_contents
        self.errors, self.carries, self.raised = len(context.errors), False, False

    def meant(self) -> Any:
        """For which rows the loop is: True, or a condition."""
        return both(context.active, condition(self.before == 0))

    def __call__(self, state: _Items, *row: _Items) -> tuple[Any, Any]:
        context.raised.cell_contents = state[-1] if self.carries else 0
        with in_a_body():
            try:
                result = self.body(state[:-1] if self.carries else state, *row)
                number = context.raised.cell_contents
            finally:
                context.raised.cell_contents = self.before
        self.raised = not (type(number) is int and number == 0)
        return result, number

    def begin_again(self) -> None:
        del context.errors[self.errors :]
        self.carries = True
