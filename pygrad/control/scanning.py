"""`scan`.

>>> from pygrad import scan
>>> total, sums = scan(lambda total, x: (total + x, total + x), 0.0, [1.0, 2.0, 3.0])
>>> total, sums
(6.0, array([1., 3., 6.]))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from pygrad.arrays.engines import is_array
from pygrad.control import traced
from pygrad.control.autograph.branching import forgive, settle
from pygrad.control.autograph.context import context
from pygrad.control.autograph.looping import MOST_UNROLLED
from pygrad.control.bodies import checked_trips
from pygrad.control.bodies import scan as scan_of_program
from pygrad.control.columns import Part
from pygrad.control.loops import too_many
from pygrad.control.state import ControlError, State, is_like, must_be_alike
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value, trace_active
from pygrad.core.structure import FREE, Look, array_of, look_into

T = TypeVar("T")

UNROLLED_SCAN = 16  # trips, with those of loops around it, that are traced one by one


def scan(
    f: Callable[[T, Any], tuple[T, Any]],
    init: T,
    xs: Any,
    length: int | None = None,
    reverse: bool = False,
    *,
    max_trips: int | None = None,
) -> tuple[T, Any]:
    """The state after `state, y = f(state, x)` for each x of xs, and all y in arrays.

    xs is an array, whose rows are scanned, a list of numbers, or a tree of these, of one length; or None,
    with a length. With reverse=True it begins with the last, and each y stands where its x did. See
    `while_loop` for the state. y is a tree of numbers and arrays, and becomes the same tree of arrays with
    an axis more, the first.

    In a trace f is called once, on Values, and is one part of the program. It is called for each trip where
    there are few, or where that cannot be: if it needs to know an x, say, as the index of a list.

    Raises:
        TypeError: f does not return a pair, or a state of another kind than it is given, or y differs in
            kind.
        ValueError: sequences of xs differ in length, or from the length that is given.
    """
    most = checked_trips(max_trips, "scan")
    columns = _Columns.of(xs)
    count = _length(columns, length)
    if count > most:
        raise too_many(most, "scan")
    if count == 0:
        return init, _stacked([], _nothing(f, init, columns))
    if trace_active():
        return _traced_scan(f, init, columns, count, reverse)
    state, ys = init, []
    for at in reversed(range(count)) if reverse else range(count):
        before = state
        state, y = _pair(f, state, columns.row(at))
        if not is_like(before, state):
            must_be_alike(before, state, "init", f, "scan")
        ys.append(y if type(y) is float else State.of(y, "y"))
        _check_y(ys[0], ys[-1], f)
    if reverse:
        ys.reverse()
    return state, _stacked([y.items if isinstance(y, State) else [y] for y in ys], ys[0])


class _Columns(NamedTuple):
    """The sequences of xs, and how their items are arranged for f."""

    sequences: list[Any]
    arrange: Callable[[Iterator[Any]], Any]

    @classmethod
    def of(cls, xs: Any) -> _Columns:
        sequences: list[Any] = []
        arrange = _looked_at(xs, "xs", sequences)
        return cls(sequences, arrange)

    def row(self, at: int) -> Any:
        return self.arrange(iter([_item(sequence, at) for sequence in self.sequences]))


def _looked_at(tree: Any, what: str, sequences: list[Any]) -> Callable[[Iterator[Any]], Any]:
    if tree is None:
        return lambda items: None
    is_numbers = isinstance(tree, list) and all(isinstance(x, (Value, float, int)) for x in tree)
    if is_numbers or (is_array(tree) and tree.ndim):
        sequences.append(tree)
        return next
    look = look_into(tree, what, FREE)
    if look is None:
        raise TypeError(
            f"{what} of scan() must be an array, a list of numbers, or a tree of these, not "
            f"{type(tree).__name__}"
        )
    parts = [_looked_at(c, w, sequences) for c, w in zip(look.contents, look.whats, strict=True)]
    return _Arranged(look, parts)


class _Arranged:
    """Makes a container of the items of its sequences."""

    def __init__(self, look: Look, parts: list[Callable[[Iterator[Any]], Any]]) -> None:
        self.look, self.parts = look, parts

    def __call__(self, items: Iterator[Any]) -> Any:
        return self.look.made([part(items) for part in self.parts])


def _item(sequence: Any, at: int) -> Any:
    item = sequence[at]
    return item.item() if hasattr(item, "item") and not getattr(item, "ndim", 1) else item


def _length(columns: _Columns, length: int | None) -> int:
    lengths = {len(sequence) for sequence in columns.sequences}
    if length is not None:
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise ValueError(f"length of scan() must be a whole number, 0 or more, not {length!r}")
        lengths.add(length)
    if not lengths:
        raise ValueError("scan() has no sequence in xs: give a length")
    if len(lengths) > 1:
        said = "" if length is None else f", and length is {length}"
        each = ", ".join(str(len(sequence)) for sequence in columns.sequences)
        raise ValueError(f"sequences of xs must have one length; theirs are {each}{said}")
    return lengths.pop()


def _pair(f: Callable[..., Any], state: Any, x: Any) -> tuple[Any, Any]:
    result = f(state, x)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ControlError(
            f"{function_name(f)}() of scan() must return a pair: the state, and what the trip gives; None "
            "if it gives nothing"
        )
    return result


def _check_y(first: Any, y: Any, f: Callable[..., Any]) -> None:
    if type(first) is float and type(y) is float:
        return
    a, b = (y if isinstance(y, State) else State.of(y, "y") for y in (first, y))
    wrong = a.differs(b, "y")
    if wrong:
        raise ControlError(f"{function_name(f)}() of scan() must give the same kind of y: {wrong}")


def _nothing(f: Callable[..., Any], init: Any, columns: _Columns) -> Any:
    """What kind of y there would be, if there were a row: f is run on one of nan."""
    rows = iter([_blank(sequence) for sequence in columns.sequences])
    return State.of(_pair(f, init, columns.arrange(rows))[1], "y")


def _blank(sequence: Any) -> Any:
    shape = getattr(sequence, "shape", (0,))[1:]
    if not shape:
        return float("nan")
    size = 1
    for extent in shape:
        size *= extent
    return array_of([float("nan")] * size, shape)


def _stacked(rows: Sequence[Sequence[Any]], of: Any) -> Any:
    """The numbers of all y, arranged as one y with an axis more."""
    if not isinstance(of, State):
        return array_of([row[0] for row in rows], (len(rows),))

    def stacked(leaf: Any, at: int) -> Any:
        found = [item for row in rows for item in row[at : at + leaf.size]]
        truths = of.truths[at : at + leaf.size]
        shape = (len(rows), *leaf.shape)
        if truths and all(truths) and any(isinstance(item, Value) for item in found):
            return _conditions(found, shape)
        array = array_of(found, shape)
        return array != 0 if truths and all(truths) else array

    return of.structure.map(stacked)


def _conditions(items: Sequence[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    from pygrad.arrays.conditions import as_conditions

    array = np.empty(len(items), dtype=object)
    for at, item in enumerate(items):  # to be given all at once would ask for their truth
        array[at] = item
    return as_conditions(array.reshape(shape))


# -- in traces -------------------------------------------------------------------------------------


def _traced_scan(
    f: Callable[..., Any], init: Any, columns: _Columns, count: int, reverse: bool
) -> tuple[Any, Any]:
    state = State.of(init, "init")
    parts = [Part.of(sequence) for sequence in columns.sequences]
    made: list[State] = []

    def body(items: list[Any], row: list[Any]) -> tuple[list[Any], list[Any]]:
        numbers = iter(row)
        x = columns.arrange(iter([part.arrange(numbers) for part in parts]))
        result, y = _pair(f, state.arrange(items), x)
        found = must_be_alike(init, result, "init", f, "scan")
        made.append(State.of(y, "y"))
        _check_y(made[0], made[-1], f)
        return found.items, made[-1].items

    args = body, state.items, [column for part in parts for column in part.columns], count, reverse
    items, ys = _rolled(args, made) or traced.scanned(*args)
    settle()
    rows = zip(*ys, strict=True) if ys else [()] * count
    return state.arrange(items), _stacked(list(rows), made[0])


def _rolled(args: tuple[Any, ...], made: list[State]) -> tuple[list[Any], list[list[Any]]] | None:
    """The scan with one body in the program; None if it is to be done trip by trip."""
    trips = args[3] * context.times
    if trips <= UNROLLED_SCAN or not traced.ROLLED:
        return None
    errors = len(context.errors)
    try:
        items, ys = scan_of_program(*args)
        truths = made[0].truths
        return items, [
            [item != 0 for item in column] if truth else column
            for column, truth in zip(ys, truths, strict=True)
        ]
    except Exception as error:
        if trips > MOST_UNROLLED:
            raise
        forgive(error)
        del context.errors[errors:], made[:]
    return None
