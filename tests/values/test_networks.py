"""pygrad.nn beyond micrograd's: activations, names of parameters, their numbers saved and loaded."""

from __future__ import annotations

import copy
import json
import math
import pickle
import random

import numpy as np
import pytest

import pygrad
from pygrad import Value, compile, grad, nn, vmap

# -- activations --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_an_activation_has_a_name(package, name):
    neuron = package.nn.Neuron(2, activation=name)
    for x in (0.7, -0.7):
        neuron.w[0].data, neuron.w[1].data = 1.0, 0.0
        assert neuron([x, 1.0]).data == getattr(package.engine.Value(x), name)().data


def test_an_activation_may_be_a_function(package):
    neuron = package.nn.Neuron(1, activation=package.math.softplus)
    neuron.w[0].data = 1.0
    assert neuron([0.3]).data == package.math.softplus(0.3)
    assert repr(neuron) == "Neuron(1, activation=softplus)"
    assert repr(package.nn.Neuron(1, activation="tanh")) == "TanhNeuron(1)"
    assert repr(package.nn.Neuron(1, activation="sigmoid")) == "SigmoidNeuron(1)"
    assert repr(package.nn.Neuron(1, activation="relu")) == "ReLUNeuron(1)"


def test_hidden_layers_have_it_and_the_last_one_if_told(package):
    kinds = lambda model: [repr(layer.neurons[0]) for layer in model.layers]  # noqa: E731
    MLP = package.nn.MLP
    assert kinds(MLP(2, [3, 3, 1], activation="tanh")) == [
        "TanhNeuron(2)",
        "TanhNeuron(3)",
        "LinearNeuron(3)",
    ]
    assert kinds(MLP(2, [3, 1], activation="tanh", nonlin=True)) == [
        "TanhNeuron(2)",
        "TanhNeuron(3)",
    ]
    assert repr(package.nn.Layer(2, 1, activation="sigmoid")) == "Layer of [SigmoidNeuron(2)]"


def test_draws_are_the_same_whatever_the_activation(package):
    random.seed(4)
    one = package.nn.MLP(2, [3, 1]).parameters()
    random.seed(4)
    assert [p.data for p in package.nn.MLP(2, [3, 1], activation="tanh").parameters()] == [
        p.data for p in one
    ]


@pytest.mark.parametrize("bad", ["tanh", 1, 0, None, np.tanh])
def test_nonlin_is_true_or_false_and_the_error_names_the_cure(package, bad):
    nn = package.nn
    for make in (
        lambda: nn.Neuron(2, bad),
        lambda: nn.Layer(2, 3, nonlin=bad),
        lambda: nn.MLP(2, [3, 1], nonlin=bad),
    ):
        with pytest.raises(TypeError, match="activation="):
            make()
    neuron = nn.Neuron(2)
    neuron.nonlin = bad
    with pytest.raises(TypeError, match="activation="):
        neuron([1.0, 2.0])


def test_nonlin_may_be_numpys_bool(package):
    neuron = package.nn.Neuron(1, nonlin=np.float64(1.0) > 2.0)
    assert repr(neuron) == "LinearNeuron(1)"
    neuron.nonlin = np.bool_(False)
    neuron.w[0].data = 1.0
    assert neuron([-2.0]).data == -2.0


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ("swish", ValueError, "softplus"),
        ("ReLU", ValueError, "'relu'"),
        (3, TypeError, "a function of one Value"),
        (Value, TypeError, "a function of one Value"),
    ],
)
def test_an_unknown_activation_is_named_when_the_model_is_made(bad, error, message):
    with pytest.raises(error, match=message):
        nn.Neuron(2, activation=bad)
    with pytest.raises(error, match=message):
        nn.MLP(2, [1], activation=bad)


def test_an_activation_that_ends_gradients_is_an_error():
    for f in (lambda v: v.data, lambda v: 1.0, lambda v: [v]):
        with pytest.raises(TypeError, match="gives a Value"):
            nn.Neuron(1, activation=f)([1.0])


