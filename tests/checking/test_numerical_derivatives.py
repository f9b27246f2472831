"""numerical_derivative and partial: what they find, how far off they are, and that they know it."""

from __future__ import annotations

import copy
import doctest
import math
import pickle
import random
import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from mpmath import mp

import pygrad.math
from pygrad import Value, numeric
from pygrad.checking import differences
from pygrad.numeric import Estimate, numerical_derivative, partial

EPS = 2.0**-52
METHODS = ["central", "forward", "ridders"]


def f(x: Any) -> Any:
    """The lessons' parabola."""
    return 3 * x**2 - 4 * x + 5


# -- measured claims ------------------------------------------------------------------------------


class Case(NamedTuple):
    f: Callable[[float], float]
    slope: Callable[[Any], Any]  # in mpmath's numbers
    low: float
    high: float


# Eight functions, each over the magnitudes on which it varies on the scale of x.
CASES = {
    "sqrt": Case(math.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), 2e-6, 1e4),
    "log": Case(math.log, lambda x: 1 / x, 2e-6, 1e4),
    "exp": Case(math.exp, mp.exp, 0.1, 12),
    "x**2.5": Case(lambda x: x**2.5, lambda x: mp.mpf(2.5) * x ** mp.mpf(1.5), 1e-4, 1e4),
    "1/x": Case(lambda x: 1 / x, lambda x: -1 / x**2, 1e-4, 1e4),
    "sin": Case(math.sin, mp.cos, 1e-4, 1.4),
    "tanh": Case(math.tanh, lambda x: mp.sech(x) ** 2, 1e-4, 3),
    "atan": Case(math.atan, lambda x: 1 / (1 + x * x), 1e-4, 1e2),
}
COUNT = 60


class Sample(NamedTuple):
    relative_error: float
    error: float
    error_bar: float


def measure(estimate: Callable[[Callable[[float], float], float], Estimate]) -> list[Sample | None]:
    """All functions at all points, against 50 digits; None where f raises."""
    samples: list[Sample | None] = []
    with mp.workdps(50):
        for case in CASES.values():
            for i in range(COUNT):
                x = case.low * (case.high / case.low) ** (i / (COUNT - 1))
                try:
                    found = estimate(case.f, x)
                except ValueError:
                    samples.append(None)
                    continue
                truth = case.slope(mp.mpf(x))
                error = abs(mp.mpf(float(found)) - truth)
                samples.append(Sample(float(error / abs(truth)), float(error), found.error))
    return samples


def worst(samples: list[Sample | None]) -> float:
    return max(s.relative_error for s in samples if s is not None)


WAYS = {
    "forward h=1.5e-8": lambda f, x: numerical_derivative(f, x, 1.5e-8, "forward"),
    "central h=1e-6": lambda f, x: numerical_derivative(f, x, 1e-6),
    "central h=cbrt(eps)*max(|x|,1)": lambda f, x: numerical_derivative(
        f, x, EPS ** (1 / 3) * max(abs(x), 1.0)
    ),
    "central": numerical_derivative,
    "forward": lambda f, x: numerical_derivative(f, x, method="forward"),
    "ridders": lambda f, x: numerical_derivative(f, x, method="ridders"),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, list[Sample | None]]:
    return {name: measure(way) for name, way in WAYS.items()}


# Measured worst: 3.73e-3, 9.9e-2, 1.2 (and f raises at 6 points), 8.8e-10, 8.0e-7, 1.3e-12.
@pytest.mark.parametrize(
    ("way", "at_least", "at_most", "raised"),
    [
        ("forward h=1.5e-8", 3e-3, 4.5e-3, 0),
        ("central h=1e-6", 0.08, 0.12, 0),
        ("central h=cbrt(eps)*max(|x|,1)", 0.095, 2.0, 6),
        ("central", 0.0, 1.3e-9, 0),
        ("forward", 0.0, 1e-6, 0),
        ("ridders", 0.0, 3e-12, 0),
    ],
)
def test_worst_relative_error_against_50_digits(measured, way, at_least, at_most, raised):
    assert at_least <= worst(measured[way]) <= at_most
    assert measured[way].count(None) == raised


