"""SciPy's interpolants and integrals in lifted code, against SciPy's own and differences of these."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import compile, grad, lift, value_and_grad, vmap

pytest.importorskip("scipy")
from scipy import integrate, interpolate  # noqa: E402

X = [0.0, 1.0, 2.0, 3.5, 5.0]
Y = [0.0, 1.2, 0.7, 2.0, 1.5]

SPLINES = {
    "cubic": "interpolate.CubicSpline(X, Y)(t)",
    "heights": "interpolate.CubicSpline(X, [0.0, a, 0.7, a * a, 1.5], bc_type='natural')(t)",
    "ends": "interpolate.CubicSpline(X, [0.0, a, 0.7, 2.0, 1.5], bc_type=((1, 0.5), (2, 0.0)))(t)",
    "of a circle": "interpolate.CubicSpline(X, [0.0, 1.0, 2.0, 1.0, 0.0], bc_type='periodic')(t + 7.0)",
    "periodic heights": (
        "interpolate.CubicSpline(X, [a, t, 2.0, 1.0, a], bc_type='periodic')(t + 7.0)"
    ),
    "periodic integral": (
        "interpolate.CubicSpline(X, [a, 1.0, t, 1.0, a], bc_type='periodic').integrate(t, 19.0)"
    ),
    "periodic B": (
        "interpolate.make_interp_spline(X, [a, t, 2.0, 1.0, a], k=3, bc_type='periodic')(t + 7.0)"
    ),
    "periodic B of numbers": (
        "a * interpolate.make_interp_spline(X, [0.5, 1.0, 2.0, 1.0, 0.5], bc_type='periodic')(t + 7.0)"
    ),
    "integral of periodic B": (
        "interpolate.make_interp_spline(X, [0.5, 1.0, 2.0, 1.0, 0.5], bc_type='periodic')"
        ".integrate(a, t + 17.0)"
    ),
    "knots of one distance": (
        "a * interpolate.splev(t * 4.0, (np.arange(8.0), np.array([1.0, 2.0, 0.5, 3.0]), 3), ext=3)"
    ),
    "slope": "interpolate.CubicSpline(X, [0.0, a, 0.7, 2.0, 1.5])(t, 1)",
    "curvature": "interpolate.CubicSpline(X, Y).derivative(2)(t)",
    "integral": "interpolate.CubicSpline(X, [0.0, a, 0.7, 2.0, 1.5]).integrate(t, 4.0 * a)",
    "beyond": "interpolate.CubicSpline(X, Y)(t + 5.0)",
    "table": "np.sum(interpolate.CubicSpline(X, np.array([Y, [1.0, 2.0, a, 0.5, 0.0]]).T)(t))",
    "several": "np.sum(interpolate.CubicSpline(X, Y)(np.array([t, a, 2.2])))",
    "monotone": "interpolate.PchipInterpolator(X, Y)(t)",
    "akima": "interpolate.Akima1DInterpolator(X, Y)(t)",
    "smoothed": "interpolate.UnivariateSpline(X, Y, s=0.1)(t)",
    "smooth slope": "interpolate.UnivariateSpline(X, Y, s=0.0).derivative()(t)",
    "held": "t * interpolate.UnivariateSpline(X, Y, s=0.0, ext=3)(t + 5.0)",
    "zeros": "t + interpolate.UnivariateSpline(X, Y, s=0.0)(t + 5.0, ext=1)",
    "univariate": "interpolate.InterpolatedUnivariateSpline(X, [0.0, a, 0.7, 2.0, 1.5], k=2)(t)",
    "of B": "interpolate.make_interp_spline(X, [0.0, a, 0.7, 2.0, 1.5], k=3)(t)",
    "by knots": "interpolate.splev(t, interpolate.splrep(X, Y), der=1)",
    **{
        kind: f"interpolate.interp1d(X, [0.0, a, 0.7, 2.0, 1.5], kind='{kind}')(t) + t"
        for kind in (
            "linear",
            "nearest",
            "previous",
            "next",
            "zero",
            "slinear",
            "quadratic",
            "cubic",
        )
    },
    "nearest above": "t * interpolate.interp1d(X, [0.0, a, 0.7, 2.0, 1.5], kind='nearest-up')(t)",
    "previous beyond": (
        "interpolate.interp1d(X, [0.0, 1.2, 0.7, 2.0, a], kind='previous', fill_value='extrapolate')"
        "(t + 5.0) * t"
    ),
    "next beyond": (
        "interpolate.interp1d(X, [a, 1.2, 0.7, 2.0, 1.5], kind='next', fill_value='extrapolate')(-t) * t"
    ),
    "held height": "t * interpolate.InterpolatedUnivariateSpline(X, [0.0, a, 0.7, 2.0, a], ext=3)(t + 5.0)",
    "held slope": "interpolate.UnivariateSpline(X, Y, s=0.0, ext=3)(t + 5.0, 1)",
    "slope of held": "t + interpolate.UnivariateSpline(X, Y, s=0.0, ext=3).derivative()(t + 5.0)",
    "held slope by knots": "interpolate.splev(t + 5.0, interpolate.splrep(X, Y), 1, 3)",
    "integral of held": (
        "t * interpolate.InterpolatedUnivariateSpline(X, [0.0, a, 0.7, 2.0, 1.5], ext=3)"
        ".antiderivative()(t + 5.0)"
    ),
    "integral beyond": "t * interpolate.UnivariateSpline(X, Y, s=0.0).integral(a - 2.0, t + 5.0)",
    "integral of B beyond": (
        "t * interpolate.make_interp_spline(X, Y).integrate(a - 2.0, t + 5.0, extrapolate=False)"
    ),
    "integral of periods": (
        "interpolate.CubicSpline(X, [0.0, 1.0, 2.0, 1.0, 0.0], bc_type='periodic')"
        ".integrate(-9.0 * a, t + 7.0)"
    ),
    "integral backwards": "interpolate.CubicSpline(X, Y).integrate(t + 17.0, a, 'periodic')",
    "unsorted": "interpolate.interp1d([3.5, 1.0, 0.0, 2.0], [0.7, a, 0.2, 2.0])(t)",
    "extrapolated": "interpolate.interp1d(X, Y, fill_value='extrapolate')(t + 5.0)",
    "filled": "t + interpolate.interp1d(X, Y, fill_value=(3.0, 4.0), bounds_error=False)(t + 5.0)",
}
INTEGRALS = {
    "of a function": "integrate.quad(lambda s: math.exp(-t * s * s), 0.0, a)[0]",
    "of another argument": "integrate.quad(lambda s, k: math.sin(k * s), a, 2.0, args=(t,))[0]",
    "of a limit": "integrate.quad(math.cos, t, a)[0]",
    "of parts": "integrate.quad(lambda s: abs(s - t) * a, 0.0, 4.0, points=[1.3])[0]",
    "of many parts": "integrate.quad(lambda s: math.sin(40.0 * t * s), 0.0, a, epsabs=1e-10)[0]",
    "to infinity": "integrate.quad(lambda s: math.exp(-t * s), a, math.inf)[0]",
    "from infinity": "integrate.quad(lambda s: math.exp(t * s), -math.inf, a)[0]",
    "of all": "integrate.quad(lambda s: math.exp(-t * (s - a) ** 2), -np.inf, np.inf)[0]",
    "backwards": "integrate.quad(lambda s: math.exp(-t * s), math.inf, a)[0]",
    "of a root": "integrate.quad(lambda s: math.sqrt(s) * t, 0.0, a)[0]",
    "of a plane": "integrate.dblquad(lambda y, x: x * y * t, 0.0, a, 0.0, lambda x: x)[0]",
}


def made(expression: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    space: dict[str, Any] = {
        "X": X,
        "Y": Y,
        "np": np,
        "math": math,
        "interpolate": interpolate,
        "integrate": integrate,
    }
    exec(f"def f(t, a):\n    return 1.0 * {expression}\n", space)
    return space["f"], lift(space["f"])


@pytest.mark.parametrize("name", [*SPLINES, *INTEGRALS])
def test_they_are_scipys_and_have_derivatives(name: str) -> None:
    plain, f = made({**SPLINES, **INTEGRALS}[name])
    point, h = (1.3, 0.7), 1e-5
    value, slopes = value_and_grad(f, (0, 1))(*point)
    assert value == pytest.approx(float(plain(*point)), rel=1e-14)
    assert f(*point) == plain(*point)
    for i in (0, 1):
        above, below = ([x + s * h * (j == i) for j, x in enumerate(point)] for s in (1, -1))
        expected = (plain(*above) - plain(*below)) / (2 * h)
        assert slopes[i] == pytest.approx(float(expected), rel=2e-7, abs=1e-8)
    second = (grad(f)(1.3 + h, 0.7) - grad(f)(1.3 - h, 0.7)) / (2 * h)
    assert grad(grad(f))(*point) == pytest.approx(second, rel=1e-6, abs=1e-6)
    assert compile(grad(f))(*point) == pytest.approx(slopes[0], rel=1e-7, abs=1e-12)
    columns = [1.3, 1.35, 0.4], [0.7, 0.72, 0.9]
    rows = vmap(value_and_grad(f))(*columns)
    for row in zip(*columns, *rows, strict=True):
        assert row[2] == pytest.approx(float(plain(*row[:2])), rel=1e-8)
        assert row[3] == pytest.approx(grad(f)(*row[:2]), rel=1e-7, abs=1e-12)


def test_an_integrals_derivative_needs_no_more_than_the_integrands() -> None:
    _, f = made("integrate.quad(lambda s: s**t, 0.0, 1.0)[0]")
    t = 1.5
    assert grad(f)(t, 0.0) == pytest.approx(-((t + 1) ** -2), rel=1e-8)
    assert grad(grad(f))(t, 0.0) == pytest.approx(2 * (t + 1) ** -3, rel=1e-6)


TABLE = interpolate.interp1d(X, Y)
SPLINE = interpolate.CubicSpline(X, Y)
KNOTS = interpolate.make_interp_spline(X, Y)


@pytest.mark.parametrize("made_before", [TABLE, SPLINE, KNOTS, SPLINE.derivative()])
def test_what_was_made_before_takes_values(made_before: Any) -> None:
    @lift
    def f(t: Any) -> Any:
        return 2.0 * made_before(t)

    slope = (made_before(1.3 + 1e-6) - made_before(1.3 - 1e-6)) / 1e-6
    assert grad(f)(1.3) == pytest.approx(float(slope), rel=1e-6)
    assert compile(f)(1.3) == pytest.approx(2.0 * float(made_before(1.3)))
    assert vmap(f)([0.2, 4.9]).tolist() == pytest.approx((2.0 * made_before([0.2, 4.9])).tolist())


@pytest.mark.parametrize("mode", [lambda f: f, compile, vmap])
def test_out_of_range_is_the_error_that_floats_have(mode: Any) -> None:
    _, f = made("interpolate.interp1d(X, Y)(t)")
    arguments = ([7.0], [0.0]) if mode is vmap else (7.0, 0.0)
    with pytest.raises(ValueError, match="interpolation range"):
        mode(grad(f))(*arguments)


def test_a_periodic_spline_ends_as_it_begins() -> None:
    _, f = made("interpolate.CubicSpline(X, [a, 1.0, 2.0, 1.0, t], bc_type='periodic')(0.5)")
    with pytest.raises(ValueError, match="first and the last height"):
        grad(f)(1.3, 0.7)
    assert grad(f, 1)(1.3, 1.3) + grad(f)(1.3, 1.3) == pytest.approx(
        grad(
            lift(
                lambda a: interpolate.CubicSpline(X, [a, 1.0, 2.0, 1.0, a], bc_type="periodic")(0.5)
            )
        )(1.3)
    )


def test_a_slope_of_negative_order_is_an_error_as_it_is_scipys() -> None:
    plain, f = made("interpolate.CubicSpline(X, Y)(t, -1)")
    for call in (plain, grad(f)):
        with pytest.raises(ValueError, match="derivative cannot be negative"):
            call(1.3, 0.7)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("interpolate.CubicSpline([0.0, t, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0])(0.5)", "heights alone"),
        (
            "interpolate.PchipInterpolator(X, [0.0, t, 0.7, 2.0, 1.5])(0.5)",
            "use one of CubicSpline",
        ),
        ("interpolate.interp1d(X, [Y, [t] * 5], axis=-1)(0.5)[0]", "one row of heights"),
        ("integrate.quad(lambda s: s * t, 0.0, 1.0, weight='cos', wvar=1.0)[0]", "takes no weight"),
    ],
)
def test_what_has_no_derivative_here_says_so(expression: str, said: str) -> None:
    _, f = made(expression)
    with pytest.raises(TypeError, match=said):
        grad(f)(1.3, 0.7)


def test_integrands_errors_are_their_own() -> None:
    _, f = made("integrate.quad(lambda s: s + 'a', 0.0, 1.0)[0]")
    with pytest.raises(TypeError, match="unsupported operand"):
        f(1.3, 0.7)
