"""The values and slopes of ops that need more than one expression."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from pygrad.arrays.engines import MARK
from pygrad.reference.arithmetic import cbrt, div, exp, inf, is_normal, libm_pow, log1p, nan, sqrt
from pygrad.reference.refusals import value_of

# --- Values that need more than one expression ----------------------------------------------------


def power(x: float, n: float) -> float:
    """x ** n for a constant n, without exceptions. Small whole n are products: fast to compile."""
    if n == -1:
        return div(1.0, x)
    if n == 0:
        return 1.0
    if n == 1:
        return x
    if n == 2:
        return x * x
    if n == 3:
        return x * x * x
    return libm_pow(x, n)


NO_KEY = (
    "a Value cannot be a key in lifted code: dicts, sets and caches find floats by their numbers, and "
    "would miss a Value, or give what they kept for a plain number"
)


def in_lifted_code(depth: int) -> bool:
    """Whether the code some frames above the caller is that of `pygrad.lift`, as its globals say."""
    return MARK in sys._getframe(depth + 1).f_globals


def identity_hash(x: Any) -> int:
    """The hash of a Value; in lifted code, where it stands for a number, no table would find it."""
    frame: Any = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("collections"):
        frame = frame.f_back  # as Counter(...), which looks for keys
    if frame is not None and MARK in frame.f_globals:
        raise TypeError(NO_KEY)
    return object.__hash__(x)


def lifted_power(apply: Callable[..., Any], base: Any, exponent: Any) -> Any:
    """base ** exponent by both, in code of `pygrad.lift`; else a TypeError."""
    if not in_lifted_code(2):
        raise TypeError(
            "the exponent of ** must be a constant number, not a Value; use pygrad.math.pow(x, y), which "
            "differentiates by both, or pygrad.lift for code that is not yours"
        )
    value_of("**", checked_power, (base, exponent))  # raises what floats raise
    return apply("pow", base, exponent)


def checked_power(x: float, n: float) -> float:
    """x ** n with the exceptions of float, except that a complex result is a ValueError."""
    z = power(x, n)
    if math.isfinite(x) and math.isfinite(n):
        if x == 0 and n < 0:
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        if math.isnan(z):
            if math.isinf(power(-x, n)):
                raise OverflowError("complex exponentiation")
            raise ValueError("a negative number has no real power that is not whole")
        if math.isinf(z):
            raise OverflowError("math range error")
    return z


def relu(x: float) -> float:
    return 0.0 if x < 0 else x


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)  # 1 / (1 + exp(-x)) would overflow on this side
    return e / (1.0 + e)


def softplus(x: float) -> float:
    return (x if x > 0 else 0.0) + log1p(math.exp(-abs(x)))


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def step(x: float) -> float:
    return 1.0 if x > 0 else 0.0


def whole(rounding: Callable[[float], int]) -> Callable[[float], float]:
    """math.floor and the like, but float to float, with -0.0 kept."""
    return lambda x: math.copysign(float(rounding(x)), x)


def hypot(x: float, y: float) -> float:
    """sqrt(x*x + y*y), scaled so that no square overflows or vanishes."""
    if math.isinf(x) or math.isinf(y):
        return inf
    if math.isnan(x) or math.isnan(y):
        return nan
    a, b = abs(x), abs(y)
    if a < b:
        a, b = b, a
    if b == 0:
        return a
    _, exponent = math.frexp(a)
    a, b = math.ldexp(a, -exponent), math.ldexp(b, -exponent)
    try:
        return math.ldexp(math.sqrt(a * a + b * b), exponent)
    except OverflowError:
        return inf


def maximum(x: float, y: float) -> float:
    if x > y:
        return x
    if y > x:
        return y
    if x == y:  # 0.0 is above -0.0
        return y if math.copysign(1.0, x) < 0 else x
    return x + y  # nan


def minimum(x: float, y: float) -> float:
    if x < y:
        return x
    if y < x:
        return y
    if x == y:
        return x if math.copysign(1.0, x) < 0 else y
    return x + y


def clip(x: float, lo: float, hi: float) -> float:
    x = lo if x < lo else x
    return hi if hi < x else x


def logaddexp(x: float, y: float) -> float:
    if x == y:  # also two equal infinities, whose difference is nan
        return x + 0.6931471805599453
    return (x if x > y else y) + log1p(math.exp(-abs(x - y)))


def where(condition: float, x: float, y: float) -> float:
    return x if condition != 0 else y


# --- Slopes that need more than one expression ----------------------------------------------------
# Textbook formulas lose all their digits in places: 1 - tanh(x)**2 gives 0 from x = 19 on, but the
# true slope becomes that small only at x = 373. These forms stay within 4 units in the last place.


def unless_nan(z: float, slope: float) -> float:
    """Outside its domain a function has no slope: 1/x says -1 for log at -1."""
    return nan if math.isnan(z) else slope


def bell(c: float, e: float) -> float:
    """c * e / (1 + e)**2, corrected for the digits of e that 1 + e drops."""
    total = 1.0 + e
    lost = e - (total - 1.0)
    slope = (c * e) / (total * total)
    return slope - slope * ((2.0 * lost) / total)


def sech2(x: float) -> float:
    """The slope of tanh, 1 / cosh(x)**2."""
    return bell(4.0, exp(-2.0 * abs(x)))


def sigmoid_slope(x: float) -> float:
    return bell(1.0, exp(-abs(x)))


def asin_slope(x: float) -> float:
    return div(1.0, sqrt((1.0 - x) * (1.0 + x)))


def hypot_slope(x: float, y: float) -> float:
    """The slope of hypot(x, y) along x, which is cos of the angle; 0 at the origin."""
    h = hypot(x, y)
    if h == 0:
        return 0.0
    if math.isinf(h) and math.isfinite(x) and math.isfinite(y):
        return (0.25 * x) / hypot(0.25 * x, 0.25 * y)
    return x / h


def atan2_slope(x: float, y: float) -> float:
    """x / (x*x + y*y), scaled so that no square overflows or vanishes; 0 at the origin."""
    if x == 0 and y == 0:
        return 0.0
    if not (math.isfinite(x) and math.isfinite(y)):
        return x / hypot(x, y) / hypot(x, y)
    _, exponent = math.frexp(x if abs(x) >= abs(y) else y)
    a, b = math.ldexp(x, -exponent), math.ldexp(y, -exponent)
    slope = a / (a * a + b * b)
    try:
        return math.ldexp(slope, -exponent)
    except OverflowError:
        return math.copysign(inf, slope)


def greater(x: float, y: float) -> float:
    """The share of x in maximum(x, y): a tie is split in halves."""
    if math.isnan(x) or math.isnan(y):
        return nan
    return 1.0 if x > y else 0.5 if x == y else 0.0


def less(x: float, y: float) -> float:
    return 1.0 if x < y else 0.0


def clip_slopes(x: float, lo: float, hi: float) -> tuple[float, ...]:
    return (
        (1.0 - less(x, lo)) * (1.0 - less(hi, x)),
        less(x, lo) * (1.0 - less(hi, lo)),
        less(hi, lo if x < lo else x),
    )


def pow_slope_x(x: float, y: float) -> float:
    """y * x**(y-1). Where y - 1 is rounded, which costs digits, scale x**y instead."""
    if y == 0:
        return 0.0
    if abs(y) < 2.0**53 and math.floor(y) == y:
        p = power(x, y - 1.0)
        if is_normal(p) or x == 0:
            return y * p
    z = libm_pow(x, y)
    if is_normal(z) and x != 0:
        # Two orders of one product; neither overflows or vanishes halfway.
        return y * (z / x) if abs(y) > 1 and z > 1 else (y * z) / x
    return y * power(x, y - 1.0)


def pow_slope_y(x: float, y: float) -> float:
    if x > 0:
        return libm_pow(x, y) * math.log(x)
    if x == 0:
        return 0.0 if y >= 0 else -inf if y < 0 else nan
    return nan


def logaddexp_slope(x: float, y: float) -> float:
    """The slope along x: sigmoid(x - y), corrected for what the difference lost in rounding."""
    if x == y:
        return 0.5
    d = x - y
    s = sigmoid(d)
    if not math.isfinite(d):
        return s
    t = d - x
    error = (x - (d - t)) + (-y - t)
    return s + (s * sigmoid(-d)) * error


def erf_slope(x: float) -> float:
    """2/sqrt(pi) * exp(-x*x), with x split in two so that the square keeps its low digits."""
    if abs(x) > 28:
        return 0.0
    t = 134217729.0 * x
    hi = t - (t - x)
    lo = x - hi
    return (1.1283791670955126 * exp(-(hi * hi))) * exp(-(lo * (hi + x)))


def product_lost(x: float, y: float) -> float:
    """What the rounded product x * y has lost, exactly (Dekker 1971)."""
    s, t = 134217729.0 * x, 134217729.0 * y
    a, b = s - (s - x), t - (t - y)
    c, d = x - a, y - b
    return ((a * b - x * y) + (a * d + c * b)) + c * d


def cbrt_slope(x: float) -> float:
    """1 / (3 * cbrt(x)**2), without the error of the C library's cbrt, which its cube tells."""
    a, scale = abs(x), 1.0
    if a == 0 or math.isinf(a):
        return div(1.0, a * a)
    if a < 2.0**-600:
        a, scale = a * 2.0**600, 2.0**400
    elif a > 2.0**600:
        a, scale = a * 2.0**-600, 2.0**-400
    z = cbrt(a)
    square = z * z
    cube = square * z
    lost = product_lost(z, z)
    excess = (cube - a) + (product_lost(square, z) + lost * z)
    slope = (1 / 3) / square
    return scale * (slope + slope * ((2.0 * excess) / (3.0 * a) - lost / square))
