"""One call of a mapped function: what it takes beside the work that it does for rows.

`x * x + 1` over 1, 100 and 1,000 rows, the value with three slopes of a function of three columns, and a
mean with its gradient, beside an empty call of C by cffi. "Compiled" is `compile(vmap(f))`, whose programs
are kept; `vmap(f)` alone keeps those of a function where it can compare all that this reads, and traces
others at each call: one that catches errors stands for these. What two threads cost is how much longer they
take for 10,000 rows than half as long as one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import harness
from harness import Row, Side

TARGETS = {"1 row": 12.0, "100 rows": 20.0, "1,000 rows": 15.0, "two threads": 60.0}  # us


def calls() -> dict[str, Callable[[], object]]:
    """What is timed, by name; an empty call first."""
    np, pygrad = importlib.import_module("numpy"), importlib.import_module("pygrad")
    compile, vmap, value_and_grad = pygrad.compile, pygrad.vmap, pygrad.value_and_grad

    def square(x: Any) -> Any:
        return x * x + 1.0

    def branches(x: Any) -> Any:
        return x * 2.0 if x > 1.0 else x * x

    def caught(x: Any) -> Any:
        try:
            return x * x + 1.0
        except Exception:
            return x

    def long(x: Any) -> Any:
        for _ in range(100):
            x = x * x - 0.5
        return x

    columns = [np.linspace(0.5, 2.0, 100), np.ones(100), np.ones(100)]
    slopes = compile(vmap(value_and_grad(lambda x: x[0] * x[1] + x[2])))
    mean = vmap(lambda w, x: (w * x - 1.0) ** 2, in_axes=(None, 0), reduce="mean")
    step = compile(value_and_grad(mean))
    kept, traced = vmap(square), vmap(caught)
    compiled, paths = compile(vmap(square)), compile(vmap(branches))
    rows = {f"{n:,} row{'s' * (n > 1)}": np.linspace(0.5, 2.0, n) for n in (1, 100, 1000)}
    found: dict[str, Callable[[], object]] = {
        "nothing": importlib.import_module("pygrad._core").lib.pg_live_nodes
    }
    for name, x in rows.items():
        found[f"compiled, {name}"] = lambda x=x: compiled(x)
        found[f"plain, {name}"] = lambda x=x: kept(x)
    found["compiled, two paths, 100 rows"] = lambda: paths(columns[0])
    found["compiled, value and 3 slopes by columns, 100 rows"] = lambda: slopes(columns)
    found["compiled, mean and its slope, 100 rows"] = lambda: step(2.0, columns[0])
    many = np.linspace(0.0, 1.0, 10_000)
    for threads, name in (1, "one thread"), (2, "two threads"):
        shared = compile(vmap(long, threads=threads))
        found[name] = lambda shared=shared: shared(many)
    found["traced, 100 rows"] = lambda: traced(columns[0])
    return found


def measure(seconds: float) -> dict[str, float]:
    return harness.least_of_each(calls(), seconds)


SIDES = {"mapped call": Side(measure, ("pygrad", "numpy"))}


def compare(quick: bool) -> list[Row]:
    options = {"mapped call": {"seconds": 0.02 if quick else 0.5}}
    rows = []
    for times in harness.run_sides(__file__, SIDES, 1, options).get("mapped call", []):
        empty = times.pop("nothing")
        times["two threads"] -= times.pop("one thread") / 2
        harness.show_samples({name: [t] for name, t in times.items()})
        for name, time in times.items():
            most = TARGETS.get(name.removeprefix("compiled, ").removeprefix("plain, "))
            row = harness.figure(f"call of a map, {name}", [time * 1e6], "us", at_most=most)
            ratio = f"{time / empty:.0f}x"
            rows.append(
                row._replace(other=f"empty cffi call: {harness.quantity(empty)}", ratio=ratio)
            )
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
