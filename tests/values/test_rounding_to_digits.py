"""round(v, n) is what it is for floats, bit for bit, in eager code, in transforms and in programs."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import Batch, needs_compiler

import pygrad
from pygrad import TraceError, Value, debug_nans, grad, hessian, lift, vmap
from pygrad import compile as compile_

EDGES = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 2.0**-24),
    *(0.5, -0.5, 1.5, 2.5, 0.05, 2.675, -2.665, 1.005, 0.285, 1e22, 5e21, 1.5e22, 2.5e22),
    *(2.0**53, 2.0**53 + 2, 2.0**52 + 1, 2.0**52 - 0.5, 2.0**51 + 0.5),
]
DIGITS = range(-22, 23)


def numbers(n: int, count: int) -> list[float]:
    """All over the range, and near ties and where floats begin to be coarser than digits."""
    chance, found = random.Random(n), list(EDGES)
    n = max(-22, min(n, 22))
    for _ in range(count):
        near_a_tie = (chance.randrange(10 ** chance.randint(1, 16)) + 0.5) / 10.0**n
        coarse = 2.0 ** chance.choice([51, 52, 53, 54]) / 10.0**n * chance.uniform(0.99, 1.01)
        found += [
            struct.unpack("d", struct.pack("Q", chance.getrandbits(64)))[0],
            near_a_tie,
            math.nextafter(near_a_tie, chance.choice([0.0, math.inf])),
            coarse,
            -chance.randrange(10**6) * 2.0 ** -chance.randint(0, 30),
        ]
    return found


def bits(x: float) -> bytes:
    return b"nan" if x != x else struct.pack("d", x)


@pytest.mark.parametrize("n", DIGITS)
def test_in_programs(n: int) -> None:
    x = numbers(n, 60)
    y = vmap(lambda x: round(x, n), errors="ignore")(np.array(x))
    assert [bits(a) for a in y.tolist()] == [bits(round(a, n)) for a in x]


@pytest.mark.parametrize("n", [-22, -3, -1, 0, 1, 2, 5, 22, 23, 400, -23, -400])
def test_in_eager_code_and_transforms(impl: Any, n: int) -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        y = round(x, n)
        seen.append(y.data)
        return y * x

    x = [a for a in numbers(n, 4) if abs(a) < 1e290]
    for a in x:
        assert bits(round(impl.Value(a), n).data) == bits(round(a, n))
    for a in x:
        assert grad(f)(a) == round(a, n)
    assert [bits(a) for a in seen] == [bits(round(a, n)) for a in x]


def test_without_guards_and_with_slope_0_to_every_order() -> None:
    f = compile_(lambda x: round(x, 2) * x**2)
    assert f(2.675) == 2.67 * 2.675**2
    assert [program["guards"] for program in f.programs] == [0]
    assert compile_(grad(f))(2.675) == grad(f)(2.675) == 2.67 * 2.0 * 2.675
    assert hessian(f)(2.675) == 2.67 * 2.0
    assert grad(lambda x: round(x, 2))(2.675) == 0.0


@needs_compiler
def test_in_files_and_in_c(tmp_path: Path) -> None:
    f = compile_(lambda x: [round(x, 2), round(x, -1)])
    points = [2.675, -15.0, 25.0, 1.005, -0.001, 1e300]
    wanted = [[round(x, 2), round(x, -1)] for x in points]
    assert [f(x) for x in points] == wanted
    f.save(tmp_path / "rounded.pygrad")
    assert [pygrad.load(tmp_path / "rounded.pygrad")(x) for x in points] == wanted
    batch = Batch(tmp_path)
    name = batch.add(f.to_c(2.5, name="rounded"))
    in_c = batch.compile()[name]
    assert [in_c([x]) for x in points] == wanted


def test_of_what_a_program_has_captured() -> None:
    w = Value(2.675)
    f = compile_(lambda x: x * round(w, 2))
    assert f(1.0) == 2.67
    w.data = 1.005
    assert f(2.0) == 2.0


def test_in_lifted_code_and_with_numbers_of_digits_that_are_none() -> None:
    f = lift(lambda x: round(x, 1) + round(x, ndigits=2))
    with pytest.warns(RuntimeWarning, match="rounding=False"):
        assert compile_(f)(2.675) == f(2.675)
    for bad in (1.0, "1", Value(1.0)):
        with pytest.raises(TypeError):
            round(Value(2.5), bad)  # type: ignore[call-overload]


def test_nothing_on_the_way_is_inf_or_nan() -> None:
    with debug_nans():
        for x in (1e300, 1.7e308, 5e-324):
            assert grad(lambda x: round(x, 3) * 0.5 + round(x, -3) * 0.5)(x) is not None


def test_digits_of_which_there_is_no_program_are_named() -> None:
    for n, x in [(30, 1e-7), (-30, 1e300)]:
        with pytest.raises(TraceError, match=rf"round\(v, {n}\).*-22 to 22 digits"):
            compile_(lambda x, n=n: round(x, n) * 1.0)(x)
    f = compile_(lambda x: round(x, 30))
    assert [f(x) for x in (0.0, 1.25, -1e300)] == [0.0, 1.25, -1e300]
