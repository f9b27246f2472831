"""Systems of linear equations in Values, by elimination with the largest pivots, as LAPACK does it.

An entry of a factor is one `dot` node of the entries before it, so a matrix of n rows takes some n * n
nodes, and derivatives of any order follow from the rule of dot. Outside traces pivots are found by
comparing numbers. In a trace this would be a guard each, and a program for each order of pivots; so
there they are selected by ops, and all rows share a program. Both do the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.linalg import LinAlgError

from pygrad.arrays.engines import Engine, engine_of

Matrix = list[list[Any]]  # of Values and floats, by row
SINGULAR = "Singular matrix"


class Eliminated(NamedTuple):
    """A square matrix and what stood to its right, once row operations have made the matrix triangular."""

    upper: Matrix
    right: Matrix
    sign: Any  # of the order in which rows were taken: 1.0 or -1.0
    engine: Engine

    def solved(self) -> Matrix:
        """x of a @ x == right."""
        n, width = len(self.upper), len(self.right[0]) if self.right else 0
        made: Matrix = [[] for _ in range(n)]
        for column in range(width):
            minus: list[Any] = []  # of what is found, from the last
            for i in reversed(range(n)):
                rest = self.right[i][column]
                made_of = _dot(self.engine, self.upper[i][:i:-1], minus, rest)
                x = made_of if _is_nought(made_of) else made_of / self.upper[i][i]
                minus.append(x if _is_nought(x) else -x)
                made[i].append(x)
        return made

    def determinant(self) -> Any:
        """The product of the pivots, with the sign."""
        product = self.sign
        for i, row in enumerate(self.upper):
            product = product * row[i]
        return product


def _is_nought(x: Any) -> bool:
    return x.__class__ is float and x == 0.0


def _dot(engine: Engine, ws: Sequence[Any], xs: Sequence[Any], first: Any = 0.0) -> Any:
    """first + ws[0] * xs[0] + ..., without products by a plain 0, which band matrices have many of."""
    if not ws:
        return first
    if float in map(type, ws) or float in map(type, xs):
        pairs = [
            (w, x) for w, x in zip(ws, xs, strict=True) if not (_is_nought(w) or _is_nought(x))
        ]
        if not pairs:
            return first
        ws, xs = zip(*pairs, strict=True)
    return engine.dot(ws, xs, first)


def eliminated(rows: Matrix, right: Matrix) -> Eliminated:
    """Row operations on a square matrix and on what stands to its right.

    Raises:
        LinAlgError: a column has no pivot but 0.
    """
    engine = engine_of(x for row in (*rows, *right) for x in row)
    way = _by_selecting if engine.trace_active() else _by_comparing
    return way([[*row, *more] for row, more in zip(rows, right, strict=True)], engine)


def _split(upper: Matrix, sign: Any, engine: Engine) -> Eliminated:
    n = len(upper)
    return Eliminated([row[:n] for row in upper], [row[n:] for row in upper], sign, engine)


def _by_comparing(rows: Matrix, engine: Engine) -> Eliminated:
    """Column by column: each entry is made once, from the rows above it."""
    n, width, sign = len(rows), len(rows[0]) if rows else 0, 1.0
    minus_lower: Matrix = [[] for _ in range(n)]
    columns: Matrix = []
    for j in range(width):
        column: list[Any] = []
        for i, row in enumerate(rows):
            factors = minus_lower[i]
            column.append(_dot(engine, factors, column[: len(factors)], row[j]))
        columns.append(column)
        if j >= n:
            continue
        best = _largest(column, j)
        if not column[best] != 0:
            raise LinAlgError(SINGULAR)
        if best != j:
            for items in (rows, minus_lower, *columns):
                items[j], items[best] = items[best], items[j]
            sign = -sign
        minus = -column[j]
        for i in range(j + 1, n):
            item = column[i]
            minus_lower[i].append(item if _is_nought(item) else item / minus)
    upper = [[columns[j][i] if j >= i else 0.0 for j in range(width)] for i in range(n)]
    return _split(upper, sign, engine)


def _largest(column: list[Any], start: int) -> int:
    """Where from there on the item of the largest size is, the first of several."""
    best, size = start, abs(column[start])
    for i in range(start + 1, len(column)):
        if not _is_nought(column[i]) and (other := abs(column[i])) > size:
            best, size = i, other
    return best


def _by_selecting(rows: Matrix, engine: Engine) -> Eliminated:
    """The same without comparisons. A pivot's row is a sum of products of rows with 0s and a 1, and the
    rows after it take a step forward, by `where`. Rows that have a plain 0 in the column stay out of it.
    Whether a pivot is 0 makes paths of rows; in the body of a loop, where nothing raises, results are not
    finite then."""
    n, upper = len(rows), []
    sign: Any = 1.0
    for k in range(n):
        at = [i for i, row in enumerate(rows) if not _is_nought(row[0])]
        if not at:
            raise LinAlgError(SINGULAR)
        given = [rows[i] for i in at]
        chosen = _selected([row[0] for row in given], engine)
        pivot_row = [_dot(engine, chosen, column) for column in zip(*given, strict=True)]
        if not engine.loop_active() and not pivot_row[0] != 0:
            raise LinAlgError(SINGULAR)
        upper.append([0.0] * k + pivot_row)
        turns = [1.0 if (at[-1] - len(at) + 1 + i) % 2 == 0 else -1.0 for i in range(len(at))]
        sign = sign * _dot(engine, chosen, turns)
        kept = _without_the_chosen(given, chosen, engine)
        minus = -pivot_row[0]
        left = [row[1:] for row in rows]
        for i, row in zip(at, kept, strict=False):
            factor = row[0] / minus
            rest = zip(pivot_row[1:], row[1:], strict=True)
            left[i] = [_dot(engine, [factor], [p], item) for p, item in rest]
        rows = [row for i, row in enumerate(left) if i != at[-1]]
    return _split(upper, sign, engine)


def _selected(column: list[Any], engine: Engine) -> list[Any]:
    """1.0 for the first of the largest items, and 0.0 for the others."""
    where, step = engine.functions["where"], engine.functions["step"]
    largest, larger = abs(column[0]), []
    for item in column[1:]:
        size = abs(item)
        is_larger = step(size - largest)
        larger.append(is_larger)
        largest = where(is_larger, size, largest)
    chosen: list[Any] = []
    still: Any = 1.0
    for mark in reversed(larger):
        chosen.append(where(mark, still, 0.0))
        still = where(mark, 0.0, still)
    return [still, *reversed(chosen)]


def _without_the_chosen(rows: Matrix, chosen: list[Any], engine: Engine) -> Matrix:
    """All rows but the chosen one, in their order."""
    where, made = engine.functions["where"], []
    passed: Any = 0.0
    for i in range(len(rows) - 1):
        passed = where(chosen[i], 1.0, passed)
        pairs = zip(rows[i + 1], rows[i], strict=True)
        made.append([after if after is own else where(passed, after, own) for after, own in pairs])
    return made


# -- determinants, whatever the pivots -------------------------------------------------------------


def determinant(rows: Matrix) -> Any:
    """The determinant; of a singular matrix by sums of products alone, which have derivatives there, too.

    Raises:
        LinAlgError: a singular matrix is too large for that. In the body of a loop, where nothing raises,
            its determinant is not finite then.
    """
    engine = engine_of(x for row in rows for x in row)
    if engine.loop_active() and len(rows) <= _MOST_IN_A_BODY:
        return _by_both_ways(rows, engine)
    try:
        return eliminated([*rows], [[] for _ in rows]).determinant()
    except LinAlgError:
        if len(rows) > _MOST_ROWS:
            raise LinAlgError(
                f"Singular matrix: beyond {_MOST_ROWS} rows its determinant, 0, has no derivative here"
            ) from None
    return _without_division(rows)


_MOST_ROWS, _MOST_IN_A_BODY = 12, 8


def _by_both_ways(rows: Matrix, engine: Engine) -> Any:
    """Where no row of a program may part from the others: elimination, unless a pivot is 0."""
    exact = _without_division(rows)
    try:
        of = eliminated([*rows], [[] for _ in rows])
    except LinAlgError:
        return exact
    product, where = of.determinant(), engine.functions["where"]
    for i, row in enumerate(of.upper):
        product = where(row[i] == 0.0, exact, product)
    return product


def _without_division(rows: Matrix) -> Any:
    """By Bird's algorithm (2011), some n**4 / 2 products."""
    n, engine = len(rows), engine_of(x for row in rows for x in row)
    columns = list(zip(*rows, strict=True))
    made = [[*row] for row in rows]
    for _ in range(n - 1):
        below: Any = 0.0
        diagonal: list[Any] = [0.0] * n
        for i in reversed(range(n)):
            diagonal[i] = -below
            below = below + made[i][i]
        made = [
            [_dot(engine, [diagonal[i], *made[i][i + 1 :]], column[i:]) for column in columns]
            for i in range(n)
        ]
    return made[0][0] if n % 2 else 0.0 - made[0][0]


