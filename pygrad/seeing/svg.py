"""A graph that has been laid out, as SVG: boxes, lines with arrow heads, texts.

Every text is escaped; a picture loads nothing and runs nothing. Colours follow the reader's setting,
light or dark; in each the picture brings its own background, so it can be read on any page.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from pygrad.core.tables import columns
from pygrad.seeing.layout import Edge, Layout, Point
from pygrad.seeing.notation import visible

__all__ = ["Box", "Line", "box_size", "label_size", "picture"]

FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_SIZE, _LABEL_SIZE = 13, 12
# Advance of one character in units of the font's size: at most this in the fonts above.
_ADVANCE = 0.61
_LINE_HEIGHT, _LABEL_HEIGHT = 18, 16
_PADDING, _MARGIN = 9, 14
_ARROW = 7


class Box(NamedTuple):
    """A node: its lines of text (the first stands out), a tooltip, and "leaf", "number", "op", "own" (an
    operation of the user's), "root" or "cut" (its operands are not shown)."""

    lines: Sequence[str]
    tip: str
    style: str


class Line(NamedTuple):
    """An edge: its label, perhaps empty, and a tooltip."""

    label: str
    tip: str


def box_size(box: Box) -> tuple[float, float]:
    """Width and height that a box needs, in pixels."""
    width = max(map(columns, box.lines)) * _ADVANCE * _SIZE
    between = 0 if len(box.lines) == 1 else 4
    return width + 2 * _PADDING, len(box.lines) * _LINE_HEIGHT + between + _PADDING


def label_size(line: Line) -> tuple[float, float]:
    """Width and height that an edge's label needs; nothing for an empty one."""
    if not line.label:
        return 0.0, 0.0
    return columns(line.label) * _ADVANCE * _LABEL_SIZE + 8, _LABEL_HEIGHT


# Fill and outline of boxes, and the colours of the rest, for light and dark pages.
_LIGHT = {
    "page": "#ffffff",
    "text": "#1f2328",
    "line": "#6e7781",
    "label": "#0550ae",
    "leaf": "#ddf4ff #54aeff",
    "number": "#ffffff #afb8c1",
    "op": "#f6f8fa #8c959f",
    "own": "#fff8c5 #bf8700",
    "root": "#dafbe1 #2da44e",
    "cut": "#ffffff #8c959f",
}
_DARK = {
    "page": "#0d1117",
    "text": "#e6edf3",
    "line": "#8b949e",
    "label": "#79c0ff",
    "leaf": "#0c2d4d #388bfd",
    "number": "#0d1117 #484f58",
    "op": "#161b22 #6e7681",
    "own": "#3a2d05 #bb8009",
    "root": "#0f2f1a #3fb950",
    "cut": "#0d1117 #6e7681",
}
_BOXES = ["leaf", "number", "op", "own", "root", "cut"]


def picture(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    edges: Sequence[Edge],
    place: Layout,
    *,
    title: str,
    caption: Sequence[str] = (),
    rankdir: str = "LR",
    splines: bool = False,
) -> str:
    """The graph as one SVG element, well-formed XML whatever the texts contain.

    Args:
        boxes, lines: one per node, one per edge.
        edges, place: what `layout.layout` was given, and what it has found.
        title: what the picture is, for those who cannot see it.
        caption: lines of text above the graph.
        splines: whether the layout's routes are the points of Bézier splines.
    """
    above = len(caption) * _LINE_HEIGHT + (8 if caption else 0)
    wide = max([columns(text) * _ADVANCE * _SIZE for text in caption], default=0.0)
    width = max(place.width, wide) + 2 * _MARGIN
    height = place.height + above + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    # What lines of one node have in common is drawn once.
    drawn: defaultdict[int, set[tuple[Point, Point]]] = defaultdict(set)
    drawings = []
    for line, edge, route, label in zip(lines, edges, place.routes, place.labels, strict=True):
        path = _spline(route) if splines else _path(route, rankdir, drawn[edge.tail])
        before = route[-2] if splines else None
        arrow = _arrow(route[-1], before, rankdir)
        drawings.append(_line(line, label, path, arrow, covers=not splines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pygrad-graph" {size} role="img" '
        f'aria-label={quoteattr(_clean(title))} font-family="{FONT}" font-size="{_SIZE}">',
        f"<style>{_dark_style()}</style>",
        f'<rect class="page" width="100%" height="100%" fill="{_LIGHT["page"]}"/>',
        f'<g transform="translate({_MARGIN} {_MARGIN})">',
        *(_text(text, 0, (i + 0.75) * _LINE_HEIGHT) for i, text in enumerate(caption)),
        f'<g transform="translate(0 {above})">',
        *drawings,
        *(_box(box, *place.positions[i]) for i, box in enumerate(boxes)),
        "</g></g></svg>",
    ]
    return "\n".join(parts)


def _dark_style() -> str:
    rules = [
        f".pygrad-graph .page{{fill:{_DARK['page']}}}",
        f".pygrad-graph text{{fill:{_DARK['text']}}}",
        f".pygrad-graph .line path{{stroke:{_DARK['line']}}}",
        f".pygrad-graph .line polygon{{fill:{_DARK['line']}}}",
        f".pygrad-graph .line text{{fill:{_DARK['label']}}}",
        f".pygrad-graph .line rect{{fill:{_DARK['page']}}}",
    ]
    for name in _BOXES:
        fill, outline = _DARK[name].split()
        rules.append(f".pygrad-graph .{name} rect{{fill:{fill};stroke:{outline}}}")
        rules.append(f".pygrad-graph .{name} path{{stroke:{outline}}}")
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def _clean(text: str) -> str:
    """XML has no control characters, not even as references."""
    return visible(text)


def _text(text: str, x: float, y: float, extra: str = "") -> str:
    shown = escape(_clean(text))
    return f'<text x="{_n(x)}" y="{_n(y)}" fill="{_LIGHT["text"]}"{extra}>{shown}</text>'


def _n(x: float) -> str:
    """A coordinate: a tenth of a pixel is enough."""
    return re.sub(r"\.0$", "", f"{x:.1f}")


def _tip(text: str) -> str:
    """A tooltip; it may have several lines."""
    lines = "\n".join(map(_clean, text.split("\n")))
    return f"<title>{escape(lines)}</title>" if text else ""


def _box(box: Box, x: float, y: float) -> str:
    width, height = box_size(box)
    left, top = x - width / 2, y - height / 2
    fill, outline = _LIGHT[box.style].split()
    dashes = ' stroke-dasharray="4 3"' if box.style == "cut" else ""
    radius = 10 if box.style == "number" else 5
    parts = [
        f'<g class="{box.style}">{_tip(box.tip)}'
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}" rx="{radius}" '
        f'fill="{fill}" stroke="{outline}"{dashes}/>'
    ]
    baseline = top + _PADDING / 2 + 0.75 * _LINE_HEIGHT
    for i, text in enumerate(box.lines):
        bold = ' font-weight="bold"' if i == 0 and len(box.lines) > 1 else ""
        parts.append(_text(text, left + _PADDING, baseline, bold))
        baseline += _LINE_HEIGHT
        if i == 0 and len(box.lines) > 1:
            rule = top + _PADDING / 2 + _LINE_HEIGHT + 2
            parts.append(
                f'<path d="M{_n(left)} {_n(rule)}H{_n(left + width)}" stroke="{outline}"/>'
            )
            baseline += 4
    return "".join([*parts, "</g>"])


def _line(line: Line, label: Point, path: str, arrow: str, *, covers: bool) -> str:
    """An edge; covers: its label stands on the line, which is not to be seen there."""
    x, y = label
    width, height = label_size(line)
    text = ""
    if line.label and covers:
        text = (
            f'<rect x="{_n(x - width / 2)}" y="{_n(y - height / 2)}" width="{_n(width)}" '
            f'height="{_n(height)}" fill="{_LIGHT["page"]}"/>'
        )
    if line.label:
        text += (
            f'<text x="{_n(x)}" y="{_n(y + 0.35 * _LABEL_SIZE)}" text-anchor="middle" '
            f'font-size="{_LABEL_SIZE}" fill="{_LIGHT["label"]}">{escape(_clean(line.label))}</text>'
        )
    return (
        f'<g class="line">{_tip(line.tip)}<path d="{path}" fill="none" stroke="{_LIGHT["line"]}"/>'
        f"{arrow}{text}</g>"
    )


def _spline(points: Sequence[Point]) -> str:
    start, *rest = (f"{_n(x)} {_n(y)}" for x, y in points)
    return f"M{start}C{' '.join(rest)}"


def _path(route: Sequence[Point], rankdir: str, drawn: set[tuple[Point, Point]]) -> str:
    """The way along the points, without pieces that were drawn."""
    parts = []
    pen = None
    for a, b in itertools.pairwise(route):
        if (a, b) in drawn:
            continue
        drawn.add((a, b))
        if pen != a:
            parts.append(f"M{_n(a[0])} {_n(a[1])}")
        pen = b
        if a[0] == b[0] or a[1] == b[1]:
            parts.append(f"L{_n(b[0])} {_n(b[1])}")
        elif rankdir == "LR":
            middle = _n((a[0] + b[0]) / 2)
            parts.append(f"C{middle} {_n(a[1])} {middle} {_n(b[1])} {_n(b[0])} {_n(b[1])}")
        else:
            middle = _n((a[1] + b[1]) / 2)
            parts.append(f"C{_n(a[0])} {middle} {_n(b[0])} {middle} {_n(b[0])} {_n(b[1])}")
    return "".join(parts)


def _arrow(tip: Point, before: Point | None, rankdir: str) -> str:
    """A head at the tip of a line that comes from `before`, or in the direction of the graph."""
    (x, y), (dx, dy) = tip, (1.0, 0.0) if rankdir == "LR" else (0.0, 1.0)
    if before is not None and before != tip:
        length = math.dist(before, tip)
        dx, dy = (x - before[0]) / length, (y - before[1]) / length
    corners = [
        (x, y),
        (x - _ARROW * dx - _ARROW / 2 * dy, y - _ARROW * dy + _ARROW / 2 * dx),
        (x - _ARROW * dx + _ARROW / 2 * dy, y - _ARROW * dy - _ARROW / 2 * dx),
    ]
    points = " ".join(f"{_n(px)},{_n(py)}" for px, py in corners)
    return f'<polygon points="{points}" fill="{_LIGHT["line"]}"/>'
