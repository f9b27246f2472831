"""Whether one more path of a function is worth its trace.

A trace takes as long as some rows that run uncompiled, and pays where rows follow the path. So there is an
account: of rows asked for, rows that paths have served, and paths. It counts, and looks at no clock: which
rows run as programs, and so the last bits of their results, is the same in each run of a script.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import os
import warnings
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

from pygrad import _native
from pygrad.core.callables import FunctionOf
from pygrad.core.callers import is_pygrads, users_depth
from pygrad.core.jacobians import JacobianOf
from pygrad.programs.identity import DECIDED

MOST_PATHS = 256  # of one function
TRACE = 12  # rows that run uncompiled take as long as a trace
ON_FLOATS = 4  # as many times as many rows run on plain floats in the time of a trace,
SHORT_ON_FLOATS = 1_750  # and paths are free there up to so many instructions
FREE = 8  # paths that any function gets, as long as all together have no more instructions than
LONG = 40_000
MANY = 128  # and more, as long as they are this short,
SHORT = 4_000
SHORT_CALLED = 200_000  # and where calls are of one row
SHARE = 20  # one row in so many that were asked for is spent on traces for large groups in any case
WORTH_KEEPING = 8  # paths that serve less than one row in so many are given up,
EACH = 3  # or less than so many rows each
AGAIN = 20  # as many times what the last try has cost is run uncompiled before the next one
MOST_TRIES = 10  # from then on it does not take longer any more
LOOK = 64  # calls of one row that have left the paths, before these may be given up
TOLD_OF = 100  # rows that run uncompiled, and
TOLD_OF_WORK = 1_000_000  # instructions of these, are worth a warning
_MOST_NOTED = 10_000  # places, functions
_MOST_CODES = 16  # that tell one function from others of the same code

_memory = [256 << 20]  # bytes


def path_memory(limit: int | None = None) -> int:
    """How many bytes the paths of one compiled or mapped function may take; with an argument, from now on.

    Where they would take more no path is traced, but the first, and rows that need one run uncompiled. It
    is 268435456, 256 MiB, unless the variable ``PYGRAD_PATH_MEMORY`` has said something else before pygrad
    was imported.

    Raises:
        ValueError: it is negative.

    >>> import pygrad
    >>> before = pygrad.path_memory()
    >>> pygrad.path_memory(1 << 20)
    1048576
    >>> pygrad.path_memory(before) == before
    True
    """
    if limit is not None:
        if not isinstance(limit, int) or limit < 0:
            raise ValueError(f"a number of bytes must be 0 or a positive int, not {limit!r}")
        _memory[0] = limit
    return _memory[0]


def _from_environment() -> None:
    text = os.environ.get("PYGRAD_PATH_MEMORY")
    if text is not None:
        try:
            path_memory(int(text))
        except ValueError as error:
            raise ValueError(f"PYGRAD_PATH_MEMORY is {text!r}: {error}") from None


_from_environment()


class Verdict:
    """What is known of a function for later calls, too: whether its paths were given up."""

    __slots__ = (
        "bools",
        "denied",
        "lines",
        "paths",
        "remembers",
        "size",
        "tries",
        "waits",
        "warned",
        "work",
    )

    def __init__(self) -> None:
        self.waits = 0  # rows that run uncompiled before paths are tried again
        self.tries = 0  # how often they were given up
        # Rows that have run uncompiled, and about how many instructions of theirs
        self.denied = self.work = 0
        self.paths = self.size = 0  # how many there were, and the instructions of one
        self.lines: dict[tuple[CodeType, int], int] = {}  # rows that have left a path, by line
        self.bools = ""  # why comparisons are guards at once, "" if they are not: see identity.py
        self.warned = False
        # What is called once it says something
        self.remembers: Callable[[Verdict], None] | None = None

    def skips(self, rows: int) -> bool:
        """Whether so many rows run uncompiled, all of them."""
        if self.waits <= 0:
            return False
        self.waits -= rows
        self.deny(rows)
        return True

    def deny(self, rows: int) -> None:
        """So many rows run uncompiled."""
        self.denied += rows
        self.work += rows * self.size
        if self.remembers is not None:
            self.remembers(self)
            self.remembers = None

    def give_up(self, rows: int, trace: int = TRACE) -> None:
        """The paths are no use; so many rows more have none. trace: rows that take as long as one."""
        self.waits = AGAIN * trace * max(self.paths, 1) << min(self.tries, MOST_TRIES)
        self.tries += 1
        self.deny(rows)

    def warn(self, who: str, how: str) -> None:
        """Says once, at the user's line, that paths are no use, once that has cost something."""
        if self.warned or (self.denied < TOLD_OF and self.work < TOLD_OF_WORK):
            return
        self.warned = True
        warnings.warn(
            f"{who} taken {self.paths} different paths{self._where()}, and another one would not be worth "
            f"its trace for the few rows that take it; these run uncompiled, {how}. "
            + (DECIDED.format(self.bools) + ". " if self.bools else "")
            + "Choose there with pygrad.where, or loop with pygrad.while_loop or @pygrad.autograph",
            RuntimeWarning,
            stacklevel=users_depth(),
        )

    def _where(self) -> str:
        """The line that has split rows most, as warnings have it."""
        for (code, line), _ in sorted(self.lines.items(), key=lambda item: -item[1]):
            if not is_pygrads(code.co_filename):
                text = linecache.getline(code.co_filename, line).strip()
                shown = f" ({text})" if text else ""
                return f", most of which part at {code.co_filename}:{line}{shown}"
        return ""


