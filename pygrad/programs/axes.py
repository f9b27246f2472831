"""in_axes: along which axes of which arguments the rows of a mapped function lie.

For an argument, or a part of one, there stands an int, the axis of all arrays in it; None, as it is the
same for all rows; or a container of these that matches its container, part by part: a prefix of it.

>>> import numpy as np
>>> from pygrad.programs.axes import axes_of, rows_of
>>> f = lambda p, x: p["w"] * x
>>> args = ({"w": np.array([1.0, 2.0]), "b": 5.0}, np.array([3.0, 4.0]))
>>> axes = axes_of(({"w": 0, "b": None}, 0), f, 2, ())
>>> rows_of(args, axes, ["p", "x"], "f")[1]
[({'w': 1.0, 'b': 5.0}, 3.0), ({'w': 2.0, 'b': 5.0}, 4.0)]
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.callables import function_name
from pygrad.core.containers import maker
from pygrad.core.implementation import Value
from pygrad.core.structure import own_array, values_in

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
    parts = list(axes.values()) if isinstance(axes, dict) else axes
    if not isinstance(parts, (list, tuple)):
        raise _wrong(in_axes)
    for part in parts:
        _check(part, in_axes)


def _wrong(in_axes: Any) -> TypeError:
    return TypeError(
        "in_axes must be an int, None, one of these or a container of them for each argument, or a dict of "
        f"such by names of arguments, not {in_axes!r}"
    )


# -- arguments part by part ------------------------------------------------------------------------


class Part(NamedTuple):
    """A part of a container, its axes, and what errors call it."""

    content: Any
    axes: Any
    what: str


def parts_of(arg: Any, axes: Any, what: str) -> list[Part] | None:
    """What a container has in it, where it is mapped part by part; None for a column or an array.

    Raises:
        ValueError: axes are no prefix of the argument; the message says where.
    """
    whole = axes is None or type(axes) is int
    if not isinstance(arg, (list, tuple, dict)):
        if not whole:
            raise ValueError(
                f"in_axes has {axes!r} for {what}, which is no container but of type {type(arg).__name__}"
            )
        return None
    if whole and is_column(arg):
        return None
    is_dict = isinstance(arg, dict)
    names = list(arg) if is_dict else list(range(len(arg)))
    return [
        Part(arg[name], axes if whole else part, f"{what}[{name!r}]")
        for name, part in zip(names, names if whole else _below(arg, axes, what), strict=True)
    ]


def _below(arg: Any, axes: Any, what: str) -> list[Any]:
    """The axes of each part of a container, from those of its prefix."""
    if isinstance(arg, dict) and isinstance(axes, dict) and set(arg) == set(axes):
        return [axes[name] for name in arg]
    if not isinstance(arg, dict) and not isinstance(axes, dict) and len(arg) == len(axes):
        return list(axes)
    kind = f"a {type(arg).__name__} of {len(arg)}"
    if isinstance(arg, dict):
        kind = f"a {type(arg).__name__} with the keys {list(arg)!r}"
    raise ValueError(f"in_axes has {axes!r} for {what}, which is {kind}: they must match")


def has_rows_of_values(args: Sequence[Any], axes: Sequence[Any], whats: Sequence[str]) -> bool:
    """Whether there are Values in what is mapped."""
    return any(map(_has_rows_of_values, map(Part, args, axes, whats)))


def _has_rows_of_values(of: Part) -> bool:
    if of.axes is None:
        return False
    if type(of.axes) is int:
        return bool(values_in(of.content))
    return any(map(_has_rows_of_values, parts_of(*of) or ()))


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
    if of.axes is None:
        return set()
    parts = parts_of(*of)
    if parts is None:
        return {len(_column(of.content, of.axes))}
    return set().union(*map(_counts, parts))


def _rows(of: Part, count: int) -> list[Any]:
    """The rows of an argument, each in its structure."""
    if of.axes is None:
        return [of.content] * count
    parts = parts_of(*of)
    if parts is None:
        return _column(of.content, of.axes)
    make = maker(of.content)
    columns = [_rows(part, count) for part in parts]
    return [make([column[k] for column in columns]) for k in range(count)]


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
