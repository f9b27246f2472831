"""Programs of lifted code look at each call whether what it reads from elsewhere is what it was."""

import math

import numpy as np
import pytest

from pygrad import compile, grad, lift, vmap

rate = 2.0


def times_rate(x):
    return rate * float(x)


def by_helper(x):
    return math.sin(times_rate(x))


class Rates:
    def scaled(self, x):
        return rate * float(x)


@lift
def decorated(x):
    return rate * float(x)


made = lift(Rates)()
OF_X = {
    "function": lift(times_rate),
    "helper": lift(by_helper),
    "decorated": decorated,
    "method": made.scaled,
    "called": lambda x: lift(times_rate)(x),
    "object": lambda x: made.scaled(x),
    "gradient": grad(lift(lambda x: rate * float(x) ** 2)),
}


@pytest.mark.parametrize("kind", OF_X)
def test_globals(monkeypatch, kind):
    f = OF_X[kind]
    compiled, rows = compile(f), compile(vmap(f))
    for number in (2.0, 3.0, 2.0, 5.0):
        monkeypatch.setitem(globals(), "rate", number)
        assert compiled(0.25) == pytest.approx(f(0.25), rel=1e-15)
        assert rows(np.array([0.25]))[0] == pytest.approx(f(0.25), rel=1e-15)


def test_helpers_that_are_exchanged(monkeypatch):
    f = compile(lift(by_helper))
    assert f(0.25) == pytest.approx(math.sin(0.5))
    monkeypatch.setitem(globals(), "times_rate", lambda x: x)
    assert f(0.25) == pytest.approx(math.sin(0.25))


def test_cells_and_defaults():
    slope = 2.0

    def line(x, start=1.0):
        return start + slope * float(x)

    f = compile(lift(line))
    assert f(1.0) == 3.0
    slope = 4.0
    assert f(1.0) == 5.0
