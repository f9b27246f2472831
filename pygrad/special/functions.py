"""Functions of scipy.special that are made of operations; without SciPy.

Plain numbers give what SciPy gives, at poles and outside domains too; of Values, eager code raises there
what `pygrad.math` raises, and a program has inf or nan. Derivatives keep their digits in tails.

>>> from pygrad.special.functions import expit
>>> expit(0.0)
0.5
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from math import copysign, inf, isnan, nan, pi
from typing import Any

import numpy as np

from pygrad import math
from pygrad.arrays.array import of_values
from pygrad.arrays.elementary import isfinite
from pygrad.arrays.engines import has_values, is_value
from pygrad.arrays.quiet import quietly
from pygrad.core.implementation import FUNCTIONS, Value, stated, trace_active
from pygrad.rules.custom import custom_jvp
from pygrad.transform import grad

__all__ = [
    "beta",
    "betaln",
    "cbrt",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "expit",
    "exprel",
    "gamma",
    "gammaln",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]


_TINY = 1e-300  # what is smaller has an inverse that may be no float
_LARGEST = 709.0  # what is larger has an exponential that may be none


# -- how ---------------------------------------------------------------------------------------------


def _is_array(x: Any) -> bool:
    return isinstance(x, list | tuple) or getattr(x, "ndim", 0) > 0


def _kept(made: Any) -> Any:
    """An array of what has been made, of floats where there are no Values."""
    if not _is_array(made):
        return made
    return of_values(made) if has_values(made) else np.asarray(made, float)


def _by_item(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of numbers and Values, of arrays item by item."""

    @functools.wraps(function)
    def of_all(*args: Any) -> Any:
        if not any(map(_is_array, args)):
            return function(*args)
        return _kept(quietly(np.frompyfunc(function, len(args), 1), *args))

    return of_all


def _or_limit(limit: Callable[..., float]) -> Callable[..., Any]:
    """Of plain numbers, for which the function raises, what SciPy gives."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def of_items(*args: Any) -> Any:
            try:
                return function(*args)
            except (ValueError, ArithmeticError):
                if any(map(is_value, args)):
                    raise
                # Which is an OverflowError of an int that is too large for a float
                return limit(*map(float, args))

        return of_items

    return decorate


@_or_limit(lambda x: inf)
def _exp(x: Any) -> Any:
    return math.exp(x)


@_or_limit(lambda x: -inf if x == 0.0 else nan)
def _log(x: Any) -> Any:
    """The logarithm, -inf of 0."""
    nothing = x == 0.0
    return math.where(nothing, -inf, math.log(math.where(nothing, 1.0, x)))


# -- the normal distribution -------------------------------------------------------------------------


@_by_item
def erf(x: Any) -> Any:
    """The error function."""
    return math.erf(x)


@_by_item
def erfc(x: Any) -> Any:
    """1 - erf(x), accurate in its tail."""
    return math.erfc(x)


@_by_item
@_or_limit(lambda x: inf)
def erfcx(x: Any) -> Any:
    """exp(x * x) * erfc(x), without underflow."""
    return FUNCTIONS["erfcx"](x)


@_by_item
@_or_limit(lambda y: y * inf if abs(y) == 1.0 else nan)
def erfinv(y: Any) -> Any:
    """The x with erf(x) = y."""
    return FUNCTIONS["erfinv"](y)


@_by_item
def ndtr(x: Any) -> Any:
    """The distribution function of the normal distribution."""
    return FUNCTIONS["ndtr"](x)


@_by_item
@_or_limit(lambda x: -inf)
def log_ndtr(x: Any) -> Any:
    """log(ndtr(x)), without underflow."""
    return FUNCTIONS["log_ndtr"](x)


@_by_item
@_or_limit(lambda y: (y - 0.5) * inf if y in {0.0, 1.0} else nan)
def ndtri(y: Any) -> Any:
    """The x with ndtr(x) = y."""
    return FUNCTIONS["ndtri"](y)


# -- the gamma function ------------------------------------------------------------------------------


def _pole_of_gamma(x: float) -> float:
    if abs(x) < _TINY:
        return copysign(inf, x)
    return inf if x > 0.0 else nan


@_by_item
@_or_limit(_pole_of_gamma)
def gamma(x: Any) -> Any:
    """The gamma function."""
    return FUNCTIONS["gamma"](x)


@_by_item
@_or_limit(lambda x: inf)
def gammaln(x: Any) -> Any:
    """The logarithm of the absolute value of the gamma function."""
    if is_value(x):
        return math.lgamma(x)
    return stated.number_in(math.lgamma(Value(x)))  # that of Python is off beside its zeros


def _pole_of_digamma(x: float) -> float:
    return copysign(inf, -x) if abs(x) < _TINY else nan


@_by_item
@_or_limit(_pole_of_digamma)
def digamma(x: Any) -> Any:
    """The logarithmic derivative of the gamma function."""
    return FUNCTIONS["digamma"](x)


psi = digamma


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma; n is a whole number, and no Value."""
    order = operator.index(n)
    if order < 0:
        raise ValueError("polygamma needs an order n >= 0")
    function: Callable[..., Any] = FUNCTIONS["digamma"]
    for _ in range(order):
        function = grad(function)
    limit = copysign(inf, (-1.0) ** (order + 1))
    pole = _or_limit(lambda x: limit if order else _pole_of_digamma(x))
    return _by_item(pole(lambda x: function(x if is_value(x) else float(x))))(x)


