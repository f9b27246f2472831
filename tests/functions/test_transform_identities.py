"""The transforms against each other, closed forms and JAX: forward is reverse, nesting is right, and what
goes in and comes out is as documented."""

from __future__ import annotations

import collections
import gc
import itertools
import math
import threading
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import programs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pygrad
import pygrad.math as pm
import pygrad.value
from pygrad import (
    Value,
    grad,
    gradients,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
    zero_grad,
)
from pygrad._core import lib

Function = Callable[..., Any]

EPS = 2.0**-52


def by_jvp(f: Function) -> Function:
    return lambda x: jvp(f, (x,), (1.0,))[1]


def by_vjp(f: Function) -> Function:
    return lambda x: vjp(f, x)[1](1.0)[0]


def by_gradients(f: Function) -> Function:
    """On Values as they are: the derivative stays a Value, and what transforms inside give are numbers."""

    def derivative(x: Any) -> Any:
        at = x + 0.0 if isinstance(x, Value) else Value(x)
        y = f(at)
        return gradients(y, at) if isinstance(y, Value) else 0.0

    return derivative


# Every way to the derivative of a function of one number. A transform may be around any of them.
TRANSFORMS_OF_ONE: dict[str, Function] = {
    "grad": grad,
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "jvp": by_jvp,
    "vjp": by_vjp,
}
WAYS = {**TRANSFORMS_OF_ONE, "gradients": by_gradients}
PAIRS = [*itertools.product(TRANSFORMS_OF_ONE, WAYS), ("gradients", "gradients")]
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
every_pair = pytest.mark.parametrize(
    ("outer", "inner"),
    [(WAYS[a], WAYS[b]) for a, b in PAIRS],
    ids=[f"{a} over {b}" for a, b in PAIRS],
)


def number(x: Any) -> float:
    """What a derivative by gradients() says, too."""
    return x.data if isinstance(x, Value) else x


# -- one function, every mode ----------------------------------------------------------------------


def mixed_map(x: Any) -> list[Any]:
    """R^5 -> R^3 with most kinds of ops, a sum, a dot and reuse."""
    a = pm.exp(x[0] * x[1]) - x[2] ** 3 / (1 + x[3] ** 2)
    b = pygrad.dot([x[0], x[1], x[4]], [x[2].sin(), x[3].cos(), a]) * pm.atan2(x[1], x[4])
    c = pygrad.sum([pm.hypot(x[2], x[3]), (x[0] - x[4]).tanh(), a * b, x[1] ** 2.5, abs(x[2])])
    return [a, b, c]


AT_FIVE = np.array([0.7, 1.3, -0.4, 2.1, 0.9])


def numeric_jacobian(f: Function, x: np.ndarray) -> np.ndarray:
    columns = []
    for i in range(x.size):
        h = np.zeros(x.size)
        h[i] = np.cbrt(EPS) * abs(x[i])
        up, down = x + h, x - h
        rise = [
            a.data - b.data
            for a, b in zip(f([*map(Value, up)]), f([*map(Value, down)]), strict=True)
        ]
        columns.append(np.array(rise) / (up[i] - down[i]))
    return np.array(columns).T


def test_the_jacobian_of_a_map_by_forward_by_reverse_and_by_differences():
    reverse, forward = jacrev(mixed_map)(AT_FIVE), jacfwd(mixed_map)(AT_FIVE)
    assert reverse.shape == (3, 5) and reverse.dtype == np.float64
    scale = np.abs(reverse).max(axis=1, keepdims=True)
    assert np.abs(reverse - forward).max() <= (8 * EPS * scale).max()
    assert (np.abs(reverse - numeric_jacobian(mixed_map, AT_FIVE)) <= 1e-8 * scale).all()
    assert jacobian is jacrev


def test_products_with_the_jacobian_are_its_rows_and_columns():
    f = mixed_map
    full = jacfwd(f)(AT_FIVE)
    v, u = np.array([1.0, -2.0, 0.5, 3.0, -1.5]), [2.0, -1.0, 0.25]
    value, tangent = jvp(f, (AT_FIVE,), (v,))
    again, pullback = vjp(f, AT_FIVE)
    assert value == again == [y.data for y in f([*map(Value, AT_FIVE)])]
    assert tangent == pytest.approx(full @ v, rel=1e-14)
    assert pullback(u)[0] == pytest.approx(np.array(u) @ full, rel=1e-14)
    assert np.dot(u, tangent) == pytest.approx(np.dot(pullback(u)[0], v), rel=1e-14)


SECOND: dict[str, Function] = {
    "hessian": hessian,
    "jacfwd(jacrev)": lambda f: jacfwd(jacrev(f)),
    "jacrev(jacfwd)": lambda f: jacrev(jacfwd(f)),
    "jacfwd(jacfwd)": lambda f: jacfwd(jacfwd(f)),
    "jacrev(jacrev)": lambda f: jacrev(jacrev(f)),
    "jacfwd(grad)": lambda f: jacfwd(grad(f)),
    "jacrev(grad)": lambda f: jacrev(grad(f)),
}


def rosenbrock(x: Sequence[Any]) -> Any:
    return pygrad.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)])


