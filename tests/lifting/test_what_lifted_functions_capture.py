"""What stands around a lifted function: objects of the user's and of packages, functions of numba."""

from __future__ import annotations

import functools
import importlib
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pygrad import compile, grad, lift, vmap

SOURCE = """
import math
rate = 2.0
class Model:
    def predict(self, x): return math.sin(rate * x)
def push(name, item):
    globals()[name] = item
"""


class Model:
    def __init__(self) -> None:
        self.rate = 2.0

    def predict(self, x: float) -> float:
        return math.sin(self.rate * x)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "captured_kinds.py").write_text(SOURCE)
    (tmp_path / "some.dist-info").mkdir()  # as where packages are installed
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("captured_kinds")
    sys.modules.pop("captured_kinds")


def closing_over(model: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        return model.predict(x)

    return f


def test_an_object_in_a_closure_is_lifted_as_a_global_one() -> None:
    model = Model()
    f = lift(closing_over(model))
    for rate in (2.0, 3.0):
        model.rate = rate
        slope = rate * math.cos(rate * 0.3)
        assert grad(f)(0.3) == pytest.approx(slope)
        assert vmap(grad(f))(np.array([0.3])) == pytest.approx([slope])
    assert compile(grad(f))(0.3) == pytest.approx(3.0 * math.cos(0.9))


def test_a_variable_that_lifted_code_assigns_stays_the_one_that_others_see() -> None:
    model: Any = Model()

    @lift
    def f(x: Any) -> Any:
        nonlocal model
        model = Model()
        model.rate = 5.0
        return 2.0 * x

    before = model
    assert grad(f)(0.3) == 2.0
    assert model is not before and model.rate == 5.0


def test_errors_name_objects_that_the_original_package_made(package: Any) -> None:
    for f in (lift(closing_over(package.Model())), lift(GLOBAL["f"])):
        GLOBAL["model"] = package.Model()
        with pytest.raises(TypeError) as caught:
            grad(f)(0.3)
        text = "".join(traceback.format_exception_only(caught.value))
        assert "a Model of the original captured_kinds, which takes floats alone" in text
        assert "pygrad.lift('captured_kinds')" in text
    made = lift("captured_kinds").Model()
    assert grad(lift(closing_over(made)))(0.3) == pytest.approx(2.0 * math.cos(0.6))


GLOBAL: dict[str, Any] = {"__name__": "__main__"}
exec("def f(x): return model.predict(x)", GLOBAL)


def test_what_was_put_into_the_original_alone_is_told_of(package: Any) -> None:
    package.push("later", 3.0)
    lifted = lift("captured_kinds")
    with pytest.raises(AttributeError, match=r"the lifted module .* put it into what lift"):
        lifted.later  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'captured_kinds' has no attribute 'never'"):
        lifted.never  # noqa: B018
    lifted.push("later", 4.0)
    assert (lifted.later, package.later) == (4.0, 3.0)


def test_functions_that_numba_has_compiled_are_lifted_as_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dispatcher:
        def __init__(self, py_func: Any) -> None:
            functools.update_wrapper(self, py_func)
            self.py_func = py_func

        def __call__(self, x: Any) -> Any:
            if type(x) is not float:
                raise RuntimeError("nopython")
            return self.py_func(x)

    Dispatcher.__module__ = "numba.core.registry"
    monkeypatch.setitem(sys.modules, "numba", ModuleType("numba"))
    inner = Dispatcher(lambda x: math.sin(x))
    outer = Dispatcher(lambda x: inner(x) * x)
    f = lift(lambda x: outer(x))
    assert f(0.7) == outer(0.7)
    assert grad(f)(0.7) == pytest.approx(math.sin(0.7) + 0.7 * math.cos(0.7))
    with pytest.raises(RuntimeError, match="nopython"):
        grad(lambda x: outer(x))(0.7)
