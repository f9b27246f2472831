"""Values compare with Python's numbers exactly, as floats do: also where no float equals the number."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pygrad import compile as compile_
from pygrad import value_and_grad, vmap

COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]
BIG = 2**53
MOST = int(np.finfo(float).max)
# Where a long double is a double, as on Windows, there is none that is larger.
LONG = np.longdouble("1e400" if np.finfo(np.longdouble).max > MOST else "inf")
NUMBERS: list[Any] = [
    *[sign * (BIG + k) for sign in (1, -1) for k in range(-2, 4)],
    *[sign * 10**400 for sign in (1, -1)],
    *[sign * (MOST + k) for sign in (1, -1) for k in (-1, 0, 1, 2**970)],
    *[Fraction(1, 3), Fraction(-1, 3), Fraction(0.1), Fraction(1, 10), Fraction(1, 10**400)],
    *[Fraction(10**400), Fraction(-(10**400), 3), Fraction(10**400, 10**399)],
    *[0, 1, True, False, 0.1, math.inf, -math.inf, math.nan],
    *[np.int64(BIG + 1), np.uint64(2**64 - 1), np.int8(-3), np.float32(0.1), np.float64(0.1)],
    *[np.longdouble(1) / 3, LONG, np.array(BIG + 1), np.bool_(True)],
]
FLOATS = [
    *[0.0, 1.0, 0.1, 1 / 3, math.nextafter(1 / 3, 1), -1 / 3, 10.0, -3.0, 2.0**64],
    *[float(sign * (BIG + k)) for sign in (1, -1) for k in (-1, 0, 2, 4)],
    *[float(MOST), -float(MOST), math.inf, -math.inf, math.nan, 5e-324],
]


def as_floats_see(number: Any) -> Any:
    """NumPy's numbers count as the float nearest to them."""
    return float(number) if isinstance(number, (np.generic, np.ndarray)) else number


def number_id(number: Any) -> str:
    text = str(number)
    return f"{type(number).__name__} {text if len(text) < 30 else text[:4] + '...' + text[-4:]}"


@pytest.mark.parametrize("number", NUMBERS, ids=number_id)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda c: c.__name__)
def test_a_value_compares_with_a_number_as_its_float_does(
    compare: Any, number: Any, impl: ModuleType
) -> None:
    for x in FLOATS:
        expected = compare(x, as_floats_see(number))
        assert compare(impl.Value(x), number) is expected, (x, number)
        if not isinstance(number, (np.generic, np.ndarray)):  # those ask us by their own ways
            assert compare(number, impl.Value(x)) is bool(compare(number, x)), (number, x)


@pytest.mark.parametrize("number", NUMBERS, ids=number_id)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda c: c.__name__)
def test_a_comparison_in_a_program_is_exact_too(compare: Any, number: Any) -> None:
    def f(x: Any) -> Any:
        return 2.0 * x if compare(x, number) else -x

    compiled, mapped = compile_(f), vmap(value_and_grad(f))
    expected = [2.0 if compare(x, as_floats_see(number)) else -1.0 for x in FLOATS]
    for x, slope in zip(FLOATS, expected, strict=True):
        found = compiled(x)
        assert found == slope * x or math.isnan(found), (x, number)
    assert mapped(np.array(FLOATS))[1].tolist() == expected


def test_a_number_that_raises_when_it_is_compared_says_so(impl: ModuleType) -> None:
    class Odd(Fraction):
        def __gt__(self, other: Any) -> bool:
            raise LookupError("odd")

        __lt__ = __eq__ = __gt__  # type: ignore[assignment]
        __hash__ = Fraction.__hash__

    with pytest.raises(LookupError, match="odd"):
        impl.Value(1.0) < Odd(1, 3)  # noqa: B015
