"""The polynomials of lanegammaseries.h and lanepolygammaseries.h are what these say of each.

They are that to the digits that lanes count on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from digits import Real, mp

PROGRAM = Path(__file__).resolve().parents[2] / "csrc" / "program"
SERIES = (PROGRAM / "lanegammaseries.h").read_text("utf-8")
ONE = (PROGRAM / "lanegammaone.h").read_text("utf-8")
ROOT_OF_DIGAMMA = mp.mpf("1.46163214496836234126265954232572132846819620400644")
LN_SQRT_2_PI = mp.log(2 * mp.pi) / 2


def polynomial(name: str) -> Callable[[Real], Real]:
    """A function of the header, whose steps mpmath does."""
    found = re.search(rf"lane_{name}\(double (\w)\)\n\{{\n(.*?)\n\}}", SERIES, re.DOTALL)
    assert found, name
    body = re.sub(r"-?0x[0-9a-f.]+p[+-]?\d+", lambda x: f"real('{x[0]}')", found[2])
    body = re.sub(r"\s+", " ", body.replace("double ", ""))
    t2, p, *steps = (re.split(r", (?=\w4 =)|; ?", body)[:-1]) or [""]
    lines = [line.removeprefix("return ").strip() for line in (t2, p, *steps)]
    code = "\n".join(line if "=" in line else f"result = {line}" for line in lines)
    words: dict[str, Any] = {
        "real": lambda x: mp.mpf(float.fromhex(x)),
        "fma": lambda x, y, z: x * y + z,
        "lane_cubic": lambda t, t2, a, b, c, d: (a + t * b) + t2 * (c + t * d),
    }

    def value(x: Real) -> Real:
        names = {**words, found[1]: x}
        exec(code, names)  # our own header, made into sums and products
        return names["result"]

    return value


def whole(name: str) -> Callable[[Real], Real]:
    """The same, with the constant that lanegammaone.h has for some, and with its rest."""
    found = re.findall(rf"#define LANE_{name.upper()}(?:_REST)? (-?0x\S+)", ONE)
    c, p = sum((mp.mpf(float.fromhex(x)) for x in found), mp.zero), polynomial(name)
    return (lambda t: c + t * p(t)) if found else p


def lgamma_amid(t: Real) -> Real:
    x = t + mp.mpf(13) / 8
    return mp.loggamma(x) / ((x - 1) * (x - 2))


def digamma_amid(t: Real) -> Real:
    x = t + mp.mpf(13) / 8
    return mp.psi(0, x) / (x - ROOT_OF_DIGAMMA)


def stirling(z: Real) -> Real:
    x = 1 / mp.sqrt(z)
    return x * (mp.loggamma(x) - (x - mp.mpf(1) / 2) * mp.log(x) + x - LN_SQRT_2_PI)


def digamma_far(z: Real) -> Real:
    x = 1 / mp.sqrt(z)
    return x * x * (mp.log(x) - 1 / (2 * x) - mp.psi(0, x))


def polygamma_far(n: int) -> Callable[[Real], Real]:
    def value(z: Real) -> Real:
        x = 1 / mp.sqrt(z)
        first = mp.factorial(n - 1) + mp.factorial(n) / (2 * x)
        return x * x * (x**n * abs(mp.psi(n, x)) - first)

    return value


def polygamma_beside(n: int) -> Callable[[Real], Real]:
    def value(w: Real) -> Real:
        p, s = mp.sqrt(w), n + 1
        both = mp.zeta(s, 1 + p) + (-1) ** s * mp.zeta(s, 1 - p)
        return mp.factorial(n) * both

    return value


def polygamma_2_apart(w: Real) -> Real:
    d = mp.sqrt(w)
    return 2 * (mp.zeta(3, (3 - d) / 2) - mp.zeta(3, (3 + d) / 2)) / d


def sine_of_pi(w: Real) -> Real:
    p = mp.sqrt(w)
    return (mp.sinpi(p) / (mp.pi * p) - 1) / w


def cotangent_of_pi(w: Real) -> Real:
    p = mp.sqrt(w)
    return (mp.pi * p * mp.cospi(p) / mp.sinpi(p) - 1) / w


# What it is, from where to where, and the bits that are right: those that the larger terms beside it leave.
KNOWN: dict[str, tuple[Callable[[Real], Real], float, float, int]] = {
    "lgamma_amid": (lgamma_amid, -0.875, 0.875, 53),
    "digamma_amid": (digamma_amid, -0.875, 0.875, 53),
    "lgamma_far": (stirling, 1e-8, 3.5**-2, 50),
    "gamma_far": (stirling, 1e-8, 7.5**-2, 53),
    "digamma_far": (digamma_far, 1e-8, 3.5**-2, 46),
    "sine_of_pi": (sine_of_pi, 1e-8, 0.25, 53),
    "cotangent_of_pi": (cotangent_of_pi, 1e-8, 0.25, 53),
    **{f"polygamma_{n}_far": (polygamma_far(n), 1e-8, 3.0**-2, 51) for n in (1, 2, 3)},
    **{f"polygamma_{n}_beside": (polygamma_beside(n), 1e-8, 0.25, 53) for n in (1, 3)},
    "polygamma_2_apart": (polygamma_2_apart, 1e-8, 1.0, 51),
}


def test_each_polynomial_is_known() -> None:
    assert set(re.findall(r"double lane_(\w+)\(", SERIES)) == set(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_polynomials_are_what_is_said_of_them(name: str) -> None:
    exactly, low, high, bits = KNOWN[name]
    found = whole(name)
    mp.prec = 150
    worst = mp.zero
    for i in range(60):
        x = mp.mpf(low) + (mp.mpf(high) - low) * (2 * i + 1) / 120
        worst = max(worst, abs(found(x) / exactly(x) - 1))
    print(f"{name}: {float(mp.log(worst, 2)):.1f}")
    assert worst < mp.mpf(2) ** -bits


# -- polygamma of the orders from 4 on: tables of lanepolygammaseries.h ---------------------------

TABLES = (PROGRAM / "lanepolygammaseries.h").read_text("utf-8")
FIRST, SMOOTH, LAST = 4, 8, 160
ORDERS = (4, 5, 6, 7, 8, 9, 13, 22, 40, 81, 160)


def rows_of(name: str) -> list[list[Real]]:
    """A table's rows."""
    found = re.search(rf"double lane_{name}\[.*?\] = \{{\n(.*?)\n\}};", TABLES, re.DOTALL)
    assert found, name
    rows = re.findall(r"\{(.*?)\}", found[1], re.DOTALL) or [found[1]]
    numbers = re.compile(r"-?0x[0-9a-f.]+p[+-]?\d+")
    return [[mp.mpf(float.fromhex(x)) for x in numbers.findall(row)] for row in rows]


