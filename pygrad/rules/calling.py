"""One way of calling an external function: which items of its arguments are Values, and what others are.

Items are numbers, and those of arrays of one axis. Numbers go to the function and come back as arrays with
a row for each item and a column for each call, which a program makes many of at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core import hints, implementation
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value
from pygrad.core.own_array import is_masked, own_array
from pygrad.core.static import is_static
from pygrad.core.structure import array_of


class Shape(NamedTuple):
    """What an external function returns: numbers, and arrays of one axis."""

    parts: tuple[tuple[int, ...], ...]
    several: bool  # they come in a tuple

    @classmethod
    def of(cls, shape: Any) -> Shape:
        """What a user has stated: (), a length or (length,); for several results a list of these."""
        several = isinstance(shape, list)
        return cls(tuple([_shape(part) for part in (shape if several else [shape])]), several)

    @property
    def sizes(self) -> list[int]:
        return [part[0] if part else 1 for part in self.parts]

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def arrange(self, items: Sequence[Any]) -> Any:
        """Items as the function returns them."""
        made, at = [], 0
        for part, size in zip(self.parts, self.sizes, strict=True):
            made.append(array_of(items[at : at + size], part) if part else items[at])
            at += size
        return tuple(made) if self.several else made[0]

    def items(self, found: Any, rows: tuple[int, ...], name: str) -> Any:
        """Numbers that the function has returned, as an array with a row for each.

        rows: (), or how many it was given at once, in front of all shapes.
        """
        parts: Sequence[Any] = found if self.several else [found]
        if self.several and (not isinstance(found, (tuple, list)) or len(found) != len(self.parts)):
            raise TypeError(
                f"{name}() is an external function of {len(self.parts)} results, a tuple, and has "
                f"returned {_shown(found)}"
            )
        lines = []
        for part, wanted in zip(parts, self.parts, strict=True):
            try:
                array = _floats(part)
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"{name}() is an external function, which returns plain numbers, and has returned "
                    f"{_shown(part)}"
                ) from error
            if array.shape != (*rows, *wanted):
                raise ValueError(
                    f"{name}() is an external function whose result is to be of shape "
                    f"{(*rows, *wanted)}, and has returned one of shape {array.shape}"
                )
            lines.append(array.reshape(*rows, -1).T.reshape(-1, *rows))
        return np.concatenate(lines)


_NUMBER = Shape(((),), False)


def _shape(part: Any) -> tuple[int, ...]:
    found = (part,) if isinstance(part, int) and not isinstance(part, bool) else part
    sound = isinstance(found, tuple) and len(found) < 2
    if not sound or not all(
        isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in found
    ):
        raise ValueError(
            f"shape of external() must be (), the length of an array, or a list of these for several "
            f"results, not {part!r}"
        )
    return tuple(found)


def _shown(found: Any) -> str:
    if isinstance(found, Value):
        return "a Value"
    count = f" of {len(found)}" if isinstance(found, (tuple, list)) else ""
    return f"{type(found).__name__}{count}"


class Slot(NamedTuple):
    """An argument: which shape it has, or None for one that is handed on as it is."""

    shape: tuple[int, ...] | None
    kept: Any = None

    @property
    def size(self) -> int:
        """How many items it has."""
        return 0 if self.shape is None else self.shape[0] if self.shape else 1


class Call:
    """An external function with arguments of these shapes, of whose items some are Values."""

    def __init__(self, external: Any, slots: Sequence[Slot], items: Sequence[Any]) -> None:
        """items: None where there is a Value."""
        self.external, self.slots = external, slots
        self.places = [i for i, item in enumerate(items) if item is None]
        self.numbers = np.array([0.0 if item is None else item for item in items], dtype=float)
        self.name = function_name(external.f)

    def _args(self, items: Any, array: Callable[[Any, Any], Any], number: Any) -> list[Any]:
        """The arguments; array and number: make one of its items, or of its item."""
        args, at = [], 0
        for slot in self.slots:
            some = items[at : at + slot.size]
            at += slot.size
            if slot.shape is None:
                args.append(slot.kept)
            else:
                args.append(array(some, slot.shape) if slot.shape else number(some[0]))
        return args

    def _found(self, columns: Any, rows: tuple[int, ...]) -> Any:
        """Numbers that the function gives of such, which are rows of an array."""
        args = self._args(columns, _column, np.copy if rows else float)
        found = self.external.f(*args)
        if type(found) is float and self.external.shape == _NUMBER and not rows:
            return (found,)
        return self.external.shape.items(found, rows, self.name)

    def of(self, numbers: Sequence[float]) -> list[float]:
        """The results, of numbers in the places of Values."""
        items = self.numbers.copy()
        items[self.places] = numbers
        if self.external.vectorized:
            found = self._found(items[:, None], (1,))[:, 0]
        else:
            found = self._found(items, ())
        return [*map(float, found)]

    def __call__(self, numbers: bytes, rows: int) -> bytes | tuple[BaseException, int, int]:
        """What a program calls; see `call_made` of the implementation."""
        first, last = 0, rows - 1
        try:
            columns = np.repeat(self.numbers[:, None], rows, axis=1)
            columns[self.places] = np.frombuffer(numbers).reshape(-1, rows)
            if self.external.vectorized:
                found = self._found(columns, (rows,))
            else:
                found = np.empty((self.external.shape.size, rows))
                for first, row in enumerate(columns.T):
                    found[:, first] = self._found(row, ())
        except BaseException as error:
            return error, first, last if self.external.vectorized else first
        return found.tobytes()

    def on_values(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The same where a program runs on Values: the function, with its rule."""
        items: list[Any] = self.numbers.tolist()
        for i, value in zip(self.places, values, strict=True):
            items[i] = value
        found = self.external(*self._args(items, array_of, _same))
        parts = found if self.external.shape.several else (found,)
        items = [v for part in parts for v in np.ravel(np.array(part, dtype=object)).tolist()]
        return tuple([v if isinstance(v, Value) else Value(v) for v in items])


