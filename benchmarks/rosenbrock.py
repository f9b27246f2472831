"""The Rosenbrock function of 200 variables, written as a loop over scalars: value and gradient.

Each side makes its variables, evaluates the function and gets the gradient as a list of floats.
All sides call one and the same Python function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import harness
from harness import Row, Side

N = 200
POINT = [1.2 if i % 2 else -0.9 - 0.001 * i for i in range(N)]


def rosenbrock(x: Any) -> Any:
    total = 0.0
    for i in range(N - 1):
        total = total + 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def closed_form(x: list[float]) -> list[float]:
    """The gradient, as mathematics has it."""
    gradient = [0.0] * N
    for i in range(N - 1):
        rise = x[i + 1] - x[i] * x[i]
        gradient[i] += -400.0 * x[i] * rise - 2.0 * (1.0 - x[i])
        gradient[i + 1] += 200.0 * rise
    return gradient


Result = tuple[float, list[float]]


def with_values(module: str) -> Callable[[], Result]:
    """For the Value of pygrad or micrograd."""
    value_class = importlib.import_module(module).Value

    def value_and_gradient() -> Result:
        x = [value_class(number) for number in POINT]
        y = rosenbrock(x)
        y.backward()
        return y.data, [v.grad for v in x]

    return value_and_gradient


def with_torch() -> Callable[[], Result]:
    torch = importlib.import_module("torch")

    def value_and_gradient() -> Result:
        x = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in POINT]
        y = rosenbrock(x)
        y.backward()
        return y.item(), [t.grad.item() for t in x]

    return value_and_gradient


def with_autograd() -> Callable[[], Result]:
    autograd = importlib.import_module("autograd")
    numpy = importlib.import_module("autograd.numpy")
    both = autograd.value_and_grad(rosenbrock)

    def value_and_gradient() -> Result:
        y, gradient = both(numpy.array(POINT))
        return float(y), gradient.tolist()

    return value_and_gradient


def side(make: Callable[..., Callable[[], Result]], *arguments: str) -> Callable[..., Any]:
    """The work of one side: the timing of what `make` makes, and its result."""

    def run(samples: int) -> dict[str, Any]:
        value_and_gradient = make(*arguments)
        seconds = harness.seconds_per_call(value_and_gradient, samples)
        value, gradient = value_and_gradient()
        return {"seconds": seconds, "value": float(value), "gradient": gradient}

    return run


SIDES = {
    "pygrad": Side(side(with_values, "pygrad"), ("pygrad",)),
    "micrograd": Side(side(with_values, "micrograd.engine"), ("micrograd",)),
    "torch": Side(side(with_torch), ("torch",)),
    "autograd": Side(side(with_autograd), ("autograd",)),
}
TARGETS = {"micrograd": 40, "torch": 80, "autograd": 300}
NAMES = {"micrograd": "micrograd", "torch": "PyTorch scalars", "autograd": "HIPS autograd"}


def compare(quick: bool) -> list[Row]:
    options = {name: {"samples": 3} for name in SIDES}
    results = harness.run_sides(__file__, SIDES, 1 if quick else 5, options)
    seconds = {name: [s for run in runs for s in run["seconds"]] for name, runs in results.items()}
    harness.show_samples(seconds)
    expected = [rosenbrock(POINT), *closed_form(POINT)]
    for name, runs in results.items():
        found = [runs[0]["value"], *runs[0]["gradient"]]
        harness.check_equal(f"{name} and the closed form", found, expected, rel=1e-12)
    if "pygrad" not in results:
        return []
    return [
        harness.versus(
            f"Rosenbrock, n = {N}, build + gradient",
            seconds["pygrad"],
            NAMES[name],
            seconds[name],
            at_least=target,
        )
        for name, target in TARGETS.items()
        if name in results
    ]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
