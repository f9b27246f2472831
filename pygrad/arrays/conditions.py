"""Arrays of conditions: what comparisons of arrays give in a trace, where eager code has arrays of bools.

Each item is an op of the program, or a bool. Choices, sums, `&`, `|`, `~` and arithmetic take it as it is.
All that NumPy does only with bools (an index, sorting, text ...) gets bools, and so asks each item for its
truth: a guard. The same holds of whole numbers that were computed from conditions, which may be an index.

They are no arrays of NumPy's, as these would be indices of objects, which NumPy refuses. NumPy makes bools
of them wherever it finds them, by `__array__`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pygrad.arrays.engines import is_condition, is_value, traces, waiting, waits


class Waiting(np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose items are known to the program, and to Python once it asks."""

    __slots__ = ("items",)
    __hash__ = None  # type: ignore[assignment]
    items: Any  # an array of objects, of NumPy's own class
    dtype: Any
    __array_ufunc__: Any  # overrides.py has it
    __array_function__: Any

    def __init__(self, items: Any) -> None:
        self.items = items

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What eager code has here is an array."""
        return np.ndarray

    def known(self) -> Any:
        """An array of NumPy's, of bools or ints: each item is asked."""
        kind = self.dtype.type
        flat = [_ASKED[kind](item) for item in self.items.ravel().tolist()]
        return np.array(flat, self.dtype).reshape(self.items.shape)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.known() if dtype is None else self.known().astype(dtype)

    def __getattr__(self, name: str) -> Any:
        """Whatever else an array has."""
        if name.startswith("__array_") or name == "items":
            raise AttributeError(name)
        return getattr(self.known(), name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.known().__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    # -- its shape, and items ----------------------------------------------------------------------

    shape = property(lambda self: self.items.shape)
    ndim = property(lambda self: self.items.ndim)
    size = property(lambda self: self.items.size)
    T = property(lambda self: type(self)(self.items.T))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items.tolist() if self.ndim == 1 else map(type(self), self.items))

    def __getitem__(self, index: Any) -> Any:
        found = self.items[index]
        if isinstance(found, np.ndarray):
            return type(self)(found)
        return found if is_value(found) else self.dtype.type(found)

    def __setitem__(self, index: Any, item: Any) -> None:
        made = self._as_own(objects(item))
        self.items[index] = made if isinstance(self.items[index], np.ndarray) else made.item()

    def tolist(self) -> Any:
        return self.items.tolist()

    def item(self, *args: Any) -> Any:
        return self.items.item(*args)

    def copy(self, *args: Any) -> Any:
        return type(self)(self.items.copy())

    def __bool__(self) -> bool:
        return bool(self.items.item() if self.size == 1 else np.zeros(self.shape, bool))

    def __int__(self) -> int:
        return int(self.items.item() if self.size == 1 else np.zeros(self.shape, bool))

    def __float__(self) -> float:
        return float(self.items.item() if self.size == 1 else np.zeros(self.shape, bool))

    def __index__(self) -> int:
        return operator.index(self.known() if self.size == 1 else np.zeros(self.shape, bool))

    def __repr__(self) -> str:
        return repr(self.known())

    def __str__(self) -> str:
        return str(self.known())

    def __format__(self, spec: str) -> str:
        return format(self.known(), spec)

    # -- what is computed of it --------------------------------------------------------------------

    def numbers(self) -> Any:
        """An array of objects, of numbers and Values."""
        return each(_as_number, self.items)

    def astype(self, dtype: Any, *args: Any, **named: Any) -> Any:
        kind = np.dtype(dtype)
        if kind == self.dtype:
            return self.copy()
        if kind == Wholes.dtype:
            return Wholes(self.numbers())
        if kind == np.float64 or kind.kind == "O":
            return self * 1.0
        return self.known().astype(dtype, *args, **named)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        if dtype is not None or out is not None:
            return self.known().cumsum(axis, dtype, out)
        flat = self.numbers().ravel() if axis is None else self.numbers()
        return Wholes(np.add.accumulate(flat, axis or 0))

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other, out)  # type: ignore[call-overload]


def _as_number(item: Any) -> Any:
    return item * 1.0 if is_condition(item) else item if is_value(item) else int(item)


def each(function: Callable[[Any], Any], array: Any) -> Any:
    """A new array of objects: what a function gives for each item."""
    made = np.empty(array.shape, dtype=object)
    np.frompyfunc(function, 1, 1)(array, out=made)
    return made


_ASKED: dict[Any, Callable[[Any], Any]] = {np.bool_: bool, np.int64: int}


class Conditions(Waiting):
    """Of conditions and bools."""

    __slots__ = ()
    dtype = np.dtype(bool)

    def _as_own(self, array: Any) -> Any:
        return each(truth_of, array)


class Wholes(Waiting):
    """Of whole numbers that were computed from conditions."""

    __slots__ = ()
    dtype = np.dtype(np.int64)

    def _as_own(self, array: Any) -> Any:
        return each(_as_number, array)


waiting.update({Conditions, Wholes})
_ANY = np.frompyfunc(operator.or_, 2, 1, identity=False)
_ALL = np.frompyfunc(operator.and_, 2, 1, identity=True)


