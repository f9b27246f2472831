"""Tables in programs: one search and one item, whatever the cell, with the bits of eager code."""

from __future__ import annotations

import itertools
import math
import random
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import Batch, flat, needs_compiler
from routines import same_bits

import pygrad
from pygrad import (
    Value,
    _native,
    check_grad,
    grad,
    hessian,
    interp,
    jvp,
    load,
    take,
    value_and_grad,
    vmap,
    where,
)
from pygrad import compile as compile_
from pygrad.math import exp, floor, sin

CORNERS = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324]
XS = np.linspace(0.0, 10.0, 41)
YS = np.sin(XS)


def points(rng: random.Random) -> tuple[float, list[float], list[float], dict[str, float]]:
    """A number, places and heights; one in five not ascending, some with corners; what is beyond."""
    n = rng.choice([1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 15, 20, 40])
    kind = rng.random()
    places = [float(rng.randint(-9, 9)) if kind < 0.7 else rng.uniform(-5, 5) for _ in range(n)]
    heights = [rng.uniform(-5, 5) for _ in range(n)]
    for numbers in (places, heights):
        for i in range(n):
            if rng.random() < 0.08 and kind < 0.6:
                numbers[i] = rng.choice(CORNERS)
    if rng.random() < 0.8:
        places.sort()
    x = rng.choice([rng.uniform(-6, 6), rng.choice(places), rng.choice(CORNERS)])
    beyond = {name: rng.uniform(-9, 9) for name in ("left", "right") if rng.random() < 0.3}
    return x, places, heights, beyond


def check_points(seeds: range) -> None:
    for seed in seeds:
        x, places, heights, beyond = points(random.Random(seed))
        with np.errstate(all="ignore"):
            expected = float(np.interp(x, places, heights, **beyond))
        for made in itertools.product((False, True), repeat=3):
            args = (
                Value(x) if made[0] else x,
                list(map(Value, places)) if made[1] else places,
                list(map(Value, heights)) if made[2] else heights,
            )
            found = interp(*args, **beyond)
            assert isinstance(found, Value) or not made[0]
            assert same_bits(found.data if isinstance(found, Value) else found, expected), seed
        rows = vmap(lambda x: interp(x, places, heights, **beyond), errors="ignore")
        whole = compile_(lambda *args: interp(*args, **beyond))
        for found in (rows(np.array([x, 1.0]))[0], whole(x, places, heights)):
            assert same_bits(float(found), expected), seed


def test_interp_has_the_bits_of_numpys():
    check_points(range(60))


@pytest.mark.long
def test_interp_has_the_bits_of_numpys_at_very_many_points():
    check_points(range(60, 1500))


def test_a_table_of_many_cells_is_one_program():
    xs = np.sort(np.random.default_rng(0).uniform(-3.0, 3.0, 1000))
    ys = np.cos(xs)
    x = np.random.default_rng(1).uniform(-3.5, 3.5, 3000)
    x[:1000] = xs
    f = compile_(vmap(value_and_grad(lambda x: interp(x, xs, ys, -7.0, 9.0))))
    heights, slopes = f(x)
    assert np.array_equal(heights, np.interp(x, xs, ys, -7.0, 9.0))
    cell = np.searchsorted(xs, x, "right") - 1
    inside = (cell >= 0) & (cell < 999)
    c = cell[inside]
    assert np.array_equal(slopes[inside], (ys[c + 1] - ys[c]) / (xs[c + 1] - xs[c]))
    assert not slopes[~inside].any()
    assert len(f.programs) == 1


def curve(x: Any, xs: Any, ys: Any) -> Any:
    return interp(x * x, xs, ys) * exp(x) + interp(x, xs, ys, period=3.0)


