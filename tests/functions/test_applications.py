"""What derivatives are for, on textbook problems: minima, roots, fits, influence, uncertainty, models."""

from __future__ import annotations

import contextlib
import doctest
import math
import random
import subprocess
import sys
from collections import namedtuple
from itertools import pairwise

import numpy as np
import pytest

import pygrad
import pygrad.applications.flat
import pygrad.applications.models
import pygrad.applications.solvers
from pygrad import Value, grad
from pygrad import math as pm
from pygrad.applications.models import (
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


def test_the_examples_in_the_docstrings_run():
    results = [
        doctest.testmod(module)
        for module in (pygrad.applications.models, pygrad.applications.solvers)
    ]
    assert sum(result.failed for result in results) == 0
    assert all(result.attempted > 5 for result in results)


@pytest.mark.parametrize("suspended", [False, True])
def test_solvers_work_within_no_grad(suspended):
    with pygrad.no_grad() if suspended else contextlib.nullcontext():
        assert newton(lambda x: x * x - 2.0, 1.0).x == pytest.approx(math.sqrt(2))
        assert gradient_descent(lambda x: (x - 1.0) ** 2, 0.0).converged
        assert quadratic_model(lambda x: x**3, 2.0).hessian == 12.0


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
        assert type(p) is type(start)
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
        (lambda x: x**2, "f raised OverflowError: math range error"),
    ]:
        result = gradient_descent(f, 1.0, rate=1.5, steps=5000)
        assert not result.converged
        assert result.value == result.x * result.x > 1e300
        assert result.message == f"diverged: {trouble} one step on; try a rate below 1.5"
    assert not gradient_descent(lambda x: x**2, 1.0, rate=1.0, steps=50).converged
    assert gradient_descent(lambda x: x**2, 1.0, rate=0.99, steps=2000).converged


def test_an_error_on_the_way_down_is_reported_and_one_at_the_start_raised():
    result = gradient_descent(
        lambda x: x - pm.log(x), 0.1, rate=1.0
    )  # jumps to 9.1 and then to 8.2..
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


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda f: f.__name__)
def test_derivatives_do_not_silently_get_lost_in_a_solver(solver):
    with pytest.raises(TypeError, match="a transform around this call"):
        grad(lambda a: solver(lambda x: (x - a) ** 2, 1.0).x * a)(2.0)


def test_results_print_what_matters():
    assert str(newton(lambda x: x - 1.0, 0.0)) == "converged after 1 step: x = 1, value = 0"
    result = newton(lambda p: [p["a"] - 1, p["b"] - 2], {"a": 0.0, "b": 0.0})
    assert str(result) == "converged after 1 step: x = {a: 1, b: 2}, value = [0, 0]"
    many = gradient_descent(lambda x: (x * x).sum(), np.zeros(20))
    assert str(many) == "converged after 0 steps: x = [0, 0, 0, ..., 0, 0, 0], value = 0"
    _, value, steps, converged, message = many
    assert (value, steps, converged) == (0.0, 0, True)
    assert message == "no slope is steeper than 1e-08"


# -- sensitivity ----------------------------------------------------------------------------------


def beam(p):
    """Deflection of a cantilever at its end."""
    return p["force"] * p["length"] ** 3 / (3 * p["modulus"] * p["inertia"])


BEAM = {"force": 1000.0, "modulus": 210e9, "inertia": 1e-6, "length": 2.0}


def test_elasticities_of_a_product_of_powers_are_its_exponents():
    table = sensitivity(beam, BEAM)
    assert [row.name for row in table] == ["length", "force", "modulus", "inertia"]
    assert [row.elasticity for row in table] == pytest.approx([3.0, 1.0, -1.0, -1.0], rel=1e-14)
    y = beam(BEAM)
    assert table.value == pytest.approx(y, rel=1e-15)
    assert table["length"].derivative == pytest.approx(3 * y / 2, rel=1e-14)
    assert table["inertia"].derivative == pytest.approx(-y / 1e-6, rel=1e-14)
    assert table["force"].x == 1000.0
    assert table.by == "relative"


