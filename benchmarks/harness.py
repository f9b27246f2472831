"""What every benchmark shares: worker processes, timing, the machine's description, tables.

A benchmark is a script with a dict of `Side`s (the same work done by different libraries) and a
function `compare(quick)` that runs them, checks that their results agree and returns `Row`s for the
speed table. A side runs in a process of its own: the script itself, started again with `--side`.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple


class Failed(SystemExit):
    """Ends a benchmark, with the reason as its text; run.py goes on with the next one."""


class Aborted(Failed):
    """A side was ended by a signal: that of a library's own abort(), or of a fault in it."""


class Side(NamedTuple):
    """One way to do the work: `run(**options)` returns something JSON can carry."""

    run: Callable[..., Any]
    needs: tuple[str, ...] = ()  # names to import
    tools: tuple[str, ...] = ()  # programs on the PATH


class Row(NamedTuple):
    """One line of the speed table."""

    what: str
    pygrad: str
    other: str
    ratio: str
    target: str
    met: bool | None  # None: nothing was promised

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text under COLUMNS; says so if the target was missed."""
        missed = " (missed)" if self.met is False else ""
        return self.what, self.pygrad, self.other, self.ratio, self.target + missed


COLUMNS = ("what", "pygrad", "other", "ratio", "target")

# compare(quick) of a benchmark
Compare = Callable[[bool], "list[Row]"]


# --- processes ------------------------------------------------------------------------------------


def run_side(
    script: str,
    side: str,
    env: dict[str, str] | None = None,
    cores: int | None = None,
    **options: Any,
) -> Any:
    """The result of one side of a script, run in a fresh process, on so many cores if that is said.

    What it imports is compiled already, as installers leave it, once an earlier process has imported it.

    Raises:
        Failed: the process has ended with an error.
        Aborted: it was ended by a signal.
    """
    command = [sys.executable, script, "--side", side, "--options", json.dumps(options)]
    settings = {**os.environ, **(env or {})}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command + (["--cores", str(cores)] if cores else []),
        check=False,
        stdout=subprocess.PIPE,
        env=settings,
        text=True,
    )
    if done.returncode != 0:
        name = os.path.basename(script)
        kind = Aborted if done.returncode < 0 else Failed
        raise kind(f"{name}: side {side!r} ended with code {done.returncode}")
    return json.loads(done.stdout)


def run_sides(
    script: str, sides: dict[str, Side], rounds: int, options: dict[str, dict[str, Any]]
) -> dict[str, list[Any]]:
    """The results of each side that can run, one per round; sides take turns within a round."""
    able = {name: side for name, side in sides.items() if can_run(name, side)}
    results: dict[str, list[Any]] = {name: [] for name in able}
    for _ in range(rounds):
        for name in able:
            results[name].append(run_side(script, name, **options.get(name, {})))
    return results


def agree(script: str, sides: dict[str, Side], *, rel: float, **options: Any) -> list[str]:
    """Compares the results of all sides that can run, before any is timed; the names of those that did.

    A side takes `options` and `seconds`, how long it shall measure (here 0: not at all), and returns
    a dict with its numbers as "result". The first side's are what the others' have to agree with.
    One of the others that aborts is said to, and left out.

    Raises:
        Failed: results differ by more than `rel`, or the first side has none.
    """
    results: dict[str, Any] = {}
    for name, side in sides.items():
        try:
            if can_run(name, side):
                results[name] = run_side(script, name, **options, seconds=0.0)["result"]
        except Aborted as error:
            if not results:
                raise
            print(f"aborted: {error}")
    names = list(results)
    for name in names[1:]:
        check_equal(f"{name} and {names[0]}", results[name], results[names[0]], rel)
    return names


def race(
    script: str,
    sides: dict[str, Side],
    rounds: int,
    *,
    rel: float,
    seconds: float,
    per: int = 1,
    **options: Any,
) -> dict[str, list[float]]:
    """The time of each side that can run, one a round, once all have given the same results.

    Sides are as for `agree`, and give a time as `timed` does; one that aborts has no times. Times are
    divided by `per`, as in "per row"; `cores` among the options is for `run_side`.
    """
    able = {name: side for name, side in sides.items() if can_run(name, side)}
    ran = agree(script, able, rel=rel, **options)
    given = {**options, "seconds": seconds}
    results = run_sides(
        script, {name: able[name] for name in ran}, rounds, dict.fromkeys(ran, given)
    )
    times = {name: [run["seconds"] / per for run in runs] for name, runs in results.items()}
    show_samples(times)
    return {name: times.get(name, []) for name in able}


def slopes_side(make: Callable[[bool], Callable[[], Any]], *needs: str) -> Side:
    """A side of `race_with_slopes`: make gives what is timed, without slopes or with them."""

    def run(slopes: bool, seconds: float) -> dict[str, Any]:
        call = make(slopes)
        return timed(call, list(call()), seconds)

    return Side(run, needs)


def race_with_slopes(
    script: str,
    sides: dict[str, Side],
    what: str,
    rows: int,
    *,
    rel: float,
    targets: dict[tuple[str, bool], float],
    quick: bool,
) -> list[Row]:
    """Values, and values with slopes: the first side beside each of the others, on one core."""
    rounds, seconds = (1, 0.05) if quick else (3, 0.5)
    found: list[Row] = []
    for slopes in (False, True):
        times = race(
            script,
            sides,
            rel=rel,
            per=rows,
            rounds=rounds,
            seconds=seconds,
            cores=1,
            slopes=slopes,
        )
        ours = times.pop(next(iter(sides)))
        named = f"{what}, {rows:,} rows{', value + slope' if slopes else ''}: a row"
        found += [
            versus(named, ours, name, theirs, at_least=targets.get((name, slopes)))
            for name, theirs in times.items()
        ]
    return found


def scratch() -> str:
    """A folder that this process alone has, gone when it ends: what it compiles is not there already."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return folder.name


