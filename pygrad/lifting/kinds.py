"""float and int where code names them without calling them: in tables, as keys of sorted(), in patterns.

>>> from pygrad import Value
>>> sorted([3.0, Value(2.0)], key=Float), {float: "real"}[Float], Float == float
([Value(data=2.0, grad=0.0), 3.0], 'real', True)
>>> match Value(2.5):
...     case Float(): "a float"
'a float'
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

from pygrad.lifting.builtin import as_float, is_instance, is_whole, quick
from pygrad.lifting.floats import FloatBase


class _Kind(type):
    """Of classes that are called, compared and asked for instances as another one is."""

    kind: type

    def __instancecheck__(cls, x: Any) -> bool:
        return is_instance(x, cls.kind)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.kind)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.kind

    def __hash__(cls) -> int:
        return hash(cls.kind)

    def __repr__(cls) -> str:
        return repr(cls.kind)

    @property
    def dtype(cls) -> Any:
        """What NumPy takes it for."""
        return sys.modules["numpy"].dtype(cls.kind)


class _FloatKind(_Kind):
    """What is no Python function is called without the class itself, and takes half the time."""

    __call__: Callable[..., Any] = staticmethod(quick(as_float))  # type: ignore[assignment]


class _IntKind(_Kind):
    __call__: Callable[..., Any] = staticmethod(int)  # type: ignore[assignment]


class Float(float, metaclass=_FloatKind):
    """float; of a Value the Value."""

    def __new__(cls, x: Any = 0.0, /, *args: Any, **named: Any) -> Any:
        """float.__new__(Pressure, x)"""
        new: Any = FloatBase.__new__
        return new(cls, x, *args, **named)

    kind: ClassVar[type] = float
    is_integer = staticmethod(is_whole)  # type: ignore[assignment]


class Int(int, metaclass=_IntKind):
    """int; of a Value the whole number towards 0."""

    kind: ClassVar[type] = int


KINDS: dict[str, type] = {"float": Float, "int": Int}
COUNTERPARTS: dict[Any, type] = {made.kind: made for made in (Float, Int)}
