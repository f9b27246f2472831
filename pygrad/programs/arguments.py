"""Arguments of one call of a program: numbers, which it reads, and what is fixed in it."""

from __future__ import annotations

import array
import copy
import weakref
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from pygrad.core.containers import REST
from pygrad.core.distinction import ALIKE, distinction
from pygrad.core.hints import of_an_input, of_containers
from pygrad.core.records import RecordError
from pygrad.core.static import Static, is_hashable
from pygrad.core.structure import (
    ARGUMENT,
    FREE,
    NUMBER,
    Container,
    Role,
    Structure,
    container_like,
    flatten,
    has_static,
    key_of,
)
from pygrad.programs.asked import Asked, asks, has_bools
from pygrad.programs.whole import WITHOUT_INTS, is_whole

_MAKE_STATIC = (
    "compile(f, static_argnums={place}), and giving it by position, makes it a plain number with programs "
    "of its own"
)
_FLOAT64 = np.dtype(np.float64)
_WITHOUT = {type(None), bool, int, float, complex, str, bytes, tuple, frozenset}  # attributes
_NEVER_NUMBERS = {bool, str, bytes, type(None)}
_NUMBERS = {float, int, bool, np.float64}

_WHOLE = ARGUMENT._replace(whole=True)  # for a function that asks whether a number is an int
NOTHING_ASKED = asks(False)


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
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        static: frozenset[int],
        asked: Asked = NOTHING_ASKED,
    ) -> None:
        """static: positions of what is fixed, beside what is no number, and what the function asks of."""
        count = len(args)
        self.asked, self.has_fixed_ints = asked, False  # which stay ints without being named
        fixed = {i % count for i in static if -count <= i < count}
        self.static: dict[Any, Any] = {}
        self.items: list[Any] = []
        self._outlined: dict[Any, Any] | None = None
        dynamic: dict[Any, Structure] = {}
        for name, arg in [*enumerate(args), *kwargs.items()]:
            stays, role = name in fixed, ARGUMENT
            if not stays and type(arg) not in WITHOUT_INTS and asked.fixes(name, count):
                stays, role = is_whole(arg), _WHOLE
            elif has_bools(arg) and asked.truths:
                role = FREE
            part = None if stays else dynamic_part(arg, name, self.items, role)
            if part is None:
                self.static[name] = arg
                self.has_fixed_ints |= role is _WHOLE
            else:
                dynamic[name] = part
                self.has_fixed_ints |= role is _WHOLE and has_static(part)
        self.structure: Container = container_like(dynamic, tuple(dynamic.values()))

    @property
    def tells_bools(self) -> bool:
        """Whether bools in lists, if there are any, are no numbers."""
        return self._has_containers and self.asked.truths

    @property
    def tells_ints(self) -> bool:
        """The same of ints."""
        return self._has_containers and self.asked.ints

    @property
    def _has_containers(self) -> bool:
        return any(isinstance(part, Container) for part in self.structure.parts)

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
        found = {name: arg for name, arg in given.items() if type(arg) not in _WITHOUT}
        return {**found, **self._outlines()}

    def _outlines(self) -> dict[Any, Any]:
        """In the place of records: their methods, and what of their fields is the same in all calls."""
        if self._outlined is None:
            parts = zip(self.structure.names, self.structure.parts, strict=True)
            found = {name: _outline(part) for name, part in parts}
            self._outlined = {name: x for name, x in found.items() if x is not None}
        return self._outlined

    def lasting(self) -> Arguments:
        """The same for a program, which outlasts the call."""
        lasting = copy.copy(self)
        lasting.static = {name: _weakly(arg) for name, arg in self.static.items()}
        return lasting

    def call(self, f: Callable[..., Any], items: Sequence[Any]) -> Any:
        """f with items in the place of the numbers."""
        static = {name: _strongly(arg) for name, arg in self.static.items()}
        given = {**static, **self.structure.as_argument(items)}
        positions = sorted(name for name in given if isinstance(name, int))
        named = {name: arg for name, arg in given.items() if isinstance(name, str)}
        try:
            return f(*[given[i] for i in positions], **named)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            parts = self.structure.parts if isinstance(self.structure, Container) else ()
            of_containers(error, f, parts, "vmap({f})(x)")
            inputs = self.structure.arrange(items)
            whole = [v for v, item in zip(items, self.items, strict=True) if type(item) is int]
            of_an_input(error, f, tuple(inputs), inputs.values(), _MAKE_STATIC, whole)
            raise


def _outline(structure: Structure) -> Any:
    """A record without numbers, for what a function reads of such a one besides these; or None."""
    if isinstance(structure, Static):
        return structure.item if type(structure.item) not in _WITHOUT else None
    if not isinstance(structure, Container) or not structure.is_opened:
        return None
    try:
        outline: Any = object.__new__(structure.kind)
    except TypeError:  # of a class derived from a builtin one
        return None
    for name, part in zip(structure.names, structure.parts, strict=True):
        item = None if name == REST or name.isdigit() else _outline(part)
        if item is not None:
            object.__setattr__(outline, name, item)
    return outline


def at_end(key: Any, call: Callable[[Any], object]) -> None:
    """Calls something once a static argument in a key is gone."""
    for _, kind, x in key[1]:
        if kind not in ALIKE:
            x.at_end(call)


def static_of(key: Any) -> list[tuple[Any, Any]]:
    """Names and static arguments that are in a key."""
    return [(name, x.argument if kind not in ALIKE else x) for name, kind, x in key[1]]


def dynamic_part(arg: Any, name: Any, items: list[Any], role: Role = ARGUMENT) -> Structure | None:
    """The structure of an argument, with its numbers put to the items; None for one that is static.

    Such is what is no number, or has none in it, if it can be hashed, and what has text in a list.
    """
    if type(arg) is float:
        items.append(arg)
        return NUMBER
    if type(arg) in _NEVER_NUMBERS or isinstance(arg, Enum):
        return None
    try:
        found, structure = flatten(arg, f"argument {name!r}", role)
    except RecordError:
        raise
    except TypeError:
        return None
    if not found and has_static(structure) and is_hashable(arg):
        return None
    items += found
    return structure


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
