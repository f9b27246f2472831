"""The demo's picture: a plane coloured by a network's score, the line where it is zero, and the points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.seeing.contours import lines, loops
from pygrad.seeing.palette import INK, MARKS, SIDES
from pygrad.seeing.plane import bands, sampled

Point = tuple[float, float]

# The window in the plane of the points, and where it stands on the paper (SVG's y runs down).
XMIN, XMAX, YMIN, YMAX = -1.5, 2.5, -1.0, 1.5
LEFT, TOP, SCALE = 52, 68, 128
WIDTH, HEIGHT = round((XMAX - XMIN) * SCALE), round((YMAX - YMIN) * SCALE)
RIGHT, BOTTOM = LEFT + WIDTH, TOP + HEIGHT
CELL = 8  # pixels a side of the cells the score is sampled on
LEVELS = [k / 4 for k in range(-8, 9)]  # of a max-margin loss, whose margins are -1 and 1
LINE = 'fill="none" stroke-linejoin="round"'


def picture(model: Callable[[Any], Any], points: list[Point], labels: list[int], title: str) -> str:
    """An SVG of the plane coloured by the model's score, the line where it is zero, and the points."""
    window = (XMIN, XMAX, YMIN, YMAX)
    grid = sampled(model, window, WIDTH // CELL + 1, HEIGHT // CELL + 1)[:, :, 0].tolist()
    colours = bands(len(LEVELS))
    scale, scale_frame, scale_text = _scale(colours)
    frame, text = _axes()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {RIGHT + 70} {BOTTOM + 38}"'
            f' width="{RIGHT + 70}" height="{BOTTOM + 38}" font-family="sans-serif"'
            f' font-size="12" fill="{INK}" role="img">',
            f"<title>{title}</title>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *_bands(grid, colours),
            *_lines(grid),
            '<g stroke="#fff">',
            *[
                _dot(LEFT + (x - XMIN) * SCALE, TOP + (YMAX - y) * SCALE, label)
                for (x, y), label in zip(points, labels, strict=True)
            ],
            "</g>",
            *scale,
            f'<path {LINE} stroke="{INK}" d="{"".join([*frame, *scale_frame])}"/>',
            *text,
            *scale_text,
            *_legend(title),
            "</svg>\n",
        ]
    )


# -- its parts: elements of the SVG, or a piece of the frame's path and texts -----------------------


def _bands(grid: Any, colours: list[str]) -> list[str]:
    """The plane: each band is painted over the one below it, so that no seam shows between two of them."""
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="{colours[0]}"/>']
    for level, colour in zip(LEVELS, colours[1:], strict=True):
        if path := _path(grid, level, closed=True):
            parts.append(f'<path fill="{colour}" d="{path}"/>')
    return parts


def _lines(grid: Any) -> list[str]:
    """The boundary and the margins."""
    parts = []
    for level, style in [(-1, "1 4"), (1, "1 4"), (0, "")]:
        look = f'stroke="{INK}" stroke-width="{1 if style else 2}" stroke-linecap="round"'
        dashes = f' stroke-dasharray="{style}"' if style else ""
        if path := _path(grid, level, closed=False):
            parts.append(f'<path {LINE} {look}{dashes} d="{path}"/>')
    return parts


def _axes() -> tuple[list[str], list[str]]:
    """The frame of the plot with its marks, and their numbers."""
    frame, text = [f"M{LEFT} {TOP}h{WIDTH}v{HEIGHT}h{-WIDTH}z"], []
    for k in range(round((XMAX - XMIN) * 2) + 1):
        x = LEFT + k * SCALE // 2
        frame.append(f"M{x} {BOTTOM}v5")
        text.append(_text(x, BOTTOM + 19, f"{XMIN + k / 2:g}"))
    for k in range(round((YMAX - YMIN) * 2) + 1):
        y = TOP + k * SCALE // 2
        frame.append(f"M{LEFT} {y}h-5")
        text.append(_text(LEFT - 9, y + 4, f"{YMAX - k / 2:g}", "end"))
    return frame, text


def _scale(colours: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The scale of colours at the right, as long as the plot is high; its frame, and its numbers."""
    bar, high = RIGHT + 20, HEIGHT / len(colours)
    parts = [
        f'<rect x="{bar}" y="{TOP + k * high:.1f}" width="14" height="{high + 0.5:.1f}"'
        f' fill="{colour}"/>'
        for k, colour in enumerate(reversed(colours))
    ]
    frame, text = [f"M{bar} {TOP}h14v{HEIGHT}h-14z"], []
    for value in (-2, -1, 0, 1, 2):
        y = BOTTOM - (LEVELS.index(value) + 1) * high
        frame.append(f"M{bar + 14} {y:.1f}h4")
        text.append(_text(bar + 22, y + 4, f"{value}", "start"))
    return parts, frame, [*text, _text(bar + 7, TOP - 10, "score")]


def _legend(title: str) -> list[str]:
    """What stands above the plot."""
    return [
        _text(LEFT, 28, title, "start", 'font-size="17" font-weight="600"'),
        _dot(LEFT + 6, TOP - 14, -1) + _text(LEFT + 16, TOP - 10, "class -1", "start"),
        _dot(LEFT + 90, TOP - 14, 1) + _text(LEFT + 100, TOP - 10, "class 1", "start"),
        f'<path stroke="{INK}" stroke-width="2" d="M{LEFT + 168} {TOP - 14}h20"/>',
        _text(LEFT + 195, TOP - 10, "boundary, score 0", "start"),
        f'<path {LINE} stroke="{INK}" stroke-dasharray="1 4" stroke-linecap="round"'
        f' d="M{LEFT + 322} {TOP - 14}h20"/>',
        _text(LEFT + 349, TOP - 10, "margin, score -1 and 1", "start"),
    ]


def _path(grid: Any, level: float, closed: bool) -> str:
    """SVG path data: loops round what is at least the level, or the lines where it is that."""
    found = loops(grid, level)
    around = [[(x, y) for x, y, _ in loop] for loop in found] if closed else lines(found)
    texts = []
    for line in around:
        places = [f"{_short(LEFT + CELL * x)} {_short(BOTTOM - CELL * y)}" for x, y in line]
        texts.append("M" + "L".join(places) + "z" * (closed or line[0] == line[-1]))
    return "".join(texts)


def _short(pixels: float) -> str:
    return f"{round(pixels, 1):g}"


def _dot(x: float, y: float, label: int) -> str:
    colour, mark = SIDES[label > 0], MARKS[label > 0]
    if mark == "s":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more and " " + more}>{text}</text>'
