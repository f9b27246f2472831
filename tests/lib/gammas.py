"""The gamma function and its kin by mpmath, for truth.py."""

from __future__ import annotations

from digits import Real, mp


def log_gamma(x: Real) -> Real:
    return mp.loggamma(x) if x > 0 else mp.log(reflected(x)) - mp.loggamma(-x)


def reflected(x: Real) -> Real:
    return mp.pi / abs(x * mp.sinpi(x))


def digamma(x: Real) -> Real:
    return mp.psi(0, x) if x > 0 else mp.psi(0, 1 - x) - mp.pi * mp.cospi(x) / mp.sinpi(x)


def trigamma(x: Real) -> Real:
    return mp.psi(1, x) if x > 0 else (mp.pi / mp.sinpi(x)) ** 2 - mp.psi(1, 1 - x)


def gamma_slope(x: Real) -> Real:
    return mp.gamma(x) * digamma(x)


def log_gamma_scale(x: Real) -> Real:
    """Below 0 the reflection's terms cancel near zeros, where the last place of 1 remains."""
    return mp.one + abs(mp.log(reflected(x))) + abs(mp.psi(0, 1 - x)) if x < 0 else mp.zero


def gamma_scale(x: Real) -> Real:
    """The same for gamma(x) times digamma(x)."""
    return abs(mp.gamma(x)) * log_gamma_scale(x)
