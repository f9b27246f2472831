"""The user's function inside a transform: its state, exceptions, captured Values and threads."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest
from differentiable import Function, rosenbrock

import pygrad
import pygrad.math as pm
from pygrad import (
    Value,
    grad,
    gradients,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from pygrad._core import lib


def test_changed_closure_state_is_seen_at_each_call():
    state = {"k": 1.0}
    slope = grad(lambda x: state["k"] * x)
    second = hessian(lambda x: state["k"] * x * x)
    assert (slope(1.0), second(1.0)) == (1.0, 2.0)
    state["k"] = 5.0
    assert (slope(1.0), second(1.0)) == (5.0, 10.0)
    w = Value(2.0)
    slope = grad(lambda x: w * x)
    assert slope(1.0) == 2.0
    w.data = 7.0
    assert slope(1.0) == 7.0


def test_data_may_be_read_inside():
    seen = []

    def f(x):
        seen.append(x.data)
        return x * x if x.data > 0 and x > 0 else -x

    assert [grad(f)(3.0), grad(f)(-3.0), hessian(f)(3.0)] == [6.0, -1.0, 2.0]
    assert seen == [3.0, -3.0, 3.0]
    assert grad(lambda x: x * float(x.data))(3.0) == 3.0  # a detached number


class Unlucky(Exception):
    pass


TRANSFORMS: dict[str, Function] = {
    "grad": lambda f: grad(f)(2.0),
    "value_and_grad": lambda f: value_and_grad(f)(2.0),
    "jvp": lambda f: jvp(f, (2.0,), (1.0,)),
    "vjp": lambda f: vjp(f, 2.0)[1](1.0),
    "jacrev": lambda f: jacrev(f)(2.0),
    "jacfwd": lambda f: jacfwd(f)(2.0),
    "hessian": lambda f: hessian(f)(2.0),
    "hvp": lambda f: hvp(f, 2.0, 1.0),
    "third": lambda f: grad(jacfwd(jacrev(f)))(2.0),
    "of an array": lambda f: jacobian(lambda x: [f(x[0]), f(x[1])])(np.array([2.0, 3.0])),
}
every_transform = pytest.mark.parametrize("apply", TRANSFORMS.values(), ids=TRANSFORMS)


@every_transform
def test_exceptions_of_the_function_come_through_and_leave_nothing_behind(apply):
    gc.collect()
    start = lib.pg_live_nodes()
    error = Unlucky("as it is")

    def fails(x):
        y = x * x + pm.exp(x)
        if y > 0:
            raise error
        return y

    with pytest.raises(Unlucky) as caught:
        apply(fails)
    assert caught.value is error and caught.value.__cause__ is None
    with pytest.raises(ZeroDivisionError):
        apply(lambda x: 1.0 / (x - x))
    with pytest.raises(ValueError, match="math domain error"):
        apply(lambda x: (x - x - 1.0).log())
    error.__traceback__ = None
    del caught
    gc.collect()
    assert lib.pg_live_nodes() == start
    assert grad(lambda x: x**3)(2.0) == 12.0


@every_transform
def test_no_node_is_left_after_a_transform(apply):
    gc.collect()
    start = lib.pg_live_nodes()
    for _ in range(20):
        apply(lambda x: pm.tanh(x * x) / (1 + pygrad.dot([x, x], [2.0, x])))
    assert lib.pg_live_nodes() == start  # by reference counts alone


@every_transform
def test_captured_values_keep_their_grads(apply):
    w, b = Value(3.0), Value(0.5)
    w.grad, b.grad = 5.0, -1.0
    inner = w * b
    inner.grad = 2.0
    apply(lambda x: (w * x + inner).tanh() * x)
    assert [(v.grad, type(v.grad)) for v in (w, b, inner)] == [
        (5.0, float),
        (-1.0, float),
        (2.0, float),
    ]
    found = grad(lambda x: w * x * x)(2.0)
    assert isinstance(found, Value) and found.data == 12.0 and w.grad == 5.0


@every_transform
def test_transforms_work_within_no_grad(apply):
    f = lambda x: pm.exp(x) * x / (2 + x * x)  # noqa: E731
    expected = apply(f)
    with no_grad():
        found = apply(f)
        assert (Value(2.0) * 3.0)._children == ()  # it still holds
    assert np.array_equal(np.asarray(found, dtype=object), np.asarray(expected, dtype=object))


def test_no_grad_inside_the_function_makes_constants():
    def f(x):
        with no_grad():
            factor = x * 2.0
        return factor * x

    assert grad(f)(3.0) == jacfwd(f)(3.0) == 6.0
    assert grad(pygrad.no_grad()(lambda x: x * x))(3.0) == 0.0


def test_values_given_within_no_grad_lead_to_values_that_remember_nothing():
    x = Value(3.0)
    with no_grad():
        found = grad(lambda v: v * v)(x)
    assert isinstance(found, Value) and (found.data, found._children) == (6.0, ())


def test_given_values_lead_to_values_that_depend_on_them():
    x = Value(2.0)
    found = grad(lambda v: v**3)(x)
    assert isinstance(found, Value) and found.data == 12.0
    found.backward()
    assert x.grad == 12.0
    value, slope = value_and_grad(lambda v: v**3)(x)
    assert gradients(value, x).data == 12.0 and gradients(slope, x).data == 12.0
    tangent = jvp(lambda v: v * v, (3.0,), (x,))[1]
    assert isinstance(tangent, Value) and gradients(tangent, x).data == 6.0


def test_transforms_in_16_threads():
    def work(i: int) -> Any:
        x = 0.1 * (i + 1)
        found = []
        for _ in range(15):
            found = [
                grad(lambda a: a * jacfwd(lambda b: pm.sin(a * b))(x))(x),
                hessian(lambda v: pm.exp(v[0] * v[1]) + rosenbrock(v))(
                    np.array([x, 1.0, -x])
                ).tolist(),
                hvp(rosenbrock, [x, 2.0], [1.0, x]),
            ]
        return found

    expected = [work(i) for i in range(16)]
    results: list[Any] = [None] * 16
    start = threading.Barrier(16)

    def run(i: int) -> None:
        start.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == expected


def test_a_transform_inside_a_closure_of_a_sweep():
    x = Value(2.0)
    doubled = x * 2.0
    node = Value(doubled.data**3, (doubled,), "cube")

    def rule() -> None:
        doubled.grad += grad(lambda v: v**3)(doubled.data) * node.grad
        assert hessian(lambda v: v**3)(doubled.data) == 24.0
        # A leaf of the sweep is for reading
        assert grad(lambda v: v * x * doubled.data)(1.0) == 8.0
        for inner_node in (
            lambda: gradients(doubled * x, x),
            lambda: grad(lambda v: v * doubled)(1.0),
        ):
            with pytest.raises(RuntimeError, match="still running"):
                inner_node()

    node._backward = rule
    (node * 1.0).backward()
    assert (doubled.grad, x.grad) == (48.0, 96.0)
