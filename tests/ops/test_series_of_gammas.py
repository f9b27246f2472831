"""The polynomials of lanegammaseries.h are what it says of each, to the digits that lanes count on."""

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
        return mp.factorial(n) * both / (p if n == 2 else 1)

    return value


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
    **{f"polygamma_{n}_beside": (polygamma_beside(n), 1e-8, 0.25, 53) for n in (1, 2, 3)},
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
