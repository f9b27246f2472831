"""Graphviz's program `dot`, where it is installed: its language, and its way to lay out a graph."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from pygrad.seeing.layout import Edge, Layout
from pygrad.seeing.notation import visible

__all__ = ["installed", "layout", "run", "source"]

_SECONDS = 10  # a large graph can take dot hours
_INCH = 72.0


def installed() -> bool:
    """Whether the program is to be found."""
    return shutil.which("dot") is not None


def run(text: str, *options: str) -> bytes:
    """What `dot` makes of a text in its language.

    Raises:
        RuntimeError: it is not installed, fails, or takes too long.
    """
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError("Graphviz's program `dot` is not installed")
    try:
        done = subprocess.run(
            [program, *options],
            input=text.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"`dot` took more than {_SECONDS} s") from error
    except OSError as error:
        raise RuntimeError(f"`dot` could not be started: {error}") from error
    if done.returncode != 0:
        raise RuntimeError(f"`dot` failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


# -- the language ---------------------------------------------------------------------------------


def source(
    boxes: Sequence[Sequence[str]],
    edges: Sequence[tuple[int, int, str]],
    rankdir: str = "LR",
    caption: Sequence[str] = (),
) -> str:
    r"""A graph in Graphviz's language.

    Args:
        boxes: for each node the texts of its fields.
        edges: index of the operand, index of the user, label.
        rankdir: "LR" or "TB".
        caption: lines above the graph.

    >>> print(source([["a", "data 2"], ["b = a * a"]], [(0, 1, "a = 2")]))
    digraph {
      graph [rankdir=LR]
      node [shape=record, fontname="monospace"]
      edge [fontname="monospace", fontsize=11]
      n0 [label="{a|data 2}"]
      n1 [label="{b = a * a}"]
      n0 -> n1 [label="a = 2"]
    }
    """
    lines = [
        "digraph {",
        f"  graph [rankdir={rankdir}]",
        '  node [shape=record, fontname="monospace"]',
        '  edge [fontname="monospace", fontsize=11]',
    ]
    if caption:
        lines.append(f"  graph [labelloc=t, label={_quoted(caption)}]")
    for i, fields in enumerate(boxes):
        inside = "|".join(_field(text) for text in fields)
        lines.append(f'  n{i} [label="{{{inside}}}"]')
    for tail, head, label in edges:
        shown = f" [label={_quoted([label])}]" if label else ""
        lines.append(f"  n{tail} -> n{head}{shown}")
    return "\n".join([*lines, "}"])


def _field(text: str) -> str:
    """A field of a record, in which its signs, quotes and entities mean nothing."""
    plain = visible(text).replace("&", "&amp;")
    return "".join("\\" + c if c in '\\{}|<>"' else c for c in plain)


def _quoted(lines: Sequence[str]) -> str:
    r"""A string of lines, in which a \ of theirs begins no escape such as \N, the node's name."""
    plain = [visible(line).replace("&", "&amp;").replace("\\", "\\\\") for line in lines]
    return '"' + "\\n".join(line.replace('"', '\\"') for line in plain) + '"'


# -- the layout -----------------------------------------------------------------------------------


def layout(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], rankdir: str = "LR"
) -> Layout:
    """Positions as `layout.layout` gives them, but found by `dot`; routes are Bézier splines.

    `dot` is told sizes only: no text of the graph gets to it.

    Raises:
        RuntimeError: `dot` is not installed, fails, or takes too long.
    """
    lines = [
        f"digraph {{ graph [rankdir={rankdir}, nodesep=0.2, ranksep=0.35]",
        'node [shape=box, fixedsize=true, label=""] edge [arrowhead=none]',
    ]
    for i, (width, height) in enumerate(sizes):
        lines.append(f"n{i} [width={width / _INCH:.4f}, height={height / _INCH:.4f}]")
    for tail, head, (width, height) in edges:
        size = f'width="{round(width)}" height="{round(height)}"'
        table = f'<table border="0" fixedsize="true" {size}><tr><td></td></tr></table>'
        lines.append(f"n{tail} -> n{head}" + (f" [label=<{table}>]" if width else ""))
    answer = run("\n".join([*lines, "}"]), "-Tplain").decode()
    try:
        return _read_plain(answer, len(sizes), edges)
    except (ValueError, IndexError, StopIteration) as error:
        raise RuntimeError("`dot` has answered something else than a layout") from error


def _read_plain(answer: str, count: int, edges: Sequence[Edge]) -> Layout:
    """Graphviz's format "plain": inches, y upwards, edges in an order of its own."""
    rows = [line.split(" ") for line in answer.splitlines()]
    head = next(row for row in rows if row[0] == "graph")
    width, height = float(head[2]) * _INCH, float(head[3]) * _INCH

    def point(x: str, y: str) -> tuple[float, float]:
        return float(x) * _INCH, height - float(y) * _INCH

    positions = {row[1]: point(row[2], row[3]) for row in rows if row[0] == "node"}
    found: dict[tuple[str, str], list[tuple[list[tuple[float, float]], tuple[float, float]]]] = {}
    for row in rows:
        if row[0] == "edge":
            end = 4 + 2 * int(row[3])
            route = [point(x, y) for x, y in zip(row[4:end:2], row[5:end:2], strict=True)]
            # style and colour come last; before them, if there is a label, its text and its place
            label = point(row[-4], row[-3]) if len(row) - end > 2 else route[0]
            found.setdefault((row[1], row[2]), []).append((route, label))
    routes, labels = [], []
    for tail, to, _ in edges:
        route, label = found[f"n{tail}", f"n{to}"].pop(0)
        routes.append(route)
        labels.append(label)
    return Layout(width, height, [positions[f"n{i}"] for i in range(count)], labels, routes)
