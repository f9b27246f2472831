"""For the transforms: pygrad.transform runs a function on inputs from record(), then asks reverse() or
forward() for the derivatives of what it computed. Here they are numbers, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pygrad.reference import modes
from pygrad.reference.arithmetic import constant_slopes, mul0, real
from pygrad.reference.inputs import depends_on_input
from pygrad.reference.order import describe, operands_first
from pygrad.reference.rules import OPS
from pygrad.reference.stating import Stated
from pygrad.reference.sweeps import state, users_line
from pygrad.reference.value import (
    ONCE,
    Value,
    any_value,
    fill,
    operands_and_given,
)

_NEEDS_VALUES = (
    "a derivative depends, by {}, on a Value that is no input of the transform, and would have to be one; "
    f"within no_grad() it is a number, and stop_gradient(v) has no derivative. Or: {ONCE}"
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


def _outside(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], refuse: bool
) -> dict[int, bool]:
    """By id of each node whether it depends on a Value outside: none of the inputs, and born before them.

    refuse: NotImplementedError if a derivative of the outputs may, too: it would have to be a Value.
    """
    root = fill(Value.__new__(Value), 0.0)
    root._operands, root._symbol = outputs, "sum"
    since = min([v._birth for v in inputs], default=0)
    own = dict.fromkeys(map(id, inputs), True)
    outside = dict.fromkeys(map(id, inputs), False)
    for node in operands_first(root):
        if id(node) in outside:
            continue
        goes_on = node._slopes is not OPS["stop_gradient"].slopes
        leads = any(outside[id(v)] for v in node._operands)
        outside[id(node)] = goes_on and leads if node._operands else 0 < node._birth < since
        own[id(node)] = goes_on and any(own[id(v)] for v in node._operands)
        if refuse and own[id(node)] and not _is_linear(node):
            given = tuple([p for p in node._given or () if isinstance(p, Value)])
            if leads or any(_outside(given, inputs, False)[id(p)] for p in given):
                raise NotImplementedError(_NEEDS_VALUES.format(describe(node)))
    return outside


def _is_linear(node: Value) -> bool:
    """Whether its slopes are the same whatever its operands are."""
    return (
        node._closure is None
        and node._given is None
        and node._symbol in {"", "+", "-", "neg", "sum"}
    )


def settled(values: tuple[Value, ...], inputs: tuple[Value, ...], returned: Any) -> tuple[Any, ...]:
    """The Values that depend on one outside; in the place of the others their numbers."""
    outside = _outside(values, inputs, False)
    return tuple([v if outside[id(v)] else v._data for v in values])


def depend_on_input(values: tuple[Value, ...]) -> bool:
    """Whether one of them depends on an input of a transform that runs."""
    return any(map(depends_on_input, values))


def _above(outputs: tuple[Value, ...], seeds: Iterable[float]) -> Value:
    """A node whose slopes by the outputs are the seeds."""
    root = fill(Value.__new__(Value), 0.0)
    root._operands, root._slopes = outputs, constant_slopes(seeds)
    return root


def _reached(outputs: Any, inputs: Any, kind: int) -> bool:
    """Whether an output depends on a Value outside, where that is asked for."""
    outside = _outside(outputs, inputs, True) if kind != 0 else {}
    return any(outside.get(id(v), False) for v in outputs)


def _check_once(rows: Any, stop: bool) -> None:
    if not stop or any(any_value(row) for row in rows if not isinstance(row, int)):
        raise NotImplementedError(ONCE)


def _seeds(row: Any, count: int) -> list[float]:
    if isinstance(row, int):
        return [1.0 if i == row else 0.0 for i in range(count)]
    return [real(seed, "a seed") for seed in row]


def reverse(
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    rows: Any,
    stop: bool,
    kind: int,
    returned: Any = (),
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per output, the derivatives by the inputs. No grad is changed."""
    _check_once(rows, stop)
    reached = _reached(outputs, inputs, kind)
    results = []
    for row in rows:
        root = _above(outputs, _seeds(row, len(outputs)))
        grads = [(node, node._grad) for node in operands_first(root)]
        try:
            for v in inputs:
                v._grad = 0.0
            root.backward()
            results.append(tuple([v._grad for v in inputs]))
        finally:
            for node, grad in grads:
                node._grad = grad
    return reached, results


def forward(
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    rows: Any,
    stop: bool,
    kind: int,
    returned: Any = (),
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per input, the derivatives of the outputs, in forward mode."""
    _check_once(rows, stop)
    reached = _reached(outputs, inputs, kind)
    results = []
    for row in rows:
        seeds = _seeds(row, len(inputs))
        tangents = {id(v): seed for v, seed in zip(inputs, seeds, strict=True)}
        for node in operands_first(_above(outputs, [0.0] * len(outputs))):
            if id(node) not in tangents:
                tangents[id(node)] = _tangent(node, [tangents[id(v)] for v in node._operands])
        results.append(tuple([tangents[id(v)] for v in outputs]))
    return reached, results


def _tangent(node: Value, tangents: list[float]) -> float:
    """The sum of tangent * slope over the operands, from left to right; or what a user's rule says."""
    if isinstance(node._closure, Stated):
        return node._closure.tangent(tuple([v._data for v in node._operands]), tangents)
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
