"""Optimisers beyond SGD and Adam: their sequences, bit for bit; LBFGS; clipping; what is refused."""

from __future__ import annotations

import copy
import math
import pickle
import random

import pytest

import pygrad.reference
import pygrad.value
from pygrad import TraceError, Value, compile, nn, optim

MAKERS = {
    "nesterov": lambda o, p: o.SGD(p, lr=0.03, momentum=0.9, weight_decay=0.1, nesterov=True),
    "dampened": lambda o, p: o.SGD(p, 0.03, 0.9, 0.1, dampening=0.25),
    "amsgrad": lambda o, p: o.Adam(p, 0.03, (0.8, 0.9), weight_decay=0.1, amsgrad=True),
    "amsgradw": lambda o, p: o.AdamW(p, 0.03, (0.8, 0.9), weight_decay=0.1, amsgrad=True),
    "adamw": lambda o, p: o.AdamW(p, lr=0.03, betas=(0.8, 0.9), weight_decay=0.1),
    "rmsprop": lambda o, p: o.RMSprop(p, lr=0.03),
    "rmsprop with momentum": lambda o, p: o.RMSprop(p, 0.03, 0.9, 1e-4, 0.1, 0.8),
}


def stated(kind, x, grads):
    """The data of one parameter after each step, as the sequences are stated."""
    velocity = m = v = largest = 0.0
    for t, grad in enumerate(grads, 1):
        g = grad if kind in ("adamw", "amsgradw", "rmsprop") else grad + 0.1 * x
        if kind == "nesterov":
            velocity = 0.9 * velocity + g
            x = x - 0.03 * (g + 0.9 * velocity)
        elif kind == "dampened":
            velocity = g if t == 1 else 0.9 * velocity + (1 - 0.25) * g
            x = x - 0.03 * velocity
        elif kind in ("amsgrad", "amsgradw"):
            m, v = 0.8 * m + (1 - 0.8) * g, 0.9 * v + (1 - 0.9) * (g * g)
            largest = max(largest, v)
            if kind == "amsgradw":
                x = x * (1 - 0.03 * 0.1)
            x = x - 0.03 * (m / (1 - 0.8**t)) / (math.sqrt(largest / (1 - 0.9**t)) + 1e-8)
        elif kind == "adamw":
            m, v = 0.8 * m + (1 - 0.8) * g, 0.9 * v + (1 - 0.9) * (g * g)
            x = x * (1 - 0.03 * 0.1)
            x = x - 0.03 * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.9**t)) + 1e-8)
        elif kind == "rmsprop":
            v = 0.99 * v + (1 - 0.99) * (g * g)
            x = x - 0.03 * (g / (math.sqrt(v) + 1e-8))
        else:
            v = 0.9 * v + (1 - 0.9) * (g * g)
            velocity = 0.8 * velocity + g / (math.sqrt(v) + 1e-4)
            x = x - 0.03 * velocity
        yield x


@pytest.mark.parametrize("kind", MAKERS)
def test_an_optimiser_does_its_stated_sequence_bit_for_bit(package, kind):
    rng = random.Random(8)
    starts = [rng.uniform(-1, 1) for _ in range(4)]
    rows = [[rng.gauss(0, 1) for _ in starts] for _ in range(6)]
    values = [package.engine.Value(x) for x in starts]
    frozen = package.engine.Value(5.0, requires_grad=False)
    optimizer = MAKERS[kind](package.optim, [frozen, *values])
    found = []
    for row in rows:
        for v, g in zip(values, row, strict=True):
            v.grad = g
        optimizer.step()
        found.append([v.data for v in values])
    columns = [list(stated(kind, x, [r[i] for r in rows])) for i, x in enumerate(starts)]
    assert found == [list(row) for row in zip(*columns, strict=True)]
    assert frozen.data == 5.0


@pytest.mark.parametrize("kind", MAKERS)
def test_copies_and_pickles_go_on_where_it_was(kind):
    def steps(values, optimizer, count):
        for _ in range(count):
            for i, v in enumerate(values):
                v.grad = math.sin(v.data + i)
            optimizer.step()
        return [v.data for v in values]

    values = [Value(0.5), Value(-2.0)]
    optimizer = MAKERS[kind](optim, values)
    steps(values, optimizer, 3)
    others = [copy.deepcopy((values, optimizer)), pickle.loads(pickle.dumps((values, optimizer)))]
    for other in others:
        assert repr(other[1]) == repr(optimizer)
    expected = steps(values, optimizer, 3)
    assert [steps(*other, 3) for other in others] == [expected, expected]


