"""NumPy as lifted code sees it: functions of scalars take Values, and arrays that have some."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad import math
from pygrad.arrays.engines import engine_of
from pygrad.core.implementation import Value, chooser
from pygrad.lifting import quick
from pygrad.lifting.builtin import as_type, to_digits
from pygrad.lifting.linear import lifted_linalg
from pygrad.lifting.values import holds_values

_FILLED = ("zeros", "ones", "empty")


def lifted_numpy() -> ModuleType:
    """A module as numpy, with functions that take Values in the place of some."""
    import numpy as np

    from pygrad.arrays.functions import FUNCTIONS
    from pygrad.arrays.ufuncs import functions_of_items

    lifted = ModuleType("numpy", np.__doc__)
    lifted.__dict__.update(
        {name: item for name, item in vars(np).items() if not name.startswith("__")}
    )
    lifted.__dict__.update(
        __path__=np.__path__, __version__=np.__version__, __getattr__=lambda name: getattr(np, name)
    )
    stated = functions_of_items(engine_of([Value(0.0)]))
    for name, item in vars(np).items():
        if isinstance(item, np.ufunc) and item.__name__ in stated:
            setattr(lifted, name, _taking_values(item, stated[item.__name__]))
    for name in ("power", "pow"):
        if hasattr(np, name):
            setattr(lifted, name, _taking_values(np.power, math.pow, np.float_power))
    for function in FUNCTIONS:
        name = str(function.__name__)
        if getattr(np, name, None) is function:
            setattr(lifted, name, _where_there_are_values(function))
    lifted.vectorize = _vectorize()  # type: ignore[attr-defined]
    lifted.linalg = lifted_linalg()  # type: ignore[attr-defined]
    for name in ("array", "asarray", "asanyarray"):
        setattr(lifted, name, _keeping_values(getattr(np, name)))
    lifted.fromiter = _of_items(np.fromiter, lifted.array)  # type: ignore[attr-defined]
    for name in (f"{kind}_like" for kind in _FILLED):
        setattr(lifted, name, _for_values(getattr(np, name)))
    lifted.full = _filled(np.full)  # type: ignore[attr-defined]
    lifted.full_like = _filled(np.full_like)  # type: ignore[attr-defined]
    for name in ("round", "around"):
        setattr(lifted, name, _rounding(getattr(np, name)))
    lifted.isscalar = lambda x: isinstance(x, Value) or np.isscalar(x)  # type: ignore[attr-defined]
    return lifted


def _taking_values(ufunc: Any, function: Callable[..., Any], of_arrays: Any = None) -> Any:
    """function for a Value; of_arrays, or the ufunc, item by item for an array that has some; the ufunc for
    anything else."""
    import numpy as np

    from pygrad.arrays.ufuncs import applied

    whole = of_arrays or ufunc

    def of_values(*args: Any, **named: Any) -> Any:
        arrays = any(isinstance(a, np.ndarray | list | tuple) for a in args)
        return applied(whole, "__call__", args, named) if named or arrays else function(*args)

    def where_items_differ(*args: Any, **named: Any) -> Any:
        """After a TypeError: of an array that has Values and numbers, or of something else."""
        if any(map(holds_values, args)):
            return applied(whole, "__call__", args, named)
        return ufunc(*args, **named)

    doc = ufunc.__doc__ or ""
    return _Ufunc(chooser((of_values, ufunc, ufunc.__name__, doc, where_items_differ)), ufunc)


class _Ufunc(functools.partial[Any]):
    """A function in the place of a ufunc, which has the other's methods: reduce, accumulate, outer ..."""

    ufunc: Any

    def __new__(cls, function: Callable[..., Any], ufunc: Any) -> _Ufunc:
        made = super().__new__(cls, function)
        made.ufunc = ufunc
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["ufunc"], name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # isinstance(np.sin, np.ufunc) asks for it
        return type(self.ufunc)

    def __reduce__(self) -> Any:
        return self.ufunc.__reduce__()

    # A table of ufuncs, which NumPy asks for by the ufunc itself, has it.

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.ufunc

    def __hash__(self) -> int:
        return hash(self.ufunc)


