"""Calls of a mapped function with few rows, on memory that is kept from one call to the next.

To take arguments apart, find their program and make memory for it costs more than to run it over few rows.
Here the shapes of the arguments alone lead to a plan, which has all of that; the numbers are copied to
where the program reads them. A plan is made once a program has been traced (mapped.py). What it cannot do
without a trace, a warning or an error is left to mapped.py, from the start.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.library import ffi, lib
from pygrad.core.quiet import quietly
from pygrad.core.structure import (
    Array,
    Container,
    Number,
    Structure,
    container_like,
    flatten,
    key_of,
)
from pygrad.programs.batch import in_order
from pygrad.programs.mapped import RowsProgram, Vmapped
from pygrad.programs.memory import address, doubles, scratch
from pygrad.programs.paths import Path, reads_active
from pygrad.programs.table import MOST

_FLOAT64 = np.dtype(np.float64)
_FLOATS = {float}
_PIECE = lib.pg_piece()
ROWS = 8 * _PIECE  # of a call; more are worth a look at what is mapped
NUMBERS = 1 << 14  # in the arguments, and in the results
_SCRATCH = 1 << 22  # bytes; what a larger program does takes longer than all else

_run = lib.pg_program_run_few
_all_finite = lib.pg_all_finite


class FewRows:
    """Plans for calls of a compiled function that is a vmap, or the gradient of one that adds up rows."""

    def __init__(
        self, rows: Vmapped, gradient_by: int | None = None, with_value: bool = True
    ) -> None:
        """gradient_by: of which argument, if the function is value_and_grad() or, without value, grad()."""
        self.rows, self.gradient_by, self.with_value = rows, gradient_by, with_value
        self.plans: dict[Any, Plan | None] = {}  # None: there is to be none
        self.most_rows = ROWS if rows.threads == 1 else _PIECE
        self.serves = not rows.progress

    def call(self, args: tuple[Any, ...]) -> Any:
        """The result; None if the call is not for here."""
        axes = self.rows.in_axes
        if type(axes) is int:
            axes = (axes,) * len(args)
        if not self.serves or type(axes) is not tuple or len(axes) != len(args):
            return None
        mapped: list[Any] = []
        shared: list[Any] = []
        key: list[Any] = []
        for arg, axis in zip(args, axes, strict=True):
            if axis is None:
                found = _shared(arg, shared)
            elif type(axis) is int and axis == 0:
                found = _mapped(arg, mapped)
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
        whole = tuple(key)
        plan = self.plans.get(whole)
        if plan is None:
            if whole not in self.plans:
                self._learn(whole, args, axes, all(array.ndim == 1 for array in mapped))
            return None
        if not 0 < rows <= min(self.most_rows, plan.most_rows) or _native.trace_active():
            return None
        return plan.call(mapped, shared, rows)

    def _learn(
        self, key: Any, args: tuple[Any, ...], axes: Sequence[int | None], flat: bool
    ) -> None:
        """Makes a plan for such arguments, if they have a program. flat: all arrays have one axis."""
        parts = [_structure_of(arg, axis is not None) for arg, axis in zip(args, axes, strict=True)]
        layout, by = Layout(parts, axes, flat), self._differentiated(parts, axes)
        if by is None:
            self.plans[key] = None
            return
        programs, structure = self.rows.programs, container_like((), tuple(parts))
        assert programs is not None
        program = programs.get(RowsProgram.key(structure, layout.flags, by, False))
        if program is None or program.paths.root is None:
            return
        if len(self.plans) >= MOST:
            self.plans.clear()
        root = program.paths.root
        fits = max(root.lane_bytes, root.uniform_bytes) <= _SCRATCH
        finish = self._finish_of(root.result.structure, parts)
        self.plans[key] = Plan(self.rows, program, root, layout, finish) if fits else None

    def _differentiated(
        self, parts: Sequence[Structure], axes: Sequence[int | None]
    ) -> range | None:
        """By which numbers among the shared ones; None for what is left to transforms."""
        if self.gradient_by is None:
            return range(0)
        if not 0 <= self.gradient_by < len(parts) or axes[self.gradient_by] is not None:
            return None
        shared = [0 if axis is not None else p.size for p, axis in zip(parts, axes, strict=True)]
        start = sum(shared[: self.gradient_by])
        return range(start, start + shared[self.gradient_by]) or None

    def _finish_of(self, result: Structure, parts: list[Structure]) -> Callable[[Any, int], Any]:
        """What makes a call's result of its numbers, and of how many rows there are."""
        if self.rows.reduce is None:
            return _by_rows(result)
        if self.gradient_by is None:
            return lambda total, rows: result.arrange(total.tolist())
        of, with_value = parts[self.gradient_by], self.with_value
        shape = of.shape if isinstance(of, Array) else ()

        def gradient(total: Any, rows: int) -> Any:
            slopes, is_array = total[1:], isinstance(of, Array)
            found = slopes.reshape(shape) if is_array else of.arrange(slopes.tolist())
            return (float(total[0]), found) if with_value else found

        return gradient


