"""Sequences that are scanned, as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pygrad.arrays.engines import is_array
from pygrad.control import traced
from pygrad.control.state import is_truth
from pygrad.core.structure import array_of


class Part(NamedTuple):
    """A sequence of xs: its numbers, by column, and what an item of it is."""

    columns: list[traced.Column]
    shape: tuple[int, ...]
    is_truth: bool

    @classmethod
    def of(cls, sequence: Any) -> Part:
        if not is_array(sequence):
            return cls([traced.Column(sequence)], (), all(map(is_truth, sequence)))
        rows = sequence.reshape(len(sequence), -1)
        columns = [rows[:, k].tolist() for k in range(rows.shape[1])]
        truths = bool(columns) and all(is_truth(item) for column in columns for item in column)
        return cls([traced.Column(column) for column in columns], sequence.shape[1:], truths)

    def arrange(self, numbers: Iterator[Any]) -> Any:
        """An item of these numbers."""
        found = [next(numbers) for _ in self.columns]
        if self.is_truth:
            found = [number != 0 for number in found]
        return array_of(found, self.shape) if self.shape else found[0]
