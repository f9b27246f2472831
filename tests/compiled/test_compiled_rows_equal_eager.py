"""Random programs with random branches: each row of a compiled batch is what eager code says of that row.

In a build whose lanes call libm (PYGRAD_LIBM_LANES=1, at install and here) all bits agree, of values and of
gradients, on every path that rows take, however the batch is cut. In the shipped build this holds for
arithmetic and roots; other functions agree within the rounding errors of the ops, added up along the graph.
Rows where eager code raises are left out, for there compiled code gives inf or nan.
"""

from __future__ import annotations

import math
import os
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from routines import EXACT, SMOOTH, function_of, random_routine, random_rows, rounding_of, same_bits
from shares import share

from pygrad import Value, value_and_grad, vmap
from pygrad import _native as impl
from pygrad import compile as compile_
from pygrad._core import lib

LIBM = bool(os.environ.get("PYGRAD_LIBM_LANES"))
libm_lanes = pytest.mark.skipif(
    not LIBM, reason="for a build with PYGRAD_LIBM_LANES=1, and that variable set here, too"
)
PROGRAMS = 60  # by default
MANY = 6_000  # with -m long
SOME = 2_000  # with -m long, of those that the build whose lanes call libm has all of

# -- comparing -------------------------------------------------------------------------------------


def eager_row(f: Callable[..., Any], row: Sequence[float]) -> tuple[float, ...] | None:
    """Value and gradient by eager code, or None where it raises."""
    try:
        value, slopes = value_and_grad(f, argnums=tuple(range(len(row))))(*row)
    except (ArithmeticError, ValueError):
        return None
    # Values where they depend on captured ones
    return tuple(x.data if isinstance(x, Value) else x for x in (value, *slopes))


def batch(f: Callable[..., Any], rows: np.ndarray, threads: int = 1) -> np.ndarray:
    """Value and gradient of every row by vmap, side by side."""
    width = rows.shape[1]
    both = vmap(value_and_grad(f, tuple(range(width))), threads=threads, errors="ignore")
    with warnings.catch_warnings():  # where paths do not pay: such rows have the same bits, too
        warnings.filterwarnings("ignore", ".* different paths", RuntimeWarning)
        value, slopes = both(*rows.T)
    return np.column_stack([value, *slopes])


@pytest.fixture
def any_lanes() -> Iterator[list[int]]:
    """Levels for lib.pg_choose_lanes; afterwards the best one is chosen again."""
    yield [0, 1, 2]
    lib.pg_choose_lanes(2)


def check_bits(seed: int, ops: Sequence[str] | None) -> tuple[int, int]:
    """How many rows of the program with this seed were compared, and how many paths were taken."""
    rng = random.Random(seed)
    routine = random_routine(rng, ops)
    captured = [Value(x) for x in routine.captured]
    f = function_of(routine, captured)
    size = rng.choice([1, 3, 20, 63, 64, 65, 70])
    rows = random_rows(rng, routine, size)
    got = batch(f, rows)
    compared = 0
    for row, found in zip(rows.tolist(), got.tolist(), strict=True):
        wanted = eager_row(f, row)
        if wanted is None:
            continue
        compared += 1
        if not all(map(same_bits, found, wanted)):
            pytest.fail(f"seed {seed}: at {row} eager {wanted}, compiled {found}\n{routine}")
    check_unoptimised(f, rows, got)
    # However the batch is cut, and a row at a time.
    lib.pg_choose_lanes(seed % 3)
    cut = rng.randrange(size + 1)
    parts = [batch(f, part) for part in (rows[:cut], rows[cut:]) if len(part)]
    lib.pg_choose_lanes(2)
    assert np.array_equal(np.concatenate(parts), got, equal_nan=True), (seed, routine)
    one = compile_(value_and_grad(f, tuple(range(routine.inputs))))
    for k in range(0, size, 7):
        value, slopes = one(*rows[k])
        assert all(map(same_bits, (value, *slopes), got[k].tolist())), (seed, rows[k], routine)
    for program in one.store.calls:
        for path in program.paths.all:
            assert lib.pg_program_verify(path.program) == 1, (seed, routine)
    check_captured(seed, f, captured, rows)
    return compared, len(one.programs)


def check_unoptimised(f: Callable[..., Any], rows: np.ndarray, wanted: np.ndarray) -> None:
    """Without fused sums and products the program gives the same bits."""
    original = impl.trace_program
    impl.trace_program = lambda outputs, by_row, totals, _: original(outputs, by_row, totals, False)
    try:
        got = batch(f, rows)
    finally:
        impl.trace_program = original
    assert all(map(same_bits, got.ravel().tolist(), wanted.ravel().tolist()))


