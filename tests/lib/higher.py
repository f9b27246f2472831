"""Derivatives of any order of mpmath's functions, by differences at a precision that leaves no doubt."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from truth import mp

Real = Any  # an mpmath number
Orders = tuple[int, ...]  # how often a derivative is taken by each operand
Function = Callable[..., Any]


def difference(f: Function, xs: Sequence[Real], orders: Orders, bits: int) -> tuple[Real, Real]:
    """A central difference quotient, right to about `bits` bits of f's own size, and its noise."""
    shifts = [60 + bits // 2 + max(0, -mp.mag(x) if x else 0) for x in xs]
    wide = max(max(0, mp.mag(x) if x else 0) + s for x, s in zip(xs, shifts, strict=True))
    mp.prec = sum(o * s for o, s in zip(orders, shifts, strict=True)) + 2 * bits + wide
    steps = [mp.ldexp(1, -s) for s in shifts]
    total, largest = mp.zero, mp.zero
    for ks in itertools.product(*(range(o + 1) for o in orders)):
        weight = math.prod(
            (-1) ** (o - k) * math.comb(o, k) for o, k in zip(orders, ks, strict=True)
        )
        at = [x + (2 * k - o) * h for x, k, o, h in zip(xs, ks, orders, steps, strict=True)]
        value = f(*at)
        total += weight * value
        largest = max(largest, abs(value))
    scale = math.prod((2 * h) ** o for o, h in zip(orders, steps, strict=True))
    return total / scale, mp.ldexp(largest, 10 - mp.prec) / scale


@functools.lru_cache(maxsize=1 << 16)
def true_derivative(f: Function, xs: tuple[Real, ...], orders: Orders) -> Real:
    """The derivative of an mpmath function, with 80 bits or more; 0 if it is below 2**-1100 of f."""
    for bits in (100, 300, 1200):
        estimate, noise = difference(f, xs, orders, bits)
        if abs(estimate) >= mp.ldexp(noise, 80):
            return estimate
    return mp.zero
