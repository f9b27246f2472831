"""For the transforms: pygrad.transform runs a function on inputs from record(), then asks reverse() or
forward() for the derivatives of what it computed. Here they are numbers, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pygrad.reference import modes
from pygrad.reference.arithmetic import mul0, real
from pygrad.reference.order import describe, operands_first
from pygrad.reference.sweeps import state, users_line
from pygrad.reference.value import (
    ONCE,
    Value,
    any_value,
    constant_slopes,
    fill,
    operands_and_given,
)

# A row of seeds is a tuple, or the index of the only seed, which is then 1.


class Recorded(modes.Recorded):
    """Where a function runs for a transform."""

    def begin(self, points: tuple[Any, ...]) -> tuple[Value, ...]:
        """A new leaf for each number, active until the `with` is left."""
        if any_value(points):
            raise NotImplementedError(ONCE)
        inputs = tuple([Value(point) for point in points])
        if not modes.recording():
            state.reads = None
        modes.activate(inputs, self.enter())
        return inputs


def set_users_line(function: Callable[[], str]) -> None:
    """Set what says which line of the user runs."""
    users_line.append(function)


def noted_reads() -> list[tuple[Any, str]] | None:
    """Pairs of Values whose numbers were read while a transform ran a function, and lines."""
    return state.reads


def connected(outputs: tuple[Value, ...], inputs: tuple[Value, ...]) -> tuple[bool, ...]:
    """Of each output whether it was computed from an input."""
    root = fill(Value.__new__(Value), 0.0)
    root._operands = outputs
    found = set(map(id, inputs))
    for node in operands_first(root, operands_and_given):
        if any(id(v) in found for v in operands_and_given(node)):
            found.add(id(node))
    return tuple([id(v) in found for v in outputs])


def _above(outputs: tuple[Value, ...], seeds: Iterable[float], inputs: tuple[Any, ...]) -> Value:
    """A node whose slopes by the outputs are the seeds; NotImplementedError if it is not ours alone."""
    root = fill(Value.__new__(Value), 0.0)
    root._operands, root._slopes = outputs, constant_slopes(seeds)
    own = set(map(id, inputs))
    if any(modes.is_active(node) and id(node) not in own for node in operands_first(root)):
        raise NotImplementedError(ONCE)
    return root


def _check_once(rows: Any, stop: bool) -> None:
    if not stop or any(any_value(row) for row in rows if not isinstance(row, int)):
        raise NotImplementedError(ONCE)


def _seeds(row: Any, count: int) -> list[float]:
    if isinstance(row, int):
        return [1.0 if i == row else 0.0 for i in range(count)]
    return [real(seed, "a seed") for seed in row]


def reverse(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], rows: Any, stop: bool, kind: int
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per output, the derivatives by the inputs. No grad is changed."""
    _check_once(rows, stop)
    _above(outputs, [0.0] * len(outputs), inputs)
    results = []
    for row in rows:
        root = _above(outputs, _seeds(row, len(outputs)), inputs)
        grads = [(node, node._grad) for node in operands_first(root)]
        try:
            for v in inputs:
                v._grad = 0.0
            root.backward()
            results.append(tuple([v._grad for v in inputs]))
        finally:
            for node, grad in grads:
                node._grad = grad
    return False, results


def forward(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], rows: Any, stop: bool, kind: int
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per input, the derivatives of the outputs, in forward mode."""
    _check_once(rows, stop)
    results = []
    for row in rows:
        seeds = _seeds(row, len(inputs))
        tangents = {id(v): seed for v, seed in zip(inputs, seeds, strict=True)}
        for node in operands_first(_above(outputs, [0.0] * len(outputs), inputs)):
            if id(node) not in tangents:
                tangents[id(node)] = _tangent(node, [tangents[id(v)] for v in node._operands])
        results.append(tuple([tangents[id(v)] for v in outputs]))
    return False, results


def _tangent(node: Value, tangents: list[float]) -> float:
    """The sum of tangent * slope over the operands, from left to right."""
    if node._closure is not None and any(t != 0 for t in tangents):
        raise TypeError(
            f"{describe(node)} has a _backward of its own, which says nothing about the forward "
            "direction: use a reverse transform (grad, vjp, jacrev), or give local_grads"
        )
    if node._closure is not None or node._slopes is None:
        return 0.0
    slopes = node._slopes(*[operand._data for operand in node._operands], node._data)
    total = 0.0
    for tangent, slope in zip(tangents, slopes, strict=True):
        total += mul0(tangent, slope)
    return total


def trace_active() -> bool:
    """Whether this thread traces: the reference cannot."""
    return False