def rosenbrock_derivatives(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian in closed form."""
    gradient, second = np.zeros(x.size), np.zeros((x.size, x.size))
    for i in range(x.size - 1):
        a, b = x[i], x[i + 1]
        gradient[i] += -400 * a * (b - a * a) - 2 * (1 - a)
        gradient[i + 1] += 200 * (b - a * a)
        second[i, i] += 1200 * a * a - 400 * b + 2
        second[i + 1, i + 1] += 200
        second[i, i + 1] = second[i + 1, i] = -400 * a
    return gradient, second


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND)
def test_the_hessian_of_rosenbrocks_function_of_50_numbers(second):
    """At multiples of 1/8, where all arithmetic is exact, to the last bit; elsewhere within rounding."""
    rng = np.random.default_rng(1)
    x = rng.integers(-16, 17, 50) / 8
    assert (second(rosenbrock)(x) == rosenbrock_derivatives(x)[1]).all()
    x = rng.uniform(-2, 2, 50)
    assert second(rosenbrock)(x) == pytest.approx(
        rosenbrock_derivatives(x)[1], rel=1e-14, abs=1e-12
    )


def test_gradient_and_hessian_products_of_rosenbrocks_function():
    rng = np.random.default_rng(2)
    x, v = rng.integers(-16, 17, 50) / 8, rng.integers(-4, 5, 50) / 2
    gradient, second = rosenbrock_derivatives(x)
    assert (grad(rosenbrock)(x) == gradient).all()
    assert (hvp(rosenbrock, x, v) == second @ v).all()
    value, same = value_and_grad(rosenbrock)(x)
    assert value == sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))
    assert (same == gradient).all()


def test_third_derivatives_as_jacobians_of_jacobians():
    f = lambda x: x[0] ** 3 * x[1] ** 2 + x[2] * x[0] * x[1]  # noqa: E731
    expected = np.zeros((3, 3, 3))
    a, b = 2.0, -3.0
    for where, what in {(0, 0, 0): 6 * b * b, (0, 0, 1): 12 * a * b, (0, 1, 1): 6 * a * a}.items():
        for i in itertools.permutations(where):
            expected[i] = what
    for i in itertools.permutations((0, 1, 2)):
        expected[i] = 1.0
    at = np.array([a, b, 5.0])
    for d1, d2, d3 in itertools.product([jacrev, jacfwd], repeat=3):
        assert (d1(d2(d3(f)))(at) == expected).all()


# -- random programs -------------------------------------------------------------------------------

# Steps that make a Value and say how it depends on others to any order.
SMOOTH_STEPS = ("op", "pown", "sum", "dot")


def replay(program: programs.Program, leaves: Sequence[Any], kinds: Sequence[str]) -> list[Any]:
    """The Values that the steps of these kinds make out of the leaves; what raises becomes a constant."""
    values = list(leaves)
    for step in program.steps:
        if step.kind in programs.MAKERS:
            try:
                made = (
                    programs._execute(step, values, pygrad.value)
                    if step.kind in kinds
                    else Value(0.5)
                )
            except (ArithmeticError, ValueError):
                made = Value(1.0)
            values.append(made if isinstance(made, Value) else Value(made))
    return values[len(leaves) :]


def path_weights(outputs: Sequence[Value], inputs: Sequence[Value]) -> tuple[np.ndarray, int]:
    """For each output and input the sum of |slope * slope * ...| over all paths, and how many nodes.

    Each way through the graph rounds a few times per node, so both ways agree within some eps * nodes
    times this. The weights are inf where products on the way might leave the range of doubles.
    """
    order: list[Value] = []
    seen = set(inputs)
    stack = list(outputs)
    while stack:
        node = stack.pop()
        missing = [child for child in node._children if child not in seen]
        if node not in seen and missing:
            stack += [node, *missing]
        elif node not in seen:
            seen.add(node)
            order.append(node)
    reach = 1e300 ** (1 / (len(order) + 1))
    weights = {v: np.eye(len(inputs))[i] for i, v in enumerate(inputs)}
    for node in order:
        total = np.zeros(len(inputs))
        for child, slope in zip(node._children, node.local_derivatives, strict=True):
            if slope != 0:
                below = weights.get(child, np.zeros(len(inputs)))
                size = abs(slope) if 1 / reach < abs(slope) < reach else math.inf
                total = total + np.where(below > 0, size * below, 0.0)
        weights[node] = total
    return np.array([weights[y] for y in outputs]), len(order) + 2


def numbers_of(program: programs.Program) -> list[float]:
    leaves = [data for data, _ in program.leaves]
    assume(all(math.isfinite(x) for x in leaves))
    return leaves


@given(programs.programs(), st.randoms(use_true_random=False))
@settings(max_examples=250, deadline=None)
def test_forward_is_reverse_on_random_programs(program, rng):
    """u . (J v) is (J' u) . v, and both Jacobians are the same, within what rounding allows."""
    leaves = numbers_of(program)
    kinds = (*SMOOTH_STEPS, "partials")
    f = lambda x: replay(program, x, kinds)  # noqa: E731
    reverse, forward = jacrev(f)(leaves), jacfwd(f)(leaves)
    with np.errstate(all="ignore"):
        inputs = [Value(x) for x in leaves]
        weights, count = path_weights(f(inputs), inputs)
        allowed = 4 * EPS * count * weights
        safe = np.isfinite(weights)
        assert (np.abs(np.array(reverse) - np.array(forward)) <= allowed)[safe].all()
        assume(safe.all())
        u = [rng.uniform(-1, 1) for _ in reverse]
        v = [rng.uniform(-1, 1) for _ in leaves]
        _, tangent = jvp(f, (leaves,), (v,))
        (cotangent,) = vjp(f, leaves)[1](u)
        assert abs(np.dot(u, tangent) - np.dot(cotangent, v)) <= 2 * np.sum(allowed)


@given(programs.programs())
@settings(max_examples=250, deadline=None)
def test_graphs_of_derivatives_have_the_numbers_of_plain_sweeps_bit_for_bit(program):
    """One table of rules, read as numbers and as nodes: backward(), gradients() and both transforms."""
    leaves = numbers_of(program)
    inputs = [Value(x) for x in leaves]
    y = replay(program, inputs, SMOOTH_STEPS)[-1]
    as_values = gradients(y, inputs)
    y.backward()
    numbers = [programs.exact(x.grad + 0.0) for x in inputs]
    assert [programs.exact(g.data + 0.0) for g in as_values] == numbers
    f = lambda x: replay(program, x, SMOOTH_STEPS)[-1]  # noqa: E731
    assert [programs.exact(g + 0.0) for g in grad(f)(leaves)] == numbers
    by_value = grad(f)([Value(x) for x in leaves])
    assert [programs.exact(g.data + 0.0) for g in by_value] == numbers


@given(programs.programs())
@settings(max_examples=60, deadline=None)
def test_second_derivatives_of_random_programs_agree_and_are_symmetric(program):
    """Each way of taking them, within what rounding allows; and Hessian products are products."""
    leaves = numbers_of(program)
    n = len(leaves)
    f = lambda x: replay(program, x, SMOOTH_STEPS)[-1]  # noqa: E731
    with np.errstate(all="ignore"):
        inputs = [Value(x) for x in leaves]
        weights, count = path_weights(gradients(f(inputs), inputs), inputs)
        first, _ = path_weights([f(inputs)], inputs)
        assume(np.isfinite(weights).all() and weights.max() < 1e150 and first.max() < 1e150)
        # The graph of the gradient has rounded numbers in it, so slopes of slopes are off by as much.
        allowed = 64 * EPS * count * (weights + weights.T + first.max()) + 1e-300
        matrices = [np.array(second(f)(leaves)).reshape(n, n) for second in SECOND.values()]
        for matrix in matrices:
            assume(np.isfinite(matrix).all())
            assert (np.abs(matrix - matrix.T) <= allowed).all()
            assert (np.abs(matrix - matrices[0]) <= allowed).all()
        v = [1.0 / (i + 2) for i in range(n)]
        assert (np.abs(np.array(hvp(f, leaves, v)) - matrices[0] @ v) <= allowed.sum(axis=1)).all()


# -- nesting ---------------------------------------------------------------------------------------


@every_pair
def test_perturbation_confusion_of_siskind_and_pearlmutter(outer, inner):
    """d/dx (x * d/dy (x + y)) is 1, not 2 (2005); further cases of theirs (2008)."""
    assert number(outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0)) == 1.0
    assert number(outer(lambda x: x * inner(lambda y: x * y)(2.0))(3.0)) == 6.0
    assert number(outer(lambda x: inner(lambda y: x * y * y)(3.0))(5.0)) == 6.0
    assert number(outer(lambda x: inner(lambda y: x * x * y)(x))(5.0)) == 10.0
    assert number(outer(lambda x: inner(lambda y: y * y * y)(x * x))(2.0)) == 96.0


@every_pair
def test_the_same_function_at_both_levels(outer, inner):
    cube = lambda x: x * x * x  # noqa: E731
    assert number(outer(inner(cube))(2.0)) == 12.0
    assert number(outer(lambda x: inner(cube)(x) * cube(x))(2.0)) == 12 * 8 + 12 * 12
    assert number(outer(lambda x: inner(cube)(2.0) * x)(5.0)) == 12.0
    assert number(outer(lambda x: inner(lambda y: cube(y))(x) - inner(cube)(x))(2.0)) == 0.0


@every_pair
def test_the_amazing_bug_of_curried_functions(outer, inner):
    """Manzyuk et al. (2019): the operator d/du f(x + u) at u = 0, applied twice."""
    shifted = lambda f, d: lambda x: d(lambda u: f(x + u))(0.0)  # noqa: E731
    assert number(shifted(shifted(pm.exp, inner), outer)(1.0)) == math.e
    assert number(shifted(shifted(lambda x: x**3, inner), outer)(2.0)) == 12.0
    assert number(shifted(lambda x: x * shifted(lambda y: x * y, inner)(x), outer)(3.0)) == 6.0


@pytest.mark.parametrize(
    "ways", [*itertools.product(["grad", "jacfwd", "jvp"], repeat=3)], ids="-".join
)
def test_three_levels_that_refer_to_one_another(ways):
    """d/dx x d/dy (x y d/dz (x y z)**2 / 2 at z = y) at y = x, by hand: d/dx (x * 5 x**3 * x**3)."""
    d1, d2, d3 = (WAYS[way] for way in ways)

    def innermost(x, y):
        return d3(lambda z: 0.5 * (x * y * z) ** 2)(y)  # x**2 y**2 z = x**2 y**3

    def middle(x):
        return d2(lambda y: x * y * innermost(x, y))(x)  # d/dy x**3 y**4 = 4 x**6

    assert d1(lambda x: x * middle(x))(1.5) == pytest.approx(28 * 1.5**6, rel=1e-15)


@every_way
def test_a_function_that_ignores_its_input_has_derivative_zero(way):
    for constant in (lambda x: 3.0, lambda x: 7, lambda x: Value(2.0), lambda x: Value(2.0) * 3):
        found = way(constant)(1.0)
        assert number(found) == 0.0
        assert way is by_gradients or type(found) is float
        assert number(grad(way(constant))(1.0)) == 0.0
    ignores_one = lambda p: p["a"] * 2  # noqa: E731
    assert grad(ignores_one)({"a": 1.0, "b": 5.0}) == {"a": 2.0, "b": 0.0}
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0


@every_pair
def test_a_value_that_escapes_from_an_inner_transform_is_what_it_was(outer, inner):
    """A variable of the inner function that was kept has derivative 0 by the outer one's."""

    def f(x):
        kept = []

        def g(y):
            kept.append((y, x * y))
            return y * y

        inner(g)(3.0)
        y, product = kept[0]
        return y * x * x + product

    assert number(outer(f)(2.0)) == 3.0 * 4.0 + 3.0


def test_pullbacks_and_cotangents_nest():
    def f(x):
        _, pullback = vjp(lambda y: x * y * y, 3.0)
        return pullback(1.0)[0]  # 6 x

    def g(x):
        _, pullback = vjp(lambda y: y * y, 3.0)
        return pullback(x)[0]  # 6 x, by the cotangent alone

    def h(x):
        return jvp(lambda y: y * y, (3.0,), (x * x,))[1]  # 6 x**2, by the tangent alone

    for way in (grad, jacfwd, by_jvp, by_vjp):
        assert way(f)(2.0) == way(g)(2.0) == 6.0
        assert way(h)(2.0) == 24.0
    kept = []
    grad(lambda x: (kept.append(vjp(lambda y: x * y, 5.0)[1]), x)[1])(2.0)
    assert number(kept[0](1.0)[0]) == 2.0  # after the outer one is done, too


def test_bilevel_optimisation_differentiates_through_the_solver():
    """min over w of (w - a)**2 + w**2 is w = a / 2; gradient descent for it, inside a loss of a."""

    def solve(a, steps=60):
        w = 0.0
        for _ in range(steps):
            w = w - 0.3 * grad(lambda w: (w - a) ** 2 + w * w)(w)
        return w

    loss = lambda a: (solve(a) - 3.0) ** 2  # noqa: E731
    assert grad(loss)(2.0) == pytest.approx(2 * (1.0 - 3.0) * 0.5, rel=1e-12)
    assert grad(grad(loss))(2.0) == pytest.approx(0.5, rel=1e-12)


def test_hvp_is_the_derivative_of_the_gradient_along_a_direction():
    f = lambda x: pm.exp(x[0] * x[1]) + x[1] * x[2] ** 3  # noqa: E731
    x, v = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -0.5])
    assert hvp(f, x, v) == pytest.approx(hessian(f)(x) @ v, rel=1e-14)
    assert hvp(f, list(x), list(v)) == pytest.approx(list(hessian(f)(x) @ v), rel=1e-14)
    assert hvp(lambda t: t**3, 2.0, 5.0) == 60.0
    over = jacrev(lambda x: hvp(f, x, v))(x)  # third derivatives, contracted once
    assert over == pytest.approx(over.T, rel=1e-13)


