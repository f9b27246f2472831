"""Loops of programs in C: one body, the bits of the program forward and back, and what ends them."""

from __future__ import annotations

import functools
import math
import re
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
    interp,
    jvp,
    value_and_grad,
    vmap,
    where,
    while_loop,
)
from pygrad import compile as compile_
from pygrad.c_code import loops as c_loops

ROWS = [[1.3, 0.7], [-0.4, 2.0], [5.0, -1.5], [0.0, -0.0], [math.inf, 1.0], [math.nan, 0.5]]


def stepped(x: Any, y: Any) -> Any:
    """A loop of so many trips."""
    return fori_loop(0, 7, lambda i, s: (s[0] + 0.1 * s[1] * i, s[1] - 0.1 * s[0] * y), (x, y))[0]


def counted(x: Any, y: Any) -> Any:
    """How often is not known, and counts."""
    low, trips = while_loop(
        lambda s: (s[0] < 4.0) & (s[1] < 9), lambda s: (s[0] + y * y + 0.25, s[1] + 1), (x, 0.0)
    )
    return low * x + trips


def nested(x: Any, y: Any) -> Any:
    def outer(i: Any, s: Any) -> Any:
        inner = while_loop(
            lambda t: t[0] > 1.0, lambda t: (t[0] * 0.5, t[1] + t[0] * x), (s, y), max_trips=200
        )
        return inner[0] + where(inner[1] > s, s - 0.5, inner[1] / 3.0)

    return fori_loop(0, y, outer, x * x)


def swapped(x: Any, y: Any) -> Any:
    """Some of the state is read by nobody; some changes places."""
    a, b, last = while_loop(
        lambda s: s[0] + s[1] < 20.0, lambda s: (s[1] * 1.5, s[0] + 1.0, x), (x, y, 0.0)
    )
    return a * y - b + last


@autograph
def left(x: Any, y: Any) -> Any:
    total = y
    for i in range(40):
        for k in range(1, 30):
            if total > 3.0 * k:
                break
            total = total + x / k
        else:
            return total * i
        if total > 50.0:
            break
    return total


def tabulated(x: Any, y: Any) -> Any:
    """Tables in a body: of numbers, and of what depends on the inputs."""

    def body(i: Any, s: Any) -> Any:
        return s + interp(s, [0.0, 1.0, 2.5], [0.5, 0.25, -1.0]) * interp(
            i, [0, 2, 4], [x, y, x * y]
        )

    return fori_loop(0, 6, body, x)


LOOPS = [stepped, counted, nested, swapped, left, tabulated]


def wanted_at(f: Callable[..., Any], row: list[float]) -> list[float] | None:
    """What a program gives; None if one of its loops does not end."""
    try:
        return flat(f(*row))
    except RuntimeError as error:
        assert "max_trips" in str(error)
        return None


def derivatives(f: Any) -> list[Any]:
    """The way back, the way forward, and both ways on the other."""
    both = value_and_grad(f, (0, 1))
    return [
        both,
        lambda x, y: jvp(f, (x, y), (1.0, x)),
        lambda x, y: jvp(both, (x, y), (1.0, 0.5)),
        lambda x, y: grad(lambda u: f(u, y) * both(u, y)[1][0])(x),
    ]


@needs_compiler
def test_values(batch: Batch, form: str) -> None:
    compare(LOOPS if form == "parts" else [nested, tabulated], batch, ROWS, wanted_at)


@needs_compiler
def test_derivatives(batch: Batch) -> None:
    compare(derivatives(counted), batch, ROWS)


@needs_compiler
@pytest.mark.long
def test_all_derivatives(batch: Batch, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_loops, "_NUMBERS", 8)
    compare(
        [d for f in (nested, swapped, tabulated) for d in derivatives(f)[:3]],
        batch,
        ROWS,
        wanted_at,
    )


# -- states for the way back -------------------------------------------------------------------------


def chaotic(x: Any, trips: Any, most: int) -> Any:
    """Whose slope needs each state as it was."""
    return while_loop(
        lambda s: s[1] < trips,
        lambda s: (3.7 * s[0] * (1.0 - s[0]), s[1] + 1.0),
        (x, 0.0),
        max_trips=most,
    )[0]


