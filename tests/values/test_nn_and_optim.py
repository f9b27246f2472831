"""pygrad.nn as micrograd has it, and the optimisers' stated sequences, bit for bit."""

from __future__ import annotations

import math
import random

import micrograd.nn
import pytest

import pygrad.reference
import pygrad.value

# -- nn -----------------------------------------------------------------------------------------


def test_reprs_and_parameter_counts_are_micrograds(package):
    for sizes in [(2, [16, 16, 1]), (3, [4, 4, 1]), (1, [1]), (2, [3, 2])]:
        ours, theirs = package.nn.MLP(*sizes), micrograd.nn.MLP(*sizes)
        assert repr(ours) == repr(theirs)
        assert len(ours.parameters()) == len(theirs.parameters())


def test_the_same_seed_draws_the_same_weights_in_the_same_order(package):
    random.seed(1337)
    ours = package.nn.MLP(3, [4, 2])
    after_ours = random.random()
    random.seed(1337)
    theirs = micrograd.nn.MLP(3, [4, 2])
    after_theirs = random.random()
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert after_ours == after_theirs


def test_the_forward_pass_has_micrograds_bits_and_the_backward_pass_its_gradients(package):
    random.seed(7)
    ours = package.nn.MLP(3, [5, 4, 1])
    random.seed(7)
    theirs = micrograd.nn.MLP(3, [5, 4, 1])
    for x in ([0.5, -1.0, 2.0], [-0.1, 0.2, 0.3], [3.0, 1.0, -2.0]):
        a, b = ours(x), theirs(x)
        assert a.data == b.data
        ours.zero_grad()
        theirs.zero_grad()
        (a * 2 + 1).backward()
        (b * 2 + 1).backward()
        grads = [p.grad for p in ours.parameters()]
        assert grads == pytest.approx([p.grad for p in theirs.parameters()], rel=1e-13, abs=0)
        assert any(grads)


def test_neuron_is_a_dot_and_a_relu(package):
    neuron = package.nn.Neuron(2)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    assert [type(p) for p in neuron.parameters()] == [package.engine.Value] * 3
    v = neuron([3.0, 1.0])
    assert (v.data, v._op) == (5.5, "ReLU")
    assert v._children[0]._op == "dot"
    assert neuron([-3.0, 1.0]).data == 0.0
    linear = package.nn.Neuron(2, nonlin=False)
    assert linear([3.0, 1.0])._op == "dot"
    assert repr(neuron) == "ReLUNeuron(2)"
    assert repr(linear) == "LinearNeuron(2)"


def test_a_layer_of_one_gives_a_value_and_of_more_a_list(package):
    Value = package.engine.Value
    assert type(package.nn.Layer(2, 1)([1.0, 2.0])) is Value
    out = package.nn.Layer(2, 3, nonlin=False)([1.0, 2.0])
    assert [type(v) for v in out] == [Value] * 3
    assert {v._op for v in out} == {"dot"}


def test_a_network_may_narrow_to_one_neuron_and_widen_again(package):
    model = package.nn.MLP(2, [1, 3, 1])
    v = model([1.0, -1.0])
    v.backward()
    assert type(v) is package.engine.Value


def test_inputs_that_are_values_get_gradients(package):
    random.seed(3)
    model = package.nn.MLP(2, [4, 1])
    x = [package.engine.Value(0.5), package.engine.Value(-1.0)]
    model(x).backward()
    h = 1e-6
    slope = (model([0.5 + h, -1.0]).data - model([0.5 - h, -1.0]).data) / (2 * h)
    assert slope != 0.0
    assert x[0].grad == pytest.approx(slope, rel=1e-8, abs=0)


def test_parameters_stand_in_order_and_are_the_objects_themselves(package):
    model = package.nn.MLP(2, [2, 1])
    expected = [p for layer in model.layers for n in layer.neurons for p in (*n.w, n.b)]
    assert all(p is q for p, q in zip(model.parameters(), expected, strict=True))


def test_zero_grad_clears_every_parameter(package):
    model = package.nn.MLP(2, [2, 1])
    for p in model.parameters():
        p.grad = 1.0
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 9


def test_a_module_of_ones_own_needs_only_parameters(package):
    class Scale(package.nn.Module):
        def __init__(self):
            self.factor = package.engine.Value(2.0)

        def parameters(self):
            return [self.factor]

    scale = Scale()
    scale.factor.grad = 3.0
    scale.zero_grad()
    assert scale.factor.grad == 0.0
    assert package.nn.Module().parameters() == []
    package.nn.Module().zero_grad()


# -- optimisers: the stated sequences -----------------------------------------------------------


def start(rng):
    return [rng.uniform(-1, 1) for _ in range(5)], [
        [rng.gauss(0, 1) for _ in range(5)] for _ in range(6)
    ]


