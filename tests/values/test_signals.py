"""Signals during a long sweep: Ctrl-C arrives soon, .grad is all or nothing, the same call then works;
a handler may run code of its own, sweeps included."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygrad import Value, zero_grad
from pygrad import sum as pg_sum
from pygrad._core import lib

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers"),
    pytest.mark.skipif(
        "asan" in os.environ.get("LD_PRELOAD", ""), reason="measures time; sanitizers are slow"
    ),
]

LENGTH = 1_000_000
SOON = 0.050  # seconds


@pytest.fixture(scope="module")
def chain() -> list[Value]:
    """First, middle and last node of a long chain."""
    nodes = [Value(1.0)]
    v = nodes[0]
    for i in range(LENGTH):
        v = v + 1.0
        if i in (LENGTH // 2, LENGTH - 1):
            nodes.append(v)
    return nodes


@contextlib.contextmanager
def alarm(after: float, handler: Callable[..., Any], of: str = "REAL") -> Iterator[None]:
    """handler runs on a signal so many seconds from now; of: "PROF" for those of the processor."""
    number = signal.SIGALRM if of == "REAL" else signal.SIGPROF
    timer = getattr(signal, f"ITIMER_{of}")
    old = signal.signal(number, handler)
    try:
        signal.setitimer(timer, after)
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, old)


def state(nodes: list[Value]) -> list[float]:
    return [v.grad for v in nodes]


def seconds_of(call: Callable[[], Any]) -> float:
    """Of the processor, which other work on the machine does not lengthen."""
    start = time.process_time()
    call()
    return time.process_time() - start


def interrupted(nodes: list[Value], call: Callable[[], Any], after: float) -> tuple[bool, float]:
    """Whether Ctrl-C ended the call early, and how late it came out. grads: all or nothing."""
    before = [0.125, 0.25, 0.5]
    for v, grad in zip(nodes, before, strict=True):
        v.grad = grad
    done = False
    late = 0.0
    try:
        due = time.process_time() + after
        with alarm(after, signal.default_int_handler, of="PROF"):
            call()
            done = True
            while time.process_time() < due + 5.0:
                pass
            pytest.fail("no signal came")
    except KeyboardInterrupt:
        late = time.process_time() - due
    assert lib.pg_live_nodes() > LENGTH
    if done:
        return False, 0.0
    return state(nodes) == before, late


@pytest.mark.parametrize("part", range(10))
def test_ctrl_c_during_a_long_sweep(chain, part):
    root = chain[-1]
    root.backward()
    took = min(seconds_of(root.backward) for _ in range(3))
    latest = []
    for _ in range(12):  # the clock of a process ticks every few milliseconds
        restored, late = interrupted(chain, root.backward, took * (0.05 + 0.09 * part))
        if not restored and late == 0.0:
            continue  # this time the call had ended before
        if not restored:
            # It came between the end of the sweep and the next line of Python: all, then.
            assert state(chain) == [1.125, 1.0, 1.0]
        latest.append(late)
        if late < SOON:
            break
    assert min(latest, default=0.0) < SOON
    for v in chain:
        v.grad = 0.0
    root.backward()
    assert state(chain) == [1.0, 1.0, 1.0]


def test_ctrl_c_is_noticed_inside_the_sweep_at_all(chain):
    """So that the test above cannot pass by never interrupting."""
    root = chain[-1]
    took = min(seconds_of(root.backward) for _ in range(3))
    restored = [interrupted(chain, root.backward, took * 0.05 * k)[0] for k in range(1, 16)]
    assert any(restored)


def test_ctrl_c_during_zero_grad(chain):
    root = chain[-1]
    took = min(seconds_of(lambda: zero_grad(root)) for _ in range(3))
    for part in (0.2, 0.5, 0.8):
        restored, _ = interrupted(chain, lambda: zero_grad(root), took * part)
        assert restored or state(chain) == [0.0, 0.0, 0.0]
    zero_grad(root)
    assert state(chain) == [0.0, 0.0, 0.0]


def test_ctrl_c_in_a_closure_and_in_the_sweep_around_it():
    x = Value(1.0)
    v = x
    for _ in range(300):
        out = Value(v.data, (v,), "slow")

        def rule(v: Value = v, out: Value = out) -> None:
            time.sleep(0.0005)
            v.grad += out.grad

        out._backward = rule
        v = out
    x.grad = 0.5
    with pytest.raises(KeyboardInterrupt), alarm(0.03, signal.default_int_handler):
        v.backward()
    assert (x.grad, v.grad) == (0.5, 0.0)
    v.backward()
    assert (x.grad, v.grad) == (1.5, 1.0)


@pytest.mark.parametrize("after", [0.1, 0.3, 0.6, 0.9])
def test_a_handler_may_build_and_sweep_a_graph_of_its_own(chain, after):
    root = chain[-1]
    took = min(seconds_of(root.backward) for _ in range(3))
    zero_grad(root)
    ran: list[float] = []

    def handler(*_: Any) -> None:
        y = Value(3.0)
        inner = y * y
        out = Value(0.0, (inner,), "custom")
        out._backward = lambda: setattr(inner, "grad", inner.grad + out.grad)
        pg_sum([out, y]).backward()
        zero_grad([out])
        ran.append(y.grad)

    with alarm(took * after, handler, of="PROF"):
        root.backward()
        wait_for(ran)
    assert ran == [7.0]
    assert state(chain) == [1.0, 1.0, 1.0]


def test_a_handler_that_sweeps_the_same_graph_is_refused_and_harms_nothing(chain):
    root = chain[-1]
    took = min(seconds_of(root.backward) for _ in range(3))
    zero_grad(root)
    refused: list[str] = []

    def handler(*_: Any) -> None:
        try:
            chain[1].backward()
        except RuntimeError as error:
            refused.append(str(error))
        else:
            refused.append("not refused")

    for attempt in range(40):  # until it comes once the sort is past the middle, and not too late
        refused.clear()
        zero_grad(root)
        with alarm(took * (0.2 + 0.05 * attempt), handler, of="PROF"):
            root.backward()
            wait_for(refused)
        if refused != ["not refused"]:  # then it came after the sweep
            break
    assert "backward()" in refused[0]
    assert state(chain) == [1.0, 1.0, 1.0]


def test_grads_that_a_handler_writes_are_undone_if_it_raises(chain):
    root, other = chain[-1], Value(1.0)
    other.grad = 4.0
    took = min(seconds_of(root.backward) for _ in range(3))

    def handler(*_: Any) -> None:
        other.grad = 5.0
        (other * 2.0).backward()
        raise KeyboardInterrupt

    undone = 0
    for attempt in range(40):
        other.grad = 4.0
        before = state(chain)
        finished = False
        try:
            with alarm(took * (0.3 + 0.03 * attempt), handler, of="PROF"):
                root.backward()
                finished = True
                end = time.process_time() + took + 1.0
                while time.process_time() < end:
                    pass
        except KeyboardInterrupt:
            pass
        if not finished and other.grad == 4.0:
            assert state(chain) == before
            undone += 1
            break
        assert other.grad == 7.0  # it came while sorting, or after the sweep: nothing to undo
    assert undone


def wait_for(ran: list[Any]) -> None:
    end = time.process_time() + 5.0
    while not ran and time.process_time() < end:
        pass


PROGRAM = """
import signal, sys
from pygrad import Value
signal.signal(signal.SIGINT, signal.default_int_handler)
x = Value(1.0)
root = x
for _ in range(300_000):
    root = root + 1.0
root.backward()
count = 0.0
print("ready", flush=True)
try:
    while True:
        root.backward()
        count += 1.0
except KeyboardInterrupt:
    done = x.grad - 1.0
    assert done in (count, count + 1.0), (done, count)
    root.backward()
    assert x.grad == done + 2.0
    print("interrupted", flush=True)
"""


def test_a_real_ctrl_c(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        watchdog.cancel()
        process.kill()
    assert (out, err) == ("interrupted\n", "")


def test_ctrl_c_is_noticed_between_closures_that_are_c_functions():
    x = Value(1.0)
    v = x
    ran = []
    for i in range(300):
        for closure in (functools.partial(time.sleep, 0.001), functools.partial(ran.append, i)):
            v = Value(v.data, (v,), "slow")
            v._backward = closure
    with pytest.raises(KeyboardInterrupt), alarm(0.02, signal.default_int_handler):
        v.backward()
    assert 0 < len(ran) < 300
    assert v.grad == 0.0
