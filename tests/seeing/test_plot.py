"""pygrad.plot: pictures that show the numbers they are of, with nothing cut and nothing covered."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys

import numpy as np
import pytest

import pygrad
from pygrad import Value, check_grad, nn, numeric, plot
from pygrad import math as pm

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an optional extra")
matplotlib.use("Agg")  # no display is needed
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def parabola(x):
    """The lessons' function."""
    return 3 * x**2 - 4 * x + 5


def new_axes(width: float = 6.4, height: float = 4.8, layout: str | None = None):
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def lines(ax) -> dict[str, tuple[list[float], list[float]]]:
    """The labelled lines of a picture: xs and ys by label."""
    return {
        line.get_label(): (list(map(float, line.get_xdata())), list(map(float, line.get_ydata())))
        for line in ax.get_lines()
        if not line.get_label().startswith("_")
    }


def slope(line: tuple[list[float], list[float]]) -> float:
    (x0, *_, x1), (y0, *_, y1) = line
    return (y1 - y0) / (x1 - x0)


def wrong_gradient(v):
    """Right by v[1] and v[3], wrong by v[0], with a kink by v[2]."""
    cube = Value(v[0].data ** 3, (v[0],), (v[0].data ** 2,))
    return cube + pm.sin(v[1]) * 1e-3 + pm.relu(v[2]) + v[3] * 1e4


def scores(p):
    return [p[0] + p[1], p[0] - p[1] + 0.5, 1 - p[0] * p[0]]


CLOUD = np.random.default_rng(0).normal(size=(60, 2))
SIDES = ["left" if x < 0 else "right" for x, _ in CLOUD]
WINNERS = [int(np.argmax(scores(p))) for p in CLOUD]
LOSSES = [math.exp(-k / 20) + 0.02 for k in range(100)]

PICTURES = {
    "tangent": lambda ax: plot.tangent(parabola, 3.0, over=(-5, 5), ax=ax),
    "tangent at the vertex": lambda ax: plot.tangent(parabola, 2 / 3, over=(-5, 5), ax=ax),
    "tangent beside poles": lambda ax: plot.tangent(pm.tan, 0.3, over=(-5, 5), ax=ax),
    "tangent at an edge": lambda ax: plot.tangent(pm.log, 1.0, ax=ax),
    "nudge": lambda ax: plot.nudge(lambda x: x**2, 2.0, 1.0, ax=ax),
    "small nudge": lambda ax: plot.nudge(lambda x: x**2, 2.0, 0.01, ax=ax),
    "nudge to the left": lambda ax: plot.nudge(pm.sin, 1.0, -0.7, ax=ax),
    "sweep": lambda ax: plot.step_sweep(numeric.step_sweep(pm.exp, 1.0), ax=ax),
    "two sweeps": lambda ax: plot.step_sweep(
        numeric.step_sweep(pm.exp, 1.0), numeric.step_sweep(pm.exp, 1.0, method="forward"), ax=ax
    ),
    "exact sweep": lambda ax: plot.step_sweep(numeric.step_sweep(lambda x: x**2, 1.0), ax=ax),
    "two classes": lambda ax: plot.decision_boundary(
        lambda p: p[0] * p[0] + p[1] - 0.3, CLOUD, SIDES, resolution=40, ax=ax
    ),
    "three classes": lambda ax: plot.decision_boundary(
        scores, CLOUD, WINNERS, resolution=40, ax=ax
    ),
    "training": lambda ax: plot.training_curve(LOSSES, ax=ax),
    "two curves": lambda ax: plot.training_curve(
        {"training": LOSSES, "test": [1.1 * y for y in LOSSES]}, smooth=5, ax=ax
    ),
    "check": lambda ax: plot.gradient_check(
        check_grad(wrong_gradient, [1.3, 0.4, 0.0, 2.0]), ax=ax
    ),
    "check of many": lambda ax: plot.gradient_check(
        check_grad(lambda x: pygrad.sum([v * v for v in x]), [0.1 * k for k in range(1, 61)]), ax=ax
    ),
}

# One of each kind, the crowded ones; the long tests show all.
SHOWN = ["tangent beside poles", "small nudge", "two sweeps", "two classes", "two curves", "check"]


# -- what all have in common -------------------------------------------------------------------------


