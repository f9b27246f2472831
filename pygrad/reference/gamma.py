"""The gamma function, its logarithm, and their derivatives.

Series and recurrences are those of Abramowitz and Stegun, chapter 6. Polynomials
interpolate at Chebyshev's nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pygrad.reference.arithmetic import div, inf, libm_pow, nan
from pygrad.reference.formulas import product_lost

# lgamma(1 + d) / d, for d from -1/4 to 1/2
_BY_ONE = (
    -0.5772156649015329,
    0.8224670334241131,
    -0.4006856343865304,
    0.27058080842783183,
    -0.20738555102909395,
    0.1695571769891583,
    -0.14404989670121374,
    0.1255096701225694,
    -0.11133427134128401,
    0.10009943889128511,
    -0.09095377585749281,
    0.0833539229301034,
    -0.07693834399295793,
    0.07144286096823818,
    -0.06660002797561868,
    0.06224250004458276,
    -0.058977697054169845,
    0.05790211255423161,
    -0.056518139297869995,
    0.04671230819605673,
    -0.025986773971407036,
    0.006837511584303814,
)
# lgamma(2 + d) / d, for d from -0.7 to 1/2
_BY_TWO = (
    0.42278433509846713,
    0.32246703342411326,
    -0.06735230105319835,
    0.020580808427777368,
    -0.007385551028648573,
    0.0028905103311887862,
    -0.0011927539126101192,
    0.0005096695118652065,
    -0.0002231547441510555,
    9.945771687502075e-05,
    -4.492632942865244e-05,
    2.0505287297670718e-05,
    -9.43958800920945e-06,
    4.38594243516515e-06,
    -2.0341311256670248e-06,
    9.172407111454028e-07,
    -4.797551028825787e-07,
    2.817924786762465e-07,
    -2.0922794638501236e-08,
    -9.314310697398248e-10,
    -1.0428712512791148e-07,
)
# digamma(1.75 + t) / (1.75 + t - root), for t from -3/4 to 3/4
_BY_ROOT = (
    0.8581832171262995,
    -0.3262546278681057,
    0.1571201133520356,
    -0.08228558635577421,
    0.04479965445346671,
    -0.024890048489327913,
    0.013985786157589093,
    -0.007910468765597353,
    0.004491814230188876,
    -0.002556686700917371,
    0.0014573685124658021,
    -0.0008314950930624974,
    0.000474727616562906,
    -0.00027110565826077765,
    0.00015459265153371102,
    -8.831673837151642e-05,
    5.1398705126837106e-05,
    -2.9367803644173363e-05,
    1.4487003402656893e-05,
    -8.277907777699667e-06,
    8.507077411101826e-06,
    -4.86113586531963e-06,
    -1.2335673403459895e-06,
    7.049012638469318e-07,
    2.0776397503965925e-06,
    -1.1872212713245974e-06,
)
_ROOT = (1.4616321449683622, 9.549995429965697e-17)  # of digamma, in two parts
# B(2k) / (2k (2k - 1)), B(2k) / 2k and B(2k) / (2k)! of Bernoulli's numbers B
_STIRLING = (
    0.08333333333333333,
    -0.002777777777777778,
    0.0007936507936507937,
    -0.0005952380952380953,
    0.0008417508417508417,
    -0.0019175269175269176,
    0.00641025641025641,
    -0.029550653594771242,
    0.17964437236883057,
)
_OF_DIGAMMA = (
    0.08333333333333333,
    -0.008333333333333333,
    0.003968253968253968,
    -0.004166666666666667,
    0.007575757575757576,
    -0.021092796092796094,
    0.08333333333333333,
    -0.4432598039215686,
    3.0539543302701198,
)
# The slope of digamma from 3 on, by squares of 1 / x
_OF_TRIGAMMA = (
    0.16666666666666663,
    -0.033333333333160034,
    0.023809523706389883,
    -0.03333330880144696,
    0.07575447786930659,
    -0.25287399814659733,
    1.1542975037487164,
    -6.639068782706134,
    42.586552301671425,
    -262.6816398079848,
    1355.617460055766,
    -5159.302656872705,
    12453.77249775757,
    -14074.060850362162,
)
# The sum of (x + k)**-2 over all whole k but the nearest to -x, by squares of the distance
_BY_POLE = (
    3.289868133696453,
    6.493939402266984,
    10.17343061979196,
    14.057082993798039,
    18.017901859902814,
    22.00543471040072,
    26.001017266930415,
    30.011401002514283,
    33.85228692419477,
    39.444258820260046,
    31.732095107417287,
    98.87654816408536,
    -143.5305103572228,
    537.2241184844659,
    -697.9828502895857,
    661.1989148278246,
)
# (gamma(1 + d) - 1) / (d (d - 1)), for d - 1/2 from -1/2 to 1/2
_BY_UNIT = (
    0.45509229818896796,
    -0.12935358979554007,
    0.16111537800265782,
    -0.08823514092306518,
    0.0658800758336633,
    -0.042848354493856045,
    0.029079087968008163,
    -0.019385675690670352,
    0.01296592934174182,
    -0.008652932503980443,
    0.005773590041290861,
    -0.003850840721538205,
    0.0025686225186555634,
    -0.0017127104712047225,
    0.0011371126259568285,
    -0.0007581226679561294,
    0.0005285388837368686,
    -0.0003523668923580547,
    0.00016605321589813066,
    -0.00011070333461605974,
    0.00018977929146376098,
    -0.00012651977196833709,
)
# Stirling's series, (gamma(x) / (sqrt(2 pi / e) (x / e)**(x - 1/2)) - 1) x, in powers of 1 / x
_BESIDE = (
    0.08333333333333334,
    0.003472222222220452,
    -0.002681327160196758,
    -0.00022947211923071966,
    0.000784040511048158,
    6.968751228139143e-05,
    -0.0005913358558158259,
    -6.285283289074217e-05,
    0.0009356551939849346,
    -0.00042845871774290097,
    -0.0006490690282856402,
)
_SQRT_TWO_PI_BY_E = (1.520346901066281, 6.077249945758854e-17)  # the second: by how much too large
_E = (2.718281828459045, 1.4456468917292502e-16)
_PI = 3.141592653589793


def _polynomial(coefficients: Sequence[float], x: float) -> float:
    """By Horner's scheme."""
    total = 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


