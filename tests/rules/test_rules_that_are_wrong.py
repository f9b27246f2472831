"""Rules that are missing, or give what cannot be: errors that name them; what a rule says nothing of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, Value, custom_jvp, custom_vjp, grad, vmap
from pygrad import compile as compile_

NAMED = r"<lambda>\(\), a rule of (square|product)\(\) \(.*test_rules_that_are_wrong.py, line \d+\)"


def with_jvp(rule: Any) -> Any:
    @custom_jvp
    def square(x: Any) -> Any:
        return x * x

    if rule is not None:
        square.defjvp(rule)
    return square


def with_vjp(back: Any, forward: Any = lambda x, y: (x * y, (x, y))) -> Any:
    @custom_vjp
    def product(x: Any, y: Any) -> Any:
        return x * y

    if back is not None:
        product.defvjp(forward, back)
    return product


@pytest.mark.parametrize(
    "rule, error, message",
    [
        (lambda p, t: 3 * p[0] * t[0], TypeError, "must return a pair"),
        (lambda p, t: (p[0] ** 2, 3.0), TypeError, "is the number 3.0, and no Value"),
        (lambda p, t: (p[0] ** 2, [t[0]]), ValueError, "a number, not a list of 1"),
        (lambda p, t: ([p[0] ** 2], t[0]), ValueError, "a number, not a list of 1"),
        (lambda p, t: (p[0] ** 2, t[0] ** 2), ValueError, "not linear"),
        (lambda p, t: (p[0] ** 2, t[0] * float("nan")), ValueError, "gave nan at"),
        (lambda p, t: p[1], IndexError, "tuple index out of range; raised in"),
    ],
)
def test_rules_for_the_way_forward(rule: Any, error: Any, message: str) -> None:
    for derivative in (grad(with_jvp(rule)), lambda x: with_jvp(rule)(Value(x)).backward()):
        with pytest.raises(error, match=message) as caught:
            derivative(2.0)
        assert caught.match(NAMED)
    if "nan" not in message:  # which is another number in other rows
        with pytest.raises(error, match=message):
            compile_(grad(with_jvp(rule)))(2.0)


@pytest.mark.parametrize(
    "back, error, message",
    [
        (lambda kept, ct: (ct,), TypeError, "for each argument, 2, not 1"),
        (lambda kept, ct: ct, TypeError, "for each argument, 2, not Value"),
        (lambda kept, ct: (2.0, ct), TypeError, "cotangent 0 .* is the number 2.0"),
        (lambda kept, ct: (ct, np.array([1.0])), ValueError, "must match argument 1: a number"),
    ],
)
def test_rules_for_the_way_back(back: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        grad(with_vjp(back), (0, 1))(2.0, 3.0)
    assert caught.match(NAMED)


def test_what_forward_returns() -> None:
    def back(kept, ct):
        return (ct, ct)

    with pytest.raises(TypeError, match="must return a pair: the result, and what bwd needs"):
        grad(with_vjp(back, lambda x, y: x * y))(2.0, 3.0)
    with pytest.raises(ValueError, match="must match the function's result"):
        grad(with_vjp(back, lambda x, y: ([x * y], None)))(2.0, 3.0)
    assert grad(with_vjp(lambda kept, ct: (None, 0.0)), (0, 1))(2.0, 3.0) == (0.0, 0.0)


def test_a_rule_that_is_missing() -> None:
    assert with_jvp(None)(2.0) == 4.0
    for call in (grad(with_jvp(None)), compile_(with_jvp(None))):
        with pytest.raises(TypeError, match=r"square.defjvp\(rule\)"):
            call(2.0)
    with pytest.raises(TypeError, match=r"product.defvjp\(fwd, bwd\)"):
        with_vjp(None)(Value(2.0), 3.0)
    with pytest.raises(TypeError, match="takes a function"):
        custom_jvp(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="nondiff_argnums"):
        custom_jvp(lambda x: x, nondiff_argnums=-1)


def test_numbers_that_were_read_serve_a_first_derivative_and_no_second_one() -> None:
    f = with_jvp(lambda p, t: (p[0] ** 2, 3 * p[0].data * t[0]))
    assert grad(f)(2.0) == 6.0
    x = Value(2.0)
    f(x).backward()
    assert x.grad == 6.0
    with pytest.raises(
        TypeError, match=r"number of a Value was read, v.data, by <lambda>\(\), a rule"
    ):
        grad(grad(f))(2.0)
    with pytest.raises(TypeError, match="number of a Value was read"):
        f(x).backward(create_graph=True)
    with pytest.raises(TraceError, match="was read"):
        compile_(grad(f))(2.0)


def test_values_that_are_no_arguments_are_refused() -> None:
    w = Value(3.0)

    @custom_jvp
    def scaled(x: Any) -> Any:
        return x * w

    scaled.defjvp(lambda p, t: (scaled(*p), w * t[0]))

    def of_an_input(x: Any, a: Any) -> Any:
        @custom_jvp
        def inner(x: Any) -> Any:
            return x * a

        inner.defjvp(lambda p, t: (inner(*p), a * t[0]))
        return inner(x)

    for call in (
        lambda: scaled(2.0),
        lambda: scaled(Value(2.0)),
        lambda: grad(scaled)(2.0),
        lambda: compile_(scaled)(2.0),
        lambda: vmap(scaled)(np.arange(3.0)),
        lambda: grad(of_an_input, 1)(2.0, 3.0),
        lambda: compile_(of_an_input)(2.0, 3.0),
    ):
        with pytest.raises(
            TypeError, match=r"(scaled|inner)\(\) has a rule of its own.*Hand it over"
        ):
            call()


def test_values_in_what_nobody_looks_into_are_captured() -> None:
    calls = []

    @custom_vjp
    def total(numbers: Any) -> Any:
        calls.append(1)
        return sum(numbers)

    total.defvjp(lambda numbers: (sum(numbers), None), lambda _, cotangent: (None,))
    with pytest.raises(TypeError, match=r"total.* has a rule of its own"):  # was 0.0
        grad(lambda x: total(x * i for i in range(3)))(2.0)
    assert len(calls) == 1
    constant = grad(lambda x: x * total([Value(2.0), 1.0]))
    assert constant(3.0) == 3.0
    assert total(i for i in range(3)) == 3


def test_iterators_would_be_used_up_when_the_rule_runs() -> None:
    @custom_vjp
    def scaled(x: Any, factors: Any) -> Any:
        return x * sum(factors)

    scaled.defvjp(
        lambda x, factors: (x * sum(factors), sum(factors)),
        lambda factor, cotangent: (factor * cotangent, None),
    )
    assert grad(scaled)(2.0, [1.0, 2.0]) == 3.0
    with pytest.raises(
        TypeError, match=r"argument 1 of scaled\(\) is a list_iterator.*give a list"
    ):
        grad(scaled)(2.0, iter([1.0, 2.0]))


def test_dicts_of_rules_match_by_key() -> None:
    @custom_vjp
    def both(x: Any) -> Any:
        return {"a": 2 * x, "b": 3 * x}

    both.defvjp(lambda x: ({"b": 3 * x, "a": 2 * x}, None), lambda _, c: (2 * c["a"] + 3 * c["b"],))
    assert grad(lambda x: both(x)["b"])(1.0) == 3.0
