"""What a rule reads from elsewhere, as it is when the function is called.

A rule runs later, where a derivative is wanted. If a global, an attribute or a variable around it that it
reads was assigned in between, the derivative is that of something else, and the user is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from pygrad.core import implementation
from pygrad.core.callables import function_name
from pygrad.core.callers import warn_once
from pygrad.core.instructions import steps_of
from pygrad.core.reading import codes_within

_STORES = frozenset({"STORE_ATTR", "STORE_DEREF", "STORE_GLOBAL", "STORE_NAME"})


class Reads:
    """What functions read from elsewhere, at one time."""

    __slots__ = ("_captures", "_functions")

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        from pygrad.programs.captures import Captures  # which the reference has not

        self._functions = functions
        self._captures = [Captures(f) for f in functions]

    def hold(self) -> bool:
        """Whether all is as it was."""
        return all(captures.hold() for captures in self._captures)

    def changed(self) -> list[str]:
        """What has been assigned since, as users call it, by others than the functions themselves."""
        now = Reads(self._functions)
        pairs = zip(now._captures, self._captures, strict=True)
        names = [name for new, old in pairs for name in new.changed_from(old)]
        own = {name for f in self._functions for name in _assigned_by(f)}
        return [name for name in dict.fromkeys(names) if name.rpartition(".")[2] not in own]


def reads_of(functions: Sequence[Callable[..., Any]], known: Reads | None) -> Reads | None:
    """What functions read now, which is what is known as long as that holds."""
    if implementation.IMPLEMENTATION != "compiled" or (known is not None and known.hold()):
        return known
    return Reads(functions)


def tell_of_changes(reads: Reads | None, f: Callable[..., Any]) -> None:
    """A RuntimeWarning if what the rule of f reads is no longer what it was when f was called."""
    if reads is None or reads.hold():
        return
    names = reads.changed()
    if names:
        name = function_name(f)
        warn_once(
            f"{', '.join(names)} has changed since {name}() was called, whose rule reads it, and runs now: "
            "the derivative is that for what is there now. Hand it over as an argument, which a rule gets "
            "as it was, by nondiff_argnums if it has no derivative"
        )


def _assigned_by(f: Any) -> set[str]:
    """Names, of attributes too, that a function assigns itself: a count of its calls, say."""
    code = getattr(getattr(f, "__func__", f), "__code__", None)
    if not isinstance(code, CodeType):
        return set()
    steps = itertools.chain.from_iterable(map(steps_of, codes_within(code)))
    return {step.argval for step in steps if step.opname in _STORES}
