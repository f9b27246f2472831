"""check_grad's reports, the structures it takes, and the arguments it refuses."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from checked import INCONCLUSIVE, OK, WRONG

import pygrad
import pygrad.math as pm
import pygrad.nn
from pygrad import Value
from pygrad.checking.check import GradientCheck, GradientError, check_grad

# -- structures -----------------------------------------------------------------------------------


def test_inputs_have_the_structure_of_x_and_are_named_by_it():
    def f(p):
        return (p["w"][0, 1] * p["w"][1, 0] + p["b"]) * p["layers"][1][0]

    x = {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 3, "layers": [(), (np.float64(0.5), 7.0)]}
    check = check_grad(f, x)
    assert check, str(check)
    names = "x['w'][0, 0]|x['w'][0, 1]|x['w'][1, 0]|x['w'][1, 1]|x['b']|x['layers'][1][0]|x['layers'][1][1]"
    assert [row.name for row in check.rows] == names.split("|")
    assert [row.exact for row in check.rows] == [0.0, 1.5, 1.0, 0.0, 0.5, 9.0, 0.0]


@pytest.mark.parametrize("x", [2.0, 2, np.float64(2.0), np.array(2.0), Value(2.0)])
def test_x_may_be_any_number(x):
    check = check_grad(lambda v: v**3, x, order=3)
    assert [row.name for row in check.rows] == ["x", "x x", "x x x"]
    assert [row.exact for row in check.rows] == [12.0, 12.0, 6.0]
    assert check


def test_a_tuple_is_one_argument():
    assert check_grad(lambda v: v[0] * v[1], (2.0, 3.0))


def test_the_gradient_of_a_network_by_its_inputs():
    random.seed(2)
    model = pygrad.nn.MLP(2, [3, 1])
    check = check_grad(lambda x: model(list(x)), np.array([0.3, -0.2]))
    assert check, str(check)
    assert all(row.exact != 0.0 for row in check.rows)


def test_it_records_within_no_grad_as_transforms_do():
    with pygrad.no_grad():
        assert check_grad(lambda x: pm.sin(x) * x, 1.0, order=2)
        assert check_grad(lambda x: pm.sin(x) * x, 1.0, exact=True)
        assert (Value(1.0) * 2)._children == ()
    assert (Value(1.0) * 2)._children != ()


def test_f_may_compute_a_derivative_on_its_way():
    def f(v):
        return pygrad.grad(lambda x: pm.tanh(x) * x * v[1])(v[0]) ** 2

    assert check_grad(f, [0.4, 2.0], order=2)
    assert check_grad(f, [0.4, 2.0], exact=True, rtol=1e-13)


# -- the report -----------------------------------------------------------------------------------


def test_the_report_prints_as_a_table():
    check = check_grad(lambda v: v[0] * v[0] / v[1], [2.0, 3.0])
    title, head, *rows = str(check).splitlines()
    assert title == "check_grad: ok, 2 derivatives"
    assert " ".join(head.split()) == "input exact numerical relative error error bar verdict"
    assert [row.split()[0] for row in rows] == ["x[0]", "x[1]"]
    assert len({row.index("ok") for row in rows}) == 1
    assert repr(check) == "<GradientCheck: ok, 2 derivatives>"


def test_a_long_table_shows_first_what_is_not_ok():
    def f(v):
        return pygrad.sum([x * x for x in v]) + v[70].relu()

    x = [0.5] * 100
    x[70] = 0.0
    lines = str(check_grad(f, x)).splitlines()
    assert lines[0] == "check_grad: not differentiable here, 100 derivatives"
    assert lines[2].startswith("x[70]")
    assert lines[-1] == "... and 60 more"
    assert len(lines) == 43


def test_errors_and_error_bar_are_relative():
    def f(v):
        return Value(v[0].data * v[1].data, v, (v[1].data, 1.1 * v[0].data))

    check = check_grad(f, [2.0, 3.0])
    assert check.verdict == WRONG
    assert check.errors == tuple(row.relative_error for row in check.rows)
    assert check.errors[0] < 1e-13
    assert check.errors[1] == pytest.approx(0.1 / 1.1)
    assert 0 < check.error_bar < 1e-12


def test_raises_is_an_assertion_error_with_the_table():
    def f(x):
        return Value(x.data**2, (x,), (x.data,))

    with pytest.raises(GradientError, match="wrong, 1 derivative") as caught:
        check_grad(f, 3.0, raises=True)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value.check, GradientCheck)
    assert str(caught.value) == str(caught.value.check)
    with pytest.raises(GradientError, match="kink"):
        check_grad(lambda x: x.relu(), 0.0, raises=True)
    assert check_grad(lambda x: x.relu(), 1.0, raises=True).verdict == OK


# -- bad arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((abs, 1.0, 0), {}, ValueError, "order must be at least 1, not 0"),
        ((abs, 1.0, 1.5), {}, TypeError, "order must be an int, not 1.5"),
        ((abs, 1.0, True), {}, TypeError, "order must be an int"),
        ((abs, 1.0), {"rtol": 0.0}, ValueError, "rtol must be between 0 and 1"),
        ((abs, 1.0), {"rtol": math.nan}, ValueError, "rtol must be between 0 and 1"),
        ((abs, 1.0), {"atol": -1.0}, ValueError, "atol not negative"),
        ((abs, math.nan), {}, ValueError, "x must be finite"),
        ((sum, [1.0, math.inf]), {}, ValueError, "x must be finite"),
        ((sum, []), {}, ValueError, "x has no numbers in it"),
        ((abs, "1"), {}, TypeError, "x must be a number"),
        ((lambda x: [x, x], 1.0), {}, TypeError, "jacobian"),
        ((lambda x: None, 1.0), {}, TypeError, "NoneType"),
        ((pm.log, -1.0), {}, ValueError, "math domain error"),
        ((lambda x: 1 / x, 0.0), {}, ZeroDivisionError, "division"),
    ],
)
def test_bad_arguments_are_named_and_what_f_raises_at_x_goes_on(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        check_grad(*args, **kwargs)


# -- singular derivatives --------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
def test_a_singular_second_derivative_is_named_in_its_note(exact):
    """And nothing is warned of: the report says it."""
    check = check_grad(lambda x: np.linalg.norm(x) ** 2, [0.0, 0.0], order=2, exact=exact)
    notes = {row.name: (row.verdict, row.note) for row in check.rows}
    verdict, note = notes["x[0] x[0]"]
    assert verdict == WRONG
    assert note.startswith("a computed 0 meets an infinite slope at op 'sqrt', and counts as 0")
    assert notes["x[0]"][0] == OK
    assert check_grad(lambda x: x[0] ** 2 + abs(x[1] - 3.0), [0.0, 0.0], order=2)


def test_a_derivative_of_0_where_a_solver_leaves_a_little():
    """The root of exp(x) = a does not depend on b, but the last digits that a solver gives do."""

    def root(v):
        a, b = v
        left = 1e-12 * math.sin(9.0 * b.data)  # a tolerance, as far as the way there has used it
        return Value(math.log(a.data) + left, (a,), (1.0 / a.data,))

    rows = check_grad(root, [3.3, 1.0]).rows
    assert [row.verdict for row in rows] == [OK, INCONCLUSIVE]
    assert "almost nothing beside f over x, and another slope nearby" in rows[1].note
    assert check_grad(root, [3.3, 1.0], atol=1e-10)

    def forgets(v):
        """A slope as faint that is the same nearby is one."""
        a, b = v
        return Value(math.log(a.data) + 1e-11 * b.data, (a,), (1.0 / a.data,))

    assert check_grad(forgets, [3.3, 1.0]).rows[1].verdict == WRONG
