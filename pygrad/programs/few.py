"""Calls of a mapped function on memory that is kept from one call to the next.

To take arguments apart, find their program and make memory for it costs more than to run it over few rows,
and of many as much as a thread saves.
Here the shapes of the arguments alone lead to a plan, which has all of that; the numbers are copied to
where the program reads them, or read where they stand if they are many; results are copied, too, or given
away with their memory. What is not for here is left to mapped.py, from the start.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from pygrad import _native
from pygrad.arrays.quiet import quietly
from pygrad.core.library import ffi, lib
from pygrad.core.recording import Argnums
from pygrad.core.structure import (
    Array,
    Container,
    Number,
    Structure,
    container_like,
    key_of,
)
from pygrad.programs.few_arguments import (
    ROWS,
    Layout,
    mapped_in,
    shared_in,
    sizes_in,
    structure_of,
)
from pygrad.programs.memory import address, doubles, scratch
from pygrad.programs.paths import Path, Paths, reads_active
from pygrad.programs.results import truths_in
from pygrad.programs.table import MOST, Programs
from pygrad.programs.worth import MOST_PATHS, TRACE, TooManyPaths

NUMBERS = 1 << 14  # in the arguments, or in the results, more of which are not copied
_SCRATCH = 1 << 20  # bytes; what a larger program does takes longer than all else

_run = lib.pg_program_run_few
_all_finite = lib.pg_all_finite


class Program(Protocol):
    """What runs rows whose arguments have one structure."""

    paths: Paths


class Mapping(Protocol):
    """What vmap() returns."""

    in_axes: Any
    reduce: str | None
    threads: int
    errors: str
    progress: Any
    programs: Programs[Any] | None

    def program_for(self, structure: Structure, flags: bytes, wrt: Sequence[int]) -> Program | None:
        """That of such arguments, made where none are kept; None if it is yet to be made."""

    def report(self, count: int) -> None:
        """So many results are not finite, though all arguments are."""


class FewRows:
    """Plans for calls of a vmap, or of the compiled gradient of one that adds up rows."""

    def __init__(self, gradient_by: Argnums | None = None, with_value: bool = True) -> None:
        """gradient_by: by what arguments, if the function is value_and_grad() or, without value, grad()."""
        self.gradient_by, self.with_value = gradient_by, with_value
        self.met: set[Any] = set()  # what arguments had in common
        self.plans: dict[Any, Plan | None] = {}  # of what was met twice; None: there is to be none
        self.serves = True

    def call(self, of: Mapping, args: tuple[Any, ...]) -> Any:
        """The result; None if the call is not for here."""
        axes = of.in_axes
        if type(axes) is int:
            axes = (axes,) * len(args)
        if type(axes) is not tuple or len(axes) != len(args) or of.progress or not self.serves:
            return None
        mapped: list[Any] = []
        shared: list[Any] = []
        key: list[Any] = []
        for arg, axis in zip(args, axes, strict=True):
            if axis is None:
                found = shared_in(arg, shared)
            elif type(axis) is int and axis == 0:
                found = mapped_in(arg, mapped)
            else:
                return None
            if found is None:
                return None
            key.append(found)
        if not mapped:
            return None
        rows = len(mapped[0])
        for array in mapped:
            if len(array) != rows:
                return None
        if not 0 < rows <= ROWS or _native.trace_active():
            return None
        whole = (of.in_axes, *key)
        plan = self.plans.get(whole)
        if plan is None:
            flat = all(array.ndim == 1 for array in mapped)
            plan = self._plan(whole, args, axes, flat)
        if plan is None or rows > plan.most_rows:
            return None
        return plan.call(of, mapped, shared, rows)

    def _plan(
        self, key: Any, args: tuple[Any, ...], axes: Sequence[int | None], flat: bool
    ) -> Plan | None:
        """A new plan for such arguments, once they are met again. flat: all arrays have one axis."""
        if key not in self.met:
            if len(self.met) >= MOST:
                self.met.clear()
                self.plans.clear()
            self.met.add(key)
            return None
        if key in self.plans:
            return None
        parts = [structure_of(arg, axis is not None) for arg, axis in zip(args, axes, strict=True)]
        layout, by = Layout(parts, axes, flat), self._differentiated(parts, axes)
        found = None
        if by is not None:
            slopes = None if self.gradient_by is None else slopes_of(parts, self.gradient_by)
            found = Plan(container_like((), tuple(parts)), layout, by, slopes, self.with_value)
        self.plans[key] = found
        return found

    def _differentiated(
        self, parts: Sequence[Structure], axes: Sequence[int | None]
    ) -> Sequence[int] | None:
        """By which numbers among the shared ones; None for what is left to transforms."""
        if self.gradient_by is None:
            return ()
        chosen = chosen_of(self.gradient_by, len(parts))
        if chosen is None or any(axes[i] is not None for i in chosen):
            return None
        shared = [0 if axis is not None else p.size for p, axis in zip(parts, axes, strict=True)]
        starts = list(itertools.accumulate(shared, initial=0))
        return [item for i in chosen for item in range(starts[i], starts[i + 1])] or None


def chosen_of(argnums: Argnums, count: int) -> list[int] | None:
    """The positions that argnums names, of so many; None for those that are not there, or come twice."""
    chosen = [argnums] if isinstance(argnums, int) else list(argnums)
    fits = all(0 <= i < count for i in chosen) and len(set(chosen)) == len(chosen)
    return chosen if fits else None


def slopes_of(parts: Sequence[Structure], argnums: Argnums) -> Structure:
    """What a gradient by some arguments is like: one of them, or a tuple."""
    if isinstance(argnums, int):
        return parts[argnums]
    return container_like((), tuple(parts[i] for i in argnums))


# -- results ---------------------------------------------------------------------------------------


def _by_rows(structure: Structure) -> Callable[[Any, int], Any]:
    """What arranges the numbers of all rows, one number or array of the result after the other."""
    if isinstance(structure, Number):
        return lambda numbers, rows: numbers
    if isinstance(structure, Container) and all(type(part) is Number for part in structure.parts):
        make, count = structure.make, structure.size
        return lambda numbers, rows: make(list(numbers.reshape(count, rows)))

    def arrays(numbers: Any, rows: int) -> Any:
        def leaf(of: Number | Array, at: int) -> Any:
            return numbers[at * rows : (at + of.size) * rows].reshape(rows, *of.shape)

        return structure.map(leaf)

    return arrays


def _gradient(slopes_like: Structure, with_value: bool) -> Callable[[Any, int], Any]:
    """What makes the gradient, by something of such a structure, of a total and its derivatives."""
    shape = slopes_like.shape if isinstance(slopes_like, Array) else None

    def gradient(total: Any, rows: int) -> Any:
        slopes = total[1:]
        found = slopes_like.from_array(slopes) if shape is None else slopes.reshape(shape)
        return (float(total[0]), found) if with_value else found

    return gradient


class Results:
    """What calls on a path return, and where the numbers stand."""

    def __init__(self, path: Path, by_row: bool, finish: Callable[[Any, int], Any] | None) -> None:
        """finish: what makes the result of a call of its numbers, and of how many rows there are; None:
        what arranges them as the function does."""
        structure = path.result.structure
        self.path, self.structure, self.count = path, structure, path.outputs
        self.by_row, self.sizes = by_row, tuple(sizes_in(structure)) if by_row else ()
        if finish is None:
            finish = _by_rows(structure) if by_row else lambda n, _: structure.arrange(n.tolist())
        self.finish = finish
        self.known = {id(path.result): path.result}  # of paths that return the same
        self.unfit = (  # for calls of few rows
            any(truths_in(structure))
            or path.lane_bytes > _SCRATCH
            or (not by_row and self.count > NUMBERS)
        )

    def size(self, rows: int) -> int:
        """How many numbers a call of so many rows writes; totals are one row."""
        return self.count * rows if self.by_row else self.count

    def fits(self, path: Path) -> bool:
        """Whether a path returns the same."""
        if id(path.result) in self.known:
            return True
        structure = path.result.structure
        if key_of(structure) != key_of(self.structure) or any(truths_in(structure)):
            return False
        if len(self.known) >= MOST_PATHS:
            self.known.clear()
        self.known[id(path.result)] = path.result
        return True


# -- calls -----------------------------------------------------------------------------------------


class Seat:
    """Memory of one call at a time, for so many rows at most."""

    def __init__(self, layout: Layout, most: int) -> None:
        self.layout, self.most, self.rows = layout, most, 0
        self.given = np.empty(max(min(layout.width * most, NUMBERS), 1))
        self.arrays: list[Any] = []  # that are read where they stand, while a call runs
        self.shared = np.empty(max(len(layout.shared), 1))
        self.order, self.spare, self.counts = np.empty((3, most), np.uintp)
        self.left, self.guards = np.empty((2, most), np.uint32)
        self.inputs = np.empty(max(len(layout.flags), 1), np.uintp)
        self.inputs[layout.shared] = address(self.shared) + 8 * np.arange(len(layout.shared))
        self.strides = np.zeros(max(len(layout.flags), 1), np.intp)
        self.strides[layout.mapped] = layout.sizes
        self.given_at = address(self.given)
        self.sizes: tuple[int, ...] | None = None
        self.count = self.outputs_of = -1
        self.kept: Any = None  # where programs write few results
        self.results: Any = None  # where they write those of this call
        self.numbers: Any = None  # the same for C
        self.lane_bytes = self.uniform_bytes = self.live_count = -1
        self.taken: Results | None = None  # what is written there
        self.size = 0  # how many numbers of it a call writes
        self.block: Any = None  # the numbers of all rows, where these are copied
        self.roomy: Path | None = None  # what there is scratch memory for
        self.threads = 0  # that share the rows, as C was told

        self.batch = batch = ffi.new("pg_batch *")
        batch.inputs = ffi.from_buffer("double **", self.inputs)
        batch.strides = ffi.from_buffer("ptrdiff_t *", self.strides)
        batch.left = ffi.from_buffer("uint32_t *", self.left)
        self.beyond = batch.beyond = ffi.new("int *")  # whether a result by row may be inf or nan
        self.leaving = leaving = ffi.new("pg_leaving *")
        self.first_row = ffi.from_buffer("size_t *", self.order)
        leaving.rows = self.first_row
        leaving.spare = ffi.from_buffer("size_t *", self.spare)
        leaving.counts = ffi.from_buffer("size_t *", self.counts)
        leaving.guards = ffi.from_buffer("uint32_t *", self.guards)

    def take_rows(self, rows: int) -> None:
        """From now on there are so many."""
        self.batch.count = self.rows = rows
        self.taken, self.outputs_of, self.block = None, -1, None

    def take_numbers(self, mapped: Sequence[Any]) -> None:
        """Those of the rows, which these arrays have."""
        layout, block = self.layout, self.block
        if block is None:
            if layout.width * self.rows > NUMBERS:
                self.arrays = [_as_read(array) for array in mapped]
                self.inputs[layout.mapped] = layout.addresses(self.arrays)
                return
            self.inputs[layout.mapped] = self.given_at + 8 * layout.places(self.rows)
            self.block = block = self.given[: layout.width * self.rows]
        flat = mapped if layout.flat else [array.reshape(-1) for array in mapped]
        np.concatenate(flat, out=block)

    def take_results(self, results: Results) -> None:
        """From now on such are written."""
        if results is self.taken and self.results is self.kept:
            return
        self.taken = results
        if results.sizes != self.sizes or results.count != self.count:
            self.sizes, self.count = results.sizes, results.count
            count = results.count
            self.kept = np.empty(max(min(results.size(self.most), NUMBERS), 1))
            self.results = self.kept
            self.totals = np.empty((0, count))
            self.outputs = np.empty(max(count, 1), np.uintp)
            columns = [(at, i, size) for at, size in _starts(self.sizes) for i in range(size)]
            self.columns = np.array(columns, np.intp).reshape(-1, 3).T  # of each output
            self.output_strides = np.array([size for _, _, size in columns] or [0], np.intp)
            self.batch.outputs = ffi.from_buffer("double **", self.outputs)
            self.batch.output_strides = ffi.from_buffer("ptrdiff_t *", self.output_strides)
            self.batch.totals = ffi.NULL
            self.outputs_of = -1
        if self.outputs_of != self.rows:
            before, within, _ = self.columns
            self.starts = (8 * (before * self.rows + within)).astype(np.uintp)
            self.outputs_of = self.rows
            self.results = self.kept
            self._place_outputs()
            if not results.by_row:
                self._make_room_for_totals()
        self.size = size = results.size(self.rows)
        if size > NUMBERS:
            self.results = np.empty(size)
            self._place_outputs()

    def _make_room_for_totals(self) -> None:
        pieces = -(-self.rows // int(lib.pg_piece(self.rows)))
        if len(self.totals) < pieces:
            self.totals = np.empty((pieces, self.count))
            self.batch.totals = doubles(self.totals)

    def _place_outputs(self) -> None:
        start = np.uintp(address(self.results))
        np.add(self.starts, start, out=self.outputs[: len(self.starts)])
        self.numbers = doubles(self.results)

    def written(self) -> Any:
        """The results as an array that no other call writes to."""
        if self.results is self.kept:
            return self.results[: self.size].copy()
        given, self.results, self.numbers = self.results, None, None
        return given

    def make_room(self, path: Path, most_threads: int) -> None:
        """Scratch memory for a path, and for the threads that it is worth."""
        if path is self.roomy and most_threads == self.threads == 1:
            return
        self.roomy = path
        threads, lane_bytes = 1, path.lane_bytes
        if most_threads > 1:
            threads = int(lib.pg_threads(path.program, self.batch.count, most_threads))
            lane_bytes *= threads
        if threads != self.threads:
            self.threads = self.batch.threads = threads
        if lane_bytes > self.lane_bytes:
            self.lane_bytes, self.lanes = lane_bytes, scratch(lane_bytes)
            self.batch.lanes = doubles(self.lanes)
        if path.uniform_bytes > self.uniform_bytes:
            self.uniform_bytes, self.uniforms = path.uniform_bytes, scratch(path.uniform_bytes)
            self.batch.uniforms = doubles(self.uniforms)
        if len(path.lives) > self.live_count:
            self.live_count, self.lives = len(path.lives), np.empty(max(len(path.lives), 1))
            self.batch.lives = doubles(self.lives)
            self.lives_at = address(self.lives)

    def is_finite(self) -> bool:
        """Whether the arguments are."""
        given = self.arrays or [self.block]
        return all(np.isfinite(x).all() for x in (*given, self.shared[: len(self.layout.shared)]))

    def point(self, row: int) -> list[float]:
        """All numbers of one row."""
        found = np.empty(len(self.layout.flags))
        if self.arrays:
            of_row = [array[row : row + 1].reshape(-1) for array in self.arrays]
            found[self.layout.mapped] = np.concatenate(of_row)
        else:
            found[self.layout.mapped] = self.given[self.layout.places(self.rows, row)]
        found[self.layout.shared] = self.shared[: len(self.layout.shared)]
        numbers: list[float] = found.tolist()
        return numbers


def _as_read(array: Any) -> Any:
    """An array as programs read it; a copy, if it stands otherwise."""
    return array if array.flags.c_contiguous and array.flags.aligned else array.copy()


def _starts(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """For each size the sum of those before it, and itself."""
    found, at = [], 0
    for size in sizes:
        found.append((at, size))
        at += size
    return found


class Plan:
    """How calls with arguments of certain shapes run."""

    def __init__(
        self,
        structure: Structure,
        layout: Layout,
        by: Sequence[int],
        slopes_like: Structure | None,
        with_value: bool,
    ) -> None:
        """by: by which of the shared numbers to differentiate, which have the structure slopes_like."""
        self.structure, self.layout, self.by = structure, layout, by
        self.finish = None if slopes_like is None else _gradient(slopes_like, with_value)
        self.most_rows = ROWS  # 0 once it is clear that it serves no call
        self.program: Program | None = None  # if programs are kept
        self.results: Results | None = None  # of its paths
        self.idle: list[Seat] = []  # that nobody uses now

    def call(self, of: Mapping, mapped: list[Any], shared: list[Any], rows: int) -> Any:
        """The result; None if there is more to it than to trace paths and to run them."""
        program = self.program or self._find_program(of)
        if program is None or program.paths.worth.verdict.waits > 0:
            return None
        try:
            seat = self.idle.pop()
        except IndexError:
            seat = self._seat(rows)
        if seat.rows != rows:
            if rows > seat.most:
                seat = self._seat(rows)
            seat.take_rows(rows)
        seat.take_numbers(mapped)
        at = 0
        for item in shared:
            size = 1 if type(item) is float else len(item)
            seat.shared[at : at + size] = item
            at += size
        path = program.paths.root
        if path is None:
            try:
                path = program.paths.first(functools.partial(seat.point, 0))
            except Exception:
                self.most_rows = 0
                return None  # it comes once more
        results = self._results_of(path, of)
        if results.unfit:
            self.most_rows = 0
            return None
        try:
            total = self._run(seat, program.paths, results, of.threads)
        except TooManyPaths:
            self.most_rows = 0
            return None
        if total is None:
            return None
        if not results.by_row:
            seat.results[: results.count] = total / rows if of.reduce == "mean" else total
        may_be = of.errors != "ignore" and seat.beyond[0] != 0
        told = may_be and not _all_finite(seat.numbers, seat.size)
        numbers = seat.written()
        if told and seat.is_finite():
            of.report(numbers.size - int(np.isfinite(numbers).sum()))
        seat.arrays = []
        self.idle.append(seat)
        return results.finish(numbers, rows)

    def _find_program(self, of: Mapping) -> Program | None:
        """One that is kept, once it has a path; a new one for this call where none are kept."""
        if of.programs is None and _native.any_active():
            return None
        program = of.program_for(self.structure, self.layout.flags, self.by)
        if of.programs is not None:
            self.program = program if program and program.paths.root else None
            return self.program
        return program

    def _seat(self, rows: int) -> Seat:
        most = min(self.most_rows, max(64, 1 << (rows - 1).bit_length()))
        return Seat(self.layout, max(rows, most))

    def _results_of(self, path: Path, of: Mapping) -> Results:
        results = self.results
        if results is None or results.path is not path:
            results = Results(path, of.reduce is None, self.finish)
            if of.programs is not None:
                self.results = results
        return results

    @staticmethod
    def _run(seat: Seat, paths: Paths, results: Results, threads: int) -> Any:
        """The total of all rows, or 0.0 if they are not added up; None for what is left to mapped.py."""
        seat.take_results(results)
        total: Any = 0.0
        path, batch, leaving, start = results.path, seat.batch, seat.leaving, 0
        large: list[Any] = []  # as in mapped.py: a path, a guard, and which rows have left it there
        small: list[Any] = []
        worth = paths.worth
        worth.asked += seat.rows
        seat.beyond[0] = not results.by_row
        while True:
            seat.make_room(path, threads)
            if path.lives:
                if reads_active(path.lives):
                    return None
                _native.read_data(path.lives, seat.lives_at)
            outcome = _run(path.program, batch, leaving)
            if outcome & lib.PG_RUN_STOPPED:
                _native.raise_interrupt()
            if not results.by_row:
                total = _added(total, seat.totals[0])
            if outcome & lib.PG_RUN_LEFT:
                for i in range(leaving.guard_count):
                    count = leaving.counts[i]
                    left = (path, leaving.guards[i], start, count)
                    (large if count >= TRACE else small).append(left)
                    start += count
                    worth.served -= count
            if outcome & lib.PG_RUN_TOLD:
                paths.look(seat.point(leaving.told))
            worth.served += batch.count
            if not (large or small):
                break
            parent, guard, start, batch.count = (large or small).pop()
            known = parent.branches.get(guard)
            if known is None:
                point = functools.partial(seat.point, int(seat.order[start]))
                known = paths.branch(parent, guard, point, batch.count)
            path = known
            if not results.fits(path) or path.lane_bytes > _SCRATCH:
                return None
            batch.rows = leaving.rows = seat.first_row + start
        if batch.rows != ffi.NULL:
            batch.rows, leaving.rows, batch.count = ffi.NULL, seat.first_row, seat.rows
        return total


def _added(total: Any, part: Any) -> Any:
    """A total, and that of one path, in the order in which mapped.py adds them up."""
    return total + part if type(total) is float else quietly(operator.add, total, part)
