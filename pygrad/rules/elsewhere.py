"""What was computed of some Values, as it would depend on others with the same numbers in their place.

A rule that has the graph of what it differentiates need not run the user's function again, which may read
something else by then: the graph's derivatives are made of the Values that it was made of, and depend on
those that stand for them through a rule of their own.

>>> from pygrad import Value, grad
>>> x = Value(3.0)
>>> grad(grad(lambda t: elsewhere([x * x * x], [x], [t], abs)[0]))(3.0)
18.0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.implementation import Value
from pygrad.rules.applied import Applied, At, seeded


def elsewhere(
    outputs: Sequence[Any],
    made_of: Sequence[Any],
    values: Sequence[Any],
    stated: Callable[..., Any],
) -> list[Any]:
    """The outputs, which were made of some Values and of nothing else that moves, as they depend on others.

    None and numbers stay. stated: the user's function, which errors name.
    """
    found = list(outputs)
    moves = implementation.connected
    places = [
        i for i, v in enumerate(found) if isinstance(v, Value) and any(moves((v,), tuple(made_of)))
    ]
    if places:
        rule = _Elsewhere(tuple([found[i] for i in places]), tuple(made_of), stated)
        made = Applied.to(rule, list(rule.outputs)).values("solution", values)
        for i, v in zip(places, made, strict=True):
            found[i] = v
    return found


class _Elsewhere:
    """The rule of such outputs."""

    by_tangents, needs_results = False, False

    def __init__(
        self, outputs: tuple[Any, ...], made_of: tuple[Any, ...], stated: Callable[..., Any]
    ) -> None:
        self.outputs, self.made_of, self.stated, self.f = outputs, made_of, stated, stated

    def check(self) -> None:
        """It is there."""

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        found, arrived = seeded(self._outputs(at), seeds)
        return self._swept(True, found, self._made_of(at), arrived, at)

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        moving, given = seeded(self._made_of(at), tangents)
        return self._swept(False, self._outputs(at), moving, given, at)

    def _made_of(self, at: At) -> tuple[Any, ...]:
        return tuple(at.xs) if implementation.stated.body_derived() else self.made_of

    def _outputs(self, at: At) -> tuple[Any, ...]:
        """In the body of a loop, which is made anew for its derivative, these are made anew, too."""
        if not implementation.stated.body_derived():
            return self.outputs
        found: tuple[Any, ...] = implementation.stated.rule_again(
            self.outputs, self.made_of, tuple(at.xs)
        )
        return found

    def _swept(
        self, reverse: bool, outputs: Any, inputs: Any, seeds: tuple[Any, ...], at: At
    ) -> list[Any]:
        way, stops = implementation.stated.rule_way, (*self._made_of(at), *seeds)
        found = way(reverse, outputs, inputs, stops, seeds)
        if at.numbers or implementation.stated.body_derived():
            return list(found)
        return elsewhere(found, stops, (*at.xs, *seeds), self.stated)
