"""What the seven lessons on derivatives and backpropagation show, with their numbers."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import pygrad
from pygrad import grad, hessian, jacfwd, jacobian, jacrev, jvp, numeric, vjp
from pygrad import math as pm

# -- 1. Local derivatives live on the edges ------------------------------------------------------


def test_each_node_of_the_first_graph_knows_value_parents_op_and_local_rule(impl):
    a, b = impl.Value(2.0, label="a"), impl.Value(-3.0, label="b")
    c = a * b
    d = a + b
    e = c + d
    assert [(v.data, v._op, v._children) for v in (c, d, e)] == [
        (-6.0, "*", (a, b)),
        (-1.0, "+", (a, b)),
        (-7.0, "+", (c, d)),
    ]
    assert c.local_derivatives == (-3.0, 2.0)
    assert d.local_derivatives == (1.0, 1.0)
    assert e.local_derivatives == (1.0, 1.0)


def test_forward_value_and_backward_influence_are_different_things(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    e = a * b + (a + b)
    assert a.grad == b.grad == 0.0  # the forward pass does not touch the influence
    e.backward()
    assert (a.data, a.grad) == (2.0, -2.0)
    assert (b.data, b.grad) == (-3.0, 3.0)
    assert (e.data, e.grad) == (-7.0, 1.0)


def test_local_derivatives_of_square_exp_and_log(impl):
    assert (impl.Value(2.0) ** 2).local_derivatives == (4.0,)
    assert (impl.Value(3.0) ** 2).local_derivatives == (6.0,)
    e = impl.Value(1.5).exp()
    assert e.local_derivatives == (e.data,)
    assert impl.Value(4.0).log().local_derivatives == (0.25,)
    for x in (0.0, -1.0):
        with pytest.raises(ValueError, match="math domain error"):
            impl.Value(x).log()


# -- 2. Nudge it --------------------------------------------------------------------------------


def test_a_nudge_of_a_straight_line_does_exactly_what_the_derivative_says(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    c = a * b
    before = c.data
    a.data += 0.001
    change = (a * b).data - before
    assert change == pytest.approx(-0.003, rel=1e-12, abs=0)
    assert c.local_derivatives[0] * 0.001 == -0.003


@pytest.mark.parametrize(("step", "predicted", "actual"), [(0.01, 0.04, 0.0401), (1.0, 4.0, 5.0)])
def test_on_a_curve_the_derivative_predicts_locally(impl, step, predicted, actual):
    x = impl.Value(2.0)
    y = x**2
    y.backward()
    assert x.grad * step == predicted
    change = (impl.Value(2.0 + step) ** 2).data - y.data
    assert change == pytest.approx(actual, rel=1e-12, abs=0)


# -- 3. Ten ops on one page ---------------------------------------------------------------------

TEN_OPS = [
    ("a + b", 2.0, (1.0, 1.0)),
    ("a - b", 5.0, (1.0, -1.0)),
    ("-a", 0.5, (-1.0,)),
    ("a * b", 1.0, (-2.5, -0.4)),
    ("a / b", 0.5, (0.5, -0.25)),
    ("a ** 3", 8.0, (12.0,)),
    ("a.exp()", 1.0, (1.0,)),
    ("a.log()", 0.0, (1.0,)),
    ("a.relu()", 3.0, (1.0,)),
    ("a.tanh()", 0.0, (1.0,)),
]
INPUTS = {
    "a + b": (5.0, -3.0),
    "a - b": (2.0, -3.0),
    "-a": (-0.5, 0.0),
    "a * b": (-0.4, -2.5),
    "a / b": (1.0, 2.0),
    "a ** 3": (2.0, 0.0),
    "a.exp()": (0.0, 0.0),
    "a.log()": (1.0, 0.0),
    "a.relu()": (3.0, 0.0),
    "a.tanh()": (0.0, 0.0),
}


@pytest.mark.parametrize(("text", "value", "slopes"), TEN_OPS, ids=[row[0] for row in TEN_OPS])
def test_ten_ops_with_forward_value_and_local_derivatives(impl, text, value, slopes):
    a, b = (impl.Value(x) for x in INPUTS[text])
    v = eval(text, {"a": a, "b": b})
    assert (v.data, v.local_derivatives) == (value, slopes)
    v.backward()
    assert (a.grad, b.grad)[: len(slopes)] == slopes


def test_contributions_accumulate(impl):
    a = impl.Value(3.0)
    b = a + a
    (b * a).backward()
    assert b.grad == 3.0
    assert a.grad == 2 * 3.0 + 6.0


def test_tanh_is_one_node(impl):
    x = impl.Value(0.5)
    v = x.tanh()
    assert (v._op, v._children) == ("tanh", (x,))
    assert v.data == math.tanh(0.5)
    assert v.local_derivatives[0] == pytest.approx(1 - v.data**2, rel=1e-15, abs=0)


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_slope_of_relu_at_zero_is_zero(impl, x):
    a = impl.Value(x)
    v = a.relu()
    v.backward()
    assert (v.local_derivatives, a.grad) == ((0.0,), 0.0)


def test_a_value_as_exponent_is_a_type_error(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    for attempt in (lambda: a**b, lambda: 2**b, lambda: a**a):
        with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
            attempt()


def test_the_neuron_of_the_lesson(impl):
    x1, x2 = impl.Value(2.0), impl.Value(0.0)
    w1, w2 = impl.Value(-3.0), impl.Value(1.0)
    b = impl.Value(6.8813735870195432)
    o = (x1 * w1 + x2 * w2 + b).tanh()
    o.backward()
    assert o.data == pytest.approx(math.sqrt(0.5), rel=1e-15, abs=0)
    grads = [v.grad for v in (x1, w1, x2, w2)]
    assert grads == pytest.approx([-1.5, 1.0, 0.5, 0.0], rel=1e-14, abs=0)


def test_xor_is_learned_by_a_small_mlp_with_tanh(impl):
    rng = random.Random(3)

    def layer(nin, nout):
        return [[impl.Value(rng.uniform(-1, 1)) for _ in range(nin + 1)] for _ in range(nout)]

    hidden, (output,) = layer(2, 4), layer(4, 1)
    parameters = [p for neuron in [*hidden, output] for p in neuron]

    def neuron(weights, inputs):
        *w, b = weights
        return sum((wi * xi for wi, xi in zip(w, inputs, strict=True)), b).tanh()

    def predict(x):
        return neuron(output, [neuron(h, x) for h in hidden])

    table = [((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1)]
    losses = []
    for _ in range(150):
        loss = sum((predict(x) - y) ** 2 for x, y in table)
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    assert losses[0] > 3.0
    assert losses[-1] < 0.05
    assert all((predict(x) > 0) == (y > 0) for x, y in table)


# -- 2, with pygrad.numeric ---------------------------------------------------------------------


def test_nudge_shows_prediction_actual_change_and_miss():
    line = numeric.nudge(lambda a: a * -3.0, 2.0, 0.001)
    assert line.prediction == -0.003
    assert line.actual == pytest.approx(-0.003, rel=1e-12, abs=0)
    for h, prediction, actual in ((0.01, 0.04, 0.0401), (1.0, 4.0, 5.0)):
        curve = numeric.nudge(lambda x: x**2, 2.0, h)
        assert curve.prediction == pytest.approx(prediction, rel=1e-15, abs=0)
        assert curve.actual == pytest.approx(actual, rel=1e-13, abs=0)
        assert curve.miss == pytest.approx(actual - prediction, rel=1e-10, abs=0)


# -- 4. Rise over run ---------------------------------------------------------------------------


def parabola(x):
    return 3 * x**2 - 4 * x + 5


def test_slopes_of_the_parabola_symbolic_beside_numeric():
    assert parabola(3.0) == 20.0
    for x, exact, numerical in (
        (3.0, 14.0, 14.000003),
        (-3.0, -22.0, -21.999997),
        (2 / 3, 0.0, 3e-6),
    ):
        assert grad(parabola)(x) == pytest.approx(exact, abs=1e-15)
        rise_over_run = (parabola(x + 1e-6) - parabola(x)) / 1e-6
        assert rise_over_run == pytest.approx(numerical, abs=5e-9)
        estimate = numeric.numerical_derivative(parabola, x, h=1e-6, method="forward")
        assert estimate == pytest.approx(numerical, abs=5e-9)


def test_bumping_one_input_at_a_time():
    def d(a, b, c):
        return a * b + c

    point = (2.0, -3.0, 10.0)
    assert grad(d, argnums=(0, 1, 2))(*point) == (-3.0, 2.0, 1.0)
    for i, slope in enumerate((-3.0, 2.0, 1.0)):
        bumped = [x + 1e-4 if k == i else x for k, x in enumerate(point)]
        assert (d(*bumped) - d(*point)) / 1e-4 == pytest.approx(slope, abs=1e-9)
        assert numeric.partial(d, point, i, h=1e-4) == pytest.approx(slope, abs=1e-9)


def test_a_step_below_the_resolution_of_x_gives_exactly_zero_and_says_why():
    estimate = numeric.numerical_derivative(parabola, 3.0, h=1e-17, method="forward")
    assert 3.0 + 1e-17 == 3.0
    assert estimate == 0.0
    assert "does not move x" in estimate.note


def test_secants_close_on_the_tangent():
    gaps = [
        abs(numeric.numerical_derivative(parabola, 3.0, h=h, method="forward") - 14.0)
        for h in (1, 0.1, 0.01)
    ]
    assert gaps == pytest.approx([3.0, 0.3, 0.03], rel=1e-9)


# -- 5. Computing derivatives numerically, well -------------------------------------------------


def test_halving_the_step_halves_the_forward_error_and_quarters_the_central_one():
    exact = grad(pm.exp)(1.0)
    for method, ratio in (("forward", 2.0), ("central", 4.0)):
        error = {
            h: abs(numeric.numerical_derivative(math.exp, 1.0, h=h, method=method) - exact)
            for h in (0.01, 0.005)
        }
        assert error[0.01] / error[0.005] == pytest.approx(ratio, rel=0.01)


def test_the_error_over_the_step_is_a_u_with_its_floor_near_the_cube_root_of_epsilon():
    sweep = numeric.step_sweep(pm.exp, 1.0)
    errors = [row.error for row in sweep]
    floor = errors.index(min(errors))
    assert 0 < floor < len(errors) - 1
    assert errors[0] > 1e5 * errors[floor] < errors[-1]
    assert 0.1 < sweep.best.h / (2.0**-52) ** (1 / 3) < 10
    assert sweep.best.error < 1e-9


RULES = [
    ("power", lambda x: x**5, lambda x: 5 * x**4),
    ("power, negative", lambda x: x**-2, lambda x: -2 * x**-3),
    ("power, real", lambda x: x**2.5, lambda x: 2.5 * x**1.5),
    ("sum", lambda x: x**2 + x**3, lambda x: 2 * x + 3 * x**2),
    ("constant multiple", lambda x: 7 * x**2, lambda x: 14 * x),
    ("product", lambda x: x**2 * pm.exp(x), lambda x: (2 * x + x**2) * math.exp(x)),
    ("quotient", lambda x: x**2 / (1 + x), lambda x: (2 * x * (1 + x) - x**2) / (1 + x) ** 2),
    ("exp", pm.exp, math.exp),
    ("log", pm.log, lambda x: 1 / x),
]


@pytest.mark.parametrize(("name", "f", "rule"), RULES, ids=[row[0] for row in RULES])
def test_rules_of_differentiation(name, f, rule):
    for x in (0.5, 1.0, 3.0):
        assert grad(f)(x) == pytest.approx(rule(x), rel=1e-14)
        assert numeric.numerical_derivative(f, x, h=1e-5) == pytest.approx(rule(x), rel=1e-8)


def test_the_second_derivative_is_the_curvature():
    cube = lambda x: x**3  # noqa: E731
    for x in (-2.0, 0.5, 3.0):
        assert grad(cube)(x) == 3 * x**2
        assert grad(grad(cube))(x) == 6 * x == hessian(cube)(x)


# -- 6. Gradient checking ----------------------------------------------------------------------


def test_relative_error_tells_what_absolute_error_does_not():
    def large(x):
        return 1e8 * pm.sin(x)

    exact, numerical = grad(large)(1.0), numeric.numerical_derivative(large, 1.0)
    assert abs(numerical - exact) > 1e-4  # absolute, it looks bad
    assert abs(numerical - exact) / exact < 1e-9
    assert pygrad.check_grad(large, 1.0).verdict == "ok"

    def slightly_wrong(x):
        return pygrad.Value(1e-8 * x.data**3, (x,), [3.1e-8 * x.data**2])

    small = pygrad.check_grad(slightly_wrong, 1.0)
    assert small.verdict == "wrong"
    assert abs(small.rows[0].exact - small.rows[0].numerical) < 1e-8  # absolute, it looks good


def test_a_correct_gradient_at_a_kink_is_no_error():
    check = pygrad.check_grad(pm.relu, 0.0)
    assert check.verdict == "not differentiable here"
    assert (
        pygrad.check_grad(pm.relu, 0.1).verdict == pygrad.check_grad(pm.relu, -0.1).verdict == "ok"
    )


# -- 7. What derivatives are for ----------------------------------------------------------------


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def test_gradient_descent_newton_and_gauss_newton_find_their_textbook_answers():
    descent = pygrad.gradient_descent(lambda x: (x - 3.0) ** 2, 0.0, rate=0.1, steps=200)
    assert descent.x == pytest.approx(3.0, abs=1e-6)
    root = pygrad.newton(lambda x: x * x - 2.0, 1.0)
    assert root.x == pytest.approx(math.sqrt(2.0), rel=1e-15)
    times = [0.0, 1.0, 2.0, 3.0]
    data = [2.0 * math.exp(-0.5 * t) for t in times]
    fit = pygrad.gauss_newton(
        lambda p: [p[0] * pm.exp(-p[1] * t) - y for t, y in zip(times, data, strict=True)],
        [1.0, 0.3],
    )
    assert fit.x == pytest.approx([2.0, 0.5], rel=1e-9)


def test_sensitivity_ranks_inputs():
    ranked = pygrad.sensitivity(
        lambda p: p["length"] ** 2 * p["width"], {"length": 3.0, "width": 2.0}
    )
    assert [row.name for row in ranked] == ["length", "width"]


def test_input_noise_becomes_output_noise():
    value, deviation = pygrad.propagate(lambda x: x[0] * x[1], [2.0, 3.0], [0.01, 0.04])[:2]
    assert value == 6.0
    assert deviation == pytest.approx(math.sqrt(9 * 0.01 + 4 * 0.04), rel=1e-15)


def test_linear_and_quadratic_models():
    x, dx = np.array([1.0, 2.0]), np.array([0.01, -0.02])
    exact = rosenbrock(x + dx)
    linear, quadratic = pygrad.linear_model(rosenbrock, x), pygrad.quadratic_model(rosenbrock, x)
    assert linear(dx) == pytest.approx(rosenbrock(x) + grad(rosenbrock)(x) @ dx, rel=1e-14)
    assert quadratic(dx) == pytest.approx(
        linear(dx) + dx @ hessian(rosenbrock)(x) @ dx / 2, rel=1e-14
    )
    assert abs(quadratic(dx) - exact) < abs(linear(dx) - exact) / 20


def test_forward_mode_carries_tangents_and_reverse_mode_adjoints():
    def f(x):
        return [x[0] * x[1], pm.sin(x[0])]

    x, v, u = np.array([2.0, -3.0]), np.array([1.0, 0.5]), [1.0, 10.0]
    full = jacobian(f)(x)
    assert (jacfwd(f)(x) == full).all()
    assert (jacrev(f)(x) == full).all()
    assert jvp(f, (x,), (v,))[1] == pytest.approx(full @ v, rel=1e-15)
    assert vjp(f, x)[1](u)[0] == pytest.approx(np.array(u) @ full, rel=1e-15)


def test_loops_branches_and_subroutines_are_differentiated_as_they_run():
    def power(x, n):
        return x * power(x, n - 1) if n > 0 else 1.0

    def f(x):
        total = 0.0
        for n in range(5):
            total = total + (power(x, n) if n % 2 == 0 else -power(x, n))
        return total

    assert grad(f)(2.0) == 0 - 1 + 2 * 2 - 3 * 4 + 4 * 8


def test_one_reverse_sweep_gives_the_gradient_by_any_number_of_inputs():
    runs = []

    def f(x):
        runs.append(1)
        return pygrad.dot(x, x)

    x = np.arange(500.0)
    assert (grad(f)(x) == 2 * x).all()
    assert len(runs) == 1  # differences would need 501
