"""The layout of a graph: nothing overlaps, lines go forward, few of them cross."""

from __future__ import annotations

import itertools
import random

import pytest

from pygrad.seeing.layout import Edge, layout


def random_graph(rng: random.Random, count: int):
    sizes = [(rng.uniform(10, 120), rng.uniform(10, 60)) for _ in range(count)]
    edges = []
    for head in range(1, count):
        for _ in range(rng.choice([0, 1, 2, 2, 3])):
            tail = (
                rng.randrange(max(0, head - 15), head)
                if rng.random() < 0.8
                else rng.randrange(head)
            )
            edges.append(Edge(tail, head, rng.choice([(0.0, 0.0), (rng.uniform(10, 80), 16.0)])))
    return sizes, edges


def points_of(route, direction: str) -> list[tuple[float, float]]:
    """Points along a line as it is drawn."""
    points = []
    for (x0, y0), (x1, y1) in itertools.pairwise(route):
        for k in range(6):
            t = k / 5
            s = t * t * (3 - 2 * t)  # how far across, on a curve that starts and ends straight
            # The Bézier curve with its inner points halfway: along it x = x0 + (1.5 t - 1.5 t^2 + t^3)...
            u = 1.5 * t * (1 - t) + t**3 if (x0, y0) != (x1, y1) else t
            along, over = (u, s) if direction == "LR" else (s, u)
            if x0 == x1 or y0 == y1:
                along = over = t
            points.append((x0 + along * (x1 - x0), y0 + over * (y1 - y0)))
    return points


def touches(point, centre, size, slack=0.01) -> bool:
    return all(abs(p - c) < s / 2 - slack for p, c, s in zip(point, centre, size, strict=True))


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("seed", range(12))
def test_nothing_overlaps(seed, direction):
    rng = random.Random(seed)
    sizes, edges = random_graph(rng, rng.randrange(1, 30))
    found = layout(sizes, edges, direction=direction)
    things = [(at, size) for at, size in zip(found.positions, sizes, strict=True)]
    labels = [(at, e.label) for at, e in zip(found.labels, edges, strict=True) if e.label[0]]
    for (a, size_a), (b, size_b) in itertools.combinations(things + labels, 2):
        apart = max(
            abs(p - q) - (s + t) / 2 for p, q, s, t in zip(a, b, size_a, size_b, strict=True)
        )
        assert apart > 3
    for at, size in things + labels:
        for place, half, whole in zip(at, size, (found.width, found.height), strict=True):
            assert -0.01 <= place - half / 2 and place + half / 2 <= whole + 0.01
    for k, (edge, route) in enumerate(zip(edges, found.routes, strict=True)):
        # From the side of the one to the side of the other; forwards all the way.
        forward = 0 if direction == "LR" else 1
        side = found.positions[edge.tail][forward] + sizes[edge.tail][forward] / 2
        assert route[0][forward] == pytest.approx(side, abs=0.01)
        side = found.positions[edge.head][forward] - sizes[edge.head][forward] / 2
        assert route[-1][forward] == pytest.approx(side, abs=0.01)
        assert route[0][1 - forward] == found.positions[edge.tail][1 - forward]
        assert route[-1][1 - forward] == found.positions[edge.head][1 - forward]
        assert all(a[forward] <= b[forward] + 1e-9 for a, b in itertools.pairwise(route))
        for point in points_of(route, direction):
            for i, (at, size) in enumerate(things):
                assert not touches(point, at, size), (k, i)
            for i, (at, e) in enumerate(zip(found.labels, edges, strict=True)):
                assert i == k or not e.label[0] or not touches(point, at, e.label), (k, i)


def crossings(found, edges) -> int:
    """Pairs of lines that cross somewhere, told by their order at each end of a common gap."""
    pieces: dict[tuple[float, float], set[tuple[float, float]]] = {}
    for route in found.routes:
        for (x0, y0), (x1, y1) in itertools.pairwise(route):
            pieces.setdefault((x0, x1), set()).add((y0, y1))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for lines in pieces.values()
        for a, b in itertools.combinations(lines, 2)
    )


def test_a_tree_is_drawn_without_crossings():
    rng = random.Random(5)
    for _ in range(10):
        count = 40
        order = list(range(count - 1))
        edges = [Edge(i, rng.randrange(i + 1, min(i + 12, count))) for i in order]
        rng.shuffle(edges)
        assert crossings(layout([(50.0, 30.0)] * count, edges), edges) == 0


def test_crossings_are_fewer_than_in_the_order_given():
    sizes = [(50.0, 30.0)] * 20
    edges = [Edge(i, 10 + (i * 3 + k) % 10) for i in range(10) for k in (0, 1)]
    found = layout(sizes, edges)
    given = sum(
        (a.tail - b.tail) * (a.head - b.head) < 0 for a, b in itertools.combinations(edges, 2)
    )
    assert crossings(found, edges) < given / 3


def test_a_chain_is_straight():
    found = layout([(40.0, 30.0)] * 30, [Edge(i, i + 1, (20.0, 16.0)) for i in range(29)])
    assert len({y for _, y in found.positions}) == 1
    assert all(len({y for _, y in route}) == 1 for route in found.routes)


def test_a_leaf_stands_next_to_its_user():
    # 0 -> 1 -> 2 -> 3, and 4 -> 3
    found = layout([(40.0, 30.0)] * 5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert found.positions[4][0] == found.positions[2][0]


def test_lines_of_one_node_are_one_line():
    # Node 0 is used at every step of a long chain: not a line for each of them.
    steps = 60
    edges = [Edge(i, i + 1) for i in range(1, steps)] + [Edge(0, i + 1) for i in range(1, steps)]
    found = layout([(40.0, 30.0)] * (steps + 1), edges)
    lines = {segment for route in found.routes for segment in itertools.pairwise(route)}
    assert len(lines) < 12 * steps


def test_the_layout_does_not_depend_on_chance():
    sizes, edges = random_graph(random.Random(3), 40)
    assert layout(sizes, edges) == layout(list(sizes), list(edges))


def test_layouts_of_nothing_and_of_circles():
    assert layout([], []) == ((0.0, 0.0, [], [], []))
    assert layout([(10.0, 20.0)], []).positions == [(5.0, 10.0)]
    with pytest.raises(ValueError, match="form a circle"):
        layout([(1.0, 1.0)] * 2, [(0, 1), (1, 0)])
    with pytest.raises(ValueError, match="'LR' or 'TB'"):
        layout([], [], direction="RL")
