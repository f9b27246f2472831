"""Values as texts and errors show them: as their numbers, which no program depends on.

>>> from pygrad import Value
>>> shown((Value(2.5), "a text", [Value(1.0)]))
(2.5, 'a text', [1.0])
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from pygrad.core.implementation import IMPLEMENTATION, Value
from pygrad.core.ints import is_int

if IMPLEMENTATION == "compiled":
    from pygrad import _native


def shown(x: Any) -> Any:
    """x with numbers in the place of Values, and of those in a list, tuple or dict."""
    if isinstance(x, Value):
        if IMPLEMENTATION != "compiled":
            return x.data
        number = _native.number_in(x)
        if isinstance(x, _native.Condition):
            return number != 0.0
        return int(number) if is_int(x) and isfinite(number) else number
    if type(x) in {list, tuple}:
        return type(x)(map(shown, x))
    return {name: shown(item) for name, item in x.items()} if type(x) is dict else x


def settle(error: BaseException, inputs: Sequence[Any]) -> None:
    """Numbers in the place of Values in an exception that leaves a trace, with which they end.

    Leaves that are none of its inputs were there before, and are the caller's.
    """
    given = {id(v) for v in inputs}

    def ends(x: Any) -> bool:
        if isinstance(x, Value):
            return id(x) in given or _native.form(x) != "leaf"
        return type(x) in {list, tuple} and any(map(ends, x))

    seen: set[int] = set()
    left: BaseException | None = error
    while left is not None and id(left) not in seen:
        seen.add(id(left))
        if ends(left.args):
            left.args = shown(left.args)
        for name, item in list(getattr(left, "__dict__", {}).items()):
            if ends(item):
                left.__dict__[name] = shown(item)
        left = left.__cause__ or left.__context__
