"""Arguments and results as flat lists of numbers: floats, arrays, and nested lists, tuples and dicts.

A structure says how a list of items was arranged: where there was a number, an array of which shape, a
list of what. Transforms flatten an argument, make Values of its numbers, and arrange these again for
the user's function; and the same backwards for what it returns.

>>> from pygrad.core.structure import flatten
>>> items, structure = flatten({"w": [1.0, 2.0], "b": 3}, "the argument")
>>> items
[1.0, 2.0, 3]
>>> structure.arrange([10.0, 20.0, 30.0])
{'w': [10.0, 20.0], 'b': 30.0}
"""

from __future__ import annotations

import itertools
import numbers
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pygrad.core.containers import maker, plain_maker
from pygrad.core.distinction import distinctions
from pygrad.core.implementation import Value


class Number(NamedTuple):
    """One number or Value."""

    size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def arrange(self, items: Sequence[Any]) -> Any:
        return items[0]

    def from_array(self, numbers: Any) -> float:
        """The same from a float64 array of one axis; arrays are copied."""
        return float(numbers[0])

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return function(self, start)

    def __str__(self) -> str:
        return "a number"


class Truth(NamedTuple):
    """True or False: what a comparison gives, which a program has as 1 or 0."""

    size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def arrange(self, items: Sequence[Any]) -> Any:
        return items[0] != 0

    def from_array(self, numbers: Any) -> bool:
        return bool(numbers[0] != 0)

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return function(self, start)

    def __str__(self) -> str:
        return "a number"


class Array(NamedTuple):
    """A NumPy array of the given shape."""

    shape: tuple[int, ...]
    size: int

    def arrange(self, items: Sequence[Any]) -> Any:
        return array_of(items, self.shape)

    def from_array(self, numbers: Any) -> Any:
        return numbers.reshape(self.shape).copy()

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return function(self, start)

    def __str__(self) -> str:
        return f"an array of shape {self.shape}"


class Container(NamedTuple):
    """A list, tuple, named tuple or dict of structures; make puts new contents into one of its kind."""

    kind: type
    make: Callable[[list[Any]], Any]
    parts: tuple[Structure, ...]
    names: tuple[Any, ...]  # keys of a dict, or indices
    size: int

    def distinct_names(self) -> tuple[Any, ...]:
        """What tells the names of a dict apart from others that are equal."""
        return distinctions(self.names) if issubclass(self.kind, dict) else ()

    def arrange(self, items: Sequence[Any]) -> Any:
        return self.map(lambda part, at: part.arrange(items[at : at + part.size]))

    def from_array(self, numbers: Any) -> Any:
        if self.size == len(self.parts) and all(type(part) is Number for part in self.parts):
            return self.make(numbers.tolist())
        contents, start = [], 0
        for part in self.parts:
            contents.append(part.from_array(numbers[start : start + part.size]))
            start += part.size
        return self.make(contents)

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        """function(leaf, index of its first item) for each number and array, arranged in this structure."""
        contents = []
        for part in self.parts:
            contents.append(part.map(function, start))
            start += part.size
        return self.make(contents)

    def __str__(self) -> str:
        return f"a {self.kind.__name__} of {len(self.parts)}"


Structure = Number | Truth | Array | Container


def same(a: Structure, b: Structure) -> bool:
    """Whether two structures match: the same containers with the same names and shapes."""
    if isinstance(a, Container) and isinstance(b, Container):
        return (
            issubclass(a.kind, dict) == issubclass(b.kind, dict)
            and a.names == b.names
            and all(map(same, a.parts, b.parts))
        )
    return type(a) is type(b) and a == b


def key_of(structure: Structure, truths: bool = False) -> Any:
    """What two structures have in common if one program serves both.

    truths: what is a truth in one must be one in the other; without that it may be a number.
    """
    if isinstance(structure, Container):
        parts = tuple([key_of(part, truths) for part in structure.parts])
        return (structure.kind, structure.names, structure.distinct_names(), parts)
    if isinstance(structure, Array):
        return structure.shape
    return bool if truths and isinstance(structure, Truth) else None


