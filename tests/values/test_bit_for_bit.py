"""The compiled Value and the reference in plain Python agree bit for bit.

Values, gradients, slopes and the types of exceptions, on random programs (tests/lib/programs.py): all
ops in all spellings, shared nodes, constants on either side, sum, dot, given local_grads, closures,
special doubles, second sweeps, seeds, numbers changed between forward and backward.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import programs
import pytest
from hypothesis import HealthCheck, given, settings
from programs import ALIASES, OPS, Program, Ref, Step, exact, run

from pygrad import reference, value
from pygrad.reference import rules

BOTH = [value, reference]
# Numbers at which each op has a value; every op but acosh and atanh takes all of the first row.
ORDINARY = [0.75, 0.25, 0.5, -0.375, 0.0]
SOUND = {"acosh": [1.25, 3.5], "log": [0.75, 3.5], "sqrt": [0.75, 3.5]}


def assert_same(program: Program) -> None:
    compiled, plain = run(program, value), run(program, reference)
    differences = [(c, p) for c, p in itertools.zip_longest(compiled, plain) if c != p]
    assert not differences, f"{program!r}\ncompiled, reference: {differences[0]}"


@functools.cache
def seeded(first: int, count: int) -> list[Program]:
    return [programs.random_program(random.Random(seed)) for seed in range(first, first + count)]


# -- random programs -------------------------------------------------------------------------------


@given(programs.programs())
@settings(
    max_examples=250, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_random_programs(program: Program) -> None:
    assert_same(program)


@pytest.mark.long
@given(programs.programs())
@settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
def test_other_random_programs_each_time(program: Program) -> None:
    assert_same(program)


def test_many_seeded_programs() -> None:
    for program in seeded(0, 1_000):
        assert_same(program)


@pytest.mark.long
def test_twenty_thousand_seeded_programs() -> None:
    for seed in range(1_000_000, 1_020_000):
        assert_same(programs.random_program(random.Random(seed)))


# -- the test of the test --------------------------------------------------------------------------


def test_the_programs_reach_everything() -> None:
    """Each op in each spelling, each kind of step, each exception, gradients of many kinds."""
    steps: Counter[Any] = Counter()
    outcomes: Counter[str] = Counter()
    grads: Counter[str] = Counter()
    for program in seeded(0, 3_000):
        for step in program.steps:
            steps[step.kind] += 1
            if step.kind == "op":
                steps[step.args[:2]] += 1
        for line in run(program, value):
            outcomes[line.rpartition(" ")[2]] += 1
            if " grad " in line:
                x = line.rpartition(" ")[2]
                small = x not in ("nan", "inf", "-inf") and abs(float.fromhex(x)) < 2.3e-308
                grads["small" if small and float.fromhex(x) else x] += 1
                grads["any"] += 1
    kinds = {*programs.MAKERS, *programs.ACTIONS}
    wanted = kinds | {
        (spelling, op) for spelling in ("function", "method", "operator") for op in OPS
    }
    assert min(steps[name] for name in wanted) >= 20
    for error in ("ValueError", "OverflowError", "ZeroDivisionError"):
        assert outcomes[error] >= 100
    assert min(grads[x] for x in ("nan", "inf", "-inf", "-0x0.0p+0", "small")) >= 20
    plain = ("nan", "inf", "-inf", "0x0.0p+0", "-0x0.0p+0", "small")
    assert grads["any"] - sum(grads[x] for x in plain) > grads["any"] / 4


@pytest.mark.parametrize("name", OPS)
def test_a_wrong_last_bit_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs notice if a value or any one slope of the reference is one ulp off."""
    op = rules.OPS[name]

    def off(x: float) -> float:
        return x if math.isnan(x) or math.isinf(x) else math.nextafter(x, math.inf)

    def spoilt_slopes(k: int) -> Callable[..., tuple[float, ...]]:
        return lambda *xyz: tuple(off(s) if i == k else s for i, s in enumerate(op.slopes(*xyz)))

    spoilt = [op._replace(value=lambda *xyz: off(op.value(*xyz)))]
    spoilt += [op._replace(slopes=spoilt_slopes(k)) for k in range(OPS[name])]
    with_op = [p for p in seeded(0, 1_500) if any(name in step.args[:2] for step in p.steps)]
    for wrong in spoilt:
        monkeypatch.setitem(rules.OPS, name, wrong)
        assert any(run(p, reference) != run(p, value) for p in with_op), wrong


# -- one thing at a time ---------------------------------------------------------------------------


def operands(name: str) -> list[tuple[float, ...]]:
    """A few operands of the op, at which it does not raise."""
    numbers = SOUND.get(name, ORDINARY)
    chosen = []
    for xs in itertools.product(numbers, repeat=OPS[name]):
        try:
            programs.call(reference, "function", name, [reference.Value(x) for x in xs])
        except (ArithmeticError, ValueError):
            continue
        chosen.append(xs)
    assert len(chosen) >= 2
    return chosen


def same(make: Callable[[Any], list[float]]) -> list[str]:
    """What make(implementation) gives on both, which must be the same."""
    compiled, plain = ([exact(x) for x in make(impl)] for impl in BOTH)
    assert compiled == plain
    return compiled


