"""`minimize`, with the gradient, the Hessian or its products, and the derivatives of constraints."""

from __future__ import annotations

import copy
import functools
import math
from typing import Any

from pygrad.core.recording import on_numbers
from pygrad.scipy.functions import (
    Function,
    Guard,
    as_numbers,
    as_traced,
    exact_jacobian,
    items,
    on_values,
    one_number,
    scipys,
    start_of,
    vector,
)
from pygrad.scipy.limits import in_pairs, of_bounds, of_constraints, plain_bounds
from pygrad.scipy.solutions import differentiable
from pygrad.transform import grad, hessian, value_and_grad, vjp

_TAKE_HESSP = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_TAKE_HESS = {"dogleg", "trust-exact"}  # and no products with it
_TAKE_SPARSE = {"newton-cg", "trust-constr"}
_TAKE_JAC = _TAKE_HESSP | _TAKE_HESS | {"cg", "bfgs", "l-bfgs-b", "tnc", "slsqp"}


def _sparse_hessian(fun: Function) -> Function:
    """``hess(x, *args)`` of a function of one number."""
    return as_traced(hessian(lambda x, *args: one_number(fun(x, *args), "fun"), sparse=True), fun)


class _SparseProducts:
    """Products of a sparse Hessian, of which there is one at each point, with vectors."""

    def __init__(self, hess: Function) -> None:
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


class _Products:
    """Products of the Hessian with vectors. At one point the gradient is recorded once for all of them."""

    def __init__(self, fun: Function) -> None:
        self._fun = fun
        self._at: bytes | None = None
        self._pull: Function = vjp

    def __call__(self, x: Any, v: Any, *args: Any) -> Any:
        at = x.tobytes()
        if at != self._at:
            _, self._pull = vjp(grad(lambda y: one_number(self._fun(y, *args), "fun")), x)
            self._at = at
        (product,) = self._pull(v)  # the Hessian is symmetric: v H is H v
        return as_numbers(product, "fun")


