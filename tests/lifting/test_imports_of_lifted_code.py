"""Import statements within lifted functions: what they give at each call, and whom they ask."""

from __future__ import annotations

import builtins
import importlib
import os.path
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygrad import grad, lift
from pygrad.core.implementation import IMPLEMENTATION

PACKAGE = "imported_within"
SOURCE = """
def by_name(x):
    from math import sin
    from imported_within import late, K
    from imported_within.late import square
    return K * sin(x) + late.square(x) + square(x)
def dotted(x):
    import imported_within.late
    import os.path
    assert os.path.basename("a/b") == "b"
    return imported_within.late.square(x)
def made(x):
    from imported_within import lazy
    return lazy * x
def missing(x):
    from imported_within import nothing
def asked(x):
    return __import__("imported_within.late", fromlist=["square"]).square(x) + __import__("math").sin(x)
def __getattr__(name):
    if name == "lazy": return 7.0
    raise AttributeError(name)
K = 3.0
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "__init__.py").write_text(SOURCE)
    (tmp_path / PACKAGE / "late.py").write_text("def square(x): return float(x) ** 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module(PACKAGE), lift(PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["by_name", "dotted", "made", "asked"])
def test_each_call_gives_what_the_first_gave(packages: tuple[Any, Any], name: str) -> None:
    plain, lifted = (getattr(package, name) for package in packages)
    step = 1e-5
    slope = (plain(0.7 + step) - plain(0.7 - step)) / (2 * step)
    for _ in range(3):
        assert lifted(0.7) == plain(0.7)
        assert grad(lifted)(0.7) == pytest.approx(slope, rel=1e-9)


def test_names_that_are_not_there_are_errors_at_each_call(packages: tuple[Any, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ImportError, match="cannot import name 'nothing'"):
            packages[1].missing(1.0)


def test_what_is_put_into_the_table_of_modules_is_found(packages: tuple[Any, Any]) -> None:
    lifted = packages[1]
    assert lifted.dotted(2.0) == 4.0
    in_table = lift("sys").modules
    late = in_table.pop(f"{PACKAGE}.late")
    assert lifted.dotted(3.0) == 9.0
    assert in_table[f"{PACKAGE}.late"] is not late


def test_imports_of_others_ask_who_has_replaced_pythons_own(
    packages: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, original = [], builtins.__import__

    def noting(name: str, *args: Any, **named: Any) -> Any:
        asked.append(name)
        return original(name, *args, **named)

    assert packages[1].dotted(2.0) == packages[1].dotted(2.0) == 4.0
    monkeypatch.setattr(builtins, "__import__", noting)
    packages[1].dotted(2.0)
    assert asked == ["os.path"]


def test_a_package_whose_modules_others_have_imported_has_them(packages: tuple[Any, Any]) -> None:
    """`import package.late` in a script binds the package alone."""
    package = importlib.import_module(f"{PACKAGE}.late") and packages[0]
    assert grad(lift(lambda x: package.late.square(x)))(3.0) == 6.0
    with pytest.raises(AttributeError, match="no attribute 'never'"):
        lift(lambda x: package.never.square(x))(3.0)


def test_scipys_modules_come_by_each_kind_of_statement() -> None:
    pytest.importorskip("scipy")

    @lift
    def f(x: Any) -> Any:
        import scipy.linalg
        import scipy.special
        from scipy.constants import R
        from scipy.optimize import brentq

        assert scipy.linalg.norm([3.0, 4.0]) == 5.0
        return scipy.special.erf(x) * brentq(lambda t: t * t - x, 0.0, 3.0) / R * R

    assert f(1.0) == f(1.0) == pytest.approx(0.8427007929497149)
    assert grad(f)(1.0) == grad(f)(1.0) == pytest.approx(0.41510749742059466 + 0.42135039647485745)


@pytest.mark.skipif(IMPLEMENTATION != "compiled", reason="of the compiled implementation")
def test_what_it_is_made_of_is_checked() -> None:
    from pygrad import _native

    tables = ({}, {}, {}, {}, {}, [None], vars(builtins), os.path.join)
    assert _native.importer(tables)("a", "b") == os.path.join("a", "b")
    for bad in (tables[1:], (*tables[:5], [], *tables[6:]), (*tables[:6], [], print), 1):
        with pytest.raises(TypeError, match="importer\\(\\) takes a tuple of five dicts"):
            _native.importer(bad)
