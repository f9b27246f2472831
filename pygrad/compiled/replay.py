"""Programs from a file put where a compiled function looks for them, and run on Values.

So what is loaded is differentiated, mapped and traced as the function would be: its programs are repeated
instruction by instruction (csrc/python/replay.c).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.compiled.fileformat import (
    BACKWARDS,
    CODES,
    DERIVATIVES,
    OWN,
    VMAP,
    Entry,
    SavedFunction,
    SavedPath,
    damaged,
    instructions,
    slots,
)
from pygrad.compiled.store import Store
from pygrad.core.callables import FunctionOf, found_by_name
from pygrad.core.library import ffi, lib
from pygrad.core.static import Static
from pygrad.core.structure import Container, Structure, as_values, container_like, key_of
from pygrad.programs.arguments import Arguments, static_of
from pygrad.programs.asked import Asked, asks
from pygrad.programs.contraction import contracted
from pygrad.programs.mapped import vmap
from pygrad.programs.paths import Paths, path_of
from pygrad.programs.results import RowResult, Totals
from pygrad.programs.rows_program import RowsProgram
from pygrad.programs.whole import is_whole
from pygrad.transform import grad, value_and_grad

_TOTALS = ("total", "total_less", "total_product", "total_uniform")


class NotSavedError(RuntimeError):
    """A loaded function was called where it has no program: where its comparisons come out as in no call
    before it was saved, or with arguments of another structure."""


def made_again(saved: SavedFunction, row: Callable[..., Any]) -> Callable[..., Any]:
    """What compile() was given: the function, a vmap of it, or a derivative of that."""
    m, kind = saved.mapping, DERIVATIVES[saved.kind]
    row = contracted(row) if saved.contracts else row
    if m is None:
        return row
    try:
        mapped = vmap(row, m.in_axes, m.reduce, threads=m.threads, errors=m.errors)
        if kind == VMAP:
            return mapped
        derivative = grad if kind == "grad" else value_and_grad
        return derivative(mapped, m.argnums, m.has_aux is True)
    except TypeError as error:
        raise damaged(error) from error


# -- entries ---------------------------------------------------------------------------------------


def fill(store: Store, entries: list[Entry], captured: tuple[Any, ...], replay: Replay) -> None:
    """Puts the programs of entries into a store, and lets replay have them, too."""
    store.asked = replay.asked
    for entry in entries:
        add = _add_call if entry.rows is None else _add_rows
        replay.add(*add(store, entry, captured))


def _add_call(store: Store, entry: Entry, captured: tuple[Any, ...]) -> tuple[Any, Paths]:
    """Adds the programs for calls of a row at a time; their key, and they."""
    if store.has_rows or entry.group != OWN or entry.wrt:
        raise damaged("a program of no rows is where rows are expected")
    arguments = _arguments(entry, store.static, store.asked)
    program = store.new_one_row_program(arguments)
    _add_paths(program.paths, entry, None, captured)
    key = arguments.key()
    store.calls.add(key, program)
    return key, program.paths


def _add_rows(store: Store, entry: Entry, captured: tuple[Any, ...]) -> tuple[Any, Paths]:
    """The same for programs of many rows."""
    own = entry.group == OWN
    if store.has_rows != own:
        raise damaged("a program of rows is where none is expected")
    rows = store.rows if own else store.backward_of(BACKWARDS[entry.group])
    assert rows is not None and rows.programs is not None and entry.rows is not None
    wrt = _uniform_inputs(entry, rows.reduce)
    program = RowsProgram(rows.f, entry.structure, entry.rows, rows.reduce, wrt, not own)
    _add_paths(program.paths, entry, rows.reduce or "rows", captured)
    rows.programs.add(RowsProgram.key(entry.structure, entry.rows, entry.wrt, not own), program)
    return _key_of_one_row(entry), program.paths


def _arguments(entry: Entry, static: frozenset[int], asked: Asked) -> Arguments:
    """The arguments of a call that the entry is for."""
    structure = entry.structure
    if not isinstance(structure, Container) or structure.kind is not dict:
        raise damaged("arguments have no names")
    given = {**dict(entry.static), **structure.arrange([0.0] * structure.size)}
    places = sorted(name for name in given if type(name) is int)
    named = {name: arg for name, arg in given.items() if type(name) is str}
    if places != list(range(len(places))) or len(places) + len(named) != len(given):
        raise damaged("arguments have strange names")
    arguments = Arguments(tuple([given[i] for i in places]), named, static, asked)
    if key_of(arguments.structure) != key_of(structure) or arguments.static != dict(entry.static):
        raise damaged("it is unclear which arguments are static")
    return arguments


def _uniform_inputs(entry: Entry, reduce: str | None) -> list[int]:
    """The inputs by which totals are derivatives."""
    structure, rows = entry.structure, entry.rows
    if not isinstance(structure, Container) or entry.static or not _has_arguments(structure):
        raise damaged("rows have no arguments")
    assert rows is not None
    uniform = [i for i, by_row in enumerate(rows) if not by_row]
    if len(rows) != structure.size or any(i >= len(uniform) for i in entry.wrt):
        raise damaged("rows and arguments differ in number")
    if reduce is None and entry.wrt:
        raise damaged("there are derivatives of what is not added up")
    return [uniform[i] for i in entry.wrt]


def _has_arguments(rows: Container) -> bool:
    """Whether it is a tuple of arguments, or a dict of some by position and then some by name."""
    if rows.kind is tuple:
        return True
    names = rows.names
    places = [name for name in names if type(name) is int]
    by_name = names[len(places) :]
    are_first = list(names[: len(places)]) == list(range(len(places)))
    return rows.kind is dict and are_first and all(type(name) is str for name in by_name)


def _key_of_one_row(entry: Entry) -> Any:
    """The key that a call with one row's arguments has."""
    structure = entry.structure
    return key_of(container_like(dict.fromkeys(structure.names), structure.parts)), ()


