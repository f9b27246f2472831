"""How fast eager code runs while another Python thread is busy, in percent of its speed alone.

The interpreter hands its lock over every 5 ms, so a thread that keeps it in between gets half the
time. A library that lets go of the lock at every operation has to wait for it at every operation.
The same share for plain Python floats stands beside it.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable

import harness
from harness import Row, Side


def work(number: Callable[[float], object]) -> object:
    """Some hundred operations, and the sweep through them if they are on Values."""
    x, y = number(0.5), number(2.0)
    for _ in range(100):
        y = (y * x + 1.0) / (y + x)  # type: ignore[operator]
    if not isinstance(y, float):
        y.backward()  # type: ignore[attr-defined]
    return y


def throughput(number: Callable[[float], object], seconds: float) -> float:
    """Calls of `work` per second, over that time."""
    calls = 0
    start = time.perf_counter()
    while time.perf_counter() < start + seconds:
        work(number)
        calls += 1
    return calls / (time.perf_counter() - start)


def measure(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Calls per second alone and beside a busy thread, taking turns."""
    kinds = {"pygrad": importlib.import_module("pygrad").Value, "float": float}
    samples: dict[str, dict[str, list[float]]] = {}
    for name, number in kinds.items():
        samples[name] = {"alone": [], "beside a busy thread": []}
        throughput(number, seconds / 4)  # warm up
        for _ in range(rounds):
            samples[name]["alone"].append(throughput(number, seconds))
            stop = threading.Event()
            busy = threading.Thread(target=spin, args=(stop,))
            busy.start()
            try:
                samples[name]["beside a busy thread"].append(throughput(number, seconds))
            finally:
                stop.set()
                busy.join()
    return samples


def spin(stop: threading.Event) -> None:
    while not stop.is_set():
        pass


SIDES = {"contention": Side(measure, ("pygrad",))}


def compare(quick: bool) -> list[Row]:
    options = {"contention": {"rounds": 3 if quick else 9, "seconds": 0.5}}
    results = harness.run_sides(__file__, SIDES, 1, options)
    rows = []
    for kinds in results.get("contention", []):
        calls = {f"{kind}, {when}": s for kind, two in kinds.items() for when, s in two.items()}
        harness.show_samples(calls, "calls/s")
        shares = {
            kind: [100 * busy / alone for alone, busy in zip(*two.values(), strict=True)]
            for kind, two in kinds.items()
        }
        harness.show_samples(shares, "%")
        rows.append(
            harness.figure(
                "eager speed beside a busy Python thread", shares["pygrad"], "%", at_least=40
            )
        )
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
