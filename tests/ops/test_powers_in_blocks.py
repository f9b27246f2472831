"""Powers and their slopes have the same bits in blocks of rows as one row at a time, corners included."""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pygrad import compile, grad, vmap
from pygrad._core import lib
from pygrad.math import pow

TINY, LEAST, MOST = 2.0**-1022, 5e-324, 1.7976931348623157e308
BASES = [
    0.0,
    LEAST,
    TINY / 4,
    TINY,
    1e-160,
    0.3,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    1e5,
    1e160,
    MOST,
    math.inf,
]
EXPONENTS = [
    *(0.0, LEAST, TINY, 1e-17, 0.5, 0.9, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 1000.0, 1023.0),
    *(1074.0, 1074.5, 2.0**52 + 1, 2.0**53 - 1, 2.0**53, 2.0**53 + 2, 1e300, math.inf),
]
# Derivatives of pow(x, y), by which argument one after the other: their programs have all slopes of powers.
ORDERS = [(), (0,), (1,), (0, 0), (0, 1), (1, 1), (0, 0, 0)]


def points() -> list[tuple[float, float]]:
    rng = random.Random(1)
    near = [1.0 + rng.uniform(-1e-3, 1e-3) for _ in range(4)]
    bases = [*BASES, *near, *(2.0 ** rng.uniform(-60, 60) for _ in range(12))]
    exponents = [*EXPONENTS, *(rng.uniform(0.0, 20.0) for _ in range(8))]
    signed = [math.copysign(x, s) for s in (1.0, -1.0) for x in bases]
    both = [math.copysign(y, s) for s in (1.0, -1.0) for y in exponents]
    return list(itertools.product([*signed, math.nan], [*both, math.nan]))


def bits(number: float) -> bytes:
    return b"nan" if math.isnan(number) else struct.pack("d", number)


@pytest.fixture(params=[0, 1, 2])
def level(request: pytest.FixtureRequest) -> Iterator[int]:
    lib.pg_choose_lanes(request.param)
    yield request.param
    lib.pg_choose_lanes(2)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_rows_have_the_bits_of_one_row(order: tuple[int, ...], level: int) -> None:
    f: Callable[..., Any] = pow
    for argnum in order:
        f = grad(f, argnum)
    given = points()
    random.Random(2).shuffle(given)  # so that a block has lanes of all kinds
    x, y = np.array(given).T
    one = compile(f)
    for (a, b), found in zip(given, vmap(f, errors="ignore")(x, y).tolist(), strict=True):
        assert bits(found) == bits(one(a, b)), (a, b)


@pytest.mark.parametrize("exponent", [*EXPONENTS, -0.5, -2.0, -3.0, -7.5, math.nan])
def test_so_have_constant_exponents_and_their_slopes(exponent: float, level: int) -> None:
    def f(x: Any) -> Any:
        return x**exponent

    def both(x: Any) -> Any:
        return f(x), grad(f)(x), grad(grad(f))(x), grad(grad(grad(f)))(x)

    xs = np.array(sorted({x for x, _ in points() if not math.isnan(x)}))
    one = compile(both)
    for x, *found in zip(xs.tolist(), *vmap(both, errors="ignore")(xs), strict=True):
        assert [*map(bits, found)] == [*map(bits, one(x))], x
