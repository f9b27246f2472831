"""Whether a function gives the same numbers, to the bit, for floats as for Values.

What runs on plain numbers takes a fraction of the time. But `x**2` is a product for a Value and a call of
the C library for a float, a negative float to the power of a half is complex, NumPy has functions of its
own for floats, sets and dicts find floats by number and Values by identity, and `isinstance` tells the two
apart. So all that a function may reach by the names in its
code is looked at, and where anything in it is not known to be the same, it is not.
"""

from __future__ import annotations

import builtins
import dis
import functools
import importlib
import sys
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

from pygrad.arrays.engines import MARK
from pygrad.core.callables import FunctionOf
from pygrad.core.callers import is_pygrads
from pygrad.core.jacobians import JacobianOf
from pygrad.core.reading import codes_within
from pygrad.core.structure import Container, Number, Structure
from pygrad.core.swallowing import has_handlers
from pygrad.programs.identity import asks_of_kinds

_PYGRAD = __name__.partition(".")[0]
_TRANSFORMS, _MATH = ".transform", ".math"  # of pygrad
_FAR = 2000  # things that are looked at for one function
_MOST = 1000  # codes that are remembered

# fmt: off
# Of pygrad.math and of math: what gives a float the bits that it gives a Value, or takes no Values.
# (pygrad.math has floor and the like of a Value as a float, and some whose libraries differ.)
_SAME = frozenset([
    "abs", "absolute", "acos", "acosh", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
    "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "clip", "copysign", "cos",
    "cosh", "degrees",
    "div", "erf", "erfc", "exp", "expm1", "fabs", "fmod", "isclose", "isfinite", "isinf", "isnan", "log",
    "log10", "log1p", "log2", "logaddexp", "maximum", "minimum", "mod", "mul", "neg", "radians", "relu",
    "select", "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "step", "stop_gradient", "sub", "tan",
    "tanh", "where",
])
_WHOLE = frozenset(["comb", "factorial", "gcd", "isqrt", "lcm", "perm"])
_BUILTINS = frozenset([
    "abs", "all", "any", "bool", "classmethod", "divmod", "enumerate", "filter", "int", "iter", "len",
    "list", "map", "max", "min", "next", "object", "print", "property", "range", "reversed", "slice",
    "sorted", "staticmethod", "super", "tuple", "zip",
])
# What tells floats from Values. Names with underscores may lead anywhere, but for those of calls.
_TELLING = frozenset([
    "as_integer_ratio", "conjugate", "fromhex", "fromkeys", "hex", "imag", "is_integer", "real",
    "setdefault",
])
_CALLS = frozenset(["__call__", "__enter__", "__exit__", "__init__", "__name__", "__post_init__"])
_TEXT = frozenset([
    "__format__", "__getstate__", "__reduce__", "__repr__", "__setstate__", "__str__",
])
# fmt: on
# Of sums of floats Python keeps track of what is lost since 3.12.
_SUMS = frozenset(["sum"] if sys.version_info < (3, 12) else [])
_NAMES = {
    "builtins": _BUILTINS | _SUMS,
    _PYGRAD + _MATH: _SAME | _WHOLE,
    "math": _SAME | _WHOLE,
}
_OF_C = {
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
}
_POWER = frozenset(["**", "**="])
_BY_HASH = frozenset([set, frozenset, dict])
_NEVER_NUMBERS = frozenset([str, bytes, type(None)])  # keys that no float is equal to
_NUMBERS_AND_TEXT = (type(None), bool, int, float, str, bytes)


def runs_on_floats(f: Callable[..., Any], arguments: Structure) -> bool:
    """Whether f of floats gives what f of Values gives, for arguments that are arranged like this.

    A transform does where it makes Values of all of them; and so does what is looked at and found to.
    """
    f, covered = _within_transforms(f, arguments)
    return covered or (numbers_only(arguments) and gives_the_same(f))


