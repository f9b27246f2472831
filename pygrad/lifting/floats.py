"""Subclasses of float that lifted code defines, of which a Value may be an object, too.

`class Pressure(float)`: `Pressure(2.0)` is what it is elsewhere. `Pressure(v)` is of a twin, a subclass of
Value with the same methods, which passes for a Pressure. Arithmetic gives plain Values, as it gives floats.
"""

from __future__ import annotations

import types
from types import CellType, FunctionType
from typing import Any

from pygrad.core.implementation import IMPLEMENTATION, Value

if IMPLEMENTATION == "compiled":
    from pygrad import _native

_OWN = "__twin_of__"  # of a twin: the subclass of float
_twins: dict[type, Any] = {}
_LEFT_OUT = {"__new__", "__slots__", "__dict__", "__weakref__", "__classcell__"}


class _Kind(type):
    """Of subclasses of float, which know their twins' objects."""

    def __call__(cls, *args: Any, **named: Any) -> Any:
        new: Any = cls.__new__
        made = new(cls, *args, **named)
        start = getattr(type(made), "__init__", None)
        if isinstance(start, FunctionType) and isinstance(made, cls):
            start(made, *args, **named)
        return made

    def __instancecheck__(cls, x: Any) -> bool:
        return super().__instancecheck__(x) or issubclass(class_of_twin(x, type(x)), cls)


class FloatBase(float, metaclass=_Kind):
    """In the place of float among the bases of a class."""

    def __new__(cls, x: Any = 0.0, /, *args: Any, **named: Any) -> Any:
        if isinstance(x, Value) and IMPLEMENTATION == "compiled":
            return _as(twin_of(cls), x)
        return float.__new__(cls, x, *args, **named)


def class_of_twin(x: Any, otherwise: Any) -> Any:
    """The subclass of float that a Value passes for."""
    return getattr(type(x), _OWN, otherwise)


def _as(kind: Any, v: Any) -> Any:
    """An object of a twin with the number and the derivatives of v."""
    node = v * 1.0
    made = kind.__new__(kind)
    _native.become(made, node, node._children)
    return made


def twin_of(cls: type) -> Any:
    """A subclass of Value with the methods of a subclass of float."""
    if cls not in _twins:
        bases = [
            Value
            if base in (FloatBase, float)
            else twin_of(base)
            if issubclass(base, float)
            else base
            for base in cls.__bases__
        ]
        cells: list[tuple[CellType, Any]] = []
        methods = {n: _with_cell(m, cells) for n, m in vars(cls).items() if n not in _LEFT_OUT}
        made: Any = types.new_class(
            cls.__name__, tuple(bases), {}, lambda space: space.update(methods)
        )
        for cell, held in cells:
            cell.cell_contents = made if held is cls else twin_of(held)
        made.__qualname__, made.__module__ = cls.__qualname__, cls.__module__
        setattr(made, _OWN, cls)
        _twins[cls] = made
    return _twins[cls]


def _with_cell(item: Any, cells: list[tuple[CellType, Any]]) -> Any:
    """The same method with a cell of its own for super(), and what the old one holds."""
    if isinstance(item, staticmethod | classmethod):
        return type(item)(_with_cell(item.__func__, cells))
    if isinstance(item, property):
        get, put, drop = [
            part and _with_cell(part, cells) for part in (item.fget, item.fset, item.fdel)
        ]
        return property(get, put, drop, item.__doc__)
    if not isinstance(item, FunctionType) or "__class__" not in item.__code__.co_freevars:
        return item
    place, closure = item.__code__.co_freevars.index("__class__"), list(item.__closure__ or ())
    cells.append((CellType(), closure[place].cell_contents))
    closure[place] = cells[-1][0]
    code, space, name = item.__code__, item.__globals__, item.__name__
    made = FunctionType(code, space, name, item.__defaults__, tuple(closure))
    made.__kwdefaults__, made.__qualname__ = item.__kwdefaults__, item.__qualname__
    return made


def twin_in(kind: Any, rest: Any) -> Any:
    """What super(kind, self) is called with: the twin of kind, if self is of one."""
    of_one = rest and isinstance(kind, _Kind) and hasattr(type(rest[0]), _OWN)
    return twin_of(kind) if of_one else kind
