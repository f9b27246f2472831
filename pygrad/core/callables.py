"""Functions made of other functions: what transforms, vmap() and compile() return.

Each kind has a class and is known by it, never by an attribute: functools.wraps copies attributes from one
function to another, and a user's function may have any. They look like the function they are made of.
"""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

LIFTED = "pygrad.lifted."  # begins the names of lifted modules, for pickles

P = ParamSpec("P")
R = TypeVar("R")
_Rest = ParamSpec("_Rest")
_Self = TypeVar("_Self")
_Result = TypeVar("_Result")
_Made = TypeVar("_Made", bound="FunctionOf[..., Any]")
_Method = TypeVar("_Method", bound="MethodOf[..., Any]")

PICKLERS_BY_VALUE = ("cloudpickle", "joblib.externals.cloudpickle", "dill")  # of functions


def function_name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def original_module(module: Any) -> str:
    """The name of a module that a function says it is of, without what lifting puts before it.

    Some say none, and of a slot of a class it is no text.
    """
    return module.removeprefix(LIFTED) if isinstance(module, str) else ""


def found_by_name(module: str | None, name: str) -> Any:
    """What a module that was imported has under a dotted name, or None."""
    found = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def users_function(f: Any) -> Any:
    """What somebody has written: a function without what pygrad and functools.partial have made of it."""
    while isinstance(f, (FunctionOf, functools.partial)):
        f = f.f if isinstance(f, FunctionOf) else f.func
    return f


def _check_pickled(made: FunctionOf[..., Any]) -> None:
    """PicklingError for what is made of a function that no other process could import."""
    f = users_function(made)
    if not isinstance(f, FunctionType) or f.__module__.startswith("pygrad."):
        return
    name = f.__qualname__
    if found_by_name(f.__module__, name) is f:
        return
    if any(pickler in sys.modules for pickler in PICKLERS_BY_VALUE):  # they take any function
        return
    if f.__name__ == "<lambda>":
        why = "a lambda has no name"
    elif "<locals>" in name:
        why = "it was defined in another function"
    else:
        why = f"{f.__module__}.{name} is something else: define or decorate it under the name that it has"
    raise pickle.PicklingError(
        f"{made!r} cannot be pickled, as no other process could import that function: {why}. Define it by "
        "def at the top of a module, or use cloudpickle, which takes the code along"
    )


class FunctionOf(Generic[P, R]):
    """A function made of another one, which is ``f``. Attributes of f are its own, too."""

    # What a class needs for itself stands in slots: no attribute of f can take its place.
    __slots__ = ("__dict__", "__weakref__", "f")

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        functools.update_wrapper(self, f, updated=())
        self.__name__ = function_name(f)
        of_f = getattr(f, "__dict__", None)
        if of_f:
            own, kind = self.__dict__, type(self)
            for name, attribute in of_f.items():
                if name not in own and not hasattr(kind, name):
                    own[name] = attribute

    def __repr__(self) -> str:
        kind = type(self)
        return f"<{kind.__module__}.{kind.__qualname__} of {function_name(self.f)}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        raise NotImplementedError

    def of_values(self) -> tuple[Any, ...]:
        """The functions of the user's that it hands Values to."""
        return (self.f,)

    def made_from(self) -> tuple[Any, ...]:
        """What the class makes the same from."""
        raise NotImplementedError

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By name if that leads here, as for every function; else by what it is made from."""
        name: str = getattr(self, "__qualname__", "")
        by_value = self.__module__ == "__main__" and any(
            p in sys.modules for p in PICKLERS_BY_VALUE
        )
        if not by_value and found_by_name(self.__module__, name) is self:
            return name
        _check_pickled(self)
        return type(self), self.made_from()

    # It has nothing that changes, so a copy is itself, as of every function.

    def __copy__(self: _Made) -> _Made:
        return self

    def __deepcopy__(self: _Made, memo: dict[int, Any]) -> _Made:
        return self


class MethodOf(FunctionOf[P, R]):
    """The same as functions are in one more way: a class has them as methods."""

    __slots__ = ()

    @overload
    def __get__(self: _Method, instance: None, owner: Any = None) -> _Method: ...
    @overload
    def __get__(
        self: MethodOf[Concatenate[_Self, _Rest], _Result], instance: _Self, owner: Any = None
    ) -> Callable[_Rest, _Result]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)


class Transformable:
    """A function that decides what becomes of its derivatives: those of a compiled one are compiled."""

    __slots__ = ()

    def transformed(self, derivative: Callable[..., Any]) -> Callable[..., Any]:
        """What to return in the place of a derivative that was made of this function."""
        raise NotImplementedError
