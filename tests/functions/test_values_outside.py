"""Transforms never drop a Value: what they return that depends on one outside, no input of theirs, is one.

Truth is mpmath's: derivatives of f(x, w) by both, at 40 digits.
"""

from __future__ import annotations

import copy
import functools
import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import pygrad
import pygrad.math as pm
from pygrad import (
    Value,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    no_grad,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
)
from pygrad import compile as compile_
from pygrad.core.structure import flatten

mp = mpmath.mp.clone() if hasattr(mpmath.mp, "clone") else mpmath.mp
mp.dps = 40
X, W = 0.3, 2.0
close = functools.partial(pytest.approx, rel=1e-12)


def u(x: Any, w: Any) -> Any:
    return pm.sin(w * x) * x + w * w


def exactly(x: Any, w: Any) -> Any:
    return mp.sin(w * x) * x + w * w


def slope(by_x: int, by_w: int) -> Any:
    return mp.diff(exactly, (mp.mpf(X), mp.mpf(W)), (by_x, by_w)) if by_x or by_w else exactly(X, W)


# How w gets into a function of x.


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w

    def __call__(self, x: Any) -> Any:
        return u(x, self.w)


def of_neuron(w: Any) -> Callable[[Any], Any]:
    neuron = pygrad.nn.Neuron(1, nonlin=False)
    neuron.w = [w]
    return lambda x: u(x, neuron([1.0]))  # its bias is 0


GIVEN: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "captured": lambda w: lambda x: u(x, w),
    "computed before": lambda w: functools.partial(lambda y, x: u(x, y), w * 1.0),
    "an attribute": Model,
    "a parameter": of_neuron,
    "a default": lambda w: lambda x, w=w: u(x, w),
    "in a container": lambda w: lambda x: u(x, {"w": [w]}["w"][0]),
}

# What transforms give, and how often that was differentiated by x.
APPLIED: dict[str, tuple[Callable[..., Any], list[int]]] = {
    "grad": (lambda f, x: grad(f)(x), [1]),
    "value_and_grad": (lambda f, x: value_and_grad(f)(x), [0, 1]),
    "jvp": (lambda f, x: jvp(f, (x,), (1.0,)), [0, 1]),
    "vjp": (lambda f, x: (vjp(f, x)[0], vjp(f, x)[1](1.0)), [0, 1]),
    "jacrev": (lambda f, x: jacrev(f)(x), [1]),
    "jacfwd": (lambda f, x: jacfwd(f)(x), [1]),
    "hessian": (lambda f, x: hessian(f)(x), [2]),
    "hvp": (lambda f, x: hvp(f, x, 1.0), [2]),
    "grad of grad": (lambda f, x: grad(grad(f))(x), [2]),
    "third": (lambda f, x: jacfwd(jacrev(grad(f)))(x), [3]),
    "of an array": (lambda f, x: grad(lambda v: f(v[0]))(np.array([x])), [1]),
    "of a list": (lambda f, x: hessian(lambda v: f(v[0]))([x]), [2]),
    "of a dict": (lambda f, x: grad(lambda v: f(v["x"]))({"x": x}), [1]),
    "to an array": (lambda f, x: jacobian(lambda v: np.array([f(v[0])]))(np.array([x])), [1]),
    "inside": (lambda f, x: grad(lambda y: value_and_grad(f)(y)[1] * 1.0)(x), [2]),
    "by a compiled function": (lambda f, x: value_and_grad(compile_(f))(x), [0, 1]),
    "jacobian of a compiled function": (lambda f, x: jacobian(compile_(f))(x), [1]),
    "hessian of a compiled function": (lambda f, x: hessian(compile_(f))(x), [2]),
    "aux": (lambda f, x: grad(lambda y: (f(y), [f(y)]), has_aux=True)(x), [1, 0]),
    "aux of jacobian": (lambda f, x: jacobian(lambda y: (f(y), f(y)), has_aux=True)(x), [1, 0]),
    "aux of vjp": (lambda f, x: vjp(lambda y: (f(y), f(y)), x, has_aux=True)[2], [0]),
}
every_transform = pytest.mark.parametrize("name", APPLIED)


