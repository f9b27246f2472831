"""Random programs with random branches: each row of a compiled batch is what eager code says of that row.

In a build whose lanes call libm (PYGRAD_LIBM_LANES=1, at install and here) all bits agree, of values and of
gradients, on every path that rows take, however the batch is cut. In the shipped build this holds for
arithmetic and roots; other functions agree within the rounding errors of the ops, added up along the graph.
Rows where eager code raises are left out, for there compiled code gives inf or nan.
"""

from __future__ import annotations

import math
import operator
import os
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from programs import OPS, RandomSource, Ref, Step, _maker, _number, _operand, _ref, call

from pygrad import Value, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import value as impl
from pygrad._core import lib

LIBM = bool(os.environ.get("PYGRAD_LIBM_LANES"))
libm_lanes = pytest.mark.skipif(
    not LIBM, reason="for a build with PYGRAD_LIBM_LANES=1, and that variable set here, too"
)
PROGRAMS = 300  # by default
MANY = 10_500  # with -m long

# Ops whose lanes run the sequence that eager code runs, in every build.
EXACT = [
    *["add", "sub", "mul", "div", "neg", "abs", "sqrt", "relu", "maximum", "minimum", "clip"],
    *["where", "sign", "step", "stop_gradient", "floor", "ceil", "trunc", "round"],
]
# Not -1: the slope of x ** -1 is -pow(x, -2), which lanes compute within 2 ulp.
EXACT_EXPONENTS = [0, 1, 2, 3, 2.0, 3.0, 0.0, True]
# Ops that are smooth almost everywhere: for these an error estimate to first order is sound.
SMOOTH = [
    *["add", "sub", "mul", "div", "neg", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10"],
    *["sqrt", "tanh", "sigmoid", "softplus", "sin", "cos", "atan", "sinh", "cosh", "asinh", "erf"],
    *["hypot", "atan2", "logaddexp"],
]
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "nonzero": lambda a, b: bool(a),
    "equal": lambda a, b: a == 0.5 if b is None else (a - b) == 0,
    "unequal": lambda a, b: a != 0.5,
}


# -- programs --------------------------------------------------------------------------------------


class Routine(NamedTuple):
    """Steps over inputs and captured Values; branches among them hold steps of their own."""

    inputs: int
    captured: tuple[float, ...]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        names = [f"input {i}" for i in range(self.inputs)]
        names += [f"captured {x!r}" for x in self.captured]
        names += [repr(step) for step in self.steps]
        return "Routine:\n  " + "\n  ".join(f"v{i} = {name}" for i, name in enumerate(names))


def _plain_step(source: Any, count: int, ops: Sequence[str] | None) -> Step:
    """A step that makes one Value from those so far."""
    if ops is None:
        while True:
            step = _maker(source, count)
            if step.kind in ("op", "pown", "sum", "dot"):
                return step
    kind = source.below(10)
    if kind == 0:
        return Step(
            "pown",
            (_ref(source, count), EXACT_EXPONENTS[source.below(len(EXACT_EXPONENTS))]),
        )
    if kind == 1:
        n = 1 + source.below(3)
        terms = tuple(_operand(source, count) for _ in range(n))
        factors = tuple(_operand(source, count) for _ in range(n))
        return Step("dot", (terms, factors, None))
    name = ops[source.below(len(ops))]
    operands = tuple(_operand(source, count) for _ in range(OPS[name]))
    if not any(isinstance(x, Ref) for x in operands):
        operands = (_ref(source, count), *operands[1:])
    return Step("op", (["function", "method", "operator"][source.below(3)], name, operands))


def _step(source: Any, count: int, ops: Sequence[str] | None, branches: bool) -> Step:
    kind = source.below(10) if branches else 9
    if kind < 3:
        how = list(COMPARE)[source.below(len(COMPARE))]
        b = None if how == "equal" and source.below(2) else _operand(source, count)
        return Step(
            "if",
            (
                how,
                _ref(source, count),
                b,
                _step(source, count, ops, source.below(3) == 0),
                _step(source, count, ops, source.below(3) == 0),
            ),
        )
    if kind == 3:
        name = ["max", "min"][source.below(2)]
        return Step(name, (_ref(source, count), _operand(source, count), _ref(source, count)))
    if kind == 4:
        factor = [0.5, 0.75, -0.5][source.below(3)]
        return Step("while", (_ref(source, count), _constant_bound(source), factor))
    return _plain_step(source, count, ops)


def _constant_bound(source: Any) -> float:
    return [0.25, 1.0, 3.0][source.below(3)]