def texts_of(ax) -> list:
    """Titles, names of axes and the numbers at ticks."""
    found = []
    for one in ax.figure.axes:
        found += [one.title, one._left_title, one.xaxis.label, one.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [text for text in found if text.get_text()]


def overlap(first, second) -> bool:
    """Whether two boxes have more than a pixel in common."""
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return width > 1 and height > 1


def assert_readable(ax) -> None:
    """Nothing is cut, no words lie on each other, the legend covers no data."""
    ax.figure.canvas.draw()
    page, legend = ax.figure.bbox, ax.get_legend()
    boxes = {text.get_text(): text.get_window_extent() for text in texts_of(ax)}
    if legend:
        boxes["the legend"] = box = legend.get_window_extent()
        for line in ax.get_lines():
            clip, drawn = line.get_clip_box(), ax.transData.transform(line.get_xydata())
            for x, y in drawn:
                seen = clip.x0 <= x <= clip.x1 and clip.y0 <= y <= clip.y1
                assert not (seen and box.contains(x, y)), line.get_label()
        for points in ax.collections:
            if len(points.get_offsets()) > 1:
                drawn = ax.transData.transform(points.get_offsets())
                assert not any(box.contains(x, y) for x, y in drawn)
    for what, box in boxes.items():
        assert page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1, what
        assert page.y0 - 1 <= box.y0 and box.y1 <= page.y1 + 1, what
    for (what, first), (other, second) in itertools.combinations(boxes.items(), 2):
        assert not overlap(first, second), (what, other)


@pytest.mark.parametrize("name", SHOWN)
def test_a_small_picture_is_readable_and_drawn_where_it_was_asked_for(name):
    ax = new_axes(3.4, 2.8, "constrained")  # as on a phone
    assert PICTURES[name](ax) is ax
    assert_readable(ax)
    assert ax.get_legend()
    assert plt.get_fignums() == []  # nothing was made beside it


@pytest.mark.long
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("size", [(6.4, 4.8), (3.4, 2.8), (10, 3)], ids=str)
def test_every_picture_is_readable_at_every_size(name, size, tmp_path):
    ax = PICTURES[name](new_axes(*size, "constrained"))
    assert_readable(ax)
    ax.figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["tangent", "two classes", "check"])
def test_without_axes_a_new_figure_is_made_and_no_setting_is_changed(name, monkeypatch):
    shown = []
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: shown.append(args))
    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    ax = PICTURES[name](None)
    assert_readable(ax)
    assert plt.get_fignums() == [ax.figure.number]
    assert shown == []
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend


def test_a_subfigure_is_drawn_into_too():
    figure = Figure(figsize=(8, 3), layout="constrained")
    FigureCanvasAgg(figure)
    for part in figure.subfigures(1, 2):
        plot.tangent(parabola, 3.0, over=(-5, 5), ax=part.add_subplot())
    figure.canvas.draw()


def test_axes_that_are_none_are_refused():
    with pytest.raises(TypeError, match="ax must be matplotlib Axes, not str"):
        plot.training_curve([1.0], ax="here")


def printed_by(program: str, folder) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_backend_without_a_display_does_not_stop_a_picture(tmp_path):
    program = """
import os
os.environ.pop("DISPLAY", None); os.environ.pop("WAYLAND_DISPLAY", None)
os.environ["MPLBACKEND"] = "TkAgg"
from pygrad import plot
plot.training_curve([1.0, 0.5]).figure.savefig("x.png")
"""
    printed_by(program, tmp_path)
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_without_matplotlib_the_extra_is_named_and_the_import_works(tmp_path):
    program = """
import sys
sys.modules["matplotlib"] = None
from pygrad import plot
try:
    plot.training_curve([1.0])
except ImportError as error:
    print(error)
try:
    plot.register_values()
except ImportError as error:
    print(error)
"""
    needs = "pygrad.plot needs matplotlib: pip install 'pygrad-core[plot]'\n"
    assert printed_by(program, tmp_path) == needs * 2


def test_importing_it_imports_neither_matplotlib_nor_numpy(tmp_path):
    program = "import sys, pygrad.plot; print({'matplotlib', 'numpy'} & set(sys.modules))"
    assert printed_by(program, tmp_path) == "set()\n"


# -- tangent and secants -----------------------------------------------------------------------------


