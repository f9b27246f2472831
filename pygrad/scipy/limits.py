"""Bounds and constraints as limits: functions of x that are 0 where one is reached, and positive within."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad.core.structure import values_in
from pygrad.scipy.functions import Function, as_numbers, items, plain_of, scipys


class Limit(NamedTuple):
    """What is 0 where a limit is reached, and positive within."""

    name: str
    of: Callable[[Any], Any]  # x, an array, to one number
    equal: bool = False  # whether it is 0 at each solution


def plain_bounds(bounds: Any) -> Any:
    """Bounds as SciPy takes them, with numbers for Values that depend on an input of a transform."""
    if hasattr(bounds, "lb") and values_in([bounds.lb, bounds.ub]):
        low, high = plain_of(bounds.lb, "bounds"), plain_of(bounds.ub, "bounds")
        return type(bounds)(low, high, bounds.keep_feasible)
    return plain_of(bounds, "bounds")


def in_pairs(bounds: Any, count: int) -> list[tuple[Any, Any]]:
    """The bounds of each number of x: of minimize, a pair for each, or an object with lb and ub."""
    if bounds is None:
        return []
    if hasattr(bounds, "lb"):
        return in_columns((bounds.lb, bounds.ub), count)
    return [(low, high) for low, high in bounds]


def in_columns(bounds: Any, count: int) -> list[tuple[Any, Any]]:
    """The same of least_squares: all lower ones, or one for all, and the upper ones."""
    import numpy as np

    if hasattr(bounds, "lb"):
        bounds = bounds.lb, bounds.ub
    lows, highs = (np.broadcast_to(np.asarray(b, dtype=object), (count,)).tolist() for b in bounds)
    return list(zip(lows, highs, strict=True))


def _item(i: int, x: Any) -> Any:
    return x.ravel()[i]


def of_bounds(pairs: Sequence[tuple[Any, Any]]) -> list[Limit]:
    """Limits of each number of x."""
    found = []
    for i, (low, high) in enumerate(pairs):
        found += _between(low, high, functools.partial(_item, i), f"x[{i}]")
    return found


def _between(low: Any, high: Any, of: Callable[[Any], Any], name: str) -> list[Limit]:
    """The limits of what lies between two numbers, of which None and inf are none."""
    import numpy as np

    lowest = -np.inf if low is None else float(as_numbers(low))
    highest = np.inf if high is None else float(as_numbers(high))
    if lowest == highest:
        return [Limit(f"the value of {name}", lambda x: of(x) - low, equal=True)]
    found = []
    if np.isfinite(lowest):
        found.append(Limit(f"the lower bound of {name}", lambda x: of(x) - low))
    if np.isfinite(highest):
        found.append(Limit(f"the upper bound of {name}", lambda x: high - of(x)))
    return found


# -- constraints -----------------------------------------------------------------------------------


class _Items:
    """What a vector function gives, item by item, computed once for all of them at a point."""

    def __init__(self, fun: Function) -> None:
        self.fun = fun
        self.x: Any = None
        self.found: list[Any] = []

    def all(self, x: Any) -> list[Any]:
        if x is not self.x:
            self.found, self.x = items(self.fun(x)), x
        return self.found

    def item(self, k: int, x: Any) -> Any:
        return self.all(x)[k]


def of_constraints(constraints: Any, x: Any) -> list[Limit]:
    """The limits that the constraints of minimize state at x."""
    if not isinstance(constraints, list | tuple):
        constraints = [constraints]
    found = []
    for number, constraint in enumerate(constraints):
        fun, lows, highs = _stated(constraint, x)
        each = _Items(fun)
        pairs = in_columns((lows, highs), len(each.all(x)))
        for k, (low, high) in enumerate(pairs):
            name = f"constraint {number}" + (f", item {k}" if len(pairs) > 1 else "")
            found += _between(low, high, functools.partial(each.item, k), name)
    return found


def _stated(constraint: Any, x: Any) -> tuple[Function, Any, Any]:
    """A function of x, and what it lies between."""
    import numpy as np

    if isinstance(constraint, dict):
        fun, args = constraint["fun"], constraint.get("args", ())
        highest = 0.0 if constraint["type"].lower() == "eq" else np.inf
        return lambda x: fun(x, *args), 0.0, highest
    if isinstance(constraint, scipys("optimize").LinearConstraint):
        rows = constraint.A
        rows = np.atleast_2d(rows.toarray() if hasattr(rows, "toarray") else rows)
        return lambda x: rows.astype(object) @ x, constraint.lb, constraint.ub
    if isinstance(constraint, scipys("optimize").Bounds):
        return lambda x: x, constraint.lb, constraint.ub
    return constraint.fun, constraint.lb, constraint.ub
