"""Files of each format version, to be read for ever, and what they gave when they were made.

    python tests/saved/make.py [NAME ...]     writes those of the present version

Run it once for a new version, and with a name for what the present one did not have before.

Only operations that are rounded correctly stand in them, so that no better lane function changes a bit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pygrad import Value, compile, fori_loop, math, scan, value_and_grad, vmap, while_loop
from pygrad.compiled.fileformat import VERSION
from pygrad.numpy import take

FOLDER = Path(__file__).parent
POINTS = [(1.0, 0.3), (-2.5, 7.0), (30.0, -4.0), (0.1, 0.1)]
ROWS = np.array([[0.1 * i - 3.3, 7.0 / (i + 1)] for i in range(100)])
PARAMS = {"w": np.array([0.7, -1.3]), "b": [0.1, (2.0,)]}


def bits(tree: Any) -> Any:
    """Every number of a result, exactly."""
    if isinstance(tree, dict):
        return {name: bits(part) for name, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [bits(part) for part in tree]
    return [x.hex() for x in np.ravel(tree).astype(float).tolist()]


def call_branches(f: Any) -> Any:
    return [f(np.array(p), {"k": [2.0, 3.0]}, how=how) for p in POINTS for how in ("all", None)]


def call_step(f: Any) -> Any:
    return f(PARAMS, ROWS, ROWS[:, 1] - ROWS[:, 0])


def call_trained(f: Any) -> Any:
    return f.backward(ROWS[:, 0], ROWS[:, 1]), f(0.5, 2.0)


def call_loops(f: Any) -> Any:
    return f(1.5, ROWS[:, 0]), f(-0.25, ROWS[:3, 1])


def call_scans(f: Any) -> Any:
    return f(0.5, ROWS[:, 1]), f(-0.25, ROWS[:3, 0])


CALLS: dict[str, Callable[[Any], Any]] = {
    "branches": call_branches,
    "step": call_step,
    "trained": call_trained,
    "loops": call_loops,
    "scans": call_scans,
}


def functions() -> dict[str, Any]:
    w = Value(1.7, label="w")

    @compile
    def branches(x: Any, p: Any, how: Any = None) -> Any:
        """Ways that depend on numbers, a loop and a static argument."""
        y = p["k"][0] * x.sum() + w if x[0] > p["k"][1] else (w * x[0] / x[1]) ** 2
        while y > 5:
            y = math.sqrt(y) - math.floor(y) % 3
        z = math.where(y > 0, -y, math.clip(y, -1, x[0])) + max(x[1], y)
        return {"z": z, "both": (x * z, [y])} if how else math.hypot(y, 3.0) // 0.125

    def loss(p: Any, x: Any, y: Any) -> Any:
        error = p["w"][0] * x[0] * x[1] + p["w"][1] * x[1] ** 3 + p["b"][0] * p["b"][1][0] - y
        return error**2 if abs(error) < 1 else 2 * abs(error) - 1

    def nested(i: Any, s: Any) -> Any:
        inner = while_loop(lambda t: t < 9, lambda t: abs(t) * 2 + 1, s[0] / (i + 1), max_trips=50)
        return inner / 4 - take([1.0, i, s[1]], i % 3), s[1] * 0.5 + w

    def trips(a: Any, x: Any) -> Any:
        y, z = fori_loop(0, a + 3, nested, (x, a), max_trips=50)
        return y * z + x

    def steps(a: Any, x: Any) -> Any:
        def step(s: Any, item: Any) -> Any:
            z, k = item
            return (s[1] / 2 + k[0], s[0] * k[1] + z), abs(s[0]) * w

        end, ys = scan(step, (x, a), ([x / (i + 1) for i in range(20)], ROWS[40:60]), reverse=True)
        return end[0] + scan(lambda s, y: (s / 4 + y * x, None), a, ys)[0]

    loops = compile(value_and_grad(vmap(trips, (None, 0), reduce="sum")))
    trained = lambda x, y: (w * x - y) ** 2 if x > y else abs(w * y - x)  # noqa: E731
    step = compile(value_and_grad(vmap(loss, in_axes=(None, 0, 0), reduce="mean")))
    scans = compile(value_and_grad(vmap(steps, (None, 0), reduce="sum")))
    made = {"branches": branches, "step": step, "trained": compile(trained), "loops": loops}
    return {**made, "scans": scans}


def main() -> None:
    results = FOLDER / f"format{VERSION}.json"
    names = sys.argv[1:]
    expected = json.loads(results.read_text(encoding="utf-8")) if names else {}
    made = functions()
    for name in names or made:
        expected[name] = bits(CALLS[name](made[name]))
        made[name].save(FOLDER / f"format{VERSION}_{name}.pygrad")
    results.write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
