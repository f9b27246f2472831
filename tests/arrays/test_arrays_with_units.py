"""Arrays of classes that are more than their numbers: what they say is kept, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, jacobian, vmap


class OfHooks(np.ndarray):
    """Units by __array_finalize__ and __array_wrap__, as the package quantities has them."""

    __array_priority__ = 21
    units: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.units = getattr(other, "units", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: Any = False) -> Any:
        made = np.asarray(array).view(OfHooks)
        made.units = self.units
        return made


class OfUfuncs(np.ndarray):
    """Units by __array_ufunc__, as those of astropy."""

    unit: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.unit = getattr(other, "unit", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, OfUfuncs) else x for x in inputs]
        made = np.asarray(getattr(ufunc, method)(*plain, **named)).view(OfUfuncs)
        made.unit = self.unit
        return made


class Refusing(OfUfuncs):
    """One that takes no arrays of objects, as those of unyt."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        if any(np.asarray(x).dtype.kind == "O" for x in inputs):
            return NotImplemented
        return super().__array_ufunc__(ufunc, method, *inputs, **named)


def metres(kind: Any, x: Any) -> Any:
    made = np.array(x).view(kind)
    setattr(made, "units" if kind is OfHooks else "unit", "m")
    return made


def unit_of(x: Any) -> Any:
    return getattr(x, "units", getattr(x, "unit", None))


OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda v, q: v * q,
    lambda v, q: q * v,
    lambda v, q: v / q,
    lambda v, q: q / v,
    np.multiply,
    lambda v, q: np.multiply(q, v),
]


@pytest.mark.parametrize("kind", [OfHooks, OfUfuncs])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("x", [3.0, [3.0, 4.0]])
def test_a_value_and_a_quantity_make_a_quantity(kind: Any, operation: Any, x: Any) -> None:
    v = Value(2.0)
    made = operation(v, metres(kind, x))
    assert isinstance(made, kind) and unit_of(made) == "m"
    numbers = [item.data for item in np.asarray(made).ravel().tolist()]
    assert numbers == np.ravel(operation(2.0, np.array(x))).tolist()


def test_of_a_masked_number_nothing_is_computed() -> None:
    assert np.multiply(Value(2.0), np.ma.masked) is np.ma.masked


@pytest.mark.parametrize("kind", [OfHooks, OfUfuncs])
def test_units_of_arguments_and_results_are_not_lost(kind: Any) -> None:
    one, two = metres(kind, 2.0), metres(kind, [2.0, 3.0])
    for call in (
        lambda: grad(lambda x: x * x)(one),
        lambda: grad(lambda x: (x * x).sum())(two),
        lambda: grad(lambda x: x[0] * x[1])([one, one]),
        lambda: vmap(lambda x: x * x)(two),
        lambda: grad(lambda x: x * one)(2.0),
        lambda: jacobian(lambda x: x * two)(2.0),
        lambda: compile(lambda x: x * one)(2.0),
        lambda: vmap(lambda x: x * one)([1.0, 2.0]),
    ):
        with pytest.raises(TypeError, match=r"with units, .* take its numbers"):
            call()
    assert grad(lambda x: np.asarray(x * one).item())(2.0) == 2.0


def test_one_that_takes_no_values_is_named() -> None:
    with pytest.raises(TypeError, match="take Values: compute with its plain numbers"):
        grad(lambda x: (x * metres(Refusing, [2.0, 3.0])).sum())(2.0)
