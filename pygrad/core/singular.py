"""The user is told of derivatives of second and higher order that are not to be relied on.

Sweeps take 0 * inf to be 0, so that a branch that was not taken stays silent. Where the 0 was computed, the
true product may be any number: csrc/graph/singular.c finds that out.
"""

from __future__ import annotations

import contextlib
import math
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from pygrad.core.callers import users_depth

__all__ = ["SingularDerivativeWarning", "listening", "tell"]


class SingularDerivativeWarning(RuntimeWarning):
    """A derivative of second or higher order is finite, but 0 times an infinite slope counts as 0 in it.

    The true one may be another number, or not exist: that of ``sqrt(x * x) ** 2`` at 0 is 2, and comes out
    as 0. Within ``debug_nans()`` it is a FloatingPointError; ``warnings.simplefilter("error")`` makes it an
    error everywhere. First derivatives do not warn, nor does a branch that ``where`` has not chosen.
    """

    __module__ = "pygrad"


_WHY = (
    "which counts as 0; the true derivative may be another number, or infinite. Write the function without "
    "this op at such points (the square of a norm as a sum of squares), or choose another branch there: "
    "pygrad.where(s > 0, s, 1.0).sqrt(), say"
)


class _Thread(threading.local):
    listener: list[str] | None = None  # who asks for names of ops instead of warnings


_thread = _Thread()


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Within it nothing is warned of in this thread: the list gets what has been singular."""
    before, _thread.listener = _thread.listener, []
    try:
        yield _thread.listener
    finally:
        _thread.listener = before


def _name(v: Any) -> str:
    """The op of v; a slope that is an op of its own by the op it is the slope of."""
    from pygrad import _native

    symbol = _native.symbol(v) or v._op
    if symbol == "mul0":
        return "a product of derivative and slope"
    op, _, order = symbol.partition("_d")
    label = f" ({v.label!r})" if v.label else ""
    return f"{'the slope of ' if set(order) & set('xy') else ''}op {op!r}{label}"


def tell(v: Any, data: float, derivative: float, slope: float, watched: int) -> None:
    """Called after a sweep that has met one at the node v, whose data may be a trace's and is given."""
    if _thread.listener is not None:
        _thread.listener.append(_name(v))
        return
    factor = "0 / 0" if math.isnan(slope) else f"the slope {slope!r}"
    said = (
        f"a derivative of second or higher order is singular here: at {_name(v)} with value {data!r} "
        f"the derivative {derivative!r} meets {factor}, {_WHY}"
    )
    if not watched:
        warnings.warn(said, SingularDerivativeWarning, stacklevel=users_depth())
        return
    from pygrad import _native

    origin = _native.origin(v)
    raise FloatingPointError(f"{said}\n  made at {origin}" if origin else said)
