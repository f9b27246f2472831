"""Every op's value and its derivatives to third order, mixed ones too, against mpmath.

The truth is a central difference of mpmath's function at a precision that leaves no doubt (checked by
itself below), so no derivative is written down here. Points are those of
test_local_derivative_accuracy.py: all exponents, tails, near zeros, ones and the edges of domains.
Derivatives are within 4, 8 and 16 ulp of the truth at order 1, 2 and 3; the worst of each is printed by
`pytest -rP tests/ops/test_derivatives_of_every_op.py`. Two things widen that, each where it must:

- Where a derivative passes through 0 at a point that is no double (the third of tanh at 0.6585), the digits
  that cancel are judged by the size of its neighbours in order. Zeros at 0, and tails, get no such help.
- A power with an exponent n that is not whole computes with n - 1, rounded: x ** that rounding is allowed.

Where a derivative of the same order or a lower one lies within a factor 2**24 of the ends of the range of
doubles, nothing is asked.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest
from digits import PRECISION
from higher import true_derivative
from truth import CORNERED, ROWS, Row, erf_slope, mp, outside, points, power, ulps

import pygrad
from pygrad import SingularDerivativeWarning, Value, gradients
from pygrad.value import FUNCTIONS

Real = Any  # an mpmath number
Orders = tuple[int, ...]  # how often a derivative is taken by each operand
Function = Callable[..., Any]

MAX_ORDER = 3
LIMITS = {0: 4.0, 1: 4.0, 2: 8.0, 3: 16.0, 4: 32.0}  # ulp
NEAR_ZERO_LIMIT = 8.0  # ulp of the natural size, where a derivative passes through 0
SMALLEST, LARGEST = 2.0**-998, 2.0**1000

# -- the truth -------------------------------------------------------------------------------------


SMOOTH = {name: row for name, row in ROWS.items() if row.is_smooth and not row.has_constant}


def all_orders(arity: int) -> list[Orders]:
    found = itertools.product(range(MAX_ORDER + 1), repeat=arity)
    return [orders for orders in found if sum(orders) <= MAX_ORDER]


class Truth:
    """The derivatives of an op at one point."""

    def __init__(self, row: Row, xs: Sequence[float]) -> None:
        self.row, self.xs = row, tuple(map(mp.mpf, xs))

    def at(self, orders: Orders) -> Real:
        if self.row.shortcut is not None and orders[0] > 0:
            return true_derivative(self.row.shortcut, self.xs, (orders[0] - 1,))
        return true_derivative(self.row.value, self.xs, orders)

    def scale(self) -> Real:
        """What an error of the value is measured against, if not the value."""
        mp.prec = PRECISION
        return self.row.scale(*self.xs) if self.row.scale is not None else mp.zero

    def moved(self, orders: Orders, i: int, step: int) -> Real:
        return abs(self.at((*orders[:i], orders[i] + step, *orders[i + 1 :])))

    def natural_size(self, orders: Orders) -> Real:
        """How large the derivative would be, were it not just passing through 0.

        The geometric mean of the orders around it, which in an exponential tail and for a power is its
        own size; and no more than what operands change that differ by their own size.
        """
        places = range(len(self.xs))
        change = sum(abs(self.xs[i]) * self.moved(orders, i, 1) for i in places)
        around = max(
            mp.sqrt(self.moved(orders, i, -1) * self.moved(orders, k, 1))
            for i in places
            for k in places
            if orders[i] > 0
        )
        return min(change, around)

    def near_the_ends(self, order: int) -> bool:
        """Whether a derivative of this order, or one below it, is near the ends of the doubles' range."""
        below = [orders for orders in all_orders(len(self.xs)) if sum(orders) <= order]
        return any(
            not SMALLEST < abs(x) < LARGEST for orders in below if (x := self.at(orders)) != 0
        )


def exponent_rounding(n: float) -> float:
    """How far n - 1, n - 2 and n - 3 are from what subtracting 1 gives in doubles, added up."""
    rounded, total = n, Fraction(0)
    for _ in range(MAX_ORDER):
        total += abs(Fraction(rounded) - 1 - Fraction(rounded - 1))
        rounded -= 1
    return float(total)


