"""The table of lines that could decide one way for floats and another for Values, row by row.

Outside transforms a line means what it means in micrograd; while a transform records, or a trace runs, what
depends on its inputs decides as the floats would in whose place it stands.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import pygrad
import pygrad.math as pm
from pygrad import Value, grad, jacobian, jvp, no_grad, value_and_grad, vjp, vmap
from pygrad import compile as compile_

# -- both columns of each row, for functions of floats ----------------------------------------------


def equal(x: Any) -> Any:
    return x[0] if x[1] == x[2] else 2 * x[0]


def unequal(x: Any) -> Any:
    return x[0] if x[1] != x[2] else 2 * x[0]


def computed(x: Any) -> Any:
    return x[0] if x[1] * 2 == x[2] + x[2] else 2 * x[0]


def itself(x: Any) -> Any:
    return x[0] if x[1] == x[1] else 2 * x[0]


def true(x: Any) -> Any:
    return x[0] if x[1] - x[2] else 2 * x[0]


def false(x: Any) -> Any:
    return x[0] if not x[1] - x[2] else 2 * x[0]


def either(x: Any) -> Any:
    return x[0] * ((x[1] - x[2]) or 5.0)


def both(x: Any) -> Any:
    return x[0] * ((x[1] - x[2]) and 5.0)


def all_of(x: Any) -> Any:
    return x[0] if all([x[1] - x[2], x[1]]) else 2 * x[0]


def contained(x: Any) -> Any:
    return x[0] if x[1] in [x[2], 7.0] else 2 * x[0]


def counted(x: Any) -> Any:
    return x[0] * [x[2], x[2], 1.0].count(x[1])


def found_first(x: Any) -> Any:
    return x[0] * [9.0, x[2], x[1]].index(x[1])


def lists(x: Any) -> Any:
    return x[0] if [x[1], 1.0] == [x[2], 1.0] else 2 * x[0]


def ends(x: Any) -> Any:
    """Newton's square root, until nothing changes."""
    a = x[0] + 1
    old, new = 0.0 * a, a
    for _ in range(100):
        if new == old or new == (new + a / new) / 2:
            break
        old, new = new, (new + a / new) / 2
    else:
        raise AssertionError
    return new


def within_no_grad(x: Any) -> Any:
    with no_grad():
        a, b, zero = x[1] * 2, x[2] + x[2], pygrad.sum([x[1], -x[2]])
        third = (a - b) * 1.0
    if zero or third or a != b:
        return x[0]
    return 2 * x[0]


FUNCTIONS = [
    equal,
    unequal,
    computed,
    itself,
    true,
    false,
    either,
    both,
    all_of,
    contained,
    counted,
    found_first,
    lists,
    ends,
    within_no_grad,
]
POINTS = [[3.0, 2.0, 2.0], [3.0, 2.0, 4.0], [3.0, 0.0, -0.0], [3.0, 0.0, 1.0]]


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    try:
        return f(*args)
    except ValueError:  # index() finds nothing
        return "ValueError"


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_same_line_decides_the_same(f: Callable[..., Any]) -> None:
    """Whatever runs f, its value is that of floats, and its slope that of the branch they take."""
    compiled, sloped = compile_(f), compile_(value_and_grad(f))
    for at in POINTS:
        expected = f(at)
        value, slopes = value_and_grad(f)(at)
        assert value == expected
        assert jvp(f, (at,), (at,))[0] == vjp(f, at)[0] == expected
        assert value_and_grad(f)([*map(Value, at)])[0].data == expected
        inner: list[Any] = []
        grad(lambda x: inner.append(value_and_grad(f)(x)[0].data) or x[0])(at)  # noqa: B023
        assert inner == [expected]
        assert compiled(at) == expected
        assert sloped(at) == (expected, slopes)
        assert grad(lambda x: compiled(x))(at) == slopes
    rows = np.array(POINTS)
    assert vmap(f)(rows).tolist() == [f(at) for at in POINTS]
    assert vmap(grad(f))(rows).tolist() == [grad(f)(at) for at in POINTS]
    assert vmap(f).row_by_row((rows,)).tolist() == [f(at) for at in POINTS]
    assert compile_(f, verify=True)(POINTS[1]) == f(POINTS[1])


