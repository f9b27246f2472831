"""Solutions of equations that depend on Values from outside, as those of solvers in a function that is
differentiated.

>>> from pygrad import grad
>>> grad(lambda a: implied(lambda ys: [ys[0] * ys[0] - a], [2.0], abs)[0])(4.0)
0.25
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.implementation import Value
from pygrad.rules.applied import Applied, At
from pygrad.rules.implicit import linear, pulled, pushed
from pygrad.rules.outside import outside_of

Equation = Callable[[list[Any]], Sequence[Any]]


def implied(equation: Equation, ys: list[float], stated: Callable[..., Any]) -> list[Any]:
    """Numbers at which an equation gives zeros, as Values that depend on what the equation depends on.

    They stay numbers if that is no input of a transform that runs. stated: the user's function, which
    errors name.
    """
    if not implementation.stated.any_active():
        return ys
    with implementation.Recorded() as recorded:
        inputs = recorded.begin(tuple(ys))
        since = implementation.stated.births()
        outputs = tuple([v for v in equation(list(inputs)) if isinstance(v, Value)])
        outside = outside_of(outputs, inputs, since) if outputs else []
    if not implementation.depend_on_input(tuple(outside)):
        return ys
    return Applied.to(_Implied(equation, stated, outside), ys).values("solution", outside)


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

    def __init__(self, equation: Equation, stated: Callable[..., Any], outside: list[Any]) -> None:
        self.equation, self.stated, self.f, self.outside = equation, stated, stated, outside

    def check(self) -> None:
        """It is there."""

    def _linear(self, at: At) -> tuple[Any, Any, tuple[Any, ...]]:
        stops = (*at.inputs, *self.outside)
        return *linear(self.equation(list(at.ys)), at.ys, stops), stops

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        outputs, rows, stops = self._linear(at)
        return pulled(outputs, rows, seeds, at.numbers, self.outside, stops)

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        outputs, rows, stops = self._linear(at)
        return pushed(outputs, rows, tangents, at.numbers, self.outside, stops)
