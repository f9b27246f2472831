"""The demo's picture: a plane coloured by a network's score, the line where it is zero, and the points."""

from __future__ import annotations

from collections.abc import Callable

Point = tuple[float, float]

# The window in the plane of the points, and where it stands on the paper (SVG's y runs down).
XMIN, XMAX, YMIN, YMAX = -1.5, 2.5, -1.0, 1.5
LEFT, TOP, SCALE = 52, 68, 128
WIDTH, HEIGHT = round((XMAX - XMIN) * SCALE), round((YMAX - YMIN) * SCALE)
RIGHT, BOTTOM = LEFT + WIDTH, TOP + HEIGHT
CELL = 8  # pixels a side of the cells the score is sampled on
LEVELS = [k / 4 for k in range(-8, 9)]
BLUE, WHITE, ORANGE, INK = (59, 117, 175), (250, 250, 250), (221, 110, 38), "#333"
LINE = 'fill="none" stroke-linejoin="round"'


def picture(
    score: Callable[[float, float], float], points: list[Point], labels: list[int], title: str
) -> str:
    """An SVG of the plane coloured by `score`, the line where it is zero, and the points."""
    columns, rows = WIDTH // CELL, HEIGHT // CELL
    grid = [
        [
            score(XMIN + (XMAX - XMIN) * i / columns, YMAX - (YMAX - YMIN) * j / rows)
            for i in range(columns + 1)
        ]
        for j in range(rows + 1)
    ]
    colours = [_tint((low + 0.125) / 2.25) for low in [LEVELS[0] - 0.25, *LEVELS]]
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


def _bands(grid: list[list[float]], colours: list[str]) -> list[str]:
    """The plane: each band is painted over the one below it, so that no seam shows between two of them."""
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="{colours[0]}"/>']
    for level, colour in zip(LEVELS, colours[1:], strict=True):
        if path := _path(_contours(grid, level), closed=True):
            parts.append(f'<path fill="{colour}" d="{path}"/>')
    return parts


def _lines(grid: list[list[float]]) -> list[str]:
    """The boundary and the margins."""
    parts = []
    for level, style in [(-1, "1 4"), (1, "1 4"), (0, "")]:
        look = f'stroke="{INK}" stroke-width="{1 if style else 2}" stroke-linecap="round"'
        dashes = f' stroke-dasharray="{style}"' if style else ""
        if path := _path(_contours(grid, level), closed=False):
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


Crossing = tuple[float, float, bool]


def _contours(grid: list[list[float]], level: float) -> list[list[Crossing]]:
    """Closed loops round the part of the paper where the grid's value is at least `level`.

    A ring of nodes below the level surrounds the grid, on its edge, so that every loop closes;
    a crossing next to the ring is marked True: it lies on the edge of the plot.
    """
    height, width = len(grid), len(grid[0])

    def value(node: tuple[int, int]) -> float:
        i, j = node
        return grid[j][i] - level if 0 <= i < width and 0 <= j < height else -1.0

    def crossing(a: tuple[int, int], b: tuple[int, int]) -> Crossing:
        t = value(a) / (value(a) - value(b))
        (ax, ay), (bx, by) = (
            (min(max(i, 0), width - 1), min(max(j, 0), height - 1)) for i, j in (a, b)
        )
        edge = not all(0 <= i < width and 0 <= j < height for i, j in (a, b))
        return LEFT + CELL * (ax + t * (bx - ax)), TOP + CELL * (ay + t * (by - ay)), edge

    # Walk round each cell: from where the walk leaves the inside the loop cuts through the cell
    # to where it comes in again. The next cell walks their common side the other way, so what
    # comes in here leaves there, and the pieces chain by their sides.
    follows, place = {}, {}
    for j in range(-1, height):
        for i in range(-1, width):
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            inside = [value(corner) >= 0 for corner in corners]
            if all(inside) or not any(inside):
                continue
            changes = [k for k in range(4) if inside[k] != inside[k - 3]]  # k - 3: the next one
            for n, k in enumerate(changes):
                if inside[k]:
                    back = changes[(n + 1) % len(changes)]
                    sides = [(corners[m], corners[m - 3]) for m in (k, back)]
                    leave, enter = (tuple(sorted(side)) for side in sides)
                    follows[leave] = enter
                    place[leave] = crossing(*leave)
    loops = []
    while follows:
        side = next(iter(follows))
        loop = []
        while side in follows:
            loop.append(place[side])
            side = follows.pop(side)
        loops.append(loop)
    return loops


def _path(loops: list[list[Crossing]], closed: bool) -> str:
    """SVG path data: the loops themselves, or only what of them is not the edge of the plot."""
    data = []
    for loop in loops:
        edges = [k for k, (*_, edge) in enumerate(loop) if edge]
        # Begin on the edge, so that no line is broken where its loop happens to begin.
        first = edges[0] if edges else 0
        pen_down = False
        for x, y, edge in loop[first:] + loop[:first]:
            if closed or not edge:
                data.append(f"{'L' if pen_down else 'M'}{round(x, 1):g} {round(y, 1):g}")
            pen_down = closed or not edge
        if closed or not edges:
            data.append("z")
    return "".join(data)


def _tint(share: float) -> str:
    """A colour from blue (-1) through white (0) to orange (1), light enough to set points on."""
    end = BLUE if share < 0 else ORANGE
    weight = 0.75 * min(abs(share), 1.0)
    return "#" + "".join(
        f"{round(w + (e - w) * weight):02x}" for w, e in zip(WHITE, end, strict=True)
    )


def _dot(x: float, y: float, label: int) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*(BLUE if label < 0 else ORANGE))
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more and " " + more}>{text}</text>'