def squares(result: Any) -> Any:
    """Something that depends on each number of a result."""
    return sum(v * v for v in flatten(result, "a result")[0])


@every_transform
@pytest.mark.parametrize("given", GIVEN)
def test_results_are_values_and_carry_the_dependence(name: str, given: str) -> None:
    apply, orders = APPLIED[name]
    w = Value(W)
    result = apply(GIVEN[given](w), X)
    found = flatten(result, "a result")[0]
    assert all(isinstance(v, Value) for v in found)
    assert [v.data for v in found] == close([float(slope(k, 0)) for k in orders])
    squares(result).backward()
    assert w.grad == close(float(sum(2 * slope(k, 0) * slope(k, 1) for k in orders)))


@every_transform
def test_to_a_second_order_by_the_value_outside(name: str) -> None:
    apply, orders = APPLIED[name]

    def loss(w: Any) -> Any:
        return squares(apply(GIVEN["captured"](w), X))

    wanted = sum(2 * (slope(k, 1) ** 2 + slope(k, 0) * slope(k, 2)) for k in orders)
    assert grad(grad(loss))(W) == close(float(wanted))
    w = Value(W)
    loss(w).backward(create_graph=True)
    second = w.grad
    w.grad = 0.0
    second.backward()
    assert w.grad == close(float(wanted))


@every_transform
def test_inside_programs(name: str) -> None:
    apply, orders = APPLIED[name]

    def loss(x: Any, w: Any) -> Any:
        return squares(apply(GIVEN["captured"](w), x))

    wanted = float(sum(2 * slope(k, 0) * slope(k, 1) for k in orders))
    assert compile_(grad(loss, argnums=1))(X, W) == close(wanted)
    slopes = vmap(grad(loss, argnums=1), in_axes=(0, None))(np.array([X, X]), W)
    assert slopes == close([wanted, wanted])
    w = Value(W)
    compiled = compile_(lambda x: loss(x, w))
    value = float(sum(slope(k, 0) ** 2 for k in orders))
    assert compiled(X) == close(value)  # a compiled function gives numbers,
    compiled.backward(np.array([X]))  # and this the derivatives by what it has captured
    assert w.grad == close(wanted)


@every_transform
def test_within_no_grad_they_are_numbers(name: str) -> None:
    apply, orders = APPLIED[name]
    w = Value(W)
    with no_grad():
        result = apply(GIVEN["captured"](w), X)
    found = flatten(result, "a result")[0]
    assert {type(v) for v in found} == {float}
    assert found == close([float(slope(k, 0)) for k in orders])


@every_transform
def test_stop_gradient_leads_on_to_nothing(name: str) -> None:
    apply, orders = APPLIED[name]
    found = flatten(apply(GIVEN["captured"](stop_gradient(Value(W))), X), "a result")[0]
    assert {type(v) for v in found} == {float}
    inside = flatten(apply(lambda x: u(x, stop_gradient(Value(W) * 1)), X), "a result")[0]
    assert found == inside == close([float(slope(k, 0)) for k in orders])


@every_transform
def test_what_the_function_makes_for_itself_is_a_constant(name: str) -> None:
    """The same bits whether w is a number, a Value made inside, or one outside."""
    apply, _ = APPLIED[name]

    def with_cycle(x: Any) -> Any:
        one = Value(1.0)

        def again(n: int) -> Any:
            return again(n - 1) if n else u(x, W * one)

        return again(3)

    numbers = flatten(apply(lambda x: u(x, W), X), "a result")[0]
    for f in (lambda x: u(x, Value(W)), lambda x: Model(Value(W))(x), with_cycle):
        found = flatten(apply(f, X), "a result")[0]
        assert {type(v) for v in found} == {float}
        assert found == numbers
    w = Value(W)
    outside = flatten(apply(lambda x: u(x, w), X), "a result")[0]
    assert [v.data for v in outside] == numbers


