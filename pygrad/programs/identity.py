"""Whether code asks which object or of which type a bool is, which nothing that stands for one can answer.

>>> why_bools(lambda x: (x > 0) is True).partition(" at ")[0], why_bools(lambda x: x > 0)
('<lambda>()', '')

Bools in the place of conditions cost speed, never a number. So what is in doubt counts as asking. What asks
for a class by isinstance(), by a pattern or by `__class__` has its answer, as a condition says that it is a
bool.

Python takes nothing but a bool from `__bool__`, and an int from its like. A method of that name which gives
a condition has Python raise TypeError: the trace is made again then, with bools. Where a handler could
catch that error there are bools from the start.
"""

from __future__ import annotations

import builtins
import dis
import functools
import numbers
import operator
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from enum import EnumMeta
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.callables import FunctionOf, original_module
from pygrad.core.callers import is_pygrads, raised_at
from pygrad.core.implementation import Value
from pygrad.core.instructions import steps_of
from pygrad.core.jacobians import JacobianOf
from pygrad.core.reading import codes_within
from pygrad.core.swallowing import has_handlers

_MOST = 10_000  # codes that are remembered
_FAR = 1000  # functions and other things that are looked at for one
_DEEP = 2  # levels of containers and objects
_IGNORED = {"CACHE", "EXTENDED_ARG", "NOP"}
_IGNORED_CODES = {dis.opmap[name] for name in _IGNORED & dis.opmap.keys()}
_IS, _LOAD_CONST = dis.opmap["IS_OP"], dis.opmap["LOAD_CONST"]
_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
_LOADS = [dis.opmap[name] for name in ("LOAD_GLOBAL", "LOAD_NAME")]
_LOAD_ATTR = dis.opmap["LOAD_ATTR"]
# Of the names that LOAD_GLOBAL and LOAD_ATTR load, in their arguments.
_SHIFT, _OF_ATTRIBUTES = int(sys.version_info >= (3, 11)), int(sys.version_info >= (3, 12))
MATCH_CLASS = dis.opmap["MATCH_CLASS"]
_SAME = {"is_", "is_not"}
_KINDS = {"isinstance", "issubclass", "type", "__class__"}
_BOOLS = (bool, int, *(getattr(numbers, name) for name in numbers.__all__))  # what a bool is
NAMES = {cls.__name__ for cls in _BOOLS}
_PROTOCOLS = {"__bool__", "__index__", "__int__", "__length_hint__"}  # a condition is no result of
_GENERATED = {
    *("__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__setattr__", "__delattr__"),
    *("__init__", "__repr__"),
}
# What is called after a store that has failed: see lifting/rewriting.py
_STORED = "__lifted_stored__"
# What gives a bool, or what is known
_BOOLEAN = {"UNARY_NOT", "CONTAINS_OP", "IS_OP", "LOAD_CONST"}
_LEAVING = {"RETURN_VALUE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "RAISE_VARARGS"}
# What is said where that costs something.
DECIDED = "All comparisons of the trace are decided at once, and are no operations of the program, since {}"
_CAUGHT = (
    " may give what a comparison has given, which Python does not take, and a handler may catch its "
    "TypeError: have it `return bool(...)`"
)
_PLAIN = {int, float, complex, str, bytes, bool, type(None), np.ndarray, Value}
_ASKING = {id(operator.is_), id(operator.is_not)}
_WRITERS = {"json", "json.encoder"}
_ASKING_KINDS = {id(cls) for cls in _BOOLS}
_PATHS = sysconfig.get_paths()
_LIBRARY = tuple(os.path.join(_PATHS[name], "") for name in ("stdlib", "platstdlib"))
_SITES = tuple(os.path.join(_PATHS[name], "") for name in ("purelib", "platlib"))
_NUMPY = os.path.join(os.path.dirname(np.__file__), "")
_SCIPY = tuple(os.path.join(site, "scipy", "") for site in (*_SITES, os.path.dirname(_NUMPY[:-1])))


class _Facts(NamedTuple):
    """What depends on code alone, with that of functions in it."""

    asks: str  # where, and by what; "" if it does not
    same: tuple[tuple[str, str, str], ...]  # globals, with an attribute, if these are bools
    types: str  # the same of type()
    protocol: str  # where a method is from which Python takes a bool or an int only
    handles: bool  # whether it has handlers
    kinds: bool  # it asks for classes, by whatever
    names: frozenset[str]  # attributes, globals, and strings that may be names
    imports: tuple[str, ...]
    left_out: bool


_facts: dict[CodeType, _Facts] = {}


def why_bools(f: Callable[..., Any]) -> str:
    """By what the function, or one that it may reach, asks for the identity or the type of a bool, with its
    place; "" if it does not."""
    return Search().asks(f)


def asks_of_kinds(code: CodeType) -> bool:
    """Whether code itself may ask which object something is, or of which class."""
    facts = facts_of(code)
    return bool(facts.asks or facts.same or facts.kinds or facts.protocol)


def gave_a_condition(error: BaseException) -> str:
    """The method that gave a condition where Python takes a bool or an int only, if the error is of that;
    else ""."""
    if not isinstance(error, TypeError) or "Condition" not in str(error):
        return ""
    return next((name for name in _PROTOCOLS if name in str(error)), "")


def insists(error: BaseException) -> str:
    """Where Python has called a method that gave a condition, and takes a bool or an int only, if the error
    is of that; else "". The code that called it counts as asking from now on.
    """
    name, at = gave_a_condition(error), raised_at(error)
    if not name or at is None:
        return ""
    code = at.tb_frame.f_code
    kind = "bool" if name == "__bool__" else "int"
    why = (
        f"{_place(code, at.tb_lineno)} asks for {name}(), which gives what a comparison has given: have it "
        f"return {kind}(...)"
    )
    _facts[code] = facts_of(code)._replace(asks=why)
    return why


class Search:
    """Functions that one reaches, and where a name of theirs may lead."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.new: set[str] = set()  # names that are yet to be looked up
        self.spaces: list[dict[str, Any]] = []  # of modules
        self.classes: list[type] = []
        self.seen: set[int] = set()
        self.bases: set[int] = set()
        self.kept: list[Any] = []  # so that no id is used twice
        self.queue: list[tuple[Any, int]] = []
        self.found = ""  # what asks, with its place
        self.types = self.protocol = ""
        self.handles = self.bools = False

    def asks(self, f: Any) -> str:
        """What asks, with its place; "" if nothing does."""
        self.queue.append((f, 0))
        while (self.queue or self.new) and not self.found:
            if not self.queue:
                self.name()
                continue
            item, depth = self.queue.pop()
            if type(item) in _PLAIN or id(item) in self.seen:
                continue
            self.seen.add(id(item))
            self.kept.append(item)
            if len(self.kept) > _FAR:
                return f"it reaches more than {_FAR} functions and other things, which is too far to look"
            self.look(item, depth)
        return (
            self.found
            or (self.bools and self.types)
            or (self.handles and self.protocol and self.protocol + _CAUGHT)
            or ""
        )

    def look(self, item: Any, depth: int) -> None:
        if self.is_asking(item):
            name = getattr(item, "__name__", item)
            self.found = (
                f"it names {name}, which compares by `is`: call that outside of the function"
            )
        elif id(item) in _ASKING_KINDS:
            self.bools = True
        elif isinstance(item, FunctionType):
            self.function(item)
        elif isinstance(item, ModuleType):
            self.space(vars(item))
        elif isinstance(item, type):
            self.of_class(item)
        elif isinstance(item, MethodType):
            self.add((item.__func__, item.__self__), 0)
        elif isinstance(item, functools.partial):
            self.add((item.func, *item.args, *item.keywords.values()), 0)
        elif isinstance(item, FunctionOf):
            self.add(item.of_values(), 0)
        elif isinstance(item, JacobianOf):
            self.add((item.f,), 0)
        elif isinstance(item, property):
            self.add((item.fget, item.fset, item.fdel), depth)
        elif isinstance(item, staticmethod | classmethod):
            self.add((item.__func__,), depth)
        elif depth < _DEEP:
            self.contents(item, depth + 1)
        else:
            self.of_class(type(item))

    def is_asking(self, item: Any) -> bool:
        """Whether it is something that asks which object a bool is."""
        return id(item) in _ASKING or _writes(item)

    def of_function(self, function: FunctionType) -> None:
        """What the code of a function that was reached asks."""
        facts = facts_of(function.__code__)
        self.found = self.found or why_of(function)
        self.types = self.types or facts.types
        self.protocol = self.protocol or facts.protocol
        self.handles |= facts.handles

    def dispatched(self) -> None:
        """A function is chosen by the class of its argument, of which a condition says the right one."""

    def unknown(self, name: str) -> None:
        """A module is imported that is not there yet: who knows what it will have."""
        self.found = f"it imports {name}, which nobody has imported yet: do so before"

    def add(self, items: Any, depth: int) -> None:
        self.queue += [(item, depth) for item in items if type(item) not in _PLAIN]

    def contents(self, item: Any, depth: int) -> None:
        if isinstance(item, dict | MappingProxyType):
            self.add([*item.keys(), *item.values()][:_FAR], depth)
        elif isinstance(item, list | tuple | set | frozenset):
            self.add(list(item)[:_FAR], depth)
        self.of_class(type(item))
        try:
            own = object.__getattribute__(item, "__dict__")
        except AttributeError:
            return
        self.add(list(own.values())[:_FAR], depth)

    def function(self, function: FunctionType) -> None:
        facts = facts_of(function.__code__)
        self.add([_content(cell) for cell in function.__closure__ or ()], 0)
        self.add(function.__defaults__ or (), 0)
        self.add((function.__kwdefaults__ or {}).values(), 0)
        self.add(function.__dict__.values(), 0)  # what it wraps, what it is dispatched to
        if "registry" in function.__dict__:
            self.dispatched()
        if facts.left_out:
            return
        self.of_function(function)
        for name in facts.imports:
            if (module := sys.modules.get(name)) is None:
                self.unknown(name)
            else:
                self.add((module,), 0)
        self.new |= facts.names - self.names
        self.space(function.__globals__)

    def name(self) -> None:
        """Looks up new names, of many functions at a time, in all places where they may lead."""
        new, self.new = self.new, set()
        self.names |= new
        for space in self.spaces:
            self.add([space[name] for name in space.keys() & new], 0)
        for cls in self.classes:
            own = cls.__dict__
            for name in own.keys() & new:
                self.add(_reached_by(cls, name), 0)

    def space(self, space: dict[str, Any]) -> None:
        if id(space) in self.seen or _is_left_out(str(space.get("__file__") or "")):
            return
        self.seen.add(id(space))
        self.spaces.append(space)
        self.add([space[name] for name in space.keys() & self.names], 0)
        self.add([item for item in list(space.values()) if issubclass(type(item), type)], 0)

    def of_class(self, cls: type) -> None:
        for base in cls.__mro__:
            if id(base) in self.bases:
                continue
            self.bases.add(id(base))
            module = sys.modules.get(original_module(base.__module__))
            if base.__module__ == "builtins" or _is_left_out(getattr(module, "__file__", "") or ""):
                continue
            self.classes.append(base)
            own = base.__dict__
            for name, item in list(own.items()):
                if name in self.names or (name[:2] == "__" and isinstance(item, FunctionType)):
                    self.add(_reached_by(base, name), 0)


def _writes(item: Any) -> bool:
    """Whether it is of the module `json`, whose functions look for True and False by `is`."""
    if isinstance(item, ModuleType):
        return item.__name__ == "json"
    return isinstance(item, FunctionType | type) and item.__module__ in _WRITERS


def _reached_by(cls: type, name: str) -> list[Any]:
    """An attribute of a class; or of a method that dataclasses have written, which compares classes of
    records, and arguments with a default of its own, what it may call: factories of defaults."""
    item = cls.__dict__[name]
    if name not in _GENERATED or not hasattr(cls, "__dataclass_fields__"):  # of a base, if lifted
        return [item]
    written = getattr(item, "__wrapped__", item)
    if not isinstance(written, FunctionType) or written.__code__.co_filename != "<string>":
        return [item]
    if name != "__init__":
        return []
    return [*map(_content, written.__closure__ or ()), *(written.__defaults__ or ())]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return None


@functools.lru_cache(_MOST)
def _is_left_out(filename: str) -> bool:
    """Whether a file is Python's, NumPy's, SciPy's or pygrad's."""
    if is_pygrads(filename) or filename.startswith((_NUMPY, *_SCIPY, "<frozen ")):
        return True
    return filename.startswith(_LIBRARY) and not filename.startswith(_SITES)


def facts_of(code: CodeType) -> _Facts:
    found = _facts.get(code)
    if found is None:
        if len(_facts) > _MOST:
            _facts.clear()
        found = _facts[code] = _looked_at(code)
    return found


def _looked_at(code: CodeType) -> _Facts:
    codes = list(codes_within(code))
    names = {name for each in codes for name in each.co_names}
    strings = {
        s for each in codes for s in each.co_consts if isinstance(s, str) and s.isidentifier()
    }
    matches = any(MATCH_CLASS in each.co_code[::2] for each in codes)
    kinds = matches or not names.isdisjoint(_KINDS) or "__class__" in strings
    asks = types = ""
    if not _SAME.isdisjoint(names | strings):
        asks = f"{_place(code)} may call operator.is_: write `==`"
    same: list[tuple[str, str, str]] = []
    for each in codes:
        for at, name, attribute in _comparisons(each):
            why = f"{_place(each, _line_of(each, at))} compares by `is` what may be True or False: "
            why += "write `c == True`, or `if c`"
            if name:
                same.append((name, attribute, why))
            else:
                asks = why
        if _asks_for_types(each):
            types = f"{_place(each)} asks for type(), and may mean bool: write isinstance()"
    if types and (not NAMES.isdisjoint(names | strings) or _has_other_types(codes)):
        asks = asks or types
    protocol = next(
        (_place(each) for each in codes if each.co_name in _PROTOCOLS and not _gives_bools(each)),
        "",
    )
    imports = tuple({name for each in codes for name in _imports(each)})
    left_out = _is_left_out(code.co_filename)
    handles = any(has_handlers(each) and not _stores_only(each) for each in codes)
    every = frozenset(names | strings)
    return _Facts(asks, tuple(same), types, protocol, handles, kinds, every, imports, left_out)


def _place(code: CodeType, line: int | None = None) -> str:
    """A function, and where it is."""
    name = getattr(code, "co_qualname", code.co_name)
    return f"{name}() at {code.co_filename}:{line or code.co_firstlineno}"


def _line_of(code: CodeType, at: int) -> int | None:
    """The line of an instruction."""
    found = [line for start, line in dis.findlinestarts(code) if start <= at]
    return found[-1] if found else None


def _gives_bools(code: CodeType) -> bool:
    """Whether what a method returns is no condition by its code: `return bool(...)`, `return not ...`."""
    # with what they do to the stack, which only dis says
    steps = [step for step in dis.get_instructions(code) if step.opname not in _IGNORED]
    for at, step in enumerate(steps):
        before = steps[at - 1]
        if step.opname != "RETURN_VALUE" or before.opname in _BOOLEAN:
            continue
        # what is called was loaded where the stack was as high as it is with the result
        depth, first = 1, at - 1
        while first >= 0 and steps[first].opname not in _LEAVING:
            depth -= dis.stack_effect(steps[first].opcode, steps[first].arg, jump=False)
            if depth <= 0:
                break
            first -= 1
        if not before.opname.startswith("CALL") or first < 0 or depth > 0:
            return False
        loaded = [s.argval for s in steps[first : first + 2] if s.opname == "LOAD_GLOBAL"]
        if loaded[:1] not in (["bool"], ["int"], ["len"]):
            return False
    return True


def _stores_only(code: CodeType) -> bool:
    """Whether all handlers of code are those of lifted stores, which let on what they catch."""
    steps = steps_of(code)
    handlers = sum(step.opname in {"PUSH_EXC_INFO", "SETUP_FINALLY"} for step in steps)
    return handlers == sum(step.argval == _STORED for step in steps)


def _asks_for_types(code: CodeType) -> bool:
    """Whether it loads the builtin type(), or all of them."""
    names = code.co_names
    return "builtins" in names or "__builtins__" in names or bool(_loads_of_type(code))


def _loads_of_type(code: CodeType) -> list[int]:
    """Where it loads the builtin type(); an attribute of that name is something else."""
    names, raw = code.co_names, code.co_code
    if "type" not in names:
        return []
    loads = [at for op in _LOADS for at in _places_of(op, raw)]
    shifts = [_SHIFT if raw[at] == _LOADS[0] else 0 for at in loads]
    return [
        at
        for at, shift in zip(loads, shifts, strict=True)
        if names[_argument(raw, at) >> shift] == "type"
    ]


def _has_other_types(codes: list[CodeType]) -> bool:
    """Whether types may be compared with each other, `type(a) == type(b)`, or with that of True."""
    if any(type(constant) is bool for each in codes for constant in each.co_consts):
        return True
    return any(len(_loads_of_type(each)) > 1 and _asks_for_equals(each) for each in codes)


def _asks_for_equals(code: CodeType) -> bool:
    """Whether it has ``==``, ``!=`` or ``in``."""
    return any(
        step.opname == "CONTAINS_OP"
        or (step.opname == "COMPARE_OP" and step.argval in {"==", "!="})
        for step in steps_of(code)
    )


def _imports(code: CodeType) -> Iterator[str]:
    raw = code.co_code
    for at in _places_of(_IMPORT_NAME, raw):
        yield code.co_names[_argument(raw, at)]


def _comparisons(code: CodeType) -> Iterator[tuple[int, str, str]]:
    """Where it has an `is` whose right side is not None, so that one of the two may be a bool; if that side
    is a global, or an attribute of one, their names."""
    raw = code.co_code
    places = list(_places_of(_IS, raw))
    # where jumps lead there are two instructions before
    labels = set(dis.findlabels(raw)) if places else set()  # type: ignore[arg-type]
    for at in places:
        before = _before(raw, at)
        name = attribute = ""
        if raw[before] == _LOAD_CONST and at not in labels:
            if type(code.co_consts[_argument(raw, before)]) is bool:
                yield at, "", ""
            continue
        loads = [at, before]  # what comes after the load of a global
        if raw[before] == _LOAD_ATTR:
            attribute = code.co_names[_argument(raw, before) >> _OF_ATTRIBUTES]
            before = _before(raw, before)
        else:
            loads.pop()
        if raw[before] == _LOADS[0] and labels.isdisjoint(loads):
            name = code.co_names[_argument(raw, before) >> _SHIFT]
        yield at, name, attribute


def _before(raw: bytes, at: int) -> int:
    """Where the instruction before one is."""
    at -= 2
    while at > 0 and raw[at] in _IGNORED_CODES:
        at -= 2
    return at


def why_of(function: FunctionType) -> str:
    """By what the code of a function asks, as `why_bools` of all that it may reach."""
    facts = facts_of(function.__code__)
    if facts.asks:
        return facts.asks
    return next(
        (why for name, attribute, why in facts.same if _is_bool(function, name, attribute)), ""
    )


def _is_bool(function: FunctionType, name: str, attribute: str) -> bool:
    """Whether a global, or an attribute of one, may be True or False."""
    space = function.__globals__
    item = space[name] if name in space else vars(builtins).get(name, True)
    if attribute and isinstance(item, ModuleType):
        item = vars(item).get(attribute, True)
    elif attribute:
        item = item.__members__.get(attribute, True) if isinstance(item, EnumMeta) else True
    return isinstance(item, bool)


# Instructions as they stand in code: to have them described costs a hundred times as much.


def _places_of(op: int, raw: bytes) -> Iterator[int]:
    """Where an instruction is."""
    ops = raw[::2]
    at = ops.find(op)
    while at >= 0:
        yield 2 * at
        at = ops.find(op, at + 1)


def _argument(raw: bytes, at: int) -> int:
    """What an instruction is given, with the upper bytes that stand before it."""
    argument, shift = raw[at + 1], 0
    while at >= 2 and raw[at - 2] == dis.EXTENDED_ARG:
        at, shift = at - 2, shift + 8
        argument |= raw[at + 1] << shift
    return argument
