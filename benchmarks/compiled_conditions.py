"""Rows that choose: a bisection by `where`, 50 rounds, against a Python loop over floats.

In a program a comparison that `where` takes is an operation, so all rows share one path. The function is
the same on both sides; a third one has `if` in the place of `where`, which plain Python runs faster.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import harness
from harness import Row, slopes_side

ROWS, ROUNDS = 1000, 50
Calls = Callable[[], Any]  # returns values, and perhaps slopes


def bisection(where: Callable[..., Any]) -> Callable[[Any], Any]:
    def root(x: Any) -> Any:
        low, high = 0.0 * x, 1.0 + x
        for _ in range(ROUNDS):
            m = 0.5 * (low + high)
            low, high = where(m * m < x, m, low), where(m * m < x, high, m)
        return 0.5 * (low + high)

    return root


def by_branches(x: float) -> float:
    low, high = 0.0 * x, 1.0 + x
    for _ in range(ROUNDS):
        m = 0.5 * (low + high)
        if m * m < x:
            low = m
        else:
            high = m
    return 0.5 * (low + high)


def inputs() -> Any:
    import numpy as np

    return np.linspace(0.1, 50.0, ROWS)


def with_pygrad(slopes: bool) -> Calls:
    pygrad = importlib.import_module("pygrad")
    f = bisection(pygrad.where)
    call, x = pygrad.compile(pygrad.vmap(pygrad.value_and_grad(f) if slopes else f)), inputs()
    return lambda: call(x)[0] if slopes else call(x)


def with_floats(slopes: bool) -> Calls:
    pygrad = importlib.import_module("pygrad")
    f, x = bisection(pygrad.where), inputs().tolist()
    return lambda: [f(each) for each in x]


def with_branches(slopes: bool) -> Calls:
    x = inputs().tolist()
    return lambda: [by_branches(each) for each in x]


SIDES = {
    "pygrad": slopes_side(with_pygrad, "pygrad", "numpy"),
    "Python floats": slopes_side(with_floats, "pygrad", "numpy"),
    "Python floats, by if": slopes_side(with_branches, "pygrad", "numpy"),
}
TARGETS = {("Python floats", False): 100.0, ("Python floats", True): 50.0}


def compare(quick: bool) -> list[Row]:
    return harness.race_with_slopes(
        __file__,
        SIDES,
        f"bisection by where, {ROUNDS} rounds",
        ROWS,
        rel=1e-9,
        targets=TARGETS,
        quick=quick,
    )


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
