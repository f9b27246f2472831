"""Loops of programs: values, trips, derivatives of any order, rows, and what is refused."""

from __future__ import annotations

import gc
import math
import random
import signal

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    compile,
    fori_loop,
    grad,
    hessian,
    jacobian,
    jvp,
    value_and_grad,
    vmap,
    where,
    while_loop,
)
from pygrad.control.traced import loop
from pygrad.core.library import lib
from pygrad.programs.paths import TraceError


def root(x):
    """Bisection for the square root."""

    def body(s):
        lo, hi = s
        m = 0.5 * (lo + hi)
        below = m * m < x
        lo, hi = where(below, m, lo), where(below, hi, m)
        return [lo, hi], hi - lo > 1e-12

    (lo, _), trips = loop(body, [0.0, x + 1.0])
    return lo, trips


def float_root(x):
    lo, hi, trips = 0.0, x + 1.0, 0
    while hi - lo > 1e-12:
        m = 0.5 * (lo + hi)
        if m * m < x:
            lo = m
        else:
            hi = m
        trips += 1
    return lo, trips


def rolled(x):
    """Depends on x as a state, and as what the body captures; one part of the state counts."""
    (y, _, _), _ = loop(
        lambda s: [s[0] * x + 0.5 * pygrad.math.sin(s[1]), s[0], s[2] + 1], [x, x * x, 0.0], count=5
    )
    return y


def unrolled(x):
    y, z = x, x * x
    for _ in range(5):
        y, z = y * x + 0.5 * pygrad.math.sin(z), y
    return y


def test_a_row_takes_as_many_trips_as_the_loop_of_floats():
    xs = np.linspace(0.01, 50.0, 300)
    found, trips = vmap(root)(xs)
    expected = [float_root(float(x)) for x in xs]
    assert found.tolist() == [y for y, _ in expected]
    assert trips.tolist() == [n for _, n in expected]
    assert compile(root)(2.0) == float_root(2.0)


def test_trips_differ_from_none_to_many_in_one_block():
    def total(n, x):
        return fori_loop(0, n, lambda i, s: s + x, 0.0)

    counts = np.array([0.0, 1.0, 100_000.0, -3.0, 2.5, math.nan, 7.0])
    with_value = vmap(value_and_grad(lambda x, n: total(n, x)))
    value, slope = with_value(np.ones(len(counts)), counts)
    assert value.tolist() == [0.0, 1.0, 100_000.0, 0.0, 3.0, 0.0, 7.0]
    assert slope.tolist() == value.tolist()


def test_derivatives_of_any_order_are_those_of_the_unrolled_loop():
    one, other, xs = rolled, unrolled, np.linspace(0.6, 1.3, 70)
    for _ in range(4):
        assert compile(one)(1.1) == pytest.approx(compile(other)(1.1), rel=1e-12)
        assert vmap(one)(xs) == pytest.approx(vmap(other)(xs), rel=1e-11)
        one, other = grad(one), grad(other)


def test_forward_and_reverse_in_any_order():
    def tangent(f):
        return lambda x: jvp(f, [x], [1.0])[1]

    for outer in (grad, tangent):
        for inner in (grad, tangent):
            for third in (grad, tangent):
                made = [compile(outer(inner(third(f)))) for f in (rolled, unrolled)]
                assert made[0](0.9) == pytest.approx(made[1](0.9), rel=1e-12)


def test_hessians_of_several_numbers():
    def f(v):
        def body(s):
            return [s[1] * v[0] + v[2], pygrad.math.sin(s[0]) * v[1], s[2] + v[0]], s[2] < 7.0

        (a, b, _), trips = loop(body, [v[0] * v[1], v[2], v[1]])
        return a * b + trips

    def plain(v):
        a, b, c, trips = v[0] * v[1], v[2], v[1], 0
        while True:
            goes_on = c < 7.0
            a, b, c = b * v[0] + v[2], pygrad.math.sin(a) * v[1], c + v[0]
            trips += 1
            if not goes_on:
                return a * b + trips

    point = [1.4, 1.2, 0.7]
    for what in (grad, jacobian, hessian):
        found, expected = compile(what(f))(point), compile(what(plain))(point)
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-11)


