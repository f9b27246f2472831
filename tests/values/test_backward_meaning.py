"""What backward() means, point by point, in both implementations.

The points: 1 order and unfinished sweeps, 2 which grads start where, 3 what a closure sees, 4 the callable
`_backward`, 5 grads written from outside a rule, 6 all or nothing, 7 nested calls
(test_nested_sweeps.py), 8 read-only children and no half-done sweep in sight of another thread.
"""

from __future__ import annotations

import operator
import sys
import threading
from typing import Any

import pytest
from closures import Injected, with_rule

# -- 1: the order, and unfinished sweeps ----------------------------------------------------------


def test_operands_are_visited_depth_first_in_operand_order(impl):
    calls: list[str] = []

    def node(name: str, *children: Any) -> Any:
        return with_rule(impl, 1.0, children, lambda _: calls.append(name))

    x = impl.Value(1.0)
    shared = node("shared", x)
    left, right = node("left", shared, x), node("right", x, shared)
    node("root", left, right, left).backward()
    # Post-order is shared, left, right, root; the sweep is its reverse.
    assert calls == ["root", "right", "left", "shared"]


def test_each_node_is_visited_once_however_many_paths_lead_to_it(impl):
    calls: list[int] = []
    x = impl.Value(1.0)
    node = x
    for i in range(40):  # 2 ** 40 paths
        node = with_rule(impl, 1.0, (node, node), lambda _, i=i: calls.append(i))
    node.backward()
    assert calls == list(range(39, -1, -1))


def test_operand_order_holds_for_nodes_with_many_operands(impl):
    calls: list[int] = []
    x = impl.Value(1.0)
    nodes = [with_rule(impl, 1.0, (x,), lambda _, i=i: calls.append(i)) for i in range(200)]
    impl.sum([*nodes, *reversed(nodes)]).backward()
    assert calls == list(range(199, -1, -1))


def test_an_inner_node_of_an_unfinished_sweep_is_refused_and_a_shared_leaf_is_not(impl):
    x = impl.Value(2.0)
    inner = x * 3.0
    refused: list[str] = []

    def rule(_: Any) -> None:
        with pytest.raises(RuntimeError) as error:
            (inner + 1.0).backward()
        refused.append(str(error.value))
        (x * 5.0).backward()  # of this sweep it shares a leaf only
        inner.grad += 7.0

    root = with_rule(impl, 1.0, (inner,), rule)
    root.backward()
    assert "backward()" in refused[0]
    assert (inner.grad, x.grad) == (7.0, 5.0 + 21.0)
    (inner + 1.0).backward()  # no mark is left
    assert (inner.grad, x.grad) == (1.0, 29.0)


def test_calling_backward_on_the_running_root_is_refused(impl):
    x = impl.Value(2.0)
    root = with_rule(impl, 1.0, (x,), lambda node: node.backward())
    x.grad = 5.0
    with pytest.raises(RuntimeError):
        root.backward()
    assert (x.grad, root.grad) == (5.0, 0.0)


# -- 2: where grads start --------------------------------------------------------------------------


def test_leaves_accumulate_and_inner_nodes_start_at_zero_in_every_call(impl):
    x, y = impl.Value(3.0), impl.Value(4.0)
    inner = x * y
    root = inner * inner
    inner.grad = 1000.0  # left over from something else: of no consequence
    root.backward()
    assert (root.grad, inner.grad, x.grad, y.grad) == (1.0, 24.0, 96.0, 72.0)
    root.backward()
    assert (root.grad, inner.grad, x.grad, y.grad) == (1.0, 24.0, 192.0, 144.0)
    (inner + x).backward()
    assert (inner.grad, x.grad, y.grad) == (1.0, 192.0 + 4.0 + 1.0, 147.0)


def test_the_root_gets_the_seed(impl):
    x = impl.Value(3.0)
    root = x * 2.0
    root.grad = 50.0
    root.backward(-0.5)
    assert (root.grad, x.grad) == (-0.5, -1.0)
    root.backward(seed=2)
    assert (root.grad, x.grad) == (2.0, 3.0)
    with pytest.raises(TypeError):
        root.backward("1")
    with pytest.raises(TypeError):
        root.backward(x)
    assert (root.grad, x.grad) == (2.0, 3.0)


def test_a_leaf_as_root_gets_the_seed_in_place_of_its_grad(impl):
    x = impl.Value(3.0)
    x.backward()
    x.backward(4.0)
    assert x.grad == 4.0


def test_inner_grads_start_at_plus_zero(impl):
    x = impl.Value(1.0)
    inner = impl.Value(1.0, (x,), "silent")
    inner._backward = None
    inner.grad = -0.0
    root = impl.Value(1.0, (inner,), "silent")
    root._backward = None
    root.backward()
    assert str(inner.grad) == "0.0"


# -- 3: what closures see --------------------------------------------------------------------------


