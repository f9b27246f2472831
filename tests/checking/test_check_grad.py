"""check_grad: right derivatives pass, wrong ones fail, and where there is none it says so."""

from __future__ import annotations

import collections
import doctest
import fractions
import math
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
import pygrad.checking.exact
import pygrad.math as pm
import pygrad.nn
from pygrad import Value, numeric
from pygrad.checking import check as checking
from pygrad.checking.check import GradientCheck, GradientError, check_grad
from pygrad.core.implementation import FUNCTIONS
from pygrad.core.ops import op_of, ops

OK, WRONG, INCONCLUSIVE = "ok", "wrong", "inconclusive"
NOT_HERE = "not differentiable here"

PUBLIC = [(op.name, op.arity) for op in ops() if op.is_public]
EXPONENTS = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 0.5, 1.5, -0.5, 2.5, 1 / 3]


def apply(name: str, rng: random.Random) -> Callable[[Any], Any]:
    """The op as a function of a list of operands."""
    if name == "pown":
        n = rng.choice(EXPONENTS)
        return lambda v: v[0] ** n
    return lambda v: FUNCTIONS[name](*v)


def points(name: str, arity: int, count: int, rng: random.Random):
    """(f, x) with x in the domain of the op, not in its saturated tails."""
    while count:
        xs = [rng.choice([rng.uniform(-3, 3), rng.uniform(1, 4)]) for _ in range(arity)]
        f = apply(name, rng)
        try:
            f([Value(x) for x in xs])
        except (ArithmeticError, ValueError):
            continue
        count -= 1
        yield f, xs


# -- every op -------------------------------------------------------------------------------------

LOOKS_WRONG = "stop_gradient"  # its slope is not the truth: that is what it is for


@pytest.mark.parametrize(("name", "arity"), [op for op in PUBLIC if op[0] != LOOKS_WRONG])
def test_every_op_passes_to_order_3_on_random_points(name, arity):
    for f, xs in points(name, arity, 12, random.Random(name)):
        check = check_grad(f, xs, order=3)
        assert check, f"{name} at {xs}\n{check}"
        assert len(check.rows) == sum(arity**k for k in (1, 2, 3))


@pytest.mark.parametrize(("name", "arity"), PUBLIC)
def test_every_op_passes_to_order_3_against_50_digits(name, arity):
    """First derivatives are right to 4 ulp; those made of several roundings to 12 digits."""
    for f, xs in points(name, arity, 2 if name == "erf" else 4, random.Random(name)):
        check = check_grad(f, xs, order=3, rtol=1e-12, exact=True)
        assert check, f"{name} at {xs}\n{check}"
        for row in check.rows:
            assert row.error_bar <= 1e-40
            if row.order == 1 and row.numerical != 0:
                ulps = abs(row.exact - row.numerical) / math.ulp(row.numerical)
                assert ulps <= 4, f"{name} at {xs}\n{row}"


@pytest.mark.parametrize(
    ("name", "arity"),
    [op for op in PUBLIC if op[0] not in ("sign", "step", "floor", "ceil", "trunc", "round",
                                         "floordiv", "stop_gradient")],
)  # fmt: skip
@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0, 1 + 1e-5, 1 - 1e-5])
def test_every_op_with_a_wrong_slope_fails(name, arity, factor):
    rng = random.Random(name)
    failed = 0
    for f, xs in points(name, arity, 12, rng):
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
    assert failed >= 3


def test_stop_gradient_looks_wrong_and_is_right_by_its_graph():
    check = check_grad(lambda x: x * pygrad.stop_gradient(x), 3.0)
    assert check.verdict == WRONG
    assert (check.rows[0].exact, round(check.rows[0].numerical, 9)) == (3.0, 6.0)
    assert check_grad(lambda x: x * pygrad.stop_gradient(x), 3.0, exact=True)


# -- kinks and the like ---------------------------------------------------------------------------

