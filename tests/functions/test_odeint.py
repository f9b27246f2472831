"""`odeint`: solutions and their derivatives against closed forms, SciPy and fine differences."""

from __future__ import annotations

import math as standard
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from pygrad import (
    Value,
    compile,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    load,
    math,
    odeint,
    value_and_grad,
    vmap,
)

TIGHT: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-12}


def decay(y: Any, t: Any, rate: Any) -> Any:
    return -rate * y


def at_two(rate: Any) -> Any:
    """exp(-2 * rate)"""
    return odeint(decay, 1.0, [0.0, 2.0], rate, **TIGHT)[1]


def prey_and_predators(y: Any, t: Any, a: Any) -> Any:
    return [y[0] * (a - 0.4 * y[1]), y[1] * (0.5 * y[0] - 0.8)]


def prey_at_four(a: Any) -> Any:
    return odeint(
        prey_and_predators, [2.0, 1.0], np.linspace(0.0, 4.0, 5), a, rtol=1e-10, atol=1e-10
    )[0][4]


def between_and_one(time: Any) -> Any:
    return odeint(decay, 1.0, [0.0, time, 1.0], 0.5)[1]


# -- against other truths --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_of_a_closed_form(order: int) -> None:
    f: Any = at_two
    for _ in range(order):
        f = grad(f)
    expected = (-2.0) ** order * standard.exp(-1.0)
    for each in (f, compile(f), lambda x: compile(vmap(f))(np.array([x, 2.0 * x]))[0]):
        assert each(0.5) == pytest.approx(expected, rel=1e-9)


def test_values_of_scipy() -> None:
    times = np.linspace(0.0, 10.0, 21)
    ours = odeint(prey_and_predators, [2.0, 1.0], times, 1.1, **TIGHT)
    theirs = solve_ivp(
        lambda t, y: prey_and_predators(y, t, 1.1), (0, 10), [2.0, 1.0], "DOP853", times, **TIGHT
    )
    assert np.array(ours) == pytest.approx(theirs.y, rel=1e-9)


def test_derivative_by_a_parameter_is_that_of_fine_differences() -> None:
    h = 1e-4
    fine = (prey_at_four(1.1 + h) - prey_at_four(1.1 - h)) / (2.0 * h)
    assert grad(prey_at_four)(1.1) == pytest.approx(fine, rel=1e-6)


@pytest.mark.parametrize("jacobian", [jacfwd, jacrev])
def test_derivatives_by_the_initial_state_are_a_matrix_exponential(jacobian: Any) -> None:
    matrix = np.array([[0.0, 1.0], [-1.0, -0.1]])

    def end(y0: Any) -> Any:
        return odeint(lambda y, t: matrix @ y, y0, [0.0, 0.4, 1.0], **TIGHT)[2]

    for f in (jacobian(end), compile(jacobian(end))):
        assert f(np.array([1.0, 0.5])) == pytest.approx(expm(matrix), rel=1e-9)


@pytest.mark.parametrize(("begin", "end"), [(0.3, 1.7), (1.7, 0.3)], ids=["ahead", "back"])
def test_derivatives_by_times(begin: float, end: float) -> None:
    """y' = y * cos(t), whose solution is exp(sin(t) - sin(t0))."""

    def f(t0: Any, t1: Any) -> Any:
        return odeint(lambda y, t: math.cos(t) * y, 1.0, [t0, t1], **TIGHT)[1]

    value = standard.exp(standard.sin(end) - standard.sin(begin))
    expected = (-standard.cos(begin) * value, standard.cos(end) * value)
    assert f(begin, end) == pytest.approx(value, rel=1e-10)
    assert grad(f, (0, 1))(begin, end) == pytest.approx(expected, rel=1e-9)
    mapped = compile(vmap(grad(f, (0, 1))))(np.array([begin, end]), np.array([end, begin]))
    assert [column[0] for column in mapped] == pytest.approx(expected, rel=1e-9)


def test_times_between_steps() -> None:
    """Few steps are made, and there are many times."""
    calls = []

    def f(y: Any, t: Any) -> Any:
        calls.append(t)
        return -y

    times = np.linspace(0.0, 2.0, 201)
    found = odeint(f, 1.0, times, rtol=1e-6, atol=1e-9)
    assert found == pytest.approx(np.exp(-times), rel=1e-5)
    assert len(calls) < 201


def test_second_derivatives_by_two_parameters() -> None:
    def f(p: Any) -> Any:
        return odeint(lambda y, t: p[1] - p[0] * y, 1.0, [0.0, 1.0], **TIGHT)[1]

    def exact(p: Any) -> Any:
        return p[1] / p[0] + (1.0 - p[1] / p[0]) * math.exp(-p[0])

    for h in (hessian(f), compile(hessian(f))):
        assert np.array(h([0.7, 0.3])) == pytest.approx(
            np.array(hessian(exact)([0.7, 0.3])), rel=1e-8
        )


