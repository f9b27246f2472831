"""Every op on the full grid of special doubles: zeros, subnormals, thresholds, huge, inf, nan.

Values, types of exceptions and local derivatives are the same bits in both implementations, and the
values are Python's own wherever Python's float or math has the op. For the other ops the definition
is said here once more.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import programs
import pytest
from programs import SPECIALS, exact
from truth import BINARY, ROWS, TERNARY, UNARY

from pygrad import reference, value
from pygrad.reference import arithmetic

inf, nan = math.inf, math.nan
SMALL_GRID = [0.0, 5e-324, 1e-308, 0.5, 1.0, 1.5, 1e200, inf]
SMALL_GRID = [*SMALL_GRID, *[-x for x in SMALL_GRID], nan]
EXPONENTS = sorted({x for x in SPECIALS if not math.isnan(x)} - {0.0})
EXPONENTS += [
    0.0,
    -0.0,
    nan,
    *range(-4, 12),
    1 / 3,
    -1 / 3,
    1e15 + 1,
    2.0**53,
    -(2.0**53),
    511,
    1023,
]


def answer(function: Callable[[], Any]) -> str:
    """A float as text that says all its bits; or the exception's type."""
    try:
        result = function()
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__
    return exact(result)


def node_answer(make: Callable[[], Any]) -> str:
    """Value and local derivatives of the node, or the exception's type."""
    try:
        node = make()
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__
    return " ".join([exact(node.data), *map(exact, node.local_derivatives)])


def grid(name: str) -> Iterable[tuple[float, ...]]:
    count = programs.OPS[name]
    return itertools.product(SMALL_GRID if count == 3 else SPECIALS, repeat=count)


# -- both implementations --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*UNARY, *BINARY, *TERNARY])
def test_same_bits_in_both(name: str) -> None:
    # The operands are made once: an op reads them, no more.
    values = {
        impl: {exact(x): impl.Value(x) for x in (*SPECIALS, *SMALL_GRID)}
        for impl in (value, reference)
    }
    for xs in grid(name):
        keys = [exact(x) for x in xs]
        compiled, plain = (
            node_answer(
                lambda impl=impl, keys=keys: impl.FUNCTIONS[name](*[values[impl][k] for k in keys])
            )
            for impl in (value, reference)
        )
        assert compiled == plain, f"{name}{xs}"


@pytest.mark.parametrize("n", EXPONENTS)
def test_same_bits_of_powers_in_both(n: float) -> None:
    for x in SPECIALS:
        compiled, plain = (
            node_answer(lambda impl=impl, x=x: impl.Value(x) ** n) for impl in (value, reference)
        )
        assert compiled == plain, f"{x!r} ** {n!r}"


# -- Python's float and math -----------------------------------------------------------------------


def whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """math.floor and the like give an int, which has no -0: the result has the sign of x."""
    return lambda x: math.copysign(float(function(x)), x)


PYTHON: dict[str, Callable[..., float]] = {
    "neg": operator.neg,
    "abs": abs,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "mod": operator.mod,
    "floordiv": operator.floordiv,
    "floor": whole(math.floor),
    "ceil": whole(math.ceil),
    "trunc": whole(math.trunc),
    "round": whole(round),
    "exp2": lambda x: math.pow(2.0, x),
    "cbrt": arithmetic.cbrt,  # math's from Python 3.11 on
    # Python 3.10 raised there; 3.11 follows C, and so do we, everywhere.
    "pow": lambda x, y: inf if x == 0 and y == -inf else math.pow(x, y),
}
PYTHON |= {
    name: getattr(math, name)
    for name in (*UNARY, *BINARY)
    if hasattr(math, name) and name not in PYTHON and not ROWS[name].own_sequence
}

DEFINITIONS: dict[str, Callable[..., float]] = {
    "relu": lambda x: 0.0 if x < 0 else x,
    "sign": lambda x: x if x == 0 or math.isnan(x) else math.copysign(1.0, x),
    "step": lambda x: float(x > 0),
    "stop_gradient": lambda x: x,
    "where": lambda c, x, y: y if c == 0 else x,
    "clip": lambda x, lo, hi: hi if hi < (lo if x < lo else x) else lo if x < lo else x,
    # IEEE 754-2019: nan wins, and 0.0 is above -0.0.
    "maximum": lambda x, y: (
        nan if math.isnan(x + y) and not opposite(x, y) else max(x, y, key=rank)
    ),
    "minimum": lambda x, y: (
        nan if math.isnan(x + y) and not opposite(x, y) else min(x, y, key=rank)
    ),
}


def opposite(x: float, y: float) -> bool:
    """inf and -inf, whose sum is nan although neither is."""
    return math.isinf(x) and math.isinf(y)


def rank(x: float) -> tuple[float, float]:
    return x, math.copysign(1.0, x)