@on_numbers
def minimize(
    fun: Function,
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

    In a function that is differentiated x and fun depend on what fun, bounds and constraints depend on.
    There, too, RuntimeError for a solution that was not reached; ValueError where it has reached a bound
    or a constraint and is not pressed against it, or two that say the same; the derivative of it is a
    LinAlgError where the Hessian is singular.

    >>> result = minimize(lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2, [2.0, 0.0],
    ...                   constraints={"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2})
    >>> result.x.round(6).tolist()
    [1.4, 1.7]
    """
    optimize = scipys("optimize")
    x0 = start_of(x0)
    name = "custom" if callable(method) else method.lower() if isinstance(method, str) else None
    if sparse:
        _check_sparse_method(method, name)
    is_lbfgsb = name == "l-bfgs-b" or (name is None and bounds is not None and not constraints)
    # L-BFGS-B may take inf for convergence.
    exact = _Exact(fun, Guard(math.nan if is_lbfgsb else math.inf), sparse)
    result = optimize.minimize(
        x0=x0,
        args=args,
        method=method,
        bounds=plain_bounds(bounds),
        constraints=_constraints(constraints, name, optimize, sparse),
        **exact.given(name, jac, hess, hessp),
        **others,
    )
    number = exact.at(args if isinstance(args, tuple) else (args,))

    def limits(x: Any) -> list[Any]:
        return [*of_bounds(in_pairs(bounds, x.size)), *of_constraints(constraints, x)]

    if differentiable(exact.guard.report(result), fun, grad(number), limits):
        result.fun = number(result.x)
    return result


class _Exact:
    """The function to minimise, and its derivatives, as SciPy calls them: with x and the arguments."""

    def __init__(self, fun: Function, guard: Guard, sparse: bool) -> None:
        self.guard = guard
        self._fun, self._sparse = fun, sparse
        self._hessian = _sparse_hessian(fun) if sparse else self._full_hessian

    def given(self, method: str | None, jac: Any, hess: Any, hessp: Any) -> dict[str, Any]:
        """What a method gets: derivatives of the user's, and those that it takes and are missing."""
        given: dict[str, Any] = {"fun": self._fun, "jac": jac, "hess": hess, "hessp": hessp}
        if jac is None:
            takes_jac = method is None or method == "custom" or method in _TAKE_JAC
            given.update(
                {"fun": self.value_and_gradient, "jac": True} if takes_jac else {"fun": self.value}
            )
        if hess is None and hessp is None and (jac is None or callable(jac)):
            if method == "custom" or method in (_TAKE_SPARSE if self._sparse else _TAKE_HESS):
                given["hess"] = self.hessian
            elif self._sparse:
                given["hessp"] = _SparseProducts(self.hessian)
            if method == "custom" or (method in _TAKE_HESSP and not self._sparse):
                given["hessp"] = _Products(self._fun)
        return given

    def at(self, rest: tuple[Any, ...]) -> Function:
        """The function of x alone, of one number."""
        return lambda x: one_number(self._fun(x, *rest), "fun")

    def value(self, x: Any, *rest: Any) -> Any:
        return self.guard(lambda: float(as_numbers(on_values(self.at(rest), x), "fun")))

    def value_and_gradient(self, x: Any, *rest: Any) -> tuple[Any, Any]:
        import numpy as np

        gradient = np.full(np.shape(x), np.nan)

        def run() -> float:
            nonlocal gradient
            number, gradient = value_and_grad(self.at(rest))(x)
            gradient = as_numbers(gradient, "fun")
            return float(as_numbers(number, "fun"))

        return self.guard(run), gradient

    def hessian(self, x: Any, *rest: Any) -> Any:
        import numpy as np

        try:
            return self._hessian(x, *rest)
        except (ArithmeticError, ValueError):
            if not self.guard.size:
                raise
            return np.eye(len(x))  # trust-exact asks before it knows the value there, and goes back

    def _full_hessian(self, x: Any, *rest: Any) -> Any:
        return as_numbers(hessian(self.at(rest))(x), "fun")


def _constraints(constraints: Any, method: str | None, optimize: Any, sparse: bool) -> Any:
    """The constraints, with exact derivatives where none are given; the caller's objects stay unchanged."""
    if isinstance(constraints, (list, tuple)):
        return [_constraint(each, method, optimize, sparse) for each in constraints]
    return _constraint(constraints, method, optimize, sparse)


def _constraint(constraint: Any, method: str | None, optimize: Any, sparse: bool = False) -> Any:
    if isinstance(constraint, dict):
        if callable(constraint.get("fun")) and constraint.get("jac") is None:
            fun = constraint["fun"]
            return {**constraint, "fun": vector(fun), "jac": _slopes(fun, sparse)}
        return constraint
    if not isinstance(constraint, optimize.NonlinearConstraint) or constraint.jac != "2-point":
        return constraint
    fun = constraint.fun
    exact = copy.copy(constraint)
    exact.fun, exact.jac = vector(fun), _slopes(fun, sparse)
    exact.finite_diff_rel_step = exact.finite_diff_jac_sparsity = None
    if method == "trust-constr" and _is_default(constraint.hess, optimize.BFGS):
        hess = hessian(functools.partial(_weighted, fun), sparse=sparse)
        exact.hess = as_traced(hess, fun) if sparse else lambda x, v: as_numbers(hess(x, v), "fun")
    return exact


def _slopes(fun: Function, sparse: bool) -> Function:
    """The Jacobian of a constraint."""
    return exact_jacobian(fun, sparse=sparse)


def _weighted(fun: Function, x: Any, weights: Any) -> Any:
    """The sum of a vector function's items, by weights."""
    return sum(w * item for w, item in zip(weights.tolist(), items(fun(x)), strict=True))


def _is_default(strategy: Any, kind: type) -> bool:
    """Whether it is kind() but for the state of a run."""
    settings = ("exception_strategy", "min_curvature", "init_scale")
    standard = kind()
    return type(strategy) is kind and all(
        getattr(strategy, name, None) == getattr(standard, name, None) for name in settings
    )
