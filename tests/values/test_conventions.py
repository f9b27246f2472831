"""The numerical conventions, one by one, on both implementations.

What a value, a slope or an exception is at corners, zeros, domain edges, infinities and nan, where
systems differ. Eager evaluation only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from programs import SPECIALS
from slopes import at, same, slopes

inf, nan = math.inf, math.nan


def refuses(
    error: type[Exception],
    impl: ModuleType,
    make: Callable[[Any], Any],
    x: float,
    message: str | None = None,
) -> None:
    """make(Value(x)) raises exactly this type, and no node comes to be: x is as it was."""
    leaf = impl.Value(x)
    with pytest.raises(error, match=message) as caught:
        make(leaf)
    assert caught.type is error
    same((leaf.data, leaf.grad), (x, 0.0))


# -- corners ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        (0.0, 0.0, 0.0),
        (-0.0, -0.0, 0.0),
        (2.5, 2.5, 1.0),
        (-2.5, 0.0, 0.0),
        (5e-324, 5e-324, 1.0),
        (-5e-324, 0.0, 0.0),
        (inf, inf, 1.0),
        (-inf, 0.0, 0.0),
        (nan, nan, 0.0),  # the slope is out > 0
    ],
)
def test_relu(x: float, value: float, slope: float, impl: ModuleType) -> None:
    same(at(impl, "relu", x), (value, slope))


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        (0.0, 0.0, 0.0),
        (-0.0, 0.0, -0.0),
        (2.5, 2.5, 1.0),
        (-2.5, 2.5, -1.0),
        (-inf, inf, -1.0),
        (nan, nan, nan),
    ],
)
def test_abs(x: float, value: float, slope: float, impl: ModuleType) -> None:
    same(at(impl, "abs", x), (value, slope))


def test_sqrt_at_zero(impl: ModuleType) -> None:
    same(at(impl, "sqrt", 0.0), (0.0, inf))
    same(at(impl, "sqrt", -0.0), (-0.0, -inf))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("x", [0.0, -2.0, 1e308, inf, -inf])
def test_ties_are_split_in_halves(name: str, x: float, impl: ModuleType) -> None:
    same(at(impl, name, x, x), (x, 0.5, 0.5))


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("maximum", 0.0, -0.0, (0.0, 0.5, 0.5)),
        ("maximum", -0.0, 0.0, (0.0, 0.5, 0.5)),
        ("minimum", 0.0, -0.0, (-0.0, 0.5, 0.5)),
        ("minimum", -0.0, 0.0, (-0.0, 0.5, 0.5)),
        ("maximum", 1.0, 2.0, (2.0, 0.0, 1.0)),
        ("minimum", 1.0, 2.0, (1.0, 1.0, 0.0)),
        ("maximum", nan, 1.0, (nan, nan, nan)),
        ("minimum", 1.0, nan, (nan, nan, nan)),
    ],
)
def test_maximum_and_minimum(
    name: str, x: float, y: float, expected: tuple[float, ...], impl: ModuleType
) -> None:
    same(at(impl, name, x, y), expected)


def test_builtin_max_is_control_flow(impl: ModuleType) -> None:
    """On a tie the whole slope goes to the object that max() returns, the first."""
    a, b = impl.Value(1.0), impl.Value(1.0)
    assert max(a, b) is a
    assert min(a, b) is a
    (max(a, b) * 3.0).backward()
    same((a.grad, b.grad), (3.0, 0.0))


@pytest.mark.parametrize(
    ("xs", "expected"),
    [
        ((1.0, 0.0, 1.0), (1.0, 1.0, 0.0, 0.0)),  # on the bound: slope 1
        ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 0.0)),
        ((0.5, 0.0, 1.0), (0.5, 1.0, 0.0, 0.0)),
        ((-0.5, 0.0, 1.0), (0.0, 0.0, 1.0, 0.0)),
        ((1.5, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0)),
        ((0.5, 2.0, 1.0), (1.0, 0.0, 0.0, 1.0)),  # crossed bounds: hi wins
        ((nan, 0.0, 1.0), (nan, 1.0, 0.0, 0.0)),
        ((-0.0, 0.0, 1.0), (-0.0, 1.0, 0.0, 0.0)),
    ],
)
def test_clip(xs: tuple[float, ...], expected: tuple[float, ...], impl: ModuleType) -> None:
    same(at(impl, "clip", *xs), expected)


def test_clip_without_a_bound(impl: ModuleType) -> None:
    x = impl.Value(5.0)
    clip = impl.FUNCTIONS["clip"]
    assert [clip(x, None, 1.0).data, clip(x, 9.0, None).data, clip(x, None, None).data] == [1, 9, 5]
    assert [x.clip(None, 1.0).data, x.clip(9.0, None).data] == [1, 9]


@pytest.mark.parametrize("name", ["sign", "step", "floor", "ceil", "round", "trunc"])
@pytest.mark.parametrize("x", [-2.5, -0.3, -0.0, 0.0, 0.5, 3.0, 1e300])
def test_steps_have_slope_zero(name: str, x: float, impl: ModuleType) -> None:
    same(at(impl, name, x)[1:], (0.0,))


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("sign", -0.0, -0.0),
        ("sign", nan, nan),
        ("sign", -inf, -1.0),
        ("step", 0.0, 0.0),
        ("step", nan, 0.0),
        ("round", 0.5, 0.0),
        ("round", 1.5, 2.0),
        ("round", 2.5, 2.0),
        ("round", -0.5, -0.0),
        ("floor", -0.0, -0.0),
        ("floor", -0.5, -1.0),
        ("ceil", -0.5, -0.0),
        ("trunc", -0.5, -0.0),
        ("trunc", -1.5, -1.0),
    ],
)
def test_values_of_steps(name: str, x: float, value: float, impl: ModuleType) -> None:
    same(at(impl, name, x), (value, 0.0))


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc"])
def test_infinite_has_no_whole_number(name: str, impl: ModuleType) -> None:
    refuses(OverflowError, impl, impl.FUNCTIONS[name], inf)
    refuses(ValueError, impl, impl.FUNCTIONS[name], nan)


def test_stop_gradient(impl: ModuleType) -> None:
    for x in SPECIALS:
        same(at(impl, "stop_gradient", x), (x, 0.0))
    stop = impl.FUNCTIONS["stop_gradient"]
    same(slopes(lambda x: x * stop(x), impl, 3.0), (9.0, 3.0))


# -- domains and overflow --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("sqrt", -1.0),
        ("sqrt", -5e-324),
        ("sqrt", -inf),
        ("log", 0.0),
        ("log", -0.0),
        ("log", -1.0),
        ("log2", 0.0),
        ("log10", -1.0),
        ("log1p", -1.0),
        ("log1p", -2.0),
        ("asin", 2.0),
        ("acos", -1.0000000000000002),
        ("acosh", 0.0),
        ("acosh", 0.9999999999999999),
        ("atanh", 1.0),
        ("atanh", -1.0),
        ("atanh", 2.0),
        ("sin", inf),
        ("cos", -inf),
        ("tan", inf),
    ],
)
def test_outside_the_domain(name: str, x: float, impl: ModuleType) -> None:
    with pytest.raises(ValueError) as standard:
        getattr(math, name)(x)
    refuses(ValueError, impl, impl.FUNCTIONS[name], x)
    if str(standard.value) == "math domain error":  # newer Pythons say more
        refuses(ValueError, impl, impl.FUNCTIONS[name], x, f"^math domain error: {name} needs ")


@pytest.mark.parametrize(
    "name", ["log", "log2", "log10", "log1p", "atanh", "asin", "acos", "acosh"]
)
def test_no_slope_where_the_value_is_nan_by_domain(name: str, impl: ModuleType) -> None:
    """log'(-1) is not -1. The value is nan here because the data were changed after the op."""
    x = impl.Value(1.5 if name == "acosh" else 0.5)
    y = impl.FUNCTIONS[name](x)
    x.data = -3.0
    y.data = nan
    y.backward()
    same((*y.local_derivatives, x.grad), (nan, nan))


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("asin", 1.0, (math.pi / 2, inf)),
        ("acos", 1.0, (0.0, -inf)),
        ("acosh", 1.0, (0.0, inf)),
        ("log", inf, (inf, 0.0)),
        ("exp", -inf, (0.0, 0.0)),
        ("exp", inf, (inf, inf)),
        ("exp", -746.0, (0.0, 0.0)),
        ("tanh", 1000.0, (1.0, 0.0)),
        ("tanh", -inf, (-1.0, 0.0)),
        ("sigmoid", 800.0, (1.0, 0.0)),
        ("sigmoid", -800.0, (0.0, 0.0)),
        ("sigmoid", 0.0, (0.5, 0.25)),
        ("softplus", 800.0, (800.0, 1.0)),
        ("softplus", -800.0, (0.0, 0.0)),
        ("erf", 0.0, (0.0, 1.1283791670955126)),
        ("erf", inf, (1.0, 0.0)),
    ],
)
def test_edges(name: str, x: float, expected: tuple[float, ...], impl: ModuleType) -> None:
    same(at(impl, name, x), expected)


