"""What every op is, by mpmath at 300 bits: values, slopes, domains, and points to try."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from mpmath import MPContext
from programs import BINARY, TERNARY

mp = MPContext()
mp.prec = 300

LIMIT = 4.0
MIN_NORMAL = mp.mpf(2) ** -1022
# The rounding of the op itself decides about overflow within so many ulp of the largest double.
ALMOST_MAX = mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -50)
MAX = mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -53)

Real = Any  # an mpmath number
Truth = Callable[..., Real]


class Rule(NamedTuple):
    value: Truth
    slopes: tuple[
        Truth | None, ...
    ]  # None: the op has no such derivative, or it is tested as exact


# -- the truth -------------------------------------------------------------------------------------


def sigmoid(x: Real) -> Real:
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def log_sum(x: Real, y: Real) -> Real:
    high, low = max(x, y), min(x, y)
    return high + mp.log1p(mp.exp(low - high))


def asin_slope(x: Real) -> Real:
    return 1 / mp.sqrt((1 - x) * (1 + x)) if abs(x) < 1 else None


def quotient(x: Real, y: Real) -> int:
    """floor(x / y), whole and exact."""
    return math.floor(Fraction(float(x)) / Fraction(float(y)))


def remainder(x: Real, y: Real) -> Real:
    exactly = Fraction(float(x)) - quotient(x, y) * Fraction(float(y))
    return mp.mpf(exactly.numerator) / exactly.denominator


def power(x: Real, n: Real) -> Real:
    if n == mp.floor(n):
        return mp.power(x, n) if x > 0 else mp.power(-x, n) * (-1 if int(n) % 2 else 1)
    return mp.power(x, n)


def minus(f: Truth) -> Truth:
    return lambda *x: -f(*x)


def one(*x: Real) -> Real:
    return mp.mpf(1)


def zero(*x: Real) -> Real:
    return mp.mpf(0)


LN2 = mp.log(2)
LN10 = mp.log(10)
SMOOTH = {
    "add": Rule(lambda x, y: x + y, (one, one)),
    "sub": Rule(lambda x, y: x - y, (one, minus(one))),
    "mul": Rule(lambda x, y: x * y, (lambda x, y: y, lambda x, y: x)),
    "div": Rule(lambda x, y: x / y, (lambda x, y: 1 / y, lambda x, y: -x / (y * y))),
    "neg": Rule(lambda x: -x, (minus(one),)),
    "mod": Rule(remainder, (one, lambda x, y: mp.mpf(-quotient(x, y)))),
    # The slope by y is real for x > 0 only; for x < 0 it is nan by convention.
    "pow": Rule(
        power,
        (
            lambda x, y: y * power(x, y) / x,
            lambda x, y: power(x, y) * mp.log(x) if x > 0 else None,
        ),
    ),
    "pown": Rule(power, (lambda x, n: n * power(x, n) / x,)),
    "exp": Rule(mp.exp, (mp.exp,)),
    "exp2": Rule(lambda x: mp.power(2, x), (lambda x: mp.power(2, x) * LN2,)),
    "expm1": Rule(mp.expm1, (mp.exp,)),
    "log": Rule(mp.log, (lambda x: 1 / x,)),
    "log2": Rule(lambda x: mp.log(x) / LN2, (lambda x: 1 / (x * LN2),)),
    "log10": Rule(lambda x: mp.log(x) / LN10, (lambda x: 1 / (x * LN10),)),
    "log1p": Rule(mp.log1p, (lambda x: 1 / (1 + x),)),
    "logaddexp": Rule(log_sum, (lambda x, y: sigmoid(x - y), lambda x, y: sigmoid(y - x))),
    "sigmoid": Rule(sigmoid, (lambda x: sigmoid(x) * sigmoid(-x),)),
    "softplus": Rule(lambda x: log_sum(x, mp.mpf(0)), (sigmoid,)),
    "tanh": Rule(mp.tanh, (lambda x: mp.sech(x) ** 2,)),
    "sqrt": Rule(mp.sqrt, (lambda x: 1 / (2 * mp.sqrt(x)),)),
    "sin": Rule(mp.sin, (mp.cos,)),
    "cos": Rule(mp.cos, (minus(mp.sin),)),
    "tan": Rule(mp.tan, (lambda x: mp.sec(x) ** 2,)),
    "asin": Rule(mp.asin, (asin_slope,)),
    "acos": Rule(mp.acos, (lambda x: -asin_slope(x) if abs(x) < 1 else None,)),
    "atan": Rule(mp.atan, (lambda x: 1 / (1 + x * x),)),
    "atan2": Rule(mp.atan2, (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y))),
    "sinh": Rule(mp.sinh, (mp.cosh,)),
    "cosh": Rule(mp.cosh, (mp.sinh,)),
    "asinh": Rule(
        lambda x: mp.sign(x) * mp.log1p(abs(x) + x * x / (1 + mp.sqrt(1 + x * x))),
        (lambda x: 1 / mp.sqrt(1 + x * x),),
    ),
    "acosh": Rule(
        lambda x: mp.log1p((x - 1) + mp.sqrt((x - 1) * (x + 1))),
        (lambda x: 1 / mp.sqrt((x - 1) * (x + 1)),),
    ),
    "atanh": Rule(lambda x: (mp.log1p(x) - mp.log1p(-x)) / 2, (lambda x: 1 / ((1 - x) * (1 + x)),)),
    "hypot": Rule(
        lambda x, y: mp.sqrt(x * x + y * y),
        (lambda x, y: x / mp.sqrt(x * x + y * y), lambda x, y: y / mp.sqrt(x * x + y * y)),
    ),
    "erf": Rule(mp.erf, (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),)),
}


def share(x: Real, y: Real) -> Real:
    return mp.mpf((x > y) + (x >= y)) / 2


# Ops with corners and steps: value and slopes are exact, with no ulp to spare.
EXACT = {
    "relu": Rule(lambda x: max(x, 0), (lambda x: mp.mpf(x > 0),)),
    "abs": Rule(abs, (mp.sign,)),
    "sign": Rule(mp.sign, (zero,)),
    "step": Rule(lambda x: mp.mpf(x > 0), (zero,)),
    "floor": Rule(mp.floor, (zero,)),
    "ceil": Rule(mp.ceil, (zero,)),
    "trunc": Rule(lambda x: mp.mpf(int(x)), (zero,)),
    "round": Rule(lambda x: mp.mpf(round(Fraction(float(x)))), (zero,)),
    "stop_gradient": Rule(lambda x: x, (zero,)),
    "floordiv": Rule(lambda x, y: mp.mpf(quotient(x, y)), (zero, zero)),
    "maximum": Rule(max, (share, lambda x, y: share(y, x))),
    "minimum": Rule(min, (lambda x, y: share(y, x), share)),
    "clip": Rule(
        lambda x, lo, hi: min(max(x, lo), hi),
        (
            lambda x, lo, hi: mp.mpf(lo <= x <= hi),
            lambda x, lo, hi: mp.mpf(x < lo <= hi),
            lambda x, lo, hi: mp.mpf(hi < max(x, lo)),
        ),
    ),
    "where": Rule(
        lambda c, x, y: x if c != 0 else y,
        (zero, lambda c, x, y: mp.mpf(c != 0), lambda c, x, y: mp.mpf(c == 0)),
    ),
}
# CPython's float // rounds twice before the floor; from here on that may be off by one.
QUOTIENTS_EXACT_BELOW = 2.0**51

# Not the worst found at some points, which a longer search passes, but what the formulas can reach:
# sigmoid e / (1 + e) rounds three times (worst found 2.37), softplus 1.25.
# Values, in ulp: exactly rounded where IEEE 754 says so, else what libm and our formulas reach.
# The value of logaddexp is near 0 on a curve where max(x, y) cancels the logarithm: no bound there.
VALUE_LIMITS = {
    **dict.fromkeys(["add", "sub", "mul", "div", "neg", "mod", "sqrt"], 0.5),
    "softplus": 1.5,
    "sigmoid": 3.0,
    "hypot": 2.0,
    "exp2": 2.0,
    "logaddexp": math.inf,
}


# -- the points ------------------------------------------------------------------------------------


def near(x: float, rng: random.Random) -> float:
    """x, but for a relative amount between one ulp and 1, all magnitudes equally likely."""
    return x * (1 + rng.choice([-1, 1]) * 2.0 ** rng.uniform(-53, 0))


def any_exponent(rng: random.Random) -> float:
    return math.ldexp(rng.choice([-1, 1]) * rng.uniform(1, 2), rng.randint(-1022, 1023))


def any_number(rng: random.Random) -> float:
    """A number for a unary op, from one of the families of the module's docstring."""
    families: list[Callable[[], float]] = [
        lambda: any_exponent(rng),
        lambda: rng.uniform(-1, 1),
        lambda: rng.uniform(-4, 4),
        lambda: rng.uniform(-40, 40),
        lambda: rng.uniform(-760, 760),
        lambda: rng.choice([-1, 1]) * 2.0 ** rng.uniform(-60, 60),
        lambda: near(rng.choice([-1.0, 1.0]), rng),
        lambda: near(rng.randint(-60, 60) * math.pi / 2, rng),
        lambda: near(rng.choice([709.78, 708.4, 745.1, 354.9, 26.5, 5.9, 18.7, 36.7]), rng),
        lambda: -near(rng.choice([708.4, 354.9, 37.4, 26.5, 5.9, 18.7, 1022.0]), rng),
        lambda: float(rng.randint(-1023, 1023)),
        lambda: rng.randint(-100, 100) / 2,
        lambda: math.ldexp(rng.uniform(1, 2), rng.choice([-1022, -1021, 51, 52, 53, 1022, 1023])),
    ]
    return rng.choice(families)()


