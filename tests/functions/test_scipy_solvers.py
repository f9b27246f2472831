"""SciPy's solvers with exact derivatives: the walks are those of derivatives by hand, with fewer calls."""

from __future__ import annotations

import doctest
import functools
import inspect
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

import pygrad.scipy
from pygrad import Value, grad, hessian, hvp, jacobian
from pygrad import math as pm
from pygrad.scipy import curve_fit, least_squares, minimize, root

optimize = pytest.importorskip("scipy.optimize")

WITHOUT_DERIVATIVES = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]
WITH_GRADIENT = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
WITH_PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]
WITH_HESSIAN = ["dogleg", "trust-exact"]

START = np.array([1.3, 0.7, 0.8, 1.9])


def rosenbrock(x):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


@pytest.fixture
def handed_over(monkeypatch):
    """What reaches SciPy: the keyword arguments of the last call to each of its solvers."""
    seen = {}

    def watch(name):
        real = getattr(optimize, name)

        @functools.wraps(real)
        def solver(*args, **kwargs):
            seen.update(inspect.signature(real).bind(*args, **kwargs).arguments)
            return real(*args, **kwargs)

        monkeypatch.setattr(optimize, name, solver)

    for name in ("minimize", "least_squares", "root", "curve_fit"):
        watch(name)
    return seen


def test_the_examples_in_the_docstrings_run():
    result = doctest.testmod(pygrad.scipy)
    assert (result.failed, result.attempted > 10) == (0, True)


# -- the plain transforms fit SciPy's signatures --------------------------------------------------


def test_plain_transforms_are_what_minimize_takes():
    result = optimize.minimize(
        rosenbrock,
        START,
        method="trust-exact",
        jac=grad(rosenbrock),
        hess=hessian(rosenbrock),
        tol=1e-8,
    )
    assert result.success
    assert result.x == pytest.approx(np.ones(4), abs=1e-6)
    result = optimize.minimize(
        rosenbrock,
        START,
        method="Newton-CG",
        jac=grad(rosenbrock),
        hessp=lambda x, v: hvp(rosenbrock, x, v),
        options={"xtol": 1e-10},
    )
    assert result.success
    assert result.x == pytest.approx(np.ones(4), abs=1e-9)


def test_plain_transforms_are_what_the_other_solvers_take():
    equations = lambda x: [x[0] ** 2 + x[1] ** 2 - 4, x[0] * x[1] - 1]  # noqa: E731
    solution = [(math.sqrt(6) + math.sqrt(2)) / 2, (math.sqrt(6) - math.sqrt(2)) / 2]
    assert optimize.root(equations, [2.0, 0.1], jac=jacobian(equations)).x == pytest.approx(
        solution
    )
    fit = optimize.least_squares(equations, [2.0, 0.1], jac=jacobian(equations))
    assert fit.x == pytest.approx(solution)
    cubic = lambda x: x**3 - 2 * x - 5  # noqa: E731
    for method, settings in [
        ("newton", {"fprime": grad(cubic)}),
        ("halley", {"fprime": grad(cubic), "fprime2": grad(grad(cubic))}),
    ]:
        found = optimize.root_scalar(cubic, x0=2.0, method=method, **settings)
        assert found.root == pytest.approx(2.0945514815423265, rel=1e-14)  # Wallis's cubic, 1685


def test_each_call_of_a_transform_gives_a_fresh_float64_array():
    x = np.array([-1.2, 1.0])
    for transform in (grad(rosenbrock), hessian(rosenbrock), lambda x: hvp(rosenbrock, x, x)):
        a, b = transform(x), transform(x)
        assert a.dtype == np.float64
        assert not np.shares_memory(a, b)
        assert not np.shares_memory(a, x)
        a[:] = math.nan  # a solver may write into it
        assert (transform(x) == b).all()


# -- minimize -------------------------------------------------------------------------------------


