"""The tail of the normal distribution: erfcx, the distribution function, its logarithm and its inverse.

What shrinks like exp(-x * x) is kept apart from what varies slowly, which is a polynomial in
(a - k) / (a + k) over powers of 1 + 2a (Shepherd and Laframboise, Mathematics of Computation 36, 1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pygrad.reference.arithmetic import div, exp, inf, log1p, nan, sqrt

# Cubics in p - 1, those of the highest powers first: ((1 + 2a) erfcx(a) - 1) / p ...
_VALUE = (
    (
        -1.3719231641787535e-08,
        1.1744062379320159e-09,
        1.0792871618779656e-09,
        -1.1374633932967917e-10,
    ),
    (-7.84358578868263e-07, -3.744348661304143e-08, 1.1126408645222555e-07, -4.42965718477968e-09),
    (
        -8.547204461388966e-06,
        -1.5850913480690984e-05,
        4.627404675296087e-06,
        1.0798348983971697e-06,
    ),
    (0.005431316917049317, -0.0003993468845006219, -0.0003584266390692838, 0.00015916963494743566),
    (0.2188597672780038, -0.12512693227935207, 0.05879656646232313, -0.02162905093047994),
    (0.23299511862555253, -0.372616235466115, 0.3879958875687291, -0.3198988333140429),
)
# ... and ((1 + 2a)**2 (1 - sqrt(pi) a erfcx(a)) - 1) / p.
_SLOPE = (
    (-6.576281289075146e-09, -7.31892151665581e-09, 5.222072176459398e-10, 5.981185328195735e-10),
    (-2.0110452870009863e-07, -3.279332264941388e-07, 4.488422166511125e-08, 5.285766526863688e-08),
    (
        1.0328814446692927e-05,
        -1.271083787338462e-05,
        1.7310406868297132e-07,
        2.0320996826242784e-06,
    ),
    (0.0016617440568588151, -0.0002170567530562692, -0.0001689877869621018, 7.162737993462628e-05),
    (-0.11439709292691301, 0.04042079156913282, -0.006139242120282283, -0.0023777289799894294),
    (0.1855962451647344, 0.16776454301125407, -0.2694761975871314, 0.21357598913441475),
    (1.3246299383996927, -1.6337031119321852, 1.3558294022503528, -0.7630702419894345),
)
# Wichura's rational functions (Applied Statistics 37, 1988), less what is linear in them
_MIDDLE_ABOVE = (
    0.5121328727963667,
    11.490842124681757,
    -4.071696233115044,
    -1776.6197960866982,
    -15067.704685511591,
    -45744.42949825784,
    -49165.54590661246,
    -12517.092997971835,
)
_MIDDLE_BELOW = (
    1.0,
    42.31333070160091,
    687.1870074920579,
    5394.196021424751,
    21213.794301586597,
    39307.89580009271,
    28729.085735721943,
    5226.495278852854,
)
_TAIL_ABOVE = (
    0.04316367324968358,
    0.24461416931102936,
    0.2695716221353133,
    0.09443753723390318,
    -0.004317583069042012,
    -0.009019093049386634,
    -0.0016166337788165502,
    -7.518940645985349e-05,
    -1.6305096326591586e-09,
)
_TAIL_BELOW = (
    1.0,
    2.053191626637759,
    1.6763848301838038,
    0.6897673349851,
    0.14810397642748008,
    0.015198666563616457,
    0.0005475938084995345,
    1.0507500716444169e-09,
)
_FAR_ABOVE = (
    -0.0002984814988962228,
    0.04224586399805581,
    0.016718518319712345,
    0.0020178968382126654,
    5.499036312457025e-05,
    -3.710783688798625e-06,
    -1.9143700672249945e-07,
    -1.9206938633983625e-09,
    -2.9186647042539963e-15,
)
_FAR_BELOW = (
    1.0,
    0.599832206555888,
    0.1369298809227358,
    0.014875361290850615,
    0.0007868691311456133,
    1.8463183175100548e-05,
    1.421511758316446e-07,
    2.0442631033899397e-15,
)


# --- Parts ----------------------------------------------------------------------------------------


def _cubic(q: float, q2: float, c: Sequence[float]) -> float:
    return (c[0] + q * c[1]) + q2 * (c[2] + q * c[3])


def _polynomial(q: float, cubics: Sequence[Sequence[float]]) -> float:
    q2 = q * q
    q4 = q2 * q2
    total = _cubic(q, q2, cubics[0])
    for c in cubics[1:]:
        total = q4 * total + _cubic(q, q2, c)
    return total


def _octic(r: float, c: Sequence[float]) -> float:
    r2 = r * r
    r4 = r2 * r2
    high = _cubic(r, r2, c[4:8])
    return _cubic(r, r2, c) + r4 * (high if len(c) == 8 else high + r4 * c[8])


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -inf if x == 0 else nan


def _exp_of_square(c: float, x: float) -> float:
    """exp(c * x*x), the square split so that its rounding error is not magnified."""
    a = 40.0 if abs(x) > 40.0 else abs(x)
    t = 134217729.0 * a
    high = t - (t - a)
    low = a - high
    return exp(c * (high * high)) * exp(c * (low * (high + a)))


def _nearness(a: float, k: float) -> float:
    b = 1e20 if a > 1e20 else a
    return (2.0 * b) / (b + k)


def _tail_value(p: float) -> float:
    return p * _polynomial(p - 1.0, _VALUE)


def _tail_slope(p: float) -> float:
    return 1.0 + p * _polynomial(p - 1.0, _SLOPE)


def _ratio_of_sums(above: float, below: float) -> float:
    """(1 + above) / (1 + below), with what the sums lose put back."""
    bar = 1.0 + below
    over = 1.0 / bar
    value = 1.0 + above
    z = value / bar
    lost = ((above - (value - 1.0)) - z * (below - (bar - 1.0))) * over
    return z + lost if below < 1e18 else z


def _erfcx_above_zero(a: float) -> float:
    return _ratio_of_sums(_tail_value(_nearness(a, 4.0)), 2.0 * a)


def _scaled_tail(x: float) -> float:
    """erfcx(abs(x) / sqrt(2))."""
    a = abs(x)
    return _ratio_of_sums(_tail_value(_nearness(a, 5.656854249492381)), 1.4142135623730951 * a)


# --- Values and slopes ----------------------------------------------------------------------------


def _erfcx(x: float) -> float:
    a = abs(x)
    z = _erfcx_above_zero(a)
    return 2.0 * _exp_of_square(1.0, a) - z if x < 0 else z


def erfcx(x: float) -> float:
    return _in_range(_erfcx(x), x)


def erfcx_slope(x: float) -> float:
    if x < 0:
        return 2.0 * (x * _erfcx(x)) - 1.1283791670955126
    below = 1.0 + 2.0 * x
    lost = 2.0 * x - (below - 1.0) if below < 1e18 else 0.0
    z = ((1.1283791670955126 * _tail_slope(_nearness(x, 4.0))) / below) / below
    return -(z - z * ((2.0 * lost) / below))


def ndtr(x: float) -> float:
    z = (0.5 * _scaled_tail(x)) * _exp_of_square(-0.5, x)
    return 1.0 - z if x > 0 else z


def ndtr_slope(x: float) -> float:
    return 0.3989422804014327 * _exp_of_square(-0.5, x)


def log_ndtr(x: float) -> float:
    tail = 0.5 * _scaled_tail(x)
    if x > 0:
        return log1p(-(tail * _exp_of_square(-0.5, x)))
    return _in_range(_log(tail) - 0.5 * (x * x), x)


def log_ndtr_slope(x: float) -> float:
    tail = _scaled_tail(x)
    if x > 0:
        e = _exp_of_square(-0.5, x)
        return (0.3989422804014327 * e) / (1.0 - (0.5 * tail) * e)
    return div(0.7978845608028654, tail)


def _in_range(z: float, x: float) -> float:
    if math.isinf(z) and math.isfinite(x):
        raise OverflowError("math range error")
    return z


def _in_domain(z: float, *xs: float) -> float:
    if math.isnan(z) and not any(map(math.isnan, xs)):
        raise ValueError("math domain error")
    if math.isinf(z) and all(map(math.isfinite, xs)):
        raise ValueError("math domain error")
    return z


def _quantile_in_the_middle(q: float) -> float:
    r = 0.180625 - q * q
    return q * (2.875 + _octic(r, _MIDDLE_ABOVE) / _octic(r, _MIDDLE_BELOW))


def _quantile_in_the_tail(s: float) -> float:
    if s == 0:
        return inf
    root = sqrt(-_log(s))
    if root > 5.0:
        t = root - 5.0
        return (1.427734375 * root - 0.48046875) + _octic(t, _FAR_ABOVE) / _octic(t, _FAR_BELOW)
    r = root - 1.6
    return (1.5517578125 * root - 1.1025390625) + _octic(r, _TAIL_ABOVE) / _octic(r, _TAIL_BELOW)


def _ndtri(x: float) -> float:
    q = x - 0.5
    if abs(q) <= 0.425:
        return _quantile_in_the_middle(q)
    return -_quantile_in_the_tail(x) if x < 0.5 else _quantile_in_the_tail(1.0 - x)


def ndtri(x: float) -> float:
    return _in_domain(_ndtri(x), x)


def ndtri_slope(x: float) -> float:
    s = x if x < 0.5 else 1.0 - x
    return inf if s == 0 else (1.2533141373155003 * _scaled_tail(_ndtri(x))) / s


def _erfinv(x: float) -> float:
    a = abs(x)
    if a <= 0.85:
        return 0.7071067811865476 * _quantile_in_the_middle(0.5 * x)
    return 0.7071067811865476 * math.copysign(_quantile_in_the_tail(0.5 * (1.0 - a)), x)


def erfinv(x: float) -> float:
    return _in_domain(_erfinv(x), x)


def erfinv_slope(x: float) -> float:
    s = 1.0 - abs(x)
    return inf if s == 0 else (0.886226925452758 * _erfcx_above_zero(abs(_erfinv(x)))) / s


# --- x log y --------------------------------------------------------------------------------------


def log_slope(y: float) -> float:
    """log(y) as a slope: it does not raise."""
    return y if math.isnan(y) else _log(y)


def log1p_slope(y: float) -> float:
    if y > -1 or math.isnan(y):
        return log1p(y)
    return -inf if y == -1 else nan


def xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0 and not math.isnan(y) else _in_domain(x * log_slope(y), x, y)


def xlog1py(x: float, y: float) -> float:
    return 0.0 if x == 0 and not math.isnan(y) else _in_domain(x * log1p_slope(y), x, y)


def quotient_slope(z: float, x: float, y: float) -> float:
    """x / y with 0 / 0 = 0, nan where z is."""
    return nan if math.isnan(z) else 0.0 if x == 0 and y == 0 else div(x, y)
