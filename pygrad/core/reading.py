"""What code reads by name from elsewhere, seen in its bytecode: globals, cells of closures, attributes.

>>> from pygrad.core.reading import names_read
>>> def f(x):
...     return x * rate + config.offset
>>> [(read.name, read.attributes) for read in names_read(f.__code__)]
[('rate', ()), ('config', ('offset',))]
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple

_MOST = 10_000  # codes that are remembered
_GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_CELLS = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}
_NOTHING = {"CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL", "PRECALL", "RESUME"}
_STORES = {"STORE_GLOBAL", "STORE_NAME", "STORE_DEREF"}
_known: dict[CodeType, list[Read]] = {}


class Read(NamedTuple):
    """A name that is read, and the attributes that are asked for right after that, one of the other."""

    kind: str  # "global", "cell", "argument", or "module" for one that is imported by the code
    name: str
    attributes: tuple[str, ...]


def names_read(code: CodeType) -> list[Read]:
    """All that code and the functions in it read by name, each once."""
    found = _known.get(code)
    if found is None:
        if len(_known) > _MOST:
            _known.clear()
        found = list(dict.fromkeys(_reads(code, None)))
        _known[code] = found
    return found


def _reads(code: CodeType, own: frozenset[str] | None) -> Iterator[Read]:
    """own: names of cells that belong to functions around this code; None: there are none around it."""
    steps = [i for i in dis.get_instructions(code) if i.opname not in _NOTHING]
    count = 0 if own is not None else code.co_argcount + code.co_kwonlyargcount
    arguments = code.co_varnames[:count]
    cells = frozenset(code.co_cellvars) | (own or frozenset())
    for at, step in enumerate(steps):
        name: Any = step.argval
        if isinstance(name, tuple) and len(name) == 2:  # two at once
            name = name[1]
        if not isinstance(name, str):
            continue
        if step.opname in _GLOBALS:
            kind = "global"
        elif name in arguments and step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
            kind = "argument"
        elif step.opname in _CELLS and name not in cells:
            kind = "cell"
        elif step.opname == "IMPORT_NAME":
            yield from _imported(steps, at)
            continue
        else:
            continue
        if not _is_counted(steps, at):
            yield Read(kind, name, _attributes(steps, at + 1))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant, cells)


def _attributes(steps: list[dis.Instruction], at: int) -> tuple[str, ...]:
    found = []
    while at < len(steps) and steps[at].opname in _ATTRIBUTES:
        found.append(steps[at].argval)
        at += 1
    return tuple(found)


def _imported(steps: list[dis.Instruction], at: int) -> Iterator[Read]:
    """from module import name, within a function: it is read at each call."""
    module = steps[at].argval
    for step in steps[at + 1 :]:
        if step.opname == "IMPORT_FROM":
            yield Read("module", module, (step.argval,))
        elif not step.opname.startswith("STORE_"):
            break


def _is_counted(steps: list[dis.Instruction], at: int) -> bool:
    """Whether a name is read only to be counted up: name += 1."""
    if len(steps) < at + 4:
        return False
    read, one, add, store = steps[at : at + 4]
    return (
        one.opname in {"LOAD_CONST", "LOAD_SMALL_INT"}
        and add.opname in {"BINARY_OP", "INPLACE_ADD", "INPLACE_SUBTRACT"}
        and store.opname in _STORES
        and store.argval == read.argval
    )