def test_median_relative_error_of_ridders(measured):
    errors = [s.relative_error for s in measured["ridders"]]
    assert statistics.median(errors) <= 1e-14  # measured 3.2e-15


@pytest.mark.parametrize("way", WAYS)
def test_every_error_bar_holds(measured, way):
    outside = [s for s in measured[way] if s is not None and s.error > s.error_bar]
    assert outside == []


@pytest.mark.parametrize(("way", "factor"), [("central", 400), ("forward", 20), ("ridders", 400)])
def test_error_bars_are_no_wider_than_they_need_to_be(measured, way, factor):
    """Half of them are within this factor of the error they stand for, or of an ulp."""
    ratios = [
        s.error_bar / max(s.error, EPS * s.error / max(s.relative_error, 1e-18))
        for s in measured[way]
        if s.error > 0
    ]
    assert statistics.median(ratios) <= factor


# -- the lessons' numbers -------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "slope"), [(3.0, 14.000003), (-3.0, -21.999997), (2 / 3, 3e-6)])
def test_rise_over_run_with_a_step_of_1e_6_is_a_forward_difference(x, slope):
    found = numerical_derivative(f, x, h=1e-6, method="forward")
    assert round(found, 6) == slope
    assert found.h == 1e-6


@pytest.mark.parametrize(("x", "slope"), [(3.0, 14.0), (-3.0, -22.0), (2 / 3, 0.0)])
@pytest.mark.parametrize("method", ["central", "ridders"])
def test_central_differences_of_a_parabola_have_rounding_errors_only(x, slope, method):
    assert abs(numerical_derivative(f, x, method=method) - slope) < 1e-9


def test_bumping_one_input_at_a_time():
    def d(a, b, c):
        return a * b + c

    for method in METHODS:
        found = [partial(d, (2, -3, 10), i, h=1e-4, method=method) for i in range(3)]
        assert found == pytest.approx([-3.0, 2.0, 1.0], rel=1e-10, abs=0)


def test_halving_the_step_halves_the_error_of_forward_and_quarters_that_of_central_differences():
    for method, ratio in (("forward", 2.0), ("central", 4.0)):
        errors = [
            abs(numerical_derivative(math.exp, 1.0, h, method) - math.e) for h in (2e-3, 1e-3)
        ]
        assert errors[0] / errors[1] == pytest.approx(ratio, rel=2e-3)


@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize(("x", "h"), [(1.0, 1e-17), (1e6, 1e-11), (-3.0, 1e-16), (1e300, 1.0)])
def test_a_step_below_the_resolution_of_x_gives_exactly_0_and_says_why(x, h, method):
    found = numerical_derivative(f, x, h, method)
    assert found == 0.0
    assert found.error == math.inf
    assert "does not move x" in found.note
    assert f"{math.ulp(x):.2g}" in found.note


def test_the_quotient_is_by_the_step_as_it_came_out():
    x, h = 1e6 / 3, 1e-9
    realised = (x + h) - (x - h)
    assert realised != 2 * h
    assert numerical_derivative(lambda t: t, x, h) == 1.0
    assert ((x + h) - (x - h)) / (2 * h) != 1.0


# -- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [3.0, -3.0, 1e-5, 1e5])
def test_default_steps_are_relative(x):
    assert numerical_derivative(f, x).h == pytest.approx(6.0555e-6 * abs(x), rel=1e-4)
    assert numerical_derivative(f, x, method="forward").h == pytest.approx(
        1.4901e-8 * abs(x), rel=1e-4
    )


@pytest.mark.parametrize("method", METHODS)
def test_at_0_the_default_step_is_that_of_1(method):
    found = numerical_derivative(lambda x: math.exp(x) + x, 0.0, method=method)
    assert found == pytest.approx(2.0, rel=1e-7)
    assert abs(found - 2.0) <= found.error