def by_hand(method):
    """The derivatives that a method takes, from SciPy's closed forms."""
    given = {}
    if method not in WITHOUT_DERIVATIVES:
        given["jac"] = optimize.rosen_der
    if method in WITH_PRODUCTS:
        given["hessp"] = optimize.rosen_hess_prod
    if method in WITH_HESSIAN:
        given["hess"] = optimize.rosen_hess
    return given


@pytest.mark.parametrize("method", WITH_GRADIENT + WITH_PRODUCTS + WITH_HESSIAN)
def test_each_method_walks_as_with_derivatives_by_hand(method):
    def both(**settings):
        return minimize(rosenbrock, START, method=method, **settings), optimize.minimize(
            optimize.rosen, START, method=method, **by_hand(method), **settings
        )

    # Step by step, while rounding has not grown: CG turns it into other steps later on.
    for steps in (1, 2, 4, 8):
        ours, theirs = both(options={"maxfun" if method == "TNC" else "maxiter": steps})
        assert ours.x == pytest.approx(theirs.x, rel=1e-7)  # TNC takes differences of gradients
        assert (ours.nit, ours.nfev) == (theirs.nit, theirs.nfev)
        assert ours.jac == pytest.approx(theirs.jac, rel=1e-5, abs=1e-5)
    # By the value, or by the gradient
    ours, theirs = both(tol=1e-14 if method in {"L-BFGS-B", "TNC", "SLSQP"} else 1e-8)
    assert ours.success == theirs.success == (method != "dogleg")  # the Hessian is not positive
    if ours.success:
        assert ours.x == pytest.approx(np.ones(4), abs=1e-6)


@pytest.mark.parametrize("method", WITHOUT_DERIVATIVES)
def test_methods_without_derivatives_do_exactly_as_in_scipy(method):
    start, options = START[:2], {"maxiter": 300}
    ours = minimize(rosenbrock, start, method=method, options=options)
    theirs = optimize.minimize(rosenbrock, start, method=method, options=options)
    assert (ours.x == theirs.x).all()
    assert (ours.fun, ours.nfev) == (theirs.fun, theirs.nfev)


@pytest.mark.parametrize("method", [None, *WITH_GRADIENT, "trust-constr"])
def test_an_exact_gradient_saves_most_calls_of_the_function(method):
    ours, theirs = Counted(rosenbrock), Counted(rosenbrock)
    start = np.tile([-1.2, 1.0], 5)
    minimize(ours, start, method=method)
    optimize.minimize(theirs, start, method=method)
    assert ours.calls < theirs.calls / 5


@pytest.mark.parametrize("method", WITH_GRADIENT)
def test_value_and_gradient_come_from_one_run_of_the_function(method):
    f = Counted(rosenbrock)
    result = minimize(f, START, method=method)
    assert f.calls == result.nfev


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        *((name, {"jac"}) for name in [None, *WITH_GRADIENT]),
        *((name, {"jac", "hessp"}) for name in WITH_PRODUCTS),
        *((name, {"jac", "hess"}) for name in WITH_HESSIAN),
        *((name, set()) for name in WITHOUT_DERIVATIVES),
    ],
)
@pytest.mark.parametrize("spelling", [str.lower, str.upper, str])
def test_each_method_is_given_what_it_takes(handed_over, method, expected, spelling):
    options = {"maxfun" if method == "TNC" else "maxiter": 4}
    minimize(rosenbrock, START[:2], method=method and spelling(method), options=options)
    given = {name for name in ("jac", "hess", "hessp") if handed_over.get(name) is not None}
    assert given == expected


