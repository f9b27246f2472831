"""What the first three lessons on backpropagation show, with their numbers."""

from __future__ import annotations

import math
import random

import pytest

# -- 1. Local derivatives live on the edges ------------------------------------------------------


def test_each_node_of_the_first_graph_knows_value_parents_op_and_local_rule(impl):
    a, b = impl.Value(2.0, label="a"), impl.Value(-3.0, label="b")
    c = a * b
    d = a + b
    e = c + d
    assert [(v.data, v._op, v._children) for v in (c, d, e)] == [
        (-6.0, "*", (a, b)),
        (-1.0, "+", (a, b)),
        (-7.0, "+", (c, d)),
    ]
    assert c.local_derivatives == (-3.0, 2.0)
    assert d.local_derivatives == (1.0, 1.0)
    assert e.local_derivatives == (1.0, 1.0)


def test_forward_value_and_backward_influence_are_different_things(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    e = a * b + (a + b)
    assert a.grad == b.grad == 0.0  # the forward pass does not touch the influence
    e.backward()
    assert (a.data, a.grad) == (2.0, -2.0)
    assert (b.data, b.grad) == (-3.0, 3.0)
    assert (e.data, e.grad) == (-7.0, 1.0)


def test_local_derivatives_of_square_exp_and_log(impl):
    assert (impl.Value(2.0) ** 2).local_derivatives == (4.0,)
    assert (impl.Value(3.0) ** 2).local_derivatives == (6.0,)
    e = impl.Value(1.5).exp()
    assert e.local_derivatives == (e.data,)
    assert impl.Value(4.0).log().local_derivatives == (0.25,)
    for x in (0.0, -1.0):
        with pytest.raises(ValueError, match="math domain error"):
            impl.Value(x).log()


# -- 2. Nudge it --------------------------------------------------------------------------------


def test_a_nudge_of_a_straight_line_does_exactly_what_the_derivative_says(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    c = a * b
    before = c.data
    a.data += 0.001
    change = (a * b).data - before
    assert change == pytest.approx(-0.003, rel=1e-12, abs=0)
    assert c.local_derivatives[0] * 0.001 == -0.003


@pytest.mark.parametrize(("step", "predicted", "actual"), [(0.01, 0.04, 0.0401), (1.0, 4.0, 5.0)])
def test_on_a_curve_the_derivative_predicts_locally(impl, step, predicted, actual):
    x = impl.Value(2.0)
    y = x**2
    y.backward()
    assert x.grad * step == predicted
    change = (impl.Value(2.0 + step) ** 2).data - y.data
    assert change == pytest.approx(actual, rel=1e-12, abs=0)


# -- 3. Ten ops on one page ---------------------------------------------------------------------

TEN_OPS = [
    ("a + b", 2.0, (1.0, 1.0)),
    ("a - b", 5.0, (1.0, -1.0)),
    ("-a", 0.5, (-1.0,)),
    ("a * b", 1.0, (-2.5, -0.4)),
    ("a / b", 0.5, (0.5, -0.25)),
    ("a ** 3", 8.0, (12.0,)),
    ("a.exp()", 1.0, (1.0,)),
    ("a.log()", 0.0, (1.0,)),
    ("a.relu()", 3.0, (1.0,)),
    ("a.tanh()", 0.0, (1.0,)),
]
INPUTS = {
    "a + b": (5.0, -3.0),
    "a - b": (2.0, -3.0),
    "-a": (-0.5, 0.0),
    "a * b": (-0.4, -2.5),
    "a / b": (1.0, 2.0),
    "a ** 3": (2.0, 0.0),
    "a.exp()": (0.0, 0.0),
    "a.log()": (1.0, 0.0),
    "a.relu()": (3.0, 0.0),
    "a.tanh()": (0.0, 0.0),
}


@pytest.mark.parametrize(("text", "value", "slopes"), TEN_OPS, ids=[row[0] for row in TEN_OPS])
def test_ten_ops_with_forward_value_and_local_derivatives(impl, text, value, slopes):
    a, b = (impl.Value(x) for x in INPUTS[text])
    v = eval(text, {"a": a, "b": b})
    assert (v.data, v.local_derivatives) == (value, slopes)
    v.backward()
    assert (a.grad, b.grad)[: len(slopes)] == slopes


def test_contributions_accumulate(impl):
    a = impl.Value(3.0)
    b = a + a
    (b * a).backward()
    assert b.grad == 3.0
    assert a.grad == 2 * 3.0 + 6.0


def test_tanh_is_one_node(impl):
    x = impl.Value(0.5)
    v = x.tanh()
    assert (v._op, v._children) == ("tanh", (x,))
    assert v.data == math.tanh(0.5)
    assert v.local_derivatives[0] == pytest.approx(1 - v.data**2, rel=1e-15, abs=0)


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_slope_of_relu_at_zero_is_zero(impl, x):
    a = impl.Value(x)
    v = a.relu()
    v.backward()
    assert (v.local_derivatives, a.grad) == ((0.0,), 0.0)


def test_a_value_as_exponent_is_a_type_error(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    for attempt in (lambda: a**b, lambda: 2**b, lambda: a**a):
        with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
            attempt()


def test_the_neuron_of_the_lesson(impl):
    x1, x2 = impl.Value(2.0), impl.Value(0.0)
    w1, w2 = impl.Value(-3.0), impl.Value(1.0)
    b = impl.Value(6.8813735870195432)
    o = (x1 * w1 + x2 * w2 + b).tanh()
    o.backward()
    assert o.data == pytest.approx(math.sqrt(0.5), rel=1e-15, abs=0)
    grads = [v.grad for v in (x1, w1, x2, w2)]
    assert grads == pytest.approx([-1.5, 1.0, 0.5, 0.0], rel=1e-14, abs=0)


def test_xor_is_learned_by_a_small_mlp_with_tanh(impl):
    rng = random.Random(3)

    def layer(nin, nout):
        return [[impl.Value(rng.uniform(-1, 1)) for _ in range(nin + 1)] for _ in range(nout)]

    hidden, (output,) = layer(2, 4), layer(4, 1)
    parameters = [p for neuron in [*hidden, output] for p in neuron]

    def neuron(weights, inputs):
        *w, b = weights
        return sum((wi * xi for wi, xi in zip(w, inputs, strict=True)), b).tanh()

    def predict(x):
        return neuron(output, [neuron(h, x) for h in hidden])

    table = [((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1)]
    losses = []
    for _ in range(150):
        loss = sum((predict(x) - y) ** 2 for x, y in table)
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    assert losses[0] > 3.0
    assert losses[-1] < 0.05
    assert all((predict(x) > 0) == (y > 0) for x, y in table)
