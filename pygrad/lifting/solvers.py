"""SciPy's root finders as lifted code has them: of a function of Values a root is differentiated as one.

A solver looks for it with plain numbers, as it does elsewhere. What the root depends on says the function,
which is 0 there: see pygrad.rules.implied. In a trace, where numbers are not to be had, the solver is
Python code, whose comparisons make paths.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import signature
from typing import Any

from pygrad.core.implementation import Value, trace_active
from pygrad.lifting.values import holds_values
from pygrad.math import stop_gradient
from pygrad.rules.implied import implied

_BRACKETING = ("brentq", "brenth", "bisect", "ridder", "toms748")


def of_optimize(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.optimize."""
    return {
        **{name: _bracketing(getattr(original, name)) for name in _BRACKETING},
        "newton": _newton(original.newton),
    }


def _bracketing(original: Any) -> Any:
    @functools.wraps(original)
    def solve(f: Any, a: Any, b: Any, *rest: Any, **named: Any) -> Any:
        args = as_tuple(named.get("args", rest[0] if rest else ()))
        if trace_active():
            options = dict(zip(("args", "xtol", "rtol", "maxiter"), rest, strict=False), **named)
            options.pop("args", None)
            return traced(brent, f, args, (a, b), options)
        plain = Plain(f)
        found = original(plain, number(a), number(b), *rest, **named)
        return _result(found, f, args, plain.met or holds_values(args))

    return solve


def _newton(original: Any) -> Any:
    @functools.wraps(original)
    def newton(
        func: Any, x0: Any, fprime: Any = None, args: Any = (), *rest: Any, **named: Any
    ) -> Any:
        args, plain = as_tuple(args), Plain(func)
        if trace_active():
            options = dict(zip(("tol", "maxiter"), rest, strict=False), **named)
            options.pop("fprime2", None)
            slope = fprime and _stopped(fprime, args)
            return traced(secant, func, args, (x0, slope), options)
        if isinstance(x0, list | tuple) or getattr(x0, "ndim", 0) > 0:  # several at once
            return original(func, x0, fprime, args, *rest, **named)
        slope = fprime and Plain(fprime)
        for name in ("x1", "fprime2"):
            if named.get(name) is not None:
                named[name] = Plain(named[name]) if callable(named[name]) else number(named[name])
        found = original(plain, number(x0), slope, args, *rest, **named)
        return _result(found, func, args, plain.met or holds_values(args))

    return newton


def as_tuple(args: Any) -> tuple[Any, ...]:
    """What SciPy takes for the further arguments of a function: one of them needs no tuple."""
    return args if isinstance(args, tuple) else (args,)


