"""What transforms take and give: numbers, structures, argnums, tangents; each call gives new arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from pygrad import Value, grad, gradients, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp

# -- arguments and results -----------------------------------------------------------------------------


class Parameters(NamedTuple):
    w: Any
    b: Any


def test_argnums():
    f = lambda a, b, c: a * b**2 * c**3  # noqa: E731
    at = (2.0, 3.0, 5.0)
    by_a, by_b, by_c = 9.0 * 125.0, 2.0 * 6.0 * 125.0, 2.0 * 9.0 * 75.0
    assert grad(f)(*at) == by_a
    assert [grad(f, argnums=i)(*at) for i in (1, 2, -1, -3)] == [by_b, by_c, by_c, by_a]
    assert grad(f, argnums=(2, 0))(*at) == (by_c, by_a)
    assert grad(f, argnums=[1])(*at) == (by_b,)
    assert grad(f, (0, -1))(*at) == (by_a, by_c)
    assert value_and_grad(f, (1,))(*at) == (2250.0, (by_b,))
    assert jacfwd(f, argnums=(0, 1))(*at) == jacrev(f, argnums=(0, 1))(*at) == (by_a, by_b)
    assert hessian(f, argnums=-1)(*at) == 2.0 * 9.0 * 6.0 * 5.0
    second = hessian(f, argnums=(0, 1))(*at)
    assert second == ((0.0, 6.0 * 125.0), (6.0 * 125.0, 2.0 * 2.0 * 125.0))


@pytest.mark.parametrize(
    ("argnums", "error", "words"),
    [
        (3, TypeError, "3 positional"),
        (-4, TypeError, "3 positional"),
        ((0, 0), ValueError, "twice"),
        ((0, -3), ValueError, "twice"),
        ((), ValueError, "empty"),
        (1.0, TypeError, "argnums|iterable"),
        ("x", TypeError, "argnums"),
        (True, TypeError, "argnums"),
    ],
)
def test_wrong_argnums_are_errors(argnums, error, words):
    with pytest.raises(error, match=words):
        grad(lambda a, b, c: a * b * c, argnums)(1.0, 2.0, 3.0)


def test_keyword_arguments_are_passed_on_and_other_arguments_are_left_alone():
    def f(x, name, *, scale=1.0):
        assert name == "name"
        assert type(scale) in (int, float)
        return x * scale

    assert grad(f)(2.0, "name", scale=3) == 3.0
    assert hessian(f)(2.0, "name", scale=3) == 0.0
    assert jvp(lambda x: f(x, "name"), (2.0,), (1.0,)) == (2.0, 1.0)
    with pytest.raises(TypeError, match="position"):
        grad(f)(x=2.0, name="name")


def test_has_aux():
    f = lambda x: (x[0] * x[1], {"doubled": x[0] * 2, "text": "kept", "n": 3})  # noqa: E731
    aux = {"doubled": 4.0, "text": "kept", "n": 3}
    assert grad(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    assert value_and_grad(f, has_aux=True)([2.0, 3.0]) == ((6.0, aux), [3.0, 2.0])
    assert jacrev(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    assert jacfwd(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    value, pullback, found = vjp(f, [2.0, 3.0], has_aux=True)
    assert (value, pullback(1.0), found) == (6.0, ([3.0, 2.0],), aux)
    assert hessian(f, has_aux=True)([2.0, 3.0]) == ([[0.0, 1.0], [1.0, 0.0]], aux)
    for transform in (grad, value_and_grad, jacrev, jacfwd):
        with pytest.raises(TypeError, match="has_aux"):
            transform(lambda x: x, has_aux=True)(1.0)


def test_whatever_is_a_real_number_is_accepted():
    square = lambda x: x * x  # noqa: E731
    for x in (
        3,
        3.0,
        np.float64(3),
        np.float32(3),
        np.int8(3),
        np.array(3.0),
        np.array(3),
        Fraction(3),
    ):
        for found in (grad(square)(x), jacfwd(square)(x), value_and_grad(square)(x)[1]):
            assert type(found) is float and found == 6.0
        assert hessian(square)(x) == 2.0
    assert grad(square)(True) == 2.0
    assert jvp(square, (3,), (np.int64(2),)) == (9.0, 12.0)
    assert grad(lambda x: x[0] ** 2 * x[1])(np.array([2, 3])).tolist() == [12.0, 4.0]
    assert grad(lambda x: x[0] ** 2)(np.array([True, False])).tolist() == [2.0, 0.0]
    found = grad(lambda x: x[0] ** 2 * x[1])(np.array([2, 3], dtype=np.float32))
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    "bad", ["2.0", None, 1j, b"x", [1.0, "a"], {"a": None}, np.array([1j]), np.array(["a"]), {1.0}]
)
def test_what_is_no_number_is_an_error(bad):
    for transform in (grad, jacrev, jacfwd, hessian):
        with pytest.raises(TypeError, match="number"):
            transform(lambda x: 1.0)(bad)
    with pytest.raises(TypeError, match="number"):
        vjp(lambda x: x, bad)


def test_structures_come_back_as_they_went_in():
    point = {
        "z": 2.0,
        "list": [3.0, (4.0, 5)],
        "named": Parameters(np.array([[1.0, 2.0], [3.0, 4.0]]), 6.0),
        "a": np.array([7.0]),
    }

    def f(p):
        assert [*p] == ["z", "list", "named", "a"]
        assert type(p["named"]) is Parameters and p["named"].w.shape == (2, 2)
        assert isinstance(p["z"], Value) and p["named"].w.dtype == object
        total = p["z"] * p["list"][0] * p["list"][1][0] * p["list"][1][1]
        return total + (p["named"].w ** 2).sum() * p["named"].b + p["a"][0]

    found = grad(f)(point)
    assert [*found] == ["z", "list", "named", "a"]
    assert (found["z"], found["list"]) == (60.0, [40.0, (30.0, 24.0)])
    assert type(found["named"]) is Parameters
    assert found["named"].w.tolist() == [[12.0, 24.0], [36.0, 48.0]]
    assert found["named"].b == 30.0
    assert found["a"].tolist() == [1.0]
    assert point["list"] == [3.0, (4.0, 5)]  # left as it was
    value, tangent = jvp(f, (point,), (found,))
    _, pullback = vjp(f, point)
    (same,) = pullback(1.0)
    assert same["list"] == found["list"] and same["named"].b == found["named"].b
    squares = [60, 40, 30, 24, 12, 24, 36, 48, 30, 1]
    assert tangent == sum(x * x for x in squares)
    assert value == 2 * 3 * 4 * 5 + 30 * 6 + 7


def test_empty_structures():
    assert grad(lambda x: 1.0)([]) == []
    assert grad(lambda x: 1.0)({}) == {}
    assert grad(lambda x: 1.0)(np.zeros((0,))).shape == (0,)
    assert jacrev(lambda x: [])(1.0) == jacfwd(lambda x: [])(1.0) == []
    assert hessian(lambda x: 1.0)(np.zeros((0,))).shape == (0, 0)
    assert jacfwd(lambda x: x)(np.zeros((0,))).shape == (0, 0)


def test_object_arrays_and_values_inside_structures_give_values():
    a, b = Value(2.0), Value(3.0)
    at = np.array([a, b], dtype=object)
    found = grad(lambda x: x[0] ** 2 * x[1])(at)
    assert found.dtype == object and [v.data for v in found] == [12.0, 4.0]
    found[0].backward()
    assert (a.grad, b.grad) == (6.0, 4.0)
    mixed = grad(lambda x: x["a"] * x["b"])({"a": a, "b": 5.0})
    assert all(isinstance(v, Value) for v in mixed.values())
    assert gradients(mixed["b"], a).data == 1.0
    second = hessian(lambda x: x[0] ** 2 * x[1])(at)
    assert second.shape == (2, 2) and [[v.data for v in row] for row in second] == [
        [6.0, 4.0],
        [4.0, 0.0],
    ]
    assert grad(lambda x: x[0])(np.array([1, 2.5], dtype=object)).dtype == np.float64


def test_results_are_new_float64_arrays_at_each_call():
    x = np.array([1.0, 2.0])
    constant = np.array([5.0, 6.0])
    for f, transform in [
        (lambda v: v[0] * v[1], grad),
        (lambda v: v * v, jacrev),
        (lambda v: v * v, jacfwd),
        (lambda v: constant, jacrev),
        (lambda v: v[0] * v[1], hessian),
    ]:
        first, second = transform(f)(x), transform(f)(x)
        assert first.dtype == np.float64 and first.flags.owndata | (first.base is not None)
        assert not np.shares_memory(first, second) and not np.shares_memory(first, x)
        assert first.flags.writeable
        kept = second.copy()
        first[:] = -1.0
        assert (transform(f)(x) == kept).all()
    value, _ = jvp(lambda v: constant, (x,), (x,))
    assert not np.shares_memory(value, constant)
    same, tangent = jvp(lambda v: v, (x,), (x,))
    assert not np.shares_memory(same, x) and not np.shares_memory(tangent, x)


def test_more_than_one_output_is_an_error_that_names_jacobian():
    for f in (lambda x: [x, x], lambda x: (x,), lambda x: {"a": x}, lambda x: x * np.ones(2)):
        for transform in (grad, value_and_grad):
            with pytest.raises(TypeError, match="jacobian"):
                transform(f)(2.0)
        assert jacrev(f)(2.0) is not None
    assert grad(lambda x: np.array(x * 2, dtype=object))(1.0) == 2.0  # of dimension 0: one number


@pytest.mark.parametrize("result", [None, "text", lambda: 1.0, 1j, object()])
def test_a_result_that_is_no_number_is_an_error_that_names_the_function(result):
    def model(x):
        return result

    for transform in (grad, jacrev, jacfwd, hessian):
        with pytest.raises(TypeError, match="model"):
            transform(model)(1.0)
    with pytest.raises(TypeError, match="model"):
        jvp(model, (1.0,), (1.0,))
    with pytest.raises(TypeError, match="model"):
        vjp(model, 1.0)


def test_tangents_and_cotangents_that_do_not_match_are_errors():
    f = lambda x, y: [x * y[0], y[1]]  # noqa: E731
    with pytest.raises(ValueError, match="tangents"):
        jvp(f, (1.0, [2.0, 3.0]), (1.0, [2.0]))
    with pytest.raises(ValueError, match="tangents"):
        jvp(f, (1.0, [2.0, 3.0]), (1.0,))
    with pytest.raises(TypeError, match="tuple"):
        jvp(f, 1.0, 1.0)
    _, pullback = vjp(f, 1.0, [2.0, 3.0])
    with pytest.raises(ValueError, match="cotangent"):
        pullback(1.0)
    with pytest.raises(ValueError, match="cotangent"):
        pullback([1.0, [1.0]])
    with pytest.raises(ValueError, match="tangents"):
        jvp(lambda x: x, (np.ones(3),), (np.ones(4),))
    with pytest.raises(TypeError, match="function"):
        grad(2.0)
    with pytest.raises(TypeError, match="function"):
        jvp(2.0, (1.0,), (1.0,))


# -- by hand ---------------------------------------------------------------------------------------------


def test_names_and_docs_are_the_functions():
    def model(x):
        """What it computes."""
        return x * x

    for transform in (grad, value_and_grad, jacrev, jacfwd, hessian):
        made = transform(model)
        assert made.__name__ == "model" and made.__doc__ == "What it computes."
