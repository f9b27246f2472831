"""Pickles and copies of objects whose classes are of lifted modules, where names lead to the originals."""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any


def take_objects_along(module: ModuleType, load: Callable[[str, bool], ModuleType]) -> None:
    """Has objects of a lifted module's classes pickle by its name, to be lifted where they are read.

    load: what gives the lifted module of a name. Classes that say how they pickle go on to do so.
    """

    def find(name: str) -> Any:
        return functools.reduce(getattr, name.split("."), load(module.__name__, True))

    def reduced(self: Any, protocol: Any) -> Any:
        new, args, *rest = tuple(object.__reduce_ex__(self, max(protocol, 2)))
        kind = type(self)
        if new is not copyreg.__newobj__ or kind.__module__ != module.__name__:  # type: ignore[attr-defined]
            return (new, args, *rest)
        try:
            is_found = find(kind.__qualname__) is kind
        except AttributeError:  # a local class, of which pickle tells
            is_found = False
        if not is_found:
            return (new, args, *rest)
        return (new_object, (load, module.__name__, kind.__qualname__, *args[1:]), *rest)

    def reach(space: dict[str, Any], within: str) -> None:
        for name, item in space.items():
            is_own = isinstance(item, type) and item.__module__ == module.__name__
            if is_own and item.__qualname__ == within + name:
                reach(dict(vars(item)), f"{within}{name}.")
                if item.__reduce_ex__ is object.__reduce_ex__:
                    item.__reduce_ex__ = reduced

    reach(dict(vars(module)), "")


def new_object(load: Callable[[str, bool], ModuleType], module: str, name: str, *args: Any) -> Any:
    """An object of a lifted module's class, as its pickle begins."""
    kind: Any = functools.reduce(getattr, name.split("."), load(module, True))
    return kind.__new__(kind, *args)
