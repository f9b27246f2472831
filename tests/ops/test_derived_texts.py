"""What is derived from the op table is up to date in the checkout, and says what the ops do."""

from __future__ import annotations

import doctest
import math
import re
from pathlib import Path

import derive
import javascript
import optable
import pytest
from optable import table_of

import pygrad
from pygrad.core.ops import Op, ops
from pygrad.seeing.notation import readable
from pygrad.value import FUNCTIONS, Value

ROOT = Path(__file__).resolve().parents[2]


def test_committed_texts_are_up_to_date() -> None:
    stale = [str(path.relative_to(ROOT)) for path in derive.stale(ROOT)]
    assert not stale, "run: python tools/derive.py --write ."


def test_the_table_as_text_is_the_table_that_was_built() -> None:
    assert table_of(ROOT) == ops()


def test_a_stale_text_is_found_and_rewritten(tmp_path: Path) -> None:
    for name in (*derive.PARTS, *derive.SOURCES):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    readme = tmp_path / "README.md"
    right = readme.read_text(encoding="utf-8")
    readme.write_text(right.replace("Hyperbolic tangent.", "Something else."), encoding="utf-8")

    assert list(derive.stale(tmp_path)) == [readme]
    assert derive.main(["--check", str(tmp_path)]) == 1
    assert derive.main(["--write", str(tmp_path)]) == 0
    assert readme.read_text(encoding="utf-8") == right
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


# The words of slopes, as plain Python; special cases are not met at the point below.
WORDS = {
    **{name: getattr(math, name) for name in ("sin", "cos", "sinh", "cosh", "exp", "log", "sqrt")},
    "hypot": math.hypot,
    "power": math.pow,
    "floordiv": lambda x, y: x // y,
    "sign": lambda x: math.copysign(1.0, x),
    "step": lambda x: float(x > 0),
    "greater": lambda x, y: float(x > y),
    "less": lambda x, y: float(x < y),
    "select": lambda c, x, y: x if c else y,
    "valid": lambda x, y: y,
    "mul0": lambda x, y: x * y,
    "div0": lambda x, y: x / y,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sigmoid_dx": lambda x: 1 / (2 + math.exp(x) + math.exp(-x)),
    "atan2_dx": lambda x, y: y / (x * x + y * y),
    "sech2": lambda x: 1 - math.tanh(x) ** 2,
    "hypot_dx": lambda x, y: x / math.hypot(x, y),
    "erf_dx": lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x),
    "logaddexp_dx": lambda x, y: 1 / (1 + math.exp(y - x)),
    "asin_dx": lambda x: 1 / math.sqrt(1 - x * x),
    "atan_dx": lambda x: 1 / (1 + x * x),
    "atanh_dx": lambda x: 1 / (1 - x * x),
    "pow_dx": lambda x, y: y * x ** (y - 1),
    "pow_dy": lambda x, y: x**y * math.log(x),
}


@pytest.mark.parametrize("op", [op for op in ops() if op.is_public], ids=lambda op: op.name)
def test_readable_slopes_are_the_slopes(op: Op) -> None:
    numbers = {"x": 0.75, "y": 0.5, "w": 0.625}
    if op.name == "acosh":
        numbers["x"] = 1.75
    operands = [Value(number) for number in list(numbers.values())[: op.arity]]
    out = FUNCTIONS[op.name](*operands, *([2.5] if op.has_constant else []))
    scope = {**WORDS, **numbers, "z": out.data, "k": 2.5}
    stated = [eval(readable(slope), scope) for slope in op.slopes]
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
    assert 'version = { attr = "pygrad.__version__" }' in text
    assert re.search(rf"^## {re.escape(pygrad.__version__)}\b", changelog(), re.MULTILINE)


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
