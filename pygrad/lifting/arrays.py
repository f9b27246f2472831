"""NumPy as lifted code sees it: functions of scalars take Values, and arrays that have some."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad import math
from pygrad.core.implementation import Value, chooser
from pygrad.lifting.builtin import as_type, is_truth
from pygrad.lifting.linear import lifted_linalg
from pygrad.lifting.values import holds_values

# NumPy's functions, and those of pygrad.math that do the same with Values.
_SAME = """
    abs absolute acos acosh asin asinh atan atan2 atanh arccos=acos arccosh=acosh arcsin=asin
    arcsinh=asinh arctan=atan arctan2=atan2 arctanh=atanh cbrt ceil copysign cos cosh deg2rad=radians
    degrees exp exp2 expm1 fabs float_power=pow floor fmod hypot isfinite isinf isnan log log10 log1p log2
    logaddexp maximum minimum power=pow pow rad2deg=degrees radians rint=round sign sin sinh sqrt tan tanh
    trunc
"""
_FILLED = ("zeros", "ones", "empty")


def lifted_numpy() -> ModuleType:
    """A module as numpy, with functions that take Values in the place of some."""
    import numpy as np

    lifted = ModuleType("numpy", np.__doc__)
    lifted.__dict__.update(
        {name: item for name, item in vars(np).items() if not name.startswith("__")}
    )
    lifted.__dict__.update(
        __path__=np.__path__, __version__=np.__version__, __getattr__=lambda name: getattr(np, name)
    )
    for pair in _SAME.split():
        name, _, other = pair.partition("=")
        function = getattr(math, other or name, None)
        if function is not None and hasattr(np, name):
            setattr(lifted, name, _taking_values(getattr(np, name), function))
    for own in (_where, _clip):
        name = own.__name__[1:]
        setattr(lifted, name, chooser((own, getattr(np, name), name, own.__doc__ or "")))
    for name, each in {"square": _square, "reciprocal": _reciprocal}.items():
        setattr(lifted, name, _taking_values(getattr(np, name), each))
    lifted.interp = _where_there_are_values(_interp, np.interp)  # type: ignore[attr-defined]
    lifted.sinc = _where_there_are_values(_sinc, np.sinc)  # type: ignore[attr-defined]
    lifted.vectorize = _vectorize()  # type: ignore[attr-defined]
    lifted.linalg = lifted_linalg()  # type: ignore[attr-defined]
    for name in ("array", "asarray", "asanyarray"):
        setattr(lifted, name, _keeping_values(getattr(np, name)))
    for name in (f"{kind}_like" for kind in _FILLED):
        setattr(lifted, name, _for_values(getattr(np, name)))
    lifted.isscalar = lambda x: isinstance(x, Value) or np.isscalar(x)  # type: ignore[attr-defined]
    return lifted


def _taking_values(ufunc: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """function for a Value and for each item of an array that has some; ufunc for anything else."""
    import numpy as np

    each = np.frompyfunc(function, ufunc.nin, 1)

    def of_values(*args: Any, **named: Any) -> Any:
        arrays = any(isinstance(a, np.ndarray | list | tuple) for a in args)
        return each(*args, **named) if named or arrays else function(*args)

    def where_items_differ(*args: Any, **named: Any) -> Any:
        """After a TypeError: of an array that has Values and numbers, or of something else."""
        if any(map(holds_values, args)):
            return each(*args, **named)
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

    def __reduce__(self) -> Any:
        return self.ufunc.__reduce__()


def _square(x: Any) -> Any:
    """numpy.square"""
    return x * x


def _reciprocal(x: Any) -> Any:
    """numpy.reciprocal"""
    return 1.0 / x


def _sinc(x: Any) -> Any:
    """numpy.sinc"""
    import numpy as np

    if np.ndim(x):
        return np.frompyfunc(_sinc, 1, 1)(x)
    return 1.0 - x * x if x == 0.0 else math.sin(math.pi * x) / (math.pi * x)


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """numpy.interp: a line between neighbours, their outer ones beyond."""
    import numpy as np

    places, heights = list(xp), list(fp)
    if np.ndim(x):
        return np.frompyfunc(lambda each: _interp(each, places, heights, left, right), 1, 1)(x)
    i = bisect.bisect_right(places, x)
    if i == 0:
        return heights[0] if left is None else left
    if i == len(places):
        return heights[-1] if right is None or x <= places[-1] else right
    slope = (heights[i] - heights[i - 1]) / (places[i] - places[i - 1])
    return slope * (x - places[i - 1]) + heights[i - 1]


def _where_there_are_values(
    function: Callable[..., Any], standard: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(standard)
    def choose(*args: Any, **named: Any) -> Any:
        if any(map(holds_values, [*args, *named.values()])):
            return function(*args, **named)
        return standard(*args, **named)

    return choose


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


def _where(condition: Any, *ways: Any) -> Any:
    """numpy.where; of a single condition the one or the other."""
    import numpy as np

    if len(ways) == 2 and not any(np.ndim(item) for item in (condition, *ways)):
        if is_truth(condition) and all(isinstance(way, (Value, float, int)) for way in ways):
            return math.where(condition, *ways)
        return ways[0] if condition else ways[1]
    return np.where(condition, *ways)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **named: Any) -> Any:
    """numpy.clip; of a single Value a Value."""
    import numpy as np

    low, high = named.pop("min", a_min), named.pop("max", a_max)
    if named or any(np.ndim(item) for item in (x, low, high)):
        return np.clip(x, low, high, **named)
    return math.clip(x, low, high)


def _for_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """An array like a given one; where that has Values it is one of objects, whatever was asked for."""

    @functools.wraps(function)
    def array(x: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        return function(x, object if holds_values(x) else dtype, *args, **named)

    return array


def _keeping_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """An array of what is given; of objects where that has Values, though floats were asked for."""

    @functools.wraps(function)
    def array(x: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        whole = dtype is not None and dtype not in (float, object) and holds_values(x)
        try:
            if not whole:  # int() of an item would be asked of the Value itself
                return function(x, dtype, *args, **named)
        except TypeError:
            if not holds_values(x):
                raise
        return as_type(function(x, object, *args, **named), dtype or float)

    return array
