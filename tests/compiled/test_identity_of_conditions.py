"""Code that asks for the identity or class of a comparison gets a bool, whatever way it is reached."""

from __future__ import annotations

import functools
import linecache
import numbers
import operator
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, Value, autograph, lift, math, vmap, where
from pygrad import compile as compile_
from pygrad.programs import identity
from pygrad.programs.identity import why_bools

TRUTH = True
KIND = bool
KINDS = (bool, str)


def is_so(truth: Any) -> bool:
    return truth is True


def plain(truth: Any) -> Any:
    return truth


def pick(truth: Any) -> float:
    return 1.0 if truth is True else 2.0


def module(name: str, text: str) -> Any:
    made = types.ModuleType(name)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec", dont_inherit=True), made.__dict__)
    sys.modules[name] = made
    return made


OTHER = module("other", "def h(c):\n    return 1.0 if c is True else 2.0\n")
TABLE = {"f": pick}
NESTED = {"f": [pick]}


class Owner:
    flag: Any = None

    def __init__(self, flag: Any = None) -> None:
        self.flag = flag

    def _pick(self, truth: Any) -> float:
        return pick(truth)

    def by_method(self, x: Any) -> float:
        return self._pick(x > 0)

    def by_getattr(self, x: Any) -> float:
        found: float = getattr(self, "_pick")(x > 0)  # noqa: B009
        return found

    def get(self) -> float:
        return 1.0 if self.flag is True else 2.0

    def __call__(self, x: Any) -> float:
        return self._pick(x > 0)


class Truthful:
    def __init__(self, x: Any) -> None:
        self.x = x

    def __bool__(self) -> bool:
        found: bool = self.x > 0
        return found


class Counted(Truthful):
    def __index__(self) -> int:
        found: int = int(self.x > 0) if self else 0
        return found


def caught(item: Any) -> bool:
    try:
        return bool(item)
    except TypeError:
        return True


@functools.singledispatch
def by_class(c: Any) -> float:
    return 2.0


@by_class.register(bool)
def _(c: bool) -> float:
    return 1.0


def with_default(x: Any, use: Any = pick) -> Any:
    return use(x > 0)


def with_keyword(x: Any, *, use: Any = pick) -> Any:
    return use(x > 0)


def matched(x: Any) -> float:
    match x > 0:
        case bool():
            return 1.0
    return 2.0


def of_one_type(a: Any, b: Any) -> bool:
    return type(a) == type(b)  # noqa: E721


OWNER = Owner()
REACHED: dict[str, Callable[[Any], Any]] = {
    "a method": OWNER.by_method,
    "a method of a global": lambda x: OWNER._pick(x > 0),
    "a module's function": lambda x: OTHER.h(x > 0),
    "a default": with_default,
    "a default of a keyword": with_keyword,
    "a table": lambda x: TABLE["f"](x > 0),
    "a table of tables": lambda x: NESTED["f"][0](x > 0),
    "getattr": OWNER.by_getattr,
    "an object": OWNER,
    "a partial": functools.partial(lambda so, x: so(x > 0), functools.partial(pick)),
    "an object made there": lambda x: Owner(x > 0).get(),
    "a name for True": lambda x: 1.0 if (x > 0) is TRUTH else 2.0,
    "operator": lambda x: 1.0 if operator.is_(x > 0, True) else 2.0,
    "operator, not": lambda x: 1.0 if operator.is_not(x > 0, True) else 2.0,
    "isinstance": lambda x: 1.0 if isinstance(x > 0, bool) else 2.0,
    "isinstance of int": lambda x: 1.0 if isinstance(x > 0, int) else 2.0,
    "isinstance of some": lambda x: 1.0 if isinstance(x > 0, KINDS) else 2.0,
    "type, is": lambda x: 1.0 if type(x > 0) is bool else 2.0,
    "type, equal": lambda x: 1.0 if type(x > 0) == bool else 2.0,  # noqa: E721
    "type by a name": lambda x: 1.0 if type(x > 0) == KIND else 2.0,  # noqa: E721
    "type, its name": lambda x: 1.0 if type(x > 0).__name__ == "bool" else 2.0,
    "type, as another": lambda x: 1.0 if of_one_type(x > 0, TRUTH) else 2.0,
    "types in a set": lambda x: 1.0 * len({type(c) for c in (x > 0, True)}),
    "a class": lambda x: 1.0 if (x > 0).__class__ is bool else 2.0,
    "a dispatch": lambda x: by_class(x > 0),
    "a pattern": matched,
    "a truth": lambda x: 1.0 if Truthful(x) else 2.0,
    "a truth that may be caught": lambda x: 1.0 if caught(Truthful(x)) else 2.0,
    "a count": lambda x: 1.0 * [2, 3][Counted(x)],
}


