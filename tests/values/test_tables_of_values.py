"""Searches and items in eager code, of both implementations: the item itself, and the line of the cell."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pygrad.arrays.engines import engine_of
from pygrad.arrays.tables import LIKE_INTERP, interp, searchsorted, take

KEYS = [-math.inf, -1.0, -0.0, 0.0, 2.0, 2.0, 5.0, math.inf, math.nan]
NUMBERS = [*KEYS, 1.0, -3.0, 9.0]


def test_cells_are_numpys(impl):
    for side in ("left", "right"):
        for x in NUMBERS:
            found = searchsorted(KEYS, impl.Value(x), side)
            assert type(found) is np.intp and found == np.searchsorted(KEYS, x, side)
    assert searchsorted([3.0, 1.0, 2.0], impl.Value(2.5), sorter=[1, 2, 0]) == 2
    with pytest.raises(ValueError, match="search side must be"):
        searchsorted(KEYS, impl.Value(1.0), "middle")


def test_an_item_is_the_one_in_the_table(impl):
    table = [impl.Value(10.0), 20.0, impl.Value(30.0)]
    assert take(table, impl.Value(2.0)) is table[2] and take(table, impl.Value(-3.0)) is table[0]
    x = impl.Value(1.0)
    number = take(table, x)
    number.backward()
    assert number.data == 20.0 and x.grad == 0.0
    with pytest.raises(IndexError, match="index 3 is out of range for a table of 3 items"):
        take(table, impl.Value(3.0))
    with pytest.raises(IndexError, match="of 0 items"):
        take([], impl.Value(0.0))
    with pytest.raises(TypeError, match=r"is a whole number: take needs floor.*, not 0\.5"):
        take(table, impl.Value(0.5))


def test_lines_have_numpys_bits_and_slopes_by_all_three(impl):
    places, heights = [0.0, 0.3, 1.1, 2.0, 2.7, 4.1], [1.0, -0.0, 2.5, 2.5, -7.0, 0.1]
    for number in (-1.0, 0.0, 0.2, 0.3, 1.1, 1.5, 2.69, 4.1, 4.2, math.nan, math.inf):
        x, xs, ys = (
            impl.Value(number),
            list(map(impl.Value, places)),
            list(map(impl.Value, heights)),
        )
        found = interp(x, xs, ys, right=9.0)
        expected = float(np.interp(number, places, heights, right=9.0))
        data = found.data if isinstance(found, impl.Value) else found
        assert math.copysign(1.0, data) == math.copysign(1.0, expected)
        assert data == expected or (math.isnan(data) and math.isnan(expected))
    x, xs, ys = impl.Value(0.5), list(map(impl.Value, places)), list(map(impl.Value, heights))
    interp(x, xs, ys).backward()
    slope, share = 2.5 / 0.8, 0.2 / 0.8
    assert x.grad == pytest.approx(slope)
    assert [y.grad for y in ys] == pytest.approx([0.0, 1.0 - share, share, 0.0, 0.0, 0.0])
    assert [a.grad for a in xs] == pytest.approx([0, slope * (share - 1), -slope * share, 0, 0, 0])


def test_a_search_by_the_rule_of_interp(impl):
    search = engine_of([impl.Value(0.0)]).search
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 4, 5, 9, 10, 11, 30):
        keys = np.sort(rng.integers(0, 9, n)).astype(float).tolist()
        for x in rng.integers(-1, 10, 12).tolist():
            k = search(keys, float(x), LIKE_INTERP)
            assert k == (n + 1 if x > keys[-1] else np.searchsorted(keys, x, "right"))
    assert search([], 1.0, 0) == 0
