"""What SciPy's solvers have in common; and plain transforms, which fit SciPy's signatures."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys

import numpy as np
import pytest
from walks import START, rosenbrock

import pygrad.scipy
from pygrad import Value, grad, hessian, hvp, jacobian
from pygrad import math as pm
from pygrad.scipy import curve_fit, equations, fitting, least_squares, minimize, minimizing, root

optimize = pytest.importorskip("scipy.optimize")


def test_the_examples_in_the_docstrings_run():
    results = [doctest.testmod(part) for part in (pygrad.scipy, equations, fitting, minimizing)]
    assert [result.failed for result in results] == [0] * 4
    assert sum(result.attempted for result in results) > 10


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


@pytest.mark.parametrize("which", ["xdata", "ydata", "sigma", "bounds", "f_scale"])
def test_derivatives_do_not_silently_get_lost(which):
    values = [Value(1.0), Value(2.0), Value(3.0)]
    data = {"xdata": [1.0, 2.0, 3.0], "ydata": [1.0, 2.1, 2.9], "sigma": None} | (
        {which: values} if which in {"xdata", "ydata", "sigma"} else {}
    )
    options = {"bounds": (Value(0.0), 9.0), "f_scale": Value(1.0)}
    with pytest.raises(TypeError, match=f"{which} holds Values, and no transform is around"):
        if which in options:
            least_squares(lambda x: [x[0] - 1.0], [1.0], **{which: options[which]})
        else:
            curve_fit(lambda t, b: b * t, **data)


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
        == ["pygrad.scipy needs SciPy: pip install 'pygrad-core[scipy]'"] * 6
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
