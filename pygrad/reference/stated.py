"""Functions whose derivative a rule of the user's states, for `pygrad.rules`.

A result is a node on the function's arguments. The rule is called once for each, with what has arrived at
it alone, and with numbers only.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from pygrad.reference import sweeps, transforms
from pygrad.reference.arithmetic import mul0
from pygrad.reference.modes import is_active
from pygrad.reference.modes import some_active as any_active
from pygrad.reference.order import operands_first
from pygrad.reference.rules import OPS
from pygrad.reference.stating import Stated, number_of
from pygrad.reference.value import Value, make_node

__all__ = [
    "any_active",
    "births",
    "body_derived",
    "number_in",
    "rule_captured",
    "rule_made",
    "rule_results",
    "rule_way",
]


def births() -> int:
    """What leaves are born at now: those with a lower number were there before."""
    return next(sweeps.births)


def body_derived() -> bool:
    """Whether a rule is called in the body of a loop that is differentiated: there are none here."""
    return False


def number_in(v: Value) -> float:
    """The number of a Value: nobody notes that it was read."""
    return v._data


def rule_made(
    rule: Callable[..., Any], name: str, primals: tuple[Any, ...], inputs: tuple[Value, ...]
) -> tuple[Value, ...]:
    """Values with the numbers of primals, whose derivatives by the inputs the rule says."""
    numbers = tuple(map(number_of, primals))
    made = []
    for k, number in enumerate(numbers):
        stated = Stated(rule, numbers, k)
        node = make_node(number, inputs, name, stated.slopes)
        node._closure, stated.node = stated, weakref.ref(node)
        made.append(node)
    return tuple(made)


def rule_results(node: tuple[float, ...]) -> tuple[float, ...]:
    """The results of the node that a rule is called with."""
    return node


def rule_way(
    reverse: bool,
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    stops: tuple[Value, ...],
    seeds: tuple[Any, ...],
) -> tuple[Value, ...]:
    """Derivatives between outputs and inputs, of which nothing leads on."""
    numbers = tuple(map(number_of, seeds))
    if reverse:
        return tuple(map(Value, _pulled(outputs, inputs, stops, numbers)))
    _, (row,) = transforms.forward(outputs, inputs, [numbers], True, 0)
    return tuple(map(Value, row))


def _pulled(
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    stops: tuple[Value, ...],
    seeds: tuple[float, ...],
) -> list[float]:
    """The derivatives by inputs, through what leads from these alone: a rule that calls its own function
    would be asked for that function's derivative, and call it again."""
    order = list({id(v): v for output in outputs for v in operands_first(output)}.values())
    ends, leading = set(map(id, (*stops, *inputs))), set(map(id, inputs))
    for node in order:
        if id(node) not in ends and any(id(v) in leading for v in node._operands):
            leading.add(id(node))
    grads = dict.fromkeys(map(id, (*order, *inputs)), 0.0)
    for output, seed in zip(outputs, seeds, strict=True):
        grads[id(output)] += seed
    for node in reversed(order):
        if id(node) in leading and id(node) not in ends:
            for operand, part in zip(node._operands, _parts(node, grads[id(node)]), strict=True):
                grads[id(operand)] += part
    return [grads[id(v)] for v in inputs]


def _parts(node: Value, seed: float) -> list[float]:
    """What has arrived at a node, as its operands get it."""
    data = tuple([v._data for v in node._operands])
    if isinstance(node._closure, Stated):
        return node._closure.by_operands(data, seed)
    if node._closure is not None:
        raise TypeError(
            f"a rule uses {node!r}, which has a _backward of its own: state its derivative by local_grads"
        )
    if node._slopes is None:
        return [0.0] * len(data)
    return [mul0(seed, slope) for slope in node._slopes(*data, node._data)]


def rule_captured(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], since: int
) -> Value | None:
    """A Value that outputs depend on besides the inputs, and that was there before; or None."""
    own = set(map(id, inputs))
    first: dict[int, Value | None] = dict.fromkeys(own)
    for output in outputs:
        for node in operands_first(output):
            if id(node) in first:
                continue
            outside = is_active(node) or (
                not node._operands and 0 < node._birth < since and not node._constant
            )
            ends = node._slopes is OPS["stop_gradient"].slopes
            below = [] if ends else [first[id(v)] for v in node._operands]
            first[id(node)] = node if outside else next((v for v in below if v is not None), None)
        if first[id(output)] is not None:
            return first[id(output)]
    return None
