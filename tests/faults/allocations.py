"""Out of memory at every point: in each scenario the n-th allocation fails, for every n until none is left.

    python tests/faults/allocations.py [--json FILE] [--share] [--only NAME...] [--kind KIND...]

Memory fails in four ways: pygrad's own, from the n-th request on ("native") or that one alone ("native,
once"); the n-th request to Python alone ("python"); ten requests to Python from the n-th on ("python, in
a row"). Each time the call raises MemoryError, everything that was there is as before (data, grads,
programs, files, modes; or, where Python's memory has failed after all was done, as after the call), and
the same call then gives the same bits. Where it was pygrad's C that asked for the memory nothing is lost
to a leak, and no other error is raised; what the interpreter, NumPy and cffi do where theirs fails is
theirs: some of them leak, or raise SystemError. So all requests of pygrad's C fail in turn, and of the
others every so many-th.

The scenarios are in tests/lib: memory_scenarios.py for eager code, loop_scenarios.py for loops,
function_scenarios.py for everything else. Each runs in a process of its own: a crash is a finding, and
the rest goes on behind it.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import mmap
import os
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import traceback
import warnings
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import function_scenarios
import loop_scenarios
import memory_scenarios
import numpy as np
from figures import Figures, parser
from shares import share

from pygrad import Value, _native
from pygrad._core import lib

SCENARIOS: dict[str, Callable[[], Any]] = {
    **memory_scenarios.SCENARIOS,
    **loop_scenarios.SCENARIOS,  # and those of function_scenarios.py
}
# Whose locks do not survive a MemoryError while they are let go
LEFT_TO_PYTHON = {"mapped_by_threads"}
LIMIT = 20  # seconds for one call, before it counts as one that hangs
MOST = 1 << 20  # requests of one call
IN_A_ROW = 10  # that fail
PYGRADS = ord("p")  # as tests/c/python_memory.c says whose a request is
SPARES = 1100  # more Values than csrc/python/value.c keeps for reuse


# -- how memory fails ------------------------------------------------------------------------------


class Native:
    """Pygrad's own, from the n-th request on or that one alone."""

    count = 1

    def __init__(self, name: str, fail: Callable[[int], None]) -> None:
        self.name, self.fail = name, fail

    def arm(self, n: int, whose: Any) -> None:
        whose[0] = PYGRADS
        self.fail(n)

    def disarm(self) -> None:
        lib.pg_fail_at(0)

    def points(self, call: Callable[[], Any], step: int) -> list[int]:
        """Which of the call's requests are to fail, in turn."""
        lib.pg_fail_at(MOST)
        try:
            call()
        finally:
            lib.pg_fail_at(0)
        return list(range(1, lib.pg_allocations() + 1))


class Pythons:
    """Python's, the n-th request alone or some from it on; by tests/c/python_memory.c."""

    def __init__(self, module: Any, name: str, count: int) -> None:
        self.module, self.name, self.count = module, name, count

    def arm(self, n: int, whose: Any) -> None:
        self.module.arm(n, n + self.count - 1, whose)

    def disarm(self) -> None:
        self.module.disarm()

    def points(self, call: Callable[[], Any], step: int) -> list[int]:
        notes, hoard = bytearray(MOST), hoarded()
        self.module.note(notes)
        try:
            call()
        finally:
            self.module.disarm()
        del hoard
        asked = range(1, self.module.requests() + 1)
        return [n for n in asked if notes[n - 1] == PYGRADS or n % step == 0]


def hoarded() -> list[Value]:
    """All that is kept for reuse, so that new objects ask for memory."""
    hoard = [Value(0.0) for _ in range(SPARES)]
    gc.collect()  # empties Python's own lists
    return hoard


def kinds() -> list[Any]:
    native = [Native("native", lib.pg_fail_at), Native("native, once", lib.pg_fail_once)]
    module = python_memory()
    if module is None:
        return native
    return [
        *native,
        Pythons(module, "python", 1),
        Pythons(module, "python, in a row", IN_A_ROW),
    ]


def python_memory() -> Any:
    """The module that makes Python's memory fail; None where no C compiler makes one."""
    source = Path(__file__).resolve().parents[1] / "c" / "python_memory.c"
    with tempfile.TemporaryDirectory() as folder:
        built = str(Path(folder, "python_memory.so"))
        include = sysconfig.get_path("include")
        command = [
            "cc",
            "-O1",
            "-fPIC",
            "-shared",
            f"-I{include}",
            "-o",
            built,
            str(source),
            "-ldl",
        ]
        settings = {name: text for name, text in os.environ.items() if name != "LD_PRELOAD"}
        try:
            subprocess.run(command, check=True, env=settings)
        except (OSError, subprocess.CalledProcessError):
            return None
        loader = ExtensionFileLoader("python_memory", built)
        spec = spec_from_loader("python_memory", loader)
        assert spec is not None
        module = module_from_spec(spec)
        loader.exec_module(module)
        return module


