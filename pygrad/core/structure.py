"""Arguments and results as flat lists of numbers: floats, arrays, and nested containers of these.

Containers are lists, tuples, dicts, dataclasses and what else has fields (records.py), and what was
registered (registered.py). What is no number stays what it is (static.py).

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

import functools
import itertools
import numbers
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

from pygrad.arrays.engines import is_array, waits
from pygrad.core.containers import REST, maker, opened, plain_maker
from pygrad.core.distinction import distinctions
from pygrad.core.implementation import Value
from pygrad.core.own_array import own_array
from pygrad.core.records import Field, Opened, whole_items
from pygrad.core.static import Static, is_static
from pygrad.core.truth import Truth


class Number(NamedTuple):
    """One number or Value."""

    size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def arrange(self, items: Sequence[Any]) -> Any:
        return items[0]

    def as_argument(self, items: Sequence[Any]) -> Any:
        return items[0]

    def from_array(self, numbers: Any) -> float:
        """The same from a float64 array of one axis; arrays are copied."""
        return float(numbers[0])

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

    def as_argument(self, items: Sequence[Any]) -> Any:
        return array_of(items, self.shape)

    def from_array(self, numbers: Any) -> Any:
        return numbers.reshape(self.shape).copy()

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return function(self, start)

    def __str__(self) -> str:
        return f"an array of shape {self.shape}"


class Container(NamedTuple):
    """A container of structures; make puts new contents into one of its kind."""

    kind: type
    make: Callable[[list[Any]], Any]
    parts: tuple[Structure, ...]
    names: tuple[Any, ...]  # keys of a dict, names of fields, or indices
    size: int
    is_opened: bool = False  # a record, or a registered container, not a list, tuple or dict
    compute: Callable[[Any], None] | None = None  # completes what make has made, for a function

    @property
    def is_dict(self) -> bool:
        return issubclass(self.kind, dict) and not self.is_opened

    def distinct_names(self) -> tuple[Any, ...]:
        """What tells the names of a dict apart from others that are equal."""
        return distinctions(self.names) if self.is_dict else ()

    def place(self, whole: str, name: Any) -> str:
        """What errors call a part of it."""
        return place(whole, name, self.is_opened)

    def arrange(self, items: Sequence[Any]) -> Any:
        return self.map(lambda part, at: part.arrange(items[at : at + part.size]))

    def as_argument(self, items: Sequence[Any]) -> Any:
        """The same for a function to be given: with all that a class computes from its fields."""
        contents, start = [], 0
        for part in self.parts:
            contents.append(part.as_argument(items[start : start + part.size]))
            start += part.size
        new = self.make(contents)
        if self.compute is not None:
            self.compute(new)
        return new

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
        if self.is_opened:
            return f"a {self.kind.__name__}"
        return f"a {self.kind.__name__} of {len(self.parts)}"


Structure = Number | Truth | Array | Container | Static
NUMBER = Number()


def place(whole: str, name: Any, opened: bool) -> str:
    """What errors call a part of a container, a record or registered one if that is opened."""
    if not opened:
        return f"{whole}[{name!r}]"
    if name == REST:
        return f"what {whole} has beside its parts"
    return f"{whole}[{name}]" if name.isdigit() else f"{whole}.{name}"


def has_static(structure: Structure) -> bool:
    """Whether there is something in it that is no number."""
    if isinstance(structure, Container):
        return any(map(has_static, structure.parts))
    return isinstance(structure, Static)


def statics_in(structure: Structure) -> Iterator[Static]:
    """All that is no number."""
    if isinstance(structure, Static):
        yield structure
    elif isinstance(structure, Container):
        for part in structure.parts:
            yield from statics_in(part)


def same(a: Structure, b: Structure) -> bool:
    """Whether two structures match: the same containers with the same names and shapes."""
    if isinstance(a, Container) and isinstance(b, Container):
        return (
            (a.kind is b.kind if a.is_opened or b.is_opened else a.is_dict == b.is_dict)
            and a.names == b.names
            and all(map(same, a.parts, b.parts))
        )
    if isinstance(a, Static):
        return isinstance(b, Static)
    return type(a) is type(b) and a == b


def difference(a: Structure, b: Structure, what: str) -> tuple[str, str, str] | None:
    """Where two structures first differ, and what they have there; None if one program serves both."""
    if isinstance(a, Container) and isinstance(b, Container) and key_of(a)[:3] == key_of(b)[:3]:
        for name, one, other in zip(a.names, a.parts, b.parts, strict=True):
            found = difference(one, other, a.place(what, name))
            if found is not None:
                return found
        return None
    return None if key_of(a) == key_of(b) else (what, str(a), str(b))


def key_of(structure: Structure, truths: bool = False) -> Any:
    """What two structures have in common if one program serves both.

    truths: what is a truth in one must be one in the other; without that it may be a number.
    """
    if isinstance(structure, Container):
        parts = tuple([key_of(part, truths) for part in structure.parts])
        return (structure.kind, structure.names, structure.distinct_names(), parts)
    if isinstance(structure, Static):
        return structure
    if isinstance(structure, Array):
        return (bool,) * (truths and type(structure) is not Array) + structure.shape
    return bool if truths and isinstance(structure, Truth) else None


# -- from trees ------------------------------------------------------------------------------------


class Role(NamedTuple):
    """As what a part of a tree is looked at."""

    free: bool  # what is no number may stand there: in records and dicts, and all over results
    whole: bool = False  # whole numbers are static: a field's type says so, or a function asks
    static: bool = False  # whatever it is
    as_given: bool = True  # for a function to be given it
    gaps: bool = True  # None may stand in a list of numbers


ARGUMENT, FREE, RESULT = Role(False), Role(True), Role(True, as_given=False)
POINT = Role(False, gaps=False)


class Look(NamedTuple):
    """A container that is looked into: its parts, what they are called, and their roles."""

    contents: list[Any]
    whats: list[str]
    roles: list[Role]
    tree: Any
    opened: Opened | None

    def structure(self, parts: Sequence[Structure]) -> Container:
        """Its structure, with those of its parts."""
        if self.opened is None:
            return container_like(self.tree, tuple(parts))
        names, _, _, make, compute = self.opened
        size = sum(part.size for part in parts)
        return Container(type(self.tree), make, tuple(parts), names, size, True, compute)

    def made(self, contents: list[Any]) -> Any:
        """A container like it, with other contents."""
        if self.opened is None:
            return maker(self.tree)(contents)
        new = self.opened.make(contents)
        if self.opened.compute is not None:
            self.opened.compute(new)
        return new


def look_into(tree: Any, what: str, role: Role) -> Look | None:
    """What a container has in it; None for all else."""
    found = None if type(tree) in {list, tuple, dict} else opened(tree, role.as_given)
    if found is not None:
        roles, suffixes = _roles_of_fields(found.fields, role)
        whats = [what + suffix for suffix in suffixes]
        if found.names[-1:] == (REST,):
            whats[-1] = place(what, REST, True)
        return Look(found.contents, whats, roles, tree, found)
    if isinstance(tree, dict):
        whats = [f"{what}[{name!r}]" for name in tree]
        return Look(list(tree.values()), whats, [role._replace(free=True)] * len(tree), tree, None)
    if not isinstance(tree, (list, tuple)):
        return None
    whats = [f"{what}[{i}]" for i in range(len(tree))]
    roles = [role] * len(tree)
    if hasattr(type(tree), "_make"):
        whole = whole_items(type(tree))
        roles = [
            Role(True, role.whole or i in whole, False, role.as_given) for i in range(len(tree))
        ]
    return Look(list(tree), whats, roles, tree, None)


@functools.lru_cache(maxsize=256)
def _roles_of_fields(fields: tuple[Field, ...], role: Role) -> tuple[list[Role], list[str]]:
    """How fields are looked at, and what errors put behind the name of the record for each."""
    roles = [Role(True, role.whole or f.whole, f.static, role.as_given) for f in fields]
    return roles, [place("", field.name, True) for field in fields]


def flatten(tree: Any, what: str, role: Role = ARGUMENT) -> tuple[list[Any], Structure]:
    """The numbers and Values of a tree from left to right, and its structure.

    Raises:
        TypeError: something in it is neither a number, a Value, an array of these nor a container, and may
            not stand there as what it is; the message starts with `what` and says where it stands.
    """
    items, structure = flatten_part(tree, what, role)
    if type(structure) is Static and not role.static:
        raise _no_number(tree, what)
    return items, structure


def flatten_result(tree: Any, what: str) -> tuple[list[Any], Structure]:
    """The same of what a function returns, which may have text and the like anywhere."""
    return flatten(tree, what, RESULT)


def flatten_numbers(tree: Any, what: str, role: Role = ARGUMENT) -> tuple[list[Any], Structure]:
    """The same; TypeError, too, where there is something, but no number to differentiate by, or of."""
    items, structure = flatten(tree, what, role)
    if not items and has_static(structure):
        found = ", ".join(f"{static.what} is {static}" for static in [*statics_in(structure)][:3])
        raise TypeError(
            f"{what} has no number in it: {found}. Whole numbers count as such in fields that are declared "
            "as float, not as int"
        )
    return items, structure


def flatten_part(tree: Any, what: str, role: Role) -> tuple[list[Any], Structure]:
    """The same of a part of an argument, which may be no number at all."""
    items: list[Any] = []
    try:
        return items, _flatten(tree, items, what, role)
    except RecursionError:
        raise TypeError(f"{what} contains itself, or containers that are too deep") from None


_PLAIN = {float, Value}


def _flatten(tree: Any, items: list[Any], what: str, role: Role) -> Structure:
    kind = type(tree)
    if role.static:
        if role.as_given or not values_in(tree):
            return Static(tree, what)
        role = role._replace(static=False)  # a result that depends on something, however called
    if kind is float or kind is Value:
        items.append(tree)
        return NUMBER
    if (kind is list or kind is tuple) and _PLAIN.issuperset(map(type, tree)):
        items += tree
        return container_like(tree, (NUMBER,) * len(tree))
    if as_static(tree, role):
        return Static(tree, what)
    if isinstance(tree, (Value, float, int)):
        items.append(tree)
        return NUMBER
    if tree is None and role.gaps:
        return Static(tree, what)
    look = None if is_array(tree) and kind.__module__ == "numpy" else look_into(tree, what, role)
    if look is not None:
        of_parts = zip(look.contents, look.whats, look.roles, strict=True)
        return look.structure([_flatten(part, items, of, by) for part, of, by in of_parts])
    return _flatten_leaf(tree, items, what, role)


def as_static(tree: Any, role: Role) -> bool:
    """Whether something that is no container stays what it is."""
    if role.static:
        return True
    kind = type(tree)
    if kind is int or kind is bool:
        return role.whole or (kind is bool and role.free and role.as_given)
    if kind is str:
        return role.free
    if is_array(tree):  # which numbers.Real would take long to say no to, the first time
        return False
    if isinstance(tree, (numbers.Real, Value)):
        is_whole = role.whole and isinstance(tree, numbers.Integral) and not isinstance(tree, Value)
        return is_whole or (role.free and isinstance(tree, Enum))
    return role.free and isinstance(tree, (str, bytes, type(None), Enum))


def _flatten_leaf(tree: Any, items: list[Any], what: str, role: Role) -> Structure:
    if is_array(tree):
        array = own_array(tree, what)
        if array.ndim:
            return _flatten_array(array, items, what, role)
        tree = array.item() if array.dtype.kind in "biufO" else array
    is_scalar = type(tree).__module__ == "numpy" and hasattr(tree, "dtype")
    item = tree.item() if is_scalar and tree.dtype.kind in "biuf" else tree
    if not _is_number(item):
        if role.free and is_static(item):
            return Static(item, what)
        raise _no_number(tree, what)
    items.append(item)
    return NUMBER


def _no_number(tree: Any, what: str) -> TypeError:
    message = (
        f"{what} must be a number, a Value, an array or a list, tuple, dict or dataclass of these, not "
        f"{type(tree).__name__}"
    )
    if isinstance(tree, (str, bytes, type(None), Enum)) or callable(tree):
        return TypeError(message)
    return TypeError(
        f"{message}. A class of your own may be a dataclass, or be registered by "
        "pygrad.register_container(); a field without derivative is declared by "
        "field(metadata={'static': True})"
    )


def _is_number(x: Any) -> bool:
    """Whether x is a real number or a Value; to NumPy a time span is an integer, too."""
    return isinstance(x, (Value, numbers.Real)) and type(x).__name__ != "timedelta64"


def values_in(tree: Any, above: tuple[int, ...] = ()) -> list[Any]:
    """The Values in a tree, whatever else is in it; above: records that it is in, by id."""
    if isinstance(tree, Value):
        return [tree]
    if type(tree) in _NO_CONTAINERS:
        return []
    if isinstance(tree, dict):
        return [v for part in tree.values() for v in values_in(part, above)]
    if isinstance(tree, (list, tuple)):
        if _NO_CONTAINERS.issuperset(map(type, tree)):
            return []
        return [v for part in tree for v in values_in(part, above)]
    if is_array(tree):
        array = _objects(tree)
        return [] if array is None else values_in(array.ravel().tolist())
    found = None if id(tree) in above else opened(tree, False)
    if found is None:
        return []
    above = (*above, id(tree))
    parts = zip(found.contents, found.fields, strict=True)
    return [v for part, field in parts if field.name != REST for v in values_in(part, above)]


_NO_CONTAINERS = {float, int, bool, str, bytes, type(None)}


def as_values(items: Iterable[Any]) -> list[Any]:
    """The items, each number as a new Value."""
    items = list(items)
    if {*map(type, items)} == {Value}:
        return items
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
    if isinstance(structure, Static):
        return  # there is nothing to match
    if isinstance(structure, Container):
        parts = _matching(tree, structure)
        if parts is None:
            raise ValueError(f"{what} must match {of}: {structure}, not {_describe(tree)}")
        for name, expected in zip(structure.names, structure.parts, strict=True):
            if name in parts:
                _flatten_like(parts[name], expected, items, structure.place(what, name), of)
        return
    found, actual = flatten(tree, what)
    if actual != structure:
        raise ValueError(f"{what} must match {of}: {structure}, not {actual}")
    items += found


def _matching(tree: Any, structure: Container) -> dict[Any, Any] | None:
    """The parts of a tree by the names that they have in a structure; None if it is of another kind.

    What is no number may be missing in a dict.
    """
    if structure.is_opened:
        found = opened(tree, False) if type(tree) is structure.kind else None
        if found is None or not set(structure.names) <= set(found.names):
            return None
        return dict(zip(found.names, found.contents, strict=True))
    if structure.is_dict:
        if not isinstance(tree, dict) or not set(tree) <= set(structure.names):
            return None
        parts = zip(structure.names, structure.parts, strict=True)
        needed = {name for name, part in parts if part.size or not has_static(part)}
        return tree if needed <= set(tree) else None
    if not isinstance(tree, (list, tuple)) or len(tree) != len(structure.parts):
        return None
    return dict(enumerate(tree))


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
    elif isinstance(structure, Number):
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


def _flatten_array(array: Any, items: list[Any], what: str, role: Role) -> Structure:
    if array.dtype.kind in "biuf":
        kind = bool if array.dtype.kind == "b" and not role.as_given else float
        items += array.astype(kind).ravel().tolist()
    elif array.dtype.kind == "O":
        found = array.ravel().tolist()
        if not _PLAIN.issuperset(map(type, found)):
            for i, item in enumerate(found):
                if not _is_number(item):
                    raise TypeError(
                        f"{what} has a {type(item).__name__} as item {i}; it must be a number"
                    )
        items += found
    else:
        raise TypeError(f"{what} must be an array of real numbers, not of {array.dtype}")
    return Array(array.shape, array.size)


def _objects(x: Any) -> Any:
    """An array of objects without what its class says of it; None for all else."""
    if not is_array(x) or (not waits(x) and x.dtype.kind != "O"):
        return None
    from pygrad.arrays.conditions import objects

    return array if (array := objects(x)).dtype.kind == "O" else None


@functools.cache
def _class_of_arrays() -> Any:
    from pygrad.arrays.overrides import ValueArray

    return ValueArray


def array_of(items: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """A new array of that shape: of float64 or bool, a ValueArray once a Value is among the items."""
    import numpy as np

    if any(isinstance(item, Value) for item in items):
        array = np.fromiter(as_values(items), object, len(items))  # which asks no item what it is
        return array.reshape(shape).view(_class_of_arrays())
    truths = len(items) and type(items[0]) is bool and {*map(type, items)} == {bool}
    return np.array(items, dtype=bool if truths else float).reshape(shape)


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
    found = None if array is not None or type(tree) in _NO_CONTAINERS else opened(tree, False)
    if found is not None and values_in(tree):
        pairs = zip(found.contents, found.fields, strict=True)
        return found.make(
            [part if f.name == REST else detached(part, instead, keep) for part, f in pairs]
        )
    if array is not None and not any(id(item) in keep for item in array.ravel().tolist()):
        flat = [detached(item, instead, keep) for item in array.ravel().tolist()]
        if all(isinstance(item, (float, int, Value)) for item in flat):
            return array_of(flat, array.shape)
    return tree
