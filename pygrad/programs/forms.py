"""Structures as C has them (csrc/python/forms.h), which reads arguments by them and makes results.

A form is a kind, an object that goes with it, and the forms of its parts, or how many they are if all are
numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.core.static import Static
from pygrad.core.structure import Array, Container, Number, Structure
from pygrad.core.truth import Truth

Form = tuple[int, Any, Any]
OfLeaf = Callable[[Structure], Form | None]

# As forms.h numbers them.
NUMBER, TRUTH, ARRAY, LIST, TUPLE, DICT, SAME, MADE, FLOAT = range(9)
_PLAIN: dict[type, int] = {list: LIST, tuple: TUPLE, dict: DICT}
_DEEPEST = 32
# Of these, one object stands for all that are equal and of its type, or for itself alone.
_FIXED = {type(None), bool, int, str, bytes}


def of_argument(structure: Structure, depth: int = 0) -> Form | None:
    """The form of an argument; None if C is not to read such."""
    return _of_argument(structure, depth, _of_leaf)


def of_floats(structure: Structure, depth: int = 0) -> Form | None:
    """The same where an int is another thing than a float."""
    return _of_argument(structure, depth, _of_float)


def _of_argument(structure: Structure, depth: int, of_leaf: OfLeaf) -> Form | None:
    if isinstance(structure, Static):
        return fixed(structure.item)
    if not isinstance(structure, Container):
        return of_leaf(structure)
    if structure.kind not in _PLAIN or structure.is_opened:
        return None
    return _of_container(structure, of_argument if of_leaf is _of_leaf else of_floats, depth)


def of_result(structure: Structure, depth: int = 0) -> Form | None:
    """The form of a result; None if C is not to make such."""
    if isinstance(structure, Static):
        return SAME, structure.item, 0
    if isinstance(structure, Container):
        return _of_container(structure, of_result, depth)
    return (TRUTH, None, 0) if type(structure) is Truth else _of_leaf(structure)


def fixed(item: Any) -> Form | None:
    """The form of an argument that is no number."""
    return (SAME, item, 0) if type(item) in _FIXED else None


def _of_leaf(structure: Structure) -> Form | None:
    if type(structure) is Number:
        return NUMBER, None, 0
    return (ARRAY, structure.shape, 0) if type(structure) is Array else None


def _of_float(structure: Structure) -> Form | None:
    return (FLOAT, None, 0) if type(structure) is Number else _of_leaf(structure)


def _of_container(structure: Container, of_part: Any, depth: int) -> Form | None:
    if depth > _DEEPEST:
        return None
    plain = None if structure.is_opened else _PLAIN.get(structure.kind)
    of = structure.names if plain == DICT else structure.make
    kind = MADE if plain is None else plain
    if of_part is not of_floats and all(type(part) is Number for part in structure.parts):
        return kind, of, len(structure.parts)
    parts = [of_part(part, depth + 1) for part in structure.parts]
    return None if None in parts else (kind, of, tuple(parts))
