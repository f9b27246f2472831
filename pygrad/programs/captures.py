"""What a function reads from elsewhere, and whether it is still what it was when it was traced.

A program holds for the numbers, functions and other things that the function found under its names: in the
cells of its closure, among its defaults and the globals that its code names, and as attributes of modules
and objects that it reaches by these names, methods included. The same goes for the functions that it
reaches so, unless they are Python's or another package's. An object under a name may be the argument of any
of them: what they read of arguments is looked at in all that have it. Each call compares them, by identity,
and numbers by their bits (csrc/python/captures.c).

Contents of arrays, lists and dicts are not looked at, nor what code computes the name of.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import sys
import sysconfig
import threading
import warnings
import weakref
from collections.abc import Callable
from numbers import Number
from types import (
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from pygrad import _native
from pygrad.core.callables import FunctionOf, original_module
from pygrad.core.callers import is_pygrads, users_depth
from pygrad.core.classes import NOTHING, in_class
from pygrad.core.distinction import distinction
from pygrad.core.implementation import Value
from pygrad.core.reading import Read, names_read
from pygrad.programs.table import MOST

_MOST = 1000  # places that are looked at for one function
_MOST_ITEMS = 64  # of a list that is searched for functions
_DEEPEST = 4  # tuples in one another that are compared
_MOST_OBJECTS = 200  # that functions may give each other as arguments
_MANY = (list, tuple, dict, set, frozenset)
_PLAIN = (int, float, complex, str, bytes, type(None), Number, np.generic)
_PLAINEST = frozenset({bool, *_PLAIN[:-2]})  # which need no look at what they are derived from
# What Number would take long to say no to, the first time; a first call meets all of these.
_NO_NUMBERS = frozenset(
    {CodeType, FunctionType, MethodType, ModuleType, type, type(NOTHING), *_MANY}
)
_NO_OBJECTS = (ModuleType, FunctionType, MethodType, FunctionOf, type(NOTHING), *_MANY)
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_OPERATORS = (  # what an object may be asked for without a name
    *[f"__{side}{name}__" for name in _ARITHMETIC for side in ("", "r")],
    *[
        f"__{name}__"
        for name in ("neg", "abs", "lt", "le", "gt", "ge", "bool", "len", "iter", "getitem")
    ],
)
_BUILTINS = vars(builtins)
_LIBRARIES = (
    "<frozen ",
    *{
        os.path.join(path, "")
        for name, path in sysconfig.get_paths().items()
        if name in {"stdlib", "platstdlib", "purelib", "platlib"}
    },
)


class Captures:
    """What one function reads from elsewhere, at one time.

    places: for C, three items each: a dict, a cell, or an object or weak reference to it; the name there,
    None for a cell and for the code of a function; and what is there, or a weak reference to it. names:
    what users call the places.
    """

    __slots__ = ("names", "places")

    def __init__(self, f: Any, arguments: dict[Any, Any] | None = None) -> None:
        """arguments: objects that are given to f, by position or name, whose attributes it may read."""
        search = _Search(f, arguments or {})
        self.places: tuple[Any, ...] = tuple(search.places)
        self.names = search.names

    def hold(self) -> bool:
        """Whether all is as it was; equal numbers that C does not compare are noted as they are now."""
        places = self.places
        if _native.holds(places):
            return True
        renewed = list(places)
        for i in range(0, len(places), 3):
            where, name, before = places[i : i + 3]
            found = _content(where, name)
            if found is before or (type(before) is weakref.ref and before() is found):
                continue
            if not _alike(found, before):
                return False
            renewed[i + 2] = found
        self.places = tuple(renewed)
        return True

    def are_gone(self) -> bool:
        """Whether they can never hold again: something that they name is no more."""
        return any(type(x) is weakref.ref and x() is None for x in self.places)

    def changed_from(self, other: Captures) -> list[str]:
        """Names of what differs, as far as both have it."""
        known = {
            (id(other.places[3 * i]), other.places[3 * i + 1]): other.places[3 * i + 2]
            for i in range(len(other.names))
        }
        found = []
        for i, called in enumerate(self.names):
            where, name, now = self.places[3 * i : 3 * i + 3]
            if not _alike(now, known.get((id(where), name), now)) and called:
                found.append(called)
        return found


def _content(where: Any, name: str | None) -> Any:
    if name is None:
        return _native.content_of(where)
    if isinstance(where, dict):
        return where.get(name, NOTHING)
    of = where() if type(where) is weakref.ref else where
    found = getattr(of, name, NOTHING)
    if isinstance(found, MethodType) and getattr(of, name, NOTHING) is not found:
        return found.__func__  # it is bound anew at each look
    return found


def _alike(a: Any, b: Any) -> bool:
    if a is b:
        return True
    return type(a) is type(b) and _is_plain(a) and bool(distinction(a) == distinction(b))


def _is_plain(x: Any, depth: int = 0) -> bool:
    """Whether x is all that it will ever be, and cheap to compare: numbers, strings, tuples of them."""
    if type(x) in _PLAINEST:
        return True
    if not isinstance(x, (tuple, frozenset)):
        return _is_atom(x) and not isinstance(x, Value)
    if depth == _DEEPEST or len(x) > _MOST_ITEMS:
        return False
    for item in x:  # noqa: SIM110  # it is on everybody's way
        if type(item) not in _PLAINEST and not _is_plain(item, depth + 1):
            return False
    return True


def _is_atom(x: Any) -> bool:
    """Whether x is a number, a text or nothing."""
    kind = type(x)
    return kind in _PLAINEST or (kind not in _NO_NUMBERS and isinstance(x, _PLAIN))


# -- what there is for each state of what is captured ------------------------------------------------


class _Made(Protocol):
    captures: Captures
    variants: Any

    @property
    def is_of_use(self) -> bool: ...


_Kind = TypeVar("_Kind", bound=_Made)


class Variants(Generic[_Kind]):
    """What was made for each state of what a function captures: the latest first, and never very many."""

    def __init__(self, name: str, make: Callable[[], _Kind]) -> None:
        """name: of the function, for a warning if very many were made."""
        self.name, self.make = name, make
        self._all: list[_Kind] = []
        self._made = 0
        self._lock = threading.RLock()  # a collection may lead here again

    def find(self) -> _Kind:
        """The one for what is captured now."""
        with self._lock:
            kept = [one for one in self._all if not one.captures.are_gone()]
            found = next((one for one in kept if one.captures.hold()), None)
            warn = found is None and self._made >= MOST
            if found is None:
                found = self.make()
                found.variants = self
                self._made += 1
                kept = [one for one in kept if one.is_of_use]
            before = self._all[0] if self._all else found
            self._all = [found, *(one for one in kept if one is not found)][:MOST]
        if warn:
            self._warn(found.captures.changed_from(before.captures))
        return found

    def _warn(self, names: list[str]) -> None:
        what = ", ".join(names[:3]) or "what it reads from elsewhere"
        warnings.warn(
            f"{self.name}() is traced again, as so often, because of a change of {what}. Give it as an "
            "argument, or as a Value, which is read anew at each call",
            RuntimeWarning,
            stacklevel=users_depth(),
        )


# -- what a function reaches by names --------------------------------------------------------------


class _Search:
    """From a function on, all places that it reads by name, and functions that it finds there."""

    def __init__(self, f: Any, arguments: dict[Any, Any]) -> None:
        self.places: list[Any] = []
        self.names: list[str] = []
        self.met: set[Any] = set()
        self.kept: list[Any] = []  # whose id is among those met
        self.root: str | None = ""  # the module that f is of
        self.queue: list[tuple[FunctionType, dict[str, Any], bool]] = []
        self.quiet = False  # attributes are not looked at: those of items of lists, there are many
        # Objects that a function may give to another, and attributes that functions read of arguments.
        self.objects: list[Any] = []
        self.wanted: list[tuple[str, ...]] = []
        self._found(f)
        if self.queue:
            function, known, quiet = self.queue[0]
            self.root = function.__module__
            if arguments:
                known = {**_by_name(function, arguments, len(known)), **known}
                self.queue[0] = function, known, quiet
        for function, known, quiet in self.queue:  # which grows
            self.quiet = quiet
            if self._is_users(function.__code__.co_filename, function.__module__):
                self._read(function, known)

    def _is_users(self, filename: str, module: str | None) -> bool:
        """Whether code is to be looked at: no library's, unless f itself is of it."""
        if is_pygrads(filename):
            return False
        return not _is_librarys(filename) or _package_of(module) == _package_of(self.root)

    def _is_first(self, *key: Any) -> bool:
        if key in self.met:
            return False
        self.met.add(key)
        return True

    def _watch(self, where: Any, name: str | None, found: Any, called: str) -> bool:
        """Notes a place; whether what is there is plain."""
        plain = _is_plain(found)
        if len(self.names) < _MOST and self._is_first(id(where), name):
            self.kept.append(where)
            if not isinstance(where, (dict, CellType)):
                where = _weakly(where)
            self.places += (where, name, found if plain else _weakly(found))
            self.names.append(called)
        return plain

    # -- functions

    def _found(self, x: Any, depth: int = 0) -> None:
        """Something that the function may call."""
        while isinstance(x, FunctionOf):
            x = x.f
        if isinstance(x, FunctionType):
            self._add(x, None)
        elif isinstance(x, MethodType):
            self._add(x.__func__, x.__self__)
        elif isinstance(x, functools.partial):
            for part in (x.func, *x.args, *x.keywords.values()):
                self._found(part, depth)
                self._offer(part)
        elif isinstance(x, (staticmethod, classmethod)):
            self._found(x.__func__, depth)
        elif isinstance(x, property):
            self._found(x.fget, depth)
        elif isinstance(x, type):
            self._found(in_class(x, "__init__"), depth)
        elif isinstance(x, (list, tuple, dict)):
            items = list(x.values()) if isinstance(x, dict) else list(x)
            for item in items[:_MOST_ITEMS] if depth < 2 else ():
                if callable(item) or isinstance(item, (list, tuple, dict)):
                    quiet, self.quiet = self.quiet, True
                    self._found(item, depth + 1)
                    self.quiet = quiet
        elif not (_is_atom(x) or isinstance(x, ModuleType)):
            call = in_class(type(x), "__call__")
            if isinstance(call, (FunctionType, FunctionOf)):
                self._watch_function(type(x), "__call__", call, f"{type(x).__name__}.__call__")
                self._add(call, x)
            elif callable(x):  # functools.lru_cache, say
                wrapped = getattr(x, "__wrapped__", None)
                if wrapped is not None and self._is_first("wrapped", id(x)):
                    self.kept.append(x)
                    self._found(wrapped, depth)

    def _add(self, function: Any, first: Any) -> None:
        while isinstance(function, FunctionOf):
            function = function.f
        if not isinstance(function, FunctionType):
            self._found(function)
        elif hasattr(function, "__wrapped__") and is_pygrads(function.__code__.co_filename):
            self._found(function.__wrapped__)  # of lift(): what was lifted
        elif len(self.queue) < _MOST and self._is_first("function", id(function), id(first)):
            self.kept += (function, first)
            known = {} if first is None else _by_name(function, {0: first}, 0)
            self.queue.append((function, known, self.quiet))

    def _read(self, f: FunctionType, known: dict[str, Any]) -> None:
        """All that one function reads; known are arguments of it, by name."""
        for argument in known.values():
            self._offer(argument)
        free, closure = f.__code__.co_freevars, f.__closure__
        cells = dict(zip(free, closure, strict=True)) if closure else {}
        for read in names_read(f.__code__):
            try:
                self._look_up(f, known, read, cells)
            except Exception:  # a proxy, say, that stands for nothing now
                continue
        self._read_defaults(f)
        self._read_code(f)

    def _look_up(
        self, f: FunctionType, known: dict[str, Any], read: Read, cells: dict[str, Any]
    ) -> None:
        kind, name, attributes = read
        found: Any = NOTHING
        if kind == "argument":
            found = known.get(name, NOTHING)
            if found is NOTHING:
                self._want(attributes)
        elif kind == "global":
            # of lifted code: the module's
            variables = getattr(f.__globals__, "original", f.__globals__)
            found = variables.get(name, NOTHING)
            if found is NOTHING and name in _BUILTINS:
                return
            if not (isinstance(found, ModuleType) and self._is_library(found)):
                plain = self._watch(variables, name, found, name)
                if plain and not attributes:
                    return  # it leads no further
        elif kind == "cell" and name in cells:
            found = _native.content_of(cells[name])
            self._watch(cells[name], None, found, name)
        elif kind == "module":
            found = sys.modules.get(name, NOTHING)
        elif kind == "super":
            of = known.get((*f.__code__.co_varnames, "")[0], NOTHING)
            self._follow_super(_native.content_of(cells["__class__"]), of, attributes)
        elif kind == "inner":
            self._want(attributes)
        if found is not NOTHING:
            self._follow(found, name, attributes)

    def _follow_super(self, kind: type, of: Any, attributes: tuple[str, ...]) -> None:
        """A method that super() finds in a class after this one."""
        mro = (of if isinstance(of, type) else type(of)).__mro__
        for base in mro[mro.index(kind) + 1 :] if attributes and kind in mro else ():
            if attributes[0] in vars(base):
                method = vars(base)[attributes[0]]
                self._watch_function(base, attributes[0], method, f"super().{attributes[0]}")
                self._add(method, of)
                break

    def _read_code(self, f: FunctionType) -> None:
        """IPython's autoreload gives functions other code, and leaves them what they are."""
        self._watch(f, None, f.__code__, f"the code of {f.__name__}()")

    def _read_defaults(self, f: FunctionType) -> None:
        if f.__defaults__ is not None:
            self._watch(f, "__defaults__", f.__defaults__, f"a default of {f.__name__}()")
            for default in f.__defaults__:
                self._reach(default)
        if f.__kwdefaults__ is not None:
            self._watch(f, "__kwdefaults__", f.__kwdefaults__, f"a default of {f.__name__}()")
            for name, default in f.__kwdefaults__.items():
                self._watch(f.__kwdefaults__, name, default, name)
                self._reach(default)

    # -- attributes

    def _follow(self, found: Any, called: str, attributes: tuple[str, ...]) -> None:
        """The attributes that are asked for of what was found under a name."""
        for name in attributes:
            called = f"{called}.{name}"
            if isinstance(found, ModuleType):
                if self._is_library(found):
                    return
                of, found = found, vars(found).get(name, NOTHING)
                if found is NOTHING and hasattr(of, "__getattr__"):
                    return
                self._watch(vars(of), name, found, called)
            elif isinstance(found, type):
                found = self._of_class(found, name, called)
            elif _is_atom(found) or isinstance(found, (FunctionOf, FunctionType, type(NOTHING))):
                return
            else:
                found = self._of_instance(found, name, called)
        self._reach(found)

    def _reach(self, x: Any) -> None:
        """What a name leads to: something that the function may call, or hand on."""
        if type(x) is FunctionType:
            self._add(x, None)
        elif not (x is NOTHING or type(x) is ModuleType):
            self._found(x)
            self._offer(x)

    def _offer(self, x: Any) -> None:
        """An object under a name, or at its end: it may be another function's argument."""
        if self.quiet or _is_atom(x) or isinstance(x, _NO_OBJECTS):
            return
        few = len(self.objects) < _MOST_OBJECTS
        if few and self._is_first("object", id(x)):
            self.kept.append(x)
            self.objects.append(x)
            for name in _OPERATORS:
                operator = in_class(type(x), name)
                if isinstance(operator, FunctionType):
                    self._add(operator, x)
            for attributes in tuple(self.wanted):
                self._match(x, attributes)

    def _want(self, attributes: tuple[str, ...]) -> None:
        """Attributes of an argument that may be any of these objects."""
        few = attributes and len(self.wanted) < _MOST_OBJECTS
        if few and self._is_first("wanted", attributes):
            self.wanted.append(attributes)
            for x in tuple(self.objects):
                self._match(x, attributes)

    def _match(self, x: Any, attributes: tuple[str, ...]) -> None:
        kind = x if isinstance(x, type) else type(x)
        if in_class(kind, attributes[0]) is NOTHING and attributes[0] not in _own(x):
            return
        quiet, self.quiet = self.quiet, False
        with contextlib.suppress(Exception):  # see _read
            self._follow(x, kind.__name__, attributes)
        self.quiet = quiet

    def _watch_function(self, kind: type, name: str, raw: Any, called: str) -> None:
        """What a class has for a method or a property, of users' code."""
        expected = raw if isinstance(raw, property) else _function_in(raw)
        if _content(kind, name) is expected and not self.quiet and self._is_users_function(raw):
            self._watch(kind, name, expected, called)

    def _is_users_function(self, raw: Any) -> bool:
        function = _function_in(raw)
        while isinstance(function, FunctionOf):
            function = function.f
        code = getattr(function, "__code__", None)
        return code is not None and self._is_users(code.co_filename, function.__module__)

    def _of_class(self, of: type, name: str, called: str) -> Any:
        raw = in_class(of, name)
        if type(of).__getattribute__ is not type.__getattribute__:
            return NOTHING
        if raw is NOTHING:
            if not hasattr(type(of), "__getattr__") and not hasattr(of, name):
                self._watch(of, name, NOTHING, called)
            return NOTHING
        if isinstance(raw, (FunctionType, FunctionOf, staticmethod, classmethod, property)):
            self._watch_function(of, name, raw, called)
            return raw
        if hasattr(type(raw), "__get__"):
            return NOTHING
        self._watch(of, name, raw, called)
        return raw

    def _of_instance(self, of: Any, name: str, called: str) -> Any:
        kind = type(of)
        if name == "__class__":
            return kind
        if not isinstance(kind.__getattribute__, WrapperDescriptorType):
            return NOTHING  # Python code of its class says what it has
        raw = in_class(kind, name)
        if isinstance(raw, (FunctionType, FunctionOf, staticmethod, classmethod)):
            return self._of_method(of, name, raw, called)
        if isinstance(raw, property):
            if raw.fget is not None:
                self._watch_function(kind, name, raw, called)
                self._add(raw.fget, of)
            return NOTHING
        if hasattr(type(raw), "__get__") and not isinstance(raw, MemberDescriptorType):
            return NOTHING
        try:
            found = object.__getattribute__(of, name)
        except AttributeError:
            found = NOTHING
            if hasattr(kind, "__getattr__"):
                return NOTHING
        if getattr(of, name, NOTHING) is not found:
            return NOTHING
        if not self.quiet:
            self._watch(of, name, found, called)
        return found

    def _of_method(self, of: Any, name: str, raw: Any, called: str) -> Any:
        """A method of an object, if none of its own stands in its place."""
        found, is_own = _content(of, name), name in _own(of)
        if not self.quiet and (
            is_own or (found is _function_in(raw) and self._is_users_function(raw))
        ):
            self._watch(of, name, found, called)
        if is_own or isinstance(raw, (staticmethod, classmethod)):
            return found if is_own else raw
        self._add(raw, of)
        return NOTHING

    def _is_library(self, module: ModuleType) -> bool:
        name, file = module.__name__, getattr(module, "__file__", None)
        if file is None:
            return name in sys.builtin_module_names
        return not self._is_users(file, name)


