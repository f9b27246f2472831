"""Arguments of one call of a program: numbers, which it reads, and what is fixed in it."""

from __future__ import annotations

import array
import copy
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad.core.distinction import ALIKE, distinction
from pygrad.core.structure import flatten, key_of

_FLOAT64 = np.dtype(np.float64)
_WITHOUT = {type(None), bool, int, float, complex, str, bytes, tuple, frozenset}  # attributes
_NUMBERS = {float, int, bool, np.float64}


class _Weak(weakref.ref[Any]):
    """In the place of a static argument, which is to live no longer for that."""

    __slots__ = ()


def _weakly(x: Any) -> Any:
    """An object that equals itself alone, such as a method's self, weakly; what has a value as it is."""
    kind = type(x)
    if kind in ALIKE or kind.__eq__ is not object.__eq__:
        return x
    try:
        return _Weak(x)
    except TypeError:
        return x


def _strongly(x: Any) -> Any:
    return x() if type(x) is _Weak else x


class Fixed:
    """A static argument in a key: equal to another where a function cannot tell them apart."""

    __slots__ = ("_argument", "_ended", "distinction")

    def __init__(self, argument: Any) -> None:
        self._argument = _weakly(argument)
        weak = self._argument is not argument
        self.distinction = (type(argument), self._argument) if weak else distinction(argument)
        if weak:
            hash(self._argument)  # while there is something to ask

    @property
    def argument(self) -> Any:
        return _strongly(self._argument)

    def at_end(self, call: Callable[[Any], object]) -> None:
        """Calls something once the argument is gone."""
        if type(self._argument) is _Weak:
            self._ended = weakref.ref(self._argument(), call)

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

    def objects(self) -> dict[Any, Any]:
        """Static arguments that may have attributes which change."""
        given = {name: _strongly(arg) for name, arg in self.static.items()}
        return {name: arg for name, arg in given.items() if type(arg) not in _WITHOUT}

    def lasting(self) -> Arguments:
        """The same for a program, which outlasts the call."""
        lasting = copy.copy(self)
        lasting.static = {name: _weakly(arg) for name, arg in self.static.items()}
        return lasting

    def call(self, f: Callable[..., Any], items: Sequence[Any]) -> Any:
        """f with items in the place of the numbers."""
        static = {name: _strongly(arg) for name, arg in self.static.items()}
        given = {**static, **self.structure.arrange(items)}
        positions = sorted(name for name in given if isinstance(name, int))
        named = {name: arg for name, arg in given.items() if isinstance(name, str)}
        return f(*[given[i] for i in positions], **named)


def at_end(key: Any, call: Callable[[Any], object]) -> None:
    """Calls something once a static argument in a key is gone."""
    for _, kind, x in key[1]:
        if kind not in ALIKE:
            x.at_end(call)


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


def floats_only(args: tuple[Any, ...]) -> bool:
    return all(type(arg) is float for arg in args)


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