def test_a_change_of_the_learning_rate_counts_from_the_next_step(package):
    for make in (package.optim.AdamW, package.optim.RMSprop):
        v = package.engine.Value(1.0)
        optimizer = make([v])
        v.grad = 1.0
        optimizer.lr = 0.0
        optimizer.step()
        assert v.data == 1.0


def test_dampening_is_not_of_nesterovs_momentum(package):
    with pytest.raises(ValueError, match="dampening"):
        package.optim.SGD([package.engine.Value(1.0)], 0.1, 0.9, nesterov=True, dampening=0.1)


def test_a_largest_average_outlives_large_gradients(package):
    """Where Adam has forgotten a gradient of 100 AMSGrad still takes short steps."""
    ends = {}
    for amsgrad in (False, True):
        v = package.engine.Value(0.0)
        optimizer = package.optim.Adam([v], 0.1, (0.0, 0.5), amsgrad=amsgrad)
        for v.grad in (100.0, *[1.0] * 40):
            before = v.data
            optimizer.step()
        ends[amsgrad] = before - v.data
    assert ends[False] == pytest.approx(0.1, rel=1e-6)
    assert ends[True] == pytest.approx(0.1 / math.sqrt(5000.0), rel=1e-6)


def test_texts_say_what_it_is():
    p = [Value(1.0)]
    assert repr(optim.SGD(p, 0.1, 0.9, dampening=0.5)).endswith("weight_decay=0.0, dampening=0.5)")
    assert repr(optim.Adam(p, amsgrad=True)).endswith("weight_decay=0.0, amsgrad=True)")
    assert repr(optim.SGD(p, 0.1, 0.9, nesterov=True)) == (
        "SGD(1 parameters, lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=True)"
    )
    assert repr(optim.AdamW(p)).startswith("AdamW(1 parameters, lr=0.001, betas=(0.9, 0.999)")
    assert "weight_decay=0.01" in repr(optim.AdamW(p))
    assert repr(optim.RMSprop(p)).startswith("RMSprop(1 parameters, lr=0.01, alpha=0.99")
    assert repr(optim.LBFGS(p)) == "LBFGS(1 parameters, max_iter=20)"


@pytest.mark.parametrize("name", ["AdamW", "RMSprop", "LBFGS"])
def test_bad_parameters_are_refused_as_of_others(package, name):
    make, a = getattr(package.optim, name), package.engine.Value(1.0)
    for bad, error, message in [
        ([a, 2.0], TypeError, "number 1"),
        (a, TypeError, "one Value"),
        ([], ValueError, "empty"),
        ([a, a], ValueError, "moved twice"),
        (package.nn.MLP(1, [1]), TypeError, r"model.parameters\(\)"),
        ({"a": a}, TypeError, "values"),
        (None, TypeError, "NoneType"),
    ]:
        with pytest.raises(error, match=message):
            make(bad)
    make(v for v in [a])


@pytest.mark.parametrize(
    ("name", "setting", "bad", "error"),
    [
        *[(n, "lr", x, ValueError) for n in ("AdamW", "RMSprop") for x in (-1.0, math.nan)],
        ("AdamW", "weight_decay", -0.1, ValueError),
        ("AdamW", "betas", (0.9, 1.0), ValueError),
        ("RMSprop", "alpha", 1.0, ValueError),
        ("RMSprop", "alpha", "x", TypeError),
        ("RMSprop", "momentum", math.inf, ValueError),
        ("RMSprop", "eps", -1e-8, ValueError),
        ("SGD", "nesterov", 1, TypeError),
        ("SGD", "nesterov", True, ValueError),  # without momentum
        ("SGD", "dampening", 0.5, ValueError),  # the same
        ("SGD", "dampening", 1.5, ValueError),
        ("SGD", "dampening", "x", TypeError),
        ("Adam", "amsgrad", 1, TypeError),
        ("AdamW", "amsgrad", None, TypeError),
        ("LBFGS", "max_iter", 0, ValueError),
        ("LBFGS", "max_iter", 2.5, TypeError),
        ("LBFGS", "history_size", True, TypeError),
        ("LBFGS", "tolerance_grad", -1.0, ValueError),
    ],
)
def test_bad_settings_are_refused_by_name(package, name, setting, bad, error):
    with pytest.raises(error, match=setting):
        getattr(package.optim, name)([package.engine.Value(1.0)], **{setting: bad})


