"""A map within a function that is differentiated runs its rows, and their derivatives, as programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    compile,
    custom_jvp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jvp,
    math,
    no_grad,
    scan,
    stop_gradient,
    taylor,
    value_and_grad,
    vmap,
)
from pygrad.core.singular import SingularDerivativeWarning

RNG = np.random.default_rng(5)
X = RNG.normal(size=40)
P = np.array([0.5, -1.0, 0.25])
Function = Callable[[Any], Any]


def loss(p: Any, x: Any) -> Any:
    return (p[0] * math.tanh(p[1] * x + p[2]) - x) ** 2


def pair(p: Any, x: Any) -> Any:
    return [math.exp(p[0] * x) * p[1], math.sin(p[1] * p[2] * x)]


def branching(p: Any, x: Any) -> Any:
    return p[0] * p[0] * x * p[2] if p[1] * x > 0 else math.exp(p[1] * x)


def looping(p: Any, x: Any) -> Any:
    (total, _), _ = scan(
        lambda c, k: ((c[0] * p[0] + math.sin(c[1]), c[1] * p[1] + k), None),
        (x, p[2]),
        np.arange(4.0),
    )
    return total


def summed(f: Any, mapped: bool) -> Function:
    def total(p: Any) -> Any:
        return sum(vmap(f, in_axes=(None, 0))(p, X) if mapped else [f(p, x) for x in X])

    return total


def reduced(f: Any, mapped: bool) -> Function:
    if mapped:
        return lambda p: vmap(f, in_axes=(None, 0), reduce="sum")(p, X) ** 2
    return lambda p: sum(f(p, x) for x in X) ** 2


def mean_of_captured(f: Any, mapped: bool) -> Function:
    if mapped:
        return lambda p: vmap(lambda x: f(p * p, x), reduce="mean")(X)
    return lambda p: sum(f(p * p, x) for x in X) / len(X)


def mixing(f: Any, mapped: bool) -> Function:
    """Rows whose weights differ, and depend on what is differentiated by."""

    def total(p: Any) -> Any:
        rows = vmap(f, in_axes=(None, 0))(p, X) if mapped else [f(p, x) for x in X]
        return math.log(sum(math.exp(0.1 * p[0] * row) for row in rows)) * p[1]

    return total


SHAPES = [summed, reduced, mean_of_captured, mixing]
WAYS = {
    "grad": grad,
    "hessian": hessian,
    "reverse": lambda f: jacobian(grad(f)),
    "along": lambda f: lambda p: hvp(f, p, P[::-1]),
    "of a norm": lambda f: grad(lambda p: sum(v * v for v in grad(f)(p))),
    "third": lambda f: jacfwd(hessian(f)),
    "forward": lambda f: lambda p: jvp(f, (p,), (P[::-1],))[1],
}


@pytest.mark.parametrize("f", [loss, branching, looping])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_derivatives_are_those_of_rows_spelled_out(way, shape, f, row_by_row):
    found, wanted = WAYS[way](shape(f, True))(P), WAYS[way](shape(f, False))(P)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    assert not row_by_row


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_rows_of_several_numbers(reduce, row_by_row):
    def total(p: Any) -> Any:
        a, b = vmap(pair, in_axes=(None, 0), reduce=reduce)(p, X)
        return sum(a * b) if reduce is None else a * b

    def spelled_out(p: Any) -> Any:
        rows = [pair(p, x) for x in X]
        if reduce is None:
            return sum(a * b for a, b in rows)
        return sum(a for a, _ in rows) * sum(b for _, b in rows)

    for way in (value_and_grad, hessian) if reduce is None else (hessian,):
        for found, wanted in zip(way(total)(P), way(spelled_out)(P), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    assert not row_by_row


def test_threads_and_compiled_maps(row_by_row):
    wanted = hessian(summed(branching, False))(P)
    for options in ({"threads": 2}, {"reduce": "sum"}):
        mapped = compile(vmap(branching, in_axes=(None, 0), **options))
        total = (lambda p: mapped(p, X)) if "reduce" in options else (lambda p: sum(mapped(p, X)))
        np.testing.assert_allclose(hessian(total)(P), wanted, rtol=1e-10)


def test_what_the_function_reads_is_what_it_was_at_the_call(row_by_row):
    def total(p: Any) -> Any:
        result, x = 0.0, X.copy()
        for k in (1, 2, 3):
            result = result + vmap(lambda p, x: p**k * x, in_axes=(None, 0), reduce="sum")(p, x)  # noqa: B023
            x += 1.0
        x[:] = 0.0
        return result

    s, n = X.sum(), len(X)
    assert hessian(total)(2.0) == pytest.approx(2 * (s + n) + 12 * (s + 2 * n))
    assert grad(grad(grad(total)))(2.0) == pytest.approx(6 * (s + 2 * n))
    assert not row_by_row


def test_values_outside_keep_their_dependence(row_by_row):
    w = Value(3.0)

    def total(p: Any) -> Any:
        return sum(vmap(lambda p, x: w * w * p**3 * x, in_axes=(None, 0))(p, X))

    second = hessian(total)(2.0)
    second.backward()
    assert second.data == pytest.approx(9 * 12 * X.sum())
    assert w.grad == pytest.approx(6 * 12 * X.sum())
    with no_grad():
        assert hessian(total)(2.0) == pytest.approx(9 * 12 * X.sum())


def test_constants_of_a_derivative_stay_constant(row_by_row):
    def total(p: Any) -> Any:
        return sum(vmap(lambda p, x: stop_gradient(p * p) * p * x, in_axes=(None, 0))(p, X))

    assert grad(total)(3.0) == pytest.approx(9 * X.sum())
    assert hessian(total)(3.0) == 0.0
    assert not row_by_row


def test_rows_with_rules_of_the_users_keep_them(row_by_row):
    @custom_jvp
    def f(x: Any) -> Any:
        return math.exp(x)

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return f(*primals), 2.0 * f(*primals) * tangents[0]

    def total(p: Any) -> Any:
        return sum(vmap(lambda p, x: f(p * x), in_axes=(None, 0))(p, X))

    assert grad(total)(0.5) == pytest.approx(2 * (X * np.exp(0.5 * X)).sum())
    assert hessian(total)(0.5) == pytest.approx(4 * (X * X * np.exp(0.5 * X)).sum())
    assert row_by_row


def test_what_reads_numbers_and_few_rows_run_row_by_row(row_by_row):
    def total(p: Any) -> Any:
        f = lambda p, x: p * p * (x if p.data > 0 else 0.0)  # noqa: E731
        return sum(vmap(f, in_axes=(None, 0))(p, X))

    assert hessian(total)(1.0) == pytest.approx(2 * X.sum())
    assert len(row_by_row) == 1
    few = lambda p: sum(vmap(lambda p, x: p * p * x, in_axes=(None, 0))(p, X[:3]))  # noqa: E731
    assert hessian(few)(1.0) == pytest.approx(2 * X[:3].sum())
    assert len(row_by_row) == 2


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_singular_derivatives_are_told_of(reduce, row_by_row):
    def total(p: Any, x: Any) -> Any:
        f = lambda p, x: math.hypot(p[0] - x, p[1] - x) ** 2  # noqa: E731
        found = vmap(f, in_axes=(None, 0), reduce=reduce)(p, x)
        return sum(found) if reduce is None else found

    p, x = np.array([0.5, 0.5]), np.arange(1.0, 21.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hessian(total)(p, x)
        x[7] = 0.5
        grad(total)(p, x)
    with pytest.warns(SingularDerivativeWarning):
        hessian(total)(p, x)
    assert not row_by_row


def test_what_is_not_finite_is_told_once():
    total = lambda p: sum(vmap(lambda p, x: math.log(p * x), in_axes=(None, 0))(p, X))  # noqa: E731
    with pytest.warns(RuntimeWarning, match="nan or inf for finite inputs") as told:
        assert np.isnan(total(1.0))
        assert np.isnan(grad(total)(1.0))
    assert len(told) == 2


def test_taylor_series_go_through(row_by_row):
    wanted = taylor(lambda t: summed(loss, False)([t, 1.0 + t * t, 0.25]), 0.5, 4)
    found = taylor(lambda t: summed(loss, True)([t, 1.0 + t * t, 0.25]), 0.5, 4)
    assert found == pytest.approx(wanted, rel=1e-10)
    assert not row_by_row


def test_sums_are_contracted_where_the_maps_are(row_by_row):
    f = lambda p, x: p[0] * x + p[1] * x + p[2] * p[0] * x  # noqa: E731
    for fma in (False, True):
        mapped = vmap(f, in_axes=(None, 0), reduce="sum", fma=fma)
        np.testing.assert_array_equal(
            hessian(lambda p: mapped(p, X))(P),
            hessian(mapped)(P, X),  # noqa: B023
        )
    assert not row_by_row
