"""Loops: one body in the program, whatever the number of trips; or trip by trip, under a mask.

The body is traced on what the loop carries: all that differs after a trip from what it was before, wherever
it stands. What that is shows when the body is traced; the trace is done over as long as more comes up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import CellType
from typing import Any

from pygrad.arrays.engines import is_array
from pygrad.control import traced
from pygrad.control.autograph.branching import (
    called,
    either_way,
    forgive,
    guarded,
    located,
    note,
    settle,
    signals,
    values,
)
from pygrad.control.autograph.carried import Again, Slot
from pygrad.control.autograph.context import caught, context, in_a_body
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.merging import bare, both, condition, is_staged, opposite
from pygrad.control.autograph.places import NOTHING, Place, Snapshot, closures
from pygrad.control.autograph.signals import BREAK, DEAD, GOES_ON, Signal, after, returning
from pygrad.control.autograph.statements import Info
from pygrad.control.columns import Part
from pygrad.core.implementation import Value

Body = Callable[..., Any]
_TRIES = 100
UNROLLED = 64  # trips, with those of loops around it, that are traced one by one
MOST_UNROLLED = 20_000


def alive() -> Any:
    """Whether a row has not raised: True, or a condition."""
    number = context.raised.cell_contents
    return number == 0


# -- while -----------------------------------------------------------------------------------------


def while_loop(info: Info, test: Callable[[], Any], body: Body, line: Callable[[], str]) -> Signal:
    while True:
        go = test()
        if is_staged(go):
            return _staged_while(info, condition(go), test, body, line)
        if not go:
            return GOES_ON
        signal = body() or GOES_ON
        if signal.left is True:
            return signal
        if signal.left is not False:
            return _rest_of_while(info, signal, test, body, line)


def _rest_of_while(
    info: Info, first: Signal, test: Callable[[], Any], body: Body, line: Callable[[], str]
) -> Signal:
    """The trips after the first one that has left for some rows."""

    def rest() -> Signal:
        go = test()
        if not is_staged(go):
            if not go:
                return GOES_ON
            go = True
        return _staged_while(info, condition(go), test, body, line)

    goes_on = opposite(first.left)
    then = either_way(
        lambda: signals(goes_on, rest, lambda: GOES_ON),
        goes_on,
        lambda: while_loop(info, test, body, line),
        lambda: GOES_ON,
        line,
    )
    return after(first, then)


def _run(carried: Carried, trip: Callable[[], Any], start: Any, line: Callable[[], str]) -> Signal:
    """The loop whose one body is a trip; what it leaves is settled."""
    try:
        carried.run_while(trip, start)
    except AutographError as error:
        raise located(error, line) from error
    settle()
    return carried.signal


def _staged_while(
    info: Info, start: Any, test: Callable[[], Any], body: Body, line: Callable[[], str]
) -> Signal:
    if start is False:
        return GOES_ON
    carried = Carried(info, [test, body])

    def trip() -> Any:
        signal = guarded(body) or GOES_ON
        carried.leave(signal)
        if signal.dead:
            return False
        go = both(opposite(signal.left), alive())
        if go is False:
            return False
        if go is True:
            return condition(test())
        return condition(values(go, lambda: condition(test()), lambda: False))

    return _run(carried, trip, start, line)


def refusal_of_handlers(name: str) -> str:
    return (
        f"a handler around it catches {name}, but operations of a loop that stands in the program once do "
        "not raise: they give inf or nan. Compare before you divide, or handle it outside of the loop"
    )


class Carried:
    """A loop's state, and its trace."""

    def __init__(self, info: Info, functions: Iterable[Body]) -> None:
        functions = list(functions)
        # What the loop has returned is carried as all else.
        self.broke, self.returned, self.value = CellType(False), CellType(False), CellType()
        mine = (self.broke, self.returned, self.value)
        self.roots = [*functions, context.raised, *mine]
        cells = closures(functions)
        self.names = {id(cell): name for name, cell in cells.items()}
        self.names[id(self.value)] = "what is returned"
        self.slots: dict[tuple[int, Any], Slot] = {}
        for name in sorted(info.stored & cells.keys()):
            self.add(Place(cells[name], None), name in info.temporary)

    @property
    def signal(self) -> Signal:
        value = bare(Place(self.value, None).get())
        return Signal(self.broke.cell_contents, self.returned.cell_contents, value)

    @signal.setter
    def signal(self, signal: Signal) -> None:
        self.broke.cell_contents, self.returned.cell_contents = signal.broke, signal.returned
        Place(self.value, None).put(signal.value)

    def leave(self, signal: Signal) -> None:
        """Takes what a trip has returned. Rows that have left do no other trip, so none has before it: what
        earlier ones have returned need not be looked at, and costs nothing."""
        if signal is not GOES_ON and not signal.dead:
            self.signal = signal

    def add(self, place: Place, temporary: bool = False) -> None:
        self.slots[place.mark] = Slot(place, called(place, self.names), temporary)

    def run_while(self, trip: Callable[[], Any], start: Any) -> None:
        """Trips as long as trip() says so. start: whether there is a first one: True, or a condition."""
        if name := caught():
            raise AutographError(refusal_of_handlers(name))
        active = both(both(context.active, alive()), start)

        def loop() -> list[Any]:
            return traced.loop(
                lambda items: self.traced(items, trip),
                self.begin(),
                start=active,
                max_trips=context.max_trips,
            )[0]

        self.run(loop, active is True)

    def run_scan(self, trip: Callable[[Any], Any], part: Part, length: int) -> None:
        """Trips with items as long as trip(item) says so."""
        if name := caught():
            raise AutographError(refusal_of_handlers(name))
        active = both(context.active, alive())

        def loop() -> list[Any]:
            found, _ = traced.scan(
                lambda items, row: self.scanned(items, lambda: trip(part.arrange(iter(row)))),
                self.begin(),
                part.columns,
                length,
                start=active,
            )
            return found

        self.run(loop, active is True)

    def scanned(self, items: list[Any], trip: Callable[[], Any]) -> tuple[list[Any], ...]:
        new, goes_on = self.traced(items, trip)
        return new, [], goes_on

    def begin(self) -> list[Any]:
        return [item for slot in self.slots.values() for item in slot.begin()]

    def run(self, loop: Callable[[], list[Any]], always: bool) -> None:
        """Has the loop traced until all that it carries is known; then its places hold what it gives."""
        snapshot = Snapshot(self.roots)
        was = len(context.errors)
        for _ in range(_TRIES):
            try:
                items = loop()
            except Again as again:
                del context.errors[was:]
                if again.slot is None or any(again.slot is slot for slot in self.slots.values()):
                    continue
                raise
            except BaseException:
                del context.errors[was:]
                raise
            finally:
                snapshot.restore()
            self.put(items)
            for slot in self.slots.values():
                slot.after(always)
                if slot.temporary:
                    slot.place.put(slot.initial)
            return
        raise AutographError("what the loop carries is of another kind after each trip")

    def put(self, items: list[Any]) -> None:
        at = 0
        for slot in self.slots.values():
            slot.put(items[at : at + slot.size])
            at += slot.size

    def traced(self, items: list[Any], trip: Callable[[], Any]) -> tuple[list[Any], Any]:
        """One trip on what it carries: what it carries after that, and what trip() has said."""
        outer = Snapshot(self.roots)
        with in_a_body():
            try:
                self.put(items)
                inside = Snapshot(self.roots)
                goes_on = trip()
                new = self.taken(inside, outer)
            finally:
                outer.restore()
        return new, goes_on

    def taken(self, inside: Snapshot, outer: Snapshot) -> list[Any]:
        """What the places hold; Again if others have changed, too."""
        more = False
        for mark, change in inside.changes().items():
            if mark in self.slots:
                continue
            name = called(change.place, self.names)
            if change.place.is_whole:
                raise AutographError(f"{name} grows or shrinks in the loop")
            if not outer.has(change.place.container):
                raise AutographError(
                    f"{name} is changed in the loop, and so is the variable by which it is there"
                )
            more = True
            self.add_changed(change.place, outer)
        if more:
            raise Again
        return [item for slot in self.slots.values() for item in slot.take()]

    def add_changed(self, place: Place, outer: Snapshot) -> None:
        """A place that has changed; what it was at first is in the snapshot around the trip."""
        now = place.get()
        outer.restore()
        self.add(place)
        place.put(now)


