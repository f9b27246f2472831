"""Packages that were written for floats, lifted: a second import of them that nobody else sees."""

from __future__ import annotations

import importlib
import itertools
import math
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from differentiable import slope

import pygrad
from pygrad import Value, compile, lift, value_and_grad, vmap

Package = Callable[..., str]
numbers = itertools.count()  # no name is used twice: what is lifted stays


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Writes a package of the given files; its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def write(**files: str) -> str:
        name = f"floats{next(numbers)}"
        names.append(name)
        for path, text in {"__init__": "", **files}.items():
            file = tmp_path / name / f"{path.replace('__sub__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
        importlib.invalidate_caches()
        return name

    yield write
    for module in [m for m in sys.modules if m.partition(".")[0] in names]:
        del sys.modules[module]


def snapshot(module: ModuleType) -> dict[str, Any]:
    return {name: item for name, item in vars(module).items() if name != "__builtins__"}


def test_names_that_were_imported_from_math_tables_and_defaults(package: Package) -> None:
    name = package(
        __init__="""
            from math import sqrt, sin as sine
            import math as m
            WAYS = {"sine": sine, "root": sqrt}
            def f(x, way=sqrt, *, power=m.pow):
                return way(x) + WAYS["sine"](x) + power(x, 2.0) + m.exp(x)
        """
    )
    lifted = lift(name)
    expected = 0.5 / math.sqrt(0.7) + math.cos(0.7) + 1.4 + math.exp(0.7)
    assert slope(lifted.f, 0.7) == pytest.approx(expected)
    assert lifted.f(0.7) == importlib.import_module(name).f(0.7)


def test_the_original_is_as_it_was(package: Package) -> None:
    name = package(
        __init__="import math\nfrom . import part\ndef f(x): return math.sin(x)", part="x = 1"
    )
    original = importlib.import_module(name)
    before, modules = snapshot(original), dict(sys.modules)
    lifted = lift(name)
    assert slope(lifted.f, 0.0) == 1.0
    assert snapshot(original) == before
    assert {n: m for n, m in sys.modules.items() if n in modules} == modules
    assert lifted is not original
    assert lifted.part is not original.part
    with pytest.raises(TypeError):
        original.f(Value(1.0))


@pytest.mark.parametrize("way", ["name", "module", "function"])
def test_a_target_may_be_a_name_a_module_or_a_function(package: Package, way: str) -> None:
    name = package(part="import math\ndef f(x): return math.sin(x)")
    original = importlib.import_module(f"{name}.part")
    f = {
        "name": lambda: lift(f"{name}.part").f,
        "module": lambda: lift(original).f,
        "function": lambda: lift(original.f),
    }[way]()
    assert slope(f, 0.0) == 1.0
    assert f.__name__ == "f"


def test_submodules_that_are_imported_late(package: Package) -> None:
    name = package(
        __init__="""
            import importlib
            def inside(x):
                from .late import f
                return f(x)
            def by_name(x):
                return importlib.import_module("." + "late", __package__).f(x)
            def __getattr__(name):
                if name == "lazy":
                    from . import late
                    return late
                raise AttributeError(name)
        """,
        late="import math, sys\ndef f(x): return sys.modules[__name__].g(x)\ndef g(x): return math.sin(x)",
    )
    lifted = lift(name)
    assert slope(lifted.inside, 0.0) == 1.0
    assert slope(lifted.by_name, 0.0) == 1.0
    assert slope(lifted.lazy.f, 0.0) == 1.0


@pytest.mark.parametrize("lazy", ["", "def __getattr__(name): raise AttributeError(name)"])
def test_what_is_put_into_the_original_is_missed_by_name(package: Package, lazy: str) -> None:
    name = package(__init__=f"import math\ndef f(x): return math.sin(x)\n{lazy}")
    lifted, original = lift(name), importlib.import_module(name)
    original.late = 1.0
    with pytest.raises(AttributeError, match="'late', which was put into the original: put it"):
        lifted.late  # noqa: B018
    with pytest.raises(AttributeError, match=f"^module '{name}' has no attribute 'never'$"):
        lifted.never  # noqa: B018
    assert not hasattr(lifted, "__wrapped__")


def test_packages_that_it_imports_are_lifted_with_it(package: Package) -> None:
    below = package(
        __init__="import math\ndef f(x): return math.sin(x)", part="from . import f as g"
    )
    name = package(
        __init__=f"import {below}.part as p, {below}\ndef f(x): return p.g(x) + {below}.f(x)"
    )
    assert slope(lift(name).f, 0.0) == 2.0


