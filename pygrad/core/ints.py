"""Whole numbers that lifted code has of Values: what `math.floor(v)` gives, and what becomes of it.

They compute as ints do, with slope 0 by v: sums, differences, products, floors and remainders of whole
numbers are whole, there is no -0.0, and what meets a float becomes one.

>>> from pygrad import Value
>>> two = as_int(Value(2.5).floor())
>>> type(two * 3 - 1) is Int, type(two * 3.0) is Int, (-(two - 2)).data
(True, False, 0.0)
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from pygrad.arrays.engines import WHOLE
from pygrad.core.implementation import Value


class Int(Value):
    """Such a number; made of a Value by as_int()."""

    __slots__ = ()

    def __neg__(self) -> Any:
        return as_int(0.0 - self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return as_int(Value.__abs__(self))

    def __invert__(self) -> Any:
        return -self - 1

    def __pow__(self, n: Any, modulus: Any = None) -> Any:
        result = Value.__pow__(self, n, modulus)
        return as_int(result) if _is_plain_int(n) and n >= 0 else result

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __index__(self) -> int:
        return int(self)

    def bit_length(self) -> int:
        return int(self).bit_length()


def _is_plain_int(n: Any) -> bool:
    """Whether it is an int, NumPy's too, which an array of ints has."""
    kind = type(n)
    if kind is int or kind is bool:
        return True
    return kind.__module__ == "numpy" and getattr(n, "shape", None) == () and n.dtype.kind in "iu"


def as_int(v: Any) -> Any:
    """The Value as such a number; what is none, or of another class, as it is."""
    if type(v) is Value:
        v.__class__ = Int
    return v


def is_int(v: Any) -> bool:
    """Whether a Value of lifted code stands for an int."""
    return isinstance(v, Int) or v._op in WHOLE


def _of_ints(
    name: str, plain: Callable[[Any, Any], Any], settles: bool
) -> Callable[[Any, Any], Any]:
    """A method that gives an int for an int; settles: the result of floats may be -0.0."""
    of_values = getattr(Value, name)

    def method(self: Any, other: Any) -> Any:
        if type(other) is not Int and not _is_plain_int(other):
            return of_values(self, other)
        try:
            result = of_values(self, other)
        except ZeroDivisionError:
            plain(1, 0)  # with the words for ints
            raise
        return as_int(result + 0.0 if settles else result)

    method.__name__ = name
    return method


for _name, _plain, _settles in (
    ("add", operator.add, False),
    ("sub", operator.sub, False),
    ("mul", operator.mul, True),
    ("floordiv", operator.floordiv, True),
    ("mod", operator.mod, True),
):
    for _side in ("__", "__r"):
        setattr(Int, f"{_side}{_name}__", _of_ints(f"{_side}{_name}__", _plain, _settles))
