"""check_grad in mpmath: f's graph at as many digits as it takes, by counterparts of every op."""

from __future__ import annotations

import fractions
import math
import random
import sys

import pytest
from checked import CORNERS, NOT_HERE, OK, PUBLIC, micrograd_node, points

import pygrad
import pygrad.checking.exact
import pygrad.math as pm
from pygrad import Value
from pygrad.checking.check import check_grad
from pygrad.core.ops import op_of, ops

# -- every op -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "order"), [(1, 2), pytest.param(4, 3, marks=pytest.mark.long)])
@pytest.mark.parametrize(("name", "arity"), PUBLIC)
def test_every_op_passes_against_50_digits(name, arity, count, order):
    """First derivatives are right to 4 ulp; those made of several roundings to 12 digits."""
    for f, xs in points(
        name, arity, min(count, 2) if name == "erf" else count, random.Random(name)
    ):
        check = check_grad(f, xs, order=order, rtol=1e-12, exact=True)
        assert check, f"{name} at {xs}\n{check}"
        for row in check.rows:
            assert row.error_bar <= 1e-40
            if row.order == 1 and row.numerical != 0:
                ulps = abs(row.exact - row.numerical) / math.ulp(row.numerical)
                assert ulps <= 4, f"{name} at {xs}\n{row}"


# -- kinks and the like ---------------------------------------------------------------------------


# A branch is not in the graph, so the graph does not know of its other side.
IN_THE_GRAPH = [c for c in CORNERS if c[0] not in ("builtin max", "a branch", "a broken branch")]


@pytest.mark.parametrize(("name", "f", "x", "note"), IN_THE_GRAPH, ids=[c[0] for c in IN_THE_GRAPH])
def test_the_graph_in_mpmath_says_so_too(name, f, x, note):
    check = check_grad(f, x, exact=True)
    assert check.verdict == (OK if note == OK else NOT_HERE), str(check)
    assert note == OK or note in check.rows[0].note


def test_the_branch_that_f_took_stays_taken_in_mpmath():
    assert check_grad(lambda x: x * x if x < 2 else 5 * x - 6, 2.0, exact=True)


# -- wrong derivatives ----------------------------------------------------------------------------


def test_a_node_of_unknown_forward_function_is_an_error_in_mpmath_that_names_it():
    with pytest.raises(TypeError, match="the node 'square' has a _backward, local_grads or a rule"):
        check_grad(micrograd_node(lambda x: 2 * x), 3.0, exact=True)
    with pytest.raises(TypeError, match=r"local_grads .* exact=False"):
        check_grad(lambda x: Value(x.data**2, (x,), (2 * x.data,)), 3.0, exact=True)


# -- mpmath ---------------------------------------------------------------------------------------


def test_every_op_of_the_table_has_a_counterpart_in_mpmath():
    from mpmath import MPContext

    mp = MPContext()
    table = pygrad.checking.exact.functions(mp)
    kept = {"pown", "stop_gradient"}  # a constant of the node; a value that is held
    for op in ops():
        assert op.name in table or hasattr(mp, op.name) or op.name in kept, op.name
        assert op_of(op.symbol) == op


@pytest.mark.parametrize(("name", "arity"), [op for op in PUBLIC])
def test_counterparts_compute_what_the_ops_compute(name, arity):
    rng = random.Random(name)
    for f, xs in points(name, arity, 20, rng):
        inputs = [Value(x) for x in xs]
        node = f(inputs)
        graph = pygrad.checking.exact.Graph(node, inputs)
        assert float(graph.value()) == pytest.approx(node.data, rel=1e-13, abs=1e-15)


def test_counterparts_of_slopes_compute_what_the_sweep_computes():
    """Ops that only derivatives are made of: those of all public ops, differentiated once."""
    for name, arity in PUBLIC:
        for f, xs in points(name, arity, 3, random.Random(name)):
            inputs = [Value(x) for x in xs]
            for g in pygrad.gradients(f(inputs), inputs):
                value = float(pygrad.checking.exact.Graph(g, inputs).value())
                assert value == pytest.approx(g.data, rel=1e-12, abs=1e-15), f"{name} at {xs}"


def test_sum_and_dot_are_evaluated_in_mpmath():
    def f(v):
        return pygrad.sum([v[0], v[1] * v[1], v[0]]) * pygrad.dot(v, [v[1], 2.0], bias=v[0] * 3.0)

    assert check_grad(f, [0.3, -1.7], order=2, exact=True, rtol=1e-13)
    assert check_grad(lambda v: pygrad.dot(v, [v[1], 2.0]), [0.3, -1.7], exact=True, rtol=1e-15)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: (1 + pm.exp(x)) - 1, -700.0, math.exp(-700)),
        (lambda x: (x + 1e300) - 1e300, 1e-300, 1.0),
        (lambda x: pm.tanh(x), 300.0, 4 * math.exp(-600)),
        (lambda x: x**20, 0.0, 0.0),
        (lambda x: pm.sqrt(x + 1e-300), 0.0, 5e149),
    ],
)
def test_digits_are_added_until_they_are_enough(f, x, slope):
    inputs = [Value(x)]
    found = pygrad.checking.exact.Graph(f(inputs[0]), inputs).derivative([0])
    assert float(found.value) == pytest.approx(slope, rel=1e-13, abs=0)
    assert found.error <= abs(found.value) * 1e-50


def test_errors_are_given_in_units_of_the_last_place():
    assert check_grad(lambda x: x * x, 3.0, exact=True).rows[0].note == "0 ulp"
    note = check_grad(lambda x: x / 3.0, 1.0, exact=True).rows[0].note
    third = fractions.Fraction(1, 3)
    ulps = abs(fractions.Fraction(1 / 3) - third) / fractions.Fraction(math.ulp(1 / 3))
    assert note == f"{float(ulps):.2g} ulp"


def test_without_mpmath_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpmath", None)
    assert check_grad(pm.sin, 1.0)
    with pytest.raises(ImportError, match=r"pip install 'pygrad-core\[exact\]'"):
        check_grad(pm.sin, 1.0, exact=True)