CORNERS: list[tuple[str, Callable[[Any], Any], float, str]] = [
    ("relu", lambda x: x.relu(), 0.0, "kink: slope 0 to the left, 1 to the right"),
    ("abs", abs, 0.0, "kink: slope -1 to the left, 1 to the right"),
    ("abs elsewhere", lambda x: abs(x - 0.1), 0.1, "kink: slope -1 to the left, 1 to the right"),
    ("maximum", lambda x: pm.maximum(x, 2 * x - 3), 3.0, "kink: slope 1 to the left, 2 to"),
    ("minimum", lambda x: pm.minimum(x * x, x), 1.0, "kink: slope 2 to the left, 1 to the right"),
    ("clip", lambda x: pm.clip(x, 0.0, 1.0), 1.0, "kink: slope 1 to the left, 0 to the right"),
    ("builtin max", lambda x: max(x, 3.0 * x), 0.0, "kink: slope 1 to the left, 3 to the right"),
    ("a branch", lambda x: x * x if x < 2 else 4 * x - 4, 2.0, OK),  # meets smoothly
    ("a broken branch", lambda x: x * x if x < 2 else 5 * x - 6, 2.0, "kink: slope 4 to the left"),
    ("sqrt of a square", lambda x: pm.sqrt(x * x), 0.0, "kink: slope -1 to the left, 1 to"),
    ("floor", pm.floor, 1.0, "jump: slope inf to the left, 0 to the right"),
    ("round", lambda x: x.round(), 0.5, "jump: slope 0 to the left, inf to the right"),
    ("sign", lambda x: x.sign(), 0.0, "jump: slope inf to the left, inf to the right"),
    ("remainder", lambda x: x % 1.0, 2.0, "jump: slope -inf to the left, 1 to the right"),
    ("root of abs", lambda x: abs(x).sqrt(), 0.0, "infinite slope: slope -inf to the left, inf"),
    ("cube root", lambda x: x.sign() * pm.pow(abs(x), 1 / 3), 0.0, "infinite slope: slope inf"),
    ("sqrt", pm.sqrt, 0.0, "the domain of f ends here: slope inf to the right"),
    ("asin", pm.asin, 1.0, "the domain of f ends here: slope inf to the left"),
    ("x**1.5 both sides", lambda x: pm.pow(abs(x), 1.5), 0.0, OK),
    ("x |x|", lambda x: x * abs(x), 0.0, OK),
    ("floor between", pm.floor, 1.5, OK),
    ("floor, far out", pm.floor, 27.1, OK),
]


@pytest.mark.parametrize(("name", "f", "x", "note"), CORNERS, ids=[c[0] for c in CORNERS])
def test_where_there_is_no_derivative_it_says_so_and_tells_both_slopes(name, f, x, note):
    check = check_grad(f, x)
    assert check.verdict == (OK if note == OK else NOT_HERE), str(check)
    assert note == OK or note in check.rows[0].note
    assert bool(check) == (note == OK)


# A branch is not in the graph, so the graph does not know of its other side.
IN_THE_GRAPH = [c for c in CORNERS if c[0] not in ("builtin max", "a branch", "a broken branch")]


@pytest.mark.parametrize(("name", "f", "x", "note"), IN_THE_GRAPH, ids=[c[0] for c in IN_THE_GRAPH])
def test_the_graph_in_mpmath_says_so_too(name, f, x, note):
    check = check_grad(f, x, exact=True)
    assert check.verdict == (OK if note == OK else NOT_HERE), str(check)
    assert note == OK or note in check.rows[0].note


def test_the_branch_that_f_took_stays_taken_in_mpmath():
    assert check_grad(lambda x: x * x if x < 2 else 5 * x - 6, 2.0, exact=True)


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


def micrograd_node(slope: Callable[[float], float]) -> Callable[[Value], Value]:
    """x**2 as a custom node with a closure."""

    def square(x: Value) -> Value:
        out = Value(x.data**2, (x,), "square")

        def _backward() -> None:
            x.grad += slope(x.data) * out.grad

        out._backward = _backward
        return out

    return square


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


def test_a_node_of_unknown_forward_function_is_an_error_in_mpmath_that_names_it():
    with pytest.raises(TypeError, match="the node 'square' has a _backward or local_grads"):
        check_grad(micrograd_node(lambda x: 2 * x), 3.0, exact=True)
    with pytest.raises(TypeError, match=r"local_grads .* exact=False"):
        check_grad(lambda x: Value(x.data**2, (x,), (2 * x.data,)), 3.0, exact=True)


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


# -- structures -----------------------------------------------------------------------------------


def test_inputs_have_the_structure_of_x_and_are_named_by_it():
    def f(p):
        return (p["w"][0, 1] * p["w"][1, 0] + p["b"]) * p["layers"][1][0]

    x = {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 3, "layers": [(), (np.float64(0.5), 7.0)]}
    check = check_grad(f, x)
    assert check, str(check)
    names = "x['w'][0, 0]|x['w'][0, 1]|x['w'][1, 0]|x['w'][1, 1]|x['b']|x['layers'][1][0]|x['layers'][1][1]"
    assert [row.name for row in check.rows] == names.split("|")
    assert [row.exact for row in check.rows] == [0.0, 1.5, 1.0, 0.0, 0.5, 9.0, 0.0]


@pytest.mark.parametrize("x", [2.0, 2, np.float64(2.0), np.array(2.0), Value(2.0)])
def test_x_may_be_any_number(x):
    check = check_grad(lambda v: v**3, x, order=3)
    assert [row.name for row in check.rows] == ["x", "x x", "x x x"]
    assert [row.exact for row in check.rows] == [12.0, 12.0, 6.0]
    assert check


def test_a_tuple_is_one_argument():
    assert check_grad(lambda v: v[0] * v[1], (2.0, 3.0))


