"""An operation that has no result says what it needs, what it was given, and by which node."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pygrad import Value, grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.core.ops import ops
from pygrad.reference.refusals import NEEDS

inf, nan = math.inf, math.nan
TABLE = (Path(__file__).resolve().parents[2] / "csrc" / "ops.def").read_text(encoding="utf-8")
STATED = dict(re.findall(r'^NEEDS +\((\w+), "(.*)"\)$', TABLE, re.MULTILINE))
POWER = "x >= 0 where {0} is not whole, and x != 0 where {0} < 0"
POW, LARGE = f"pow needs {POWER.format('y')}", "is too large for a float at"
POLES = "an x that is not 0, -1, -2, ..."

DOMAIN, RANGE = (ValueError, "math domain error"), (OverflowError, "math range error")
DIVISION = (ZeroDivisionError, "float division by zero")
MODULO = (ZeroDivisionError, "float modulo")
FLOOR = (ZeroDivisionError, "float floor division by zero")
NO_POWER = (ZeroDivisionError, "0.0 cannot be raised to a negative power")
NOT_REAL = (ValueError, "a negative number has no real power that is not whole")
OF_NAN = (ValueError, "cannot convert float NaN to integer")
OF_INF = (OverflowError, "cannot convert float infinity to integer")

# by op: the operands, what floats say, and the rest, the nodes' names included
REFUSED = [
    ("log", (0.0,), DOMAIN, "log needs x > 0, not 0.0 (node 'r')"),
    ("log", (-inf,), DOMAIN, "log needs x > 0, not -inf (node 'r')"),
    ("log2", (-0.0,), DOMAIN, "log2 needs x > 0, not -0.0 (node 'r')"),
    ("log10", (-1.0,), DOMAIN, "log10 needs x > 0, not -1.0 (node 'r')"),
    ("log1p", (-1.0,), DOMAIN, "log1p needs x > -1, not -1.0 (node 'r')"),
    ("sqrt", (-0.5,), DOMAIN, "sqrt needs x >= 0, not -0.5 (node 'r')"),
    ("asin", (1.5,), DOMAIN, "asin needs -1 <= x <= 1, not 1.5 (node 'r')"),
    ("acos", (-2.0,), DOMAIN, "acos needs -1 <= x <= 1, not -2.0 (node 'r')"),
    ("acosh", (0.5,), DOMAIN, "acosh needs x >= 1, not 0.5 (node 'r')"),
    ("atanh", (1.0,), DOMAIN, "atanh needs -1 < x < 1, not 1.0 (node 'r')"),
    ("sin", (inf,), DOMAIN, "sin needs a finite x, not inf (node 'r')"),
    ("cos", (inf,), DOMAIN, "cos needs a finite x, not inf (node 'r')"),
    ("tan", (-inf,), DOMAIN, "tan needs a finite x, not -inf (node 'r')"),
    ("lgamma", (-2.0,), DOMAIN, f"lgamma needs {POLES}, not -2.0 (node 'r')"),
    ("gamma", (0.0,), DOMAIN, f"gamma needs {POLES} or -inf, not 0.0 (node 'r')"),
    ("digamma", (-inf,), DOMAIN, f"digamma needs {POLES} or -inf, not -inf (node 'r')"),
    ("exp", (1e3,), RANGE, "exp is too large for a float at 1000.0 (node 'r')"),
    ("exp2", (2e3,), RANGE, "exp2 is too large for a float at 2000.0 (node 'r')"),
    ("expm1", (1e3,), RANGE, "expm1 is too large for a float at 1000.0 (node 'r')"),
    ("sinh", (-1e3,), RANGE, "sinh is too large for a float at -1000.0 (node 'r')"),
    ("cosh", (1e3,), RANGE, "cosh is too large for a float at 1000.0 (node 'r')"),
    ("gamma", (200.0,), RANGE, "gamma is too large for a float at 200.0 (node 'r')"),
    ("pow", (-8.0, 0.5), DOMAIN, f"{POW}, not x = -8.0 (node 'r'), y = 0.5 (node 's')"),
    ("pow", (0.0, -1.0), DOMAIN, f"{POW}, not x = 0.0 (node 'r'), y = -1.0 (node 's')"),
    ("pow", (10.0, 400.0), RANGE, f"pow {LARGE} x = 10.0 (node 'r'), y = 400.0 (node 's')"),
    ("div", (1.0, 0.0), DIVISION, "/ needs y != 0, not x = 1.0 (node 'r'), y = 0.0 (node 's')"),
    ("mod", (1.0, -0.0), MODULO, "% needs y != 0, not x = 1.0 (node 'r'), y = -0.0 (node 's')"),
    ("floordiv", (1.0, 0.0), FLOOR, "// needs y != 0, not x = 1.0 (node 'r'), y = 0.0 (node 's')"),
    ("floor", (nan,), OF_NAN, "floor needs a finite x, not nan (node 'r')"),
    ("ceil", (inf,), OF_INF, "ceil needs a finite x, not inf (node 'r')"),
    ("trunc", (nan,), OF_NAN, "trunc needs a finite x, not nan (node 'r')"),
    ("round", (-inf,), OF_INF, "round needs a finite x, not -inf (node 'r')"),
]


def refused(kind: type[Exception], attempt: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        attempt()
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize(("name", "numbers", "of_floats", "needs"), REFUSED)
def test_what_an_op_needs_and_what_it_was_given(
    impl: ModuleType,
    name: str,
    numbers: tuple[float, ...],
    of_floats: tuple[type[Exception], str],
    needs: str,
) -> None:
    kind, said = of_floats
    operands = [impl.Value(x, label=n) for x, n in zip(numbers, "rs", strict=False)]
    assert refused(kind, lambda: impl.FUNCTIONS[name](*operands)) == f"{said}: {needs}"
    with impl.no_grad():
        assert refused(kind, lambda: impl.FUNCTIONS[name](*operands)) == f"{said}: {needs}"


def test_operators_say_the_same(impl: ModuleType) -> None:
    r = impl.Value(0.0, label="r")
    power = f"** needs {POWER.format('n')}, not x ="
    for attempt, (kind, said), needs in [
        (lambda: 1 / r, DIVISION, "/ needs y != 0, not x = 1.0, y = 0.0 (node 'r')"),
        (lambda: r / 0, DIVISION, "/ needs y != 0, not x = 0.0 (node 'r'), y = 0.0"),
        (lambda: 1 % r, MODULO, "% needs y != 0, not x = 1.0, y = 0.0 (node 'r')"),
        (lambda: divmod(r, 0), FLOOR, "// needs y != 0, not x = 0.0 (node 'r'), y = 0.0"),
        (lambda: r**-1, NO_POWER, f"{power} 0.0 (node 'r'), n = -1.0"),
        (lambda: (r - 8) ** 0.5, NOT_REAL, f"{power} -8.0 (made by -), n = 0.5"),
        (lambda: (r + 1e200) ** 2, RANGE, f"** {LARGE} x = 1e+200 (made by +), n = 2.0"),
        (lambda: int(r * nan), OF_NAN, "int needs a finite x, not nan (made by *)"),
        (lambda: int(r - inf), OF_INF, "int needs a finite x, not -inf (made by -)"),
    ]:
        assert refused(kind, attempt) == f"{said}: {needs}"


def test_functions_of_math_that_are_no_ops_say_it_too() -> None:
    r = Value(0.0, label="r")
    needs = "needs a finite x and y != 0, not x = 1.0, y = 0.0 (node 'r')"
    for name in ("fmod", "remainder"):
        message = refused(ValueError, lambda name=name: getattr(pm, name)(1.0, r))
        assert message == f"math domain error: {name} {needs}"
    message = refused(OverflowError, lambda: pm.ldexp(r + 1.0, 10**400))
    needs = "ldexp needs abs(x) * 2**i below 2**1024, not 1.0 (made by +)"
    assert message == f"math range error: {needs}"


def test_a_node_without_a_label_is_told_by_what_has_made_it(impl: ModuleType) -> None:
    a = impl.Value(3.0)
    for v, name in [
        (a - 3, " (made by -)"),
        (a * 0, " (made by *)"),
        ((a - 3) ** 2, " (made by **2)"),
        (impl.sum([a, -3.0]), " (made by sum)"),
        (impl.Value(0.0, (a,), "gap"), " (made by gap)"),
        (impl.Value(0.0), ""),
    ]:
        assert refused(ValueError, v.log).endswith(f"log needs x > 0, not 0.0{name}")


def test_a_subclass_with_attributes_of_its_own_is_no_obstacle() -> None:
    class Odd(Value):
        label = 5  # type: ignore[assignment]
        _op = None  # type: ignore[assignment]

    assert refused(ValueError, Odd(0.0).log) == "math domain error: log needs x > 0, not 0.0"


def test_functions_of_plain_numbers_say_what_they_need(impl: ModuleType) -> None:
    message = refused(ValueError, lambda: impl.FUNCTIONS["digamma"](-1.0))
    assert message.endswith("digamma needs an x that is not 0, -1, -2, ... or -inf, not -1.0")


def test_both_implementations_state_the_domain_of_every_op_that_has_one() -> None:
    symbols = {op.name: op.symbol for op in ops()}
    assert {symbols[name]: domain for name, domain in STATED.items()} == NEEDS
    with_domain = {op.name for op in ops() if op.errors not in {"TOTAL", "RANGE"}}
    assert set(STATED) == with_domain


def test_in_transforms_and_behind_handlers_of_traces() -> None:
    message = "math domain error: log needs x > 0, not -1.0 (made by -)"
    assert refused(ValueError, lambda: grad(lambda x: pm.log(x - 2.0))(1.0)) == message
    told: list[str] = []

    def f(x: Any) -> Any:
        try:
            return pm.log(x - 2.0)
        except ValueError as error:
            told.append(str(error))
            return 2.0 * x

    assert compile_(f)(1.0) == 2.0
    assert vmap(f)([1.0, 3.0]).tolist() == [2.0, 0.0]
    assert set(told) == {message}


def test_a_label_that_is_anything() -> None:
    for label in ["θ_1", "it's", 'say "x"', "%s%n", "a" * 1000]:
        assert refused(ValueError, Value(0.0, label=label).log).endswith(f"0.0 (node {label!r})")
