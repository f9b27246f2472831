"""NumPy's functions where Values, or arrays of them, are among their arguments."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pygrad.arrays.array import ValueArray, array_of_values, of_values, owned
from pygrad.arrays.conditions import Waiting, are_truths, as_conditions, has_waiting, known, objects
from pygrad.arrays.engines import is_condition, is_value_type, traces, waits

__all__ = ["ValueArray", "array_of_values", "called", "of_values"]


# What an array that is only looked into does without: to import it takes longer than a loop to be traced.


@functools.cache
def _of_functions() -> Any:
    from pygrad.arrays.functions import FUNCTIONS, OF_CONDITIONS

    return FUNCTIONS, OF_CONDITIONS


@functools.cache
def _of_ufuncs() -> Any:
    from pygrad.arrays.ufuncs import NO_ROOM, applied

    return applied, NO_ROOM


def foreign(types: Any) -> bool:
    """Whether one of these is a class that has rules of its own for functions of NumPy."""
    ours = (np.ndarray, Waiting)
    return not all(issubclass(kind, ours) or is_value_type(kind) for kind in types)


# A number in what these make is the array's to change, not a result.
_TO_BE_FILLED = frozenset({np.zeros_like, np.ones_like, np.empty_like, np.full_like})
_SUBOK = 4  # arguments of these that may stand before that one


def called(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function of NumPy gives.

    Raises:
        TypeError: it is none for Values, as those that call LAPACK or FFTPACK.
    """
    own_functions, of_conditions = _of_functions()
    own = own_functions.get(func)
    if own not in of_conditions and traces() and has_waiting([*args, *kwargs.values()]):
        return _of_conditions(func, args, kwargs)
    if own is not None:
        return owned(own(*args, **kwargs), args)
    try:
        if func not in _TO_BE_FILLED:
            return owned(func._implementation(*args, **kwargs), args)
        if args and type(args[0]) is ValueArray and len(args) < _SUBOK:
            kwargs.setdefault("subok", False)  # of floats it is an array of NumPy's, as any
        return owned(func._implementation(*args, **kwargs))
    except TypeError as error:
        if str(error).startswith(("a Value", "an array of floats holds", "the exponent of **")):
            raise
        name = f"{func.__module__}.{func.__name__}"
        raise TypeError(
            f"{name} does not take these Values ({error}): compute it by functions that do (see "
            "docs/arrays.md), or state its derivatives, Value(data, children, local_grads)"
        ) from error


def _of_conditions(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The same where arrays of conditions are among the arguments: rearranged, computed with, or asked."""
    name = func.__name__
    if func in _TO_BE_FILLED or name in _OF_SHAPES:
        empty = [np.empty(x.shape, x.dtype) if waits(x) else x for x in args]
        return func(*empty, **kwargs)
    if name in _REARRANGING:
        found = func(*map(_as_values, args), **{k: _as_values(v) for k, v in kwargs.items()})
        return [*map(_kept, found)] if isinstance(found, list) else _kept(found)
    if name in _ASKED_AS_METHODS and waits(args[0]):
        return func._implementation(*args, **kwargs)
    if name in _COMPUTING and not (name in _BOOLS_OF_BOOLS and _are_truths(name, args)):
        return func(*map(_as_numbers, args), **{k: _as_numbers(v) for k, v in kwargs.items()})
    return func(*map(known, args), **{k: known(v) for k, v in kwargs.items()})


_OF_SHAPES = frozenset(
    [
        "can_cast",
        "common_type",
        "iscomplexobj",
        "isrealobj",
        "may_share_memory",
        "ndim",
        "result_type",
        "shape",
        "shares_memory",
        "size",
    ]
)
_REARRANGING = frozenset(
    [
        "append",
        "array_split",
        "atleast_1d",
        "atleast_2d",
        "atleast_3d",
        "block",
        "broadcast_arrays",
        "broadcast_to",
        "column_stack",
        "concat",
        "concatenate",
        "copy",
        "delete",
        "diag",
        "diagonal",
        "dsplit",
        "dstack",
        "expand_dims",
        "flip",
        "fliplr",
        "flipud",
        "hsplit",
        "hstack",
        "insert",
        "moveaxis",
        "permute_dims",
        "ravel",
        "repeat",
        "reshape",
        "resize",
        "roll",
        "rollaxis",
        "rot90",
        "row_stack",
        "split",
        "squeeze",
        "stack",
        "swapaxes",
        "take",
        "tile",
        "transpose",
        "tril",
        "triu",
        "unstack",
        "vsplit",
        "vstack",
    ]
)
_ASKED_AS_METHODS = frozenset(
    [
        "all",
        "alltrue",
        "amax",
        "amin",
        "any",
        "cumprod",
        "cumsum",
        "max",
        "mean",
        "min",
        "prod",
        "product",
        "sometrue",
        "sum",
    ]
)
_COMPUTING = frozenset(
    [
        "average",
        "convolve",
        "corrcoef",
        "correlate",
        "cov",
        "cross",
        "diff",
        "dot",
        "ediff1d",
        "einsum",
        "gradient",
        "inner",
        "interp",
        "kron",
        "linspace",
        "matmul",
        "mean",
        "nan_to_num",
        "nanmean",
        "nansum",
        "outer",
        "polyfit",
        "polyval",
        "round",
        "std",
        "sum",
        "tensordot",
        "trace",
        "trapezoid",
        "trapz",
        "var",
        "vdot",
    ]
)


# Of bools alone these give bools, or refuse: sums of products are whether one of them holds.
_BOOLS_OF_BOOLS = {
    "convolve": slice(2),
    "correlate": slice(2),
    "cross": slice(2),
    "diff": slice(1),
    "dot": slice(2),
    "ediff1d": slice(1),
    "einsum": slice(1, None),
    "gradient": slice(1),
    "inner": slice(2),
    "kron": slice(2),
    "matmul": slice(2),
    "outer": slice(2),
    "tensordot": slice(2),
    "vdot": slice(2),
}


def _are_truths(name: str, args: tuple[Any, ...]) -> bool:
    """Whether all that such a function computes with are bools, or conditions."""
    operands = [as_conditions(objects(x)) for x in args[_BOOLS_OF_BOOLS[name]]]
    return are_truths(operands)


def _as_values(x: Any) -> Any:
    """Arrays of conditions as arrays of Values, in lists, too; what is none stays."""
    if isinstance(x, list | tuple) and has_waiting(x):
        return type(x)(map(_as_values, x))
    return array_of_values(objects(x)) if is_condition(x) or waits(x) else x


def _as_numbers(x: Any) -> Any:
    if isinstance(x, list | tuple) and has_waiting(x):
        return type(x)(map(_as_numbers, x))
    return x * 1.0 if is_condition(x) or waits(x) else x


def _kept(found: Any) -> Any:
    return as_conditions(found) if isinstance(found, np.ndarray) else found


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    applied, no_room = _of_ufuncs()
    result = applied(ufunc, method, inputs, kwargs)
    if result is no_room:
        del self, inputs, kwargs  # a traceback would keep the array
        raise TypeError(*no_room.args)
    return result


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return NotImplemented if foreign(types) else called(func, args, kwargs)


_kind: Any
for _kind in (ValueArray, Waiting):
    _kind.__array_ufunc__ = _array_ufunc
    _kind.__array_function__ = _array_function
