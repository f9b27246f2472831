"""Programs tell of singular derivatives of second and higher order as eager code does."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from told import messages

import pygrad
from pygrad import SingularDerivativeWarning, grad, hessian, jacfwd, math, vmap, where

Function = Callable[[Any], Any]

SINGULAR: dict[str, Function] = {
    "norm": lambda x: np.linalg.norm(x) ** 2,
    "hypot": lambda x: math.hypot(x[0], x[1]) ** 2,
    "atan2": lambda x: math.atan2(x[0], x[1]),
    "root of abs": lambda x: abs(x[0]).sqrt() ** 4,
    "by rows of directions": lambda x: sum(
        (b * b + a * a).sqrt() ** 2 for a, b in itertools.pairwise(x)
    ),
}
TAME: dict[str, Function] = {
    "a branch not taken": lambda x: where(x[0] ** 2 + x[1] ** 2 > 0, np.linalg.norm(x), x[1] ** 2),
    "distance to itself": lambda x: np.linalg.norm(x - x) * x[1],
    "an underflow": lambda x: math.log(math.exp(-((x[0] + 40.0) ** 2)) + 1e-300) * x[1],
    "times a number 0": lambda x: 0.0 * np.linalg.norm(x) + x[0] ** 2,
    "powers": lambda x: x[0] ** 2 * x[1] ** 3 + abs(x[0]) + x[1].relu() ** 2,
    "control flow": lambda x: np.linalg.norm(x) ** 2 if x[0] != 0 else x[0] * x[1],
}


def points(rows: int, singular: int) -> Any:
    x = np.ones((rows, 2))
    x[singular] = 0.0
    return x


@pytest.mark.parametrize("size", [2, 60])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", SINGULAR)
def test_compiled_hessians_tell(name: str, sparse: bool, size: int) -> None:
    f = SINGULAR[name]
    compiled = pygrad.jit(hessian(f, sparse=sparse))
    assert messages(lambda: compiled(np.ones(size))) == []
    assert len(messages(lambda: compiled(np.zeros(size)))) == 1
    assert len(messages(lambda: compiled(np.zeros(size)))) == 1
    first = pygrad.jit(grad(f))
    assert messages(lambda: first(np.zeros(size))) == []


def test_at_the_first_call_they_tell_once() -> None:
    compiled = pygrad.jit(hessian(SINGULAR["norm"]))
    assert len(messages(lambda: compiled(np.zeros(2)))) == 1


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("row", [0, 77, 4100, 4999])
def test_mapped_hessians_tell_of_one_row(name: str, threads: int, row: int) -> None:
    h = hessian(SINGULAR[name])
    for mapped in (vmap(h, threads=threads), pygrad.jit(vmap(h, threads=threads))):
        assert len(messages(lambda m=mapped: m(points(5000, row)))) == 1
        assert messages(lambda m=mapped: m(np.ones((5000, 2)))) == []
    assert messages(lambda: vmap(grad(SINGULAR[name]))(points(100, 7))) == []
    total = vmap(lambda x: h(x).sum(), reduce="sum")
    assert len(messages(lambda: total(points(100, 7)))) == 1


@pytest.mark.parametrize("name", TAME)
def test_what_is_not_singular_is_silent(name: str) -> None:
    f = TAME[name]
    compiled, mapped = pygrad.jit(hessian(f)), pygrad.jit(vmap(hessian(f)))
    buffer = pygrad.jit(hessian(f)).buffer(np.zeros(2))
    for call in (
        lambda: compiled(np.zeros(2)),
        lambda: mapped(points(100, 7)),
        lambda: vmap(hessian(f))(points(100, 7)),
        buffer,
    ):
        for _ in range(3):
            assert messages(call) == []


def test_buffers_tell() -> None:
    x = np.ones(2)
    buffer = pygrad.jit(hessian(SINGULAR["norm"])).buffer(x)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        buffer()
        assert caught == []
        x[:] = 0.0
        np.testing.assert_array_equal(buffer(), np.zeros((2, 2)))
    assert [w.category for w in caught] == [SingularDerivativeWarning]


def test_a_program_inside_a_transform() -> None:
    inner = pygrad.jit(grad(SINGULAR["norm"]))
    assert len(messages(lambda: jacfwd(inner)(np.zeros(2)))) == 1


def test_where_each_call_meets_one_fewer_and_fewer_are_looked_at() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return where(x[0] ** 2 + x[1] ** 2 > 0, np.linalg.norm(x), x[1] ** 2)

    compiled = pygrad.jit(hessian(f))
    for _ in range(1000):
        compiled(np.zeros(2))
    assert len(runs) < 30


@pytest.mark.parametrize("shape", [(1,), (63,), (64,), (65,), (130,)])
def test_products_with_0_have_the_same_numbers_in_all_lanes(shape: tuple[int, ...]) -> None:
    """Products are done plainly first, some lanes again: 0 wins in those, and nan stays in the others."""
    inf, nan = float("inf"), float("nan")
    special = [0.0, -0.0, 1.0, -2.5, inf, -inf, nan, 1e308]
    rng = np.random.default_rng(1)
    x, y = rng.choice(special, shape), rng.choice(special, shape)
    slope = vmap(
        grad(lambda a, b: where(a, a, 1.0).sqrt() * b * 0.0 + (a * b).relu()), errors="ignore"
    )
    together = slope(x, y)
    alone = np.array([slope(x[i : i + 1], y[i : i + 1])[0] for i in range(len(x))])
    np.testing.assert_array_equal(together, alone)
