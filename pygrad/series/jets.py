"""Taylor-mode differentiation: jet, with JAX's meaning, and taylor, which is it along one input.

>>> import math
>>> from pygrad import jet, taylor
>>> def f(x):
...     return x.exp()
>>> taylor(f, 0.0, 4) == [1 / math.factorial(k) for k in range(5)]
True
>>> jet(f, (0.0,), ((1.0, 0.0, 0.0, 0.0),))
(1.0, [1.0, 1.0, 1.0, 1.0])

Source: Griewank and Walther, Evaluating Derivatives (2nd ed., 2008), chapter 13; Bettencourt, Johnson and
Duvenaud, Taylor-Mode Automatic Differentiation for Higher-Order Derivatives in JAX (2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad import _native
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value
from pygrad.core.recording import Call, Function, Recording
from pygrad.core.structure import RESULT, Number, Structure, flatten_like, flatten_numbers
from pygrad.series.recurrences import Expansion, scaled
from pygrad.transform import jvp

__all__ = ["jet", "taylor"]

_TOLD = 4  # orders, where a product with 0 may be singular
_MOST_FACTORIAL = 170  # the last number whose factorial is a double

Rows = list[list[Any]]  # of each order from 1 on: a term for each number


class _Curve(NamedTuple):
    """Where a function leads a curve: its terms of each order from 0 on, arranged as the structure says."""

    rows: Rows
    structure: Structure

    def row(self, k: int) -> Any:
        return self.structure.arrange(self.rows[k])

    def terms(self) -> Any:
        """The terms from order 1 on, in a list in the place of each number and array."""

        def of(part: Any, at: int) -> list[Any]:
            return [part.arrange(row[at : at + part.size]) for row in self.rows[1:]]

        return self.structure.map(of)


def jet(
    f: Function,
    primals: Sequence[Any],
    series: Sequence[Sequence[Any]],
    factorial_scaled: bool = True,
) -> tuple[Any, Any]:
    """f's value, and the derivatives of f along a curve, to any order: ``(value, terms)``.

    The curve runs through primals, and series has its derivatives there; the result has those of f on the
    curve. So along ``x + t * v``, whose derivatives are ``(v, 0, 0, ...)``, the term k is the derivative of
    order k in the direction v.

    Args:
        f: a function of numbers, arrays, and containers of them.
        primals: the tuple of f's arguments.
        series: for each argument the tuple of its derivatives of order 1, 2, ..., each with the structure
            of the argument.
        factorial_scaled: terms are derivatives; with False they are coefficients of ``t**k``, which are the
            derivatives over ``k!``.

    The terms are a list, in the place of each number and array of the value. Truncated polynomials are
    propagated through the ops that f has done, at a cost that grows with the square of the order. Where a
    loop of a program, a table or a rule of the user's is among them derivatives of derivatives are taken,
    at twice the cost for each order.

    Raises:
        TypeError: primals or series is no tuple or list, or not of numbers.
        ValueError: there are no primals, or not as many series, or these differ in length or structure;
            there are more than 170 derivatives, whose factorials are no doubles.

    As jax.experimental.jet.jet, which it agrees with where both have a value.

    >>> from pygrad import jet
    >>> jet(lambda x, y: x * y, (2.0, 3.0), ((1.0, 0.0), (0.0, 1.0)))
    (6.0, [3.0, 2.0])
    """
    points, curve = _checked(f, primals, series)
    if factorial_scaled and len(curve) > _MOST_FACTORIAL:
        raise ValueError(
            f"derivatives of order {len(curve)} are coefficients times {len(curve)}!, and doubles end at "
            f"{_MOST_FACTORIAL}!: give and take coefficients, with factorial_scaled=False"
        )
    rows = [
        [scaled(term, 1.0 / math.factorial(k)) for term in row] if factorial_scaled else row
        for k, row in enumerate(curve, start=1)
    ]
    found = _led(f, points, rows)
    if factorial_scaled:
        found = found._replace(
            rows=[[_multiple(x, math.factorial(k)) for x in r] for k, r in enumerate(found.rows)]
        )
    return found.row(0), found.terms()


def taylor(f: Callable[[Any], Any], x0: Any, order: int) -> list[Any]:
    """The coefficients of f's Taylor polynomial at x0: the derivative of order k over ``k!``, k = 0, 1, ...

    Args:
        f: a function of one number; what it returns may be numbers, arrays, and containers of them.
        x0: where.
        order: of the last coefficient. The result has one more, each in the structure of f's result.

    Raises:
        TypeError: x0 is no number; use jet for curves through several.
        ValueError: order is below 0.

    >>> from pygrad import taylor
    >>> taylor(lambda x: 1 / (1 - x), 0.0, 4)
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    _check(f)
    if isinstance(order, bool) or not isinstance(order, int):
        raise TypeError(f"order must be an int, not {order!r}")
    if order < 0:
        raise ValueError(f"order must be 0 or more, not {order}")
    items, structure = flatten_numbers(x0, "x0")
    if not isinstance(structure, Number):
        raise TypeError(
            f"taylor() is for functions of one number, and x0 is {structure}: jet() has curves through "
            "several, and vmap(lambda x: taylor(f, x, order)) goes item by item"
        )
    found = _led(f, (items[0],), [[1.0 if k == 1 else 0.0] for k in range(1, order + 1)])
    return [found.row(k) for k in range(order + 1)]


