"""Signals at random instants while modes are entered and left: afterwards none is on."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable
from typing import Any

from pygrad import Value, _native, compile, debug_nans, grad, no_grad, vmap

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
LONGEST = 4e-4  # seconds until the signal


def cube(x: Any) -> Any:
    return x * x * x


@no_grad()
def decorated(x: Any) -> Any:
    return x * 2


def rows(x: Any) -> Any:
    with no_grad():
        yield x * 2
        yield x * 3


def blocks(x: Any) -> None:
    with no_grad():
        x * 2
    with no_grad():
        pass
    decorated(x)
    for _ in rows(x):
        pass


def debugged(x: Any) -> None:
    with debug_nans(), no_grad():
        x * 2


def transforms(x: Any) -> None:
    grad(cube)(2.0)
    with no_grad():
        grad(cube)(x)


def programs(_: Any) -> None:
    compile(cube)(2.0)


def maps(_: Any) -> None:
    vmap(grad(cube))([1.0, 2.0])


def interrupted(scenario: Callable[[Any], None], x: Any, after: float) -> None:
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        while True:
            scenario(x)
    except KeyboardInterrupt:
        return


def main() -> None:
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    choose = random.Random(1)
    x = Value(2.0)
    for scenario in (blocks, debugged, transforms, programs, maps):
        # What Python imports at the first call, it cannot be interrupted in without a loss
        scenario(x)
        for n in range(ROUNDS):
            interrupted(scenario, x, choose.uniform(1e-5, LONGEST))
            what = f"{scenario.__name__}, interrupt {n}"
            assert (x * 2)._children, what
            assert not _native.in_no_grad(), what
            assert not _native.watching(), what
            assert not _native.any_active(), what
            assert not _native.trace_active(), what
            assert type(grad(cube)(2.0)) is float, what
    print("no mode was left on")


main()
