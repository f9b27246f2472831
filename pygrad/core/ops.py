"""The op table (csrc/ops.def) as Python sees it, asked from the compiled library.

>>> [op.doc for op in ops() if op.name == "tanh"]
['Hyperbolic tangent.']
>>> op_of("**2").name
'pown'
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Op", "op_of", "ops"]


class Op(NamedTuple):
    """One line of the op table.

    Slopes are rules: in words, each of which is an op's name in capitals, over the operands X Y W, a
    constant K and the output Z. `meaning` says in the same way what an op is that only rules use.
    """

    name: str
    symbol: str
    doc: str
    meaning: str
    forward: str
    slopes: tuple[str, ...]
    errors: str
    arity: int
    has_constant: bool
    is_public: bool
    aliases: tuple[str, ...]


@functools.cache
def ops() -> tuple[Op, ...]:
    """The op table in its own order.

    Raises:
        ImportError: the extension is not built; the reference implementation does without.
    """
    from pygrad.core.library import ffi, lib

    def text(pointer: Any) -> str:
        found = ffi.string(pointer)
        assert isinstance(found, bytes)
        return found.decode()

    def rows(row_at: Callable[[int], Any]) -> Iterator[Any]:
        i = 0
        while (row := row_at(i)) != ffi.NULL:
            yield row
            i += 1

    second_names = [(text(row.alias), text(row.name)) for row in rows(lib.pg_alias_at)]
    return tuple(
        Op(
            name=(name := text(row.name)),
            symbol=text(row.symbol),
            doc=text(row.doc),
            meaning=text(row.meaning),
            forward=text(row.forward),
            slopes=tuple(text(rule) for rule in row.rules if rule != ffi.NULL),
            errors=text(row.errors),
            arity=row.arity,
            has_constant=bool(row.has_constant),
            is_public=bool(row.is_public),
            aliases=tuple(alias for alias, target in second_names if target == name),
        )
        for row in rows(lib.pg_op_at)
    )


@functools.cache
def _ops_by_symbol() -> dict[str, Op]:
    try:
        return {op.symbol: op for op in ops()}
    except ImportError:
        return {}


def op_of(symbol: str) -> Op | None:
    """The op that `v._op` stands for, "**2" included; None for others, or if no extension is built."""
    return _ops_by_symbol().get("**" if symbol.startswith("**") else symbol)