def test_absolute_influence_ranks_by_the_derivative():
    table = sensitivity(beam, BEAM, by="absolute")
    assert [row.name for row in table] == ["inertia", "length", "force", "modulus"]
    assert table[0].name == "inertia"
    assert len(table) == 4


def test_inputs_without_names_are_called_by_their_place():
    f = lambda x: x[0] * x[1] ** 2  # noqa: E731
    for x in ([3.0, 2.0], (3.0, 2.0), np.array([3.0, 2.0])):
        assert [(row.name, row.derivative) for row in sensitivity(f, x)] == [
            ("x[1]", 12.0),
            ("x[0]", 4.0),
        ]
    matrix = sensitivity(lambda x: x[0, 0] + 4 * x[1, 0], np.array([[1.0], [1.0]]))
    assert [row.name for row in matrix] == ["x[1, 0]", "x[0, 0]"]
    assert sensitivity(lambda x: x * x, 3.0)["x"].elasticity == 2.0
    nested = sensitivity(lambda p: p["w"][1] * p["x"]["b"], {"w": [1.0, 2.0], "x": {"b": 1.0}})
    assert [row.name for row in nested] == ["w[1]", "x.b", "w[0]"]


def test_of_equal_influence_the_first_input_comes_first():
    table = sensitivity(lambda p: sum(p), [1.0] * 5)
    assert [row.name for row in table] == [f"x[{i}]" for i in range(5)]


def test_where_f_is_zero_the_ranking_is_absolute():
    table = sensitivity(lambda p: p[0] - 2 * p[1], [2.0, 1.0])
    assert table.by == "absolute"
    assert [row.derivative for row in table] == [-2.0, 1.0]
    assert all(math.isnan(row.elasticity) for row in table)
    with pytest.raises(ValueError, match="no relative influence; use by='absolute'"):
        sensitivity(lambda p: p[0] - 2 * p[1], [2.0, 1.0], by="relative")


def test_an_input_of_zero_has_no_relative_influence():
    table = sensitivity(lambda p: 1.0 + p[0] + pm.sqrt(p[1]), [0.5, 0.0])
    assert [row.name for row in table] == ["x[0]", "x[1]"]
    assert (table[1].derivative, table[1].elasticity) == (math.inf, 0.0)


def test_an_input_that_f_ignores_comes_last():
    table = sensitivity(lambda p: p["a"] ** 2, {"unused": 100.0, "a": 1.0})
    assert [(row.name, row.derivative) for row in table] == [("a", 2.0), ("unused", 0.0)]


def test_the_table_prints_in_columns():
    assert str(sensitivity(beam, BEAM)).splitlines() == [
        "f = 0.0126984, by relative influence",
        "input          x         df/dx  elasticity",
        "length         2     0.0190476           3",
        "force       1000   1.26984e-05           1",
        "modulus  2.1e+11  -6.04686e-14          -1",
        "inertia    1e-06      -12698.4          -1",
    ]


def test_sensitivity_refuses_what_it_cannot_answer():
    with pytest.raises(TypeError, match=r"one number.*sensitivity\(lambda x: f\(x\)\[0\], x\)"):
        sensitivity(lambda x: [x, x], 1.0)
    with pytest.raises(ValueError, match="by may be 'relative' or 'absolute', not 'size'"):
        sensitivity(lambda x: x, 1.0, by="size")
    with pytest.raises(ValueError, match=r"f\(x\) is inf"):
        sensitivity(lambda x: x * 1e308 * 10, 1.0)
    with pytest.raises(KeyError, match="no input is called 'mass'; there are length"):
        sensitivity(beam, BEAM)["mass"]


# -- uncertainty ----------------------------------------------------------------------------------


