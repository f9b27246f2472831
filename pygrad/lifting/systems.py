"""SciPy's solvers of several equations, and root_scalar, as lifted code has them: as those of solvers.py.

The numbers are the solver's. What the roots depend on say the functions, which are 0 there. In a trace
Newton's method finds them, whose comparisons make paths.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pygrad.core.implementation import Value, trace_active
from pygrad.lifting import solvers
from pygrad.lifting.values import holds_values
from pygrad.math import stop_gradient
from pygrad.rules.implied import implied
from pygrad.transform import jacobian

_MOST = 100  # steps of Newton's method
_HALVINGS = 12


def of_systems(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.optimize."""
    return {
        "fsolve": _fsolve(original.fsolve),
        "root": _root(original.root),
        "root_scalar": _root_scalar(original.root_scalar),
    }


def _fsolve(original: Any) -> Any:
    @functools.wraps(original)
    def fsolve(
        func: Any,
        x0: Any,
        args: Any = (),
        fprime: Any = None,
        full_output: Any = 0,
        *rest: Any,
        **named: Any,
    ) -> Any:
        args = solvers.as_tuple(args)
        if trace_active():
            roots = _found_in_a_trace(func, x0, args)
            report = {"nfev": _MOST, "fvec": _flat(func(roots, *args))}
            return (roots, report, 1, "The solution converged.") if full_output else roots
        plain, slope = _Plain(func), fprime and _Plain(fprime)
        found = original(plain, _numbers(x0), args, slope, full_output, *rest, **named)
        if not plain.met:
            return found
        roots = _at_roots(func, args, found[0] if full_output else found)
        return (roots, *found[1:]) if full_output else roots

    return fsolve


def _root(original: Any) -> Any:
    @functools.wraps(original)
    def root(
        fun: Any,
        x0: Any,
        args: Any = (),
        method: Any = "hybr",
        jac: Any = None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        args = solvers.as_tuple(args)
        alone = (lambda x, *more: fun(x, *more)[0]) if jac is True else fun
        if trace_active():
            from scipy.optimize import OptimizeResult

            roots = _found_in_a_trace(alone, x0, args)
            return OptimizeResult(x=roots, success=True, fun=_flat(alone(roots, *args)), status=1)
        plain, slope = _Plain(alone), _Plain(jac) if callable(jac) else None
        found = original(plain, _numbers(x0), args, method, slope, *rest, **named)
        if plain.met:
            found.x = _at_roots(alone, args, found.x)
        return found

    return root


def _root_scalar(original: Any) -> Any:
    @functools.wraps(original)
    def root_scalar(f: Any, args: Any = (), method: Any = None, *rest: Any, **named: Any) -> Any:
        args = solvers.as_tuple(args)
        places = ("bracket", "fprime", "fprime2", "x0", "x1", "xtol", "rtol", "maxiter", "options")
        named.update(zip(places, rest, strict=False))
        alone = (lambda x, *more: f(x, *more)[0]) if named.get("fprime") is True else f
        bracket = named.get("bracket")
        if trace_active():
            options = {k: named[k] for k in ("xtol", "rtol", "maxiter") if named.get(k) is not None}
            if bracket is not None:
                root = solvers.traced(solvers.brent, alone, args, tuple(bracket), options)
            else:
                if "xtol" in options:
                    options["tol"] = options.pop("xtol")
                root = solvers.traced(solvers.secant, alone, args, (named["x0"],), options)
            return solvers.report(root, [], 0)
        plain = solvers.Plain(alone)
        for name in ("fprime", "fprime2"):
            slope = named.get(name)
            named[name] = solvers.Plain(slope) if callable(slope) else None
        for name in ("x0", "x1"):
            named[name] = solvers.number(named.get(name))
        if bracket is not None:
            named["bracket"] = [solvers.number(end) for end in bracket]
        if named["fprime"] is None and f is not alone:
            named["fprime"] = solvers.Plain(lambda x, *more: f(x, *more)[1])
        found = original(plain, args, method, **named)
        if plain.met:
            found.root = solvers.at_root(alone, args, found.root)
        return found

    return root_scalar


class _Plain:
    """A function of an array that gives plain numbers, for a solver; met: whether there were Values."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.met = f, False

    def __call__(self, x: Any, *args: Any) -> Any:
        result = self.f(x, *args)
        if not holds_values(result):
            return result
        self.met = True
        return _numbers(result)


def _numbers(x: Any) -> Any:
    """A number, or an array of such, without Values."""
    if not holds_values(x):
        return x
    import numpy as np

    from pygrad.arrays.array import as_objects

    array = as_objects(x)
    flat = [solvers.number(item) for item in array.ravel().tolist()]
    return flat[0] if not array.ndim else np.array(flat, dtype=float).reshape(array.shape)


def _flat(x: Any) -> Any:
    """An array of one axis, of Values and numbers."""
    from pygrad.arrays.array import array_of_values, as_objects

    return array_of_values(as_objects(x).ravel())


def _at_roots(f: Any, args: tuple[Any, ...], roots: Any) -> Any:
    """The roots that depend on what f does."""
    import numpy as np

    def equations(ys: list[Any]) -> Any:
        return _flat(f(_flat(ys), *args)).tolist()

    found = implied(equations, _flat(roots).tolist(), f, always=True)
    return _flat(found).reshape(np.shape(roots)) if holds_values(found) else roots


def _stopped(x: Any) -> Any:
    """Numbers, or Values without derivatives, of an array of Values."""
    if not holds_values(x):
        return x
    array = _flat(x)
    return _flat([stop_gradient(item) if isinstance(item, Value) else item for item in array])


def _found_in_a_trace(f: Any, x0: Any, args: tuple[Any, ...]) -> Any:
    """Newton's method, whose steps are halved while they lead away."""
    import numpy as np

    from pygrad import linalg

    x = np.atleast_1d(np.asarray(_stopped(x0), dtype=object)).ravel() * 1.0
    if not holds_values(x):
        x = x.astype(float)
    here = _stopped(_flat(f(x, *args)))
    for _ in range(_MOST):
        slopes = jacobian(lambda t: _flat(f(t, *args)))(x)
        step = linalg.solve(_stopped(slopes).reshape(np.shape(slopes)), here)
        height, part = _height(here), 1.0
        for _ in range(_HALVINGS):
            there = x - part * step
            beyond = _stopped(_flat(f(there, *args)))
            if _height(beyond) <= height:
                break
            part *= 0.5
        done = all([abs(d) <= 1e-11 * (1.0 + abs(v)) for d, v in zip(step, there, strict=True)])
        x, here = there, beyond
        if done:
            return _at_roots(f, args, x)
    raise RuntimeError(f"no root was found in {_MOST} steps of Newton's method")


def _height(values: Any) -> Any:
    return sum(v * v for v in values)
