"""What C needs to do calls of a compiled function from arguments to result (csrc/python/direct.h)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pygrad import _native
from pygrad.core.library import ffi
from pygrad.core.structure import Array
from pygrad.programs.arguments import Arguments, dynamic_part
from pygrad.programs.forms import TUPLE, Form, fixed, of_argument, of_floats, of_result
from pygrad.programs.one_row import OneRowProgram
from pygrad.programs.paths import Path
from pygrad.programs.results import RowResult

# In arguments: to find out their structure does not matter beside a program of so many
MOST_NUMBERS = 1 << 20


def address_of(path: Path) -> int:
    """Where a path's program stands."""
    return int(ffi.cast("uintptr_t", path.program))


def _describe(path: Path) -> tuple[int, Form] | None:
    """A path's program and the form of its result; None if C is not to run it."""
    form = of_result(path.result.structure) if type(path.result) is RowResult else None
    return None if form is None else (address_of(path), form)


def _form_of(arguments: Arguments) -> Form | None:
    """The form of arguments by position; None if C is not to read them."""
    dynamic = dict(zip(arguments.structure.names, arguments.structure.parts, strict=True))
    count = len(dynamic) + len(arguments.static)
    parts = []
    if arguments.tells_bools:
        return None
    for i in range(count):
        if i in dynamic:
            stay = not isinstance(dynamic[i], Array) and arguments.asked.fixes(i, count)
            part = of_floats(dynamic[i]) if stay else of_argument(dynamic[i])
        else:
            part = fixed(arguments.static[i]) if i in arguments.static else None
        if part is None:
            return None
        parts.append(part)
    return TUPLE, None, tuple(parts)


def direct(
    program: OneRowProgram, places: tuple[Any, ...], arguments: Callable[[], Arguments]
) -> Any:
    """What does calls of a program with arguments like these; None if they are for Python. It is made once.

    arguments: gives those of such a call. places: what the program holds for: see captures.py.
    """
    found, path = program.direct, program.paths.root
    if found is False or path is None:
        return None
    if found is None:
        made = _new(program, path, places, arguments())
        program.direct = found = False if made is None else made
    elif found.places is not places:  # equal numbers stand there now
        found.places = places
    return found or None


def _new(
    program: OneRowProgram, path: Path, places: tuple[Any, ...], arguments: Arguments
) -> _native.Direct | None:
    if program.captures is not None or program.size > MOST_NUMBERS:
        return None
    described, form = _describe(path), _form_of(arguments)
    if described is None or form is None:
        return None
    return _native.Direct(form, places, path, *described)


def _know_arrays() -> None:
    """Shows C an array, so that it knows them where they are laid out as they have always been."""
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            functions = importlib.import_module(name)._ARRAY_API
        except (ImportError, AttributeError):
            continue
        array = np.zeros((3, 4))[:, ::2]
        where = array.__array_interface__["data"][0]
        known = (array, array.dtype, where, array.shape, array.strides, array.flags.num, functions)
        _native.know_arrays(*known)
        break


def _numbers(in_place: Callable[[Any], Any]) -> tuple[type, ...]:
    """Types besides float whose objects are numbers there, as Python's calls see it."""

    def is_number(x: Any) -> bool:
        items: list[Any] = []
        dynamic_part(in_place(x), 0, items)
        return len(items) == 1

    return tuple([kind for kind in (int, bool, np.float64) if is_number(kind(1))])


_know_arrays()
_contained = [_numbers(put) for put in (lambda x: [x], lambda x: (x,), lambda x: {"x": x})]
_native.know_numbers(
    _numbers(lambda x: x),
    tuple([kind for kind in _contained[0] if all(kind in c for c in _contained)]),
)
_native.set_description(_describe)
