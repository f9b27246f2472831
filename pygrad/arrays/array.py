"""Arrays of Values."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

from pygrad.arrays.conditions import Conditions, objects
from pygrad.arrays.engines import engine_of, has_values, is_array_with_values, is_value, waits

_set_item = np.ndarray.__setitem__


class ValueArray(np.ndarray):
    """An array of objects that holds Values: what functions get in the place of an array of floats.

    NumPy's functions of it, of it and floats, and of it and Values give arrays of Values again.
    """

    def __iter__(self) -> Iterator[Any]:
        """NumPy's own iteration is for subclasses several times as slow."""
        if self.ndim == 1:
            return iter(self.tolist())
        return super().__iter__()

    def __setitem__(self, index: Any, item: Any) -> None:
        """One number for all items where a condition holds is a choice for each, and asks for no truth."""
        if type(index) is Conditions and index.shape == self.shape and np.ndim(item) == 0:
            item = np.where(index, item, self)
            index = ...
        _set_item(self, index, item)

    def argsort(self, axis: Any = -1, *args: Any, **named: Any) -> Any:
        """NumPy compares objects, of which nan stops the order: it is last, as among floats."""
        return np.argsort(self, axis, *args, **named)

    def sort(self, axis: Any = -1, *args: Any, **named: Any) -> None:
        """The same in place."""
        self[...] = np.sort(self, axis, *args, **named)


def array_of_values(array: Any) -> Any:
    """An array of objects that has Values, as a ValueArray; its memory is shared."""
    return array.view(ValueArray)


def as_objects(x: Any) -> Any:
    """A new array of objects, Values and floats, of an array or of what becomes one."""
    array = np.array(objects(x).view(np.ndarray))
    if array.dtype != object:
        return array.astype(float).astype(object)
    for i, item in enumerate(unboxed(array).ravel().tolist()):
        if not is_value(item) and item.__class__ is not float:
            if not isinstance(item, numbers.Real):
                raise TypeError(
                    f"Values stand among real numbers in an array, not among {type(item).__name__}s"
                )
            array.flat[i] = float(item)
    return array


def unboxed(array: Any) -> Any:
    """The array, in which arrays of no axis that NumPy has left in it have become what they hold."""
    for i, item in enumerate(array.ravel().tolist()):
        if isinstance(item, np.ndarray) and not item.ndim:
            array.flat[i] = item.item()
    return array


def plain(x: Any) -> Any:
    """An array, or a list or tuple of such, as NumPy's own class has it; a Value as an array of no axis."""
    if type(x) is ValueArray:
        return x.view(np.ndarray)
    return objects(x) if is_value(x) or waits(x) else x


def lift_in_place(array: Any) -> Any:
    """The array, whose numbers have become Values if it has some."""
    flat = array.ravel().tolist()
    if any(map(is_value, flat)) and not all(map(is_value, flat)):
        kind = engine_of(flat).Value
        for i, item in enumerate(flat):
            if not is_value(item) and isinstance(item, _NUMBERS):
                array.flat[i] = kind(item)
    return array


_NUMBERS = (float, int, np.floating, np.integer)


def of_values(array: Any) -> Any:
    """The array; if it has Values, as a ValueArray that holds nothing else."""
    if isinstance(array, np.ndarray) and array.dtype == object and array.ndim:
        boxes = [item for item in array.ravel().tolist() if isinstance(item, np.ndarray)]
        if any(map(is_array_with_values, boxes)) and all(map(_is_box_of_number, boxes)):
            unboxed(array)
    if isinstance(array, np.ndarray) and is_array_with_values(array) and array.ndim:
        return lift_in_place(array).view(ValueArray)
    return array


def _is_box_of_number(array: Any) -> bool:
    """Whether an array has no axis, and holds a number; among other things it stays what it is."""
    return not array.ndim and (is_value(array.item()) or isinstance(array.item(), numbers.Real))


def _one_item(array: Any, given: Any) -> Any:
    """What an array of no axis has: a Value, if Values were given and it is a number."""
    item = array.item()
    if isinstance(item, _NUMBERS) and not isinstance(item, bool) and any(map(has_values, given)):
        flat = [v for x in given for v in objects(x).astype(object).ravel().tolist() if is_value(v)]
        return engine_of(flat).Value(item)
    return item if is_value(item) else array


def owned(result: Any, given: Any = ()) -> Any:
    """What a function of NumPy has made of arrays with Values, as this package gives it: no array of one
    Value, but the Value; of several, a ValueArray, whose numbers have become Values unless it is a view of
    what was given."""
    if isinstance(result, np.ndarray):
        if result.dtype != object:
            return result
        if result.ndim == 0:
            return _one_item(result, given)
        arrays = [x for x in given if isinstance(x, np.ndarray) and not waits(x)]
        if not any(np.may_share_memory(x, result) for x in arrays):
            lift_in_place(result)
        return result.view(ValueArray) if type(result) is np.ndarray else result
    if type(result) in {list, tuple}:
        return type(result)([owned(part, given) for part in result])
    return result
