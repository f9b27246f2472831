"""What was not written for Values says why it does not take them, and what to do."""

from __future__ import annotations

import array
import fractions
import math
import pickle
import random
import statistics
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, check_grad, grad, hessian, jacobian, lift, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm

ITEMS = [1.0, 2.0, 3.0, 4.0]
FLOAT = r"a Value does not become a float.*pygrad\.math.*pygrad\.lift.*v\.data"
WHOLE = r"a Value is no whole number by itself.*int\(v\).*v\.data"
RATIO = r"a Value has no .*derivative would be lost.*sum\(vs\) / len\(vs\).*pygrad\.math.*v\.data"
POWER = r"pygrad\.math\.pow\(x, y\).*pygrad\.lift"

ASKED: list[tuple[Callable[[Any], object], str]] = [
    (math.sin, FLOAT),
    (float, FLOAT),
    (complex, FLOAT),
    (lambda v: "%.3f" % v, FLOAT),  # noqa: UP031
    (lambda v: np.array([v, v], dtype=float), FLOAT),
    (lambda v: np.asarray(v, float), FLOAT),
    (lambda v: array.array("d", [v]), FLOAT),
    (lambda v: math.fsum([v, v]), FLOAT),
    (lambda v: statistics.fmean([v, v]), FLOAT),
    (lambda v: random.choices(ITEMS, weights=[v] * 4), FLOAT),
    (lambda v: np.random.default_rng(0).normal(v), FLOAT),
    (range, WHOLE),
    (lambda v: ITEMS[v], WHOLE),
    (lambda v: ITEMS[v:], WHOLE),
    (lambda v: ITEMS * v, WHOLE),
    (lambda v: v * "ab", WHOLE),
    (lambda v: math.factorial(v), WHOLE),
    (lambda v: pm.comb(v, 2), WHOLE),
    (lambda v: round(2.5, v), WHOLE),
    (hex, WHOLE),
    (chr, WHOLE),
    (lambda v: statistics.mean([v, v]), RATIO),
    (lambda v: statistics.variance([v, v * 2.0]), RATIO),
    (lambda v: v.as_integer_ratio(), RATIO),
    (lambda v: v.hex(), RATIO),
    (lambda v: v**v, POWER),
    (lambda v: 2**v, POWER),
    (lambda v: pow(2.0, v), POWER),
    (lambda v: np.float64(2.0) ** v, POWER),
]