def _where_there_are_values(standard: Any) -> Callable[..., Any]:
    """A function of NumPy that takes Values in lists, too."""
    from pygrad.arrays.overrides import called

    @functools.wraps(standard)
    def choose(*args: Any, **named: Any) -> Any:
        if any(map(holds_values, [*args, *named.values()])):
            return called(standard, args, named)
        return standard(*args, **named)

    return quick.of_numbers(choose, standard)


def _of_numbers() -> Callable[[Any], bool]:
    """Whether something is an array of NumPy's own class that can have no Values."""
    import numpy as np

    own = np.ndarray

    def of_numbers(x: Any) -> bool:
        return type(x) is own and x.dtype.kind != "O"

    return of_numbers


def _vectorize() -> type:
    import numpy as np

    class vectorize(np.vectorize):
        __doc__ = np.vectorize.__doc__

        def __call__(self, *args: Any, **named: Any) -> Any:
            if self.otypes is None or not any(map(holds_values, [*args, *named.values()])):
                return super().__call__(*args, **named)
            kinds = ["O"] * len(self.otypes)
            other = np.vectorize(
                self.pyfunc, kinds, excluded=self.excluded, signature=self.signature
            )
            return other(*args, **named)

    return vectorize


def _for_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """An array like a given one; where that has Values it is one of objects, whatever was asked for."""

    @functools.wraps(function)
    def array(x: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        return function(x, object if holds_values(x) else dtype, *args, **named)

    return quick.of_numbers(array, function)


def _filled(function: Callable[..., Any]) -> Callable[..., Any]:
    """numpy.full or full_like; filled with Values, an array of what float() or int() make of them."""
    import numpy as np

    from pygrad.arrays.overrides import of_values

    @functools.wraps(function)
    def array(shape: Any, fill_value: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        if not holds_values(fill_value):
            return function(shape, fill_value, dtype, *args, **named)
        if dtype is None and function is np.full_like:
            dtype = np.asanyarray(shape).dtype
        made = function(shape, fill_value, object, *args, **named)
        return of_values(made if dtype is None else as_type(made, dtype))

    return quick.of_numbers(array, function)


def _rounding(standard: Callable[..., Any]) -> Callable[..., Any]:
    """numpy.round; where what has Values is not to be rounded to digits, it is what it was."""
    from pygrad.arrays.conditions import objects
    from pygrad.arrays.overrides import of_values

    @functools.wraps(standard)
    def rounded(a: Any, decimals: Any = 0, out: Any = None) -> Any:
        if not decimals or out is not None or not holds_values(a):
            return standard(a, decimals, out)
        given = a if isinstance(a, Value) else of_values(objects(a))
        return to_digits(given, decimals, lambda v: standard(v, decimals))

    return quick.of_numbers(rounded, standard)


def _of_items(standard: Callable[..., Any], array: Callable[..., Any]) -> Callable[..., Any]:
    """numpy.fromiter; of items among which there are Values, the array of them."""

    @functools.wraps(standard)
    def fromiter(iter: Any, dtype: Any, count: int = -1, **named: Any) -> Any:
        items = list(iter if count < 0 else itertools.islice(iter, count))
        if len(items) >= count and holds_values(items):
            return array(items, dtype)
        return standard(items, dtype, count, **named)

    return fromiter


def _keeping_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """An array of what is given; of Values where that has some, though floats were asked for."""
    from pygrad.arrays.conditions import array_of_conditions
    from pygrad.arrays.overrides import of_values

    of_numbers = _of_numbers()

    @functools.wraps(function)
    def array(x: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        found = array_of_conditions(x)
        if found is not None:
            return found if dtype is None else found.astype(dtype)
        whole = dtype is not None and dtype not in (float, object) and holds_values(x)
        try:
            if not whole:  # int() of an item would be asked of the Value itself
                made = function(x, dtype, *args, **named)
                return made if of_numbers(made) else of_values(made)
        except TypeError:
            if not holds_values(x):
                raise
        return of_values(as_type(function(x, object, *args, **named), dtype or float))

    return quick.of_numbers(array, function)
