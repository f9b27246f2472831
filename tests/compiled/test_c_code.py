"""Compiled functions as C: what to_c() writes compiles without warnings and gives the program's numbers."""

from __future__ import annotations

import ctypes
import doctest
import itertools
import math
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from programs import SPECIALS
from routines import (
    EXACT,
    SMOOTH,
    function_of,
    random_routine,
    random_rows,
    same_bits,
)

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    jacobian,
    jvp,
    value_and_grad,
    vmap,
)
from pygrad import compile as compile_
from pygrad.c_code import blocks as c_blocks
from pygrad.c_code import functions as c_functions
from pygrad.c_code import text as c_code
from pygrad.core.ops import Op, ops
from pygrad.value import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]
COMPILER = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
LIBM = bool(os.environ.get("PYGRAD_LIBM_LANES"))

# -- running C -------------------------------------------------------------------------------------


class Exported(NamedTuple):
    """A function in C, called with flat lists of numbers."""

    call: Callable[..., int]
    outputs: int
    takes_captured: bool

    def __call__(
        self, numbers: Sequence[float], captured: Sequence[float] = ()
    ) -> list[float] | None:
        """What it writes, or None if it returns 1; then it must have written nothing."""
        out = (ctypes.c_double * (self.outputs + 1))(*[1234.5] * (self.outputs + 1))
        arrays = [(ctypes.c_double * max(len(a), 1))(*a) for a in (numbers, captured)]
        arrays = arrays if self.takes_captured else arrays[:1]
        status = self.call(*arrays, out)
        written = list(out)
        assert status in (0, 1) and written[-1] == 1234.5
        if status == 1:
            assert written == [1234.5] * (self.outputs + 1)
            return None
        return written[:-1]


class Batch:
    """Many functions in one file, for one run of the compiler."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self.source, self.target = folder / f"{number}.c", folder / f"{number}.so"
        self.texts: list[str] = []
        self.functions: dict[str, tuple[int, bool]] = {}  # outputs, and whether it takes captured

    def add(self, text: str) -> str:
        """The text of a function; its name."""
        name = re.search(r"^int (\w+)\(", text, re.MULTILINE)[1]
        assert name not in self.functions
        self.texts.append(text)
        (count,) = re.findall(r"^ \* out: (\d+) number", text, re.MULTILINE)
        self.functions[name] = int(count), "const double *captured" in text
        return name

    def compile(self) -> dict[str, Exported]:
        self.source.write_text("\n".join(self.texts), encoding="ascii")
        command = [COMPILER, "-std=c99", *WARNINGS, "-O1", "-ffp-contract=off", "-fno-builtin"]
        run([*command, "-shared", "-fPIC", str(self.source), "-o", str(self.target), "-lm"])
        library = ctypes.CDLL(str(self.target))
        return {name: Exported(library[name], *about) for name, about in self.functions.items()}


def run(command: Sequence[Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


@pytest.fixture
def one(batch: Batch) -> Callable[..., Exported]:
    """Compiles the text of one function."""

    def compile_text(text: str) -> Exported:
        name = batch.add(text)
        return batch.compile()[name]

    return compile_text


@pytest.fixture(params=["one function", "parts"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Long programs are written in parts; here short ones, too."""
    if request.param == "parts":
        monkeypatch.setattr(c_code, "_ONE_FUNCTION", 0)
        monkeypatch.setattr(c_code, "_PART", 8)
    return request.param


@pytest.fixture
def no_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every op by the function that eager code calls."""
    monkeypatch.setattr(c_blocks, "_PAIRED", set())


def all_alike(found: Sequence[float], wanted: Sequence[float]) -> bool:
    return len(found) == len(wanted) and all(map(same_bits, found, wanted))


def flat(result: Any) -> list[float]:
    """All numbers of a result, from left to right."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [x for part in result for x in flat(part)]
    return np.asarray(result, dtype=float).ravel().tolist()


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
    for first in range(50, 2050, 100):
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
    for first in range(100, 1100, 100):
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
            everything = list(made)
            wanted.backward()
            weights = [abs(v.data * v.grad) for v in everything]
            largest = max(abs(v.data) for v in everything)
            # To first order: where second-order terms count, or numbers are subnormal, it says nothing.
            if not largest < 1e100 or not sum(weights) < 1e4:
                continue
            compared += 1
            (found,) = functions[name](row)
            assert abs(found - wanted.data) <= 8 * 2.0**-52 * sum(weights) + 1e-290, (name, row)
    assert compared > 100


