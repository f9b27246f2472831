"""SciPy's solvers with exact derivatives: minimize, least_squares, root, curve_fit.

Each is a thin wrapper with SciPy's own name, arguments, methods and results. It adds the derivatives that
the chosen method takes and you have not given: gradient, Hessian or its products, Jacobian, those of
constraints included. The function is ordinary Python: arithmetic, NumPy's ufuncs, sums and products,
functions of `pygrad.math`, loops and branches. It is called with an object array of Values where SciPy
alone would pass floats, by every method; where you give ``jac`` yourself it is passed on as it is.

At the start, an error in the function is raised. Later a solver may try a point that the function refuses
(log of a negative number, an overflow): a ValueError or ArithmeticError there counts as a value that is not
finite, from which most methods step back, and the result's ``message`` says that it happened. Results are
plain numbers: no derivative flows through a solver.

With ``sparse=True`` minimize and least_squares get Hessians and Jacobians as sparse arrays, from few sweeps
where they have many zeros (see pygrad.hessian). They are traced anew at each point, unless the function is
compiled.

The plain transforms fit SciPy's signatures too, without this module:
``scipy.optimize.minimize(f, x0, jac=grad(f), hess=hessian(f))``.

>>> from pygrad import math
>>> from pygrad.scipy import curve_fit, minimize
>>> def rosenbrock(x):
...     return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))
>>> result = minimize(rosenbrock, [-1.2, 1.0], method="trust-exact")
>>> result.success, result.x.round(6).tolist()
(True, [1.0, 1.0])
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from typing import Any

from pygrad.core.callables import Transformable
from pygrad.core.distribution import install
from pygrad.core.implementation import Value, no_grad
from pygrad.core.recording import as_recorded, plain
from pygrad.core.structure import array_of, is_array
from pygrad.transform import grad, hessian, jacfwd, jacrev, value_and_grad, vjp

__all__ = ["curve_fit", "least_squares", "minimize", "root"]

_Function = Callable[..., Any]

_DETACHED = "no derivative flows through a solver"

_TAKE_HESSP = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_TAKE_HESS = {"dogleg", "trust-exact"}  # and no products with it
_TAKE_SPARSE = {"newton-cg", "trust-constr"}
_TAKE_JAC = _TAKE_HESSP | _TAKE_HESS | {"cg", "bfgs", "l-bfgs-b", "tnc", "slsqp"}


def _optimize() -> Any:
    try:
        from scipy import optimize  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise ImportError(f"pygrad.scipy needs SciPy: {install('scipy')}") from error
    return optimize


# -- the user's function as SciPy wants it --------------------------------------------------------


def _on_values(fun: _Function, x: Any) -> Any:
    """What a function returns for an object array of Values."""
    return as_recorded(lambda values: fun(array_of(values, x.shape)), x.ravel().tolist())


def _one_number(result: Any, name: str) -> Any:
    """The one number, or Value, that a function returned; SciPy allows it in an array of one."""
    if isinstance(result, (list, tuple)) or (is_array(result) and result.ndim):
        if len(result) != 1 or getattr(result, "size", 1) != 1:
            raise TypeError(
                f"{name} must return one number, but it returned {len(result)}; for several there are "
                "pygrad.scipy.least_squares and pygrad.scipy.root"
            )
        return _one_number(result[0], name)
    return result.item() if hasattr(result, "dtype") else result


def _array(result: Any) -> Any:
    """What a vector function returned as a float64 array."""
    import numpy as np

    return np.array(_plain(np.asarray(result, dtype=object), "fun"), dtype=np.float64)


def _items(result: Any) -> list[Any]:
    """What a vector function returned as a flat list."""
    import numpy as np

    return np.asarray(result, dtype=object).ravel().tolist()  # type: ignore[no-any-return]


class _Guard:
    """Lets errors of the first call through. Later ones, at points that a solver only tries, count as a
    value that is not finite: that is what NumPy's functions return outside their domain."""

    def __init__(self, refused: float = math.nan) -> None:
        self.count = 0
        self._refused = refused
        self._last: Exception | None = None
        self._shape: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """How many numbers the function has returned; 0 before it has."""
        return 0 if self._shape is None else math.prod(self._shape)

    def __call__(self, function: Callable[[], Any]) -> Any:
        """What function() returns, a float or an array."""
        import numpy as np

        try:
            result = function()
        except (ArithmeticError, ValueError) as error:
            if self._shape is None:
                raise
            self.count += 1
            self._last = error
            return np.full(self._shape, self._refused) if self._shape else self._refused
        self._shape = np.shape(result)
        return result

    def report(self, result: Any, advice: str = "") -> Any:
        """The solver's result; its message tells of errors, if there were any."""
        if self.count:
            times = "once" if self.count == 1 else f"{self.count} times"
            result.message = (
                f"{result.message} (The function raised an error {times}, which counted as "
                f"{self._refused}; the last was {type(self._last).__name__}: {self._last}{advice})"
            )
        return result


