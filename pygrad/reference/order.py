"""The order of a graph, operands before results.

Nodes are known by their `_operands` here, so that Value can stand on this file.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any


def describe(node: Any) -> str:
    """A node in an error's words."""
    label = f", label {node._label!r}" if node._label else ""
    op = f", op {node._op!r}" if node._op else ""
    return f"{node!r}{label}{op}"


_operands: Callable[[Any], tuple[Any, ...]] = operator.attrgetter("_operands")


def operands_first(root: Any, edges: Callable[[Any], tuple[Any, ...]] = _operands) -> Iterator[Any]:
    """Every node that root is computed from, each once, operands before results; root comes last.

    The order is that of a depth-first walk that calls itself for each operand in turn; but it keeps
    a stack of its own, as Python's is not deep enough for long chains.
    """
    seen = {id(root)}
    stack = [(root, iter(edges(root)))]
    while stack:
        node, todo = stack[-1]
        for operand in todo:
            if id(operand) not in seen:
                seen.add(id(operand))
                stack.append((operand, iter(edges(operand))))
                break
        else:
            stack.pop()
            yield node


def sorted_nodes(root: Any) -> list[Any]:
    """operands_first, as a list; RuntimeError if an unfinished sweep is at work on one of them."""
    order = list(operands_first(root))
    for node in order:
        if node._operands and node._sweep is not None and node._sweep.running:
            raise RuntimeError(
                f"{describe(node)} belongs to a backward() that is unfinished; "
                "its grad is not to be touched by another"
            )
    return order
