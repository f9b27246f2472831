"""PYGRAD_IMPL chooses the implementation of a whole program; without the extension it is the reference."""

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


def test_both_implementations_offer_the_same():
    from pygrad import reference, value

    assert value.__all__ == reference.__all__
    assert all(hasattr(module, name) for module in (value, reference) for name in value.__all__)


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


# -- without the extension ----------------------------------------------------------------------


def without_extension(folder: Path) -> Path:
    """The Python files alone, in a folder that then comes first on a program's sys.path."""
    source = Path(pygrad.__file__).parent
    shutil.copytree(
        source,
        folder / "pygrad",
        ignore=lambda folder, names: [
            n for n in names if n.startswith("_core") and n != "_core.pyi"
        ],
    )
    return folder


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    """A fresh checkout: the sources of the extension are there."""
    (tmp_path / "build.py").touch()
    (tmp_path / "csrc").mkdir()
    return without_extension(tmp_path)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A package that was installed where there was no C compiler."""
    return without_extension(tmp_path)


@pytest.mark.parametrize("module", ["pygrad", "pygrad.engine", "pygrad.nn", "pygrad.value"])
def test_an_unbuilt_checkout_says_how_to_build_and_what_else_would_work(
    run_isolated, unbuilt, module
):
    program = unbuilt / "program.py"
    program.write_text(f"import {module}\n", encoding="utf-8")
    done = run_isolated(program, check=False)
    assert done.returncode == 1
    (message,) = [
        line for line in done.stderr.splitlines() if line.startswith("ImportError: pygrad")
    ]
    assert "not built" in message
    assert "pip install ." in message
    assert "PYGRAD_IMPL=reference" in message
    assert "circular" not in done.stderr
    assert "direct cause" not in done.stderr
    assert "another exception" not in done.stderr


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


# Run with warnings as errors, so the filters are set anew: a warning is kept, and shown on stdout.
FALLEN_BACK = """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import pygrad, pygrad.nn
    from pygrad.engine import Value
x = Value(3.0)
(x * x).backward()
print(pygrad.IMPLEMENTATION, x.grad, len(said))
for warning in said:
    print(warning.category.__name__, warning.filename, warning.lineno)
    print(warning.message)
for use in (lambda: pygrad.compile, lambda: pygrad.vmap, lambda: pygrad.debug_nans().__enter__()):
    try:
        use()
    except (ImportError, NotImplementedError) as error:
        print(error)
"""


def test_a_package_without_its_extension_says_so_once_and_works(run_isolated, installed):
    program = installed / "program.py"
    program.write_text(FALLEN_BACK, encoding="utf-8")
    first, place, message, *errors = run_isolated(program).stdout.splitlines()
    assert first == "reference 6.0 1"
    assert place == f"RuntimeWarning {program} 5"
    assert "no C compiler was found" in message
    for text in (message, *errors):
        assert "install a C compiler" in text
        assert "pip install pygrad-core --force-reinstall" in text
    assert len(errors) == 3
    assert "unset" not in "".join(errors)


def test_asked_for_the_reference_it_says_nothing(run_isolated, installed):
    program = installed / "program.py"
    program.write_text("import pygrad\nprint(pygrad.IMPLEMENTATION)\n", encoding="utf-8")
    assert run_isolated(program, env={"PYGRAD_IMPL": "reference"}).stdout == "reference\n"


@pytest.mark.parametrize("setting", ["PYGRAD_REQUIRE_COMPILED=1", "PYGRAD_IMPL=compiled"])
def test_a_missing_extension_is_an_error_where_it_is_required(run_isolated, installed, setting):
    program = installed / "program.py"
    program.write_text("import pygrad\n", encoding="utf-8")
    done = run_isolated(program, env=dict([setting.split("=")]), check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: pygrad was installed without its C extension"
    )


def test_info_says_so_and_how_to_mend_it(run_isolated, installed):
    program = installed / "program.py"
    program.write_text(
        "import sys, warnings\nwarnings.simplefilter('ignore')\n"
        "from pygrad.command_line.main import main\nsys.exit(main(['info']))\n",
        encoding="utf-8",
    )
    shown = run_isolated(program).stdout.splitlines()
    assert "implementation        reference" in shown
    assert any(line.startswith("extension missing") for line in shown)
    assert any(line.startswith("extension cure") and "C compiler" in line for line in shown)
