"""The plane as a classifier sees it, and data in it: what every picture of a decision boundary shows.

They are `pygrad.plot.decision_boundary`, which matplotlib draws, that of `pygrad demo`, which is SVG and
needs nothing, and the page of explore(model, data=...), which samples for itself. What they draw is decided
here: which part of the plane, where colours change and to which, and how classes are marked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pygrad.core.implementation import IMPLEMENTATION, Value, no_grad
from pygrad.seeing.palette import PAPER, SIDES, mixed

__all__ = ["TINT", "Data", "Window", "bands", "checked", "levels", "sampled"]

# How much of a side's colour the plane has where its score is farthest from the threshold
TINT = 0.55

_MARGIN = 0.12  # of the data's extent, around them
_LEVELS = 17  # at which colours change

Window = tuple[float, float, float, float]  # left, right, bottom, top


class Data(NamedTuple):
    """Points, an array of rows of two; a label for each; the different labels, sorted."""

    points: Any
    labels: list[Any]
    classes: list[Any]

    def window(self) -> Window:
        """What a picture of them shows."""
        import numpy as np

        margin = _MARGIN * np.maximum(np.ptp(self.points, axis=0), 1e-6)
        left, bottom = (self.points.min(axis=0) - margin).tolist()
        right, top = (self.points.max(axis=0) + margin).tolist()
        return left, right, bottom, top


def checked(points: Any, labels: Any) -> Data:
    """The data, as numbers where they are Values.

    Raises:
        ValueError: points are not rows of two finite numbers; there are not as many labels.
    """
    import numpy as np

    rows = [[_number(x) for x in point] for point in points]
    try:
        array = np.array(rows, dtype=float)
    except ValueError:  # rows of several lengths
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1:] != (2,) or not np.isfinite(array).all():
        raise ValueError("points must be rows of two finite numbers")
    names = [label.data if isinstance(label, Value) else label for label in labels]
    if len(names) != len(array):
        raise ValueError(f"there are {len(array)} points, but {len(names)} labels")
    kinds = set(map(type, names))
    classes = sorted(set(names), key=None if len(kinds) == 1 else str)
    return Data(array, names, classes)


def _number(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


# -- the score -------------------------------------------------------------------------------------


def sampled(model: Callable[[Any], Any], window: Window, columns: int, rows: int) -> Any:
    """What the model says on a grid over the window: an array, from the bottom row up, of a row of points
    each, of the point's scores: one, or one for each class.

    Raises:
        Whatever the model raises.

    >>> sampled(lambda p: p[0] + 10 * p[1], (0.0, 2.0, 0.0, 1.0), columns=3, rows=2)[:, :, 0]
    array([[ 0.,  1.,  2.],
           [10., 11., 12.]])
    """
    import numpy as np

    left, right, bottom, top = window
    xs, ys = np.linspace(left, right, columns), np.linspace(bottom, top, rows)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(xs, ys)], axis=1)
    return _scores(model, grid).reshape(rows, columns, -1)


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
        return np.array([[_number(s) for s in listed(point)] for point in grid.tolist()])


# -- its colours -----------------------------------------------------------------------------------


def levels(scores: Any, threshold: float = 0.0) -> list[float]:
    """Scores at which the colour changes: as far to both sides of the threshold as nearly all scores are.

    >>> levels([-1.0, 3.0, 3.0], threshold=1.0)[::8]
    [-1.0, 1.0, 3.0]
    """
    import numpy as np

    sizes = np.abs(np.asarray(scores, dtype=float) - threshold)
    finite = sizes[np.isfinite(sizes)]
    reach = float(np.percentile(finite, 95)) if finite.size else 1.0
    reach = reach or 1.0
    found: list[float] = (threshold + np.linspace(-reach, reach, _LEVELS)).tolist()
    return found


def bands(count: int) -> list[str]:
    """The colours below, between and above so many levels, from one side's through paper to the other's.

    >>> bands(1), len(bands(17))
    (['#6faed1', '#e4a36f'], 18)
    """
    shares = [2 * k / count - 1 for k in range(count + 1)]
    return [mixed(SIDES[share > 0], TINT * abs(share), PAPER) for share in shares]