def _beta_at_pole(a: float, b: float) -> tuple[float, float] | None:
    """Where gamma functions have poles that cancel, whole numbers of which beta is the same, or minus that
    if the second one is odd; None where it is infinite.
    """
    for p, q in ((a, b), (b, a)):
        if _is_pole(p):
            return (1.0 - p - q, q) if q % 1.0 == 0.0 and 1.0 - p - q > 0.0 else None
    return None


def _limit_of_betaln(a: float, b: float) -> float:
    """What SciPy has where a gamma function has a pole or is too large."""
    if _is_pole(a) or _is_pole(b):
        known = _beta_at_pole(a, b)
        return inf if known is None else float(betaln(*known))
    if _is_pole(a + b):
        return -inf
    return inf if min(abs(a), abs(b)) < _TINY and not isnan(a + b) else nan


def _limit_of_beta(a: float, b: float) -> float:
    if _is_pole(a) or _is_pole(b):
        known = _beta_at_pole(a, b)
        return inf if known is None else float(beta(*known)) * (-1.0) ** (known[1] % 2.0)
    if _is_pole(a + b):
        return 0.0
    sign = float(_sign_of_gamma(a) * _sign_of_gamma(b) * _sign_of_gamma(a + b))
    return sign * inf if betaln(a, b) > _LARGEST else nan


def _is_pole(x: float) -> bool:
    """Whether the gamma function has a pole there."""
    return x <= 0.0 and x % 1.0 == 0.0


@custom_jvp
def _betaln(a: Any, b: Any) -> Any:
    far = _is_far(a, b)
    near = math.log(abs(_beta_near(math.where(far, 1.0, a), math.where(far, 1.0, b))))
    return math.where(far, _betaln_far(far, a, b), near)


def _beta_near(x: Any, y: Any) -> Any:
    """beta(x, y), in an order in which nothing leaves the range of floats but the result."""
    swapped = abs(x) < abs(y)
    p, q = math.where(swapped, y, x), math.where(swapped, x, y)
    return FUNCTIONS["gamma"](p) / FUNCTIONS["gamma"](x + y) * FUNCTIONS["gamma"](q)


