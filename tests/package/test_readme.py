"""The README keeps its word: programs print what it says, commands are those CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Every Python block, with the text block that follows it: what it prints.
PROGRAMS = re.findall(r"```python\n(.*?)```\n+(?:```text\n(.*?)```)?", README, re.DOTALL)

COMPILED_ONLY = r"hessian|gradients|debug_nans|check_grad|compile|pygrad.dask"


@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
@pytest.mark.parametrize("implementation", ["compiled", "reference"])
def test_programs_print_what_is_said(
    program: str, printed: str, implementation: str, tmp_path: Path
) -> None:
    if implementation == "reference" and re.search(COMPILED_ONLY, program):
        pytest.skip("the reference differentiates once, and has no debug_nans or compile")
    file = tmp_path / "program.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYGRAD_IMPL": implementation},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == README.count("```python") >= 4


def test_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    first, second = (
        block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:2]
    )
    assert f"RUN_COMMAND=$(cat <<'END'\n{first}\nEND\n)" in ci
    assert f"TEST_COMMAND=$(cat <<'END'\n{second}\nEND\n)" in ci


def test_files_that_it_names_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
    table = README[README.index("## How it works") :]
    for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            folder = name[: name.rindex("/") + 1] if "/" in name else folder
            assert (ROOT / folder / name.rpartition("/")[2]).exists(), name


def test_every_source_file_is_on_the_map() -> None:
    named = set(re.findall(r"[\w.]+\.(?:py|c|h|def)\b", README))
    sources = {path.name for path in (ROOT / "csrc").rglob("*.[ch]")}
    private = {path.with_suffix(".h").name for path in (ROOT / "csrc").rglob("*.c")}
    assert sources - private <= named


def test_an_unbuilt_checkout_says_what_to_do(tmp_path: Path) -> None:
    """`import pygrad` in the checkout's root, where the folder of sources hides the package."""
    shutil.copytree(ROOT / "pygrad", tmp_path / "pygrad", ignore=shutil.ignore_patterns("*.so"))

    def run_import(**settings: str) -> subprocess.CompletedProcess[str]:
        environment = {
            k: v for k, v in os.environ.items() if k not in {"PYGRAD_IMPL", "PYTHONPATH"}
        }
        return subprocess.run(
            [sys.executable, "-c", "import pygrad; print(pygrad.Value(2.0) * 3)"],
            cwd=tmp_path,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = run_import()
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("ImportError:") and "pip install ." in last and "PYGRAD_IMPL" in last
    assert run_import(PYGRAD_IMPL="reference").stdout == "Value(data=6.0, grad=0.0)\n"
