"""Where state stands: variables, items of containers, attributes; and which of it has changed meanwhile.

A snapshot has the contents of all that code can reach by its variables. What code has changed is found by
comparing, so it does not matter by which function, method or alias it was changed.

>>> xs = [1, 2]
>>> snapshot = Snapshot([lambda: xs])
>>> xs[1] = 5
>>> [(change.old, change.new) for change in snapshot.changes().values()]
[(2, 5)]
>>> snapshot.restore()
>>> xs
[1, 2]
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable
from operator import is_
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from pygrad.arrays.engines import is_array
from pygrad.core.callables import FunctionOf, original_module
from pygrad.core.callers import is_pygrads
from pygrad.core.classes import slots_of
from pygrad.core.implementation import Value


class _Nothing:
    """In the place of what is not assigned."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()
_PLAIN = (
    float, int, str, bool, bytes, type(None), complex, range, type(Ellipsis), ModuleType,
    BuiltinFunctionType, CodeType, Value,
)  # fmt: skip
_WHOLE = object()  # the key of all that is in a container whose length has changed
_MOST = 2_000_000
_own: set[str] = set()  # top-level packages of which functions were converted
_INSTALLED = ("site-packages", "dist-packages")


class Place(NamedTuple):
    """Where one thing stands: in a container, under a key."""

    container: Any
    key: Any

    @property
    def mark(self) -> tuple[int, Any]:
        return id(self.container), self.key

    @property
    def is_variable(self) -> bool:
        return type(self.container) is CellType

    @property
    def is_whole(self) -> bool:
        return self.key is _WHOLE

    def get(self) -> Any:
        return _contents(self.container).get(self.key, NOTHING)

    def put(self, item: Any) -> None:
        container, key = self
        if key is _WHOLE:
            _fill(container, item)
        elif type(container) is CellType:
            _fill_cell(container, item)
        elif item is NOTHING:
            if isinstance(container, type):
                delattr(container, key)
            elif isinstance(container, dict):
                container.pop(key, None)
            else:
                delattr(container, key)
        elif isinstance(container, list | dict | deque):
            container[key] = item
        elif is_array(container):
            container.ravel(order="K") if container.ndim == 0 else None
            container.flat[key] = item
        else:
            setattr(container, key, item)


class Change(NamedTuple):
    place: Place
    old: Any
    new: Any


