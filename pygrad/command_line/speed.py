"""What `pygrad bench` measures: a few figures of pygrad's speed on this machine, in some seconds.

They show whether an installation is as fast as it should be. The benchmarks in the repository compare with
other libraries, in processes of their own.
"""

from __future__ import annotations

import gc
import random
import time
import timeit
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pygrad
from pygrad.progress import Report, progress

INPUTS = 100  # of the function whose gradient is timed
ROWS = 2000
NODES = 200_000


class Figure(NamedTuple):
    """One measurement: seconds of pygrad, and of what it stands beside, if anything."""

    what: str
    seconds: float
    beside: str = ""
    beside_seconds: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times faster pygrad is, if something stands beside it."""
        return None if self.beside_seconds is None else self.beside_seconds / self.seconds


class Skipped(NamedTuple):
    """A measurement that cannot be made here, and why."""

    what: str
    why: str


def measure(seconds: float = 0.3, report: Report = True) -> list[Figure | Skipped]:
    """Measure, for about so many seconds each; results of different implementations are compared.

    ``report`` is as in pygrad.progress. RuntimeError if results differ that should not.
    """
    found = []
    with progress(len(_MEASUREMENTS), "measuring", report) as bar:
        for measurement in _MEASUREMENTS:
            found += list(measurement(seconds))
            bar.advance()
    return found


def rosenbrock(x: Any) -> Any:
    """The function whose gradient is timed: a sum over pairs of neighbours."""
    total = 0.0
    for a, b in zip(x, x[1:]):  # noqa: B905, RUF007  (as a user would write it)
        total = total + 100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2
    return total


def _point() -> list[float]:
    rng = random.Random(1)
    return [rng.uniform(-1.0, 1.0) for _ in range(INPUTS)]


def _gradient(kind: Any, point: Sequence[float]) -> list[float]:
    """The gradient by one implementation of Value, as a user of micrograd would compute it."""
    x = [kind(number) for number in point]
    rosenbrock(x).backward()
    return [v.grad for v in x]


# -- the measurements -------------------------------------------------------------------------------


def _operation(seconds: float) -> Iterator[Figure]:
    from pygrad.value import Value

    ours, theirs = (
        _best(timeit.Timer("a * b", "import gc; gc.enable()", globals={"a": a, "b": b}), seconds)
        for a, b in ((Value(6.0), Value(10.0)), (6.0, 10.0))
    )
    yield Figure("one a * b with its release", ours, "Python float", theirs)


def _sweep(seconds: float) -> Iterator[Figure]:
    from pygrad.value import Value

    a, b, v = Value(1.0), Value(0.5), Value(0.0)
    for _ in range(NODES // 2):
        v = a * v + b
    per_node = _best(timeit.Timer(v.backward), seconds) / (NODES + 3)
    yield Figure(f"backward() over {NODES:,} nodes, per node", per_node)


def _eager(seconds: float) -> Iterator[Figure]:
    from pygrad import reference, value

    point = _point()
    if _gradient(value.Value, point) != _gradient(reference.Value, point):
        raise RuntimeError("the compiled implementation and the reference differ")
    ours, theirs = (
        _best(timeit.Timer(lambda kind=kind: _gradient(kind, point)), seconds)  # type: ignore[misc]
        for kind in (value.Value, reference.Value)
    )
    what = f"gradient of {INPUTS} inputs, built and swept"
    yield Figure(what, ours, "reference, plain Python", theirs)


def _programs(seconds: float) -> Iterator[Figure | Skipped]:
    one, rows = f"gradient of {INPUTS} inputs, compile()", "the same over rows, vmap(), per row"
    if pygrad.IMPLEMENTATION != "compiled":
        why = "PYGRAD_IMPL=reference has none"
        yield from (Skipped(one, why), Skipped(rows, why))
        return
    import numpy as np

    point = _point()
    eager = _best(timeit.Timer(lambda: _gradient(pygrad.Value, point)), seconds)
    program = pygrad.compile(pygrad.grad(rosenbrock))
    over_rows = pygrad.compile(pygrad.vmap(pygrad.grad(rosenbrock)))
    array = np.array(point)
    table = np.tile(array, (ROWS, 1))
    expected = np.array(_gradient(pygrad.Value, point))
    for name, result in ((one, program(array)), (rows, over_rows(table))):
        if not np.allclose(result, expected, rtol=1e-12, atol=0):
            raise RuntimeError(f"{name}: the result differs from the eager one")
    yield Figure(one, _best(timeit.Timer(lambda: program(array)), seconds), "pygrad, eager", eager)
    per_row = _best(timeit.Timer(lambda: over_rows(table)), seconds) / ROWS
    yield Figure(rows, per_row, "pygrad, eager", eager)


_MEASUREMENTS: list[Callable[[float], Iterator[Figure | Skipped]]] = [
    _operation,
    _sweep,
    _eager,
    _programs,
]


def _best(timer: timeit.Timer, seconds: float) -> float:
    """The least time of a call: of ten samples at most, each over many calls, in about so many seconds."""
    timer.timeit(1)
    once = max(timer.timeit(1), 1e-8)
    calls = max(1, int(seconds / 10 / once))
    end = time.perf_counter() + seconds
    samples: list[float] = []
    while len(samples) < 10 and (not samples or time.perf_counter() < end):
        gc.collect(0)
        samples.append(timer.timeit(calls) / calls)
    return min(samples)


# -- words ------------------------------------------------------------------------------------------


def quantity(seconds: float) -> str:
    """A time with three digits and its unit.

    >>> quantity(2.5e-8), quantity(0.0125)
    ('25.0 ns', '12.5 ms')
    """
    scales = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
    scale, unit = next((s for s in scales if seconds >= s[0]), (1e-9, "ns"))
    number = seconds / scale
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f} {unit}"


def table(figures: Sequence[Figure | Skipped]) -> str:
    """The figures as lines of text."""
    lines = []
    for figure in figures:
        if isinstance(figure, Skipped):
            lines.append((figure.what, "skipped", figure.why, ""))
        elif figure.beside_seconds is None:
            lines.append((figure.what, quantity(figure.seconds), "", ""))
        else:
            ratio = figure.beside_seconds / figure.seconds
            words = f"{max(ratio, 1 / ratio):.3g} times {'faster' if ratio >= 1 else 'slower'}"
            beside = f"{figure.beside}: {quantity(figure.beside_seconds)}"
            lines.append((figure.what, quantity(figure.seconds), beside, words))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
