"""A handler of ZeroDivisionError around divisions in a loop that stands in the program once does what it
does in plain Python, and what is no such handler is unrolled, or refused, as before."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from pygrad import autograph, compile, grad, math, value_and_grad, vmap
from pygrad.control.autograph.dividing import as_comparisons

TRIPS = 100
X = np.array([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 7.0])


def one(x: Any) -> Any:
    y = x
    for _ in range(TRIPS):
        try:
            y = y + 0.01 / (x - 1.0)
        except ZeroDivisionError:
            y = y * 0.99
        if y > 3.0:
            break
    return y


def within_one_another(x: Any) -> Any:
    y = x
    for _ in range(TRIPS):
        try:
            y = y / (1.0 + 0.001 / x) - (y // (x - 2.0)) * 1e-3
        except ZeroDivisionError:
            y = y + 0.02
    return y


def several(x: Any) -> Any:
    y, z = x, 1.0
    for _ in range(TRIPS):
        try:
            z = 0.5 * x
            y /= 1.0 + x
            z = math.tanh(z) + y % (x - 3.0)
        except ZeroDivisionError:
            y = y + z
    return y + z


def by_a_power(x: Any) -> Any:
    y = 0.0
    for _ in range(TRIPS):
        try:  # noqa: SIM105  what is converted
            y = y + 0.1 * x**-2 + (x - 1.0) ** 3
        except ZeroDivisionError:
            pass
    return y


def helper(x: Any, y: Any) -> Any:
    try:
        found = y / (x - 1.0)
    except ZeroDivisionError:
        found = 2.0 * y
    return found


def in_a_function(x: Any) -> Any:
    y = 1.0 + 0.0 * x
    while y < 50.0:
        y = y + abs(helper(x, y)) + 0.5
    return y


@pytest.mark.parametrize("f", [one, within_one_another, several, by_a_power, in_a_function])
def test_rows_have_what_plain_python_gives(f: Any) -> None:
    mapped = compile(vmap(value_and_grad(autograph(f))))
    values, slopes = mapped(X)
    for x, value, slope in zip(X.tolist(), values, slopes, strict=True):
        assert value == pytest.approx(f(x), rel=1e-13), x
        assert slope == pytest.approx(grad(f)(x), rel=1e-12), x
    assert len(mapped.programs) == 1
    assert [autograph(f)(x) for x in X.tolist()] == [f(x) for x in X.tolist()]


def test_numbers_of_numpy_that_do_not_raise_do_not_in_eager_code() -> None:
    with np.errstate(all="ignore"):
        assert autograph(one)(np.float64(1.0)) == one(np.float64(1.0)) == np.inf


OTHERS = [
    "try: y = a / b\nexcept ArithmeticError: y = 0",
    "try: y = a / b\nexcept (ZeroDivisionError, ValueError): y = 0",
    "try: y = a / b\nexcept ZeroDivisionError as e: y = str(e)",
    "try: y = a / b\nexcept ZeroDivisionError: y = 0\nelse: y = 1",
    "try: y = a / b\nexcept ZeroDivisionError: y = 0\nfinally: y = 1",
    "try: y = a / b\nexcept ZeroDivisionError: raise",
    "def f():\n try: return a / b\n except ZeroDivisionError: return 0",
    "try: y = f(a) / b\nexcept ZeroDivisionError: y = 0",
    "try: y = a ** b\nexcept ZeroDivisionError: y = 0",
    "try: y = a / b if c else 0\nexcept ZeroDivisionError: y = 0",
    "try: y[0] = a / b\nexcept ZeroDivisionError: y = 0",
    "try: y = a * b\nexcept ZeroDivisionError: y = 0",
]


@pytest.mark.parametrize("source", OTHERS)
def test_what_else_may_raise_is_left_as_it_is(source: str) -> None:
    tries = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Try)]
    assert [as_comparisons(node) for node in tries] == [None]
