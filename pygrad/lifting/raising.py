"""What lifted code raises: exceptions of the original's classes, whose methods take Values.

A class of exceptions is the original's in lifted code, as callers name it in `except`. One that is given a
Value becomes an object of a subclass with the methods that lifted code has for it, `__init__` and `__str__`
mostly. Texts of it show numbers, also in a trace, where the program has no part in them.
"""

from __future__ import annotations

import contextlib
import sys
import types
from types import CellType, FunctionType, MethodType
from typing import Any

from pygrad.core.callables import original_module
from pygrad.core.shown import shown
from pygrad.lifting.values import holds_values

LIFTED_FROM = "__lifted_from__"  # of a class that was made anew: the one that it stands for
_ORIGINAL = "__raised_as__"  # the same of a class of exceptions
_subclasses: dict[type, type] = {}  # by the original


def keep_methods(original: type, made: type) -> None:
    """Notes what a class statement of lifted code has made for a class of exceptions."""
    methods = {
        name: _with_class(item, original)
        for name, item in vars(made).items()
        if isinstance(item, FunctionType | property | staticmethod | classmethod)
    }
    bases = [_subclasses[base] for base in original.__bases__ if base in _subclasses]
    _subclasses[original] = subclass(original, methods, *bases)


def subclass(original: Any, methods: dict[str, Any], *rest: type) -> type:
    """A class that passes for the original, with texts and pickles as that has them."""
    made = unheard_class(original.__name__, (original, *rest), methods)
    made.__qualname__, made.__module__ = original.__qualname__, original.__module__
    setattr(made, _ORIGINAL, vars(original).get(LIFTED_FROM, original))
    made.__reduce__ = reduced
    if not isinstance(made.__str__, FunctionType):
        made.__str__ = _text
    kept: type = made
    return kept


class _Silent:
    """A first base, by which no other is told of a subclass."""

    def __init_subclass__(cls, **named: Any) -> None:
        pass


def unheard_class(name: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
    """A class that no __init_subclass__ is told of: there users note the classes that they have defined."""
    if not isinstance(bases[0].__init_subclass__, MethodType):  # but the one of object
        return types.new_class(name, bases, {}, lambda own: own.update(space))
    made: Any = types.new_class(name, (_Silent, *bases), {}, lambda own: own.update(space))
    # TypeError: of another layout; then subclasses of it are not told of, either
    with contextlib.suppress(TypeError):
        made.__bases__ = bases
    return made


def _text(self: BaseException) -> str:
    """What an exception without a text of its own shows: its arguments."""
    own = next(kind for kind in type(self).__mro__ if kind.__module__ == "builtins")
    return str(own(*shown(self.args)))


def _with_class(item: Any, original: type) -> Any:
    """The same method; super() without arguments comes after the original in it."""
    for function in (item, getattr(item, "fget", None), getattr(item, "__func__", None)):
        if isinstance(function, FunctionType) and "__class__" in function.__code__.co_freevars:
            place = function.__code__.co_freevars.index("__class__")
            assert function.__closure__ is not None
            cell: CellType = function.__closure__[place]
            cell.cell_contents = original
    return item


def reduced(self: Any) -> Any:
    """As the original, with numbers."""
    _, args, *rest = tuple(BaseException.__reduce__(self))
    return (_from_pickle, (getattr(type(self), _ORIGINAL), shown(args)), *map(shown, rest))


def _from_pickle(kind: Any, args: Any) -> Any:
    made = kind.__new__(kind, *args)
    made.args = args
    return made


def decorating(decorator: Any) -> Any:
    """What decorates a class in the place of dataclass() and its like, which have been at the original.

    A class statement of lifted code gives the original of an exception. What fills a class in would
    change it for all, or refuse one that is filled in.
    """
    home = original_module(getattr(decorator, "__module__", None))
    if home.partition(".")[0] not in _FILLING:
        return decorator

    def decorate(cls: Any) -> Any:
        return cls if isinstance(cls, type) and issubclass(cls, BaseException) else decorator(cls)

    return decorate


_FILLING = frozenset({"dataclasses", "attr", "attrs"})


def with_methods(kind: Any, depth: int = 1) -> Any:
    """A class of exceptions with the methods that lifted code has for it; any other thing is its own."""
    if not isinstance(kind, type) or kind.__module__ == "builtins":
        return kind
    own = getattr(sys._getframe(depth).f_globals, "of_exceptions", None)
    found = _subclasses.get(kind)
    return found or (own(kind) if own is not None and issubclass(kind, BaseException) else kind)


def raised(kind: Any) -> Any:
    """What is called in `raise kind(...)`."""
    found = with_methods(kind, 2)
    if found is kind:
        return kind

    def made(*args: Any, **named: Any) -> Any:
        return (found if holds_values([*args, *named.values()]) else kind)(*args, **named)

    return made