@needs_compiler
@pytest.mark.parametrize(
    "numbers",
    [20, pytest.param(1, marks=pytest.mark.long), pytest.param(4096, marks=pytest.mark.long)],
)
def test_states_between_those_that_are_kept_are_computed_again(
    batch: Batch, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels of few states: every number of trips up to three levels, and some beyond."""
    monkeypatch.setattr(c_loops, "_NUMBERS", numbers)
    bound = functools.partial(chaotic, most=3000)
    compare(
        [value_and_grad(bound)], batch, [[0.3, float(n)] for n in [*range(70), 1023, 1024, 3000]]
    )
    level = re.search(r"double kept\[(\d+)\]", batch.texts[0])
    assert level and int(level[1]) == {1: 6 * 4 * 2, 20: 4 * 8 * 2, 4096: 2 * 64 * 2}[numbers]


def rotated(x: Any, trips: int) -> Any:
    """Runge and Kutta's method of fourth order."""
    h = 1e-3

    def slope(a: Any, b: Any) -> tuple[Any, Any]:
        return b, -a * a * a - 0.1 * b

    def step(_: Any, s: Any) -> Any:
        a, b = s
        k1, l1 = slope(a, b)
        k2, l2 = slope(a + 0.5 * h * k1, b + 0.5 * h * l1)
        k3, l3 = slope(a + 0.5 * h * k2, b + 0.5 * h * l2)
        k4, l4 = slope(a + h * k3, b + h * l3)
        return a + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6, b + h * (l1 + 2 * l2 + 2 * l3 + l4) / 6

    return fori_loop(0, trips, step, (x, 0.0 * x))[0]


@needs_compiler
def test_many_steps_take_little_text_and_no_memory_but_the_stack(
    one: Callable[..., Exported],
) -> None:
    compiled = compile_(value_and_grad(lambda x: rotated(x, 200_000)))
    text = compiled.to_c(1.3, name="rotated")
    assert len(text) < 50_000 and "alloc" not in text and text.count("#include") == 1
    (stack,) = re.findall(r"On the stack it has arrays of (\d+) bytes\.", text)
    assert int(stack) < 60_000
    assert all_alike(one(text)([1.3]), flat(compiled(1.3)))


# -- loops that do not end ---------------------------------------------------------------------------


def endless(x: Any, y: Any) -> Any:
    def halved(i: Any, s: Any) -> Any:
        return while_loop(lambda t: t > y, lambda t: 0.5 * t, s, max_trips=60) + i

    return fori_loop(0, y * 10.0, halved, x, max_trips=50) * x


@needs_compiler
def test_one_that_does_not_end_returns_2_and_writes_nothing(tmp_path: Path, form: str) -> None:
    """Which Exported sees to; within another loop, forward and on the way back, and on the bound itself."""
    batch = Batch(tmp_path)
    rows = [[1.0, y] for y in (-1.0, 0.0, 0.3, 4.9, 5.0, 5.1, math.inf, math.nan)]
    rows += [[x, 0.5] for x in (2.0**59, 2.0**60, math.inf)]
    functions = [endless, lambda x, y: [x * y, value_and_grad(endless)(x, y), x]]
    compare(functions, batch, rows, wanted_at)
    found = batch.compile()["f1"]
    assert [found(row) is None for row in rows] == [
        *[False] * 5,
        *[True] * 2,
        *[False] * 2,
        *[True] * 2,
    ]
    assert (
        "Returns 2, and writes nothing, if a loop has not ended after max_trips trips."
        in batch.texts[0]
    )


# -- what is written ----------------------------------------------------------------------------------


def test_bodies_and_loops_that_are_the_same_are_written_once() -> None:
    @compile_
    def two_ways(x: Any, y: Any) -> Any:
        found = counted(x, y)
        return counted(found, y) if found > 0 else counted(found, x) - x

    two_ways(1.0, 2.0), two_ways(-1.0, 2.0)
    text = two_ways.to_c(name="f")
    assert len(two_ways.programs) == 2 and text.count("f_loop_0(") > 2
    assert "f_loop_1(" not in text and "f_body_1(" not in text
    text = compile_(value_and_grad(counted)).to_c(1.0, 2.0, name="f")
    assert "f_body_1(" in text and "f_body_2(" not in text


@needs_compiler
def test_captured_values_reach_bodies_frozen_or_read(batch: Batch) -> None:
    w, n = Value(3.0), Value(4.0)

    def f(x: Any) -> Any:
        return fori_loop(0, n, lambda i, s: s * w + i, x)

    compiled = compile_(value_and_grad(f))
    names = [batch.add(compiled.to_c(0.5, name=f"f{z}", freeze=z == 1)) for z in (0, 1)]
    wanted = flat(compiled(0.5))
    found = batch.compile()
    numbers = [
        float(x) for x in re.findall(r"^ \*     captured\[\d\] +(\S+)$", batch.texts[0], re.M)
    ]
    assert found[names[0]]([0.5], numbers) == found[names[1]]([0.5]) == wanted
    numbers = [{4.0: 2.0}.get(x, x) for x in numbers]
    n.data = 2.0
    assert found[names[0]]([0.5], numbers) == flat(compiled(0.5)) != wanted


@needs_compiler
def test_maps_and_hessians(batch: Batch) -> None:
    x = np.array([0.5, 1.5, -2.0])
    rows = compile_(vmap(value_and_grad(counted), in_axes=(0, None)))
    bent = compile_(hessian(lambda v: stepped(v[0], v[1])))
    wanted = flat(rows(x, 1.2)), flat(bent(x[:2]))
    names = batch.add(rows.to_c(x, 1.2, name="rows")), batch.add(bent.to_c(x[:2], name="bent"))
    found = batch.compile()
    assert all_alike(found[names[0]]([*x, 1.2]), wanted[0])
    assert all_alike(found[names[1]](x[:2]), wanted[1])


def test_a_table_that_is_captured_is_read_where_it_stands() -> None:
    def f(x: Any, table: Any) -> Any:
        return fori_loop(0, 3, lambda i, s: s + interp(s, range(50), list(table)), x)

    text = compile_(f).to_c(0.5, [float(i) for i in range(50)], name="f")
    body = text[text.index("f_body_0(") : text.index("f_loop_0(")]
    assert re.search(r"f_take\([^,]*, in \+ \d+, \d+\)", body) and "double t" not in body


def test_very_many_comparisons_are_calls() -> None:
    """For the slopes by the items of a table: inlined, gcc takes half a minute for 300."""

    def f(x: Any, table: Any) -> Any:
        return fori_loop(0, 3, lambda i, s: s + interp(s, range(len(table)), list(table)), x)

    few, many = (
        compile_(grad(f, 1)).to_c(0.5, [float(i) for i in range(n)], name="f") for n in (9, 120)
    )
    assert "static inline double f_equal(" in few and "static f_apart double f_equal(" in many


# -- compilers ------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
def test_no_compiler_has_a_complaint(tmp_path: Path, compiler: str, form: str) -> None:
    functions = [*derivatives(counted), value_and_grad(nested), tabulated]
    texts = [compile_(f).to_c(1.3, 0.7, name=f"f{i}") for i, f in enumerate(functions)]
    compile_strictly(texts, tmp_path, compiler)


@needs_compiler
@pytest.mark.long
def test_nothing_is_read_or_written_beyond_its_place(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the address and the undefined behaviour sanitizer, with many levels of few states."""
    monkeypatch.setattr(c_loops, "_NUMBERS", 8)
    functions = [value_and_grad(f) for f in (counted, swapped)] + derivatives(nested)[2:3]
    functions.append(value_and_grad(lambda x, y: chaotic(x, y * 1000.0, 5000)))
    texts, calls = [], []
    for i, f in enumerate(functions):
        texts.append(compile_(f).to_c(1.3, 0.7, name=f"f{i}"))
        calls += [f"in[0] = {x}; in[1] = {y}; f{i}(in, out);" for x, y in ROWS[:4]]
    texts.append(
        "int main(void)\n{\ndouble in[2], out[16];\n" + "\n".join(calls) + "\nreturn 0;\n}\n"
    )
    run_under_sanitizers(texts, tmp_path)
