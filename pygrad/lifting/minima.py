"""SciPy's minimize_scalar as lifted code has it, and whom to ask in the place of what takes no Values.

A minimum is looked for with plain numbers, as elsewhere. It depends on what the function does: its slope is
0 there, see pygrad.rules.implied. In a trace calls and rows that come to one run without a program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pygrad.core.implementation import Value, trace_active
from pygrad.core.recording import OnNumbers
from pygrad.lifting.errors import telling
from pygrad.lifting.solvers import as_tuple
from pygrad.rules.applied import number
from pygrad.rules.implied import implied
from pygrad.transform import grad

_NEAR = 1e-3  # of the size of x, or of the distance of its bounds


def of_minima(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.optimize."""
    names = ("minimize", "least_squares", "curve_fit")
    told = {name: telling(getattr(original, name), f"pygrad.scipy.{name}") for name in names}
    return {"minimize_scalar": _minimize_scalar(original.minimize_scalar), **told}


def _minimize_scalar(original: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def minimize_scalar(
        fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (), *rest: Any, **named: Any
    ) -> Any:
        args = as_tuple(args)
        met: list[Any] = []

        def plain(x: Any, *args: Any) -> Any:
            y = fun(x, *args)
            if isinstance(y, Value) and not met:
                met.append(y)
            return _number(y)

        with OnNumbers("minimize_scalar"):
            places = [None if p is None else tuple(map(_number, p)) for p in (bracket, bounds)]
            found = original(plain, *places, args, *rest, **named)
        if met:
            found.x = _minimum(fun, args, float(found.x), bounds)
            found.fun = fun(found.x, *args)
        return found

    return minimize_scalar


def _number(x: Any) -> Any:
    """The number of a Value; in a trace, which has none, the error that says so."""
    if not isinstance(x, Value):
        return x
    return x.data if trace_active() else number(x)


def _minimum(fun: Any, args: tuple[Any, ...], x: float, bounds: Any) -> Any:
    """x as a Value: on a bound it moves with that; elsewhere it is where the slope of fun is 0."""
    slope = grad(lambda t: fun(t, *args))
    here, bend = _number(slope(x)), _number(grad(slope)(x))
    size = abs(x) if bounds is None else max(abs(_number(bounds[1]) - _number(bounds[0])), abs(x))
    if bend != 0.0 and abs(here / bend) <= _NEAR * size:
        return implied(lambda ys: [slope(ys[0])], [x], fun, always=True)[0]
    for bound, outward in zip(bounds or (), (1.0, -1.0), strict=False):
        if here * outward > 0.0 and abs(x - _number(bound)) <= _NEAR * size:
            return bound + (x - _number(bound))
    failed = (
        f"the slope at a minimum is 0, and here {here:g}, as beside the kink of abs(); a root of what "
        "abs() is of has a derivative"
    )
    return implied(lambda ys: [slope(ys[0])], [x], fun, failed=failed, always=True)[0]
