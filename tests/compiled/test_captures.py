"""What a compiled function reads from elsewhere never goes stale: it is traced again after a change."""

from __future__ import annotations

import functools
import random
import sys
import threading
import time
import types
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from written import in_module

from pygrad import Value, grad, hessian, jacobian, load, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.core.reading import names_read
from pygrad.programs.captures import Captures
from pygrad.programs.table import MOST


def traced(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """f compiled, and what grows by one where it runs."""
    runs: list[int] = []

    @functools.wraps(f)
    def counted(*args: Any, **kwargs: Any) -> Any:
        runs.append(1)
        return f(*args, **kwargs)

    return compile_(counted), runs


# -- where a function finds things -----------------------------------------------------------------


def test_a_global_number() -> None:
    module = in_module("def f(x): return k * x", k=2.0)
    f, runs = traced(module["f"])
    assert [f(1.0), f(2.0)] == [2.0, 4.0]
    module["k"] = 3.0
    assert [f(1.0), f(2.0), f(1.0)] == [3.0, 6.0, 3.0]
    module["k"] = 2.0
    assert (f(1.0), len(runs)) == (2.0, 2)  # the first program, again
    module["k"] = float("2.0")
    assert (f(1.0), len(runs)) == (2.0, 2)  # another object, the same number
    module["k"] = Value(5.0)
    assert f(1.0) == 5.0
    module["k"].data = 6.0
    assert (f(1.0), len(runs)) == (6.0, 3)
    del module["k"]
    with pytest.raises(NameError):
        f(1.0)
    module["k"] = 7
    assert f(1.0) == 7.0


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("return x if k else -x", True, False),
        ("return x if k is None else x * k", None, 3.0),
        ("return x * {'a': 2.0, 'b': 5.0}[k]", "a", "b"),
        ("return sum(x * i for i in k)", (1.0, 2.0), (3.0, 0.5)),
        ("return x + (1.0 if str(k).startswith('-') else 0.0)", 0.0, -0.0),
        ("return x + (1.0 if isinstance(k, bool) else 0.0)", 1, True),
        ("return sum([x] * k)", 10**20 // 10**19, 3),
        ("return k(x)", pm.sin, pm.cos),
        ("return k(x)", lambda x: x * 2, lambda x: x * 3),
        ("return x @ k if hasattr(x, 'shape') else x * k[0]", np.array([2.0]), np.array([3.0])),
        ("return x * k[0]", [2.0], [3.0]),
        ("return x * k", np.float64(2.0), np.float64(3.0)),
    ],
)
def test_what_is_no_number(text: str, before: Any, after: Any) -> None:
    module = in_module(f"def f(x): {text}", k=before)
    f, plain = compile_(module["f"]), module["f"]
    assert f(2.0) == plain(Value(2.0)).data
    for k in (after, before, after):
        module["k"] = k
        assert f(2.0) == plain(Value(2.0)).data, k


