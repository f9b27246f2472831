"""A chain of many nodes is built, swept, its repr printed, and freed, on whatever stack there is.

Usage: deep_chain.py plain|closure|attribute LENGTH. Prints OK at the end.
"""

import gc
import sys

from pygrad import Value, zero_grad
from pygrad._core import lib


def plain(length: int) -> tuple[Value, Value]:
    x = Value(1.0)
    v = x
    for _ in range(length):
        v = v + 1.0
    return x, v


def closure(length: int) -> tuple[Value, Value]:
    x = Value(1.0)
    v = x
    for _ in range(length):
        out = Value(v.data + 1.0, (v,), "up")

        def rule(v: Value = v, out: Value = out) -> None:
            v.grad += out.grad

        out._backward = rule
        v = out
    return x, v


def attribute(length: int) -> tuple[Value, Value]:
    x = Value(1.0)
    v = x
    for _ in range(length):
        v.tag = [v]
        v = v + 1.0
    return x, v


def main() -> None:
    kind, length = sys.argv[1], int(sys.argv[2])
    start = lib.pg_live_nodes()
    gc.disable()
    x, root = {"plain": plain, "closure": closure, "attribute": attribute}[kind](length)
    assert lib.pg_live_nodes() - start > length
    for i in (1.0, 2.0):
        root.backward()
        assert x.grad == i, x.grad
    print(repr(root), f"{root}")
    zero_grad(root)
    assert x.grad == 0.0
    del root
    if kind == "plain":
        assert lib.pg_live_nodes() - start == 1
    del x
    gc.collect()
    assert lib.pg_live_nodes() == start, lib.pg_live_nodes() - start
    print("OK")


main()
