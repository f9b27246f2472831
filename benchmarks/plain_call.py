"""One call of a compiled function by position: what it takes beside the program, which is a few operations.

Floats, arrays, lists and containers of these, a Value that is captured, and a buffer, beside an empty call
of C by cffi; and 300 floats as a list beside the same as an array, in a program that adds their squares;
and so as lists of lists, dicts and tuples of floats beside arrays in their place, in the same program.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import harness
from harness import Row, Side

TARGETS = {"one float": 450.0, "two arrays": 900.0}  # ns
ARRAY, LIST = "300 floats as an array", "300 floats as a list"
ARRAYS, NESTED = "a dict of 10 arrays of 30 floats", "a dict of 10 lists of 30 floats"
PAIRS, TABLE = "150 pairs of floats in a list", "150 pairs of floats as an array"


def calls() -> dict[str, Callable[[], object]]:
    """What is timed, by name; an empty call first."""
    np, pygrad = importlib.import_module("numpy"), importlib.import_module("pygrad")
    compile, grad = pygrad.compile, pygrad.grad
    rate, w = 3.0, pygrad.Value(2.0)
    square = compile(lambda x: x * x + 1.0)
    captured = compile(lambda x: w * x + rate)
    branches = compile(lambda x: x * x if x > 0 else -x)
    products = compile(lambda a, b: a[0] * b[0] + a[1] * b[2])
    nested = compile(lambda p: p["w"][0] * p["w"][1] + p["b"])
    slopes = compile(grad(lambda x: x[0] * x[1] * x[2]))
    squares = compile(lambda x: sum(item * item for item in x))
    of_parts = compile(lambda p: sum(item * item for x in p.values() for item in x))
    of_pairs = compile(lambda p: sum(a * a + b * b for a, b in p))
    a, b, many = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 5.0]), np.linspace(0.0, 1.0, 300)
    lists, listed = (a.tolist(), b.tolist()), many.tolist()
    arrays = {f"part {k}": many[30 * k : 30 * k + 30].copy() for k in range(10)}
    nest = {name: part.tolist() for name, part in arrays.items()}
    pairs = list(zip(listed[::2], listed[1::2], strict=True))
    table = np.array(pairs)
    parts = {"w": [1.0, 2.0], "b": 3.0}
    branches(1.0)
    return {
        "nothing": importlib.import_module("pygrad._core").lib.pg_live_nodes,
        "one float": lambda: square(2.0),
        "one float, a number and a Value captured": lambda: captured(2.0),
        "one float, another path than the first": lambda: branches(-2.0),
        "two arrays": lambda: products(a, b),
        "two lists": lambda: products(*lists),
        "a dict of a list and a float": lambda: nested(parts),
        "an array, and one returned": lambda: slopes(a),
        "buffer() of two arrays": products.buffer(a, b),
        ARRAY: lambda: squares(many),
        LIST: lambda: squares(listed),
        ARRAYS: lambda: of_parts(arrays),
        NESTED: lambda: of_parts(nest),
        PAIRS: lambda: of_pairs(pairs),
        TABLE: lambda: of_pairs(table),
    }


def measure(seconds: float) -> dict[str, float]:
    return harness.least_of_each(calls(), seconds)


SIDES = {"plain call": Side(measure, ("pygrad", "numpy"))}


def compare(quick: bool) -> list[Row]:
    options = {"plain call": {"seconds": 0.02 if quick else 0.5}}
    rows = []
    for times in harness.run_sides(__file__, SIDES, 1, options).get("plain call", []):
        empty, array, listed = (times.pop(name) for name in ("nothing", ARRAY, LIST))
        arrays, nest, pairs, table = (times.pop(name) for name in (ARRAYS, NESTED, PAIRS, TABLE))
        harness.show_samples({name: [t] for name, t in times.items()})
        for name, time in times.items():
            row = harness.figure(
                f"plain call, {name}", [time * 1e9], "ns", at_most=TARGETS.get(name)
            )
            ratio = f"{time / empty:.2f}x"
            rows.append(
                row._replace(other=f"empty cffi call: {harness.quantity(empty)}", ratio=ratio)
            )
        for name, time, other, beside in (
            (LIST, listed, "as an array", array),
            (NESTED, nest, "as arrays", arrays),
            (PAIRS, pairs, "as an array", table),
        ):
            row = harness.versus(f"plain call, {name}", [time], other, [beside], at_most=1.5)
            rows.append(row)
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
