"""Tables: which cell of ascending numbers x is in, the item of an index, straight lines between points.

Eager code searches in plain Python and takes the item itself. In a trace a search and an item are ops, so
that one program serves all cells: see csrc/ops/cells.h.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np

from pygrad.arrays.elementary import isfinite, isnan
from pygrad.arrays.engines import Engine, engine_of, has_values, is_value

# How a search treats ties and nan, as csrc/ops/cells.h numbers it.
BISECT_LEFT, BISECT_RIGHT, SEARCH_LEFT, SEARCH_RIGHT, LIKE_INTERP = range(5)

_WHOLE_OF_WHOLE = {
    *("+", "-", "*", "//", "%", "neg", "abs", "sum"),
    *("maximum", "minimum", "clip", "where"),
}
_COMPARED = frozenset({"below", "at_most", "equal", "unequal", "both", "either"})
_COUNTS = _COMPARED | {"search"}
_MOST_LOOKED_AT = 10_000  # Values

# -- an item -----------------------------------------------------------------------------------------


def take(table: Any, index: Any, /) -> Any:
    """table[index], where the index may be a Value whose number is whole; negative ones count from the end.

    Its derivative by an item is 1 where that is taken and 0 elsewhere, by the index it is 0. The items of a
    table may be sequences of one length: then what is taken is one. In a program this is one step, whatever
    the index; a list that is indexed by `int(i)` needs a program for each.

    Raises:
        IndexError: there is no such item; in a program the row is nan, or so reported, and its derivatives
            are 0, as no item is taken.
        TypeError: the index is not whole, as floor(i), round(i) and trunc(i) are.

    >>> from pygrad import Value, take
    >>> from pygrad.math import floor
    >>> x = Value(1.7)
    >>> take([10.0, x * x, 30.0], floor(x)).data == 1.7 * 1.7
    True
    """
    if isinstance(index, list | tuple | np.ndarray) and np.ndim(index):
        each = np.frompyfunc(lambda i: take(table, i), 1, 1)(np.asarray(index, dtype=object))
        return each if has_values(each) else np.array(each.tolist())
    if isinstance(table, np.ndarray) and table.dtype != object and not is_value(index):
        return table[operator.index(index)]
    items = _listed(table)
    if not is_value(index):
        return _at(items, operator.index(index))
    engine = engine_of((index,))
    if not engine.trace_active():
        found = _at(items, _whole(engine, index))
        return _each(found, lambda item: _beside(item, index))
    if index._op != "search":
        index = engine.functions["where"](index < 0, index + len(items), index)
    if len(items) and np.ndim(items[0]):
        columns = zip(*map(_listed, items), strict=True)
        taken = [take(list(column), index) for column in columns]
        return np.array(taken, dtype=object) if isinstance(table, np.ndarray) else taken
    return engine.take(tuple(items), index)


def _each(found: Any, function: Callable[[Any], Any]) -> Any:
    """The function of an item, or of each of those in an item that is a sequence."""
    if isinstance(found, np.ndarray):
        return np.frompyfunc(function, 1, 1)(found)
    return (
        [_each(x, function) for x in found] if isinstance(found, list | tuple) else function(found)
    )


def _at(items: Sequence[Any], i: int) -> Any:
    if -len(items) <= i < len(items):
        return items[i]
    n = len(items)
    raise IndexError(f"index {i} is out of range for a table of {n} item{'s' * (n != 1)}")


def _whole(engine: Engine, index: Any) -> int:
    """The number of an index, found by comparisons, which are no reads."""
    if isfinite(index) and index <= index.floor():
        return int(index)
    said = engine.refusal(
        "an index of a table is a whole number", "take", "floor(i), round(i) or trunc(i)", index
    )
    raise TypeError(said)


def _listed(table: Any) -> Any:
    """A table as a list or tuple."""
    if type(table) in {list, tuple}:
        return table
    return table.tolist() if isinstance(table, np.ndarray) and table.ndim == 1 else list(table)


# -- a cell ------------------------------------------------------------------------------------------


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """numpy.searchsorted: how many items of a come before v; whole numbers, in a trace Values."""
    if side not in {"left", "right"}:
        raise ValueError(f"search side must be 'left' or 'right' (got {side!r})")
    keys = _listed(a if sorter is None else np.asarray(a, dtype=object)[np.asarray(sorter)])
    rule = SEARCH_LEFT if side == "left" else SEARCH_RIGHT
    return _of_each(v, lambda x: engine_of(chain((x,), keys)).search(keys, x, rule))


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """numpy.digitize: the number of the bin that x is in."""
    edges = _listed(bins)
    pairs = list(pairwise(edges))
    rule = SEARCH_LEFT if right else SEARCH_RIGHT
    if all(a <= b for a, b in pairs):
        return _of_each(x, lambda v: engine_of(chain((v,), edges)).search(edges, v, rule))
    if not all(a >= b for a, b in pairs):
        raise ValueError("bins must be monotonically increasing or decreasing")
    rising, n = edges[::-1], len(edges)
    return _of_each(x, lambda v: n - engine_of(chain((v,), edges)).search(rising, v, rule))


def bisected(keys: Any, x: Any, rule: int) -> Any:
    """What Python's bisect finds among all keys."""
    return engine_of(chain((x,), keys)).search(_listed(keys), x, rule)