def changing() -> dict[str, tuple[Callable[[Any], Any], Callable[[float], object]]]:
    """Functions with a number s that a second function sets; it was 1."""
    s = 1.0

    def cell(x: Any) -> Any:
        return s * x

    def set_cell(number: float) -> None:
        nonlocal s
        s = number

    def default(x: Any, s: float = 1.0) -> Any:
        return s * x

    def keyword(x: Any, *, s: float = 1.0) -> Any:
        return s * x

    def helper_default(x: Any) -> Any:
        return default(x)

    def set_default(number: float) -> None:
        default.__defaults__ = (number,)

    def set_keyword(number: float) -> None:
        assert keyword.__kwdefaults__ is not None
        keyword.__kwdefaults__["s"] = number

    module = types.ModuleType("of_numbers")
    module.s = 1.0  # type: ignore[attr-defined]
    space = SimpleNamespace(s=1.0, inner=SimpleNamespace(s=1.0))

    class Config:
        s = 1.0

    class Model:
        def __init__(self) -> None:
            self.s = 1.0

        def __call__(self, x: Any) -> Any:
            return self.scaled(x)

        def scaled(self, x: Any) -> Any:
            return self.s * x

        @property
        def rate(self) -> float:
            return self.s

    class Slots:
        __slots__ = ("s",)

    class Derived(Model):
        def scaled(self, x: Any) -> Any:
            return super().scaled(x)

    class Layer:
        def __call__(self, x: Any) -> Any:
            return cell(x)

    class Layers:
        def __init__(self) -> None:
            self.layers = [Layer()]

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    derived, layers = Derived(), Layers()

    def by_local_name(x: Any) -> Any:
        m = derived
        rate = m.s
        return rate * x

    def by_class(x: Any) -> Any:
        return model.__class__.k * x

    Model.k = 1.0  # type: ignore[attr-defined]
    model, slots = Model(), Slots()
    slots.s = 1.0

    compiled = compile_(cell)

    def nested(x: Any) -> Any:
        def inner() -> Any:
            def innermost() -> Any:
                return s * x

            return innermost()

        return inner()

    def wrapped(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(f)
        def wrapper(x: Any) -> Any:
            return f(x)

        return wrapper

    def setter(of: Any) -> Callable[[float], object]:
        return lambda number: setattr(of, "s", number)

    return {
        "cell": (cell, set_cell),
        "inner": (lambda x: cell(cell(x)) / cell(1.0), set_cell),
        "generator": (lambda x: sum(s * x for _ in range(1)), set_cell),
        "nested": (nested, set_cell),
        "wrapped": (wrapped(cell), set_cell),
        "partial": (functools.partial(lambda f, x: f(x), cell), set_cell),
        "in a dict": (lambda x, d={"a": cell}: d["a"](x), set_cell),
        "default": (default, set_default),
        "default of a helper": (helper_default, set_default),
        "keyword": (keyword, set_keyword),
        "module": (lambda x: module.s * x, setter(module)),
        "namespace": (lambda x: space.s * x, setter(space)),
        "inner namespace": (lambda x: space.inner.s * x, setter(space.inner)),
        "class": (lambda x: Config.s * x, setter(Config)),
        "slot": (lambda x: slots.s * x, setter(slots)),
        "method": (model.scaled, setter(model)),
        "method by name": (lambda x: model.scaled(x), setter(model)),
        "call": (model, setter(model)),
        "call by name": (lambda x: model(x), setter(model)),
        "property": (lambda x: model.rate * x, setter(model)),
        "method of a base": (derived.scaled, setter(derived)),
        "layers": (layers, set_cell),
        "layers by name": (lambda x: layers(x), set_cell),
        "local name": (by_local_name, setter(derived)),
        "class of an object": (by_class, lambda number: setattr(Model, "k", number)),
        "compiled": (lambda x: compiled(x), set_cell),
    }


@pytest.mark.parametrize("name", changing())
def test_wherever_it_is_found(name: str) -> None:
    f, change = changing()[name]
    x, rows = np.array([2.0, 3.0]), np.array([1.0, 2.0])
    calls = {
        "compile": compile_(f),
        "grad": compile_(grad(f)),
        "grad of compiled": grad(compile_(f)),
        "vmap": compile_(vmap(f)),
        "jacobian": compile_(jacobian(lambda x: [f(x), f(x)])),
        "jacobian of compiled": jacobian(compile_(f)),
        "hessian": compile_(hessian(lambda x: f(x) ** 2)),
        "value_and_grad of vmap": compile_(
            value_and_grad(vmap(lambda w, x: f(w) * x, in_axes=(None, 0), reduce="sum"))
        ),
    }
    once = compile_(lambda x: f(x[0]) * x[1])
    buffer = once.buffer(x)
    w = Value(1.0)
    loss = compile_(lambda x: f(w) * x)
    for number in (1.0, 4.0, 1.0, 5.0):
        change(number)
        assert calls["compile"](3.0) == 3.0 * number
        assert calls["grad"](3.0) == calls["grad of compiled"](3.0) == number
        assert calls["vmap"](rows).tolist() == [number, 2.0 * number]
        assert calls["jacobian"](3.0) == [number, number]
        assert calls["jacobian of compiled"](3.0) == number
        assert calls["hessian"](3.0) == 2.0 * number * number
        assert calls["value_and_grad of vmap"](1.0, rows) == (3.0 * number, 3.0 * number)
        assert buffer() == 6.0 * number
        w.grad = 0.0
        assert loss.backward(rows, reduce="sum") == 3.0 * number
        assert w.grad == 3.0 * number


def test_names_that_a_module_is_asked_for_within() -> None:
    module = types.ModuleType("numbers_of_a_test")
    module.q = 1.0  # type: ignore[attr-defined]
    sys.modules["numbers_of_a_test"] = module
    try:

        def f(x: Any) -> Any:
            import numbers_of_a_test as numbers  # type: ignore[import-not-found]
            from numbers_of_a_test import q

            return x * q + numbers.q

        g = compile_(f)
        assert g(1.0) == 2.0
        module.q = 5.0  # type: ignore[attr-defined]
        assert g(1.0) == 10.0
    finally:
        del sys.modules["numbers_of_a_test"]


def test_what_comes_later() -> None:
    """A name that is not there yet when the other path is traced."""
    module = in_module("def f(x): return x if x > 0 else x * later")
    f = compile_(module["f"])
    assert f(1.0) == 1.0
    module["later"] = 2.0
    assert f(-1.0) == -2.0
    module["later"] = 3.0
    assert f(-1.0) == -3.0


def test_attributes_and_arguments_of_the_same_name_as_a_global_are_no_reads_of_it() -> None:
    module = in_module("def f(p, k): return p.x * k", x=1.0, k=1.0)
    f, runs = traced(module["f"])
    point = Bag()
    point.x = 2.0  # type: ignore[attr-defined]
    for i in range(5):
        module["x"] = module["k"] = float(i)
        assert f(point, 3.0) == 6.0
    assert len(runs) == 1


@pytest.mark.parametrize(
    "body",
    [
        "return (c := cfg).first * x * c.rate",
        "return x * c.rate if (c := cfg) is not None and c.first else x",
        "a = b = cfg\n    return a.first * b.rate * x",
        "return type(cfg).first * type(cfg).rate * x",
        "kind = type(cfg)\n    return kind.rate * x",
    ],
)
def test_attributes_of_what_was_named_on_the_way_are_seen(body: str) -> None:
    kind = type("Config", (), {"first": 1.0, "rate": 2.0})
    f = in_module(f"def f(x):\n    {body}", cfg=kind())["f"]
    compiled = compile_(f)
    assert [compiled(3.0), compiled(4.0)] == [6.0, 8.0]
    kind.rate = 5.0  # type: ignore[attr-defined]
    assert compiled(3.0) == f(3.0) == 15.0


def test_a_second_name_of_another_value_reads_nothing_of_the_first() -> None:
    def f(x: Any, y: Any) -> Any:
        a = b = x.inner
        a = y
        return a.one * b.two

    found = {(name, attributes) for _, name, attributes in names_read(f.__code__)}
    assert ("x", ("inner", "two")) in found
    assert not any("one" in attributes for name, attributes in found if name == "x")


# -- a function that changes what it reads -----------------------------------------------------------


def test_what_is_only_counted_does_not_matter() -> None:
    module = in_module("def f(x):\n    global n\n    n += 1\n    return 2 * x", n=0)
    f = compile_(module["f"])
    assert [f(1.0), f(2.0), module["n"]] == [2.0, 4.0, 1]
    module["n"] = 0
    assert [f(3.0), module["n"]] == [6.0, 0]

    class Counting:
        calls = 0

        def f(self, x: Any) -> Any:
            self.calls += 1
            return x * 2

    c = Counting()
    g = compile_(c.f)
    assert [g(1.0), g(2.0), c.calls] == [2.0, 4.0, 1]


def test_what_is_counted_and_used_is_right_at_each_call() -> None:
    module = in_module("def f(x):\n    global n\n    n += 1\n    return n * x", n=0)
    f = compile_(module["f"])
    assert [f(1.0) for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
    module["n"] = 0
    assert [f(1.0) for _ in range(3)] == [1.0, 2.0, 3.0]


def test_what_is_made_once() -> None:
    text = "def f(x):\n    global c\n    if c is None: c = 3.0\n    return c * x"
    module = in_module(text, c=None)
    f, runs = traced(module["f"])
    assert [f(1.0) for _ in range(5)] == [3.0] * 5
    assert len(runs) == 2


# -- at random -------------------------------------------------------------------------------------


class Bag:
    """Something with attributes."""

    shared = 1.0

    def __init__(self) -> None:
        self.a, self.b = 2.0, 3.0

    def method(self, x: Any) -> Any:
        return x * self.a + self.shared


def world(seed: int) -> tuple[dict[str, Any], random.Random]:
    """A module with numbers and functions that read them, and each other, in all ways."""
    r = random.Random(seed)
    kept = types.ModuleType("kept")
    kept.number = 2.0  # type: ignore[attr-defined]
    names: dict[str, Any] = {"bag": Bag(), "Bag": type("Bag", (Bag,), {}), "kept": kept}
    names.update({f"n{i}": float(i) for i in range(4)}, flag=True)
    terms = [
        "n0",
        "n1",
        "n2",
        "n3",
        "bag.a",
        "bag.b",
        "bag.shared",
        "Bag.shared",
        "kept.number",
        "d",
    ]
    terms += ["(2.0 if flag else x)"]
    for i in reversed(range(5)):
        calls = [f"f{k}(x)" for k in range(i + 1, 5)] + ["bag.method(x)", "made(x)"]
        body = " + ".join(f"{r.choice(terms)} * {r.choice(['x', *calls])}" for _ in range(3))
        exec(f"def f{i}(x, d={float(i)}): return {body}", names)
    exec("def make(c):\n    def made(x): return x * c + n1\n    return made", names)
    names["made"] = names["make"](3.0)
    return names, r


def change(names: dict[str, Any], r: random.Random) -> None:
    number = r.choice([-1.0, 0.5, 2.0, 3.0])
    kind = r.choice(
        ["global", "int", "flag", "bag", "class", "new bag", "module", "default", "function"]
    )
    if kind == "global":
        names[f"n{r.randrange(4)}"] = number
    elif kind == "int":
        names[f"n{r.randrange(4)}"] = int(number)
    elif kind == "flag":
        names["flag"] = not names["flag"]
    elif kind == "bag":
        setattr(names["bag"], r.choice(["a", "b", "shared"]), number)
    elif kind == "class":
        names["Bag"].shared = number
    elif kind == "new bag":
        names["bag"] = names["Bag"]()
    elif kind == "module":
        names["kept"].number = number
    elif kind == "default":
        names[f"f{r.randrange(5)}"].__defaults__ = (number,)
    else:
        names["made"] = names["make"](number)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_changes_is_seen(seed: int) -> None:
    names, r = world(seed)
    plain = names["f0"]
    f, slope, mapped = compile_(plain), compile_(value_and_grad(plain)), compile_(vmap(plain))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of very many traces
        for _ in range(40):
            change(names, r)
            x = r.choice([-2.0, 0.5, 3.0])
            assert f(x) == plain(Value(x)).data
            assert slope(x) == value_and_grad(plain)(x)
            assert mapped([x, x]).tolist() == [f(x)] * 2


# -- how many programs there are -------------------------------------------------------------------


def test_a_flag_that_comes_and_goes_is_not_traced_again() -> None:
    module = in_module("def f(x): return x if flag else -x", flag=True)
    f, runs = traced(module["f"])
    for i in range(100):
        module["flag"] = i % 2 == 0
        assert f(1.0) == (1.0 if i % 2 == 0 else -1.0)
    assert len(runs) == 2


def test_a_number_that_always_changes_is_right_bounded_and_warned_of_by_name() -> None:
    module = in_module("def f(x): return x * lr", lr=1.0)
    f = compile_(module["f"])
    with pytest.warns(RuntimeWarning, match=r"f\(\) is traced again, .* change of lr") as record:
        for _ in range(MOST + 5):
            module["lr"] *= 0.9
            assert f(1.0) == module["lr"]
    assert record[0].filename == __file__
    assert len(f._stores._all) == MOST


def test_arrays_that_come_anew_do_not_stay() -> None:
    module = in_module("def f(x): return x @ a", a=np.array([1.0, 2.0]))
    f, x = compile_(module["f"]), np.ones(2)
    gone = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(MOST + 5):
            assert f(x) == module["a"].sum()
            gone.append(weakref.ref(module["a"]))
            module["a"] = module["a"] * 1.5
        f(x)
    assert [r() for r in gone] == [None] * len(gone)
    assert len(f._stores._all) == 1


def test_threads_that_change_and_call() -> None:
    """The number never comes back; a change there and back within one trace goes unseen."""
    module = in_module("def f(x): return x * k if x > 0 else x / k", k=1.0)
    f = compile_(module["f"])
    wrong: list[tuple[float, float, float]] = []
    ended = threading.Event()

    def call() -> None:
        while not ended.is_set():
            before = module["k"]
            y = f(1.0)
            between = module["k"]
            z = -1.0 / f(-1.0)
            after = module["k"]
            if not before <= y <= between <= z <= after:
                wrong.append((before, y, z))

    threads = [threading.Thread(target=call) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of very many traces
            for thread in threads:
                thread.start()
            for i in range(150):
                module["k"] = 2.0**i
                time.sleep(0)
            ended.set()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert [f(1.0), f(-1.0)] == [2.0**149, -(2.0**-149)]


# -- limits ----------------------------------------------------------------------------------------


def test_files_keep_the_numbers_of_now(tmp_path: Path) -> None:
    module = in_module("def f(x): return x * k", k=2.0)
    f = compile_(module["f"])
    assert f(1.0) == 2.0
    module["k"] = 3.0
    assert f(1.0) == 3.0
    f.save(tmp_path / "f")
    module["k"] = 2.0
    assert "3.0" not in f.to_c(1.0)
    assert load(tmp_path / "f")(1.0) == 3.0
    assert len(f.programs) == 1


def test_libraries_are_not_searched() -> None:
    names = Captures(lambda x: np.sum(x) + pm.sin(x[0]) + functools.reduce(max, x)).names
    assert names == ["the code of <lambda>()"]
    assert Captures(np.linalg.norm).names != []  # of the function's own package


@pytest.mark.parametrize("of", ["f", "helper"])
def test_another_code_of_the_same_function_counts(of: str) -> None:
    """As IPython's autoreload puts it there."""
    space = in_module("def helper(x): return x * x\ndef f(x): return helper(x) + 1.0")
    compiled = compile_(space["f"])
    assert compiled(3.0) == compiled(3.0) == 10.0
    space[of].__code__ = (lambda x: x * 5.0).__code__
    assert compiled(3.0) == space["f"](3.0) == {"f": 15.0, "helper": 16.0}[of]


def test_the_search_is_bounded() -> None:
    module = in_module(
        "\n".join(f"def f{i}(x): return x * k{i} + f{i + 1}(x)" for i in range(3000))
    )
    assert 1000 <= len(Captures(module["f0"]).names) <= 1001


def test_what_code_reads() -> None:
    def f(x: Any, y: Any) -> Any:
        def inner(z: Any) -> Any:
            return z * outer + x.scale

        return inner(y.a.b) + unknown.c  # type: ignore[name-defined] # noqa: F821

    outer = 1.0
    found = set(names_read(f.__code__))
    assert ("argument", "y", ("a", "b")) in found
    assert ("cell", "outer", ()) in found
    assert ("global", "unknown", ("c",)) in found
    assert not any(name in {"inner", "z"} for _, name, _ in found)