def any_pair(rng: random.Random) -> tuple[float, float]:
    """Two numbers: independent, near each other, or of related exponents."""
    x = any_number(rng)
    families: list[Callable[[], float]] = [
        lambda: any_number(rng),
        lambda: any_number(rng),
        lambda: near(x, rng) * rng.choice([-1, 1]),
        lambda: x * 2.0 ** rng.uniform(-60, 60),
        lambda: x + rng.uniform(-40, 40),
        lambda: x / rng.randint(1, 1000),
        lambda: -x,
    ]
    if rng.random() < 0.3:  # many fractions of a few exponents
        x = rng.choice([-1, 1]) * rng.uniform(0.5, 2)
        families = [lambda: rng.uniform(0.5, 2) * 2.0 ** -rng.randint(0, 14)]
    y = rng.choice(families)()
    return (x, y) if rng.random() < 0.5 else (y, x)


def power_pair(rng: random.Random) -> tuple[float, float]:
    """A base and an exponent whose power is a normal number; often near the ends of the range."""
    families: list[Callable[[], float]] = [
        lambda: any_exponent(rng),
        lambda: rng.uniform(-4, 4),
        lambda: near(1.0, rng),
        lambda: near(1.0, rng),
        lambda: rng.choice([-1, 1]) * 2.0 ** rng.uniform(-60, 60),
        lambda: float(rng.randint(-1000, 1000)),
    ]
    x = rng.choice(families)()
    bits = math.log2(abs(x)) if x != 0 else 0.0
    target = rng.choice(
        [rng.uniform(-1022, 1024), rng.uniform(-1022, -1000), rng.uniform(1000, 1024)]
    )
    exponents: list[Callable[[], float]] = [
        lambda: target / bits if bits != 0 else 0.5,
        lambda: float(round(target / bits)) if bits != 0 else 3.0,
        lambda: rng.uniform(-4, 4),
        lambda: float(rng.randint(-20, 20)),
        lambda: rng.randint(-20, 20) / 2,
        lambda: near(rng.choice([-2.0, -1.0, 1.0, 2.0, 3.0]), rng),
        lambda: rng.choice([-1, 1]) * 2.0 ** rng.uniform(-200, 3),
    ]
    y = rng.choice(exponents)()
    return (x if y == math.floor(y) else abs(x)), y


