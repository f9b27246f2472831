"""What is installed where there is no C compiler, where one is required, and where the C has a mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
    """A copy of what a build needs."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def build(checkout: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`pip wheel` into the folder `wheels`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYGRAD_")}
    return subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--wheel-dir", "wheels", "."],
        cwd=checkout, env={**environment, **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_without_a_compiler_the_package_is_installed_and_runs_on_the_reference(checkout, tmp_path):
    done = build(checkout, CC="there-is-no-such-compiler")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (checkout / "wheels").iterdir()
    assert wheel.name.startswith("pygrad_core-") and wheel.name.endswith("-py3-none-any.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = tmp_path / "site" / "program.py"  # its folder comes first on sys.path
    program.write_text(
        "import pygrad\nx = pygrad.Value(3.0)\n(x * x).backward()\nprint(x.grad, pygrad.IMPLEMENTATION)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYGRAD_")},
    )  # fmt: skip
    assert ran.stdout == "6.0 reference\n"
    assert ran.stderr.count("RuntimeWarning: pygrad has no C extension here") == 1


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
