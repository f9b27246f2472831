"""The table of lifted modules, beside sys.modules and unseen by it, and how they are imported."""

from __future__ import annotations

import builtins
import cmath
import collections
import enum
import functools
import importlib
import importlib.util
import math as standard_math
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from pygrad import math
from pygrad.core.callables import found_by_name
from pygrad.core.implementation import chooser
from pygrad.lifting import dispatching
from pygrad.lifting.arrays import lifted_numpy
from pygrad.lifting.builtin import BUILTINS, MARK, is_callable_as
from pygrad.lifting.errors import LiftError
from pygrad.lifting.kinds import COUNTERPARTS
from pygrad.lifting.rewriting import is_needed, rewritten
from pygrad.lifting.running import RUNNING
from pygrad.lifting.storing import slice_of, stored

STANDARD = frozenset(sys.stdlib_module_names) - {"__main__"}  # Python's own

DOOR = "pygrad.lifted."  # begins the names of lifted modules for pickles

_modules: dict[str, ModuleType] = {}
_asked_for: set[str] = set()  # top-level packages that are lifted whatever else they are
_lifted: dict[str, bool] = {}  # top-level packages that were met, and whether they are lifted
_lock = threading.RLock()


# -- which packages ------------------------------------------------------------------------------


def is_lifted(name: str) -> bool:
    """Whether the package that a module is in is lifted: Python code that is no part of Python itself.

    A package with some compiled modules is, if it can do without them; one with many is not tried.
    """
    top = name.partition(".")[0]
    if top in _asked_for:
        return True
    if top not in _lifted:
        compiled = _compiled_files(top)
        _lifted[top] = compiled == 0
        if 0 < compiled <= _FEW:
            _lifted[top] = True  # for its own imports
            try:
                load(top)
            except LiftError:
                _lifted[top] = False
    return _lifted[top]


_FEW = 3


def _compiled_files(top: str) -> float:
    """How many compiled modules a package has; infinitely many if it is not to be lifted at all."""
    spec = None if top in STANDARD or top in ("pygrad", "numpy") else _find(top, None)
    if spec is None or not hasattr(spec.loader, "get_source"):
        return math.inf
    places = spec.submodule_search_locations or ()
    files = (file for place in places for _, _, files in os.walk(place) for file in files)
    return sum(file.endswith((".so", ".pyd", ".dylib")) for file in files)


def _find(name: str, path: Any) -> ModuleSpec | None:
    """What importing a name would load, without its parents being imported."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path, None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            return spec
    return None


# -- importing -----------------------------------------------------------------------------------


def load(name: str, asked_for: bool = False) -> ModuleType:
    """The lifted module of a name.

    Raises:
        ModuleNotFoundError: there is none.
        LiftError: it is compiled.
    """
    if name == "math":
        return math
    importlib.import_module(name)  # by itself: its lock and this one could wait for each other
    with _lock:
        if asked_for and name != "numpy":
            _asked_for.add(name.partition(".")[0])
        return _loaded(name)


def _loaded(name: str) -> ModuleType:
    if name in _modules:
        return _modules[name]
    if name == "numpy":
        return _modules.setdefault(name, lifted_numpy())
    original = importlib.import_module(name)  # dataclasses, pickle and others look for it
    parent, _, last = name.rpartition(".")
    package = _loaded(parent) if parent else None
    if name in _modules:  # its package has loaded it
        return _modules[name]
    spec = _find(name, getattr(package, "__path__", None) if package else None)
    if spec is None:
        return original  # made by its package, as os.path is
    code = _code(spec)
    if code is None:
        return original
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = _builtins
    vars(module)[MARK] = True
    _modules[name] = module
    if package is not None:
        setattr(package, last, module)  # from now on: modules may import each other in a circle
    try:
        exec(code, vars(module))
    except BaseException:
        _modules.pop(name, None)
        if package is not None and getattr(package, last, None) is module:
            delattr(package, last)
        raise
    module = _modules.get(name, module)
    if package is not None:
        setattr(package, last, module)
    _take_settings(module, original)
    _name_functions(module)
    return module


def _name_functions(module: ModuleType) -> None:
    """Has its functions, and the module itself, pickle by names that lead to the lifted ones."""
    if type(module) is ModuleType:
        module.__class__ = LiftedModule
    for item in vars(module).values():
        if isinstance(item, FunctionType) and item.__module__ == module.__name__:
            item.__module__ = DOOR + module.__name__


class LiftedModule(ModuleType):
    """A module that was lifted."""

    def __reduce__(self) -> Any:
        return load, (self.__name__, True)


def _code(spec: ModuleSpec) -> CodeType | None:
    """A module's code, with calls rewritten where there are any, or None if it was made by code.

    Raises:
        LiftError: it is compiled.
    """
    loader: Any = spec.loader
    source = loader.get_source(spec.name) if hasattr(loader, "get_source") else None
    if source is not None and is_needed(source):
        return compile(rewritten(source), spec.origin or spec.name, "exec", dont_inherit=True)
    code: CodeType | None = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None and spec.origin is None:
        return None
    if code is None:
        raise LiftError(
            f"{spec.name} cannot be lifted: it is compiled ({spec.origin}), and no Value gets through. "
            "Lift what calls it, and state its derivatives: Value(data, children, local_grads)",
            name=spec.name,
            path=spec.origin,
        )
    return code


_SETTINGS = (int, float, complex, str, bytes, bool, type(None), enum.Enum)


def _take_settings(module: ModuleType, original: ModuleType) -> None:
    """Numbers and words that were set in the original since it was imported hold in the lifted one."""
    for name, item in list(vars(original).items()):
        if name.startswith("__") or name not in vars(module):
            continue
        own = vars(module)[name]
        if isinstance(item, _SETTINGS) and isinstance(own, _SETTINGS) and own is not item:
            setattr(module, name, item)


def _import(
    name: str,
    namespace: Mapping[str, Any] | None = None,
    local: Any = None,
    fromlist: Any = (),
    level: int = 0,
) -> ModuleType:
    """What an import statement of lifted code calls."""
    full = name
    if level:
        assert namespace is not None
        full = importlib.util.resolve_name("." * level + name, _package_of(namespace))
    top = full.partition(".")[0]
    if full in _STAND_INS:
        return _STAND_INS[full]
    if full == "numba":
        return dispatching.lifted_numba(builtins.__import__(full))
    if top == "numpy":
        module = builtins.__import__(full, fromlist=fromlist)
        if full == top or not fromlist:
            return load(top)
        return load(top).linalg if full == "numpy.linalg" else module  # type: ignore[no-any-return]
    if not is_lifted(full):
        return builtins.__import__(name, namespace, local, fromlist, level)
    module = load(full)
    if not fromlist:
        return module if level else load(top)
    _load_submodules(module, fromlist)
    return module


def _package_of(namespace: Mapping[str, Any]) -> str:
    spec = namespace.get("__spec__")
    package = namespace.get("__package__")
    return str(package if package is not None else spec.parent if spec is not None else "")


def _load_submodules(module: ModuleType, names: Any) -> None:
    """Those of the names that `from module import names` may mean."""
    if not hasattr(module, "__path__"):
        return
    for item in getattr(module, "__all__", ()) if "*" in names else names:
        if not hasattr(module, item):
            full = f"{module.__name__}.{item}"
            if _find(full, module.__path__) is not None:
                load(full)


# -- what lifted code has in the place of others' ------------------------------------------------


def _like(original: ModuleType, **changes: Any) -> ModuleType:
    """A module as another one, with some names that are others."""
    module = ModuleType(original.__name__, original.__doc__)
    vars(module).update(changes, __getattr__=lambda name: getattr(original, name))
    return module


def _import_module(name: str, package: str | None = None) -> ModuleType:
    full = importlib.util.resolve_name(name, package)
    if full in _STAND_INS:
        return _STAND_INS[full]
    return load(full) if full == "numpy" or is_lifted(full) else importlib.import_module(full)


def _build_class(body: Any, name: str, *bases: Any, **named: Any) -> Any:
    """A class statement. Exceptions and enumerations are the original's: callers name these."""
    made = builtins.__build_class__(body, name, *bases, **named)
    if isinstance(made, type) and issubclass(made, BaseException | enum.Enum):
        original = found_by_name(made.__module__, made.__qualname__)
        if isinstance(original, type) and original.__module__ == made.__module__:
            return original
    return made


