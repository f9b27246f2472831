"""Graphs to explore, hostile texts, and ops at many points: what tests of the explorer share."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from typing import Any

import pygrad
from pygrad import Value, nn, zero_grad
from pygrad import math as pm
from pygrad.core.implementation import FUNCTIONS
from pygrad.core.ops import ops
from pygrad.seeing import pages
from pygrad.seeing.snapshot import walk

# libm and a browser's Math differ by one unit in the last place here and there, and some formulas call
# them more than once. Where logaddexp is near 0 its operands' last place is what counts.
ULPS = 8

# -- graphs ---------------------------------------------------------------------------------------


def lesson() -> Value:
    """LESSONS' first graph: c = a*b, d = a+b, e = c+d."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c, d = a * b, a + b
    e = c + d
    c.label, d.label, e.label = "c", "d", "e"
    return e


def neuron(x1: float = 2.0, x2: float = 0.5) -> Value:
    inputs = [Value(x1, label="x1"), Value(x2, label="x2")]
    weights = [Value(-0.3, label="w1"), Value(1.0, label="w2")]
    n = inputs[0] * weights[0] + inputs[1] * weights[1] + Value(0.68813735870195432, label="b")
    return n.tanh()


def quadratic(x: float = 3.0) -> Value:
    point = Value(x, label="x")
    return 3 * point**2 - 4 * point + 5


def network() -> Value:
    random.seed(5)
    model = nn.MLP(3, [4, 4, 1])
    rows = [([2.0, 3.0, -1.0], 1.0), ([0.5, 1.0, 1.0], -1.0)]
    return pygrad.sum([(model(x) - y) ** 2 for x, y in rows]) / 2.0


def recurrence() -> Value:
    x, y = Value(1.0, label="x"), Value(0.4, label="y")
    for _ in range(4):
        x, y = pm.sqrt(x * x + y), pm.where(x > 1.0, pm.logaddexp(x, y), x % 0.3)
    return x * y - pygrad.dot([x, y, 2.0], [y, x, x], y)


def second_derivative() -> Value:
    x = Value(0.7, label="x")
    (pm.tanh(x) * pm.sin(x) ** 3).backward(create_graph=True)
    slope: Value = x.grad
    return slope


def branch_not_taken() -> Value:
    """0 * inf on the way back, which is 0."""
    x = Value(0.0, label="x")
    return pm.where(1.0, 2.0 * x, pm.sqrt(x))


def sums_in_order() -> Value:
    """Sums whose result depends on what they begin with."""
    large, small = Value(1e16, label="large"), Value(1.0, label="small")
    terms = [large, -large]
    first, second = pygrad.sum(terms, small), pygrad.sum(terms, 2.5)
    return pygrad.sum([first, second, pygrad.dot([1.0, -1.0], [large, large], small)])


GRAPHS = [lesson, neuron, quadratic, network, recurrence, second_derivative]
GRAPHS += [branch_not_taken, sums_in_order]


def cube(x: Value) -> Value:
    out = Value(x.data**3, (x,), "cube")

    def backward() -> None:
        x.grad += 3 * x.data**2 * out.grad

    out._backward = backward
    return out


def fresh(v: Value) -> list[tuple[float, float]]:
    """Value and gradient of every node, after one backward() from grads that are 0."""
    nodes = walk(v)
    assert nodes is not None
    zero_grad(v)
    v.backward()
    return [(node.data, node.grad) for node in nodes]


# -- hostile texts -------------------------------------------------------------------------------------

