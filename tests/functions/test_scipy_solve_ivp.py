"""`pygrad.scipy.solve_ivp`: SciPy's numbers, and derivatives of all that comes out against closed forms."""

from __future__ import annotations

import gc
import math as standard
import weakref
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, grad, hessian, jacfwd, jacobian, jvp, math, value_and_grad
from pygrad.scipy import solve_ivp

integrate = pytest.importorskip("scipy.integrate")

TIGHT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}
METHODS = ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]


def decay(rate: Any, method: str = "RK45", **options: Any) -> Any:
    """exp(-2 * rate)"""
    found = solve_ivp(lambda t, y: [-rate * y[0]], (0.0, 2.0), [1.0], method, **(options or TIGHT))
    return found.y[0, -1]


# -- numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_numbers_are_those_of_scipy(method: str) -> None:
    def swing(t: Any, y: Any, k: float) -> Any:
        return [y[1], -k * y[0]]

    def turn(t: Any, y: Any, k: float) -> Any:
        return y[1]

    options: dict[str, Any] = {"events": [turn], "args": (4.0,), "dense_output": True}
    if method in {"Radau", "BDF", "LSODA"}:  # else it estimates what pygrad knows
        jac = [[0.0, 1.0], [-4.0, 0.0]]
        theirs = integrate.solve_ivp(
            swing, (0.0, 2.0), [1.0, 0.0], method, jac=lambda t, y, k: jac, **options
        )
    else:
        theirs = integrate.solve_ivp(swing, (0.0, 2.0), [1.0, 0.0], method, **options)
    ours = solve_ivp(swing, (0.0, 2.0), [1.0, 0.0], method, **options)
    for name in ("t", "y"):
        assert np.array_equal(ours[name], theirs[name])
    assert np.array_equal(ours.y_events[0], theirs.y_events[0])
    assert np.array_equal(ours.sol([0.3, 0.7]), theirs.sol([0.3, 0.7]))
    assert ours.y.dtype == float


def test_values_have_the_numbers_of_scipy() -> None:
    times = [0.0, 0.5, 2.0]
    ours = solve_ivp(lambda t, y, k: -k * y, (0.0, 2.0), [1.0], t_eval=times, args=(Value(0.5),))
    theirs = integrate.solve_ivp(lambda t, y: -0.5 * y, (0.0, 2.0), [1.0], t_eval=times)
    assert [[v.data for v in row] for row in ours.y] == theirs.y.tolist()


def test_a_jacobian_of_yours_wins() -> None:
    asked = []

    def jac(t: Any, y: Any, k: Any) -> Any:
        asked.append(t)
        return [[-k]]

    def end(k: Any) -> Any:
        found = solve_ivp(
            lambda t, y, k: [-k * y[0]], (0.0, 2.0), [1.0], "Radau", jac=jac, args=(k,), **TIGHT
        )
        return found.y[0, -1]

    assert grad(end)(0.5) == pytest.approx(-2.0 * standard.exp(-1.0), rel=1e-7)
    assert asked


# -- derivatives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_first_and_second_derivative_by_a_parameter(method: str) -> None:
    def f(rate: Any) -> Any:
        return decay(rate, method, rtol=1e-8, atol=1e-10)

    expected = [-2.0 * standard.exp(-1.0), 4.0 * standard.exp(-1.0)]
    assert [grad(f)(0.5), grad(grad(f))(0.5)] == pytest.approx(expected, rel=1e-6)


def test_third_derivative_and_forward_mode() -> None:
    assert grad(grad(grad(decay)))(0.5) == pytest.approx(-8.0 * standard.exp(-1.0), rel=1e-8)
    assert jvp(decay, (0.5,), (1.0,))[1] == pytest.approx(-2.0 * standard.exp(-1.0), rel=1e-9)


def by_all(p: Any) -> Any:
    """y' = cos(t) * y: p is t0, t1 and y0."""
    found = solve_ivp(lambda t, y: [math.cos(t) * y[0]], (p[0], p[1]), [p[2]], **TIGHT)
    return found.y[0, -1]


def closed(p: Any) -> Any:
    return p[2] * math.exp(math.sin(p[1]) - math.sin(p[0]))


@pytest.mark.parametrize("point", [[0.3, 1.7, 2.0], [1.7, 0.3, 2.0]], ids=["ahead", "back"])
def test_derivatives_by_times_and_start(point: list[float]) -> None:
    assert grad(by_all)(point) == pytest.approx(grad(closed)(point), rel=1e-8)
    assert np.array(hessian(by_all)(point)) == pytest.approx(
        np.array(hessian(closed)(point)), rel=1e-7, abs=1e-8
    )


def test_states_at_times_that_are_asked_for() -> None:
    def states(p: Any) -> Any:
        found = solve_ivp(
            lambda t, y: [y[1], -p[0] * y[0]],
            (0.0, 2.0),
            [1.0, p[1]],
            t_eval=[0.5, 1.0, 2.0],
            **TIGHT,
        )
        return found.y

    def closed(p: Any) -> Any:
        w = math.sqrt(p[0])
        ys = [math.cos(w * t) + p[1] / w * math.sin(w * t) for t in (0.5, 1.0, 2.0)]
        return ys + [p[1] * math.cos(w * t) - w * math.sin(w * t) for t in (0.5, 1.0, 2.0)]

    point = np.array([4.0, 0.5])
    expected = np.array(jacobian(closed)(point)).reshape(2, 3, 2)
    for transform in (jacobian, jacfwd):
        assert transform(states)(point) == pytest.approx(expected, rel=1e-7)


