"""Derivatives of SciPy's solutions within bounds and under constraints, and of fits of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pygrad import grad, jacfwd, jacobian, math, newton
from pygrad.scipy import curve_fit, least_squares, minimize

optimize = pytest.importorskip("scipy.optimize")

TIGHT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
TIMES = np.linspace(0.0, 4.0, 12)
SEEN = 2.5 * np.exp(-1.3 * TIMES) + 0.5 + 0.05 * np.cos(37.0 * TIMES)
SEEN[3] += 1.0


def slope(f: Any, x: float, step: float = 1e-4) -> float:
    """By Richardson's extrapolation; solutions are good to some 1e-10, so this is to some 1e-6."""
    wide, near = ((f(x + h) - f(x - h)) / (2.0 * h) for h in (2.0 * step, step))
    return float((4.0 * near - wide) / 3.0)


def check(f: Any, x: float, exactly: Any = None, second: bool = True) -> None:
    """exactly: gives what f does with all digits, for which a fit is too flat."""
    found, rel = grad(f)(x), 1e-5
    assert found == pytest.approx(slope(exactly or f, x), rel=rel, abs=1e-7)
    assert jacfwd(f)(x) == pytest.approx(found, rel=1e-10, abs=1e-13)
    if second:
        expected = slope(grad(f), x)
        for other in (grad(grad(f)), jacfwd(grad(f))):
            assert other(x) == pytest.approx(expected, rel=rel, abs=1e-6)


# -- bounds ----------------------------------------------------------------------------------------


def bounded(a: Any, method: str = "L-BFGS-B", bound: Any = 1.0) -> Any:
    def cost(x: Any) -> Any:
        return (x[0] - a) ** 2 + (x[1] - a * x[0]) ** 2 + math.exp(0.1 * x[1] * a)

    options = {"gtol": 1e-13} if method != "SLSQP" else {}
    return minimize(
        cost, [0.5, 0.5], bounds=[(0.0, bound), (None, None)], method=method, tol=1e-15,
        options=options,
    )  # fmt: skip


@pytest.mark.parametrize("a", [0.6, 2.0])  # the first is free
@pytest.mark.parametrize("of", [lambda r: r.x[0], lambda r: r.x[1], lambda r: r.fun])
def test_bounds(a: float, of: Any) -> None:
    check(lambda a: of(bounded(a)), a)


def test_a_coordinate_at_its_bound_moves_with_that() -> None:
    assert grad(lambda a: bounded(a).x[0])(2.0) == 0.0
    assert grad(lambda b: bounded(2.0, bound=b).x[0])(1.0) == pytest.approx(1.0, rel=1e-14)
    check(lambda b: bounded(2.0, bound=b).x[1], 1.0)

    def by_object(b: Any) -> Any:
        bounds = optimize.Bounds([0.0, -np.inf], np.array([b, 9.0]))
        return minimize(lambda x: (x[0] - 3) ** 2 + (x[1] - x[0]) ** 2, [0.5, 0.5], bounds=bounds).x

    assert jacobian(by_object)(1.0) == pytest.approx(np.array([1.0, 1.0]))


@pytest.mark.parametrize("method", ["SLSQP", "TNC", "Powell"])
def test_bounds_of_other_methods(method: str) -> None:
    def f(a: Any) -> Any:
        return minimize(
            lambda x: (x[0] - a) ** 2 + (x[1] - a * x[0]) ** 2, [0.5, 0.5], method=method,
            bounds=[(0.0, 1.0), (None, None)], tol=1e-10,
        ).x  # fmt: skip

    assert jacobian(f)(2.0) == pytest.approx(np.array([0.0, 1.0]), abs=1e-6)


def test_a_fixed_coordinate() -> None:
    def f(a: Any) -> Any:
        bounds = [(1.0, 1.0), (None, None)]
        return minimize(
            lambda x: (x[0] - a) ** 2 + (x[1] - a * x[0]) ** 2, [1.0, 0.0], bounds=bounds
        ).x

    assert jacobian(f)(1.0) == pytest.approx(np.array([0.0, 1.0]), abs=1e-12)  # pressed or not


