"""Rows whose results are differentiated with what is around them, and perhaps more than once: a map of
Values within transforms, whose results are those of one node with a rule.

Rows run on the paths of the map. Where a sweep meets the node so do their derivatives: the program of a
path is run on Values in a trace, and swept there. It is what was traced, as the function may read something
else by the time that a derivative is wanted. Derivatives that are differentiated again are results of such
a node in turn. So a sweep costs programs over rows, to any order, where a recording of each row would have
a node for each operation.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad import _native
from pygrad.arrays.quiet import quietly
from pygrad.core.implementation import Value
from pygrad.core.library import ffi, lib
from pygrad.core.recording import Kind, as_recorded
from pygrad.core.stated import NodeRule
from pygrad.core.structure import Array
from pygrad.programs.batch import Batch
from pygrad.programs.paths import Path, Paths, trace
from pygrad.programs.results import Result, RowResult, Totals
from pygrad.programs.rows import Leaf, RowNumbers, RowResults

FEW = 8  # rows: to trace their derivatives takes as long as some five of them take row by row
_LOOKS = 4  # rows that are asked whether a trace takes their path as lanes do
_UNKNOWN = {b"ruled", b"call"}  # whose derivatives a program does not know

# What seeds there are of a number that each row has: none, one for all rows, one for each.
_NONE, _SHARED, _BY_ROW = range(3)


class Stayed(NamedTuple):
    """Rows that have stayed on a path."""

    path: Path
    rows: Any  # indices, or None for all
    first: int  # one of them, at which a trace takes the path, too


class Taken(NamedTuple):
    """How the rows of a call have run."""

    f: Callable[..., Any]
    name: str
    parts: Sequence[Stayed]
    threads: int


# -- what is computed of a row -------------------------------------------------------------------


class Made:
    """Numbers that are made of the inputs of a row, by a program for each path of the map."""

    def __init__(self, flags: Sequence[bool], by: Sequence[int], totals: bool) -> None:
        """flags: of each input whether it differs by row; by: those that are Values; totals: whether the
        numbers are added up over rows."""
        self.flags, self.by, self.totals = tuple(flags), tuple(by), totals
        self._paths: dict[int, tuple[Path, Paths]] = {}
        self._derived: dict[Any, Derived] = {}

    @property
    def given(self) -> int:
        """How many of the Values are the map's, and no seeds."""
        raise NotImplementedError

    def outputs(self, path: Path, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The numbers, in a trace."""
        raise NotImplementedError

    def pulled(self, modes: tuple[int, ...], to: tuple[int, ...]) -> Derived:
        """Their derivatives by some inputs, which all rows share or none does. modes: what seeds there are
        of the numbers."""
        return self._once(Pulled, modes, to)

    def pushed(self, modes: tuple[int, ...]) -> Derived:
        """Their tangents. modes: what seeds there are of the inputs that are Values."""
        return self._once(Pushed, modes)

    def _once(self, kind: Callable[..., Derived], *what: Any) -> Derived:
        key = kind, what
        if key not in self._derived:
            self._derived[key] = kind(self, *what)
        return self._derived[key]

    def run(self, taken: Taken, numbers: RowNumbers) -> list[float]:
        """The numbers at these inputs: their totals, or those of each row, one row after the other."""
        batch, total = Batch(numbers, taken.threads), 0.0
        results: RowResults | None = None
        for path, rows, first in taken.parts:
            paths = self._program(path, taken.f)
            program = paths.first(functools.partial(numbers.point, first))
            if results is None and not self.totals:
                results = RowResults(program.result.structure, numbers.rows)
            # Its guards are those that the rows have passed
            _, part = batch.run(program, rows, results)
            if self.totals:
                total = quietly(operator.add, total, part)
            if batch.singular is not None:
                paths.look(numbers.point(batch.singular))
        found: Any = total if results is None else results.parts[0].ravel()
        return found.tolist()  # type: ignore[no-any-return]

    def _program(self, path: Path, f: Callable[..., Any]) -> Paths:
        """What has the program for the rows of a path as the only one of its own."""
        if id(path) not in self._paths:
            self._paths[id(path)] = path, Paths(functools.partial(self._follow, path, f))
        return self._paths[id(path)][1]

    def _follow(self, path: Path, f: Callable[..., Any], point: Sequence[float]) -> Path:
        function = functools.partial(self._traced, path)
        return trace(function, point, bytes(self.flags), f, lambda _: "")

    def _traced(self, path: Path, inputs: tuple[Any, ...]) -> tuple[Sequence[Any], bytes, Result]:
        outputs = self.outputs(path, inputs)
        structure = Array((len(outputs),), len(outputs))
        result = Totals(structure, ()) if self.totals else RowResult(structure)
        return outputs, bytes([self.totals]) * len(outputs), result


class Replayed(Made):
    """What a map computes."""

    def __init__(
        self, flags: Sequence[bool], by: Sequence[int], totals: bool, lives: Sequence[Any]
    ) -> None:
        """lives: Values that paths read; they are inputs here, the last."""
        first = len(flags)
        super().__init__(
            [*flags, *[False] * len(lives)], [*by, *range(first, first + len(lives))], totals
        )
        self.lives = tuple(lives)
        self._known: dict[int, tuple[Path, bool]] = {}
        self._inputs, self._place = first, {id(v): first + k for k, v in enumerate(lives)}

    @property
    def given(self) -> int:
        return len(self.by)

    def outputs(self, path: Path, inputs: Sequence[Any]) -> tuple[Any, ...]:
        found = self._replayed(path, inputs)
        assert isinstance(found, tuple), "first_on() has seen to it"
        return found

    def _replayed(self, path: Path, inputs: Sequence[Any]) -> tuple[Any, ...] | int:
        """The same, or the guard at which these inputs leave the path."""
        lives = tuple([inputs[self._place[id(v)]] for v in path.lives])
        address = int(ffi.cast("intptr_t", path.program))
        return _native.replay(address, tuple(inputs[: self._inputs]), lives)

    def knows_derivatives(self, path: Path) -> bool:
        """Whether derivatives in the program of a path are those of its operations."""
        if id(path) not in self._known:
            self._known[id(path)] = path, _knows_derivatives(path.program)
        return self._known[id(path)][1]

    def first_on(self, path: Path, rows: Any, numbers: RowNumbers) -> int | None:
        """One of the rows that have stayed on a path at which a trace does so, too; None if none is found.
        Beside a tie it may not: it computes with the functions of the C library, and no lanes."""
        for row in itertools.islice(range(numbers.rows) if rows is None else rows, _LOOKS):
            run = functools.partial(self._replayed, path)
            if not path.outcomes or not isinstance(as_recorded(run, numbers.point(int(row))), int):
                return int(row)
        return None


class Derived(Made):
    """Derivatives of other numbers: of their inputs, and of seeds, which come after these."""

    def __init__(self, of: Made, modes: tuple[int, ...], totals: bool) -> None:
        """modes: what seeds there are."""
        by_row = [mode == _BY_ROW for mode in modes if mode != _NONE]
        first = len(of.flags)
        by = [*of.by, *range(first, first + len(by_row))]
        super().__init__([*of.flags, *by_row], by, totals)
        self.of, self.modes = of, modes

    @property
    def given(self) -> int:
        return self.of.given

    def outputs(self, path: Path, inputs: Sequence[Any]) -> tuple[Any, ...]:
        own, seeds = inputs[: len(self.of.flags)], iter(inputs[len(self.of.flags) :])
        given = tuple([0.0 if mode == _NONE else next(seeds) for mode in self.modes])
        return self._swept(self.of.outputs(path, own), own, given)

    def _swept(
        self, outputs: tuple[Any, ...], inputs: Sequence[Any], seeds: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        raise NotImplementedError


class Pulled(Derived):
    """Derivatives by some of the inputs."""

    def __init__(self, of: Made, modes: tuple[int, ...], to: tuple[int, ...]) -> None:
        super().__init__(of, modes, not of.flags[to[0]])
        self.to = to

    def _swept(
        self, outputs: tuple[Any, ...], inputs: Sequence[Any], seeds: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        by = tuple([inputs[i] for i in self.to])
        _, (row,) = _native.reverse(outputs, by, (seeds,), True, Kind.VALUES)
        return row


class Pushed(Derived):
    """Tangents, of those of the inputs that are Values."""

    def __init__(self, of: Made, modes: tuple[int, ...]) -> None:
        super().__init__(of, modes, of.totals)

    def _swept(
        self, outputs: tuple[Any, ...], inputs: Sequence[Any], seeds: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        by = tuple([inputs[i] for i in self.of.by])
        _, (row,) = _native.forward(outputs, by, (seeds,), True, Kind.VALUES)
        return row


# -- the rule --------------------------------------------------------------------------------------


class Seeds:
    """Seeds of numbers that rows have: what there are, and the inputs that they are."""

    def __init__(self, groups: Sequence[Sequence[Any]]) -> None:
        """groups: of each number one, or one for each row: Values, and None for 0."""
        modes: list[int] = []
        self.values: list[Any] = []
        self.leaves: list[Leaf] = []
        for group in groups:
            mode = _mode_of(group)
            modes.append(mode)
            if mode == _NONE:
                continue
            values = [
                Value(0.0) if v is None else v for v in group[: 1 if mode == _SHARED else None]
            ]
            numbers = np.array(list(map(_native.number_in, values)))
            by_row = mode == _BY_ROW
            self.leaves.append(Leaf(numbers.reshape(-1, 1) if by_row else numbers, by_row, 1))
            self.values += values
        self.modes = tuple(modes)


def _mode_of(group: Sequence[Any]) -> int:
    first = group[0]
    if any(v is not first for v in group):
        return _BY_ROW
    return _NONE if first is None else _SHARED


class Linked(NodeRule):
    """Numbers that were made of the rows of a call, and the rule of the node that has them as results."""

    def __init__(self, taken: Taken, made: Made, numbers: RowNumbers) -> None:
        self.taken, self.made, self.numbers = taken, made, numbers
        self._results = 0

    def values(self, xs: tuple[Any, ...], found: Sequence[float]) -> tuple[Any, ...]:
        """The numbers as Values. xs: the inputs that are Values, of each one, or one for each row."""
        self._results = len(found)
        return _native.rule_made(self, "vmap", tuple(found), xs)

    def __call__(
        self,
        reverse: int,
        numbers: int,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
    ) -> tuple[Any, ...]:
        given = [_native.number_in(seed) for seed in seeds if seed is not None]
        if numbers and not any(given):  # an exact 0 wins over all it meets
            return (None,) * (len(xs) if reverse else self._results)
        if reverse:
            return self._back(seeds, xs, wanted, bool(numbers))
        return self._along(seeds, xs, bool(numbers))

    def _back(
        self, seeds: Sequence[Any], xs: tuple[Any, ...], wanted: Sequence[bool], numbers: bool
    ) -> tuple[Any, ...]:
        count = self._results if self.made.totals else self._results // self.numbers.rows
        arrived = Seeds([seeds[k::count] for k in range(count)])
        found: list[Any] = [None] * len(xs)
        for by_row in (False, True):
            places = [
                (i, place)
                for i, place in self._places()
                if self.made.flags[i] == by_row and any(wanted[place])
            ]
            if places:
                made = self.made.pulled(arrived.modes, tuple([i for i, _ in places]))
                items = self._derived(made, arrived, xs, numbers)
                for k, (_, place) in enumerate(places):
                    found[place] = items[k :: len(places)]
        return tuple(found)

    def _along(self, seeds: Sequence[Any], xs: tuple[Any, ...], numbers: bool) -> tuple[Any, ...]:
        """Directions of what the map itself is given share a program; of others all have what they need."""
        groups = [seeds[place] for _, place in self._places()]
        shared = [len(group) == 1 and k < self.made.given for k, group in enumerate(groups)]
        if any(
            is_one and group[0] is not None for is_one, group in zip(shared, groups, strict=True)
        ):
            groups = [
                [Value(0.0)] if is_one and group[0] is None else group
                for is_one, group in zip(shared, groups, strict=True)
            ]
        moving = Seeds(groups)
        return tuple(self._derived(self.made.pushed(moving.modes), moving, xs, numbers))

    def _places(self) -> list[tuple[int, slice]]:
        """Of each input that is a Value its number, and its places among xs."""
        found, at = [], 0
        for i in self.made.by:
            count = self.numbers.rows if self.made.flags[i] else 1
            found.append((i, slice(at, at + count)))
            at += count
        return found

    def _derived(
        self, made: Derived, seeds: Seeds, xs: tuple[Any, ...], numbers: bool
    ) -> Sequence[Any]:
        inputs = RowNumbers(
            [*self.numbers.leaves, *seeds.leaves], self.numbers.rows, self.numbers.name
        )
        found = made.run(self.taken, inputs)
        if numbers:
            return found
        return Linked(self.taken, made, inputs).values((*xs, *seeds.values), found)


# -- the map itself --------------------------------------------------------------------------------


def _knows_derivatives(program: Any) -> bool:
    """Whether neither it nor its loops have rules of the user's, or functions that they call back."""
    rest, opened = [program], ffi.new("pg_opened_loop *")
    while rest:
        p = rest.pop()
        names = {ffi.string(lib.pg_code_name(p.code[i].code)) for i in range(p.length)}
        if names & _UNKNOWN:
            return False
        for k in range(p.loop_count):
            lib.pg_loop_opened(p.loops[k], opened)
            rest += [part for part in (opened.body, opened.back) if part != ffi.NULL]
    return True
