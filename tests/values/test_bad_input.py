"""Wrong input ends in a Python exception that names the cause, and changes nothing; never in a crash."""

from __future__ import annotations

from decimal import Decimal

import pytest
from no_numbers import each_no_number, type_name

TOO_LARGE = 10**400


# -- making Values ------------------------------------------------------------------------------


@each_no_number
def test_data_that_is_no_real_number_is_a_type_error_naming_its_type(impl, bad):
    with pytest.raises(TypeError, match=rf"data must be a real number, not .*\b{type_name(bad)}\b"):
        impl.Value(bad)


@each_no_number
@pytest.mark.parametrize("attribute", ["data", "grad"])
def test_assigning_no_real_number_is_a_type_error_and_changes_nothing(impl, attribute, bad):
    v = impl.Value(2.0)
    v.grad = 3.0
    if attribute == "grad" and bad is None:  # which is 0, as others have it
        return
    with pytest.raises(
        TypeError, match=rf"{attribute} must be a real number, not .*\b{type_name(bad)}\b"
    ):
        setattr(v, attribute, bad)
    assert (v.data, v.grad) == (2.0, 3.0)


def test_a_value_as_data_is_a_type_error(impl):
    v = impl.Value(2.0)
    for attempt in (
        lambda: impl.Value(v),
        lambda: setattr(v, "data", v),
        lambda: setattr(v, "grad", v),
    ):
        with pytest.raises(TypeError, match=r"must be a real number, not .*Value"):
            attempt()


def test_an_int_too_large_for_a_float_is_an_overflow_error_but_in_comparisons(impl):
    v = impl.Value(2.0)
    for attempt in (
        lambda: impl.Value(TOO_LARGE),
        lambda: setattr(v, "data", TOO_LARGE),
        lambda: setattr(v, "grad", TOO_LARGE),
        lambda: v + TOO_LARGE,
        lambda: TOO_LARGE * v,
        lambda: v**TOO_LARGE,
        lambda: v.backward(TOO_LARGE),
        lambda: impl.sum([v, TOO_LARGE]),
        lambda: impl.dot([v], [TOO_LARGE]),
        lambda: impl.Value(1.0, (v,), (TOO_LARGE,)),
        lambda: v.atan2(TOO_LARGE),
    ):
        with pytest.raises(OverflowError):
            attempt()
    assert v < TOO_LARGE and v != TOO_LARGE and v > -TOO_LARGE  # as floats
    assert (v.data, v.grad) == (2.0, 0.0)


@pytest.mark.parametrize("bad", [1, None, "a", 2.0])
def test_a_child_that_is_no_value_is_a_type_error_naming_index_and_type(impl, bad):
    a = impl.Value(1.0)
    with pytest.raises(TypeError, match=rf"(?s)\b1\b.*\b{type_name(bad)}\b"):
        impl.Value(1.0, (a, bad), "op")


@pytest.mark.parametrize("bad", [5, None, 2.0])
def test_children_that_are_no_iterable_are_a_type_error(impl, bad):
    with pytest.raises(TypeError, match=rf"(?=.*\b{type_name(bad)}\b).*iterable"):
        impl.Value(1.0, bad)


def test_a_lone_value_as_children_is_a_type_error(impl):
    with pytest.raises(TypeError, match=r"(?=.*Value\b).*iterable"):
        impl.Value(1.0, impl.Value(2.0), "op")


