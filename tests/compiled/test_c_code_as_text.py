"""What to_c() writes around the numbers: arguments and results, names, errors, and the text itself."""

from __future__ import annotations

import doctest
import math
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from exported import COMPILER, ROOT, WARNINGS, Batch, all_alike, flat, layers, needs_compiler, run
from programs import SPECIALS
from routines import (
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
from pygrad.c_code import functions as c_functions
from pygrad.c_code import text as c_code
from pygrad.programs import worth

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


# In each of these something else has the name already, a macro or a function.
HEADERS = ["math", "stdint", "float", "limits", "complex", "stdlib", "string", "stdio", "errno"]


@needs_compiler
def test_no_name_of_a_standard_header_is_taken_for_a_function() -> None:
    names = set()
    for header in HEADERS:
        text = f"#include <{header}.h>\n"
        command = [COMPILER, "-x", "c", "-std=c11", "-E", "-P", "-"]
        for flags in ([], ["-dM"]):
            done = subprocess.run(
                [*command, *flags], input=text, capture_output=True, text=True, check=True
            )
            pattern = r"^#define ([A-Za-z]\w*)" if flags else r"^extern [^;(]*?\b([A-Za-z]\w*) *\("
            names |= set(re.findall(pattern, done.stdout, re.MULTILINE))
    assert len(names) > 300
    compiled = compile_(lambda x: x)
    compiled(1.0)
    for name in [*sorted(names), "NAN", "INFINITY", "HUGE_VAL", "HUGE_VALF", "int64_t", "wchar_t"]:
        with pytest.raises(ValueError, match="name must not be"):
            compiled.to_c(name=name)
    for name in ("loss", "F", "MLP", "half", "cell", "model_f", "energy_of"):
        assert f"int {name}(" in compiled.to_c(name=name)


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
def test_a_function_of_too_many_ways_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "MANY", worth.MOST_PATHS)
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
    header = "".join(
        (ROOT / "csrc" / "ops" / name).read_text(encoding="utf-8")
        for name in ("scalar.h", "gamma.h", "normal.h")
    )
    assert header == c_functions.header()
    assert set(re.findall(r"^static inline double (\w+)", header, re.MULTILINE)) == set(
        c_functions._scalar()
    )


@pytest.mark.parametrize("module", [c_code, c_functions, pygrad.compiled.function])
def test_examples_in_the_modules(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
