"""Functions that no import finds, local ones and those of scripts and notebooks: made anew, to be lifted.

The new function has the code of the old one, its calls of types rewritten where the source is at hand. Its
globals, closures and defaults are those of the old one at each call, but for what has a lifted counterpart:
modules and functions, classes of such code, and tables that hold some.
"""

from __future__ import annotations

import ast
import copyreg
import functools
import linecache
import types
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from pygrad.arrays.engines import of_numpy
from pygrad.control.autograph.definitions import PREPARED
from pygrad.control.autograph.source import CHANGED
from pygrad.core.callables import found_by_name
from pygrad.core.callers import is_pygrads
from pygrad.core.hints import note
from pygrad.core.implementation import Value
from pygrad.core.instructions import steps_of
from pygrad.core.reading import LOOKING, Anew, codes_within
from pygrad.lifting import world
from pygrad.lifting.builtin import MARK, UNROUNDED, unrounded
from pygrad.lifting.changed import object_for
from pygrad.lifting.dispatching import (
    cached_function,
    compiled_function,
    dispatched_function,
    singledispatch,
    singledispatchmethod,
    within_one_call,
)
from pygrad.lifting.floats import FloatBase
from pygrad.lifting.following import Contents, Followed, FollowedClass, contents_of
from pygrad.lifting.kinds import Float
from pygrad.lifting.raising import LIFTED_FROM, subclass, unheard_class
from pygrad.lifting.rewriting import is_needed, rewritten
from pygrad.lifting.running import FUTURE

_GONE = object()
PREPARED[MARK] = lambda source: rewritten(source) if is_needed(source) else ast.parse(source)
_CALLABLE = (FunctionType, BuiltinFunctionType, MethodType, functools.partial, type)


def lifted_function(f: Callable[..., Any], rounding: bool = True) -> Callable[..., Any]:
    """A function as f, that takes Values. It looks at each call for what the names in f mean by now."""
    counterparts = _Counterparts(rounding=rounding)
    return _looking(f, counterparts, counterparts.of(f))


def _looking(f: Any, counterparts: _Counterparts, lifted: Any) -> Callable[..., Any]:
    """A call of lifted, after a look at what names mean by now."""

    @functools.wraps(f)
    def call(*args: Any, **named: Any) -> Any:
        counterparts.renew()
        unrounded.functions += not counterparts.rounding
        try:
            return lifted(*args, **named)
        except TypeError as error:
            counterparts.tell_of_others(error)
            raise
        finally:
            unrounded.functions -= not counterparts.rounding
            counterparts.give_back()

    def changed(change: Callable[[Any], Any]) -> Any:
        return _looking(f, counterparts, change(lifted))

    vars(call)[CHANGED] = changed
    LOOKING.add(call.__code__)  # type: ignore[attr-defined]
    return call


class _Globals(Anew):
    """A module's globals as its lifted functions see them; looked up there when a name is used first."""

    def __init__(self, original: dict[str, Any], counterparts: _Counterparts) -> None:
        super().__init__({"__builtins__": world.lifted_builtins(), MARK: True})
        # Statements of import read these without asking __missing__.
        self.update({n: original[n] for n in ("__package__", "__spec__") if n in original})
        if not counterparts.rounding:
            self[UNROUNDED] = True
        self.original, self.counterparts = original, counterparts
        self.seen: dict[str, Any] = {}  # what names meant when they were looked up
        self.contents: dict[str, Contents] = {}  # of tables among that
        self.assigned: set[str] = set()  # by functions, after a global statement

    def __missing__(self, name: str) -> Any:
        item = self.original[name]  # KeyError: Python looks among the builtins then
        lifted = self.counterparts.of(item)
        if self.counterparts.keeps:
            self.seen[name], self[name] = item, lifted
            contents = contents_of(item, lifted)
            if contents is not None:
                self.contents[name] = contents
        return lifted

    def find(self, name: str) -> None:
        """Look a name up, for code that cannot do it by itself."""
        if name not in self and name in self.original:
            self[name]

    def stands_for(self, name: str) -> Any:
        if self.assigned:
            raise KeyError(name)
        self.find(name)
        if self.seen[name] is not self.original[name]:
            raise KeyError(name)
        return self[name]

    def original_cell(self, cell: CellType) -> CellType:
        for old, held, new, _ in self.counterparts.cells:
            if new is cell:
                if old.cell_contents is not held:
                    raise KeyError(cell)
                found: CellType = old
                return found
        return cell

    def original_function(self, f: FunctionType) -> FunctionType | None:
        followed = self.counterparts.functions.get(id(f))
        return None if followed is None else followed.f

    def of_exceptions(self, kind: Any) -> Any:
        return self.counterparts.of_exceptions(kind)

    def renew(self) -> None:
        for name, item in list(self.seen.items()):
            contents = self.contents.get(name)
            is_same = self.original.get(name, _GONE) is item
            if is_same and (contents is None or contents.are_in(item)):
                continue
            del self.seen[name]
            self.contents.pop(name, None)
            self.pop(name, None)

    def give_back(self) -> None:
        for name in self.assigned & self.keys():
            if self[name] is not self.seen.get(name, _GONE):
                self.original[name] = self.seen[name] = self[name]