def check_captured(seed: int, f: Any, captured: list[Value], rows: np.ndarray) -> None:
    """compiled.backward on one row leaves the grads that an eager backward leaves."""
    row = rows[0].tolist()
    inputs = [Value(x) for x in row]
    try:
        result = f(*inputs)
    except (ArithmeticError, ValueError):
        return
    if math.isnan(result.data):
        return
    result.backward()
    wanted = [v.grad for v in captured]
    for v in captured:
        v.grad = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value = compile_(f).backward(*rows[:1].T, reduce="sum")
    assert value == result.data, seed
    for v, grad in zip(captured, wanted, strict=True):
        # A total starts at 0.0, so that -0.0 becomes 0.0.
        assert v.grad == grad or math.isnan(v.grad) == math.isnan(grad) is True, (
            seed,
            v.grad,
            grad,
        )


# -- equal bits ------------------------------------------------------------------------------------


def test_arithmetic_and_roots_equal_eager_bit_for_bit(any_lanes: list[int]) -> None:
    counts = [check_bits(seed, EXACT) for seed in range(PROGRAMS)]
    assert sum(c for c, _ in counts) > 10 * PROGRAMS  # most rows do not raise
    assert sum(p for _, p in counts) > 1.5 * PROGRAMS  # and many branch


@pytest.mark.long
def test_very_many_programs_of_arithmetic_equal_eager_bit_for_bit(any_lanes: list[int]) -> None:
    for seed in share(range(PROGRAMS, SOME), 3):
        check_bits(seed, EXACT)


@libm_lanes
def test_all_ops_equal_eager_bit_for_bit_if_lanes_call_libm(any_lanes: list[int]) -> None:
    for seed in range(PROGRAMS):
        check_bits(seed, None)


@libm_lanes
@pytest.mark.long
def test_very_many_programs_equal_eager_bit_for_bit_if_lanes_call_libm(
    any_lanes: list[int],
) -> None:
    for seed in share(range(PROGRAMS, MANY), 3):
        check_bits(seed, None)


def test_sign_of_zero_in_sums_of_products() -> None:
    zeros = [0.0, -0.0]
    rows = np.array([[x, y] for x in zeros for y in (1.0, -1.0)])
    for start in zeros:
        w = Value(start)
        for f in (
            lambda x, y: w + x * y,
            lambda x, y: x * y + w,
            lambda x, y: w * 1.0 + x * y,
            lambda x, y: x + x * y,
            lambda x, y: impl.sum([x, x * y], w),
            lambda x, y: impl.dot([x, x], [y, 1.0], w),
            lambda x, y: impl.dot([x], [y], start),
        ):
            eager = [f(*map(Value, row)).data for row in rows]
            assert list(map(str, vmap(f)(*rows.T).tolist())) == list(map(str, eager))
            assert [str(compile_(f)(*row)) for row in rows] == list(map(str, eager))


@pytest.mark.parametrize("seed", range(12))
def test_batch_size_threads_and_lane_width_change_no_bit(seed: int, any_lanes: list[int]) -> None:
    rng = random.Random(1000 + seed)
    routine = random_routine(rng)
    f = function_of(routine, [Value(x) for x in routine.captured])
    rows = random_rows(rng, routine, 2500)
    lib.pg_choose_lanes(any_lanes[-1])
    wanted = batch(f, rows)
    wanted_total = vmap(f, reduce="sum", errors="ignore")(*rows.T)
    for level in any_lanes:
        lib.pg_choose_lanes(level)
        for threads in (1, 2, 3):
            assert np.array_equal(batch(f, rows, threads), wanted, equal_nan=True), routine
            total = vmap(f, reduce="sum", threads=threads, errors="ignore")(*rows.T)
            assert same_bits(total, wanted_total), routine
        for first, last in ((0, 1), (1, 64), (64, 129), (7, 1031), (1024, 2500)):
            part = batch(f, rows[first:last])
            assert np.array_equal(part, wanted[first:last], equal_nan=True), routine


# -- equal within rounding -------------------------------------------------------------------------


def check_rounding(seed: int) -> int:
    """The value of every row is within the rounding errors of all ops, carried on by first derivatives."""
    rng = random.Random(seed)
    routine = random_routine(rng, SMOOTH, branches=False)
    made: list[Value] = []
    captured = [Value(x) for x in routine.captured]
    f = function_of(routine, captured, made)
    rows = random_rows(rng, routine, 20)
    got = vmap(f, errors="ignore")(*rows.T)
    compared = 0
    for row, found in zip(rows.tolist(), got.tolist(), strict=True):
        try:
            wanted = f(*map(Value, row))
        except (ArithmeticError, ValueError):
            continue
        bound = rounding_of(wanted, list(made))
        if bound is None:
            continue
        compared += 1
        if not abs(found - wanted.data) <= bound:
            pytest.fail(f"seed {seed}: at {row} {wanted.data!r} and {found!r}\n{routine}")
    return compared


def test_other_functions_agree_within_rounding() -> None:
    assert sum(check_rounding(seed) for seed in range(PROGRAMS)) > PROGRAMS


@pytest.mark.long
def test_very_many_programs_agree_within_rounding() -> None:
    for seed in share(range(PROGRAMS, MANY), 3):
        check_rounding(seed)
