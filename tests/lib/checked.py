"""What check_grad is tried on: every op at points of its domain, corners, a node of micrograd's users."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pygrad.math as pm
from pygrad import Value
from pygrad.core.implementation import FUNCTIONS
from pygrad.core.ops import ops

OK, WRONG, INCONCLUSIVE = "ok", "wrong", "inconclusive"
NOT_HERE = "not differentiable here"


PUBLIC = [(op.name, op.arity) for op in ops() if op.is_public]
EXPONENTS = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 0.5, 1.5, -0.5, 2.5, 1 / 3]


def apply(name: str, rng: random.Random) -> Callable[[Any], Any]:
    """The op as a function of a list of operands."""
    if name == "pown":
        n = rng.choice(EXPONENTS)
        return lambda v: v[0] ** n
    return lambda v: FUNCTIONS[name](*v)


def points(name: str, arity: int, count: int, rng: random.Random):
    """(f, x) with x in the domain of the op, not in its saturated tails."""
    while count:
        xs = [rng.choice([rng.uniform(-3, 3), rng.uniform(1, 4)]) for _ in range(arity)]
        f = apply(name, rng)
        try:
            f([Value(x) for x in xs])
        except (ArithmeticError, ValueError):
            continue
        count -= 1
        yield f, xs


CORNERS: list[tuple[str, Callable[[Any], Any], float, str]] = [
    ("relu", lambda x: x.relu(), 0.0, "kink: slope 0 to the left, 1 to the right"),
    ("abs", abs, 0.0, "kink: slope -1 to the left, 1 to the right"),
    ("abs elsewhere", lambda x: abs(x - 0.1), 0.1, "kink: slope -1 to the left, 1 to the right"),
    ("maximum", lambda x: pm.maximum(x, 2 * x - 3), 3.0, "kink: slope 1 to the left, 2 to"),
    ("minimum", lambda x: pm.minimum(x * x, x), 1.0, "kink: slope 2 to the left, 1 to the right"),
    ("clip", lambda x: pm.clip(x, 0.0, 1.0), 1.0, "kink: slope 1 to the left, 0 to the right"),
    ("builtin max", lambda x: max(x, 3.0 * x), 0.0, "kink: slope 1 to the left, 3 to the right"),
    ("a branch", lambda x: x * x if x < 2 else 4 * x - 4, 2.0, OK),  # meets smoothly
    ("a broken branch", lambda x: x * x if x < 2 else 5 * x - 6, 2.0, "kink: slope 4 to the left"),
    ("sqrt of a square", lambda x: pm.sqrt(x * x), 0.0, "kink: slope -1 to the left, 1 to"),
    ("floor", pm.floor, 1.0, "jump: slope inf to the left, 0 to the right"),
    ("round", lambda x: x.round(), 0.5, "jump: slope 0 to the left, inf to the right"),
    ("sign", lambda x: x.sign(), 0.0, "jump: slope inf to the left, inf to the right"),
    ("remainder", lambda x: x % 1.0, 2.0, "jump: slope -inf to the left, 1 to the right"),
    ("root of abs", lambda x: abs(x).sqrt(), 0.0, "infinite slope: slope -inf to the left, inf"),
    ("cube root", lambda x: x.sign() * pm.pow(abs(x), 1 / 3), 0.0, "infinite slope: slope inf"),
    ("sqrt", pm.sqrt, 0.0, "the domain of f ends here: slope inf to the right"),
    ("asin", pm.asin, 1.0, "the domain of f ends here: slope inf to the left"),
    ("x**1.5 both sides", lambda x: pm.pow(abs(x), 1.5), 0.0, OK),
    ("x |x|", lambda x: x * abs(x), 0.0, OK),
    ("floor between", pm.floor, 1.5, OK),
    ("floor, far out", pm.floor, 27.1, OK),
]


def micrograd_node(slope: Callable[[float], float]) -> Callable[[Value], Value]:
    """x**2 as a custom node with a closure."""

    def square(x: Value) -> Value:
        out = Value(x.data**2, (x,), "square")

        def _backward() -> None:
            x.grad += slope(x.data) * out.grad

        out._backward = _backward
        return out

    return square
