"""What derivatives are for besides solving: ranked inputs, uncertainty, models of f at a point.

The point ``x`` is a float, an array, or lists, tuples and dicts of them, as for ``pygrad.grad``; f is
called with Values in the same structure, and what comes back has it too. Results are plain numbers: no
derivative flows through them.

>>> from pygrad.applications.models import sensitivity
>>> sensitivity(lambda p: p["a"] * p["b"] ** 2, {"a": 1.0, "b": 2.0})[0].name
'b'
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pygrad.applications.flat import (
    EPSILON,
    FlatFunction,
    Function,
    Point,
    Rows,
    ScalarFunction,
    few,
    finite_floats,
    text_of,
)
from pygrad.core.jacobians import arrange_jacobian
from pygrad.core.structure import Number, Structure
from pygrad.core.tables import html_result
from pygrad.transform import hessian

__all__ = [
    "LinearModel",
    "Propagated",
    "QuadraticModel",
    "Sensitivity",
    "SensitivityTable",
    "linear_model",
    "propagate",
    "quadratic_model",
    "sensitivity",
]

# -- which input matters most ---------------------------------------------------------------------


class Sensitivity(NamedTuple):
    """One input: df/dx, and the elasticity x/f df/dx (per cent of f for one per cent of x)."""

    name: str
    x: float
    derivative: float
    elasticity: float


@dataclass(frozen=True)
class SensitivityTable:
    """Inputs, the most influential first: iterate over them, ask for one by name or rank, or print all."""

    value: float
    by: str
    rows: tuple[Sensitivity, ...]

    def __iter__(self) -> Iterator[Sensitivity]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: int | str) -> Sensitivity:
        if isinstance(which, int):
            return self.rows[which]
        for row in self.rows:
            if row.name == which:
                return row
        known = ", ".join(row.name for row in self.rows[:8])
        raise KeyError(f"no input is called {which!r}; there are {known}")

    def _said(self) -> str:
        return f"f = {self.value:.6g}, by {self.by} influence"

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("input", "x", "df/dx", "elasticity")
        return [head, *((row.name, *(f"{number:.6g}" for number in row[1:])) for row in self.rows)]

    def _repr_html_(self) -> str:
        return html_result(self._said(), self._cells())

    def __str__(self) -> str:
        lines = self._cells()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            [
                self._said(),
                *(
                    "  ".join(
                        [line[0].ljust(widths[0])]
                        + [text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True)]
                    )
                    for line in lines
                ),
            ]
        )


def sensitivity(f: Function, x: Any, by: str | None = None) -> SensitivityTable:
    """How much each input moves f at x: derivative and elasticity, the most influential input first.

    The derivative is in units of f per unit of x. The elasticity ``x/f * df/dx`` has no unit, so that
    it compares inputs of any: 2 means that 1 per cent more x is 2 per cent more f.

    Args:
        f: a function of x that returns one number.
        x: the inputs; a dict gives them names.
        by: rank by "relative" influence (elasticity) or by "absolute" (derivative); by default the
            relative, or the absolute where f(x) is 0 and there is no elasticity.

    Raises:
        ValueError: by is neither, or "relative" where f(x) is 0; f(x) is not finite.
        TypeError: f returns more than one number.

    >>> print(sensitivity(lambda p: p["force"] * p["length"] ** 3, {"force": 10.0, "length": 2.0}))
    f = 80, by relative influence
    input    x  df/dx  elasticity
    length   2    120           3
    force   10      8           1
    """
    point = Point(x)
    one = ScalarFunction(f, point, "ask for one of them: sensitivity(lambda x: f(x)[0], x)")
    value, gradient = one.with_gradient(point.numbers)
    if not math.isfinite(value):
        raise ValueError(f"f(x) is {value}: nothing can be said of its inputs")
    by = by or ("relative" if value else "absolute")
    if by not in ("relative", "absolute"):
        raise ValueError(f"by may be 'relative' or 'absolute', not {by!r}")
    if by == "relative" and not value:
        raise ValueError("f(x) is 0, so there is no relative influence; use by='absolute'")
    rows = [
        # a/value first: a * d could overflow, and 0 * inf is nan
        Sensitivity(name, a, d, (a / value * d if a else 0.0) if value else math.nan)
        for name, a, d in zip(point.names, point.numbers, gradient, strict=True)
    ]

    def influence(row: Sensitivity) -> float:
        size = abs(row.elasticity if by == "relative" else row.derivative)
        # What is wrong comes first; what differs by rounding only stays in order.
        return math.inf if math.isnan(size) else float(f"{size:.12e}")

    return SensitivityTable(value, by, tuple(sorted(rows, key=influence, reverse=True)))


# -- uncertainty ----------------------------------------------------------------------------------


class Propagated(NamedTuple):
    """f(x), the standard deviation of each of its numbers, and their covariance (of one, its variance)."""

    value: Any
    std: Any
    cov: Any

    def __str__(self) -> str:
        return f"{text_of(self.value)} +/- {text_of(self.std)}"


def propagate(f: Function, x: Any, cov: Any) -> Propagated:
    """How uncertain f(x) is when x is: to first order, the covariance ``J C J^T`` (Gauss 1823).

    Exact for a linear f; otherwise good while f is nearly linear over the uncertainty of x.

    Args:
        f: a function of x; it returns a number, or a list, tuple, dict or array of them.
        x: the inputs' values.
        cov: their variances (squares of standard deviations, not these themselves) in the structure of
            x, for independent inputs; or the n by n covariance matrix of the n numbers of x, in their
            order.

    Returns:
        (value, std, cov). For one number three floats, cov its variance. Otherwise value and std have
        f's structure and cov is an m by m array.

    Raises:
        ValueError: cov has another shape, is not symmetric, or is no covariance (a variance below 0);
            f or a derivative is not finite at x.
        TypeError: x or cov holds something that is no real number.

    >>> area = propagate(lambda p: p["a"] * p["b"], {"a": 3.0, "b": 4.0}, {"a": 0.01, "b": 0.04})
    >>> print(area, round(area.cov, 6))
    12 +/- 0.72111 0.52
    """
    point = Point(x)
    matrix = _covariance(cov, point)
    flat = FlatFunction(f, point)
    values, rows = flat.with_jacobian(point.numbers)
    for number, row in zip(values, rows, strict=True):
        if not math.isfinite(number):
            raise ValueError(f"f is {number} at x = {text_of(point.numbers)}")
        for name, slope in zip(point.names, row, strict=True):
            if not math.isfinite(slope):
                raise ValueError(f"f has slope {slope} by {name}: there is no first order here")
    carried = [[_dot(row, column) for column in matrix] for row in rows]  # J C; C is symmetric
    found = [[_dot(a, row) for row in rows] for a in carried]
    deviations = []
    for i, row in enumerate(rows):
        most = math.fsum(abs(a) * math.sqrt(matrix[k][k]) for k, a in enumerate(row)) ** 2
        if found[i][i] < -8 * EPSILON * len(row) * most:
            raise ValueError("cov is no covariance matrix: it gives f a variance below 0")
        found[i][i] = max(found[i][i], 0.0)
        deviations.append(math.sqrt(found[i][i]))
    if isinstance(flat.structure, Number):
        return Propagated(values[0], deviations[0], found[0][0])
    import numpy as np

    matrix_of_f = np.array(found)
    return Propagated(
        flat.structure.arrange(values),
        flat.structure.arrange(deviations),
        (matrix_of_f + matrix_of_f.T) / 2,  # the two halves are rounded differently
    )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(p * q for p, q in zip(a, b, strict=True))


def _covariance(cov: Any, point: Point) -> Rows:
    """The n by n matrix, of variances or of itself, checked."""
    n = len(point.numbers)
    given = Point(cov, "cov")
    if given.keys in (
        [f"x[{i}][{k}]" for i in range(n) for k in range(n)],
        [f"x[{i}, {k}]" for i in range(n) for k in range(n)],
    ):
        matrix = [given.numbers[i * n : i * n + n] for i in range(n)]
    elif sorted(given.keys) == sorted(point.keys) or len(given.numbers) == n == 1:
        variances = given.numbers if n == 1 else point.like(cov, "cov")
        matrix = [[v if i == k else 0.0 for k in range(n)] for i, v in enumerate(variances)]
    else:
        raise ValueError(
            f"cov must be variances in the structure of x, {point.structure} ({few(point.names)}), "
            f"or a {n} by {n} matrix, not {given.structure} of {len(given.numbers)} numbers"
        )
    for i in range(n):
        if matrix[i][i] < 0:
            raise ValueError(
                f"the variance of {point.names[i]} must not be negative, got {matrix[i][i]}"
            )
        for k in range(i):
            a, b = matrix[i][k], matrix[k][i]
            size = math.sqrt(matrix[i][i]) * math.sqrt(matrix[k][k])
            if abs(a - b) > 1e-8 * size:
                raise ValueError(
                    f"cov is not symmetric: cov[{i}][{k}] is {a}, cov[{k}][{i}] is {b}"
                )
            if abs(a) > size * (1 + 1e-8):
                raise ValueError(
                    f"cov is no covariance matrix: {point.names[i]} and {point.names[k]} are "
                    f"correlated by more than 1"
                )
            matrix[i][k] = matrix[k][i] = (a + b) / 2
    return matrix


# -- models of f at a point -----------------------------------------------------------------------


@dataclass(frozen=True)
class LinearModel:
    """f(x + dx) is about ``value + jacobian dx``. Call it with the step dx, in the structure of x."""

    x: Any
    value: Any
    jacobian: Any
    _point: Point = field(repr=False)
    _structure: Structure = field(repr=False)
    _values: list[float] = field(repr=False)
    _rows: Rows = field(repr=False)

    @property
    def gradient(self) -> Any:
        """The Jacobian of an f that returns one number."""
        if not isinstance(self._structure, Number):
            raise AttributeError("f returns several numbers; they have a jacobian, not a gradient")
        return self.jacobian

    def __call__(self, dx: Any) -> Any:
        step = self._point.like(dx, "dx")
        found = [y + _dot(row, step) for y, row in zip(self._values, self._rows, strict=True)]
        return self._structure.arrange(found)


def linear_model(f: Function, x: Any) -> LinearModel:
    """The tangent of f at x: ``m(dx)`` is f(x) + J dx, which misses f(x + dx) by a term in dx squared.

    The model has attributes ``x``, ``value`` and ``jacobian`` (also called ``gradient`` where f returns
    one number), the latter as `pygrad.jacobian` would return it.

    Args:
        f: a function of x that returns a number, or a list, tuple, dict or array of them.
        x: the point.

    Raises:
        ValueError, TypeError: x, or later dx, is not finite, not of real numbers, or dx of another
            structure.

    >>> m = linear_model(lambda x: x**2, 2.0)
    >>> m.value, m.gradient, m(0.01), m(1.0)  # f(2.01) is 4.0401, f(3) is 9
    (4.0, 4.0, 4.04, 8.0)
    """
    point = Point(x)
    flat = FlatFunction(f, point)
    values, rows = flat.with_jacobian(point.numbers)
    return LinearModel(
        x=point.arrange(point.numbers),
        value=flat.structure.arrange(values),
        jacobian=arrange_jacobian(rows, flat.structure, point.structure),
        _point=point,
        _structure=flat.structure,
        _values=values,
        _rows=rows,
    )


@dataclass(frozen=True)
class QuadraticModel:
    """f(x + dx) is about ``value + gradient dx + dx hessian dx / 2``. Call it with the step dx."""

    x: Any
    value: float
    gradient: Any
    hessian: Any
    _point: Point = field(repr=False)
    _slopes: list[float] = field(repr=False)
    _rows: Rows = field(repr=False)

    def __call__(self, dx: Any) -> float:
        step = self._point.like(dx, "dx")
        bend = _dot(step, [_dot(row, step) for row in self._rows])
        return self.value + _dot(self._slopes, step) + bend / 2


def quadratic_model(f: Function, x: Any) -> QuadraticModel:
    """The parabola that f is at x: ``m(dx)`` is f(x) + g dx + dx H dx / 2, off by a term in dx cubed.

    The model has attributes ``x``, ``value``, ``gradient`` and ``hessian``, as `pygrad.hessian` would
    return it.

    Args:
        f: a function of x that returns one number.
        x: the point.

    Raises:
        ValueError, TypeError: as `linear_model`; TypeError if f returns more than one number.

    >>> m = quadratic_model(lambda x: x**3, 2.0)
    >>> m.value, m.gradient, m.hessian, m(1.0)  # f(3) is 27
    (8.0, 12.0, 12.0, 26.0)
    """
    point = Point(x)
    one = ScalarFunction(f, point, "linear_model takes several")
    value, slopes = one.with_gradient(point.numbers)
    rows = [finite_floats(row) for row in hessian(one)(point.numbers)]
    return QuadraticModel(
        x=point.arrange(point.numbers),
        value=value,
        gradient=point.structure.arrange(slopes),
        hessian=arrange_jacobian(rows, point.structure, point.structure),
        _point=point,
        _slopes=slopes,
        _rows=rows,
    )
