"""A function with a branch, a loop, a captured Value and a dot product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pygrad
from pygrad import Value
from pygrad import math as pm


def branching(w: Value) -> Callable[..., Any]:
    def f(x: Any, y: Any) -> Any:
        a = w * x + y
        if a > 1:
            return pm.tanh(a) * a
        while a < 5:
            a = a * 0.5 + 4
        return a + pygrad.dot([x, y], [w, a])

    return f