_CALLED: tuple[Any, ...] = (*COUNTERPARTS.values(), slice_of, stored)
_builtins = {
    **BUILTINS,
    **RUNNING,
    **{is_callable_as(item): item for item in _CALLED},
    "__import__": _import,
    "__build_class__": _build_class,
}


def _lifted_cmath() -> ModuleType:
    """cmath; what math has, too, gives for a Value what math gives: it is real, or an error."""
    return _like(
        cmath,
        **{
            name: chooser((getattr(math, name), function, name, function.__doc__ or ""))
            for name, function in vars(cmath).items()
            if callable(function) and hasattr(math, name)
        },
    )


_STAND_INS: dict[str, ModuleType] = {
    "math": math,
    "cmath": _lifted_cmath(),
    "functools": _like(functools, **dispatching.CHANGES),
    "sys": _like(sys, modules=collections.ChainMap(_modules, sys.modules)),
    "importlib": _like(importlib, import_module=_import_module),
}


# -- counterparts of things that others have -----------------------------------------------------


def is_own(name: str) -> bool:
    """Whether a module is the user's own code, as a script, a notebook or a test: not imported twice."""
    origin = getattr(sys.modules.get(name), "__file__", None)
    return origin is None or not any(origin.startswith(place) for place in _places())


@functools.cache
def _places() -> tuple[str, ...]:
    """The folders of Python's library and of installed packages."""
    named = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [sysconfig.get_path(name) for name in named]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(os.path.join(place, "") for place in places)


def is_world(module: ModuleType) -> bool:
    """Whether a module is a lifted one."""
    return module is math or _modules.get(module.__name__) is module


def counterpart_of(module: ModuleType) -> ModuleType:
    """The lifted module for one that lifted code names, or the module itself."""
    name = module.__name__
    if name == "math" or (name == "numpy" and sys.modules.get(name) is module):
        return load(name)
    if name == "numpy.linalg" and sys.modules.get(name) is module:
        return load("numpy").linalg  # type: ignore[no-any-return]
    if sys.modules.get(name) is module and is_lifted(name):
        return load(name)
    return module


def standing_for(item: Any) -> Any:
    """What stands for a function of math or numpy, or a builtin; any other thing is its own."""
    if isinstance(item, BuiltinFunctionType) or type(item).__name__ in {
        "ufunc",
        "_ArrayFunctionDispatcher",
    }:
        name = item.__name__
        if getattr(standard_math, name, None) is item:
            return getattr(math, name)
        if item in _REPLACED:
            return _builtins[name]
        if item is getattr(sys.modules.get("numpy"), name, None):
            return getattr(load("numpy"), name)
    return item


_REPLACED = (isinstance, divmod, eval, exec, compile)


def lifted_builtins() -> dict[str, Any]:
    """The builtins of lifted code."""
    return _builtins
