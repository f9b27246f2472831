"""Lifted code that is called with plain numbers: it gives what the original gives, and hardly more runs."""

import builtins
import collections
import contextlib
import importlib
import linecache
import math
import sys

import numpy as np
import pytest

import pygrad
from pygrad import Value, compile, grad, lift
from pygrad.core.implementation import IMPLEMENTATION

EXPRESSIONS = [
    "float(x)",
    "float(3)",
    "float('1.5')",
    "list(map(float, ['1.5', 2, x]))",
    "isinstance(x, (int, float))",
    "type(x).__name__",
    "round(x * 7, 2)",
    "round(x)",
    "x.is_integer()",
    "math.sin(x) + math.hypot(x, 1.0) + math.pi",
    "math.fsum([x, 1.0, x]) + math.prod([x, 2.0]) + math.dist([x, 1.0], [2.0, x])",
    "np.array([[x, 1.0], [2, x]]).tolist()",
    "np.array([x, 1.0], dtype=int).tolist()",
    "np.asarray(x).item() + np.asarray([x]).sum() + np.asanyarray([x], float).max()",
    "np.zeros_like(np.array([x, 1.0])).tolist()",
    "np.where(x > 0, x, 0.0).item()",
    "np.clip(x, 0.1, 0.2) + np.float64(x) + np.array([x]).astype(float)[0]",
    "np.linalg.norm(np.array([x, 2.0]))",
    "np.array([x]).ndim + np.array([x]).size",
    "'%.3f %s' % (x, 1)",
    "[1.0, x][math.floor(x)]",
    "'math' in sys.modules",
]
STATEMENTS = [
    "import math",
    "import time",
    "import numpy as np",
    "from math import sin, cos",
    "from collections import OrderedDict",
    "import xml.dom",
    "from xml.dom import minidom",
    "import colorsys",
    "from colorsys import rgb_to_hls",
]
count = iter(range(10**9))


def function(source):
    name = f"<numbers {next(count)}>"
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    space = {"math": math, "np": np, "sys": sys}
    exec(builtins.compile(source, name, "exec"), space)
    return space["f"]


def run_of_pygrads(call):
    """Functions of pygrad in Python that run within a call."""
    found = collections.Counter()

    def note(frame, event, _):
        name = frame.f_globals.get("__name__") or ""
        if event == "call" and name.startswith("pygrad."):
            found[f"{name}.{frame.f_code.co_name}"] += 1

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


# Of what lift(f) returns, which looks for what names mean, and for what was changed in place.
OF_ALL_CALLS = {"pygrad.lifting.functions", "pygrad.lifting.following"}
IN_PYTHON = {
    "pygrad.lifting.standing.__contains__",
    *(f"pygrad.lifting.kinds.{name}" for name in ("dtype", "__eq__", "__hash__")),
}


@pytest.mark.skipif(IMPLEMENTATION != "compiled", reason="the reference has no C")
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_nothing_of_pygrads_runs_in_python_for_plain_numbers(text):
    f = lift(function(f"def f(x):\n    return {text}\n"))
    f(0.25)
    found = run_of_pygrads(lambda: f(0.25))
    others = {n for n in found if n.rpartition(".")[0] not in OF_ALL_CALLS} - IN_PYTHON
    assert not others


@pytest.mark.skipif(IMPLEMENTATION != "compiled", reason="the reference has no C")
@pytest.mark.parametrize("text", STATEMENTS)
def test_an_import_that_was_done_before_asks_for_little(text):
    f = lift(function(f"def f():\n    {text}\n"))
    f()
    found = run_of_pygrads(f)
    others = {n for n in found if n.rpartition(".")[0] not in OF_ALL_CALLS}
    assert all("_import" in n or "_known" in n or "comp" in n for n in others)


@pytest.mark.parametrize("x", [0.25, -0.0, 1.0, 3, True, math.inf, math.nan])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_plain_numbers_give_what_they_give_elsewhere(text, x):
    f = function(f"def f(x):\n    return {text}\n")
    results = []
    for g in (f, lift(f)):
        try:
            results.append(repr(g(x)))
        except Exception as error:
            results.append((type(error), str(error)))
    assert results[0] == results[1]


WRONG = [
    *("float([])", "float('a')", "float(1, 2)", "float(x=1)", "float(None)", "isinstance(1)"),
    *(
        "round()",
        "round('a')",
        "round(1.5, 'a')",
        "type()",
        "math.sin('a')",
        "[1][math.floor(2.5)]",
    ),
    *("math.atan2(1.0, 'a')", "math.fsum(1)", "list(map(float, [None]))"),
    *("np.array()", "np.linalg.norm()", "(1).is_integer2()", "np.array([1.0]).astype('no')"),
]