@pytest.mark.parametrize("kind", [k for k in MAKERS if k != "rmsprop"])
def test_a_training_run_has_the_same_bits_on_both_implementations(package_of, kind):
    def train(package):
        random.seed(5)
        model = package.nn.MLP(2, [3, 1], activation="tanh")
        optimizer = MAKERS[kind](package.optim, model.parameters())
        rows, targets = [[0.3, -1.0], [-0.5, 0.2], [1.0, 1.0]], [1, 0, 1]
        for _ in range(5):
            scores = [model(row) for row in rows]
            loss = package.nn.binary_cross_entropy(scores, targets, logits=True)
            loss = loss + package.nn.cross_entropy(scores, 1) + package.nn.hinge(scores, [1, -1, 1])
            optimizer.zero_grad()
            loss.backward()
            package.optim.clip_grad_norm(model.parameters(), 0.5)
            optimizer.step()
        return [p.data for p in model.parameters()]

    assert train(package_of(pygrad.value)) == train(package_of(pygrad.reference))


# -- LBFGS --------------------------------------------------------------------------------------


def closure_of(loss):
    def closure():
        y = loss()
        y.backward()
        return y

    return closure


def test_lbfgs_finds_a_minimum_and_leaves_its_gradient(package):
    pytest.importorskip("scipy")
    Value = package.engine.Value
    x, y, frozen = Value(-1.2), Value(1.0), Value(100.0, requires_grad=False)
    rosenbrock = closure_of(lambda: (1 - x) ** 2 + frozen * (y - x * x) ** 2)
    values = [x, y, frozen]
    losses = [package.optim.LBFGS(values, max_iter=n).step(rosenbrock) for n in (2, 3, 100)]
    assert sorted(losses, reverse=True) == losses
    assert losses[1] > 1e-3  # it has kept to max_iter
    assert losses[2] < 1e-9
    assert (x.data, y.data, frozen.data) == (
        pytest.approx(1.0, abs=1e-4),
        pytest.approx(1.0, abs=1e-4),
        100.0,
    )
    assert max(abs(x.grad), abs(y.grad)) < 1e-2


def test_lbfgs_steps_back_from_where_there_is_no_loss():
    pytest.importorskip("scipy")
    for start in (0.01, 20.0, 1e5):
        x = Value(start)
        loss = closure_of(lambda x=x: (x.log() - 2) ** 2)
        assert optim.LBFGS([x], max_iter=100).step(loss) < 1e-12
        assert x.data == pytest.approx(math.exp(2))


def test_lbfgs_trains_by_a_compiled_loss():
    pytest.importorskip("scipy")
    w, b = Value(0.0), Value(0.0)
    fit = compile(lambda x, y: (w * x + b - y) ** 2)
    x = [0.0, 1.0, 2.0, 3.0]
    y = [1.0, 3.0, 5.0, 7.0]
    optimizer = optim.LBFGS([w, b])
    optimizer.step(lambda: fit.backward(x, y))
    assert (w.data, b.data) == (pytest.approx(2.0, abs=1e-5), pytest.approx(1.0, abs=1e-5))
    before = (w.data, b.data, w.grad)
    with pytest.raises(TypeError, match="several times a step"):
        fit.backward(x, y, optim=optimizer, zero_grad=True)
    assert (w.data, b.data, w.grad) == before


