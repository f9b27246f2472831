"""The instructions of code with the names and constants that they have: of what `dis` gives the part that
a first call asks for, which looks at all code that it runs, in a tenth of the time and less.

>>> from pygrad.core.instructions import steps_of
>>> code = (lambda x: x.real).__code__
>>> [(step.opname, step.argval) for step in steps_of(code)][-2][1]
'real'
"""

from __future__ import annotations

import dis
import sys
from types import CodeType
from typing import Any, NamedTuple

from pygrad.core.implementation import IMPLEMENTATION

if IMPLEMENTATION == "compiled":
    from pygrad import _native

# What an instruction's number leads to, as csrc/python/instructions.c knows it.
(
    _PASSED,
    _EXTENDED,
    _NAME,
    _VARIABLE,
    _TWO_VARIABLES,
    _CELL,
    _CONSTANT,
    _COMPARISON,
    _ITSELF,
    _NONE,
) = b".xnv2fc=#-"
_NOTHING = {"CACHE", "NOP", "PUSH_NULL", "PRECALL", "RESUME"}
# Since 3.11 all variables of a code stand in one row, cells too.
_FREE = _VARIABLE if sys.version_info >= (3, 11) else _CELL
# Of some the number has flags at its end: so many bits, from which version on. Later ones go by way of dis.
_FLAGS = {
    "COMPARE_OP": {(3, 12): 4, (3, 13): 5},
    "LOAD_GLOBAL": {(3, 11): 1},
    "LOAD_ATTR": {(3, 12): 1},
    "LOAD_SUPER_ATTR": {(3, 12): 2},
}
_WITH_NUMBER = getattr(dis, "hasarg", range(dis.HAVE_ARGUMENT, 256))
_IS_KNOWN = IMPLEMENTATION == "compiled" and sys.version_info < (3, 15)


class Step(NamedTuple):
    """An instruction: its name, and the name, constant or number that goes with it, as `dis` has them; but
    of jumps and formats the number as it stands in the code."""

    opname: str
    argval: Any


def _kind(opcode: int) -> int:
    name = dis.opname[opcode]
    if name in _NOTHING:
        return _PASSED
    if name == "EXTENDED_ARG":
        return _EXTENDED
    if opcode in dis.hasname:
        return _NAME
    if name.count("_FAST") == 2:
        return _TWO_VARIABLES
    if opcode in dis.haslocal:
        return _VARIABLE
    if opcode in dis.hasfree:
        return _FREE
    if opcode in dis.hasconst and name != "LOAD_SMALL_INT":
        return _CONSTANT
    if opcode in dis.hascompare:
        return _COMPARISON
    return _ITSELF if opcode in _WITH_NUMBER else _NONE


def _shift(name: str) -> int:
    since = _FLAGS.get(name, {})
    return max((bits for version, bits in since.items() if sys.version_info >= version), default=0)


_KINDS = bytes(map(_kind, range(256)))
_SHIFTS = bytes(map(_shift, dis.opname[:256]))


def decoded(code: CodeType) -> tuple[bytes, tuple[Any, ...]]:
    """Of all instructions but those that do nothing the opcodes, and what goes with each: see Step."""
    if _IS_KNOWN:
        return _native.decoded(code, _KINDS, _SHIFTS, dis.cmp_op)
    passed = _NOTHING | {"EXTENDED_ARG"}
    steps = [i for i in dis.get_instructions(code) if i.opname not in passed]
    return bytes([i.opcode for i in steps]), tuple([i.argval for i in steps])


def steps_of(code: CodeType) -> list[Step]:
    """All instructions but those that do nothing."""
    ops, values = decoded(code)
    new, names = tuple.__new__, dis.opname
    return [new(Step, (names[op], value)) for op, value in zip(ops, values, strict=True)]
