"""Functions of Values that are made of ops, each stated once: of pygrad.math, of NumPy's ufuncs, and
methods.

At least one argument is a Value; plain numbers have functions of their own elsewhere.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Any

from pygrad.arrays.engines import engine_of, is_value


def degrees(x: Any, /) -> Any:
    """Radians to degrees."""
    return x * (180.0 / math.pi)


def radians(x: Any, /) -> Any:
    """Degrees to radians."""
    return x * (math.pi / 180.0)


def fmod(x: Any, y: Any, /) -> Any:
    """Remainder with the sign of x; its slopes are 1 and -trunc(x / y)."""
    if isnan(x) or isnan(y):
        return x + y
    if y == 0 or isinf(x):
        return without_remainder("fmod", x, y)
    return -((-x) % abs(y)) if signbit(x) else x % abs(y)


def without_remainder(name: str, x: Any, y: Any) -> Any:
    """ValueError; in a program nan."""
    engine = engine_of((x, y))
    text = engine.refusal("math domain error", name, "a finite x and y != 0", x, y)
    engine.refused(ValueError(text))
    return (x + y) * math.nan


def without_sum(items: list[Any], total: Any) -> None:
    """What math.fsum raises where the total of numbers is not finite; in a program nothing."""
    if all(map(isfinite, items)):
        engine_of(items).refused(OverflowError("intermediate overflow in fsum"))
    elif isnan(total) and any(x == math.inf for x in items) and any(x == -math.inf for x in items):
        engine_of(items).refused(ValueError("-inf + inf in fsum"))


def _said_of_zero(divide: Callable[[float, float], Any]) -> str:
    """What Python says of a division by 0, which differs by version."""
    try:
        return str(divide(1.0, 0.0))
    except ZeroDivisionError as error:
        return str(error)


_BY_FLOOR_DIVISION = "float floor division by zero"
_BY_DIVMOD = _said_of_zero(divmod)


def quotient_of_divmod(divide: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """x // y, as divide(x, y) gives it, with the errors of divmod(x, y)."""
    try:
        return divide(x, y)
    except ZeroDivisionError as error:
        if str(error) == _BY_FLOOR_DIVISION:  # in lifted code, where all is said as floats say it
            error.args = (_BY_DIVMOD,)
        raise


def modf(x: Any, /) -> tuple[Any, Any]:
    """The fraction of x, with slope 1, and its whole part, with slope 0; both have the sign of x."""
    if isnan(x):
        return x, x
    if isinf(x):
        return math.copysign(0.0, 1.0 if x > 0 else -1.0), x
    if signbit(x):
        return -((-x) - (-x).trunc()), x.trunc()
    return x - x.trunc(), x.trunc()


def frexp(x: Any, /) -> tuple[Any, int]:
    """A Value m and a whole number e with x = m * 2**e and 0.5 <= abs(m) < 1; m has the slope 2**-e."""
    exponent = _exponent(x)
    return (x, 0) if exponent is None else (_scaled(x, -exponent), exponent)


def ldexp(x: Any, i: int, /) -> Any:
    """x * 2**i, rounded once; i is a whole number, not a Value."""
    if is_value(i):
        i = operator.index(i)
    if not isinstance(i, int):
        raise TypeError("Expected an int as second argument to ldexp.")
    if x == 0 or not isfinite(x):
        return +x
    result = _scaled(x, i)
    if isinf(result):
        engine = engine_of((x,))
        text = engine.refusal("math range error", "ldexp", "abs(x) * 2**i below 2**1024", x)
        engine.refused(OverflowError(text))
    return result


def _scaled(x: Any, i: int) -> Any:
    """x * 2**i by factors of which only the last can round; x is finite and not 0."""
    for _ in range(3):
        if i > 1023:
            x, i = x * 2.0**1023, i - 1023
    if i < -1074:
        x, i = x * math.ldexp(1.0, max(i + 1074, -1100)), -1074
    return x * math.ldexp(1.0, min(i, 1023))


def _exponent(x: Any) -> int | None:
    """The e with 2**(e - 1) <= abs(x) < 2**e, found by comparisons; None where x is 0, inf or nan."""
    size = abs(x)
    if size == 0 or not isfinite(x):
        return None
    low, high = -1074, 1024
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size >= math.ldexp(1.0, middle) else (low, middle)
    return high


