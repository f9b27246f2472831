"""Random graphs with closures: micrograd's grads at every node, all or nothing, one result in both."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import micrograd.engine
import pytest
from closures import Injected


class Graph:
    """A random graph with closures, built by the same code on any Value class.

    Closures read and write grads as users do: of declared children, of nodes declared nowhere, of
    nodes outside the sweep. tick is called at the start and at the end of each.
    """

    def __init__(
        self,
        value: Any,
        seed: int,
        tick: Callable[[], None] = lambda: None,
        write_data: bool = True,
    ) -> None:
        self.value, self.tick, self.write_data = value, tick, write_data
        self.random = random.Random(seed)
        self.nodes = [value(self.number()) for _ in range(self.random.randint(1, 4))]
        for _ in range(self.random.randint(3, 24)):
            self.nodes.append(self.node())
        self.root = self.nodes[-1 - self.random.randrange(2)]

    def number(self) -> float:
        return self.random.choice([-2.0, -1.0, -0.3, 0.0, 0.1, 0.7, 1.0, 3.0])

    def any(self) -> Any:
        # Recent nodes more often, so that the graphs are deep as well.
        recent = self.nodes[-4:] if self.random.random() < 0.5 else self.nodes
        return self.random.choice(recent)

    def node(self) -> Any:
        kind = self.random.choice(["+", "*", "relu", "closure", "closure", "wrapped"])
        a, b = self.any(), self.any()
        if kind == "+":
            return self.ordered(a + b, a, b)
        if kind == "*":
            return self.ordered(a * b, a, b)
        if kind == "relu":
            return self.ordered(a.relu(), a)
        if kind == "wrapped":
            return self.wrapped(self.ordered(a * b, a, b))
        return self.closure(*[self.any() for _ in range(self.random.randint(1, 4))])

    def ordered(self, node: Any, *children: Any) -> Any:
        if isinstance(node, micrograd.engine.Value):
            node._prev = children  # micrograd keeps a set, whose order is that of addresses
        return node

    def wrapped(self, node: Any) -> Any:
        rule, times = node._backward, self.random.randint(0, 2)

        def wrapper() -> None:
            self.tick()
            for _ in range(times):
                rule()
            self.tick()

        node._backward = wrapper
        return node

    def closure(self, *children: Any) -> Any:
        out = self.ordered(self.value(self.number(), children, "f"), *children)
        slopes = [self.number() for _ in children]
        undeclared = self.any() if self.random.random() < 0.4 else None
        overwritten = self.any() if self.random.random() < 0.15 else None
        changed = self.any() if self.random.random() < 0.15 and self.write_data else None
        picked = self.random.randrange(len(children))

        def rule() -> None:
            self.tick()
            for child, slope in zip(children, slopes, strict=True):
                child.grad += slope * child.data * out.grad
            if undeclared is not None:
                undeclared.grad += 0.5 * children[picked].grad + out.data
            if overwritten is not None:
                overwritten.grad = out.grad - 0.125
            if changed is not None:
                changed.data = 0.5 * changed.data + 1.0
            self.tick()

        out._backward = rule
        return out


def numbers_of(graph: Graph) -> list[tuple[str, str]]:
    return [(float(v.data).hex(), float(v.grad).hex()) for v in graph.nodes]


@pytest.mark.parametrize("block", range(4))
def test_random_closure_graphs_equal_micrograd_at_every_node(impl, block):
    for seed in range(block * 400, (block + 1) * 400):
        ours, theirs = Graph(impl.Value, seed), Graph(micrograd.engine.Value, seed)
        ours.root.backward()
        theirs.root.backward()
        assert numbers_of(ours) == numbers_of(theirs), f"graph {seed}"


def test_an_exception_at_every_closure_call_of_random_graphs_leaves_nothing_behind(impl):
    injected = 0
    for seed in range(150):
        calls, fail_at = 0, 0

        def tick() -> None:
            nonlocal calls
            calls += 1
            if calls == fail_at:
                raise Injected

        def at(n: int) -> None:
            nonlocal calls, fail_at
            calls, fail_at = 0, n

        expected = Graph(impl.Value, seed, write_data=False)
        expected.root.backward()
        graph = Graph(impl.Value, seed, tick, write_data=False)  # noqa: B023
        prior = random.Random(seed)
        n = 0
        while True:
            n += 1
            for v in graph.nodes:
                v.grad = prior.choice([0.0, -0.0, 1.5, -3.25])
            before = numbers_of(graph)
            at(n)
            try:
                graph.root.backward()
            except Injected:
                injected += 1
            else:
                break
            assert numbers_of(graph) == before, f"graph {seed}, call {n}"
            at(0)
            for v in graph.nodes:
                v.grad = 0.0
            graph.root.backward()
            assert numbers_of(graph) == numbers_of(expected), f"graph {seed}, after call {n}"
        assert n == calls + 1
    assert injected > 1000


def test_random_graphs_agree_bit_for_bit_between_the_implementations():
    from pygrad import reference, value

    for seed in range(300):
        graphs = [Graph(module.Value, seed) for module in (value, reference)]
        for graph in graphs:
            graph.root.backward()
            graph.root.backward(0.5)
        assert numbers_of(graphs[0]) == numbers_of(graphs[1]), f"graph {seed}"


def test_copies_of_a_graph_sweep_alone(impl):
    x = impl.Value(3.0)
    root = (x * x).tanh() + x
    twin = copy.deepcopy(root)
    twin.backward()
    assert (x.grad, root.grad) == (0.0, 0.0)
    root.backward()
    assert root.grad == twin.grad == 1.0
    assert x.grad == twin._children[1].grad != 0.0
