"""Arguments of one call of a program: numbers, which it reads, and what is fixed in it."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad.core.distinction import ALIKE, distinction
from pygrad.core.structure import flatten, key_of

_FLOAT64 = np.dtype(np.float64)
_NUMBERS = {float, int, bool, np.float64}


class Fixed:
    """A static argument in a key: equal to another where a function cannot tell them apart."""

    __slots__ = ("argument", "distinction")

    def __init__(self, argument: Any) -> None:
        self.argument, self.distinction = argument, distinction(argument)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self.distinction == other.distinction

    def __hash__(self) -> int:
        return hash(self.distinction)


class Arguments:
    """Arguments of one call: numbers, by position or name, and the rest, which is static."""

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[int]
    ) -> None:
        count = len(args)
        fixed = {i % count for i in static if -count <= i < count}
        self.static: dict[Any, Any] = {}
        dynamic: dict[Any, Any] = {}
        for name, arg in [*enumerate(args), *kwargs.items()]:
            is_static = name in fixed or isinstance(arg, bool) or not _is_numeric(arg)
            (self.static if is_static else dynamic)[name] = arg
        self.items, self.structure = flatten(dynamic, "the arguments")

    def key(self) -> Any:
        """What calls have in common that one program serves; to be hashed if static arguments can."""
        static = tuple(
            [
                (name, type(arg), arg if type(arg) in ALIKE else Fixed(arg))
                for name, arg in self.static.items()
            ]
        )
        return (key_of(self.structure), static)

    def call(self, f: Callable[..., Any], items: Sequence[Any]) -> Any:
        """f with items in the place of the numbers."""
        given = {**self.static, **self.structure.arrange(items)}
        positions = sorted(name for name in given if isinstance(name, int))
        named = {name: arg for name, arg in given.items() if isinstance(name, str)}
        return f(*[given[i] for i in positions], **named)


def static_of(key: Any) -> list[tuple[Any, Any]]:
    """Names and static arguments that are in a key."""
    return [(name, x.argument if kind not in ALIKE else x) for name, kind, x in key[1]]


def _is_numeric(arg: Any) -> bool:
    try:
        flatten(arg, "")
    except TypeError:
        return False
    return not isinstance(arg, bool)


# -- arguments that need no look at each number ----------------------------------------------------
# They are plain: floats, float64 arrays, and flat lists of floats.


def plain_key(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What plain arguments of one program have in common; None if they are not plain."""
    key: list[Any] = []
    for arg in args:
        kind = type(arg)
        if kind is float:
            key.append(None)
        elif kind is np.ndarray and arg.dtype is _FLOAT64:
            key.append(arg.shape or None)
        elif kind is list:
            key.append(len(arg))
        else:
            return None
    return tuple(key)


def is_flat(numbers: list[Any]) -> bool:
    return _NUMBERS.issuperset(map(type, numbers))


def copy_plain(args: tuple[Any, ...], inputs: Any) -> bool:
    """False if a list has more in it than numbers: Values, say, or lists."""
    at = 0
    for arg in args:
        kind = type(arg)
        if kind is float:
            inputs[at] = arg
            at += 1
            continue
        if kind is list:
            if not is_flat(arg):
                return False
            numbers = array.array("d", arg)
        else:
            numbers = arg if arg.ndim == 1 else arg.ravel()
        size = len(numbers)
        inputs[at : at + size] = numbers
        at += size
    return True
