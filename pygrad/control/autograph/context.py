"""What a thread is in while it runs converted code in a trace: branches and bodies that are run for all
rows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import CellType, CodeType
from typing import Any

MAX_TRIPS = 1_000_000_000


class Context(threading.local):
    """Of one thread."""

    def __init__(self) -> None:
        self.branches = 0  # how many branches are run whose condition differs by row
        self.bodies = 0  # how many bodies of loops that stand in the program once
        self.trying = 0  # how many blocks of try that began within one of these
        self.active: Any = True  # for which rows the code that runs is meant: True, or a condition
        # Conditions of the same kind, of what is around that code.
        self.around: tuple[Any, ...] = ()
        self.raised = CellType(0)  # the number of what was raised for some rows; 0: nothing
        self.errors: list[BaseException] = []  # what these numbers mean
        self.running: dict[
            CodeType, int
        ] = {}  # functions that run, and how deep in branches they began
        self.times = 1  # how often the code that runs is repeated by loops around it
        self.handlers: list[
            Any
        ] = []  # of each block of try that runs: gives what its handlers catch
        self.max_trips = MAX_TRIPS  # of a loop
        self.refusal: BaseException | None = None  # has left a block of try, which may catch it
        self.sides: Any = None  # while what two ways give is put together: see ways.py

    def rows(self) -> tuple[Any, ...]:
        """Conditions that hold for the rows for which the code that runs is meant, all of them."""
        return self.around if type(self.active) is bool else (*self.around, self.active)

    @property
    def decides(self) -> bool:
        """Whether the truth of a Value may be asked for, which makes a path of its own."""
        return self.bodies == 0


context = Context()


@contextlib.contextmanager
def meant_for(rows: tuple[Any, ...]) -> Iterator[None]:
    """While code runs that is meant for rows for which these conditions hold, too."""
    was = context.around
    context.around = (*was, *[c for c in rows if all(c is not known for known in was)])
    try:
        yield
    finally:
        context.around = was


_OF_NUMBERS = (ZeroDivisionError, OverflowError, ValueError)


def caught() -> str:
    """What operations raise that a handler around the code that runs would catch; "" if there is none."""
    for types in context.handlers:
        found = types()
        for kind in _OF_NUMBERS:
            if found is None or issubclass(kind, found):
                return kind.__name__
    return ""


def is_caught(error: BaseException) -> bool:
    """Whether a handler around the code that runs would catch an exception."""
    return any(
        found is None or isinstance(error, found) for found in (t() for t in context.handlers)
    )


@contextlib.contextmanager
def in_a_body() -> Iterator[None]:
    """While the body of a loop runs that stands in the program once: for all rows, at any trip."""
    was = context.active, context.branches, context.trying, context.times
    around, context.around = context.around, context.rows()
    context.active, context.branches, context.trying, context.times = True, 0, 0, 1
    context.bodies += 1
    try:
        yield
    finally:
        context.bodies -= 1
        context.active, context.branches, context.trying, context.times = was
        context.around = around