def test_newton_cg_on_rosenbrock_of_50_needs_fewer_runs_with_the_exact_hessian():
    start, options = np.tile([-1.2, 1.0], 25), {"xtol": 1e-8, "maxiter": 1000}
    exact = Counted(rosenbrock)
    # To more digits than differences of gradients can reach.
    result = minimize(exact, start, method="Newton-CG", options={**options, "xtol": 1e-10})
    assert result.success
    assert result.x == pytest.approx(np.ones(50), abs=1e-8)
    assert result.nhev > 0
    # SciPy's own way: products with the Hessian from differences of gradients, the gradients exact
    values, gradients = Counted(rosenbrock), Counted(grad(rosenbrock))
    result = optimize.minimize(values, start, method="Newton-CG", jac=gradients, options=options)
    assert result.success
    differences = values.calls + gradients.calls
    assert exact.calls < differences / 4
    # Here 407 and 2343; how rounding falls on another machine moves them a little
    assert exact.calls == pytest.approx(407, rel=0.1)
    assert differences == pytest.approx(2343, rel=0.2)


def test_the_hessian_of_rosenbrock_of_50_is_the_closed_form():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=50), rng.normal(size=50)
    H = optimize.rosen_hess(x)
    assert hessian(rosenbrock)(x) == pytest.approx(H, rel=1e-13, abs=1e-12)
    assert pygrad.scipy._Products(rosenbrock)(x, v) == pytest.approx(H @ v, rel=1e-12, abs=1e-11)


def test_products_at_one_point_share_one_recording():
    f = Counted(rosenbrock)
    products = pygrad.scipy._Products(f)
    x = START.copy()
    H = optimize.rosen_hess(x)
    for column in range(4):
        assert products(x, np.eye(4)[column]) == pytest.approx(H[column], rel=1e-13)
    assert f.calls == 1
    x[0] = 3.0  # the same array with other numbers
    assert products(x, np.eye(4)[0]) == pytest.approx(optimize.rosen_hess(x)[0], rel=1e-13)
    assert f.calls == 2


def test_yours_win(handed_over):
    calls = []

    def my_jac(x):
        calls.append("jac")
        return optimize.rosen_der(x)

    def my_hess(x):
        calls.append("hess")
        return optimize.rosen_hess(x)

    def my_hessp(x, v):
        calls.append("hessp")
        return optimize.rosen_hess_prod(x, v)

    minimize(optimize.rosen, START, method="BFGS", jac=my_jac)
    assert set(calls) == {"jac"}
    assert handed_over["fun"] is optimize.rosen
    calls.clear()
    minimize(rosenbrock, START, method="trust-exact", hess=my_hess)
    assert set(calls) == {"hess"}
    assert handed_over["jac"] is True
    calls.clear()
    minimize(rosenbrock, START, method="Newton-CG", hess=my_hess)
    assert set(calls) == {"hess"}
    assert handed_over["hessp"] is None
    calls.clear()
    minimize(rosenbrock, START, method="trust-krylov", hessp=my_hessp)
    assert set(calls) == {"hessp"}
    calls.clear()
    assert minimize(rosenbrock, START, method="trust-exact", jac=my_jac).success
    assert set(calls) == {"jac"}
    assert callable(handed_over["hess"])


def test_scipys_own_words_for_derivatives_are_passed_on(handed_over):
    minimize(rosenbrock, START, method="BFGS", jac="3-point")
    assert (handed_over["fun"], handed_over["jac"]) == (rosenbrock, "3-point")
    minimize(lambda x: (rosenbrock(x), optimize.rosen_der(x)), START, method="Newton-CG", jac=True)
    assert handed_over.get("hess") is handed_over.get("hessp") is None
    minimize(rosenbrock, START, method="trust-constr", hess=optimize.BFGS(), options={"maxiter": 5})
    assert isinstance(handed_over["hess"], optimize.BFGS)


def test_a_method_of_ones_own_gets_all_derivatives():
    def method(fun, x0, args, jac, hess, hessp, **rest):
        x = np.asarray(x0)
        v = np.arange(4.0)
        return optimize.OptimizeResult(
            x=x, fun=fun(x, *args), jac=jac(x, *args), hess=hess(x, *args), hv=hessp(x, v, *args),
            message="done", success=True,
        )  # fmt: skip

    result = minimize(lambda x, k: k * rosenbrock(x), START, args=3.0, method=method)
    assert result.fun == pytest.approx(3 * optimize.rosen(START), rel=1e-14)
    assert result.jac == pytest.approx(3 * optimize.rosen_der(START), rel=1e-14)
    assert result.hess == pytest.approx(3 * optimize.rosen_hess(START), rel=1e-14)
    assert result.hv == pytest.approx(result.hess @ np.arange(4.0), rel=1e-13)


