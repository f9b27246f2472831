"""The cffi build script: one extension, pygrad/_core, with two doors.

cffi's door is made from the part of csrc/pygrad.h between its cdef marks, so the header is the only
statement of the interface. The native door is csrc/python, whose init function stands
in the same shared object (see pygrad/value.py). Environment variables, for tests of pygrad itself:

    PYGRAD_SANITIZE=1   AddressSanitizer and UndefinedBehaviorSanitizer, one malloc per node
    PYGRAD_WERROR=1     warnings are errors
    PYGRAD_COVERAGE=1   the C code counts which lines and branches run
    PYGRAD_LIBM_LANES=1 compiled programs call libm, so that rows equal eager results bit for bit
"""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"
WARNINGS = [
    *("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    # Python's and cffi's own headers are not ours to mend.
    *("-Wno-unused-parameter", "-Wno-missing-field-initializers"),
]

# One wheel for all versions of CPython; a free-threaded build has no limited API.
LIMITED_API = platform.python_implementation() == "CPython" and not sysconfig.get_config_var(
    "Py_GIL_DISABLED"
)


def headers() -> list[str]:
    """Files whose change must lead to a new build, relative to the root."""
    return sorted(
        str(p.relative_to(ROOT)) for p in CSRC.rglob("*") if p.suffix in {".h", ".def", ".c"}
    )


def cdef() -> str:
    """The cdef: what stands between the marks of pygrad.h."""
    text = (CSRC / "pygrad.h").read_text(encoding="utf-8")
    found = re.search(r"/\* cdef begin \*/(.*)/\* cdef end \*/", text, re.DOTALL)
    if found is None:
        raise SystemExit("build.py: csrc/pygrad.h has lost its cdef marks")
    return found[1]


# The last ones change no result: without them loops over lanes stay loops (see csrc/program/lanemath.h).
FLAGS = [
    *("-std=c11", "-ffp-contract=off", "-fvisibility=hidden"),
    *("-O3", "-fno-math-errno", "-fno-trapping-math"),
]


def flags_of(is_clang: bool) -> list[str]:
    """What one compiler understands and the other does not; no result changes."""
    if is_clang:
        return ["-Wno-pass-failed"]  # loops that call libm stay loops
    return ["-fno-tree-pre"]  # or loops over lanes do twice what two sides of a selection share


def compiler_settings() -> dict[str, list]:
    """Flags for GCC and Clang: multiply-adds fused where the C says so, no fast-math, hidden symbols."""
    macros: list[tuple[str, str | None]] = []
    if LIMITED_API:
        macros.append(("Py_LIMITED_API", "0x030A0000"))
    compile_args = list(FLAGS)
    link_args: list[str] = []
    if os.environ.get("PYGRAD_LIBM_LANES"):
        macros.append(("PG_LIBM_LANES", None))
    if os.environ.get("PYGRAD_WERROR"):
        compile_args += WARNINGS
    if os.environ.get("PYGRAD_SANITIZE"):
        # Python's own flags have signed numbers wrap around, which is not looked at then.
        sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-wrapv"]
        # -O1: checks of every access leave little to optimise, and take a third of the time to compile.
        compile_args += ["-O1", "-g", "-fno-omit-frame-pointer", *sanitize]
        link_args += sanitize
        macros.append(("PG_HOSTILE", None))
    if os.environ.get("PYGRAD_COVERAGE"):
        compile_args += ["--coverage", "-fprofile-update=atomic", "-O0"]  # threads count, too
        link_args.append("--coverage")
    return {
        "extra_compile_args": compile_args,
        "define_macros": macros,
        "libraries": ["m"],
        "extra_link_args": link_args,
    }


def make_ffi():
    """The builder that setup.py hands to cffi."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(cdef())
    ffi.set_source(
        "pygrad._core",
        '#include "pygrad.h"',
        sources=[name for name in headers() if name.endswith(".c")],
        include_dirs=["csrc"],
        depends=headers(),
        py_limited_api=LIMITED_API,
        **compiler_settings(),
    )
    return ffi


def hand_over() -> None:
    """`python -m build` in this folder finds this file first: run PyPA's build instead."""
    import runpy

    here = {"", str(ROOT), os.getcwd()}
    sys.path[:] = [p for p in sys.path if p not in here]
    sys.modules.pop("build", None)
    runpy.run_module("build", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    hand_over()
