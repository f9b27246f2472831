"""What a node has in the place of its own rule where a user's rule states its derivative."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from pygrad.reference.sweeps import note_in_journal
from pygrad.reference.value import Value


def number_of(v: Any) -> float:
    return v._data if isinstance(v, Value) else float(v)


class Stated:
    """What is called in the place of a node's own rule: adds to the grads of its operands."""

    def __init__(self, rule: Callable[..., Any], results: tuple[float, ...], k: int) -> None:
        self.rule, self.results, self.k = rule, results, k
        self.node: weakref.ref[Value] | None = None

    def derivatives(self, reverse: int, data: tuple[float, ...], seeds: Any) -> list[float]:
        every = (True,) * len(data)
        found = self.rule(reverse, 1, self.results, data, seeds, every)
        return [0.0 if d is None else number_of(d) for d in found]

    def by_operands(self, data: tuple[float, ...], seed: float) -> list[float]:
        seeds = [seed if i == self.k else None for i in range(len(self.results))]
        return self.derivatives(1, data, tuple(seeds))

    def slopes(self, *data: float) -> tuple[float, ...]:
        return tuple(self.by_operands(data[:-1], 1.0))

    def tangent(self, data: tuple[float, ...], tangents: list[float]) -> float:
        """Of this result."""
        return self.derivatives(0, data, tuple(tangents))[self.k]

    def __call__(self) -> None:
        node = None if self.node is None else self.node()
        if node is None:
            return
        note_in_journal(*node._operands)
        data = tuple([v._data for v in node._operands])
        for operand, d in zip(node._operands, self.by_operands(data, node._grad), strict=True):
            operand._grad += d
