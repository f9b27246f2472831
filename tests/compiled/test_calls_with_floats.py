"""Calls with floats alone go a shorter way, and are what other calls are."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pygrad import SingularDerivativeWarning, Value, compile, grad, math, value_and_grad
from pygrad.compiled.function import Compiled


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by 1 for each call that C leaves to Python."""
    left: list[int] = []
    by_python = Compiled._by_python

    def counted(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        left.append(1)
        return by_python(self, *args, **kwargs)

    monkeypatch.setattr(Compiled, "_by_python", counted)
    return left


def test_they_go_a_shorter_way(left: list[int]) -> None:
    f = compile(lambda x, y: x * y + math.sin(x))
    results = [f(2.0, 3.0) for _ in range(5)]
    assert results == [results[0]] * 5 and len(left) == 1
    assert f(1, 3.0) == f(1.0, 3.0) == f(np.float64(1.0), 3.0) == f(True, 3.0)
    assert f(np.array(2.0), 3.0) == results[0]
    assert isinstance(f(Value(2.0), 3.0), Value)
    assert f(x=2.0, y=3.0) == results[0]
    with pytest.raises(TypeError):
        f(2.0)
    with pytest.raises(TypeError):
        f(2.0, 3.0, 4.0)
    assert f(2.0, 3.0) == results[0]


def test_every_path_is_found(left: list[int]) -> None:
    traces = []

    def f(x: Any) -> Any:
        traces.append(1)
        return x * x if x > 0 else -x if x > -5 else x / 2

    program = compile(f)
    for _ in range(4):
        assert [program(x) for x in (3.0, -2.0, -8.0, 0.0)] == [9.0, 2.0, -4.0, 0.0]
    assert len(traces) == 3 and len(left) == 3


def test_captures_are_asked_at_each_call(left: list[int]) -> None:
    rate, w = 2.0, Value(10.0)
    program = compile(lambda x: rate * x)
    reads = compile(lambda x: w * x)
    for k in range(6):
        rate, w.data = float(k // 3), float(k)
        assert program(3.0) == 3.0 * (k // 3)
        assert reads(3.0) == 3.0 * k
    assert len(left) == 3
    rate = Value(5.0)  # type: ignore[assignment]
    assert program(3.0) == 15.0


def test_in_traces_and_transforms_they_are_calls_of_the_function() -> None:
    inner = compile(lambda x, y: x * y)
    for _ in range(4):
        inner(2.0, 3.0)
    outer = compile(lambda x: inner(x, 2.0) + inner(3.0, 2.0))
    assert outer(5.0) == outer(5.0) == 16.0
    assert grad(lambda x: inner(x, 2.0) * inner(1.0, 2.0))(3.0) == 4.0


def test_errors_and_warnings_are_those_of_other_calls() -> None:
    def too_many(x: Any) -> Any:
        n = 0
        while x > n:
            n += 1
        return x * n

    program = compile(too_many)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            assert all(program(float(x)) == float(x * x) for x in range(300))
    assert len(caught) == 1

    singular = compile(grad(grad(lambda x: math.sqrt(x * x) ** 2)))
    for _ in range(3):
        singular(1.0)
    for _ in range(2):
        with pytest.warns(SingularDerivativeWarning):
            singular(0.0)


def test_results_that_are_no_numbers(left: list[int]) -> None:
    program = compile(value_and_grad(lambda x: x * x))
    assert [program(3.0) for _ in range(4)] == [(9.0, 6.0)] * 4
    assert left == [1]


def test_threads_share_it() -> None:
    program = compile(lambda x, y: x * y if x > y else x - y)
    program(1.0, 2.0), program(1.0, 2.0), program(2.0, 1.0)

    def check(seed: int) -> bool:
        pairs = np.random.default_rng(seed).normal(size=(500, 2)).tolist()
        return all(program(x, y) == (x * y if x > y else x - y) for x, y in pairs)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, range(16)))
