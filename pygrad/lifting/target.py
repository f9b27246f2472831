"""`pygrad.lift`: code that was written for floats, made differentiable without being changed.

>>> import colorsys, pygrad
>>> from pygrad import grad
>>> lightness = pygrad.lift(colorsys).rgb_to_hls
>>> grad(lambda r: lightness(r, 0.2, 0.3)[1])(0.7)
0.5
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeVar, overload

from pygrad import math
from pygrad.core.callables import FunctionOf, found_by_name, function_name
from pygrad.lifting import world
from pygrad.lifting.anew import made_anew, set_maker
from pygrad.lifting.autographed import autographed
from pygrad.lifting.builtin import MARK
from pygrad.lifting.dispatching import cached_function
from pygrad.lifting.errors import LiftError
from pygrad.lifting.functions import getattr_path, lifted_class, lifted_function

_F = TypeVar("_F", bound=Callable[..., Any])


@overload
def lift(
    target: str | ModuleType, *, rounding: bool | None = None, autograph: bool = False
) -> ModuleType: ...
@overload
def lift(target: _F, *, rounding: bool | None = None, autograph: bool = False) -> _F: ...
def lift(target: Any, *, rounding: bool | None = None, autograph: bool = False) -> Any:
    """The same module or function, differentiable: its `math`, `float()`, `isinstance()` take Values.

    target is a module, the name of one, or a function; as a decorator it lifts the function below it.
    Modules of packages come from a second, private import: the original, and whoever else uses it, sees
    nothing of it. What the target calls is lifted with it, packages in pure Python among that, and NumPy as
    far as functions of scalars go. Plain numbers give what they give in the original, errors included.

    With rounding=False, `round(v, 3)` leaves a Value as it is, where it would be a constant, with slope 0:
    in a function that is made anew and whatever it calls, or in a whole package, for all who have lifted
    it, until another call says True.

    With autograph=True loops and branches of the package that depend on Values are those of a program, in
    which it is traced: see `autograph`.

    Settings that were made in a module by then, numbers and words in its globals, are taken over; later
    ones are made in what lift returned.

    Raises:
        LiftError: it is compiled, by C, Cython or numba, and no Python file stands beside it; or it is a
            builtin. The error names it.
        ModuleNotFoundError: there is no module of that name.

    >>> from math import sqrt
    >>> from pygrad import grad, lift
    >>> @lift
    ... def length(x: float, y: float) -> float:
    ...     return sqrt(float(x) ** 2 + float(y) ** 2)
    >>> round(grad(length)(3.0, 4.0), 9), length(3.0, 4.0)
    (0.6, 5.0)
    """
    if autograph:
        return autographed(lift(target, rounding=rounding))
    if isinstance(target, str):
        return world.load(target, asked_for=True, rounding=rounding)
    if isinstance(target, ModuleType):
        if not world.is_world(target) or rounding is not None:
            return world.load(target.__name__, asked_for=True, rounding=rounding)
        return target
    if isinstance(target, FunctionOf):
        raise TypeError(
            f"lift the function itself, and then {type(target).__name__.lower()} it: lift() comes first"
        )
    cached = cached_function(target)
    if cached is not None:
        return _lifted(cached, rounding)
    standing = world.standing_for(target)
    if standing is not target:
        return standing
    if not callable(target):
        raise TypeError(f"lift() takes a module, its name or a function, not {target!r}")
    home = getattr(target, "__module__", None) or "builtins"
    made = isinstance(target, type | functools.partial) or world.is_compiled_python(home)
    if made or _is_python(target):
        return _lifted(target, rounding)
    name = function_name(target)
    instead = "State" if not hasattr(math, name) else f"pygrad.math.{name} takes Values. Else state"
    raise LiftError(
        f"{name} of {home} cannot be lifted: it is compiled, and no Value gets through. {instead} its "
        "derivatives: Value(data, children, local_grads)"
    )


def _is_python(target: Any) -> bool:
    """Whether what is called is a Python function; Cython's look much like one."""
    called = target if isinstance(target, FunctionType | MethodType) else type(target).__call__
    return isinstance(getattr(called, "__func__", called), FunctionType)


def _lifted(target: Any, rounding: bool | None) -> Any:
    """A function's counterpart: that of its module if an import finds it there, else made anew."""
    if isinstance(target, FunctionType) and MARK in target.__globals__:
        return target
    module, name = getattr(target, "__module__", None), getattr(target, "__qualname__", "")
    if module and found_by_name(module, name) is target and not _is_made_anew(module):
        return getattr_path(world.load(module, asked_for=True, rounding=rounding), name)
    make = lifted_class if isinstance(target, type) else lifted_function
    return made_anew(target, rounding is not False, make)


def _is_made_anew(module: str) -> bool:
    """Whether functions of a module are, where others come from a second import of it."""
    return world.is_own(module) and not world.is_compiled_python(module)


set_maker(lambda target, rounding: lift(target, rounding=rounding))