def _within_transforms(f: Any, arguments: Structure) -> tuple[Callable[..., Any], bool]:
    """The function that transforms are around, and whether each of them makes Values of all arguments."""
    covered = False
    while isinstance(f, FunctionOf) and type(f).__module__ == _PYGRAD + _TRANSFORMS:
        what = getattr(f, "what", f)
        if getattr(what, "sparse", False) or not hasattr(what, "argnums"):
            return f, False
        chosen = {what.argnums} if isinstance(what.argnums, int) else set(what.argnums)
        if not isinstance(arguments, Container) or arguments.is_dict:
            return f, False
        if chosen != set(range(len(arguments.parts))):
            return f, False
        f, covered = f.f, True
    return f, covered


def given_beside(f: Any, arguments: Structure) -> list[bool] | None:
    """Of each number of the arguments whether a derivative is by others, and f is given that one beside
    them; None if f is no derivative by some arguments, or derivatives are within it."""
    if not isinstance(f, FunctionOf) or type(f).__module__ != _PYGRAD + _TRANSFORMS:
        return None
    what = getattr(f, "what", f)
    if (
        isinstance(f.f, FunctionOf)
        or getattr(what, "sparse", False)
        or not hasattr(what, "argnums")
    ):
        return None
    if not isinstance(arguments, Container) or arguments.kind is not tuple:
        return None
    count = len(arguments.parts)
    by = {what.argnums} if isinstance(what.argnums, int) else set(what.argnums)
    by = {i + count if i < 0 else i for i in by}
    return [i not in by for i, part in enumerate(arguments.parts) for _ in range(part.size)]


def numbers_only(structure: Structure) -> bool:
    """Whether there are no arrays in it, of which NumPy makes something else than of Values."""
    if isinstance(structure, Container):
        return all(map(numbers_only, structure.parts))
    return isinstance(structure, Number)


def is_flat(structure: Structure) -> bool:
    """Whether arguments are numbers by position, and nothing else."""
    if not isinstance(structure, Container) or structure.kind is not tuple:
        return False
    return all(type(part) is Number for part in structure.parts)


def gives_the_same(f: Callable[..., Any]) -> bool:
    """Whether f gives floats the bits that it gives Values, by all that it may reach."""
    look = _Look()
    look.add(f)
    return look.finds_nothing()