def test_an_activation_beside_nonlin_false_is_an_error():
    with pytest.raises(ValueError, match="leave one of the two out"):
        nn.Neuron(2, nonlin=False, activation="tanh")
    with pytest.raises(ValueError, match="leave one of the two out"):
        nn.MLP(2, [3, 1], nonlin=False, activation="tanh")


@pytest.mark.parametrize("activation", ["tanh", pygrad.math.softplus])
def test_it_is_one_in_programs_copies_and_pickles(activation):
    random.seed(3)
    model = nn.MLP(2, [4, 1], activation=activation)
    x = np.array([[0.3, -1.2], [2.0, 0.1], [-0.5, 0.5]])
    expected = [model(row.tolist()).data for row in x]
    assert vmap(lambda row: model(row))(x) == pytest.approx(expected, rel=1e-14)
    assert compile(lambda row: model(row))(x[0]) == pytest.approx(expected[0], rel=1e-14)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other) == repr(model)
        assert other(x[0].tolist()).data == expected[0]
    assert grad(lambda row: model(list(row)))(x[0]) == pytest.approx(
        vmap(grad(lambda row: model(row)))(x)[0], rel=1e-14
    )


def test_pickles_call_a_class_what_users_do_and_those_without_an_activation_are_relu():
    model = nn.MLP(1, [1, 1])
    for neuron in (model.layers[0].neurons[0], model.layers[1].neurons[0]):
        del neuron.activation  # as in those of 0.1.0
    assert repr(pickle.loads(pickle.dumps(model))) == repr(nn.MLP(1, [1, 1]))
    assert model([1.0]).data == pickle.loads(pickle.dumps(model))([1.0]).data
    text = pickle.dumps(model)
    assert b"pygrad.nn" in text
    assert b"pygrad.nn." not in text


# -- names --------------------------------------------------------------------------------------


def test_parameters_are_named_by_the_way_to_them(package):
    model = package.nn.MLP(2, [2, 1])
    named = model.named_parameters()
    assert [name for name, _ in named] == [
        "layers[0].neurons[0].w[0]",
        "layers[0].neurons[0].w[1]",
        "layers[0].neurons[0].b",
        "layers[0].neurons[1].w[0]",
        "layers[0].neurons[1].w[1]",
        "layers[0].neurons[1].b",
        "layers[1].neurons[0].w[0]",
        "layers[1].neurons[0].w[1]",
        "layers[1].neurons[0].b",
    ]
    for name, p in named:
        assert eval(f"model.{name}") is p


def test_modules_of_ones_own_name_what_they_hold():
    class Own(nn.Module):
        def __init__(self):
            self.scale = Value(1.0)
            self.table = {"a": [Value(2.0)], "b": nn.Neuron(1)}
            self.grid = np.array([[Value(3.0), Value(4.0)]], dtype=object)
            self.itself = self
            self.same = self.scale
            self.unused = Value(9.0)

        def parameters(self):
            cells = self.grid.ravel().tolist()
            return [
                self.scale,
                *self.table["a"],
                *self.table["b"].parameters(),
                *cells,
                self.scale,
                hidden,
            ]

    hidden = Value(5.0)
    names = [name for name, _ in Own().named_parameters()]
    assert names == [
        "scale",
        "table['a'][0]",
        "table['b'].w[0]",
        "table['b'].b",
        "grid[0][0]",
        "grid[0][1]",
        "parameters[7]",
    ]
    assert nn.Module().named_parameters() == []


def test_labels_are_given_on_request_and_not_over_others():
    model = nn.MLP(1, [1])
    first, bias = model.parameters()
    assert (first.label, bias.label) == ("", "")
    bias.label = "mine"
    model.label_parameters()
    assert (first.label, bias.label) == ("layers[0].neurons[0].w[0]", "mine")


# -- numbers ------------------------------------------------------------------------------------