@pytest.mark.parametrize(("ask", "message"), ASKED)
def test_who_asks_a_value_for_a_number_is_told_why_not_and_what_to_do(
    ask: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        ask(Value(2.5))
    with pytest.raises(TypeError, match=message):
        grad(lambda x: [ask(x), x][1])(2.5)
    with pytest.raises(TypeError, match=message):
        compile_(lambda x: [ask(x), x][1])(2.5)


@pytest.mark.parametrize("name", ["__index__", "as_integer_ratio", "hex", "__float__"])
def test_of_both_implementations(impl: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match=r"a Value .*v\.data"):
        getattr(impl.Value(2.5), name)()


# -- whole numbers -------------------------------------------------------------------------------


def test_what_is_rounded_to_a_whole_number_is_an_index(impl: ModuleType) -> None:
    v = impl.Value(2.5)
    for whole in (math.floor(v), math.trunc(v), round(v), v.floor(), v.rint()):
        assert ITEMS[whole] == 3.0
        assert list(range(whole)) == [0, 1]
        assert ITEMS[:whole] == [1.0, 2.0]
        assert [0] * whole == [0, 0]
        assert np.arange(4.0)[whole] == 2.0
    assert ITEMS[math.ceil(v)] == 4.0
    with pytest.raises(TypeError):
        ITEMS[math.floor(v) + 0.0]  # as floats
    with pytest.raises(IndexError):
        ITEMS[math.floor(v * 2.0)]
    with impl.no_grad():
        assert ITEMS[math.floor(v)] == 3.0
        with pytest.raises(TypeError, match=WHOLE):
            ITEMS[v]


def test_in_programs_such_an_index_is_asked_for_anew() -> None:
    f = lambda x: x * ITEMS[math.floor(x)] + sum(x for _ in range(round(x)))  # noqa: E731
    points = [0.25, 3.75, 1.5, 0.5, 2.5]
    assert [compile_(f)(x) for x in points] == [float(f(x)) for x in points]
    kept = compile_(f)
    assert [kept(x) for x in points] == [float(f(x)) for x in points]
    assert vmap(f)(np.array(points)).tolist() == [float(f(x)) for x in points]
    assert compile_(grad(f))(2.5) == grad(f)(2.5) == 3.0 + 2.0


def test_is_integer_is_that_of_floats(impl: ModuleType) -> None:
    for x in (2.0, 2.5, -0.0, 1e300, math.inf, -math.inf, math.nan):
        assert impl.Value(x).is_integer() is x.is_integer()
    f = compile_(lambda x: x if x.is_integer() else -x)
    assert [f(x) for x in (2.0, 2.5, 3.0)] == [2.0, -2.5, 3.0]


# -- arguments -----------------------------------------------------------------------------------

BITS = lambda x, n: x * (n & 1)  # noqa: E731
MISTAKEN: list[tuple[Callable[..., Any], type[Exception]]] = [
    (lambda x, n: x**n, TypeError),
    (lambda x, n: sum(x for _ in range(n)), TypeError),
    (lambda x, n: [x, x, x][n], TypeError),
    (lambda x, n: x * np.zeros(n).sum(), TypeError),
    (lambda x, n: x * np.arange(4.0)[n], IndexError),
    (lambda x, n: x * len("ab" * n), TypeError),
    (lambda x, n: {1: x, 2: x}[n], TypeError),
    (BITS, TypeError),
    (lambda x, n: x * pm.ldexp(1.0, n), TypeError),
    (lambda x, n: x * round(1.25, n), TypeError),
]


@pytest.mark.parametrize(("f", "kind"), MISTAKEN)
def test_an_argument_that_is_no_input_is_named(
    f: Callable[..., Any], kind: type[Exception]
) -> None:
    told = r"n, argument 1, of <lambda>\(\) is an input: compile\(f, static_argnums=1\)"
    with pytest.raises(kind, match=told):
        compile_(f)(2.0, 2)
    with pytest.raises(kind, match=told):
        compile_(f)(2.0, n=2)
    for transform in (grad, jacobian, hessian):
        with pytest.raises(kind, match=told):
            compile_(transform(f))(2.0, 2)
    assert compile_(f, static_argnums=1)(2.0, 2) == f(2.0, 2)
    if kind is TypeError and not {"zeros", "_"} & {*f.__code__.co_names} and f is not BITS:
        with pytest.raises(kind, match=r"n, argument 1, .*vmap\(lambda x: f\(x, n=\.\.\.\)\)"):
            vmap(f, in_axes=(0, None))(np.array([1.0, 2.0]), 2)


def test_errors_can_be_pickled_as_pools_of_processes_do() -> None:
    for f in (lambda x: [1.0][x * 2.0], lambda x: 2.0 ** (x * 1.0)):
        for call in (grad(f), compile_(f), compile_(grad(f))):
            with pytest.raises(TypeError) as caught:
                call(1.0)
            again = pickle.loads(pickle.dumps(caught.value))
            assert str(again) == str(caught.value)


def test_of_what_is_inside_arguments_too() -> None:
    with pytest.raises(TypeError, match=r"options, argument 1, of .*static_argnums=1"):
        compile_(lambda x, options: x ** options["n"])(2.0, {"n": 2})
    with pytest.raises(TypeError, match=r"r, argument 1, of"):
        compile_(lambda x, *r: x ** r[0])(2.0, 2)
    with pytest.raises(
        TypeError, match=r"n, an argument, of .* is an input: functools\.partial\(f, n="
    ):
        compile_(lambda x, **r: x ** r["n"])(2.0, n=2)
    with pytest.raises(TypeError) as caught:
        compile_(lambda x, n: x ** (n + 1))(2.0, 2)  # computed: no argument's own
    assert "static" not in str(caught.value)


def test_static_arguments_that_cannot_be_hashed_are_named() -> None:
    f = lambda x, options: x  # noqa: E731
    for options, told in [
        (
            [1, 2],
            r"argument 1 \(options\) .* a static argument, and cannot be hashed: it is a list",
        ),
        ((1, ["s"]), r"it is a tuple, which has a list at \[1\]"),
        ({1, 2}, r"it is a set"),
        (np.ones(3), r"it is a ndarray"),
    ]:
        with pytest.raises(TypeError, match=told):
            compile_(f, static_argnums=1)(2.0, options)
    with pytest.raises(TypeError, match=r"static argument, as its part \[0\] is a str, and cannot"):
        compile_(f)(2.0, ["fast"])
    with pytest.raises(TypeError, match=r"argument 1 \(options\) of <lambda>\(\)"):
        compile_(f)(2.0, options=["fast"])


OF_FLOATS = lambda x: math.sin(x)  # noqa: E731


@pytest.mark.parametrize("point", [np.array([1.0, 2.0]), [1.0, 2.0]])
@pytest.mark.parametrize(
    "f", [OF_FLOATS, lambda x: pm.sin(x), lambda x: x if x > 0 else -x, lambda x: x * x]
)
def test_a_function_of_one_number_that_is_given_many_points_to_vmap(f: Any, point: Any) -> None:
    for transform in (grad, value_and_grad):
        with pytest.raises((TypeError, ValueError), match=r"vmap\((value_and_)?grad\(f\)\)"):
            transform(f)(point)
    if f is not OF_FLOATS:
        assert vmap(grad(f))(np.array(point)).shape == (2,)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.exp(),
        lambda x: abs(x),
        lambda x: -x,
        lambda x: x**2,
        lambda x: x < 0,
    ],
)
def test_operators_and_methods_of_a_list_too(f: Any) -> None:
    for transform in (grad, jacobian, lambda f: grad(grad(f))):
        with pytest.raises((TypeError, AttributeError)) as caught:
            transform(f)([1.0, 2.0])
        assert str(caught.value).count("vmap(grad(f))(x) takes it item by item") == 1
    with pytest.raises((TypeError, AttributeError), match=r"vmap\(f\)\(x\) takes it item by item"):
        compile_(f)([1.0, 2.0])
    with pytest.raises((TypeError, AttributeError), match=r"vmap\(vmap\(f\)\)\(x\)"):
        vmap(lambda x: pm.sin(x))(np.ones((2, 2)))