@pytest.mark.parametrize("values", [(0,), (1,), (2,), (0, 1, 2)])
def test_derivatives_by_whatever_is_a_value(values):
    point = [1.3, [0.0, 0.7, 1.1, 2.4, 2.9], [1.0, -2.0, 0.5, 3.0, 1.5]]

    def f(changed: Any) -> Any:
        args = [changed[values.index(i)] if i in values else point[i] for i in range(3)]
        return curve(*args)

    at = [point[i] for i in values]
    check_grad(f, at, order=2 if len(values) == 1 else 1, raises=True)
    eager, found = value_and_grad(f)(at), compile_(value_and_grad(f))(at)
    assert flat(found) == pytest.approx(flat(eager), rel=1e-13, abs=1e-13)


def test_second_and_third_derivatives():
    def f(t: Any) -> Any:
        return take(t, floor(t[0])) ** 3 * t[1] + interp(t[1] ** 2, [0.0, 1.0, 2.0, 3.0], t) ** 2

    point = np.array([2.2, 1.4, -0.7, 1.9])
    assert np.allclose(compile_(hessian(f))(point), hessian(f)(point), rtol=1e-13, atol=1e-13)

    def third(t: Any) -> Any:
        return grad(lambda t: pygrad.sum(row @ row for row in hessian(f)(t)))(t)

    assert np.allclose(compile_(third)(point), third(point), rtol=1e-12, atol=1e-12)
    along = np.array([0.3, -1.0, 0.2, 0.7])
    assert compile_(lambda t: jvp(f, (t,), (along,)))(point) == pytest.approx(
        jvp(f, (point,), (along,))
    )


def test_an_item_by_its_number():
    table = [Value(10.0), 20.0, Value(30.0), 40.0]
    assert take(table, 1) == 20.0 and take(table, -2) is table[2]
    assert take(table, Value(2.0)) is table[2]
    assert take(table, Value(1.0)).data == 20.0  # a Value, as the index is one
    assert take(np.array([1.0, 2.0]), [1, 0]).tolist() == [2.0, 1.0]
    assert [v.data for v in take([[1.0, 2.0], [3.0, 4.0]], Value(1.0))] == [3.0, 4.0]
    for wrong in (4, -5):
        for index in (wrong, Value(wrong)):
            with pytest.raises(IndexError, match=f"index {wrong} is out of range for a table of 4"):
                take(table, index)
    for no_index in (1.5, math.nan, math.inf):
        with pytest.raises(TypeError, match=r"is a whole number: take needs floor\(i\).*, not "):
            take(table, Value(no_index))
        with pytest.raises(TypeError):
            take(table, no_index)


def test_items_in_programs_are_those_of_eager_code():
    rows = [[1.0, 2.0], [3.0, 5.0], [8.0, 13.0]]

    def f(x: Any, t: Any) -> Any:
        a, b = take(rows, floor(x))
        return a * x + b + take(t, -floor(x)) * sin(x) + take(t, 1)

    both = compile_(vmap(value_and_grad(f, (0, 1)), in_axes=(0, None)))
    x, t = np.array([0.2, 1.5, 2.9, 1.1]), np.array([0.5, -0.25, 4.0])
    values, (by_x, by_t) = both(x, t)
    for i, each in enumerate(x):
        value, (slope, slopes) = value_and_grad(f, (0, 1))(each, t)
        assert values[i] == pytest.approx(value, rel=1e-15)
        assert by_x[i] == pytest.approx(slope) and by_t[i] == pytest.approx(slopes)
    assert len(both.programs) == 1


def test_an_index_that_no_item_has_gives_nan_in_a_program():
    """As other operations that have no result; where somebody catches what it raises, as eager code."""
    f = compile_(vmap(lambda x: take([1.0, 2.0], floor(x)), errors="ignore"))
    found = f(np.array([0.5, 1.5, 2.5, -0.5, -2.5, math.inf]))
    assert np.array_equal(found, [1.0, 2.0, math.nan, 2.0, math.nan, math.nan], equal_nan=True)
    assert math.isnan(vmap(lambda x: take([1.0, 2.0], x), errors="ignore")(np.array([0.5]))[0])
    with pytest.warns(RuntimeWarning, match="gave nan or inf"):
        vmap(lambda x: take([1.0, 2.0], floor(x)))(np.array([5.5]))

    def caught(x: Any) -> Any:
        try:
            return take([1.0, 2.0], floor(x)) * x
        except IndexError:
            return -x

    x = np.array([0.5, 1.5, 2.5, 7.0])
    assert compile_(vmap(caught))(x).tolist() == [0.5, 3.0, -2.5, -7.0]
    assert [caught(Value(each)).data for each in x] == [0.5, 3.0, -2.5, -7.0]


