"""Whether there are Values in something."""

from __future__ import annotations

import sys
from typing import Any

from pygrad.core.implementation import Value


def holds_values(x: Any) -> bool:
    """Whether x is a Value, or a list, a tuple or an array of objects that has some."""
    if isinstance(x, list | tuple):
        return any(map(holds_values, x))
    return isinstance(x, Value) or is_of_values(x)


def is_of_values(x: Any) -> bool:
    """Whether x is an array that has Values."""
    np: Any = sys.modules.get("numpy")
    return (
        np is not None
        and isinstance(x, np.ndarray)
        and x.dtype == object
        and any(isinstance(item, Value) for item in x.flat)
    )