def _lgamma_by_one(d: float) -> float:
    return d * _polynomial(_BY_ONE, d) + 0.0  # not -0.0 for lgamma(1)


def _lgamma_by_two(d: float) -> float:
    return d * _polynomial(_BY_TWO, d)


def _lgamma_above_zero(x: float) -> float:
    if x >= 8:
        r = 1.0 / x
        return (x - 0.5) * (math.log(x) - 1.0) + (
            0.4189385332046727 + r * _polynomial(_STIRLING, r * r)
        )
    if x < 0.5:
        return _lgamma_by_one(x) - math.log(x)
    if x < 0.75:
        return _lgamma_by_two(x - 1.0) - math.log(x)
    if x < 1.375:
        return _lgamma_by_one(x - 1.0)
    if x < 2.5:
        return _lgamma_by_two(x - 2.0)
    product = 1.0
    while x >= 2.5:
        x -= 1.0
        product *= x
    return math.log(product) + _lgamma_by_two(x - 2.0)


def lgamma(x: float) -> float:
    """log(abs(gamma(x))), with the exceptions of math.lgamma."""
    if not math.isfinite(x):
        return x * x
    if x > 0:
        z = _lgamma_above_zero(x)
        if math.isinf(z):
            raise OverflowError("math range error")
        return z
    if math.floor(x) == x:
        raise ValueError("math domain error")
    if x >= -0.25:
        return _lgamma_by_one(x) - math.log(-x)
    sine = math.sin(_PI * (x - round(x)))
    return math.log(_PI / abs(x * sine)) - _lgamma_above_zero(-x)


def _digamma_above_zero(x: float) -> float:
    if x >= 8:
        r = 1.0 / x
        z = r * r
        return math.log(x) - (0.5 * r + z * _polynomial(_OF_DIGAMMA, z))
    if x < 1:
        return _digamma_by_root(1.0 + x) - div(1.0, x)
    total = 0.0
    while x >= 2.5:
        x -= 1.0
        total += 1.0 / x
    return _digamma_by_root(x) + total


def _digamma_by_root(x: float) -> float:
    return ((x - _ROOT[0]) - _ROOT[1]) * _polynomial(_BY_ROOT, x - 1.75)


def digamma_slope(x: float) -> float:
    """digamma(x), the slope of lgamma."""
    if x == 0:
        return math.copysign(inf, -x)
    if not math.isfinite(x):
        return nan if x < 0 else x
    if x > 0:
        return _digamma_above_zero(x)
    part = x - round(x)
    if part == 0:
        return nan
    return _digamma_above_zero(1.0 - x) - div(_PI, math.tan(_PI * part))


