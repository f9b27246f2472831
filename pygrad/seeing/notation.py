"""Numbers, operations and slopes as people write them: ``-c / b`` for the rule ``NEG(DIV(Z, Y))``.

The op table (csrc/ops.def) states slopes in words, each an op's name in capitals. Here they become text, in
two ways: `readable` keeps every word, for tables of the ops themselves; `formula` says in ordinary
mathematics what the words mean, about operands that have names. A condition in square brackets is 1
where it holds, else 0 (Iverson's notation).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence

from pygrad.core.ops import ops
from pygrad.core.words import Tree, parse

__all__ = [
    "Written",
    "bound",
    "derivative",
    "expression",
    "formula",
    "nested",
    "number",
    "readable",
    "shortened",
    "visible",
]

# -- numbers and names ----------------------------------------------------------------------------


def number(x: float) -> str:
    """x in at most six significant digits, or in nine characters if that is all of it.

    >>> number(-3.0), number(2 / 3), number(1234567.0), number(-0.0), number(1e300)
    ('-3', '0.666667', '1234567', '-0', '1e+300')
    """
    short = f"{x:.6g}"
    if math.isfinite(x) and float(short) != x:
        exact = repr(x).removesuffix(".0")
        if len(exact) <= 9:
            return exact
    return short


def visible(text: str) -> str:
    r"""text with its newlines, control and direction characters written as escapes.

    >>> visible("a\nb\u202e")
    'a\\nb\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, most: int) -> str:
    """text, its end replaced by an ellipsis if it has more than `most` characters.

    >>> shortened("temperature", 5)
    'temp…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


# -- rules as text --------------------------------------------------------------------------------

# How tightly things bind; a name that looks like a formula itself is in need of brackets everywhere.
_LOOSE, _SUM, _PRODUCT, _MINUS, _POWER, _ATOM = range(6)

_BINDING = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT}
_INFIX = {"ADD": "+", "SUB": "-", "MUL": "*", "DIV": "/", "WHOLE": "//"}
_CONDITIONS = {
    "LESS_": "[{} < {}]",
    "ABOVE": "[{} > {}]",
    "AT_LEAST": "[{} >= {}]",
    "NOT_ZERO": "[{} != 0]",
    "IS_ZERO": "[{} == 0]",
}

Written = tuple[str, int]  # text, and how tightly it binds


def _write(tree: Tree, names: Mapping[str, str]) -> Written:
    word, operands = tree
    if not operands:
        return _write_leaf(word, names)
    parts = [_write(operand, names) for operand in operands]
    if word == "NEG":
        # -x / y is (-x) / y, of which every bit is that of -(x / y); -(x // y) needs its brackets.
        if operands[0].word in {"MUL", "DIV"}:
            return "-" + parts[0][0], _PRODUCT
        return "-" + _within(parts[0], _MINUS), _MINUS
    if word in _INFIX:
        return _infix(_INFIX[word], parts)
    if word == "RAISED":
        return f"{_within(parts[0], _ATOM)}**{_within(parts[1], _MINUS)}", _POWER
    if word in _CONDITIONS:
        return _CONDITIONS[word].format(*(text for text, _ in parts)), _ATOM
    return f"{word.lower()}({', '.join(text for text, _ in parts)})", _ATOM


def _write_leaf(word: str, names: Mapping[str, str]) -> Written:
    if word in names:
        return bound(names[word])
    return word.lower(), _MINUS if word.startswith("-") else _ATOM


def bound(text: str) -> Written:
    """A name or a number, and how tightly it binds."""
    if re.fullmatch(r"[\w.\[\]']+", text):
        return text, _ATOM
    return text, _MINUS if re.fullmatch(r"-[\w.+]+", text) else _LOOSE


def _infix(sign: str, parts: Sequence[Written]) -> Written:
    left, right = parts
    binding = _BINDING[sign]
    # The right operand of equal binding needs its brackets: floats are not associative.
    return f"{_within(left, binding)} {sign} {_within(right, binding + 1)}", binding


def _within(part: Written, binding: int) -> str:
    text, own = part
    return text if own >= binding else f"({text})"


def readable(rule: str) -> str:
    """A rule of the op table as an expression over x y w k and the output z.

    >>> readable("MUL(Z, SIGMOID(NEG(X)))")
    'z * sigmoid(-x)'
    >>> readable("DIV(ONE, MUL(SUB(ONE, X), ADD(ONE, X)))")
    '1 / ((1 - x) * (1 + x))'
    """
    return _write(parse(rule), {})[0]


# -- what the words mean --------------------------------------------------------------------------

# Each line: what stands on the left, with X Y W for any parts, is written as on the right. What a word that
# only rules use means, the op table says.
_NOTATION = [
    ("FLOORDIV(X, Y)", "WHOLE(X, Y)"),
    ("POW(X, Y)", "RAISED(X, Y)"),
    ("STEP(X)", "ABOVE(X, ZERO)"),
    ("GREATER(X, Y)", "DIV(ADD(ABOVE(X, Y), AT_LEAST(X, Y)), 2)"),
    ("SELECT(LESS_(X, Y), Y, X)", "MAX(X, Y)"),
    ("SELECT(X, ONE, ZERO)", "NOT_ZERO(X)"),
    ("SELECT(X, ZERO, ONE)", "IS_ZERO(X)"),
    ("SELECT(X, Y, W)", "WHERE(X, Y, W)"),
    ("LESS(X, Y)", "LESS_(X, Y)"),
    ("SUB(ONE, LESS_(X, Y))", "AT_LEAST(X, Y)"),
    # What a constant exponent leaves behind.
    ("MUL(ZERO, X)", "ZERO"),
    ("MUL(ONE, X)", "X"),
    ("MUL(-1, X)", "NEG(X)"),
    ("RAISED(X, ZERO)", "ONE"),
    ("RAISED(X, ONE)", "X"),
]


@functools.cache
def _meanings() -> dict[str, list[tuple[Tree, Tree]]]:
    """The op table's meanings and the lines above, by the word they begin with."""
    words = [
        (f"{op.name.upper()}({', '.join('XY'[: op.arity])})", op.meaning)
        for op in ops()
        if not op.is_public
    ]
    lines: dict[str, list[tuple[Tree, Tree]]] = {}
    for left, right in [*words, *_NOTATION]:
        if left != right:
            pattern = parse(left)
            lines.setdefault(pattern.word, []).append((pattern, parse(right)))
    return lines