def counts(x: Any, found_by: frozenset[str] = _COUNTS) -> bool:
    """Whether x is made of what these ops found: sums, products, choices of such and of whole numbers."""

    def operands(v: Any) -> Any:
        if v._op == "where":
            return v._children[1:]
        return v._children if v._op in _WHOLE_OF_WHOLE else None

    return _is_made_of(x, found_by, operands, lambda number: number.data.is_integer())


def is_plain_in_eager_code(x: Any) -> bool:
    """Whether x is made of comparisons and plain numbers alone: eager code has a plain number there."""

    def operands(v: Any) -> Any:
        return v._children if v._op in _WHOLE_OF_WHOLE or v._op == "/" else None

    return _is_made_of(x, _COMPARED, operands, lambda number: True)


def _is_made_of(
    x: Any,
    found_by: frozenset[str],
    operands: Callable[[Any], Any],
    may_be: Callable[[Any], bool],
) -> bool:
    """Whether all that x is computed from leads to what some ops have found, and to numbers that may be.

    operands: of another Value what is to be looked at in its place, None if it is not looked through.
    """
    from pygrad import _native  # of a trace, which the reference has none of

    pending, found = [x], 0
    for _ in range(_MOST_LOOKED_AT):
        if not pending:
            return found > 0
        v = pending.pop()
        if v._op in found_by:
            found += 1
        elif (of := operands(v)) is not None:
            pending += of
        elif not (_native.is_number(v) and may_be(v)):
            break
    return False


def _of_each(x: Any, find: Callable[[Any], Any]) -> Any:
    """A whole number for x; for each of an array an int, which NumPy wants of an array of indices."""
    if is_value(x) or not np.ndim(x):
        found = find(x.item() if isinstance(x, np.ndarray) else x)
        return found if is_value(found) else np.intp(found)
    cells = np.frompyfunc(lambda each: operator.index(find(each)), 1, 1)
    return cells(np.asarray(x, dtype=object)).astype(np.intp)