def cells(width, forward):
    """A layer of cells that hand on what they hold, whose numbers a way back needs once more."""

    m = pygrad.math

    def trip(state, weights, scale):
        return [
            scale * m.tanh(w * v) + m.sigmoid(v) * m.sin(w) * m.exp(-v * v)
            for w, v in zip(weights, state, strict=True)
        ]

    def f(x):
        weights, state, scale = x[:width], list(x[width : 2 * width]), x[2 * width]
        if forward:
            state = fori_loop(0, 9, lambda i, s: trip(s, weights, scale + 0.0 * i), state)
        else:
            for _ in range(9):
                state = trip(state, weights, scale)
        return sum(v * v for v in state)

    return f


@pytest.mark.parametrize("width", [1, 3, 14])
def test_gradients_of_many_cells_in_one_call_and_over_rows(width):
    x = np.random.default_rng(width).normal(size=2 * width + 1)
    truth = grad(cells(width, False))(x)
    for made in (compile(value_and_grad(cells(width, True))), value_and_grad(cells(width, True))):
        for _ in range(20):  # packed from the sixteenth call on
            value, slopes = made(x)
        assert value == pytest.approx(cells(width, False)(x), rel=1e-13)
        np.testing.assert_allclose(slopes, truth, rtol=1e-11, atol=1e-13)
    rows = vmap(grad(cells(width, True)))(np.stack([x, 0.5 * x]))
    np.testing.assert_allclose(rows[0], truth, rtol=1e-11, atol=1e-13)


def test_what_arrives_at_no_trip_passes_through():
    def f(x, n):
        (a, b), _ = loop(lambda s: [s[1], s[0] * s[0]], [x, 3.0 * x], count=n)
        return a + 2.0 * b

    made = compile(grad(f))
    assert [made(2.0, n) for n in (0.0, 1.0, 2.0)] == [7.0, 11.0, 76.0]
    assert vmap(grad(f))(np.full(3, 2.0), np.arange(3.0)).tolist() == [7.0, 11.0, 76.0]


def test_loops_within_loops():
    def f(x):
        def outer(s):
            (inner,), n = loop(lambda t: ([t[0] * 1.1 + x * s[1]], t[0] < s[0] + 2.0), [s[0]])
            return [inner, s[1] + 0.01 * n], inner < 20.0

        (y, _), trips = loop(outer, [x, 0.5])
        return y, trips

    def plain(x):
        y, c, trips, on = x, 0.5, 0, True
        while on:
            t, n, more = y, 0, True
            while more:
                more = t < y + 2.0
                t, n = t * 1.1 + x * c, n + 1
            y, c, trips, on = t, c + 0.01 * n, trips + 1, t < 20.0
        return y, trips

    xs = np.linspace(0.2, 2.0, 100)
    found, trips = vmap(f)(xs)
    assert list(zip(found, trips, strict=True)) == [plain(float(x)) for x in xs]
    for of in (grad, lambda g: grad(grad(g))):
        found = vmap(of(lambda x: f(x)[0]))(xs[:20])
        expected = [float(of(lambda x: plain(x)[0])(float(x))) for x in xs[:20]]
        assert found == pytest.approx(np.array(expected), rel=1e-10)


def test_what_does_not_depend_on_the_state_is_computed_once():
    seen = []

    def f(x):
        def body(s):
            seen.append(1)
            return [s[0] + pygrad.math.exp(x)]

        return loop(body, [0.0], count=10)[0][0]

    made = compile(f)
    assert made(0.5) == pytest.approx(10 * math.exp(0.5))
    assert made(0.7) == pytest.approx(10 * math.exp(0.7))
    assert len(seen) == 1


def test_values_from_before_are_read_at_each_call():
    w = Value(2.0)
    made = compile(lambda x: loop(lambda s: [s[0] * w], [x], count=3)[0][0])
    assert made(1.0) == 8.0
    w.data = 3.0
    assert made(1.0) == 27.0


def test_rows_that_have_left_the_path_do_not_keep_others():
    def f(x):
        if x < 0.0:
            return x
        return while_loop(lambda s: s < 100.0, lambda s: s * x, x)

    xs = np.array([2.0, -1.0, 3.0, -2.0])
    assert vmap(f)(xs).tolist() == [128.0, -1.0, 243.0, -2.0]


