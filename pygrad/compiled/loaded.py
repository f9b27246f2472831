"""Compiled functions from files and pickles: load(), and what it returns.

What is loaded is called like the function that was saved, and gives the same bits, on the ways through
it that were taken before. Its programs also run on Values, instruction by instruction
(csrc/python/replay.c); so it is differentiated, mapped and traced as the function would be.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from pygrad import transform
from pygrad import value as _core
from pygrad._core import ffi, lib
from pygrad.compiled.fileformat import (
    BACKWARDS,
    CODES,
    DERIVATIVES,
    OWN,
    VMAP,
    Entry,
    SavedFunction,
    SavedPath,
    decode,
    instructions,
    slots,
)
from pygrad.compiled.function import Compiled, _Arguments, _OneRowProgram
from pygrad.compiled.saved import vmap_in
from pygrad.core.implementation import Value
from pygrad.core.structure import Container, Structure, as_values
from pygrad.programs.mapped import _Mapped, vmap, vmap_function
from pygrad.programs.paths import Path, Paths, key_of, path_of

__all__ = ["Loaded", "NotSavedError", "load"]

_TOTALS = ("total", "total_product", "total_uniform")
_DAMAGED = "the file is damaged: {}"


class NotSavedError(RuntimeError):
    """A loaded function was called where it has no program: where its comparisons come out as in no call
    before it was saved, or with arguments of another structure."""


def load(path: str | os.PathLike[str]) -> Loaded:
    """The function that ``compiled.save(path)`` has written, ready to be called.

    It gives the same bits as the function that was saved, without its Python code, for arguments of the
    structures that it was called with, wherever its comparisons come out as in one of those calls.
    Given Values, and within transforms, its programs are run on Values: it can be differentiated, to any
    order, and be part of other compiled functions. There, too, operations follow NumPy and raise for no
    numeric reason. Values that the function captured are new ones, with the numbers they had, in
    ``.captured``: their ``.data`` can be changed, and ``.backward()`` trains them.

    Reading runs nothing from the file, and all of it is checked before any of it is used.

    Raises:
        ValueError: this is no such file, it is damaged, of another format version, or uses an operation
            that this version of pygrad does not have.
        NotSavedError: (when it is called) nothing was saved for this way through the function.

    >>> import os, tempfile
    >>> from pygrad import compile, grad, load
    >>> @compile
    ... def f(x):
    ...     return x**3 if x > 0 else -x
    >>> f(2.0), f(-2.0)  # both ways
    (8.0, 2.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "f.pygrad")
    >>> f.save(path)
    >>> loaded = load(path)
    >>> loaded(3.0), loaded(-3.0), grad(loaded)(3.0)
    (27.0, 3.0, 27.0)
    """
    return from_bytes(FilePath(path).read_bytes())


def from_bytes(data: bytes, origin: str = "") -> Loaded:
    """The same from the contents of a file, or from a pickle, which says where the function was defined."""
    return Loaded(decode(data), origin)


class Loaded(Compiled):
    """A compiled function from a file or a pickle.

    ``captured`` are the Values that it uses besides its arguments, in the order in which its programs
    met them, with their labels.
    """

    def __init__(self, saved: SavedFunction, origin: str = "") -> None:
        self.captured = tuple([Value(number, label=label) for number, label in saved.captured])
        ways = _Ways(saved, "" if self.captured else origin)
        super().__init__(_made_again(saved, ways.function()), saved.static, False)
        self.origin = origin
        for entry in saved.entries:
            ways.add(*(self._add_call(entry) if entry.rows is None else self._add_rows(entry)))

    def _add_call(self, entry: Entry) -> tuple[Any, Paths]:
        """Puts programs for calls of a row at a time where they are looked for; their key, and they."""
        if self.is_mapped or entry.group != OWN or entry.wrt:
            raise ValueError(_DAMAGED.format("a program of no rows is where rows are expected"))
        arguments = _arguments(entry, self.static)
        run = functools.partial(arguments.call, self.f)
        program = _OneRowProgram(run, entry.structure.size)
        _fill(program.paths, entry, None, self.captured)
        key = arguments.key()
        self.programs_by_key[key] = program
        return key, program.paths

    def _add_rows(self, entry: Entry) -> tuple[Any, Paths]:
        """The same for programs of many rows."""
        own = entry.group == OWN
        if self.is_mapped != own:
            raise ValueError(_DAMAGED.format("a program of rows is where none is expected"))
        if own:
            vmapped = vmap_in(self.f)
        else:
            reduce = BACKWARDS[entry.group]
            vmapped = self.backwards.setdefault(reduce, vmap_function(self.f, 0, reduce, 1, "warn"))
        rows = _Rows(entry, vmapped.reduce)
        mapped = _Mapped(vmapped, rows, rows.wrt, not own)  # type: ignore[arg-type]
        _fill(mapped.paths, entry, vmapped.reduce or "rows", self.captured)
        key = (id(vmapped), key_of(entry.structure), entry.rows, entry.wrt, not own)
        self.mapped[key] = mapped
        return rows.key(), mapped.paths


def _made_again(saved: SavedFunction, row: Callable[..., Any]) -> Callable[..., Any]:
    """What compile() was given: the function, a vmap of it, or a derivative of that."""
    m, kind = saved.mapping, DERIVATIVES[saved.kind]
    if m is None:
        return row
    try:
        mapped = vmap(row, m.in_axes, m.reduce, threads=m.threads, errors=m.errors)
        if kind == VMAP:
            return mapped
        made: Callable[..., Any] = getattr(transform, kind)(mapped, m.argnums, m.has_aux is True)
        return made
    except TypeError as error:
        raise ValueError(_DAMAGED.format(error)) from error


# -- entries ---------------------------------------------------------------------------------------


def _arguments(entry: Entry, static: frozenset[int]) -> _Arguments:
    """The arguments of a call that the entry is for."""
    structure = entry.structure
    if not isinstance(structure, Container) or structure.kind is not dict:
        raise ValueError(_DAMAGED.format("arguments have no names"))
    given = {**dict(entry.static), **structure.arrange([0.0] * structure.size)}
    places = sorted(name for name in given if type(name) is int)
    named = {name: arg for name, arg in given.items() if type(name) is str}
    if places != list(range(len(places))) or len(places) + len(named) != len(given):
        raise ValueError(_DAMAGED.format("arguments have strange names"))
    arguments = _Arguments(tuple([given[i] for i in places]), named, static)
    if key_of(arguments.structure) != key_of(structure) or arguments.static != dict(entry.static):
        raise ValueError(_DAMAGED.format("it is unclear which arguments are static"))
    return arguments


class _Rows:
    """What _Mapped asks of the arguments of a call that an entry is for."""

    def __init__(self, entry: Entry, reduce: str | None) -> None:
        structure, rows = entry.structure, entry.rows
        if not isinstance(structure, Container) or structure.kind is not tuple or entry.static:
            raise ValueError(_DAMAGED.format("rows have no arguments"))
        assert rows is not None
        uniform = [i for i, by_row in enumerate(rows) if not by_row]
        if len(rows) != structure.size or any(i >= len(uniform) for i in entry.wrt):
            raise ValueError(_DAMAGED.format("rows and arguments differ in number"))
        if reduce is None and entry.wrt:
            raise ValueError(_DAMAGED.format("there are derivatives of what is not added up"))
        self.structure, self.flags = structure, rows
        self.wrt = [uniform[i] for i in entry.wrt]

    def row_flags(self) -> bytes:
        return self.flags

    def key(self) -> Any:
        """The key that a call with one row's arguments has."""
        parts = self.structure.parts
        names = tuple(range(len(parts)))
        return (dict, names, (int,) * len(parts), tuple(map(key_of, parts))), ()