def _column(items: Any, _: Any) -> Any:
    return items.T.copy()


def _same(item: Any) -> Any:
    return item


def taken_apart(
    f: Callable[..., Any], args: Sequence[Any], without: frozenset[int]
) -> tuple[list[Slot], list[Any]]:
    """Arguments of an external function, and all items of those that are no others' business."""
    slots: list[Slot] = []
    items: list[Any] = []
    for i, arg in enumerate(args):
        what = f"argument {i} of {function_name(f)}(), an external function,"
        if i in without:
            slots.append(Slot(None, arg))
        elif isinstance(arg, Value):
            slots.append(Slot(()))
            items.append(arg)
        elif isinstance(arg, (list, tuple, np.ndarray)):
            array = own_array(arg, what) if isinstance(arg, np.ndarray) else np.array(arg, object)
            if array.ndim > 1:
                raise TypeError(
                    f"{what} has {array.ndim} axes: give numbers, and arrays of one axis"
                )
            some = [_number(item, what) for item in array.ravel().tolist()]
            slots.append(Slot(array.shape))
            items += some
        elif is_static(arg):
            slots.append(Slot(None, arg))
        else:
            slots.append(Slot(()))
            items.append(_number(arg, what))
    return slots, items


def _number(item: Any, what: str) -> Any:
    if isinstance(item, Value):
        return item
    try:
        return float(item)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{what} is {type(item).__name__}, neither a number nor an array of one axis: name it in "
            "nondiff_argnums if it is to be handed on as it is"
        ) from error


def _floats(part: Any) -> Any:
    """An array of floats; TypeError for what NumPy would make one of, though it is no real number."""
    array = np.asarray(part)
    if array.dtype.kind == "f" and not is_masked(part):
        return array.astype(float, copy=False)
    no_numbers = array.dtype.kind not in "biuO" or (
        array.dtype.kind == "O"
        and any(v is None or isinstance(v, (str, bytes, complex)) for v in array.ravel().tolist())
    )
    if no_numbers or is_masked(part):
        raise TypeError(f"no real numbers: {array.dtype}")
    return array.astype(float)


def say_rows(error: BaseException, first: int, last: int) -> None:
    """Notes in an exception which rows of an array a program has called back for."""
    where = f"row {first}" if first == last else f"one of the rows {first} to {last}"
    if isinstance(error, Exception):
        hints.note(error, f"raised in {where}, for which a program has called back")


if implementation.IMPLEMENTATION == "compiled":
    implementation.stated.set_say_rows(say_rows)
