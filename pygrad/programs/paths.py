"""Functions traced to programs: one run on Values, recorded with its comparisons.

A program holds for the path that its run took through the function. Paths form a trie: where a
row's comparison comes out otherwise, the row leaves for the path that branches off there, which is
traced when first met, with that row's numbers.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

from pygrad import _native
from pygrad.arrays import overrides  # noqa: F401  which arrays need in a trace: no call waits for it
from pygrad.core.callables import function_name
from pygrad.core.callers import is_pygrads, users_depth, users_line, warn_once
from pygrad.core.layers import layers
from pygrad.core.library import ffi, lib
from pygrad.core.numpys_errors import raise_with_cure
from pygrad.core.shown import settle
from pygrad.core.swallowing import has_handlers
from pygrad.core.texts import forget_texts, tell_of_texts
from pygrad.programs.catching import caught_by
from pygrad.programs.contraction import contracts
from pygrad.programs.identity import DECIDED, insists, why_bools
from pygrad.programs.results import Result
from pygrad.programs.whole import mark
from pygrad.programs.worth import MOST_PATHS, NoProgram, TooManyPaths, Worth

_LOOKS = 16
_CONVERTED = "ag__"  # a name that all code has which `autograph` has converted


# Bytes.
_INSTRUCTION, _GUARD = 32, 32


class TraceError(RuntimeError):
    """A function did something in a trace that a program could not repeat."""


class NeedsNumbers(TraceError):
    """What was called in a trace runs on plain numbers, as solvers do: rows that come there have none."""


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
    "solver": (
        "{0} was called in a function that is traced, with what depends on its inputs: it runs on plain "
        "numbers, so calls and rows that come there run without a program, and there is none to save, to "
        "write in C or to read a pattern off. Write the solver of operations, by while_loop, for "
        "custom_root, or solve outside"
    ),
    "digits": (
        "{0} was called in a function that is traced, of a number that such digits change; compiled "
        "programs round to -22 to 22 digits. Scale the number, or round outside"
    ),
    "effect": (
        "{0}, which was there before the function was traced, was changed in it; a compiled program "
        "would not do that again. Return a result instead, and change Values outside"
    ),
    "sweep": (
        "backward() or zero_grad() was called in a function that is traced, on {0}; a compiled program "
        "would not do that again. Use pygrad.grad inside, or backward() outside"
    ),
    "in a loop": (
        "the truth of a comparison with {0} was asked for in the body of a loop, which is traced once "
        "for all trips and rows. Use pygrad.where or pygrad.cond, or let @pygrad.autograph convert the "
        "function"
    ),
    "decided": (
        "the truth of a comparison with {0} was asked for in the body of a loop, which is traced once "
        "for all trips and rows. " + DECIDED.format("{1}")
    ),
    "of a loop": (
        "{0}, the state of a loop while its body ran or computed from that, is used after it: it has "
        "another number at each trip. Make it part of the state, and use what the loop returns"
    ),
    "ruled": (
        "the derivative of a loop was asked for whose body calls a function with a rule of its own "
        "(custom_jvp, custom_vjp, custom_root ...), and the program has what that computes, and not the "
        "rule; or the rule uses a Value that stands for something outside the loop. Differentiate the "
        "function itself, as in compile(grad(f)), and hand over what its rules use"
    ),
    "ruled, of a file": (
        "the derivative of a program was asked for that calls a function with a rule of its own "
        "(custom_jvp, custom_vjp, custom_root ...): a saved program has operations, and not the rule. Save "
        "its derivative, compile(grad(f)), as well, or use the function itself"
    ),
    "handler": (
        "a handler around an operation in the body of a loop catches {0}, but the body is traced once for "
        "all trips and rows, and nothing raises there: it would be inf or nan. Compare before, and choose "
        "by pygrad.where or pygrad.cond"
    ),
    "opaque": (
        "{0} was built with numbers or a _backward of its own; a compiled program cannot compute it again. "
        "Build it from pygrad's operations"
    ),
}


def _raise(kind: str, a: Any, b: Any) -> None:
    path, _, line = users_line().rpartition(":")
    if kind == "in a loop" and _latest.bools:
        kind, b = "decided", _latest.bools
    shown = [x if isinstance(x, str) else repr(x) for x in (a, b)]
    error_of = NeedsNumbers if kind == "solver" else TraceError
    error = error_of(f"{_CURES[kind].format(*shown)} ({path}, line {line})")
    _latest.error = error
    raise error


class _Latest(threading.local):
    """What was refused in this thread's trace, if anything was."""

    error: TraceError | None = None
    bools: str = ""  # why comparisons are decided at once


_latest = _Latest()


def forgive(error: BaseException) -> None:
    """What was refused in this thread's trace has left nothing behind: it is done in another way."""
    if _latest.error is error:
        _latest.error = None


def _lost(*_: Any) -> None:
    _raise("ruled, of a file", None, None)


