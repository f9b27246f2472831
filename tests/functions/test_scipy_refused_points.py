"""Points that the function refuses: solvers step back from them, or say that they did not succeed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from walks import START, rosenbrock

from pygrad import math as pm
from pygrad.scipy import least_squares, minimize, root

optimize = pytest.importorskip("scipy.optimize")


def barrier(x):
    """Its minimum is at 0.1, and the first steps of most methods lead to x < 0."""
    return 10 * x[0] - pm.log(x[0])


# Powell computes inf - inf
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(
    "method",
    ["Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "SLSQP", "trust-constr", "dogleg", "trust-ncg",
     "trust-krylov", "trust-exact", "COBYQA"],
)  # fmt: skip
def test_solvers_step_back_from_points_where_the_function_raises(method):
    result = minimize(barrier, [5.0], method=method)
    assert result.success
    assert result.x == pytest.approx([0.1], abs=1e-4)
    assert "The function raised an error" in result.message
    assert "counted as inf; the last was ValueError: math domain error" in result.message


@pytest.mark.parametrize(
    "settings", [{"method": "L-BFGS-B"}, {"bounds": [(-10, 10)]}, {"method": "TNC"}]
)
def test_methods_that_cannot_step_back_do_not_claim_success(settings):
    result = minimize(barrier, [5.0], **settings)
    assert not result.success
    assert "the last was ValueError: math domain error" in result.message


def test_an_overflow_on_the_way_counts_as_inf_too():
    result = minimize(lambda x: pm.exp(x[0] * x[0]) - 1e3 * x[0], [0.1], method="Newton-CG")
    assert result.success
    assert 2 * result.x[0] * math.exp(result.x[0] ** 2) == pytest.approx(1e3, rel=1e-6)
    assert "OverflowError: math range error" in result.message


@pytest.mark.parametrize("method", [None, "Nelder-Mead", "trust-exact", "Newton-CG"])
def test_an_error_at_the_start_is_raised(method):
    with pytest.raises(ValueError, match="math domain error"):
        minimize(barrier, [-1.0], method=method)


def test_an_error_of_the_hessian_is_raised_if_it_comes_first():
    def method(fun, x0, args, hess, **rest):
        return hess(x0)

    with pytest.raises(ValueError, match="math domain error"):
        minimize(barrier, np.array([-1.0]), method=method)


def test_other_errors_are_raised_wherever_they_happen():
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) == 4:
            raise LookupError("the fourth call")
        return rosenbrock(x)

    with pytest.raises(LookupError, match="the fourth call"):
        minimize(f, START)


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov", "df-sane"])
def test_root_never_claims_a_point_it_could_not_leave(method):
    result = root(lambda x: [pm.log(x[0]) + 1], [20.0], method=method)
    assert "ValueError: math domain error" in result.message
    assert result.success == (method == "lm")
    if result.success:
        assert result.x == pytest.approx([math.exp(-1)], rel=1e-8)
    assert ("method='lm' steps back" in result.message) == (method == "hybr")


@pytest.mark.parametrize("method", ["trf", "lm"])
def test_fits_step_back_from_overflow(method):
    t = np.linspace(0, 10, 12)
    y = 3 * np.exp(0.5 * t)
    result = least_squares(lambda p: p[0] * np.exp(p[1] * t) - y, [1.0, -5.0], method=method)
    assert result.success
    assert result.x == pytest.approx([3.0, 0.5], rel=1e-8)
    with pytest.raises(OverflowError, match="math range error"):
        least_squares(lambda p: p[0] * np.exp(p[1] * t) - y, [1.0, 500.0], method=method)