def test_the_tangent_touches_and_the_secants_close_on_it():
    ax = plot.tangent(parabola, 3.0, over=(-5, 5), ax=new_axes())
    found = lines(ax)
    assert ax._left_title.get_text() == "f(3) = 20, f'(3) = 14"
    assert slope(found["tangent: slope 14"]) == pytest.approx(14, rel=1e-12)
    secants = [label for label in found if label.startswith("secant")]
    assert secants == [
        "secant h = 2: slope 20",
        "secant h = 1: slope 17",
        "secant h = 0.5: slope 15.5",
    ]
    assert [slope(found[label]) for label in secants] == pytest.approx([20, 17, 15.5], rel=1e-12)
    for xs, ys in (found[label] for label in [*secants, "tangent: slope 14"]):
        assert ys[0] + (3.0 - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]) == pytest.approx(20)
    xs, ys = found["f"]
    assert (xs[0], xs[-1]) == (-5.0, 5.0) == ax.get_xlim()
    assert ys == [parabola(x) for x in xs]


@pytest.mark.parametrize(
    ("x", "over", "steps"), [(4.9, (-5, 5), [-2.5, -1.25, -0.625]), (0.0, None, [1.0, 0.5, 0.25])]
)
def test_secants_are_on_the_side_where_there_is_room(x, over, steps):
    found = lines(plot.tangent(parabola, x, over, ax=new_axes()))
    assert [label.split(":")[0] for label in found if "secant" in label] == [
        f"secant h = {h:g}" for h in steps
    ]


def test_steps_of_secants_can_be_given():
    found = lines(plot.tangent(parabola, 1.0, (-2, 2), secants=[0.1], ax=new_axes()))
    assert [label for label in found if "secant" in label] == ["secant h = 0.1: slope 2.3"]
    assert not [
        label
        for label in lines(plot.tangent(parabola, 1.0, (-2, 2), (), ax=new_axes()))
        if "secant" in label
    ]


def test_the_curve_has_gaps_where_the_function_has_no_value():
    xs, ys = lines(plot.tangent(pm.log, 1.0, (-1, 3), ax=new_axes()))["f"]
    assert all(math.isnan(y) == (x <= 0) for x, y in zip(xs, ys, strict=True))


def test_poles_are_not_joined_and_do_not_flatten_the_rest():
    ax = plot.tangent(pm.tan, 0.3, (-5, 5), ax=new_axes())
    bottom, top = ax.get_ylim()
    assert top - bottom < 200
    _, ys = lines(ax)["f"]
    assert sum(map(math.isnan, ys)) == 4  # poles in [-5, 5]


def test_functions_that_need_values_are_drawn_too():
    xs, ys = lines(plot.tangent(lambda x: x.relu(), 1.0, (-2, 2), ax=new_axes()))["f"]
    assert ys == [max(x, 0.0) for x in xs]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": math.nan}, "x must be finite"),
        ({"x": 1.0, "over": (2, 3)}, "x = 1 is not between 2 and 3"),
        ({"x": 1.0, "over": (3, -3)}, "over must be two finite numbers"),
        ({"x": 1.0, "over": (0, math.inf)}, "over must be two finite numbers"),
        ({"x": 1.0, "secants": [0.0]}, "a secant needs a step"),
        ({"x": 1.0, "secants": [math.inf]}, "a secant needs a step"),
    ],
)
def test_tangent_refuses_what_cannot_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot.tangent(parabola, ax=new_axes(), **arguments)


def test_what_the_function_raises_at_x_goes_on():
    with pytest.raises(ValueError, match="math domain error"):
        plot.tangent(pm.log, 0.0, ax=new_axes())


# -- nudge -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("h", "words"),
    [
        (1.0, ["prediction f'(x) h = 4", "actual f(x + h) - f(x) = 5", "miss 1"]),
        (0.01, ["prediction f'(x) h = 0.04", "actual f(x + h) - f(x) = 0.0401", "miss 0.0001"]),
    ],
)
def test_nudge_shows_prediction_actual_change_and_miss(h, words):
    found = lines(plot.nudge(lambda x: x**2, 2.0, h, ax=new_axes()))
    for label, height in zip(words, (4 * h, 4 * h + h * h, h * h), strict=True):
        _, (start, end) = found[label]
        assert end - start == pytest.approx(height, rel=1e-9)


@pytest.mark.parametrize("h", [0.0, math.inf, math.nan])
def test_nudge_refuses_a_step_that_is_none(h):
    with pytest.raises(ValueError, match="h must be finite and not 0"):
        plot.nudge(parabola, 1.0, h)


# -- step_sweep --------------------------------------------------------------------------------------


