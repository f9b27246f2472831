"""A function as programs that run one row at a time: it is traced here, and run here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.library import ffi, lib
from pygrad.core.structure import as_values
from pygrad.programs.memory import address, doubles, places, scratch
from pygrad.programs.paths import Path, Paths, trace
from pygrad.programs.results import Result, RowResult, taken_apart
from pygrad.programs.worth import LOOK, TooManyPaths

_call = lib.pg_program_call
# In place of a guard: results are there, but derivatives may be singular: see Paths.look.
SINGULAR = lib.PG_GUARD_TOLD
_STOPPED = lib.PG_GUARD_STOPPED
_COUNT = 16  # calls that leave the paths, from one count of those that stay to the next


class BoundPath:
    """A path without rows, bound to the arrays that it reads and writes; one call at a time."""

    def __init__(self, path: Path, inputs: Sequence[Any], results: Any) -> None:
        """inputs, one after the other, are the path's; they and results are contiguous, of one axis."""
        given, needed = sum(map(len, inputs)), _inputs_read(path.program)
        if given < needed or len(results) < path.outputs:
            raise TypeError(
                f"the program reads {needed} numbers and writes {path.outputs}, but is bound to {given} "
                f"and {len(results)}"
            )
        self.path, self.results = path, results
        self.program, self.lives = path.program, path.lives  # at hand: a tuple takes 10 ns to ask
        lives, uniforms = np.empty(max(len(path.lives), 1)), scratch(path.uniform_bytes)
        sources, _ = places(inputs)
        targets, _ = places([results])
        self.batch = batch = ffi.new("pg_batch *")
        batch.inputs = ffi.from_buffer("double **", sources)
        batch.outputs = ffi.from_buffer("double **", targets)
        batch.lives, batch.uniforms = doubles(lives), doubles(uniforms)
        self.live_address = address(lives)
        self.guard = ffi.new("uint32_t *")
        self.kept = (inputs, lives, uniforms, sources, targets)  # the batch has their addresses

    def run(self) -> int | None:
        """The guard where the inputs leave the path, or None or SINGULAR; then results are there."""
        if self.lives:
            _native.read_data(self.lives, self.live_address)
        if _call(self.program, self.batch, self.guard):
            return None
        return _left(self.guard[0])


def _left(guard: int) -> int:
    """The guard, where it was not stopped."""
    if guard == _STOPPED:
        _native.raise_interrupt()
    return guard


def _inputs_read(program: Any) -> int:
    """How many numbers a program must be given: up to the last that it reads."""
    slots: Any = program.input_slots
    count = int(program.inputs)
    while count and slots[count - 1] == lib.PG_NO_SLOT:
        count -= 1
    return count


class OneRow(BoundPath):
    """A path with arrays of its own."""

    def __init__(self, path: Path, size: int) -> None:
        self.inputs = np.empty(size)
        super().__init__(path, [self.inputs], np.empty(path.outputs))


class OneRowProgram:
    """A function compiled for one structure of arguments, called a row at a time."""

    def __init__(
        self,
        run: Callable[[Sequence[Any]], Any],
        size: int,
        holds: Callable[[], bool] | None = None,
    ) -> None:
        """holds: see Paths."""
        self.f, self.size = run, size
        self.paths = Paths(self._follow, holds)
        # Where the function reads attributes of its arguments: these, and what there is for others.
        self.captures: Any = None
        self.variants: Any = None
        self._left = 0  # calls that have left all paths
        self.direct: Any = None  # see direct.py; False: there is to be none

    @property
    def is_of_use(self) -> bool:
        """Whether anything was traced that serves later calls."""
        return self.paths.serves

    def _follow(self, point: Sequence[float]) -> Path:
        return trace(self._traced, point, bytes(len(point)), self.f)

    def _traced(self, inputs: tuple[Any, ...]) -> tuple[list[Any], bytes, Result]:
        items, structure = taken_apart(self.f(inputs))
        outputs = as_values(items)
        return outputs, bytes(len(outputs)), RowResult(structure)

    def take(self, path: Path) -> Any:
        """Something with the path's memory for one call, for nobody else until it is idle again."""
        try:
            return path.idle.pop()
        except IndexError:
            return OneRow(path, self.size)

    def call(self, items: Sequence[float], always: bool = False) -> tuple[Any, Path]:
        """The result, and the path that led to it, which is traced if it is worth it; always: then, too."""
        row = self.take(self.paths.first(lambda: items))
        row.inputs[:] = items
        return self.run(row, always=always)

    def gives_up(self) -> bool:
        """Whether its paths are no use, as most calls leave them; then it has none any more."""
        worth = self.paths.worth
        self._count()
        if self._left < LOOK or worth.keeps(worth.asked, worth.served - len(self.paths.all), 0):
            return False
        self.paths, self._left = self.paths.given_up(0), 0
        return True

    def _count(self) -> None:
        """Notes how many calls there were, and how many have stayed on their path."""
        rows = [row for path in self.paths.all for row in list(path.idle)]
        worth = self.paths.worth
        worth.served = sum(row.batch.calls for row in rows if isinstance(row, OneRow))
        worth.served += self.direct.calls if self.direct else 0
        worth.asked = worth.served + self._left

    def run(self, row: Any, always: bool = False) -> tuple[Any, Path]:
        """The same for a row whose inputs are there."""
        while True:
            guard = row.run()
            path = row.path
            if guard is None or guard == SINGULAR:
                if guard is not None:
                    self.paths.look(row.inputs.tolist())
                result = path.result.from_array(row.results)
                path.idle.append(row)
                return result, path
            inputs = row.inputs
            parent, path = path, path.branches.get(guard)
            if path is None:
                path = self._branch(parent, guard, row, always)
            other = self.take(path)
            other.inputs[:] = inputs
            row.path.idle.append(row)  # only now may another thread take it
            row = other

    def _branch(self, parent: Path, guard: int, row: Any, always: bool) -> Path:
        """A path that is not there yet."""
        self._left += 1
        if self._left % _COUNT == 0:
            self._count()
        try:
            return self.paths.branch(parent, guard, row.inputs.tolist, always=always)
        except TooManyPaths:
            parent.idle.append(row)
            raise
