"""Random functions with branches, loops and early returns in C: each compiles without warnings, values and
gradients are those of the program; bit by bit where loops are loops of the program, by autograph."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from exported import FORMS, Batch, all_alike, flat, needs_compiler
from random_functions import function_of, source_of
from shares import share

import pygrad.math as pm
from pygrad import autograph, jvp, value_and_grad
from pygrad import compile as compile_
from pygrad.c_code import loops as c_loops
from pygrad.control.autograph import looping

Function = Callable[[Any], Any]

ONE = [
    pm.tanh,
    pm.sigmoid,
    pm.sin,
    pm.relu,
    pm.softplus,
    abs,
    pm.exp,
    lambda v: -v,
    lambda v: v * v,
]
PARTNERED = [pm.tanh, pm.sigmoid]  # values whose slopes share their work
TWO: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1.0),
    pm.hypot,
    pm.maximum,
    pm.atan2,
]
INPUTS = 4
COMPILERS = ["gcc", "clang"]
WITH_A_SCAN = 27  # a short function


def random_function(rng: random.Random) -> Function:
    """Assignments to a few variables; branches that assign, loops, and returns on the way."""

    def expression(depth: int) -> Callable[[list[Any]], Any]:
        if depth == 0 or rng.random() < 0.2:
            i = rng.randrange(INPUTS + 2)
            return lambda v: v[i]
        if rng.random() < 0.5:
            f, a = rng.choice(PARTNERED if rng.random() < 0.4 else ONE), expression(depth - 1)
            return lambda v: f(a(v))
        g, a, b = rng.choice(TWO), expression(depth - 1), expression(depth - 1)
        return lambda v: g(a(v), b(v))

    def block(depth: int) -> Callable[[list[Any]], Any]:
        steps = [step(depth) for _ in range(rng.randint(1, 3))]

        def run(v: list[Any]) -> Any:
            for one in steps:
                returned = one(v)
                if returned is not None:
                    return returned
            return None

        return run

    def step(depth: int) -> Callable[[list[Any]], Any]:
        kind = rng.choice(["assign", "assign", "if", "if", "loop", "return"]) if depth else "assign"
        target, value = rng.randrange(INPUTS, INPUTS + 2), expression(2)
        if kind == "assign":

            def run(v: list[Any]) -> Any:
                v[target] = value(v)

        elif kind == "if":
            test, then, otherwise = expression(1), block(depth - 1), block(depth - 1)
            level = rng.choice([0.0, 0.5, -0.5])

            def run(v: list[Any]) -> Any:
                return then(v) if test(v) > level else otherwise(v)

        elif kind == "loop":
            body, times = block(depth - 1), rng.randint(2, 4)

            def run(v: list[Any]) -> Any:
                for _ in range(times):
                    returned = body(v)
                    if returned is not None:
                        return returned
                return None

        else:
            test = expression(1)

            def run(v: list[Any]) -> Any:
                return value(v) if test(v) < -1.0 else None

        return run

    whole = block(3)

    def f(x: Any) -> Any:
        v = [*x, x[0] * 1.0, x[1] * 1.0]
        returned = whole(v)
        return returned if returned is not None else v[-1] * v[-2]

    return f


def rows_for(rng: random.Random, count: int) -> list[list[float]]:
    numbers = [0.0, -0.0, 1e308, math.inf]
    rows = [[rng.uniform(-2, 2) for _ in range(INPUTS)] for _ in range(count)]
    rows.append([rng.choice(numbers) if rng.random() < 0.4 else 1.5 for _ in range(INPUTS)])
    return rows


def attack(seeds: range, batch: Batch) -> None:
    """Programs of these seeds through the compiler, and their numbers beside those of the program."""
    cases = []
    for seed in seeds:
        rng = random.Random(seed)
        g = compile_(value_and_grad(random_function(rng)))
        rows = rows_for(rng, 6)
        wanted = []
        for row in rows:
            try:
                wanted.append(flat(g(row)))
            except (ArithmeticError, ValueError):
                wanted.append(None)
        if any(w is not None for w in wanted):
            cases.append((seed, batch.add(g.to_c(rows[0], name=f"f{seed}")), rows, wanted))
    functions = batch.compile()
    for seed, name, rows, wanted in cases:
        for row, numbers in zip(rows, wanted, strict=True):
            if numbers is not None:
                found = functions[name](row)
                assert found is not None, f"seed {seed} at {row}"
                # Where terms cancel, what is left is the rounding of numbers as large as the row's others.
                largest = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
                rounding = math.ulp(1.0) * largest if largest < 1e10 else 0.0
                close = [
                    a == pytest.approx(b, rel=1e-9, abs=max(rounding, 1e-280), nan_ok=True)
                    for a, b in zip(found, numbers, strict=True)
                ]
                assert all(close), f"seed {seed} at {row}: {found}, not {numbers}"


@needs_compiler
def test_random_functions_with_branches_compile_and_agree(batch: Batch, form: str) -> None:
    attack(range(10), batch)


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("compiler", COMPILERS)
def test_very_many_random_functions_with_branches_compile_and_agree(
    tmp_path: Path, form: str, compiler: str
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    # Programs that the others do not have
    own = 300 * (2 * FORMS.index(form) + COMPILERS.index(compiler))
    for first in share(range(1000 + own, 1300 + own, 100), 3):
        attack(range(first, first + 100), Batch(tmp_path, first, compiler))


def both_ways(x: Any) -> Any:
    y = x[0] * 1.0
    for i in range(6):
        s = x[2 + i]
        y = y * s + x[0] * y if s > 0 else y * s - x[1] * y
    return y


def left_early(x: Any) -> Any:
    if x[0] < 0:
        return x[0] * x[1]
    z = pm.sigmoid(x[1] * x[0])
    return z * x[0] if z > 0.5 else z - x[1]


@needs_compiler
def test_a_careful_block_shares_no_variable_with_another_way(batch: Batch, form: str) -> None:
    g = compile_(value_and_grad(both_ways))
    rows = [[1.1, 0.7, *signs] for signs in ([1.0] * 6, [-1.0] * 6, [1.0, -2.0] * 3, [0.0] * 6)]
    rows.append([math.inf, 0.0, *[1.0] * 6])
    wanted = [flat(g(row)) for row in rows]
    name = batch.add(g.to_c(rows[0]))
    function = batch.compile()[name]
    for row, numbers in zip(rows, wanted, strict=True):
        assert function(row) == pytest.approx(numbers, nan_ok=True)


@needs_compiler
def test_an_early_return_before_a_sigmoid_and_a_branch_on_it(batch: Batch, form: str) -> None:
    rows = [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]]
    orders = [[0, 1, 2], [1, 2, 0], [2, 1, 0], [1, 0, 2]]
    for i, order in enumerate(orders):
        g = compile_(value_and_grad(lambda x: left_early(x)))
        for k in order:
            g(rows[k])
        batch.add(g.to_c(rows[0], name=f"f{i}"))
    for function in batch.compile().values():
        for row in rows:
            assert function(row) == pytest.approx(flat(value_and_grad(left_early)(row)))


# -- loops of programs: nested, with breaks ---------------------------------------------------------


def attack_loops(seeds: Sequence[int], batch: Batch, order: int) -> None:
    """Values, gradients or derivatives of these, by autograph, from a few rows."""
    cases = []
    rng = random.Random(seeds[0])
    rows = [[rng.gauss(0.0, 1.0) for _ in "xy"] for _ in range(6)]
    rows += [[0.0, -0.0], [-0.0, 1e308], [math.inf, 1.0], [math.nan, 1.0]]
    for seed in seeds:
        f: Any = autograph(function_of(source_of(seed), f"{seed}"))
        both = value_and_grad(f, (0, 1))
        along = lambda x, y, both=both: jvp(both, (x, y), (1.0, 0.5))  # noqa: E731
        g = compile_((f, both, along)[order])
        wanted = [flat(g(*row)) for row in rows]
        cases.append((seed, batch.add(g.to_c(*rows[0], name=f"f{seed}")), wanted))
    functions = batch.compile()
    for seed, name, wanted in cases:
        for row, numbers in zip(rows, wanted, strict=True):
            found = functions[name](row)
            assert found is not None and all_alike(found, numbers), f"seed {seed} at {row}"
    assert any("_loop_0(" in text for text in batch.texts)
    assert any("const *given, " in text for text in batch.texts)  # scans


@pytest.fixture
def rolled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short loops are loops of the program, too, those over lists scans, and ways back keep few states."""
    monkeypatch.setattr(looping, "UNROLLED", 1)
    monkeypatch.setattr(c_loops, "_NUMBERS", 16)


@needs_compiler
@pytest.mark.parametrize("order", [0, 1])
def test_random_functions_with_loops_agree_bit_by_bit(
    batch: Batch, rolled: None, order: int
) -> None:
    attack_loops(range(3) if order == 0 else [WITH_A_SCAN], batch, order)


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("order, count", [(0, 12), (1, 3), (2, 2)])
def test_many_random_functions_with_loops_agree_bit_by_bit(
    tmp_path: Path, rolled: None, form: str, order: int, count: int
) -> None:
    first = 100 * FORMS.index(form) + 20 * order
    attack_loops([*range(first, first + count), WITH_A_SCAN], Batch(tmp_path), order)