def test_modules_that_import_each_other_in_a_circle(package: Package) -> None:
    name = package(
        __init__="from . import one",
        one="from . import two\nimport math\ndef f(x): return two.g(x)\ndef h(x): return math.sin(x)",
        two="from . import one\ndef g(x): return one.h(x)",
    )
    assert slope(lift(name).one.f, 0.0) == 1.0


def test_stars_and_dataclasses_and_named_tuples(package: Package) -> None:
    name = package(
        __init__="from .parts import *\nfrom .parts import Pipe",
        parts="""
            from __future__ import annotations
            import dataclasses, math, typing
            __all__ = ["area", "Pair"]
            @dataclasses.dataclass
            class Pipe:
                width: float
                kind: typing.ClassVar[str] = "round"
                def area(self) -> float:
                    return math.pi * math.pow(self.width, 2.0)
            class Pair(typing.NamedTuple):
                x: float
                y: float = 1.0
            def area(width: float) -> float:
                return Pair(Pipe(width).area()).x
        """,
    )
    assert slope(lift(name).area, 1.0) == pytest.approx(2 * math.pi)


def test_exceptions_and_enumerations_are_the_originals(package: Package) -> None:
    name = package(
        __init__="""
            import enum, math
            class Unit(enum.Enum):
                SI = 1
                IP = 2
            class Refused(ValueError):
                pass
            def f(x, unit=Unit.SI):
                if not isinstance(unit, Unit):
                    raise TypeError(unit)
                if x < 0:
                    raise Refused(x)
                return math.sqrt(x) * (2.0 if unit is Unit.IP else 1.0)
        """
    )
    original, lifted = importlib.import_module(name), lift(name)
    assert slope(lambda x: lifted.f(x, original.Unit.IP), 1.0) == 1.0
    with pytest.raises(original.Refused):
        lifted.f(Value(-1.0))


def test_settings_of_the_original_are_taken_over(package: Package) -> None:
    name = package(
        __init__="K = None\ndef use(k):\n    global K\n    K = k\ndef f(x): return K * x"
    )
    original = importlib.import_module(name)
    original.use(3.0)
    lifted = lift(name)
    assert slope(lifted.f, 1.0) == 3.0
    lifted.use(4.0)
    assert slope(lifted.f, 1.0) == 4.0
    assert original.f(1.0) == 3.0


def test_numpys_functions_of_scalars(package: Package) -> None:
    name = package(
        __init__="""
            import numpy as np
            from numpy import radians, where
            import numpy.linalg
            def f(x):
                angle = radians(x)
                y = np.where(x > 0.0, np.arctan2(1.0, angle), 0.0) + where(x < 0.0, 5.0, np.hypot(3.0, x))
                y = y + np.clip(x, 0.0, 100.0) + np.power(2.0, angle)
                y += np.asarray(x, dtype=float) * np.deg2rad(x)
                return y + np.float64(0.5) * np.sqrt(x) + float(np.sum(np.array([x, x], dtype=float)))
            def each(xs):
                return np.exp(np.where(np.array([True, False]), xs, 0.0))
            def out(x):
                values = np.zeros_like(x, dtype=float)
                return np.divide(1.0, x, out=values, where=np.not_equal(x, 0))
            assert numpy.linalg.norm([3.0, 4.0]) == 5.0
        """
    )
    original, lifted = importlib.import_module(name), lift(name)
    value, found = value_and_grad(lifted.f)(30.0)
    assert value == pytest.approx(original.f(30.0), rel=1e-15)
    h = 1e-5
    assert found == pytest.approx((original.f(30.0 + h) - original.f(30.0 - h)) / (2 * h), rel=1e-8)
    plain = [y.data if isinstance(y, Value) else y for y in lifted.each([Value(1.0), 2.0])]
    plain = [y.data if isinstance(y, Value) else y for y in lifted.each([Value(1.0), 2.0])]
    assert list(original.each([1.0, 2.0])) == plain
    assert slope(lifted.out, 2.0) == -0.25


def test_a_compiled_part_is_left_out_where_there_is_a_python_one_and_named_where_not(
    package: Package, tmp_path: Path
) -> None:
    compiled = importlib.import_module("_bisect")
    if not hasattr(compiled, "__file__"):
        pytest.skip("this Python has no extension in a file")
    name = package(
        __init__="",
        either="try:\n    from ._bisect import insort as f\nexcept ImportError:\n    from .slow import f",
        slow="import math\ndef f(x): return math.sin(x)",
        only="from . import _bisect\nf = _bisect.bisect_right",
    )
    shutil.copy(str(compiled.__file__), tmp_path / name)
    assert slope(lift(f"{name}.either").f, 0.0) == 1.0
    assert importlib.import_module(f"{name}.either").f is not lift(f"{name}.slow").f
    with pytest.raises(
        pygrad.LiftError, match=rf"{name}\._bisect cannot be lifted: it is compiled"
    ):
        lift(f"{name}.only")


