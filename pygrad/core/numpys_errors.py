"""Cures for errors that others raise of Values: NumPy of arrays with some, decimal and fractions."""

from __future__ import annotations

import re

# Of plain arrays of objects NumPy asks items, or nobody.
_OF_OBJECTS = re.compile(
    r"loop of ufunc does not support argument \d+ of type (float|int|numpy\.\S+) which has no callable "
    r"|Cannot cast ufunc '\w+' input( \d+)? from dtype\('O'\)"
    r"|Cannot cast array data from dtype\('O'\)"
    r"|ufunc '\w+' not supported for the input types"
    r"|'(float|int)' object has no attribute '(arctan2|fmod|hypot|logical_xor)'"
)
_CURE = (
    "an array that np.array or np.asarray has made of Values is one of objects, where NumPy asks nobody. "
    "Write `import pygrad.numpy as np` in the place of `import numpy as np`, or lift the function with "
    "pygrad.lift"
)

_OF_DIGITS = re.compile(
    r"conversion from pygrad\.\w+ to Decimal"
    r"|unsupported operand type\(s\) for .*'decimal\.Decimal' and 'pygrad\.\w+'"
    r"|unsupported operand type\(s\) for .*'pygrad\.\w+' and 'decimal\.Decimal'"
    r"|argument should be a string or a Rational instance"
    r"|both arguments should be Rational instances"
)
CURE_OF_DIGITS = (
    "decimals and fractions hold digits and no derivative, so a Value does not become one: compute with it "
    "as with a float, or with v.data, a number without derivative"
)


def hinted(error: Exception) -> Exception:
    """The error itself, or one that says more if it is NumPy's about an array of objects."""
    if not isinstance(error, TypeError | AttributeError):
        return error
    cure = (
        _CURE
        if _OF_OBJECTS.match(str(error))
        else CURE_OF_DIGITS
        if _OF_DIGITS.match(str(error))
        else None
    )
    if cure is None or cure in str(error):
        return error
    made = type(error) if type(error) in {TypeError, AttributeError} else TypeError
    return made(f"{error}: {cure}")
