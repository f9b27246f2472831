"""jet and taylor: of every op, to any order, wherever transforms may be used."""

from __future__ import annotations

import gc
import itertools

import numpy as np
import pytest
from truth import ROWS, mp, outside

import pygrad
import pygrad.math as pm
from pygrad import Value, compile, custom_jvp, fori_loop, grad, jet, jvp, no_grad, taylor, vmap
from pygrad._core import lib
from pygrad.core.ops import ops

ORDER = 6
# The terms of operands, of order 1 and 2: they are curves, not lines, and differ.
CURVES = ((0.7, -0.3), (-0.4, 0.2), (0.25, 0.5))
STARTS = ((0.37, 1.3, 2.2), (2.6, 0.7, 3.1))
EXPONENTS = (1.0, 2.0, 3.0, 7.0, -1.0, 2.5)
INSIDE = {"acosh": [(1.8,), (3.0,)]}  # what none of these is

# What a row says of floats alone, of the numbers of mpmath on a short curve.
TRUTHS = {
    "mod": lambda x, y: x - mp.floor(x / y) * y,
    "floordiv": lambda x, y: mp.floor(x / y),
    "stop_gradient": None,
}
PUBLIC = [op.name for op in ops() if op.is_public]


def operands_of(name):
    """Points inside the domain, well away from its ends and from corners, with an exponent for `**`."""
    row = ROWS[name]
    if row.has_constant:
        return [(x, k) for x, k in itertools.product((0.37, -2.6), EXPONENTS) if x > 0 or k != 2.5]
    found = INSIDE.get(name) or [start[: row.arity] for start in STARTS]
    return [xs for xs in found if not outside(name, xs) and _is_inside(name, xs)]


def _is_inside(name, xs):
    low, high = ROWS[name].domain
    return low + 0.05 < xs[0] < high - 0.05


def true_terms(name, xs):
    row = ROWS[name]
    value = TRUTHS.get(name, row.value)
    if value is None:
        return [xs[0]] + [0.0] * ORDER
    curves = CURVES[:1] if row.has_constant else CURVES[: row.arity]
    constants = [mp.mpf(x) for x in xs[len(curves) :]]

    def along(t):
        pairs = zip(xs, curves, strict=False)
        return value(*(mp.mpf(x) + a * t + b * t * t for x, (a, b) in pairs), *constants)

    with mp.workprec(120):
        return mp.taylor(along, 0, ORDER)


def series_of(curves):
    return tuple((a, b, *[0.0] * (ORDER - 2)) for a, b in curves)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_op_has_the_series_that_its_function_has(name):
    tried = operands_of(name)
    assert tried, f"{name} has no point here: add one to STARTS"
    for xs in tried:
        row = ROWS[name]
        f = (lambda x, k=xs[-1]: x**k) if row.has_constant else pygrad.math.__dict__[name]
        points = xs[:1] if row.has_constant else xs
        curves = CURVES[: len(points)]
        value, terms = jet(f, points, series_of(curves), factorial_scaled=False)
        truth = true_terms(name, xs)
        size = max(map(abs, truth))
        for k, (given, true) in enumerate(zip([value, *terms], truth, strict=True)):
            # Each term is a sum of k products of terms of at most this size, and of some slopes'.
            assert abs(given - true) <= 1e-13 * 2**k * size, (name, xs, k, given, float(true))


def test_no_op_is_left_out():
    """What rules lead to is tried by the ops whose slopes lead there; conditions have no derivative."""
    assert set(PUBLIC) == set(ROWS)


# -- what the terms mean -----------------------------------------------------------------------------


def f(x):
    return pm.log1p(pm.tanh(pm.sin(x) * pm.exp(-x * x) + 0.5 * x)) / (1 + x**2)


def nested(f, x, order):
    """The derivatives by derivatives of derivatives."""
    derivatives = [f]
    while len(derivatives) <= order:
        last = derivatives[-1]
        derivatives.append(lambda t, last=last: jvp(last, (t,), (1.0,))[1])
    return [derivative(x) for derivative in derivatives]


def test_terms_are_derivatives_and_coefficients_are_these_over_factorials():
    truth = nested(f, 0.3, 6)
    value, terms = jet(f, (0.3,), ((1.0, 0.0, 0.0, 0.0, 0.0, 0.0),))
    assert [value, *terms] == pytest.approx(truth, rel=1e-12)
    factorials = [1, 1, 2, 6, 24, 120, 720]
    assert [c * k for c, k in zip(taylor(f, 0.3, 6), factorials, strict=True)] == pytest.approx(
        truth, rel=1e-12
    )