def test_a_value_that_is_held_costs_no_full_collection() -> None:
    """One that the function makes for itself, and keeps: a look at the young is enough, each time."""
    kept: dict[str, Any] = {}

    def keeping(x: Any) -> Any:
        kept["w"] = Value(W)
        return u(x, kept["w"])

    grad(keeping)(X)
    before = gc.get_stats()[2]["collections"]
    gc.disable()
    try:
        for _ in range(5):
            assert isinstance(grad(keeping)(X), Value)
    finally:
        gc.enable()
    assert gc.get_stats()[2]["collections"] == before


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_what_is_outside_does_not_depend_on_when_the_collector_has_run(generation: int) -> None:
    """A cycle that outlives a collection is among the oldest, which the next ones do not look at."""

    def with_cycle(x: Any) -> Any:
        cycle: list[Any] = [Value(W)]
        cycle.append(cycle)
        y = u(x, cycle[0])
        gc.collect(generation)
        return y

    numbers = jvp(lambda x: u(x, W), (X,), (1.0,))
    for _ in range(3):
        assert jvp(with_cycle, (X,), (1.0,)) == numbers
        assert type(grad(with_cycle)(X)) is type(grad(grad(with_cycle))(X)) is float


def test_the_example_of_a_derivative_inside_a_loss() -> None:
    f = lambda x, w: pm.sin(w * x)  # noqa: E731
    w = Value(2.0)
    loss = (grad(f)(0.3, w) + f(0.3, w)) ** 2
    loss.backward()
    s = lambda w: w * mp.cos(w * mp.mpf("0.3")) + mp.sin(w * mp.mpf("0.3"))  # noqa: E731
    assert w.grad == close(float(2 * s(2) * mp.diff(s, 2)))
    assert w.grad == pytest.approx(3.253, abs=1e-3)


@pytest.mark.parametrize("argnums", [0, (0,), (0, 2)])
def test_another_argument(argnums: Any) -> None:
    w = Value(W)
    found = grad(lambda x, w, y: w * x**2 * y, argnums=argnums)(3.0, w, 5.0)
    total = found if argnums == 0 else sum(found)
    total.backward()
    assert w.grad == (30.0 if argnums != (0, 2) else 39.0)


def test_each_result_for_itself_and_arrays_as_a_whole() -> None:
    w = Value(W)
    value, slope_ = value_and_grad(lambda x: x * x + w)(3.0)
    assert (value.data, slope_, type(slope_)) == (11.0, 6.0, float)
    first, second = grad(lambda v: w * v[0] ** 2 + v[1] ** 2)([3.0, 5.0])
    assert (first.data, second, type(second)) == (12.0, 10.0, float)
    array = grad(lambda v: w * v[0] ** 2 + v[1] ** 2)(np.array([3.0, 5.0]))
    assert array.dtype == object and [v.data for v in array] == [12.0, 10.0]
    plain = grad(lambda v: v[0] ** 2 + v[1] ** 2 + w)(np.array([3.0, 5.0]))
    assert plain.dtype == np.float64
    a, b = jacobian(lambda x: [w * x, x * x])(3.0)
    assert (a.data, b, type(b)) == (2.0, 6.0, float)
    value, tangent = jvp(lambda x: x**3, (2.0,), (w,))
    assert (value, type(value), tangent.data) == (8.0, float, 24.0)
    tangent.backward()
    assert w.grad == 12.0