_native.set_trace_error(_raise)
_native.set_lost_rule(_lost)


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
    # Of each guard the number of its line, a byte, and the lines; None if nobody has noted that.
    places: tuple[bytes, Any] | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes, with the memory of a call."""
        code = self.instructions * _INSTRUCTION + len(self.outcomes) * _GUARD
        return code + self.uniform_bytes


def trace(
    function: Callable[[tuple[Any, ...]], tuple[Sequence[Any], bytes, Result]],
    point: Sequence[float],
    rows: bytes,
    f: Callable[..., Any],
    asks: Callable[[Any], str] = why_bools,
) -> Path:
    """The path that function takes at a point; f is the user's function in it, for errors to name.
    asks: says what asks in it which object a bool is.

    function gets Values and returns outputs (Values, and what stands for several: Kind.UNWRAPPED), for
    each a byte whether it is added up over rows, and what they are. rows has a byte for each input: whether
    it differs by row.
    """
    try:
        return _path(function, point, rows, f, asks)
    except TypeError as error:
        why = insists(error)
        if not why:
            raise
    return _path(function, point, rows, f, lambda _: why)


def _path(
    function: Callable[[tuple[Any, ...]], tuple[Sequence[Any], bytes, Result]],
    point: Sequence[float],
    rows: bytes,
    f: Callable[..., Any],
    asks: Callable[[Any], str],
) -> Path:
    inputs: tuple[Any, ...] = ()
    outputs: Sequence[Any] = ()
    around, _latest.bools = _latest.bools, ""
    try:
        with _native.Traced() as traced:
            inputs = traced.begin(tuple(point))
            _native.trace_rows(rows)
            mark(inputs)
            if contracts(f):
                _native.trace_contracts()
            _native.trace_bools(functools.partial(_decided, asks, f))
            _latest.error = None
            try:
                outputs, totals, result = _run(function, inputs)
            except Exception as error:
                settle(error, inputs)
                raise
            if _latest.error is not None:  # and some handler has caught that
                raise _latest.error
            capsule, lives, outcomes = _native.trace_program(tuple(outputs), rows, totals, True)
            places = _native.trace_places() if outcomes else None
        tell_of_texts()
    finally:
        forget_texts()
        _latest.error, _latest.bools = None, around
        del inputs, outputs
        _native.trace_forget(_name(f))
    program = ffi.cast("pg_program *", _native.program_address(capsule))
    return path_of(capsule, program, lives, outcomes, result, places)


def _decided(asks: Callable[[Any], str], f: Callable[..., Any]) -> bool:
    """Whether comparisons are guards at once; who has asked for loops of the program is told."""
    _latest.bools = asks(f)
    if _latest.bools and _converted_code_runs():
        warn_once(DECIDED.format(_latest.bools))
    return bool(_latest.bools)


def _converted_code_runs() -> bool:
    """Whether the comparison that is made now is one of code that `autograph` has converted."""
    frame: FrameType | None = sys._getframe(users_depth())
    while frame is not None and frame.f_code not in BASES:
        if _CONVERTED in (*frame.f_code.co_freevars, *frame.f_code.co_names):
            return True
        frame = frame.f_back
    return False


_Traced = tuple[Sequence[Any], bytes, Result]


def _run(function: Callable[[tuple[Any, ...]], _Traced], inputs: tuple[Any, ...]) -> _Traced:
    """What the function gives in a trace.

    Where an operation raises that a handler may catch, it raises in the trace, too, and guards say so. If
    nobody has caught it the function is run once more in the same trace, without that: rows for which all
    the guards of both runs hold would have raised.
    """
    try:
        return function(inputs)
    except (TraceError, MemoryError):
        raise
    except Exception as error:
        most = _led_to(error)
        if most is None:
            raise_with_cure(error)
            raise
    try:
        _native.trace_limit(most)
        return function(inputs)
    except Exception as error:
        if isinstance(error, TraceError | MemoryError) or _led_to(error) is None:
            raise
    _native.trace_limit(0)  # it has taken another way this time
    return function(inputs)


def _led_to(error: BaseException) -> int | None:
    """How many operations had raised before the last one that led to an error; None if none did."""
    places = {id(e): i for i, e in enumerate(_native.trace_raised())}
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if id(cause) in places:
            return places[id(cause)]
        seen.add(id(cause))
        cause = cause.__context__
    return None


def _name(f: Any) -> str:
    """Of the function that a user has written."""
    *_, innermost = layers(f)
    return function_name(innermost)


_kinds: dict[CodeType, int] = {}  # by code
# Code that lets nothing of a numeric reason through: what has called it need not be asked for handlers.
BASES = {_run.__code__}


def _kind_of_code(code: CodeType) -> int:
    """1 for code with handlers that is not pygrad's, 2 for what lets nothing through, 0 for other code."""
    kind = _kinds.get(code)
    if kind is None:
        if len(_kinds) > 10_000:  # made by eval, again and again
            _kinds.clear()
        kind = int(not is_pygrads(code.co_filename) and has_handlers(code))
        kind = 2 if code in BASES else kind
        _kinds[code] = kind
    return kind


def _refuse_caught(frame: FrameType, names: str) -> None:
    if found := caught_by(frame, names, BASES):
        _raise("handler", found, None)


_native.set_kind_of_code(_kind_of_code, _refuse_caught)


