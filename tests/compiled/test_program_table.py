"""The table of a function's programs: bounded, the oldest goes first, and shortcuts go with it."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import compile as compile_
from pygrad import jacobian, vmap
from pygrad.programs.table import MOST, Programs


def table(name: str = "") -> Programs[Any]:
    return Programs(name)


def test_a_program_is_made_once_for_a_key() -> None:
    programs, made = table(), []

    def make() -> object:
        made.append(object())
        return made[-1]

    assert programs.find("a", make) is programs.find("a", make) is programs.get("a") is made[0]
    assert (len(programs), list(programs), programs.get("b")) == (1, made, None)
    assert "a" in programs
    assert "b" not in programs


def test_the_oldest_goes_with_its_shortcuts_and_a_warning_that_names_the_function() -> None:
    programs = table("f")
    for i in range(MOST):
        programs.shortcuts[str(i)] = programs.find(i, object)
    with pytest.warns(RuntimeWarning, match=r"f\(\) was called with many structures") as record:
        programs.find(MOST, object)
    assert record[0].filename == __file__
    assert (len(programs), 0 in programs, "0" in programs.shortcuts) == (MOST, False, False)
    assert "1" in programs.shortcuts


def test_without_a_name_it_goes_silently() -> None:
    programs = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(2 * MOST):
            programs.find(i, object)
    assert list(dict(programs.items())) == list(range(MOST, 2 * MOST))


def test_what_has_no_program_stays_when_another_such_goes() -> None:
    programs = table()
    for i in range(MOST + 1):
        programs.add(i, None)
    assert len(programs) == MOST
    assert programs.find(MOST, object) is None


def test_a_program_is_dropped_under_all_its_names() -> None:
    programs, one = table(), object()
    programs.add("a", one)
    programs.add("b", one)
    programs.add("c", object())
    programs.shortcuts.update(x=one, y=programs.get("c"))
    assert programs.drop(one) == ["a", "b"]
    assert [key for key, _ in programs.items()] == ["c"]
    assert list(programs.shortcuts) == ["y"]


def test_jacobians_of_a_compiled_function_are_kept() -> None:
    f = compile_(lambda x: [x, x * x])
    assert jacobian(f) is jacobian(f)
    assert jacobian(f) is not jacobian(f, (0,))
    assert jacobian(f)(3.0) == [1.0, 6.0]


def test_a_structure_that_comes_again_is_traced_again_after_it_went() -> None:
    def f(x: Any) -> Any:
        traced.append(len(x))
        return sum(x.values())

    traced: list[int] = []
    compiled = compile_(f)
    with pytest.warns(RuntimeWarning, match="many structures"):
        for n in [*range(1, MOST + 2), 1]:
            compiled(OrderedDict.fromkeys(map(str, range(n)), 1.0))
    assert traced == [*range(1, MOST + 2), 1]
    assert len(compiled.programs) == MOST


# -- several threads -------------------------------------------------------------------------------


def at_once(count: int, run: Callable[[int], object]) -> list[BaseException]:
    """What went wrong when so many threads ran at the same time, and took turns very often."""
    gate, wrong = threading.Barrier(count), []

    def one(i: int) -> None:
        gate.wait()
        try:
            run(i)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return wrong


class SlowKey:
    """A key whose hash lets other threads run."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        time.sleep(0)
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SlowKey) and self.number == other.number


def test_threads_never_fill_a_table_beyond_its_bound() -> None:
    programs = table()

    def run(i: int) -> None:
        for n in range(150):
            key = SlowKey(i * 100 + n)
            program = programs.find(key, object)
            programs.shorten(n, key, program)
            if n % 10 == 0:
                programs.drop(program)
            programs.items()

    assert at_once(16, run) == []
    assert len(programs) <= MOST
    held = {id(program) for program in programs}
    assert {id(program) for program in programs.shortcuts.values()} <= held


def test_a_table_that_has_grown_too_large_shrinks() -> None:
    programs = table()
    programs._by_key.update((i, object()) for i in range(3 * MOST))  # as if threads had met
    programs.find("new", object)
    assert len(programs) == MOST
    assert "new" in programs


def test_a_shortcut_to_what_went_is_not_kept() -> None:
    programs = table()
    program = programs.find("a", object)
    programs.shorten("x", "a", program)
    assert programs.shortcuts == {"x": program}
    programs.drop(program)
    programs.shorten("x", "a", program)
    assert programs.shortcuts == {}


def test_what_another_thread_put_under_the_oldest_key_leaves_no_shortcut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = table()
    for n in range(MOST):
        programs.find(n, object)
    look = programs.items
    latest = object()

    def and_then_another_thread_runs() -> list[tuple[Any, Any]]:
        seen = look()
        monkeypatch.setattr(programs, "items", look)
        programs.drop(seen[0][1])
        programs._by_key[0] = latest
        programs.shorten("x", 0, latest)
        return seen

    monkeypatch.setattr(programs, "items", and_then_another_thread_runs)
    programs.find(MOST, object)
    assert 0 not in programs
    assert programs.shortcuts == {}


def test_threads_meet_many_structures() -> None:
    f = compile_(lambda x: sum(x) * 2.0)
    g = compile_(vmap(lambda xs, y: xs[0] * y, in_axes=(None, 0)))
    rows = np.arange(3.0)

    def run(i: int) -> None:
        for n in range(40):
            size = 1 + (7 * i + n) % 100
            assert f([1.0] * size) == 2.0 * size
            assert g([2.0] * size, rows)[2] == 4.0
            if n % 8 == 0:
                g.to_c([2.0] * size, rows)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert at_once(12, run) == []
    assert len(f.store.calls) <= MOST
    assert len(f.store.calls.shortcuts) <= MOST
    assert len(g.store.row_programs()) <= MOST
    assert len(g.store.written) <= MOST


def test_programs_written_for_c_are_bounded() -> None:
    f = compile_(vmap(lambda xs, y: xs[0] * y, in_axes=(None, 0)))
    with pytest.warns(RuntimeWarning, match="many structures"):
        for n in range(1, MOST + 4):
            f.to_c([1.0] * n, [2.0])
    assert len(f.store.written) == MOST


def test_a_path_that_many_threads_meet_at_once_is_one_path() -> None:
    """As many as threads would soon be too many."""

    def f(x: Any) -> Any:
        time.sleep(0.001)
        for k in range(8):
            if x < k:
                return x * k
        return x

    compiled = compile_(f)

    def run(i: int) -> None:
        for k in range(9):
            x = (k + i) % 9 - 0.5
            assert compiled(x) == f(x)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert at_once(64, run) == []
    assert len(compiled.programs) == 9
