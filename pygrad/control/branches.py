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

from pygrad.control.state import State, choose, is_condition
from pygrad.core.implementation import Value, trace_active

R = TypeVar("R")


def cond(pred: Any, true_fun: Callable[..., R], false_fun: Callable[..., R], *operands: Any) -> R:
    """true_fun(*operands) if pred holds, else false_fun(*operands).

    In a trace, where pred depends on the inputs, both are in the program, and each row has the result of
    its own: what the other one gives, be it nan, does not touch it or its derivatives. Both have to return
    the same kind of thing then.

    Raises:
        TypeError: they do not.
    """
    if not is_of_trace(pred):
        return true_fun(*operands) if pred else false_fun(*operands)
    one, other = (
        State.of(true_fun(*operands), "the result"),
        State.of(false_fun(*operands), "the result"),
    )
    return choose(condition(pred), one, other, "the result", "cond")  # type: ignore[no-any-return]


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
    if not trace_active() or not isinstance(index, Value):
        _check_index(index.data if isinstance(index, Value) else index)
        at = 0
        while at < last and index >= at + 1:
            at += 1
        return branches[at](*operands)
    results = [State.of(branch(*operands), "the result") for branch in branches]
    chosen = results[0]
    for at, result in enumerate(results[1:], 1):
        tree = choose(index >= at, result, chosen, "the result", "switch")
        chosen = State.of(tree, "the result")
    return chosen.arrange(chosen.items)  # type: ignore[no-any-return]


def _check_index(index: Any) -> None:
    if index % 1 != 0:
        raise ValueError(f"index of switch() must be a whole number, not {index!r}")


def checkpoint(f: Callable[..., R]) -> Callable[..., R]:
    """f, whose values on the way are computed again for a derivative, and not kept.

    What it returns is the same, and so are its derivatives, bit for bit. Outside traces it is f itself.

    >>> from pygrad import checkpoint, grad
    >>> grad(checkpoint(lambda x: x**3))(2.0)
    12.0
    """

    @functools.wraps(f)
    def call(*args: Any, **named: Any) -> Any:
        return f(*args, **named)

    return call


def is_of_trace(pred: Any) -> bool:
    """Whether the truth of something is an op of the trace that runs."""
    return isinstance(pred, Value) and trace_active()


def condition(pred: Any) -> Any:
    """The truth of a Value in a trace, as a condition."""
    return pred if is_condition(pred) else pred != 0
