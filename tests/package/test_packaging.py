"""The op table of the extension is what both implementations offer, under every name."""

from __future__ import annotations

import importlib.resources
import inspect
import itertools

import numpy as np
import pytest
from truth import ROWS

import pygrad
import pygrad.math
import pygrad.value  # noqa: F401  loads the extension whatever PYGRAD_IMPL says
from pygrad import _core

text = lambda pointer: _core.ffi.string(pointer).decode()  # noqa: E731


def table() -> list:
    rows = map(_core.lib.pg_op_at, itertools.count())
    return list(itertools.takewhile(lambda row: row != _core.ffi.NULL, rows))


def second_names() -> dict[str, str]:
    rows = map(_core.lib.pg_alias_at, itertools.count())
    found = itertools.takewhile(lambda row: row != _core.ffi.NULL, rows)
    return {text(row.alias): text(row.name) for row in found}


OPS = {text(row.name): row for row in table()}
PUBLIC = [name for name, row in OPS.items() if row.is_public]
UNARY = [name for name in PUBLIC if OPS[name].arity == 1 and not OPS[name].has_constant]
ALIASES = second_names()

# Python's own names of these are the operators.
OPERATORS = {"add", "sub", "mul", "div", "mod", "floordiv", "pown"}


def test_type_information_is_marked_as_present():
    assert importlib.resources.files("pygrad").joinpath("py.typed").is_file()


def test_the_table_has_every_op_of_the_project():
    assert set(PUBLIC) == set(ROWS)
    assert len(table()) == len(OPS)


def test_the_table_ends_in_null_and_has_nothing_before_its_start():
    for i in (-1, -(2**31), len(table()), 2**31 - 1):
        assert _core.lib.pg_op_at(i) == _core.ffi.NULL
        assert _core.lib.pg_alias_at(i) == _core.ffi.NULL or 0 <= i < len(ALIASES)


def test_every_line_of_the_table_is_complete():
    for name, row in OPS.items():
        assert text(row.symbol), name
        assert text(row.doc).endswith("."), name
        assert text(row.forward), name
        rules = [row.rules[i] != _core.ffi.NULL for i in range(3)]
        assert rules == [i < row.arity for i in range(3)], name
        assert text(row.errors) in {
            "TOTAL",
            "DOMAIN",
            "RANGE",
            "POLES",
            "DIVISION",
            "FLOAT_POW",
            "MATH_POW",
            "INTEGRAL",
        }
        assert "?" not in "".join(text(row.rules[i]) for i in range(row.arity)), name


def test_only_powers_with_a_constant_exponent_have_a_constant():
    assert [name for name, row in OPS.items() if row.has_constant] == ["pown"]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_op_is_a_function_of_both_implementations_and_of_math(impl, name):
    assert callable(impl.FUNCTIONS[name])
    assert callable(getattr(pygrad.math, name))


@pytest.mark.parametrize("name", [name for name in OPS if name not in PUBLIC])
def test_ops_that_only_rules_use_are_not_offered(impl, name):
    assert name not in impl.FUNCTIONS
    assert not hasattr(impl.Value, name)


def test_both_implementations_offer_the_same_functions_and_methods():
    from pygrad import reference, value

    assert sorted(value.FUNCTIONS) == sorted(reference.FUNCTIONS)

    def methods(kind):
        return {n for n, m in inspect.getmembers(kind) if not n.startswith("_") and callable(m)}

    assert methods(value.Value) == methods(reference.Value)
    assert sorted(value.FUNCTIONS) == sorted({*PUBLIC, *ALIASES})


@pytest.mark.parametrize("name", UNARY)
def test_every_unary_op_is_a_method(impl, name):
    v = getattr(impl.Value(1.5 if name == "acosh" else 0.5), name)()
    assert v._op == text(OPS[name].symbol)
    assert len(v._children) == 1


@pytest.mark.parametrize("name", [n for n in PUBLIC if OPS[n].arity == 2 and n not in OPERATORS])
def test_every_binary_op_without_an_operator_is_a_method(impl, name):
    v = getattr(impl.Value(0.5), name)(2.0)
    assert v._op == text(OPS[name].symbol)
    assert len(v._children) == 2


@pytest.mark.parametrize("alias", ALIASES)
def test_every_second_name_is_the_same_op(impl, alias):
    name = ALIASES[alias]
    operands = [1.5 if name == "acosh" else 0.5] * OPS[name].arity
    v = impl.FUNCTIONS[alias](impl.Value(operands[0]), *operands[1:])
    assert v._op == text(OPS[name].symbol)
    if OPS[name].arity < 3:
        assert getattr(impl.Value(operands[0]), alias)(*operands[1:])._op == v._op


def test_every_op_that_numpy_knows_has_numpys_name_too():
    named = {
        "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
        "acosh": "arccosh", "atanh": "arctanh", "round": "rint",
    }  # fmt: skip
    for name, numpy_name in named.items():
        assert isinstance(getattr(np, numpy_name), np.ufunc)
        assert ALIASES[numpy_name] == name
    assert {"absolute", "fabs"} <= {alias for alias, name in ALIASES.items() if name == "abs"}


def test_the_python_symbols_of_ops_are_those_that_values_show(impl):
    a, b = impl.Value(0.5), impl.Value(2.0)
    shown = {
        "add": a + b,
        "sub": a - b,
        "mul": a * b,
        "div": a / b,
        "mod": a % b,
        "floordiv": a // b,
        "neg": -a,
    }
    assert {name: v._op for name, v in shown.items()} == {
        name: text(OPS[name].symbol) for name in shown
    }


def test_top_level_names():
    names = {
        "Value",
        "sum",
        "dot",
        "where",
        "maximum",
        "minimum",
        "clip",
        "stop_gradient",
        "no_grad",
        "zero_grad",
    }
    assert names <= set(pygrad.__all__)
    for name in pygrad.__all__:
        assert getattr(pygrad, name) is not None
