"""Packages that are not lifted, as lifted code has them: the originals with some functions for Values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad.lifting.anew import lifted_later
from pygrad.lifting.integration import of_integrate
from pygrad.lifting.interpolation import lifted_interpolant, of_interpolate
from pygrad.lifting.minima import of_minima
from pygrad.lifting.scientific import of_special, of_stats
from pygrad.lifting.solvers import of_optimize
from pygrad.lifting.standing import like
from pygrad.lifting.sums import of_sums
from pygrad.lifting.systems import of_systems


def changed(name: str, original: ModuleType) -> ModuleType:
    """A module of CHANGED with what lifted code has in the place of its functions."""
    made = like(original, **CHANGED[name](original))
    if name == "scipy":  # whose submodules are imported when they are asked for
        vars(made)["__getattr__"] = lambda part: _part(original, part)
    return made


def _lambdify(original: Any) -> dict[str, Any]:
    """Of sympy, which computes with its own numbers, what makes functions of formulas."""

    @functools.wraps(original.lambdify)
    def lambdify(*args: Any, **named: Any) -> Any:
        return lifted_later(original.lambdify(*args, **named))

    return {"lambdify": lambdify}


def _part(scipy: Any, name: str) -> Any:
    item = getattr(scipy, name)
    return _found[0](f"scipy.{name}") if f"scipy.{name}" in CHANGED else item


def object_for(item: Any) -> Any:
    """What stands for an object that one of these packages has made before; mostly the item itself."""
    home = type(item).__module__ or ""
    if home.startswith("scipy.interpolate."):
        return lifted_interpolant(item, _found[0]("scipy.interpolate"))
    if (
        home.startswith("scipy.stats.")
        and getattr(getattr(item, "dist", None), "name", "") == "norm"
    ):
        return _found[0]("scipy.stats").norm(*item.args, **item.kwds)
    return item


_found: list[Callable[[str], Any]] = []


def set_finder(module_for: Callable[[str], Any]) -> None:
    """What gives the module that lifted code has under a name."""
    _found[:] = [module_for]


CHANGED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "scipy": lambda original: {},
    "scipy.integrate": lambda original: {
        **of_integrate(original),
        **of_sums(original, lambda: _found[0]("numpy")),
    },
    "scipy.interpolate": of_interpolate,
    "scipy.optimize": lambda original: {
        **of_optimize(original),
        **of_systems(original),
        **of_minima(original),
    },
    "scipy.special": of_special,
    "scipy.stats": of_stats,
    "sympy": _lambdify,
    "sympy.utilities": _lambdify,
    "sympy.utilities.lambdify": _lambdify,
}
