"""Arguments and results of a mapped function: which numbers each row has, and where they stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.implementation import Value
from pygrad.core.structure import Array, Number, Structure, container_like, flatten, own_array
from pygrad.programs.memory import own_view, places
from pygrad.programs.results import truths_in

_ITEMS = (Value, float, int, np.integer, np.floating)  # of columns


class Leaf(NamedTuple):
    """A number or array of an argument: the same for all rows, or an array with a row for each."""

    array: Any  # float64, contiguous: (rows, size) if it is mapped, else (size,)
    mapped: bool
    size: int  # numbers that one row has of it


class RowArguments:
    """Arguments taken apart: leaves, how many rows, and the structure of one row's."""

    def __init__(self, args: Sequence[Any], in_axes: Any, name: str) -> None:
        self.leaves: list[Leaf] = []
        self.values: list[Any] = []  # items of uniform leaves, Values among them
        self.rows = -1  # not known yet
        self.name = name
        self.ranges: list[range] = []  # of each argument's items among values; none if it is mapped
        parts = []
        for i, (arg, axis) in enumerate(zip(args, axes_of(in_axes, len(args), name), strict=True)):
            start = len(self.values)
            parts.append(self._add(arg, axis, f"argument {i} of {name}()"))
            self.ranges.append(range(start, len(self.values)))
        self.structure = container_like((), tuple(parts))
        if self.rows < 0:
            raise ValueError(f"{name}() is mapped over no argument: in_axes is {in_axes!r}")

    def _add(self, arg: Any, axis: int | None, what: str) -> Structure:
        if axis is None:
            items, structure = flatten(arg, what)
            numbers: Any = arg
            if type(arg) is not np.ndarray or arg.dtype.kind != "f":
                numbers = [v.data if isinstance(v, Value) else float(v) for v in items]
            self.leaves.append(Leaf(np.array(numbers, np.float64).ravel(), False, len(items)))
            self.values += items
            return structure
        if is_column(arg):
            return self._add_rows(np.array(list(arg), dtype=np.float64), axis, what)
        if isinstance(arg, dict):
            parts = tuple(self._add(part, axis, f"{what}[{k!r}]") for k, part in arg.items())
            return container_like(arg, parts)
        if isinstance(arg, (list, tuple)):
            parts = tuple(self._add(part, axis, f"{what}[{i}]") for i, part in enumerate(arg))
            return container_like(arg, parts)
        return self._add_rows(arg, axis, what)

    def _add_rows(self, arg: Any, axis: int, what: str) -> Structure:
        array = own_array(arg, what)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{what} is mapped, so it must be an array of real numbers, not of {array.dtype}"
            )
        if not -array.ndim <= axis < array.ndim:
            raise ValueError(f"{what} has {array.ndim} axes, so none to map over at {axis}")
        if axis != 0:
            array = np.moveaxis(array, axis, 0)
        array = np.ascontiguousarray(array, dtype=np.float64)
        if not array.flags.aligned:
            array = array.copy()
        if self.rows not in {-1, len(array)}:
            raise ValueError(
                f"{what} has {len(array)} rows, but an argument before it has {self.rows}"
            )
        self.rows = len(array)
        shape = array.shape[1:]
        size = math.prod(shape)
        self.leaves.append(Leaf(array.reshape(len(array), size), True, size))
        return Array(shape, size) if shape else Number()

    def row_flags(self) -> bytes:
        return b"".join(bytes([leaf.mapped]) * leaf.size for leaf in self.leaves)

    def point(self, row: int) -> list[float]:
        """All numbers of one row."""
        return [
            x
            for leaf in self.leaves
            for x in (leaf.array[row] if leaf.mapped else leaf.array).tolist()
        ]

    def pointers(self) -> tuple[Any, Any]:
        """For each input where its numbers stand, and how far apart those of two rows are."""
        return places([leaf.array for leaf in self.leaves])


def axes_of(in_axes: Any, count: int, name: str) -> list[int | None]:
    if in_axes is None or type(in_axes) is int:
        return [in_axes] * count
    try:
        axes = list(in_axes)
    except TypeError:
        axes = [in_axes]
    if not all(axis is None or type(axis) is int for axis in axes) or isinstance(in_axes, str):
        raise TypeError(
            f"in_axes must be an int, None, or one of these for each argument, not {in_axes!r}"
        )
    if len(axes) != count:
        raise ValueError(
            f"in_axes has {len(axes)} entries, but {name}() was called with {count} arguments"
        )
    return axes


class RowResults:
    """Where the results of all rows go: an array for each number and array that a row returns."""

    def __init__(self, structure: Structure, rows: int, out: Any = None) -> None:
        """out: one array of shape (rows, numbers in a result) for all of them."""
        self.structure, self.rows = structure, rows
        self.parts: list[Any] = []  # of shape (rows, numbers)
        if out is None:
            structure.map(lambda leaf, at: self.parts.append(np.empty((rows, leaf.size))))
            self.pointers, self.strides = places(self.parts)
        else:
            table = table_of(out, rows, structure.size)
            structure.map(lambda leaf, at: self.parts.append(table[:, at : at + leaf.size]))
            self.pointers, self.strides = places([table])

    def arranged(self, structures: Iterable[Structure]) -> Any:
        """The arrays in the structure of a row's result, a row of each first; structures: of all paths."""
        truths = map(all, zip(*map(truths_in, structures), strict=True))
        parts = iter(map(as_truths, self.parts, truths))
        return self.structure.map(lambda leaf, at: next(parts).reshape(self.rows, *leaf.shape))

    def copy_to(self, out: Any) -> None:
        for target, part in zip(
            RowResults(self.structure, self.rows, out).parts, self.parts, strict=True
        ):
            target[...] = part


def as_truths(array: Any, are: bool) -> Any:
    """An array of 1 and 0 as one of True and False, if that is what they are; else the array."""
    return array.astype(bool) if are else array


def checked_out(out: Any) -> Any:
    """The memory of out as NumPy itself has it; TypeError if it is no float64 array."""
    if isinstance(out, np.ndarray) and not isinstance(out, np.ma.MaskedArray):
        out = own_view(out)
        if out.dtype == np.float64:
            return out
    raise TypeError("out must be a float64 array")


def table_of(out: Any, rows: int, width: int) -> Any:
    """out as an array of shape (rows, width), if it can take so many numbers."""
    out = checked_out(out)
    if out.size != rows * width or out.shape[:1] != (rows,):
        raise ValueError(f"out must have {rows} rows of {width} numbers, not shape {out.shape}")
    if not (out.flags.writeable and out.flags.c_contiguous and out.flags.aligned):
        raise ValueError("out must be writeable, contiguous and aligned")
    return out.reshape(rows, width)


def uniform_inputs(arguments: RowArguments) -> list[int]:
    """For each item of the uniform leaves its number among the inputs."""
    where: list[int] = []
    at = 0
    for leaf in arguments.leaves:
        if not leaf.mapped:
            where += range(at, at + leaf.size)
        at += leaf.size
    return where


def is_column(arg: Any) -> bool:
    """Whether arg is a list or tuple of numbers and Values: as good as an array of one axis."""
    return (
        isinstance(arg, (list, tuple))
        and not hasattr(arg, "_make")
        and len(arg) > 0
        and all(
            issubclass(kind, _ITEMS) and kind is not np.timedelta64 for kind in set(map(type, arg))
        )
    )
