"""Local derivatives within 4 ulp of the truth where inputs, value and slope are normal and finite.

The truth is mpmath's, at 300 bits. Each op gets hundreds of points (seeded), thousands by -m long: all
exponents, everyday numbers, tails, whole numbers, near zeros and 1, near the edges of domains and
of the range of doubles; and the worst points that long searches found. The worst row of each is
printed: `pytest -rP tests/ops/test_local_derivative_accuracy.py`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest
from digits import PRECISION
from programs import exact
from truth import (
    ALMOST_MAX,
    MAX,
    QUOTIENTS_EXACT_BELOW,
    ROWS,
    Row,
    is_normal,
    mp,
    outside,
    points,
    quotient,
    ulps,
)

from pygrad import reference, value


class Worst(NamedTuple):
    error: float
    operands: tuple[float, ...] = ()
    given: float = math.nan

    def __str__(self) -> str:
        at = ", ".join(map(repr, self.operands))
        return f"{self.error:8.3f}   at ({at}): {self.given!r}"


class Measured(NamedTuple):
    value: Worst
    value_points: int
    slopes: list[Worst]
    slope_points: list[int]


def node(impl: Any, name: str, xs: tuple[float, ...]) -> Any:
    """The op on Values; None where it raises."""
    try:
        if name == "pown":
            return impl.Value(xs[0]) ** xs[1]
        return impl.FUNCTIONS[name](*map(impl.Value, xs))
    except (ArithmeticError, ValueError):
        return None


def measure(name: str, row: Row, count: int) -> Measured:
    worst_value, value_points = Worst(-1.0), 0
    worst = [Worst(-1.0) for _ in row.slopes]
    slope_points = [0] * len(row.slopes)
    for xs in points(name, count):
        if outside(name, xs):
            continue
        true_operands = [mp.mpf(x) for x in xs]
        true_value = mp.mpf(row.value(*true_operands))
        if abs(true_value) > MAX or (row.limit > 0 and not is_normal(true_value)):
            continue
        compiled, plain = node(value, name, xs), node(reference, name, xs)
        if compiled is None:
            # It may raise for overflow only; so the value must be as large as that.
            assert plain is None and abs(true_value) > ALMOST_MAX, f"{name}{xs} raises"
            continue
        slopes = compiled.local_derivatives
        assert exact(compiled.data) == exact(plain.data), f"{name}{xs}"
        assert [*map(exact, slopes)] == [*map(exact, plain.local_derivatives)], f"{name}{xs}"
        value_points += 1
        scale = row.scale(*true_operands) if row.scale is not None else 0
        error = ulps(compiled.data, true_value, scale)
        if error > worst_value.error:
            worst_value = Worst(error, xs, compiled.data)
        for k, truth in enumerate(row.slopes):
            true_slope = truth(*true_operands)
            if true_slope is None or (row.limit > 0 and not is_normal(true_slope)):
                continue
            slope_points[k] += 1
            error = ulps(slopes[k], true_slope, scale)
            if error > worst[k].error:
                worst[k] = Worst(error, xs, slopes[k])
    return Measured(worst_value, value_points, worst, slope_points)


def check(name: str, count: int) -> None:
    """Measure, print a row for the value and one for each slope, assert."""
    row = ROWS[name]
    mp.prec = PRECISION
    measured = measure(name, row, count)
    print(f"{name:13s} value  {measured.value_points:6d} points  {measured.value} ")
    for k, (worst, used) in enumerate(zip(measured.slopes, measured.slope_points, strict=True)):
        print(f"{name:13s} d/d{'xyw'[k]}    {used:6d} points  {worst}")
    # Few points would be no test. asin and the like are real on a small part of the families only.
    assert min(measured.value_points, *measured.slope_points) >= count / 8
    for worst in measured.slopes:
        assert worst.error <= row.limit
    value_limit = row.value_limit
    if name == "floordiv":  # CPython's own: exact, while the quotient is
        value_limit = 1.0
    assert measured.value.error <= value_limit


@pytest.mark.parametrize("name", ROWS)
def test_local_derivatives_within_4_ulp(name: str) -> None:
    check(name, 500)


@pytest.mark.long
@pytest.mark.parametrize("name", ROWS)
def test_local_derivatives_within_4_ulp_on_many_points(name: str) -> None:
    check(name, 12_000)


def test_quotients_of_mod_are_exact() -> None:
    """The slope of x % y by y is -floor(x / y) to the last bit, as long as that fits 53 bits."""
    seen = 0
    for x, y in points("mod", 20_000):
        q = quotient(mp.mpf(x), mp.mpf(y))
        if abs(q) < QUOTIENTS_EXACT_BELOW:
            seen += 1
            remainder_node = value.Value(x) % value.Value(y)
            assert remainder_node.local_derivatives == (1.0, -q), (x, y)
    assert seen > 5_000


def test_the_slope_of_mod_is_python_s_floor_division() -> None:
    for x, y in points("mod", 20_000):
        remainder_node = value.Value(x) % value.Value(y)
        assert exact(remainder_node.local_derivatives[1]) == exact(-(x // y))
