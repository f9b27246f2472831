"""Code for floats that looks things up by bisect or floor, lifted: few programs, the numbers of floats."""

from __future__ import annotations

import bisect
import math

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, value_and_grad, vmap

XS = [0.0, 1.0, 2.0, 4.0, 8.0]
YS = [1.0, 3.0, 2.0, 5.0, 4.0]
ARRAY = np.array(YS)
NAMES = ["a", "b", "c", "d", "e"]
COUNTS = [3, 1, 2, 0, 4]


def line(x):
    i = bisect.bisect_right(XS, x) - 1
    i = max(0, min(i, len(XS) - 2))
    slope = (YS[i + 1] - YS[i]) / (XS[i + 1] - XS[i])
    return YS[i] + slope * (x - XS[i])


def in_steps(x):
    i = bisect.bisect(XS, x)
    if i == 0 or i == len(XS):
        return 0.5 * x
    return YS[i - 1] * x


def from_the_left(x):
    return YS[bisect.bisect_left(XS, x, 1, 4)] * x


def by_floor(x):
    i = math.floor(x)
    return YS[i] + x * (YS[i + 1] - YS[i])


def by_array(x):
    j = np.searchsorted(ARRAY, x) - 1
    return ARRAY[j] * x


def caught(x):
    try:
        return YS[math.floor(x) + 2] * x
    except IndexError:
        return -x


@pytest.mark.parametrize(
    ("f", "programs"),
    [(line, 2), (in_steps, 2), (from_the_left, 1), (by_floor, 1), (by_array, 1), (caught, 2)],
)
def test_one_program_serves_many_cells(f, programs):
    lifted = lift(f)
    x = np.linspace(0.05, 3.95, 30)
    together = compile(vmap(value_and_grad(lifted)))
    values, slopes = together(x)
    assert values.tolist() == [f(each) for each in x.tolist()]
    assert slopes == pytest.approx([grad(lifted)(each) for each in x.tolist()], rel=1e-14)
    assert len(together.programs) <= programs
    assert lifted(1.5) == f(1.5) and type(lifted(1.5)) is type(f(1.5))


def named(x):
    return x if NAMES[math.floor(x)] == "b" else 2.0 * x


def counted(x):
    return YS[COUNTS[math.floor(x)]] * x


@pytest.mark.parametrize("f", [named, counted])
def test_what_is_no_table_of_floats_is_read_by_the_number(f):
    x = np.array([0.5, 1.5, 3.5])
    assert compile(vmap(lift(f)))(x).tolist() == [f(each) for each in x.tolist()]


def test_bisect_of_numbers_is_pythons():
    def search(*args, **named):
        return bisect.bisect_left(*args, **named)

    lifted = lift(search)
    assert lifted(XS, 2.0) == 2 and type(lifted(XS, 2.0)) is int
    assert lifted(NAMES, "c") == 2 and lifted([3, 2, 1], -2, key=lambda x: -x) == 1
    assert lifted(list(map(Value, XS)), Value(3.0)) == 3
    for wrong in (search, lift(search)):
        with pytest.raises(ValueError, match="lo must be non-negative"):
            wrong(XS, 2.0, -1)
    with pytest.raises(ValueError, match="lo must be non-negative"):
        compile(lambda x: lifted(XS, x, -1))(2.0)
    assert compile(lambda x: lifted(XS, x, 1, None) * x)(2.5) == 7.5
    assert grad(lambda x: lifted(XS, x) * x)(2.5) == 3.0
