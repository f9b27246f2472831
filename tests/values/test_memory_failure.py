"""Out of memory again and again on the same objects; on new ones each time in tests/faults/allocations.py.

The n-th allocation fails, for every n until the call succeeds. Each time: MemoryError, every old value
and grad untouched, no node leaked. The nodes of a build for the sanitizers are blocks of their own; in
other builds the pool counts each node taken as a request, so that n reaches the same places.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from memory_scenarios import SCENARIOS, leaf_values

from pygrad import value as pg
from pygrad._core import lib
from pygrad.value import Value


def live() -> int:
    return lib.pg_live_nodes()


@pytest.fixture
def no_collector():
    """Collections in between would free other tests' cycles and spoil the count."""
    gc.collect()
    gc.disable()
    yield
    lib.pg_fail_at(0)
    gc.enable()


def fails(call: Callable[[], Any], n: int) -> tuple[bool, Any]:
    """Whether the call raised MemoryError with the n-th allocation failing, and else its result."""
    lib.pg_fail_at(n)
    try:
        return False, call()
    except MemoryError:
        return True, None
    finally:
        lib.pg_fail_at(0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_objects_survive_every_failure_in_a_row(name, no_collector):
    """What an earlier failure left behind would show here."""
    start = live()
    now = SCENARIOS[name]()
    before, count = now.state(), live()
    n = 1
    while True:
        failed, result = fails(now.call, n)
        if not failed:
            break
        assert now.state() == before, f"failure {n} changed something"
        n += 1
    if live() != count and result is None:
        gc.collect()
        assert live() == count
    assert now.check(result)
    del now, result
    gc.collect()
    assert live() <= start


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= 15


def test_no_allocation_means_no_failure():
    """With the first allocation failing, what needs none works."""
    a, b = leaf_values()
    c = a * b
    lib.pg_fail_at(1)
    try:
        a.grad = 2.0
        a.data = 5.0
        pg.zero_grad([a, b])
        text = repr(c)
        children = c._children
        del a, b, c, children
    finally:
        lib.pg_fail_at(0)
    assert text == "Value(data=-6.0, grad=0.0)"


def test_failures_are_counted_from_the_call():
    lib.pg_fail_at(3)
    try:
        kept = [Value(1.0), Value(2.0)]
        with pytest.raises(MemoryError):
            kept.append(Value(3.0))
        with pytest.raises(MemoryError):  # and every later one
            kept.append(Value(4.0))
    finally:
        lib.pg_fail_at(0)
    assert [v.data for v in kept] == [1.0, 2.0]
    assert lib.pg_allocations() == 4


def test_the_pool_grows_under_failure():
    """Whole new chunks are refused, too: the pool stays as it is and grows once memory is back."""
    kept: list[Value] = []
    size = lib.pg_pool_bytes()
    refused = 0
    while lib.pg_pool_bytes() == size or refused == 0:
        for n in (1, 2):  # the node, or the chunk it would come from
            lib.pg_fail_at(n)
            try:
                kept.append(Value(1.0))
            except MemoryError:
                refused += 1
            finally:
                lib.pg_fail_at(0)
        kept.append(Value(1.0))
        assert len(kept) < 1_000_000 + size // 24  # free nodes are taken first
    assert all(v.data == 1.0 for v in kept[:: max(1, len(kept) // 100)])
