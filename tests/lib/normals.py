"""The rows of the normal distribution and its kin, for truth.py."""

from __future__ import annotations

import math
from statistics import NormalDist

from digits import Real, mp
from rows import LaneRange, Row, at, tame, wild


def erfcx(x: Real) -> Real:
    """exp(x * x) * erfc(x); for large x by its asymptotic series, as the factors leave mpmath's range."""
    if x < 1000:
        return mp.exp(x * x) * mp.erfc(x)
    term = total = mp.one
    k = 1
    while abs(term) > mp.eps:
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
        k += 1
    return total / (x * mp.sqrt(mp.pi))


def erfcx_slope(x: Real) -> Real:
    """2 x erfcx(x) - 2 / sqrt(pi), whose terms cancel to x**-2 of their size."""
    with mp.workprec(mp.prec + 2 * max(0, mp.mag(x)) + 10):
        return 2 * x * erfcx(x) - 2 / mp.sqrt(mp.pi)


def ndtr(x: Real) -> Real:
    return mp.erfc(-x / mp.sqrt(2)) / 2 if x > -100 else mp.zero


def density(x: Real) -> Real:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi) if abs(x) < 100 else mp.zero


def log_ndtr(x: Real) -> Real:
    if x > 0:
        return mp.log1p(-ndtr(-x))
    return mp.log(erfcx(-x / mp.sqrt(2)) / 2) - x * x / 2


def log_ndtr_slope(x: Real) -> Real:
    if x > 0:
        return density(x) / ndtr(x)
    return mp.sqrt(2 / mp.pi) / erfcx(-x / mp.sqrt(2))


def quantile(s: Real) -> Real:
    """The z >= 0 with ndtr(-z) = s <= 1/4: by steps on the logarithm of that, which double the digits."""
    z = mp.mpf(-NormalDist().inv_cdf(float(s)))
    right = 40 if s > 1e-300 else 5  # bits; a float near the end of the range has few
    while right < mp.prec:
        right *= 2
        with mp.workprec(min(right, mp.prec) + 20):
            p = ndtr(-z)
            z += mp.log(p / s) * p / density(z)
    return z


def ndtri(x: Real) -> Real:
    if 4 * x < 1:
        return -quantile(x)
    return quantile(1 - x) if 4 * x > 3 else mp.sqrt(2) * mp.erfinv(2 * x - 1)


def ndtri_slope(x: Real) -> Real:
    return 1 / density(ndtri(x))


def erfinv(x: Real) -> Real:
    if abs(x) < 0.5:
        return mp.erfinv(x)
    return mp.sign(x) * quantile((1 - abs(x)) / 2) / mp.sqrt(2)


def erfinv_slope(x: Real) -> Real:
    return mp.sqrt(mp.pi) / 2 * mp.exp(erfinv(x) ** 2)


NORMAL: dict[str, Row] = {
    "erfcx": tame(
        erfcx,
        erfcx_slope,
        domain=(-26.6, math.inf),
        own_sequence=True,
        lanes=LaneRange(-60, 4.7, True),
        far=1e100,
        tails=at(-5.0, 5.0, 20.0, 1e4, 1e20, -20.0, 0.7999, 0.8001),
        shortcut=erfcx_slope,
    ),
    "ndtr": tame(
        ndtr,
        density,
        own_sequence=True,
        lanes=LaneRange(-60, 5.2, True),
        far=37.0,
        tails=at(5.0, -6.5, 10.0, 20.0, -36.0),
        shortcut=density,
    ),
    "log_ndtr": tame(
        log_ndtr,
        log_ndtr_slope,
        own_sequence=True,
        lanes=LaneRange(-60, 5.2, True),
        far=1e4,
        hard=at(0.0189297393044583, 5.038831907950367),
        tails=at(5.0, -6.5, 10.0, 20.0, -100.0, -1e3, 35.0),
        shortcut=log_ndtr_slope,
    ),
    "ndtri": wild(
        ndtri,
        ndtri_slope,
        domain=(math.ulp(0.0), math.nextafter(1.0, 0.0)),
        own_sequence=True,
        lanes=LaneRange(-1000, -0.01, False, 3.0),
        hard=at(0.8187219140938781, 0.057750475335920815),
        tails=at(1e-10, 1e-90, 0.3, 0.7, 0.9, 0.999999),
        shortcut=ndtri_slope,
    ),
    "erfinv": wild(
        erfinv,
        erfinv_slope,
        domain=(math.nextafter(-1.0, 0.0), math.nextafter(1.0, 0.0)),
        own_sequence=True,
        lanes=LaneRange(-60, -0.01, True, 3.0),
        hard=at(0.9999967211037416, -0.9836588995123048),
        tails=at(1e-100, -0.999, 1 - 2.0**-50),
        shortcut=erfinv_slope,
    ),
    "xlogy": wild(
        lambda x, y: x * mp.log(y),
        lambda x, y: mp.log(y),
        lambda x, y: x / y,
        own_sequence=True,
        tails=((1e-80, 1e70), (1e60, 1e-60)),
    ),
    "xlog1py": wild(
        lambda x, y: x * mp.log1p(y),
        lambda x, y: mp.log1p(y),
        lambda x, y: x / (1 + y),
        own_sequence=True,
        tails=((1e-80, 1e70), (1e60, 1e-60)),
    ),
}
