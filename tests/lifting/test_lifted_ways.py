"""The ways in which packages reach what they call: imports of all kinds, classes, decorators, formats; lifted."""

# ruff: noqa: E501  the sources of packages

from __future__ import annotations

import builtins
import importlib
import itertools
import linecache
import math
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, vmap
from pygrad.lifting import world

PART = "from math import sin\ndef g(x): return sin(x)\n"
DET = "np.array([[x, 1.0], [2.0, x]])"

# Name, a package's __init__, and its other modules; PKG is its name. The plain f says what is right.
IMPORTS = {
    "a star, and names like pygrad.math's": (
        "from .a import clip\nfrom math import *\n"
        "def f(x): return clip(x, 0.0, 1.0) + sin(x) * round(abs(-2)) * sum([1, 2], 3)",
        {
            "a": "def clip(x, lo, hi, soft=2.0): return (lo if x < lo else hi if x > hi else x) * soft"
        },
    ),
    "from . import": (
        "from . import a\nfrom .a import g as h\ndef f(x): return a.g(x) * h(x)",
        {"a": PART},
    ),
    "from .. import": (
        "from .s.t import f",
        {
            "s/__init__": "",
            "s/t": "from ..a import g\nfrom .. import a\ndef f(x): return g(x) + a.g(x)",
            "a": PART,
        },
    ),
    "import *": (
        "from .a import *\ndef f(x): return g(x)",
        {"a": "from math import *\ndef g(x): return sin(x)"},
    ),
    "import * of modules": (
        "from .s import *\ndef f(x): return a.g(x)",
        {"s/__init__": "__all__ = ['a']", "s/a": PART},
    ),
    "import a.b as c": (
        "import PKG.s.a as c\ndef f(x): return c.g(x)",
        {"s/__init__": "", "s/a": PART},
    ),
    "late and conditional": (
        """
        try:
            import no_such_module as m
        except ImportError:
            import math as m
        def f(x):
            if x > 0:
                from math import cos as way
            else:
                from math import sin as way
            return way(x) * m.exp(x)
        """,
        {},
    ),
    "a lazy module": (
        """
        import importlib
        def __getattr__(name):
            if name == "a":
                return importlib.import_module(".a", __name__)
            raise AttributeError(name)
        def f(x):
            import PKG
            from PKG import a
            return a.g(x) * PKG.a.g(x)
        """,
        {"a": PART},
    ),
    "reload": (
        "import importlib\nfrom . import a\na = importlib.reload(a)\ndef f(x): return a.g(x)",
        {"a": PART},
    ),
    "sys.modules of its own": (
        "import sys\nfrom . import a\ndef f(x): return getattr(sys.modules[__name__], 'a').g(x) * sys.modules['PKG.a'].g(x)",
        {"a": PART},
    ),
}

