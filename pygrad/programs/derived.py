"""Second and higher derivatives of a reduced vmap: the same reduced vmap of a row's derivatives.

A derivative of a sum of rows is the sum of theirs. Where all is differentiated by arguments that rows
share, and nothing outside is a Value that results would have to lead on to, they are a program, then, whose
totals are the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pygrad import _native
from pygrad.core.recording import Argnums, positions
from pygrad.core.structure import values_in
from pygrad.programs.axes import axes_of
from pygrad.programs.mapped import Run, Vmapped
from pygrad.programs.paths import TraceError
from pygrad.programs.rows import RowArguments
from pygrad.programs.rows_linked import FEW
from pygrad.programs.table import Programs
from pygrad.programs.whole import with_ints
from pygrad.programs.worth import TooManyPaths


class Derivative(Protocol):
    """What a transform has made."""

    @property
    def argnums_alone(self) -> Argnums | None: ...

    @property
    def how(self) -> Any: ...

    def of(self, f: Callable[..., Any]) -> Any: ...


def derivative_of_rows(
    chain: Sequence[Derivative], f: Any, args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any] | None:
    """The outermost derivative of a chain of them, the last of which is of f, in a tuple; None if it is
    to be had in another way."""
    if not isinstance(f, Vmapped) or f.reduce is None or _native.any_active():
        return None
    if _native.trace_active() or values_in([args, named]) or not _all_share(chain, f, args, named):
        return None
    rows = _rows_of(chain, f)
    arguments = RowArguments(args, rows.in_axes, rows.f, named)
    if rows.programs is None and 0 < arguments.rows < FEW:
        return None
    try:
        with with_ints(arguments.ints()):
            run = Run(rows, arguments)
            if run.batch.first(run.program.paths).lives:
                return None
            result = run.result()
    except (TooManyPaths, TraceError):
        return None
    return None if any(path.lives for path in run.used) else (result,)


def _all_share(
    chain: Sequence[Derivative], f: Vmapped, args: tuple[Any, ...], named: dict[str, Any]
) -> bool:
    """Whether rows share all that is differentiated by."""
    axes = axes_of(f.in_axes, f.f, len(args), tuple(named))
    for derivative in chain:
        argnums = derivative.argnums_alone
        if argnums is None:
            return False
        if any(axes[i] is not None for i in positions(f, argnums, len(args))):
            return False
    return True


def _rows_of(chain: Sequence[Derivative], f: Vmapped) -> Vmapped:
    """The map of such derivatives of a row; where f keeps programs, one that keeps its own."""
    kept, key = f.programs, repr([derivative.how for derivative in chain])
    found = None if kept is None else kept.derived.get(key)
    if found is None:
        row = f.f
        for derivative in reversed(chain):
            row = derivative.of(row)
        found = Vmapped(row, *f.made_from()[1:])
        if kept is not None:
            found.programs = Programs(kept.name, kept.holds)
            found = kept.derived.setdefault(key, found)
    return found