def test_a_closure_is_called_even_when_its_grad_is_zero(impl):
    calls: list[float] = []
    x = impl.Value(2.0)
    node = with_rule(impl, 1.0, (x,), lambda node: calls.append(node.grad))
    (node * 0.0).backward()
    assert calls == [0.0]


def test_a_closure_sees_live_grads_and_data(impl):
    seen: list[tuple[float, float, float]] = []
    x = impl.Value(2.0)
    inner = x * 3.0

    def rule(node: Any) -> None:
        seen.append((node.grad, inner.grad, x.data))
        x.data = 10.0
        inner.grad += node.grad

    node = with_rule(impl, 1.0, (inner,), rule)
    root = node * 4.0 + inner * x  # x.data is read when the sweep gets there
    root.backward()
    # inner * x comes before node in the sweep: it has added 2.0 to inner.
    assert seen == [(4.0, 2.0, 2.0)]
    assert inner.grad == 6.0
    assert x.grad == 6.0 + 3.0 * 6.0


def test_built_in_rules_read_data_at_backward_time_and_given_partials_are_as_given(impl):
    x, y = impl.Value(2.0), impl.Value(5.0)
    product = x * y
    partial = impl.Value(7.0)
    given = impl.Value(1.0, (x, y), (partial, 3.0))
    root = product + given
    y.data = 100.0
    partial.data = 1000.0
    root.backward()
    assert (x.grad, y.grad) == (100.0 + 7.0, 2.0 + 3.0)
    assert given._local_grads == (partial, 3.0)
    assert partial.grad == 0.0


def test_contributions_go_to_operands_in_order_and_in_place(impl):
    big, small = 1e16, 1.0
    x = impl.Value(1.0)
    node = impl.Value(0.0, (x, x, x), (big, small, -big))  # order matters to the last bit
    x.grad = 3.0
    node.backward()
    assert x.grad == ((3.0 + big) + small) - big


# -- 4: the callable _backward ---------------------------------------------------------------------


def test_backward_of_a_built_in_node_adds_its_contributions_once(impl):
    x, y = impl.Value(2.0), impl.Value(5.0)
    z = x * y
    rule = z._backward
    assert callable(rule)
    z.grad = 2.0
    rule()
    assert (x.grad, y.grad) == (10.0, 4.0)
    rule()
    assert (x.grad, y.grad) == (20.0, 8.0)
    z.grad = 1.0
    z._backward()
    assert (x.grad, y.grad, z.grad) == (25.0, 10.0, 1.0)


def test_driving_a_graph_by_hand_equals_backward(impl):
    def build() -> tuple[list[Any], Any]:
        a, b = impl.Value(1.5), impl.Value(-0.5)
        c = a * b
        d = c.tanh() + impl.dot([a, c], [b, 2.0], a)
        return [a, b, c, d], impl.sum([d, c, d / 3.0])

    nodes, root = build()
    root.backward()
    by_hand, root_by_hand = build()
    order: list[Any] = []

    def visit(v: Any) -> None:
        if v not in order:
            for child in v._children:
                visit(child)
            order.append(v)

    visit(root_by_hand)
    root_by_hand.grad = 1.0
    for v in reversed(order):
        v._backward()
    assert [v.grad for v in nodes] == [v.grad for v in by_hand]


def test_wrapping_the_rule_of_a_built_in_node(impl):
    calls: list[float] = []
    x = impl.Value(2.0)
    z = x * 3.0
    rule = z._backward

    def wrapper() -> None:
        calls.append(z.grad)
        rule()
        rule()

    z._backward = wrapper
    assert z._backward is wrapper
    (z + 1.0).backward()
    assert calls == [1.0]
    assert x.grad == 6.0


def test_none_switches_a_rule_off_and_other_things_are_refused(impl):
    x = impl.Value(2.0)
    z = x * 3.0
    with pytest.raises(TypeError):
        z._backward = 3
    z._backward = None
    (z + 0.0).backward()
    assert (z.grad, x.grad) == (1.0, 0.0)


def test_a_leaf_can_have_a_closure(impl):
    x = impl.Value(2.0)
    seen: list[float] = []
    x._backward = lambda: seen.append(x.grad)
    (x * 3.0).backward()
    assert seen == [3.0]


# -- 5: grads written from outside a rule ----------------------------------------------------------


def test_an_undeclared_node_propagates_only_if_it_is_still_to_come(impl):
    x, y = impl.Value(1.0), impl.Value(1.0)
    later, earlier = x * 2.0, y * 3.0

    def rule(_: Any) -> None:
        later.grad += 10.0
        earlier.grad += 10.0

    node = with_rule(impl, 1.0, (impl.Value(0.0),), rule)
    # Post-order: later, node, earlier. Reversed: earlier, node, later.
    impl.sum([later, node, earlier]).backward()
    assert (later.grad, x.grad) == (11.0, 22.0)
    assert (earlier.grad, y.grad) == (11.0, 3.0)


