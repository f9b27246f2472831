"""What code reads by name from elsewhere, seen in its bytecode: globals, cells of closures, attributes.

>>> from pygrad.core.reading import names_read
>>> def f(x):
...     return x * rate + config.offset
>>> [(name, attributes) for _, name, attributes in names_read(f.__code__)]
[('x', ()), ('rate', ()), ('config', ('offset',))]
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, TypeAlias

from pygrad.core.implementation import IMPLEMENTATION
from pygrad.core.instructions import decoded

if IMPLEMENTATION == "compiled":
    from pygrad import _native

_MOST = 10_000  # codes that are remembered
# A name that is read, and the attributes that are asked for right after that, one of the other. Before them
# its kind: "global", "cell", "module" for one that the code imports, "super"; "argument", and "inner" for
# that of a function within.
Read: TypeAlias = tuple[str, str, tuple[str, ...]]

# What instructions do that matter here, as csrc/python/reading.c knows it.
_LETTERS = {
    "LOAD_GLOBAL": "g",
    "LOAD_NAME": "g",
    "LOAD_FROM_DICT_OR_GLOBALS": "g",
    "LOAD_DEREF": "c",
    "LOAD_CLASSDEREF": "k",
    "LOAD_FROM_DICT_OR_DEREF": "k",
    "LOAD_ATTR": "a",
    "LOAD_METHOD": "a",
    "LOAD_SUPER_ATTR": "s",
    "IMPORT_NAME": "i",
    "IMPORT_FROM": "f",
    "LOAD_CONST": "=",
    "LOAD_SMALL_INT": "1",
    "STORE_FAST_STORE_FAST": "M",
    "STORE_FAST_LOAD_FAST": "N",
    "STORE_DEREF": "C",
    "STORE_GLOBAL": "G",
    "STORE_NAME": "G",
    "COPY": "d",
    "DUP_TOP": "d",
    "CALL": "(",
    "CALL_FUNCTION": "(",
    "BINARY_OP": "+",
    "INPLACE_ADD": "+",
    "INPLACE_SUBTRACT": "+",
}


def _letter(name: str) -> str:
    if name in _LETTERS:
        return _LETTERS[name]
    if name.startswith("LOAD_FAST"):
        return "m" if name.count("_FAST") == 2 else "l"
    if name.startswith("STORE_FAST"):
        return "L"
    return "S" if name.startswith("STORE_") else " "


_BY_OPCODE = "".join(map(_letter, dis.opname[:256])).encode()
_known: dict[CodeType, tuple[Read, ...]] = {}


class Anew(dict[str, Any]):
    """Globals of functions that were made anew: names are looked up in those of the original functions, and
    what stands there may have a counterpart."""

    original: dict[str, Any]

    def stands_for(self, name: str) -> Any:
        """What a name means here; KeyError where it means nothing, or something else by now."""
        raise NotImplementedError

    def original_cell(self, cell: CellType) -> CellType:
        """That of the original function which a cell of a closure follows; mostly the cell itself.
        KeyError where it holds something else by now."""
        raise NotImplementedError

    def original_function(self, f: FunctionType) -> FunctionType | None:
        """That of which a function was made; None: of none."""
        raise NotImplementedError


# Codes of functions that call what their cell `lifted` holds, once their cell `counterparts` has looked for
# what names mean by now.
LOOKING: set[CodeType] = set()


def codes_within(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_within(constant)


def names_read(code: CodeType) -> tuple[Read, ...]:
    """All that code and the functions in it read by name, each once."""
    found = _known.get(code)
    if found is None:
        if len(_known) > _MOST:
            _known.clear()
        reads: dict[Read, None] = {}
        _add_reads(reads, code, (), None)
        found = _known[code] = tuple(reads)
    return found


def _add_reads(
    found: dict[Read, None], code: CodeType, own: tuple[str, ...], around: dict[str, Read] | None
) -> None:
    """own: names of cells that belong to functions around this code. around: what local names stand for
    there, None: there are none around it."""
    local = _native.add_names_read(found, code, *decoded(code), _BY_OPCODE, own, around)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_reads(found, constant, own + code.co_cellvars, local)
