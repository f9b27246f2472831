"""What pictures of a decision boundary share: contours without a library, colours, and the window."""

from __future__ import annotations

import math
import random
import re

import pytest
from moons import moons, network

from pygrad import Value
from pygrad.command_line.moons_picture import picture
from pygrad.seeing.contours import lines, loops
from pygrad.seeing.palette import PAPER, SIDES
from pygrad.seeing.plane import bands, checked, levels, sampled


def grid_of(f, size: int = 41) -> list[list[float]]:
    """f on a grid over [-1, 1] x [-1, 1], from the bottom row up."""
    at = [2 * i / (size - 1) - 1 for i in range(size)]
    return [[f(x, y) for x in at] for y in at]


def places(line, size: int = 41) -> list[tuple[float, float]]:
    return [(2 * x / (size - 1) - 1, 2 * y / (size - 1) - 1) for x, y in line]


def area(loop) -> float:
    ends = [*loop[1:], loop[0]]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(loop, ends, strict=True))) / 2


# -- contours --------------------------------------------------------------------------------------


def test_a_circle_is_one_loop_that_ends_where_it_began() -> None:
    grid = grid_of(lambda x, y: 0.5 - math.hypot(x, y))
    (line,) = lines(loops(grid, 0.0))
    assert line[0] == line[-1]
    assert max(abs(math.hypot(x, y) - 0.5) for x, y in places(line)) < 2e-3
    # Above a higher level the circle is smaller.
    (small,) = loops(grid, 0.2)
    assert area(places([(x, y) for x, y, _ in small])) == pytest.approx(math.pi * 0.09, rel=0.01)


def test_a_line_from_edge_to_edge_is_not_closed_along_the_edge() -> None:
    (line,) = lines(loops(grid_of(lambda x, y: x + 2 * y - 0.1), 0.0))
    assert all(abs(x + 2 * y - 0.1) < 1e-12 for x, y in places(line))
    ends = sorted(places([line[0], line[-1]]))
    assert [x for x, _ in ends] == pytest.approx([-1, 1])


def test_loops_close_round_everything_that_is_above() -> None:
    grid = [[1.0] * 5 for _ in range(4)]
    (loop,) = loops(grid, 0.0)
    assert all(edge for *_, edge in loop)
    assert area([(x, y) for x, y, _ in loop]) == 4 * 3
    assert lines([loop]) == []
    assert loops(grid, 2.0) == []


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_line_around_it(hole: float) -> None:
    grid = grid_of(lambda x, y: x)
    for row in grid[18:23]:
        row[18:23] = [hole] * 5
    found = lines(loops(grid, 0.0))
    assert len(found) == 2  # the line x = 0, without its middle
    for line in found:
        assert all(x == pytest.approx(0, abs=1e-12) for x, _ in places(line))


def test_random_grids_are_cut_at_their_level() -> None:
    contourpy = pytest.importorskip("contourpy")
    rng = random.Random(2)
    for _ in range(40):
        width, height = rng.randint(2, 9), rng.randint(2, 9)
        grid = [[rng.uniform(-1, 1) for _ in range(width)] for _ in range(height)]
        theirs = contourpy.contour_generator(z=grid).lines(0.1)
        one, other = (
            {(round(float(x), 9), round(float(y), 9)) for line in found for x, y in line}
            for found in (lines(loops(grid, 0.1)), theirs)
        )
        assert one == other


# -- colours, and what is shown ----------------------------------------------------------------------


def test_bands_go_from_side_to_side_through_paper() -> None:
    found = bands(17)
    assert (len(found), len(set(found))) == (18, 18)
    assert bands(2)[1] == PAPER

    def blueness(colour: str) -> int:
        return int(colour[5:], 16) - int(colour[1:3], 16)

    assert sorted(found, key=blueness, reverse=True) == found


def test_levels_lie_about_the_threshold_and_reach_to_most_scores() -> None:
    scores = [*([3.0] * 97), -1.0, 1e9, math.nan]
    found = levels(scores, threshold=1.0)
    assert found[8] == 1.0
    assert (found[0], found[-1]) == pytest.approx((-1.0, 3.0))
    assert levels([math.nan, 2.0], threshold=2.0)[-1] == 3.0
    assert levels([math.nan])[-1] == 1.0


def test_what_is_shown_has_room_around_the_data() -> None:
    data = checked([(0.0, 5.0), (10.0, Value(5.0))], ["a", "b"])
    left, right, bottom, top = data.window()
    assert (left, right) == pytest.approx((-1.2, 11.2))
    assert bottom < 5.0 < top
    assert data.classes == ["a", "b"]


def test_a_model_without_a_program_is_sampled_all_the_same() -> None:
    window = (-1.0, 1.0, 0.0, 2.0)
    traced = sampled(lambda p: p[0] * p[1], window, 4, 3)
    called = sampled(lambda p: (Value(p[0]) * p[1]).data, window, 4, 3)
    assert traced.shape == (3, 4, 1)
    assert (traced == called).all()


def test_both_pictures_have_the_same_colours_and_marks() -> None:
    points, labels = moons(30)
    svg = picture(network(4), points, labels, "title")
    filled = set(re.findall(r'<(?:path|rect)[^>]* fill="(#\w{6})"', svg))
    assert set(bands(17)) <= filled <= {*bands(17), SIDES[1]}
    discs, squares = (
        re.findall(rf'<{kind} [^>]*fill="{colour}"', svg)
        for kind, colour in zip(("circle", "rect"), SIDES, strict=True)
    )
    # One of each stands in the legend.
    assert (len(discs) - 1, len(squares) - 1) == (labels.count(-1), labels.count(1))

    pytest.importorskip("matplotlib")
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    from pygrad import plot

    ax = plot.decision_boundary(network(4), points, labels, ax=Figure().add_subplot())
    drawn = [to_hex(colour) for many in ax.collections for colour in many.get_facecolor()]
    assert drawn[:18] == bands(17)
    assert drawn[18:] == list(SIDES)
