"""What an attack on compiled functions found: cases that once gave a wrong value or a bad error."""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pygrad import Value, _native, grad, hessian, jacobian, value_and_grad, vmap
from pygrad import compile as compile_


def test_a_trace_that_ends_leaves_those_of_other_threads_alone() -> None:
    midway, go_on = threading.Event(), threading.Event()

    def slow(x: Any) -> Any:
        y = x * 2.0
        midway.set()
        assert go_on.wait(20)
        return y + 1.0

    compiled = compile_(slow)
    thread = threading.Thread(target=compiled, args=(1.0,))
    thread.start()
    assert midway.wait(20)
    kept: list[Any] = []
    compile_(lambda x: kept.append(x * 2) or x)(3.0)
    go_on.set()
    thread.join()
    assert compiled(10.0) == 21.0
    assert compiled.programs[0]["lives"] == 0


def test_what_a_trace_leaves_behind_is_live_also_where_something_else_was_freed() -> None:
    kept = {"w": Value(1.0)}

    def init(x: Any) -> Any:
        kept["w"] = Value(5.0)  # the one before goes: there are as many nodes as before
        return x * 1.5

    compile_(init)(1.0)
    product = compile_(lambda x: kept["w"] * x)
    assert product(1.0) == 5.0
    kept["w"].data = 100.0
    assert product(1.0) == 100.0
    assert product.backward(np.ones(2)) == 100.0
    assert kept["w"].grad == 1.0


@pytest.mark.parametrize("rows", [1, 48, 64, 100, 10_000])
def test_totals_lose_no_digit_where_rows_cancel_what_is_the_same_for_all(rows: int) -> None:
    x = 1e9 + np.random.default_rng(0).normal(size=rows) * 1e-6
    mean = vmap(lambda c, x: c + x, in_axes=(None, 0), reduce="mean")
    assert mean(-1e9, x) == pytest.approx(np.mean(x - 1e9), rel=1e-12)
    square = vmap(lambda c, x: c + x * x, in_axes=(None, 0), reduce="sum")
    assert square(-1e18, x) == pytest.approx(np.sum(x * x - 1e18), rel=1e-12)
    far = vmap(lambda c, x: c + x, in_axes=(None, 0), reduce="sum")
    assert far(1e308, np.full(rows, -1e308)) == 0.0
    slope = grad(vmap(lambda p, q, x: q * p + x * p - q * p, in_axes=(None, None, 0), reduce="sum"))
    assert slope(2.0, -1e154, np.ones(rows)) == 0.0


def test_totals_of_products_and_a_uniform_number_leave_out_rows_of_other_paths() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        return w * x + w * w if x > 0 else w * 0.5

    x = np.random.default_rng(1).normal(size=300)
    compile_(f).backward(x, reduce="sum")
    expected = sum((v + 6.0) if v > 0 else 0.5 for v in x)
    assert w.grad == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_rows_whose_dicts_have_another_order_are_refused(reduce: str | None) -> None:
    def f(x: Any) -> Any:
        return {"a": x, "b": x * 10} if x > 0 else {"b": x * 10, "a": x}

    with pytest.raises(TypeError, match=r"for one row and .* for another, with other keys or in"):
        vmap(f, reduce=reduce)([Value(1.0), Value(-2.0)])
    with pytest.raises(TypeError, match=r"for one row and .* for another, with other keys or in"):
        vmap(f, reduce=reduce)([1.0, -2.0])


def test_a_dict_of_the_callers_is_not_kept() -> None:
    double = compile_(
        lambda d: (
            {k: v * 2 for k, v in d.items()} if d["a"] > 0 else {k: v * 3 for k, v in d.items()}
        )
    )
    first = OrderedDict(a=1.0)
    assert double(first) == {"a": 2.0}
    first["b"] = 7.0
    assert double(OrderedDict(a=-1.0)) == {"a": -3.0}


def test_a_list_of_arrays_is_no_flat_list() -> None:
    f = compile_(lambda x: x[0] * 2 if not hasattr(x[0], "shape") else x[0][0] * 3)
    assert f([1.0]) == 2.0
    assert f([np.array([1.0])]) == 3.0


def test_a_buffer_of_a_hessian_that_sweeps_rows_is_refused() -> None:
    def rosenbrock(x: Any) -> Any:
        return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))

    with pytest.raises(TypeError, match="sweeps many directions"):
        compile_(hessian(rosenbrock)).buffer(np.arange(300.0))


def test_the_programs_of_a_mapped_function_are_bounded() -> None:
    f = compile_(vmap(lambda xs, y: xs[0] * y, in_axes=(None, 0)))
    rows = np.arange(3.0)
    for n in range(1, 65):
        f([1.0] * n, rows)
    with pytest.warns(RuntimeWarning, match="many structures"):
        f([1.0] * 65, rows)
    assert len(f.store.row_programs()) == 64


def test_unaligned_arrays_are_copied_and_refused_as_results() -> None:
    raw = np.zeros(81, dtype=np.uint8)[1:].view(np.float64)
    raw[:] = np.arange(10.0)
    assert vmap(lambda x: x * 2)(raw).tolist() == (np.arange(10.0) * 2).tolist()
    with pytest.raises(ValueError, match="aligned"):
        vmap(lambda x: x * 2)(np.arange(10.0), out=raw)


def test_lists_of_numpys_scalars_are_columns() -> None:
    assert vmap(lambda x: x * 2)(list(np.arange(3))).tolist() == [0.0, 2.0, 4.0]
    assert jacobian(lambda x: vmap(lambda v: v * v)(x))(np.arange(2.0)).tolist() == [[0, 0], [0, 2]]


def test_an_end_of_another_trace_ends_nothing() -> None:
    seen: list[bool] = []

    def f(x: Any) -> Any:
        with (
            _native.Traced() as other,
            pytest.raises(RuntimeError, match="tracing a function already"),
        ):
            other.begin((1.0,))
        seen.append(_native.trace_active())
        return x * 2

    assert compile_(f)(1.0) == 2.0
    assert seen == [True]
    assert not _native.trace_active()
    with _native.Traced():  # which never began
        pass
    assert compile_(value_and_grad(f))(3.0) == (6.0, 2.0)
