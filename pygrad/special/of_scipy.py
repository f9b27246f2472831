"""Functions of scipy.special that SciPy computes: operations that programs call back, with exact rules.

They need the extra `scipy`. A program hands them many rows at once.

>>> from pygrad import grad, special
>>> f"{special.j0(1.5):.12f} {grad(special.j0)(1.5):.12f}"
'0.511827671736 -0.557936507910'
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

from pygrad import math
from pygrad.arrays.array import of_values
from pygrad.arrays.engines import has_values, is_value
from pygrad.arrays.quiet import quietly
from pygrad.rules.external import external
from pygrad.special.functions import gammaln, xlogy
from pygrad.transform import grad

__all__ = [
    "ellipe",
    "ellipk",
    "gammainc",
    "gammaincc",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "j0",
    "j1",
    "jv",
    "k0",
    "k1",
    "lambertw",
    "y0",
    "y1",
    "zeta",
]


@functools.cache
def _scipy() -> Any:
    try:
        import scipy.special
    except ImportError as error:
        raise ImportError(
            "this function of pygrad.special is SciPy's: pip install 'pygrad-core[scipy]'"
        ) from error
    return scipy.special


def _outside(name: str, rule: Callable[..., Any]) -> Any:
    """SciPy's function of a name as an operation."""

    def f(*args: Any) -> Any:
        return getattr(_scipy(), name)(*args)

    f.__name__ = f.__qualname__ = name
    return external(f, jvp=rule, vectorized=True)


