"""Decorators of lifted code: functools dispatches a Value as a float, and its caches keep none.

What is computed of Values is remembered until the outermost call of the function ends, so that recursion
takes as many calls as of floats.

What numba would compile stays Python.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from pygrad.core.implementation import Value
from pygrad.lifting.values import holds_values

__lifted__ = True  # Values have no hash here, as in all lifted code: no cache finds one


def singledispatch(func: Callable[..., Any]) -> Any:
    """functools.singledispatch; a Value goes where a float goes."""
    made = functools.singledispatch(func)
    dispatch = made.dispatch

    def of_kind(cls: Any) -> Callable[..., Any]:
        return dispatch(float if issubclass(cls, Value) else cls)

    @functools.wraps(func)
    def call(*args: Any, **named: Any) -> Any:
        if not args:
            return made(*args, **named)
        return of_kind(args[0].__class__)(*args, **named)

    vars(call).update(vars(made), dispatch=of_kind)
    return call


class singledispatchmethod(functools.singledispatchmethod):  # type: ignore[type-arg]
    """functools.singledispatchmethod; a Value goes where a float goes."""

    def __init__(self, func: Any) -> None:
        super().__init__(func)
        self.dispatcher = singledispatch(func)


def lru_cache(maxsize: Any = 128, typed: bool = False) -> Any:
    """functools.lru_cache; a call with Values is remembered within a call."""
    if callable(maxsize):
        return _around(functools.lru_cache(maxsize))
    return lambda f: _around(functools.lru_cache(maxsize, typed)(f))


def cache(user_function: Callable[..., Any], /) -> Any:
    """functools.cache; a call with Values is remembered within a call."""
    return _around(functools.cache(user_function))


def cached_function(item: Any) -> FunctionType | None:
    """The function that functools.cache or lru_cache has wrapped in an item; None if they have not."""
    wrapped = getattr(item, "__wrapped__", None)
    return wrapped if isinstance(wrapped, FunctionType) and hasattr(item, "cache_info") else None


def dispatched_function(item: Any) -> FunctionType | None:
    """The same of functools.singledispatch."""
    wrapped = getattr(item, "__wrapped__", None)
    given = (
        isinstance(wrapped, FunctionType)
        and hasattr(item, "registry")
        and hasattr(item, "dispatch")
    )
    return wrapped if given else None


def _around(cached: Any) -> Any:
    of_values = within_one_call(cached.__wrapped__, cached)

    @functools.wraps(cached.__wrapped__)
    def call(*args: Any, **named: Any) -> Any:
        if holds_values([*args, *named.values()]):
            return of_values(*args, **named)
        return cached(*args, **named)

    return _with_methods_of(cached, call)


class _Calls(threading.local):
    """What a thread's calls of a function have given, by their arguments; and how many are under way."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}
        self.depth = 0


def within_one_call(f: Callable[..., Any], cached: Any) -> Any:
    """f, that remembers what it gave until its outermost call ends. cached: as functools has it."""
    calls = _Calls()

    @functools.wraps(f)
    def call(*args: Any, **named: Any) -> Any:
        key = tuple([*map(_key, args), *[(name, _key(named[name])) for name in sorted(named)]])
        try:
            if key in calls.known:
                return calls.known[key][0]
        except TypeError:  # a list, say
            return f(*args, **named)
        calls.depth += 1
        try:
            result = f(*args, **named)
            calls.known[key] = result, args, named  # or the id of a Value could be another's
            return result
        finally:
            calls.depth -= 1
            if not calls.depth:
                calls.known.clear()

    return _with_methods_of(cached, call)


def _key(x: Any) -> Any:
    """An argument as a part of a key: a number is none of another type, and a Value is itself alone."""
    return (Value, id(x)) if isinstance(x, Value) else (type(x), x)


def _with_methods_of(cached: Any, call: Any) -> Any:
    for name in ("cache_info", "cache_clear", "cache_parameters"):
        setattr(call, name, getattr(cached, name))
    return call


CHANGES = {made.__name__: made for made in (singledispatch, singledispatchmethod, lru_cache, cache)}


# -- numba -----------------------------------------------------------------------------------------


def lifted_numba(numba: ModuleType) -> ModuleType:
    """A module as numba, whose decorators leave functions as they are."""
    lifted = ModuleType(numba.__name__, numba.__doc__)
    made = dict.fromkeys(("jit", "njit", "vectorize", "guvectorize"), _compiling)
    vars(lifted).update(made, __getattr__=lambda name: getattr(numba, name))
    return lifted


def compiled_function(item: Any) -> FunctionType | None:
    """The function that numba's decorators have made an item of; None if they have not."""
    if not type(item).__module__.startswith("numba."):
        return None
    function = getattr(item, "py_func", None)
    return function if isinstance(function, FunctionType) else None


def _compiling(*args: Any, **named: Any) -> Any:
    """The decorator, or what it makes of a function."""
    return _left(args[0]) if args and isinstance(args[0], FunctionType) else _left


def _left(f: Any) -> Any:
    """The function itself; the original's compiled one would see the original's settings."""
    f.py_func = f
    return f
