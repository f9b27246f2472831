"""Which gradients of loops have the bits of plain Python's, and why others have not.

All is arithmetic, which has the same bits in every build.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from random_functions import function_of

from pygrad import autograph, compile, grad, vmap

ROWS = np.random.default_rng(8).normal(size=16)


def slopes(f: Callable[..., Any]) -> list[float]:
    return [float(s) for s in compile(vmap(grad(autograph(f))))(ROWS)]


def in_plain_python(f: Callable[..., Any]) -> list[float]:
    return [float(grad(f)(float(x))) for x in ROWS]


def expression(choose: random.Random, names: list[str], ops: list[str], depth: int = 0) -> str:
    """Of names, each of which it takes out of the list, as it does the op between two of them."""
    if depth > 3 or not names or (depth > 1 and choose.random() < 0.25):
        number = f"{choose.uniform(0.5, 1.5):.4f}"  # so that no two operations are the same
        return names.pop(choose.randrange(len(names))) if names else number
    sides = [expression(choose, names, ops, depth + 1) for _ in range(2)]
    both = all(side in "ab" for side in sides)
    return f"({sides[0]} {ops.pop() if both else choose.choice('+-*')} {sides[1]})"


def with_two_numbers(seed: int) -> Callable[..., Any]:
    """A loop that uses each of two numbers at most twice a trip, and does nothing twice."""
    choose = random.Random(seed)
    ops = choose.sample("+-*", 3)
    first, second, other = (expression(choose, ["a", "b"], ops) for _ in range(3))
    source = f"""
def small(u):
    v = 1.5 * u
    return v / (1.0 + abs(v))


def f(x):
    a, b, k = 0.5 * x + 0.1, 0.2 - x, 0
    while a < 3.0 and k < {choose.randint(2, 40)}:
        k += 1
        a, b = small({first}), small({second} - 0.75 if a > {choose.random()} else {other})
    return {choose.choice(["a - b", "b + 2.0 * a", "a * b"])}
"""
    return function_of(source, f"two numbers {seed}")


@pytest.mark.parametrize("seed", range(8))
def test_of_numbers_used_twice_all_bits_are_plain_pythons(seed: int) -> None:
    f = with_two_numbers(seed)
    assert slopes(f) == in_plain_python(f)


@pytest.mark.long
def test_of_numbers_used_twice_all_bits_are_plain_pythons_very_often() -> None:
    for seed in range(8, 200):
        f = with_two_numbers(seed)
        assert slopes(f) == in_plain_python(f), seed


def one_first(x: Any) -> Any:
    a, b, k = x, 1.0 - x, 0
    while k < 3 and a < 1e9:
        a, b, k = b - a, a * a, k + 1
    return a + b


def other_first(x: Any) -> Any:
    a, b, k = x, 1.0 - x, 0
    while k < 3 and a < 1e9:
        a, b, k = b - a, a * a, k + 1
    return b + a


def test_plain_python_adds_in_an_order_that_comes_from_behind_the_loop() -> None:
    """So no order of a loop's own gives its bits."""
    assert [one_first(x) for x in ROWS] == [other_first(x) for x in ROWS]
    assert in_plain_python(one_first) != in_plain_python(other_first)
    assert slopes(one_first) == slopes(other_first)
    assert np.allclose(slopes(one_first), in_plain_python(one_first), rtol=1e-13, atol=1e-14)
