"""The implementations that are in use, and which of them a Value is of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Engine(NamedTuple):
    """What an implementation gives to those who compute with its Values."""

    Value: Any
    functions: dict[str, Callable[..., Any]]
    dot: Callable[..., Any]
    trace_active: Callable[[], bool]
    refusal: Callable[..., str]
    refused: Callable[[Exception], None]
    search: Callable[[Any, Any, int], Any]
    take: Callable[[Any, Any], Any]
    Condition: Any = ()  # the class of what a comparison gives in a trace; () where there are no traces
    # Whether the body of a loop is traced, for all its trips at once, so that no truth is to be had.
    loop_active: Callable[[], bool] = bool


# Ops that math gives ints for; and those whose results are indices.
WHOLE = frozenset({"floor", "ceil", "trunc", "round"})
INDICES = WHOLE | {"search"}
MARK = "__lifted__"  # a global of lifted code, by which ** and == know where they are called

engines: list[Engine] = []
waiting: set[type] = set()  # classes that stand for arrays of what a trace has not asked for yet
_kinds: tuple[Any, ...] = ()
_conditions: tuple[Any, ...] = ()


def called_by_lifted_code() -> bool:
    """Whether the first caller that is none of pygrad's own is lifted."""
    frame: Any = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("pygrad."):
        frame = frame.f_back
    return frame is not None and MARK in frame.f_globals


def register(engine: Engine) -> None:
    """An implementation says that it is there."""
    global _kinds, _conditions  # noqa: PLW0603  asked once per operand, so it is no property
    engines.append(engine)
    _kinds = tuple(e.Value for e in engines)
    _conditions = tuple(e.Condition for e in engines)


def is_value(x: object) -> bool:
    """Whether x is a Value of either implementation."""
    return isinstance(x, _kinds)


def traces() -> bool:
    """Whether a function is traced in this thread, so that there are conditions."""
    if len(engines) == 1:
        return engines[0].trace_active()
    return any(engine.trace_active() for engine in engines)


def is_condition(x: object) -> bool:
    """Whether x is what a comparison gives in a trace: a Value of 0 or 1, a guard once it is asked."""
    return isinstance(x, _conditions)


def waits(x: object) -> bool:
    """Whether x stands for an array of such, or of whole numbers that were computed from them."""
    return type(x) in waiting


def is_value_type(kind: type) -> bool:
    """Whether a class is that of Values, or one made of it."""
    return issubclass(kind, _kinds)


def engine_of(items: Iterable[Any]) -> Engine:
    """The implementation of the first Value among items; of no Values, any."""
    if len(engines) == 1:
        return engines[0]
    first = next(filter(is_value, items), None)
    return next((e for e in engines if isinstance(first, e.Value)), engines[0])


def has_values(x: Any) -> bool:
    """Whether x is a Value, or a list, a tuple or an array of objects that has some."""
    if isinstance(x, list | tuple):
        return any(map(has_values, x))
    return isinstance(x, _kinds) or is_array_with_values(x)


def of_numpy(name: str) -> Any:
    """What NumPy has under a name, a class; (), which nothing is of, where it has none: without importing
    NumPy, which another thread may import just now."""
    return getattr(sys.modules.get("numpy"), name, ())


def is_array(x: Any) -> bool:
    """Whether x is a NumPy array; see of_numpy."""
    return isinstance(x, of_numpy("ndarray"))


def is_array_with_values(x: Any) -> bool:
    """Whether x is an array that has Values; without importing NumPy."""
    if type(x) in waiting:
        return True
    return (
        is_array(x)
        and x.dtype == object
        and any(isinstance(item, _kinds) for item in x.ravel().tolist())
    )