# -- arguments -------------------------------------------------------------------------------------
# What they have in common that one plan serves; None for what is left to mapped.py. Numbers are collected.


def _mapped(arg: Any, arrays: list[Any]) -> Any:
    kind = type(arg)
    if kind is np.ndarray:
        if arg.dtype is not _FLOAT64 or not arg.ndim:
            return None
        arrays.append(arg)
        return arg.shape[1:]
    if kind is not list and kind is not tuple:
        return _mapped_by_name(arg, arrays) if kind is dict else None
    if not arg:
        return None
    if type(arg[0]) is float:
        if not _FLOATS.issuperset(map(type, arg)):
            return None
        arrays.append(np.array(arg))
        return ()
    key: list[Any] = [kind]
    for part in arg:
        found = _mapped(part, arrays)
        if found is None:
            return None
        key.append(found)
    return tuple(key)


def _mapped_by_name(arg: dict[Any, Any], arrays: list[Any]) -> Any:
    found = [_mapped(part, arrays) for part in arg.values()]
    if None in found or not all(type(name) is str for name in arg):
        return None
    return dict, tuple(arg), tuple(found)


def _shared(arg: Any, items: list[Any]) -> Any:
    kind = type(arg)
    if kind is float:
        items.append(arg)
        return float
    if kind is np.ndarray:
        if arg.dtype is not _FLOAT64:
            return None
        items.append(arg.ravel())
        return arg.shape
    if kind is dict:
        found = [_shared(part, items) for part in arg.values()]
        if None in found or not all(type(name) is str for name in arg):
            return None
        return dict, tuple(arg), tuple(found)
    if kind is not list and kind is not tuple:
        return None
    if arg and _FLOATS.issuperset(map(type, arg)):
        items.append(np.array(arg))
        return kind, len(arg)
    found = [_shared(part, items) for part in arg]
    return None if None in found else (kind, *found)


def _structure_of(arg: Any, is_mapped: bool) -> Structure:
    """The same as the arguments of one row have it."""
    if not is_mapped:
        return flatten(arg, "")[1]
    if type(arg) is np.ndarray:
        shape = arg.shape[1:]
        return Array(shape, int(np.prod(shape))) if shape else Number()
    parts = list(arg.values()) if type(arg) is dict else list(arg)
    if type(parts[0]) is float:
        return Number()
    return container_like(arg, tuple(_structure_of(part, True) for part in parts))


def _sizes_in(structure: Structure) -> list[int]:
    """Of all its numbers and arrays."""
    if isinstance(structure, Container):
        return [size for part in structure.parts for size in _sizes_in(part)]
    return [structure.size]


class Layout:
    """Where the numbers of arguments stand: those that are mapped array by array, then the shared ones."""

    def __init__(self, parts: Sequence[Structure], axes: Sequence[int | None], flat: bool) -> None:
        """flat: all arrays have one axis."""
        before: list[int] = []
        within: list[int] = []
        sizes: list[int] = []
        flags: list[int] = []
        at = 0
        for part, axis in zip(parts, axes, strict=True):
            flags += [int(axis is not None)] * part.size
            for size in _sizes_in(part) if axis is not None else ():
                before += [at] * size
                within += range(size)
                sizes += [size] * size
                at += size
        self.flags = bytes(flags)
        self.width, self.flat = at, flat  # width: numbers of one row
        of_rows = [i for i, flag in enumerate(flags) if flag]
        self.mapped = np.array(of_rows, np.intp)  # inputs
        self.shared = np.array([i for i, flag in enumerate(flags) if not flag], np.intp)
        self.before = np.array(before, np.intp)  # numbers of a row in arrays before its own
        self.within = np.array(within, np.intp)
        self.sizes = np.array(sizes, np.intp)

    def places(self, rows: int, row: int = 0) -> Any:
        """For each mapped input where its number in a row stands among all."""
        return self.before * rows + self.within + self.sizes * row


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


