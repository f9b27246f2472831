"""Functions and classes of scripts, notebooks and tests that were lifted, under names for pickles.

What `lift(f)` makes of a function of a module that is not imported twice says that it is of
`pygrad.lifted.MODULE.__anew__`, so that it pickles by name. Who unpickles it finds it there: what was
made of f, or what is made of it then. A decorated one is found under the name that it has in its module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pygrad.core.callables import LIFTED, found_by_name

DOORS = {"__anew__": True, "__unrounded__": False}  # whether what is found there rounds to digits
_NAMES = {rounding: name for name, rounding in DOORS.items()}


class _Made(NamedTuple):
    original: Any
    lifted: Any


_made: dict[tuple[str, str, bool], _Made] = {}
_makers: list[Callable[[Any, bool], Any]] = []


def set_maker(lift: Callable[[Any, bool], Any]) -> None:
    """What lifts a function or a class that nobody has lifted in this process."""
    _makers[:] = [lift]


def lifted_later(f: Any) -> Any:
    """A function that lifted code has made, lifted."""
    return _makers[0](f, True)


def made_anew(target: Any, rounding: bool, make: Callable[[Any, bool], Any]) -> Any:
    """What was made of a function or a class, or make(target, rounding), with a name that leads to it."""
    module, name = getattr(target, "__module__", None), getattr(target, "__qualname__", "")
    if not module or "." in name or found_by_name(module, name) is not target:
        return make(target, rounding)
    before = _made.get((module, name, rounding))
    if before is not None and before.original is target:
        return before.lifted
    lifted = make(target, rounding)
    if lifted is not target:
        lifted.__module__ = f"{LIFTED}{module}.{_NAMES[rounding]}"
        _made[module, name, rounding] = _Made(target, lifted)
    return lifted


def found_anew(module: str, name: str, rounding: bool) -> Any:
    """What was made of what a module has under a name; AttributeError if it has nothing."""
    __import__(module)
    found = found_by_name(module, name)
    before = _made.get((module, name, rounding))
    if before is not None and (found is before.original or found is before.lifted):
        return before.lifted
    if not callable(found):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return _makers[0](found, rounding)