def test_division_by_zero(impl: ModuleType) -> None:
    one, zero = impl.Value(1.0), impl.Value(0.0)
    for quotient in (
        lambda: one / zero,
        lambda: one / 0,
        lambda: 1 / zero,
        lambda: zero / zero,
        lambda: one / -0.0,
        lambda: impl.Value(inf) / zero,
        lambda: impl.Value(nan) / zero,
        lambda: zero**-1,
        lambda: zero**-0.5,
        lambda: one % zero,
        lambda: one // zero,
    ):
        with pytest.raises(ZeroDivisionError):
            quotient()


def test_functions_follow_math_where_operators_follow_float(impl: ModuleType) -> None:
    zero = impl.Value(0.0)
    with pytest.raises(ZeroDivisionError):
        zero**-1.0
    with pytest.raises(ValueError):
        impl.FUNCTIONS["pow"](zero, -1.0)


def test_overflow(impl: ModuleType) -> None:
    big = impl.Value(1e200)
    assert (big * big).data == (big * 1e200).data == inf
    assert (big / 1e-200).data == inf
    assert (impl.Value(1e308) + 1e308).data == inf
    for power in (
        lambda: big**2,
        lambda: big**3,
        lambda: big**2.5,
        lambda: impl.Value(1e-310) ** -1,
    ):
        with pytest.raises(OverflowError):
            power()
    for name, x in (
        ("exp", 710.0),
        ("expm1", 710.0),
        ("exp2", 1024.0),
        ("sinh", -711.0),
        ("cosh", 711.0),
    ):
        refuses(OverflowError, impl, impl.FUNCTIONS[name], x)
    with pytest.raises(OverflowError):
        impl.FUNCTIONS["pow"](impl.Value(2.0), 1025.0)
    for x in (inf, -inf):
        assert (impl.Value(x) ** 2).data == inf  # infinite operands overflow nothing


