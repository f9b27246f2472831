"""check_grad of functions that go in stairs, as of a bisection, and of what only looks so."""

from __future__ import annotations

import doctest
import math

import pytest
from checked import OK, WRONG

import pygrad.checking.stairs
import pygrad.math as pm
from pygrad import Value, check_grad, grad

DEPENDS = "depends on the step"


def bisected(residual, low, high, rounds):
    """The root in x of residual(x, p), as a function of p; low and high are functions of p, too."""

    def root(p):
        a, b = low(p), high(p)
        for _ in range(rounds):
            middle = (a + b) / 2
            if residual(middle, p) > 0:
                b = middle
            else:
                a = middle
        return (a + b) / 2

    return root


def diode(v, current):
    """What a diode beside a resistor lets through at v volts, but for the current that is to flow."""
    return 1e-12 * (pm.exp(v / 0.026) - 1) + v / 1000 - current


def slope_of_diode(current):
    v = bisected(diode, lambda i: 0.0, lambda i: 1.0, 60)(current)
    return 1 / (1e-12 / 0.026 * math.exp(v / 0.026) + 1e-3)


def wet_bulb(dry):
    """As psychrolib has it: halves a range that ends at the dry bulb until it is a thousandth wide."""

    def saturated(t):
        return 0.622 * 0.61121 * pm.exp(17.5 * t / (t + 241.0)) / 101.325

    wet, dew = 0.01, 14.0
    low, high = dew, dry
    while high - low > 0.001:
        middle = (low + high) / 2
        excess = saturated(middle) * (2501 - 2.326 * middle) - 1.006 * (dry - middle)
        if excess / (2501 + 1.86 * dry - 4.186 * middle) > wet:
            high = middle
        else:
            low = middle
    return (low + high) / 2


@pytest.mark.parametrize("rounds", [12, 20, 30])
@pytest.mark.parametrize(
    "ends", [(lambda i: 0.0, lambda i: 1.0), (lambda i: 0.0 * i, lambda i: 0.5 + 30 * i)]
)
def test_a_bisected_diode_has_the_slope_of_its_treads_and_is_told(ends, rounds):
    f = bisected(diode, *ends, rounds)
    check = check_grad(f, 0.01)
    row = check.rows[0]
    assert (check.verdict, row.exact) == (DEPENDS, grad(f)(0.01)), str(check)
    assert not check
    truth = slope_of_diode(0.01)
    assert abs(row.numerical - truth) <= row.error_bar * max(abs(row.exact), row.numerical)
    assert row.numerical == pytest.approx(truth, rel=0.03)
    assert f"slope {row.exact:.6g} within a step of f, {row.numerical:.6g} over many" in row.note
    assert "pygrad.custom_root" in row.note


def test_a_bisected_wet_bulb_is_told():
    check = check_grad(wet_bulb, 25.0)
    row, h = check.rows[0], 0.5
    assert check.verdict == DEPENDS, str(check)
    wide = (wet_bulb(25.0 + h) - wet_bulb(25.0 - h)) / (2 * h)
    assert row.numerical == pytest.approx(wide, rel=0.01)
    assert row.relative_error > 0.05


@pytest.mark.parametrize("x", [7.0, -0.2, 3e-7, 4e9])
def test_stairs_of_any_size_are_told_and_what_is_beside_them_is_not_blamed(x):
    tread = abs(x) / 3000

    def f(v):
        return (v[0] / tread).round() * tread + v[1] ** 2

    check = check_grad(f, [x, 1.5])
    assert [row.verdict for row in check.rows] == [DEPENDS, OK]
    assert check.rows[0].numerical == pytest.approx(1.0, rel=0.05)


def test_a_derivative_that_goes_in_stairs_is_told_at_its_order():
    def f(x):
        return x**3 + (x * 1e4).floor() / 1e4 * (x - 0.7)

    rows = check_grad(f, 0.912345, order=2).rows
    assert [row.verdict for row in rows] == [DEPENDS, DEPENDS]
    # x**3 + x * (x - 0.7), but that the slope of the treads has no part in it at either order.
    assert [row.exact for row in rows] == pytest.approx([3 * 0.912345**2 + 0.9123, 6 * 0.912345])
    assert rows[0].numerical == pytest.approx(3 * 0.912345**2 + 2 * 0.912345 - 0.7, rel=0.01)
    assert rows[1].numerical == pytest.approx(6 * 0.912345 + 1, rel=0.01)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: abs(x - 0.69), 0.7),
        (lambda x: abs(x - 0.6999), 0.7),
        (lambda x: pm.maximum(x, 1000 * x - 700), 0.7001),
        (lambda x: pm.sin(1e6 * x), 0.7),
        (lambda x: x + pm.sin(1e3 * x) / 1e3, 0.7),
        (lambda x: x - pm.sin(1e4 * x) / 1e4, 0.7),
        (lambda x: x + abs(pm.sin(1e4 * x)) / 1e4, 0.7),  # many kinks
        (lambda x: abs((1e4 * x) % 2.0 - 1), 0.70002),
        (lambda x: x + pm.tanh(1e5 * (x - 0.701)), 0.7),  # one steep rise
        (lambda x: x if x < 0.701 else x + 0.1, 0.7),  # one jump
        (lambda x: x if x < 0.7001 else 3 * x, 0.7),
        (lambda x: (x * 1e2) % 1.0, 0.7021),  # saws go nowhere
        (lambda x: x % 360.0, 123456.0),
        (lambda x: 1e4 + x % 1.0, 1000.3),
        (lambda x: pm.sin(pm.radians(x % 360.0)), 123456.0),
        (lambda x: (x + 1e8) - 1e8, 0.7),  # rounding is no stairs
        (lambda x: (1 - pm.cos(x)) / x**2, 1e-4),
        (pm.exp, 300.0),
        (lambda x: x**300, 1.5),
        (lambda x: pm.exp(-((100 * x) ** 2)), 0.3),
    ],
)
def test_kinks_waves_saws_and_a_jump_beside_x_are_no_stairs(f, x):
    check = check_grad(f, x)
    assert check.verdict != DEPENDS, str(check)


def test_a_wrong_slope_is_wrong_and_no_stairs():
    def f(x):
        return Value(x.data**2, (x,), (1.9 * x.data,))

    assert check_grad(f, 3.0).verdict == WRONG


def test_a_solution_differentiated_as_one_is_ok():
    def root(i):
        v = bisected(diode, lambda i: 0.0, lambda i: 1.0, 60)(i.data)
        return Value(v, (i,), (slope_of_diode(i.data),))

    assert check_grad(root, 0.01), str(check_grad(root, 0.01))


def test_what_is_within_atol_is_ok():
    assert check_grad(lambda x: (x * 1e3).round() / 1e3, 0.7321, atol=2.0)


def test_a_slope_that_fails_elsewhere_is_no_failure():
    """f is defined all over; its derivative is not."""

    def f(x):
        y = (x * 1e3).floor() / 1e3
        if x.data != 0.7321 and abs(x.data - 0.7321) > 1e-2:
            raise ValueError("only near to 0.7321")
        return y

    assert check_grad(f, 0.7321).verdict in {OK, DEPENDS}


def test_examples_in_the_docstring():
    assert doctest.testmod(pygrad.checking.stairs).failed == 0