def _meaning(tree: Tree) -> Tree:
    """The tree in ordinary words. It calls itself along a rule, not along a graph."""
    if not tree.operands:
        return tree
    tree = Tree(tree.word, tuple(_meaning(operand) for operand in tree.operands))
    if tree.word == "SUB" and all(_is_number(part) for part in tree.operands):
        left, right = tree.operands
        return Tree(number(float(left.word) - float(right.word)))
    for pattern, replacement in _meanings().get(tree.word, []):
        found: dict[str, Tree] = {}
        if _matches(pattern, tree, found):
            return _meaning(_put(replacement, found))
    return tree


def _is_number(tree: Tree) -> bool:
    return not tree.operands and bool(re.match(r"-?\d|-?(inf|nan)$", tree.word))


def _matches(pattern: Tree, tree: Tree, found: dict[str, Tree]) -> bool:
    """Whether tree has the form of pattern; then found has what X Y W stand for."""
    if pattern.word in {"X", "Y", "W"}:
        return found.setdefault(pattern.word, tree) == tree
    return (
        pattern.word == tree.word
        and len(pattern.operands) == len(tree.operands)
        and all(map(functools.partial(_matches, found=found), pattern.operands, tree.operands))
    )


def _put(tree: Tree, found: Mapping[str, Tree]) -> Tree:
    """The tree with what was found in the place of X Y W."""
    if tree.word in found and not tree.operands:
        return found[tree.word]
    return Tree(tree.word, tuple(_put(operand, found) for operand in tree.operands))