class Snapshot:
    """The contents of all that functions, and what else is given, lead to."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.kept: dict[int, tuple[Any, Any]] = {}  # by id: a container, and what was in it
        seen: set[int] = set()
        waiting = list(roots)
        while waiting:
            item = waiting.pop()
            kind = type(item)
            if kind in _PLAIN_KINDS or id(item) in seen:
                continue
            seen.add(id(item))
            if len(seen) > _MOST:
                raise MemoryError("there is too much that converted code may change")
            more = _looked_at(item, self.kept)
            waiting += more
        self.spaces = {id(c.space) for c, _ in self.kept.values() if type(c) is _Named}

    def changed(self) -> list[tuple[Any, Any]]:
        """The containers in which something else is by now, and what was in them."""
        return [each for each in self.kept.values() if not _is_as(*each)]

    def restore(self) -> None:
        for container, was in self.changed():
            _fill(container, was)

    def changes(self) -> dict[tuple[int, Any], Change]:
        """What is not as it was, by place."""
        return _compared(self.changed())

    def undone(self) -> dict[tuple[int, Any], Change]:
        """The same; all is as it was after that."""
        changed = self.changed()
        found = _compared(changed)
        for container, was in changed:
            _fill(container, was)
        return found

    def has(self, container: Any) -> bool:
        """Whether something was there."""
        return id(container) in self.kept or id(container) in self.spaces


_PLAIN_KINDS = set(_PLAIN)


def _looked_at(item: Any, kept: dict[int, tuple[Any, Any]]) -> Iterable[Any]:
    """Keeps what is in a container; what else it leads to."""
    kind: Any = type(item)
    if kind is CellType:
        was = _cell(item)
        kept[id(item)] = item, was
        return (was,)
    if kind is tuple or kind is frozenset:
        return item  # type: ignore[no-any-return]
    if kind is FunctionType:
        return _of_function(item, kept)
    if kind is MethodType:
        return (item.__func__, item.__self__)
    if kind is functools.partial:
        return (item.func, *item.args, *item.keywords.values())
    if isinstance(item, FunctionOf):
        return (item.f,)
    if isinstance(item, type):
        return _of_class(item, kept)
    if is_array(item):
        kept[id(item)] = item, item.copy()
        return item.ravel().tolist() if item.dtype.kind == "O" else ()  # type: ignore[no-any-return]
    if isinstance(item, Value) or _is_foreign(kind):
        return ()
    more: list[Any] = [kind]
    if isinstance(item, list | deque):
        kept[id(item)] = item, list(item)
        more += item
    elif isinstance(item, dict):
        kept[id(item)] = item, dict(item)
        more += item.values()
    elif isinstance(item, set | bytearray):
        kept[id(item)] = item, item.copy()
        more += item
    elif isinstance(item, tuple):
        more += item
    attributes = getattr(item, "__dict__", None)
    if type(attributes) is dict and attributes is not item:
        more.append(attributes)
    slots = _slots(kind)
    if slots:
        was = {name: getattr(item, name) for name in slots if hasattr(item, name)}
        kept.setdefault(id(item), (item, was))
        more += was.values()
    return more


def _of_function(item: FunctionType, kept: dict[int, tuple[Any, Any]]) -> list[Any]:
    more: list[Any] = [*(item.__closure__ or ()), *(item.__defaults__ or ())]
    if is_pygrads(item.__code__.co_filename):
        return more
    more += (item.__kwdefaults__ or {}).values()
    if item.__dict__:
        more.append(item.__dict__)
    space, names = item.__globals__, _names_in(item.__code__)
    if names:
        named = _Named(space, names)
        was = _contents(named)
        kept[id(item)] = named, was
        more += was.values()
    return more


class _Named:
    """Those of a module's globals that a function names."""

    def __init__(self, space: dict[str, Any], names: tuple[str, ...]) -> None:
        self.space, self.names = space, names


@functools.lru_cache(maxsize=4096)
def _names_in(code: CodeType) -> tuple[str, ...]:
    found = [name for name in code.co_names if not name.startswith("__")]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _names_in(constant)
    return tuple(dict.fromkeys(found))


def _of_class(cls: Any, kept: dict[int, tuple[Any, Any]]) -> list[Any]:
    if _is_foreign(cls):
        return []
    was = {name: item for name, item in vars(cls).items() if not name.startswith("__")}
    kept[id(cls)] = cls, was
    parts = [item for item in was.values() if not isinstance(item, property | staticmethod)]
    return [*cls.__bases__, *parts]


def take_for_own(module: str) -> None:
    """Objects of classes of this module's package are looked into, wherever it was installed."""
    top = module.partition(".")[0]
    if top not in _own:
        _own.add(top)
        _is_foreign.cache_clear()


@functools.lru_cache(maxsize=4096)
def _is_foreign(cls: Any) -> bool:
    """Whether a class, other than Python's containers, is Python's, NumPy's or pygrad's own."""
    if cls in {list, dict, set, deque, bytearray} or issubclass(cls, list | dict | set | deque):
        return False
    top = original_module(str(cls.__module__)).partition(".")[0]
    if top in sys.stdlib_module_names - {"__main__"} or top in {"numpy", "scipy", "pygrad"}:
        return True
    home = getattr(sys.modules.get(top), "__file__", None) or ""
    return top not in _own and any(part in home for part in _INSTALLED)


@functools.lru_cache(maxsize=4096)
def _slots(cls: Any) -> tuple[str, ...]:
    found: list[str] = []
    for base in cls.__mro__:
        if not _is_foreign(base) and base is not object:
            found += slots_of(base)
    return tuple(found)


