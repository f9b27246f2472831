"""A compiled function raises nothing of a numeric reason, and vmap(errors="raise") raises what it says: a
handler around the call decides the same for numbers, for Values, in transforms and in traces."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, hessian, jvp, load, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm


def guarded(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What calls a function, and has another number where it raises."""

    def f(x: Any) -> Any:
        try:
            return inner(x)
        except (ArithmeticError, ValueError):
            return 3 * x

    return f


def answers(f: Callable[[Any], Any], x: float) -> list[float]:
    """What a function gives at a point, in each way of calling it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = Value(x)
        return [
            float(f(x)),
            f(w).data,
            value_and_grad(f)(x)[0],
            jvp(f, (x,), (1.0,))[0],
            compile_(f)(x),
            compile_(value_and_grad(f))(x)[0],
            float(vmap(f)([x, x])[1]),
            compile_(lambda x: f(x) + 0.0)(x),
        ]


OPS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (lambda x: pm.exp(x), 1000.0),
    "log": (lambda x: pm.log(x), 0.0),
    "division": (lambda x: 1 / x, 0.0),
    "root": (lambda x: pm.sqrt(x) + 1.0, -1.0),
    "power": (lambda x: x**200, 1e10),
    "finite again": (lambda x: 1 / (1 + pm.exp(x)), 1000.0),
    "gradient": (grad(lambda x: pm.log(x)), 0.0),
}


@pytest.mark.parametrize("name", OPS)
def test_a_compiled_function_raises_nothing_whoever_calls_it(name: str, tmp_path: Path) -> None:
    op, bad = OPS[name]
    inner = compile_(op)
    wanted = inner(bad)
    assert answers(guarded(inner), bad) == pytest.approx([wanted] * 8, nan_ok=True)
    assert answers(guarded(inner), 0.5) == pytest.approx([inner(0.5)] * 8)
    inner.save(tmp_path / "f")
    loaded = load(tmp_path / "f")
    assert answers(guarded(loaded), bad) == pytest.approx([wanted] * 8, nan_ok=True)


def test_derivatives_are_those_of_the_program() -> None:
    inner = compile_(lambda x: 1 / (1 + pm.exp(-x)))
    f = guarded(lambda x: inner(x) * x)
    for derivative in (grad, hessian):
        wanted = compile_(derivative(lambda x: 1 / (1 + pm.exp(-x)) * x))(-1000.0)
        assert derivative(f)(-1000.0) == compile_(derivative(f))(-1000.0) == wanted
        assert derivative(inner)(-1000.0) == compile_(derivative(inner))(-1000.0)


def test_handlers_within_it_decide_as_ever() -> None:
    inner = compile_(guarded(pm.exp))
    assert answers(inner, 1000.0) == [3000.0] * 8
    assert answers(guarded(inner), 1000.0) == [3000.0] * 8
    assert grad(guarded(inner))(1000.0) == compile_(grad(guarded(inner)))(1000.0) == 3.0


def test_what_it_raises_by_a_statement_is_raised() -> None:
    def picky(x: Any) -> Any:
        if x > 1:
            raise ValueError("too large")
        return x * x

    inner = compile_(picky)
    assert answers(guarded(inner), 5.0) == [15.0] * 8
    for call in (inner, grad(inner), compile_(grad(inner))):
        with pytest.raises(ValueError, match="too large"):
            call(5.0)


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_a_map_that_raises_does_so_wherever_it_is_called(reduce: str | None) -> None:
    for op, bad in (
        (pm.exp, 1000.0),
        (pm.log, 0.0),
        (lambda x: x * 1e308 * 10.0, 5.0),
    ):
        rows = vmap(op, reduce=reduce, errors="raise")

        def inner(x: Any, rows: Any = rows) -> Any:
            found = rows([0.25 * x, x] if isinstance(x, Value) else np.array([0.25 * x, x]))
            return found if reduce else found[1]

        assert answers(guarded(inner), bad) == [3.0 * bad] * 8
        assert grad(guarded(inner))(bad) == compile_(grad(guarded(inner)))(bad) == 3.0
        fine = 1e-3
        assert answers(guarded(inner), fine) == pytest.approx([float(inner(fine))] * 8)
