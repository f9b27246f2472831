"""Builtins of lifted code: what takes floats takes Values, and does with them what it does with floats.

>>> as_float(Value(2.5)), is_instance(Value(2.5), (int, float))
(Value(data=2.5, grad=0.0), True)
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from pygrad.core.implementation import Value


def as_float(x: Any = 0.0, /) -> Any:
    """float(x); of a Value the Value."""
    if isinstance(x, Value):
        return x
    try:
        return float(x)
    except TypeError:
        item = getattr(x, "item", None)  # an array of one Value
        if callable(item) and isinstance(only := item(), Value):
            return only
        raise


def is_instance(x: Any, kinds: Any, /) -> bool:
    """isinstance(x, kinds); a Value is a float."""
    return isinstance(x, kinds) or (isinstance(x, Value) and isinstance(0.0, kinds))


def kind_of(x: Any, /, *rest: Any, **named: Any) -> Any:
    """type(x); of a Value float."""
    return float if not rest and isinstance(x, Value) else type(x, *rest, **named)


def is_callable_as(function: Callable[..., Any]) -> str:
    """The name under which rewritten code calls a function."""
    return f"__lifted_{function.__name__}__"


# Calls of these names are rewritten to calls of the functions.
CALLS: dict[str, Callable[..., Any]] = {"float": as_float, "type": kind_of}

# In the place of the builtins, for code that may be rewritten or not.
BUILTINS: dict[str, Any] = {
    **vars(builtins),
    "isinstance": is_instance,
    **{is_callable_as(function): function for function in CALLS.values()},
}
