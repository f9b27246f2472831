"""Sparse Jacobians and Hessians: where entries are, how few sweeps they take, whether they are right."""

from __future__ import annotations

import doctest
import gc
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    no_grad,
    vmap,
)
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import lib

scipy_sparse = pytest.importorskip("scipy.sparse")
optimize = pytest.importorskip("scipy.optimize")

from pygrad import scipy as pygrad_scipy  # noqa: E402
from pygrad.programs import sparsity  # noqa: E402


def chain(x: Any) -> Any:
    return sum((b - a) ** 4 + pm.exp(-a) for a, b in pairwise(x))


def chain_hessian(x: Any) -> Any:
    """Its Hessian by hand, as diagonals: the one above the main one, and that."""
    steps = 12 * np.diff(x) ** 2
    main = np.zeros(len(x))
    main[:-1] += steps + np.exp(-x[:-1])
    main[1:] += steps
    return -steps, main


def sweeps_of(compiled: Any) -> int:
    return int(compiled.programs[-1]["sweeps"])


def dense_hessian(f: Callable[..., Any], x: Any) -> Any:
    return hessian(f)(x)


# -- Hessians --------------------------------------------------------------------------------------


def test_a_chain_of_ten_thousand_in_three_sweeps_equals_the_closed_form() -> None:
    n = 10_000
    sparse = compile_(hessian(chain, sparse=True))
    for x in (np.linspace(-1.0, 1.0, n), np.sin(np.arange(float(n)))):
        found = sparse(x)
        above, main = chain_hessian(x)
        assert found.shape == (n, n) and found.nnz == 3 * n - 2 and found.dtype == np.float64
        np.testing.assert_allclose(found.diagonal(), main, rtol=1e-14)
        np.testing.assert_allclose(found.diagonal(1), above, rtol=1e-14)
        np.testing.assert_array_equal(found.diagonal(-1), found.diagonal(1))
    assert [path["sweeps"] for path in sparse.programs] == [3]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_peak_memory_is_linear_in_the_length_of_the_chain(tmp_path: Path) -> None:
    program = tmp_path / "peak.py"
    program.write_text(
        "import re\n"
        "import numpy as np\n"
        "from pygrad import hessian\n"
        "def chain(x):\n"
        "    return sum((b - a) ** 4 for a, b in zip(x, x[1:]))\n"
        "for n in (100, 10_000, 20_000):\n"
        "    hessian(chain, sparse=True)(np.zeros(n))\n"
        "    print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    start, half, whole = map(int, done.stdout.split())
    assert whole - start < 3 * (half - start)  # 4 times would be quadratic


def test_what_is_kept_is_linear_in_the_length_of_the_chain() -> None:
    sizes = []
    for n in (500, 1000, 1500):
        sparse = compile_(hessian(chain, sparse=True))
        nnz = sparse(np.ones(n)).nnz
        (program,) = sparse.store.calls
        path = program.paths.root
        sizes.append([nnz, path.instructions, path.uniform_bytes, path.lane_bytes])
    assert np.diff(sizes, n=2, axis=0).tolist() == [[0, 0, 0, 0]]


def arrowhead(x: Any) -> Any:
    return sum(pm.sin(x[0] * y) + y**4 for y in x[1:])


def reversed_arrowhead(x: Any) -> Any:
    return sum(pm.sin(x[-1] * y) + y**4 for y in x[:-1])


@pytest.mark.parametrize("f", [arrowhead, reversed_arrowhead])
def test_an_arrowhead_in_two_sweeps(f: Any) -> None:
    x = np.linspace(0.2, 1.4, 200)
    sparse = compile_(hessian(f, sparse=True))
    found, wanted = sparse(x), dense_hessian(f, x)
    assert sweeps_of(sparse) == 2 and found.nnz == 3 * 200 - 2
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-13, atol=1e-15)


