"""Jacobians and Hessians of compiled functions: one sweep as a program, with directions as its rows.

The function is traced once, together with one sweep: forward, along a direction of its argument, or in
reverse, along one of its result, whichever needs fewer directions. In that program the argument is the
same for all rows, so that whatever depends on nothing else runs once; directions run as lanes.
Directions whose results are in different places share a row: see sparsity.py.

>>> import numpy as np
>>> from pygrad import compile, hessian
>>> curvature = compile(hessian(lambda x: sum((b - a * a) ** 2 for a, b in zip(x, x[1:]))))
>>> curvature(np.zeros(100)).shape, curvature.programs[0]["sweeps"]
((100, 100), 3)
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad import _native
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value, in_no_grad
from pygrad.core.jacobians import (
    JacobianOf,
    Recorded,
    arrange_jacobian,
    by_itself,
    count_inputs,
    record,
)
from pygrad.core.library import ffi, lib
from pygrad.core.structure import Structure, as_values, flatten_result, values_in
from pygrad.programs import sparsity
from pygrad.programs.arguments import Arguments
from pygrad.programs.memory import address, addresses, doubles, scratch
from pygrad.programs.one_row import SINGULAR, OneRowProgram
from pygrad.programs.paths import Path, reads_active, trace
from pygrad.programs.results import Result, RowResult
from pygrad.programs.worth import NoProgram

# All sweeps of a dense Jacobian are one program if they are so few, or have so few nodes together: then it
# is faster, and tracing it takes milliseconds. (Measured on Hessians of Rosenbrock's function and of
# log(sum(exp)): beyond, rows are traced 10 to 300 times sooner, and from n = 400 on they run faster, too.)
_FEW_SWEEPS = 4
_FEW_NODES = 50_000

_MUCH_MEMORY = 1 << 20  # bytes; with more, lanes are given back after each call
_AT_ONCE = 1_000_000  # instructions on 64 rows between two looks for Ctrl-C: some 20 ms
_NUMBERS_ONLY = "a sparse Jacobian is an array of numbers: it {}; leave out sparse=True"
_OUTSIDE = (
    "cannot lead on to a Value that is no argument of the function, as stop_gradient(v) does not, and "
    "nothing does within no_grad()"
)


class Plan(NamedTuple):
    """What the outputs of a program are, and the directions in which it is to run."""

    argument: Structure
    result: Structure
    aux: Structure | None  # None: there is none
    forward: bool
    sparse: bool
    row_of: Any = None  # of each number that makes up a direction, the row where it is 1, and not 0
    compressed: sparsity.Compressed | None = None  # None: each direction has a row of its own

    @property
    def shape(self) -> tuple[int, int]:
        return self.result.size, self.argument.size

    @property
    def directions(self) -> int:
        """How many there are, of the argument or of the result."""
        return self.shape[self.forward]

    @property
    def outputs(self) -> int:
        """Numbers that a direction gives."""
        return self.shape[not self.forward]

    @property
    def sweeps(self) -> int:
        return self.directions if self.compressed is None else self.compressed.products

    def table(self) -> Any:
        """A new array for what comes out: the Jacobian itself if no directions share rows."""
        return np.empty(self.shape if self.compressed is None else (self.sweeps, self.outputs))

    def places(self) -> tuple[Any, int]:
        """The number of the table that each output begins with, and how far it is to the next row's."""
        outputs = np.arange(self.outputs, dtype=np.uintp)
        if self.compressed is not None:
            return outputs, self.outputs
        width = self.shape[1]
        return (outputs * np.uintp(width), 1) if self.forward else (outputs, width)

    def from_array(self, results: tuple[Any, Any]) -> Any:
        """The Jacobian, and aux, from what has come into the table."""
        table, aux = results
        if self.compressed is not None and self.sparse:
            jacobian = self.compressed.sparse(table)
        else:
            matrix = table if self.compressed is None else self.compressed.dense(table)
            jacobian = arrange_jacobian(matrix, self.result, self.argument)
        return jacobian if self.aux is None else (jacobian, self.aux.arrange(aux.tolist()))


class Products(Result):
    """Of directions, which are a program's rows: the Jacobian's products with them."""

    __slots__ = ("from_array", "plan", "sweeps")

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.result)
        self.plan, self.sweeps = plan, plan.sweeps
        self.from_array = plan.from_array


