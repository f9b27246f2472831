"""The table of lifted modules, beside sys.modules and unseen by it, and how they are imported."""

from __future__ import annotations

import bisect
import builtins
import enum
import functools
import importlib
import importlib.util
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from math import inf
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pygrad.core.callables import LIFTED, found_by_name
from pygrad.lifting import averages, dispatching
from pygrad.lifting.arrays import lifted_numpy
from pygrad.lifting.builtin import BUILTINS, MARK, UNROUNDED, is_callable_as
from pygrad.lifting.changed import CHANGED, changed, set_finder
from pygrad.lifting.errors import LiftError, compiled
from pygrad.lifting.floats import FloatBase
from pygrad.lifting.kinds import COUNTERPARTS
from pygrad.lifting.quick import quick_import
from pygrad.lifting.raising import keep_methods
from pygrad.lifting.rewriting import is_needed, rewritten
from pygrad.lifting.running import RUNNING
from pygrad.lifting.standing import Table, lifted_cmath, lifted_math, like
from pygrad.lifting.storing import slice_of, stored
from pygrad.lifting.tables import lifted_bisect
from pygrad.lifting.travelling import take_objects_along

# Python's own, but for those of numbers that are lifted, too.
STANDARD = frozenset(sys.stdlib_module_names) - {"__main__", "colorsys", "statistics"}

_modules: dict[str, ModuleType] = {}
_whole: dict[str, ModuleType] = {}  # of these, which are done: others have a lock around them
_asked_for: set[str] = set()  # top-level packages that are lifted whatever else they are
_times_asked = [object()]  # another one as soon as the set above has grown
# Imports, without names and with some, of modules that nothing stands for, and when that was seen.
_others: tuple[dict[str, object], dict[str, object]] = {}, {}
_lifted: dict[str, bool] = {}  # top-level packages that were met, and whether they are lifted
_lock = threading.RLock()


# -- which packages ------------------------------------------------------------------------------


def is_lifted(name: str) -> bool:
    """Whether the package that a module is in is lifted: Python code that is no part of Python itself.

    A package with some compiled modules is, if it can do without them; one with many is not tried.
    """
    top = name.partition(".")[0]
    if top in _asked_for:
        return top not in _NEVER
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
_NEVER = ("pygrad", "numpy", "numba", "sympy")


def _compiled_files(top: str) -> float:
    """How many compiled modules a package has; infinitely many if it is not to be lifted at all."""
    spec = None if top in STANDARD or top in _NEVER else _find(top, None)
    if spec is None or not (hasattr(spec.loader, "get_source") or _is_namespace(spec)):
        return inf
    places = spec.submodule_search_locations or ()
    walks = [walk for place in places for walk in os.walk(place)]
    files = (os.path.join(folder, file) for folder, _, files in walks for file in files)
    return sum(map(_has_no_source, files))


def _has_no_source(file: str) -> bool:
    return file.endswith((".so", ".pyd", ".dylib")) and not os.path.exists(_source_of(file))


def _source_of(file: str) -> str:
    """The Python file beside a compiled one. Python takes the compiled one, and mypyc and Cython made it
    of the other."""
    folder, name = os.path.split(file)
    return os.path.join(folder, name.partition(".")[0] + ".py")


def _is_namespace(spec: ModuleSpec) -> bool:
    """Whether it is of a package without a file of its own, which is folders of modules. Packages that
    somebody else's loader makes, as six.moves, have none either."""
    kind = type(spec.loader).__name__
    return spec.loader is None or (spec.origin is None and kind.endswith("NamespaceLoader"))


def _is_compiled(top: str) -> bool:
    """Whether a package is compiled for the most part."""
    return _FEW < _compiled_files(top) < inf


