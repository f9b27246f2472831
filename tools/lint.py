"""Every check of the texts, one after the other; all that fails is shown.

    python tools/lint.py          checks
    python tools/lint.py --fix    mends first what the tools can mend

Run with the checkout installed (tools/derive.py imports it), and with its extra `lint`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from build import WARNINGS, compiler_settings  # noqa: E402  the build script of the checkout

SOURCES = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("csrc/**/*.[ch]"))
C_FILES = [*SOURCES, *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("tests/c/*.[ch]"))]
UNITS = [path for path in SOURCES if path.endswith(".c")]
DEFINED = [f"-D{name}={value}" for name, value in compiler_settings()["define_macros"] if value]
INCLUDED = ["-Icsrc", f"-I{sysconfig.get_path('include')}"]

# Programs of the environment that runs this come first.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

FIXES = (
    ("ruff", "check", "--fix-only", "--quiet", "."),
    ("ruff", "format", "--quiet", "."),
    ("clang-format", "-i", *C_FILES),
    ("python", "tools/derive.py", "--write", "."),
)
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy", "pygrad"),
    ("clang-format", "--dry-run", "-Werror", *C_FILES),
    *(
        (compiler, "-std=c11", "-fsyntax-only", *WARNINGS, *DEFINED, *INCLUDED, *UNITS)
        for compiler in ("gcc", "clang")
        if shutil.which(compiler)
    ),
    ("python", "tools/layers.py", "."),
    ("python", "tools/includes.py", "."),
    ("python", "tools/derive.py", "--check", "."),
)


def name(command: tuple[str, ...]) -> str:
    """The command without the C files, which are many."""
    return " ".join(word for word in command if word not in C_FILES)


def run(command: tuple[str, ...]) -> int:
    """Its exit code."""
    environment = {**os.environ, "PATH": PATH}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="check the texts of the checkout")
    parser.add_argument("--fix", action="store_true", help="mend first what the tools can mend")
    if parser.parse_args().fix:
        for command in FIXES:
            print("fix:  ", name(command), flush=True)
            run(command)
    failed = []
    for command in CHECKS:
        print("check:", name(command), flush=True)
        if run(command):
            failed.append(name(command))
    print(f"failed: {', '.join(failed)}" if failed else f"all {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
