"""vmap with transforms inside and around it, loops on every row, and compiled.backward."""

from __future__ import annotations

import functools
import math
import random
import warnings
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, grad, hessian, hvp, jacfwd, jacobian, jvp, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.nn import MLP

Pair = namedtuple("Pair", "a b")


# -- composition -----------------------------------------------------------------------------------


def smooth(x: Any) -> Any:
    return x[0] ** 2 * pm.sin(x[1]) if x[0] > 0 else pm.exp(x[0] * x[1])


@pytest.mark.parametrize(
    "transform",
    [
        grad,
        value_and_grad,
        hessian,
        jacfwd,
        lambda f: jacobian(lambda x: [f(x), x[0] * x[1]]),
        lambda f: lambda x: hvp(f, x, x * 2),
        lambda f: lambda x: jvp(f, (x,), (x * 2,)),
    ],
)
def test_vmap_of_a_transform(transform: Any) -> None:
    rows = np.random.default_rng(2).normal(size=(20, 2))
    one = transform(smooth)
    for mapped in (vmap(one), compile_(vmap(one)), vmap(compile_(one))):
        got = mapped(rows)
        for k, row in enumerate(rows):
            wanted = one(row)
            parts = (
                zip(got, wanted, strict=True)
                if isinstance(wanted, (tuple, list))
                else [(got, wanted)]
            )
            for g, w in parts:
                np.testing.assert_allclose(g[k], w, rtol=1e-13, atol=1e-15)


def loss(w: Any, x: Any, y: Any) -> Any:
    z = w[0] * x + w[1]
    return (z - y) ** 2 if z > 0 else pm.tanh(z) * w[2]


def data(count: int = 200) -> tuple[Any, Any]:
    return tuple(np.random.default_rng(3).normal(size=(2, count)))


