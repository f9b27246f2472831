"""The plane as a classifier sees it: see pygrad.plot.decision_boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.checking.differences import float_of
from pygrad.core.implementation import IMPLEMENTATION, Value, no_grad
from pygrad.plot.axes import (
    BLUE,
    INK,
    MARKERS,
    SERIES,
    VERMILION,
    Axes,
    as_float,
    axes,
    dress,
    legend,
)

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
    import numpy as np

    data = np.array([[as_float(v) for v in point] for point in points], dtype=float)
    if data.ndim != 2 or data.shape[1:] != (2,) or not np.isfinite(data).all():
        raise ValueError("points must be rows of two finite numbers")
    names = [label.data if isinstance(label, Value) else label for label in labels]
    if len(names) != len(data):
        raise ValueError(f"there are {len(data)} points, but {len(names)} labels")
    margin = 0.12 * np.maximum(np.ptp(data, axis=0), 1e-6)
    low, high = data.min(axis=0) - margin, data.max(axis=0) + margin
    xs, ys = (np.linspace(low[i], high[i], resolution) for i in (0, 1))
    grid = np.stack([axis.ravel() for axis in np.meshgrid(xs, ys)], axis=1)
    scores = _scores(model, grid).reshape(resolution, resolution, -1)
    kinds = set(map(type, names))
    classes = sorted(set(names), key=None if len(kinds) == 1 else str)
    if scores.shape[2] == 1:
        _one_score(ax, xs, ys, scores[:, :, 0], threshold, colorbar)
    else:
        _score_each(ax, xs, ys, scores)
    for k, name in enumerate(classes):
        at = data[[label == name for label in names]]
        look = {"color": _class_colour(k, scores.shape[2]), "marker": MARKERS[k % 7]}
        ax.scatter(
            *at.T, s=26, edgecolors="white", linewidths=0.7, label=f"{name}", zorder=4, **look
        )
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    dress(ax, "first input", "second input")
    ax.grid(False)
    return legend(ax, "class")


def _class_colour(k: int, scores: int) -> str:
    # With one score the sides are blue and orange; its classes wear the darker tones of these.
    return [BLUE, VERMILION][k] if scores == 1 and k < 2 else SERIES[k % 7]


def _one_score(ax: Axes, xs: Any, ys: Any, z: Any, threshold: float, colorbar: bool) -> None:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    z = np.ma.masked_invalid(z) - threshold
    reach = float(np.percentile(np.abs(z.compressed()), 95)) if z.count() else 1.0
    reach = reach or 1.0
    tints = LinearSegmentedColormap.from_list("sides", ["#7fb2d8", "#f7f7f7", "#f0b184"])
    levels = np.linspace(-reach, reach, 17)
    filled = ax.contourf(xs, ys, z, levels=levels, cmap=tints, extend="both")
    _border(ax, xs, ys, z, linewidth=1.8, label=f"boundary, score {threshold:g}")
    if colorbar:
        bar = ax.figure.colorbar(filled, ax=ax, label="score", pad=0.02)
        ticks = [-reach, -reach / 2, 0.0, reach / 2, reach]
        bar.set_ticks(ticks, labels=[f"{t + threshold:.2g}" for t in ticks])


def _score_each(ax: Axes, xs: Any, ys: Any, scores: Any) -> None:
    import numpy as np
    from matplotlib.colors import ListedColormap, to_rgb

    count = scores.shape[2]
    tints = [[0.6 + 0.4 * c for c in to_rgb(SERIES[k % 7])] for k in range(count)]
    winner = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=2).astype(float)
    levels = np.arange(count + 1) - 0.5
    ax.pcolormesh(
        xs, ys, winner, cmap=ListedColormap(tints), vmin=-0.5, vmax=levels[-1], shading="nearest"
    )
    for k in range(count):
        rest = np.delete(scores, k, axis=2).max(axis=2)
        _border(ax, xs, ys, scores[:, :, k] - rest, linewidth=1.0)


def _border(ax: Axes, xs: Any, ys: Any, z: Any, label: str = "", **look: Any) -> None:
    """The lines where z is 0."""
    from contourpy import contour_generator

    lines: Any = contour_generator(xs, ys, z).lines(0.0)
    for line in lines:
        ax.plot(*line.T, color=INK, label=label, **look)
        label = ""


def _scores(model: Callable[[Any], Any], grid: Any) -> Any:
    """What the model says of each row of the grid: an array of a row each."""
    import numpy as np

    def listed(point: Any) -> list[Any]:
        score = model(point)
        return list(score) if isinstance(score, (list, tuple)) or np.ndim(score) else [score]

    if IMPLEMENTATION == "compiled":
        from pygrad.programs.mapped import vmap

        try:
            return np.stack(vmap(listed, errors="ignore")(grid), axis=1)
        except Exception:  # no program could repeat it; if it is wrong, it says so below
            pass
    with no_grad():
        return np.array([[float_of(s) for s in listed(point)] for point in grid.tolist()])