def test_derivative_by_the_time_of_a_dense_solution() -> None:
    def at(t: Any, rate: Any) -> Any:
        found = solve_ivp(
            lambda t, y: [-rate * y[0]], (0.0, 3.0), [1.0], dense_output=True, **TIGHT
        )
        return found.sol(t)[0]

    value = standard.exp(-0.75)
    assert grad(at, (0, 1))(1.5, 0.5) == pytest.approx((-0.5 * value, -1.5 * value), rel=1e-6)


# -- events ------------------------------------------------------------------------------------------


def landing(drag: Any, height: Any) -> Any:
    """When, and how fast, what falls comes to the ground."""

    def ground(t: Any, y: Any) -> Any:
        return y[0]

    ground.terminal = True  # type: ignore[attr-defined]
    found = solve_ivp(
        lambda t, y: [y[1], -9.81 - drag * y[1]], (0.0, 10.0), [height, 0.0], events=ground, **TIGHT
    )
    return found.t_events[0][0], found.y_events[0][0, 1], found.t[-1], found.y[1, -1]


def test_derivatives_of_event_times() -> None:
    def time(height: Any) -> Any:
        return landing(0.0, height)[0]

    expected = [f(20.0) for f in (grad(lambda h: math.sqrt(2 * h / 9.81)),) for f in (f, grad(f))]
    assert [grad(time)(20.0), grad(grad(time))(20.0)] == pytest.approx(expected, rel=1e-7)
    h = 1e-4
    fine = [
        (a - b) / (2 * h)
        for a, b in zip(landing(0.1 + h, 20.0), landing(0.1 - h, 20.0), strict=True)
    ]
    found = [grad(lambda drag, k=k: landing(drag, 20.0)[k])(0.1) for k in range(4)]
    assert found == pytest.approx(fine, rel=1e-6)


def test_a_condition_that_depends_on_values() -> None:
    def when(level: Any) -> Any:
        found = solve_ivp(
            lambda t, y: [-y[0]], (0.0, 5.0), [1.0], events=lambda t, y: y[0] - level, **TIGHT
        )
        return found.t_events[0][0]

    assert value_and_grad(when)(0.25) == pytest.approx((standard.log(4.0), -4.0), rel=1e-8)


# -- Values from outside -----------------------------------------------------------------------------


def test_values_of_users_and_backward() -> None:
    rate, start = Value(0.5), Value(2.0)
    y = solve_ivp(lambda t, y: [-(rate * rate) * y[0]], (0.0, 2.0), [start], **TIGHT).y[0, -1]
    y.backward()
    value = 2.0 * standard.exp(-0.5)
    assert (y.data, rate.grad, start.grad) == pytest.approx(
        (value, -2.0 * value, 0.5 * value), rel=1e-8
    )


def test_a_value_that_is_met_on_the_way_only() -> None:
    def f(rate: Any) -> Any:
        found = solve_ivp(
            lambda t, y: [-rate * y[0] if t > 1.0 else 0.0],
            (0.0, 2.0),
            [1.0],
            max_step=0.01,
            **TIGHT,
        )
        return found.y[0, -1]

    assert grad(f)(0.5) == pytest.approx(-standard.exp(-0.5), rel=1e-4)


def test_inputs_of_transforms_around_each_other() -> None:
    def outer(a: Any) -> Any:
        return grad(lambda b: decay(a * b))(1.0)

    rate = 0.5  # d/db exp(-2 a b) = -2 a exp(-2 a b); by a: (4 a b - 2) exp(-2 a b)
    assert outer(rate) == pytest.approx(-2 * rate * standard.exp(-1.0), rel=1e-8)
    assert grad(outer)(rate) == pytest.approx((4 * rate - 2) * standard.exp(-1.0), abs=1e-8)


def test_the_examples_in_the_docstring_run() -> None:
    import doctest

    assert doctest.testmod(pygrad.scipy.trajectories).failed == 0


# -- corners -----------------------------------------------------------------------------------------


def test_events_that_never_happen() -> None:
    never: Any = lambda t, y: y[0] + 1.0  # noqa: E731
    rate = Value(0.5)
    found = solve_ivp(lambda t, y: -rate * y, (0.0, 2.0), [1.0], events=[never])
    numbers = integrate.solve_ivp(lambda t, y: -0.5 * y, (0.0, 2.0), [1.0], events=[never])
    assert found.t_events[0].shape == numbers.t_events[0].shape
    assert found.y_events[0].shape == numbers.y_events[0].shape
    found.y[0, -1].backward()
    assert rate.grad == pytest.approx(-2 * standard.exp(-1.0), rel=1e-2)


def test_options_have_no_derivative() -> None:
    with pytest.raises(TypeError, match="no derivative by max_step"):
        grad(lambda h: solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], max_step=h).y[0, -1])(0.1)


def test_nothing_of_a_solution_is_left() -> None:
    class Rate(float):
        """A number that can be watched."""

    rate = Rate(0.5)
    watched = weakref.ref(rate)

    def equation(t: Any, y: Any, k: Any, rate: Rate = rate) -> Any:
        return -k * y

    solve_ivp(equation, (0.0, 1.0), [1.0], args=(Value(0.5),), dense_output=True).y[
        0, -1
    ].backward()
    del rate, equation
    gc.collect()
    assert watched() is None
