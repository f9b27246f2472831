"""What a program could not repeat is refused, nan and inf are kept, and errors leave everything usable."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import signal
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from branching import branching

import pygrad
from pygrad import (
    TraceError,
    Value,
    grad,
    hessian,
    stop_gradient,
    vmap,
)
from pygrad import _native as core
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import lib

Pair = namedtuple("Pair", "a b")


# -- what cannot be compiled -----------------------------------------------------------------------


def reads_data(x: Any) -> Any:
    y = x * 2
    return y.data  # the line


def reads_grad(x: Any) -> Any:
    return x.grad  # the line


def writes_data(x: Any) -> Any:
    y = x * 2
    y.data = 3.0  # the line
    return y


def writes_grad(x: Any) -> Any:
    x.grad = 3.0  # the line
    return x


def builds_with_partials(x: Any) -> Any:
    return Value(3.0, (x,), (1.0,)) * 2  # the line


def builds_with_closure(x: Any) -> Any:
    y = Value(3.0, (x,), "mine")  # the line
    y._backward = lambda: None
    return y


def deep_copies(x: Any) -> Any:
    return copy.deepcopy(x * 3) * 2  # the line


def shallow_copies(x: Any) -> Any:
    return copy.copy(x * 3) * 2  # the line


def pickles(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x)) * 2  # the line


def reads_local_derivatives(x: Any) -> Any:
    return x * (x * x).local_derivatives[0]  # the line


def reads_local_grads(x: Any) -> Any:
    return x * (x * x)._local_grads[0]  # the line


REFUSED = [
    reads_data,
    reads_grad,
    writes_data,
    writes_grad,
    builds_with_partials,
    builds_with_closure,
]
RIGHT_OR_REFUSED = [
    deep_copies,
    shallow_copies,
    pickles,
    reads_local_derivatives,
    reads_local_grads,
]


def line_in(f: Callable[..., Any]) -> int:
    import inspect

    lines, start = inspect.getsourcelines(f)
    return start + next(i for i, line in enumerate(lines) if "# the line" in line)


@pytest.mark.parametrize("f", REFUSED)
@pytest.mark.parametrize("how", ["compile", "grad", "vmap", "backward"])
def test_what_a_program_could_not_repeat_is_refused(f: Any, how: str, no_leak: None) -> None:
    call = {
        "compile": lambda: compile_(f)(2.0),
        "grad": lambda: compile_(grad(f))(2.0),
        "vmap": lambda: vmap(f)(np.ones(3)),
        "backward": lambda: compile_(f).backward(np.ones(3)),
    }[how]
    # A number for a partial derivative stops a differentiable sweep, too.
    also = TypeError if how == "grad" and f.__name__.startswith("builds") else TraceError
    with pytest.raises((TraceError, also)) as caught:
        call()
    message = str(caught.value)
    if caught.type is TraceError:
        assert f"line {line_in(f)}" in message, message
        assert __file__ in message
    assert not core.trace_active()
    assert (Value(2.0) * 3).data == 6.0
    with pytest.raises(ValueError, match="domain"):
        pm.log(Value(-1.0))
    del caught


@pytest.mark.parametrize("f", RIGHT_OR_REFUSED)
def test_right_or_refused_but_never_frozen(f: Any) -> None:
    compiled = compile_(f)
    try:
        results = [compiled(x) for x in (2.0, 3.0)]
    except TraceError:
        return
    assert results == [f(Value(x)).data for x in (2.0, 3.0)]


def test_messages_name_the_cure() -> None:
    with pytest.raises(TraceError, match="stop_gradient"):
        compile_(reads_data)(1.0)
    assert issubclass(TraceError, RuntimeError)


def test_what_does_not_depend_on_the_inputs_may_be_read_and_built() -> None:
    def f(x: Any) -> Any:
        c = Value(2.0)
        c.data = c.data + 1
        return x * c.data if c == c else x

    assert compile_(f)(2.0) == 6.0
    w = Value(3.0)
    node = Value(6.0, (w,), (2.0,))
    mine = Value(9.0, (w,), "mine")
    mine._backward = lambda: setattr(w, "grad", w.grad + 3 * mine.grad)
    g = compile_(lambda x: node * x + mine)
    assert g(2.0) == 21.0
    assert g.backward(np.array([1.0, 2.0]), reduce="sum") == 36.0
    assert w.grad == 2 * 3 + 3 * 2


def test_what_it_does_to_captured_values_is_done_at_each_call_or_refused() -> None:
    w = Value(2.0)

    def sweeps(x: Any) -> Any:
        (w * x).backward()
        return x

    def assigns(x: Any) -> Any:
        w.data = 7.0
        return w * x

    def clears(x: Any) -> Any:
        w.zero_grad() if hasattr(w, "zero_grad") else pygrad.zero_grad(w)
        return w * x

    def reads(x: Any) -> Any:
        return w.data * x

    for f, change, state in [
        (sweeps, lambda: None, lambda: w.grad),
        (assigns, lambda: setattr(w, "data", 1.0), lambda: w.data),
        (clears, lambda: setattr(w, "grad", 5.0), lambda: w.grad),
        (reads, lambda: setattr(w, "data", 3.0), lambda: w.data),
    ]:
        seen = []
        for call in (f, compile_(f)):
            w.data, w.grad = 2.0, 0.0
            try:
                results = []
                for _ in range(2):
                    result = call(Value(3.0) if call is f else 3.0)
                    results += [result.data if isinstance(result, Value) else result, state()]
                    change()
            except TraceError:
                results = seen[0]
            seen.append(results)
        assert seen[0] == seen[1], f.__name__


def test_keys_of_dicts_may_be_of_any_type() -> None:
    f = compile_(lambda d: next(iter(d.values())) * (2 if next(iter(d)) is True else 1))
    assert (f({1: 5.0}), f({True: 5.0})) == (5.0, 10.0)


def test_stop_gradient() -> None:
    f = compile_(grad(lambda x: stop_gradient(x) * x))
    assert (f(3.0), f(4.0)) == (3.0, 4.0)


def test_repr_shows_a_value_of_a_trace() -> None:
    seen = []
    with pytest.warns(RuntimeWarning, match="a text was made of a Value"):
        compile_(lambda x: seen.append(repr(x)) or x)(2.0)
    assert "2.0" in seen[0]


def test_names_sets_and_labels_in_a_trace() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y.label = "y"
        return sum({y, x, y}, 0.0) + len({x: 1}) * 0

    assert compile_(f)(2.0) == 6.0


# -- numbers that are none -------------------------------------------------------------------------


def test_domain_errors_give_nan_or_inf() -> None:
    f = compile_(
        lambda x: [
            1 / x,
            pm.log(x),
            pm.sqrt(x),
            x**-1,
            x**0.5,
            pm.exp(x * 1e4),
            x % x,
            x // x,
            pm.asin(x + 2),
            pm.floor(1 / x),
            pm.acosh(x),
            pm.pow(x, -1.5),
        ]
    )
    nan, inf = math.nan, math.inf
    wanted = [inf, -inf, 0.0, inf, 0.0, 1.0, nan, nan, nan, inf, nan, inf]
    np.testing.assert_array_equal(f(0.0), wanted)
    np.testing.assert_array_equal(f(-1.0)[1:3], [nan, nan])
    assert compile_(lambda x: x * x)(1e200) == inf
    assert compile_(grad(pm.sqrt))(0.0) == inf
    assert math.isnan(compile_(grad(pm.log))(-1.0))


def test_a_bad_first_row_stops_nothing() -> None:
    f = compile_(lambda x: pm.log(x) if x < 5 else x)
    assert math.isnan(f(-1.0))
    assert f(1.0) == 0.0
    assert f(6.0) == 6.0


def test_debug_nans_works_with_compiled_functions() -> None:
    f = compile_(lambda x: pm.sqrt(x) * x)
    g = compile_(grad(lambda x: pm.sqrt(x) * x))
    with pygrad.debug_nans():
        assert (f(4.0), g(4.0)) == (8.0, 3.0)


# -- errors leave everything usable ----------------------------------------------------------------


def test_an_exception_in_the_function(no_leak: None) -> None:
    def f(x: Any) -> Any:
        y = x * x
        if y > 1:
            raise KeyError("boom")
        return y

    compiled = compile_(f)
    for x in (2.0, 0.5, 3.0, 0.25):
        if x > 1:
            with pytest.raises(KeyError, match="boom"):
                compiled(x)
        else:
            assert compiled(x) == x * x
    with pytest.raises(KeyError):
        vmap(f)(np.array([0.5, 2.0]))
    assert not core.trace_active()
    assert len(compiled.programs) == 1
    del compiled, f


def test_no_nodes_are_left_behind(no_leak: None) -> None:
    f = compile_(hessian(lambda x: pm.tanh(x[0] * x[1]) if x[0] > 0 else x[1] ** 3))
    for x in (np.array([1.0, 2.0]), np.array([-1.0, 2.0])):
        f(x)
    g = compile_(functools.partial(lambda w, x: w * x, Value(2.0)))
    g(2.0)
    del f, g


def test_tracing_within_a_trace_is_calling() -> None:
    w = Value(1.0)
    inner = compile_(lambda x: w * x)
    with pytest.raises(RuntimeError):
        compile_(lambda x: x * inner.backward(np.ones(3)))(1.0)
    assert not core.trace_active()
    assert inner(2.0) == 2.0


@pytest.mark.parametrize(
    "make",
    [
        lambda f: lambda: compile_(f)(0.1, 0.2),
        lambda f: lambda: compile_(grad(f, (0, 1)))(0.1, 0.2),
        lambda f: lambda: vmap(f)(np.linspace(-3, 3, 10), np.ones(10)),
        lambda f: lambda: vmap(grad(f), threads=2)(np.linspace(-3, 3, 10), np.ones(10)),
        lambda f: lambda: compile_(f).backward(np.linspace(-3, 3, 10), np.ones(10)),
    ],
)
def test_out_of_memory(make: Any, no_leak: None) -> None:
    w = Value(2.0)
    call = make(branching(w))
    wanted = call()
    grad_of_one = w.grad
    for n in range(1, 2000):
        w.grad = 0.0
        lib.pg_fail_at(n)
        try:
            result = call()
        except MemoryError:
            result = None
        finally:
            lib.pg_fail_at(0)
        if result is not None:
            break
        assert w.grad == 0.0
        assert not core.trace_active()
        assert np.array_equal(call(), wanted)
    assert n > 20
    assert np.array_equal(result, wanted)
    assert w.grad == grad_of_one
    del call, w


def test_threads_call_one_compiled_function() -> None:
    f = compile_(lambda x: sum([x * i if x > i else x for i in range(10)]))
    wrong: list[Any] = []

    def run(k: int) -> None:
        for i in range(500):
            x = (i * 7 + k) % 13 - 1.0
            try:
                if f(x) != sum([x * j if x > j else x for j in range(10)]):
                    wrong.append(x)
            except Exception as error:
                wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert not core.trace_active()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_ctrl_c_during_a_trace(no_leak: None) -> None:
    def f(x: Any) -> Any:
        for _ in range(3_000_000):
            x = x * 1.0001
        return x

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        began = time.process_time()
        with pytest.raises(KeyboardInterrupt):
            compile_(f)(1.0)
        assert time.process_time() - began < 1.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert not core.trace_active()
    assert compile_(lambda x: x * 2)(1.0) == 2.0
