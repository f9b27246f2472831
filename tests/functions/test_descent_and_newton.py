"""Gradient descent, Newton and Gauss-Newton on textbook problems: minima, roots and fits."""

from __future__ import annotations

import math
import random
from collections import namedtuple
from itertools import pairwise

import numpy as np
import pytest

import pygrad
import pygrad.applications.flat
from pygrad import Value, grad
from pygrad import math as pm
from pygrad.applications import (
    gauss_newton,
    gradient_descent,
    linear_model,
    newton,
    propagate,
    quadratic_model,
    sensitivity,
)


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def watched():
    """A callback and the list of what it is called with."""
    seen = []
    return seen, lambda *args: seen.append(args)


# -- gradient descent -----------------------------------------------------------------------------


def test_descent_on_a_parabola_shrinks_the_distance_by_the_same_factor_at_each_step():
    seen, callback = watched()
    result = gradient_descent(
        lambda x: (x - 3.0) ** 2, 0.0, rate=0.1, steps=200, tol=1e-9, callback=callback
    )
    # x - 3 is multiplied by 1 - 2 * rate
    for step, x, value in seen:
        assert 3.0 - x == pytest.approx(3.0 * 0.8**step, rel=1e-6, abs=0)
        assert value == (x - 3.0) * (x - 3.0)
    assert result.converged
    assert result.steps == len(seen) - 1 == math.ceil(math.log(1e-9 / 6) / math.log(0.8))
    assert (result.x, result.value) == seen[-1][1:]
    assert abs(2 * (result.x - 3.0)) <= 1e-9


def test_descent_walks_the_valley_of_rosenbrock():
    result = gradient_descent(rosenbrock, [-1.2, 1.0], rate=1e-3, steps=100_000, tol=1e-8)
    assert result.converged
    assert result.x == pytest.approx([1.0, 1.0], abs=3e-8)
    assert result.steps > 10_000  # slow: this is why there are other methods
    # The largest curvature at the minimum is 1001.6: with a rate above 2 / 1001.6 it never settles.
    result = gradient_descent(rosenbrock, [1.01, 1.0], rate=2.1e-3, steps=20_000)
    assert not result.converged


@pytest.mark.parametrize(
    "start",
    [
        [2.0, -1.0],
        (2.0, -1.0),
        {"a": 2.0, "b": -1.0},
        np.array([2.0, -1.0]),
        np.array([[2.0], [-1.0]]),
        {"a": [2.0], "b": (np.array([-1.0]),)},
        namedtuple("Pair", "a b")(2.0, -1.0),  # noqa: PYI024
    ],
    ids=["list", "tuple", "dict", "array", "matrix", "nested", "named tuple"],
)
def test_the_structure_of_x_is_kept(start):
    def flat(p):
        if isinstance(p, Value):
            return [p]
        parts = p.values() if isinstance(p, dict) else p.ravel() if hasattr(p, "ravel") else p
        return [v for part in parts for v in flat(part)]

    def f(p):
        assert isinstance(p, type(start))
        a, b = flat(p)
        return (a - 1) ** 2 + 2 * (b - 5) ** 2

    result = gradient_descent(f, start, tol=1e-10)
    assert type(result.x) is type(start)
    assert np.shape(result.x) == np.shape(start)
    if isinstance(start, np.ndarray):
        assert result.x.dtype == np.float64
        assert result.x is not start
    numbers = str(result.x).replace("np.float64", "")
    assert result.converged
    assert "Value" not in numbers


