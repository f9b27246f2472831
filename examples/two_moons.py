"""micrograd's demo: an MLP learns two moons by the max-margin loss of a support vector machine."""

from __future__ import annotations

import argparse
import math
import random

from pygrad import Value, no_grad
from pygrad.nn import MLP


def two_moons(rows: int, noise: float) -> tuple[list[tuple[float, float]], list[int]]:
    """Points on two interleaved half circles, and their classes: 1 (lower) and -1 (upper)."""
    points, labels = [], []
    for row in range(rows):
        angle = math.pi * random.random()
        if row % 2:
            x, y = math.cos(angle), math.sin(angle)
        else:
            x, y = 1 - math.cos(angle), 0.5 - math.sin(angle)
        points.append((x + random.gauss(0, noise), y + random.gauss(0, noise)))
        labels.append(-1 if row % 2 else 1)
    return points, labels


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100, help="training steps (%(default)s)")
    parser.add_argument("--seed", type=int, default=1337, help="data and weights (%(default)s)")
    options = parser.parse_args(argv)
    random.seed(options.seed)

    points, labels = two_moons(rows=100, noise=0.1)
    model = MLP(2, [16, 16, 1])
    print(f"{len(points)} points, {len(model.parameters())} parameters")

    for step in range(options.steps):
        scores = [model(point) for point in points]
        # Each row wants its score on its own side of 0, by a margin of at least 1.
        margins = [(1 - y * score).relu() for y, score in zip(labels, scores, strict=True)]
        data_loss = sum(margins) / len(margins)
        size_loss = 1e-4 * sum(p * p for p in model.parameters())
        loss: Value = data_loss + size_loss

        model.zero_grad()
        loss.backward()
        rate = 1.0 - 0.9 * step / options.steps
        for p in model.parameters():
            p.data -= rate * p.grad

        if step % 10 == 9 or step == options.steps - 1:
            right = sum((score > 0) == (y > 0) for score, y in zip(scores, labels, strict=True))
            print(f"step {step + 1:3}  loss {loss.data:.4f}  accuracy {right / len(labels):.0%}")

    # The plane as the network sees it: '#' where it says 1, '.' where it says -1.
    with no_grad():
        for row in range(21):
            y = 1.5 - row / 8
            print("".join("#" if model((x / 16 - 1.5, y)) > 0 else "." for x in range(65)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
