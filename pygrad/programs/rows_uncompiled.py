"""Rows of a mapped function that run as they stand, where no program is kept of their paths.

Numbers are rows of arguments as programs have them; Values, and rows within a larger trace, are for
`row_by_row`.
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core import hints
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value, no_grad
from pygrad.core.recording import Kind, as_in_this_mode, standing_in
from pygrad.core.structure import (
    FREE,
    Number,
    Structure,
    as_values,
    detached,
    difference,
    flatten_part,
    key_of,
    values_in,
)
from pygrad.programs.again import Again
from pygrad.programs.axes import axes_of, called, names_of, rows_of
from pygrad.programs.plain import given_beside, is_flat, runs_on_floats
from pygrad.programs.results import as_numbers, taken_apart, truths_in
from pygrad.programs.rows import RowArguments, stacked
from pygrad.programs.rows_without import is_of_a_row, nothing_of
from pygrad.programs.uncompiled import uncompiled
from pygrad.progress import progress as progress_of

_FLOATS = {float}
_BLOCK = 256  # rows between two looks at what they have given
_LARGEST = sys.float_info.max
NO_ROWS = "there are no rows, and f would have to be run to know what it returns"


def mixed(name: str, one: Structure, other: Structure) -> TypeError:
    """The error of a function that returns one thing for one row, and another one for another."""
    where, one_there, other_there = difference(one, other, "its result") or (
        "",
        str(one),
        str(other),
    )
    how = ", with other keys or in another order" if one_there == other_there else ""
    at = f" as {where}" if where != "its result" else ""
    return TypeError(
        f"{name}() returned {one_there} for one row and {other_there} for another{at}{how}"
    )


def _on_values(f: Callable[..., Any], structure: Structure, values: Sequence[Any]) -> Any:
    """What f returns for Values as arguments of this structure."""
    return called(f, structure.as_argument(values))


class _Returned:
    """What rows return, of which all must be of one kind."""

    def __init__(self, name: str) -> None:
        self._name = name  # of the function
        self.structure: Structure | None = None  # of the first result
        self.truths: list[bool] = []  # which of their numbers are truths in all rows

    def note(self, found: Structure) -> None:
        """What a row has returned."""
        are = truths_in(found)
        if self.structure is None:
            self.structure, self.truths = found, are
            return
        if key_of(found) != key_of(self.structure):
            raise mixed(self._name, self.structure, found)
        self.truths = [a and b for a, b in zip(self.truths or are, are, strict=True)]


# -- numbers ---------------------------------------------------------------------------------------


class RowsUncompiled(_Returned):
    """What the rows of a call give that run uncompiled, one after the other."""

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: RowArguments,
        rows: Any | None = None,
        wrt: Sequence[int] = (),
        again: Again | None = None,
    ) -> None:
        """rows: indices; None: all. wrt: inputs by which each row is differentiated. again: of the map."""
        super().__init__(arguments.name)
        self.f, self.arguments, self.rows, self.wrt = f, arguments, rows, tuple(wrt)
        self.count = arguments.rows if rows is None else len(rows)
        self.table: list[Sequence[float]] = []  # results and derivatives, row by row
        self.without: list[int] = []  # places of rows that have no results
        self.numbers = False  # whether some results were just numbers
        self.not_finite = 0  # results of finite rows
        self.quick = None if self.wrt or _native.any_active() else self._quick(again)

    def _quick(self, again: Again | None) -> Callable[..., Any] | None:
        """What gives of the numbers of a row the numbers that it has, or raises; None for what only
        Values, with all that belongs to them, can give."""
        f, structure = self.f, self.arguments.structure
        same = runs_on_floats(f, structure) if again is None else again.runs_on_floats(f, structure)
        if same:
            return f if is_flat(structure) else self._arranged
        beside = given_beside(f, structure)
        return None if beside is None else functools.partial(self._with_values, beside)

    def _with_values(self, beside: Sequence[bool], /, *point: float) -> Any:
        """What a derivative by some arguments is for the numbers of a row; beside: which ones f is
        given as Values, as those are that it is differentiated by."""
        with no_grad():
            items = [Value(x) if other else x for x, other in zip(point, beside, strict=True)]
            return self._arranged(*items)

    @property
    def returned(self) -> Structure:
        """What a row has returned."""
        assert self.structure is not None, "a row has run"
        return self.structure

    def points(self) -> Iterator[tuple[float, ...]]:
        """The numbers of each row."""
        columns: list[Any] = []
        for leaf in self.arguments.leaves:
            if not leaf.mapped:
                columns += [itertools.repeat(x, self.count) for x in leaf.array.tolist()]
                continue
            array = leaf.array if self.rows is None else leaf.array[self.rows]
            columns += array.T.tolist()
        return zip(*columns, strict=True) if columns else iter([()] * self.count)

    def run(
        self, like: Structure | None = None, tell: Callable[[int], object] | None = None
    ) -> Any:
        """An array with a row for each, of its results and, after these, derivatives.

        like: what others have returned; tell: is called with how many rows are done."""
        self.structure, self.table = like, []
        self._without: Exception = ValueError(NO_ROWS)
        points = self.points()
        many = 1 if tell is not None or self.quick is None else _BLOCK
        block: list[tuple[float, ...]] = []
        while block or (block := list(itertools.islice(points, many if self.table else 1))):
            done = self._run(block)
            del block[:done]
            if tell is not None:
                tell(done)
        if self.structure is None:
            raise self._without
        nothing = [math.nan] * (self.structure.size + len(self.wrt))
        if self.without or self.numbers:
            self.truths = [False] * self.structure.size
        for k in self.without:
            self.table[k] = nothing
        return np.array(self.table, dtype=np.float64).reshape(self.count, len(nothing))

    def _run(self, points: Sequence[tuple[float, ...]]) -> int:
        """The results of some more rows: of how many."""
        results = self._quickly(points)
        if type(self.structure) is Number and _are_finite(results):
            self.numbers = True
            self.table += zip(results, strict=True)
            return len(results)
        for point, result in zip(points, results, strict=False):
            items: Sequence[float] = ()
            try:
                if type(result) is tuple and self._are_numbers(result):
                    self.numbers, items = True, result
                else:
                    items = self.row(point, result)
            except Exception as error:
                if not is_of_a_row(error):
                    at = len(self.table)
                    row = at if self.rows is None else self.rows[at]
                    _say_row(error, row, function_name(self.f))
                    raise
                self._without = error
                self.without.append(len(self.table))
                self.not_finite += all(map(math.isfinite, point))
            self.table.append(items)
        return len(results)

    def _quickly(self, points: Sequence[tuple[float, ...]]) -> list[Any]:
        """What f returns for floats, if that is known to do; last comes None where it raises."""
        quick = self.quick
        if quick is None:
            return [None]
        results: list[Any] = []
        try:
            for point in points:
                results.append(quick(*point))  # those that are there count
        except Exception:  # what Values make of it says what it was
            results.append(None)
        return results

    def _are_numbers(self, result: tuple[Any, ...]) -> bool:
        """Whether it is a tuple of finite floats, as those before."""
        return (
            self.structure is not None
            and is_flat(self.structure)
            and len(result) == self.structure.size
            and _FLOATS.issuperset(map(type, result))
            and all(map(math.isfinite, result))
        )

    def _arranged(self, *point: Any) -> Any:
        """What f returns for the numbers of a row."""
        return called(self.f, self.arguments.structure.as_argument(point))

    def row(self, point: Sequence[float], result: Any = None) -> Sequence[float]:
        """The results of one row, and derivatives; result: of f on floats, if that has given one."""
        if result is not None:
            try:
                return self._told(point, *taken_apart(result))
            except TypeError:  # it is complex
                pass
        slopes: list[Any] = []
        with standing_in(point) as values:
            of = functools.partial(_on_values, self.f, self.arguments.structure)
            result, _ = uncompiled(of, values)
            items, found = taken_apart(result)
            if self.wrt:
                (output,) = as_values(items)
                by = tuple([values[i] for i in self.wrt])
                _, (row,) = _native.reverse((output,), by, (0,), True, Kind.NUMBERS)
                slopes = list(row)
            items = as_in_this_mode(items)
        return [*self._told(point, items, found), *slopes]

    def _told(self, point: Sequence[float], items: list[Any], found: Structure) -> list[float]:
        """Results as floats, once what they are is noted."""
        numbers = [float(detached(item)) for item in items]
        self.note(found)
        if not all(map(math.isfinite, numbers)) and all(map(math.isfinite, point)):
            self.not_finite += sum(not math.isfinite(item) for item in numbers)
        return numbers


def _are_finite(results: Sequence[Any]) -> bool:
    """Whether all are floats, and finite."""
    return _FLOATS.issuperset(map(type, results)) and all(map(math.isfinite, results))


def added_up(table: Any) -> Any:
    """The sum of all rows, from the first to the last."""
    return np.array([_native.sum(column) for column in table.T.tolist()], dtype=np.float64)


# -- Values ----------------------------------------------------------------------------------------


def row_by_row(
    of: Any,
    args: Sequence[Any],
    out: Any = None,
    keep: bool = False,
    named: dict[str, Any] | None = None,
) -> Any:
    """See Vmapped.row_by_row; of: a Vmapped."""
    given, names = [*args, *(named or {}).values()], tuple(named or {})
    name = function_name(of.f)
    axes, whats = axes_of(of.in_axes, of.f, len(args), names), names_of(len(args), names, name)
    count, rows = rows_of(given, axes, whats, name)
    keep = keep or _native.trace_active() or bool(values_in(given)) or _native.any_active()
    done = _OnValues(of, name, keep)
    keys = [*range(len(args)), *names]
    with progress_of(count, name, of.progress) as bar:
        for row in rows:
            done.run(dict(zip(keys, row, strict=True)) if names else row)
            bar.advance()
    results, structure = done.completed()
    of.report(done.not_finite)
    if of.reduce is None:
        return stacked(results, structure, out, done.truths)
    totals = [_native.sum(column) for column in zip(*results, strict=True)]
    structure = as_numbers(structure)
    return structure.arrange([t / count if of.reduce == "mean" else t for t in totals])


class _OnValues(_Returned):
    """What the rows of a map give that run on Values, one after the other."""

    def __init__(self, of: Any, name: str, keep: bool) -> None:
        """of: a Vmapped. keep: whether results stay Values."""
        super().__init__(name)
        self._of, self._keep = of, keep
        self._results: list[list[Any]] = []
        self._gaps: dict[int, tuple[Any, ...]] = {}  # the inputs of rows that have no results
        self._without: Exception = ValueError(NO_ROWS)
        self.not_finite = 0  # results, of rows that are

    def run(self, arguments: Any) -> None:
        """One more row."""
        numbers, arranged = flatten_part(arguments, "a row", FREE)
        of = functools.partial(_on_values, self._of.f, arranged)
        try:
            with standing_in(numbers) as values:
                result, raised = uncompiled(of, values)
        except Exception as error:
            if not is_of_a_row(error):
                _say_row(error, len(self._results), self._name)
                raise
            self._has_none(values, error)
            return
        items, found = taken_apart(result)
        items = as_in_this_mode(items)
        self.note(found)
        self._results.append(items if self._keep else [detached(item) for item in items])
        if self._of.errors == "raise":
            self.not_finite += _ask_for_not_finite(items, values)
        elif raised or not self._keep:
            self.not_finite += _count_not_finite(items, values)

    def _has_none(self, values: Sequence[Any], error: Exception) -> None:
        """A row has no results: its inputs, and what it has raised."""
        self._without = error
        self._gaps[len(self._results)] = tuple(values)
        self._results.append([])
        if not (_native.trace_active() or _native.any_active()):
            self.not_finite += _count_not_finite([math.nan], values)

    def completed(self) -> tuple[list[list[Any]], Structure]:
        """The results of all rows, nan where there are none, and what a row has returned."""
        if self.structure is None:
            raise self._without
        for k, inputs in self._gaps.items():
            self._results[k] = nothing_of(inputs, self.structure.size, self._keep)
            self.truths = [False] * len(self.truths)
        return self._results, self.structure


def _say_row(error: Exception, row: int, name: str) -> None:
    """Notes in an exception which row has raised it; in a trace all rows are one."""
    if not _native.trace_active():
        hints.note(error, f"raised in row {row} of a map of {name}()")


def _count_not_finite(results: Sequence[Any], inputs: Sequence[Any]) -> int:
    """How many results of a row are not finite though its inputs are."""
    found = sum(not math.isfinite(detached(item)) for item in results)
    return found if found and all(math.isfinite(v.data) for v in inputs) else 0


def _ask_for_not_finite(results: Sequence[Any], inputs: Sequence[Any]) -> int:
    """The same by comparisons, which a trace records: what it raises is raised by no other path."""
    found = sum(not -_LARGEST <= item <= _LARGEST for item in results)
    return found if found and all(-_LARGEST <= v <= _LARGEST for v in inputs) else 0
