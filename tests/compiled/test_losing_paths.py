"""Where paths do not pay: tracing stops early, what pays is kept, and the rest runs uncompiled.

What is counted are traces and paths; nothing here depends on how long something takes.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import operator
import os
import pickle
import random
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import Value, _native, compile, grad, hessian, load, no_grad, value_and_grad, vmap
from pygrad import math as pm
from pygrad.programs import worth
from pygrad.programs.plain import gives_the_same

pytestmark = pytest.mark.filterwarnings("ignore:.*different paths")
ROWS = np.linspace(0.1, 50.0, 100)
Function = Callable[..., Any]


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And the account is small, so that few rows do."""
    monkeypatch.setattr(worth, "MANY", worth.FREE)
    monkeypatch.setattr(worth, "TOLD_OF", 40)
    worth.forget_verdicts()
    yield
    worth.forget_verdicts()


class Traces:
    """A function, and how often it was traced and run otherwise."""

    def __init__(self, f: Function) -> None:
        self.f, self.traced, self.run = f, 0, 0
        functools.update_wrapper(self, f)

    def __call__(self, *args: Any) -> Any:
        if _native.trace_active():
            self.traced += 1
        else:
            self.run += 1
        return self.f(*args)


def bisection(x: Any) -> Any:
    low, high = 0.0, 1.0 + x
    while high - low > 1e-12 * high:
        middle = 0.5 * (low + high)
        if middle * middle < x:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def usually_one(x: Any) -> Any:
    """One path up to 40, one for each unit from there on."""
    y = pm.sin(x) + x * x
    if x < 40.0:
        return y
    for k in range(40, 2000):
        if x < k + 1.0:
            return y + pm.exp(-x) * k
    return y


USUAL = np.linspace(0.0, 39.0, 120)
MOSTLY = np.concatenate([USUAL, np.arange(80.0) + 40.5])


def on_values(f: Function, *columns: Any) -> list[float]:
    return [f(*map(Value, row)).data for row in zip(*[c.tolist() for c in columns], strict=True)]


# -- tracing ends early ----------------------------------------------------------------------------


def test_a_bisection_is_traced_a_few_times_and_then_no_more() -> None:
    f = Traces(bisection)
    assert vmap(f)(ROWS).tolist() == on_values(bisection, ROWS)
    assert f.traced < 30
    before = f.traced
    assert vmap(f)(ROWS[:60]).tolist() == on_values(bisection, ROWS[:60])
    assert f.traced == before


def test_a_function_that_is_made_anew_is_known_by_its_code() -> None:
    traced: list[int] = []

    def made() -> Function:
        return lambda x: (
            traced.append(1) or bisection(x) if _native.trace_active() else bisection(x)
        )

    vmap(made())(ROWS)
    before = len(traced)
    assert 0 < before < 30
    for transform in (lambda f: f, value_and_grad):
        vmap(transform(made()))(ROWS)
        first = len(traced)
        vmap(transform(made()))(ROWS)
        assert len(traced) == first
    vmap(made())([*ROWS])  # lists, too
    assert len(traced) == first


def decorated(f: Function) -> Function:
    @functools.wraps(f)
    def call(*args: Any) -> Any:
        return f(*args)

    return call


def composed(*fs: Function) -> Function:
    return lambda x: functools.reduce(lambda y, f: f(y), fs, x)


class Composed:
    def __init__(self, *fs: Function) -> None:
        self.f, self.rest = fs[0], fs[1:]

    def __call__(self, x: Any) -> Any:
        return composed(self.f, *self.rest)(x)


def applied(f: Function, x: Any) -> Any:
    return f(x)


def partial_of(f: Function) -> Function:
    return functools.partial(applied, f)


@pytest.mark.parametrize(
    "make", [pygrad.lift, pygrad.autograph, decorated, composed, Composed, partial_of]
)
def test_what_is_remembered_of_one_function_is_not_of_others_of_the_same_decorator(
    make: Function,
) -> None:
    for _ in range(3):
        vmap(make(bisection))(ROWS)
    square = Traces(lambda x: x * x)
    vmap(make(square.__call__))(ROWS)
    assert square.traced == 1 and square.run == 0