def test_independent_errors_add_in_quadrature():
    total = propagate(lambda p: p[0] + p[1], [1.0, 2.0], [0.09, 0.16])
    assert total.value == 3.0
    assert total.std == pytest.approx(0.5, rel=1e-15)
    assert total.cov == pytest.approx(0.25, rel=1e-15)
    # relative errors of a product add in quadrature: g = 4 pi^2 L / T^2
    g = propagate(
        lambda p: 4 * math.pi**2 * p["L"] / p["T"] ** 2,
        {"L": 1.0, "T": 2.0},
        {"T": 0.01**2, "L": 0.002**2},
    )
    assert g.std / g.value == pytest.approx(math.hypot(0.002, 2 * 0.005), rel=1e-14)
    assert str(total) == "3 +/- 0.5"


def test_one_input_with_one_variance():
    for x, cov in [(3.0, 0.25), ([3.0], 0.25), ([3.0], [0.25]), (3.0, [[0.25]]), ([3.0], [[0.25]])]:
        found = propagate(lambda x: (x[0] if isinstance(x, list) else x) ** 2, x, cov)
        assert (found.value, found.std, found.cov) == (9.0, 3.0, 9.0)


def physics(p):
    a, b, c = p
    return [a * pm.exp(-b) + c**2, pm.sin(a * c) / b, pm.atan2(b, a) - pm.sqrt(c)]


def random_covariance(rng, n, scale):
    factor = rng.normal(size=(n, n)) * scale
    return factor @ factor.T


@pytest.mark.parametrize("seed", range(5))
def test_correlated_inputs_agree_with_the_uncertainties_package(seed):
    uncertainties = pytest.importorskip("uncertainties")
    from uncertainties import umath

    rng = np.random.default_rng(seed)
    x, cov = rng.uniform(0.5, 2.0, size=3), random_covariance(rng, 3, 0.01)
    a, b, c = uncertainties.correlated_values(x, cov)
    theirs = [
        a * umath.exp(-b) + c**2,
        umath.sin(a * c) / b,
        umath.atan2(b, a) - umath.sqrt(c),
    ]
    ours = propagate(physics, x, cov)
    assert type(ours.value) is list
    assert ours.value == pytest.approx([v.nominal_value for v in theirs], rel=1e-14)
    assert ours.std == pytest.approx([v.std_dev for v in theirs], rel=1e-9)
    expected = np.array(uncertainties.covariance_matrix(theirs))
    assert ours.cov == pytest.approx(expected, rel=1e-9, abs=1e-9 * expected.max())
    assert (ours.cov == ours.cov.T).all()
    one = propagate(lambda p: physics(p)[1], x, cov)
    assert one.cov == pytest.approx(expected[1, 1], rel=1e-9)


def test_independent_inputs_agree_with_the_uncertainties_package():
    uncertainties = pytest.importorskip("uncertainties")
    x, deviations = [1.3, 0.7, 2.1], [0.02, 0.01, 0.05]
    a, b, c = (uncertainties.ufloat(v, s) for v, s in zip(x, deviations, strict=True))
    theirs = a * b / c - a**2
    ours = propagate(lambda p: p[0] * p[1] / p[2] - p[0] ** 2, x, [s * s for s in deviations])
    assert ours.std == pytest.approx(theirs.std_dev, rel=1e-14)


def test_propagation_is_exact_for_linear_functions():
    rng = np.random.default_rng(7)
    A, cov = rng.normal(size=(4, 3)), random_covariance(rng, 3, 1.0)
    found = propagate(lambda x: A @ x, np.array([1.0, 2.0, 3.0]), cov)
    assert found.value == pytest.approx(A @ [1.0, 2.0, 3.0], rel=1e-14)
    assert found.cov == pytest.approx(A @ cov @ A.T, rel=1e-13)
    assert found.std == pytest.approx(np.sqrt(np.diag(A @ cov @ A.T)), rel=1e-13)
    assert isinstance(found.std, np.ndarray)


