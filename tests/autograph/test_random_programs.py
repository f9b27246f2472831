"""Random functions by `autograph` give what plain Python gives, bit for bit, and raise where it raises."""

from __future__ import annotations

import os

import numpy as np
import pytest
from autographed import differences, what_is_raised
from random_functions import function_of, source_of

from pygrad import autograph, compile
from pygrad.control.autograph import looping

_random = np.random.default_rng(14)
X, Y = ([*map(float, _random.normal(size=6))] for _ in range(2))


def wrong(seeds: range, slopes: bool = True) -> list[str]:
    found = []
    for seed in seeds:
        f = function_of(source_of(seed), f"{seed}")
        difference = differences(f, X, Y, slopes=slopes)
        if difference:
            found.append(f"{seed}: {difference}")
    return found


def test_values() -> None:
    assert wrong(range(8), slopes=False) == []


def test_values_and_slopes() -> None:
    assert wrong(range(8, 12)) == []


@pytest.mark.long
def test_many() -> None:
    """As many as PYGRAD_RANDOM_PROGRAMS says: 5000 take five minutes."""
    count = int(os.environ.get("PYGRAD_RANDOM_PROGRAMS", "50"))
    assert wrong(range(1000, 1000 + count)) == []


def test_outside_traces_it_is_plain_python() -> None:
    for seed in range(100, 130):
        f = function_of(source_of(seed), f"{seed}")
        for x, y in zip(X[:2], Y[:2], strict=True):
            assert autograph(f)(x, y) == f(x, y)


@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 30), marks=pytest.mark.long)], ids=["few", "many"]
)
def test_which_row_raises(seeds: range) -> None:
    for seed in seeds:
        f = function_of(source_of(seed, raises=True), f"{seed}r")
        call = compile(autograph(f))
        for x, y in zip(X[:2], Y[:2], strict=True):
            assert what_is_raised(call, x, y) == what_is_raised(f, x, y), seed


@pytest.mark.long
def test_loops_over_ranges_as_one_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looping.traced, "ROLLED", True, raising=False)
    monkeypatch.setattr(looping, "UNROLLED", 1)
    assert wrong(range(200, 215)) == []