def lifted_class(cls: type, rounding: bool = True) -> type:
    """A class as cls, whose methods take Values."""
    counterparts = _Counterparts(keeps=False, rounding=rounding)
    lifted: type = counterparts.of(cls)
    return lifted


class _Counterparts:
    """What stands in lifted code for what a function and those that it calls name."""

    def __init__(self, keeps: bool = True, rounding: bool = True) -> None:
        """keeps: what names meant, until renew() is called. rounding: of Values to digits."""
        self.keeps, self.rounding = keeps, rounding
        self.made: dict[int, tuple[Any, Any]] = {}  # by id, with what it was made for
        self.spaces: dict[int, _Globals] = {}
        self.exceptions: dict[type, Any] = {}
        self.others: set[type] = set()  # classes of packages, of which there are objects
        # Cells of closures: the old one, what it held, the new one, and the contents if it is a table.
        self.cells: list[list[Any]] = []
        self.functions: dict[int, Followed] = {}  # by id of the lifted one
        self.classes: list[FollowedClass] = []

    def renew(self) -> None:
        """Look for names that mean something else by now."""
        for space in self.spaces.values():
            space.renew()
        for entry in self.cells:
            cell, held, new, contents = entry
            item = cell.cell_contents
            if item is not held or not (contents is None or contents.are_in(item)):
                new.cell_contents = lifted = self.of(item)
                entry[1], entry[3] = item, contents_of(item, lifted)
        for followed in list(self.functions.values()):
            if not followed.holds():
                self._give_defaults(followed.f, followed.lifted)
                if followed.f.__code__ is not followed.code:
                    self._space(followed.f)
                    followed.lifted.__code__ = _code(followed.f)
                followed.note()
        for followed_class in list(self.classes):
            followed_class.renew(self._of_attribute)

    def tell_of_others(self, error: TypeError) -> None:
        """Where code took a Value for a float: which objects at hand are of packages, and not lifted."""
        if "pygrad.lift" not in str(error):
            return
        for cls in sorted(self.others, key=lambda cls: cls.__name__):
            top = cls.__module__.partition(".")[0]
            if world.is_lifted(top):
                note(
                    error,
                    f"There is a {cls.__name__} of the original {top}, which takes floats alone. Make it "
                    f"in the function that is lifted, or of what pygrad.lift({cls.__module__!r}) returns",
                )

    def give_back(self) -> None:
        """Globals that lifted functions have assigned are the module's."""
        for space in self.spaces.values():
            if space.assigned:
                space.give_back()

    def of(self, item: Any) -> Any:
        """The counterpart of a thing; mostly the thing itself."""
        if id(item) in self.made:
            return self.made[id(item)][1]
        standing = world.standing_for(item)
        if standing is not item:
            return standing
        if type(item) in {list, tuple, dict}:
            return self._of_table(item)
        if isinstance(item, ModuleType):
            return world.counterpart_of(item)
        if isinstance(item, FunctionType):
            return self._of_function(item)
        if isinstance(item, type):
            return self._of_class(item)
        if isinstance(item, MethodType):
            return MethodType(self.of(item.__func__), self.of(item.__self__))
        if isinstance(item, functools.partial):
            return functools.partial(self.of(item.func), *item.args, **item.keywords)
        home = getattr(item, "__module__", None) if hasattr(item, "__qualname__") else None
        if isinstance(home, str) and world.is_compiled_python(home):
            return self._of_module(item, home)
        cached = cached_function(item)
        if cached is not None:
            return self._remember(item, within_one_call(self.of(cached), item))
        within = compiled_function(item)
        return self._of_object(item) if within is None else self.of(within)

    def _remember(self, item: Any, counterpart: Any) -> Any:
        self.made[id(item)] = item, counterpart
        return counterpart

    def _of_table(self, table: Any) -> Any:
        items = list(table.values() if isinstance(table, dict) else table)
        if not any(isinstance(item, _CALLABLE) for item in items):
            return table
        lifted = [self.of(item) for item in items]
        if all(a is b for a, b in zip(items, lifted, strict=True)):
            return table
        return (
            dict(zip(table, lifted, strict=True))
            if isinstance(table, dict)
            else type(table)(lifted)
        )

    def _of_function(self, f: FunctionType) -> Any:
        module = f.__module__ or ""
        if MARK in f.__globals__ or is_pygrads(f.__code__.co_filename):
            return f
        if found_by_name(module, f.__qualname__) is f and not world.is_own(module):
            return self._of_module(f, module)
        if module.partition(".")[0] in world.STANDARD:
            return f
        dispatched = dispatched_function(f)
        if dispatched is not None:
            return self._of_dispatching(f, dispatched)
        code = _code(f)
        stored = set(_assigned(code, _TO_CELLS))
        cells = [
            cell if name in stored else _new_cell(cell)
            for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True)
        ]
        lifted = FunctionType(code, self._space(f), f.__name__, None, tuple(cells) or None)
        self._remember(f, lifted)
        functools.update_wrapper(lifted, f, updated=())
        del lifted.__wrapped__  # type: ignore[attr-defined]
        lifted.__dict__ = f.__dict__
        for cell, new in zip(f.__closure__ or (), cells, strict=True):
            if new is cell:
                self.others |= _classes_in(cell)
            else:
                item = cell.cell_contents
                new.cell_contents = made = self.of(item)
                self.cells.append([cell, item, new, contents_of(item, made)])
        self._give_defaults(f, lifted)
        self.functions[id(lifted)] = Followed(f, lifted)
        return lifted

    def _give_defaults(self, f: FunctionType, lifted: FunctionType) -> None:
        lifted.__defaults__ = f.__defaults__ and tuple(map(self.of, f.__defaults__))
        lifted.__kwdefaults__ = f.__kwdefaults__ and {
            name: self.of(item) for name, item in f.__kwdefaults__.items()
        }

    def _of_module(self, item: Any, module: str) -> Any:
        """What the lifted module has under the name that an item has in its own; else the item."""
        name = getattr(item, "__qualname__", "")
        if found_by_name(module, name) is not item or not world.is_lifted(module):
            return item
        return getattr_path(world.load(module), name)

    def _of_dispatching(self, f: Any, dispatched: FunctionType) -> Any:
        """A function of functools.singledispatch."""
        made = self._remember(f, singledispatch(self.of(dispatched)))
        for cls, function in f.registry.items():
            made.register(cls, self.of(function))
        return made

    def _of_object(self, item: Any) -> Any:
        """An object of a class of the user's, as one of the lifted class that has the same attributes."""
        cls = type(item)
        standing = _vectorized(item, self)
        if standing is item:
            standing = object_for(item)
        if standing is not item or not world.is_own(cls.__module__):
            self.others.add(cls)
            return standing
        made = self.of(cls) if _can_be_another(item) else cls
        if made is cls:
            return item
        try:
            lifted = object.__new__(made)
            lifted.__dict__ = item.__dict__
        except (TypeError, AttributeError):  # a list's, say, or without attributes
            return item
        return self._remember(item, lifted)

    def _space(self, f: FunctionType) -> _Globals:
        space = self.spaces.get(id(f.__globals__))
        if space is None:
            space = self.spaces[id(f.__globals__)] = _Globals(f.__globals__, self)
        space.assigned |= set(_assigned(f.__code__, _TO_GLOBALS))
        return space

    def _of_class(self, cls: type) -> Any:
        """A class of the user's as a subclass with lifted methods: its objects are objects of both."""
        module = cls.__module__
        if issubclass(cls, BaseException) or not world.is_own(module):
            return self._of_module(cls, module)
        made = self._subclass(cls, self.of)
        if made is not cls and cls.__reduce_ex__ is object.__reduce_ex__:
            made.__reduce_ex__ = _reduced
            _classes[cls] = made
        return made

    def of_exceptions(self, cls: Any) -> Any:
        """The same of a class of exceptions, which stays what it is for those who name it."""
        if not world.is_own(cls.__module__):
            return cls
        if cls not in self.exceptions:
            made = self._subclass(cls, self._of_base)
            self._remember(cls, cls)
            self.exceptions[cls] = subclass(made, {})
        return self.exceptions[cls]

    def _of_base(self, cls: Any) -> Any:
        return self.of_exceptions(cls) if issubclass(cls, BaseException) else self.of(cls)

    def _subclass(self, cls: Any, of_base: Callable[[Any], Any]) -> Any:
        self._remember(cls, cls)  # for what it has of itself
        methods = {
            name: lifted
            for name, item in vars(cls).items()
            if (lifted := self._of_attribute(name, item)) is not item
        }
        # After the class itself and before its bases: super() in its methods finds theirs, lifted.
        bases = [made for base in cls.__bases__ if (made := of_base(base)) is not base]
        bases = [FloatBase if base is Float else base for base in bases]
        if not methods and not bases:
            return cls
        extra = {"__slots__": ()} if "__slots__" in vars(cls) else {}
        try:
            made = unheard_class(cls.__name__, (cls, *bases), {**methods, **extra})
        except TypeError:  # it may be final, as an enumeration is
            return cls
        made.__qualname__, made.__module__ = cls.__qualname__, cls.__module__
        setattr(made, LIFTED_FROM, cls)
        self.classes.append(FollowedClass(cls, made, set(methods)))
        self._remember(made, made)
        return self._remember(cls, made)

    def _of_attribute(self, name: str, item: Any) -> Any:
        """What a class has under a name: a method, or what is looked up there as in a table."""
        lifted = self._of_method(item)
        if lifted is not item or isinstance(item, FunctionType | property) or name.startswith("__"):
            return lifted
        lifted = self.of(item)
        binds = isinstance(lifted, FunctionType) and not isinstance(item, FunctionType)
        return staticmethod(lifted) if binds and cached_function(item) is None else lifted

    def _of_method(self, item: Any) -> Any:
        if isinstance(item, staticmethod | classmethod):
            lifted = self.of(item.__func__)
            return item if lifted is item.__func__ else type(item)(lifted)
        if isinstance(item, property):
            get, put, drop = [part and self.of(part) for part in (item.fget, item.fset, item.fdel)]
            return property(get, put, drop, item.__doc__)
        if isinstance(item, functools.cached_property):
            made = functools.cached_property(self.of(item.func))
            made.attrname = item.attrname  # type: ignore[attr-defined]
            return made
        if isinstance(item, functools.singledispatchmethod):
            several = singledispatchmethod(self.of(item.func))
            for cls, function in item.dispatcher.registry.items():
                several.register(cls, self._of_method(function))
            return several
        if isinstance(item, functools.partialmethod):
            return functools.partialmethod(self.of(item.func), *item.args, **item.keywords)
        is_method = isinstance(item, FunctionType) or cached_function(item) is not None
        return self.of(item) if is_method else item


