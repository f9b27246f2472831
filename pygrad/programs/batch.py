"""Many rows run on a path of a program: in pieces, by several threads, with looks for Ctrl-C."""

from __future__ import annotations

import contextlib
import functools
from _thread import start_new_thread
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.arrays.quiet import quietly
from pygrad.core.library import ffi, lib
from pygrad.programs.memory import address, doubles, scratch
from pygrad.programs.paths import Path, Paths
from pygrad.programs.rows import RowNumbers, RowResults
from pygrad.programs.rows_without import candidates, is_of_a_row

_LOOK = 0.02  # seconds between two looks for Ctrl-C, and for rows that are done
_STAYED = 0xFFFFFFFF  # pg_batch.left of a row that stayed on its path
_PIECE = lib.pg_piece()
_Tell = Callable[[int], object] | None  # called with how many rows more are done, as they are


class Batch:
    """Arrays of one call: inputs by argument, outputs by number, totals by path."""

    def __init__(self, arguments: RowNumbers, threads: int) -> None:
        self.arguments, self.threads = arguments, threads
        self.tell: _Tell = None
        self.served = 0  # rows that have stayed on a path
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
        parts = min(self.threads, work.pieces)
        if parts <= 1:
            work.run(0, work.count, self.tell)
        else:
            self._run_in_threads(work, parts)
        self.singular = work.singular()
        return work.left, None if work.totals is None else quietly(in_order, work.totals)

    def _run_in_threads(self, work: _Work, parts: int) -> None:
        cuts = [work.pieces * i // parts * _PIECE for i in range(parts)] + [work.count]
        done: list[int] = []  # threads append to it, this one tells
        tell = None if self.tell is None else done.append
        work.stop = ffi.new("int *")
        threads = _Threads(
            [
                functools.partial(work.run, cuts[i], cuts[i + 1] - cuts[i], tell)
                for i in range(parts)
            ]
        )
        try:
            # A signal that another thread has got does not wake this one.
            while not threads.have_ended(_LOOK):
                if self.tell is not None:
                    self.tell(sum(done.pop() for _ in range(len(done))))
        except BaseException:
            lib.pg_stop(work.stop)
            raise
        finally:
            threads.join()
        if self.tell is not None:
            self.tell(sum(done))


class _Threads:
    """Runs each of the jobs in a thread of its own.

    What waits here are locks of C, which an interrupt leaves as they are: one that comes in the locks of
    `concurrent.futures`, which are Python, may leave them taken for ever.
    """

    def __init__(self, jobs: list[Callable[[], None]]) -> None:
        self.jobs, self.begun = jobs, 0
        self.ends: dict[int, BaseException | None] = {}  # of each job, with what it has ended
        self.woken: SimpleQueue[None] = SimpleQueue()

    def have_ended(self, seconds: float) -> bool:
        """Whether all have; waits so long for one that does. Raises what the first of them has raised."""
        while self.begun < len(self.jobs):
            start_new_thread(self._run, (self.begun,))
            self.begun += 1
        self._wait(seconds)
        if len(self.ends) < len(self.jobs):
            return False
        for at in range(len(self.jobs)):
            error = self.ends[at]
            if error is not None:
                raise error
        return True

    def join(self) -> None:
        """Waits until no job runs."""
        while len(self.ends) < self.begun:
            self._wait(_LOOK)

    def _wait(self, seconds: float) -> None:
        with contextlib.suppress(Empty):
            self.woken.get(timeout=seconds)

    def _run(self, at: int) -> None:
        error: BaseException | None = None
        try:
            self.jobs[at]()
        except BaseException as caught:
            error = caught
        self.ends[at] = error
        self.woken.put(None)


class _Work:
    """Rows of a batch on one path, and the memory that they need."""

    def __init__(
        self, batch: Batch, path: Path, rows: Any | None, outputs: RowResults | None
    ) -> None:
        self.batch, self.path, self.rows = batch, path, rows
        self.count = batch.arguments.rows if rows is None else len(rows)
        self.pieces = -(-self.count // _PIECE)
        self.left = np.full(self.count, _STAYED, dtype=np.uint32) if path.outcomes else None
        self.totals = np.empty((self.pieces, path.outputs)) if outputs is None else None
        self.targets = batch if outputs is None else outputs  # not used with totals
        self.lives = np.empty(max(len(path.lives), 1))
        self.uniforms = scratch(path.uniform_bytes)
        self.stop: Any = None  # where it is shared: not 0 if all threads are to end
        self.met: list[int] = []  # places of rows that have met 0 * inf

    def begin(self) -> int | None:
        """Runs what is the same for all rows; the guard if all of them leave the path there."""
        if self.path.lives:
            _native.read_data(self.path.lives, address(self.lives))
        guard = ffi.new("uint32_t *")
        outcome = lib.pg_program_run_once(self.path.program, self._part(0, self.count), guard)
        if outcome < 0:
            _native.raise_interrupt()
        if outcome:
            self.met += [0] if outcome == 2 else []
            return None
        return int(guard[0])

    def run(self, first: int, size: int, tell: _Tell) -> None:
        """Runs some of the rows, from the first on."""
        # Pieces between two looks for Ctrl-C: some 20 ms of work.
        step = max(1, 20_000 // (self.path.instructions + 1)) * _PIECE
        lanes = scratch(self.path.lane_bytes)
        for start in range(first, first + size, step):
            part = self._part(start, min(step, first + size - start))
            part.lanes = doubles(lanes)
            place = lib.pg_program_run(self.path.program, part)
            if place < 0:
                if self.stop is not None and lib.pg_is_stopped(self.stop):
                    return
                _native.raise_interrupt()
            if place:
                self.met.append(start + place - 1)
            if tell is not None:
                tell(_staying(self.left, start, part.count))

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
        part.lives, part.uniforms = doubles(self.lives), doubles(self.uniforms)
        part.first, part.count = first, size
        if self.stop is not None:
            part.stop = self.stop
        if self.rows is not None:
            part.rows = ffi.from_buffer("size_t *", self.rows) + first
        if self.left is not None:
            part.left = ffi.from_buffer("uint32_t *", self.left) + first
        if self.totals is not None:
            part.totals = doubles(self.totals) + first // _PIECE * self.path.outputs
        return part


def _staying(left: Any | None, first: int, count: int) -> int:
    """How many of these rows have not left the path: those are done."""
    if left is None:
        return count
    return int(np.count_nonzero(left[first : first + count] == _STAYED))


def in_order(pieces: Any) -> Any:
    """The sum of the pieces' totals, from the first to the last; Run reports what is not finite, once."""
    total = pieces[0].copy()
    for piece in pieces[1:]:
        total += piece
    return total


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
