"""`least_squares` and `curve_fit`, with Jacobians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pygrad import math
from pygrad.core.implementation import sum
from pygrad.core.recording import as_recorded, on_numbers
from pygrad.core.structure import array_of, values_in
from pygrad.scipy.functions import (
    Function,
    Guard,
    array,
    as_numbers,
    exact_jacobian,
    items,
    plain_of,
    scipys,
    start_of,
    vector,
)
from pygrad.scipy.limits import Limit, in_columns, of_bounds, plain_bounds
from pygrad.scipy.solutions import differentiable
from pygrad.transform import grad, jacobian

# What a squared residual z counts, and up to 1 about the same: SciPy's, by the names that it gives them.
_LOSSES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (math.sqrt(1 + z) - 1),
    "huber": lambda z: z if z <= 1 else 2 * math.sqrt(z) - 1,
    "cauchy": math.log1p,
    "arctan": math.atan,
}
_LEAST = 2.0**-52  # of the weight of a residual


class _Loss:
    """What residuals count: `loss` and `f_scale` of least_squares."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name = options.get("loss", "linear")
        self.scale = options.get("f_scale", 1.0)

    def rho(self) -> Callable[[Any], Any]:
        """TypeError for a loss of the user's, of which nothing but numbers is known."""
        if not isinstance(self.name, str):
            raise TypeError(
                "the solution depends on an input of a transform around it, but its loss is a function: "
                f"give one of {', '.join(_LOSSES)}, or minimise the sum by pygrad.scipy.minimize"
            )
        return _LOSSES[self.name]

    def cost(self, residuals: list[Any]) -> Any:
        rho, square = self.rho(), self.scale * self.scale
        return 0.5 * sum([square * rho(r * r / square) for r in residuals])

    def weights(self, residuals: list[Any]) -> list[Any]:
        """What the squared slope of each residual counts in the curvature of the cost."""
        rho, square = self.rho(), self.scale * self.scale

        def weight(z: Any) -> Any:
            return math.maximum(grad(rho)(z) + 2 * z * grad(grad(rho))(z), _LEAST)

        return [weight(r * r / square) for r in residuals]


@on_numbers
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

    In a function that is differentiated x, fun and cost depend on what fun, bounds and f_scale depend on;
    see `minimize` for what can go wrong there. A loss that is a function has no derivative: TypeError.

    >>> result = least_squares(lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0])
    >>> result.x.round(6).tolist()
    [1.0, 1.0]
    """
    optimize = scipys("optimize")
    x0 = start_of(x0)
    if jac is not None:
        return optimize.least_squares(fun, x0, jac=jac, **others)
    guard = Guard()
    on_floats = vector(fun)

    def residuals(x: Any, *args: Any, **kwargs: Any) -> Any:
        return guard(lambda: on_floats(x, *args, **kwargs))

    with_zeros = exact_jacobian(fun, sparse=True) if sparse else None

    def jacobian(x: Any, *args: Any, **kwargs: Any) -> Any:
        exact = with_zeros or exact_jacobian(fun, x.size <= guard.size)
        return exact(x, *args, **kwargs)

    found = optimize.least_squares(residuals, x0, jac=jacobian, **_plain(others))
    result = guard.report(found)
    rest, named = others.get("args", ()), others.get("kwargs") or {}
    loss = _Loss(others)

    def misfits(x: Any) -> list[Any]:
        return items(fun(x, *rest, **named))

    if differentiable(result, fun, grad(lambda x: loss.cost(misfits(x))), _limits(others)):
        of_x = misfits(result.x)
        result.fun, result.cost = array_of(of_x, (len(of_x),)), loss.cost(of_x)
    return result


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as SciPy takes them, without Values."""
    plain = dict(options)
    if "bounds" in plain:
        plain["bounds"] = plain_bounds(plain["bounds"])
    if "f_scale" in plain:
        plain["f_scale"] = plain_of(plain["f_scale"], "f_scale")
    return plain


def _limits(options: dict[str, Any]) -> Callable[[Any], list[Limit]]:
    """Those of bounds among the options."""
    bounds = options.get("bounds")
    return lambda x: [] if bounds is None else of_bounds(in_columns(bounds, x.size))


