"""debug_nans names the first value, adjoint or tangent that is nan or inf, and the line that made it."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pygrad
from pygrad import Value, debug_nans, grad, hessian, jvp, math

HERE = __file__


def line_of(marker: str) -> int:
    """The number of the line of this file that ends with the marker as a comment."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()  # type: ignore[arg-type]
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"# {marker}"))


def message_of(call: Callable[[], Any]) -> list[str]:
    with debug_nans(), pytest.raises(FloatingPointError) as caught:
        call()
    return str(caught.value).splitlines()


def overflow() -> Value:
    big = Value(1e308, label="big")
    return big * 10.0  # overflows


def test_a_value_is_named_with_op_operands_and_line() -> None:
    message = message_of(overflow)
    assert message == [
        "the value of op '*' is inf",
        "  operand 0: Value(data=1e+308, label='big')",
        "  operand 1: Value(data=10.0)",
        f"  made at {HERE}, line {line_of('overflows')}: return big * 10.0  # overflows",
    ]


@pytest.mark.parametrize(
    ("call", "first"),
    [
        (lambda: Value(float("nan")), "the value of a leaf is nan"),
        (lambda: Value(1e308) + Value(1e308), "the value of op '+' is inf"),
        (lambda: Value(float("1e200")) * Value(1e200), "the value of op '*' is inf"),
        (lambda: pygrad.sum([Value(1e308), Value(1e308)]), "the value of op 'sum' is inf"),
        (lambda: pygrad.dot([Value(1e308)], [10.0]), "the value of op 'dot' is inf"),
        (lambda: math.where(Value(1.0), float("inf"), 0.0), "the value of op 'where' is inf"),
        (lambda: Value(2.0) ** float("inf"), "the value of op '**inf' is inf"),
        (lambda: -Value(0.0).clip(float("inf"), None), "the value of op 'clip' is inf"),
        (
            lambda: Value(float("inf"), (Value(1.0),), [1.0], label="own"),
            "the value of a node without _op ('own') is inf",
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_every_way_to_make_a_node_is_watched(call: Callable[[], Any], first: str) -> None:
    assert message_of(call)[0] == first


def root_at_zero() -> None:
    x = Value(0.0, label="x")
    y = x.sqrt()  # steep
    (3.0 * y).backward()


def test_an_adjoint_is_named_with_the_rule_it_came_from() -> None:
    assert message_of(root_at_zero) == [
        "the derivative that reaches Value(data=0.0, label='x') is inf",
        "  from op 'sqrt' with value 0.0",
        "  whose own derivative is 3.0",
        "  operand 0: Value(data=0.0, label='x'), slope inf",
        f"  made at {HERE}, line {line_of('steep')}: y = x.sqrt()  # steep",
    ]


def test_grads_are_what_they_were_before() -> None:
    x, w = Value(0.0), Value(2.0)
    w.grad = 7.0
    y = w * x.sqrt() + w * w
    with debug_nans(), pytest.raises(FloatingPointError):
        y.backward()
    assert (x.grad, w.grad, y.grad) == (0.0, 7.0, 0.0)
    y.backward()
    assert (x.grad, w.grad) == (float("inf"), 11.0)


@pytest.mark.parametrize(
    ("call", "first"),
    [
        (lambda: grad(lambda x: x.sqrt())(0.0), "the derivative that reaches"),
        (lambda: jvp(lambda x: x.sqrt() * 2.0, (0.0,), (1.0,)), "the tangent that reaches"),
        (lambda: grad(grad(lambda x: x**1.5))(0.0), "the derivative that reaches"),
        (lambda: hessian(lambda x: x**1.5)(0.0), "the tangent that reaches"),
        (lambda: pygrad.gradients(z := Value(0.0).sqrt(), z._children[0]), "the derivative"),
    ],
)
def test_transforms_are_watched(call: Callable[[], Any], first: str) -> None:
    assert message_of(call)[0].startswith(first)


def test_a_node_made_before_is_named_without_a_line() -> None:
    x = Value(0.0)
    y = x.sqrt()
    assert message_of(y.backward)[-1].startswith("  made at no line of the program")


def test_each_suppressed_product_is_reported_once_with_the_line() -> None:
    x = Value(0.0)
    with debug_nans() as report, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = x.sqrt() * 0.0 + x  # suppressed
        y.backward()
    assert x.grad == 1.0
    (product,) = report.suppressed
    assert (product.op, product.operand, product.adjoint) == ("sqrt", 0, 0.0)
    assert product.slope == float("inf")
    assert f"line {line_of('suppressed')}: y = x.sqrt()" in product.where
    assert [str(w.message) for w in caught] == [str(product)]
    assert caught[0].category is RuntimeWarning
    assert caught[0].filename == HERE


def test_nothing_is_said_of_sound_programs_and_results_are_the_same() -> None:
    def f(x: Any, y: Any) -> Any:
        return math.tanh(x * y) + math.exp(x) / (1.0 + y**2) - pygrad.dot([x, y], [y, 2.0])

    plain = grad(f, (0, 1))(0.3, -2.0)
    with debug_nans() as report:
        watched = grad(f, (0, 1))(0.3, -2.0)
    assert watched == plain
    assert report.suppressed == []


def test_it_ends_with_the_block_and_may_be_nested() -> None:
    with debug_nans():
        with debug_nans(), pytest.raises(FloatingPointError):
            overflow()
        with pytest.raises(FloatingPointError):
            overflow()
    assert overflow().data == float("inf")


def test_it_holds_for_the_thread_that_entered_it() -> None:
    results = []
    with debug_nans():
        thread = threading.Thread(target=lambda: results.append(overflow().data))
        thread.start()
        thread.join()
    assert results == [float("inf")]


def test_labels_and_lines_do_not_show_in_attributes_or_copies() -> None:
    with debug_nans():
        x = Value(2.0)
        y = x * x
    assert vars(y) == {}
    assert y.label == ""
