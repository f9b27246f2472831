"""What a node says of itself beyond Value's public attributes, asked of a Value of either implementation.

The compiled implementation's Values are asked by the native module, which makes no wrapper of a node that
is only counted; the reference's keep it all in attributes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from pygrad.core.implementation import IMPLEMENTATION, Value

if IMPLEMENTATION == "compiled":
    from pygrad import _native

__all__ = [
    "base_class",
    "first_operands",
    "first_slopes",
    "form",
    "grad_of",
    "nodes_at_most",
    "outdated",
    "stand_for_numbers",
    "symbol",
]


def _is_compiled(v: Any) -> bool:
    return IMPLEMENTATION == "compiled" and isinstance(v, Value)


def base_class(v: Any) -> Any:
    """The Value class that v is an instance of: the one in use, or the reference's.

    Raises:
        TypeError: v is no Value.
    """
    if isinstance(v, Value):
        return Value
    from pygrad import reference  # rarely asked for, and not small

    if isinstance(v, reference.Value):
        return reference.Value
    shown = repr(v)
    shown = shown if len(shown) <= 60 else f"{shown[:59]}…"
    raise TypeError(f"a Value is needed, not {type(v).__name__}: {shown}")


def form(v: Any) -> str:
    """leaf, op, partials (local_grads were given), closure (a `_backward` was assigned), custom (neither).

    >>> x = Value(2.0)
    >>> form(x), form(x * x), form(Value(4.0, (x,), (4.0,))), form(Value(4.0, (x,)))
    ('leaf', 'op', 'partials', 'custom')
    """
    if _is_compiled(v):
        form = _native.form(v)
        return "partials" if form == "rule" else form  # by which it has slopes, and no formula
    if v._closure is not None:
        return "closure"
    if not v._operands:
        return "leaf"
    return "partials" if v._given is not None else "custom" if v._slopes is None else "op"


def symbol(v: Any) -> str:
    """The op that made v, whatever `_op` says by now; "" of a leaf and of a user's own op.

    >>> y = Value(2.0) * Value(3.0)
    >>> y._op = "area"
    >>> symbol(y), y._op
    ('*', 'area')
    """
    if _is_compiled(v):
        return _native.symbol(v) if _native.form(v) == "op" else ""
    return v._symbol if form(v) == "op" else ""


def first_operands(v: Any, most: int) -> tuple[int, tuple[Any, ...]]:
    """How many operands v has, and the first ones. `_children` makes a Value of each, to stay."""
    if _is_compiled(v):
        return _native.first_operands(v, most)
    return len(v._operands), v._operands[:most]


def first_slopes(v: Any, most: int) -> tuple[float, ...]:
    """The local derivatives by the first operands of an op, or of a node that was given partials."""
    slopes: tuple[float, ...]
    slopes = _native.first_slopes(v, most) if _is_compiled(v) else v.local_derivatives[:most]
    return slopes


def outdated(v: Any) -> float | None:
    """What v's op gives for the data that its operands hold now, if v holds another number; or None.

    Somebody has assigned a `.data` since v was computed. None where only its user knows the op.

    >>> x = Value(2.0)
    >>> y = x * x
    >>> x.data = 3.0
    >>> outdated(y), y.data
    (9.0, 4.0)
    """
    if _is_compiled(v):
        return _native.outdated(v)
    now = _recomputed(v) if form(v) == "op" else None
    same = now is None or now == v._data or (math.isnan(now) and math.isnan(v._data))
    return None if same else now


def _recomputed(v: Any) -> float | None:
    """The same of one of the reference's Values, whether or not it has changed."""
    from pygrad.reference.formulas import power
    from pygrad.reference.rules import OPS

    data = [operand._data for operand in v._operands]
    if v._symbol == "dot":
        n = len(data) // 2
        total = data[-1] if len(data) % 2 else 0.0
        for w, x in zip(data[:n], data[n:], strict=False):
            total += w * x
        return total
    if v._symbol.startswith("**"):
        return power(data[0], float(v._symbol[2:]))
    for op in OPS.values():  # of a sum nobody knows with which number it started
        if op.symbol == v._symbol:
            try:
                return op.value(*data)
            except (ArithmeticError, ValueError):
                return math.nan
    return None


def grad_of(v: Any) -> float:
    """Its grad as a number; backward(create_graph=True) leaves Values."""
    grad: Any = v.grad
    return grad if isinstance(grad, float) else grad.data


def stand_for_numbers(order: Sequence[Any], operands: Sequence[Sequence[int]]) -> list[bool]:
    """For each of a graph's Values whether it stands for a number that was an operand: the 2 in ``a * 2``.

    Args:
        order: all of them; nothing but this list may have come to refer to them since they were read.
        operands: indices of the operands of each.
    """
    if _is_compiled(order[-1]):
        return [_native.is_number(v) for v in order]
    # There it is a Value like others, but one that nothing refers to but its one user, and `order`.
    uses = [0] * len(order)
    for indices in operands:
        for i in indices:
            uses[i] += 1
    probe = [object()]
    ours = sys.getrefcount(probe[0]) + 1
    return [uses[i] == 1 and sys.getrefcount(order[i]) == ours for i in range(len(order))]


def nodes_at_most(root: Any) -> int | None:
    """More nodes than this cannot be in the graph of root; None if that is not known."""
    if not _is_compiled(root):
        return None
    from pygrad.core.library import lib

    return lib.pg_live_nodes()