@_betaln.defjvp
def _betaln_rule(p: Any, t: Any) -> Any:
    (a, b), (da, db) = p, t
    by_a = -_digamma_rise(a, b) * da if is_value(da) else 0.0
    by_b = -_digamma_rise(b, a) * db if is_value(db) else 0.0
    return _betaln(a, b), by_a + by_b


@custom_jvp
def _beta(a: Any, b: Any) -> Any:
    far = _is_far(a, b)
    x, y = math.where(far, 1.0, a), math.where(far, 1.0, b)
    whole = x + y
    # What the sum was rounded by counts as much as the slope of gamma is steep.
    without = whole - x
    rounded = (x - (whole - without)) + (y - without)
    near = _beta_near(x, y)
    near = near - near * (FUNCTIONS["digamma"](whole) * rounded)
    sign = _sign_of_gamma(a) * _sign_of_gamma(b) * _sign_of_gamma(a + b)
    return math.where(far, sign * math.exp(_betaln_far(far, a, b)), near)


@_beta.defjvp
def _beta_rule(p: Any, t: Any) -> Any:
    (a, b), (da, db) = p, t
    value = _beta(a, b)
    by_a = -(value * _digamma_rise(a, b)) * da if is_value(da) else 0.0
    by_b = -(value * _digamma_rise(b, a)) * db if is_value(db) else 0.0
    return value, by_a + by_b


def _digamma_rise(a: Any, b: Any) -> Any:
    """digamma(a + b) - digamma(a); of positive numbers without that subtraction: by the recurrence and
    Stirling's series, term by term (Abramowitz and Stegun 6.3.6 and 6.3.18)."""
    positive = (a > 0.0) & (b > 0.0)
    x, y = math.where(positive, a, 1.0), math.where(positive, b, 1.0)
    steps = [y / (x + k + y) / (x + k) for k in range(8)]
    far = x + 8.0
    r, s = 1.0 / far, 1.0 / (far + y)
    less = (y * s) * r  # r - s
    term = less * (r + s)  # of squares, then of their powers
    series, power = 0.5 * less, term
    for c in _DIGAMMA:
        series = series + c * term
        power = power * (s * s)
        term = term * (r * r) + power
    rise = math.sum(steps) + (math.log1p(y / far) + series)
    u, v = math.where(positive, 1.0, a), math.where(positive, 1.0, b)
    return math.where(positive, rise, FUNCTIONS["digamma"](u + v) - FUNCTIONS["digamma"](u))


_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


@_by_item
@_or_limit(_limit_of_betaln)
def betaln(a: Any, b: Any) -> Any:
    """The logarithm of the absolute value of beta(a, b)."""
    return _betaln(a, b)


@_by_item
@_or_limit(_limit_of_beta)
def beta(a: Any, b: Any) -> Any:
    """gamma(a) * gamma(b) / gamma(a + b); of large arguments by logarithms."""
    return _beta(a, b)


def _is_far(a: Any, b: Any) -> Any:
    """Whether products of gamma functions may leave the range of floats."""
    return (abs(a) > 80.0) | (abs(b) > 80.0)


def _betaln_far(far: Any, a: Any, b: Any) -> Any:
    """betaln where one of two is large: by Stirling's series, as the logarithms of two gamma functions
    would nearly cancel, unless their sum is small or negative."""
    swapped = a < b
    p, q = math.where(swapped, a, b), math.where(swapped, b, a)
    endless = far & (p <= q) & ((p == -inf) | (q == inf))
    series = far & (q > 80.0) & (p + q > 80.0) & (endless ^ True)
    small, large = math.where(series, p, 1.0), math.where(series, q, 100.0)
    beside = _stirling(large) - _stirling(small + large)
    quotient = (large - 0.5) * math.log1p(small / large) + small * (math.log(small + large) - 1.0)
    by_series = math.lgamma(small) + (beside - quotient)
    other = far & (series ^ True) & (endless ^ True)
    x, y = math.where(other, a, 1.0), math.where(other, b, 1.0)
    by_logarithms = math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)
    limit = -inf * math.where(endless, p, 1.0)
    return math.where(endless, limit, math.where(series, by_series, by_logarithms))


