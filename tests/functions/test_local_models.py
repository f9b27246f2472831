"""Linear and quadratic models of a function near a point."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import pygrad
from pygrad import Value, grad
from pygrad import math as pm
from pygrad.applications.models import linear_model, quadratic_model


def curved(x):
    return pm.exp(x[0]) * pm.sin(x[1]) + x[0] * x[1] ** 2


def test_models_reproduce_the_lesson():
    line, parabola = linear_model(lambda x: x**2, 2.0), quadratic_model(lambda x: x**2, 2.0)
    assert (line.value, line.gradient, line(0.01), line(1.0)) == (4.0, 4.0, 4.04, 8.0)
    assert (parabola.value, parabola.gradient, parabola.hessian) == (4.0, 4.0, 2.0)
    assert parabola(0.01) == pytest.approx(4.0401, rel=1e-15)
    assert parabola(1.0) == 9.0
    assert (line.x, parabola.x) == (2.0, 2.0)


@pytest.mark.parametrize(("model", "order"), [(linear_model, 2), (quadratic_model, 3)])
def test_the_miss_shrinks_with_the_order_of_the_model(model, order):
    x, direction = np.array([0.3, 1.1]), np.array([0.6, -0.8])
    m = model(curved, x)
    assert m.value == m(np.zeros(2)) == curved(x)

    def miss(h):
        return abs(curved(x + h * direction) - m(h * direction))

    misses = [miss(0.1 / 2**k) for k in range(6)]
    found = [math.log2(a / b) for a, b in pairwise(misses)]
    assert found[-1] == pytest.approx(order, abs=0.05)
    assert found == sorted(found) or found == sorted(found, reverse=True)


def test_a_linear_model_of_several_outputs_is_value_plus_jacobian_times_step():
    def f(x):
        return [x[0] * x[1], pm.sin(x[2]), x[0] + x[1] + x[2], x[2] ** 2]

    x, dx = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    m = linear_model(f, x)
    J = np.array([[2, 1, 0], [0, 0, math.cos(3)], [1, 1, 1], [0, 0, 6]])
    assert m.jacobian == pytest.approx(J, rel=1e-15)
    assert (m.jacobian == pygrad.jacobian(f)(x)).all()
    assert type(m(dx)) is list
    assert m(dx) == pytest.approx(np.array(m.value) + J @ dx, rel=1e-15)
    with pytest.raises(AttributeError, match="a jacobian, not a gradient"):
        m.gradient  # noqa: B018


def test_models_keep_names():
    f = lambda p: p["a"] ** 2 * p["b"]  # noqa: E731
    x = {"a": 2.0, "b": 3.0}
    line, parabola = linear_model(f, x), quadratic_model(f, x)
    assert line.gradient == parabola.gradient == {"a": 12.0, "b": 4.0}
    assert parabola.hessian == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}
    assert line({"b": 0.1, "a": -0.1}) == pytest.approx(12 - 1.2 + 0.4, rel=1e-15)
    assert parabola({"a": -0.1, "b": 0.1}) == pytest.approx(11.2 + 0.03 - 0.04, rel=1e-15)
    several = linear_model(lambda p: {"sum": p["a"] + p["b"], "a": p["a"]}, x)
    assert several.jacobian == {"sum": {"a": 1.0, "b": 1.0}, "a": {"a": 1.0, "b": 0.0}}
    assert several({"a": 1.0, "b": 1.0}) == {"sum": 7.0, "a": 3.0}


@pytest.mark.parametrize(
    "x",
    [np.array([0.3, 1.1]), [0.3, 1.1], np.array([[0.3], [1.1]])],
    ids=["array", "list", "matrix"],
)
def test_derivatives_of_models_are_as_the_transforms_give_them(x):
    def f(x):
        a, b = x.ravel() if hasattr(x, "ravel") else x
        return curved([a, b])

    m = quadratic_model(f, x)
    for found, expected in [(m.gradient, grad(f)(x)), (m.hessian, pygrad.hessian(f)(x))]:
        assert type(found) is type(expected)
        assert np.array_equal(found, expected)
    assert np.array_equal(linear_model(f, x).jacobian, grad(f)(x))


def test_a_model_is_of_its_point_and_not_of_what_becomes_of_it():
    x = np.array([1.0, 2.0])
    m = quadratic_model(lambda x: x[0] * x[1], x)
    x[:] = 100.0
    assert (m.x == [1.0, 2.0]).all()
    assert m(np.array([1.0, 1.0])) == 6.0


def test_a_step_of_another_structure_is_an_error():
    m = linear_model(lambda p: p["a"] + p["b"], {"a": 1.0, "b": 2.0})
    with pytest.raises(
        ValueError, match=r"dx must have the structure of x, a dict of 2 \(a, b\), not a dict of 1"
    ):
        m({"a": 1.0})
    with pytest.raises(ValueError, match="dx must have the structure of x"):
        m([1.0, 2.0])
    with pytest.raises(ValueError, match="dx must have the structure of x"):
        quadratic_model(lambda x: x[0] * x[1], [1.0, 2.0])([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="dx is a Value"):
        linear_model(lambda x: x, 1.0)(Value(1.0))


def test_a_quadratic_model_is_of_one_number():
    with pytest.raises(TypeError, match="linear_model takes several"):
        quadratic_model(lambda x: [x, x], 1.0)
