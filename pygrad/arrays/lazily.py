"""What NumPy asks a Value for; nothing of NumPy is imported before it does."""

from __future__ import annotations

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


def _astype(self: Any, dtype: Any, *args: Any, **named: Any) -> Any:
    """As a number of NumPy's has it: the Value as a float, the whole number as an int, or whether it is not
    0.

    >>> import numpy as np
    >>> from pygrad import Value
    >>> Value(2.5).astype(int), Value(2.5).astype(float).data, Value(2.5).astype(bool)
    (2, 2.5, True)
    """
    import numpy as np

    kind = np.dtype(dtype)
    if kind == np.float64 or kind.kind == "O":
        return self * 1.0
    if kind.kind == "b":
        return self != 0
    if kind.kind in "iu":
        return np.array(int(self)).astype(kind)[()] if kind != np.int64 else int(self)
    raise TypeError(f"a Value becomes a float, an int or a bool, not a number of {kind}")


METHODS_FOR_NUMPY: dict[str, Any] = {
    **METHODS,
    "astype": _astype,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
}
