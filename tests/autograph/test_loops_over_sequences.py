"""`for` over the numbers of a list or an array: one body in the program where there are many."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import autograph, compile, value_and_grad, vmap

N = 80
KNOWN = np.random.default_rng(2).normal(size=(N, 2))


def left(x: Any, zs: Any) -> Any:
    n = 0
    for z in zs:
        if z < -2.0:
            continue
        x, n = x * 0.9 + z, n + 1
        if x > 6.0:
            break
    else:
        n += 1000
    return x + z + n


def nested(x: Any, zs: Any) -> Any:
    t = 0.0
    for z in zs:
        for w in [z, x, 1.0]:
            t = t * 0.5 + w * z
        if t > 3.0:
            return t
    return t - x


def known(x: Any, zs: Any) -> Any:
    for k in KNOWN[:, 0]:
        x = x * 0.5 + k * zs[0]
        if k > 1.0:
            x = x - 1.0
    for row in KNOWN:
        x = x * 0.5 + row[0] * row[1] + row.sum() * zs[1]
    return x


def in_a_branch(x: Any, zs: Any) -> Any:
    s = 0.0
    for z in zs:
        if x > 0.8:
            for k in list(zs):
                s = 0.9 * s + k * x
        else:
            s = s + z
    return s


def by_number(x: Any, zs: Any) -> Any:
    """An item that has to be known."""
    table = [1.0, 2.0, 3.0]
    for k in [0.0, 1.0, 2.0] * 40:
        x = x * 0.3 + table[int(k)] * zs[0]
    return x


def collected(x: Any, zs: Any) -> Any:
    out = []
    for z in zs:
        out.append(z * x)
    return sum(out)


@pytest.mark.parametrize("f", [left, nested, known, in_a_branch, by_number, collected])
def test_it_is_what_plain_python_gives(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    x, zs = rng.uniform(0.1, 1.5, 6), rng.normal(size=(6, N))
    g = value_and_grad(f, argnums=(0, 1))
    call = compile(vmap(value_and_grad(autograph(f), argnums=(0, 1))))
    values, (by_x, by_z) = call(x, zs)
    for i in range(6):
        value, slopes = g(x[i], zs[i])
        assert values[i] == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(by_x[i], slopes[0], rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(by_z[i], slopes[1], rtol=1e-9, atol=1e-11)
    assert len(call.programs) == 1


@pytest.mark.parametrize("f", [left, nested, known])
def test_a_program_has_one_body(f: Callable[..., Any]) -> None:
    call = compile(vmap(autograph(f)))
    call(np.array([0.5]), np.ones((1, N)))
    assert call.programs[0]["instructions"] < 20


def leaves_twice(x: Any, zs: Any) -> Any:
    for z in zs:
        x = x * z
        if x > 4.0:
            return 0.5 * x
        if x < -4.0:
            break
    return x


def until(x: Any, zs: Any) -> Any:
    while x < 100.0:
        x = x * 1.5
        if x > 50.0:
            return x - zs[0]
    return x


@pytest.mark.parametrize(("f", "carried"), [(leaves_twice, {0}), (until, {0})])
def test_a_trip_does_not_ask_whether_one_before_it_has_left(
    f: Callable[..., Any], carried: set[int]
) -> None:
    text = compile(autograph(f)).to_c(0.5, np.ones(N), name="f")
    state = int(re.findall(r"the state, (\d+) number", text)[0])
    body = text.split("f_body_0(")[1].split("}")[0]
    read = {int(i) for i in re.findall(r"in\[(\d+)\]", body)}
    assert state > 3  # whether it has left, and with what
    assert {i for i in read if i < state} == carried
