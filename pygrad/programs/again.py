"""Calls of a map that come again: programs that `vmap` keeps by itself.

A map traces its function at each call, as the function may read something else by then. One that has a
reach (see reach.py) reads what it has read, as long as that holds: programs stay from its second call on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

from pygrad import _native
from pygrad.core.implementation import Value
from pygrad.core.structure import Structure, key_of
from pygrad.programs.plain import runs_on_floats
from pygrad.programs.reach import Reach, reach_of
from pygrad.programs.table import Programs

_FLOAT64 = np.dtype(np.float64)
_FLOATS = {float}
# Calls that pass before another look at a function that changes, or has no reach.
_LONGEST = 1 << 12

_Rows = TypeVar("_Rows", bound="_Mapping")


class _Mapping(Protocol):
    """What vmap() returns."""

    f: Any
    again: Again

    def keeping(self: _Rows, programs: Programs[Any]) -> _Rows:
        """The same, with programs that are kept."""


class Again:
    """What is known of a map from one call to the next."""

    __slots__ = ("_found", "_kept", "_left", "_wait", "keeps")

    def __init__(self, found: Reach | None = None) -> None:
        """found: the reach of the function, for a map whose programs are kept as long as that holds."""
        self.keeps = found is not None
        self._found: tuple[Reach | None] | None = None if found is None else (found,)
        self._kept: tuple[Reach, Any] | None = None
        # Calls before the next look, and between that and the one after it.
        self._left = self._wait = 1

    def reach(self, f: Callable[..., Any]) -> Reach | None:
        """The reach of the function as it is now, None if it has none."""
        known = self._found
        if known is None or (known[0] is not None and not known[0].holds()):
            self._found = known = (reach_of(f),)
        return known[0]

    def runs_on_floats(self, f: Callable[..., Any], arguments: Structure) -> bool:
        """See plain.py."""
        reach = self.reach(f)
        if reach is None:
            return runs_on_floats(f, arguments)
        key = key_of(arguments)
        if reach.on_floats is None or reach.on_floats[0] != key:
            reach.on_floats = key, runs_on_floats(f, arguments)
        return reach.on_floats[1]

    def rows(self, of: _Rows, args: tuple[Any, ...]) -> _Rows | None:
        """The map with programs that are there from earlier calls, or stay for later ones; None if it is
        not known that they may."""
        kept = self._kept
        if kept is None and self._left > 0:
            self._left -= 1
            return None
        if _native.watching():  # a trace tells debug_nans of each operation, and a program of none
            return None
        if kept is None:
            return self._look(of) if all(map(_is_plain, args)) else None
        reach, rows = kept
        if not reach.holds():
            if not _native.trace_active():
                self._kept = None
                self._wait_longer()
            return None
        return rows if all(map(_is_plain, args)) else None

    def _look(self, of: _Rows) -> _Rows | None:
        reach = self.reach(of.f)
        if reach is None or not reach.lasts:
            self._wait_longer()
            return None
        rows = of.keeping(Programs(holds=reach.holds))
        rows.again = Again(reach)
        self._kept = reach, rows
        return rows

    def _wait_longer(self) -> None:
        self._left = self._wait = min(2 * self._wait, _LONGEST)


def _is_plain(arg: Any) -> bool:
    """Whether it is floats, Values and arrays of floats, alone or in lists, tuples and dicts."""
    kind = type(arg)
    if kind is np.ndarray:
        return arg.dtype is _FLOAT64
    if kind is list or kind is tuple:
        return _FLOATS.issuperset(map(type, arg)) or all(map(_is_plain, arg))
    if kind is dict:
        return all(type(name) is str for name in arg) and all(map(_is_plain, arg.values()))
    return kind is float or kind is Value
