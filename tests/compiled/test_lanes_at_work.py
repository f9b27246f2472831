"""A block of few rows works on few lanes, with the bits and the warnings that they give among others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    compile,
    cond,
    fori_loop,
    grad,
    interp,
    math,
    scan,
    value_and_grad,
    vmap,
    while_loop,
)

MOST = 72  # a whole block and another
COUNTS = [*range(2, 18), 24, 25, 40, 41, 63, 64, 65, 71]


def sums(x: Any, y: Any) -> Any:
    return 3.0 * x * y - x * 0.5 + y / (1.0 + x * x) + abs(x - y)


def functions(x: Any, y: Any) -> Any:
    return (
        math.tanh(x) * math.exp(-y * y) + math.sin(x) * math.pow(abs(x) + 0.1, y) + x % (y * y + 1)
    )


def choices(x: Any, y: Any) -> Any:
    return math.where(x < y, x * y, math.where(x <= 0.5, y, x)) + math.maximum(x, y)


def a_search(x: Any, y: Any) -> Any:
    return y * interp(x, [-1.0, 0.0, 0.5, 2.0], [1.0, 2.0, -1.0, 0.5])


def loops(x: Any, y: Any) -> Any:
    def halved(s: Any) -> Any:
        low, high = s
        middle = 0.5 * (low + high)
        below = middle * middle < abs(x)
        return math.where(below, middle, low), math.where(below, high, middle)

    root = while_loop(lambda s: s[1] - s[0] > 1e-6, halved, (0.0 * x, 1.0 + abs(x)))[0]
    return root + fori_loop(0, 20, lambda i, s: s + 0.1 * math.tanh(x * s) - 0.01 * s * s, y)


def a_scan(x: Any, y: Any) -> Any:
    items = [x * k - y for k in range(20)]
    return scan(lambda s, u: (s + 0.05 * (math.tanh(x * u) - s), s * u), y, np.array(items))[0]


def ways(x: Any, y: Any) -> Any:
    def dear(a: Any, b: Any) -> Any:
        for _ in range(18):
            a, b = math.sin(a) + 0.5 * b, a * math.exp(-b * b)
        return a + b

    return cond(x > y, dear, lambda a, b: a * b, x, y)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return random.normal(size=MOST), random.normal(size=MOST)


@pytest.mark.parametrize("f", [sums, functions, choices, a_search, loops, a_scan, ways])
def test_a_row_has_its_bits_among_any_number_of_others(f: Callable[..., Any], rows: Any):
    x, y = rows
    whole = compile(vmap(value_and_grad(f, argnums=(0, 1))))
    expected, slopes = whole(x, y)
    for count in COUNTS:
        for first in {0, MOST - count}:
            part = slice(first, first + count)
            value, (dx, dy) = whole(x[part], y[part])
            assert value.tobytes() == expected[part].tobytes(), (count, first)
            assert dx.tobytes() == slopes[0][part].tobytes(), (count, first)
            assert dy.tobytes() == slopes[1][part].tobytes(), (count, first)


def test_what_other_lanes_have_left_is_not_seen():
    """Rows of a whole block that come to nan and 0 * inf, and then few that come to numbers."""

    def f(x: Any) -> Any:
        return math.sqrt(x) * math.log(x) + math.where(x > 0, math.log(x), 0.0)

    slope = compile(vmap(value_and_grad(f)))
    good = np.linspace(0.5, 2.0, 5)
    with pytest.warns(RuntimeWarning, match="128 results"):
        both, slopes = slope(np.concatenate([np.zeros(64), good]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, alone = slope(good)
    assert value.tobytes() == both[64:].tobytes()
    assert alone.tobytes() == slopes[64:].tobytes()


def test_totals_that_share_a_factor_are_those_of_each_alone():
    """With a number beside the product and without, in turns."""

    def f(a: Any, b: Any, c: Any, d: Any, *xs: Any) -> Any:
        net = a * xs[0] + b * xs[1] + c * xs[2] + d * xs[3]
        return math.tanh(net) + 0.5 * (b * b + c * c)

    total = vmap(f, (None,) * 4 + (0,) * 4, "sum")
    arguments = [*np.linspace(-1.0, 1.0, 4), *np.random.default_rng(5).normal(size=(4, 1000))]
    together = compile(grad(total, (0, 1, 2, 3)))(*arguments)
    assert together == tuple(compile(grad(total, i))(*arguments) for i in range(4))
