"""Truths in results: rows that have none, arrays of them, and NumPy's choices by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, hessian, jvp, load, value_and_grad, vmap
from pygrad import compile as compile_

nan = float("nan")


@pytest.mark.parametrize("rows", [2, 6, 4000])
def test_a_row_without_result_has_no_truth(rows: int) -> None:
    points = np.array([0.5, 0.0] * (rows // 2))
    wanted = [1.0, nan] * (rows // 2)
    pair = lambda x: (x * int(1 / x), x > 0.3)  # noqa: E731
    for of in (vmap(pair, errors="ignore"), compile_(vmap(pair, errors="ignore"))):
        assert repr(of(points)[1].tolist()) == repr(wanted)
    one = vmap(lambda x: int(1 / x) > 1, errors="ignore")
    assert repr(one(points).tolist()) == repr(wanted)
    both = vmap(lambda x: np.array([x > 0.3, int(1 / x) > 1]), errors="ignore")
    assert repr(both(points[:2]).tolist()) == repr([[1.0, 1.0], [nan, nan]])


def test_arrays_of_truths_are_bools(tmp_path: Path) -> None:
    x = np.array([1.0, -1.0, 2.0])
    functions: list[Any] = [
        lambda x: x > 0,
        np.isnan,
        lambda x: np.array([x[0] > x[1], x[1] > 0]),
        lambda x: np.array([True, False]),
        lambda x: {"a": [np.array([x[0] > 5, x[1] > 0]), x]}["a"][0],
    ]
    for f in functions:
        wanted = f(x)
        found = compile_(f)(x)
        assert found.dtype == bool and found.tolist() == wanted.tolist()
        again = compile_(vmap(f))(np.array([x, x]))
        assert again.dtype == bool and again.tolist() == [wanted.tolist()] * 2
    f = compile_(lambda x: {"p": x > 0, "x": x})
    assert f(x)["p"].dtype == bool and f(x)["x"].dtype == float
    f.save(tmp_path / "f")
    assert repr(load(tmp_path / "f")(x)) == repr(f(x))
    assert vmap(lambda x: np.array([x > 0, x < 0]))([Value(1.0), -1.0]).dtype == bool
    mixed = compile_(lambda x: np.array([x > 0, x]))(0.5)
    assert mixed.dtype == float and mixed.tolist() == [1.0, 0.5]
    assert compile_(lambda x: x[:0])(x).dtype == float
    assert vmap(lambda r: r > 0, reduce="sum")(np.array([x, x])).tolist() == [2.0, 0.0, 2.0]


def test_the_value_of_a_gradient_is_what_the_function_returned() -> None:
    f = value_and_grad(lambda x: x > 0)
    assert repr(f(3.0)) == repr(compile_(f)(3.0)) == "(True, 0.0)"
    values, slopes = vmap(f)(np.array([3.0, -3.0]))
    assert values.tolist() == [True, False] and slopes.tolist() == [0.0, 0.0]


def test_a_choice_by_a_plain_condition_is_a_value() -> None:
    f = lambda x: np.exp(np.where(x > 0, x, 0.0))  # noqa: E731
    assert grad(f)(-1.0) == 0.0 and grad(f)(1.0) == np.exp(1.0)
    assert hessian(f)(-1.0) == 0.0 and jvp(f, (-1.0,), (1.0,)) == (1.0, 0.0)
    assert f(Value(-1.0)).data == 1.0
    norm = lambda x: np.where(  # noqa: E731
        x @ x > 0, np.sqrt(np.where(x @ x > 0, x @ x, 1.0)), 0.0
    )
    assert grad(norm)(np.zeros(2)).tolist() == [0.0, 0.0]
    assert grad(norm)(np.array([3.0, 4.0])).tolist() == pytest.approx([0.6, 0.8])
    assert grad(lambda x: np.exp(np.select([x > 2, x > 1], [x, x * x], 1.0)))(0.0) == 0.0
    assert grad(lambda x: np.exp(np.choose(0, [1.0, x])))(2.0) == 0.0


def test_select_takes_comparisons_of_a_trace() -> None:
    f = lambda x: np.select([x > 2, x > 1], [x, x * x], 1.0)  # noqa: E731
    compiled = compile_(f)
    for x in (3.0, 1.5, 0.0):
        assert compiled(x) == f(x)
    points = np.array([3.0, 1.5, 0.0])
    assert vmap(f)(points).tolist() == f(points).tolist() == compiled(points).tolist()
    with pytest.raises(ValueError, match="same length"):
        compile_(lambda x: np.select([x > 2], [x, x]))(1.0)


def test_masks_of_comparisons_ask_for_their_truth() -> None:
    a = np.array([1.0, 2.0])
    f = compile_(lambda x: np.sum(a[np.array([x > 1, x <= 1], dtype=bool)]) * x)
    assert f(3.0) == 3.0 and f(0.5) == 1.0


def test_an_error_names_its_cure_once() -> None:
    with pytest.raises(TypeError, match=r"pygrad\.lift") as raised:
        hessian(lambda x: np.exp(np.array([x, 1.0]))[0])(1.0)
    assert str(raised.value).count("an array that np.array") == 1