def test_compiled_ones_remember_and_a_second_one_is_no_wiser() -> None:
    f = Traces(bisection)
    mapped = compile(vmap(f))
    for _ in range(3):
        mapped(ROWS)
    first = f.traced
    assert 0 < first < 30 and mapped.programs == []
    compile(vmap(f))(ROWS)
    assert first < f.traced <= 2 * first


def test_few_ways_are_all_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    def ways(x: Any) -> Any:
        for k in range(20):
            if x < k + 1.0:
                return x * k
        return x

    for rows in (ROWS, ROWS[:30], np.repeat(ROWS, 4)):
        f = Traces(ways)
        mapped = compile(vmap(f))
        assert mapped(rows).tolist() == [ways(x) for x in rows.tolist()]
        assert f.run == 0
        assert f.traced == len(mapped.programs) == len({min(int(x), 20) for x in rows.tolist()})


def long_ways(x: Any) -> Any:
    """A thousand rounds, and then one of two ways."""
    for k in range(20_000):
        x = x + 1e-9 * k
    return x if x < 25.0 else -x


def test_long_ways_are_traced_for_rows_that_leave_together() -> None:
    f = Traces(long_ways)
    vmap(f)(ROWS)
    assert (f.traced, f.run) == (2, 0)


def expensive(x: Any) -> Any:
    """Each row has a way of its own, and all are long."""
    n = 0
    for k in range(2500):
        x = x + 1e-6 * k
        if pm.sin(x * 50.0) > 0.0:
            n += 1
    return x + n


def test_long_ways_of_a_row_each_are_traced_once_or_twice() -> None:
    f = Traces(expensive)
    vmap(f)(ROWS[:60])
    assert 1 <= f.traced < worth.FREE


def test_paths_that_pay_are_kept_and_the_rest_runs_uncompiled() -> None:
    f = Traces(usually_one)
    mapped = compile(vmap(f))
    wanted = np.array(on_values(usually_one, MOSTLY))
    for _ in range(3):
        assert np.allclose(mapped(MOSTLY), wanted, rtol=1e-14)
    assert len(mapped.programs) == f.traced <= worth.MOST_PATHS
    assert 0 < f.run <= 3 * 80
    before = f.run
    assert np.array_equal(mapped(USUAL), vmap(usually_one)(USUAL))
    assert f.run == before


def test_the_same_calls_give_the_same_bits() -> None:
    def once(threads: int) -> list[bytes]:
        worth.forget_verdicts()
        mapped = compile(vmap(usually_one, threads=threads))
        plain = vmap(usually_one, threads=threads)
        return [f(rows).tobytes() for f in (mapped, plain) for rows in (MOSTLY, ROWS, MOSTLY)]

    assert once(1) == once(1) == once(3)


def test_paths_are_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "AGAIN", 1)
    f = Traces(usually_one)
    mapped = compile(vmap(f))
    bad, good = np.arange(100.0) + 40.5, np.linspace(0.0, 39.0, 100)
    mapped(bad)
    first = f.traced
    assert mapped.programs == []
    while f.traced == first:
        mapped(good)
    assert f.traced == first + 1 and len(mapped.programs) == 1
    runs = f.run
    mapped(good)
    assert f.run == runs


def test_each_try_that_fails_doubles_the_time_to_the_next() -> None:
    f = Traces(bisection)
    mapped = compile(vmap(f))
    tries, last = [], 0
    for k in range(70):
        mapped(ROWS)
        if f.traced > last:
            tries.append(k)
            last = f.traced
    apart = np.diff(tries)
    assert len(tries) >= 3 and all(b >= 1.7 * a for a, b in itertools.pairwise(apart))


# -- what comes out --------------------------------------------------------------------------------


def test_gradients_of_a_map_that_is_lost_are_those_of_eager_code() -> None:
    f = value_and_grad(bisection)
    wanted = [f(x) for x in ROWS.tolist()]
    for mapped in (vmap(f), compile(vmap(f))):
        for _ in range(2):
            values, slopes = mapped(ROWS)
            assert list(zip(values.tolist(), slopes.tolist(), strict=True)) == wanted
    curved = vmap(hessian(lambda x: bisection(x) * x))(ROWS)
    assert curved.tolist() == [hessian(lambda x: bisection(x) * x)(x) for x in ROWS.tolist()]


