"""Each public function that has derivatives of its own, by check_grad to second order, and to third order.

The table is compared with what modules export, so that none is forgotten.
"""

from __future__ import annotations

import importlib
import math as plain
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import check_grad, grad, math, special
from pygrad.nn import losses

# -- rules and solutions -----------------------------------------------------------------------------


@pygrad.custom_jvp
def by_tangent(x: Any) -> Any:
    return x * math.exp(x)


by_tangent.defjvp(lambda p, t: (by_tangent(*p), (1.0 + p[0]) * math.exp(p[0]) * t[0]))


@pygrad.custom_vjp
def by_cotangent(x: Any) -> Any:
    return x * math.exp(x)


by_cotangent.defvjp(lambda x: (by_cotangent(x), x), lambda x, d: ((1.0 + x) * math.exp(x) * d,))

outside = pygrad.external(plain.cosh, jvp=lambda p, t: math.sinh(p[0]) * t[0])


@pygrad.custom_root(lambda y, a: y + math.exp(y) - a)
def root_of(a: Any) -> Any:
    y = 0.0
    for _ in range(60):
        y = y - (y + plain.exp(y) - a) / (1.0 + plain.exp(y))
    return y


@pygrad.custom_fixed_point(lambda y, a: 0.5 * a * math.cos(y))
def fixed(a: Any) -> Any:
    y = 0.0
    for _ in range(200):
        y = 0.5 * a * plain.cos(y)
    return y


@pygrad.custom_minimum(lambda y, a: math.cosh(y) - a * y)
def least(a: Any) -> Any:
    return plain.asinh(a)


def equations(y: Any, a: Any) -> list[Any]:
    return [math.exp(y[0]) + y[1] - a, y[1] + y[1] ** 3 - a * y[0]]


def cost(y: Any, a: Any) -> Any:
    return math.cosh(y[0] - a) + (y[1] - a * y[0]) ** 2


SOLUTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "custom_jvp": (by_tangent, 0.7),
    "custom_vjp": (by_cotangent, 0.7),
    "external": (outside, 0.7),
    "custom_root": (root_of, 2.0),
    "custom_fixed_point": (fixed, 1.2),
    "custom_minimum": (least, 0.6),
    "newton": (lambda a: pygrad.newton(lambda y: equations(y, a), [0.5, 0.5]).x[1], 2.0),
    "gauss_newton": (
        lambda a: pygrad.gauss_newton(lambda y: [*equations(y, a), 0.1 * y[0]], [0.5, 0.5]).x[1],
        2.0,
    ),
    "gradient_descent": (
        lambda a: (
            pygrad.gradient_descent(lambda y: math.cosh(y - a) + 0.1 * y * y, 0.5, 0.8, tol=1e-13).x
        ),
        0.7,
    ),
    "odeint": (lambda a: pygrad.odeint(lambda y, t: -a * y + t, 1.0, [0.0, 0.5])[1], 0.8),
}


def tight(a: Any) -> Any:
    from pygrad.scipy import minimize

    return minimize(cost, [0.5, 0.4], (a,), method="trust-exact", options={"gtol": 1e-13}).x[1]


def root_by_scipy(a: Any) -> Any:
    from pygrad.scipy import root

    return root(equations, [0.6, 0.7], (a,), options={"xtol": 1e-14}).x[1]


def brentq(a: Any) -> Any:
    from pygrad.scipy import brentq

    return brentq(lambda y: y + math.exp(y) - a, -5.0, 5.0, xtol=1e-15)


def least_squares(a: Any) -> Any:
    from pygrad.scipy import least_squares

    all_digits = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
    return least_squares(lambda y: equations(y, a), [0.6, 0.7], **all_digits).x[1]


def curve_fit(a: Any) -> Any:
    from pygrad.scipy import curve_fit

    def model(t: Any, b: Any, k: Any) -> Any:
        return b * np.exp(-k * t)

    data = [3.0 * math.exp(-a * t) for t in (0.0, 0.5, 1.0)]  # which fit: nothing is left
    return curve_fit(model, [0.0, 0.5, 1.0], data, [2.5, 0.6], xtol=1e-15, ftol=1e-15)[0][1] ** 3


def solve_ivp(a: Any) -> Any:
    from pygrad.scipy import solve_ivp

    return solve_ivp(
        lambda t, y: [-a * y[0] + t], (0.0, 0.5), [1.0], method="DOP853", rtol=1e-12, atol=1e-13
    ).y[0, -1]


SCIPYS = {
    "brentq": (brentq, 2.0),
    "curve_fit": (curve_fit, 0.8),
    "least_squares": (least_squares, 2.0),
    "minimize": (tight, 0.7),
    "root": (root_by_scipy, 2.0),
    "solve_ivp": (solve_ivp, 0.8),
}

# -- functions ---------------------------------------------------------------------------------------

WEIGHED = (0.3, -1.2, 0.7)