@pytest.mark.parametrize("text", WRONG)
def test_errors_are_those_of_the_original(text):
    f = function(f"def f():\n    return {text}\n")
    errors = []
    for g in (f, lift(f)):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            g()
        errors.append((raised.type, str(raised.value)))
    assert errors[0] == errors[1]


class Length:
    def __init__(self, x):
        self.x = x

    def __float__(self):
        return self.x


OF_VALUES = [
    ("float(x)", 1.0),
    ("float(str(x))", 1.0),
    ("float(Length(x))", 1.0),
    ("sum(map(float, [x, 2.0]))", 1.0),
    ("x * isinstance(x, float)", 1.0),
    ("x * (type(x) is float)", 1.0),
    ("float(np.array([[1.0, (x)]])[0, 1])", 1.0),
    ("np.array([1.0, [x][0]]).astype(float).sum()", 1.0),
    ("np.asarray((2.0, x), dtype=float)[1]", 1.0),
    ("np.array([[[1.0, [0.0, x]]]], dtype=object)[0, 0, 1][1]", 1.0),
    ("np.float64(x)", 1.0),
    ("math.fsum([1.0, x]) + math.prod(iter([x, 3.0]))", 4.0),
    ("np.linalg.norm([0.0, x])", 1.0),
    ("np.zeros_like([x]).sum() + x", 1.0),
    ("np.clip([0.0, x], 0.1, 3.0)[1]", 1.0),
    ("np.where([True], [x], 0.0)[0]", 1.0),
    ("[0.0, x][math.floor(x)]", 1.0),
]


@pytest.mark.parametrize(("text", "slope"), OF_VALUES)
def test_values_are_found_wherever_they_are(text, slope):
    f = function(f"def f(x):\n    return {text}\n")
    f.__globals__["Length"] = Length
    f = lift(f)
    assert grad(f)(1.25) == pytest.approx(slope, abs=1e-12)
    if IMPLEMENTATION == "compiled":
        assert compile(grad(f))(1.25) == pytest.approx(slope, abs=1e-12)


def test_lists_within_many_lists_are_left_to_functions_that_look_for_values():
    f = lift(function("def f(x):\n    return np.array(x).ravel().tolist()\n"))
    deep = plain = 0.0
    for _ in range(30):
        plain = [plain]
    assert f(plain) == [0.0]
    deep = Value(2.0)
    for _ in range(30):
        deep = [deep]
    assert f(deep)[0].data == 2.0


def test_a_list_that_holds_itself_is_what_it_is_elsewhere():
    f = lift(function("def f(x):\n    return math.fsum(x)\n"))
    x = [1.0]
    x.append(x)
    with pytest.raises(TypeError):
        f(x)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_what_was_imported_as_it_is_is_lifted_once_it_is_asked_for(folder):
    """A package with compiled modules is left as it is, until somebody lifts it."""
    name = f"mostly_compiled{next(count)}"
    (folder / name).mkdir()
    for i in range(5):
        (folder / name / f"fast{i}.so").write_bytes(b"")
    (folder / name / "__init__.py").write_text("from math import sin\n", encoding="utf-8")
    importlib.invalidate_caches()
    f = lift(function(f"def f(x):\n    import {name}\n    return {name}.sin(x)\n"))
    assert f(0.5) == f(0.5) == math.sin(0.5)
    with contextlib.suppress(ImportError):
        lift(f"nothing_{name}")  # which changes nothing for others
    with pytest.raises(TypeError, match="pygrad"):
        grad(f)(0.5)
    lift(name)
    assert grad(f)(0.5) == math.cos(0.5)


def test_a_module_that_puts_another_one_in_its_place_is_found_there(folder):
    name = f"replaced{next(count)}"
    source = (
        "import sys, types\nrate = 1.0\ndef replace(rate):\n    made = types.ModuleType(__name__)\n"
    )
    source += "    made.rate = rate\n    sys.modules[__name__] = made\n"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    lifted = lift(name)
    f = lift(function(f"def f():\n    from {name} import rate\n    return rate\n"))
    assert f() == f() == 1.0
    lifted.replace(5.0)
    assert f() == 5.0


def test_names_that_a_module_gets_later_are_imported(folder):
    name = f"growing{next(count)}"
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("", encoding="utf-8")
    (folder / name / "later.py").write_text("two = 2.0\n", encoding="utf-8")
    importlib.invalidate_caches()
    lift(name)
    f = lift(function(f"def f():\n    from {name} import later\n    return later.two\n"))
    assert f() == f() == 2.0
    g = lift(function(f"def f():\n    from {name} import missing\n"))
    with pytest.raises(ImportError, match="missing"):
        g()


def test_math_of_lifted_code_has_the_names_of_math():
    module = pygrad.lift("math")
    assert dir(module) == dir(math)
    assert all(hasattr(module, name) for name in dir(math) if name[:1] != "_")
