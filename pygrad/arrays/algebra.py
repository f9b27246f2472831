"""numpy.linalg's functions of Values: what they take, in which shapes, and what they raise; linear.py
computes.

All of them take arrays of more axes, too, as NumPy's do: stacks of matrices.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from pygrad.arrays.array import array_of_values, as_objects, lift_in_place
from pygrad.arrays.linear import (
    Matrix,
    cholesky_factor,
    determinant,
    eliminated,
    least_squares,
)
from pygrad.arrays.ufuncs import applied


class Slogdet(NamedTuple):
    """The sign of a determinant, a plain number, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def _matrices(a: Any, square: bool = True) -> Any:
    """An array of objects of at least two axes."""
    array = as_objects(a)
    if array.ndim < 2:
        raise LinAlgError(
            f"{array.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    if square and array.shape[-1] != array.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
    return array


def _each(array: Any, function: Callable[[Matrix], Any], shape: tuple[int, ...]) -> Any:
    """function of each matrix of a stack, whose results have this shape, as one array."""
    stack = array.shape[:-2]
    made = np.empty((*stack, *shape), dtype=object)
    for index in np.ndindex(*stack):
        made[(*index, ...)] = np.array(function(array[index].tolist()), dtype=object).reshape(shape)
    return _finished(made)


def _finished(made: Any) -> Any:
    return made.item() if made.ndim == 0 else array_of_values(lift_in_place(made))


def solve(a: Any, b: Any) -> Any:
    """x of a @ x == b."""
    left, right = _matrices(a), as_objects(b)
    if right.ndim == 0:
        raise ValueError("b must have at least one dimension")
    vector = right.ndim == 1
    sides = right[:, None] if vector else right
    n, width = left.shape[-1], sides.shape[-1]
    if sides.shape[-2] != n:
        raise ValueError(f"a has {n} rows, but b has {sides.shape[-2]}")
    stack = np.broadcast_shapes(left.shape[:-2], sides.shape[:-2])
    left = np.broadcast_to(left, (*stack, n, n))
    sides = np.broadcast_to(sides, (*stack, n, width))
    made = np.empty((*stack, n, width), dtype=object)
    for index in np.ndindex(*stack):
        rows = eliminated(left[index].tolist(), sides[index].tolist()).solved() if width else []
        made[index] = np.array(rows, dtype=object).reshape(n, width)
    return _finished(made[..., 0] if vector else made)


def inv(a: Any) -> Any:
    """The inverse of a square matrix."""
    array = _matrices(a)
    unit = np.eye(array.shape[-1]).tolist()
    return _each(array, lambda rows: eliminated(rows, unit).solved(), array.shape[-2:])


def det(a: Any) -> Any:
    """The determinant of a square matrix."""
    return _each(_matrices(a), lambda rows: determinant(rows) if rows else 1.0, ())


def slogdet(a: Any) -> Any:
    """The sign of the determinant and the logarithm of its absolute value.

    Raises:
        LinAlgError: the matrix is singular: the logarithm is -inf, and has no derivative.
    """
    array = _matrices(a)

    def parts(rows: Matrix) -> list[Any]:
        of = eliminated(rows, [[] for _ in rows])
        pivots = [row[i] for i, row in enumerate(of.upper)]
        sign, total = of.sign, 0.0
        for pivot in pivots:
            sign = sign * applied(np.sign, "__call__", (pivot,), {})
            total = total + applied(np.log, "__call__", (abs(pivot),), {})
        return [sign, total]

    both = np.empty((*array.shape[:-2], 2), dtype=object)
    for index in np.ndindex(*array.shape[:-2]):
        both[index] = parts(array[index].tolist())
    return Slogdet(_finished(both[..., 0]), _finished(both[..., 1]))


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The lower triangle L of a == L @ L.T, or the upper one of a == U.T @ U."""
    array = _matrices(a)
    if not upper:
        return _each(array, cholesky_factor, array.shape[-2:])
    made = _each(np.swapaxes(array, -1, -2), cholesky_factor, array.shape[-2:])
    return np.swapaxes(made, -1, -2)


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, None]:
    """x of least squares, what remains, the rank; no singular values."""
    rows, right = as_objects(a), as_objects(b)
    if rows.ndim != 2:
        raise LinAlgError(f"{rows.ndim}-dimensional array given. Array must be two-dimensional")
    if right.ndim not in {1, 2}:
        raise LinAlgError(f"{right.ndim}-dimensional array given. Array must be two-dimensional")
    m, n = rows.shape
    if right.shape[0] != m:
        raise LinAlgError("Incompatible dimensions")
    if not m or not n:
        raise LinAlgError("a matrix without rows or columns has no least squares of Values")
    sides = right[:, None] if right.ndim == 1 else right
    small = sys.float_info.epsilon * max(m, n) if rcond in {None, -1} else float(rcond)
    found, rests = least_squares(rows.tolist(), sides.tolist(), small)
    x: Any = _finished(np.array(found, dtype=object).reshape(n, sides.shape[1]))
    squares = [sum((item * item for item in rest), 0.0) for rest in rests] if m > n else []
    remains = _finished(np.array(squares, dtype=object))
    return (x[:, 0] if right.ndim == 1 else x), remains, min(m, n), None


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The pseudo-inverse of a matrix of full rank."""
    return lstsq(a, np.eye(len(a)), rcond if rtol is None else rtol)[0]


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Of a vector, or of a matrix without its singular values.

    Raises:
        TypeError: ord asks for singular values.
        ValueError: there is no such norm.
    """
    array = array_of_values(as_objects(x))
    if axis is None and ord is None:
        return _boxed(np.sqrt(np.sum(np.square(array))), array, keepdims)
    if axis is None:
        axis = tuple(range(array.ndim))
        if len(axis) not in {1, 2}:
            raise ValueError("Improper number of dimensions to norm.")
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(array, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if ord in {None, "fro", "f"}:
        return np.sqrt(np.sum(np.square(array), axis=axes, keepdims=keepdims))
    if ord in {2, -2, "nuc"}:
        raise TypeError(
            f"the norm of order {ord!r} of a matrix is of its singular values, which have no "
            "derivatives here: use 'fro', 1 or inf, or state them, Value(data, children, local_grads)"
        )
    if ord not in {1, -1, math.inf, -math.inf}:
        raise ValueError("Invalid norm order for matrices.")
    first, second = (a % array.ndim for a in axes)
    if abs(ord) != 1:
        first, second = second, first
    sums = np.sum(np.abs(array), axis=first, keepdims=True)
    found = (np.max if ord > 0 else np.min)(sums, axis=second, keepdims=True)
    return found if keepdims else np.squeeze(found, axis=(first, second))


def _boxed(root: Any, array: Any, keepdims: bool) -> Any:
    return (
        array_of_values(np.array(root, dtype=object).reshape((1,) * array.ndim))
        if keepdims
        else root
    )


def _vector_norm(array: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    over: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    if ord is None or ord == 2:
        return np.sqrt(np.sum(np.square(array), **over))
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    sizes = np.abs(array)
    if abs(ord) == math.inf:
        return (np.max if ord > 0 else np.min)(sizes, **over)
    if ord == 0:
        return np.sum((array != 0).astype(float), **over)
    return np.sum(sizes**ord, **over) ** (1.0 / ord) if ord != 1 else np.sum(sizes, **over)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of all items, or along an axis."""
    array = as_objects(x)
    if axis is None:
        return (
            norm(array.ravel(), ord)
            if not keepdims
            else _boxed(norm(array.ravel(), ord), array, True)
        )
    return norm(array, ord, axis, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of each matrix of a stack."""
    return norm(x, ord, (-2, -1), keepdims)


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself, n times in all; of the inverse for a negative n."""
    array = array_of_values(_matrices(a))
    return np.linalg.matrix_power._implementation(array, n)  # type: ignore[attr-defined]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        solve,
        inv,
        det,
        slogdet,
        cholesky,
        lstsq,
        pinv,
        norm,
        vector_norm,
        matrix_norm,
        matrix_power,
    )
}