class Plain:
    """A function that gives plain numbers, for a solver; met: whether there were Values."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.met = f, False

    def __call__(self, x: Any, *args: Any) -> Any:
        result = self.f(x, *args)
        if not isinstance(result, Value):
            return result
        self.met = True
        return result.data


def number(x: Any) -> Any:
    """Of a Value its number."""
    return x.data if isinstance(x, Value) else x


def _result(found: Any, f: Any, args: tuple[Any, ...], met: bool) -> Any:
    """What a solver has found; where there were Values, a root that depends on them."""
    if not met:
        return found
    if isinstance(found, tuple):  # with a report
        root = at_root(f, args, found[0])
        found[1].root = root
        return (root, *found[1:])
    return at_root(f, args, found)


def traced(solve: Any, f: Any, args: tuple[Any, ...], start: tuple[Any, ...], options: Any) -> Any:
    """The root that a solver of this file finds in a trace, with a report where one is asked for."""
    full, disp = options.pop("full_output", False), options.pop("disp", True)
    calls: list[Any] = []

    def counted(x: Any) -> Any:
        calls.append(x)
        return stop_gradient(f(x, *args))

    try:
        root = at_root(f, args, solve(counted, *start, **options))
    except RuntimeError:
        if disp or not full:
            raise
        return calls[-1], report(calls[-1], calls, 1)
    return (root, report(root, calls, 0)) if full else root


def report(root: Any, calls: list[Any], flag: int) -> Any:
    """What SciPy says of a root."""
    from scipy.optimize import RootResults

    named = {"method": "secant"} if "method" in signature(RootResults).parameters else {}
    return RootResults(root, len(calls), len(calls), flag, **named)


def _stopped(f: Any, args: tuple[Any, ...]) -> Callable[[Any], Any]:
    return lambda x: stop_gradient(f(x, *args))


def at_root(f: Any, args: tuple[Any, ...], root: Any) -> Any:
    """A root that depends on what f does."""
    return implied(lambda ys: [f(ys[0], *args)], [root], f, always=True)[0]


# -- in a trace ----------------------------------------------------------------------------------


def brent(
    f: Any,
    a: Any,
    b: Any,
    xtol: float = 2e-12,
    rtol: float = 8.881784197001252e-16,
    maxiter: int = 100,
) -> Any:
    """Brent's method."""
    before, here = stop_gradient(a * 1.0), stop_gradient(b * 1.0)
    f_before, f_here = f(before), f(here)
    if f_before == 0:
        return before
    if f_here == 0:
        return here
    if (f_before < 0) == (f_here < 0):
        raise ValueError("f(a) and f(b) must have different signs")
    other, f_other, step, last = before, f_before, 0.0, 0.0
    for _ in range(maxiter):
        if (f_before < 0) != (f_here < 0):
            other, f_other = before, f_before
            step = last = here - before
        if abs(f_other) < abs(f_here):
            before, here, other = here, other, here
            f_before, f_here, f_other = f_here, f_other, f_here
        delta = (xtol + rtol * abs(here)) / 2
        half = (other - here) / 2
        if f_here == 0 or abs(half) < delta:
            return here
        if abs(last) > delta and abs(f_here) < abs(f_before):
            if before is other:
                try_ = -f_here * (here - before) / (f_here - f_before)
            else:
                d_before = (f_before - f_here) / (before - here)
                d_other = (f_other - f_here) / (other - here)
                try_ = (
                    -f_here
                    * (f_other * d_other - f_before * d_before)
                    / (d_other * d_before * (f_other - f_before))
                )
            if 2 * abs(try_) < abs(last) and 2 * abs(try_) < 3 * abs(half) - delta:
                last, step = step, try_
            else:
                last = step = half
        else:
            last = step = half
        before, f_before = here, f_here
        here = here + (step if abs(step) > delta else delta if half > 0 else -delta)
        f_here = f(here)
    raise RuntimeError(f"Failed to converge after {maxiter} iterations.")


def secant(
    f: Any,
    x0: Any,
    slope: Any = None,
    tol: float = 1.48e-8,
    maxiter: int = 50,
    rtol: float = 0.0,
    x1: Any = None,
) -> Any:
    """The secant method, or Newton's."""
    before = stop_gradient(x0 * 1.0)
    if slope:
        for _ in range(maxiter):
            here = before - f(before) / slope(before)
            if abs(here - before) <= tol + rtol * abs(before):
                return here
            before = here
        raise RuntimeError(f"Failed to converge after {maxiter} iterations, value is unknown.")
    here = before * (1 + 1e-4) + (1e-4 if before >= 0 else -1e-4) if x1 is None else x1 * 1.0
    f_before, f_here = f(before), f(here)
    if abs(f_here) < abs(f_before):
        before, here, f_before, f_here = here, before, f_here, f_before
    for _ in range(maxiter):
        if f_here == f_before:
            return (before + here) / 2.0
        if abs(f_here) > abs(f_before):
            ratio = f_before / f_here
            found = (-ratio * here + before) / (1.0 - ratio)
        else:
            ratio = f_here / f_before
            found = (-ratio * before + here) / (1.0 - ratio)
        if abs(found - here) <= tol + rtol * abs(here):
            return found
        before, f_before = here, f_here
        here, f_here = found, f(found)
    raise RuntimeError(f"Failed to converge after {maxiter} iterations, value is unknown.")
