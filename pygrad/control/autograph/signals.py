"""What a function of converted code returns: whether it has left its loop, or its function, and with
what."""

from __future__ import annotations

from typing import Any, NamedTuple

from pygrad.control.autograph.merging import any_of, bare, both, chosen, merged, opposite, side
from pygrad.control.autograph.places import NOTHING


class Signal(NamedTuple):
    """broke, returned: bools, or conditions where rows differ."""

    broke: Any = False
    returned: Any = False
    value: Any = NOTHING
    dead: bool = False  # it has raised, for each row that is meant

    @property
    def left(self) -> Any:
        """Whether the loop is over."""
        return any_of(self.broke, self.returned)


GOES_ON = Signal()
BREAK = Signal(broke=True)
DEAD = Signal(dead=True)


def returning(value: Any) -> Signal:
    return Signal(returned=True, value=value)


def either_signal(c: Any, a: Signal, b: Signal, kept: Any) -> Signal:
    """a where c holds, else b."""
    if a is b or b.dead:
        return a
    if a.dead:
        return b
    if a.returned is False:
        value = side(b.value, 1)
    elif b.returned is False:
        value = side(a.value, 0)
    else:
        value = merged(c, bare(a.value), bare(b.value), "what is returned", kept)
    return Signal(chosen(c, a.broke, b.broke), chosen(c, a.returned, b.returned), value)


def after(first: Signal, then: Signal, kept: Any = None) -> Signal:
    """What has happened after two trips, of which the second was meant for rows that had not left."""
    if then is GOES_ON or then.dead:
        return first
    if first.returned is False:
        value = then.value
    elif then.returned is False:
        value = first.value
    else:
        value = merged(
            first.returned, bare(first.value), bare(then.value), "what is returned", kept
        )
    goes_on = opposite(first.left)
    return Signal(
        any_of(first.broke, both(goes_on, then.broke)),
        any_of(first.returned, both(goes_on, then.returned)),
        value,
    )
