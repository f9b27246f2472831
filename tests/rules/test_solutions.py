"""custom_root, custom_fixed_point, custom_minimum: derivatives of solutions, whatever has solved."""

from __future__ import annotations

import math as plain
from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    check_grad,
    custom_fixed_point,
    custom_minimum,
    custom_root,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jvp,
    math,
    no_grad,
    vmap,
    while_loop,
)
from pygrad import compile as compile_

ROWS = np.array([1.0, 2.0, 4.0])


@custom_root(lambda y, a: y + math.exp(y) - a)
def omega(a: Any) -> Any:
    """By bisection on plain numbers, whose own slope would be that of its staircase."""
    assert type(a) is float
    low, high = -50.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle + plain.exp(middle) < a else (low, middle)
    return high


def test_one_unknown_to_third_order_and_either_way() -> None:
    e = plain.exp(omega(2.0))
    assert e + plain.log(e) == pytest.approx(2.0, rel=1e-15)
    first, second = 1 / (1 + e), -e / (1 + e) ** 3
    third = (2 * e * e - e) / (1 + e) ** 5
    assert grad(omega)(2.0) == pytest.approx(first, rel=1e-14)
    assert jvp(omega, (2.0,), (2.0,))[1] == pytest.approx(2 * first, rel=1e-14)
    for one in (grad, jacfwd):
        for other in (grad, jacfwd):
            assert one(other(omega))(2.0) == pytest.approx(second, rel=1e-13)
    assert grad(grad(grad(omega)))(2.0) == pytest.approx(third, rel=1e-12)
    assert jacfwd(jacfwd(jacfwd(omega)))(2.0) == pytest.approx(third, rel=1e-12)
    x = Value(2.0)
    (omega(x) ** 2).backward()
    assert x.grad == pytest.approx(2 * plain.log(e) * first, rel=1e-13)
    assert check_grad(omega, 2.0, order=2)
    with no_grad():
        assert omega(2.0) == omega(Value(2.0))


def residuals(y: Any, x: Any) -> Any:
    a, b, c = y
    return [4 * a + math.sin(b) - x[0] * x[1], a - 3 * b + c**3 - x[1], 5 * c + a * b - x[2]]


@custom_root(residuals)
def system(x: Any) -> Any:
    """By Newton's method on plain numbers."""
    y = np.zeros(3)
    for _ in range(12):
        a, b, c = y.tolist()
        f = residuals([a, b, c], x)
        slopes = [[4, plain.cos(b), 0], [1, -3, 3 * c * c], [b, a, 5]]
        y = y - np.linalg.solve(slopes, f)
    return y


def test_several_unknowns() -> None:
    at, step = np.array([0.5, -0.7, 1.1]), 1e-6
    assert np.allclose(residuals(system(at), at), 0.0, atol=1e-14)
    columns = [
        (system(at + step * unit) - system(at - step * unit)) / (2 * step) for unit in np.eye(3)
    ]
    for transform in (jacobian, jacfwd):
        assert np.allclose(transform(system)(at), np.array(columns).T, rtol=1e-8, atol=1e-9)
    length = lambda x: system(x) @ system(x)  # noqa: E731
    slopes = [
        (grad(length)(at + step * unit) - grad(length)(at - step * unit)) / (2 * step)
        for unit in np.eye(3)
    ]
    assert np.allclose(hessian(length)(at), slopes, rtol=1e-7, atol=1e-8)
    values = [Value(number) for number in at]
    total = system(np.array(values)).sum()
    total.backward()
    assert np.allclose([v.grad for v in values], np.array(columns).T.sum(0), rtol=1e-8)


def test_fixed_points_and_minima() -> None:
    @custom_fixed_point(lambda y, a: a * math.cos(y))
    def settled(a: float) -> float:
        y = 0.0
        for _ in range(300):
            y = a * plain.cos(y)
        return y

    y = settled(1.0)
    assert grad(settled)(1.0) == pytest.approx(plain.cos(y) / (1 + plain.sin(y)), rel=1e-13)
    assert check_grad(settled, 1.0, order=2)

    cost = lambda y, a, b: (y[0] - a) ** 2 + (y[1] - b * y[0]) ** 2 + y[1] ** 2  # noqa: E731

    @custom_minimum(cost)
    def nearest(a: float, b: float) -> list[float]:
        y = a / (1 + b * b / 2)
        return [y, b * y / 2]

    assert np.allclose(grad(cost)(nearest(3.0, 0.5), 3.0, 0.5), 0.0, atol=1e-14)
    closed = lambda v: v[0] / (1 + v[1] * v[1] / 2)  # noqa: E731
    at = np.array([3.0, 0.5])
    solved = lambda v: nearest(v[0], v[1])[0]  # noqa: E731
    assert np.allclose(grad(solved)(at), grad(closed)(at), rtol=1e-13)
    assert np.allclose(hessian(solved)(at), hessian(closed)(at), rtol=1e-12)


