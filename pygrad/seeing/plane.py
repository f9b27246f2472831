"""Data in the plane: what every picture of a decision boundary has in common.

They are `pygrad.plot.decision_boundary`, which matplotlib draws, that of `pygrad demo`, which is SVG and
needs nothing, and the page of explore(model, data=...).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pygrad.core.implementation import Value

__all__ = ["Data", "checked"]

_MARGIN = 0.12  # of the data's extent, around them


class Data(NamedTuple):
    """Points, an array of rows of two; a label for each; the different labels, sorted."""

    points: Any
    labels: list[Any]
    classes: list[Any]

    def window(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of what a picture of them shows."""
        margin = _MARGIN * np.maximum(np.ptp(self.points, axis=0), 1e-6)
        left, bottom = (self.points.min(axis=0) - margin).tolist()
        right, top = (self.points.max(axis=0) + margin).tolist()
        return left, right, bottom, top


def checked(points: Any, labels: Any) -> Data:
    """The data, as numbers where they are Values.

    Raises:
        ValueError: points are not rows of two finite numbers; there are not as many labels.
    """
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