def test_the_branch_that_is_not_taken_does_not_disturb():
    f = compile_(
        vmap(value_and_grad(lambda x: where(x < 2, take([1.0, 2.0], floor(x)) * x, 0.0 * x)))
    )
    values, slopes = f(np.array([0.5, 1.5, 2.5]))
    assert values.tolist() == [0.5, 3.0, 0.0] and slopes.tolist() == [1.0, 2.0, 0.0]


def test_tables_of_captured_values_are_read_anew():
    table = [Value(1.0), Value(2.0), Value(4.0)]
    f = compile_(lambda x: interp(x, [0.0, 1.0, 2.0], table) + take(table, floor(x)))
    assert f(0.5) == 2.5
    table[1].data = 10.0
    assert f(0.5) == 6.5 and f(1.5) == 17.0
    result = f(Value(1.5))
    result.backward()
    assert [v.grad for v in table] == [0.0, 1.5, 0.5]


# -- cells -------------------------------------------------------------------------------------------


def test_the_cell_is_one_operation_in_a_program():
    cells = compile_(vmap(lambda x: take(YS, np.searchsorted(XS, x) - 1) * x))
    x = np.random.default_rng(2).uniform(0.1, 10.0, 100)
    assert np.array_equal(cells(x), YS[np.searchsorted(XS, x) - 1] * x)
    assert len(cells.programs) == 1
    for side, bins in itertools.product((False, True), (XS, XS[::-1])):
        found = compile_(vmap(lambda x: np.digitize(x, bins, side)))(x)  # noqa: B023
        assert np.array_equal(found, np.digitize(x, bins, side))