def test_totals_and_their_slopes() -> None:
    def f(w: Any, x: Any) -> Any:
        return w * usually_one(x)

    rows = MOSTLY
    eager = np.array(on_values(usually_one, rows))
    for reduce, by in (("sum", 1), ("mean", len(rows))):
        mapped = vmap(f, in_axes=(None, 0), reduce=reduce)
        for g in (mapped, compile(mapped)):
            assert g(2.0, rows) == pytest.approx(2.0 * eager.sum() / by, rel=1e-12)
        for g in (value_and_grad(mapped), compile(value_and_grad(mapped))):
            for _ in range(2):
                value, slope = g(2.0, rows)
                assert value == pytest.approx(2.0 * eager.sum() / by, rel=1e-12)
                assert slope == pytest.approx(eager.sum() / by, rel=1e-12)
        lost = vmap(lambda w, x: w * bisection(x), in_axes=(None, 0), reduce=reduce)
        roots = sum(on_values(bisection, ROWS)) / (1 if reduce == "sum" else len(ROWS))
        for g in (value_and_grad(lost), compile(value_and_grad(lost))):
            assert g(2.0, ROWS) == pytest.approx((2.0 * roots, roots), rel=1e-13)


def test_captured_values_get_their_derivatives() -> None:
    w = Value(1.5)
    f = compile(lambda x: w * bisection(x))
    roots = on_values(bisection, ROWS)
    assert f.backward(ROWS, reduce="sum") == pytest.approx(1.5 * sum(roots))
    assert w.grad == pytest.approx(sum(roots))
    mapped = vmap(lambda x: w * usually_one(x))
    assert np.allclose(mapped(MOSTLY), 1.5 * np.array(on_values(usually_one, MOSTLY)))
    slope = grad(lambda v: vmap(lambda x: v * bisection(x), reduce="sum")(ROWS))(2.0)
    assert slope == pytest.approx(sum(roots))


def test_what_is_differentiated_from_outside_has_a_path_for_each_row_or_none() -> None:
    for row, rows in ((usually_one, np.append(MOSTLY, [*USUAL] * 3)), (bisection, ROWS)):
        f = Traces(lambda w, x, row=row: w * row(x))
        total = compile(vmap(f, in_axes=(None, 0), reduce="sum"))
        wanted = sum(on_values(row, rows))
        for _ in range(2):
            assert grad(lambda w: total(w, rows))(2.0) == pytest.approx(wanted)  # noqa: B023
        assert (f.run == 0) == (row is usually_one)


def test_out_and_structures_and_truths() -> None:
    def f(x: Any) -> Any:
        y = usually_one(x)
        return {"y": y, "more": [x, 2.0 * y], "large": x > 30.0}

    wanted = [f(Value(x)) for x in MOSTLY.tolist()]
    for mapped in (vmap(f), compile(vmap(f))):
        found = mapped(MOSTLY)
        assert found["large"].dtype == bool
        assert found["large"].tolist() == [w["large"] for w in wanted]
        assert np.allclose(found["y"], [w["y"].data for w in wanted])
        assert np.allclose(found["more"][1], [w["more"][1].data for w in wanted])
    for g in (usually_one, bisection):
        rows = MOSTLY if g is usually_one else ROWS
        out = np.empty(len(rows))
        assert vmap(g)(rows, out=out) is out
        assert np.allclose(out, on_values(g, rows), rtol=1e-14)
        same = rows.copy()  # rows that are read after others were written
        assert np.array_equal(vmap(g)(same, out=same), out)


def test_a_row_that_returns_something_else_is_an_error() -> None:
    def f(x: Any) -> Any:
        y = usually_one(x)
        return (y, y) if x > 110.0 else y

    for rows in (MOSTLY, np.arange(100.0) + 40.5):
        with pytest.raises(TypeError, match=r"for one row and .* for another"):
            vmap(f)(rows)


def raising(x: Any) -> Any:
    y = usually_one(x)
    return y / (x - 110.5)


