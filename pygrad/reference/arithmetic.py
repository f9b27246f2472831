"""Numbers, and arithmetic that never raises.

The value of an op raises where Python's float and math raise. A slope never does: it becomes inf or nan, as
IEEE 754 has it, for it is no mistake to ask for the slope of sqrt at 0.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

inf = math.inf
nan = math.nan


def as_float(x: object) -> float | None:
    """x as a float, or None if it is not a real number; OverflowError if it is too large an int."""
    if isinstance(x, (float, int)):
        return float(x)
    # NumPy's scalars and 0-d arrays are known by their looks, so that NumPy need not be installed.
    if str(type(x).__module__).partition(".")[0] == "numpy":
        is_number = getattr(x, "ndim", None) == 0 and x.dtype.kind in "biuf"  # type: ignore[attr-defined]
        return float(x) if is_number else None  # type: ignore[arg-type]
    return float(x) if isinstance(x, numbers.Real) else None


def real(x: object, what: str = "") -> float:
    """x as a float; TypeError if it is not a real number."""
    number = as_float(x)
    if number is None:
        problem = f"{what} must be a real number" if what else "must be real number"
        raise TypeError(f"{problem}, not {type(x).__name__}")
    return number


def compared(comparison: Callable[[Any, Any], Any], x: float, y: Any) -> Any:
    """What the comparison says, exact for ints and fractions; NotImplemented if y is not a real number."""
    if isinstance(y, (int, Fraction)):
        return comparison(x, y)  # as a float's own
    number = as_float(y)
    return NotImplemented if number is None else comparison(x, number)


def constant_slopes(slopes: Iterable[float]) -> Callable[..., tuple[float, ...]]:
    """Slopes that do not depend on the numbers of a node's operands."""
    slopes = tuple(slopes)
    return lambda *data: slopes


def div(x: float, y: float) -> float:
    if y != 0:
        return x / y
    if x == 0 or math.isnan(x):
        return nan
    return math.copysign(inf, x) * math.copysign(1.0, y)


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def sqrt(x: float) -> float:
    return nan if x < 0 else math.sqrt(x)


def sin(x: float) -> float:
    return nan if math.isinf(x) else math.sin(x)


def cos(x: float) -> float:
    return nan if math.isinf(x) else math.cos(x)


def sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(inf, x)


def cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return inf


def math_pow(x: float, y: float) -> float:
    """math.pow, which up to Python 3.10 refused 0 ** -inf."""
    return inf if x == 0 and y == -inf else math.pow(x, y)


def libm_pow(x: float, y: float) -> float:
    """The C library's pow: math.pow without its exceptions."""
    try:
        return math_pow(x, y)
    except (ValueError, OverflowError):
        if x < 0 and y != math.floor(y):
            return nan
        # 0 to a negative power, or overflow: infinite, with the sign of x if y is an odd number.
        return math.copysign(inf, x) if abs(math.fmod(y, 2.0)) == 1 else inf


def _of_c(name: str) -> Callable[[float], float]:
    """The C library's function, which is math's, if not on Windows; math has cbrt from Python 3.11 on."""
    named: Any = getattr(math, name, None)
    if named is not None and sys.platform != "win32":
        return named  # type: ignore[no-any-return]
    import ctypes

    found: Any = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)[name]
    found.argtypes, found.restype = [ctypes.c_double], ctypes.c_double
    if named is None:
        return found  # type: ignore[no-any-return]

    def function(x: float) -> float:
        named(x)  # for what it raises
        return found(x)  # type: ignore[no-any-return]

    return function


# Of which Python for Windows has some of its own, most of them up to 3.10, log2 always.
cbrt, log2, log1p, expm1 = map(_of_c, ("cbrt", "log2", "log1p", "expm1"))
asinh, acosh, atanh = map(_of_c, ("asinh", "acosh", "atanh"))


def floordiv(x: float, y: float) -> float:
    return x // y if y != 0 else nan


def mul0(x: float, y: float) -> float:
    """x * y, but 0 * inf and 0 * nan are 0: a branch that is not taken adds nothing."""
    product = x * y
    return 0.0 if math.isnan(product) and (x == 0 or y == 0) else product


def is_normal(x: float) -> bool:
    return 2.2250738585072014e-308 <= abs(x) < inf
