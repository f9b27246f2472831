"""The two-moons step through pygrad.nn: compiled, and in plain Python (PYGRAD_IMPL=reference)."""

from __future__ import annotations

from typing import Any

import harness
import two_moons_step
from harness import Row

SIDE = "pygrad.nn"
SIDES = {SIDE: two_moons_step.SIDES[SIDE]}


def compare(quick: bool) -> list[Row]:
    if not harness.can_run(SIDE, SIDES[SIDE]):
        return []
    steps = {"compiled": 100, "reference": 4 if quick else 10}
    runs: dict[str, list[Any]] = {name: [] for name in steps}
    for _ in range(1 if quick else 5):
        for name, count in steps.items():
            env = {"PYGRAD_IMPL": name}
            run = harness.run_side(two_moons_step.__file__, SIDE, env, steps=count)
            runs[name].append(run)
    seconds = {name: [run["seconds"] for run in runs[name]] for name in runs}
    harness.show_samples(seconds)
    harness.check_equal(
        "losses", runs["compiled"][0]["losses"], runs["reference"][0]["losses"], rel=0
    )
    return [
        harness.versus(
            "two-moons step, pygrad.nn",
            seconds["compiled"],
            "pygrad's pure-Python reference",
            seconds["reference"],
        )
    ]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
