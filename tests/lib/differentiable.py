"""Functions to differentiate, and every way to differentiate them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pygrad
import pygrad.math as pm
from pygrad import Value, grad, gradients, jacfwd, jacrev, jvp, vjp

Function = Callable[..., Any]


def slope(f: Function, *x: Any) -> float:
    """The derivative by the first argument, which is a float."""
    found = grad(f)(*x)
    assert type(found) is float
    return found


def long_chain(x: Any, n: int) -> Any:
    """Some n operations, one after the other."""
    v = x
    for i in range(n):
        v = v * 0.99 + x.sin() if i % 3 == 0 else v + x * 0.5
    return v


def by_jvp(f: Function) -> Function:
    return lambda x: jvp(f, (x,), (1.0,))[1]


def by_vjp(f: Function) -> Function:
    return lambda x: vjp(f, x)[1](1.0)[0]


def by_gradients(f: Function) -> Function:
    """On Values as they are: the derivative stays a Value, and what transforms inside give are numbers."""

    def derivative(x: Any) -> Any:
        at = x + 0.0 if isinstance(x, Value) else Value(x)
        y = f(at)
        return gradients(y, at) if isinstance(y, Value) else 0.0

    return derivative


# Every way to the derivative of a function of one number. A transform may be around any of them.
TRANSFORMS_OF_ONE: dict[str, Function] = {
    "grad": grad,
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "jvp": by_jvp,
    "vjp": by_vjp,
}
WAYS = {**TRANSFORMS_OF_ONE, "gradients": by_gradients}


def number(x: Any) -> float:
    """What a derivative by gradients() says, too."""
    return x.data if isinstance(x, Value) else x


def mixed_map(x: Any) -> list[Any]:
    """R^5 -> R^3 with most kinds of ops, a sum, a dot and reuse."""
    a = pm.exp(x[0] * x[1]) - x[2] ** 3 / (1 + x[3] ** 2)
    b = pygrad.dot([x[0], x[1], x[4]], [x[2].sin(), x[3].cos(), a]) * pm.atan2(x[1], x[4])
    c = pygrad.sum([pm.hypot(x[2], x[3]), (x[0] - x[4]).tanh(), a * b, x[1] ** 2.5, abs(x[2])])
    return [a, b, c]


AT_FIVE = np.array([0.7, 1.3, -0.4, 2.1, 0.9])


def rosenbrock(x: Sequence[Any]) -> Any:
    return pygrad.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)])


def square(x: Value) -> Value:
    return Value(x.data**2, (x,), (2 * x,))


def cube(x: Value) -> Value:
    return Value(x.data**3, (x,), (3 * square(x),))
