"""check_grad under attack: wrong gradients of steep, flat, tiny and huge functions are never ok."""

from __future__ import annotations

import collections
import math
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from checked import INCONCLUSIVE, OK, WRONG

import pygrad.math as pm
from pygrad import Value, value_and_grad
from pygrad.checking.check import GradientCheck, check_grad

Function = Callable[[Any], Any]
EPS = sys.float_info.epsilon

# Of one input t and a scale a by which t is multiplied.
ONE: dict[str, Callable[[Any, float], Any]] = {
    "exp": lambda t, a: pm.exp(a * t),
    "exp of minus": lambda t, a: pm.exp(-(a * t)),
    "bell": lambda t, a: pm.exp(-((a * t) ** 2)),
    "cosh": lambda t, a: pm.cosh(a * t),
    "sinh": lambda t, a: pm.sinh(a * t),
    "exp of exp": lambda t, a: pm.exp(-pm.exp(a * t)),
    "power": lambda t, a: (a * t) ** 300,
    "negative power": lambda t, a: (a * t) ** -40,
    "square": lambda t, a: (a * t) ** 2,
    "cubic": lambda t, a: (a * t) ** 3 - a * t,
    "line": lambda t, a: 3.0 * a * t,
    "line with an offset": lambda t, a: a * t + 1.0,
    "quotient": lambda t, a: 1.0 / (1.0 + (a * t) ** 2),
    "pole": lambda t, a: 1.0 / (a * t - 1.0),
    "root": lambda t, a: pm.sqrt(a * t),
    "log": lambda t, a: pm.log(a * t),
    "log1p": lambda t, a: pm.log1p(a * t),
    "logarithm squared": lambda t, a: pm.exp(-(pm.log(a * t) ** 2)),
    "sin": lambda t, a: pm.sin(a * t),
    "tan": lambda t, a: pm.tan(a * t),
    "tanh": lambda t, a: pm.tanh(a * t),
    "sigmoid": lambda t, a: pm.sigmoid(a * t),
    "softplus": lambda t, a: pm.softplus(a * t),
    "erfc": lambda t, a: pm.erfc(a * t),
    "atan": lambda t, a: pm.atan(a * t),
    "tiny": lambda t, a: 1e-305 * pm.sin(a * t),
    "huge": lambda t, a: 1e300 * pm.sin(a * t),
    "waves on a hill": lambda t, a: pm.sin(20.0 * a * t) * pm.exp(a * t),
}

# Of three inputs, some of which matter more than others.
MORE: dict[str, Callable[[Any, float], Any]] = {
    "product": lambda v, a: a * v[0] * v[1] * v[2],
    "sum of powers": lambda v, a: v[0] + a * v[1] ** 2 + v[2] ** 3,
    "exp of a product": lambda v, a: pm.exp(a * v[0] * v[1]) / v[2],
    "bell": lambda v, a: pm.exp(-((v[0] - a * v[1]) ** 2)) * v[2],
    "steep and flat": lambda v, a: pm.exp(v[0]) * pm.sigmoid(v[1]) + v[2],
    "distance": lambda v, a: pm.hypot(v[0], a * v[1]) + pm.atan2(v[1], v[2]),
}

MUTATIONS: dict[str, Callable[[list[float], int], float]] = {
    "the sign flipped": lambda slopes, i: -slopes[i],
    "twice as much": lambda slopes, i: 2.0 * slopes[i],
    "a thousandth more": lambda slopes, i: slopes[i] * (1.0 + 1e-3),
    "another input's": lambda slopes, i: slopes[i - 1],
    "zero": lambda slopes, i: 0.0,
}


def with_slopes(f: Function, slopes: list[float]) -> Function:
    """f of a list of Values, with these slopes at all points."""
    return lambda v: Value(f([x.data for x in v]), v, slopes)