def test_a_rate_too_large_is_reported_as_divergence_with_the_last_finite_point():
    # curvature 2, so that every rate above 1 diverges
    for f, trouble in [
        (lambda x: x * x, "f or its derivative is inf"),
        (
            lambda x: x**2,
            "f raised OverflowError: math range error: ** is too large for a float at "
            "x = 1.3407807929942597e+154, n = 2.0",
        ),
    ]:
        result = gradient_descent(f, 1.0, rate=1.5, steps=5000)
        assert not result.converged
        assert result.value == result.x * result.x > 1e300
        assert result.message == f"diverged: {trouble} one step on; try a rate below 1.5"
    assert not gradient_descent(lambda x: x**2, 1.0, rate=1.0, steps=50).converged
    assert gradient_descent(lambda x: x**2, 1.0, rate=0.99, steps=2000).converged


def test_an_error_on_the_way_down_is_reported_and_one_at_the_start_raised():
    # Jumps to 9.1 and then to 8.2..
    result = gradient_descent(lambda x: x - pm.log(x), 0.1, rate=1.0)
    assert result.converged
    result = gradient_descent(lambda x: pm.log(x), 1.0, rate=0.3)
    assert not result.converged
    assert "ValueError: math domain error" in result.message
    assert result.x > 0
    with pytest.raises(ValueError, match="math domain error"):
        gradient_descent(lambda x: pm.log(x), -1.0)
    with pytest.raises(ValueError, match="inf at the start"):
        gradient_descent(lambda x: pm.sqrt(x), 0.0)


def test_running_out_of_steps_is_reported():
    result = gradient_descent(lambda x: (x - 3.0) ** 2, 0.0, rate=0.1, steps=2)
    assert (result.converged, result.steps) == (False, 2)
    assert result.x == pytest.approx(3 * (1 - 0.64), rel=1e-15, abs=0)
    assert "steepest slope is still 3.84" in result.message
    assert str(result).startswith("not converged after 2 steps (the steepest slope is still 3.84)")


def test_a_step_that_is_lost_in_rounding_is_reported():
    result = gradient_descent(lambda x: x, 1e20, rate=1.0)
    assert not result.converged
    assert "resolution" in result.message
    assert result.steps == 0


def test_descent_wants_one_number_and_says_where_to_go_with_more():
    with pytest.raises(TypeError, match=r"one number.*a list of 2.*gauss_newton"):
        gradient_descent(lambda x: [x, x], 1.0)


# -- Newton ---------------------------------------------------------------------------------------


def test_the_square_root_of_two_doubles_its_digits_at_each_step():
    seen, callback = watched()
    result = newton(lambda x: x * x - 2.0, 1.0, callback=callback)
    assert result.converged
    assert result.x == pytest.approx(math.sqrt(2), rel=2.3e-16, abs=0)
    assert result.steps <= 6
    errors = [abs(x - math.sqrt(2)) for _, x, _ in seen]
    # e' = e^2 / (2 x), exactly: Heron's method
    ratios = [
        b / a**2 * 2 * x
        for (_, x, _), a, b in zip(seen, errors, errors[1:], strict=False)
        if b > 1e-13
    ]
    assert len(ratios) == 3 + (errors[3] > 1e-13)
    assert ratios == pytest.approx([1.0] * len(ratios), rel=1e-3)


