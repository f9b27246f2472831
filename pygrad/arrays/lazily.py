"""What NumPy asks a Value for; nothing of NumPy is imported before it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.arrays.elementary import METHODS


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    from pygrad.arrays.ufuncs import NO_ROOM, applied

    result = applied(ufunc, method, inputs, kwargs)
    if result is NO_ROOM:
        del self, inputs, kwargs  # a traceback would keep the array
        raise TypeError(*NO_ROOM.args)
    return result


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    from pygrad.arrays.overrides import called, foreign

    return NotImplemented if foreign(types) else called(func, args, kwargs)


METHODS_FOR_NUMPY: dict[str, Callable[..., Any]] = {
    **METHODS,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
}
