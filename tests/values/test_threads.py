"""Threads: each with leaves of its own, all reading shared parameters, agree with serial bit for bit;
no_grad is a thread's own; misuse gives exceptions or odd numbers, never a crash."""

from __future__ import annotations

import gc
import random
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

THREADS = 16


@pytest.fixture(autouse=True)
def fast_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def run_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """work(0), ..., work(count - 1) at the same time; their results, or the first exception."""
    results: list[Any] = [None] * count
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(i: int) -> None:
        try:
            barrier.wait()
            results[i] = work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def own_work(impl: ModuleType, shared: list[Any], i: int) -> list[str]:
    """Builds and sweeps graphs on leaves of its own; shared Values enter as numbers read anew."""
    rng = random.Random(i)
    bits: list[str] = []
    for _ in range(6):
        weights = [impl.Value(p.data * rng.uniform(-1.0, 1.0)) for p in shared]
        v = impl.Value(rng.uniform(-1.0, 1.0), label=f"{i}")
        nodes = [*weights, v]
        for _ in range(25):
            a, b = rng.choice(nodes), rng.choice(nodes)
            kind = rng.randrange(5)
            if kind == 0:
                v = impl.dot([a, b, 0.5], [b, v, a], v)
            elif kind == 1:
                v = (a * b + 0.25).tanh()
            elif kind == 2:
                v = impl.sum([a, b, v]) / 3.0
            elif kind == 3:
                v = a - b / 7.0
            else:
                out = impl.Value(a.data * 2.0, (a, b), "closure")

                def rule(a: Any = a, b: Any = b, out: Any = out) -> None:
                    a.grad += 2.0 * out.grad
                    b.grad += 0.0

                out._backward = rule
                v = out
            nodes.append(v)
        v.backward()
        bits += [f"{n.data.hex()} {n.grad.hex()}" for n in nodes]
    return bits


def test_threads_with_leaves_of_their_own_agree_with_serial(impl):
    shared = [impl.Value(0.1 * i) for i in range(8)]
    serial = [own_work(impl, shared, i) for i in range(THREADS)]
    for _ in range(3):
        assert run_threads(lambda i: own_work(impl, shared, i)) == serial


def test_threads_that_use_shared_parameters_as_operands(impl):
    """They read shared Values as operands; each node's local derivatives are as in serial."""
    shared = [impl.Value(0.1 * i) for i in range(8)]

    def work(i: int) -> list[Any]:
        rng = random.Random(i)
        bits = []
        for _ in range(200):
            a, b = rng.choice(shared), rng.choice(shared)
            v = impl.dot([a, b], [b, a], impl.Value(rng.random())) * a
            bits.append((v.data.hex(), v.local_derivatives, v._children[0].local_derivatives))
        return bits

    serial = [work(i) for i in range(THREADS)]
    assert run_threads(work) == serial
    assert [p.grad for p in shared] == [0.0] * 8


def test_many_operations_at_once_leave_no_node_behind():
    from pygrad import Value
    from pygrad._core import lib

    while gc.collect():  # what earlier tests left: a collection may release what the next one finds
        pass
    start = lib.pg_live_nodes()
    shared = [Value(float(i)) for i in range(4)]

    def work(i: int, shared: list[Any] = shared) -> float:
        total = 0.0
        for k in range(300):
            v = shared[k % 4] * float(i) + shared[i % 4]
            v.label = f"{i}"
            v.tag = [v] if k % 50 == 0 else None
            total += (v * v).data
        return total

    run_threads(work)
    del shared, work
    gc.collect()
    assert lib.pg_live_nodes() == start


def test_no_grad_is_a_threads_own(impl):
    inside = threading.Barrier(2)
    x = impl.Value(2.0)

    def work(i: int) -> tuple[int, ...]:
        if i == 0:
            with impl.no_grad():
                inside.wait()
                first = len((x * 3.0)._children)
                inside.wait()
            inside.wait()
            return first, len((x * 3.0)._children)
        inside.wait()
        first = len((x * 3.0)._children)
        inside.wait()
        inside.wait()
        return first, len((x * 3.0)._children)

    assert run_threads(work, 2) == [(0, 2), (2, 2)]


def test_a_thread_that_ends_inside_no_grad_takes_it_along(impl):
    def work(_: int) -> None:
        impl.no_grad().__enter__()

    run_threads(work, 4)
    assert len((impl.Value(2.0) * 3.0)._children) == 2
    assert run_threads(lambda _: len((impl.Value(2.0) * 3.0)._children), 2) == [2, 2]


def test_nested_sweeps_belong_to_their_thread(impl):
    """While one thread is in a closure, another one's sweep and writes are not its journal's business."""
    in_closure, swept = threading.Event(), threading.Event()
    x, other = impl.Value(1.0), impl.Value(1.0)
    root = impl.Value(1.0, (x,), "custom")

    def rule() -> None:
        in_closure.set()
        assert swept.wait(10)
        x.grad += 1.0
        raise ZeroDivisionError

    root._backward = rule

    def work(i: int) -> None:
        if i == 0:
            with pytest.raises(ZeroDivisionError):
                root.backward()
        else:
            assert in_closure.wait(10)
            (other * 3.0).backward()
            other.grad += 4.0
            swept.set()

    run_threads(work, 2)
    assert (x.grad, root.grad) == (0.0, 0.0)
    assert other.grad == 7.0  # the failure in the first thread undoes nothing of the second's


def test_overlapping_sweeps_of_one_graph_are_refused_or_right(impl):
    """A closure gives other threads the floor; meanwhile the graph's inner nodes are taken."""
    in_closure, refused = threading.Event(), threading.Event()
    x = impl.Value(1.0)
    inner = x * 2.0
    root = impl.Value(1.0, (inner,), "custom")

    def rule() -> None:
        in_closure.set()
        assert refused.wait(10)
        inner.grad += root.grad

    root._backward = rule

    def work(i: int) -> None:
        if i == 0:
            root.backward()
            return
        assert in_closure.wait(10)
        try:
            for target in (root, inner, inner + 1.0):
                with pytest.raises(RuntimeError):
                    target.backward()
        finally:
            refused.set()

    run_threads(work, 2)
    assert (inner.grad, x.grad) == (1.0, 2.0)


def test_misuse_from_many_threads_does_not_crash(impl):
    """All threads sweep, write, attach and drop parts of one graph. Numbers may be anything."""
    x = impl.Value(1.0)
    layers = [x]
    for _ in range(20):
        layers.append(layers[-1] * 0.5 + x)

    def custom(v: Any) -> Any:
        out = impl.Value(v.data, (v,), "custom")

        def rule() -> None:
            v.grad += out.grad

        out._backward = rule
        return out

    shared = {"v": custom(layers[-1])}

    def work(i: int) -> int:
        rng = random.Random(i)
        refused = 0
        for k in range(150):
            try:
                kind = rng.randrange(7)
                if kind == 0:
                    shared["v"].backward()
                elif kind == 1:
                    rng.choice(layers).backward()
                elif kind == 2:
                    impl.zero_grad(shared["v"])
                elif kind == 3:
                    shared["v"] = custom(rng.choice(layers) * 1.0)
                elif kind == 4:
                    rng.choice(layers).label = f"{i} {k}"
                elif kind == 5:
                    rng.choice(layers).tag = [shared["v"]]
                else:
                    with impl.no_grad():
                        rng.choice(layers)._backward()
            except RuntimeError:
                refused += 1
        return refused

    run_threads(work)
    for v in layers:
        v.grad = 0.0
    layers[1].backward()  # and afterwards all is well
    assert (layers[1].grad, x.grad) == (1.0, 1.5)
