"""Functions of other libraries: external() makes one an operation, that programs call back.

>>> import math
>>> from pygrad import external, grad, vmap
>>> def sine(x):
...     return math.sin(x)  # of plain numbers, as any library's
>>> cosine = external(lambda x: math.cos(x))
>>> sin = external(sine, jvp=lambda primals, tangents: cosine(primals[0]) * tangents[0])
>>> grad(sin)(0.0)
1.0
>>> vmap(grad(sin))([0.0, math.pi])
array([ 1., -1.])
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import nan
from typing import Any
from weakref import WeakValueDictionary

from pygrad.control.autograph.context import context
from pygrad.control.autograph.merging import both
from pygrad.core import implementation
from pygrad.core.callables import P, R, function_name
from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.rules.applied import Applied, At, number
from pygrad.rules.calling import Call, Shape, Slot, taken_apart
from pygrad.rules.custom import WithRule, by_rows, cotangents_of, positions
from pygrad.rules.described import described

_Calls = WeakValueDictionary[Any, Call]


class External(WithRule[P, R]):
    """What external() returns."""

    __slots__ = ("_calls", "_jvp", "_vjp", "shape", "vectorized")

    def __init__(
        self,
        f: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        vjp: Any = None,
        jvp: Any = None,
        shape: Any = (),
        vectorized: bool = False,
    ) -> None:
        super().__init__(f, nondiff_argnums)
        self._vjp, self._jvp = vjp, jvp
        self.shape = shape if isinstance(shape, Shape) else Shape.of(shape)
        self.vectorized = vectorized
        self.by_tangents = vjp is None
        self._calls: _Calls = WeakValueDictionary()

    def made_from(self) -> tuple[Any, ...]:
        without = tuple(sorted(self.without))
        return self.f, without, self._vjp, self._jvp, self.shape, self.vectorized

    def of_values(self) -> tuple[Any, ...]:
        return self._vjp, self._jvp

    @property
    def stated(self) -> Callable[..., Any]:
        return self._vjp or self._jvp or self.f  # type: ignore[no-any-return]

    def check(self) -> None:
        """Without a rule it has values."""

    # -- the call

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
        """What was given: options of library functions that were not are no arguments."""
        return super()._positional(args, kwargs) if kwargs else args

    def compute(self, *args: Any) -> Any:
        slots, items = taken_apart(self.f, args, self.without)
        values = [item for item in items if isinstance(item, Value)]
        made = self._call(slots, [None if isinstance(item, Value) else item for item in items])
        numbers = list(map(number, values))
        if not values:
            return self.shape.arrange(made.of(numbers))
        if implementation.trace_active():
            return self.shape.arrange(self._traced(made, values, numbers))
        return self.shape.arrange([Value(x) for x in made.of(numbers)])

    def _call(self, slots: list[Slot], items: list[Any]) -> Call:
        """The one of its kind: a program calls back once for what it asks for twice."""
        kinds = tuple([(slot.shape, type(slot.kept), id(slot.kept)) for slot in slots])
        key = kinds, tuple([None if item is None else float(item).hex() for item in items])
        known = self._calls.get(key)
        if known is None:
            known = self._calls[key] = Call(self, slots, items)
        return known

    def _traced(self, made: Call, values: list[Any], numbers: list[float]) -> list[Any]:
        """Results in a trace. Where the function raises, as perhaps only numbers do that it is traced on,
        the program will say so of the row that it does it for."""
        try:
            found = made.of(numbers)
        except Exception:
            found = [nan] * self.shape.size
        conditions = context.rows()
        operands = (*values, functools.reduce(both, conditions)) if conditions else tuple(values)
        results = implementation.stated.call_made(
            made, made.name, operands, tuple(found), bool(conditions)
        )
        if implementation.in_no_grad():
            return [FUNCTIONS["stop_gradient"](v) for v in results]
        return list(results)

    # -- the rule

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        arguments = applied.arguments
        found = self._vjp(*arguments.without, arguments.primals(at.xs), applied.of_result(seeds))
        return cotangents_of(applied, found, described(self._vjp, self.f))

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        if self._jvp is None and self._vjp is None:
            name = function_name(self)
            raise TypeError(
                f"{name}() is an external function without a rule, so it has no derivative: state it as "
                f"external({name}, jvp=...) or external({name}, vjp=...)"
            )
        if self._jvp is None:
            return by_rows(applied, tangents, lambda seeds: self.back(applied, at, seeds))
        arguments = applied.arguments
        given = [0.0 if t is None else t for t in tangents]
        found = self._jvp(*arguments.without, arguments.primals(at.xs), arguments.tangents(given))
        what = f"the tangent that {described(self._jvp, self.f)}, returned"
        return applied.items_of_result(found, what)


def external(
    f: Callable[P, R],
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    *,
    shape: Any = (),
    vectorized: bool = False,
    nondiff_argnums: int | Sequence[int] = (),
) -> External[P, R]:
    """f, which works on plain numbers alone, as an operation: a call into another library.

    f is called with floats, and with float64 arrays of one axis. Eager code calls it at once, `compile` and
    `vmap` put it into their programs, which call it back for each row. It has to give the same for the same
    arguments: what a program asks for twice is computed once.

    The derivative is what a rule says, which runs on Values and is differentiated in turn: it is made of
    operations, of other external functions, or of f itself. Either is enough:
    ``jvp(primals, tangents)`` returns the tangent of the result, ``vjp(primals, cotangent)`` a tuple with a
    cotangent for each argument, None for 0. Tangents and cotangents are arranged as what they are of.
    Without a rule there are values, and a derivative is a TypeError.

    Args:
        f: a function of numbers and arrays of one axis; what is neither is handed on as it is.
        vjp: the way back.
        jvp: the way forward; a tangent that is not wanted is the number 0.0.
        shape: of the result: () for a number, a length for an array, for several results, a tuple, a list
            of these.
        vectorized: f takes many rows at once: each argument has one axis more in front, and so have
            results. A program calls it with up to 64 rows, eager code with one.
        nondiff_argnums: positions of arguments without derivative, which f gets as they are, and rules get
            first, each by itself.

    Raises:
        What f raises, with a note in which row a program had called it; TypeError and ValueError for a
        result of another shape, which name f, and for rules that are wrong, which name these. To save a
        program with such a function, or to write it as C, is a NotImplementedError.

    >>> import numpy as np
    >>> from pygrad import external, jacobian
    >>> def rolled(v, by):
    ...     return np.roll(v, 1, axis=-1) * by[..., None]
    >>> def back(primals, cotangent):
    ...     (v, by), moved = primals, np.roll(cotangent, -1)
    ...     return moved * by, (moved * v).sum()
    >>> roll = external(rolled, vjp=back, shape=2, vectorized=True)
    >>> jacobian(lambda v: roll(v, v[0]))(np.array([3.0, 4.0]))
    array([[4., 3.],
           [6., 0.]])
    """
    for name, rule in (("vjp", vjp), ("jvp", jvp)):
        if rule is not None and not callable(rule):
            raise TypeError(f"{name} of external() must be a function, not {type(rule).__name__}")
    without = positions(f, nondiff_argnums, "external")
    return External(f, without, vjp, jvp, shape, vectorized)