_classes: dict[type, Any] = {}  # by the class that is the user's: what was made of it last


def _reduced(self: Any, protocol: Any) -> Any:
    """An object of a lifted class pickles as one of the user's, to be lifted where it is read."""
    new, args, *rest = tuple(object.__reduce_ex__(self, max(protocol, 2)))
    cls = vars(type(self)).get(LIFTED_FROM)
    if new is not copyreg.__newobj__ or cls is None:  # type: ignore[attr-defined]
        return (new, args, *rest)
    # Of a class that was decorated, whose name leads to the lifted one
    if found_by_name(cls.__module__, cls.__qualname__) is type(self):
        return (new, args, *rest)
    return (_new_object, (cls, *args[1:]), *rest)


def _new_object(cls: Any, *args: Any) -> Any:
    made = _classes.get(cls) or lifted_class(cls)
    return made.__new__(made, *args)


def _can_be_another(item: Any) -> bool:
    """Whether nobody sees that an object is in the place of another one, which has the same attributes.

    Its class says nothing of what it is equal to, has no slots, and has methods: it is no mark that is
    compared by `is`.
    """
    cls = type(item)
    bases = [base for base in cls.__mro__ if base is not object]
    return (
        not isinstance(item, Value)
        and cls.__eq__ is object.__eq__
        and cls.__hash__ is object.__hash__
        and not any(vars(base).get("__slots__") for base in bases)
        and any(
            callable(method) and (name == "__call__" or not name.startswith("__"))
            for base in bases
            for name, method in vars(base).items()
        )
    )