def with_truths(structure: Structure, are: Sequence[bool]) -> Structure:
    """The same with a truth in the place of each number that is one; are: which of the items."""
    if isinstance(structure, Container):
        parts, at = [], 0
        for part in structure.parts:
            parts.append(with_truths(part, are[at : at + part.size]))
            at += part.size
        return structure._replace(parts=tuple(parts))
    if isinstance(structure, Array):
        return structure
    return Truth() if are[0] else Number()


def flatten(tree: Any, what: str) -> tuple[list[Any], Structure]:
    """The numbers and Values of a tree from left to right, and its structure.

    Raises:
        TypeError: something in it is neither a number, a Value, an array of these nor a container; the
            message starts with `what` and says where it stands.
    """
    items: list[Any] = []
    return items, _flatten(tree, items, what)


def _flatten(tree: Any, items: list[Any], what: str) -> Structure:
    if isinstance(tree, (Value, float, int)):
        items.append(tree)
        return Number()
    if isinstance(tree, dict):
        parts = tuple(_flatten(part, items, f"{what}[{name!r}]") for name, part in tree.items())
        return container_like(tree, parts)
    if isinstance(tree, (list, tuple)):
        parts = tuple(_flatten(part, items, f"{what}[{i}]") for i, part in enumerate(tree))
        return container_like(tree, parts)
    if is_array(tree):
        array = own_array(tree, what)
        if array.ndim:
            return _flatten_array(array, items, what)
        tree = array.item() if array.dtype.kind in "biufO" else array
    is_scalar = type(tree).__module__ == "numpy" and hasattr(tree, "dtype")
    item = tree.item() if is_scalar and tree.dtype.kind in "biuf" else tree
    if not _is_number(item):
        raise TypeError(
            f"{what} must be a number, a Value, an array or a list, tuple or dict of these, "
            f"not {type(tree).__name__}"
        )
    items.append(item)
    return Number()


def _is_number(x: Any) -> bool:
    """Whether x is a real number or a Value; to NumPy a time span is an integer, too."""
    return isinstance(x, (Value, numbers.Real)) and type(x).__name__ != "timedelta64"


def values_in(tree: Any) -> list[Any]:
    """The Values in a tree, whatever else is in it."""
    if isinstance(tree, Value):
        return [tree]
    if isinstance(tree, dict):
        return [v for part in tree.values() for v in values_in(part)]
    if isinstance(tree, (list, tuple)):
        return [v for part in tree for v in values_in(part)]
    array = _objects(tree)
    return [] if array is None else values_in(array.ravel().tolist())


def as_values(items: Iterable[Any]) -> list[Any]:
    """The items, each number as a new Value."""
    return [item if isinstance(item, Value) else Value(item) for item in items]


def flatten_like(tree: Any, structure: Structure, what: str, of: str) -> list[Any]:
    """The items of a tree that has to match a structure, in its order; dicts match by key.

    Raises:
        ValueError: it does not match; the message says where.
    """
    items: list[Any] = []
    _flatten_like(tree, structure, items, what, of)
    return items


def _flatten_like(tree: Any, structure: Structure, items: list[Any], what: str, of: str) -> None:
    if isinstance(structure, Container):
        is_dict = issubclass(structure.kind, dict)
        if is_dict and isinstance(tree, dict) and set(tree) == set(structure.names):
            parts = [tree[name] for name in structure.names]
        elif not is_dict and isinstance(tree, (list, tuple)) and len(tree) == len(structure.parts):
            parts = list(tree)
        else:
            raise ValueError(f"{what} must match {of}: {structure}, not {_describe(tree)}")
        for name, part, expected in zip(structure.names, parts, structure.parts, strict=True):
            _flatten_like(part, expected, items, f"{what}[{name!r}]", of)
        return
    found, actual = flatten(tree, what)
    if actual != structure:
        raise ValueError(f"{what} must match {of}: {structure}, not {actual}")
    items += found