def _within_range(part: Any) -> Any:
    """The same without whole numbers too large for a float: they raise in traces, too."""
    if isinstance(part, Ref) or not isinstance(part, (tuple, int)):
        return part
    if isinstance(part, int):
        return part if abs(part) < 10**308 else 7
    items = [_within_range(x) for x in part]
    return Step(*items) if isinstance(part, Step) else tuple(items)


def random_routine(
    rng: random.Random, ops: Sequence[str] | None = None, branches: bool = True
) -> Routine:
    source = RandomSource(rng)
    inputs = 1 + source.below(3)
    captured = tuple(_number(source) for _ in range(source.below(3)))
    count = inputs + len(captured)
    steps = []
    for _ in range(2 + source.below(12)):
        steps.append(_within_range(_step(source, count, ops, branches)))
        count += 1
    return Routine(inputs, captured, tuple(steps))


def random_rows(rng: random.Random, routine: Routine, count: int) -> np.ndarray:
    source = RandomSource(rng)
    rows = np.array([[_number(source) for _ in range(routine.inputs)] for _ in range(count)])
    return np.where(np.isnan(rows), 0.5, rows)


def function_of(
    routine: Routine, captured: Sequence[Value], made: list[Value] | None = None
) -> Callable[..., Any]:
    """The routine as a user's function of its inputs; made gets every Value."""

    def f(*inputs: Any) -> Any:
        values: list[Any] = [*inputs, *captured]
        for step in routine.steps:
            result = _run(step, values)
            values.append(result if isinstance(result, Value) else Value(result))
        if made is not None:
            made[:] = values
        return values[-1]

    return f


def _run(step: Step, values: list[Any]) -> Any:
    def value(x: Any) -> Any:
        return values[x.index] if isinstance(x, Ref) else x

    args = step.args
    if step.kind == "if":
        how, a, b, then, otherwise = args
        return _run(then if COMPARE[how](value(a), value(b)) else otherwise, values)
    if step.kind in ("max", "min"):
        return {"max": max, "min": min}[step.kind](*map(value, args))
    if step.kind == "while":
        v, bound, factor = value(args[0]), args[1], args[2]
        for _ in range(8):
            if not (v > bound or v < -bound):
                break
            v = v * factor
        return v + 0.0
    if step.kind == "pown":
        return value(args[0]) ** args[1]
    if step.kind == "sum":
        return impl.sum([value(x) for x in args[0]], value(args[1]))
    if step.kind == "dot":
        return impl.dot(*[[value(x) for x in part] for part in args[:2]], value(args[2]))
    spelling, name, refs = args
    return call(impl, spelling, name, [value(x) for x in refs])


# -- comparing -------------------------------------------------------------------------------------


def eager_row(f: Callable[..., Any], row: Sequence[float]) -> tuple[float, ...] | None:
    """Value and gradient by eager code, or None where it raises."""
    try:
        value, slopes = value_and_grad(f, argnums=tuple(range(len(row))))(*row)
    except (ArithmeticError, ValueError):
        return None
    return (value, *slopes)


def same_bits(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or float(a).hex() == float(b).hex()


def batch(f: Callable[..., Any], rows: np.ndarray, threads: int = 1) -> np.ndarray:
    """Value and gradient of every row by vmap, side by side."""
    width = rows.shape[1]
    both = vmap(value_and_grad(f, tuple(range(width))), threads=threads, errors="ignore")
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
    for program in one.programs_by_key.values():
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
    for seed in range(PROGRAMS, MANY):
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
    for seed in range(PROGRAMS, MANY):
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
        everything = list(made)
        wanted.backward()
        weights = [abs(v.data * v.grad) for v in everything]
        largest = max(abs(v.data) for v in everything)
        # To first order: where second-order terms count, or numbers are subnormal, it says nothing.
        if not largest < 1e100 or not all(math.isfinite(w) for w in weights) or sum(weights) > 1e4:
            continue
        compared += 1
        bound = 8 * 2.0**-52 * sum(weights) + 1e-290
        if not abs(found - wanted.data) <= bound:
            pytest.fail(f"seed {seed}: at {row} {wanted.data!r} and {found!r}\n{routine}")
    return compared


def test_other_functions_agree_within_rounding() -> None:
    assert sum(check_rounding(seed) for seed in range(PROGRAMS)) > PROGRAMS


@pytest.mark.long
def test_very_many_programs_agree_within_rounding() -> None:
    for seed in range(PROGRAMS, MANY):
        check_rounding(seed)