@pytest.mark.parametrize("grads", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_as_many_local_grads_as_children_are_needed(impl, grads):
    a = impl.Value(1.0)
    with pytest.raises(
        ValueError, match=rf"(?s)(\b2\b.*\b{len(grads)}\b)|(\b{len(grads)}\b.*\b2\b)"
    ):
        impl.Value(1.0, (a, a), grads)


def test_local_grads_without_children_are_a_value_error(impl):
    with pytest.raises(ValueError, match=r"children"):
        impl.Value(1.0, (), (2.0,))


@each_no_number
def test_a_local_grad_that_is_no_number_is_a_type_error(impl, bad):
    a = impl.Value(1.0)
    with pytest.raises(TypeError, match=rf"local.*grad.*\b{type_name(bad)}\b"):
        impl.Value(1.0, (a,), (bad,))


def test_arguments_under_two_names_are_a_type_error(impl):
    a = impl.Value(1.0)
    with pytest.raises(TypeError):
        impl.Value(1.0, (a,), children=(a,))
    with pytest.raises(TypeError):
        impl.Value(1.0, (a,), (2.0,), local_grads=(2.0,))


def test_wrong_arguments_of_the_constructor_are_type_errors(impl):
    for attempt in (
        lambda: impl.Value(),
        lambda: impl.Value(1.0, lable="x"),
        lambda: impl.Value(1.0, (), "", "", 5),
        lambda: impl.Value(1.0, (impl.Value(1.0),), 5),
    ):
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize("bad", [3, None, b"x", ["x"]])
def test_a_label_is_a_str(impl, bad):
    v = impl.Value(1.0, label="v")
    with pytest.raises(TypeError, match=rf"label must be .*str.*\b{type_name(bad)}\b"):
        v.label = bad
    with pytest.raises(TypeError, match=r"label must be .*str"):
        impl.Value(1.0, label=bad)
    assert v.label == "v"


@pytest.mark.parametrize("bad", [3, "x", (), [print]])
def test_a_closure_is_callable_or_none(impl, bad):
    a = impl.Value(2.0)
    v = a * a
    with pytest.raises(
        TypeError, match=rf"_backward must be callable or None, not .*\b{type_name(bad)}\b"
    ):
        v._backward = bad
    v.backward()
    assert a.grad == 4.0


@pytest.mark.parametrize("name", ["_children", "_prev", "local_derivatives", "_local_grads"])
def test_what_a_node_is_made_of_is_read_only(impl, name):
    a = impl.Value(2.0)
    v = a * 3
    before = getattr(v, name)
    with pytest.raises(AttributeError, match=name):
        setattr(v, name, before)
    assert getattr(v, name) == before


@pytest.mark.parametrize("name", ["data", "grad"])
def test_data_and_grad_cannot_be_deleted(impl, name):
    v = impl.Value(2.0)
    with pytest.raises(AttributeError, match=name):
        delattr(v, name)


def test_a_second_init_is_refused_and_changes_nothing(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    v = a * b
    with pytest.raises(RuntimeError, match=r"initialised"):
        v.__init__(5.0)
    with pytest.raises(RuntimeError, match=r"initialised"):
        a.__init__(5.0, (v,), "circle")
    assert (a.data, a._children, v.data) == (2.0, (), 6.0)


def test_a_missing_attribute_is_an_attribute_error_naming_it(impl):
    with pytest.raises(AttributeError, match="gard"):
        _ = impl.Value(2.0).gard


def test_a_node_with_only_a_closure_has_no_local_derivatives_and_is_named(impl):
    v = impl.Value(4.0, (impl.Value(2.0),), "square")
    v._backward = lambda: None
    for name in ("local_derivatives", "_local_grads"):
        with pytest.raises(TypeError, match=r"square.*_backward"):
            getattr(v, name)


def test_a_wrong_argument_is_refused_inside_no_grad_too(impl):
    a = impl.Value(1.0)
    with impl.no_grad():
        for attempt in (
            lambda: impl.Value(1.0, (a, 5), "op"),
            lambda: impl.Value(1.0, (a,), ("x",)),
            lambda: a + "x",
            lambda: a.atan2("x"),
            lambda: impl.sum([a, "x"]),
            lambda: impl.dot([a], ["x"]),
        ):
            with pytest.raises(TypeError):
                attempt()
        with pytest.raises(ValueError):
            impl.Value(1.0, (a,), (1.0, 2.0))


# -- operators and methods ----------------------------------------------------------------------

OPERATORS = [
    "a + x",
    "x + a",
    "a - x",
    "x - a",
    "a * x",
    "x * a",
    "a / x",
    "x / a",
    "a // x",
    "x // a",
    "a % x",
]
OPERATORS += ["a ** x", "x ** a", "a < x", "a <= x", "x > a", "x >= a"]


@pytest.mark.parametrize("text", OPERATORS)
@pytest.mark.parametrize(
    "bad",
    [None, "1", 1j, Decimal(1), [1.0], object()],
    ids=["None", "str", "complex", "Decimal", "list", "object"],
)
def test_operators_refuse_what_is_no_real_number(impl, text, bad):
    a = impl.Value(2.0)
    # For sequence * something Python asks the something for a whole number.
    repeats = "*" in text.split() and isinstance(bad, (str, list))
    named = r"a Value is no whole number by itself" if repeats else rf"\b{type_name(bad)}\b"
    with pytest.raises(TypeError, match=named):
        eval(text, {"a": a, "x": bad})
    (a * 2).backward()
    assert a.grad == 2.0


def test_an_unknown_operand_gets_its_turn(impl):
    class Other:
        def __radd__(self, other):
            return "radd"

        def __rpow__(self, other):
            return "rpow"

        def __gt__(self, other):
            return "gt"

        def __eq__(self, other):
            return "eq"

        __hash__ = None

    a = impl.Value(2.0)
    assert (a + Other(), a ** Other(), a < Other(), a == Other()) == ("radd", "rpow", "gt", "eq")


@pytest.mark.parametrize("attempt", ["a ** a", "2 ** a", "2.5 ** a", "True ** a"])
def test_a_value_as_exponent_points_to_math_pow(impl, attempt):
    with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
        eval(attempt, {"a": impl.Value(2.0)})


@pytest.mark.parametrize(
    "attempt", ["pow(a, 2, 3)", "pow(2, a, 3)", "pow(2, 3, a)", "pow(a, a, a)"]
)
def test_pow_with_a_modulus_is_a_type_error(impl, attempt):
    with pytest.raises(TypeError):
        eval(attempt, {"a": impl.Value(2.0)})


def test_a_wrong_format_spec_is_a_value_error(impl):
    with pytest.raises(ValueError, match="Unknown format code"):
        format(impl.Value(2.0), "q")


UNARY = ["exp", "relu", "tanh", "log", "floor", "stop_gradient", "arcsin"]
BINARY = ["atan2", "hypot", "maximum", "minimum", "logaddexp", "pow", "arctan2"]


@pytest.mark.parametrize("name", UNARY)
def test_unary_ops_take_exactly_one_operand(impl, name):
    a = impl.Value(0.5)
    for attempt in (
        lambda: getattr(a, name)(1),
        lambda: getattr(a, name)(x=1),
        lambda: impl.FUNCTIONS[name](),
        lambda: impl.FUNCTIONS[name](a, a, a),
        lambda: impl.FUNCTIONS[name](y=a),
    ):
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize("name", BINARY)
def test_binary_ops_take_exactly_two_operands(impl, name):
    a = impl.Value(0.5)
    attempts = [lambda: getattr(a, name)(), lambda: getattr(a, name)(1, 2)]
    if name != "hypot":  # hypot may take any number of coordinates
        attempts += [lambda: impl.FUNCTIONS[name](a), lambda: impl.FUNCTIONS[name](a, a, a)]
    for attempt in attempts:
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize("name", ["where", "select", "clip"])
def test_ternary_ops_take_at_most_three_operands(impl, name):
    a = impl.Value(0.5)
    with pytest.raises(TypeError):
        impl.FUNCTIONS[name](a, a, a, a)
    with pytest.raises(TypeError):
        impl.FUNCTIONS[name]()


@pytest.mark.parametrize(
    "bad", ["1", None, 1j, Decimal(1), [1.0]], ids=["str", "None", "complex", "Decimal", "list"]
)
@pytest.mark.parametrize("name", [*BINARY, "where"])
def test_ops_refuse_an_operand_that_is_no_real_number_and_name_its_type(impl, name, bad):
    a = impl.Value(0.5)
    f = impl.FUNCTIONS[name]
    attempts = [lambda: f(a, bad), lambda: f(bad, a), lambda: getattr(a, name)(bad)]
    if name == "where":
        attempts = [lambda: f(a, bad, 1.0), lambda: f(bad, a, 1.0), lambda: f(1.0, a, bad)]
    for attempt in attempts:
        with pytest.raises(TypeError, match=rf"\b{type_name(bad)}\b"):
            attempt()


@pytest.mark.parametrize(
    "bad", ["1", None, 1j, Decimal(1), [1.0]], ids=["str", "None", "complex", "Decimal", "list"]
)
@pytest.mark.parametrize("name", ["sigmoid", "relu", "softplus", "sign", "maximum", "logaddexp"])
def test_ops_that_math_lacks_refuse_what_is_no_real_number(impl, name, bad):
    args = (1.0, bad) if name in {"maximum", "logaddexp"} else (bad,)
    with pytest.raises(TypeError, match=rf"\b{type_name(bad)}\b"):
        impl.FUNCTIONS[name](*args)


@pytest.mark.parametrize("bad", ["1", 1j, [1.0]], ids=["str", "complex", "list"])
def test_clip_refuses_bounds_that_are_no_numbers(impl, bad):
    a = impl.Value(0.5)
    for attempt in (
        lambda: a.clip(bad, 1.0),
        lambda: a.clip(0.0, bad),
        lambda: impl.FUNCTIONS["clip"](0.5, bad, 1.0),
    ):
        with pytest.raises(TypeError, match=rf"\b{type_name(bad)}\b"):
            attempt()


def test_methods_called_on_what_is_no_value_raise(impl):
    for attempt in (
        lambda: impl.Value.backward(3.0),
        lambda: impl.Value.data.__get__(3.0),
        lambda: impl.Value.data.__set__(3.0, 1.0),
        lambda: impl.Value.__init__(3.0, 1.0),
        lambda: impl.Value.__neg__("x"),
        lambda: impl.Value.exp("x"),
    ):
        with pytest.raises((TypeError, AttributeError)):
            attempt()
