"""Ctrl-C while C works for long without Python: programs made, patterns, colours, rows of long functions.

How late it is counts in the processor's time, which other work on the machine does not lengthen."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from differentiable import long_chain

from pygrad import _native, compile, grad, vmap
from pygrad.core.library import ffi, lib
from pygrad.programs.sparsity import Pattern, colour_columns, colour_symmetric

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers"),
    pytest.mark.skipif(
        "asan" in os.environ.get("LD_PRELOAD", ""), reason="measures time; sanitizers are slow"
    ),
]


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    old = signal.signal(signal.SIGPROF, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, old)


def interrupted(work: Callable[[], Any], after: float) -> None:
    try:
        signal.setitimer(signal.ITIMER_PROF, after)
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def require_early_end(work: Callable[[], Any], share: float = 0.2) -> None:
    """The work hears an interrupt long before it would have ended."""
    expected = work()
    start = time.process_time()
    work()
    took = time.process_time() - start
    assert took > 0.08, "too little work to tell"
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(KeyboardInterrupt):
            interrupted(work, share * took)
        spent = time.process_time() - start
        if spent < 0.6 * took:
            break
    assert spent < 0.6 * took
    assert work() == expected


def sines(x: Any, n: int) -> Any:
    v = x
    for _ in range(n):
        v = (v * 0.9 + x).sin()
    return v


def test_a_program_in_the_making(monkeypatch):
    make = _native.trace_program
    times = []

    def timed(*args: Any) -> Any:
        start = time.process_time()
        if times:
            signal.setitimer(signal.ITIMER_PROF, 0.3 * times[0])
        try:
            return make(*args)
        finally:
            times.append(time.process_time() - start)

    monkeypatch.setattr(_native, "trace_program", timed)
    f = compile(lambda x: long_chain(x, 600_000))
    expected = compile(lambda x: long_chain(x, 600_000))(0.5)
    assert times[0] > 0.04, "too little work to tell"
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: f(0.5), 1000.0)
    assert times[1] < 0.8 * times[0]
    monkeypatch.undo()
    assert f(0.5) == expected


def test_rows_of_a_long_function_and_their_totals():
    xs = np.linspace(0.0, 1.0, 1024)  # one piece, which was not cut
    total = compile(vmap(lambda x: sines(x, 60_000), reduce="sum"))
    require_early_end(lambda: total(xs))


def test_rows_of_a_long_function_in_threads():
    xs = np.linspace(0.0, 1.0, 2048)
    f = compile(vmap(lambda x: sines(x, 60_000), threads=2))
    before = set(threading.enumerate())
    require_early_end(lambda: f(xs).tobytes())
    assert set(threading.enumerate()) <= before


def overlapping(n: int, width: int) -> Pattern:
    columns = (np.arange(n)[:, None] // 2 + np.arange(width)).ravel()
    return Pattern((n, n), np.arange(n + 1) * width, columns)


def test_colours_of_columns():
    by_row = overlapping(4000, 200)
    by_column = by_row.transposed()
    require_early_end(lambda: colour_columns(by_row, by_column).used)


def test_colours_of_a_symmetric_pattern():
    n = 4000
    choose = np.random.default_rng(1)
    full = choose.random((n, n)) < 0.01
    full |= full.T
    rows, columns = np.nonzero(full)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    pattern = Pattern((n, n), starts, columns)
    require_early_end(lambda: colour_symmetric(pattern).used)


def test_a_pattern_of_many_joins():
    n = 3000

    def f(x: Any) -> Any:
        v = x[0]
        for _ in range(20):
            for a in x:
                v = (v * a).sin()
        return v

    program = compile(grad(f))
    program(np.linspace(0.1, 1.0, n))
    (path,) = program.store.paths()

    def work() -> int:
        out = ffi.new("pg_pattern **")
        found = lib.pg_program_pattern(path.program, 0, n, n, 2**31 - 1, out)
        if found == -2:
            _native.raise_interrupt()
        assert found == 1
        count = int(out[0].count)
        lib.pg_pattern_free(out[0])
        return count

    require_early_end(work)


def test_what_a_handler_raises_is_what_comes_out():
    class Enough(Exception):
        pass

    def handler(*_: Any) -> None:
        raise Enough("of it")

    signal.signal(signal.SIGPROF, handler)
    by_row = overlapping(4000, 200)
    by_column = by_row.transposed()
    with pytest.raises(Enough, match="of it"):
        interrupted(
            lambda: [colour_columns(by_row, by_column) for _ in itertools.repeat(None, 100)], 0.05
        )


def test_a_handler_that_raises_nothing_stops_nothing():
    ran: list[int] = []
    signal.signal(signal.SIGPROF, lambda *_: ran.append(1))
    by_row = overlapping(4000, 200)
    by_column = by_row.transposed()
    expected = colour_columns(by_row, by_column)
    signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
    found = colour_columns(by_row, by_column)
    signal.setitimer(signal.ITIMER_PROF, 0)
    assert ran
    assert (found.used, found.of.tolist()) == (expected.used, expected.of.tolist())