def test_a_loop_that_does_not_end_names_the_row():
    def f(x):
        return while_loop(lambda s: s < 10.0, lambda s: s + x, 0.0, max_trips=1000)

    xs = np.ones(200)
    xs[150] = 0.0
    mapped = vmap(f)
    with pytest.raises(RuntimeError, match=r"not ended after 1000 trips.*in row 150"):
        mapped(xs)
    with pytest.raises(RuntimeError, match="in row 150"):
        mapped(xs)
    with pytest.raises(RuntimeError, match="in row 1500"):
        vmap(f, threads=2)(np.where(np.arange(3000) == 1500, 0.0, 1.0))
    made = compile(f)
    assert made(1.0) == 10.0
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not ended after 1000 trips"):
            made(0.0)
    assert made(1.0) == 10.0


def test_results_may_stand_where_other_parts_of_the_state_do():
    """Parts that change places, that no trip reads, and a condition that is a part from before the trip."""

    def shuffled(x):
        def body(s):
            a, b, left, _, _ = s
            return [b * x, a + x, left - 1.0, a, left], left

        return loop(body, [x, 2.0 * x, pygrad.math.floor(4.0 * x), 0.0, 0.0])

    def plain(x):
        a, b, left, before, last, trips, on = x, 2.0 * x, math.floor(4.0 * x), 0.0, 0.0, 0, True
        while on:
            on = left != 0.0
            a, b, left, before, last, trips = b * x, a + x, left - 1.0, a, left, trips + 1
        return [a, b, left, before, last, trips]

    xs = np.linspace(0.3, 4.0, 130)
    expected = [plain(float(x)) for x in xs]
    found = vmap(lambda x: [*shuffled(x)[0], shuffled(x)[1]])(xs)
    assert np.column_stack(found).tolist() == expected
    made = compile(lambda x: [*shuffled(x)[0], shuffled(x)[1]])
    assert [list(made(float(x))) for x in xs[::7]] == expected[::7]
    for k in (0, 3):
        slopes = vmap(grad(lambda x, k=k: shuffled(x)[0][k]))(xs)
        one = compile(grad(lambda x, k=k: shuffled(x)[0][k]))
        assert slopes.tolist() == [one(float(x)) for x in xs]


def test_the_way_back_takes_the_states_of_the_way_forward():
    """Rows may leave the path in between, all of a block or some; loops may stand one behind the other."""

    def f(x):
        y = rolled(x)
        if y > 3.0:
            return y * x
        return rolled(y) * rolled(x + 0.1) + root(y)[0]

    mapped, made = vmap(value_and_grad(f)), compile(value_and_grad(f))
    for xs in (
        np.linspace(0.3, 2.0, 200),
        np.linspace(0.3, 0.5, 65),
        np.array([0.4]),
        np.array([0.4, 1.9]),
    ):
        values, slopes = mapped(xs)
        assert list(zip(values.tolist(), slopes.tolist(), strict=True)) == [
            made(float(x)) for x in xs
        ]


def test_a_single_row_is_as_any_other():
    xs = np.linspace(0.3, 4.0, 65)
    for f in (lambda x: root(x)[0], rolled, grad(lambda x: root(x)[0] * x), grad(rolled)):
        mapped = vmap(f)
        expected = mapped(np.concatenate([xs, xs])).tolist()
        assert mapped(xs).tolist() == expected[:65]  # the last one is alone in its block
        assert mapped(xs[:1]).tolist() == expected[:1]
        assert mapped(xs[7:8]).tolist() == expected[7:8]

    def endless(x):
        return while_loop(lambda s: s < 10.0, lambda s: s + x, 0.0, max_trips=1000)

    xs[64] = 0.0
    with pytest.raises(RuntimeError, match=r"not ended after 1000 trips.*in row 64"):
        vmap(endless)(xs)
    with pytest.raises(RuntimeError, match="in row 0"):
        vmap(endless)(xs[64:])


def test_ctrl_c_is_heard_within_a_loop():
    def f(x):
        return while_loop(lambda s: s > 0.0, lambda s: s + x, x)

    made = compile(f)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            made(1.0)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            vmap(f)(np.ones(3))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            vmap(f, threads=2)(np.ones(1025))  # the last row is alone in its block
    finally:
        signal.signal(signal.SIGALRM, before)


def test_truth_in_a_body_is_refused_and_names_the_cure():
    with pytest.raises(TraceError, match=r"body of a loop.*pygrad\.where"):
        compile(lambda x: loop(lambda s: [s[0] if s[0] > x else x], [x], count=3)[0][0])(1.0)


def test_a_comparison_of_what_stays_the_same_is_a_guard():
    made = compile(lambda x: loop(lambda s: [s[0] + (1.0 if x > 0 else 2.0)], [x], count=3)[0][0])
    assert (made(1.0), made(-1.0)) == (4.0, 5.0)


