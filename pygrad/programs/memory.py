"""Memory that programs read and write: where arrays stand, and scratch for what is computed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pygrad.core.library import ffi

_MANY = 32  # numbers of an array, from which on lists of them are slower


def scratch(size: int) -> Any:
    """Scratch memory, aligned to 64 bytes."""
    raw = np.empty(size + 64, dtype=np.uint8)
    start = -address(raw) % 64
    return raw[start : start + size]


def doubles(array: Any) -> Any:
    return ffi.from_buffer("double *", array)


def own_view(array: Any) -> Any:
    """The same memory as an array of NumPy's own class: a subclass may say anything of its shape."""
    return np.ndarray.view(array, np.ndarray)


def address(array: Any) -> int:
    """Where a contiguous array begins: array.ctypes.data takes ten times as long."""
    return int(ffi.cast("uintptr_t", ffi.from_buffer(array)))


def addresses(array: Any, count: int) -> Any:
    """Where the first numbers of an array stand."""
    start = address(array)
    return np.arange(start, start + 8 * count, 8, dtype=np.uintp)


def places(arrays: Sequence[Any]) -> tuple[Any, Any]:
    """For each number of a row its address, and how many numbers on that of the next row is.

    Arrays of shape (rows, numbers) are by row, those of shape (numbers,) are the same for all.
    """
    sizes = [array.shape[-1] for array in arrays]
    steps = [array.shape[-1] if array.ndim == 2 else 0 for array in arrays]
    if sum(sizes) > _MANY * len(sizes):
        strides = np.array(steps, dtype=np.intp).repeat(sizes)
        return np.concatenate(list(map(addresses, arrays, sizes))), strides
    pointers: list[int] = []
    by_row: list[int] = []
    for array, size, step in zip(arrays, sizes, steps, strict=True):
        start = address(array)
        pointers += range(start, start + 8 * size, 8)
        by_row += [step] * size
    return np.array(pointers, dtype=np.uintp), np.array(by_row, dtype=np.intp)
