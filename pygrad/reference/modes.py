"""What a thread is in: no_grad(), and recordings of transforms; and how it gets out of it.

Ctrl-C may come between any two steps of a `with` statement. So nothing is counted up and down: a thread
is in the modes of those stays that last. Where a statement asks for __exit__ it gets a leave, a partial
function that it keeps on the stack of its frame; with the block that is gone, called or not, and the stay
is over. No frame of ours holds it, as frames may live on in a traceback.
"""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any, TypeVar

_M = TypeVar("_M", bound="Mode")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.stays: list[Stay] = []  # in the order in which they began


_thread = _Thread()


class Stay:
    """One time that a thread is in a mode: till its leave is called, or gone."""

    def __init__(self, kind: type[Mode]) -> None:
        self.kind, self.among = kind, _thread.stays
        self.leave: weakref.ref[Any] | None = None

    def lasts(self) -> bool:
        return self.leave is not None and self.leave() is not None and self in self.among

    def begin(self) -> None:
        self.among[:] = [*[stay for stay in self.among if stay.lasts()], self]

    def end(self, *_: object) -> None:
        self.among[:] = [stay for stay in self.among if stay is not self]


def _leave(mode: Mode, stay: Stay, *exc_info: object) -> None:
    if stay in stay.among:
        stay.end()
    else:
        mode.leave_by_hand()


class _Exit:
    """A descriptor: of a mode, a leave; of a class, what leaves a mode that was entered by hand."""

    def __get__(self, mode: Mode | None, kind: type[Mode]) -> Any:
        if mode is None:
            return self
        stay = Stay(kind)
        leave = functools.partial(_leave, mode, stay)
        stay.leave = weakref.ref(leave)
        mode.waiting = stay
        return leave

    def __call__(self, mode: Mode, *exc_info: object) -> None:
        mode.leave_by_hand()


class Mode:
    """A context manager. `with` asks for __exit__ before it calls __enter__."""

    waiting: Stay | None = None  # of the last leave that was asked for
    by_hand: tuple[
        tuple[Stay, Any], ...
    ] = ()  # with leaves of no frame: they last as long as the object
    may_be_empty = False  # left without a stay

    __exit__ = _Exit()

    def __enter__(self: _M) -> _M:
        self.enter()
        return self

    def enter(self) -> Stay:
        """This thread is in the mode."""
        stay, self.waiting = self.waiting, None
        if stay is None or stay.leave is None or stay.leave() is None:
            stay = Stay(type(self))
            leave = functools.partial(stay.end)
            stay.leave = weakref.ref(leave)
            self.by_hand = (*self.by_hand, (stay, leave))
        stay.begin()
        return stay

    def leave_by_hand(self) -> None:
        if self.by_hand:
            self.by_hand[-1][0].end()
            self.by_hand = self.by_hand[:-1]
        elif not self.may_be_empty:
            raise RuntimeError(
                f"{type(self).__name__}() was left, but it had not been entered, or was left before"
            )


class NoGrad(Mode):
    """Where nothing is recorded."""


class Recorded(Mode):
    """Where a function runs for a transform."""

    may_be_empty = True

    def __enter__(self: _M) -> _M:
        return self


def in_no_grad() -> bool:
    """Whether this thread is within no_grad(), since the last recording that it runs began."""
    for stay in reversed(_thread.stays):
        if stay.lasts():
            return issubclass(stay.kind, NoGrad)
    return False


def recording() -> bool:
    """Whether this thread runs a function for a transform."""
    return any(issubclass(stay.kind, Recorded) and stay.lasts() for stay in _thread.stays)


_active: dict[int, tuple[Any, Stay]] = {}  # inputs of transforms by id, and till when they are that


def activate(inputs: tuple[Any, ...], stay: Stay) -> None:
    """These are inputs of a transform that is running, as long as the stay lasts."""
    for key in [key for key, (_, until) in list(_active.items()) if not until.lasts()]:
        _active.pop(key, None)
    _active.update({id(v): (v, stay) for v in inputs})


def is_active(node: Any) -> bool:
    """Whether it is an input of a transform that is running, in whatever thread."""
    found = _active.get(id(node)) if _active else None
    return found is not None and found[1].lasts()
