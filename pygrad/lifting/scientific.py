"""Functions of SciPy that lifted code has of Values: of the normal distribution and its kin.

SciPy is compiled, and stays as it is. What packages call most of it `pygrad.special` has for Values; plain
numbers get what SciPy gives. Other functions of it are errors for a Value, as elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import nan, pi, sqrt
from typing import Any

from pygrad import math, special
from pygrad.lifting.values import holds_values

_DENSITY = 1.0 / sqrt(2.0 * pi)
# Those that are ops
_UFUNCS = frozenset({"cbrt", "digamma", "erf", "erfc", "expit", "gamma", "gammaln", "psi"})
_OF_ARRAYS = (special.logsumexp, special.softmax, special.log_softmax)


def of_special(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.special."""
    return {
        name: _for_values(getattr(original, name), getattr(special, name))
        for name in special.__all__
        if hasattr(original, name) and name not in _UFUNCS
    }


def of_stats(original: Any) -> dict[str, Any]:
    """What stands in the place of scipy.stats.norm."""
    return {"norm": _Normal(original.norm)}


def _for_values(original: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """function where there are Values, item by item where there are arrays; else the original."""

    @functools.wraps(original)
    def choose(*args: Any, **named: Any) -> Any:
        if not any(map(holds_values, [*args, *named.values()])):
            return original(*args, **named)
        if function in _OF_ARRAYS or not any(map(_is_array, [*args, *named.values()])):
            return function(*args, **named)
        import numpy as np

        from pygrad.arrays.overrides import of_values

        one_by_one = np.frompyfunc(
            lambda *items: function(
                *items[: len(args)], **dict(zip(named, items[len(args) :], strict=True))
            ),
            len(args) + len(named),
            1,
        )
        made = one_by_one(*args, *named.values())
        return of_values(made) if _is_array(made) else made

    return choose


def _is_array(x: Any) -> bool:
    return isinstance(x, list | tuple) or getattr(x, "ndim", 0) > 0


# -- scipy.stats.norm ----------------------------------------------------------------------------


def pdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = _standard(x, loc, scale)
    return math.exp(-0.5 * z * z) * _DENSITY / scale


def logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = _standard(x, loc, scale)
    return -0.5 * z * z - math.log(scale * (1.0 / _DENSITY))


def cdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return special.ndtr(_standard(x, loc, scale))


def sf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return special.ndtr(-_standard(x, loc, scale))


def logcdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return special.log_ndtr(_standard(x, loc, scale))


def logsf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return special.log_ndtr(-_standard(x, loc, scale))


def ppf(q: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return loc + special.ndtri(q) * _positive(scale)


def isf(q: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return loc - special.ndtri(q) * _positive(scale)


def _standard(x: Any, loc: Any, scale: Any) -> Any:
    return (x - loc) / _positive(scale)


def _positive(scale: Any) -> Any:
    return scale if scale > 0.0 else scale * nan


_NORMAL = (pdf, logpdf, cdf, sf, logcdf, logsf, ppf, isf)


class _Normal:
    """The normal distribution, or one with its loc and scale: scipy.stats.norm and norm(1.0, 2.0)."""

    def __init__(self, original: Any, *args: Any, **named: Any) -> None:
        self._original = original
        given = dict(zip(("loc", "scale"), args, strict=False), **named)
        for function in _NORMAL:
            own = _for_values(getattr(original, function.__name__), function)
            setattr(self, function.__name__, functools.partial(own, **given) if given else own)
        if given:
            self._given = given

    def __call__(self, *args: Any, **named: Any) -> Any:
        return _Normal(self._original, *args, **named)

    def __getattr__(self, name: str) -> Any:
        given = vars(self).get("_given", {})
        original = vars(self)["_original"]
        return getattr(original(**given) if given else original, name)
