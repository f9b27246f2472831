"""Code as users have it: own step control, barriers, controllers, packages that bisect."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autographed import in_a_program, in_plain_python

import pygrad
from pygrad import autograph, compile, grad, math, value_and_grad, vmap


def pendulum(angle: Any) -> Any:
    """The angle after some time by Bogacki and Shampine's pair, with a step of its own."""
    t, speed, step, tolerance = 0.0, 0.0 * angle, 0.25, 1e-3
    while t < 1.0:
        if t + step > 1.0:
            step = 1.0 - t
        a1, b1 = speed, -math.sin(angle)
        a2, b2 = speed + 0.5 * step * b1, -math.sin(angle + 0.5 * step * a1)
        a3, b3 = speed + 0.75 * step * b2, -math.sin(angle + 0.75 * step * a2)
        new = angle + step * (2 * a1 + 3 * a2 + 4 * a3) / 9
        new_speed = speed + step * (2 * b1 + 3 * b2 + 4 * b3) / 9
        a4 = new_speed
        error = abs(step * (-5 * a1 / 72 + a2 / 12 + a3 / 9 - a4 / 8))
        if error <= tolerance:
            t, angle, speed = t + step, new, new_speed
        step = step * min(5.0, max(0.2, 0.9 * (tolerance / (error + 1e-30)) ** (1 / 3)))
    return angle


def barrier(volatility: Any, draws: Any) -> Any:
    price = 1.0
    for z in draws:
        price = price * math.exp(volatility * z - 0.5 * volatility**2)
        if price > 1.5:
            return 0.0 * volatility
    return max(price - 1.0, 0.0)


class Controller:
    def __init__(self, gain: Any) -> None:
        self.gain, self.total = gain, 0.0

    def __call__(self, error: Any) -> Any:
        self.total += 0.1 * error
        flow = self.gain * error + 0.1 * self.total
        if flow > 1.0:
            flow = 1.0
            self.total -= 0.1 * error
        elif flow < 0.0:
            flow = 0.0
        return flow


def controlled(gain: Any, target: Any) -> Any:
    level, settled, controller = 0.5, 0, Controller(gain)
    for _ in range(30):
        level += 0.1 * (controller(target - level) - 0.5 * math.sqrt(level))
        if abs(level - target) < 0.05:
            settled += 1
        else:
            settled = 0
        if settled > 3:
            break
    return level + settled


def test_an_adaptive_step() -> None:
    rows = [0.2, 1.0, 2.5]
    found, _ = in_a_program(pendulum, rows)
    assert found == pytest.approx(in_plain_python(pendulum, rows), rel=1e-12)
    slope = compile(vmap(grad(autograph(pendulum))))(np.array([1.0]))
    assert slope[0] == pytest.approx(grad(pendulum)(1.0), rel=1e-9)


def test_a_barrier() -> None:
    volatility = np.linspace(0.05, 0.4, 12)
    draws = np.random.default_rng(5).normal(size=(12, 20))
    call = compile(vmap(value_and_grad(autograph(barrier))))
    values, slopes = call(volatility, draws)
    assert len(call.programs) == 1
    for i, sigma in enumerate(volatility.tolist()):
        value, slope = value_and_grad(barrier)(sigma, draws[i].tolist())
        assert values[i] == pytest.approx(float(value), rel=1e-12)
        assert slopes[i] == pytest.approx(float(slope), rel=1e-9, abs=1e-15)
    assert 0.0 in values


def test_a_controller() -> None:
    gains, targets = [0.5, 1.0, 3.0, 2.0], [0.4, 0.75, 0.75, 1.75]
    found, paths = in_a_program(controlled, gains, targets)
    assert found == pytest.approx(in_plain_python(controlled, gains, targets), rel=1e-13)
    assert paths == 1


PACKAGE = '''
import math

UNITS = 1.0


def excess(m, x):
    if m < 0:
        raise ValueError("negative")
    return float(m) * m * UNITS - x


def root(x):
    """By halving an interval."""
    if x < 0:
        raise ValueError("no root")
    low, high = 0.0, max(1.0, x)
    m, trips = 0.5 * (low + high), 1
    while (high - low) > 0.001:
        if excess(m, x) > 0:
            high = m
        else:
            low = m
        m = (high + low) / 2
        if trips >= 100:
            raise ValueError("no convergence")
        trips += 1
    return max(m, 0.001)


def length(x, y):
    return math.sqrt(float(x) ** 2 + y**2) if x > 0 else root(y)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    (tmp_path / "by_halves.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    import importlib

    yield importlib.import_module("by_halves")  # type: ignore[misc]
    sys.modules.pop("by_halves")


def test_a_package_that_bisects(package: Any) -> None:
    lifted = pygrad.lift("by_halves", autograph=True)
    rows = np.array([0.25, 2.0, 3.0, 9.0])
    assert vmap(lifted.root)(rows).tolist() == [package.root(x) for x in rows.tolist()]
    assert lifted.root(2.0) == package.root(2.0)
    call = compile(lifted.root)
    with pytest.raises(ValueError, match="no root"):
        call(-1.0)
    lengths = compile(vmap(lifted.length))(np.array([3.0, -1.0]), np.array([4.0, 4.0]))
    assert lengths.tolist() == [5.0, package.root(4.0)]
    lifted.UNITS = 2.0
    assert vmap(lifted.root)(rows[:1])[0] == pytest.approx(0.125**0.5, abs=1e-3)


def test_a_lifted_function() -> None:
    import math as floats

    @pygrad.lift
    def halvings(x: Any) -> Any:
        n = 0
        while x > 1:
            x = floats.sqrt(x) - 0.125
            n += 1
        return x + n

    rows = [0.5, 3.0, 50.0]
    found, _ = in_a_program(halvings, rows)
    assert found == in_plain_python(halvings, rows)
    assert pygrad.lift(halvings.__wrapped__, autograph=True)(3.0) == halvings(3.0)  # type: ignore[attr-defined]