def names_in(
    structure: Structure, whole: str, part_of: Callable[[str, Container, Any], str]
) -> Iterator[str]:
    """What each number is called, in order: x, or x[0, 1] in an array; part_of(name, container, key) names
    what a container has under a key."""
    if isinstance(structure, Container):
        for key, part in zip(structure.names, structure.parts, strict=True):
            yield from names_in(part, part_of(whole, structure, key), part_of)
    elif isinstance(structure, Array):
        for index in itertools.product(*map(range, structure.shape)):
            yield f"{whole}[{', '.join(map(str, index))}]"
    else:
        yield whole


def _describe(tree: Any) -> str:
    if isinstance(tree, (dict, list, tuple)):
        return f"a {type(tree).__name__} of {len(tree)}"
    return "an array" if is_array(tree) else f"a {type(tree).__name__}"


def container_like(tree: Any, parts: tuple[Structure, ...]) -> Container:
    """The structure of a list, tuple, named tuple or dict whose contents have these structures."""
    size = sum(part.size for part in parts)
    names = tuple(tree) if isinstance(tree, dict) else tuple(range(len(parts)))
    return Container(type(tree), maker(tree), parts, names, size)


def own_array(array: Any, what: str) -> Any:
    """An array without what its class says of it."""
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{what} is a masked array; fill it first: array.filled(...)")
    return np.asarray(array)


def _flatten_array(array: Any, items: list[Any], what: str) -> Structure:
    if array.dtype.kind in "biuf":
        items += array.astype(float).ravel().tolist()
    elif array.dtype.kind == "O":
        for i, item in enumerate(array.ravel().tolist()):
            if not _is_number(item):
                raise TypeError(
                    f"{what} has a {type(item).__name__} as item {i}; it must be a number"
                )
            items.append(item)
    else:
        raise TypeError(f"{what} must be an array of real numbers, not of {array.dtype}")
    return Array(array.shape, array.size)


def is_array(x: Any) -> bool:
    """Whether x is a NumPy array; without importing NumPy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.ndarray)


def _objects(x: Any) -> Any:
    """An array of objects without what its class says of it; None for all else."""
    if not is_array(x):
        return None
    import numpy as np

    array = np.asarray(x)
    return array if array.dtype.kind == "O" else None


def array_of(items: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """A new array of that shape: of float64 for numbers, of Values once one is among them."""
    import numpy as np

    if any(isinstance(item, Value) for item in items):
        array = np.empty(len(items), dtype=object)
        array[:] = as_values(items)
        return array.reshape(shape)
    return np.array(items, dtype=np.float64).reshape(shape)


def _made_like(tree: Any, contents: list[Any]) -> Any:
    """A container with these contents, of the same class if that lets itself be copied."""
    try:
        return maker(tree)(contents)
    except TypeError:
        return plain_maker(tree)(contents)


def detached(
    tree: Any, instead: Callable[[Any], Any] = lambda v: v.data, keep: Collection[int] = ()
) -> Any:
    """A copy of a tree with the data of Values in their place, or what else is to stand there; what is no
    container stays as it is, and so do Values whose id is to be kept, and arrays with one of these."""
    if isinstance(tree, Value):
        return tree if id(tree) in keep else instead(tree)
    if isinstance(tree, dict):
        return _made_like(tree, [detached(part, instead, keep) for part in tree.values()])
    if isinstance(tree, (list, tuple)):
        return _made_like(tree, [detached(part, instead, keep) for part in tree])
    array = _objects(tree)
    if array is not None and not any(id(item) in keep for item in array.ravel().tolist()):
        flat = [detached(item, instead, keep) for item in array.ravel().tolist()]
        if all(isinstance(item, (float, int, Value)) for item in flat):
            return array_of(flat, array.shape)
    return tree
