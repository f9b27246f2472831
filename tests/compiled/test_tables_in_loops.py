"""Tables looked up in loops of programs: one program, and the derivatives of the loop that is unrolled."""

from __future__ import annotations

import numpy as np
import pytest

from pygrad import compile, fori_loop, hessian, interp, take, value_and_grad, vmap
from pygrad.math import floor

XS = np.linspace(0.0, 10.0, 101)
YS = np.sin(XS)


def looped(x, heights):
    return fori_loop(0, 20, lambda i, s: s + 0.05 * interp(s, XS, heights), x)


def unrolled(x, heights):
    for _ in range(20):
        x = x + 0.05 * interp(x, XS, heights)
    return x


def test_a_loop_that_interpolates():
    x = np.array([0.3, 1.7, 5.0])
    rows = compile(vmap(value_and_grad(lambda x: looped(x, YS))))
    values, slopes = rows(x)
    for i, each in enumerate(x):
        assert (values[i], slopes[i]) == pytest.approx(
            value_and_grad(unrolled)(each, YS), rel=1e-14
        )
    assert len(rows.programs) == 1
    assert compile(hessian(lambda x: looped(x, YS)))(1.7) == pytest.approx(
        hessian(lambda x: unrolled(x, YS))(1.7)
    )


def test_the_gradient_by_a_table_that_a_loop_reads():
    value, slopes = compile(value_and_grad(lambda t: looped(1.7, t)))(YS)
    expected = value_and_grad(lambda t: unrolled(1.7, t))(YS)
    assert value == expected[0] and np.allclose(slopes, expected[1], rtol=1e-13, atol=1e-16)


def test_an_item_by_the_number_of_a_trip():
    factors, added = [1.0, 2.0, 0.5, 3.0], [1.0, 2.0, 3.0]

    def f(x):
        return fori_loop(0, 4, lambda i, s: s * take(factors, i) + take(added, floor(s) % 3.0), x)

    def plain(x):
        for i in range(4):
            x = x * factors[i] + added[int(np.floor(x) % 3)]
        return x

    x = np.array([0.3, 1.7, 5.0])
    assert compile(vmap(f))(x).tolist() == [plain(each) for each in x.tolist()]