def test_errors_say_what_becomes_of_rows_that_raise() -> None:
    for f in (raising, lambda x: bisection(x) / (x - ROWS[7])):
        rows = MOSTLY if f is raising else ROWS
        with pytest.warns(RuntimeWarning, match="in 1 results"):
            found = vmap(f)(rows)
        assert np.count_nonzero(np.isinf(found)) == 1
        with pytest.raises(FloatingPointError, match="in 1 results"):
            vmap(f, errors="raise")(rows)
        assert np.array_equal(vmap(f, errors="ignore")(rows), found)


def test_rows_without_results_are_nan() -> None:
    def f(x: Any) -> Any:
        y = usually_one(x)
        return y * int(x / 7.0) if x < 500.0 else y

    rows = np.append(MOSTLY, [math.nan, math.inf])
    found = vmap(f)(rows)
    assert np.isnan(found[-2]) and np.isfinite(found[:-2]).all()
    assert vmap(lambda x: bisection(x) * int(1.0 / (x - ROWS[3])), errors="ignore")(ROWS)[3] != 0


def test_an_error_of_the_function_itself_comes_through() -> None:
    def f(x: Any) -> Any:
        y = bisection(x)
        if x > 49.0:
            raise LookupError("none there")
        return y

    with pytest.raises(LookupError, match="none there"):
        vmap(f)(ROWS)


def test_an_interrupt_comes_through_at_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(x)
        if len(runs) == 70:
            raise KeyboardInterrupt
        return bisection(x)

    with pytest.raises(KeyboardInterrupt):
        vmap(f)(ROWS)
    assert len(runs) == 70


@pytest.mark.parametrize("f", [usually_one, bisection])
def test_progress_tells_of_all_rows(f: Function) -> None:
    rows = MOSTLY if f is usually_one else ROWS
    told: list[tuple[int, int]] = []
    vmap(f, progress=lambda done, all_: told.append((done, all_)))(rows)
    assert told[-1] == (len(rows), len(rows))


def test_shared_arguments_named_ones_and_arrays() -> None:
    def f(a: Any, x: Any, scale: Any = 1.0) -> Any:
        return scale * bisection(x) * a[0] + a[1]

    a = np.array([2.0, 3.0])
    wanted = [bisection(x) * 8.0 + 3.0 for x in ROWS.tolist()]
    found = vmap(f, in_axes={"a": None, "scale": None})(a, ROWS, scale=4.0)
    assert np.allclose(found, wanted)
    found = vmap(lambda p, x: p["w"] * bisection(x), in_axes=(None, 0))({"w": 2.0}, ROWS)
    assert np.allclose(found, [2.0 * bisection(x) for x in ROWS.tolist()])
    whole = np.arange(1, 400)
    assert vmap(bisection)(whole).tolist() == [bisection(float(k)) for k in whole]


def test_threads_share_a_function_that_is_lost() -> None:
    mapped, row = compile(vmap(usually_one)), compile(bisection)
    wanted = np.array(on_values(usually_one, MOSTLY))
    roots = on_values(bisection, ROWS)
    wrong: list[str] = []

    def work() -> None:
        for _ in range(2):
            if not np.allclose(mapped(MOSTLY), wanted, rtol=1e-13):
                wrong.append("rows")
        if [row(x) for x in ROWS.tolist()] != roots:
            wrong.append("calls")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- a row at a time -------------------------------------------------------------------------------


def test_a_compiled_function_stops_tracing_too_and_is_right() -> None:
    f = Traces(bisection)
    compiled = compile(f)
    assert [compiled(x) for x in ROWS.tolist()] == on_values(bisection, ROWS)
    assert f.traced <= worth.MANY + 20
    slope = compile(value_and_grad(bisection))
    assert [slope(x) for x in ROWS.tolist()] == [
        value_and_grad(bisection)(x) for x in ROWS.tolist()
    ]


def test_calls_without_a_path_run_on_floats_where_rows_do() -> None:
    seen: list[Any] = []
    watching: list[int] = []  # Values of a trace among what is captured would not do

    def watched(x: Any) -> Any:
        if watching:
            seen.append(x)
        return bisection(x)

    def squared(x: Any) -> Any:
        if watching:
            seen.append(x)
        return bisection(x) ** 2

    def sometimes(x: Any) -> Any:
        if watching:
            seen.append(x)
        return 1.0 / (x - 1.0) if x == 1.0 else bisection(x)

    for f, kind in ((watched, float), (squared, Value), (sometimes, float)):
        compiled = compile(f)
        for x in [*ROWS.tolist() * 3, *(ROWS + 0.01).tolist()]:
            compiled(x)
        watching.append(1)
        assert compiled(2.0) == bisection(2.0) ** (2 if f is squared else 1)
        assert [type(x) for x in seen] == [kind]
        watching.clear()
        seen.clear()
    assert compiled(1.0) == math.inf  # as a program has it
    assert compiled(np.float64(3.0)) == bisection(3.0) and type(compiled(3)) is float


