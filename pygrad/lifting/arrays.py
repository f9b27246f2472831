"""NumPy as lifted code sees it: functions of scalars take Values, and arrays that have some."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pygrad import math
from pygrad.core.implementation import Value, chooser

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
    for name in ("array", "asarray", "asanyarray", *(f"{kind}_like" for kind in _FILLED)):
        setattr(lifted, name, _keeping_values(getattr(np, name)))
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
        if any(_is_of_values(a) or _holds_values(a) for a in args):
            return each(*args, **named)
        return ufunc(*args, **named)

    doc = ufunc.__doc__ or ""
    return chooser((of_values, ufunc, ufunc.__name__, doc, where_items_differ))


def _holds_values(x: Any) -> bool:
    return isinstance(x, list | tuple) and any(
        isinstance(item, Value) or _holds_values(item) for item in x
    )


def _where(condition: Any, *ways: Any) -> Any:
    """numpy.where; of a single condition the one or the other."""
    import numpy as np

    if len(ways) == 2 and not any(np.ndim(item) for item in (condition, *ways)):
        return ways[0] if condition else ways[1]
    return np.where(condition, *ways)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **named: Any) -> Any:
    """numpy.clip; of a single Value a Value."""
    import numpy as np

    low, high = named.pop("min", a_min), named.pop("max", a_max)
    if named or any(np.ndim(item) for item in (x, low, high)):
        return np.clip(x, low, high, **named)
    return math.clip(x, low, high)


def _keeping_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """An array of what is given; where that has Values it is one of objects, whatever was asked for."""

    def array(x: Any, dtype: Any = None, *args: Any, **named: Any) -> Any:
        if isinstance(x, Value) or _holds_values(x) or (dtype is not None and _is_of_values(x)):
            dtype = object
        return function(x, dtype, *args, **named)

    return array


def _is_of_values(x: Any) -> bool:
    np = sys.modules["numpy"]
    return (
        isinstance(x, np.ndarray)
        and x.dtype == object
        and any(isinstance(item, Value) for item in x.flat)
    )
