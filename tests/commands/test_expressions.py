"""Expressions as text: what is allowed gives what Python gives, all else is refused with its place."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed import ALLOWED, BOMBS, HOSTILE, MESSAGES, NO_VALUE, POINT

import pygrad.math
from pygrad import value_and_grad
from pygrad.command_line.expressions import (
    MOST_CHARACTERS,
    EvaluationError,
    ExpressionError,
    assignment,
    missing,
    number,
    parse,
)

NAMES = {
    **{
        name: getattr(pygrad.math, name) for name in ("sin", "cos", "log", "hypot", "clip", "where")
    },
    **{name: getattr(pygrad.math, name) for name in ("degrees", "radians", "fmod", "copysign")},
    **{"pi": math.pi, "tau": math.tau, "e": math.e, "False_": 0.0},
}


@pytest.mark.parametrize("text", ALLOWED)
def test_the_value_and_the_gradient_are_those_of_the_same_python_code(text):
    point = {**POINT, "False_": 0.0}
    v, leaves = parse(text).graph(point)
    value, slopes = value_and_grad(lambda numbers: eval(text, {**NAMES, **numbers}))(point)
    assert v.data == value
    v.backward()
    assert {name: leaf.grad for name, leaf in leaves.items()} == {
        name: slopes[name] for name in leaves
    }


def test_leaves_and_named_parts_carry_their_names():
    v, leaves = parse("c = a*b; d = a+b; c + d").graph(POINT)
    assert [leaf.label for leaf in leaves.values()] == ["a", "b"]
    assert [child.label for child in v._children] == ["c", "d"]
    assert (v.data, v.label) == (-7.0, "")


def test_a_name_is_one_leaf_however_often_it_is_used():
    v, leaves = parse("a*a + a").graph({"a": 3.0})
    v.backward()
    assert leaves["a"].grad == 7.0


def test_an_input_may_have_the_name_of_a_constant_or_a_function():
    assert parse("e*2", ["e"]).names == ("e",)
    assert parse("e*2").names == ()
    assert parse("sin(sin)").graph({"sin": 0.5})[0].data == math.sin(0.5)
    v, _ = parse("c=a*b; d=a+b; e=c+d; e*1").graph(POINT)
    assert v._children[0].label == "e"


def test_names_may_be_greek():
    assert parse("θ**2").graph({"θ": 3.0})[0].data == 9.0


def test_a_value_may_stand_in_an_exponent():
    v, leaves = parse("2**a").graph({"a": 3.0})
    v.backward()
    assert v.data == 8.0
    assert leaves["a"].grad == pytest.approx(8 * math.log(2), rel=1e-15)


def test_called_with_floats_it_gives_floats():
    assert parse("a*b + 1")(2.0, 3.0) == 7.0
    assert isinstance(parse("sin(a)")(2.0), float)


def test_equality_compares_numbers():
    assert parse("a if a == b else 0")(2.0, 2.0) == 2.0
    v, _ = parse("a if a == b else 0").graph({"a": 2.0, "b": 2.0})
    assert v.data == 2.0


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_allowed_is_refused(text):
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert str(raised.value)
    raised.value.marked()


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_nothing_that_can_be_typed_takes_long(text):
    start = time.process_time()
    try:
        expression = parse(text)
        expression.graph(dict.fromkeys(expression.names, 1.5))
    except ExpressionError:
        pass
    assert time.process_time() - start < 1.0


def test_long_sums_are_not_deep():
    v, _ = parse("+".join(["a"] * 999)).graph({"a": 1.0})
    assert v.data == 999.0


def test_nesting_has_a_limit_that_is_named():
    parse("(" * 90 + "a" + ")" * 90)
    with pytest.raises(ExpressionError, match="nested deeper than 100 levels"):
        parse("-" * 120 + "a")


def test_length_has_a_limit_that_is_named():
    parse(" " * 10 + "a" * (MOST_CHARACTERS - 10))
    with pytest.raises(ExpressionError, match="2001 characters; 2000 is the limit"):
        parse("a" * (MOST_CHARACTERS + 1))


@given(st.text(alphabet="ab12.+-*/%()<>=,;: ^~@'\"[]{}_\\#\n\té\u202e", max_size=30))
def test_any_text_is_an_expression_or_an_expression_error(text):
    try:
        expression = parse(text)
    except ExpressionError as error:
        error.marked()
        return
    try:
        expression.graph(dict.fromkeys(expression.names, 0.5))
    except EvaluationError as error:
        error.marked()


# -- messages ----------------------------------------------------------------------------------------


def test_the_place_of_an_error_is_underlined():
    with pytest.raises(ExpressionError) as raised:
        parse("2 + sine(a)*b")
    assert raised.value.marked() == "  2 + sine(a)*b\n      ^^^^"
    with pytest.raises(ExpressionError) as raised:
        parse("θ + sine(θ)")
    assert raised.value.marked() == "  θ + sine(θ)\n      ^^^^"


def test_the_place_in_a_long_expression_is_shown_with_what_is_around():
    with pytest.raises(ExpressionError) as raised:
        parse("a+" * 200 + "sine(a)" + "+a" * 200)
    shown, mark = raised.value.marked().split("\n")
    assert len(shown) < 80
    assert shown[mark.index("^") : mark.rindex("^") + 1] == "sine"


@pytest.mark.parametrize(
    ("text", "message"),
    MESSAGES,
)
def test_messages_name_cause_and_cure(text, message):
    with pytest.raises(ExpressionError, match=message.replace("?", r"\?")):
        parse(text).graph(POINT)


@pytest.mark.parametrize(
    ("text", "message"),
    NO_VALUE,
)
def test_where_there_is_no_value_the_part_is_named(text, message):
    with pytest.raises(EvaluationError, match=message):
        parse(text).graph(POINT)
    expression = parse(text)
    with pytest.raises(EvaluationError, match=message):  # for floats as for Values
        expression(*(POINT[name] for name in expression.names))


def test_a_constant_exponent_that_is_none_is_an_error_of_the_expression():
    with pytest.raises(EvaluationError, match="pown"):
        parse("pown(a, b)").graph(POINT)


def test_names_without_a_value():
    assert missing("pie") == "unknown name 'pie', did you mean 'pi'?"
    assert missing("sin") == "sin is a function: write sin(x)"
    assert missing("b") == "b has no value: add b=1.0, say"
    assert missing("width") == "width has no value: add width=1.0, say"


def test_numbers_and_assignments():
    assert number("-pi/2") == -math.pi / 2
    assert number("1_000") == 1000.0
    assert number("inf") == math.inf
    assert assignment(" a = 2 ") == ("a", "2")
    assert assignment("x=a==b") == ("x", "a==b")
    for text in ("a", "=2", "a=", "2=a", "a b=2", "lambda=2", "a.b=1", "<script>=1"):
        with pytest.raises(ExpressionError, match="NAME=NUMBER"):
            assignment(text)
    with pytest.raises(ExpressionError, match="b has no value"):
        number("2*b")


def test_exponents_are_shown_as_they_are_written():
    for text in ("x**2", "x**2.0", "x**-1", "x**-1.5", "x**0.5"):
        value, _ = parse(text).graph({"x": 3.0})
        assert value._op == text[1:]
