"""What a class has, as it stands there: nothing is called for it.

>>> from pygrad.core.classes import NOTHING, in_class, slots_of
>>> class Point:
...     __slots__ = ("x", "__hidden", "__weakref__")
...
...     @staticmethod
...     def origin(): ...
>>> type(in_class(Point, "origin")), in_class(Point, "y") is NOTHING
(<class 'staticmethod'>, True)
>>> list(slots_of(Point))
['x', '_Point__hidden']
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NOTHING = NotImplemented  # in the place of what is not there; C knows it


def in_class(kind: type, name: str) -> Any:
    """What a class or one of its bases has under a name, or NOTHING."""
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return NOTHING


def slots_of(base: type) -> Iterator[str]:
    """The attributes for which a class itself makes slots, by the names that they have outside."""
    slots = vars(base).get("__slots__", ())
    for slot in (slots,) if isinstance(slots, str) else slots:
        if slot not in {"__dict__", "__weakref__"}:
            private = slot.startswith("__") and not slot.endswith("__")
            yield f"_{base.__name__.lstrip('_')}{slot}" if private else slot
