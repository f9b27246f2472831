"""Loops of programs as C has them: what one consists of, told by content and not by where it is.

Two paths that were traced apart have loops of their own, which may be the same; so have a loop and its way
back a body. Both are written once.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

from pygrad.core.library import ffi, lib

_NUMBERS = 4096  # of states that one level of checkpoints has, about
_FEWEST = 2  # binary digits of the states of a level


@dataclasses.dataclass(frozen=True)
class Body:
    """The program of a body: inputs are the state and what is captured, outputs the new state."""

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

    @property
    def results(self) -> int:
        return self.state + 1 if self.back is None else int(self.back.program.outputs)

    @property
    def operands(self) -> int:
        return self.state + 1 + self.captured + self.arrived

    @property
    def kept(self) -> list[int]:
        """The numbers of the state that the way back asks for: those that a body reads."""
        assert self.back is not None
        first = self.results
        return [k for k in range(self.state) if self.body.reads(k) or self.back.reads(first + k)]


class Known:
    """The loops that a function has."""

    def __init__(self) -> None:
        self._found: dict[Any, Loop] = {}  # by address

    def loop(self, pointer: Any) -> Loop:
        """What a loop of a program consists of.

        Raises:
            NotImplementedError: it is of a kind that C code has no form for.
        """
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
        )
        if (loop.operands, loop.results) != (found.operands, found.results):
            raise NotImplementedError(
                "to_c() does not know loops through sequences yet: write this one with fori_loop or "
                "while_loop"
            )
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
