"""A function by `autograph` in a map, beside what plain Python gives row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad import autograph, compile, grad, vmap

_OF_NUMBERS = (ValueError, ArithmeticError, AssertionError, LookupError, NameError)


def in_plain_python(f: Callable[..., Any], *columns: Sequence[float]) -> list[float]:
    """What f gives for each row of floats; nan where it raises."""
    found = []
    for row in zip(*columns, strict=True):
        try:
            found.append(float(f(*map(float, row))))
        except _OF_NUMBERS:
            found.append(math.nan)
    return found


def in_a_program(f: Callable[..., Any], *columns: Sequence[float]) -> tuple[list[float], int]:
    """The same of the program, and how many paths there are."""
    call = compile(vmap(autograph(f)))
    found = call(*[np.asarray(column, dtype=float) for column in columns])
    return [float(x) for x in found], len(call.programs)


def same(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether two lists of numbers have the same bits; nan is nan."""
    return len(a) == len(b) and all(
        x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b, strict=True)
    )


def differences(f: Callable[..., Any], *columns: Sequence[float], slopes: bool = True) -> str:
    """What differs between the program and plain Python: values, or slopes by more than rounding."""
    expected = in_plain_python(f, *columns)
    values, _ = in_a_program(f, *columns)
    if not same(values, expected):
        return f"values {values}, not {expected}"
    if not slopes:
        return ""
    argnums = tuple(range(len(columns)))
    rows = [np.asarray(column, dtype=float) for column in columns]
    found: Any = compile(vmap(grad(autograph(f), argnums=argnums)))(*rows)
    for i, row in enumerate(zip(*columns, strict=True)):
        by_hand = grad(f, argnums=argnums)(*map(float, row))
        ours = [float(slope[i]) for slope in found]
        if not np.allclose(
            ours, [float(x) for x in by_hand], rtol=1e-9, atol=1e-11, equal_nan=True
        ):
            return f"slopes of row {i} {ours}, not {by_hand}"
    return ""


def what_is_raised(f: Callable[..., Any], *row: float) -> str:
    """The class and the text of what f raises, or its result."""
    try:
        return repr(float(f(*row)))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