def _vectorized(item: Any, counterparts: _Counterparts) -> Any:
    """What numpy.vectorize has made of a function, made of its counterpart; any other thing is its own."""
    vectorize = of_numpy("vectorize")
    if type(item) is not vectorize:
        return item
    function = counterparts.of(item.pyfunc)
    if function is item.pyfunc:
        return item
    return world.standing_for(vectorize)(
        function, item.otypes, excluded=item.excluded, signature=item.signature, cache=item.cache
    )


def getattr_path(thing: Any, path: str) -> Any:
    """What a dotted name means in a module."""
    return functools.reduce(getattr, path.split("."), thing)


def _new_cell(cell: Any) -> Any:
    """The cell itself, which lifted code shares, unless it holds what may have a counterpart."""
    try:
        item = cell.cell_contents
    except ValueError:  # nothing yet
        return cell
    lifts = (
        isinstance(item, (*_CALLABLE, ModuleType))
        or type(item) in {list, tuple, dict}
        or (cached_function(item) or compiled_function(item)) is not None
        or world.is_own(type(item).__module__)
        or object_for(item) is not item
    )
    return types.CellType() if lifts else cell


def _classes_in(cell: Any) -> set[type]:
    """The class of what a cell holds, if it holds something."""
    try:
        return {type(cell.cell_contents)}
    except ValueError:
        return set()


