"""Functions traced to programs: one run on Values, recorded with its comparisons; see compiled.py
for callers.

A program holds for the path that its run took through the function. Paths form a trie: where a
row's comparison comes out otherwise, the row leaves for the path that branches off there, which is
traced when first met, with that row's numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad import value as _core
from pygrad._core import ffi, lib
from pygrad.core.callers import users_depth, users_line
from pygrad.core.structure import Array, Container, Structure

_AS_REACHED = 2  # for reverse(): Values if an input of a transform around this one was used
MOST_PATHS = 256  # of one function; then it is run uncompiled
MOST_STRUCTURES = 64  # of arguments of one function; then the oldest program goes


class TraceError(RuntimeError):
    """A function did something in a trace that a program could not repeat."""


_CURES = {
    "read": (
        "the number in {0} was read, but it depends on the inputs: a compiled program would keep this "
        "call's number for ever. Use pygrad.stop_gradient(v) for a number without derivative, compare the "
        "Value itself (v > 0), or make the argument static"
    ),
    "written": (
        "an attribute of {0}, which depends on the inputs, was assigned; a compiled program cannot do "
        "that. Build a new Value instead"
    ),
    "live": (
        "the number in {0}, which was there before the function was traced, was read: a compiled program "
        "would keep it for ever. Use the Value itself, which is read anew at each call, or read its number "
        "outside the function to freeze it on purpose"
    ),
    "effect": (
        "{0}, which was there before the function was traced, was changed in it; a compiled program "
        "would not do that again. Return a result instead, and change Values outside"
    ),
    "sweep": (
        "backward() or zero_grad() was called in a function that is traced, on {0}; a compiled program "
        "would not do that again. Use pygrad.grad inside, or backward() outside"
    ),
    "equal": (
        "{0} == {1} asks whether two Values are one object, and both depend on the inputs. To compare "
        "their numbers write (a - b) == 0"
    ),
    "opaque": (
        "{0} was built with numbers or a _backward of its own; a compiled program cannot compute it again. "
        "Build it from pygrad's operations"
    ),
}


def _raise(kind: str, a: Any, b: Any) -> None:
    path, _, line = users_line().rpartition(":")
    raise TraceError(f"{_CURES[kind].format(*map(repr, (a, b)))} ({path}, line {line})")


_core.set_trace_error(_raise)


class Path(NamedTuple):
    """One program, and the paths that branch off at its guards."""

    capsule: Any  # owns the program
    program: Any  # the same for cffi
    lives: tuple[Any, ...]  # Values that it reads at each call
    outcomes: tuple[bool, ...]  # of its guards
    result: Any  # what finish() of the trace had to say about the results
    branches: dict[int, Path]
    uniform_bytes: int
    lane_bytes: int
    instructions: int
    outputs: int
    idle: list[Any]  # buffers for calls that nobody uses now, whoever they are from


def trace(
    function: Callable[[tuple[Any, ...]], tuple[Sequence[Any], bytes, Any]],
    point: Sequence[float],
    rows: bytes,
) -> Path:
    """The path that function takes at a point.

    function gets Values and returns outputs (Values), for each a byte whether it is added up over
    rows, and whatever the caller wants to remember as `result`. rows has a byte for each input:
    whether it differs by row.
    """
    inputs = _core.record(tuple(point))
    outputs: Sequence[Any] = ()
    depths: list[int] = []
    try:
        _core.no_grad_suspend(depths)
        _core.trace_begin(inputs)
        outputs, totals, result = function(inputs)
        capsule, lives, outcomes = _core.trace_program(tuple(outputs), rows, totals, True)
    finally:
        _core.trace_end(inputs)
        _core.no_grad_resume(depths)
        _core.retire(inputs)
        del inputs, outputs
        _core.trace_forget()
    program = ffi.cast("pg_program *", _core.program_address(capsule))
    return path_of(capsule, program, lives, outcomes, result)


def path_of(
    owner: Any, program: Any, lives: tuple[Any, ...], outcomes: tuple[bool, ...], result: Any
) -> Path:
    """A path that nothing branches off yet; owner keeps the program alive."""
    return Path(
        owner,
        program,
        lives,
        outcomes,
        result,
        {},
        lib.pg_uniform_bytes(program),
        lib.pg_lane_bytes(program),
        program.length,
        program.outputs,
        [],
    )


def key_of(structure: Structure) -> Any:
    """What two structures have in common if one program serves both."""
    if isinstance(structure, Container):
        kinds = tuple(map(type, structure.names))  # 1 and True are equal, but no one key for f
        return (structure.kind, structure.names, kinds, tuple(map(key_of, structure.parts)))
    return structure.shape if isinstance(structure, Array) else None


def scratch(size: int) -> Any:
    """Scratch memory, aligned to 64 bytes."""
    raw = np.empty(size + 64, dtype=np.uint8)
    start = -address(raw) % 64
    return raw[start : start + size]


def doubles(array: Any) -> Any:
    return ffi.from_buffer("double *", array)


def address(array: Any) -> int:
    """Where a contiguous array begins: array.ctypes.data takes ten times as long."""
    return int(ffi.cast("uintptr_t", ffi.from_buffer(array)))


class TooManyPaths(Exception):
    """The function has taken so many ways that tracing more is no use."""


def warn_of_structures(name: str) -> None:
    warnings.warn(
        f"{name}() was called with many structures of arguments; the oldest program goes. Is an argument "
        "static that should be a number?",
        RuntimeWarning,
        stacklevel=users_depth(),
    )


def warn_of_paths(who: str, how: str) -> None:
    """Says so at the user's line."""
    warnings.warn(
        f"{who} taken {MOST_PATHS} different paths; it runs uncompiled, {how}",
        RuntimeWarning,
        stacklevel=users_depth(),
    )


class Paths:
    """The traced paths of one function for one structure of arguments: a trie by guards."""

    def __init__(self, follow: Callable[[Sequence[float]], Path]) -> None:
        self.follow = follow  # traces the path at a point
        self.root: Path | None = None
        self.all: list[Path] = []

    def first(self, point: Callable[[], Sequence[float]]) -> Path:
        if self.root is None:
            self.root = self._trace(point)
        return self.root

    def branch(self, path: Path, guard: int, point: Callable[[], Sequence[float]]) -> Path:
        """The path that leaves another at a guard, traced at a point that does so."""
        if guard not in path.branches:
            path.branches[guard] = self._trace(point)
        return path.branches[guard]

    def _trace(self, point: Callable[[], Sequence[float]]) -> Path:
        if len(self.all) >= MOST_PATHS:
            raise TooManyPaths
        path = self.follow(point())
        self.all.append(path)
        return path


def reads_active(lives: tuple[Any, ...]) -> bool:
    """Whether Values depend on an input of a transform that runs around this call."""
    return bool(lives and _core.any_active()) and _core.reverse(lives, (), (), True, _AS_REACHED)[0]
