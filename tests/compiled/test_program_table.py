"""The table of a function's programs: bounded, the oldest goes first, and shortcuts go with it."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import pytest

from pygrad import compile as compile_
from pygrad import jacobian
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