def test_derivative_by_a_time_that_is_the_first() -> None:
    assert grad(lambda t: odeint(decay, 1.0, [0.0, t], 0.5)[1])(0.0) == -0.5


# -- one meaning everywhere ------------------------------------------------------------------------


def test_programs_do_what_eager_code_does(tmp_path: Path) -> None:
    both = value_and_grad(prey_at_four)
    rates = np.array([0.9, 1.1, 1.3])
    eager = [both(rate) for rate in rates]
    mapped = compile(vmap(both))
    assert np.array(mapped(rates)).T == pytest.approx(np.array(eager), rel=1e-9)
    assert len(mapped.programs) == 1
    mapped.save(tmp_path / "prey.pgc")
    assert np.array_equal(load(tmp_path / "prey.pgc")(rates), mapped(rates))
    assert jvp(prey_at_four, (1.1,), (1.0,)) == pytest.approx(eager[1], rel=1e-12)


def test_values_of_users() -> None:
    rate, y0 = Value(0.5), Value(1.0)
    y = odeint(decay, y0, [0.0, 2.0], rate, **TIGHT)[1]
    y.backward()
    assert (y.data, rate.grad, y0.grad) == pytest.approx(
        [standard.exp(-1.0) * k for k in (1.0, -2.0, 1.0)], rel=1e-10
    )
    by_closure = compile(vmap(lambda y0: odeint(lambda y, t: -rate * y, y0, [0.0, 2.0])[1]))
    assert by_closure(np.array([1.0, 2.0])) == pytest.approx([0.3678794, 0.7357589], rel=1e-6)


def test_structures_of_states() -> None:
    def f(y: Any, t: Any) -> Any:
        return {"a": -y["a"], "b": [y["a"] - y["b"][0]]}

    found = odeint(f, {"a": 1.0, "b": [2]}, [0.0, 1.0], **TIGHT)
    assert found["a"] == pytest.approx([1.0, standard.exp(-1.0)])
    assert found["b"][0] == pytest.approx([2.0, 3.0 * standard.exp(-1.0)])
    square = odeint(lambda y, t: -y, np.ones((2, 3)), [0.0, 1.0, 2.0])
    assert square.shape == (3, 2, 3)


@pytest.mark.parametrize("times", [[3.0], [0.0, 0.0, 1.0], (0, 1), np.array([0.0, 1.0])])
def test_times_of_many_kinds(times: Any) -> None:
    found = odeint(decay, 1, times, 1)
    elapsed = np.array(times, dtype=float) - times[0]
    assert found == pytest.approx(np.exp(-elapsed), rel=1e-6)
    assert found[0] == 1.0


# -- where there is no way on ----------------------------------------------------------------------


def explosion(y0: Any) -> Any:
    """y0 / (1 - t * y0), until t = 1 / y0."""
    return odeint(lambda y, t: y * y, y0, [0.0, 0.5, 0.9, 1.5])


@pytest.mark.filterwarnings("ignore:explosion")
def test_what_is_beyond_a_singularity_is_nan() -> None:
    expected = [[1.0, 2.0, 10.0, np.nan], [0.1, 0.1 / 0.95, 0.1 / 0.91, 0.1 / 0.85]]
    assert explosion(1.0) == pytest.approx(expected[0], rel=1e-6, nan_ok=True)
    assert compile(vmap(explosion))(np.array([1.0, 0.1])) == pytest.approx(
        np.array(expected), rel=1e-6, nan_ok=True
    )


def test_a_stage_without_a_number_makes_the_step_smaller() -> None:
    """The first guess goes beyond 1, where the root has no number."""

    def f(y: Any, t: Any) -> Any:
        return math.where(y < 2.0, 0.5, standard.nan)

    assert odeint(f, 1.0, [0.0, 1.0], hmax=10.0)[1] == pytest.approx(1.5)


def test_hmax() -> None:
    """A pulse that long steps would not see."""

    def f(y: Any, t: Any) -> Any:
        return math.exp(-((t - 50.0) ** 2))

    assert odeint(f, 0.0, [0.0, 100.0], hmax=0.5)[1] == pytest.approx(standard.sqrt(standard.pi))


