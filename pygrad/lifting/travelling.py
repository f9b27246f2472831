"""Pickles and copies of objects whose classes are of lifted modules, where names lead to the originals."""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad.core.callables import found_by_name


def take_objects_along(
    module: ModuleType, load: Callable[[str, bool], ModuleType], door: str
) -> None:
    """Has a lifted module's classes and their objects pickle by its name, to be lifted where they are read.

    load: what gives the lifted module of a name; door: what names that can be imported begin with.
    Classes that say how they pickle go on to do so. One whose annotations are texts, which others look up
    where it says that it is of, keeps its name.
    """

    def find(name: str) -> Any:
        return functools.reduce(getattr, name.split("."), load(module.__name__, True))

    def reduced(self: Any, protocol: Any) -> Any:
        new, args, *rest = tuple(object.__reduce_ex__(self, max(protocol, 2)))
        kind = type(self)
        if new is not copyreg.__newobj__ or not is_own(kind):  # type: ignore[attr-defined]
            return (new, args, *rest)
        try:
            is_found = find(kind.__qualname__) is kind
        except AttributeError:  # a local class, of which pickle tells
            is_found = False
        if not is_found:
            return (new, args, *rest)
        return (new_object, (load, module.__name__, kind.__qualname__, *args[1:]), *rest)

    def is_own(kind: type) -> bool:
        return kind.__module__ in {module.__name__, door + module.__name__}

    def reach(space: dict[str, Any], within: str) -> None:
        for name, item in space.items():
            if isinstance(item, type) and is_own(item) and item.__qualname__ == within + name:
                reach(dict(vars(item)), f"{within}{name}.")
                kind: Any = item
                if kind.__reduce_ex__ is object.__reduce_ex__:
                    kind.__reduce_ex__ = reduced
                if not _is_the_originals(item) and not _has_texts(item):
                    item.__module__ = door + module.__name__

    reach(dict(vars(module)), "")


def _is_the_originals(kind: type) -> bool:
    """Whether a class is the one that the original module has, too, as exceptions are."""
    return found_by_name(kind.__module__, kind.__qualname__) is kind


def _has_texts(kind: type) -> bool:
    annotations = vars(kind).get("__annotations__")  # a class of decorators has a property there
    return isinstance(annotations, dict) and any(isinstance(v, str) for v in annotations.values())


def new_object(load: Callable[[str, bool], ModuleType], module: str, name: str, *args: Any) -> Any:
    """An object of a lifted module's class, as its pickle begins."""
    kind: Any = functools.reduce(getattr, name.split("."), load(module, True))
    return kind.__new__(kind, *args)
