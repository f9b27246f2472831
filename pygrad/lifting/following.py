"""What lifted code was made of, as it was then: what is changed in place since is lifted again.

A name that means another thing is seen by looking at the name. Here is what keeps its name and is another
all the same: a function that was given other defaults or another code, a list or dict of functions with
others in it, a class with another method.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

_TABLES = {list, tuple, dict}


class Contents:
    """What was in a list, tuple or dict of which lifted code has one of its own, and in those within it."""

    __slots__ = ("items", "within")

    def __init__(self, table: Any, lifted: Any) -> None:
        self.items = _items(table)
        pairs = zip(self.items, _items(lifted), strict=True)
        self.within = tuple([contents_of(item, made) for item, made in pairs])

    def are_in(self, table: Any) -> bool:
        """Whether they still are."""
        now = _items(table)
        return (
            len(now) == len(self.items)
            and all(map(operator.is_, now, self.items))
            and all(
                within is None or within.are_in(item)
                for within, item in zip(self.within, now, strict=True)
            )
        )


def contents_of(item: Any, lifted: Any) -> Contents | None:
    """Those of a table in whose place lifted code has another one; None for all else."""
    is_copy = item is not lifted and type(item) in _TABLES and type(lifted) is type(item)
    return Contents(item, lifted) if is_copy else None


def _items(table: Any) -> tuple[Any, ...]:
    return (*table, *table.values()) if isinstance(table, dict) else tuple(table)


class Followed:
    """A function, and the lifted one that has the same code and defaults."""

    __slots__ = ("code", "defaults", "f", "inside", "lifted", "named")

    def __init__(self, f: FunctionType, lifted: FunctionType) -> None:
        self.f, self.lifted = f, lifted
        self.note()

    def note(self) -> None:
        """This is what the lifted function was made of."""
        f, lifted = self.f, self.lifted
        self.code: CodeType = f.__code__
        self.defaults, self.named = f.__defaults__, f.__kwdefaults__
        self.inside: Contents | None = None
        if self.defaults or self.named:
            made = lifted.__defaults__, lifted.__kwdefaults__
            self.inside = Contents((self.defaults, self.named), made)

    def holds(self) -> bool:
        """Whether it still is."""
        f = self.f
        return (
            f.__code__ is self.code
            and f.__defaults__ is self.defaults
            and f.__kwdefaults__ is self.named
            and (self.inside is None or self.inside.are_in((self.defaults, self.named)))
        )


class FollowedClass:
    """A class, and the lifted one that has methods of its own in the place of some."""

    __slots__ = ("cls", "held", "lifted", "own")

    def __init__(self, cls: type, lifted: type, own: set[str]) -> None:
        """own: names that the lifted one has."""
        self.cls, self.lifted, self.own = cls, lifted, own
        self.held = dict(vars(cls))

    def renew(self, of: Callable[[str, Any], Any]) -> None:
        """Gives the lifted class what the class has by now; of: makes what it is to have under a name."""
        now = vars(self.cls)
        held = self.held
        if len(now) == len(held) and all(map(operator.is_, now.values(), held.values())):
            return
        self.held = dict(now)
        for name in [name for name in self.own if name not in now]:
            self._drop(name)
        for name, item in self.held.items():
            if name in held and held[name] is item:
                continue
            lifted = of(name, item)
            if lifted is not item:
                setattr(self.lifted, name, lifted)
                self.own.add(name)
            elif name in self.own:
                self._drop(name)

    def _drop(self, name: str) -> None:
        self.own.discard(name)
        if name in vars(self.lifted):
            delattr(self.lifted, name)
