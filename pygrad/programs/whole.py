"""Inputs of a trace that the caller has given as ints: they are no keys.

Elsewhere an int is found in a set or a dict by its number. An input is found there by which object it is,
so that `n in table` would be false, and `table.get(n, other)` the other, whatever the number.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pygrad.core.implementation import OF_VALUE, Value

_NO_KEY = (
    "an int that is an input of a program is no key of a dict or a set: it is a Value there, which is not "
    "found by its number. Compare it by `==`, or make it static: compile by static_argnums, vmap by "
    "closing over it"
)


# Types of arguments that are no int, and have none in them.
WITHOUT_INTS = frozenset({float, bool, str, bytes, type(None), Value, np.ndarray, np.float64})


class Whole(Value):
    """Such an input."""

    __slots__ = ()

    def __hash__(self) -> int:
        error = TypeError(_NO_KEY)
        setattr(error, OF_VALUE, id(self))
        raise error


class _Given(threading.local):
    """Which inputs of what is traced now are ints."""

    places: Sequence[int] = ()


_given = _Given()


def is_whole(x: Any) -> bool:
    """Whether something is an int, which may be one of NumPy's."""
    return type(x) is int or (isinstance(x, np.integer) and not isinstance(x, np.timedelta64))


def ints_among(items: Sequence[Any]) -> list[int]:
    """Where ints stand."""
    return [i for i, item in enumerate(items) if type(item) is int]


@contextmanager
def with_ints(places: Sequence[int]) -> Iterator[None]:
    """What is traced meanwhile is given ints at these places among its numbers."""
    before, _given.places = _given.places, places
    try:
        yield
    finally:
        _given.places = before


def mark(inputs: Sequence[Any]) -> None:
    """Those of a trace's inputs that were given as ints."""
    for place in _given.places:
        inputs[place].__class__ = Whole
