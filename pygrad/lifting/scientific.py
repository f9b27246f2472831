"""Functions of SciPy that lifted code has of Values: of the normal distribution and its kin.

SciPy is compiled, and stays as it is. What packages call most of it is stated here once more, for Values;
plain numbers get what SciPy gives. Other functions of it are errors for a Value, as elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import inf, nan, pi, sqrt
from typing import Any

from pygrad import math
from pygrad.lifting.anew import lifted_later
from pygrad.lifting.values import holds_values

_HALF = sqrt(0.5)
_DENSITY = 1.0 / sqrt(2.0 * pi)


def of_special(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.special."""
    return {f.__name__: _for_values(getattr(original, f.__name__), f) for f in _SPECIAL}


def of_stats(original: Any) -> dict[str, Any]:
    """What stands in the place of scipy.stats.norm."""
    return {"norm": _Normal(original.norm)}


def _for_values(original: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """function where there are Values, item by item where there are arrays; else the original."""

    @functools.wraps(original)
    def choose(*args: Any, **named: Any) -> Any:
        if not any(map(holds_values, [*args, *named.values()])):
            return original(*args, **named)
        if function is logsumexp or not any(map(_is_array, [*args, *named.values()])):
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


# -- scipy.special -------------------------------------------------------------------------------


def ndtr(x: Any) -> Any:
    return 0.5 * math.erfc(-_HALF * x)


def log_ndtr(x: Any) -> Any:
    if x > -1.0:
        return math.log1p(-0.5 * math.erfc(_HALF * x))
    if x > -20.0:
        return math.log(0.5 * math.erfc(-_HALF * x))
    w = 1.0 / (x * x)
    rest = w * (-1.0 + w * (3.0 + w * (-15.0 + w * (105.0 - 945.0 * w))))
    return math.log1p(rest) - 0.5 * x * x - math.log(-x / _DENSITY)


def ndtri(y: Any) -> Any:
    if not 0.0 < y < 1.0:
        return (y - 0.5) * (inf if y in (0.0, 1.0) else nan)
    if y > 0.5:
        return -ndtri(1.0 - y)
    found = lifted_later("statistics").NormalDist().inv_cdf(y)
    return found - (ndtr(found) - y) / (_DENSITY * math.exp(-0.5 * found * found))


def erfinv(y: Any) -> Any:
    if not -1.0 < y < 1.0:
        return y * (inf if y in (-1.0, 1.0) else nan)
    if y < 0.0:
        return -erfinv(-y)
    found = -_HALF * ndtri(0.5 * (1.0 - y))
    return found - (math.erf(found) - y) * (0.5 * sqrt(pi)) * math.exp(found * found)


def logit(x: Any) -> Any:
    return math.log(x) - math.log1p(-x)


def xlogy(x: Any, y: Any) -> Any:
    return x * math.log(y) if x != 0.0 or y > 0.0 else x * 0.0 + y * 0.0


def xlog1py(x: Any, y: Any) -> Any:
    return x * math.log1p(y) if x != 0.0 or y > -1.0 else x * 0.0 + y * 0.0


def betaln(a: Any, b: Any) -> Any:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta(a: Any, b: Any) -> Any:
    if a > 0.0 and b > 0.0:
        return math.exp(betaln(a, b))
    return math.gamma(a) * math.gamma(b) / math.gamma(a + b)


def logsumexp(a: Any) -> Any:
    import numpy as np

    items = np.asarray(a, object).ravel().tolist()
    return functools.reduce(math.logaddexp, items)


_SPECIAL = (ndtr, log_ndtr, ndtri, erfinv, logit, xlogy, xlog1py, betaln, beta, logsumexp)


# -- scipy.stats.norm ----------------------------------------------------------------------------


def pdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = _standard(x, loc, scale)
    return math.exp(-0.5 * z * z) * _DENSITY / scale


def logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = _standard(x, loc, scale)
    return -0.5 * z * z - math.log(scale * (1.0 / _DENSITY))


def cdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return ndtr(_standard(x, loc, scale))


def sf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return ndtr(-_standard(x, loc, scale))


def logcdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return log_ndtr(_standard(x, loc, scale))


def logsf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return log_ndtr(-_standard(x, loc, scale))


def ppf(q: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return loc + ndtri(q) * _positive(scale)


def isf(q: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return loc - ndtri(q) * _positive(scale)


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
