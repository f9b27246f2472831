"""Rules in programs: traced into them, and never lost in silence."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruled import square

from pygrad import (
    TraceError,
    Value,
    autograph,
    checkpoint,
    cond,
    custom_jvp,
    custom_root,
    custom_vjp,
    fori_loop,
    grad,
    hessian,
    jacobian,
    jvp,
    linalg,
    load,
    math,
    scan,
    vmap,
    while_loop,
)
from pygrad import compile as compile_

ROWS = np.array([0.5, 1.5, 2.0])


def test_values_and_derivatives_of_rows() -> None:
    for mapped in (vmap, lambda f: compile_(vmap(f))):
        assert np.array_equal(mapped(square)(ROWS), ROWS**2)
        assert np.array_equal(mapped(grad(square))(ROWS), 3 * ROWS)
        assert np.array_equal(mapped(grad(grad(square)))(ROWS), [3.0] * 3)
    compiled = compile_(grad(square))
    assert (compiled(2.0), compiled(5.0)) == (6.0, 15.0)

    def weighed(w, x):
        return square(w * x)

    summed = vmap(weighed, in_axes=(None, 0), reduce="sum")
    assert grad(summed)(2.0, ROWS) == 3 * 2.0 * (ROWS**2).sum()
    assert grad(grad(summed))(2.0, np.arange(20.0)) == 3 * (np.arange(20.0) ** 2).sum()


def test_a_compiled_function_that_is_given_values_keeps_the_rule() -> None:
    compiled = compile_(square)
    assert (grad(compiled)(2.0), grad(grad(compiled))(2.0)) == (6.0, 3.0)
    x = Value(2.0)
    compiled(x).backward()
    assert x.grad == 6.0
    assert np.array_equal(grad(lambda x: compile_(vmap(square))(x).sum())(ROWS), 3 * ROWS)
    assert np.array_equal(hessian(lambda x: vmap(square)(x).sum())(ROWS), np.diag([3.0] * 3))


def test_branches_checkpoints_and_unrolled_loops_keep_it() -> None:
    def either(x):
        return cond(x > 1, square, lambda x: x, x)

    assert np.array_equal(vmap(grad(either))(ROWS), [1.0, 4.5, 6.0])

    def much(x: Any) -> Any:
        for _ in range(40):
            x = math.sin(square(x)) + math.cos(x)
        return x

    expected = grad(much)(1.5)
    way = compile_(lambda x: cond(x > 1, much, lambda x: x, x))
    assert way(1.5) == pytest.approx(much(1.5), rel=1e-12)
    assert grad(way)(1.5) == pytest.approx(expected, rel=1e-9)
    assert compile_(grad(lambda x: checkpoint(much)(x)))(1.5) == pytest.approx(expected, rel=1e-9)


def wound(x: Any) -> Any:
    return while_loop(lambda s: s < 100, lambda s: square(s) + 1, x)


@autograph
def converted(x: Any) -> Any:
    while x < 100:
        x = square(x) + 1
    return x


def scanned(x):
    trips = np.linspace(0.1, 0.3, 20)
    return scan(lambda c, r: (math.sin(square(c)) + r, c), x, trips * x)[0]


def within_loops(x):
    def inner(c):
        return fori_loop(0, 2, lambda i, d: math.sin(square(d)) * x, c)

    return fori_loop(0, 2, lambda i, c: inner(c) + square(c), x)


def within_a_way(x):
    return cond(x > 1, lambda v: wound(v) * x, lambda v: v * x, x)


@pytest.mark.parametrize("f", [wound, converted, scanned, within_loops, within_a_way])
def test_loops_of_programs_keep_it(f: Any) -> None:
    derivatives = [
        f,
        grad(f),
        lambda x: jvp(f, (x,), (1.0,)),
        grad(grad(f)),
        hessian(f),
        grad(grad(grad(f))),
    ]
    for derivative in derivatives:
        wanted = [derivative(x) for x in ROWS]
        assert compile_(derivative)(ROWS[1]) == pytest.approx(wanted[1], rel=1e-11)
        found = np.array(vmap(derivative)(ROWS))
        assert found == pytest.approx(np.array(wanted).T, rel=1e-11)
    assert grad(compile_(f))(1.5) == grad(f)(1.5)  # of the function itself


@custom_jvp
def tripled(x):
    return 3.0 * x


@tripled.defjvp
def _(primals, tangents):  # by what it is not, which tells that the rule is used
    (x,), (t,) = primals, tangents
    return tripled(x), 5.0 * tripled(x) * t


def test_loops_are_differentiated_by_what_the_rule_says() -> None:
    def f(x):
        return fori_loop(0, 3, lambda i, c: tripled(c), x)

    first, second = grad(f), grad(grad(f))
    assert compile_(first)(2.0) == first(2.0) != 27.0
    assert compile_(second)(2.0) == second(2.0) != 0.0


def test_a_rule_with_a_loop_of_its_own_in_the_body_of_one() -> None:
    @custom_vjp
    def power(x, y):
        return fori_loop(0, 4, lambda i, p: p * x, y)

    power.defvjp(
        lambda x, y: (power(x, y), (x, y)),
        lambda r, g: (
            4 * g * fori_loop(0, 3, lambda i, p: p * r[0], r[1]),
            g * while_loop(lambda s: s[1] < 4, lambda s: (s[0] * r[0], s[1] + 1), (1.0, 0))[0],
        ),
    )

    def f(x):
        return fori_loop(0, 3, lambda i, c: math.cos(power(c, x)), x)

    @autograph
    def in_a_branch(x):
        if x > 1.2:
            x = grad(f)(x) * x
        return x

    for derivative in (grad(f), grad(grad(f)), in_a_branch, grad(in_a_branch)):
        wanted = [derivative(x) for x in ROWS]
        assert compile_(derivative)(ROWS[1]) == pytest.approx(wanted[1], rel=1e-11)
        assert vmap(derivative)(ROWS) == pytest.approx(wanted, rel=1e-11)


def test_an_implicit_step_of_a_system_in_the_body_of_a_loop() -> None:
    def newton(u, k):
        def step(i, v):
            j = np.array(
                [[1 + 0.1 * k * v[1], 0.1 * k * v[0]], [-0.1 * k * v[1], 1 - 0.1 * k * v[0]]]
            )
            return v - linalg.solve(j, residual(v, u, k))

        return fori_loop(0, 6, step, u)

    def residual(v, u, k):
        return np.array([v[0] - u[0] + 0.1 * k * v[0] * v[1], v[1] - u[1] - 0.1 * k * v[0] * v[1]])

    implicit = custom_root(residual)(newton)

    def prey(k):
        start = np.array([1.0, 0.5])
        return fori_loop(0, 5, lambda i, u: implicit(u, k), start * (1 + 0 * k))[0]

    for derivative in (prey, grad(prey), grad(grad(prey))):
        wanted = [derivative(k) for k in ROWS]
        assert vmap(derivative)(ROWS) == pytest.approx(wanted, rel=1e-9)


def test_saved_programs(tmp_path: Path) -> None:
    def saved(f: Any, *at: float) -> Any:
        compiled = compile_(f)
        compiled(*at)
        compiled.save(tmp_path / "f.pgx")
        return load(tmp_path / "f.pgx")

    assert saved(square, 2.0)(3.0) == 9.0
    assert saved(grad(square), 2.0)(3.0) == 9.0
    loaded = saved(square, 2.0)
    assert np.array_equal(vmap(loaded)(ROWS), ROWS**2)
    y = loaded(Value(3.0))
    assert y.data == 9.0
    for derivative in (y.backward, lambda: grad(loaded)(3.0), lambda: vmap(grad(loaded))(ROWS)):
        with pytest.raises(TraceError, match="rule of its own"):
            derivative()
    assert "in[0]" in compile_(grad(square)).to_c(2.0)
    assert saved(wound, 1.5)(1.6) == wound(1.6)


def test_sparse_patterns_see_what_the_rule_adds() -> None:
    @custom_jvp
    def rounded(x: Any) -> Any:
        return [math.round(v) for v in x]

    rounded.defjvp(lambda p, t: (rounded(*p), [t[0][1], t[0][0]]))

    def f(x):
        return rounded([x[0], x[1]])

    at = np.array([1.2, 2.3])
    assert np.array_equal(jacobian(f)(at), [[0.0, 1.0], [1.0, 0.0]])
    assert np.array_equal(jacobian(f, sparse=True)(at).toarray(), [[0.0, 1.0], [1.0, 0.0]])


def test_comparisons_within_function_and_rule_are_asked_of_each_row() -> None:
    @custom_jvp
    def leaky(x: Any) -> Any:
        return x if x > 1 else 0 * x

    leaky.defjvp(lambda p, t: (leaky(*p), t[0] if p[0] > 1 else 0.1 * t[0]))
    assert np.array_equal(vmap(grad(leaky))(ROWS), [0.1, 1.0, 1.0])
    compiled = compile_(grad(leaky))
    assert [compiled(x) for x in ROWS] == [0.1, 1.0, 1.0]


def test_a_collection_within_a_sweep_takes_no_rule() -> None:
    @custom_vjp
    def root(x):
        return math.sqrt(x)

    def back(x, g):
        gc.collect()  # while sweeps hold what other rules have made
        return (g / (2 * root(x)),)

    root.defvjp(lambda x: (root(x), x), back)

    def f(x):
        return root(math.sin(root(x * x + 1)))

    def plain(x):
        return math.sqrt(math.sin(math.sqrt(x * x + 1)))

    third = grad(grad(grad(f)))(0.7)
    assert third == pytest.approx(grad(grad(grad(plain)))(0.7), rel=1e-12)

    def wound(x):
        return fori_loop(0, 3, lambda i, c: root(math.sin(c) + 2), x)

    def collected(x):
        y = wound(x)
        gc.collect()
        return y

    found = compile_(grad(grad(collected)))(0.7)
    assert found == pytest.approx(grad(grad(wound))(0.7), rel=1e-12)
