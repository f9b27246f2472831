"""Wrong input to backward, functions, networks and optimisers is named and changes nothing."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from no_numbers import each_no_number, type_name

# -- backward -----------------------------------------------------------------------------------


@each_no_number
def test_a_seed_that_is_no_real_number_is_a_type_error_and_changes_nothing(impl, bad):
    a = impl.Value(2.0)
    v = a * 3
    v.backward()
    with pytest.raises(TypeError, match=rf"seed must be a real number, not .*\b{type_name(bad)}\b"):
        v.backward(bad)
    assert (a.grad, v.grad) == (3.0, 1.0)


def test_a_value_as_seed_is_a_type_error(impl):
    v = impl.Value(2.0)
    with pytest.raises(TypeError, match=r"seed.*Value"):
        v.backward(v)


def test_wrong_arguments_of_backward_are_type_errors(impl):
    v = impl.Value(2.0)
    with pytest.raises(TypeError):
        v.backward(1.0, 2.0)
    with pytest.raises(TypeError):
        v.backward(sead=1.0)


class Unusual(Exception):
    pass


@pytest.mark.parametrize(
    "error", [Unusual("mine"), KeyboardInterrupt(), SystemExit(3), StopIteration(1)]
)
def test_an_exception_in_a_closure_comes_out_as_itself_and_leaves_no_trace(impl, error):
    a = impl.Value(2.0)
    a.grad = 5.0
    b = a * 3
    v = impl.Value(6.0, (b,), "op")
    failing = True

    def closure():
        b.grad += v.grad
        a.grad = 100.0
        if failing:
            raise error

    v._backward = closure
    root = v * 2
    with pytest.raises(type(error)) as caught:
        root.backward()
    assert caught.value is error
    assert [x.grad for x in (a, b, v, root)] == [5.0, 0.0, 0.0, 0.0]
    failing = False
    root.backward()
    assert [x.grad for x in (b, v, root)] == [2.0, 2.0, 1.0]


def test_a_closure_that_takes_arguments_is_a_type_error_and_leaves_no_trace(impl):
    a = impl.Value(2.0)
    v = impl.Value(6.0, (a,), "op")
    v._backward = lambda grad: None
    with pytest.raises(TypeError, match="grad"):
        (v * 2).backward()
    assert (a.grad, v.grad) == (0.0, 0.0)


def test_backward_from_within_its_own_sweep_is_a_runtime_error(impl):
    a = impl.Value(2.0)
    b = a * 2
    v = impl.Value(6.0, (b,), "op")
    v._backward = b.backward
    root = v * 2
    with pytest.raises(RuntimeError, match=r"backward\(\)"):
        root.backward()
    assert [x.grad for x in (a, b, v, root)] == [0.0] * 4


# -- sum, dot, zero_grad, Parameters ------------------------------------------------------------


@each_no_number
def test_sum_names_a_bad_item(impl, bad):
    with pytest.raises(TypeError, match=rf"must be a real number, not .*\b{type_name(bad)}\b"):
        impl.sum([impl.Value(1.0), bad])
    with pytest.raises(
        TypeError, match=rf"start must be a real number, not .*\b{type_name(bad)}\b"
    ):
        impl.sum([impl.Value(1.0)], bad)


@each_no_number
def test_dot_names_a_bad_item(impl, bad):
    a = impl.Value(1.0)
    for attempt in (lambda: impl.dot([a], [bad]), lambda: impl.dot([bad], [a])):
        with pytest.raises(TypeError, match=rf"must be a real number, not .*\b{type_name(bad)}\b"):
            attempt()
    if bad is not None:
        with pytest.raises(
            TypeError, match=rf"bias must be a real number, not .*\b{type_name(bad)}\b"
        ):
            impl.dot([a], [a], bad)


@pytest.mark.parametrize(("n", "m"), [(1, 2), (3, 0), (0, 1), (101, 100)])
def test_dot_of_different_lengths_names_both(impl, n, m):
    with pytest.raises(ValueError, match=rf"dot\(\).*\b{n}\b.*\b{m}\b"):
        impl.dot([impl.Value(1.0)] * n, [1.0] * m)


@pytest.mark.parametrize("bad", [5, None, 2.5])
def test_what_is_no_iterable_is_named(impl, bad):
    a = impl.Value(1.0)
    for attempt in (
        lambda: impl.sum(bad),
        lambda: impl.dot(bad, [a]),
        lambda: impl.dot([a], bad),
        lambda: impl.zero_grad(bad),
        lambda: impl.Parameters(bad),
    ):
        with pytest.raises(TypeError, match=rf"\b{type_name(bad)}\b"):
            attempt()


def test_zero_grad_says_what_it_takes(impl):
    with pytest.raises(TypeError, match=r"zero_grad\(\).*Value.*iterable"):
        impl.zero_grad(5)


@pytest.mark.parametrize("bad", [5, None, "w", 2.5])
def test_zero_grad_and_parameters_name_index_and_type_of_a_bad_item(impl, bad):
    a = impl.Value(1.0)
    for function in (impl.zero_grad, impl.Parameters):
        with pytest.raises(TypeError, match=rf"\b1\b.*\b{type_name(bad)}\b"):
            function([a, bad])


def test_an_iterable_that_raises_lets_its_exception_through(impl):
    def items():
        yield impl.Value(1.0)
        raise Unusual

    for attempt in (
        lambda: impl.sum(items()),
        lambda: impl.dot(items(), [1.0]),
        lambda: impl.dot([1.0], items()),
        lambda: impl.zero_grad(items()),
        lambda: impl.Parameters(items()),
        lambda: impl.Value(1.0, items()),
        lambda: impl.Value(1.0, (), items()),
    ):
        with pytest.raises(Unusual):
            attempt()


def test_wrong_arguments_of_functions_are_type_errors(impl):
    a = impl.Value(1.0)
    for attempt in (
        lambda: impl.sum(),
        lambda: impl.sum([a], 1.0, 2.0),
        lambda: impl.sum([a], begin=1.0),
        lambda: impl.sum([a], 1.0, start=1.0),
        lambda: impl.dot([a]),
        lambda: impl.dot([a], [a], a, a),
        lambda: impl.dot([a], [a], offset=a),
        lambda: impl.zero_grad(),
        lambda: impl.zero_grad([a], [a]),
        lambda: impl.Parameters(),
        lambda: impl.no_grad(3),
    ):
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize(
    "bad", ["x", None, 1j, Decimal(1)], ids=["str", "None", "complex", "Decimal"]
)
def test_parameters_refuse_settings_that_are_no_numbers_and_move_nothing(impl, bad):
    a = impl.Value(1.0)
    a.grad = 1.0
    parameters = impl.Parameters([a])
    for attempt in (
        lambda: parameters.sgd(bad, 0.0, 0.0),
        lambda: parameters.sgd(0.1, bad, 0.0),
        lambda: parameters.adam(0.1, 0.9, 0.999, bad, 0.0),
        lambda: parameters.sgd(0.1),
        lambda: parameters.adam(0.1),
    ):
        with pytest.raises(TypeError):
            attempt()
    assert a.data == 1.0


# -- nn and optim -------------------------------------------------------------------------------


def test_a_network_names_the_number_of_inputs_it_takes(package):
    model = package.nn.MLP(3, [4, 1])
    for part in (model, model.layers[0], model.layers[0].neurons[0]):
        for x in ([1.0, 2.0], [1.0] * 4, []):
            with pytest.raises(ValueError, match=rf"\b3\b.*\b{len(x)}\b"):
                part(x)


def test_a_network_refuses_inputs_that_are_no_numbers(package):
    model = package.nn.MLP(2, [2, 1])
    with pytest.raises(TypeError, match=r"\bstr\b"):
        model([1.0, "2"])
    with pytest.raises(TypeError, match=r"\bfloat\b"):
        model(1.0)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_an_optimiser_refuses_bad_parameters(package, name):
    make, a = getattr(package.optim, name), package.engine.Value(1.0)
    with pytest.raises(TypeError, match=r"\b1\b.*\bfloat\b"):
        make([a, 2.0])
    with pytest.raises(TypeError):
        make(a)
    with pytest.raises(ValueError, match="empty"):
        make([])
    with pytest.raises(ValueError, match=r"\b1\b.*\b0\b"):
        make([a, a])


SETTINGS = [("SGD", s) for s in ("lr", "momentum", "weight_decay")] + [
    ("Adam", s) for s in ("lr", "eps", "weight_decay")
]


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_an_optimiser_refuses_bad_settings_and_names_them(package, name, setting):
    make, a = getattr(package.optim, name), package.engine.Value(1.0)
    for bad in (-1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=setting):
            make([a], **{setting: bad})
    for bad in ("x", None, 1j):
        with pytest.raises(TypeError, match=setting):
            make([a], **{setting: bad})


def test_adam_refuses_bad_betas(package):
    a = package.engine.Value(1.0)
    for bad in ((1.0, 0.9), (-0.1, 0.9), (0.9, 1.5), (0.9, math.nan)):
        with pytest.raises(ValueError, match="betas"):
            package.optim.Adam([a], betas=bad)


def test_a_bad_learning_rate_cannot_be_assigned(package):
    optimizer = package.optim.SGD([package.engine.Value(1.0)], lr=0.5)
    with pytest.raises(ValueError, match="lr"):
        optimizer.lr = -1
    with pytest.raises(TypeError, match="lr"):
        optimizer.lr = "fast"
    assert optimizer.lr == 0.5