@custom_root(lambda y, a: y * y - a)
def root_by_steps(a: Any) -> Any:
    low, high = 0.0 * a, a + 1
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = middle * middle < a
        low, high = math.where(below, middle, low), math.where(below, high, middle)
    return low


@custom_root(lambda y, a: y * y - a)
def root_by_loop(a: Any) -> Any:
    return while_loop(lambda y: abs(y * y - a) > 1e-13, lambda y: 0.5 * (y + a / y), a)


@pytest.mark.parametrize("root", [root_by_steps, root_by_loop])
def test_solvers_made_of_operations_are_compiled_and_mapped(root: Any) -> None:
    assert grad(root)(2.0) == pytest.approx(0.5 / 2**0.5, rel=1e-13)
    assert np.allclose(vmap(root)(ROWS), ROWS**0.5, rtol=1e-13)
    assert np.allclose(vmap(grad(root))(ROWS), 0.5 * ROWS**-0.5, rtol=1e-13)
    second = compile_(vmap(grad(grad(root))))
    assert np.allclose(second(ROWS), -0.25 * ROWS**-1.5, rtol=1e-12)


def test_errors_name_the_equation() -> None:
    w = Value(3.0)
    captured = custom_root(lambda y, a: w * y - a)(lambda a: a / 3)
    for call in (captured, grad(captured), compile_(captured)):
        with pytest.raises(TypeError, match=r"Value\(data=3.0.*Hand it over"):
            call(2.0)
    with pytest.raises(TypeError, match="Hand it over"):
        custom_root(lambda y, a: 3 * y - a)(lambda a: a / w)(2.0)
    too_many = custom_root(lambda y, a: [y, y])(lambda a: a)
    with pytest.raises(ValueError, match="gives 2 numbers for 1 unknowns"):
        too_many(2.0)
    flat = custom_root(lambda y, a: (y - a) ** 2)(lambda a: a)
    with pytest.raises(
        np.linalg.LinAlgError, match=r"Singular matrix; raised in <lambda>\(\), a rule"
    ):
        grad(flat)(2.0)
    with pytest.raises(TypeError, match="by position"):
        omega(a=Value(2.0))
    options = custom_root(lambda y, a: y - a)(lambda a, tol=1.0: a + 0 * tol)
    assert grad(lambda a: options(a, tol=2.0))(3.0) == 1.0


# -- corners -----------------------------------------------------------------------------------------


def test_dicts_of_fixed_points_match_by_key() -> None:
    @custom_fixed_point(lambda y, a: {"v": a * math.cos(y["v"]), "u": a / 2 + 0 * y["u"]})
    def settled(a: Any) -> Any:
        v = 0.0
        for _ in range(200):
            v = a * plain.cos(v)
        return {"u": a / 2, "v": v}

    v = settled(0.7)["v"]
    found = grad(lambda a: settled(a)["v"])(0.7)
    assert found == pytest.approx(plain.cos(v) / (1 + 0.7 * plain.sin(v)), rel=1e-12)

    @custom_fixed_point(lambda y, a: {"w": a, "v": a})
    def other(a: Any) -> Any:
        return {"u": a, "v": a}

    with pytest.raises(ValueError, match=r"has the keys \['w', 'v'\], and the solution has"):
        other(0.7)


def test_options_are_not_those_of_the_equation() -> None:
    @custom_root(lambda y, a, b=2.0: y * b - a)
    def ratio(a: Any, b: float = 2.0, tolerance: float = 0.0) -> Any:
        return a / b

    assert grad(lambda a: ratio(a, 5.0))(4.0) == pytest.approx(0.2)
    assert grad(lambda a: ratio(a, tolerance=1.0))(4.0) == 0.5
    with pytest.raises(TypeError, match="give b by position"):  # the slope would be that at b = 2
        grad(lambda a: ratio(a, b=5.0))(4.0)


@pytest.mark.parametrize("order", [grad, lambda f: grad(grad(f)), jacfwd])
def test_a_singular_equation_is_a_linalgerror_of_any_order(order: Any) -> None:
    root = custom_root(lambda y, a: y * y - a)(plain.sqrt)
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        order(root)(0.0)
