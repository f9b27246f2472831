"""Second and higher derivatives of a reduced vmap are those of its rows, added up by a program."""

from __future__ import annotations

import math as floats
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    compile,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    math,
    no_grad,
    taylor,
    value_and_grad,
    vmap,
)

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 30))
P = np.array([0.5, -1.0, 0.25])


def loss(p: Any, x: Any, y: Any) -> Any:
    return (p[0] * math.tanh(p[1] * x + p[2]) - y) ** 2


def one(p: Any, x: Any, y: Any) -> Any:
    return math.exp(p * x) * y


def reduced(reduce: str = "mean", **options: Any) -> Any:
    return vmap(loss, in_axes=(None, 0, 0), reduce=reduce, **options)


def by_rows(transform: Callable[[Any], Any], reduce: str = "mean", p: Any = P) -> Any:
    """The same as a sum of what the transform says of each row."""
    total = sum(
        np.asarray(transform(lambda p: loss(p, x, y))(p)) for x, y in zip(X, Y, strict=True)
    )
    return total / len(X) if reduce == "mean" else total


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("outer", [None, compile])
@pytest.mark.parametrize(
    "transform",
    [
        hessian,
        lambda f: jacobian(grad(f)),
        lambda f: jacfwd(grad(f)),
        lambda f: jacrev(jacrev(f)),
        lambda f: hessian(grad(f)),
        lambda f: jacfwd(hessian(f)),
    ],
    ids=["hessian", "of grad", "forward", "reverse", "third", "third, forward"],
)
def test_it_is_the_sum_over_rows(transform, outer, reduce, row_by_row):
    f = transform(reduced(reduce))
    f = f if outer is None else outer(f)
    for _ in range(2):
        np.testing.assert_allclose(f(P, X, Y), by_rows(transform, reduce), rtol=1e-12, atol=1e-13)
    assert not row_by_row


def test_arguments_that_are_numbers_and_containers(row_by_row):
    f = vmap(one, in_axes=(None, 0, 0), reduce="sum")
    second = sum(x * x * floats.exp(0.5 * x) * y for x, y in zip(X, Y, strict=True))
    for found in (grad(grad(f)), hessian(f), jacobian(grad(f))):
        got = found(0.5, X, Y)
        assert type(got) is float and got == pytest.approx(second, rel=1e-12)
    value, slope = grad(f)(0.5, X, Y), grad(grad(f))(0.5, X, Y)
    assert value_and_grad(grad(f))(0.5, X, Y) == (pytest.approx(value), pytest.approx(slope))

    def named(p: Any, x: Any, y: Any) -> Any:
        return loss([p["a"], *p["b"]], x, y)

    g = vmap(named, in_axes=(None, 0, 0), reduce="mean")
    got = hessian(g)({"a": 0.5, "b": [-1.0, 0.25]}, X, Y)
    wanted = by_rows(hessian)
    assert got["a"]["a"] == pytest.approx(wanted[0, 0])
    assert got["b"][1]["b"][0] == pytest.approx(wanted[2, 1])
    assert got["b"][0]["a"] == pytest.approx(wanted[1, 0])
    assert not row_by_row


def test_several_arguments_and_arguments_by_name(row_by_row):
    def f(a: Any, x: Any, b: Any, *, scale: Any) -> Any:
        return a * a * x * b * scale

    g = vmap(f, in_axes={"a": None, "x": 0, "b": None, "scale": 0}, reduce="sum")
    scale = np.linspace(1.0, 2.0, 30)
    total = float((X * scale).sum())
    got = hessian(g, argnums=(0, -1))(2.0, X, 3.0, scale=scale)
    wanted = [[6 * total, 4 * total], [4 * total, 0.0]]
    np.testing.assert_allclose(np.array(got, float), wanted, rtol=1e-12)
    assert jacobian(grad(g, argnums=2))(2.0, X, 3.0, scale=scale) == pytest.approx(4 * total)
    assert not row_by_row


def test_branches_by_row_and_threads(row_by_row):
    def f(p: Any, x: Any) -> Any:
        return p * p * x if x > 0 else p * p * p

    g = vmap(f, in_axes=(None, 0), reduce="sum", threads=2)
    wanted = 2 * X[X > 0].sum() + 6 * 1.5 * (X <= 0).sum()
    assert grad(grad(g))(1.5, X) == pytest.approx(wanted, rel=1e-12)
    assert compile(grad(grad(g)))(1.5, X) == pytest.approx(wanted, rel=1e-12)
    assert not row_by_row


def test_compiled_it_is_traced_once_and_anew_where_what_it_reads_has_changed():
    traces: list[int] = []
    scale = 1.0

    def f(p: Any, x: Any) -> Any:
        traces.append(1)
        return p * p * x * scale

    g = compile(hessian(vmap(f, in_axes=(None, 0), reduce="sum")))
    for _ in range(3):
        assert g(1.0, X) == pytest.approx(2 * X.sum())
    assert len(traces) == 1 and len(g.programs) == 1
    scale = 3.0
    assert g(1.0, X) == pytest.approx(6 * X.sum())
    scale = 1.0
    assert g(1.0, X) == pytest.approx(2 * X.sum())
    assert len(traces) == 2
    assert g(1.0, X[:2]) == pytest.approx(2 * X[:2].sum())
    assert len(traces) == 2


def test_two_derivatives_of_one_compiled_map_have_programs_of_their_own():
    f = vmap(lambda p, q, x: p * p * q * q * x, in_axes=(None, None, 0), reduce="sum")
    second, mixed = compile(grad(grad(f))), compile(grad(grad(f, argnums=1)))
    for _ in range(2):
        assert second(3.0, 5.0, X) == pytest.approx(2 * 25 * X.sum())
        assert mixed(3.0, 5.0, X) == pytest.approx(4 * 15 * X.sum())


