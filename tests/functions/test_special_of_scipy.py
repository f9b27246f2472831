"""Functions of pygrad.special that SciPy computes: against mpmath, three derivatives, and in programs."""

from __future__ import annotations

import functools
import math
from typing import Any

import mpmath
import numpy as np
import pytest

from pygrad import Value, check_grad, compile, grad, hessian, special, vmap

scipy = pytest.importorskip("scipy.special")
mp = mpmath.mp.clone()
mp.dps = 20

# What a function is, where it is asked, and to which digits three derivatives and the value hold.
TRUTH: dict[str, tuple[Any, tuple[float, ...], float]] = {
    "j0": (lambda x: mp.besselj(0, x), (0.0, 0.7, 5.0, -12.3), 1e-13),
    "j1": (lambda x: mp.besselj(1, x), (0.0, 0.7, 5.0, -12.3), 1e-13),
    "y0": (lambda x: mp.bessely(0, x), (0.3, 2.0, 12.3), 1e-13),
    "y1": (lambda x: mp.bessely(1, x), (0.3, 2.0, 12.3), 1e-13),
    "i0": (lambda x: mp.besseli(0, x), (0.0, 0.7, -5.0, 30.0), 1e-14),
    "i1": (lambda x: mp.besseli(1, x), (0.0, 0.7, -5.0, 30.0), 1e-14),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), (0.7, -3.0, 10.0, 300.0), 1e-13),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), (0.7, -3.0, 10.0, 300.0), 1e-13),
    "k0": (lambda x: mp.besselk(0, x), (0.1, 1.0, 20.0), 1e-14),
    "k1": (lambda x: mp.besselk(1, x), (0.1, 1.0, 20.0), 1e-14),
    "lambertw": (lambda x: mp.lambertw(x).real, (-0.3, 0.0, 1.0, 100.0), 1e-12),
    "zeta": (lambda x: mp.zeta(x), (1.1, 2.0, 7.0), 1e-12),
    "ellipk": (lambda m: mp.ellipk(m), (-3.0, 0.0, 0.5, 0.9), 1e-12),
    "ellipe": (lambda m: mp.ellipe(m), (-3.0, 0.0, 0.5, 0.9), 1e-12),
    "jv": (lambda x: mp.besselj(2.5, x), (0.7, 5.0, 12.3), 1e-13),
    "gammainc": (lambda x: mp.gammainc(2.5, 0, x, regularized=True), (0.1, 2.0, 9.0), 1e-13),
    "gammaincc": (lambda x: mp.gammainc(2.5, x, regularized=True), (0.1, 2.0, 9.0), 1e-13),
}
FIRST = {"jv": 2.5, "gammainc": 2.5, "gammaincc": 2.5}  # an argument without derivative


def of_one(name: str) -> Any:
    f = getattr(special, name)
    return (lambda x: f(FIRST[name], x)) if name in FIRST else f


# Functions for whose differences mpmath takes seconds: the derivative of an order is a sum of functions
# of other orders, whose parts have signs (Digital Library of Mathematical Functions, 10.6.7 and 10.29.5).
# These follow from two of them by a recurrence that keeps its digits upwards (10.6.1, 10.29.1, 3.6(iv)).
OF_OTHER_ORDERS: dict[str, tuple[str, int, Any]] = {
    "y0": ("Y", 0, lambda order, part: (-1) ** part),
    "y1": ("Y", 1, lambda order, part: (-1) ** part),
    "k0": ("K", 0, lambda order, part: (-1) ** order),
    "k1": ("K", 1, lambda order, part: (-1) ** order),
}


@functools.cache
def of_order(kind: str, order: int, at: Any) -> Any:
    """The Bessel function Y or K of a whole order."""
    if order < 0:
        return (-1) ** (order if kind == "Y" else 0) * of_order(kind, -order, at)
    if order < 2:
        return {"Y": mp.bessely, "K": mp.besselk}[kind](order, at)
    below, last = of_order(kind, order - 2, at), of_order(kind, order - 1, at)
    return 2 * (order - 1) / at * last + (-below if kind == "Y" else below)


CASES = [(name, x) for name, (_, points, _) in TRUTH.items() for x in points]


def to_third_order(name: str, x: float) -> list[float]:
    """The value and three derivatives."""
    at = mp.mpf(x)
    if name not in OF_OTHER_ORDERS:
        terms = mp.taylor(TRUTH[name][0], at, 3)
        return [float(mp.re(term)) * math.factorial(order) for order, term in enumerate(terms)]
    kind, first, sign = OF_OTHER_ORDERS[name]
    return [
        float(
            sum(
                sign(order, part)
                * math.comb(order, part)
                * of_order(kind, first - order + 2 * part, at)
                for part in range(order + 1)
            )
            / 2**order
        )
        for order in range(4)
    ]


