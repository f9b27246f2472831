"""`least_squares`, `root`, `brentq` and `curve_fit`, with Jacobians."""

from __future__ import annotations

import functools
from typing import Any

from pygrad.core.implementation import sum
from pygrad.core.recording import as_recorded
from pygrad.core.structure import array_of
from pygrad.rules.implied import implied, numbers_of
from pygrad.scipy.functions import (
    Function,
    Guard,
    array,
    as_numbers,
    differentiable,
    exact_jacobian,
    items,
    one_number,
    scipys,
    start_of,
    vector,
)
from pygrad.transform import grad


def least_squares(
    fun: Function, x0: Any, jac: Any = None, *, sparse: bool = False, **others: Any
) -> Any:
    """`scipy.optimize.least_squares` with the exact Jacobian, for all of its methods.

    Args:
        fun: ``fun(x, *args, **kwargs)`` returns the residuals.
        x0: where to start.
        jac: yours wins, SciPy's "2-point", "3-point" and "cs" too; ``fun`` is then passed on as it is.
        sparse: give trf (the default) and dogbox the Jacobian as a SciPy sparse array; they then solve by
            lsmr. Compile ``fun`` to have it traced once, and not at every point.
        others: bounds, method, ftol, xtol, gtol, x_scale, loss, f_scale, max_nfev, args ..., as SciPy
            takes them.

    Returns:
        SciPy's OptimizeResult.

    Raises:
        TypeError: x0 holds Values.
        ImportError: SciPy is missing.

    >>> result = least_squares(lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0])
    >>> result.x.round(6).tolist()
    [1.0, 1.0]
    """
    optimize = scipys("optimize")
    x0 = start_of(x0)
    if jac is not None:
        return optimize.least_squares(fun, x0, jac=jac, **others)
    guard = Guard()
    on_floats = vector(fun, as_numbers)

    def residuals(x: Any, *args: Any, **kwargs: Any) -> Any:
        return guard(lambda: on_floats(x, *args, **kwargs))

    with_zeros = exact_jacobian(fun, sparse=True) if sparse else None

    def jacobian(x: Any, *args: Any, **kwargs: Any) -> Any:
        exact = with_zeros or exact_jacobian(fun, x.size <= guard.size, read=as_numbers)
        return exact(x, *args, **kwargs)

    result = guard.report(optimize.least_squares(residuals, x0, jac=jacobian, **others))
    rest, named = others.get("args", ()), others.get("kwargs") or {}

    def misfits(x: Any) -> list[Any]:
        return items(fun(x, *rest, **named))

    def cost(of: list[Any]) -> Any:
        return 0.5 * sum([r * r for r in of])

    changed = [name for name in ("bounds", "loss") if name in others]
    refused = f"it has {changed[0]}" if changed else ""
    if differentiable(result, fun, grad(lambda x: cost(misfits(x))), refused):
        found = misfits(result.x)
        result.fun, result.cost = array_of(found, (len(found),)), cost(found)
    return result


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
    on_floats = vector(fun, as_numbers)
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
        jac=exact_jacobian(fun, read=as_numbers) if method.lower() in {"hybr", "lm"} else None,
        **others,
    )
    advise = is_hybr and not result.success
    guard.report(result, "; method='lm' steps back from such points" if advise else "")
    rest = args if isinstance(args, tuple) else (args,)
    if differentiable(result, fun, lambda x: fun(x, *rest)):
        result.fun = array_of(items(fun(result.x, *rest)), result.x.shape)
    return result


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


def curve_fit(
    f: Function,
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    *,
    jac: Any = None,
    **others: Any,
) -> Any:
    """`scipy.optimize.curve_fit` with the exact Jacobian by the parameters, in forward mode.

    The covariance that SciPy estimates rests on the same Jacobian, so it is exact to first order as
    well.

    Args:
        f: the model ``f(xdata, *params)``: an array, or a list, of as many numbers as ydata has. Its
            parameters arrive as Values, xdata as SciPy passes it.
        p0: the first guess; without it all ones, as many as f has parameters.
        jac: yours wins, SciPy's "2-point", "3-point" and "cs" too; ``f`` is then passed on as it is.
        others: check_finite, bounds, method, full_output, nan_policy ..., as SciPy takes them.

    Returns:
        ``(popt, pcov)``, and the rest with ``full_output=True``, as SciPy.

    Raises:
        TypeError: p0 holds Values.
        RuntimeError: no fit was found.
        ImportError: SciPy is missing.

    >>> import numpy as np
    >>> times = np.array([0.0, 1.0, 2.0, 3.0])
    >>> popt, pcov = curve_fit(lambda t, a, k: a * np.exp(-k * t), times, 8 * 0.5**times)
    >>> popt.round(6).tolist()  # 8 and log(2)
    [8.0, 0.693147]
    """
    optimize = scipys("optimize")
    if p0 is not None:
        p0 = start_of(p0, "p0")
    return optimize.curve_fit(
        _model(f) if jac is None else f,
        xdata,
        ydata,
        p0=p0,
        sigma=sigma,
        absolute_sigma=absolute_sigma,
        jac=_jacobian_by_parameters(f) if jac is None else jac,
        **others,
    )


def _model(f: Function) -> Function:
    """A model of curve_fit on floats."""
    guard = Guard()

    @functools.wraps(f)  # SciPy counts the parameters of f
    def evaluate(x: Any, *params: Any) -> Any:
        return guard(lambda: array(as_recorded(lambda values: f(x, *values), params)))

    return evaluate


def _jacobian_by_parameters(f: Function) -> Function:
    """Its Jacobian, a row for each point."""
    import numpy as np

    def evaluate(x: Any, *params: Any) -> Any:
        by_params = exact_jacobian(lambda values: f(x, *values), forward=True)
        rows = by_params(np.array(params, dtype=np.float64))
        # A model may be one number for all points.
        return np.repeat(rows, np.shape(x)[-1], axis=0) if len(rows) == 1 and np.ndim(x) else rows

    return evaluate
