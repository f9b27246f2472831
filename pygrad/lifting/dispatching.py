"""functools as lifted code sees it: dispatch takes a Value for a float, and caches are left out for one."""

from __future__ import annotations

import functools
from collections.abc import Callable
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


class singledispatchmethod(functools.singledispatchmethod):  # type: ignore[type-arg]  # noqa: N801
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


CHANGES = {
    made.__name__: made for made in (singledispatch, singledispatchmethod, lru_cache, cache)
}