def test_jacobians_are_arrays_of_values() -> None:
    w = Value(W)
    found = jacobian(lambda x: np.array([[w * x[0], x[1]], [x[0] * x[1], w]]))(np.array([3.0, 5.0]))
    assert found.shape == (2, 2, 2) and found.dtype == object
    assert [v.data for v in found.ravel()] == [2.0, 0.0, 0.0, 1.0, 5.0, 3.0, 0.0, 0.0]
    curvature = hessian(lambda x: w * x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    assert curvature.shape == (2, 2)
    curvature.sum().backward()
    assert w.grad == 2 * 5.0 + 2 * 2 * 3.0


def test_aux_keeps_what_depends_on_a_value_outside() -> None:
    w, made = Value(W), Value(1.0)

    def f(x: Any) -> Any:
        aux = {
            "w": w,
            "of x": x * x,
            "of w": w * x,
            "made": Value(3.0),
            "text": "a",
            "model": Model(w),
        }
        return x * made, [aux, np.array([x * x, x * w]), np.array([x, x * x])]

    _, (aux, mixed, plain) = grad(f, has_aux=True)(5.0)
    assert aux["w"] is w and aux["model"].w is w
    assert (aux["of x"], aux["of w"].data, aux["made"], aux["text"]) == (25.0, 10.0, 3.0, "a")
    assert [type(aux[k]) for k in ("of x", "made")] == [float, float]
    assert mixed.dtype == object and plain.dtype == np.float64
    (aux["of w"] + mixed[1]).backward()
    assert w.grad == 10.0


def test_used_but_not_depended_on() -> None:
    w = Value(W)

    def f(x: Any) -> Any:
        if w > 1 and w.data and w in [w]:
            return x * x * w.data
        return x

    assert grad(f)(3.0) == 12.0
    assert type(grad(f)(3.0)) is float
    assert type(grad(lambda x: x * no_grad()(lambda: w * w)())(3.0)) is float


def test_a_parameter_that_the_first_call_makes() -> None:
    class Lazy:
        w = None

        def __call__(self, x: Any) -> Any:
            if self.w is None:
                self.w = Value(W)
            return u(x, self.w)

    lazy = Lazy()
    found = grad(lazy)(X)
    found.backward()
    assert lazy.w is not None and lazy.w.grad == close(float(slope(1, 1)))


def test_a_pullback_gives_numbers_within_no_grad() -> None:
    w = Value(W)
    _, pullback = vjp(lambda x: u(x, w), X)
    (outside,) = pullback(1.0)
    with no_grad():
        (inside,) = pullback(1.0)
    assert isinstance(outside, Value) and (type(inside), inside) == (float, outside.data)
    _, pullback = vjp(lambda x: x * x, X)
    (scaled,) = pullback(w)
    scaled.backward()
    assert w.grad == 2 * X


def test_given_partials_lead_outside_too() -> None:
    w = Value(W)

    def stated(x: Any) -> Any:
        return Value(x.data**2 * w.data, (x,), (2 * x * w,))

    grad(stated)(3.0).backward()
    assert w.grad == 6.0
    assert type(grad(lambda x: Value(x.data**2, (x,), (2 * x,)))(3.0)) is float
    w.grad = 0.0
    by_numbers = grad(lambda x: w * Value(x.data**2, (x,), (2 * x.data,)))(3.0)  # a constant of w
    by_numbers.backward()
    assert (by_numbers.data, w.grad) == (12.0, 6.0)


def closure_op(x: Any, by: Any = None) -> Any:
    out = Value(x.data**2, (x,) if by is None else (x, by), "square")

    def backward() -> None:
        x.grad += 2 * x.data * out.grad

    out._backward = backward
    return out


def test_what_cannot_be_a_value_is_refused_and_the_cures_are_named() -> None:
    w = Value(W)
    assert grad(lambda x: closure_op(x) + w)(3.0) == 6.0
    for f in (
        lambda x: closure_op(x) * w,
        lambda x: Value(x.data * w.data, (x, w), (w.data, x.data)) * x,
    ):
        with pytest.raises(TypeError, match=r"no_grad.*stop_gradient"):
            grad(f)(3.0)
        with no_grad():
            assert type(grad(f)(3.0)) is float
    assert grad(lambda x: closure_op(x) * stop_gradient(w))(3.0) == 12.0


def test_sparse_jacobians_hold_numbers_and_say_so() -> None:
    pytest.importorskip("scipy")
    w = Value(W)

    def f(x: Any) -> Any:
        return [w * x[0], x[1] ** 2]

    with pytest.raises(TypeError, match=r"no_grad\(\)"):
        jacobian(f, sparse=True)(np.ones(2))
    with pytest.raises(TypeError, match="stop_gradient"):
        hessian(lambda x: w * x[0] ** 2, sparse=True)(np.ones(2))
    with no_grad():
        assert jacobian(f, sparse=True)(np.ones(2)).toarray().tolist() == [[2.0, 0.0], [0.0, 2.0]]
    for g in (lambda x: [x[0] + w, x[1] ** 2], lambda x: [stop_gradient(w) * x[0], x[1]]):
        assert jacobian(g, sparse=True)(np.ones(2)).dtype == np.float64
    assert compile_(jacobian(f, sparse=True))(np.ones(2)).toarray()[0, 0] == 2.0


def test_maps_lead_on_to_values_that_they_have_captured() -> None:
    w = Value(W)
    mapped = vmap(lambda p, t: w * p * t, in_axes=(None, 0), reduce="sum")
    data = np.arange(4.0)
    p = Value(3.0)
    mapped(p, data).backward()
    assert (p.grad, w.grad) == (12.0, 18.0)
    w.grad = 0.0
    value, slope_ = value_and_grad(mapped)(3.0, data)
    (value * slope_).backward()
    assert w.grad == 2 * W * 6 * 18  # of 18 w * 6 w
    with no_grad():
        assert value_and_grad(mapped)(3.0, data) == (36.0, 12.0)
    assert compile_(value_and_grad(mapped))(3.0, data) == (36.0, 12.0)
    scaled = grad(lambda x: w * vmap(lambda a, t: a * t, in_axes=(None, 0), reduce="sum")(x, data))(
        3.0
    )
    assert scaled.data == 12.0


def test_solvers_and_checks_give_numbers() -> None:
    w = Value(W)
    scipy = pytest.importorskip("scipy") and pygrad.scipy
    f = lambda x: (x[0] - w) ** 2 + (x[1] - w * x[0]) ** 2  # noqa: E731
    for method in (None, "Nelder-Mead", "Newton-CG", "trust-exact", "trust-constr"):
        assert scipy.minimize(f, [0.0, 0.0], method=method).x == pytest.approx([2.0, 4.0], abs=1e-3)
    sparse = scipy.minimize(f, [0.0, 0.0], method="Newton-CG", sparse=True)
    assert sparse.x == pytest.approx([2.0, 4.0])
    assert scipy.least_squares(lambda x: [w * x[0] - 3], [0.0]).x == pytest.approx([1.5])
    assert scipy.root(lambda x: [w * x[0] ** 3 - 2], [2.0]).x == pytest.approx([1.0])
    assert pygrad.newton(lambda x: x**2 - w, 1.0).x == pytest.approx(2.0**0.5)
    assert pygrad.sensitivity(lambda x: w * x**2, 3.0).value == 18.0
    assert pygrad.quadratic_model(lambda x: w * x**3, 1.0).hessian == 12.0
    assert pygrad.check_grad(lambda x: w * x**3, 1.0, order=2)
    assert pygrad.check_grad(lambda x: w * x**3, 1.0, exact=True)
    assert pygrad.numeric.nudge(lambda x: w * x, 1.0, 0.5).prediction == 1.0
    assert pygrad.numeric.step_sweep(lambda x: w * x**2, 1.0, hs=[1e-3]).exact == 4.0
    assert w.grad == 0.0


def test_nothing_is_left_behind(no_leak: None) -> None:
    w = Value(W)
    for _ in range(2):  # what one leaves would be seen beside what goes of earlier tests
        for apply, _ in APPLIED.values():
            apply(lambda x: u(x, w), X)
            apply(lambda x: u(x, Value(W)), X)


@pytest.fixture
def no_leak() -> Any:
    from pygrad._core import lib

    w = Value(1.0)
    for apply, _ in APPLIED.values():
        apply(lambda x: u(x, w), X)
    gc.collect()  # a compiled function and its Jacobian hold each other
    before = lib.pg_live_nodes()
    yield
    gc.collect()
    assert lib.pg_live_nodes() <= before  # other tests may have left some that went meanwhile


def test_the_reference_refuses_what_would_have_to_be_a_value() -> None:
    program = """
        import numpy as np, pygrad
        from pygrad import *
        from pygrad.core.implementation import IMPLEMENTATION
        assert IMPLEMENTATION == "reference"
        w = Value(2.0)
        for call in (
            lambda: grad(lambda x: w * x)(3.0),
            lambda: value_and_grad(lambda x: w * x)(3.0),
            lambda: jvp(lambda x: (w * x).sin(), (3.0,), (1.0,)),
            lambda: vjp(lambda x: w * x, 3.0),
            lambda: jacobian(lambda x: [w * x[0], x[1]])(np.ones(2)),
            lambda: grad(lambda x, w: x**2 / w)(3.0, w * 1),
            lambda: grad(lambda x: Value(x.data * 2, (x,), (w * 1,)))(3.0),
        ):
            try:
                call()
            except NotImplementedError as error:
                assert "no_grad()" in str(error) and "stop_gradient" in str(error), error
            else:
                raise AssertionError
            with no_grad():
                call()
        value, slope = value_and_grad(lambda x: x * x + w)(3.0)
        assert (value.data, slope) == (11.0, 6.0) and isinstance(value, Value)
        value.backward()
        assert w.grad == 1.0
        assert grad(lambda x: stop_gradient(w) * x)(3.0) == 2.0
        assert grad(lambda x: Value(2.0) * x * 3)(3.0) == 6.0
        assert grad(lambda x: x * x if w > 1 else x)(3.0) == 6.0
        _, aux = grad(lambda x: (x, [w, x * x, w * x]), has_aux=True)(3.0)
        assert aux[0] is w and aux[1] == 9.0 and aux[2].data == 6.0
    """
    env = {**os.environ, "PYGRAD_IMPL": "reference"}
    command = [sys.executable, "-I", "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_rows_that_are_values_remember_nothing_within_no_grad() -> None:
    w = Value(W)
    mapped = vmap(lambda x: x * w if x != w else w * 5)
    with no_grad():
        rows = mapped([Value(1.0), 2.0])
    assert [v.data for v in rows] == [2.0, 10.0]
    assert all(v._children == () for v in rows)

    def f(x: Any) -> Any:
        with no_grad():
            total = vmap(lambda t: t * x)(np.array([1.0, 2.0])).sum()
        return total * x

    assert grad(f)(5.0) == compile_(grad(f))(5.0) == 15.0
    assert vmap(grad(f))(np.array([5.0])).tolist() == [15.0]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda v: copy.deepcopy([v, v])[1]])
