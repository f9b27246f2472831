"""The plane as a classifier sees it: see pygrad.plot.decision_boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.plot.axes import MARKERS, SERIES, Axes, axes, dress, legend
from pygrad.seeing.contours import lines, loops
from pygrad.seeing.palette import INK, SIDES, mixed
from pygrad.seeing.plane import Window, bands, checked, levels, sampled

__all__ = ["decision_boundary"]


def decision_boundary(
    model: Callable[[Any], Any],
    points: Any,
    labels: Any,
    *,
    threshold: float = 0.0,
    resolution: int = 120,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """The plane as a classifier sees it, and the data.

    Args:
        model: a function or model of one point, a list or array of two numbers. It returns a score, where
            the boundary runs through ``threshold``, or a list of scores, one for each class, of which the
            highest wins.
        points: rows of two numbers.
        labels: a class for each point: numbers or words. With a single score the smaller class belongs
            below the threshold.
        threshold: 0.5 for probabilities.
        resolution: samples along each side of the picture.
        colorbar: whether a scale of the score stands beside the picture (for a single score).
        ax: where to draw; None makes a new figure.

    Raises:
        ValueError: points are not rows of two finite numbers; there are not as many labels; the
            resolution is no whole number above 1.
        ImportError: matplotlib is not installed.
        Whatever the model raises.

    >>> from pygrad import plot
    >>> points, labels = [(0, 0), (1, 2), (2, 0)], ["a", "b", "a"]
    >>> ax = plot.decision_boundary(lambda p: p[1] - 1, points, labels, resolution=30)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['boundary, score 0', 'a', 'b']
    """
    if isinstance(resolution, bool) or not isinstance(resolution, int) or resolution < 2:
        raise ValueError(f"resolution must be a whole number above 1, not {resolution!r}")
    ax = axes(ax)
    data = checked(points, labels)
    left, right, bottom, top = window = data.window()
    scores = sampled(model, window, resolution, resolution)
    if scores.shape[2] == 1:
        _one_score(ax, window, scores[:, :, 0], threshold, colorbar)
    else:
        _score_each(ax, window, scores)
    for k, name in enumerate(data.classes):
        at = data.points[[label == name for label in data.labels]]
        look = {"color": _class_colour(k, scores.shape[2]), "marker": MARKERS[k % 7]}
        ax.scatter(
            *at.T, s=26, edgecolors="white", linewidths=0.7, label=f"{name}", zorder=4, **look
        )
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    dress(ax, "first input", "second input")
    ax.grid(False)
    return legend(ax, "class")


def _class_colour(k: int, scores: int) -> str:
    return SIDES[k] if scores == 1 and k < 2 else SERIES[k % 7]


def _one_score(ax: Axes, window: Window, z: Any, threshold: float, colorbar: bool) -> None:
    import numpy as np

    at = levels(z, threshold)
    xs, ys = _sides(window, z)
    filled = ax.contourf(
        xs, ys, np.ma.masked_invalid(z), levels=at, colors=bands(len(at)), extend="both"
    )
    _border(ax, window, z - threshold, linewidth=1.8, label=f"boundary, score {threshold:g}")
    if colorbar:
        bar = ax.figure.colorbar(filled, ax=ax, label="score", pad=0.02)
        ticks = at[:: len(at) // 4]
        bar.set_ticks(ticks, labels=[f"{t:.2g}" for t in ticks])


def _score_each(ax: Axes, window: Window, scores: Any) -> None:
    import numpy as np
    from matplotlib.colors import ListedColormap

    count = scores.shape[2]
    tints = [mixed(SERIES[k % 7], 0.4, "#ffffff") for k in range(count)]
    winner = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=2).astype(float)
    xs, ys = _sides(window, winner)
    ax.pcolormesh(
        xs, ys, winner, cmap=ListedColormap(tints), vmin=-0.5, vmax=count - 0.5, shading="nearest"
    )
    for k in range(count):
        rest = np.delete(scores, k, axis=2).max(axis=2)
        _border(ax, window, scores[:, :, k] - rest, linewidth=1.0)


def _sides(window: Window, z: Any) -> tuple[Any, Any]:
    """Where the columns and rows of z stand."""
    import numpy as np

    left, right, bottom, top = window
    return np.linspace(left, right, z.shape[1]), np.linspace(bottom, top, z.shape[0])


def _border(ax: Axes, window: Window, z: Any, label: str = "", **look: Any) -> None:
    """The lines where z is 0."""
    left, right, bottom, top = window
    rows, columns = z.shape
    for line in lines(loops(z.tolist(), 0.0)):
        xs = [left + (right - left) * x / (columns - 1) for x, _ in line]
        ys = [bottom + (top - bottom) * y / (rows - 1) for _, y in line]
        ax.plot(xs, ys, color=INK, label=label, **look)
        label = ""
