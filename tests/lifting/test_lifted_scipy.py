"""SciPy in lifted code: the normal distribution, functions of scipy.special, and root finders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pygrad import LiftError, compile, grad, hessian, lift, value_and_grad, vmap

scipy = pytest.importorskip("scipy")
from scipy import integrate, optimize, special, stats  # noqa: E402
from scipy.stats import norm  # noqa: E402

mpmath = pytest.importorskip("mpmath")


@lift
def call(spot: Any, volatility: Any) -> Any:
    d = (np.log(spot / 105.0) + 0.02 + 0.5 * volatility**2) / volatility
    return spot * norm.cdf(d) - 105.0 * np.exp(-0.02) * stats.norm.cdf(d - volatility)


def test_a_price_by_the_normal_distribution() -> None:
    point = (100.0, 0.2)
    d = (math.log(100.0 / 105.0) + 0.02 + 0.02) / 0.2
    value, (delta, vega) = value_and_grad(call, (0, 1))(*point)
    assert value == pytest.approx(call(*point), rel=1e-13)
    assert type(call(*point)) is np.float64
    assert delta == pytest.approx(norm.cdf(d), rel=1e-12)
    assert vega == pytest.approx(100.0 * norm.pdf(d), rel=1e-12)
    assert compile(grad(call))(*point) == pytest.approx(delta)
    assert vmap(grad(call), in_axes=(0, None))([90.0, 100.0], 0.2)[1] == pytest.approx(delta)
    gamma = norm.pdf(d) / (100.0 * 0.2)
    assert hessian(lambda p: call(*p))([*point])[0][0] == pytest.approx(gamma, rel=1e-9)


NORMAL = [
    (name, x)
    for name in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf")
    for x in (-7.0, -30.0, 0.4, 6.0)
]
NORMAL += [(name, x) for name in ("ppf", "isf") for x in (1e-12, 0.02, 0.4, 0.9, 1.0 - 1e-9)]


@pytest.mark.parametrize(("name", "x"), NORMAL)
def test_the_normal_distribution(name: str, x: float) -> None:
    plain = getattr(norm, name)

    @lift
    def f(x: Any) -> Any:
        return getattr(stats.norm, name)(x)

    @lift
    def frozen(x: Any) -> Any:
        return getattr(scipy.stats.norm(0.5, scale=2.0), name)(x)

    value, slope = value_and_grad(f)(x)
    assert value == pytest.approx(float(plain(x)), rel=1e-11, abs=1e-300)
    assert slope == pytest.approx(_slope_of(name, x), rel=1e-10, abs=1e-300)
    assert value_and_grad(frozen)(x)[0] == pytest.approx(float(plain(x, 0.5, 2.0)), rel=1e-9)
    assert compile(grad(f))(x) == pytest.approx(slope, rel=1e-11)
    assert f(x) == plain(x)


def _slope_of(name: str, x: float) -> float:
    z = mpmath.mpf(x)
    with mpmath.workdps(40):
        cdf, pdf = mpmath.ncdf, mpmath.npdf
        if name in {"ppf", "isf"}:
            root = mpmath.findroot(lambda t: mpmath.log(cdf(t) / z), float(norm.ppf(x)))
            return float((1 if name == "ppf" else -1) / pdf(root))
        slopes = {
            "pdf": lambda: -z * pdf(z),
            "logpdf": lambda: -z,
            "cdf": lambda: pdf(z),
            "sf": lambda: -pdf(z),
            "logcdf": lambda: pdf(z) / cdf(z),
            "logsf": lambda: -pdf(z) / cdf(-z),
        }
        return float(slopes[name]())


SPECIAL = {
    "ndtr": (0.3,),
    "log_ndtr": (-2.3,),
    "ndtri": (0.3,),
    "erfinv": (-0.3,),
    "logit": (0.3,),
    "xlogy": (1.2, 2.0),
    "xlog1py": (1.2, 2.0),
    "betaln": (1.2, 2.0),
    "beta": (1.2, -2.3),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_functions_of_scipy_special(name: str) -> None:
    plain, point = getattr(special, name), SPECIAL[name]

    @lift
    def f(*args: Any) -> Any:
        return getattr(special, name)(*args)

    value, slopes = value_and_grad(f, tuple(range(len(point))))(*point)
    assert value == pytest.approx(float(plain(*point)), rel=1e-12)
    for i, slope in enumerate(slopes):
        near = [list(point), list(point)]
        near[0][i], near[1][i] = point[i] + 1e-5, point[i] - 1e-5
        assert slope == pytest.approx(float(plain(*near[0]) - plain(*near[1])) / 2e-5, rel=1e-7)

    @lift
    def of_array(x: Any) -> Any:
        return np.sum(getattr(special, name)(np.array([x, 0.5 * x]), *point[1:]))

    expected = slopes[0] + 0.5 * grad(f)(0.5 * point[0], *point[1:])
    assert grad(of_array)(point[0]) == pytest.approx(expected)


def test_logsumexp_and_what_has_no_counterpart() -> None:
    f = lift(lambda x: special.logsumexp([x, 1.0, 2.0 * x]))
    weights = np.exp(np.array([0.7, 1.0, 1.4]) - special.logsumexp([0.7, 1.0, 1.4]))
    assert grad(f)(0.7) == pytest.approx(weights[0] + 2.0 * weights[2])
    assert grad(lift(lambda x: special.j0(x)))(1.0) == -special.j1(1.0)
    with pytest.raises(TypeError, match="'dawsn' is compiled for numbers and takes no Values"):
        grad(lift(lambda x: special.dawsn(x)))(1.0)
    with pytest.raises(LiftError, match=r"scipy\.stats .* compiled"):
        lift("scipy.stats")


SOLVERS: dict[str, Any] = {
    "brentq": lambda f: optimize.brentq(f, 0.1, 5.0),
    "bisect": lambda f: scipy.optimize.bisect(f, 0.1, 5.0),
    "brentq, all of it": lambda f: optimize.brentq(f, 0.1, 5.0, (), 1e-13, full_output=True)[0],
    "newton": lambda f: optimize.newton(f, 1.1),
    "newton, all of it": lambda f: optimize.newton(f, 1.1, full_output=True, disp=False)[1].root,
    "newton, of x": None,
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_root_is_differentiated_as_a_root(name: str) -> None:
    """Of y * exp(y) = x, at x = 2: Lambert's function."""
    solve = SOLVERS[name]

    @lift
    def root(x: Any) -> Any:
        def excess(y: Any, _: Any = None) -> Any:
            return y * np.exp(y) - x

        if solve is None:
            return optimize.newton(excess, x, lambda y, _: (1.0 + y) * np.exp(y), args=(x,))
        return solve(excess)

    y = float(special.lambertw(2.0).real)
    slope = y / (2.0 * (1.0 + y))
    curvature = -(y**2) * (2.0 + y) / (4.0 * (1.0 + y) ** 3)
    value, found = value_and_grad(root)(2.0)
    assert root(2.0) == pytest.approx(y, rel=1e-9)
    assert value == pytest.approx(root(2.0), rel=1e-14)
    assert found == pytest.approx(slope, rel=1e-9)
    assert grad(grad(root))(2.0) == pytest.approx(curvature, rel=1e-8)
    both = compile(value_and_grad(root))(2.0)
    assert both == (pytest.approx(y, rel=1e-9), pytest.approx(slope, rel=1e-9))
    rows = vmap(grad(root))([1.9, 2.0, 2.2])
    assert rows == pytest.approx([grad(root)(x) for x in (1.9, 2.0, 2.2)], rel=1e-9)