# -- straight lines ----------------------------------------------------------------------------------


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """The height at x of straight lines between the points (xp, fp), xp ascending, as numpy.interp has it.

    Below the first point it is left, or the first height; beyond the last one right, or the last height. On
    a point its slope is that of the line that begins there. period makes a circle of the points. All may be
    Values; x may be an array. In a program this is a search and an item of a table, whatever the cell.

    >>> from pygrad import Value, interp
    >>> x = Value(1.5)
    >>> y = interp(x, [0.0, 1.0, 2.0], [0.0, 10.0, 40.0])
    >>> y.backward()
    >>> y.data, x.grad
    (25.0, 30.0)
    """
    many = not is_value(x) and np.ndim(x) != 0
    if not many and isinstance(x, np.ndarray):
        x = x.item()
    if many and not has_values([x, xp, fp, left, right, period]):
        return np.interp(x, xp, fp, left, right, period)
    places, heights = _listed(xp), _listed(fp)
    if len(places) != len(heights):
        raise ValueError("fp and xp are not of the same length.")
    if not places:
        raise ValueError("array of sample points is empty")
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period = abs(period)
        x = np.asarray(x) % period if many else x % period
        places, heights = _on_a_circle(places, heights, period)
        left = right = None
    line = _Line(places, heights, left, right, _prepared(xp, fp, places, heights, period))
    if many:
        return np.frompyfunc(lambda each: _height(each, line), 1, 1)(np.asarray(x, dtype=object))
    return _height(x, line)


def _on_a_circle(places: Any, heights: Any, period: Any) -> tuple[list[Any], list[Any]]:
    """One point more on either side."""
    pairs = sorted(zip([p % period for p in places], heights, strict=True), key=_first)
    places, heights = map(list, zip(*pairs, strict=True))
    places = [places[-1] - period, *places, places[0] + period]
    return places, [heights[-1], *heights, heights[0]]


def _first(pair: Any) -> Any:
    return pair[0]


class _Line(NamedTuple):
    """Points, and what is beyond."""

    places: Any
    heights: Any
    left: Any
    right: Any
    cells: _Cells | None


def _height(x: Any, line: _Line) -> Any:
    engine = engine_of(chain((x,), line.places, line.heights))
    if not engine.trace_active():
        return _height_now(engine, x, line)
    if line.cells is not None and is_value(x):
        return _height_in_cells(engine, x, line, line.cells)
    return _height_at_any(engine, x, line)


def _height_now(engine: Engine, x: Any, line: _Line) -> Any:
    """In eager code: the line of the cell that x is in."""
    places, heights = line.places, line.heights
    n = len(places)
    if n > 1 and isnan(x):
        return x
    k = engine.search(places, x, LIKE_INTERP)
    if k == 0:
        return _beside(heights[0] if line.left is None else line.left, x)
    if k >= n:
        return _beside(heights[-1] if k == n or line.right is None else line.right, x)
    a, b, low, high = places[k - 1], places[k], heights[k - 1], heights[k]
    slope = (high - low) / (b - a)
    height = slope * (x - a) + low
    on_a_point = _equal(x, a)
    if on_a_point and not isfinite(height):
        return _beside(low, x)
    if on_a_point and low == 0:  # which may be -0.0
        return low - (slope * (a - x) + 0.0)
    if isnan(height):
        height = slope * (x - b) + high
        if isnan(height) and _equal(low, high):
            return _beside(low, x)
    return height


def _equal(a: Any, b: Any) -> Any:
    """By number: == of two Values is about which they are, where no transform runs."""
    return (a <= b) & (b <= a)


def _beside(height: Any, x: Any) -> Any:
    """A height that does not change with x, as a Value if x is one."""
    if is_value(height) or not is_value(x):
        return height
    return engine_of((x,)).functions["where"](1.0, height, x)


def _height_in_cells(engine: Engine, x: Any, line: _Line, cells: _Cells) -> Any:
    """In a trace, of points that are plain numbers: what is constant in a cell has slope 0."""
    where: Callable[..., Any] = engine.functions["where"]
    k = engine.search(cells.places, x, SEARCH_RIGHT)
    slope, start, low = (
        engine.take(each, k) for each in (cells.slopes, cells.starts, cells.heights)
    )
    height = where(slope != 0, slope * (x - start) + low, low)
    if line.right is not None:
        height = where(x > cells.places[-1], line.right, height)
    if line.left is not None:
        height = where(x < cells.places[0], line.left, height)
    return height if len(cells.places) == 1 else where(isnan(x), x, height)


