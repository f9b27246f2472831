"""Where to draw the nodes of a graph: in layers, operands before their users, with few crossings.

The method is Sugiyama's (Sugiyama, Tagawa & Toda 1981): nodes get layers by longest paths, an edge
that passes layers gets a place in each, layers are sorted by barycentres to undo crossings, and places
within a layer are those nearest to the neighbours' mean that leave the gaps asked for (isotonic
regression by pooling adjacent violators, Ayer et al. 1955).

All edges of one node that pass a layer share one place there, so a node with many users is one line
that branches. An edge with a label has a place for it in the last layer before the user: labels meet
neither nodes nor each other nor lines.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Edge", "Layout", "Point", "layout"]

Size = tuple[float, float]
Point = tuple[float, float]

_SORTING_ROUNDS = 12  # down and up; more change little
_PLACING_ROUNDS = 8
_SLOPE = 0.12  # gaps widen by this share of the rise of the steepest line in them,
_MOST_ROOM = 120.0  # but by no more than this
_STRAIGHT = 8.0  # how much harder a line's bend is resisted than a node's shift
_STEP = 12.0  # a step in a line that is to be taken out is no larger
_LEAF_PULL = 1e-3  # of a leaf with one user: long chains of operations are to be straight


class Edge(NamedTuple):
    """From the operand `tail` to its user `head`, both indices of nodes, with room for a label."""

    tail: int
    head: int
    label: Size = (0.0, 0.0)


class Layout(NamedTuple):
    """Where everything is, in the unit of the sizes given; y grows downwards."""

    width: float
    height: float
    positions: list[Point]  # the centre of each node
    labels: list[Point]  # the centre of each edge's label
    # The points that each edge passes; curves between, horizontal at each (vertical for direction "TB")
    routes: list[list[Point]]


def layout(
    sizes: Sequence[Size],
    edges: Sequence[Edge | tuple[int, int]],
    *,
    direction: str = "LR",
    layer_gap: float = 24.0,
    node_gap: float = 14.0,
) -> Layout:
    """Positions for nodes of the given sizes (width, height) and the lines between them.

    Args:
        sizes: width and height of each node.
        edges: `Edge`s or (tail, head) pairs; an edge's tail comes before its head in the order of
            nodes, or at least no edges form a circle.
        direction: "LR", operands left of their users, or "TB", above them.
        layer_gap: between layers.
        node_gap: between neighbours in a layer.

    Two edges between the same nodes have a route and a label each. No nodes, labels or lines of
    other edges touch a node or a label. The result depends on nothing but the arguments. The time is
    about proportional to nodes plus edges plus the layers that the nodes' users are away.

    Raises:
        ValueError: the edges form a circle, or the direction is unknown.

    >>> found = layout([(10, 10), (10, 10), (20, 10)], [(0, 2), (1, 2)], layer_gap=5, node_gap=4)
    >>> found.positions
    [(5.0, 5.0), (5.0, 19.0), (25.84, 12.0)]
    """
    if direction not in {"LR", "TB"}:
        raise ValueError(f"direction must be 'LR' or 'TB', not {direction!r}")
    across = direction == "TB"
    if across:
        sizes = [(height, width) for width, height in sizes]
    full = [Edge(*edge) for edge in edges]
    if across:
        full = [Edge(e.tail, e.head, (e.label[1], e.label[0])) for e in full]
    found = _Drawing(list(sizes), full, layer_gap, node_gap).layout()
    return _transposed(found) if across else found


def _transposed(found: Layout) -> Layout:
    def swap(points: list[Point]) -> list[Point]:
        return [(y, x) for x, y in points]

    return Layout(
        found.height,
        found.width,
        swap(found.positions),
        swap(found.labels),
        [swap(route) for route in found.routes],
    )


class _Drawing:
    """The graph with its places: nodes first, then labels and bends of lines, added layer by layer."""

    def __init__(
        self, sizes: list[Size], edges: list[Edge], layer_gap: float, node_gap: float
    ) -> None:
        self.count = len(sizes)
        self.edges = edges
        self.sizes = sizes
        self.layer_gap, self.node_gap = layer_gap, node_gap
        # Even layers have nodes, odd ones labels.
        self.layer = [2 * depth for depth in _depths(self.count, edges)]
        self.before: list[list[int]] = [[] for _ in sizes]
        self.after: list[list[int]] = [[] for _ in sizes]
        self.weight = [1.0] * len(sizes)  # how hard a place pulls at its neighbours
        self.paths = self._add_lines()
        self.layers: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]

    def layout(self) -> Layout:
        """Sort the layers, place what is in them, and read off the result."""
        self._first_order()
        self._sort()
        y = self._place()
        x, width = self._columns(y)
        top = min((y[i] - self.sizes[i][1] / 2 for i in range(len(y))), default=0.0)
        bottom = max((y[i] + self.sizes[i][1] / 2 for i in range(len(y))), default=0.0)
        centres = [(x[self.layer[i]][0], y[i] - top) for i in range(len(y))]
        return Layout(
            width,
            bottom - top,
            centres[: self.count],
            [centres[path[-2]] for path in self.paths],
            [self._route(path, centres, x) for path in self.paths],
        )

    # -- lines through layers --

    def _add_place(self, layer: int, size: Size, before: int) -> int:
        place = len(self.sizes)
        self.sizes.append(size)
        self.layer.append(layer)
        self.weight.append(1.0)
        self.before.append([])
        self.after.append([])
        self._join(before, place)
        return place

    def _join(self, a: int, b: int) -> None:
        self.after[a].append(b)
        self.before[b].append(a)

    def _add_lines(self) -> list[list[int]]:
        """The places that each edge passes: tail, bends, label, head."""
        users = Counter(edge.tail for edge in self.edges)
        inner = {edge.head for edge in self.edges}
        lines: dict[int, list[int]] = {}  # from each node on, one place per layer
        paths = []
        for tail, head, label in self.edges:
            line = lines.setdefault(tail, [tail])
            # The label's layer is the last before the head; the line goes up to the one before that.
            steps = self.layer[head] - self.layer[tail] - 2
            while len(line) <= steps:
                line.append(self._add_place(self.layer[tail] + len(line), (0.0, 0.0), line[-1]))
            path = line[: steps + 1]
            place = self._add_place(self.layer[head] - 1, label, path[-1])
            self._join(place, head)
            if tail not in inner and users[tail] == 1:
                self.weight[place] = _LEAF_PULL
            paths.append([*path, place, head])
        return paths

    # -- the order within layers --

    def _first_order(self) -> None:
        """In the order in which a walk from the last nodes back meets them, as a reader would."""
        seen = [False] * len(self.sizes)
        for root in reversed(range(self.count)):
            if self.after[root] or seen[root]:
                continue
            stack = [root]
            while stack:
                place = stack.pop()
                if not seen[place]:
                    seen[place] = True
                    self.layers[self.layer[place]].append(place)
                    stack += reversed(self.before[place])

    def _sort(self) -> None:
        """Barycentre sweeps, down and up, and then the best order that was met."""
        rank = self._ranks()
        best, fewest = [list(layer) for layer in self.layers], self._crossings(rank)
        for round_ in range(_SORTING_ROUNDS):
            if fewest == 0:
                break
            down = round_ % 2 == 0
            neighbours = self.before if down else self.after
            for layer in self.layers[1:] if down else self.layers[-2::-1]:
                _sort_layer(layer, neighbours, rank)
            crossings = self._crossings(rank)
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _ranks(self) -> list[float]:
        rank = [0.0] * len(self.sizes)
        for layer in self.layers:
            for i, place in enumerate(layer):
                rank[place] = float(i)
        return rank

    def _crossings(self, rank: list[float]) -> int:
        """How many pairs of lines between neighbouring layers cross."""
        total = 0
        for layer in self.layers[:-1]:
            # Ends in the order of starts: every inversion is a crossing (Barth, Jünger & Mutzel 2002).
            ends = [int(r) for place in layer for r in sorted(rank[b] for b in self.after[place])]
            total += _inversions(ends)
        return total

    # -- coordinates --

    def _gap(self, a: int, b: int) -> float:
        """Between the centres of neighbours in a layer."""
        (_, one), (_, other) = self.sizes[a], self.sizes[b]
        gap = self.node_gap if one and other else self.node_gap / 2
        return (one + other) / 2 + gap

    def _place(self) -> list[float]:
        """The second coordinate of each place."""
        y = [0.0] * len(self.sizes)
        offsets = []
        for layer in self.layers:
            offset = [0.0]
            for a, b in itertools.pairwise(layer):
                offset.append(offset[-1] + self._gap(a, b))
            offsets.append(offset)
            for place, position in zip(layer, offset, strict=True):
                y[place] = position - offset[-1] / 2
        depth = range(len(self.layers))
        for round_ in range(_PLACING_ROUNDS):
            down = round_ % 2 == 0
            both = round_ >= _PLACING_ROUNDS - 2
            for i in depth if down else reversed(depth):
                self._place_layer(self.layers[i], offsets[i], y, down=down, both=both)
        for layer in self.layers:
            self._straighten(layer, y, down=True)
        for layer in reversed(self.layers):
            self._straighten(layer, y, down=False)
        return [round(position, 3) for position in y]

    def _straighten(self, layer: list[int], y: list[float], *, down: bool) -> None:
        """Take small steps out of lines, where the layer has room: on the way up only at their starts."""
        for i, place in enumerate(layer):
            if bool(self.before[place]) != down:
                continue
            near = self.before[place] if down else self.after[place]
            most = max((self.weight[other] for other in near), default=0.0)
            strong = [other for other in near if self.weight[other] == most]
            if len(strong) != 1 or abs(y[strong[0]] - y[place]) > _STEP:
                continue
            low, high = -math.inf, math.inf
            if i:
                low = y[layer[i - 1]] + self._gap(layer[i - 1], place)
            if i + 1 < len(layer):
                high = y[layer[i + 1]] - self._gap(place, layer[i + 1])
            if low <= y[strong[0]] <= high:
                y[place] = y[strong[0]]

    def _place_layer(
        self, layer: list[int], offset: list[float], y: list[float], *, down: bool, both: bool
    ) -> None:
        wanted, weights = [], []
        for place, position in zip(layer, offset, strict=True):
            near = self.before[place] if down else self.after[place]
            far = self.after[place] if down else self.before[place]
            if both or not near:
                near = near + far
            total = weight = 0.0
            for other in near:
                total += self.weight[other] * y[other]
                weight += self.weight[other]
            wanted.append((total / weight if weight else y[place]) - position)
            # A line would rather push a node aside than have a bend.
            weights.append((weight or 1e-3) * (_STRAIGHT if place >= self.count else 1.0))
        for place, position, shift in zip(layer, offset, _monotone(wanted, weights), strict=True):
            y[place] = position + shift

    def _columns(self, y: list[float]) -> tuple[list[tuple[float, float]], float]:
        """Centre and half width of each layer, and the width of all."""
        columns: list[tuple[float, float]] = []
        widths = [max((self.sizes[p][0] for p in layer), default=0.0) for layer in self.layers]
        right = 0.0
        for i, width in enumerate(widths):
            if i:
                # A layer without labels is a place for bends, in the middle of the gap between nodes.
                full = width and widths[i - 1]
                right += self._slope_room(i, y) + (self.layer_gap if full else self.layer_gap / 2)
            columns.append((right + width / 2, width / 2))
            right += width
        return columns, right

    def _slope_room(self, i: int, y: list[float]) -> float:
        """More room before layer i, so that lines that rise or fall far do not stand upright."""
        rises = [abs(y[a] - y[b]) for b in self.layers[i] for a in self.before[b]]
        return min(_SLOPE * max(rises, default=0.0), _MOST_ROOM)

    def _route(
        self, path: list[int], centres: list[Point], columns: list[tuple[float, float]]
    ) -> list[Point]:
        """The points of a line: it crosses a layer straight and changes its height between layers."""
        points = []
        for place in path:
            x, y = centres[place]
            half = self.sizes[place][0] / 2
            middle, column = columns[self.layer[place]]
            if place == path[0]:
                points += [(x + half, y), (middle + column, y)]
            elif place == path[-1]:
                points += [(middle - column, y), (x - half, y)]
            else:
                points += [(middle - column, y), (middle + column, y)]
        return [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]


def _depths(count: int, edges: Sequence[Edge]) -> list[int]:
    """A layer for each node: after all of its operands, and next to its users if that costs nothing.

    ValueError if the edges form a circle.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    before: list[set[int]] = [set() for _ in range(count)]
    for tail, head, _ in edges:
        after[tail].append(head)
        before[head].add(tail)
        waiting[head] += 1
    depth = [0] * count
    order = [i for i in range(count) if not waiting[i]]
    for i in order:
        for head in after[i]:
            depth[head] = max(depth[head], depth[i] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                order.append(head)
    if len(order) < count:
        raise ValueError("the edges form a circle")
    # A node has one line to all its users, as far as the last of them. To move a node next to its first
    # user shortens its own line and lengthens those of operands that nobody else needs so far.
    reach = [max((depth[head] for head in after[i]), default=0) for i in range(count)]
    alone = [not before[i] and len(after[i]) == 1 for i in range(count)]
    for i in reversed(order):
        nearest = min((depth[head] for head in after[i]), default=depth[i] + 1) - 1
        longer = [o for o in before[i] if not alone[o] and reach[o] < nearest]
        if len(longer) <= 1:
            depth[i] = nearest
            for o in before[i]:
                reach[o] = max(reach[o], nearest)
    return depth


def _sort_layer(layer: list[int], neighbours: list[list[int]], rank: list[float]) -> None:
    """Sort by the mean rank of the neighbours; what has none stays where it is."""
    means = {}
    for i, place in enumerate(layer):
        near = neighbours[place]
        means[place] = sum([rank[other] for other in near]) / len(near) if near else float(i)
    layer.sort(key=means.__getitem__)
    for i, place in enumerate(layer):
        rank[place] = float(i)


def _inversions(numbers: list[int]) -> int:
    """Pairs that stand in the wrong order, counted by a Fenwick tree."""
    size = max(numbers, default=0) + 1
    tree = [0] * (size + 1)
    total = 0
    for seen, number in enumerate(numbers):
        i, not_above = number + 1, 0
        while i:
            not_above += tree[i]
            i -= i & -i
        total += seen - not_above
        i = number + 1
        while i <= size:
            tree[i] += 1
            i += i & -i
    return total


def _monotone(wanted: list[float], weights: list[float]) -> list[float]:
    """The nearest numbers that do not decrease, by weighted squares."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for block in zip(wanted, weights, [1] * len(wanted), strict=True):
        mean, weight, count = block
        while blocks and blocks[-1][0] > mean:
            above, above_weight, above_count = blocks.pop()
            mean = (mean * weight + above * above_weight) / (weight + above_weight)
            weight, count = weight + above_weight, count + above_count
        blocks.append((mean, weight, count))
    return [mean for mean, _, count in blocks for _ in range(count)]