def test_the_cell_is_an_index_elsewhere():
    """Of eager code it is an int; in a trace an index asks for it, and each is a program."""
    assert type(np.searchsorted(XS, Value(2.0))) is np.intp
    f = compile_(vmap(lambda x: YS[np.searchsorted(XS, x) - 1] * x))
    x = np.array([0.4, 0.6, 0.45])
    assert f(x) == pytest.approx(YS[np.searchsorted(XS, x) - 1] * x, rel=1e-15)
    assert len(f.programs) == 2
    with pytest.raises(TypeError, match="no whole number"):
        compile_(lambda x: YS.tolist()[np.searchsorted(XS, x) * x])(0.5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searches_of_corners_are_numpys(side):
    keys = [-math.inf, -1.0, -0.0, 0.0, 2.0, 2.0, 5.0, math.inf, math.nan, math.nan]
    numbers = [*keys, 1.0, -3.0, 9.0, 5e-324]
    expected = [int(np.searchsorted(keys, x, side)) for x in numbers]
    assert [int(np.searchsorted(keys, Value(x), side)) for x in numbers] == expected
    f = vmap(lambda x: np.searchsorted(keys, x, side))
    assert f(np.array(numbers)).tolist() == expected
    of_keys = vmap(lambda keys, x: np.searchsorted(list(keys), x, side), in_axes=(None, 0))
    assert of_keys(np.array(keys), np.array(numbers)).tolist() == expected


# -- wherever programs go ----------------------------------------------------------------------------


def several(x: Any, t: Any) -> Any:
    inner = interp(x, [0.0, 1.0, 2.5], t)
    return inner * take(t, np.searchsorted([0.5, 1.5], x)) + interp(inner, XS, YS)


def test_saved_programs_look_up_the_same(tmp_path: Path):
    f = compile_(value_and_grad(several, (0, 1)))
    args = (1.7, [1.0, 3.0, 2.0])
    expected = f(*args)
    f.save(tmp_path / "f.pygrad")
    again = load(tmp_path / "f.pygrad")
    assert again(*args) == expected
    compile_(several)(*args)
    g = compile_(several)
    g(*args)
    g.save(tmp_path / "g.pygrad")
    loaded = load(tmp_path / "g.pygrad")
    value, slopes = value_and_grad(loaded, (0, 1))(*args)  # replayed, on Values
    assert (value, slopes[0]) == pytest.approx((expected[0], expected[1][0]))
    assert slopes[1] == pytest.approx(expected[1][1])
    inside = compile_(value_and_grad(lambda x: loaded(x, args[1])))  # and in a trace
    assert inside(1.7) == pytest.approx((expected[0], expected[1][0]))
    assert inside(0.2) == pytest.approx(value_and_grad(lambda x: several(x, args[1]))(0.2))


@needs_compiler
@pytest.mark.parametrize("freeze", [False, True])
def test_c_code_looks_up_the_same(tmp_path: Path, freeze):
    table = [Value(number, label=label) for number, label in ((1.0, "a"), (3.0, "b"), (2.0, "c"))]
    functions = [
        compile_(value_and_grad(lambda x: several(x, [1.0, 3.0, 2.0]))),
        compile_(value_and_grad(lambda x: several(x, table))),
        compile_(lambda x: interp(x, [0.0, 3.0, 1.0, 7.0, 8.0], [1.0, 2.0, -math.inf, 3.0, 5.0])),
        compile_(lambda x: np.searchsorted([1.0, 2.0, math.nan], x) + take(YS, floor(x))),
    ]
    batch = Batch(tmp_path)
    names = [batch.add(f.to_c(1.2, name=f"f{i}", freeze=freeze)) for i, f in enumerate(functions)]
    made = batch.compile()
    for f, name, text in zip(functions, names, batch.texts, strict=True):
        labels = re.findall(r"captured\[\d\] +(\w) = ", text)
        captured = [v.data for label in labels for v in table if v.label == label]
        for x in (1.2, -0.5, 0.0, 1.0, 2.5, 6.0, 1e9):
            found = made[name]([x], captured)
            assert np.array_equal(found, np.ravel(f(x)), equal_nan=True), (name, x)


def test_a_jacobian_by_a_table_knows_where_it_is_full():
    f = compile_(lambda t: [take(t, floor(t[0])), t[2] * t[2], take([1.0, 2.0], floor(t[1]))])
    point = np.array([1.5, 0.5, 2.0])
    jacobian = f.jacobian(point) if hasattr(f, "jacobian") else pygrad.jacobian(f)(point)
    assert np.array_equal(jacobian, [[0.0, 1.0, 0.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]])


def test_one_table_of_a_long_loop_is_kept_once():
    def f(x: Any) -> Any:
        for _ in range(50):
            x = x + 0.01 * interp(x, XS, YS)
        return x

    compiled = compile_(f)
    assert compiled(1.0) == pytest.approx(f(1.0), rel=1e-14)
    with pytest.raises(ValueError, match="rule"):
        _native.search([1.0], 2.0, 9)


@pytest.mark.parametrize("wrong", [{"fp": [1.0]}, {"xp": []}, {"period": 0}])
def test_wrong_points_are_refused_as_numpy_does(wrong):
    args = {"x": 0.5, "xp": [0.0, 1.0], "fp": [1.0, 2.0], **wrong}
    if not args["xp"]:
        args["fp"] = []
    with pytest.raises(ValueError) as numpys:
        np.interp(**args)
    with pytest.raises(ValueError, match=str(numpys.value).rstrip(".")):
        interp(**{**args, "x": Value(0.5)})


def test_an_item_that_there_is_not_has_no_slope():
    mapped = pygrad.vmap(pygrad.value_and_grad(lambda x, i: pygrad.take([x, 2 * x], i)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, slopes = mapped(np.array([3.0, 3.0, 3.0]), np.array([1.0, 2.0, -3.0]))
    assert values[0] == 6.0 and np.isnan(values[1:]).all()
    assert slopes.tolist() == [2.0, 0.0, 0.0]