class Sweeps(OneRowProgram):
    """A Jacobian compiled for one structure of arguments."""

    def __init__(
        self,
        what: JacobianOf,
        arguments: Arguments,
        holds: Callable[[], bool] | None = None,
    ) -> None:
        run = functools.partial(arguments.call, functools.partial(record, what))
        super().__init__(run, len(arguments.items), holds)
        self.what, self.leads_outside = what, False
        self.seeds: int = arguments.call(functools.partial(count_inputs, what), arguments.items)

    def take(self, path: Path) -> Any:
        if not isinstance(path.result, Products):
            return super().take(path)
        try:
            return path.idle.pop()
        except IndexError:
            return DirectionRows(path, path.result.plan, self.size, self.seeds)

    def _follow(self, point: Sequence[float]) -> Path:
        path = trace(self._traced, [*point, *[1.0] * self.seeds], self._flags(), self.f)
        if isinstance(path.result, Products) and path.result.plan.row_of is None:
            plan = self._share(path.program, path.result.plan)
            return path._replace(result=Products(plan))
        return path

    def _flags(self) -> bytes:
        """Which inputs of the program differ by row: those that a direction is made up of."""
        return bytes(self.size) + b"\1" * self.seeds

    def _traced(self, inputs: tuple[Any, ...]) -> tuple[list[Any], bytes, Result]:
        before = lib.pg_live_nodes()
        run: Recorded = self.f(inputs[: self.size])
        sweeps = min(self.seeds, run.result.size)
        nodes = sweeps * (lib.pg_live_nodes() - before)
        if not self.what.sparse and (sweeps <= _FEW_SWEEPS or nodes <= _FEW_NODES):
            return self._in_one(run)
        made = self._by_rows(run, inputs[self.size :])
        settled = _native.settled(tuple(made[0]), inputs, tuple(made[0]))
        self.leads_outside |= bool(values_in(list(settled)))
        return made

    def _in_one(self, run: Recorded) -> tuple[list[Any], bytes, Result]:
        """A program of all sweeps."""
        jacobian = run.jacobian(self._is_forward(run.result.size))
        result = (jacobian, run.aux) if self.what.has_aux else jacobian
        items, structure = flatten_result(result, "the result")
        return as_values(items), bytes(len(items)), RowResult(structure)

    def _by_rows(self, run: Recorded, seeds: tuple[Any, ...]) -> tuple[list[Any], bytes, Result]:
        """A program of one sweep."""
        outs = run.result.size
        plan = Plan(run.argument, run.result, None, self._is_forward(outs), self.what.sparse)
        if self.what.sparse and not self.what.symmetric:
            products, plan = self._fewest(run.recording, seeds, plan)
        elif plan.forward:
            (products,) = run.recording.forward([seeds])
        else:
            (products,) = run.recording.reverse([seeds[:outs]])
        items: list[Any] = []
        if self.what.has_aux:
            items, aux = flatten_result(run.aux, "aux")
            plan = plan._replace(aux=aux)
        outputs = as_values([*products, *items])
        return outputs, bytes(len(outputs)), Products(plan)

    def _is_forward(self, outs: int) -> bool:
        """Whether forward sweeps are fewer, or as many and asked for."""
        if self.what.symmetric and outs != self.seeds:
            raise TypeError(
                "a sparse Hessian is for functions of one output, but "
                f"{function_name(self.what.f)}() returned more: leave out sparse=True"
            )
        return self.seeds < outs if self.seeds != outs else self.what.forward

    def _fewest(
        self, recording: Any, seeds: tuple[Any, ...], plan: Plan
    ) -> tuple[tuple[Any, ...], Plan]:
        """Within a trace: what comes out of a sweep for a sparse Jacobian, forward or in reverse."""
        (products,) = recording.forward([seeds])
        capsule, _, _ = _native.trace_program(products, self._flags(), bytes(len(products)), True)
        program = ffi.cast("pg_program *", _native.program_address(capsule))
        pattern = _possible(sparsity.pattern_of(program, self.size, self.seeds, len(products)))
        forward, colours = sparsity.fewest(pattern)
        if forward:
            compressed = sparsity.by_columns(pattern, colours)
            return products, plan._replace(forward=True, row_of=colours.of, compressed=compressed)
        # As there are fewer colours than inputs, a number for each colour can make up the directions.
        (products,) = recording.reverse([tuple(seeds[colour] for colour in colours.of)])
        row_of, compressed = np.arange(colours.used), sparsity.by_rows(pattern, colours)
        return products, plan._replace(forward=False, row_of=row_of, compressed=compressed)

    def _share(self, program: Any, plan: Plan) -> Plan:
        """The plan for a program that is there: which directions have a row in common."""
        most = sys.maxsize if self.what.sparse else plan.directions * plan.outputs // 8
        pattern = sparsity.pattern_of(program, self.size, plan.directions, plan.outputs, most)
        if self.what.sparse:
            pattern = _possible(pattern).symmetrised()
            colours = sparsity.colour_symmetric(pattern)
            return plan._replace(row_of=colours.of, compressed=sparsity.by_stars(pattern, colours))
        if pattern is not None:
            transposed = pattern.transposed()
            colours = sparsity.colour_columns(pattern, transposed)
            if 2 * colours.used <= plan.directions:
                compressed = (
                    sparsity.by_columns(pattern, colours)
                    if plan.forward
                    else sparsity.by_rows(transposed, colours)
                )
                return plan._replace(row_of=colours.of, compressed=compressed)
        return plan._replace(row_of=np.arange(plan.directions))


def _possible(pattern: sparsity.Pattern | None) -> sparsity.Pattern:
    if pattern is None:
        raise MemoryError("a sparse Jacobian has at most 2**31 - 1 entries")
    return pattern