def _add_paths(paths: Paths, entry: Entry, rows: str | None, captured: tuple[Any, ...]) -> None:
    """The entry's paths; rows says what becomes of rows, if any."""
    paths.worth.always = True
    for saved in entry.paths:
        _check_fit(saved, entry, rows)
        program = saved.program
        by = tuple([captured[i] for i in saved.by])
        lives = tuple([captured[i] for i in saved.lives])
        added_up = rows in {"mean", "sum"}
        result = Totals(saved.result, by) if added_up else RowResult(saved.result)
        path = path_of(
            program, ffi.cast("pg_program *", program), lives, _outcomes(program), result
        )
        parent = paths.all[saved.parent] if saved.parent >= 0 else None
        if parent is not None and (
            not 0 <= saved.guard < len(parent.outcomes) or saved.guard in parent.branches
        ):
            raise damaged(f"a path leaves another at guard {saved.guard}")
        paths.add(path, parent, saved.guard)


def _outcomes(program: Any) -> tuple[bool, ...]:
    code = instructions(program)
    guards = code[code["code"] == CODES["guard"]]
    return tuple((guards["expected"][np.argsort(guards["out"])] & 1 != 0).tolist())


def _check_fit(saved: SavedPath, entry: Entry, rows: str | None) -> None:
    """ValueError unless the program, which is sound, is one of the kind that is asked for here."""
    p, size = saved.program, saved.result.size
    last = instructions(p)["code"][p.spread :]
    inputs, results = slots(p.input_slots, p.inputs), slots(p.result_slots, p.outputs)
    in_lanes = inputs & lib.PG_ROW != 0
    fits = p.inputs == entry.structure.size and (entry.group != OWN or not saved.by)
    if rows is None:  # nothing but its uniform part will be run
        fits = fits and bool((last == CODES["output"]).all()) and not in_lanes.any()
        fits = fits and bool((results != lib.PG_NO_SLOT).all()) and p.outputs == size
    else:
        by_row = np.frombuffer(entry.rows or b"", dtype=np.uint8) == 1
        used = inputs != lib.PG_NO_SLOT
        fits = fits and bool((in_lanes == by_row)[used].all())
        derivatives = len(entry.wrt) + len(saved.by)
        fits = fits and p.outputs == size + derivatives and (size == 1 or derivatives == 0)
        adds_up = np.isin(last, [CODES[name] for name in _TOTALS])
        wrong = adds_up if rows == "rows" else last == CODES["output"]
        fits = fits and not wrong.any()
    if not fits:
        raise damaged("a program is not the one that it should be")


