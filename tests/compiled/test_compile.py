"""compile: a program that gives what the function gives, traced once for each path through it."""

from __future__ import annotations

import functools
import math
import random
import time
import warnings
from collections import namedtuple
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from branching import branching
from exported import flat

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    value_and_grad,
    vmap,
)
from pygrad import _native as core
from pygrad import compile as compile_
from pygrad._core import lib

Pair = namedtuple("Pair", "a b")


def paths_of(compiled: Any) -> list[Any]:
    programs = compiled.store.calls
    return [path for program in programs if program is not None for path in program.paths.all]


# -- called like the function ----------------------------------------------------------------------


def test_floats_ints_and_numpy_scalars() -> None:
    f = compile_(lambda x, y: x * y + 1)
    for x, y in [(2.0, 3.0), (2, 3), (np.float32(2), np.int64(3)), (np.array(2.0), Fraction(3))]:
        result = f(x, y)
        assert type(result) is float
        assert result == 7.0
    assert len(f.programs) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::2, ::-1],
        lambda a: a.astype(np.float32),
        lambda a: a.astype(int),
        lambda a: a.astype(">f8"),
        lambda a: a > 3,
        np.asfortranarray,
        lambda a: a[:0],
    ],
)
def test_arrays_of_any_layout_and_real_dtype(change: Callable[[Any], Any]) -> None:
    array = change(np.arange(12.0).reshape(3, 4))
    array.flags.writeable = False
    result = compile_(lambda a: a * 2)(array)
    assert result.dtype == np.float64
    assert np.array_equal(result, array.astype(float) * 2)


def test_nested_arguments_and_results() -> None:
    f = compile_(lambda p: {"s": p["a"] + p["b"][0], "t": (p["b"][1], [p["a"]]), "n": 3})
    assert f({"a": 1.0, "b": [2.0, 3.0]}) == {"s": 3.0, "t": (3.0, [1.0]), "n": 3.0}
    assert f({"b": [2.0, 3.0], "a": 1.0}) == {"s": 3.0, "t": (3.0, [1.0]), "n": 3.0}
    assert compile_(lambda p: Pair(p.b, p.a))(Pair(1.0, 2.0)) == Pair(2.0, 1.0)
    assert compile_(lambda x: [])(1.0) == []
    assert compile_(lambda: 3)() == 3.0
    assert compile_(lambda a: pygrad.sum(list(a)))(np.array([])) == 0.0


def test_results_are_fresh() -> None:
    f = compile_(lambda a: (a, a))
    x = np.ones(3)
    first = f(x)
    second = f(x)
    first[0][:] = 9.0
    assert first[1].tolist() == second[0].tolist() == x.tolist() == [1.0, 1.0, 1.0]


def test_numpy_functions_on_arrays_of_values() -> None:
    a = np.array([0.1, 0.5, -0.3])
    f = compile_(lambda a: np.tanh(a).sum() + a.mean() + np.dot(a, a) + np.max(a))
    assert f(a) == pytest.approx(np.tanh(a).sum() + a.mean() + a @ a + a.max(), rel=1e-14)


def test_as_decorator_with_and_without_options() -> None:
    @compile_
    def f(x: Any) -> Any:
        """Doc."""
        return x + 1

    @compile_(static_argnums=(1,))
    def g(x: Any, n: int) -> Any:
        for _ in range(n):
            x = x * 2
        return x

    assert (f(1.0), f.__name__, f.__doc__) == (2.0, "f", "Doc.")
    assert (g(1.0, 3), g(1.0, 4)) == (8.0, 16.0)


def test_as_decorator_of_a_method() -> None:
    class Model:
        def __init__(self, w: float) -> None:
            self.w = Value(w)

        @compile_
        def predict(self, x: Any) -> Any:
            return self.w * x

    assert (Model(2.0).predict(3.0), Model(5.0).predict(3.0)) == (6.0, 15.0)


