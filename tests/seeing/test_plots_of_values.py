"""Values as data of matplotlib's own functions: what is drawn are their numbers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pygrad import Value

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an optional extra")
matplotlib.use("Agg")  # no display is needed
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from pygrad import plot  # noqa: E402

NUMBERS = [0.5, 2.0, 3.5, 5.0, -6.5]
PLACES = [0.0, 1.0, 2.0, 3.0, 4.0]

DRAWN = {
    "plot": lambda ax, y: ax.plot(y),
    "plot of one over another": lambda ax, y: ax.plot(y, y),
    "plot of columns": lambda ax, y: ax.plot(np.array([y, y]).T),
    "step": lambda ax, y: ax.step(PLACES, y),
    "semilogy": lambda ax, y: ax.semilogy(PLACES, y),
    "scatter": lambda ax, y: ax.scatter(y, y),
    "hist": lambda ax, y: ax.hist(y, bins=4),
    "hist of two": lambda ax, y: ax.hist([y, y[:3]], bins=4),
    "bar": lambda ax, y: ax.bar(PLACES, y),
    "bar at": lambda ax, y: ax.bar(y, PLACES),
    "barh": lambda ax, y: ax.barh(PLACES, y),
    "errorbar": lambda ax, y: ax.errorbar(PLACES, y, yerr=0.1, capsize=2),
    "errorbar of Values": lambda ax, y: ax.errorbar(y, y, xerr=[abs(v) for v in y]),
    "fill_between": lambda ax, y: ax.fill_between(PLACES, y, 0),
    "boxplot": lambda ax, y: ax.boxplot(y),
    "axhline": lambda ax, y: ax.axhline(y[2]),
    "limits": lambda ax, y: ax.set_ylim(y[0], y[1]),
}  # fmt: skip


def picture(draw, data):
    """The pixels, and the limits of the axes."""
    plot.register_values()
    figure = Figure(figsize=(3, 2), dpi=60)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    draw(ax, data)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()), ax.get_xlim(), ax.get_ylim()


@pytest.mark.filterwarnings("ignore:Data has no positive values")
@pytest.mark.parametrize("name", DRAWN)
def test_the_picture_is_that_of_the_numbers(name):
    pixels, *limits = picture(DRAWN[name], [Value(x) for x in NUMBERS])
    expected, *expected_limits = picture(DRAWN[name], NUMBERS)
    assert limits == expected_limits
    assert np.array_equal(pixels, expected)
    assert len(np.unique(expected)) > 2, "nothing was drawn"


def test_a_subclass_and_no_numbers_are_drawn():
    class Weight(Value):
        pass

    pixels, *_ = picture(lambda ax, y: ax.plot(y), [Weight(x) for x in NUMBERS])
    assert np.array_equal(pixels, picture(lambda ax, y: ax.plot(y), NUMBERS)[0])
    picture(lambda ax, y: ax.plot(y), [])


def test_drawing_changes_no_value():
    x = Value(2.0)
    y = x * x
    picture(lambda ax, values: ax.plot(values), [x, y])
    y.backward()
    assert x.grad == 4.0
    with pytest.raises(TypeError, match="a Value does not become a float by itself"):
        float(x)


@pytest.mark.parametrize("implementation", ["compiled", "reference"])
def test_without_the_converter_the_error_names_it(implementation, tmp_path, monkeypatch):
    monkeypatch.setenv("PYGRAD_IMPL", implementation)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    program = (
        "import matplotlib.pyplot as plt\n"
        "from pygrad import Value\n"
        "y = [Value(1.0), Value(2.0)]\n"
        "try:\n    plt.plot(y)\n"
        "except TypeError as error:\n    print('pygrad.plot.register_values()' in str(error))\n"
        "import pygrad\npygrad.plot.register_values()\n"
        "print(plt.figure().add_subplot().plot(y)[0].get_ydata(orig=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n[1. 2.]\n", "")