@pytest.mark.parametrize("name", REACHED)
def test_reached_and_asked_it_is_a_bool(name: str) -> None:
    f = REACHED[name]
    compiled, mapped = compile_(f), vmap(f)
    for x in (1.0, -1.0):
        assert compiled(x) == f(x)
        assert mapped([x]).tolist() == [f(x)]


def wrapped(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(f)
    def call(x: Any) -> Any:
        return f(x)

    return call


def test_functions_that_share_code_have_answers_of_their_own() -> None:
    def made(use: Any) -> Callable[[Any], Any]:
        return lambda x: where(use(x > 0), 1.0, 2.0)

    quiet, asking = made(plain), made(lambda c: is_so(c))
    assert compile_(quiet)(1.0) == 1.0
    assert [compile_(asking)(x) for x in (1.0, -1.0)] == [1.0, 2.0]
    wrapped_quiet, wrapped_asking = wrapped(lambda x: x > 0), wrapped(lambda x: pick(x > 0))
    assert compile_(wrapped_quiet)(1.0) is True
    assert [compile_(wrapped_asking)(x) for x in (1.0, -1.0)] == [1.0, 2.0]


def test_a_global_that_was_redefined_is_asked_anew() -> None:
    space = module("space", "def h(c):\n    return c * 1.0\ndef f(x):\n    return h(x > 0)\n")
    assert compile_(space.f)(1.0) == 1.0
    exec("def h(c):\n    return 5.0 if c is True else 6.0\n", space.__dict__)
    assert [compile_(space.f)(x) for x in (1.0, -1.0)] == [5.0, 6.0]


def test_what_does_not_ask_keeps_its_conditions() -> None:
    text = """
import dataclasses
from pygrad import math, where
@dataclasses.dataclass(frozen=True, order=True)
class Record:
    a: float
    def total(self, x):
        return where(x > 0, x, self.a)
def unreached(c):
    return c is True
def f(x):
    return Record(2.0).total(math.sin(x)) if x is not None else x
"""
    space = module("space_of_records", text)
    assert not why_bools(space.f)
    assert not why_bools(autograph(lift(space.f)))
    exec("def total(c):\n    return c is True\n", space.__dict__)
    assert why_bools(space.f)  # of a name that it uses


@pytest.mark.parametrize("factory", ["list", "lambda: [print]", "asking"])
def test_defaults_that_records_make_ask_what_their_factories_do(factory: str) -> None:
    text = f"""
import dataclasses
def asking(c=False):
    return [c is True]
@dataclasses.dataclass
class Elsewhere:
    a: float
    loads: list = dataclasses.field(default_factory={factory})
def f(x):
    return 1.0 if x > 0 else 2.0
"""
    assert bool(why_bools(module("space_of_defaults", text).f)) == (factory == "asking")


CLASSES = """
class Flag:
    def __init__(self, on):
        self.on = on
    def __bool__(self):
        return self.on
    def __int__(self):
        return 1
    __index__ = __int__
class Option:
    type = "call"
def is_flag(x):
    return isinstance(x, bool) or (issubclass(x.__class__, int) and Option.type == "put")
def newton(x):
    y = x
    for _ in range(20):
        if y * y - x > 1e-9:
            y = 0.5 * (y + x / y)
    return y * (1.0 if is_flag(3) else 2.0)
"""


def test_classes_with_a_truth_and_questions_of_classes_leave_conditions_what_they_are() -> None:
    f = autograph(module("classes_with_truths", CLASSES).newton)
    x = np.array([2.0, 9.0, 100.0])
    roots = compile_(vmap(f))
    assert roots(x) == pytest.approx(2.0 * np.sqrt(x), rel=1e-9)
    assert len(roots.programs) == 1
    assert not why_bools(f)


@pytest.mark.parametrize(
    ("returns", "is_bool"),
    [
        *[("True", True), ("not self.on", True), ("bool(self.on or self)", True)],
        *[("bool(self.pick(3, so=self)) and len(self.on)", True), ("self.on in self", True)],
        *[("self.on", False), ("self.on > 0", False), ("self.pick(bool)", False)],
    ],
)
def test_a_method_that_gives_no_condition_leaves_them_among_handlers(
    returns: str, is_bool: bool
) -> None:
    text = f"""
class Flag:
    on = True
    def __bool__(self):
        return {returns}
def f(x):
    try:
        return 1.0 if Flag() else x
    except TypeError:
        return x
"""
    why = why_bools(module("flags", text).f)
    assert bool(why) != is_bool
    assert is_bool or "Flag.__bool__() at flags:4" in why or "__bool__() at flags:4" in why


def test_a_stored_truth_that_python_does_not_take_makes_its_callers_trace_one_of_bools() -> None:
    text = CLASSES + "def f(x):\n    return x if Flag(x > 1.0) else -x\n"
    f = module("stored", text).f
    for g in (vmap(f), compile_(vmap(f))):
        assert g(np.array([2.0, 0.5])).tolist() == [2.0, -0.5]
    with pytest.warns(
        RuntimeWarning, match=r"since f\(\) at stored:\d+ asks for __bool__.*return bool"
    ):
        assert vmap(autograph(f))(np.array([2.0, 0.5])).tolist() == [2.0, -0.5]
    assert "f() at " in why_bools(f)  # it is known from then on


def test_where_loops_stay_python_for_bools_the_user_is_told_of_the_line() -> None:
    text = CLASSES + "def plain(c):\n    return c is True\n"
    space = module("who_asks", text.replace("is_flag(3)", "plain(3)"))
    f = autograph(space.newton)
    with pytest.warns(
        RuntimeWarning, match=r"decided at once.*since plain\(\) at .*:\d+ compares by"
    ):
        vmap(f)(np.array([2.0, 9.0]))
    with pytest.warns(
        RuntimeWarning, match=r"different paths.*since plain\(\) at .*:\d+ compares by"
    ):
        vmap(lambda x: sum(space.newton(x + k) for k in range(12)))(np.geomspace(1e-3, 1e9, 400))


def test_a_loop_that_cannot_be_traced_for_bools_names_their_cause() -> None:
    text = """
from pygrad import fori_loop, cond
def kind(x):
    return type(x) is bool
def f(x):
    body = lambda i, s: cond(s > x, lambda s: 0.5 * s, lambda s: s + 1.0, s)
    return fori_loop(0, 10, body, x) + kind(x)
"""
    with pytest.raises(TraceError, match=r"since kind\(\) at loop_of_bools:3 asks for type"):
        vmap(module("loop_of_bools", text).f)(np.array([1.0, 2.0]))
    text = text.replace("type(x) is bool", "isinstance(x, bool)")
    f = module("loop_of_ops", text).f
    assert vmap(f)(np.array([1.0, 2.0])).tolist() == [f(1.0), f(2.0)]


def test_a_condition_says_that_it_is_a_bool() -> None:
    def asked(x: Any) -> Any:
        c = x > 0
        assert isinstance(c, bool) and isinstance(c, int) and c.__class__ is bool
        assert isinstance(c, numbers.Real) and not isinstance(c, float)
        return where(c, 1.0, 2.0) + len({c, True})

    assert vmap(asked)(np.array([1.0, -1.0])).tolist() == [2.0, 4.0]


# More names and constants than one byte counts, so that instructions have prefixes.
SPACE = """
import enum, os
class Kind(enum.Enum):
    A, B = 1, 2
    so = True
Kind.A.so = True
class Owner:
    A = True
MISSING, YES = object(), True
"""
MANY = "    y = " + " + ".join(f"names.n{i}" for i in range(300)) + "\n"
MANY += "    y = (" + ", ".join(f"y + {i}.5" for i in range(300)) + ")\n"


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        ("return c is None", False),
        ("return c is not None", False),
        ("so = [c is None, None is c]\n    return so", True),
        ("return [c is None, c is d]", True),
        ("return c is (d if d else None)", True),
        ("return c is MISSING or c is Kind.A or c is not NotImplemented", False),
        ("return c is os.sep or c is ...", False),
        ("return c is YES", True),
        ("return c is Kind.B.so", True),
        ("return c is Kind.NONE", True),
        ("return c is (MISSING if d else YES)", True),
        ("return c is (Kind if d else Owner).A", True),
        ("return c is nowhere", True),
        ("Kind = d\n    return c is Kind.A", True),
        ("return [c is None] if d else [c is not None]", False),
    ],
)
def test_is_asks_unless_it_is_none(body: str, asks: bool) -> None:
    for before in ("", MANY):
        space = module("space_of_is", f"{SPACE}def f(c, d, names=None):\n{before}    {body}\n")
        assert bool(why_bools(space.f)) is asks


