"""What a bug report needs to say of this installation: versions, compiler, processor, paths.

>>> from pygrad.command_line.installation import collect
>>> facts = collect()
>>> facts["pygrad"] == __import__("pygrad").__version__
True
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from typing import Any

import pygrad
from pygrad.core import distribution

# What pygrad works with, by name on PyPI; those that are not installed are named as such.
_LIBRARIES = ("cffi", "numpy", "scipy", "mpmath", "matplotlib", "tqdm")
_FEATURES = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "asimd", "sve")


def collect() -> dict[str, Any]:
    """Facts by name: strings, numbers, lists and dicts of these, for printing or as JSON."""
    settings = {k: v for k, v in sorted(os.environ.items()) if k.startswith("PYGRAD_")}
    return {
        "pygrad": pygrad.__version__,
        "implementation": pygrad.IMPLEMENTATION,
        "extension": _extension(),
        "package": os.path.dirname(pygrad.__file__),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "python compiler": platform.python_compiler(),
        "executable": sys.executable,
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "features": features(),
        "libraries": versions(_LIBRARIES),
        "graphviz": shutil.which("dot") or "not found",
        "settings": settings,
    }


def _extension() -> dict[str, str]:
    """The C library: where it is, what compiled it, which instructions its lanes use."""
    try:
        import pygrad._core as _core  # noqa: PLR0402  (says which module is missing)
    except ImportError as error:
        return {"missing": str(error), "cure": distribution.REBUILD}
    from pygrad.core.library import ffi, lib

    def said(pointer: Any) -> str:
        text = ffi.string(pointer)
        assert isinstance(text, bytes)
        return text.decode()

    return {
        "path": str(_core.__file__),
        "compiler": said(lib.pg_compiler()),
        "lanes": said(lib.pg_lane_instructions()),
    }


def processor() -> str:
    """The processor's name."""
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def features() -> list[str]:
    """Which of the processor's instruction sets matter here, where the system tells (Linux)."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    has = set(found[1].split()) if found else set()
    return [name for name in _FEATURES if name in has]


def _cpuinfo() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return file.read(100_000)
    except OSError:
        return ""


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """The versions of libraries; nothing is imported."""
    found = {}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = importlib.util.find_spec(name) is not None
            found[name] = "unknown" if installed else "not installed"
    return found


def table(facts: dict[str, Any]) -> str:
    """The facts as lines of text."""
    lines = []
    for name, fact in facts.items():
        if isinstance(fact, dict):
            lines += [f"{name} {key}".ljust(22) + f"{value}" for key, value in fact.items()]
        else:
            text = " ".join(fact) if isinstance(fact, list) else f"{fact}"
            lines.append(name.ljust(22) + (text or "none"))
    return "\n".join(lines)
