"""What is derived from the op table is up to date in the checkout, and says what the ops do."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import derive
import javascript
import optable
import pytest
from mpmath import MPContext
from optable import table_of

import pygrad
from pygrad.checking.exact import functions
from pygrad.core.ops import Op, ops
from pygrad.seeing.notation import readable
from pygrad.value import FUNCTIONS, Value

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long  # and a check of tools/lint.py
def test_committed_texts_are_up_to_date() -> None:
    stale = [str(path.relative_to(ROOT)) for path in derive.stale(ROOT)]
    assert not stale, "run: python tools/derive.py --write ."


def test_the_table_as_text_is_the_table_that_was_built() -> None:
    assert table_of(ROOT) == ops()


@pytest.mark.long
def test_a_stale_text_is_found_and_rewritten(tmp_path: Path) -> None:
    for pattern in (*derive.PARTS, *derive.WHOLE, *derive.SOURCES):
        for path in ROOT.glob(pattern):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    page = tmp_path / "docs" / "ops.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("Hyperbolic tangent.", "Something else."), encoding="utf-8")
    notebook = tmp_path / "docs" / "notebooks" / "answers.ipynb"
    notebook.unlink()

    assert list(derive.stale(tmp_path)) == [page, notebook]
    assert derive.main(["--check", str(tmp_path)]) == 1
    assert derive.main(["--write", str(tmp_path)]) == 0
    assert page.read_text(encoding="utf-8") == right
    assert notebook.exists()
    assert derive.main(["--check", str(tmp_path)]) == 0


def test_lost_marks_are_an_error() -> None:
    with pytest.raises(ValueError, match="derived: ops"):
        derive.renewed("no marks here\n", {"ops": derive.docs_table}, ROOT)


def test_the_table_names_every_function_and_method() -> None:
    public = [op for op in ops() if op.is_public]
    names = {name for op in public for name in (op.name, *op.aliases)}
    assert names == set(FUNCTIONS)
    assert all(hasattr(Value, name) for name in names - {"pown"})
    for op in ops():
        assert op.doc.endswith(".") and len(op.slopes) == op.arity, op


mp = MPContext()
FORWARD = functions(mp)
# The words of slopes, by mpmath.
WORDS = {
    name: FORWARD.get(op.name) or getattr(mp, op.name)
    for op in ops()
    if op.name not in {"pown", "stop_gradient"}
    for name in (op.name, *op.aliases)
}


@pytest.mark.parametrize("op", [op for op in ops() if op.is_public], ids=lambda op: op.name)
def test_readable_slopes_are_the_slopes(op: Op) -> None:
    numbers = {"x": 0.75, "y": 0.5, "w": 0.625}
    if op.name == "acosh":
        numbers["x"] = 1.75
    operands = [Value(number) for number in list(numbers.values())[: op.arity]]
    out = FUNCTIONS[op.name](*operands, *([2.5] if op.has_constant else []))
    letters = {**numbers, "z": out.data, "k": 2.5}
    scope = WORDS | {letter: mp.mpf(number) for letter, number in letters.items()}
    stated = [float(eval(readable(slope), scope)) for slope in op.slopes]
    assert stated == pytest.approx(out.local_derivatives, rel=1e-13, abs=0)


def test_rules_keep_their_brackets() -> None:
    assert readable("SUB(X, SUB(Y, ONE))") == "x - (y - 1)"
    assert readable("MUL(MUL(NUMBER(-2.0), X), Z)") == "-2 * x * z"
    assert readable("DIV(ONE, MUL(X, Y))") == "1 / (x * y)"
    assert readable("NEG(ADD(X, ONE))") == "-(x + 1)"
    with pytest.raises(ValueError, match="cannot read"):
        readable("ADD(X, Y))")


def test_examples_in_the_module() -> None:
    for module in (derive, javascript, optable):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed


def test_the_version_is_told_once() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'version = { attr = "pygrad.version.__version__" }' in text
    assert re.search(rf"^## {re.escape(pygrad.__version__)}\b", changelog(), re.MULTILINE)


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
