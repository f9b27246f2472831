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

from pygrad.core.instructions import Instructions, opcodes_of, table_of

_MOST = 10_000  # codes that are remembered
_GLOBALS = opcodes_of(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"])
_CELLS = opcodes_of(["LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"])
_ATTRIBUTES = opcodes_of(["LOAD_ATTR", "LOAD_METHOD"])
_IMPORT, _IMPORTED = opcodes_of(["IMPORT_NAME"]), opcodes_of(["IMPORT_FROM"])
_SUPER = opcodes_of(["LOAD_SUPER_ATTR"])
_LOCAL = opcodes_of(
    name for name in dis.opmap if name.startswith(("LOAD_FAST", "LOAD_DEREF", "STORE_FAST_LOAD"))
)
_PLAINLY_LOCAL = opcodes_of(name for name in dis.opmap if name.startswith("LOAD_FAST"))
_PLAINLY_LOCAL -= opcodes_of(name for name in dis.opmap if name.count("_FAST") == 2)  # of two names
_STORE_CELL, _STORE_TWO = opcodes_of(["STORE_DEREF"]), opcodes_of(["STORE_FAST_STORE_FAST"])
_STORE_LOCAL = opcodes_of(name for name in dis.opmap if name.startswith("STORE_FAST"))
_GIVING = _STORE_CELL | _STORE_LOCAL
# Those that take the next value from the stack, too, or put one there.
_GIVING_AND_MORE = opcodes_of(name for name in dis.opmap if name.startswith("STORE_FAST_"))
_COPIES = opcodes_of(["COPY", "DUP_TOP"])  # behind what is read: of that, as it stands on top
_CALL = opcodes_of(["CALL", "CALL_FUNCTION"])
_STORES = opcodes_of(name for name in dis.opmap if name.startswith("STORE_"))
_CONSTANT = opcodes_of(["LOAD_CONST"])
# name += 1
_ONES = opcodes_of(["LOAD_CONST", "LOAD_SMALL_INT"])
_ADDITIONS = opcodes_of(["BINARY_OP", "INPLACE_ADD", "INPLACE_SUBTRACT"])
_COUNTED = opcodes_of(["STORE_GLOBAL", "STORE_NAME", "STORE_DEREF"])
_AHEAD = 4  # instructions that are looked at behind one: so many zeros stand behind all
# What may stand between super and the call of it, which then is one without arguments.
_CALLS = opcodes_of(
    name
    for name in dis.opmap
    if name in {"CALL", "CALL_FUNCTION", "LOAD_DEREF"} or name.startswith("LOAD_FAST")
)
# The few instructions that may read a name from elsewhere, and those that store a local one.
_READING = table_of(_IMPORT, _SUPER, _GLOBALS, _CELLS, _LOCAL)
_STORING = table_of(_GIVING)
_known: dict[CodeType, list[Read]] = {}


class Read(NamedTuple):
    """A name that is read, and the attributes that are asked for right after that, one of the other."""

    # "global", "cell", "module" for one that the code imports, "super"; "argument", and "inner" for that of
    # a function within.
    kind: str
    name: str
    attributes: tuple[str, ...]

    def of(self, attributes: tuple[str, ...]) -> Read:
        """The same with further attributes."""
        return self._replace(attributes=self.attributes + attributes) if attributes else self


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
    steps = Instructions(code)
    ops = steps.ops + bytes(_AHEAD)
    kind, count = "argument" if own is None else "inner", code.co_argcount + code.co_kwonlyargcount
    cells = frozenset(code.co_cellvars) | (own or frozenset())
    # What local names stand for: arguments, and what is given to a name once.
    local = {name: read for name, read in around.items() if name in code.co_freevars}
    local |= {name: Read(kind, name, ()) for name in code.co_varnames[:count]}
    once = _stored_once(steps).difference(code.co_freevars)
    for at in steps.places_of(_READING):
        op, name = ops[at], steps.value(at)
        if op in _IMPORT:
            yield from _imported(steps, at)
        read = local.get(name) if op in _PLAINLY_LOCAL else _read(op, name, local, cells)
        if read is None or (ops[at + 3] in _COUNTED and _is_counted(steps, at)):
            continue
        end = at + 1
        if name == "super" and read.kind == "global":
            end, read = _after_super(ops, end), Read("super", "super", ())
        read, end = _with_attributes(read, steps, ops, end)
        if at and ops[at - 1] in _GLOBALS:
            read = read.of(_asked_for(steps, at, end))
            if _is_typed(steps, ops, at, end):
                read, end = _with_attributes(read.of(("__class__",)), steps, ops, end + 1)
        given: dict[str, Read] = {}
        while ops[end] in _COPIES and ops[end + 1] in _GIVING:  # (name := ...).attribute
            given |= dict.fromkeys(_stored(steps, end + 1), read)
            if ops[end + 1] in _GIVING_AND_MORE:
                break
            read, end = _with_attributes(read, steps, ops, end + 2)
        if read.kind != "inner" or read.attributes:
            yield read
        if ops[end] in _GIVING:
            given |= dict.fromkeys(_stored(steps, end)[:1], read)
        for name, of in given.items():
            if name in once:
                local.setdefault(name, of)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant, cells, local)


