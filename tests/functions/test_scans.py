"""`scan` in a trace: one body in the program, which does what the trace of all its trips does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import (
    autograph,
    checkpoint,
    compile,
    fori_loop,
    grad,
    hessian,
    jacobian,
    jvp,
    math,
    scan,
    value_and_grad,
    vmap,
    where,
    while_loop,
)
from pygrad.control import scanning, traced

N = 12
KNOWN = np.random.default_rng(3).normal(size=(N, 2))


@pytest.fixture(autouse=True)
def _long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "UNROLLED_SCAN", 0)


@pytest.fixture
def by_trips(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What a call gives whose scans are traced trip by trip."""

    def run(f: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(traced, "ROLLED", False)
            return f()

    return run


@pytest.fixture
def rolled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the scans were that stand in a program once."""
    found: list[int] = []

    def noted(body: Any, items: Any, columns: Any, length: int, reverse: bool) -> Any:
        found_now = scanning_of_program(body, items, columns, length, reverse)
        found.append(length)
        return found_now

    scanning_of_program = scanning.scan_of_program
    monkeypatch.setattr(scanning, "scan_of_program", noted)
    return found


def sums(x: Any, zs: Any) -> Any:
    """State and what is made, of what is given and what is captured."""
    s, ys = scan(lambda s, z: (math.sin(s) + z * x, s * x + z), x, zs)
    return s + (ys * ys).sum()


def two_ways(x: Any, zs: Any) -> Any:
    back = scan(lambda s, z: ((s[1], s[0] * 0.5 + z), s[0] - z), (x, 1.0), zs, reverse=True)
    return scan(lambda s, y: (s * 0.9 + y, None), back[0][0], back[1])[0]


def of_known(x: Any, zs: Any) -> Any:
    def step(s: Any, row: Any) -> tuple[Any, Any]:
        return s * math.exp(0.1 * row["k"][0]) + row["k"][1] * x, (s, row["z"] * s)

    s, (a, b) = scan(step, 1.0, {"k": KNOWN, "z": list(zs)})
    return s + (a * b).sum()


def nothing_given(x: Any, zs: Any) -> Any:
    s, ys = scan(lambda s, _: (s * x + zs[0], {"y": s > 0.5, "z": s}), 0.5, None, length=N)
    return s + where(ys["y"][3], ys["z"][4], 0.0)


def unused(x: Any, zs: Any) -> Any:
    xs = np.stack([zs, KNOWN[:, 0], zs * x], axis=1)
    return scan(lambda s, row: (s + row[2] ** 2, x), 0.0, xs)[0]


def no_state(x: Any, zs: Any) -> Any:
    return (scan(lambda s, z: ((), math.tanh(z * x)), (), zs)[1] ** 2).sum()


def nested(x: Any, zs: Any) -> Any:
    def step(s: Any, z: Any) -> tuple[Any, Any]:
        t, us = scan(lambda t, u: (t * u + z, t), s, np.stack([zs[0], z, s]), reverse=True)
        return 0.5 * math.tanh(t), us.sum()

    s, ys = scan(step, x, zs[:5])
    return s + (ys * ys).sum()


def with_loops(x: Any, zs: Any) -> Any:
    def step(s: Any, z: Any) -> tuple[Any, Any]:
        n, t = while_loop(lambda a: a[1] < 2.0, lambda a: (a[0] + 1, a[1] + 0.5 + z * z), (0, s))
        return fori_loop(0, 2, lambda i, a: a - 0.3 * i * a, t), checkpoint(math.sin)(t) + n

    s, ys = scan(step, x, zs)
    return s + ys.sum()


def in_a_loop(x: Any, zs: Any) -> Any:
    def trip(state: Any) -> Any:
        i, y = state
        s, ys = scan(lambda s, z: (s * 0.5 + z * x, s * z), y, zs)
        return i + 1, math.tanh(s + ys.sum())

    return while_loop(lambda state: state[0] < 1.0 + 2.0 * x, trip, (0.0, x))[1]


CASES = [sums, two_ways, of_known, nothing_given, unused, no_state, nested, with_loops, in_a_loop]
DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "gradient": lambda f: grad(f, argnums=(0, 1)),
    "forward": lambda f: lambda x, zs: jvp(f, (x, zs), (1.0, KNOWN[:, 1]))[1],
    "twice": lambda f: grad(lambda x, zs: (grad(f, argnums=1)(x, zs) * KNOWN[:, 0]).sum()),
    "by rows of": lambda f: grad(lambda x, zs: grad(f)(x, zs), argnums=1),
}


def flat(result: Any) -> Any:
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("of", DERIVATIVES)
def test_it_is_what_all_its_trips_are(
    f: Callable[..., Any], of: str, by_trips: Callable[..., Any], rolled: list[int]
) -> None:
    rng = np.random.default_rng(1)
    g = DERIVATIVES[of](f)
    for rows in (1, 64, 67):
        x, zs = rng.uniform(0.2, 1.2, rows), rng.normal(size=(rows, N))
        call = compile(vmap(g))
        found, expected = call(x, zs), by_trips(lambda: compile(vmap(g))(x, zs))  # noqa: B023
        assert len(call.programs) == 1
        tolerance = 0.0 if of == "value" else 1e-11 * (1.0 + np.abs(flat(expected)).max())
        np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-11, atol=tolerance)
    one, eager = compile(g)(x[0], zs[0]), g(x[0], zs[0])
    np.testing.assert_allclose(flat(one), flat(eager), rtol=1e-8, atol=1e-9)
    assert rolled


def compiled_sum(length: int) -> Any:
    zs = np.linspace(-1.0, 1.0, length)
    call = compile(vmap(grad(lambda x: scan(lambda s, z: (s * x + z, None), x, zs)[0])))
    call(np.array([0.5, 0.25]))
    return call


def test_a_program_has_one_body_whatever_the_length_and_numbers_that_are_known_are_none_of_its() -> (
    None
):
    assert compiled_sum(20).programs == compiled_sum(20_000).programs


def test_a_jacobian_is_as_sparse_as_that_of_all_trips(by_trips: Callable[..., Any]) -> None:
    sparse = pytest.importorskip("scipy.sparse")

    def each(x: Any) -> Any:
        return scan(lambda s, z: (s, z * z), 0.0, x)[1]

    def neighbours(x: Any) -> Any:
        return scan(lambda s, z: (z, s * z), x[0], x, reverse=True)[1]

    def inner(x: Any) -> Any:
        return scan(
            lambda s, z: (z, scan(lambda a, b: (a * b, a), s, np.stack([z, s]))[0]), 1.0, x
        )[1]

    def before(x: Any) -> Any:
        return scan(lambda s, z: (s + z * z, math.sin(s)), 0.0, x)[1]

    x = np.linspace(0.5, 2.0, 30)
    for f in (each, neighbours, inner, before):
        found = compile(jacobian(f, sparse=True))(x)
        expected = by_trips(lambda: compile(jacobian(f, sparse=True))(x))  # noqa: B023
        assert sparse.issparse(found) and found.nnz == expected.nnz
        np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-12)
        squares = compile(hessian(lambda x: (f(x) ** 2).sum()))  # noqa: B023
        np.testing.assert_allclose(squares(x), hessian(lambda x: (f(x) ** 2).sum())(x), rtol=1e-9)  # noqa: B023


def test_what_needs_the_trips_one_by_one_is_traced_so(rolled: list[int]) -> None:
    """x that is a number where the function is traced may be asked, as it may be outside traces."""
    table = [1.0, 0.5, 0.25]

    def f(y: Any) -> Any:
        s, ys = scan(
            lambda s, i: (s + table[int(i)] * y if i > 0 else s * y, s), y, np.array([2, 0, 1])
        )
        return s + ys.sum()

    assert compile(vmap(f))(np.array([0.5, 2.0])).tolist() == [f(0.5), f(2.0)]
    assert rolled == []

    def caught(y: Any) -> Any:
        def step(s: Any, x: Any) -> Any:
            try:
                return s + x / y, None
            except ZeroDivisionError:
                return s, None

        return scan(step, 1.0, [1.0, 2.0])[0]

    assert compile(vmap(caught))(np.array([0.5, 0.0])).tolist() == [7.0, 1.0]
    assert rolled == []


def test_lengths_0_and_1(rolled: list[int]) -> None:
    def f(x: Any) -> Any:
        none, empty = scan(lambda s, z: (s * z, s + z), x, np.zeros(0))
        one, ys = scan(lambda s, z: (s * z, s + z), none, [x])
        return one + ys.sum() + empty.sum()

    assert compile(vmap(value_and_grad(f)))(np.array([3.0]))[1].tolist() == [8.0]
    assert rolled == [1]


def test_truths_stay_truths() -> None:
    def f(x: Any) -> Any:
        turns, on = np.array([True, False, True]), [x > 0.5, x > 0.25, False]
        s, ys = scan(lambda s, t: (where(t[0], s * 2.0, s + x), t[1] & (s > 1.0)), x, (turns, on))
        return s, (ys * 1.0).sum(), ys

    for x in (0.3, 0.6, 2.0):
        s, count, ys = compile(f)(x)
        assert (s, count, ys.tolist()) == (f(x)[0], f(x)[1], f(x)[2].tolist())
        assert ys.dtype == bool


def test_rows_of_the_other_branch_make_nothing_and_raise_nothing() -> None:
    @autograph
    def step(s: Any, z: Any) -> Any:
        if s > 6.0:
            raise ArithmeticError("too much")
        return s + z, 1.0 / z

    @autograph
    def f(x: Any) -> Any:
        if x > 0:
            s, ys = scan(step, x, [x] * 4)
            return s + ys.sum()
        return x

    call = compile(vmap(value_and_grad(f)))
    value, slope = call(np.array([1.0, 0.0, -1.0, 1.25]))
    assert value.tolist() == [9.0, 0.0, -1.0, f(1.25)] and slope.tolist()[:3] == [1.0, 1.0, 1.0]
    with pytest.raises(ArithmeticError, match="too much"):
        call(np.array([1.0, 3.0]))
