"""Functions of other libraries as operations, which programs call back."""

from __future__ import annotations

import gc
import itertools
import math
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import (
    Value,
    check_grad,
    checkpoint,
    cond,
    external,
    fori_loop,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jvp,
    no_grad,
    stop_gradient,
    switch,
    value_and_grad,
    vmap,
    while_loop,
)
from pygrad import compile as compile_

ROWS = np.linspace(-2.0, 3.0, 203)
tick = itertools.count()  # of calls; no state that a branch could change


def sine(x: Any) -> Any:
    next(tick)
    if type(x) is not float:
        raise TypeError(f"a plain number, not {x!r}")
    return math.sin(x)


def root(x: float) -> float:
    return math.sqrt(x)


sin = external(sine, jvp=lambda p, t: cos(p[0]) * t[0])
cos = external(lambda x: math.cos(x), jvp=lambda p, t: -sin(p[0]) * t[0])
sqrt = external(root, vjp=lambda p, c: (c / (2 * sqrt(p[0])),))
array_sin = external(np.sin, jvp=lambda p, t: array_cos(p[0]) * t[0], vectorized=True)
array_cos = external(np.cos, vjp=lambda p, c: (-array_sin(p[0]) * c,), vectorized=True)


def calls(run: Any) -> int:
    before = next(tick)
    run()
    return next(tick) - before - 1


@pytest.mark.parametrize("f", [sin, array_sin])
def test_values_and_derivatives_of_any_order(f: Any) -> None:
    assert f(0.5) == math.sin(0.5) and isinstance(f(0.5), float)
    x = Value(0.5)
    f(x).backward()
    assert x.grad == math.cos(0.5)
    assert grad(grad(grad(f)))(0.5) == -math.cos(0.5)
    assert (hessian(f)(0.5), jacfwd(f)(0.5)) == (-math.sin(0.5), math.cos(0.5))
    assert jvp(f, (0.5,), (2.0,)) == (math.sin(0.5), 2 * math.cos(0.5))
    assert check_grad(f, 0.7, order=2).verdict == "ok"
    with no_grad():
        assert f(x).data == f(0.5)
    for mapped in (vmap, lambda g: compile_(vmap(g)), lambda g: vmap(g, threads=2)):
        assert np.array_equal(mapped(f)(ROWS), np.sin(ROWS))
        assert np.array_equal(mapped(grad(f))(ROWS), np.cos(ROWS))
        assert np.array_equal(mapped(grad(grad(f)))(ROWS), -np.sin(ROWS))
    compiled = compile_(lambda x: f(x) * x)
    assert [compiled(v) for v in (1.0, 2.0)] == [math.sin(v) * v for v in (1.0, 2.0)]
    assert grad(compiled)(2.0) == pytest.approx(math.cos(2.0) * 2 + math.sin(2.0), rel=1e-15)
    assert grad(lambda w: vmap(lambda x: f(w * x))(ROWS).sum())(0.3) == pytest.approx(
        (ROWS * np.cos(0.3 * ROWS)).sum(), rel=1e-12
    )


def test_a_program_asks_once_for_what_is_needed_twice() -> None:
    both = compile_(value_and_grad(lambda x: sin(x) * sin(x)))
    both(1.0)
    assert calls(lambda: both(2.0)) == 1
    product = vmap(grad(lambda x: sqrt(x) * sqrt(x + 0) * sqrt(x)))
    assert product([4.0, 9.0]) == pytest.approx([3.0, 4.5])
    twice = compile_(lambda x, y: sin(x) + sin(x) * sin(y))
    twice(1.0, 1.0)
    assert calls(lambda: twice(2.0, 3.0)) == 2
    assert calls(lambda: twice(2.0, 2.0)) == 2  # equal by chance alone
    uniform = compile_(vmap(lambda w, x: sin(w) * x, in_axes=(None, 0)))
    uniform(1.0, ROWS)
    assert calls(lambda: uniform(2.0, ROWS)) == 1


