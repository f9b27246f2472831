"""Rows that look something up in a table of 1,000 cells, against a Python loop of the same over floats.

`interp` is a search and an item in a program. In the loop it is pygrad's own, on floats; a third side has
`bisect` and the line between two neighbours written out, the fastest that plain Python has.
"""

from __future__ import annotations

import bisect
import importlib
import math
from collections.abc import Callable
from typing import Any

import harness
from harness import Row, slopes_side

ROWS, CELLS = 1000, 1000
PLACES = [0.01 * i for i in range(CELLS + 1)]
HEIGHTS = [math.sin(x) for x in PLACES]
Calls = Callable[[], Any]  # returns values


def inputs() -> Any:
    import numpy as np

    return np.random.default_rng(0).uniform(-0.5, 10.5, ROWS)


def by_bisect(x: float) -> float:
    i = bisect.bisect_right(PLACES, x)
    if i == 0:
        return HEIGHTS[0]
    if i > CELLS:
        return HEIGHTS[-1]
    a, low = PLACES[i - 1], HEIGHTS[i - 1]
    return (HEIGHTS[i] - low) / (PLACES[i] - a) * (x - a) + low


def height() -> Callable[[Any], Any]:
    interp = importlib.import_module("pygrad").interp
    return lambda x: interp(x, PLACES, HEIGHTS)


def with_pygrad(slopes: bool) -> Calls:
    pygrad = importlib.import_module("pygrad")
    f = height()
    call, x = pygrad.compile(pygrad.vmap(pygrad.value_and_grad(f) if slopes else f)), inputs()
    return lambda: call(x)[0] if slopes else call(x)


def with_floats(slopes: bool) -> Calls:
    f, x = height(), inputs().tolist()
    return lambda: [f(each) for each in x]


def with_bisect(slopes: bool) -> Calls:
    x = inputs().tolist()
    return lambda: [by_bisect(each) for each in x]


def with_numpy(slopes: bool) -> Calls:
    import numpy as np

    x, places, heights = inputs(), np.array(PLACES), np.array(HEIGHTS)
    return lambda: np.interp(x, places, heights)


SIDES = {
    "pygrad": slopes_side(with_pygrad, "pygrad", "numpy"),
    "Python floats": slopes_side(with_floats, "pygrad", "numpy"),
    "Python floats, by bisect": slopes_side(with_bisect, "numpy"),
    "NumPy's interp, all rows at once": slopes_side(with_numpy, "numpy"),
}
TARGETS = {("Python floats", False): 50.0, ("Python floats", True): 30.0}


def compare(quick: bool) -> list[Row]:
    return harness.race_with_slopes(
        __file__, SIDES, f"table of {CELLS:,} cells", ROWS, rel=1e-12, targets=TARGETS, quick=quick
    )


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