@pytest.mark.parametrize("eccentricity", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("mean_anomaly", [0.0, 0.3, 1.5, 3.0, math.pi])
def test_keplers_equation(eccentricity, mean_anomaly):
    result = newton(
        lambda E: E - eccentricity * pm.sin(E) - mean_anomaly, mean_anomaly + 0.85 * eccentricity
    )
    assert result.converged
    back = result.x - eccentricity * math.sin(result.x)
    assert back == pytest.approx(mean_anomaly, rel=1e-14, abs=1e-15)
    assert result.steps <= 12


def test_keplers_equation_has_the_textbooks_answer():
    # Meeus, Astronomical Algorithms (2nd ed.), example 30.a: e = 0.1, M = 5 degrees, E = 5.554589 degrees
    result = newton(lambda E: E - 0.1 * pm.sin(E) - math.radians(5), math.radians(5))
    assert math.degrees(result.x) == pytest.approx(5.554589, abs=5e-7)


def test_a_system_of_two_equations_converges_quadratically():
    # x^2 + y^2 = 4, xy = 1: x, y = (sqrt(6) +- sqrt(2)) / 2
    solution = np.array([(math.sqrt(6) + math.sqrt(2)) / 2, (math.sqrt(6) - math.sqrt(2)) / 2])
    seen, callback = watched()
    result = newton(
        lambda p: [p[0] ** 2 + p[1] ** 2 - 4.0, p[0] * p[1] - 1.0],
        np.array([3.0, 0.2]),
        callback=callback,
    )
    assert result.converged
    assert result.x == pytest.approx(solution, rel=1e-15, abs=0)
    assert max(map(abs, result.value)) < 1e-15
    errors = [np.linalg.norm(x - solution) for _, x, _ in seen]
    quadratic = [b / a**2 for a, b in pairwise(errors) if b > 1e-13]
    assert len(quadratic) >= 3
    assert max(quadratic) < 1.0
    assert errors[-1] < 1e-15


def test_unknowns_may_have_names_and_equations_too():
    result = newton(
        lambda p: {"sum": p["a"] + p["b"] - 3.0, "product": p["a"] * p["b"] - 2.0},
        {"a": 0.0, "b": 5.0},
    )
    assert result.x == pytest.approx({"a": 1.0, "b": 2.0}, rel=1e-14)
    assert set(result.value) == {"sum", "product"}


def test_newton_on_the_gradient_minimises():
    result = newton(grad(lambda x: pm.cosh(x - 1.0) + 0.5 * x), 0.0)
    assert result.x == pytest.approx(1 - math.asinh(0.5), rel=1e-15)
    result = newton(grad(rosenbrock), [-1.2, 1.0])
    assert result.converged
    assert result.x == pytest.approx([1.0, 1.0], rel=1e-14)
    assert result.steps == 7


def test_a_root_at_zero_that_rounding_blurs_is_found():
    # cos(x + pi/2) is nowhere 0 in floats near 0, and steps there are as large as x itself
    for start in (0.5, -0.3, 1e-3):
        result = newton(lambda x: pm.cos(x + math.pi / 2), start)
        assert result.converged
        assert abs(result.x) < 3e-16


def test_small_and_large_unknowns_are_found_to_the_same_relative_accuracy():
    for unit in (1e-200, 1e-30, 1.0, 1e30):
        result = newton(lambda x: (x / unit) ** 3 - 2.0, unit)  # noqa: B023
        assert result.converged
        assert result.x == pytest.approx(unit * 2 ** (1 / 3), rel=3e-16, abs=0)
    result = newton(
        lambda p: [1e12 * (p[0] * p[1] - 1e-6), p[0] / 1e6 + p[1] / 1e-12 - 2.0], [1.2e6, 0.9e-12]
    )
    assert result.converged
    assert result.x == pytest.approx([1e6, 1e-12], rel=2e-8, abs=0)  # a double root


def test_a_double_root_takes_half_of_the_way_each_time_and_is_reported_as_found():
    result = newton(lambda x: (x - 1.0) ** 2, 2.0, steps=100)
    assert result.converged
    assert result.x == pytest.approx(1.0, abs=1e-11)
    assert result.steps > 30


@pytest.mark.parametrize(
    ("f", "start", "message"),
    [
        (lambda x: x * x - 1.0, 0.0, "the derivative is 0 at the start, x = 0; start elsewhere"),
        (lambda x: x * x - 1.0, -0.0, r"the derivative is 0"),
        (
            lambda p: [p[0] + p[1] - 1, 2 * p[0] + 2 * p[1]],
            [1.0, 3.0],
            "Jacobian is singular at the start",
        ),
        (
            lambda p: [0.1 * p[0] + 0.2 * p[1] - 1, 0.3 * p[0] + 0.6 * p[1]],
            [1.0, 3.0],
            "Jacobian is singular",
        ),
        (lambda p: [p[0] - 1, p[0] ** 2], [3.0, 3.0], "Jacobian is singular"),
    ],
)
def test_a_singular_jacobian_is_an_error_that_says_where(f, start, message):
    with pytest.raises(ValueError, match=message):
        newton(f, start)


def test_a_jacobian_of_very_different_units_is_not_taken_for_singular():
    result = newton(lambda p: [1e-9 * p[0] + p[1] - 2, 1e-9 * p[0] - 1e-8 * p[1]], [0.0, 0.0])
    y = 2 / (1 + 1e-8)
    assert result.x == pytest.approx([1e-8 * y / 1e-9, y], rel=1e-14)
    result = newton(lambda p: [1e-25 * p[0] - 1.0, 1e25 * p[1] - 1.0], [0.0, 0.0])
    assert result.x == pytest.approx([1e25, 1e-25], rel=1e-15, abs=0)


def test_no_root_is_reported_and_not_raised():
    result = newton(lambda x: x * x + 1.0, 0.7, steps=30)
    assert (result.converged, result.steps) == (False, 30)
    assert "the last step changed an input by" in result.message


def test_divergence_is_reported_with_the_last_point_that_could_be_used():
    result = newton(lambda x: pm.atan(x), 2.0)  # Newton diverges from beyond 1.39
    assert not result.converged
    assert abs(result.x) > 1e160
    assert result.message == "the derivative is 0 here; start elsewhere"  # it is below 1e-323
    result = newton(lambda x: pm.log(x), 4.0)  # the first step leads to -1.5
    assert (result.converged, result.x, result.steps) == (False, 4.0, 0)
    assert "ValueError: math domain error" in result.message
    assert "pygrad.scipy.root" in result.message


def test_what_newton_cannot_use_is_an_error():
    with pytest.raises(
        ValueError, match=r"as many equations as unknowns, got 2 and 1; gauss_newton"
    ):
        newton(lambda x: [x, x], 1.0)
    with pytest.raises(ValueError, match="as many equations as unknowns, got 1 and 2"):
        newton(lambda p: p[0] * p[1], [1.0, 2.0])
    with pytest.raises(ValueError, match="f returned no numbers"):
        newton(lambda x: [], 1.0)
    with pytest.raises(TypeError, match="the result of f"):
        newton(lambda x: None, 1.0)


def test_a_step_beyond_the_largest_float_is_reported():
    result = newton(lambda x: pm.atan(x) - 0.1, 1.3e154)
    assert (result.converged, result.x, result.steps) == (False, 1.3e154, 0)
    assert "the step leads to inf" in result.message


def test_equations_scaled_down_to_the_smallest_floats_are_solved():
    result = newton(lambda p: [5e-310 * p[0] - 1e-309, p[0] + p[1] - 5.0], [0.0, 0.0])
    assert result.converged
    assert result.x == pytest.approx([2.0, 3.0], rel=1e-13)


def test_steps_are_the_most_that_are_taken():
    counted = []
    newton(lambda x: counted.append(1) or x * x - 2.0, 1.0, steps=3)
    assert len(counted) == 4  # the start, and after each step


# -- Gauss-Newton ---------------------------------------------------------------------------------


# R's data set Puromycin, treated cells (Bates and Watts 1988, A1.3): substrate, velocity of reaction
PUROMYCIN = [
    (0.02, 76), (0.02, 47), (0.06, 97), (0.06, 107), (0.11, 123), (0.11, 139), (0.22, 159), (0.22, 152),
    (0.56, 191), (0.56, 201), (1.10, 207), (1.10, 200),
]  # fmt: skip

# NIST, Statistical Reference Datasets, Misra1a: volume adsorbed at a pressure, b1 (1 - exp(-b2 x))
MISRA1A = [
    (77.6, 10.07), (114.9, 14.73), (141.1, 17.94), (190.8, 23.93), (239.9, 29.61), (289.0, 35.18),
    (332.8, 40.02), (378.4, 44.82), (434.8, 50.76), (477.3, 55.05), (536.8, 61.01), (593.1, 66.40),
    (689.1, 75.47), (760.0, 81.78),
]  # fmt: skip


def test_michaelis_menten_fits_the_published_velocities():
    result = gauss_newton(
        lambda p: [p["Vm"] * s / (p["K"] + s) - v for s, v in PUROMYCIN], {"Vm": 205.0, "K": 0.08}
    )
    assert result.converged
    # Bates and Watts, Nonlinear Regression Analysis (1988), section 2.2: 212.7, 0.0641, S = 1195
    assert result.x["Vm"] == pytest.approx(212.7, abs=0.05)
    assert result.x["K"] == pytest.approx(0.0641, abs=5e-5)
    assert result.value == pytest.approx(1195, abs=0.5)


@pytest.mark.parametrize("start", [[500.0, 0.0001], [250.0, 0.0005]])
def test_exponential_saturation_agrees_with_nists_certified_digits(start):
    result = gauss_newton(
        lambda p: [p[0] * (1 - pm.exp(-p[1] * x)) - y for x, y in MISRA1A], start, tol=1e-11
    )
    assert result.converged
    assert result.x == pytest.approx([2.3894212918e02, 5.5015643181e-04], rel=1e-10, abs=0)
    assert result.value == pytest.approx(1.2455138894e-01, rel=1e-10, abs=0)


def test_exponential_decay_without_noise_is_fitted_exactly_and_quadratically():
    seen, callback = watched()
    times = [0.1 * i for i in range(20)]
    data = [5.0 * math.exp(-1.3 * t) + 0.5 for t in times]
    result = gauss_newton(
        lambda p: [p[0] * pm.exp(-p[1] * t) + p[2] - y for t, y in zip(times, data, strict=True)],
        [4.0, 1.0, 0.0],
        callback=callback,
    )
    assert result.converged
    assert result.x == pytest.approx([5.0, 1.3, 0.5], rel=1e-13)
    errors = [math.dist(x, [5.0, 1.3, 0.5]) for _, x, _ in seen]
    assert errors[4] < 3 * errors[3] ** 2 or errors[4] < 1e-12
    assert result.steps <= 8


def test_a_linear_model_is_fitted_in_one_step():
    rng = random.Random(1)
    xs = [rng.uniform(-1, 1) for _ in range(30)]
    ys = [2.0 + 3.0 * x + rng.gauss(0, 0.1) for x in xs]
    seen, callback = watched()
    result = gauss_newton(
        lambda p: [p[0] + p[1] * x - y for x, y in zip(xs, ys, strict=True)],
        [0.0, 0.0],
        callback=callback,
    )
    slope, intercept = np.polyfit(xs, ys, 1)
    assert seen[1][1] == pytest.approx([intercept, slope], rel=1e-12)
    assert result.steps <= 3


def test_a_fit_of_many_residuals_needs_one_sweep_for_each_parameter_only(monkeypatch):
    def reverse(f, has_aux):
        raise AssertionError("a reverse sweep for each residual")

    monkeypatch.setattr(pygrad.applications.flat, "jacobian", reverse)
    assert gauss_newton(lambda p: [p[0] * t - 2 * t for t in range(9)], [1.0]).x == [2.0]


def test_the_callback_of_a_fit_gets_the_sum_of_squares():
    seen, callback = watched()
    gauss_newton(lambda p: [p[0] - 1.0, 2 * p[0]], [0.0], callback=callback)
    assert seen[0] == (0, [0.0], 1.0)
    assert seen[-1][2] == pytest.approx(0.8, rel=1e-14)


def test_parameters_that_the_residuals_do_not_determine_are_an_error():
    with pytest.raises(ValueError, match=r"do not determine x.* rank 1 and not 2, at the start"):
        gauss_newton(lambda p: [p[0] * p[1] - 1, p[0] * p[1] - 2, p[0] * p[1] - 4], [1.0, 2.0])
    with pytest.raises(ValueError, match="1 residuals do not determine 2 numbers"):
        gauss_newton(lambda p: [p[0] * p[1]], [1.0, 2.0])


def test_a_fit_that_runs_away_is_reported():
    # from so far off the full step goes where exp overflows
    result = gauss_newton(lambda p: [pm.exp(p[0]) - 1e300, p[0] * 1e-3], [1.0])
    assert not result.converged
    assert "OverflowError: math range error" in result.message
    assert "pygrad.scipy.least_squares" in result.message


# -- arguments of all three -----------------------------------------------------------------------

SOLVERS = [gradient_descent, newton, gauss_newton]


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be a whole number of at least 1, got 0"),
        ({"steps": 2.0}, ValueError, "steps must be a whole number"),
        ({"steps": True}, ValueError, "steps must be a whole number"),
        ({"tol": -1e-9}, ValueError, "tol must be finite and not negative"),
        ({"tol": math.nan}, ValueError, "tol must be finite and not negative"),
        ({"tol": "small"}, TypeError, "tol must be a real number, not str"),
    ],
)
def test_settings_out_of_range_are_errors(solver, settings, error, message):
    with pytest.raises(error, match=message):
        solver(lambda x: x * x, 1.0, **settings)