def test_the_example_of_jax_has_its_numbers():
    """From the docstring of jax.experimental.jet.jet: sin(z**3) at z = 0.5."""
    value, (first, second) = jet(pm.sin, (0.5**3,), ((3 * 0.5**2, 6 * 0.5),))
    assert value == pytest.approx(0.12467473, rel=1e-7)
    assert [first, second] == pytest.approx([0.74414825, 2.9064634], rel=1e-7)


def test_curves_through_several_arguments_and_results_of_any_structure():
    def g(p, v):
        return {"product": p["a"] * p["b"], "vector": v * p["a"], "kind": "text"}

    primals = {"a": 2.0, "b": 3.0}, np.array([1.0, 2.0])
    series = (
        [{"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0}],
        [np.array([0.0, 1.0]), np.array([1.0, 0.0])],
    )
    value, terms = jet(g, primals, series)
    assert value["product"] == 6.0
    assert terms["product"] == [3.0, 2.0]  # a'' b + 2 a' b' + a b''
    assert [list(term) for term in terms["vector"]] == [[1.0, 4.0], [2.0, 2.0]]
    assert terms["kind"] == "text"


def test_orders_of_a_hundred_are_no_matter():
    coefficients = taylor(lambda x: 1 / (1 - x), 0.0, 100)
    assert coefficients == [1.0] * 101


def test_derivatives_end_where_factorials_do_and_coefficients_go_on():
    curve = (1.0, *[0.0] * 169)
    assert jet(pm.exp, (0.0,), (curve,))[1] == pytest.approx([1.0] * 170, rel=1e-13)
    longer = (1.0, *[0.0] * 249)
    assert jet(lambda x: 1 / (1 - x), (0.0,), (longer,), False)[1] == [1.0] * 250


def test_order_0_is_the_value():
    assert taylor(f, 0.3, 0) == [f(0.3)]
    assert jet(f, (0.3,), ((),)) == (f(0.3), [])


def test_a_chain_of_many_operations_is_no_recursion():
    def long(x):
        for _ in range(20_000):
            x = x + 1.0
        return x * x

    assert taylor(long, 0.0, 2) == [4e8, 4e4, 1.0]


# -- where it may be used ----------------------------------------------------------------------------


def test_compiled_and_mapped_it_is_what_it_is_at_a_point():
    program = compile(lambda x: taylor(f, x, 5))
    xs = np.array([-0.4, 0.3, 0.9])
    rows = vmap(lambda x: taylor(f, x, 5))(xs)
    for i, x in enumerate(xs):
        truth = taylor(f, float(x), 5)
        assert program(float(x)) == pytest.approx(truth, rel=1e-13)
        assert [column[i] for column in rows] == pytest.approx(truth, rel=1e-13)


def test_it_is_differentiated_and_differentiates():
    third = grad(lambda x: taylor(f, x, 2)[2])(0.3)
    assert third == pytest.approx(nested(f, 0.3, 3)[3] / 2, rel=1e-12)
    inner = taylor(lambda x: grad(f)(x), 0.3, 2)[2]
    assert inner == pytest.approx(nested(f, 0.3, 3)[3] / 2, rel=1e-12)


def test_series_leave_nothing_for_the_collector():
    gc.collect()
    start = lib.pg_live_nodes()
    gc.disable()
    try:
        for _ in range(3):
            taylor(f, 0.3, 4)
            jet(lambda x, y: x**2.5 * y.exp(), (2.0, 0.5), ((1.0, 0.0), (0.0, 1.0)))
        assert lib.pg_live_nodes() == start
    finally:
        gc.enable()


def test_terms_that_depend_on_values_outside_are_values():
    w = Value(3.0)
    terms = taylor(lambda x: w * x**3 + x, 2.0, 4)
    terms[1].backward()
    assert (terms[1].data, w.grad) == (37.0, 12.0)
    along = Value(0.5)
    _, (first,) = jet(lambda x: x * x, (3.0,), ((along,),))
    first.backward()
    assert (first.data, along.grad) == (3.0, 6.0)
    with no_grad():
        assert taylor(lambda x: w * x**3 + x, 2.0, 1) == [26.0, 37.0]


def test_given_values_it_gives_values():
    x = Value(0.3)
    terms = taylor(f, x, 3)
    terms[3].backward()
    assert x.grad == pytest.approx(4 * taylor(f, 0.3, 4)[4], rel=1e-12)


def test_sums_dot_products_and_a_rule_of_the_users():
    @custom_jvp
    def cube(x):
        return Value(x.data**3) if isinstance(x, Value) else x**3

    cube.defjvp(lambda primals, tangents: (primals[0] ** 3, 3 * primals[0] ** 2 * tangents[0]))
    g = lambda x: pygrad.sum([x, x.sin(), x]) * pygrad.dot([x, x.exp()], [x.cos(), x], 1.0)  # noqa: E731
    plain = lambda x: (x + x.sin() + x) * (x * x.cos() + x.exp() * x + 1.0)  # noqa: E731
    assert taylor(g, 0.7, 5) == pytest.approx(taylor(plain, 0.7, 5), rel=1e-13)
    ruled = taylor(lambda x: x.sin() * cube(x), 0.7, 4)
    assert ruled == pytest.approx(taylor(lambda x: x.sin() * x**3, 0.7, 4), rel=1e-13)


def test_a_loop_of_a_program():
    looped = compile(
        lambda x: taylor(lambda y: fori_loop(0, 3, lambda i, c: (c[0] * y.sin(),), (y,))[0], x, 3)
    )
    assert looped(0.7) == pytest.approx(taylor(lambda y: y * y.sin() ** 3, 0.7, 3), rel=1e-13)


# -- corners, and what is not understood ---------------------------------------------------------------


def test_a_branch_that_was_not_taken_stays_silent():
    g = lambda x: pygrad.where(x > 0, pm.sqrt(abs(x)), x * x)  # noqa: E731
    assert taylor(g, 0.0, 4) == [0.0, 0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "way", [lambda g: taylor(g, 0.0, 2), lambda g: vmap(lambda x: taylor(g, x, 2))([0.0, 1.0])]
)
def test_singular_terms_are_told_of(way):
    with pytest.warns(pygrad.SingularDerivativeWarning, match="op 'sqrt'"):
        way(lambda x: pm.sqrt(x * x) ** 2)


def test_powers_at_0_have_the_slopes_that_they_have():
    assert taylor(lambda x: x**2.5, 0.0, 3) == [0.0, 0.0, 0.0, np.inf]
    assert taylor(lambda x: x**3, 0.0, 4) == [0.0, 0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: jet(f, 1.0, ((1.0,),)),
            TypeError,
            "primals must be a tuple of arguments of f, not float",
        ),
        (
            lambda: jet(f, (1.0,), (1.0,)),
            TypeError,
            r"series\[0\] must be a tuple of derivatives of argument 0",
        ),
        (
            lambda: jet(f, (1.0,), ((1.0,), (1.0,))),
            ValueError,
            "a series for each of 1 primals, not 2",
        ),
        (
            lambda: jet(f, (1.0, 2.0), ((1.0,), ())),
            ValueError,
            r"as many terms for each argument, not \[0, 1\]",
        ),
        (
            lambda: jet(f, ([1.0],), ((1.0,),)),
            ValueError,
            r"term 0 of series\[0\] must match primals",
        ),
        (lambda: jet(3, (1.0,), ((1.0,),)), TypeError, "take a function, not int"),
        (lambda: jet(lambda: 3.0, (), ()), ValueError, "primals is empty"),
        (
            lambda: jet(f, (1.0,), ((1.0,) * 171,)),
            ValueError,
            "order 171 are coefficients times 171!, and doubles end at 170!.*factorial_scaled=False",
        ),
        (lambda: taylor(f, [1.0], 2), TypeError, "of one number, and x0 is a list of 1: jet"),
        (lambda: taylor(f, "a", 2), TypeError, "x0 must be a number"),
        (lambda: taylor(f, 1.0, -1), ValueError, "order must be 0 or more, not -1"),
        (lambda: taylor(f, 1.0, 2.0), TypeError, "order must be an int, not 2.0"),
        (lambda: taylor(lambda x: pm.log(x), 0.0, 2), ValueError, "log needs x > 0"),
    ],
)
def test_what_is_not_understood_says_so(call, error, says):
    with pytest.raises(error, match=says):
        call()
