"""A loss made of derivatives of a network by its input, differentiated by the network's parameters."""

from __future__ import annotations

import functools
import random
from typing import Any

import mpmath
import numpy as np
import pytest

import pygrad.math as pm
from pygrad import Value, compile, grad, hessian, jvp, optim, value_and_grad, vmap

TIMES = [0.0, 0.3, 0.8, 1.7]
HIDDEN = 3
close = functools.partial(pytest.approx, rel=1e-11, abs=1e-13)


def numbers() -> list[float]:
    source = random.Random(5)
    return [source.uniform(-1.5, 1.5) for _ in range(3 * HIDDEN)]


def network(tanh: Any, parameters: Any, t: Any) -> Any:
    w, b, o = (parameters[i * HIDDEN : (i + 1) * HIDDEN] for i in range(3))
    return 1 + t * t * sum(oi * tanh(wi * t + bi) for oi, wi, bi in zip(o, w, b, strict=True))


def residual(first: Any, second: Any, u: Any) -> Any:
    return (second + 4 * first + 13 * u) ** 2


def by_grad(parameters: Any, t: Any) -> Any:
    u = lambda t: network(pm.tanh, parameters, t)  # noqa: E731
    return residual(grad(u)(t), grad(grad(u))(t), u(t))


def by_hessian(parameters: Any, t: Any) -> Any:
    u = lambda t: network(pm.tanh, parameters, t)  # noqa: E731
    value, first = value_and_grad(u)(t)
    return residual(first, hessian(u)(t), value)


def by_jvp(parameters: Any, t: Any) -> Any:
    u = lambda t: network(pm.tanh, parameters, t)  # noqa: E731
    slope = lambda t: jvp(u, (t,), (1.0,))[1]  # noqa: E731
    first, second = jvp(slope, (t,), (1.0,))
    return residual(first, second, u(t))


def truth() -> tuple[float, list[float]]:
    """The loss and its slopes at 50 digits."""
    mp = mpmath.mp
    with mp.workdps(50):
        at = [mp.mpf(x) for x in numbers()]

        def loss(*parameters: Any) -> Any:
            total = mp.mpf(0)
            for t in map(mp.mpf, TIMES):
                total += residual(*derivatives(parameters, t))
            return total

        def derivatives(parameters: Any, t: Any) -> tuple[Any, Any, Any]:
            w, b, o = (parameters[i * HIDDEN : (i + 1) * HIDDEN] for i in range(3))
            s = s1 = s2 = mp.mpf(0)  # of the sum, by t
            for oi, wi, bi in zip(o, w, b, strict=True):
                z = mp.tanh(wi * t + bi)
                s, s1, s2 = (
                    s + oi * z,
                    s1 + oi * wi * (1 - z**2),
                    s2 - 2 * oi * wi**2 * z * (1 - z**2),
                )
            return 2 * t * s + t * t * s1, 2 * s + 4 * t * s1 + t * t * s2, 1 + t * t * s

        orders = [tuple(int(i == k) for i in range(len(at))) for k in range(len(at))]
        return float(loss(*at)), [float(mp.diff(loss, tuple(at), order)) for order in orders]


@pytest.mark.parametrize("squared", [by_grad, by_hessian, by_jvp])
def test_eager_and_compiled_agree_with_50_digits(squared: Any) -> None:
    value, slopes = truth()
    parameters = [Value(x) for x in numbers()]
    loss = sum(squared(parameters, t) for t in TIMES)
    loss.backward()
    assert loss.data == close(value)
    assert [p.grad for p in parameters] == close(slopes)
    for p in parameters:
        p.grad = 0.0
    compiled = compile(lambda t: squared(parameters, t))
    assert compiled.backward(np.array(TIMES), reduce="sum") == close(value)
    assert [p.grad for p in parameters] == close(slopes)

    def of_numbers(parameters: Any) -> Any:
        return sum(squared(parameters, t) for t in TIMES)

    for transform in (value_and_grad(of_numbers), compile(value_and_grad(of_numbers))):
        found, by = transform(numbers())
        assert found == close(value) and by == close(slopes)
    mapped = vmap(squared, in_axes=(None, 0), reduce="sum")
    found, by = value_and_grad(mapped)(numbers(), np.array(TIMES))
    assert found == close(value) and by == close(slopes)


def test_a_step_of_training_is_the_same_either_way() -> None:
    models = [[Value(x) for x in numbers()] for _ in range(2)]
    optimizers = [optim.Adam(model, lr=0.01) for model in models]
    compiled = compile(lambda t: by_grad(models[1], t))
    for _ in range(5):
        for optimizer in optimizers:
            optimizer.zero_grad()
        sum(by_grad(models[0], t) for t in TIMES).backward()
        compiled.backward(np.array(TIMES), reduce="sum")
        for optimizer in optimizers:
            optimizer.step()
    assert [p.data for p in models[0]] == close([p.data for p in models[1]])
    assert models[0][0].data != numbers()[0]


@pytest.mark.long
def test_the_same_by_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def loss(parameters: Any) -> Any:
        u = functools.partial(network, jax.numpy.tanh, parameters)
        return sum(residual(jax.grad(u)(t), jax.grad(jax.grad(u))(t), u(t)) for t in TIMES)

    value, slopes = truth()
    found, by = jax.value_and_grad(loss)(jax.numpy.array(numbers()))
    assert float(found) == close(value) and by.tolist() == close(slopes)