def run(package, make, numbers, grads, each=lambda optimizer, step: None):
    """Data after each step, starting from numbers, under the given gradients."""
    values = [package.engine.Value(x) for x in numbers]
    optimizer = make(values)
    history = []
    for step, row in enumerate(grads):
        each(optimizer, step)
        for v, g in zip(values, row, strict=True):
            v.grad = g
        optimizer.step()
        assert [v.grad for v in values] == row
        history.append([v.data for v in values])
    return history


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_does_its_stated_sequence_bit_for_bit(package, momentum, weight_decay):
    numbers, grads = start(random.Random(8))
    found = run(
        package,
        lambda p: package.optim.SGD(p, lr=0.03, momentum=momentum, weight_decay=weight_decay),
        numbers,
        grads,
    )
    data, velocity = list(numbers), [0.0] * 5
    for step, row in enumerate(grads):
        for i, grad in enumerate(row):
            g = grad
            if weight_decay != 0:
                g = g + weight_decay * data[i]
            if momentum != 0:
                velocity[i] = momentum * velocity[i] + g
                g = velocity[i]
            data[i] = data[i] - 0.03 * g
        assert found[step] == data


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.75), (0.0, 0.0)])
def test_adam_does_its_stated_sequence_bit_for_bit(package, betas, weight_decay):
    numbers, grads = start(random.Random(9))
    found = run(
        package,
        lambda p: package.optim.Adam(p, lr=0.03, betas=betas, eps=1e-6, weight_decay=weight_decay),
        numbers,
        grads,
    )
    beta1, beta2 = betas
    data, m, v = list(numbers), [0.0] * 5, [0.0] * 5
    for step, row in enumerate(grads):
        t = step + 1
        for i, grad in enumerate(row):
            g = grad
            if weight_decay != 0:
                g = g + weight_decay * data[i]
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * (g * g)
            m_hat, v_hat = m[i] / (1 - beta1**t), v[i] / (1 - beta2**t)
            data[i] = data[i] - (0.03 * m_hat) / (math.sqrt(v_hat) + 1e-6)
        assert found[step] == data


def test_defaults_are_the_stated_ones(package):
    numbers, grads = start(random.Random(10))
    optim = package.optim
    pairs = [
        (lambda p: optim.SGD(p), lambda p: optim.SGD(p, lr=0.01, momentum=0.0, weight_decay=0.0)),
        (
            lambda p: optim.Adam(p),
            lambda p: optim.Adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
        ),
        (
            lambda p: optim.SGD(p, 0.1, 0.9, 0.2),
            lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.2),
        ),
    ]
    for default, stated in pairs:
        assert run(package, default, numbers, grads) == run(package, stated, numbers, grads)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_learning_rate_can_be_changed_between_steps(package, name):
    numbers, grads = start(random.Random(11))
    make = getattr(package.optim, name)

    def halve(optimizer, step):
        if step == 3:
            optimizer.lr = 0.0

    changed = run(package, lambda p: make(p, lr=0.1), numbers, grads, halve)
    constant = run(package, lambda p: make(p, lr=0.1), numbers, grads)
    assert changed[:3] == constant[:3]
    assert changed[3:] == [changed[2]] * 3
    assert constant[3] != constant[2]


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_zero_grad_of_an_optimiser_clears_its_parameters_only(package, name):
    a, b = package.engine.Value(1.0), package.engine.Value(2.0)
    a.grad = b.grad = 5.0
    getattr(package.optim, name)([a]).zero_grad()
    assert (a.grad, b.grad) == (0.0, 5.0)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_an_optimiser_takes_any_iterable_of_values(package, name):
    a, b = package.engine.Value(1.0), package.engine.Value(2.0)
    optimizer = getattr(package.optim, name)(v for v in (a, b))
    a.grad = b.grad = 1.0
    optimizer.step()
    assert a.data < 1.0
    assert b.data < 2.0


@pytest.mark.parametrize(
    ("name", "settings"), [("SGD", {"lr": 0.02, "momentum": 0.9}), ("Adam", {"lr": 0.1})]
)
def test_an_optimiser_finds_the_minimum_of_a_bowl(package, name, settings):
    x, y = package.engine.Value(4.0), package.engine.Value(-3.0)
    optimizer = getattr(package.optim, name)([x, y], **settings)
    for _ in range(400):
        loss = (x - 1) ** 2 + 4 * (y - 2) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (x.data, y.data) == pytest.approx((1.0, 2.0), abs=1e-3)


def test_two_optimisers_keep_states_of_their_own(package):
    numbers, grads = start(random.Random(12))
    make = lambda p: package.optim.Adam(p, lr=0.1)  # noqa: E731
    alone = run(package, make, numbers, grads)
    assert run(package, make, numbers, grads) == alone


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_training_run_has_the_same_bits_on_both_implementations(package_of, name):
    def train(package):
        random.seed(5)
        model = package.nn.MLP(2, [4, 1])
        optimizer = getattr(package.optim, name)(model.parameters(), lr=0.01)
        rng = random.Random(6)
        rows = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(8)]
        losses = []
        for _ in range(10):
            scores = [model(row).tanh() for row in rows]
            targets = [math.copysign(1, x * y) for x, y in rows]
            loss = package.math.sum((s - t) ** 2 for s, t in zip(scores, targets, strict=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.data)
        return losses, [p.data for p in model.parameters()]

    compiled = train(package_of(pygrad.value))
    assert compiled == train(package_of(pygrad.reference))
    assert compiled[0][-1] < compiled[0][0]