def error_in_ulp(given: float, truth: Truth, orders: Orders, slack: Callable[[], float]) -> float:
    """The error in ulp; at most the limit where the module's docstring lets it be larger."""
    exactly = truth.at(orders)
    order = sum(orders)
    error = ulps(given, exactly, truth.scale() if order == 0 else 0)
    if error <= LIMITS[order] or not math.isfinite(error):
        return error
    if error <= LIMITS[order] + slack():
        return LIMITS[order]
    if order == 0 or exactly == 0:
        return error
    scaled = float(abs(given - exactly) / truth.natural_size(orders) * mp.mpf(2) ** 53)
    return error if scaled > NEAR_ZERO_LIMIT + slack() else LIMITS[order]


@pytest.mark.parametrize(
    ("f", "x", "derivatives"),
    [
        (
            mp.tanh,
            300.0,
            lambda s, x: [s, -2 * s * mp.tanh(x), 4 * s * mp.tanh(x) ** 2 - 2 * s * s],
        ),
        (mp.erf, 3.0, lambda s, x: [s, -2 * x * s, (4 * x * x - 2) * s]),
        (mp.log, 1e-300, lambda s, x: [s, -s / x, 2 * s / x**2]),
        (mp.atan, 1e60, lambda s, x: [s, -2 * x * s**2, (6 * x * x - 2) * s**3]),
        (mp.asin, 1e-200, lambda s, x: [s, x * s**3, s**3 + 3 * x * x * s**5]),
    ],
    ids=["tanh", "erf", "log", "atan", "asin"],
)
def test_the_truth_itself_in_tails_and_near_zeros(f, x, derivatives):
    mp.prec = 3000
    x = mp.mpf(x)
    slopes = {
        mp.tanh: lambda: mp.sech(x) ** 2,
        mp.erf: lambda: erf_slope(x),
        mp.log: lambda: 1 / x,
        mp.atan: lambda: 1 / (1 + x * x),
        mp.asin: lambda: 1 / mp.sqrt(1 - x * x),
    }
    expected = derivatives(slopes[f](), x)
    for order, exactly in enumerate(expected, 1):
        assert abs(true_derivative(f, (x,), (order,)) / exactly - 1) < mp.mpf(2) ** -80


# -- what pygrad says ------------------------------------------------------------------------------


def all_derivatives(
    f: Function, xs: Sequence[float], order: int = MAX_ORDER
) -> dict[Orders, list[float]]:
    """Every derivative by every sequence of operands: under the same orders all that should agree."""
    inputs = [Value(x) for x in xs]
    none: Orders = (0,) * len(xs)
    level = [(none, f(*inputs))]
    found = {none: [level[0][1].data]}
    for _ in range(order):
        below, level = level, []
        for orders, y in below:
            for i, slope in enumerate(gradients(y, inputs)):
                level.append(((*orders[:i], orders[i] + 1, *orders[i + 1 :]), slope))
        for orders, slope in level:
            found.setdefault(orders, []).append(slope.data)
    return found


def evaluated(
    f: Function, xs: Sequence[float], order: int = MAX_ORDER
) -> dict[Orders, list[float]] | None:
    """The same, None where eager evaluation raises."""
    try:
        return all_derivatives(f, xs, order)
    except (ArithmeticError, ValueError):
        return None


def real_points(name: str, count: int) -> Iterator[tuple[float, ...]]:
    """So many points of the op's open domain."""
    row = ROWS[name]
    low, high = row.domain
    found = 0
    for xs in points(name, 200 * count):
        if outside(name, xs) or xs[0] in (low, high) or (name == "pow" and xs[0] <= 0):
            continue
        if name == "pow" and abs((abs(xs[1]) + 3) * math.log2(xs[0])) > 990:
            continue  # factors out of range, while their product is not
        if abs(xs[0] - (xs[1] if name == "logaddexp" else 0.0)) > row.far:
            continue
        if (found := found + 1) > count:
            return
        yield xs