# -- for -------------------------------------------------------------------------------------------


def for_loop(info: Info, items: Any, body: Body, line: Callable[[], str]) -> Signal:
    if isinstance(items, Counted):
        return _staged_range(info, items, body, line)
    if _is_iterator(items, info) and (context.bodies or context.branches):
        raise located(
            AutographError(
                "it takes items of an iterator in code that stands in the program once: make a list "
                "of it before"
            ),
            line,
        )
    count = len(items) if hasattr(items, "__len__") else 0
    if count * context.times > UNROLLED and traced.ROLLED:
        signal = _rolled(info, items, body, line)
        if signal is not None:
            return signal
    return _trip_by_trip(info, items, body, line, max(count, 1))


def _trip_by_trip(
    info: Info, items: Any, body: Body, line: Callable[[], str], count: int
) -> Signal:
    signal = GOES_ON
    is_taken_from = _is_iterator(items, info)
    was, context.times = context.times, context.times * count
    try:
        for item in items:
            if signal.left is False:
                signal = after(signal, body(item) or GOES_ON)
            else:
                trip = _Trip(body, item)
                goes_on = opposite(signal.left)
                then = either_way(trip.masked(goes_on), goes_on, trip, lambda: GOES_ON, line)
                signal = after(signal, then)
            if is_taken_from:
                signal = _decided(signal)
            if signal.left is True:
                break
    finally:
        context.times = was
    return signal


