"""What lifted code calls in the place of builtins, decided in C: most calls are of plain numbers.

A function that does more for Values stands behind each. It is called where there are some, or may be;
else the call is that of the original, at once.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from pygrad.core.implementation import IMPLEMENTATION, chooser


def unless_values(function: Callable[..., Any], original: Any) -> Callable[..., Any]:
    """original where no argument is a Value, else function.

    original may be a name, of a method of the first argument; None: the first argument is the result.
    """
    if IMPLEMENTATION != "compiled":
        return function
    return chooser((function, original, function.__name__, described(function)))


def of_numbers(function: Callable[..., Any], original: Any) -> Callable[..., Any]:
    """original where all arguments are made of plain numbers, words and types alone, else function.

    Lists are looked into, and so is the dtype of an array. original as above; True: the first argument is
    called with the others.
    """
    if IMPLEMENTATION != "compiled":
        return function
    return chooser((function, original, function.__name__, described(function), *_kinds_of_numpy()))


def quick_import(tables: tuple[Any, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    """function as __import__, where it was not called before for what is imported: see `importer`."""
    if IMPLEMENTATION != "compiled":
        return function
    from pygrad import _native

    return _native.importer((*tables, function))


def described(function: Callable[..., Any]) -> str:
    """A docstring that begins with the signature, which inspect.signature() asks functions of C for.

    A default that is no word and no number is None there.
    """
    doc = function.__doc__ or ""
    try:
        own = inspect.signature(function)
    except (TypeError, ValueError):
        return doc
    plain = [
        p.replace(annotation=p.empty, default=p.default if _is_stated(p.default) else None)
        for p in own.parameters.values()
    ]
    return f"{function.__name__}{own.replace(parameters=plain, return_annotation=own.empty)}\n--\n\n{doc}"


def _is_stated(default: Any) -> bool:
    return default is inspect.Parameter.empty or isinstance(default, str | int | float | None)


def _kinds_of_numpy() -> tuple[tuple[type, ...], Any, tuple[Any, ...]]:
    """Types of its numbers, that of arrays, and dtypes of plain numbers, of each of which there is one."""
    np: Any = sys.modules.get("numpy")
    try:
        kinds = (np.float64, np.bool_, np.int64, np.dtype, np.ufunc, type(np.array), type(np.sum))
    except AttributeError:  # it is not there, or another thread imports it just now
        return (), None, ()
    return kinds, np.ndarray, tuple(map(np.dtype, (float, bool, int, np.int32, np.float32)))
