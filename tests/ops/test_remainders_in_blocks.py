"""Remainders, whole quotients and scaled slopes have the same bits in blocks of rows as one at a time."""

from __future__ import annotations

import itertools
import math
import operator
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from programs import exact

from pygrad import compile, grad, vmap
from pygrad.math import atan2, hypot, logaddexp

SIZES = [
    *(0.0, 5e-324, 2.0**-1060, 2.0**-1022, 2.0**-1000, 1e-290, 1e-271, 1e-9, 0.1, 0.3, 1.0, 3.0),
    *(1.0 - 2.0**-53, 1.0 + 2.0**-52, 7.3, 2.0**50 - 1, 2.0**50, 2.0**53 + 2, 1e60, 1e270, 1e272),
    *(2.0**1000, 2.0**1019, 2.0**1021 * 1.1, 2.0**1023, 1.7976931348623157e308, math.inf),
]
SCALED: dict[str, Callable[..., Any]] = {"atan2": atan2, "hypot": hypot, "logaddexp": logaddexp}


def points() -> list[tuple[float, float]]:
    rng = random.Random(1)
    signed = [math.copysign(x, s) for s in (1.0, -1.0) for x in SIZES]
    found = list(itertools.product([*signed, math.nan], repeat=2))
    for _ in range(300):  # multiples, and what is next to them
        y = rng.uniform(-10.0, 10.0) * 2.0 ** rng.uniform(-300, 300)
        x = y * rng.randrange(1, 2 ** rng.randrange(1, 51))
        found += [(math.nextafter(x, to), y) for to in (-math.inf, x, math.inf)]
    rng.shuffle(found)  # so that a block has lanes of all kinds
    return found


@pytest.mark.parametrize("op", [operator.mod, operator.floordiv])
def test_remainders_and_whole_quotients_are_those_of_floats(op: Any, lanes: int) -> None:
    given = points()
    one = compile(op)
    found = vmap(op, errors="ignore")(*np.array(given).T).tolist()
    for (x, y), z in zip(given, found, strict=True):
        assert exact(z) == exact(one(x, y)), (x, y)
        if y and math.isfinite(x):
            assert exact(z) == exact(op(x, y)), (x, y)


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("argnum", [0, 1])
def test_slopes_have_the_bits_of_one_row(name: str, argnum: int, lanes: int) -> None:
    given = points()
    slope = grad(SCALED[name], argnum)
    one = compile(slope)
    found = vmap(slope, errors="ignore")(*np.array(given).T).tolist()
    for (x, y), z in zip(given, found, strict=True):
        assert exact(z) == exact(one(x, y)), (x, y)
        if name != "logaddexp":  # which lanes compute otherwise
            assert exact(z) == exact(slope(x, y)), (x, y)