@pytest.mark.parametrize("name", OPS)
def test_second_backward_seeds_and_initial_grads(name: str) -> None:
    """Leaves accumulate on whatever they hold, -0.0 and nan too; inner nodes start again at 0."""
    for xs in operands(name):
        for seed, initial in itertools.product(
            [1.0, -0.3, 0.0, -0.0, 5e-324, 1e308, math.inf, math.nan], [0.0, -0.0, 0.1, math.nan]
        ):

            def make(impl: Any, xs: Any = xs, seed: float = seed, initial: float = initial) -> Any:
                leaves = [impl.Value(x) for x in xs]
                for leaf in leaves:
                    leaf.grad = initial
                inner = programs.call(impl, "function", name, leaves)
                root = inner * 0.7 + inner
                shown = []
                for s in (seed, 1.0, seed):
                    root.backward(s)
                    shown += [v.grad for v in (*leaves, inner, root)]
                return shown

            same(make)


@pytest.mark.parametrize("name", OPS)
def test_slopes_read_the_data_of_the_time_of_backward(name: str) -> None:
    """Also outside the op's domain: backward never raises for a numeric reason."""
    doubles = [0.5, -3.0, 0.0, -0.0, 1.0, 1e200, 5e-324, math.inf, -math.inf, math.nan]
    xs = operands(name)[0]
    for new in itertools.product(doubles, repeat=OPS[name]):
        for result in (None, 0.3, -0.0, math.nan):

            def make(impl: Any, new: Any = new, result: Any = result) -> Any:
                leaves = [impl.Value(x) for x in xs]
                root = programs.call(impl, "function", name, leaves)
                for leaf, x in zip(leaves, new, strict=True):
                    leaf.data = x
                if result is not None:
                    root.data = result
                root.backward()
                return [*root.local_derivatives, *[leaf.grad for leaf in leaves]]

            shown = same(make)
            if OPS[name] == 1:  # the grad is 0.0 + 1.0 * slope
                slope, grad = shown
                assert grad == exact(0.0 + float.fromhex(slope))


@pytest.mark.parametrize(
    "n", [-3, -1, 0, 1, 2, 3, 4, 0.5, -0.5, 1.5, math.inf, -math.inf, math.nan]
)
def test_power_slopes_read_the_data_of_the_time_of_backward(n: float) -> None:
    for x in programs.SPECIALS:

        def make(impl: Any, x: float = x) -> Any:
            leaf = impl.Value(1.0)
            root = leaf**n
            leaf.data = x
            root.backward()
            return [leaf.grad, *root.local_derivatives]

        same(make)


def test_accumulation_is_in_operand_order() -> None:
    """Sums of floats depend on the order; here 1e16, 1.0, -1e16 and 1.0 reach one leaf."""
    parts = [1e16, 1.0, -1e16, 1.0]
    sums = set()
    for order in itertools.permutations(parts):

        def through_sum(impl: Any, order: Any = order) -> Any:
            x = impl.Value(1.0)
            impl.sum([x * part for part in order]).backward()
            return [x.grad]

        def through_partials(impl: Any, order: Any = order) -> Any:
            x = impl.Value(1.0)
            impl.Value(0.0, [x] * 4, order).backward()
            return [x.grad]

        def through_dot(impl: Any, order: Any = order) -> Any:
            x = impl.Value(1.0)
            impl.dot([x] * 4, order).backward()
            return [x.grad]

        expected = 0.0
        for part in order:
            expected += part
        assert same(through_partials) == same(through_dot) == [exact(expected)]
        sums.update(same(through_sum))
    assert len(sums) > 1


def test_zero_signs_of_first_contributions() -> None:
    """Adjoints of inner nodes start at +0.0; a leaf keeps its -0.0 until something is added."""
    for impl in BOTH:
        x = impl.Value(1.0)
        x.grad = -0.0
        inner = impl.Value(2.0, [x], [-0.0])
        root = impl.Value(3.0, [inner], [-0.0])
        root.backward()
        assert exact(inner.grad) == exact(0.0)  # 0.0 + 1.0 * -0.0
        assert exact(x.grad) == exact(-0.0)  # -0.0 + 0.0 * -0.0
        x.backward()
        assert exact(x.grad) == exact(1.0)


def test_the_table_of_ops_is_complete() -> None:
    for impl in BOTH:
        public = set(impl.FUNCTIONS) - {"pown"}
        assert public == set(OPS) | set(ALIASES)
    assert set(value.FUNCTIONS) == set(reference.FUNCTIONS)


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_are_the_same_op(alias: str) -> None:
    name = ALIASES[alias]
    for xs in operands(name):
        for impl in BOTH:
            nodes = [
                programs.call(impl, spelling, n, [impl.Value(x) for x in xs])
                for n in (name, alias)
                for spelling in ("function", "method")
            ]
            assert len({(v._op, v.data, v.local_derivatives) for v in nodes}) == 1


@pytest.mark.parametrize(
    "step",
    [
        Step("op", ("function", "log", (Ref(0),))),
        Step("pown", (Ref(0), 0.5)),
        Step("op", ("operator", "div", (Ref(0), 0))),
    ],
)
def test_outcomes_tell_exceptions(step: Step) -> None:
    outcome = run(Program(((-1.0, 0.0),), (step,)), value)
    assert outcome[0] in ("step 0: ValueError", "step 0: ZeroDivisionError")
    assert_same(Program(((-1.0, 0.0),), (step,)))
