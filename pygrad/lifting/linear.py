"""numpy.linalg as lifted code sees it: small systems of Values, by elimination."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad.lifting.values import holds_values


def lifted_linalg() -> ModuleType:
    """A module as numpy.linalg, with functions that take Values in the place of some."""
    from numpy import linalg

    lifted = ModuleType(linalg.__name__, linalg.__doc__)
    vars(lifted).update({k: v for k, v in vars(linalg).items() if not k.startswith("__")})
    for function in (solve, inv, det):
        setattr(
            lifted, function.__name__, _for_values(function, getattr(linalg, function.__name__))
        )
    return lifted


def _for_values(function: Callable[..., Any], standard: Callable[..., Any]) -> Callable[..., Any]:
    def choose(*args: Any) -> Any:
        return function(*args) if any(map(holds_values, args)) else standard(*args)

    choose.__name__, choose.__doc__ = function.__name__, standard.__doc__
    return choose


def solve(a: Any, b: Any) -> Any:
    """x of a @ x == b, for a square matrix."""
    import numpy as np

    right = np.array(b, dtype=object)
    _, solved = _eliminated(a, right.reshape(len(right), -1))
    return solved.reshape(right.shape)


def inv(a: Any) -> Any:
    """The inverse of a square matrix."""
    import numpy as np

    return _eliminated(a, np.eye(len(a)).astype(object))[1]


def det(a: Any) -> Any:
    """The determinant of a square matrix."""
    import numpy as np

    try:
        return _eliminated(a, np.empty((len(a), 0), object))[0]
    except np.linalg.LinAlgError as error:
        if not error.args or error.args[0] != "Singular matrix":
            raise
        raise np.linalg.LinAlgError(
            "the determinant of a singular matrix has no derivative by elimination"
        ) from None


def _eliminated(a: Any, right: Any) -> tuple[Any, Any]:
    """The determinant of a, and x of a @ x == right, which is changed; the largest is the pivot."""
    import numpy as np

    left: Any = np.array(a, dtype=object)
    if left.ndim != 2 or left.shape[0] != left.shape[1]:
        raise np.linalg.LinAlgError("a matrix of Values must be square, and a single one")
    n, product = len(left), 1.0
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(left[i, k]))
        if left[pivot, k] == 0.0:
            raise np.linalg.LinAlgError("Singular matrix")
        if pivot != k:
            for rows in (left, right):
                rows[[k, pivot]] = rows[[pivot, k]]
            product = -product
        product = left[k, k] * product
        for i in range(k + 1, n):
            factor = left[i, k] / left[k, k]
            left[i, k + 1 :] -= factor * left[k, k + 1 :]
            right[i] -= factor * right[k]
    for k in reversed(range(n)):
        for i in range(k + 1, n):
            right[k] -= left[k, i] * right[i]
        right[k] /= left[k, k]
    return product, right