class _Look:
    """What a function reaches by names."""

    def __init__(self) -> None:
        self.seen: dict[int, Any] = {}  # kept, so that no id is used twice
        self.queue: list[Any] = []
        self.names: set[str] = set()  # that are asked for as attributes
        self.spaces: list[dict[str, Any]] = []  # where they may be found
        self.lazy: list[
            ModuleType
        ] = []  # modules that make some of their names when these are asked for
        self.same = True

    def add(self, item: Any) -> None:
        if type(item) not in _NUMBERS_AND_TEXT and id(item) not in self.seen:
            self.seen[id(item)] = item
            self.queue.append(item)

    def finds_nothing(self) -> bool:
        """Whether all that is reached is the same for both."""
        while self.queue and self.same:
            self.same = len(self.seen) < _FAR and self.look(self.queue.pop())
        return self.same and not any(map(self.may_make, self.lazy))

    def look(self, item: Any) -> bool:
        """Looks at something, and says whether it is known to be the same."""
        if isinstance(item, FunctionType):
            return self.function(item)
        if isinstance(item, MethodType):
            self.add(item.__func__)
            self.add(item.__self__)
            return True
        if isinstance(item, ModuleType):
            return self.module(item)
        if isinstance(item, type):
            return self.of_class(item)
        if isinstance(item, BuiltinFunctionType):
            return item.__name__ in _NAMES.get(item.__module__ or "", ())
        if isinstance(item, functools.partial):
            for part in (item.func, *item.args, *item.keywords.values()):
                self.add(part)
            return type(item) is functools.partial
        if isinstance(item, staticmethod | classmethod):
            self.add(item.__func__)
            return True
        if isinstance(item, property):
            for part in (item.fget, item.fset, item.fdel):
                self.add(part)
            return type(item) is property
        return self.thing(item)

    def function(self, f: FunctionType) -> bool:
        if is_pygrads(f.__code__.co_filename):
            return f.__name__ in _NAMES.get(f.__module__, ())
        if MARK in f.__globals__ or hasattr(f, "__wrapped__"):
            return False
        found = _facts_of(f.__code__)
        if found is None:
            return False
        names = set(found.attributes)
        for name, attribute in found.names:
            if name not in f.__globals__ and not hasattr(builtins, name):
                return False
            item = f.__globals__[name] if name in f.__globals__ else getattr(builtins, name)
            if attribute is not None and isinstance(item, ModuleType):
                item = vars(item).get(attribute)
            else:
                names |= {attribute} if attribute is not None else set()
            if item is importlib.import_module:
                names_of = {called for *what, called in found.calls if what == [name, attribute]}
                if not all(map(self.imported, names_of)):
                    return False
            else:
                self.add(item)
        for module, parts in found.imports:
            if not self.imported(module) or not all(self.part(module, name) for name in parts):
                return False
        for cell in f.__closure__ or ():
            try:
                self.add(cell.cell_contents)
            except ValueError:
                return False
        for item in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            self.add(item)
        return self.attributes(frozenset(names))

    def attributes(self, names: frozenset[str]) -> bool:
        new = names - self.names
        self.names |= new
        for space in self.spaces:
            for name in new & space.keys():
                self.add(space[name])
        return True

    def imported(self, name: str | None) -> bool:
        """What an import gives that is done already: the module of that name, or the package it is in."""
        if name is None or name not in sys.modules:
            return False
        self.add(sys.modules[name])
        self.add(sys.modules.get(name.partition(".")[0]))
        return True

    def part(self, module: str, name: str) -> bool:
        """What `from module import name` gives."""
        space = vars(sys.modules[module])
        found = space[name] if name in space else sys.modules.get(f"{module}.{name}")
        self.add(found)
        return found is not None

    def module(self, module: ModuleType) -> bool:
        space = vars(module)
        if "__getattr__" in space:
            self.lazy.append(module)
        return self.space(space)

    def may_make(self, module: ModuleType) -> bool:
        """Whether a name that is asked for may be one that such a module makes."""
        space = vars(module)
        return "__dir__" not in space or not self.names.isdisjoint(set(dir(module)) - space.keys())

    def space(self, space: dict[str, Any]) -> bool:
        """Where names lead: of a module, a class or an object."""
        self.spaces.append(space)
        for name in self.names & space.keys():
            self.add(space[name])
        return True

    def of_class(self, cls: type) -> bool:
        if cls.__module__ == "builtins":
            return issubclass(cls, BaseException) or cls.__name__ in _NAMES["builtins"]
        if is_pygrads(getattr(sys.modules.get(cls.__module__), "__file__", None) or ""):
            return False
        if type(cls) is not type:
            return False
        for base in cls.__mro__[:-1]:
            if base.__module__ == "builtins":
                return False
            own = vars(base)
            if not _OF_C.isdisjoint(map(type, own.values())):
                return False
            self.space(dict(own))
            for name, item in own.items():
                if name[:2] == "__" and name not in _TEXT and isinstance(item, FunctionType):
                    self.add(item)
        return True

    def thing(self, item: Any) -> bool:
        """A container or an object: all that it has is reached."""
        kind = type(item)
        if kind in _BY_HASH and not (item and {type(key) for key in item} <= _NEVER_NUMBERS):
            return False  # there are numbers in it, or may be once it is filled
        if kind in {list, tuple, set, frozenset, dict}:
            for part in item.values() if kind is dict else item:
                self.add(part)
            return True
        if type(item) is range:
            return True
        own = getattr(item, "__dict__", None)
        if isinstance(item, FunctionOf | JacobianOf) or type(own) is not dict:
            return False
        self.add(type(item))
        return self.space(own)


class _Facts(NamedTuple):
    """What code asks for by name, with that of functions in it."""

    names: frozenset[tuple[str, str | None]]  # globals, and what of them is asked for at once
    attributes: frozenset[str]  # of anything else
    # Names, and the text they are called with, if any
    calls: frozenset[tuple[str, str | None, str | None]]
    imports: frozenset[tuple[str, tuple[str, ...]]]  # modules, and what is imported from them


_known: dict[CodeType, _Facts | None] = {}


def _facts_of(code: CodeType) -> _Facts | None:
    """What is known of code; None if it may tell floats from Values."""
    if code not in _known:
        if len(_known) > _MOST:
            _known.clear()
        _known[code] = _facts(code)
    return _known[code]


