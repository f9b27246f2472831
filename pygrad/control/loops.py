"""`while_loop` and `fori_loop`.

>>> from pygrad import fori_loop, grad, while_loop
>>> while_loop(lambda s: s[0] < 100.0, lambda s: (s[0] * 2.0, s[1] + 1), (1.0, 0))
(128.0, 7)
>>> grad(lambda x: fori_loop(0, 3, lambda i, y: x * y, 1.0))(2.0)
12.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pygrad.control.autograph.branching import settle
from pygrad.control.bodies import checked_trips, loop
from pygrad.control.state import State, is_like, must_be_alike
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value, trace_active

T = TypeVar("T")


def while_loop(
    cond_fun: Callable[[T], Any],
    body_fun: Callable[[T], T],
    init_val: T,
    *,
    max_trips: int | None = None,
) -> T:
    """The state after `while cond_fun(state): state = body_fun(state)`, which begins with init_val.

    The state is a number or a list, tuple, dict, dataclass or array of numbers, in any nesting. It has to
    be of the same kind after each trip. max_trips: how many trips there may be; more are a RuntimeError.

    Outside traces that is what runs, on Values and on plain numbers. In a trace, of `compile` or `vmap`,
    the body is traced once, and is one part of the program however many trips a row takes.

    Raises:
        TypeError: body_fun returns something of another kind than it is given.
        RuntimeError: there are more than max_trips trips.
    """
    most = checked_trips(max_trips, "while_loop")
    return bounded_while(cond_fun, body_fun, init_val, most, lambda: too_many(most, "while_loop"))


def bounded_while(
    cond_fun: Callable[[T], Any],
    body_fun: Callable[[T], T],
    init_val: T,
    most: int,
    excess: Callable[[], RuntimeError],
) -> T:
    """The same with so many trips at most; excess: makes the error of more, but in programs."""
    if trace_active():
        return _traced_while(cond_fun, body_fun, init_val, most)  # type: ignore[no-any-return]
    state, trips = init_val, 0
    while cond_fun(state):
        if trips == most:
            raise excess()
        state, before, trips = body_fun(state), state, trips + 1
        if not is_like(before, state):
            must_be_alike(before, state, "init_val", body_fun, "while_loop")
    return state


def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[[Any, T], T],
    init_val: T,
    *,
    max_trips: int | None = None,
) -> T:
    """The state after `for i in range(lower, upper): state = body_fun(i, state)`, which begins with
    init_val.

    upper and lower are whole numbers; Values, too, whose numbers are whole. See `while_loop` for the state.
    In a trace i is a Value, so it is no index of a list: `scan` has the items of sequences.

    Raises:
        TypeError: body_fun returns something of another kind than it is given.
        RuntimeError: there are more than max_trips trips.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    most = checked_trips(max_trips, "fori_loop")
    _check_whole(lower, "lower")
    _check_whole(upper, "upper")
    if trace_active():
        return _traced_for(lower, upper, body_fun, init_val, most)  # type: ignore[no-any-return]
    i, state, trips = lower, init_val, 0
    while i < upper:
        if trips == most:
            raise too_many(most, "fori_loop")
        state, before, trips = body_fun(i, state), state, trips + 1
        if not is_like(before, state):
            must_be_alike(before, state, "init_val", body_fun, "fori_loop")
        i = i + 1
    return state


def too_many(most: int, name: str) -> RuntimeError:
    return RuntimeError(
        f"{name}() has not ended after {most} trips, which is max_trips: does its condition become "
        "false? Give a larger max_trips if it takes more"
    )


def _check_whole(bound: Any, name: str) -> None:
    number = bound if isinstance(bound, (int, float)) else None
    if isinstance(bound, Value):
        number = None if trace_active() else bound.data
    if number is not None and number % 1 != 0:
        raise ValueError(f"{name} of fori_loop() must be a whole number, not {bound!r}")


# -- in traces -------------------------------------------------------------------------------------


def _traced_while(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any, most: int
) -> Any:
    state = State.of(init_val, "init_val")

    def body(items: list[Any]) -> tuple[list[Any], Any]:
        result = body_fun(state.arrange(items))
        found = must_be_alike(init_val, result, "init_val", body_fun, "while_loop")
        return found.items, cond_fun(state.arrange(found.items))

    items = loop(body, state.items, cond_fun(init_val), most)
    settle()
    return state.arrange(items)


def _traced_for(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any, most: int
) -> Any:
    state = State.of(init_val, "init_val")

    def body(items: list[Any]) -> tuple[list[Any], Any]:
        i, *rest = items
        try:
            result = body_fun(i, state.arrange(rest))
        except TypeError as error:
            if "as an index" in str(error):
                raise TypeError(
                    f"{error}. In a trace the index that {function_name(body_fun)}() is given is a "
                    "Value: take items of sequences by scan(f, init, xs)"
                ) from error
            raise
        found = must_be_alike(init_val, result, "init_val", body_fun, "fori_loop")
        return [i + 1, *found.items], i + 1 < upper

    items = loop(body, [lower, *state.items], lower < upper, most, upper - lower)
    settle()
    return state.arrange(items[1:])
