"""Compiled functions in worker processes, started in the way that the argument names; prints "ok"."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pygrad import Value, compile, grad, jvp, lift, load, value_and_grad, vmap

W = Value(2.0)


@compile
def branches(x):
    return x**3 if x > 0 else -x


@compile
def captures(x):
    return W * x


def cube(x):
    return x**3 if x > 0 else -x


slope = compile(grad(lambda x: x**3 if x > 0 else -x))
step = compile(
    value_and_grad(vmap(lambda p, x: (p["a"] * x - p["b"]) ** 2, (None, 0), reduce="mean"))
)
rows = compile(vmap(cube))


@dataclass
class Line:
    """Parameters, with a name."""

    slope: float
    start: float = 1.0
    name: str = "line"


def height(line, x):
    return line.slope * x**2 + line.start


def loaded_in_worker(path, x):
    return load(path)(x)


def main(method):
    points = [0.5, -2.0, 3.0]
    x = np.linspace(-1, 1, 200)
    assert branches(1.0) == 1.0  # one way only: workers trace the other by the function's name
    wanted = [slope(x) for x in points]
    total = step({"a": 2.0, "b": 0.5}, x)
    by_row = rows(x)
    captures(1.0)
    W.data = 5.0  # as trained here: in a worker that imports this file it is still 2
    path = Path(tempfile.mkdtemp()) / "slope.pygrad"
    slope.save(path)
    # From Python 3.12 on fork warns beside the threads that NumPy's BLAS has; they are idle.
    warnings.filterwarnings("ignore", ".* is multi-threaded", DeprecationWarning)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(branches, points)) == [0.125, 2.0, 27.0]
        assert list(pool.map(slope, points)) == wanted
        assert pool.submit(step, {"a": 2.0, "b": 0.5}, x).result() == total
        assert pool.submit(rows, x).result().tolist() == by_row.tolist()
        assert list(pool.map(captures, points)) == [2.5, -10.0, 15.0]
        assert list(pool.map(load(path), points)) == wanted
        assert list(pool.map(loaded_in_worker, [path] * 3, points)) == wanted
        line = Line(2.0)
        assert pool.submit(grad(height), line, 3.0).result() == Line(9.0, 1.0)
        assert pool.submit(compile(grad(height)), line, 3.0).result() == Line(9.0, 1.0)
        assert pool.submit(jvp, cube, (2.0,), (1.0,)).result() == (8.0, 12.0)
        assert (
            pool.submit(vmap(grad(grad(cube))), x).result().tolist() == (6 * x * (x > 0)).tolist()
        )
        lightness = lift("colorsys").rgb_to_hls
        assert pool.submit(lightness, 0.1, 0.3, 0.2).result() == lightness(0.1, 0.3, 0.2)
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
