"""SciPy's minimize with exact derivatives walks as with derivatives by hand, with fewer calls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from walks import START, Counted, rosenbrock

from pygrad import Value, grad, hessian
from pygrad import math as pm
from pygrad.scipy import minimize, minimizing

optimize = pytest.importorskip("scipy.optimize")

WITHOUT_DERIVATIVES = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]
WITH_GRADIENT = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
WITH_PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]
WITH_HESSIAN = ["dogleg", "trust-exact"]


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
    assert minimizing._Products(rosenbrock)(x, v) == pytest.approx(H @ v, rel=1e-12, abs=1e-11)


def test_products_at_one_point_share_one_recording():
    f = Counted(rosenbrock)
    products = minimizing._Products(f)
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
        kinds.add((isinstance(x, np.ndarray), x.dtype.kind, x.shape, type(x[0])))
        return (x[0] - 1.0).tanh() ** 2 + x[1] * x[1]

    minimize(f, [0.5, 0.5], method=method)
    assert kinds == {(True, "O", (2,), Value)}


def test_the_start_may_be_whole_numbers_a_list_or_one_number():
    for start in ([2, 1], (2.0, 1.0), np.array([2, 1])):
        assert minimize(rosenbrock, start).x == pytest.approx([1.0, 1.0], abs=1e-5)
    assert minimize(lambda x: (x[0] - 2) ** 2, 1).x == pytest.approx([2.0], abs=1e-6)
    # SciPy makes an array of one of it
    assert minimize(lambda x: (x - 2) ** 2, 1).x == pytest.approx([2.0], abs=1e-6)


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
