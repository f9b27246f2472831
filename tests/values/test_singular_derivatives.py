"""A computed 0 times an infinite slope counts as 0; in second and higher derivatives the user is told."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from told import messages

import pygrad
from pygrad import (
    SingularDerivativeWarning,
    Value,
    debug_nans,
    grad,
    gradients,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    math,
    maximum,
    no_grad,
    where,
)

ORIGIN = np.zeros(2)

Function = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def _every_time() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield


def norm(x: Any) -> Any:
    return np.linalg.norm(x)


SINGULAR: dict[str, Function] = {
    "norm": lambda x: norm(x) ** 2,
    "norm, times itself": lambda x: norm(x) * norm(x),
    "root of a sum": lambda x: pygrad.sum(list(x * x)).sqrt() ** 2,
    "root of a dot": lambda x: pygrad.dot(list(x), list(x)).sqrt() ** 2,
    "hypot": lambda x: math.hypot(x[0], x[1]) ** 2,
    "hypot alone": lambda x: math.hypot(x[0], x[1]),
    "power": lambda x: ((x[0] ** 2 + x[1] ** 2) ** 0.25) ** 4,
    "atan2": lambda x: math.atan2(x[0], x[1]),
    "added to the tame": lambda x: norm(x) ** 2 + x[0] ** 2,
    "a branch that is taken": lambda x: where(x[0] >= 0, norm(x) ** 2, 3.0),
    "the larger": lambda x: maximum(norm(x) ** 2, x[0] - 1),
    "root of abs": lambda x: abs(x[0]).sqrt() ** 4,
    "power of abs": lambda x: abs(x[0]) ** 1.5,
    "abs times norm": lambda x: abs(x[0]) * norm(x),
    "sign times norm": lambda x: math.sign(x[0]) * norm(x),
}
TAME: dict[str, Function] = {
    "relu": lambda x: x[0].relu() * x[1] + x[1].relu() ** 2,
    "abs": lambda x: abs(x[0]) * x[1] + abs(x[1]),
    "maximum": lambda x: maximum(x[0], x[1]) ** 2,
    "powers": lambda x: x[0] ** 2 + x[1] ** 3 + x[0] ** 4 * x[1] + x[1] ** 1 + x[0] ** 0,
    "power of a Value": lambda x: math.pow(x[0], x[1] + 2.0),
    "norm ** 0": lambda x: norm(x) ** 0 * x[0],
    "root in a branch not taken": lambda x: where(x[0] > 0, x[0].sqrt(), x[1] ** 2),
    "norm in a branch not taken": lambda x: where(x[0] ** 2 + x[1] ** 2 > 0, norm(x), x[1] ** 2),
    "a Value as condition": lambda x: where(x[0], norm(x), x[1] ** 2),
    "square in a branch not taken": lambda x: where(x[0], norm(x) ** 2 * x[1], x[1]) + x[0] ** 2,
    "the smaller": lambda x: maximum(norm(x), 1.0) + x[0] * x[1],
    "cut off": lambda x: pygrad.clip(norm(x), 1.0, 2.0) + x[0] * x[1],
    "times a number 0": lambda x: 0.0 * norm(x) + x[0] ** 2,
    "times a step": lambda x: math.step(x[0]) * norm(x) + x[0] ** 2,
    "times a relu that is off": lambda x: (x[0] - 1.0).relu() * norm(x) + x[0] ** 2,
    "a number's root": lambda x: x[0] ** 2 + (0.0 * x[1]).stop_gradient().sqrt(),
    "softened": lambda x: (x[0] ** 2 + x[1] ** 2 + 1e-12).sqrt(),
    "distance to itself": lambda x: math.exp(-(((x[0] - x[0]) ** 2).sqrt())) * x[1],
    "norm of distances to itself": lambda x: norm(x - x) * x[1] + norm([x[0] - x[0], 0.0]) ** 2,
    "norm of what cancels": lambda x: norm([x[0] + -x[0], -x[1] + x[1]]) ** 2 + x[0] * x[1],
    "an underflow": lambda x: math.log(math.exp(-((x[0] + 40.0) ** 2)) + 1e-300) * x[1],
    "an overflow": lambda x: x[0] / (x[1] + 1e-200) + (x[0] * x[1]) / (x[0] + 1e-110),
    "by plain Python": lambda x: norm(x) if (x[0] ** 2 + x[1] ** 2) > 0 else x[0] * x[1],
}
ROUTES: dict[str, Callable[[Function], Any]] = {
    "hessian": lambda f: hessian(f)(ORIGIN),
    "reverse twice": lambda f: jacrev(jacrev(f))(ORIGIN),
    "forward twice": lambda f: jacfwd(jacfwd(f))(ORIGIN),
    "reverse over forward": lambda f: jacrev(jacfwd(f))(ORIGIN),
    "hvp": lambda f: hvp(f, ORIGIN, np.ones(2)),
    "third": lambda f: jacfwd(jacfwd(jacrev(f)))(ORIGIN),
}


@pytest.mark.parametrize(("name", "route"), [*itertools.product(SINGULAR, ROUTES)])
def test_a_singular_derivative_of_second_order_is_told(name: str, route: str) -> None:
    if name == "power" and route == "third":
        pytest.skip("is inf")
    assert messages(lambda: ROUTES[route](SINGULAR[name])), (name, route)


@pytest.mark.parametrize(("name", "route"), [*itertools.product(TAME, ROUTES)])
def test_what_is_not_singular_is_silent(name: str, route: str) -> None:
    if name == "power of a Value" and route == "third":
        pytest.skip("is singular: a logarithm of 0")
    assert messages(lambda: ROUTES[route](TAME[name])) == []


@pytest.mark.parametrize("name", [*SINGULAR, *TAME])
def test_first_derivatives_are_silent(name: str) -> None:
    f = {**SINGULAR, **TAME}[name]
    assert messages(lambda: (grad(f)(ORIGIN), jacfwd(f)(ORIGIN))) == []


def test_the_answer_stays_what_it_is_and_the_message_says_why() -> None:
    with pytest.warns(SingularDerivativeWarning) as caught:
        answer = hessian(lambda x: norm(x) ** 2)(ORIGIN)
    np.testing.assert_array_equal(answer, np.zeros((2, 2)))
    (warning,) = caught  # once per call, though there are two columns
    assert str(warning.message).startswith(
        "a derivative of second or higher order is singular here: at op 'sqrt' with value 0.0 the "
        "derivative 0.0 meets the slope inf, which counts as 0; the true derivative may be another number, "
        "or infinite."
    )
    assert warning.filename == __file__
    assert issubclass(SingularDerivativeWarning, RuntimeWarning)
    assert pygrad.SingularDerivativeWarning is SingularDerivativeWarning


def test_the_op_of_the_user_is_named_with_its_label() -> None:
    def f(x: Any) -> Any:
        root = (x * x).sqrt()
        root.label = "distance"
        return root**2

    for route in (jacrev, jacfwd):
        (message,) = messages(lambda route=route: route(grad(f))(0.0))
        assert "op 'sqrt' ('distance')" in message
    (message,) = messages(lambda: hessian(lambda x: math.hypot(x, x))(0.0))
    assert "the slope of op 'hypot'" in message and "meets 0 / 0" in message


def test_once_per_line_by_python_s_own_filter() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            hessian(lambda x: norm(x) ** 2)(ORIGIN)
    assert len(caught) == 1


def test_a_filter_makes_it_an_error_that_changes_no_grad() -> None:
    x = Value(0.0)
    first = gradients((x * x).sqrt() ** 2 + 3 * x, x)
    x.grad = 7.0
    with warnings.catch_warnings(), pytest.raises(SingularDerivativeWarning):
        warnings.simplefilter("error")
        first.backward()
    assert x.grad == 7.0


def test_graphs_of_values_are_told_of_too() -> None:
    def by_gradients() -> None:
        x = Value(0.0)
        gradients(gradients((x * x).sqrt() ** 2, x), x)

    def by_backward() -> None:
        x = Value(0.0)
        gradients((x * x).sqrt() ** 2, x).backward()

    def by_create_graph() -> None:
        x = Value(0.0)
        ((x * x).sqrt() ** 2).backward(create_graph=True)
        x.grad.backward()

    for call in (by_gradients, by_backward, by_create_graph):
        assert len(messages(call)) == 1, call


def test_a_norm_that_is_differentiated_once_is_silent_beside_derivatives() -> None:
    """A penalty on weights in a loss that has a derivative in it: its own derivative is of first order."""

    def loss() -> None:
        x, w = Value(0.5), Value(0.0)
        u_x = gradients(math.tanh(w * x) + x**3, x)
        total = u_x**2 + (w * w).sqrt()
        total.backward()
        assert w.grad == pytest.approx(1.5)

    assert messages(loss) == []


def test_a_norm_of_derivatives_is_singular_where_they_vanish() -> None:
    def penalty() -> None:
        x = Value(0.0)
        slope = gradients(x**2, x)
        ((slope * slope).sqrt() - 1.0).backward()

    assert len(messages(penalty)) == 1


def test_training_of_a_network_with_masks_is_silent() -> None:
    model = pygrad.nn.MLP(2, [4, 1])

    def step() -> None:
        for point in ([0.0, 0.0], [1.0, 0.0], [-1.0, 2.0]):
            x = [Value(p) for p in point]
            radius = x[0] ** 2 + x[1] ** 2
            u = where(radius > 0, radius.sqrt(), 0.0) * model(x) + model(x) ** 2
            u_x = gradients(u, x[0])
            (u_x**2 + u).backward()

    assert messages(step) == []


def test_within_no_grad_and_where_numbers_suffice() -> None:
    def f() -> None:
        with no_grad():
            hessian(lambda x: norm(x) ** 2)(ORIGIN)

    assert len(messages(f)) == 1


def test_debug_nans_raises_and_names_the_line() -> None:
    with (
        warnings.catch_warnings(),
        debug_nans(),
        pytest.raises(FloatingPointError, match="singular here: at op 'sqrt'") as caught,
    ):
        warnings.simplefilter("ignore", RuntimeWarning)
        hessian(lambda x: (x[0] ** 2 + x[1] ** 2).sqrt() ** 2)([0.0, 0.0])
    assert f"made at {__file__}" in str(caught.value)
