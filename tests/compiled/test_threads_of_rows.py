"""Rows that threads share: the same results, and helpers that outlive calls, and nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pygrad import compile, external, grad, math, value_and_grad, vmap

COUNTS = (1, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 2049, 10_000)
SHARES = (1, 2, 3, 8)


def waves(w: Any, x: Any) -> Any:
    for _ in range(40):
        x = math.sin(w * x) + x / 3.0
    return x


def branching(w: Any, x: Any) -> Any:
    if x > 1.0:
        return waves(w, x)
    return x * w if x > -1.0 else math.exp(x) - w


def rows(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).normal(size=count)


def ways(f: Callable[..., Any], threads: int) -> Iterator[Callable[..., Any]]:
    """Of w and rows of x."""
    axes: Any = (None, 0)
    by_row = vmap(f, axes, threads=threads)
    mean = vmap(f, axes, "mean", threads=threads)
    yield by_row
    yield compile(by_row)
    yield compile(vmap(grad(f, 1), axes, threads=threads))
    yield mean
    yield compile(mean)
    yield compile(value_and_grad(mean))
    yield compile(vmap(f, axes, "sum", threads=threads, progress=lambda done, of: None))


@pytest.mark.parametrize("f", [waves, branching])
def test_results_are_the_same_for_any_number_of_threads(f: Callable[..., Any]) -> None:
    calls = [list(ways(f, threads)) for threads in SHARES]
    for count in COUNTS:
        x = rows(count)
        for of_ways in zip(*calls, strict=True):
            for _ in range(2):  # the second call of a shape has a plan
                first, *others = [np.asarray(call(0.7, x)).tobytes() for call in of_ways]
                assert all(other == first for other in others), (count, of_ways[0])


def test_totals_of_all_ways_are_the_same() -> None:
    for count in COUNTS:
        x = rows(count)
        by_progress = vmap(waves, (None, 0), "sum", threads=2, progress=lambda done, of: None)
        total = compile(vmap(waves, (None, 0), "sum", threads=2))
        assert {total(0.7, x), total(0.7, x), by_progress(0.7, x)} == {by_progress(0.7, x)}


def test_progress_tells_of_all_rows() -> None:
    told: list[int] = []
    f = vmap(lambda x: waves(0.7, x), threads=3, progress=lambda done, of: told.append(done))
    x = rows(30_000)
    assert np.array_equal(f(x), vmap(lambda x: waves(0.7, x))(x))
    assert told == sorted(told) and told[-1] == 30_000


def test_python_threads_may_call_at_once() -> None:
    x = [rows(3000 + i) for i in range(6)]
    f = compile(vmap(waves, (None, 0), "sum", threads=3))
    expected = [vmap(waves, (None, 0), "sum")(0.7, part) for part in x]
    found: dict[int, set[float]] = {}

    def run(k: int) -> None:
        found[k] = {f(0.7, x[k]) for _ in range(30)}

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(x))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: {expected[k]} for k in range(len(x))}


def test_what_ends_all_work_comes_out_of_any_thread() -> None:
    class Enough(BaseException):
        pass

    def stops(x: float) -> float:
        if x == 2000.0:
            raise Enough("of it")
        return x

    f = vmap(external(stops, jvp=lambda p, t: t[0]), threads=2)
    assert np.array_equal(f(np.ones(3000)), np.ones(3000))
    for _ in range(10):
        with pytest.raises(Enough, match="of it"):
            f(np.arange(3000.0))


def test_the_first_row_that_fails_is_the_one_that_is_told_of() -> None:
    def fails(x: float) -> float:
        if x in {500.0, 2000.0, 2900.0}:
            raise ValueError(x)
        return x

    f = vmap(external(fails, jvp=lambda p, t: t[0]), threads=3)
    for _ in range(10):
        with pytest.raises(ValueError, match=r"500\.0"):
            f(np.arange(3000.0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_child_has_helpers_of_its_own_and_exits_beside_them(
    run_isolated: Callable[..., Any],
) -> None:
    """Helpers wait when the processes exit, which ends them."""
    assert run_isolated("threads_and_forks.py").stdout == "alike\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="nothing counts threads")
def test_work_that_is_over_in_some_microseconds_wakes_nobody(
    run_isolated: Callable[..., Any],
) -> None:
    assert run_isolated("threads_of_few_rows.py", env={"OPENBLAS_NUM_THREADS": "1"}).stdout == "1\n"
