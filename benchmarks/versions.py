"""Two installed versions of pygrad, side by side: the pygrad sides of every benchmark, run in turn.

    python -m venv /tmp/before && /tmp/before/bin/pip install OLD_CHECKOUT
    python benchmarks/versions.py /tmp/before/bin/python
    python benchmarks/versions.py /tmp/before/bin/python --only operators sweep --rounds 5

Each figure that a side measures is a row: the least of its rounds here and with the other Python (seconds,
or bytes and nanoseconds a node), and the ratio of the two; above 1 this version is slower. Other
libraries are left out, and so is contention.py, whose figures are rates. Let nothing else run on the
machine.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from typing import Any

import harness
import run

RESULTS = {"result", "losses", "accuracies", "found", "expected"}  # what is no time
NAMES = [name for name in run.BENCHMARKS if name != "contention"]
OURS = {"pygrad", "numpy"}  # sides that need more are other libraries
Times = dict[str, list[float]]  # by what was measured, one of each round


def numbers(measured: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The seconds in what a side has returned; a list of samples counts as its least."""
    if isinstance(measured, dict):
        for key, part in measured.items():
            if key not in RESULTS:
                yield from numbers(part, f"{path} {key}" if key != "seconds" else path)
    elif isinstance(measured, list) and measured and all(isinstance(x, float) for x in measured):
        yield path, min(measured)
    elif isinstance(measured, float):
        yield path, measured


class Pairs:
    """In the place of harness.run_side: every side that needs pygrad runs with both Pythons."""

    def __init__(self, other: str) -> None:
        self.other = other
        self.run_side: Callable[..., Any] = harness.run_side
        self.here: Times = {}
        self.there: Times = {}
        self.turn = 0

    def __call__(self, script: str, side: str, *args: Any, **options: Any) -> Any:
        if "pygrad" not in self.sides_of(script)[side].needs:
            return self.run_side(script, side, *args, **options)
        label = f"{os.path.basename(script).removesuffix('.py')}, {side}"
        label += "".join(f", {k}={v}" for k, v in options.items() if k not in {"seconds", "cores"})
        if args and args[0]:
            label += f" {json.dumps(args[0])}"
        sides = [(sys.executable, self.here), (self.other, self.there)]
        self.turn += 1
        results = {}
        for python, times in sides if self.turn % 2 else reversed(sides):
            results[python] = self.measured(python, script, side, *args, **options)
            for path, seconds in numbers(results[python]):
                times.setdefault(label + path, []).append(seconds)
        return results[sys.executable]

    @staticmethod
    def sides_of(script: str) -> dict[str, harness.Side]:
        name = os.path.basename(script).removesuffix(".py")
        sides: dict[str, harness.Side] = importlib.import_module(name).SIDES
        return sides

    def measured(self, python: str, *args: Any, **options: Any) -> Any:
        before = sys.executable
        sys.executable = python  # which harness.run_side starts
        try:
            return self.run_side(*args, **options)
        finally:
            sys.executable = before

    def rows(self) -> list[tuple[str, ...]]:
        """What, here, there, ratio; the slowest beside the other version first."""
        found = []
        for what in self.here.keys() & self.there.keys():
            here, there = min(self.here[what]), min(self.there[what])
            if there > 0:
                found.append((here / there, what, here, there))
        return [
            (what, f"{here:.4g}", f"{there:.4g}", f"{ratio:.3f}")
            for ratio, what, here, there in sorted(found, reverse=True)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", help="the Python that the other version is installed for")
    parser.add_argument("--rounds", type=int, default=3, help="how often all is run")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="these benchmarks only")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, rougher figures")
    arguments = parser.parse_args()
    pairs = Pairs(arguments.other)
    able = harness.can_run
    harness.run_side = pairs
    harness.can_run = lambda name, side: (
        not side.tools and {*side.needs} <= OURS and able(name, side)
    )
    with contextlib.redirect_stdout(sys.stderr):
        for _ in range(arguments.rounds):
            for name in arguments.only or NAMES:
                print(f"\n== {name}", flush=True)
                run.BENCHMARKS[name].compare(arguments.quick)
    rows = pairs.rows()
    print(harness.table(("what", "this version", "the other", "ratio"), rows))
    ratios = [float(row[-1]) for row in rows]
    print(f"{len(ratios)} rows, median ratio {statistics.median(ratios):.3f}")
    print(harness.machine())


if __name__ == "__main__":
    main()
