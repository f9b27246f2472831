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
from pygrad.rules.applied import (
    Applied,
    At,
    check_reads,
    count_of_reads,
    number,
    seeded,
    where_read,
)
from pygrad.rules.elsewhere import elsewhere
from pygrad.rules.outside import outside_of


class Equation(NamedTuple):
    """An equation as it was recorded, and what it was made of."""

    outputs: tuple[Any, ...]  # which are 0
    unknowns: tuple[Any, ...]
    outside: tuple[Any, ...]
    read: str | None  # the line where a number was read that depends on these

    @classmethod
    def of(
        cls, found: Sequence[Any], unknowns: Sequence[Any], outside: Sequence[Any], before: int
    ) -> Equation:
        """That found, Values and numbers, is 0; before: how many reads there were before it was run."""
        outputs = [v if isinstance(v, Value) else Value(v) for v in found]
        read = where_read(before, (*unknowns, *outside))
        return cls(tuple(outputs), tuple(unknowns), tuple(outside), read)

    @property
    def made_of(self) -> tuple[Any, ...]:
        return (*self.unknowns, *self.outside)


def implied(
    equation: Callable[[list[Any]], Sequence[Any]],
    ys: list[Any],
    stated: Callable[..., Any],
    always: bool = False,
    failed: str = "",
) -> list[Any]:
    """Numbers at which an equation gives zeros, as Values that depend on what the equation depends on; in a
    trace they may be Values, and count as numbers.

    They stay what they are if that is no input of a transform that runs, unless always, which is to say in
    any mode. stated: the user's function, which errors name. failed: why they are no solution; to ask for a
    derivative is a RuntimeError then.
    """
    found = recorded(equation, ys, always)
    if found is None:
        return ys
    return Applied.to(Implied(found, stated, stated, failed), ys).values("solution", found.outside)


def recorded(
    equation: Callable[[list[Any]], Sequence[Any]], ys: list[Any], always: bool = False
) -> Equation | None:
    """An equation at ys; None where it depends on nothing that is asked for."""
    if not (always or implementation.stated.any_active()):
        return None
    before = count_of_reads()
    with implementation.Recorded() as recorded:
        unknowns = recorded.begin(tuple(ys))
        since = implementation.stated.births()
        found = equation(list(unknowns))
        values = tuple([v for v in found if isinstance(v, Value)])
        outside = tuple(outside_of(values, unknowns, since)) if values else ()
        if not outside or not (always or implementation.depend_on_input(outside)):
            return None
        return Equation.of(found, unknowns, outside, before)


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


class Implied:
    """The rule of a solution: dF/dy dy + dF/dx dx = 0 where F(y, x) is 0."""

    by_tangents, needs_results = False, True

    def __init__(
        self,
        equation: Equation,
        f: Callable[..., Any],
        stated: Callable[..., Any],
        failed: str = "",
    ) -> None:
        """f is what has solved it, stated what the user has written of it: errors name them."""
        self.equation, self.f, self.stated, self.failed = equation, f, stated, failed

    def check(self) -> None:
        """It is there."""

    def _equation(self, at: At) -> Equation:
        """That to go through: in the body of a loop, which is made anew for its derivative, another one."""
        if self.failed:
            raise RuntimeError(
                f"there is no derivative of a solution that was not reached: {self.failed}"
            )
        equation = self.equation
        if not implementation.stated.body_derived():
            return equation
        of = (*at.ys, *at.xs)
        outputs = implementation.stated.rule_again(equation.outputs, equation.made_of, of)
        return equation._replace(outputs=outputs, unknowns=tuple(at.ys), outside=tuple(at.xs))

    def _at(self, at: At, outputs: Sequence[Any], more: tuple[Any, ...] = ()) -> list[Any]:
        """What was made of the equation, and of more, as it depends on where the rule is at work."""
        if at.numbers:
            return list(outputs)
        check_reads(self, self.equation.read)
        if implementation.stated.body_derived():
            return list(outputs)
        made_of = (*self.equation.made_of, *more)
        return elsewhere(outputs, made_of, (*at.ys, *at.xs, *more), self.stated)

    def _rows(self, at: At, equation: Equation) -> list[list[Any]]:
        """The slopes by the unknowns, a row for each equation."""
        way = implementation.stated.rule_way
        slopes = [
            slope
            for v in equation.outputs
            for slope in way(True, (v,), equation.unknowns, equation.made_of, (1.0,))
        ]
        found, n = self._at(at, slopes), len(equation.unknowns)
        return [found[i : i + n] for i in range(0, len(found), n)]

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        equation, way = self._equation(at), implementation.stated.rule_way
        arrived = [0.0 if seed is None else seed for seed in seeds]
        columns = [list(column) for column in zip(*self._rows(at, equation), strict=True)]
        weights = tuple([-w for w in solved(columns, arrived, at.numbers)])
        stops = (*equation.made_of, *weights)
        pulled = way(True, equation.outputs, equation.outside, stops, weights)
        return self._at(at, pulled, weights)

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        equation, way = self._equation(at), implementation.stated.rule_way
        moving, seeds = seeded(equation.outside, tangents)
        pushed = way(False, equation.outputs, moving, (*equation.made_of, *seeds), seeds)
        moved = [-m for m in self._at(at, pushed, seeds)]
        return solved(self._rows(at, equation), moved, at.numbers)


def solved(a: list[list[Any]], b: list[Any], numbers: bool) -> list[Any]:
    """The solution of linear equations, of Values unless its numbers are all that is asked for."""
    import numpy as np

    if numbers:
        plain = np.linalg.solve([list(map(number, row)) for row in a], list(map(number, b)))
        return list(map(Value, plain.tolist()))
    if len(b) == 1:
        if number(a[0][0]) == 0 and not implementation.trace_active():
            raise np.linalg.LinAlgError("Singular matrix")
        return [b[0] / a[0][0]]
    from pygrad.linalg import solve

    return list(solve(a, b))
