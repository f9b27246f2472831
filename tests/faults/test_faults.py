"""A share of what the scripts of this folder do, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SOME = ["first_call", "new_paths_in_a_call", "backward_over_rows", "load", "buffer", "deepcopy"]


def figures_of(folder: Path, script: str, *options: str) -> dict[str, Any]:
    """The figures of a script, which all keep to their limits."""
    file = folder / "figures.json"
    command = [sys.executable, str(HERE / script), "--json", str(file), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["title"] and all(figure["ok"] for figure in found["figures"])
    return {figure["what"]: figure["value"] for figure in found["figures"]}


@pytest.mark.long
def test_allocations_of_python_fail(tmp_path: Path) -> None:
    """In pygrad's C all of them, elsewhere some."""
    found = figures_of(
        tmp_path, "allocations.py", "--step", "100", "--kind", "python", "--only", *SOME
    )
    if "failures, python" not in found:
        pytest.skip("no C compiler to build tests/c/python_memory.c")
    assert found["failures, python"] > 50


@pytest.mark.long
def test_threads_share_compiled_functions(tmp_path: Path) -> None:
    found = figures_of(tmp_path, "threads.py", "--seconds", "1")
    assert found["calls"] >= 64


def test_what_does_not_hold_is_reported(tmp_path: Path) -> None:
    """A figure beyond its limit makes the script fail."""
    program = tmp_path / "failing.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\n"
        "from figures import Figures\n"
        "figures = Figures('Title')\n"
        "figures.add('fine', 3)\n"
        "figures.none_of('findings', 2)\n"
        "raise SystemExit(figures.finish(Path('out.json')))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "FAILED" in done.stdout
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["figures"]
    assert [figure["ok"] for figure in figures] == [True, False]