def test_copies_of_what_depends_on_an_input_lead_on_to_values_outside(copied: Any) -> None:
    w = Value(1.3)
    value, slope = value_and_grad(lambda x: copied(x * w) * x)(0.3)
    (value + slope).backward()
    assert w.grad == pytest.approx(0.3**2 + 2 * 0.3)
    w.grad = 0.0
    compile_(lambda x: copied(x * w) * x).backward(np.array([2.0]))
    assert w.grad == 4.0


def test_what_one_thread_collects_is_not_taken_for_what_another_has_passed_on() -> None:
    """Cycles of B's function are passed on to the oldest by A's collection, and garbage when it ends."""
    inside, made, over = threading.Event(), threading.Event(), threading.Event()
    found: dict[str, Any] = {}

    def in_a_cycle(x: Any) -> Any:
        two = Value(2.0)

        def calls_itself(n: int) -> Any:
            return two * x if n == 0 else calls_itself(n - 1)

        return calls_itself(1)

    def first(x: Any) -> Any:
        y = in_a_cycle(x)
        inside.set()
        assert made.wait(20)
        return y

    def second(x: Any) -> Any:
        assert inside.wait(20)
        y = in_a_cycle(x)
        made.set()
        assert over.wait(20)
        return y

    def of_first() -> None:
        gc.collect()  # all that was born before is among the oldest
        found["first"] = grad(first)(3.0)
        over.set()

    def of_second() -> None:
        found["second"] = grad(second)(3.0)

    was = gc.isenabled()
    gc.disable()
    try:
        threads = [threading.Thread(target=run) for run in (of_first, of_second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        if was:
            gc.enable()
    assert found == {"first": 2.0, "second": 2.0}
    assert {type(slope) for slope in found.values()} == {float}
