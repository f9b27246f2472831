"""Ways of `cond`, `switch` and `if` that are much work run for the rows that take them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import autograph, compile, cond, grad, hessian, jvp, math, switch, value_and_grad, vmap
from pygrad.control import traced

X = np.array([-2.0, -0.5, 0.25, 1.5, 3.0])


def long(x: Any, steps: int = 40) -> Any:
    for i in range(steps):
        x = math.sin(x) * 0.9 + 0.01 * i
    return x


def chosen(x: Any) -> Any:
    return cond(x > 0, lambda v: math.log(v) + long(v), lambda v: long(-v, 41), x)


def switched(i: Any, x: Any) -> Any:
    return switch(i, [long, lambda v: long(v) * x, lambda v: -v], x)


@autograph
def returning(x: Any) -> Any:
    if x > 1:
        return long(x), True
    y = x
    if x > 0:
        y = long(y, 50)
        z = y * y
    else:
        z = x
    return y + z, False


@autograph
def in_a_loop(x: Any) -> Any:
    n = 0
    while n < 3:
        x = long(x) if x > 0.2 else x + 1
        n += 1
    return x


@autograph
def nested(x: Any) -> Any:
    kept = [x, 0.0]
    if x > 0:
        kept[0] = long(x)
        if x > 1:
            kept[1] = long(kept[0], 60)
        kept[0] += 1
    return kept[0] * kept[1] + kept[0]


FUNCTIONS = [chosen, in_a_loop, nested, lambda x: returning(x)[0]]


@pytest.fixture
def always() -> Iterator[None]:
    """All ways are such, however short."""
    was = traced.LEAST, traced.EACH
    traced.LEAST, traced.EACH = 0.0, 0.0
    yield
    traced.LEAST, traced.EACH = was


def size(f: Callable[..., Any]) -> int:
    (program,) = f.programs  # type: ignore[attr-defined]
    return int(program["instructions"])


def along(f: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative forward."""
    return lambda x: jvp(f, (x,), (1.0,))


def eagerly(f: Callable[..., Any]) -> list[Any]:
    return [f(float(x)) for x in X]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_rows_have_the_results_of_floats(f: Callable[..., Any]) -> None:
    for rows in (X, X[X > 0], X[X < 0], X[:1]):
        mapped = compile(vmap(f))
        assert mapped(rows) == pytest.approx([f(float(x)) for x in rows], rel=1e-14)
    one = compile(f)
    assert [one(x) for x in X] == pytest.approx(eagerly(f), rel=1e-14)
    assert len(one.programs) == 1


def test_long_ways_are_no_instructions_of_rows_and_short_ones_are() -> None:
    of_long, of_short = compile(chosen), compile(lambda x: cond(x > 0, math.log, math.exp, x))
    assert of_long(2.0) == chosen(2.0) and size(of_long) < 12
    for derivative in (value_and_grad(chosen), along(chosen), hessian(chosen)):
        of_derivative = compile(derivative)
        assert of_derivative(2.0) == pytest.approx(derivative(2.0)) and size(of_derivative) < 30
    assert of_short(2.0) == math.log(2.0) and "loop" not in of_short.to_c()


def test_derivatives_to_third_order(always: None) -> None:
    for f in FUNCTIONS:
        third = grad(grad(grad(f)))
        for g in (value_and_grad(f), hessian(f), third):
            wanted = [g(float(x)) for x in X]
            assert np.allclose(np.array(compile(vmap(g))(X)).T, np.array(wanted), rtol=1e-9, atol=0)
            assert np.allclose([compile(g)(x) for x in X], wanted, rtol=1e-9, atol=0)


def test_derivatives_of_a_compiled_function() -> None:
    program = compile(chosen)
    for x in X:
        for g in (grad, lambda f: grad(grad(f)), lambda f: grad(grad(grad(f)))):
            assert g(program)(x) == pytest.approx(g(chosen)(float(x)), rel=1e-9)
    both = compile(value_and_grad(lambda x: program(x) * program(x + 4.0)))
    assert both(0.5) == pytest.approx(value_and_grad(lambda x: chosen(x) * chosen(x + 4.0))(0.5))


def test_a_way_that_is_not_taken_leaves_nothing(always: None) -> None:
    f = compile(vmap(value_and_grad(chosen)))
    values, slopes = f(np.array([-1.0, 0.0, 2.0]))
    assert np.isfinite(values).all() and np.isfinite(slopes).all()
    same = compile(vmap(grad(lambda x: cond(x > 0, math.sqrt, lambda v: 0.0 * v, x))))
    assert list(same(np.array([0.0, 4.0]))) == [0.0, 0.25]