def test_the_state_stays_within_its_loop():
    kept = []

    def f(x):
        def body(s):
            kept.append(s[0] * 2.0)
            return [s[0] + 1.0]

        return loop(body, [x], count=3)[0][0] + kept[-1]

    with pytest.raises(TraceError, match="state of a loop"):
        compile(f)(1.0)


def test_states_between_checkpoints_are_computed_again():
    """More states than are kept: 8 MB of a block of rows, 32 MB of numbers."""
    n = 20_000

    def f(x):
        return fori_loop(
            0, n, lambda i, s: [s[0] + 1e-4 * s[1], s[1] - 1e-4 * x * s[0]], [1.0, 0.0]
        )[0]

    x, h = 1.3, n * 1e-4
    expected = -h / (2 * math.sqrt(x)) * math.sin(math.sqrt(x) * h)
    found = vmap(grad(f))(np.full(2, x))
    assert found == pytest.approx(np.full(2, expected), rel=1e-3)
    assert compile(grad(f))(x) == pytest.approx(found[0], rel=1e-13)


def test_want_of_memory_is_an_error_and_leaves_nothing():
    def run():
        return compile(grad(grad(rolled)))(1.2)

    expected = run()
    gc.collect()
    nodes = lib.pg_live_nodes()
    lib.pg_fail_at(10**9)
    run()
    count = lib.pg_allocations()
    lib.pg_fail_at(0)
    for n in range(1, count, 23):
        lib.pg_fail_once(n)
        try:
            run()
        except MemoryError:
            pass
        finally:
            lib.pg_fail_at(0)
    gc.collect()
    assert lib.pg_live_nodes() == nodes
    assert run() == expected


@pytest.mark.long
def test_random_loops_are_those_of_plain_python():
    for seed in range(25):
        rng = random.Random(seed)
        build = _random_loop(rng)
        xs = np.array([rng.uniform(-1.5, 1.5) for _ in range(70)])
        expected = [build(float(x), _plain) for x in xs]
        found = vmap(lambda x, build=build: build(x, loop))(xs)
        np.testing.assert_array_equal(np.array(found), np.array(expected, dtype=float).T)
        slopes = vmap(grad(lambda x, build=build: build(x, loop)[0]))(xs)
        eager = [float(grad(lambda x, build=build: build(x, _plain)[0])(float(x))) for x in xs[:20]]
        np.testing.assert_allclose(slopes[:20], eager, rtol=1e-9, atol=1e-12)


def _plain(body, state, *, count=None, start=True):
    trips = 0
    while start if count is None else count > trips:
        result = body(state)
        state, start = (result, start) if count is not None else result
        trips += 1
    return state, trips


def _random_loop(rng):
    """A function of x and what runs loops: sums, products and choices, loops in loops."""
    size, depth, seed = rng.randint(1, 4), rng.randint(1, 3), rng.random()

    def expression(items, r):
        a, b, c = (r.choice(items) for _ in range(3))
        kind = r.randrange(6)
        if kind == 0:
            return a * 1.0
        if kind == 1:
            return a * 0.5 + b * 0.25
        if kind == 2:
            return a - b * c * 0.125
        if kind == 3:
            return where(a < b, a * 0.5, c - 0.25)
        if kind == 4:
            return a * a * 0.25 - 0.5
        return where(a < 0.0, -a, a) * 0.5 + c * 0.25

    def run(x, how, level=depth, base=None):
        state = ([x * 0.5, x, 1.0, x * x * 0.25] if base is None else base)[:size]
        counts = random.Random(seed + level).random() < 0.5

        def body(s):
            r = random.Random(seed + 10 * level)
            now = [*s, x, 0.75]
            new = [expression(now, r) for _ in range(size)]
            if level > 1:
                new = list(run(x, how, level - 1, new)[:size])
            new = [where(y < 4.0, where(y > -4.0, y, -4.0), 4.0) for y in new]
            if counts:
                return [*new, s[size] + 1.0]
            return [*new, s[size] + 1.0], where(new[0] < x, s[size] < 6.0, s[size] < 3.0) > 0.0

        limit = 3.0 + 4.0 * x * x
        final, trips = how(body, [*state, 0.0], count=limit) if counts else how(body, [*state, 0.0])
        return (*final, trips)

    return run