# -- constraints -----------------------------------------------------------------------------------


def on_disk(a: Any) -> list[Any]:
    return [
        {"type": "ineq", "fun": lambda x, r: r - x[0] ** 2 - x[1] ** 2, "args": (a,)},
        optimize.NonlinearConstraint(lambda x: [x[0] ** 2 + x[1] ** 2 - a, x[0]], -np.inf, [0, 9]),
        [
            {"type": "eq", "fun": lambda x: a - x[0] ** 2 - x[1] ** 2},
            {"type": "ineq", "fun": lambda x: x[0] + 10.0},  # not reached
        ],
    ]


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")  # of SciPy's own quasi-Newton steps
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["dict", "object", "list"])
def test_constraints(method: str, which: int) -> None:
    def f(a: Any) -> Any:
        constraints = on_disk(a)[which]
        return minimize(
            lambda x: x[0] + 2.0 * a * x[1], [0.3, -0.5], method=method, constraints=constraints,
            tol=1e-12,
        )  # fmt: skip

    def closed(a: Any) -> Any:
        return -math.sqrt(a / (1.0 + 4.0 * a * a))

    # as near as the solution: SciPy's interior points end some 1e-6 within
    assert grad(lambda a: f(a).x[0])(2.0) == pytest.approx(grad(closed)(2.0), rel=1e-5)
    second = grad(grad(lambda a: f(a).x[0]))(2.0)
    assert second == pytest.approx(grad(grad(closed))(2.0), rel=3e-5)
    value = grad(lambda a: f(a).fun)(2.0)  # of -sqrt(a + 4 a ** 3)
    assert value == pytest.approx(-49.0 / (2.0 * 34.0**0.5), rel=1e-6)


def test_linear_constraints_and_a_bound_at_once() -> None:
    def f(a: Any) -> Any:
        return minimize(
            lambda x: (x[0] - a) ** 2 + (x[1] - 2.0) ** 2 + (x[2] - 3.0 * a) ** 2, [0.0, 0.0, 0.0],
            method="SLSQP", bounds=[(None, None), (None, None), (None, 1.0)],
            constraints=optimize.LinearConstraint([[1.0, 1.0, 0.0]], -np.inf, 1.0),
        ).x  # fmt: skip

    assert jacobian(f)(1.0) == pytest.approx(np.array([0.5, -0.5, 0.0]), abs=1e-12)


def test_where_there_is_no_derivative() -> None:
    def at_the_bound(a: Any) -> Any:
        return minimize(lambda x: (x[0] - a) ** 2, [0.5], bounds=[(0.0, 1.0)]).x[0]

    assert grad(at_the_bound)(0.9) == pytest.approx(1.0)
    assert grad(at_the_bound)(1.1) == 0.0
    with pytest.raises(ValueError, match=r"reached the upper bound of x\[0\], but is not pressed"):
        grad(at_the_bound)(1.0)
    assert at_the_bound(1.0) == pytest.approx(1.0)  # no derivative, no error

    def twice(a: Any) -> Any:
        constraints = [
            {"type": "ineq", "fun": lambda x: 1.0 - x[0]},
            {"type": "ineq", "fun": lambda x: 2.0 - 2.0 * x[0]},
        ]
        return minimize(
            lambda x: (x[0] - a) ** 2 + x[1] ** 2,
            [0.0, 0.0],
            method="SLSQP",
            constraints=constraints,
        ).x[0]

    with pytest.raises(ValueError, match=r"constraint 0, .*constraint 1 depend on each other"):
        grad(twice)(2.0)

    def stopped(a: Any) -> Any:
        return minimize(lambda x: (x[0] - a) ** 4, [0.0], options={"maxiter": 1}).x[0]

    with pytest.raises(RuntimeError, match="not reached"):
        grad(stopped)(5.0)