def layers(p: Any, x: Any, y: Any) -> Any:
    """The squared error of an MLP [2, 16, 16, 1] of tanh neurons, its 337 parameters in one array."""
    at, h = 0, list(x)
    for n, m in ((2, 16), (16, 16), (16, 1)):
        w, at = p[at : at + n * m], at + n * m
        b, at = p[at : at + m], at + m
        h = [pygrad.math.tanh(pygrad.dot(list(w[i * n : i * n + n]), h, b[i])) for i in range(m)]
    return (h[0] - y) ** 2


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


# -- paths through the function --------------------------------------------------------------------


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


# -- arguments and results -------------------------------------------------------------------------


def test_the_comment_says_where_everything_stands() -> None:
    def model(p: Any, x: Any, n: int, *more: Any, scale: Any = 1.0) -> Any:
        y = p["w"][0] * x[0, 1] + p["b"] + more[0]
        return {"y": scale * y, "all": [y] * n, "both": (y, [y, 2 * y])}

    compiled = compile_(model, static_argnums=2)
    text = compiled.to_c({"w": [1.0, 2.0], "b": 3.0}, np.ones((2, 3)), 4, 5.0, scale=2.0)
    comment = text[: text.index("*/")]
    assert [line[3:] for line in comment.splitlines()[4:17]] == [
        "in: 11 numbers",
        "    in[0..1]  p['w'][0] to p['w'][1]",
        "    in[2]     p['b']",
        "    in[3..8]  x, an array of shape (2, 3)",
        "    in[9]     more[0]",
        "    in[10]    scale",
        "    fixed: n = 4",
        "out: 8 numbers, which must not overlap those that are read",
        "    out[0]     result['y']",
        "    out[1..4]  result['all'][0] to result['all'][3]",
        "    out[5]     result['both'][0]",
        "    out[6..7]  result['both'][1][0] to result['both'][1][1]",
        "",
    ]
    assert comment.startswith("/* model: model() as pygrad ")
    assert "int model(const double *in, double *out);" in comment


@needs_compiler
def test_arguments_of_every_kind_arrive(batch: Batch) -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    def f(pair: Any, table: Any, names: Any) -> Any:
        return Pair(
            pair.a - pair.b, (table * np.arange(6).reshape(2, 3)).sum() + names["x"] * names["y"]
        )

    args = (Pair(1.0, 2.5), np.arange(6.0).reshape(2, 3) / 8, {"y": 3.0, "x": 0.5})
    compiled = compile_(f)
    wanted = flat(compiled(*args))
    text = compiled.to_c(name="arrive")
    assert " in[0]     pair.a\n" in text and "out[1]  result.b\n" in text
    assert "in[8]     names['y']\n *     in[9]     names['x']\n" in text
    nothing = compile_(lambda x: [])
    constant = compile_(
        lambda x: (
            x * 0.0,
            x * -0.0,
            2.5,
            -0.0,
            math.inf,
            -math.inf,
            math.nan,
            5e-324,
            1.7e308,
            0.1,
        )
    )
    for i, function in enumerate((nothing, constant)):
        batch.add(function.to_c(1.0, name=f"c{i}"))
    functions = {batch.add(text): None} and batch.compile()
    assert functions["arrive"](flat(args)) == wanted
    assert functions["c0"]([1.0]) == []
    assert all_alike(functions["c1"]([1.0]), flat(constant(1.0)))


@needs_compiler
def test_captured_values_are_frozen_or_read(batch: Batch) -> None:
    w, b = Value(3.0, label="weight"), Value(0.5)
    compiled = compile_(lambda x: w * x + b)
    frozen = compiled.to_c(2.0, name="frozen")
    read = compiled.to_c(name="read", freeze=False)
    w.data = 100.0
    assert "fixed: 2 numbers that the function has captured" in frozen
    assert sorted(re.findall(r"captured\[\d\] +(.*)", read[: read.index("*/")])) == [
        "0.5",
        "weight = 3.0",
    ]
    order = [0.25, 10.0] if "captured[0]  0.5" in read else [10.0, 0.25]
    for text in (frozen, read):
        batch.add(text)
    functions = batch.compile()
    assert functions["frozen"]([2.0]) == [6.5]
    assert functions["read"]([2.0], order) == [20.25]


