"""Rules of the op table as trees: words, each an op's name in capitals, of operands and numbers.

>>> parse("NEG(DIV(Z, NUMBER(2.0)))").operands[0].word
'DIV'
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

__all__ = ["Tree", "parse"]


class Tree(NamedTuple):
    """A word with its operands; a number or an operand of the op (X Y W K, Z) has none."""

    word: str
    operands: tuple[Tree, ...] = ()


@functools.cache
def parse(rule: str) -> Tree:
    """The tree of a rule; ValueError if it is none."""
    tokens = re.findall(r"-?[\w.]+|[(),]", rule)
    tree = _front(tokens)
    if tokens:
        raise ValueError(f"cannot read the rule {rule!r}")
    return tree


def _front(tokens: list[str]) -> Tree:
    """The expression at the front of tokens, which it uses up."""
    word = tokens.pop(0)
    if not tokens or tokens[0] != "(":
        return Tree({"ONE": "1", "ZERO": "0"}.get(word, word.removesuffix(".0")))
    operands = []
    while tokens.pop(0) != ")":
        operands.append(_front(tokens))
    return operands[0] if word == "NUMBER" else Tree(word, tuple(operands))
