"""compile within transforms and around them, and Values that a function closes over."""

from __future__ import annotations

import gc
import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from exported import flat

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)
from pygrad import compile as compile_
from pygrad import math as pm

Pair = namedtuple("Pair", "a b")


# -- composition -----------------------------------------------------------------------------------


def bumpy(x: Any) -> Any:
    return x[0] ** 2 * x[1] + pm.exp(x[1] * x[0]) if x[0] > 0 else pm.sin(x[0]) * x[1]


POINTS = [np.array([0.3, 0.5]), np.array([-0.7, 2.0]), np.array([1.5, -0.2])]


@pytest.mark.parametrize(
    "transform",
    [
        grad,
        value_and_grad,
        hessian,
        jacobian,
        jacfwd,
        lambda f: jacfwd(grad(f)),
        lambda f: jacobian(grad(f)),
        lambda f: jacobian(lambda x: [f(x), x[0] * f(x)]),
        lambda f: lambda x: hvp(f, x, np.array([1.0, -2.0])),
        lambda f: lambda x: jvp(f, (x,), (np.array([1.0, -2.0]),)),
        lambda f: lambda x: vjp(f, x)[1](2.0),
        lambda f: grad(lambda x: grad(f)(x)[0] * x[1]),
    ],
)
def test_compile_of_a_transform_and_transform_of_a_compiled(transform: Any) -> None:
    compiled, inside = compile_(transform(bumpy)), transform(compile_(bumpy))
    both = compile_(transform(compile_(bumpy)))
    for x in POINTS:
        wanted = transform(bumpy)(x)
        for got in (compiled(x), inside(x), both(x)):
            for a, b in zip(flat(got), flat(wanted), strict=True):
                assert a == pytest.approx(b, rel=1e-13, abs=1e-15)
    assert len(compiled.programs) == 2


def test_higher_orders() -> None:
    f = compile_(lambda x: x**4 if x > 0 else -x)
    assert grad(grad(grad(f)))(2.0) == 48.0
    assert compile_(grad(grad(grad(f.f))))(2.0) == 48.0
    assert compile_(grad(compile_(grad(f))))(2.0) == 48.0


def test_aux_and_several_argnums() -> None:
    f = value_and_grad(lambda x, y: (x * y, {"sum": x + y}), argnums=(0, 1), has_aux=True)
    assert compile_(f)(3.0, 4.0) == ((12.0, {"sum": 7.0}), (4.0, 3.0))


def test_given_values_it_is_the_function_itself() -> None:
    w, x = Value(2.0), Value(3.0)
    f = compile_(lambda x: w * x * x)
    y = f(x)
    assert isinstance(y, Value)
    y.backward()
    assert (w.grad, x.grad) == (9.0, 12.0)
    z = f([Value(1.0)][0]) + compile_(lambda p: p["a"] * 2)({"a": x})
    assert z.data == 8.0


def test_captured_value_of_an_enclosing_transform() -> None:
    f = lambda a: compile_(lambda x: a * x * x)(2.0)  # noqa: E731
    assert grad(f)(3.0) == 4.0
    assert grad(lambda a: compile_(lambda x: x if x < 0 else a * x)(2.0))(3.0) == 2.0
    assert grad(lambda a: compile_(grad(lambda x: a * x * x))(2.0))(3.0) == 4.0
    held = []
    g = compile_(lambda x: held[0] * x)

    def outer(a: Any) -> Any:
        held[:] = [a]
        return g(2.0)

    assert (grad(outer)(3.0), grad(outer)(4.0)) == (2.0, 2.0)


def test_compiled_within_compiled() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x * 2

    inner = compile_(f)
    outer = compile_(lambda x: inner(x) + inner(x * x) + inner(3.0))
    assert (outer(2.0), outer(3.0)) == (18.0, 30.0)
    assert len(calls) == 3


# -- live Values -----------------------------------------------------------------------------------


