"""A physics-informed network: it learns to solve a differential equation, from the equation alone.

u'' + 4 u' + 13 u = 0 with u(0) = 1 and u'(0) = 0, a damped oscillation. The loss is made of derivatives of
the network by its input, and is differentiated by the network's parameters.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from typing import Any

import numpy as np

from pygrad import Value, compile, grad, nn, optim
from pygrad import math as pm


class Network(nn.Module):
    """A hidden layer of tanh, and the initial values built in: u(0) = 1, u'(0) = 0."""

    def __init__(self, hidden: int) -> None:
        self.weights = [Value(random.uniform(-2, 2)) for _ in range(hidden)]
        self.biases = [Value(random.uniform(-2, 2)) for _ in range(hidden)]
        self.out = [Value(random.uniform(-1, 1)) for _ in range(hidden)]

    def parameters(self) -> list[Value]:
        return [*self.weights, *self.biases, *self.out]

    def __call__(self, t: Any) -> Any:
        neurons = zip(self.out, self.weights, self.biases, strict=True)
        return 1 + t * t * sum(o * pm.tanh(w * t + b) for o, w, b in neurons)


def solution(t: Any) -> Any:
    return np.exp(-2 * t) * (np.cos(3 * t) + 2 / 3 * np.sin(3 * t))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000, help="training steps (%(default)s)")
    parser.add_argument("--hidden", type=int, default=16, help="neurons (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first weights (%(default)s)")
    options = parser.parse_args(argv)
    random.seed(options.seed)
    network = Network(options.hidden)
    times = np.linspace(0.0, 2.0, 24)

    def squared_residual(t: Any) -> Any:
        first = grad(network)
        return (grad(first)(t) + 4 * first(t) + 13 * network(t)) ** 2

    # As it stands: what grad gives depends on the parameters, so it is a Value; backward() finds them.
    start = time.perf_counter()
    loss = sum(squared_residual(t) for t in times.tolist()) / len(times)
    loss.backward()
    took = time.perf_counter() - start
    slopes = [p.grad for p in network.parameters()]
    print(f"eager     loss {loss.data:.6f}, {1000 * took:.1f} ms a step")

    # Compiled, a program computes the loss and its derivatives; it reads the parameters anew at each call.
    compiled = compile(squared_residual)
    network.zero_grad()
    value = compiled.backward(times, reduce="mean")
    start = time.perf_counter()
    compiled.backward(times, reduce="mean")
    took = time.perf_counter() - start
    twice = [p.grad / 2 for p in network.parameters()]
    same = all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(slopes, twice, strict=True)
    )
    print(f"compiled  loss {value:.6f}, {1000 * took:.1f} ms a step; the same slopes: {same}")

    optimizer = optim.Adam(network.parameters(), lr=0.03)
    for step in range(1, options.steps + 1):
        optimizer.lr = 0.03 * (1 - 0.95 * step / options.steps)
        optimizer.zero_grad()
        value = compiled.backward(times, reduce="mean")
        optimizer.step()
        if step % max(1, options.steps // 5) == 0:
            print(f"step {step:5}  loss {value:.2e}")

    answer = compile(network)
    worst = max(abs(answer(t) - solution(t)) for t in np.linspace(0.0, 2.0, 101).tolist())
    print(f"largest error of u between 0 and 2: {worst:.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
