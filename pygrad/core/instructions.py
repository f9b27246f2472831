"""The instructions of code with the names and constants that they have: of what `dis` gives the part that
a first call asks for, which looks at all code that it runs, in a tenth of the time.

>>> from pygrad.core.instructions import Instructions, opcodes_of, steps_of, table_of
>>> code = (lambda x: x.real).__code__
>>> [(step.opname, step.argval) for step in steps_of(code)][-2][1]
'real'
>>> steps = Instructions(code)
>>> [steps.value(at) for at in steps.places_of(table_of(opcodes_of(["LOAD_ATTR"])))]
['real']
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from types import CodeType
from typing import Any, NamedTuple

# What an instruction's number leads to.
_NAME, _LOCAL, _TWO_LOCALS, _FREE, _CONSTANT, _COMPARISON, _ITSELF, _NONE = range(8)
_NOTHING = {"CACHE", "NOP", "PUSH_NULL", "PRECALL", "RESUME"}
_CACHES = (
    "CACHE" in dis.opmap
)  # there are since 3.11, where all variables of a code stand in one row, too
# Of some the number has flags at its end: so many bits, from which version on. Later ones go by way of dis.
_FLAGS = {
    "COMPARE_OP": {(3, 12): 4, (3, 13): 5},
    "LOAD_GLOBAL": {(3, 11): 1},
    "LOAD_ATTR": {(3, 12): 1},
    "LOAD_SUPER_ATTR": {(3, 12): 2},
}
_WITH_NUMBER = getattr(dis, "hasarg", range(dis.HAVE_ARGUMENT, 256))
_IS_KNOWN = sys.version_info < (3, 15)


class Step(NamedTuple):
    """An instruction: its name, and the name, constant or number that goes with it, as `dis` has them; but
    of jumps and formats the number as it stands in the code."""

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
    if opcode in dis.hascompare:
        return _COMPARISON
    return _ITSELF if opcode in _WITH_NUMBER else _NONE


_KINDS = [_kind(opcode) for opcode in range(256)]
_SHIFTS = [
    max(
        (bits for since, bits in _FLAGS.get(name, {}).items() if sys.version_info >= since),
        default=0,
    )
    for name in dis.opname[:256]
]
_PASSED = bytes(opcode for opcode in range(256) if dis.opname[opcode] in _NOTHING)
_KEPT = bytes(opcode not in _PASSED for opcode in range(256))
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
_NUMBERS, _NONES = range(1 << 32), (None,) * 256


class _Pairs:
    """Variables two at once, whose numbers have four bits each."""

    def __init__(self, local: tuple[str, ...]) -> None:
        self._local = local

    def __getitem__(self, number: int) -> tuple[str, str]:
        return self._local[number >> 4], self._local[number & 15]


def opcodes_of(names: Iterable[str]) -> frozenset[int]:
    """The numbers of instructions, those that this version of Python has."""
    return frozenset(dis.opmap[name] for name in names if dis.opmap.get(name, 256) < 256)


def table_of(*opcodes: frozenset[int]) -> bytes:
    """For each number that an instruction may have, whether it is one of these."""
    chosen = frozenset().union(*opcodes)
    return bytes(opcode in chosen for opcode in range(256))


class Instructions:
    """All instructions of code but those that do nothing. ops: the number of each."""

    __slots__ = ("_numbers", "_sources", "ops")

    def __init__(self, code: CodeType) -> None:
        if not _IS_KNOWN:
            self._described(code)
            return
        raw = code.co_code
        ops, numbers = raw[::2], raw[1::2]
        self._numbers: Sequence[int]
        if _EXTENDED_ARG in ops:
            pairs = [pair for pair in _put_together(ops, numbers) if _KEPT[pair[0]]]
            self.ops, self._numbers = bytes([op for op, _ in pairs]), [n for _, n in pairs]
        else:
            self._numbers = bytes(compress(numbers, ops.translate(_KEPT)))
            self.ops = ops.translate(None, _PASSED)
        local, free = _variables(code)
        # Of each kind of value those that numbers stand for.
        self._sources: Sequence[Any] = (
            *(code.co_names, local, _Pairs(local), free),
            *(code.co_consts, dis.cmp_op, _NUMBERS, _NONES),
        )

    def _described(self, code: CodeType) -> None:
        """The same by dis."""
        passed = _NOTHING | {"EXTENDED_ARG"}
        steps = [i for i in dis.get_instructions(code) if i.opname not in passed]
        self.ops = bytes([i.opcode for i in steps])
        self._numbers = [at << _SHIFTS[op] for at, op in enumerate(self.ops)]
        self._sources = ([i.argval for i in steps],) * (_NONE + 1)

    def value(self, at: int) -> Any:
        """What goes with an instruction: see Step."""
        op = self.ops[at]
        return self._sources[_KINDS[op]][self._numbers[at] >> _SHIFTS[op]]

    def places_of(self, table: bytes) -> Iterator[int]:
        """Where the instructions of a table are: see `table_of`."""
        return compress(range(len(self.ops)), self.ops.translate(table))

    def steps(self) -> list[Step]:
        kinds, shifts, names, sources, new = (
            _KINDS,
            _SHIFTS,
            dis.opname,
            self._sources,
            tuple.__new__,
        )
        return [
            new(Step, (names[op], sources[kinds[op]][number >> shifts[op]]))
            for op, number in zip(self.ops, self._numbers, strict=True)
        ]


def steps_of(code: CodeType) -> list[Step]:
    """All instructions but those that do nothing."""
    return Instructions(code).steps()


def _put_together(ops: bytes, numbers: bytes) -> Iterator[tuple[int, int]]:
    """Instructions with numbers of more than eight bits, which others before them begin."""
    high = 0
    for opcode, low in zip(ops, numbers, strict=True):
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
