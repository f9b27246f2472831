"""step_sweep: the error of a difference quotient over its step. nudge: a derivative as a prediction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import pygrad.math
from pygrad import Value
from pygrad.numeric import SweepRow, check_grad, nudge, numerical_derivative, step_sweep

EPS = 2.0**-52


def f(x: Any) -> Any:
    """The lessons' parabola."""
    return 3 * x**2 - 4 * x + 5


# Smooth functions with a second and a third derivative that are not small.
FUNCTIONS = {
    "exp": (pygrad.math.exp, 1.0),
    "log": (pygrad.math.log, 0.3),
    "1/x": (lambda x: 1 / x, -7.0),
    "sin": (pygrad.math.sin, 0.6),
    "x * tanh(x)": (lambda x: x * pygrad.math.tanh(x), 2.0),
    "sqrt, large x": (pygrad.math.sqrt, 1e7),
    "log, small x": (pygrad.math.log, 2e-5),
}


@pytest.fixture(params=FUNCTIONS)
def case(request):
    return FUNCTIONS[request.param]


# -- the U ----------------------------------------------------------------------------------------


def test_the_best_central_step_is_near_cbrt_eps(case):
    g, x = case
    best = step_sweep(g, x).best
    assert 1 / 20 < best.h / (EPS ** (1 / 3) * abs(x)) < 20
    assert best.error < 1e-9 * abs(step_sweep(g, x).exact)


def test_the_best_forward_step_is_near_sqrt_eps_and_worse_than_the_central_one(case):
    g, x = case
    forward, central = step_sweep(g, x, method="forward"), step_sweep(g, x)
    assert 1 / 20 < forward.best.h / (math.sqrt(EPS) * abs(x)) < 20
    assert forward.best.error > 20 * central.best.error


def test_the_error_is_a_u_with_walls_on_both_sides(case):
    sweep = step_sweep(*case)
    assert sweep[0].h > sweep[-1].h
    assert sweep[0].error > 1e4 * sweep.best.error
    assert max(row.error for row in sweep[-6:]) > 1e4 * sweep.best.error


def slope_of(rows: list[SweepRow]) -> float:
    """The power of h that the error follows: a line through log(error) over log(h)."""
    return float(np.polyfit([math.log(r.h) for r in rows], [math.log(r.error) for r in rows], 1)[0])


@pytest.mark.parametrize(("method", "power"), [("forward", 1.0), ("central", 2.0)])
def test_truncation_falls_with_the_step_of_forward_and_with_its_square_of_central(
    case, method, power
):
    sweep = step_sweep(*case, method=method)
    falling = [row for row in sweep if 3e-5 * abs(sweep.x) < row.h < 0.02 * abs(sweep.x)]
    assert len(falling) >= 5
    assert slope_of(falling) == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize("method", ["forward", "central"])
def test_round_off_grows_as_the_step_shrinks(case, method):
    sweep = step_sweep(*case, method=method)
    rising = [row for row in sweep if row.error > 0 and row.h < sweep.best.h / 50]
    assert slope_of(rising) == pytest.approx(-1.0, abs=0.35)


@pytest.mark.parametrize("method", ["forward", "central"])
def test_truncation_and_round_off_estimates_add_up_to_the_error(case, method):
    sweep = step_sweep(*case, method=method)
    for row in sweep:
        if row.h > 0.02 * abs(sweep.x):  # where the next term counts too
            continue
        if row.estimate == 0.0:  # the step does not move x
            continue
        assert row.error <= 3 * (row.truncation + row.roundoff)
        if row.truncation > 100 * row.roundoff:
            assert row.error == pytest.approx(row.truncation, rel=0.1)


def test_a_parabola_has_no_truncation_error_in_central_differences():
    sweep = step_sweep(f, 3.0)
    assert sweep.best.h == max(row.h for row in sweep)
    assert sweep.best.error < 1e-13


# -- the table ------------------------------------------------------------------------------------


def test_rows_are_what_numerical_derivative_finds():
    for method in ("central", "forward"):
        sweep = step_sweep(f, -3.0, [1e-2, 1e-6, 1e-10, 1e-17], method)
        assert sweep.exact == -22.0
        for row in sweep:
            assert row.estimate == numerical_derivative(f, -3.0, row.h, method)
            assert row.error == abs(row.estimate + 22.0)


