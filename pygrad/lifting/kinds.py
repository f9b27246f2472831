"""float and int where code names them without calling them: in tables, as keys of sorted(), in patterns.

>>> from pygrad import Value
>>> sorted([3.0, Value(2.0)], key=Float), {float: "real"}[Float], Float == float
([Value(data=2.0, grad=0.0), 3.0], 'real', True)
>>> match Value(2.5):
...     case Float(): "a float"
'a float'
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

from pygrad.core.implementation import Value
from pygrad.lifting.builtin import MARK, as_float, is_instance, is_whole, quick
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
    """float; of a Value the Value. Its methods, as float.__mul__, take Values, too: see below."""

    def __new__(cls, x: Any = 0.0, /, *args: Any, **named: Any) -> Any:
        """float.__new__(Pressure, x)"""
        new: Any = FloatBase.__new__
        return new(cls, x, *args, **named)

    kind: ClassVar[type] = float
    is_integer = staticmethod(is_whole)  # type: ignore[assignment]


def _method(name: str) -> Callable[..., Any]:
    """float.__mul__ or its like, for Values, too."""
    own = getattr(float, name)
    bare = name.strip("_")
    operation = getattr(operator, bare, None) or _OPERATIONS[bare]

    @functools.wraps(own)
    def method(x: Any, *args: Any) -> Any:
        if not any(isinstance(arg, Value) for arg in (x, *args)):
            return own(x, *args)
        return operation(x, *args)

    return method


def _with_mark(function: Any) -> Any:
    """The same in lifted code, where a Value may be an exponent."""
    return FunctionType(function.__code__, {MARK: True})


_power = _with_mark(lambda x, y: x**y)
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "radd": lambda x, y: y + x,
    "rsub": lambda x, y: y - x,
    "rmul": lambda x, y: y * x,
    "rtruediv": lambda x, y: y / x,
    "rmod": lambda x, y: y % x,
    "rfloordiv": lambda x, y: y // x,
    "rpow": lambda x, y: _power(y, x),
    "divmod": divmod,
    "rdivmod": lambda x, y: divmod(y, x),
}


def _powers(x: Any, y: Any, modulus: Any = None) -> Any:
    """float.__pow__"""
    values = isinstance(x, Value) or isinstance(y, Value)
    return _power(x, y) if values else float.__pow__(x, y, modulus)


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_ARITHMETIC = ("neg", "pos", "abs", "add", "sub", "mul", "truediv", "mod", "floordiv")
OPERATORS = frozenset(f"__{bare}__" for bare in (*_COMPARISONS, *_ARITHMETIC, *_OPERATIONS, "pow"))
for _name in OPERATORS - {"__pow__"}:
    setattr(Float, _name, _method(_name))
Float.__pow__ = functools.wraps(float.__pow__)(_powers)  # type: ignore[method-assign,assignment]
Float.__hash__ = float.__hash__  # type: ignore[method-assign]


class Int(int, metaclass=_IntKind):
    """int; of a Value the whole number towards 0."""

    kind: ClassVar[type] = int


KINDS: dict[str, type] = {"float": Float, "int": Int}
COUNTERPARTS: dict[Any, type] = {made.kind: made for made in (Float, Int)}
