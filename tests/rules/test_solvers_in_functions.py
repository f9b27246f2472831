"""Solvers in a function that is differentiated: solutions depend on what their function depends on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    gauss_newton,
    grad,
    gradient_descent,
    jacfwd,
    jacobian,
    math,
    newton,
    value_and_grad,
)

TIMES, COUNTS = (0.0, 1.0, 2.0), (4.2, 2.0)


def model(p: Any, first: Any) -> list[Any]:
    return [p[0] * math.exp(-p[1] * t) - y for t, y in zip(TIMES, (first, *COUNTS), strict=True)]


def energy(x: Any, a: Any) -> Any:
    return (x[0] - a) ** 2 + math.exp(x[1] - x[0] * a) + x[1] ** 2


def by_newton(a: Any) -> Any:
    return newton(lambda y: [y[0] + 2.0 * math.cos(y[1]) - a, y[1] - a * y[0]], [0.3, 0.2]).x[0]


def by_newton_of_the_gradient(a: Any) -> Any:
    return newton(grad(lambda x: energy(x, a)), [0.0, 0.0]).x[1]


def by_gauss_newton(a: Any) -> Any:
    return gauss_newton(lambda p: model(p, 8.0 * a), [7.0, 0.5]).x[1]


def by_squares(a: Any) -> Any:
    return gauss_newton(lambda p: model(p, 8.0 * a), [7.0, 0.5]).value


def by_descent(a: Any) -> Any:
    return gradient_descent(lambda x: energy(x, a), [0.0, 0.0], tol=1e-13).x[1]


def by_minimize(a: Any) -> Any:
    from pygrad.scipy import minimize

    return minimize(energy, [0.0, a], (a,), method="trust-exact", options={"gtol": 1e-13}).x[1]


def by_the_least_value(a: Any) -> Any:
    from pygrad.scipy import minimize

    return minimize(lambda x: energy(x, a), [0.0, 0.0], method="BFGS", tol=1e-12).fun


def by_root(a: Any) -> Any:
    from pygrad.scipy import root

    return root(
        lambda y: [y[0] + 2.0 * math.cos(y[1]) - a, y[1] - a * y[0]], [0.3, 0.2], tol=1e-13
    ).x[0]


def by_least_squares(a: Any) -> Any:
    from pygrad.scipy import least_squares

    tight = dict.fromkeys(("xtol", "ftol", "gtol"), 3e-16)
    return least_squares(lambda p: model(p, 8.0 * a), [7.0, 0.5], **tight).x[1]


def by_brentq(a: Any) -> Any:
    from pygrad.scipy import brentq

    return brentq(lambda x: x - a * math.sin(x) - 1.0, 0.0, 3.0 * a)


FITS = [
    by_newton,
    by_newton_of_the_gradient,
    by_gauss_newton,
    by_squares,
    by_descent,
    by_minimize,
    by_the_least_value,
    by_root,
    by_least_squares,
    by_brentq,
]


@pytest.mark.parametrize("f", FITS, ids=lambda f: f.__name__)
def test_first_and_second_derivatives_are_those_of_differences(f: Any) -> None:
    if f.__name__ not in {"by_newton", "by_gauss_newton"}:
        pytest.importorskip("scipy")
    h, a = 1e-3, 1.1
    slope = grad(f)
    for exact, g in ((slope(a), f), (grad(slope)(a), slope)):
        wide, near = ((g(a + k) - g(a - k)) / (2.0 * k) for k in (2.0 * h, h))
        assert exact == pytest.approx((4.0 * near - wide) / 3.0, rel=1e-6, abs=1e-7)


def test_both_ways_and_several_unknowns() -> None:
    def f(p: Any) -> Any:
        return newton(lambda y: [y[0] * p[0] - p[1], y[1] - y[0]], [1.0, 1.0]).x

    expected = [[-0.75, 0.5], [-0.75, 0.5]]
    for transform in (jacobian, jacfwd):
        assert np.array(transform(f)([2.0, 3.0])) == pytest.approx(np.array(expected))


def test_a_fit_in_a_fit() -> None:
    """The penalty with which a penalised fit gives 2."""

    def missed(penalty: Any) -> Any:
        inner = newton(grad(lambda p: (p - 3.0) ** 2 + penalty * p * p), 0.0)
        return inner.x - 2.0

    assert newton(missed, 0.1).x == pytest.approx(0.5)


def test_the_start_may_depend_on_an_input() -> None:
    assert value_and_grad(lambda a: newton(lambda y: y * y - a, a).x)(4.0) == (2.0, 0.25)


def test_outside_of_transforms_results_are_numbers() -> None:
    a = Value(4.0)
    calls: list[int] = []
    assert type(newton(lambda y: calls.append(1) or y * y - a, 1.0, steps=3).x) is float
    assert len(calls) == 4


def test_a_solution_that_was_not_reached_has_no_derivative() -> None:
    with pytest.raises(RuntimeError, match=r"not reached.*start closer"):
        grad(lambda a: newton(lambda y: y * y - a, 1e-8, steps=2).x)(4.0)


def test_scipys_solvers_that_have_failed() -> None:
    scipy = pytest.importorskip("scipy") and pytest.importorskip("pygrad.scipy")
    with pytest.raises(RuntimeError, match="not reached"):
        grad(lambda a: scipy.root(lambda x: [x[0] * x[0] + a], [1.0]).x[0])(2.0)


def test_what_the_equation_reads_may_be_something_else_later() -> None:
    def f(a: Any) -> Any:
        held = [a]
        y = newton(lambda y: y * y - held[0] * a, 1.0).x
        held[0] = 5.0 * a
        a = 7.0 * a
        return y * 3.0

    for transform in (grad, jacfwd):
        assert transform(f)(2.0) == pytest.approx(3.0)
        assert transform(transform(f))(2.0) == pytest.approx(0.0, abs=1e-12)

    def again(a: Any) -> Any:
        for _ in range(3):
            a = newton(lambda y: y * y - a, 1.0).x
        return a

    eighth = lambda a: a**0.125  # noqa: E731
    assert grad(again)(2.0) == pytest.approx(grad(eighth)(2.0), rel=1e-13)
    assert grad(grad(grad(again)))(2.0) == pytest.approx(grad(grad(grad(eighth)))(2.0), rel=1e-12)
