"""SciPy's sums over samples as lifted code has them: samples, and where they were taken, may be Values.

SciPy's own ask for arrays of floats, and that the more the newer it is. Of numbers they are SciPy's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pygrad.lifting.values import holds_values


def of_sums(original: Any, numpy: Callable[[], Any]) -> dict[str, Any]:
    """What stands in the place of functions of scipy.integrate. numpy: gives it as lifted code has it."""

    def of_values(own: Callable[..., Any]) -> Any:
        standard = getattr(original, own.__name__)

        @functools.wraps(standard)
        def choose(*args: Any, **named: Any) -> Any:
            if holds_values([*args, *named.values()]):
                return own(numpy(), *args, **named)
            return standard(*args, **named)

        return choose

    own = (trapezoid, cumulative_trapezoid, simpson, fixed_quad)
    return {function.__name__: of_values(function) for function in own}


def _samples(np: Any, y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """Samples along the last axis, and the steps between them."""
    y = np.moveaxis(np.asarray(y), axis, -1)
    if x is None:
        return y, np.asarray([dx] * (y.shape[-1] - 1))
    x = np.asarray(x)
    steps = np.diff(x if x.ndim == 1 else np.moveaxis(x, axis, -1))
    if steps.shape[-1] != y.shape[-1] - 1:
        raise ValueError("If given, length of `x` along `axis` must be the same as `y`.")
    return y, steps


def trapezoid(np: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y, steps = _samples(np, y, x, dx, axis)
    return np.sum(steps * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def cumulative_trapezoid(
    np: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    y, steps = _samples(np, y, x, dx, axis)
    found = np.cumsum(steps * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        found = np.concatenate([np.zeros((*y.shape[:-1], 1)) + initial, found], axis=-1)
    return np.moveaxis(found, -1, axis)


def simpson(np: Any, y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """By parabolas through three samples each; a last interval by that through the last three.

    K. V. Cartwright, Simpson's Rule Cumulative Integration with MS Excel and Irregularly-spaced Data,
    Journal of Mathematical Sciences and Mathematics Education 12 (2017), equation 8.
    """
    y, steps = _samples(np, y, x, dx, axis)
    samples = y.shape[-1]
    if samples < 3:
        return np.sum(steps * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    h0, h1 = steps[..., : samples - 2 : 2], steps[..., 1::2]
    h0, both = h0[..., : h1.shape[-1]], h0[..., : h1.shape[-1]] + h1
    left, middle, right = (y[..., k : samples - 2 + k : 2] for k in range(3))
    parts = left * (2.0 - h1 / h0) + middle * (both * both / (h0 * h1)) + right * (2.0 - h0 / h1)
    total = np.sum(both / 6.0 * parts, axis=-1)
    if samples % 2:
        return total
    h0, h1 = steps[..., -2], steps[..., -1]
    last = (2.0 * h1**2 + 3.0 * h0 * h1) / (6.0 * (h0 + h1)) * y[..., -1]
    last = last + (h1**2 + 3.0 * h0 * h1) / (6.0 * h0) * y[..., -2]
    return total + last - h1**3 / (6.0 * h0 * (h0 + h1)) * y[..., -3]


def fixed_quad(
    np: Any, func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5
) -> Any:
    """By Gauss' and Legendre's nodes."""
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(n)
    values = func((b - a) * (nodes + 1.0) / 2.0 + a, *args)
    return (b - a) / 2.0 * np.sum(weights * values, axis=-1), None
