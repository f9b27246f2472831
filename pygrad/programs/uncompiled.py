"""A function run as it stands, where no program is kept of it, with what a program would give.

Where an operation raises for a numeric reason a program has inf or nan. So the path that the function takes
there is traced, and repeated on the same Values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad import _native
from pygrad.core.library import ffi
from pygrad.core.structure import as_values
from pygrad.programs.paths import BASES, TraceError, trace
from pygrad.programs.results import Result, RowResult, taken_apart


def uncompiled(f: Callable[[Sequence[Any]], Any], values: Sequence[Any]) -> tuple[Any, bool]:
    """f of Values, and whether an operation has raised."""
    try:
        return f(values), False
    except Exception as error:
        if _native.trace_active() or not may_be_of_numbers(error):
            raise
        raised = error
    try:
        return as_in_a_program(f, values, f), True
    except TraceError:
        raise raised from None


def may_be_of_numbers(error: Exception) -> bool:
    """Whether an operation may have raised it, or what a handler has made another error of."""
    cause: BaseException | None = error
    for _ in range(100):  # there may be a circle
        if cause is None:
            break
        if isinstance(cause, (ArithmeticError, ValueError)):
            return not isinstance(error, TraceError)
        cause = cause.__context__
    return False


def as_in_a_program(
    f: Callable[[Sequence[Any]], Any], values: Sequence[Any], named: Callable[..., Any]
) -> Any:
    """f of Values by a program that is made for it; errors name a function."""

    def traced(inputs: tuple[Any, ...]) -> tuple[list[Any], bytes, Result]:
        items, structure = taken_apart(f(inputs))
        outputs = as_values(items)
        return outputs, bytes(len(outputs)), RowResult(structure)

    path = trace(traced, [v.data for v in values], bytes(len(values)), named)
    address = int(ffi.cast("intptr_t", path.program))
    found = _native.replay(address, tuple(values), path.lives)
    assert not isinstance(found, int), "the path was traced with these numbers"
    return path.result.structure.arrange(found)


BASES.add(uncompiled.__code__)
