"""What sums of rows are made of, in how many lanes, and that they have the bits of eager code."""

from __future__ import annotations

import itertools
import math as floats
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import compile, grad, math, value_and_grad, vmap
from pygrad.core.library import ffi, lib


def program_of(compiled: Any) -> Any:
    (path,) = compiled.store.paths()
    assert lib.pg_program_verify(path.program) == 1
    return path.program


def instructions(program: Any) -> Counter[str]:
    """Those of rows, by what they do."""
    names = (program.code[i].code for i in range(program.spread, program.length))
    return Counter(ffi.string(lib.pg_code_name(code)).decode() for code in names)


def test_what_is_given_out_needs_no_lanes_any_more() -> None:
    def many(x: Any) -> Any:
        return [math.sin(x * k) * x for k in range(100)]

    x = np.linspace(-1.0, 1.0, 70)
    mapped = compile(vmap(many))
    np.testing.assert_allclose(mapped(x), [np.sin(x * k) * x for k in range(100)], rtol=1e-14)
    assert program_of(mapped).lanes < 8


def test_what_is_added_up_needs_no_lanes_any_more() -> None:
    def loss(w: Any, x: Any) -> Any:
        return sum(math.sin(a * x) for a in w)

    w, x = np.linspace(-1.0, 1.0, 100), np.linspace(-2.0, 1.0, 130)
    total = compile(grad(vmap(loss, in_axes=(None, 0), reduce="sum")))
    np.testing.assert_allclose(total(w, x), np.cos(np.outer(w, x)) @ x, rtol=1e-12, atol=1e-12)
    assert instructions(program_of(total))["total_product"] == 100
    assert program_of(total).lanes < 8


def test_rows_that_leave_add_nothing_to_totals() -> None:
    """Results that are ready before the last guard wait for it."""

    def f(w: Any, x: Any) -> Any:
        first = w * x
        return first * first + (first if x > 0.5 else 2.0 * first if x > 0.0 else 3.0 * first)

    x = np.linspace(-1.0, 1.0, 201)
    total = compile(grad(vmap(f, in_axes=(None, 0), reduce="sum")))
    factor = np.where(x > 0.5, 1.0, np.where(x > 0.0, 2.0, 3.0))
    assert total(0.7, x) == pytest.approx((1.4 * x * x + factor * x).sum(), rel=1e-12)


ODD = [0.0, -0.0, 1.5, -2.25, 1e308, -floats.inf, floats.nan]
SIGNED: list[Callable[[Any, Any, Any], Any]] = [
    lambda x, y, z: x * y - z,
    lambda x, y, z: x - y * z,
    lambda x, y, z: x * y - y * z,
    lambda x, y, z: x + y * -z,
    lambda x, y, z: -x * y + -z,
    lambda x, y, z: -(x * y) - -(y * z),
    lambda x, y, z: (x * y + z) - x,
    lambda x, y, z: x - (-y + z * -x) - -(y * -y),
    lambda x, y, z: -x + -y - z + -(z * z),
    lambda x, y, z: (x - 0.7) * (0.3 - y) + (z + 0.0) - (x + 2.0),
]


def as_texts(results: Any) -> list[str]:
    """Numbers of values and slopes, row by row; texts tell 0.0 from -0.0, and one nan from none other."""
    return [repr(float(v)) for value, slopes in results for v in (value, *slopes)]


@pytest.mark.parametrize("f", SIGNED)
@pytest.mark.parametrize("shared", [(), (0,), (1, 2)])
def test_signs_in_sums_change_no_bit(f: Callable[..., Any], shared: tuple[int, ...]) -> None:
    """At all corners, with some of the numbers the same for all rows."""
    eager, axes = value_and_grad(f, (0, 1, 2)), [None if k in shared else 0 for k in range(3)]
    rows = compile(vmap(value_and_grad(f, (0, 1, 2)), in_axes=tuple(axes), errors="ignore"))
    for numbers in itertools.product(ODD, repeat=len(shared)):
        corners = itertools.product(
            *([numbers[shared.index(k)]] if k in shared else ODD for k in range(3))
        )
        points = list(corners)
        columns = [points[0][k] if k in shared else np.array(points)[:, k] for k in range(3)]
        values, slopes = rows(*columns)
        assert as_texts(zip(values, zip(*slopes, strict=True), strict=True)) == as_texts(
            eager(*point) for point in points
        )


ZERO = [[1.0, 0.0, -0.0], [0.0, 0.0, 2.0], [-0.0, 3.0, 0.0]]


def through_zeros(x: Any, y: Any, z: Any) -> Any:
    """A matrix with zeros, twice, as constants are in models."""
    v = [x, y * x, z - y]
    for _ in range(2):
        v = [sum(a * b for a, b in zip(row, v, strict=True)) for row in ZERO]
    return v[0] * v[2] - v[1] / (1.0 + x * x)


def test_products_with_a_constant_0_are_none_in_slopes() -> None:
    points = list(itertools.product(ODD, repeat=3))
    rows = compile(vmap(value_and_grad(through_zeros, (0, 1, 2)), errors="ignore"))
    values, slopes = rows(*np.array(points).T)
    eager = value_and_grad(through_zeros, (0, 1, 2))
    assert as_texts(zip(values, zip(*slopes, strict=True), strict=True)) == as_texts(
        eager(*point) for point in points
    )
    assert instructions(program_of(rows))["mul0"] < 12
    assert sum(instructions(program_of(rows)).values()) < 60


def test_a_sum_or_difference_takes_a_shared_number_as_it_is() -> None:
    def distance(mean: Any, x: Any) -> Any:
        return sum((a - b) * (b - a) + (b + 1.0) for a, b in zip(mean, x, strict=True))

    mapped = compile(vmap(distance, in_axes=(None, 0)))
    mapped(np.linspace(-1.0, 1.0, 5), np.ones((9, 5)))
    program = program_of(mapped)
    assert program.spread == program.once  # none is spread over lanes
    assert set(instructions(program)) == {"fused", "output"}


def test_a_negative_is_taken_from_a_total() -> None:
    def loss(w: Any, x: Any) -> Any:
        return (x - w) * x

    total = compile(grad(vmap(loss, in_axes=(None, 0), reduce="sum")))
    x = np.linspace(-2.0, 1.0, 130)
    assert total(0.5, x) == pytest.approx(-x.sum(), rel=1e-13)
    assert str(total(0.5, np.zeros(130))) == str(grad(lambda w: (0.0 - w) * 0.0)(0.5)) == "0.0"
    assert instructions(program_of(total)) == {"fused": 1, "total_product": 1, "total_less": 1}