def test_a_step_that_does_not_move_x_has_estimate_0():
    sweep = step_sweep(f, 3.0, [1e-17])
    assert sweep[0].estimate == 0.0
    assert sweep[0].error == 14.0


def test_the_sweep_is_a_sequence_of_rows_with_columns():
    hs = [1e-3, 1e-1, 1e-5]
    sweep = step_sweep(f, 3.0, iter(hs), "forward")
    assert [row.h for row in sweep] == hs
    assert len(sweep) == 3
    assert sweep[0] is next(iter(sweep))
    assert sweep[-1] in sweep
    assert isinstance(sweep[1:], tuple)
    columns = sweep.to_dict()
    assert list(columns) == ["h", "estimate", "error", "truncation", "roundoff"]
    assert columns["h"] == hs
    assert columns["error"] == [row.error for row in sweep]
    assert (sweep.x, sweep.exact, sweep.method) == (3.0, 14.0, "forward")


def test_the_table_is_aligned_and_marks_the_best_row():
    sweep = step_sweep(f, 3.0, method="forward")
    title, *lines = str(sweep).splitlines()
    assert title == "forward differences at x = 3.0; exact derivative 14.0"
    assert len(lines) == len(sweep) + 1
    assert len({len(line.removesuffix("  <- best")) for line in lines}) == 1
    assert [line.endswith("<- best") for line in lines].count(True) == 1
    assert f"{sweep.best.h:9.2g}" in next(line for line in lines if line.endswith("<- best"))
    assert repr(sweep) == f"<StepSweep of {len(sweep)} forward steps at x = 3.0>"


def test_steps_at_which_f_is_not_defined_are_nan():
    sweep = step_sweep(pygrad.math.log, 0.5, [1.0, 1e-3])
    assert math.isnan(sweep[0].estimate)
    assert math.isnan(sweep[0].error)
    assert sweep.best is sweep[1]
    assert "nan" in str(sweep)
    nowhere = step_sweep(pygrad.math.log, 0.5, [1.0])
    assert "nan" in str(nowhere)
    with pytest.raises(ValueError, match="not defined at any step"):
        _ = nowhere.best


def test_a_function_that_pygrad_cannot_differentiate_needs_the_exact_derivative():
    with pytest.raises(TypeError):
        step_sweep(math.sin, 1.0)
    sweep = step_sweep(math.sin, 1.0, exact=math.cos(1.0))
    assert sweep.best.error < 1e-10


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"hs": []}, ValueError, "hs has no step"),
        ({"hs": [1e-3, 0.0]}, ValueError, "h must be a positive, finite step, not 0.0"),
        ({"hs": [-1e-3]}, ValueError, "h must be a positive"),
        ({"hs": ["1"]}, TypeError, "h must be a real number, not str"),
        ({"method": "ridders"}, ValueError, "method must be 'central' or 'forward', not 'ridders'"),
        ({"x": math.nan}, ValueError, "x must be finite"),
        ({"x": [1.0]}, TypeError, "x must be a real number, not list"),
        ({"f": lambda x: [x, x]}, TypeError, "jacobian"),
    ],
)
def test_bad_arguments_of_step_sweep_are_named(kwargs, error, message):
    with pytest.raises(error, match=message):
        step_sweep(**{"f": f, "x": 3.0, **kwargs})


# -- nudge ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("h", "prediction", "actual", "miss"), [(0.01, 0.04, 0.0401, 1e-4), (1.0, 4.0, 5.0, 1.0)]
)
def test_on_a_curve_the_derivative_is_a_local_prediction(h, prediction, actual, miss):
    found = nudge(lambda x: x**2, 2.0, h)
    assert found.prediction == prediction
    assert found.actual == pytest.approx(actual, rel=1e-12)
    assert found.miss == pytest.approx(miss, rel=1e-10)
    assert found == (found.prediction, found.actual, found.actual - found.prediction)


