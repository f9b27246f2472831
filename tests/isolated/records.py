"""Dataclasses, None, text and registered containers through the transforms of either implementation."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pygrad
from pygrad import check_grad, grad, jacobian, jvp, register_container, value_and_grad, vjp


@dataclass(frozen=True)
class Params:
    rate: float
    steps: int = 2
    name: str = "p"
    shift: float | None = None


@dataclass
class Box:
    w: float
    h: float
    area: float = field(init=False)

    def __post_init__(self) -> None:
        self.area = self.w * self.h


register_container(deque, lambda d: (d, d.maxlen), lambda n, items: deque(items, n))


def f(p):
    return p.rate**p.steps if p.shift is None and p.name == "p" else 0.0


at = Params(3.0)
assert grad(f)(at) == Params(6.0)
assert value_and_grad(f)(at) == (9.0, Params(6.0))
assert jacobian(lambda p: {"y": [f(p), None], "text": "t"})(at) == {
    "y": [Params(6.0), None],
    "text": "t",
}
assert jvp(f, (at,), (Params(2.0),)) == (9.0, 12.0)
assert vjp(f, at)[1](2.0) == (Params(12.0),)
assert grad(lambda b: b.area * b.w)(Box(2.0, 3.0)).w == 12.0
assert grad(lambda d: d[0] * d[1])(deque([2.0, 3.0], 2)) == deque([3.0, 2.0])
assert check_grad(f, at).verdict == "ok"
try:
    grad(f)(Params("a"))
except TypeError as error:
    assert "no number" in str(error)
print(pygrad.IMPLEMENTATION, "ok")