def test_imports_are_looked_into() -> None:
    for before in ("", MANY):
        text = f"def f(c, names=None):\n{before}    import other\n    return other.h(c)\n"
        assert why_bools(module("space_of_imports", text).f)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Functions that were searched, each time that they were."""
    found: list[Any] = []
    search = identity.Search.asks

    def asks(self: Any, f: Any) -> bool:
        if type(self) is identity.Search:
            found.append(f)
        return search(self, f)

    monkeypatch.setattr(identity.Search, "asks", asks)
    return found


def test_what_compares_nothing_is_not_searched(searches: list[Any]) -> None:
    f: Any = lambda x: math.sin(x) * x  # noqa: E731
    assert vmap(f)(np.array([0.5, 2.0]))[1] == pytest.approx(f(2.0))
    compile_(f)(0.5)
    assert not searches


def test_a_map_is_searched_once_for_all_its_paths(searches: list[Any]) -> None:
    def f(x: Any) -> Any:
        return x * float(str(2.0)) if x > 1.0 else x * 3.0 if x > 0.0 else -x

    assert vmap(f)(np.array([2.0, 0.5, -1.0])).tolist() == [4.0, 1.5, 1.0]
    assert searches == [f]  # it has no reach: see reach.py
    vmap(f)(np.array([2.0, 0.5, -1.0]))
    assert searches == [f, f]  # it may have changed


def test_a_path_asks_though_the_first_one_compared_nothing_of_the_kind(searches: list[Any]) -> None:
    def f(x: Any) -> Any:
        if x > 1.0:
            return x
        return x * pick(x > 0.0)

    for g in (vmap(f), compile_(vmap(f))):
        assert g(np.array([2.0, 0.5, -1.0])).tolist() == [2.0, 0.5, -2.0]


def test_a_helper_that_asks_by_the_next_call_is_met(searches: list[Any]) -> None:
    space = module(
        "helpers_that_change", "def g(c):\n    return 2.0\ndef f(x):\n    return x * g(x > 0)\n"
    )
    f: Any = vmap(vars(space)["f"])
    assert f(np.array([2.0, -1.0])).tolist() == [4.0, -2.0]
    exec("def g(c):\n    return 1.0 if c is True else 3.0\n", vars(space))
    assert f(np.array([2.0, -1.0])).tolist() == [2.0, -3.0]


def test_an_error_of_the_search_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, f: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(identity.Search, "asks", fail)
        with pytest.raises(KeyboardInterrupt):
            compile_(lambda x: x if x > 0 else -x)(1.0)
    assert compile_(lambda x: x if x > 0 else -x)(-1.0) == 1.0


def test_a_condition_is_a_value_in_a_trace():
    """As docs/branches.md has it: a difference from eager code that is known."""
    space = {"Value": Value}
    exec("def f(x): return 1.0 * x if isinstance(x > 0, Value) else 2.0 * x", space)
    f: Any = space["f"]
    assert (compile_(f)(3.0), f(Value(3.0)).data) == (3.0, 6.0)