def path_of(
    owner: Any,
    program: Any,
    lives: tuple[Any, ...],
    outcomes: tuple[bool, ...],
    result: Result,
    places: tuple[bytes, Any] | None = None,
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
        places,
    )


class Paths:
    """The traced paths of one function for one structure of arguments: a trie by guards."""

    def __init__(
        self,
        follow: Callable[[Sequence[float]], Path],
        holds: Callable[[], bool] | None = None,
        worth: Worth | None = None,
    ) -> None:
        """follow: traces the path at a point. holds: whether what the function reads from elsewhere is that
        for which these paths are. worth: whether they are of use; None: of calls of
        one row, of which later ones use them, too."""
        self.follow, self.holds = follow, holds
        self.worth = Worth(kept=True, by_call=True) if worth is None else worth
        self.root: Path | None = None
        self.refused: dict[tuple[int, int], NeedsNumbers] = {}  # where no path is, by place
        self._asks: str | None = None
        self._astray = 0  # paths in a row that left one which is not kept
        self.met = 0  # how many calls may have had singular derivatives
        # All in the order in which they were traced: by whose branch it is, and at which guard. Root and
        # branches follow; an interrupt that keeps one from being set has the path traced once more.
        self._by_place: dict[tuple[int, int], Path] = {}

    def asks(self, f: Callable[..., Any]) -> str:
        """What asks in f which object a bool is; once for all paths, where they serve one call."""
        if self._asks is None or self.worth.kept:
            self._asks = self.worth.verdict.bools = why_bools(f)
        return self._asks

    @property
    def serves(self) -> bool:
        """Whether later calls have use of what is known: a path, or that there can be none."""
        return self.root is not None or bool(self.refused)

    @property
    def all(self) -> list[Path]:
        return list(self._by_place.values())

    def given_up(self, rows: int) -> Paths:
        """None yet of the same function; these are of no use, and so many rows more have none."""
        worth = self.worth
        if worth.always:
            return self
        worth.verdict.give_up(rows, worth.trace)
        again = Worth(worth.kept, worth.verdict, worth.by_call, worth.on_floats)
        return Paths(self.follow, self.holds, again)

    def first(self, point: Callable[[], Sequence[float]]) -> Path:
        return self._trace(point) if self.root is None else self.root

    def branch(
        self,
        path: Path,
        guard: int,
        point: Callable[[], Sequence[float]],
        rows: int = 1,
        together: bool = True,
        always: bool = False,
    ) -> Path:
        """The path that leaves another at a guard, traced at a point that does so.

        TooManyPaths if it is not worth it for so many rows, which have left there, together if that is half
        of those that have left the path or more; always: then, too.
        """
        if guard in path.branches:
            return path.branches[guard]
        worth, count = self.worth, len(self._by_place) + self._astray
        worth.gone(path.places, guard, rows)
        if not (always or worth.allows(count, (id(path), guard), rows, together)):
            raise TooManyPaths(worth)
        return self._trace(point, path, guard)

    def keeps(self, path: Path) -> bool:
        """Whether a path is here for later calls, too: see _trace."""
        return any(path is kept for kept in self.all)

    def look(self, point: Sequence[float]) -> None:
        """Follows the path at a point once more, to see whether a derivative is singular there.

        A program only says that it may be. Where that is so at each call, fewer and fewer are looked at.
        """
        self.met += 1
        if self.met > _LOOKS and self.met & (self.met - 1):
            return
        _native.look_for_singular(self.follow, point)

    def add(self, path: Path, parent: Path | None = None, guard: int = -1) -> Path:
        """Takes a path that leaves another, its parent, at a guard; without one it is the first.

        Of threads that have traced the same path one is the first; the others' go, and they get its.
        """
        kept = self._by_place.setdefault((id(parent), guard), path)
        if kept is path:
            self.worth.traced(path.instructions, path.size)
        if parent is None:
            self.root = kept
        else:
            parent.branches[guard] = kept
        return kept

    def _trace(
        self, point: Callable[[], Sequence[float]], parent: Path | None = None, guard: int = -1
    ) -> Path:
        """The path at a point. Where the function, or another thread, has changed what it reads from
        elsewhere, before the trace began or while it ran, the path serves this call alone.

        NoProgram where what the function calls there needs plain numbers."""
        place = (id(parent), guard)
        if place in self.refused:
            raise NoProgram(self.worth, self.refused[place])
        if parent is None or self.keeps(parent):
            self._astray = 0
        else:
            self._astray += 1
        if len(self._by_place) + self._astray >= MOST_PATHS:
            raise TooManyPaths(self.worth)
        kept = self._astray == 0 and (self.holds is None or self.holds())
        try:
            path = self.follow(point())
        except NeedsNumbers as error:
            if kept and (self.holds is None or self.holds()):
                self.refused[place] = NeedsNumbers(*error.args)  # and no frames
            raise NoProgram(self.worth, error) from None
        if kept and (self.holds is None or self.holds()):
            return self.add(path, parent, guard)
        return path


def reads_active(lives: tuple[Any, ...]) -> bool:
    """Whether Values depend on an input of a transform that runs around this call."""
    return _native.depend_on_input(lives)