@on_numbers
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

    In a function that is differentiated popt and pcov depend on what f, xdata, ydata, sigma and bounds
    depend on; the rest of what ``full_output`` adds are numbers. Data that nan_policy leaves out have no
    derivative, nor has a loss that is a function: TypeError.

    >>> import numpy as np
    >>> from pygrad import grad
    >>> times = np.array([0.0, 1.0, 2.0, 3.0])
    >>> popt, pcov = curve_fit(lambda t, a, k: a * np.exp(-k * t), times, 8 * 0.5**times)
    >>> popt.round(6).tolist()  # 8 and log(2)
    [8.0, 0.693147]
    >>> slope = grad(lambda y: curve_fit(lambda t, a: a * t, times, [y, 2.0, 4.0, 6.0 * y])[0][0])
    >>> round(slope(1.0), 9)  # of (10 + 18 * y) / 14
    1.285714286
    """
    optimize = scipys("optimize")
    if p0 is not None:
        p0 = start_of(p0, "p0")
    found = optimize.curve_fit(
        _model(f) if jac is None else f,
        plain_of(xdata, "xdata"),
        plain_of(ydata, "ydata"),
        p0=p0,
        sigma=plain_of(sigma, "sigma"),
        absolute_sigma=absolute_sigma,
        jac=_jacobian_by_parameters(f) if jac is None else jac,
        **_plain(others),
    )
    if jac is not None:
        return found
    return _Fit(f, xdata, ydata, sigma, absolute_sigma, others).of(found)


class _Fit:
    """What curve_fit has found, and what it depends on."""

    def __init__(
        self,
        f: Function,
        xdata: Any,
        ydata: Any,
        sigma: Any,
        absolute_sigma: bool,
        options: dict[str, Any],
    ) -> None:
        self.f, self.xdata, self.ydata, self.sigma = f, xdata, ydata, sigma
        self.absolute_sigma, self.options = absolute_sigma, options
        self.loss = _Loss(options)

    def of(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """The same with Values in popt and pcov, where they depend on some."""
        optimize = scipys("optimize")
        result = optimize.OptimizeResult(x=found[0], success=True)
        slopes = grad(lambda p: self.loss.cost(self.misfits(p)))
        if not differentiable(result, self.f, slopes, _limits(self.options)):
            return found
        return (result.x, self.covariance(result.x, found[1]), *found[2:])

    def misfits(self, params: Any) -> list[Any]:
        """The residuals, in units of sigma."""
        import numpy as np

        from pygrad import linalg

        x, y = _as_scipy(self.xdata), np.asarray(self.ydata, dtype=object).ravel()
        self._check_whole(x, y)
        values = items(self.f(x, *params.tolist()))
        if len(values) == 1:  # for all points
            values *= len(y)
        misfits = [value - seen for value, seen in zip(values, y.tolist(), strict=True)]
        if self.sigma is None:
            return misfits
        sigma = np.asarray(self.sigma, dtype=object)
        if sigma.ndim < 2:
            sigmas = np.broadcast_to(sigma, (len(misfits),)).tolist()
            return [r / s for r, s in zip(misfits, sigmas, strict=True)]
        rows = [list(row) for row in sigma.tolist()]
        return list(linalg.solve(linalg.cholesky(rows), misfits))

    def _check_whole(self, x: Any, y: Any) -> None:
        """TypeError where SciPy has left something out."""
        import numpy as np

        numbers = [as_numbers(part) for part in (x, y) if isinstance(part, np.ndarray)]
        if any(np.isnan(np.asarray(part, dtype=float)).any() for part in numbers):
            raise TypeError(
                "the fit depends on an input of a transform around it, but nan_policy has left out some "
                "data: leave them out before"
            )

    def covariance(self, params: Any, numbers: Any) -> Any:
        """pcov as SciPy estimates it: the inverse of the curvature of the cost, times the variance that is
        left; numbers: its own, which stay where they are not finite."""
        import numpy as np

        from pygrad import linalg

        if not np.isfinite(numbers).all():
            return numbers
        misfits = self.misfits(params)
        rows = np.asarray(jacobian(self.misfits)(params), dtype=object)
        weights = np.array(self.loss.weights(misfits), dtype=object)
        inverse = linalg.inv((rows.T * weights) @ rows)
        if self.absolute_sigma:
            return inverse
        return inverse * (2.0 * self.loss.cost(misfits) / (len(misfits) - params.size))


def _as_scipy(xdata: Any) -> Any:
    """The independent variable as SciPy passes it on, which makes arrays of lists."""
    import numpy as np

    if not isinstance(xdata, list | tuple | np.ndarray):
        return xdata
    return np.asarray(xdata, dtype=object if values_in(xdata) else float)


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
