"""Loops of programs as C has them: what one consists of, told by content and not by where it is.

Two paths that were traced apart have loops of their own, which may be the same; so have a loop and its way
back a body. Both are written once.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from pygrad.core.library import ffi, lib

T = TypeVar("T")

_NUMBERS = 4096  # of states that one level of checkpoints has, about
_FEWEST = 2  # binary digits of the states of a level


@dataclasses.dataclass(frozen=True)
class Body:
    """The program of a body, whose inputs and outputs are those of csrc/program/loop.h's pg_body."""

    key: Any  # equal for programs that do the same
    program: Any = dataclasses.field(compare=False)

    lives: tuple[Any, ...] = ()
    branches: Any = dataclasses.field(default_factory=dict, compare=False)

    @property
    def instructions(self) -> int:
        return int(self.program.length)

    def reads(self, i: int) -> bool:
        """Whether it uses an input."""
        return bool(self.program.input_slots[i] != lib.PG_NO_SLOT)


@dataclasses.dataclass(frozen=True)
class Loop:
    """A loop, as csrc/program/loop.h has it."""

    body: Body
    back: Body | None  # if it goes back
    state: int
    captured: int
    arrived: int
    counts: bool
    most: float
    given: int = 0  # columns, as those that follow
    made: int = 0
    back_given: int = 0  # of the way back: given as forward, and then what has arrived
    back_made: int = 0
    known: tuple[bytes, ...] = ()  # as bytes: 0.0 is not -0.0
    length: int = 0  # of a column; 0 if it is no scan
    reverse: bool = False

    @property
    def makes(self) -> int:
        """How many columns stand behind its other results."""
        return self.made if self.back is None else self.back_made

    @property
    def takes(self) -> int:
        """How many columns it is given, in either direction."""
        return self.given if self.back is None else self.back_given

    @property
    def ends(self) -> int:
        """How many results it has but for columns."""
        if self.back is None:
            return self.state + 1
        return int(self.back.program.outputs) - self.back_made

    @property
    def results(self) -> int:
        return self.ends + self.makes * self.length

    @property
    def operands(self) -> int:
        return self.state + 1 + self.captured + self.arrived + self.takes * self.length

    @property
    def tables(self) -> list[tuple[float, ...]]:
        """The columns that are known, but for those that no body reads, which are empty."""
        first = self.state + self.captured + self.given
        behind = self.ends + self.state + self.captured + self.takes
        return [
            struct.unpack(f"{self.length}d", column)
            if self.body.reads(first + k) or (self.back is not None and self.back.reads(behind + k))
            else ()
            for k, column in enumerate(self.known)
        ]

    def apart(self, operands: Sequence[T]) -> tuple[list[T], list[Sequence[T]]]:
        """Operands that are no items of columns, and the columns."""
        first = self.state + 1 + self.captured
        after = first + self.given * self.length
        behind = after + self.arrived
        starts = [
            *range(first, after, self.length or 1),
            *range(behind, len(operands), self.length or 1),
        ]
        columns = [operands[at : at + self.length] for at in starts]
        return [*operands[:first], *operands[after:behind]], columns

    @property
    def kept(self) -> list[int]:
        """The numbers of the state that the way back asks for: those that a body reads."""
        assert self.back is not None
        first = self.ends
        return [k for k in range(self.state) if self.body.reads(k) or self.back.reads(first + k)]


class Known:
    """The loops that a function has."""

    def __init__(self) -> None:
        self._found: dict[Any, Loop] = {}  # by address

    def loop(self, pointer: Any) -> Loop:
        """What a loop of a program consists of."""
        address = int(ffi.cast("uintptr_t", pointer))
        if address not in self._found:
            self._found[address] = self._opened(pointer)
        return self._found[address]

    def _opened(self, pointer: Any) -> Loop:
        found: Any = ffi.new("pg_opened_loop *")
        lib.pg_loop_opened(pointer, found)
        back = None if found.back == ffi.NULL else self._body(found.back)
        loop = Loop(
            self._body(found.body),
            back,
            found.state,
            found.captured,
            found.arrived,
            bool(found.counts),
            found.most,
            found.given,
            found.made,
            found.back_given,
            found.back_made,
            tuple(_numbers(found.numbers, k, found.length) for k in range(found.known)),
            found.length,
            bool(found.reverse),
        )
        assert (loop.operands, loop.results) == (found.operands, found.results)
        return loop

    def _body(self, p: Any) -> Body:
        def whole(array: Any, count: int) -> bytes:
            return bytes(ffi.buffer(array, count * ffi.sizeof(ffi.typeof(array).item)))

        key = (
            (p.inputs, p.outputs, p.constants, p.uniforms),
            whole(p.constant_values, p.constants),
            whole(p.input_slots, p.inputs),
            whole(p.result_slots, p.outputs),
            whole(p.code, p.length),
            whole(p.terms, p.term_count),
            tuple(self.loop(p.loops[i]) for i in range(p.loop_count)),
        )
        return Body(key, p)


def _numbers(table: Any, column: int, length: int) -> bytes:
    return bytes(ffi.buffer(table + column * length, length * struct.calcsize("d")))


class Levels(NamedTuple):
    """How the states of a loop are kept for the way back: levels of so many states, a power of two."""

    number: int
    digits: int  # binary, of how many states a level has


def levels(width: int, most: float) -> Levels:
    """Those for states of so many numbers, and at most so many trips."""
    needed = max(math.ceil(most), 1)
    digits = (min(needed, 1 << 53) - 1).bit_length()
    count = 1
    while (width << -(-digits // count)) > _NUMBERS and -(-digits // count) > _FEWEST:
        count += 1
    return Levels(count, -(-digits // count))