def _by_item(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of numbers and Values, of arrays item by item; plain numbers are SciPy's at once."""

    @functools.wraps(function)
    def of_all(*args: Any) -> Any:
        arrays = [isinstance(x, list | tuple) or getattr(x, "ndim", 0) > 0 for x in args]
        if not any(arrays):
            return function(*args)
        found = quietly(np.frompyfunc(function, len(args), 1), *args)
        return of_values(found) if has_values(found) else np.asarray(found, float)

    return of_all


def _only_by_the_last(name: str, what: str, tangent: Any) -> None:
    """TypeError where a derivative is asked for that there is none of."""
    if is_value(tangent):
        raise TypeError(
            f"{name}() has no derivative by {what}, its first argument, that could be computed: give a "
            "plain number there"
        )


# -- Bessel functions --------------------------------------------------------------------------------

_j0: Any = _outside("j0", lambda p, t: -_j1(p[0]) * t[0])
_j1: Any = _outside("j1", lambda p, t: (_j0(p[0]) - _jv(2.0, p[0])) * (0.5 * t[0]))
_y0: Any = _outside("y0", lambda p, t: -_y1(p[0]) * t[0])
_y1: Any = _outside("y1", lambda p, t: (_y0(p[0]) - _y1(p[0]) / p[0]) * t[0])
_i0: Any = _outside("i0", lambda p, t: _i1(p[0]) * t[0])
_i1: Any = _outside("i1", lambda p, t: (_i0(p[0]) + _iv(2.0, p[0])) * (0.5 * t[0]))
_i0e: Any = _outside("i0e", lambda p, t: -math.sign(p[0]) * _i0e_less_i1e(abs(p[0])) * t[0])
_i1e: Any = _outside("i1e", lambda p, t: _i1e_slope(abs(p[0])) * t[0])
_k0: Any = _outside("k0", lambda p, t: -_k1(p[0]) * t[0])
_k1: Any = _outside("k1", lambda p, t: -(_k0(p[0]) + _k1(p[0]) / p[0]) * t[0])


def _i0e_less_i1e(x: Any) -> Any:
    """i0e(x) - i1e(x) for x >= 0, which for large x are nearly equal: their difference without subtraction
    (DLMF 13.6.9 and 13.3.2)."""
    return _hyp1f1(1.5, 2.0, -2.0 * x)


def _hyp1f1_by(a: Any, b: Any, x: Any) -> Any:
    """Kummer's function of x <= 0; where it is too small for a float SciPy gives nan."""
    return np.where(np.less(x, -1e250), 0.0, _scipy().hyp1f1(a, b, x))


def _hyp1f1_rule(p: Any, t: Any) -> Any:
    a, b, x = p
    return a / b * _hyp1f1(a + 1.0, b + 1.0, x) * t[2]


def _i1e_over_by(x: Any) -> Any:
    """i1e(x) / x for x >= 0; 1/2 at 0."""
    return np.where(np.equal(x, 0.0), 0.5, _scipy().i1e(x) / np.where(np.equal(x, 0.0), 1.0, x))


def _i1e_over_rule(p: Any, t: Any) -> Any:
    return -0.5 * _hyp1f1(2.5, 4.0, -2.0 * p[0]) * t[0]  # DLMF 13.6.9 and 13.3.15


# Where the slope of i1e is 0, in two parts, and what it is over the distance from there: Taylor's series.
_TOP = (1.5451272579925426, 1.0630756383046672e-16)
_BY_TOP = (
    -0.050026009428196336, 0.05270624306827756, -0.03294765027144757, 0.015214710546345076,
    -0.005637298635904482, 0.0017519744494522965, -0.0004698272352216896, 0.00011090891073943863,
    -2.339400875441182e-05, 4.4609566412340774e-06, -7.762965862564373e-07, 1.242451415616038e-07,
    -1.8408581059402866e-08, 2.53904624567133e-09, -3.275824922300628e-10, 3.970041409905071e-11,
    -4.536287162070567e-12, 4.903018245781118e-13, -5.0275773249744513e-14, 4.9037990474390766e-15,
    -4.560597596923087e-16, 4.05291822901709e-17,
)  # fmt: skip


def _i1e_slope_by(x: Any) -> Any:
    """The slope of i1e for x >= 0, by its factors near its zero."""
    x = np.asarray(x, float)
    away = (x - _TOP[0]) - _TOP[1]
    near = np.abs(away) < 0.75
    series = np.polynomial.polynomial.polyval(np.where(near, away, 0.0), _BY_TOP)
    return np.where(near, away * series, _hyp1f1_by(1.5, 2.0, -2.0 * x) - _i1e_over_by(x))


def _i1e_slope_rule(p: Any, t: Any) -> Any:
    x = p[0]
    return (0.5 * _hyp1f1(2.5, 4.0, -2.0 * x) - 1.5 * _hyp1f1(2.5, 3.0, -2.0 * x)) * t[0]


_i1e_slope: Any = external(_i1e_slope_by, jvp=_i1e_slope_rule, vectorized=True)
_hyp1f1: Any = external(_hyp1f1_by, jvp=_hyp1f1_rule, vectorized=True)
_i1e_over: Any = external(_i1e_over_by, jvp=_i1e_over_rule, vectorized=True)


def _jv_rule(p: Any, t: Any) -> Any:
    (v, x), (dv, dx) = p, t
    _only_by_the_last("jv", "the order v", dv)
    return (_jv(v - 1.0, x) - _jv(v + 1.0, x)) * (0.5 * dx)


def _iv_rule(p: Any, t: Any) -> Any:
    return (_iv(p[0] - 1.0, p[1]) + _iv(p[0] + 1.0, p[1])) * (0.5 * t[1])


_jv: Any = _outside("jv", _jv_rule)
_iv: Any = _outside("iv", _iv_rule)


def j0(x: Any) -> Any:
    """The Bessel function of the first kind, of order 0."""
    return _by_item(_j0)(x)


def j1(x: Any) -> Any:
    """The same of order 1."""
    return _by_item(_j1)(x)


def jv(v: Any, x: Any) -> Any:
    """The same of any order v, by which there is no derivative: a TypeError."""
    return _by_item(_jv)(v, x)


def y0(x: Any) -> Any:
    """The Bessel function of the second kind, of order 0; x > 0."""
    return _by_item(_y0)(x)


def y1(x: Any) -> Any:
    """The same of order 1."""
    return _by_item(_y1)(x)


def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0."""
    return _by_item(_i0)(x)


def i1(x: Any) -> Any:
    """The same of order 1."""
    return _by_item(_i1)(x)


def i0e(x: Any) -> Any:
    """exp(-abs(x)) * i0(x), without overflow."""
    return _by_item(_i0e)(x)


def i1e(x: Any) -> Any:
    """exp(-abs(x)) * i1(x), without overflow."""
    return _by_item(_i1e)(x)


def k0(x: Any) -> Any:
    """The modified Bessel function of the second kind, of order 0; x > 0."""
    return _by_item(_k0)(x)


def k1(x: Any) -> Any:
    """The same of order 1."""
    return _by_item(_k1)(x)


# -- incomplete gamma functions ----------------------------------------------------------------------


def _gammainc_rule(p: Any, t: Any) -> Any:
    (a, x), (da, dx) = p, t
    _only_by_the_last("gammainc", "a", da)
    return math.exp(xlogy(a - 1.0, x) - x - gammaln(a)) * dx


def _gammaincc_rule(p: Any, t: Any) -> Any:
    _only_by_the_last("gammaincc", "a", t[0])
    return -_gammainc_rule(p, (0.0, t[1]))


_gammainc: Any = _outside("gammainc", _gammainc_rule)
_gammaincc: Any = _outside("gammaincc", _gammaincc_rule)


def gammainc(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function, over gamma(a); by a there is no derivative: a TypeError."""
    return _by_item(_gammainc)(a, x)


def gammaincc(a: Any, x: Any) -> Any:
    """1 - gammainc(a, x), accurate in its tail."""
    return _by_item(_gammaincc)(a, x)


# -- others ------------------------------------------------------------------------------------------


def _lambert(k: int) -> Any:
    def w(x: Any) -> Any:
        found = _scipy().lambertw(x, k)
        return np.where(np.imag(found) == 0.0, np.real(found), np.nan)

    def rule(p: Any, t: Any) -> Any:
        value = branch(p[0])
        return math.exp(-value) / (1.0 + value) * t[0]

    w.__name__ = w.__qualname__ = "lambertw"
    branch = external(w, jvp=rule, vectorized=True)
    return branch


_lambertw: Any = {k: _lambert(k) for k in (0, -1)}


def lambertw(x: Any, k: int = 0) -> Any:
    """The real w with w * exp(w) = x, of branch 0 or -1; nan where there is none."""
    if k not in _lambertw:
        raise ValueError(f"lambertw() is real on the branches 0 and -1, not {k!r}")
    return _by_item(_lambertw[k])(x)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # of 2, 4, ... 14


def _zeta_summed(s: Any, q: Any) -> Any:
    """The sum of (q + k) ** -s over all k >= 0, by Euler and Maclaurin."""
    head = math.sum([math.pow(q + k, -s) for k in range(12)])
    end = q + 12.0
    total = head + math.pow(end, 1.0 - s) / (s - 1.0) + 0.5 * math.pow(end, -s)
    factor, power = s, math.pow(end, -s - 1.0)
    for j, number in enumerate(_BERNOULLI, 1):
        total = total + number / math.factorial(2 * j) * factor * power
        factor, power = factor * (s + (2.0 * j - 1.0)) * (s + 2.0 * j), power / (end * end)
    return total


def _zeta_rule(p: Any, t: Any) -> Any:
    (s, q), (ds, dq) = p, t
    by_s = grad(lambda s: _zeta_summed(s, q))(s) * ds if is_value(ds) else 0.0
    by_q = -s * _zeta(s + 1.0, q) * dq if is_value(dq) else 0.0
    return by_s + by_q


_zeta: Any = _outside("zeta", _zeta_rule)


def zeta(x: Any, q: Any = None) -> Any:
    """The sum of (q + k) ** -x over all k >= 0, for x > 1: Riemann's zeta function, or Hurwitz's. Below 1
    plain numbers have Riemann's as it is continued there."""
    if q is None:
        return _by_item(_riemann)(x)
    return _by_item(_zeta)(x, q)


def _riemann(x: Any) -> Any:
    return _zeta(x, 1.0) if is_value(x) or x > 1.0 else float(_scipy().zeta(float(x)))


def _hyp2f1_rule(p: Any, t: Any) -> Any:
    a, b, c, m = p
    return a * b / c * _hyp2f1(a + 1.0, b + 1.0, c + 1.0, m) * t[3]


_hyp2f1: Any = _outside("hyp2f1", _hyp2f1_rule)


def _by_carlson(*places: int) -> Any:
    """Carlson's integral R_D of 0, 1 and 1 - m in these places."""

    def elliprd(m: Any) -> Any:
        given = 0.0, 1.0, 1.0 - np.asarray(m, float)
        return _scipy().elliprd(*[given[place] for place in places])

    return elliprd


# Slopes are R_D / 6 of these (DLMF 19.25.1), where SciPy's hyp2f1 would lose digits; theirs are of that.
_ellipk_slope: Any = external(
    _by_carlson(0, 1, 2),
    jvp=lambda p, t: 27 * pi / 32 * _hyp2f1(2.5, 2.5, 3.0, p[0]) * t[0],
    vectorized=True,
)
_ellipe_slope: Any = external(
    _by_carlson(0, 2, 1),
    jvp=lambda p, t: 9 * pi / 32 * _hyp2f1(1.5, 2.5, 3.0, p[0]) * t[0],
    vectorized=True,
)
_ellipk: Any = _outside("ellipk", lambda p, t: _ellipk_slope(p[0]) * (t[0] / 6.0))
_ellipe: Any = _outside("ellipe", lambda p, t: -_ellipe_slope(p[0]) * (t[0] / 6.0))


def ellipk(m: Any) -> Any:
    """The complete elliptic integral of the first kind, of the parameter m < 1."""
    return _by_item(_ellipk)(m)


def ellipe(m: Any) -> Any:
    """The same of the second kind."""
    return _by_item(_ellipe)(m)