def test_one_further_argument_needs_no_tuple() -> None:
    root = lift(
        lambda a: optimize.newton(lambda x, a: x * x - a, 1.5, lambda x, a: 2.0 * x, args=a)
    )
    for slope in (grad(root), compile(grad(root))):
        assert slope(2.0) == pytest.approx(0.5 / np.sqrt(2.0))


def test_solvers_raise_what_they_raise_for_floats() -> None:
    f = lift(lambda x: optimize.brentq(lambda y: y * y + x, 0.0, 1.0))
    for solve in (f, grad(f), compile(f)):
        with pytest.raises(ValueError, match="must have different signs"):
            solve(1.0)
    never = lift(lambda x: optimize.newton(lambda y: y * y + x, 1.0))
    for solve in (never, grad(never), compile(never)):
        with pytest.raises(RuntimeError, match="Failed to converge after 50 iterations"):
            solve(1.0)


MINIMA = {
    "of a parabola": "minimize_scalar(lambda t: (t - a) ** 2 + b * t).x",
    "its height": "minimize_scalar(lambda t, k: math.cosh(t - k) + b * t, args=(a,)).fun",
    "golden": "minimize_scalar(lambda t: (t - a) ** 2 + t**4, bracket=(0.0, 1.0), method='golden').x * b",
    "bounded": "minimize_scalar(lambda t: (t - a) ** 2 * (t + b), bounds=(0.0, 4.0)).x",
    "on a bound": "minimize_scalar(lambda t: (t - a) ** 2, bounds=(2.0 * b + a, 9.0)).x",
}


