"""What code for floats does with its types, tables and arrays, lifted, with what it gives for floats."""

from __future__ import annotations

import collections
import functools
import importlib
import math
import statistics
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, numeric, value_and_grad, vmap
from pygrad.lifting.builtin import as_double
from pygrad.lifting.quick import of_numbers
from pygrad.lifting.storing import stored

SOURCE = textwrap.dedent(
    """
    import dataclasses, functools, math, typing
    import numpy as np
    import numpy.linalg as la

    CONVERSIONS = {"real": float, "whole": int}
    KINDS = (int, float)

    def key(x): return sorted([3.0 * x, x, 2.0], key=float)[0] + min([x, 2.0 * x], key=float)
    def argument(x, conversion=float): return conversion(x) * x
    def table(x): return CONVERSIONS["real"](x) * CONVERSIONS["whole"](3.0 * x)
    def loop(x): return sum(kind(x) for kind in (float, abs))
    def alias(x):
        real = float
        return real(x) * x
    def partial(x): return functools.partial(float)(x) * x
    def kinds(x): return x * x if type(x) in KINDS and isinstance(x, KINDS) else x
    def same(x, kind=float): return x * x if type(x) is kind and kind is float else x
    def of_class(x): return x * x if x.__class__ is float else x
    def pattern(x):
        match [x, {"a": x}]:
            case [int(), _]: return 1.0
            case [float(y), {"a": float() | int() as z}]: return y * z
        return 3.0 * x

    @functools.singledispatch
    def single(x): return x
    @single.register
    def _(x: float): return x * x
    @single.register(int)
    def _(x): return -x
    class Single:
        @functools.singledispatchmethod
        def of(self, x): return x
        @of.register
        def _(self, x: float): return x * x
    def method(x): return Single().of(x)

    @functools.lru_cache(maxsize=None)
    def kept(x, n=2): return math.sin(x) ** n
    def cached(x): return kept(x) + kept(x, n=3) * x
    class Lazy:
        def __init__(self, x): self.x = x
        @functools.cached_property
        def root(self): return math.sqrt(float(self.x))
    def lazy(x): return Lazy(x).root * x

    @dataclasses.dataclass
    class Box:
        width: float = 1.0
        depth: float = dataclasses.field(default_factory=float)
        def __float__(self): return self.width
    def box(x): return float(Box(x)) * x + Box(x).depth
    def hints(x): return x * x if isinstance(x, typing.get_type_hints(Box)["width"]) else x

    exec("def executed(x): return float(x) * math.sin(x)")
    def evaluated(x): return eval("float(x) * math.sin(x)") + eval("2.0 ** v", {"v": x})
    def compiled(x):
        space = {"math": math}
        exec(compile("def f(x): return float(x) * math.sqrt(x)", "<made>", "exec"), space)
        return space["f"](x)

    def equal(x): return x * x if x == 1.0 * x and not x != x + 0.0 else x
    def whole(x): return x * x if not x.is_integer() else x
    def parts(x):
        quotient, rest = divmod(7.0 * x, 2.0)
        return quotient + rest * x
    def double(x): return np.float64(x) * x + np.float64(2.5)

    def filled(x):
        a = np.zeros(3)
        for i in range(3): a[i] = x**i
        a[1:] *= x
        a[0] += 1.0
        return a.sum()
    def in_place(x):
        a = np.ones(3)
        a *= x
        a -= 1.0
        return a.prod()
    def as_type(x): return np.array([x, 2.0]).astype(float).sum() * np.array([3.0 * x]).astype(int)[0]
    def array_of_int(x): return np.array([2.5 * x], dtype=int)[0] * x
    def reduced(x): return np.maximum.reduce([x, 0.0]) * np.add.reduce([x, 1.0])
    def squares(x): return np.square(x) + np.reciprocal(x) + np.sinc(x) + np.sinc([x, 1.0])[0]
    def vectorized(x): return float(np.vectorize(lambda v: math.sin(v), otypes=[float])(x))
    def interpolated(x):
        return np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, x]) + np.interp([9.0, x], [0.0, x], [x, 5.0])[0]
    def solved(x): return la.solve(np.array([[x, 1.0], [2.0, 5.0]]), np.array([1.0, x])).prod()
    def inverted(x): return np.linalg.inv([[0.0, x], [2.0, 5.0]])[0, 0]
    def determinant(x): return np.linalg.det(np.array([[x, 1.0, 2.0], [2.0, 5.0, x], [1.0, x, 3.0]]))
    """
)
NAMES = [line[4:].partition("(")[0] for line in SOURCE.splitlines() if line.startswith("def ")]
NAMES = [name for name in NAMES if name not in {"_", "single", "kept"}] + ["single", "executed"]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("kinds")
    (folder / "kinds_of_floats.py").write_text(SOURCE, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    original = importlib.import_module("kinds_of_floats")
    yield original, lift("kinds_of_floats")
    sys.path.remove(str(folder))
    del sys.modules["kinds_of_floats"]


@pytest.mark.parametrize("way", ["module", "function"])
@pytest.mark.parametrize("name", NAMES)
def test_values_go_where_floats_go(modules: Any, name: str, way: str) -> None:
    original, lifted = modules
    plain = getattr(original, name)
    if way == "function" and name == "executed":
        pytest.skip("it has no source")
    f = getattr(lifted, name) if way == "module" else lift(plain)
    assert f(1.3) == plain(1.3)
    assert type(f(1.3)) is type(plain(1.3))
    value, slope = value_and_grad(f)(1.3)
    assert value == pytest.approx(float(plain(1.3)), rel=1e-13)
    expected = numeric.numerical_derivative(lambda t: float(plain(t)), 1.3, 1e-4)
    assert slope == pytest.approx(float(expected), rel=1e-6, abs=1e-8)
    assert compile(value_and_grad(f))(1.3) == pytest.approx((value, slope), rel=1e-12)
    rows = np.linspace(1.21, 1.29, 20)
    assert vmap(f)(rows) == pytest.approx([float(plain(float(x))) for x in rows], rel=1e-12)


def test_a_value_is_no_key_in_lifted_code() -> None:
    table = {1.3: 2.0}

    @lift
    def f(x: Any) -> Any:
        return table.get(x, 5.0) * x

    @lift
    def remembered(x: Any, kept: dict[Any, Any] = {}) -> Any:  # noqa: B006  as people have it
        if x not in kept:
            kept[x] = x * x
        return kept[x]

    assert f(1.3) == 2.6
    assert remembered(2.0) == 4.0
    for function in (f, remembered, compile(f), grad(remembered)):
        with pytest.raises(TypeError, match="a Value cannot be a key in lifted code"):
            function(Value(2.0)) if function in (f, remembered) else function(2.0)
    v = Value(1.0)
    assert {v: 1}[v] == 1
    assert v != Value(1.0)


def test_a_counter_in_lifted_code_has_no_values_as_keys() -> None:
    """It is Python code, by which alone a Value's hash is asked for."""

    @lift
    def added(x: Any) -> Any:
        counter = collections.Counter([2.0])
        counter.update([x, 3.0])
        return counter[2.0] * x

    functions = [
        lift(lambda x: len(collections.Counter([x, 2.0, x * 1.0])) * x),
        added,
        lift(lambda x: collections.UserDict({2.0: 3.0})[x] * x),
        lift(lambda x: collections.ChainMap({2.0: 3.0})[x] * x),
    ]
    assert [f(2.0) for f in functions] == [2.0, 4.0, 6.0, 6.0]
    for f in functions:
        for function, x in ((grad(f), 2.0), (compile(f), 2.0), (vmap(f), [2.0]), (f, Value(2.0))):
            with pytest.raises(TypeError, match="a Value cannot be a key in lifted code"):
                function(x)
    v = Value(1.0)
    assert collections.Counter([v, v, Value(1.0)])[v] == 2


@pytest.mark.parametrize("name", ["mode", "multimode"])
def test_the_number_that_is_there_most_often(name: str) -> None:
    def f(x: Any) -> Any:
        found = getattr(statistics, name)([1.0, x * x, 3.0, x * 2.0, 3.0, x + 2.0])
        return found[0] * len(found) if name == "multimode" else found

    for x in (2.0, 3.0):
        assert lift(f)(x) == value_and_grad(lift(f))(x)[0] == compile(lift(f))(x) == f(x)
        assert vmap(lift(f))([x, 0.3]).tolist() == [f(x), f(0.3)]
    assert (grad(lift(f))(2.0), grad(lift(f))(0.3)) == (4.0, 0.0)


def test_a_cache_keeps_no_value_and_gives_no_number_for_one(modules: Any) -> None:
    _, lifted = modules
    assert lifted.kept(0.7) == math.sin(0.7) ** 2
    assert grad(lifted.kept)(0.7) == pytest.approx(math.sin(1.4))
    assert lifted.kept(0.7) == lifted.kept(0.7) == math.sin(0.7) ** 2
    assert lifted.kept.cache_info().hits >= 2
    lifted.kept.cache_clear()
    assert lifted.kept.cache_info().currsize == 0


@pytest.mark.parametrize("way", ["second name", "argument", "view", "list"])
def test_a_value_in_an_array_that_others_have_is_an_error(way: str) -> None:
    others: list[Any] = []

    def fill(a: Any, x: Any) -> None:
        a[0] = x

    @lift
    def f(x: Any) -> Any:
        a = np.zeros(3)
        if way == "second name":
            b = a
            a[0] = x
            return b.sum()
        if way == "argument":
            fill(a, x)
        elif way == "view":
            row = a[:2]
            row[0] = x
        else:
            others.append(a)
            a[0] = x
        return a.sum()

    assert f(2.0) == 2.0
    with pytest.raises(TypeError, match="in use elsewhere"):
        grad(f)(2.0)


def test_errors_of_stored_items_are_the_plain_ones() -> None:
    @lift
    def f(x: Any) -> Any:
        a = np.zeros(2)
        a[0] = x
        return a

    for wrong in ("word", [1.0, 2.0], {}):
        with pytest.raises((TypeError, ValueError)) as of_lifted:
            f(wrong)
        with pytest.raises((TypeError, ValueError)) as of_plain:
            np.zeros(2)[0] = wrong
        assert (type(of_lifted.value), str(of_lifted.value)) == (
            type(of_plain.value),
            str(of_plain.value),
        )


def test_names_of_types_that_mean_something_else() -> None:
    def twice(x: Any) -> Any:
        return 2.0 * x

    @lift
    def f(x: Any, float: Callable[..., Any] = twice) -> Any:
        return float(x)

    assert value_and_grad(f)(3.0) == (6.0, 2.0)


def test_decorators_of_numba_leave_functions_to_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def njit(*args: Any, **options: Any) -> Any:
        def made(f: Any) -> Any:
            @functools.wraps(f)
            def call(x: float) -> float:
                if type(x) is not float:
                    raise RuntimeError("nopython")
                return float(f(x))

            return call

        return made(args[0]) if args else made

    numba = ModuleType("numba")
    vars(numba).update(njit=njit, jit=njit, prange=range)
    monkeypatch.setitem(sys.modules, "numba", numba)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
        import math
        from numba import njit, prange
        @njit(cache=True)
        def f(x): return sum(math.sin(x) for _ in prange(2))
        @njit
        def g(x): return f(x) * x
    """
    (tmp_path / "compiles.py").write_text(textwrap.dedent(text), encoding="utf-8")
    lifted = lift("compiles")
    original = importlib.import_module("compiles")
    assert lifted.g(0.7) == original.g(0.7)
    assert grad(lifted.g)(0.7) == pytest.approx(2 * (math.sin(0.7) + 0.7 * math.cos(0.7)))


def test_numpy_that_another_thread_imports_just_now_has_no_classes_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Kept:
        def __init__(self, x):
            self.x = x

    monkeypatch.setitem(sys.modules, "numpy", ModuleType("numpy"))
    v = Value(2.0)
    assert as_double(Kept, v).x is v
    assert of_numbers(math.sin, math.cos)(0.0) == 1.0
    with pytest.raises(TypeError, match="floats only"):
        try:
            raise TypeError("floats only")
        except TypeError:
            stored([0.0], 0, v, "")
    kept = Kept(math.sin)
    assert lift(lambda x: kept.x(x))(0.0) == 0.0
