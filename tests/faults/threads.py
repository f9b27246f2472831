"""64 threads that share compiled functions, and meet new paths and new structures of arguments at once.

    python tests/faults/threads.py [--json FILE] [--share] [--seconds N] [--threads N] [--seed N]

Rounds of some hundred milliseconds: each has functions of its own, compiled, mapped, and the derivatives
of these, which all threads begin to call at the same moment, switching every few microseconds. Others
save, load, pickle, bind and write them as C meanwhile. Every number is what eager code gives, bit for
bit; nothing raises; tables of programs stay within their bounds; no node is left when a round is over.
"""

from __future__ import annotations

import functools
import gc
import math
import pickle
import random
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parent)]

import numpy as np
from figures import Figures, parser

from pygrad import NotSavedError, compile, grad, load, value_and_grad, vmap
from pygrad import math as pm
from pygrad._core import lib
from pygrad.programs.table import MOST
from pygrad.programs.worth import MOST_PATHS

INTERVALS = [1e-6, 1e-5, 1e-4]  # between two switches of threads, in seconds
SIZES = 2 * MOST  # structures, so that old programs go
CALLS = 12  # of each thread in a round
TRIES = 4  # on the same numbers, so that threads meet


# -- functions: arithmetic and roots, whose bits are the same in every way of running them ---------------


def steps(x: Any) -> Any:
    """A number's path has as many steps as the number is large: new paths for all."""
    y = x * 0.75
    while y > 1:
        y = y / 1.5 - 0.25
    return pm.sqrt(y * y + 2.0) * x if x > 3 else y * x - 1.0


def ladder(xs: Any) -> Any:
    """Of a list of any length, each length a structure of its own."""
    total = xs[0] * 2.0
    for a in xs:
        total = total * 0.5 + a if a > 0.5 else total - a * a
    return total


def row(w: Any, x: Any) -> Any:
    y = w * x
    return y * y - x if y > 1 else (y / 3.0 if y > -1 else -y * w)


class Shared:
    """What the threads of a round share."""

    def __init__(self) -> None:
        self.steps, self.slope = compile(steps), compile(grad(steps))
        self.ladder, self.ladders_slope = compile(ladder), compile(value_and_grad(ladder))
        self.rows = compile(vmap(row, (None, 0)))
        self.slopes_of_rows = vmap(grad(row, argnums=(0, 1)), (None, 0))
        self.mean = compile(value_and_grad(vmap(row, (None, 0), reduce="mean")))

    def tables(self) -> list[tuple[str, int, int]]:
        """What grows: its name, how large it is, and how large it may be."""
        found = []
        for name, f in vars(self).items():
            if not hasattr(f, "store"):
                continue
            store = f.store
            tables = {"calls": store.calls, "written": store.written}
            found += [(f"{name}'s {what}", len(table), MOST) for what, table in tables.items()]
            for program in [*store.calls, *store.row_programs()]:
                if program is not None:
                    found.append((f"{name}'s paths", len(program.paths.all), MOST_PATHS))
            shortcuts = len(store.calls.shortcuts)
            found.append((f"{name}'s shortcuts", shortcuts, 2 * MOST))
        return found


# -- what eager code gives ---------------------------------------------------------------------------------


