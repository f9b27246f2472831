"""`v.backward()`, which sorts and sweeps, over a million nodes: time and memory per node.

Three graphs, each in a process of its own: rows through an MLP as micrograd builds it (products,
sums, ReLUs); a chain of multiplications and additions; sums of two random earlier nodes. Memory is
that of the whole process: what it holds after the graph is built less before, and the peak of its
first sweep less what it held just before.

Beside each sweep, in the same process, stands what memory of that size costs in C: one pass over it from
end to end, and a walk in which each step says where the next one goes, at random. A sweep of nodes that
stand as they were made takes the first at least; one of a random graph has to do with the second.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import random
import shutil
import statistics
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

import compiled_by_hand
import harness
from harness import Row, Side

NODES = 1_000_000


class Graph(NamedTuple):
    root: Any
    nodes: int
    leaf: Any
    slope: float  # what leaf.grad shall be after one sweep


# Each builder makes the same graph out of Values, or the same result out of floats.


def mlp(number: Callable[[float], Any], relu: Callable[[Any], Any]) -> Graph:
    """Rows through MLP(2, [16, 16, 1]), their outputs added up."""
    random.seed(1337)
    shapes = [(2, 16), (16, 16), (16, 1)]
    layers = [
        [([number(random.uniform(-1, 1)) for _ in range(n_in)], number(0.0)) for _ in range(n_out)]
        for n_in, n_out in shapes
    ]
    nodes = sum((n_in + 1) * n_out for n_in, n_out in shapes) + 1
    # A row: its inputs, a product and a sum for each weight, the ReLUs, and the sum of the rows.
    nodes_per_row = 2 + sum(2 * n_in * n_out for n_in, n_out in shapes) + 32 + 1
    rows = (NODES - nodes) // nodes_per_row
    total = number(0.0)
    for _ in range(rows):
        x = [number(random.uniform(-1, 1)) for _ in range(2)]
        for layer in layers:
            acts = []
            for weights, bias in layer:
                act = bias
                for w, xi in zip(weights, x, strict=True):
                    act = act + w * xi
                acts.append(act if layer is layers[-1] else relu(act))
            x = acts
        total = total + x[0]
    output_bias = layers[-1][0][1]
    return Graph(total, nodes + rows * nodes_per_row, output_bias, float(rows))


def chain(number: Callable[[float], Any], relu: Callable[[Any], Any]) -> Graph:
    """v = a * v + b, over and over, as a recurrence does."""
    a, b, v = number(1.0), number(0.5), number(0.0)
    rounds = NODES // 2
    for _ in range(rounds):
        v = a * v + b
    return Graph(v, 2 * rounds + 3, b, float(rounds))


def random_graph(number: Callable[[float], Any], relu: Callable[[Any], Any]) -> Graph:
    """Each node is the sum of two random earlier ones; the root sums those that nobody took."""
    random.seed(1337)
    first = number(1.0)
    nodes = [first] * NODES
    taken = bytearray(NODES)
    for k in range(1, NODES):
        i, j = random.randrange(k), random.randrange(k)
        nodes[k] = nodes[i] + nodes[j]
        taken[i] = taken[j] = True
    ends = [node for node, is_taken in zip(nodes, taken, strict=True) if not is_taken]
    random.shuffle(ends)  # in order of age the sort would walk straight through memory
    root = importlib.import_module("pygrad").sum(ends)
    # Linear in its one leaf, which is 1, so its slope is its value, and whole: nothing is rounded.
    return Graph(root, NODES + 1, first, float(getattr(root, "data", root)))


def measure(build: Callable[..., Graph], sweeps: int) -> dict[str, Any]:
    """Seconds and bytes per node of one graph."""
    pygrad = importlib.import_module("pygrad")
    gc.collect()
    live, before = live_nodes(), memory("VmRSS")
    root, nodes, leaf, slope = build(pygrad.Value, pygrad.Value.relu)
    gc.collect()
    made = live_nodes() - live
    if pygrad.IMPLEMENTATION == "compiled" and made != nodes:
        raise harness.Failed(f"check failed: {made} nodes, not {nodes}")
    at_rest = memory("VmRSS")
    forget_peak()
    root.backward()
    peak = memory("VmHWM")
    grad = leaf.grad

    memory_of = Memory(nodes) if shutil.which(compiled_by_hand.COMPILER) else None
    seconds = []
    for _ in range(sweeps):
        start = time.perf_counter()
        root.backward()
        seconds.append((time.perf_counter() - start) / nodes)
        if memory_of is not None:
            memory_of.measure()

    expected = build(float, functools.partial(max, 0.0)).root
    return {
        "nodes": nodes,
        "ns": [s * 1e9 for s in seconds],
        "at rest": (at_rest - before) / nodes,
        "extra": (peak - at_rest) / nodes,
        "pass": memory_of.one_pass if memory_of else [],
        "walk": memory_of.walk if memory_of else [],
        "found": [root.data, grad],
        "expected": [expected, slope],
    }


WORDS = 6  # of a node


class Memory:
    """As much memory as nodes take, and what passes over it cost, in ns a node."""

    def __init__(self, nodes: int) -> None:
        self.c = compiled_by_hand.library("-O3")
        order = list(range(1, nodes))
        random.shuffle(order)
        self.nodes, self.words = nodes, array("Q", bytes(8 * WORDS * nodes))
        for at, to in zip([0, *order], [*order, 0], strict=True):  # once through all of them
            self.words[WORDS * at] = to
        address, _ = self.words.buffer_info()
        self.at = ctypes.c_void_p(address), ctypes.c_size_t(nodes)
        self.c.follow_nodes.restype = ctypes.c_size_t
        self.one_pass: list[float] = []
        self.walk: list[float] = []

    def measure(self) -> None:
        for function, times in (
            (self.c.stream_nodes, self.one_pass),
            (self.c.follow_nodes, self.walk),
        ):
            start = time.perf_counter()
            function(*self.at)
            times.append((time.perf_counter() - start) / self.nodes * 1e9)


def live_nodes() -> int:
    """How many nodes the C library has."""
    return int(importlib.import_module("pygrad._core").lib.pg_live_nodes())


def memory(what: str) -> int:
    """Bytes of this process: VmRSS are held now, VmHWM was the most. 0 if this is not Linux."""
    if not sys.platform.startswith("linux"):
        return 0
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what)) * 1024


def forget_peak() -> None:
    """Let VmHWM start again from what is held now."""
    if sys.platform.startswith("linux"):
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")


SIDES = {
    name: Side(functools.partial(measure, build), ("pygrad",))
    for name, build in (("MLP", mlp), ("chain", chain), ("random", random_graph))
}
TARGETS = {"MLP": 12, "chain": 30, "random": 40}
# What bounds a sweep, beside which it is put.
BOUNDS = {"MLP": ("pass", "one pass over memory"), "random": ("walk", "one random access")}


def compare(quick: bool) -> list[Row]:
    options = {name: {"sweeps": 5} for name in SIDES}
    results = harness.run_sides(__file__, SIDES, 1 if quick else 5, options)
    if not results:
        return []
    times = {name: [ns for run in runs for ns in run["ns"]] for name, runs in results.items()}
    harness.show_samples(times, "ns")
    for name, runs in results.items():
        run = runs[0]
        harness.check_equal(
            f"{name}, {run['nodes']:,} nodes: value, slope", run["found"], run["expected"], rel=0
        )
    rows = [
        harness.figure(f"sort + sweep of a node, {name}", ns, "ns", at_most=TARGETS[name])
        for name, ns in times.items()
    ]
    for name, (bound, words) in BOUNDS.items():
        floor = [1e-9 * ns for run in results.get(name, []) for ns in run[bound]]
        if floor:
            ours = [1e-9 * ns for ns in times[name]]
            what = f"sort + sweep of a node, {name}, beside memory"
            rows.append(harness.versus(what, ours, words, floor, at_most=1.2))
    if not sys.platform.startswith("linux"):
        print("skipped: memory per node is read from Linux's /proc")
        return rows
    for what, words, most in (
        ("at rest", "at rest", 48),
        ("extra", "more during a sweep", 24),
    ):
        # Not of the random graph: the lists it is made with leave holes in the process's memory.
        samples = {name: [run[what] for run in results[name]] for name in ("MLP", "chain")}
        print(f"memory per node, {words}:")
        harness.show_samples(samples, "B")
        # To the byte: what else the process holds blurs the rest.
        worst = round(max(map(statistics.median, samples.values())))
        rows.append(harness.figure(f"memory of a node, {words}", [worst], "B", at_most=most))
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
