"""`root` and `brentq`: one equation with its slope, several with their Jacobian."""

from __future__ import annotations

from typing import Any

from pygrad.core.recording import on_numbers
from pygrad.core.structure import array_of
from pygrad.rules.implied import implied, numbers_of
from pygrad.scipy.functions import (
    Function,
    Guard,
    as_numbers,
    exact_jacobian,
    items,
    one_number,
    scipys,
    start_of,
    vector,
)
from pygrad.scipy.solutions import differentiable


@on_numbers
def root(
    fun: Function, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, **others: Any
) -> Any:
    """`scipy.optimize.root` with the exact Jacobian, for the methods that take one: hybr and lm.

    Args:
        fun: ``fun(x, *args)`` returns as many numbers as x has.
        x0: where to start.
        jac: yours wins; ``fun`` is then passed on as it is.
        others: tol, callback, options, as SciPy takes them.

    Returns:
        SciPy's OptimizeResult.

    Raises:
        TypeError: x0 holds Values; for hybr, fun returns more or fewer numbers than x has.
        ImportError: SciPy is missing.

    >>> from pygrad import math
    >>> result = root(lambda x: [x[0] + 2 * math.cos(x[0])], [0.3])
    >>> result.x.round(6).tolist()
    [-1.029867]
    """
    optimize = scipys("optimize")
    x0 = start_of(x0)
    if jac is not None:
        return optimize.root(fun, x0, args=args, method=method, jac=jac, **others)
    guard = Guard()
    on_floats = vector(fun)
    is_hybr = method.lower() == "hybr"

    def equations(x: Any, *rest: Any) -> Any:
        values = guard(lambda: on_floats(x, *rest))
        if is_hybr and values.size != x.size:
            raise TypeError(
                f"root needs as many equations as unknowns, got {values.size} and {x.size}; "
                "least_squares takes any number"
            )
        return values

    result = optimize.root(
        equations,
        x0,
        args=args,
        method=method,
        jac=exact_jacobian(fun) if method.lower() in {"hybr", "lm"} else None,
        **others,
    )
    advise = is_hybr and not result.success
    guard.report(result, "; method='lm' steps back from such points" if advise else "")
    rest = args if isinstance(args, tuple) else (args,)
    if differentiable(result, fun, lambda x: fun(x, *rest)):
        result.fun = array_of(items(fun(result.x, *rest)), result.x.shape)
    return result


@on_numbers
def brentq(f: Function, a: Any, b: Any, args: Any = (), **others: Any) -> Any:
    """`scipy.optimize.brentq`: a root of f between a and b, at which f has different signs.

    Args:
        f: ``f(x, *args)`` returns a number.
        others: xtol, rtol, maxiter, full_output, disp, as SciPy takes them.

    Returns:
        The root; with ``full_output=True`` also SciPy's RootResults.

    Raises:
        ValueError: f has the same sign at a and b. RuntimeError: maxiter steps were not enough.
        ImportError: SciPy is missing.

    >>> from pygrad import grad, math
    >>> kepler = lambda e: brentq(lambda x: x - e * math.sin(x) - 1.0, 0.0, 3.0)
    >>> round(kepler(0.1), 9), round(grad(kepler)(0.1), 9)
    (1.088597752, 0.929060686)
    """
    optimize = scipys("optimize")
    rest = args if isinstance(args, tuple) else (args,)

    def on_floats(x: float) -> float:
        return float(as_numbers(one_number(f(x, *rest), "f"), "f"))

    root, report = optimize.brentq(
        on_floats, *numbers_of([a, b]), **{**others, "full_output": True}
    )
    (root,) = implied(lambda ys: [one_number(f(ys[0], *rest), "f")], [root], f)
    report.root = root
    return (root, report) if others.get("full_output") else root
