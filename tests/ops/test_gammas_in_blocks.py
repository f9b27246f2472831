"""gamma, lgamma, digamma and their slopes have the same bits in blocks and in packs as in one row."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from digits import PRECISION, mp
from gammas import digamma as digamma_of
from gammas import gamma_scale, gamma_slope, log_gamma, log_gamma_scale, trigamma
from programs import exact
from truth import MAX, MIN_NORMAL, ulps

from pygrad import compile, grad, vmap
from pygrad.math import digamma, gamma, lgamma
from pygrad.special import polygamma

# Where lanegammaone.h parts: zeros, ends of polynomials, whole numbers, overflow, and far out.
BOUNDS = [
    *(
        0.0,
        5e-324,
        2.0**-1024,
        2.0**-1022,
        1e-17,
        0.25,
        0.5,
        0.75,
        1.0,
        1.4616321449683622,
        2.0,
        2.5,
        3.0,
    ),
    *(3.5, 7.5, 23.0, 140.5, 170.6, 171.7, 172.0, 199.5, 200.5, 51471.5, 2.0**50 + 0.25),
    *(2.0**51 + 0.5, 2.0**52 - 0.5, 2.0**53, 1.7976931348623157e308, math.inf),
]
WAYS: dict[str, Callable[..., Any]] = {
    "lgamma": lgamma,
    "gamma": gamma,
    "digamma": digamma,
    "slope of gamma": grad(gamma),
    "slope of digamma": grad(digamma),
    "slope of the slope": grad(grad(digamma)),
    "slope of that": grad(grad(grad(digamma))),
}

of_lanes = pytest.mark.skipif(
    bool(os.environ.get("PYGRAD_LIBM_LANES")), reason="this build's lanes have the eager sequences"
)


def points() -> list[float]:
    rng = random.Random(1)
    sizes = [math.nextafter(x, to) for x in BOUNDS for to in (0.0, x, math.inf)]
    sizes += [n + part for n in range(26) for part in (0.0, 0.5, 1e-9, 0.123)]
    sizes += [2.0 ** rng.uniform(-5, 9) for _ in range(200)]
    found = [math.copysign(x, s) for x in sizes for s in (1.0, -1.0)]
    rng.shuffle(found)  # so that a block has lanes of all kinds
    return [*found, math.nan]


def bits(f: Callable[..., Any], xs: list[float]) -> list[Any]:
    return [exact(y) for y in vmap(f, errors="ignore")(np.array(xs)).tolist()]


@pytest.mark.parametrize("name", WAYS)
def test_blocks_have_the_bits_of_one_row(name: str, lanes: int) -> None:
    f, given = WAYS[name], points()
    one = compile(f)
    mixed = bits(f, given)
    for x, y in zip(given, mixed, strict=True):
        assert y == exact(one(x)), x


@pytest.mark.parametrize("name", WAYS)
def test_bits_do_not_depend_on_what_stands_beside_a_row(name: str, lanes: int) -> None:
    given = sorted(points()[:-1])  # so that nearly all blocks have lanes of one kind
    alike = dict(zip(given, bits(WAYS[name], given), strict=True))
    for x, y in zip(points()[:-1], bits(WAYS[name], points()), strict=False):
        if x:  # both zeros are one key
            assert y == alike[x], x


def test_by_zero_there_are_infinities_once_numbers_are_too_large(lanes: int) -> None:
    sizes = [5e-324, 1e-320, 1e-312, 1e-310, 2.0**-1024, math.nextafter(2.0**-1024, 1.0)]
    given = [s * x for x in sizes for s in (1.0, -1.0)]
    found = vmap(gamma, errors="ignore")(np.array(given)).tolist()
    assert found[:-2] == [math.copysign(math.inf, x) for x in given[:-2]]
    assert found[-2:] == [1.0 / x for x in given[-2:]]
    assert [compile(gamma)(x) for x in given] == found

    slope, edge = grad(gamma), 2.0**-512
    given += [edge, -edge, math.nextafter(edge, 1.0), -math.nextafter(edge, 1.0)]
    found = vmap(slope, errors="ignore")(np.array(given)).tolist()
    assert found[:-2] == [-math.inf] * (len(given) - 2)
    assert found[-2:] == pytest.approx([-((1.0 / x) ** 2) for x in given[-2:]], rel=1e-15)
    assert [compile(slope)(x) for x in given] == found


@pytest.mark.parametrize("name", WAYS)
def test_packs_have_the_bits_of_one_row(name: str) -> None:
    f, given = WAYS[name], points()[:150]
    one = compile(f)
    many = compile(lambda xs: [f(x) for x in xs])
    for x, y in zip(given, many(given), strict=True):
        assert exact(y) == exact(one(x)), x


def polygamma_terms(n: int, x: Any) -> tuple[Any, Any]:
    """polygamma(n, x) below 0 by reflection: the part of all whole numbers, and of those above."""
    others = (-1) ** n * mp.psi(n, 1 - x)
    return mp.psi(n, x) - others, others


def terms_of(n: int) -> Callable[[Any], Any]:
    return lambda x: sum(map(abs, polygamma_terms(n, x))) if x < 0 else mp.zero


# What it is, and what its error is measured against where terms cancel, besides the value.
TRUTHS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "lgamma": (log_gamma, log_gamma_scale),
    "gamma": (mp.gamma, lambda x: mp.zero),
    "digamma": (digamma_of, log_gamma_scale),
    "slope of gamma": (gamma_slope, gamma_scale),
    "slope of digamma": (trigamma, lambda x: mp.zero),
    "slope of the slope": (lambda x: mp.psi(2, x), terms_of(2)),
    "slope of that": (lambda x: mp.psi(3, x), terms_of(3)),
}


@of_lanes
@pytest.mark.parametrize("name", WAYS)
def test_blocks_are_within_two_ulp_of_the_truth_and_reflections_within_two_and_a_half(
    name: str, lanes: int
) -> None:
    exactly, scale = TRUTHS[name]
    rng = random.Random(name)
    places = [lambda: rng.uniform(0, 3), lambda: rng.uniform(2.4, 8), lambda: rng.uniform(8, 140)]
    places += [lambda: rng.choice([1, 2]) + rng.choice([-1, 1]) * 2.0 ** rng.uniform(-50, -3)]
    places += [lambda: -rng.uniform(0, 8), lambda: 2.0 ** rng.uniform(-300, -2)]
    places += [lambda: rng.choice([-1, -2, -9]) + 2.0 ** rng.uniform(-40, -2)]
    xs = [place() for _ in range(25) for place in places]
    given = vmap(WAYS[name], errors="ignore")(np.array(xs)).tolist()
    worst = [0.0, 0.0]
    with mp.workprec(PRECISION):
        for x, y in zip(xs, given, strict=True):
            truth = exactly(mp.mpf(x))
            if MIN_NORMAL < abs(truth) < MAX:
                error = ulps(y, truth, scale(mp.mpf(x)))
                worst[x < 0] = max(worst[x < 0], error)
    print(f"{name}: {worst[0]:.2f} and {worst[1]:.2f} ulp")
    assert worst[0] <= 2.0
    assert worst[1] <= 2.5


# The worst that were found among 10,000 to 70,000 points each.
WORST = {
    "lgamma": (0.7342083122842771, -8.00850017364548),
    "gamma": (1.1647838634643035, -4.481022715319677),
    "digamma": (0.4999999999999984, -7.653867820812475),
    "slope of gamma": (3.5000000000005858, -3.3806004897713535),
    "slope of digamma": (2.4999575984708, -0.44032040115493626),
    "slope of the slope": (2.500000079176137, -0.25),
    "slope of that": (3.100955874339061, -0.4999997041580748),
}


@of_lanes
@pytest.mark.parametrize("name", WORST)
def test_where_blocks_are_farthest_from_the_truth(name: str, lanes: int) -> None:
    exactly, scale = TRUTHS[name]
    above, below = vmap(WAYS[name])(np.array(WORST[name])).tolist()
    with mp.workprec(PRECISION):
        for x, y, most in zip(WORST[name], (above, below), (2.5, 3.25), strict=True):
            assert ulps(y, exactly(mp.mpf(x)), scale(mp.mpf(x))) <= most


ORDERS = [4, 5, 7, 8, 12, 33, 34, 160]


@pytest.mark.parametrize("n", [4, 9, 34])
def test_blocks_and_packs_of_an_order_have_the_bits_of_one_row(n: int, lanes: int) -> None:
    def f(x: Any) -> Any:
        return polygamma(n, x)

    given, one = points()[::5], compile(f)
    alone = [exact(one(x)) for x in given]
    assert bits(f, given) == alone
    assert [exact(y) for y in compile(lambda xs: [f(x) for x in xs])(given)] == alone


def order_places(n: int, count: int) -> list[float]:
    """Where lanepolygammaone.h parts, far out, by poles, and amid them, where even orders' sums cancel."""
    rng, far = random.Random(n), 0.375 * n + 2.5
    xs = [2.0 ** rng.uniform(-6, 6) for _ in range(count)]
    xs += [rng.uniform(0, 2 * far) for _ in range(count)]
    xs += [far, math.nextafter(far, 0.0), 1e-300, 1e300, 2.0 ** (1000 / n), 2.0 ** (-1000 / n)]
    xs += [-rng.uniform(0, 20) for _ in range(count)] + [-0.5, -7.5]
    return xs + [rng.choice([-0.5, -2.5]) + 2.0 ** rng.uniform(-50, -2) for _ in range(count)]


