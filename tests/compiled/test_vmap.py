"""vmap: every row gets what the function gives for it; and compiled.backward over rows."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, grad, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import lib

COUNTS = [1, 2, 63, 64, 65, 127, 1023, 1024, 1025, 5000, 32769]
Pair = namedtuple("Pair", "a b")


@pytest.fixture
def lanes() -> Iterator[None]:
    yield
    lib.pg_choose_lanes(2)


def split(x: Any, y: Any) -> Any:
    """Branches; the next is the same in NumPy."""
    if x * x + y * y < 4:
        return x * y if x > y else x - y
    return x / (y * y + 1)


def split_rows(x: Any, y: Any) -> Any:
    inside = x * x + y * y < 4
    return np.where(inside, np.where(x > y, x * y, x - y), x / (y * y + 1))


# -- rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_rows(count: int) -> None:
    x = np.linspace(-2, 2, count)
    y = x[::-1]
    wanted = split_rows(x, y)
    result = vmap(split)(x, y)
    assert result.dtype == np.float64
    assert np.array_equal(result, wanted)
    assert vmap(split, reduce="sum")(x, y) == pytest.approx(wanted.sum(), rel=1e-12, abs=1e-9)
    assert vmap(split, reduce="mean")(x, y) == pytest.approx(wanted.mean(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("count", [1, 64, 1025, 5000])
def test_results_depend_on_neither_threads_nor_lanes(count: int, lanes: None) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, count))

    def f(w: Any, x: Any, y: Any) -> Any:
        return pm.tanh(w * x) * split(x, y) + pm.exp(-y * y)

    def everything(threads: int) -> list[Any]:
        rows = vmap(f, (None, 0, 0), threads=threads)(0.7, x, y)
        total = vmap(f, (None, 0, 0), reduce="sum", threads=threads)(0.7, x, y)
        both = value_and_grad(vmap(f, (None, 0, 0), reduce="mean", threads=threads))(0.7, x, y)
        slopes = vmap(grad(f, (0, 1, 2)), (None, 0, 0), threads=threads)(0.7, x, y)
        return [*rows.tolist(), total, *both, *np.ravel(slopes).tolist()]

    lib.pg_choose_lanes(2)
    wanted = everything(1)
    for level in (0, 1, 2):
        lib.pg_choose_lanes(level)
        for threads in (1, 2, 3):
            assert everything(threads) == wanted


def test_in_axes() -> None:
    a = np.arange(12.0).reshape(3, 4)
    total = lambda r: pygrad.sum(list(r))  # noqa: E731
    assert np.array_equal(vmap(total)(a), a.sum(axis=1))
    assert np.array_equal(vmap(total, in_axes=1)(a), a.sum(axis=0))
    assert np.array_equal(vmap(total, in_axes=-1)(a), a.sum(axis=0))
    assert np.array_equal(vmap(total, in_axes=(1,))(a), a.sum(axis=0))
    assert np.array_equal(vmap(total, in_axes=[1])(a), a.sum(axis=0))
    f = vmap(lambda w, r, k: w[0] * r[0] + k["a"] * w[1], in_axes=(None, 1, None))
    assert np.array_equal(f([2.0, 3.0], a, {"a": 10}), 2 * a[0] + 30)
    b = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(vmap(lambda m: m * 2, in_axes=2)(b), np.moveaxis(b, 2, 0) * 2)


def test_nested_rows_and_results() -> None:
    x, y = np.arange(3.0), np.arange(6.0).reshape(3, 2)

    def f(p: Any, q: Any) -> Any:
        return {"s": p["a"] * q[0] + q[1].sum(), "v": [p["a"], q[1]], "c": 7}

    result = vmap(f)({"a": x}, (x + 1, y))
    assert np.array_equal(result["s"], x * (x + 1) + y.sum(axis=1))
    assert np.array_equal(result["v"][0], x)
    assert np.array_equal(result["v"][1], y)
    assert np.array_equal(result["c"], [7.0] * 3)
    swapped = vmap(lambda p: Pair(p.b, p.a))(Pair(x, x + 1))
    assert isinstance(swapped, Pair)
    assert np.array_equal(swapped.a, x + 1)
    grid = vmap(lambda x: np.array([[x, 1.0], [2.0, x * x]]))(x)
    assert grid.shape == (3, 2, 2)
    assert np.array_equal(grid[2], [[2.0, 1.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[::2],
        lambda a: a[::-1],
        lambda a: np.asfortranarray(a),
        lambda a: a.astype(np.float32),
        lambda a: a.astype(int),
        lambda a: a.astype(">f8"),
        lambda a: a > 5,
        lambda a: a.tolist() and np.array(a.tolist()),
        lambda a: np.broadcast_to(a[0], (5, 2)),
    ],
)
def test_arrays_of_any_layout_and_real_dtype(change: Callable[[Any], Any]) -> None:
    a = change(np.arange(20.0).reshape(10, 2))
    if isinstance(a, np.ndarray):
        a.flags.writeable = False
    result = vmap(lambda r: r[0] - 2 * r[1])(a)
    assert np.array_equal(result, a[:, 0].astype(float) - 2 * a[:, 1].astype(float))


def test_results_share_no_memory_with_arguments() -> None:
    x = np.arange(3.0)
    a, b = vmap(lambda x: (x, x))(x)
    a[0] = 9.0
    assert x.tolist() == b.tolist() == [0.0, 1.0, 2.0]


def test_constants_and_captured_values_as_results() -> None:
    w = Value(4.0)
    x = np.ones(70)
    assert vmap(lambda x: 3)(x).tolist() == [3.0] * 70
    assert vmap(lambda x: w)(x).tolist() == [4.0] * 70
    assert vmap(lambda x: w * w, reduce="sum")(x) == 1120.0
    assert vmap(lambda x: 2.0, reduce="mean")(np.ones(1025)) == 2.0
    assert vmap(lambda x: [])(x) == []
    assert vmap(lambda r: pygrad.sum(list(r)))(np.ones((3, 0))).tolist() == [0.0] * 3
    w.data = 5.0
    assert vmap(lambda x: w)(x).tolist() == [5.0] * 70


# -- bad arrays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.array([1j]), TypeError),
        (np.array(["a"]), TypeError),
        (np.array([None]), TypeError),
        (np.array([1], dtype="M8[s]"), TypeError),
        (None, TypeError),
        (5.0, ValueError),
        (np.array(5.0), ValueError),
        (np.empty(0), ValueError),
        (np.empty((0, 3)), ValueError),
        (np.ma.masked_array([1.0, 2.0], mask=[False, True]), TypeError),
    ],
)
def test_bad_rows(bad: Any, error: type[Exception]) -> None:
    for call in (
        vmap(lambda x: x),
        vmap(lambda x: x, reduce="sum"),
        compile_(lambda x: x).backward,
    ):
        with pytest.raises(error):
            call(bad)


def test_mismatched_rows_are_named() -> None:
    with pytest.raises(ValueError, match=r"argument 1 .* 4 rows, .* 3"):
        vmap(lambda x, y: x + y)(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="rows"):
        vmap(lambda p: p["a"] + p["b"])({"a": np.ones(3), "b": np.ones(2)})


@pytest.mark.parametrize("axes", [5, -3, (0, 0), (None,), None, (), 1.5, "ab"])
def test_bad_in_axes(axes: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        vmap(lambda x: x.sum(), in_axes=axes)(np.ones((3, 2)))
    assert "in_axes" in str(caught.value) or "axes" in str(caught.value)


def test_bad_options() -> None:
    for wrong in ({"reduce": "max"}, {"errors": "no"}, {"threads": 0}, {"threads": 1.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            vmap(lambda x: x, **wrong)
    with pytest.raises(TypeError):
        vmap(3)


def test_rows_must_agree_on_what_is_returned() -> None:
    x = np.array([1.0, -1.0])
    for f in (
        lambda x: x if x > 0 else [x],
        lambda x: [x, x] if x > 0 else [x],
        lambda x: [x, x] if x > 0 else x,
    ):
        for reduce in (None, "sum", "mean"):
            with pytest.raises(TypeError):
                vmap(f, reduce=reduce)(x)


# -- out -------------------------------------------------------------------------------------------


def test_out() -> None:
    x = np.arange(5.0)
    for out in (np.empty((5, 1)), np.empty(5)):
        assert vmap(lambda x: x * 2)(x, out=out) is out
        assert np.array_equal(out.ravel(), x * 2)
    table = np.empty((5, 2))
    assert vmap(lambda x: (x, x * x))(x, out=table) is table
    assert np.array_equal(table, np.column_stack([x, x * x]))
    compiled = compile_(vmap(lambda x: x + 1))
    out = np.empty(5)
    assert compiled(x, out=out) is out
    assert np.array_equal(out, x + 1)


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.empty(2), ValueError),
        (np.empty((3, 2)), ValueError),
        (np.empty((1, 3)), ValueError),
        (np.empty(3, dtype=np.float32), TypeError),
        (np.empty(3, dtype=object), TypeError),
        ([0.0] * 3, TypeError),
        (np.empty(6)[::2], ValueError),
        (np.broadcast_to(np.zeros(1), (3,)), ValueError),
    ],
)
def test_bad_out(out: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="out"):
        vmap(lambda x: x)(np.ones(3), out=out)


def test_out_that_overlaps_an_argument() -> None:
    def f(x: Any) -> Any:
        return x * 2 if x > 0 else x - 1

    x = np.linspace(-3, 3, 2000)
    wanted = vmap(f)(x)
    same = x.copy()
    vmap(f)(same, out=same)
    assert np.array_equal(same, wanted)
    for threads in (1, 2):
        both = np.concatenate([x, [0.0]])
        vmap(f, threads=threads)(both[:-1], out=both[1:])
        assert np.array_equal(both[1:], wanted)


def test_out_is_not_forgotten() -> None:
    """Where there is nothing to write to it, that is said."""
    out = np.zeros(3)
    with pytest.raises((TypeError, ValueError)):
        vmap(lambda x: x, reduce="sum")(np.ones(3), out=out)
    with pytest.raises((TypeError, ValueError)):
        grad(lambda a: pygrad.sum(list(vmap(lambda x: a * x)(np.ones(3), out=out))))(1.0)


# -- numbers that are none -------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_one_report_a_call(reduce: str | None) -> None:
    def f(x: Any) -> Any:
        return 1 / x if x < 3 else pm.exp(x)

    x = np.array([0.0, 1.0, 1000.0, -1.0])
    quiet = vmap(f, reduce=reduce, errors="ignore")(x)
    assert np.array_equal(quiet, [math.inf, 1.0, math.inf, -1.0] if reduce is None else math.inf)
    with pytest.warns(RuntimeWarning, match="finite") as caught:
        vmap(f, reduce=reduce)(x)
    assert len(caught) == 1
    with pytest.raises(FloatingPointError):
        vmap(f, reduce=reduce, errors="raise")(x)


def test_the_report_names_the_users_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vmap(pm.log)(np.array([-1.0]))
        vmap(pm.log, reduce="sum")(np.array([-1.0]))
        compile_(vmap(pm.log))(np.array([-1.0]))
        compile_(lambda x: pm.log(x)).backward(np.array([-1.0]))
    assert [w.filename for w in caught] == [__file__] * 4


def test_inf_and_nan_that_were_given_are_not_reported() -> None:
    result = vmap(lambda x: x * 2)(np.array([math.inf, math.nan, 1.0]))
    assert np.array_equal(result, [math.inf, math.nan, 2.0], equal_nan=True)


def test_a_bad_row_does_not_spoil_others() -> None:
    x = np.array([-1.0, 0.0, 1.0] * 50)
    result = vmap(lambda x: pm.log(x), errors="ignore")(x)
    assert np.array_equal(result, [math.nan, -math.inf, 0.0] * 50, equal_nan=True)
    # Rows that leave the path where log(x) is nan add nothing to its total.
    total = vmap(lambda x: pm.log(x) if x > 0 else x, reduce="sum")(x)
    assert total == -50.0


def test_a_branch_not_taken_is_silent() -> None:
    w = Value(1.0)
    f = lambda x: pm.where(pm.maximum(x, 0.0), pm.log(x) * w, w)  # noqa: E731
    x = np.array([0.0, 1.0, 2.0] * 30)
    assert compile_(f).backward(x, reduce="sum") == pytest.approx(30 * (1 + math.log(2)))
    assert w.grad == pytest.approx(30 * (1 + math.log(2)))
    slopes = vmap(grad(f))(x)
    assert np.array_equal(slopes, [0.0, 1.0, 0.5] * 30)


# -- threads and signals ---------------------------------------------------------------------------


def test_threads_call_one_compiled_map() -> None:
    f = compile_(vmap(lambda x: sum([x * i if x > i else x for i in range(6)])))
    x = np.linspace(-1, 8, 2000)
    wanted = vmap(f.f.f)(x)
    wrong: list[Any] = []

    def run() -> None:
        for _ in range(10):
            try:
                if not np.array_equal(f(x), wanted):
                    wrong.append("differs")
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="measures time")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_in_a_long_run(threads: int) -> None:
    # Three times as long as the signal waits where lanes are at their fastest, on as many cores.
    def heavy(x: Any) -> Any:
        for _ in range(1000):
            x = pm.tanh(x * 1.01 + 0.1)
        return x

    f = compile_(vmap(heavy, threads=threads))
    wanted = f(np.ones(3))
    rows = np.ones(1_000_000 * threads)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        began = time.process_time()  # which other work on the machine does not lengthen
        with pytest.raises(KeyboardInterrupt):
            f(rows)
        assert time.process_time() - began < 0.4 * threads
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert np.array_equal(f(np.ones(3)), wanted)
