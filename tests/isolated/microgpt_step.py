"""A character-level GPT in plain scalar Values, one head, three steps of Adam, in the dialect of
Value(data, children, local_grads). `own` as first argument takes the Value class below instead of
pygrad's. Prints losses and a checksum of the gradients."""

import math
import random
import sys


class OwnValue:
    """The dialect's own class: a scalar, its children, its local gradients."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    def __init__(self, data, children=(), local_grads=()):
        self.data = data
        self.grad = 0
        self._children = children
        self._local_grads = local_grads

    def __add__(self, other):
        other = other if isinstance(other, OwnValue) else OwnValue(other)
        return OwnValue(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, OwnValue) else OwnValue(other)
        return OwnValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return OwnValue(self.data**n, (self,), (n * self.data ** (n - 1),))

    def log(self):
        return OwnValue(math.log(self.data), (self,), (1 / self.data,))

    def exp(self):
        return OwnValue(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self):
        return OwnValue(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        sweep(self)


def sweep(root):
    """The dialect's backward, over _children and _local_grads alone."""
    order, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._children:
                build(child)
            order.append(v)

    build(root)
    root.grad = 1
    for v in reversed(order):
        for child, local_grad in zip(v._children, v._local_grads, strict=True):
            child.grad += local_grad * v.grad


if sys.argv[1] == "own":
    Value = OwnValue
else:
    from pygrad import Value

random.seed(42)
text = "hello world"
vocabulary = sorted(set(text))
V, D, T = len(vocabulary), 4, 5


def matrix(rows, columns):
    return [[Value(random.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]


state = {
    "wte": matrix(V, D), "wpe": matrix(T, D), "q": matrix(D, D), "k": matrix(D, D), "v": matrix(D, D),
    "o": matrix(D, D), "up": matrix(2 * D, D), "down": matrix(D, 2 * D), "head": matrix(V, D),
}  # fmt: skip
params = [p for m in state.values() for row in m for p in row]


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits):
    top = max(v.data for v in logits)
    exps = [(v - top).exp() for v in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def gpt(token, position, keys, values):
    x = [t + p for t, p in zip(state["wte"][token], state["wpe"][position], strict=True)]
    x = rmsnorm(x)
    residual, x = x, rmsnorm(x)
    q = linear(x, state["q"])
    keys.append(linear(x, state["k"]))
    values.append(linear(x, state["v"]))
    scores = [sum(a * b for a, b in zip(q, k, strict=True)) / D**0.5 for k in keys]
    weights = softmax(scores)
    heads = [sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(D)]
    x = [a + b for a, b in zip(linear(heads, state["o"]), residual, strict=True)]
    residual, x = x, rmsnorm(x)
    x = linear([xi.relu() for xi in linear(x, state["up"])], state["down"])
    x = [a + b for a, b in zip(x, residual, strict=True)]
    return linear(x, state["head"])


m, v = [0.0] * len(params), [0.0] * len(params)
for step in range(3):
    keys, values, losses = [], [], []
    for position in range(T):
        token, target = (vocabulary.index(text[step + position + i]) for i in (0, 1))
        losses.append(-softmax(gpt(token, position, keys, values))[target].log())
    loss = (1 / len(losses)) * sum(losses)
    if len(sys.argv) > 2 and sys.argv[2] == "by hand":
        sweep(loss)
    else:
        loss.backward()
    checksum = sum(p.grad * math.sin(i) for i, p in enumerate(params))
    print(f"{loss.data:.10f} {checksum:.10f}")
    for i, p in enumerate(params):
        m[i] = 0.9 * m[i] + 0.1 * p.grad
        v[i] = 0.99 * v[i] + 0.01 * p.grad**2
        m_hat, v_hat = m[i] / (1 - 0.9 ** (step + 1)), v[i] / (1 - 0.99 ** (step + 1))
        p.data -= 0.01 * m_hat / (v_hat**0.5 + 1e-8)
        p.grad = 0
