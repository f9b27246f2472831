"""Many rows run on a path of a program: in pieces, by several threads, with looks for Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from pygrad import _native
from pygrad._core import ffi, lib
from pygrad.programs.memory import address, doubles, scratch
from pygrad.programs.paths import Path
from pygrad.programs.rows import RowArguments, RowResults

_STAYED = 0xFFFFFFFF  # pg_batch.left of a row that stayed on its path
_PIECE = lib.pg_piece()


class Batch:
    """Arrays of one call: inputs by argument, outputs by number, totals by path."""

    def __init__(self, arguments: RowArguments, threads: int) -> None:
        self.arguments, self.threads = arguments, threads
        self.tell: Callable[[int], object] | None = None  # how many rows more are done, as they are
        self.pointers, self.strides = arguments.pointers()

    def run(self, path: Path, rows: Any | None, outputs: RowResults | None) -> tuple[Any, Any]:
        """Runs rows (indices, or None for all) on a path: where each left it, and the totals.

        The first is None for a path without guards.
        """
        count = self.arguments.rows if rows is None else len(rows)
        left = np.full(count, _STAYED, dtype=np.uint32) if path.outcomes else None
        pieces = -(-count // _PIECE)
        totals = np.empty((pieces, path.outputs)) if outputs is None else None
        lives = np.empty(max(len(path.lives), 1))
        if path.lives:
            _native.read_data(path.lives, address(lives))
        uniforms = scratch(path.uniform_bytes)
        places = self if outputs is None else outputs  # not used with totals

        def batch_of(first: int, size: int) -> Any:
            batch = ffi.new("pg_batch *")
            batch.inputs = ffi.from_buffer("double **", self.pointers)
            batch.strides = ffi.from_buffer("ptrdiff_t *", self.strides)
            batch.outputs = ffi.from_buffer("double **", places.pointers)
            batch.output_strides = ffi.from_buffer("ptrdiff_t *", places.strides)
            batch.lives = doubles(lives)
            batch.uniforms = doubles(uniforms)
            batch.first, batch.count = first, size
            if rows is not None:
                batch.rows = ffi.from_buffer("size_t *", rows) + first
            if left is not None:
                batch.left = ffi.from_buffer("uint32_t *", left) + first
            if outputs is None:
                batch.totals = doubles(totals) + first // _PIECE * path.outputs
            return batch

        guard = ffi.new("uint32_t *")
        if not lib.pg_program_run_once(path.program, batch_of(0, count), guard):
            return np.full(count, guard[0], dtype=np.uint32), None

        # Pieces between two looks for Ctrl-C: some 20 ms of work.
        step = max(1, 20_000 // (path.instructions + 1)) * _PIECE
        stopped: list[bool] = []

        def work(first: int, size: int, tell: Callable[[int], object] | None) -> None:
            lanes = scratch(path.lane_bytes)
            for start in range(first, first + size, step):
                if stopped:
                    return
                batch = batch_of(start, min(step, first + size - start))
                batch.lanes = doubles(lanes)
                lib.pg_program_run(path.program, batch)
                if tell is not None:
                    tell(_staying(left, start, batch.count))

        parts = min(self.threads, pieces)
        if parts <= 1:
            work(0, count, self.tell)
        else:
            cuts = [pieces * i // parts * _PIECE for i in range(parts)] + [count]
            done: list[int] = []  # threads append to it, this one tells
            tell = None if self.tell is None else done.append
            with ThreadPoolExecutor(parts) as pool:
                try:
                    jobs = [
                        pool.submit(work, cuts[i], cuts[i + 1] - cuts[i], tell)
                        for i in range(parts)
                    ]
                    while self.tell is not None and wait(jobs, 0.05).not_done:
                        self.tell(sum(done.pop() for _ in range(len(done))))
                    for job in jobs:
                        job.result()
                except BaseException:
                    stopped.append(True)
                    raise
            if self.tell is not None:
                self.tell(sum(done))
        return left, None if outputs is not None else _in_order(totals)


def _staying(left: Any | None, first: int, count: int) -> int:
    """How many of these rows have not left the path: those are done."""
    if left is None:
        return count
    return int(np.count_nonzero(left[first : first + count] == _STAYED))


def _in_order(pieces: Any) -> Any:
    """The sum of the pieces' totals, from the first to the last."""
    total = pieces[0]
    for piece in pieces[1:]:
        total += piece
    return total


def by_guard(left: Any, rows: Any | None) -> Iterable[tuple[int, Any]]:
    """Rows that left a path, by the guard where they did."""
    if left is None:
        return
    gone = np.flatnonzero(left != _STAYED)
    for guard in np.unique(left[gone]):
        at = gone[left[gone] == guard]
        yield int(guard), np.ascontiguousarray(at if rows is None else rows[at], dtype=np.uintp)