def test_the_u_shows_every_step_and_the_best_one():
    sweep = numeric.step_sweep(pm.exp, 1.0)
    ax = plot.step_sweep(sweep, ax=new_axes())
    found = lines(ax)
    assert found["error"] == ([row.h for row in sweep], [row.error for row in sweep])
    assert found["truncation, expected"][1] == [row.truncation for row in sweep]
    assert found["round-off, expected"][1] == [row.roundoff for row in sweep]
    best = sweep.best
    assert found[f"best step, h = {best.h:.2g}"] == ([best.h], [best.error])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_errors_of_zero_have_a_mark_of_their_own():
    sweep = numeric.step_sweep(lambda x: x**2, 1.0)
    ax = plot.step_sweep(sweep, ax=new_axes())
    xs, ys = lines(ax)["error 0"]
    assert xs == [row.h for row in sweep if row.error == 0]
    assert len(xs) > 3
    assert ax.get_ylim()[0] < ys[0] < min(row.error for row in sweep if row.error > 0)


def test_steps_at_which_the_function_is_not_defined_are_left_out():
    sweep = numeric.step_sweep(pm.log, 0.1, hs=[0.5, 0.05, 1e-3])
    assert math.isnan(sweep[0].error)
    xs, _ = lines(plot.step_sweep(sweep, ax=new_axes()))["error"]
    assert xs == [0.05, 1e-3]


def test_step_sweep_takes_sweeps_only():
    with pytest.raises(TypeError, match=r"what pygrad\.numeric\.step_sweep"):
        plot.step_sweep(parabola)


# -- gradient_check ----------------------------------------------------------------------------------


def test_each_derivative_has_a_row_with_its_verdict():
    check = check_grad(wrong_gradient, [1.3, 0.4, 0.0, 2.0])
    ax = plot.gradient_check(check, ax=new_axes())
    ax.figure.canvas.draw()
    found = lines(ax)
    assert found["exact"] == ([row.exact for row in check.rows], [0, 1, 2, 3])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["x[0]", "x[1]", "x[2]", "x[3]"]
    groups = {c.get_label(): c.lines[0].get_xydata().tolist() for c in ax.containers}
    assert groups == {
        "ok": [[check.rows[1].numerical, 1], [check.rows[3].numerical, 3]],
        "wrong": [[check.rows[0].numerical, 0]],
        "not differentiable here": [[0.0, 2]],
    }
    (errors,) = ax.child_axes
    words = [text.get_text() for text in errors.get_yticklabels()]
    assert (words[0], words[2]) == ("6.7e-01", "kink")
    assert ax._left_title.get_text() == "Gradient check: wrong"


def test_error_bars_are_those_of_the_check():
    check = check_grad(lambda x: pm.sin(x[0]) * x[1], [0.3, 2.0])
    ax = plot.gradient_check(check, ax=new_axes())
    (container,) = ax.containers
    (bars,) = container.lines[2]
    for row, ((low, _), (high, _)) in zip(check.rows, bars.get_segments(), strict=True):
        size = max(abs(row.exact), abs(row.numerical))
        assert high - low == pytest.approx(2 * row.error_bar * size, rel=1e-2)


def test_too_many_rows_leave_out_those_that_are_ok():
    def f(x):
        return pygrad.sum([v * v for v in x[:-1]]) + Value(x[-1].data, (x[-1],), (2.0,))

    check = check_grad(f, [0.1 * k for k in range(1, 101)])
    ax = plot.gradient_check(check, ax=new_axes())
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[0] == "x[99]"
    assert len(names) < 40
    assert f"({100 - len(names)} more)" in ax._left_title.get_text()


def test_gradient_check_takes_checks_only():
    with pytest.raises(TypeError, match="what check_grad returns"):
        plot.gradient_check([1.0])


# -- decision_boundary -------------------------------------------------------------------------------


def boundary(ax) -> np.ndarray:
    (line,) = (line for line in ax.get_lines() if line.get_label().startswith("boundary"))
    return line.get_xydata()


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_the_boundary_runs_where_the_score_is_the_threshold(threshold):
    ax = plot.decision_boundary(
        lambda p: p[0] + 2 * p[1] - 0.1, CLOUD, SIDES, threshold=threshold, ax=new_axes()
    )
    score = boundary(ax) @ [1, 2] - 0.1
    assert np.abs(score - threshold).max() < 1e-12