def _find(name: str, path: Any) -> ModuleSpec | None:
    """What importing a name would load, without its parents being imported."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path, None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            return _python_version(spec) or spec
    return None


def _python_version(spec: ModuleSpec) -> ModuleSpec | None:
    """The same module from its source, of one that was compiled from Python."""
    if not isinstance(spec.loader, ExtensionFileLoader) or spec.origin is None:
        return None
    source, places = _source_of(spec.origin), spec.submodule_search_locations
    if not os.path.exists(source):
        return None
    return importlib.util.spec_from_file_location(
        spec.name, source, submodule_search_locations=places
    )


def is_compiled_python(name: str) -> bool:
    """Whether a module that was imported is compiled, with its source beside it."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and _python_version(spec) is not None


# -- importing -----------------------------------------------------------------------------------


def load(name: str, asked_for: bool = False, rounding: bool | None = None) -> ModuleType:
    """The lifted module of a name. rounding: whether its package rounds Values to digits from now on.

    Raises:
        ModuleNotFoundError: there is none.
        LiftError: it is compiled.
    """
    standing = _standing_module(name)
    if asked_for and name in CHANGED and _is_compiled(name.partition(".")[0]):
        raise compiled(name, sys.modules.get(name))
    if standing is not None:
        return standing
    importlib.import_module(name)  # by itself: its lock and this one could wait for each other
    with _lock:
        top = name.partition(".")[0]
        if rounding is not None:
            _set_rounding(top, rounding)
        newly = asked_for and top not in _asked_for
        if newly:
            _asked_for.add(top)
            _times_asked[:] = [object()]
        try:
            return _loaded(name)
        except BaseException as error:
            if newly:
                _asked_for.discard(top)  # or whoever imports it could not be lifted from now on
            if isinstance(error, ImportError) and _is_compiled(top):
                raise compiled(name, sys.modules.get(name)) from error
            raise


_unrounded: set[str] = set()  # top-level packages that do not round Values to digits


def _set_rounding(top: str, rounding: bool) -> None:
    (_unrounded.discard if rounding else _unrounded.add)(top)
    for name, module in _modules.items():
        if name.partition(".")[0] == top and MARK in vars(module):
            if rounding:
                vars(module).pop(UNROUNDED, None)
            else:
                vars(module)[UNROUNDED] = True


def _loaded(name: str) -> ModuleType:
    standing = _modules.get(name) or _standing_module(name)
    if standing is not None:
        return standing
    original = importlib.import_module(name)  # dataclasses, pickle and others look for it
    parent, _, last = name.rpartition(".")
    package = _loaded(parent) if parent else None
    if name in _modules:  # its package has loaded it
        return _modules[name]
    spec = _find(name, getattr(sys.modules[parent], "__path__", None) if parent else None)
    if spec is None:
        return original  # made by its package, as os.path is
    code = _code(spec)
    if code is None:
        return original
    module = importlib.util.module_from_spec(spec)
    vars(module).update({"__builtins__": _builtins, MARK: True})
    if name.partition(".")[0] in _unrounded:
        vars(module)[UNROUNDED] = True
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
    if name == "statistics":
        averages.complete(module)
    _whole[name] = module
    return module


def _name_functions(module: ModuleType) -> None:
    """Has what it defines, and the module itself, pickle by names that lead to the lifted ones."""
    for item in vars(module).values():
        if isinstance(item, FunctionType) and item.__module__ == module.__name__:
            item.__module__ = LIFTED + module.__name__
    take_objects_along(module, load, LIFTED)
    if type(module) is ModuleType:
        module.__class__ = LiftedModule
        vars(module)["__getattr__"] = _lookup_of_others(module)


