"""compiled.backward(optim=, zero_grad=): one call, the bits of three lines, and all of it or nothing."""

from __future__ import annotations

import gc
import pickle
import random
import struct
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, _native, compile, math, nn, no_grad
from pygrad.compiled import training
from pygrad.optim import SGD, Adam, AdamW, RMSprop

RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 2))
Y = np.sign(X[:, 0] * X[:, 1])

OPTIMISERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: Adam(p, lr=0.03, weight_decay=0.1),
    "nesterov": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adamw": lambda p: AdamW(p, lr=0.03, weight_decay=0.1),
    "dampened": lambda p: SGD(p, lr=0.05, momentum=0.9, dampening=0.25),
    "amsgrad": lambda p: Adam(p, lr=0.03, amsgrad=True),
    "rmsprop": lambda p: RMSprop(p, lr=0.01, momentum=0.5),
}


@pytest.fixture(params=OPTIMISERS)
def optimiser(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return OPTIMISERS[request.param]


class _Counted:
    """How many steps C has done from the arguments on."""

    def __init__(self) -> None:
        self.done = self.left = 0


@pytest.fixture
def by_c(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Counted]:
    counted = _Counted()
    call = training._Plan.call

    def watched(self: Any, *args: Any) -> float | None:
        total = call(self, *args)
        counted.done += total is not None
        counted.left += total is None
        return total

    monkeypatch.setattr(training._Plan, "call", watched)
    return counted


def bits(numbers: Any) -> list[bytes]:
    return [struct.pack("d", float(x)) for x in numbers]


def model_and_loss(seed: int = 3) -> tuple[Any, Any]:
    random.seed(seed)
    model = nn.MLP(2, [4, 1])
    return model, compile(lambda x, y: (1 + -y * model(x)).relu() + 1e-3 * (model(x) ** 2))


def state_of(model: Any) -> list[bytes]:
    values = model.parameters()
    return bits([p.data for p in values] + [p.grad for p in values])


def both(make: Callable[[Any], Any], steps: int, *rows: Any, **options: Any) -> None:
    """Steps by one call and by three lines, from the same start: the same bits after each."""
    zero = options.pop("zero_grad", True)
    (one, loss), (three, other) = model_and_loss(), model_and_loss()
    optim, three_optim = make(one.parameters()), make(three.parameters())
    for _ in range(steps):
        got = loss.backward(*rows, optim=optim, zero_grad=zero, **options)
        if zero:
            three_optim.zero_grad()
        wanted = other.backward(*rows, **options)
        three_optim.step()
        assert bits([got]) == bits([wanted])
        assert state_of(one) == state_of(three)


@pytest.mark.parametrize("zero_grad", [True, False])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_one_call_has_the_bits_of_three_lines(optimiser, reduce, zero_grad, by_c):
    both(optimiser, 5, X, Y, reduce=reduce, zero_grad=zero_grad)
    assert by_c.done == 8  # of ten


def test_a_step_in_c_is_a_step_by_python(optimiser, monkeypatch):
    (one, loss), (two, other) = model_and_loss(), model_and_loss()
    optims = [optimiser(m.parameters()) for m in (one, two)]
    for _ in range(4):
        got = loss.backward(X, Y, optim=optims[0], zero_grad=True)
        with monkeypatch.context() as patched:
            patched.setattr(training._Plan, "call", lambda *args: None)
            assert other.backward(X, Y, optim=optims[1], zero_grad=True) == got
        assert state_of(one) == state_of(two)


@pytest.mark.parametrize(
    "rows",
    [
        (X, Y.tolist()),
        (X, Y.astype(int)),
        (X.astype(np.float32), Y.astype(np.int8)),
        (np.asfortranarray(X), np.repeat(Y, 2)[::2]),
        (X[:1], Y[:1]),
        (np.tile(X, (60, 1)), np.tile(Y, 60)),  # several pieces
    ],
    ids=["a list", "ints", "short floats", "strides", "one row", "many rows"],
)
def test_rows_of_any_kind(rows):
    both(OPTIMISERS["momentum"], 3, *rows)


def test_arrays_of_ints_and_with_strides_are_steps_in_c(by_c):
    both(OPTIMISERS["sgd"], 3, np.asfortranarray(X), Y.astype(int))
    assert by_c.done == 4


def test_batches_of_changing_size_and_shape():
    w = [Value(0.5), Value(-0.25)]
    loss = compile(lambda x: sum((math.tanh(w[i % 2] * x[i]) for i in range(len(x))), 0.0) ** 2)
    optim = SGD(w, lr=0.1)
    other = [Value(p.data) for p in w]
    eager = SGD(other, lr=0.1)
    for rows, width in [(5, 2), (3, 2), (5, 3), (1, 2), (2000, 2), (4, 3), (4, 3)]:
        x = RNG.normal(size=(rows, width))
        got = loss.backward(x, optim=optim, zero_grad=True)
        eager.zero_grad()
        losses = [
            sum((math.tanh(other[i % 2] * r[i]) for i in range(width)), 0.0) ** 2
            for r in x.tolist()
        ]
        mean = pygrad.sum(losses) / rows
        mean.backward()
        eager.step()
        assert got == pytest.approx(mean.data, rel=1e-12)
        assert [p.data for p in w] == pytest.approx([p.data for p in other], rel=1e-12)


def test_arguments_that_all_rows_share(by_c):
    w = Value(0.5)
    loss = compile(lambda k, c, x: (w * x * k - c[0] * c[1]) ** 2)
    optim = SGD([w], lr=0.01)
    for k in (1.0, 2.0, -3.0):
        before, c = w.data, np.array([k, 0.5])
        total = loss.backward(k, c, Y, in_axes=(None, None, 0), optim=optim, zero_grad=True)
        residual = before * Y * k - k * 0.5
        assert total == pytest.approx((residual**2).mean())
        assert w.grad == pytest.approx((2 * residual * Y * k).mean())
        assert w.data == before - 0.01 * w.grad
    assert by_c.done == 2
    with pytest.raises(ValueError, match="rows"):
        loss.backward(1.0, np.ones(2), np.ones(0), in_axes=(None, None, 0), optim=optim)


def test_another_axis_and_wrong_rows_are_as_without_an_optimiser():
    both(OPTIMISERS["sgd"], 3, np.ascontiguousarray(X.T), Y, in_axes=(1, 0))
    model, loss = model_and_loss()
    optim = SGD(model.parameters())
    for _ in range(3):
        loss.backward(X, Y, optim=optim, zero_grad=True)
    before = state_of(model)
    for rows in [(X, Y[:-1]), (X[:, :1], Y), (X,), (np.full((3, 2), "a"), Y[:3]), (X + 1j, Y)]:
        with pytest.raises((TypeError, ValueError, IndexError)):
            loss.backward(*rows, optim=optim, zero_grad=True)
        assert state_of(model) == before


def test_grads_accumulate_and_a_forgotten_zero_grad_is_seen(by_c):
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    rows = np.array([1.0, 3.0])
    for k in range(1, 5):
        assert (loss.backward(rows), w.grad) == (2.0, 2.0 * k)
    assert by_c.done == 3
    loss.backward(rows, optim=SGD([w], lr=1.0))
    assert (w.grad, w.data) == (10.0, -9.0)
    loss.backward(rows, optim=SGD([w], lr=1.0), zero_grad=True)
    assert (w.grad, w.data) == (2.0, -11.0)


def test_parameters_that_the_loss_does_not_use_have_a_grad_of_zero_and_those_without_optimiser_stay():
    w, unused, free = Value(1.0), Value(1.0), Value(1.0)
    unused.grad = free.grad = 5.0
    loss = compile(lambda x: w * free * x)
    optim = SGD([unused, w], lr=0.1, momentum=0.5)
    for k in (1, 2, 3):
        loss.backward(np.ones(2), optim=optim, zero_grad=True)
        assert (unused.grad, unused.data, free.data) == (0.0, 1.0, 1.0)
        assert free.grad == pytest.approx(5.0 + sum([1.0, 0.9, 0.75][:k]))


def test_frozen_shared_and_replaced_parameters(by_c):
    class Model:
        def __init__(self) -> None:
            self.a, self.b = Value(1.0), Value(2.0, requires_grad=False)
            self.same = self.a

    model = Model()
    loss = compile(lambda x: (model.a * model.b + model.same) * x)
    optim = SGD([model.a, model.b], lr=0.1, weight_decay=0.5)
    x = np.ones(3)
    for _ in range(3):
        model.a.data = 1.0
        assert loss.backward(x, optim=optim, zero_grad=True) == 3.0
        assert (model.a.grad, model.b.grad, model.b.data) == (3.0, 0.0, 2.0)
        assert model.a.data == 1.0 - 0.1 * 3.5
    model.b.requires_grad = True
    model.a.data = 1.0
    loss.backward(x, optim=optim, zero_grad=True)
    assert (model.b.grad, model.b.data) == (1.0, 2.0 - 0.1 * 2.0)
    old, model.a = model.a, Value(7.0)  # same stays what it was
    old.grad, old.data, model.b.data = 0.0, 1.0, 2.0
    assert loss.backward(x) == 15.0
    assert (model.a.grad, old.grad) == (2.0, 1.0)
    assert by_c.done == 3


def test_a_parameter_that_is_added_later_is_seen():
    class Model:
        bias: Any = 0.0

    model, w = Model(), Value(1.0)
    loss = compile(lambda x: (w * x + model.bias) ** 2)
    optim = SGD([w], lr=0.0)
    for _ in range(3):
        assert loss.backward(np.ones(2), optim=optim, zero_grad=True) == 1.0
    model.bias = Value(2.0)
    for _ in range(3):
        assert loss.backward(np.ones(2), optim=SGD([w, model.bias], lr=0.0), zero_grad=True) == 9.0
        assert model.bias.grad == 6.0


def test_captured_values_that_were_computed_lead_on_to_what_they_came_from(by_c):
    w = Value(3.0)
    double = w * 2
    loss = compile(lambda x: double * x)
    optim = SGD([w], lr=0.5)
    for k in range(5):
        assert loss.backward(np.ones(2), optim=optim, zero_grad=True) == 6.0  # of when it was made
        assert (w.grad, w.data) == (2.0, 3.0 - (k + 1))
    assert by_c.done == 0


def test_closures_of_captured_values_are_called():
    w, calls = Value(3.0), []
    inner = w * 1
    inner._backward = lambda: calls.append(inner.grad)
    loss = compile(lambda x: inner * x)
    for _ in range(3):
        loss.backward(np.ones(2), optim=SGD([w], lr=0.5), zero_grad=True)
    assert calls == [1.0, 1.0, 1.0]


def test_nothing_is_captured():
    w = Value(1.0)
    w.grad = 2.0
    square = compile(lambda x: x * x)
    assert square.backward(np.array([1.0, 3.0]), optim=SGD([w], lr=0.25)) == 5.0
    assert w.data == 0.5
    assert square.backward(np.array([1.0, 3.0]), optim=SGD([w], lr=0.25), zero_grad=True) == 5.0
    assert (w.data, w.grad) == (0.5, 0.0)


def test_guards_and_paths_that_do_not_pay():
    w, three = Value(1.5), Value(1.5)
    f = compile(lambda x: w * x if w * x > 0 else w * w * x * x)
    g = compile(lambda x: three * x if three * x > 0 else three * three * x * x)
    optim, other = SGD([w], lr=0.01), SGD([three], lr=0.01)
    for _ in range(3):
        got = f.backward(X[:, 0], optim=optim, zero_grad=True)
        other.zero_grad()
        assert g.backward(X[:, 0]) == got
        other.step()
        assert bits([w.data, w.grad]) == bits([three.data, three.grad])


def test_within_no_grad_there_are_no_derivatives():
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    optim = SGD([w], lr=1.0)
    for _ in range(3):
        loss.backward(np.ones(2), optim=optim, zero_grad=True)
    before = w.data
    with no_grad():
        assert loss.backward(np.ones(2), optim=optim, zero_grad=True) == before
    assert (w.data, w.grad) == (before, 0.0)


def test_a_grad_that_was_a_value_is_a_number_after_a_step_and_stays_one_if_there_is_none(by_c):
    w = Value(2.0)
    loss = compile(lambda x: w * x)
    for _ in range(3):
        loss.backward(np.full(2, 4.0))
    w.grad = 0.0
    (w * 4.0).backward(create_graph=True)
    assert isinstance(w.grad, Value) and w.grad == 4.0
    with pytest.raises(ValueError, match="rows"):
        loss.backward(np.ones(0), optim=SGD([w]), zero_grad=True)
    assert isinstance(w.grad, Value)
    assert loss.backward(np.full(2, 4.0), optim=SGD([w], lr=0.0), zero_grad=True) == 8.0
    assert w.grad == 4.0 and type(w.grad) is float


def test_within_a_sweep_that_fails_grads_are_what_they_were():
    w, seed = Value(2.0), Value(1.0)
    loss = compile(lambda x: w * x)
    for _ in range(3):
        loss.backward(np.ones(2))
    w.grad = 5.0
    root = seed * 1

    def closure() -> None:
        loss.backward(np.ones(2), optim=SGD([w], lr=0.0), zero_grad=True)
        assert w.grad == 1.0
        raise RuntimeError("half-way")

    root._backward = closure
    with pytest.raises(RuntimeError, match="half-way"):
        (root * 2).backward()
    assert w.grad == 5.0


def test_an_exception_in_the_sweep_leaves_grads_numbers_and_averages():
    w = Value(2.0)
    inner = w * 1
    loss = compile(lambda x: inner * x)
    optim = Adam([w], lr=0.1)
    loss.backward(np.ones(2), optim=optim, zero_grad=True)
    inner._backward = lambda: 1 / 0
    data, grad = w.data, w.grad
    with pytest.raises(ZeroDivisionError):
        loss.backward(np.full(2, 3.0), optim=optim, zero_grad=True)
    assert (w.data, w.grad) == (data, grad)
    assert optim._parameters.__reduce__()[2][2] == 1.0  # steps


def test_a_signal_while_rows_run_leaves_all_as_it_was(run_isolated):
    run_isolated("interrupted_training.py")


def test_numbers_that_are_not_finite_are_told_once_a_step():
    w = Value(1.0)
    loss = compile(lambda x: math.log(w * x))
    optim = SGD([w], lr=0.0)
    for _ in range(2):
        loss.backward(np.ones(2), optim=optim, zero_grad=True)
    with pytest.warns(RuntimeWarning, match="nan or inf") as told:
        loss.backward(np.array([1.0, 0.0]), optim=optim, zero_grad=True)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss.backward(np.array([1.0, np.nan])) != 0.0


def test_c_tries_again_after_calls_that_were_not_for_it(by_c):
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    optim, good = SGD([w], lr=0.0), np.ones(2)
    for _ in range(2):
        loss.backward(good, optim=optim, zero_grad=True)
    assert by_c.done == 1
    for _ in range(20):
        loss.backward(np.array([1.0, np.nan]))
    for _ in range(20):
        loss.backward(good, optim=optim, zero_grad=True)
    assert by_c.done > 5 and w.grad == 1.0


def test_what_was_loaded_trains():
    w = Value(1.5, label="w")
    loss = compile(lambda x, y: (w * x - y) ** 2)
    loss.backward(X[:, 0], Y)
    loaded = pickle.loads(pickle.dumps(loss))
    optim, other = SGD([w], lr=0.1), SGD(loaded.captured, lr=0.1)
    for _ in range(4):
        wanted = loss.backward(X[:, 0], Y, optim=optim, zero_grad=True)
        assert loaded.backward(X[:, 0], Y, optim=other, zero_grad=True) == wanted
        assert bits([loaded.captured[0].data]) == bits([w.data])


@pytest.mark.parametrize("inherited", [True, False])
def test_optimisers_of_ones_own(inherited):
    class Plain:
        def __init__(self, params: Any) -> None:
            self.params, self.calls = params, []

        def zero_grad(self) -> None:
            self.calls.append("zero")
            for p in self.params:
                p.grad = 0.0

        def step(self) -> None:
            self.calls.append(("step", [p.grad for p in self.params]))

    class Clipped(SGD):
        calls: Any

        def zero_grad(self) -> None:
            self.calls.append("zero")
            super().zero_grad()

        def step(self) -> None:
            self.calls.append(("step", [w.grad]))
            super().step()

    w = Value(1.0)
    optim: Any = Clipped([w], lr=0.0) if inherited else Plain([w])
    optim.calls = []
    loss = compile(lambda x: w * x)
    for _ in range(3):
        loss.backward(np.ones(2), optim=optim, zero_grad=True)
    loss.backward(np.ones(2), optim=optim)
    assert optim.calls == ["zero", ("step", [1.0])] * 3 + [("step", [2.0])]


def test_a_step_that_somebody_has_put_before_it_is_called():
    w, calls = Value(1.0), []
    optim = SGD([w], lr=0.5)
    loss = compile(lambda x: w * x)
    loss.backward(np.ones(2), optim=optim, zero_grad=True)
    step = optim.step
    optim.step = lambda: (calls.append(w.grad), step())[1]  # type: ignore[method-assign]
    loss.backward(np.ones(2), optim=optim, zero_grad=True)
    assert (calls, w.data) == ([1.0], 0.0)


def test_what_is_no_optimiser_is_refused_before_anything_is_done():
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    for bad in (SGD, [w], 0.1, w, nn.Neuron(1)):
        with pytest.raises(TypeError, match=r"optim is an optimiser.*not "):
            loss.backward(np.ones(2), optim=bad)
    with pytest.raises(ValueError, match="give optim="):
        loss.backward(np.ones(2), zero_grad=True)
    assert (w.data, w.grad) == (1.0, 0.0)


def test_a_step_in_a_trace_is_refused():
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    optim = SGD([w], lr=1.0)
    for _ in range(2):
        loss.backward(np.ones(2), optim=optim, zero_grad=True)
    before = w.data, w.grad
    outer = compile(lambda x: x * loss.backward(np.ones(2), optim=optim, zero_grad=True))
    with pytest.raises(pygrad.TraceError):
        outer(1.0)
    assert (w.data, w.grad) == before


def test_two_functions_share_parameters_and_an_optimiser():
    w = Value(1.0)
    optim = SGD([w], lr=0.1, momentum=0.9)
    one, two = compile(lambda x: w * x), compile(lambda x: w * w * x)
    numbers = [w.data]
    for _ in range(3):
        one.backward(np.ones(2), optim=optim, zero_grad=True)
        two.backward(np.ones(2), optim=optim, zero_grad=True)
        numbers.append(w.data)
    velocity, data = 0.0, 1.0
    for wanted in numbers[1:]:
        velocity = 0.9 * velocity + 1.0
        data -= 0.1 * velocity
        velocity = 0.9 * velocity + 2.0 * data
        data -= 0.1 * velocity
        assert wanted == pytest.approx(data, rel=1e-14)


def test_threads_that_train_by_one_function():
    w = Value(0.0)
    loss = compile(lambda x: w * x)
    rows, optim = np.ones(3000), SGD([w], lr=1.0)
    loss.backward(rows)
    w.grad = 0.0

    def work(_: int) -> None:
        for _ in range(20):
            loss.backward(rows, optim=optim, zero_grad=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert w.data <= -20.0 and w.data == int(w.data)


def test_what_trained_is_let_go_and_arrays_are_not_kept():
    model, loss = model_and_loss()
    x = X.copy()
    for _ in range(3):
        loss.backward(x, Y, optim=SGD(model.parameters()), zero_grad=True)
    arrays, values = weakref.ref(x), weakref.ref(model.parameters()[0])
    del x
    assert arrays() is None
    del model, loss
    gc.collect()
    assert values() is None


def test_the_native_type_refuses_what_does_not_fit():
    w = Value(1.0)
    loss = compile(lambda x: w * x)
    loss.backward(np.ones(2))
    loss.backward(np.ones(2))
    (program,) = loss.store.backward_of("mean").programs
    path = program.paths.root
    address = training.address_of(path)
    good = (path, address, (w,), ((True, None),), True)
    assert _native.Training(*good).step((np.ones(2),), None, False) == 1.0
    for at, bad in [
        (0, ()),
        (0, (1, 2, 3)),
        (2, ()),
        (2, (1.0,)),
        (3, ()),
        (3, ((True,),)),
        (3, (7,)),
        (3, ((True, 7),)),
        (3, ((True, (-1,)),)),
        (3, ((True, (2, 3)),)),
        (3, ((True, (1,) * 40),)),
    ]:
        with pytest.raises((TypeError, ValueError, IndexError)):
            _native.Training(*good[:at], bad, *good[at + 1 :])
    for step in [7, (), (w, "sgd", ()), (SGD([w]).as_step()[0], "no", ()), (1, 2, 3)]:
        with pytest.raises((TypeError, ValueError)):
            _native.Training(*good).step((np.ones(2),), step, False)
        with pytest.raises((TypeError, ValueError)):
            _native.descend(w, step, False)
