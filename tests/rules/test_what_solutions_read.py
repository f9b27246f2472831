"""What equations of solutions read may be something else by the time that a derivative is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    compile,
    custom_fixed_point,
    custom_minimum,
    custom_root,
    gauss_newton,
    grad,
    gradient_descent,
    jacfwd,
    math,
    newton,
    odeint,
    vmap,
    while_loop,
)

ROWS = np.array([1.0, 2.0, 4.0])


class Model:
    """What equations read: an attribute."""

    def __init__(self) -> None:
        self.k = 3.0


Made = Callable[[Model], Callable[[Any], Any]]


def of_custom_root(m: Model) -> Any:
    return custom_root(lambda y, a: y * y - m.k * a)(lambda a: math.sqrt(m.k * a))


def of_custom_fixed_point(m: Model) -> Any:
    return custom_fixed_point(lambda y, a: 0.5 * (y + m.k * a / y))(lambda a: math.sqrt(m.k * a))


def of_custom_minimum(m: Model) -> Any:
    def cost(y: Any, a: Any) -> Any:
        return y**3 / 3 - m.k * a * y

    return custom_minimum(cost)(lambda a: math.sqrt(m.k * a))


def of_newton(m: Model) -> Any:
    return lambda a: newton(lambda y: y * y - m.k * a, 1.0).x


def of_gauss_newton(m: Model) -> Any:
    return lambda a: gauss_newton(lambda y: [y * y - m.k * a], 1.0).x


def of_gradient_descent(m: Model) -> Any:
    return lambda a: gradient_descent(lambda y: y**3 / 3 - m.k * a * y, 2.0, tol=1e-13).x


def of_brentq(m: Model) -> Any:
    from pygrad.scipy import brentq

    return lambda a: brentq(lambda y: y * y - m.k * a, 0.0, 20.0, xtol=1e-14)


def of_root(m: Model) -> Any:
    from pygrad.scipy import root

    return lambda a: root(lambda y: [y[0] * y[0] - m.k * a], [1.0], tol=1e-14).x[0]


def of_minimize(m: Model) -> Any:
    from pygrad.scipy import minimize

    cost = lambda y, a: y[0] ** 3 / 3 - m.k * a * y[0]  # noqa: E731
    return lambda a: minimize(lambda y: cost(y, a), [2.0], bounds=[(1.0, 9.0)], tol=1e-14).x[0]


def of_least_squares(m: Model) -> Any:
    from pygrad.scipy import least_squares

    return lambda a: least_squares(lambda y: [y[0] * y[0] - m.k * a], [1.0], xtol=1e-15).x[0]


def of_curve_fit(m: Model) -> Any:
    from pygrad.scipy import curve_fit

    t = np.array([1.0, 2.0])
    return lambda a: curve_fit(lambda t, y: t * (y * y - m.k * a), t, 0.0 * t, [1.0], xtol=1e-15)[
        0
    ][0]


def of_odeint(m: Model) -> Any:
    slope = lambda y, t, a: m.k * a / (2.0 * y)  # noqa: E731
    return lambda a: odeint(slope, math.sqrt(0.5 * m.k * a), [0.0, 0.5], a)[-1]


OURS = [
    of_custom_root,
    of_custom_fixed_point,
    of_custom_minimum,
    of_newton,
    of_gauss_newton,
    of_gradient_descent,
    of_odeint,
]
SCIPYS = [of_brentq, of_root, of_minimize, of_least_squares, of_curve_fit]


@pytest.mark.parametrize("make", [*OURS, *SCIPYS])
def test_it_may_change_before_the_derivative_is_taken(make: Made) -> None:
    if make in SCIPYS:
        pytest.importorskip("scipy")
    slope = pytest.approx(0.5 * (3.0 / 2.0) ** 0.5, rel=1e-7)

    def changed(a: Any) -> Any:
        m = Model()
        y = make(m)(a)
        m.k = 50.0
        return y

    for transform in (grad, jacfwd):
        assert transform(changed)(2.0) == slope
        second = transform(transform(changed))(2.0)
        assert second == pytest.approx(-0.25 * 3**0.5 * 2**-1.5, rel=1e-6)


@pytest.mark.parametrize("make", [of_custom_root, of_custom_fixed_point, of_custom_minimum])
def test_it_may_change_before_backward_and_in_programs(make: Made) -> None:
    m, a = Model(), Value(2.0)
    y = make(m)(a)
    m.k = 50.0
    y.backward()
    assert a.grad == pytest.approx(0.5 * 1.5**0.5, rel=1e-13)

    def changed(a: Any) -> Any:
        m = Model()
        y = make(m)(a)
        m.k = 50.0
        return y

    def in_a_body(a: Any) -> Any:
        m = Model()
        solve = make(m)
        y = while_loop(lambda y: y > 1.7, lambda y: solve(y / 2.0), 2.0 * a)
        m.k = 50.0
        return y

    for f in (changed, in_a_body):
        for derivative in (grad(f), grad(grad(f)), jacfwd(f)):
            wanted = pytest.approx([derivative(a) for a in ROWS.tolist()], rel=1e-12)
            assert vmap(derivative)(ROWS).tolist() == wanted
            assert [compile(derivative)(a) for a in ROWS.tolist()] == wanted


def test_a_trajectory_of_scipys_says_so() -> None:
    pytest.importorskip("scipy")
    from pygrad.scipy import solve_ivp

    m, a, rate = Model(), Value(2.0), -1.0

    def slope(t: float, y: Any) -> Any:
        return rate * y + m.k

    def ground(t: float, y: Any) -> Any:
        return y[0] - m.k / 2.0 if t > 0 else y[0]

    y = solve_ivp(slope, (0.0, 1.0), [a]).y[0, -1]
    y.backward()
    assert a.grad == pytest.approx(np.exp(-1.0), rel=1e-3)
    m.k = 4.0
    with pytest.raises(RuntimeError, match=r"slope\(\) gives something else now than when"):
        y.backward()
    y = solve_ivp(slope, (0.0, 1.0), [a]).y[0, -1]
    rate = -2.0
    with pytest.raises(RuntimeError, match=r"at t = 0: something that it reads"):
        y.backward()
    found = solve_ivp(lambda t, y: -y, (0.0, 5.0), [a], events=ground)
    m.k = 1.0
    with pytest.raises(RuntimeError, match=r"ground\(\) gives something else"):
        found.t_events[0][0].backward()
