"""Compiled functions as C: what to_c() writes compiles without warnings and gives the program's numbers."""

from __future__ import annotations

import ctypes
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import (
    COMPILER,
    FORMS,
    LIBM,
    WARNINGS,
    Batch,
    Exported,
    all_alike,
    flat,
    layers,
    needs_compiler,
    run,
)
from programs import SPECIALS
from routines import (
    EXACT,
    SMOOTH,
    function_of,
    random_routine,
    random_rows,
    rounding_of,
    same_bits,
)
from shares import share

from pygrad import (
    Value,
    grad,
    jacobian,
    value_and_grad,
)
from pygrad import compile as compile_
from pygrad.c_code import functions as c_functions
from pygrad.core.ops import Op, ops
from pygrad.value import FUNCTIONS

# -- equal numbers ---------------------------------------------------------------------------------


@needs_compiler
def test_arithmetic_programs_with_branches_give_the_bits_of_the_program(
    batch: Batch, form: str
) -> None:
    check_programs(range(50), EXACT, batch)
    assert sum(text.count("path_") + text.count("_part_") > 0 for text in batch.texts) > 15


@needs_compiler
@pytest.mark.long
def test_very_many_arithmetic_programs_give_the_bits_of_the_program(
    tmp_path: Path, form: str
) -> None:
    own = 500 * FORMS.index(form)  # programs that the other form does not have
    for first in share(range(50 + own, 550 + own, 100), 3):
        check_programs(range(first, first + 100), EXACT, Batch(tmp_path, first))


libm_lanes = pytest.mark.skipif(
    not LIBM, reason="for a build with PYGRAD_LIBM_LANES=1, and that variable set here, too"
)


@needs_compiler
@libm_lanes
def test_programs_of_all_ops_give_the_bits_of_a_program_that_calls_libm(
    batch: Batch, form: str, no_partners: None
) -> None:
    check_programs(range(100), None, batch)


@needs_compiler
@libm_lanes
@pytest.mark.long
def test_very_many_programs_of_all_ops_give_the_bits_of_a_program_that_calls_libm(
    tmp_path: Path, form: str, no_partners: None
) -> None:
    for first in share(range(100, 1100, 100), 3):
        check_programs(range(first, first + 100), None, Batch(tmp_path, first))


def check_programs(seeds: range, ops: Sequence[str] | None, batch: Batch) -> None:
    """Random programs with branches, values and gradients of all rows, by their own paths."""
    cases = []
    for seed in seeds:
        rng = random.Random(seed)
        routine = random_routine(rng, ops)
        captured = [Value(x) for x in routine.captured]
        f = function_of(routine, captured)
        both = compile_(value_and_grad(f, tuple(range(routine.inputs))))
        rows = random_rows(rng, routine, 12).tolist()
        wanted = [flat(both(*row)) for row in rows]
        freeze = seed % 2 == 0
        text = both.to_c(name=f"f{seed}", freeze=freeze)
        used = {id(v) for p in both.store.calls for q in p.paths.all for v in q.lives}
        numbers = [] if freeze else captured_numbers(text)
        assert freeze or len(numbers) == len(used)
        cases.append((batch.add(text), routine, rows, wanted, numbers))
    functions = batch.compile()
    for name, routine, rows, wanted, numbers in cases:
        for row, expected in zip(rows, wanted, strict=True):
            found = functions[name](row, numbers)
            assert found is not None and all_alike(found, expected), (name, row, routine)


def captured_numbers(text: str) -> list[float]:
    """The numbers that the comment lists as captured."""
    return [float(x) for x in re.findall(r"^ \*     captured\[\d+\] +(\S+)$", text, re.MULTILINE)]


@needs_compiler
def test_every_op_and_its_derivatives_give_the_bits_of_eager_code(
    batch: Batch, no_partners: None
) -> None:
    """Eager code calls the same libm. (The program here has functions of its own.)"""
    cases = []
    rng = random.Random(5)
    for op in ops():
        if not op.is_public or op.name == "stop_gradient":
            continue
        for f, label, count in functions_of_op(op):
            points = [
                [
                    rng.choice(SPECIALS) if rng.random() < 0.5 else rng.uniform(-3, 3)
                    for _ in range(count)
                ]
                for _ in range(25)
            ]
            by = tuple(range(count))
            first, second = (
                value_and_grad(f, by),
                second_derivatives(f, by),
            )
            for number, derivative in enumerate((first, second)):
                compiled = compile_(derivative)
                for point in points:
                    compiled(*point)
                name = batch.add(compiled.to_c(name=f"{label}_{number}"))
                cases.append((name, derivative, points))
    functions = batch.compile()
    compared = 0
    for name, derivative, points in cases:
        for point in points:
            try:
                wanted = flat(derivative(*point))
            except (ArithmeticError, ValueError):
                continue
            found = functions[name](point)
            assert found is not None and all_alike(found, wanted), (name, point, found, wanted)
            compared += 1
    assert compared > 15 * len(cases)


def second_derivatives(f: Callable[..., Any], by: tuple[int, ...]) -> Callable[..., Any]:
    return lambda *x: jacobian(grad(f, by), by)(*x)


def functions_of_op(op: Op) -> Iterator[tuple[Callable[..., Any], str, int]]:
    """An op as a function of its operands, a name for it, and how many they are."""
    function = FUNCTIONS[op.name]
    if op.has_constant:
        for i, n in enumerate([2, 3, -1, 0.5, -2.5, 7, 0, 1]):
            yield (lambda x, n=n: x**n), f"{op.name}_{i}", 1
    else:
        yield function, op.name, op.arity


