"""Whole numbers, fractions and decimal numbers that would carry a number on without its derivative."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, jvp, lift, no_grad, value_and_grad, vmap

HEAD = """
import math
from decimal import Decimal, getcontext
from fractions import Fraction
def f(x):
    return {}
"""

LARGE = [
    "int(x * 2.0**53) / 2.0**53",
    "int(math.frexp(x)[0] * 2.0**53) * 2.0**-51",
    "math.ldexp(int(math.ldexp(x, 40)), -40)",
    "(int(x * 2**40) >> 10) / 2.0**30",
    "math.floor(-x * 1e12) / 1e12",
    "math.ceil(x * 1e12) / 1e12",
    "math.trunc(x * 1e12) / 1e12",
    "round(x * 1e10) / 1e10",
    "(x * 1e10 // 1) / 1e10",
    "divmod(x, 1e-10)[0] * 1e-10",
    "math.modf(x * 1e12)[1] / 1e12",
    "float(Fraction(int(x * 2**40), 2**40))",
    "math.isqrt(int(x * 10**12)) / 10**6",
]
EXACT = [
    "float(Decimal(str(x)))",
    "float(Decimal(repr(x)) * 2)",
    "float(Decimal(f'{x}'))",
    "float(getcontext().create_decimal(str(x)))",
    "float(Fraction(str(x)))",
    "float(Decimal(x))",
    "float(Fraction(x))",
]
SMALL = [
    "[1.0, 2.0, 3.0][int(x)] * x",
    "x - math.floor(x)",
    "x - x // 1.0",
    "x * round(x * 1e6)",
    "x + int(2451545.25 + x)",
    "x * float(Decimal('2.5')) * int(10**12)",
    "round(x, 9) + x",
    "math.fmod(x * 1e12, 7.0)",
    "(x * 1e12) % 7.0",
]


def made(expression: str) -> Callable[..., Any]:
    source = HEAD.format(expression)
    name = f"<carried {expression}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(__builtins__["compile"](source, name, "exec"), space)  # type: ignore[index]
    f: Callable[..., Any] = space["f"]
    return f


@pytest.mark.parametrize("expression", LARGE)
def test_large_whole_numbers_are_told(expression: str) -> None:
    f = made(expression)
    lifted = lift(f)
    assert lifted(2.3456) == f(2.3456)
    for derivative in (grad, lambda g: lambda x: jvp(g, (x,), (1.0,))):
        with pytest.raises(TypeError, match="whole number"):
            derivative(lifted)(2.3456)
    with pytest.raises(TypeError, match="whole number"):
        lifted(Value(2.3456))
    with pytest.warns(RuntimeWarning, match="no derivative here"):
        assert compile(lifted)(2.3456) == f(2.3456)
    with pytest.warns(RuntimeWarning, match="no derivative here"):
        vmap(grad(lift(made(expression + " + x"))))(np.array([2.3456, 2.5]))
    with no_grad():
        assert abs(lifted(Value(2.3456)) - f(2.3456)) == 0.0


@pytest.mark.parametrize("expression", EXACT)
def test_decimal_numbers_and_fractions_are_refused(expression: str) -> None:
    f = made(expression)
    lifted = lift(f)
    assert lifted(2.3456) == f(2.3456)
    for run in (grad(lifted), compile(lifted), lambda x: lifted(Value(x))):
        with pytest.raises(TypeError, match="would lose the derivative"):
            run(2.3456)


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
@pytest.mark.parametrize("expression", SMALL)
def test_counts_and_remainders_are_not(expression: str) -> None:
    f = made(expression)
    lifted = lift(f)
    step = 1e-6
    slope = (f(2.3456 + step) - f(2.3456 - step)) / (2 * step)
    for steep, right in (("1e6", round(2.3456e6)), ("x, 9", 1.0), ("1e12", 1e12)):
        slope = right if steep in expression else slope
    assert grad(lifted)(2.3456) == pytest.approx(slope, rel=1e-3)
    assert compile(lifted)(2.3456) == f(2.3456)


def test_other_code_may_have_them() -> None:
    assert grad(lambda x: x * int(x * 2.0**53))(1.0) == 2.0**53
    assert (Value(2.0) * 2.0**40).round().data == 2.0**41


def shown(x: float) -> float:
    print(round(x, 2))
    if x < 0.0:
        raise ValueError(f"{round(x, 3)} is negative")
    return x * round(x) + round(x, -1)


def test_rounding_to_digits_is_told_of_where_a_derivative_is_lost(capsys: Any) -> None:
    lifted = lift(shown)
    assert grad(lifted)(1.237) == 1.0 == compile(grad(lifted))(1.237)
    assert "1.24" in capsys.readouterr().out
    with no_grad(), pytest.raises(ValueError, match=r"-1\.24 is negative"):
        lifted(Value(-1.2399))
    with no_grad():
        assert lift(lambda x: round(x * x, 2))(Value(1.5)).data == 2.25


def by_numpy(x: Any) -> Any:
    a = np.array([x * x, x])
    return np.round(x * x, 2) + np.around([x, 1.0], 3).sum() + a.round(1)[0] + np.round(a)[1]


def test_numpys_roundings_to_digits_are_told_of_and_can_be_left_out() -> None:
    with pytest.warns(RuntimeWarning, match=r"round\(v, [123]\) of a Value is a constant") as told:
        assert value_and_grad(lift(by_numpy))(1.2345) == (by_numpy(1.2345), 0.0)
    assert len(told) == 3
    exact = lift(by_numpy, rounding=False)
    for run in (grad(exact), compile(grad(exact))):
        assert run(1.2345) == pytest.approx(4 * 1.2345 + 1.0)
    assert exact(1.2345) == by_numpy(1.2345)


class Rounded:
    def __init__(self, v: Any) -> None:
        self.v = v

    def __repr__(self) -> str:
        v = round(self.v, 2)
        return f"Rounded({v})"

    def __eq__(self, other: Any) -> bool:
        return bool(round(self.v, 6) == np.round(other.v, 6))

    def __hash__(self) -> int:
        return hash(round(self.v, 6))


def deciding(x: Any) -> Any:
    assert round(x, 3) == np.round(x, 3), f"{x} is two"
    assert repr(Rounded(x)) == "Rounded(1.23)"
    if Rounded(x) == Rounded(x) and round(x, 2) > 1.0:  # truths have no slope
        return x * x
    return round(number=x, ndigits=2)


def test_roundings_for_truths_and_texts_lose_no_derivative_and_are_not_told_of() -> None:
    assert grad(lift(deciding))(1.2345) == 2 * 1.2345  # where a warning would be an error
    loses = lift(lambda x: round(number=x, ndigits=2) if x > 0 else x)
    with pytest.warns(RuntimeWarning, match=r"round\(v, 2\) of a Value is a constant"):
        assert value_and_grad(loses)(1.2345) == (1.23, 0.0)