# The same of one module, as a package and as code of the user's own.
MODULES = {
    "__import__": "def f(x): return __import__('math').sin(x)",
    "importlib.__import__": "import importlib\nm = importlib.__import__('math')\ndef f(x): return m.sin(x)",
    "importlib.util": "import importlib.util\nm = importlib.import_module('math')\ndef f(x): return m.sin(x)",
    "sys.modules": "import sys\nfrom sys import modules\ndef f(x): return sys.modules['math'].sin(x) * modules.get('math').exp(x)",
    "cmath": "import cmath\nfrom cmath import sqrt\ndef f(x): return cmath.exp(x).real * sqrt(x).real",
    "builtins": "import builtins\nfrom builtins import float as real, isinstance as is_a\ndef f(x):\n    assert is_a(x, real)\n    return builtins.float(x) * real(x)",
    **{
        way: f"import numpy as np\n{way}\ndef f(x): return {name}({DET}) * np.sin(x)"
        for way, name in {
            "import numpy.linalg as la": "la.det",
            "from numpy import linalg": "linalg.det",
            "from numpy.linalg import det": "det",
            "import importlib; la = importlib.import_module('numpy.linalg')": "la.det",
            "import sys, numpy.linalg; la = sys.modules['numpy.linalg']": "la.det",
            "la = __import__('numpy.linalg', fromlist=['det'])": "la.det",
        }.items()
    },
    "attributes of a class": """
        import math
        class A:
            sine, table, kind, library = math.sin, {"exp": math.exp}, float, math
            fun = staticmethod(math.cos)
            def __call__(self, x):
                return self.sine(x) + A.table["exp"](x) + self.fun(x) * self.kind(x) + self.library.tan(x)
        def f(x): return A()(x)
        """,
    "properties": """
        import functools, math
        class A:
            def __init__(self, x): self.x = x
            @classmethod
            def of(cls, x): return cls(math.exp(x))
            @property
            def s(self): return math.sin(self.x)
            @s.setter
            def s(self, s): self.x = math.asin(s)
            @functools.cached_property
            def c(self): return math.cos(self.x)
        def f(x):
            a = A.of(x)
            a.s = a.s / 2
            return a.c * a.s + a.c
        """,
    "partials": """
        import functools, math
        angle = functools.partial(math.atan2, 2.0)
        class A:
            def g(self, k, x): return k * math.sin(x)
            h = functools.partialmethod(g, 3.0)
        def f(x): return angle(x) * A().h(x)
        """,
    "singledispatch": """
        import math
        from functools import singledispatch
        @singledispatch
        def g(x): raise TypeError
        @g.register
        def _(x: float): return math.sin(x)
        @g.register(int)
        def _(x): return math.sqrt(x)
        def f(x): return g(x) * g(2)
        """,
    "caches": """
        import math
        from functools import lru_cache
        @lru_cache(maxsize=None)
        def g(x): return math.sin(x)
        class A:
            @lru_cache
            def h(self, x): return math.exp(x)
        a = A()
        def f(x): return g(x) * g(2.0) * g(2.0) * a.h(x)
        """,
    "wrapped functions": """
        import functools, inspect, math
        def checked(function):
            signature = inspect.signature(function)
            @functools.wraps(function)
            def call(*args, **named):
                bound = signature.bind(*args, **named)
                bound.apply_defaults()
                for name, item in bound.arguments.items():
                    assert isinstance(item, signature.parameters[name].annotation)
                return function(*args, **named)
            return call
        @checked
        def f(x: float, y: float = 2.0): return math.sin(x) * y
        """,
    "generators and comprehensions": """
        import math
        def terms(x):
            for k in range(4):
                yield math.sin(k * x)
        def f(x): return sum(terms(x)) + max([x**k for k in range(3)]) + math.fsum({k: k * x for k in "aa" for k in (1, 2)}.values())
        """,
    "dataclasses": """
        import math
        from dataclasses import asdict, astuple, dataclass, field, replace
        @dataclass(frozen=True)
        class P:
            x: float
            y: float = 2.0
            def norm(self): return math.hypot(self.x, self.y)
        @dataclass(order=True)
        class Q:
            x: float
            z: float = field(init=False)
            def __post_init__(self): self.z = float(self.x) ** 2
        def f(x):
            assert Q(x) == Q(x) and Q(x) < Q(x + 1)
            return replace(P(x), y=x).norm() + sum(astuple(P(x))) * asdict(Q(x))["z"]
        """,
    "abstract numbers": """
        import math, numbers
        def f(x):
            assert isinstance(x, numbers.Number) and isinstance(x, (numbers.Real, int))
            assert not isinstance(x, numbers.Integral) and issubclass(type(x), numbers.Real)
            return math.sin(x)
        """,
    "types": """
        import math
        table = {float: math.sin, int: math.cos}
        def f(x):
            assert type(x) is float and type(x) == float and type(x) in (int, float) and type(x).__name__ == "float"
            return table[type(x)](x) * table.get(x.__class__)(x) * type(x)(3)
        """,
    "methods of float": """
        import math
        half = float.fromhex("0x1p-1")
        def f(x):
            assert not x.is_integer() and not float.is_integer(x) and not any(map(float.is_integer, [x]))
            return math.sin(x.real) * half + x.conjugate() + x.imag + x.__float__()
        """,
    "isclose": "import math\ndef f(x): return math.sin(x) if not math.isclose(x, 3.0, rel_tol=1e-3) else x",
    "text": """
        import math
        def f(x):
            assert f"{x:.3f} {x}" and "{:.3f} {}".format(x, x) and "%.3f %s" % (x, "a") and "%(a)g" % {"a": x}
            assert "%5.2f" % x == "%5.2f" % math.sqrt(x * x) and "%d" % 3 == "3"
            return math.sin(x)
        """,
    "scalars of NumPy": """
        import numpy as np
        from numpy import float64
        def f(x):
            assert np.isscalar(x) and not np.isnan(x).any() and (np.sin(x) > 0).all() and (np.array([x]) > 0).all()
            return np.sin(float64(x)) * np.double(x) * np.asarray(x).item() * np.array([x]).item(0) * np.sin(x).item()
        """,
    "vectorize": """
        import math
        import numpy as np
        @np.vectorize
        def g(x): return math.sin(x)
        h = np.vectorize(math.cos, otypes=[float])
        def f(x): return g(np.array([x, x]))[1] * h([x, 2.0])[0]
        """,
    "whole numbers as indices": """
        import math
        table = [1.0, 2.0, 5.0, 7.0]
        def f(x):
            i = math.floor(2 * x)
            t = 2 * x - i
            total = 0.0
            for _ in range(math.ceil(x)):
                total += x
            return table[i] * (1 - t) + table[i + 1] * t + table[math.floor(x)] * total
        """,
    "statistics": """
        from statistics import NormalDist, fmean
        def f(x): return NormalDist().cdf(x) * NormalDist(x, 2.0).pdf(1.0) + NormalDist().inv_cdf(x) + fmean([x, 2 * x])
        """,
    "objects of the module": """
        import math
        class Layer:
            scale = 2.0
            def __init__(self, w): self.w = w
            def inner(self, x): return math.sin(self.w * x)
            def __call__(self, x): return self.inner(x) * self.scale
        layer = Layer(1.5)
        def f(x):
            layer.w = 1.25
            return layer(x) + Layer.inner(layer, x)
        """,
}  # fmt: skip