def nextafter(x: Any, y: Any, /, *, steps: int | None = None) -> Any:
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


def _beside(x: Any, y: Any) -> Any:
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
        return sys.float_info.max
    gap = max(exponent - 53, -1074)
    if y > x:
        return x + math.ldexp(1.0, gap)
    if gap > -1074 and x == math.ldexp(0.5, exponent):
        gap -= 1  # below a power of two
    return x - math.ldexp(1.0, gap)


def ulp(x: Any, /) -> Any:
    """The unit in the last place of x, found by comparisons; its slope is 0."""
    if not isfinite(x):
        return abs(x)
    exponent = _exponent(x)
    unit = 5e-324 if exponent is None else math.ldexp(1.0, max(exponent - 53, -1074))
    return x.stop_gradient().clip(unit, unit)


def spacing(x: Any, /) -> Any:
    """NumPy's: ulp with the sign of x, nan where x is not finite; its slope is 0."""
    if not isfinite(x):
        return x * math.nan
    return -ulp(x) if signbit(x) else ulp(x)


def copysign(x: Any, y: Any, /) -> Any:
    """x with the sign of y; the slope by y is 0."""
    differ = signbit(x) ^ signbit(y)
    if is_value(differ):  # in a trace
        return engine_of((differ,)).functions["where"](differ, -x, x)
    return -x if differ else +x


def heaviside(x: Any, y: Any, /) -> Any:
    """0 for x < 0, 1 for x > 0, y at 0; the slope by x is 0."""
    if isnan(x):
        return x + 0.0
    return y if x == 0 else (1.0 if x > 0 else 0.0)


def logaddexp2(x: Any, y: Any, /) -> Any:
    """log2(2**x + 2**y) without overflow."""
    natural, other = x * _LN2, y * _LN2
    joined = natural.logaddexp(other) if is_value(natural) else other.logaddexp(natural)
    return joined / _LN2


_LN2 = math.log(2.0)


def fmax(x: Any, y: Any, /) -> Any:
    """The larger of x and y, and the other one where one is nan."""
    if isnan(x) or isnan(y):
        return y if isnan(x) else x
    return x.maximum(y) if is_value(x) else y.maximum(x)


def fmin(x: Any, y: Any, /) -> Any:
    """The smaller of x and y, and the other one where one is nan."""
    if isnan(x) or isnan(y):
        return y if isnan(x) else x
    return x.minimum(y) if is_value(x) else y.minimum(x)


def square(x: Any, /) -> Any:
    """x * x."""
    return x * x


def reciprocal(x: Any, /) -> Any:
    """1 / x."""
    return 1.0 / x


# -- questions -----------------------------------------------------------------------------------


def isnan(x: Any, /) -> Any:
    """Whether x is no number."""
    return (x <= math.inf) ^ True


def isinf(x: Any, /) -> Any:
    """Whether x is infinite."""
    return (x >= math.inf) | (x <= -math.inf)


def isfinite(x: Any, /) -> Any:
    """Whether x is neither infinite nor nan."""
    return (x < math.inf) & (x > -math.inf)


def signbit(x: Any, /) -> Any:
    """Whether x has a minus, as -0.0 has; of a Value by comparisons, in a trace a condition."""
    if not is_value(x):
        return math.copysign(1.0, x) < 0.0
    return (x < 0.0) | ((x == 0.0) & (x.atan2(-1.0) < 0.0))


def logical_xor(x: Any, y: Any, /) -> Any:
    """Whether one of two is 0 and the other is not."""
    return (x != 0) ^ (y != 0)


# Under NumPy's names: its loops over arrays of objects call them.
METHODS: dict[str, Callable[..., Any]] = {
    "degrees": degrees,
    "rad2deg": degrees,
    "radians": radians,
    "deg2rad": radians,
    "fmod": fmod,
    "modf": modf,
    "frexp": frexp,
    "ldexp": ldexp,
    "nextafter": nextafter,
    "spacing": spacing,
    "copysign": copysign,
    "heaviside": heaviside,
    "logaddexp2": logaddexp2,
    "fmax": fmax,
    "fmin": fmin,
    "square": square,
    "reciprocal": reciprocal,
    "isnan": isnan,
    "isinf": isinf,
    "isfinite": isfinite,
    "signbit": signbit,
    "logical_xor": logical_xor,
}
