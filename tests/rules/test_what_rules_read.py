"""A rule runs where a derivative is wanted: what it reads, and was assigned since the call, is told of."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, custom_jvp, custom_vjp, grad, vmap
from pygrad.core.implementation import IMPLEMENTATION

pytestmark = pytest.mark.skipif(
    IMPLEMENTATION != "compiled", reason="the reference does not look at what code reads"
)
RATE = 2.0


class Model:
    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.trips = 0


def by_global() -> Any:
    @custom_vjp
    def f(x: Any) -> Any:
        return RATE * x

    f.defvjp(lambda x: (f(x), RATE), lambda rate, g: (rate * g,))
    return f


def by_attribute(model: Model) -> Any:
    @custom_jvp
    def f(x: Any) -> Any:
        return model.rate * x

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return f(*primals), model.rate * tangents[0]

    return f


def test_an_attribute_that_was_assigned_since_the_call_is_told_of() -> None:
    model, x = Model(2.0), Value(3.0)
    y = by_attribute(model)(x)
    model.rate = 5.0
    with pytest.warns(RuntimeWarning, match=r"model\.rate has changed since f\(\) was called"):
        y.backward()
    assert x.grad == 5.0


def test_a_global_that_was_assigned_since_the_call_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    f, x = by_global(), Value(3.0)
    y = f(x)
    monkeypatch.setitem(globals(), "RATE", 7.0)
    with pytest.warns(RuntimeWarning, match="RATE has changed since"):
        y.backward()


@pytest.mark.parametrize(
    ("of", "point"),
    [
        (grad, 3.0),
        (lambda f: compile(grad(f)), 3.0),
        (lambda f: vmap(grad(f)), np.array([3.0])),
    ],
)
def test_state_that_changes_within_a_function_is_told_of(of: Any, point: Any) -> None:
    model = Model(1.0)
    f = by_attribute(model)

    def stepped(x: Any) -> Any:
        for rate in (1.0, 2.0):
            model.rate = rate
            x = f(x)
        return x

    with pytest.warns(RuntimeWarning, match=r"model\.rate has changed.*nondiff_argnums"):
        of(stepped)(point)


def test_what_has_not_changed_and_what_the_rule_counts_itself_are_not() -> None:
    model, calls = Model(2.0), 0

    @custom_vjp
    def f(x: Any) -> Any:
        return model.rate * x

    def forward(x: Any) -> Any:
        nonlocal calls
        calls += 1
        model.trips = model.trips + calls
        return f(x), model.rate

    f.defvjp(forward, lambda rate, g: (rate * g,))
    x = Value(3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = f(x) + f(2.0 * x)
        model.rate = 2.0
        y.backward()
        model.rate = 4.0
        z = f(x)  # of what is there at the call
        z.backward()
    assert x.grad == 6.0 + 4.0
    assert calls == 3