def triple(rng: random.Random) -> tuple[float, float, float]:
    x, y = any_pair(rng)
    return x, y, rng.choice([x, y, any_number(rng), near(x, rng)])


# Where usual formulas, or ours at some time, were worst.
HARD: dict[str, list[tuple[float, ...]]] = {
    "atan2": [
        (0.058088949517010935, 1.0175341342064637),
        (5.8488855955480756e-05, 0.5108214083964686),
        (-8.0, -0.0001194530290772021),
        (1e200, 1e200),
    ],
    "pow": [
        (1.0000000000000702, -9999462156835734.0),
        (0.9999999999999293, 9803479007226724.0),
        (442.0, -116.0),
        (189.0, -135.0),
        (-948.0, -103.0),
        (1000.3, -102.0),
    ],
    "tanh": [(2.07325988292164,), (2.0671393309720947,), (-2.4181706264549234,), (19.5,), (354.0,)],
    "sigmoid": [
        (4.129433528017889,),
        (4.140418142203344,),
        (4.13408237904939,),
        (-6.929649094821985,),
        (37.5,),
        (708.0,),
    ],
    "acosh": [(4103.316836626798,), (65.39713430397421,)],
    "logaddexp": [(-26.49999999955857, -4.805970325534269e-13)],
    "hypot": [(1.0026297144591105, 0.0009702334085669991), (1e200, 1e200)],
}
HARD["pown"] = HARD["pow"]