def test_propagation_agrees_with_simulation_where_f_is_nearly_linear():
    rng = np.random.default_rng(3)
    x, cov = np.array([1.0, 2.0, 0.5]), random_covariance(rng, 3, 2e-3)
    found = propagate(physics, x, cov)
    a, b, c = rng.multivariate_normal(x, cov, size=200_000).T
    samples = np.array([a * np.exp(-b) + c**2, np.sin(a * c) / b, np.arctan2(b, a) - np.sqrt(c)])
    assert np.cov(samples) == pytest.approx(found.cov, rel=0.02, abs=0.02 * found.cov.max())


def test_perfectly_correlated_inputs_cancel_to_no_uncertainty_at_all():
    found = propagate(lambda p: p[0] - p[1], [5.0, 2.0], [[0.01, 0.01], [0.01, 0.01]])
    assert (found.std, found.cov) == (0.0, 0.0)
    # and where rounding would leave a variance of -1e-18
    cov = np.outer([0.1, 0.3, 0.7], [0.1, 0.3, 0.7])
    found = propagate(lambda p: p[0] / 0.1 + p[1] / 0.3 - 2 * p[2] / 0.7, [1.0, 1.0, 1.0], cov)
    assert 0.0 <= found.std < 1e-7
    rng = random.Random(6)
    for _ in range(200):
        s = [rng.uniform(0.1, 1) for _ in range(3)]
        a, b = rng.uniform(-1, 1), rng.uniform(-1, 1)
        c = -(a * s[0] + b * s[1]) / s[2]
        f = lambda p, a=a, b=b, c=c: a * p[0] + b * p[1] + c * p[2]  # noqa: E731
        assert 0.0 <= propagate(f, [1.0, 1.0, 1.0], np.outer(s, s)).std < 1e-7


def test_a_matrix_symmetric_but_for_rounding_is_made_symmetric():
    found = propagate(lambda p: p[0] + p[1], [1.0, 2.0], [[1.0, 0.5], [0.5 + 4e-9, 1.0]])
    assert found.cov == pytest.approx(3.0 + 4e-9, rel=1e-15)


def test_the_structures_of_results_are_those_of_f():
    found = propagate(lambda x: {"double": 2 * x, "square": x * x}, 3.0, 0.01)
    assert found.value == {"double": 6.0, "square": 9.0}
    assert found.std == pytest.approx({"double": 0.2, "square": 0.6}, rel=1e-14)
    assert found.cov == pytest.approx(np.array([[0.04, 0.12], [0.12, 0.36]]), rel=1e-14)
    assert str(found) == "{double: 6, square: 9} +/- {double: 0.2, square: 0.6}"


def test_variances_of_a_square_of_numbers_are_not_taken_for_a_matrix():
    x = [[1.0, 2.0], [3.0, 4.0]]
    found = propagate(lambda p: p[0][0] + p[1][1], x, [[0.09, 5.0], [7.0, 0.16]])
    assert found.std == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(
    ("cov", "message"),
    [
        ([0.1], r"cov must be variances in the structure of x, a list of 2 .*or a 2 by 2 matrix"),
        ([0.1, 0.1, 0.1], "or a 2 by 2 matrix"),
        ({"a": 0.1, "b": 0.1}, "or a 2 by 2 matrix"),
        (np.eye(3), "or a 2 by 2 matrix, not an array of shape"),
        ([[0.1, 0.0]], "or a 2 by 2 matrix"),
        ([0.1, -0.1], r"the variance of x\[1\] must not be negative, got -0.1"),
        (
            [[1.0, 0.5], [0.4, 1.0]],
            r"cov is not symmetric: cov\[1\]\[0\] is 0.4, cov\[0\]\[1\] is 0.5",
        ),
        ([[1.0, 1.5], [1.5, 1.0]], r"x\[1\] and x\[0\] are correlated by more than 1"),
        ([[0.0, 0.5], [0.5, 1.0]], "correlated by more than 1"),
        ([[1.0, math.nan], [0.0, 1.0]], r"cov\[0\]\[1\] must be finite"),
    ],
)
def test_what_is_no_covariance_is_an_error(cov, message):
    with pytest.raises(ValueError, match=message):
        propagate(lambda p: p[0] + p[1], [1.0, 2.0], cov)