# -- fits ------------------------------------------------------------------------------------------


def misfits(p: Any, a: Any) -> list[Any]:
    return [p[0] * math.exp(-p[1] * t) + p[2] - a * y * y for t, y in zip(TIMES, SEEN, strict=True)]


RHO: dict[str, Any] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2.0 * ((1.0 + z) ** 0.5 - 1.0),
    "huber": lambda z: math.where(z <= 1.0, z, 2.0 * math.sqrt(math.maximum(z, 1.0)) - 1.0),
    "cauchy": lambda z: math.log(1.0 + z),
    "arctan": math.arctan,
}


def cost(p: Any, a: Any, loss: str = "linear", scale: float = 1.0) -> Any:
    return 0.5 * sum(scale**2 * RHO[loss]((r / scale) ** 2) for r in misfits(p, a))


def polished(of: Any, start: Any) -> Any:
    """The minimum by Newton's method, which has all digits."""
    return newton(grad(of), list(map(float, start)), tol=1e-15).x


@pytest.mark.parametrize("loss", RHO)
def test_robust_losses(loss: str) -> None:
    def fitted(a: Any) -> Any:
        options = {"loss": loss, "f_scale": 0.2} if loss != "linear" else {}
        return least_squares(lambda p: misfits(p, a), [4.0, 2.0, 0.3], **options, **TIGHT)

    def exactly(a: Any) -> Any:
        return polished(lambda p: cost(p, a, loss, 0.2), fitted(a).x)

    check(lambda a: fitted(a).x[0], 1.1, lambda a: exactly(a)[0], second=loss == "cauchy")
    scale = 1.0 if loss == "linear" else 0.2
    check(lambda a: fitted(a).cost, 1.1, lambda a: cost(exactly(a), a, loss, scale), second=False)


def test_the_scale_of_a_loss_and_one_that_is_a_function() -> None:
    def fitted(scale: Any) -> Any:
        return least_squares(
            lambda p: misfits(p, 1.0), [4.0, 2.0, 0.3], loss="cauchy", f_scale=scale, **TIGHT
        ).x

    def exactly(scale: float) -> Any:
        return polished(lambda p: cost(p, 1.0, "cauchy", scale), fitted(scale))[2]

    check(lambda scale: fitted(scale)[2], 0.3, exactly, second=False)

    def custom(a: Any) -> Any:
        rho = lambda z: np.array([z, 1.0 + 0.0 * z, 0.0 * z])  # noqa: E731
        return least_squares(lambda p: [p[0] - a], [1.0], loss=rho).x[0]

    assert custom(2.0) == pytest.approx(2.0)
    with pytest.raises(TypeError, match=r"its loss is a function: give one of linear.*minimize"):
        grad(custom)(2.0)


def test_bounded_fits() -> None:
    def fitted(a: Any, method: str = "dogbox", top: Any = 3.0) -> Any:
        bounds = ([0.0, 0.0, 0.0], [top, 9.0, 9.0])
        start = [2.0, 2.0, 0.3]
        return least_squares(lambda p: misfits(p, a), start, bounds=bounds, method=method, **TIGHT)

    def exactly(a: float, top: float = 3.0) -> Any:
        return polished(lambda p: cost([top, p[0], p[1]], a), fitted(a, top=top).x[1:])[0]

    assert grad(lambda a: fitted(a).x[0])(1.1) == 0.0
    check(lambda a: fitted(a).x[1], 1.1, exactly, second=False)
    check(lambda top: fitted(1.1, top=top).x[1], 3.0, lambda top: exactly(1.1, top), second=False)
    second = grad(grad(lambda a: fitted(a).x[1]))(1.1)
    assert second == pytest.approx(slope(lambda a: slope(exactly, a, 1e-3), 1.1, 1e-3), rel=1e-4)
    near = grad(lambda a: fitted(a, "trf").x[1])(1.1)  # which ends a little within the bound
    assert near == pytest.approx(grad(lambda a: fitted(a).x[1])(1.1), rel=1e-5)


