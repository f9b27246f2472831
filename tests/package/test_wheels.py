"""Wheels are made for what pyproject.toml names, and what is left out is left out by name."""

from __future__ import annotations

import fnmatch
import math
import re
import runpy
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WHEELS = PROJECT["tool"]["cibuildwheel"]
BUILD = runpy.run_path(str(ROOT / "build.py"), run_name="build.py")
FOR_WINDOWS = "x86_64-w64-mingw32-gcc"
# Of math, what gives the same in every library, and what is no name of C's.
EXACT = {"ceil", "copysign", "fabs", "floor", "fmod", "frexp", "isfinite", "isinf", "isnan"}
EXACT |= {"ldexp", "modf", "nextafter", "remainder", "sqrt", "trunc", "ulp", "dist", "perm", "comb"}
EXACT |= {"prod", "gcd", "lcm", "gamma", "factorial", "isqrt", "isclose", "degrees", "radians"}


def is_built(identifier):
    built = any(fnmatch.fnmatch(identifier, pattern) for pattern in WHEELS["build"].split())
    return built and not any(
        fnmatch.fnmatch(identifier, pattern) for pattern in WHEELS["skip"].split()
    )


@pytest.mark.parametrize(
    "platform", ["manylinux_x86_64", "manylinux_aarch64", "macosx_arm64", "win_amd64"]
)
def test_each_python_that_is_named_is_tried_on_each_platform(platform):
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert named
    for version in named:
        assert is_built(f"cp{version.replace('.', '')}-{platform}")


@pytest.mark.parametrize(
    "identifier",
    [
        *("cp313t-manylinux_x86_64", "cp314t-macosx_arm64", "cp314t-win_amd64"),
        *("cp312-musllinux_x86_64", "cp312-win32", "cp312-win_arm64"),
    ],
)
def test_what_was_not_tried_is_left_out(identifier):
    assert not is_built(identifier)


# Of Python's PC/pyconfig.h, which is there on Windows only, what headers ask for.
PYCONFIG = """
#define MS_WINDOWS
#define MS_WIN32
#define MS_WIN64
#define NT_THREADS
#define Py_ENABLE_SHARED
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_WCHAR_T 2
#define SIZEOF_TIME_T 8
#define SIZEOF_PID_T 4
#define HAVE_STDDEF_H 1
"""


@pytest.fixture
def headers(tmp_path):
    """Python's headers as they are on Windows."""
    folder = tmp_path / "include"
    shutil.copytree(sysconfig.get_path("include"), folder)
    (folder / "pyconfig.h").write_text(PYCONFIG, encoding="utf-8")
    return folder


@pytest.mark.skipif(not shutil.which(FOR_WINDOWS), reason="there is no GCC for Windows")
def test_the_c_code_compiles_for_windows(headers):
    """By Windows' headers and types. Wheels are made by another compiler of the same language."""
    files = sorted((ROOT / "csrc").glob("*/*.c"))
    flags = ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    flags += [word for word in BUILD["WARNINGS"] if word.startswith("-Wno-")]
    found = ["-DPy_LIMITED_API=0x030A0000", f"-I{ROOT / 'csrc'}", f"-I{headers}"]
    done = subprocess.run(
        [FOR_WINDOWS, *flags, *found, *files], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(files) > 90


def test_mathematics_on_windows_are_those_of_the_c_library():
    """All of math.h whose bits are a library's own, in whose place Zig would put its own."""
    named = (ROOT / "csrc" / "ucrt.def").read_text(encoding="utf-8").split("EXPORTS")[1].split()
    rounded = {"fma", *(name for name in vars(math) if not name.startswith("_"))} - EXACT
    code = "".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "csrc").rglob("*.[ch]"))
    )
    called = set(re.findall(r"\b([a-z]+[0-9]*)\(", code)) & rounded
    assert {"exp", "sin", "log2", "fma"} <= called <= set(named)


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
