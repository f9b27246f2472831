"""What sums of rows are made of, in how many lanes, and that they have the bits of eager code."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from pygrad import compile, grad, math, vmap
from pygrad.core.library import ffi, lib


def program_of(compiled: Any) -> Any:
    (path,) = compiled.store.paths()
    assert lib.pg_program_verify(path.program) == 1
    return path.program


def instructions(program: Any) -> Counter[str]:
    """Those of rows, by what they do."""
    names = (program.code[i].code for i in range(program.spread, program.length))
    return Counter(ffi.string(lib.pg_code_name(code)).decode() for code in names)


def test_what_is_given_out_needs_no_lanes_any_more() -> None:
    def many(x: Any) -> Any:
        return [math.sin(x * k) * x for k in range(100)]

    x = np.linspace(-1.0, 1.0, 70)
    mapped = compile(vmap(many))
    np.testing.assert_allclose(mapped(x), [np.sin(x * k) * x for k in range(100)], rtol=1e-14)
    assert program_of(mapped).lanes < 8


def test_what_is_added_up_needs_no_lanes_any_more() -> None:
    def loss(w: Any, x: Any) -> Any:
        return sum(math.sin(a * x) for a in w)

    w, x = np.linspace(-1.0, 1.0, 100), np.linspace(-2.0, 1.0, 130)
    total = compile(grad(vmap(loss, in_axes=(None, 0), reduce="sum")))
    np.testing.assert_allclose(total(w, x), np.cos(np.outer(w, x)) @ x, rtol=1e-12, atol=1e-12)
    assert instructions(program_of(total))["total_product"] == 100
    assert program_of(total).lanes < 8


def test_rows_that_leave_add_nothing_to_totals() -> None:
    """Results that are ready before the last guard wait for it."""

    def f(w: Any, x: Any) -> Any:
        first = w * x
        return first * first + (first if x > 0.5 else 2.0 * first if x > 0.0 else 3.0 * first)

    x = np.linspace(-1.0, 1.0, 201)
    total = compile(grad(vmap(f, in_axes=(None, 0), reduce="sum")))
    factor = np.where(x > 0.5, 1.0, np.where(x > 0.0, 2.0, 3.0))
    assert total(0.7, x) == pytest.approx((1.4 * x * x + factor * x).sum(), rel=1e-12)
