"""What an op says where floats have no result: what it needs, and what it was given."""

from __future__ import annotations

import errno
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

from pygrad.arrays.engines import called_by_lifted_code

OF_A_ROW = "_pygrad_of_a_row"  # an attribute of an error
OF_VALUE = "_pygrad_value"  # another: the id of the Value that was taken for a plain number

_POLES = "an x that is not 0, -1, -2, ..."
_POWER = "x >= 0 where {0} is not whole, and x != 0 where {0} < 0"

NEEDS: dict[str, str] = {
    **dict.fromkeys(("/", "%", "//"), "y != 0"),
    "**": _POWER.format("n"),
    "pow": _POWER.format("y"),
    **dict.fromkeys(("log", "log2", "log10"), "x > 0"),
    "log1p": "x > -1",
    "sqrt": "x >= 0",
    "acosh": "x >= 1",
    **dict.fromkeys(("asin", "acos"), "-1 <= x <= 1"),
    "atanh": "-1 < x < 1",
    "lgamma": _POLES,
    **dict.fromkeys(("gamma", "digamma"), f"{_POLES} or -inf"),
    "ndtri": "0 < x < 1",
    "erfinv": "-1 < x < 1",
    "xlogy": "x = 0 or y > 0",
    "xlog1py": "x = 0 or y > -1",
    **dict.fromkeys(("sin", "cos", "tan", "floor", "ceil", "trunc", "round"), "a finite x"),
}

_TO_WHOLE = {"int", "floor", "ceil", "trunc", "round"}
_ZERO_DIVISIONS = {
    "/": "float division by zero",
    "%": "float modulo",
    "//": "float floor division by zero",
}
_DIVISIONS = {"/": operator.truediv, "%": operator.mod, "//": operator.floordiv}


def value_of(symbol: str, function: Callable[..., float], operands: Sequence[Any]) -> float:
    """The function of the operands' numbers; where it raises, an exception of that class that says more."""
    try:
        return function(*[getattr(x, "_data", x) for x in operands])
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        kind = next(
            k for k in (ValueError, OverflowError, ZeroDivisionError) if isinstance(error, k)
        )
        is_complex = "complex" in str(error)
    if symbol == "**" and kind is OverflowError and not is_complex and called_by_lifted_code():
        # As the power of floats has it; math.pow says less
        raise OverflowError(errno.ERANGE, os.strerror(errno.ERANGE))
    raise kind(_message(symbol, kind, operands, is_complex))


def refusal(said: str, name: str, needs: str, /, *operands: Any) -> str:
    """What an error says of a function that is no op: what it says of floats, and then, unless its caller
    is lifted code, what the function needs and was given."""
    return (
        said
        if called_by_lifted_code()
        else f"{said}: {name} needs {needs}, not {_given(operands, 'y')}"
    )


def refused(error: Exception, /) -> None:
    """Raise an error of an operation."""
    raise error


def _given(operands: Sequence[Any], second: str) -> str:
    shown = [_text(x) for x in operands]
    return shown[0] if len(shown) == 1 else f"x = {shown[0]}, {second} = {shown[1]}"


def _message(symbol: str, kind: type[Exception], operands: Sequence[Any], is_complex: bool) -> str:
    given = _given(operands, "n" if symbol == "**" else "y")
    said = "complex exponentiation" if is_complex else _said_of_floats(symbol, kind)
    if called_by_lifted_code():
        return _said_by_python(symbol) if kind is ZeroDivisionError else said
    if kind is OverflowError and symbol not in _TO_WHOLE:
        return f"{said}: {symbol} is too large for a float at {given}"
    return f"{said}: {symbol} needs {NEEDS.get(symbol, 'a finite x')}, not {given}"


def _said_by_python(symbol: str) -> str:
    """What it says of a division by zero, which is not the same in all its versions."""
    try:
        _DIVISIONS.get(symbol, operator.pow)(0.0, 0.0 if symbol in _DIVISIONS else -1.0)
    except ZeroDivisionError as error:
        return str(error)
    raise AssertionError(symbol)


def _said_of_floats(symbol: str, kind: type[Exception]) -> str:
    if kind is ZeroDivisionError:
        return _ZERO_DIVISIONS.get(symbol, "0.0 cannot be raised to a negative power")
    if symbol in _TO_WHOLE:
        what = "infinity" if kind is OverflowError else "NaN"
        return f"cannot convert float {what} to integer"
    if kind is OverflowError:
        return "math range error"
    if symbol == "**":
        return "a negative number has no real power that is not whole"
    return "math domain error"


def _text(x: Any) -> str:
    number = repr(float(getattr(x, "_data", x)))
    label, op = getattr(x, "_label", ""), getattr(x, "_symbol", "")
    name = f"node {label!r}" if label else f"made by {op}" if op else ""
    return f"{number} ({name})" if name else number
