"""custom_jvp and custom_vjp: what they give in eager code and in transforms, to any order.

Rules here differ from the derivative of the operations by a factor, so that it shows which was used.
"""

from __future__ import annotations

import copy
import functools
import gc
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from ruled import square

import pygrad
from pygrad import Value, custom_jvp, custom_vjp, grad, hessian, jacfwd, jacobian, jacrev, jvp
from pygrad.core.library import lib


@custom_vjp
def both(x: Any, y: Any) -> Any:
    return [x * y, x + y]


def both_forward(x: Any, y: Any) -> Any:
    return both(x, y), (x, y)


def both_back(kept: Any, cotangent: Any) -> Any:
    x, y = kept
    return 10 * (cotangent[0] * y + cotangent[1]), 10 * (cotangent[0] * x + cotangent[1])


both.defvjp(both_forward, both_back)


def test_a_rule_for_the_way_forward_gives_derivatives_of_any_order_and_way() -> None:
    assert square(2.0) == 4.0
    assert grad(square)(2.0) == 6.0 and grad(grad(square))(2.0) == 3.0
    assert jvp(square, (2.0,), (2.0,)) == (4.0, 12.0)
    for first in (jacfwd, jacrev):
        for second in (jacfwd, jacrev):
            assert first(second(square))(2.0) == 3.0
    assert grad(grad(grad(square)))(2.0) == 0.0


def test_a_rule_for_the_way_back_gives_the_way_forward_too() -> None:
    assert jacrev(both, (0, 1))(2.0, 3.0) == [(30.0, 20.0), (10.0, 10.0)]
    assert jacfwd(both, (0, 1))(2.0, 3.0) == [(30.0, 20.0), (10.0, 10.0)]

    def product(v):
        return both(v[0], v[1])[0]

    assert np.array_equal(hessian(product)(np.array([2.0, 3.0])), [[0.0, 10.0], [10.0, 0.0]])
    assert np.array_equal(jacfwd(jacfwd(product))(np.array([2.0, 3.0])), [[0.0, 10.0], [10.0, 0.0]])


def test_backward_uses_the_rule_and_leaves_grads_as_ever() -> None:
    x = Value(2.0)
    y = square(x)
    z = y * x
    z.backward()
    assert (y.data, y.grad, x.grad, z.grad) == (4.0, 2.0, 16.0, 1.0)
    z.backward()  # leaves add up, inner nodes do not
    assert (y.grad, x.grad) == (2.0, 32.0)
    x.grad = 0.0
    square(square(x)).backward(create_graph=True)
    assert x.grad.data == 9 * 4.0 * 2.0
    slope = x.grad
    x.grad = 0.0
    slope.backward()  # 9 * x**2 * x, of which the rule of the first makes 9 * (3 * x * x + x**2)
    assert x.grad == 144.0


def test_partials_beside_a_rule_count_and_closures_are_refused() -> None:
    x = Value(2.0)
    square(Value(10.0, (x,), (5.0,))).backward()
    assert x.grad == 150.0
    closed = Value(10.0, (x,), "of mine")
    closed._backward = lambda: None
    with pytest.raises(TypeError, match=r"'of mine'.*custom_vjp"):
        square(closed).backward()
    assert x.grad == 150.0


def test_a_rule_that_raises_leaves_all_grads_as_they_were() -> None:
    @custom_vjp
    def broken(x: Any) -> Any:
        return 2 * x

    def back(kept: Any, cotangent: Any) -> Any:
        raise KeyError("gone")

    broken.defvjp(lambda x: (2 * x, None), back)
    x = Value(3.0)
    y = x * x
    y.backward()
    z = broken(y) + x
    before = x.grad, y.grad
    with pytest.raises(
        KeyError, match=r"gone; raised in back\(\), a rule of broken\(\) \(.*line \d+"
    ):
        z.backward()
    assert (x.grad, y.grad) == before
    (y + x).backward()  # and nothing is in use any more
    assert x.grad == 13.0


def test_containers_records_and_what_is_no_number_are_handed_on() -> None:
    @dataclass
    class Model:
        scale: float
        weights: list[float]
        mode: str = "linear"

    @custom_jvp
    def apply(model: Any, times: int, array: Any, name: str = "q") -> Any:
        return {"sum": model.scale * sum(model.weights) * times, "array": array * model.scale}

    @apply.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        model, times, array, name = primals
        d, _, d_array, _ = tangents
        assert (times, name, model.mode, d.mode) == (3, "q", "linear", "linear")
        weighed = d.scale * sum(model.weights) + model.scale * sum(d.weights)
        return apply(*primals), {
            "sum": 10 * weighed * times,
            "array": 10 * (d_array * model.scale + array * d.scale),
        }

    def f(model: Any, array: Any) -> Any:
        found = apply(model, 3, array=array)
        return found["sum"] + found["array"].sum()

    for derivative in (grad(f, (0, 1)), pygrad.compile(grad(f, (0, 1)))):
        model, array = derivative(Model(2.0, [1.0, 3.0]), np.array([1.0, 2.0]))
        assert model == Model(150.0, [60.0, 60.0])
        assert np.array_equal(array, [20.0, 20.0])


