"""Random programs over Values: made once, run on any implementation, outcomes compared bit for bit.

A program is data: leaves, then steps. `programs()` is a Hypothesis strategy for them (it shrinks),
`random_program(rng)` draws one quickly from a random.Random; both make the same kind of program.
`run(program, impl)` returns the outcome, a list of lines that say every number, exactly.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from hypothesis import strategies as st
from truth import BINARY, ROWS, TERNARY, UNARY

# -- the ops ---------------------------------------------------------------------------------------

# Operands of each op; "pown", x ** n with a constant n, is a step of its own.
OPS = {name: ROWS[name].arity for name in (*UNARY, *BINARY, *TERNARY)}
ALIASES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "absolute": "abs",
    "fabs": "abs",
    "rint": "round",
    "select": "where",
}
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "mod": operator.mod,
    "floordiv": operator.floordiv,
    "neg": operator.neg,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
}
NO_METHOD = {"add", "sub", "mul", "div", "mod", "floordiv", "where", "select"}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

# -- numbers ---------------------------------------------------------------------------------------

MAX = 1.7976931348623157e308
MIN_NORMAL = 2.2250738585072014e-308
MIN_SUBNORMAL = 5e-324
POSITIVE_SPECIALS = [
    0.0,
    MIN_SUBNORMAL,
    1e-310,
    2.225073858507201e-308,  # the largest subnormal
    MIN_NORMAL,
    1e-200,
    1e-162,
    2.0**-53,
    1e-8,
    0.1,
    0.5,
    math.nextafter(1.0, 0.0),
    1.0,
    math.nextafter(1.0, 2.0),
    1.5,
    math.pi / 2,
    2.0,
    2.5,
    3.0,
    28.5,
    37.0,
    355.0,
    709.782712893384,  # exp's last argument before overflow, and the next double
    709.7827128933841,
    745.2,
    1024.0,
    4503599627370496.5,
    9007199254740993.0,
    1e154,
    1.4e154,
    1e200,
    1e308,
    MAX,
    math.inf,
]
SPECIALS = [*POSITIVE_SPECIALS, *[-x for x in POSITIVE_SPECIALS], math.nan]


def exact(x: float) -> str:
    """A float as text, one text per bit pattern; all nans are one."""
    if type(x) is not float:
        raise AssertionError(f"{x!r} is of type {type(x).__name__}, not float")
    return "nan" if math.isnan(x) else x.hex()


class Source(Protocol):
    """Where random decisions come from."""

    def below(self, n: int) -> int: ...

    def double(self) -> float: ...


class RandomSource:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def below(self, n: int) -> int:
        return int(self.rng.random() * n)

    def double(self) -> float:
        """Any finite double, exponents equally likely."""
        return math.ldexp(self.rng.uniform(-1, 1), self.rng.randint(-1074, 1024))


_BELOW = [st.just(0), *[st.integers(0, n - 1) for n in range(1, 100)]]
_ANY_DOUBLE = st.floats()


class HypothesisSource:
    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw

    def below(self, n: int) -> int:
        return self.draw(_BELOW[n])

    def double(self) -> float:
        return self.draw(_ANY_DOUBLE)


def _number(source: Source) -> float:
    """Mostly an everyday number, else a special one, else any: else programs would drown in nan."""
    kind = source.below(8)
    if kind < 3:
        return (source.below(97) - 48) / 16
    if kind < 5:
        return source.below(9) - 4.0
    if kind < 7:
        return SPECIALS[source.below(len(SPECIALS))]
    return source.double()


def _constant(source: Source) -> Any:
    """A plain number as a user may write it."""
    kind = source.below(12)
    if kind == 0:
        return source.below(9) - 4
    if kind == 1:
        return bool(source.below(2))
    if kind == 2:
        return Fraction(source.below(41) - 20, 1 + source.below(7))
    if kind == 3:
        return [10**30, -(2**63), 2**53 + 1, 10**308, 10**309][source.below(5)]
    return _number(source)


_EXPONENTS: list[Any] = [
    *[-3, -2, -1, 0, 1, 2, 3, 4, 5, 10, 511, 1024],
    *[-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, -0.5, 1.5, 1 / 3, -2.5, 7.0, 1e-300, 2.0**53, 1e300],
    *[math.inf, -math.inf, math.nan, True, Fraction(1, 2)],
]


# -- programs --------------------------------------------------------------------------------------


class Ref(NamedTuple):
    """The Value with this index: a leaf, or the result of a step."""

    index: int

    def __repr__(self) -> str:
        return f"v{self.index}"


class Step(NamedTuple):
    kind: str
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.kind}{self.args!r}"


class Program(NamedTuple):
    leaves: tuple[tuple[float, float], ...]  # data and initial grad
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        lines = [f"v{i} = leaf{leaf!r}" for i, leaf in enumerate(self.leaves)]
        count = len(self.leaves)
        for step in self.steps:
            if step.kind in MAKERS:
                lines.append(f"v{count} = {step!r}")
                count += 1
            else:
                lines.append(repr(step))
        return "Program:\n  " + "\n  ".join(lines)


# Steps that make a Value. The weights say how often each is drawn.
MAKERS = {"op": 12, "pown": 2, "sum": 1, "dot": 1, "partials": 1, "closure": 1}
_MAKER_LIST = [kind for kind, weight in MAKERS.items() for _ in range(weight)]
# Steps that act on Values there are.
ACTIONS = ["backward", "backward", "data", "grad", "contribute", "zero_grad", "compare"]


def _ref(source: Source, count: int) -> Ref:
    """One of the Values so far; often a recent one, so that graphs grow deep."""
    return Ref(count - 1 - source.below(min(3, count) if source.below(2) else count))


def _operand(source: Source, count: int) -> Any:
    return _constant(source) if source.below(5) == 4 else _ref(source, count)


def _operands(source: Source, count: int, n: int) -> tuple[Any, ...]:
    return tuple(_operand(source, count) for _ in range(n))


def _op_step(source: Source, count: int) -> Step:
    names = list(OPS)
    name = names[source.below(len(names))]
    operands = _operands(source, count, OPS[name])
    if not any(isinstance(x, Ref) for x in operands):
        operands = (_ref(source, count), *operands[1:])
    spellings = ["function", "method", "operator"]
    if name == "where" and source.below(2):
        # A condition is seldom 0 by chance.
        operands = (float(source.below(2)), operands[1], _ref(source, count))
    if name == "clip" and source.below(4) == 3:
        operands = (
            _ref(source, count),
            *[(None, operands[1]), (operands[2], None)][source.below(2)],
        )
    return Step("op", (spellings[source.below(3)], name, operands))


def _maker(source: Source, count: int) -> Step:
    kind = _MAKER_LIST[source.below(len(_MAKER_LIST))]
    if kind == "op":
        return _op_step(source, count)
    if kind == "pown":
        free = source.below(4) == 3
        n = _number(source) if free else _EXPONENTS[source.below(len(_EXPONENTS))]
        return Step("pown", (_ref(source, count), n))
    if kind == "sum":
        start = [0.0, _operand(source, count)][source.below(2)]
        return Step("sum", (_operands(source, count, source.below(5)), start))
    if kind == "dot":
        n = source.below(5)
        bias = [None, _operand(source, count)][source.below(2)]
        return Step("dot", (_operands(source, count, n), _operands(source, count, n), bias))
    children = tuple(_ref(source, count) for _ in range(source.below(4)))
    if kind == "partials":
        return Step(
            "partials", (_number(source), children, _operands(source, count, len(children)))
        )
    factors = tuple(_number(source) for _ in children)
    return Step("closure", (_number(source), children, factors))


def _action(source: Source, count: int) -> Step:
    kind = ACTIONS[source.below(len(ACTIONS))]
    ref = _ref(source, count)
    if kind == "backward":
        return Step(kind, (ref, [1.0, _constant(source)][source.below(2)]))
    if kind in ("data", "grad"):
        return Step(kind, (ref, _constant(source)))
    if kind == "compare":
        return Step(kind, (list(COMPARISONS)[source.below(4)], ref, _operand(source, count)))
    return Step(kind, (ref,))


def _program(source: Source) -> Program:
    grads = [0.0, 0.0, 0.0, -0.0, 1.0, math.nan]
    leaves = tuple(
        (_number(source), grads[source.below(len(grads))]) for _ in range(1 + source.below(4))
    )
    count = len(leaves)
    steps = []
    for _ in range(1 + source.below(12)):
        steps.append(_maker(source, count))
        count += 1
        if source.below(8) == 7:
            steps.append(_action(source, count))
    steps.append(Step("backward", (Ref(count - 1), 1.0)))
    for _ in range(source.below(4)):
        steps.append(_action(source, count))
    return Program(leaves, tuple(steps))


def random_program(rng: random.Random) -> Program:
    """A program drawn from rng."""
    return _program(RandomSource(rng))


@st.composite
def programs(draw: Callable[..., Any]) -> Program:
    """Hypothesis strategy for programs."""
    return _program(HypothesisSource(draw))


# -- running ---------------------------------------------------------------------------------------


def run(program: Program, impl: ModuleType) -> list[str]:
    """Every number that the program shows on this implementation, as text that says all its bits.

    Where a step raises, the outcome has the type of the exception, and the step's Value is a new
    leaf, so that later steps find what they refer to.
    """
    values = []
    for data, grad in program.leaves:
        leaf = impl.Value(data)
        leaf.grad = grad
        values.append(leaf)
    outcome: list[str] = []
    for number, step in enumerate(program.steps):
        try:
            result = _execute(step, values, impl)
        except (ArithmeticError, ValueError) as error:
            outcome.append(f"step {number}: {type(error).__name__}")
            result = impl.Value(1.0) if step.kind in MAKERS else None
        if step.kind in MAKERS:
            if isinstance(result, float):  # sum or dot without any Value
                outcome.append(f"step {number}: float")
                result = impl.Value(result)
            values.append(result)
        elif step.kind == "compare":
            outcome.append(f"step {number}: {result}")
        elif step.kind in ("backward", "contribute"):
            outcome += [f"step {number}: v{i}.grad {exact(v.grad)}" for i, v in enumerate(values)]
    for i, v in enumerate(values):
        outcome.append(f"v{i}: {v._op!r} {exact(v.data)} grad {exact(v.grad)}")
        for child in v._children:  # constants among them, too
            outcome.append(f"v{i} child: {exact(child.data)} grad {exact(child.grad)}")
        try:
            slopes = v.local_derivatives
        except TypeError:  # a node of closures has none
            outcome.append(f"v{i} slopes: TypeError")
        else:
            outcome.append(f"v{i} slopes: {' '.join(map(exact, slopes))}")
    return outcome


def _execute(step: Step, values: list[Any], impl: ModuleType) -> Any:
    def value(x: Any) -> Any:
        return values[x.index] if isinstance(x, Ref) else x

    args = step.args
    if step.kind == "op":
        spelling, name, refs = args
        return call(impl, spelling, name, [value(x) for x in refs])
    if step.kind == "pown":
        return value(args[0]) ** args[1]
    if step.kind == "sum":
        return impl.sum([value(x) for x in args[0]], value(args[1]))
    if step.kind == "dot":
        ws, xs, bias = args
        return impl.dot([value(w) for w in ws], [value(x) for x in xs], value(bias))
    if step.kind == "partials":
        data, children, partials = args
        return impl.Value(data, [value(c) for c in children], [value(p) for p in partials])
    if step.kind == "closure":
        data, children, factors = args
        return closure_node(impl, data, [value(c) for c in children], factors)
    node = value(args[0])
    if step.kind == "backward":
        return node.backward(args[1])
    if step.kind == "data":
        node.data = args[1]
    elif step.kind == "grad":
        node.grad = args[1]
    elif step.kind == "contribute":
        node._backward()
    elif step.kind == "zero_grad":
        impl.zero_grad(node)
    else:
        return COMPARISONS[args[0]](value(args[1]), value(args[2]))
    return None


def call(impl: ModuleType, spelling: str, name: str, operands: list[Any]) -> Any:
    """The op on the operands by the given spelling, or as a function where there is no such."""
    if spelling == "operator" and name in OPERATORS:
        return OPERATORS[name](*operands)
    if spelling == "method" and name not in NO_METHOD and isinstance(operands[0], impl.Value):
        return getattr(operands[0], name)(*operands[1:])
    return impl.FUNCTIONS[name](*operands)


def closure_node(impl: ModuleType, data: float, children: list[Any], factors: Any) -> Any:
    """A user's own op: its closure adds factor * grad to each child."""
    node = impl.Value(data, children, "closure")

    def add_contributions() -> None:
        for child, factor in zip(children, factors, strict=True):
            child.grad += factor * node.grad

    node._backward = add_contributions
    return node
