"""backward() called by a closure of a running backward(): nested sweeps add up and are undone together."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from closures import Injected, with_rule


def nested_graph(impl: ModuleType, fail: dict[str, bool]) -> tuple[list[Any], Any]:
    """Three sweeps inside one another; a, b, c are shared leaves. fail says who raises."""
    a, b, c = impl.Value(2.0), impl.Value(3.0), impl.Value(5.0)
    third_inner = a * b
    second_inner = b * c

    def third_rule(node: Any) -> None:
        third_inner.grad += node.grad
        if fail.get("third"):
            raise Injected

    third = with_rule(impl, 1.0, (third_inner,), third_rule) + a

    def second_rule(node: Any) -> None:
        a.grad += 0.5
        third.backward()
        a.grad += 0.25
        second_inner.grad += node.grad
        if fail.get("second"):
            raise Injected

    second = with_rule(impl, 1.0, (second_inner,), second_rule) * 2.0

    def first_rule(node: Any) -> None:
        if fail.get("caught"):
            with pytest.raises(Injected):
                second.backward()
        else:
            second.backward()
        c.grad += node.grad
        if fail.get("first"):
            raise Injected

    first = with_rule(impl, 1.0, (c,), first_rule) + a * c
    return [a, b, c, third_inner, second_inner, third, second, first], first


def grads(nodes: list[Any]) -> list[str]:
    return [v.grad.hex() for v in nodes]


def test_nested_sweeps_add_up(impl):
    nodes, root = nested_graph(impl, {})
    a, b, c, third_inner, second_inner, *_ = nodes
    root.backward()
    assert third_inner.grad == 1.0
    assert second_inner.grad == 2.0
    assert a.grad == 0.5 + (3.0 + 1.0) + 0.25 + 5.0
    assert b.grad == 2.0 + 2.0 * 5.0
    assert c.grad == 2.0 * 3.0 + 1.0 + 2.0


@pytest.mark.parametrize("who", ["first", "second", "third"])
def test_a_failure_undoes_committed_nested_sweeps_too(impl, who):
    fail = {who: True}
    nodes, root = nested_graph(impl, fail)
    for i, v in enumerate(nodes):
        v.grad = 0.1 * i
    before = grads(nodes)
    with pytest.raises(Injected):
        root.backward()
    assert grads(nodes) == before
    fail.clear()
    for v in nodes:
        v.grad = 0.0
    root.backward()
    fresh, fresh_root = nested_graph(impl, {})
    fresh_root.backward()
    assert grads(nodes) == grads(fresh)


@pytest.mark.parametrize("who", ["second", "third"])
def test_a_nested_failure_that_is_caught_leaves_the_outer_sweep_whole(impl, who):
    nodes, root = nested_graph(impl, {who: True, "caught": True})
    a, b, c, third_inner, second_inner, _, second, first = nodes
    second.grad = 9.0
    root.backward()
    assert (third_inner.grad, second_inner.grad, second.grad) == (0.0, 0.0, 9.0)
    assert (a.grad, b.grad, c.grad, first.grad) == (5.0, 0.0, 3.0, 1.0)


def test_nested_sweeps_after_which_the_outer_fails_again_and_again(impl):
    """Entries and nested sweeps are undone in the reverse of their order."""
    x, y = impl.Value(1.0), impl.Value(1.0)
    square = y * y

    def rule(_: Any) -> None:
        y.grad = 1.0
        square.backward()
        y.grad = 100.0
        square.grad = 7.0
        square.backward()
        impl.zero_grad(square)
        raise Injected

    root = with_rule(impl, 1.0, (x,), rule)
    y.grad, square.grad = 0.5, 0.75
    for _ in range(3):
        with pytest.raises(Injected):
            root.backward()
        assert (y.grad, square.grad, x.grad, root.grad) == (0.5, 0.75, 0.0, 0.0)
