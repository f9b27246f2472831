"""Comparisons in a trace are Values of 0 and 1 until Python asks for their truth; only that makes paths."""

from __future__ import annotations

import copy
import functools
import json
import math as plain_math
import operator
import pickle
import random
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from routines import same_bits
from shares import share

from pygrad import Value, autograph, grad, hessian, load, math, value_and_grad, vmap, where
from pygrad import compile as compile_
from pygrad._core import lib
from pygrad.programs.paths import TraceError

POINTS = [0.5, -0.5, 0.0, -0.0, 2.0, plain_math.inf, -plain_math.inf, plain_math.nan]


def paths(compiled: Any) -> int:
    """How many paths its only program has."""
    (program,) = compiled.store.calls
    return len(program.paths.all)


def eager(f: Callable[..., Any], *args: float) -> Any:
    found = f(*map(Value, args))
    return found.data if isinstance(found, Value) else found


def alike(a: Any, b: Any) -> bool:
    return (type(a) is bool) == isinstance(b, bool | np.bool_) and same_bits(float(a), float(b))


def check(f: Callable[[Any], Any], expected: int) -> None:
    """Compiled and mapped it is what eager code says, on so many paths."""
    compiled = compile_(f)
    for x in POINTS:
        assert alike(compiled(x), eager(f, x)), (x, compiled(x), eager(f, x))
    assert paths(compiled) == expected
    rows = vmap(f, errors="ignore")(np.array(POINTS))
    assert all(same_bits(float(a), float(eager(f, x))) for a, x in zip(rows, POINTS, strict=True))
    truths = all(isinstance(eager(f, x), bool | np.bool_) for x in POINTS)
    assert rows.dtype == (bool if truths else float)


# -- what takes a condition as it is ---------------------------------------------------------------

AS_THEY_ARE: dict[str, Callable[[Any], Any]] = {
    "less": lambda x: x < 0.5,
    "less or equal": lambda x: x <= 0.5,
    "greater": lambda x: x > 0.5,
    "greater or equal": lambda x: 0.5 <= x,
    "equal": lambda x: x == 0.0,
    "unequal": lambda x: x != 0.0,
    "of two": lambda x: x * x < x,
    "times a number": lambda x: (x > 0) * 3.0,
    "times a Value": lambda x: where(x < 9.0, x, 0.0) * (x > 0),
    "plus": lambda x: (x > 0) + 1,
    "minus": lambda x: 1 - (x > 0),
    "divided": lambda x: (x > 0) / 4,
    "squared": lambda x: (x > 0) ** 2,
    "negated": lambda x: -(x > 0),
    "times a negative int": lambda x: (x > 0) * -3 + -2 * (x > 0) * 0.0,
    "with a plus": lambda x: +(x > 0),
    "counted": lambda x: sum(x > t for t in (-1.0, 0.0, 1.0)),
    "where": lambda x: where(x > 0, x, -x),
    "where of a Value": lambda x: where((x > 0) * 2.0, x, -x),
    "and": lambda x: (x > 0) & (x < 1),
    "or": lambda x: (x > 1) | (x < -0.25),
    "xor": lambda x: (x > 0) ^ (x < 1),
    "all of many": lambda x: functools.reduce(operator.and_, [x > t for t in (-1.0, 0.0, 1.0)]),
    "and True": lambda x: (x > 0) & True,
    "and False": lambda x: False & (x > 0),
    "or True": lambda x: (x > 0) | True,
    "or False": lambda x: False | (x > 0),
    "xor True": lambda x: (x > 0) ^ True,
    "xor False": lambda x: (x > 0) ^ False,
    "and NumPy's True": lambda x: (x > 0) & np.True_,
    "is True, by ==": lambda x: (x > 0) == True,  # noqa: E712
    "is not True": lambda x: (x > 0) != True,  # noqa: E712
    "is False": lambda x: (x > 0) == False,  # noqa: E712
    "equal to 1": lambda x: (x > 0) == 1,
    "equal to another": lambda x: (x > 0) == (x < 1),
    "less than another": lambda x: (x > 0) < (x < 1),
    "copied": lambda x: copy.deepcopy(copy.copy(x > 0)),
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "isclose": lambda x: math.isclose(x, 0.5, rel_tol=0.1),
    "isclose to infinity": lambda x: math.isclose(x, plain_math.inf),
    "copysign": lambda x: math.copysign(3.0, x),
    "copysign of it": lambda x: math.copysign(x, -1.0),
    "an int beyond floats": lambda x: x < 2**53 + 1,
    "an int beyond all": lambda x: x < 10**400,
    "a fraction": lambda x: x >= Fraction(1, 3),
    "never equal": lambda x: x == Fraction(1, 3),
    "not a number": lambda x: x != plain_math.nan,
    "a constant": lambda x: (Value(2.0) > 1.0) * where(x > 0, 1.0, 0.0),
    "not used": lambda x: [x > 1.0, x][1] if True else x,
}


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_taken_as_it_is_a_comparison_is_no_path(name: str) -> None:
    check(AS_THEY_ARE[name], 1)