def _read(op: int, name: Any, local: dict[str, Read], cells: frozenset[str]) -> Read | None:
    """The name that an instruction reads, if it is one from elsewhere."""
    if op in _LOCAL:
        if isinstance(name, tuple):  # two at once
            name = name[1]
        if name in local:
            return local[name]
    if op in _GLOBALS:
        return Read("global", name, ())
    if op in _CELLS and name not in cells:
        return Read("cell", name, ())
    if op in _IMPORT and "." not in name:
        return Read("module", name, ())
    if op in _SUPER:
        return Read("super", "super", (name,))
    return None


def _stored_once(steps: Instructions) -> set[str]:
    """Local names that are given a value at one place only."""
    found: set[str] = set()
    again: set[str] = set()
    for at in steps.places_of(_STORING):
        for name in _stored(steps, at):
            (again if name in found else found).add(name)
    return found - again


def _stored(steps: Instructions, at: int) -> tuple[str, ...]:
    """Local names that an instruction gives a value."""
    op = steps.ops[at]
    if op in _STORE_CELL:
        return (steps.value(at),)
    if op not in _STORE_LOCAL:
        return ()
    names = steps.value(at)
    if isinstance(names, tuple):
        return names if op in _STORE_TWO else names[:1]
    return (names,)


def _after_super(ops: bytes, at: int) -> int:
    """Where the call of super() is over, if it is one without arguments."""
    while at < len(ops) and ops[at] in _CALLS:
        at += 1
    return at


def _with_attributes(read: Read, steps: Instructions, ops: bytes, at: int) -> tuple[Read, int]:
    """A name with the attributes that are asked for from an instruction on, and where these end."""
    attributes: tuple[str, ...] = ()
    while ops[at] in _ATTRIBUTES:
        attributes += (steps.value(at),)
        at += 1
    return read.of(attributes), at


def _is_typed(steps: Instructions, ops: bytes, at: int, end: int) -> bool:
    """Whether a name is the argument of type(name)."""
    return ops[end] in _CALL and bool(steps.value(end) == 1 and steps.value(at - 1) == "type")


def _asked_for(steps: Instructions, at: int, end: int) -> tuple[str, ...]:
    """The attribute in getattr(name, "attribute") and hasattr(name, "attribute")."""
    if steps.value(at - 1) not in {"getattr", "hasattr"} or end >= len(steps.ops):
        return ()
    asked = steps.value(end) if steps.ops[end] in _CONSTANT else None
    return (asked,) if isinstance(asked, str) else ()


def _imported(steps: Instructions, at: int) -> Iterator[Read]:
    """from module import name, within a function: it is read at each call."""
    module = steps.value(at)
    for after in range(at + 1, len(steps.ops)):
        if steps.ops[after] in _IMPORTED:
            yield Read("module", module, (steps.value(after),))
        elif steps.ops[after] not in _STORES:
            break


def _is_counted(steps: Instructions, at: int) -> bool:
    """Whether a name is read only to be counted up: name += 1."""
    one, add, store = steps.ops[at + 1 : at + 4]
    return (
        store in _COUNTED
        and one in _ONES
        and add in _ADDITIONS
        and bool(steps.value(at + 3) == steps.value(at))
    )