# -- without pivots --------------------------------------------------------------------------------


def cholesky_factor(rows: Matrix) -> Matrix:
    """The lower triangle L of a symmetric matrix a == L @ L.T, of which the lower triangle is read.

    Raises:
        LinAlgError: it is not positive definite.
    """
    engine = engine_of(x for row in rows for x in row)
    n, lower = len(rows), [[*row] for row in rows]
    for i in range(n):
        minus: list[Any] = []
        for j in range(i + 1):
            rest = _dot(engine, minus, lower[j][:j] if j < i else lower[i][:i], rows[i][j])
            if j < i:
                lower[i][j] = rest if _is_nought(rest) else rest / lower[j][j]
                minus.append(-lower[i][j])
            elif not rest > 0:
                raise LinAlgError("Matrix is not positive definite")
            else:
                lower[i][i] = rest**0.5 if rest.__class__ is float else rest.sqrt()
        lower[i][i + 1 :] = [0.0] * (n - i - 1)
    return lower


class Reflected(NamedTuple):
    """A matrix of at least as many rows as columns, once reflections have made it triangular."""

    upper: Matrix
    mirrors: list[list[Any]]
    scales: list[Any]
    engine: Engine

    def reflect(self, column: list[Any], k: int) -> list[Any]:
        """A column in the k-th mirror."""
        mirror = self.mirrors[k]
        shift = _dot(self.engine, mirror, column[k:]) / self.scales[k]
        below = zip(mirror, column[k:], strict=True)
        return column[:k] + [_dot(self.engine, [m], [shift], item) for m, item in below]


