"""The programs of one function, by what they were made for; there are never more than a few."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from pygrad.core.callers import users_depth

MOST = 64  # programs of one function

_Program = TypeVar("_Program")


class Programs(Generic[_Program]):
    """A table of programs by keys. Where a new one has no place the oldest goes.

    Threads may share one: each change is a single step of a dict, and none looks first and changes then.
    """

    def __init__(self, name: str = "", holds: Callable[[], bool] | None = None) -> None:
        """name: of the function, for a warning when a program goes; "" for none. holds: see Paths; for
        programs that are made for the table."""
        self.name, self.holds = name, holds
        self._by_key: dict[Any, _Program] = {}
        # Some of them, by keys that take less time to find.
        self.shortcuts: dict[Any, _Program] = {}
        # Maps of derivatives, with tables of their own: see derived.py.
        self.derived: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: Any) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[_Program]:
        return iter([program for _, program in self.items()])

    def items(self) -> list[tuple[Any, _Program]]:
        return _copied(self._by_key)

    def get(self, key: Any) -> _Program | None:
        return self._by_key.get(key)

    def find(self, key: Any, make: Callable[[], _Program]) -> _Program:
        """The program for a key, made if there is none."""
        try:
            return self._by_key[key]
        except KeyError:
            pass
        program = self._by_key.setdefault(key, make())
        self._keep_to_most()
        return program

    def add(self, key: Any, program: _Program) -> None:
        self._by_key[key] = program
        self._keep_to_most()

    def shorten(self, shortcut: Any, key: Any, program: _Program) -> None:
        """A shortcut to a program, if it is still there under its key."""
        self.shortcuts[shortcut] = program
        if self._by_key.get(key) is not program:  # another thread has dropped it, now or before
            self._drop_shortcuts(program)

    def drop(self, program: _Program) -> list[Any]:
        """Forgets a program; the keys that it had."""
        keys = [key for key, other in self.items() if other is program]
        for key in keys:
            self._by_key.pop(key, None)
        self._drop_shortcuts(program)
        return keys

    def forget(self, key: Any) -> None:
        """The same by one key."""
        program = self._by_key.pop(key, None)
        if program is not None:
            self._drop_shortcuts(program)

    def _drop_shortcuts(self, program: _Program) -> None:
        for key in [key for key, other in _copied(self.shortcuts) if other is program]:
            self.shortcuts.pop(key, None)

    def _keep_to_most(self) -> None:
        while (more := len(self._by_key) - MOST) > 0:
            for key, _ in self.items()[:more]:
                # What is there now: another thread may have been here
                gone = self._by_key.pop(key, None)
                if gone is not None:
                    self._drop_shortcuts(gone)
                    self._warn()

    def _warn(self) -> None:
        if self.name:
            warnings.warn(
                f"{self.name}() was called with many structures of arguments; the oldest program goes. Is "
                "an argument static that should be a number?",
                RuntimeWarning,
                stacklevel=users_depth(),
            )


def _copied(table: dict[Any, _Program]) -> list[tuple[Any, _Program]]:
    """What is in a table now, or was a moment ago, while other threads change it."""
    while True:
        try:
            return list(table.items())
        except RuntimeError:  # it has changed size: a collection on the way has let them run
            continue
