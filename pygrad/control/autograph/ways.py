"""Ways of a branch that only those rows run which take them.

Both ways are traced, and what they give is chosen from by `where`. Where a way is much work, its part of
the program becomes a loop of one trip for the rows that take it, and of none for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pygrad.control import traced
from pygrad.control.autograph.context import context
from pygrad.control.state import is_condition
from pygrad.core.implementation import Value

T = TypeVar("T")


def run(
    controls: tuple[Any, Any],
    true: Callable[[], Any],
    false: Callable[[], Any],
    put_together: Callable[[Any, Any], T],
) -> T:
    """What put_together makes of the results of both ways, which it may be asked for twice: first as they
    are, then as loops. controls: for which rows each way is."""
    with traced.noted() as place:
        start, one, middle, other = place(), true(), place(), false()
        sides = Sides((start, middle, place()), controls)
        was, context.sides = context.sides, sides
        try:
            result = put_together(one, other)
            return put_together(one, other) if sides.make() else result
        finally:
            context.sides = was


class Sides:
    """What the two ways give, while it is put together: first it is found out, then it is replaced."""

    def __init__(self, places: tuple[int, int, int], controls: tuple[Any, Any]) -> None:
        self.spans = places[:2], places[1:]
        self.controls = controls
        self.found: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self.made: tuple[dict[int, Any], dict[int, Any]] | None = None

    def of(self, item: Any, side: int) -> Any:
        """A number, a Value or a truth that one of the ways gives, or what stands for it."""
        if not isinstance(item, Value):
            return item
        if self.made is not None:
            return self.made[side].get(id(item), item)
        self.found[side][id(item)] = item
        return item

    def make(self) -> bool:
        """Makes loops of ways that are worth it; whether there are any."""
        self.made = ({}, {})
        for span, control, found, made in zip(
            self.spans, self.controls, self.found, self.made, strict=True
        ):
            items = list(found.values())
            if items and isinstance(control, Value):
                for item, new in zip(items, traced.way(span, items, control), strict=True):
                    if new is not item:
                        made[id(item)] = new != 0 if is_condition(item) else new
        return any(self.made)