@pytest.mark.parametrize("method", [None, "Newton-CG", "trust-exact", "Nelder-Mead"])
def test_further_arguments_reach_the_function(method):
    def f(x, centre, power):
        return sum((x - centre) ** power)

    result = minimize(f, [0.0, 0.0], args=(np.array([1.0, 2.0]), 2), method=method)
    assert result.x == pytest.approx([1.0, 2.0], abs=1e-4)
    result = minimize(lambda x, a: (x[0] - a) ** 2, 0.0, args=3.0, method=method)
    assert result.x == pytest.approx([3.0], abs=1e-4)


def test_a_function_may_use_arrays_ufuncs_loops_and_branches():
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    b = np.array([1.0, -1.0])
    quadratic = minimize(lambda x: 0.5 * x @ A @ x - b @ x, [5.0, 5.0], method="Newton-CG")
    assert quadratic.x == pytest.approx(np.linalg.solve(A, b), abs=1e-8)
    ufuncs = minimize(lambda x: np.sum(np.exp(x) - 2 * x), np.zeros(3))
    assert ufuncs.x == pytest.approx(np.full(3, math.log(2)), abs=1e-6)

    def branches(x):
        total = 0.0
        for i, v in enumerate(x):
            total = total + ((v - i) ** 2 if v > i else 3 * (v - i) ** 2) + pm.cosh(v - i)
        return total

    assert minimize(branches, [4.0, -4.0, 4.0]).x == pytest.approx([0.0, 1.0, 2.0], abs=1e-5)
    # SciPy's own function, written for arrays of floats
    assert minimize(optimize.rosen, START, method="trust-exact", tol=1e-8).x == pytest.approx(
        np.ones(4), abs=1e-6
    )


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "Nelder-Mead"])
def test_every_method_calls_the_function_with_values(method):
    kinds = set()

    def f(x):
        kinds.add((type(x), x.dtype.kind, x.shape, type(x[0])))
        return (x[0] - 1.0).tanh() ** 2 + x[1] * x[1]

    minimize(f, [0.5, 0.5], method=method)
    assert kinds == {(np.ndarray, "O", (2,), Value)}


def test_the_start_may_be_whole_numbers_a_list_or_one_number():
    for start in ([2, 1], (2.0, 1.0), np.array([2, 1])):
        assert minimize(rosenbrock, start).x == pytest.approx([1.0, 1.0], abs=1e-5)
    assert minimize(lambda x: (x[0] - 2) ** 2, 1).x == pytest.approx([2.0], abs=1e-6)
    assert minimize(lambda x: (x - 2) ** 2, 1).x == pytest.approx(
        [2.0], abs=1e-6
    )  # an array of one


def test_a_function_of_several_numbers_is_an_error_that_says_where_to_go():
    for method in (None, "trust-exact", "Nelder-Mead"):
        with pytest.raises(
            TypeError, match=r"fun must return one number, but it returned 2.*least_squares"
        ):
            minimize(lambda x: [x[0], x[1]], [1.0, 2.0], method=method)
        with pytest.raises(TypeError, match="fun must return one number, but it returned 2"):
            minimize(lambda x: x, [1.0, 2.0], method=method)


def test_a_function_that_does_not_depend_on_x_is_at_its_minimum_at_once():
    result = minimize(lambda x: 7.0, [1.0, 2.0])
    assert (result.success, result.nit, result.fun) == (True, 0, 7.0)
    assert (result.jac == 0).all()


