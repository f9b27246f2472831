"""A graph as a page knows it: nodes as data, ready for JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pygrad.core.ops import op_of
from pygrad.seeing.notation import shortened, visible
from pygrad.seeing.pages import json_number
from pygrad.seeing.snapshot import Snapshot, undone

__all__ = ["arithmetic", "graph_data"]


def graph_data(snapshot: Snapshot, values: Sequence[Any]) -> dict[str, Any]:
    """All of it, ready for JSON."""
    slopes = _slopes_of_closures(snapshot, values)
    name, whole = snapshot.names[-1], snapshot.whole()
    return {
        "title": f"{name} = {whole}" if whole else name,
        "nodes": [_node(snapshot, i, slopes.get(i)) for i in range(len(snapshot))],
    }


def _node(snapshot: Snapshot, i: int, slopes: Sequence[float] | str | None) -> dict[str, Any]:
    """One node; slopes: what its `_backward` has told, if it has one."""
    node = {
        "name": snapshot.names[i],
        "labelled": bool(snapshot.labels[i]),
        "symbol": snapshot.op_text(i),
        "text": snapshot.expression(i),
        "rules": snapshot.rules(i),
    }
    if not snapshot.operands[i]:
        node |= _layer(snapshot.labels[i])
    return node | arithmetic(snapshot, i, slopes)


def arithmetic(
    snapshot: Snapshot, i: int, slopes: Sequence[float] | str | None = None
) -> dict[str, Any]:
    """What the page needs to compute a node: no text that is shown, but for a frozen one's note."""
    node = {"operands": snapshot.operands[i], "value": json_number(snapshot.values[i])}
    if not snapshot.operands[i]:
        return node | {"form": "number" if snapshot.kinds[i] == "number" else "leaf"}
    if snapshot.kinds[i] == "op":
        return node | _rule(snapshot, i)
    return node | _frozen(snapshot, i, slopes)


def _layer(label: str) -> dict[str, str]:
    """The layer that a parameter belongs to, as nn names them, and what it is called there.

    >>> _layer("layers[0].neurons[1].w[2]"), _layer("w[2]")
    ({'group': 'layers[0]', 'short': 'neurons[1].w[2]'}, {})
    """
    found = re.fullmatch(r"([\w.]*?\w\[\d+\])\.(.+)", label, re.ASCII)
    return {"group": found[1], "short": found[2]} if found and len(label) < 60 else {}


def _rule(snapshot: Snapshot, i: int) -> dict[str, Any]:
    """How the page computes a node: by the op table, or as a sum or a dot product."""
    symbol = snapshot.symbols[i]
    if symbol == "dot":
        return {"form": "dot"}
    if symbol == "sum":
        return {"form": "sum", **_start(snapshot, i)}
    op = op_of(symbol)
    assert op is not None, symbol
    constant = {"constant": json_number(float(symbol[2:]))} if op.has_constant else {}
    return {"form": "op", "op": op.name, **constant}


def _start(snapshot: Snapshot, i: int) -> dict[str, Any]:
    """What sum() began with: its last operand, if that was given as a start, or else a number.

    The node does not tell, so it is what leads to the node's value.
    """
    value, terms = snapshot.values[i], [snapshot.values[o] for o in snapshot.operands[i]]
    if _total(0.0, terms) == value or not math.isfinite(value):
        return {"start": 0.0}
    if _total(terms[-1], terms[:-1]) == value:
        return {"leads": True}
    rest = value - _total(0.0, terms)
    starts = [float(f"{rest:.{digits}g}") for digits in (3, 6, 9, 12)]
    return {"start": json_number(next((s for s in starts if _total(s, terms) == value), rest))}


def _total(start: float, terms: Iterable[float]) -> float:
    for term in terms:
        start += term
    return start


def _frozen(snapshot: Snapshot, i: int, slopes: Sequence[float] | str | None) -> dict[str, Any]:
    """A node whose value and slopes the page cannot compute."""
    count = len(snapshot.operands[i])
    if snapshot.kinds[i] == "custom":
        return {"form": "frozen", "slopes": [0.0] * count, "note": _NO_RULE}
    if isinstance(slopes, str):
        unknown = f"{_OWN_RULE} Its _backward was asked for the slopes, and raised {slopes}."
        return {"form": "frozen", "slopes": ["NaN"] * count, "note": unknown}
    known = [s for s in snapshot.slopes[i] if s is not None] if slopes is None else slopes
    return {"form": "frozen", "slopes": list(map(json_number, known)), "note": _OWN_RULE}


_OWN_RULE = (
    "Frozen: this node is computed by code of your own, in Python, so in this page its value and its "
    "slopes stay as they were."
)
_NO_RULE = (
    "Frozen: this node was made without a rule, so its value stays as it was, and nothing flows back "
    "through it."
)


def _slopes_of_closures(
    snapshot: Snapshot, values: Sequence[Any]
) -> dict[int, Sequence[float] | str]:
    """By node: what its `_backward` adds to its operands' grads if its own is 1, or what it raised."""
    found: dict[int, Sequence[float] | str] = {}
    asked = [
        i for i, kind in enumerate(snapshot.kinds) if kind == "closure" and values[i]._children
    ]

    def ask() -> None:
        for i in asked:
            found[i] = _ask(values[i])

    if asked:
        undone(values[-1], ask)
    return found


def _ask(v: Any) -> Sequence[float] | str:
    for child in v._children:
        child.grad = 0.0
    v.grad = 1.0
    try:
        v._backward()
    except Exception as error:
        return shortened(visible(f"{type(error).__name__}: {error}"), 160)
    # What has come to an operand that stands twice is all told at its first place.
    places = list(map(id, v._children))
    return [0.0 if key in places[:k] else v._children[k].grad for k, key in enumerate(places)]