def _stirling(x: Any) -> Any:
    """What Stirling's formula misses of lgamma(x), for x > 80."""
    r = 1.0 / x
    return r * _series(r * r, (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188))


def _sign_of_gamma(x: Any) -> Any:
    """-1 between -1 and 0, -3 and -2, ..."""
    odd = (x < 0.0) & ((0.5 * x) % 1.0 >= 0.5)
    return math.where(odd, -1.0, 1.0)


# -- logarithms and exponentials ---------------------------------------------------------------------


@_by_item
def expit(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return FUNCTIONS["sigmoid"](x)


@_by_item
def log_expit(x: Any) -> Any:
    """log(expit(x)), without underflow."""
    return -FUNCTIONS["softplus"](-x)


@_by_item
@_or_limit(lambda p: (p - 0.5) * inf if p in {0.0, 1.0} else nan)
def logit(p: Any) -> Any:
    """log(p / (1 - p)), accurate around 1/2, where it is 0."""
    inner = (p > 0.25) & (p < 0.75)
    middle = 2.0 * math.atanh(2.0 * math.where(inner, p, 0.5) - 1.0)
    outer = math.where(inner, 0.5, p)
    return math.where(inner, middle, math.log(outer) - math.log1p(-outer))


@_by_item
@_or_limit(lambda x, y: x * _log(y))
def xlogy(x: Any, y: Any) -> Any:
    """x * log(y), and 0 where x is 0."""
    return FUNCTIONS["xlogy"](x, y)


@_by_item
@_or_limit(lambda x, y: x * _log(1.0 + y))
def xlog1py(x: Any, y: Any) -> Any:
    """x * log(1 + y), and 0 where x is 0."""
    return FUNCTIONS["xlog1py"](x, y)


@_by_item
@_or_limit(lambda x: -inf)
def entr(x: Any) -> Any:
    """-x * log(x); 0 at 0, and -inf below."""
    below = x < 0.0
    inside = math.where(below, 1.0, x)
    return math.where(below, -inf, 0.0 - FUNCTIONS["xlogy"](inside, inside))


@_by_item
def cbrt(x: Any) -> Any:
    """The cube root, of negative numbers too."""
    return FUNCTIONS["cbrt"](x)


def _series(x: Any, coefficients: tuple[float, ...]) -> Any:
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


_EXPREL = tuple(1.0 / math.factorial(k + 1) for k in range(19))
_SINC = tuple((-1.0) ** k * (pi**2) ** k / math.factorial(2 * k + 1) for k in range(13))


@_by_item
@_or_limit(lambda x: inf)
def exprel(x: Any) -> Any:
    """(exp(x) - 1) / x, and 1 at 0."""
    near = abs(x) < 1.0
    far = math.where(near, 1.0, x)
    series = _series(math.where(near, x, 0.0), _EXPREL)
    return math.where(near, series, math.expm1(far) / math.where(far > 1e300, 1.0, far))


@_by_item
@_or_limit(lambda x: nan)
def sinc(x: Any) -> Any:
    """sin(pi * x) / (pi * x), and 1 at 0."""
    near = abs(x) < 0.5
    far = pi * math.where(near, 1.0, x)
    inner = math.where(near, x, 0.0)
    return math.where(near, _series(inner * inner, _SINC), math.sin(far) / far)


# -- sums --------------------------------------------------------------------------------------------


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """log(sum(b * exp(a))) without overflow, over all items or along an axis or several."""
    a = _as_array(a)
    if b is not None:
        a, b = np.broadcast_arrays(a, _as_array(b))
        b = np.asarray(b)
    return _reduced(a, b, axis, keepdims, _log_of_sum)


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)), over all items or along an axis or several."""
    return _mapped(x, axis, _softmax_of)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """log(softmax(x)), without underflow."""
    return _mapped(x, axis, _log_softmax_of)


def _as_array(x: Any) -> Any:
    return np.array(np.asarray(x), dtype=object)


def _largest(items: list[Any]) -> Any:
    """The largest item, through which no derivative goes."""
    return FUNCTIONS["stop_gradient"](functools.reduce(FUNCTIONS["maximum"], items))


def _shift(items: list[Any]) -> Any:
    """The same, or 0 where that is infinite."""
    largest = _largest(items)
    return math.where(isfinite(largest), largest, 0.0)


def _log_of_sum(items: list[Any], weights: list[Any] | None) -> Any:
    if not items:
        return -inf
    shift = _shift(items)
    terms = [_exp(x - shift) for x in items]
    if weights is not None:
        terms = [math.where(w == 0.0, 0.0, w * t) for w, t in zip(weights, terms, strict=True)]
    total = math.sum(terms)
    return shift + _log(total)


@_or_limit(lambda term, total: nan)
def _part(term: Any, total: Any) -> Any:
    return term / total


def _softmax_of(items: list[Any]) -> list[Any]:
    """An item above 1/2 is what the others leave of 1, so that its slope is no difference of numbers near
    1. Where a trace runs nobody knows which one that is."""
    if not items:
        return []
    shift = _largest(items)
    terms = [_exp(x - shift) for x in items]
    total = math.sum(terms)
    found = [_part(t, total) for t in terms]
    last = len(terms) - 1
    if trace_active():
        before = [0.0, *itertools.accumulate(terms[:last])]
        behind = [0.0, *itertools.accumulate(terms[:0:-1])]
        rests = {i: before[i] + behind[last - i] for i in range(last + 1)}
    else:
        i = functools.reduce(lambda i, k: k if terms[k] > terms[i] else i, range(last + 1))
        rests = {i: math.sum(terms[:i]) + math.sum(terms[:i:-1])}
    for i, rest in rests.items():
        above = (terms[i] > rest) & (terms[i] < inf)
        found[i] = math.where(above, 1.0 - rest / total, found[i])
    return found


def _log_softmax_of(items: list[Any]) -> list[Any]:
    shift = _shift(items)
    moved = [x - shift for x in items]
    rest = _log(math.sum([_exp(x) for x in moved]))
    return [x - rest for x in moved]


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(range(ndim)[operator.index(i)] for i in given))


def _reduced(a: Any, b: Any, axis: Any, keepdims: bool, function: Callable[..., Any]) -> Any:
    """The function of all items along the axes, in the place of these."""
    axes = _axes(axis, a.ndim)
    kept = tuple(i for i in range(a.ndim) if i not in axes)
    shape = tuple(a.shape[i] for i in kept)
    rows = a.transpose(kept + axes).reshape(*shape, -1)
    weights = rows if b is None else b.transpose(kept + axes).reshape(*shape, -1)
    found: Any = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        found[place] = function(
            rows[place].tolist(), None if b is None else weights[place].tolist()
        )
    if keepdims:
        found = found.reshape([1 if i in axes else n for i, n in enumerate(a.shape)])
    return _kept(found) if found.ndim else found[()]


def _mapped(x: Any, axis: Any, function: Callable[[list[Any]], list[Any]]) -> Any:
    """The function of all items along the axes, whose results take their places."""
    a = _as_array(x)
    axes = _axes(axis, a.ndim)
    kept = tuple(i for i in range(a.ndim) if i not in axes)
    order = kept + axes
    turned = a.transpose(order)
    rows = turned.reshape(*(a.shape[i] for i in kept), -1)
    found = np.empty(rows.shape, dtype=object)
    for place in np.ndindex(rows.shape[:-1]):
        found[place] = function(rows[place].tolist())
    back = found.reshape(turned.shape).transpose(np.argsort(order))
    return _kept(back) if a.ndim else back[()]
