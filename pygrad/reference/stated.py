"""Functions whose derivative a rule of the user's states, for `pygrad.rules`.

A result is a node on the function's arguments. The rule is called once for each, with what has arrived at
it alone, and with numbers only.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from pygrad.reference import sweeps, transforms
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
    way = transforms.reverse if reverse else transforms.forward
    _, (row,) = way(outputs, inputs, [tuple(map(number_of, seeds))], True, 0)
    return tuple(map(Value, row))


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
