"""That the scripts of this folder which measure the C core tell what does not hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import c_library
import pytest

HERE = Path(__file__).resolve().parent

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not c_library.CSRC.is_dir(), reason="no C sources beside the tests"),
]


def run(script: Path, folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its figures, and all that it printed."""
    file = folder / "figures.json"
    command = [sys.executable, str(script), "--json", str(file), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, env=c_library.environment(), check=False
    )
    text = file.read_text(encoding="utf-8") if file.exists() else '{"figures": []}'
    figures = {figure["what"]: figure["value"] for figure in json.loads(text)["figures"]}
    return done.returncode, figures, done.stdout + done.stderr


def copied(folder: Path) -> Path:
    """The scripts, the harnesses and the library, to be changed."""
    for part in ("csrc", "tests/c", "tests/lib", "tests/faults"):
        shutil.copytree(c_library.ROOT / part, folder / part)
    return folder


@pytest.mark.skipif(shutil.which("gcov") is None, reason="no gcov")
def test_branches_that_no_test_takes_are_told(tmp_path: Path) -> None:
    root = copied(tmp_path / "copy")
    source = root / "csrc" / "program" / "growth.c"
    text = source.read_text(encoding="utf-8")
    spoilt = re.sub(r"(\n{\n)", r"\1    if (size == 12345)\n        return 0;\n", text, count=1)
    source.write_text(spoilt, encoding="utf-8")
    excuses = root / "tests" / "c" / "unreached.txt"
    with excuses.open("a", encoding="utf-8") as file:
        file.write("\ncsrc/graph/index.c: if (index->entries == NULL)\n    Not true.\n")
    code, figures, printed = run(root / "tests" / "faults" / "branches.py", tmp_path, "--list")
    assert code == 1
    assert figures["branches that are not, without a reason"] == 1
    assert figures["reasons for what is taken all the same"] == 1
    line = 1 + spoilt[: spoilt.index("if (size == 12345)")].count("\n")
    assert f"csrc/program/growth.c:{line} pg_make_room: [0, " in printed
    assert "taken, or not there: csrc/graph/index.c: if (index->entries == NULL)" in printed


def test_a_tool_that_is_missing_is_no_figure_that_holds(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, figures, _ = run(HERE / "conditions.py", tmp_path)
    (value,) = figures.values()
    assert code == 1 and value == "not measured: no clang-19"