def test_bounds_callbacks_tolerances_and_options_are_passed_on():
    seen = []
    result = minimize(
        rosenbrock, START, method="L-BFGS-B", bounds=[(-2, 0.5)] * 4, tol=1e-12,
        callback=lambda xk: seen.append(xk.copy()), options={"maxiter": 500},
    )  # fmt: skip
    theirs = optimize.minimize(
        optimize.rosen, START, method="L-BFGS-B", jac=optimize.rosen_der, bounds=[(-2, 0.5)] * 4,
        tol=1e-12,
    )  # fmt: skip
    assert result.x == pytest.approx(theirs.x, abs=1e-8)
    assert len(seen) == result.nit
    assert max(result.x) <= 0.5
    assert minimize(rosenbrock, START, options={"maxiter": 3}).nit == 3
    fixed = minimize(rosenbrock, START, bounds=[(-2, 2), (0.25, 0.25), (-2, 2), (-2, 2)])
    assert fixed.x[1] == 0.25


# -- constraints ----------------------------------------------------------------------------------


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
    given = pygrad.scipy._constraint(constraint, "trust-constr", optimize)
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
    assert pygrad.scipy._constraint(chosen, "trust-constr", optimize).hess is chosen.hess
    chosen = optimize.NonlinearConstraint(
        circle, 0, 1, hess=optimize.BFGS(exception_strategy="damp_update")
    )
    assert pygrad.scipy._constraint(chosen, "trust-constr", optimize).hess is chosen.hess
    constraint.hess.initialize(2, "hess")
    assert callable(pygrad.scipy._constraint(constraint, "trust-constr", optimize).hess)
    # SLSQP would warn of a Hessian
    assert pygrad.scipy._constraint(constraint, "slsqp", optimize).hess is constraint.hess


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
        assert pygrad.scipy._constraint(constraint, "slsqp", optimize) is constraint
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


# -- points that the function refuses -------------------------------------------------------------


def barrier(x):
    """Its minimum is at 0.1, and the first steps of most methods lead to x < 0."""
    return 10 * x[0] - pm.log(x[0])


@pytest.mark.filterwarnings(
    "ignore:invalid value encountered:RuntimeWarning"
)  # Powell computes inf - inf
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


# -- least_squares and root -----------------------------------------------------------------------


def test_least_squares_takes_the_steps_of_a_jacobian_by_hand():
    f = lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]]  # noqa: E731
    by_hand = lambda x: np.array([[-20 * x[0], 10], [-1, 0]])  # noqa: E731
    for method in ("trf", "dogbox", "lm"):
        ours = least_squares(f, [-1.2, 1.0], method=method)
        theirs = optimize.least_squares(
            lambda x: np.array(f(x)), [-1.2, 1.0], jac=by_hand, method=method
        )
        assert (ours.nfev, ours.njev) == (theirs.nfev, theirs.njev)
        assert ours.x == pytest.approx(theirs.x, rel=1e-12)
        assert ours.jac == pytest.approx(theirs.jac, rel=1e-12)


def test_least_squares_with_bounds_losses_and_arguments():
    rng = np.random.default_rng(4)
    t = np.linspace(0, 3, 40)
    y = 2.5 * np.exp(-1.3 * t) + 0.5 + 0.01 * rng.normal(size=40)
    y[::9] += 2.0  # outliers

    def residuals(p, t, y):
        return p[0] * np.exp(-p[1] * t) + p[2] - y

    def by_hand(p, t, y):
        e = np.exp(-p[1] * t)
        return np.array([e, -p[0] * t * e, np.ones_like(t)]).T

    settings = {
        "loss": "soft_l1", "f_scale": 0.1, "bounds": ([0, 0, 0], [2.0, 9, 9]), "x_scale": "jac",
        "args": (t,), "kwargs": {"y": y},
    }  # fmt: skip
    ours = least_squares(residuals, [1.0, 1.0, 0.0], **settings)
    theirs = optimize.least_squares(residuals, [1.0, 1.0, 0.0], jac=by_hand, **settings)
    assert ours.x == pytest.approx(theirs.x, rel=1e-9)
    assert ours.active_mask[0] == 1
    assert ours.nfev == theirs.nfev


