"""A map that is called again keeps its programs where nothing that its function reads can have changed."""

from __future__ import annotations

import builtins
import enum
import functools
import math
import types
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from written import in_module

import pygrad
from pygrad import Value, compile, debug_nans, grad, hessian, no_grad, value_and_grad, vmap
from pygrad import math as pm
from pygrad.programs import rows_program
from pygrad.programs.reach import reach_of

X = np.array([0.5, 1.5, -2.0])


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What grows by one at each trace of a path."""
    found: list[int] = []

    def counted(*args: Any) -> Any:
        found.append(1)
        return trace(*args)

    trace = rows_program.trace
    monkeypatch.setattr(rows_program, "trace", counted)
    return found


def calls(mapped: Any, *args: Any, times: int = 4) -> Any:
    """The result of several calls, which are the same."""
    results = [mapped(*args) for _ in range(times)]
    first = np.asarray(results[0])
    assert all(np.array_equal(first, np.asarray(r), equal_nan=True) for r in results)
    return results[0]


# -- what is kept ----------------------------------------------------------------------------------


def horner(x: Any, coefficients: Any = (1.0, 2.0, 3.0)) -> Any:
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total


def squared(x: Any) -> Any:
    return horner(x) * horner(x)


TABLE = [0.25, 0.5]
NAMED = {"a": 2.0}


class Settings:
    k = 2.0

    def __init__(self) -> None:
        self.own = 2.0

    def scaled(self, x: Any) -> Any:
        return self.own * x

    @property
    def both(self) -> float:
        return self.k * self.own


class Slot:
    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 2.0


class Weird:
    def __getattr__(self, name: str) -> float:
        return 2.0


class Units(enum.Enum):
    SI = 1
    IP = 2


class Working(enum.Enum):
    """Members that do what their class says."""

    ONE = 1

    def __call__(self, x: Any) -> Any:
        return x * TABLE[0]

    def __mul__(self, x: Any) -> Any:
        return x * TABLE[0]

    def __getitem__(self, i: int) -> float:
        return TABLE[i]

    def __len__(self) -> int:
        return len(TABLE)

    def __lt__(self, other: Any) -> bool:
        return TABLE[0] < 0.0


OF, SLOT, WEIRD, SPACE, UNITS = Settings(), Slot(), Weird(), SimpleNamespace(rate=2.0), Units.SI

KEPT: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda x: x * x + 1.0,
    "functions": squared,
    "branches": lambda x: x * 2.0 if x > 1.0 else -x,
    "pygrad.math": lambda x: pm.sin(x) * pm.where(x > 0.0, x, 2.0),
    "builtins": lambda x: max(x, 0.0) + sum([x, abs(x)]),
    "tables": lambda x: x * TABLE[0] + NAMED["a"],
    "comprehensions": lambda x: sum([c * x for c in TABLE]),
    "a function within": lambda x: list(map(lambda y: x * y, TABLE))[0],  # noqa: C417, RUF015
    "settings": lambda x: x * OF.own * Settings.k + SPACE.rate,
    "slots": lambda x: x * SLOT.a,
    "members": lambda x: x * 2.0 if UNITS == Units.SI else x,
    "methods": lambda x: x.tanh(),
    "gradients": grad(lambda x: x**3),
    "hessians": hessian(lambda x: x**3),
    "both": value_and_grad(squared),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_traced_no_more(name: str, traces: list[int]) -> None:
    mapped = vmap(KEPT[name])
    first = mapped(X)
    before = len(traces)
    second = mapped(X)
    assert len(traces) >= before
    before = len(traces)
    for result in (second, mapped(X), mapped(X)):
        assert np.array_equal(np.asarray(result), np.asarray(first))
    assert len(traces) == before


def test_rows_in_other_numbers_and_other_paths(traces: list[int]) -> None:
    mapped = vmap(KEPT["branches"])
    calls(mapped, np.full(3, 2.0))
    before = len(traces)
    assert mapped(X).tolist() == [-0.5, 3.0, 2.0]
    assert mapped(np.full(5, 2.0)).tolist() == [4.0] * 5
    assert len(traces) == before + 1


def test_a_gradient_of_a_reduced_map(traces: list[int]) -> None:
    of = value_and_grad(vmap(lambda w, x: (w * x - 1.0) ** 2, in_axes=(None, 0), reduce="mean"))
    found = [of(2.0, X) for _ in range(4)]
    assert found == found[:1] * 4
    before = len(traces)
    of(3.0, X)
    assert len(traces) == before


def test_results_go_into_memory_that_is_given() -> None:
    mapped, out = vmap(KEPT["arithmetic"]), np.empty((3, 1))
    for _ in range(4):
        out[:] = 0.0
        assert mapped(X, out=out) is out
        assert out.ravel().tolist() == [1.25, 3.25, 5.0]


# -- what changes ----------------------------------------------------------------------------------


def changed(f: Callable[..., Any], change: Callable[[], None], after: Callable[..., Any]) -> None:
    """Calls a map until its programs are kept, or would be; then after a change."""
    mapped = vmap(f)
    calls(mapped, X)
    change()
    expected = [after(x) for x in X.tolist()]
    assert calls(mapped, X).tolist() == pytest.approx(expected, rel=1e-14)


def test_a_cell_changes() -> None:
    rate = 2.0

    def change() -> None:
        nonlocal rate
        rate = 3.0

    changed(lambda x: rate * x, change, lambda x: 3.0 * x)


def test_a_global_changes() -> None:
    module = in_module("def g(x): return k * x\ndef f(x): return g(x) + 1.0", k=2.0)
    changed(module["f"], lambda: module.update(k=3.0), lambda x: 3.0 * x + 1.0)
    changed(module["f"], lambda: module.update(k=3), lambda x: 3.0 * x + 1.0)
    changed(module["f"], lambda: module.update(g=lambda x: -x), lambda x: 1.0 - x)


def test_a_global_comes_before_a_builtin() -> None:
    module = in_module("def f(x): return abs(x)")
    changed(module["f"], lambda: module.update(abs=lambda x: 5.0 * x), lambda x: 5.0 * x)


def test_a_builtin_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> None:
        monkeypatch.setattr(builtins, "max", lambda a, b: a + b)

    changed(lambda x: max(x, 1.0), change, lambda x: x + 1.0)


def test_an_attribute_of_a_module_changes() -> None:
    module = types.ModuleType("settings")
    vars(module).update(k=2.0, math=types.ModuleType("inner"))
    vars(module.math).update(scale=lambda x: 2.0 * x)
    changed(
        lambda x: module.k * module.math.scale(x),
        lambda: setattr(module.math, "scale", lambda x: x + 1.0),
        lambda x: 2.0 * (x + 1.0),
    )
    changed(lambda x: module.k * x, lambda: setattr(module, "k", 7.0), lambda x: 7.0 * x)


def test_a_function_of_pygrad_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        lambda x: pm.exp(x),
        lambda: monkeypatch.setattr(pm, "exp", lambda x: x),
        lambda x: x,
    )


def test_defaults_change() -> None:
    def f(x: Any, k: float = 2.0, *, more: float = 1.0) -> Any:
        return k * x + more

    changed(lambda x: f(x), lambda: setattr(f, "__defaults__", (4.0,)), lambda x: 4.0 * x + 1.0)
    f.__kwdefaults__["more"] = 1.0
    changed(f, lambda: f.__kwdefaults__.update(more=2.0), lambda x: 4.0 * x + 2.0)
    changed(f, lambda: setattr(f, "__kwdefaults__", {"more": 3.0}), lambda x: 4.0 * x + 3.0)


def test_a_default_is_a_list_that_changes() -> None:
    def f(x: Any, table: list[Any] = [1.0, [2.0]]) -> Any:  # noqa: B006
        return table[0] * x + table[1][0]

    table = f.__defaults__[0]  # type: ignore[index]
    changed(f, lambda: table.__setitem__(0, -0.0), lambda x: -0.0 * x + 2.0)
    changed(f, lambda: table[1].__setitem__(0, 5.0), lambda x: -0.0 * x + 5.0)
    changed(f, lambda: table[1].insert(0, 6.0), lambda x: -0.0 * x + 6.0)


def test_the_code_of_a_function_changes() -> None:
    def g(x: Any) -> Any:
        return x

    changed(
        lambda x: g(x),
        lambda: setattr(g, "__code__", (lambda x: 9.0 * x).__code__),
        lambda x: 9.0 * x,
    )


def test_contents_change() -> None:
    items, named, array = [1.0, 2.0], {"a": 1.0, "b": (1.0, [3.0])}, np.array([1.0, 2.0])
    nested: Any = named["b"]
    changed(lambda x: items[1] * x, lambda: items.__setitem__(1, 4.0), lambda x: 4.0 * x)
    changed(lambda x: len(items) * x, lambda: items.append(4.0), lambda x: 3.0 * x)
    changed(lambda x: named["a"] * x, lambda: named.update(a=4.0), lambda x: 4.0 * x)
    changed(lambda x: len(named) * x, lambda: named.update(c=4.0), lambda x: 3.0 * x)
    changed(
        lambda x: named["b"][1][0] * x,
        lambda: nested[1].reverse() or nested[1].insert(0, 8.0),
        lambda x: 8.0 * x,
    )
    changed(lambda x: array[1] * x, lambda: array.__setitem__(1, 4.0), lambda x: 4.0 * x)

    view, at = array[:1], 0.0
    changed(lambda x: x + view[0], lambda: array.__setitem__(0, 9.0), lambda x: x + 9.0 + at)


def test_names_of_a_dict_change_in_order() -> None:
    named = {"a": 1.0, "b": 1.0}

    def turn() -> None:
        named["a"] = named.pop("a")

    changed(lambda x: x * 2.0 if next(iter(named)) == "a" else x, turn, lambda x: x)


def test_attributes_of_objects_and_classes_change(monkeypatch: pytest.MonkeyPatch) -> None:
    of = Settings()
    changed(lambda x: of.own * x, lambda: setattr(of, "own", 3.0), lambda x: 3.0 * x)
    changed(lambda x: of.scaled(x), lambda: setattr(of, "own", 4.0), lambda x: 4.0 * x)
    changed(of.scaled, lambda: setattr(of, "own", 5.0), lambda x: 5.0 * x)
    changed(
        lambda x: of.both * x, lambda: monkeypatch.setattr(Settings, "k", 1.0), lambda x: 5.0 * x
    )
    changed(lambda x: Settings.k * x, lambda: setattr(Settings, "k", 6.0), lambda x: 6.0 * x)
    partial = functools.partial(lambda k, x, *, more: k * x + more, 2.0, more=1.0)
    changed(partial, lambda: partial.keywords.update(more=2.0), lambda x: 2.0 * x + 2.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: Working.ONE(x),
        lambda x: Working.ONE * x,
        lambda x: Working.ONE[0] * x,
        lambda x: x * TABLE[0] if Working.ONE else x,
        lambda x: x * (len(Working.ONE) - 2) if Working.ONE else x,
        lambda x: -x if Working.ONE < Working.ONE else x,
    ],
)
def test_members_that_do_what_their_class_says(f: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach_of(f) is None
    mapped = vmap(f)
    calls(mapped, X)
    monkeypatch.setattr(f"{__name__}.TABLE", [-1.0])
    assert calls(mapped, X).tolist() == (-X).tolist()


def test_a_length_is_given_to_members(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        lambda x: 2.0 * x if UNITS else x,
        lambda: monkeypatch.setattr(Units, "__len__", lambda a: 0, raising=False),
        lambda x: x,
    )


def test_a_class_that_says_that_it_is_a_builtin() -> None:
    names: dict[str, Any] = {"k": 2.0}
    exec("class E(ValueError):\n def __iter__(self): return iter([k])", names)
    exec("def f(x): return x * next(iter(E()))", names)
    assert names["E"].__module__ == "builtins"
    changed(names["f"], lambda: names.update(k=3.0), lambda x: 3.0 * x)


def test_what_an_object_has_changes_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    of, slot, space = Settings(), Slot(), SimpleNamespace(rate=2.0)
    f = lambda x: of.own * x  # noqa: E731
    changed(f, lambda: vars(of).update(own=3.0), lambda x: 3.0 * x)
    changed(lambda x: of.k * x, lambda: setattr(of, "k", 7.0), lambda x: 7.0 * x)
    changed(lambda x: slot.a * x, lambda: setattr(slot, "a", 7.0), lambda x: 7.0 * x)
    changed(lambda x: space.rate * x, lambda: setattr(space, "rate", 7.0), lambda x: 7.0 * x)
    kind = type("Own", (Settings,), {"own": property(lambda self: 9.0)})
    changed(f, lambda: setattr(of, "__class__", kind), lambda x: 9.0 * x)

    module = in_module(
        "def f(x): return 2.0 * x if units == SI else x", units=Units.SI, SI=Units.SI
    )
    changed(module["f"], lambda: module.update(units=Units.IP), lambda x: x)
    changed(module["f"], lambda: module.update(units=Units.SI), lambda x: 2.0 * x)
    changed(
        module["f"],
        lambda: monkeypatch.setattr(Units, "__eq__", lambda a, b: False, raising=False),
        lambda x: x,
    )
    monkeypatch.undo()
    changed(
        lambda x: 2.0 * x if UNITS else x,
        lambda: monkeypatch.setattr(Units, "__bool__", lambda a: False, raising=False),
        lambda x: x,
    )


def test_attributes_of_functions_and_members_by_other_names() -> None:
    def g(x: Any) -> Any:
        return x

    def f(x: Any) -> Any:
        h = g
        return h.count * x  # type: ignore[attr-defined]

    class Sizes(enum.Enum):
        SMALL = 1

    vars(g)["count"] = vars(Sizes.SMALL)["size"] = 2.0
    changed(f, lambda: vars(g).update(count=3.0), lambda x: 3.0 * x)
    changed(lambda x: g.count * x, lambda: vars(g).update(count=4.0), lambda x: 4.0 * x)  # type: ignore[attr-defined]

    def of_member(x: Any) -> Any:
        size = Sizes.SMALL
        return size.size * x  # type: ignore[attr-defined]

    changed(of_member, lambda: vars(Sizes.SMALL).update(size=3.0), lambda x: 3.0 * x)


def test_a_module_gets_another_class() -> None:
    module = types.ModuleType("settings")
    vars(module).update(k=2.0)
    kind = type("Own", (types.ModuleType,), {"k": property(lambda self: 9.0, lambda self, k: None)})
    changed(lambda x: module.k * x, lambda: setattr(module, "__class__", kind), lambda x: 9.0 * x)


def test_what_values_do_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        lambda x: x.tanh(),
        lambda: monkeypatch.setattr(Value, "tanh", lambda v: v + 1.0),
        lambda x: x + 1.0,
    )
    changed(
        lambda x: x * x,
        lambda: monkeypatch.setattr(Value, "__mul__", lambda a, b: a + b),
        lambda x: x + x,
    )


def added(x: Any) -> Any:
    y = x * 1.0
    y += 1.0
    return y


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("__floordiv__", lambda x: x // 0.5),
        ("__rfloordiv__", lambda x: 2.0 // x),
        ("__mod__", lambda x: x % 0.5),
        ("__rmod__", lambda x: 2.0 % x),
        ("__divmod__", lambda x: divmod(x, 0.5)),
        ("__rdivmod__", lambda x: divmod(2.0, x)),
        ("__pos__", lambda x: +x),
        ("__iadd__", added),
    ],
)
def test_an_operator_that_few_have_is_replaced(
    name: str, f: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = vmap(f)
    calls(mapped, X)
    monkeypatch.setattr(Value, name, lambda v, *other: v * 100.0, raising=False)
    assert calls(mapped, X).tolist() == [100.0 * x for x in X.tolist()]


def test_a_result_is_what_the_paths_of_this_call_give() -> None:
    """The paths of earlier calls may give something else."""
    ones = np.ones(2)
    for f in (
        lambda x: [x, x] if x > 0.0 else x,
        lambda x: x > 0.5 if x > 0.0 else 1.0,
        lambda x: 1.0 if x > 0.0 else x > -2.0,
    ):
        for first, mapped in ((ones, vmap(f)), (-ones, vmap(f)), (ones, compile(vmap(f)))):
            calls(mapped, first)
            found, expected = mapped(-first), vmap(f)(-first)
            assert np.array_equal(found, expected)
            assert np.asarray(found).dtype == np.asarray(expected).dtype
    mapped = vmap(lambda x: (x, x) if x > 0.0 else x, reduce="sum")
    calls(mapped, ones)
    assert mapped(-ones) == -2.0
    with pytest.raises(TypeError, match="for one row"):
        mapped(np.array([1.0, -1.0]))


def test_within_a_trace_nothing_is_forgotten(traces: list[int]) -> None:
    mapped = vmap(lambda x: x * TABLE[0])
    calls(mapped, X)
    assert compile(lambda x: mapped([x, x])[1])(2.0) == 0.5
    before = len(traces)
    mapped(X)
    assert len(traces) == before


def test_watched_by_debug_nans() -> None:
    mapped = vmap(lambda x: x * 2.0, errors="ignore")
    calls(mapped, X)
    with debug_nans():
        assert mapped(X).tolist() == [1.0, 3.0, -4.0]

    logarithm = vmap(lambda x: pm.log(x), errors="ignore")
    calls(logarithm, np.ones(2))
    for _ in range(3):
        with debug_nans(), pytest.raises(FloatingPointError, match="'log' is -inf"):
            logarithm(np.zeros(2))
        assert logarithm(np.zeros(2)).tolist() == [-math.inf] * 2


def test_data_of_a_value_changes() -> None:
    w = Value(2.0)
    changed(lambda x: w * x, lambda: setattr(w, "data", 3.0), lambda x: 3.0 * x)
    ws = [w]
    changed(lambda x: ws[0] * x, lambda: setattr(w, "data", 4.0), lambda x: 4.0 * x)


def test_what_stands_somewhere_else() -> None:
    box: Any = {"k": 2.0}
    changed(lambda x: eval("k", box) * x, lambda: box.update(k=3.0), lambda x: 3.0 * x)
    changed(lambda x: globals()["BOX"] * x, lambda: globals().update(BOX=3.0), lambda x: 3.0 * x)
    changed(
        lambda x: getattr(Settings, "other", 1.0) * x,
        lambda: setattr(Settings, "other", 3.0),
        lambda x: 3.0 * x,
    )
    items = iter([1.0] * 12 + [9.0] * 99)
    mapped = vmap(lambda x: x * next(items))
    assert [mapped(X[:1])[0] for _ in range(13)] == [0.5] * 12 + [4.5]


BOX = 2.0


def test_what_a_function_does_beside_its_result() -> None:
    seen: list[float] = []
    count = 0

    def appends(x: Any) -> Any:
        seen.append(1.0)
        return x * len(seen)

    def counts(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * count

    for mapped in (vmap(appends), vmap(counts)):
        assert [mapped(X[:1])[0] for _ in range(6)] == [0.5 * i for i in range(1, 7)]

    def assigns(x: Any) -> Any:
        global BOX  # noqa: PLW0603
        BOX += 1.0
        return x * BOX

    start = BOX
    mapped = vmap(assigns)
    assert [mapped(np.ones(1))[0] for _ in range(6)] == [start + i for i in range(1, 7)]


def test_a_function_that_changes_its_table_and_back(traces: list[int]) -> None:
    table = [1.0]

    def f(x: Any) -> Any:
        table.append(2.0)
        return x * table[0] + table.pop()

    changed(f, lambda: table.__setitem__(0, 3.0), lambda x: 3.0 * x + 2.0)


def test_rows_with_a_path_that_comes_after_a_change() -> None:
    rates = [2.0]
    mapped = vmap(lambda x: rates[0] * x if x > 0.0 else -rates[0] * x)
    calls(mapped, np.ones(2))
    rates[0] = 5.0
    assert mapped(np.array([1.0, -1.0])).tolist() == [5.0, 5.0]


def test_errors_come_at_each_call() -> None:
    def f(x: Any) -> Any:
        if x < 0.0:
            raise ValueError("below 0")
        return x

    mapped = vmap(f)
    for _ in range(4):
        assert mapped(np.ones(2)).tolist() == [1.0, 1.0]
        with pytest.raises(ValueError, match="below 0"):
            mapped(-np.ones(2))
        with pytest.raises(TypeError):
            mapped("no rows")


def test_reports_come_at_each_call() -> None:
    mapped = vmap(lambda x: 1.0 / x)
    for _ in range(4):
        with pytest.warns(RuntimeWarning, match="nan or inf"):
            assert mapped(np.zeros(2)).tolist() == [math.inf] * 2


def test_within_transforms_and_with_values() -> None:
    mapped = vmap(lambda x: x * x)
    calls(mapped, X)
    assert grad(lambda w: mapped([w, 2.0])[0])(3.0) == 6.0
    assert [v.data for v in mapped([Value(2.0), Value(3.0)])] == [4.0, 9.0]
    assert grad(lambda w: w * float(mapped(X)[0]))(3.0) == 0.25
    with no_grad():
        assert mapped(X).tolist() == [0.25, 2.25, 4.0]
    inner = vmap(lambda x: vmap(lambda y: y * y)(x))
    assert calls(inner, np.ones((2, 2))).tolist() == [[1.0, 1.0]] * 2


def test_ints_and_other_arguments() -> None:
    mapped = vmap(lambda x, n: x * n, in_axes=(0, None))
    for _ in range(4):
        assert mapped(X, 2).tolist() == [1.0, 3.0, -4.0]
        assert mapped(X, 2.0).tolist() == [1.0, 3.0, -4.0]
        assert mapped(X, True).tolist() == X.tolist()
        assert mapped([1, 2, 3], 2.0).tolist() == [2.0, 4.0, 6.0]


def test_a_map_does_not_keep_what_it_has_read() -> None:
    import gc
    import weakref

    def make() -> tuple[Any, Any]:
        def recursive(x: Any, n: int = 2) -> Any:
            return x if n == 0 else x * recursive(x, n - 1)

        mapped = vmap(recursive)
        calls(mapped, X)
        return weakref.ref(mapped), weakref.ref(recursive)

    refs = make()
    gc.collect()
    assert [r() for r in refs] == [None, None]


# -- what has a reach ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: print(x),
        lambda x: x.data,
        lambda x: x.__class__,
        lambda x: type(x),
        lambda x: {x},
        lambda x: Settings().own,
        lambda x: Settings.scaled(x, x),
        lambda x: OF.both,
        lambda x: OF,
        lambda x: WEIRD.a,
        lambda x: math,
        lambda x: id(x),
        lambda x: pygrad.compile(lambda y: y)(x),
        lambda x: np.random.default_rng().normal() * x,
        len.__call__,
        Settings().scaled,
        functools.partial(lambda k, x: k, 1.0),
    ],
)
def test_what_leads_anywhere(f: Any) -> None:
    assert reach_of(f) is None


def caught(x: Any) -> Any:
    try:
        return 1.0 / x
    except Exception:
        return x


def formatted(x: Any) -> Any:
    text = f"{x}"
    return x * len(text)


def formatted_as_before(x: Any) -> Any:
    return x * len(FORMAT % x)


def formatted_by_bytes(x: Any) -> Any:
    return x * len(b"%a" % x)


def formatted_by_a_name(x: Any) -> Any:
    return x * len(next(iter(FORMATS)) % x)


FORMAT, FORMATS = "%s", {"%s": 1.0}


@pytest.mark.filterwarnings("ignore:a text was made")
@pytest.mark.parametrize(
    "f", [caught, formatted, formatted_as_before, formatted_by_bytes, formatted_by_a_name]
)
def test_what_may_do_something_else_the_next_time(f: Any, traces: list[int]) -> None:
    reach = reach_of(f)
    assert reach is not None and not reach.lasts and not reach.asks
    mapped = vmap(f)
    calls(mapped, np.ones(1))
    assert len(traces) == 4


def test_a_name_that_is_not_there_yet() -> None:
    module = in_module("def f(x): return x if x > 0.0 else k * x")
    assert reach_of(module["f"]) is None
    mapped = vmap(module["f"])
    assert calls(mapped, np.ones(1)).tolist() == [1.0]
    module["k"] = 2.0
    assert mapped(-np.ones(1)).tolist() == [-2.0]


def test_who_asks_for_bools_is_known_by_the_reach() -> None:
    for f, asks in (
        (lambda x: (x > 0.0) is True, True),
        (lambda x: isinstance(x, bool), False),
        (lambda x: isinstance(x, float), False),
        (lambda x: x > 0.0, False),
    ):
        reach = reach_of(f)
        assert reach is not None
        assert bool(reach.asks) is asks
