"""Ctrl-C at chosen bytecodes: what traces them raises it, so that no place is left to chance."""

from __future__ import annotations

import dis
import functools
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from shares import share

_SAME_PLACE = 2  # so many passes over one bytecode are interrupted: a loop's first and second
_Place = tuple[CodeType, int]


@functools.cache
def _pythons_own(code: CodeType) -> frozenset[int]:
    """The handler that Python puts around the code of a generator. It runs where one is closed as nothing
    refers to it any more; no signal is heard in it, and what is raised there by a tracer goes unheard."""
    return frozenset(
        step.offset
        for step in dis.get_instructions(code)
        if step.opname in {"CALL_INTRINSIC_1", "RERAISE"} and not (step.positions or (None,))[0]
    )


class _Passes:
    """The bytecodes that a call runs in code that counts, the one at which it was interrupted last."""

    def __init__(self, counts: Callable[[CodeType], bool], stop: int | None) -> None:
        self.counts, self.stop = counts, stop
        self.seen: list[_Place] = []

    def add(self, code: CodeType, offset: int) -> None:
        self.seen.append((code, offset))
        if self.stop is not None and len(self.seen) == self.stop:
            raise KeyboardInterrupt

    @property
    def interrupted(self) -> bool:
        return len(self.seen) == self.stop


def _with_settrace(call: Callable[[], Any], passes: _Passes) -> None:
    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if passes.interrupted or not passes.counts(frame.f_code):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            passes.add(frame.f_code, frame.f_lasti)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)


def _with_monitoring(call: Callable[[], Any], passes: _Passes) -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    thread = threading.get_ident()

    def instruction(code: CodeType, offset: int) -> Any:
        if not passes.counts(code) or offset in _pythons_own(code):
            return monitoring.DISABLE
        if threading.get_ident() == thread and not passes.interrupted:
            passes.add(code, offset)
        return None

    tool, event = 4, monitoring.events.INSTRUCTION
    monitoring.use_tool_id(tool, "interrupts")
    try:
        monitoring.register_callback(tool, event, instruction)
        monitoring.restart_events()
        monitoring.set_events(tool, event)
        call()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)


# Up to 3.13 settrace of 3.12 misses the bytecodes of a frame that it sees for the first time.
_traced = _with_monitoring if sys.version_info >= (3, 12) else _with_settrace


def _run(call: Callable[[], Any], passes: _Passes) -> None:
    """The exception and its frames are gone when it returns."""
    try:
        _traced(call, passes)
    except KeyboardInterrupt:
        return


def of_pygrad_and_tests(code: CodeType) -> bool:
    path = code.co_filename.replace("\\", "/")
    return "/pygrad/" in path or "/tests/" in path


def at_every_bytecode(
    call: Callable[[], Any],
    counts: Callable[[CodeType], bool] = of_pygrad_and_tests,
    *,
    step: int = 1,
) -> Iterator[tuple[str, int]]:
    """Runs a call again and again, interrupted at each bytecode (or at each step-th, others at each turn of
    shares.py), and yields after each: where."""
    call()  # caches are filled
    whole = _Passes(lambda code: code is not _CODE and counts(code), None)
    _run(call, whole)
    passed: Counter[_Place] = Counter()
    for n, (code, offset) in share(list(enumerate(whole.seen, 1)), step):
        passed[code, offset] += 1
        if passed[code, offset] > _SAME_PLACE:
            continue
        passes = _Passes(whole.counts, n)
        _run(call, passes)
        if passes.interrupted:
            yield code.co_name, offset


_CODE = _with_monitoring.__code__