def bits(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return tuple([bits(part) for part in x])
    return np.asarray(x, dtype=np.float64).tobytes()


@functools.cache
def eager(what: str, *given: float) -> Any:
    """The bits of a result that eager code gives; of rows each by itself."""
    if what == "steps":
        return bits(steps(given[0]))
    if what == "slope":
        return bits(grad(steps)(given[0]))
    if what == "ladder":
        return bits(ladder(list(given)))
    if what == "ladders_slope":
        return bits(value_and_grad(ladder)(list(given)))
    w, *xs = given
    if what == "rows":
        return bits(np.array([row(w, x) for x in xs]))
    each = [grad(row, argnums=(0, 1))(w, x) for x in xs]
    return bits([np.array([a for a, _ in each]), np.array([b for _, b in each])])


def numbers(rng: random.Random, count: int) -> list[float]:
    return [rng.randrange(-24, 25) / 4 for _ in range(count)]


# -- what threads do -------------------------------------------------------------------------------------


class Round:
    def __init__(self, seed: int, threads: int, folder: Path) -> None:
        self.seed, self.threads, self.folder = seed, threads, folder
        self.shared = Shared()
        self.start = threading.Barrier(threads)
        self.lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        running = [
            threading.Thread(target=self._thread, args=(i,), daemon=True)
            for i in range(self.threads)
        ]
        for one in running:
            one.start()
        for one in running:
            one.join(120)
            if one.is_alive():
                self.wrong.append("a thread hangs")
        for name, size, most in self.shared.tables():
            # Each thread may have looked before any of them has added.
            if size > most + self.threads * ("paths" in name):
                self.wrong.append(f"{name}: {size}")

    def _thread(self, i: int) -> None:
        """Of every eight threads two do what is done with whole functions, the others call them."""
        rng = random.Random(self.seed * 1000 + i)
        same = random.Random(self.seed)  # what all threads do in the same order
        self.start.wait()
        done: Counter[str] = Counter()
        try:
            for k in range(CALLS):
                chosen = same if k < TRIES else rng
                what = self._use(rng, i, k) if i % 8 >= 6 else self._call(chosen)
                done[what] += 1
        except BaseException:
            with self.lock:
                self.wrong.append(traceback.format_exc())
        with self.lock:
            self.done += done

    def _agree(self, what: str, result: Any, *given: float) -> None:
        if bits(result) != eager(what, *given):
            self.wrong.append(f"{what} of {given}: {result}")

    def _call(self, rng: random.Random) -> str:
        shared = self.shared
        what = rng.choice(
            ["steps", "slope", "ladder", "ladders_slope", "rows", "slopes_of_rows", "mean"]
        )
        if what in {"steps", "slope"}:
            (x,) = numbers(rng, 1)
            self._agree(what, getattr(shared, what)(x * 4), x * 4)
        elif what in {"ladder", "ladders_slope"}:
            xs = numbers(rng, rng.randrange(1, SIZES))
            self._agree(what, getattr(shared, what)(xs), *xs)
        elif what == "mean":
            w, xs = numbers(rng, 1)[0], numbers(rng, 5)
            value, slope = shared.mean(w, np.array(xs))
            each = [value_and_grad(row)(w, x) for x in xs]
            for found, wanted in zip((value, slope), zip(*each, strict=True), strict=True):
                # Of means the last bits depend on the order of adding up.
                if not math.isclose(found, sum(wanted) / 5, rel_tol=1e-12, abs_tol=1e-12):
                    self.wrong.append(f"mean of {w}, {xs}: {found}")
        else:
            w, *xs = numbers(rng, rng.randrange(2, 200))
            result = getattr(shared, what)(w, np.array(xs))
            self._agree(what, result, w, *xs)
        return what

    def _use(self, rng: random.Random, i: int, k: int) -> str:
        f = self.shared.steps
        (x,) = numbers(rng, 1)
        f(x)
        what = rng.choice(["save", "pickle", "to_c", "buffer", "programs"])
        if what == "save":
            path = self.folder / f"{i}.pygrad"
            f.save(path)
            self._as_saved(load(path), x)
        elif what == "pickle":
            self._as_saved(pickle.loads(pickle.dumps(f)), x)
        elif what == "to_c":
            assert "int steps(const double *in, double *out)" in f.to_c(x)
        elif what == "buffer":
            given = np.array([x])
            one = compile(lambda v: steps(v[0])) if k % 2 else self.shared.ladder
            bound = one.buffer(given)
            self._agree("steps" if k % 2 else "ladder", bound(), x)
        else:
            assert all(program["instructions"] >= 0 for program in f.programs)
        return what

    def _as_saved(self, loaded: Callable[[float], float], x: float) -> None:
        """The path at x is in the file, for it was taken before."""
        try:
            self._agree("steps", loaded(x), x)
        except NotSavedError:
            self.wrong.append(f"the path of steps({x}), which was taken before, was not saved")


def main() -> int:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, help="how long")
    options.add_argument("--threads", type=int, default=64)
    options.add_argument("--seed", type=int, default=None)
    chosen = options.parse_args()
    seconds = chosen.seconds or (12.0 if chosen.share else 150.0)
    seed = random.randrange(1 << 30) if chosen.seed is None else chosen.seed
    warnings.simplefilter("ignore")  # of many structures, and many paths
    interval = sys.getswitchinterval()
    done: Counter[str] = Counter()
    wrong: list[str] = []
    rounds = left = 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end and len(wrong) < 20:
            gc.collect()
            before = lib.pg_live_nodes()
            sys.setswitchinterval(INTERVALS[rounds % len(INTERVALS)])
            one = Round(seed + rounds, chosen.threads, Path(folder))
            one.run()
            sys.setswitchinterval(interval)
            rounds += 1
            done += one.done
            wrong += one.wrong
            del one
            gc.collect()
            left = max(left, lib.pg_live_nodes() - before)
    print("\n".join(wrong))
    figures = Figures(f"Threads (seed {seed})")
    figures.add("threads", chosen.threads)
    figures.add("rounds", rounds)
    figures.add("calls", sum(done.values()))
    for what in sorted(done):
        figures.add(f"  {what}", done[what])
    figures.none_of("wrong bits, errors, tables out of bounds", len(wrong))
    figures.none_of("nodes left after a round", left)
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