# -- code ----------------------------------------------------------------------------------------


_TO_GLOBALS = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_TO_CELLS = frozenset({"STORE_DEREF", "DELETE_DEREF"})


def _assigned(code: CodeType, instructions: frozenset[str]) -> Iterator[str]:
    """The names that code assigns after a global or nonlocal statement, by these instructions."""
    for part in codes_within(code):
        for step in steps_of(part):
            if step.opname in instructions:
                yield step.argval


def _code(f: FunctionType) -> CodeType:
    """The function's code, with calls rewritten if there are any and its source is what it was made of."""
    code = f.__code__
    source = "".join(linecache.getlines(code.co_filename, f.__globals__))
    if not is_needed(source):
        return code
    try:
        plain, other = _whole_files(source, code.co_filename, code.co_flags & FUTURE)
    except (SyntaxError, ValueError):
        return code
    same, found = (
        [part for part in codes_within(whole) if _is_place(part, code)] for whole in (plain, other)
    )
    unchanged = len(same) == len(found) == 1 and set(same[0].co_names) <= set(code.co_names)
    return found[0] if unchanged else code


@functools.lru_cache(maxsize=4)
def _whole_files(source: str, filename: str, flags: int) -> tuple[CodeType, CodeType]:
    """A file's code, as it is and rewritten."""
    plain = compile(source, filename, "exec", flags, dont_inherit=True)
    return plain, compile(rewritten(source), filename, "exec", flags, dont_inherit=True)


def _is_place(part: CodeType, code: CodeType) -> bool:
    """Whether a piece of a file's code is the one that a function has."""
    return all(
        getattr(part, name) == getattr(code, name)
        for name in ("co_name", "co_firstlineno", "co_freevars", "co_argcount", "co_kwonlyargcount")
    )