def _is_iterator(items: Any, info: Info) -> bool:
    """Whether what is left of it after a loop may be used elsewhere."""
    names = {"zip", "enumerate", "reversed", "map", "filter"}
    return hasattr(items, "__next__") and (info.named or type(items).__name__ not in names)


def _decided(signal: Signal) -> Signal:
    """The same for the rows that have left, or for the others: all have taken as many items then."""
    if not is_staged(signal.left) or not signal.left:
        return signal if signal.left is True else GOES_ON
    return signal._replace(broke=bool(signal.broke), returned=bool(signal.returned))


class _Trip:
    """One trip with an item."""

    def __init__(self, body: Body, item: Any) -> None:
        self.body, self.item = body, item

    def __call__(self) -> Signal:
        return self.body(self.item) or GOES_ON

    def masked(self, goes_on: Any) -> Callable[[], Signal]:
        bound = self._bound()
        return lambda: signals(goes_on, bound, lambda: GOES_ON)

    def _bound(self) -> Callable[[], Signal]:
        body, item = self.body, self.item
        return lambda: body(item) or GOES_ON


class Counted:
    """range() of bounds that differ by row."""

    def __init__(self, start: Any, stop: Any, step: Any) -> None:
        if not isinstance(step, int) or step == 0:
            raise AutographError("the step of a range differs by row")
        self.start, self.stop, self.step = start, stop, step

    def holds(self, i: Any) -> Any:
        return i < self.stop if self.step > 0 else i > self.stop

    # What is no loop needs the bounds: Python's range asks for them, which has the error of a Value.

    def _plain(self) -> range:
        return range(self.start, self.stop, self.step)

    def __iter__(self) -> Iterator[int]:
        return iter(self._plain())

    def __reversed__(self) -> Iterator[int]:
        return reversed(self._plain())

    def __len__(self) -> int:
        return len(self._plain())

    def __getitem__(self, at: Any) -> Any:
        return self._plain()[at]

    def __contains__(self, x: object) -> bool:
        return x in self._plain()


def _staged_range(info: Info, items: Counted, body: Body, line: Callable[[], str]) -> Signal:
    index = CellType(items.start)
    start = condition(items.holds(items.start))
    return _indexed(info, index, start, items.holds, items.step, body, line)


def _indexed(
    info: Info,
    index: CellType,
    start: Any,
    holds: Callable[[Any], Any],
    step: int,
    body: Body,
    line: Callable[[], str],
) -> Signal:
    """A loop whose item is counted."""
    if start is False:
        return GOES_ON
    carried = Carried(info, [body])
    carried.roots.append(index)
    carried.names[id(index)] = "the index of the loop"
    carried.add(Place(index, None))

    def trip() -> Any:
        i = index.cell_contents
        signal = guarded(lambda: body(i)) or GOES_ON
        carried.leave(signal)
        if signal.dead:
            return False
        index.cell_contents = i + step
        return both(both(opposite(signal.left), alive()), condition(holds(i + step)))

    return _run(carried, trip, start, line)


def _of_items(info: Info, items: Any, part: Part, body: Body, line: Callable[[], str]) -> Signal:
    """A loop that is given the items of a sequence."""
    carried = Carried(info, [body])

    def trip(item: Any) -> Any:
        signal = guarded(lambda: body(item)) or GOES_ON
        carried.leave(signal)
        return False if signal.dead else both(opposite(signal.left), alive())

    try:
        carried.run_scan(trip, part, len(items))
    except AutographError as error:
        raise located(error, line) from error
    settle()
    return carried.signal


def _numbers(items: Any) -> Part | None:
    """A sequence of numbers, or an array, taken apart; None of all else."""
    if isinstance(items, range):
        return None
    if is_array(items) and items.ndim and items.dtype.kind in "fO":
        return Part.of(items)
    if isinstance(items, list | tuple) and all(isinstance(x, Value | float) for x in items):
        return Part.of(items)
    return None


def _rolled(info: Info, items: Any, body: Body, line: Callable[[], str]) -> Signal | None:
    """The loop with one body in the program; None if it is to be done trip by trip."""

    def holds(i: Any) -> Any:
        return i < items.stop if items.step > 0 else i > items.stop

    part = _numbers(items)
    if part is None and not isinstance(items, range):
        return None
    try:
        if part is not None:
            return _of_items(info, items, part, body, line)
        return _indexed(info, CellType(items.start), True, holds, items.step, body, line)
    except (AutographError, TypeError, RuntimeError, LookupError) as error:
        if len(items) * context.times > MOST_UNROLLED or context.bodies:
            raise
        forgive(error)
    return None


__all__ = ["BREAK", "DEAD", "NOTHING", "Counted", "for_loop", "note", "returning", "while_loop"]
