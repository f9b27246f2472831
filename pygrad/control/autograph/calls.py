"""Whom converted code calls: functions of its own module are converted, too; some builtins are others."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any

from pygrad.control.autograph.branching import values
from pygrad.control.autograph.context import context
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.looping import Counted
from pygrad.control.autograph.merging import any_of, both, condition, is_staged
from pygrad.core.callables import FunctionOf
from pygrad.core.callers import is_pygrads
from pygrad.core.classes import in_class
from pygrad.core.implementation import FUNCTIONS, Value

_where = FUNCTIONS["where"]


def maximum(*args: Any, **named: Any) -> Any:
    """max(), of Values by their conditions."""
    return _extreme(builtins.max, lambda a, b: a > b, args, named)


def minimum(*args: Any, **named: Any) -> Any:
    """min(), of Values by their conditions."""
    return _extreme(builtins.min, lambda a, b: a < b, args, named)


def _extreme(
    function: Callable[..., Any],
    better: Callable[[Any, Any], Any],
    args: tuple[Any, ...],
    named: dict[str, Any],
) -> Any:
    items = list(args[0]) if len(args) == 1 and isinstance(args[0], Iterable) else list(args)
    if named or not any(map(is_staged, items)):
        return function(*(args if len(args) != 1 else (items,)), **named)
    best = items[0]
    for item in items[1:]:
        c = condition(better(item, best))
        best = (item if c else best) if type(c) is bool else _where(c, item, best)
    return best


def everything(items: Iterable[Any], /) -> Any:
    """all()"""
    found: Any = True
    for item in items:
        found = both(found, condition(item))
        if found is False:
            break
    return found


def anything(items: Iterable[Any], /) -> Any:
    """any()"""
    found: Any = False
    for item in items:
        found = any_of(found, condition(item))
        if found is True:
            break
    return found


def as_truth(x: Any = False, /) -> Any:
    """bool()"""
    return condition(x)


def as_range(*args: Any) -> Any:
    """range()"""
    if not any(isinstance(arg, Value) for arg in args):
        return range(*args)
    start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
    return Counted(start, stop, step)


def as_whole(x: Any = 0, /, *base: Any) -> Any:
    """int(); of a Value where a loop stands in the program once, the number without its fraction."""
    if is_staged(x) and not context.decides:
        return x.trunc()
    return int(x, *base)


def following(iterator: Any, *default: Any) -> Any:
    """next()"""
    if context.bodies or context.branches:
        raise AutographError(
            "next() is called in code that stands in the program once: make a list of the iterator before"
        )
    return next(iterator, *default)


_STANDING: dict[Any, Any] = {
    max: maximum,
    min: minimum,
    all: everything,
    any: anything,
    bool: as_truth,
    range: as_range,
    int: as_whole,
    next: following,
}
_OF_FUNCTIONS = (map, filter, sorted, functools.reduce)
_ROOMS = (["transform"], ["control"], ["programs"])  # of pygrad's functions of functions
_RANDOM = ("random", "numpy.random", "secrets")


def call_of(kind: type) -> FunctionType | None:
    """What a class has its objects called by, if that is a Python function."""
    found = in_class(kind, "__call__")
    return found if isinstance(found, FunctionType) else None


class Callee:
    """Finds what is to be called in the place of functions that converted code names."""

    def __init__(
        self, convert: Callable[[FunctionType], Any], scope: Callable[[Any], bool]
    ) -> None:
        """scope: whether a function is one of those that are converted."""
        self.convert, self.scope = convert, scope

    def of(self, item: Any) -> Any:
        try:
            standing = _STANDING.get(item)
        except TypeError:  # it has no hash
            standing = None
        if standing is not None:
            return standing
        if isinstance(item, FunctionType):
            return self.of_function(item)
        if isinstance(item, MethodType):
            function = self.of(item.__func__)
            return item if function is item.__func__ else MethodType(function, item.__self__)
        if isinstance(item, functools.partial):
            made = self.of(item.func)
            return (
                item if made is item.func else functools.partial(made, *item.args, **item.keywords)
            )
        if isinstance(item, type):
            return self.of_class(item)
        if context.bodies:
            self.refuse_random(item)
        if isinstance(item, FunctionOf) or any(item is each for each in _OF_FUNCTIONS):
            return item if isinstance(item, FunctionOf) else self.with_converted(item)
        called = call_of(type(item))
        if called is not None:
            function = self.of(called)
            return item if function is called else MethodType(function, item)
        return item

    def of_function(self, item: FunctionType) -> Any:
        if is_pygrads(item.__code__.co_filename):
            room = (item.__module__ or "").split(".")[1:2]
            return self.with_converted(item) if room in _ROOMS else item
        if context.bodies:
            self.refuse_random(item)
        return self.convert(item) if self.scope(item) else item

    def of_class(self, cls: type) -> Any:
        """What makes an object of a class, by its converted __init__."""
        init = cls.__init__  # type: ignore[misc]
        if type(cls) is not type or not isinstance(init, FunctionType) or not self.scope(init):
            return cls
        if cls.__new__ is not object.__new__ or not self.converts(init):
            return cls
        converted = self.of_function(init)

        def make(*args: Any, **named: Any) -> Any:
            new: Any = object.__new__(cls)
            converted(new, *args, **named)
            return new

        return make

    def converts(self, function: FunctionType) -> bool:
        """Whether there is a source to convert: dataclasses have written others themselves."""
        return not function.__code__.co_filename.startswith("<")

    def with_converted(self, function: Any) -> Any:
        """A function of functions, which is given converted ones."""

        def call(*args: Any, **named: Any) -> Any:
            return function(
                *[self.argument(arg) for arg in args],
                **{name: self.argument(arg) for name, arg in named.items()},
            )

        return call

    def argument(self, arg: Any) -> Any:
        return self.of(arg) if isinstance(arg, FunctionType | MethodType) else arg

    def refuse_random(self, item: Any) -> None:
        owner = getattr(item, "__self__", item)
        module = str(getattr(owner, "__module__", "") or type(owner).__module__)
        kinds = (module, type(owner).__module__)
        if any(kind == name or kind.startswith(f"{name}.") for name in _RANDOM for kind in kinds):
            name = getattr(item, "__name__", "a function")
            raise AutographError(
                f"{name}() gives another number at each call, and stands in the program once: draw the "
                "numbers before the loop"
            )


__all__ = ["Callee", "values"]