# -- calls -----------------------------------------------------------------------------------------


class Seat:
    """Memory of one call at a time, for so many rows at most."""

    def __init__(self, layout: Layout, path: Path, sizes: Sequence[int], most: int) -> None:
        """sizes: of what a row's result has in it; none if rows are added up."""
        self.layout, self.most, self.rows = layout, most, 0
        self.given = np.empty(max(layout.width * most, 1))
        self.shared = np.empty(max(len(layout.shared), 1))
        self.results = np.empty(max(path.outputs * (most if sizes else 1), 1))
        self.totals = np.empty((-(-most // _PIECE), path.outputs))
        self.order, self.spare, self.counts = np.empty((3, most), np.uintp)
        self.left, self.guards = np.empty((2, most), np.uint32)
        self.inputs = np.empty(max(len(layout.flags), 1), np.uintp)
        self.inputs[layout.shared] = address(self.shared) + 8 * np.arange(len(layout.shared))
        self.strides = np.zeros(max(len(layout.flags), 1), np.intp)
        self.strides[layout.mapped] = layout.sizes
        self.outputs = np.empty(max(path.outputs, 1), np.uintp)
        columns = [(at, i, size) for at, size in _starts(sizes) for i in range(size)]
        self.columns = np.array(columns, np.intp).reshape(-1, 3).T  # of each output
        self.output_strides = np.array([size for _, _, size in columns] or [0], np.intp)
        self.given_at, self.results_at = address(self.given), address(self.results)

        self.batch = batch = ffi.new("pg_batch *")
        batch.inputs = ffi.from_buffer("double **", self.inputs)
        batch.strides = ffi.from_buffer("ptrdiff_t *", self.strides)
        batch.outputs = ffi.from_buffer("double **", self.outputs)
        batch.output_strides = ffi.from_buffer("ptrdiff_t *", self.output_strides)
        batch.left = ffi.from_buffer("uint32_t *", self.left)
        if not sizes:
            batch.totals = doubles(self.totals)
        self.numbers = doubles(self.results)  # for C
        self.leaving = leaving = ffi.new("pg_leaving *")
        self.first_row = ffi.from_buffer("size_t *", self.order)
        leaving.rows = self.first_row
        leaving.spare = ffi.from_buffer("size_t *", self.spare)
        leaving.counts = ffi.from_buffer("size_t *", self.counts)
        leaving.guards = ffi.from_buffer("uint32_t *", self.guards)
        self.lane_bytes = self.uniform_bytes = self.live_count = -1
        self.make_room(path)

    def make_room(self, path: Path) -> None:
        """Scratch memory for a path."""
        if path.lane_bytes > self.lane_bytes:
            self.lane_bytes, self.lanes = path.lane_bytes, scratch(path.lane_bytes)
            self.batch.lanes = doubles(self.lanes)
        if path.uniform_bytes > self.uniform_bytes:
            self.uniform_bytes, self.uniforms = path.uniform_bytes, scratch(path.uniform_bytes)
            self.batch.uniforms = doubles(self.uniforms)
        if len(path.lives) > self.live_count:
            self.live_count, self.lives = len(path.lives), np.empty(max(len(path.lives), 1))
            self.batch.lives = doubles(self.lives)
            self.lives_at = address(self.lives)

    def take_rows(self, rows: int) -> None:
        """From now on there are so many."""
        self.batch.count = self.rows = rows
        self.inputs[self.layout.mapped] = self.given_at + 8 * self.layout.places(rows)
        before, within, _ = self.columns
        if len(before):
            self.outputs[:] = self.results_at + 8 * (before * rows + within)
        self.block = self.given[: self.layout.width * rows]

    def point(self, row: int) -> list[float]:
        """All numbers of one row."""
        found = np.empty(len(self.layout.flags))
        found[self.layout.mapped] = self.given[self.layout.places(self.rows, row)]
        found[self.layout.shared] = self.shared[: len(self.layout.shared)]
        numbers: list[float] = found.tolist()
        return numbers


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
        rows: Vmapped,
        program: RowsProgram,
        root: Path,
        layout: Layout,
        finish: Callable[[Any, int], Any],
    ) -> None:
        self.program, self.root, self.layout, self.finish = program, root, layout, finish
        self.reduce, self.reports = rows.reduce, rows.errors != "ignore"
        self.structure = root.result.structure
        self.key = key_of(self.structure)
        self.sizes = _sizes_in(self.structure) if rows.reduce is None else []
        self.is_total = rows.reduce is not None
        self.outputs = root.outputs
        self.most_rows = NUMBERS // max(layout.width, sum(self.sizes), 1)
        self.alike = {id(self.structure): self.structure}  # what paths return
        self.idle: list[Seat] = []  # that nobody uses now

    def call(self, mapped: list[Any], shared: list[Any], rows: int) -> Any:
        """The result; None if there is more to it than a run on paths that are known."""
        try:
            seat = self.idle.pop()
        except IndexError:
            seat = self._seat(rows)
        if seat.rows != rows:
            if rows > seat.most:
                seat = self._seat(rows)
            seat.take_rows(rows)
        if self.layout.flat:
            np.concatenate(mapped, out=seat.block)
        else:
            np.concatenate([array.reshape(-1) for array in mapped], out=seat.block)
        at = 0
        for item in shared:
            size = 1 if type(item) is float else len(item)
            seat.shared[at : at + size] = item
            at += size
        total = self._run(seat)
        if total is None:
            return None
        if self.is_total:
            numbers = total / rows if self.reduce == "mean" else total
            seat.results[:] = numbers
        else:
            numbers = seat.results[: rows * self.outputs].copy()
        told = self.reports and not _all_finite(seat.numbers, numbers.size)
        if told and self._is_finite(seat):
            return None  # it is to be reported
        self.idle.append(seat)
        return self.finish(numbers, rows)

    def _seat(self, rows: int) -> Seat:
        most = min(self.most_rows, max(64, 1 << (rows - 1).bit_length()))
        return Seat(self.layout, self.root, self.sizes, most)

    @staticmethod
    def _is_finite(seat: Seat) -> bool:
        """Whether the arguments are."""
        shared = seat.shared[: len(seat.layout.shared)]
        return bool(np.isfinite(seat.block).all() and np.isfinite(shared).all())

    def _run(self, seat: Seat) -> Any:
        """The total of all rows, or 0.0 if they are not added up; None for what is not to be done here."""
        total: Any = 0.0
        path, batch, leaving, start = self.root, seat.batch, seat.leaving, 0
        pending: list[tuple[Path, int, int]] = []
        while True:
            if path.lives:
                if reads_active(path.lives):
                    return None
                _native.read_data(path.lives, seat.lives_at)
            outcome = _run(path.program, batch, leaving)
            if outcome & lib.PG_RUN_STOPPED:
                _native.raise_interrupt()
            if outcome & lib.PG_RUN_TOLD:
                self.program.paths.look(seat.point(leaving.told))
            if self.is_total:
                total = _added(total, seat.totals[: -(-batch.count // _PIECE)])
            if outcome & lib.PG_RUN_LEFT:
                for i in range(leaving.guard_count):
                    branch = path.branches.get(leaving.guards[i])
                    if branch is None or not self._is_alike(branch):
                        return None
                    pending.append((branch, start, leaving.counts[i]))
                    start += leaving.counts[i]
            if not pending:
                break
            path, start, batch.count = pending.pop()
            batch.rows = leaving.rows = seat.first_row + start
            seat.make_room(path)
        if batch.rows != ffi.NULL:
            batch.rows, leaving.rows, batch.count = ffi.NULL, seat.first_row, seat.rows
        return total

    def _is_alike(self, path: Path) -> bool:
        """Whether a path returns what the first one does."""
        structure = path.result.structure
        if id(structure) in self.alike:
            return True
        if key_of(structure) != self.key or path.lane_bytes > _SCRATCH:
            return False
        self.alike[id(structure)] = structure
        return True


def _added(total: Any, pieces: Any) -> Any:
    """A total, and those of the pieces of one path, in the order in which mapped.py adds them up."""
    if type(total) is float and len(pieces) == 1:
        return total + pieces[0]
    return quietly(operator.add, total, in_order(pieces))
