"""NumPy's functions where Values, or arrays of them, are among their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from pygrad.arrays.array import ValueArray, array_of_values, of_values, owned
from pygrad.arrays.engines import is_value_type
from pygrad.arrays.functions import FUNCTIONS
from pygrad.arrays.ufuncs import NO_ROOM, applied

__all__ = ["ValueArray", "array_of_values", "called", "of_values"]


def foreign(types: Any) -> bool:
    """Whether one of these is a class that has rules of its own for functions of NumPy."""
    return not all(issubclass(kind, np.ndarray) or is_value_type(kind) for kind in types)


# A number in what these make is the array's to change, not a result.
_TO_BE_FILLED = frozenset({np.zeros_like, np.ones_like, np.empty_like, np.full_like})


def called(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function of NumPy gives.

    Raises:
        TypeError: it is none for Values, as those that call LAPACK or FFTPACK.
    """
    own = FUNCTIONS.get(func)
    if own is not None:
        return owned(own(*args, **kwargs), args)
    try:
        result = func._implementation(*args, **kwargs)
        return owned(result) if func in _TO_BE_FILLED else owned(result, args)
    except TypeError as error:
        if str(error).startswith(("a Value", "an array of floats holds", "the exponent of **")):
            raise
        name = f"{func.__module__}.{func.__name__}"
        raise TypeError(
            f"{name} does not take these Values ({error}): compute it by functions that do (see "
            "docs/arrays.md), or state its derivatives, Value(data, children, local_grads)"
        ) from error


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    result = applied(ufunc, method, inputs, kwargs)
    if result is NO_ROOM:
        del self, inputs, kwargs  # a traceback would keep the array
        raise TypeError(*NO_ROOM.args)
    return result


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return NotImplemented if foreign(types) else called(func, args, kwargs)


ValueArray.__array_ufunc__ = _array_ufunc  # type: ignore[method-assign]
ValueArray.__array_function__ = _array_function  # type: ignore[method-assign]