# -- arguments and results -----------------------------------------------------------------------------


class Parameters(NamedTuple):
    w: Any
    b: Any


def test_argnums():
    f = lambda a, b, c: a * b**2 * c**3  # noqa: E731
    at = (2.0, 3.0, 5.0)
    by_a, by_b, by_c = 9.0 * 125.0, 2.0 * 6.0 * 125.0, 2.0 * 9.0 * 75.0
    assert grad(f)(*at) == by_a
    assert [grad(f, argnums=i)(*at) for i in (1, 2, -1, -3)] == [by_b, by_c, by_c, by_a]
    assert grad(f, argnums=(2, 0))(*at) == (by_c, by_a)
    assert grad(f, argnums=[1])(*at) == (by_b,)
    assert grad(f, (0, -1))(*at) == (by_a, by_c)
    assert value_and_grad(f, (1,))(*at) == (2250.0, (by_b,))
    assert jacfwd(f, argnums=(0, 1))(*at) == jacrev(f, argnums=(0, 1))(*at) == (by_a, by_b)
    assert hessian(f, argnums=-1)(*at) == 2.0 * 9.0 * 6.0 * 5.0
    second = hessian(f, argnums=(0, 1))(*at)
    assert second == ((0.0, 6.0 * 125.0), (6.0 * 125.0, 2.0 * 2.0 * 125.0))


