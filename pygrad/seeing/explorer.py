"""A graph as a page to play with, whose sliders change leaves: see explore."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable
from typing import Any

from pygrad.core.implementation import CURE
from pygrad.core.ops import ops
from pygrad.nn import Module, hinge
from pygrad.seeing.graph_data import graph_data
from pygrad.seeing.inspection import nodes_at_most
from pygrad.seeing.network import network_page
from pygrad.seeing.notation import number, shortened, visible
from pygrad.seeing.pages import Exploration, filled, page
from pygrad.seeing.snapshot import (
    MOST_NODES,
    Snapshot,
    checked_limit,
    read,
    read_near,
)

__all__ = ["Exploration", "explore"]

_EDGES = 4  # for each node of the limit: more are too many to draw
_NEAR = 1000  # nodes of a graph too large to be read that are counted by op
_MOST_LEAVES = 30  # that a summary lists

_TITLE = "pygrad explorer"
_STYLES = ["base", "explorer"]
# In an order in which what runs at once is there.
_SCRIPTS = [
    *("elements", "model", "layout", "items", "panzoom", "drawing", "picture", "story", "axes"),
    *("curve", "differences", "paths", "player", "inputs", "slope", "predict", "losses", "descend"),
    *("grammar", "building", "typed", "address", "host", "explorer"),
]


def explore(
    v: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = 500,
    spelled_out: bool = False,
    model: Any = None,
    data: Any = None,
    loss: Callable[[Any, Any], Any] = hinge,
) -> Exploration:
    """A page on which the computation of v is played forward and backward, and leaves can be moved; or,
    given data, one on which a network learns them.

    Sliders change leaves, and the page computes all values and gradients anew; a curve shows v over one
    leaf, with its tangent and a secant. The graph is as it was recorded: branches and loops of the program
    stay as they were taken. Gradients are those that one `v.backward()` adds to grads that are 0.

    A node with a `_backward` or local_grads of its own is computed by code of yours, which the page
    does not have: its value and slopes stay as they were. Its `_backward` is called once, and each number
    that it leaves in a `.grad` is put back.

    With `data`, v is an `MLP(2, [..., 1])`, and the page shows the plane as the network sees it, its
    neurons and its weights. It trains as `optim.SGD` does, from the weights that the network has now, on
    the mean loss of a batch plus L2 times the dot product of the parameters with themselves. The model
    stays as it is.

    Args:
        v: a Value; a network where data are given.
        path: where to write the page: one HTML file, which needs no network. The same as `.save(path)`.
        limit: a graph of more nodes, or of many more edges, gets a summary in the place of the page. None
            shows all, whatever it takes.
        spelled_out: show a dot product, as a neuron of `pygrad.nn` computes it, as its products and sums.
        model: a `pygrad.nn.Module` whose parameters are called as in its `named_parameters()` where they
            have no label.
        data: points, which are rows of two numbers, and for each its label, a number. There are two
            different labels; a score above 0 stands for the larger one.
        loss: a function of one score and its label, as `nn.hinge` is, or `nn.mse`.

    Raises:
        TypeError: v is no Value; with data, it is no MLP.
        ValueError: the limit is below 1. With data: they are no rows of two finite numbers, or have not two
            kinds of labels; the network has other than two inputs and one output, or more nodes than the
            limit; it or the loss takes branches that depend on the point, or does what the page cannot
            compute.
        ImportError: the extension, which has the op table, is not built.
        OSError: the file cannot be written.

    >>> from pygrad import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> page = explore(a * b + a)
    >>> page
    <exploration of d = -4, 4 nodes>
    >>> page.html.splitlines()[0]
    '<!doctype html>'

    >>> from pygrad import nn
    >>> explore(nn.MLP(2, [4, 1]), data=([(0.0, 1.0), (1.0, 0.0)], [-1, 1]))
    <exploration of a network of 2, 4, 1 and 2 points>
    """
    if data is not None:
        _need_the_op_table()
        exploration = network_page(v, data, loss, checked_limit(limit))
    elif isinstance(v, Module):
        raise TypeError(
            f"a Value is needed, not the network {shortened(visible(repr(v)), 60)}: explore(loss, "
            "model=model) shows a loss, explore(model, data=(points, labels)) how the network learns"
        )
    else:
        exploration, _ = explored(v, limit, spelled_out, model)
    if path is not None:
        exploration.save(path)
    return exploration


def _need_the_op_table() -> None:
    try:
        ops()
    except ImportError as error:
        needed = "explore() needs the op table, which is in pygrad's C extension"
        raise ImportError(f"{needed}: {CURE}") from error


def explored(
    v: Any, limit: int | None, spelled_out: bool, model: Any
) -> tuple[Exploration, list[Any]]:
    """The page of a graph, and the Values that its inputs stand for, in their order."""
    _need_the_op_table()
    limit = checked_limit(limit)
    most = None if limit is None else max(limit, MOST_NODES)
    labels = {id(p): name for name, p in model.named_parameters()} if model is not None else {}
    found = read(v, most, spelled_out, labels)
    if found is None or (limit is not None and _is_too_large(found[0], limit)):
        return _summary(v, None if found is None else found[0]), []
    snapshot, values = found
    data = graph_data(snapshot, values)
    leaves = [x for x, node in zip(values, data["nodes"], strict=True) if node["form"] == "leaf"]
    text = page("explorer", _TITLE, _SCRIPTS, _STYLES, data)
    return Exploration(text, _about(snapshot)), leaves


def _is_too_large(snapshot: Snapshot, limit: int) -> bool:
    return len(snapshot) > limit or sum(map(len, snapshot.operands)) > _EDGES * limit


def _about(snapshot: Snapshot) -> str:
    size = f"{len(snapshot):,} node{'s' if len(snapshot) > 1 else ''}"
    return f"{snapshot.names[-1]} = {number(snapshot.values[-1])}, {size}"


# -- graphs that are too large --------------------------------------------------------------------


def _summary(root: Any, snapshot: Snapshot | None) -> Exploration:
    """What can be said of a large graph; snapshot: None if it is too large to be read as a whole."""
    if snapshot is not None:
        size, counted = f"{len(snapshot):,} nodes", "What they are:"
    else:
        most = nodes_at_most(root)
        snapshot = read_near(root, _NEAR)
        size = f"more than {MOST_NODES:,} nodes" + (f", at most {most:,}" if most else "")
        counted = f"What those nearest to the result are, {len(snapshot):,} of them:"
    name = snapshot.names[-1] if snapshot.labels[-1] else "v"
    leaves = [
        (snapshot.names[i], number(snapshot.values[i]))
        for i, label in enumerate(snapshot.labels)
        if label and snapshot.kinds[i] == "leaf"
    ]
    equation = f"{name} = {number(snapshot.values[-1])}"
    parts = {
        "equation": html.escape(equation),
        "size": size,
        "counted": counted,
        "counts": _rows((op, f"{count:,}") for op, count in snapshot.counts().items()),
        "leaves": _rows(leaves[:_MOST_LEAVES]),
        "hidden": "" if leaves else "hidden",
    }
    text = filled("summary", _TITLE, ["base"], parts)
    return Exploration(text, f"{equation}, a summary of {size}")


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<tr><th scope="row"><bdi>{html.escape(name)}</bdi></th><td>{html.escape(text)}</td></tr>\n'
        for name, text in pairs
    )
