"""SciPy's curve_fit with exact derivatives by the parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pygrad import math as pm
from pygrad.scipy import curve_fit, fitting

optimize = pytest.importorskip("scipy.optimize")

# NIST, Statistical Reference Datasets, Misra1a: volume adsorbed at a pressure, b1 (1 - exp(-b2 x))
PRESSURE = np.array([
    77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0,
])  # fmt: skip
VOLUME = np.array([
    10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78,
])  # fmt: skip


def adsorption(x, b1, b2):
    return b1 * (1 - np.exp(-b2 * x))


@pytest.mark.parametrize("method", ["lm", "trf"])
@pytest.mark.parametrize("start", [(500.0, 0.0001), (250.0, 0.0005)])
def test_curve_fit_agrees_with_nists_certified_digits(method, start):
    popt, pcov = curve_fit(
        adsorption, PRESSURE, VOLUME, start, method=method, ftol=1e-15, xtol=1e-15, gtol=1e-15,
        **({"x_scale": "jac"} if method == "trf" else {}),
    )  # fmt: skip
    assert popt == pytest.approx([2.3894212918e02, 5.5015643181e-04], rel=1e-9)
    deviations = np.sqrt(np.diag(pcov))
    assert deviations == pytest.approx([2.7070075241e00, 7.2668688436e-06], rel=1e-8)


def decay(t, a, k, c):
    return a * np.exp(-k * t) + c


def decay_jac(t, a, k, c):
    e = np.exp(-k * t)
    return np.array([e, -a * t * e, np.ones_like(t)]).T


def decay_data():
    rng = np.random.default_rng(11)
    t = np.linspace(0, 4, 50)
    sigma = 0.02 + 0.02 * t
    return t, decay(t, 2.5, 1.3, 0.5) + sigma * rng.normal(size=50), sigma


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"p0": [2.0, 1.0, 0.0]},
        {"bounds": ([0, 0, 0], [2.0, 3, 3])},
        {"method": "dogbox"},
        {"sigma": "1-D"},
        {"sigma": "1-D", "absolute_sigma": True},
        {"sigma": "2-D", "absolute_sigma": True},
        {"method": "trf", "loss": "soft_l1"},
        {"maxfev": 500},
    ],
    ids=str,
)
def test_curve_fit_agrees_with_a_jacobian_by_hand(settings):
    t, y, sigma = decay_data()
    settings = dict(settings)
    if settings.get("sigma") == "1-D":
        settings["sigma"] = sigma
    elif settings.get("sigma") == "2-D":
        distance = np.abs(t[:, None] - t)
        settings["sigma"] = np.outer(sigma, sigma) * np.exp(-distance / 0.1)
    ours = curve_fit(decay, t, y, full_output=True, **settings)
    theirs = optimize.curve_fit(decay, t, y, full_output=True, jac=decay_jac, **settings)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-8)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-6)
    assert ours[2]["nfev"] == theirs[2]["nfev"]


def test_the_jacobian_by_the_parameters_is_exact():
    t, _, _ = decay_data()
    found = fitting._jacobian_by_parameters(decay)(t, 2.0, 1.0, 0.5)
    assert found.dtype == np.float64
    assert found == pytest.approx(decay_jac(t, 2.0, 1.0, 0.5), rel=1e-14)


def test_curve_fit_counts_the_parameters_of_the_model_as_scipy_does():
    t, y, _ = decay_data()

    class Model:
        def __call__(self, t, a, k, c):
            return decay(t, a, k, c)

        def method(self, t, a, k, c):
            return decay(t, a, k, c)

    expected = optimize.curve_fit(decay, t, y)[0]
    for model in (decay, Model().method, lambda t, a, k, c: list(decay(t, a, k, c))):
        assert curve_fit(model, t, y)[0] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="Unable to determine number of fit parameters"):
        curve_fit(lambda t, *p: decay(t, *p), t, y)
    assert curve_fit(lambda t, *p: decay(t, *p), t, y, p0=[1, 1, 1])[0] == pytest.approx(
        expected, rel=1e-5
    )


def test_models_written_point_by_point_and_with_methods_of_values():
    t, y, _ = decay_data()
    expected = optimize.curve_fit(decay, t, y, jac=decay_jac)[0]

    def point_by_point(t, a, k, c):
        return [a * pm.exp(-k * float(s)) + c for s in t]

    def with_methods(t, a, k, c):
        return [a * (-k * float(s)).exp() + c for s in t]

    for model in (point_by_point, with_methods):
        assert curve_fit(model, list(t), list(y))[0] == pytest.approx(expected, rel=1e-9)


def test_a_model_of_two_independent_variables_and_a_constant_one():
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, size=(2, 30))
    y = 1.5 * x[0] - 0.5 * x[1] ** 2
    assert curve_fit(lambda x, a, b: a * x[0] + b * x[1] ** 2, x, y)[0] == pytest.approx(
        [1.5, -0.5]
    )
    popt, pcov = curve_fit(lambda x, c: c, x, y)
    assert popt == pytest.approx([y.mean()], rel=1e-9)
    assert pcov == pytest.approx(np.array([[y.var(ddof=1) / 30]]), rel=1e-6)


def test_missing_data_may_be_left_out():
    t, y, _ = decay_data()
    y[7] = math.nan
    keep = np.isfinite(y)
    popt, _ = curve_fit(decay, t, y, check_finite=False, nan_policy="omit")
    assert popt == pytest.approx(curve_fit(decay, t[keep], y[keep])[0], rel=1e-12)


def test_a_pendulum_integrated_step_by_step_is_fitted():
    def swing(times, length, damping):
        """Angle at each time, by the semi-implicit Euler method."""
        angle, speed, now, angles = 1.0, 0.0, 0.0, []
        for time in times:
            while now < time - 1e-9:
                speed = speed - 0.01 * (9.81 / length * pm.sin(angle) + damping * speed)
                angle = angle + 0.01 * speed
                now += 0.01
            angles.append(angle)
        return angles

    times = np.linspace(0.1, 3, 30)
    seen = np.array(swing(times, 1.3, 0.2), dtype=float)
    popt, _ = curve_fit(swing, times, seen, p0=[1.0, 0.1])
    assert popt == pytest.approx([1.3, 0.2], rel=1e-8)