@pytest.mark.parametrize("name", MINIMA)
@pytest.mark.filterwarnings("ignore:rows of f")
def test_minima(name: str) -> None:
    space: dict[str, Any] = {"math": math, "minimize_scalar": optimize.minimize_scalar}
    exec(f"def f(a, b):\n    return {MINIMA[name]}\n", space)
    plain, f = space["f"], lift(space["f"])
    point, h = (1.7, 0.3), 1e-4
    value, slopes = value_and_grad(f, (0, 1))(*point)
    assert value == plain(*point) == f(*point)
    assert slopes[0] == pytest.approx(
        (plain(1.7 + h, 0.3) - plain(1.7 - h, 0.3)) / (2 * h), abs=1e-3
    )
    assert slopes[1] == pytest.approx(
        (plain(1.7, 0.3 + h) - plain(1.7, 0.3 - h)) / (2 * h), abs=1e-3
    )
    assert compile(value_and_grad(f))(*point) == pytest.approx((value, slopes[0]))
    assert vmap(f)([1.7, 1.8], [0.3, 0.4]) == pytest.approx([value, plain(1.8, 0.4)], rel=1e-7)


def test_a_kink_is_no_minimum_with_a_derivative() -> None:
    f = lift(lambda a: optimize.minimize_scalar(lambda t: abs(t * t - a), bounds=(0.0, 3.0)).x)
    assert f(2.0) == pytest.approx(math.sqrt(2.0), rel=1e-4)
    with pytest.raises(RuntimeError, match=r"kink of abs\(\)"):
        grad(f)(2.0)


@pytest.mark.parametrize(
    ("expression", "cure"),
    [
        ("optimize.minimize(lambda t: (t[0] - a) ** 2, [0.0]).x[0]", "scipy.minimize"),
        ("optimize.least_squares(lambda t: [t[0] - a], [0.0]).x[0]", "scipy.least_squares"),
        ("optimize.curve_fit(lambda t, k: k * t, [0.0, 1.0], [0.0, a])[0][0]", "scipy.curve_fit"),
        ("integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0]).y[0, -1]", "scipy.solve_ivp"),
        ("integrate.odeint(lambda y, t: -a * y, [1.0], [0.0, 1.0])[-1, 0]", "pygrad.odeint"),
    ],
)
def test_solvers_that_take_no_values_name_those_that_do(expression: str, cure: str) -> None:
    f = lift(eval(f"lambda a: {expression}", {"optimize": optimize, "integrate": integrate}))
    with pytest.raises(TypeError, match=cure):
        grad(f)(1.5)


def sums(a: Any, b: Any) -> Any:
    x = np.linspace(0.0, a, 11)
    y = np.exp(-b * x)
    both = np.array([x, y])
    by_nodes = integrate.fixed_quad(lambda t: b * t * t, 0.0, a)[0]
    whole = integrate.simpson(y, x=x) + integrate.trapezoid(y, x) + by_nodes
    even = integrate.simpson(y[1:], x=x[1:] ** 2) + integrate.simpson(y[:2], dx=a)
    running = integrate.cumulative_trapezoid(both, dx=a, initial=0)[1, 3]
    by_columns = integrate.simpson(both.T, x=x, axis=0) + integrate.trapezoid(both.T, dx=a, axis=0)
    return whole + even + running + by_columns[1] + integrate.cumulative_trapezoid(y, x)[3]


def test_sums_over_samples_whose_places_are_values() -> None:
    lifted, point, step = lift(sums), (2.0, 0.5), 1e-5
    assert lifted(*point) == sums(*point)
    value, slopes = value_and_grad(lifted, (0, 1))(*point)
    assert value == pytest.approx(sums(*point), rel=1e-14)
    for i, slope in enumerate(slopes):
        ends = [[x + h * (i == j) for j, x in enumerate(point)] for h in (step, -step)]
        assert slope == pytest.approx((sums(*ends[0]) - sums(*ends[1])) / (2 * step), rel=1e-8)
    assert vmap(lifted)([2.0, 1.0], [0.5, 0.3]) == pytest.approx([value, sums(1.0, 0.3)])
    with pytest.raises(ValueError, match="length of `x`"):
        grad(lift(lambda a: integrate.simpson([a, a, a], x=[0.0, 1.0])))(1.0)
