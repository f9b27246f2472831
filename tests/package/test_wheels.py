"""Wheels are made for what pyproject.toml names, and what is left out is left out by name."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WHEELS = PROJECT["tool"]["cibuildwheel"]
FOR_WINDOWS = "x86_64-w64-mingw32-gcc"


def is_built(identifier):
    built = any(fnmatch.fnmatch(identifier, pattern) for pattern in WHEELS["build"].split())
    return built and not any(
        fnmatch.fnmatch(identifier, pattern) for pattern in WHEELS["skip"].split()
    )


@pytest.mark.parametrize("platform", ["manylinux_x86_64", "manylinux_aarch64", "macosx_arm64"])
def test_each_python_that_is_named_is_tried_on_each_platform(platform):
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert named
    for version in named:
        assert is_built(f"cp{version.replace('.', '')}-{platform}")


@pytest.mark.parametrize(
    "identifier",
    ["cp313t-manylinux_x86_64", "cp314t-macosx_arm64", "cp312-musllinux_x86_64", "cp312-win_amd64"],
)
def test_what_was_not_tried_is_left_out(identifier):
    assert not is_built(identifier)


@pytest.mark.skipif(not shutil.which(FOR_WINDOWS), reason="there is no GCC for Windows")
def test_the_c_core_compiles_for_windows():
    files = [
        path for part in ("ops", "graph", "program") for path in (ROOT / "csrc" / part).glob("*.c")
    ]
    flags = [
        "-std=c11",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-missing-field-initializers",
    ]
    done = subprocess.run(
        [FOR_WINDOWS, *flags, f"-I{ROOT / 'csrc'}", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(files) > 50


def test_a_wheel_without_the_extension_cannot_come_out():
    places = [WHEELS, *(WHEELS[name] for name in ("macos", "linux") if name in WHEELS)]
    assert all(place["environment"]["PYGRAD_REQUIRE_COMPILED"] == "1" for place in places)


def test_what_is_tried_is_there():
    tried = [word for word in WHEELS["test-command"].split() if word.startswith("tests/")]
    assert tried
    assert all((ROOT / path).exists() for path in (*tried, *WHEELS["test-sources"]))


def test_the_code_host_runs_what_is_run_here():
    """The steps stand in .ci/run alone."""
    text = (ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")
    assert re.findall(r"bash \S+", text) == ["bash .ci/run"]
