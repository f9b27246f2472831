"""`cond`, `switch` and `checkpoint`.

>>> from pygrad import cond, grad, switch
>>> grad(lambda x: cond(x > 1.0, lambda v: v * v, lambda v: -v, x))(3.0)
6.0
>>> switch(7, [lambda x: x, lambda x: -x], 2.0)
-2.0
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pygrad.control import traced
from pygrad.control.autograph.branching import DEAD, forgive, is_refusal, note, settle, values
from pygrad.control.autograph.context import context
from pygrad.control.autograph.merging import Mismatch, condition, is_staged
from pygrad.control.state import ControlError, State
from pygrad.core.implementation import Value, trace_active

R = TypeVar("R")


def cond(pred: Any, true_fun: Callable[..., R], false_fun: Callable[..., R], *operands: Any) -> R:
    """true_fun(*operands) if pred holds, else false_fun(*operands).

    In a trace, where pred depends on the inputs, both are in the program, and each row has the result of
    its own: what the other one gives, be it nan, does not touch it or its derivatives. Both have to return
    the same kind of thing then. One that is much work runs only if some row of a block takes it.

    Raises:
        TypeError: they do not.
    """
    if not is_staged(pred):
        return true_fun(*operands) if pred else false_fun(*operands)
    return _chosen(  # type: ignore[no-any-return]
        condition(pred), lambda: true_fun(*operands), lambda: false_fun(*operands), "cond"
    )


def _chosen(c: Any, true: Callable[[], Any], false: Callable[[], Any], name: str) -> Any:
    """The result of one of two branches that have both run."""
    if type(c) is bool:
        return true() if c else false()
    try:
        result = values(c, true, false, what="the result")
    except Mismatch as error:
        raise ControlError(
            f"branches of {name}() must return the same kind of thing: {error}"
        ) from None
    settle()
    return result


def only_where(c: Any, refuse: Callable[[], None]) -> None:
    """In a trace, no program for rows for which a condition does not hold: refuse raises what says so."""
    if not is_staged(c) or not (context.branches or context.bodies):
        if not c:
            refuse()
        return

    def noted() -> Any:
        try:
            refuse()
        except Exception as error:
            if not is_refusal(error):
                raise
            forgive(error)
            note(error)
        return DEAD

    values(condition(c), lambda: None, noted)


def switch(index: Any, branches: Sequence[Callable[..., R]], *operands: Any) -> R:
    """branches[index](*operands); an index that is too small or too large is the nearest that there is.

    index is a whole number, or a Value whose number is whole. In a trace all branches are in the program,
    as those of `cond` are.

    Raises:
        ValueError: there are no branches, or the index is no whole number.
        TypeError: in a trace, where branches do not return the same kind of thing.
    """
    branches = tuple(branches)
    if not branches:
        raise ValueError("branches of switch() is empty: there has to be one at least")
    last = len(branches) - 1
    if not is_staged(index):
        _check_index(index.data if isinstance(index, Value) else index)
        at = 0
        while at < last and index >= at + 1:
            at += 1
        return branches[at](*operands)

    def of(at: int) -> Any:
        """The result of branch `at`, or of one before it where the index is smaller."""
        branch = branches[at]
        if at == 0:
            return branch(*operands)
        return _chosen(index >= at, lambda: branch(*operands), lambda: of(at - 1), "switch")

    return of(last)  # type: ignore[no-any-return]


def _check_index(index: Any) -> None:
    if index % 1 != 0:
        raise ValueError(f"index of switch() must be a whole number, not {index!r}")


def checkpoint(f: Callable[..., R]) -> Callable[..., R]:
    """f, whose values on the way are computed again for a derivative, and not kept.

    What it returns is the same, and so are its derivatives. Outside traces it is f itself.

    >>> from pygrad import checkpoint, grad
    >>> grad(checkpoint(lambda x: x**3))(2.0)
    12.0
    """

    @functools.wraps(f)
    def call(*args: Any, **named: Any) -> Any:
        if not trace_active():
            return f(*args, **named)
        return _once(lambda: f(*args, **named))

    return call


def _once(f: Callable[[], Any]) -> Any:
    """The result of f, which becomes the body of a loop of one trip."""
    with traced.noted() as place:
        start = place()
        state = State.of(f(), "the result")
        return state.arrange(traced.once((start, place()), state.items))
