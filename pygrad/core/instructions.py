"""The instructions of code with the names and constants that they have: of what `dis` gives the part that
a first call asks for, which looks at all code that it runs, in a fifth of the time.

>>> from pygrad.core.instructions import steps_of
>>> [(step.opname, step.argval) for step in steps_of((lambda x: x.real).__code__)][-2][1]
'real'
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any, NamedTuple

# What an instruction's number leads to.
_NAME, _LOCAL, _TWO_LOCALS, _FREE, _CONSTANT, _ITSELF, _NONE = range(7)
_NOTHING = {"CACHE", "NOP", "PUSH_NULL", "PRECALL", "RESUME"}
_CACHES = (
    "CACHE" in dis.opmap
)  # there are since 3.11, where all variables of a code stand in one row, too
# Of some the number has flags at its end; from which version on. A later one than these goes by way of dis.
_FLAGS = {
    "LOAD_GLOBAL": ((3, 11), 1),
    "LOAD_ATTR": ((3, 12), 1),
    "LOAD_SUPER_ATTR": ((3, 12), 2),
}
_WITH_NUMBER = getattr(dis, "hasarg", range(dis.HAVE_ARGUMENT, 256))
_IS_KNOWN = sys.version_info < (3, 15)


class Step(NamedTuple):
    """An instruction: its name, and the name, constant or number that goes with it, as `dis` has them; but
    of jumps, comparisons and formats the number as it stands in the code."""

    opname: str
    argval: Any


def _kind(opcode: int) -> int:
    name = dis.opname[opcode]
    if opcode in dis.hasname:
        return _NAME
    if name.count("_FAST") == 2:
        return _TWO_LOCALS
    if opcode in dis.haslocal:
        return _LOCAL
    if opcode in dis.hasfree:
        return _FREE
    if opcode in dis.hasconst and name != "LOAD_SMALL_INT":
        return _CONSTANT
    return _ITSELF if opcode in _WITH_NUMBER else _NONE


_KINDS = [_kind(opcode) for opcode in range(256)]
_SHIFTS = [
    shift if sys.version_info >= since else 0
    for since, shift in (_FLAGS.get(name, ((3, 0), 0)) for name in dis.opname[:256])
]
_PASSED = frozenset(opcode for opcode in range(256) if dis.opname[opcode] in _NOTHING)
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
_NUMBERS, _NONES = range(1 << 32), (None,) * 256


class _Pairs:
    """Variables two at once, whose numbers have four bits each."""

    def __init__(self, local: tuple[str, ...]) -> None:
        self._local = local

    def __getitem__(self, number: int) -> tuple[str, str]:
        return self._local[number >> 4], self._local[number & 15]


def steps_of(code: CodeType) -> list[Step]:
    """All instructions but those that do nothing."""
    if not _IS_KNOWN:
        passed = _NOTHING | {"EXTENDED_ARG"}
        return [
            Step(i.opname, i.argval) for i in dis.get_instructions(code) if i.opname not in passed
        ]
    raw = code.co_code
    pairs: Iterable[tuple[int, int]] = zip(raw[::2], raw[1::2], strict=True)
    if _EXTENDED_ARG in raw[::2]:
        pairs = _put_together(pairs)
    local, free = _variables(code)
    sources = code.co_names, local, _Pairs(local), free, code.co_consts, _NUMBERS, _NONES
    kinds, shifts, names, new = _KINDS, _SHIFTS, dis.opname, tuple.__new__
    return [
        new(Step, (names[opcode], sources[kinds[opcode]][number >> shifts[opcode]]))
        for opcode, number in pairs
        if opcode not in _PASSED
    ]


def _put_together(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Instructions with numbers of more than eight bits, which others before them begin."""
    high = 0
    for opcode, low in pairs:
        if opcode == _EXTENDED_ARG:
            high = (high | low) << 8
        else:
            yield opcode, high | low
            high = 0


def _variables(code: CodeType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the numbers of local variables, and of cells, stand for."""
    local, cells = code.co_varnames, code.co_cellvars
    if not _CACHES:
        return local, cells + code.co_freevars
    row = local + tuple([name for name in cells if name not in local]) + code.co_freevars
    return row, row