def cases(seed: int, count: int) -> Iterator[tuple[str, Function, list[float], float, list[float]]]:
    """(name, f, point, f there, its slopes), all of them finite numbers."""
    rng = random.Random(seed)
    while count:
        scale = 10 ** rng.choice([0.0, rng.uniform(-2, 2), rng.uniform(-12, 12)])
        if rng.random() < 0.8:
            name = rng.choice(list(ONE))
            at = rng.choice(
                [rng.uniform(-3, 3), 10 ** rng.uniform(-2, 2.8), -(10 ** rng.uniform(0, 2))]
            )
            xs = [at / scale]

            def f(v: Any, name: str = name, scale: float = scale) -> Any:
                return ONE[name](v[0], scale)
        else:
            name = rng.choice(list(MORE))
            xs = [rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 2) for _ in range(3)]

            def f(v: Any, name: str = name, scale: float = scale) -> Any:
                return MORE[name](v, scale)

        try:
            y, slopes = value_and_grad(f)(xs)
        except (ArithmeticError, ValueError):
            continue
        if all(map(math.isfinite, [y, *slopes])) and any(slopes):
            count -= 1
            yield name, f, xs, y, [float(s) for s in slopes]


def is_drowned(slope: float, y: float, x: float, roundings: float) -> bool:
    """Whether a slope moves f by less than so many of its roundings, over as much as x itself."""
    return abs(slope) <= roundings * EPS * abs(y / x)


def verdict_of(check: GradientCheck, i: int) -> str:
    return check.rows[i].verdict


def attack(seed: int, count: int, roundings: float) -> collections.Counter[str]:
    """Verdicts on so many functions and all mutations of a slope of each. None may pass as ok.

    Slopes that move f by no more than so many roundings of it are left out.
    """
    seen: collections.Counter[str] = collections.Counter()
    for name, f, xs, y, slopes in cases(seed, count):
        right = check_grad(f, xs)
        assert right.verdict != WRONG, f"{name} at {xs}\n{right}"
        seen[f"right: {right.verdict}"] += 1
        for what, mutate in MUTATIONS.items():
            i = random.Random(f"{seed} {what} {xs}").randrange(len(xs))
            wrong = mutate(slopes, i)
            if abs(wrong - slopes[i]) <= 1e-4 * abs(slopes[i]):
                continue
            if all(is_drowned(slope, y, xs[i], roundings) for slope in (slopes[i], wrong)):
                continue  # no difference of f can tell these apart
            check = check_grad(with_slopes(f, [*slopes[:i], wrong, *slopes[i + 1 :]]), xs)
            assert verdict_of(check, i) != OK, f"{name} at {xs}, {what}\n{check}"
            seen[f"wrong: {verdict_of(check, i)}"] += 1
    return seen


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (pm.exp, 300.0),
        (lambda t: pm.exp(-((t / 0.1) ** 2)), 1.0),
        (lambda t: t**300, 1.5),
        (lambda t: pm.cosh(2 * t), -251.0),
        (lambda t: pm.exp(t), 1e-160),
        (lambda t: pm.exp(t), -700.0),
        (lambda t: 1e-310 * t, 1.0),
        (lambda t: 1e-305 * pm.sin(t), 1.0),
    ],
)
@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0, 1.001])
def test_a_wrong_slope_of_a_steep_or_tiny_function_is_wrong(f, x, factor):
    slope = value_and_grad(f)(x)[1]
    assert check_grad(f, x)
    check = check_grad(with_slopes(lambda v: f(v[0]), [factor * slope]), [x])
    assert check.verdict == WRONG, str(check)


def test_a_slope_that_is_lost_in_noise_is_not_taken_for_0():
    """It is a millionth of f over x, and the scatter of f is more: neither 0 nor it can be confirmed."""
    rng = random.Random(7)

    def f(v: Any) -> float:
        return 1.0 + 1e-7 * v[0] + 1e-8 * rng.uniform(-1, 1)

    for slope in (0.0, -1e-7):
        assert check_grad(with_slopes(f, [slope]), [1.0]).verdict != OK


@pytest.mark.parametrize("seed", range(4))
def test_no_wrong_gradient_is_ok_and_no_right_one_wrong(seed):
    check_share(attack(seed, 60, roundings=4))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 112))
def test_no_wrong_gradient_of_very_many_is_ok_and_no_right_one_wrong(seed):
    """Not so near to rounding: between 2 and 500 roundings 17 of 12,349 wrong slopes were called ok."""
    check_share(attack(seed, 600, roundings=1000))


def check_share(seen: collections.Counter[str]) -> None:
    """That most are decided: where f's own digits allow it, as they do for most."""
    right, wrong = seen[f"right: {OK}"], seen[f"wrong: {WRONG}"]
    assert right >= 0.85 * (right + seen[f"right: {INCONCLUSIVE}"]), seen
    assert wrong >= 0.85 * (wrong + seen[f"wrong: {INCONCLUSIVE}"]), seen