def of_order(name: str, first: int, n: int) -> Callable[[Real], Real]:
    """A polynomial, whose coefficients are series of where an order stands among others."""
    place = mp.mpf(2 * (LAST - n) * (first + 3)) / ((LAST - first) * (n + 3)) - 1
    rows = rows_of(name)
    weights = [mp.chebyt(i, place) for i in range(len(rows))]
    terms = [mp.fdot(weights, column) for column in zip(*rows, strict=True)]
    return lambda t: mp.polyval(terms[::-1], t)


def near_of(n: int) -> Callable[[Real], Real]:
    if n >= SMOOTH:
        return of_order("near_of_orders", SMOOTH, n)
    terms = rows_of("near_of_first_orders")[n - FIRST]
    return lambda t: mp.polyval(terms[::-1], t)


@pytest.mark.parametrize("n", ORDERS)
def test_polynomials_of_an_order_are_its_sums(n: int) -> None:
    mp.prec = 150
    one = mp.mpf(1)

    def zeta(x: Real) -> Real:
        return abs(mp.psi(n, x)) / mp.factorial(n)  # mp.zeta(n + 1, x) loses digits

    far, far_polynomial = 3 * n / 8 * one + 2.5, of_order("far_of_orders", FIRST, n)
    near_polynomial = near_of(n)
    beside, least = (2.5 * one, mp.zero) if n < SMOOTH else (3 * n / 16 * one, (n - 8) / (72 * one))
    low, high = least / (least + beside), far / (far + beside)
    worst = mp.zero
    for i in range(12):
        t = mp.cospi((2 * i + 1) / (24 * one))
        w = low + (high - low) * (t + 1) / 2
        x, a = beside * w / (1 - w), (far - 0.5) * mp.sqrt(2 / (t + 1))
        worst = max(worst, abs(near_polynomial(t) - x ** (n + 1) * zeta(x + 1)))
        worst = max(worst, abs(far_polynomial(t) - (n * a**n * zeta(a + 0.5) - 1)))
    print(f"{n}: {float(mp.log(worst, 2)):.1f}")
    assert worst < mp.mpf(2) ** -54  # beside 1


def test_zeta_of_halves_is_zeta() -> None:
    mp.prec = 100
    (values,) = rows_of("zeta_of_halves")
    half = mp.mpf(3) / 2
    for s, value in enumerate(values, 5):
        assert abs(value / (half**s * mp.zeta(s, half)) - 1) < mp.mpf(2) ** -52
