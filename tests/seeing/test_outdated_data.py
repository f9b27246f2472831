"""A .data that was assigned after the graph had been made: explain and draw say so, debug_nans() raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pygrad
from pygrad import Value, debug_nans, draw, explain, gradients, math, reference
from pygrad.optim import SGD


def notes(v: Any) -> list[str]:
    """What is said of outdated data, by explain and by draw alike."""
    said = [note for note in explain(v).notes if note.startswith("Outdated")]
    graph = draw(v)
    assert said == graph.caption
    assert ("(outdated)" in str(graph)) == bool(said)
    assert ("(outdated)" in graph.to_dot()) == ("(outdated)" in graph.to_svg()) == bool(said)
    assert all(note in str(explain(v)) and note in explain(v).to_markdown() for note in said)
    return said


def product() -> tuple[Value, Value, Value]:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a * b
    c.label = "c"
    return a, c, c + 1.0


def test_a_leaf_that_was_changed() -> None:
    a, _, d = product()
    assert notes(d) == []
    a.data = 5.0
    assert notes(d) == [
        "Outdated: c = a * b holds -6, which is -15 now. A .data was assigned after the graph had been "
        "made; slopes are taken from the data of now. Compute the graph again."
    ]


def test_a_node_in_the_middle_that_was_changed() -> None:
    _, c, d = product()
    c.data = 7.0
    (note,) = notes(d)
    assert "c = a * b holds 7, which is -6 now" in note
    assert "a = c + 1 holds" not in note


def test_the_same_number_again_is_no_change() -> None:
    a, c, d = product()
    a.data, c.data = 2.0, -6.0
    assert notes(d) == []
    a.data = 5.0
    a.data = 2.0
    assert notes(d) == []


@pytest.mark.parametrize("impl", [pygrad, reference])
def test_zero_of_either_sign_is_one_number(impl: Any) -> None:
    a = impl.Value(0.0)
    b = a * 3.0
    c = b + 1.0
    a.data = -0.0
    assert notes(c) == []
    if impl is pygrad:
        with debug_nans():
            c.backward()
        assert a.grad == 3.0
    a.data = float("nan")
    assert len(notes(c)) == 1


def test_a_step_makes_the_old_graph_outdated_and_not_the_next() -> None:
    p = Value(1.0, label="p")
    loss = (p - 3.0) ** 2
    loss.backward()
    p.data -= 0.1 * p.grad
    assert len(notes(loss)) == 1
    loss = (p - 3.0) ** 2
    assert notes(loss) == []
    loss.backward()
    SGD([p], lr=0.1).step()
    assert len(notes(loss)) == 1


@pytest.mark.parametrize("act", ["backward", "create_graph", "gradients"])
def test_debug_nans_refuses_the_old_graph(act: str) -> None:
    p = Value(1.0, label="p")
    calls: dict[str, Callable[[Any], Any]] = {
        "backward": lambda loss: loss.backward(),
        "create_graph": lambda loss: loss.backward(create_graph=True),
        "gradients": lambda loss: gradients(loss, p),
    }
    with debug_nans():
        error = p - 3.0
        error.label = "error"
        loss = error**2
        calls[act](loss)
        p.data -= 0.5
        grad = float(p.grad if isinstance(p.grad, float) else p.grad.data)
        with pytest.raises(RuntimeError) as caught:
            calls[act](loss)
        assert p.grad == grad
        message = str(caught.value)
        assert message.startswith(
            "op '-' ('error') holds -2.0, but for the data that its operands hold now"
        )
        assert "it is -2.5" in message and "label='p'" in message and "Compute it again" in message
        assert f"made at {__file__}" in message
        calls[act]((p - 3.0) ** 2)


def test_many_kinds_of_nodes_are_known_to_be_up_to_date() -> None:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    nodes = [
        pygrad.sum([a, b, 1.0], 1.5),
        pygrad.sum([a, b], a),
        pygrad.dot([a, 2.0], [b, a], b),
        pygrad.dot([a], [b]),
        pygrad.clip(a, 0.0, 1.0),
        pygrad.where(a > 1.0, a, b),
        pygrad.maximum(a, b),
        round(a, 1) + abs(b),
        a % 3 + a // b + a**-1.5 + a**3 + b**2,
        math.hypot(a, b) + math.atan2(a, b) + math.logaddexp(a, b),
        math.erf(a) + math.lgamma(a) + b.sigmoid() + b.tanh() + b.softplus(),
        Value(4.0, (a, b), (1.0, 2.0)),
        Value(4.0, (a, b), "own"),
        math.stop_gradient(a) * -b,
        Value(float("nan")) * a + 0.0 * b,
        Value(-0.0) * a,
    ]
    assert notes(pygrad.sum(nodes)) == []


def test_of_the_reference_s_values_too() -> None:
    a, b = reference.Value(2.0, label="a"), reference.Value(-3.0, label="b")
    ops = [a * b, a**2, a**-1.5, b.tanh(), a.hypot(b), a.clip(0, 1), reference.dot([a], [b], a)]
    total = reference.sum([*ops, reference.Value(1.0, (a,), (3.0,))], 2.5)
    assert notes(total) == []
    a.data = 3.0
    (note,) = notes(total)
    assert "and 2 more" in note
    root = reference.Value(4.0).sqrt()
    root._children[0].data = -1.0
    (note,) = notes(root)
    assert "holds 2, which is nan now" in note


def test_many_are_counted() -> None:
    a = Value(2.0, label="a")
    total = pygrad.sum([a * i for i in range(1, 8)])
    a.data = 3.0
    (note,) = notes(total)
    assert "and 4 more" in note


def test_what_a_program_has_made_of_values_is_up_to_date() -> None:
    f = pygrad.jit(lambda x: math.sin(x) * math.exp(x) + math.tanh(x) ** 3.5 + math.log(x))
    x = Value(0.7)
    y = f(x) + f(Value(1.234))
    assert notes(y) == []
    x.data = 0.8
    assert len(notes(y)) == 1


def test_of_a_graph_that_is_too_large_the_nearest_are_looked_at() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(30_000):
        y = y + 1.0
    y = y * x
    x.data = 2.0
    assert any(note.startswith("Outdated") for note in explain(y).notes)
    assert any(line.startswith("Outdated") for line in draw(y).caption)
