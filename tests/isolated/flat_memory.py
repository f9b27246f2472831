"""Nodes made and dropped with the collector off: resident memory stays flat, the counter comes back.

Usage: flat_memory.py COUNT. Prints OK at the end.
"""

import gc
import os
import sys

from pygrad import Value, dot
from pygrad._core import lib

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


def make(count: int) -> None:
    """count nodes, in expressions that are dropped at once."""
    a, b, n = Value(1.5), Value(-0.5), 0
    while n < count:
        for _ in range(1000):
            (((a * b + a) * b - a) * b + b).tanh()
        dot([a, b], [b, a], a).label = "dropped"
        n += 7001


def main() -> None:
    count = int(sys.argv[1])
    gc.collect()
    gc.disable()
    make(min(count // 10, 1_000_000))  # what is allocated once
    start, memory = lib.pg_live_nodes(), resident()
    make(count)
    assert lib.pg_live_nodes() == start, lib.pg_live_nodes() - start
    assert resident() - memory < 1 << 20, f"grew by {resident() - memory} bytes"
    print("OK")


main()
