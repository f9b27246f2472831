"""in_axes: along which axes of which arguments the rows of a mapped function lie.

For an argument, or a part of one, there stands an int, the axis of all arrays in it; None, as it is the
same for all rows; or a container of these that matches its container, part by part: a prefix of it.

>>> from pygrad.programs.axes import axes_of, rows_of
>>> f = lambda p, x: p["w"] * x
>>> args = ({"w": [1.0, 2.0], "b": 5.0}, [3.0, 4.0])
>>> axes = axes_of(({"w": 0, "b": None}, 0), f, 2, ())
>>> rows_of(args, axes, ["p", "x"], "f")
(2, [({'w': 1.0, 'b': 5.0}, 3.0), ({'w': 2.0, 'b': 5.0}, 4.0)])
"""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.callables import function_name
from pygrad.core.containers import opened
from pygrad.core.implementation import Value
from pygrad.core.own_array import own_array
from pygrad.core.static import is_static
from pygrad.core.structure import (
    ARGUMENT,
    RESULT,
    Look,
    Role,
    as_static,
    look_into,
    values_in,
)

CONTAINERS = (list, tuple, dict)
_ITEMS = (Value, float, int, np.integer, np.floating)  # of columns


def is_column(arg: Any) -> bool:
    """Whether arg is a list or tuple of numbers and Values: as good as an array of one axis."""
    return (
        isinstance(arg, (list, tuple))
        and not hasattr(arg, "_make")
        and len(arg) > 0
        and all(
            issubclass(kind, _ITEMS) and kind is not np.timedelta64 for kind in set(map(type, arg))
        )
    )


# -- one entry for each argument -------------------------------------------------------------------


def axes_of(in_axes: Any, f: Callable[..., Any], count: int, names: Sequence[str]) -> list[Any]:
    """The axes of so many arguments by position, and of those by name.

    A tuple or list has an entry for each argument by position; those by name, and what a dict by names of
    arguments does not have, are mapped over axis 0.
    """
    if in_axes is None or type(in_axes) is int:
        return [in_axes] * (count + len(names))
    if isinstance(in_axes, dict):
        return _by_name(in_axes, f, count, names)
    if not isinstance(in_axes, (list, tuple)):
        raise _wrong(in_axes)
    if len(in_axes) != count:
        raise ValueError(
            f"in_axes has {len(in_axes)} entries, but {function_name(f)}() was called with {count} "
            f"arguments{' by position' if names else ''}"
        )
    for axes in in_axes:
        _check(axes, in_axes)
    return [*in_axes, *[0] * len(names)]


def _by_name(
    in_axes: dict[Any, Any], f: Callable[..., Any], count: int, names: Sequence[str]
) -> list[Any]:
    given = [*_names_by_position(f, count), *names]
    for name, axes in in_axes.items():
        if name not in given:
            raise ValueError(
                f"in_axes names {name!r}, but {function_name(f)}() was called with no argument of that "
                "name; for the parts of an argument that is a dict write in_axes=({...},)"
            )
        _check(axes, in_axes)
    return [in_axes.get(name, 0) for name in given]


