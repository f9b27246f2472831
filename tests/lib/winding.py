"""Functions with loops, in a file that asks for no bools: their comparisons are conditions."""

from __future__ import annotations

from typing import Any

from pygrad import cond, custom_root, fori_loop, math


def winding(x: Any) -> Any:
    """A branch in a loop, of which both note for the way back."""

    def turn(_: Any, s: Any) -> Any:
        return cond(s > x, lambda v: math.sin(v) * x, lambda v: v + math.tanh(x * v), s)

    return fori_loop(0, 6, turn, 0.5 * x)


@custom_root(lambda y, a: y * y - a)
def root(a: Any) -> Any:
    return math.sqrt(a)


def roots(a: Any) -> Any:
    """A solution in a loop: what its rule has recorded is made anew where the body is differentiated."""
    return fori_loop(0, 2, lambda _, s: root(s + a), a)
