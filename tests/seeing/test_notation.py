"""Rules of the op table in ordinary mathematics: their value is the slope, their names the user's."""

from __future__ import annotations

import math
import re

import mpmath
import pytest
from graphs import lesson_1

import pygrad
from pygrad import core, explain
from pygrad.core.ops import ops

SCOPE = {name: getattr(math, name) for name in dir(math)} | {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sign": lambda x: math.copysign(1.0, x),
    "max": max,
    "digamma": lambda x: float(mpmath.digamma(x)),
    "polygamma": lambda n, x: float(mpmath.psi(n, x)),
    "ndtr": lambda x: float(mpmath.ncdf(x)),
}


def value_of(rule: str, numbers: dict[str, float]) -> float:
    conditions = re.sub(r"\[([^\[\]]*)\]", r"float(\1)", rule)
    return eval(conditions, {**SCOPE, **numbers})


@pytest.mark.parametrize("op", [op for op in ops() if op.is_public], ids=lambda op: op.name)
@pytest.mark.parametrize("point", [(0.75, 0.5, 0.625), (0.25, 0.5, 0.375), (0.625, 0.5, 0.5)])
def test_each_rule_in_mathematical_notation_has_the_value_of_the_slope(op, point):
    numbers = dict(zip("abw", point, strict=True))
    if op.name == "acosh":
        numbers["a"] += 1.0
    operands = [pygrad.Value(x, label=name) for name, x in numbers.items()][: op.arity]
    out = pygrad.math.__dict__[op.name](*operands, *([2.5] if op.has_constant else []))
    out.label = "z"
    found = explain(out).steps[0].contributions
    assert [c.local_derivative for c in found] == list(out.local_derivatives)
    values = [value_of(c.rule, numbers | {"z": out.data}) for c in found]
    assert values == pytest.approx(out.local_derivatives, rel=1e-13, abs=0)
    # In ordinary words: none of those that the op table has for its own use; polygamma is known elsewhere.
    private = {op.name for op in ops() if not op.is_public} - {"polygamma"}
    assert not private & {word for c in found for word in re.findall(r"\w+", c.rule)}


@pytest.mark.parametrize(
    ("n", "rule"),
    [(-1, "-x**-2"), (0, "0"), (1, "1"), (2, "2 * x"), (3, "3 * x**2"), (0.5, "0.5 * x**-0.5")],
)
def test_the_power_rule_is_written_for_its_exponent(impl, n, rule):
    x = impl.Value(4.0, label="x")
    found = explain(x**n).steps[0]
    assert found.contributions[0].rule == rule
    assert found.expression == f"x**{n}"
    assert value_of(rule, {"x": 4.0}) == found.contributions[0].local_derivative


def test_a_rule_uses_the_output_where_it_occurs(impl):
    x = impl.Value(0.5, label="x")
    for function, rule in [("tanh", "1 - o**2"), ("sigmoid", "o * (1 - o)"), ("exp", "o")]:
        o = getattr(x, function)()
        o.label = "o"
        assert explain(o).steps[0].contributions[0].rule == rule


def test_a_name_that_is_a_formula_gets_brackets(impl):
    n = impl.Value(0.5, label="x*w + b")
    text = str(explain(n * 2 / impl.Value(4.0, label="k")))
    assert "a = (x*w + b) * 2" in text and "da/d(x*w + b) = 2" in text
    assert str(explain(-n)).count("-(x*w + b)") == 1
    assert str(explain(n.sin())).count("sin(x*w + b)") == 1


def test_a_condition_is_explained(impl):
    x = impl.Value(0.5, label="x[0]")
    assert "[condition] is 1" not in str(explain(x * x))  # a label with brackets is none
    text = str(explain(x.relu()))
    assert "[a > 0] = 1" in text and "[condition] is 1 where the condition holds" in text


def test_without_the_op_table_numbers_remain(impl, monkeypatch):
    monkeypatch.setattr(core.ops, "_ops_by_symbol", dict)
    step = explain(lesson_1(impl)).steps[-1]
    assert step.contributions == (("a", "", -3.0, -3.0, -2.0), ("b", "", 2.0, 2.0, 3.0))
