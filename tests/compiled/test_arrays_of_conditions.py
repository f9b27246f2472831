"""What comparisons of arrays give in a trace: ops of the program, as long as nobody asks for a truth."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import pygrad.numpy as pnp
from pygrad import compile, grad, lift, value_and_grad, vmap
from pygrad.arrays.array import ValueArray

X = np.array([0.5, -1.0, 2.0, 0.0])
ROWS = np.array([X, -X, X + 0.7, 2.0 * X[::-1]])
TINY = np.array([100, 3], np.int8)
TABLE = np.array([10.0, 20.0, 30.0, 40.0, 50.0])


def cut(x: Any) -> Any:
    y = x * 2.0
    y[y < 0] = 0.0
    y[x > 1] = x[0]
    return y


def copied(x: Any) -> Any:
    y = x * 2.0
    np.copyto(y, x[::-1], where=x > 0)
    return y


def in_place(x: Any) -> Any:
    m = x > 0
    m &= x < 1
    m[0] = x[1] > x[2]
    m[1] = False
    return np.where(m, x, 7.0)


def every_way(x: Any) -> Any:
    m = x[:, None] > x
    return (m.any(axis=1) ^ m.all(-1)) * m.sum(0) + m.mean() + np.count_nonzero(x) + len(m)


# One program for all rows.
NOBODY_ASKS: dict[str, Any] = {
    "where": lambda x: np.where(x > 0, x * x, -x),
    "and": lambda x: np.where((x > 0) & (x < 1), x, 0.0),
    "or, xor": lambda x: np.where((x > 1) | (x < 0) ^ (x > 0.2), x, 0.0),
    "not": lambda x: np.where(~(x > 0), x, 3.0) * np.logical_not(x > 1),
    "logical": lambda x: np.where(np.logical_and(x, x < 1), x, 3.0) + np.logical_xor(x, x > 1),
    "sum": lambda x: (x > 0).sum() * x[0] + np.sum(x > 0) + sum(x > 0),
    "sums of axes": lambda x: np.sum(x[:, None] > x, axis=1, keepdims=True) * x,
    "products": lambda x: x * (x > 0) + (x > 0) * x + TABLE[:4] * (x > 0) - 2.0 * (x > 0),
    "counts": lambda x: np.count_nonzero(x > 0) * np.count_nonzero(x[:, None] > x, axis=0) * x,
    "any, all": lambda x: np.where((x > 1).any(), x, -x) + np.all(x > -2) + np.any([0.0]),
    "mean": lambda x: np.mean(x > 0) * x + (x > 0).mean() + np.mean(x[:, None] > x, axis=0),
    "std": lambda x: np.std(x > 0) * x + np.var(x > 0) + np.average(x, weights=1 + (x > 0)),
    "cumsum": lambda x: np.cumsum(x > 0) * x + np.prod(x > -3),
    "select": lambda x: np.select([x > 1, (x > 0) & (x < 3)], [x, 1.0], x + 1),
    "clip": lambda x: np.clip(x, 0.0, 1.0) + np.maximum(x, 0.0),
    "astype": lambda x: (x > 0).astype(float) @ x + (x > 0).astype(int) * x,
    "parts": lambda x: (x > 0)[1:] * x[1:] + np.where((x > 0)[0], x[0], 0.0),
    "items": lambda x: [np.where(c, v, 0.0) for c, v in zip(x > 0, x, strict=True)],
    "stack": lambda x: np.where(np.stack([x > 0, x < 1]).all(axis=0), x, 0.0),
    "concatenate": lambda x: np.where(np.concatenate([x > 0, x < 1])[2:6], x, 0.0),
    "shapes": lambda x: np.where((x > 0).reshape(2, 2).T, x.reshape(2, 2), np.size(x > 0)),
    "plain masks": lambda x: np.where((x > 0) & np.array([True, False, True, True]), x, 0.0),
    "sums of bools": lambda x: np.where((x > 0) + (x > 1), x, 0.0) + (x > 0) * (x > 1),
    "equal": lambda x: np.where((x > 0) == (x > 1), x, 0.0) + ((x > 0) == True),  # noqa: E712
    "dot": lambda x: np.dot(x > 0, x) + (x > 0) @ TABLE[:4],
    "outer": lambda x: np.where(np.outer(x, x) > 0, 1.0, 0.0) @ x,
    "a number's": lambda x: np.where(TABLE[:4] > 9.8 + x[0], TABLE[:4], x),
    "crossings": lambda x: (
        np.sum(np.diff(np.sign(x)) != 0) * x + ((x > 0)[1:] ^ (x > 0)[:-1]).sum()
    ),
    "choices": lambda x: np.where(x > 0, x > 1, x < -1) + np.where(x > 0, 1, 2),
    "nan": lambda x: np.where(np.isnan(x), 0.0, x) + np.isclose(x, 0.5) + np.isfinite(x).all(),
    "copies": lambda x: np.where(copy.copy(x > 0) & copy.deepcopy(x > 0) & (x > 0).copy(), x, 0.0),
    "looks like": lambda x: x * isinstance(x > 0, np.ndarray) * ((x > 0).dtype.kind == "b"),
    "in place": in_place,
    "put": cut,
    "copyto": copied,
    "every way": every_way,
    "accumulated": lambda x: np.where(np.logical_or.accumulate(x > 1), x, 0.0),
    "returned": lambda x: ~(x > 0),
}
# Guards, as it takes a truth to go on.
SOMEBODY_ASKS: dict[str, Any] = {
    "if any": lambda x: x[0] if np.any(x > 1) else x[1],
    "if all": lambda x: x[0] if (x > -1.5).all() and not (x > 9).any() else x[1],
    "mask": lambda x: x[x > 0].sum() / (x > 0).sum() + TABLE[:4][x > 0].sum(),
    "by hand": lambda x: TABLE[:4][np.array([v > 0 for v in x])].sum() + x[0],
    "not, by hand": lambda x: np.where(~np.array([v > 0 for v in x]), x, 0.0),
    "index": lambda x: TABLE[(x > 0).astype(int) + (x > 1)] * x,
    "rank": lambda x: TABLE[np.sum(x[:, None] > x, axis=1) - 1] * x + TABLE[np.where(x > 0, 1, 2)],
    "list": lambda x: TABLE.tolist()[sum(v > 0 for v in x)] * x,
    "difference": lambda x: TABLE.tolist()[3 - (x > 0).sum() + 2 * (x[0] > 9)] * x,
    "range": lambda x: sum([x[i] for i in range((x > 0).sum())], 0.0) + len(x[: (x > 0).sum()]),
    "bincount": lambda x: np.bincount((x > 0).astype(int), minlength=2) * x[0],
    "in a plain mask": lambda x: np.where(np.ones(4, bool) & [v > 0 for v in x], x, 0.0),
    "piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]),
    "small floats": lambda x: np.exp(x > 0) * x + (x > 0).astype(np.int8),
    "products of bools": lambda x: (
        np.dot(x > 0, x > -2) * x + np.outer(x > 0, x > -2) * x + np.diff(x > 0)[0]
    ),
    "more products of bools": lambda x: (
        np.einsum("i,i->", x > 0, x > -2) * x
        + np.inner(x > 0, TABLE[:4] > 0)
        + np.vdot(x > 0, x > 0)
    ),
    "small ints": lambda x: (np.uint8(0) - (x > 0)) * x + np.where(x > 0, *TINY) * np.int8(2),
    "ints without a sign": lambda x: x * ((x > 0).astype(np.uint64) - np.uint64(1)),
    "putmask": lambda x: (y := x * 2.0, np.putmask(y, y < 0, 0.0))[0],
    "sorted": lambda x: x[np.argsort(x > 0, kind="stable")] * np.unique(x > 0).size,
    "text": lambda x: len(str(x > 0)) * x + len(json.dumps((x > 0).tolist())),
    "pickle": lambda x: pickle.loads(pickle.dumps(x > 0)) * x,
    "rounded": lambda x: (
        TABLE[np.ceil(abs(x)).astype(int)] * TABLE[np.floor(abs(x[0])).astype(int)]
    ),
}


@pytest.mark.parametrize("name", [*NOBODY_ASKS, *SOMEBODY_ASKS])
def test_rows_are_those_of_eager_code(name: str) -> None:
    f = {**NOBODY_ASKS, **SOMEBODY_ASKS}[name]
    compiled, mapped = compile(f), compile(vmap(f))
    rows = mapped(ROWS)
    for row in ROWS:
        assert np.array_equal(np.array(f(row), float), np.array(compiled(row), float))
    if not isinstance(rows, list):
        assert np.array_equal(np.array([f(row) for row in ROWS], float), rows)
    assert (len(mapped.programs) == 1) == (name in NOBODY_ASKS)


@pytest.mark.parametrize("name", NOBODY_ASKS)
def test_slopes_are_those_of_eager_code(name: str) -> None:
    f = NOBODY_ASKS[name]
    total = lambda x: sum(np.ravel(np.array(f(x), dtype=object) * 1.5).tolist()) + x[0]  # noqa: E731
    values, slopes = compile(vmap(value_and_grad(total)))(ROWS)
    for row, value, slope in zip(ROWS, values, slopes, strict=True):
        assert value == pytest.approx(total(row), rel=1e-14)
        assert slope.tolist() == pytest.approx(grad(total)(row).tolist(), rel=1e-14)


def test_eagerly_they_are_bools() -> None:
    found: list[Any] = []
    grad(lambda x: (found.append(x > 0), x[0])[1])(X)
    assert type(found[0]) is np.ndarray and found[0].dtype == bool


def test_masks_made_by_hand_need_no_truth_in_lifted_code_and_by_pygrads_numpy() -> None:
    def lifted(x: Any) -> Any:
        m = np.array([v > 0 for v in x])
        return np.where(~m, x, 0.0) + m.sum()

    def by_pygrads(x: Any) -> Any:
        m = pnp.array([v > 0 for v in x])
        return pnp.where(~m, x, 0.0) + m.sum()

    for f in (lift(lifted), by_pygrads):
        mapped = compile(vmap(f))
        assert np.array_equal(mapped(ROWS), [lifted(row) for row in ROWS])
        assert len(mapped.programs) == 1


def test_nobody_asks_where_both_implementations_are_in_use() -> None:
    import pygrad.reference  # noqa: F401  registers itself

    mapped = compile(vmap(NOBODY_ASKS["and"]))
    mapped(ROWS)
    assert len(mapped.programs) == 1


def test_errors_are_those_of_bools() -> None:
    for f in (
        lambda x: (x > 0) - (x > 1),
        lambda x: -(x > 0),
        lambda x: x if x > 0 else -x,
        lambda x: (x > 0)[9],
    ):
        with pytest.raises((TypeError, ValueError, IndexError)) as eager:
            f(X)
        with pytest.raises(type(eager.value)) as traced:
            compile(f)(X)
        assert str(traced.value).partition(";")[0] == str(eager.value).partition(";")[0]


def test_arithmetic_gives_arrays_of_values() -> None:
    kinds: list[Any] = []
    compile(lambda x: (kinds.extend([type(x * (x > 0)), type((x > 0).astype(float))]), x)[1])(X)
    assert kinds == [ValueArray, ValueArray]


def test_a_sum_of_a_value_is_no_index() -> None:
    with pytest.raises(TypeError, match="no whole number"):
        compile(lambda x: TABLE.tolist()[x[0] + (x[1] > 0)])(np.array([1.0, 2.0]))
