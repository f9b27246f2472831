"""Rows without a path cost what a loop costs: over floats, or of derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, jacobian, no_grad, value_and_grad, vmap
from pygrad import math as pm
from pygrad.programs import rows_program, rows_uncompiled, worth

pytestmark = pytest.mark.filterwarnings("ignore:.*different paths")
ROWS = np.linspace(0.1, 50.0, 100)


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(worth, "MANY", worth.FREE)
    worth.forget_verdicts()
    yield
    worth.forget_verdicts()


def bisection(x: Any, scale: Any = 1.0) -> Any:
    low, high = 0.0 * x, 1.0 + x
    while high - low > 1e-12 * high:
        middle = 0.5 * (low + high)
        if middle * middle < x:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high) * scale


def losing(f: Callable[..., Any], *columns: Any) -> Any:
    """A map that is known to lose over these rows."""
    mapped = vmap(f)
    mapped(*columns)
    return mapped


def test_rows_that_raise_among_others() -> None:
    rows = np.where(np.arange(700) % 3 == 1, -1.0, np.linspace(0.1, 50.0, 700))

    def f(x: Any) -> Any:
        return bisection(abs(x)) + pm.log(x)

    with pytest.warns(RuntimeWarning, match="nan or inf"):
        found = losing(f, rows)(rows)
    assert np.array_equal(np.isnan(found), rows < 0.0)
    wanted = [f(float(x)) for x in rows if x > 0.0]
    assert found[rows > 0.0].tolist() == pytest.approx(wanted, rel=1e-14)  # some have a path


def test_no_row_runs_after_one_with_an_error() -> None:
    ran: list[Any] = []
    last, nothing = float(ROWS[40]), ()

    def f(x: Any) -> Any:
        ran.append(1)
        if x == last:
            return nothing[1]
        return bisection(x)

    mapped = losing(bisection, ROWS)
    assert mapped(ROWS).tolist() == [bisection(float(x)) for x in ROWS]
    of = rows_uncompiled.RowsUncompiled(f, rows_uncompiled.RowArguments([ROWS], 0, f))
    with pytest.raises(IndexError):
        of.run()
    assert len(ran) == 42  # on floats, and once more on Values


def test_progress_is_told_row_by_row() -> None:
    told: list[int] = []
    of = rows_uncompiled.RowsUncompiled(
        bisection, rows_uncompiled.RowArguments([ROWS], 0, bisection)
    )
    of.run(tell=told.append)
    assert told == [1] * len(ROWS)


def test_results_that_are_not_finite_and_of_other_kinds() -> None:
    def f(x: Any) -> Any:
        y = bisection(x)
        return y * math.inf if x > 25.0 else y

    with pytest.warns(RuntimeWarning, match="nan or inf"):
        found = losing(f, ROWS)(ROWS)
    assert found.tolist() == [f(float(x)) for x in ROWS]

    def truths(x: Any) -> Any:
        return bisection(x) > 3.0

    assert losing(truths, ROWS)(ROWS).tolist() == [truths(float(x)) for x in ROWS]


def test_a_derivative_by_some_arguments_gets_values_for_the_others() -> None:
    kinds: list[set[type]] = []

    def watched(x: Any, scale: Any) -> Any:
        kinds.append({type(x), type(scale)})
        return bisection(x, scale) ** 2

    scales = ROWS[::-1].copy()
    for of, by in ((value_and_grad, 0), (grad, 1), (jacobian, -1)):
        f = of(watched, by)
        mapped = losing(f, ROWS, scales)
        kinds.clear()
        found = np.array(mapped(ROWS, scales))
        assert len(kinds) == len(ROWS) and set().union(*kinds) == {Value}
        wanted = np.array(mapped.row_by_row([ROWS, scales]))
        assert np.array_equal(found, wanted)


def test_a_derivative_of_a_row_that_raises() -> None:
    def f(x: Any, scale: Any) -> Any:
        return bisection(x, scale) + 1.0 / (scale - 1.0)

    scales = np.where(ROWS > 40.0, 1.0, 2.0)
    with pytest.warns(RuntimeWarning, match="nan or inf"):
        value, slope = losing(value_and_grad(f), ROWS, scales)(ROWS, scales)
    assert np.array_equal(np.isinf(value), ROWS > 40.0)
    assert np.all(np.isfinite(slope))


def test_derivatives_lose_the_same_within_no_grad() -> None:
    mapped = losing(value_and_grad(bisection), ROWS, ROWS)
    with no_grad():
        quiet = np.array(mapped(ROWS, ROWS))
    assert np.array_equal(quiet, np.array(mapped(ROWS, ROWS)))
    assert np.array_equal(quiet, np.array(mapped.row_by_row([ROWS, ROWS])))


def test_a_derivative_with_captured_values() -> None:
    w = Value(2.0)
    mapped = losing(value_and_grad(lambda x, y: w * bisection(x, y)), ROWS, ROWS)
    assert np.array_equal(
        np.array(mapped(ROWS, ROWS)),
        np.array(vmap(value_and_grad(lambda x, y: 2.0 * bisection(x, y)))(ROWS, ROWS)),
    )
    found = grad(lambda v: vmap(grad(lambda x, y: v * bisection(x, y)))(ROWS, ROWS)[3])(2.0)
    assert found == pytest.approx(grad(bisection)(float(ROWS[3]), float(ROWS[3])))


class Tank:
    def __init__(self, gain: Any) -> None:
        self.gain, self.total = gain, 0.0

    def __call__(self, error: Any) -> Any:
        self.total += 0.1 * error
        flow = self.gain * error + 0.1 * self.total
        if flow > 1.0:
            flow = 1.0
            self.total -= 0.1 * error
        elif flow < 0.0:
            flow = 0.0
        return flow


def controlled(gain: Any, target: Any) -> Any:
    """Saturation, an object, and a steady state that is counted."""
    level, settled, controller = 0.5, 0, Tank(gain)
    for _ in range(60):
        level += 0.1 * (controller(target - level) - 0.5 * pm.sqrt(level))
        settled = settled + 1 if abs(level - target) < 0.001 else 0
        if settled > 3:
            break
    return level


def test_on_floats_few_paths_are_traced_for_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "MANY", 128)
    gains, targets = np.linspace(0.5, 3.0, 400), np.linspace(0.4, 1.8, 400)
    traces: list[int] = []

    def counted(*args: Any) -> Any:
        traces.append(1)
        return trace(*args)

    trace = rows_program.trace
    monkeypatch.setattr(rows_program, "trace", counted)
    mapped = vmap(controlled)
    wanted = [controlled(*row) for row in zip(gains.tolist(), targets.tolist(), strict=True)]
    counts = []
    for _ in range(3):
        before = len(traces)
        assert mapped(gains, targets).tolist() == pytest.approx(wanted, rel=1e-12)
        counts.append(len(traces) - before)
    # A trace takes as long as many rows; no call traces twice what it drops
    assert max(counts) <= 8
    before = len(traces)
    vmap(grad(controlled, (0, 1)))(gains, targets)
    assert len(traces) - before > 8  # its rows run on Values, though they are given floats
    compiled = compile(vmap(controlled))
    compiled(gains, targets)
    assert len(compiled.programs) > 8  # its later calls have use of them
