"""Derivatives of structures of numbers are structures, as JAX has them."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest
from differentiable import AT_FIVE, Function, mixed_map

import pygrad
from pygrad import hessian, jacfwd, jacrev, jvp, vjp

Layout = collections.namedtuple("Layout", "w b")
ARRAY = np.array
LAYOUTS: dict[str, tuple[str, Function, Any, Any]] = {
    "dict": (
        "grad",
        lambda p: p["b"] * p["a"] ** 2,
        {"b": 3.0, "a": 2.0},
        {"b": 4.0, "a": 12.0},
    ),
    "named tuple": (
        "grad",
        lambda p: p.w[0] * p.w[1] * p.b,
        Layout(ARRAY([2.0, 3.0]), 4.0),
        Layout(ARRAY([12.0, 8.0]), 6.0),
    ),
    "nested tuple": (
        "grad",
        lambda p: p[0] * p[1][0] * p[1][1],
        (2.0, (3.0, 4.0)),
        (12.0, (8.0, 6.0)),
    ),
    "dict to list": (
        "jacrev",
        lambda p: [p["a"] * p["b"], p["a"]],
        {"a": 2.0, "b": 3.0},
        [{"a": 3.0, "b": 2.0}, {"a": 1.0, "b": 0.0}],
    ),
    "list to dict": (
        "jacrev",
        lambda x: {"s": x[0] + x[1], "p": x[0] * x[1]},
        [2.0, 3.0],
        {"s": [1.0, 1.0], "p": [3.0, 2.0]},
    ),
    "array to array": (
        "jacrev",
        lambda x: x * x[0],
        ARRAY([2.0, 3.0]),
        ARRAY([[4.0, 0.0], [3.0, 2.0]]),
    ),
    "array to array and number": (
        "jacfwd",
        lambda x: [x * x, x[0]],
        ARRAY([2.0, 3.0]),
        [ARRAY([[4.0, 0.0], [0.0, 6.0]]), ARRAY([1.0, 0.0])],
    ),
    "array to nested tuple": (
        "jacrev",
        lambda x: ((x[0], x[1]), x[0] * x[1]),
        ARRAY([2.0, 3.0]),
        ((ARRAY([1.0, 0.0]), ARRAY([0.0, 1.0])), ARRAY([3.0, 2.0])),
    ),
    "array and number to array": (
        "jacfwd",
        lambda p: p["w"] * p["b"],
        {"w": ARRAY([2.0, 3.0]), "b": 4.0},
        {"w": ARRAY([[4.0, 0.0], [0.0, 4.0]]), "b": ARRAY([2.0, 3.0])},
    ),
    "matrix to row": (
        "jacrev",
        lambda x: x[0] * x[1],
        ARRAY([[2.0, 3.0], [4.0, 5.0]]),
        ARRAY([[[4.0, 0.0], [2.0, 0.0]], [[0.0, 5.0], [0.0, 3.0]]]),
    ),
    "number to array": (
        "jacfwd",
        lambda t: t * ARRAY([1.0, 2.0]),
        3.0,
        ARRAY([1.0, 2.0]),
    ),
    "list to list": (
        "jacfwd",
        lambda x: [x[0] * x[1], x[0]],
        [2.0, 3.0],
        [[3.0, 2.0], [1.0, 0.0]],
    ),
    "hessian of dict": (
        "hessian",
        lambda p: p["a"] ** 2 * p["b"],
        {"a": 2.0, "b": 3.0},
        {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}},
    ),
    "hessian of list": (
        "hessian",
        lambda p: p[0] ** 2 * p[1],
        [2.0, 3.0],
        [[6.0, 4.0], [4.0, 0.0]],
    ),
    "hessian of matrix": (
        "hessian",
        lambda x: x[0, 0] * x[0, 1] ** 2,
        ARRAY([[2.0, 3.0]]),
        ARRAY([[[[0.0, 6.0]], [[6.0, 4.0]]]]),
    ),
    "hessian of named tuple": (
        "hessian",
        lambda p: p.w[0] * p.w[1] * p.b,
        Layout(ARRAY([2.0, 3.0]), 4.0),
        Layout(
            Layout(ARRAY([[0.0, 4.0], [4.0, 0.0]]), ARRAY([3.0, 2.0])),
            Layout(ARRAY([3.0, 2.0]), 0.0),
        ),
    ),
    "hessian of number": ("hessian", lambda x: x**3, 2.0, 12.0),
}


def described(tree: Any) -> Any:
    """A tree with the shape and the numbers of each array, and its containers as they are."""
    if isinstance(tree, dict):
        return {name: described(part) for name, part in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(described, tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(described, tree))
    return np.shape(tree), np.asarray(tree).tolist()


@pytest.mark.parametrize(("transform", "f", "at", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_structures_of_results(transform, f, at, expected):
    assert described(getattr(pygrad, transform)(f)(at)) == described(expected)


@pytest.fixture
def jax():
    """JAX with float64, where it is installed; it takes seconds to get going."""
    module = pytest.importorskip("jax")
    module.config.update("jax_enable_x64", True)
    return module


@pytest.mark.long
@pytest.mark.parametrize(("transform", "f", "at", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_structures_of_results_are_jaxs(jax, transform, f, at, expected):
    theirs = getattr(jax, transform)(f)(jax.tree.map(jax.numpy.asarray, at))
    assert described(expected) == described(theirs)


@pytest.mark.long
@pytest.mark.parametrize("argnums", [0, -1, (0,), (0, 1), (1, 0)])
@pytest.mark.parametrize("transform", ["grad", "jacrev", "jacfwd", "hessian"])
def test_structures_by_argnums_are_jaxs(jax, transform, argnums):
    f = lambda x, y: x["a"] ** 2 * y[0] * y[1]  # noqa: E731
    at = ({"a": 2.0}, np.array([3.0, 5.0]))
    theirs = getattr(jax, transform)(f, argnums=argnums)(*at)
    assert described(getattr(pygrad, transform)(f, argnums=argnums)(*at)) == described(theirs)


@pytest.mark.long
def test_products_on_structures_are_jaxs(jax):
    f = lambda x, y: {"p": x["a"] * y, "q": (y[0],)}  # noqa: E731
    at = ({"a": 2.0}, np.array([3.0, 5.0]))
    along = ({"a": 1.0}, np.array([0.5, -1.0]))
    assert described(jvp(f, at, along)) == described(jax.jvp(f, at, along))
    back = {"p": np.array([1.0, 2.0]), "q": (3.0,)}
    ours, theirs = vjp(f, *at), jax.vjp(f, *at)
    assert described(ours[0]) == described(theirs[0])
    assert described(ours[1](back)) == described(theirs[1](jax.tree.map(jax.numpy.asarray, back)))


@pytest.mark.long
def test_the_jacobian_is_jaxs(jax):
    jnp = jax.numpy

    def same_map(x):
        a = jnp.exp(x[0] * x[1]) - x[2] ** 3 / (1 + x[3] ** 2)
        b = (x[0] * jnp.sin(x[2]) + x[1] * jnp.cos(x[3]) + x[4] * a) * jnp.arctan2(x[1], x[4])
        c = jnp.hypot(x[2], x[3]) + jnp.tanh(x[0] - x[4]) + a * b + x[1] ** 2.5 + abs(x[2])
        return jnp.stack([a, b, c])

    at = jnp.asarray(AT_FIVE)
    assert jacrev(mixed_map)(AT_FIVE) == pytest.approx(
        np.asarray(jax.jacrev(same_map)(at)), rel=1e-13
    )
    for i in range(3):
        second = np.asarray(jax.hessian(lambda x: same_map(x)[i])(at))
        ours = hessian(lambda x: mixed_map(x)[i])(AT_FIVE)
        assert ours == pytest.approx(second, rel=1e-12, abs=1e-14)


def test_a_flat_list_from_an_array_makes_one_matrix():
    """Not as JAX has it, which would give a list of rows."""
    at = np.array([2.0, 3.0])
    for f in (lambda x: [x[0] * x[1], x[0]], lambda x: (x[0] * x[1], x[0])):
        for transform in (jacrev, jacfwd):
            found = transform(f)(at)
            assert isinstance(found, np.ndarray) and found.tolist() == [[3.0, 2.0], [1.0, 0.0]]
    assert jacrev(lambda x: [x[0] * x[1]])([2.0, 3.0]) == [[3.0, 2.0]]  # from a list: lists


def test_what_comparisons_give_is_the_value_in_every_transform() -> None:
    def f(x: Any) -> Any:
        return {"more": x > 1.0, "all": (x == x, not x > 1.0), "double": 2 * x, "no": None}

    value = {"more": True, "all": (True, False), "double": 4.0, "no": None}
    slope = {"more": 0.0, "all": (0.0, 0.0), "double": 2.0, "no": None}
    for run in (lambda g: g, pygrad.compile):
        found = run(lambda x: jvp(f, (x,), (1.0,)))(2.0)
        assert found == (value, slope)
        assert found[0]["more"] is True
        assert run(lambda x: vjp(f, x)[0])(2.0)["all"] == (True, False)
        assert run(lambda x: vjp(f, x)[0])(2.0)["more"] is True
    (found, _), (_, pullback) = jvp(lambda x: x > 1.0, (2.0,), (1.0,)), vjp(lambda x: x > 1.0, 2.0)
    assert found is True
    assert pullback(1.0) == (0.0,)
    array, _ = jvp(lambda x: np.array([x > 1, x < 1]), (2.0,), (1.0,))
    assert array.dtype == bool
