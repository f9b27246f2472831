"""PYGRAD_IMPL chooses the implementation of a whole program; an unbuilt checkout says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import pygrad


def lines(done) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("setting", [None, "", "compiled"])
def test_a_program_is_compiled_unless_told_otherwise(run_isolated, setting):
    env = {} if setting is None else {"PYGRAD_IMPL": setting}
    found = lines(run_isolated("whole_program.py", env=env))
    assert found["implementation"] == "compiled"
    assert found["kinds"] == "pygrad.Value"


def test_the_reference_takes_over_value_math_nn_and_optim(run_isolated):
    found = lines(run_isolated("whole_program.py", env={"PYGRAD_IMPL": "reference"}))
    assert found["implementation"] == "reference"
    assert found["kinds"] == "pygrad.reference.Value"


def test_both_implementations_end_a_training_run_with_the_same_bits(run_isolated):
    compiled, reference = (
        lines(run_isolated("whole_program.py", env={"PYGRAD_IMPL": name}))["loss"]
        for name in ("compiled", "reference")
    )
    assert compiled == reference
    assert len(compiled.split()) == 14


def test_a_program_on_the_reference_loads_no_extension(run_isolated, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, pygrad, pygrad.nn, pygrad.optim, pygrad.math\n"
        "print(*sorted(m for m in sys.modules if m.startswith('pygrad')))\n",
        encoding="utf-8",
    )
    names = run_isolated(program, env={"PYGRAD_IMPL": "reference"}).stdout.split()
    assert "pygrad.reference" in names
    assert {"pygrad._core", "pygrad._native", "pygrad.value"}.isdisjoint(names)


@pytest.mark.parametrize("setting", ["Reference", "python", "c", "1", " compiled"])
def test_an_unknown_setting_is_an_import_error_that_names_the_two(run_isolated, setting):
    done = run_isolated("whole_program.py", env={"PYGRAD_IMPL": setting}, check=False)
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: ")
    assert repr(setting) in message
    assert "compiled" in message
    assert "reference" in message


@pytest.mark.parametrize("module", ["engine", "nn", "optim", "math"])
def test_every_module_looks_at_the_setting(run_isolated, tmp_path, module):
    program = tmp_path / "program.py"
    program.write_text(f"import pygrad.{module}\n", encoding="utf-8")
    done = run_isolated(program, env={"PYGRAD_IMPL": "nonsense"}, check=False)
    assert "ImportError" in done.stderr


# -- an unbuilt checkout ------------------------------------------------------------------------


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    """A folder with the Python files alone, as in a fresh checkout."""
    source = Path(pygrad.__file__).parent
    shutil.copytree(
        source,
        tmp_path / "pygrad",
        ignore=lambda folder, names: [
            n for n in names if n.startswith("_core") and n != "_core.pyi"
        ],
    )
    return tmp_path


@pytest.mark.parametrize("module", ["pygrad", "pygrad.engine", "pygrad.nn", "pygrad.value"])
def test_an_unbuilt_checkout_says_how_to_build_and_what_else_would_work(
    run_isolated, unbuilt, module
):
    program = unbuilt / "program.py"  # its folder comes first on sys.path
    program.write_text(f"import {module}\n", encoding="utf-8")
    done = run_isolated(program, check=False)
    assert done.returncode == 1
    (message,) = [
        line for line in done.stderr.splitlines() if line.startswith("ImportError: pygrad")
    ]
    assert "not built" in message
    assert "pip install ." in message
    assert "PYGRAD_IMPL=reference" in message


def test_an_unbuilt_checkout_works_on_the_reference(run_isolated, unbuilt):
    program = unbuilt / "program.py"
    program.write_text(
        "from pygrad import Value\nimport pygrad\nx = Value(3.0)\n(x * x).backward()\n"
        "print(x.grad, pygrad.__file__)\n",
        encoding="utf-8",
    )
    grad, file = run_isolated(program, env={"PYGRAD_IMPL": "reference"}).stdout.split(maxsplit=1)
    assert grad == "6.0"
    assert Path(file.strip()).parent == unbuilt / "pygrad"
