"""Functions traced to programs: one run on Values, recorded with its comparisons.

A program holds for the path that its run took through the function. Paths form a trie: where a
row's comparison comes out otherwise, the row leaves for the path that branches off there, which is
traced when first met, with that row's numbers.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad import _native
from pygrad.core.callables import FunctionOf, function_name
from pygrad.core.callers import users_depth, users_line
from pygrad.core.jacobians import JacobianOf
from pygrad.core.library import ffi, lib
from pygrad.core.recording import Kind
from pygrad.programs.results import Result

MOST_PATHS = 256  # of one function; then it is run uncompiled


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
    "of live": (
        "the number in {0} was read, which was computed from Values that were there before the function "
        "was traced: a program would keep it for ever. Use the Value itself, or compute the number "
        "outside the function to freeze it on purpose"
    ),
    "rewritten": (
        "the data of {0}, which the function that is traced has computed or computed with, was assigned; a "
        "compiled program would not see that. Build a new Value instead"
    ),
    "step": (
        "step() or zero_grad() of an optimiser was called in a function that is traced, on {0}; a compiled "
        "program would not do that again. Compile the gradient alone, and move the parameters outside, "
        "after each call"
    ),
    "thread": (
        "{0} belongs to the trace of a function in another thread: what this thread makes of it, a "
        "compiled program could not compute again. Compute in the thread that called the function, or give "
        "the other threads compiled functions and numbers"
    ),
    "escaped, nameless": (
        "{0} was made in the trace of a function and is used after that; its number is that of one call. "
        "Return it from the function, and use what a call returns"
    ),
    "escaped": (
        "{0} was made while {1}() was traced and is used after that; its number is that of one call. "
        "Return it from the function, and use what a call returns"
    ),
    "numbers": (
        "{0} was called in a function that is traced; it computes with numbers, which a compiled program "
        "would keep for ever. Call it outside, and pass on what it gives"
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
    shown = [x if isinstance(x, str) else repr(x) for x in (a, b)]
    raise TraceError(f"{_CURES[kind].format(*shown)} ({path}, line {line})")


_native.set_trace_error(_raise)


class Path(NamedTuple):
    """One program, and the paths that branch off at its guards."""

    capsule: Any  # owns the program
    program: Any  # the same for cffi
    lives: tuple[Any, ...]  # Values that it reads at each call
    outcomes: tuple[bool, ...]  # of its guards
    result: Result  # what its outputs are
    branches: dict[int, Path]
    uniform_bytes: int
    lane_bytes: int
    instructions: int
    outputs: int
    idle: list[Any]  # buffers for calls that nobody uses now, whoever they are from


def trace(
    function: Callable[[tuple[Any, ...]], tuple[Sequence[Any], bytes, Result]],
    point: Sequence[float],
    rows: bytes,
    f: Callable[..., Any],
) -> Path:
    """The path that function takes at a point; f is the user's function in it, for errors to name.

    function gets Values and returns outputs (Values), for each a byte whether it is added up over rows,
    and what they are. rows has a byte for each input: whether it differs by row.
    """
    inputs: tuple[Any, ...] = ()
    outputs: Sequence[Any] = ()
    try:
        with _native.Traced() as traced:
            inputs = traced.begin(tuple(point))
            outputs, totals, result = function(inputs)
            capsule, lives, outcomes = _native.trace_program(tuple(outputs), rows, totals, True)
    finally:
        del inputs, outputs
        _native.trace_forget(_name(f))
    program = ffi.cast("pg_program *", _native.program_address(capsule))
    return path_of(capsule, program, lives, outcomes, result)


def _name(f: Any) -> str:
    """Of the function that a user has written."""
    while isinstance(f, functools.partial | FunctionOf | JacobianOf):
        f = f.args[0] if isinstance(f, functools.partial) else f.f
    return function_name(f)


def path_of(
    owner: Any, program: Any, lives: tuple[Any, ...], outcomes: tuple[bool, ...], result: Result
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


class TooManyPaths(Exception):
    """The function has taken so many paths that tracing more is no use."""


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
        self._roots: dict[int, Path] = {}  # the first path, as if it left another, too

    def first(self, point: Callable[[], Sequence[float]]) -> Path:
        if self.root is None:
            return self.add(self._trace(point))
        return self.root

    def branch(self, path: Path, guard: int, point: Callable[[], Sequence[float]]) -> Path:
        """The path that leaves another at a guard, traced at a point that does so."""
        if guard not in path.branches:
            return self.add(self._trace(point), path, guard)
        return path.branches[guard]

    def add(self, path: Path, parent: Path | None = None, guard: int = -1) -> Path:
        """Takes a path that leaves another, its parent, at a guard; without one it is the first.

        Of threads that have traced the same path one is the first; the others' go, and they get its.
        """
        kept = (self._roots if parent is None else parent.branches).setdefault(guard, path)
        if parent is None:
            self.root = kept
        if kept is path:
            self.all.append(path)
        return kept

    def _trace(self, point: Callable[[], Sequence[float]]) -> Path:
        if len(self.all) >= MOST_PATHS:
            raise TooManyPaths
        return self.follow(point())


def reads_active(lives: tuple[Any, ...]) -> bool:
    """Whether Values depend on an input of a transform that runs around this call."""
    return (
        bool(lives and _native.any_active())
        and _native.reverse(lives, (), (), True, Kind.AS_REACHED)[0]
    )