def random_sum(seed: int, n: int, terms: int) -> Callable[[Any], Any]:
    """A function with a random sparse Hessian."""
    rng = random.Random(seed)
    picks = [(rng.randrange(n), rng.randrange(n), rng.randrange(n)) for _ in range(terms)]
    kinds = [rng.randrange(4) for _ in picks]

    def f(x: Any) -> Any:
        total = 0.0
        for (i, j, k), kind in zip(picks, kinds, strict=True):
            if kind == 0:
                total = total + pm.sin(x[i] * x[j])
            elif kind == 1:
                total = total + x[i] * x[j] * x[k]
            elif kind == 2:
                total = total + pm.tanh(x[i] - 2.0 * x[j]) * pm.floor(x[k])
            else:
                total = total + pm.where(x[i] - x[j], pm.exp(x[i]), x[j]) / (3.0 + x[k] ** 2)
        return total

    return f


@pytest.mark.parametrize("seed", range(6))
def test_a_random_sparse_pattern_against_the_dense_result(seed: int) -> None:
    n = 60
    f = random_sum(seed, n, 70)
    x = np.random.default_rng(seed).normal(size=n)
    found = hessian(f, sparse=True)(x)
    np.testing.assert_allclose(found.toarray(), dense_hessian(f, x), rtol=1e-12, atol=1e-13)
    assert (found != found.T).nnz == 0  # exactly symmetric
    gradient = grad(f)
    np.testing.assert_allclose(
        jacobian(gradient, sparse=True)(x).toarray(), found.toarray(), rtol=1e-12, atol=1e-13
    )


def test_an_entry_is_where_the_program_says_and_only_there() -> None:
    x = np.array([0.5, 2.0, -1.0, 3.0])

    def f(x: Any) -> Any:  # x[0] is linear, x[1] is rounded, x[2] and x[3] meet
        return 3.0 * x[0] + pm.floor(x[1]) * x[0] + x[2] ** 2 * x[3] + pygrad.stop_gradient(x[1])

    found = hessian(f, sparse=True)(x)
    assert found.toarray().tolist() == dense_hessian(f, x).tolist()
    assert sorted(zip(*map(list, found.nonzero()), strict=True)) == [(2, 2), (2, 3), (3, 2)]
    assert found.nnz == 3 and found.has_sorted_indices


@pytest.mark.long
def test_a_chain_of_a_hundred_thousand_unknowns() -> None:
    n = 100_000
    sparse = compile_(hessian(chain, sparse=True))
    x = np.cos(np.arange(float(n)))
    found = sparse(x)
    above, main = chain_hessian(x)
    np.testing.assert_allclose(found.diagonal(), main, rtol=1e-14)
    np.testing.assert_allclose(found.diagonal(1), above, rtol=1e-14)
    assert sweeps_of(sparse) == 3


# -- Jacobians -------------------------------------------------------------------------------------


def bands(x: Any) -> list[Any]:
    return [pm.sin(a) * b for a, b in pairwise(x)]


def with_full_row(x: Any) -> list[Any]:
    return [*bands(x), sum(a * a for a in x)]


def with_full_column(x: Any) -> list[Any]:
    return [a * x[0] ** 2 for a in x[1:]]


def with_both(x: Any) -> list[Any]:
    return [*with_full_column(x)[:-1], sum(x)]


@pytest.mark.parametrize(
    ("f", "sweeps"), [(bands, 2), (with_full_row, 3), (with_full_column, 2), (with_both, 39)]
)
@pytest.mark.parametrize("transform", [jacobian, jacrev, jacfwd])
def test_columns_or_rows_share_sweeps_whichever_makes_fewer(
    transform: Any, f: Any, sweeps: int
) -> None:
    sparse = compile_(transform(f, sparse=True))
    x = np.linspace(0.5, 1.5, 40)
    np.testing.assert_allclose(sparse(x).toarray(), jacobian(f)(x), rtol=1e-14, atol=0)
    assert sweeps_of(sparse) == sweeps


def test_more_rows_than_columns_and_more_columns_than_rows() -> None:
    def tall(x: Any) -> list[Any]:  # a full column: by rows it takes as many sweeps as there are
        return [pm.sin(k * x[0]) + x[k % 5] ** 2 for k in range(30)]

    def wide(x: Any) -> list[Any]:
        return [sum(x[k::3]) * x[k] for k in range(3)]

    for f, n, most in ((tall, 5, 5), (wide, 60, 1)):
        sparse = compile_(jacobian(f, sparse=True))
        x = np.linspace(0.1, 0.9, n)
        np.testing.assert_allclose(sparse(x).toarray(), jacobian(f)(x), rtol=1e-13, atol=1e-15)
        assert sweeps_of(sparse) <= most


