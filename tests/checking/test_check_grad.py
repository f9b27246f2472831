"""check_grad: right derivatives pass, wrong ones fail, and where there is none it says so."""

from __future__ import annotations

import collections
import doctest
import math
import random
from typing import Any

import pytest
from checked import CORNERS, INCONCLUSIVE, NOT_HERE, OK, PUBLIC, WRONG, micrograd_node, points

import pygrad
import pygrad.checking.exact
import pygrad.math as pm
from pygrad import Value, numeric
from pygrad.checking import check as checking
from pygrad.checking.check import check_grad
from pygrad.core.implementation import FUNCTIONS

# -- every op -------------------------------------------------------------------------------------

LOOKS_WRONG = "stop_gradient"  # its slope is not the truth: that is what it is for


# So many points of each op.
a_few_or_many = pytest.mark.parametrize("count", [3, pytest.param(12, marks=pytest.mark.long)])


@a_few_or_many
@pytest.mark.parametrize(("name", "arity"), [op for op in PUBLIC if op[0] != LOOKS_WRONG])
def test_every_op_passes_to_order_3_on_random_points(name, arity, count):
    for f, xs in points(name, arity, count, random.Random(name)):
        check = check_grad(f, xs, order=3)
        assert check, f"{name} at {xs}\n{check}"
        assert len(check.rows) == sum(arity**k for k in (1, 2, 3))


@pytest.mark.parametrize(
    ("name", "arity"),
    [op for op in PUBLIC if op[0] not in ("sign", "step", "floor", "ceil", "trunc", "round",
                                         "floordiv", "stop_gradient")],
)  # fmt: skip
@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0, 1 + 1e-5, 1 - 1e-5])
@a_few_or_many
def test_every_op_with_a_wrong_slope_fails(name, arity, factor, count):
    rng = random.Random(name)
    failed = 0
    for f, xs in points(name, arity, count, rng):
        wrong_at = rng.randrange(arity)

        def mutant(v, f=f, wrong_at=wrong_at):
            node = f(v)
            slopes = list(node.local_derivatives[:arity])
            slopes[wrong_at] *= factor
            return Value(node.data, v, tuple(slopes))

        rows = check_grad(mutant, xs).rows
        right = check_grad(f, xs).rows
        for i, row in enumerate(rows):
            is_wrong = i == wrong_at and right[i].exact != 0
            assert row.verdict == (WRONG if is_wrong else OK), f"{name} at {xs}\n{row}"
            failed += is_wrong
    assert failed >= count / 4


def test_stop_gradient_looks_wrong_and_is_right_by_its_graph():
    check = check_grad(lambda x: x * pygrad.stop_gradient(x), 3.0)
    assert check.verdict == WRONG
    assert (check.rows[0].exact, round(check.rows[0].numerical, 9)) == (3.0, 6.0)
    assert check_grad(lambda x: x * pygrad.stop_gradient(x), 3.0, exact=True)


# -- kinks and the like ---------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "f", "x", "note"), CORNERS, ids=[c[0] for c in CORNERS])
def test_where_there_is_no_derivative_it_says_so_and_tells_both_slopes(name, f, x, note):
    check = check_grad(f, x)
    assert check.verdict == (OK if note == OK else NOT_HERE), str(check)
    assert note == OK or note in check.rows[0].note
    assert bool(check) == (note == OK)


@pytest.mark.parametrize("d", [1e-13, 1e-10, 1e-6, 1e-3])
def test_a_kink_near_x_is_none_at_x(d):
    check = check_grad(lambda x: abs(x - 1.0), 1.0 + d)
    assert check.verdict in (OK, INCONCLUSIVE), str(check)
    assert check.verdict == OK or d < 1e-11


def test_a_kink_in_one_input_leaves_the_others_alone():
    check = check_grad(lambda v: v[0].relu() + v[1] ** 2 * v[2], [0.0, 3.0, -1.0])
    assert [row.verdict for row in check.rows] == [NOT_HERE, OK, OK]
    assert check.verdict == NOT_HERE


def test_at_a_kink_any_slope_between_the_two_sides_may_stand_and_no_other():
    def slope(s):
        return lambda x: Value(max(x.data, 0.0), (x,), (s,))

    for s in (0.0, 0.5, 1.0):
        assert check_grad(slope(s), 0.0).verdict == NOT_HERE
    for s in (-0.1, 1.1, 17.0, math.nan, math.inf):
        check = check_grad(slope(s), 0.0)
        assert check.verdict == WRONG
        assert "not between them" in check.rows[0].note


def test_the_second_derivative_of_relu_does_not_exist_at_0():
    check = check_grad(lambda x: x.relu() * x, 0.0, order=2)
    assert [row.verdict for row in check.rows] == [OK, NOT_HERE]
    assert check_grad(lambda x: x.relu() * x, 0.0, order=2, exact=True).rows[1].verdict == NOT_HERE