def _multiple(x: Any, factor: float) -> Any:
    return x if factor == 1 else x * float(factor)


def _check(f: Any) -> None:
    if not callable(f):
        raise TypeError(f"jet() and taylor() take a function, not {type(f).__name__}")


def _checked(f: Any, primals: Any, series: Any) -> tuple[tuple[Any, ...], Rows]:
    """The arguments, and of each order the terms of all their numbers."""
    _check(f)
    for name, given in (("primals", primals), ("series", series)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"{name} must be a tuple of arguments of f, not {type(given).__name__}")
    if not primals:
        raise ValueError("primals is empty: a curve runs through at least one argument of f")
    if len(primals) != len(series):
        raise ValueError(
            f"there must be a series for each of {len(primals)} primals, not {len(series)}"
        )
    lengths = set()
    for i, terms in enumerate(series):
        if not isinstance(terms, (tuple, list)):
            raise TypeError(
                f"series[{i}] must be a tuple of derivatives of argument {i}, not {type(terms).__name__}"
            )
        lengths.add(len(terms))
    if len(lengths) > 1:
        raise ValueError(f"series must have as many terms for each argument, not {sorted(lengths)}")
    _, structure = flatten_numbers(tuple(primals), "primals")
    rows = []
    for k, terms in enumerate(zip(*series, strict=True)):
        items = flatten_like(terms, structure, f"term {k} of series", "primals")
        rows.append([x if isinstance(x, Value) else float(x) for x in items])
    return tuple(primals), rows


def _led(f: Function, points: tuple[Any, ...], rows: Rows) -> _Curve:
    """Where f leads the curve through points whose terms of order 1, 2, ... are the rows."""
    call = Call(f, range(len(points)), points, {})
    suppressed = _native.suppressed()
    with Recording(call.points) as recording:
        result = call.run(recording)
        items, structure = flatten_numbers(result, f"the result of {function_name(f)}()", RESULT)
        terms = _terms(recording, items, rows)
        if terms is not None:
            found = [items, *terms]
            recording.close([y for row in found for y in row])
    if terms is None:
        return _by_nesting(f, call, rows)
    if _native.suppressed() != suppressed:
        _by_nesting(f, call, rows[:_TOLD])  # sweeps know which of these the user has to be told of
    known = iter(recording.results())
    settled = [[_result(next(known), y) for y in row] for row in found]
    return _Curve(settled, structure)


def _result(found: Any, item: Any) -> Any:
    return item if type(item) is bool else found


def _terms(recording: Recording, items: list[Any], rows: Rows) -> Rows | None:
    """The terms of the items from order 1 on; None where an op that leads to them has no recurrence.

    Nothing else stays of the Values that this looks at: what is held is no constant of the recording.
    """
    outputs = tuple(y for y in items if isinstance(y, Value))
    between = _native.ops_between(outputs, recording.inputs) if outputs else []
    if not all(name for _, name, _ in between):
        return None
    with Expansion() as expansion:
        for i, x in enumerate(recording.inputs):
            expansion.give(x, [row[i] for row in rows])
        for v, name, operands in between:
            expansion.follow(v, name, operands, len(rows))
        of_each = [expansion.of(y) if isinstance(y, Value) else None for y in items]
        return [[0.0 if y is None else y[k] for y in of_each] for k in range(1, len(rows) + 1)]


def _by_nesting(f: Function, call: Call, rows: Rows) -> _Curve:
    """The same by derivatives of derivatives, along the curve as a function of t."""

    def along(t: Any) -> Any:
        items = list(call.points)
        power = t
        for row in rows:
            items = [x + power * term for x, term in zip(items, row, strict=True)]
            power = power * t
        return f(*call.structure.as_argument(items))

    def tangent(of: Function) -> Function:
        return lambda t: jvp(of, (t,), (1.0,))[1]

    at: tuple[Any, Any] = (0.0,), (1.0,)
    value, first = jvp(along, *at)
    items, structure = flatten_numbers(value, "the value", RESULT)
    found, derivative, factorial = [items], along, 1
    for k in range(1, len(rows) + 1):
        factorial *= k
        terms = first if k == 1 else jvp(derivative, *at)[1]
        found.append(
            [_multiple(x, 1.0 / factorial) for x in flatten_like(terms, structure, "", "")]
        )
        derivative = tangent(derivative)
    return _Curve(found, structure)
