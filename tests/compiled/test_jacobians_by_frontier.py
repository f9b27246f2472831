"""Jacobians in rows by what rows share: back to values that they share, and forward from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    compile,
    custom_vjp,
    grad,
    hessian,
    jacfwd,
    jacobian,
    math,
    no_grad,
    scan,
    stop_gradient,
    vmap,
    where,
)

W = np.array([0.3, -0.4, 0.7])
X = np.random.default_rng(3).normal(size=(70, 2))


def turned(w: Any) -> list[list[Any]]:
    """A matrix that rows share, of two products of rotations."""
    a, b, c = w
    first = [[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]
    second = [[math.cos(b), -math.sin(b)], [math.sin(b), math.cos(b)]]
    third = [[math.cos(c), -math.sin(c)], [math.sin(c), math.cos(c)]]
    return product(product(first, second), third)


def product(a: Any, b: Any) -> list[list[Any]]:
    return [[sum(x[k] * b[k][j] for k in range(2)) for j in range(2)] for x in a]


def place(w: Any, x: Any) -> list[Any]:
    m = turned(w)
    return [m[i][0] * x[0] + m[i][1] * x[1] for i in range(2)]


def by_row(f: Callable[..., Any], *shared: Any) -> list[Any]:
    return [f(*shared, x) for x in X]


def row_instructions(compiled: Any) -> int:
    (path,) = compiled.store.paths()
    return int(path.program.length - path.program.spread)


def compiled_rows(f: Callable[..., Any], shared: int = 1) -> Any:
    return compile(vmap(f, in_axes=(*[None] * shared, 0)))


def scanned(w: Any, x: Any) -> list[Any]:
    last, _ = scan(lambda s, k: (s * w[0] + math.sin(w[1] * k), None), w[2], np.arange(5.0))
    return [last * x[0], math.exp(last) * x[1]]


@custom_vjp
def doubled(v: Any) -> Any:
    return 2.0 * v


doubled.defvjp(lambda v: (doubled(v), None), lambda _, g: (2.0 * g,))


def ruled(w: Any, x: Any) -> list[Any]:
    a = doubled(math.sin(w[0]) * math.cos(w[1]))
    return [math.exp(math.sin(a)) * x[0] + w[2], w[2] * x[1]]


def branched(w: Any, x: Any) -> list[Any]:
    a, b, _ = place(w, x)[0], math.exp(math.sin(math.cos(w[0]))), w[1]
    return [a if x[0] > 0 else a * b, where(x[1] > 0, b, a)]


def shared_alone(w: Any, x: Any) -> list[Any]:
    a = math.exp(math.sin(math.cos(w[0])) * w[1])
    return [a * x[0] + w[2], a, w[1], 3.0 * x[1], 4.0]


def one_of_another(w: Any, x: Any) -> list[Any]:
    """Values at the frontier that are computed from others there."""
    a = math.exp(math.sin(math.cos(w[0])))
    b = math.tanh(math.sin(a) * w[1])
    return [a * x[0] + b * x[1], b * x[0]]


def chosen(w: Any, x: Any) -> list[Any]:
    """By conditions that rows share, and what they do not differentiate by."""
    a = math.exp(math.sin(math.cos(w[0])))
    b = stop_gradient(math.sin(a)) * where(w[1] < w[2], math.tanh(math.tanh(w[1])), a)
    return [where(x[0] < w[0], b * x[1], a), b + x[0]]


FUNCTIONS = [place, scanned, ruled, branched, shared_alone, one_of_another, chosen]


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [np.asarray(tree, dtype=float)]


def assert_close(found: Any, rows: list[Any]) -> None:
    """What a map gives, and what the function does for each row."""
    table = np.hstack([leaf.reshape(len(X), -1) for leaf in leaves(found)])
    expected = [np.concatenate([leaf.ravel() for leaf in leaves(row)]) for row in rows]
    assert np.allclose(table, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("transform", [compile, lambda f: f], ids=["compiled", "traced"])
def test_it_is_the_jacobian_of_each_row(f: Any, transform: Any) -> None:
    assert_close(transform(vmap(jacobian(f), in_axes=(None, 0)))(W, X), by_row(jacobian(f), W))


def test_arguments_of_rows_beside_shared_ones() -> None:
    slopes = jacobian(place, argnums=(0, 1))
    assert_close(compiled_rows(slopes)(W, X), by_row(slopes, W))


def test_what_rows_have_computed_may_be_an_argument() -> None:
    def slopes(w: Any, x: Any) -> Any:
        given = [x[0] * w[0], w[1], math.exp(w[2])], [w[0], x[1]]
        return jacobian(place, argnums=(0, 1))(*given)

    assert_close(compiled_rows(slopes)(W, X), by_row(slopes, W))


def test_rows_do_not_do_what_is_the_same_for_all() -> None:
    compiled, varying = compiled_rows(jacobian(place)), compile(vmap(jacobian(place)))
    assert np.allclose(compiled(W, X), varying(np.tile(W, (len(X), 1)), X), rtol=1e-13, atol=1e-15)
    assert 3 * row_instructions(compiled) <= row_instructions(varying)


def test_where_there_is_nothing_to_gain_the_bits_are_those_of_reverse_sweeps() -> None:
    """Derivatives go through what rows share, but by as many products either way."""

    def f(w: Any, x: Any) -> list[Any]:
        a, b = w[0] * w[1], w[1] / w[2]
        return [a * x[0] + b * x[1], (a - x[0]) * (b + x[1])]

    found = compiled_rows(jacobian(f))(W, X)
    assert np.array_equal(found, np.array(by_row(jacobian(f), W)))


def test_second_derivatives() -> None:
    def loss(w: Any, x: Any) -> Any:
        a, b = place(w, x)
        return (a - x[1]) ** 2 + math.exp(b)

    for second in (hessian, lambda f: jacobian(jacobian(f)), lambda f: jacfwd(jacfwd(f))):
        assert_close(compiled_rows(second(loss))(W, X), by_row(second(loss), W))


def test_derivatives_of_jacobians_by_what_rows_share() -> None:
    rows = vmap(jacobian(place), in_axes=(None, 0))

    def size(w: Any) -> Any:
        return np.sum(rows(w, X) ** 3)

    def one_by_one(w: Any) -> Any:
        return sum(np.sum(jacobian(place)(w, x) ** 3) for x in X)

    assert np.allclose(grad(size)(W), grad(one_by_one)(W), rtol=1e-12)


def test_within_no_grad() -> None:
    with no_grad():
        found = compiled_rows(jacobian(place))(W, X)
    assert_close(found, by_row(jacobian(place), W))


def test_exact_zeros_win_over_infinite_slopes() -> None:
    """A row that has no use for a root at 0, and one that has."""

    def f(w: Any, x: Any) -> list[Any]:
        root = math.sqrt(math.sin(w[0]) * math.exp(w[1]))
        return [x[0] * root, x[0] * root * 2.0 + w[1]]

    w, x = np.array([0.0, 1.0]), np.array([[0.0], [1.0]])
    slopes = compile(vmap(jacobian(f), in_axes=(None, 0), errors="ignore"))(w, x)
    assert np.array_equal(slopes, [jacobian(f)(w, row) for row in x], equal_nan=True)
    assert slopes[0, 0].tolist() == [0.0, 0.0] and np.isinf(slopes[1, :, 0]).all()


@pytest.mark.filterwarnings("ignore::pygrad.SingularDerivativeWarning")
def test_second_derivatives_of_powers_are_those_of_reverse_sweeps() -> None:
    """A power of 1.5 at 0 has a finite slope, and an infinite one of that."""

    def f(w: Any, x: Any) -> list[Any]:
        power = (abs(w[0]) + max(w[1], 0.0)) ** 1.5
        return [power * x, power / (1 + x * x), power]

    def total(w: Any, x: Any) -> Any:
        rows = jacobian(f)(w, x)
        return sum((i + 1) * slope for i, slope in enumerate([s for row in rows for s in row]))

    w, x = [0.0, 0.0], [-1.5, 0.5, 2.5]
    mapped = vmap(grad(total), in_axes=(None, 0), errors="ignore")(w, np.array(x))
    expected = np.transpose([grad(total)(w, each) for each in x])
    assert np.array_equal(mapped, expected, equal_nan=True) and np.isnan(expected).any()


def test_infinite_slopes_that_adjoints_cancel_stay_silent() -> None:
    """A root at 0 that rows share, by way of two values: a row adds its adjoints up to 0."""

    def f(w: Any, x: Any) -> list[Any]:
        root = math.sqrt(w[0])
        a, b = root * math.exp(w[1]), root * math.exp(math.sin(w[1]) - math.sin(w[1]) + w[1])
        return [x[0] * a - x[1] * b, x[0] * math.sin(a) * math.cos(b)]

    w, x = np.array([0.0, 1.0]), np.array([[2.0, 2.0], [0.0, 0.0], [1.0, 2.0]])
    slopes = compile(vmap(jacobian(f), in_axes=(None, 0), errors="ignore"))(w, x)
    assert np.array_equal(slopes, [jacobian(f)(w, row) for row in x], equal_nan=True)
    assert slopes[0, 0].tolist() == [0.0, 0.0] and np.isinf(slopes[2, 0, 0])
