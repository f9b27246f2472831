"""The transforms against each other and closed forms: forward is reverse, and nesting is right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import programs
import pytest
from differentiable import (
    AT_FIVE,
    TRANSFORMS_OF_ONE,
    WAYS,
    Function,
    by_gradients,
    by_jvp,
    by_vjp,
    mixed_map,
    number,
    rosenbrock,
)
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
    value_and_grad,
    vjp,
)

EPS = 2.0**-52
PAIRS = [*itertools.product(TRANSFORMS_OF_ONE, WAYS), ("gradients", "gradients")]
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
every_pair = pytest.mark.parametrize(
    ("outer", "inner"),
    [(WAYS[a], WAYS[b]) for a, b in PAIRS],
    ids=[f"{a} over {b}" for a, b in PAIRS],
)


# -- one function, every mode ----------------------------------------------------------------------


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


# Where a program underflows to 0, a root of that has no second derivative: all ways say so, and agree.
@pytest.mark.filterwarnings("ignore::pygrad.SingularDerivativeWarning")
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