@needs_compiler
def test_where_eager_code_raises_the_program_and_c_give_the_same_inf_or_nan(batch: Batch) -> None:
    points = [-math.inf, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, 710.0, math.inf, math.nan]
    cases = []
    for op in ops():
        if op.is_public and op.arity < 3:
            for f, label, count in functions_of_op(op):
                compiled = compile_(value_and_grad(f, tuple(range(count))))
                rows = list(itertools.product(points, repeat=count))
                wanted = [flat(compiled(*row)) for row in rows]
                cases.append((batch.add(compiled.to_c(name=f"special_{label}")), rows, wanted))
    functions = batch.compile()
    for name, rows, wanted in cases:
        for row, numbers in zip(rows, wanted, strict=True):
            for a, b in zip(functions[name](row), numbers, strict=True):
                if math.isfinite(b) and b != 0:
                    assert a == pytest.approx(b, rel=1e-15 * 8), (name, row)
                else:
                    assert same_bits(a, b), (name, row, a, b)


@needs_compiler
def test_programs_of_all_smooth_ops_agree_within_rounding(batch: Batch, form: str) -> None:
    """Each number is within the rounding errors of all ops, carried on by first derivatives."""
    cases = []
    for seed in range(80):
        rng = random.Random(seed)
        routine = random_routine(rng, SMOOTH, branches=False)
        made: list[Value] = []
        captured = [Value(x) for x in routine.captured]
        f = function_of(routine, captured, made)
        rows = random_rows(rng, routine, 12).tolist()
        compiled = compile_(f)
        cases.append((batch.add(compiled.to_c(*rows[0], name=f"g{seed}")), f, made, rows))
    functions = batch.compile()
    compared = 0
    for name, f, made, rows in cases:
        for row in rows:
            try:
                wanted = f(*map(Value, row))
            except (ArithmeticError, ValueError):
                continue
            bound = rounding_of(wanted, list(made))
            if bound is None:
                continue
            compared += 1
            (found,) = functions[name](row)
            assert abs(found - wanted.data) <= bound, (name, row)
    assert compared > 100


@needs_compiler
def test_an_mlp_with_all_its_gradients(one: Callable[..., Exported]) -> None:
    rng = np.random.default_rng(3)
    compiled = compile_(value_and_grad(layers))
    points = [(rng.normal(size=337) * s, rng.normal(size=2), 0.5) for s in (0.1, 0.5, 2.0, 20.0)]
    wanted = [flat(compiled(*point)) for point in points]
    text = compiled.to_c(name="mlp")
    assert " *     in[0..336]    p, an array of shape (337,)\n" in text
    assert " *     out[1..337]  result[1], an array of shape (337,)\n" in text
    assert "mlp_tanh_and_sech2(" in text and "mlp_careful_" in text
    mlp = one(text)
    for point, numbers in zip(points, wanted, strict=True):
        assert mlp(flat(point)) == pytest.approx(numbers, rel=1e-12, abs=1e-300)


@needs_compiler
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_partners_are_accurate_together(name: str, tmp_path: Path) -> None:
    """Value and slope by one function: each within 4 ulp wherever it is a normal number."""
    mpmath = pytest.importorskip("mpmath")
    both = f"{name}_and_{c_functions.PARTNERS[name]}"
    text = "#include <math.h>\n" + c_functions.definitions({both}, "p_")
    text += f"""
void both(const double *x, double *value, double *slope, int n);
void both(const double *x, double *value, double *slope, int n)
{{
    for (int i = 0; i < n; i++) {{
        struct p_pair pair = p_{both}(x[i]);
        value[i] = pair.first;
        slope[i] = pair.second;
    }}
}}
"""
    (tmp_path / "both.c").write_text(text, encoding="ascii")
    target = tmp_path / "both.so"
    run([COMPILER, "-std=c99", *WARNINGS, "-O2", "-ffp-contract=off", "-shared", "-fPIC",
         str(tmp_path / "both.c"), "-o", str(target), "-lm"])  # fmt: skip
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [*(rng.uniform(-s, s, 600) for s in (0.6, 1, 4, 40, 350)), 10 ** rng.uniform(-300, 0, 200)]
    )
    x = np.concatenate([x, rng.uniform(0.5, 0.7, 400)])
    value, slope = np.empty_like(x), np.empty_like(x)
    doubles = ctypes.POINTER(ctypes.c_double)
    call = ctypes.CDLL(str(target)).both
    call(*(a.ctypes.data_as(doubles) for a in (x, value, slope)), len(x))
    exp, tanh, cosh = mpmath.exp, mpmath.tanh, mpmath.cosh
    true = {
        "tanh": (tanh, lambda x: 1 / cosh(x) ** 2),
        "sigmoid": (lambda x: 1 / (1 + exp(-x)), lambda x: 1 / (2 + 2 * cosh(x))),
    }[name]
    with mpmath.workprec(200):
        for found, function in zip((value, slope), true, strict=True):
            exact = [function(mpmath.mpf(point)) for point in x.tolist()]
            ulps = [
                abs(a - b) / math.ulp(float(b))
                for a, b in zip(found.tolist(), exact, strict=True)
                if abs(b) > 1e-300
            ]
            assert len(ulps) > 3000 and max(ulps) < 4, float(max(ulps))
    specials = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324])
    value, slope = np.empty_like(specials), np.empty_like(specials)
    call(*(a.ctypes.data_as(doubles) for a in (specials, value, slope)), len(specials))
    f = FUNCTIONS[name]
    assert all_alike(value.tolist(), [f(Value(v)).data for v in specials.tolist()])
    assert all_alike(slope.tolist(), [f(Value(v)).local_derivatives[0] for v in specials.tolist()])
