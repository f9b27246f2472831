"""All programs of one compiled function: those of its calls, of its rows, and of backward().

A store is for one state of what the function reads from elsewhere. Where that has changed the function gets
another store, and this one again where it has changed back.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from pygrad.core.callables import FunctionOf, function_name
from pygrad.core.callers import warn_once
from pygrad.core.hints import of_static
from pygrad.core.jacobians import JacobianOf
from pygrad.core.recording import Argnums
from pygrad.core.static import is_hashable, unhashable
from pygrad.core.structure import container_like, statics_in
from pygrad.programs.arguments import Arguments, at_end
from pygrad.programs.asked import Asked, tell_of_ints
from pygrad.programs.captures import Captures, Variants
from pygrad.programs.contraction import contracted
from pygrad.programs.few import FewRows
from pygrad.programs.mapped import Vmapped
from pygrad.programs.one_row import OneRowProgram
from pygrad.programs.paths import Path
from pygrad.programs.plain import runs_on_floats
from pygrad.programs.rows_program import RowsProgram
from pygrad.programs.table import MOST, Programs
from pygrad.programs.whole import ints_among
from pygrad.programs.worth import Verdict
from pygrad.transform import Derivative, Gradient, Jacobian

_MANY_INTS = 32


class GradientOfRows(NamedTuple):
    """grad() or value_and_grad() of rows that are added up."""

    rows: Vmapped
    argnums: Argnums
    with_value: bool


class Store:
    """A function that is compiled, what it is, and its programs."""

    def __init__(
        self, f: Callable[..., Any], static: frozenset[int], origin: str | None = None
    ) -> None:
        """origin: where what is traced can be imported, "module:name"; None: that is to be found out."""
        self.name, self.doc = function_name(f), getattr(f, "__doc__", None)
        self.static, self.origin = static, origin
        self.captures = Captures(f)
        self.asked = Asked(f)
        self.variants: Any = None  # the stores for other states
        self.calls = self._table()  # None: too many paths
        self.plain = self.calls.shortcuts
        self._on_floats: dict[Any, bool] = {}  # by key: see runs_on_floats
        self._ints = 0  # programs for ints that stay what they are
        self._waiting: dict[Any, Verdict] = {}  # those on programs that were given up, by key
        self.written = self._table()  # for C only
        self.backwards: dict[str, Vmapped] = {}  # by how rows are reduced
        self.trainings: dict[Any, Any] = {}  # how steps of backward() run: see training.py
        self.jacobian = _jacobian_in(f)
        self.has_rows = vmap_in(f) is not None
        self.f = _keeping(f, Programs(self.name, self.holds)) if self.has_rows else f
        self.gradient = self._gradient_of_rows()
        self.few = self._few_rows()
        self.mapped: Any = self.rows

    def _table(self) -> Programs[OneRowProgram | None]:
        return Programs(self.name)

    def holds(self, *more: Captures) -> bool:
        """Whether all that the function reads from elsewhere is as it was."""
        return self.captures.hold() and all(captures.hold() for captures in more)

    @property
    def is_of_use(self) -> bool:
        """Whether anything is known for this state."""
        return any(p is None or p.is_of_use for p in (*self.calls, *self.row_programs()))

    @property
    def rows(self) -> Vmapped | None:
        """The vmap that f is, or that one derivative is around, with its programs."""
        inner = self.f.f if isinstance(self.f, Derivative) else self.f
        return inner if isinstance(inner, Vmapped) else None

    def _gradient_of_rows(self) -> GradientOfRows | None:
        """The same of f, if it is one."""
        f, rows = self.f, self.rows
        if not isinstance(f, Gradient) or rows is None or rows.reduce is None or f.has_aux:
            return None
        return GradientOfRows(rows, f.argnums, f.with_value)

    def _few_rows(self) -> FewRows | None:
        """What serves calls of few rows; None if f is nothing that it knows."""
        if isinstance(self.f, Vmapped):
            return self.f.few
        return None if self.gradient is None else FewRows(*self.gradient[1:])

    def call_program(self, key: Any, arguments: Arguments) -> OneRowProgram | None:
        """The program for calls with such arguments; None if they take too many paths."""
        try:
            make = functools.partial(self._new_program, key, arguments)
            program = self.calls.find(key, make)
            if program is None and not self._waits(key):
                self.calls.forget(key)
                program = self.calls.find(key, make)
                if program is not None and program.paths.root is None:
                    program.paths.worth.verdict = self._waiting[key]
            if program is not None and program.variants is not None:
                program = program.variants.find()
                self.calls.add(key, program)
            return program
        except TypeError:
            if is_hashable(key):
                raise
            statics = statics_in(arguments.structure)
            raise (
                unhashable(self.name, statics)
                or TypeError(of_static(self.name, self.f, arguments.static))
            ) from None

    def give_up(self, program: OneRowProgram) -> None:
        """Calls of a program run uncompiled, for some time."""
        for key in self.calls.drop(program):
            if len(self._waiting) > 2 * MOST:
                self._waiting.clear()
            self._waiting[key] = program.paths.worth.verdict
            self.calls.add(key, None)

    def runs_on_floats(self, key: Any, arguments: Arguments) -> bool:
        """Whether the function gives floats what it gives Values, for such arguments, all by position."""
        found = self._on_floats.get(key)
        if found is None:
            if len(self._on_floats) > 2 * MOST:
                self._on_floats.clear()
            names, parts = arguments.structure.names, arguments.structure.parts
            found = not arguments.static and names == tuple(range(len(parts)))
            found = found and runs_on_floats(self.f, container_like((), parts))
            self._on_floats[key] = found
        return found

    def _waits(self, key: Any) -> bool:
        """Whether calls for which there is no program any more run uncompiled."""
        verdict = self._waiting.get(key)
        if verdict is None:
            return True
        skips = verdict.skips(1)
        verdict.warn(f"{self.name}() has", "from here on")
        return skips

    def _new_program(self, key: Any, arguments: Arguments) -> OneRowProgram:
        if arguments.has_fixed_ints:
            self._tell_of_ints()
        if ints_among(arguments.items):
            tell_of_ints(self.f)
        at_end(key, functools.partial(_forget, weakref.ref(self.calls), key))
        objects = arguments.objects()
        if not objects or not Captures(self.f, objects).names:
            return self._program(arguments)
        return Variants(self.name, functools.partial(self._variant, arguments.lasting())).find()

    def _tell_of_ints(self) -> None:
        self._ints += 1
        if self._ints == _MANY_INTS:
            warn_once(
                f"{self.name}() has been traced for {_MANY_INTS} ints among its arguments, each of which "
                "is part of a program as the function, or one that it reaches, asks whether a number is an "
                "int. Give a float where it may be one: float(n) is an input of one program for all"
            )

    def _variant(self, arguments: Arguments) -> OneRowProgram:
        """A program for what the function reads of objects among its arguments, as it is now."""
        captures = Captures(self.f, arguments.objects())
        program = self._program(arguments)
        program.captures = captures
        program.paths.holds = functools.partial(self.holds, captures)
        return program

    def _program(self, arguments: Arguments) -> OneRowProgram:
        if self.jacobian is None:
            return self.new_one_row_program(arguments)
        from pygrad.programs.sweeps import Sweeps

        return Sweeps(self.jacobian, arguments.lasting(), self.holds)

    def new_one_row_program(self, arguments: Arguments) -> OneRowProgram:
        run = functools.partial(arguments.lasting().call, self.f)
        return OneRowProgram(run, len(arguments.items), self.holds)

    def backward_of(self, reduce: str) -> Vmapped:
        """The function over rows, to be differentiated by the Values that it captures."""
        if reduce not in self.backwards:
            programs: Programs[RowsProgram] = Programs(self.name, self.holds)
            rows = Vmapped(self.f, 0, reduce, programs=programs)
            return self.backwards.setdefault(reduce, rows)
        return self.backwards[reduce]

    def row_programs(self) -> list[RowsProgram]:
        """All that were made for many rows."""
        maps = [rows for rows in (vmap_in(self.f), *self.backwards.values()) if rows is not None]
        tables = [rows.programs for rows in maps if rows.programs is not None]
        tables += [of.programs for table in tables for of in table.derived.values()]
        return [program for table in tables for program in table]

    def paths(self) -> list[Path]:
        """All of them, program by program."""
        programs = [*self.calls, *self.row_programs()]
        return [path for program in programs if program is not None for path in program.paths.all]


def _forget(programs: weakref.ref[Programs[Any]], key: Any, gone: object) -> None:
    """A static argument is gone, and with it the program that was made for it."""
    table = programs()
    if table is not None:
        table.forget(key)


def vmap_in(f: Any) -> Vmapped | None:
    """The vmap that a function is, or that transforms and compile() are around."""
    while isinstance(f, FunctionOf) and not isinstance(f, Vmapped):
        f = f.f
    return f if isinstance(f, Vmapped) else None


def _keeping(f: Any, programs: Programs[RowsProgram]) -> Any:
    """f with the vmap in it keeping its programs in a table; a compiled one has a table of its own."""
    if isinstance(f, Vmapped):
        return f.keeping(programs)
    return f.of(_keeping(f.f, programs)) if isinstance(f, Derivative) else f


def contracting(f: Any) -> Any:
    """f with contracted sums: the function that maps and derivatives are of, so that these stay known."""
    if isinstance(f, Derivative):
        return f.of(contracting(f.f))
    if isinstance(f, Vmapped):
        return Vmapped(contracting(f.f), *f.made_from()[1:])
    return contracted(f)


def _jacobian_in(f: Any) -> JacobianOf | None:
    """What a function is the Jacobian of, compiled or not."""
    while isinstance(f, FunctionOf) and not isinstance(f, (Derivative, Vmapped)):
        f = f.f
    return f.what if isinstance(f, Jacobian) else None