def _check_start(x0: Any, name: str = "x0") -> None:
    import numpy as np

    if any(isinstance(item, Value) for item in np.asarray(x0, dtype=object).ravel()):
        raise TypeError(f"{name} holds Values; give numbers, v.data: {_DETACHED}")


def _plain(derivative: Any, name: str) -> Any:
    """Numbers of what is a Value where the function has used Values besides x."""
    return plain(derivative, name, _DETACHED)


# -- sparse derivatives ---------------------------------------------------------------------------


def _as_traced(derivative: _Function, of: _Function) -> _Function:
    """A sparse derivative: compiled if the user's function is, and else traced at each call."""
    return of.transformed(derivative) if isinstance(of, Transformable) else no_grad()(derivative)


def _sparse_hessian(fun: _Function) -> _Function:
    """``hess(x, *args)`` of a function of one number."""
    return _as_traced(hessian(lambda x, *args: _one_number(fun(x, *args), "fun"), sparse=True), fun)


class _SparseProducts:
    """Products of a sparse Hessian, of which there is one at each point, with vectors."""

    def __init__(self, hess: _Function) -> None:
        self._hess = hess
        self._at: bytes | None = None
        self._matrix: Any = None

    def __call__(self, x: Any, v: Any, *args: Any) -> Any:
        at = x.tobytes()
        if at != self._at:
            self._matrix, self._at = self._hess(x, *args), at
        return self._matrix @ v


def _check_sparse_method(method: Any, name: str | None) -> None:
    if name is None or name not in _TAKE_HESSP | {"custom"}:
        raise ValueError(
            f"sparse=True is for methods that use a Hessian but not as a full array: Newton-CG, trust-ncg, "
            f"trust-krylov, trust-constr or a function of yours, not {method!r}"
        )


# -- minimize -------------------------------------------------------------------------------------


class _Products:
    """Products of the Hessian with vectors. At one point the gradient is recorded once for all of them."""

    def __init__(self, fun: _Function) -> None:
        self._fun = fun
        self._at: bytes | None = None
        self._pull: _Function = vjp

    def __call__(self, x: Any, v: Any, *args: Any) -> Any:
        at = x.tobytes()
        if at != self._at:
            _, self._pull = vjp(grad(lambda y: _one_number(self._fun(y, *args), "fun")), x)
            self._at = at
        (product,) = self._pull(v)  # the Hessian is symmetric: v H is H v
        return _plain(product, "fun")