@pytest.mark.parametrize(
    ("argnums", "error", "words"),
    [
        (3, TypeError, "3 positional"),
        (-4, TypeError, "3 positional"),
        ((0, 0), ValueError, "twice"),
        ((0, -3), ValueError, "twice"),
        ((), ValueError, "empty"),
        (1.0, TypeError, "argnums|iterable"),
        ("x", TypeError, "argnums"),
        (True, TypeError, "argnums"),
    ],
)
def test_wrong_argnums_are_errors(argnums, error, words):
    with pytest.raises(error, match=words):
        grad(lambda a, b, c: a * b * c, argnums)(1.0, 2.0, 3.0)


def test_keyword_arguments_are_passed_on_and_other_arguments_are_left_alone():
    def f(x, name, *, scale=1.0):
        assert name == "name"
        assert type(scale) in (int, float)
        return x * scale

    assert grad(f)(2.0, "name", scale=3) == 3.0
    assert hessian(f)(2.0, "name", scale=3) == 0.0
    assert jvp(lambda x: f(x, "name"), (2.0,), (1.0,)) == (2.0, 1.0)
    with pytest.raises(TypeError, match="position"):
        grad(f)(x=2.0, name="name")


def test_has_aux():
    f = lambda x: (x[0] * x[1], {"doubled": x[0] * 2, "text": "kept", "n": 3})  # noqa: E731
    aux = {"doubled": 4.0, "text": "kept", "n": 3}
    assert grad(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    assert value_and_grad(f, has_aux=True)([2.0, 3.0]) == ((6.0, aux), [3.0, 2.0])
    assert jacrev(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    assert jacfwd(f, has_aux=True)([2.0, 3.0]) == ([3.0, 2.0], aux)
    value, pullback, found = vjp(f, [2.0, 3.0], has_aux=True)
    assert (value, pullback(1.0), found) == (6.0, ([3.0, 2.0],), aux)
    assert hessian(f, has_aux=True)([2.0, 3.0]) == ([[0.0, 1.0], [1.0, 0.0]], aux)
    for transform in (grad, value_and_grad, jacrev, jacfwd):
        with pytest.raises(TypeError, match="has_aux"):
            transform(lambda x: x, has_aux=True)(1.0)


def test_whatever_is_a_real_number_is_accepted():
    square = lambda x: x * x  # noqa: E731
    for x in (
        3,
        3.0,
        np.float64(3),
        np.float32(3),
        np.int8(3),
        np.array(3.0),
        np.array(3),
        Fraction(3),
    ):
        for found in (grad(square)(x), jacfwd(square)(x), value_and_grad(square)(x)[1]):
            assert type(found) is float and found == 6.0
        assert hessian(square)(x) == 2.0
    assert grad(square)(True) == 2.0
    assert jvp(square, (3,), (np.int64(2),)) == (9.0, 12.0)
    assert grad(lambda x: x[0] ** 2 * x[1])(np.array([2, 3])).tolist() == [12.0, 4.0]
    assert grad(lambda x: x[0] ** 2)(np.array([True, False])).tolist() == [2.0, 0.0]
    found = grad(lambda x: x[0] ** 2 * x[1])(np.array([2, 3], dtype=np.float32))
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    "bad", ["2.0", None, 1j, b"x", [1.0, "a"], {"a": None}, np.array([1j]), np.array(["a"]), {1.0}]
)
def test_what_is_no_number_is_an_error(bad):
    for transform in (grad, jacrev, jacfwd, hessian):
        with pytest.raises(TypeError, match="number"):
            transform(lambda x: 1.0)(bad)
    with pytest.raises(TypeError, match="number"):
        vjp(lambda x: x, bad)


def test_structures_come_back_as_they_went_in():
    point = {
        "z": 2.0,
        "list": [3.0, (4.0, 5)],
        "named": Parameters(np.array([[1.0, 2.0], [3.0, 4.0]]), 6.0),
        "a": np.array([7.0]),
    }

    def f(p):
        assert [*p] == ["z", "list", "named", "a"]
        assert type(p["named"]) is Parameters and p["named"].w.shape == (2, 2)
        assert isinstance(p["z"], Value) and p["named"].w.dtype == object
        total = p["z"] * p["list"][0] * p["list"][1][0] * p["list"][1][1]
        return total + (p["named"].w ** 2).sum() * p["named"].b + p["a"][0]

    found = grad(f)(point)
    assert [*found] == ["z", "list", "named", "a"]
    assert (found["z"], found["list"]) == (60.0, [40.0, (30.0, 24.0)])
    assert type(found["named"]) is Parameters
    assert found["named"].w.tolist() == [[12.0, 24.0], [36.0, 48.0]]
    assert found["named"].b == 30.0
    assert found["a"].tolist() == [1.0]
    assert point["list"] == [3.0, (4.0, 5)]  # left as it was
    value, tangent = jvp(f, (point,), (found,))
    _, pullback = vjp(f, point)
    (same,) = pullback(1.0)
    assert same["list"] == found["list"] and same["named"].b == found["named"].b
    squares = [60, 40, 30, 24, 12, 24, 36, 48, 30, 1]
    assert tangent == sum(x * x for x in squares)
    assert value == 2 * 3 * 4 * 5 + 30 * 6 + 7


def test_empty_structures():
    assert grad(lambda x: 1.0)([]) == []
    assert grad(lambda x: 1.0)({}) == {}
    assert grad(lambda x: 1.0)(np.zeros((0,))).shape == (0,)
    assert jacrev(lambda x: [])(1.0) == jacfwd(lambda x: [])(1.0) == []
    assert hessian(lambda x: 1.0)(np.zeros((0,))).shape == (0, 0)
    assert jacfwd(lambda x: x)(np.zeros((0,))).shape == (0, 0)


def test_object_arrays_and_values_inside_structures_give_values():
    a, b = Value(2.0), Value(3.0)
    at = np.array([a, b], dtype=object)
    found = grad(lambda x: x[0] ** 2 * x[1])(at)
    assert found.dtype == object and [v.data for v in found] == [12.0, 4.0]
    found[0].backward()
    assert (a.grad, b.grad) == (6.0, 4.0)
    mixed = grad(lambda x: x["a"] * x["b"])({"a": a, "b": 5.0})
    assert all(isinstance(v, Value) for v in mixed.values())
    assert gradients(mixed["b"], a).data == 1.0
    second = hessian(lambda x: x[0] ** 2 * x[1])(at)
    assert second.shape == (2, 2) and [[v.data for v in row] for row in second] == [
        [6.0, 4.0],
        [4.0, 0.0],
    ]
    assert grad(lambda x: x[0])(np.array([1, 2.5], dtype=object)).dtype == np.float64


def test_results_are_new_float64_arrays_at_each_call():
    x = np.array([1.0, 2.0])
    constant = np.array([5.0, 6.0])
    for f, transform in [
        (lambda v: v[0] * v[1], grad),
        (lambda v: v * v, jacrev),
        (lambda v: v * v, jacfwd),
        (lambda v: constant, jacrev),
        (lambda v: v[0] * v[1], hessian),
    ]:
        first, second = transform(f)(x), transform(f)(x)
        assert first.dtype == np.float64 and first.flags.owndata | (first.base is not None)
        assert not np.shares_memory(first, second) and not np.shares_memory(first, x)
        assert first.flags.writeable
        kept = second.copy()
        first[:] = -1.0
        assert (transform(f)(x) == kept).all()
    value, _ = jvp(lambda v: constant, (x,), (x,))
    assert not np.shares_memory(value, constant)
    same, tangent = jvp(lambda v: v, (x,), (x,))
    assert not np.shares_memory(same, x) and not np.shares_memory(tangent, x)


def test_more_than_one_output_is_an_error_that_names_jacobian():
    for f in (lambda x: [x, x], lambda x: (x,), lambda x: {"a": x}, lambda x: x * np.ones(2)):
        for transform in (grad, value_and_grad):
            with pytest.raises(TypeError, match="jacobian"):
                transform(f)(2.0)
        assert jacrev(f)(2.0) is not None
    assert grad(lambda x: np.array(x * 2, dtype=object))(1.0) == 2.0  # of dimension 0: one number


@pytest.mark.parametrize("result", [None, "text", lambda: 1.0, 1j, object()])
def test_a_result_that_is_no_number_is_an_error_that_names_the_function(result):
    def model(x):
        return result

    for transform in (grad, jacrev, jacfwd, hessian):
        with pytest.raises(TypeError, match="model"):
            transform(model)(1.0)
    with pytest.raises(TypeError, match="model"):
        jvp(model, (1.0,), (1.0,))
    with pytest.raises(TypeError, match="model"):
        vjp(model, 1.0)


def test_tangents_and_cotangents_that_do_not_match_are_errors():
    f = lambda x, y: [x * y[0], y[1]]  # noqa: E731
    with pytest.raises(ValueError, match="tangents"):
        jvp(f, (1.0, [2.0, 3.0]), (1.0, [2.0]))
    with pytest.raises(ValueError, match="tangents"):
        jvp(f, (1.0, [2.0, 3.0]), (1.0,))
    with pytest.raises(TypeError, match="tuple"):
        jvp(f, 1.0, 1.0)
    _, pullback = vjp(f, 1.0, [2.0, 3.0])
    with pytest.raises(ValueError, match="cotangent"):
        pullback(1.0)
    with pytest.raises(ValueError, match="cotangent"):
        pullback([1.0, [1.0]])
    with pytest.raises(ValueError, match="tangents"):
        jvp(lambda x: x, (np.ones(3),), (np.ones(4),))
    with pytest.raises(TypeError, match="function"):
        grad(2.0)
    with pytest.raises(TypeError, match="function"):
        jvp(2.0, (1.0,), (1.0,))


Layout = collections.namedtuple("Layout", "w b")
ARRAY = np.array
LAYOUTS: dict[str, tuple[str, Function, Any, Any]] = {
    "dict": (
        "grad",
        lambda p: p["b"] * p["a"] ** 2,
        {"b": 3.0, "a": 2.0},
        {"b": 4.0, "a": 12.0},
    ),
    "named tuple": (
        "grad",
        lambda p: p.w[0] * p.w[1] * p.b,
        Layout(ARRAY([2.0, 3.0]), 4.0),
        Layout(ARRAY([12.0, 8.0]), 6.0),
    ),
    "nested tuple": (
        "grad",
        lambda p: p[0] * p[1][0] * p[1][1],
        (2.0, (3.0, 4.0)),
        (12.0, (8.0, 6.0)),
    ),
    "dict to list": (
        "jacrev",
        lambda p: [p["a"] * p["b"], p["a"]],
        {"a": 2.0, "b": 3.0},
        [{"a": 3.0, "b": 2.0}, {"a": 1.0, "b": 0.0}],
    ),
    "list to dict": (
        "jacrev",
        lambda x: {"s": x[0] + x[1], "p": x[0] * x[1]},
        [2.0, 3.0],
        {"s": [1.0, 1.0], "p": [3.0, 2.0]},
    ),
    "array to array": (
        "jacrev",
        lambda x: x * x[0],
        ARRAY([2.0, 3.0]),
        ARRAY([[4.0, 0.0], [3.0, 2.0]]),
    ),
    "array to array and number": (
        "jacfwd",
        lambda x: [x * x, x[0]],
        ARRAY([2.0, 3.0]),
        [ARRAY([[4.0, 0.0], [0.0, 6.0]]), ARRAY([1.0, 0.0])],
    ),
    "array to nested tuple": (
        "jacrev",
        lambda x: ((x[0], x[1]), x[0] * x[1]),
        ARRAY([2.0, 3.0]),
        ((ARRAY([1.0, 0.0]), ARRAY([0.0, 1.0])), ARRAY([3.0, 2.0])),
    ),
    "array and number to array": (
        "jacfwd",
        lambda p: p["w"] * p["b"],
        {"w": ARRAY([2.0, 3.0]), "b": 4.0},
        {"w": ARRAY([[4.0, 0.0], [0.0, 4.0]]), "b": ARRAY([2.0, 3.0])},
    ),
    "matrix to row": (
        "jacrev",
        lambda x: x[0] * x[1],
        ARRAY([[2.0, 3.0], [4.0, 5.0]]),
        ARRAY([[[4.0, 0.0], [2.0, 0.0]], [[0.0, 5.0], [0.0, 3.0]]]),
    ),
    "number to array": (
        "jacfwd",
        lambda t: t * ARRAY([1.0, 2.0]),
        3.0,
        ARRAY([1.0, 2.0]),
    ),
    "list to list": (
        "jacfwd",
        lambda x: [x[0] * x[1], x[0]],
        [2.0, 3.0],
        [[3.0, 2.0], [1.0, 0.0]],
    ),
    "hessian of dict": (
        "hessian",
        lambda p: p["a"] ** 2 * p["b"],
        {"a": 2.0, "b": 3.0},
        {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}},
    ),
    "hessian of list": (
        "hessian",
        lambda p: p[0] ** 2 * p[1],
        [2.0, 3.0],
        [[6.0, 4.0], [4.0, 0.0]],
    ),
    "hessian of matrix": (
        "hessian",
        lambda x: x[0, 0] * x[0, 1] ** 2,
        ARRAY([[2.0, 3.0]]),
        ARRAY([[[[0.0, 6.0]], [[6.0, 4.0]]]]),
    ),
    "hessian of named tuple": (
        "hessian",
        lambda p: p.w[0] * p.w[1] * p.b,
        Layout(ARRAY([2.0, 3.0]), 4.0),
        Layout(
            Layout(ARRAY([[0.0, 4.0], [4.0, 0.0]]), ARRAY([3.0, 2.0])),
            Layout(ARRAY([3.0, 2.0]), 0.0),
        ),
    ),
    "hessian of number": ("hessian", lambda x: x**3, 2.0, 12.0),
}