@pytest.mark.parametrize("power", [1.0, 2])
def test_results_of_calls_without_a_path_are_of_the_types_that_programs_give(power: Any) -> None:
    def f(x: Any) -> Any:
        y = bisection(x) if power == 1.0 else bisection(x) ** power
        return y, int(x), {"a": 3, "b": x > 1.0}, [True, "text", None, 10**25 * int(x)]

    compiled = compile(f)
    first = compiled(2.0)
    for x in [*ROWS.tolist() * 3, *(ROWS + 0.01).tolist()]:
        compiled(x)
    traced = len(compiled.programs)
    assert repr(compiled(2.0)) == repr(first) and len(compiled.programs) == traced


def test_what_calls_have_use_of_stays() -> None:
    f = Traces(usually_one)
    compiled = compile(f)
    for k in range(100):
        compiled(k + 40.5)
        for _ in range(20):
            compiled(k / 20.0)
    runs = f.run
    assert 0 < runs < 60
    assert compiled(3.0) == compile(usually_one)(3.0)
    assert f.run == runs and len(compiled.programs) > worth.MANY


def test_buffers_and_c_code_take_every_path() -> None:
    f = Traces(bisection)
    compiled = compile(f)
    x = np.array([1.0])
    buffer = compiled.buffer(x)
    for k in range(60):
        x[0] = 1.0 + k / 7.0
        assert buffer() == bisection(x[0])
    assert f.run == 0 and f.traced > worth.MANY


def test_pickles_and_files_of_functions_that_are_lost(tmp_path: Any) -> None:
    mapped = compile(vmap(bisection))
    mapped(ROWS)
    with pytest.raises(ValueError, match="too many paths"):
        mapped.save(tmp_path / "f")
    again = pickle.loads(pickle.dumps(mapped))
    assert again(ROWS).tolist() == mapped(ROWS).tolist()
    plain = pickle.loads(pickle.dumps(vmap(bisection)))
    assert plain(ROWS).tolist() == mapped(ROWS).tolist()
    kept = compile(vmap(usually_one))
    kept(MOSTLY)
    kept.save(tmp_path / "g")
    loaded = load(tmp_path / "g")
    assert np.array_equal(loaded(USUAL), kept(USUAL))
    with pytest.raises(pygrad.NotSavedError):
        loaded(MOSTLY)
    assert np.array_equal(loaded(USUAL), kept(USUAL))


# -- memory ----------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Callable[[int], int]]:
    before = pygrad.path_memory()
    yield pygrad.path_memory
    pygrad.path_memory(before)


def test_paths_end_where_memory_does(memory: Callable[[int], int]) -> None:
    def ways(x: Any) -> Any:
        return x if x < 10.0 else 2.0 * x if x < 20.0 else 3.0 * x

    wanted = [ways(x) for x in ROWS.tolist()]
    for limit, paths in ((0, 0), (1, 0), (1 << 20, 3)):
        memory(limit)
        f = Traces(ways)
        mapped = compile(vmap(f))
        assert mapped(ROWS).tolist() == wanted
        if paths:
            assert len(mapped.programs) == paths
        else:
            assert f.traced == 1 and f.run > 0
    memory(0)
    f = Traces(ways)
    compiled = compile(f)
    assert [compiled(x) for x in (1.0, 15.0, 15.0, 25.0, 2.0)] == [1.0, 30.0, 30.0, 75.0, 2.0]
    assert (f.traced, f.run) == (1, 3)


def test_the_bound_of_memory_is_checked() -> None:
    assert pygrad.path_memory() == 256 << 20
    for wrong in (-1, 1.5, "1"):
        with pytest.raises(ValueError, match="bytes"):
            pygrad.path_memory(wrong)  # type: ignore[arg-type]