def minimize(
    fun: _Function,
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    sparse: bool = False,
    **others: Any,
) -> Any:
    """`scipy.optimize.minimize` with the exact gradient, Hessian and constraint Jacobians.

    The gradient comes with the value from one run of ``fun``, for every method that takes one; all do
    but Nelder-Mead, Powell, COBYLA and COBYQA. Newton-CG, trust-ncg, trust-krylov and trust-constr get
    products of the Hessian with vectors, which never cost more than the Hessian itself; dogleg and
    trust-exact get the Hessian; a method that is a function of yours gets both.

    Args:
        fun: ``fun(x, *args)`` returns the number to minimise.
        x0: where to start, n numbers.
        jac, hess, hessp: yours win. With ``jac`` given, ``fun`` is passed on as it is.
        constraints: as SciPy takes them. A dict without ``"jac"``, or a NonlinearConstraint whose
            ``jac`` is the default "2-point", gets an exact Jacobian; the latter for trust-constr also a
            Hessian, if its own is the default BFGS().
        sparse: give Newton-CG, trust-constr and a function of yours the Hessian as a SciPy sparse array,
            and derivatives of constraints likewise; trust-ncg and trust-krylov get its products with
            vectors. Compile ``fun`` to have it traced once, and not at every point.
        others: bounds, tol, callback, options, as SciPy takes them.

    Returns:
        SciPy's OptimizeResult.

    Raises:
        TypeError: fun returns more than one number; x0 holds Values.
        ValueError: sparse, and the method takes no sparse Hessian.
        ImportError: SciPy is missing.

    >>> result = minimize(lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2, [2.0, 0.0],
    ...                   constraints={"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2})
    >>> result.x.round(6).tolist()
    [1.4, 1.7]
    """
    optimize = _optimize()
    import numpy as np

    _check_start(x0)
    name = "custom" if callable(method) else method.lower() if isinstance(method, str) else None
    if sparse:
        _check_sparse_method(method, name)
    is_lbfgsb = name == "l-bfgs-b" or (name is None and bounds is not None and not constraints)
    guard = _Guard(math.nan if is_lbfgsb else math.inf)  # L-BFGS-B may take inf for convergence

    def at_point(rest: tuple[Any, ...]) -> _Function:
        return lambda y: _one_number(fun(y, *rest), "fun")

    def value(x: Any, *rest: Any) -> Any:
        return guard(lambda: float(_plain(_on_values(at_point(rest), x), "fun")))

    def both(x: Any, *rest: Any) -> tuple[Any, Any]:
        gradient = np.full(np.shape(x), np.nan)

        def run() -> float:
            nonlocal gradient
            number, gradient = value_and_grad(at_point(rest))(x)
            gradient = _plain(gradient, "fun")
            return float(_plain(number, "fun"))

        return guard(run), gradient

    def full_hess(x: Any, *rest: Any) -> Any:
        return _plain(hessian(at_point(rest))(x), "fun")

    hess_of_fun = _sparse_hessian(fun) if sparse else full_hess

    def exact_hess(x: Any, *rest: Any) -> Any:
        try:
            return hess_of_fun(x, *rest)
        except (ArithmeticError, ValueError):
            if not guard.size:
                raise
            return np.eye(len(x))  # trust-exact asks before it knows the value there, and goes back

    given: dict[str, Any] = {"jac": jac, "hess": hess, "hessp": hessp}
    objective = fun
    if jac is None:
        if name is None or name == "custom" or name in _TAKE_JAC:
            objective, given["jac"] = both, True
        else:
            objective = value
    if hess is None and hessp is None and (jac is None or callable(jac)):
        if name == "custom" or name in (_TAKE_SPARSE if sparse else _TAKE_HESS):
            given["hess"] = exact_hess
        elif sparse:
            given["hessp"] = _SparseProducts(exact_hess)
        if name == "custom" or (name in _TAKE_HESSP and not sparse):
            given["hessp"] = _Products(fun)
    result = optimize.minimize(
        objective,
        x0,
        args=args,
        method=method,
        bounds=bounds,
        constraints=_constraints(constraints, name, optimize, sparse),
        **given,
        **others,
    )
    return guard.report(result)


def _constraints(constraints: Any, method: str | None, optimize: Any, sparse: bool) -> Any:
    """The constraints, with exact derivatives where none are given; the caller's objects stay unchanged."""
    if isinstance(constraints, (list, tuple)):
        return [_constraint(each, method, optimize, sparse) for each in constraints]
    return _constraint(constraints, method, optimize, sparse)


def _constraint(constraint: Any, method: str | None, optimize: Any, sparse: bool = False) -> Any:
    if isinstance(constraint, dict):
        if callable(constraint.get("fun")) and constraint.get("jac") is None:
            fun = constraint["fun"]
            return {**constraint, "fun": _vector(fun), "jac": _jacobian(fun, sparse=sparse)}
        return constraint
    if not isinstance(constraint, optimize.NonlinearConstraint) or constraint.jac != "2-point":
        return constraint
    fun = constraint.fun
    exact = copy.copy(constraint)
    exact.fun, exact.jac = _vector(fun), _jacobian(fun, sparse=sparse)
    exact.finite_diff_rel_step = exact.finite_diff_jac_sparsity = None
    if method == "trust-constr" and _is_default(constraint.hess, optimize.BFGS):
        hess = hessian(functools.partial(_weighted, fun), sparse=sparse)
        exact.hess = _as_traced(hess, fun) if sparse else lambda x, v: _plain(hess(x, v), "fun")
    return exact


