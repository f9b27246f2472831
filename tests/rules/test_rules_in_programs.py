"""Rules in programs: traced into them, and never lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import (
    TraceError,
    Value,
    autograph,
    checkpoint,
    cond,
    custom_jvp,
    fori_loop,
    grad,
    hessian,
    jacobian,
    load,
    math,
    scan,
    vmap,
    while_loop,
)
from pygrad import compile as compile_

ROWS = np.array([0.5, 1.5, 2.0])


@custom_jvp
def square(x: Any) -> Any:
    return x * x


@square.defjvp
def square_rule(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return square(x), 3 * x * t


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


def test_loops_of_programs_have_values_and_refuse_to_lose_the_rule() -> None:
    trips = np.linspace(0.5, 0.7, 60)

    def scanned(x):
        return scan(lambda c, r: (math.sin(square(c)) + r, c), x, trips * x)[0]

    def counted(x):
        return fori_loop(0, 3, lambda i, c: square(c), x)

    for f in (wound, converted, counted, scanned):
        assert compile_(f)(1.5) == pytest.approx(f(1.5), rel=1e-12)
        assert np.isfinite(grad(f)(1.5))
        with pytest.raises(TraceError, match=r"loop.*rule of its own"):
            compile_(grad(f))(1.5)
        assert grad(compile_(f))(1.5) == grad(f)(1.5)  # of the function itself


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
