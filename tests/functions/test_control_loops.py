"""The functions that JAX has for loops and branches, against the loops and branches that they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    checkpoint,
    cond,
    fori_loop,
    grad,
    hessian,
    jvp,
    scan,
    switch,
    value_and_grad,
    while_loop,
)

compiled_only = pytest.mark.skipif(
    pygrad.IMPLEMENTATION != "compiled", reason="the reference has no programs"
)


def collatz(n: float) -> int:
    """Trips until 1."""
    return while_loop(
        lambda s: s[0] != 1,
        lambda s: (cond(s[0] % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, s[0]), s[1] + 1),
        (n, 0),
    )[1]


def heron(x: Any) -> Any:
    return while_loop(
        lambda y: abs(y * y - x) > 1e-12 * x, lambda y: 0.5 * (y + x / y), 0.5 * (1.0 + x)
    )


def heron_by_hand(x: Any) -> Any:
    y = 0.5 * (1.0 + x)
    while abs(y * y - x) > 1e-12 * x:
        y = 0.5 * (y + x / y)
    return y


class TestPlainNumbers:
    def test_ints_stay_ints(self) -> None:
        assert collatz(27) == 111
        assert type(collatz(27)) is int

    def test_floats_stay_floats(self) -> None:
        for x in (0.3, 2.0, 1e6):
            y = heron(x)
            assert type(y) is float
            assert y == heron_by_hand(x)

    def test_no_trips(self) -> None:
        state = {"x": 1.0}
        assert while_loop(lambda s: False, lambda s: {"x": 2.0}, state) is state
        assert fori_loop(5, 5, lambda i, x: 1 / 0, 2.0) == 2.0
        assert fori_loop(5, 2, lambda i, x: 1 / 0, 2.0) == 2.0

    def test_index_is_an_int(self) -> None:
        xs = ["a", "b", "c"]
        seen: list[str] = []
        assert fori_loop(1, 3, lambda i, n: (seen.append(xs[i]), n + i)[1], 0) == 3
        assert seen == ["b", "c"]

    def test_upper_bounds_by_values(self) -> None:
        assert (
            grad(lambda n, x: fori_loop(0, n, lambda i, y: y * x, 1.0), argnums=1)(3.0, 2.0) == 12
        )


class TestStates:
    def test_trees(self) -> None:
        @dataclass
        class Ball:
            height: float
            speed: float
            bounces: int = 0

        def fall(ball: Ball) -> Ball:
            height, speed = ball.height + 0.01 * ball.speed, ball.speed - 0.0981
            hits = height < 0.0
            return Ball(
                cond(hits, lambda: -height, lambda: height),
                cond(hits, lambda: -0.8 * speed, lambda: speed),
                ball.bounces,
            )

        ball = fori_loop(0, 200, lambda i, ball: fall(ball), Ball(1.0, 0.0))
        slope = grad(lambda h: fori_loop(0, 200, lambda i, b: fall(b), Ball(h, 0.0)).height)(1.0)
        up = fori_loop(0, 200, lambda i, ball: fall(ball), Ball(1.0 + 1e-7, 0.0)).height
        assert slope == pytest.approx((up - ball.height) / 1e-7, rel=1e-5)

    def test_arrays(self) -> None:
        a = np.array([[0.5, 0.1], [0.2, 0.3]])
        power = fori_loop(0, 3, lambda i, m: m @ a, np.eye(2))
        assert np.array_equal(power, np.eye(2) @ a @ a @ a)

    def test_another_kind_is_named(self) -> None:
        with pytest.raises(
            TypeError, match=r"init_val\[1\] is a number, and a tuple of 2 after that"
        ):
            while_loop(lambda s: True, lambda s: (s[0], (1.0, 2.0)), (1.0, 2.0))
        with pytest.raises(TypeError, match=r"init_val\['a'\] is a truth, and a number after that"):
            while_loop(lambda s: True, lambda s: {"a": 1.0}, {"a": True})
        with pytest.raises(TypeError, match=r"halve\(\) of fori_loop\(\) must return what it is"):

            def halve(i: int, x: Any) -> Any:
                return [x]

            fori_loop(0, 3, halve, 1.0)
        with pytest.raises(TypeError, match="an array of shape"):
            fori_loop(0, 3, lambda i, x: np.append(x, 1.0), np.zeros(2))

    def test_a_later_trip_is_looked_at_too(self) -> None:
        with pytest.raises(TypeError, match="init_val"):
            fori_loop(0, 9, lambda i, x: x if i < 5 else (x, x), 1.0)


class TestBounds:
    def test_trips(self) -> None:
        with pytest.raises(RuntimeError, match="not ended after 10 trips"):
            while_loop(lambda x: x > 0, lambda x: x + 1, 1.0, max_trips=10)
        assert while_loop(lambda x: x < 10, lambda x: x + 1, 0, max_trips=10) == 10
        with pytest.raises(RuntimeError, match="fori_loop"):
            fori_loop(0, 11, lambda i, x: x, 1.0, max_trips=10)
        with pytest.raises(RuntimeError, match="scan"):
            scan(lambda s, x: (s, x), 0.0, [1.0] * 3, max_trips=2)

    @pytest.mark.parametrize("most", [-1, 1.5, True, "many"])
    def test_must_be_a_whole_number(self, most: Any) -> None:
        with pytest.raises(ValueError, match="max_trips of while_loop"):
            while_loop(lambda x: False, lambda x: x, 1.0, max_trips=most)

    def test_bounds_must_be_whole(self) -> None:
        for bounds in [(0.5, 3), (0, 2.5), (Value(0.5), 3)]:
            with pytest.raises(ValueError, match="of fori_loop"):
                fori_loop(*bounds, lambda i, x: x, 1.0)


class TestBranches:
    def test_cond(self) -> None:
        assert cond([3], lambda x: x, lambda x: 1 / 0, 5) == 5
        assert cond(0, lambda: 1, lambda: "no") == "no"

    def test_switch_clamps(self) -> None:
        branches = [lambda x: x, lambda x: 10 * x, lambda x: 100 * x]
        assert [switch(i, branches, 1) for i in (-5, 0, 1, 2, 9)] == [1, 1, 10, 100, 100]
        assert switch(Value(1.0), branches, 1) == 10
        assert switch(True, branches, 1) == 10

    def test_switch_refuses(self) -> None:
        with pytest.raises(ValueError, match=r"whole number, not 0\.5"):
            switch(0.5, [lambda: 1, lambda: 2])
        with pytest.raises(ValueError, match="branches of switch"):
            switch(0, [])

    def test_checkpoint(self) -> None:
        @checkpoint
        def cube(x: Any, *, factor: float = 1.0) -> Any:
            """Docs."""
            return factor * x**3

        assert cube.__doc__ == "Docs."
        assert cube(2.0, factor=2.0) == 16.0
        assert hessian(cube)(2.0) == 12.0


class Pair(NamedTuple):
    a: Any
    b: Any


class TestScan:
    def test_sums(self) -> None:
        xs = np.arange(5.0)
        total, sums = scan(lambda s, x: (s + x, s + x), 0.0, xs)
        assert total == 10.0
        assert type(total) is float
        assert np.array_equal(sums, np.cumsum(xs))

    def test_backwards(self) -> None:
        total, seen = scan(lambda s, x: (2 * s + x, s), 0.0, [1.0, 2.0, 3.0], reverse=True)
        assert total == 17.0
        assert seen.tolist() == [8.0, 3.0, 0.0]

    def test_trees_of_sequences(self) -> None:
        xs = {"u": np.arange(6.0).reshape(3, 2), "v": [1.0, 2.0, 3.0]}
        state, ys = scan(lambda s, x: (s + x["v"], Pair(x["u"] * s, s > 1)), 0.0, xs)
        assert state == 6.0
        assert type(ys) is Pair
        assert ys.a.tolist() == [[0.0, 0.0], [2.0, 3.0], [12.0, 15.0]]
        assert ys.b.tolist() == [False, False, True]
        assert ys.b.dtype == bool

    def test_nothing_given(self) -> None:
        assert scan(lambda s, x: (s * 2, None), 1.0, None, length=4) == (16.0, None)

    def test_no_rows(self) -> None:
        state, ys = scan(lambda s, x: (s + x, {"y": s, "z": x}), 1.0, np.zeros((0,)))
        assert state == 1.0
        assert {name: y.shape for name, y in ys.items()} == {"y": (0,), "z": (0,)}

    def test_derivatives(self) -> None:
        def f(r: Any) -> Any:
            state, ys = scan(lambda s, x: (r * s * (1.0 - s), s * x), 0.3, [1.0, 2.0, 3.0])
            return state + sum(ys)

        def by_hand(r: Any) -> Any:
            s, ys = 0.3, []
            for x in [1.0, 2.0, 3.0]:
                ys.append(s * x)
                s = r * s * (1.0 - s)
            return s + sum(ys)

        assert value_and_grad(f)(2.5) == pytest.approx(value_and_grad(by_hand)(2.5), rel=1e-15)
        assert jvp(f, (2.5,), (1.0,))[1] == pytest.approx(grad(by_hand)(2.5), rel=1e-14)

    def test_refusals(self) -> None:
        with pytest.raises(ValueError, match="one length; theirs are 2, 3"):
            scan(lambda s, x: (s, x), 0.0, {"a": [1.0, 2.0], "b": np.zeros(3)})
        with pytest.raises(ValueError, match="and length is 3"):
            scan(lambda s, x: (s, x), 0.0, [1.0, 2.0], length=3)
        with pytest.raises(ValueError, match="give a length"):
            scan(lambda s, x: (s, x), 0.0, None)
        with pytest.raises(TypeError, match="must return a pair"):
            scan(lambda s, x: s, 0.0, [1.0])
        with pytest.raises(TypeError, match="same kind of y"):
            scan(lambda s, x: (s + 1, s if s else (s, s)), 0, [1.0, 2.0])
        with pytest.raises(TypeError, match="xs of scan"):
            scan(lambda s, x: (s, x), 0.0, 3.0)
        with pytest.raises(TypeError, match=r"init is a number, and a list of 1"):
            scan(lambda s, x: ([s], x), 0.0, [1.0])


class TestDerivatives:
    def test_of_loops_are_those_of_pythons(self) -> None:
        for x in (0.3, 2.0, 1e6):
            assert value_and_grad(heron)(x) == value_and_grad(heron_by_hand)(x)
            assert hessian(heron)(x) == hessian(heron_by_hand)(x)

    def test_backward(self) -> None:
        x = Value(2.0)
        y = fori_loop(0, 3, lambda i, y: y * x, Value(1.0))
        y.backward()
        assert x.grad == 12.0


@compiled_only
class TestInTraces:
    x = np.array([0.3, 2.0, 9.0, 1e4])

    def test_while_loop(self) -> None:
        from pygrad import compile, vmap

        values, slopes = compile(vmap(value_and_grad(heron)))(self.x)
        for x, value, slope in zip(self.x, values, slopes, strict=True):
            assert (value, slope) == pytest.approx(
                value_and_grad(heron_by_hand)(float(x)), rel=1e-15
            )

    def test_trips_that_differ_by_row(self) -> None:
        from pygrad import vmap

        n = np.array([1.0, 2.0, 6.0, 7.0])
        assert vmap(collatz)(n).tolist() == [0.0, 1.0, 8.0, 16.0]

    def test_a_body_may_give_truths_and_ints(self) -> None:
        from pygrad import compile

        def f(x: Any) -> Any:
            done, n, y = while_loop(
                lambda s: (s[0] == False) & (s[1] < 50),  # noqa: E712
                lambda s: (s[2] < 1.0, s[1] + 1, 0.5 * s[2]),
                (False, 0, x),
            )
            return done, n, y

        assert compile(f)(8.0) == (True, 5.0, 0.25)
        assert f(8.0) == (True, 5, 0.25)

    def test_branches_not_taken_do_not_disturb(self) -> None:
        from pygrad import compile, vmap

        f = compile(
            vmap(
                value_and_grad(
                    lambda x: cond(x > 0, lambda v: pygrad.math.sqrt(v), lambda v: 0.0 * v, x)
                )
            )
        )
        values, slopes = f(np.array([4.0, -4.0, 0.0]))
        assert values.tolist() == [2.0, -0.0, 0.0]
        assert slopes.tolist() == [0.25, 0.0, 0.0]
        assert len(f.programs) == 1

    def test_branches_of_two_kinds(self) -> None:
        from pygrad import compile

        with pytest.raises(TypeError, match=r"branches of cond\(\) must return the same kind"):
            compile(lambda x: cond(x > 0, lambda: x, lambda: (x, x)))(1.0)

    def test_switch(self) -> None:
        from pygrad import compile, vmap

        branches = [lambda x: x, lambda x: x * x, lambda x: x**3]
        f = compile(vmap(lambda i, x: switch(i, branches, x)))
        assert f(np.array([-1.0, 0, 1, 2, 3]), np.full(5, 2.0)).tolist() == [2, 2, 4, 8, 8]
        assert len(f.programs) == 1

    def test_scan(self) -> None:
        from pygrad import compile, vmap

        def f(x: Any, zs: Any) -> Any:
            return scan(lambda s, z: (s * math.exp(0.1) + z * x, s * x), x, zs)

        zs = np.linspace(0.0, 1.0, 12).reshape(3, 4)
        rows = compile(vmap(f))(np.array([1.0, 2.0, 3.0]), zs)
        for i, x in enumerate([1.0, 2.0, 3.0]):
            state, ys = f(x, zs[i])
            assert rows[0][i] == state
            assert np.array_equal(rows[1][i], ys)

    def test_kinds_are_compared_in_traces(self) -> None:
        from pygrad import compile

        with pytest.raises(TypeError, match=r"init_val is a number, and a tuple of 2"):
            compile(lambda x: while_loop(lambda s: s < 3, lambda s: (s, s), x))(1.0)

    def test_an_index_is_a_value(self) -> None:
        from pygrad import compile

        with pytest.raises(TypeError, match=r"take items of sequences by scan"):
            compile(lambda x: fori_loop(0, 2, lambda i, s: s + [1.0, 2.0][i], x))(1.0)

    def test_bounds(self) -> None:
        from pygrad import compile

        with pytest.raises(RuntimeError, match="5 trips"):
            compile(lambda x: while_loop(lambda s: s > 0, lambda s: s + 1, x, max_trips=5))(1.0)

    def test_a_loop_in_a_branch_runs_for_its_own_rows_only(self) -> None:
        from pygrad import vmap

        def halvings(x: Any) -> Any:
            return while_loop(
                lambda s: s[0] != 1, lambda s: (s[0] / 2, s[1] + 1), (x, 0), max_trips=90
            )[1]

        f = vmap(lambda x: cond(x > 0, halvings, lambda x: -1, x))
        assert f(np.array([8.0, -3.0, 1.0])).tolist() == [3.0, -1.0, 0.0]

    def test_rows_that_raise_in_a_body(self) -> None:
        from pygrad import autograph, compile

        def checked(y: Any) -> Any:
            if y > 5:
                raise ValueError("large")
            return 2 * y

        def f(x: Any) -> Any:
            return while_loop(lambda y: y < 3, autograph(checked), x)

        def g(x: Any) -> Any:
            return fori_loop(0, 3, lambda i, y: autograph(checked)(y), x)

        assert (compile(f)(1.0), compile(g)(0.5)) == (4.0, 4.0)
        with pytest.raises(ValueError, match="large"):
            compile(g)(3.0)

    def test_checkpoint(self) -> None:
        from pygrad import compile, vmap

        @checkpoint
        def f(x: Any, c: Any) -> Any:
            return {"a": pygrad.math.sin(x) * c, "b": x > 1}

        call = compile(vmap(lambda x: f(x, 3.0)))
        assert np.array_equal(call(self.x)["a"], [f(x, 3.0)["a"] for x in self.x.tolist()])
        assert call(self.x)["b"].tolist() == [False, True, True, True]
        slopes = compile(vmap(grad(grad(lambda x: f(x, 3.0)["a"]))))(self.x)
        assert slopes == pytest.approx(-3 * np.sin(self.x), rel=1e-12)
