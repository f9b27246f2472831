"""Functions of Values and numbers, and Value's methods of the same names.

Given a Value, each gives a Value. Otherwise it gives a number, and a function that the standard math module
has too gives just what that one gives.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from typing import Any

from pygrad.arrays.elementary import quotient_of_divmod
from pygrad.arrays.lazily import METHODS_FOR_NUMPY
from pygrad.reference.arithmetic import constant_slopes, inf, real
from pygrad.reference.modes import NoGrad, in_no_grad
from pygrad.reference.order import sorted_nodes
from pygrad.reference.refusals import OF_VALUE, value_of
from pygrad.reference.rules import ALIASES, BINARY, OPS, UNARY
from pygrad.reference.sweeps import note_in_journal
from pygrad.reference.value import (
    Value,
    any_value,
    apply,
    checked_values,
    make_node,
)


def _unary_function(op: str, standard: Callable[..., Any] | None) -> Callable[..., Any]:
    def function(x: Any, /) -> Any:
        if isinstance(x, Value):
            return apply(op, x)
        return standard(x) if standard else _number(op, x)

    return function


def _binary_function(op: str, standard: Callable[..., Any] | None) -> Callable[..., Any]:
    def function(x: Any, y: Any, /) -> Any:
        if isinstance(x, Value) or isinstance(y, Value):
            return apply(op, x, y)
        return standard(x, y) if standard else _number(op, x, y)

    return function


def _number(op: str, *operands: Any) -> float:
    return value_of(OPS[op].symbol, OPS[op].value, [real(x) for x in operands])


def _ternary(op: str, *operands: Any) -> Any:
    if any_value(operands):
        return apply(op, *operands)
    return OPS[op].value(*map(real, operands))


def _clip_function(x: Any, lo: Any = None, hi: Any = None) -> Any:
    """x, but at least lo and at most hi; None is no bound."""
    return _ternary("clip", x, -inf if lo is None else lo, inf if hi is None else hi)


def _where_function(condition: Any, x: Any, y: Any, /) -> Any:
    """x if the condition is not 0, else y. Both are computed beforehand."""
    return _ternary("where", condition, x, y)


def _make_functions() -> dict[str, Callable[..., Any]]:
    functions: dict[str, Callable[..., Any]] = {
        "pown": lambda x, n, /: x**n,
        "clip": _clip_function,
        "where": _where_function,
    }
    for op in (*UNARY, *BINARY):
        standard = getattr(math, "fabs" if op == "abs" else op, None)
        make = _unary_function if op in UNARY else _binary_function
        functions[op] = make(op, standard)
    for name, function in functions.items():
        function.__name__ = function.__qualname__ = name
        function.__doc__ = function.__doc__ or f"The op {name!r}, of Values or numbers."
    functions.update({alias: functions[op] for alias, op in ALIASES.items()})
    return functions


FUNCTIONS: dict[str, Callable[..., Any]] = _make_functions()


def _add_methods() -> None:
    """Every function is a method of Value, too, with the Value as its first operand."""
    for name, function in FUNCTIONS.items():
        if name != "pown":
            setattr(Value, name, function)
    for name, habit in (
        ("real", property(_real)),
        ("imag", property(_imag)),
        ("conjugate", _real),
        ("__float__", _no_float),
        ("__int__", lambda self: value_of("int", int, (self,))),
        ("__index__", _index),
        ("as_integer_ratio", _no_ratio),
        ("hex", _no_ratio),
        ("is_integer", lambda self: self._data.is_integer()),
        ("__divmod__", _divmod),
        ("__rdivmod__", _rdivmod),
        *METHODS_FOR_NUMPY.items(),
    ):
        setattr(Value, name, habit)


def _no_float(self: Value) -> float:
    """What math and arrays of floats ask for: it would drop the derivative in silence."""
    raise TypeError(
        "a Value does not become a float by itself, as its derivative would be lost (math, '%f' and arrays "
        "of floats ask for that): use pygrad.math for math, pygrad.numpy for NumPy, arrays of dtype=object "
        "to put Values into, pygrad.plot.register_values() for matplotlib, pygrad.lift for code that is "
        "not yours, or v.data for the number"
    )


def _index(self: Value) -> int:
    """The whole number that floor and its like have made; of other Values there is none, as of a float."""
    detached = not self._symbol and in_no_grad()  # where nothing says any more what has made it
    if self._symbol in {"floor", "ceil", "trunc", "round"} or (
        detached and self._data.is_integer()
    ):
        return int(self)
    error = TypeError(
        "a Value is no whole number by itself, as an index, a range, a repetition or digits are: "
        "use int(v), math.floor(v) and its like, or v.data"
    )
    setattr(error, OF_VALUE, id(self))
    raise error


def _no_ratio(self: Value) -> Any:
    """What statistics and fractions ask for: it would drop the derivative in silence."""
    raise TypeError(
        "a Value has no ratio of ints and no digits, as its derivative would be lost: use sums and "
        "quotients of Values, sum(vs) / len(vs), pygrad.math for math, or v.data for the number"
    )


def _divmod(self: Value, other: Any) -> Any:
    """The pair of self // other and self % other."""
    quotient = quotient_of_divmod(Value.__floordiv__, self, other)
    return NotImplemented if quotient is NotImplemented else (quotient, self % other)