def test_compiled_modules_of_others_are_named() -> None:
    for thing in ("_struct", "itertools", "numpy.linalg._umath_linalg"):
        with pytest.raises(pygrad.LiftError, match=rf"{thing}.* compiled"):
            lift(thing)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        lift("no_such_package")


def test_a_module_that_fails_leaves_nothing_and_can_be_tried_again(
    package: Package, tmp_path: Path
) -> None:
    name = package(__init__="raise RuntimeError('not today')")
    with pytest.raises(RuntimeError, match="not today"):
        lift(name)
    (tmp_path / name / "__init__.py").write_text(
        "import math\ndef f(x): return math.sin(x)  # now it does"
    )
    importlib.invalidate_caches()
    assert slope(lift(name).f, 0.0) == 1.0


def test_errors_come_from_the_line_that_raises_them(package: Package) -> None:
    name = package(__init__="import math\n\ndef f(x):\n    y = float(x)\n    return math.log(y)\n")
    original, lifted = importlib.import_module(name), lift(name)
    for f, x in ((original.f, -1.0), (lifted.f, -1.0), (lifted.f, Value(-1.0))):
        with pytest.raises(
            ValueError, match=r"math domain error|expected a positive input"
        ) as error:
            f(x)
        assert error.traceback[-1].lineno == 4 or error.traceback[-2].lineno == 4
        assert name in str(error.traceback[1].path)


def test_lifted_twice_is_the_same() -> None:
    assert lift("colorsys") is lift("colorsys")
    assert lift(lift("colorsys")) is lift("colorsys")
    assert lift(math) is lift("math") is lift(lift(math))
    assert lift(math).sin is pygrad.math.sin and not hasattr(lift(math), "where")


def test_threads_that_use_the_original_see_nothing(package: Package) -> None:
    name = package(
        __init__="""
            import math
            def f(x):
                y = x
                for _ in range(50):
                    y = math.sin(float(y)) + (y if isinstance(y, float) else 1e9)
                return y
        """
    )
    original = importlib.import_module(name)
    expected, wrong, done = original.f(0.3), [], threading.Event()

    def plain() -> None:
        while not done.is_set():
            if original.f(0.3) != expected or type(original.f(0.3)) is not float:
                wrong.append(1)

    threads = [threading.Thread(target=plain) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        lifted = lift(name)
        for _ in range(200):
            assert value_and_grad(lifted.f)(0.3)[0] == expected
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_it_compiles_maps_saves_and_is_written_as_c(package: Package, tmp_path: Path) -> None:
    name = package(
        __init__="""
            import math
            def f(x, y):
                return math.sin(float(x)) * y if x > 1.0 else 2.0 ** y * x
        """
    )
    f = lift(name).f
    program = compile(f)
    assert program(0.5, 2.0) == f(0.5, 2.0) == 2.0
    assert program(1.5, 2.0) == f(1.5, 2.0)
    assert list(vmap(f)([0.5, 1.5], [2.0, 2.0])) == [f(0.5, 2.0), f(1.5, 2.0)]
    program.save(tmp_path / "f.pygrad")
    assert pygrad.load(tmp_path / "f.pygrad")(1.5, 2.0) == f(1.5, 2.0)
    assert "sin" in program.to_c(0.5, 2.0)


def test_what_could_not_be_lifted_is_imported_as_ever(package: Package) -> None:
    with pytest.raises(pygrad.LiftError):
        lift("itertools")
    name = package(
        __init__="from itertools import accumulate\ndef f(x): return list(accumulate([x, x]))[1]"
    )
    assert slope(lift(name).f, 1.0) == 2.0


def test_a_part_of_numpy_that_is_compiled_leaves_numpy_as_it_is() -> None:
    before = lift("numpy.linalg")
    with pytest.raises(pygrad.LiftError):
        lift("numpy.linalg._umath_linalg")
    assert lift("numpy.linalg") is before is lift("numpy").linalg


def test_what_was_installed_in_a_folder_of_its_own_is_a_package(
    package: Package, tmp_path: Path
) -> None:
    name = package(__init__="import math\ndef f(x): return math.sin(x)")
    (tmp_path / f"{name}-1.0.dist-info").mkdir()
    f = importlib.import_module(name).f
    assert lift(f) is lift(name).f
    assert slope(lift(f), 0.0) == 1.0
