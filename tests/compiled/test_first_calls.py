"""The first calls of a process may be made by several threads at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pygrad
from pygrad.core import library

PACKAGE = Path(pygrad.__file__).parent
FIRST_CALLS = Path(__file__).resolve().parents[1] / "isolated" / "first_calls.py"


@pytest.mark.parametrize("count", [15, pytest.param(100, marks=pytest.mark.long)])
def test_threads_make_the_first_calls_of_many_processes(run_isolated, count) -> None:
    """cffi used to end one process in some hundred, at a time of its own choosing."""
    done = run_isolated(FIRST_CALLS, str(count), env={"OPENBLAS_NUM_THREADS": "1"})
    assert done.stdout.split() == ["0"]


def test_all_types_are_known_before_a_thread_can_ask_for_them() -> None:
    """Strings that say a type to cffi, and modules that could come before the one that says them all."""
    asked: set[str] = set()
    around: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        asked.update(re.findall(r"""ffi\.\w+\(\s*["']([^"']+)["']""", text))
        if re.search(r"_core import|_core\.(ffi|lib)\b", text):
            around.add(path.name)
    assert around == {"library.py"}
    structs = {f"{name} {stars}" for name in library.ffi.list_types()[0] for stars in ("*", "**")}
    assert "pg_batch *" in asked
    assert asked <= structs | set(library.TYPES)
