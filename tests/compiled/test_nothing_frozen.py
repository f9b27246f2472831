"""What depends on the inputs of a trace, or on Values from before, never becomes a number in silence."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import (
    TraceError,
    Value,
    check_grad,
    debug_nans,
    grad,
    gradients,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
    vmap,
    where,
)
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.numeric import nudge, numerical_derivative, partial, step_sweep
from pygrad.optim import SGD, Adam

POINTS = [1.0, 3.0, 5.0, -2.0]


def line_of(f: Callable[..., Any]) -> int:
    lines, start = inspect.getsourcelines(f)
    return start + next(i for i, line in enumerate(lines) if "# the line" in line)


def refused(f: Callable[..., Any], *words: str) -> None:
    """However f is traced it is TraceError, which names the line and says these words."""
    for call in (
        lambda: compile_(f)(2.0),
        lambda: vmap(f)(np.ones(3)),
        lambda: compile_(f).backward(np.ones(3)),
    ):
        with pytest.raises(TraceError) as caught:
            call()
        message = str(caught.value)
        assert f"{__file__}, line {line_of(f)})" in message, message
        for word in words:
            assert word in message, message
    assert (Value(2.0) * 3).data == 6.0


# -- no_grad ---------------------------------------------------------------------------------------


def in_a_block(x: Any) -> Any:
    with no_grad():
        s = x * 2
    return s * x


@no_grad()
def doubled(x: Any) -> Any:
    return x * 2


def by_a_decorator(x: Any) -> Any:
    return doubled(x) * x


def nested_blocks(x: Any) -> Any:
    with no_grad(), no_grad():
        with no_grad():
            s = x + 1
        t = s * x
    return t * x + s


def branches_on_it(x: Any) -> Any:
    with no_grad():
        s = x * 2
        y = s + 1 if s > 5 else s - 1
    return y * x if y > 0 else x


def after_an_exception(x: Any) -> Any:
    try:
        with no_grad():
            s = x * 2
            raise KeyError
    except KeyError:
        pass
    return s * x


square = compile_(lambda t: t * t)


def calls_a_compiled_function(x: Any) -> Any:
    with no_grad():
        s = square(x)
    return s * x


def every_kind_of_op(x: Any) -> Any:
    with no_grad():
        made = [
            x**2,
            x**1.0,
            -x,
            abs(x),
            2 - x,
            pm.hypot(x, 3.0),
            pm.atan2(2.0, x),
            where(x > 0, x, 2.0),
            where(x, x, 2.0),
            x.clip(0.0, 2.0),
            pygrad.sum([x, x * x], start=x),
            pygrad.dot([x], [x + 1], 1.0),
            pm.lgamma(x * x + 1),
            Value(3.0),
            Value(3.0) * 2,
        ]
    return pygrad.sum(made) * x


def transforms(x: Any) -> Any:
    with no_grad():
        value, pull = vjp(lambda t: t * t, x)
        (found, aux), slope = value_and_grad(lambda t: (t * t, {"a": [t * 3]}), has_aux=True)(x)
        made = [
            grad(lambda t: t**3)(x),
            grad(grad(lambda t: t**3))(x),
            *jacobian(lambda t: [t, t * t])(x),
            value,
            *pull(2.0),
            found,
            slope,
            aux["a"][0],
            *jvp(lambda t: [t * t], (x,), (x,))[1],
            gradients(x * x * x, x),
            grad(lambda t: t * x)(2.0),
        ]
    return pygrad.sum(made) * x


def with_a_captured_value(x: Any) -> Any:
    with no_grad():
        s = WEIGHT * x
    return s * x


WEIGHT = Value(2.0)
UNDER_NO_GRAD = [
    in_a_block,
    by_a_decorator,
    nested_blocks,
    branches_on_it,
    after_an_exception,
    calls_a_compiled_function,
    every_kind_of_op,
    transforms,
    with_a_captured_value,
]


@pytest.mark.parametrize("f", UNDER_NO_GRAD)
def test_no_grad_in_a_trace_stops_derivatives_and_freezes_nothing(f: Callable[..., Any]) -> None:
    values, slopes = [f(Value(x)).data for x in POINTS], [grad(f)(x) for x in POINTS]
    compiled, rows = compile_(f), np.array(POINTS)
    close = functools.partial(pytest.approx, rel=1e-14)
    assert [compiled(x) for x in POINTS] == close(values)
    assert [grad(compiled)(x) for x in POINTS] == close(slopes)
    assert [compile_(grad(f))(x) for x in POINTS] == close(slopes)
    assert vmap(f)(rows) == close(values)
    assert vmap(grad(f))(rows) == close(slopes)
    assert vmap(f, reduce="sum")(rows) == close(sum(values))


def test_the_numbers_of_a_block_in_a_trace() -> None:
    assert [compile_(in_a_block)(x) for x in (1.0, 3.0)] == [2.0, 18.0]
    assert vmap(in_a_block)(np.array([1.0, 3.0, 5.0])).tolist() == [2.0, 18.0, 50.0]
    assert vmap(grad(in_a_block))(np.array([1.0, 3.0, 5.0])).tolist() == [2.0, 6.0, 10.0]


def test_a_captured_value_has_no_derivative_through_a_block_either() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        with no_grad():
            s = w * x
        return s * x + w

    compiled = compile_(f)
    assert compiled.backward(np.array([1.0, 3.0]), reduce="sum") == 2 + 18 + 4
    assert w.grad == 2.0
    w.data = 5.0
    assert compiled(3.0) == 50.0


def test_a_loaded_function_in_a_block_of_a_trace(tmp_path: Any) -> None:
    saved = compile_(lambda t: t * t + 1 if t > 0 else t)
    for x in POINTS:
        saved(x)
    saved.save(tmp_path / "saved")
    loaded = pygrad.load(tmp_path / "saved")

    def f(x: Any) -> Any:
        with no_grad():
            s = loaded(x)
        return s * x

    expected = [(x * x + 1 if x > 0 else x) * x for x in POINTS]
    assert [compile_(f)(x) for x in POINTS] == expected
    assert [compile_(grad(f))(x) for x in POINTS] == [
        y / x for x, y in zip(POINTS, expected, strict=True)
    ]


def test_an_optimiser_needs_no_gradient_of_what_a_block_computes() -> None:
    def loss(w: Any) -> Any:
        with no_grad():
            target = w * 2
        return (w - target) ** 2

    assert compile_(value_and_grad(loss))(3.0) == (9.0, -6.0)
    assert compile_(value_and_grad(loss))(5.0) == (25.0, -10.0)


def test_no_grad_around_a_compiled_call_still_gives_leaves() -> None:
    with no_grad():
        assert compile_(in_a_block)(3.0) == 18.0
        y = Value(2.0) * 3
    assert y._children == ()
    with no_grad(), debug_nans():
        assert compile_(in_a_block)(3.0) == 18.0
    assert (Value(2.0) * 3)._children != ()


def test_a_value_built_in_a_block_of_a_trace_is_a_constant() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            c = Value(3.0)
            d = Value(4.0, (c,), (1.0,))
        return x * c + d

    compiled = compile_(f)
    assert (compiled(1.0), compiled(2.0)) == (7.0, 10.0)
    assert compiled.programs[0]["lives"] == 0


# -- numbers computed from what was there before ---------------------------------------------------


def test_a_number_computed_from_a_captured_value_is_refused() -> None:
    w = Value(2.0)

    def reads_data(x: Any) -> Any:
        return x * (w * 1.0).data  # the line

    def reads_grad(x: Any) -> Any:
        return x * (w * 1.0).grad  # the line

    def reads_slopes(x: Any) -> Any:
        return x * (w * w).local_derivatives[0]  # the line

    def loops(x: Any) -> Any:
        for _ in range(int((w + 1).data)):  # the line
            x = x * 2
        return x

    def in_no_grad(x: Any) -> Any:
        with no_grad():
            s = w * 3
        return x * s.data  # the line

    for f in (reads_data, reads_grad, reads_slopes, loops, in_no_grad):
        refused(f, "there before the function was traced", "outside the function")


def test_a_captured_value_is_rounded_anew() -> None:
    w = Value(2.675)
    f, rows = compile_(lambda x: x * round(w * 1.0, 2)), vmap(lambda x: x * round(w * 1.0, 2))
    assert (f(2.0), rows(np.ones(2)).tolist()) == (2.0 * 2.67, [2.67, 2.67])
    w.data = 1.005
    assert (f(2.0), rows(np.ones(2)).tolist()) == (2.0, [1.0, 1.0])
    w.data = -0.125
    assert f(2.0) == 2.0 * round(-0.125, 2)


def test_a_program_that_reads_captured_values_does_not_run_in_a_trace() -> None:
    w = Value(2.0)
    buffer = compile_(lambda x: x * w).buffer(3.0)

    def runs(x: Any) -> Any:
        return x * float(buffer())  # the line

    refused(runs, "there before the function was traced")


def test_a_constant_of_a_trace_may_be_read() -> None:
    f = compile_(lambda x: x * (Value(2.0) * 3 + pygrad.sum([Value(1.0)])).data)
    assert (f(1.0), f(2.0)) == (7.0, 14.0)


def test_what_a_trace_has_used_is_not_assigned_to() -> None:
    w = Value(2.0)

    def computed_from_before(x: Any) -> Any:
        y = w * 1.0
        y.data = 5.0  # the line
        return x * y

    def computed(x: Any) -> Any:
        y = Value(2.0) * 3
        y.data = 5.0  # the line
        return x * y

    def used(x: Any) -> Any:
        c = Value(2.0)
        y = x * c
        c.data = 5.0  # the line
        return y * c

    for f in (computed_from_before, computed, used):
        refused(f, "Build a new Value")


# -- effects ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SGD, functools.partial(SGD, momentum=0.9), Adam])
def test_an_optimiser_in_a_trace_is_refused(make: Callable[..., Any]) -> None:
    w = Value(1.0)
    w.grad = 1.0
    optimizer = make([w], lr=0.1)

    def steps(x: Any) -> Any:
        optimizer.step()  # the line
        return w * x

    def clears(x: Any) -> Any:
        optimizer.zero_grad()  # the line
        return w * x

    for f in (steps, clears):
        refused(f, "after each call")
    assert (w.data, w.grad) == (1.0, 1.0)
    optimizer.step()
    assert w.data < 1.0


def test_differences_in_a_trace_are_of_numbers_only() -> None:
    w = Value(2.0)

    def of_an_input(x: Any) -> Any:
        return x * numerical_derivative(lambda t: t * x, 1.0)  # the line

    def of_a_captured_value(x: Any) -> Any:
        return x * numerical_derivative(lambda t: t * w, 1.0)  # the line

    def ridders(x: Any) -> Any:
        return x * numerical_derivative(lambda t: t * w, 1.0, method="ridders")  # the line

    def partially(x: Any) -> Any:
        return x * partial(lambda a, b: a * w + b, (1.0, 2.0), 0)  # the line

    for f in (of_an_input, of_a_captured_value, ridders, partially):
        refused(f)
    plain = compile_(lambda x: x * numerical_derivative(lambda t: t * t, 1.0, h=0.5))
    assert (plain(1.0), plain(2.0)) == (2.0, 4.0)


@pytest.mark.parametrize("f", [lambda t: t * WEIGHT, lambda t: t * t], ids=["captured", "plain"])
def test_checks_in_a_trace_are_refused(f: Callable[..., Any]) -> None:
    def checks(x: Any) -> Any:
        return x if check_grad(f, 1.0) else 2 * x  # the line

    def sweeps(x: Any) -> Any:
        return x * len(step_sweep(f, 1.0))  # the line

    def nudges(x: Any) -> Any:
        return x * nudge(f, 1.0, 0.5).actual  # the line

    for g, name in ((checks, "check_grad()"), (sweeps, "step_sweep()"), (nudges, "nudge()")):
        refused(g, name, "outside")