HOSTILE = [
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="window.hit = 1">',
    "' onmouseover='window.hit = 1",
    "]]><svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "${window.hit = 1}`;window.hit = 1;//",
    "{{script}}{{data}}",
    "&lt;b&gt;&#60;script&#62;",
    "</style><style>*{display:none}",
    "a\u2028b\u2029c\nd\re\x00f",
    "\u202egnirts desrever\u2066",
    "\ud800 alone",
    "__proto__",
    "constructor",
    "\U0001f600 名前 " + "é" * 30,
    "<script>window.hit = 1</script>" * 400,
]


def hostile() -> Value:
    """A graph in which every text that a user can set is hostile."""
    total = Value(0.0, label=HOSTILE[0])
    for i, text in enumerate(HOSTILE):
        total = total + Value(float(i), label=text) * cube(Value(0.5))
        own = Value(total.data, (total,), text, local_grads=[1.0])
        total = own + 1.0
        total.label = text
    broken = Value(1.0, (total,), "broken")

    def raises() -> None:
        raise RuntimeError(HOSTILE[1] + HOSTILE[3])

    broken._backward = raises
    return broken * 1.0


# -- the op table as JavaScript -----------------------------------------------------------------------

BITS = """
function numberOf(hex) {
  const bytes = Uint8Array.from(hex.match(/../g), (b) => parseInt(b, 16));
  return new DataView(bytes.buffer).getFloat64(0);
}
function hexOf(x) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return Array.from(new Uint8Array(view.buffer), (b) => b.toString(16).padStart(2, "0")).join("");
}
function results(cases) {
  return cases.map(([name, hexes, k]) => {
    const [x, y, w] = hexes.map(numberOf);
    const z = OPS[name].forward(x, y, w, k === null ? undefined : numberOf(k));
    return [z, ...OPS[name].slopes(x, y, w, k === null ? undefined : numberOf(k), z)].map(hexOf);
  });
}
"""

POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -2.5, 20.0, -20.0, 28.5, 700.0]
POINTS += [1e-8, -1e-8, 1e-300, 5e-324, 1e300, -1e300, math.inf, -math.inf, math.nan]
EXPONENTS = [0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, 7, -3.3, 1e-3, 2.000001]


def points(rng: random.Random) -> float:
    return rng.choice(
        [
            rng.choice(POINTS),
            rng.uniform(-1, 1),
            rng.uniform(-40, 40),
            rng.choice([-1, 1]) * 10 ** rng.uniform(-20, 20),
            float(rng.randint(-9, 9)),
        ]
    )


Case = tuple[str, list[float], float | None, list[float]]


def cases() -> list[Case]:
    """Ops with operands at which they do not raise, and what Python finds: the value, then the slopes."""
    rng = random.Random(3)
    found: list[Case] = []
    for op in ops():
        if not op.is_public:
            continue
        for _ in range(150 if op.arity == 1 else 400):
            operands = [points(rng) for _ in range(op.arity)]
            k = float(rng.choice(EXPONENTS)) if op.has_constant else None
            values = [Value(x) for x in operands]
            try:
                z = values[0] ** k if k is not None else FUNCTIONS[op.name](*values)
            except (ValueError, OverflowError, ZeroDivisionError):
                continue
            found.append((op.name, operands, k, [z.data, *z.local_derivatives]))
    return found


def to_hex(x: float) -> str:
    return struct.pack(">d", x).hex()


def from_hex(text: str) -> float:
    number: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return number


def ulps(x: float, y: float, scale: float = 0.0) -> float:
    """By how many units in the last place x and y differ; 0 for two nans."""
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return 0.0 if x == y or (math.isnan(x) and math.isnan(y)) else math.inf
    if x == y:
        return 0.0 if math.copysign(1, x) == math.copysign(1, y) else 0.5
    return abs(x - y) / math.ulp(max(abs(x), abs(y), scale))


def check_ops(run: Callable[[str, Any], list[list[str]]]) -> None:
    told = cases()
    assert {name for name, *_ in told} == {op.name for op in ops() if op.is_public}
    sent = [
        (name, [to_hex(x) for x in operands], None if k is None else to_hex(k))
        for name, operands, k, _ in told
    ]
    program = pages.source("numbers.js") + pages.op_table() + BITS
    answers = run(program, sent)
    wrong = []
    for (name, operands, k, expected), answer in zip(told, answers, strict=True):
        got = [from_hex(text) for text in answer]
        for i, (x, y) in enumerate(zip(expected, got, strict=True)):
            scale = 1.0 if name == "logaddexp" and i == 0 else 0.0
            if ulps(x, y, scale) > ULPS or (name == "abs" and ulps(x, y) > 0):
                wrong.append((name, operands, k, i, x, y))
    assert not wrong