def reflected(columns: Matrix, rcond: float) -> Reflected:
    """Householder's reflections of a matrix that is given by columns.

    Raises:
        LinAlgError: columns depend on each other, as far as rcond tells. In the body of a loop, where
            nothing raises, results are not finite if they do exactly.
    """
    engine = engine_of(x for column in columns for x in column)
    made = Reflected([], [], [], engine)
    largest: Any = 0.0
    for k in range(len(columns)):
        column = columns[k]
        for earlier in range(k):
            column = made.reflect(column, earlier)
        head = column[k:]
        length = _dot(engine, head, head)
        length = length**0.5 if length.__class__ is float else _root(length, engine)
        if not engine.loop_active():
            if k == 0 or length > largest:
                largest = length
            if not length > rcond * largest:
                raise LinAlgError(
                    "the matrix has not full rank, so the solution of least squares is not unique and has "
                    "no derivative"
                )
        first = head[0]
        side = engine.functions["where"](engine.functions["step"](first), -1.0, 1.0)
        corner = side * length  # away from the first item, against cancellation
        made.mirrors.append([first - corner, *head[1:]])
        made.scales.append(corner * (first - corner))
        made.upper.append([*column[:k], corner])  # by columns
    return made


def _root(square: Any, engine: Engine) -> Any:
    """A square root; at 0, where the matrix has not full rank, without a slope."""
    if engine.loop_active():
        return engine.functions["where"](square > 0, square.sqrt(), square)
    return square.sqrt() if square > 0 else square


def triangle(of: Reflected, side: list[Any]) -> Eliminated:
    """What is left of a column to the right of the matrix, in all of its mirrors."""
    n = len(of.upper)
    upper = [[0.0] * i + [of.upper[j][i] for j in range(i, n)] for i in range(n)]
    for k in range(n):
        side = of.reflect(side, k)
    return Eliminated(upper, [[item] for item in side], 1.0, of.engine)


def least_squares(rows: Matrix, right: Matrix, rcond: float) -> tuple[Matrix, Matrix]:
    """x of the least squares of a @ x - right, the shortest one where there are several, and by columns of
    right what remains of these."""
    m, n = len(rows), len(rows[0])
    sides = [list(column) for column in zip(*right, strict=True)]
    found, rests = [], []
    if m >= n:
        of = reflected([list(column) for column in zip(*rows, strict=True)], rcond)
        for side in sides:
            left = triangle(of, side)
            found.append([row[0] for row in left.solved()])
            rests.append([row[0] for row in left.right[n:]])
    else:
        of = reflected([list(row) for row in rows], rcond)
        for side in sides:
            minus: list[Any] = []
            first: list[Any] = []
            for k in range(m):  # forward, by the transposed triangle
                x = _dot(of.engine, of.upper[k][:k], minus, side[k]) / of.upper[k][k]
                first.append(x)
                minus.append(-x)
            whole = first + [0.0] * (n - m)
            for k in reversed(range(m)):
                whole = of.reflect(whole, k)
            found.append(whole)
            rests.append([])
    return [list(row) for row in zip(*found, strict=True)], rests
