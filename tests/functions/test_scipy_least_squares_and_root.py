"""SciPy's least_squares and root with exact Jacobians."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from walks import Counted

import pygrad.scipy
from pygrad import math as pm
from pygrad.scipy import curve_fit, least_squares, root

optimize = pytest.importorskip("scipy.optimize")


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

    monkeypatch.setattr(pygrad.scipy.functions, spared, refuse)
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
