"""XOR, learned by a small network with tanh, written in plain Values from the neuron up."""

from __future__ import annotations

import argparse
import random

from pygrad import Value

ROWS = [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]


class Neuron:
    """tanh(w1*x1 + w2*x2 + ... + b)"""

    def __init__(self, inputs: int) -> None:
        self.weights = [Value(random.uniform(-1, 1)) for _ in range(inputs)]
        self.bias = Value(0.0)

    def __call__(self, xs: list[Value] | tuple[int, ...]) -> Value:
        total = self.bias
        for weight, x in zip(self.weights, xs, strict=True):
            total = total + weight * x
        return total.tanh()

    def parameters(self) -> list[Value]:
        return [*self.weights, self.bias]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="training steps (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first weights (%(default)s)")
    options = parser.parse_args(argv)
    random.seed(options.seed)

    hidden = [Neuron(2) for _ in range(4)]
    output = Neuron(4)
    parameters = [p for neuron in [*hidden, output] for p in neuron.parameters()]

    def network(xs: tuple[int, int]) -> Value:
        return output([neuron(xs) for neuron in hidden])

    for step in range(1, options.steps + 1):
        # The targets are -0.8 and 0.8: tanh can reach those, but not -1 and 1.
        loss = sum((network(xs) - (0.8 if y else -0.8)) ** 2 for xs, y in ROWS)

        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad

        if step % 50 == 0 or step == options.steps:
            print(f"step {step:4}  loss {loss.data:.6f}")

    right = 0
    for xs, y in ROWS:
        score = network(xs)
        right += (score > 0) == (y == 1)
        print(f"{xs[0]} xor {xs[1]} = {int(score > 0)}  (score {score.data:+.3f})")
    print(f"{right} of {len(ROWS)} right")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