def test_arguments_without_derivative_come_first() -> None:
    @functools.partial(custom_vjp, nondiff_argnums=0)
    def applied(f: Any, x: Any) -> Any:
        return f(x)

    applied.defvjp(lambda f, x: (f(x), x), lambda f, x, ct: (10 * grad(f)(x) * ct,))

    def cube(x):
        return x**3

    assert grad(applied, 1)(cube, 2.0) == 120.0
    assert grad(grad(applied, 1), 1)(cube, 2.0) == 120.0

    class Model:
        rate = 2.0

        @functools.partial(custom_jvp, nondiff_argnums=(0,))
        def response(self, x: Any) -> Any:
            return self.rate * x

        @response.defjvp
        def _rule(self, primals: Any, tangents: Any) -> Any:
            return self.rate * primals[0], 10 * self.rate * tangents[0]

    assert grad(Model().response)(3.0) == 20.0


def test_a_rule_for_each_argument() -> None:
    @custom_jvp
    def product(x: Any, y: Any = 3.0) -> Any:
        return x * y

    product.defjvps(lambda t, result, x, y: 10 * t * y, None)
    assert grad(product, (0, 1))(2.0, 3.0) == (30.0, 0.0)
    assert grad(lambda x: product(y=x, x=2.0))(3.0) == 0.0
    assert grad(product)(2.0) == 30.0


def test_within_no_grad_there_is_no_rule() -> None:
    with pygrad.no_grad():
        y = square(Value(2.0))
    assert y.data == 4.0 and y._children == ()
    assert grad(lambda x: x * square(pygrad.stop_gradient(x)))(2.0) == 4.0


def test_a_zero_that_arrives_wins_over_a_rule_that_is_singular() -> None:
    @custom_jvp
    def root(x: Any) -> Any:
        return x**0.5

    root.defjvp(lambda p, t: (root(*p), t[0] / (p[0] - p[0])))
    x = Value(1.0)
    pygrad.math.where(1.0, x, root(x)).backward()
    assert x.grad == 1.0


def test_nodes_show_the_function_its_arguments_and_the_slopes_of_the_rule() -> None:
    x, y = Value(2.0, label="x"), Value(3.0)
    first, second = both(x, y)
    assert (first._op, second._op) == ("both", "both")
    assert first._children == (x, y) and second._prev == {x, y}
    assert first.local_derivatives == (30.0, 20.0)
    first.grad = 2.0
    first._backward()
    assert (x.grad, y.grad) == (60.0, 40.0)
    explained = str(pygrad.explain(first + second))
    assert "= 30 (given)" in explained and explained.count("both(") == 2


def test_copies_keep_the_rule() -> None:
    x = Value(2.0)
    second = both(x, Value(3.0))[1]
    copied = copy.copy(second)
    assert copied.data == 5.0 and copied._op == "both"
    copied.backward()
    assert x.grad == 10.0
    deep = copy.deepcopy(square(x))
    assert deep.local_derivatives == (6.0,) and deep._children[0] is not x
    assert grad(lambda x: copy.deepcopy(square(x)))(2.0) == 6.0
    assert pickle.loads(pickle.dumps(square)) is square


def test_nothing_is_left_behind() -> None:
    def work() -> None:
        x = Value(2.0)
        square(x).backward()
        grad(grad(square))(2.0)
        pygrad.compile(grad(square))(2.0)

    work()
    gc.collect()
    before = lib.pg_live_nodes()
    work()
    gc.collect()
    assert lib.pg_live_nodes() == before


def test_a_rule_may_use_transforms_of_what_it_was_given() -> None:
    """Whose sweeps meet nodes of the one that has called it."""

    @custom_vjp
    def scaled(x: Any, a: Any) -> Any:
        return x * a * a

    def back(kept: Any, cotangent: Any) -> Any:
        x, a = kept
        return (
            cotangent * grad(lambda z: z * a * a)(x),
            cotangent * grad(lambda z: x * z * z)(a),
        )

    scaled.defvjp(lambda x, a: (scaled(x, a), (x, a)), back)

    def nested(f: Any) -> Any:
        def run(v: Any) -> Any:
            y = v[0]
            for _ in range(3):
                y = f(y, v[1]) + pygrad.math.sin(y)
            return y

        return run

    at = np.array([0.3, 0.7])
    plain = nested(lambda x, a: x * a * a)
    for transform in (grad, hessian, lambda f: jacobian(hessian(f))):
        expected = transform(plain)(at)
        assert np.allclose(transform(nested(scaled))(at), expected, rtol=1e-12, atol=1e-12)
    x, a = Value(0.3), Value(0.7)
    nested(scaled)([x, a]).backward()
    assert np.allclose([x.grad, a.grad], grad(plain)(at), rtol=1e-14)


def test_check_grad_compares_the_rule_with_the_function() -> None:
    assert not pygrad.check_grad(square, 2.0)

    @custom_jvp
    def cube(x: Any) -> Any:
        return x**3

    cube.defjvp(lambda p, t: (cube(*p), 3 * p[0] ** 2 * t[0]))
    assert pygrad.check_grad(cube, 2.0, order=2)


def test_the_reference_has_rules_too(run_isolated: Any) -> None:
    output = run_isolated("rules.py", env={"PYGRAD_IMPL": "reference"}).stdout
    assert output == run_isolated("rules.py").stdout
    assert output.splitlines()[0] == "16.0 6.0 (4.0, 6.0)"
