"""Solutions of equations that depend on Values from outside: of solvers in a function that is
differentiated, and of SciPy's in lifted code, eager and in traces.

The equation is run once, where it is solved: what it reads may be something else by the time that a
derivative is wanted.

>>> from pygrad import grad
>>> grad(lambda a: implied(lambda ys: [ys[0] * ys[0] - a], [2.0], abs)[0])(4.0)
0.25
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad.core import implementation
from pygrad.core.implementation import Value
from pygrad.rules.applied import Applied, At, seeded
from pygrad.rules.elsewhere import elsewhere
from pygrad.rules.implicit import solved
from pygrad.rules.outside import outside_of

Equation = Callable[[list[Any]], Sequence[Any]]


class Stated(NamedTuple):
    """An equation as it was recorded, and what it was made of."""

    outputs: tuple[Any, ...]  # which are 0
    unknowns: tuple[Any, ...]
    outside: tuple[Any, ...]

    @property
    def made_of(self) -> tuple[Any, ...]:
        return (*self.unknowns, *self.outside)


def implied(
    equation: Equation, ys: list[Any], stated: Callable[..., Any], always: bool = False
) -> list[Any]:
    """Numbers at which an equation gives zeros, as Values that depend on what the equation depends on; in a
    trace they may be Values, and count as numbers.

    They stay what they are if that is no input of a transform that runs, unless always, which is to say in
    any mode. stated: the user's function, which errors name.
    """
    found = recorded(equation, ys, always)
    if found is None:
        return ys
    return Applied.to(_Implied(found, stated), ys).values("solution", found.outside)


def recorded(equation: Equation, ys: list[Any], always: bool = False) -> Stated | None:
    """An equation at ys; None where it depends on nothing that is asked for."""
    if not (always or implementation.stated.any_active()):
        return None
    with implementation.Recorded() as recorded:
        unknowns = recorded.begin(tuple(ys))
        since = implementation.stated.births()
        found = equation(list(unknowns))
        values = tuple([v for v in found if isinstance(v, Value)])
        outside = tuple(outside_of(values, unknowns, since)) if values else ()
    if not outside or not (always or implementation.depend_on_input(outside)):
        return None
    return Stated(
        tuple([v if isinstance(v, Value) else Value(v) for v in found]), unknowns, outside
    )


def numbers_of(items: Sequence[Any]) -> list[Any]:
    """The same with numbers in the place of Values that depend on an input of a transform that runs: for
    solvers, whose solutions have derivatives of their own. In a trace there are no numbers."""
    if implementation.trace_active():
        return list(items)
    return [
        implementation.stated.number_in(item)
        if isinstance(item, Value) and implementation.depend_on_input((item,))
        else item
        for item in items
    ]


class _Implied:
    """The rule of a solution, by the implicit function theorem: see implicit.py."""

    by_tangents, needs_results = False, True

    def __init__(self, equation: Stated, stated: Callable[..., Any]) -> None:
        self.equation, self.stated, self.f = equation, stated, stated

    def check(self) -> None:
        """It is there."""

    def _at(self, at: At, outputs: Sequence[Any], more: tuple[Any, ...] = ()) -> list[Any]:
        """What was made of the equation, and of more, as it depends on where the rule is at work."""
        if at.numbers:
            return list(outputs)
        made_of = (*self.equation.made_of, *more)
        return elsewhere(outputs, made_of, (*at.ys, *at.xs, *more), self.stated)

    def _rows(self, at: At) -> list[list[Any]]:
        """The slopes by the unknowns, a row for each equation."""
        equation, way = self.equation, implementation.stated.rule_way
        slopes = [
            slope
            for v in equation.outputs
            for slope in way(True, (v,), equation.unknowns, equation.made_of, (1.0,))
        ]
        found, n = self._at(at, slopes), len(equation.unknowns)
        return [found[i : i + n] for i in range(0, len(found), n)]

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        equation, way = self.equation, implementation.stated.rule_way
        arrived = [0.0 if seed is None else seed for seed in seeds]
        columns = [list(column) for column in zip(*self._rows(at), strict=True)]
        weights = tuple([-w for w in solved(columns, arrived, at.numbers)])
        stops = (*equation.made_of, *weights)
        pulled = way(True, equation.outputs, equation.outside, stops, weights)
        return self._at(at, pulled, weights)

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        equation, way = self.equation, implementation.stated.rule_way
        moving, seeds = seeded(equation.outside, tangents)
        pushed = way(False, equation.outputs, moving, (*equation.made_of, *seeds), seeds)
        return solved(self._rows(at), [-m for m in self._at(at, pushed, seeds)], at.numbers)