def test_writes_outside_the_sweep_are_kept_on_success_and_undone_on_failure(impl):
    x = impl.Value(1.0)
    outside_leaf, outside_inner = impl.Value(1.0), impl.Value(1.0) * 2.0
    fail = [True]

    def rule(node: Any) -> None:
        outside_leaf.grad += 5.0
        outside_inner.grad = 6.0
        outside_leaf.grad += 5.0
        impl.zero_grad([outside_inner])
        x.grad += node.grad
        if fail[0]:
            raise Injected

    root = with_rule(impl, 1.0, (x,), rule)
    outside_leaf.grad, outside_inner.grad = 0.25, -0.0
    with pytest.raises(Injected):
        root.backward()
    assert (outside_leaf.grad, str(outside_inner.grad), x.grad) == (0.25, "-0.0", 0.0)
    assert outside_inner._children[0].grad == 0.0
    fail[0] = False
    root.backward()
    assert (outside_leaf.grad, outside_inner.grad, x.grad) == (10.25, 0.0, 1.0)
    assert outside_inner._children[0].grad == 0.0  # touched, but no part of the sweep


@pytest.mark.parametrize("way", ["by_hand", "zero_graph", "parameters"])
def test_other_ways_to_write_grads_are_undone_too(impl, way):
    x = impl.Value(1.0)
    other = impl.Value(3.0)
    node = other * 2.0
    node.grad, other.grad = 1.0, 8.0
    parameters = impl.Parameters([other, node])

    def rule(_: Any) -> None:
        {
            "by_hand": node._backward,
            "zero_graph": lambda: impl.zero_grad(node),
            "parameters": parameters.zero_grad,
        }[way]()
        assert other.grad != 8.0
        raise Injected

    root = with_rule(impl, 1.0, (x,), rule)
    with pytest.raises(Injected):
        root.backward()
    assert (node.grad, other.grad) == (1.0, 8.0)


def test_a_closure_may_make_nodes_and_drop_them(impl):
    x = impl.Value(2.0)

    def rule(node: Any) -> None:
        y = impl.Value(1.0)
        t = y * 5.0
        y.grad += 4.0  # journalled, and gone before the sweep ends
        t._backward()
        x.grad += node.grad * t.data

    root = with_rule(impl, 1.0, (x,), rule)
    root.backward()
    assert x.grad == 5.0


# -- 6: all or nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Injected, KeyboardInterrupt, MemoryError, SystemExit])
def test_an_exception_restores_every_grad_and_comes_out_unchanged(impl, kind):
    raised = kind("as it is")
    x, y = impl.Value(2.0), impl.Value(3.0)
    inner = x * y
    fail = [True]

    def rule(node: Any) -> None:
        inner.grad += node.grad
        if fail[0]:
            raise raised

    root = with_rule(impl, 1.0, (inner,), rule) * 2.0 + inner
    x.grad, y.grad, inner.grad, root.grad = 0.1, -0.0, 0.3, 0.4
    with pytest.raises(kind) as caught:
        root.backward()
    assert caught.value is raised
    assert raised.__context__ is None
    assert (x.grad, str(y.grad), inner.grad, root.grad) == (0.1, "-0.0", 0.3, 0.4)
    fail[0] = False
    root.backward()
    assert (inner.grad, x.grad, y.grad, root.grad) == (3.0, 0.1 + 9.0, 6.0, 1.0)


# -- 8: read-only children; no half-done sweep -----------------------------------------------------


def test_children_are_read_only(impl):
    x, y = impl.Value(2.0), impl.Value(3.0)
    z = x * y
    for name in ("_children", "_prev", "local_derivatives", "_local_grads"):
        with pytest.raises(AttributeError):
            setattr(z, name, (x,))
    z._prev.clear()
    z._prev.add(z)
    assert z._prev == {x, y}
    assert z._children == (x, y)
    children = [x, y]
    custom = impl.Value(1.0, children, (1.0, 1.0))
    children.append(z)
    assert custom._children == (x, y)
    with pytest.raises(RuntimeError):
        z.__init__(1.0, (z,), "circle")


def test_another_thread_never_sees_a_half_done_sweep():
    from pygrad.value import Value, zero_grad

    x = Value(0.0)
    root = x
    for _ in range(100_000):
        root = root + 1.0
    # The operand of the root is among the first to be filled, x is the last.
    ends = [root._children[0], x]
    stop = threading.Event()
    seen: set[tuple[float, ...]] = set()
    reads = 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            reads += 1
            seen.add(tuple(map(operator.attrgetter("grad"), ends)))  # in one go, as it is all C

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    reader = threading.Thread(target=read)
    try:
        reader.start()
        for _ in range(50):
            root.backward()
            zero_grad(root)
    finally:
        stop.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert reads > 0
    assert seen <= {(0.0, 0.0), (1.0, 1.0)}
