"""One `a * b` and one `a + b`, result released, beside the same loop on Python floats.

The loop is timeit's, `for _ in itertools.repeat(None, n): a * b` with local names, so the figures
include its overhead on both sides. Values and floats take turns in one process, and each has a loop
of its own: the interpreter adapts the instruction to what it meets.
"""

from __future__ import annotations

import importlib
import timeit
from typing import Any

import harness
from harness import Row, Side

OPERATIONS = {"a * b": 60, "a + b": 16}  # with the results for the numbers below
A, B = 6.0, 10.0


def measure(repeats: int, count: int) -> dict[str, dict[str, list[float]]]:
    """Seconds per operation: for each operation and kind of number, a sample for each repeat."""
    value = importlib.import_module("pygrad").Value
    pairs = {"float": (A, B), "pygrad": (value(A), value(B))}
    samples: dict[str, dict[str, list[float]]] = {}
    for operation, expected in OPERATIONS.items():
        timers: dict[str, Any] = {}
        for kind, pair in pairs.items():
            result = eval(operation, dict(zip("ab", pair, strict=True)))
            if result != expected:
                raise harness.Failed(f"check failed: {operation} is {result!r}, not {expected}")
            # timeit turns the garbage collector off; a program has it on.
            setup = "import gc; gc.enable(); a, b = pair"
            timers[kind] = timeit.Timer(operation, setup, globals={"pair": pair})
        samples[operation] = {kind: [] for kind in timers}
        for timer in timers.values():
            timer.timeit(count)  # warm up
        for _ in range(repeats):
            for kind, timer in timers.items():
                samples[operation][kind].append(timer.timeit(count) / count)
    return samples


SIDES = {"operators": Side(measure, ("pygrad",))}


def compare(quick: bool) -> list[Row]:
    options = {"operators": {"repeats": 5 if quick else 25, "count": 1_000_000}}
    results = harness.run_sides(__file__, SIDES, 1, options)
    rows = []
    for samples in results.get("operators", []):
        for operation, kinds in samples.items():
            harness.show_samples({f"{operation}, {kind}": s for kind, s in kinds.items()})
            rows.append(
                harness.versus(
                    f"one `{operation}` with its release",
                    kinds["pygrad"],
                    "Python float",
                    kinds["float"],
                    at_most=2.2,
                )
            )
        print(f"check: {' and '.join(OPERATIONS)} are the same on floats and Values")
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
