"""A training step of a small character-level transformer, written as a script on scalar Values.

The model (embeddings, multi-head attention, rmsnorm, softmax, and Adam in plain Python) is written
once. It runs on pygrad's Value and on a compact Value in plain Python, the kind such scripts carry
along: each node keeps its children and its local gradients.
"""

# ruff: noqa: B905 (zip as such scripts write it)
from __future__ import annotations

import importlib
import math
import random
import time
from typing import Any

import harness
from harness import Row, Side

# --- the model, in user code ----------------------------------------------------------------------

TEXT = """
    amber basil cedar daisy elder fennel ginger hazel indigo jasmine laurel maple nettle olive
    poppy quince rowan saffron thyme violet willow yarrow
"""
WORDS = TEXT.split()
LETTERS = sorted(set("".join(WORDS)))
END = len(LETTERS)  # the token before and after each word
WIDTH, HEADS, LAYERS, CONTEXT = 16, 4, 1, 8

Vector = list[Any]
Matrix = list[Vector]


def make_weights(value: Any) -> dict[str, Matrix]:
    """The weights of the model, drawn from a normal distribution."""

    def matrix(rows: int, columns: int) -> Matrix:
        return [[value(random.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

    weights = {"token": matrix(END + 1, WIDTH), "position": matrix(CONTEXT, WIDTH)}
    for layer in range(LAYERS):
        for name in ("query", "key", "value", "out"):
            weights[f"{name}{layer}"] = matrix(WIDTH, WIDTH)
        weights[f"up{layer}"] = matrix(4 * WIDTH, WIDTH)
        weights[f"down{layer}"] = matrix(WIDTH, 4 * WIDTH)
    weights["logits"] = matrix(END + 1, WIDTH)
    return weights


def linear(matrix: Matrix, x: Vector) -> Vector:
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in matrix]


def softmax(logits: Vector) -> Vector:
    highest = max(logit.data for logit in logits)
    exps = [(logit - highest).exp() for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: Vector) -> Vector:
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def attention(query: Vector, keys: Matrix, values: Matrix) -> Vector:
    """All heads side by side; each sees its own slice of the query, the keys and the values."""
    size = WIDTH // HEADS
    result: Vector = []
    for start in range(0, WIDTH, size):
        part = slice(start, start + size)
        scores = [sum(q * k for q, k in zip(query[part], key[part])) for key in keys]
        shares = softmax([score / math.sqrt(size) for score in scores])
        for i in range(start, start + size):
            result.append(sum(share * v[i] for share, v in zip(shares, values)))
    return result


def gpt(weights: dict[str, Matrix], token: int, position: int, cache: list[Any]) -> Vector:
    """The logits of the next token; `cache` has a (keys, values) pair for each layer."""
    x = [t + p for t, p in zip(weights["token"][token], weights["position"][position])]
    x = rmsnorm(x)
    for layer, (keys, values) in enumerate(cache):
        before, x = x, rmsnorm(x)
        keys.append(linear(weights[f"key{layer}"], x))
        values.append(linear(weights[f"value{layer}"], x))
        x = attention(linear(weights[f"query{layer}"], x), keys, values)
        x = [a + b for a, b in zip(linear(weights[f"out{layer}"], x), before)]
        before, x = x, rmsnorm(x)
        x = [h.relu() for h in linear(weights[f"up{layer}"], x)]
        x = [a + b for a, b in zip(linear(weights[f"down{layer}"], x), before)]
    return linear(weights["logits"], x)


def train(value: Any, steps: int) -> dict[str, Any]:
    """`steps` steps of Adam, one word each. The first one is not timed."""
    random.seed(1337)
    weights = make_weights(value)
    parameters = [p for matrix in weights.values() for row in matrix for p in row]
    m, v = [0.0] * len(parameters), [0.0] * len(parameters)
    rate, beta1, beta2, eps = 0.01, 0.9, 0.95, 1e-8

    def step(k: int) -> float:
        tokens = [END, *map(LETTERS.index, WORDS[k % len(WORDS)]), END]
        cache: list[Any] = [([], []) for _ in range(LAYERS)]
        losses = []
        for position in range(len(tokens) - 1):
            shares = softmax(gpt(weights, tokens[position], position, cache))
            losses.append(-shares[tokens[position + 1]].log())
        loss = sum(losses) / len(losses)
        loss.backward()
        for i, p in enumerate(parameters):
            m[i] = beta1 * m[i] + (1 - beta1) * p.grad
            v[i] = beta2 * v[i] + (1 - beta2) * p.grad**2
            m_hat = m[i] / (1 - beta1 ** (k + 1))
            v_hat = v[i] / (1 - beta2 ** (k + 1))
            p.data -= rate * m_hat / (v_hat**0.5 + eps)
            p.grad = 0
        return float(loss.data)

    losses, seconds = [], []
    for k in range(steps):
        start = time.perf_counter()
        losses.append(step(k))
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "losses": losses}


# --- the Value such scripts carry along -----------------------------------------------------------


class PlainValue:
    """A number that remembers its children and the local gradient by each."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    def __init__(self, data: float, children: Any = (), local_grads: Any = ()) -> None:
        self.data = data
        self.grad = 0.0
        self._children = children
        self._local_grads = local_grads

    def __add__(self, other: Any) -> PlainValue:
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> PlainValue:
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> PlainValue:
        return PlainValue(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self) -> PlainValue:
        e = math.exp(self.data)
        return PlainValue(e, (self,), (e,))

    def log(self) -> PlainValue:
        return PlainValue(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> PlainValue:
        return PlainValue(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def backward(self) -> None:
        order = []
        visited = set()

        def visit(node: PlainValue) -> None:
            if node not in visited:
                visited.add(node)
                for child in node._children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local_grad in zip(node._children, node._local_grads):
                child.grad += local_grad * node.grad


# --- the comparison -------------------------------------------------------------------------------


def with_pygrad(steps: int) -> dict[str, Any]:
    return train(importlib.import_module("pygrad").Value, steps)


def with_plain_python(steps: int) -> dict[str, Any]:
    return train(PlainValue, steps)


SIDES = {
    "pygrad": Side(with_pygrad, ("pygrad",)),
    "plain Python": Side(with_plain_python),
}


def compare(quick: bool) -> list[Row]:
    # Words differ in length: both sides take the same steps, and all count.
    options = {side: {"steps": 6 if quick else len(WORDS) + 1} for side in SIDES}
    results = harness.run_sides(__file__, SIDES, 1 if quick else 5, options)
    seconds = {
        side: [sum(run["seconds"][1:]) / (len(run["seconds"]) - 1) for run in runs]
        for side, runs in results.items()
    }
    harness.show_samples(seconds)
    if "pygrad" not in results:
        return []
    ours, theirs = results["pygrad"][0], results["plain Python"][0]
    harness.check_equal("losses", ours["losses"], theirs["losses"], rel=1e-9)
    return [
        harness.versus(
            "GPT-shaped training step, user code unchanged",
            seconds["pygrad"],
            "the script's own Value in Python",
            seconds["plain Python"],
            at_least=15,
        )
    ]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
