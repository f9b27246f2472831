"""Numbers of one tree in the order of another: what dicts have under a key belongs together.

>>> from pygrad.core.keys import in_order_of
>>> from pygrad.core.structure import flatten_result
>>> items, found = flatten_result({"v": 1.0, "x": 2.0}, "a")
>>> _, like = flatten_result({"x": 0.0, "v": 0.0}, "b")
>>> in_order_of(items, found, like, "a", "b")
[2.0, 1.0]
"""

from __future__ import annotations

import itertools
from typing import Any

from pygrad.core.structure import Container, Structure


def in_order_of(
    items: list[Any], found: Structure, like: Structure, what: str, of: str
) -> list[Any]:
    """The items of a tree with structure `found`, in the order of another: dicts match by key, all else by
    place.

    Raises:
        ValueError: there is a dict in the place of one with other keys.
    """
    if not (isinstance(found, Container) and isinstance(like, Container)):
        return items
    names = found.names
    if found.is_dict and like.is_dict:
        if set(names) != set(like.names):
            raise ValueError(f"{what} has the keys {list(names)}, and {of} has {list(like.names)}")
        places = [names.index(name) for name in like.names]
    elif len(found.parts) == len(like.parts):
        places = list(range(len(found.parts)))
    else:
        return items
    starts = [0, *itertools.accumulate(part.size for part in found.parts)]
    ordered: list[Any] = []
    for k, part in zip(places, like.parts, strict=True):
        ordered += in_order_of(items[starts[k] : starts[k + 1]], found.parts[k], part, what, of)
    return ordered
