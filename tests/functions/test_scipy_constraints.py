"""Constraints of minimize: functions of Values, whose derivatives are exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from walks import Counted, rosenbrock

from pygrad import math as pm
from pygrad.scipy import minimize, minimizing

optimize = pytest.importorskip("scipy.optimize")


def circle(x):
    return [x[0] ** 2 + x[1] ** 2]


def on_circle_dict():
    return {"type": "eq", "fun": lambda x, r: circle(x)[0] - r**2, "args": (math.sqrt(2),)}


def on_circle():
    return optimize.NonlinearConstraint(circle, 2.0, 2.0)


@pytest.mark.parametrize("make", [on_circle_dict, on_circle], ids=["dict", "NonlinearConstraint"])
@pytest.mark.parametrize("method", [None, "SLSQP", "trust-constr"])
@pytest.mark.parametrize(
    "pack", [lambda c: c, lambda c: [c], lambda c: (c,)], ids=["one", "list", "tuple"]
)
def test_constraints_get_exact_derivatives(handed_over, make, method, pack):
    result = minimize(
        lambda x: x[0] + 2 * x[1], [1.0, -1.5], method=method, constraints=pack(make()), tol=1e-10
    )
    assert result.success
    # On the circle of radius sqrt(2), opposite to the gradient (1, 2)
    assert result.x == pytest.approx(np.array([-1.0, -2.0]) * math.sqrt(2 / 5), abs=1e-7)
    given = handed_over["constraints"]
    given = given[0] if isinstance(given, list) else given
    slopes = given["jac"] if isinstance(given, dict) else given.jac
    more = given["args"] if isinstance(given, dict) else ()
    x = np.array([3.0, -4.0])
    assert np.array_equal(np.atleast_2d(slopes(x, *more)), [[6.0, -8.0]])


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")  # of SciPy's own quasi-Newton steps
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_exact_jacobians_save_calls_of_constraints(method):
    def run(solver):
        f, c = Counted(rosenbrock), Counted(lambda x: [x[i] ** 2 + x[i + 1] for i in range(9)])
        result = solver(
            f,
            np.full(10, 0.5),
            method=method,
            constraints=optimize.NonlinearConstraint(c, -np.inf, 1.0),
            tol=1e-8,
        )
        assert result.success
        return result, c.calls

    (ours, our_calls), (theirs, their_calls) = run(minimize), run(optimize.minimize)
    assert ours.x == pytest.approx(theirs.x, abs=1e-3)
    assert our_calls < their_calls / 2


def test_trust_constr_gets_the_hessian_of_constraints():
    seen = Counted(lambda x: [pm.exp(x[0]) * x[1], x[0] ** 2 * x[1] ** 2])
    constraint = optimize.NonlinearConstraint(seen, [-np.inf, 0.0], [3.0, 4.0])
    given = minimizing._constraint(constraint, "trust-constr", optimize)
    x, v = np.array([0.5, 1.5]), np.array([2.0, -3.0])
    a, b, e = 0.5, 1.5, math.exp(0.5)
    H = 2.0 * np.array([[e * b, e], [e, 0]]) - 3.0 * np.array(
        [[2 * b * b, 4 * a * b], [4 * a * b, 2 * a * a]]
    )
    assert given.hess(x, v) == pytest.approx(H, rel=1e-14)
    assert given.jac(x) == pytest.approx(
        np.array([[e * b, e], [2 * a * b * b, 2 * a * a * b]]), rel=1e-14
    )
    assert given.fun(x) == pytest.approx([e * b, (a * b) ** 2], rel=1e-15)
    # The caller's is as it was
    assert (constraint.jac, constraint.fun) == ("2-point", seen)
    assert isinstance(constraint.hess, optimize.BFGS)
    # a strategy that was chosen stays, and one that another run has used is still the default
    chosen = optimize.NonlinearConstraint(circle, 0, 1, hess=optimize.SR1())
    assert minimizing._constraint(chosen, "trust-constr", optimize).hess is chosen.hess
    chosen = optimize.NonlinearConstraint(
        circle, 0, 1, hess=optimize.BFGS(exception_strategy="damp_update")
    )
    assert minimizing._constraint(chosen, "trust-constr", optimize).hess is chosen.hess
    constraint.hess.initialize(2, "hess")
    assert callable(minimizing._constraint(constraint, "trust-constr", optimize).hess)
    # SLSQP would warn of a Hessian
    assert minimizing._constraint(constraint, "slsqp", optimize).hess is constraint.hess


def test_settings_of_differences_that_are_not_taken_do_no_harm():
    # SciPy's SLSQP warns of them, and a warning is an error here
    constraint = optimize.NonlinearConstraint(circle, 2.0, 2.0, finite_diff_rel_step=1e-6)
    result = minimize(
        lambda x: x[0], [1.0, -1.5], method="SLSQP", constraints=constraint, tol=1e-10
    )
    assert result.x == pytest.approx([-math.sqrt(2), 0.0], abs=1e-5)
    assert constraint.finite_diff_rel_step == 1e-6


def test_constraints_of_yours_and_linear_ones_are_passed_on_as_they_are():
    mine = {"type": "ineq", "fun": lambda x: x[0], "jac": lambda x: np.array([1.0, 0.0])}
    linear = optimize.LinearConstraint([[1.0, 1.0]], 0.0, 1.0)
    three = optimize.NonlinearConstraint(circle, 0, 1, jac="3-point")
    for constraint in (mine, linear, three):
        assert minimizing._constraint(constraint, "slsqp", optimize) is constraint
    result = minimize(
        lambda x: (x[0] - 3) ** 2 + (x[1] - 2) ** 2,
        [0.0, 0.0],
        method="SLSQP",
        constraints=[mine, linear],
    )
    assert result.x == pytest.approx([1.0, 0.0], abs=1e-7)


def test_the_textbooks_constrained_problem():
    # Hock and Schittkowski (1981), problem 71
    result = minimize(
        lambda x: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2],
        [1.0, 5.0, 5.0, 1.0],
        method="SLSQP",
        bounds=[(1, 5)] * 4,
        constraints=[
            {"type": "ineq", "fun": lambda x: np.prod(x) - 25},
            {"type": "eq", "fun": lambda x: x @ x - 40},
        ],
        tol=1e-10,
    )
    assert result.fun == pytest.approx(17.0140173, abs=5e-8)
    assert result.x == pytest.approx([1.0, 4.7429994, 3.8211503, 1.3794082], abs=5e-7)