def test_a_quotient_is_one_node_and_one_rounding(impl: ModuleType) -> None:
    """micrograd computes a * b**-1, which is another double in a third of the cases."""
    different = 0
    for i, j in itertools.product(range(1, 60), repeat=2):
        a, b = impl.Value(i), impl.Value(j)
        quotient = a / b
        assert quotient.data == i / j
        assert quotient._children == (a, b)
        assert quotient.local_derivatives == (1 / j, -(i / j / j))
        different += i / j != i * j**-1.0
    assert different > 100


# -- powers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "value", "slope"),
    [
        (0, 1.0, 0.0),
        (0.0, 1.0, 0.0),
        (1, 0.0, 1.0),
        (1.0, 0.0, 1.0),
        (0.5, 0.0, inf),
        (0.999, 0.0, inf),
        (1.5, 0.0, 0.0),
        (2, 0.0, 0.0),
        (3, 0.0, 0.0),
        (4, 0.0, 0.0),
        (2.5, 0.0, 0.0),
    ],
)
def test_powers_of_zero(n: float, value: float, slope: float, impl: ModuleType) -> None:
    x = impl.Value(0.0)
    power = x**n
    power.backward()
    same((power.data, *power.local_derivatives, x.grad), (value, slope, slope))
    same(at(impl, "pow", 0.0, float(n))[:2], (value, slope))


