"""What the standard math module has, pygrad.math has for Values: the same numbers, the same exceptions."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, vmap
from pygrad import math as pm

inf, nan = math.inf, math.nan

# Where each name stands; one of a new Python fails a test until it is in one of these.
DIFFERENTIABLE = {
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos",
    "cosh", "degrees", "dist", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "floor", "fma", "fmod",
    "frexp", "fsum", "gamma", "hypot", "ldexp", "lgamma", "log", "log10", "log1p", "log2", "modf",
    "nextafter", "pow", "prod", "radians", "remainder", "sin", "sinh", "sqrt", "sumprod", "tan", "tanh",
    "trunc", "ulp",
}  # fmt: skip
QUESTIONS = {"isclose", "isfinite", "isinf", "isnan"}
OF_INTEGERS = {"comb", "factorial", "gcd", "isqrt", "lcm", "perm"}
CONSTANTS = {"e", "inf", "nan", "pi", "tau"}


def test_every_name_of_the_standard_module_has_a_place() -> None:
    names = {name for name in dir(math) if not name.startswith("_")}
    assert names - DIFFERENTIABLE - QUESTIONS - OF_INTEGERS - CONSTANTS == set()


@pytest.mark.parametrize("name", sorted(DIFFERENTIABLE))
def test_what_is_differentiable_takes_values(package: ModuleType, name: str) -> None:
    v = package.engine.Value(1.0 if name in ("acosh", "atanh") else 0.75)
    v = v * 2 if name == "acosh" else v * 0.5 if name == "atanh" else v
    f = getattr(package.math, name)
    arguments: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("atan2", "copysign", "fmod", "nextafter", "pow", "remainder"), (v, 2.0)),
        **dict.fromkeys(("dist", "sumprod"), ([v], [2.0])),
        **dict.fromkeys(("fsum", "prod"), ([v, v],)),
        "fma": (v, v, 1.0),
        "ldexp": (v, 3),
    }
    result = f(*arguments.get(name, (v,)))
    result = result[0] if isinstance(result, tuple) else result
    assert isinstance(result, package.engine.Value)
    result.backward()


_rng = random.Random(3)
POINTS = [
    0.0,
    1.0,
    2.0,
    0.5,
    3.7,
    5e-324,
    1e-310,
    1.7976931348623157e308,
    2.0**-1022,
    7.5,
    0.1,
    0.3,
]
POINTS += [1.5, 4.0, 6.0, 2.0**52 + 1, 1e308, inf]
POINTS += [-x for x in POINTS] + [nan]
POINTS += [math.ldexp(_rng.uniform(-2, 2), _rng.randint(-1074, 1022)) for _ in range(12)]


def told(f: Callable[..., Any], *args: Any) -> str:
    """The numbers of a result, or the class of the exception."""
    try:
        result = f(*args)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__
    both = result if isinstance(result, tuple) else (result,)
    return repr([getattr(number, "data", number) for number in both])


@pytest.mark.parametrize("name", ["modf", "frexp", "ulp"])
def test_one_value_gives_what_math_gives(package: ModuleType, name: str) -> None:
    for x in POINTS:
        given = told(getattr(package.math, name), package.engine.Value(x))
        assert given == told(getattr(math, name), x), x


@pytest.mark.parametrize("name", ["remainder", "fmod", "nextafter", "copysign", "divmod"])
def test_two_values_give_what_floats_give(package: ModuleType, name: str) -> None:
    standard = getattr(math, name, divmod)
    f = getattr(package.math, name, divmod)
    Value = package.engine.Value
    for x, y in itertools.product(POINTS, repeat=2):
        expected = told(standard, x, y)
        assert told(f, Value(x), Value(y)) == expected, (x, y)
        assert told(f, Value(x), y) == expected, (x, y)
        assert told(f, x, Value(y)) == expected, (x, y)


def test_ldexp_rounds_once(package: ModuleType) -> None:
    exponents = [0, 1, -1, 1023, 1024, 1025, -1022, -1060, -1074, -1075, -1080, 2000, -2000]
    for x in POINTS:
        for i in [*exponents, 2098, 2099, -2200, 10**30, -(10**30)]:
            given = told(package.math.ldexp, package.engine.Value(x), i)
            assert given == told(math.ldexp, x, i), (x, i)
    with pytest.raises(TypeError, match="int as second argument"):
        package.math.ldexp(package.engine.Value(1.0), 2.0)


def test_int_of_a_value_is_that_of_its_number(package: ModuleType) -> None:
    for x in POINTS:
        assert told(int, package.engine.Value(x)) == told(int, x), x


def test_a_value_is_still_no_float_and_no_index(package: ModuleType) -> None:
    v = package.engine.Value(2.0)
    for refused in (float, math.sin, range, [1, 2, 3].__getitem__):
        with pytest.raises(TypeError):
            refused(v)


def test_fma_rounds_once_whatever_python(package: ModuleType) -> None:
    m, Value = package.math, package.engine.Value
    for args in [(0.1, 10.0, -1.0), (1e-200, -1e-200, 0.0), (1.0, -1.0, 1.0), (inf, 1.0, 2.0)]:
        plain = m.fma(*args)
        assert repr(m.fma(*map(Value, args)).data) == repr(plain)
    assert m.fma(0.1, 10.0, -1.0) == 2.0**-54
    assert math.copysign(1.0, m.fma(1e-200, -1e-200, 0.0)) == -1.0
    for args, error in [((inf, 0.0, 1.0), ValueError), ((1e300, 1e300, 0.0), OverflowError)]:
        for bad in (args, tuple(map(Value, args))):
            with pytest.raises(error):
                m.fma(*bad)
    x, y, z = Value(3.0), Value(5.0), Value(7.0)
    m.fma(x, y, z).backward()
    assert (x.grad, y.grad, z.grad) == (5.0, 3.0, 1.0)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda m, x: m.remainder(x, 2.0), 1.0),
        (lambda m, x: m.remainder(100.0, x), -14.0),  # 100 / 7.3 is nearest to 14
        (lambda m, x: m.modf(x)[0], 1.0),
        (lambda m, x: m.modf(x)[1], 0.0),
        (lambda m, x: m.frexp(x)[0], 0.125),
        (lambda m, x: m.ldexp(x, 5), 32.0),
        (lambda m, x: m.nextafter(x, 0.0), 1.0),
        (lambda m, x: m.ulp(x), 0.0),
        (lambda m, x: divmod(x, 2.0)[0], 0.0),
        (lambda m, x: divmod(x, 2.0)[1], 1.0),
        (lambda m, x: divmod(30.0, x)[1], -4.0),
    ],
)
def test_slopes(package: ModuleType, f: Callable[..., Any], slope: float) -> None:
    x = package.engine.Value(7.3)
    f(package.math, x).backward()
    assert x.grad == slope


@pytest.mark.parametrize(
    "f",
    [
        lambda x: pm.remainder(x * x, 3.3),
        lambda x: pm.modf(x)[0] * pm.modf(x)[1],
        lambda x: pm.frexp(x)[0] ** 2 + pm.frexp(x)[1] * x,
        lambda x: pm.ldexp(x, 3) * x,
        lambda x: pm.nextafter(x, inf) * x,
        lambda x: pm.ulp(x) * x,
        lambda x: pm.fma(x, x, 1.0),
        lambda x: divmod(x, 0.7)[1] * x + divmod(x, 0.7)[0],
        lambda x: int(x) * x,
        lambda x: [1.0, 2.0, 3.0][int(pm.floor(abs(x))) % 3] * x,
        pm.cbrt,
        pm.gamma,
    ],
)
def test_programs_follow_each_row(f: Callable[[Any], Any]) -> None:
    rows = np.array([2.5, -7.3, 100.7, 0.3, 8.0])
    value, slope = compile(f), grad(f)
    expected = [f(x) for x in rows.tolist()]
    np.testing.assert_allclose(vmap(f)(rows), expected, rtol=1e-13)
    np.testing.assert_allclose([value(x) for x in rows.tolist()], expected, rtol=1e-13)
    slopes = [slope(x) for x in rows.tolist()]
    np.testing.assert_allclose(vmap(grad(f))(rows), slopes, rtol=1e-12)


def test_cbrt_and_gamma_at_the_ends(impl: ModuleType) -> None:
    """Values, then slopes."""
    for name, x, z, slope in [
        ("cbrt", 0.0, 0.0, inf),
        ("cbrt", -0.0, -0.0, inf),
        ("cbrt", inf, inf, 0.0),
        ("cbrt", -inf, -inf, 0.0),
        ("cbrt", -1.0, -1.0, 1 / 3),
        ("gamma", 5.0, 24.0, 24.0 * 1.5061176684318003),
        ("gamma", inf, inf, inf),
    ]:
        v = impl.Value(x)
        node = getattr(v, name)()
        node.backward()
        assert repr(node.data) == repr(z)
        assert v.grad == pytest.approx(slope, rel=1e-15)
    for x, error in [(0.0, ValueError), (-3.0, ValueError), (-inf, ValueError)]:
        with pytest.raises(error):
            math.gamma(x)
        with pytest.raises(error):
            impl.Value(x).gamma()
    for x in (172.0, 1e-310, -1e-310):
        with pytest.raises(OverflowError):
            math.gamma(x)
        with pytest.raises(OverflowError):
            impl.Value(x).gamma()


def test_gammas_slope_is_normal_where_its_value_is_not(impl: ModuleType) -> None:
    v = impl.Value(-180.0 - 2.0**-45)
    node = v.gamma()
    node.backward()
    assert 0 < abs(node.data) < 2.0**-1022
    assert v.grad == pytest.approx(-abs(node.data) * 2.0**45, rel=1e-6, abs=0)


def test_overflow_of_fma_is_called_so() -> None:
    for x in (1e308, Value(1e308)):
        with pytest.raises(OverflowError, match="overflow in fma"):
            pm.fma(x, 10.0, 1.0)
