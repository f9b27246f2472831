"""Cures for errors that NumPy raises of arrays with Values."""

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


def hinted(error: Exception) -> Exception:
    """The error itself, or one that says more if it is NumPy's about an array of objects."""
    if (
        not isinstance(error, TypeError | AttributeError)
        or not _OF_OBJECTS.match(str(error))
        or _CURE in str(error)
    ):
        return error
    made = type(error) if type(error) in {TypeError, AttributeError} else TypeError
    return made(f"{error}: {_CURE}")
