"""Where a program can have a slope that is not 0, and which columns share a direction."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pygrad
from pygrad import compile as compile_
from pygrad import (
    hessian,
    jacobian,
)
from pygrad import math as pm
from pygrad._core import ffi, lib
from pygrad.core.ops import ops

scipy_sparse = pytest.importorskip("scipy.sparse")

from pygrad.programs import sparsity  # noqa: E402


def dense_hessian(f: Callable[..., Any], x: Any) -> Any:
    return hessian(f)(x)


# -- patterns --------------------------------------------------------------------------------------

ARGUMENTS = {"acosh": (1.5,), "clip": (0.3, 0.1, 0.9)}


@pytest.mark.parametrize("op", [op for op in ops() if op.is_public and op.name != "pown"])
def test_operands_of_slope_zero_have_no_entry(op: Any) -> None:
    f = getattr(pm, op.name, None) or getattr(pygrad, op.name, None)
    if f is None:  # operators
        f = lambda *xs: eval(op.symbol.join("xyw"[: len(xs)]), dict(zip("xyw", xs, strict=False)))  # noqa: E731
    if op.name == "neg":
        f = lambda x: -x  # noqa: E731
    x = np.array(ARGUMENTS.get(op.name, (0.3, 0.7, 0.6))[: op.arity])
    wanted = [i for i, slope in enumerate(op.slopes) if slope != "ZERO"]
    assert jacobian(lambda x: [f(*x)], sparse=True)(x).indices.tolist() == wanted
    if op.name == "stop_gradient":  # a program has no such op
        return
    # The same from the program of the function itself, by the slopes of the table.
    compiled = compile_(lambda x: [f(*x)])
    compiled(x)
    (program,) = compiled.store.calls
    pattern = sparsity.pattern_of(program.paths.root.program, 0, op.arity, 1)
    assert pattern is not None and pattern.columns.tolist() == wanted


def pattern_of_random_program(rng: random.Random) -> tuple[Callable[[Any], Any], Any, int]:
    """A function of a random graph, and its pattern found by propagating sets of inputs."""
    n, outs = rng.randint(1, 150), rng.randint(1, 60)
    count = n + rng.randint(0, 400)
    steps = []
    sets = [{i} for i in range(n)]
    for k in range(n, count):
        kind = rng.choice(["mul", "add", "sin", "floor", "sum", "where"])
        near = lambda k=k: rng.randrange(max(0, k - 40), k)  # noqa: E731
        operands = [near() for _ in range(rng.randint(3, 12) if kind == "sum" else 3)]
        steps.append((kind, operands))
        used = {"mul": operands[:2], "add": operands[:2], "sin": operands[:1], "floor": []}
        used |= {"sum": operands, "where": operands[1:]}
        sets.append(set().union(*(sets[i] for i in used[kind])))
    results = [rng.randrange(count) for _ in range(outs)]

    def f(x: Any) -> list[Any]:
        values = list(x)
        for kind, at in steps:
            v = [values[i] for i in at]
            values.append(
                {
                    "mul": lambda v=v: v[0] * v[1],  # numbers stay below 1
                    "add": lambda v=v: 0.5 * v[0] - 0.4 * v[1],
                    "sin": lambda v=v: pm.sin(v[0]),
                    "floor": lambda v=v: pm.floor(v[0]),
                    "sum": lambda v=v: pygrad.sum(v) / len(v),
                    "where": lambda v=v: pm.where(v[0], v[1], v[2]),
                }[kind]()
            )
        return [values[i] for i in results]

    wanted = np.zeros((outs, n), dtype=bool)
    for row, at in enumerate(results):
        wanted[row, list(sets[at])] = True
    return f, wanted, n


@pytest.mark.parametrize("seed", range(40))
def test_patterns_of_random_programs_equal_sets_of_inputs(seed: int) -> None:
    f, wanted, n = pattern_of_random_program(random.Random(seed))
    compiled = compile_(f)
    compiled(np.linspace(0.1, 0.9, n))
    (program,) = compiled.store.calls
    pattern = sparsity.pattern_of(program.paths.root.program, 0, n, len(wanted))
    assert pattern is not None
    found = np.zeros_like(wanted)
    found[pattern.rows, pattern.columns] = True
    np.testing.assert_array_equal(found, wanted)
    assert len(pattern.columns) == wanted.sum()
    most = max(int(wanted.sum()) - 1, 0)
    if wanted.any():
        assert sparsity.pattern_of(program.paths.root.program, 0, n, len(wanted), most) is None
    derivative = jacobian(f, sparse=True)(np.linspace(0.1, 0.9, n))
    np.testing.assert_allclose(
        derivative.toarray(), jacobian(f)(np.linspace(0.1, 0.9, n)), rtol=1e-9, atol=1e-12
    )


def test_the_pattern_is_that_of_the_path_taken() -> None:
    def f(x: Any) -> Any:
        if x[0] > 0:
            return x[0] * x[1] + x[2] ** 2
        return x[1] * x[2] * x[0]

    sparse = compile_(hessian(f, sparse=True))
    for x, entries in (
        (np.array([1.0, 2.0, 3.0]), 3),
        (np.array([-1.0, 2.0, 3.0]), 6),
        (np.array([2.0, -2.0, 0.5]), 3),
    ):
        assert sparse(x).nnz == entries == hessian(f, sparse=True)(x).nnz
        np.testing.assert_array_equal(sparse(x).toarray(), dense_hessian(f, x))
    assert [(path["guards"], path["sweeps"]) for path in sparse.programs] == [(1, 1), (1, 3)]


# -- colours ---------------------------------------------------------------------------------------


@st.composite
def matrices(draw: st.DrawFn, symmetric: bool) -> Any:
    rows = draw(st.integers(1, 14))
    columns = rows if symmetric else draw(st.integers(1, 14))
    density = draw(st.sampled_from([0.05, 0.15, 0.3, 0.6]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    found = rng.random((rows, columns)) < density
    if symmetric:
        found |= found.T
        if draw(st.booleans()):
            np.fill_diagonal(found, True)
    return found


def as_pattern(matrix: Any) -> sparsity.Pattern:
    csr = scipy_sparse.csr_array(matrix)
    return sparsity.Pattern(matrix.shape, csr.indptr, csr.indices)


def products(matrix: Any, colours: sparsity.Colours) -> Any:
    return np.array(
        [matrix @ (colours.of == c).astype(float) for c in range(colours.used)]
    ).reshape(colours.used, len(matrix))


@given(matrices(False))
@settings(max_examples=100, deadline=None)
def test_columns_of_a_colour_have_no_row_in_common(matrix: Any) -> None:
    pattern = as_pattern(matrix)
    colours = sparsity.colour_columns(pattern, pattern.transposed())
    assert set(colours.of.tolist()) == set(range(colours.used))
    for c in range(colours.used):
        assert (matrix[:, colours.of == c].sum(axis=1) <= 1).all()
    numbers = matrix * np.arange(1.0, 1.0 + matrix.size).reshape(matrix.shape)
    by_columns = sparsity.by_columns(pattern, colours)
    np.testing.assert_array_equal(by_columns.dense(products(numbers, colours)), numbers)
    rows = sparsity.colour_columns(pattern.transposed(), pattern)
    by_rows = sparsity.by_rows(pattern, rows)
    np.testing.assert_array_equal(by_rows.dense(products(numbers.T, rows)), numbers)


@given(matrices(True))
@settings(max_examples=150, deadline=None)
def test_two_colours_of_a_symmetric_pattern_make_stars(matrix: Any) -> None:
    pattern = as_pattern(matrix)
    colours = sparsity._colour_stars(pattern)
    edges = matrix & ~np.eye(len(matrix), dtype=bool)
    colour = colours.of
    for v, w in zip(*np.nonzero(edges), strict=True):
        assert colour[v] != colour[w]
        same_as_w, same_as_v = edges[v] & (colour == colour[w]), edges[w] & (colour == colour[v])
        assert same_as_w.sum() == 1 or same_as_v.sum() == 1  # else a path of four in two colours
    rng = np.random.default_rng(0)
    numbers = np.tril(matrix * rng.integers(1, 1000, matrix.shape))
    numbers = numbers + np.tril(numbers, -1).T
    for found in (colours, sparsity.colour_symmetric(pattern)):
        recovered = sparsity.by_stars(pattern, found).dense(products(numbers, found))
        np.testing.assert_array_equal(recovered, numbers)


def test_known_numbers_of_colours() -> None:
    def used(matrix: Any) -> int:
        return sparsity.colour_symmetric(as_pattern(matrix.tocsr())).used

    n = 400
    tridiagonal = scipy_sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))
    five = scipy_sparse.diags_array([1.0] * 5, offsets=[-2, -1, 0, 1, 2], shape=(n, n))
    small = scipy_sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(20, 20))
    eye = scipy_sparse.eye_array(20)
    five_points = scipy_sparse.kron(small, eye) + scipy_sparse.kron(eye, small)
    nine_points = scipy_sparse.kron(small, small)
    assert used(scipy_sparse.eye_array(n)) == 1
    assert used(tridiagonal) == 3  # as a path of four needs
    assert used(five) == 5
    assert used(five_points) <= 6
    assert used(nine_points) == 9
    assert used(scipy_sparse.csr_array(np.ones((30, 30)))) == 30


def test_a_symmetric_pattern_from_one_that_is_not() -> None:
    pattern = as_pattern(np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], dtype=bool))
    symmetric = pattern.symmetrised()
    dense = np.zeros((3, 3), dtype=int)
    dense[symmetric.rows, symmetric.columns] = 1
    assert dense.tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    assert symmetric.symmetrised() is symmetric


def test_every_allocation_may_fail() -> None:
    f, _, n = pattern_of_random_program(random.Random(7))
    compiled = compile_(f)
    compiled(np.linspace(0.1, 0.9, n))
    (one,) = compiled.store.calls
    program = one.paths.root.program
    stars = as_pattern(
        np.eye(40, dtype=bool) | np.eye(40, k=1, dtype=bool) | np.eye(40, k=-1, dtype=bool)
    )
    columns = as_pattern(np.random.default_rng(0).random((30, 40)) < 0.1)
    calls: list[Callable[[], Any]] = [
        lambda: sparsity.pattern_of(program, 0, n, one.paths.root.outputs),
        lambda: sparsity._colour_stars(stars),
        lambda: sparsity.colour_columns(columns, columns.transposed()),
    ]
    for call in calls:
        k = 0
        while True:
            k += 1
            lib.pg_fail_at(k)
            try:
                call()
            except MemoryError:
                continue
            finally:
                lib.pg_fail_at(0)
            break
        assert k > 2
    assert lib.pg_program_pattern(program, 0, n, 1, 0, ffi.new("pg_pattern **")) in {0, 1}
    lib.pg_pattern_free(ffi.NULL)
