"""A derivative that is 0 because a number was read is told; copies in a transform lose no derivative."""

from __future__ import annotations

import copy
import dataclasses
import functools
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    grad,
    hvp,
    jacobian,
    jvp,
    no_grad,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
)
from pygrad import compile as compile_

# -- numbers that are read ---------------------------------------------------------------------------

W = Value(2.0)


def named_line(call: Callable[[], Any]) -> int:
    """The line that the only warning of a call names."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert warning.filename == __file__
    assert "stop_gradient" in str(warning.message)
    return warning.lineno


def line(f: Callable[..., Any]) -> int:
    return f.__code__.co_firstlineno + 1


def squares(v: Any) -> Any:
    return v.data**2


def of_computed(v: Any) -> Any:
    return W * (v * 2).data


def through_float(v: Any) -> Any:
    return pygrad.sum([Value(v.data), 1.0])


def through_format(v: Any) -> Any:
    return float(f"{v:.2f}")


@pytest.mark.parametrize("f", [squares, of_computed, through_float, through_format])
def test_a_derivative_that_a_read_has_cut_is_told(f: Callable[..., Any]) -> None:
    for transform in (
        lambda: grad(f)(3.0),
        lambda: value_and_grad(f)(3.0),
        lambda: jvp(f, (3.0,), (1.0,)),
        lambda: vjp(f, 3.0),
        lambda: jacobian(f)(3.0),
        lambda: grad(f)(Value(3.0)),
    ):
        assert named_line(transform) == line(f)


def test_in_one_of_several_results() -> None:
    def f(v: Any) -> Any:
        return [v[0] * 2, v[1].data * 3]

    assert named_line(lambda: jacobian(f)([3.0, 4.0])) == line(f)


def test_in_a_transform_inside_another() -> None:
    def inner(v: Any) -> Any:
        return grad(lambda t: v.data * t)(2.0)

    assert named_line(lambda: grad(inner)(3.0)) == line(inner)


def test_once_per_line_by_default() -> None:
    def f(v: Any) -> Any:
        return v.data * 5

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for x in range(5):
            grad(f)(float(x))
    assert len(caught) == 1


def test_in_a_derivative_of_a_derivative() -> None:
    def f(v: Any) -> Any:
        return v * v.data

    assert named_line(lambda: grad(grad(f))(3.0)) == line(f)
    assert named_line(lambda: hvp(f, 3.0, 1.0)) == line(f)


def stated(v: Any) -> Any:
    return Value(v.data**2, (v,), (2 * v,))


def test_what_is_right_is_not_warned_of() -> None:
    """Warnings are errors here."""
    assert grad(lambda v: v * v.data)(3.0) == 3.0
    assert grad(lambda v: 2.0)(3.0) == 0.0
    assert grad(lambda v: W * 2)(3.0) == 0.0
    assert grad(lambda v: (W * 2).data)(3.0) == 0.0
    assert grad(lambda v: stop_gradient(v) ** 2)(3.0) == 0.0
    assert grad(lambda v: v**2 if v.data > 0 else v)(3.0) == 6.0
    assert grad(lambda v: (v * 0.0) + v.data)(3.0) == 0.0
    assert grad(lambda v: Value(v.data**2, (v,), (2 * v.data,)))(3.0) == 6.0
    assert squares(Value(3.0)) == 9.0
    assert grad(grad(grad(stated)))(3.0) == 0.0


def test_reads_of_one_run_are_not_taken_for_those_of_the_next() -> None:
    grad(lambda v: v * v.data)(3.0)
    assert grad(lambda v: 2.0)(3.0) == 0.0


def test_reads_do_not_keep_values_alive() -> None:
    from pygrad._core import lib

    grad(lambda v: v * v.data)(3.0)
    before = lib.pg_live_nodes()
    for _ in range(10):
        grad(lambda v: (v * 2).data * v)(3.0)
    assert lib.pg_live_nodes() == before


# -- copies -------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Pair:
    a: Any
    b: Any = 1.0


def shared(copied: Any) -> Any:
    return copied["a"] * copied["b"][0]


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy of an input": lambda x: 2 * copy.copy(x),
    "deepcopy of an input": lambda x: 2 * copy.deepcopy(x),
    "copy": lambda x: 2 * copy.copy(x * x),
    "deepcopy": lambda x: 2 * copy.deepcopy([x * 1])[0],
    "deepcopy of a graph": lambda x: copy.deepcopy((x * x + 1) * x.exp()),
    "deepcopy, shared": lambda x: shared(copy.deepcopy({"a": x, "b": [x * x]})),
    "copy of a copy": lambda x: copy.copy(copy.deepcopy(copy.copy(x))) * x,
    "asdict": lambda x: dataclasses.asdict(Pair(x, [x * x]))["b"][0] * x,
    "astuple": lambda x: dataclasses.astuple(Pair(x, x * x))[1] + x,
    "replace": lambda x: dataclasses.replace(Pair(x, x * x), a=1.0).b,
    "array": lambda x: copy.deepcopy(np.array([x, x * x])).sum(),
    "with a captured one": lambda x: copy.deepcopy(x * W) * x,
    "of a captured one": lambda x: copy.deepcopy(W) * copy.copy(W) * x,
    "of computed from captured ones": lambda x: copy.deepcopy(W * W) * copy.copy(W * 3) * x,
    "constants": lambda x: copy.deepcopy([Value(2.0), Value(3.0) * 2])[1] * x,
    "many operands": lambda x: copy.deepcopy(pygrad.dot([x, 2.0], [x, x], pygrad.sum([x, x]))),
    "in no_grad": lambda x: no_grad()(lambda: copy.deepcopy(x * 2) * copy.copy(x))() * x,
}
# What each would give without copies.
UNCOPIED: dict[str, Callable[[Any], Any]] = {
    "copy of an input": lambda x: 2 * x,
    "deepcopy of an input": lambda x: 2 * x,
    "copy": lambda x: 2 * (x * x),
    "deepcopy": lambda x: 2 * (x * 1),
    "deepcopy of a graph": lambda x: (x * x + 1) * x.exp(),
    "deepcopy, shared": lambda x: x * (x * x),
    "copy of a copy": lambda x: x * x,
    "asdict": lambda x: x * x * x,
    "astuple": lambda x: x * x + x,
    "replace": lambda x: x * x,
    "array": lambda x: x + x * x,
    "with a captured one": lambda x: x * 2 * x,
    "of a captured one": lambda x: 4 * x,
    "of computed from captured ones": lambda x: 24 * x,
    "constants": lambda x: 6 * x,
    "many operands": lambda x: (x + x) + x * x + 2 * x,
    "in no_grad": lambda x: stop_gradient(x * 2 * x) * x,
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_in_a_transform_or_trace_stay_connected(name: str) -> None:
    f, g = COPIES[name], UNCOPIED[name]
    close = functools.partial(pytest.approx, rel=1e-14)
    points = [1.5, 2.5]
    values, slopes = [g(Value(x)).data for x in points], [grad(g)(x) for x in points]
    assert [f(Value(x)).data for x in points] == close(values)
    assert [grad(f)(x) for x in points] == close(slopes)
    assert [jvp(f, (x,), (1.0,))[1] for x in points] == close(slopes)
    assert [grad(f)(Value(x)).data for x in points] == close(slopes)
    assert grad(grad(f))(1.5) == close(grad(grad(g))(1.5))
    assert [compile_(f)(x) for x in points] == close(values)
    one = compile_(f)
    assert [one(x) for x in points] == close(values)
    assert [compile_(grad(f))(x) for x in points] == close(slopes)
    assert vmap(grad(f))(np.array(points)) == close(slopes)


def test_a_copy_of_a_captured_value_is_read_anew_and_has_no_derivative() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        return copy.deepcopy([w, w * w])[1] * x

    compiled = compile_(f)
    assert compiled(3.0) == 12.0
    w.data = 3.0
    assert compiled(3.0) == 27.0
    compiled.backward(np.ones(2))
    assert w.grad == 0.0
    f(Value(3.0)).backward()
    assert w.grad == 0.0


def test_a_copy_keeps_type_label_and_attributes() -> None:
    def f(x: Any) -> Any:
        x.label, x.note = "x", [x]
        for copied in (copy.copy(x), copy.deepcopy(x)):
            assert (copied.label, copied.data, type(copied)) == ("x", 1.5, Value)
            assert copied is not x
        assert copy.copy(x).note is x.note
        assert copy.deepcopy(x).note is not x.note
        return copied * 2

    assert grad(f)(1.5) == 2.0


def test_pickling_what_depends_on_an_input_refuses_and_says_why() -> None:
    with pytest.raises(TypeError, match="input of a transform that is running"):
        grad(lambda x: pickle.loads(pickle.dumps(x)))(1.0)
    with pytest.raises(TypeError, match="cannot be pickled"):
        grad(lambda x: pickle.loads(pickle.dumps({"a": [x * 2]}))["a"][0])(1.0)
    w = Value(2.0)
    assert grad(lambda x: pickle.loads(pickle.dumps(w)) * x)(1.0) == 2.0


def test_copies_outside_are_what_they_were() -> None:
    w = Value(2.0)
    y = w * 3
    copied = copy.deepcopy(y)
    copied.backward()
    assert (w.grad, copied._children[0] is w, copy.copy(y)._children[0] is w) == (0.0, False, True)
    assert copy.copy(w)._children == ()
    model = pygrad.nn.MLP(2, [2, 1])
    assert grad(lambda x: copy.deepcopy(model)([x, 1.0]))(0.5) == pytest.approx(
        grad(lambda x: model([x, 1.0]))(0.5)
    )
    inside: list[Any] = []
    grad(lambda x: inside.append(copy.deepcopy(y)) or x)(1.0)
    assert inside[0]._children[0] is not w


def test_the_reference_does_the_same() -> None:
    program = """
        import copy, pickle, warnings
        from pygrad import Value, grad, jacobian, no_grad
        from pygrad.core.implementation import IMPLEMENTATION
        assert IMPLEMENTATION == "reference"
        assert grad(lambda x: 2 * copy.deepcopy([x * 1])[0])(1.5) == 2.0
        assert grad(lambda x: 2 * copy.copy(x))(1.5) == 2.0
        assert grad(lambda x: copy.deepcopy(x) * copy.copy(x * x))(2.0) == 12.0
        assert grad(lambda x: no_grad()(lambda: copy.copy(x))() * x)(2.0) == 2.0
        w = Value(2.0)
        assert copy.copy(w)._children == () and copy.deepcopy(w * 2)._children[0] is not w
        try:
            grad(lambda x: pickle.loads(pickle.dumps(x)))(1.0)
        except TypeError as error:
            assert "input of a transform that is running" in str(error)
        else:
            raise AssertionError
        def cut(v):
            return (v * 2).data ** 2
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for x in (1.0, 2.0):
                assert grad(cut)(x) == 0.0
        assert [w.lineno for w in caught] == [cut.__code__.co_firstlineno + 1], caught
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert grad(lambda v: v * v.data)(3.0) == 3.0
            assert grad(lambda v: 2.0)(3.0) == grad(lambda v: w.data)(3.0) == 0.0
            assert grad(lambda v: Value(v.data**2, (v,), (2 * v.data,)))(3.0) == 6.0
            assert grad(lambda v: Value(v.data, (v,), (0.0,)))(3.0) == 0.0
    """
    env = {**os.environ, "PYGRAD_IMPL": "reference"}
    command = [sys.executable, "-I", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_debug_nans_looks_at_is_not_read_by_the_user() -> None:
    def f(x):
        x * 2
        return 5.0

    with pygrad.debug_nans(), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pygrad.grad(f)(1.0) == 0.0