def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
    return a * np.exp(-k * t) + c


CORRELATED = 0.04 * np.exp(-np.abs(TIMES[:, None] - TIMES)) * np.outer(1 + TIMES, 1 + TIMES)
FITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sigma": {"sigma": 0.1 + 0.02 * TIMES},
    "absolute": {"sigma": 0.1 + 0.02 * TIMES, "absolute_sigma": True},
    "correlated": {"sigma": CORRELATED},
    "robust": {"method": "trf", "loss": "soft_l1", "f_scale": 0.1},
    "bounded": {"bounds": ([0.0, 0.0, 0.0], [2.0, 9.0, 9.0]), "method": "dogbox"},
}


@pytest.mark.parametrize("name", FITS)
def test_curve_fit(name: str) -> None:
    def fit(a: Any, **more: Any) -> Any:
        data = [y + a * y * y for y in SEEN]
        return curve_fit(decay, TIMES, data, p0=[1.8, 1.0, 0.1], **FITS[name], **TIGHT, **more)

    # fits are good to some 1e-8, which steps as wide as this make 1e-5
    for of in (lambda f: f[0][1], lambda f: f[0][2], lambda f: f[1][0, 1], lambda f: f[1][2, 2]):
        found = grad(lambda a, of=of: of(fit(a)))(0.3)
        expected = slope(lambda a, of=of: of(fit(a)), 0.3, 4e-3)
        assert found == pytest.approx(expected, rel=2e-4)
    whole = fit(0.3, full_output=True)
    assert len(whole) == 5
    assert type(whole[0]) is np.ndarray and whole[0].dtype == float

    covariances: list[Any] = []

    def noted(a: Any) -> Any:
        popt, pcov = fit(a)
        covariances.append([[v.data for v in row] for row in pcov])
        return popt[0]

    grad(noted)(0.3)
    assert np.array(covariances[0]) == pytest.approx(whole[1], rel=1e-6)


def test_what_else_a_fit_depends_on() -> None:
    start = [1.8, 1.0, 0.1]

    def by_times(a: Any) -> Any:
        return curve_fit(decay, [a * t for t in TIMES], SEEN, p0=start, **TIGHT)[0][1]

    def by_sigma(a: Any) -> Any:
        sigma = [0.1 + a * t for t in TIMES]
        return curve_fit(decay, TIMES, SEEN, p0=start, sigma=sigma, **TIGHT)[0][1]

    def by_model(a: Any) -> Any:
        return curve_fit(lambda t, b, k, c: decay(a * t, b, k, c), TIMES, SEEN, p0=start, **TIGHT)[
            0
        ][1]

    for f, at in ((by_times, 1.1), (by_sigma, 0.02), (by_model, 1.1)):
        assert grad(f)(at) == pytest.approx(slope(f, at, 4e-3 * at), rel=2e-4)
    assert grad(by_times)(1.1) == pytest.approx(grad(by_model)(1.1), rel=1e-6)
    constant = grad(lambda a: curve_fit(lambda t, c: a * c, TIMES, SEEN)[0][0])(2.0)
    assert constant == pytest.approx(-SEEN.mean() / 4.0, rel=1e-7)


def test_data_that_are_left_out() -> None:
    def f(a: Any) -> Any:
        data = [*(a * y for y in SEEN[:-1]), np.nan]
        options = {"check_finite": False, "nan_policy": "omit"}
        return curve_fit(lambda t, c: 0.0 * t + c, TIMES, data, p0=[1.0], **options)[0][0]

    assert f(2.0) == pytest.approx(2.0 * SEEN[:-1].mean())
    with pytest.raises(TypeError, match="nan_policy has left out"):
        grad(f)(2.0)
