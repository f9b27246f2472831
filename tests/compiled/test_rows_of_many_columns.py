"""Rows of many columns, which are read eight by eight: each number comes to its lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import compile, scan, vmap

COLUMNS = 21


def scaled(xs: Any, y: Any) -> Any:
    return [x * (i + 1) + y for i, x in enumerate(xs)]


def two_ways(xs: Any, y: Any) -> Any:
    return scaled(xs, y) if xs[3] > 0.0 else scaled(xs, -y)


each, parted = compile(vmap(scaled)), compile(vmap(two_ways))


def expected(xs: Any, y: Any) -> Any:
    return xs * np.arange(1, COLUMNS + 1) + y[:, None]


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 63, 65, 130])
@pytest.mark.parametrize(
    "laid_out", [np.array, np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]]
)
def test_each_number_comes_to_its_lane(rows: int, laid_out: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(rows)
    xs, y = rng.normal(size=(rows, COLUMNS)), rng.normal(size=rows)
    np.testing.assert_array_equal(np.array(each(laid_out(xs), y)).T, expected(xs, y))
    signs = np.where(xs[:, 3] > 0.0, y, -y)
    np.testing.assert_array_equal(np.array(parted(laid_out(xs), y)).T, expected(xs, signs))


@pytest.mark.parametrize("rows", [2, 36, 64, 100])
def test_scans_of_blocks_that_are_full_and_not(rows: int) -> None:
    def f(x: Any, zs: Any) -> Any:
        return scan(lambda s, z: (s * 0.5 + z, s), x, zs)

    xs, zs = np.linspace(0.0, 1.0, rows), np.random.default_rng(3).normal(size=(rows, 20))
    state, made = compile(vmap(f))(xs, zs)
    for i in range(20):
        np.testing.assert_array_equal(made[:, i], xs)
        xs = xs * 0.5 + zs[:, i]
    np.testing.assert_array_equal(state, xs)
