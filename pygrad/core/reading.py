"""What code reads by name from elsewhere, seen in its bytecode: globals, cells of closures, attributes.

>>> from pygrad.core.reading import names_read
>>> def f(x):
...     return x * rate + config.offset
>>> [(read.name, read.attributes) for read in names_read(f.__code__)]
[('x', ()), ('rate', ()), ('config', ('offset',))]
"""

from __future__ import annotations

import dis
from collections import Counter
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

    # "global", "cell", "module" for one that the code imports, "super"; "argument", and "inner" for that of
    # a function within.
    kind: str
    name: str
    attributes: tuple[str, ...]


def codes_within(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_within(constant)


def names_read(code: CodeType) -> list[Read]:
    """All that code and the functions in it read by name, each once."""
    found = _known.get(code)
    if found is None:
        if len(_known) > _MOST:
            _known.clear()
        found = list(dict.fromkeys(_reads(code, None, {})))
        _known[code] = found
    return found


def _reads(code: CodeType, own: frozenset[str] | None, around: dict[str, Read]) -> Iterator[Read]:
    """own: names of cells that belong to functions around this code, None: there are none around it.
    around: what local names stand for there."""
    steps = [i for i in dis.get_instructions(code) if i.opname not in _NOTHING]
    kind, count = "argument" if own is None else "inner", code.co_argcount + code.co_kwonlyargcount
    cells = frozenset(code.co_cellvars) | (own or frozenset())
    # What local names stand for: arguments, and what is given to a name once.
    local = {name: read for name, read in around.items() if name in code.co_freevars}
    local |= {name: Read(kind, name, ()) for name in code.co_varnames[:count]}
    once = Counter(name for step in steps for name in _stored(step))
    for at, step in enumerate(steps):
        read = _read(step, local, cells)
        if step.opname == "IMPORT_NAME":
            yield from _imported(steps, at)
        if read is None or _is_counted(steps, at):
            continue
        end = at + 1
        if read.kind == "global" and read.name == "super":
            end, read = _after_super(steps, end), Read("super", "super", ())
        attributes = _attributes(steps, end)
        end += len(attributes)
        attributes += _asked_for(steps, at, end)
        read = read._replace(attributes=read.attributes + attributes)
        if read.kind != "inner" or read.attributes:
            yield read
        for name in _stored(steps[end])[:1] if end < len(steps) else ():
            if once[name] == 1 and name not in code.co_freevars:
                local.setdefault(name, read)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant, cells, local)


def _read(step: dis.Instruction, local: dict[str, Read], cells: frozenset[str]) -> Read | None:
    """The name that an instruction reads, if it is one from elsewhere."""
    name: Any = step.argval
    if isinstance(name, tuple) and len(name) == 2:  # two at once
        name = name[1]
    if not isinstance(name, str):
        return None
    if step.opname == "IMPORT_NAME" and "." not in name:
        return Read("module", name, ())
    if step.opname == "LOAD_SUPER_ATTR":
        return Read("super", "super", (name,))
    if step.opname in _GLOBALS:
        return Read("global", name, ())
    if name in local and step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "STORE_FAST_LOAD")):
        return local[name]
    if step.opname in _CELLS and name not in cells:
        return Read("cell", name, ())
    return None


def _stored(step: dis.Instruction) -> tuple[str, ...]:
    """Local names that an instruction gives a value."""
    if step.opname == "STORE_DEREF":
        return (step.argval,)
    if not step.opname.startswith("STORE_FAST"):
        return ()
    names: Any = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return names if step.opname == "STORE_FAST_STORE_FAST" else names[:1]


def _after_super(steps: list[dis.Instruction], at: int) -> int:
    """Where the call of super() is over, if it is one without arguments."""
    calls = {"CALL", "CALL_FUNCTION", "LOAD_DEREF", "LOAD_FAST"}
    while at < len(steps) and (
        steps[at].opname in calls or steps[at].opname.startswith("LOAD_FAST")
    ):
        at += 1
    return at


def _attributes(steps: list[dis.Instruction], at: int) -> tuple[str, ...]:
    found = []
    while at < len(steps) and steps[at].opname in _ATTRIBUTES:
        found.append(steps[at].argval)
        at += 1
    return tuple(found)


def _asked_for(steps: list[dis.Instruction], at: int, end: int) -> tuple[str, ...]:
    """The attribute in getattr(name, "attribute") and hasattr(name, "attribute")."""
    before = steps[at - 1] if at else None
    if before is None or before.opname not in _GLOBALS or end >= len(steps):
        return ()
    asks = before.argval in {"getattr", "hasattr"} and steps[end].opname == "LOAD_CONST"
    return (steps[end].argval,) if asks and isinstance(steps[end].argval, str) else ()


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
