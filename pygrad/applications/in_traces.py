"""The solvers of solvers.py in compiled and mapped functions: one loop of the program, with all rows in it.

It takes the steps that solvers.py takes on plain numbers. A row that does not end at a solution, whatever
the reason, runs without a program: then it raises, or reports, what it would outside.

>>> import numpy as np
>>> from pygrad import newton, vmap
>>> vmap(lambda a: newton(lambda y: y * y - a, 1.0).x)(np.array([1.0, 4.0, 9.0]))
array([1., 2., 3.])
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pygrad.applications.flat import EPSILON
from pygrad.control.branches import only_where
from pygrad.control.loops import while_loop
from pygrad.core.implementation import FUNCTIONS, Value, sum
from pygrad.core.recording import without_program
from pygrad.rules.implied import implied, recorded

if TYPE_CHECKING:  # it wants NumPy, which one unknown does not
    from pygrad.arrays.linear import Eliminated

Items = list[Any]
Model = tuple[Items, list[Items]]  # the numbers of a function, and a row of slopes for each

_where, _maximum, _stop = (FUNCTIONS[name] for name in ("where", "maximum", "stop_gradient"))
MOST_UNKNOWNS = 16  # of a system that is part of a program: it takes some n**3 operations
_NEAR = 64.0 * EPSILON  # how small a pivot may be, beside the number of rows, that leaves no doubt


class Move(NamedTuple):
    """A step, and whether it is one: where there is doubt, it is none."""

    by: Items
    sound: Any = True


class Found(NamedTuple):
    """Where a solver has ended."""

    items: Items
    steps: Any


def depends(equation: Callable[[Items], Sequence[Any]], start: Items) -> bool:
    """Whether what a solver finds depends on something of the trace that runs."""
    moves = any(isinstance(item, Value) for item in start)
    return moves or recorded(equation, start, always=True) is not None


def iterated(
    evaluate: Callable[[Items], Model],
    move: Callable[[Model], Move],
    start: Items,
    steps: int,
    tol: float,
    name: str,
) -> Found:
    """Where the steps of Newton's method end: those of `_iterate` in solvers.py."""

    def trip(state: Any) -> Any:
        here, largest, previous, settled, step, *_ = state
        values, rows = model = evaluate(here)
        size = _size_of(values, *rows)
        solved = (settled | _all([v == 0.0 for v in values])) & (size < math.inf)
        by, sound = move(model)
        there = [a + d for a, d in zip(here, by, strict=True)]
        goes_on = (size + _size_of(there) < math.inf) & (step < steps) & sound & (solved ^ True)
        largest = [_maximum(s, abs(a)) for s, a in zip(largest, there, strict=True)]
        ratios = [_where(s > 0.0, abs(d) / s, 0.0) for d, s in zip(by, largest, strict=True)]
        change = functools.reduce(_maximum, ratios)
        small = _all([abs(d) <= tol * abs(a) for d, a in zip(by, there, strict=True)])
        at_rounding = (previous <= change) & (change <= math.sqrt(EPSILON))
        settled = small | (change <= EPSILON) | at_rounding
        return _chosen(solved, here, there), largest, change, settled, step + 1, solved, goes_on

    sizes = [abs(a) for a in start]
    found = _looped(trip, (start, sizes, math.inf, False, 0, False, True), name)
    return Found(found[0], found[4] - 1.0)  # the last trip takes no step


def descended(
    evaluate: Callable[[Items], tuple[Any, Items]],
    start: Items,
    rate: float,
    steps: int,
    tol: float,
    name: str,
) -> Found:
    """Where the walk of `gradient_descent` ends."""

    def trip(state: Any) -> Any:
        here, step, *_ = state
        value, gradient = evaluate(here)
        size = _size_of([value], gradient)
        steepest = functools.reduce(_maximum, map(abs, gradient))
        solved = (steepest <= tol) & (size < math.inf)
        there = [a - rate * g for a, g in zip(here, gradient, strict=True)]
        moves = _any([a != b for a, b in zip(here, there, strict=True)])
        goes_on = (size + _size_of(there) < math.inf) & (step < steps) & moves & (solved ^ True)
        return _chosen(solved, here, there), step + 1, solved, goes_on

    found = _looped(trip, (start, 0, False, True), name)
    return Found(found[0], found[1] - 1.0)


def _looped(trip: Callable[[Any], Any], state: Any, name: str) -> Any:
    """The state after all trips, of which the last two items say whether they have come to a solution, and
    whether they go on."""
    found = while_loop(lambda state: state[-1], trip, state)
    only_where(found[-2], lambda: without_program(name))
    return found


def _chosen(solved: Any, here: Items, there: Items) -> Items:
    return [_where(solved, a, b) for a, b in zip(here, there, strict=True)]


def depending(
    equation: Callable[[Items], Sequence[Any]], found: Items, f: Callable[..., Any]
) -> Items:
    """A solution, as it depends on what its equation depends on."""
    return implied(equation, [_stop(item) for item in found], f, always=True)


# -- one step --------------------------------------------------------------------------------------


def newton_step(model: Model) -> Move:
    """Where the linear model is 0."""
    values, rows = model
    if len(values) == 1:
        return Move([-values[0] / rows[0][0]], rows[0][0] != 0.0)
    from pygrad.arrays.linear import eliminated

    sizes = _largest_of(rows)
    of_rows = [[_over(x, size) for x in row] for row, size in zip(rows, sizes, strict=True)]
    sides = [[-value / size] for value, size in zip(values, sizes, strict=True)]
    sizes = _largest_of(list(zip(*of_rows, strict=True)))
    scaled = [[_over(x, size) for x, size in zip(row, sizes, strict=True)] for row in of_rows]
    return _unscaled(eliminated(scaled, sides), sizes, len(rows))


def least_squares_step(model: Model) -> Move:
    """Where the linear model has the least sum of squares, by reflections."""
    from pygrad.arrays.linear import reflected, triangle

    values, rows = model
    columns = [list(column) for column in zip(*rows, strict=True)]
    sizes = _largest_of(columns)
    scaled = [[_over(x, size) for x in column] for column, size in zip(columns, sizes, strict=True)]
    of = triangle(reflected(scaled, 0.0), [-value for value in values])
    return _unscaled(of, sizes, len(rows))


def _largest_of(rows: Sequence[Sequence[Any]]) -> Items:
    """The largest size in each; 1 where all are 0."""
    largest = [functools.reduce(_maximum, map(abs, row)) for row in rows]
    return [_where(size > 0.0, size, 1.0) for size in largest]


def _over(x: Any, size: Any) -> Any:
    return x if x.__class__ is float and x == 0.0 else x / size  # a plain 0 stays one


def _unscaled(of: Eliminated, sizes: Items, count: int) -> Move:
    pivots = [abs(row[i]) for i, row in enumerate(of.upper)]
    doubt = count * _NEAR * functools.reduce(_maximum, pivots)
    by = [row[0] / size for row, size in zip(of.solved(), sizes, strict=True)]
    return Move(by, _all([pivot > doubt for pivot in pivots]))


# -- conditions ------------------------------------------------------------------------------------


def _all(conditions: Items) -> Any:
    return functools.reduce(lambda a, b: a & b, conditions)


def _any(conditions: Items) -> Any:
    return functools.reduce(lambda a, b: a | b, conditions)


def _size_of(*rows: Items) -> Any:
    """The sum of all sizes, which is finite if all are; some that are almost too large may make it inf."""
    return sum([abs(item) for row in rows for item in row])
