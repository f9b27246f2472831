"""Many rows run on a path of a program, by several threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.library import ffi, lib
from pygrad.programs.memory import address, doubles, scratch
from pygrad.programs.paths import Path, Paths
from pygrad.programs.rows import RowNumbers, RowResults
from pygrad.programs.rows_without import candidates, is_of_a_row

_STAYED = 0xFFFFFFFF  # pg_batch.left of a row that stayed on its path
_TOLD = 20_000  # instructions times pieces: those of some 20 ms
_Tell = Callable[[int], object] | None  # called with how many rows more are done, as they are


class Batch:
    """Arrays of one call: inputs by argument, outputs by number, totals by path."""

    def __init__(self, arguments: RowNumbers, threads: int) -> None:
        self.arguments, self.threads = arguments, threads
        self.tell: _Tell = None
        self.served = 0  # rows that have stayed on a path
        self.beyond = ffi.new("int *")  # whether a result by row may be inf or nan
        self.singular: int | None = None  # a row whose derivatives may be singular: see Paths.look
        # Paths with the rows that have stayed on them, indices or None for all; if that is to be noted.
        self.stayed: list[tuple[Path, Any]] | None = None
        self.pointers, self.strides = arguments.pointers()
        self._first: Path | None = None

    def first(self, paths: Paths) -> Path:
        """The path of the first row, or of the first that has results: the same at each call, also where
        it serves this call alone."""
        if self._first is None:
            self._first = self._found(paths)
        return self._first

    def _found(self, paths: Paths) -> Path:
        try:
            return paths.first(lambda: self.arguments.point(0))
        except Exception as error:
            if not is_of_a_row(error):
                raise
            of_the_first = error
        for k in candidates(self.arguments):
            try:
                return paths.first(functools.partial(self.arguments.point, k))
            except Exception as error:
                if not is_of_a_row(error):
                    raise
        raise of_the_first

    def run(self, path: Path, rows: Any | None, outputs: RowResults | None) -> tuple[Any, Any]:
        """Runs rows (indices, or None for all) on a path: where each left it, and the totals.

        The first is None for a path without guards.
        """
        work = _Work(self, path, rows, outputs)
        guard = work.begin()
        if guard is not None:
            return np.full(work.count, guard, dtype=np.uint32), None
        work.run(self.tell)
        self.singular = work.singular()
        return work.left, None if work.totals is None else work.total()


class _Work:
    """Rows of a batch on one path, and the memory that they need."""

    def __init__(
        self, batch: Batch, path: Path, rows: Any | None, outputs: RowResults | None
    ) -> None:
        self.batch, self.path, self.rows = batch, path, rows
        self.count = batch.arguments.rows if rows is None else len(rows)
        self.piece = int(lib.pg_piece(self.count))
        self.pieces = -(-self.count // self.piece)
        self.threads = int(lib.pg_threads(path.program, self.count, batch.threads))
        self.left = np.full(self.count, _STAYED, dtype=np.uint32) if path.outcomes else None
        self.totals = np.empty((self.pieces, path.outputs)) if outputs is None else None
        self.targets = batch if outputs is None else outputs  # not used with totals
        self.lives = np.empty(max(len(path.lives), 1))
        self.uniforms = scratch(path.uniform_bytes)
        self.met: list[int] = []  # places of rows that have met 0 * inf
        self.whole = self._part(0, self.count)

    def begin(self) -> int | None:
        """Runs what is the same for all rows; the guard if all of them leave the path there."""
        if self.path.lives:
            _native.read_data(self.path.lives, address(self.lives))
        guard = ffi.new("uint32_t *")
        outcome = lib.pg_program_run_once(self.path.program, self.whole, guard)
        if outcome < 0:
            _native.raise_interrupt()
        if outcome:
            self.met += [0] if outcome == 2 else []
            return None
        return int(guard[0])

    def run(self, tell: _Tell) -> None:
        """Runs the rows."""
        # Those of a call: all, or as many as take some 20 ms and are then told of.
        pieces = max(1, _TOLD // (self.path.instructions + 1)) * self.threads
        step = self.count if tell is None else pieces * self.piece
        lanes = scratch(self.path.lane_bytes * self.threads)
        for start in range(0, self.count, step):
            part = self.whole
            if step < self.count:
                part = self._part(start, min(step, self.count - start))
            part.lanes, part.threads = doubles(lanes), self.threads
            place = lib.pg_program_run(self.path.program, part)
            if place < 0:
                _native.raise_interrupt()
            if place:
                self.met.append(start + place - 1)
            if tell is not None:
                tell(_staying(self.left, start, part.count))

    def total(self) -> Any:
        """The totals of all pieces."""
        totals: Any = self.totals
        lib.pg_add_pieces(doubles(totals), self.pieces, self.path.outputs)
        return totals[0]

    def singular(self) -> int | None:
        """The first row that has met 0 * inf."""
        if not self.met:
            return None
        return min(self.met) if self.rows is None else int(self.rows[min(self.met)])

    def _part(self, first: int, size: int) -> Any:
        """Some of the rows for C."""
        part = ffi.new("pg_batch *")
        part.inputs = ffi.from_buffer("double **", self.batch.pointers)
        part.strides = ffi.from_buffer("ptrdiff_t *", self.batch.strides)
        part.outputs = ffi.from_buffer("double **", self.targets.pointers)
        part.output_strides = ffi.from_buffer("ptrdiff_t *", self.targets.strides)
        part.beyond = self.batch.beyond
        part.lives, part.uniforms = doubles(self.lives), doubles(self.uniforms)
        part.first, part.count, part.piece = first, size, self.piece
        if self.rows is not None:
            part.rows = ffi.from_buffer("size_t *", self.rows) + first
        if self.left is not None:
            part.left = ffi.from_buffer("uint32_t *", self.left) + first
        if self.totals is not None:
            part.totals = doubles(self.totals) + first // self.piece * self.path.outputs
        return part


def _staying(left: Any | None, first: int, count: int) -> int:
    """How many of these rows have not left the path: those are done."""
    if left is None:
        return count
    return int(np.count_nonzero(left[first : first + count] == _STAYED))


def staying(left: Any | None, rows: Any | None) -> Any:
    """Rows that have not left a path, or None for all."""
    if left is None:
        return rows
    stayed = np.flatnonzero(left == _STAYED).astype(np.uintp)
    return stayed if rows is None else rows[stayed]


def by_guard(left: Any, rows: Any | None) -> Iterable[tuple[int, Any]]:
    """Rows that left a path, by the guard where they did."""
    if left is None:
        return
    gone = np.flatnonzero(left != _STAYED)
    for guard in np.unique(left[gone]):
        at = gone[left[gone] == guard]
        yield int(guard), np.ascontiguousarray(at if rows is None else rows[at], dtype=np.uintp)