@needs_compiler
def test_rows_of_vmap_jacobians_and_products_are_written_out(batch: Batch) -> None:
    def f(w: Any, x: Any) -> Any:
        return w * x * x if x > 0 else w - x

    x = np.array([1.0, -2.0, 3.0])
    total = compile_(value_and_grad(vmap(f, in_axes=(None, 0), reduce="sum")))
    each = compile_(vmap(f, in_axes=(None, 0)))
    matrix = compile_(jacobian(lambda v: [v[0] * v[1], v[1] ** 3]))
    tangent = compile_(lambda v: jvp(lambda u: u * u * u, (v,), (1.0,)))
    cases = [(total, (2.0, x)), (each, (2.0, x)), (matrix, (x[:2],)), (tangent, (3.0,))]
    names = [batch.add(g.to_c(*args, name=f"t{i}")) for i, (g, args) in enumerate(cases)]
    assert batch.texts[3] == tangent.to_c(name="t3")
    assert batch.texts[0] == total.to_c(name="t0")
    functions = batch.compile()
    for name, (g, args) in zip(names, cases, strict=True):
        assert all_alike(functions[name](flat(args)), flat(g(*args)))
    assert functions["t0"]([2.0, 1.0, 2.0, 3.0]) is None  # another path


def test_loaded_functions_are_written_too(tmp_path: Path) -> None:
    weight = Value(0.5)
    f = compile_(lambda x: weight * x**3 if x > 0 else -x)
    f(2.0), f(-2.0)
    f.save(tmp_path / "f.pygrad")
    loaded = pygrad.load(tmp_path / "f.pygrad")
    code = lambda text: text[text.index("#include") :]  # noqa: E731
    assert code(loaded.to_c(name="f")) == code(f.to_c(name="f"))


# -- names -----------------------------------------------------------------------------------------


@needs_compiler
def test_names_of_functions_arguments_and_values_cannot_break_the_code(batch: Batch) -> None:
    evil = "x */ int main(void) { return 1; } /* ??/\n\\ \u2028 \u00e9 \\"
    texts = []
    for title in (
        evil,
        "*/",
        "/*/",
        "double",
        "main",
        "exp",
        "tanhf",
        "gamma",
        "new",
        "9x",
        "",
        "__",
        "f",
    ):
        value = Value(1.0, label=evil)

        def f(p: Any, flag: Any, value: Any = value) -> Any:
            return {evil: pygrad.math.exp(p[evil]) * value, "*/": p["/*"]}

        f.__name__ = title
        compiled = compile_(f, static_argnums=1)
        texts.append(compiled.to_c({evil: 1.0, "/*": 2.0, "a\\": 3.0}, evil, freeze=False))
    names = []
    for i, text in enumerate(texts):
        name = re.search(r"^int (\w+)\(", text, re.MULTILINE)[1]
        names.append(name)
        batch.add(re.sub(rf"\b{name}(?=[_(])", f"u{i}_{name}", text))
    assert names[3:] == [
        "double_",
        "main_",
        "exp_",
        "tanhf_",
        "gamma_",
        "new_",
        "f_9x",
        "function",
        "function",
        "f",
    ]
    assert all(text.count("*/") <= 2 for text in texts)  # the comment's, and that of a helper
    functions = batch.compile()
    assert all(f([0.0, 2.0, 3.0], [1.5]) == [1.5, 2.0] for f in functions.values())


def test_a_name_that_is_none_in_c_is_refused() -> None:
    compiled = compile_(lambda x: x)
    assert "int lambda(const double *in, double *out)\n" in compiled.to_c(1.0)
    for bad in (
        "",
        "a b",
        "2x",
        "_x",
        "x*",
        "na\u00efve",
        "x\n",
        "double",
        "exp",
        "expf",
        "main",
        "new",
    ):
        with pytest.raises(ValueError, match="name must"):
            compiled.to_c(name=bad)
    with pytest.raises(ValueError, match="name must"):
        compiled.to_c(name=3)


# -- errors ----------------------------------------------------------------------------------------