_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME"}
_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"}
_REFUSED = {
    "STORE_GLOBAL",
    "DELETE_GLOBAL",
    "BINARY_POWER",
    "BUILD_SET",
    "INPLACE_POWER",
    "MATCH_CLASS",
    "MAP_ADD",
    "SET_ADD",
    "GET_AWAITABLE",
    "LOAD_BUILD_CLASS",
    "LOAD_CLASSDEREF",
    "LOAD_FROM_DICT_OR_DEREF",
    "LOAD_FROM_DICT_OR_GLOBALS",
}


_CALL = {"CALL", "CALL_FUNCTION", "CALL_METHOD"}
_NOTHING_DONE = {"CACHE", "EXTENDED_ARG", "PRECALL", "PUSH_NULL"}


def _called_with(steps: list[dis.Instruction]) -> str | None:
    """The text that a function is called with by these steps, if that is all that they do with it."""
    first, second, *_ = [s for s in steps[:6] if s.opname not in _NOTHING_DONE] + 2 * steps[-1:]
    return (
        str(first.argval)
        if _is_text(first) and second.opname in _CALL and second.arg == 1
        else None
    )


def _imports(steps: list[dis.Instruction]) -> tuple[str, tuple[str, ...]] | None:
    """The module that the last of these steps imports, and what from it; None if it is a relative one."""
    level, parts, step = [s for s in steps if s.opname not in _NOTHING_DONE][-3:]
    return (str(step.argval), tuple(parts.argval or ())) if level.argval == 0 else None


def _is_text(step: dis.Instruction) -> bool:
    return step.opname == "LOAD_CONST" and isinstance(step.argval, str)


def _has_text_for_keys(steps: list[dis.Instruction], count: int) -> bool:
    """Whether a dict of so many items, made after these steps, has texts in the code for its keys."""
    missing = 2 * count  # keys and items that lie further below
    depth = 0
    for step in reversed(steps):
        if missing == 0:
            break
        depth += dis.stack_effect(
            step.opcode, step.arg if step.opcode >= dis.HAVE_ARGUMENT else None
        )
        if depth == 2 * count - missing + 1:
            missing -= 1
            if missing % 2 == 0 and not _is_text(step):
                return False
    return missing == 0


def _facts(code: CodeType) -> _Facts | None:
    names: set[tuple[str, str | None]] = set()
    attributes: set[str] = set()
    calls: set[tuple[str, str | None, str | None]] = set()
    imports: set[tuple[str, tuple[str, ...]]] = set()
    dicts = other_keys = False  # whether dicts are made, and filled by what may be a number
    for each in codes_within(code):
        if has_handlers(each) or asks_of_kinds(each):
            return None
        if not {complex, frozenset}.isdisjoint(map(type, each.co_consts)):
            return None
        before: str | None = None  # a global that the last step has found
        steps = [*dis.get_instructions(each)]
        for i, step in enumerate(steps):
            if step.opname in _REFUSED or (step.opname == "BINARY_OP" and step.argrepr in _POWER):
                return None
            if step.opname == "EXTENDED_ARG":
                continue
            if step.opname == "BUILD_MAP":
                dicts = True
                if not _has_text_for_keys(steps[:i], step.arg or 0):
                    return None
            other_keys |= step.opname == "STORE_SUBSCR" and not _is_text(steps[i - 1])
            if step.opname == "IMPORT_NAME":
                imported = _imports(steps[: i + 1])
                if imported is None:
                    return None
                imports.add(imported)
            if step.opname in _ATTRIBUTE and before is not None:
                names.add((before, str(step.argval)))
                calls.add((before, str(step.argval), _called_with(steps[i + 1 :])))
            elif before is not None:
                names.add((before, None))
                calls.add((before, None, _called_with(steps[i:])))
            elif step.opname in _ATTRIBUTE:
                attributes.add(str(step.argval))
            before = str(step.argval) if step.opname in _GLOBAL else None
    if dicts and other_keys:
        return None
    asked = attributes | {attribute for _, attribute in names if attribute is not None}
    if asked & _TELLING or any(name[:2] == "__" for name in asked - _CALLS):
        return None
    return _Facts(frozenset(names), frozenset(attributes), frozenset(calls), frozenset(imports))
