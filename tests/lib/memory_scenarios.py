"""Calls that may run out of memory, what each must leave alone, and a check of its result."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pygrad
from pygrad import value as pg
from pygrad.value import FUNCTIONS, Parameters, Value


def number(grad: Any) -> float:
    """A grad that may be a Value."""
    return grad.data if isinstance(grad, Value) else grad


class Scenario:
    """A call that may fail, the Values it must leave alone when it does, and a check of its result."""

    def __init__(
        self,
        call: Callable[[], Any],
        watched: list[Value],
        check: Callable[[Any], bool],
        least: int,  # allocations that the call makes at least
    ) -> None:
        self.call, self.watched, self.check, self.least = call, watched, check, least

    def state(self) -> list[Any]:
        return [
            (v.data.hex(), number(v.grad).hex(), v.label, v._op, len(v._children))
            for v in self.watched
        ]


SCENARIOS: dict[str, Callable[[], Scenario]] = {}


def scenario(make: Callable[[], Scenario]) -> Callable[[], Scenario]:
    SCENARIOS[make.__name__] = make
    return make


def leaf_values() -> tuple[Value, Value]:
    a, b = Value(2.0), Value(-3.0)
    a.grad, b.grad = 0.5, -0.0
    return a, b


# -- making nodes ----------------------------------------------------------------------------------


@scenario
def leaf() -> Scenario:
    return Scenario(lambda: Value(4.0), [], lambda v: v.data == 4.0, 1)


@scenario
def leaf_of_a_subclass() -> Scenario:
    class Weight(Value):
        pass

    return Scenario(lambda: Weight(4.0), [], lambda v: v.data == 4.0, 1)


@scenario
def leaf_with_label() -> Scenario:
    return Scenario(lambda: Value(4.0, label="four"), [], lambda v: v.label == "four", 2)


@scenario
def unary() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: a.tanh(), [a, b], lambda v: v._children == (a,), 1)


@scenario
def binary() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: a * b, [a, b], lambda v: v._children == (a, b), 1)


@scenario
def constant_on_the_right() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: a * 5.0, [a, b], lambda v: v.data == 10.0, 2)


@scenario
def constant_on_the_left() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: 5 - b, [a, b], lambda v: v.data == 8.0, 2)


@scenario
def power() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: a**3, [a, b], lambda v: v.data == 8.0 and v._op == "**3", 1)


@scenario
def ternary() -> Scenario:
    a, b = leaf_values()
    return Scenario(
        lambda: FUNCTIONS["where"](a, b, 1.0), [a, b], lambda v: v._children[:2] == (a, b), 3
    )


@scenario
def clip_without_bounds() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: a.clip(None, None), [a, b], lambda v: v.data == 2.0, 4)


@scenario
def operands_with_labels_and_closures() -> Scenario:
    a, b = leaf_values()
    a.label = "a"
    b._backward = lambda: None
    return Scenario(
        lambda: (a * b) * a + FUNCTIONS["where"](a, b, 2.0), [a, b], lambda v: v.data == -15.0, 6
    )


@scenario
def sum_of_few() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: pg.sum([a, b, 1.0], start=b), [a, b], lambda v: v._children[-1] is b, 3)


@scenario
def sum_of_many() -> Scenario:
    a, b = leaf_values()
    items = [a, 1.0, b] * 40
    return Scenario(lambda: pg.sum(items), [a, b], lambda v: len(v._children) == 120, 44)


@scenario
def dot_of_few() -> Scenario:
    a, b = leaf_values()
    return Scenario(lambda: pg.dot([a, b], [b, 2.0], 1.0), [a, b], lambda v: v.data == -11.0, 4)


@scenario
def dot_of_many() -> Scenario:
    a, b = leaf_values()
    return Scenario(
        lambda: pg.dot([a] * 60, [b] * 59 + [1.0], a), [a, b], lambda v: v.data == -350.0, 5
    )


@scenario
def local_grads() -> Scenario:
    a, b = leaf_values()
    return Scenario(
        lambda: Value(1.0, (a, b), (a, 2.0)), [a, b], lambda v: v._local_grads == (a, 2.0), 6
    )


@scenario
def children_that_carry() -> Scenario:
    a, b = leaf_values()
    a.label = "a"
    b.tag = []
    return Scenario(
        lambda: Value(1.0, (a, b), "custom", label="c"),
        [a, b],
        lambda v: (v._op, v.label, v._children) == ("custom", "c", (a, b)),
        5,
    )


@scenario
def closure() -> Scenario:
    a, b = leaf_values()

    def build() -> Value:
        v = Value(1.0, (a, b), "custom")
        v._backward = lambda: None
        return v

    return Scenario(build, [a, b], lambda v: v._children == (a, b), 5)


@scenario
def many_nodes() -> Scenario:
    a, b = leaf_values()

    def build() -> Value:
        v = a
        for _ in range(100):
            v = v * b + 1.0
        return v

    return Scenario(build, [a, b], lambda v: v._op == "+", 300)


# -- sweeps ----------------------------------------------------------------------------------------


def chain(length: int) -> list[Value]:
    nodes = [Value(1.0)]
    for i in range(length):
        nodes.append(nodes[-1] * 1.0 if i % 2 else nodes[-1] + nodes[0])
    for i, v in enumerate(nodes):
        v.grad = 0.25 * i
    return nodes


def sweep_of(nodes: list[Value], least: int) -> Scenario:
    return Scenario(nodes[-1].backward, nodes, lambda _: nodes[-1].grad == 1.0, least)


@scenario
def backward_on_a_small_graph() -> Scenario:
    return sweep_of(chain(20), 1)


@scenario
def backward_on_a_large_graph() -> Scenario:
    return sweep_of(chain(3000), 2)


@scenario
def backward_on_a_wide_graph() -> Scenario:
    leaves = [Value(float(i)) for i in range(500)]
    squares = [v * v for v in leaves]
    return sweep_of([*leaves, *squares, pg.sum(squares)], 2)


@scenario
def backward_with_nested_nary_nodes() -> Scenario:
    x = Value(1.0)
    nodes = [x]
    for _ in range(150):  # a path of n-ary nodes: two words each
        nodes.append(pg.dot([nodes[-1], x], [x, 0.5], x))
    return sweep_of(nodes, 2)


@scenario
def backward_after_a_branch_that_fills_the_order() -> Scenario:
    # The order grows at each of its doublings while an n-ary node leaves the path.
    nodes = [Value(1.0)]
    for _ in range(400):
        nodes.append(pg.sum([nodes[-1]]))
    return sweep_of(nodes, 2)


# -- derivatives of functions ----------------------------------------------------------------------


def every_rule(x: Any) -> Any:
    """A function with nodes of every shape: one, two, three and many operands, constants."""
    y = x * 0.25 + pg.dot([x, x], [x, 0.5], x) + pg.sum([x, x * x, 1.0])
    return FUNCTIONS["where"](y, y.tanh() * x**3, 0.0) / (x.exp() + FUNCTIONS["hypot"](x, y))


@scenario
def gradient_of_a_function() -> Scenario:
    w = leaf_values()[0]
    return Scenario(lambda: pygrad.grad(lambda x: every_rule(x) * w)(0.5), [w], bool, 20)


@scenario
def second_derivative_of_a_function() -> Scenario:
    w = leaf_values()[0]
    w.label = "w"
    f = pygrad.grad(pygrad.grad(lambda x: every_rule(x) * w))
    return Scenario(lambda: f(0.5), [w], bool, 60)


@scenario
def forward_over_reverse() -> Scenario:
    w = leaf_values()[0]
    return Scenario(
        lambda: pygrad.hvp(lambda x: every_rule(x[0]) * x[1] * w, [0.5, 2.0], [1.0, -1.0]),
        [w],
        lambda r: len(r) == 2,
        60,
    )


@scenario
def pullback_of_a_function() -> Scenario:
    w = leaf_values()[0]
    _, pullback = pygrad.vjp(lambda x: [every_rule(x), x * w], 0.5)
    return Scenario(lambda: pullback([1.0, 2.0]), [w], lambda r: len(r) == 1, 4)


@scenario
def singular_second_derivative() -> Scenario:
    """The sweep meets 0 * inf, and goes the way again to see whether that matters: here it does not."""
    x = Value(0.0)
    x.grad = 0.5
    y = pygrad.where(x, (x * x).sqrt(), 0.0) + 3 * x
    (slope,) = pygrad.gradients(y, [x])
    return Scenario(slope.backward, [x], lambda _: x.grad == 0.5, 3)


@scenario
def gradients_between_values() -> Scenario:
    a, b = leaf_values()
    c = every_rule(a) * b
    return Scenario(lambda: pygrad.gradients(c, [a, b, c]), [a, b, c], lambda r: len(r) == 3, 20)


@scenario
def backward_with_values_as_grads() -> Scenario:
    a, b = leaf_values()
    c = every_rule(a) * b
    return Scenario(
        lambda: (c.backward(create_graph=True), a.grad),
        [a, b, c],
        lambda _: isinstance(a.grad, Value) and b.grad == c._children[0].data,
        20,
    )


@scenario
def backward_with_values_as_grads_again() -> Scenario:
    a, b = leaf_values()
    c = every_rule(a) * b
    c.backward(create_graph=True)
    return Scenario(
        lambda: ((a * c).backward(create_graph=True), a.grad),
        [a, b, c],
        lambda _: isinstance(a.grad, Value) and a.grad._op == "+",
        20,
    )


@scenario
def watched_nodes_and_adjoints() -> Scenario:
    a, b = leaf_values()

    def watched() -> None:
        with pygrad.debug_nans():
            (every_rule(a) * b).backward()

    return Scenario(watched, [a, b], lambda _: True, 60)


# -- writes in closures ----------------------------------------------------------------------------


@scenario
def grad_setter_in_a_closure() -> Scenario:
    x, outside = leaf_values()
    root = Value(1.0, (x,), "custom")

    def rule() -> None:
        outside.grad = 5.0
        outside.grad += 1.0
        x.grad += root.grad

    root._backward = rule
    return Scenario(root.backward, [x, outside, root], lambda _: outside.grad == 6.0, 3)


@scenario
def zero_grad_in_a_closure() -> Scenario:
    x, outside = leaf_values()
    outside.grad = 4.0
    graph = outside * 2.0
    graph.grad = 3.0
    root = Value(1.0, (x,), "custom")

    def rule() -> None:
        pg.zero_grad(graph)
        pg.zero_grad([outside])

    root._backward = rule
    return Scenario(
        root.backward, [x, outside, graph, root], lambda _: (outside.grad, graph.grad) == (0, 0), 6
    )


@scenario
def rule_by_hand_in_a_closure() -> Scenario:
    x, outside = leaf_values()
    graph = outside * x
    graph.grad = 3.0
    root = Value(1.0, (x,), "custom")
    root._backward = graph._backward
    return Scenario(root.backward, [x, outside, graph, root], lambda _: outside.grad == 6.0, 3)


@scenario
def nested_backward() -> Scenario:
    x, y = leaf_values()
    inner = chain(100)
    nested = inner[-1] * y
    root = Value(1.0, (x,), "custom")

    def rule() -> None:
        nested.backward()
        y.grad += 1.0
        nested.backward()
        x.grad += root.grad

    root._backward = rule
    watched = [x, y, *inner, nested, root]
    # (n, n + 1): both sweeps allocate alike, and a failure in the second undoes the first.
    return Scenario(
        (root + 1.0).backward, watched, lambda _: nested.grad == 1.0 and x.grad == 1.5, 4
    )


@scenario
def nested_backward_whose_failure_is_caught() -> Scenario:
    x, y = leaf_values()
    nested = chain(100)[-1] * y
    root = Value(1.0, (x,), "custom")
    failures: list[MemoryError] = []

    def rule() -> None:
        before = y.grad, nested.grad
        try:
            nested.backward()
        except MemoryError as error:
            assert (y.grad, nested.grad) == before
            failures.append(error)
            raise
        x.grad += root.grad

    root._backward = rule
    return Scenario(root.backward, [x, y, nested, root], lambda _: x.grad == 1.5, 2)


@scenario
def zero_grad_of_a_graph() -> Scenario:
    nodes = chain(300)
    return Scenario(
        lambda: pg.zero_grad(nodes[-1]), nodes, lambda _: all(v.grad == 0 for v in nodes), 2
    )


@scenario
def rule_by_hand() -> Scenario:
    a, b = leaf_values()
    c = a * b
    c.grad = 2.0
    return Scenario(lambda: c._backward(), [a, b, c], lambda _: b.grad == 4.0, 1)


# -- looking, copying, updating --------------------------------------------------------------------


@scenario
def order() -> Scenario:
    nodes = chain(200)
    return Scenario(
        lambda: pg._native.order(nodes[-1]), nodes[-1:], lambda v: v[-1] is nodes[-1], 2
    )


@scenario
def local_derivatives() -> Scenario:
    a, b = leaf_values()
    c = a * b
    return Scenario(lambda: c.local_derivatives, [a, b, c], lambda v: v == (-3.0, 2.0), 1)


@scenario
def copy_of_a_leaf() -> Scenario:
    a, b = leaf_values()
    a.label = "a"
    a.extra = 3
    return Scenario(lambda: copy.copy(a), [a, b], lambda v: (v.label, v.extra) == ("a", 3), 2)


@scenario
def copy_of_an_inner_node() -> Scenario:
    a, b = leaf_values()
    a.label = "a"
    c = pg.dot([a, b], [b, a])
    c.label = "c"
    return Scenario(
        lambda: copy.copy(c), [a, b, c], lambda v: v._children == c._children and v.label == "c", 3
    )


@scenario
def deepcopy() -> Scenario:
    nodes = chain(90)
    nodes[0].label = "x"
    given = Value(1.0, (nodes[-1], nodes[0]), (nodes[0], 2.0))
    root = pg.sum([given, *nodes])
    return Scenario(
        lambda: copy.deepcopy(root), [*nodes, given], lambda v: v._children[1].label == "x", 100
    )


@scenario
def sgd() -> Scenario:
    a, b = leaf_values()
    parameters = Parameters([a, b])
    return Scenario(lambda: parameters.sgd(0.5, 0.9, 0.0), [a, b], lambda _: a.data == 1.75, 1)


@scenario
def adam() -> Scenario:
    a, b = leaf_values()
    parameters = Parameters([a, b])
    return Scenario(
        lambda: parameters.adam(0.5, 0.9, 0.999, 1e-8, 0.0),
        [a, b],
        lambda _: abs(a.data - 1.5) < 1e-6 and b.data == -3.0,  # the first step: lr * sign(grad)
        2,
    )


@scenario
def label_set() -> Scenario:
    a, b = leaf_values()
    c = a * b
    return Scenario(lambda: setattr(a, "label", "new"), [a, b, c], lambda _: a.label == "new", 1)


@scenario
def closure_set() -> Scenario:
    a, b = leaf_values()
    c = a * b
    root = c + 1.0

    def rule() -> None:
        a.grad = 100.0

    def call() -> None:
        c._backward = rule

    def check(_: Any) -> bool:
        root.backward()
        return a.grad == 100.0

    return Scenario(call, [a, b, c, root], check, 1)