def test_what_has_no_name() -> None:
    class Callable_:
        def __call__(self, x: Any) -> Any:
            return x * 2 if x > 0 else x

    def scaled(k: float, x: Any) -> Any:
        return k * x

    w = Value(2.0)
    for f in (functools.partial(scaled, 2.0), Callable_(), functools.partial(scaled, w)):
        compiled = compile_(f)
        assert compiled(3.0) == 6.0
        assert compiled.backward(np.array([1.0, 2.0]), reduce="sum") == 6.0
        assert compile_(f, verify=True)(3.0) == 6.0
        assert vmap(f)(np.ones(2)).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("bad", [3, "f", [len]])
def test_what_is_no_function(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"compile\(\) takes a function"):
        compile_(bad)


@pytest.mark.parametrize("bad", [1j, np.array([1j]), np.ma.masked_array([1.0], mask=[True])])
def test_arguments_that_are_no_numbers(bad: Any) -> None:
    with pytest.raises(TypeError):
        compile_(lambda x: x * 2)([bad])
    with pytest.raises(OverflowError):
        compile_(lambda x: x)(10**400)


def test_a_result_that_is_no_number() -> None:
    with pytest.raises(TypeError, match="the result must be"):
        compile_(lambda x: None)(1.0)


# -- traced once, branches followed ----------------------------------------------------------------


def test_traced_once_for_each_path() -> None:
    calls = []

    @compile_
    def f(x: Any) -> Any:
        calls.append(1)
        return x * 2 if x > 0 else -x

    assert [f(x) for x in (1.0, 2.0, -1.0, -2.0, 3.0)] == [2.0, 4.0, 1.0, 2.0, 6.0]
    assert len(calls) == len(f.programs) == 2
    assert f(np.array([1.0])[0]) == 2.0
    assert len(calls) == 2


def test_programs_lists_sizes_of_paths() -> None:
    w = Value(2.0)
    f = compile_(lambda x: w * x if x > 0 else x)
    assert f.programs == []
    f(1.0)
    f(-1.0)
    assert [p["lives"] for p in f.programs] == [1, 0]
    assert [p["guards"] for p in f.programs] == [1, 1]
    mapped = compile_(vmap(lambda x: x * 2 if x > 0 else x))
    mapped(np.array([1.0, -1.0]))
    assert len(mapped.programs) == 2
    trained = compile_(lambda x: w * x)
    trained.backward(np.ones(3))
    assert len(trained.programs) == 1


def test_two_conditions_make_four_paths() -> None:
    f = compile_(lambda x, y: (1 if x > 0 else 2) + (10 if y > 0 else 20))
    assert [f(x, y) for x in (1.0, -1.0) for y in (1.0, -1.0)] == [11, 21, 12, 22]
    assert [f(x, y) for x in (1.0, -1.0) for y in (1.0, -1.0)] == [11, 21, 12, 22]
    assert len(f.programs) == 4


def test_nan_takes_a_path_of_its_own() -> None:
    f = compile_(lambda x: 1 if x > 0 else (2 if x <= 0 else 3))
    assert [f(x) for x in (1.0, -1.0, math.nan, 0.0, -0.0)] == [1, 2, 3, 2, 2]


def test_equality_with_numbers_and_truth() -> None:
    f = compile_(lambda x: 1 if x == 0 else (2 if x != 1 else 3))
    assert [f(x) for x in (0.0, 1.0, 2.0, -0.0, math.nan)] == [1, 3, 2, 1, 2]
    g = compile_(lambda x: 1 if x else 2)
    assert [g(x) for x in (0.0, 1.0, -0.0, math.nan)] == [2, 1, 2, 1]
    h = compile_(lambda x, y: 1 if (not x and y) or x > y else 2)
    assert [h(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)] == [2, 1, 1, 2]


def test_max_min_abs_sorted() -> None:
    f = grad(lambda x, y: max(x, y, 1.0) * min(x, y) + abs(x), (0, 1))
    g = compile_(f)
    for p in [(1.0, 2.0), (2.0, 1.0), (0.5, 0.7), (-1.0, -1.0), (1.0, 1.0), (0.0, -0.0)]:
        assert g(*p) == f(*p)
    s = compile_(lambda a: sorted(a))
    for a in ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [2.0, 1.0, 2.0]):
        assert s(a) == sorted(a)