def _or_error(x: float, z: float) -> float:
    """z, a function with poles at x, or the exception that math has for it."""
    if math.isfinite(z) or math.isnan(x) or x == inf:
        return z
    if math.isnan(z) or x == 0:
        raise ValueError("math domain error")
    raise OverflowError("math range error")


def digamma(x: float) -> float:
    """The same with exceptions, at 0 and the negative whole numbers as those of math.lgamma."""
    return _or_error(x, digamma_slope(x))


def _trigamma_above_zero(x: float) -> float:
    terms = 0
    while x + terms < 3:
        terms += 1
    r = 1.0 / (x + terms)
    z = r * r
    total = r + z * (0.5 + r * _polynomial(_OF_TRIGAMMA, z))
    for k in range(terms - 1, 0, -1):  # the smallest first
        total += 1.0 / ((x + k) * (x + k))
    return total if terms == 0 else total + (1.0 / x) / x


def trigamma(x: float) -> float:
    """The slope of digamma: the sum of (x + k)**-2 over k = 0, 1, 2 ...

    Below 0 it is the sum over all whole k, less that over those below 0.
    """
    if math.isinf(x):
        return 0.0 if x > 0 else nan
    if math.isnan(x):
        return nan
    if x > 0:
        return _trigamma_above_zero(x)
    part = x - round(x)
    if part == 0.0 and x < 0:
        return nan  # as digamma is at its poles below 0
    rest = _polynomial(_BY_POLE, part * part) - _trigamma_above_zero(1.0 - x)
    return div(div(1.0, part), part) + rest


def _gamma_by_unit(d: float) -> float:
    """gamma(1 + d) for d from 0 to 1; exact at both ends."""
    return 1.0 + (d * (d - 1.0)) * _polynomial(_BY_UNIT, d - 0.5)


def _gamma_power(x: float, part: float) -> float:
    """(x / e) ** (x - 1/2) to the power of part; gamma(x) is that times _gamma_beside(x)."""
    return libm_pow(x / _E[0], (x - 0.5) * part)


def _gamma_beside(x: float) -> float:
    """sqrt(2 pi / e) times Stirling's series, and what the power misses since x / e is rounded."""
    q, r = x / _E[0], 1.0 / x
    left = (x - q * _E[0]) - product_lost(q, _E[0])
    missed = (x - 0.5) * ((left - q * _E[1]) / x)
    c, too_large = _SQRT_TWO_PI_BY_E
    return c + c * (r * _polynomial(_BESIDE, r) + (missed - too_large))


def _gamma_above_zero(x: float) -> float:
    if x < 1:
        return div(_gamma_by_unit(x), x)
    if x < 8 or (x <= 23 and math.floor(x) == x):
        product, lost = 1.0, 0.0
        while x > 2:
            x -= 1.0
            lost = lost * x + product_lost(product, x)
            product *= x
        unit = _gamma_by_unit(x - 1.0)
        return product * unit + lost * unit
    return inf if x > 172 else _gamma_power(x, 1.0) * _gamma_beside(x)


def _over_gamma(y: float, x: float) -> float:
    """y / gamma(x) for x from 140 on, where gamma(x) may be infinite."""
    if x > 200:
        return y * 0.0
    half = _gamma_power(x, 0.5)
    return (y / (half * _gamma_beside(x))) / half


def _cosecant_of_pi(x: float) -> float:
    """pi / sin(pi x), for an x that is not whole."""
    nearest = round(x)
    sine = math.sin(_PI * (x - nearest))
    return div(_PI, -sine if nearest % 2 else sine)


def _gamma(x: float) -> float:
    """gamma(x), without exceptions."""
    if x == 0:
        return div(1.0, x)
    if not math.isfinite(x):
        return nan if x < 0 else x
    if x > 0:
        return _gamma_above_zero(x)
    if math.floor(x) == x:
        return nan
    if x > -1:
        return _cosecant_of_pi(x) / _gamma_by_unit(-x)
    if x > -140:
        return _cosecant_of_pi(x) / (-x * _gamma_above_zero(-x))
    return _over_gamma(_cosecant_of_pi(x) / -x, -x)


def gamma(x: float) -> float:
    """gamma(x), with the exceptions of math.gamma."""
    return _or_error(x, _gamma(x))


def gamma_slope(x: float) -> float:
    """gamma(x) * digamma(x), also far below 0, where gamma(x) is less than the smallest number."""
    if x < -140 and math.isfinite(x) and math.floor(x) != x:
        return _over_gamma((_cosecant_of_pi(x) / -x) * digamma_slope(x), -x)
    return _gamma(x) * digamma_slope(x)
