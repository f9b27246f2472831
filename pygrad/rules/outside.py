"""Values that a function depends on though they are none of its arguments."""

from __future__ import annotations

from typing import Any

from pygrad.core import implementation


def outside_of(
    outputs: tuple[Any, ...], inputs: tuple[Any, ...], since: int, known: list[Any] | None = None
) -> list[Any]:
    """The known ones, and others that outputs depend on, but not by way of these alone.

    outputs and inputs are Values; since: what births() was before the function ran.
    """
    found, captured = list(known or ()), implementation.stated.rule_captured
    while (new := captured(outputs, (*inputs, *found), since)) is not None:
        found.append(new)
    for v in list(found):
        others = [w for w in found if w is not v]
        if captured(outputs, (*inputs, *others), since) is None:
            found = others
    return found