def points(name: str, count: int) -> Iterable[tuple[float, ...]]:
    """Operands of the op, all of them normal and finite; the same on each call."""
    rng = random.Random(name)
    yield from HARD.get(name, [])
    draw: Callable[[random.Random], tuple[float, ...]]
    if name in ("pow", "pown"):
        draw = power_pair
    elif name in BINARY:
        draw = any_pair
    elif name in TERNARY:
        draw = triple
    else:

        def draw(rng: random.Random) -> tuple[float, ...]:
            return (any_number(rng),)

    while count:
        xs = draw(rng)
        if all(math.isfinite(x) and abs(x) >= float(MIN_NORMAL) for x in xs):
            count -= 1
            yield xs


# -- the measure -----------------------------------------------------------------------------------


def is_normal(x: Real) -> bool:
    return MIN_NORMAL <= abs(x) <= MAX


def ulps(given: float, truth: Real) -> float:
    """The distance from the truth, in units of the last place of doubles of the truth's size."""
    if not math.isfinite(given):
        return math.inf
    if truth == 0:
        return 0.0 if given == 0 else math.inf
    _, exponent = mp.frexp(truth)
    return float(abs(given - truth) * mp.mpf(2) ** (53 - exponent))


# Where each op is real; the truth is not asked elsewhere.
DOMAINS = {
    **dict.fromkeys(["log", "log2", "log10", "sqrt"], (0.0, math.inf)),
    **dict.fromkeys(["asin", "acos", "atanh"], (-1.0, 1.0)),
    "acosh": (1.0, math.inf),
    "log1p": (math.nextafter(-1.0, 0.0), math.inf),
}


def outside(name: str, xs: tuple[float, ...]) -> bool:
    """Whether the op has no real value there, or one that mpmath would take long to compute."""
    if name in ("pow", "pown"):
        return abs(xs[1] * math.log2(abs(xs[0]))) > 1100
    if name == "atanh" and abs(xs[0]) == 1:
        return True
    low, high = DOMAINS.get(name, (-math.inf, math.inf))
    return not low <= xs[0] <= high
