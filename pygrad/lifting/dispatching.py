"""Decorators of lifted code: functools dispatches a Value as a float, and keeps none in its caches.

What numba would compile stays Python.
"""

from __future__ import annotations

import functools
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
    """functools.lru_cache; a call with Values is done over each time."""
    if callable(maxsize):
        return _around(functools.lru_cache(maxsize))
    return lambda f: _around(functools.lru_cache(maxsize, typed)(f))


def cache(user_function: Callable[..., Any], /) -> Any:
    """functools.cache; a call with Values is done over each time."""
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
    f = cached.__wrapped__

    @functools.wraps(f)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return cached(*args, **named)
        except TypeError:
            if not holds_values([*args, *named.values()]):
                raise
        return f(*args, **named)

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
