"""The programs of one function, by what they were made for; there are never more than a few."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from pygrad.core.callers import users_depth

MOST = 64  # programs of one function

_Program = TypeVar("_Program")


class Programs(Generic[_Program]):
    """A table of programs by keys. Where a new one has no place the oldest goes."""

    def __init__(self, name: str = "") -> None:
        """name: of the function, for a warning when a program goes; "" for none."""
        self.name = name
        self._by_key: dict[Any, _Program] = {}
        self.shortcuts: dict[
            Any, _Program
        ] = {}  # some of them, by keys that take less time to find

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: Any) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[_Program]:
        return iter(list(self._by_key.values()))

    def items(self) -> list[tuple[Any, _Program]]:
        return list(self._by_key.items())

    def get(self, key: Any) -> _Program | None:
        return self._by_key.get(key)

    def find(self, key: Any, make: Callable[[], _Program]) -> _Program:
        """The program for a key, made if there is none."""
        if key in self._by_key:
            return self._by_key[key]
        self._make_room()
        return self._by_key.setdefault(key, make())

    def add(self, key: Any, program: _Program) -> None:
        self._make_room()
        self._by_key[key] = program

    def drop(self, program: _Program) -> list[Any]:
        """Forgets a program; the keys that it had."""
        keys = [key for key, other in self.items() if other is program]
        for key in keys:
            self._by_key.pop(key, None)
        self._drop_shortcuts(program)
        return keys

    def _drop_shortcuts(self, program: _Program) -> None:
        for key in [key for key, other in list(self.shortcuts.items()) if other is program]:
            self.shortcuts.pop(key, None)

    def _make_room(self) -> None:
        if len(self._by_key) < MOST:
            return
        self._drop_shortcuts(self._by_key.pop(next(iter(self._by_key))))
        if self.name:
            warnings.warn(
                f"{self.name}() was called with many structures of arguments; the oldest program goes. Is "
                "an argument static that should be a number?",
                RuntimeWarning,
                stacklevel=users_depth(),
            )
