"""Sparse Jacobians and Hessians: where they can differ from 0, and which directions suffice for them.

A pattern is read off a program (csrc/program/pattern.c). Columns with entries in different rows share a
direction, so that each entry of a product is one of the matrix; of a symmetric matrix it is enough to tell
apart one of the two places that an entry has. Colours say which columns share (csrc/program/colouring.c).

Source: Gebremedhin, Manne and Pothen, What color is your Jacobian? (SIAM Review 47, 2005); Curtis, Powell
and Reid (1974) for columns; Coleman and Moré (1984) for symmetric matrices.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, NamedTuple

import numpy as np

from pygrad import _native
from pygrad.core.distribution import install
from pygrad.core.library import ffi, lib

_MUCH_WORK = 50_000_000  # steps of a colouring, of which one is then enough


def scipy_sparse() -> Any:
    """SciPy's module of sparse arrays."""
    try:
        from scipy import sparse  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise ImportError(f"sparse derivatives need SciPy: {install('scipy')}") from error
    return sparse


def _require_finished(status: int) -> None:
    """MemoryError, or what a signal handler has raised meanwhile."""
    if status == -2:
        _native.raise_interrupt()
    if status < 0:
        raise MemoryError


class Pattern:
    """Where a matrix may differ from 0: entries by row, and in each row by column, as in a CSR array."""

    def __init__(self, shape: tuple[int, int], starts: Any, columns: Any) -> None:
        self.shape = shape
        self.starts = np.ascontiguousarray(starts, dtype=np.uint32)
        self.columns = np.ascontiguousarray(columns, dtype=np.uint32)
        self.lengths: Any = np.diff(self.starts.astype(np.int64))

    @functools.cached_property
    def rows(self) -> Any:
        """The row of each entry."""
        return np.repeat(np.arange(self.shape[0]), self.lengths)

    @functools.cached_property
    def places(self) -> Any:
        """Where each entry stands in a full matrix, row after row."""
        return self.rows * self.shape[1] + self.columns

    def longest(self) -> int:
        """Entries of the fullest row."""
        return int(self.lengths.max(initial=0))

    def transposed(self) -> Pattern:
        starts = np.zeros(self.shape[1] + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.columns, minlength=self.shape[1]), out=starts[1:])
        order = np.argsort(self.columns, kind="stable")
        return Pattern(self.shape[::-1], starts, self.rows[order])

    def symmetrised(self) -> Pattern:
        """With an entry wherever this one, or its transpose, has one."""
        n = self.shape[0]
        rows, columns = self.rows, self.columns.astype(np.int64)
        places = np.union1d(rows * n + columns, columns * n + rows)
        if len(places) == len(columns):
            return self
        starts = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(places // n, minlength=n), out=starts[1:])
        return Pattern(self.shape, starts, places % n)

    def in_c(self) -> Any:
        """The same for the functions of the C library; valid while this object is."""
        return ffi.new(
            "pg_pattern *",
            {
                "rows": self.shape[0],
                "columns": self.shape[1],
                "count": len(self.columns),
                "starts": ffi.cast("uint32_t *", self.starts.ctypes.data),
                "items": ffi.cast("uint32_t *", self.columns.ctypes.data),
            },
        )


def pattern_of(
    program: Any, first: int, inputs: int, outputs: int, most: int = sys.maxsize
) -> Pattern | None:
    """Which of a program's first outputs (rows) depend on which inputs from the first on (columns).

    None if there are more than ``most`` entries, of which 2**31 - 1 are possible.
    """
    out = ffi.new("pg_pattern **")
    found = lib.pg_program_pattern(program, first, inputs, outputs, most, out)
    _require_finished(found)
    if found == 0:
        return None
    try:
        starts = np.frombuffer(ffi.buffer(out[0].starts, 4 * (outputs + 1)), dtype=np.uint32)
        columns = np.frombuffer(ffi.buffer(out[0].items, 4 * (out[0].count + 1)), dtype=np.uint32)
        return Pattern((outputs, inputs), starts.copy(), columns[:-1].copy())
    finally:
        lib.pg_pattern_free(out[0])


# -- colours --------------------------------------------------------------------------------------


class Colours(NamedTuple):
    """A colour for each column, numbered from 0."""

    of: Any
    used: int


def colour_columns(by_row: Pattern, by_column: Pattern) -> Colours:
    """Colours such that columns of one colour have no row in common; by_column is the transpose."""
    columns = by_row.shape[1]
    if by_row.longest() == columns:
        return _all_different(columns)

    def colour(order: Any, most: int) -> Colours:
        return _colour(lib.pg_colour_columns, (by_row.in_c(), by_column.in_c()), order, most)

    return _best(colour, by_column.lengths, _work(by_row))


def _work(by_row: Pattern) -> int:
    """Steps of a colouring of columns: each looks at all that are in its rows."""
    return int((by_row.lengths**2).sum())


def fewest(pattern: Pattern) -> tuple[bool, Colours]:
    """Whether columns need no more colours than rows do; and the colours of these or those."""
    transposed = pattern.transposed()
    if pattern.longest() <= transposed.longest():  # so many colours are needed at least
        columns = colour_columns(pattern, transposed)
        if columns.used <= transposed.longest():
            return True, columns
        rows = colour_columns(transposed, pattern)
    else:
        rows = colour_columns(transposed, pattern)
        if rows.used < pattern.longest():
            return False, rows
        columns = colour_columns(pattern, transposed)
    return (True, columns) if columns.used <= rows.used else (False, rows)


def colour_symmetric(pattern: Pattern) -> Colours:
    """Colours for a symmetric pattern, such that each entry is alone in a product at one of its places."""
    stars = _colour_stars(pattern)
    if pattern.longest() >= stars.used or _work(pattern) > _MUCH_WORK:
        return stars
    columns = colour_columns(pattern, pattern)  # then both are alone
    return columns if columns.used < stars.used else stars


def _colour_stars(pattern: Pattern) -> Colours:
    n, entries = pattern.shape[0], len(pattern.columns)
    if 2 * entries > n * n:
        return _all_different(n)

    def colour(order: Any, most: int) -> Colours:
        return _colour(lib.pg_colour_stars, (pattern.in_c(),), order, most)

    return _best(colour, pattern.lengths, entries * pattern.longest())


def _all_different(count: int) -> Colours:
    return Colours(np.arange(count), count)


def _colour(function: Any, patterns: tuple[Any, ...], order: Any, most: int) -> Colours:
    colours = np.empty(len(order), dtype=np.int32)
    order = np.ascontiguousarray(order, dtype=np.int32)
    used = function(
        *patterns,
        ffi.cast("int32_t *", order.ctypes.data),
        most,
        ffi.cast("int32_t *", colours.ctypes.data),
    )
    _require_finished(used)
    return Colours(colours.astype(np.int64), used)


def _best(colour: Any, lengths: Any, work: int) -> Colours:
    """Columns in their order, as suits bands, or the fullest first, as suits others: fewer colours win."""
    best: Colours = colour(np.arange(len(lengths)), len(lengths))
    if work < _MUCH_WORK and best.used > 1:
        other: Colours = colour(np.argsort(-lengths, kind="stable"), best.used - 1)
        if other.used < best.used:
            return other
    return best


# -- matrices from products -----------------------------------------------------------------------


class Compressed(NamedTuple):
    """A matrix as entries of a few products with vectors of 0 and 1."""

    pattern: Pattern
    products: int  # how many
    source: Any  # for each entry its place in the table of products, one a row

    def dense(self, products: Any) -> Any:
        matrix = np.zeros(self.pattern.shape)
        matrix.ravel()[self.pattern.places] = products.ravel()[self.source]
        return matrix

    def sparse(self, products: Any) -> Any:
        """A csr_array of its own."""
        entries = products.ravel()[self.source]
        columns, starts = (
            self.pattern.columns.astype(np.int32),
            self.pattern.starts.astype(np.int32),
        )
        matrix = scipy_sparse().csr_array((entries, columns, starts), shape=self.pattern.shape)
        matrix.has_canonical_format = True  # sorted, and no entry twice
        return matrix


def by_columns(pattern: Pattern, colours: Colours) -> Compressed:
    """The matrix from products with sums of columns' unit vectors."""
    source = colours.of[pattern.columns] * pattern.shape[0] + pattern.rows
    return Compressed(pattern, colours.used, source)


def by_rows(pattern: Pattern, colours: Colours) -> Compressed:
    """The matrix from products of sums of rows' unit vectors with it."""
    source = colours.of[pattern.rows] * pattern.shape[1] + pattern.columns
    return Compressed(pattern, colours.used, source)


def by_stars(pattern: Pattern, colours: Colours) -> Compressed:
    """A symmetric matrix from products with sums of columns' unit vectors.

    An entry stands alone in row i of the product for its column's colour, if row i has no other entry of
    that colour; if it has, then in row j of the product for i's colour. Both places of an entry get the
    number found for the upper one, so the matrix is exactly symmetric.
    """
    n = pattern.shape[0]
    rows, columns = pattern.rows, pattern.columns.astype(np.int64)
    places = colours.of[columns] * n + rows
    _, which, entries = np.unique(places, return_inverse=True, return_counts=True)
    alone = entries[which] == 1
    # For each entry the one with row and column exchanged
    mirrored = np.argsort(columns, kind="stable")
    here = np.where(rows <= columns, alone, ~alone[mirrored])
    return Compressed(pattern, colours.used, np.where(here, places, places[mirrored]))


def without_sparse(tree: Any) -> Any:
    """A result, or a pair of it and aux, with its parts in the place of a sparse array."""
    if isinstance(tree, tuple):
        return tuple(map(without_sparse, tree))
    return [tree.indptr, tree.indices, tree.data] if hasattr(tree, "indptr") else tree