def test_arrays_and_several_results() -> None:
    def polar(v: Any, scale: float, unit: str) -> Any:
        assert type(v) is np.ndarray and v.dtype == float and unit == "rad"
        return scale * math.hypot(*v), np.arctan2(v[::-1], v)

    def back(unit: Any, primals: Any, cotangent: Any) -> Any:
        (v, scale), (r, angles) = primals, cotangent
        x, y = v
        s = x * x + y * y
        size = s**0.5
        turn = (angles[1] - angles[0]) / s
        return np.array([scale * r * x / size + turn * y, scale * r * y / size - turn * x]), (
            r * size
        )

    to_polar = external(polar, vjp=back, shape=[(), 2], nondiff_argnums=2)

    def flat(u: Any) -> Any:
        size, angles = to_polar(u[:2], u[2], "rad")
        return np.array([size, *angles])

    at = np.array([3.0, 4.0, 2.0])
    expected = [[1.2, 1.6, 5.0], [-0.16, 0.12, 0.0], [0.16, -0.12, 0.0]]
    assert flat(at) == pytest.approx([10.0, math.atan2(4, 3), math.atan2(3, 4)])
    for transform in (jacobian, jacfwd, lambda f: compile_(jacobian(f))):
        assert transform(flat)(at) == pytest.approx(np.array(expected))
    rows = np.stack([at, 2 * at, at[::-1]])
    assert vmap(flat)(rows) == pytest.approx(np.stack([flat(row) for row in rows]))
    assert vmap(jacobian(flat))(rows)[0] == pytest.approx(np.array(expected))


def test_many_rows_at_once() -> None:
    shapes = []

    def scaled(v: Any, s: Any) -> Any:
        shapes.append((v.shape, s.shape))
        return v * s[:, None]

    f = external(scaled, shape=2, vectorized=True, vjp=lambda p, c: (c * p[1], (c * p[0]).sum()))
    rows = np.arange(260.0).reshape(130, 2)
    mapped = compile_(vmap(f, in_axes=(0, None)))
    assert np.array_equal(mapped(rows, 2.0), 2 * rows)
    shapes.clear()
    assert np.array_equal(mapped(rows, 3.0), 3 * rows)
    assert shapes == [((64, 2), (64,)), ((64, 2), (64,)), ((2, 2), (2,))]
    assert np.array_equal(f(rows[1], 2.0), 2 * rows[1]) and shapes[-1] == ((1, 2), (1,))


def bad_row(x: float) -> float:
    if x > 10:
        raise ValueError("too large", x)
    return x


def test_what_it_raises_comes_out_and_names_the_row() -> None:
    f = external(bad_row, jvp=lambda p, t: t[0])
    rows = np.where(np.arange(500) == 300, 11.0, 1.0)
    for run in (vmap(f), compile_(vmap(f)), vmap(f, threads=2), vmap(grad(lambda x: f(x) * f(x)))):
        with pytest.raises(ValueError) as caught:
            run(rows)
        assert caught.value.args == ("too large", 11.0) or "row 300" in str(caught.value)
        assert any(
            "row 300" in n for n in [*getattr(caught.value, "__notes__", []), str(caught.value)]
        )
    few = vmap(external(lambda x: 1 / bad_row(x), vectorized=False))
    with pytest.raises(ValueError):
        few([1.0, 20.0])
    many = external(lambda x: x[[9999]], vectorized=True)
    with pytest.raises(IndexError) as caught_of_many:
        vmap(many)(rows)
    assert "rows 0 to 63" in "".join(
        [*getattr(caught_of_many.value, "__notes__", []), str(caught_of_many.value)]
    )
    for call in (f, grad(f), compile_(f)):
        with pytest.raises(ValueError, match="too large"):
            call(11.0)
    assert compile_(f)(2.0) == 2.0


def either(x: Any) -> Any:
    return cond(x >= 0, sqrt, lambda x: x, x)


def test_rows_that_take_another_way_are_not_handed_over() -> None:
    def guarded(x: Any) -> Any:
        y = 2 * x
        if x >= 0:
            return sqrt(x) + y
        return y

    def uniform(w: Any, x: Any) -> Any:
        return sqrt(w) * x if x > 10 else x

    def chosen(x: Any) -> Any:
        return switch(x >= 0, [lambda: x, lambda: sqrt(x) * sqrt(x)])

    for f in (guarded, either, chosen):
        rows = ROWS[ROWS != 0]
        expected = [f(float(x)) for x in rows]
        assert vmap(f)(rows) == pytest.approx(expected, rel=1e-15)
        assert compile_(vmap(f))(rows[::-1])[::-1] == pytest.approx(expected, rel=1e-15)
        slopes = [grad(f)(float(x)) for x in rows]
        assert vmap(grad(f))(rows) == pytest.approx(slopes, rel=1e-12)
        assert [compile_(f)(float(x)) for x in rows[:3]] == expected[:3]
        assert grad(lambda r, f=f: vmap(f)(r).sum())(rows) == pytest.approx(slopes, rel=1e-12)
    assert np.array_equal(vmap(uniform, in_axes=(None, 0))(-1.0, ROWS), ROWS)
    with pytest.raises(ValueError, match=r"domain|nonnegative"):
        vmap(uniform, in_axes=(None, 0))(-1.0, 10 * ROWS)


