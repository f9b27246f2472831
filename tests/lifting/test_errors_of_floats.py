"""Lifted code raises of Values what it raises of floats: class, text, arguments, on extreme numbers."""

import functools
import itertools
import math

import numpy as np
import pytest

from pygrad import Value, compile, lift, vmap

NUMBERS = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 3.0, -3.0, 171.0, -171.5, 710.0, -746.0),
    *(1e308, -1e308, 1e-308, -1e-308, 5e-324, -5e-324, math.inf, -math.inf, math.nan),
]
OF_ONE = [
    *("x**2", "x**3", "x**400", "x**-1", "x**-2", "x**-3", "x**0.5", "x**-0.5", "x**2.5", "2**x"),
    *("2.0**x", "(-2.0)**x", "0.0**x", "0**x", "1 / x", "pow(x, 3)", "math.ldexp(x, 5000)"),
    *("math.log(x, 2)", "math.log(2.0, x)", "math.gamma(x)", "math.lgamma(x)", "math.exp(x)"),
    *("math.sqrt(x)", "math.cosh(x)", "math.sinh(x)", "math.expm1(x)", "math.acosh(x)"),
    *("math.atanh(x)", "math.log1p(x)", "math.sin(x)", "math.fsum([x, math.inf, math.nan])"),
]
OF_TWO = [
    *("x / y", "x // y", "x % y", "x**y", "pow(x, y)", "math.pow(x, y)", "math.fmod(x, y)"),
    *("math.remainder(x, y)", "math.hypot(x, y)", "divmod(x, y)", "math.fsum([x, y, -x])"),
]


def function(text):
    space = {"math": math}
    exec(f"def f(x, y=0.0): return {text}", space)
    return space["f"]


def raised(f, *args):
    try:
        result = f(*args)
    except TypeError as error:  # of large whole numbers, which lifted code refuses
        return None if "whole number" in str(error) else error
    except ArithmeticError as error:
        return type(error), error.args
    except ValueError as error:
        return type(error), error.args
    return (complex,) if isinstance(result, complex) else ()


NO_REAL_POWER = ValueError, ("a negative number has no real power that is not whole",)


def compare(text, args, given):
    f = function(text)
    expected, found = raised(f, *args), raised(lift(f), *given)
    if found is not None:
        assert found == (NO_REAL_POWER if expected == (complex,) else expected), (text, args)


@pytest.mark.parametrize("text", OF_ONE)
def test_of_one(text):
    for x in NUMBERS:
        compare(text, (x,), (Value(x),))


@pytest.mark.parametrize("text", OF_TWO)
def test_of_two(text):
    f = function(text)
    lifted = lift(f)
    for x, y in itertools.product(NUMBERS[1::2], NUMBERS[::2]):
        expected = raised(f, x, y)
        expected = NO_REAL_POWER if expected == (complex,) else expected
        for given in [(Value(x), Value(y)), (Value(x), y), (x, Value(y))]:
            assert raised(lifted, *given) in (expected, None), (text, x, y)


def kind_of_error(x):
    try:
        return x**2.5
    except OverflowError:
        return x * 0.0 + 1.0
    except ValueError:
        return x * 0.0 + 2.0


def kind_of_error_by_both(x, y):
    try:
        return x**y
    except OverflowError:
        return x * 0.0 + 1.0
    except ValueError:
        return x * 0.0 + 2.0


def test_programs_tell_complex_powers_that_are_too_large_from_others():
    large, small = -1e308, -2.0
    for first in (large, small):
        f = compile(kind_of_error)
        f(first)
        assert [f(large), f(small), f(4.0)] == [1.0, 2.0, 32.0]
        g = compile(lift(kind_of_error_by_both))
        g(first, 2.5)
        assert [g(large, 2.5), g(small, 2.5), g(4.0, 2.5)] == [1.0, 2.0, 32.0]
    of_base = {
        base: compile(lift(functools.partial(kind_of_error_by_both, base))) for base in (-3.0, 2.0)
    }
    for exponents in ([709.8, 2.5, 3.0], [2.5, 709.8, 3.0]):
        for base, f in of_base.items():
            found = [f(y) for y in exponents]
            wanted = [kind_of_error_by_both(base, y) for y in exponents if base > 0 or y == 3.0]
            refused = [1.0 if y > 100 else 2.0 for y in exponents if base < 0 and y != 3.0]
            expected = wanted if base > 0 else refused + wanted
            assert found == pytest.approx(expected, rel=1e-15)
    assert vmap(kind_of_error)(np.array([large, small, 4.0])).tolist() == [1.0, 2.0, 32.0]


def test_eager_powers_raise_what_complex_ones_raise(impl):
    for x, n in [(-1e308, 2.5), (-3.0, 709.8), (-5e-324, -1.5)]:
        with pytest.raises(OverflowError, match="complex exponentiation"):
            x**n
        with pytest.raises(OverflowError, match=r"complex exponentiation: \*\* is too large"):
            impl.Value(x) ** n
    with pytest.raises(ValueError, match="no real power"):
        impl.Value(-2.0) ** 2.5
