"""Arguments and results of a mapped function: which numbers each row has, and where they stand."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.callables import function_name
from pygrad.core.implementation import Value
from pygrad.core.own_array import is_masked, own_array
from pygrad.core.static import Static
from pygrad.core.structure import (
    ARGUMENT,
    Array,
    Number,
    Structure,
    container_like,
    flatten_part,
    values_in,
)
from pygrad.programs.asked import asks_for_ints, asks_for_truths, has_bools, tell_of_rows
from pygrad.programs.axes import Part, axes_of, is_column, names_of, parts_of
from pygrad.programs.memory import own_view, places
from pygrad.programs.results import truths_in
from pygrad.programs.whole import WITHOUT_INTS, ints_among, is_whole

_FLOATS = {float}


class Leaf(NamedTuple):
    """A number or array of an argument: the same for all rows, or an array with a row for each."""

    array: Any  # float64, contiguous: (rows, size) if it is mapped, else (size,)
    mapped: bool
    size: int  # numbers that one row has of it


class RowNumbers:
    """The numbers that rows have, as a program reads them."""

    def __init__(self, leaves: Sequence[Leaf], rows: int, name: str) -> None:
        """name: of the function whose rows they are."""
        self.leaves, self.rows, self.name = list(leaves), rows, name

    def row_flags(self) -> bytes:
        """Of each number whether it differs by row."""
        return b"".join(bytes([leaf.mapped]) * leaf.size for leaf in self.leaves)

    def point(self, row: int) -> list[float]:
        """All numbers of one row."""
        found: list[float] = []
        for leaf in self.leaves:
            found += (leaf.array[row] if leaf.mapped else leaf.array).tolist()
        return found

    def pointers(self) -> tuple[Any, Any]:
        """For each input where its numbers stand, and how far apart those of two rows are."""
        return places([leaf.array for leaf in self.leaves])


class RowArguments(RowNumbers):
    """Arguments taken apart: leaves, how many rows, and the structure of one row's."""

    def __init__(
        self,
        args: Sequence[Any],
        in_axes: Any,
        f: Callable[..., Any],
        named: dict[str, Any] | None = None,
        by: Collection[int] = (),
    ) -> None:
        """args, in_axes: see axes.py; of f, which is called with these and with those by name.

        by: positions of what is differentiated by, all of which is numbers.
        """
        name, named = function_name(f), named or {}
        super().__init__((), -1, name)  # not known yet
        self._f = f
        self._of_ints: set[int] = set()  # leaves of rows
        # Of each uniform leaf its items, Values among them, or an array of numbers; how many there are.
        self._shared: list[Any] = []
        self._count = 0
        self._first = ""  # what has told that
        self._unmapped: Part | None = None  # what has no rows, but an axis
        self._may_ask = True  # f, whether an int in the argument at hand is one, and a bool True
        # Of each argument's items among values: those that all rows share
        self.ranges: list[range] = []
        parts = []
        axes = axes_of(in_axes, f, len(args), tuple(named))
        whats = names_of(len(args), tuple(named), name)
        for i, part in enumerate(map(Part, (*args, *named.values()), axes, whats)):
            self._may_ask = i not in by
            start = self._count
            parts.append(self._add(part))
            self.ranges.append(range(start, self._count))
        keys = [*range(len(args)), *named]
        self.structure = container_like(dict.fromkeys(keys) if named else (), tuple(parts))
        if self.rows < 0 and self._unmapped is not None:
            raise TypeError(
                f"{self._unmapped.what} is mapped, so it must be an array of real numbers, not "
                f"{type(self._unmapped.content).__name__}"
            )
        if self.rows < 0:
            raise ValueError(f"{name}() is mapped over no argument: in_axes is {in_axes!r}")

    def _add(self, of: Part) -> Structure:
        arg, axis, what, role = of
        if axis is None and self._may_ask and type(arg) not in WITHOUT_INTS:
            if asks_for_ints(self._f):
                role = role._replace(whole=True)
            elif asks_for_truths(self._f) and has_bools(arg):
                role = role._replace(free=True)
        if of.is_static or (role.whole and is_whole(arg)):
            if axis is not None and role is ARGUMENT:
                self._unmapped = self._unmapped or of
            return Static(arg, what)
        if axis is None:
            if type(arg) is np.ndarray and arg.dtype.kind == "f" and arg.ndim:
                numbers = np.array(arg, np.float64).ravel()
                return self._add_shared(numbers, numbers, Array(arg.shape, arg.size))
            items, structure = flatten_part(arg, what, role)
            floats = items
            if not _FLOATS.issuperset(map(type, items)):
                floats = [v.data if isinstance(v, Value) else float(v) for v in items]
            numbers = np.array(floats, np.float64)
            return self._add_shared(numbers, items, structure)
        found = parts_of(of)
        if found is not None:
            look, parts = found
            return look.structure(list(map(self._add, parts)))
        if is_column(arg):
            kinds = set(map(type, arg))
            if int in kinds:
                tell_of_rows(self._f, what, False)
            if kinds == {int}:
                self._of_ints.add(len(self.leaves))
            arg = np.array(list(arg), dtype=np.float64)
        return self._add_rows(arg, axis, what)

    def _add_shared(self, numbers: Any, items: Any, structure: Structure) -> Structure:
        self.leaves.append(Leaf(numbers, False, len(items)))
        self._shared.append(items)
        self._count += len(items)
        return structure

    @functools.cached_property
    def values(self) -> list[Any]:
        """Items of uniform leaves, Values among them."""
        found: list[Any] = []
        for items in self._shared:
            found += items if isinstance(items, list) else items.tolist()
        return found

    def places_of_values(self) -> list[int]:
        """Which of the items are Values."""
        lists = (isinstance(items, list) for items in self._shared)
        if not any(lists):  # of arrays nobody has to look at each number
            return []
        return [i for i, v in enumerate(self.values) if isinstance(v, Value)]

    def _add_rows(self, arg: Any, axis: int, what: str) -> Structure:
        array = own_array(arg, what)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{what} is mapped, so it must be an array of real numbers, not of {array.dtype}"
            )
        if not -array.ndim <= axis < array.ndim:
            raise ValueError(
                f"{what} has {array.ndim} axes, so none to map over at {axis}; in_axes may have None for "
                "what is the same in all rows"
            )
        if array.dtype.kind in "iu":
            tell_of_rows(self._f, what, True)
            self._of_ints.add(len(self.leaves))
        if axis != 0:
            array = np.moveaxis(array, axis, 0)
        array = np.ascontiguousarray(array, dtype=np.float64)
        if not array.flags.aligned:
            array = array.copy()
        if self.rows not in {-1, len(array)}:
            raise ValueError(
                f"{what} has {len(array)} rows, but {self._first} before it has {self.rows}"
            )
        if self.rows < 0:
            self.rows, self._first = len(array), what
        shape = array.shape[1:]
        size = math.prod(shape)
        self.leaves.append(Leaf(array.reshape(len(array), size), True, size))
        return Array(shape, size) if shape else Number()

    def ints(self) -> list[int]:
        """Which numbers, among all of a row, are ints."""
        found: list[int] = []
        values = iter(self.values)
        at = 0
        for i, leaf in enumerate(self.leaves):
            items = () if leaf.mapped else itertools.islice(values, leaf.size)
            found += range(at, at + leaf.size) if i in self._of_ints else []
            found += [at + i for i in ints_among(list(items))]
            at += leaf.size
        return found


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

    def put(self, rows: Any, table: Any) -> None:
        """Other results, of such rows: all numbers of one after the other."""
        at = 0
        for part in self.parts:
            part[rows] = table[:, at : at + part.shape[1]]
            at += part.shape[1]

    def copy_to(self, out: Any) -> None:
        for target, part in zip(
            RowResults(self.structure, self.rows, out).parts, self.parts, strict=True
        ):
            target[...] = part


def stacked(results: Any, structure: Structure, out: Any, truths: Sequence[bool]) -> Any:
    """The items of all rows in the structure of one row's, a row of each first; or in out. results: lists,
    or an array of floats."""
    table, by_values = results, False
    if not isinstance(results, np.ndarray):
        table, by_values = np.array(results, dtype=object), bool(values_in(results))
        table = table if by_values else table.astype(np.float64)
    if out is not None:
        table_of(out, *table.shape)[:] = table
        return out
    are = iter(truths)

    def part(leaf: Any, at: int) -> Any:
        column = np.ascontiguousarray(table[:, at : at + leaf.size])
        return as_truths(column, next(are) and not by_values).reshape(len(results), *leaf.shape)

    return structure.map(part)


def as_truths(array: Any, are: bool) -> Any:
    """An array of 1 and 0 as one of True and False, if that is what they are; else the array."""
    return array.astype(bool) if are else array


def checked_out(out: Any) -> Any:
    """The memory of out as NumPy itself has it; TypeError if it is no float64 array."""
    if isinstance(out, np.ndarray) and not is_masked(out):
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
