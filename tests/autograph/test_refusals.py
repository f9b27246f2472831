"""What cannot be one of a program is refused with the line and the reason, and never differs in silence."""

from __future__ import annotations

import builtins
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import AutographError, autograph, compile, grad, vmap
from pygrad.control.autograph.source import convert


def grows(x: Any) -> Any:
    xs = []
    while x > 1:
        xs.append(x)
        x = x / 2
    return sum(xs)


def takes_from_an_iterator(x: Any) -> Any:
    items, s = iter([1.0, 2.0, 3.0, 4.0]), 0.0
    while s < x:
        s += next(items)
    return s


def draws(x: Any) -> Any:
    while x > 1:
        x = x * random.random()
    return x


def another_kind(x: Any) -> Any:
    best = None
    while x > 1:
        best, x = x, x / 2
    return best


def of_two_lengths(x: Any) -> Any:
    t = (x,)
    while x > 1:
        t, x = (x, x), x / 2
    return t[0]


def an_index(x: Any) -> Any:
    xs, i = [1.0, 2.0, 3.0], 0
    while x > 1:
        x, i = x / 2 + xs[i], i + 1
    return x


def an_attribute_is_made(x: Any) -> Any:
    class Thing:
        pass

    thing = Thing()
    while x > 1:
        thing.y = x  # type: ignore[attr-defined]
        x = x / 2
    return x


def a_handler_around_an_operation(x: Any) -> Any:
    n, y = 0, 0.0
    while n < x:
        try:
            y = 1 / (n - 2)
        except ArithmeticError:
            y = 100.0
        n += 1
    return y


def a_handler_around_a_loop(x: Any) -> Any:
    try:
        y = x
        while y > 1:
            y = pygrad.math.log(y - 1.5)
    except (KeyError, ValueError):
        return -1.0
    return y


REFUSED = [
    (grows, 2, "a list grows or shrinks in the loop"),
    (takes_from_an_iterator, 2, r"next\(\) is called"),
    (draws, 2, "gives another number at each call"),
    (another_kind, 2, "cannot carry best: best is None, and a number after a trip"),
    (of_two_lengths, 2, "cannot carry t: t is a tuple of 1, and a tuple of 2"),
    (an_index, 3, "an index that the loop counts"),
    (a_handler_around_an_operation, 3, "a handler around it catches ZeroDivisionError"),
    (a_handler_around_a_loop, 3, "a handler around it catches ValueError"),
    (an_attribute_is_made, 5, "is made in the loop: give it a first value before"),
]


@pytest.mark.parametrize(("f", "line", "why"), REFUSED, ids=lambda x: getattr(x, "__name__", ""))
def test_the_line_and_the_reason(f: Callable[[Any], Any], line: int, why: str) -> None:
    at = f.__code__.co_firstlineno + line
    with pytest.raises(AutographError, match=why) as caught:
        compile(vmap(autograph(f)))(np.array([9.0, 0.5]))
    text = str(caught.value)
    assert f"test_refusals.py, line {at}" in text or f"test_refusals.py, line {at + 1}" in text
    assert f"in {f.__name__}()" in text


def test_a_generator() -> None:
    def f(x: Any) -> Iterator[Any]:
        yield x

    with pytest.raises(AutographError, match="is a generator"):
        compile(autograph(lambda x: next(iter(autograph(f)(x)))))(1.0)
    assert compile(autograph(lambda x: next(iter(f(x)))))(1.0) == 1.0  # as Python runs it


def test_variables_by_name() -> None:
    def f(x: Any) -> Any:
        while x > 1:
            x = locals()["x"] / 2
        return x

    with pytest.raises(AutographError, match=r"locals\(\) is called in line \d+"):
        compile(autograph(f))(3.0)


def test_no_source() -> None:
    space: dict[str, Any] = {}
    code = builtins.compile("def f(x):\n    return x if x > 0 else -x", "<nowhere>", "exec")
    exec(code, space)
    with pytest.raises(AutographError, match="its source is not at hand"):
        compile(autograph(space["f"]))(1.0)
    assert autograph(space["f"])(-2.0) == 2.0


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="takes a function, not 3"):
        autograph(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="autograph the function itself"):
        autograph(grad(grows))
    with pytest.raises(TypeError, match="no Python function"):
        autograph(len)
    with pytest.raises(TypeError, match="does not reach the function"):
        compile(pygrad.jacobian(grows), autograph=True)


def test_two_lambdas_in_a_line() -> None:
    pair = (lambda x: x if x > 0 else -x), (lambda x: x if x > 1 else -1.0)  # fmt: skip
    first, second = (compile(autograph(f)) for f in pair)
    if sys.version_info < (3, 11):  # where code does not know its columns
        with pytest.raises(AutographError, match="several functions in the line"):
            first(-3.0)
        return
    assert (first(-3.0), second(-3.0)) == (3.0, -1.0)


def test_nothing_is_left_behind() -> None:
    from pygrad.control.autograph.context import context

    for f, _, _ in REFUSED:
        with pytest.raises(AutographError):
            compile(vmap(autograph(f)))(np.array([9.0, 0.5]))
        assert (context.branches, context.bodies, context.trying) == (0, 0, 0)
        assert context.active is True
        assert context.raised.cell_contents == 0
        assert context.errors == []
        assert context.running == {}


def test_converted_functions_are_kept() -> None:
    assert convert(grows) is convert(grows)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, n: sum(x**k for k in range(n)),
        lambda x, n: sum([x * k for k in reversed(range(n))]),
        lambda x, n: x * len(range(n)),
        lambda x, n: x * range(n)[1],
        lambda x, n: x if 2 in range(n) else -x,
    ],
)
def test_a_range_of_a_value_that_is_no_loop_says_what_to_do(f: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"use int\(v\).* compile\(f, static_argnums=1\)"):
        compile(autograph(f))(0.5, 3)
    assert compile(autograph(f), static_argnums=1)(0.5, 3) == f(0.5, 3)