# By the place of a function's innermost code, which is kept, and by what is around it and given to it.
_verdicts: dict[int, tuple[Any, dict[Any, Verdict]]] = {}


def verdict_on(f: Callable[..., Any], key: Callable[[], Any]) -> Verdict:
    """What is remembered of a function that is made anew at each call, for arguments of one kind: by its
    code. key: tells the kind."""
    verdict = _remembered(f, key) if _verdicts else None
    if verdict is None:
        verdict = Verdict()
        verdict.remembers = functools.partial(_remember, f, key)
    return verdict


def _remembered(f: Callable[..., Any], key: Callable[[], Any]) -> Verdict | None:
    code, around = _code_of(f)
    found = _verdicts.get(id(code))
    if found is not None:
        with contextlib.suppress(TypeError):  # something in it has no hash
            return found[1].get((*around, key()))
    return None


def _remember(f: Callable[..., Any], key: Callable[[], Any], verdict: Verdict) -> None:
    code, around = _code_of(f)
    if len(_verdicts) >= _MOST_NOTED:
        _verdicts.clear()
    by_key = _verdicts.setdefault(id(code), (code, {}))[1]
    if len(by_key) >= _MOST_NOTED:
        by_key.clear()
    with contextlib.suppress(TypeError):
        by_key.setdefault((*around, key()), verdict)


def forget_verdicts() -> None:
    """Nothing is remembered of functions that are made anew at each call."""
    _verdicts.clear()


def _code_of(f: Any) -> tuple[Any, tuple[Any, ...]]:
    """What stays the same of a function that is made anew: its code, what is around it, and which functions
    it is given. A decorator's code is that of all that it decorates."""
    around: list[Any] = []
    given: list[Any] = []
    while (inner := _inner(f)) is not None:
        if not isinstance(f, MethodType):
            around.append(type(f))
        given += _held(f)
        f = inner
    code = getattr(f, "__code__", None) or getattr(type(f).__call__, "__code__", f)
    return code, (*around, *_codes([*given, *_held(f)]))


def _inner(f: Any) -> Any:
    """The function that something calls which was made of it, or None."""
    if isinstance(f, MethodType):
        return f.__func__
    if isinstance(f, FunctionOf | JacobianOf):
        return f.f
    return f.func if isinstance(f, functools.partial) else None


def _held(f: Any) -> list[Any]:
    """What is given to a function beside its arguments: what it closes over, say."""
    if isinstance(f, FunctionType):
        return [_native.content_of(cell) for cell in f.__closure__ or ()]
    if isinstance(f, functools.partial):
        return [*f.args, *f.keywords.values()]
    return [] if _inner(f) is not None else [*getattr(f, "__dict__", {}).values()]


def _codes(items: list[Any]) -> list[Any]:
    """Those of the functions among these things, and of functions that these are given."""
    codes: list[Any] = []
    met: set[int] = set()
    for item in items:  # which grows
        if len(codes) == _MOST_CODES or id(item) in met:
            continue
        met.add(id(item))
        inner = _inner(item)
        if isinstance(item, FunctionType):
            codes.append(item.__code__)
        if inner is not None or isinstance(item, FunctionType):
            items += [*_held(item), inner]
        elif isinstance(item, list | tuple):
            items += item[:_MOST_CODES]
    return codes