def test_loops_of_programs_have_values() -> None:
    def wound(x: Any) -> Any:
        return while_loop(lambda s: s < 50, lambda s: s + 10 * sqrt(s), x)

    def inside(x: Any) -> Any:  # the loop is of no trip where the way is not taken
        return cond(x > 0, wound, lambda x: x, x)

    rows = np.linspace(0.5, 60.0, 150)
    assert vmap(wound)(rows) == pytest.approx([wound(float(x)) for x in rows], rel=1e-14)
    assert compile_(wound)(2.0) == wound(2.0)
    assert vmap(inside)(ROWS) == pytest.approx([inside(float(x)) for x in ROWS], rel=1e-14)
    for derivative in (grad(wound), grad(grad(wound)), grad(inside), grad(grad(inside))):
        wanted = [derivative(float(x)) for x in rows]
        assert vmap(derivative)(rows) == pytest.approx(wanted, rel=1e-12)
        assert compile_(derivative)(2.0) == pytest.approx(derivative(2.0), rel=1e-12)
    assert compile_(checkpoint(lambda x: sin(x) * 2))(0.5) == 2 * math.sin(0.5)
    failing = external(bad_row)
    with pytest.raises(ValueError) as caught:
        vmap(lambda x: while_loop(lambda s: s < 20, lambda s: 3 * failing(s), x))([1.0, 2.0, 5.0])
    assert caught.value.args[:1] == ("too large",) or "too large" in str(caught.value)


def test_it_stays_out_of_files_and_c(tmp_path: Path) -> None:
    for f in (sin, lambda x: while_loop(lambda s: s < 5, lambda s: s + sin(s) + 2, x)):
        compiled = compile_(f)
        compiled(1.0)
        with pytest.raises(NotImplementedError, match="'sine' is an external function"):
            compiled.save(tmp_path / "f.pgx")
        with pytest.raises(NotImplementedError, match="'sine' is an external function"):
            compiled.to_c()
    assert not list(tmp_path.iterdir())
    assert pickle.loads(pickle.dumps(external(math.sqrt)))(4.0) == 2.0


def test_wrong_results_and_rules_name_the_function() -> None:
    runs = (lambda f: f(1.0), lambda f: compile_(f)(1.0), lambda f: vmap(f)([1.0, 2.0, 3.0]))
    for made, error, said in (
        (external(lambda x: [x, x], shape=3), ValueError, r"of shape \(3,\).*\(2,\)"),
        (external(lambda x: np.zeros(2)), ValueError, r"shape \(\).*\(2,\)"),
        (external(lambda x: (x,), shape=[(), ()]), TypeError, "2 results, a tuple.*tuple of 1"),
        (external(lambda x: Value(x)), TypeError, "plain numbers.*a Value"),
        (external(lambda x: "no"), TypeError, "plain numbers.*str"),
        (external(lambda x: "1.5"), TypeError, "plain numbers.*str"),
        (external(lambda x: None), TypeError, "plain numbers.*NoneType"),
        (external(lambda x: [x, None], shape=2), TypeError, "plain numbers.*list"),
        (external(lambda x: np.array(1j * x)), TypeError, "plain numbers.*ndarray"),
        (external(lambda x: np.ma.masked_array(x, True)), TypeError, "plain numbers.*Masked"),
        (
            external(lambda x: np.append(x, x), vectorized=True),
            ValueError,
            r"shape \([13],\).*\([26],\)",
        ),
    ):
        for run in runs:
            with pytest.raises(error, match=r"<lambda>\(\) is an external function.*" + said):
                run(made)
    with pytest.raises(TypeError, match=r"sine\(\) is an external function without a rule"):
        grad(external(sine))(1.0)
    assert compile_(external(sine))(1.0) == math.sin(1.0)
    for rule, error, said in (
        ({"jvp": lambda p, t: 2.0}, TypeError, "number 2.0, and no Value"),
        ({"jvp": lambda p, t: [t[0]]}, ValueError, "tangent"),
        ({"jvp": lambda p, t: t[0] * math.nan}, ValueError, "gave nan"),
        ({"jvp": lambda p, t: t[0] * t[0] * 3}, ValueError, "not linear"),
        ({"vjp": lambda p, c: c}, TypeError, "a tuple with a cotangent"),
        ({"vjp": lambda p, c: (c, c)}, TypeError, "a tuple with a cotangent"),
        ({"vjp": lambda p, c: (math.cos(p[0]) * c,)}, TypeError, "float"),
    ):
        with pytest.raises(error, match=said) as caught:
            grad(external(sine, **rule))(1.0)
        assert "rule of sine()" in str(caught.value)
    wrong = external(sine, jvp=lambda p, t: 2 * cos(p[0]) * t[0])
    assert check_grad(wrong, 1.0).verdict != "ok"
    with pytest.raises(TypeError, match="2 axes"):
        sin(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="nondiff_argnums"):
        sin({"a": 1.0})
    for shape in (0, -1, 1.5, (2, 2), "x"):
        with pytest.raises(ValueError, match=r"shape of external\(\)"):
            external(sine, shape=shape)
    with pytest.raises(TypeError, match=r"jvp of external\(\)"):
        external(sine, jvp=2)  # type: ignore[arg-type]


