"""What a function is made of, layer by layer."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from pygrad.core.callables import FunctionOf
from pygrad.core.jacobians import JacobianOf


def layers(f: Any) -> Iterator[Any]:
    """f, what that is made of, and so on down to the function that a user has written."""
    while True:
        yield f
        if isinstance(f, FunctionOf | JacobianOf):
            f = f.f
        elif not isinstance(f, functools.partial):
            return
        elif f.args and (getattr(f.func, "__module__", None) or "").startswith("pygrad."):
            f = f.args[0]  # one of pygrad's own, of what the user has written
        else:
            f = f.func