@pytest.mark.long
def test_the_bound_of_memory_comes_from_the_environment() -> None:
    for text, shown in (("1000", "1000"), ("none", "PYGRAD_PATH_MEMORY is 'none'")):
        run = subprocess.run(
            [sys.executable, "-P", "-c", "import pygrad; print(pygrad.path_memory())"],
            env={**os.environ, "PYGRAD_PATH_MEMORY": text},
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown in run.stdout + run.stderr


# -- the warning -----------------------------------------------------------------------------------


def messages_of(call: Callable[[], Any]) -> list[Any]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught


def test_the_warning_names_the_line_and_the_cure_and_comes_once() -> None:
    def f(x: Any) -> Any:
        y = x if x > 25.0 else -x
        n = 0
        while y < 400.0:
            y = y + 1.0
            n += 1 if pm.sin(y) > 0.0 else 2  # this one
        return y + n

    (warning,) = messages_of(lambda: vmap(f)(ROWS))
    line = f.__code__.co_firstlineno + 5
    message = str(warning.message)
    assert warning.category is RuntimeWarning and warning.filename == __file__
    assert f"{__file__}:{line} (n += 1 if" in message
    assert "rows of f() have taken" in message and "row by row" in message
    for cure in ("pygrad.where", "pygrad.while_loop", "@pygrad.autograph"):
        assert cure in message
    assert messages_of(lambda: [vmap(f)(ROWS), vmap(f)(ROWS[:60])]) == []


def test_few_rows_are_nothing_to_be_warned_of() -> None:
    def f(x: Any) -> Any:
        return bisection(x)

    assert messages_of(lambda: vmap(f)(ROWS[:30])) == []
    assert messages_of(lambda: [vmap(f)(ROWS[:30]) for _ in range(4)]) != []
    assert messages_of(lambda: vmap(expensive)(ROWS)) != []


def test_compiled_functions_warn_once() -> None:
    compiled = compile(bisection)
    (warning,) = messages_of(lambda: [compiled(x) for x in ROWS.tolist()])
    assert "bisection() has taken" in str(warning.message) and "middle * middle" in str(
        warning.message
    )


# -- on plain floats -------------------------------------------------------------------------------


class Tank:
    def __init__(self, level: Any) -> None:
        self.level = level

    def fill(self, flow: Any) -> None:
        self.level = self.level + 0.1 * (flow - self.leak)
        if self.level < 0.0:
            self.level = 0.0 * self.level

    @property
    def leak(self) -> Any:
        return 0.2 * pm.sqrt(self.level)


def tank(gain: Any) -> Any:
    one, settled = Tank(0.5), 0
    for _ in range(200):
        error = 0.8 - one.level
        one.fill(min(max(gain * error, 0.0), 1.0))
        settled = settled + 1 if abs(error) < 0.01 else 0
        if settled > 20:
            break
    return one.level + settled


def helper(x: Any) -> Any:
    return pm.tanh(x) if x > 0 else -x


W = Value(2.0)
SAME: list[Function] = [
    bisection,
    tank,
    lambda x: helper(x) + x,
    lambda x: pm.where(x > 1.0, pm.log(x), 2.0 * x),
    lambda x: functools.partial(operator_free, 2.0)(x) if x > 0 else x,
    lambda x: [k * x for k in range(3)][-1] // 2.0 + x % 3.0,
    lambda x: max(map(lambda y: y * int(x), [x, 2.0])),  # noqa: C417
    lambda x: {"a": x}["a"] + {"b": 2.0 * x, "c": x + 1.0}["c"] + UNITS["mm"],
]
UNITS, STEPS, FOUND = {"mm": 1e-3}, {1: 2.0, 2: 3.0}, {}  # type: ignore[var-annotated]
BY_HASH: list[Function] = [
    lambda x: len({x, x * 1.0}),
    lambda x: x in {1, 2},
    lambda x: {x: 1.0}.get(x * 1.0, 0.0),
    lambda x: {"a": 1.0, x: 1.0}.get(x * 1.0, 0.0),
    lambda x: len({y: 1.0 for y in (x, x * 1.0)}),
    lambda x: len({y for y in (x, x * 1.0)}),  # noqa: C416
    lambda x: len(set([x, x * 1.0])),  # noqa: C405
    lambda x: len(dict([(x, 1.0), (x * 1.0, 1.0)])),  # noqa: C406
    lambda x: STEPS.get(x, x),
    lambda x: FOUND.get(x, x),
    lambda x: filled(x),
]


def filled(x: Any) -> Any:
    found = {}
    found[x] = found[x * 1.0] = x
    return sum([1.0 for _ in found], start=0.0)


OTHERS: list[Function] = [
    lambda x: x**2,
    lambda x: x**0.5,
    lambda x: np.sin(x),
    lambda x: x * W,
    lambda x: x if isinstance(x, float) else 2.0 * x,
    lambda x: pm.floor(x),
    lambda x: pm.hypot(x, 1.0),
    lambda x: pm.gamma(x),
    lambda x: x.real,
    lambda x: x.__pow__(2),
    lambda x: abs(1j * x),
    lambda x: np.mean([x, 1.0]),
    lambda x: np.float64(2.0) * x,
    lambda x: Value(1.0) * x,
    lambda x: round(x),
    lambda x: operator.pow(x, 2),
    lambda x: getattr(x, "data", x),
    lambda x: grad(helper)(x),
    lambda x: type(x)(1.0),
    lambda x: eval("x"),
]


def operator_free(a: Any, x: Any) -> Any:
    return a * x


def with_handler(x: Any) -> Any:
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return x


NAME = "math"


def from_math(x: Any) -> Any:
    from math import sin

    return sin(x)


def by_two_names(x: Any) -> Any:
    import os.path

    import pygrad.math as m

    return m.sqrt(x) if os.path.sep else x


def from_numpy(x: Any) -> Any:
    from numpy import sin

    return sin(x)


def from_math_that_differs(x: Any) -> Any:
    import math as m

    return m.gamma(x)


def relative(x: Any) -> Any:
    from . import nothing  # type: ignore[attr-defined]

    return nothing(x)


def of_what_is_not_there(x: Any) -> Any:
    import no_such_module  # type: ignore[import-not-found]

    return no_such_module.f(x)


IMPORTING: list[Function] = [
    from_math,
    by_two_names,
    lambda x: importlib.import_module("pygrad").math.sqrt(x),
    lambda x: (
        importlib.import_module("math").sqrt(x) + importlib.import_module("pygrad.math").log(x)
    ),
    lambda x: import_module("math").sqrt(x),
]
IMPORTING_OTHERS: list[Function] = [
    from_numpy,
    from_math_that_differs,
    relative,
    of_what_is_not_there,
    lambda x: importlib.import_module(NAME).sqrt(x),
    lambda x: importlib.import_module(*["math"]).sqrt(x),
    lambda x: importlib.import_module("numpy").sqrt(x),
    lambda x: importlib.import_module("pygrad").grad(helper)(x),
    lambda x: importlib.import_module("pygrad").math.gamma(x),
    lambda x: next(f("math") for f in [import_module]).gamma(x),
]


def test_functions_may_import_what_is_there() -> None:
    assert [f for f in IMPORTING if not gives_the_same(f)] == []
    assert [f for f in IMPORTING_OTHERS if gives_the_same(f)] == []


def test_which_functions_give_floats_the_same() -> None:
    functions = [f for f in SAME if gives_the_same(f)]
    # functools.partial itself is none of those that are known
    assert len(functions) == len(SAME) - 1
    assert [
        f
        for f in [*OTHERS, *BY_HASH, with_handler, compile(helper), vmap(helper)]
        if gives_the_same(f)
    ] == []
    assert not gives_the_same(pygrad.lift(helper))


def test_sets_and_dicts_find_what_they_find_where_paths_pay() -> None:
    for f in BY_HASH:
        compiled = compile(lambda x, f=f: bisection(x) + f(x))
        for x in [*ROWS.tolist() * 3, *(ROWS + 0.01).tolist(), 1.0, 2.0]:
            assert compiled(x) == bisection(x) + f(Value(x))


class Gas:
    gamma, floor = 1.4, 0.5


def test_what_a_module_has_is_nothing_to_names_that_others_have() -> None:
    assert gives_the_same(lambda x: pm.sqrt(Gas.gamma * x) + Gas.floor)
    assert not gives_the_same(lambda x: pm.gamma(Gas.gamma * x))
    alias = pm
    assert not gives_the_same(lambda x: alias.gamma(x))


def test_they_are_given_floats_and_others_values() -> None:
    seen: list[Any] = []

    def watched(x: Any) -> Any:
        seen.append(x)
        return bisection(x)

    def squared(x: Any) -> Any:
        seen.append(x)
        return bisection(x) ** 2

    def kinds(call: Callable[[], Any]) -> set[type]:
        """Of what the function is given once it is known to lose."""
        call()
        seen.clear()
        call()
        assert len(seen) == len(ROWS)
        return {type(x) for x in seen}

    assert kinds(lambda: vmap(watched)(ROWS)) == {float}
    assert kinds(lambda: vmap(squared)(ROWS)) == {Value}
    assert kinds(lambda: vmap(watched)(ROWS.astype(np.float32))) == {float}
    assert kinds(lambda: vmap(watched)([*ROWS])) == {float}
    assert kinds(lambda: vmap(lambda row: watched(row[0]))(ROWS.reshape(-1, 1))) == {Value}
    assert kinds(lambda: vmap(lambda row: watched(row["a"]))({"a": ROWS})) == {float}
    assert kinds(lambda: vmap(grad(watched))(ROWS)) == {Value}
    with no_grad():
        assert kinds(lambda: vmap(watched)(ROWS)) == {float}
    rows = vmap(lambda w, x: w * watched(x), in_axes=(None, 0), reduce="sum")
    assert kinds(lambda: grad(lambda w: rows(w, ROWS))(1.0)) == {Value}


@pytest.mark.parametrize("f", SAME)
def test_both_have_the_same_bits(f: Function) -> None:
    rng = random.Random(1)
    for _ in range(100):
        x = math.exp(rng.uniform(-4, 4))
        value = f(Value(x))
        assert repr(float(f(x))) == repr(float(value.data if isinstance(value, Value) else value))


WORDS = [
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "atan",
    "expm1",
    "log1p",
    "erf",
    "sigmoid",
    "cbrt",
]


def random_text(rng: random.Random) -> str:
    names, lines = ["x", "y"], []
    for k in range(10):
        a, b = rng.choice(names), rng.choice(names)
        lines += [
            rng.choice(
                [
                    f"v{k} = {a} {rng.choice('+-*/')} {b}",
                    f"v{k} = pm.{rng.choice(WORDS)}({a})",
                    f"v{k} = {a} if {a} < {b} else -{b}",
                    f"v{k} = max({a}, {b}) % 3.0 - abs({b}) // 2.0",
                    f"v{k} = {a}\n    while abs(v{k}) > 1.0: v{k} = v{k} * 0.5 + 0.1 / (1.0 + abs({b}))",
                ]
            )
        ]
        names.append(f"v{k}")
    return "def f(x, y):\n    " + "\n    ".join(lines) + "\n    return v9 - v8"


def check_random(seeds: range) -> None:
    for seed in seeds:
        rng = random.Random(seed)
        space: dict[str, Any] = {"pm": pm}
        exec(random_text(rng), space)
        f = space["f"]
        assert gives_the_same(f)
        rows = np.array([[rng.uniform(-4, 4), rng.uniform(-4, 4)] for _ in range(60)])
        for g in (f, value_and_grad(f, (0, 1))):
            mapped = vmap(g, errors="ignore")
            on_floats, wanted = leaves(mapped(*rows.T)), leaves(mapped.row_by_row(rows.T))
            assert len(on_floats) == len(wanted)
            for a, b in zip(on_floats, wanted, strict=True):
                assert np.array_equal(a, b, equal_nan=True), seed
                assert np.array_equal(np.signbit(a[a == 0.0]), np.signbit(b[b == 0.0])), seed


def leaves(tree: Any) -> list[Any]:
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


@pytest.fixture
def no_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows run uncompiled."""
    monkeypatch.setattr(worth.Verdict, "skips", lambda self, rows: True)


def test_random_functions_have_the_bits_of_eager_values(no_paths: None) -> None:
    check_random(range(8))


@pytest.mark.long
def test_very_many_random_functions_have_the_bits_of_eager_values(no_paths: None) -> None:
    check_random(range(100, 220))
