"""`autograph`.

>>> from pygrad import autograph, vmap
>>> import numpy as np
>>> @autograph
... def halvings(x):
...     n = 0
...     while x >= 1.0:
...         x = x / 2
...         n += 1
...     return n
>>> halvings(100.0)
7
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, overload

from pygrad.control.autograph.calls import Callee, call_of
from pygrad.control.autograph.context import context
from pygrad.control.autograph.source import convert
from pygrad.control.bodies import checked_trips
from pygrad.core.callables import FunctionOf, MethodOf, P, R, function_name
from pygrad.core.implementation import trace_active


class Autograph(MethodOf[P, R]):
    """What autograph() returns: call it like the function."""

    __slots__ = ("max_trips",)

    def __init__(self, f: Callable[..., Any], max_trips: int | None = None) -> None:
        super().__init__(f)
        self.max_trips = max_trips

    def made_from(self) -> tuple[Any, ...]:
        return self.f, self.max_trips

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not trace_active():
            return self.f(*args, **kwargs)  # type: ignore[no-any-return]
        was = context.max_trips, context.refusal
        context.max_trips = was[0] if self.max_trips is None else self.max_trips
        context.refusal = None
        try:
            result = _converted(self.f)(*args, **kwargs)
            if context.refusal is not None:  # which a handler of everything has caught
                raise context.refusal
            return result  # type: ignore[no-any-return]
        finally:
            context.max_trips, context.refusal = was


@overload
def autograph(f: Callable[P, R], *, max_trips: int | None = None) -> Autograph[P, R]: ...
@overload
def autograph(
    f: None = None, *, max_trips: int | None = None
) -> Callable[[Callable[P, R]], Autograph[P, R]]: ...
def autograph(f: Callable[..., Any] | None = None, *, max_trips: int | None = None) -> Any:
    """f, whose own loops and branches are those of the program, where it is traced by `compile` or `vmap`.

    `while`, `for`, `if`, `break`, `continue`, `return`, `assert`, conditional expressions, `and`, `or`,
    `not` and chains of comparisons of its source, and of the functions of its module that it calls, ask in
    a trace whether they depend on Values. What does is one loop, or a choice by `where`, and no path of its
    own. All else stays Python, as does everything outside traces. What a loop carries are variables, items
    of containers and attributes of objects, wherever they are changed. One that has not ended for some row
    after max_trips trips is a RuntimeError.

    Raises:
        AutographError: in a trace, where a loop cannot be one of a program. It names the line and why.

    >>> from pygrad import autograph, compile
    >>> @compile
    ... @autograph
    ... def f(x):
    ...     if x > 0:
    ...         return x * x
    ...     return -x
    >>> f(3.0), f(-3.0), len(f.programs)
    (9.0, 3.0, 1)
    """
    if max_trips is not None:
        checked_trips(max_trips, "autograph")
    if f is None:
        return functools.partial(autograph, max_trips=max_trips)
    if isinstance(f, Autograph):
        return f if max_trips is None else Autograph(f.f, max_trips)
    if not callable(f):
        raise TypeError(f"autograph() takes a function, not {f!r}")
    if isinstance(f, FunctionOf):
        raise TypeError(
            f"autograph the function itself, and then {type(f).__name__.lower()} it: autograph() "
            "comes first"
        )
    if not isinstance(f, FunctionType | MethodType | functools.partial) and not _is_python(f):
        raise TypeError(
            f"{function_name(f)} is no Python function, whose source could be converted"
        )
    return Autograph(f, max_trips)


def within(f: Callable[..., Any]) -> Any:
    """autograph() of the function that a transform or a map is of."""
    if isinstance(f, Autograph) or not isinstance(f, FunctionOf):
        return autograph(f)
    try:
        first, *others = f.made_from()
    except NotImplementedError:
        first, others = None, []
    if first is not f.f:
        raise TypeError(
            f"autograph=True does not reach the function in {f!r}: autograph that, and then "
            f"{type(f).__name__.lower()} it"
        )
    return type(f)(within(f.f), *others)


def _is_python(f: Any) -> bool:
    if isinstance(f, type):
        return isinstance(vars(f).get("__init__"), FunctionType)
    return call_of(type(f)) is not None


def _converted(f: Any) -> Any:
    if isinstance(f, FunctionType):
        return convert(f, strict=True)
    if isinstance(f, MethodType):
        return MethodType(_converted(f.__func__), f.__self__)
    if isinstance(f, functools.partial):
        return functools.partial(_converted(f.func), *f.args, **f.keywords)
    if isinstance(f, FunctionOf):
        return f
    called = call_of(type(f))
    if called is not None:
        return MethodType(_converted(called), f)
    if isinstance(f, type):
        return Callee(convert, lambda g: True).of(f)
    raise TypeError(f"{function_name(f)} is no Python function, whose source could be converted")