@pytest.mark.parametrize("name", PYTHON)
def test_values_are_those_of_python(name: str, impl: ModuleType) -> None:
    for xs in grid(name):
        expected = answer(lambda xs=xs: PYTHON[name](*xs))
        given = answer(lambda xs=xs: impl.FUNCTIONS[name](*map(impl.Value, xs)).data)
        assert given == expected, f"{name}{xs}"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_are_as_defined(name: str, impl: ModuleType) -> None:
    for xs in grid(name):
        given = impl.FUNCTIONS[name](*map(impl.Value, xs)).data
        assert exact(given) == exact(DEFINITIONS[name](*xs)), f"{name}{xs}"


def test_every_op_is_compared_with_something() -> None:
    elsewhere = {name for name, row in ROWS.items() if row.own_sequence}  # below
    assert {*PYTHON, *DEFINITIONS, *elsewhere} == {*UNARY, *BINARY, *TERNARY}


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "mod", "floordiv", "pow", "atan2"])
def test_constants_on_either_side(name: str, impl: ModuleType) -> None:
    """A constant is an operand like any other; slopes too."""
    for x, y in grid(name):
        both = node_answer(lambda x=x, y=y: impl.FUNCTIONS[name](impl.Value(x), impl.Value(y)))
        left = node_answer(
            lambda x=x, y=y: programs.call(impl, "operator", name, [x, impl.Value(y)])
        )
        right = node_answer(
            lambda x=x, y=y: programs.call(impl, "operator", name, [impl.Value(x), y])
        )
        assert left == right == both, f"{name}({x!r}, {y!r})"


@pytest.mark.parametrize("name", sorted(set(PYTHON) & set(vars(math))))
def test_functions_of_plain_floats_are_those_of_math(name: str, impl: ModuleType) -> None:
    """Type included: math.floor(1.5) is an int."""

    def told(function: Callable[..., Any], xs: tuple[float, ...]) -> tuple[type, str]:
        try:
            result = function(*xs)
        except (ArithmeticError, ValueError) as error:
            return type(error), str(error)
        return type(result), repr(result)

    for xs in grid(name):
        assert told(impl.FUNCTIONS[name], xs) == told(getattr(math, name), xs), f"{name}{xs}"


def test_hypot_of_plain_floats_is_that_of_math(impl: ModuleType) -> None:
    for xs in grid("hypot"):
        assert exact(impl.FUNCTIONS["hypot"](*xs)) == exact(math.hypot(*xs))


@pytest.mark.parametrize("n", EXPONENTS)
def test_powers_are_those_of_python(n: float, impl: ModuleType) -> None:
    """** as float's, but a complex result is ValueError, and whole n from -1 to 3 are products."""
    products: dict[float, Callable[[float], float]] = {
        -1: lambda x: 1.0 / x,
        0: lambda x: 1.0,
        1: lambda x: x,
        2: lambda x: x * x,
        3: lambda x: x * x * x,
    }

    def expected(x: float) -> float:
        z = x**n
        if isinstance(z, complex):
            raise ValueError
        return products[n](x) if n in products else z

    for x in SPECIALS:
        given = answer(lambda x=x: (impl.Value(x) ** n).data)
        assert given == answer(lambda x=x: expected(x)), f"{x!r} ** {n!r}"


# -- within 2 ulp ----------------------------------------------------------------------------------


def ulps(given: float, expected: float) -> float:
    """The distance in units of expected's last place; inf unless both are finite or the same."""
    if exact(given) == exact(expected):
        return 0.0
    if not (math.isfinite(given) and math.isfinite(expected)):
        return inf
    return abs(given - expected) / math.ulp(expected)


def test_hypot_is_within_2_ulp_of_math(impl: ModuleType) -> None:
    for x, y in grid("hypot"):
        given = impl.FUNCTIONS["hypot"](impl.Value(x), impl.Value(y)).data
        assert ulps(given, math.hypot(x, y)) <= 2, f"hypot({x!r}, {y!r})"


@pytest.mark.skipif(not hasattr(math, "exp2"), reason="math.exp2 came with Python 3.11")
def test_exp2_is_within_2_ulp_of_math(impl: ModuleType) -> None:
    for x in SPECIALS:
        expected = answer(lambda x=x: math.exp2(x))
        given = answer(lambda x=x: impl.FUNCTIONS["exp2"](impl.Value(x)).data)
        if expected.endswith("Error") or given.endswith("Error"):
            assert given == expected, f"exp2({x!r})"
        else:
            assert ulps(float.fromhex(given), float.fromhex(expected)) <= 2, f"exp2({x!r})"


