"""Containers of users' classes that pygrad is told of, and those that were made for JAX.

>>> from collections import deque
>>> from pygrad import grad, register_container
>>> register_container(deque, lambda d: (list(d), d.maxlen), lambda length, items: deque(items, length))
>>> grad(lambda d: d[0] * d[1])(deque([2.0, 5.0], maxlen=2))
deque([5.0, 2.0], maxlen=2)
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from pygrad.core.implementation import Value

_T = TypeVar("_T")


class Registered(NamedTuple):
    """How a container of a class is taken apart and put together."""

    flatten: Callable[[Any], tuple[Iterable[Any], Any]]
    unflatten: Callable[[Any, list[Any]], Any]


_registered: dict[type, Registered] = {}


def register_container(
    cls: type[_T],
    flatten: Callable[[_T], tuple[Iterable[Any], Any]],
    unflatten: Callable[[Any, list[Any]], _T],
) -> None:
    """Have objects of a class looked into as lists, tuples, dicts and dataclasses are, in all of pygrad.

    ``flatten(x)`` returns a pair ``(parts, rest)``: the parts are numbers, arrays and containers, in an
    order of their own, and rest is what else makes the object what it is. ``unflatten(rest, parts)`` makes
    an object of it with other parts, a list: Values, the numbers of a row, or derivatives, so it should
    neither convert nor check them. The rest has no derivative. For compiled functions it must be hashable,
    as there are programs for each.

    These are the arguments of ``jax.tree_util.register_pytree_node``. Objects of a class with the methods
    ``tree_flatten(self)`` and ``tree_unflatten(cls, rest, parts)``, which JAX's decorator asks for, need
    not be registered. Subclasses are classes of their own.

    Raises:
        TypeError: cls is no class, or one that pygrad knows: of numbers, or list, tuple or dict itself.
        ValueError: it was registered with other functions before.

    >>> from pygrad import grad, register_container
    >>> class Line:
    ...     def __init__(self, slope, start, name):
    ...         self.slope, self.start, self.name = slope, start, name
    >>> register_container(
    ...     Line, lambda x: ((x.slope, x.start), x.name), lambda name, parts: Line(*parts, name)
    ... )
    >>> slopes = grad(lambda line: line.slope * 3 + line.start)(Line(2.0, 1.0, "ground"))
    >>> slopes.slope, slopes.start, slopes.name
    (3.0, 1.0, 'ground')
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_container() takes a class, not {cls!r}")
    if cls in {list, tuple, dict, object} or issubclass(cls, (Value, numbers.Number, str, bytes)):
        raise TypeError(f"{cls.__name__} cannot be registered: pygrad knows what it is")
    for function in (flatten, unflatten):
        if not callable(function):
            raise TypeError(f"register_container() takes two functions, not {function!r}")
    new = Registered(flatten, unflatten)
    if _registered.setdefault(cls, new) != new:
        raise ValueError(f"{cls.__name__} is registered already, with other functions")


def registered(kind: type) -> Registered | None:
    """How containers of a class are taken apart, if that was registered, or the class says it."""
    found = _registered.get(kind)
    if found is None and hasattr(kind, "tree_flatten") and hasattr(kind, "tree_unflatten"):
        return Registered(kind.tree_flatten, kind.tree_unflatten)
    return found


def taken_apart(tree: Any, how: Registered) -> tuple[list[Any], Any]:
    """The parts of a container, and the rest.

    Raises:
        TypeError: its flatten function returns no such pair.
    """
    found = how.flatten(tree)
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(
            f"what takes a {type(tree).__name__} apart must return a pair, its parts and the rest, not "
            f"{found!r}"
        )
    return list(found[0]), found[1]
