"""The names of `pygrad`: one table, which type checkers, `dir` and `import *` agree with."""

from __future__ import annotations

import ast
import builtins
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pygrad

PLACES: dict[str, str] = pygrad._PLACES
MODULES = {name for name, place in PLACES.items() if not place}
SECOND = {"jit": "compile", "jacobian": "jacrev"}
OPTIONAL = {"dask", "plot", "scipy"}  # modules of what an optional library is needed for


def run(program: str, folder: Path, *options: str) -> str:
    """What a program prints, in a process that has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_type_checkers_see_what_the_table_says():
    source = ast.parse(Path(pygrad.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in source.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names:
            assert alias.asname == alias.name, "not exported"
            seen[alias.name] = node.module.partition(".")[2]
    assert seen == PLACES
    assert list(PLACES) == sorted(PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_every_name_is_there(name):
    if name in OPTIONAL:
        pytest.importorskip({"plot": "matplotlib"}.get(name, name))
    found = getattr(pygrad, name)
    assert found.__name__ == (f"pygrad.{name}" if name in MODULES else SECOND.get(name, name))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'pygrad' has no attribute 'gard'"):
        pygrad.gard  # noqa: B018


def test_jit_is_compile():
    assert pygrad.jit is pygrad.compile


def test_dir_shows_what_a_user_may_call_and_nothing_else(tmp_path):
    for used in ("", "pygrad.grad, pygrad.nn, pygrad.compile; import pygrad.programs.mapped; "):
        shown = run(f"import pygrad; {used}print(*dir(pygrad))", tmp_path).split()
        assert shown == sorted({*PLACES, "IMPLEMENTATION", "__version__"})


@pytest.mark.parametrize("implementation", ["compiled", "reference"])
def test_import_star_brings_all_of_it_and_no_module(tmp_path, monkeypatch, implementation):
    monkeypatch.setenv("PYGRAD_IMPL", implementation)
    program = (
        "before = {*globals(), 'before'}\n"
        "from pygrad import *\n"
        "print(*sorted({*globals()} - before))"
    )
    assert run(program, tmp_path).split() == sorted(pygrad.__all__)
    assert MODULES.isdisjoint(pygrad.__all__)


def test_the_builtin_that_import_star_replaces_is_named():
    assert {*pygrad.__all__} & {*dir(builtins)} == {"sum"}
    assert "takes a builtin's place: `sum`" in " ".join(pygrad.__doc__.split())
    assert pygrad.sum([1, 2.5], 0.5) == sum([1, 2.5], 0.5)


def test_importing_pygrad_imports_little_else(tmp_path):
    loaded = run(
        "import sys; before = {*sys.modules}; import pygrad; print(*({*sys.modules} - before))",
        tmp_path,
    ).split()
    ours = {name for name in loaded if name.startswith("pygrad")}
    assert ours <= {
        "pygrad", "pygrad._core", "pygrad._core.lib", "pygrad._native", "pygrad.arrays",
        "pygrad.arrays.elementary", "pygrad.arrays.engines", "pygrad.arrays.lazily", "pygrad.core",
        "pygrad.core.distribution", "pygrad.core.implementation", "pygrad.value", "pygrad.version",
    }  # fmt: skip
    assert "numpy" not in loaded
    assert (
        run("import sys, pygrad, pygrad.nn, pygrad.optim; print('numpy' in sys.modules)", tmp_path)
        == "False\n"
    )


def test_the_first_array_brings_none_of_numpys_functions(tmp_path):
    loaded = run(
        "import sys, numpy as np, pygrad\n"
        "pygrad.vmap(lambda x: x[0] * x[1])(np.ones((3, 2)))\n"
        "print(*(name for name in sys.modules if name.startswith('pygrad.arrays.')))",
        tmp_path,
    ).split()
    assert "pygrad.arrays.array" in loaded
    assert not {"pygrad.arrays.functions", "pygrad.arrays.ufuncs"} & {*loaded}


def test_a_first_call_waits_for_no_import(tmp_path):
    loaded = run(
        "import sys, numpy as np, pygrad\n"
        "rows = pygrad.vmap(lambda p, x: p[0] * x[1], (None, 0), 'mean')\n"
        "f = pygrad.compile(pygrad.value_and_grad(rows))\n"
        "before = {*sys.modules}\n"
        "f(np.ones(2), np.ones((3, 2)))\n"
        "print(*({*sys.modules} - before))",
        tmp_path,
    ).split()
    assert loaded == []


@pytest.mark.parametrize("name", ["grad", "value_and_grad"])
def test_help_shows_a_signature_and_each_argument(name):
    function = getattr(pygrad, name)
    text = inspect.getdoc(function)
    for parameter in inspect.signature(function).parameters:
        assert f"\n    {parameter}: " in text, parameter
