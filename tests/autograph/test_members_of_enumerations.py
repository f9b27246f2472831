"""A branch that gives one member of an enumeration or another gives members, as plain Python does."""

import enum

import numpy as np
import pytest

from pygrad import autograph, compile, grad, vmap


class Region(enum.IntEnum):
    LOW, MIDDLE, HIGH = 1, 2, 3


DENSITIES = {
    Region.LOW: lambda x: 2.0 * x,
    Region.MIDDLE: lambda x: 1.0 + x * x,
    Region.HIGH: lambda x: 0.5 - x,
}
ROWS = np.array([1.0, 3.0, 7.0])


def region_of(x):
    if x > 5:
        return Region.HIGH
    return Region.LOW if x < 2 else Region.MIDDLE


def by_table(x):
    region = region_of(x)
    return DENSITIES[region](x) * region


def by_name(x):
    region = Region.HIGH
    if x < 5:
        region = Region.MIDDLE
    return x * len(region.name)


@pytest.mark.parametrize("f", [by_table, by_name])
def test_members_stay_members(f):
    expected = [f(x) for x in ROWS.tolist()]
    slopes = [grad(f)(x) for x in ROWS.tolist()]
    for g in (vmap(autograph(f)), compile(vmap(autograph(f)))):
        assert g(ROWS).tolist() == expected
    assert vmap(grad(autograph(f)))(ROWS).tolist() == slopes


def test_members_are_numbers_in_the_body_of_a_loop():
    def f(x):
        while x > 1:
            step = Region.HIGH if x > 6 else Region.LOW
            x = x - 0.25 * step
        return x

    halved = compile(vmap(autograph(f)))
    assert halved(ROWS).tolist() == [f(x) for x in ROWS.tolist()]
    assert len(halved.programs) == 1
