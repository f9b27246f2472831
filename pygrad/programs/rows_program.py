"""The program of a mapped function, for one structure of arguments: its paths, and how rows take them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.callables import FunctionOf
from pygrad.core.hints import of_an_input, of_containers
from pygrad.core.recording import Kind
from pygrad.core.structure import Container, Structure, as_values, key_of
from pygrad.programs.again import Again
from pygrad.programs.axes import called
from pygrad.programs.batch import Batch, by_guard, staying
from pygrad.programs.paths import Path, Paths, trace
from pygrad.programs.reach import is_plain
from pygrad.programs.results import Result, RowResult, Totals, as_numbers, taken_apart
from pygrad.programs.rows_linked import Replayed
from pygrad.programs.rows_without import is_of_a_row, nothing_like
from pygrad.programs.worth import TRACE, NoProgram, TooManyPaths, Worth, verdict_on
from pygrad.progress import Report
from pygrad.progress import progress as progress_of

_CLOSE_OVER = "vmap(lambda x: f(x, {name}=...)) or functools.partial makes it a plain number"


def in_a_row(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """Places, part by part: a range if each is the next one's neighbour, which is compared in no time."""
    ranges = [part for part in parts if len(part)]
    if not ranges:
        return ()
    if not all(isinstance(part, range) for part in ranges):
        ranges = [(i,) for part in ranges for i in part]
    starts, ends = [part[0] for part in ranges], [part[-1] + 1 for part in ranges]
    if starts[1:] == ends[:-1]:
        return range(starts[0], ends[-1])
    return tuple(i for part in ranges for i in part)


