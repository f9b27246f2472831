"""Programs in Markdown, each followed by what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# A Python block, and the text block that follows it.
PROGRAM = re.compile(r"```python\n(.*?)```\n+(?:```text\n(.*?)```)?", re.DOTALL)

COMPILED_ONLY = r"hessian|gradients|debug_nans|check_grad|compile|vmap|pygrad.dask|a Value outside"

# Not among what tests need.
PACKAGES = ("psychrolib", "fluids", "sgp4", "option_calculator")


def programs(page: Path) -> list[tuple[str, str]]:
    """Every program of a page, with what it is said to print."""
    return PROGRAM.findall(page.read_text(encoding="utf-8"))


def check_prints(program: str, printed: str, implementation: str, folder: Path) -> None:
    """Runs a program in a folder: it prints what is said, and nothing else, warnings included."""
    if implementation == "reference" and re.search(COMPILED_ONLY, program):
        pytest.skip(
            "the reference differentiates once, to numbers, and has no debug_nans or compile"
        )
    for package in PACKAGES:
        if package in program:
            pytest.importorskip(package, reason="one of the packages of the extra corpus")
    file = folder / "program.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=folder,
        env={**os.environ, "PYGRAD_IMPL": implementation},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed
