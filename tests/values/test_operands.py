"""What is an operand beside a Value, on either side of an operator, and what is not."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from slopes import same

NUMBERS = [
    3,
    -2.5,
    True,
    Fraction(1, 3),
    2**70,
    np.float64(2.5),
    np.float32(0.1),
    np.float16(0.1),
    np.int8(-3),
    np.uint64(2**63),
    np.bool_(True),
    np.array(2.5),
    np.array(7, dtype=np.int32),
    np.array(True),
]
NO_NUMBERS = [Decimal("1.5"), 1j, "1.0", None, b"1", [1.0], (1.0,), {}, object(), np.complex128(1)]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda x: f"{type(x).__name__}-{x}")
def test_numbers_are_operands_on_either_side(number: Any, impl: ModuleType) -> None:
    x, as_float = impl.Value(4.0), float(number)
    for ours, plain in (
        (x + number, 4.0 + as_float),
        (number + x, as_float + 4.0),
        (x - number, 4.0 - as_float),
        (number - x, as_float - 4.0),
        (x * number, 4.0 * as_float),
        (number * x, as_float * 4.0),
        (x / number, 4.0 / as_float),
        (number / x, as_float / 4.0),
        (x % number, 4.0 % as_float),
        (number % x, as_float % 4.0),
        (x // number, 4.0 // as_float),
        (number // x, as_float // 4.0),
        (impl.FUNCTIONS["atan2"](number, x), math.atan2(as_float, 4.0)),
        (impl.FUNCTIONS["maximum"](x, number), max(4.0, as_float)),
    ):
        assert type(ours) is impl.Value
        same((ours.data,), (plain,))
    assert (x < number) is (4.0 < as_float)
    assert (x == number) is (4.0 == as_float)
    same((impl.Value(number).data,), (as_float,))
    x.data = number
    x.grad = number
    same((x.data, x.grad), (as_float, as_float))
    if abs(as_float) < 100:
        same(((impl.Value(4.0) ** number).data,), (4.0**as_float,))


@pytest.mark.parametrize("thing", NO_NUMBERS, ids=lambda x: type(x).__name__)
def test_other_things_are_no_operands(thing: Any, impl: ModuleType) -> None:
    x = impl.Value(4.0)
    for use in (
        lambda: x + thing,
        lambda: thing + x,
        lambda: x * thing,
        lambda: thing * x,
        lambda: x / thing,
        lambda: thing - x,
        lambda: x % thing if not isinstance(thing, str | bytes) else x + thing,
        lambda: x**thing,
        lambda: x < thing,
        lambda: impl.FUNCTIONS["atan2"](x, thing),
        lambda: impl.FUNCTIONS["maximum"](thing, x),
        lambda: impl.FUNCTIONS["where"](x, thing, x),
        lambda: impl.Value(thing),
        lambda: setattr(x, "data", thing),
        lambda: setattr(x, "grad", [None] if thing is None else thing),  # None is 0
        lambda: x.backward(thing),
        lambda: impl.Value(1.0, [x], [thing]),
        lambda: impl.sum([x, thing]),
        lambda: impl.dot([x], [thing]),
    ):
        with pytest.raises(TypeError):
            use()
    same((x.data, x.grad), (4.0, 0.0))
    # A number of NumPy's compares by NumPy's function, and gives what that gives for floats: np.False_.
    assert type(x == thing) in {bool, np.bool_} and not x == thing


def test_operators_leave_others_to_the_other_side(impl: ModuleType) -> None:
    """NotImplemented, so that arrays and foreign tensors have their say."""
    x = impl.Value(4.0)

    class Tensor:
        def __radd__(self, other: Any) -> str:
            return "tensor's turn"

        __rmul__ = __rsub__ = __rtruediv__ = __rpow__ = __rmod__ = __rfloordiv__ = __radd__

    for use in (
        x + Tensor(),
        x * Tensor(),
        x - Tensor(),
        x / Tensor(),
        x % Tensor(),
        x // Tensor(),
    ):
        assert use == "tensor's turn"
    assert x ** Tensor() == "tensor's turn"
    for name in ("__add__", "__radd__", "__mul__", "__truediv__", "__lt__", "__eq__"):
        assert getattr(x, name)(np.array([1.0, 2.0])) is NotImplemented
        assert getattr(x, name)("1.0") is NotImplemented


def test_an_int_too_large_for_a_float(impl: ModuleType) -> None:
    x, big = impl.Value(4.0), 10**400
    for use in (
        lambda: x + big,
        lambda: big * x,
        lambda: x / -big,
        lambda: x**big,
        lambda: impl.Value(big),
        lambda: setattr(x, "data", big),
        lambda: setattr(x, "grad", big),
        lambda: x.backward(big),
        lambda: impl.sum([x, big]),
        lambda: impl.Value(Fraction(big)),
    ):
        with pytest.raises(OverflowError):
            use()
    same((x.data, x.grad), (4.0, 0.0))
