"""Modules that mypyc or Cython compiled from Python are lifted from the source beside them."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exported import COMPILER, needs_compiler

import pygrad
from pygrad import LiftError, grad, lift, vmap

pytestmark = needs_compiler

COMPILED = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *cube(PyObject *module, PyObject *x)
{
    double value = PyFloat_AsDouble(x);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(value * value * value);
}
static PyMethodDef functions[] = {{"cube", cube, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "NAME", NULL, -1, functions, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_NAME(void)
{
    return PyModule_Create(&definition);
}
"""
SOURCE = "def cube(x):\n    return float(x) ** 3\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module of C."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "inner.c").write_text(COMPILED.replace("NAME", "inner"))
    made = folder / f"inner{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [str(COMPILER), "-shared", "-fPIC", "-o", str(made), str(folder / "inner.c")]
    subprocess.run([*command, f"-I{sysconfig.get_path('include')}"], check=True)
    return made


@pytest.fixture
def package(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with that module and five others of its kind."""
    folder = tmp_path / tmp_path.name
    folder.mkdir()
    (folder / "__init__.py").write_text(f"from {folder.name}.inner import cube\n")
    shutil.copy(compiled, folder)
    for k in range(5):
        (folder / f"part{k}.abi3.so").write_text("")
        (folder / f"part{k}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_the_source_beside_is_lifted(package: Path) -> None:
    (package / "inner.py").write_text(SOURCE)
    original: Any = importlib.import_module(package.name)
    assert not hasattr(original.cube, "__code__")
    lifted = lift(package.name)
    assert grad(lifted.cube)(2.0) == 12.0 and lifted.cube(2.0) == 8.0
    assert grad(lift(original.cube))(2.0) == 12.0
    cube = original.cube
    assert grad(lift(lambda x: cube(x) + original.cube(x)))(2.0) == 24.0
    assert vmap(grad(lift(f"{package.name}.inner").cube))([1.0, 2.0]).tolist() == [3.0, 12.0]


def test_without_it_the_module_is_named(package: Path) -> None:
    for source in package.glob("part*.py"):
        source.unlink()
    with pytest.raises(LiftError, match=rf"{package.name} cannot be lifted: it is compiled"):
        lift(package.name)
    cube = importlib.import_module(package.name).cube
    with pytest.raises(pygrad.LiftError, match="cube"):
        lift(cube)