@pytest.mark.parametrize("rate", [0.0, -0.1, math.inf, math.nan])
def test_the_rate_must_be_positive(rate):
    with pytest.raises(ValueError, match="rate must be finite and positive"):
        gradient_descent(lambda x: x * x, 1.0, rate=rate)


@pytest.mark.parametrize(
    "call",
    [*SOLVERS, sensitivity, linear_model, quadratic_model, lambda f, x: propagate(f, x, x)],
    ids=["descent", "newton", "gauss_newton", "sensitivity", "linear", "quadratic", "propagate"],
)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (math.nan, ValueError, "x must be finite, got nan"),
        ([1.0, math.inf], ValueError, r"x\[1\] must be finite, got inf"),
        ({"a": [0.0, math.nan]}, ValueError, r"a\[1\] must be finite, got nan"),
        (np.array([[0.0, math.nan]]), ValueError, r"x\[0, 1\] must be finite, got nan"),
        ([], ValueError, "x is empty"),
        ("1.0", TypeError, "x must be a number"),
        ([1.0, None], TypeError, r"x\[1\] must be a number"),
        (Value(1.0), TypeError, r"x is a Value.*v\.data"),
        ([1.0, Value(1.0)], TypeError, r"x\[1\] is a Value.*v\.data"),
    ],
)
def test_points_that_are_no_finite_numbers_are_errors(call, x, error, message):
    with pytest.raises(error, match=message):
        call(lambda x: 1.0, x)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda f: f.__name__)
def test_whole_numbers_are_taken_as_floats(solver):
    result = solver(lambda x: x * x - 4 * x + 4, 1, steps=3)
    assert type(result.x) is float


def test_results_print_what_matters():
    assert str(newton(lambda x: x - 1.0, 0.0)) == "converged after 1 step: x = 1, value = 0"
    result = newton(lambda p: [p["a"] - 1, p["b"] - 2], {"a": 0.0, "b": 0.0})
    assert str(result) == "converged after 1 step: x = {a: 1, b: 2}, value = [0, 0]"
    many = gradient_descent(lambda x: (x * x).sum(), np.zeros(20))
    assert str(many) == "converged after 0 steps: x = [0, 0, 0, ..., 0, 0, 0], value = 0"
    _, value, steps, converged, message = many
    assert (value, steps, converged) == (0.0, 0, True)
    assert message == "no slope is steeper than 1e-08"
