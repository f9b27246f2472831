"""Linear algebra under NumPy's names, of Values: systems of equations, inverses, determinants, norms.

Arguments are arrays, or nested lists, of Values and numbers; with plain numbers alone each function
gives what NumPy's of its name gives. Within a function that is differentiated, compiled or mapped,
``numpy.linalg`` itself does the same with arrays of Values.

A matrix of n rows takes some n * n nodes, and derivatives are exact to any order. In compiled functions
and maps one program serves all rows, whatever their pivots; it takes some n**3 operations, which is
meant for n up to some 30.

>>> import numpy as np
>>> from pygrad import grad, linalg
>>> def energy(stiffness):
...     load = np.array([1.0, 2.0])
...     return load @ linalg.solve(stiffness, load)
>>> grad(energy)(np.array([[4.0, 1.0], [1.0, 3.0]])).round(6)
array([[-0.008264, -0.057851],
       [-0.057851, -0.404959]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from pygrad.arrays.algebra import FUNCTIONS, Slogdet
from pygrad.arrays.engines import has_values
from pygrad.arrays.overrides import called

__all__ = [
    "LinAlgError",
    "cholesky",
    "det",
    "inv",
    "lstsq",
    "matrix_power",
    "norm",
    "pinv",
    "slogdet",
    "solve",
]


def _either(name: str, *args: Any, **named: Any) -> Any:
    """The function of Values where there are some, and NumPy's where there are none."""
    standard: Callable[..., Any] = getattr(np.linalg, name)
    if any(map(has_values, args)):
        assert name in FUNCTIONS
        return called(standard, args, named)
    return standard(*args, **named)


def solve(a: Any, b: Any) -> Any:
    """x of ``a @ x == b``.

    Args:
        a: a square matrix, (n, n), or a stack of such, (..., n, n).
        b: right sides: (n,), or (..., n, k) for k of them.

    Returns:
        x in the shape of b.

    Raises:
        numpy.linalg.LinAlgError: a is singular, or not square.
        ValueError: a and b do not fit.

    >>> import numpy as np
    >>> from pygrad import jacobian, linalg
    >>> a = np.array([[2.0, 1.0], [1.0, 4.0]])
    >>> jacobian(lambda b: linalg.solve(a, b))(np.array([1.0, 2.0])).round(6)  # the inverse of a
    array([[ 0.571429, -0.142857],
           [-0.142857,  0.285714]])
    """
    return _either("solve", a, b)


def inv(a: Any) -> Any:
    """The inverse of a square matrix, (n, n) or (..., n, n). Where a system is to be solved, `solve`
    does it in a third of the time.

    Raises:
        numpy.linalg.LinAlgError: a is singular, or not square.

    >>> from pygrad import grad, linalg
    >>> grad(lambda x: linalg.inv([[x, 1.0], [0.0, 2.0]])[0, 0])(4.0)
    -0.0625
    """
    return _either("inv", a)


def det(a: Any) -> Any:
    """The determinant of a square matrix, (n, n) or (..., n, n).

    A singular matrix of up to 12 rows has the determinant 0 with its true derivatives.

    Raises:
        numpy.linalg.LinAlgError: a is not square, or singular and larger than that.

    >>> import numpy as np
    >>> from pygrad import grad, linalg
    >>> grad(linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return _either("det", a)


def slogdet(a: Any) -> Any:
    """The sign of the determinant of (n, n) or (..., n, n), and the logarithm of its absolute value,
    which does not overflow.

    Returns:
        A named tuple of ``sign``, whose derivative is 0, and ``logabsdet``.

    Raises:
        numpy.linalg.LinAlgError: a is singular, where the logarithm has no derivative, or not square.

    >>> import numpy as np
    >>> from pygrad import grad, linalg
    >>> a = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> grad(lambda a: linalg.slogdet(a).logabsdet)(a)  # the inverse of a, transposed
    array([[ 0.6, -0.2],
           [-0.2,  0.4]])
    """
    return Slogdet(*_either("slogdet", a))


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The lower triangle L of a symmetric, positive definite matrix ``a == L @ L.T``, (n, n) or (..., n,
    n).

    Of a the lower triangle is read, and derivatives go there. With ``upper=True`` it is the other one:
    ``a == U.T @ U``.

    Raises:
        numpy.linalg.LinAlgError: a is not positive definite, or not square.

    >>> from pygrad import grad, linalg
    >>> grad(lambda v: linalg.cholesky([[v, 0.0], [1.0, 2.0]])[1, 1])(4.0).__round__(6)
    0.023623
    """
    return _either("cholesky", a, **({"upper": True} if upper else {}))


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The x that makes the sum of the squares of ``a @ x - b`` least; the shortest one if there are
    several.

    Args:
        a: a matrix of full rank, (m, n).
        b: right sides, (m,) or (m, k).
        rcond: below which share of the largest a column's rest counts as 0; None takes the precision of
            floats times the larger of m and n.

    Returns:
        x, of shape (n,) or (n, k); the sums of the squares that remain, (k,), empty unless m > n; the
        rank; and None in the place of the singular values, which have no derivatives here.

    Raises:
        numpy.linalg.LinAlgError: a has not full rank, or shapes do not fit.

    >>> import numpy as np
    >>> from pygrad import jacobian, linalg
    >>> line = np.vander([0.0, 1.0, 2.0], 2)
    >>> jacobian(lambda y: linalg.lstsq(line, y)[0])(np.array([1.0, 2.0, 4.0])).round(6)
    array([[-0.5     ,  0.      ,  0.5     ],
           [ 0.833333,  0.333333, -0.166667]])
    """
    return _either("lstsq", a, b, rcond)


def pinv(a: Any, rcond: Any = None) -> Any:
    """The pseudo-inverse, (n, m), of a matrix of full rank, (m, n).

    Raises:
        numpy.linalg.LinAlgError: a has not full rank, as far as rcond tells; see `lstsq`.

    >>> from pygrad import grad, linalg
    >>> grad(lambda x: linalg.pinv([[x], [2.0]])[0, 0])(1.0).__round__(6)  # of x / (x**2 + 4)
    0.12
    """
    return _either("pinv", a) if rcond is None else _either("pinv", a, rcond)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of a vector, or of a matrix, or of those along one axis or two.

    Args:
        x: of any shape.
        ord: of vectors any number, inf and -inf; of matrices "fro", 1, -1, inf and -inf. None is the
            root of the sum of all squares.
        axis, keepdims: as for numpy.linalg.norm.

    Raises:
        TypeError: ord asks for singular values of a matrix: 2, -2 or "nuc".
        ValueError: there is no such norm.

    >>> import numpy as np
    >>> from pygrad import grad, linalg
    >>> grad(linalg.norm)(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    return _either("norm", x, ord, axis, keepdims)


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix, (n, n) or (..., n, n), times itself, n times in all; of the inverse for a
    negative n.

    Raises:
        numpy.linalg.LinAlgError: n is negative and a is singular, or a is not square.
        TypeError: n is no whole number.

    >>> from pygrad import grad, linalg
    >>> grad(lambda x: linalg.matrix_power([[x, 1.0], [0.0, 1.0]], 3)[0, 1])(2.0)  # of x**2 + x + 1
    5.0
    """
    return _either("matrix_power", a, n)