def _package_of(module: str | None) -> str:
    return original_module(module).partition(".")[0]


def _by_name(f: FunctionType, arguments: dict[Any, Any], bound: int) -> dict[str, Any]:
    """Arguments by the names that a function has for them, after so many that are bound already."""
    names = f.__code__.co_varnames[: f.__code__.co_argcount]
    found = {}
    for place, argument in arguments.items():
        if isinstance(place, str):
            found[place] = argument
        elif place + bound < len(names):
            found[names[place + bound]] = argument
    return found


def _function_in(raw: Any) -> Any:
    """The function of a property or a method as a class has it."""
    if isinstance(raw, property):
        return raw.fget
    return raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw


def _own(x: Any) -> Any:
    """Attributes of an object itself."""
    return getattr(x, "__dict__", ())


@functools.lru_cache(maxsize=10_000)
def _is_librarys(filename: str) -> bool:
    """Whether a file of code is Python's own, or of a package that was installed."""
    return (
        filename.startswith(_LIBRARIES)
        or "site-packages" in filename
        or "dist-packages" in filename
    )


def _weakly(x: Any) -> Any:
    """A weak reference, so that what was captured lives no longer for it; x itself where there are none."""
    try:
        return x if type(x) is weakref.ref else weakref.ref(x)
    except TypeError:
        return x
