"""The two-moons step of two_moons_step.py by `compiled.backward`, and eagerly: pygrad.nn both times.

The compiled loop differs from the eager one where the loss is computed: a compiled function of one row in
the place of lists of Values. Parameters are Values that it closes over, read anew at each call. It zeroes
grads and moves parameters as the demo does, by Python, or all of it is one call, with optim= and
zero_grad=True.
"""

# ruff: noqa: B905 (zip as the demo writes it)
from __future__ import annotations

import functools
import importlib
import random
import time
from typing import Any

import harness
import two_moons_step
from harness import Row, Side


def train(steps: int, with_accuracy: bool = False, by_one_call: bool = False) -> dict[str, Any]:
    """The demo's loop. The first step, which traces, is not timed."""
    pygrad, nn = map(importlib.import_module, ("pygrad", "pygrad.nn"))
    points, labels = two_moons_step.two_moons()
    random.seed(1337)
    model = nn.MLP(2, [16, 16, 1])
    scores = pygrad.compile(pygrad.vmap(model))
    optim = pygrad.optim.SGD(model.parameters())

    @pygrad.compile
    def loss(x: Any, label: Any) -> Any:
        data_loss = (1 + -label * model(x)).relu()
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    def step(k: int) -> tuple[float, float]:
        accuracy = 0.0
        if with_accuracy:
            accuracy = float(((labels > 0) == (scores(points) > 0)).mean())
        learning_rate = 1.0 - 0.9 * k / 100
        if by_one_call:
            optim.lr = learning_rate
            return loss.backward(points, labels, optim=optim, zero_grad=True), accuracy
        model.zero_grad()
        total_loss = loss.backward(points, labels)
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        return total_loss, accuracy

    history = [step(0)]
    start = time.perf_counter()
    history += [step(k) for k in range(1, steps)]
    seconds = (time.perf_counter() - start) / (steps - 1)
    losses, accuracies = zip(*history)
    return {"seconds": seconds, "losses": losses, "accuracies": accuracies}


EAGER, COMPILED, WITH_ACCURACY = "eager", "compiled", "compiled, with accuracy"
ONE_CALL = "compiled, one call"
SIDES = {
    EAGER: Side(two_moons_step.with_pygrads_nn, ("pygrad", "numpy")),
    ONE_CALL: Side(functools.partial(train, by_one_call=True), ("pygrad", "numpy")),
    COMPILED: Side(train, ("pygrad", "numpy")),
    WITH_ACCURACY: Side(functools.partial(train, with_accuracy=True), ("pygrad", "numpy")),
}


def compare(quick: bool) -> list[Row]:
    options = {name: {"steps": 100, "cores": 1} for name in SIDES}
    results = harness.run_sides(__file__, SIDES, 1 if quick else 7, options)
    if not results:
        return []
    first = {name: runs[0] for name, runs in results.items()}
    for name in (ONE_CALL, COMPILED, WITH_ACCURACY):
        harness.check_equal(
            f"losses, eager and {name}", first[EAGER]["losses"], first[name]["losses"], rel=1e-9
        )
    ours, theirs = (first[name]["accuracies"] for name in (EAGER, WITH_ACCURACY))
    harness.check_equal("accuracies", ours, theirs, rel=0)
    seconds = {name: [run["seconds"] for run in runs] for name, runs in results.items()}
    harness.show_samples(seconds)
    what = f"two-moons step, {two_moons_step.ROWS} rows"
    return [
        harness.versus(
            f"{what}, {name}", seconds[name], "eager, pygrad.nn", seconds[EAGER], at_least=target
        )
        for name, target in ((ONE_CALL, 40), (COMPILED, 20), (WITH_ACCURACY, None))
    ]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