def weighed(items: Any) -> Any:
    return sum(w * item for w, item in zip(WEIGHED, items, strict=True))


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    name: (getattr(special, name), x)
    for name, x in {
        "cbrt": 1.7, "digamma": 1.3, "entr": 0.4, "erf": 0.6, "erfc": 0.6, "erfcx": 0.6,
        "erfinv": 0.3, "expit": 0.8, "exprel": 0.9, "gamma": 2.3, "gammaln": 2.3, "log_expit": -0.4,
        "log_ndtr": -1.1, "logit": 0.3, "ndtr": 0.4, "ndtri": 0.3, "psi": 1.3, "sinc": 0.35,
    }.items()
} | {
    "beta": (lambda v: special.beta(v[0], v[1]), [1.3, 2.1]),
    "betaln": (lambda v: special.betaln(v[0], v[1]), [1.3, 2.1]),
    "log_softmax": (lambda v: weighed(special.log_softmax(v)), [0.3, 1.0, -0.5]),
    "logsumexp": (special.logsumexp, [0.3, 1.0, -0.5]),
    "polygamma": (lambda x: special.polygamma(1, x), 1.3),
    "softmax": (lambda v: weighed(special.softmax(v)), [0.3, 1.0, -0.5]),
    "xlog1py": (lambda v: special.xlog1py(v[0], v[1]), [1.3, 2.1]),
    "xlogy": (lambda v: special.xlogy(v[0], v[1]), [1.3, 2.1]),
}  # fmt: skip

BY_SCIPY: dict[str, tuple[Callable[[Any], Any], Any]] = {
    name: (getattr(special, name), x)
    for name, x in {
        "ellipe": 0.4, "ellipk": 0.4, "i0": 0.7, "i0e": 0.7, "i1": 0.7, "i1e": 0.7, "j0": 0.7, "j1": 0.7,
        "k0": 0.7, "k1": 0.7, "lambertw": 0.7, "y0": 0.7, "y1": 0.7,
    }.items()
} | {
    "gammainc": (lambda x: special.gammainc(2.5, x), 1.7),
    "gammaincc": (lambda x: special.gammaincc(2.5, x), 1.7),
    "jv": (lambda x: special.jv(2.5, x), 1.7),
    "zeta": (lambda v: special.zeta(v[0], v[1]), [2.5, 0.7]),
}  # fmt: skip

LOSSES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "mse": (lambda v: losses.mse(v, [1.0, 0.5, -2.0]), [0.3, 1.0, -0.5]),
    "cross_entropy": (lambda v: losses.cross_entropy([v], [1]), [0.3, 1.0, -0.5]),
    "binary_cross_entropy": (
        lambda v: losses.binary_cross_entropy(v, [1.0, 0.0, 0.4]), [0.3, 0.8, 0.5],
    ),
    "hinge": (lambda v: losses.hinge(v, [1.0, -1.0, 1.0]), [0.3, 1.0, -0.5]),
}  # fmt: skip

EVERY = {
    "pygrad": SOLUTIONS,
    "pygrad.scipy": SCIPYS,
    "pygrad.special": FUNCTIONS | BY_SCIPY,
    "pygrad.nn.losses": LOSSES,
}


def stated_in(name: str) -> set[str]:
    """The functions of a module that a table has to have."""
    if name != "pygrad":
        return set(importlib.import_module(name).__all__)
    homes = ("pygrad.rules", "pygrad.applications.solvers", "pygrad.applications.odes")
    found = {each: getattr(pygrad, each) for each in pygrad.__all__}
    return {
        each for each, f in found.items() if str(getattr(f, "__module__", "")).startswith(homes)
    }


@pytest.mark.parametrize("module", EVERY)
def test_none_is_forgotten(module: str) -> None:
    assert EVERY[module].keys() == stated_in(module)


def needs_scipy(module: str, name: str) -> bool:
    return module == "pygrad.scipy" or name in BY_SCIPY


CASES = [
    pytest.param(module, name, marks=pytest.mark.long if needs_scipy(module, name) else ())
    for module, table in EVERY.items()
    for name in table
]


@pytest.mark.parametrize(("module", "name"), CASES)
def test_derivatives_of_first_second_and_third_order(module: str, name: str) -> None:
    if needs_scipy(module, name):
        pytest.importorskip("scipy")
    f, at = EVERY[module][name]
    assert check_grad(f, at, order=2)

    def along(t: Any) -> Any:
        """f along a line through the point."""
        if not isinstance(at, list):
            return f(at + t)
        return f([x + (k + 1) * 0.5 * t for k, x in enumerate(at)])

    second = grad(grad(along))
    wide, near = ((second(h) - second(-h)) / (2.0 * h) for h in (2e-3, 1e-3))
    assert grad(second)(0.0) == pytest.approx((4.0 * near - wide) / 3.0, rel=1e-6, abs=1e-8)
