"""Packages from PyPI that were not written for pygrad: lifted, eager, compiled and in rows.

`pip install '.[test,corpus]'`, then `pytest -m corpus -s tests/corpus` prints the table.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import corpus
import numpy as np
import pytest

from pygrad import check_grad, compile, numeric, value_and_grad, vmap

pytestmark = [pytest.mark.corpus, pytest.mark.filterwarnings("ignore")]

TEXTS = corpus.EXPRESSIONS.split("\n")[1:-1]
ROWS = 200

# What does not run, by what it asks for.
OPEN = {
    "complex numbers": ("thermo.eos.PR", "thermo.eos.SRK"),
    "numpy.roots": ("numpy_financial.irr",),
    "scipy.special.iv": ("ht.hx.NTU_from_effectiveness",),
    "items of a scalar array": (
        "pymap3d.ecef2geodetic",
        "pymap3d.aer2geodetic",
    ),
}
# What runs, and has another slope than what it computes: a bisection's is that of a staircase.
STAIRCASES = ("psychrolib.GetTWetBulbFromRelHum", "helpers.wet_bulb_excess")
# What asks for integrals: eager values are SciPy's, those of programs are as near as `quad` is asked to be.
INTEGRALS = ("fluids.geometry.V_horiz_torispherical",)
_lines: list[tuple[str, float, float]] = []


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Prints the ratios to a loop of plain floats, when all have run."""
    yield
    print(
        f"\n{'value':>8} {'gradient':>8}  rows of a map, against a loop of floats without gradient"
    )
    for text, value, gradient in sorted(_lines, key=lambda line: line[1]):
        print(f"{value:7.1f}x {gradient:7.1f}x  {text}")
    if _lines:
        values, gradients = zip(*[line[1:] for line in _lines], strict=True)
        middle = [statistics.median(values), statistics.median(gradients)]
        print(f"{middle[0]:7.1f}x {middle[1]:7.1f}x  median of {len(_lines)}")


def is_open(text: str) -> bool:
    return text.startswith((*STAIRCASES, *(name for names in OPEN.values() for name in names)))


@pytest.mark.parametrize("text", [t for t in TEXTS if not is_open(t)])
def test_it_runs_and_is_right(text: str) -> None:
    entry = got(text)
    value, gradient = value_and_grad(entry.lifted)(entry.point)
    assert type(value) is float
    assert value == pytest.approx(entry.plain(entry.point), rel=1e-13)
    assert entry.lifted(entry.point) == entry.plain(entry.point)
    for i, found in enumerate(gradient):
        check_slope(entry, i, found)
    compiled = compile(value_and_grad(entry.lifted))(entry.point)
    assert compiled[0] == pytest.approx(value, rel=1.49e-8 if text.startswith(INTEGRALS) else 1e-12)
    assert compiled[1] == pytest.approx(gradient, rel=1e-9, abs=1e-12 * max(map(abs, gradient)))
    check_rows(entry)


def got(text: str) -> corpus.Entry:
    try:
        return corpus.entry(text)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed: pip install '.[corpus]'")


def check_slope(entry: corpus.Entry, i: int, found: float) -> None:
    """A slope against differences of the plain function, where these are worth anything."""

    def along(t: float) -> Any:
        return entry.plain([*entry.point[:i], t, *entry.point[i + 1 :]])

    x, y = entry.point[i], entry.plain(entry.point)
    try:
        estimate = numeric.numerical_derivative(along, x)
        again = numeric.numerical_derivative(along, x, 1e-6 * (abs(x) or 1.0))
    except (ValueError, ArithmeticError, TypeError):  # on an edge of what the package takes
        return
    scale = max(abs(float(estimate)), abs(y / x) if x else 0.0)
    if abs(float(estimate) - float(again)) > 1e-4 * scale:
        return  # it jumps or has a kink nearby
    assert found == pytest.approx(float(estimate), rel=1e-4, abs=2e-4 * scale), (i, entry.text)


def check_rows(entry: corpus.Entry) -> None:
    rng = np.random.default_rng(1)
    rows = np.array(entry.point) * (1 + 0.01 * rng.uniform(-1, 1, (ROWS, len(entry.point))))
    loop, expected = timed(lambda: [plain_or_nan(entry, row) for row in rows.tolist()])
    columns = list(rows.T)
    mapped, with_gradient = vmap(entry.lifted), vmap(value_and_grad(entry.lifted))
    mapped(columns), with_gradient(columns)  # traces
    value, found = timed(lambda: mapped(columns))
    gradient, both = timed(lambda: with_gradient(columns))
    known = np.isfinite(expected)
    assert known.sum() > ROWS / 2
    scale = np.max(np.abs(np.array(expected)[known]))
    assert np.array(found)[known] == pytest.approx(
        np.array(expected)[known], rel=1e-9, abs=1e-11 * scale
    )
    for k in np.flatnonzero(known)[:5]:
        _, eager = value_and_grad(entry.lifted)(rows[k].tolist())
        in_row = [column[k] for column in both[1]]
        assert in_row == pytest.approx(eager, rel=1e-9, abs=1e-12 * max(map(abs, eager)))
    _lines.append((entry.text, loop / value, loop / gradient))


def plain_or_nan(entry: corpus.Entry, row: list[float]) -> float:
    try:
        return float(entry.plain(row))
    except (ValueError, ArithmeticError):
        return math.nan


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run()
    return time.perf_counter() - began, result


@pytest.mark.parametrize("text", [t for t in TEXTS if is_open(t) and not t.startswith(STAIRCASES)])
def test_what_does_not_run_says_so(text: str) -> None:
    entry = got(text)
    with pytest.raises((TypeError, IndexError, ValueError)):
        value_and_grad(entry.lifted)(entry.point)


@pytest.mark.parametrize("text", [t for t in TEXTS if t.startswith(STAIRCASES)])
def test_a_bisections_slope_is_that_of_its_staircase(text: str) -> None:
    entry = got(text)
    value, gradient = value_and_grad(entry.lifted)(entry.point)
    assert value == entry.plain(entry.point)
    steep = numeric.numerical_derivative(
        lambda t: entry.plain([t, *entry.point[1:]]), entry.point[0], 0.1
    )
    assert gradient[0] != pytest.approx(float(steep), rel=0.01)
    row = check_grad(entry.lifted, entry.point).rows[0]
    assert row.verdict == "depends on the step", str(row)
    assert (row.exact, row.numerical) == (gradient[0], pytest.approx(float(steep), rel=0.01))


def test_enough_of_them_run() -> None:
    assert sum(not is_open(text) for text in TEXTS) >= 0.92 * len(TEXTS)
    assert len(TEXTS) >= 60
    assert len({text.partition(".")[0] for text in TEXTS}) >= 10
