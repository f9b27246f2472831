"""Nodes whose rule is a closure, and what is raised in one."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


class Injected(Exception):
    """What the tests raise in a closure."""


def with_rule(impl: ModuleType, data: float, children: tuple, rule: Callable[[Any], None]) -> Any:
    """A node of the given children whose closure calls rule(node)."""
    node = impl.Value(data, children, "rule")
    node._backward = lambda: rule(node)
    return node