@pytest.mark.parametrize("f", FUNCTIONS)
def test_solvers_and_checks_run_it_as_transforms_do(f: Callable[..., Any]) -> None:
    at = [3.0, 2.0, 2.0]
    seen: list[float] = []

    def watched(x: Any) -> Any:
        y = f(x)
        seen.append(y.data if isinstance(y, Value) else y)
        return y

    moved = pygrad.numeric.nudge(watched, at, [0.0, 0.0, 0.0])
    assert moved.actual == 0.0
    scipy = pytest.importorskip("scipy") and pygrad.scipy
    scipy.minimize(watched, at, method="Nelder-Mead", options={"maxiter": 1})
    assert seen[0] == seen[1] == seen[2] == f(at)


def test_nan_is_no_number_of_itself() -> None:
    nan = float("nan")
    for at in ([1.0, nan, nan], [1.0, nan, 2.0]):
        assert value_and_grad(itself)(at)[0] == itself(at) == 2.0
        assert value_and_grad(equal)(at)[0] == equal(at) == compile_(equal)(at) == 2.0
        assert value_and_grad(true)(at)[0] == true(at) == 1.0
    assert grad(lambda x: x if x in [x] else 2 * x)(nan) == 1.0  # a list looks for the object first


def test_rows_of_a_map_each_decide_for_themselves() -> None:
    rows = np.array([[1.0, k % 3, 1.0] for k in range(300)])
    for f in (equal, unequal, true, false, contained):
        assert vmap(f, threads=2)(rows).tolist() == [f(row) for row in rows.tolist()]
        assert len(compile_(vmap(f)).programs) <= 2


# -- == and hash -----------------------------------------------------------------------------------


def test_outside_equality_is_identity_and_with_a_number_by_value(impl: ModuleType) -> None:
    a, b = impl.Value(2.0), impl.Value(2.0)
    assert a == a and a != b and not a == b and not a != a  # noqa: PLR0124
    assert a == 2.0 and a == 2 and a != 3.0
    nan = impl.Value(float("nan"))
    assert nan == nan and nan != float("nan")  # noqa: PLR0124


def test_hash_is_identity_everywhere() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        y = x * 1.0
        assert len({x, y, w}) == 3 and {x: 1}.get(y) is None
        assert {x: 1, y: 2}[y] == 2
        return {w: x, y: 1}[w]

    assert grad(f)(2.0) == compile_(grad(f))(2.0) == vmap(grad(f))(np.array([2.0]))[0] == 1.0
    assert hash(w) == hash(w) != hash(Value(2.0))


def test_parameters_that_depend_on_no_input_are_told_apart_as_ever() -> None:
    model = [Value(1.0) for _ in range(4)]
    twin = Value(1.0)

    def f(x: Any) -> Any:
        for i, p in enumerate(model):
            assert p in model and model.index(p) == i and model.count(p) == 1
        assert twin not in model and twin != model[0] and len({*model, twin}) == 5
        made = [Value(1.0), Value(1.0)]
        assert made[0] != made[1] and made.index(made[1]) == 1 and made[0] not in model
        assert model[0] * 1 != model[0] * 1
        return x * len(dict.fromkeys(model))

    assert grad(f)(1.0) == compile_(grad(f))(1.0) == vmap(grad(f))(np.array([1.0]))[0] == 4.0


def test_one_that_depends_on_an_input_is_enough() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        return x if x == w else 2 * x if w == x * 1.5 else w != x and 3 * x

    for x in (2.0, 2.0 / 1.5, 5.0):
        assert f(x) == value_and_grad(f)(x)[0] == compile_(f)(x)
    compiled = compile_(f)
    assert compiled(2.0) == 2.0
    w.data = 3.0  # the guard reads it anew
    assert (compiled(2.0), compiled(3.0)) == (4.0, 3.0)


def test_it_is_over_with_the_transform() -> None:
    kept: list[Any] = []
    grad(lambda x: kept.extend([x, x * 1.0]) or x)(2.0)
    assert kept[0] != kept[1] and kept[0] == 2.0
    with pytest.warns(RuntimeWarning):
        assert kept[0] - kept[1]