# -- one failure -----------------------------------------------------------------------------------


def injected(kind: Any, call: Callable[[], Any], n: int, whose: Any) -> tuple[Any, str]:
    """What the call gave, and the error that it raised, or ""."""
    result, error = None, ""
    hoard = hoarded()
    kind.arm(n, whose)
    try:
        result = call()
    except MemoryError:
        error = "MemoryError"
    except BaseException as other:
        kind.disarm()
        error = "".join(traceback.format_exception(other)[-3:])
    finally:
        kind.disarm()
    del hoard
    return result, error


def modes() -> list[Any]:
    """What a thread is in: nothing, outside of the calls."""
    made = Value(2.0) * 3.0
    return [_native.trace_active(), _native.any_active(), made._op, len(made._children)]


def outcome(name: str, kind: Any, n: int, whose: Any) -> list[str]:
    """What does not hold after the n-th failure; whose that was is written there."""
    signal.alarm(LIMIT)
    now = SCENARIOS[name]()
    held = now.held() if isinstance(now, function_scenarios.FunctionScenario) else []
    before = now.state()
    result, error = injected(kind, now.call, n, whose)
    wrong = []
    if not error:
        if not now.check(result):
            wrong.append("a wrong result in place of MemoryError")
        return wrong
    if error != "MemoryError" and whose[0] == PYGRADS and CPYTHONS not in error:
        wrong.append(f"another error than MemoryError: {error}")
    after = now.state()
    if after != before:
        if isinstance(kind, Pythons) and after == COMPLETE.get(name):
            return wrong  # all was done, and something after it has failed
        wrong.append("what was there has changed")
    if held:
        kept = {id(x) for x in now.held()}
        if not all(id(x) in kept for x in held):
            wrong.append("a table has lost a program")
    if modes() != MODES:
        wrong.append(f"a mode is left on: {modes()}")
    try:
        if not now.check(now.call()):
            wrong.append("the same call has other bits afterwards")
    except BaseException as raised:
        text = "".join(traceback.format_exception(raised)[-3:])
        wrong.append(f"the same call raises afterwards: {text}")
    return wrong


# How a process ends where AddressSanitizer catches its crash.
SANITIZERS_CODE = {1} if "asan" in os.environ.get("LD_PRELOAD", "") else set()
# CPython 3.11's, where it has no memory for the frame of a function that it calls.
CPYTHONS = "SystemError: error return without exception set"
MODES = modes()
COMPLETE: dict[str, Any] = {}  # what each scenario's call leaves


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]


