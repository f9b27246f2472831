"""draw(v): a graph as a picture. draw_dot and trace: the same by the names of micrograd's notebook.

A picture is SVG that this package lays out itself (layout.py), or Graphviz's `dot` where that is
installed; colours and texts are the same in both.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pygrad.core.tables import text_table
from pygrad.seeing import graphviz
from pygrad.seeing.converted import KINDS, NEEDED, converted
from pygrad.seeing.inspection import nodes_at_most
from pygrad.seeing.layout import Edge
from pygrad.seeing.layout import layout as built_in_layout
from pygrad.seeing.notation import derivative, number, shortened
from pygrad.seeing.snapshot import (
    MOST_NODES,
    Snapshot,
    checked_limit,
    read,
    read_near,
    walk,
)
from pygrad.seeing.svg import Box, Line, box_size, label_size, picture

__all__ = ["Graph", "draw", "draw_dot", "trace"]

_SHOWN = 24  # nodes of a graph that is too large to be drawn
_RULE_LENGTH = 16  # a longer rule leaves only its number on the edge
_TITLE_LENGTH = 26  # a longer equation takes two lines of a box

_LAYOUTS = ("auto", "dot", "built-in")


class Graph:
    """A picture of a graph as it was when it was drawn; it keeps no Value.

    In a notebook it shows itself. `snapshot` has the nodes as data.

    >>> from pygrad import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> graph = draw(a * b)
    >>> print(graph)
    graph of c = -6, 3 nodes
    node       data  grad  local derivatives
    a          2     0
    b          -3    0
    c = a * b  -6    0     dc/da = b = -3, dc/db = a = 2
    >>> graph.to_svg().startswith("<svg ")
    True
    """

    def __init__(
        self,
        snapshot: Snapshot,
        caption: Sequence[str] = (),
        *,
        rankdir: str = "LR",
        layout: str = "auto",
        format: str = "svg",
    ) -> None:
        if rankdir not in {"LR", "TB"}:
            raise ValueError(f"rankdir must be 'LR' or 'TB', not {rankdir!r}")
        if layout not in _LAYOUTS:
            raise ValueError(f"layout must be one of {_LAYOUTS}, not {layout!r}")
        self.snapshot = snapshot
        self.caption = [*caption, *snapshot.note_on_data()]
        self.rankdir = rankdir
        self.layout = layout
        self.format = format

    # -- as text --

    def _title(self) -> str:
        s = self.snapshot
        nodes = f"{len(s):,} node" + ("" if len(s) == 1 else "s")
        return f"graph of {s.names[-1]} = {number(s.values[-1])}, {nodes}"

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def __str__(self) -> str:
        s = self.snapshot
        rows = [["node", "data", "grad", "local derivatives"]]
        for i in range(len(s)):
            if s.kinds[i] != "number":
                tips = [line.tip for _, line in self._lines(i) if line.tip]
                rows.append([_equation(s, i), *_data_and_grad(s, i), ", ".join(tips)])
        return "\n".join([self._title(), *self.caption, text_table(rows)])

    # -- as a picture --

    def _lines(self, i: int) -> list[tuple[Edge, Line]]:
        """The edges into node i."""
        s = self.snapshot
        found = []
        for o, rule, slope in zip(s.operands[i], s.rules(i), s.slopes[i], strict=True):
            if s.kinds[o] == "number":
                line = Line("", "")  # nobody asks for the derivative by a number
            else:
                tip = derivative(s.names[i], s.names[o], s.kinds[i], rule, slope)
                line = Line(_label(s.kinds[i], rule, slope), tip)
            found.append((Edge(o, i, label_size(line)), line))
        return found

    @functools.cached_property
    def _edges(self) -> list[tuple[Edge, Line]]:
        return [pair for i in range(len(self.snapshot)) for pair in self._lines(i)]

    def to_svg(self) -> str:
        """The picture as an SVG element, well-formed XML: for a file, or for a page."""
        return self._svg

    @functools.cached_property
    def _svg(self) -> str:
        boxes = self._boxes()
        edges = [edge for edge, _ in self._edges]
        sizes = [box_size(box) for box in boxes]
        place, splines = None, False
        if self.layout != "built-in":
            try:
                place, splines = graphviz.layout(sizes, edges, self.rankdir), True
            except RuntimeError:
                if self.layout == "dot":
                    raise
        if place is None:
            place = built_in_layout(sizes, edges, direction=self.rankdir)
        return picture(
            boxes,
            [line for _, line in self._edges],
            edges,
            place,
            title=self._title(),
            caption=self.caption,
            rankdir=self.rankdir,
            splines=splines,
        )

    def _boxes(self) -> list[Box]:
        return [_box(self.snapshot, i) for i in range(len(self.snapshot))]

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, str]:
        return {"image/svg+xml": self.to_svg(), "text/plain": str(self)}

    # -- as a file --

    def to_dot(self) -> str:
        """The graph in Graphviz's language."""
        edges = [(edge.tail, edge.head, line.label) for edge, line in self._edges]
        return graphviz.source(
            [box.lines for box in self._boxes()], edges, self.rankdir, self.caption
        )

    @property
    def source(self) -> str:
        """The same, by the name that the `graphviz` package has for it."""
        return self.to_dot()

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file; its ending says how: .svg, .png, .pdf, .dot or .gv.

        PNG and PDF need the package `cairosvg` or the program `dot`.

        Raises:
            ValueError: the ending is another one.
            RuntimeError: PNG or PDF, and neither is installed, or `dot` has failed.
        """
        path = Path(path)
        path.write_bytes(self.pipe(path.suffix.removeprefix(".")))
        return path

    def pipe(self, format: str | None = None) -> bytes:
        """The contents of the file that `save` would write."""
        kind = (self.format if format is None else format).lower()
        if kind == "svg":
            return ('<?xml version="1.0" encoding="UTF-8"?>\n' + self.to_svg() + "\n").encode()
        if kind in {"dot", "gv"}:
            return self.to_dot().encode()
        if kind in KINDS:
            return self._converted(kind)
        raise ValueError(f"a picture is saved as .svg, .png, .pdf, .dot or .gv, not {kind!r}")

    def _converted(self, kind: str) -> bytes:
        made = converted(self.to_svg(), kind)
        if made is not None:
            return made
        if not graphviz.installed():
            raise RuntimeError(
                f"a {kind.upper()} needs {NEEDED} or the program dot (https://graphviz.org/download); "
                "a .svg needs neither"
            )
        return graphviz.run(self.to_dot(), f"-T{kind}", "-Gdpi=144")

    def render(
        self,
        filename: str | PathLike[str] = "graph",
        directory: str | PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
    ) -> str:
        """Write FILENAME in Graphviz's language (unless `cleanup`) and FILENAME.svg; return that path.

        As in the `graphviz` package; `view` opens the picture in a browser.
        """
        source = Path(directory or ".") / fspath(filename)
        source.parent.mkdir(parents=True, exist_ok=True)
        if not cleanup:
            source.write_text(self.to_dot(), encoding="utf-8")
        picture_file = Path(f"{source}.{format or self.format}")
        self.save(picture_file)
        if view:
            import webbrowser

            webbrowser.open(picture_file.resolve().as_uri())
        return str(picture_file)


def draw(
    v: Any,
    limit: int | None = 500,
    *,
    rankdir: str = "LR",
    layout: str = "auto",
    spelled_out: bool = False,
) -> Graph:
    """The graph of v as a picture: a box with name, value and grad per node, local derivatives on edges.

    Args:
        v: a Value.
        limit: of a graph with more nodes, only those nearest to v are drawn, with a summary of the rest.
            None draws all, whatever it takes.
        rankdir: "LR", operands left of results, or "TB", above them.
        layout: "dot" (Graphviz), "built-in", or "auto", which is dot if it is installed and works.
        spelled_out: show a dot product, as a neuron of `pygrad.nn` computes it, as its products and sums.

    Raises:
        TypeError: v is no Value.
        ValueError: the limit is below 1, or a word is unknown.

    >>> from pygrad import Value
    >>> draw(Value(2.0) * Value(3.0))
    <graph of c = 6, 3 nodes>
    """
    limit = checked_limit(limit)
    found = read(v, None if limit is None else max(limit, MOST_NODES), spelled_out)
    if found is not None and (limit is None or len(found[0]) <= limit):
        return Graph(found[0], rankdir=rankdir, layout=layout)
    near = read_near(v, min(_SHOWN, limit or _SHOWN))
    return Graph(near, _summary(v, near, found and found[0]), rankdir=rankdir, layout=layout)


def _summary(v: Any, near: Snapshot, whole: Snapshot | None) -> list[str]:
    if whole is None:
        most = nodes_at_most(v)
        size = f"more than {MOST_NODES:,} nodes" + (f" (at most {most:,})" if most else "")
        counts = []
    else:
        size = f"{len(whole):,} nodes"
        counts = [", ".join(f"{op} {count:,}" for op, count in whole.counts().items())]
    # Summaries are for reading: very many different ops are not.
    counts = [shortened(text, 100) for text in counts]
    return [
        f"{near.names[-1]} has a graph of {size}; these are the nearest.",
        *counts,
        "draw(v, limit=None) draws all.",
    ]


def draw_dot(
    root: Any,
    format: str = "svg",
    rankdir: str = "LR",
    limit: int | None = 500,
    spelled_out: bool = False,
) -> Graph:
    """draw() as micrograd's notebook has it, with the attributes of a `graphviz.Digraph` in common use.

    >>> from pygrad import Value
    >>> dot = draw_dot(Value(2.0) * Value(3.0), rankdir="TB")
    >>> dot.format, dot.source.startswith("digraph")
    ('svg', True)
    """
    graph = draw(root, limit, rankdir=rankdir, spelled_out=spelled_out)
    graph.format = format
    return graph


def trace(root: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """All nodes of a graph, and all edges as pairs (operand, user): sets of Values.

    As in micrograd's notebook, but without recursion. The sets hold the whole graph, however large.

    >>> from pygrad import Value
    >>> a = Value(2.0)
    >>> nodes, edges = trace(a * a)
    >>> len(nodes), [operand is a for operand, user in edges]
    (2, [True])
    """
    nodes = walk(root)
    assert nodes is not None
    return set(nodes), {(operand, node) for node in nodes for operand in node._children}


# -- what boxes and edges say ---------------------------------------------------------------------


def _equation(s: Snapshot, i: int) -> str:
    expression = s.expression(i)
    return f"{s.names[i]} = {expression}" if expression else s.names[i]


def _data_and_grad(s: Snapshot, i: int) -> list[str]:
    outdated = " (outdated)" if s.outdated[i] is not None else ""
    return [number(s.values[i]) + outdated, number(s.grads[i])]


def _box(s: Snapshot, i: int) -> Box:
    if s.kinds[i] == "number":
        return Box([s.names[i]], "", "number")
    equation = _equation(s, i)
    title = [equation]
    if len(equation) > _TITLE_LENGTH:
        title = [s.names[i], "= " + shortened(s.expression(i), 2 * _TITLE_LENGTH)]
    if not s.expression(i):
        title = [s.names[i]]
    if s.missing[i] and not s.cut[i]:
        title.append(f"{s.missing[i]:,} operands not shown")
    data, grad = _data_and_grad(s, i)
    tip = f"{equation}\ndata {s.values[i]!r}\ngrad {s.grads[i]!r}"
    return Box([*title, f"data {data}", f"grad {grad}"], tip, _style(s, i))


def _style(s: Snapshot, i: int) -> str:
    if s.cut[i]:
        return "cut"
    if i == len(s) - 1:
        return "root"
    return {"leaf": "leaf", "op": "op"}.get(s.kinds[i], "own")


def _label(kind: str, rule: str, slope: float | None) -> str:
    if slope is None:
        return "user's" if kind == "closure" else "no rule"
    value = number(slope)
    if rule in {"", value} or len(rule) > _RULE_LENGTH:
        return value
    return f"{rule} = {value}"