def test_a_state_is_numbers_by_name_and_comes_back_to_the_bit(package):
    random.seed(1)
    model, other = package.nn.MLP(2, [3, 2]), package.nn.MLP(2, [3, 2])
    state = json.loads(json.dumps(model.state_dict()))
    assert list(state) == [name for name, _ in model.named_parameters()]
    before = other.parameters()
    assert other.load_state_dict(state) == ([], [])
    assert all(p is q for p, q in zip(before, other.parameters(), strict=True))
    assert [p.data for p in before] == [p.data for p in model.parameters()]


def test_a_state_of_another_network_is_an_error_that_names_what_differs_and_nothing_changes():
    random.seed(2)
    model = nn.MLP(2, [3, 1])
    numbers = [p.data for p in model.parameters()]
    for other, said in [
        (nn.MLP(2, [4, 1]), ["layers[0].neurons has 3 here and 4 there", "w[3]", "unexpected:"]),
        (nn.MLP(3, [3, 1]), ["layers[0].neurons[0].w has 2 here and 3 there"]),
        (nn.MLP(2, [3]), ["layers has 2 here and 1 there", "missing: layers[1].neurons[0].w[0]"]),
        (nn.Module(), ["missing: layers[0].neurons[0].w[0], ", "and 9 more", "strict=False"]),
    ]:
        with pytest.raises(ValueError, match="not one of this MLP") as caught:
            model.load_state_dict(other.state_dict())
        assert all(part in str(caught.value) for part in said), str(caught.value)
    assert [p.data for p in model.parameters()] == numbers


def test_without_strict_what_both_have_is_set_and_the_rest_is_returned():
    model = nn.MLP(1, [1])
    left = model.load_state_dict({"layers[0].neurons[0].b": 7, "other": 1.0}, strict=False)
    assert left.missing_keys == ["layers[0].neurons[0].w[0]"]
    assert left.unexpected_keys == ["other"]
    assert model.parameters()[1].data == 7.0


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([1.0], TypeError, r"w\[0\]"),
        ("1", TypeError, "one number"),
        (None, TypeError, "one number"),
        (Value(1.0), TypeError, r"\.data"),
        (10**400, ValueError, "too large"),
        (1j, TypeError, "one number"),
    ],
)
def test_a_state_of_something_else_than_numbers_changes_nothing(bad, error, message):
    model = nn.MLP(1, [1])
    state = model.state_dict()
    numbers = list(state.values())
    with pytest.raises(error, match=message):
        model.load_state_dict({"layers[0].neurons[0].b": 5.0, "layers[0].neurons[0].w[0]": bad})
    assert [p.data for p in model.parameters()] == numbers


def test_numbers_of_numpy_and_not_finite_ones_are_taken_and_no_mapping_is_an_error():
    model = nn.MLP(1, [1])
    model.load_state_dict(
        {"layers[0].neurons[0].b": np.array(2.5), "layers[0].neurons[0].w[0]": np.float32("inf")}
    )
    assert [p.data for p in model.parameters()] == [math.inf, 2.5]
    with pytest.raises(TypeError, match="dict of numbers by name"):
        model.load_state_dict([1.0, 2.0])


def test_a_model_learns_on_from_a_state():
    random.seed(5)
    model = nn.MLP(2, [3, 1], activation="tanh")
    other = nn.MLP(2, [3, 1], activation="tanh")
    other.load_state_dict(model.state_dict())
    for m in (model, other):
        optimizer = pygrad.optim.AdamW(m.parameters(), lr=0.1)
        for _ in range(3):
            loss = nn.mse([m([0.1, 0.2]), m([-1.0, 0.5])], [1.0, -1.0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert model.state_dict() == other.state_dict()


def test_parameters_whose_names_are_written_alike_have_two():
    class Key:
        def __repr__(self) -> str:
            return "k"

    class Table(nn.Module):
        def __init__(self) -> None:
            self.table = {Key(): Value(1.0), Key(): Value(2.0)}

        def parameters(self) -> list[Value]:
            return [*self.table.values(), *self.table.values()]

    table = Table()
    assert table.state_dict() == {"table[k]": 1.0, "parameters[1]": 2.0}
    table.load_state_dict({"table[k]": 3.0, "parameters[1]": 4.0})
    assert [v.data for v in table.parameters()] == [3.0, 4.0] * 2