def test_on_a_straight_line_it_is_exact():
    for found in (
        nudge(lambda a: a * -3.0, 2.0, 0.001),
        nudge(lambda v: v[0] * v[1], [2.0, -3.0], [0.001, 0.0]),
    ):
        assert found.prediction == -0.003
        assert found.actual == pytest.approx(-0.003, rel=1e-12)
        assert abs(found.miss) < 1e-15


def test_a_nudge_prints_as_one_line():
    assert str(nudge(lambda x: x**2, 2.0, 0.01)) == "prediction 0.04, actual 0.0401, miss 0.0001"
    assert str(nudge(lambda x: x**2, 2, 1)) == "prediction 4, actual 5, miss 1"


@pytest.mark.parametrize(
    ("x", "h"),
    [
        ([2.0, 3.0], [0.1, -0.2]),
        ((2.0, 3.0), (0.1, -0.2)),
        (np.array([2.0, 3.0]), np.array([0.1, -0.2])),
    ],
)
def test_all_inputs_may_move_at_once(x, h):
    found = nudge(lambda v: v[0] ** 2 * v[1], x, h)
    assert found.prediction == pytest.approx(12 * 0.1 - 4 * 0.2, rel=1e-14)
    assert found.actual == pytest.approx(2.1**2 * 2.8 - 12, rel=1e-13)


def test_inputs_may_be_nested_and_f_may_use_methods_of_values():
    def g(p):
        return (p["w"][0] * p["b"]).exp() + p["w"][1].sum()

    x = {"w": [0.5, np.array([1.0, 2.0])], "b": 2}
    h = {"w": [0.0, np.array([0.0, 0.25])], "b": -1}
    found = nudge(g, x, h)
    assert found.prediction == pytest.approx(-0.5 * math.e + 0.25)
    assert found.actual == pytest.approx(math.exp(0.5) - math.e + 0.25)


def test_f_that_ignores_its_input_does_not_change():
    assert nudge(lambda x: 7.0, 2.0, 1.0) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("x", "h", "error", "message"),
    [
        (1.0, [1.0], ValueError, "h must have the structure of x: a number, not a list of 1"),
        ([1.0, 2.0], [1.0], ValueError, "h must have the structure of x"),
        (math.nan, 1.0, ValueError, "x must be finite"),
        (1.0, math.inf, ValueError, "h must be finite"),
        ("1", 1.0, TypeError, "x must be a number"),
        (Value(1.0), 1.0, TypeError, "not a Value: pass its .data"),
    ],
)
def test_bad_arguments_of_nudge_are_named(x, h, error, message):
    with pytest.raises(error, match=message):
        nudge(lambda v: v, x, h)


def test_a_nudge_out_of_the_domain_raises_what_f_raises():
    with pytest.raises(ValueError, match="math domain error"):
        nudge(pygrad.math.log, 1.0, -2.0)


@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize(
    "x",
    [1e-155, -1e-160, 1e-200, 1e-300, 2.3e-308, -1e-310, 1e-320, 5e-324, 1e160, 1e300, -1.7e308],
)
def test_a_sweep_at_the_ends_of_the_range(x, method):
    for f, slope in (
        (lambda t: t, 1.0),
        (lambda t: 0.5 * t - 0.25 * t, 0.25),
        (pygrad.math.tanh, None),
    ):
        sweep = step_sweep(f, x, method=method)
        assert len(sweep) > 0
        assert all(row.h > 0 for row in sweep)
        assert str(sweep)
        if slope is not None and abs(x) > 1e-300:
            assert abs(sweep.best.error) <= 1e-6 * slope


@pytest.mark.parametrize("x", [1e-170, 1e-300, -1e-310, 1e-320, 1e160, 1e300, -1e308])
def test_check_grad_at_the_ends_of_the_range(x):
    for f in (lambda t: t, lambda t: 0.5 * t - 0.25 * t, pygrad.math.tanh):
        assert check_grad(f, x)
    # Ends in an answer, if not in a clear one
    for f in (pygrad.math.log, pygrad.math.sqrt, lambda t: 1 / t):
        try:
            f(Value(abs(x)))
        except (ArithmeticError, ValueError):
            continue
        assert check_grad(f, abs(x)).verdict in ("ok", "inconclusive")