def _rdivmod(self: Value, other: Any) -> Any:
    quotient = quotient_of_divmod(Value.__rfloordiv__, self, other)
    return NotImplemented if quotient is NotImplemented else (quotient, other % self)


def _real(self: Value) -> Value:
    """The Value itself, as for a float."""
    return +self


def _imag(self: Value) -> float:
    """0.0, as for a float."""
    return 0.0


_add_methods()


def sum(values: Iterable[Any], start: Any = 0.0) -> Any:
    """The sum of Values and numbers as one node, added to `start` from left to right.

    Returns a float if there is no Value among them.

    Raises:
        TypeError: an item is neither a Value nor a real number.

    >>> total = sum([Value(1.0), 2, Value(3.0)])
    >>> total.data, total.local_derivatives
    (6.0, (1.0, 1.0, 1.0))
    """
    items = list(values)
    operands = _leaves(items, "values")
    total = start._data if isinstance(start, Value) else real(start, "start")
    for operand in operands:
        total = total + operand._data
    if isinstance(start, Value):
        operands.append(start)
    elif not any_value(items):
        return total
    return make_node(total, tuple(operands), "sum", constant_slopes([1.0] * len(operands)))


def dot(ws: Iterable[Any], xs: Iterable[Any], bias: Any = None) -> Any:
    """bias + ws[0]*xs[0] + ws[1]*xs[1] + ... as one node, added from left to right.

    Returns a float if there is no Value among all of them.

    Raises:
        ValueError: ws and xs differ in length.
        TypeError: an item is neither a Value nor a real number.

    >>> w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    >>> y = dot(w, x, 1.0)
    >>> y.backward()
    >>> y.data, w[0].grad, x[1].grad
    (32.0, 5.0, 3.0)
    """
    ws, xs = list(ws), list(xs)
    n = len(ws)
    if len(xs) != n:
        raise ValueError(f"dot() got {n} weights but {len(xs)} inputs")
    biases = [] if bias is None else [bias]
    w_leaves, x_leaves = _leaves(ws, "ws"), _leaves(xs, "xs")
    bias_leaves = [b if isinstance(b, Value) else make_node(real(b, "bias")) for b in biases]
    total = bias_leaves[0]._data if bias_leaves else 0.0
    for w, x in zip(w_leaves, x_leaves, strict=True):
        total = total + w._data * x._data
    if not any_value(ws + xs + biases):
        return total

    def slopes(*data: float) -> tuple[float, ...]:
        return data[n : 2 * n] + data[:n] + (1.0,) * len(biases)

    return make_node(total, (*w_leaves, *x_leaves, *bias_leaves), "dot", slopes)


def _leaves(items: list[Any], what: str) -> list[Value]:
    """The items with numbers made into leaves."""
    return [
        item if isinstance(item, Value) else make_node(real(item, f"{what}[{i}]"))
        for i, item in enumerate(items)
    ]


def chooser(both: tuple[Any, ...]) -> Callable[..., Any]:
    """A function that calls the first of both if a Value is among its arguments, and the second if not.

    Then come its name and docstring, and perhaps a function to be called where the second raises TypeError.
    """
    with_values, standard, name, doc, *rescue = both
    if len(rescue) > 1:  # to look into arguments saves time in C alone: with_values can do both
        return _named(with_values, name, doc)

    def choose(*args: Any, **keywords: Any) -> Any:
        if any(isinstance(item, Value) for item in (*args, *keywords.values())):
            return with_values(*args, **keywords)
        try:
            return standard(*args, **keywords)
        except TypeError:
            if not rescue:
                raise
        return rescue[0](*args, **keywords)

    return _named(choose, name, doc)


def _named(function: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


class no_grad(NoGrad, contextlib.ContextDecorator):
    """Inside `with no_grad():`, or in a function under `@no_grad()`, results are leaves: no graph.

    It concerns the current thread only.

    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.local_derivatives
    (9.0, ())
    """


def zero_grad(values_or_root: Value | Iterable[Value]) -> None:
    """Set grads to 0.0: of a Value and all that it was computed from, or of each Value in a list.

    Raises:
        TypeError: neither a Value nor an iterable of Values; then no grad is changed.
        RuntimeError: called by a closure during a backward() that is at work on the same nodes.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> y.backward()
    >>> zero_grad(y)
    >>> x.grad, y.grad
    (0.0, 0.0)
    """
    nodes = (
        sorted_nodes(values_or_root)
        if isinstance(values_or_root, Value)
        else checked_values(
            values_or_root, "what zero_grad() takes, a Value or an iterable of Values,"
        )
    )
    note_in_journal(*nodes)
    for node in nodes:
        node._grad = 0.0