@pytest.mark.parametrize(
    ("closure", "error", "message"),
    [
        (None, TypeError, "give step"),
        (5, TypeError, "give step"),
        (lambda: None, TypeError, "returns the loss"),
        (lambda: "small", TypeError, "returns the loss"),
        (lambda: math.nan, ValueError, "nan at the start"),
        (lambda: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_lbfgs_refuses_what_is_no_loss_and_parameters_stay(closure, error, message):
    pytest.importorskip("scipy")
    x = Value(1.5)
    with pytest.raises(error, match=message):
        optim.LBFGS([x]).step(closure)
    assert x.data == 1.5


def test_what_a_loss_raises_later_goes_on_and_parameters_are_what_they_were():
    pytest.importorskip("scipy")
    x, calls = Value(3.0), []

    def closure():
        calls.append(x.data)
        if len(calls) == 3:
            raise KeyError("data")
        y = x**4
        y.backward()
        return y

    with pytest.raises(KeyError, match="data"):
        optim.LBFGS([x]).step(closure)
    assert (x.data, len(calls)) == (3.0, 3)


def test_lbfgs_and_clipping_do_nothing_in_a_trace():
    x = Value(1.5)
    optimizer = optim.LBFGS([x])
    with pytest.raises(TraceError):
        compile(lambda a: a * optimizer.step(closure_of(lambda: x * x)))(1.0)
    with pytest.raises(TraceError):
        compile(lambda a: a * optim.clip_grad_norm([x], 1.0))(1.0)
    assert (x.data, x.grad) == (1.5, 0.0)


# -- clipping -----------------------------------------------------------------------------------


def graded(package, grads):
    values = [package.engine.Value(1.0) for _ in grads]
    for v, g in zip(values, grads, strict=True):
        v.grad = g
    return values


def test_clipping_scales_all_gradients_alike_and_those_of_the_same_value_once(package):
    a, b = graded(package, [3.0, -4.0])
    assert package.optim.clip_grad_norm([a, b, a], 2.5) == 5.0
    assert (a.grad, b.grad) == (pytest.approx(1.5, rel=1e-6), pytest.approx(-2.0, rel=1e-6))
    assert package.optim.clip_grad_norm([a, b], 100.0) == pytest.approx(2.5, rel=1e-6)
    assert a.grad == pytest.approx(1.5, rel=1e-6)
    assert package.optim.clip_grad_norm([a, b], 0.0) > 0
    assert (a.grad, b.grad) == (0.0, 0.0)


def test_no_norm_overflows_on_the_way(package):
    for norm_type, expected in [(2.0, math.hypot(1e200, 1e200)), (3, 2 ** (1 / 3) * 1e200)]:
        values = graded(package, [1e200, 1e200])
        assert package.optim.clip_grad_norm(values, 1.0, norm_type) == pytest.approx(expected)
        assert math.isfinite(values[0].grad)


@pytest.mark.parametrize("bad", [math.inf, math.nan, -math.inf])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
def test_a_gradient_that_is_not_finite_is_an_error_and_nothing_changes(package, bad, norm_type):
    values = graded(package, [1.0, bad, 5.0])
    with pytest.raises(ValueError, match=r"params\[1\]"):
        package.optim.clip_grad_norm(values, 1.0, norm_type)
    assert (values[0].grad, values[2].grad) == (1.0, 5.0)


def test_clipping_refuses_what_is_no_parameter_limit_or_norm(package):
    values = graded(package, [1.0])
    clip = package.optim.clip_grad_norm
    for call, error, message in [
        (lambda: clip([1.0], 1.0), TypeError, "must be Values"),
        (lambda: clip(package.nn.MLP(1, [1]), 1.0), TypeError, r"model.parameters\(\)"),
        (lambda: clip(values, -1.0), ValueError, "max_norm"),
        (lambda: clip(values, math.nan), ValueError, "max_norm"),
        (lambda: clip(values, "1"), TypeError, "max_norm"),
        (lambda: clip(values, 1.0, 0), ValueError, "norm_type"),
        (lambda: clip(values, 1.0, math.nan), ValueError, "norm_type"),
        (lambda: clip(values, 1.0, "inf"), TypeError, "norm_type"),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert clip([], 1.0) == 0.0


def test_a_gradient_that_is_a_value_is_not_cut_off_in_silence():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    with pytest.raises(TypeError, match="create_graph"):
        optim.clip_grad_norm([x], 1.0)


def test_networks_learn_by_each_of_them():
    rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    for kind, make in MAKERS.items():
        random.seed(1)
        model = nn.MLP(2, [6, 1], activation="tanh")
        optimizer = make(optim, model.parameters())
        losses = []
        for _ in range(40):
            loss = nn.binary_cross_entropy([model(r) for r in rows], [0, 1, 1, 1], logits=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.data)
        assert losses[-1] < 0.8 * losses[0], (kind, losses[0], losses[-1])