def test_by_rows_themselves_and_with_few_rows_it_is_as_it_was(row_by_row):
    f = vmap(lambda p, x: p * x * x, in_axes=(None, 0), reduce="sum")
    np.testing.assert_allclose(hessian(f, argnums=1)(2.0, X), 4 * np.eye(30))
    assert len(row_by_row) == 1
    assert hessian(reduced())(P, X[:3], Y[:3]).shape == (3, 3)
    assert len(row_by_row) == 2


def test_values_outside_keep_their_dependence():
    w = Value(3.0)
    f = vmap(lambda p, x: w * p * p * x, in_axes=(None, 0), reduce="sum")
    for g in (hessian(f), grad(grad(f))):
        w.grad = 0.0
        second = g(2.0, X)
        second.backward()
        assert second.data == pytest.approx(6 * X.sum())
        assert w.grad == pytest.approx(2 * X.sum())
    with no_grad():
        assert type(hessian(f)(2.0, X)) is float


def test_within_other_transforms_and_on_values_it_is_differentiable(row_by_row):
    f = vmap(one, in_axes=(None, 0, 0), reduce="sum")
    third = sum(x**3 * floats.exp(0.5 * x) * y for x, y in zip(X, Y, strict=True))
    assert grad(lambda p: hessian(f)(p, X, Y))(0.5) == pytest.approx(third, rel=1e-12)
    p = Value(0.5)
    hessian(f)(p, X, Y).backward()
    assert p.grad == pytest.approx(third, rel=1e-12)
    norm = lambda p: sum(v * v for v in grad(reduced())(p, X, Y))  # noqa: E731
    h, g = by_rows(hessian), by_rows(grad)
    np.testing.assert_allclose(grad(norm)(P), 2 * h @ g, rtol=1e-10)
    assert compile(lambda p: hessian(f)(p, X, Y))(0.5) == hessian(f)(0.5, X, Y)


def test_what_a_program_could_not_repeat_runs_row_by_row(row_by_row):
    def f(p: Any, x: Any) -> Any:
        return p * p * x * (2.0 if x.data > 0 else 1.0)

    g = vmap(f, in_axes=(None, 0), reduce="sum")
    assert hessian(g)(1.0, X) == pytest.approx(2 * (X.sum() + X[X > 0].sum()))
    assert row_by_row


def test_errors_are_those_of_the_map():
    g = hessian(reduced())
    with pytest.raises(ValueError, match="rows"):
        g(P, X, Y[:-1])
    with pytest.raises(ValueError, match="rows"):
        g(P, X[:0], Y[:0])
    with pytest.raises(TypeError, match="argnums"):
        hessian(reduced(), argnums=5)(P, X, Y)
    with pytest.raises(TypeError, match="one output"):
        jacobian(grad(vmap(lambda p, x: [p * x, p], in_axes=(None, 0), reduce="sum")))(1.0, X)


def test_what_is_not_finite_is_told_once():
    f = vmap(lambda p, x: math.sqrt(p * x), in_axes=(None, 0), reduce="sum")
    x = np.arange(10.0)
    with pytest.warns(RuntimeWarning, match="nan or inf"):
        hessian(f)(1.0, -x)
    quiet = vmap(lambda p, x: math.sqrt(p * x), in_axes=(None, 0), reduce="sum", errors="ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(hessian(quiet)(1.0, -x))


def test_a_product_with_a_vector_is_a_map_of_such_products(row_by_row):
    def product(p: Any, v: Any, x: Any, y: Any) -> Any:
        return hvp(lambda p: loss(p, x, y), p, v)

    v = np.array([1.0, -2.0, 0.5])
    found = compile(vmap(product, in_axes=(None, None, 0, 0), reduce="mean"))(P, v, X, Y)
    np.testing.assert_allclose(found, hessian(reduced())(P, X, Y) @ v, rtol=1e-12)
    assert not row_by_row


def test_aux_is_as_it_was(row_by_row):
    f = vmap(lambda p, x: (p * p * x, x), in_axes=(None, 0), reduce="sum")
    second, _ = hessian(f, has_aux=True)(2.0, X)
    assert second == pytest.approx(2 * X.sum())
    g = grad(lambda p: (hessian(reduced())(p, X, Y)[0][0], p), has_aux=True)
    slope, aux = g(P)
    assert slope.shape == (3,) and aux.shape == (3,)
    assert not row_by_row


def _derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda t: jvp(f, (t,), (1.0,))[1]


@pytest.mark.parametrize("outer", [grad, _derivative])
@pytest.mark.parametrize("inner", [grad, _derivative])
@pytest.mark.parametrize("captured", [False, True])
def test_totals_by_what_was_computed_from_an_input(outer: Any, inner: Any, captured: bool) -> None:
    x = np.array([1.0, 2.0])
    shared = vmap(lambda a, x: math.sin(a * x), in_axes=(None, 0), reduce="sum")

    def total(t: Any) -> Any:
        a = 0.3 + 2 * t
        if captured:
            return vmap(lambda x: math.sin(a * x), reduce="sum")(x)
        return shared(a, x)

    def spelled_out(t: Any) -> Any:
        return math.sin(0.3 + 2 * t) + math.sin((0.3 + 2 * t) * 2)

    for f in (lambda g: g, inner, lambda g: outer(inner(g)), lambda g: outer(inner(outer(g)))):
        assert f(total)(0.1) == pytest.approx(f(spelled_out)(0.1), rel=1e-13)
    assert taylor(total, 0.1, 4) == pytest.approx(taylor(spelled_out, 0.1, 4), rel=1e-13)