def test_shapes_are_numbers_in_the_result_by_numbers_in_the_argument() -> None:
    def f(p: dict[str, Any], s: float) -> tuple[Any, list[Any]]:
        return p["a"] * s, [p["b"][0, 1] ** 2, p["b"][1, 0] * p["a"]]

    p = {"a": 2.0, "b": np.arange(4.0).reshape(2, 2)}
    found = jacobian(f, argnums=(0, 1), sparse=True)(p, 3.0)
    wanted = np.zeros((3, 6))
    wanted[0, [0, 5]] = 3.0, 2.0
    wanted[1, 2] = 2.0
    wanted[2, [0, 3]] = 2.0, 2.0
    np.testing.assert_array_equal(found.toarray(), wanted)
    assert jacobian(f, sparse=True)(p, 3.0).shape == (3, 5)
    assert jacobian(f, argnums=1, sparse=True)(p, 3.0).toarray().tolist() == [[2.0], [0.0], [0.0]]
    assert hessian(lambda x: x**3, sparse=True)(2.0).toarray().tolist() == [[12.0]]
    matrix = hessian(lambda x: x[0, 0] * x[1, 1], sparse=True)(np.ones((2, 2)))
    assert matrix.shape == (4, 4) and matrix[0, 3] == matrix[3, 0] == 1.0 and matrix.nnz == 2


def test_aux_and_arguments_that_are_no_numbers() -> None:
    def f(x: Any, index: Any, *, name: str = "a") -> Any:
        y = x[index]  # what is not differentiated by arrives as it is
        return (y[0] ** 3 * y[1], {name: 2 * y[1]})

    x, index = np.array([5.0, 2.0, 7.0, 3.0]), np.array([1, 3])
    found, aux = hessian(f, has_aux=True, sparse=True)(x, index, name="z")
    assert aux == {"z": 6.0}
    np.testing.assert_array_equal(
        found.toarray()[np.ix_(index, index)], [[36.0, 12.0], [12.0, 0.0]]
    )
    compiled = compile_(jacobian(lambda x, k: ([x[0] * k], x[1]), has_aux=True, sparse=True))
    found, aux = compiled(np.array([2.0, 3.0]), 4.0)
    assert found.toarray().tolist() == [[4.0, 0.0]] and aux == 3.0
    none, aux = compile_(jacobian(lambda x: ([], x[0] * 2), has_aux=True, sparse=True))(np.ones(3))
    assert none.shape == (0, 3) and aux == 2.0


def test_nothing_to_differentiate_or_by() -> None:
    assert jacobian(lambda x: list(x), sparse=True)(np.empty(0)).shape == (0, 0)
    assert jacobian(lambda x: [1.0, 2.0], sparse=True)(np.empty(0)).shape == (2, 0)
    assert jacobian(lambda x: [], sparse=True)(np.ones(3)).shape == (0, 3)
    nothing = jacobian(lambda x: [1.0, Value(2.0)], sparse=True)(np.ones(3))
    assert nothing.shape == (2, 3) and nothing.nnz == 0
    assert hessian(lambda x: 3.0 * x[0], sparse=True)(np.ones(3)).nnz == 0


# -- compiled --------------------------------------------------------------------------------------


def test_compiled_it_keeps_trace_pattern_and_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {"f": 0, "pattern": 0, "colours": 0}

    def counted(name: str, function: Any) -> Any:
        def call(*args: Any) -> Any:
            calls[name] += 1
            return function(*args)

        return call

    monkeypatch.setattr(sparsity, "pattern_of", counted("pattern", sparsity.pattern_of))
    monkeypatch.setattr(sparsity, "colour_symmetric", counted("colours", sparsity.colour_symmetric))
    f = counted("f", chain)
    for sparse in (compile_(hessian(f, sparse=True)), hessian(compile_(f), sparse=True)):
        calls.update(f=0, pattern=0, colours=0)
        for shift in range(3):
            x = np.linspace(0.0, 1.0, 20) + shift
            np.testing.assert_allclose(
                sparse(x).toarray(), dense_hessian(chain, x), rtol=1e-13, atol=1e-15
            )
        assert calls == {"f": 1, "pattern": 1, "colours": 1}
    cf = compile_(f)
    hessian(cf, sparse=True)(np.ones(4))
    calls["f"] = 0
    hessian(cf, sparse=True)(np.zeros(4))  # the programs are with the compiled function
    jacobian(grad(chain), sparse=True)(np.zeros(4))
    assert calls["f"] == 0


