"""csrc/ops.def read as text: the op table of a checkout, before anything is built.

The preprocessor reads the same file for C; what it has made of it, pygrad.core.ops tells of an installed
package. A test holds the two to the same table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pygrad.core.ops import Op

# For each kind of line: how many slopes it states, how many operands it has, whether it is public.
_KINDS = {"UNARY": 1, "BINARY": 2, "TERNARY": 3, "CONSTANT": 1, "SLOPE1": 1, "SLOPE2": 2}


def table_of(root: Path) -> tuple[Op, ...]:
    """The op table of the checkout in this folder."""
    return parsed((root / "csrc" / "ops.def").read_text(encoding="utf-8"))


def parsed(text: str) -> tuple[Op, ...]:
    """The op table that this text of an ops.def states.

    >>> [op] = parsed('UNARY (neg, "neg", TOTAL, -x, NEG(ONE), "Negation -x.")')
    >>> op.name, op.forward, op.slopes
    ('neg', '-x', ('NEG(ONE)',))
    """
    lines = list(_lines(text))
    second_names = [arguments for kind, arguments in lines if kind.startswith("ALIAS")]
    return tuple(_op(kind, arguments, second_names) for kind, arguments in lines if kind in _KINDS)


def _op(kind: str, arguments: list[str], second_names: list[list[str]]) -> Op:
    name, symbol_or_meaning, errors, forward, *slopes, doc = arguments
    is_public = not kind.startswith("SLOPE")
    return Op(
        name=name,
        symbol=symbol_or_meaning.strip('"') if is_public else name,
        doc=doc.strip('"'),
        meaning="" if is_public else symbol_or_meaning,
        forward=forward,
        slopes=tuple(slopes),
        errors=errors,
        arity=_KINDS[kind],
        has_constant=kind == "CONSTANT",
        is_public=is_public,
        aliases=tuple(alias for alias, target in second_names if target == name),
    )


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each line of the table: its macro, and that macro's arguments."""
    for start in re.finditer(r"^([A-Z]+\d?)\s*\(", text, re.MULTILINE):
        yield start[1], _arguments(text, start.end())


def _arguments(text: str, start: int) -> list[str]:
    """The arguments of a macro whose bracket opened just before start."""
    arguments, depth = [""], 0
    for token in re.findall(r'"[^"]*"|.', text[start:], re.DOTALL):
        if token == ")" and depth == 0:
            break
        if token == "," and depth == 0:
            arguments.append("")
            continue
        depth += (token == "(") - (token == ")")
        arguments[-1] += token
    return [argument.strip() for argument in arguments]