# Functions that are defined on one side of x only a little further, or nowhere else.
EDGES: list[tuple[str, Callable[[float], float], float, float]] = [
    ("log near 0", math.log, 1e-300, 1e300),
    ("log1p near -1", math.log1p, -1 + 2.0**-20, 2.0**20),
    ("asin near 1", math.asin, 1 - 2.0**-30, 1 / math.sqrt(2.0**-29 - 2.0**-60)),
    ("1 / x near 0", lambda x: 1 / x, 1e-150, -1e300),
    ("exp near overflow", math.exp, 709.5, math.exp(709.5)),
    ("a power that turns complex", lambda x: x**0.5, 1e-8, 0.5e4),
]


@pytest.mark.parametrize(("name", "g", "x", "slope"), EDGES, ids=[e[0] for e in EDGES])
def test_ridders_shrinks_its_steps_where_f_is_not_defined(name, g, x, slope):
    found = numerical_derivative(g, x, method="ridders")
    assert found == pytest.approx(slope, rel=1e-8)
    assert abs(found - slope) <= found.error < 1e-7 * abs(slope)


def test_ridders_passes_over_steps_at_which_f_is_not_finite():
    def g(x):
        return math.nan if x > 2.1 else math.inf if x < 1.95 else x**3

    assert numerical_derivative(g, 2.0, method="ridders") == pytest.approx(12.0, rel=1e-10)


# Functions that vary on another scale than that of x: (f, x, slope, attainable relative error).
SCALES: list[tuple[str, Callable[[float], float], float, float, float]] = [
    ("exp at 1e-6", math.exp, 1e-6, math.exp(1e-6), 1e-12),
    ("exp at 1e-12", math.exp, 1e-12, math.exp(1e-12), 1e-10),
    ("exp(x / 1e6) at 1", lambda x: math.exp(x / 1e6), 1.0, math.exp(1e-6) / 1e6, 1e-11),
    ("sin(1e5 x) at 2", lambda x: math.sin(1e5 * x), 2.0, 1e5 * math.cos(2e5), 1e-9),
    (
        "two scales at once",
        lambda x: math.sin(x) + 1e-4 * math.sin(1e4 * x),
        1.0,
        math.cos(1.0) + math.cos(1e4),
        1e-7,
    ),
]


@pytest.mark.parametrize(("name", "g", "x", "slope", "rtol"), SCALES, ids=[s[0] for s in SCALES])
def test_ridders_finds_the_scale_of_f(name, g, x, slope, rtol):
    calls = 0

    def counted(t):
        nonlocal calls
        calls += 1
        return g(t)

    found = numerical_derivative(counted, x, method="ridders")
    assert abs(found - slope) <= rtol * abs(slope)
    assert abs(found - slope) <= found.error <= 100 * rtol * abs(slope)
    assert calls <= 150


def test_ridders_is_not_led_astray_by_the_rounding_of_its_smallest_steps():
    """1e5 * x rounds by more than sin's own values do, so small steps tell tales."""
    rng = random.Random(1)
    for x in [0.01090146049553595, *(10 ** rng.uniform(-2, -1) for _ in range(100))]:
        found = numerical_derivative(lambda t: math.sin(1e5 * t), x, method="ridders")
        assert found == pytest.approx(1e5 * math.cos(1e5 * x), rel=1e-9)


def test_the_error_of_a_default_step_on_the_wrong_scale_shows():
    found = numerical_derivative(math.exp, 1e-9)
    error = abs(found - math.exp(1e-9))
    assert error > 1e-4  # the step is 6e-15, far below what exp varies over
    assert error <= found.error < 1.0


def test_ridders_with_a_given_first_step():
    for h in (1e-3, 0.1, 3.0):
        assert numerical_derivative(math.sin, 1.0, h, "ridders") == pytest.approx(
            math.cos(1.0), rel=1e-11
        )


