"""What a loop carries, or a branch gives: a tree taken apart into numbers, and put together again.

>>> from pygrad.control.state import State
>>> state = State.of({"t": 0.5, "done": False}, "init_val")
>>> state.items, state.arrange([1.5, 1.0])
([0.5, False], {'t': 1.5, 'done': True})
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad.core.callables import function_name
from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.core.structure import RESULT, Container, Structure, difference, flatten_part

_where = FUNCTIONS["where"]


class ControlError(TypeError):
    """A loop or a branch that cannot be one of a program, or does not give what it is to give."""


def is_truth(item: Any) -> bool:
    """Whether an item is a bool, or what a comparison gives in a trace."""
    return isinstance(item, bool) or is_condition(item)


def is_condition(item: Any) -> bool:
    """Whether it is what a comparison gives in a trace: a Value of 0 or 1."""
    return isinstance(item, Value) and type(item).__name__ == "Condition"


class State(NamedTuple):
    """A tree's numbers, and how they were arranged."""

    items: list[Any]
    structure: Structure
    truths: tuple[bool, ...]  # which of the items are truths

    @classmethod
    def of(cls, tree: Any, what: str) -> State:
        items, structure = flatten_part(tree, what, RESULT)
        return cls(items, structure, tuple(map(is_truth, items)))

    def arrange(self, items: Sequence[Any]) -> Any:
        """The tree with other numbers; truths are truths again."""
        found = [
            item != 0 if truth else item for item, truth in zip(items, self.truths, strict=True)
        ]
        return self.structure.arrange(found)

    def differs(self, other: State, what: str) -> str:
        """Where another tree is of another kind, and what each has there; "" if it is nowhere."""
        found = difference(self.structure, other.structure, what)
        if found is not None:
            place, one, two = found
            return f"{place} is {one}, and {two} after that" if one != two else f"{place} differs"
        for at, (a, b) in enumerate(zip(self.truths, other.truths, strict=True)):
            if a != b:
                one, two = ("a truth" if truth else "a number" for truth in (a, b))
                place = self._place(at, what)
                return f"{place} is {one}, and {two} after that"
        return ""

    def _place(self, at: int, what: str) -> str:
        def find(structure: Structure, start: int, name: str) -> str:
            if isinstance(structure, Container):
                for part, of in zip(structure.parts, structure.names, strict=True):
                    if start <= at < start + part.size:
                        return find(part, start, structure.place(name, of))
                    start += part.size
            return name

        return find(self.structure, 0, what)


_PLAIN = (float, int, Value)


def is_like(a: Any, b: Any) -> bool:
    """Whether two states are of one kind for certain, found out quickly."""
    kind = type(b)
    if type(a) in _PLAIN and kind in _PLAIN:
        return True
    if kind is not type(a) or kind not in {tuple, list} or len(a) != len(b):
        return False
    return all(type(x) in _PLAIN and type(y) in _PLAIN for x, y in zip(a, b, strict=True))


def must_be_alike(init: Any, result: Any, what: str, f: Callable[..., Any], of: str) -> State:
    """The result taken apart, which has to be of the kind of what the loop has begun with.

    Raises:
        ControlError: it is not. The error names the place.
    """
    first, found = State.of(init, what), State.of(result, f"the result of {function_name(f)}()")
    wrong = first.differs(found, what)
    if wrong:
        raise ControlError(
            f"{function_name(f)}() of {of}() must return what it is given: {wrong}. Each trip has "
            "to leave the state as it found it, number for number"
        )
    return found


def either(condition: Any, a: Any, b: Any) -> Any:
    """a where a condition of a trace holds, else b: numbers, or truths."""
    if a is b or (type(a) is type(b) and not isinstance(a, Value) and repr(a) == repr(b)):
        return a
    if is_truth(a) and is_truth(b):
        if a is True and b is False:
            return condition
        if a is False and b is True:
            return condition ^ True
        return (condition & a) | ((condition ^ True) & b)
    return _where(condition, a, b)