# -- wrong derivatives ----------------------------------------------------------------------------


def test_a_closure_with_a_wrong_rule_is_wrong():
    assert check_grad(micrograd_node(lambda x: 2 * x), 3.0)
    for slope in (lambda x: x, lambda x: -2 * x, lambda x: 0.0, lambda x: 2 * x + 1e-4):
        check = check_grad(micrograd_node(slope), 3.0)
        assert check.verdict == WRONG
        assert check.rows[0].numerical == pytest.approx(6.0, rel=1e-12)


def test_a_wrapped_rule_that_runs_twice_is_wrong():
    def f(x):
        y = x.tanh()
        rule = y._backward
        y._backward = lambda: (rule(), rule())
        return y * 3.0

    row = check_grad(f, 0.5).rows[0]
    assert row.verdict == WRONG
    assert row.exact == pytest.approx(2 * row.numerical)


def test_a_derivative_that_is_nan_or_inf_is_wrong_where_f_has_one():
    for slope in (math.nan, math.inf, -math.inf):
        check = check_grad(lambda x, s=slope: Value(x.data**2, (x,), (s,)), 3.0)
        assert check.verdict == WRONG


def test_wrong_mixed_partials_are_found_at_order_2():
    def product(v):  # a right gradient, the second of whose entries is a constant to the next sweep
        x, y = v
        return Value(x.data * y.data, (x, y), (y, Value(x.data)))

    check = check_grad(product, [2.0, 3.0], order=2)
    assert {row.name: row.verdict for row in check.rows} == {
        "x[0]": OK,
        "x[1]": OK,
        "x[0] x[0]": OK,
        "x[0] x[1]": OK,
        "x[1] x[0]": WRONG,
        "x[1] x[1]": OK,
    }


def test_a_node_that_differentiates_once_is_an_error_at_order_2_that_names_it():
    assert check_grad(micrograd_node(lambda x: 2 * x), 3.0, order=1)
    with pytest.raises(TypeError, match=r"derivatives of order 2 need .*'square'"):
        check_grad(micrograd_node(lambda x: 2 * x), 3.0, order=2)
    with pytest.raises(TypeError, match=r"derivatives of order 2 need .*local_grads"):
        check_grad(lambda x: Value(x.data**2, (x,), (2 * x.data,)), 3.0, order=2)


# -- what cannot be decided -----------------------------------------------------------------------


def test_a_saturated_slope_is_inconclusive_and_decided_by_50_digits():
    check = check_grad(pm.tanh, 15.0)
    assert check.verdict == INCONCLUSIVE
    assert "exact=True" in check.rows[0].note
    assert check.error_bar > 1e-6
    assert check_grad(pm.tanh, 15.0, exact=True)

    def usual(x):  # 1 - tanh**2 has three digits left
        y = math.tanh(x.data)
        return Value(y, (x,), (1 - y * y,))

    assert check_grad(usual, 15.0).verdict == INCONCLUSIVE


@pytest.mark.parametrize("size", [1e-3, 1.0])
def test_a_function_that_scatters_is_never_called_wrong(size):
    rng = random.Random(7)
    verdicts = collections.Counter(
        check_grad(lambda x: pm.sin(x) * (1 + size * rng.uniform(-1, 1)), 1.0 + i / 50).verdict
        for i in range(50)
    )
    assert verdicts == {INCONCLUSIVE: 50}


def test_a_little_scatter_leaves_a_wrong_slope_wrong():
    rng = random.Random(7)

    def f(x):
        y = math.sin(x.data) + 1e-9 * rng.uniform(-1, 1)
        return Value(y, (x,), (1.001 * math.cos(x.data),))

    assert {check_grad(f, 0.1 + i / 20).verdict for i in range(20)} == {WRONG}


def test_digits_lost_inside_f_widen_the_error_bar():
    for offset, verdict in ((1e3, OK), (1e6, OK), (1e12, INCONCLUSIVE)):
        check = check_grad(lambda x, c=offset: (pm.sin(x) + c) - c, 1.0)
        assert check.verdict == verdict, str(check)
        assert check_grad(lambda x, c=offset: (pm.sin(x) + c) - c, 1.0, exact=True)


def test_f_that_is_not_finite_at_x_is_inconclusive():
    for f, x in ((lambda x: x * 1e308 * 10, 1.0), (lambda x: x * math.inf - math.inf, 1.0)):
        check = check_grad(f, x)
        assert check.verdict == INCONCLUSIVE
        assert "at x" in check.rows[0].note


