"""In a map a row for which an operation has no result is nan, whatever the operation; it ends no map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, jacobian, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm

inf, nan = math.inf, math.nan


def each(f: Any, *columns: Any, **how: Any) -> list[float]:
    return vmap(f, errors="ignore", **how)(*map(np.array, columns)).tolist()


ROWS = [
    (pm.fmod, [1.0, 2.0, inf, 5.0], [1.0, 0.0, 1.0, 3.0], [0.0, nan, nan, 2.0]),
    (pm.remainder, [1.0, 2.0, -inf, 5.0], [1.0, 0.0, 1.0, 3.0], [0.0, nan, nan, -1.0]),
    (lambda x, y: x % y, [1.0, 2.0, inf, 5.0], [1.0, 0.0, 1.0, 3.0], [0.0, nan, nan, 2.0]),
    (lambda x, y: pm.ldexp(x, 1000) * y, [1.0, 1e300], [1e-301, 1.0], [2.0**1000 * 1e-301, inf]),
    (lambda x, y: int(x) * y, [1.5, nan, inf, -2.5], [3.0] * 4, [3.0, nan, nan, -6.0]),
    (lambda x, y: math.floor(x) * y, [1.5, nan, inf, -2.5], [3.0] * 4, [3.0, nan, inf, -9.0]),
]


@pytest.mark.parametrize(("f", "x", "y", "wanted"), ROWS)
def test_one_bad_row_ends_no_map(
    f: Any, x: list[float], y: list[float], wanted: list[float]
) -> None:
    assert repr(each(f, x, y)) == repr(wanted)
    assert repr(each(f, x[::-1], y[::-1])) == repr(wanted[::-1])  # the bad ones first
    assert repr(compile_(vmap(f, errors="ignore"))(np.array(x), np.array(y)).tolist()) == repr(
        wanted
    )
    for row, z in zip(zip(x, y, strict=True), wanted, strict=True):
        if math.isfinite(z):
            assert each(grad(f), *zip(row, strict=True)) == [grad(f)(*row)]
    total = vmap(f, reduce="sum", errors="ignore")(np.array(x), np.array(y))
    assert repr(float(total)) == repr(float(np.sum(wanted)))


def test_a_result_that_is_missing_of_finite_numbers_is_reported() -> None:
    f = lambda x: int(1e200 * x * 1e200) + x  # noqa: E731
    with pytest.warns(RuntimeWarning, match="in 1 results"):
        assert repr(vmap(f)(np.array([0.0, 1.0, 0.0])).tolist()) == "[0.0, nan, 0.0]"
    with pytest.raises(FloatingPointError, match="in 1 results"):
        vmap(f, errors="raise")(np.array([0.0, 1.0]))
    slopes = jacobian(vmap(lambda x: x * int(x), errors="ignore"))(np.array([1.5, nan]))
    # As of vmap(grad(f)), and no warning
    assert repr(slopes.tolist()) == "[[1.0, 0.0], [0.0, nan]]"
    rows = [Value(0.0), Value(1.0), Value(0.0)]
    with pytest.warns(RuntimeWarning, match="in 1 results"):
        y = vmap(f)(rows)
    assert repr([v.data for v in y]) == "[0.0, nan, 0.0]"
    y[0].backward()
    assert rows[0].grad == 1.0


def test_results_of_any_structure_and_totals_by_shared_arguments() -> None:
    f = lambda x: {"n": float(int(x)) * x, "rest": [x - int(x), x]}  # noqa: E731
    found = vmap(f, errors="ignore")(np.array([nan, 2.5, inf]))
    assert repr(found["n"].tolist()) == "[nan, 5.0, nan]"
    assert (
        repr([column.tolist() for column in found["rest"]]) == "[[nan, 0.5, nan], [nan, 2.5, nan]]"
    )
    loss = vmap(lambda w, x: w * int(x), (None, 0), reduce="mean", errors="ignore")
    assert value_and_grad(loss)(2.0, np.array([1.0, 3.0])) == (4.0, 2.0)
    bad = value_and_grad(loss)(2.0, np.array([1.0, nan]))
    assert repr(bad) == "(nan, nan)"
    w = Value(2.0)
    step = compile_(lambda x: w * int(x))
    assert step.backward(np.array([1.0, 3.0])) == 4.0
    assert repr(step.backward(np.array([1.0, nan]))) == "nan"


def test_where_no_row_has_results_the_first_ones_error_is_raised() -> None:
    for rows in (np.array([nan, inf]), [Value(nan), Value(inf)]):
        with pytest.raises((ValueError, OverflowError), match="int needs a finite x"):
            vmap(lambda x: x * int(x))(rows)


def test_rows_that_are_missing_may_come_first_in_any_number() -> None:
    rows = np.append(np.full(5000, nan), [2.5, 3.5])
    found = vmap(lambda x: x * int(x), errors="ignore")(rows)
    assert np.isnan(found[:5000]).all()
    assert found[5000:].tolist() == [5.0, 10.5]


def test_one_call_raises_what_floats_raise() -> None:
    f = compile_(lambda x: x * int(x))
    assert f(2.5) == 5.0
    for x, kind in [(nan, ValueError), (inf, OverflowError)]:
        with pytest.raises(kind, match=rf"int needs a finite x, not {x}"):
            f(x)


def test_errors_of_the_function_itself_end_the_map() -> None:
    with pytest.raises(IndexError):
        vmap(lambda x: x * [1.0, 2.0][int(x)])(np.array([0.0, 5.0]))


def test_a_handler_decides_as_in_eager_code() -> None:
    def f(x: Any) -> Any:
        try:
            return pm.fmod(x, x - 2.0) + int(x)
        except ValueError:
            return -x

    x = [1.5, 2.0, nan, 5.0, inf]
    eager = [float(getattr(v, "data", v)) for v in map(f, map(Value, x[:4]))]
    assert repr(each(f, x[:4])) == repr(eager)
    assert compile_(f)(2.0) == -2.0
    assert compile_(grad(f))(2.0) == -1.0


def test_rows_in_a_larger_trace() -> None:
    f = compile_(lambda x: vmap(lambda x: x * int(x), errors="ignore")(x))
    assert repr(f(np.array([1.5, nan])).tolist()) == "[1.5, nan]"
    assert f(np.array([1.5, 2.0])).tolist() == [1.5, 4.0]