def _lookup_of_others(module: ModuleType) -> Callable[[str], Any]:
    """What a module is asked for names that it does not have: if it has such a function that one, first.

    A method of the module's class would be in the way of all names, which then take five times as long.
    """
    own = vars(module).get("__getattr__")

    def lookup(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        full = f"{module.__name__}.{name}"
        if isinstance(sys.modules.get(full), ModuleType) and hasattr(module, "__path__"):
            return load(full)  # which others have imported: `import package.name` binds the package
        text = f"module {module.__name__!r} has no attribute {name!r}"
        if not name.startswith("_") and name in vars(sys.modules.get(module.__name__, object)):
            text = f"the lifted {text}, which was put into the original: put it into what lift() returned"
        raise AttributeError(text, name=name, obj=module)

    return lookup


class LiftedModule(ModuleType):
    """A module that was lifted."""

    def __reduce__(self) -> Any:
        return load, (self.__name__, True)


def _code(spec: ModuleSpec) -> CodeType | None:
    """A module's code, with calls rewritten where there are any, or None if it was made by code.

    Raises:
        LiftError: it is compiled.
    """
    if _is_namespace(spec):
        return compile("", spec.name, "exec")
    loader: Any = spec.loader
    source = loader.get_source(spec.name) if hasattr(loader, "get_source") else None
    if source is not None and is_needed(source):
        return compile(rewritten(source), spec.origin or spec.name, "exec", dont_inherit=True)
    code: CodeType | None = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None and spec.origin is None:
        return None
    if code is None:
        raise compiled(spec.name, spec)
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
    """What an import statement of lifted code gives, when it is done first."""
    asked = _times_asked[0]
    full = name
    if level:
        assert namespace is not None
        full = importlib.util.resolve_name("." * level + name, _package_of(namespace))
    if full in _WITHHELD:
        raise LiftError(f"{full} is compiled", name=full)
    if is_lifted(full):
        module = load(full)
        if not fromlist:
            return module if level else load(full.partition(".")[0])
        _load_submodules(module, fromlist)
        return module
    module = builtins.__import__(name, namespace, local, fromlist, level)
    standing = module_for(full)
    if standing is None and not level:
        _others[bool(fromlist)][name] = asked
    return (standing if fromlist else module_for(module.__name__)) or module


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


def module_for(name: str) -> ModuleType | None:
    """The module that lifted code has under a name, where it is not the one that all others have."""
    standing = _standing_module(name)
    return load(name) if standing is None and is_lifted(name) else standing


def _standing_module(name: str) -> ModuleType | None:
    """The same where it is no second import."""
    if name in _STAND_INS:
        return _STAND_INS[name]
    if name in ("numpy", "numba"):
        original = importlib.import_module(name)
        with _lock:
            if name not in _modules:
                made = lifted_numpy() if name == "numpy" else dispatching.lifted_numba(original)
                _modules[name] = _whole[name] = made
            return _modules[name]
    if name == "numpy.linalg":
        return load("numpy").linalg  # type: ignore[no-any-return]
    if name in CHANGED:
        with _lock:
            if name not in _modules:
                made = changed(name, importlib.import_module(name))
                _modules[name] = _whole[name] = made
            return _modules[name]
    return None


def _module_at_hand(name: str) -> ModuleType | None:
    """The same, of packages that lifted code has met by then."""
    top = name.partition(".")[0]
    met = name in _STAND_INS or top in ("numpy", "numba") or _lifted.get(top) or top in _asked_for
    return module_for(name) if met else None


def _import_module(name: str, package: str | None = None) -> ModuleType:
    full = importlib.util.resolve_name(name, package)
    if full in _WITHHELD:
        raise LiftError(f"{full} is compiled", name=full)
    return module_for(full) or importlib.import_module(full)


def _reload(module: ModuleType) -> ModuleType:
    """importlib.reload; of a lifted module its code is run anew."""
    name = module.__name__
    if _modules.get(name) is not module:
        return importlib.reload(module)
    with _lock:
        assert module.__spec__ is not None
        _whole.pop(name, None)
        code = _code(module.__spec__)
        assert code is not None
        exec(code, vars(module))
        _whole[name] = _modules[name]
        return _modules[name]


def _build_class(body: Any, name: str, *bases: Any, **named: Any) -> Any:
    """A class statement. Exceptions and enumerations are the original's: callers name these."""
    others = [base for base in bases if base is not float]
    if len(others) < len(bases) and not named and all(type(base) is type for base in others):
        bases = tuple(FloatBase if base is float else base for base in bases)
    made = builtins.__build_class__(body, name, *bases, **named)
    if isinstance(made, type) and issubclass(made, BaseException | enum.Enum):
        original = found_by_name(made.__module__, made.__qualname__)
        if isinstance(original, type) and original.__module__ == made.__module__:
            if issubclass(made, BaseException):
                keep_methods(original, made)
            return original
    return made


_STAND_INS: dict[str, ModuleType] = {}
_lifted_import = quick_import(
    (_STAND_INS, _whole, _modules, *_others, _times_asked, vars(builtins)), _import
)
_CALLED: tuple[Any, ...] = (*COUNTERPARTS.values(), slice_of, stored)
_builtins = {
    **BUILTINS,
    **RUNNING,
    **{is_callable_as(item): item for item in _CALLED},
    "__import__": _lifted_import,
    "__build_class__": _build_class,
}


_table = Table(_modules, _module_at_hand)
_STAND_INS |= {
    "math": lifted_math(),
    "cmath": lifted_cmath(),
    "bisect": like(bisect, **lifted_bisect()),
    "functools": like(functools, **dispatching.CHANGES),
    "sys": like(sys, modules=_table),
    "importlib": like(
        importlib, import_module=_import_module, reload=_reload, __import__=_lifted_import
    ),
    "builtins": like(
        builtins,
        **{name: item for name, item in _builtins.items() if vars(builtins).get(name) is not item},
        **{kind.__name__: made for kind, made in COUNTERPARTS.items()},
    ),
}
# Of what Python has in C and in Python, what lifted code is not to have in C.
_WITHHELD = frozenset({"_statistics"})


# -- counterparts of things that others have -----------------------------------------------------


def is_own(name: str) -> bool:
    """Whether a module is the user's own code, as a script, a notebook or a test: not imported twice."""
    origin = getattr(sys.modules.get(name), "__file__", None)
    if origin is None:
        return name not in STANDARD
    if any(map(origin.startswith, _places())):
        return False
    top = sys.modules.get(name.partition(".")[0])
    home = getattr(top, "__file__", None) or origin
    folder = os.path.dirname(os.path.dirname(home) if hasattr(top, "__path__") else home)
    return name == "__main__" or not _has_installed(folder)


@functools.cache
def _has_installed(folder: str) -> bool:
    """Whether packages were installed in a folder, which PYTHONPATH names, say."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder or "."))
    except OSError:
        return False


@functools.cache
def _places() -> tuple[str, ...]:
    """The folders of Python's library and of installed packages."""
    named = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [sysconfig.get_path(name) for name in named]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(os.path.join(place, "") for place in places)


def is_world(module: ModuleType) -> bool:
    """Whether a module is a lifted one."""
    name = module.__name__
    return _modules.get(name) is module or _STAND_INS.get(name) is module


def counterpart_of(module: ModuleType) -> ModuleType:
    """The lifted module for one that lifted code names, or the module itself."""
    name = module.__name__
    if sys.modules.get(name) is not module:
        return module
    return module_for(name) or module


_HOMES: tuple[str, ...] = ("builtins", "math", "cmath", "bisect", "functools", "importlib")
_HOMES += ("numpy", "numpy.linalg", *CHANGED)


def standing_for(item: Any) -> Any:
    """What stands for a function or a class of a module that something stands for; else the item itself."""
    if item is sys.modules:
        return _table
    name = getattr(item, "__name__", "") or getattr(item, "name", "")
    for home in _HOMES if isinstance(name, str) and callable(item) else ():
        if vars(sys.modules.get(home, object)).get(name, _NOTHING) is item:
            return getattr(module_for(home), name)
    return item


_NOTHING = object()
set_finder(module_for)


def lifted_builtins() -> dict[str, Any]:
    """The builtins of lifted code."""
    return _builtins