def test_a_model_is_called_with_points_and_its_parameters_keep_their_grads():
    random.seed(1)
    model = nn.MLP(2, [4, 1])
    model.parameters()[0].grad = 7.0
    ax = plot.decision_boundary(model, CLOUD, SIDES, resolution=30, ax=new_axes())
    assert len(ax.figure.axes) == 2  # the scale
    assert model.parameters()[0].grad == 7.0
    score = [model(list(map(float, p))).data for p in boundary(ax)]
    assert np.abs(score).max() < 0.2


@pytest.mark.parametrize(
    "model",
    [
        lambda p: p[0] - p[1],
        lambda p: [p[0] - p[1]],
        lambda p: np.array(p[0] - p[1]),
        lambda p: (Value(p[0]) - p[1]).data,  # which no program could repeat
    ],
    ids=["Value", "list", "array", "data"],
)
def test_models_may_return_numbers_values_and_lists(model):
    ax = plot.decision_boundary(model, CLOUD, SIDES, resolution=10, ax=new_axes())
    assert np.abs(boundary(ax) @ [1, -1]).max() < 1e-12


def test_points_stand_in_the_colour_and_shape_of_their_class():
    ax = plot.decision_boundary(scores, CLOUD, WINNERS, resolution=20, ax=new_axes())
    drawn = {c.get_label(): c.get_offsets() for c in ax.collections if len(c.get_offsets()) > 1}
    assert sorted(drawn) == sorted(map(str, set(WINNERS)))
    for label, points in drawn.items():
        assert np.array_equal(points, CLOUD[[w == int(label) for w in WINNERS]])


def test_points_may_be_values_and_labels_words_or_values():
    points = [[Value(1.0), 2.0], [0.0, Value(-1.0)]]
    ax = plot.decision_boundary(lambda p: p[0], points, [Value(1.0), Value(-1.0)], ax=new_axes())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[-2:] == ["-1.0", "1.0"]


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        ([[1.0, 2.0, 3.0]], [1], "rows of two finite numbers"),
        ([[1.0, math.nan]], [1], "rows of two finite numbers"),
        ([], [], "rows of two finite numbers"),
        ([[1.0, 2.0]], [1, 2], "there are 1 points, but 2 labels"),
    ],
)
def test_decision_boundary_refuses_points_that_are_none(points, labels, message):
    with pytest.raises(ValueError, match=message):
        plot.decision_boundary(lambda p: p[0], points, labels, ax=new_axes())


def test_what_the_model_raises_goes_on():
    def broken(p):
        raise ZeroDivisionError("the model's own")

    with pytest.raises(ZeroDivisionError, match="the model's own"):
        plot.decision_boundary(broken, CLOUD, SIDES, ax=new_axes())


# -- training_curve ----------------------------------------------------------------------------------


def test_losses_are_drawn_by_step():
    ax = plot.training_curve([Value(3.0), 2.0, np.float64(1.0)], ax=new_axes())
    assert lines(ax)["loss"] == ([1, 2, 3], [3.0, 2.0, 1.0])


def test_smoothing_is_a_moving_mean():
    ax = plot.training_curve([1.0, 3.0, 5.0, math.nan, 9.0], smooth=2, ax=new_axes())
    (_, ys) = lines(ax)["loss (not finite at step 4)"]
    assert ys == [1.0, 2.0, 4.0, 5.0, 9.0]


def test_losses_over_many_decades_get_a_logarithmic_axis():
    falling = [10.0**-k for k in range(5)]
    assert plot.training_curve(falling, ax=new_axes()).get_yscale() == "log"
    assert plot.training_curve(falling, log=False, ax=new_axes()).get_yscale() == "linear"
    assert plot.training_curve([*falling, 0.0], ax=new_axes()).get_yscale() == "linear"


def test_a_diverging_training_says_where():
    ax = plot.training_curve([1.0, 2.0, math.inf, math.nan], ax=new_axes())
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["loss (not finite at step 3)"]


@pytest.mark.parametrize("losses", [[], {}, {"a": [1.0], "b": []}])
def test_training_curve_refuses_no_losses(losses):
    with pytest.raises(ValueError, match="no losses"):
        plot.training_curve(losses, ax=new_axes())


@pytest.mark.parametrize("smooth", [0, -1, 1.5, True])
def test_training_curve_refuses_a_width_that_is_none(smooth):
    with pytest.raises(ValueError, match="smooth must be a positive whole number"):
        plot.training_curve([1.0], smooth=smooth, ax=new_axes())