# -- on Values -------------------------------------------------------------------------------------


def _has_ints(structure: Structure) -> bool:
    """Whether there is a static int in it: files have no classes that declare one."""
    if isinstance(structure, Container):
        return any(map(_has_ints, structure.parts))
    return isinstance(structure, Static) and is_whole(structure.item)


class Replay:
    """The saved programs as a function of Values: all that is known of the function."""

    __slots__ = ("__dict__", "asked", "known", "name", "origin", "static")

    def __init__(self, saved: SavedFunction, origin: str) -> None:
        self.__name__ = self.__qualname__ = self.name = saved.name
        self.__doc__ = saved.doc
        self.static, self.origin = frozenset(saved.static), origin
        self.asked = asks(any(map(self._has_ints, saved.entries)))
        self.known: dict[Any, list[Paths]] = {}  # by key of arguments

    def _has_ints(self, entry: Entry) -> bool:
        """Whether it is of an int that is static as the function asks for ints."""
        given = any(is_whole(item) and name not in self.static for name, item in entry.static)
        return given or _has_ints(entry.structure)

    def add(self, key: Any, paths: Paths) -> None:
        self.known.setdefault(key, []).append(paths)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(args, kwargs, self.static, self.asked)
        items = tuple(as_values(arguments.items))
        known = self.known.get(arguments.key(), [])
        for paths in known:
            path = paths.root
            while path is not None:
                address = int(ffi.cast("intptr_t", path.program))
                found = _native.replay(address, items, path.lives)
                if not isinstance(found, int):
                    structure = path.result.structure
                    return structure.arrange(found[: structure.size])
                path = path.branches.get(found)
        original = _imported(self.origin)
        if original is not None:
            return original(*args, **kwargs)
        raise NotSavedError(
            f"{self.name}() was saved without this path through it: a comparison comes out as in no call "
            "before it was saved. Call the function at such a point before you save or pickle it"
            if known
            else f"{self.name}() was saved for {self._described()}, not for "
            f"{_described(arguments.key())}. Call the function with arguments like these before you "
            "save or pickle it"
        )

    def _described(self) -> str:
        """Arguments that it was saved for, but not very many."""
        found = [_described(key) for key in self.known]
        return " or ".join(found[:3] + ["others"] * (len(found) > 3))


def _described(key: Any) -> str:
    """Arguments in words, from their key."""
    (_, names, _, parts), _ = key
    words = {name: _in_words(part) for name, part in zip(names, parts, strict=True)}
    words |= {name: repr(argument) for name, argument in static_of(key)}
    places = sorted(name for name in words if isinstance(name, int))
    named = [f"{name}={word}" for name, word in words.items() if isinstance(name, str)]
    return f"({', '.join([words[i] for i in places] + named)})"


def _in_words(key: Any) -> str:
    if key is None:
        return "a number"
    if isinstance(key, Static):
        return str(key)
    if isinstance(key[0], int):
        return f"an array of shape {key}"
    kind, names, _, parts = key
    static = [
        f"{n!r}: {part}" for n, part in zip(names, parts, strict=True) if isinstance(part, Static)
    ]
    return f"a {kind.__name__} of {len(names)}{' with ' if static else ''}{', '.join(static)}"


def _imported(origin: str) -> Any:
    """The function, where its name was pickled and leads to it in this process; else None."""
    module, _, name = origin.partition(":")
    if not name:
        return None
    try:
        import_module(module)
    except (ImportError, AttributeError):
        return None
    traced = found = found_by_name(module, name)
    while isinstance(traced, FunctionOf):
        traced = traced.f
    return found if callable(found) and not isinstance(traced, Replay) else None