def test_more_steps_than_there_may_be() -> None:
    with pytest.raises(RuntimeError, match=r"after 3 steps, which is mxstep: give a larger mxstep"):
        odeint(decay, 1.0, [0.0, 100.0], 0.5, mxstep=3)
    mapped = compile(vmap(lambda rate: odeint(decay, 1.0, [0.0, 100.0], rate, mxstep=30)))
    with pytest.raises(RuntimeError, match=r"in row 1: .* \(of odeint: mxstep\)"):
        mapped(np.array([0.01, 1.0]))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: odeint(decay, 1.0, [], 1.0), ValueError, "sequence of times"),
        (lambda: odeint(decay, 1.0, 2.0, 1.0), ValueError, "sequence of times"),
        (lambda: odeint(decay, 1.0, [[0.0, 1.0]], 1.0), ValueError, "sequence of times"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0, 0.5], 1.0), ValueError, "all grow or all fall"),
        (lambda: odeint(decay, 1.0, [0.0, standard.nan], 1.0), ValueError, "finite"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0], 1.0, rtol=0.0), ValueError, "rtol"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0], 1.0, atol=[1e-3]), ValueError, "atol"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0], 1.0, hmax=-1.0), ValueError, "hmax"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0], 1.0, mxstep=0), ValueError, "mxstep"),
        (lambda: odeint(decay, "1", [0.0, 1.0], 1.0), TypeError, "y0 of odeint"),
        (
            lambda: odeint(lambda y, t: [y, y], 1.0, [0.0, 1.0]),
            TypeError,
            "1 numbers as y0 has, not 2",
        ),
        (lambda: odeint(lambda y, t: None, 1.0, [0.0, 1.0]), TypeError, "not 0"),
        (lambda: odeint(decay, 1.0, [0.0, 1.0], 1.0, mxstep=True), ValueError, "mxstep"),
        (lambda: odeint(decay, 1.0, [0.0, Value(-1.0), 1.0], 1.0), ValueError, "all grow or all"),
        (lambda: odeint(decay, 1.0, [0.0, Value(standard.inf)], 1.0), ValueError, "finite"),
        (lambda: grad(between_and_one)(2.0), ValueError, "all grow or all fall"),
        (
            lambda: odeint(lambda y, t: {"x": 1.0, "w": 1.0}, {"x": 0.0, "v": 0.0}, [0.0, 1.0]),
            ValueError,
            r"has the keys \['x', 'w'\], and y0 has \['x', 'v'\]",
        ),
    ],
)
def test_what_cannot_be(call: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


# -- corners ---------------------------------------------------------------------------------------


def test_dicts_match_by_key() -> None:
    def turning(y: Any, t: Any) -> Any:
        return {"v": -y["x"], "x": y["v"]}

    found = odeint(turning, {"x": 1.0, "v": 0.0}, [0.0, 1.0], rtol=1e-10, atol=1e-10)
    assert found["x"][1] == pytest.approx(standard.cos(1.0), rel=1e-8)


@pytest.mark.parametrize("one", [np.float32(1.0), True, np.array(1.0, dtype=np.float32), 1])
def test_numbers_of_other_kinds(one: Any) -> None:
    times = np.array([0.0, 2.0], dtype=np.float32)
    found = odeint(decay, one, times, 0.5)
    assert found.dtype == np.float64
    assert found == pytest.approx([1.0, standard.exp(-1.0)], rel=1e-7)


def test_rows_whose_times_are_out_of_order_are_nan() -> None:
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="nan"):
        found = vmap(between_and_one)([2.0, 0.5, -1.0])
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == pytest.approx(standard.exp(-0.25), rel=1e-7)


def test_by_a_time_at_which_it_begins() -> None:
    def growth(t: Any, end: Any = None) -> Any:  # exp(t ** 2 / 2 - 2)
        times = [2.0, t] if end is None else [2.0, t, end]
        return odeint(lambda y, t: t * y, 1.0, times, **TIGHT)[1]

    order, expected = growth, [1.0, 2.0, 5.0, 14.0]
    for derivative in expected:
        assert order(2.0) == pytest.approx(derivative, rel=1e-12)
        assert vmap(order)([2.0, 2.5])[0] == pytest.approx(derivative, rel=1e-12)
        order = grad(order)
    assert hessian(lambda t: growth(t, 3.0))(2.0) == pytest.approx(5.0, rel=1e-12)
    begun = hessian(lambda t: odeint(lambda y, t: t * y, 1.0, [t, 2.0], **TIGHT)[1])(2.0)
    assert begun == pytest.approx(3.0, rel=1e-12)  # exp(2 - t ** 2 / 2)


def test_steps_may_be_as_short_as_the_time_they_are_at() -> None:
    _, y = odeint(lambda y, t: -y / (t + 1e-9), 1.0, [0.0, 1e6], atol=1e-30)
    assert y == pytest.approx(1e-15, rel=1e-4)
