"""An op's value and slopes, and whether two of them are the same bits."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from programs import exact


def same(given: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """The same bits: 0.0 is not -0.0, and nan is nan."""
    assert [*map(exact, given)] == [*map(exact, expected)]


def at(impl: ModuleType, name: str, *xs: float) -> tuple[float, ...]:
    """The op's value, then its local derivatives."""
    node = impl.FUNCTIONS[name](*map(impl.Value, xs))
    return (node.data, *node.local_derivatives)


def slopes(f: Callable[..., Any], impl: ModuleType, *xs: float) -> tuple[float, ...]:
    """The value of f at xs, then the gradient."""
    leaves = [impl.Value(x) for x in xs]
    result = f(*leaves)
    result.backward()
    return (result.data, *[leaf.grad for leaf in leaves])
