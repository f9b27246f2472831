"""Compiled functions bound to memory: what is in the arrays counts, and nothing is copied or made."""

from __future__ import annotations

import numpy as np
import pytest

from pygrad import Value, compile, grad, value_and_grad
from pygrad import math as pm


def test_a_call_reads_what_the_arrays_hold_now() -> None:
    x = np.array([1.0, 2.0])
    f = compile(lambda x, k: k * x[0] * pm.sin(x[1]))
    call = f.buffer(x, 3.0)
    assert call() == f(x, 3.0)
    x[:] = 0.5, -1.0
    call.inputs[1][...] = 7.0
    assert call() == f(x, 7.0)


def test_contiguous_arrays_are_read_in_place_and_others_are_copied() -> None:
    table = np.arange(6.0).reshape(3, 2)
    call = compile(lambda x, y: x[0] * y[2]).buffer(table[0], table[:, 1])
    assert np.shares_memory(call.inputs[0], table)
    assert not np.shares_memory(call.inputs[1], table)
    assert call() == 0.0
    table[0, 0] = 2.0
    assert call() == 10.0


def test_the_result_keeps_its_structure_and_its_memory() -> None:
    x = np.array([1.0, 2.0, 3.0])
    f = compile(value_and_grad(lambda x: x[0] * x[1] + x[2] ** 2))
    call = f.buffer(x)
    value, gradient = call()
    assert value.shape == ()
    assert gradient.shape == (3,)
    assert value == 11.0
    x[2] = 0.0
    again, slopes = call()
    assert again is value
    assert slopes is gradient
    assert value == 2.0
    assert gradient.tolist() == [2.0, 1.0, 0.0]


def test_each_call_takes_its_own_path() -> None:
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-12 * a:
            x = (x + a / x) / 2
        return x

    f = compile(grad(newton))
    a = np.array(2.0)
    call = f.buffer(a)
    for number in (2.0, 9.0, 1e6, 0.25, 2.0, 1e6, 3.0):
        a[...] = number
        assert call() == f(number) == pytest.approx(0.5 / number**0.5)


def test_captured_values_are_read_anew() -> None:
    w = Value(2.0)
    x = np.array([3.0])
    call = compile(lambda x: w * x[0]).buffer(x)
    assert call() == 6.0
    w.data = 5.0
    assert call() == 15.0


def test_lists_are_copied_and_can_be_changed_in_inputs() -> None:
    call = compile(lambda x: x[0] + 2 * x[1]).buffer([1.0, 2.0])
    assert call() == 5.0
    call.inputs[0][1] = 0.0
    assert call() == 1.0


def test_a_path_with_another_kind_of_result_is_refused_and_the_buffer_goes_on() -> None:
    x = np.array(1.0)
    call = compile(lambda x: x if x > 0 else (x, x)).buffer(x)
    assert call() == 1.0
    x[...] = -1.0
    with pytest.raises(TypeError, match="one kind of result"):
        call()
    x[...] = 2.0
    assert call() == 2.0


@pytest.mark.parametrize("args", [(Value(1.0),), ("text",), ({"a": 1.0},), ([[1.0], [2.0]],)])
def test_what_is_no_plain_argument_is_refused(args: tuple[object, ...]) -> None:
    f = compile(lambda x: 1.0)
    with pytest.raises(TypeError, match="float64 arrays"):
        f.buffer(*args)
