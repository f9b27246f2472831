"""Walks graphs as micrograd's notebook does to draw them, and prints what it would draw. Runs with
micrograd's imports or, these lines alone changed, with pygrad's."""

import random

from micrograd import nn
from micrograd.engine import Value


class Digraph:
    """Notes what a drawing library is told."""

    def __init__(self, format, graph_attr):
        self.settings = (format, graph_attr)
        self.nodes, self.edges = {}, []

    def node(self, name, label, shape="ellipse"):
        assert isinstance(name, str) and isinstance(label, str)
        self.nodes[name] = f"{label} ({shape})"

    def edge(self, start, end):
        self.edges.append((start, end))

    def text(self):
        assert all(name in self.nodes for edge in self.edges for name in edge)
        edges = [f"{self.nodes[start]} -> {self.nodes[end]}" for start, end in self.edges]
        return sorted(self.nodes.values()) + sorted(edges)


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def draw_dot(root):
    dot = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = trace(root)
    for n in nodes:
        name = str(id(n))
        dot.node(name=name, label="{ data %.4f | grad %.4f }" % (n.data, n.grad), shape="record")
        if n._op:
            dot.node(name=name + n._op, label=n._op)
            dot.edge(name + n._op, name)
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


x = Value(1.0)
y = (x * 2 + 1).relu()
y.backward()
print("\n".join(draw_dot(y).text()))

# A deeper one, with sharing, and names given after the fact.
a, b = Value(-3.0), Value(2.0)
a.label, b.label = "a", "b"
c = a * b + b**3
d = (c * c + a).relu() + c
d.label = "d"
d.backward()
print("\n".join(draw_dot(d).text()))
nodes, _ = trace(d)
print(sorted(getattr(v, "label", "") or "-" for v in nodes))

# A neuron: its inner nodes may be fewer (one node may do the work of many), the leaves are the same.
random.seed(1337)
n = nn.Neuron(2)
inputs = [Value(1.0), Value(-2.0)]
out = n(inputs)
out.backward()
dot = draw_dot(out)
nodes, edges = trace(out)
leaves = [v for v in nodes if not v._op and v.data != 0.0]
print(sorted(f"{v.data:.4f} {v.grad:.4f}" for v in leaves), out._op, f"{out.data:.4f}")
