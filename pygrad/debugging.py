"""debug_nans: who made the first nan or inf, and where in the user's program.

>>> from pygrad import Value, debug_nans
>>> x = Value(0.0, label="x")
>>> with debug_nans():
...     y = x.sqrt()
...     try:
...         y.backward()
...     except FloatingPointError as error:
...         print(str(error).splitlines()[0])
the derivative that reaches Value(data=0.0, label='x') is inf
"""

from __future__ import annotations

import linecache
import math
import warnings
from typing import Any, NamedTuple, NoReturn

from pygrad.core.callers import users_depth, users_line
from pygrad.core.implementation import CURE, IMPLEMENTATION

__all__ = ["Suppressed", "debug_nans"]


if IMPLEMENTATION == "compiled":
    from pygrad import _native
    from pygrad._native import Watch as _Watch
else:

    class _Watch:  # type: ignore[no-redef]
        def __enter__(self) -> NoReturn:
            raise NotImplementedError(f"debug_nans() needs the compiled implementation: {CURE}")

        def __exit__(self, *exc_info: object) -> None:
            pass


class Suppressed(NamedTuple):
    """A product 0 * inf or 0 * nan that a sweep took to be 0, as pygrad's conventions have it."""

    op: str  # of the node whose rule it was
    operand: int  # by which operand
    adjoint: float
    slope: float
    where: str  # the user's source line, if the node was made inside the block

    def __str__(self) -> str:
        return (
            f"op {self.op!r}: adjoint {self.adjoint!r} times slope {self.slope!r} by operand "
            f"{self.operand} counts as 0 ({self.where})"
        )


class debug_nans(_Watch):
    """Within it, the first value, adjoint or tangent that is nan or inf raises FloatingPointError.

    The message names the node, its op, its operands and the user's source line that made it. Products
    0 * inf, which sweeps take to be 0, do not raise: each is a RuntimeWarning and is kept in
    ``suppressed``. A context manager; it holds for the thread that entered it and may be nested. Every op
    calls Python inside it, so it costs some microseconds a node.

    Raises:
        FloatingPointError: by an op, Value(...), backward() or a transform inside the block. As after any
            other error, every grad is what it was before.
        NotImplementedError: the reference implementation is in use.

    >>> from pygrad import Value, debug_nans
    >>> with debug_nans():
    ...     Value(1e308) * 10.0
    Traceback (most recent call last):
    ...
    FloatingPointError: the value of op '*' is inf
      operand 0: Value(data=1e+308)
      operand 1: Value(data=10.0)
      made at ...
    """

    def __init__(self) -> None:
        self.suppressed: list[Suppressed] = []


def _watch_node(node: Any) -> str:
    """Called with every new node: where it was made, or FloatingPointError."""
    where = users_line()
    if not math.isfinite(node.data):
        lines = [f"the value of {_op(node)} is {node.data!r}"]
        lines += [f"  operand {i}: {_name(child)}" for i, child in enumerate(node._children)]
        raise FloatingPointError("\n".join([*lines, f"  made at {_with_text(where)}"]))
    return where


def _watch_adjoints(
    node: Any, own: float, operands: tuple[float, ...], as_values: int, forward: int
) -> None:
    """Called for every node of a sweep with what has arrived at it and at its operands.

    as_values: the sweep builds nodes, and skips products with a 0 that is known beforehand.
    """
    children = node._children
    slopes = _slopes(node)
    if slopes and not as_values:
        for i, slope in enumerate(slopes):
            _report_suppressed(node, i, operands[i] if forward else own, slope)
    culprits = [(node, own)] if forward else list(zip(children, operands, strict=True))
    for victim, adjoint in culprits:
        if not math.isfinite(adjoint):
            raise FloatingPointError(_story(node, victim, adjoint, own, operands, slopes, forward))


def _story(
    node: Any, victim: Any, adjoint: float, own: float, operands: Any, slopes: Any, forward: int
) -> str:
    what = "tangent" if forward else "derivative"
    lines = [f"the {what} that reaches {_name(victim)} is {adjoint!r}"]
    lines.append(f"  from {_op(node)} with value {node.data!r}")
    if not forward:
        lines.append(f"  whose own derivative is {own!r}")
    for i, child in enumerate(node._children):
        slope = f", slope {slopes[i]!r}" if slopes else ""
        tangent = f", tangent {operands[i]!r}" if forward else ""
        lines.append(f"  operand {i}: {_name(child)}{slope}{tangent}")
    lines.append(f"  made at {_with_text(_native.origin(node))}")
    return "\n".join(lines)


def _report_suppressed(node: Any, i: int, adjoint: float, slope: float) -> None:
    if (adjoint == 0 and not math.isfinite(slope)) or (slope == 0 and not math.isfinite(adjoint)):
        report = Suppressed(node._op, i, adjoint, slope, _with_text(_native.origin(node)))
        for block in {id(block): block for block in _native.watching()}.values():
            block.suppressed.append(report)
        warnings.warn(str(report), RuntimeWarning, stacklevel=users_depth())


def _slopes(node: Any) -> tuple[float, ...]:
    try:
        return tuple(node.local_derivatives)
    except TypeError:  # it has only a _backward
        return ()


def _op(node: Any) -> str:
    op = f"op {node._op!r}" if node._op else "a node without _op" if node._children else "a leaf"
    return f"{op} ({node.label!r})" if node.label else op


def _name(v: Any) -> str:
    label = f", label={v.label!r}" if v.label else ""
    return f"Value(data={v.data!r}{label})"


def _with_text(where: str | None) -> str:
    """The same with the text of the line, where it can be had."""
    if where is None:
        return "no line of the program: by a sweep, or before debug_nans() was entered"
    path, _, line = where.rpartition(":")
    text = linecache.getline(path, int(line)).strip()
    return f"{path}, line {line}" + (f": {text}" if text else "")


if IMPLEMENTATION == "compiled":
    _native.set_watchers(_watch_node, _watch_adjoints)
