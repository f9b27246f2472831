"""What the outputs of a program are: the numbers of a row's result, or totals over rows.

A third kind, the products of a Jacobian with directions, stands where these are run (sweeps.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.static import Static
from pygrad.core.structure import Array, Container, Number, Structure, array_of, flatten_result
from pygrad.core.truth import Truth


def taken_apart(result: Any) -> tuple[list[Any], Structure]:
    """The items of what a function has returned, and its structure: comparisons in it are truths."""
    items, structure = flatten_result(result, "the result")
    are = [isinstance(item, (bool, _native.Condition)) for item in items]
    return items, with_truths(structure, are) if True in are else structure


def as_programs_give(result: Any) -> Any:
    """What a function has returned, as a program gives it: all numbers but truths are floats."""
    items, structure = taken_apart(result)
    return structure.arrange([*map(float, items)])


class Truths(Array):
    """An array of truths, which a program has as 1 and 0."""

    __slots__ = ()

    def arrange(self, items: Sequence[Any]) -> Any:
        found = [item != 0 for item in items]
        if not all(type(item) is bool for item in found):
            return array_of(found, self.shape)
        return self.from_array(np.array(found))

    as_argument = arrange

    def from_array(self, numbers: Any) -> Any:
        return (numbers != 0).reshape(self.shape)


def with_truths(structure: Structure, are: Sequence[bool]) -> Structure:
    """The same with truths in the place of each number that is one, and each array of such; are: which of
    the items."""
    if isinstance(structure, Container):
        parts, at = [], 0
        for part in structure.parts:
            parts.append(with_truths(part, are[at : at + part.size]))
            at += part.size
        return structure._replace(parts=tuple(parts))
    if isinstance(structure, Static):
        return structure
    if isinstance(structure, Array):
        return (Truths if are and all(are) else Array)(*structure)
    return Truth() if are[0] else Number()


def as_numbers(structure: Structure) -> Structure:
    """The same with numbers in their place."""
    return with_truths(structure, [False] * structure.size)


def truths_in(structure: Structure) -> list[bool]:
    """For each number and array of it whether it is a truth, or of such."""
    found: list[bool] = []
    structure.map(lambda leaf, at: found.append(isinstance(leaf, Truth | Truths)))
    return found


class Result:
    """structure: what the traced function returns; by: Values by which derivatives come after that."""

    __slots__ = ("structure",)
    by: tuple[Any, ...] = ()
    sweeps: int | None = None  # how many, where sweeps run as rows

    def __init__(self, structure: Structure) -> None:
        self.structure = structure


class RowResult(Result):
    """Of one row."""

    __slots__ = ("from_array",)

    def __init__(self, structure: Structure) -> None:
        super().__init__(structure)
        self.from_array: Callable[[Any], Any] = structure.from_array


class Totals(Result):
    """Of rows that are added up, and derivatives of that: by shared arguments, then by `by`."""

    __slots__ = ("by",)

    def __init__(self, structure: Structure, by: tuple[Any, ...]) -> None:
        super().__init__(structure)
        self.by = by
