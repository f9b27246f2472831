"""An adjoint of zero stays zero whatever the slope: branches not taken are silent; and what that costs."""

from __future__ import annotations

import itertools
import math
from types import ModuleType

import pytest
from programs import SPECIALS
from slopes import at, same, slopes

inf, nan = math.inf, math.nan


def test_the_product_of_adjoint_and_slope(impl: ModuleType) -> None:
    """An exact 0 on either side wins over inf and nan. Else it is the product."""
    for adjoint, slope in itertools.product(SPECIALS, repeat=2):
        x = impl.Value(1.0)
        node = impl.Value(2.0, [x], [slope])
        node.backward(adjoint)
        product = 0.0 if 0.0 in (adjoint, slope) else adjoint * slope
        same((x.grad,), (0.0 + product,))


@pytest.mark.parametrize("slope", [inf, -inf, nan])
def test_absolute_zero_through_dot(slope: float, impl: ModuleType) -> None:
    w, x = impl.Value(2.0), impl.Value(slope)
    (impl.dot([w], [x]) * 0.0).backward()
    same((w.grad, x.grad), (0.0, 0.0))
    w = impl.Value(2.0)
    (impl.sum([w * slope]) * 0.0).backward()
    same((w.grad,), (0.0,))


@pytest.mark.parametrize(("name", "edge"), [("sqrt", 0.0), ("asin", 1.0), ("acosh", 1.0)])
def test_a_branch_not_taken_is_silent(name: str, edge: float, impl: ModuleType) -> None:
    """Its slope is infinite; a branch taken has its slope, infinite or not."""
    where, f, step = impl.FUNCTIONS["where"], impl.FUNCTIONS[name], impl.FUNCTIONS["step"]
    same(slopes(lambda x: where(step(x - edge), f(x), 0.0), impl, edge), (0.0, 0.0))
    same(slopes(lambda x: where(step(edge - x), 0.0, f(x)), impl, edge)[1:], (inf,))
    same(slopes(lambda x: where(x > edge, f(x), 0.0), impl, edge), (0.0, 0.0))


@pytest.mark.parametrize("start", ["log", "div", "pown"])
def test_a_pole_in_the_branch_not_taken(start: str, impl: ModuleType) -> None:
    """log(0) raises when built; so it is built elsewhere, and the data moved to 0 after."""
    where = impl.FUNCTIONS["where"]
    x = impl.Value(1.0)
    pole = {"log": lambda: x.log(), "div": lambda: 1.0 / x, "pown": lambda: x**-0.5}[start]()
    result = where(x > 0.0, pole, 0.0)
    condition = result._children[0]
    x.data, pole.data = 0.0, -inf
    condition.data, result.data = 0.0, 0.0
    result.backward()
    assert math.isinf(pole.local_derivatives[0])
    same((x.grad, pole.grad), (0.0, 0.0))
    condition.data = 1.0
    x.grad = 0.0
    result.backward()
    assert math.isinf(x.grad)  # the same branch, taken


def test_where(impl: ModuleType) -> None:
    where = impl.FUNCTIONS["where"]
    for condition in (1.0, -2.0, 5e-324, inf, nan):
        same(at(impl, "where", condition, 3.0, 4.0), (3.0, 0.0, 1.0, 0.0))
    for condition in (0.0, -0.0):
        same(at(impl, "where", condition, 3.0, 4.0), (4.0, 0.0, 0.0, 1.0))
    x = impl.Value(-3.0)
    result = where(x > 0, x, -x)
    result.backward()
    same((result.data, x.grad), (3.0, -1.0))


def test_the_price_of_absolute_zero(impl: ModuleType) -> None:
    """sqrt(x) * sqrt(x) is x, but its slope at 0 comes out as 0."""
    sqrt = impl.FUNCTIONS["sqrt"]
    same(slopes(lambda x: sqrt(x) * sqrt(x), impl, 0.0), (0.0, 0.0))
    same(slopes(lambda x: sqrt(x * x), impl, 0.0), (0.0, 0.0))
    same(slopes(sqrt, impl, 0.0), (0.0, inf))


def test_inf_and_nan_propagate_backward(impl: ModuleType) -> None:
    x = impl.Value(2.0)
    (x * inf).backward()
    same((x.grad,), (inf,))
    x = impl.Value(2.0)
    (x * nan).backward()
    same((x.grad,), (nan,))
    x = impl.Value(2.0)
    y = x * 3.0
    y.backward(nan)
    same((x.grad, y.grad), (nan, nan))
    y.backward(inf)
    same((x.grad, y.grad), (nan, inf))  # a leaf adds up: nan stays
    x = impl.Value(2.0)
    (x * inf - x * inf).backward()
    same((x.grad,), (nan,))


def test_minus_zero_is_kept(impl: ModuleType) -> None:
    zero = impl.Value(-0.0)
    same((zero.data,), (-0.0,))
    kept = [-impl.Value(0.0), zero + -0.0, zero * 1.0, zero / 1.0, zero**1, zero**3, +zero]
    kept += [zero.relu(), zero.sqrt(), zero.tanh(), zero.sin(), zero.asinh(), zero.expm1()]
    kept += [zero.log1p(), zero.atan(), zero.sinh(), zero.erf(), zero.floor(), zero.round()]
    kept += [impl.FUNCTIONS["where"](1.0, zero, 2.0), zero.clip(-1.0, 1.0)]
    for v in kept:
        same((v.data,), (-0.0,))
    same(((zero + 0.0).data, abs(zero).data, (zero**2).data), (0.0, 0.0, 0.0))
    zero.grad = -0.0
    same((zero.grad,), (-0.0,))