class Worth:
    """The account of one function's paths, for one structure of arguments."""

    def __init__(
        self,
        kept: bool,
        verdict: Verdict | None = None,
        by_call: bool = False,
        on_floats: Callable[[], bool] | None = None,
    ) -> None:
        """kept: whether later calls have use of the paths; by_call: whether a call is of one row;
        on_floats: says whether rows without a path run on plain floats, where that counts."""
        self.on_floats = on_floats
        self._floats: bool | None = None  # whether it says so, once that was asked
        self.trace = TRACE  # rows that take as long as a trace
        self.kept, self.verdict, self.by_call = kept, verdict or Verdict(), by_call
        self.asked = self.served = 0  # rows; served: each path's first is among them
        self.bytes = self.instructions = 0
        self.free = 0  # paths that were
        self.always = False  # whether nothing but a trace can do, as there is no function to run
        self.left: dict[tuple[int, int], int] = {}  # rows for which a path was denied, by place

    def allows(self, paths: int, place: tuple[int, int], rows: int, together: bool = True) -> bool:
        """Whether to trace, besides so many, the path for rows that leave another at a place.

        together: they are half of those that leave it, or more."""
        if paths == 0 or self.always or self._may(paths, place, rows, together):
            return True
        verdict = self.verdict
        verdict.paths, verdict.size = paths, self.instructions // paths
        verdict.deny(rows)
        return False

    def _may(self, paths: int, place: tuple[int, int], rows: int, together: bool) -> bool:
        if paths >= MOST_PATHS or self.bytes >= _memory[0]:
            return False
        short = SHORT_CALLED if self.by_call else SHORT
        free = max(LONG if paths < FREE else 0, short if paths < MANY else 0)
        if self.instructions >= SHORT_ON_FLOATS and self._runs_on_floats():
            free = 0
        if self.instructions < free:
            self.free += 1
            return True
        if len(self.left) > _MOST_NOTED:
            self.left.clear()
        wanted = self.left[place] = self.left.get(place, 0) + rows
        if paths == 1 and together and wanted >= 2 * TRACE:
            return True
        # Another path is worth it once those that are there have saved as much, each beyond its first row.
        saved = (4 if self.kept else 1) * (self.served - paths)
        if wanted >= self.trace:
            saved += self.asked // SHARE
        return self.trace * (paths - self.free) <= saved

    def _runs_on_floats(self) -> bool:
        if self._floats is None:
            self._floats = self.on_floats is not None and self.on_floats()
            self.trace *= ON_FLOATS if self._floats else 1
        return self._floats

    def traced(self, instructions: int, size: int) -> None:
        """A path more."""
        self.instructions += instructions
        self.bytes += size

    def gone(self, places: tuple[bytes, Any] | None, guard: int, rows: int) -> None:
        """So many rows have left a path at a guard."""
        if places is not None and guard < len(places[0]):
            number = places[0][guard]
            if number < len(places[1]):
                lines, line = self.verdict.lines, places[1][number]
                lines[line] = lines.get(line, 0) + rows

    def keeps(self, rows: int, served: int, paths: int) -> bool:
        """Whether paths that have served so many rows of so many are worth keeping."""
        return served * WORTH_KEEPING >= rows and served >= EACH * paths

    def warn(self, who: str, how: str) -> None:
        """See Verdict."""
        self.verdict.warn(who, how)


class TooManyPaths(Exception):
    """Another path is not worth its trace."""

    def __init__(self, worth: Worth) -> None:
        super().__init__()
        self.worth = worth

    def warn(self, who: str, how: str) -> None:
        """Says so, once for a function."""
        self.worth.warn(who, how)


class NoProgram(TooManyPaths):
    """A path has none, as what is called on it needs plain numbers."""

    def __init__(self, worth: Worth, refusal: Exception) -> None:
        """refusal: a TraceError, for what only a program can do."""
        super().__init__(worth)
        self.refusal = refusal

    def warn(self, who: str, how: str) -> None:
        """There is nothing to be done about it."""
