"""Ctrl-C at random instants of what pygrad does for long: state, modes, bits and latency afterwards.

    python tests/faults/interrupts.py [--json FILE] [--share] [--count N] [--seed N] [--only NAME]

Each scenario is a call that is interrupted again and again. After each interrupt what the call changes is
as it was before, or as it is after the whole call; no mode is on; the same call then works and gives the
same bits. How late the exception leaves pygrad counts from the instant for which the signal was set.
"""

from __future__ import annotations

import gc
import math
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

from figures import Figures
from figures import parser as figures_parser
from interrupt_scenarios import SCENARIOS, Scenario, bits

from pygrad import Value, _native, grad

SOON = 0.050  # seconds
LONGEST_WAIT = 20.0  # for a scenario whose call ends before each signal


class Interrupted(NamedTuple):
    late: float  # seconds by the clock
    busy: float  # of the processor's, in the same time; more than late where threads run


def interrupted(call: Callable[[], Any], after: float) -> Interrupted | None:
    """How late the interrupt left the call; None if the call ended before."""
    began, used = time.perf_counter(), time.process_time()
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        return None
    except KeyboardInterrupt:
        late = time.perf_counter() - began - after
        spent = time.process_time() - used
        return Interrupted(late, max(0.0, min(late, spent)))


def modes_that_are_on() -> str:
    x = Value(2.0)
    on = {
        "no_grad": _native.in_no_grad() or not (x * 2)._children,
        "debug_nans": bool(_native.watching()),
        "a recording": _native.any_active(),
        "a trace": _native.trace_active(),
        "a recording, in effect": type(grad(lambda v: v * v)(2.0)) is not float,
    }
    return ", ".join(name for name, is_on in on.items() if is_on)


class Outcome:
    """What was found wrong, and how late interrupts were."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.busy: list[float] = []
        self.halves: list[str] = []
        self.modes: list[str] = []
        self.others: list[str] = []
        self.missed: list[str] = []


def attack(name: str, count: int, seed: int, outcome: Outcome) -> None:
    choose = random.Random(f"{name} {seed}")
    s = SCENARIOS[name]()
    s.reset()
    before = s.state()
    expected = bits(s.call())
    after = s.state()
    took = duration(s)
    done, end = 0, time.perf_counter() + LONGEST_WAIT + count * 20 * took
    while done < count and time.perf_counter() < end:
        s.reset()
        found = interrupted(s.call, max(1e-6, took * choose.uniform(0.0, 1.02)))
        if found is None:
            continue
        done += 1
        outcome.late.append(found.late)
        outcome.busy.append(found.busy)
        state = s.state()
        if state not in (before, after):
            outcome.halves.append(f"{name}, interrupt {done}")
        if on := modes_that_are_on():
            outcome.modes.append(f"{name}, interrupt {done}: {on}")
        if state == after and before != after:
            s.reset()
        if bits(s.call()) != expected:
            outcome.others.append(f"{name}, interrupt {done}")
    if done < count:
        outcome.missed.append(f"{name}: {done} of {count}")


def duration(s: Scenario) -> float:
    times = []
    for _ in range(3):
        s.reset()
        start = time.perf_counter()
        s.call()
        times.append(time.perf_counter() - start)
    return min(times)


def percentile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else 0.0


def figures(outcome: Outcome, count: int, soon: float) -> Figures:
    found = Figures("Interrupts at random instants")
    found.add("scenarios", len(SCENARIOS), "25 at least", len(SCENARIOS) >= 25)
    found.add("interrupts", len(outcome.late), f"{count:,}", not outcome.missed)
    found.none_of("grads, data or files half changed", len(outcome.halves))
    found.none_of("modes left on", len(outcome.modes))
    found.none_of("calls that gave other bits afterwards", len(outcome.others))
    worst, middle = percentile(outcome.busy, 0.99), percentile(outcome.late, 0.5)
    limit = f"{1e3 * soon:.0f}" if soon < math.inf else ""
    found.add(
        "latency in ms of the processor's time, 99 of 100",
        round(1e3 * worst, 1),
        limit,
        worst <= soon,
    )
    by_clock = round(1e3 * percentile(outcome.late, 0.99), 1)
    found.add("latency in ms by the clock, 99 of 100", by_clock)
    found.add(
        "latency in ms by the clock, half of them", round(1e3 * middle, 1), limit, middle <= soon
    )
    return found


def main() -> int:
    parser = figures_parser((__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, help="interrupts (10,000; of a share 800)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--untimed",
        action="store_true",
        help="latencies have no limit: the machine is busy, or C is slow",
    )
    parser.add_argument("--only", help="scenarios whose names contain this")
    options = parser.parse_args()
    count = options.count or (800 if options.share else 10_000)
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    names = [name for name in SCENARIOS if options.only is None or options.only in name]
    outcome = Outcome()
    for i, name in enumerate(names):
        share = count * (i + 1) // len(names) - count * i // len(names)
        start, so_far = time.perf_counter(), len(outcome.late)
        attack(name, share, options.seed, outcome)
        gc.collect()
        busy = outcome.busy[so_far:]
        print(
            f"{name}: {len(busy)} interrupts, latency {1e3 * percentile(busy, 0.99):.1f} ms, "
            f"{time.perf_counter() - start:.1f} s",
            flush=True,
        )
    signal.signal(signal.SIGALRM, old)
    for line in [*outcome.halves, *outcome.modes, *outcome.others, *outcome.missed][:40]:
        print(f"  {line}")
    return figures(outcome, count, math.inf if options.untimed else SOON).finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