@pytest.mark.parametrize(("name", "x"), CASES)
def test_values_and_three_derivatives(name: str, x: float) -> None:
    digits = TRUTH[name][2]
    derivative, scale = of_one(name), 0.0
    for order, expected in enumerate(to_third_order(name, x)):
        scale = max(scale, abs(expected))
        assert derivative(x) == pytest.approx(expected, rel=digits, abs=4e-16 * scale), order
        derivative = grad(derivative)


@pytest.mark.parametrize("name", TRUTH)
def test_rows_arrays_and_checks(name: str) -> None:
    f, x = of_one(name), np.linspace(0.2, 0.8, 70) + (name == "zeta")
    given = getattr(scipy, name)
    expected = given(FIRST[name], x) if name in FIRST else given(x)
    if name == "lambertw":
        expected = expected.real
    elif name == "zeta":
        expected = given(x, 1.0)
    assert np.array_equal(f(x), expected) and f(x).dtype == float
    assert np.array_equal(vmap(f)(x), expected)
    slopes = [grad(f)(float(v)) for v in x[:3]]
    assert vmap(grad(f))(x)[:3] == pytest.approx(slopes, rel=1e-14)
    values = f([Value(float(x[0])), Value(float(x[1]))])
    assert [v.data for v in values] == expected[:2].tolist()
    compiled = compile(f)
    assert [compiled(float(v)) for v in x[:3]] == expected[:3].tolist()
    assert check_grad(f, float(x[30]), order=2).verdict == "ok"


def test_arguments_without_derivative_say_so() -> None:
    for f, first in ((special.jv, "v"), (special.gammainc, "a"), (special.gammaincc, "a")):
        with pytest.raises(TypeError, match=rf"no derivative by .*{first}"):
            grad(f)(1.5, 2.0)
        with pytest.raises(TypeError, match=rf"no derivative by .*{first}"):
            compile(grad(f))(1.5, 2.0)
        assert compile(f)(1.5, 2.0) == f(1.5, 2.0)
        assert compile(grad(f, 1))(1.5, 2.0) == pytest.approx(grad(f, 1)(1.5, 2.0), rel=1e-14)
    with pytest.raises(ValueError, match="branches 0 and -1"):
        special.lambertw(1.0, 2)


def test_second_branch_and_second_argument() -> None:
    w = grad(lambda x: special.lambertw(x, -1))(-0.2)
    assert w == pytest.approx(float(mp.diff(lambda x: mp.lambertw(x, -1).real, -0.2)), rel=1e-12)
    assert math.isnan(special.lambertw(-1.0)) and math.isnan(special.lambertw(0.5, -1))
    curve = hessian(lambda v: special.zeta(v[0], v[1]))(np.array([2.5, 0.7]))
    for i, j, n in ((0, 0, (2, 0)), (0, 1, (1, 1)), (1, 1, (0, 2))):
        expected = float(mp.diff(lambda s, q: mp.zeta(s, q), (2.5, 0.7), n))
        assert curve[i][j] == pytest.approx(expected, rel=1e-11)


def test_scaled_functions_have_slopes_where_unscaled_ones_overflow() -> None:
    for f in (special.i0e, special.i1e):
        for x in (1e4, 1e100):  # both are 1 / sqrt(2 pi x) there, times 1 - 3 / (8 x) at most
            expected = -0.5 / (x * math.sqrt(2.0 * math.pi * x))
            assert grad(f)(x) == pytest.approx(expected, rel=2.0 / x + 1e-14)
        assert grad(f)(-1e4) == (1.0 if f is special.i1e else -1.0) * grad(f)(1e4)
        assert grad(f)(math.inf) == 0.0 and math.isnan(grad(f)(math.nan))
    assert grad(special.i0e)(0.0) == 0.0 and grad(special.i1e)(0.0) == 0.5


def test_riemanns_zeta_of_plain_numbers_below_1_is_scipys() -> None:
    expected = scipy.zeta([0.5, -1.0, -2.0, 2.0])
    assert special.zeta(np.array([0.5, -1.0, -2.0, 2.0])) == pytest.approx(expected, rel=1e-15)
    assert special.zeta(0.5) == scipy.zeta(0.5)
    assert np.isnan(special.zeta(math.nan))
    assert grad(special.zeta)(2.0) == pytest.approx(-0.9375482543158438, rel=1e-15)
