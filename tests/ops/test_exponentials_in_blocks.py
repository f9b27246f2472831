"""Exponentials, logarithms, tanh, sigmoid, sines and maxima have the same bits in blocks as row by row."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from programs import exact

from pygrad import compile, grad, value_and_grad, vmap
from pygrad.math import cos, exp, log, maximum, minimum, sigmoid, sin, tan, tanh

BLOCK = 64
SIZES = [0.0, 5e-324, 1e-310, 1e-300, 2.0**-54, 1e-9, 0.3, math.log(2.0) / 2, 1.0, 1.04, 5.0]
ENDS = [
    17.9,
    18.0,
    18.1,
    21.9,
    22.0,
    22.1,
    35.9,
    36.0,
    36.1,
    43.9,
    44.0,
    44.1,
    44.3,
    311.0,
    312.0,
    376.0,
    622.0,
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


@pytest.mark.parametrize("f", [sin, cos, tan, value_and_grad(sin), value_and_grad(cos)])
def test_so_have_angles_far_and_near(f: Any, lanes: int) -> None:
    rng = random.Random(2)
    far = [51470.9, 51471.1, 1e5, 2.0**60, 1.7976931348623157e308, 6381956970095103.0 * 2.0**797]
    beside = [n * math.pi / 2 for n in (1, 2, 3, 32767)]
    near = [*SIZES, *beside, *(rng.uniform(-51471.0, 51471.0) for _ in range(BLOCK))]
    xs = [*near[:BLOCK], *(x for each in far for x in [*near[: BLOCK - 1], -each])]
    one = compile(f)
    found = np.stack(np.atleast_2d(vmap(f)(np.array(xs))), axis=-1).tolist()
    for x, result in zip(xs, found, strict=True):
        assert list(map(exact, result)) == list(map(exact, np.atleast_1d(one(x)).tolist())), x


def test_so_have_logarithms_and_their_ends(lanes: int) -> None:
    rng = random.Random(3)
    near = [
        x
        for x in [*SIZES, 1.0 - 2.0**-53, 1.0 + 2.0**-52, 1.7976931348623157e308, math.inf]
        if x > 0.0
    ]
    xs = [*near, *(2.0 ** rng.uniform(-1070.0, 1020.0) for _ in range(2 * BLOCK))]
    one, many = compile(log), vmap(log, errors="ignore")
    for x, found in zip(xs, many(np.array(xs)).tolist(), strict=True):
        assert exact(found) == exact(one(x)), x
    ends = [0.0, -0.0, -1.0, -math.inf, math.nan]
    assert list(map(exact, many(np.array(ends * BLOCK))[-5:].tolist())) == [
        *(exact(-math.inf), exact(-math.inf)),
        *(exact(math.nan), exact(math.nan), exact(math.nan)),
    ]


@pytest.mark.parametrize("f", [maximum, minimum])
def test_so_have_the_larger_and_the_smaller(f: Any, lanes: int) -> None:
    numbers = [0.0, 5e-324, 0.3, 1.0, 1.7976931348623157e308, math.inf]
    signed = [*(math.copysign(x, s) for x in numbers for s in (1.0, -1.0)), math.nan]
    pairs = list(itertools.product(signed, signed))
    x, y = np.array(pairs).T
    for (a, b), found in zip(pairs, vmap(f, errors="ignore")(x, y).tolist(), strict=True):
        assert exact(found) == exact(f(a, b)), (a, b)
