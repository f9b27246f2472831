"""Branches, loops, and products in which a 0 wins, in C: each path as the program takes it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from exported import Batch, Exported, all_alike, flat, needs_compiler

import pygrad
from pygrad import compile as compile_
from pygrad import (
    grad,
    hessian,
    value_and_grad,
)
from pygrad.c_code import blocks as c_blocks

# -- an exact 0 wins over inf and nan --------------------------------------------------------------


def many_products(x: Any) -> Any:
    """Its gradient has dozens of products with slopes that may be infinite, or not numbers."""
    total: Any = 0.0
    for i, a in enumerate(x):
        root = pygrad.math.sqrt(a)
        for k, b in enumerate(x):
            total = total + pygrad.where(a > 0 if i == 2 else a * a, root * b, b) * (k - 1.0) / (
                b - 2.0
            )
    return total


@needs_compiler
def test_products_with_an_exact_zero_are_as_in_the_program(batch: Batch, form: str) -> None:
    numbers = [0.0, -0.0, 1.0, 2.0, 4.0, -1.0, 1e308, math.inf, math.nan]
    rng = random.Random(2)
    points = [[rng.uniform(0.1, 1.9) for _ in range(4)] for _ in range(10)]
    points += [[rng.choice(numbers) for _ in range(4)] for _ in range(80)]
    both, curvature = compile_(value_and_grad(many_products)), compile_(hessian(many_products))
    wanted = [(flat(both(p)), flat(curvature(p))) for p in points]
    text = [curvature.to_c(p, name="curvature") for p in points[:20]][-1]
    names = [batch.add(both.to_c(name="both")), batch.add(text)]
    assert form == "parts" or all("_careful_" in text for text in batch.texts)
    functions = batch.compile()
    careful = 0
    for p, numbers_wanted in zip(points, wanted, strict=True):
        for name, expected in zip(names, numbers_wanted, strict=True):
            found = functions[name](p)
            if found is None:
                assert name == "curvature" and p not in points[:20]
                continue
            assert all_alike(found, expected), (name, p, found, expected)
            careful += any(map(math.isnan, found))
    assert careful > 40


def with_infinity(x: Any) -> Any:
    """In its gradient a constant factor is infinite."""
    scaled = [a * k for a in x[1:] for k in range(1, 7)]
    return sum(a * (x[0] * c) for a in scaled for c in (math.inf, -math.inf))


def branching(x: Any) -> Any:
    """It compares slopes."""
    slopes = grad(many_products)(x)
    first = slopes[0] if slopes[0] > slopes[1] else slopes[1] * 2
    return [first, *slopes] if slopes[3] <= 0 else [first, *reversed(slopes)]


@needs_compiler
def test_what_depends_on_such_products_or_multiplies_by_infinity_is_right_too(batch: Batch) -> None:
    numbers = [0.0, -0.0, 1.0, 4.0, 1e308, math.inf]
    rng = random.Random(3)
    points = [[rng.choice(numbers) for _ in range(4)] for _ in range(100)]
    points += [[0.0, 1.0, 4.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
    wanted = {}
    for f in (grad(with_infinity), branching):
        compiled = compile_(f)
        results = [flat(compiled(p)) for p in points]
        wanted[batch.add(compiled.to_c(name=f"f{len(wanted)}"))] = results
    assert ["_careful_" in text for text in batch.texts] == [True, False]
    functions = batch.compile()
    for name, results in wanted.items():
        for p, numbers_wanted in zip(points, results, strict=True):
            assert all_alike(functions[name](p), numbers_wanted), (name, p)


def test_a_product_behind_an_op_that_hides_nan_is_checked_itself() -> None:
    pool = c_blocks.Pool()
    x = [pool.leaf("in", i) for i in range(20)]
    for op, hides in (("step", True), ("neg", False)):
        product = pool.add("mul", x[0], x[1])
        seen = pool.add(op, product)
        others = [pool.add("mul", seen, v) for v in x[2:]]
        checked = c_blocks._to_check(pool, others, [product, *others])
        assert (product in checked) == hides and len(checked) == 18 + hides
    shared = [pool.add("mul", a, b) for a in x[:10] for b in x[10:]]
    assert c_blocks._to_check(pool, shared, shared) == x


def test_few_such_products_are_no_reason_for_a_second_version() -> None:
    compiled = compile_(grad(lambda x: pygrad.math.sqrt(x[0]) * x[1]))
    text = compiled.to_c([1.0, 2.0])
    assert "mul0(" in text and "_careful_" not in text and "isfinite" not in text


# -- paths through the function ---------------------------------------------------------------------


@compile_
def collatz(n: Any) -> Any:
    """Steps until n is 1; written with a loop and a branch."""
    steps = 0.0
    while n > 1:
        half = n / 2
        n = half if pygrad.math.floor(half) - half == 0 else 3 * n + 1
        steps = steps + 1
    return steps + 0 * n


@needs_compiler
def test_loops_and_branches_are_followed_where_they_were_taken(
    one: Callable[..., Exported], form: str
) -> None:
    known = [1, 2, 3, 5, 6, 7, 9, 12]
    fresh = compile_(collatz.f)
    wanted = [fresh(float(n)) for n in known]
    steps = one(fresh.to_c(name="steps"))
    assert [steps([float(n)]) for n in known] == [[w] for w in wanted]
    assert steps([27.0]) is None and steps([-5.0]) == [0.0]
    assert "It knows 8 paths through branches and loops" in fresh.to_c()


def test_ways_share_what_they_compute() -> None:
    @compile_
    def f(x: Any) -> Any:
        y = pygrad.math.exp(pygrad.math.sin(x))
        for limit in range(20):
            if y > 3 - limit / 8:
                return y + limit
        return y

    for x in np.linspace(-3, 3, 200).tolist():
        f(x)
    assert len(f.programs) > 15
    assert f.to_c().count("sin(") == f.to_c().count("exp(") == 1


@needs_compiler
def test_a_path_whose_guards_are_not_those_of_the_path_it_leaves_is_written_whole(
    one: Callable[..., Exported],
) -> None:
    """A function that depends on more than its arguments: from call to call it compares other things."""
    calls = []

    @compile_
    def fickle(x: Any) -> Any:
        calls.append(None)
        return x + 1.0 if (x > 0 if len(calls) == 1 else x * x > 4) else x

    assert (fickle(1.0), fickle(-3.0)) == (2.0, -2.0)
    written = one(fickle.to_c(name="fickle"))
    assert [written([x]) for x in (1.0, -3.0, -1.0)] == [[2.0], [-2.0], None]


def test_results_of_several_structures_are_refused() -> None:
    f = compile_(lambda x: [x, 2 * x] if x > 0 else x)
    f(1.0), f(-1.0)
    with pytest.raises(
        ValueError, match="a list of 2 on one path through it, and a number on another"
    ):
        f.to_c()
