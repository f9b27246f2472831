"""What is no number, and stays what it is: items of arguments and results that have no derivative.

Those are None, text, members of enumerations, functions and classes, and other objects that neither hold
numbers nor look as if they did: dates, paths, loggers. They are part of the structure that they stand in.

>>> from pygrad.core.static import Static
>>> Static("relu", "p.mode") == Static("relu", ""), Static(1, "") == Static(True, "")
(True, False)
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pygrad.core.distinction import distinction
from pygrad.core.implementation import Value

_LIKE_NUMBERS = ("__iter__", "__getitem__", "__len__", "__float__", "__complex__", "__array__")


class Static:
    """The place of an item that has no numbers in it; equal to another if nothing tells the items apart."""

    __slots__ = ("_distinction", "item", "what")
    size = 0

    def __init__(self, item: Any, what: str) -> None:
        """what: what errors call it."""
        self.item, self.what = item, what
        self._distinction: Any = None

    def _told_apart(self) -> Any:
        if self._distinction is None:
            self._distinction = distinction(self.item)
        return self._distinction

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static):
            return NotImplemented
        if self.item is other.item:
            return True
        try:
            return bool(self._told_apart() == other._told_apart())
        except Exception:  # whatever the items raise: arrays, for one, have no truth
            return False

    def __hash__(self) -> int:
        """TypeError if the item cannot be hashed."""
        return hash(self._told_apart())

    def __reduce__(self) -> Any:
        return Static, (self.item, self.what)

    def arrange(self, items: Sequence[Any]) -> Any:
        return self.item

    as_argument = arrange
    from_array = arrange

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return self.item

    def __str__(self) -> str:
        text = repr(self.item)
        return text if len(text) <= 40 else f"a {type(self.item).__name__}"


def is_static(x: Any) -> bool:
    """Whether an object is no number, no container, and holds no numbers that one could see."""
    if x is None or isinstance(x, (str, bytes, enum.Enum, type, range)) or callable(x):
        return True
    if isinstance(x, (set, frozenset)):
        return all(
            (isinstance(item, int) and not isinstance(item, Value)) or is_static(item) for item in x
        )
    kind = type(x)
    if isinstance(x, complex) or any(hasattr(kind, name) for name in _LIKE_NUMBERS):
        return kind.__module__ == "numpy.dtypes"
    return not any(
        isinstance(item, (float, Value)) or hasattr(type(item), "__array__")
        for item in getattr(x, "__dict__", {}).values()
    )


def is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def unhashable(name: str, statics: Iterable[Static]) -> TypeError | None:
    """An error that names the first of a function's static items that cannot be hashed, if there is one."""
    for static in statics:
        if not is_hashable(static):
            return TypeError(
                f"static argument of {name}(): {static.what}, a {type(static.item).__name__}, cannot be "
                "hashed, as what is no number has to be: there is a program for each. Give numbers, "
                "arrays, or lists, tuples, dicts and dataclasses of these, or something hashable"
            )
    return None
