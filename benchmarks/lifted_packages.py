"""Functions of packages that were not written for pygrad, lifted: rows against a loop of plain floats.

Those of tests/lib/corpus.py that a program can hold (pip install '.[corpus]'), over 1,000 rows near the
point that their documentation shows: the value, and the value with its gradient, against the original
called with floats row by row, without a gradient; and a call of the lifted function with floats, against
the original. "Compiled" is `compile(vmap(f))`, whose programs are kept; `vmap(f)` alone keeps those of a
function where it can compare all that this reads, and traces others at each call.
"""

from __future__ import annotations

import importlib
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
from harness import Row, Side

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "lib"))

ROWS = 1000
PACKAGES = ("chemicals", "fluids", "ht", "iapws", "psychrolib", "pvlib", "pymap3d")
KINDS = ("value", "gradient", "value, traced", "gradient, traced", "call")


def measure(rows: int, every: int, seconds: float) -> dict[str, Any]:
    """For each of the functions, or each so many, the ratios of KINDS; and the texts of those left out."""
    corpus = importlib.import_module("corpus")
    found: dict[str, dict[str, float]] = {}
    left_out: list[str] = []
    warnings.simplefilter("ignore")
    for text in corpus.EXPRESSIONS.split("\n")[1:-1:every]:
        try:
            entry = corpus.entry(text)
            calls = maps_of(entry, rows)
        except (ModuleNotFoundError, TypeError, ValueError, IndexError, RuntimeError):
            left_out.append(text)
            continue
        found[text] = ratios(entry, calls, rows, seconds)
    return {"found": found, "left out": left_out}


def maps_of(entry: Any, rows: int) -> dict[str, Callable[[], Any]]:
    """A call of each kind over rows, once the results agree; what cannot be mapped raises."""
    np, pygrad = importlib.import_module("numpy"), importlib.import_module("pygrad")
    rng = np.random.default_rng(1)
    given = np.array(entry.point) * (1 + 0.01 * rng.uniform(-1, 1, (rows, len(entry.point))))
    columns, lists = list(given.T), given.tolist()
    both = pygrad.value_and_grad(entry.lifted)
    maps = [pygrad.vmap(entry.lifted), pygrad.vmap(both)]
    value, gradient, *traced = [*map(pygrad.compile, maps), *maps]
    calls = {
        "loop": lambda: [plain_or_nan(entry.plain, row) for row in lists],
        "value": lambda: value(columns),
        "gradient": lambda: gradient(columns),
        "value, traced": lambda: traced[0](columns),
        "gradient, traced": lambda: traced[1](columns),
    }
    wanted = np.array(calls["loop"]())
    known = np.isfinite(wanted)
    for kind, call in [*calls.items()][1:]:
        result = call()
        result = result[0] if kind.startswith("gradient") else result
        worst = np.max(np.abs(result[known] - wanted[known]), initial=0.0)
        if not worst <= 1e-9 * np.max(np.abs(wanted[known]), initial=0.0):
            raise harness.Failed(f"check failed: {entry.text}, {kind}, differs by {worst:.1e}")
    return calls


def plain_or_nan(f: Callable[[list[float]], Any], row: list[float]) -> float:
    try:
        return float(f(row))
    except (ValueError, ArithmeticError):
        return math.nan


def ratios(
    entry: Any, calls: dict[str, Callable[[], Any]], rows: int, seconds: float
) -> dict[str, float]:
    least = least_in_turns(calls, seconds, 1)
    found = {kind: least["loop"] / least[kind] for kind in KINDS if kind in least}
    one = {"plain": lambda: entry.plain(entry.point), "lifted": lambda: entry.lifted(entry.point)}
    repeats = max(1, math.ceil(2e-4 * rows / least["loop"]))
    least = least_in_turns(one, seconds / 2, repeats)
    return {**found, "call": least["lifted"] / least["plain"]}


def least_in_turns(
    calls: dict[str, Callable[[], Any]], seconds: float, repeats: int
) -> dict[str, float]:
    """The least time of so many calls of each, three at least, taken in turns within so many seconds."""
    least = dict.fromkeys(calls, math.inf)
    end, turns = time.perf_counter() + seconds, 0
    while turns < 3 or time.perf_counter() < end:
        turns += 1
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            least[name] = min(least[name], time.perf_counter() - start)
    return least


SIDES = {"lifted": Side(measure, ("pygrad", "numpy", *PACKAGES))}
# What is said of a kind, and what the median and the worst of it are to be.
WORDS = {
    "value": ("value, compiled", 6, 1),
    "gradient": ("value and gradient, compiled", 4, 1),
    "value, traced": ("value, not compiled", None, 1),
    "gradient, traced": ("value and gradient, not compiled", None, 1),
}


def compare(quick: bool) -> list[Row]:
    options = {"rows": ROWS, "every": 15 if quick else 1, "seconds": 0.01 if quick else 0.3}
    rows = []
    for run in harness.run_sides(__file__, SIDES, 1, {"lifted": options}).get("lifted", []):
        found = run["found"]
        order = sorted(found, key=lambda text: found[text]["value"])
        lines = [(*(f"{found[text][kind]:.2f}x" for kind in KINDS), text) for text in order]
        print(harness.table((*KINDS, "function"), lines))
        for text in run["left out"]:
            print(f"left out: {text}")
        of = f"{len(found)} functions of packages, {ROWS:,} rows"
        for kind, (words, *targets) in WORDS.items():
            all_of_it = [ratios[kind] for ratios in found.values()]
            for how, one, target in zip(
                (statistics.median, min), ("median", "worst"), targets, strict=True
            ):
                rows.append(
                    row(f"{of}, {words}: {one}", how(all_of_it), "float loop", at_least=target)
                )
        calls = [ratios["call"] for ratios in found.values()]
        for how, one in ((statistics.median, "median"), (max, "worst")):
            rows.append(
                row(
                    f"{len(found)} lifted functions called with floats: {one}",
                    how(calls),
                    "the original",
                    at_most=1.5,
                )
            )
    return rows


def row(
    what: str,
    ratio: float,
    other: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """Of a ratio of many pairs of times."""
    found = (
        harness.versus(what, [1.0], other, [ratio], at_least=at_least)
        if at_most is None
        else harness.versus(what, [ratio], other, [1.0], at_most=at_most)
    )
    return found._replace(pygrad="", other=other)


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