def _height_at_any(engine: Engine, x: Any, line: _Line) -> Any:
    """In a trace, whatever is a Value: what NumPy does, by choices."""
    where: Callable[..., Any] = engine.functions["where"]
    places, heights = tuple(line.places), tuple(line.heights)
    n = len(places)
    first, last = heights[0], heights[-1]
    left, right = (
        first if line.left is None else line.left,
        last if line.right is None else line.right,
    )
    if n == 1:
        return where(x > places[0], right, where(x < places[0], left, first))
    k = engine.search(places, x, LIKE_INTERP)
    cell = (k - 1.0).clip(0.0, n - 2.0) if is_value(k) else min(max(k - 1, 0), n - 2)
    a, b, low, high = (
        engine.take(each, cell) for each in (places, places[1:], heights, heights[1:])
    )
    width = b - a
    slope = (high - low) / width if is_value(width) or width != 0 else 0.0
    height = where(x == a, low - (slope * (a - x) + 0.0), slope * (x - a) + low)
    on_a_point = (x == a) & (isfinite(height) ^ True)
    other = slope * (x - b) + high
    other = where(isnan(other) & (low == high), low, other)
    height = where(on_a_point, low, where(isnan(height), other, height))
    height = where(k == n, last, where(k > n, right, where(k < 1, left, height)))
    return where(isnan(x), x, height)


# -- points of plain numbers, for programs -------------------------------------------------------------


class _Cells(NamedTuple):
    """For each number of places that x has reached: the slope there, where its line starts, how high."""

    places: tuple[float, ...]
    slopes: tuple[float, ...]
    starts: tuple[float, ...]
    heights: tuple[float, ...]


_known: list[tuple[Any, Any, _Cells | None]] = []  # of the points that were used last
_MOST_KNOWN = 8


def _prepared(xp: Any, fp: Any, places: Any, heights: Any, period: Any) -> _Cells | None:
    """Cells, where a trace runs, and numbers are plain, ascend and make lines of finite slopes."""
    engine = engine_of(())
    if not engine.trace_active():
        return None
    if period is not None:
        return _cells(places, heights)
    for known_xp, known_fp, cells in list(_known):
        if _same(known_xp, xp) and _same(known_fp, fp):
            return cells
    cells = _cells(places, heights)
    if cells is not None:
        _known[:] = [(_kept(xp), _kept(fp), cells), *_known[: _MOST_KNOWN - 1]]
    return cells


def _kept(numbers: Any) -> Any:
    return numbers.copy() if isinstance(numbers, np.ndarray) else tuple(numbers)


def _same(kept: Any, numbers: Any) -> bool:
    """Whether these are the numbers that were kept, to the bit."""
    if isinstance(numbers, np.ndarray) or isinstance(kept, np.ndarray):
        return (
            type(numbers) is type(kept)
            and numbers.dtype == kept.dtype
            and numbers.tobytes() == kept.tobytes()
        )
    return len(kept) == len(numbers) and all(map(operator.is_, kept, numbers))


def _cells(places: Any, heights: Any) -> _Cells | None:
    if has_values([*places, *heights]):
        return None
    xs, ys = tuple(map(float, places)), tuple(map(float, heights))
    if not all(map(math.isfinite, (*xs, *ys))) or not all(map(operator.le, xs, xs[1:])):
        return None
    if any(y == 0 and math.copysign(1.0, y) < 0 for y in ys):
        return None
    slopes = [
        (high - low) / (b - a) if b > a else 0.0
        for a, b, low, high in zip(xs, xs[1:], ys, ys[1:], strict=False)
    ]
    if not all(map(math.isfinite, slopes)):
        return None
    return _Cells(xs, (0.0, *slopes, 0.0), (xs[0], *xs), (ys[0], *ys))