def _fill(paths: Paths, entry: Entry, rows: str | None, captured: tuple[Any, ...]) -> None:
    """Puts the entry's paths where calls look for them; rows says what becomes of rows, if any."""
    for saved in entry.paths:
        _check_fit(saved, entry, rows)
        program, result = saved.program, saved.result
        if rows in {"mean", "sum"}:
            result = (result, tuple([captured[i] for i in saved.by]))
        lives = tuple([captured[i] for i in saved.lives])
        path = path_of(
            program, ffi.cast("pg_program *", program), lives, _outcomes(program), result
        )
        if saved.parent < 0:
            paths.root = path
        else:
            parent = paths.all[saved.parent]
            if not 0 <= saved.guard < len(parent.outcomes) or saved.guard in parent.branches:
                raise ValueError(_DAMAGED.format(f"a path leaves another at guard {saved.guard}"))
            parent.branches[saved.guard] = path
        paths.all.append(path)


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
        raise ValueError(_DAMAGED.format("a program is not the one that it should be"))


# -- on Values -------------------------------------------------------------------------------------


class _Ways:
    """The saved programs as a function of Values: all that is known of the function."""

    def __init__(self, saved: SavedFunction, origin: str) -> None:
        self.name, self.doc, self.static = saved.name, saved.doc, frozenset(saved.static)
        self.origin = origin
        self.known: dict[Any, list[Paths]] = {}  # by key of arguments

    def add(self, key: Any, paths: Paths) -> None:
        self.known.setdefault(key, []).append(paths)

    def function(self) -> Callable[..., Any]:
        def replay(*args: Any, **kwargs: Any) -> Any:
            return self.call(args, kwargs)

        replay.__name__ = replay.__qualname__ = self.name
        replay.__doc__ = self.doc
        return replay

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments = _Arguments(args, kwargs, self.static)
        items = tuple(as_values(arguments.items))
        known = self.known.get(arguments.key(), [])
        for paths in known:
            path = paths.root
            while path is not None:
                address = int(ffi.cast("intptr_t", path.program))
                found = _core.replay(address, items, path.lives)
                if not isinstance(found, int):
                    structure = _structure(path)
                    return structure.arrange(found[: structure.size])
                path = path.branches.get(found)
        original = _imported(self.origin)
        if original is not None:
            return original(*args, **kwargs)
        raise NotSavedError(
            f"{self.name}() was saved without this way through it: a comparison comes out as in no call "
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
    (_, names, _, parts), static = key
    words = {name: _in_words(part) for name, part in zip(names, parts, strict=True)}
    words |= {name: repr(kind(x) if kind is float else x) for name, kind, x in static}
    places = sorted(name for name in words if isinstance(name, int))
    named = [f"{name}={word}" for name, word in words.items() if isinstance(name, str)]
    return f"({', '.join([words[i] for i in places] + named)})"


def _in_words(key: Any) -> str:
    if key is None:
        return "a number"
    if isinstance(key[0], int):
        return f"an array of shape {key}"
    return f"a {key[0].__name__} of {len(key[1])}"


def _structure(path: Path) -> Structure:
    """Of what the function returns; of a path of totals, before they are added up."""
    structure: Structure = path.result[0] if type(path.result) is tuple else path.result
    return structure


def _imported(origin: str) -> Any:
    """The function, where its name was pickled and leads to it in this process; else None."""
    module, _, name = origin.partition(":")
    if not name:
        return None
    try:
        found = functools.reduce(getattr, name.split("."), import_module(module))
    except (ImportError, AttributeError):
        return None
    return found if callable(found) and not isinstance(found, Loaded) else None
