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
import sys as _sys
from collections.abc import Callable as _Callable
from collections.abc import Iterable as _Iterable
from fractions import Fraction as _Fraction
from operator import index as _index
from typing import Any as _Any

from pygrad.core.implementation import FUNCTIONS as _FUNCTIONS
from pygrad.core.implementation import Value as _Value
from pygrad.core.implementation import chooser as _chooser
from pygrad.core.implementation import dot, sum
from pygrad.core.implementation import refusal as _refusal
from pygrad.core.implementation import refused as _refused
from pygrad.core.implementation import trace_active as _trace_active

# What the standard module has and this one does not define is the standard one's: constants, and
# functions of integers or without a derivative.
globals().update({k: v for k, v in vars(_math).items() if not k.startswith("_")})
globals().update(_FUNCTIONS)

_log = _FUNCTIONS["log"]
_hypot = _FUNCTIONS["hypot"]
_trunc = _FUNCTIONS["trunc"]


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
    if isnan(x) or isnan(y):
        return x + y
    if y == 0 or isinf(x):
        return _without_remainder("fmod", x, y)
    return -((-x) % abs(y)) if _is_negative(x) else x % abs(y)


@_for_values
def remainder(x: _Any, y: _Any, /) -> _Any:
    """x less y times the whole number nearest to x / y; its slopes are 1 and minus that number."""
    if isnan(x) or isnan(y):
        return x + y
    if y == 0 or isinf(x):
        return _without_remainder("remainder", x, y)
    size, divisor = abs(x), abs(y)
    if isinf(y):
        return +x
    rest = size % divisor
    other = divisor - rest
    if rest > other:
        rest = -other
    elif not rest < other:  # half way: to the even one
        rest = rest - 2.0 * ((0.5 * (size - rest)) % divisor)
    return -rest if _is_negative(x) else rest


def _without_remainder(name: str, x: _Any, y: _Any) -> _Any:
    """ValueError; in a program nan."""
    text = _refusal("math domain error", name, "a finite x and y != 0", x, y)
    _refused(ValueError(text))
    return (x + y) * _math.nan


@_for_values
def modf(x: _Any, /) -> tuple[_Any, _Any]:
    """The fraction of x, with slope 1, and its whole part, with slope 0; both have the sign of x."""
    if isnan(x):
        return x, x
    if isinf(x):
        return _math.copysign(0.0, 1.0 if x > 0 else -1.0), x
    if _is_negative(x):
        return -((-x) - _trunc(-x)), _trunc(x)
    return x - _trunc(x), _trunc(x)


@_for_values
def frexp(x: _Any, /) -> tuple[_Any, int]:
    """A Value m and a whole number e with x = m * 2**e and 0.5 <= abs(m) < 1; m has the slope 2**-e."""
    exponent = _exponent(x)
    return (x, 0) if exponent is None else (_scaled(x, -exponent), exponent)


@_for_values
def ldexp(x: _Any, i: int, /) -> _Any:
    """x * 2**i, rounded once; i is a whole number, not a Value."""
    if isinstance(i, _Value):
        i = _index(i)
    if not isinstance(i, int):
        raise TypeError("Expected an int as second argument to ldexp.")
    if x == 0 or not isfinite(x):
        return +x
    result = _scaled(x, i)
    if isinf(result):
        text = _refusal("math range error", "ldexp", "abs(x) * 2**i below 2**1024", x)
        _refused(OverflowError(text))
    return result


def _scaled(x: _Any, i: int) -> _Any:
    """x * 2**i by factors of which only the last can round; x is finite and not 0."""
    for _ in range(3):
        if i > 1023:
            x, i = x * 2.0**1023, i - 1023
    if i < -1074:
        x, i = x * _math.ldexp(1.0, max(i + 1074, -1100)), -1074
    return x * _math.ldexp(1.0, min(i, 1023))


def _exponent(x: _Any) -> int | None:
    """The e with 2**(e - 1) <= abs(x) < 2**e, found by comparisons; None where x is 0, inf or nan."""
    size = abs(x)
    if size == 0 or not isfinite(x):
        return None
    low, high = -1074, 1024
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size >= _math.ldexp(1.0, middle) else (low, middle)
    return high


@_for_values
def nextafter(x: _Any, y: _Any, /, *, steps: int | None = None) -> _Any:
    """The number beside x, on the side of y; slopes are 1 by x and 0 by y.

    With steps the one so many steps on, at most y; each step is a node.
    """
    if steps is not None and steps < 0:
        raise ValueError("steps must be a non-negative integer")
    for _ in range(1 if steps is None else steps):
        if x <= y <= x and x != 0:
            break
        x = _beside(x, y)
    return x


def _beside(x: _Any, y: _Any) -> _Any:
    if isnan(x) or isnan(y):
        return x + y
    if x <= y <= x:
        return copysign(x, y)
    if x == 0:
        return x + (5e-324 if y > 0 else -5e-324)
    if x < 0:
        return -_beside(-x, -y)
    exponent = _exponent(x)
    if exponent is None:  # from infinity
        return _sys.float_info.max
    gap = max(exponent - 53, -1074)
    if y > x:
        return x + _math.ldexp(1.0, gap)
    if gap > -1074 and x == _math.ldexp(0.5, exponent):
        gap -= 1  # below a power of two
    return x - _math.ldexp(1.0, gap)


@_for_values
def ulp(x: _Any, /) -> _Any:
    """The unit in the last place of x, found by comparisons; its slope is 0."""
    if not isfinite(x):
        return abs(x)
    exponent = _exponent(x)
    unit = 5e-324 if exponent is None else _math.ldexp(1.0, max(exponent - 53, -1074))
    return _FUNCTIONS["where"](1.0, unit, x)


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
