"""Kinds of code in packages that were written for floats: what they do to classes, tables and modules."""

# ruff: noqa: E501  the sources of packages

from __future__ import annotations

import builtins
import dataclasses
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, hessian, lift, value_and_grad, vmap

SOURCE = """
import builtins, dataclasses, math
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class OutOfRange(Exception):
    x: float
    where: str = "here"
    def __str__(self): return f"{self.x:.2f} {self.where}"

@dataclasses.dataclass
class Colder(OutOfRange.__base__):
    x: float

def checked(x):
    if x < 0:
        raise OutOfRange(x)
    return x * x
def caught(x):
    try:
        return checked(x - 3.0)
    except OutOfRange as error:
        return error.x * error.x

saved = builtins.__import__
builtins.__import__ = lambda *args: saved(*args)
import colorsys
builtins.__import__ = saved

NAMES = {np.power: 2.0, np.exp: 3.0, "sqrt": 5.0}
def of_ufunc(x, ufunc): return NAMES[ufunc] * x * x

OPERATORS = {name: getattr(float, f"__{name}__") for name in ("add", "radd", "sub", "rsub", "mul", "truediv", "rtruediv", "pow", "rpow", "neg", "abs", "mod", "floordiv", "divmod")}
def by_method(x):
    f = OPERATORS
    return (f["add"](x, 1.0) * f["radd"](1.0, x) + f["sub"](1.0, x) * f["rsub"](1.0, x) + f["mul"](2.0, x) + f["truediv"](x, 3.0)
        + f["rtruediv"](x, 3.0) + f["pow"](x, 1.5) + f["rpow"](x, 2.0) + f["pow"](x, x) + f["neg"](x) * f["abs"](x) + f["mod"](x, 0.4) + f["floordiv"](x, 0.4) + f["divmod"](x, 0.4)[1])
def compared(x): return x * x if float.__lt__(x, 2.0) and float.__ge__(1.5, x) and not float.__eq__(x, 1.0) else -x

def annuity(rate, n):
    rate, n = np.array(rate), np.array(n)
    result = np.where(rate == 0, n, (1 - (1 + rate)**-n) / rate)
    return result[()] + np.asarray(rate)[...] * 2 + np.squeeze(rate * n)[()]
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "in_use.py").write_text(SOURCE, encoding="utf-8")
    (folder / "in_use-1.dist-info").mkdir()
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module("in_use"), lift("in_use")
    finally:
        sys.path.remove(str(folder))


@pytest.mark.parametrize("name", ["by_method", "compared", "caught"])
def test_it_is_what_it_is_for_floats(packages: tuple[Any, Any], name: str) -> None:
    plain, lifted = (getattr(package, name) for package in packages)
    x, h = 1.3, 1e-6
    slope = (plain(x + h) - plain(x - h)) / (2 * h)
    assert lifted(x) == plain(x)
    assert value_and_grad(lifted)(x) == (pytest.approx(plain(x)), pytest.approx(slope, rel=1e-6))
    assert compile(grad(lifted))(x) == pytest.approx(slope, rel=1e-6)
    assert vmap(grad(lifted))([1.1, x])[1] == pytest.approx(slope, rel=1e-6)
    curvature = (plain(x + 1e-4) - 2 * plain(x) + plain(x - 1e-4)) / 1e-8
    assert grad(grad(lifted))(x) == pytest.approx(curvature, rel=1e-4)


def test_an_array_of_one_becomes_a_number(packages: tuple[Any, Any]) -> None:
    plain, lifted = (package.annuity for package in packages)
    point, h = (0.05, 10.0), 1e-6
    slope = (plain(0.05 + h, 10.0) - plain(0.05 - h, 10.0)) / (2 * h)
    value, (by_rate, _) = value_and_grad(lifted, (0, 1))(*point)
    assert (value, by_rate) == (pytest.approx(plain(*point)), pytest.approx(slope, rel=1e-8))
    assert lifted(*point) == plain(*point)
    assert compile(grad(lifted))(*point) == pytest.approx(by_rate)
    assert vmap(grad(lifted), in_axes=(0, None))([0.04, 0.05], 10.0)[1] == pytest.approx(by_rate)
    assert hessian(lambda p: lifted(*p))([*point])[0][0] == pytest.approx(
        (plain(0.051, 10.0) - 2 * plain(*point) + plain(0.049, 10.0)) / 1e-6, rel=1e-3
    )
    many = lifted(np.array([0.04, 0.05]), 10.0)
    assert many.tolist() == plain(np.array([0.04, 0.05]), 10.0).tolist()


def test_exceptions_that_are_dataclasses(packages: tuple[Any, Any]) -> None:
    plain, lifted = packages
    assert lifted.OutOfRange is plain.OutOfRange
    assert [field.name for field in dataclasses.fields(plain.OutOfRange)] == ["x", "where"]
    assert plain.Colder.__init__ is lifted.Colder.__init__
    for call in (lifted.checked, grad(lifted.checked), compile(lifted.checked)):
        with pytest.raises(plain.OutOfRange, match=r"^-2\.50 here$"):
            call(-2.5)


def test_a_table_of_ufuncs_has_those_that_numpy_asks_for(packages: tuple[Any, Any]) -> None:
    lifted = packages[1]
    assert grad(lambda x: lifted.of_ufunc(x, np.power))(3.0) == 12.0
    assert lifted.np.exp in lifted.NAMES and np.exp in lifted.NAMES and "sqrt" in lifted.NAMES
    assert lifted.np.exp != np.sqrt and {np.exp: 1}[lifted.np.exp] == 1


def test_import_of_others_stays_what_it_is(packages: tuple[Any, Any]) -> None:
    """Though a package has put another one into builtins, and what it had found there back."""
    assert "pygrad" not in (builtins.__import__.__module__ or "")


def test_compiled_functions_may_capture_objects_whose_class_says_no_module() -> None:
    class Bare:
        @property
        def __module__(self) -> Any:  # type: ignore[override]
            return None

        def __init__(self, f: Any) -> None:
            self.f = f

        def __call__(self, x: Any) -> Any:
            return self.f(x)

    bare = Bare(lambda x: x * x)
    assert compile(grad(bare))(3.0) == 6.0
    assert compile(lambda x: bare(x) + 1.0)(3.0) == 10.0


def test_functions_that_sympy_makes_of_formulas(tmp_path: Path) -> None:
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("a b")
    formula = sympy.sin(a) * sympy.exp(-(b**2)) + sympy.Piecewise((a * b, a > b), (b, True))

    @lift
    def made(x: Any, y: Any, module: str) -> Any:
        return sympy.lambdify((a, b), formula, module)(x, y)

    for module in ("math", "numpy"):
        value, slopes = value_and_grad(made, (0, 1))(1.2, 0.7, module)
        at = {a: 1.2, b: 0.7}
        assert value == pytest.approx(float(formula.subs(at)))
        assert slopes == pytest.approx([float(formula.diff(by).subs(at)) for by in (a, b)])
    with pytest.raises(TypeError, match="derivative would be lost"):
        grad(lift(lambda x: sympy.log(x)))(1.2)
    assert not any(name.startswith("pygrad.lifted.sympy") for name in sys.modules)
    assert isinstance(Value(1.0), Value)