def test_switch_of_rows(always: None) -> None:
    i = np.array([0.0, 1.0, 2.0, 1.0, -3.0, 9.0])
    x = np.linspace(0.5, 2.0, 6)
    wanted = [grad(switched, argnums=1)(float(a), float(b)) for a, b in zip(i, x, strict=True)]
    assert vmap(grad(switched, argnums=1))(i, x) == pytest.approx(wanted, rel=1e-12)


def test_handlers_and_guards_within_a_way_are_what_they_were(always: None) -> None:
    def caught(v: Any) -> Any:
        try:
            return 1.0 / (v - 2.0)
        except ZeroDivisionError:
            return v * 100.0

    def f(x: Any) -> Any:
        return cond(x > 0, caught, lambda v: long(v) if v > -1 else v, x)

    x = np.array([2.0, 3.0, -0.5, -3.0])
    wanted = [f(a) for a in x.tolist()]
    assert [compile(f)(a) for a in x] == pytest.approx(wanted)
    assert vmap(f)(x) == pytest.approx(wanted)


def test_many_rows_and_blocks_of_one_kind(always: None) -> None:
    x = np.sort(np.linspace(-3, 3, 1000))
    f = compile(vmap(value_and_grad(chosen)))
    values, slopes = f(x)
    traced.LEAST = 1e9
    wanted = compile(vmap(value_and_grad(chosen)))(x)
    assert np.array_equal(values, wanted[0]) and np.array_equal(slopes, wanted[1])


def of_pairs(v: Any) -> Any:
    """What has a partner that is computed along with it, written over its operand or not."""
    for i in range(6):
        w = math.sin(v) + math.tanh(v * 0.5) + 0.01 * i
        v = math.cos(w) * v + math.pow(w * w + 1.0, 0.3) + math.tanh(w) * w
    return v


@pytest.mark.parametrize("way", [long, of_pairs, lambda v: math.exp(math.log(v * v + 1.0) / v)])
def test_any_number_of_rows_of_a_block_has_the_bits_of_where(
    always: None, way: Callable[[Any], Any]
) -> None:
    def f(x: Any) -> Any:
        return cond(x > 0, way, lambda v: way(0.5 - v) * v, x)

    derivatives = value_and_grad(f), grad(f), along(f)
    of_ways = [compile(vmap(d)) for d in derivatives]
    rows = [np.linspace(0.1, 1.0, 150) * np.sign(np.arange(150) % 64 - k) for k in range(-1, 64, 3)]
    found = [[d(x) for d in of_ways] for x in rows]
    traced.LEAST = 1e9
    of_where = [compile(vmap(d)) for d in derivatives]
    for x, results in zip(rows, found, strict=True):
        for d, result in zip(of_where, results, strict=True):
            assert np.array_equal(d(x), result)


def test_what_a_way_would_do_to_rows_that_do_not_take_it_is_not_seen(always: None) -> None:
    def root(x: Any) -> Any:
        return cond(x > 0, lambda v: long(math.sqrt(v) * math.log(v)), lambda v: v * v, x)

    for taken in (0, 2, 40):  # of a block
        x = np.array([0.0, -0.0, -1.0, -np.inf, *np.linspace(0.5, 2.0, taken)])
        for d in (value_and_grad(root), grad(grad(root)), hessian(root)):
            found = compile(vmap(d, errors="ignore"))(x)
            assert np.isfinite(np.array(found)[..., [0, 1, 2, *range(4, 4 + taken)]]).all()
            for i, a in enumerate(x[4:], 4):
                assert np.array(found)[..., i] == pytest.approx(np.array(d(float(a))), rel=1e-9)


def test_saved_and_as_c(always: None, tmp_path: Any) -> None:
    f = compile(chosen)
    assert f(2.0) == chosen(2.0)
    f.save(tmp_path / "ways.pg")
    loaded = pygrad.load(tmp_path / "ways.pg")
    assert [loaded(x) for x in X] == [f(x) for x in X]
    assert "for (" in f.to_c() or "while (" in f.to_c()


def test_checkpoint_is_a_part_of_its_own() -> None:
    f = compile(pygrad.checkpoint(lambda x: math.exp(math.sin(x))))
    assert f(1.0) == math.exp(math.sin(1.0)) and size(f) <= 3
