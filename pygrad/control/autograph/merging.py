"""One of two things by a condition: what a variable is after branches that both have run."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from pygrad.control.autograph.context import context
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.places import NOTHING
from pygrad.control.state import State, either, is_condition
from pygrad.core.implementation import Value, trace_active

NUMBERS = (float, int, Value)


class Maybe(NamedTuple):
    """A variable that only some rows have assigned."""

    value: Any
    assigned: Any  # by which: a condition
    otherwise: Any = None  # what stands for it in the other rows


class Temporary:
    """In the place of a variable that a loop assigns, and that nobody reads before in a trip."""

    def __init__(self, slot: Any) -> None:
        self.slot = slot


class Lost(NamedTuple):
    """A variable that a loop has assigned, and that no program can carry from trip to trip."""

    why: str


def bare(item: Any) -> Any:
    """What a variable holds, where it is known to be assigned."""
    return item.value if isinstance(item, Maybe) else item


class Mismatch(AutographError):
    """Two things of which no program can have one or the other."""


def is_staged(test: Any) -> bool:
    """Whether the truth of something is an op of the trace that runs."""
    return isinstance(test, Value) and trace_active()


def condition(test: Any) -> Any:
    """The truth of a Value in a trace, or of anything else."""
    if isinstance(test, Value) and trace_active():
        return test if is_condition(test) else test != 0
    return bool(test)


def opposite(c: Any) -> Any:
    return not c if type(c) is bool else c ^ True


def both(a: Any, b: Any) -> Any:
    """Whether two conditions, or bools, hold."""
    if type(a) is bool:
        return b if a else False
    if type(b) is bool:
        return a if b else False
    return a & b


def any_of(a: Any, b: Any) -> Any:
    if type(a) is bool:
        return True if a else b
    if type(b) is bool:
        return True if b else a
    return a | b


def side(item: Any, which: int) -> Any:
    """What stands for something that the first (0) or the second way (1) of a branch gives."""
    sides = context.sides
    if sides is None:
        return item
    if type(item) is tuple:
        return tuple([side(each, which) for each in item])
    return sides.of(item, which)


def chosen(c: Any, a: Any, b: Any) -> Any:
    """a, of the first way, where c holds, else b, of the second: numbers, or truths."""
    return a if a is b else either(c, side(a, 0), side(b, 1))


def merged(c: Any, a: Any, b: Any, what: str, kept: Any = None) -> Any:
    """a where c holds, else b. kept: tells of a container whether it was there before both.

    Raises:
        Mismatch: they are of different kinds.
    """
    if a is b:
        return a
    if isinstance(a, Lost) or isinstance(b, Lost):
        return a if isinstance(a, Lost) else b
    if any(x is NOTHING or isinstance(x, Maybe | Temporary) for x in (a, b)):
        return _maybe(c, a, b, what, kept)
    if isinstance(a, NUMBERS) and isinstance(b, NUMBERS):
        if context.decides and isinstance(a, Enum) and isinstance(b, Enum):
            raise Mismatch(f"{what} is one member of an enumeration or another")
        return chosen(c, a, b)
    if kept is not None:
        for item in (a, b):
            if kept(item) and not isinstance(item, tuple):
                raise Mismatch(
                    f"{what} is one {type(a).__name__} or another, which were there before: what is "
                    "changed in it later would have to be changed in the right one"
                )
    if type(a) is tuple and type(b) is tuple and len(a) == len(b):
        pairs = zip(a, b, strict=True)
        return tuple([merged(c, x, y, f"{what}[{i}]", kept) for i, (x, y) in enumerate(pairs)])
    try:
        one, other = State.of(a, what), State.of(b, what)
    except TypeError as error:
        raise Mismatch(str(error)) from None
    wrong = one.differs(other, what)
    if wrong:
        raise Mismatch(wrong.replace("after that", "in the other branch"))
    if not one.items:
        return a
    pairs = zip(one.items, other.items, strict=True)
    return one.arrange([chosen(c, x, y) for x, y in pairs])


def _maybe(c: Any, a: Any, b: Any, what: str, kept: Any) -> Any:
    x, by_a, before = _assigned(a)
    y, by_b, otherwise = _assigned(b)
    by_a, by_b = side(by_a, 0), side(by_b, 1)
    assigned = any_of(both(c, by_a), both(opposite(c), by_b))
    otherwise = otherwise or before
    if by_a is False:
        value = side(y, 1)
    elif by_b is False:
        value = side(x, 0)
    else:
        value = merged(c, x, y, what, kept)
    if assigned is False:
        return otherwise or NOTHING
    return value if assigned is True else Maybe(value, assigned, otherwise)


def _assigned(item: Any) -> tuple[Any, Any, Any]:
    if item is NOTHING:
        return NOTHING, False, None
    if isinstance(item, Temporary):
        return NOTHING, False, item
    return tuple(item) if isinstance(item, Maybe) else (item, True, None)