def cores() -> list[int]:
    """The processor's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to(count: int) -> None:
    """Let this process use no more than so many cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores()[-count:])


def can_run(name: str, side: Side) -> bool:
    """Whether all that a side needs is installed; says so if not."""
    missing = [package for package in side.needs if importlib.util.find_spec(package) is None]
    missing += [tool for tool in side.tools if shutil.which(tool) is None]
    if missing:
        print(f"skipped: {name}, not installed: {', '.join(missing)}; see benchmarks/run.py")
    return not missing


def main(sides: dict[str, Side], compare: Compare, description: str | None) -> None:
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats, rougher figures")
    parser.add_argument("--side", choices=sides, help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, default={}, help=argparse.SUPPRESS)
    parser.add_argument("--cores", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cores:
        keep_to(arguments.cores)
    if arguments.side:
        print(json.dumps(sides[arguments.side].run(**arguments.options)))
        return
    print(machine())
    print(versions(package for side in sides.values() for package in side.needs))
    print()
    rows = compare(arguments.quick)
    print()
    print(table(COLUMNS, [row.cells for row in rows]))


# --- timing ---------------------------------------------------------------------------------------


def seconds_per_call(call: Callable[[], object], samples: int, seconds: float = 0.1) -> list[float]:
    """Samples of the mean time of a call, each over calls that take about `seconds`.

    The mean over many calls includes the garbage collector's turns, which a single call may miss.
    """
    call()
    start = time.perf_counter()
    call()
    calls = max(1, math.ceil(seconds / (time.perf_counter() - start)))
    result = []
    for _ in range(samples):
        start = time.perf_counter()
        for _ in repeat(None, calls):
            call()
        result.append((time.perf_counter() - start) / calls)
    return result


def least_seconds(call: Callable[[], object], seconds: float) -> float:
    """The least time of a call, among samples of a millisecond or more that take `seconds` in all.

    For calls that allocate next to nothing: the least of many short samples is what the machine can
    do, even if it does something else in between.
    """
    call()
    start = time.perf_counter()
    call()
    calls = max(1, math.ceil(1e-3 / (time.perf_counter() - start)))
    least, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end or least == math.inf:
        start = time.perf_counter()
        for _ in repeat(None, calls):
            call()
        least = min(least, (time.perf_counter() - start) / calls)
    return least


def least_of_each(calls: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Seconds of each call: the least of many samples, taken in turns."""
    least = dict.fromkeys(calls, math.inf)
    for call in calls.values():
        for _ in range(3):
            call()
    for _ in range(5):
        for name, call in calls.items():
            least[name] = min(least[name], least_seconds(call, seconds / 5))
    return least


def timed(call: Callable[[], object], result: Iterable[Any], seconds: float) -> dict[str, Any]:
    """What a side of a `race` returns: its numbers, and its time unless seconds is 0."""
    numbers = [float(number) for number in result]
    return {"result": numbers, "seconds": least_seconds(call, seconds) if seconds else None}


def show_samples(samples: dict[str, list[float]], unit: str = "") -> None:
    """Print the median and the range of the samples of each side."""
    rows = [
        (name, *(quantity(f(s), unit) for f in (statistics.median, min, max)), str(len(s)))
        for name, s in samples.items()
    ]
    print(table(("side", "median", "least", "most", "samples"), rows))


# --- results --------------------------------------------------------------------------------------


def check_equal(
    what: str, first: Sequence[float], second: Sequence[float], rel: float, least: float = 0.0
) -> None:
    """Print the largest relative difference of two sequences (over their common length).

    Of numbers below `least` the difference counts as relative to that.

    Raises:
        Failed: it is larger than `rel`, or there is nothing to compare.
    """
    pairs = list(zip(first, second, strict=False))
    worst = max(
        (0.0 if a == b else abs(a - b) / max(abs(a), abs(b), least) for a, b in pairs),
        default=math.nan,
    )
    if not worst <= rel:
        raise Failed(f"check failed: {what} differ by {worst:.1e} relative, allowed {rel:.0e}")
    agreement = "to the last bit" if worst == 0 else f"within {worst:.1e} relative"
    print(f"check: {what} agree {agreement} ({len(pairs)} numbers)")


def versus(
    what: str,
    pygrad: Sequence[float],
    other_name: str,
    other: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """A row that compares the medians of two samples of seconds.

    The ratio is how many times faster pygrad is; with `at_most`, how many times slower. There is none
    where the other side has no samples, since it aborts.
    """
    if not other:
        return Row(what, quantity(statistics.median(pygrad)), f"{other_name}: aborts", "", "", None)
    ours, theirs = statistics.median(pygrad), statistics.median(other)
    ratio = theirs / ours if at_most is None else ours / theirs
    text = f"{ratio:.0f}x" if ratio >= 20 else f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"
    target, met = _target(ratio, "x", at_least, at_most)
    return Row(what, quantity(ours), f"{other_name}: {quantity(theirs)}", text, target, met)


def figure(
    what: str,
    samples: Sequence[float],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """A row for a figure that stands for itself."""
    median = statistics.median(samples)
    target, met = _target(median, f" {unit}", at_least, at_most)
    return Row(what, quantity(median, unit), "", "", target, met)


def _target(
    value: float, unit: str, at_least: float | None, at_most: float | None
) -> tuple[str, bool | None]:
    if at_least is not None:
        return f">= {at_least:g}{unit}", value >= at_least
    if at_most is not None:
        return f"<= {at_most:g}{unit}", value <= at_most
    return "", None


# --- words ----------------------------------------------------------------------------------------


def quantity(value: float, unit: str = "") -> str:
    """Three digits and a unit; without a unit the value is in seconds."""
    if not unit:
        scales = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
        scale, unit = next((s for s in scales if value >= s[0]), (1e-9, "ns"))
        value /= scale
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"


def machine() -> str:
    """The processor, its cores, the system and how busy it is."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.partition(":")[2].strip() for line in file if "model name" in line]
        name = models[0] if models else name
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    return f"machine: {name}, {os.cpu_count()} cores, {platform.system()}{load}"


def versions(packages: Any) -> str:
    """Python's version and those of pygrad and the packages that are installed."""
    found = [f"{platform.python_implementation()} {platform.python_version()}"]
    names = {"pygrad": "pygrad-core", "warp": "warp-lang"}  # of what is imported by another
    for package in dict.fromkeys(names.get(name, name) for name in ("pygrad", *packages)):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} (not installed)")
        if package == "pygrad-core" and os.environ.get("PYGRAD_IMPL"):
            found[-1] += f" with PYGRAD_IMPL={os.environ['PYGRAD_IMPL']}"
    return "versions: " + ", ".join(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text."""
    return "\n".join("  ".join(line).rstrip() for line in _aligned(head, rows))


def markdown(rows: Sequence[Row]) -> str:
    """The speed table in Markdown."""
    lines = _aligned(COLUMNS, [row.cells for row in rows])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """All cells of a column equally wide, a rule below the head."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for row in (head, ["-" * width for width in widths], *rows)
    ]