# -- what asks for its truth -----------------------------------------------------------------------

ASKING: dict[str, tuple[Callable[[Any], Any], int]] = {
    "if": (lambda x: 1.0 if x > 0 else 2.0, 2),
    "not": (lambda x: not x > 0, 2),
    "and": (lambda x: x > 0 and x < 1, 2),
    "chained": (lambda x: where(0 < x < 1, 1.0, 2.0), 2),
    "an index": (lambda x: [1.0, 2.0][x > 0], 2),
    "a key": (lambda x: {True: 1.0, False: 2.0}[x > 0], 2),
    "int": (lambda x: int(x > 0) + 0.5, 2),
    "float": (lambda x: float(x > 0) + 0.5, 2),
    "bool": (lambda x: bool(x > 0), 2),
    "operator": (lambda x: operator.not_(x > 0), 2),
    "index": (lambda x: operator.index(x > 0), 2),
    "text": (lambda x: len(f"{x > 0} {x > 0!r:>7} {x > 0!s}"), 2),
    "format": (lambda x: float(format(x > 0, "d")), 2),
    "percent": (lambda x: float("%d" % (x > 0)), 2),  # noqa: UP031
    "an exponent": (lambda x: 3 ** (x > 0), 2),
    "shifted": (lambda x: (x > 0) << 2, 2),
    "with an int": (lambda x: (x > 0) & 3, 2),
    "any": (lambda x: any([x > 0, x < -1]), 3),
    "all": (lambda x: all([x > 0, x < 1]), 3),
    "in": (lambda x: (x > 0) in (True,), 2),
    "a set": (lambda x: len({x > 0, True}), 2),
    "pickled": (lambda x: pickle.loads(pickle.dumps(x > 0)), 2),
    "math's": (lambda x: plain_math.sin(x > 0), 2),
    "NumPy's bool": (lambda x: bool(np.bool_(x > 0)), 2),
    "an array of floats": (lambda x: np.array([x > 0], float)[0], 2),
    "asked of both": (lambda x: 1.0 if (x > 0) & (x < 1) else 2.0, 2),
    "max": (lambda x: max(x > 1, x > 0), 2),
}


@pytest.mark.parametrize("name", ASKING)
def test_where_python_asks_it_is_a_guard(name: str) -> None:
    check(*ASKING[name])


def test_asked_twice_it_is_one_guard() -> None:
    def f(x: Any) -> Any:
        positive = x > 0
        for _ in range(5):
            if positive:
                x = x + 1.0
        return [x, x * 2.0][positive] + {True: 1.0, False: 2.0}[positive] + float(positive)

    compiled = compile_(f)
    assert [compiled(x) for x in (1.0, -1.0)] == [eager(f, x) for x in (1.0, -1.0)]
    (program,) = compiled.store.calls
    assert [path.outcomes for path in program.paths.all] == [(True,), (False,)]


def test_code_that_only_branches_has_the_programs_that_it_had() -> None:
    def f(x: Any, y: Any) -> Any:
        if x > 1.0 and y >= x:
            return x * y
        return x - y if 2.0 < y else x

    compiled = compile_(f)
    for x, y in ((2.0, 3.0), (2.0, 1.0), (0.0, 3.0), (0.0, 0.0)):
        assert compiled(x, y) == eager(f, x, y)
    (program,) = compiled.store.calls
    lengths = [path.instructions for path in program.paths.all]  # two guards, a constant for each,
    assert lengths == [5, 5, 5, 4]  # an op unless x is given back, an output


def test_what_nobody_uses_costs_nothing() -> None:
    def f(x: Any, count: int) -> Any:
        for t in range(count):
            _ = (x > t) & (x < 2 * t)
        return x * 2.0

    compiled = compile_(f, static_argnums=1)
    lengths = []
    for count in (0, 100):
        compiled(1.0, count)
        lengths.append(list(compiled.store.calls)[-1].paths.root.instructions)
    assert lengths[0] == lengths[1]