@of_lanes
@pytest.mark.parametrize("n", [1, 2, 3, *ORDERS])
def test_higher_orders_are_within_two_ulp(n: int) -> None:
    xs = order_places(n, 25 if n < 20 else 8)  # as mpmath takes long
    found = vmap(lambda x: polygamma(n, x), errors="ignore")(np.array(xs)).tolist()
    for x, y in zip(xs, found, strict=True):
        with mp.workprec(PRECISION + (10 * n if x < 0 else 0)):
            truth = mp.psi(n, mp.mpf(x))
            if MIN_NORMAL < abs(truth) < MAX:
                most = 3.25 if n == 2 and x < 0 else 2.0  # 1 - x is rounded
                assert ulps(y, truth, terms_of(n)(mp.mpf(x))) <= most, x


@pytest.mark.parametrize("n", [2, 3, 20, 58, 149, 170, 171, 200, 250])
def test_eager_higher_orders_are_within_two_and_a_half_ulp_to_the_ends_of_the_range(n: int) -> None:
    rng = random.Random(n)
    scale = math.lgamma(n + 1) / n / math.log(2)  # there it is about 1
    xs = [2.0 ** (scale + rng.uniform(-1000, 1000) / n) for _ in range(6)]
    xs += [2.0 ** (scale + e / n) for e in (1010, 980, -990)] + [rng.uniform(0.3 * n, n)]
    for x in filter(lambda x: 0 < x < 1e300, xs):
        with mp.workprec(PRECISION):
            truth = mp.psi(n, mp.mpf(x))
            if MIN_NORMAL < abs(truth) < MAX:
                assert ulps(polygamma(n, x), truth) <= 2.5, x
    assert polygamma(n, 1e300) == 0.0


@of_lanes
def test_polygamma_2_does_not_cancel_amid_poles() -> None:
    xs = [-k - 0.5 + s * 2.0**-e for k in range(12) for s in (1, -1) for e in (8, 20, 40)]
    found = vmap(lambda x: polygamma(2, x))(np.array(xs)).tolist()
    with mp.workprec(PRECISION):
        for x, y in zip(xs, found, strict=True):
            truth = mp.psi(2, mp.mpf(x))
            assert ulps(y, truth, terms_of(2)(mp.mpf(x))) <= 3.25, x  # not thousands