POINT = 0.7
numbers = itertools.count()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a package; its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str, others: dict[str, str]) -> str:
        name = f"ways{next(numbers)}"
        for path, source in {"__init__": text, **others}.items():
            file = tmp_path / name / f"{path}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source).replace("PKG", name), encoding="utf-8")
        importlib.invalidate_caches()
        return name

    yield write
    for module in [m for m in sys.modules if m.startswith("ways")]:
        del sys.modules[module]


def check(lifted: Callable[..., Any], plain: Callable[..., Any]) -> None:
    assert lifted(POINT) == plain(POINT)
    assert type(lifted(POINT)) is type(plain(POINT))
    step = 1e-6
    expected = (plain(POINT + step) - plain(POINT - step)) / (2 * step)
    assert grad(lifted)(POINT) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    compiled = compile(lifted)
    compiled(POINT + 0.01)
    assert compiled(POINT) == pytest.approx(plain(POINT), rel=1e-13)


@pytest.mark.parametrize("way", IMPORTS)
def test_imports_of_all_kinds(way: str, written: Callable[..., str]) -> None:
    name = written(*IMPORTS[way])
    check(lift(name).f, importlib.import_module(name).f)


@pytest.mark.parametrize("way", MODULES)
def test_a_package(way: str, written: Callable[..., str]) -> None:
    name = written(MODULES[way], {})
    check(lift(name).f, importlib.import_module(name).f)


