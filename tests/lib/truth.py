"""What every op is, by mpmath: a row for each, from which the lists of ops in the tests follow.

A new op gets a row in ROWS. Its value is in mpmath's numbers, at whatever precision mp has; slopes are to
be compared at 300 bits. tests/ops/test_an_op_is_whole.py says which ops have none.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from digits import Real, mp
from gammas import digamma, gamma_scale, gamma_slope, log_gamma, log_gamma_scale, trigamma
from normals import NORMAL
from rows import LaneRange, Row, Truth, at, cornered, tame, wild

MIN_NORMAL = mp.mpf(2) ** -1022
# The rounding of the op itself decides about overflow within so many ulp of the largest double.
ALMOST_MAX = mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -50)
MAX = mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -53)

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


def angle_slope(x: Real, y: Real) -> Real:
    return y / (x * x + y * y)


def erf_slope(x: Real) -> Real:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def cbrt(x: Real) -> Real:
    return mp.sign(x) * mp.cbrt(abs(x))


def share(x: Real, y: Real) -> Real:
    return mp.mpf((x > y) + (x >= y)) / 2


def one(*x: Real) -> Real:
    return mp.mpf(1)


def zero(*x: Real) -> Real:
    return mp.mpf(0)


# -- the ops ---------------------------------------------------------------------------------------

POSITIVE = (0.0, math.inf)
UNIT = (-1.0, 1.0)
EXACTLY: dict[str, Any] = {"value_limit": 0.5, "same_in_lanes": True}
POWERS = (
    (1.0000000000000702, -9999462156835734.0),
    (0.9999999999999293, 9803479007226724.0),
    (442.0, -116.0),
    (189.0, -135.0),
    (-948.0, -103.0),
    (1000.3, -102.0),
)


ROWS: dict[str, Row] = {
    "neg": tame(lambda x: -x, minus(one), **EXACTLY),
    "exp": tame(mp.exp, mp.exp, lanes=LaneRange(-40, 9, True)),
    "exp2": tame(
        lambda x: mp.power(2, x),
        lambda x: mp.power(2, x) * mp.ln2,
        value_limit=2.0,
        lanes=LaneRange(-40, 9, True),
    ),
    "expm1": tame(mp.expm1, mp.exp, lanes=LaneRange(-40, 9, True), tails=at(-40.0, -690.0, 1e-200)),
    "log": tame(
        mp.log,
        lambda x: 1 / x,
        domain=POSITIVE,
        lanes=LaneRange(-1000, 1000, False),
        tails=at(1e-90, 1e90),
    ),
    "log2": tame(
        lambda x: mp.log(x) / mp.ln2,
        lambda x: 1 / (x * mp.ln2),
        domain=POSITIVE,
        lanes=LaneRange(-1000, 1000, False),
    ),
    "log10": tame(
        lambda x: mp.log(x) / mp.ln10,
        lambda x: 1 / (x * mp.ln10),
        domain=POSITIVE,
        lanes=LaneRange(-1000, 1000, False),
    ),
    "log1p": tame(
        mp.log1p,
        lambda x: 1 / (1 + x),
        domain=(math.nextafter(-1.0, 0.0), math.inf),
        lanes=LaneRange(-60, 100, False),
        tails=at(1e-200, -1e-9, 1e60, -0.999999999),
    ),
    "sqrt": tame(
        mp.sqrt,
        lambda x: 1 / (2 * mp.sqrt(x)),
        domain=POSITIVE,
        lanes=LaneRange(-1000, 1000, False),
        tails=at(1e-110, 1e110),
        **EXACTLY,
    ),
    "relu": cornered(lambda x: max(x, 0), lambda x: mp.mpf(x > 0)),
    "tanh": tame(
        mp.tanh,
        lambda x: mp.sech(x) ** 2,
        lanes=LaneRange(-60, 8, True),
        far=350.0,
        hard=at(2.07325988292164, 2.0671393309720947, -2.4181706264549234, 19.5, 354.0),
        tails=at(19.0, 20.0, -20.0, 100.0, -340.0),
    ),
    # e / (1 + e) rounds three times; the worst found is 2.37.
    "sigmoid": tame(
        sigmoid,
        lambda x: sigmoid(x) * sigmoid(-x),
        value_limit=3.0,
        own_sequence=True,
        lanes=LaneRange(-60, 9, True),
        far=700.0,
        hard=at(
            *(4.129433528017889, 4.140418142203344, 4.13408237904939, -6.929649094821985),
            *(37.5, 708.0),
        ),
        tails=at(37.0, 40.0, -40.0, 690.0, -690.0),
    ),
    "softplus": tame(
        lambda x: log_sum(x, mp.zero),
        sigmoid,
        value_limit=1.5,  # 1.25 is the worst found
        own_sequence=True,
        lanes=LaneRange(-60, 9, True),
        far=700.0,
        tails=at(-40.0, 40.0, -690.0, 690.0),
    ),
    "erf": tame(
        mp.erf,
        erf_slope,
        lanes=LaneRange(-60, 4, True),
        far=26.6,
        tails=at(5.0, -6.5, 10.0, 20.0, -26.0),
        shortcut=erf_slope,
    ),
    "erfc": tame(
        lambda x: mp.erfc(x) if x < 100 else mp.zero,
        minus(erf_slope),
        lanes=LaneRange(-60, 4.7, True),
        far=26.5,
        hard=at(8.933249860354614, 1.5330528758026043),
        tails=at(5.0, -6.5, 10.0, 20.0, -26.0, 26.5),
        shortcut=minus(erf_slope),
    ),
    "lgamma": wild(
        log_gamma,
        digamma,
        scale=log_gamma_scale,
        own_sequence=True,
        lanes=LaneRange(-900, 900, False),
        far=1e8,
        hard=at(
            *(1.3201499974998945, 1.374, 1.376, 2.4999, 2.5001, 9.970693382966871, 0.4999, 0.7499),
            *(-2.534599611874848, -2.678975920824263, -0.2499, -0.2501, 1.4616321449683622),
        ),
        tails=at(1e-90, 1e6, 1.0 + 2.0**-40, 2.0 - 2.0**-40),
        shortcut=digamma,
    ),
    "digamma": wild(
        digamma,
        trigamma,
        scale=log_gamma_scale,
        own_sequence=True,
        lanes=LaneRange(-900, 900, False),
        far=1e8,
        hard=at(0.9999999999999952, 0.8053365923679762, 1.461632144968369, -0.503015596211533, 8.9),
        tails=at(1e-70, 1e6),
        shortcut=trigamma,
    ),
    "gamma": wild(
        mp.gamma,
        gamma_slope,
        limit=6.0,  # below 0, where gamma and digamma both are by reflection; above 0 it is 3.3
        scale=gamma_scale,
        own_sequence=True,
        lanes=LaneRange(-900, 7, False),
        far=120.0,
        hard=at(0.9999, 1.5, 7.999, 8.001, 139.99, 140.01, 171.6, -0.5, -0.999, -20.5),
        tails=at(1e-60, 1e-100, 100.5),
        shortcut=gamma_slope,
    ),
    "cbrt": tame(
        cbrt,
        lambda x: 1 / (3 * cbrt(x) ** 2),
        lanes=LaneRange(-1000, 1000, True),
        tails=at(1e-110, -1e110, 5e-200, -1e250),
    ),
    "sin": tame(mp.sin, mp.cos, lanes=LaneRange(-60, 60, True), far=2.0**60),
    "cos": tame(mp.cos, minus(mp.sin), lanes=LaneRange(-60, 60, True), far=2.0**60),
    "tan": wild(
        mp.tan,
        lambda x: mp.sec(x) ** 2,
        lanes=LaneRange(-60, 60, True),
        far=2.0**60,
        tails=at(1e-100, 1.5707963267948966),
    ),
    "asin": wild(
        mp.asin,
        asin_slope,
        domain=UNIT,
        lanes=LaneRange(-60, 0, True),
        tails=at(1e-9, -1e-100, 1 - 2.0**-50),
    ),
    "acos": wild(
        mp.acos,
        lambda x: -asin_slope(x) if abs(x) < 1 else None,
        domain=UNIT,
        lanes=LaneRange(-60, 0, True),
        tails=at(1e-9, -1e-100, 2.0**-50 - 1),
    ),
    "atan": tame(
        mp.atan,
        lambda x: 1 / (1 + x * x),
        lanes=LaneRange(-60, 100, True),
        tails=at(1e-100, 1e9, -1e60, 1e70),
    ),
    "sinh": tame(mp.sinh, mp.cosh, lanes=LaneRange(-60, 9, True), tails=at(1e-100, -690.0)),
    "cosh": tame(mp.cosh, mp.sinh, lanes=LaneRange(-60, 9, True), tails=at(1e-100, -690.0)),
    "asinh": tame(
        lambda x: mp.sign(x) * mp.log1p(abs(x) + x * x / (1 + mp.sqrt(1 + x * x))),
        lambda x: 1 / mp.sqrt(1 + x * x),
        lanes=LaneRange(-60, 500, True),
        tails=at(1e-100, 1e60, -1e90),
    ),
    "acosh": wild(
        lambda x: mp.log1p((x - 1) + mp.sqrt((x - 1) * (x + 1))),
        lambda x: 1 / mp.sqrt((x - 1) * (x + 1)),
        domain=(1.0, math.inf),
        lanes=LaneRange(0, 500, False),
        hard=at(4103.316836626798, 65.39713430397421),
        tails=at(1 + 2.0**-50, 1e60, 1e90),
    ),
    "atanh": wild(
        lambda x: (mp.log1p(x) - mp.log1p(-x)) / 2,
        lambda x: 1 / ((1 - x) * (1 + x)),
        domain=UNIT,
        lanes=LaneRange(-60, 0, True),
        tails=at(1e-9, 1e-100, 1 - 2.0**-50),
    ),
    "abs": cornered(abs, mp.sign),
    "sign": cornered(mp.sign, zero),
    "step": cornered(lambda x: mp.mpf(x > 0), zero),
    "floor": cornered(mp.floor, zero),
    "ceil": cornered(mp.ceil, zero),
    "trunc": cornered(lambda x: mp.mpf(int(x)), zero),
    "round": cornered(lambda x: mp.mpf(round(Fraction(float(x)))), zero),
    "stop_gradient": cornered(lambda x: x, zero),
    "add": tame(lambda x, y: x + y, one, one, **EXACTLY),
    "sub": tame(lambda x, y: x - y, one, minus(one), **EXACTLY),
    "mul": tame(lambda x, y: x * y, lambda x, y: y, lambda x, y: x, **EXACTLY),
    "div": tame(
        lambda x, y: x / y,
        lambda x, y: 1 / y,
        lambda x, y: -x / (y * y),
        tails=((1.0, 1e70), (1e-80, 1e-70)),
        **EXACTLY,
    ),
    "mod": Row(
        remainder,
        (one, lambda x, y: mp.mpf(-quotient(x, y))),
        is_smooth=False,
        value_limit=0.5,
    ),
    "floordiv": cornered(lambda x, y: mp.mpf(quotient(x, y)), zero, zero, same_in_lanes=False),
    # The slope by y is real for x > 0 only; for x < 0 it is nan by convention.
    "pow": wild(
        power,
        lambda x, y: y * power(x, y) / x,
        lambda x, y: power(x, y) * mp.log(x) if x > 0 else None,
        hard=POWERS,
        tails=((1e-30, 2.5), (1e30, -3.5), (1e100, 1e-3), (1 + 1e-9, 1e9)),
    ),
    "atan2": tame(
        mp.atan2,
        angle_slope,
        lambda x, y: -angle_slope(y, x),
        hard=(
            (0.058088949517010935, 1.0175341342064637),
            (5.8488855955480756e-05, 0.5108214083964686),
            (-8.0, -0.0001194530290772021),
            (1e200, 1e200),
        ),
        tails=((1e-80, 1.0), (1.0, 1e-150), (3e60, 4e60), (1.0, -1e9)),
    ),
    "hypot": tame(
        lambda x, y: mp.sqrt(x * x + y * y),
        lambda x, y: x / mp.sqrt(x * x + y * y),
        lambda x, y: y / mp.sqrt(x * x + y * y),
        value_limit=2.0,
        own_sequence=True,
        hard=((1.0026297144591105, 0.0009702334085669991), (1e200, 1e200)),
        tails=((1e-80, 1.0), (1.0, 1e-150), (3e60, 4e60), (8e-216, 3e-59)),
    ),
    "maximum": cornered(max, share, lambda x, y: share(y, x)),
    "minimum": cornered(min, lambda x, y: share(y, x), share),
    # Its value is near 0 on a curve where max(x, y) cancels the logarithm: no bound there.
    "logaddexp": tame(
        log_sum,
        lambda x, y: sigmoid(x - y),
        lambda x, y: sigmoid(y - x),
        value_limit=math.inf,
        own_sequence=True,
        far=700.0,
        hard=((-26.49999999955857, -4.805970325534269e-13),),
        tails=((1.0, 41.0), (680.0, 0.0), (1e-30, -1e-30), (1.0, math.nextafter(1.0, 2.0))),
    ),
    "clip": cornered(
        lambda x, lo, hi: min(max(x, lo), hi),
        lambda x, lo, hi: mp.mpf(lo <= x <= hi),
        lambda x, lo, hi: mp.mpf(x < lo <= hi),
        lambda x, lo, hi: mp.mpf(hi < max(x, lo)),
    ),
    "where": cornered(
        lambda c, x, y: x if c != 0 else y,
        zero,
        lambda c, x, y: mp.mpf(c != 0),
        lambda c, x, y: mp.mpf(c == 0),
    ),
    "pown": wild(power, lambda x, n: n * power(x, n) / x, has_constant=True, hard=POWERS),
    **NORMAL,
}

# Flat but for corners and jumps: their first derivatives are exact, all further ones are 0.
CORNERED = {name: row for name, row in ROWS.items() if not row.is_smooth}
# x ** n with a constant n is a step of its own in programs, so it is in none of these.
UNARY, BINARY, TERNARY = (
    [name for name, row in ROWS.items() if row.arity == count and not row.has_constant]
    for count in (1, 2, 3)
)

# CPython's float // rounds twice before the floor; from here on that may be off by one.
QUOTIENTS_EXACT_BELOW = 2.0**51


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


def points(name: str, count: int) -> Iterable[tuple[float, ...]]:
    """Operands of the op, all of them normal and finite; the same on each call."""
    rng = random.Random(name)
    yield from ROWS[name].hard
    draw: Callable[[random.Random], tuple[float, ...]]
    if name in ("pow", "pown"):
        draw = power_pair
    elif ROWS[name].arity == 2:
        draw = any_pair
    elif ROWS[name].arity == 3:
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


def ulps(given: float, truth: Real, scale: Real = 0) -> float:
    """The distance from the truth, in units of the last place of doubles of the size of truth or scale."""
    if not math.isfinite(given):
        return math.inf
    if truth == 0 == scale:
        return 0.0 if given == 0 else math.inf
    _, exponent = mp.frexp(max(abs(truth), scale))
    return float(abs(given - truth) * mp.mpf(2) ** (53 - exponent))


def outside(name: str, xs: tuple[float, ...]) -> bool:
    """Whether the op has no real value there, or one that mpmath would take long to compute."""
    if name in ("pow", "pown"):
        return abs(xs[1] * math.log2(abs(xs[0]))) > 1100
    if name == "atanh" and abs(xs[0]) == 1:
        return True
    if name in ("lgamma", "digamma") and (xs[0] < -1e6 or xs[0] == math.floor(xs[0]) <= 0):
        return True
    if name == "gamma" and (abs(xs[0]) > 1e4 or xs[0] == math.floor(xs[0]) <= 0):
        return True
    if name in ("xlogy", "xlog1py"):
        return xs[1] <= (0 if name == "xlogy" else -1)
    low, high = ROWS[name].domain
    return not low <= xs[0] <= high
