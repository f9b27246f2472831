"""vmap: a function of one row, over rows of arrays, as a compiled program.

>>> import numpy as np
>>> from pygrad import grad, vmap
>>> vmap(grad(lambda x: x**3 if x > 0 else -x))(np.array([1.0, 2.0, -3.0]))
array([ 3., 12., -1.])
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.arrays.quiet import quietly
from pygrad.core.callables import FunctionOf, function_name
from pygrad.core.callers import users_depth
from pygrad.core.implementation import Value
from pygrad.core.library import lib
from pygrad.core.recording import Argnums
from pygrad.core.static import unhashable
from pygrad.core.structure import (
    Number,
    Structure,
    key_of,
    statics_in,
    values_in,
)
from pygrad.programs.again import Again
from pygrad.programs.axes import axes_of, has_rows_of_values, names_of
from pygrad.programs.batch import Batch
from pygrad.programs.contraction import contracted
from pygrad.programs.few import FewRows, chosen_of, slopes_of
from pygrad.programs.memory import doubles
from pygrad.programs.paths import Path, TraceError, reads_active
from pygrad.programs.results import as_numbers, truths_in, with_truths
from pygrad.programs.rows import (
    Leaf,
    RowArguments,
    RowNumbers,
    RowResults,
    checked_out,
    stacked,
    uniform_inputs,
)
from pygrad.programs.rows_linked import FEW, Linked, Replayed, Stayed, Taken
from pygrad.programs.rows_program import RowsProgram, in_a_row
from pygrad.programs.rows_uncompiled import (
    NO_ROWS,
    RowsUncompiled,
    added_up,
    mixed,
    row_by_row,
)
from pygrad.programs.table import Programs
from pygrad.programs.whole import with_ints
from pygrad.programs.worth import TooManyPaths
from pygrad.progress import Report
from pygrad.progress import progress as progress_of


class Vmapped(FunctionOf[..., Any]):
    """What vmap() returns."""

    __slots__ = ("again", "errors", "few", "in_axes", "programs", "progress", "reduce", "threads")

    def __init__(
        self,
        f: Callable[..., Any],
        in_axes: Any,
        reduce: str | None,
        threads: int = 1,
        errors: str = "warn",
        progress: Report = None,
        programs: Programs[RowsProgram] | None = None,
    ) -> None:
        """programs: where calls find and keep programs; None: each call makes its own."""
        super().__init__(f)
        self.in_axes, self.reduce = in_axes, reduce
        self.threads, self.errors, self.progress = threads, errors, progress
        self.programs = programs
        self.few, self.again = FewRows(), Again()

    def made_from(self) -> tuple[Any, ...]:
        return self.f, self.in_axes, self.reduce, self.threads, self.errors, self.progress

    def keeping(self, programs: Programs[RowsProgram]) -> Vmapped:
        """The same, with programs that are kept in a table."""
        kept = Vmapped(*self.made_from())
        kept.programs = programs
        return kept

    def __call__(self, /, *args: Any, out: Any = None, **named: Any) -> Any:
        if out is not None and self.reduce is not None:
            raise ValueError(
                "out= is for results by row; with reduce there is nothing to put into it"
            )
        if self.programs is None and not named:
            rows = self.again.rows(self, args) or self
            result = rows.few.call(rows, args) if out is None else None
            if result is not None:
                return result
            if rows is not self:
                return rows(*args, out=out)
        given = (*args, *named.values())
        axes = axes_of(self.in_axes, self.f, len(args), tuple(named))
        by_rows = has_rows_of_values(given, axes, names_of(len(args), tuple(named), self.__name__))
        if _native.trace_active() or by_rows:
            return self.row_by_row(args, out, named=named)
        values = values_in(given)
        # numbers as slopes could not be differentiated again
        if (self.reduce is None and values) or _is_nested(values):
            return self._on_values(args, named, out)
        arguments = RowArguments(args, self.in_axes, self.f, named)
        with with_ints(arguments.ints()):
            return self._of(arguments, args, named, out)

    def _on_values(self, args: Any, named: Any, out: Any) -> Any:
        """The same where results are to be Values that may be differentiated more than once."""
        result = None
        if (
            out is None
            and _native.any_active()
            and not (_native.in_no_grad() or _native.watching())
        ):
            result = self._linked(RowArguments(args, self.in_axes, self.f, named))
        return self.row_by_row(args, out, named=named) if result is None else result[0]

    def _linked(self, arguments: RowArguments) -> tuple[Any] | None:
        """See Run.linked."""
        if self.programs is None and arguments.rows < FEW:
            return None
        try:
            with with_ints(arguments.ints()):
                return Run(self, arguments, wrt=()).linked()
        except (TooManyPaths, TraceError):
            return None

    def _of(self, arguments: RowArguments, args: Any, named: Any, out: Any) -> Any:
        """The same for arguments that were taken apart."""
        try:
            run = Run(self, arguments)
            if not run.drops_lives(run.batch.first(run.program.paths).lives):
                result = run.result(out)
                if self.programs is None and run.program.paths.worth.verdict.denied:
                    self.few.serves = False  # it would trace in vain
                lives = tuple(v for path in run.used for v in path.lives)
                if not (run.drops_lives(lives) or reads_active(lives)):
                    return result
                if self.reduce is not None and not run.is_nested(lives):
                    return Run(self, arguments, by_lives=True).result()
            elif not run.is_nested(()):
                return Run(self, arguments, by_lives=True).result()
        except TooManyPaths as error:
            error.warn(f"rows of {function_name(self.f)}() have", "row by row")
            if not (_native.any_active() or values_in([args, named])):
                return self._on_numbers(arguments, out)
            return self.row_by_row(args, out, named=named)
        return self._on_values(args, named, out)

    def _on_numbers(self, arguments: RowArguments, out: Any) -> Any:
        """The same without programs."""
        rows = RowsUncompiled(self.f, arguments, again=self.again)
        with progress_of(arguments.rows, arguments.name, self.progress) as bar:
            table = rows.run(tell=bar.advance if self.progress else None)
        structure = rows.returned
        self.report(rows.not_finite)
        if self.reduce is None:
            return stacked(table, structure, out, rows.truths)
        total = added_up(table)
        if self.reduce == "mean":
            total = total / arguments.rows
        return as_numbers(structure).arrange(total.tolist())

    def program_for(
        self, structure: Structure, flags: bytes, wrt: Sequence[int]
    ) -> RowsProgram | None:
        """For calls of few rows: see few.py."""
        if self.programs is not None:
            return self.programs.get(RowsProgram.key(structure, flags, wrt, False))
        return RowsProgram(self.f, structure, flags, self.reduce, wrt, False, again=self.again)

    def report(self, count: int) -> None:
        """Says that so many results are not finite."""
        _report(self.errors, function_name(self.f), count)

    def row_by_row(
        self,
        args: Sequence[Any],
        out: Any = None,
        keep: bool = False,
        named: dict[str, Any] | None = None,
    ) -> Any:
        """The same by plain calls of f: where rows are Values, or f is part of a larger trace.

        keep: results stay Values, though nothing around this call differentiates them.
        """
        return row_by_row(self, args, out, keep, named)


class Run:
    """One call of a mapped function."""

    def __init__(
        self,
        vmapped: Vmapped,
        arguments: RowArguments,
        by_lives: bool = False,
        wrt: Sequence[int] | None = None,
    ) -> None:
        """wrt: by which items of arguments.values to differentiate; None: by those that are Values."""
        self.reduce, self.errors = vmapped.reduce, vmapped.errors
        self.f, self.arguments, self.by_lives = vmapped.f, arguments, by_lives
        self.by: list[Any] = []  # Values among them
        if wrt is None:
            wrt = arguments.places_of_values()
            self.by = [arguments.values[i] for i in wrt]
        flags = arguments.row_flags()

        programs = vmapped.programs
        holds = None if programs is None else programs.holds

        def make() -> RowsProgram:
            indices = list(map(uniform_inputs(arguments).__getitem__, wrt))
            return RowsProgram(
                vmapped.f,
                arguments.structure,
                flags,
                vmapped.reduce,
                indices,
                by_lives,
                holds,
                programs is not None,
                vmapped.again,
            )

        key = RowsProgram.key(arguments.structure, flags, wrt, by_lives)
        try:
            self.program = make() if programs is None else programs.find(key, make)
        except TypeError as error:
            statics = statics_in(arguments.structure)
            raise unhashable(arguments.name, statics) or error from None
        self.progress = vmapped.progress
        self.batch = Batch(arguments, vmapped.threads)
        self.used: list[Path] = []  # paths that rows have taken
        if arguments.rows == 0:
            raise ValueError(NO_ROWS)
        # Whether rows that run uncompiled may stand beside those of programs.
        self.mixes = not (self.by or by_lives or _native.any_active())
        if self.program.paths.worth.verdict.skips(arguments.rows):
            raise TooManyPaths(self.program.paths.worth)

    def reads_active(self) -> bool:
        """Whether f has used Values that an enclosing transform differentiates by."""
        return reads_active(tuple(v for path in self.used for v in path.lives))

    def drops_lives(self, lives: tuple[Any, ...]) -> bool:
        """Whether the result, a Value, would not lead on to Values that f has used."""
        return bool(self.by and lives)

    def is_nested(self, lives: tuple[Any, ...]) -> bool:
        """Whether it will be differentiated more than once, by these Values or by others."""
        if _is_nested(lives) or (self.by and _native.depend_on_input(tuple(self.by))):
            return True
        # what a transform around this call returns leads on to Values that are no inputs of it
        inner = [_native.depend_on_input((v,)) for v in lives]
        return any(inner) and not all(inner)

    def result(self, out: Any = None) -> Any:
        if self.reduce is None:
            return self._rows(out)
        if not self.by_lives:
            structure, total = self.total()
            numbers = total.tolist()
            return (
                Value(numbers[0], self.by, numbers[1:]) if self.by else structure.arrange(numbers)
            )
        _, numbers, by, grads = self.reduced()
        return Value(numbers[0], by, grads)

    def linked(self) -> tuple[Any] | None:
        """The result, in a tuple, as Values that can be differentiated to any order: see rows_linked.py.
        None where f has derivatives that no program knows, or gives truths."""
        self.batch.stayed = []
        if self.reduce is None:
            results, structures = self._row_results()
            structure, found = results.structure, np.concatenate(results.parts, axis=1).ravel()
            if any(map(any, map(truths_in, structures))):
                return None
        else:
            structure, found = self._sum()
        self._report([found])
        linked = self._linked()
        if linked is None:
            return None
        values = linked(found.tolist())
        if self.reduce is None:
            table = np.empty(len(found), dtype=object)
            table[:] = values
            rows = table.reshape(self.arguments.rows, structure.size)
            return (stacked(rows, structure, None, truths_in(structure)),)
        if self.reduce == "mean":
            values = [v / self.arguments.rows for v in values]
        return (structure.arrange(values),)

    def _linked(self) -> Callable[[Sequence[float]], Sequence[Any]] | None:
        """What makes Values of the numbers of all rows."""
        arguments, program = self.arguments, self.program
        stayed, where = self.batch.stayed or [], uniform_inputs(arguments)
        lives = list({id(v): v for path in self.used for v in path.lives}.values())
        by = [(i, v) for i, v in zip(where, arguments.values, strict=True) if isinstance(v, Value)]
        inputs, values = [i for i, _ in by], [v for _, v in by]
        key = tuple(inputs), tuple(map(id, lives))
        made = program.linked.get(key)
        if made is None:
            flags, totals = list(map(bool, arguments.row_flags())), self.reduce is not None
            made = program.linked.setdefault(key, Replayed(flags, inputs, totals, lives))
        leaves = [leaf._replace(array=leaf.array.copy()) for leaf in arguments.leaves]
        if lives:
            leaves.append(Leaf(np.array(list(map(_native.number_in, lives))), False, len(lives)))
        numbers = RowNumbers(leaves, arguments.rows, arguments.name)
        parts = []
        for path, rows in stayed:
            first = made.first_on(path, rows, numbers)
            if first is None or not made.knows_derivatives(path):
                return None
            parts.append(Stayed(path, rows, first))
        linked = Linked(Taken(self.f, arguments.name, parts, self.batch.threads), made, numbers)
        return functools.partial(linked.values, (*values, *lives))

    def _rows(self, out: Any) -> Any:
        given = out
        if out is not None:
            out = checked_out(out)
        # Rows may have to be read again after others are written.
        shared = out is not None and any(
            np.may_share_memory(out, leaf.array) for leaf in self.arguments.leaves
        )
        results, structures = self._row_results(None if shared else out)
        if self.batch.beyond[0]:
            self._report(results.parts)
        if out is None:
            return results.arranged(structures)
        if shared:
            results.copy_to(out)
        return given

    def _row_results(self, out: Any = None) -> tuple[RowResults, list[Structure]]:
        """Results by row, in out unless that is None; and what each path gives."""
        results: list[RowResults] = []

        def results_of(path: Path) -> RowResults:
            structure = path.result.structure
            if results and key_of(structure) != key_of(results[0].structure):
                if self.batch.served:
                    raise mixed(self.arguments.name, results[0].structure, structure)
                results.clear()  # no row of this call has taken the paths of earlier ones
            if not results:
                results.append(RowResults(structure, self.arguments.rows, out))
            return results[0]

        structures: list[Structure] = []
        for path, rows in self._run(results_of):
            if path is not None:
                self.used.append(path)
                structures.append(path.result.structure)
                continue
            others, table = self._uncompiled(rows, results[0].structure)
            structures.append(with_truths(others.returned, others.truths))
            results[0].put(rows, table)
            self.batch.beyond[0] = 1  # perhaps
        return results[0], structures

    def _run(self, outputs: Callable[[Path], Any] | None) -> Iterable[tuple[Path | None, Any]]:
        return self.program.run(self.batch, outputs, self.progress, self.mixes)

    def _uncompiled(self, rows: Any, like: Structure) -> tuple[RowsUncompiled, Any]:
        """Rows for which there is no path, and an array of their results, which are like others."""
        program = self.program
        others = RowsUncompiled(program.f, self.arguments, rows, program.wrt, program.again)
        return others, others.run(like, self.batch.tell)

    def _same_structure(self, path: Path) -> Structure:
        """What f returns on a path, which must be alike on all, to be added up."""
        self.used.append(path)
        found, first = path.result.structure, self.used[0].result.structure
        if found is not first and key_of(found) != key_of(first):
            raise mixed(self.arguments.name, first, found)
        return found

    def total(self) -> tuple[Structure, Any]:
        """Structure of the results, and an array of their totals or means and of all derivatives."""
        structure, total = self._sum()
        if self.reduce == "mean":
            total = total / self.arguments.rows
        self._report([total])
        return structure, total

    def _sum(self) -> tuple[Structure, Any]:
        """The same of totals."""
        total: Any = None
        structure: Structure = Number()
        for path, found in self._run(None):
            if path is None:
                part = 0.0 + added_up(self._uncompiled(found, structure)[1])
            else:
                part, structure = found, self._same_structure(path)
            if part is not None:  # sums begin with 0.0, so none is -0.0
                total = part if total is None else quietly(operator.add, total, part)
        return structure, total

    def reduced(self) -> tuple[Structure, list[float], list[Any], list[float]]:
        """Structure and totals of the results, and by which Values they have which derivatives."""
        parts = []
        structure: Structure = Number()
        for path, part in self._run(None):
            assert path is not None, "this does not mix"
            structure, lives = self._same_structure(path), path.result.by
            if part is not None:
                found = part / self.arguments.rows if self.reduce == "mean" else part
                parts.append(([*self.by, *lives], found))
        by, found = _merged(parts, structure.size)
        self._report([found])
        return structure, found[: structure.size].tolist(), by, found[structure.size :].tolist()

    def _report(self, results: Sequence[Any]) -> None:
        """One report a call, if finite inputs have led to something that is not."""
        if self.errors == "ignore" or all(map(_is_finite, results)):
            return
        if not all(map(_is_finite, (leaf.array for leaf in self.arguments.leaves))):
            return
        count = sum(part.size - int(np.isfinite(part).sum()) for part in results)
        _report(self.errors, self.arguments.name, count)


def _report(errors: str, name: str, count: int) -> None:
    """Says that so many results are not finite."""
    if errors == "ignore" or count == 0:
        return
    message = f"{name}() gave nan or inf for finite inputs, in {count} results"
    if errors == "raise":
        raise FloatingPointError(message)
    warnings.warn(message, RuntimeWarning, stacklevel=users_depth())


def gradient_of_rows(vmapped: Vmapped, argnums: Argnums, args: tuple[Any, ...]) -> Any:
    """The value of a reduced vmap, and its derivatives by arguments that rows share: a program's totals.

    None where these do not do: for Values, or by an argument of rows; then it is left to transforms.
    """
    chosen = chosen_of(argnums, len(args))
    if chosen is None or _native.trace_active() or values_in(args):
        return None
    arguments = RowArguments(args, vmapped.in_axes, vmapped.f, by=chosen)
    by = in_a_row([arguments.ranges[i] for i in chosen])
    structure = slopes_of(arguments.structure.parts, argnums)
    if not by or len(by) != structure.size:
        return None
    try:
        run = Run(vmapped, arguments, wrt=by)
        _, total = run.total()
        if run.reads_active():
            return None
    except TooManyPaths as error:
        error.warn(f"rows of {arguments.name}() have", "row by row")
        if _native.any_active():
            raise
        total = _total_on_numbers(vmapped, arguments, by)
    return float(total[0]), structure.from_array(total[1:])


def _total_on_numbers(vmapped: Vmapped, arguments: RowArguments, by: Iterable[int]) -> Any:
    """The same total and derivatives without programs."""
    where = uniform_inputs(arguments)
    rows = RowsUncompiled(vmapped.f, arguments, None, [where[i] for i in by], vmapped.again)
    with progress_of(arguments.rows, arguments.name, vmapped.progress) as bar:
        tell = bar.advance if vmapped.progress else None
        total = added_up(rows.run(tell=tell))
    vmapped.report(rows.not_finite)
    return total / arguments.rows if vmapped.reduce == "mean" else total


def _merged(parts: list[tuple[list[Any], Any]], width: int) -> tuple[list[Any], Any]:
    """Totals of several paths, `width` of results and one for each Value, added up Value by Value."""
    by, total = parts[0]
    if all(len(other) == len(by) and all(map(operator.is_, other, by)) for other, _ in parts[1:]):
        return by, functools.reduce(operator.add, (found for _, found in parts))
    distinct = {id(v): v for values, _ in parts for v in values}
    place = {key: width + i for i, key in enumerate(distinct)}
    by = list(distinct.values())
    total = np.zeros(width + len(by))
    for values, found in parts:
        total[:width] += found[:width]
        for v, slope in zip(values, found[width:].tolist(), strict=True):
            total[place[id(v)]] += slope
    return by, total


def _is_finite(array: Any) -> bool:
    """Whether all of it is."""
    if array.flags.c_contiguous:
        return bool(lib.pg_all_finite(doubles(array), array.size))
    return bool(np.isfinite(array).all())


def _is_nested(values: Iterable[Any]) -> bool:
    """Whether a Value comes of the input of a transform inside another one, thus of the outer's, too."""
    return any(
        _native.symbol(of) == "identity"
        for v in values
        if _native.symbol(v) and _native.depend_on_input((v,))
        for of in _native.order(v)
    )


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    reduce: str | None = None,
    *,
    threads: int = 1,
    errors: str = "warn",
    progress: Report = None,
    fma: bool = False,
) -> Vmapped:
    """A function that runs f on every row of its arguments, compiled.

    ``in_axes`` says for each argument along which axis of its arrays the rows lie, or None for one
    that all rows share; an int stands for all arguments, and a container of ints and None for an
    argument of that structure, or of a part of it: ``in_axes=({"w": None, "x": 0},)``. Arguments by name
    are mapped, too, along axis 0, unless ``in_axes`` is a dict by names of arguments that says something
    else: ``in_axes={"rate": None}``. Results are arrays with a row for each;
    with ``reduce="sum"`` or ``"mean"`` they are added up over rows and never stored by row. f is
    traced at each call, once for every path that a row takes through it, unless all that it reads is
    known to be as it was; ``compile(vmap(f))`` traces once. In a row ops follow NumPy: inf and nan
    instead of exceptions that no handler in f catches, and one report a call (``errors``: "warn",
    "ignore" or "raise") if finite inputs gave something that is not finite.
    Where f takes too many paths for few rows each these run uncompiled, with inf and nan as in a program.
    ``threads`` share the rows; results do not depend on how many. The mapped function takes
    ``out=``, a float64 array of shape (rows, numbers in a result). ``progress`` is a function that is
    called with (rows done, rows) some 50 times a second, in the thread that called, or True for a bar where
    there is a terminal; see pygrad.progress. ``fma=True`` rounds products and the sums that they are
    added to once, as for ``compile``; results are the same for every way of cutting rows still.

    With ``reduce``, derivatives by shared arguments and by Values that f closes over come from the
    same sweep: ``value_and_grad(vmap(loss, in_axes=(None, 0, 0), reduce="mean"))``, once;
    ``vmap(hessian(f))`` differentiates in every row, to any order.

    Raises:
        TypeError, ValueError: arrays or in_axes that do not fit; the message says where.
        TraceError: f does what a program could not repeat, such as reading ``.data``.

    >>> import numpy as np
    >>> from pygrad import grad, math, vmap
    >>> vmap(grad(math.tanh))(np.array([0.0, 20.0])).tolist()
    [1.0, 1.6993417021166355e-17]
    >>> vmap(lambda w, x: w * x, in_axes=(None, 0), reduce="mean")(2.0, np.array([1.0, 2.0, 3.0]))
    4.0
    """
    if reduce not in {None, "sum", "mean"}:
        raise ValueError(f"reduce must be None, 'sum' or 'mean', not {reduce!r}")
    if errors not in {"warn", "ignore", "raise"}:
        raise ValueError(f"errors must be 'warn', 'ignore' or 'raise', not {errors!r}")
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads must be a positive int, not {threads!r}")
    if not callable(f):
        raise TypeError(f"vmap() takes a function, not {type(f).__name__}")
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise TypeError(f"progress must be a function, True, False or None, not {progress!r}")
    return Vmapped(contracted(f) if fma else f, in_axes, reduce, threads, errors, progress)
