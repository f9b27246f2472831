"""Handwritten digits, scikit-learn's 1797 real ones, read by an MLP of single scalar Values."""

from __future__ import annotations

import argparse
import random
import sys
import time

import pygrad
from pygrad import Value
from pygrad.nn import MLP
from pygrad.optim import Adam
from pygrad.progress import Report, progress

Row = tuple[list[Value], int]  # the 64 pixels, and which digit they show


def load(seed: int) -> tuple[list[Row], list[Row]]:
    """1437 rows to train on and 360 to test with, always the same for one seed."""
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    # As Values from the start, so that no pass makes a Value for a pixel again.
    rows = [
        ([Value(pixel / 16) for pixel in image], digit)
        for image, digit in zip(pixels.tolist(), digits.tolist(), strict=True)
    ]
    random.Random(seed).shuffle(rows)
    return rows[360:], rows[:360]


def cross_entropy(scores: list[Value], digit: int) -> Value:
    """-log of the softmax of the scores, at the right digit."""
    highest = max(score.data for score in scores)  # keeps exp in range, cancels out
    total = pygrad.sum((score - highest).exp() for score in scores)
    return total.log() - (scores[digit] - highest)


def accuracy(model: MLP, rows: list[Row]) -> float:
    right = 0
    with pygrad.no_grad():
        for pixels, digit in rows:
            scores = model(pixels)
            right += scores.index(max(scores)) == digit
    return right / len(rows)


def train_model(
    train: list[Row],
    test: list[Row],
    epochs: int = 15,
    batch: int = 20,
    seed: int = 0,
    report: Report = True,
) -> float:
    """Train an MLP and print how it goes; the test accuracy. report is as in pygrad.progress."""
    random.seed(seed)
    model = MLP(64, [32, 10])
    parameters = model.parameters()
    for p in parameters:
        p.data *= 0.2  # 64 weights of up to 1 would add up to large scores at first
    optimizer = Adam(parameters)
    print(f"{len(train)} rows to train on, {len(test)} to test, {len(parameters)} parameters")

    start = time.perf_counter()
    with progress(epochs * len(train), "training", report) as bar:
        for epoch in range(epochs):
            optimizer.lr = 0.01 * (1 - epoch / epochs)
            random.shuffle(train)
            total = 0.0
            for first in range(0, len(train), batch):
                rows = train[first : first + batch]
                loss = pygrad.sum(cross_entropy(model(pixels), digit) for pixels, digit in rows)
                loss = loss / len(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.data * len(rows)
                bar.advance(len(rows), f"loss {loss.data:.4f}")
            seconds = time.perf_counter() - start
            bar.say(
                f"epoch {epoch + 1:2}  training loss {total / len(train):.4f}  "
                f"test accuracy {accuracy(model, test):.1%}  {seconds:.1f} s"
            )
    return accuracy(model, test)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=15, help="passes (%(default)s)")
    parser.add_argument("--rows", type=int, help="train on the first ROWS rows only")
    parser.add_argument("--batch", type=int, default=20, help="rows a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="split, weights (%(default)s)")
    options = parser.parse_args(argv)
    try:
        train, test = load(options.seed)
    except ImportError:
        print(
            "digits.py takes its data from scikit-learn: pip install scikit-learn", file=sys.stderr
        )
        return 1
    rows = train[: options.rows]
    right = train_model(rows, test, options.epochs, options.batch, options.seed)
    print(f"test accuracy {right:.2%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
