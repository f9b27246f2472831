"""Which program of a compiled function becomes C: see Compiled.to_c()."""

from __future__ import annotations

import functools
from typing import Any

from pygrad import _native
from pygrad.c_code.text import c_function
from pygrad.compiled.store import Store
from pygrad.core.structure import detached
from pygrad.programs.arguments import Arguments
from pygrad.programs.calls import refuse_calls
from pygrad.programs.one_row import OneRowProgram
from pygrad.programs.table import Programs
from pygrad.programs.worth import MOST_PATHS, NoProgram, TooManyPaths


def exported(
    store: Store,
    f: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    name: str | None,
    freeze: bool,
) -> str:
    """C for a compiled function, whose arguments f has names for."""
    title = store.name
    if _native.trace_active():
        raise RuntimeError(f"to_c() of {title}() was called in a function that is traced")
    if args or kwargs:
        key, program = _at_example(
            store, Arguments(detached(args), detached(kwargs), store.static, store.asked)
        )
    else:
        key, program = _only_one(store)
    if program is None:
        raise RuntimeError(f"{title}() takes more than {MOST_PATHS} paths: too many for C")
    if program.paths.root is None:
        raise RuntimeError(
            f"{title}() changes what it reads from elsewhere as it runs: C would keep what it was once"
        )
    for path in program.paths.all:
        refuse_calls(path.program, f"{title}() cannot be written as C")
    return c_function(f, title, key, program.paths, name, freeze)


def _programs(store: Store) -> Programs[OneRowProgram | None]:
    """The programs that are written: those that calls run, if these are of one row."""
    return store.written if store.has_rows or store.jacobian is not None else store.calls


def _only_one(store: Store) -> tuple[Any, OneRowProgram | None]:
    """The program that is there, and its key."""
    known = [(k, p) for k, p in _programs(store).items() if p is None or p.paths.root is not None]
    if len(known) != 1:
        raise ValueError(
            f"{store.name}.to_c() needs an example of the arguments, as in to_c(1.0): it has "
            + ("several structures of them" if known else "none yet")
        )
    return known[0]


def _at_example(store: Store, arguments: Arguments) -> tuple[Any, OneRowProgram | None]:
    """The program for arguments, which has taken their path; None if there are too many paths."""
    key, programs = arguments.key(), _programs(store)
    if programs is store.calls:
        program = store.call_program(key, arguments)
    else:
        make = functools.partial(store.new_one_row_program, arguments)
        program = programs.find(key, make)
    try:
        if program is not None:
            program.call(arguments.items, always=True)
    except NoProgram as error:
        raise error.refusal from None
    except TooManyPaths:
        program = None
    return key, program
