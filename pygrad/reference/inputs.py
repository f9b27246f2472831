"""Inputs of transforms whose function is running; what depends on them is compared by number.

Nodes are known by their `_operands` here, so that Value can stand on this file.
"""

from __future__ import annotations

import warnings
from typing import Any

from pygrad.reference.formulas import in_lifted_code
from pygrad.reference.modes import is_active, some_active
from pygrad.reference.order import operands_first


def depends_on_input(node: Any) -> bool:
    """Whether a node depends on such an input, perhaps by way of a leaf that no_grad() has made."""
    return some_active() and any(is_active(v) or v._detached for v in operands_first(node))


def compares_numbers(node: Any, other: Any) -> bool:
    """Whether == of two Values asks for their numbers, and not whether they are one object."""
    return in_lifted_code(2) or depends_on_input(node) or depends_on_input(other)


def is_true(node: Any) -> bool:
    """The truth of a Value: of its number if it depends on an input, else that of any object."""
    if node._data != 0:
        return True
    if depends_on_input(node) or in_lifted_code(2):
        return False
    warnings.warn(
        "the truth of a Value whose number is 0 was asked for: a Value is true, unless it depends on an "
        "input of a transform that runs; write `v != 0`, or `v is not None`",
        RuntimeWarning,
        stacklevel=3,  # whoever has called __bool__
    )
    return True