def test_it_asks_for_an_example_where_it_needs_one() -> None:
    f = compile_(lambda x: x * x)
    with pytest.raises(ValueError, match=r"needs an example.*none yet"):
        f.to_c()
    f(2.0)
    assert "in[0] * in[0]" in f.to_c()
    f(np.ones(2))
    with pytest.raises(ValueError, match=r"needs an example.*several structures"):
        f.to_c()
    assert "in[1] * in[1]" in f.to_c(np.ones(2))
    assert f.to_c(Value(3.0)) == f.to_c(2.0)
    with pytest.raises(ValueError, match=r"needs an example.*none yet"):
        compile_(vmap(lambda x: x)).to_c()
    with pytest.raises(ValueError, match=r"needs an example.*none yet"):
        compile_(hessian(lambda x: x)).to_c()


def test_it_is_not_for_traces() -> None:
    inner = compile_(lambda x: x * x)
    inner(1.0)
    outer = compile_(lambda x: (inner.to_c(), x)[1])
    with pytest.raises(RuntimeError, match="was called in a function that is traced"):
        outer(2.0)


@pytest.mark.filterwarnings("ignore:.*different paths")
def test_a_function_of_too_many_ways_is_refused() -> None:
    f = compile_(lambda x: next(k * x for k in range(10_000) if x < k))
    for k in range(256):
        f(k + 0.5)
    assert "It knows 256 paths" in f.to_c()
    with pytest.raises(RuntimeError, match="takes more than 256 paths"):
        f.to_c(256.5)
    f(256.5)
    with pytest.raises(RuntimeError, match="takes more than 256 paths"):
        f.to_c()


# -- the text --------------------------------------------------------------------------------------


def test_the_text_is_the_same_each_time() -> None:
    texts = set()
    for _ in range(2):
        rng = random.Random(4)
        routine = random_routine(rng)
        f = compile_(value_and_grad(function_of(routine, [Value(x) for x in routine.captured])))
        for row in random_rows(rng, routine, 20).tolist():
            f(*row)
        texts |= {f.to_c(), f.to_c()}
    assert len(texts) == 1


@needs_compiler
def test_it_is_cpp_too(batch: Batch, form: str) -> None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler here")
    for seed in range(40):
        rng = random.Random(seed)
        routine = random_routine(rng)
        f = compile_(value_and_grad(function_of(routine, [Value(x) for x in routine.captured])))
        for row in random_rows(rng, routine, 10).tolist():
            f(*row)
        batch.add(f.to_c(name=f"f{seed}"))
    batch.add(compile_(grad(layers)).to_c(np.ones(337), np.ones(2), 1.0))
    source = batch.source.with_suffix(".cpp")
    source.write_text("\n".join(batch.texts), encoding="ascii")
    run([compiler, "-std=c++11", "-fsyntax-only", *WARNINGS, str(source)])


def test_a_long_program_is_written_in_parts_of_bounded_length() -> None:
    def chain(x: Any) -> Any:
        y = x[0]
        for a in x[1:]:
            y = y * a + pygrad.math.sin(y) * 0.5
        return y

    text = compile_(grad(chain)).to_c(np.linspace(0.5, 1.0, 1500), name="chain")
    parts = re.split(r"^static chain_apart int chain_part_\d+.*$", text, flags=re.MULTILINE)[1:]
    assert len(parts) > 20
    (width,) = re.findall(r"double w\[(\d+)\];", text)
    assert f"On the stack it has an array of {8 * int(width)} bytes." in text
    assert max(part.count("\n") for part in parts) < 1500
    assert max(map(len, text.splitlines())) <= 110


def test_constants_are_exact() -> None:
    for x in [*SPECIALS, 0.1, 1e22, 123456789.123456789]:
        text = c_code._number(x)
        if math.isfinite(x):
            assert same_bits(float(text), x) and re.fullmatch(r"-?[\d.]+(e[-+]\d+)?", text)
    assert c_code._number(-math.inf) == "-(double)INFINITY"
    assert c_code._number(math.nan) == "(double)NAN"


def test_the_functions_are_those_of_the_library() -> None:
    header = (ROOT / "csrc" / "ops" / "scalar.h").read_text(encoding="utf-8")
    assert header == c_functions.header()
    assert set(re.findall(r"^static inline double (\w+)", header, re.MULTILINE)) == set(
        c_functions._scalar()
    )


@pytest.mark.parametrize("module", [c_code, c_functions, pygrad.compiled.function])
def test_examples_in_the_modules(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