def test_inputs_of_a_transform_around_count() -> None:
    def outer(w: Any) -> Any:
        return grad(lambda x: x * x if w == w + 0.0 and not w - w else x)(3.0) * w

    assert grad(outer)(2.0) == compile_(grad(outer))(2.0) == 6.0


def test_a_long_chain_is_searched_once() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(20_000):
            y = y + 1.0
        assert all(y != v for v in [Value(1.0)] * 1000)  # other numbers: no search
        return y if y == x + 20_000.0 else x

    assert grad(f)(0.0) == 1.0


# -- truth -----------------------------------------------------------------------------------------


def test_outside_a_value_is_true(impl: ModuleType) -> None:
    for number in (1.0, -2.0, 5e-324, float("nan"), float("inf")):
        assert impl.Value(number)
        assert (not impl.Value(number)) is False
    for number in (0.0, -0.0):
        with pytest.warns(RuntimeWarning, match=r"`v != 0`.*`v is not None`") as caught:
            assert impl.Value(number)
        assert caught[0].filename == __file__


def asked(v: Any) -> int:
    """How many warnings, if each line warns once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(5):
            if v:
                continue
        for _ in range(5):
            assert [v or 1.0] == [v]
    return len({w.lineno for w in caught}) if len(caught) == 2 else -len(caught)


def test_it_warns_once_for_each_line(impl: ModuleType) -> None:
    assert asked(impl.Value(0.0)) == 2
    assert asked(impl.Value(1.0)) == 0


def test_lines_of_two_notebook_cells_are_two_lines() -> None:
    scope = {"v": Value(0.0)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for cell in ("<cell 1>", "<cell 2>", "<cell 1>"):
            exec(compile("if v: pass", cell, "exec"), scope)
    assert [(w.filename, w.lineno) for w in caught] == [("<cell 1>", 1), ("<cell 2>", 1)]


def test_closures_that_a_sweep_calls_may_compare() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        y, z = x * 1.0, x * 1.0
        out = Value(x.data + y.data, (x, y))

        def backward() -> None:
            seen.append((y == z, y in [z, x], x == x * 1.0))
            x.grad, y.grad = x.grad + out.grad, y.grad + out.grad

        out._backward = backward
        return out * 1.0

    assert grad(f)(2.0) == 2.0 and len(seen) == 1


@pytest.mark.filterwarnings("ignore:the truth of a Value")
def test_a_bias_that_starts_at_0_keeps_its_gradient(impl: ModuleType) -> None:
    w, bias = impl.Value(2.0), impl.Value(0.0)
    out = w * 3.0
    if bias:
        out = out + bias
    out.backward()
    assert bias.grad == 1.0


@pytest.mark.filterwarnings("ignore:the truth of a Value")
def test_a_captured_bias_does_so_within_transforms_and_traces() -> None:
    bias = Value(0.0)

    def f(x: Any) -> Any:
        return x + bias if bias else x

    value, slope = value_and_grad(f)(1.0)
    value.backward()
    assert (bias.grad, slope) == (1.0, 1.0)
    compiled = compile_(f)
    bias.data = 0.0
    assert compiled(1.0) == 1.0
    bias.data = 5.0
    assert compiled(1.0) == 6.0
    bias.grad = 0.0
    compiled.backward(np.ones(3), reduce="sum")
    assert bias.grad == 3.0


def test_a_captured_bias_of_0_is_told_there_too() -> None:
    bias = Value(0.0)
    for run in (grad, compile_, jacobian, vmap):
        with pytest.warns(RuntimeWarning, match="v is not None"):
            run(lambda x: x + 1 if bias else x)(np.ones(1) if run is vmap else 1.0)


# -- copies ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: Any


def test_copies_stay_connected_to_inputs_and_else_are_new() -> None:
    w = Value(2.0)
    assert copy.copy(w)._children == () and copy.deepcopy(w * 3)._children[0] is not w
    for copied in (copy.copy, copy.deepcopy, lambda x: dataclasses.asdict(Point(x))["x"]):
        assert grad(lambda x: 2 * copied(x * 1))(1.5) == 2.0  # noqa: B023
        assert compile_(grad(lambda x: 2 * copied(x * 1)))(1.5) == 2.0  # noqa: B023


# -- exceptions ------------------------------------------------------------------------------------


def test_recorded_ops_raise_as_floats_do() -> None:
    def f(x: Any) -> Any:
        try:
            return pm.exp(x)
        except OverflowError:
            return 3 * x

    assert value_and_grad(f)(1000.0) == (3000.0, 3.0)
    assert value_and_grad(f)(0.0) == (1.0, 1.0)
    assert f(Value(1000.0)).data == 3000.0


# -- refused in both columns -----------------------------------------------------------------------

REFUSED: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "math.sin": __import__("math").sin,
    "%.3f": lambda v: "%.3f" % v,  # noqa: UP031
    "a ** Value": lambda v: v**v,
    "2 ** Value": lambda v: 2**v,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_a_derivative_is_a_type_error(name: str, impl: ModuleType) -> None:
    line = REFUSED[name]
    cause = "pygrad.math.pow" if "**" in name else "Value"
    with pytest.raises(TypeError, match=cause):
        line(impl.Value(2.0))
    for run in (grad, compile_, lambda f: jacobian(compile_(f))):
        with pytest.raises(TypeError, match=cause):
            run(line)(2.0)


# -- Values outside, and 0 times infinity ----------------------------------------------------------


def test_results_that_depend_on_a_value_outside_are_values() -> None:
    w = Value(2.0)
    assert isinstance(grad(lambda x: w * x)(1.0), Value)
    assert isinstance(compile_(grad(lambda x: w * x))(1.0), float)  # programs give numbers
    with no_grad():
        assert type(grad(lambda x: w * x)(1.0)) is float


def test_a_computed_0_times_an_infinite_slope_is_0_in_first_derivatives(impl: ModuleType) -> None:
    x = impl.Value(0.0)
    (x.sqrt() * x.sqrt()).backward()
    assert x.grad == 0.0
    f = lambda x: pm.sqrt(x) * pm.sqrt(x)  # noqa: E731
    assert grad(f)(0.0) == compile_(grad(f))(0.0) == 0.0
    branch = lambda x: pygrad.where(x > 0, pm.log(x + (x <= 0)), 0.0)  # noqa: E731
    assert grad(branch)(0.0) == grad(grad(branch))(0.0) == 0.0


# -- the reference ---------------------------------------------------------------------------------


def test_the_reference_decides_the_same() -> None:
    program = f"""
        import sys, warnings
        sys.path[:0] = [{os.path.dirname(__file__)!r}, {os.path.dirname(pygrad.__path__[0])!r}]
        from pygrad import Value, grad, jvp, no_grad, value_and_grad, vjp
        import pygrad
        from pygrad.core.implementation import IMPLEMENTATION
        assert IMPLEMENTATION == "reference"
        pygrad.compile = pygrad.vmap = None
        source = open({__file__!r}).read()
        exec(source[source.index("def equal("):source.index("FUNCTIONS = [")], globals())
        warnings.simplefilter("error")
        for f in {[f.__name__ for f in FUNCTIONS]!r}:
            for at in {POINTS!r}:
                f = globals()[f] if isinstance(f, str) else f
                assert value_and_grad(f)(at)[0] == f(at), (f, at)
                assert jvp(f, (at,), (at,))[0] == vjp(f, at)[0] == f(at), (f, at)
        model = [Value(1.0), Value(1.0)]
        assert grad(lambda x: x * model.index(model[1]))(2.0) == 1.0
        w = Value(2.0)
        assert grad(lambda x: x if x == w else 2 * x)(2.0) == 1.0
        warnings.simplefilter("default")
        with warnings.catch_warnings(record=True) as caught:
            bias = Value(0.0)
            value, slope = value_and_grad(lambda x: x + bias if bias else x)(1.0)
            value.backward()
            assert bias.grad == 1.0 and len(caught) == 1, caught
    """
    env = {**os.environ, "PYGRAD_IMPL": "reference"}
    command = [sys.executable, "-P", "-c", "from typing import Any\n" + textwrap.dedent(program)]
    if sys.version_info < (3, 11):
        command.remove("-P")
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, cwd=sys.prefix
    )
    assert done.returncode == 0, done.stderr