def scatter(x: float, size: float) -> float:
    return size * random.Random(x.hex()).uniform(-1, 1)


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-6, 1e-3])
def test_error_bars_of_ridders_know_of_scatter_in_f(size):
    for i in range(20):
        x = 0.5 + i / 20
        found = numerical_derivative(lambda t: math.sin(t) + scatter(t, size), x, method="ridders")
        error = abs(found - math.cos(x))
        assert error <= 1.5 * found.error
        assert found.error <= 1e3 * size


def test_error_bars_of_ridders_know_of_digits_lost_inside_f():
    for i in range(20):
        x = 0.5 + i / 20
        found = numerical_derivative(lambda t: (math.sin(t) + 1e6) - 1e6, x, method="ridders")
        assert abs(found - math.cos(x)) <= 1.5 * found.error
        assert found.error <= 1e-6


NO_DERIVATIVE: list[tuple[str, Callable[[float], float], float, str]] = [
    ("abs", abs, 0.0, "kink: slope -1 to the left, 1 to the right"),
    ("max", lambda x: max(x, 2 * x - 3), 3.0, "kink: slope 1 to the left, 2 to the right"),
    ("floor", math.floor, 2.0, "jump: slope inf to the left, 0 to the right"),
    ("sign", lambda x: (x > 0) - (x < 0), 0.0, "jump: slope inf to the left, inf to the right"),
    ("sqrt of abs", lambda x: math.sqrt(abs(x)), 0.0, "infinite slope: slope -inf to the left"),
    ("sqrt", math.sqrt, 0.0, "the domain of f ends here: slope inf to the right"),
]


@pytest.mark.parametrize(
    ("name", "g", "x", "note"), NO_DERIVATIVE, ids=[n[0] for n in NO_DERIVATIVE]
)
def test_ridders_says_where_there_is_no_derivative(name, g, x, note):
    found = numerical_derivative(g, x, method="ridders")
    assert found.error == math.inf
    assert note in found.note


def test_one_sided_slopes_are_extrapolated_too():
    def g(x):
        return math.exp(x) if x > 1 else math.exp(3 * x - 2)

    found = differences.corner(differences.Line(g, 1.0))
    assert found.kind == "kink"
    assert found.left == pytest.approx(3 * math.e, rel=1e-12)
    assert found.right == pytest.approx(math.e, rel=1e-12)


def test_ridders_says_that_f_goes_in_steps():
    found = numerical_derivative(math.floor, 27.1, method="ridders")
    assert found == 0.0
    assert "goes in steps" in found.note