def test_slopes_of_negative_powers_of_zero(impl: ModuleType) -> None:
    """As 0**-1: the op raises; if the data become 0 later, the slope is infinite."""
    for n, slope in ((-1, -inf), (-2, -inf), (-0.5, -inf)):
        refuses(ZeroDivisionError, impl, lambda x, n=n: x**n, 0.0)
        x = impl.Value(1.0)
        power = x**n
        x.data = 0.0
        same(power.local_derivatives, (slope,))


def test_zero_to_the_zero(impl: ModuleType) -> None:
    for zero, n in itertools.product((0.0, -0.0), (0, 0.0, -0.0)):
        assert (impl.Value(zero) ** n).data == 1.0
        same(at(impl, "pow", zero, float(n)), (1.0, 0.0, 0.0))


def test_whole_powers_from_minus_1_to_3_are_products(impl: ModuleType) -> None:
    """x * x, not pow(x, 2.0): these differ by an ulp here and there."""
    other_than_pow = 0
    for i in range(1, 3_000):
        x = i / 7.0
        for n, expected in ((-1, 1 / x), (0, 1.0), (1, x), (2, x * x), (3, x * x * x)):
            assert (impl.Value(x) ** n).data == (impl.Value(x) ** float(n)).data == expected
            other_than_pow += x**n != expected
        for n in (4, -2, 0.5):
            assert (impl.Value(x) ** n).data == x**n
        same((impl.Value(x) ** 3).local_derivatives, (3.0 * (x * x),))
        same((impl.Value(x) ** 2).local_derivatives, (2.0 * x,))
    assert other_than_pow > 0


@pytest.mark.parametrize("n", [0.5, -0.5, 1 / 3, 2.5, 1e-9])
def test_no_complex_numbers(n: float, impl: ModuleType) -> None:
    refuses(ValueError, impl, lambda x: x**n, -2.0)
    refuses(ValueError, impl, lambda x: impl.FUNCTIONS["pow"](x, n), -2.0)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (2.0, 3.0, (8.0, 12.0, 8.0 * math.log(2.0))),
        (0.0, 2.0, (0.0, 0.0, 0.0)),
        (0.0, 1.0, (0.0, 1.0, 0.0)),
        (0.0, 0.5, (0.0, inf, 0.0)),
        (0.0, 0.0, (1.0, 0.0, 0.0)),
        (-2.0, 3.0, (-8.0, 12.0, nan)),
        (-2.0, 2.0, (4.0, -4.0, nan)),
        (1.0, inf, (1.0, inf, 0.0)),
        (nan, 0.0, (1.0, 0.0, nan)),
    ],
)
def test_pow_of_two_values(
    x: float, y: float, expected: tuple[float, ...], impl: ModuleType
) -> None:
    same(at(impl, "pow", x, y), expected)


def test_a_value_is_no_exponent(impl: ModuleType) -> None:
    x = impl.Value(2.0)
    for power in (lambda: x**x, lambda: 2**x, lambda: 2.0**x, lambda: np.float64(2.0) ** x):
        with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
            power()


