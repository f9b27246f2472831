"""The tutorial's exercises as notebooks: one to hand out, and one with answers, which runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import exercises
import pytest

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "docs").is_dir():
    pytest.skip("no documentation beside the tests", allow_module_level=True)

PAGES = list(exercises.pages(ROOT))
ALL = [exercise for page in PAGES for exercise in page.exercises]
NOTEBOOKS = {"exercises": exercises.questions(ROOT), "answers": exercises.answers(ROOT)}


def sources(name: str, kind: str) -> list[str]:
    cells = json.loads(NOTEBOOKS[name])["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def test_every_exercise_of_the_tutorial_is_there() -> None:
    pages = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
    stated = [len(re.findall(r"<summary>Answer", page.read_text("utf-8"))) for page in pages]
    assert [len(page.exercises) for page in PAGES] == stated
    assert min(stated) >= 2
    for name in NOTEBOOKS:
        texts = sources(name, "markdown")
        assert all(f"**{e.number}.** {e.question}" in texts for e in ALL)


def test_the_notebook_to_hand_out_has_no_answer() -> None:
    told = "\n".join(NOTEBOOKS["exercises"].splitlines())
    assert not [e for e in ALL if json.dumps(e.answer)[1:40] in told]
    assert "assert" not in told.replace("asserts", "")
    assert sources("exercises", "code").count("...") == len(ALL)


def test_answers_are_folded_and_assert_what_they_say() -> None:
    cells = json.loads(NOTEBOOKS["answers"])["cells"]
    folded = [c for c in cells if c["metadata"].get("jupyter") == {"source_hidden": True}]
    assert ["".join(cell["source"]) for cell in folded] == [e.code for e in ALL]
    assert all(re.search(r"^ *assert ", e.code, re.M) for e in ALL)


def test_they_are_notebooks() -> None:
    nbformat = pytest.importorskip("nbformat", reason="the checker is Jupyter's")
    for text in NOTEBOOKS.values():
        nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.long
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_they_run_in_a_kernel(name: str, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient runs notebooks")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("mpmath", reason="an exercise computes in 50 digits")
    notebook = nbformat.reads(NOTEBOOKS[name], as_version=4)
    resources: dict[str, Any] = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=resources).execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_stands_before_the_exercises_is_enough(page: exercises.Page) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(page.setup, names)
    for exercise in page.exercises:
        exec(exercise.code, names)
