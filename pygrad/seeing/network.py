"""A small network and its data as a page on which it learns: explore(model, data=...).

The page trains by the same arithmetic: it has the graph of one score, and that of one row's loss, and goes
through the rows in the order in which a backward() of the whole loss would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core.implementation import Value
from pygrad.nn import MLP
from pygrad.seeing.graph_data import arithmetic
from pygrad.seeing.notation import number, shortened, visible
from pygrad.seeing.pages import Exploration, page
from pygrad.seeing.plane import TINT, Data, checked
from pygrad.seeing.snapshot import Snapshot, read, walk

__all__ = ["network_page"]

_STYLES = ["base", "network"]
# In an order in which what runs at once is there.
_SCRIPTS = ["elements", "model", "axes", "losses", "rows", "training", "plane", "neurons", "tables"]
_SCRIPTS += ["address", "network"]

Recorded = tuple[Snapshot, dict[int, int]]  # a graph, and where in it Values stand, by their ids


def network_page(
    model: Any, data: Any, loss: Callable[[Any, Any], Any], limit: int | None
) -> Exploration:
    """The page; see explore for what it takes and raises."""
    _check_network(model)
    told = _checked_data(data)
    names = {id(p): name for name, p in model.named_parameters()}
    inputs = [Value(0.0, label="x1"), Value(0.0, label="x2")]
    outputs: list[list[Value]] = []

    def score(*point: float) -> Value:
        for v, x in zip(inputs, point, strict=True):
            v.data = x
        outputs[:] = _outputs(model, inputs)
        return outputs[-1][0]

    snapshot, places = _recorded(score, told.points.tolist(), inputs, names, "network")
    if limit is not None and len(snapshot) > limit:
        raise ValueError(
            f"this network's score has {len(snapshot):,} nodes, more than limit={limit:,}, and the page "
            "would be slow; limit=None makes it nevertheless"
        )
    sizes = ", ".join(str(n) for n in [2, *map(len, outputs)])
    content = {
        "title": f"Network of {sizes}",
        "nodes": [arithmetic(snapshot, i) for i in range(len(snapshot))],
        "inputs": [places[id(v)] for v in inputs],
        "parameters": [{"name": names[id(p)], "node": places[id(p)]} for p in model.parameters()],
        "layers": [
            [_neuron(neuron, out, places) for neuron, out in zip(layer.neurons, outs, strict=True)]
            for layer, outs in zip(model.layers, outputs, strict=True)
        ],
        "points": told.points.tolist(),
        "labels": [told.classes.index(label) for label in told.labels],
        "classes": [number(label) for label in told.classes],
        "window": told.window(),
        "tint": TINT,
        "loss": shortened(visible(getattr(loss, "__name__", type(loss).__name__)), 40),
        "losses": [_loss_of_row(loss, label) for label in told.classes],
    }
    about = f"a network of {sizes} and {len(told.points):,} points"
    return Exploration(page("network", "pygrad network", _SCRIPTS, _STYLES, content), about)


# -- what it is given ------------------------------------------------------------------------------


def _check_network(model: Any) -> None:
    if not isinstance(model, MLP) or type(model).__call__ is not MLP.__call__:
        raise TypeError(
            "what learns data on the page is an nn.MLP, as in explore(MLP(2, [8, 1]), "
            f"data=(points, labels)), not {type(model).__name__}"
        )
    ins = {len(neuron.w) for neuron in model.layers[0].neurons} if model.layers else set()
    outs = len(model.layers[-1].neurons) if model.layers else 0
    if ins != {2} or outs != 1:
        raise ValueError(
            f"the page shows networks of two inputs and one output, MLP(2, [..., 1]); this one has "
            f"{next(iter(ins), 0)} and {outs}"
        )
    parameters = model.parameters()
    if len({id(p) for p in parameters}) < len(parameters) or any(p._children for p in parameters):
        raise ValueError("each parameter has to be a leaf of its own; some are shared, or computed")


def _checked_data(data: Any) -> Data:
    try:
        points, labels = data
    except (TypeError, ValueError):
        raise ValueError("data are points and their labels: data=(points, labels)") from None
    told = checked(points, labels)
    try:
        told = told._replace(labels=[float(label) for label in told.labels])
        told = told._replace(classes=sorted(set(told.labels)))
    except (TypeError, ValueError):
        told = told._replace(classes=[])
    if len(told.classes) != 2 or not all(map(math.isfinite, told.classes)):
        raise ValueError(
            "labels are numbers of two kinds, as -1 and 1, for one score tells two apart"
        )
    return told


# -- what is recorded ------------------------------------------------------------------------------


def _outputs(model: MLP, x: list[Value]) -> list[list[Value]]:
    """What the neurons of each layer give."""
    outs = []
    for layer in model.layers:
        x = [neuron(x) for neuron in layer.neurons]
        outs.append(x)
    return outs


def _neuron(neuron: Any, out: Value, places: dict[int, int]) -> dict[str, Any]:
    return {
        "kind": shortened(visible(repr(neuron)), 40),
        "node": places[id(out)],
        "weights": [places[id(w)] for w in neuron.w],
        "bias": places[id(neuron.b)],
    }


def _loss_of_row(loss: Callable[[Any, Any], Any], label: float) -> dict[str, Any]:
    """The loss as a graph of one score."""
    score = Value(0.0, label="score")

    def of_score(x: float) -> Any:
        score.data = x
        return loss(score, label)

    tried = [[x] for x in (-30.0, -1.5, -0.5, 0.25, 0.75, 2.5, 40.0)]
    snapshot, places = _recorded(of_score, tried, [score], {}, "loss")
    nodes = [arithmetic(snapshot, i) for i in range(len(snapshot))]
    return {"nodes": nodes, "score": places[id(score)]}


def _recorded(
    f: Callable[..., Any],
    points: Sequence[Sequence[float]],
    inputs: Sequence[Value],
    names: dict[int, str],
    what: str,
) -> Recorded:
    """The graph of f, which has to be the same at all points but for its inputs' numbers.

    Raises:
        ValueError: it is not, so that the page, which has one graph, would be wrong elsewhere; f does not
            depend on an input; the page cannot compute one of its nodes.
    """
    first: Any = None
    for point in points:
        result = f(*point)
        if not isinstance(result, Value):
            raise ValueError(f"the {what} gave {result!r}, where a Value is needed")
        shape = _shape(result, inputs)
        if first not in (None, shape):
            raise ValueError(
                f"the {what} computes in another way at {tuple(point)} than at {tuple(points[0])}: "
                "branches of Python's, which the page cannot follow; relu, maximum, minimum are operations"
            )
        first = shape
    found = read(result, labels=names)
    assert found is not None
    snapshot, values = found
    places = {id(v): i for i, v in enumerate(values)}
    strange = [snapshot.op_text(i) for i, k in enumerate(snapshot.kinds) if k not in _COMPUTED]
    if strange:
        raise ValueError(
            f"the {what} has a node {strange[0]!r} by code of your own, which the page lacks"
        )
    if any(id(v) not in places for v in inputs):
        raise ValueError(f"the {what} does not depend on {' and '.join(v.label for v in inputs)}")
    return snapshot, places


_COMPUTED = {"leaf", "number", "op"}


def _shape(v: Value, inputs: Sequence[Value]) -> list[Any]:
    """All that makes a graph what it is, but for the numbers of its inputs and what follows from them."""
    order = walk(v)
    assert order is not None
    place = {id(node): i for i, node in enumerate(order)}
    free = {id(node) for node in inputs}
    return [
        (node._op, [place[id(child)] for child in node._children])
        if node._children or id(node) in free
        else repr(node.data)
        for node in order
    ]