def test_an_exact_jacobian_saves_calls_of_the_residuals():
    def chain(x):
        return [10 * (b - a * a) for a, b in pairwise(x)] + [1 - a for a in x]

    ours, theirs = Counted(chain), Counted(lambda x: np.array(chain(x)))
    start = np.tile([-1.2, 1.0], 10)
    a, b = least_squares(ours, start), optimize.least_squares(theirs, start)
    assert a.x == pytest.approx(np.ones(20), abs=1e-9)
    assert b.x == pytest.approx(np.ones(20), abs=1e-6)
    assert ours.calls < theirs.calls / 8


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_residuals_than_unknowns_and_single_ones_are_taken(n):
    result = least_squares(lambda x: sum(x) - 3.0, np.zeros(n))
    assert sum(result.x) == pytest.approx(3.0)
    assert result.jac == pytest.approx(np.ones((1, n)))


@pytest.mark.parametrize(("m", "spared"), [(9, "jacrev"), (3, "jacrev"), (2, "jacfwd")])
def test_least_squares_takes_the_mode_with_fewer_sweeps(monkeypatch, m, spared):
    def refuse(f):
        raise AssertionError(f"{spared} of {m} residuals by 3 parameters")

    monkeypatch.setattr(pygrad.scipy, spared, refuse)
    result = least_squares(lambda p: [sum(p) * (i + 1) - i for i in range(m)], np.zeros(3))
    assert result.jac == pytest.approx(np.repeat(np.arange(1.0, m + 1), 3).reshape(m, 3))


def test_a_jacobian_of_yours_wins_in_every_solver(handed_over):
    f, jac = (lambda x: [x[0] - 1.0, x[1] - 2.0]), (lambda x: np.eye(2))
    least_squares(f, [0.0, 0.0], jac=jac)
    assert (handed_over["fun"], handed_over["jac"]) == (f, jac)
    least_squares(lambda x: np.array(f(x)), [0.0, 0.0], jac="3-point")
    assert handed_over["jac"] == "3-point"
    root(f, [0.0, 0.0], jac=jac)
    assert (handed_over["fun"], handed_over["jac"]) == (f, jac)
    model, slopes = (lambda x, a: a * x), (lambda x, a: x[:, None])
    curve_fit(model, [1.0, 2.0], [2.0, 4.1], jac=slopes)
    assert (handed_over["f"], handed_over["jac"]) == (model, slopes)


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_uses_the_exact_jacobian(method):
    def powell(x):
        """Powell's badly scaled function (More, Garbow and Hillstrom 1981, problem 3)."""
        return [1e4 * x[0] * x[1] - 1, pm.exp(-x[0]) + pm.exp(-x[1]) - 1.0001]

    f = Counted(powell)
    result = root(f, [0.0, 1.0], method=method, tol=1e-14)
    assert result.success
    assert result.x == pytest.approx([1.098159e-5, 9.106146], rel=1e-6)  # as published
    assert f.calls == result.nfev + result.njev + 1  # SciPy looks at the Jacobian's shape first
    assert np.abs(result.fun).max() < 1e-12


@pytest.mark.parametrize("method", ["broyden1", "krylov", "df-sane", "anderson"])
def test_root_methods_without_a_jacobian_do_exactly_as_in_scipy(method):
    f = lambda x: [x[0] - 0.5 * pm.cos(x[1]), x[1] - 0.5 * pm.sin(x[0])]  # noqa: E731
    ours = root(f, [0.0, 0.0], method=method)
    theirs = optimize.root(lambda x: np.array(f(x)), [0.0, 0.0], method=method)
    assert ours.success and theirs.success
    assert ours.x == pytest.approx(theirs.x, rel=1e-9)
    assert ours.nit == theirs.nit


