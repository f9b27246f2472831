"""Rows of many columns, read and written some at a time: numbers come to their lanes and back."""

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


@pytest.mark.parametrize("rows", [1, 7, 9, 63, 66, 130])
@pytest.mark.parametrize("columns", [1, 3, 4, 5, 14])
def test_each_lane_comes_to_its_number(rows: int, columns: int) -> None:
    def f(x: Any) -> Any:
        return np.array([x[(7 * i) % columns] * (i + 1) for i in range(columns)]), x[0]

    xs = np.random.default_rng(rows).normal(size=(rows, columns))
    wanted = xs[:, 7 * np.arange(columns) % columns] * np.arange(1, columns + 1)
    found, first = compile(vmap(f))(xs)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(first, xs[:, 0])
    out = np.empty((rows, columns + 1))
    vmap(f)(xs, out=out)
    np.testing.assert_array_equal(out, np.column_stack([wanted, xs[:, 0]]))


@pytest.mark.parametrize("rows", [10, 1000, 300_000])
def test_inf_and_nan_are_told_of_if_they_are_results(rows: int) -> None:
    """What is computed of rows that leave a path there is none."""

    def f(x: Any) -> Any:
        y = 1.0 / x
        return (2.0 * x, x) if x == 0.0 else (y, y)

    def g(x: Any) -> Any:
        return 1.0 / x, x

    leaving, staying = compile(vmap(f)), compile(vmap(g))
    xs = np.ones(rows)
    xs[rows // 2] = 0.0
    for _ in range(3):  # of which later ones run on kept memory, if rows are not too many for that
        assert np.isfinite(leaving(xs)).all()
        with pytest.warns(RuntimeWarning, match="in 1 results"):
            staying(xs)
        staying(np.ones(rows))


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