class Worst:
    """The worst error of each derivative, and where."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[Orders, tuple[float, Any, float]] = {}
        self.compared: dict[Orders, int] = {}

    def note(self, orders: Orders, error: float, xs: Any, given: float) -> None:
        self.compared[orders] = self.compared.get(orders, 0) + 1
        if error >= self.rows.get(orders, (-1.0,))[0]:
            self.rows[orders] = (error, xs, given)

    def check(self) -> None:
        for orders, (error, xs, given) in sorted(self.rows.items()):
            by = "".join("xyz"[i] * o for i, o in enumerate(orders)) or "value"
            at = tuple(map(float, xs))
            count = self.compared[orders]
            print(f"{self.name:10s} {by:6s} {count:5d}  {error:8.3g}  at {at}: {given!r}")
        for orders, (error, xs, given) in self.rows.items():
            assert error <= LIMITS[sum(orders)], f"{self.name} {orders} at {xs}: {given!r}"


def compare(
    worst: Worst,
    truth: Truth,
    given: dict[Orders, list[float]],
    slack: Callable[[], float] = lambda: 0.0,
) -> None:
    """Notes the errors of all derivatives at one point."""
    ends = [truth.near_the_ends(order) for order in range(MAX_ORDER + 1)]
    for orders, found in given.items():
        # The value of logaddexp may cancel anywhere.
        if not ends[sum(orders)] and (sum(orders) > 0 or worst.name != "logaddexp"):
            for x in found:
                worst.note(orders, error_in_ulp(x, truth, orders, slack), truth.xs, x)


def measure(name: str, count: int) -> Worst:
    worst = Worst(name)
    for xs in real_points(name, count):
        given = evaluated(FUNCTIONS[name], xs)
        if given is not None:  # else the value is out of range
            compare(worst, Truth(SMOOTH[name], xs), given, slack_of(name, xs))
    return worst


def check_to_third_order(name: str, count: int) -> None:
    worst = measure(name, count)
    worst.check()
    for orders in all_orders(ROWS[name].arity):
        if sum(orders) > 0:
            compared = worst.compared.get(orders, 0)
            assert compared >= 0.3 * count, f"{orders}: too few points to be a test"


def power_slack(x: float, n: float) -> float:
    """In ulp, what the rounding of n - 1 and so on does to a power of x."""
    return 2.0**53 * exponent_rounding(n) * abs(math.log(abs(x)))


def slack_of(name: str, xs: Sequence[float]) -> Callable[[], float]:
    return functools.partial(power_slack, *xs) if name == "pow" else lambda: 0.0


@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_derivatives_to_third_order(name):
    check_to_third_order(name, 40)


@pytest.mark.parametrize("name", SMOOTH)
def test_fourth_derivatives_at_ordinary_points(name):
    """Rules of rules of rules: what no derivative up to the third has used."""
    rng = random.Random(name)
    low, high = (1.2, 3.0) if name == "acosh" else (0.15, 0.85)
    worst = Worst(name)
    for _ in range(4):
        xs = tuple(rng.uniform(low, high) for _ in range(ROWS[name].arity))
        truth = Truth(SMOOTH[name], xs)
        for orders, found in all_derivatives(FUNCTIONS[name], xs, order=4).items():
            for x in found if sum(orders) == 4 else []:
                worst.note(orders, error_in_ulp(x, truth, orders, slack_of(name, xs)), xs, x)
    worst.check()


@pytest.mark.long
@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_derivatives_to_third_order_on_many_points(name):
    check_to_third_order(name, 200)


# -- tails, where a derivative is tiny beside the value ----------------------------------------------

TAILS = {name: row.tails for name, row in SMOOTH.items() if row.tails}


@pytest.mark.parametrize("name", TAILS)
def test_tails_keep_their_digits_to_third_order(name):
    worst = Worst(name)
    for xs in TAILS[name]:
        given = all_derivatives(FUNCTIONS[name], xs)
        compare(worst, Truth(SMOOTH[name], xs), given, slack_of(name, xs))
    worst.check()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "erf", "atan", "asinh", "sqrt"])
@pytest.mark.parametrize("x", [math.inf, 1.7e308])
def test_higher_derivatives_vanish_far_out(name, x):
    given = all_derivatives(FUNCTIONS[name], [x])
    assert [given[2,], given[3,]] == [[0.0], [0.0]]
    assert given[1,] == [1.0 if name == "softplus" else pytest.approx(0.0, abs=1e-153)]
    if name != "sqrt":
        given = all_derivatives(FUNCTIONS[name], [-x])
        assert [given[1,], given[2,], given[3,]] == [[pytest.approx(0.0, abs=1e-153)], [0.0], [0.0]]


def test_exponentials_vanish_to_every_order_at_minus_infinity():
    for name in ("exp", "exp2", "expm1", "sigmoid", "softplus"):
        given = all_derivatives(FUNCTIONS[name], [-math.inf])
        assert [given[k,] for k in (1, 2, 3)] == [[0.0], [0.0], [0.0]], name


def test_logaddexp_of_infinities_to_third_order():
    both = all_derivatives(FUNCTIONS["logaddexp"], [-math.inf, -math.inf])
    assert both[1, 0] == both[0, 1] == [0.5]
    assert both[2, 0] == both[0, 2] == [0.25]
    assert both[1, 1] == [-0.25, -0.25]
    assert all(x == 0.0 for orders in both if sum(orders) == 3 for x in both[orders])
    one = all_derivatives(FUNCTIONS["logaddexp"], [-math.inf, 1.0])
    assert [one[1, 0], one[0, 1]] == [[0.0], [1.0]]
    assert all(x == 0.0 for orders in one if sum(orders) > 1 for x in one[orders])


# -- powers with a constant exponent ---------------------------------------------------------------

EXPONENTS = [
    *[0, 1, 2, 3, 4, 5, 7, 12, -1, -2, -3, -5],
    *[0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, 1.5, 2.5, 3.5, -2.5, 1 / 3, -1 / 3, 0.1, 1e-3, -7.25],
]


def falling_power(x: float, n: float, order: int) -> Real:
    """n (n-1) ... x ** (n - order)."""
    mp.prec = 300
    factor = math.prod((mp.mpf(n) - k for k in range(order)), start=mp.one)
    return factor * power(mp.mpf(x), mp.mpf(n) - order) if factor != 0 else mp.zero


@pytest.mark.parametrize("n", EXPONENTS)
def test_powers_with_a_constant_exponent(n):
    rng = random.Random(str(n))
    xs = [rng.uniform(0.01, 5) for _ in range(20)]
    xs += [2.0 ** rng.uniform(-60, 60) for _ in range(20)]
    xs += [1.0, 2.0, 1 - 2.0**-53, 1e30, 1e-30]
    if n == math.floor(n):
        xs += [-x for x in xs]
    for x in xs:
        truths = [falling_power(x, n, order) for order in range(MAX_ORDER + 1)]
        if any(not SMALLEST < abs(truth) < LARGEST for truth in truths if truth != 0):
            continue
        given = all_derivatives(lambda v: v**n, [x])
        for order, truth in enumerate(truths):
            allowed = LIMITS[order] + power_slack(x, n)
            assert ulps(given[order,][0], truth) <= allowed, f"x**{n} order {order} at {x}"


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_powers_of_zero_to_third_order(zero):
    inf = math.inf
    expected = {
        **{n: [0.0, 0.0, 0.0] for n in (0, 0.0, 4, 5, 3.5, 4.0)},
        **{n: [1.0, 0.0, 0.0] for n in (1, 1.0)},
        **{n: [0.0, 2.0, 0.0] for n in (2, 2.0)},
        **{n: [0.0, 0.0, 6.0] for n in (3, 3.0)},
        0.5: [inf, -inf, inf],
        1.5: [0.0, inf, -inf],
        2.5: [0.0, 0.0, inf],
    }
    for n, derivatives in expected.items():
        given = all_derivatives(lambda v: v**n, [zero])
        assert [given[k,][0] for k in (1, 2, 3)] == derivatives, n
        given = all_derivatives(lambda v: FUNCTIONS["pown"](v, n), [zero])
        assert [given[k,][0] for k in (1, 2, 3)] == derivatives, n


# Powers of 0 by both operands: the limits for x -> 0+ of y x**(y-1), x**(y-1) (1 + y log x) and so on.
POW_AT_ZERO = {
    0.0: {(0, 1): 0.0, (0, 2): 0.0, (0, 3): 0.0, (1, 0): 0.0, (2, 0): 0.0, (3, 0): 0.0},
    1.0: {(1, 0): 1.0, (2, 0): 0.0, (3, 0): 0.0, (0, 1): 0.0, (0, 2): 0.0, (1, 1): -math.inf},
    2.0: {(2, 0): 2.0, (1, 2): 0.0, (2, 1): -math.inf, (0, 3): 0.0},
    3.0: {(3, 0): 6.0, (1, 2): 0.0, (2, 1): 0.0},
    2.5: {(2, 0): 0.0, (3, 0): math.inf, (1, 2): 0.0, (2, 1): 0.0},
    4.0: {},
}


@pytest.mark.parametrize("y", POW_AT_ZERO)
def test_powers_of_zero_by_both_operands(y):
    with warnings.catch_warnings():
        if y < 3:  # some derivatives are infinite
            warnings.simplefilter("ignore", SingularDerivativeWarning)
        given = all_derivatives(FUNCTIONS["pow"], [0.0, y])
    for orders in given:
        if y >= 2 or orders in POW_AT_ZERO[y]:
            expected = POW_AT_ZERO[y].get(orders, 0.0)
            assert given[orders] == [expected] * len(given[orders]), orders


def test_powers_of_negative_numbers():
    """Real for whole exponents only, so by x as x ** n, and nan by y."""
    for y in (2.0, 3.0, -2.0, 0.0, 1.0):
        given = all_derivatives(FUNCTIONS["pow"], [-2.0, y])
        for order in (1, 2, 3):
            assert ulps(given[order, 0][0], falling_power(-2.0, y, order)) <= LIMITS[order]
        assert all(math.isnan(given[0, k][0]) for k in (1, 2, 3))


# -- corners ---------------------------------------------------------------------------------------


def slope_at_a_corner(name: str, xs: Sequence[float]) -> tuple[float, ...]:
    """The documented first derivatives of the ops that have corners or jumps."""
    x, y, w = [*xs, 0.0, 0.0][:3]
    tie = 0.5 if x == y else None
    return {
        "relu": (float(x > 0),),
        "abs": (float((x > 0) - (x < 0)),),
        "maximum": (tie or float(x > y), tie or float(y > x)),
        "minimum": (tie or float(x < y), tie or float(y < x)),
        "clip": (float(y <= x <= w), float(x < y <= w), float(w < max(x, y))),
        "where": (0.0, float(x != 0), float(x == 0)),
        "mod": (1.0, -(x // y) if y else math.nan),
        "floordiv": (0.0, 0.0),
    }.get(name, (0.0,))


CORNERS: dict[int, list[tuple[float, ...]]] = {
    1: [(x,) for x in (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 1e-300, -1e300)],
    2: [(1.0, 1.0), (0.0, 1.0), (-0.0, 2.0), (-3.0, -3.0), (5.5, 2.0), (-5.5, 2.0), (4.0, -2.0)],
    3: [
        *[(1.0, 1.0, 2.0), (2.0, 1.0, 2.0), (1.0, 1.0, 1.0), (0.0, 1.0, 2.0), (3.0, 1.0, 2.0)],
        *[(1.0, 2.0, 0.0), (1.5, 1.0, 2.0), (0.0, 2.0, 1.0), (2.0, 2.0, 1.0), (3.0, 2.0, 1.0)],
        (1.0, 2.0, 1.0),
    ],
}


@pytest.mark.parametrize("name", CORNERED)
def test_ops_with_corners_to_third_order(name):
    rng = random.Random(name)
    n = ROWS[name].arity
    xss = [*CORNERS[n], *(tuple(rng.uniform(-4, 4) for _ in range(n)) for _ in range(30))]
    for xs in xss:
        given = all_derivatives(FUNCTIONS[name], xs)
        if name != "sign" or xs[0] != 0:
            assert given[(0,) * n] == [CORNERED[name].value(*map(mp.mpf, xs))]
        for i, slope in enumerate(slope_at_a_corner(name, xs)):
            assert given[tuple(int(i == k) for k in range(n))] == [slope], (xs, i)
        for orders, found in given.items():
            if sum(orders) > 1:
                assert found == [0.0] * len(found), (xs, orders)


def test_clip_lets_nan_through_and_its_slope():
    for low, high in [(1.0, 2.0), (2.0, 1.0)]:
        given = all_derivatives(FUNCTIONS["clip"], [math.nan, low, high], order=2)
        assert math.isnan(given[0, 0, 0][0])
        assert [given[1, 0, 0], given[0, 1, 0], given[0, 0, 1]] == [[1.0], [0.0], [0.0]]


def test_roots_and_inverses_at_the_edges_of_their_domains():
    inf = math.inf
    for name, x, derivatives in [
        ("sqrt", 0.0, [inf, -inf, inf]),
        ("asin", 1.0, [inf, inf, inf]),
        ("asin", -1.0, [inf, -inf, inf]),
        ("acos", 1.0, [-inf, -inf, -inf]),
        ("acosh", 1.0, [inf, -inf]),
    ]:
        given = all_derivatives(FUNCTIONS[name], [x], len(derivatives))
        assert [given[k + 1,][0] for k in range(len(derivatives))] == derivatives, name


@pytest.mark.parametrize("name", ["hypot", "atan2"])
def test_the_origin_is_flat_to_third_order(name):
    with pytest.warns(SingularDerivativeWarning):
        given = all_derivatives(FUNCTIONS[name], [0.0, 0.0])
    assert all(x == 0.0 for orders in given for x in given[orders])


def test_a_branch_not_taken_is_silent_to_every_order():
    """Where it is not taken, its own derivatives are infinite or nan there."""
    for branch in (
        lambda x: x.sqrt(),
        lambda x: x**0.5,
        lambda x: x**1.5,
        lambda x: x.sqrt() * x,
        lambda x: (x * x).sqrt(),
        lambda x: pygrad.math.pow(x, x + 0.5),
        lambda x: (1.0 - x).acos(),
        lambda x: (1.0 + x).acosh(),
    ):
        given = all_derivatives(lambda x: pygrad.where(x > 0, branch(x), 3.0 * x * x * x), [0.0])
        assert [given[k,] for k in range(4)] == [[0.0], [0.0], [0.0], [18.0]]
        by_step = all_derivatives(lambda x: pygrad.where(x.step(), branch(x), x), [0.0])
        assert [by_step[k,] for k in range(4)] == [[0.0], [1.0], [0.0], [0.0]]


def test_a_logarithm_not_taken_is_silent_to_every_order():
    """log(0) raises in eager evaluation; a Value that became 0 later does not."""
    x = Value(1.0)
    inner = x.log()
    y = pygrad.where(Value(0.0), inner, 0.0)
    x.data, inner.data = 0.0, -math.inf
    for _ in range(4):
        y = gradients(y, x)
        assert y.data == 0.0


@pytest.mark.parametrize("name", ["log", "log2", "log10", "log1p", "atanh", "digamma"])
def test_where_a_value_is_nan_by_domain_so_is_its_slope(name):
    x = Value(0.5)
    y = FUNCTIONS[name](x)
    x.data, y.data = -3.0, math.nan  # as a new evaluation would have it, did it not raise
    slope = gradients(y, x)
    assert math.isnan(slope.data) and math.isnan(gradients(slope, x).data)
    y.backward()
    assert math.isnan(x.grad)


# -- sums and dot products -----------------------------------------------------------------------------

MANY: dict[str, Function] = {
    "sum": lambda x, y, z: pygrad.sum([x * y, x, 3.0, z * z * z, x]),
    "sum from a Value": lambda x, y, z: pygrad.sum([x * x, z], y * z),
    "dot": lambda x, y, z: pygrad.dot([x, y, z], [y, z * z, x]),
    "dot with itself": lambda x, y, z: pygrad.dot([x, y, z], [x, y, z]),
    "dot with a bias": lambda x, y, z: pygrad.dot([x * y, 2.0], [z, y], x * z),
    "dot of dots": lambda x, y, z: pygrad.dot(
        [pygrad.dot([x, y], [y, z]), z], [x, pygrad.sum([x, z])]
    ),
}
MANY_PLAINLY: dict[str, Function] = {
    "sum": lambda x, y, z: x * y + x + 3 + z * z * z + x,
    "sum from a Value": lambda x, y, z: x * x + z + y * z,
    "dot": lambda x, y, z: x * y + y * z * z + z * x,
    "dot with itself": lambda x, y, z: x * x + y * y + z * z,
    "dot with a bias": lambda x, y, z: x * y * z + 2 * y + x * z,
    "dot of dots": lambda x, y, z: (x * y + y * z) * x + z * (x + z),
}


@pytest.mark.parametrize("name", MANY)
def test_sums_and_dot_products_to_fourth_order(name):
    """Of small whole numbers, so that every derivative of the polynomial is exact."""
    for xs in [(2.0, -3.0, 5.0), (0.0, 1.0, -1.0), (4.0, 4.0, 4.0)]:
        given = all_derivatives(MANY[name], xs, order=4)
        for orders, found in given.items():
            truth = true_derivative(MANY_PLAINLY[name], tuple(map(mp.mpf, xs)), orders)
            assert found == [float(mp.nint(truth))] * len(found), (xs, orders)


# -- symmetry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "sub", "mul", "pow", "logaddexp", "atan2", "hypot"])
def test_second_mixed_derivatives_are_symmetric_bit_for_bit(name):
    compared = 0
    for xs in real_points(name, 300):
        given = evaluated(FUNCTIONS[name], xs)
        if given is not None:
            by_xy, by_yx = given[1, 1]
            compared += 1
            assert by_xy == by_yx or (by_xy != by_xy and by_yx != by_yx), xs
    assert compared >= 200


def test_second_mixed_derivatives_of_a_quotient_are_symmetric_within_one_ulp():
    """-1/y/y is -(1/y)/y one way and -(1/y)*(1/y) the other."""
    for xs in real_points("div", 300):
        by_xy, by_yx = all_derivatives(FUNCTIONS["div"], xs, order=2)[1, 1]
        assert math.nextafter(by_xy, by_yx) == by_yx, xs