def _weighted(fun: _Function, x: Any, weights: Any) -> Any:
    """The sum of a vector function's items, by weights."""
    return sum(w * item for w, item in zip(weights.tolist(), _items(fun(x)), strict=True))


def _is_default(strategy: Any, kind: type) -> bool:
    """Whether it is kind() but for the state of a run."""
    settings = ("exception_strategy", "min_curvature", "init_scale")
    standard = kind()
    return type(strategy) is kind and all(
        getattr(strategy, name, None) == getattr(standard, name, None) for name in settings
    )


def _vector(fun: _Function) -> _Function:
    """A vector function on floats."""

    @functools.wraps(fun)
    def evaluate(x: Any, *args: Any, **kwargs: Any) -> Any:
        return _array(_on_values(lambda values: fun(values, *args, **kwargs), x))

    return evaluate


def _jacobian(fun: _Function, forward: bool = False, sparse: bool = False) -> _Function:
    """Its Jacobian, an (m, n) array."""
    if sparse:
        derivative = jacrev(lambda x, *args, **kwargs: _items(fun(x, *args, **kwargs)), sparse=True)
        return _as_traced(derivative, fun)

    def evaluate(x: Any, *args: Any, **kwargs: Any) -> Any:
        transform = jacfwd if forward else jacrev
        return _plain(transform(lambda y: _items(fun(y, *args, **kwargs)))(x), "fun")

    return evaluate


# -- equations and fits ---------------------------------------------------------------------------


def least_squares(
    fun: _Function, x0: Any, jac: Any = None, *, sparse: bool = False, **others: Any
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
    optimize = _optimize()
    _check_start(x0)
    if jac is not None:
        return optimize.least_squares(fun, x0, jac=jac, **others)
    guard = _Guard()
    on_floats = _vector(fun)

    def residuals(x: Any, *args: Any, **kwargs: Any) -> Any:
        return guard(lambda: on_floats(x, *args, **kwargs))

    with_zeros = _jacobian(fun, sparse=True) if sparse else None

    def jacobian(x: Any, *args: Any, **kwargs: Any) -> Any:
        exact = with_zeros or _jacobian(fun, forward=x.size <= guard.size)
        return exact(x, *args, **kwargs)

    return guard.report(optimize.least_squares(residuals, x0, jac=jacobian, **others))


def root(
    fun: _Function, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, **others: Any
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
    optimize = _optimize()
    _check_start(x0)
    if jac is not None:
        return optimize.root(fun, x0, args=args, method=method, jac=jac, **others)
    guard = _Guard()
    on_floats = _vector(fun)
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
        jac=_jacobian(fun) if method.lower() in {"hybr", "lm"} else None,
        **others,
    )
    advise = is_hybr and not result.success
    return guard.report(result, "; method='lm' steps back from such points" if advise else "")


def curve_fit(
    f: _Function,
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
    optimize = _optimize()
    if p0 is not None:
        _check_start(p0, "p0")
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


def _model(f: _Function) -> _Function:
    """A model of curve_fit on floats."""
    guard = _Guard()

    @functools.wraps(f)  # SciPy counts the parameters of f
    def evaluate(x: Any, *params: Any) -> Any:
        return guard(lambda: _array(as_recorded(lambda values: f(x, *values), params)))

    return evaluate


def _jacobian_by_parameters(f: _Function) -> _Function:
    """Its Jacobian, a row for each point."""
    import numpy as np

    def evaluate(x: Any, *params: Any) -> Any:
        by_params = _jacobian(lambda values: f(x, *values), forward=True)
        rows = by_params(np.array(params, dtype=np.float64))
        # A model may be one number for all points.
        return np.repeat(rows, np.shape(x)[-1], axis=0) if len(rows) == 1 and np.ndim(x) else rows

    return evaluate