# -- two operands ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (5.0, 3.0, (2.0, 1.0, -1.0)),
        (-5.0, 3.0, (1.0, 1.0, 2.0)),
        (5.0, -3.0, (-1.0, 1.0, 2.0)),
        (6.0, 3.0, (0.0, 1.0, -2.0)),
        (-6.0, 3.0, (0.0, 1.0, 2.0)),
        (1.0, 0.1, (1.0 % 0.1, 1.0, -9.0)),  # floor of the quotient 10.0 would be wrong
        (1.0, inf, (1.0, 1.0, -0.0)),
        (-1.0, inf, (inf, 1.0, 1.0)),
    ],
)
def test_remainder(x: float, y: float, expected: tuple[float, ...], impl: ModuleType) -> None:
    same(at(impl, "mod", x, y), expected)
    assert expected[0] == x % y


def test_floor_division(impl: ModuleType) -> None:
    for x, y in itertools.product((5.0, -5.0, 0.3), (3.0, -3.0, 0.1)):
        same(at(impl, "floordiv", x, y), (x // y, 0.0, 0.0))


@pytest.mark.parametrize("x", [0.0, -0.0])
@pytest.mark.parametrize("y", [0.0, -0.0])
def test_atan2_and_hypot_at_the_origin(x: float, y: float, impl: ModuleType) -> None:
    angle, *angle_slopes = at(impl, "atan2", x, y)
    same((angle,), (math.atan2(x, y),))
    assert angle_slopes == [0.0, 0.0]
    same(at(impl, "hypot", x, y), (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("hypot", inf, nan, (inf, nan, nan)),
        ("hypot", 3.0, 4.0, (5.0, 0.6, 0.8)),
        ("hypot", -3.0, 4.0, (5.0, -0.6, 0.8)),
        ("atan2", 1.0, 0.0, (math.pi / 2, 0.0, -1.0)),
        ("atan2", 0.0, 1.0, (0.0, 1.0, -0.0)),
        ("atan2", 0.0, -1.0, (math.pi, -1.0, -0.0)),
        ("logaddexp", -inf, -inf, (-inf, 0.5, 0.5)),
        ("logaddexp", inf, inf, (inf, 0.5, 0.5)),
        ("logaddexp", 800.0, 0.0, (800.0, 1.0, 0.0)),
        ("logaddexp", -inf, 2.0, (2.0, 0.0, 1.0)),
    ],
)
def test_pairs(
    name: str, x: float, y: float, expected: tuple[float, ...], impl: ModuleType
) -> None:
    same(at(impl, name, x, y), expected)


def test_hypot_neither_overflows_nor_vanishes(impl: ModuleType) -> None:
    for scale in (2.0**600, 2.0**-600, 2.0**-1050):
        same(at(impl, "hypot", 3 * scale, 4 * scale), (5 * scale, 0.6, 0.8))
    length, dx, dy = at(impl, "hypot", 1.5e308, 1.5e308)  # beyond the largest double
    assert length == inf
    assert dx == dy == pytest.approx(math.sqrt(0.5), rel=1e-15)


# -- copies ----------------------------------------------------------------------------------------


def test_copies_differentiate_as_the_originals(impl: ModuleType) -> None:
    """A shallow copy of an inner node has the same op and operands; a deep one its own leaves."""
    import copy

    x = impl.Value(3.0)
    y = x * x + x.exp()
    shallow, (deep, deep_x) = copy.copy(y), copy.deepcopy((y, x))
    assert shallow is not y
    assert shallow._children == y._children
    assert (shallow._op, deep._op) == (y._op, y._op)
    expected = 2 * 3.0 + math.exp(3.0)
    shallow.backward()
    same((x.grad, deep_x.grad), (expected, 0.0))
    deep.backward()
    same((x.grad, deep_x.grad), (expected, expected))
    leaf = copy.copy(x)
    assert leaf._children == ()
    same((leaf.data, leaf.grad), (x.data, x.grad))
    leaf.data = 7.0
    assert x.data == 3.0