def _names_by_position(f: Callable[..., Any], count: int) -> list[str]:
    """What f calls its first arguments; "" for those without a name."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    return [*names, *[""] * count][:count]


def _check(axes: Any, in_axes: Any) -> None:
    """TypeError unless there are ints and None in it, and containers of these."""
    if axes is None or type(axes) is int:
        return
    look = look_into(axes, "in_axes", RESULT)
    if look is None:
        raise _wrong(in_axes)
    for part in look.contents if look.opened is None else ():  # else it is seen what is needed
        _check(part, in_axes)


def _wrong(in_axes: Any) -> TypeError:
    return TypeError(
        "in_axes must be an int, None, one of these or a container of them for each argument, or a dict of "
        f"such by names of arguments, not {in_axes!r}"
    )


# -- arguments part by part ------------------------------------------------------------------------


class Part(NamedTuple):
    """An argument or a part of one, its axes, what errors call it, and its role."""

    content: Any
    axes: Any
    what: str
    role: Role = ARGUMENT

    @property
    def is_static(self) -> bool:
        """Whether it is no number and no container, so that it is the same for all rows."""
        if type(self.content) is np.ndarray or type(self.content) is float:
            return self.role.static
        role = self.role._replace(free=True)
        if type(self.content) is bool and self.role is ARGUMENT:
            return True
        return as_static(self.content, role) or (
            not isinstance(self.content, (numbers.Real, Value, np.ndarray, *CONTAINERS))
            and is_static(self.content)
            and look_into(self.content, self.what, role) is None
        )


def parts_of(of: Part) -> tuple[Look, list[Part]] | None:
    """A container that is mapped part by part, and the parts; None for a column or an array.

    Raises:
        ValueError: axes are no prefix of the argument; the message says where.
    """
    arg, axes, what, role = of
    if type(arg) is np.ndarray and type(axes) is int:
        return None
    whole = axes is None or type(axes) is int
    if whole and not role.whole and is_column(arg):
        return None
    look = None if type(arg) is np.ndarray else look_into(arg, what, role)
    if look is None:
        if not whole:
            raise ValueError(
                f"in_axes has {axes!r} for {what}, which is no container but of type {type(arg).__name__}"
            )
        return None
    return look, _parts(look, [axes] * len(look.contents) if whole else _below(look, axes, what))


def _below(look: Look, axes: Any, what: str) -> list[Any]:
    """The axes of each part of a container, from those of its prefix."""
    arg = look.tree
    if look.opened is not None:
        names = look.opened.names
        parts = zip(names, _parts(look, [0] * len(names)), strict=True)
        needed = [name for name, part in parts if _may_have_rows(part)]
        found = opened(axes, False) if type(axes) is type(arg) else None
        if found is not None:
            axes = dict(zip(found.names, found.contents, strict=True))
        if isinstance(axes, dict) and set(needed) <= set(axes):
            for name in needed:
                _check(axes[name], axes[name])
            return [axes[name] if name in needed else None for name in names]
        kind = f"a {type(arg).__name__} whose fields {needed!r} have numbers"
    elif isinstance(arg, dict):
        if isinstance(axes, dict) and set(arg) == set(axes):
            return [axes[name] for name in arg]
        kind = f"a {type(arg).__name__} with the keys {list(arg)!r}"
    else:
        if isinstance(axes, (list, tuple)) and len(arg) == len(axes):
            return list(axes)
        kind = f"a {type(arg).__name__} of {len(arg)}"
    raise ValueError(f"in_axes has {axes!r} for {what}, which is {kind}: they must match")


def _may_have_rows(of: Part) -> bool:
    """Whether there is a number in it, or an array."""
    if of.is_static:
        return False
    found = None if type(of.content) is np.ndarray else look_into(of.content, of.what, of.role)
    if found is None:
        return True
    return any(map(_may_have_rows, _parts(found, [0] * len(found.contents))))


def _parts(look: Look, axes: list[Any]) -> list[Part]:
    return list(map(Part, look.contents, axes, look.whats, look.roles))


def has_rows_of_values(args: Sequence[Any], axes: Sequence[Any], whats: Sequence[str]) -> bool:
    """Whether there are Values in what is mapped."""
    return any(map(_has_rows_of_values, map(Part, args, axes, whats)))


def _has_rows_of_values(of: Part) -> bool:
    if of.axes is None:
        return False
    if type(of.axes) is int:
        return bool(values_in(of.content))
    found = parts_of(of)
    return found is not None and any(map(_has_rows_of_values, found[1]))


# -- rows in Python --------------------------------------------------------------------------------


def rows_of(
    args: Sequence[Any], axes: Sequence[Any], whats: Sequence[str], name: str
) -> tuple[int, list[tuple[Any, ...]]]:
    """How many rows there are in all that is mapped, and the arguments of each."""
    given = list(map(Part, args, axes, whats))
    counts = set[int]().union(*map(_counts, given))
    if not counts:
        raise ValueError(f"{name}() is mapped over no argument that has rows")
    if len(counts) > 1:
        raise ValueError(f"mapped arguments of {name}() must have the same number of rows")
    (count,) = counts
    return count, list(zip(*[_rows(part, count) for part in given], strict=True))


def _counts(of: Part) -> set[int]:
    """How many rows there are; empty containers fit any number."""
    if of.axes is None or of.is_static:
        return set()
    found = parts_of(of)
    if found is None:
        return {len(_column(of.content, of.axes))}
    return set().union(*map(_counts, found[1]))


def _rows(of: Part, count: int) -> list[Any]:
    """The rows of an argument, each in its structure."""
    if of.axes is None or of.is_static:
        return [of.content] * count
    found = parts_of(of)
    if found is None:
        return _column(of.content, of.axes)
    look, parts = found
    columns = [_rows(part, count) for part in parts]
    return [look.made([column[k] for column in columns]) for k in range(count)]


def _column(arg: Any, axis: int) -> list[Any]:
    return list(arg) if is_column(arg) else list(np.moveaxis(own_array(arg, "a row"), axis, 0))


# -- arguments by position and by name -------------------------------------------------------------


def names_of(count: int, names: Sequence[str], name: str) -> list[str]:
    """What errors call the arguments of a function."""
    return [
        f"argument {i if isinstance(i, int) else repr(i)} of {name}()"
        for i in [*range(count), *names]
    ]


def called(f: Callable[..., Any], arguments: Any) -> Any:
    """f with a tuple of arguments, or a dict of them by position and name."""
    if type(arguments) is not dict:
        return f(*arguments)
    named = {name: arg for name, arg in arguments.items() if isinstance(name, str)}
    return f(*[arguments[i] for i in range(len(arguments) - len(named))], **named)