def test_waves_shorter_than_floats_can_follow_are_inconclusive():
    check = check_grad(lambda x: pm.cos(pm.exp(x * x)), 15.0)
    assert check.verdict == INCONCLUSIVE
    check = check_grad(lambda x: pm.cos(pm.exp(x * x)), 15.0, exact=True)
    assert check.verdict == INCONCLUSIVE
    assert "lost its digits" in check.rows[0].note


def test_slopes_that_are_nothing_but_rounding_are_ok():
    """The second derivatives are 0; the sweep leaves some 1e-16, unlike the differences."""

    def f(v):
        return -(-v[1] * v[0]) / v[0] / pm.asinh(-0.57)

    check = check_grad(f, [1.6469813187629394, -1.446145213051643], order=2)
    assert any(row.exact != 0 and row.order == 2 for row in check.rows)
    assert check, str(check)
    assert check_grad(f, [1.6469813187629394, -1.446145213051643], order=2, exact=True)


def test_atol_lets_small_differences_pass():
    def f(x):
        return Value(x.data**2, (x,), (2 * x.data + 1e-4,))

    assert check_grad(f, 3.0).verdict == WRONG
    assert check_grad(f, 3.0, atol=1e-3)
    assert check_grad(f, 3.0, rtol=1e-3)
    assert check_grad(f, 3.0, atol=1e-5).verdict == WRONG


# -- scales ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x**3, 1e100),
        (lambda x: x**3, 1e-100),
        (pm.exp, 700.0),
        (pm.exp, 1e-12),
        (pm.log, 1e-300),
        (pm.log, 1e300),
        (lambda x: 1 / x, 1e150),
        (lambda x: 1 / x, -1e-150),
        (lambda x: pm.sin(1e6 * x), 1.0),
        (lambda x: pm.exp(x * 1e-6), 1.0),
        (lambda x: pm.hypot(x, 1e-9), 0.0),
        (lambda x: pm.log1p(x), -1 + 1e-6),
        (lambda x: x + 1e8, 1.0),
        (lambda x: x * 0, 2.0),
        (lambda x: 5.0, 2.0),
        (lambda x: x, 0.0),
        (lambda x: x * x - 2 * x + 5, 1.0),
        (lambda x: pm.cos(x), math.pi),
        (lambda x: pm.sin(x) ** 2 + pm.cos(x) ** 2, 1.1),
        (lambda x: pm.tanh(x), 30.0),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_huge_tiny_and_vanishing_slopes_are_ok(f, x, exact):
    check = check_grad(f, x, exact=exact)
    assert check, str(check)


UNARY = [
    *["exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "atan", "softplus", "relu", "abs"],
    *["log1p", "sinh", "asinh", "erf", "tan"],
]
BINARY = ["add", "sub", "mul", "div", "hypot", "atan2", "maximum", "minimum", "logaddexp", "mod"]


def random_tree(rng: random.Random, depth: int) -> Any:
    if depth == 0:
        return rng.randrange(3) if rng.random() < 0.8 else round(rng.uniform(-3, 3), 2)
    if rng.random() < 0.5:
        return rng.choice(UNARY), random_tree(rng, depth - 1)
    return rng.choice(BINARY), random_tree(rng, depth - 1), random_tree(rng, rng.randrange(depth))


def value_of(tree: Any, xs: Any) -> Any:
    if isinstance(tree, int):
        return xs[tree]
    if isinstance(tree, float):
        return Value(tree)
    return FUNCTIONS[tree[0]](*[value_of(part, xs) for part in tree[1:]])


@pytest.mark.parametrize(("order", "count"), [(1, 400), (2, 60)])
def test_random_programs_are_never_called_wrong(order, count):
    """Wild ones too, so that some are inconclusive; but right derivatives are not called wrong."""
    seen: collections.Counter[str] = collections.Counter()
    seed = 0
    while seen.total() < count:
        seed += 1
        rng = random.Random(seed)
        tree = random_tree(rng, 5)
        xs = [
            rng.uniform(-2, 2)
            if rng.random() < 0.8
            else rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 2)
            for _ in range(3)
        ]
        try:
            value_of(tree, [Value(x) for x in xs])
        except (ArithmeticError, ValueError):
            continue
        check = check_grad(lambda v, tree=tree: value_of(tree, v), xs, order=order)
        if any(math.isnan(row.exact) for row in check.rows):
            continue  # inf - inf in the sweep: that is wrong, and not what is tested here
        seen[check.verdict] += 1
        assert check.verdict in (OK, INCONCLUSIVE), f"seed {seed}: {tree} at {xs}\n{check}"
    assert seen[OK] >= 0.95 * count


# -- mpmath ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [checking, pygrad.checking.exact])
def test_examples_in_the_docstrings(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_numeric_offers_it_too():
    assert numeric.check_grad is check_grad
