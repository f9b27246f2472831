"""The README keeps its word: it is short, programs print what it says, commands are those CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import picture
import pytest
import stated

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = stated.programs(ROOT / "README.md")


def test_it_fits_two_screens() -> None:
    assert len(README.splitlines()) <= 150
    assert len(README.encode()) <= 9_000


@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
@pytest.mark.parametrize("implementation", ["compiled", "reference"])
def test_programs_print_what_is_said(
    program: str, printed: str, implementation: str, tmp_path: Path
) -> None:
    stated.check_prints(program, printed, implementation, tmp_path)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == README.count("```python") >= 3


def test_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    first, second = (
        block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:2]
    )
    assert f"RUN_COMMAND=$(cat <<'END'\n{first}\nEND\n)" in ci
    assert f"TEST_COMMAND=$(cat <<'END'\n{second}\nEND\n)" in ci


@pytest.mark.parametrize(
    "page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
)
def test_what_it_links_to_is_there(page: str) -> None:
    """Files, and the headings within them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = link.partition("#")
        target = ROOT / name if name else ROOT / page
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in heads}, (
                link
            )


def test_the_picture_is_what_draw_makes_of_the_program_above_it() -> None:
    (name,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert name == picture.PICTURE
    program, _ = PROGRAMS[0]
    kept = (ROOT / name).read_text(encoding="utf-8")
    assert picture.made_by(program) == kept, "run: python tools/picture.py --write ."


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_its_speeds_are_those_of_the_long_tables() -> None:
    """Rows are copied from docs/speed.md, without the column of targets."""
    section = re.search(r"^## Speed\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    assert section
    head, _, *shown = rows(section[1])
    measured = [row[:4] for row in rows((ROOT / "docs/speed.md").read_text(encoding="utf-8"))]
    assert len(shown) == 6
    for row in [head, *shown]:
        assert row in measured, "not a row of docs/speed.md"


def test_an_unbuilt_checkout_says_what_to_do(tmp_path: Path) -> None:
    """`import pygrad` in the checkout's root, where the folder of sources hides the package."""
    shutil.copytree(ROOT / "pygrad", tmp_path / "pygrad", ignore=shutil.ignore_patterns("*.so"))
    shutil.copytree(ROOT / "csrc", tmp_path / "csrc")
    shutil.copy(ROOT / "build.py", tmp_path)

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
    assert "circular" not in refused.stderr and refused.stderr.count("Error:") == 1
    assert last.startswith("ImportError:") and "pip install ." in last and "PYGRAD_IMPL" in last
    assert run_import(PYGRAD_IMPL="reference").stdout == "Value(data=6.0, grad=0.0)\n"
