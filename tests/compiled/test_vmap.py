"""vmap: every row gets what the function gives for it; and compiled.backward over rows."""

from __future__ import annotations

import functools
import math
import os
import random
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
from pygrad import Value, grad, hessian, hvp, jacfwd, jacobian, jvp, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import lib
from pygrad.nn import MLP

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


# -- composition -----------------------------------------------------------------------------------


def smooth(x: Any) -> Any:
    return x[0] ** 2 * pm.sin(x[1]) if x[0] > 0 else pm.exp(x[0] * x[1])


@pytest.mark.parametrize(
    "transform",
    [
        grad,
        value_and_grad,
        hessian,
        jacfwd,
        lambda f: jacobian(lambda x: [f(x), x[0] * x[1]]),
        lambda f: lambda x: hvp(f, x, x * 2),
        lambda f: lambda x: jvp(f, (x,), (x * 2,)),
    ],
)
def test_vmap_of_a_transform(transform: Any) -> None:
    rows = np.random.default_rng(2).normal(size=(20, 2))
    one = transform(smooth)
    for mapped in (vmap(one), compile_(vmap(one)), vmap(compile_(one))):
        got = mapped(rows)
        for k, row in enumerate(rows):
            wanted = one(row)
            parts = (
                zip(got, wanted, strict=True)
                if isinstance(wanted, (tuple, list))
                else [(got, wanted)]
            )
            for g, w in parts:
                np.testing.assert_allclose(g[k], w, rtol=1e-13, atol=1e-15)


def loss(w: Any, x: Any, y: Any) -> Any:
    z = w[0] * x + w[1]
    return (z - y) ** 2 if z > 0 else pm.tanh(z) * w[2]


def data(count: int = 200) -> tuple[Any, Any]:
    return tuple(np.random.default_rng(3).normal(size=(2, count)))


