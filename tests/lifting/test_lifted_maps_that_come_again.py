"""A map of a lifted function that no import finds keeps its programs while its names mean the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import grad, lift, vmap
from pygrad.programs import rows_program
from pygrad.programs.reach import reach_of

X = np.array([0.5, 1.5, 0.25])


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What grows by one at each trace of a path."""
    found: list[int] = []
    trace = rows_program.trace
    monkeypatch.setattr(rows_program, "trace", lambda *args: found.append(1) or trace(*args))
    return found


def script(text: str) -> dict[str, Any]:
    """The globals of a script: of a module that no import finds."""
    space: dict[str, Any] = {"__name__": "__main__", "math": math}
    exec(compile(text, "<script>", "exec"), space)
    return space


SCRIPT = """
rate, tables = 2.0, [1.0, 3.0]
def scaled(x): return rate * x
def by_global(x): return math.sin(x) * rate
def by_helper(x): return math.sin(scaled(x))
def by_item(x): return math.exp(x) * tables[0]
def by_module(x): return math.sin(x)
def made():
    factor, function = 1.5, math.sin
    def by_cells(x): return function(x) * factor
    def change(a, b):
        nonlocal factor, function
        factor, function = a, b
    return by_cells, change
by_cells, change = made()
def other(x): return x * 7.0
def by_default(x, factor=2.0): return math.sin(x) * factor
def by_helpers_default(x): return by_default(x)
def by_keyword(x, *, factor=2.0): return math.sin(x) * factor
def by_function_in_list(x, functions=[[scaled]]): return math.sin(functions[0][0](x))
functions = {"first": scaled, "factor": 2.0}
def by_function_in_dict(x): return math.sin(functions["first"](x)) * functions["factor"]
def by_attribute(x): return math.sin(x) * by_attribute.factor
by_attribute.factor = 2.0
class Base:
    def scale(self, x): return math.sin(x)
class Scaling(Base):
    def scale(self, x): return super().scale(x) * 2.0
scaling = Scaling()
def by_method(x): return scaling.scale(x)
"""
CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "a global": ("by_global", lambda space: space.update(rate=5.0)),
    "a global that another function reads": ("by_helper", lambda space: space.update(rate=5.0)),
    "a function": ("by_helper", lambda space: space.update(scaled=lambda x: x * x)),
    "an item": ("by_item", lambda space: space["tables"].__setitem__(0, 7.0)),
    "a table": ("by_item", lambda space: space.update(tables=[9.0])),
    "a module": ("by_module", lambda space: space.update(math=SimilarMath)),
    "a number in a cell": ("by_cells", lambda space: space["change"](4.0, math.sin)),
    "a function in a cell": ("by_cells", lambda space: space["change"](1.5, math.cos)),
    "a default": ("by_default", lambda space: setattr(space["by_default"], "__defaults__", (7.0,))),
    "a default of another function": (
        "by_helpers_default",
        lambda space: setattr(space["by_default"], "__defaults__", (7.0,)),
    ),
    "a keyword's default": (
        "by_keyword",
        lambda space: space["by_keyword"].__kwdefaults__.update(factor=7.0),
    ),
    "a function in a list in a default": (
        "by_function_in_list",
        lambda space: (
            space["by_function_in_list"].__defaults__[0][0].__setitem__(0, space["other"])
        ),
    ),
    "a function in a dict": (
        "by_function_in_dict",
        lambda space: space["functions"].update(first=space["other"]),
    ),
    "a number beside a function": (
        "by_function_in_dict",
        lambda space: space["functions"].update(factor=9.0),
    ),
    "a code": (
        "by_helper",
        lambda space: setattr(space["scaled"], "__code__", space["other"].__code__),
    ),
    "an attribute of a function": (
        "by_attribute",
        lambda space: setattr(space["by_attribute"], "factor", 7.0),
    ),
    "a method": (
        "by_method",
        lambda space: setattr(space["Scaling"], "scale", lambda self, x: math.cos(x) * 5.0),
    ),
    "a method that super() finds": (
        "by_method",
        lambda space: setattr(space["Base"], "scale", lambda self, x: math.cos(x) * 5.0),
    ),
    "a method that is no more": ("by_method", lambda space: delattr(space["Scaling"], "scale")),
}


class SimilarMath:
    sin = staticmethod(math.cos)


@pytest.mark.parametrize("name", ["by_global", "by_helper", "by_item", "by_module", "by_cells"])
def test_programs_stay_from_the_second_call_on(name, traces):
    space = script(SCRIPT)
    lifted = lift(space[name])
    assert reach_of(lifted) is not None
    mapped = vmap(lifted)
    results = [mapped(X) for _ in range(6)]
    assert len(traces) == 2
    for result in results:
        np.testing.assert_allclose(result, [space[name](x) for x in X], rtol=1e-14)


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_is_seen(what):
    name, change = CHANGES[what]
    space = script(SCRIPT)
    mapped = vmap(lift(space[name]))
    before = [mapped(X) for _ in range(6)][-1]
    change(space)
    expected = [space[name](x) for x in X]
    assert not np.allclose(before, expected)
    for _ in range(4):
        np.testing.assert_allclose(mapped(X), expected, rtol=1e-14)


@pytest.mark.parametrize("what", [what for what in CHANGES if "cell" not in what])
def test_what_has_changed_is_seen_where_nothing_is_kept(what):
    name, change = CHANGES[what]
    space = script(SCRIPT)
    derivative = grad(lift(space[name]))
    before = derivative(0.5)
    change(space)
    expected = central(space[name], 0.5)
    assert abs(before - expected) > 1e-3
    assert derivative(0.5) == pytest.approx(expected, rel=1e-6)


def central(f: Callable[[float], float], x: float, step: float = 1e-5) -> float:
    return (f(x + step) - f(x - step)) / (2 * step)


def test_a_change_before_the_look_is_seen():
    """A reach is of what names mean now, not of what they meant at the last call."""
    space = script(SCRIPT)
    lifted = lift(space["by_global"])
    lifted(0.5)
    space["rate"] = 5.0
    reach = reach_of(lifted)
    assert reach is not None
    lifted(0.5)
    assert reach.holds()
    space["rate"] = 2.0
    assert not reach.holds()


@pytest.mark.parametrize("inner", ["", "helper(); "])
def test_a_function_that_assigns_a_global_has_no_reach(inner):
    space = script(
        "count = 0.0\n"
        "def helper():\n    global count\n    count += 1.0\n"
        f"def counting(x):\n    {'helper()' if inner else 'global count; count += 1.0'}\n"
        "    return x * count\n"
    )
    lifted = lift(space["counting"])
    assert reach_of(lifted) is None
    mapped = vmap(lifted)
    counts = [float(mapped(np.array([1.0]))[0]) for _ in range(3)]
    assert counts == sorted({*counts})


def test_who_copies_the_name_of_a_lifted_function_is_looked_at_itself():
    import functools

    lifted = lift(script(SCRIPT)["by_global"])

    @functools.wraps(lifted)
    def other(x):
        return print(x)

    assert reach_of(other) is None
