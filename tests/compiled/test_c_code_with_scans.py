"""Scans of programs in C: the bits of the program, columns where they stand, tables of what is known."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import (
    Batch,
    Exported,
    all_alike,
    compare,
    compile_strictly,
    flat,
    needs_compiler,
    run_under_sanitizers,
)

from pygrad import (
    Value,
    autograph,
    fori_loop,
    grad,
    hessian,
    jvp,
    scan,
    value_and_grad,
    vmap,
    where,
)
from pygrad import compile as compile_
from pygrad.c_code import loops as c_loops
from pygrad.control import scanning

N = 6
KNOWN = np.random.default_rng(3).normal(size=(N, 2))
XS = [np.random.default_rng(seed).normal(size=N) for seed in range(3)]
ODD = np.array([0.0, -0.0, math.inf, 1e308, math.nan, -1.0])
ROWS = [(0.7, XS[0]), (-1.5, XS[1]), (0.0, -XS[2]), (math.inf, XS[0]), (1.0, ODD), (-0.0, ODD)]


@pytest.fixture(autouse=True)
def _long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "UNROLLED_SCAN", 0)


def filtered(x: Any, xs: Any) -> Any:
    """Columns that are given, known and made; from the last to the first."""

    def step(s: Any, z: Any) -> Any:
        a, b = s
        given, known = z
        return (0.5 * a + given * known[0], b - a * known[1]), (a * b, given - a)

    (a, b), (ys, zs) = scan(step, (x, 1.0), (xs, KNOWN), reverse=True)
    return a * b + ys[0] * zs[N - 1] + ys[N - 1] / 3.0


def chained(x: Any, xs: Any) -> Any:
    """What one has made is given to the next, and arrays of what is computed."""
    _, ys = scan(lambda s, z: (s + z, s * z), x, xs)
    last, zs = scan(lambda s, z: (s * 0.5 + z[0] * z[1], s), x, (ys, xs * x), reverse=True)
    return last + zs[2] * ys[3]


def nested(x: Any, xs: Any) -> Any:
    """A scan in a scan, within a loop, and a loop in it."""

    def inner(s: Any, z: Any) -> Any:
        return fori_loop(0, 2, lambda i, t: 0.5 * t + z * i, s), s * z

    def outer(s: Any, z: Any) -> Any:
        last, ys = scan(inner, s, (xs * z))
        return last - ys[1] * 0.25, ys[2]

    def turn(i: Any, s: Any) -> Any:
        last, ys = scan(outer, s, KNOWN[:3, 0])
        return last + ys[0] * i

    return fori_loop(0, 2, turn, x)


@autograph
def left(x: Any, xs: Any) -> Any:
    """Trips that are not done, where nothing is made."""
    total = x
    for z in xs:
        if total * total > 4.0:
            break
        total = total + z * x
    return total * x


def no_state(x: Any, xs: Any) -> Any:
    """Columns alone."""
    _, ys = scan(lambda s, z: (s, where(z > 0.5, z * x, -z)), None, xs)
    return ys[1] - ys[4] * ys[0]


SCANS = [filtered, chained, nested, left, no_state]


def derivatives(f: Any) -> list[Any]:
    """The way back, the way forward, and both ways on the other."""
    both = value_and_grad(f, (0, 1))
    return [
        both,
        lambda x, xs: jvp(f, (x, xs), (1.0, xs)),
        lambda x, xs: jvp(both, (x, xs), (1.0, xs * 0.5)),
        lambda x, xs: grad(lambda u: f(u, xs) * both(u, xs)[1][0])(x),
    ]


@needs_compiler
def test_values(batch: Batch, form: str) -> None:
    compare(SCANS, batch, ROWS)


@needs_compiler
def test_ways_back(batch: Batch) -> None:
    compare([value_and_grad(f, (0, 1)) for f in (filtered, left, no_state)], batch, ROWS)


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("compiler, numbers", [("gcc", 2), ("clang", 4096)])
def test_all_derivatives(
    tmp_path: Path, compiler: str, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    monkeypatch.setattr(c_loops, "_NUMBERS", numbers)
    functions = [*derivatives(chained), *derivatives(left), value_and_grad(nested, (0, 1))]
    compare(functions, Batch(tmp_path, 0, compiler), ROWS)


@needs_compiler
def test_maps_and_hessians(batch: Batch) -> None:
    rows = compile_(vmap(value_and_grad(no_state, (0, 1)), in_axes=(0, None)))
    bent = compile_(hessian(lambda v: filtered(v[0], v)))
    x = np.array([0.5, 1.5])
    wanted = flat(rows(x, XS[0])), flat(bent(XS[1]))
    names = batch.add(rows.to_c(x, XS[0], name="rows")), batch.add(bent.to_c(XS[1], name="bent"))
    found = batch.compile()
    assert all_alike(found[names[0]]([*x, *XS[0]]), wanted[0])
    assert all_alike(found[names[1]](XS[1]), wanted[1])


@needs_compiler
def test_columns_of_captured_values_are_frozen_or_read(batch: Batch) -> None:
    ws = [Value(0.5 + i) for i in range(N)]
    compiled = compile_(lambda x: scan(lambda s, z: (s * 0.5 + z * z, s), x, ws)[1])
    names = [batch.add(compiled.to_c(0.5, name=f"f{z}", freeze=z == 1)) for z in (0, 1)]
    wanted = flat(compiled(0.5))
    found = batch.compile()
    numbers = [w.data for w in ws]
    assert found[names[0]]([0.5], numbers) == found[names[1]]([0.5]) == wanted
    assert "{captured}" in batch.texts[0] and "static const double f1_table_0[" in batch.texts[1]
    ws[2].data = numbers[2] = -3.0
    assert found[names[0]]([0.5], numbers) == flat(compiled(0.5)) != wanted


@needs_compiler
def test_tables_and_scans_that_differ_in_the_sign_of_a_0_are_two(batch: Batch) -> None:
    def f(x: Any, xs: Any) -> Any:
        return [
            scan(lambda s, z: (s * 1.0, z * 1.0), x, np.array([zero, 1.0]))[1][0] * xs[0]
            for zero in (0.0, -0.0)
        ]

    compare([f], batch, [(1.0, np.abs(XS[0]))])


# -- what is written ----------------------------------------------------------------------------------


def long_one(x: Any, xs: Any, known: Any) -> Any:
    last, ys = scan(lambda s, z: (0.9 * s + z[0] * z[1], s * s), x, (xs, known))
    return last * x, ys


@needs_compiler
def test_a_thousand_items_are_no_thousand_lines(one: Callable[..., Exported]) -> None:
    """Arguments, results and what one scan hands to another are read and written where they stand."""
    xs, known = (np.random.default_rng(seed).normal(size=1000) for seed in (1, 2))

    def twice(x: Any, xs: Any) -> Any:
        last, ys = long_one(x, xs, known)
        return long_one(last, ys, known)

    compiled = compile_(twice)
    text = compiled.to_c(0.5, xs, name="f")
    numbers = sum(len(f"{z!r}, ") for z in known)
    assert len(text) < 1.1 * numbers + 4000 and text.count(repr(float(known[500]))) == 1
    assert text.count("static const double ") == 1
    assert all_alike(one(text)([0.5, *xs]), flat(compiled(0.5, xs)))
    back = compile_(grad(lambda x, xs: long_one(x, xs, known)[0], (0, 1))).to_c(0.5, xs, name="f")
    assert len(back) < 1.2 * numbers + 8000 and back.count("static const double ") <= 2


def test_a_known_column_that_no_body_reads_has_no_table() -> None:
    f = lambda x, xs: scan(lambda s, z: (s + z[0], None), x, (xs, KNOWN[:, 0]))[0]  # noqa: E731
    assert "static const" not in compile_(f).to_c(0.5, XS[0])


def test_the_comment_says_what_arrays_take() -> None:
    text = compile_(filtered).to_c(*ROWS[0], name="f")
    (stack,) = re.findall(r"On the stack it has arrays of (\d+) bytes\.", text)
    assert int(stack) == 8 * (3 + 1 + 3 + 2 * N + (2 + 1 + 2) + 4)


# -- compilers ------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
def test_no_compiler_has_a_complaint(tmp_path: Path, compiler: str) -> None:
    functions = [*SCANS, *derivatives(filtered)[:3]]
    texts = [compile_(f).to_c(*ROWS[0], name=f"f{i}") for i, f in enumerate(functions)]
    compile_strictly(texts, tmp_path, compiler)


@needs_compiler
@pytest.mark.long
def test_nothing_is_read_or_written_beyond_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the address and the undefined behaviour sanitizer, with many levels of few states."""
    monkeypatch.setattr(c_loops, "_NUMBERS", 2)
    functions = [*SCANS, *derivatives(left)[:3]]
    texts, calls = [], []
    for i, f in enumerate(functions):
        texts.append(compile_(f).to_c(*ROWS[0], name=f"f{i}"))
        calls += [
            f"{{ double in[{N + 1}] = {{{', '.join(map(repr, flat(row)))}}}; f{i}(in, out); }}"
            for row in ROWS[:3]
        ]
    texts.append("int main(void)\n{\ndouble out[64];\n" + "\n".join(calls) + "\nreturn 0;\n}\n")
    run_under_sanitizers(texts, tmp_path)