def test_gradients_of_a_reduced_map() -> None:
    x, y = data()
    w = np.array([0.5, -0.2, 1.5])

    def plain(w: Any) -> Any:
        return pygrad.sum(
            [loss(w, a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        ) / len(x)

    value, slope = value_and_grad(plain)(w)
    mean = vmap(loss, in_axes=(None, 0, 0), reduce="mean")
    for f in (value_and_grad(mean), compile_(value_and_grad(mean))):
        got, by = f(w, x, y)
        assert got == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(by, slope, rtol=1e-12)
    assert np.allclose(jacobian(mean)(w, x, y), slope, rtol=1e-12)
    assert np.allclose(jacfwd(mean)(w, x, y), slope, rtol=1e-12)
    np.testing.assert_allclose(compile_(grad(mean))(list(w), x, y), slope, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda w: 3 * mean(w, x, y) + w[0])(w), 3 * slope + [1, 0, 0])


def test_second_derivatives_of_a_reduced_map() -> None:
    x, y = data(50)
    w = np.array([0.5, -0.2, 1.5])

    def plain(w: Any) -> Any:
        return pygrad.sum(
            [loss(w, a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        ) / len(x)

    mean = vmap(loss, in_axes=(None, 0, 0), reduce="mean")
    wanted = hessian(plain)(w)
    np.testing.assert_allclose(hessian(mean)(w, x, y), wanted, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(compile_(hessian(mean))(w, x, y), wanted, rtol=1e-11, atol=1e-13)
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(hvp(lambda w: mean(w, x, y), w, v), wanted @ v, rtol=1e-11)


def test_derivatives_by_rows() -> None:
    x = np.array([1.0, 2.0])
    product = vmap(lambda w, x: w * x * x, in_axes=(None, 0), reduce="sum")
    assert grad(product, argnums=1)(2.0, x).tolist() == [4.0, 8.0]
    assert np.array_equal(jacobian(vmap(lambda x: x * x))(x), np.diag(2 * x))


def test_compiled_map_is_traced_once() -> None:
    calls = []

    def counted(w: Any, x: Any, y: Any) -> Any:
        calls.append(1)
        return loss(w, x, y)

    x, y = data()
    step = compile_(value_and_grad(vmap(counted, in_axes=(None, 0, 0), reduce="mean")))
    w = np.array([0.5, -0.2, 1.5])
    for _ in range(5):
        _, slope = step(w, x, y)
        w = w - 0.1 * slope
    assert len(calls) == 2  # two paths
    step(w, x[:7], y[:7])
    assert len(calls) == 2
    plain = vmap(counted, in_axes=(None, 0, 0))
    plain(w, x, y)
    plain(w, x, y)
    assert len(calls) == 6  # a plain one traces at each call


def test_a_plain_map_sees_what_has_changed() -> None:
    k = [1.0]
    f = vmap(lambda x: k[0] * x)
    assert f(np.ones(2)).tolist() == [1.0, 1.0]
    k[0] = 2.0
    assert f(np.ones(2)).tolist() == [2.0, 2.0]


def test_a_map_made_within_a_compiled_wrapper() -> None:
    @functools.wraps(vmap(lambda x: x))
    def f(x: Any, k: float) -> Any:
        return vmap(lambda x: k * x)(x)

    compiled = compile_(f)
    assert [compiled(np.ones(1), float(k))[0] for k in range(50)] == list(range(50))


def test_maps_within_maps() -> None:
    a = np.arange(6.0).reshape(2, 3)
    square = lambda x: x * x  # noqa: E731
    assert np.array_equal(vmap(vmap(square))(a), a * a)
    assert np.array_equal(vmap(lambda r: vmap(square)(r))(a), a * a)
    assert np.array_equal(vmap(vmap(square, reduce="sum"))(a), (a * a).sum(axis=1))
    outer = vmap(vmap(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))
    assert np.array_equal(
        outer(np.arange(2.0), np.arange(3.0)), np.outer(np.arange(2), np.arange(3))
    )


def test_maps_within_compiled_functions() -> None:
    x = np.array([1.0, 2.0, 3.0])

    def f(w: Any) -> Any:
        rows = vmap(lambda w, x: (w * x).tanh() + x.exp(), in_axes=(None, 0))(w, x)
        return rows.sum() + vmap(lambda x: w * x, reduce="mean")(x)

    wanted = sum(math.tanh(0.5 * t) + math.exp(t) for t in x) + 1.0
    assert compile_(f)(0.5) == pytest.approx(wanted)
    assert grad(f)(0.5) == pytest.approx(compile_(grad(f))(0.5), rel=1e-13)


def test_captured_values_of_an_enclosing_transform() -> None:
    x = np.array([-1.0, 2.0, 3.0])

    def rows(a: Any) -> Any:
        return pygrad.sum(list(vmap(lambda x: a * a * x)(x)))

    def total(a: Any) -> Any:
        return vmap(lambda x: a * a * x, reduce="sum")(x)

    def slopes(a: Any) -> Any:
        return pygrad.sum(list(vmap(grad(lambda x: a * a * x))(x)))

    assert (grad(rows)(3.0), grad(total)(3.0), grad(slopes)(3.0)) == (24.0, 24.0, 18.0)
    assert (grad(grad(rows))(3.0), grad(grad(slopes))(3.0)) == (8.0, 6.0)
    assert grad(grad(total))(3.0) == 8.0


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_captured_value_of_an_enclosing_transform_on_a_later_path(reduce: str | None) -> None:
    x = np.array([-1.0, 2.0, 3.0])  # the first row does not use a

    def f(a: Any) -> Any:
        result = vmap(lambda x: x if x < 0 else a * x, reduce=reduce)(x)
        return result if reduce else pygrad.sum(list(result))

    assert grad(f)(3.0) == 5.0
    assert jacfwd(f)(3.0) == 5.0


def test_rows_of_plain_numbers_beside_values() -> None:
    """However rows are run, the function sees Values, and NumPy's rules for inf and nan."""
    x = np.array([1.0, 2.0])
    assert grad(lambda s: pygrad.sum(list(vmap(lambda x: s * x.exp())(x))))(1.0) == pytest.approx(
        np.exp(x).sum()
    )
    result = vmap(lambda w, x: w.exp() * x, in_axes=(None, 0))(0.5, [Value(1.0), Value(2.0)])
    assert [v.data for v in result] == pytest.approx([math.exp(0.5), 2 * math.exp(0.5)])
    pair = Pair(np.ones(2), np.ones(2))
    assert grad(lambda s: vmap(lambda p: s * p.a + p.b)(pair).sum())(1.0) == 2.0
    assert grad(lambda s: vmap(lambda p: s * p["x"])({"x": np.ones(2)}).sum())(1.0) == 2.0


def test_values_as_rows_and_as_shared_arguments() -> None:
    w = Value(2.0)
    x = np.array([1.0, 2.0])
    total = vmap(lambda w, x: w * x, in_axes=(None, 0), reduce="sum")(w, x)
    total.backward()
    assert (total.data, w.grad) == (6.0, 3.0)
    row = vmap(lambda w, x: w * x, in_axes=(None, 0))(w, x)
    row[1].backward()
    assert (row[1].data, w.grad) == (4.0, 5.0)
    values = np.array([Value(1.0), Value(2.0)], dtype=object)
    squares = vmap(lambda x: x * x)(values)
    pygrad.sum(list(squares)).backward()
    assert [v.grad for v in values] == [2.0, 4.0]


# -- loops on every row ----------------------------------------------------------------------------


def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


def bisection(a: Any) -> Any:
    low, high = 0.0, a + 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if middle * middle > a:
            high = middle
        else:
            low = middle
    return low + (high - low) / 2


def barrier(s: Any, u: Any) -> Any:
    p = s
    for k in range(10):
        p = p * (1 + 0.1 * (u * k - (u * k) * (u * k) * (u * k) / 6 + s))
        if p < 0.9 * s:
            return 0.0 * s
    return max(p - s, 0.0)


def test_newton_to_tolerance() -> None:
    a = np.linspace(0.1, 1000, 3000)
    roots, slopes = vmap(value_and_grad(newton))(a)
    np.testing.assert_allclose(roots, np.sqrt(a), rtol=1e-12)
    for k in range(0, 3000, 50):
        assert (roots[k], slopes[k]) == value_and_grad(newton)(a[k])


def test_bisection() -> None:
    a = np.random.default_rng(4).uniform(0, 4, size=40)
    got = vmap(bisection)(a)
    assert got.tolist() == [bisection(Value(x)).data for x in a]


def test_barrier_option() -> None:
    rng = np.random.default_rng(5)
    s, u = rng.uniform(0.5, 2, 500), rng.uniform(-1, 1, 500)
    values, slopes = vmap(value_and_grad(barrier))(s, u)
    wanted = [value_and_grad(barrier)(a, b) for a, b in zip(s, u, strict=True)]
    assert values.tolist() == [w for w, _ in wanted]
    assert slopes.tolist() == [d for _, d in wanted]
    assert 50 < np.count_nonzero(values) < 450


def test_too_many_paths() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > 1:
            x = x - 1
            n += 1
        return x + n

    x = np.arange(400.0) + 0.5
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = vmap(f)(x)
        total = vmap(f, reduce="sum")(x)
    assert np.array_equal(result, x)
    assert total == pytest.approx(x.sum())
    assert len(caught) == 2
    assert {w.category for w in caught} == {RuntimeWarning}


def test_guards_of_shared_and_of_row_numbers() -> None:
    w = Value(1.0)

    def f(x: Any) -> Any:
        return (1.0 if x > 0 else 2.0) + (10.0 if w > 0 else 20.0) + (100.0 if x > 5 else 200.0)

    g = compile_(vmap(f))
    x = np.array([1.0, -1.0, 7.0])
    for w.data in (1.0, -1.0, 1.0, -1.0):
        for rows in (x, -x, x[::-1]):
            assert g(rows).tolist() == [f(Value(v)) for v in rows]


# -- compiled.backward -----------------------------------------------------------------------------


def test_backward_adds_to_grads() -> None:
    w = Value(2.0)
    f = compile_(lambda x, y: (w * x - y) ** 2)
    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert (f.backward(x, y), w.grad) == (1.0, -3.0)
    assert (f.backward(x, y, reduce="sum"), w.grad) == (2.0, -9.0)
    assert type(f.backward(x, y)) is float


def test_backward_by_branch() -> None:
    w, u = Value(1.0), Value(2.0)
    f = compile_(lambda x: w * x if x > 0 else u * x)
    assert f.backward(np.array([1.0, -2.0, 3.0]), reduce="sum") == 0.0
    assert (w.grad, u.grad) == (4.0, -2.0)


def test_backward_through_captured_inner_nodes() -> None:
    a = Value(2.0)
    b = a * a
    mine = Value(5.0, (a,), "mine")
    mine._backward = lambda: setattr(a, "grad", a.grad + 10 * mine.grad)
    f = compile_(lambda x: b * x + a + mine * x)
    assert f.backward(np.array([1.0, 2.0, 3.0]), reduce="sum") == 4 * 6 + 6 + 30
    assert a.grad == 4 * 6 + 3 + 10 * 6


def test_backward_with_shared_arguments() -> None:
    w = Value(3.0)
    f = compile_(lambda k, x: w * k * x.sum())
    assert f.backward(2.0, np.ones((4, 3)), in_axes=(None, 1), reduce="sum") == 72.0
    assert w.grad == 24.0
    k = Value(2.0)
    assert f.backward(k, np.ones((4, 3)), in_axes=(None, 1), reduce="mean") == 24.0
    assert (w.grad, k.grad) == (32.0, 12.0)


def test_backward_without_captured_values_and_within_no_grad() -> None:
    assert compile_(lambda x: x * x).backward(np.array([1.0, 3.0])) == 5.0
    w = Value(1.0)
    with pygrad.no_grad():
        assert compile_(lambda x: w * x).backward(np.ones(3)) == 1.0
    assert w.grad == 0.0


def test_backward_needs_one_result_and_a_reduction() -> None:
    with pytest.raises(TypeError, match="one"):
        compile_(lambda x: [x, x]).backward(np.ones(2))
    with pytest.raises(ValueError, match="reduce"):
        compile_(lambda x: x).backward(np.ones(2), reduce=None)


def test_a_training_loop_is_the_eager_one() -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(30, 2))
    labels = np.sign(points[:, 0] * points[:, 1])

    def train(step: Callable[[Any, Any], float]) -> tuple[list[float], list[float]]:
        random.seed(7)
        model = MLP(2, [6, 6, 1])
        losses = []
        run = step(model, lambda x, t: pm.relu(1 - t * model(x)))
        for _ in range(15):
            for p in model.parameters():
                p.grad = 0.0
            losses.append(run())
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return losses, [p.data for p in model.parameters()]

    def eager(model: Any, loss: Any) -> Any:
        def run() -> float:
            total = pygrad.sum(
                [loss(list(x), t) for x, t in zip(points.tolist(), labels.tolist(), strict=True)]
            )
            mean = total * (1 / len(points))
            mean.backward()
            return mean.data

        return run

    def compiled(model: Any, loss: Any) -> Any:
        f = compile_(loss)
        return lambda: f.backward(points, labels)

    for got, wanted in zip(train(compiled), train(eager), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


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
    def heavy(x: Any) -> Any:
        for _ in range(300):
            x = pm.tanh(x * 1.01 + 0.1)
        return x

    f = compile_(vmap(heavy, threads=threads))
    wanted = f(np.ones(3))
    rows = np.ones(600_000)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            f(rows)
        assert time.perf_counter() - began < 0.4
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert np.array_equal(f(np.ones(3)), wanted)
