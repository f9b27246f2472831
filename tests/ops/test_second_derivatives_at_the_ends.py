"""Second derivatives to the ends of the range of doubles: normal numbers where the truth is one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from digits import PRECISION
from higher import Orders, Real, true_derivative
from truth import ROWS, Row, mp, outside, ulps

from pygrad import Value, grad, gradients, special, vmap
from pygrad.math import pow as power
from pygrad.value import FUNCTIONS

LIMIT = 8.0  # ulp
SMOOTH = {name: row for name, row in ROWS.items() if row.is_smooth and not row.has_constant}


def evaluated(name: str, xs: tuple[float, ...]) -> dict[Orders, list[float]] | None:
    """Each by every sequence of operands; None where eager evaluation raises."""
    inputs = [Value(x) for x in xs]
    try:
        y = FUNCTIONS[name](*inputs)
    except (ArithmeticError, ValueError):
        return None
    found: dict[Orders, list[float]] = {}
    for i, slope in enumerate(gradients(y, inputs)):
        for k, second in enumerate(gradients(slope, inputs)):
            orders = tuple([(i == n) + (k == n) for n in range(len(xs))])
            found.setdefault(orders, []).append(second.data)
    return found


def true_second(row: Row, xs: tuple[float, ...], orders: Orders) -> Real:
    exactly = tuple(map(mp.mpf, xs))
    if row.shortcut is not None:
        return true_derivative(row.shortcut, exactly, (1,))
    return true_derivative(row.value, exactly, orders)


def second_derivatives(name: str, xs: tuple[float, ...]) -> dict[Orders, Real]:
    """Of pow and atan2, in mpmath."""
    mp.prec = PRECISION
    x, y = map(mp.mpf, xs)
    if name == "pow":
        z, log = mp.power(x, y), mp.log(x)
        return {
            (2, 0): y * (y - 1) * z / x**2,
            (1, 1): z / x * (1 + y * log),
            (0, 2): z * log**2,
        }
    square = (x * x + y * y) ** 2
    return {
        (2, 0): -2 * x * y / square,
        (1, 1): (x * x - y * y) / square,
        (0, 2): 2 * x * y / square,
    }


def points_at_the_ends(name: str, count: int) -> Iterator[tuple[float, ...]]:
    rng = random.Random(name)

    def number() -> float:
        return math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-1021, 1024))

    if name == "atan2":
        for _ in range(count):
            x = number()
            beside = x * (1 + rng.randint(-9, 9) * 2.0**-52)
            for y in (number(), x, beside, x * rng.uniform(0.2, 5.0)):
                yield rng.choice([-x, x]), min(y, 1.7e308)
        return
    for x, y in ((1.1687516780348046, 4500.0), (6.658176216213362e-164, 1.6479041620047523e-149)):
        yield x, y
    for _ in range(count):
        x = rng.choice([number(), 1 + rng.uniform(-1, 1) * 10 ** rng.uniform(-15, 0)])
        for size in (rng.uniform(-1074, 1024), rng.choice([-1020.0, 1000.0, 1023.0])):
            yield x, size / math.log2(x) if x != 1.0 else size
        yield x, number() * rng.choice([-1, 1])


@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_second_derivatives_are_right_to_the_ends_of_the_range(name: str) -> None:
    """Where one is a normal number it is neither nan nor inf nor 0, whatever the others are.

    It has its digits, too, but for powers that are subnormal themselves or close to that.
    """
    least, most = mp.mpf(2) ** -1022, mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -40)
    seen = 0
    for xs in points_at_the_ends(name, 250):
        found = evaluated(name, xs)
        if found is None:
            continue
        for orders, exactly in second_derivatives(name, xs).items():
            for given in found[orders]:
                if not least < abs(exactly) < most:
                    if exactly == 0:
                        assert given == 0, (xs, orders)
                    continue
                seen += 1
                assert math.isfinite(given) and given != 0, (xs, orders, given)
                if name == "atan2":
                    assert ulps(given, exactly) <= LIMIT, (xs, orders, given)
    assert seen > 300


def test_other_second_derivatives_are_normal_where_the_truth_is() -> None:
    """Of every other op at operands of all sizes."""
    rng = random.Random(2)
    least, most = mp.mpf(2) ** -1021, mp.mpf(2) ** 1023
    for name in sorted(set(SMOOTH) - {"pow", "atan2"}):
        row = SMOOTH[name]
        for _ in range(8):
            e = rng.uniform(-1021, 1023)
            xs = tuple(
                rng.choice([-1, 1]) * 2.0 ** min(max(e + rng.uniform(-4, 4) * i, -1021), 1023)
                for i in range(row.arity)
            )
            if outside(name, xs) or xs[0] in row.domain:
                continue
            if abs(xs[0] - (xs[1] if name == "logaddexp" else 0.0)) > row.far:
                continue
            found = evaluated(name, xs)
            for orders, numbers in (found or {}).items():
                if least < abs(true_second(row, xs, orders)) < most:
                    assert all(math.isfinite(x) and x != 0 for x in numbers), (name, xs, orders)


@pytest.mark.parametrize(
    ("y", "truth"), [(0.0, -math.inf), (1.0, math.inf), (2.0, -math.inf), (3.5, 0.0), (5.0, 0.0)]
)
def test_mixed_third_derivatives_of_pow_at_0_are_their_limits(y: float, truth: float) -> None:
    """Of (2 y - 1) x**(y - 2) + y (y - 1) x**(y - 2) log x from above."""
    assert grad(grad(grad(power, 0), 0), 1)(0.0, y) == truth


# From which order on the rules have no limit: lgamma beyond its last pole.
NO_LIMIT = {("lgamma", -math.inf): 1}


@pytest.mark.parametrize("x", [math.inf, -math.inf])
@pytest.mark.parametrize(
    "name", [n for n, row in SMOOTH.items() if row.value.__code__.co_argcount == 1]
)
def test_derivatives_at_infinity_are_no_products_of_it_and_0(name: str, x: float) -> None:
    """To the fourth order, of every op that has a value there."""
    v = Value(x)
    try:
        slope = FUNCTIONS[name](v)
    except (ArithmeticError, ValueError):
        return
    for order in range(1, 5):
        (slope,) = gradients(slope, [v])
        assert math.isnan(slope.data) == (order >= NO_LIMIT.get((name, x), 5)), order


@pytest.mark.parametrize(("f", "end"), [(special.xlogy, 0.0), (special.xlog1py, -1.0)])
def test_a_weight_of_0_leaves_no_slope_where_a_logarithm_ends(f: Any, end: float) -> None:
    assert grad(f, (0, 1))(0.0, end) == (-math.inf, 0.0)
    beyond = vmap(grad(f, (0, 1)), errors="ignore")(np.full(3, 2.0), np.full(3, end - 1.0))
    assert np.isnan(beyond).all()
