"""Optimisers with their state, and objects of lifted classes, as pickles and copies."""

from __future__ import annotations

import copy
import numbers
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, lift, nn, optim

KEPT = [
    lambda p: optim.SGD(p, momentum=0.9, dampening=0.25),
    lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
]


def step(model: Any, optimizer: Any) -> list[float]:
    loss = (model([1.0, 2.0]) - 0.5) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
@pytest.mark.parametrize(
    "make",
    [lambda p: optim.Adam(p, lr=0.1), lambda p: optim.SGD(p, momentum=0.9), optim.SGD, *KEPT],
)
def test_training_goes_on_where_it_was(make: Any, again: Any) -> None:
    random.seed(1)
    model = nn.MLP(2, [3, 1])
    optimizer = make(model.parameters())
    for steps in range(3):
        others = again((model, optimizer))
        assert repr(others[1]) == repr(optimizer)
        for _ in range(2):
            assert step(*others) == step(model, optimizer), steps


def test_the_largest_averages_are_there_where_they_are_kept() -> None:
    parameters = optim.Adam([Value(1.0)])._parameters
    for state in (([0.5], [0.25], 3.0), ([0.5], [0.25], 3.0, [0.75])):
        parameters.__setstate__(state)
        assert parameters.__reduce__()[2] == state
    with pytest.raises(ValueError, match="a number for each"):
        parameters.__setstate__(([0.5], [0.25], 3.0, [0.75, 1.0]))


def test_a_broken_state_is_refused() -> None:
    parameters = optim.Adam([Value(1.0), Value(2.0)])._parameters
    kind, given, state = parameters.__reduce__()
    assert state[0] is None and state[2] == 0.0 and len(kind(*given)) == 2
    for broken in (([1.0], None, 0.0), ([1.0, "a"], None, 0.0), (None, None)):
        with pytest.raises((ValueError, TypeError)):
            parameters.__setstate__(broken)
    with pytest.raises(TypeError, match="tuple"):
        parameters.__setstate__([])


class Number(numbers.Real):
    """A number of an unusual kind, which does something when it is read."""

    def __init__(self, does: Callable[[], None]) -> None:
        self.does = does

    def __float__(self) -> float:
        self.does()
        return 7.0


Number.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def test_a_state_is_read_whatever_its_numbers_do_to_it() -> None:
    parameters = optim.Adam([Value(1.0), Value(2.0)])._parameters
    given: list[Any] = []
    given += [Number(given.clear), 3.0]
    parameters.__setstate__((given, None, 4.0))
    assert given == [] and parameters.__reduce__()[2] == ([7.0, 3.0], None, 4.0)


def test_a_state_that_is_refused_changes_nothing() -> None:
    parameters = optim.Adam([Value(1.0), Value(2.0)])._parameters
    before = ([1.0, 2.0], [3.0, 4.0], 5.0)
    parameters.__setstate__(before)
    for broken in (
        ([6.0, "a"], [0.0, 0.0], 0.0),
        ([6.0, 7.0], [8.0, "a"], 0.0),
        ([6.0, 7.0], (), 0.0),
    ):
        with pytest.raises((ValueError, TypeError)):
            parameters.__setstate__(broken)
        assert parameters.__reduce__()[2] == before


class Model:
    def __init__(self, k: float) -> None:
        self.k = k

    def predict(self, x: float) -> float:
        return float(self.k * x**2.0)


Lifted = lift(Model)


def test_objects_of_lifted_classes_pickle() -> None:
    model = Lifted(3.0)
    for found in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert type(found) is type(model) and grad(found.predict)(2.0) == 12.0
    assert pickle.loads(pickle.dumps(model.predict))(2.0) == 12.0


ROWS: list[tuple[str, Any, str]] = [
    ("sizes", lambda m: nn.MLP(2, 1), r"MLP\(2, \[1\]\)"),
    ("a float", lambda m: nn.MLP(2.0, [1]), "nin is a whole number"),
    ("a text", lambda m: nn.MLP(2, [3, "a"]), "nout is a whole number"),
    ("a number", lambda m: m(1.0), r"list of numbers or Values, as \[x\], not 1.0"),
    ("a text as inputs", lambda m: m("ab"), "list of numbers or Values"),
    ("rows", lambda m: m(np.ones((2, 2))), r"several rows: \[model\(row\)"),
    ("lists of rows", lambda m: m([[1.0, 2.0]]), r"several rows: \[model\(row\)"),
    ("a model", lambda m: optim.SGD(m), r"give model.parameters\(\)"),
    ("a method", lambda m: optim.SGD(m.parameters), "call it"),
    ("a Value", lambda m: optim.SGD(Value(1.0)), r"SGD\(\[v\]\)"),
    ("a dict", lambda m: optim.SGD({"w": Value(1.0)}), r"list\(params.values\(\)\)"),
    ("rows of Values", lambda m: optim.SGD([[Value(1.0)]]), "for row in rows for v in row"),
    ("betas", lambda m: optim.Adam(m.parameters(), betas=0.9), "betas are two numbers"),
]


@pytest.mark.parametrize(("call", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_given_in_the_place_of_a_list(call: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        call(nn.MLP(2, [3, 1]))


@pytest.mark.parametrize(("sizes", "name"), [((-1, [2]), "nin"), ((2, [3, -1]), "nout")])
def test_no_network_has_a_negative_size(sizes: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is a number of 0 or more, .*, not -1"):
        nn.MLP(*sizes)


def test_an_array_of_parameters_is_a_list_of_them() -> None:
    weights = np.array([[Value(1.0), Value(2.0)]], dtype=object)
    assert repr(optim.SGD(weights)).startswith("SGD(2 parameters")