def described(tree: Any) -> Any:
    """A tree with the shape and the numbers of each array, and its containers as they are."""
    if isinstance(tree, dict):
        return {name: described(part) for name, part in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(described, tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(described, tree))
    return np.shape(tree), np.asarray(tree).tolist()


@pytest.mark.parametrize(("transform", "f", "at", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_structures_of_results(transform, f, at, expected):
    assert described(getattr(pygrad, transform)(f)(at)) == described(expected)


@pytest.fixture
def jax():
    """JAX with float64, where it is installed; it takes seconds to get going."""
    module = pytest.importorskip("jax")
    module.config.update("jax_enable_x64", True)
    return module


@pytest.mark.long
@pytest.mark.parametrize(("transform", "f", "at", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_structures_of_results_are_jaxs(jax, transform, f, at, expected):
    theirs = getattr(jax, transform)(f)(jax.tree.map(jax.numpy.asarray, at))
    assert described(expected) == described(theirs)


@pytest.mark.long
@pytest.mark.parametrize("argnums", [0, -1, (0,), (0, 1), (1, 0)])
@pytest.mark.parametrize("transform", ["grad", "jacrev", "jacfwd", "hessian"])
def test_structures_by_argnums_are_jaxs(jax, transform, argnums):
    f = lambda x, y: x["a"] ** 2 * y[0] * y[1]  # noqa: E731
    at = ({"a": 2.0}, np.array([3.0, 5.0]))
    theirs = getattr(jax, transform)(f, argnums=argnums)(*at)
    assert described(getattr(pygrad, transform)(f, argnums=argnums)(*at)) == described(theirs)


@pytest.mark.long
def test_products_on_structures_are_jaxs(jax):
    f = lambda x, y: {"p": x["a"] * y, "q": (y[0],)}  # noqa: E731
    at = ({"a": 2.0}, np.array([3.0, 5.0]))
    along = ({"a": 1.0}, np.array([0.5, -1.0]))
    assert described(jvp(f, at, along)) == described(jax.jvp(f, at, along))
    back = {"p": np.array([1.0, 2.0]), "q": (3.0,)}
    ours, theirs = vjp(f, *at), jax.vjp(f, *at)
    assert described(ours[0]) == described(theirs[0])
    assert described(ours[1](back)) == described(theirs[1](jax.tree.map(jax.numpy.asarray, back)))


@pytest.mark.long
def test_the_jacobian_is_jaxs(jax):
    jnp = jax.numpy

    def same_map(x):
        a = jnp.exp(x[0] * x[1]) - x[2] ** 3 / (1 + x[3] ** 2)
        b = (x[0] * jnp.sin(x[2]) + x[1] * jnp.cos(x[3]) + x[4] * a) * jnp.arctan2(x[1], x[4])
        c = jnp.hypot(x[2], x[3]) + jnp.tanh(x[0] - x[4]) + a * b + x[1] ** 2.5 + abs(x[2])
        return jnp.stack([a, b, c])

    at = jnp.asarray(AT_FIVE)
    assert jacrev(mixed_map)(AT_FIVE) == pytest.approx(
        np.asarray(jax.jacrev(same_map)(at)), rel=1e-13
    )
    for i in range(3):
        second = np.asarray(jax.hessian(lambda x: same_map(x)[i])(at))
        ours = hessian(lambda x: mixed_map(x)[i])(AT_FIVE)
        assert ours == pytest.approx(second, rel=1e-12, abs=1e-14)


def test_a_flat_list_from_an_array_makes_one_matrix():
    """Not as JAX has it, which would give a list of rows."""
    at = np.array([2.0, 3.0])
    for f in (lambda x: [x[0] * x[1], x[0]], lambda x: (x[0] * x[1], x[0])):
        for transform in (jacrev, jacfwd):
            found = transform(f)(at)
            assert isinstance(found, np.ndarray) and found.tolist() == [[3.0, 2.0], [1.0, 0.0]]
    assert jacrev(lambda x: [x[0] * x[1]])([2.0, 3.0]) == [[3.0, 2.0]]  # from a list: lists


# -- the user's function -------------------------------------------------------------------------------


def test_changed_closure_state_is_seen_at_each_call():
    state = {"k": 1.0}
    slope = grad(lambda x: state["k"] * x)
    second = hessian(lambda x: state["k"] * x * x)
    assert (slope(1.0), second(1.0)) == (1.0, 2.0)
    state["k"] = 5.0
    assert (slope(1.0), second(1.0)) == (5.0, 10.0)
    w = Value(2.0)
    slope = grad(lambda x: w * x)
    assert slope(1.0) == 2.0
    w.data = 7.0
    assert slope(1.0) == 7.0


def test_data_may_be_read_inside():
    seen = []

    def f(x):
        seen.append(x.data)
        return x * x if x.data > 0 and x > 0 else -x

    assert [grad(f)(3.0), grad(f)(-3.0), hessian(f)(3.0)] == [6.0, -1.0, 2.0]
    assert seen == [3.0, -3.0, 3.0]
    assert grad(lambda x: x * float(x.data))(3.0) == 3.0  # a detached number


class Unlucky(Exception):
    pass


TRANSFORMS: dict[str, Function] = {
    "grad": lambda f: grad(f)(2.0),
    "value_and_grad": lambda f: value_and_grad(f)(2.0),
    "jvp": lambda f: jvp(f, (2.0,), (1.0,)),
    "vjp": lambda f: vjp(f, 2.0)[1](1.0),
    "jacrev": lambda f: jacrev(f)(2.0),
    "jacfwd": lambda f: jacfwd(f)(2.0),
    "hessian": lambda f: hessian(f)(2.0),
    "hvp": lambda f: hvp(f, 2.0, 1.0),
    "third": lambda f: grad(jacfwd(jacrev(f)))(2.0),
    "of an array": lambda f: jacobian(lambda x: [f(x[0]), f(x[1])])(np.array([2.0, 3.0])),
}
every_transform = pytest.mark.parametrize("apply", TRANSFORMS.values(), ids=TRANSFORMS)


@every_transform
def test_exceptions_of_the_function_come_through_and_leave_nothing_behind(apply):
    gc.collect()
    start = lib.pg_live_nodes()
    error = Unlucky("as it is")

    def fails(x):
        y = x * x + pm.exp(x)
        if y > 0:
            raise error
        return y

    with pytest.raises(Unlucky) as caught:
        apply(fails)
    assert caught.value is error and caught.value.__cause__ is None
    with pytest.raises(ZeroDivisionError):
        apply(lambda x: 1.0 / (x - x))
    with pytest.raises(ValueError, match="math domain error"):
        apply(lambda x: (x - x - 1.0).log())
    error.__traceback__ = None
    del caught
    gc.collect()
    assert lib.pg_live_nodes() == start
    assert grad(lambda x: x**3)(2.0) == 12.0


@every_transform
def test_no_node_is_left_after_a_transform(apply):
    gc.collect()
    start = lib.pg_live_nodes()
    for _ in range(20):
        apply(lambda x: pm.tanh(x * x) / (1 + pygrad.dot([x, x], [2.0, x])))
    assert lib.pg_live_nodes() == start  # by reference counts alone


@every_transform
def test_captured_values_keep_their_grads(apply):
    w, b = Value(3.0), Value(0.5)
    w.grad, b.grad = 5.0, -1.0
    inner = w * b
    inner.grad = 2.0
    apply(lambda x: (w * x + inner).tanh() * x)
    assert [(v.grad, type(v.grad)) for v in (w, b, inner)] == [
        (5.0, float),
        (-1.0, float),
        (2.0, float),
    ]
    found = grad(lambda x: w * x * x)(2.0)
    assert type(found) is float and found == 12.0  # a Value that is captured makes no Value of it


@every_transform
def test_transforms_work_within_no_grad(apply):
    f = lambda x: pm.exp(x) * x / (2 + x * x)  # noqa: E731
    expected = apply(f)
    with no_grad():
        found = apply(f)
        assert (Value(2.0) * 3.0)._children == ()  # it still holds
    assert np.array_equal(np.asarray(found, dtype=object), np.asarray(expected, dtype=object))


def test_no_grad_inside_the_function_makes_constants():
    def f(x):
        with no_grad():
            factor = x * 2.0
        return factor * x

    assert grad(f)(3.0) == jacfwd(f)(3.0) == 6.0
    assert grad(pygrad.no_grad()(lambda x: x * x))(3.0) == 0.0


def test_values_given_within_no_grad_lead_to_values_that_remember_nothing():
    x = Value(3.0)
    with no_grad():
        found = grad(lambda v: v * v)(x)
    assert isinstance(found, Value) and (found.data, found._children) == (6.0, ())


def test_given_values_lead_to_values_that_depend_on_them():
    x = Value(2.0)
    found = grad(lambda v: v**3)(x)
    assert isinstance(found, Value) and found.data == 12.0
    found.backward()
    assert x.grad == 12.0
    value, slope = value_and_grad(lambda v: v**3)(x)
    assert gradients(value, x).data == 12.0 and gradients(slope, x).data == 12.0
    tangent = jvp(lambda v: v * v, (3.0,), (x,))[1]
    assert isinstance(tangent, Value) and gradients(tangent, x).data == 6.0


def test_transforms_in_16_threads():
    def work(i: int) -> Any:
        x = 0.1 * (i + 1)
        found = []
        for _ in range(15):
            found = [
                grad(lambda a: a * jacfwd(lambda b: pm.sin(a * b))(x))(x),
                hessian(lambda v: pm.exp(v[0] * v[1]) + rosenbrock(v))(
                    np.array([x, 1.0, -x])
                ).tolist(),
                hvp(rosenbrock, [x, 2.0], [1.0, x]),
            ]
        return found

    expected = [work(i) for i in range(16)]
    results: list[Any] = [None] * 16
    start = threading.Barrier(16)

    def run(i: int) -> None:
        start.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == expected


def test_a_transform_inside_a_closure_of_a_sweep():
    x = Value(2.0)
    doubled = x * 2.0
    node = Value(doubled.data**3, (doubled,), "cube")

    def rule() -> None:
        doubled.grad += grad(lambda v: v**3)(doubled.data) * node.grad
        assert hessian(lambda v: v**3)(doubled.data) == 24.0
        assert (
            grad(lambda v: v * x * doubled.data)(1.0) == 8.0
        )  # a leaf of the sweep is for reading
        for inner_node in (
            lambda: gradients(doubled * x, x),
            lambda: grad(lambda v: v * doubled)(1.0),
        ):
            with pytest.raises(RuntimeError, match="still running"):
                inner_node()

    node._backward = rule
    (node * 1.0).backward()
    assert (doubled.grad, x.grad) == (48.0, 96.0)


# -- gradients() and create_graph ----------------------------------------------------------------------


def test_gradients_leave_grads_alone_and_keep_the_structure():
    x, y = Value(2.0), Value(3.0)
    z = x * y + x**2
    x.grad, z.grad = 7.0, 8.0
    found = gradients(z, {"x": x, "rest": [y, (x,)]})
    assert {k: v for k, v in found.items() if k == "x"}["x"].data == 7.0
    assert found["rest"][0].data == 2.0 and found["rest"][1][0].data == 7.0
    assert (x.grad, y.grad, z.grad) == (7.0, 0.0, 8.0)
    array = gradients(z, np.array([x, y]))
    assert array.dtype == object and [v.data for v in array] == [7.0, 2.0]


def test_gradients_by_inner_nodes_are_total_derivatives():
    x = Value(3.0)
    p = x * x
    q = p * x
    y = p * q + x
    by_p, by_q, by_x = gradients(y, [p, q, x])
    # by p: q + p * dq/dp; by x: d/dx (x**5 + x)
    assert (by_p.data, by_q.data, by_x.data) == (27.0 + 9.0 * 3.0, 9.0, 5 * 81.0 + 1.0)
    assert [g.data for g in gradients(y, [x, p])] == [406.0, 54.0]
    assert gradients(p, [p, x, p])[0].data == 1.0
    assert gradients(x, x).data == 1.0
    assert gradients(by_x, x).data == 20 * 27.0
    assert gradients(by_p, x).data == 6 * 9.0  # 2 x**3 as a function of x
    assert gradients(p, [q, Value(1.0)])[0].data == 0.0  # nothing depends on it


def test_gradients_of_the_same_input_twice():
    x = Value(3.0)
    first, second = gradients(x * x, [x, x])
    assert (first.data, second.data) == (6.0, 6.0)
    assert first is not second


@pytest.mark.parametrize(
    "call",
    [
        lambda x: gradients(x.data, x),
        lambda x: gradients(x, x.data),
        lambda x: gradients(x, [x, 1.0]),
        lambda x: gradients([x, x], x),
    ],
)
def test_gradients_are_for_values_only(call):
    with pytest.raises(TypeError, match="Value"):
        call(Value(1.0))


def test_backward_with_a_graph():
    x, y = Value(2.0), Value(3.0)
    p = x * y
    z = p * x
    z.backward(create_graph=True)
    assert isinstance(x.grad, Value) and isinstance(y.grad, Value) and isinstance(p.grad, Value)
    assert (x.grad.data, y.grad.data, p.grad.data) == (12.0, 4.0, 2.0)
    assert z.grad == 1.0
    by_x = x.grad  # 2 x y
    assert [g.data for g in gradients(by_x, [x, y])] == [6.0, 4.0]
    assert gradients(y.grad, x).data == 4.0
    assert gradients(gradients(by_x, x), y).data == 2.0


def test_backward_with_a_graph_accumulates_on_leaves():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward(create_graph=True)
    assert x.grad.data == 16.0
    assert gradients(x.grad, x).data == 12.0 + 2.0  # of both
    x.grad = 10.0
    (x**2).backward(create_graph=True)
    assert x.grad.data == 14.0
    (x**2).backward()
    assert type(x.grad) is float and x.grad == 18.0
    y = x * 1.0
    for _ in range(2):
        (y * y).backward(create_graph=True)
        assert y.grad.data == 4.0  # an inner node shows the last sweep's


def test_a_sweep_with_numbers_or_zero_grad_ends_grads_that_are_values():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    slope = x.grad
    zero_grad([x])
    assert type(x.grad) is float and x.grad == 0.0
    slope.backward()
    assert type(x.grad) is float and x.grad == 12.0
    (x**3).backward(create_graph=True)
    assert isinstance(x.grad, Value) and x.grad.data == 24.0
    x.grad = 0.0
    assert type(x.grad) is float
    y = x**3
    y.backward(create_graph=True)
    zero_grad(y)
    assert type(x.grad) is float and type(y.grad) is float


def test_backward_with_a_graph_takes_a_seed_and_any_order():
    x = Value(2.0)
    (x**4).backward(0.5, create_graph=True)
    assert x.grad.data == 16.0
    orders = [x.grad]
    for _ in range(3):
        x.grad = 0.0
        orders[-1].backward(create_graph=True)
        orders.append(x.grad)
    assert [number(g) for g in orders] == [16.0, 24.0, 24.0, 12.0]


def test_graphs_of_grads_are_freed():
    gc.collect()
    start = lib.pg_live_nodes()
    for _ in range(5):
        x = Value(2.0)
        y = pm.tanh(x * x) * x
        y.backward(create_graph=True)
        x.grad.backward()
        gradients(gradients(y, x), x)
    del x, y
    gc.collect()
    assert lib.pg_live_nodes() == start


# -- nodes that state their own derivatives --------------------------------------------------------------


def numeric_square(x: Value) -> Value:
    return Value(x.data**2, (x,), (2 * x.data,), label="my square")


def closure_square(x: Value) -> Value:
    node = Value(x.data**2, (x,), "my square")

    def rule() -> None:
        x.grad += 2 * x.data * node.grad

    node._backward = rule
    return node


def square(x: Value) -> Value:
    return Value(x.data**2, (x,), (2 * x,))


def cube(x: Value) -> Value:
    return Value(x.data**3, (x,), (3 * square(x),))


def test_numeric_partials_differentiate_once_and_are_named_beyond():
    assert grad(lambda x: numeric_square(x) * x)(3.0) == 27.0
    assert jacfwd(lambda x: numeric_square(x) * x)(3.0) == 27.0
    for second in (hessian, lambda f: grad(grad(f)), lambda f: jacfwd(jacfwd(f))):
        with pytest.raises(TypeError, match=r"9\.0.*plain numbers.*local_grads"):
            second(lambda x: numeric_square(x) * x)(3.0)
    x = Value(3.0)
    y = numeric_square(x) * x
    with pytest.raises(TypeError, match=r"9\.0.*plain numbers"):
        gradients(y, x)
    with pytest.raises(TypeError, match=r"9\.0.*plain numbers"):
        y.backward(create_graph=True)
    assert type(x.grad) is float and x.grad == 0.0
    y.backward()
    assert x.grad == 27.0
    aside = Value(2.0)
    assert gradients(y * aside, aside).data == 27.0  # not on the way


def test_closures_differentiate_once_in_reverse_and_are_named_beyond():
    f = lambda x: closure_square(x) * x  # noqa: E731
    assert grad(f)(3.0) == 27.0
    assert by_vjp(f)(3.0) == 27.0
    for call in (lambda: hessian(f)(3.0), lambda: grad(grad(f))(3.0), lambda: jacfwd(f)(3.0)):
        with pytest.raises(TypeError, match=r"9\.0.*_backward"):
            call()
    x = Value(3.0)
    y = f(x)
    for call in (lambda: gradients(y, x), lambda: y.backward(create_graph=True)):
        with pytest.raises(TypeError, match=r"my square.*_backward"):
            call()
    assert x.grad == 0.0
    y.backward()
    assert x.grad == 27.0
    assert grad(lambda v: v * v)(3.0) == 6.0


@pytest.mark.parametrize(
    "ways", [*itertools.product(["grad", "jacfwd", "gradients"], repeat=3)], ids="-".join
)
def test_partials_that_are_values_differentiate_to_any_order(ways):
    for f, derivatives in [(square, [9.0, 6.0, 2.0, 0.0]), (cube, [27.0, 27.0, 18.0, 6.0])]:
        g = f
        assert number(f(Value(3.0))) == derivatives[0]
        for way, expected in zip(reversed(ways), derivatives[1:], strict=True):
            g = WAYS[way](g)
            assert number(g(3.0)) == expected
    mixed = lambda x: cube(x * 2.0) * square(x)  # noqa: E731  8 x**5
    assert hessian(mixed)(2.0) == 8 * 20 * 8.0


def test_partials_of_two_operands_that_refer_to_both():
    def times(x: Value, y: Value) -> Value:
        return Value(x.data * y.data, (x, y), (y, x))

    second = hessian(lambda v: times(v[0], times(v[1], v[0])))(np.array([2.0, 3.0]))
    assert second.tolist() == [[6.0, 4.0], [4.0, 0.0]]


def test_sums_and_dot_products_to_fourth_order_through_transforms():
    f = lambda x: pygrad.dot([x, x * x], [x * x, x], pygrad.sum([x**4, x]))  # noqa: E731
    g, expected = f, [2 * 27.0 + 81.0 + 3.0, 54.0 + 108.0 + 1.0, 36.0 + 108.0, 12.0 + 72.0, 24.0]
    assert number(f(Value(3.0))) == expected[0]
    for order, way in enumerate([grad, jacfwd, grad, jacfwd], 1):
        g = way(g)
        assert g(3.0) == expected[order]


# -- by hand ---------------------------------------------------------------------------------------------


def test_names_and_docs_are_the_functions():
    def model(x):
        """What it computes."""
        return x * x

    for transform in (grad, value_and_grad, jacrev, jacfwd, hessian):
        made = transform(model)
        assert made.__name__ == "model" and made.__doc__ == "What it computes."