def _cell(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return NOTHING


def _fill_cell(cell: CellType, item: Any) -> None:
    if item is not NOTHING:
        cell.cell_contents = item
    elif _cell(cell) is not NOTHING:
        del cell.cell_contents


def _fill(container: Any, was: Any) -> None:
    """Has a container hold again what was in it."""
    if type(container) is CellType:
        _fill_cell(container, was)
    elif is_array(container):
        container[...] = was
    elif isinstance(container, list | bytearray):
        container[:] = was
    elif isinstance(container, deque):
        container.clear()
        container.extend(was)
    elif isinstance(container, set):
        container.clear()
        container.update(was)
    elif type(container) is _Named:
        for name in container.names:
            if name in was:
                container.space[name] = was[name]
            else:
                container.space.pop(name, None)
    elif isinstance(container, dict):
        if not all(map(is_, container, was)) or len(container) > len(was):
            container.clear()  # so that its keys are in their order again
        container.update(was)
    else:
        now = _contents(container)
        for name in now.keys() - was.keys():
            delattr(container, name)
        for name, item in was.items():
            if now.get(name, NOTHING) is not item:
                setattr(container, name, item)


def _contents(container: Any) -> dict[Any, Any]:
    if type(container) is _Named:
        space = container.space
        return {name: space[name] for name in container.names if name in space}
    if type(container) is CellType:
        return {None: _cell(container)}
    if isinstance(container, dict):
        return container
    if isinstance(container, list | deque):
        return dict(enumerate(container))
    if is_array(container):
        return dict(enumerate(container.ravel().tolist()))
    if isinstance(container, type):
        return {n: item for n, item in vars(container).items() if not n.startswith("__")}
    kind: Any = type(container)
    return {n: getattr(container, n) for n in _slots(kind) if hasattr(container, n)}


def _is_as(container: Any, was: Any) -> bool:
    """Whether there is in a container what was in it."""
    if type(container) is CellType:
        return _cell(container) is was
    if type(container) is dict:
        return _is_same(container, was)
    if isinstance(container, list | deque):
        return len(container) == len(was) and all(map(is_, container, was))
    if isinstance(container, set | bytearray):
        return container == was
    if is_array(container):
        if container.dtype.kind == "O":
            return all(map(is_, container.ravel().tolist(), was.ravel().tolist()))
        return container.tobytes() == was.tobytes()  # type: ignore[no-any-return]
    return _is_same(_contents(container), was)


def _is_same(now: dict[Any, Any], was: dict[Any, Any]) -> bool:
    """Whether two dicts have the same keys, in the same order, and the same under each."""
    return (
        len(now) == len(was)
        and all(map(is_, now, was))
        and all(map(is_, now.values(), was.values()))
    )


def _compared(changed: list[tuple[Any, Any]]) -> dict[tuple[int, Any], Change]:
    return {
        each.place.mark: each for container, was in changed for each in _changes(container, was)
    }


def _changes(container: Any, was: Any) -> Iterable[Change]:
    if type(container) is CellType:
        yield Change(Place(container, None), was, _cell(container))
        return
    is_sequence = isinstance(container, list | deque)
    is_rearranged = (
        isinstance(container, dict)
        and container.keys() == was.keys()
        and list(container) != list(was)
    )
    if (
        isinstance(container, set | bytearray)
        or (is_sequence and len(container) != len(was))
        or is_rearranged
    ):
        yield Change(Place(container, _WHOLE), was, type(was)(container))
        return
    old: Any = was
    if is_sequence:
        old = dict(enumerate(was))
    elif is_array(container):
        old = dict(enumerate(was.ravel().tolist()))
    now = _contents(container)
    if type(container) is _Named:
        container = container.space
    for key in [*old, *[key for key in now if key not in old]]:
        before, after = old.get(key, NOTHING), now.get(key, NOTHING)
        if before is not after and not (is_array(container) and _same_number(before, after)):
            yield Change(Place(container, key), before, after)


def _same_number(a: Any, b: Any) -> bool:
    return type(a) is type(b) is float and repr(a) == repr(b)


def closures(functions: Iterable[Callable[..., Any]]) -> dict[str, CellType]:
    """The variables that functions have from around them, by name."""
    found: dict[str, CellType] = {}
    for function in functions:
        if isinstance(function, FunctionType) and function.__closure__:
            found.update(zip(function.__code__.co_freevars, function.__closure__, strict=True))
    return found
