"""Packages that are not lifted, as lifted code has them: the originals with some functions for Values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad.lifting.anew import lifted_later
from pygrad.lifting.standing import like


def changed(name: str, original: ModuleType) -> ModuleType:
    """A module of CHANGED with what lifted code has in the place of its functions."""
    return like(original, **CHANGED[name](original))


def _lambdify(original: Any) -> dict[str, Any]:
    """Of sympy, which computes with its own numbers, what makes functions of formulas."""

    @functools.wraps(original.lambdify)
    def lambdify(*args: Any, **named: Any) -> Any:
        return lifted_later(original.lambdify(*args, **named))

    return {"lambdify": lambdify}


CHANGED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "sympy": _lambdify,
    "sympy.utilities": _lambdify,
    "sympy.utilities.lambdify": _lambdify,
}
