"""Tests of loops and branches that assign in later operands of `and` and `or` stand in the program once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pygrad import autograph, compile, grad, value_and_grad, vmap

X = np.array([0.05, 0.4, 1.3, 3.0, 7.0])


def of_a_loop(x: Any) -> Any:
    t, n = x, 0
    while (t := t * 0.5) > 0.3 and (n := n + 1) < 20:
        pass
    return t * n


def one_in_another(x: Any) -> Any:
    y, k, v, w = x, 0, 0.0, 0.0
    while ((y := y * 0.9) > 0.1 or (w := y) > 0.05) and ((k := k + 1) < 5 or (v := y * 2) > 0.3):
        y = y - 0.01
    return y * k + w + v


def of_branches(x: Any) -> Any:
    y, k, z = x, 0.0, 0.0
    while y > 0.1:
        if (y > 1.0 and (z := y * 0.25) < 3.0) or (k := k + 1) > 2:
            y = y * 0.5 + 0.001 * k
        elif y < 0.5 and (z := y) > 0:
            y = y * 0.9
        else:
            y = y - 0.05
    return y + k + z


def of_branches_that_leave(x: Any) -> Any:
    y = x
    for i in range(100):
        if x > i * 0.1 and (y := y + x * 0.1) > 6.0:
            break
        if (m := y * 0.5) > 2.0 and (k := m * 0.5) > 1.2:
            return k * y
    return y


@pytest.mark.parametrize("f", [of_a_loop, one_in_another, of_branches, of_branches_that_leave])
def test_rows_have_what_plain_python_gives_in_one_program(f: Any) -> None:
    mapped = compile(vmap(value_and_grad(autograph(f))))
    values, slopes = mapped(X)
    assert values.tolist() == pytest.approx([f(x) for x in X.tolist()], rel=1e-14)
    assert slopes.tolist() == pytest.approx([grad(f)(x) for x in X.tolist()], rel=1e-13)
    assert len(mapped.programs) == 1
    assert [autograph(f)(x) for x in X.tolist()] == [f(x) for x in X.tolist()]