class RowsProgram:
    """A function mapped over rows, compiled for one structure of arguments."""

    def __init__(
        self,
        f: Callable[..., Any],
        structure: Structure,
        flags: bytes,
        reduce: str | None,
        wrt: Sequence[int],
        by_lives: bool,
        holds: Callable[[], bool] | None = None,
        kept: bool = False,
        again: Again | None = None,
    ) -> None:
        """flags: of each input whether it differs by row; wrt, by_lives: by what to differentiate; kept:
        whether later calls use it, too; again: of the map, which knows what f reaches."""
        self.f, self.structure, self.flags, self.reduce = f, structure, flags, reduce
        self.wrt, self.by_lives = tuple(wrt), by_lives
        self.again = again
        # What results that are differentiated are made by, by which inputs are Values: see Run.linked.
        self.linked: dict[Any, Replayed] = {}
        self._asked: str | None = None
        compiled = kept and not (again is not None and again.keeps)
        verdict = None
        if not compiled:
            verdict = verdict_on(f, lambda: (self.key(structure, flags, wrt, by_lives), reduce))
        self.paths = Paths(
            self._follow,
            holds,
            Worth(kept, verdict, False, None if compiled else self._runs_on_floats),
        )

    @property
    def is_of_use(self) -> bool:
        """Whether anything was traced that serves later calls, or they know that it is no use."""
        return self.paths.serves or self.paths.worth.verdict.tries > 0

    @staticmethod
    def key(structure: Structure, flags: bytes, wrt: Sequence[int], by_lives: bool) -> Any:
        """What programs have in common where one serves for all; wrt: by which shared items."""
        return key_of(structure), flags, in_a_row([wrt]), by_lives

    def _follow(self, point: Sequence[float]) -> Path:
        return trace(self._traced, point, self.flags, self.f, self._asks)

    def _runs_on_floats(self) -> bool:
        """Whether rows without a path cost what floats cost: no derivatives, which make Values of them."""
        derives = self.wrt or self.by_lives or isinstance(self.f, FunctionOf)
        if self.again is None or derives or _native.any_active():
            return False
        return self.again.runs_on_floats(self.f, self.structure)

    def _asks(self, f: Callable[..., Any]) -> str:
        """What asks in f which object a bool is; "" if nothing does."""
        if self._asked is None or self.paths.worth.kept:
            reach = None
            if self.again is not None and is_plain(self.structure):
                reach = self.again.reach(f)
            self._asked = self.paths.asks(f) if reach is None else reach.asks
            self.paths.worth.verdict.bools = self._asked
        return self._asked

    def _traced(self, inputs: tuple[Any, ...]) -> tuple[list[Any], bytes, Result]:
        try:
            result = called(self.f, self.structure.as_argument(inputs))
        except Exception as error:
            if isinstance(error, TypeError | ValueError | LookupError | AttributeError):
                parts = self.structure.parts if isinstance(self.structure, Container) else ()
                of_containers(error, self.f, parts, "vmap(vmap({f}))(x)")
                given = self.structure.arrange(inputs)
                by_name = given if isinstance(given, dict) else dict(enumerate(given))
                of_an_input(error, self.f, list(by_name), by_name.values(), _CLOSE_OVER)
            if self.paths.root is None or not is_of_a_row(error):
                raise
            return nothing_like(self.paths.root)
        items, structure = taken_apart(result)
        outputs = as_values(items)
        if self.reduce is None:
            return outputs, bytes(len(outputs)), RowResult(structure)
        structure = as_numbers(structure)  # sums of truths are numbers
        if not self.wrt and not self.by_lives:
            return outputs, b"\1" * len(outputs), Totals(structure, ())
        if len(outputs) != 1:
            raise TypeError("derivatives of a reduced vmap need a function of one output")
        lives: tuple[Any, ...] = ()
        if self.by_lives:
            _, lives, _ = _native.trace_program(
                tuple(outputs), self.flags, bytes(len(outputs)), False
            )
        by = (*map(inputs.__getitem__, self.wrt), *lives)
        _, (row,) = _native.reverse(tuple(outputs), by, (0,), True, Kind.UNWRAPPED)
        return [*outputs, row], b"\1" * (len(outputs) + len(by)), Totals(structure, lives)

    def run(
        self,
        batch: Batch,
        outputs: Callable[[Path], Any] | None,
        report: Report = None,
        mixes: bool = True,
    ) -> Iterable[tuple[Path | None, Any]]:
        """Runs all rows, each on its own path; for each path that rows have stayed on, it and the totals.

        Last come, with None for a path, rows for which no path is worth its trace; if mixes, else they get
        one. Where they are most, TooManyPaths.
        """
        arguments, paths, worth = batch.arguments, self.paths, self.paths.worth
        rest: list[Any] = []
        path, rows = batch.first(paths), None
        # Rows by where they have left which path, and whether half of those that have left it did so there.
        large: list[tuple[Path, int, Any, bool]] = []
        small: list[tuple[Path, int, Any, bool]] = []
        worth.asked += arguments.rows
        without = used = 0
        with progress_of(arguments.rows, arguments.name, report) as bar:
            batch.tell = bar.advance if report else None
            while True:
                used += 1
                left, totals = batch.run(path, rows, outputs(path) if outputs else None)
                if batch.singular is not None:
                    paths.look(arguments.point(batch.singular))
                groups = list(by_guard(left, rows))
                count = sum(len(gone) for _, gone in groups)
                stayed = (arguments.rows if rows is None else len(rows)) - count
                batch.served += stayed
                worth.served += stayed
                if stayed and batch.stayed is not None:
                    batch.stayed.append((path, staying(left, rows)))
                if stayed:
                    yield path, totals
                for guard, gone in groups:
                    group = (path, guard, gone, 2 * len(gone) >= count)
                    (large if len(gone) >= TRACE else small).append(group)
                while large or small:
                    parent, guard, rows, together = (large or small).pop()
                    point = functools.partial(arguments.point, int(rows[0]))
                    try:
                        path = paths.branch(parent, guard, point, len(rows), together)
                        break
                    except TooManyPaths as error:
                        without += len(rows)
                        served = arguments.rows - without
                        if not worth.keeps(arguments.rows, served, used):
                            if not isinstance(error, NoProgram):
                                self.paths = paths.given_up(served)
                            raise
                    if not mixes:
                        path = paths.branch(parent, guard, point, len(rows), always=True)
                        break
                    rest.append(rows)
                else:
                    break
            if rest:
                worth.warn(f"rows of {arguments.name}() have", "row by row")
                yield None, np.sort(np.concatenate(rest))