@pytest.mark.parametrize("way", MODULES)
def test_code_of_ones_own(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType(f"own{next(numbers)}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    text, file = textwrap.dedent(MODULES[way]), f"<{module.__name__}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(builtins.compile(text, file, "exec", dont_inherit=True), vars(module))
    check(lift(module.f), module.f)


# -- one statement of each -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["math", "cmath", "functools", "importlib", "builtins", "sys", "numpy", "numpy.linalg"]
)
def test_a_module_is_the_same_by_every_way_to_it(name: str, written: Callable[..., str]) -> None:
    """Import statements, functions, the table of modules, and the counterpart of one that is at hand."""
    module = importlib.import_module(name)
    package = written(
        f"""
        import importlib, sys
        import {name} as by_statement
        by_function, by_import = importlib.import_module("{name}"), __import__("{name}", fromlist=["x"])
        by_table = sys.modules["{name}"]
        """,
        {},
    )
    lifted = lift(package)
    found = {
        *map(id, (lifted.by_statement, lifted.by_function, lifted.by_import, lifted.by_table)),
        id(world.counterpart_of(module)),
        id(world.module_for(name)),
        id(lift(name)),
        id(lift(module)),
    }
    assert len(found) == 1
    assert lifted.by_statement is not module


def test_looking_round_in_the_table_of_modules_imports_nothing(written: Callable[..., str]) -> None:
    before = dict(sys.modules)
    package = written(
        "import sys\nnames = [*map(str, sys.modules.values()), *[n for n, _ in sys.modules.items()]]",
        {},
    )
    made = dict(world._modules)
    lifted = lift(package)
    assert len(lifted.names) >= 2 * len(before)
    assert set(world._modules) - set(made) == {package}


def test_what_is_set_in_a_module_of_pythons_is_set_there(
    written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", "> ", raising=False)
    package = written(
        "import sys\ndef f(x):\n    sys.ps1 = '? '\n    del sys.ps1\n    sys.ps1 = '! '\n    return x",
        {},
    )
    lift(package).f(1.0)
    assert sys.ps1 == "! "


# -- what has no derivative, or would lose it, says so ------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "float(decimal.Decimal(x))",
        "float(fractions.Fraction(x))",
        "array.array('d', [x])[0]",
        "struct.unpack('d', struct.pack('d', x))[0]",
        "x.as_integer_ratio()[0]",
        "datetime.timedelta(days=x).total_seconds()",
        "complex(x, 1.0).real",
    ],
)
def test_no_number_leaves_the_graph_in_silence(
    expression: str, written: Callable[..., str]
) -> None:
    package = written(
        "import array, datetime, decimal, fractions, statistics, struct\n"
        f"def f(x): return {expression}",
        {},
    )
    plain, lifted = importlib.import_module(package).f, lift(package).f
    assert lifted(POINT) == plain(POINT)
    with pytest.raises((TypeError, AttributeError, struct_error())):
        grad(lifted)(POINT)


def struct_error() -> type[Exception]:
    import struct

    return struct.error


def test_an_error_with_a_number_in_its_text_is_the_same_error(written: Callable[..., str]) -> None:
    package = written(
        """
        def f(x):
            if x < 0:
                raise ValueError("%g is below %.1f" % (x, 0.0))
            return x
        def g(x):
            if x < 0:
                raise ValueError("%g is below 0" % x)
            return x
        """,
        {},
    )
    for name, text in (("f", "-2 is below 0.0"), ("g", "-2 is below 0")):
        with pytest.raises(ValueError, match=f"^{text}$"):
            getattr(lift(package), name)(Value(-2.0))


def test_a_cache_gives_nothing_stale(written: Callable[..., str]) -> None:
    package = written(
        """
        from functools import cache
        calls = []
        @cache
        def g(x):
            calls.append(x)
            return x * x
        """,
        {},
    )
    lifted = lift(package)
    x, y = Value(3.0), Value(3.0)
    a, b, c = lifted.g(x), lifted.g(y), lifted.g(3.0)
    assert (a._children, b._children, c, lifted.g(3.0)) == ((x, x), (y, y), 9.0, 9.0)
    x.data = 4.0
    assert lifted.g(x).data == 16.0
    assert len(lifted.calls) == 4


# -- rounding to digits ------------------------------------------------------------------------------


def test_rounding_to_digits_can_be_left_out_in_a_package(written: Callable[..., str]) -> None:
    package = written(
        "from . import a\ndef f(x): return round(a.g(x), 2)",
        {
            "a": PART + "def h(x): return round(x * x, ndigits=1)",
            "late": "def k(x): return round(x * x, 3)",
        },
    )
    lifted = lift(package)
    plain = importlib.import_module(package)
    with pytest.warns(
        RuntimeWarning, match=r"round\(v, 2\) of a Value is a constant.*rounding=False"
    ):
        assert grad(lifted.f)(POINT) == 0.0
    assert lift(package, rounding=False) is lifted
    late = lift(f"{package}.late")
    assert grad(lifted.f)(POINT) == pytest.approx(0.7648421872844885)
    assert (grad(lifted.a.h)(POINT), grad(late.k)(POINT)) == (1.4, 1.4)
    assert compile(lifted.f)(POINT) == pytest.approx(0.644217687237691)
    assert (lifted.f(POINT), lifted.a.h(POINT)) == (plain.f(POINT), plain.a.h(POINT))
    assert Value(2.5).__round__().data == lifted.a.__builtins__["round"](Value(2.5)).data == 2.0
    lift(lifted, rounding=True)
    with pytest.warns(RuntimeWarning, match=r"round\(v, [23]\) of a Value is"):
        assert (grad(lifted.f)(POINT), grad(late.k)(POINT)) == (0.0, 0.0)


