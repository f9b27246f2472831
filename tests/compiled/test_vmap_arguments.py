"""Arguments of mapped functions: by position and by name, and in_axes for parts of them."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, load, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad.compiled.function import from_bytes
from pygrad.compiled.saved import to_bytes

X = np.arange(1.0, 5.0)
RATES = np.array([0.1, 0.2, 0.3, 0.4])
Pair = namedtuple("Pair", "a b")


def decay(x: Any, rate: Any = 1.0, *, scale: Any = 1.0) -> Any:
    return scale * x / (1 + rate) if rate > 0.15 else scale * x


def by_hand(x: Any, rate: Any = 1.0, scale: Any = 1.0) -> Any:
    x, rate, scale = np.broadcast_arrays(x, rate, scale)
    return np.where(rate > 0.15, scale * x / (1 + rate), scale * x)


# -- by name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda f: f, compile_], ids=["mapped", "compiled"])
def test_arguments_by_name_are_mapped_along_their_first_axis(wrap: Any) -> None:
    f = wrap(vmap(decay))
    for _ in range(2):
        assert f(X, rate=RATES).tolist() == by_hand(X, RATES).tolist()
        assert f(x=X, rate=RATES).tolist() == by_hand(X, RATES).tolist()
        assert f(rate=RATES, x=X).tolist() == by_hand(X, RATES).tolist()
        assert f(X, scale=RATES).tolist() == by_hand(X, scale=RATES).tolist()
        assert f(X, RATES, scale=X).tolist() == by_hand(X, RATES, X).tolist()
        assert f(X).tolist() == by_hand(X).tolist()


def test_a_dict_of_axes_is_by_names_of_arguments() -> None:
    f = vmap(decay, in_axes={"rate": None})
    assert f(X, rate=0.5).tolist() == by_hand(X, 0.5).tolist()
    assert f(X, 0.5).tolist() == by_hand(X, 0.5).tolist()
    assert f(x=X, rate=0.5, scale=X).tolist() == by_hand(X, 0.5, X).tolist()
    table = np.stack([X, RATES], axis=1)
    total = vmap(lambda row, n: row.sum() * n, in_axes={"row": 1, "n": None})
    assert total(table, n=2.0).tolist() == (2 * table.sum(axis=0)).tolist()


def test_a_tuple_of_axes_is_for_arguments_by_position() -> None:
    f = vmap(decay, in_axes=(None,))
    assert f(2.0, rate=RATES).tolist() == by_hand(2.0, RATES).tolist()


def test_derivatives_and_totals_with_arguments_by_name() -> None:
    slopes = vmap(grad(decay))(X, rate=RATES)
    assert slopes.tolist() == by_hand(1.0, RATES).tolist()
    loss = vmap(lambda p, x, y: (p["w"] * x - y) ** 2, in_axes={"p": None}, reduce="mean")
    step = value_and_grad(loss)
    wanted = (float(np.mean((2 * X - RATES) ** 2)), float(np.mean(2 * (2 * X - RATES) * X)))
    for call in (step, compile_(step), compile_(step)):
        value, slope = call({"w": 2.0}, x=X, y=RATES)
        assert (value, slope["w"]) == pytest.approx(wanted, rel=1e-14)
    w = Value(2.0)
    total = vmap(lambda x, scale: w * x * scale, reduce="sum")(X, scale=RATES)
    total.backward() if isinstance(total, Value) else None
    assert (
        vmap(lambda x, scale: x * scale)([Value(1.0), Value(2.0)], scale=[3.0, 4.0])[1].data == 8.0
    )


def test_rows_of_values_come_by_name_too() -> None:
    rates = [Value(r) for r in RATES.tolist()]
    found = vmap(decay)(X, rate=rates)
    assert [v.data for v in found] == by_hand(X, RATES).tolist()
    found[2].backward()
    assert rates[2].grad == pytest.approx(-3.0 / 1.3**2) and rates[1].grad == 0.0
    outer = grad(lambda s: vmap(decay)(X, rate=RATES, scale=X * s).sum())(1.0)
    assert outer == pytest.approx(by_hand(X, RATES, X).sum(), rel=1e-15)


def test_saved_rows_by_name(tmp_path: Any) -> None:
    f = compile_(vmap(decay))
    wanted = f(X, rate=RATES).tolist()
    f.save(tmp_path / "f.pygrad")
    loaded = load(tmp_path / "f.pygrad")
    assert loaded(X, rate=RATES).tolist() == from_bytes(to_bytes(f.store))(X, rate=RATES).tolist()
    assert loaded(X, rate=RATES).tolist() == wanted
    assert [v.data for v in loaded([Value(1.0)], rate=[0.1])] == wanted[:1]


def test_c_code_of_rows_by_name() -> None:
    text = compile_(vmap(decay)).to_c(X[:2], rate=RATES[:2], scale=X[:2])
    assert "in[2..3]  rate, an array of shape (2,)" in text


@pytest.mark.parametrize(
    ("axes", "args", "named", "words"),
    [
        ({"rat": None}, (X,), {"rate": 0.5}, "in_axes names 'rat', but decay"),
        ({"w": 0}, (X,), {}, r"in_axes=\(\{...\},\)"),
        (
            (0, 0),
            (X,),
            {"rate": RATES},
            "2 entries, but decay.. was called with 1 arguments by pos",
        ),
        (0, (X,), {"rate": 0.5}, "argument 'rate' of decay.. has 0 axes, .* in_axes may have None"),
        (
            0,
            (X,),
            {"rate": RATES[:2]},
            "argument 'rate' of decay.. has 2 rows, but argument 0 .* 4",
        ),
        (None, (2.0,), {"rate": 3.0}, "mapped over no argument"),
    ],
)
def test_what_does_not_fit_is_named(axes: Any, args: Any, named: Any, words: str) -> None:
    for f in (vmap(decay, axes), compile_(vmap(decay, axes))):
        with pytest.raises(ValueError, match=words):
            f(*args, **named)


# -- parts of arguments ----------------------------------------------------------------------------


def model(p: Any, x: Any) -> Any:
    return p["w"][0] * x + p["w"][1] * p["b"]


CASES: list[tuple[Any, Any]] = [
    (({"w": None, "b": 0}, 0), {"w": [2.0, 3.0], "b": RATES}),
    (({"w": [0, None], "b": None}, 0), {"w": [RATES, 3.0], "b": 0.5}),
    (({"w": (0, 0), "b": None}, None), {"w": (RATES, X), "b": 0.5}),
    (({"b": 0, "w": 0}, 0), {"w": [X, X], "b": RATES.tolist()}),
    (({"w": 1, "b": None}, 0), {"w": np.stack([X, RATES]), "b": 0.5}),
]  # fmt: skip


def at(tree: Any, axes: Any, k: int) -> Any:
    """Row k of an argument."""
    if axes is None:
        return tree
    if isinstance(tree, dict):
        return {n: at(t, axes if isinstance(axes, int) else axes[n], k) for n, t in tree.items()}
    if isinstance(tree, (list, tuple)) and not isinstance(tree[0], float):
        axes = [axes] * len(tree) if isinstance(axes, int) else axes
        return type(tree)(at(t, a, k) for t, a in zip(tree, axes, strict=True))
    return np.take(tree, k, axis=axes)


@pytest.mark.parametrize(("axes", "p"), CASES)
def test_axes_may_be_a_prefix_of_an_argument(axes: Any, p: Any) -> None:
    x = X if axes[1] == 0 else 2.0
    wanted = [float(model(at(p, axes[0], k), at(x, axes[1], k))) for k in range(4)]
    for f in (vmap(model, axes), compile_(vmap(model, axes))):
        assert f(p, x).tolist() == pytest.approx(wanted, rel=1e-15)
    traced = compile_(lambda p, x: vmap(model, axes)(p, x)[3])
    assert traced(p, x) == pytest.approx(wanted[3], rel=1e-15)
    total = compile_(vmap(model, axes, reduce="sum"))(p, x)
    assert total == pytest.approx(sum(wanted), rel=1e-15)
    slopes = vmap(grad(model), axes)(p, x)
    assert np.shape(slopes["b"]) == (4,)


def test_axes_of_named_tuples_and_users_dicts() -> None:
    f = lambda p, q: p.a * q["x"] + p.b  # noqa: E731
    axes = (Pair(0, None), OrderedDict(x=0))
    assert vmap(f, axes)(Pair(X, 2.0), OrderedDict(x=RATES)).tolist() == (X * RATES + 2).tolist()
    assert (
        vmap(f, (Pair(None, 0), {"x": None}))(Pair(2.0, X), {"x": 3.0}).tolist() == (6 + X).tolist()
    )
    seen: list[Any] = []
    vmap(lambda p: seen.append(type(p)) or p.a, ((0, None),))(Pair(X, 1.0))
    assert seen == [Pair]


def test_gradients_by_what_rows_share_in_an_argument() -> None:
    axes = ({"w": None, "b": 0}, 0)
    p = {"w": [2.0, 3.0], "b": RATES}
    step = value_and_grad(vmap(model, axes, reduce="sum"))
    wanted = ([float(X.sum()), float(RATES.sum())], [3.0] * 4)
    for call in (step, compile_(step)):
        value, slope = call(p, X)
        assert value == pytest.approx(float((2 * X + 3 * RATES).sum()), rel=1e-15)
        assert slope["w"] == pytest.approx(wanted[0], rel=1e-15)
        assert np.asarray(slope["b"]).tolist() == wanted[1]


def test_backward_takes_such_axes() -> None:
    w = Value(2.0)
    f = compile_(lambda p: w * p["x"] + p["c"])
    assert f.backward({"x": X, "c": 1.0}, in_axes=({"x": 0, "c": None},)) == pytest.approx(6.0)
    assert w.grad == 2.5


P = {"w": [X, X], "b": RATES}
WRONG: list[tuple[Any, Any, str]] = [
    (({"w": 0}, 0), P, r"for argument 0 of model\(\), which is a dict with the keys"),
    (({"w": [0], "b": 0}, 0), P, r"for argument 0 of model\(\)\['w'\], which is a list of 2"),
    (({"w": [0, [0]], "b": 0}, 0), P, r"for argument 0 of model\(\)\['w'\]\[1\], which is no"),
    (([0, 0], 0), P, r"has \[0, 0\] for argument 0"),
    ((0, 0), {**P, "w": [X, X[:2]]}, r"\['w'\]\[1\] has 2 .*, but argument 0 .*\['w'\]\[0\] .* 4"),
    ((0, 0), {**P, "b": 1.0}, r"argument 0 of model\(\)\['b'\] has 0 axes"),
    ((1, 0), {"w": np.ones((2, 4)), "b": X}, r"\['b'\] has 1 axes, so none to map over at 1"),
]


@pytest.mark.parametrize(("axes", "p", "words"), WRONG)
def test_the_leaf_that_does_not_fit_is_named(axes: Any, p: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        vmap(model, axes)(p, X)


@pytest.mark.parametrize("axes", [({"w": 0.5},), ({"w": "0"},), ([True],), {"p": {"w": object()}}])
def test_axes_are_ints_and_none(axes: Any) -> None:
    with pytest.raises(TypeError, match="in_axes must be"):
        vmap(lambda p: p["w"], axes)({"w": X})