def test_loops_with_trip_counts() -> None:
    @compile_
    def root(a: Any) -> Any:
        x = a
        while abs(x * x - a) > 1e-12 * a:
            x = (x + a / x) / 2
        return x

    rng = random.Random(1)
    for a in [*range(1, 30), *(rng.uniform(0.001, 1e6) for _ in range(100))]:
        assert root(float(a)) == pytest.approx(math.sqrt(a), rel=1e-12)
    assert grad(root)(4.0) == pytest.approx(0.25)
    assert compile_(grad(root.f))(4.0) == grad(root.f)(4.0)


def test_a_long_loop() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > 0 and n < 20_000:
            x = x + 1
            n += 1
        return x

    g = compile_(f)
    assert (g(1.0), g(2.5), g(-1.0)) == (20_001.0, 20_002.5, -1.0)


def test_comparisons_with_other_numbers() -> None:
    third = 1 / 3
    f = compile_(lambda x: 1 if x < Fraction(1, 3) else 0)
    assert f(third) == (1 if Value(third) < Fraction(1, 3) else 0)
    assert compile_(lambda x: 1 if np.float64(2.0) > x else 0)(1.0) == 1


def test_too_many_paths_warn_once_and_are_right() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > 1:
            x = x - 1
            n += 1
        return x.exp() + n

    g = compile_(f)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = [g(i + 0.5) for i in range(300)]
    assert results == pytest.approx([math.exp(0.5) + i for i in range(300)])
    assert [w.category for w in caught] == [RuntimeWarning]
    assert caught[0].filename == __file__
    assert all(type(r) is float for r in results)


