"""The exercises of the tutorial as notebooks: questions to hand out, and the same with their answers.

The pages of docs/tutorial are the source: below "## Exercises" stand numbered questions, each with an
answer that unfolds. A cell before them has what the answers need of the page: imports, functions, numbers.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

_CELL = re.compile(r"^```\{code-cell\} python\n(?::.*\n)*(.*?)^```$", re.M | re.S)
_EXERCISE = re.compile(
    r"^(?P<number>\d)\. (?P<question>.*?)"
    r"^<details><summary>Answer (?P=number)</summary>\n\n(?P<answer>.*?)^</details>$",
    re.M | re.S,
)
_QUESTIONS = """# Exercises

Those of the tutorial, page by page. The cell below a heading has what they need; yours are the cells with
three dots. Answers are in a [second notebook](answers.ipynb), and on the pages.
"""
_ANSWERS = """# Exercises with answers

Those of the tutorial, as in the [notebook without answers](exercises.ipynb). The cells of answers are
folded; each asserts what its answer says.
"""


class Exercise(NamedTuple):
    number: str
    question: str
    answer: str  # in words
    code: str


class Page(NamedTuple):
    name: str  # of the file
    title: str
    setup: str  # what the exercises need of the rest of the page
    exercises: list[Exercise]


def pages(root: Path) -> Iterator[Page]:
    """The pages of the tutorial, in their order."""
    for path in sorted((root / "docs" / "tutorial").glob("*.md")):
        lesson, _, below = path.read_text(encoding="utf-8").partition("\n## Exercises\n")
        exercises = [_exercise(found) for found in _EXERCISE.finditer(below)]
        cells = [found[1] for found in _CELL.finditer(lesson)]
        title = re.search(r"^# (.*)$", lesson, re.M)
        assert title is not None, path
        setup = needed("\n".join(cells), "\n".join(exercise.code for exercise in exercises))
        yield Page(path.name, title[1], setup, exercises)


def _exercise(found: re.Match[str]) -> Exercise:
    words, cell = _CELL.sub("", found["answer"]), _CELL.search(found["answer"])
    assert cell is not None, found["question"]
    return Exercise(found["number"], found["question"].strip(), words.strip(), cell[1].strip())


# -- what a piece of code needs of another ---------------------------------------------------------


def needed(before: str, code: str) -> str:
    """Those statements of `before` that make names which the code reads, and what they need in turn.

    >>> print(needed("from math import pi, sin\\ng = sin\\nf = lambda x: g(x)\\ny = f(1)", "f(2)"))
    from math import sin
    g = sin
    f = lambda x: g(x)
    """
    wanted, kept = _read(ast.parse(code)), []
    for statement in reversed(ast.parse(before).body):
        if made := _made(statement) & wanted:
            if isinstance(statement, ast.ImportFrom):
                statement.names = [name for name in statement.names if _made(name) & made]
                kept.append(ast.unparse(statement))
            else:
                kept.append(ast.get_source_segment(before, statement) or "")
            wanted = (wanted - made) | _read(statement)
    return "\n".join(dict.fromkeys(reversed(kept)))


def _made(tree: ast.AST) -> set[str]:
    """Names that are bound in it, those of arguments too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def _read(tree: ast.AST) -> set[str]:
    """Names that it takes from elsewhere."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return read - _made(tree) - set(dir(builtins))


# -- notebooks -------------------------------------------------------------------------------------


def questions(root: Path) -> str:
    """The notebook without answers."""
    return _notebook_of(root, _QUESTIONS, lambda place, _: [_code(f"yours-{place}", "...")])


def answers(root: Path) -> str:
    """The same with answers."""

    def answer(place: str, exercise: Exercise) -> list[dict[str, Any]]:
        folded = _code(f"code-{place}", exercise.code)
        folded["metadata"] = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
        return [_text(f"answer-{place}", exercise.answer), folded]

    return _notebook_of(root, _ANSWERS, answer)


def _notebook_of(
    root: Path, head: str, reply: Callable[[str, Exercise], list[dict[str, Any]]]
) -> str:
    """Each question with the cells that follow on it."""
    cells = [_text("head", head)]
    for page in pages(root):
        cells += _beginning(page)
        for exercise in page.exercises:
            place = f"{page.name[0]}-{exercise.number}"
            cells += [_question(place, exercise), *reply(place, exercise)]
    return _notebook(cells)


def _beginning(page: Page) -> list[dict[str, Any]]:
    cells = [_text(f"page-{page.name[0]}", f"## [{page.title}](../tutorial/{page.name})")]
    return [*cells, _code(f"setup-{page.name[0]}", page.setup)] if page.setup else cells


def _question(place: str, exercise: Exercise) -> dict[str, Any]:
    return _text(f"question-{place}", f"**{exercise.number}.** {exercise.question}")


def _text(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(text)}


def _code(name: str, code: str) -> dict[str, Any]:
    new: dict[str, Any] = {"execution_count": None, "id": name, "metadata": {}, "outputs": []}
    return {"cell_type": "code", **new, "source": _lines(code)}


def _lines(text: str) -> list[str]:
    return text.strip().splitlines(keepends=True)


def _notebook(cells: list[dict[str, Any]]) -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