class DirectionRows:
    """A path with buffers for one call at a time; each direction, or a few of them together, is a row."""

    def __init__(self, path: Path, plan: Plan, size: int, seeds: int) -> None:
        self.path, self.plan = path, plan
        self.size, self.inputs = size, np.empty(size)
        self.lives = np.empty(len(path.lives))
        self.uniforms = scratch(path.uniform_bytes)
        self.lanes = scratch(path.lane_bytes) if path.lane_bytes < _MUCH_MEMORY else None
        self.left = np.empty(self.plan.sweeps, dtype=np.uint32)
        self.guard = ffi.new("uint32_t *")
        self.batch = ffi.new("pg_batch *")
        self.batch.lives = doubles(self.lives)
        self.batch.uniforms = doubles(self.uniforms)
        self._place_inputs(seeds)
        self._place_outputs()
        # Rows between two looks for Ctrl-C.
        self.step = 64 * max(1, _AT_ONCE // (path.instructions - path.program.spread + 1))

    def _place_inputs(self, seeds: int) -> None:
        count = self.plan.sweeps
        self.unit = np.zeros(2 * count + 1)  # read from place count - k on, it is 1 in row k
        self.unit[count] = 1.0
        row_of = np.zeros(seeds, dtype=np.intp)
        row_of[: len(self.plan.row_of)] = self.plan.row_of
        numbers = addresses(self.inputs, self.size)
        self.sources = np.concatenate([numbers, addresses(self.unit, count + 1)[count - row_of]])
        self.strides = np.repeat(np.array([0, 1], dtype=np.intp), [len(numbers), seeds])
        self.batch.inputs = ffi.from_buffer("double **", self.sources)
        self.batch.strides = ffi.from_buffer("ptrdiff_t *", self.strides)

    def _place_outputs(self) -> None:
        """aux is the same for all rows: it is read off the uniforms, and its outputs go nowhere."""
        path, count = self.path, self.plan.outputs
        self.nowhere = np.empty(1)
        self.targets = np.full(path.outputs, address(self.nowhere), dtype=np.uintp)
        self.target_strides = np.zeros(path.outputs, dtype=np.intp)
        self.places, self.target_strides[:count] = self.plan.places()
        self.batch.outputs = ffi.from_buffer("double **", self.targets)
        self.batch.output_strides = ffi.from_buffer("ptrdiff_t *", self.target_strides)
        slots = [path.program.result_slots[i] for i in range(count, path.outputs)]
        self.aux_slots = np.array(slots, dtype=np.intp)
        self.table: Any = None
        if self.plan.compressed is not None:
            self._give_table()

    def _give_table(self) -> None:
        self.table = self.plan.table()
        self.targets[: self.plan.outputs] = address(self.table) + 8 * self.places

    def run(self) -> int | None:
        """The guard where the inputs leave the path, or None or SINGULAR; then results are there."""
        path, program, batch = self.path, self.path.program, self.batch
        if path.lives:
            _native.read_data(path.lives, address(self.lives))
        met = lib.pg_program_run_once(program, batch, self.guard)
        if met < 0:
            _native.raise_interrupt()
        if not met:
            return int(self.guard[0])
        met -= 1  # whether 0 * inf was
        if self.plan.compressed is None:
            self._give_table()
        lanes = self.lanes if self.lanes is not None else scratch(path.lane_bytes)
        batch.lanes = doubles(lanes)
        for first in range(0, self.plan.sweeps, self.step):
            batch.first, batch.count = first, min(self.step, self.plan.sweeps - first)
            batch.left = ffi.from_buffer("uint32_t *", self.left) + first
            place = lib.pg_program_run(program, batch)
            if place < 0:
                _native.raise_interrupt()
            met |= place
        return SINGULAR if met else None

    @property
    def results(self) -> tuple[Any, Any]:
        """The table, which is given away if it is the Jacobian, and aux."""
        table = self.table
        if self.plan.compressed is None:
            self.table = None
        return table, self.uniforms.view(np.float64)[self.aux_slots]


def sparse_at(what: JacobianOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A sparse Jacobian at a point, of a function that is traced there."""
    what, chosen = by_itself(what, args, kwargs)
    arguments = Arguments(tuple(chosen), {}, frozenset())
    if any(isinstance(item, Value) for item in arguments.items) or _native.trace_active():
        raise TypeError(_NUMBERS_ONLY.format("takes no Values and stands in no trace"))
    sparsity.scipy_sparse()  # before the work
    sweeps = Sweeps(what, arguments)
    try:
        result, path = sweeps.call(arguments.items)
    except NoProgram as error:
        raise error.refusal from None
    if reads_active(path.lives):
        raise TypeError(
            _NUMBERS_ONLY.format("cannot lead on to Values that a transform around it is by")
        )
    if sweeps.leads_outside and not in_no_grad():
        raise TypeError(_NUMBERS_ONLY.format(_OUTSIDE))
    return result