def formula(rule: str, names: Mapping[str, str | float], op: str = "") -> str:
    """A rule in ordinary mathematics.

    Args:
        rule: a slope of the op table.
        names: what stands for X, Y, W, K and the output Z: a name, or a number.
        op: the name of the op that the rule belongs to. Where the rule computes that op again, the
            output stands for it.

    >>> formula("NEG(DIV(Z, Y))", {"X": "a", "Y": "b", "Z": "c"})
    '-c / b'
    >>> formula("POW_DX(X, K)", {"X": "a", "K": 3.0, "Z": "c"})
    '3 * a**2'
    >>> formula("SECH2(X)", {"X": "n", "Z": "o"}, op="tanh")
    '1 - o**2'
    """
    numbers = {key: Tree(number(x)) for key, x in names.items() if not isinstance(x, str)}
    texts = {key: text for key, text in names.items() if isinstance(text, str)}
    tree = _meaning(_put(parse(rule), numbers))
    if op and "Z" in names:
        again = Tree(op.upper(), tuple(_put(Tree(x), numbers) for x in "XYW" if x in names))
        tree = _replaced(tree, again, Tree("Z"))
    return _write(tree, texts)[0]


def _replaced(tree: Tree, old: Tree, new: Tree) -> Tree:
    if tree == old:
        return new
    return Tree(tree.word, tuple(_replaced(operand, old, new) for operand in tree.operands))


def expression(symbol: str, operands: Sequence[str]) -> str:
    """An operation as it is written, from what `v._op` says and names or numbers as text.

    >>> expression("*", ["a", "b"]), expression("**2", ["a"]), expression("neg", ["a + b"])
    ('a * b', 'a**2', '-(a + b)')
    >>> expression("tanh", ["n"]), expression("atan2", ["y", "x"])
    ('tanh(n)', 'atan2(y, x)')
    """
    return nested(symbol, [bound(text) for text in operands])[0]


def nested(symbol: str, parts: Sequence[Written]) -> Written:
    """The same of operands that are operations themselves, with as few brackets as mean the same floats.

    >>> product = nested("*", [bound("a"), bound("b")])
    >>> nested("+", [product, bound("c")])[0], nested("**2", [product])[0]
    ('a * b + c', '(a * b)**2')
    """
    if symbol in _BINDING and len(parts) == 2:
        return _infix(symbol, parts)
    if symbol == "neg" and len(parts) == 1:
        return "-" + _within(parts[0], _MINUS), _MINUS
    if symbol.startswith("**") and len(parts) == 1:
        return _within(parts[0], _ATOM) + symbol, _POWER
    return f"{symbol}({', '.join(text for text, _ in parts)})", _ATOM


def derivative(
    node: str, operand: str, kind: str = "", rule: str = "", slope: float | None = None
) -> str:
    """The local derivative of a node by an operand, as rule and number where they are known.

    Args:
        node, operand: their names.
        kind: "" for the left side alone, or how the node was made: see Snapshot.kinds.

    >>> derivative("c", "a", "op", "b", -3.0), derivative("o", "x*w", "closure")
    ('dc/da = b = -3', "do/d(x*w): user's _backward")
    """
    left = "/".join(
        f"d{name}" if re.fullmatch(r"\w+|\(\w+\)", name) else f"d({name})"
        for name in (node, operand)
    )
    if not kind:
        return left
    if kind == "closure":
        return f"{left}: user's _backward"
    if slope is None:
        return f"{left}: no rule, contributes nothing"
    value = number(slope)
    if kind == "partials":
        return f"{left} = {value} (given)"
    return f"{left} = {value}" if rule in {"", value} else f"{left} = {rule} = {value}"