def rounds(x: float) -> float:
    return round(x * x, 2) + round(x)


def test_rounding_to_digits_can_be_left_out_in_a_function() -> None:
    exact = lift(rounds, rounding=False)
    assert grad(exact)(POINT) == 1.4
    assert exact(POINT) == rounds(POINT)
    with pytest.warns(RuntimeWarning, match="its slope is 0") as told:
        assert grad(lift(rounds))(POINT) == 0.0
    assert {warning.lineno for warning in told} == {rounds.__code__.co_firstlineno + 1}


def test_a_function_that_is_lifted_without_rounding_has_none_in_packages_that_it_calls(
    written: Callable[..., str],
) -> None:
    package = importlib.import_module(
        written("def f(x): return round(x * x, 2)\ndef g(x): return (x * x).round(2)", {})
    )

    def both(x: Any) -> Any:
        return package.f(x) + package.g(x)

    exact = lift(both, rounding=False)
    for f in (grad(exact), compile(grad(exact)), lambda x: vmap(grad(exact))(np.array([x]))):
        assert f(POINT) == 2.8
    with pytest.raises(TypeError):
        exact("no number")
    with pytest.warns(RuntimeWarning, match="its slope is 0"):
        assert grad(lift(both))(POINT) == 0.0 == grad(lift(package).f)(POINT)


# -- bits, and several targets -------------------------------------------------------------------------


def test_whole_numbers_as_bits() -> None:
    import math

    @lift
    def noise(x: float) -> float:
        i = math.floor(3 * x)
        masked = (math.floor(x) ^ 1) | 2
        return [1.0, 2.0, 5.0, 7.0][i & 3] * x + ((i << 1) >> 1) + masked

    assert noise(POINT) == 5.0 * POINT + 2 + 3
    assert grad(noise)(POINT) == 5.0
    assert compile(noise)(POINT) == pytest.approx(noise(POINT))
    with pytest.raises(TypeError, match="unsupported operand"):
        lift(lambda x: x & 3)(Value(2.0))


def test_items_of_arrays_among_several_targets() -> None:
    import numpy as np

    @lift
    def f(x: float) -> float:
        a, b = np.zeros((2, 3)), np.ones(3)
        a[:, 0], a[0, 1] = np.array([x, 2 * x]), x * x
        b[0] = b[1] = 3 * x
        c, *a[1, 1:] = [1.0, x, x]
        b[2], a[1, 2] = c, b[0]
        return a.sum() + b[0] * b[1] + b[2]

    assert f(POINT) == pytest.approx(7 * POINT + 10 * POINT**2 + 1)
    assert grad(f)(POINT) == pytest.approx(7 + 20 * POINT)


def test_a_text_that_does_not_fit_is_the_plain_error(written: Callable[..., str]) -> None:
    package = written("def f(x, y): return '%d and %.1f' % x if y else '%(a)d' % {'a': x}", {})
    plain, lifted = importlib.import_module(package).f, lift(package).f
    for arguments in ((("a", 1.0), True), ((1.0,), True), ("a", False)):
        with pytest.raises(TypeError) as expected:
            plain(*arguments)
        with pytest.raises(TypeError) as found:
            lifted(*arguments)
        assert str(found.value) == str(expected.value)
    assert lifted((Value(2.0), Value(3.25)), True) == "2 and 3.2"
    assert lifted(Value(2.0), False) == "2"


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
def test_what_floor_gives_is_an_int_to_lifted_code() -> None:
    @lift
    def f(x: float) -> Any:
        whole = isinstance(math.floor(x), int) and isinstance(round(x), int)
        return x * (1.0 if whole and not isinstance(round(x, 1), int) else 5.0)

    assert (f(1.37), grad(f)(1.37), compile(f)(1.37)) == (1.37, 1.0, 1.37)


def test_a_relative_import_within_a_function_that_is_lifted_by_itself(
    written: Callable[..., str],
) -> None:
    package = written("def f(x):\n    from . import b\n    return x * b.K", {"b": "K = 3.0"})
    lifted = lift(importlib.import_module(package).f)
    assert (lifted(0.5), grad(lifted)(0.5)) == (1.5, 3.0)