def test_functions_of_pygrads_own_are_not_named() -> None:
    with pytest.raises(TypeError, match=r"f\(\) was given a list of 2"):
        pygrad.newton(lambda x: pm.sin(x), [1.0, 2.0])


def test_other_errors_of_a_function_of_arrays_are_as_they_were() -> None:
    def f(x: Any) -> Any:
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        grad(f)(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"^mine$"):
        jacobian(f)([1.0, 2.0])
    with pytest.raises(TypeError, match=r"^unsupported operand type.*'str'$"):
        grad(lambda x: x[0] + "a")([1.0])


# -- the rest ------------------------------------------------------------------------------------


def test_a_mapped_sum_that_has_captured_a_value_is_differentiated_with_respect_to_both() -> None:
    w, x = Value(2.0), np.array([1.0, 2.0])
    f = lambda s: vmap(lambda x: w * x * s**2, reduce="sum")(x)  # noqa: E731
    slope = grad(f)(3.0)
    assert slope.data == 2.0 * 3.0 * 6.0
    slope.backward()
    assert w.grad == 3.0 * 6.0
    assert hessian(f)(3.0).data == 2.0 * 2.0 * 3.0
    assert grad(lambda s: vmap(lambda x: x * s, reduce="mean")(x))(3.0) == 1.5


def test_check_grad_of_two_arguments_says_how() -> None:
    with pytest.raises(TypeError, match=r"check_grad\(lambda p: f\(\*p\), \[1\.0, 2\.0\]\)"):
        check_grad(lambda x, y: x * y, 1.0, 2.0)
    assert check_grad(lambda p: p[0] * p[1], [1.0, 2.0]).verdict == "ok"


def test_lifted_code_takes_exponents_as_floats_do() -> None:
    assert grad(lift(lambda x: 2.0**x))(1.5) == pytest.approx(2.0**1.5 * math.log(2.0))
    assert fractions.Fraction(1, 2) + Value(1.0) > 0
    assert pygrad.math.pow(2.0, Value(3.0)).data == 8.0
