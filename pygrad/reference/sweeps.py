"""A backward() under way: its journal, and what a thread is doing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from pygrad.reference.modes import recording


class Sweep:
    """A backward() under way. Its journal holds every grad it changes, as it was before.

    The journal goes by id, as a subclass of Value need not be hashable.
    """

    __slots__ = ("journal", "running")

    def __init__(self, nodes: Iterable[Any]) -> None:
        self.journal = {id(node): (node, node._grad) for node in nodes}
        self.running = True

    def undo(self) -> None:
        for node, grad in self.journal.values():
            node._grad = grad

    def spare_constants(self) -> None:
        """Leaves that are to have no grad keep what they had."""
        for node, grad in self.journal.values():
            if node._constant:
                node._grad = grad

    def end(self) -> None:
        self.running = False
        self.journal = {}


class ThreadState(threading.local):
    sweep: Sweep | None = None  # the innermost backward() under way in this thread
    reads: list[tuple[Any, str]] | None = None  # Values whose numbers these have read, and where


state = ThreadState()


births = itertools.count(1)  # leaves and recordings get the next number
users_line: list[Callable[[], str]] = []  # what says which line of the user runs, last
MOST_READS = 8


def note_read(node: Any) -> None:
    """The number in a node is read, perhaps by a function that is differentiated."""
    if recording() and users_line:
        state.reads = state.reads or []
        if len(state.reads) < MOST_READS:
            state.reads.append((node, users_line[-1]()))


def forget_reads(operands: tuple[Any, ...]) -> None:
    """A Value states how it depends on these: that their numbers were read has cut nothing."""
    if state.reads:
        stated = set(map(id, operands))
        state.reads = [read for read in state.reads if id(read[0]) not in stated]


def note_in_journal(*nodes: Any) -> None:
    """Before grads are written other than by backward() itself: by a closure, perhaps."""
    if state.sweep is not None:
        for node in nodes:
            state.sweep.journal.setdefault(id(node), (node, node._grad))
