"""Graphs that tests of explanations and pictures are made of, and labels that try to do something."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pygrad

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'`|&<>]]>-->",
    "line\nbreak\r\ttab\x00null\x1b[31m",
    "\u202eright to left\u2028\ufffe\ud800",
    "| --- |\n| # [x](javascript:alert(1)) `` ` ``",
    "x" * 10_000,
    "温度é",
]


def lesson_1(impl: ModuleType) -> Any:
    """a * b + (a + b) at 2 and -3."""
    a, b = impl.Value(2.0, label="a"), impl.Value(-3.0, label="b")
    return a * b + (a + b)


def chain(impl: ModuleType, steps: int) -> Any:
    """sin(sin(... sin(x)))."""
    x = impl.Value(1.0, label="x")
    y = x
    for _ in range(steps):
        y = y.sin()
    return y


def seconds(action: Callable[[], object]) -> float:
    """The shortest of three runs: what the machine does besides is not to count."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)


def large_graphs(nodes: int) -> Iterator[Any]:
    """A chain, a tangle and a sum, each of at least so many nodes; one at a time, for they take memory."""
    y = pygrad.Value(1.0, label="x")
    for _ in range(nodes // 2):
        y = y * 1.0000001
    yield y
    rng = random.Random(1)
    values = [pygrad.Value(rng.random()) for _ in range(1000)]
    for _ in range(2 * nodes + nodes // 5):  # half of these are soon in use by nothing
        values[rng.randrange(1000)] = values[rng.randrange(1000)] + values[rng.randrange(1000)]
    y = pygrad.sum(values[:2])
    yield y
    y = pygrad.sum(v * 0.5 for _ in range(nodes // 2000) for v in values)
    yield y
