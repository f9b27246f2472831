"""What a loop carries from trip to trip: places whose contents differ after a trip, as lists of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.merging import Lost, Maybe, Temporary
from pygrad.control.autograph.places import NOTHING, Place
from pygrad.control.state import State
from pygrad.core.structure import difference


class Again(Exception):
    """More is carried than was known: the loop is to be traced once more."""

    steers: ClassVar = True  # says how a trace goes on

    def __init__(self, slot: Slot | None = None) -> None:
        super().__init__()
        self.slot = slot  # of which loop; None: the innermost


class Slot:
    """One place, and the kind of what it holds."""

    def __init__(self, place: Place, name: str, temporary: bool = False) -> None:
        self.place, self.name = place, name
        self.initial = place.get()
        self.state: State | None = None
        self.maybe = False  # whether it may be unassigned
        self.lost = ""  # why it cannot be carried
        self.temporary = temporary and (
            self.initial is NOTHING or isinstance(self.initial, Temporary)
        )
        item = self.initial
        if isinstance(item, Temporary):
            if not temporary:
                item.slot.needed()
            item = NOTHING
        if isinstance(item, Maybe):
            self.maybe, item = True, item.value
        if isinstance(item, Lost):
            self.lost = item.why
        elif item is NOTHING:
            if not place.is_variable:
                raise AutographError(f"{name} is made in the loop: give it a first value before")
            self.maybe = True
        else:
            self.learn(item)

    def needed(self) -> NoReturn:
        """A variable that was taken for a temporary one is read before it is assigned."""
        self.temporary = False
        raise Again(self)

    @property
    def size(self) -> int:
        return 0 if self.state is None else len(self.state.items) + self.maybe

    def learn(self, item: Any) -> None:
        """Take the kind of what the place holds."""
        try:
            self.state = State.of(item, self.name)
        except TypeError as error:
            self._lose(str(error))

    def _lose(self, why: str) -> None:
        if not self.place.is_variable:
            raise AutographError(f"a loop cannot carry {self.name}: {why}")
        self.lost, self.state = why, None

    def begin(self) -> list[Any]:
        """The numbers that the loop begins with."""
        if self.state is None:
            return []
        item, assigned = self.initial, True
        if isinstance(item, Maybe):
            item, assigned = item.value, item.assigned
        if item is NOTHING or isinstance(item, Temporary):
            return [0.0] * len(self.state.items) + [0.0]
        items = list(State.of(item, self.name).items)
        return [*items, assigned] if self.maybe else items

    def put(self, items: Sequence[Any]) -> None:
        """Has the place hold what its numbers say."""
        if self.lost:
            self.place.put(Lost(self.lost))
        elif self.temporary:
            self.place.put(Temporary(self))
        elif self.state is None:
            self.place.put(NOTHING)
        elif self.maybe:
            *numbers, assigned = items
            self.place.put(Maybe(self.state.arrange(numbers), assigned != 0))
        else:
            self.place.put(self.state.arrange(items))

    def take(self) -> list[Any]:
        """The numbers of what the place holds after a trip. Again, if it is of another kind than before."""
        item, assigned = self.place.get(), True
        if isinstance(item, Maybe):
            item, assigned = item.value, item.assigned
        if isinstance(item, Lost):
            return self._again(lambda: self._lose(item.why)) if not self.lost else []
        if self.lost or self.temporary or isinstance(item, Temporary):
            return []
        if item is NOTHING:
            if self.state is None:
                return []
            if not self.maybe:
                self._again(lambda: setattr(self, "maybe", True))
            return [0.0] * len(self.state.items) + [0.0]
        if self.state is None:
            self._again(lambda: self.learn(item))
        try:
            found = State.of(item, self.name)
        except TypeError as error:
            why = str(error)
            return self._again(lambda: self._lose(why))
        assert self.state is not None
        wrong = self.state.differs(found, self.name)
        if wrong:
            self._differs(found, wrong)
        if not self.maybe and assigned is not True:
            self._again(lambda: setattr(self, "maybe", True))
        return [*found.items, assigned] if self.maybe else found.items

    def _differs(self, found: State, wrong: str) -> None:
        assert self.state is not None
        same = difference(self.state.structure, found.structure, self.name) is None
        if same:  # truths here, numbers there
            merged = tuple([a and b for a, b in zip(self.state.truths, found.truths, strict=True)])
            if merged != self.state.truths:
                state = self.state._replace(truths=merged)
                self._again(lambda: setattr(self, "state", state))
            if merged == self.state.truths:
                return
        wrong = wrong.replace("after that", "after a trip")
        if self.initial is NOTHING:
            self._again(lambda: self._lose(wrong))
        raise AutographError(f"a loop cannot carry {self.name}: {wrong}")

    def _again(self, change: Any) -> Any:
        change()
        raise Again(self)

    def after(self, always: bool) -> None:
        """The same as put() where the last trip has surely assigned it."""
        item = self.place.get()
        if always and isinstance(item, Maybe):
            self.place.put(item.value)