def test_too_many_paths_of_arrays_and_captured_values() -> None:
    w = Value(2.0)

    def f(a: Any) -> Any:
        n = 0
        while a[0] > n:
            n += 1
        return [w * n, a]

    g = compile_(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(300):
            product, same = g(np.array([float(i), 1.0]))
            assert product == 2.0 * i
            assert type(product) is float
            assert same.dtype == np.float64


def test_structures_are_bounded_with_a_warning() -> None:
    f = compile_(lambda x, n: x * n, static_argnums=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [f(2.0, n) for n in range(100)] == [2.0 * n for n in range(100)]
    assert caught
    assert all(w.filename == __file__ for w in caught)
    assert len(f.programs) <= 64


# -- static arguments ------------------------------------------------------------------------------


def test_arguments_that_are_no_numbers_are_static() -> None:
    f = compile_(lambda x, how: x * 2 if how == "twice" else x)
    assert (f(1.0, "twice"), f(1.0, "once"), f(1.0, how="twice"), f(1.0, None)) == (2, 1, 2, 1)
    with pytest.raises(TypeError, match="hashed"):
        compile_(lambda x, a: x * a[0], static_argnums=1)(1.0, [2.0])


def test_equal_static_arguments_of_different_types_are_different() -> None:
    f = compile_(lambda x, s: x * 2 if isinstance(s, int) else x, static_argnums=1)
    assert (f(1.0, 1), f(1.0, 1.0)) == (2.0, 1.0)
    g = compile_(lambda x, s: x * 2 if s is True else x)
    assert (g(1.0, s=1), g(1.0, s=True), g(1.0, True)) == (1.0, 2.0, 2.0)
    h = compile_(lambda x, s: math.copysign(1.0, s) * x, static_argnums=1)
    assert (h(1.0, 0.0), h(1.0, -0.0)) == (1.0, -1.0)
    k = compile_(lambda x, s: x / s)
    assert (k(1.0, s=0.0), k(1.0, s=-0.0)) == (math.inf, -math.inf)


def test_negative_static_argnums() -> None:
    assert compile_(lambda x, n: x**n, static_argnums=-1)(2.0, 3) == 8.0


def test_keyword_arguments() -> None:
    f = compile_(lambda x, k=1.0, *, flag=False: -x if flag else x * k)
    assert (f(2.0), f(2.0, k=3.0), f(2.0, flag=True), f(2.0, 4.0)) == (2.0, 6.0, -2.0, 8.0)
    # A Value given by name is differentiated by, too.
    assert grad(lambda w: f(2.0, k=w))(3.0) == 2.0


# -- programs --------------------------------------------------------------------------------------


def some_functions() -> list[tuple[Callable[..., Any], list[tuple[float, ...]]]]:
    w = Value(1.25)
    f = branching(w)
    points = [(0.1, 0.2), (3.0, 1.0), (-2.0, 0.5), (0.0, -0.0), (1e-300, 1e300)]
    return [
        (f, points),
        (grad(f, (0, 1)), points),
        (lambda x, y: hessian(lambda p: f(p[0], p[1]))([x, y]), points),
        (lambda x, y: [x, x, y, 3.0, w, x * w, pygrad.sum([x * y, x, w, y * w], x)], points),
        (lambda x, y: pygrad.dot([x, y, 1.0, w], [y, x, x, w], x * y) + x * y, points),
        (lambda x, y: [x * y + x * y, (x * y + y * w) + (x + x), x * 1.0 + y**2 + y**3], points),
    ]


def test_every_program_is_sound() -> None:
    for f, points in some_functions():
        compiled = compile_(f)
        for point in points:
            compiled(*point)
        for path in paths_of(compiled):
            assert lib.pg_program_verify(path.program) == 1
        mapped = compile_(f)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            vmap(f)(*np.array(points).T)
        del mapped


def test_optimised_and_unoptimised_programs_agree_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def bits(tree: Any) -> list[str]:
        return ["nan" if math.isnan(x) else x.hex() for x in flat(tree)]

    def everything() -> list[list[str]]:
        results = []
        for f, points in some_functions():
            compiled = compile_(f)
            results += [bits(compiled(*p)) for p in points]
            results.append(bits(vmap(f, errors="ignore")(*np.array(points * 15).T)))
        return results

    optimised = everything()
    original = core.trace_program
    monkeypatch.setattr(
        core,
        "trace_program",
        lambda outputs, rows, totals, _: original(outputs, rows, totals, False),
    )
    assert everything() == optimised


def test_a_large_program_takes_time_in_proportion() -> None:
    def seconds(n: int) -> float:
        def f(x: Any) -> Any:
            y = x
            for _ in range(n):
                y = y * 1.0000001 + x
            return y

        began = time.process_time()
        compile_(f)(1.0)
        return time.process_time() - began

    small, large = (min(seconds(n) for _ in range(3)) for n in (5_000, 100_000))
    assert large < 20 * 5 * small


def _with_many_paths(w: Value) -> Callable[[Any], Any]:
    """A function of x that takes about one path for each whole number below x."""

    def f(x: Any) -> Any:
        total = w * x
        for i in range(400):
            if x < i:
                break
            total = total + w * 0.001
        return total

    return f


def test_backward_and_gradients_over_rows_of_too_many_paths_run_row_by_row() -> None:
    rows = np.arange(400.0)
    w = Value(1.5)
    compiled = compile_(_with_many_paths(w))
    with pytest.warns(RuntimeWarning, match="different paths"):
        loss = compiled.backward(rows)
    eager_w = Value(1.5)
    f = _with_many_paths(eager_w)
    eager = sum(f(float(x)) for x in rows) / 400
    eager.backward()
    assert loss == pytest.approx(eager.data, rel=1e-13)
    assert w.grad == pytest.approx(eager_w.grad, rel=1e-13)
    mean = vmap(lambda k, x: k * f(x), in_axes=(None, 0), reduce="mean")
    with pytest.warns(RuntimeWarning, match="different paths"):
        value, slope = compile_(value_and_grad(mean))(2.0, rows)
    assert value == pytest.approx(2 * eager.data, rel=1e-13)
    assert slope == pytest.approx(eager.data, rel=1e-13)
