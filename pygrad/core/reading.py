"""What code reads by name from elsewhere, seen in its bytecode: globals, cells of closures, attributes.

>>> from pygrad.core.reading import names_read
>>> def f(x):
...     return x * rate + config.offset
>>> [(read.name, read.attributes) for read in names_read(f.__code__)]
[('x', ()), ('rate', ()), ('config', ('offset',))]
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from pygrad.core.instructions import Step, steps_of

_MOST = 10_000  # codes that are remembered
_GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_CELLS = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}
_STORES = {"STORE_GLOBAL", "STORE_NAME", "STORE_DEREF"}
_LOCAL = {
    name for name in dis.opmap if name.startswith(("LOAD_FAST", "LOAD_DEREF", "STORE_FAST_LOAD"))
}
# The few instructions that may read a name from elsewhere, and those that store a local one.
_READING = {"IMPORT_NAME", "LOAD_SUPER_ATTR"} | _GLOBALS | _CELLS | _LOCAL
_STORING = {"STORE_DEREF"} | {name for name in dis.opmap if name.startswith("STORE_FAST")}
_known: dict[CodeType, list[Read]] = {}


class Read(NamedTuple):
    """A name that is read, and the attributes that are asked for right after that, one of the other."""

    # "global", "cell", "module" for one that the code imports, "super"; "argument", and "inner" for that of
    # a function within.
    kind: str
    name: str
    attributes: tuple[str, ...]


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
    steps = steps_of(code)
    kind, count = "argument" if own is None else "inner", code.co_argcount + code.co_kwonlyargcount
    cells = frozenset(code.co_cellvars) | (own or frozenset())
    # What local names stand for: arguments, and what is given to a name once.
    local = {name: read for name, read in around.items() if name in code.co_freevars}
    local |= {name: Read(kind, name, ()) for name in code.co_varnames[:count]}
    once = _stored_once(steps).difference(code.co_freevars)
    for at, step in enumerate(steps):
        if step.opname not in _READING:
            continue
        if step.opname == "IMPORT_NAME":
            yield from _imported(steps, at)
        read = _read(step, local, cells)
        if read is None or _is_counted(steps, at):
            continue
        end = at + 1
        if read.kind == "global" and read.name == "super":
            end, read = _after_super(steps, end), Read("super", "super", ())
        attributes = _attributes(steps, end)
        end += len(attributes)
        attributes += _asked_for(steps, at, end)
        if attributes:
            read = Read(read.kind, read.name, read.attributes + attributes)
        if read.kind != "inner" or read.attributes:
            yield read
        for name in _stored(steps[end])[:1] if end < len(steps) else ():
            if name in once:
                local.setdefault(name, read)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant, cells, local)


def _read(step: Step, local: dict[str, Read], cells: frozenset[str]) -> Read | None:
    """The name that an instruction reads, if it is one from elsewhere."""
    opname, name = step
    if opname in _LOCAL:
        if isinstance(name, tuple):  # two at once
            name = name[1]
        if name in local:
            return local[name]
    if opname in _GLOBALS:
        return Read("global", name, ())
    if opname in _CELLS and name not in cells:
        return Read("cell", name, ())
    if opname == "IMPORT_NAME" and "." not in name:
        return Read("module", name, ())
    if opname == "LOAD_SUPER_ATTR":
        return Read("super", "super", (name,))
    return None


def _stored_once(steps: list[Step]) -> set[str]:
    """Local names that are given a value at one place only."""
    found: set[str] = set()
    again: set[str] = set()
    for step in steps:
        if step.opname in _STORING:
            for name in _stored(step):
                (again if name in found else found).add(name)
    return found - again


def _stored(step: Step) -> tuple[str, ...]:
    """Local names that an instruction gives a value."""
    if step.opname == "STORE_DEREF":
        return (step.argval,)
    if not step.opname.startswith("STORE_FAST"):
        return ()
    names: Any = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return names if step.opname == "STORE_FAST_STORE_FAST" else names[:1]


def _after_super(steps: list[Step], at: int) -> int:
    """Where the call of super() is over, if it is one without arguments."""
    calls = {"CALL", "CALL_FUNCTION", "LOAD_DEREF", "LOAD_FAST"}
    while at < len(steps) and (
        steps[at].opname in calls or steps[at].opname.startswith("LOAD_FAST")
    ):
        at += 1
    return at


def _attributes(steps: list[Step], at: int) -> tuple[str, ...]:
    found = []
    while at < len(steps) and steps[at].opname in _ATTRIBUTES:
        found.append(steps[at].argval)
        at += 1
    return tuple(found)


def _asked_for(steps: list[Step], at: int, end: int) -> tuple[str, ...]:
    """The attribute in getattr(name, "attribute") and hasattr(name, "attribute")."""
    before = steps[at - 1] if at else None
    if before is None or before.opname not in _GLOBALS or end >= len(steps):
        return ()
    asks = before.argval in {"getattr", "hasattr"} and steps[end].opname == "LOAD_CONST"
    return (steps[end].argval,) if asks and isinstance(steps[end].argval, str) else ()


def _imported(steps: list[Step], at: int) -> Iterator[Read]:
    """from module import name, within a function: it is read at each call."""
    module = steps[at].argval
    for step in steps[at + 1 :]:
        if step.opname == "IMPORT_FROM":
            yield Read("module", module, (step.argval,))
        elif not step.opname.startswith("STORE_"):
            break


def _is_counted(steps: list[Step], at: int) -> bool:
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
