"""Arguments of calls of few rows: what they have in common that one plan serves, and where their numbers
stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad.core.structure import Array, Container, Number, Structure, container_like, flatten
from pygrad.programs.memory import address

ROWS = 1 << 18  # of a call; more want more memory beside them than is kept
_FLOAT64 = np.dtype(np.float64)
_FLOATS = {float}


def mapped_in(arg: Any, arrays: list[Any]) -> Any:
    """What an argument with rows has in common with others, None for what is left to mapped.py; its arrays
    are collected."""
    kind = type(arg)
    if kind is np.ndarray:
        if arg.dtype is not _FLOAT64 or not arg.ndim:
            return None
        arrays.append(arg)
        return arg.shape[1:]
    if kind is not list and kind is not tuple:
        return _by_name(mapped_in, arg, arrays) if kind is dict else None
    if not arg:
        return None
    if type(arg[0]) is float:
        if len(arg) > ROWS or not _FLOATS.issuperset(map(type, arg)):
            return None
        arrays.append(np.array(arg))
        return ()
    key: list[Any] = [kind]
    for part in arg:
        found = mapped_in(part, arrays)
        if found is None:
            return None
        key.append(found)
    return tuple(key)


def _by_name(of: Callable[[Any, Any], Any], arg: dict[Any, Any], collected: list[Any]) -> Any:
    """The same of a dict, by what is said of its parts."""
    found = [of(part, collected) for part in arg.values()]
    if None in found or not all(type(name) is str for name in arg):
        return None
    return dict, tuple(arg), tuple(found)


def shared_in(arg: Any, items: list[Any]) -> Any:
    """The same of one that all rows share, and its numbers."""
    kind = type(arg)
    if kind is float:
        items.append(arg)
        return float
    if kind is np.ndarray:
        if arg.dtype is not _FLOAT64:
            return None
        items.append(arg.ravel())
        return arg.shape
    if kind is not list and kind is not tuple:
        return _by_name(shared_in, arg, items) if kind is dict else None
    if arg and _FLOATS.issuperset(map(type, arg)):
        items.append(np.array(arg))
        return kind, len(arg)
    found = [shared_in(part, items) for part in arg]
    return None if None in found else (kind, *found)


def structure_of(arg: Any, is_mapped: bool) -> Structure:
    """The same as the arguments of one row have it."""
    if not is_mapped:
        return flatten(arg, "")[1]
    if type(arg) is np.ndarray:
        shape = arg.shape[1:]
        return Array(shape, int(np.prod(shape))) if shape else Number()
    parts = list(arg.values()) if type(arg) is dict else list(arg)
    if type(parts[0]) is float:
        return Number()
    return container_like(arg, tuple(structure_of(part, True) for part in parts))


def sizes_in(structure: Structure) -> list[int]:
    """Of all its numbers and arrays."""
    if isinstance(structure, Container):
        return [size for part in structure.parts for size in sizes_in(part)]
    return [structure.size]


class Layout:
    """Where the numbers of arguments stand: those that are mapped array by array, then the shared ones."""

    def __init__(self, parts: Sequence[Structure], axes: Sequence[int | None], flat: bool) -> None:
        """flat: all arrays have one axis."""
        before: list[int] = []
        within: list[int] = []
        sizes: list[int] = []
        leaves: list[int] = []
        flags: list[int] = []
        at = 0
        for part, axis in zip(parts, axes, strict=True):
            flags += [int(axis is not None)] * part.size
            for size in sizes_in(part) if axis is not None else ():
                before += [at] * size
                within += range(size)
                sizes += [size] * size
                leaves.append(size)
                at += size
        self.flags = bytes(flags)
        self.width, self.flat = at, flat  # width: numbers of one row
        of_rows = [i for i, flag in enumerate(flags) if flag]
        self.mapped = np.array(of_rows, np.intp)  # inputs
        self.shared = np.array([i for i, flag in enumerate(flags) if not flag], np.intp)
        self.before = np.array(before, np.intp)  # numbers of a row in arrays before its own
        self.within = np.array(within, np.intp)
        self.sizes = np.array(sizes, np.intp)
        # Of each mapped input its array, and how many bytes behind the first of that it stands.
        self.array_of = np.repeat(np.arange(len(leaves)), np.array(leaves, np.intp))
        self.offsets = (8 * self.within).astype(np.uintp)

    def places(self, rows: int, row: int = 0) -> Any:
        """For each mapped input where its number in a row stands among all."""
        return self.before * rows + self.within + self.sizes * row

    def addresses(self, arrays: Sequence[Any]) -> Any:
        """For each mapped input where its number in the first row stands, in arrays of their own."""
        starts = np.array([address(array) for array in arrays], np.uintp)
        return starts[self.array_of] + self.offsets
