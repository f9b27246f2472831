"""Where nothing is compiled any more results are still a program's: inf and nan, and one report a call."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, Value, grad, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.programs.worth import MOST_PATHS, forget_verdicts


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    forget_verdicts()


WAYS = np.arange(MOST_PATHS + 44.0)
ROWS = np.append(WAYS, [-0.25, -0.5, -0.75])  # 1 / 0, log(0), exp(1000)


def many_ways(x: Any) -> Any:
    """A way for each number, and three that raise outside programs."""
    if x == -0.25:
        return 1.0 / (x + 0.25)
    if x == -0.5:
        return pm.log(x + 0.5)
    if x == -0.75:
        return pm.exp(-x * 2000.0)
    for k in range(len(WAYS)):
        if x < k + 0.5:
            return x * (k + 1.0)
    return x


def quietly(call: Callable[..., Any], *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args)


WANTED = [*(WAYS * (WAYS + 1.0)).tolist(), math.inf, -math.inf, math.inf]


def test_after_too_many_ways_a_row_that_raises_gives_inf() -> None:
    with pytest.warns(RuntimeWarning) as record:
        assert vmap(many_ways)(ROWS).tolist() == WANTED
    messages = [str(w.message) for w in record]
    assert ["different paths" in messages[0], "in 3 results" in messages[1]] == [True, True]
    assert len(messages) == 2
    out = np.zeros(len(ROWS))
    quietly(lambda: compile_(vmap(many_ways))(ROWS, out=out))
    assert out.tolist() == WANTED


def test_errors_says_what_becomes_of_it() -> None:
    with pytest.warns(RuntimeWarning, match="different paths") as record:
        vmap(many_ways, errors="ignore")(ROWS)
    assert len(record) == 1
    with pytest.raises(FloatingPointError, match="in 3 results"):  # what was said is said once
        vmap(many_ways, errors="raise")(ROWS)


def test_totals_and_slopes_are_those_of_programs() -> None:
    def f(w: Any, x: Any) -> Any:
        return many_ways(x) if x >= 0 else 1.0 / w

    rows = np.append(WAYS, -1.0)
    mapped = vmap(f, in_axes=(None, 0), reduce="sum")
    assert quietly(mapped, 0.0, rows) == math.inf
    value, slope = quietly(value_and_grad(mapped), 0.0, rows)
    assert (value, slope) == (math.inf, -math.inf)
    assert quietly(compile_(value_and_grad(mapped)), 0.0, rows) == (math.inf, -math.inf)
    w = Value(0.0)
    assert quietly(compile_(lambda x: f(w, x)).backward, rows) == math.inf
    assert w.grad == -math.inf


def test_rows_that_are_values_too() -> None:
    x = [Value(2.0), Value(0.0), Value(4.0)]
    with pytest.warns(RuntimeWarning, match="in 1 results"):
        y = vmap(lambda x: 1.0 / x)(x)
    assert [v.data for v in y] == [0.5, math.inf, 0.25]
    y[2].backward()
    assert [v.grad for v in x] == [0.0, 0.0, -0.0625]


def test_a_compiled_function_with_too_many_ways_gives_what_its_programs_gave() -> None:
    f = compile_(many_ways)
    with pytest.warns(RuntimeWarning, match="different paths"):
        for x in WAYS:
            f(float(x))
    assert [f(x) for x in (-0.25, -0.5, -0.75, 3.0)] == [math.inf, -math.inf, math.inf, 12.0]


def test_verify_compares_inf_with_inf() -> None:
    for f, x in [(lambda x: 1.0 / x, 0.0), (pm.log, 0.0), (pm.exp, 1e6), (pm.sqrt, -1.0)]:
        checked, plain = compile_(f, verify=True), compile_(f)
        assert repr(checked(x)) == repr(plain(x))
        slope = compile_(value_and_grad(f), verify=True)
        assert repr(slope(x)) == repr(compile_(value_and_grad(f))(x))


def test_verify_still_finds_out_what_has_changed() -> None:
    scale = [1.0]
    f = compile_(lambda x: scale[0] / x, verify=True)
    assert f(0.0) == math.inf
    scale[0] = -1.0
    with pytest.raises(RuntimeError, match="when run again"):
        f(0.0)


def test_errors_of_the_function_itself_are_not_hidden() -> None:
    def picky(x: Any) -> Any:
        if x < 0:
            raise ValueError("below zero")
        return many_ways(x)

    with pytest.raises(ValueError, match="below zero"):
        quietly(vmap(picky), np.append(WAYS, -1.0))
    with pytest.raises(ValueError, match="below zero"):
        vmap(picky)([Value(1.0), Value(-1.0)])


def test_what_cannot_be_traced_raises_what_it_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1.0 / x + float(x.data))([Value(0.0)])
    with pytest.raises(TraceError):
        vmap(lambda x: 1.0 / x + float(x.data))([0.0])


@pytest.mark.parametrize("empty", [[], (), {}, {"a": [], "b": ()}, [[], {}]])
def test_empty_containers_among_mapped_arguments_fit_any_number_of_rows(empty: Any) -> None:
    def f(options: Any, x: Any) -> Any:
        seen.append(options)
        return x * 2.0

    seen: list[Any] = []
    mapped, x = vmap(f), np.arange(3.0)
    assert mapped(empty, x).tolist() == [0.0, 2.0, 4.0]
    assert [v.data for v in mapped(empty, [Value(1.0), Value(2.0)])] == [2.0, 4.0]
    total = lambda x: sum(mapped(empty, x))  # noqa: E731
    assert grad(total)(x).tolist() == [2.0, 2.0, 2.0]
    assert compile_(total)(x) == 6.0
    assert compile_(grad(total))(x).tolist() == [2.0, 2.0, 2.0]
    assert all(options == empty for options in seen)
    for call in (
        lambda: mapped(empty, empty),
        lambda: compile_(lambda x: mapped(empty, empty) + x)(1.0),
    ):
        with pytest.raises(ValueError, match="mapped over no argument"):
            call()
    with pytest.raises(ValueError, match="the same number of rows"):
        mapped([[], [Value(1.0)]], x)


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "rint", "sign", "step"])
def test_steps_have_slope_0_whatever_the_number(name: str) -> None:
    op = getattr(pm, name)
    mapped = vmap(grad(lambda x: op(x) + x))
    rows = np.array([1.5, 0.0, np.nan, np.inf, -np.inf])
    assert mapped(rows).tolist() == [1.0] * 5
    for x in rows.tolist():
        try:
            assert grad(lambda x: op(x) + x)(x) == 1.0
        except (ValueError, OverflowError):  # as Python's has it
            assert name not in {"sign", "step"} and not np.isfinite(x)