def test_results_are_bools_where_eager_code_has_bools() -> None:
    f = compile_(lambda x: {"p": x > 0, "x": [x, x < 0, (x > 0) + 0]})
    assert f(1.0) == {"p": True, "x": [1.0, False, 1.0]}
    assert list(map(type, f(1.0)["x"])) == [float, bool, float]
    f = compile_(lambda x: not x > 0)
    assert f(1.0) is False and f(-1.0) is True
    f = compile_(lambda x: x > 0 if x < 1 else 2.5)  # by the path
    assert (f(0.5), f(-0.5), f(3.0)) == (True, False, 2.5) and type(f(3.0)) is float
    assert compile_(lambda x, y: x > y)(Value(2.0), 1.0) is True
    rows = np.array([1.0, -1.0])
    one, other = vmap(lambda x: (x > 0, x))(rows)
    assert one.dtype == bool and one.tolist() == [True, False] and other.dtype == float
    mixed = vmap(lambda x: x > 0 if x < 1 else 2.5)(np.array([0.5, -0.5, 3.0]))
    assert mixed.dtype == float and mixed.tolist() == [1.0, 0.0, 2.5]
    assert vmap(lambda x: x > 0, reduce="sum")(np.arange(5.0)) == 4.0
    assert vmap(lambda x: x > 0, reduce="mean")(np.arange(5.0)) == 0.8
    out = np.empty((2, 1))
    vmap(lambda x: x > 0)(rows, out=out)
    assert out.tolist() == [[1.0], [0.0]]
    assert vmap(lambda x: x > 0)([Value(1.0), Value(-1.0)]).tolist() == [True, False]


