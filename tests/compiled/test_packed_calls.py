"""Programs that are called often are packed (csrc/program/pack.h): with the bits that they had before."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, compile, grad, hessian, math, value_and_grad
from pygrad._core import lib

USUAL = 16  # calls before a program is packed
NEVER = 2**62


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    lib.pg_pack_choose(3)
    yield
    lib.pg_pack_choose(USUAL)


def flat(result: Any) -> list[float]:
    if isinstance(result, list | tuple):
        return [x for part in result for x in flat(part)]
    return [float(x) for x in np.ravel(result)]


def bits(result: Any) -> list[Any]:
    return ["nan" if x != x else struct.pack("d", x) for x in flat(result)]


def never_packed(f: Callable[..., Any], points: list[Any]) -> list[Any]:
    lib.pg_pack_choose(NEVER)
    compiled = compile(f)
    found = [bits(compiled(x)) for x in points for _ in range(2)]
    lib.pg_pack_choose(3)
    return found[::2]


def network(p: Any) -> Any:
    x = [p[0], p[1]]
    for _ in range(2):
        x = [math.tanh(sum(p[(7 * i + j) % 50] * v for j, v in enumerate(x))) for i in range(9)]
    return sum(v * v for v in x)


def functions(seed: int) -> Callable[[Any], Any]:
    """Layers of one op each on numbers side by side, all the same, or any."""
    draw = random.Random(seed)
    plan = []
    ops = ["tanh", "sin", "exp", "product", "quotient", "sum", "power", "maximum", "square"]
    for _ in range(draw.randint(2, 8)):
        width, step = draw.randint(1, 20), draw.choice([0, 1, 1, 3])
        plan.append((draw.choice(ops), width, step, draw.randint(0, 30), draw.randint(0, 30)))

    def f(x: Any) -> Any:
        v = list(x)
        for op, width, step, at, other in plan:
            pairs = [(v[(at + i * step) % len(v)], v[(other + i) % len(v)]) for i in range(width)]
            v = v[-25:] + [_OPS[op](a, b) for a, b in pairs]
        return sum(v[-20:])

    return f


_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda a, b: math.tanh(a),
    "sin": lambda a, b: math.sin(a) + math.cos(a),
    "exp": lambda a, b: math.exp(-(a * a)),
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: a / (2.0 + b * b),
    "sum": lambda a, b: a + 3.0 * b,
    "power": lambda a, b: (a * a + 1.0) ** 1.5,
    "maximum": lambda a, b: math.maximum(a, b),
    "square": lambda a, b: a**2,
}


@pytest.mark.parametrize("seed", range(12))
def test_gradients_have_the_same_bits(seed: int, lanes: int) -> None:
    f = value_and_grad(network if seed == 0 else functions(seed))
    rng = np.random.default_rng(seed)
    points = [rng.normal(size=50) for _ in range(4)]
    expected = never_packed(f, points)
    compiled = compile(f)
    x = points[0].copy()
    bound = compiled.buffer(x)
    for _ in range(3):
        for point, found in zip(points, expected, strict=True):
            assert bits(compiled(point)) == found
            assert bits(compiled(point.tolist())) == found
            x[...] = point
            assert bits(bound()) == found


def test_numbers_that_are_no_numbers(lanes: int) -> None:
    def f(x: Any) -> Any:
        return sum(math.exp(v) * w for v, w in zip(x[:8], x[8:], strict=True))

    corners = [0.0, -0.0, 1e308, -1e308, 5e-324, float("inf"), float("-inf"), float("nan"), 710.0]
    draw = random.Random(1)
    points = [np.array([draw.choice(corners) for _ in range(16)]) for _ in range(20)]
    expected, compiled = never_packed(grad(f), points), compile(grad(f))
    for _ in range(3):
        assert [bits(compiled(x)) for x in points] == expected


def test_each_call_takes_its_own_path_and_reads_what_was_captured() -> None:
    w = [Value(float(i)) for i in range(12)]

    def f(x: Any) -> Any:
        y = [a * b for a, b in zip(w, x, strict=True)]
        return sum(y) if y[3] > 0 else [math.sin(v) for v in y]

    compiled, x = compile(f), np.linspace(-1.0, 1.0, 12)
    for i in range(20):
        w[3].data = float((i % 3) - 1)
        x[5] = float(i)
        y = [a.data * b for a, b in zip(w, x.tolist(), strict=True)]
        expected = sum(y) if y[3] > 0 else [math.sin(v) for v in y]
        assert np.allclose(flat(compiled(x)), flat(expected), rtol=1e-15, atol=0.0)
        assert bits(compiled(x)) == bits(compiled(x.tolist()))


def test_derivatives_that_may_be_singular_are_told_of() -> None:
    def f(x: Any) -> Any:
        return sum(math.sqrt(a * a + b * b) ** 2 for a, b in zip(x[:4], x[4:], strict=True))

    compiled = compile(hessian(f))
    ones, one_zero = np.ones(8), np.where(np.arange(8) % 4 == 2, 0.0, 1.0)
    for _ in range(6):
        assert bits(compiled(ones)) == bits(compiled(ones))
        with pytest.warns(pygrad.SingularDerivativeWarning):
            compiled(one_zero)


def test_a_call_within_a_call_may_be_the_one_that_packs() -> None:
    """What it is asked for calls again, so that two kinds of memory are in use at once."""

    class Asked:
        rate = 2.0

        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            if len(calls) in (3, 4, 9):
                again = [f(point) for _ in range(4)]
                assert all(bits(result) == expected for result in again)
            return object.__getattribute__(self, name)

    calls: list[str] = []
    f = compile(lambda x: [v * v + 1.0 for v in x])
    point = np.linspace(1.0, 2.0, 9)
    expected = bits([v * v + 1.0 for v in point.tolist()])
    assert bits(f(point)) == expected
    captures = f.store.captures
    captures.places += (Asked(), "rate", 2.0)
    captures.names = [*captures.names, "asked.rate"]
    f._calls.forget()
    for _ in range(20):
        assert bits(f(point)) == expected
    assert len(calls) > 20


def test_a_program_is_packed_once_it_has_been_called_often() -> None:
    """Packs take memory: nothing is asked for before, and nothing at each call after."""
    f = compile(lambda x: [v * v for v in x])
    point = np.ones(40)
    f(point), f(point)
    asked = []
    for _ in range(8):
        lib.pg_fail_at(2**62)
        f(point)
        asked.append(lib.pg_allocations())
        lib.pg_fail_at(0)
    assert max(asked) > 5 and sum(count > 5 for count in asked) == 1
    assert asked[-1] == min(asked)


def test_without_memory_a_program_stays_as_it_is() -> None:
    point = np.linspace(1.0, 2.0, 40)
    for n in range(1, 40):
        f = compile(lambda x: [v * v for v in x])
        f(point), f(point)
        for _ in range(8):
            lib.pg_fail_at(n)
            try:
                found = f(point)
            except MemoryError:
                found = None
            lib.pg_fail_at(0)
            assert found is None or flat(found) == [v * v for v in point.tolist()]
        assert flat(f(point)) == [v * v for v in point.tolist()]