def test_captured_values_are_read_at_each_call() -> None:
    w = Value(2.0)
    f = compile_(lambda x: w * x if w > 0 else x)
    assert f(3.0) == 6.0
    w.data = 5.0
    assert f(3.0) == 15.0
    w.data = -1.0
    assert f(3.0) == 3.0
    assert grad(f)(3.0) == 1.0


def test_a_captured_inner_node_is_what_it_is() -> None:
    w = Value(2.0)
    square = w * w
    f = compile_(lambda x: square * x)
    assert f(3.0) == 12.0
    square.data = 5.0
    assert f(3.0) == 15.0


def test_a_captured_value_that_is_freed_stays_valid() -> None:
    held = {"w": Value(2.0) * 1.5}
    f = compile_(lambda x: held["w"] * x)
    assert f(2.0) == 6.0
    del held["w"]
    gc.collect()
    junk = [Value(float(i)) * 2 for i in range(1000)]
    assert f(2.0) == 6.0
    del junk


def test_captured_values_inside_transforms_and_compiled_functions() -> None:
    w = Value(3.0)
    inner = compile_(lambda t: t * w)
    f = compile_(
        lambda x: (
            x
            + inner(2.0)
            + vmap(lambda t: t * w, reduce="sum")(np.ones(2))
            + pygrad.gradients(w * w, w)
        )
    )
    assert f(1.0) == 1 + 6 + 6 + 6
    w.data = 10.0
    assert f(1.0) == 1 + 20 + 20 + 20


def test_derivative_at_a_constant_point_of_a_captured_value() -> None:
    w = Value(3.0)
    f = compile_(lambda x: x + grad(lambda t: t * t * w)(2.0))
    assert f(1.0) == 13.0
    w.data = 10.0
    assert f(1.0) == 41.0


def test_a_value_born_in_one_trace_is_live_for_the_next_function() -> None:
    made = {}

    def first(x: Any) -> Any:
        return made.setdefault("w", Value(2.0)) * x

    compile_(first)(1.0)
    second = compile_(lambda x: made["w"] * x)
    assert second(1.0) == 2.0
    made["w"].data = 5.0
    assert second(1.0) == 5.0
    made["w"].grad = 0.0
    second.backward(np.ones(2))
    assert made["w"].grad == 1.0


def test_constants_are_pooled_by_bits() -> None:
    f = compile_(lambda x: [x / Value(0.0), x / Value(-0.0), Value(0.0) * x, Value(-0.0) * x])
    assert [str(v) for v in f(1.0)] == ["inf", "-inf", "0.0", "-0.0"]


def test_frozen_numbers_and_verify() -> None:
    k = [1.0]
    frozen, verified = compile_(lambda x: k[0] * x), compile_(lambda x: k[0] * x, verify=True)
    assert frozen(2.0) == verified(2.0) == 2.0
    k[0] = 3.0
    assert frozen(2.0) == 2.0
    with pytest.raises(RuntimeError, match=r"compiled gives 2\.0"):
        verified(2.0)


def test_verify_passes_what_is_right() -> None:
    w = Value(0.3)
    f = compile_(lambda x: (w * x).tanh() * x.exp(), verify=True)
    for x in np.linspace(0.1, 3, 40):
        assert f(x) == pytest.approx(math.tanh(0.3 * x) * math.exp(x))
    g = compile_(lambda a: [a[0] * 2, a], verify=True)
    assert g(np.array([1.0, 2.0]))[0] == 2.0
    assert compile_(lambda x: pm.stop_gradient(x), verify=True)(1.0) == 1.0


def test_verify_works_for_mapped_functions() -> None:
    k = [1.0]
    f = compile_(vmap(lambda x: k[0] * x), verify=True)
    assert f(np.ones(2)).tolist() == [1.0, 1.0]
    k[0] = 2.0
    with pytest.raises(RuntimeError):
        f(np.ones(2))