def test_root_of_an_array_of_unknowns():
    result = root(
        lambda X: X @ X - np.array([[1.0, 4.0], [0.0, 9.0]]), np.eye(2) * 2.0, method="krylov"
    )
    assert result.x == pytest.approx(np.array([[1.0, 1.0], [0.0, 3.0]]), abs=1e-5)


def test_root_takes_arguments_and_refuses_a_wrong_count_of_equations():
    assert root(lambda x, a: [x[0] ** 2 - a], [1.0], args=2.0).x == pytest.approx([math.sqrt(2)])
    with pytest.raises(
        TypeError, match="as many equations as unknowns, got 3 and 1; least_squares"
    ):
        root(lambda x: [x[0], x[0], x[0]], [1.0])
    assert root(lambda x: [x[0], x[0], x[0]], [1.0], method="lm").x == pytest.approx([0.0])


# -- curve_fit ------------------------------------------------------------------------------------

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
    found = pygrad.scipy._jacobian_by_parameters(decay)(t, 2.0, 1.0, 0.5)
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


# -- what is common to all ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: minimize(rosenbrock, x),
        lambda x: least_squares(lambda v: v, x),
        lambda x: root(lambda v: v, x),
        lambda x: curve_fit(lambda t, a, b: a * t + b, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], p0=x),
    ],
    ids=["minimize", "least_squares", "root", "curve_fit"],
)
def test_a_start_of_values_is_an_error(call):
    for start in ([Value(1.0), Value(2.0)], np.array([Value(1.0), Value(2.0)])):
        with pytest.raises(TypeError, match=r"holds Values; give numbers, v\.data"):
            call(start)


@pytest.mark.parametrize(
    "solve",
    [
        lambda a: minimize(lambda x: (x[0] - a) ** 2, [0.0]).x[0],
        lambda a: minimize(lambda x: (x[0] - a) ** 2, [0.0], method="trust-exact").x[0],
        lambda a: least_squares(lambda x: [x[0] - a], [0.0]).x[0],
        lambda a: root(lambda x: [x[0] - a], [0.0]).x[0],
        lambda a: curve_fit(lambda t, b: a * b * t, [1.0, 2.0], [1.0, 2.1])[0][0],
    ],
    ids=["minimize", "trust-exact", "least_squares", "root", "curve_fit"],
)
def test_derivatives_do_not_silently_get_lost_in_a_solver(solve):
    with pytest.raises(TypeError, match="a transform around this call"):
        grad(lambda a: solve(a) * a)(2.0)


def test_derivatives_inside_the_function_work():
    # the function itself is made of a derivative: minimise f'(x)^2
    def f(x):
        return grad(lambda y: pm.cosh(y - 1.5))(x[0]) ** 2

    assert minimize(f, [0.0]).x == pytest.approx([1.5], abs=1e-5)
    assert minimize(f, [0.0], method="trust-exact").x == pytest.approx([1.5], abs=1e-5)


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "Nelder-Mead"])
def test_solvers_work_within_no_grad(method):
    with pygrad.no_grad():
        result = minimize(rosenbrock, START[:2], method=method, tol=1e-8)
        assert result.x == pytest.approx([1.0, 1.0], abs=1e-6)
        assert curve_fit(lambda t, a: a * t, [1.0, 2.0], [2.0, 4.0])[0] == pytest.approx([2.0])


def test_without_scipy_the_error_names_the_extra(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
sys.modules["scipy"] = None  # importing it raises ImportError
import pygrad.scipy

for name in pygrad.scipy.__all__:
    try:
        getattr(pygrad.scipy, name)(lambda x: x, [1.0], [1.0])
    except ImportError as error:
        print(error)
"""
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert (
        done.stdout.splitlines()
        == ["pygrad.scipy needs SciPy: pip install 'pygrad-core[scipy]'"] * 4
    )


def test_the_package_does_not_load_numpy_or_scipy_by_itself(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, pygrad, pygrad.scipy, pygrad.applications\n"
        "print(sorted(name for name in sys.modules if name in ('numpy', 'scipy')))\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
