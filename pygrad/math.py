"""Every op as a function, and a drop-in for the standard ``math``: floats in, floats out; Values in,
Values out.

``from pygrad import math`` in code written for ``import math`` changes nothing for plain numbers, and lets
Values through every differentiable function. Questions (``isnan``, ``isclose`` ...) are answered about the
numbers of Values, and asked anew by compiled programs; the few functions that cannot take Values
(``gamma``, ``gcd`` ...) raise TypeError, as they do for any object that is no float.

>>> from pygrad import Value, math
>>> math.sin(0.5) == __import__("math").sin(0.5)
True
>>> x = Value(0.5)
>>> y = math.log(x) * math.pow(x, 2.0)
>>> y.backward()
>>> f"{y.data:.6f} {x.grad:.6f}"
'-0.173287 -0.193147'
"""

from __future__ import annotations

import functools as _functools
import math as _math
from collections.abc import Callable as _Callable
from collections.abc import Iterable as _Iterable
from typing import Any as _Any

from pygrad.core.implementation import FUNCTIONS as _FUNCTIONS
from pygrad.core.implementation import Value as _Value
from pygrad.core.implementation import chooser as _chooser
from pygrad.core.implementation import dot, sum

# What the standard module has and this one does not define is the standard one's: constants, and
# functions of integers or without a derivative.
globals().update({k: v for k, v in vars(_math).items() if not k.startswith("_")})
globals().update(_FUNCTIONS)

_log = _FUNCTIONS["log"]
_hypot = _FUNCTIONS["hypot"]


def _for_values(function: _Callable[..., _Any]) -> _Callable[..., _Any]:
    """The function where a Value is among the arguments, the standard one of its name elsewhere."""
    name = function.__name__
    return _chooser((function, getattr(_math, name), name, function.__doc__ or ""))


@_for_values
def log(x: _Any, /, *base: _Any) -> _Any:
    """Natural logarithm of x, or its logarithm to the given base."""
    return _log(x) / _log(*base) if base else _log(x)


@_for_values
def fabs(x: _Any, /) -> _Any:
    """Absolute value; its slope at 0 is 0."""
    return abs(x)


@_for_values
def hypot(*coordinates: _Any) -> _Any:
    """Length of the vector with these coordinates, without overflow on the way."""
    return _functools.reduce(_hypot, coordinates) if len(coordinates) > 1 else abs(coordinates[0])


def dist(p: _Iterable[_Any], q: _Iterable[_Any], /) -> _Any:
    """Euclidean distance between the points p and q."""
    p, q = tuple(p), tuple(q)
    if not _any_value(p + q):
        return _math.dist(p, q)
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    return hypot(*(a - b for a, b in zip(p, q, strict=True)))


@_for_values
def degrees(x: _Any, /) -> _Any:
    """Radians to degrees."""
    return x * (180.0 / _math.pi)


@_for_values
def radians(x: _Any, /) -> _Any:
    """Degrees to radians."""
    return x * (_math.pi / 180.0)


@_for_values
def fmod(x: _Any, y: _Any, /) -> _Any:
    """Remainder with the sign of x; its slopes are 1 and -trunc(x / y)."""
    if y == 0 or (isinf(x) and not isnan(y)):
        raise ValueError("math domain error")
    return -((-x) % abs(y)) if _is_negative(x) else x % abs(y)


@_for_values
def copysign(x: _Any, y: _Any, /) -> _Any:
    """x with the sign of y; the slope by y is 0."""
    return +x if _is_negative(x) == _is_negative(y) else -x


@_for_values
def isnan(x: _Any, /) -> bool:
    """Whether x is no number."""
    return not x <= _math.inf


@_for_values
def isinf(x: _Any, /) -> bool:
    """Whether x is infinite."""
    return bool(x >= _math.inf or x <= -_math.inf)


@_for_values
def isfinite(x: _Any, /) -> bool:
    """Whether x is neither infinite nor nan."""
    return -_math.inf < x < _math.inf


@_for_values
def isclose(a: _Any, b: _Any, *, rel_tol: _Any = 1e-9, abs_tol: _Any = 0.0) -> bool:
    """Whether a and b differ by at most rel_tol times the larger of them, or by at most abs_tol."""
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if a <= b <= a:  # the infinities, too
        return True
    if isinf(a) or isinf(b):
        return False
    apart = abs(b - a)
    return bool(apart <= abs(rel_tol * b) or apart <= abs(rel_tol * a) or apart <= abs_tol)


def fsum(values: _Iterable[_Any], /) -> _Any:
    """Sum: exactly rounded for plain numbers, from left to right once a Value is among them."""
    values = list(values)
    return sum(values) if _any_value(values) else _math.fsum(values)


def prod(values: _Iterable[_Any], /, *, start: _Any = 1) -> _Any:
    """Product, from left to right."""
    values = list(values)
    if not _any_value([*values, start]):
        return _math.prod(values, start=start)
    return _functools.reduce(lambda a, b: a * b, values, start)


def sumprod(p: _Iterable[_Any], q: _Iterable[_Any], /) -> _Any:
    """Sum of products: dot for Values."""
    p, q = list(p), list(q)
    if _any_value([*p, *q]) or not hasattr(_math, "sumprod"):
        return dot(p, q)
    return _math.sumprod(p, q)


def _any_value(items: _Iterable[_Any]) -> bool:
    return any(isinstance(item, _Value) for item in items)


def _is_negative(x: _Any) -> bool:
    """Whether x has a minus, as -0.0 has; of a Value by comparisons, which programs do over."""
    if not isinstance(x, _Value):
        return _math.copysign(1.0, x) < 0.0
    return bool(x < 0.0 or (x == 0.0 and _FUNCTIONS["atan2"](x, -1.0) < 0.0))


__all__ = sorted(  # noqa: PLE0605
    name for name in globals() if not name.startswith("_") and name != "annotations"
)
