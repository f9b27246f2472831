"""Random routines with random branches, for tests that hold programs to what eager code says."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from programs import OPS, RandomSource, Ref, Step, _maker, _number, _operand, _ref, call
from truth import ROWS

from pygrad import Value
from pygrad import value as impl

# Ops whose lanes run the sequence that eager code runs, in every build.
EXACT = [name for name, row in ROWS.items() if row.same_in_lanes]
# Not -1: the slope of x ** -1 is -pow(x, -2), which lanes compute within 2 ulp.
EXACT_EXPONENTS = [0, 1, 2, 3, 2.0, 3.0, 0.0, True]
# Ops for which an error estimate to first order is sound.
SMOOTH = [name for name, row in ROWS.items() if row.is_tame]
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "nonzero": lambda a, b: a != 0,  # not bool(a): eager Values outside transforms are all true
    "equal": lambda a, b: a == 0.5 if b is None else (a - b) == 0,
    "unequal": lambda a, b: a != 0.5,
}


# -- routines --------------------------------------------------------------------------------------


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


def same_bits(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or float(a).hex() == float(b).hex()


def rounding_of(wanted: Value, made: Sequence[Value]) -> float | None:
    """How far rounding may move a result of a graph of these nodes, to first order; runs backward() of it.

    None where it says nothing: where second-order terms count, or numbers are subnormal.
    """
    wanted.backward()
    total = sum(abs(v.data * v.grad) for v in made)
    if not (max(abs(v.data) for v in made) < 1e100 and total <= 1e4):
        return None
    return 8 * 2.0**-52 * total + 1e-290
