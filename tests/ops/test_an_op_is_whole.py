"""An op that was added half: all that it still lacks, named at once.

This is the test to run while adding an op; ARCHITECTURE.md has the recipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import javascript
import pytest
from mpmath import MPContext
from optable import parsed, table_of
from truth import ROWS, Row

from pygrad.checking import exact
from pygrad.core.ops import Op, ops
from pygrad.reference.rules import ALIASES, OPS

ROOT = Path(__file__).resolve().parents[2]

# What IEEE 754 rounds exactly, or what only looks at bits: the same in lanes as anywhere.
EXACT_FUNCTIONS = {
    *("fabs", "sqrt", "floor", "ceil", "trunc", "rint", "fmod", "copysign", "frexp", "ldexp"),
    *("isinf", "isnan", "isfinite", "isnormal", "signbit"),
}
LIBM = EXACT_FUNCTIONS | {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "hypot"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
    *("asinh", "acosh", "atanh", "erf", "erfc", "tgamma", "fma", "fmax", "fmin", "fdim"),
    *("remainder", "nextafter", "round", "nearbyint", "logb", "scalbn"),
}
# The op's own place is elsewhere: ** has a constant, and stop_gradient holds a value.
NO_REFERENCE, NO_COUNTERPART = {"pown"}, {"pown", "stop_gradient"}

OPS_OF_0_1_0 = {
    "add", "sub", "mul", "div", "neg", "pown", "exp", "log", "relu", "tanh", "sigmoid",
    "sqrt", "abs", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
    "asinh", "acosh", "atanh", "expm1", "log1p", "log2", "log10", "exp2", "hypot",
    "maximum", "minimum", "clip", "floor", "ceil", "sign", "softplus", "logaddexp",
    "erf", "pow", "step", "where", "stop_gradient", "trunc", "round", "mod", "floordiv",
}  # fmt: skip


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# -- what C calls ----------------------------------------------------------------------------------

HEADERS = [f"csrc/ops/{name}.h" for name in ("scalar", "gamma", "normal")]
SCALAR = {
    found[1]: text
    for text in javascript.function_texts("".join(map(read, HEADERS)))
    if (found := re.search(r"static inline double (\w+)", text))
}
LANES = set(re.findall(r"^#define (\w+)\(", read("csrc/program/lanewords.h"), re.MULTILINE))
PAGE = read("pygrad/seeing/page/numbers.js")
JAVASCRIPT = {
    *re.findall(r"^function (\w+)\(", PAGE, re.MULTILINE),
    *re.findall(r"^const (\w+) =", PAGE, re.MULTILINE),
    *re.findall(r"\w+", " ".join(re.findall(r"^const \{([^}]*)\} = Math;", PAGE, re.MULTILINE))),
}


def called(text: str, known: set[str] | None = None) -> set[str]:
    """The functions that C text calls, itself or through those of scalar.h that are not known."""
    found: set[str] = set()
    waiting = [text]
    while waiting:
        body = re.sub(r"/\*.*?\*/|static inline double \w+", "", waiting.pop(), flags=re.DOTALL)
        for name in set(re.findall(r"\b([a-z]\w*)\(", body)) - found:
            found.add(name)
            if name not in (known or ()):
                waiting.append(SCALAR.get(name, ""))
    return found


# -- what an op needs ------------------------------------------------------------------------------


def gaps(op: Op, table: tuple[Op, ...]) -> Iterator[str]:
    """What this op of the table still lacks, in the order in which one would add it."""
    yield from gaps_of_the_line(op, table)
    yield from gaps_of_the_c(op)
    yield from gaps_of_the_python(op)
    if is_stale(op):
        yield "its derived texts: nox -s derive"
    if op not in ops():
        yield "a build of this line: nox -s dev"
    if op.is_public and op.name not in OPS_OF_0_1_0 and f"`{op.name}`" not in read("CHANGELOG.md"):
        yield "a word in CHANGELOG.md"


def gaps_of_the_line(op: Op, table: tuple[Op, ...]) -> Iterator[str]:
    words = {name.upper() for other in table for name in (other.name, *other.aliases)}
    for rule in (*op.slopes, op.meaning):
        for word in sorted(set(re.findall(r"([A-Z]\w*)\(", rule)) - words - {"NUMBER"}):
            yield f"an op for the word {word} of its line in csrc/ops.def"
    if not op.doc.endswith("."):
        yield "a sentence as the last column of its line in csrc/ops.def"


def gaps_of_the_c(op: Op) -> Iterator[str]:
    for name in sorted(called(op.forward)):
        if name not in SCALAR and name not in LIBM:
            yield f"the function {name}, which libm lacks, in csrc/ops/scalar.h"
        elif name not in SCALAR and name not in JAVASCRIPT:
            yield f"the function {name}, which JavaScript lacks, in pygrad/seeing/page/numbers.js"
    for name in sorted(called(op.forward, LANES)):
        if name in LIBM - EXACT_FUNCTIONS - LANES:
            yield f"lanes for {name}: lane_{name} in csrc/program/lanemath.h, named in lanewords.h"


def gaps_of_the_python(op: Op) -> Iterator[str]:
    if op.is_public and op.name not in OPS and op.name not in NO_REFERENCE:
        yield "a line in pygrad/reference/rules.py"
    for alias in op.aliases:
        if ALIASES.get(alias) != op.name:
            yield f"its second name {alias} in ALIASES of pygrad/reference/rules.py"
    mp = MPContext()
    known = op.name in exact.functions(mp) or hasattr(mp, op.name) or op.name in NO_COUNTERPART
    if not known:
        yield "a line in functions() of pygrad/checking/exact.py"
    row = ROWS.get(op.name)
    if op.is_public and row is None:
        yield "a row in ROWS of tests/lib/truth.py"
    if row is not None and row.arity != op.arity:
        yield f"{op.arity} slopes in its row of tests/lib/truth.py"
    if row is not None and not (row.lanes or row.same_in_lanes or needs_no_lanes(row)):
        yield "a LaneRange in its row of tests/lib/truth.py"


def needs_no_lanes(row: Row) -> bool:
    """Ops of more than one operand have tests of their own."""
    return not row.is_smooth or row.arity > 1 or row.has_constant


def is_stale(op: Op) -> bool:
    """Whether a text that is derived from the table does not name the op."""
    places = {"csrc/ops/algebra.h": rf"CALL{op.arity}\({op.name},"} if not op.has_constant else {}
    if op.is_public and not op.has_constant:
        places["pygrad/_native.pyi"] = rf"    def {op.name}\("
    if op.is_public:
        places["pygrad/math.pyi"] = rf"def {op.name}\("
    return any(not re.search(pattern, read(name)) for name, pattern in places.items())


def told(table: tuple[Op, ...], name: str = "") -> str:
    """The gaps of all ops, or of the one of this name, for a reader."""
    lacking = {op.name: list(gaps(op, table)) for op in table if name in {"", op.name}}
    return "\n".join(
        "\n  - ".join([f"op `{name}` still lacks:", *found])
        for name, found in lacking.items()
        if found
    )


# -- tests -----------------------------------------------------------------------------------------


def test_every_op_is_whole() -> None:
    lacking = told(table_of(ROOT))
    if lacking:
        pytest.fail(lacking, pytrace=False)


def test_what_a_half_added_op_lacks_is_named_at_once() -> None:
    line = 'UNARY (barnesg, "barnesg", TOTAL, riemann(x) + tgamma(x), EULER(X), "Something")\n'
    second = "ALIAS1 (Z, barnesg)\n"
    assert told(parsed(read("csrc/ops.def") + line + second), "barnesg").splitlines() == [
        "op `barnesg` still lacks:",
        "  - an op for the word EULER of its line in csrc/ops.def",
        "  - a sentence as the last column of its line in csrc/ops.def",
        "  - the function riemann, which libm lacks, in csrc/ops/scalar.h",
        "  - the function tgamma, which JavaScript lacks, in pygrad/seeing/page/numbers.js",
        "  - lanes for tgamma: lane_tgamma in csrc/program/lanemath.h, named in lanewords.h",
        "  - a line in pygrad/reference/rules.py",
        "  - its second name Z in ALIASES of pygrad/reference/rules.py",
        "  - a row in ROWS of tests/lib/truth.py",
        "  - its derived texts: nox -s derive",
        "  - a build of this line: nox -s dev",
        "  - a word in CHANGELOG.md",
    ]


def test_a_word_of_slopes_lacks_less() -> None:
    line = 'SLOPE1 (barnesg_dx, BARNESG_DX(X), TOTAL, exp(x), Z, "Slope of barnesg.")\n'
    assert told(parsed(read("csrc/ops.def") + line), "barnesg_dx").splitlines() == [
        "op `barnesg_dx` still lacks:",
        "  - a line in functions() of pygrad/checking/exact.py",
        "  - its derived texts: nox -s derive",
        "  - a build of this line: nox -s dev",
    ]