def test_a_matrix_that_gives_a_negative_variance_is_an_error():
    # each pair is possible, all three together are not
    cov = [[1.0, -0.9, -0.9], [-0.9, 1.0, -0.9], [-0.9, -0.9, 1.0]]
    with pytest.raises(ValueError, match="gives f a variance below 0"):
        propagate(lambda p: p[0] + p[1] + p[2], [1.0, 2.0, 3.0], cov)


def test_there_is_no_first_order_where_the_slope_is_infinite():
    with pytest.raises(ValueError, match="slope inf by x: there is no first order"):
        propagate(lambda x: pm.sqrt(x), 0.0, 0.01)
    with pytest.raises(ValueError, match="f is inf at x"):
        propagate(lambda x: x * 1e308 * 10, 1.0, 0.01)


# -- models ---------------------------------------------------------------------------------------


def curved(x):
    return pm.exp(x[0]) * pm.sin(x[1]) + x[0] * x[1] ** 2


def test_models_reproduce_the_lesson():
    line, parabola = linear_model(lambda x: x**2, 2.0), quadratic_model(lambda x: x**2, 2.0)
    assert (line.value, line.gradient, line(0.01), line(1.0)) == (4.0, 4.0, 4.04, 8.0)
    assert (parabola.value, parabola.gradient, parabola.hessian) == (4.0, 4.0, 2.0)
    assert parabola(0.01) == pytest.approx(4.0401, rel=1e-15)
    assert parabola(1.0) == 9.0
    assert (line.x, parabola.x) == (2.0, 2.0)


@pytest.mark.parametrize(("model", "order"), [(linear_model, 2), (quadratic_model, 3)])
def test_the_miss_shrinks_with_the_order_of_the_model(model, order):
    x, direction = np.array([0.3, 1.1]), np.array([0.6, -0.8])
    m = model(curved, x)
    assert m.value == m(np.zeros(2)) == curved(x)

    def miss(h):
        return abs(curved(x + h * direction) - m(h * direction))

    misses = [miss(0.1 / 2**k) for k in range(6)]
    found = [math.log2(a / b) for a, b in pairwise(misses)]
    assert found[-1] == pytest.approx(order, abs=0.05)
    assert found == sorted(found) or found == sorted(found, reverse=True)


def test_a_linear_model_of_several_outputs_is_value_plus_jacobian_times_step():
    def f(x):
        return [x[0] * x[1], pm.sin(x[2]), x[0] + x[1] + x[2], x[2] ** 2]

    x, dx = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    m = linear_model(f, x)
    J = np.array([[2, 1, 0], [0, 0, math.cos(3)], [1, 1, 1], [0, 0, 6]])
    assert m.jacobian == pytest.approx(J, rel=1e-15)
    assert (m.jacobian == pygrad.jacobian(f)(x)).all()
    assert type(m(dx)) is list
    assert m(dx) == pytest.approx(np.array(m.value) + J @ dx, rel=1e-15)
    with pytest.raises(AttributeError, match="a jacobian, not a gradient"):
        m.gradient  # noqa: B018


def test_models_keep_names():
    f = lambda p: p["a"] ** 2 * p["b"]  # noqa: E731
    x = {"a": 2.0, "b": 3.0}
    line, parabola = linear_model(f, x), quadratic_model(f, x)
    assert line.gradient == parabola.gradient == {"a": 12.0, "b": 4.0}
    assert parabola.hessian == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}
    assert line({"b": 0.1, "a": -0.1}) == pytest.approx(12 - 1.2 + 0.4, rel=1e-15)
    assert parabola({"a": -0.1, "b": 0.1}) == pytest.approx(11.2 + 0.03 - 0.04, rel=1e-15)
    several = linear_model(lambda p: {"sum": p["a"] + p["b"], "a": p["a"]}, x)
    assert several.jacobian == {"sum": {"a": 1.0, "b": 1.0}, "a": {"a": 1.0, "b": 0.0}}
    assert several({"a": 1.0, "b": 1.0}) == {"sum": 7.0, "a": 3.0}