def test_a_captured_value_and_one_without_slope() -> None:
    w = Value(0.5)
    f = compile_(lambda x: sin(w) * x)
    assert f(2.0) == 2 * math.sin(0.5)
    w.data = 1.0
    assert f(2.0) == 2 * math.sin(1.0)
    assert grad(lambda x: sin(stop_gradient(x)) * x)(0.5) == math.sin(0.5)


def test_ctrl_c_ends_a_program_that_calls_back() -> None:
    def slow(x: float) -> float:
        time.sleep(0.002)
        return x

    mapped = compile_(vmap(external(slow)))
    mapped(ROWS[:3])
    timer = threading.Timer(0.1, lambda: signal.raise_signal(signal.SIGINT))
    # It is ignored in background jobs of a shell.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        began = time.monotonic()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            mapped(np.arange(5000.0))
        assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGINT, before)
    assert np.array_equal(mapped(ROWS[:3]), ROWS[:3])


def test_threads_share_a_program_that_calls_back() -> None:
    compiled = compile_(lambda x: sin(x) + array_sin(x))
    compiled(1.0)
    found: dict[int, list[float]] = {}

    def run(k: int) -> None:
        found[k] = [compiled(k + i / 100) for i in range(100)]

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(4):
        assert found[k] == [math.sin(k + i / 100) + np.sin(k + i / 100) for i in range(100)]


def test_it_may_call_compiled_functions_itself() -> None:
    inner = compile_(lambda x: sin(x) * 2)
    nested = external(lambda x: inner(x) if x < 5 else 0.0)
    outer = compile_(lambda x: nested(x) + inner(x))
    assert outer(1.0) == outer(1.0) == 4 * math.sin(1.0)
    deep = external(lambda x: x if x < 1 else again(x - 1) + 1)
    again = compile_(lambda x: deep(x))
    assert again(5.5) == 5.5


def in_all_ways(x: Any) -> Any:
    def step(s: Any) -> Any:
        bent = cond(s > 4, lambda v: sqrt(v - 4) * (1.1 + sin(v)), lambda v: 0.2 * abs(v), s)
        return s + 0.5 + bent

    return cond(x > 0.5, lambda v: while_loop(lambda s: s < 9, step, v) * v, lambda v: v * v, x)


def differentiated_in_a_branch(x: Any) -> Any:
    def inner(u: Any) -> Any:
        return cond(u > 1, lambda a: fori_loop(0, 3, lambda i, c: sqrt(c) + a * u, a), sin, u)

    return cond(x > 0, grad(inner), lambda v: v, x)


@pytest.mark.parametrize("f", [in_all_ways, differentiated_in_a_branch])
def test_loops_and_branches_within_each_other_have_derivatives(f: Any) -> None:
    rows = ROWS[-100:]
    for derivative in (grad(f), grad(grad(f))):
        wanted = np.array([derivative(float(x)) for x in rows])
        for count in (1, 3, 64, 65, 100):
            assert vmap(derivative)(rows[-count:]) == pytest.approx(wanted[-count:], rel=1e-9)
        assert compile_(derivative)(2.5) == pytest.approx(derivative(2.5), rel=1e-9)


def test_collections_may_come_while_an_op_is_at_work() -> None:
    """A full one makes what leads to a rule visible, an op's new node among it."""

    def wound(x: Any) -> Any:
        return while_loop(lambda s: s < 50, lambda s: s + 10 * sqrt(s), x)

    derivatives = [grad(sqrt), grad(grad(sqrt)), grad(wound), grad(grad(wound))]
    wanted = [derivative(2.0) for derivative in derivatives]
    before = gc.get_threshold()
    try:
        for often in range(1, 31):
            gc.set_threshold(often, 1, 1)
            found = [compile_(derivative)(2.0) for derivative in derivatives]
            assert found == pytest.approx(wanted, rel=1e-12)
    finally:
        gc.set_threshold(*before)