# -- what f may be --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "g",
    [
        lambda x: x * x,
        lambda x: Value(x) * x,
        lambda x: np.float64(x) ** 2,
        lambda x: np.array(x * x),
        lambda x: Fraction(x) ** 2,
        lambda x: pygrad.math.exp(pygrad.math.log(x) * 2),
        lambda x: x.log().exp() ** 2,
        lambda x: (x.relu() * x).stop_gradient(),
    ],
)
def test_f_may_return_any_number_and_may_use_methods_of_values(g, method):
    assert numerical_derivative(g, 3, method=method) == pytest.approx(6.0, rel=1e-7)
    assert numerical_derivative(g, np.float64(3.0), method=method) == pytest.approx(6.0, rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_f_that_ignores_its_input_has_derivative_0(method):
    found = numerical_derivative(lambda x: 7.0, 2.0, method=method)
    assert found == 0.0
    assert found.error < 1e-6


def test_f_is_called_with_floats():
    seen = set()

    def g(x):
        seen.add(type(x))
        return math.sin(x)

    for method in METHODS:
        numerical_derivative(g, 1, method=method)
    assert seen == {float}


def test_an_attribute_error_of_f_itself_goes_on():
    with pytest.raises(AttributeError, match="'float' object has no attribute 'sine'"):
        numerical_derivative(lambda x: x.sine(), 1.0)
    with pytest.raises(AttributeError, match="'str' object has no attribute 'tanh'"):
        numerical_derivative(lambda x: "x".tanh(), 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_what_f_raises_at_x_goes_on(method):
    with pytest.raises(ValueError, match=r"math domain error|positive"):
        numerical_derivative(math.log, -1.0, method=method)
    with pytest.raises(ZeroDivisionError):
        numerical_derivative(lambda x: 1 // (x > 5), 1.0, method=method)


def test_what_f_raises_beside_x_goes_on_from_a_given_formula():
    with pytest.raises(ValueError, match="math domain error"):
        numerical_derivative(math.sqrt, 0.0)
    assert numerical_derivative(math.sqrt, 0.0, method="forward") > 8000


# -- bad arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("h", [0, 0.0, -1e-6, math.nan, math.inf, -math.inf])
def test_a_step_that_is_no_positive_number_is_refused(h, method):
    with pytest.raises(ValueError, match="h must be a positive, finite step"):
        numerical_derivative(f, 1.0, h, method)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (
            (f, 1.0, None, "backward"),
            ValueError,
            "method must be 'central', 'forward' or 'ridders'",
        ),
        ((f, math.nan), ValueError, "x must be finite"),
        ((f, math.inf), ValueError, "x must be finite"),
        ((f, [1.0]), TypeError, "x must be a real number, not list"),
        ((f, np.array([1.0])), TypeError, "x must be a real number, not ndarray"),
        ((f, "1"), TypeError, "x must be a real number, not str"),
        ((f, 1j), TypeError, "x must be a real number, not complex"),
        ((f, Value(1.0)), TypeError, "not a Value: pass its .data"),
        ((f, 1.0, "small"), TypeError, "h must be a real number, not str"),
        ((lambda x: [x, x], 1.0), TypeError, "f must return one number, not list"),
        ((lambda x: None, 1.0), TypeError, "f must return one number, not NoneType"),
        ((lambda x: np.array([x]), 1.0), TypeError, "f must return one number, not ndarray"),
        ((lambda x: (x - 2) ** 0.5, 1.0), ValueError, "complex"),
    ],
)
def test_bad_arguments_are_named(args, error, message):
    with pytest.raises(error, match=message):
        numerical_derivative(*args)


def test_partial_takes_positions_as_lists_do():
    def g(x, y):
        return x**2 * y

    assert partial(g, [3.0, 5.0], -1) == pytest.approx(9.0, rel=1e-9)
    assert partial(g, np.array([3.0, 5.0]), 0) == pytest.approx(30.0, rel=1e-9)
    for index in (2, -3):
        with pytest.raises(IndexError, match="f has 2 arguments"):
            partial(g, (3.0, 5.0), index)
    with pytest.raises(TypeError, match="index must be an int"):
        partial(g, (3.0, 5.0), 0.0)
    with pytest.raises(TypeError, match=r"args\[1\] must be a real number, not str"):
        partial(g, (3.0, "5"), 1)
    with pytest.raises(ValueError, match="h must be a positive"):
        partial(g, (3.0, 5.0), 0, h=0.0)


# -- the result -----------------------------------------------------------------------------------


def test_an_estimate_is_a_float():
    found = numerical_derivative(f, 3.0, 1e-6, "forward")
    assert isinstance(found, float)
    assert type(found + 1) is float
    assert f"{found:.3f}" == "14.000"
    assert found == float(found)
    assert hash(found) == hash(float(found))
    assert repr(Estimate(1.5, 1e-9, 1e-5)) == "Estimate(1.5, error=1.0e-09, h=1e-05)"
    assert "note='why'" in repr(Estimate(0.0, 0.0, 1.0, "central", "why"))


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_of_an_estimate_keep_its_error(copied):
    found = numerical_derivative(math.floor, 27.1, method="ridders")
    twin = copied(found)
    assert twin == found
    for name in ("error", "h", "method", "note"):
        assert getattr(twin, name) == getattr(found, name) != ""


@pytest.mark.parametrize("module", [numeric, differences])
def test_examples_in_the_docstrings(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
