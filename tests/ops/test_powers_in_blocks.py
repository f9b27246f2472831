"""Powers and their slopes have the same bits in blocks of rows as one row at a time, corners included."""

from __future__ import annotations

import itertools
import math
import operator
import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from programs import exact
from truth import MAX, MIN_NORMAL, mp, ulps

from pygrad import compile, grad, value_and_grad, vmap
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


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_rows_have_the_bits_of_one_row(order: tuple[int, ...], lanes: int) -> None:
    f: Callable[..., Any] = pow
    for argnum in order:
        f = grad(f, argnum)
    given = points()
    random.Random(2).shuffle(given)  # so that a block has lanes of all kinds
    x, y = np.array(given).T
    one = compile(f)
    for (a, b), found in zip(given, vmap(f, errors="ignore")(x, y).tolist(), strict=True):
        assert exact(found) == exact(one(a, b)), (a, b)


@pytest.mark.parametrize(
    "exponent", [*EXPONENTS, 6.0, 16.0, 17.0, -0.5, -1.5, -2.0, -3.0, -7.5, -16.0, -17.0, math.nan]
)
def test_so_have_constant_exponents_and_their_slopes(exponent: float, lanes: int) -> None:
    def f(x: Any) -> Any:
        return x**exponent

    def both(x: Any) -> Any:
        return f(x), grad(f)(x), grad(grad(f))(x), grad(grad(grad(f)))(x)

    xs = np.array(sorted({x for x, _ in points() if not math.isnan(x)}))
    one = compile(both)
    columns = map(np.ndarray.tolist, vmap(both, errors="ignore")(xs))
    for x, *found in zip(xs.tolist(), *columns, strict=True):
        assert [*map(exact, found)] == [*map(exact, one(x))], x


@pytest.mark.skipif(bool(os.environ.get("PYGRAD_LIBM_LANES")), reason="eager powers are libm's")
@pytest.mark.parametrize("exponent", [0.9, 0.5, -0.5, 1.5, *range(-17, -1), *range(4, 18)])
def test_constant_powers_are_within_2_ulp_and_their_slopes_within_4(exponent: float) -> None:
    rng = random.Random(str(exponent))
    edge = 1000.0 / max(abs(exponent), 1.0)  # powers from the least normal number to the largest
    xs = [2.0 ** rng.uniform(-edge, edge) for _ in range(40)]
    xs += [1.0 + rng.uniform(-0.1, 0.1) for _ in range(40)]
    if exponent == int(exponent):
        xs = [x * rng.choice([-1.0, 1.0]) for x in xs]
    both = vmap(value_and_grad(lambda x: x**exponent), errors="ignore")
    mp.prec = 300
    for x, value, slope in zip(xs, *map(np.ndarray.tolist, both(np.array(xs))), strict=True):
        truth = mp.mpf(x) ** mp.mpf(exponent)
        steep = exponent * truth / x
        assert ulps(value, truth) <= 2.0, x
        if MIN_NORMAL < abs(steep) < MAX:
            assert ulps(slope, steep) <= 4.0, x


@pytest.mark.skipif(bool(os.environ.get("PYGRAD_LIBM_LANES")), reason="eager powers are libm's")
def test_half_powers_in_rows_are_roots() -> None:
    x = np.array([0.0, -0.0, LEAST, 0.1, 2.0, 3.0, 1e300, math.inf, -math.inf, -1.0, math.nan])
    by_root = [0.0, 0.0, *np.sqrt(x[2:8]).tolist(), math.inf, math.nan, math.nan]
    found = vmap(lambda v: v**0.5, errors="ignore")(x).tolist()
    assert [*map(exact, found)] == [*map(exact, by_root)]


@pytest.mark.parametrize("op", [pow, operator.pow], ids=["pow", "**"])
def test_a_value_beside_its_slope_has_the_bits_that_each_has_alone(op: Any, lanes: int) -> None:
    rng = random.Random(3)
    xs = np.array([*BASES, *(2.0 ** rng.uniform(-9, 9) for _ in range(100))])
    for exponent in (0.9, -1.7, 0.5, -0.5, 1.5, 2.5, -2.0, 5.0, 40.0):

        def f(x: Any, exponent: float = exponent) -> Any:
            return op(x, exponent)

        both = vmap(value_and_grad(f), errors="ignore")(xs)
        apart = vmap(f, errors="ignore")(xs), vmap(grad(f), errors="ignore")(xs)
        for found, alone in zip(both, apart, strict=True):
            assert [*map(exact, found.tolist())] == [*map(exact, alone.tolist())], exponent
