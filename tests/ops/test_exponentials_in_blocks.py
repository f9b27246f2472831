"""Exponentials, tanh, sigmoid, maxima and minima have the same bits in blocks of rows as row by row."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from programs import exact

from pygrad import compile, grad, value_and_grad, vmap
from pygrad.math import exp, maximum, minimum, sigmoid, tanh

BLOCK = 64
SIZES = [0.0, 5e-324, 1e-310, 1e-300, 2.0**-54, 1e-9, 0.3, math.log(2.0) / 2, 1.0, 1.04, 5.0]
ENDS = [
    21.9,
    22.0,
    22.1,
    43.9,
    44.0,
    44.1,
    44.3,
    312.0,
    376.0,
    699.9,
    700.0,
    700.1,
    709.7,
    709.8,
    745.1,
    745.2,
    752.0,
    1e300,
]
FUNCTIONS = {
    "exp": exp,
    "tanh": tanh,
    "value and slope": value_and_grad(tanh),
    "slope": grad(tanh),
    "sigmoid": sigmoid,
    "sigmoid and slope": value_and_grad(sigmoid),
    "slope of sigmoid": grad(sigmoid),
}


def rows() -> np.ndarray[Any, Any]:
    """A block of small numbers; one for each number about a bound or beyond; and some of all kinds."""
    rng = random.Random(1)
    small = [math.copysign(x, s) for x in SIZES for s in (1.0, -1.0)]
    small += [rng.uniform(-20.0, 20.0) for _ in range(BLOCK - len(small))]
    large = [
        *(math.copysign(x, s) for x in ENDS for s in (1.0, -1.0)),
        math.inf,
        -math.inf,
        math.nan,
    ]
    mixed = [x for each in large for x in [*small[: BLOCK - 1], each]]
    return np.array([*small, *mixed, *large, *(rng.uniform(-800.0, 800.0) for _ in range(BLOCK))])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_have_the_bits_of_one_row(name: str, lanes: int) -> None:
    f, xs = FUNCTIONS[name], rows()
    one = compile(f)
    found = np.stack(np.atleast_2d(vmap(f, errors="ignore")(xs)), axis=-1).tolist()
    for x, result in zip(xs.tolist(), found, strict=True):
        assert list(map(exact, result)) == list(map(exact, np.atleast_1d(one(x)).tolist())), x


@pytest.mark.parametrize("f", [maximum, minimum])
def test_so_have_the_larger_and_the_smaller(f: Any, lanes: int) -> None:
    numbers = [0.0, 5e-324, 0.3, 1.0, 1.7976931348623157e308, math.inf]
    signed = [*(math.copysign(x, s) for x in numbers for s in (1.0, -1.0)), math.nan]
    pairs = list(itertools.product(signed, signed))
    x, y = np.array(pairs).T
    for (a, b), found in zip(pairs, vmap(f, errors="ignore")(x, y).tolist(), strict=True):
        assert exact(found) == exact(f(a, b)), (a, b)
