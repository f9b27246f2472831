"""Rows that have no results, as of a number that is not finite there is no whole number.

What an operation has no result for is inf or nan in a program. `int(v)` has nothing to give in the place of
its number, so it raises in a trace, too; in a map all results of that row are nan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pygrad.core.implementation import OF_A_ROW, Value
from pygrad.programs.results import RowResult, Totals, as_numbers

_MOST_LOOKED_AT = 1000  # rows, for one that has results


def candidates(arguments: Any) -> Iterator[int]:
    """Rows that may have results, once the first has none: those of finite numbers before others."""
    finite = np.ones(arguments.rows, bool)
    for leaf in arguments.leaves:
        if leaf.mapped:
            finite &= np.isfinite(leaf.array).all(axis=1)
    order = np.argsort(~finite, kind="stable")[:_MOST_LOOKED_AT]
    yield from map(int, order)


def is_of_a_row(error: BaseException) -> bool:
    """Whether it was raised for want of a row's results, or in the handler of what was."""
    cause: BaseException | None = error
    for _ in range(100):  # there may be a circle
        if cause is None:
            break
        if getattr(cause, OF_A_ROW, False):
            return True
        cause = cause.__context__
    return False


def nothing_like(path: Any) -> tuple[list[Any], bytes, Any]:
    """What a trace gives, with nan in the place of the outputs of another path."""
    count, result = path.outputs, path.result
    nothing = [Value(float("nan")) for _ in range(count)]
    if isinstance(result, Totals):
        return nothing, b"\1" * count, result
    return nothing, bytes(count), RowResult(as_numbers(result.structure))


def nothing_of(inputs: tuple[Any, ...], size: int, values: bool) -> list[Any]:
    """The results of a row that has none: nan, as Values that depend on the inputs."""
    nan = float("nan")
    return [sum(inputs, Value(0.0)) * nan if values else nan] * size
