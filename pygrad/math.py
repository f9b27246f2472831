"""Every op as a function, and a drop-in for the standard ``math``: floats in, floats out; Values in,
Values out.

``from pygrad import math`` in code written for ``import math`` changes nothing for plain numbers, and lets
Values through every differentiable function. Questions (``isnan``, ``isclose`` ...) are answered about the
numbers of Values, and asked anew by compiled programs; functions of whole numbers (``gcd``, ``comb`` ...)
raise TypeError for Values, as they do for floats. What newer versions of Python have, is there in all.

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
from fractions import Fraction as _Fraction
from typing import Any as _Any

from pygrad.arrays import elementary as _elementary
from pygrad.core.implementation import FUNCTIONS as _FUNCTIONS
from pygrad.core.implementation import Value as _Value
from pygrad.core.implementation import chooser as _chooser
from pygrad.core.implementation import dot, sum
from pygrad.core.implementation import trace_active as _trace_active

# What the standard module has and this one does not define is the standard one's: constants, and
# functions of integers or without a derivative.
globals().update({k: v for k, v in vars(_math).items() if not k.startswith("_")})
globals().update(_FUNCTIONS)

_log = _FUNCTIONS["log"]
_hypot = _FUNCTIONS["hypot"]


def _for_values(function: _Callable[..., _Any]) -> _Callable[..., _Any]:
    """The function where a Value is among the arguments, the standard one of its name elsewhere.

    Where this Python has none of that name, _standard_NAME of this module.
    """
    name = function.__name__
    standard = getattr(_math, name, None) or globals()[f"_standard_{name}"]
    doc = f"{name}({_parameters(function)})\n--\n\n{function.__doc__}"  # as C's functions
    return _chooser((function, standard, name, doc))


def _parameters(function: _Any) -> str:
    """What a function takes, but for types; without inspect, which takes long to import."""
    code, by_name = function.__code__, function.__kwdefaults__ or {}
    names, count = code.co_varnames, code.co_argcount
    others = names[count : count + code.co_kwonlyargcount]
    shown = [*names[: code.co_posonlyargcount], *["/"] * bool(code.co_posonlyargcount)]
    shown += names[code.co_posonlyargcount : count]
    if code.co_flags & 4:  # *args
        shown.append("*" + names[count + len(others)])
    elif others:
        shown.append("*")
    return ", ".join([*shown, *[f"{name}={by_name[name]!r}" for name in others]])


degrees = _for_values(_elementary.degrees)
radians = _for_values(_elementary.radians)
fmod = _for_values(_elementary.fmod)
modf = _for_values(_elementary.modf)
frexp = _for_values(_elementary.frexp)
ldexp = _for_values(_elementary.ldexp)
nextafter = _for_values(_elementary.nextafter)
ulp = _for_values(_elementary.ulp)
copysign = _for_values(_elementary.copysign)
isnan = _for_values(_elementary.isnan)
isinf = _for_values(_elementary.isinf)
isfinite = _for_values(_elementary.isfinite)


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
def remainder(x: _Any, y: _Any, /) -> _Any:
    """x less y times the whole number nearest to x / y; its slopes are 1 and minus that number."""
    if isnan(x) or isnan(y):
        return x + y
    if y == 0 or isinf(x):
        return _elementary.without_remainder("remainder", x, y)
    size, divisor = abs(x), abs(y)
    if isinf(y):
        return +x
    rest = size % divisor
    other = divisor - rest
    if rest > other:
        rest = -other
    elif not rest < other:  # half way: to the even one
        rest = rest - 2.0 * ((0.5 * (size - rest)) % divisor)
    return -rest if _elementary.signbit(x) else rest


def _standard_fma(x: _Any, y: _Any, z: _Any, /) -> float:
    """math.fma of Python 3.13: by fractions, which are exact."""
    if not all(map(_math.isfinite, (x, y, z))):
        result = float(x) * y + z
        if _math.isnan(result) and not any(map(_math.isnan, (x, y, z))):
            raise ValueError("invalid operation in fma")
        return result
    exactly = _Fraction(float(x)) * _Fraction(float(y)) + _Fraction(float(z))
    try:
        return float(exactly) if exactly else float(x) * y + z
    except OverflowError:
        raise OverflowError("overflow in fma") from None


@_for_values
def fma(x: _Any, y: _Any, z: _Any, /) -> _Any:
    """x * y + z, rounded once; in a program it is the product and the sum, which are rounded each."""
    if _trace_active():
        return x * y + z
    values = [v if isinstance(v, _Value) else _Value(v) for v in (x, y, z)]
    number = getattr(_math, "fma", _standard_fma)(*(v.data for v in values))
    return _Value(number, values, "fma", local_grads=(values[1], values[0], 1.0))


@_for_values
def isclose(a: _Any, b: _Any, *, rel_tol: _Any = 1e-9, abs_tol: _Any = 0.0) -> bool:
    """Whether a and b differ by at most rel_tol times the larger of them, or by at most abs_tol."""
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    apart = abs(b - a)
    near = (apart <= abs(rel_tol * b)) | (apart <= abs(rel_tol * a)) | (apart <= abs_tol)
    same = (a <= b) & (b <= a)  # the infinities, too
    return same | (near & isfinite(a) & isfinite(b))


def fsum(values: _Iterable[_Any], /) -> _Any:
    """Sum: exactly rounded for plain numbers, from left to right once a Value is among them."""
    values = list(values)
    if not _any_value(values):
        return _math.fsum(values)
    total = sum(values)
    if not _elementary.isfinite(total):
        _elementary.without_sum(values, total)
    return total


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


__all__ = sorted(  # noqa: PLE0605
    name for name in globals() if not name.startswith("_") and name != "annotations"
)