# For the ops that math lacks: what they are in the limit, and exact values in between.
@pytest.mark.parametrize(
    ("name", "xs", "expected"),
    [
        ("sigmoid", (0.0,), 0.5),
        ("sigmoid", (-0.0,), 0.5),
        ("sigmoid", (inf,), 1.0),
        ("sigmoid", (-inf,), 0.0),
        ("sigmoid", (nan,), nan),
        ("sigmoid", (1e308,), 1.0),
        ("sigmoid", (-1e308,), 0.0),
        ("sigmoid", (-745.2,), 0.0),
        ("sigmoid", (-709.7827128933841,), math.exp(-709.7827128933841)),
        ("sigmoid", (38.0,), 1.0),
        ("sigmoid", (5e-324,), 0.5),
        *[("lgamma", (x,), 0.0) for x in (1.0, 2.0)],
        ("lgamma", (inf,), inf),
        ("lgamma", (-inf,), inf),
        ("lgamma", (nan,), nan),
        ("lgamma", (5e-324,), -math.log(5e-324)),
        ("lgamma", (-5e-324,), -math.log(5e-324)),
        ("lgamma", (0.5,), math.log(math.pi) / 2),
        ("gamma", (inf,), inf),
        ("gamma", (nan,), nan),
        *[("gamma", (n + 1.0,), float(math.factorial(n))) for n in range(23)],
        ("gamma", (-200.5,), -0.0),
        ("gamma", (-201.5,), 0.0),
        ("digamma", (inf,), inf),
        ("digamma", (nan,), nan),
        ("digamma", (1.0,), -0.5772156649015329),
        ("digamma", (-(2.0**-1000),), 2.0**1000),
        ("erfcx", (0.0,), 1.0),
        ("erfcx", (inf,), 0.0),
        ("erfcx", (-inf,), inf),
        ("erfcx", (nan,), nan),
        ("ndtr", (0.0,), 0.5),
        ("ndtr", (inf,), 1.0),
        ("ndtr", (-inf,), 0.0),
        ("ndtr", (nan,), nan),
        ("log_ndtr", (inf,), -0.0),
        ("log_ndtr", (-inf,), -inf),
        ("log_ndtr", (nan,), nan),
        ("ndtri", (0.5,), 0.0),
        ("ndtri", (nan,), nan),
        ("erfinv", (0.0,), 0.0),
        ("erfinv", (-0.0,), -0.0),
        ("erfinv", (nan,), nan),
        *[("xlogy", (0.0, y), 0.0) for y in (0.0, 2.0, -1.0, inf)],
        *[("xlog1py", (0.0, y), 0.0) for y in (-1.0, 2.0, -3.0, inf)],
        ("xlogy", (0.0, nan), nan),
        ("xlogy", (2.0, 1.0), 0.0),
        ("softplus", (0.0,), math.log(2.0)),
        ("softplus", (-0.0,), math.log(2.0)),
        ("softplus", (inf,), inf),
        ("softplus", (-inf,), 0.0),
        ("softplus", (nan,), nan),
        ("softplus", (1e308,), 1e308),
        ("softplus", (709.7827128933841,), 709.7827128933841),
        ("softplus", (-745.2,), 0.0),
        ("softplus", (-100.0,), math.exp(-100.0)),
        ("logaddexp", (0.0, 0.0), math.log(2.0)),
        ("logaddexp", (-inf, -inf), -inf),
        ("logaddexp", (inf, inf), inf),
        ("logaddexp", (inf, -inf), inf),
        ("logaddexp", (-inf, inf), inf),
        ("logaddexp", (-inf, 3.0), 3.0),
        ("logaddexp", (3.0, -inf), 3.0),
        ("logaddexp", (nan, 0.0), nan),
        ("logaddexp", (0.0, nan), nan),
        ("logaddexp", (nan, inf), nan),
        ("logaddexp", (1e308, 1e308), 1e308),
        ("logaddexp", (-1e308, 1e308), 1e308),
        ("logaddexp", (0.0, -1000.0), 0.0),
        ("logaddexp", (-1000.0, 0.0), 0.0),
    ],
)
def test_limits(name: str, xs: tuple[float, ...], expected: float, impl: ModuleType) -> None:
    assert exact(impl.FUNCTIONS[name](*map(impl.Value, xs)).data) == exact(expected)


def test_symmetry(impl: ModuleType) -> None:
    """What must hold exactly between results, on the whole grid."""
    f = impl.FUNCTIONS

    def told(name: str, *xs: float) -> tuple[str, ...]:
        node = f[name](*map(impl.Value, xs))
        return (exact(node.data), *map(exact, node.local_derivatives))

    for x, y in itertools.product(SPECIALS, repeat=2):
        for name in ("hypot", "logaddexp", "maximum", "minimum"):
            z, dx, dy = told(name, x, y)
            assert told(name, y, x) == (z, dy, dx), f"{name}({x!r}, {y!r})"
        low = f["minimum"](impl.Value(-x), impl.Value(-y))
        high = f["maximum"](impl.Value(x), impl.Value(y))
        assert exact(-low.data) == exact(high.data)
        assert [*map(exact, low.local_derivatives)] == [*map(exact, high.local_derivatives)]