def _along_axes(name: str, of_items: Callable[[Any, Any, bool], Any]) -> Callable[..., Any]:
    """A method that is of the items, or of what is known where more than axes are given: out, dtype ..."""

    def method(
        self: Any, axis: Any = None, *rest: Any, keepdims: bool = False, **named: Any
    ) -> Any:
        if rest or any(option is not None for option in named.values()):
            return getattr(self.known(), name)(axis, *rest, keepdims=keepdims, **named)
        return of_items(self, axis, keepdims)

    method.__name__ = name
    return method


_SUM: Any = np.add.reduce
_PRODUCT: Any = np.multiply.reduce


def _total(x: Any, axis: Any, keepdims: bool) -> Any:
    return as_wholes(_SUM(x.numbers(), axis=axis, keepdims=keepdims, initial=0))


def _product(x: Any, axis: Any, keepdims: bool) -> Any:
    return as_wholes(_PRODUCT(x.numbers(), axis=axis, keepdims=keepdims, initial=1))


def _mean(x: Any, axis: Any, keepdims: bool) -> Any:
    total = _total(x, axis, keepdims)
    return total / (x.size / total.size if waits(total) else float(x.size))


def _any(x: Any, axis: Any, keepdims: bool) -> Any:
    return as_conditions(_ANY.reduce(each(truth_of, x.items), axis=axis, keepdims=keepdims))


def _all(x: Any, axis: Any, keepdims: bool) -> Any:
    return as_conditions(_ALL.reduce(each(truth_of, x.items), axis=axis, keepdims=keepdims))


_METHODS = {"sum": _total, "prod": _product, "mean": _mean, "any": _any, "all": _all}
for _name, _function in _METHODS.items():
    setattr(Waiting, _name, _along_axes(_name, _function))
for _name, _function in {"max": _any, "min": _all}.items():
    setattr(Conditions, _name, _along_axes(_name, _function))


def _rearranged(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    @functools.wraps(function)
    def method(self: Any, *args: Any, **named: Any) -> Any:
        return type(self)(function(self.items, *args, **named))

    return method


for _name in (
    "reshape",
    "ravel",
    "flatten",
    "transpose",
    "squeeze",
    "swapaxes",
    "repeat",
    "diagonal",
):
    setattr(Waiting, _name, _rearranged(_name))


# -- from arrays of objects, and back -----------------------------------------------------------------


def objects(x: Any) -> Any:
    """What is an array, or becomes one, as an array of NumPy's own class; of objects where it has Values
    or conditions, which are not asked."""
    if waits(x):
        return x.items
    if is_value(x):
        array = np.empty((), dtype=object)
        array[()] = x
        return array
    if isinstance(x, list | tuple) and has_waiting(x):
        return np.stack([objects(part).astype(object) for part in x])
    return np.asarray(x)


def has_waiting(x: Any) -> bool:
    """Whether there are conditions in something, or arrays that wait."""
    if isinstance(x, list | tuple):
        return any(map(has_waiting, x))
    return is_condition(x) or waits(x)


def array_of_conditions(x: Any) -> Any:
    """What is such an array, or a list of conditions that becomes one; None for all else."""
    if waits(x):
        return x.copy()
    if not traces() or not has_waiting(x):
        return None
    found = as_conditions(objects(x))
    return found if waits(found) else None


def as_conditions(found: Any) -> Any:
    """An array of conditions and bools as such; of bools alone, as NumPy's; what is none, as it is."""
    if not isinstance(found, np.ndarray) or found.dtype != object:
        return found
    flat = found.ravel().tolist()
    if not all(item is True or item is False or is_condition(item) for item in flat):
        return found
    if any(map(is_condition, flat)):
        return Conditions(found.view(np.ndarray)) if found.ndim else flat[0]
    return found.astype(bool)


def as_wholes(found: Any) -> Any:
    """An array of whole numbers that were computed from conditions; of known ones, as NumPy's."""
    if not isinstance(found, np.ndarray):
        return found
    if any(map(is_value, found.ravel().tolist())):
        return Wholes(found) if found.ndim else found.item()
    return found.astype(np.int64)


# -- what it takes for results to be so -----------------------------------------------------------------


def truth_of(item: Any) -> Any:
    """Whether an item is not 0."""
    return item if is_condition(item) else item != 0


def negated(truth: Any) -> Any:
    """The opposite of a condition or bool."""
    return truth ^ True


def known(x: Any) -> Any:
    """An array that waits, or a condition, as bools and ints, in lists, too; what is neither as it is."""
    if isinstance(x, list | tuple) and has_waiting(x):
        return type(x)(map(known, x))
    return x.known() if waits(x) else bool(x) if is_condition(x) else x


def are_truths(inputs: Any) -> bool:
    """Whether all of them are bools, conditions, or arrays of such."""
    return all(x.__class__ is bool or is_condition(x) or _kind(x) == "b" for x in inputs)


def are_whole(inputs: Any) -> bool:
    """Whether all of them are whole numbers, and some wait."""
    return any(is_condition(x) or waits(x) for x in inputs) and all(
        isinstance(x, int) or is_condition(x) or _kind(x) in {"b", "i", "u"} for x in inputs
    )


def are_narrow(inputs: Any) -> bool:
    """Whether there are whole numbers among them of a type that wraps around where int64 does not."""
    return any(_kind(x) in {"i", "u"} and x.dtype != Wholes.dtype for x in inputs)


def _kind(x: Any) -> Any:
    return getattr(getattr(x, "dtype", None), "kind", None)