def test_gradients_of_a_reduced_map() -> None:
    x, y = data()
    w = np.array([0.5, -0.2, 1.5])

    def plain(w: Any) -> Any:
        return pygrad.sum(
            [loss(w, a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        ) / len(x)

    value, slope = value_and_grad(plain)(w)
    mean = vmap(loss, in_axes=(None, 0, 0), reduce="mean")
    for f in (value_and_grad(mean), compile_(value_and_grad(mean))):
        got, by = f(w, x, y)
        assert got == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(by, slope, rtol=1e-12)
    assert np.allclose(jacobian(mean)(w, x, y), slope, rtol=1e-12)
    assert np.allclose(jacfwd(mean)(w, x, y), slope, rtol=1e-12)
    np.testing.assert_allclose(compile_(grad(mean))(list(w), x, y), slope, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda w: 3 * mean(w, x, y) + w[0])(w), 3 * slope + [1, 0, 0])


def test_second_derivatives_of_a_reduced_map() -> None:
    x, y = data(50)
    w = np.array([0.5, -0.2, 1.5])

    def plain(w: Any) -> Any:
        return pygrad.sum(
            [loss(w, a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        ) / len(x)

    mean = vmap(loss, in_axes=(None, 0, 0), reduce="mean")
    wanted = hessian(plain)(w)
    np.testing.assert_allclose(hessian(mean)(w, x, y), wanted, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(compile_(hessian(mean))(w, x, y), wanted, rtol=1e-11, atol=1e-13)
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(hvp(lambda w: mean(w, x, y), w, v), wanted @ v, rtol=1e-11)


def test_derivatives_by_rows() -> None:
    x = np.array([1.0, 2.0])
    product = vmap(lambda w, x: w * x * x, in_axes=(None, 0), reduce="sum")
    assert grad(product, argnums=1)(2.0, x).tolist() == [4.0, 8.0]
    assert np.array_equal(jacobian(vmap(lambda x: x * x))(x), np.diag(2 * x))


def test_compiled_map_is_traced_once() -> None:
    calls = []

    def counted(w: Any, x: Any, y: Any) -> Any:
        calls.append(1)
        return loss(w, x, y)

    x, y = data()
    step = compile_(value_and_grad(vmap(counted, in_axes=(None, 0, 0), reduce="mean")))
    w = np.array([0.5, -0.2, 1.5])
    for _ in range(5):
        _, slope = step(w, x, y)
        w = w - 0.1 * slope
    assert len(calls) == 2  # two paths
    step(w, x[:7], y[:7])
    assert len(calls) == 2
    plain = vmap(counted, in_axes=(None, 0, 0))
    plain(w, x, y)
    plain(w, x, y)
    assert len(calls) == 6  # a plain one traces at each call


def test_a_plain_map_sees_what_has_changed() -> None:
    k = [1.0]
    f = vmap(lambda x: k[0] * x)
    assert f(np.ones(2)).tolist() == [1.0, 1.0]
    k[0] = 2.0
    assert f(np.ones(2)).tolist() == [2.0, 2.0]


def test_a_map_made_within_a_compiled_wrapper() -> None:
    @functools.wraps(vmap(lambda x: x))
    def f(x: Any, k: float) -> Any:
        return vmap(lambda x: k * x)(x)

    compiled = compile_(f)
    assert [compiled(np.ones(1), float(k))[0] for k in range(50)] == list(range(50))


def test_maps_within_maps() -> None:
    a = np.arange(6.0).reshape(2, 3)
    square = lambda x: x * x  # noqa: E731
    assert np.array_equal(vmap(vmap(square))(a), a * a)
    assert np.array_equal(vmap(lambda r: vmap(square)(r))(a), a * a)
    assert np.array_equal(vmap(vmap(square, reduce="sum"))(a), (a * a).sum(axis=1))
    outer = vmap(vmap(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))
    assert np.array_equal(
        outer(np.arange(2.0), np.arange(3.0)), np.outer(np.arange(2), np.arange(3))
    )


def test_maps_within_compiled_functions() -> None:
    x = np.array([1.0, 2.0, 3.0])

    def f(w: Any) -> Any:
        rows = vmap(lambda w, x: (w * x).tanh() + x.exp(), in_axes=(None, 0))(w, x)
        return rows.sum() + vmap(lambda x: w * x, reduce="mean")(x)

    wanted = sum(math.tanh(0.5 * t) + math.exp(t) for t in x) + 1.0
    assert compile_(f)(0.5) == pytest.approx(wanted)
    assert grad(f)(0.5) == pytest.approx(compile_(grad(f))(0.5), rel=1e-13)


def test_captured_values_of_an_enclosing_transform() -> None:
    x = np.array([-1.0, 2.0, 3.0])

    def rows(a: Any) -> Any:
        return pygrad.sum(list(vmap(lambda x: a * a * x)(x)))

    def total(a: Any) -> Any:
        return vmap(lambda x: a * a * x, reduce="sum")(x)

    def slopes(a: Any) -> Any:
        return pygrad.sum(list(vmap(grad(lambda x: a * a * x))(x)))

    assert (grad(rows)(3.0), grad(total)(3.0), grad(slopes)(3.0)) == (24.0, 24.0, 18.0)
    assert (grad(grad(rows))(3.0), grad(grad(slopes))(3.0)) == (8.0, 6.0)
    assert grad(grad(total))(3.0) == 8.0


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_captured_value_of_an_enclosing_transform_on_a_later_path(reduce: str | None) -> None:
    x = np.array([-1.0, 2.0, 3.0])  # the first row does not use a

    def f(a: Any) -> Any:
        result = vmap(lambda x: x if x < 0 else a * x, reduce=reduce)(x)
        return result if reduce else pygrad.sum(list(result))

    assert grad(f)(3.0) == 5.0
    assert jacfwd(f)(3.0) == 5.0


def test_rows_of_plain_numbers_beside_values() -> None:
    """However rows are run, the function sees Values, and NumPy's rules for inf and nan."""
    x = np.array([1.0, 2.0])
    assert grad(lambda s: pygrad.sum(list(vmap(lambda x: s * x.exp())(x))))(1.0) == pytest.approx(
        np.exp(x).sum()
    )
    result = vmap(lambda w, x: w.exp() * x, in_axes=(None, 0))(0.5, [Value(1.0), Value(2.0)])
    assert [v.data for v in result] == pytest.approx([math.exp(0.5), 2 * math.exp(0.5)])
    pair = Pair(np.ones(2), np.ones(2))
    assert grad(lambda s: vmap(lambda p: s * p.a + p.b)(pair).sum())(1.0) == 2.0
    assert grad(lambda s: vmap(lambda p: s * p["x"])({"x": np.ones(2)}).sum())(1.0) == 2.0


def test_values_as_rows_and_as_shared_arguments() -> None:
    w = Value(2.0)
    x = np.array([1.0, 2.0])
    total = vmap(lambda w, x: w * x, in_axes=(None, 0), reduce="sum")(w, x)
    total.backward()
    assert (total.data, w.grad) == (6.0, 3.0)
    row = vmap(lambda w, x: w * x, in_axes=(None, 0))(w, x)
    row[1].backward()
    assert (row[1].data, w.grad) == (4.0, 5.0)
    values = np.array([Value(1.0), Value(2.0)], dtype=object)
    squares = vmap(lambda x: x * x)(values)
    pygrad.sum(list(squares)).backward()
    assert [v.grad for v in values] == [2.0, 4.0]


# -- loops on every row ----------------------------------------------------------------------------


def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


def bisection(a: Any) -> Any:
    low, high = 0.0, a + 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if middle * middle > a:
            high = middle
        else:
            low = middle
    return low + (high - low) / 2


def barrier(s: Any, u: Any) -> Any:
    p = s
    for k in range(10):
        p = p * (1 + 0.1 * (u * k - (u * k) * (u * k) * (u * k) / 6 + s))
        if p < 0.9 * s:
            return 0.0 * s
    return max(p - s, 0.0)


def test_newton_to_tolerance() -> None:
    a = np.linspace(0.1, 1000, 3000)
    roots, slopes = vmap(value_and_grad(newton))(a)
    np.testing.assert_allclose(roots, np.sqrt(a), rtol=1e-12)
    for k in range(0, 3000, 50):
        assert (roots[k], slopes[k]) == value_and_grad(newton)(a[k])


def test_bisection() -> None:
    a = np.random.default_rng(4).uniform(0, 4, size=40)
    got = vmap(bisection)(a)
    assert got.tolist() == [bisection(Value(x)).data for x in a]


def test_barrier_option() -> None:
    rng = np.random.default_rng(5)
    s, u = rng.uniform(0.5, 2, 500), rng.uniform(-1, 1, 500)
    values, slopes = vmap(value_and_grad(barrier))(s, u)
    wanted = [value_and_grad(barrier)(a, b) for a, b in zip(s, u, strict=True)]
    assert values.tolist() == [w for w, _ in wanted]
    assert slopes.tolist() == [d for _, d in wanted]
    assert 50 < np.count_nonzero(values) < 450


def test_too_many_paths() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > 1:
            x = x - 1
            n += 1
        return x + n

    x = np.arange(400.0) + 0.5
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = vmap(f)(x)
        total = vmap(f, reduce="sum")(x)
    assert np.array_equal(result, x)
    assert total == pytest.approx(x.sum())
    assert len(caught) == 2
    assert {w.category for w in caught} == {RuntimeWarning}


def test_guards_of_shared_and_of_row_numbers() -> None:
    w = Value(1.0)

    def f(x: Any) -> Any:
        return (1.0 if x > 0 else 2.0) + (10.0 if w > 0 else 20.0) + (100.0 if x > 5 else 200.0)

    g = compile_(vmap(f))
    x = np.array([1.0, -1.0, 7.0])
    for w.data in (1.0, -1.0, 1.0, -1.0):
        for rows in (x, -x, x[::-1]):
            assert g(rows).tolist() == [f(Value(v)) for v in rows]


# -- compiled.backward -----------------------------------------------------------------------------


def test_backward_adds_to_grads() -> None:
    w = Value(2.0)
    f = compile_(lambda x, y: (w * x - y) ** 2)
    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert (f.backward(x, y), w.grad) == (1.0, -3.0)
    assert (f.backward(x, y, reduce="sum"), w.grad) == (2.0, -9.0)
    assert type(f.backward(x, y)) is float


def test_backward_by_branch() -> None:
    w, u = Value(1.0), Value(2.0)
    f = compile_(lambda x: w * x if x > 0 else u * x)
    assert f.backward(np.array([1.0, -2.0, 3.0]), reduce="sum") == 0.0
    assert (w.grad, u.grad) == (4.0, -2.0)


def test_backward_through_captured_inner_nodes() -> None:
    a = Value(2.0)
    b = a * a
    mine = Value(5.0, (a,), "mine")
    mine._backward = lambda: setattr(a, "grad", a.grad + 10 * mine.grad)
    f = compile_(lambda x: b * x + a + mine * x)
    assert f.backward(np.array([1.0, 2.0, 3.0]), reduce="sum") == 4 * 6 + 6 + 30
    assert a.grad == 4 * 6 + 3 + 10 * 6


def test_backward_with_shared_arguments() -> None:
    w = Value(3.0)
    f = compile_(lambda k, x: w * k * x.sum())
    assert f.backward(2.0, np.ones((4, 3)), in_axes=(None, 1), reduce="sum") == 72.0
    assert w.grad == 24.0
    k = Value(2.0)
    assert f.backward(k, np.ones((4, 3)), in_axes=(None, 1), reduce="mean") == 24.0
    assert (w.grad, k.grad) == (32.0, 12.0)


def test_backward_without_captured_values_and_within_no_grad() -> None:
    assert compile_(lambda x: x * x).backward(np.array([1.0, 3.0])) == 5.0
    w = Value(1.0)
    with pygrad.no_grad():
        assert compile_(lambda x: w * x).backward(np.ones(3)) == 1.0
    assert w.grad == 0.0


def test_backward_needs_one_result_and_a_reduction() -> None:
    with pytest.raises(TypeError, match="one"):
        compile_(lambda x: [x, x]).backward(np.ones(2))
    with pytest.raises(ValueError, match="reduce"):
        compile_(lambda x: x).backward(np.ones(2), reduce=None)


def test_a_training_loop_is_the_eager_one() -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(30, 2))
    labels = np.sign(points[:, 0] * points[:, 1])

    def train(step: Callable[[Any, Any], float]) -> tuple[list[float], list[float]]:
        random.seed(7)
        model = MLP(2, [6, 6, 1])
        losses = []
        run = step(model, lambda x, t: pm.relu(1 - t * model(x)))
        for _ in range(15):
            for p in model.parameters():
                p.grad = 0.0
            losses.append(run())
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return losses, [p.data for p in model.parameters()]

    def eager(model: Any, loss: Any) -> Any:
        def run() -> float:
            total = pygrad.sum(
                [loss(list(x), t) for x, t in zip(points.tolist(), labels.tolist(), strict=True)]
            )
            mean = total * (1 / len(points))
            mean.backward()
            return mean.data

        return run

    def compiled(model: Any, loss: Any) -> Any:
        f = compile_(loss)
        return lambda: f.backward(points, labels)

    for got, wanted in zip(train(compiled), train(eager), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