def test_results_are_their_owners() -> None:
    sparse = compile_(hessian(chain, sparse=True))
    x = np.linspace(0.0, 1.0, 6)
    first = sparse(x)
    wanted = first.toarray()
    first.data[:] = -1.0
    first.indices[:] = 0
    first.indptr[:] = 0
    np.testing.assert_array_equal(sparse(x).toarray(), wanted)


def test_live_values_are_read_at_each_call() -> None:
    w = Value(2.0)
    sparse = compile_(hessian(lambda x: w * x[0] ** 2 + x[1] * w, sparse=True))
    assert sparse([1.0, 1.0]).toarray()[0, 0] == 4.0
    w.data = 5.0
    assert sparse([1.0, 1.0]).toarray()[0, 0] == 10.0
    with no_grad():
        assert sparse([1.0, 1.0]).toarray()[0, 0] == 10.0


def test_verify_finds_what_has_changed() -> None:
    constants = [2.0, 3.0]
    sparse = compile_(
        hessian(lambda x: sum(c * x[i] ** 2 for i, c in enumerate(constants)), sparse=True),
        verify=True,
    )
    assert sparse(np.ones(3)).diagonal().tolist() == [4.0, 6.0, 0.0]
    constants[0] = 7.0
    with pytest.raises(RuntimeError, match="changed since it was traced"):
        sparse(np.ones(3))
    constants[:] = [2.0, 3.0, 4.0]  # another pattern
    with pytest.raises(RuntimeError, match="changed since it was traced"):
        sparse(np.ones(3))


def test_too_many_paths_are_traced_one_by_one() -> None:
    def f(x: Any) -> Any:
        k = 0
        while x[0] > k:
            k += 1
        return k * x[1] ** 2

    sparse = compile_(hessian(f, sparse=True))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(300):
            assert sparse(np.array([k + 0.5, 1.0]))[1, 1] == 2.0 * (k + 1)
    assert len(caught) == 1 and "different paths" in str(caught[0].message)


# -- what cannot be --------------------------------------------------------------------------------


def test_a_sparse_array_holds_no_values() -> None:
    sparse = hessian(lambda x: x[0] ** 2 * x[1], sparse=True)
    with pytest.raises(TypeError, match="takes no Values"):
        sparse([Value(1.0), 2.0])
    for around in (compile_, vmap, grad):
        with pytest.raises(TypeError, match="leave out sparse=True"):
            around(lambda x: sparse([x, 2.0])[0, 0])(np.ones(1) if around is vmap else 1.0)
    for transform in (lambda f: f, compile_):
        with pytest.raises(TypeError, match="leave out sparse=True"):
            grad(lambda a: transform(hessian(lambda x: a * x[0] ** 2, sparse=True))([1.0])[0, 0])(
                2.0
            )
    with pytest.raises(TypeError, match="leave out sparse=True"):
        compile_(sparse)([Value(1.0), 2.0])


def test_a_hessian_of_several_outputs_is_refused() -> None:
    def pair(x: Any) -> list[Any]:
        return [x[0], x[1] ** 2]

    for sparse in (hessian(pair, sparse=True), compile_(hessian(pair, sparse=True))):
        with pytest.raises(TypeError, match=r"one output, but pair\(\) returned more"):
            sparse(np.ones(2))
    one = hessian(lambda x: [x[0] ** 2 * x[1]], sparse=True)(np.array([3.0, 5.0]))
    assert one.toarray().tolist() == [[10.0, 6.0], [6.0, 0.0]]


def test_errors_of_the_function_and_of_arguments_are_their_own() -> None:
    with pytest.raises(KeyError, match="boom"):
        hessian(lambda x: {}["boom"], sparse=True)(np.ones(2))
    with pytest.raises(TypeError, match="must be a number"):
        jacobian(lambda x: [x], sparse=True)("text")
    with pytest.raises(TypeError, match="argnums has 3"):
        jacobian(lambda x: [x], argnums=3, sparse=True)(1.0)
    with pytest.raises(pygrad.TraceError, match="stop_gradient"):
        hessian(lambda x: x[0] ** 2 * x[0].data, sparse=True)(np.ones(2))
    assert not pygrad.value.trace_active()


