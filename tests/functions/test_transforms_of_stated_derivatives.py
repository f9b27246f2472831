"""Transforms over nodes that state their own derivatives: by numbers, by closures, by Values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from differentiable import WAYS, by_vjp, cube, number, square

import pygrad
from pygrad import Value, grad, gradients, hessian, jacfwd


def numeric_square(x: Value) -> Value:
    return Value(x.data**2, (x,), (2 * x.data,), label="my square")


def closure_square(x: Value) -> Value:
    node = Value(x.data**2, (x,), "my square")

    def rule() -> None:
        x.grad += 2 * x.data * node.grad

    node._backward = rule
    return node


def test_numeric_partials_differentiate_once_and_are_named_beyond():
    assert grad(lambda x: numeric_square(x) * x)(3.0) == 27.0
    assert jacfwd(lambda x: numeric_square(x) * x)(3.0) == 27.0
    for second in (hessian, lambda f: grad(grad(f)), lambda f: jacfwd(jacfwd(f))):
        with pytest.raises(TypeError, match=r"9\.0.*plain numbers.*local_grads"):
            second(lambda x: numeric_square(x) * x)(3.0)
    x = Value(3.0)
    y = numeric_square(x) * x
    with pytest.raises(TypeError, match=r"9\.0.*plain numbers"):
        gradients(y, x)
    with pytest.raises(TypeError, match=r"9\.0.*plain numbers"):
        y.backward(create_graph=True)
    assert type(x.grad) is float and x.grad == 0.0
    y.backward()
    assert x.grad == 27.0
    aside = Value(2.0)
    assert gradients(y * aside, aside).data == 27.0  # not on the way


def test_closures_differentiate_once_in_reverse_and_are_named_beyond():
    f = lambda x: closure_square(x) * x  # noqa: E731
    assert grad(f)(3.0) == 27.0
    assert by_vjp(f)(3.0) == 27.0
    for call in (lambda: hessian(f)(3.0), lambda: grad(grad(f))(3.0), lambda: jacfwd(f)(3.0)):
        with pytest.raises(TypeError, match=r"9\.0.*_backward"):
            call()
    x = Value(3.0)
    y = f(x)
    for call in (lambda: gradients(y, x), lambda: y.backward(create_graph=True)):
        with pytest.raises(TypeError, match=r"my square.*_backward"):
            call()
    assert x.grad == 0.0
    y.backward()
    assert x.grad == 27.0
    assert grad(lambda v: v * v)(3.0) == 6.0


@pytest.mark.parametrize(
    "ways", [*itertools.product(["grad", "jacfwd", "gradients"], repeat=3)], ids="-".join
)
def test_partials_that_are_values_differentiate_to_any_order(ways):
    for f, derivatives in [(square, [9.0, 6.0, 2.0, 0.0]), (cube, [27.0, 27.0, 18.0, 6.0])]:
        g = f
        assert number(f(Value(3.0))) == derivatives[0]
        for way, expected in zip(reversed(ways), derivatives[1:], strict=True):
            g = WAYS[way](g)
            assert number(g(3.0)) == expected
    mixed = lambda x: cube(x * 2.0) * square(x)  # noqa: E731  8 x**5
    assert hessian(mixed)(2.0) == 8 * 20 * 8.0


def test_partials_of_two_operands_that_refer_to_both():
    def times(x: Value, y: Value) -> Value:
        return Value(x.data * y.data, (x, y), (y, x))

    second = hessian(lambda v: times(v[0], times(v[1], v[0])))(np.array([2.0, 3.0]))
    assert second.tolist() == [[6.0, 4.0], [4.0, 0.0]]


def test_sums_and_dot_products_to_fourth_order_through_transforms():
    f = lambda x: pygrad.dot([x, x * x], [x * x, x], pygrad.sum([x**4, x]))  # noqa: E731
    g, expected = f, [2 * 27.0 + 81.0 + 3.0, 54.0 + 108.0 + 1.0, 36.0 + 108.0, 12.0 + 72.0, 24.0]
    assert number(f(Value(3.0))) == expected[0]
    for order, way in enumerate([grad, jacfwd, grad, jacfwd], 1):
        g = way(g)
        assert g(3.0) == expected[order]
