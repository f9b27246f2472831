"""What is installed where there is no C compiler, where one is required, and where the C has a mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "pygrad",
    "csrc",
    "build.py",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)

pytestmark = pytest.mark.long


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def copied(place: Path) -> Path:
    """A copy of what a build needs."""
    folder = place / "checkout"
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def without_settings() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PYGRAD_")}


def build(checkout: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`pip wheel` into the folder `wheels`."""
    return subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--wheel-dir", "wheels", "."],
        cwd=checkout, env={**without_settings(), **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_without_a_compiler_the_package_is_installed_and_runs_on_the_reference(checkout, tmp_path):
    done = build(checkout, CC="there-is-no-such-compiler")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr  # setuptools' classes of warnings end so
    (wheel,) = (checkout / "wheels").iterdir()
    assert wheel.name.startswith("pygrad_core-") and wheel.name.endswith("-py3-none-any.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = tmp_path / "site" / "program.py"  # its folder comes first on sys.path
    program.write_text(
        "import pygrad\nx = pygrad.Value(3.0)\n(x * x).backward()\nprint(x.grad, pygrad.IMPLEMENTATION)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=without_settings(),
    )  # fmt: skip
    assert ran.stdout == "6.0 reference\n"
    assert ran.stderr.count("RuntimeWarning: pygrad has no C extension here") == 1


PROGRAM = """
import sys
import warnings
with warnings.catch_warnings(record=True) as told:
    sys.platform = sys.argv[1] if len(sys.argv) > 1 else sys.platform
    import pygrad
print(*[warning.message for warning in told])
from pygrad import Value, nn
a, b = Value(2.0), Value(-3.0)
loss = (nn.MLP(2, [3, 1])([a, b]) - 1.0) ** 2
loss.backward()
(a * b + a**2).backward()
print(pygrad.IMPLEMENTATION, "numpy" in sys.modules)
for use in (
    lambda: pygrad.compile,
    lambda: pygrad.taylor,
    lambda: pygrad.explore(a),
    lambda: pygrad.explore(a * b),
    lambda: pygrad.debug_nans().__enter__(),
):
    try:
        use()
    except (ImportError, NotImplementedError) as error:
        print(error)
"""


@pytest.fixture(scope="module")
def pure(tmp_path_factory):
    """An environment with nothing but the wheel that docs/values.md says how to build."""
    folder = tmp_path_factory.mktemp("pure")
    checkout = copied(folder)
    done = build(checkout, PYGRAD_PURE="1")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (checkout / "wheels").iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, env=without_settings())
    return python, wheel


@pytest.mark.parametrize(
    ("platform", "cure"),
    [("linux", "install a C compiler"), ("emscripten", "run it in a Python outside the browser")],
)
def test_a_pure_wheel_runs_and_says_what_it_lacks(pure, tmp_path, platform, cure):
    python, _ = pure
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    ran = subprocess.run(
        [python, program, platform], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=without_settings(),
    )  # fmt: skip
    assert ran.stderr == ""
    warning, implementation, *errors = ran.stdout.splitlines()
    assert implementation == "reference False"
    assert warning.startswith("pygrad has no C extension here: ")
    assert "without compile, vmap, explore, Taylor series and derivatives of derivatives" in warning
    assert len(errors) == 5
    assert [text for text in (warning, *errors) if cure not in text] == []


def micrograds_tests() -> str:
    text = (ROOT / "tests" / "isolated" / "micrograd_tests.py").read_text(encoding="utf-8")
    return text.replace("from micrograd.engine", "from pygrad.engine") + "\nprint('passed')\n"


def test_micrograds_tests_pass_on_a_pure_wheel(pure, tmp_path):
    python, _ = pure
    program = tmp_path / "program.py"
    program.write_text(micrograds_tests())
    ran = subprocess.run(
        [python, "-W", "ignore", program], capture_output=True, text=True, check=False,
        env=without_settings(),
    )  # fmt: skip
    assert (ran.stdout.splitlines()[-1:], ran.stderr) == (["passed"], "")


def test_micrograds_tests_pass_in_pyodide(pure):
    """CPython for browsers, here in Node.js: PYGRAD_PYODIDE is the folder of npm's package pyodide."""
    folder = os.environ.get("PYGRAD_PYODIDE")
    if not folder or shutil.which("node") is None:
        pytest.skip("PYGRAD_PYODIDE names no folder, or there is no Node.js")
    _, wheel = pure
    ran = subprocess.run(
        ["node", ROOT / "tests" / "lib" / "in_pyodide.mjs", folder, wheel],
        input=micrograds_tests(), capture_output=True, text=True, check=False,
        env={k: v for k, v in without_settings().items() if k != "LD_PRELOAD"},
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1:] == ["passed"], ran.stdout + ran.stderr
    assert "pygrad has no C extension here: it is not built for browsers" in ran.stderr


def test_where_the_extension_is_required_a_missing_compiler_ends_the_build(checkout):
    done = build(checkout, CC="there-is-no-such-compiler", PYGRAD_REQUIRE_COMPILED="1")
    assert done.returncode != 0
    assert (
        "PYGRAD_REQUIRE_COMPILED is set, and no C compiler works here" in done.stdout + done.stderr
    )


def test_a_mistake_in_the_c_code_ends_the_build(checkout):
    with (checkout / "csrc" / "graph" / "sort.c").open("a", encoding="utf-8") as file:
        file.write("#error a mistake of ours\n")
    done = build(checkout)
    assert done.returncode != 0
    assert "a mistake of ours" in done.stdout + done.stderr