def test_without_scipy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"pip install 'pygrad-core\[scipy\]'"):
        jacobian(lambda x: [x[0]], sparse=True)(np.ones(2))
    assert jacobian(lambda x: [x[0]])(np.ones(2)).tolist() == [[1.0, 0.0]]


def test_no_nodes_are_left_behind() -> None:
    gc.collect()
    before = lib.pg_live_nodes()
    hessian(chain, sparse=True)(np.ones(10))
    sparse = compile_(jacobian(bands, sparse=True))
    sparse(np.ones(10))
    with pytest.raises(TypeError):
        hessian(lambda x: [x[0], x[1]], sparse=True)(np.ones(2))
    del sparse
    gc.collect()
    assert lib.pg_live_nodes() <= before


# -- SciPy's solvers -------------------------------------------------------------------------------


def rosenbrock(x: Any, scale: float = 1.0) -> Any:
    return scale * sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"])
@pytest.mark.parametrize("wrap", [lambda f: f, compile_])
def test_minimize_with_a_sparse_hessian(method: str, wrap: Any) -> None:
    x0 = np.linspace(0.8, 1.1, 30)
    given: dict[str, Any] = {}
    real = optimize.minimize

    def watch(*args: Any, **kwargs: Any) -> Any:
        given.update(kwargs)
        return real(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimize, "minimize", watch)
        found = pygrad_scipy.minimize(
            wrap(rosenbrock), x0, args=(2.0,), method=method, sparse=True, tol=1e-8
        )
    assert found.success and np.abs(found.x - 1.0).max() < 1e-6
    wanted = hessian(rosenbrock)(x0, 2.0)
    if method in {"Newton-CG", "trust-constr"}:
        assert scipy_sparse.issparse(given["hess"](x0, 2.0)) and given["hessp"] is None
        np.testing.assert_allclose(given["hess"](x0, 2.0).toarray(), wanted, rtol=1e-12)
    else:
        assert given["hess"] is None
        np.testing.assert_allclose(given["hessp"](x0, x0, 2.0), wanted @ x0, rtol=1e-10)


def test_constraints_get_sparse_derivatives_too() -> None:
    def products(x: Any) -> list[Any]:
        return [a * b for a, b in pairwise(x)]

    x0 = np.linspace(0.5, 0.9, 20)
    results = []
    for sparse, constraint in ((False, products), (True, products), (True, compile_(products))):
        bound = optimize.NonlinearConstraint(constraint, -np.inf, 0.7)
        results.append(
            pygrad_scipy.minimize(
                rosenbrock, x0, method="trust-constr", constraints=bound, sparse=sparse
            )
        )
        assert scipy_sparse.issparse(results[-1].jac[0]) == sparse
    for found in results[1:]:
        np.testing.assert_allclose(found.x, results[0].x, rtol=1e-6)


@pytest.mark.parametrize("method", [None, "BFGS", "dogleg", "trust-exact", "Nelder-Mead"])
def test_methods_that_take_no_sparse_hessian_say_so(method: str | None) -> None:
    with pytest.raises(ValueError, match="Newton-CG"):
        pygrad_scipy.minimize(rosenbrock, np.ones(3), method=method, sparse=True)


@pytest.mark.parametrize("wrap", [lambda f: f, compile_])
def test_least_squares_with_a_sparse_jacobian(wrap: Any) -> None:
    def residuals(x: Any, scale: float = 10.0) -> list[Any]:
        steps = [scale * (b - a * a) for a, b in pairwise(x)]
        return steps + [1 - a for a in x[:-1]]

    found = pygrad_scipy.least_squares(
        wrap(residuals), np.linspace(0.7, 1.2, 25), sparse=True, kwargs={"scale": 5.0}
    )
    assert found.success and np.abs(found.x - 1.0).max() < 1e-7
    assert scipy_sparse.issparse(found.jac) and found.jac.nnz == 24 * 3
    with pytest.raises(ValueError, match="dense"):
        pygrad_scipy.least_squares(residuals, np.ones(3), method="lm", sparse=True)


def test_examples_in_the_documentation() -> None:
    assert doctest.testmod(sparsity).failed == 0
