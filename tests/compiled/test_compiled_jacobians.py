"""Jacobians and Hessians of compiled functions: one sweep traced, and run over all directions as rows."""

from __future__ import annotations

import doctest
import functools
import gc
import threading
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    value_and_grad,
    vmap,
)
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import ffi, lib
from pygrad.programs import sweeps


@pytest.fixture
def always_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a Jacobian is, its sweeps are no single program."""
    monkeypatch.setattr(sweeps, "_FEW_SWEEPS", 0)
    monkeypatch.setattr(sweeps, "_FEW_NODES", 0)


def rosenbrock(x: Any) -> Any:
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def log_sum_exp(x: Any) -> Any:
    return pm.log(sum(pm.exp(a) for a in x))


def close(found: Any, wanted: Any) -> None:
    """The same structure, and numbers within rounding."""
    assert type(found) is type(wanted)
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            close(a, b)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for name in wanted:
            close(found[name], wanted[name])
    else:
        if isinstance(wanted, np.ndarray):
            assert (
                found.dtype == np.float64 and found.flags.writeable and found.shape == wanted.shape
            )
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def sweeps_of(compiled: Any) -> list[int]:
    return [path["sweeps"] for path in compiled.programs]


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [rosenbrock, log_sum_exp])
@pytest.mark.parametrize("n", [1, 3, 70, 130])
def test_hessians_equal_uncompiled_ones(f: Any, n: int, always_rows: None) -> None:
    x = np.linspace(0.1, 0.9, n + (f is rosenbrock))
    wanted = hessian(f)(x)
    for compiled in (compile_(hessian(f)), hessian(compile_(f)), compile_(hessian(compile_(f)))):
        close(compiled(x), wanted)
        close(compiled(x), wanted)
        assert len(compiled.programs) == 1 and "sweeps" in compiled.programs[0]


@pytest.mark.parametrize("transform", [jacobian, jacrev, jacfwd])
@pytest.mark.parametrize(("n", "m"), [(70, 70), (70, 3), (3, 70), (1, 70), (70, 1)])
def test_jacobians_take_the_way_with_fewer_directions(
    transform: Any, n: int, m: int, always_rows: None
) -> None:
    def f(x: Any) -> Any:
        total = sum(x)
        return np.array([pm.sin(total * (k + 1)) * x[k % n] for k in range(m)])

    x = np.linspace(0.1, 0.9, n)
    wanted = transform(f)(x)
    for compiled in (compile_(transform(f)), transform(compile_(f))):
        close(compiled(x), wanted)
        assert sweeps_of(compiled) == [min(n, m)]


STRUCTURES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (lambda x: x**3, (2.0,), 0),
    (lambda x: [x[0] * x[1], x[1] ** 2], ([2.0, 3.0],), 0),
    (lambda x: {"a": x[0] * x[1], "b": (x[1] ** 2, x)}, ([2.0, 3.0],), 0),
    (lambda p, k: p["w"] @ p["v"] * k, ({"w": np.ones((2, 3)), "v": np.arange(3.0)}, 2.0), 0),
    (lambda p, k: p["w"] @ p["v"] * k, ({"w": np.ones((2, 3)), "v": np.arange(3.0)}, 2.0), (1, 0)),
    (lambda x, y: np.outer(x, y), (np.arange(3.0), np.arange(2.0)), (0, 1)),
    (lambda x, y: np.outer(x, y), (np.arange(3.0), np.arange(2.0)), -1),
    (lambda x: [1.0, x[0], Value(3.0)], (np.ones(4),), 0),
    (lambda x: [], (np.ones(3),), 0),
    (lambda x: [1.0, 2.0], (np.empty(0),), 0),
]


@pytest.mark.parametrize(("f", "args", "argnums"), STRUCTURES)
@pytest.mark.parametrize("transform", [jacrev, jacfwd, hessian])
def test_structures_are_those_of_the_transform(
    transform: Any, f: Any, args: Any, argnums: Any, always_rows: None
) -> None:
    derivative = transform(f, argnums=argnums)
    wanted = derivative(*args)
    close(compile_(derivative)(*args), wanted)
    close(transform(compile_(f), argnums=argnums)(*args), wanted)


def test_aux_comes_back_beside_them(always_rows: None) -> None:
    def f(x: Any, k: Any) -> Any:
        return rosenbrock(x) * k, {"sum": sum(x), "all": x, "k": [k, 2.0]}

    x = np.linspace(0.0, 1.0, 60)
    for transform in (jacobian, jacfwd, hessian):
        wanted = transform(f, has_aux=True)(x, 3.0)
        close(compile_(transform(f, has_aux=True))(x, 3.0), wanted)
        close(transform(compile_(f), has_aux=True)(x, 3.0), wanted)
    nothing = compile_(jacfwd(lambda x, k: ([x[0]], k * 2), argnums=1, has_aux=True))
    close(nothing(x, np.empty(0)), (np.empty((1, 0)), np.empty(0)))


def test_a_hessian_of_several_outputs(always_rows: None) -> None:
    def f(x: Any) -> list[Any]:
        return [rosenbrock(x), log_sum_exp(x)]

    x = np.linspace(0.1, 0.9, 55)
    close(compile_(hessian(f))(x), hessian(f)(x))


def test_results_are_their_owners(always_rows: None) -> None:
    for f in (rosenbrock, log_sum_exp):
        compiled = compile_(hessian(f))
        x = np.linspace(0.1, 0.9, 60)
        first = compiled(x)
        wanted = first.copy()
        first[:] = -1.0
        second = compiled(x)
        np.testing.assert_array_equal(second, wanted)
        assert not np.may_share_memory(first, second)


# -- programs --------------------------------------------------------------------------------------


def test_the_program_is_as_long_as_one_sweep() -> None:
    lengths = []
    for n in (100, 200, 300):
        for f in (rosenbrock, log_sum_exp):
            compiled = compile_(hessian(f))
            compiled(np.linspace(0.1, 0.9, n))
            lengths.append(compiled.programs[0]["instructions"])
    rosen, lse = np.diff(lengths[::2]), np.diff(lengths[1::2])
    assert rosen[0] == rosen[1] and lse[0] == lse[1] and max(lengths) < 30 * 300


def test_rows_do_only_what_depends_on_the_direction() -> None:
    compiled = compile_(hessian(log_sum_exp))
    compiled(np.linspace(0.1, 0.9, 100))
    (program,) = compiled.store.calls
    code = program.paths.root.program
    names = [ffi.string(lib.pg_code_name(code.code[i].code)) for i in range(code.length)]
    assert names[: code.once].count(b"exp") == 100
    assert set(names[code.spread :]) <= {
        b"add",
        b"sub",
        b"neg",
        b"mul0",
        b"mul",
        b"fused",
        b"output",
    }
    assert lib.pg_program_verify(code) == 1


def test_directions_with_results_in_different_places_share_rows_without_another_bit(
    always_rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def f(x: Any) -> Any:
        return sum(pm.sin(a * b) * pm.exp(c) for a, b, c in zip(x, x[1:], x[2:], strict=False))

    x = np.linspace(0.1, 0.9, 80)
    shared = compile_(hessian(f))
    together = shared(x)
    assert sweeps_of(shared) == [5]
    monkeypatch.setattr(sweeps.sparsity, "pattern_of", lambda *args: None)
    alone = compile_(hessian(f))
    np.testing.assert_array_equal(alone(x), together)
    assert sweeps_of(alone) == [80]


def test_few_or_short_sweeps_are_one_program() -> None:
    for transform, f, n in (
        (hessian, rosenbrock, 10),
        (jacobian, lambda x: [sum(x), x[0] * x[1]], 500),
        (jacfwd, lambda x: [pm.sin(k * x[0]) * x[1] for k in range(500)], 2),
    ):
        compiled = compile_(transform(f))
        x = np.linspace(0.1, 0.9, n)
        close(compiled(x), transform(f)(x))
        assert "sweeps" not in compiled.programs[0]
    # Both kinds follow their fewest sweeps: by outputs of 500 inputs a gradient takes one.
    compiled = compile_(jacfwd(rosenbrock))
    compiled(np.linspace(0.1, 0.9, 500))
    assert compiled.programs[0]["instructions"] < 30 * 500


def test_functions_are_traced_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(0)
        return log_sum_exp(x)

    for make in (lambda: compile_(hessian(f)), lambda: hessian(compile_(f))):
        calls.clear()
        compiled = make()
        for shift in range(3):
            compiled(np.linspace(0.0, 1.0, 90) + shift)
        assert len(calls) == 1
    one = compile_(f)
    calls.clear()
    for _ in range(3):  # the program is kept with the function
        hessian(one)(np.linspace(0.0, 1.0, 90))
    assert len(calls) == 1


# -- paths -----------------------------------------------------------------------------------------


def branching(x: Any) -> Any:
    total = 0.0
    for a, b in pairwise(x):
        total = total + (a * b if a > 0 else pm.exp(a) * b)
        if total > 50:
            break
    return total


def test_all_rows_take_the_path_of_the_point(always_rows: None) -> None:
    rng = np.random.default_rng(3)
    compiled, inside = compile_(hessian(branching)), hessian(compile_(branching))
    points = [rng.normal(size=6) for _ in range(30)]
    for x in [*points, *points]:
        wanted = hessian(branching)(x)
        close(compiled(x), wanted)
        close(inside(x), wanted)
    signs = {tuple(x[:-1] > 0) for x in points}
    assert len(compiled.programs) == len(signs) == len(inside.programs)


def test_a_loop_whose_length_depends_on_the_point(always_rows: None) -> None:
    def root(x: Any) -> Any:
        y = x[0] + 1.0
        while abs(y * y - x[0] * x[1]) > 1e-9:
            y = (y + x[0] * x[1] / y) / 2
        return y

    compiled = compile_(hessian(root))
    for point in ([2.0, 3.0], [200.0, 3.0], [0.02, 1.0], [2.5, 3.1]):
        close(compiled(point), hessian(root)(point))
    assert len(compiled.programs) > 1


def test_each_path_has_the_program_that_suits_it() -> None:
    def f(x: Any) -> Any:
        return rosenbrock(x) if x[0] > 0 else sum(a * a for a in x)

    compiled = compile_(hessian(f))
    for sign in (1.0, -1.0, 1.0, -1.0):
        x = sign * np.linspace(0.1, 0.9, 60)
        close(compiled(x), hessian(f)(x))
    assert ["sweeps" in path for path in compiled.programs] == [True, False]


def test_too_many_paths_run_uncompiled(always_rows: None) -> None:
    def f(x: Any) -> Any:
        k = 0
        while x[0] > k:
            k += 1
        return k * x[1] ** 2

    compiled = compile_(hessian(f))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(270):
            assert compiled([k + 0.5, 1.0])[1][1] == 2.0 * (k + 1)
    assert len(caught) == 1 and "different paths" in str(caught[0].message)


# -- what is around and within ---------------------------------------------------------------------


def test_given_values_they_are_the_function_itself(always_rows: None) -> None:
    x = np.linspace(0.1, 0.9, 4)

    def total(derivative: Any) -> Any:
        return lambda x: sum(item * (k + 1) for k, item in enumerate(derivative(x).ravel()))

    for transform in (jacobian, jacfwd, hessian):
        wanted = grad(total(transform(np_square)))(x)
        for derivative in (compile_(transform(np_square)), transform(compile_(np_square))):
            derivative(x)  # its program for numbers is there
            close(grad(total(derivative))(x), wanted)
            close(compile_(grad(total(derivative)))(x), wanted)
            close(vmap(total(derivative))(x[None]), np.array([total(transform(np_square))(x)]))


def np_square(x: Any) -> Any:
    return np.array([x[0] * x[1] ** 2, x[2] ** 3 * x[3]])


def test_live_values_are_read_at_each_call(always_rows: None) -> None:
    w = Value(2.0)
    compiled = compile_(hessian(lambda x: w * rosenbrock(x)))
    x = np.linspace(0.1, 0.9, 5)
    for number in (2.0, 5.0):
        w.data = number
        close(compiled(x), number * hessian(rosenbrock)(x))
    assert len(compiled.programs) == 1


def test_values_of_a_transform_around_them_are_differentiated_by(always_rows: None) -> None:
    x = np.linspace(0.1, 0.9, 5)

    def entry(a: Any, how: Any) -> Any:
        return how(lambda y: a**2 * rosenbrock(y))(x)[0][0]

    wanted = grad(lambda a: entry(a, hessian))(3.0)
    for how in (lambda f: compile_(hessian(f)), lambda f: hessian(compile_(f))):
        close(grad(functools.partial(entry, how=how))(3.0), wanted)
        found = value_and_grad(functools.partial(entry, how=how))(3.0)
        close(found, (float(entry(3.0, hessian)), wanted))


def test_transforms_of_transforms(always_rows: None) -> None:
    x = np.linspace(0.1, 0.9, 4)
    for make in (
        lambda f: jacfwd(jacfwd(grad(f))),
        lambda f: jacobian(hessian(f)),
        lambda f: jacobian(lambda x: hvp(f, x, x)),
        lambda f: hessian(lambda x: sum(grad(f)(x))),
    ):
        wanted = make(rosenbrock)(x)
        close(compile_(make(rosenbrock))(x), wanted)
        close(make(compile_(rosenbrock))(x), wanted)


def test_a_wrapper_of_a_jacobian_is_another_function(always_rows: None) -> None:
    derivative = hessian(rosenbrock)

    @functools.wraps(derivative)
    def doubled(x: Any) -> Any:
        return 2 * derivative(x)

    x = np.linspace(0.1, 0.9, 4)
    close(compile_(doubled)(x), 2 * derivative(x))
    close(compile_(grad(lambda x: doubled(x)[0, 0]))(x), grad(lambda x: doubled(x)[0, 0])(x))


def test_static_and_named_arguments_and_methods(always_rows: None) -> None:
    def f(x: Any, power: int, *, name: str, scale: float = 1.0) -> Any:
        return scale * sum(a**power for a in x) + (x[0] if name == "a" else 0.0)

    x = np.linspace(0.1, 0.9, 4)
    compiled = compile_(hessian(f), static_argnums=1)
    inside = hessian(compile_(f, static_argnums=1))
    for power, name in ((2, "a"), (3, "a"), (3, "b")):
        wanted = hessian(f)(x, power, name=name, scale=2.0)
        close(compiled(x, power, name=name, scale=2.0), wanted)
        close(inside(x, power, name=name, scale=2.0), wanted)
    assert len(compiled.programs) == 3

    class Model:
        weight = 3.0

        def energy(self, x: Any) -> Any:
            return self.weight * rosenbrock(x)

        curvature = hessian(compile_(energy), argnums=1)

    close(Model().curvature(x), 3.0 * hessian(rosenbrock)(x))


def test_mapped_functions_keep_their_own_way() -> None:
    rows = np.linspace(0.1, 0.9, 12).reshape(3, 4)
    loss = vmap(lambda w, x: (w * x).sum() ** 2, in_axes=(None, 0), reduce="mean")
    close(hessian(compile_(loss))(np.ones(4), rows), hessian(loss)(np.ones(4), rows))
    each = vmap(hessian(rosenbrock))
    close(compile_(each)(rows), np.array([hessian(rosenbrock)(x) for x in rows]))
    close(vmap(hessian(compile_(rosenbrock)))(rows), compile_(each)(rows))


def test_verify_runs_the_function_beside(always_rows: None) -> None:
    constants = [2.0]
    x = np.linspace(0.1, 0.9, 5)
    for compiled in (
        compile_(hessian(lambda x: constants[0] * rosenbrock(x)), verify=True),
        hessian(compile_(lambda x: constants[0] * rosenbrock(x), verify=True)),
    ):
        constants[0] = 2.0
        compiled(x)
        constants[0] = 3.0
        with pytest.raises(RuntimeError, match="changed since it was traced"):
            compiled(x)


def test_errors_are_those_of_the_transform(always_rows: None) -> None:
    with pytest.raises(TypeError, match="argnums has 2"):
        compile_(jacobian(lambda x: [x], argnums=2))(1.0)
    with pytest.raises(TypeError, match="must return a pair"):
        compile_(jacobian(lambda x: [x], has_aux=True))(1.0)
    with pytest.raises(pygrad.TraceError, match="stop_gradient"):
        compile_(jacobian(lambda x: [x * x.data]))(1.0)
    with pytest.raises(KeyError, match="boom"):
        compile_(hessian(lambda x: {}["boom"]))(1.0)
    assert not pygrad.value.trace_active()


# -- numbers that are not finite, threads, signals, memory -----------------------------------------


def test_zeros_win_and_nans_are_nans(always_rows: None) -> None:
    def f(x: Any) -> Any:
        return sum(pm.where(a, pm.log(a), 0.0 * b) for a, b in pairwise(x))

    found = compile_(hessian(f))(np.array([0.0, 2.0, 0.0, 3.0]))
    np.testing.assert_array_equal(found, np.diag([0.0, -0.25, 0.0, 0.0]))
    assert np.isnan(compile_(hessian(lambda x: pm.log(x[0]) * x[1]))(np.array([-1.0, 1.0]))[0, 0])


def test_threads_share_a_program(always_rows: None) -> None:
    compiled = compile_(hessian(log_sum_exp))
    points = [np.random.default_rng(k).normal(size=70) for k in range(8)]
    wanted = [compiled(x) for x in points]
    wrong: list[Any] = []

    def run(k: int) -> None:
        for i in range(40):
            x = (i + k) % len(points)
            if not np.array_equal(compiled(points[x]), wanted[x]):
                wrong.append(x)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_results_do_not_depend_on_where_a_run_stops_to_look_for_ctrl_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def f(x: Any) -> list[Any]:
        total = sum(x)
        return [pm.sin(total * a) for a in x]

    x = np.linspace(0.1, 0.9, 300)
    wanted = compile_(jacobian(f))(x)
    monkeypatch.setattr(sweeps, "_AT_ONCE", 1)
    monkeypatch.setattr(sweeps, "_MUCH_MEMORY", 1)
    looks: list[int] = []
    rows = sweeps.DirectionRows.run

    def counted(self: Any) -> Any:
        looks.append(-(-self.plan.sweeps // self.step))
        return rows(self)

    monkeypatch.setattr(sweeps.DirectionRows, "run", counted)
    cut = compile_(jacobian(f))
    np.testing.assert_array_equal(cut(x), wanted)
    assert looks == [5] and sweeps_of(cut) == [300]


def test_no_nodes_are_left_behind(always_rows: None) -> None:
    gc.collect()
    before = lib.pg_live_nodes()
    compiled = compile_(hessian(rosenbrock))
    compiled(np.ones(6))
    hessian(compile_(branching))(np.ones(6))
    hessian(compile_(functools.partial(lambda w, x: w * x[0] ** 2, Value(2.0))))(np.ones(6))
    del compiled
    gc.collect()
    assert lib.pg_live_nodes() <= before


def test_examples_in_the_documentation() -> None:
    assert doctest.testmod(sweeps).failed == 0
