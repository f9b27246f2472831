"""Arrays of NumPy's, and of classes that are more than their numbers."""

from __future__ import annotations

import sys
from typing import Any

from pygrad.arrays.engines import waits


def is_masked(array: Any) -> bool:
    """Whether an array says which of its items count: there is none before NumPy's module for them, whose
    import would take longer than a program."""
    return isinstance(array, getattr(sys.modules.get("numpy.ma"), "MaskedArray", ()))


def own_array(array: Any, what: str) -> Any:
    """An array without what its class says of it.

    Raises:
        TypeError: the class says what would be lost: which items count, or in which units they are.
    """
    import numpy as np

    if type(array) is np.ndarray:
        return array
    if is_masked(array):
        raise TypeError(f"{what} is a masked array; fill it first: array.filled(...)")
    if not waits(array):
        for name in ("units", "unit"):
            if getattr(array, name, None) is not None:
                raise TypeError(
                    f"{what} is an array with units, {type(array).__name__}, which would be lost: take its "
                    "numbers, in units of your choice (array.magnitude, array.value), and put units on "
                    "what comes out"
                )
    return array.items if waits(array) else np.asarray(array)