def _heap() -> Callable[[], int]:
    """Bytes that the C library has given out, where it says so."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return lambda: 0
    mallinfo.restype = _Mallinfo
    return lambda: int(mallinfo().h)


HEAP = _heap()


WHAT = ["nodes", "blocks of Python", "bytes of C"]
# What counts as lost. The C library has no block of less than 32 bytes, but may give 16 more than it is
# asked for.
LEAST = np.array([1, 1, 32])
REPEATED = 6
HISTORY = np.zeros((REPEATED + 2, len(WHAT)), dtype=np.int64)  # in memory that is there already


def note(at: int) -> None:
    """Notes what is in use."""
    gc.collect()
    HISTORY[at] = lib.pg_live_nodes(), sys.getallocatedblocks(), HEAP()


def leaks(name: str, kind: Any, n: int, whose: Any) -> str:
    """What each repetition of a failure, before which place 0 was noted, loses; "" if nothing."""
    note(1)
    if (HISTORY[1] <= HISTORY[0]).all():
        return ""
    for times in (0, 50, 400):  # caches and free lists of Python fill some day, a leak goes on
        for _ in range(times):
            outcome(name, kind, n, whose)
        for i in range(REPEATED):
            outcome(name, kind, n, whose)
            note(2 + i)
            if whose[0] != PYGRADS:  # free lists are fuller now, and the n-th request is another
                return ""
        steps = np.diff(HISTORY[2:], axis=0).min(axis=0)
        if (steps < LEAST).all():
            return ""
    lost = np.flatnonzero(steps >= LEAST)
    return ", ".join([f"{steps[i]} {WHAT[i]} lost each time" for i in lost])


# -- all failures of a scenario --------------------------------------------------------------------


def run(work: Work) -> None:
    """All failures of a scenario that are behind the one that work is at."""
    warnings.simplefilter("ignore")
    name, kind = work.name, work.kind
    for _ in range(3):  # what is allocated once is there
        now = SCENARIOS[name]()
        now.state()
        result = now.call()
        COMPLETE[name] = now.state()
        now.check(result)
    now = SCENARIOS[name]()
    points = kind.points(now.call, work.step)
    if isinstance(kind, Native) and len(points) < now.least:
        work.say("fewer allocations than there must be: the scenario tests nothing")
    del now
    gc.collect()
    gc.freeze()
    gc.disable()
    for n in points:
        if n <= work.n:
            continue
        work.at(n)
        note(0)
        wrong = outcome(name, kind, n, work.whose)
        if work.whose[0] == PYGRADS and kind.count == 1:  # or later ones may be Python's
            lost = leaks(name, kind, n, work.whose)
            wrong += [lost] * bool(lost)
        for what in wrong:
            work.say(what)


class Work:
    """A scenario under one kind of failure, in processes that may crash, each behind the one before."""

    def __init__(self, name: str, kind: Any, step: int) -> None:
        self.name, self.kind, self.step = name, kind, step
        self.crashes = self.of_others = 0
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115, as long as self
        # The request that fails now, how many have, findings, whose it is
        self._shared = mmap.mmap(-1, 32)
        self.whose = memoryview(self._shared)[24:25]

    @property
    def n(self) -> int:
        return int(struct.unpack_from("<q", self._shared, 0)[0])

    @property
    def failures(self) -> int:
        return int(struct.unpack_from("<q", self._shared, 8)[0])

    @property
    def findings(self) -> int:
        return int(struct.unpack_from("<q", self._shared, 16)[0])

    @property
    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def at(self, n: int) -> None:
        struct.pack_into("<qq", self._shared, 0, n, self.failures + 1)

    def say(self, what: str) -> None:
        """Something that does not hold."""
        struct.pack_into("<q", self._shared, 16, self.findings + 1)
        self._log.seek(0, os.SEEK_END)
        self._log.write(f"{self.name}, {self.kind.name}, n = {self.n}: {what}\n")
        self._log.flush()

    def begin(self) -> int:
        """A process that does it."""
        child = os.fork()
        if child != 0:
            return child
        code = 1
        try:
            faulthandler.enable(self._log)
            run(self)
            code = 0
        except BaseException:
            self.say(traceback.format_exc())
        finally:
            os._exit(code)

    def goes_on(self, status: int) -> bool:
        """After a process that has ended so: whether another one is to go on."""
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return False
        if self.whose[0] == PYGRADS or code not in {-signal.SIGSEGV, *SANITIZERS_CODE}:
            self.say(f"the process ended with {code}")
            self.crashes += 1
        else:
            self.of_others += 1
        return self.crashes < 20


def do(work: list[Work], jobs: int) -> None:
    waiting = list(reversed(work))
    running: dict[int, Work] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            one = waiting.pop()
            running[one.begin()] = one
        child, status = os.wait()
        one = running.pop(child)
        if one.goes_on(status):
            waiting.append(one)
        else:
            print(one.log, end="", flush=True)


def main() -> int:
    found = kinds()
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--only", nargs="*", help="scenarios (all)")
    options.add_argument("--kind", nargs="*", help="ways to fail (all)")
    options.add_argument("--step", type=int, help="every so many-th request that is not pygrad's")
    chosen = options.parse_args()
    step = chosen.step or (200 if chosen.share else 5)
    of_share = ["native", "python"] if chosen.share else [kind.name for kind in found]
    chosen_kinds = [kind for kind in found if kind.name in (chosen.kind or of_share)]
    scenarios = chosen.only or share(list(SCENARIOS), 2 if chosen.share else 1)
    work = [
        Work(name, kind, step)
        for kind in chosen_kinds
        for name in scenarios
        if isinstance(kind, Native) or name not in LEFT_TO_PYTHON
    ]
    do(work, chosen.jobs)
    figures = Figures("Allocations that fail")
    count = len({one.name for one in work})
    figures.add("scenarios", count, "at least 25", count >= 25 or chosen.only is not None)
    for kind in chosen_kinds:
        figures.add(f"failures, {kind.name}", sum(one.failures for one in work if one.kind is kind))
    figures.none_of("crashes", sum(one.crashes for one in work))
    figures.add("crashes of NumPy, SciPy and Python itself", sum(one.of_others for one in work))
    figures.none_of("findings", sum(one.findings for one in work))
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
