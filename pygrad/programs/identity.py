"""Whether code asks which object or of which class a bool is, which nothing that stands for one can answer.

>>> asks_for_bools(lambda x: (x > 0) is True), asks_for_bools(lambda x: x > 0)
(True, False)

Bools in the place of conditions cost speed, never a number. So what is in doubt counts as asking.
"""

from __future__ import annotations

import dis
import functools
import numbers
import operator
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.callables import FunctionOf, original_module
from pygrad.core.callers import is_pygrads
from pygrad.core.implementation import Value
from pygrad.core.jacobians import JacobianOf
from pygrad.core.reading import codes_within

_MOST = 10_000  # codes that are remembered
_FAR = 1000  # functions and other things that are looked at for one
_DEEP = 2  # levels of containers and objects
_IGNORED = {"CACHE", "EXTENDED_ARG", "NOP"}
_IGNORED_CODES = {dis.opmap[name] for name in _IGNORED & dis.opmap.keys()}
_IS, _LOAD_CONST = dis.opmap["IS_OP"], dis.opmap["LOAD_CONST"]
_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
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

    asks: bool
    kinds: bool  # it asks for classes
    names: frozenset[str]  # attributes, globals, and strings that may be names
    imports: tuple[str, ...]
    left_out: bool


_facts: dict[CodeType, _Facts] = {}


def asks_for_bools(f: Callable[..., Any]) -> bool:
    """Whether the function, or one that it may reach, asks for the identity or the class of a bool."""
    return Search().asks(f)


def asks_of_kinds(code: CodeType) -> bool:
    """Whether code itself may ask which object something is, or of which class."""
    facts = facts_of(code)
    return facts.asks or facts.kinds


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
        self.found = self.kinds = self.bools = False

    def asks(self, f: Any) -> bool:
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
                return True
            self.look(item, depth)
        return self.found or (self.kinds and self.bools)

    def look(self, item: Any, depth: int) -> None:
        if self.is_asking(item):
            self.found = True
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

    def of_code(self, code: CodeType) -> None:
        """What code that was reached asks."""
        facts = facts_of(code)
        self.found |= facts.asks
        self.kinds |= facts.kinds

    def unknown(self) -> None:
        """A module is imported that is not there yet: who knows what it will have."""
        self.found = True

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
            self.kinds = True
        if facts.left_out:
            return
        self.of_code(function.__code__)
        for name in facts.imports:
            if (module := sys.modules.get(name)) is None:
                self.unknown()
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
                self.add(_reached_by(own, name), 0)

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
                    self.add(_reached_by(own, name), 0)


def _writes(item: Any) -> bool:
    """Whether it is of the module `json`, whose functions look for True and False by `is`."""
    if isinstance(item, ModuleType):
        return item.__name__ == "json"
    return isinstance(item, FunctionType | type) and item.__module__ in _WRITERS


def _reached_by(own: Any, name: str) -> list[Any]:
    """An attribute of a class; or of a method that dataclasses have written, which compares classes of
    records, and arguments with a default of its own, what it may call: factories of defaults."""
    item = own[name]
    if name not in _GENERATED or "__dataclass_fields__" not in own:
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
    asks = (
        not _SAME.isdisjoint(names | strings)
        or (kinds and not NAMES.isdisjoint(names))
        or any(each.co_name in _PROTOCOLS or _compares(each) for each in codes)
    )
    imports = tuple({name for each in codes for name in _imports(each)})
    return _Facts(asks, kinds, frozenset(names | strings), imports, _is_left_out(code.co_filename))


def steps_of(code: CodeType) -> list[dis.Instruction]:
    """Its instructions, but for those that do nothing."""
    return [step for step in dis.get_instructions(code) if step.opname not in _IGNORED]


def _imports(code: CodeType) -> Iterator[str]:
    raw = code.co_code
    for at in _places_of(_IMPORT_NAME, raw):
        yield code.co_names[_argument(raw, at)]


def _compares(code: CodeType) -> bool:
    """Whether it has an `is` whose right side is not None: one of the two may be a bool."""
    raw = code.co_code
    places = list(_places_of(_IS, raw))
    for at in places:
        before = at - 2
        while before >= 0 and raw[before] in _IGNORED_CODES:
            before -= 2
        if before < 0 or raw[before] != _LOAD_CONST:
            return True
        if code.co_consts[_argument(raw, before)] is not None:
            return True
    # where jumps lead there are two instructions before
    return bool(places) and not set(dis.findlabels(raw)).isdisjoint(places)  # type: ignore[arg-type]


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
