"""pygrad.math: Values through every function, plain numbers exactly as in the standard module."""

from __future__ import annotations

import inspect
import math
import random
from decimal import Decimal
from fractions import Fraction

import pytest

inf, nan = math.inf, math.nan

PUBLIC = [name for name in dir(math) if not name.startswith("_")]
FUNCTIONS = [name for name in PUBLIC if callable(getattr(math, name))]


def outcome(function, *args, **kwargs):
    """What a call gives, in a form that compares: type and repr, or the type of the exception."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error)
    return type(result), repr(result)


def test_everything_of_the_standard_module_is_there(package):
    assert [name for name in PUBLIC if not hasattr(package.math, name)] == []
    assert set(PUBLIC) <= set(package.math.__all__)


def test_constants_are_the_standard_ones(package):
    for name in ("pi", "e", "tau", "inf"):
        assert getattr(package.math, name) == getattr(math, name)
    assert math.isnan(package.math.nan)


ONE = [
    0,
    1,
    -1,
    2,
    0.5,
    -0.5,
    3.7,
    True,
    171,
    10**400,
    2**53 + 1,
    1e308,
    -0.0,
    5e-324,
    inf,
    -inf,
    nan,
]
ONE += [Fraction(1, 3), Decimal("0.5"), None, "1", 1j, [1.0], (1.0, 2.0)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_plain_argument_gives_exactly_what_math_gives(package, name):
    if name in {"comb", "perm", "factorial"}:  # slow for huge arguments, and passed through as is
        assert getattr(package.math, name) is getattr(math, name)
        return
    for x in ONE:
        assert outcome(getattr(package.math, name), x) == outcome(getattr(math, name), x), x


TWO = [
    0,
    1,
    -3,
    0.5,
    2.5,
    True,
    10**400,
    2**53 + 1,
    -0.0,
    1e200,
    inf,
    -inf,
    nan,
    Fraction(1, 3),
    None,
    "1",
]
TWO_ARGUMENTS = [
    "atan2",
    "copysign",
    "fmod",
    "hypot",
    "log",
    "pow",
    "remainder",
    "isclose",
    "ldexp",
    "nextafter",
]


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
def test_two_plain_arguments_give_exactly_what_math_gives(package, name):
    for x in TWO:
        for y in TWO:
            expected = outcome(getattr(math, name), x, y)
            assert outcome(getattr(package.math, name), x, y) == expected, (x, y)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("hypot", ()),
        ("hypot", (3, 4, 12)),
        ("hypot", (1e200, 1e200, 1e200)),
        ("dist", ((1, 2), (4, 6))),
        ("dist", ((1.5, 2, 3), (4, 6, 0.5))),
        ("dist", ((2**53 + 1,), (2**53,))),
        ("dist", ((1,), (1, 2))),
        ("dist", ((), ())),
        ("fsum", ([0.1] * 10,)),
        ("fsum", ([],)),
        ("fsum", (["x"],)),
        ("prod", ([1, 2, 3],)),
        ("prod", ([],)),
        ("prod", ([0.5, 3],)),
        ("fma", (2.0, 3.0, 4.0)),
        ("sumprod", ([1, 2], [3, 4])),
        ("sumprod", ([0.1, 0.2], [0.3, 0.4])),
        ("sumprod", ([1], [3, 4])),
        ("gcd", (12, 18)),
        ("lcm", (4, 6)),
        ("comb", (5, 2)),
        ("factorial", (20,)),
        ("isqrt", (17,)),
        ("frexp", (3.5,)),
        ("modf", (3.5,)),
        ("log", (2.0, None)),
        ("log", (8, 2, 2)),
        ("fabs", (Decimal("-1.5"),)),
        ("degrees", (Decimal(1),)),
        ("radians", (Decimal(1),)),
    ],
)
def test_other_plain_calls_give_exactly_what_math_gives(package, name, args):
    if not hasattr(math, name):
        pytest.skip(f"math.{name} is newer than this Python")
    assert outcome(getattr(package.math, name), *args) == outcome(getattr(math, name), *args)


def test_keywords_of_the_standard_functions_work(package):
    assert package.math.isclose(1.0, 1.1, rel_tol=0.2) is True
    assert package.math.isclose(1.0, 1.1, abs_tol=0.01) is False
    assert package.math.prod([2, 3], start=10) == 60


def test_floor_of_a_float_is_an_int_and_of_a_value_a_value(package):
    assert type(package.math.floor(2.5)) is int
    v = package.math.floor(package.engine.Value(2.5))
    assert (v.data, v.local_derivatives) == (2.0, (0.0,))


# -- Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["exp", "log", "sin", "sqrt", "erf", "fabs", "tanh", "log1p", "asinh"]
)
def test_one_value_gives_a_node_with_the_standard_number(package, name):
    x = package.engine.Value(0.7)
    v = getattr(package.math, name)(x)
    assert v.data == getattr(math, name)(0.7)
    assert v._children == (x,)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["atan2", "pow", "hypot"])
def test_two_operands_may_mix_values_and_numbers(package, name, place):
    x = package.engine.Value(3.0)
    args = [x, 4.0] if place == 0 else [4.0, x]
    numbers = [3.0, 4.0] if place == 0 else [4.0, 3.0]
    v = getattr(package.math, name)(*args)
    assert v.data == getattr(math, name)(*numbers)
    v.backward()
    assert x.grad == v.local_derivatives[place] != 0.0


def test_power_has_a_slope_by_base_and_exponent(package):
    x, y = package.engine.Value(2.0), package.engine.Value(3.0)
    package.math.pow(x, y).backward()
    assert (x.grad, y.grad) == (12.0, 8 * math.log(2.0))


def test_logarithm_to_a_base_differentiates_by_both(package):
    x, base = package.engine.Value(8.0), package.engine.Value(2.0)
    v = package.math.log(x, base)
    v.backward()
    assert v.data == math.log(8.0, 2.0)
    assert x.grad == pytest.approx(1 / (8 * math.log(2)), rel=1e-15, abs=0)
    assert base.grad == pytest.approx(-math.log(8) / (2 * math.log(2) ** 2), rel=1e-15, abs=0)
    assert package.math.log(8.0, base).data == package.math.log(x, 2).data == v.data


def test_hypot_and_dist_take_any_number_of_coordinates(package):
    x, y, z = (package.engine.Value(c) for c in (3.0, 4.0, 12.0))
    v = package.math.hypot(x, y, z)
    v.backward()
    assert v.data == 13.0
    assert [c.grad for c in (x, y, z)] == pytest.approx([3 / 13, 4 / 13, 12 / 13], rel=1e-15, abs=0)
    assert package.math.hypot(package.engine.Value(-2.0)).data == 2.0
    d = package.math.dist((x, 1.0), (0.0, 5.0))
    x.grad = 0.0
    d.backward()
    assert (d.data, x.grad) == (5.0, 0.6)


def test_degrees_and_radians_scale_the_slope(package):
    x = package.engine.Value(0.5)
    v = package.math.degrees(x)
    v.backward()
    assert (v.data, x.grad) == (math.degrees(0.5), 180.0 / math.pi)
    y = package.engine.Value(90.0)
    w = package.math.radians(y)
    w.backward()
    assert (w.data, y.grad) == (math.radians(90.0), math.pi / 180.0)


FMOD_POINTS = [
    (7.5, 2.0),
    (-7.5, 2.0),
    (7.5, -2.0),
    (1.0, 0.1),
    (1e300, 7.0),
    (5.0, inf),
    (0.3, 0.1),
]
FMOD_POINTS += [(nan, 0.0), (1.0, 0.0), (inf, 2.0), (nan, 2.0), (2.0, nan), (-0.0, 2.0)]


@pytest.mark.parametrize(("x", "y"), FMOD_POINTS)
def test_fmod_of_values_gives_the_standard_number_or_exception(package, x, y):
    def by_values(x, y):
        return package.math.fmod(package.engine.Value(x), package.engine.Value(y)).data

    assert outcome(by_values, x, y) == outcome(math.fmod, x, y)


def test_fmod_has_slopes_one_and_minus_the_truncated_quotient(package):
    x, y = package.engine.Value(-7.5), package.engine.Value(2.0)
    package.math.fmod(x, y).backward()
    assert (x.grad, y.grad) == (1.0, 3.0)


def test_copysign_keeps_or_turns_the_slope(package):
    for x, y, slope in [(2.0, -1.0, -1.0), (-2.0, -1.0, 1.0), (-2.0, 0.0, -1.0)]:
        v = package.engine.Value(x)
        for sign in (y, package.engine.Value(y)):
            v.grad = 0.0
            result = package.math.copysign(v, sign) * 1
            result.backward()
            assert (result.data, v.grad) == (math.copysign(x, y), slope)
    assert package.math.copysign(2.0, package.engine.Value(-1.0)) == -2.0


def test_fsum_prod_and_sumprod_differentiate(package):
    a, b = package.engine.Value(2.0), package.engine.Value(5.0)
    for v, data, grads in [
        (package.math.fsum([a, 1.0, b, a]), 10.0, (2.0, 1.0)),
        (package.math.prod([a, 3, b]), 30.0, (15.0, 6.0)),
        (package.math.prod([a], start=b), 10.0, (5.0, 2.0)),
        (package.math.sumprod([a, 2.0], [3.0, b]), 16.0, (3.0, 2.0)),
    ]:
        a.grad = b.grad = 0.0
        v.backward()
        assert (v.data, a.grad, b.grad) == (data, *grads)


def test_questions_are_answered_about_the_data(package):
    Value = package.engine.Value
    assert package.math.isnan(Value(nan)) is True
    assert package.math.isinf(Value(-inf)) is True
    assert package.math.isfinite(Value(1.0)) is True
    assert package.math.isclose(Value(1.0), 1.0 + 1e-12) is True
    assert package.math.isclose(1.0, Value(1.1), rel_tol=1e-3) is False


@pytest.mark.parametrize("name", ["gcd", "lcm", "factorial", "isqrt"])
def test_functions_of_whole_numbers_refuse_values(package, name):
    with pytest.raises(TypeError):
        getattr(package.math, name)(package.engine.Value(2.0))


def test_ops_that_math_lacks_take_plain_numbers_too(package):
    m = package.math
    found = {
        "relu": m.relu(-2),
        "sigmoid": m.sigmoid(0),
        "step": m.step(3),
        "sign": m.sign(-3),
        "maximum": m.maximum(1, 2),
        "minimum": m.minimum(1, 2),
        "clip": m.clip(5, 0, 2),
        "where": m.where(True, 1, 2),
        "logaddexp": m.logaddexp(0, 0),
        "softplus": m.softplus(0),
        "stop_gradient": m.stop_gradient(3),
        "arctan2": m.arctan2(0, 1),
        "absolute": m.absolute(-1),
    }
    expected = {
        "relu": 0.0,
        "sigmoid": 0.5,
        "step": 1.0,
        "sign": -1.0,
        "maximum": 2.0,
        "minimum": 1.0,
        "clip": 2.0,
        "where": 1.0,
        "logaddexp": math.log(2),
        "softplus": math.log(2),
        "stop_gradient": 3.0,
        "arctan2": 0.0,
        "absolute": 1.0,
    }
    assert found == expected
    assert {type(x) for x in found.values()} == {float}


def test_sum_and_dot_stand_in_the_module_too(package):
    a = package.engine.Value(2.0)
    assert package.math.sum([a, 1.0])._op == "sum"
    assert package.math.dot([a], [3.0])._op == "dot"


def test_a_program_written_for_math_runs_on_values_with_only_the_import_changed(package):
    program = inspect.cleandoc(
        """
        import math
        def f(x):
            r = math.hypot(x, math.exp(-x)) + math.atan2(math.sin(x), 2.0)
            if math.isfinite(r) and r > 0:
                r = math.sqrt(r) * math.log(1 + r * r, 10)
            return math.fabs(r - math.pi) + math.pow(r, 1.5) + math.degrees(r)
        """
    )
    plain, changed = {}, {"math": package.math}
    exec(program, plain)
    exec(program.replace("import math", ""), changed)
    rng = random.Random(2)
    for _ in range(20):
        x = rng.uniform(0.1, 3)
        v = package.engine.Value(x)
        y = changed["f"](v)
        y.backward()
        assert y.data == pytest.approx(plain["f"](x), rel=1e-15, abs=0)
        h = 1e-5 * x
        slope = (plain["f"](x + h) - plain["f"](x - h)) / (2 * h)
        assert v.grad == pytest.approx(slope, rel=1e-8, abs=0)
