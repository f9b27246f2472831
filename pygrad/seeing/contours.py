"""Lines along which numbers on a grid have one level, without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Crossing", "lines", "loops"]

Crossing = tuple[float, float, bool]  # column, row, and whether it lies on the edge
_Node = tuple[int, int]
_Side = tuple[_Node, _Node]


def loops(grid: Sequence[Sequence[float]], level: float) -> list[list[Crossing]]:
    """Closed loops round the part of the grid where its numbers are at least `level`.

    Between nodes numbers are as on a straight line. A ring of nodes below the level surrounds the grid,
    on its edge, so that every loop closes, and what is not finite is as if outside; a crossing next to
    these is marked True: there the part ends, and not at the level.

    >>> [[(x, y) for x, y, _ in loop] for loop in loops([[0.0, 0.0], [1.0, 1.0]], 0.25)]
    [[(0, 1), (0.0, 0.25), (1.0, 0.25), (1, 1), (1, 1), (0, 1)]]
    """
    height, width = len(grid), len(grid[0])

    def value(node: _Node) -> float:
        i, j = node
        x = grid[j][i] - level if 0 <= i < width and 0 <= j < height else math.nan
        return x if math.isfinite(x) else math.nan

    def crossing(a: _Node, b: _Node) -> Crossing:
        u, v = value(a), value(b)
        if math.isnan(u) or math.isnan(v):
            i, j = b if math.isnan(u) else a
            return i, j, True
        t = u / (u - v)
        return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), False

    # Walk round each cell: from where the walk leaves the inside the loop cuts through the cell
    # to where it comes in again. The next cell walks their common side the other way, so what
    # comes in here leaves there, and the pieces chain by their sides.
    follows: dict[_Side, _Side] = {}
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
                    leave, enter = (_side(corners[m], corners[m - 3]) for m in (k, back))
                    follows[leave] = enter
    found = []
    while follows:
        side = next(iter(follows))
        loop = []
        while side in follows:
            loop.append(crossing(*side))
            side = follows.pop(side)
        found.append(loop)
    return found


def _side(a: _Node, b: _Node) -> _Side:
    return (a, b) if a < b else (b, a)


def lines(found: Sequence[Sequence[Crossing]]) -> list[list[tuple[float, float]]]:
    """What of loops is not the edge: lines from edge to edge, and whole loops, which end where they began.

    >>> lines(loops([[0.0, 0.0], [1.0, 1.0]], 0.25))
    [[(0.0, 0.25), (1.0, 0.25)]]
    """
    pieces: list[list[tuple[float, float]]] = []
    for loop in found:
        edges = [k for k, (*_, edge) in enumerate(loop) if edge]
        # Begin on the edge, so that no line is broken where its loop happens to begin.
        first = edges[0] if edges else 0
        pen_down = False
        for x, y, edge in [*loop[first:], *loop[:first], *([] if edges else loop[:1])]:
            if not edge and not pen_down:
                pieces.append([])
            if not edge:
                pieces[-1].append((x, y))
            pen_down = not edge
    return [piece for piece in pieces if len(piece) > 1]
