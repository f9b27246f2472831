"""gradients() between Values, and backward(create_graph=True), whose grads are Values."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from differentiable import number

import pygrad.math as pm
from pygrad import Value, gradients, zero_grad
from pygrad._core import lib


def test_gradients_leave_grads_alone_and_keep_the_structure():
    x, y = Value(2.0), Value(3.0)
    z = x * y + x**2
    x.grad, z.grad = 7.0, 8.0
    found = gradients(z, {"x": x, "rest": [y, (x,)]})
    assert {k: v for k, v in found.items() if k == "x"}["x"].data == 7.0
    assert found["rest"][0].data == 2.0 and found["rest"][1][0].data == 7.0
    assert (x.grad, y.grad, z.grad) == (7.0, 0.0, 8.0)
    array = gradients(z, np.array([x, y]))
    assert array.dtype == object and [v.data for v in array] == [7.0, 2.0]


def test_gradients_by_inner_nodes_are_total_derivatives():
    x = Value(3.0)
    p = x * x
    q = p * x
    y = p * q + x
    by_p, by_q, by_x = gradients(y, [p, q, x])
    # by p: q + p * dq/dp; by x: d/dx (x**5 + x)
    assert (by_p.data, by_q.data, by_x.data) == (27.0 + 9.0 * 3.0, 9.0, 5 * 81.0 + 1.0)
    assert [g.data for g in gradients(y, [x, p])] == [406.0, 54.0]
    assert gradients(p, [p, x, p])[0].data == 1.0
    assert gradients(x, x).data == 1.0
    assert gradients(by_x, x).data == 20 * 27.0
    assert gradients(by_p, x).data == 6 * 9.0  # 2 x**3 as a function of x
    assert gradients(p, [q, Value(1.0)])[0].data == 0.0  # nothing depends on it


def test_gradients_of_the_same_input_twice():
    x = Value(3.0)
    first, second = gradients(x * x, [x, x])
    assert (first.data, second.data) == (6.0, 6.0)
    assert first is not second


@pytest.mark.parametrize(
    "call",
    [
        lambda x: gradients(x.data, x),
        lambda x: gradients(x, x.data),
        lambda x: gradients(x, [x, 1.0]),
        lambda x: gradients([x, x], x),
    ],
)
def test_gradients_are_for_values_only(call):
    with pytest.raises(TypeError, match="Value"):
        call(Value(1.0))


def test_backward_with_a_graph():
    x, y = Value(2.0), Value(3.0)
    p = x * y
    z = p * x
    z.backward(create_graph=True)
    assert isinstance(x.grad, Value) and isinstance(y.grad, Value) and isinstance(p.grad, Value)
    assert (x.grad.data, y.grad.data, p.grad.data) == (12.0, 4.0, 2.0)
    assert z.grad == 1.0
    by_x = x.grad  # 2 x y
    assert [g.data for g in gradients(by_x, [x, y])] == [6.0, 4.0]
    assert gradients(y.grad, x).data == 4.0
    assert gradients(gradients(by_x, x), y).data == 2.0


def test_backward_with_a_graph_accumulates_on_leaves():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward(create_graph=True)
    assert x.grad.data == 16.0
    assert gradients(x.grad, x).data == 12.0 + 2.0  # of both
    x.grad = 10.0
    (x**2).backward(create_graph=True)
    assert x.grad.data == 14.0
    (x**2).backward()
    assert type(x.grad) is float and x.grad == 18.0
    y = x * 1.0
    for _ in range(2):
        (y * y).backward(create_graph=True)
        assert y.grad.data == 4.0  # an inner node shows the last sweep's


def test_a_sweep_with_numbers_or_zero_grad_ends_grads_that_are_values():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    slope = x.grad
    zero_grad([x])
    assert type(x.grad) is float and x.grad == 0.0
    slope.backward()
    assert type(x.grad) is float and x.grad == 12.0
    (x**3).backward(create_graph=True)
    assert isinstance(x.grad, Value) and x.grad.data == 24.0
    x.grad = 0.0
    assert type(x.grad) is float
    y = x**3
    y.backward(create_graph=True)
    zero_grad(y)
    assert type(x.grad) is float and type(y.grad) is float


def test_backward_with_a_graph_takes_a_seed_and_any_order():
    x = Value(2.0)
    (x**4).backward(0.5, create_graph=True)
    assert x.grad.data == 16.0
    orders = [x.grad]
    for _ in range(3):
        x.grad = 0.0
        orders[-1].backward(create_graph=True)
        orders.append(x.grad)
    assert [number(g) for g in orders] == [16.0, 24.0, 24.0, 12.0]


def test_graphs_of_grads_are_freed():
    gc.collect()
    start = lib.pg_live_nodes()
    for _ in range(5):
        x = Value(2.0)
        y = pm.tanh(x * x) * x
        y.backward(create_graph=True)
        x.grad.backward()
        gradients(gradients(y, x), x)
    del x, y
    gc.collect()
    assert lib.pg_live_nodes() == start
