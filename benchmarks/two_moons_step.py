"""A training step of micrograd's demo: two moons, 100 rows, MLP(2, [16, 16, 1]), max-margin loss.

Three sides do the same steps from the same start: micrograd; micrograd's own nn code with pygrad's
Value below it; pygrad.nn. Steps follow one another with the garbage collector on, so the time of a
step includes what its graph costs to throw away.
"""

# ruff: noqa: B905 (zip as the demo writes it)
from __future__ import annotations

import importlib
import random
import sys
import time
from typing import Any

import harness
from harness import Row, Side

ROWS = 100


def two_moons() -> tuple[Any, Any]:
    """Points as a float64 array of ROWS x 2, and an array of their classes: -1 or 1."""
    import numpy as np

    angle = np.linspace(0, np.pi, ROWS // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    noise = np.random.default_rng(1337).normal(0, 0.1, size=(ROWS, 2))
    return np.concatenate([upper, lower]) + noise, np.repeat([-1, 1], ROWS // 2)


def train(value_class: Any, nn: Any, steps: int) -> dict[str, Any]:
    """The demo's loop: `steps` steps of micrograd's user code. The first one is not timed."""
    points, labels = two_moons()
    random.seed(1337)
    model = nn.MLP(2, [16, 16, 1])

    def step(k: int) -> tuple[float, float]:
        inputs = [list(map(value_class, row)) for row in points]
        scores = list(map(model, inputs))
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        right = [(label > 0) == (score.data > 0) for label, score in zip(labels, scores)]

        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        return float(total_loss.data), float(sum(right) / len(right))

    history = [step(0)]
    start = time.perf_counter()
    history += [step(k) for k in range(1, steps)]
    seconds = (time.perf_counter() - start) / (steps - 1)
    losses, accuracies = zip(*history)
    return {"seconds": seconds, "losses": losses, "accuracies": accuracies}


def with_micrograd(steps: int) -> dict[str, Any]:
    engine, nn = map(importlib.import_module, ("micrograd.engine", "micrograd.nn"))
    return train(engine.Value, nn, steps)


def with_micrograds_nn(steps: int) -> dict[str, Any]:
    # micrograd's nn says `from micrograd.engine import Value`; this is the module it shall find.
    engine = sys.modules["micrograd.engine"] = importlib.import_module("pygrad.engine")
    return train(engine.Value, importlib.import_module("micrograd.nn"), steps)


def with_pygrads_nn(steps: int) -> dict[str, Any]:
    engine, nn = map(importlib.import_module, ("pygrad.engine", "pygrad.nn"))
    return train(engine.Value, nn, steps)


SIDES = {
    "pygrad.nn": Side(with_pygrads_nn, ("pygrad", "numpy")),
    "pygrad": Side(with_micrograds_nn, ("pygrad", "numpy", "micrograd")),
    "micrograd": Side(with_micrograd, ("numpy", "micrograd")),
}


def compare(quick: bool) -> list[Row]:
    steps = {"pygrad.nn": 100, "pygrad": 100, "micrograd": 4 if quick else 10}
    options = {side: {"steps": count} for side, count in steps.items()}
    results = harness.run_sides(__file__, SIDES, 1 if quick else 5, options)
    seconds = {side: [run["seconds"] for run in runs] for side, runs in results.items()}
    harness.show_samples(seconds)

    rows = []
    for name in ("micrograd", "pygrad.nn"):
        if "pygrad" in results and name in results:
            ours, theirs = results["pygrad"][0], results[name][0]
            harness.check_equal(
                f"losses of pygrad and {name}", ours["losses"], theirs["losses"], rel=1e-9
            )
            harness.check_equal("accuracies", ours["accuracies"], theirs["accuracies"], rel=0)
    if "pygrad" in results and "micrograd" in results:
        rows.append(
            harness.versus(
                "two-moons step, micrograd's own nn",
                seconds["pygrad"],
                "micrograd",
                seconds["micrograd"],
                at_least=200,
            )
        )
    if "pygrad" in results and "pygrad.nn" in results:
        rows.append(
            harness.versus(
                "the same step through pygrad.nn",
                seconds["pygrad.nn"],
                "micrograd's nn on pygrad",
                seconds["pygrad"],
                at_least=2,
            )
        )
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