def test_the_gradient_of_a_network_by_its_inputs():
    random.seed(2)
    model = pygrad.nn.MLP(2, [3, 1])
    check = check_grad(lambda x: model(list(x)), np.array([0.3, -0.2]))
    assert check, str(check)
    assert all(row.exact != 0.0 for row in check.rows)


def test_it_records_within_no_grad_as_transforms_do():
    with pygrad.no_grad():
        assert check_grad(lambda x: pm.sin(x) * x, 1.0, order=2)
        assert check_grad(lambda x: pm.sin(x) * x, 1.0, exact=True)
        assert (Value(1.0) * 2)._children == ()
    assert (Value(1.0) * 2)._children != ()


def test_f_may_compute_a_derivative_on_its_way():
    def f(v):
        return pygrad.grad(lambda x: pm.tanh(x) * x * v[1])(v[0]) ** 2

    assert check_grad(f, [0.4, 2.0], order=2)
    assert check_grad(f, [0.4, 2.0], exact=True, rtol=1e-13)


# -- the report -----------------------------------------------------------------------------------


def test_the_report_prints_as_a_table():
    check = check_grad(lambda v: v[0] * v[0] / v[1], [2.0, 3.0])
    title, head, *rows = str(check).splitlines()
    assert title == "check_grad: ok, 2 derivatives"
    assert " ".join(head.split()) == "input exact numerical relative error error bar verdict"
    assert [row.split()[0] for row in rows] == ["x[0]", "x[1]"]
    assert len({row.index("ok") for row in rows}) == 1
    assert repr(check) == "<GradientCheck: ok, 2 derivatives>"


def test_a_long_table_shows_first_what_is_not_ok():
    def f(v):
        return pygrad.sum([x * x for x in v]) + v[70].relu()

    x = [0.5] * 100
    x[70] = 0.0
    lines = str(check_grad(f, x)).splitlines()
    assert lines[0] == "check_grad: not differentiable here, 100 derivatives"
    assert lines[2].startswith("x[70]")
    assert lines[-1] == "... and 60 more"
    assert len(lines) == 43


def test_errors_and_error_bar_are_relative():
    def f(v):
        return Value(v[0].data * v[1].data, v, (v[1].data, 1.1 * v[0].data))

    check = check_grad(f, [2.0, 3.0])
    assert check.verdict == WRONG
    assert check.errors == tuple(row.relative_error for row in check.rows)
    assert check.errors[0] < 1e-13
    assert check.errors[1] == pytest.approx(0.1 / 1.1)
    assert 0 < check.error_bar < 1e-12


def test_raises_is_an_assertion_error_with_the_table():
    def f(x):
        return Value(x.data**2, (x,), (x.data,))

    with pytest.raises(GradientError, match="wrong, 1 derivative") as caught:
        check_grad(f, 3.0, raises=True)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value.check, GradientCheck)
    assert str(caught.value) == str(caught.value.check)
    with pytest.raises(GradientError, match="kink"):
        check_grad(lambda x: x.relu(), 0.0, raises=True)
    assert check_grad(lambda x: x.relu(), 1.0, raises=True).verdict == OK


# -- bad arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((abs, 1.0, 0), {}, ValueError, "order must be at least 1, not 0"),
        ((abs, 1.0, 1.5), {}, TypeError, "order must be an int, not 1.5"),
        ((abs, 1.0, True), {}, TypeError, "order must be an int"),
        ((abs, 1.0), {"rtol": 0.0}, ValueError, "rtol must be between 0 and 1"),
        ((abs, 1.0), {"rtol": math.nan}, ValueError, "rtol must be between 0 and 1"),
        ((abs, 1.0), {"atol": -1.0}, ValueError, "atol not negative"),
        ((abs, math.nan), {}, ValueError, "x must be finite"),
        ((sum, [1.0, math.inf]), {}, ValueError, "x must be finite"),
        ((sum, []), {}, ValueError, "x has no numbers in it"),
        ((abs, "1"), {}, TypeError, "x must be a number"),
        ((lambda x: [x, x], 1.0), {}, TypeError, "jacobian"),
        ((lambda x: None, 1.0), {}, TypeError, "NoneType"),
        ((pm.log, -1.0), {}, ValueError, "math domain error"),
        ((lambda x: 1 / x, 0.0), {}, ZeroDivisionError, "division"),
    ],
)
def test_bad_arguments_are_named_and_what_f_raises_at_x_goes_on(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        check_grad(*args, **kwargs)


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
    with pytest.raises(ImportError, match=r"pip install 'pygrad\[exact\]'"):
        check_grad(pm.sin, 1.0, exact=True)


@pytest.mark.parametrize("module", [checking, pygrad.checking.exact])
def test_examples_in_the_docstrings(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_numeric_offers_it_too():
    assert numeric.check_grad is check_grad