def test_files_keep_what_is_a_bool(tmp_path: Path) -> None:
    f = compile_(lambda x: (x > 0, [x, math.isnan(x)]))
    rows = compile_(vmap(lambda x: (x > 0, where(x > 0, x, -x))))
    points = np.array(POINTS)
    wanted, wanted_rows = [f(x) for x in POINTS], rows(points)
    f.save(tmp_path / "f")
    rows.save(tmp_path / "rows")
    loaded, loaded_rows = load(tmp_path / "f"), load(tmp_path / "rows")
    assert repr([loaded(x) for x in POINTS]) == repr(wanted)
    for a, b in zip(loaded_rows(points), wanted_rows, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    assert repr(pickle.loads(pickle.dumps(f))(0.5)) == repr(f(0.5))


def test_c_code_has_them_as_numbers() -> None:
    f = compile_(lambda x: where((x > 0) & (x < 1), x, 0.0) + (x >= 2) * 3.0)
    f(0.5)
    code = f.to_c(name="f").split("*/", 1)[1]
    assert " if (" not in code
    assert "f_below(0.0, in[0])" in code and "f_at_most(2.0, in[0])" in code


# -- misuse ----------------------------------------------------------------------------------------


def test_outside_its_trace_it_is_refused() -> None:
    kept: list[Any] = []

    @compile_
    def keep(x: Any) -> Any:
        kept.append(x > 0)
        kept.append((x > 0) & (x < 1))
        return x

    keep(1.0)
    uses: list[Callable[[Any], Any]] = [
        *(bool, int, float, operator.index, hash, lambda c: c & True, lambda c: c | c),
        *(
            lambda c: c ^ True,
            lambda c: c + 1,
            lambda c: where(c, 1.0, 2.0),
            copy.copy,
            pickle.dumps,
        ),
        *(lambda c: c == 1, lambda c: c == True, lambda c: c < 2, lambda c: f"{c:d}"),  # noqa: E712
        *(lambda c: 2**c, lambda c: c << 1, operator.inv),
    ]
    for condition in kept:
        for use in uses:
            with pytest.raises(TraceError, match=r"made while keep\(\) was traced"):
                use(condition)
        assert "comparison" in repr(condition)


def test_its_number_is_not_to_be_read() -> None:
    with pytest.raises(TraceError, match="was read"):
        compile_(lambda x: (x > 0).data)(1.0)
    f = compile_(lambda x: len(json.dumps(x > 0)))
    assert f(1.0) == len("true") and f(-1.0) == len("false")
    with pytest.raises(TypeError, match="comparisons in a trace"):
        type(_condition())()


def _condition() -> Any:
    found: list[Any] = []
    compile_(lambda x: (found.append(x > 0), x)[1])(1.0)
    return found[0]


@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")
def test_a_tilde_is_what_it_is_for_bools_and_says_so() -> None:
    with pytest.warns(RuntimeWarning, match="both are true"):
        f = compile_(lambda x: ~(x > 0))
        assert (f(1.0), f(-1.0)) == (~True, ~False) == (-2.0, -1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="not c"):
            compile_(lambda x: ~(x > 0))(1.0)


def is_so(truth: Any) -> bool:
    return truth is True


def test_identity_with_true_is_what_it_is_for_bools() -> None:
    check(lambda x: 1.0 if (x > 0) is True else 2.0, 2)
    check(lambda x: 1.0 if False is not (x > 0) else 2.0, 2)
    check(lambda x: 1.0 if is_so(x > 0) else 2.0, 2)
    check(lambda x: 1.0 if True is [x > 0][0] else 2.0, 2)
    check(functools.partial(lambda so, x: 1.0 if so(x > 0) else 2.0, is_so), 2)
    check(functools.partial(lambda k, x: k if (x > 0) is True else 2.0, 3.0), 2)

    def matched(x: Any) -> Any:
        match x > 0:
            case True:
                return x * 2.0
            case _:
                return x

    check(matched, 2)
    check(lambda x: where(x > 0, 1.0, 2.0 if x is not None else 3.0), 1)


# -- derivatives -----------------------------------------------------------------------------------


def test_a_way_that_is_not_taken_has_no_derivative() -> None:
    root = compile_(value_and_grad(lambda x: where(x > 0, math.sqrt(x), 3.0 * x)))
    assert [root(x) for x in (4.0, 0.0)] == [(2.0, 0.25), (0.0, 3.0)]
    assert paths(root) == 1
    curved = vmap(hessian(lambda x: where(x > 0, math.log(x), 0.0)), errors="ignore")
    assert curved(np.array([2.0, 0.0, -1.0])).tolist() == [-0.25, 0.0, 0.0]
    assert compile_(grad(lambda x: (x > 0) * x))(2.0) == 1.0
    assert compile_(grad(lambda x: x > 0))(2.0) == 0.0


def test_a_bisection_by_where_is_one_path() -> None:
    def root(x: Any) -> Any:
        low, high = 0.0 * x, 1.0 + x
        for _ in range(50):
            m = 0.5 * (low + high)
            below = m * m < x
            low, high = where(below, m, low), where(below, high, m)
        return 0.5 * (low + high)

    xs = np.linspace(0.1, 50.0, 200)
    call = compile_(vmap(value_and_grad(root)))
    values, slopes = call(xs)
    assert np.allclose(values, np.sqrt(xs), rtol=1e-12)
    for k in range(0, 200, 23):
        value, slope = value_and_grad(root)(float(xs[k]))
        assert (value, slope) == (values[k], slopes[k])
    assert len(call.programs) == 1


# -- random programs -------------------------------------------------------------------------------


def random_program(rng: random.Random) -> Callable[[Any, Any], Any]:
    """Comparisons as numbers, as masks and as branches, one after the other, in arithmetic."""
    steps = [(rng.randrange(9), [rng.randrange(1000) for _ in range(6)]) for _ in range(8)]
    numbers = [rng.choice([0.0, -0.0, 0.5, 1.0, -2.0, 3]) for _ in range(4)]
    compare = [operator.lt, operator.le, operator.gt, operator.ge]

    def f(x: Any, y: Any) -> Any:
        values: list[Any] = [x, y, x * y]
        masks: list[Any] = [x > y]
        for kind, picks in steps:
            i, j, k, m, n, op = picks
            a, b = values[i % len(values)], values[j % len(values)]
            c = [numbers[k % 4], values[k % len(values)]][k % 2]
            p, q = masks[m % len(masks)], masks[n % len(masks)]
            if kind == 0:
                masks.append(compare[op % 4](a, c))
            elif kind == 1:
                masks.append(a == numbers[k % 4] if op % 2 else a != numbers[k % 4])
            elif kind == 2:
                masks.append([p & q, p | q, p ^ q, p ^ True][op % 4])
            elif kind == 3:
                masks.append([p == q, p != q, p < q, math.isclose(a, b, rel_tol=0.3)][op % 4])
            elif kind == 4:
                values.append(where(p, a, b))
            elif kind == 5:
                values.append(a + p * b if op % 2 else (p + q) * a - b)
            elif kind == 6:
                values.append(a * b if p else a - c)
            elif kind == 7:
                values.append(a + [1.0, 2.0][q] - 0.5 * sum([p, q, a > b]))
            else:
                values.append(math.maximum(a, b) * 0.5 + math.copysign(a, b) * p)
        return values[-1] * 0.5 + values[len(values) // 2] + masks[-1]

    return f


def compare_program(seed: int) -> tuple[int, int]:
    """How many rows were compared, and on how many paths."""
    rng = random.Random(seed)
    f = value_and_grad(random_program(rng), (0, 1))
    rows = [
        [rng.choice([0.0, -0.0, 0.5, 1.0, -2.0, 3.0, rng.gauss(0, 2)]) for _ in "xy"]
        for _ in "r" * 9
    ]
    wanted = [(value, *slopes) for value, slopes in (f(*row) for row in rows)]
    lib.pg_choose_lanes(seed % 3)
    mapped = compile_(vmap(f, errors="ignore"))
    value, slopes = mapped(*np.array(rows).T)
    lib.pg_choose_lanes(2)
    for row, found, want in zip(rows, zip(value, *slopes, strict=True), wanted, strict=True):
        assert all(map(same_bits, map(float, found), want)), (seed, row, found, want)
    one = compile_(f)
    for row, want in zip(rows, wanted, strict=True):
        value, slopes = one(*row)
        assert all(map(same_bits, (value, *slopes), want)), (seed, row, value, slopes, want)
    for program in one.store.calls:
        assert all(lib.pg_program_verify(path.program) == 1 for path in program.paths.all)
    return len(rows), len(mapped.programs)


def test_random_programs_of_conditions_equal_eager_bit_for_bit() -> None:
    counts = [compare_program(seed) for seed in range(500)]
    assert sum(rows for rows, _ in counts) == 4500
    assert 500 < sum(paths for _, paths in counts) < 3000


@pytest.mark.long
def test_very_many_programs_of_conditions_equal_eager_bit_for_bit() -> None:
    for seed in share(range(500, 10_000), 3):
        compare_program(seed)


# -- counts as keys ----------------------------------------------------------------------------------


@autograph
def by_branches(x: Any) -> Any:
    n = 0
    if x > 0:
        n += 1
    if x > 1:
        n += 1
    return x * {0: 3.0, 1: 2.0}.get(n, 9.0)


KEYED: dict[str, Callable[[Any], Any]] = {
    "a key": lambda x: x * {0: 3.0, 1: 2.0, 2: 5.0}[sum([x > 0, x > 1])],
    "a key that may be missing": lambda x: x * {0: 3.0, 1: 2.0}.get((x > 0) + (x > 1), 9.0),
    "a part of a key": lambda x: x * {(0, 1): 3.0, (1, 0): 2.0}[(x > 0) + 0, 1 - (x > 0)],
    "an item of a set": lambda x: x if (x > 0) + (x > 1) in {1, 7} else -x,
    "a set": lambda x: x * len({(x > 0) + 1, (x > 1) + 1, 1}),
    "a choice": lambda x: x * {0.5: 3.0, 2.0: 2.0}.get(where(x > 0, 0.5, 2), 9.0),
    "a part of one": lambda x: x * {0.0: 3.0, 0.5: 2.0}.get((x > 0) / 2, 9.0),
    "counted by branches": by_branches,
    "a negative one": lambda x: x * {0: 3.0, -1: 2.0, -2: 5.0}[-(x > 0) - (x > 1)],
}


@pytest.mark.parametrize("name", KEYED)
def test_counts_of_conditions_are_keys_as_ints_are(name: str) -> None:
    f = KEYED[name]
    compiled, mapped = compile_(grad(f)), vmap(f)
    for x in (0.5, -0.5, 2.0):
        assert compiled(x) == grad(f)(x) and mapped([x]).tolist() == [f(x)]
    assert mapped([0.5, -0.5, 2.0]).tolist() == [f(x) for x in (0.5, -0.5, 2.0)]


def test_other_values_of_a_trace_are_keys_as_the_objects_they_are() -> None:
    def f(x: Any) -> Any:
        a, b = x * 1.0, (x > 0) * x
        seen = {a: 2.0, b: 3.0}
        return seen[a] * a + seen[b] * b if hash(a) == hash(a) and a in seen else x

    assert vmap(f)([0.5, -0.5]).tolist() == [2.5, -1.0]


def test_what_a_bool_has_a_condition_has() -> None:
    def f(x: Any) -> Any:
        c = x > 0
        ratio = Fraction(c).numerator + c.denominator
        return x * (c.numerator + 2 * ratio + 4 * c.bit_length() + c.to_bytes(1, "big")[0])

    assert vmap(f)([0.5, -0.5]).tolist() == [f(0.5), f(-0.5)]
