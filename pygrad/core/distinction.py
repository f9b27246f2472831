"""What tells things apart that are equal: types, and the bits of numbers.

To Python 1, 1.0 and True are one key, and so are 0.0 and -0.0, and tuples of these. A function can tell
them apart, so a program that was made for one of them is not one for the others.

>>> from pygrad.core.distinction import distinction
>>> (1, -0.0) == (True, 0.0), distinction((1, -0.0)) == distinction((True, 0.0))
(True, False)
"""

from __future__ import annotations

import types
from typing import Any

# Of these, equal ones are alike in all that a function could ask.
ALIKE = {
    *(type(None), bool, int, str, bytes, type, type(...), type(NotImplemented)),
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType),
}
_DEEPEST = 50


def distinction(x: Any, depth: int = 0) -> Any:
    """A key that differs wherever x does: for equal things of one type by what they would be pickled as.

    It can be hashed if x can.
    """
    kind = type(x)
    if kind in ALIKE or kind.__eq__ is object.__eq__ or depth > _DEEPEST:
        return kind, x
    if kind is float or kind is complex:
        return kind, repr(x)
    if kind is tuple:
        return kind, tuple([distinction(item, depth + 1) for item in x])
    if kind is frozenset:
        return kind, frozenset([distinction(item, depth + 1) for item in x])
    return kind, x, _state(x, depth)


def distinctions(names: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same for several, which are often names."""
    kinds = tuple(map(type, names))
    return kinds if ALIKE.issuperset(kinds) else tuple(map(distinction, names))


def _state(x: Any, depth: int) -> Any:
    """What x would be pickled as; None where that cannot be told."""
    try:
        reduced = x.__reduce_ex__(4)
        parts = reduced if isinstance(reduced, str) else [_fixed(part) for part in reduced]
        state = distinction(tuple(parts), depth + 1)
        hash(state)
    except Exception:  # whatever the class of x raises
        return None
    return state


def _fixed(part: Any) -> Any:
    """A part of a state, which may be a dict, or an iterator over contents."""
    if isinstance(part, dict):
        return tuple(part.items())
    if isinstance(part, (tuple, list)):
        return tuple(map(_fixed, part))
    return tuple(map(_fixed, part)) if hasattr(part, "__next__") else part
