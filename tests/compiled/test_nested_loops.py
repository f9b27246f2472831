"""Loops in one another: as deep as they may be, on how little stack, and what is said of deeper ones."""

from __future__ import annotations

import math
import sys
import threading

import numpy as np
import pytest

import pygrad
from pygrad import compile, cond, grad, value_and_grad, vmap, while_loop

DEEPEST = 64  # csrc/program/loop.h, PG_DEEPEST_LOOP
STACK = 512 << 10  # bytes; the same place says that this is enough


@pytest.fixture(autouse=True)
def room_for_python():
    """Python's own bound, which is lower where a test runs deep itself, is no matter here."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    yield
    sys.setrecursionlimit(before)


def nested(depth, innermost):
    """So many loops in one another, of a trip each, which make a number nine tenths of what it was."""
    if depth == 0:
        return innermost
    inner = nested(depth - 1, innermost)

    def outer(x):
        return while_loop(
            lambda s: s[1] < 0.5, lambda s: (0.9 * inner(s[0]), s[1] + 1.0), (x, 0.0)
        )[0]

    return outer


def expected(x, depth):
    return 0.9**depth * math.sin(x), 0.9**depth * math.cos(x)


def in_a_small_thread(run):
    """What it gives in a thread with little stack."""
    found = []
    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=lambda: found.append(run()))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    (result,) = found
    return result


def test_the_deepest_run_and_are_released_on_a_small_stack():
    f = value_and_grad(nested(DEEPEST, pygrad.math.sin))
    programs = [compile(f), compile(vmap(f))]
    rows = np.linspace(0.1, 1.5, 70)
    programs[0](0.3), programs[1](rows)

    def run():
        one, many = (program(x) for program, x in zip(programs, (0.3, rows), strict=True))
        programs.clear()
        return one, many

    one, (values, slopes) = in_a_small_thread(run)
    assert one == pytest.approx(expected(0.3, DEEPEST), rel=1e-13)
    wanted = [expected(x, DEEPEST) for x in rows]
    np.testing.assert_allclose(np.column_stack([values, slopes]), wanted, rtol=1e-13)


def test_the_deepest_are_saved_and_written_as_c(tmp_path):
    compiled = compile(nested(DEEPEST, pygrad.math.sin))
    value = compiled(0.3)
    compiled.save(tmp_path / "deepest.pygrad")
    assert in_a_small_thread(lambda: pygrad.load(tmp_path / "deepest.pygrad")(0.3)) == value
    assert compiled.to_c(0.3).count("while (") == DEEPEST


@pytest.mark.parametrize("transform", [compile, vmap], ids=["compile", "vmap"])
def test_one_more_is_an_error_that_leaves_nothing(transform):
    x = 0.3 if transform is compile else np.array([0.3, 0.4])
    for _ in range(2):
        with pytest.raises(RecursionError, match="more than 64 loops, or ways"):
            transform(nested(DEEPEST + 1, pygrad.math.sin))(x)
    np.testing.assert_allclose(
        transform(nested(DEEPEST, pygrad.math.sin))(x), 0.9**DEEPEST * np.sin(x), rtol=1e-13
    )


def test_without_a_program_there_is_no_bound():
    assert nested(DEEPEST + 1, math.sin)(0.3) == pytest.approx(expected(0.3, DEEPEST + 1)[0])
    assert grad(nested(DEEPEST + 1, pygrad.math.sin))(0.3) == pytest.approx(
        expected(0.3, DEEPEST + 1)[1]
    )


def test_loops_of_compiled_functions_that_are_called_count():
    half = compile(nested(DEEPEST // 2, pygrad.math.sin))
    half(0.3)
    assert compile(nested(DEEPEST // 2, half))(0.3) == pytest.approx(expected(0.3, DEEPEST)[0])
    with pytest.raises(RecursionError, match="more than 64 loops"):
        compile(nested(DEEPEST // 2 + 1, half))(0.3)


def test_a_way_that_would_be_too_deep_is_computed_for_all_rows():
    """Of ways in one another each is a part of its own, as long as that may be."""

    def dear(x):
        for _ in range(40):
            x = pygrad.math.sin(x) + 0.5
        return x

    def chosen(x, at=0):
        if at == DEEPEST + 6:
            return x * x
        return cond(x < at, lambda x: x * x, lambda x: dear(x) + chosen(x, at + 1), x)

    rows = np.linspace(-0.5, DEEPEST + 5.5, DEEPEST + 7)
    values, slopes = compile(vmap(value_and_grad(chosen)))(rows)
    wanted = [value_and_grad(chosen)(x) for x in rows.tolist()]
    np.testing.assert_allclose(np.column_stack([values, slopes]), wanted, rtol=1e-12)