@pytest.mark.parametrize(
    "x",
    [np.array([0.3, 1.1]), [0.3, 1.1], np.array([[0.3], [1.1]])],
    ids=["array", "list", "matrix"],
)
def test_derivatives_of_models_are_as_the_transforms_give_them(x):
    def f(x):
        a, b = x.ravel() if hasattr(x, "ravel") else x
        return curved([a, b])

    m = quadratic_model(f, x)
    for found, expected in [(m.gradient, grad(f)(x)), (m.hessian, pygrad.hessian(f)(x))]:
        assert type(found) is type(expected)
        assert np.array_equal(found, expected)
    assert np.array_equal(linear_model(f, x).jacobian, grad(f)(x))


def test_a_model_is_of_its_point_and_not_of_what_becomes_of_it():
    x = np.array([1.0, 2.0])
    m = quadratic_model(lambda x: x[0] * x[1], x)
    x[:] = 100.0
    assert (m.x == [1.0, 2.0]).all()
    assert m(np.array([1.0, 1.0])) == 6.0


def test_a_step_of_another_structure_is_an_error():
    m = linear_model(lambda p: p["a"] + p["b"], {"a": 1.0, "b": 2.0})
    with pytest.raises(
        ValueError, match=r"dx must have the structure of x, a dict of 2 \(a, b\), not a dict of 1"
    ):
        m({"a": 1.0})
    with pytest.raises(ValueError, match="dx must have the structure of x"):
        m([1.0, 2.0])
    with pytest.raises(ValueError, match="dx must have the structure of x"):
        quadratic_model(lambda x: x[0] * x[1], [1.0, 2.0])([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="dx is a Value"):
        linear_model(lambda x: x, 1.0)(Value(1.0))


def test_a_quadratic_model_is_of_one_number():
    with pytest.raises(TypeError, match="linear_model takes several"):
        quadratic_model(lambda x: [x, x], 1.0)


# -- without NumPy --------------------------------------------------------------------------------


def test_numpy_is_needed_for_systems_only(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
sys.modules["numpy"] = None  # importing it raises ImportError
from pygrad import math
from pygrad.applications.models import *

print(newton(lambda x: x * x - 2, 1.0))
print(gradient_descent(lambda p: (p["a"] - 1) ** 2, {"a": 0.0}).converged)
print(sensitivity(lambda p: p[0] * p[1] ** 2, [1.0, 2.0])[0].name)
print(propagate(lambda p: p[0] + p[1], [1.0, 2.0], [0.09, 0.16]))
print(linear_model(lambda p: [p[0] * p[1], p[1]], [1.0, 2.0])([0.5, 0.0]))
print(quadratic_model(lambda p: p[0] * p[1], (1.0, 2.0)).hessian)
for call in (
    lambda: newton(lambda p: [p[0] - 1, p[1]], [1.0, 2.0]),
    lambda: gauss_newton(lambda p: [p[0] - 1, p[1]], [1.0, 2.0]),
    lambda: propagate(lambda p: p, [1.0, 2.0], [0.09, 0.16]),
):
    try:
        call()
    except ImportError as error:
        print(error)
"""
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "converged after 6 steps: x = 1.41421, value = -4.44089e-16",
        "True",
        "x[1]",
        "3 +/- 0.5",
        "[3.0, 2.0]",
        "((0.0, 1.0), (1.0, 0.0))",
        "a system of equations needs NumPy: pip install numpy",
        "gauss_newton needs NumPy: pip install numpy",
        "the covariance of several numbers needs NumPy: pip install numpy",
    ]
