"""numpy.sort and its kin of Values, among which nan is last, as among floats; and whether arrays are equal.

NumPy sorts objects by ``<``, which holds for nan on neither side, and so leaves them in some order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pygrad.arrays.array import ValueArray, array_of_values, as_objects


def in_an_array(a: Any) -> Any:
    """A list of Values, or an array of objects, as an array that answers for NumPy's functions."""
    return a if isinstance(a, ValueArray) else array_of_values(as_objects(a))


def sort(a: Any, axis: Any = -1, *args: Any, **named: Any) -> Any:
    """numpy.sort."""
    array = in_an_array(a)
    if not _has_nan(array):
        return array_of_values(np.sort(array.view(np.ndarray), axis, *args, **named))
    if axis is None:
        array, axis = array.ravel(), 0
    order = argsort(array, axis)
    return array_of_values(np.take_along_axis(array.view(np.ndarray), order, axis))


def argsort(a: Any, axis: Any = -1, *args: Any, **named: Any) -> Any:
    """numpy.argsort."""
    array = in_an_array(a)
    if not _has_nan(array):
        return np.argsort(array.view(np.ndarray), axis, *args, **named)
    if axis is None:
        array, axis = array.ravel(), 0
    return np.apply_along_axis(_order, axis, array.view(np.ndarray))


def partition(a: Any, kth: Any, axis: Any = -1, *args: Any, **named: Any) -> Any:
    """numpy.partition; with nan, all are sorted."""
    array = in_an_array(a)
    if _has_nan(array):
        return sort(array, axis)
    return array_of_values(np.partition(array.view(np.ndarray), kth, axis, *args, **named))


def argpartition(a: Any, kth: Any, axis: Any = -1, *args: Any, **named: Any) -> Any:
    """numpy.argpartition, likewise."""
    array = in_an_array(a)
    if _has_nan(array):
        return argsort(array, axis)
    return np.argpartition(array.view(np.ndarray), kth, axis, *args, **named)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """numpy.array_equal, by number, as arrays of Values are compared."""
    one, other = in_an_array(a1), in_an_array(a2)
    return one.shape == other.shape and _all_equal(one, other, equal_nan)


def array_equiv(a1: Any, a2: Any) -> bool:
    """numpy.array_equiv, likewise."""
    one, other = in_an_array(a1), in_an_array(a2)
    try:
        np.broadcast_shapes(one.shape, other.shape)
    except ValueError:
        return False
    return _all_equal(one, other, False)


def _all_equal(one: Any, other: Any, equal_nan: bool) -> bool:
    equal = one == other
    if equal_nan:
        equal = equal | (np.isnan(one) & np.isnan(other))
    return bool(np.all(equal))


def _has_nan(array: Any) -> bool:
    return bool(np.any(np.isnan(array)))


def _order(items: Any) -> Any:
    """Where the items of one axis stand once they are sorted, nan last."""
    is_nan = np.array([bool(np.isnan(item)) for item in items.tolist()], dtype=bool)
    others = np.flatnonzero(~is_nan)
    ordered = others[np.argsort(items[others], kind="stable")]
    return np.concatenate([ordered, np.flatnonzero(is_nan)])
