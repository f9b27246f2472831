"""Solutions: what solves an equation, differentiated by the equation, whatever has solved it.

Where F(y, x) = 0 states y, the implicit function theorem gives dy = -inverse(dF/dy) dF/dx dx: one system of
linear equations, forward and back. It is made of Values, y among them, so it is differentiated in turn.

>>> from pygrad import custom_root, grad
>>> @custom_root(lambda y, a: y * y - a)
... def root(a):
...     y = a
...     for _ in range(60):
...         y = 0.5 * (y + a / y)
...     return y
>>> root(4.0), grad(root)(4.0), grad(grad(root))(4.0)
(2.0, 0.25, -0.03125)

Source: Blondel and others, Efficient and Modular Implicit Differentiation (2022).
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.callables import MethodOf, P, R, function_name
from pygrad.core.implementation import Value
from pygrad.core.keys import in_order_of
from pygrad.core.recording import OnNumbers
from pygrad.core.structure import flatten_result, values_in
from pygrad.rules.applied import (
    Applied,
    Arguments,
    Result,
    check_captured,
    count_of_reads,
    number,
)
from pygrad.rules.described import described, named
from pygrad.rules.implied import Equation, Implied
from pygrad.transform import grad


class Solution(MethodOf[P, R]):
    """What custom_root() and its kin make of a solver."""

    __slots__ = ("equation", "stated", "turned")

    def __init__(self, f: Callable[..., Any], stated: Callable[..., Any], kind: str) -> None:
        super().__init__(f)
        self.stated, self.turned = stated, kind
        self.equation: Callable[..., Any] = stated
        if kind == "minimum":
            self.equation = grad(stated)

    def made_from(self) -> tuple[Any, ...]:
        return self.f, self.stated, self.turned

    # -- the call

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        arguments = Arguments(self.f, args, frozenset())
        if kwargs:
            self._check_named(kwargs)
        arguments.check_lasting(self.f)
        traced = implementation.trace_active()
        points = arguments.values if traced else list(map(number, arguments.values))
        with implementation.Recorded() as recorded:
            inputs = recorded.begin(tuple(points))
            since = implementation.stated.births()
            solved = self._solved(arguments.whole(inputs if traced else points), kwargs)
            result = Result(self.f, solved)
            _check_captured(self.f, result.items, inputs, since)
        equation = self._recorded(arguments, points, result)
        if implementation.in_no_grad() or not arguments.values:
            return solved  # type: ignore[no-any-return]
        rule = Implied(equation, self.f, self.stated)
        made = Applied(rule, arguments, result).values(function_name(self.f), arguments.values)
        return result.structure.arrange(made)  # type: ignore[no-any-return]

    def _check_named(self, options: dict[str, Any]) -> None:
        """TypeError for an option that is none: the equation has it, too, or it is a Value."""
        known: Collection[str] = ()
        with contextlib.suppress(TypeError, ValueError):  # what no signature is known of
            known = inspect.signature(self.stated).parameters
        for name, option in options.items():
            if name in known or values_in(option):
                raise TypeError(
                    f"{function_name(self)}() hands arguments that are given by name to the solver alone: "
                    f"give {name} by position, as the equation or a derivative has to do with it"
                )

    def _solved(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        with OnNumbers(function_name(self.f)):
            return self.f(*args, **kwargs)

    def _recorded(self, arguments: Arguments, points: list[Any], result: Result) -> Equation:
        """What is 0 at the solution, for each of its numbers. It is run now, as what it reads may be
        something else by the time that a derivative is wanted.

        TypeError if it depends on Values that are no arguments.
        """
        ys = result.items if implementation.trace_active() else list(map(number, result.items))
        before = count_of_reads()
        with implementation.Recorded() as recorded:
            fresh = recorded.begin((*ys, *points))
            unknowns, inputs = fresh[: len(ys)], fresh[len(ys) :]
            since = implementation.stated.births()
            items = self._residuals(arguments.whole(inputs), result, unknowns)
            _check_captured(self.stated, items, fresh, since)
            return Equation.of(items, unknowns, inputs, before)

    def _residuals(self, args: list[Any], result: Result, ys: Sequence[Any]) -> list[Any]:
        with named(self.stated, self.f):
            found = self.equation(result.structure.as_argument(ys), *args)
        what = f"the result of {function_name(self.stated)}()"
        items, structure = flatten_result(found, what)
        if len(items) != len(ys):
            raise ValueError(
                f"{described(self.stated, self.f)}, gives {len(items)} numbers for {len(ys)} unknowns"
            )
        if self.turned == "fixed point":
            items = in_order_of(items, structure, result.structure, what, "the solution")
            items = [item - y for item, y in zip(items, ys, strict=True)]
        return items


def _check_captured(
    f: Callable[..., Any], items: Sequence[Any], inputs: tuple[Any, ...], since: int
) -> None:
    values = tuple([v for v in items if isinstance(v, Value)])
    if values:
        check_captured(f, values, inputs, since)


def _decorator(stated: Any, kind: str, name: str) -> Callable[[Callable[P, R]], Solution[P, R]]:
    if not callable(stated):
        raise TypeError(f"{name}() takes a function, not {type(stated).__name__}")

    def decorate(solve: Callable[P, R]) -> Solution[P, R]:
        if not callable(solve):
            raise TypeError(f"{name}(...) decorates a function, not {type(solve).__name__}")
        return Solution(solve, stated, kind)

    return decorate


def custom_root(residual: Callable[..., Any]) -> Callable[[Callable[P, R]], Solution[P, R]]:
    """Decorates a solver: its derivative is that of the root of ``residual(y, *args)``.

    ``solve(*args)`` finds y, one number or any arrangement of them, by whatever means: in eager code it is
    given plain numbers, so Python's loops and SciPy's solvers do. ``residual`` gives as many numbers, which
    are 0 at y, and is run on Values. The derivative is one system of linear equations, of any order,
    forward and back. In a function that is compiled or mapped a solver made of operations is part of the
    program; calls and rows that come to another one run without a program.

    Raises:
        TypeError: solver or residual use a Value that is no argument; one is given by name.
        ValueError: there are not as many residuals as unknowns. numpy.linalg.LinAlgError: the derivative of
            the residual by y is singular. All name the function.

    >>> from pygrad import custom_root, grad, math
    >>> @custom_root(lambda y, a: y + math.exp(y) - a)
    ... def omega(a):  # by bisection, whose own slope is that of its last step
    ...     low, high = -50.0, 50.0
    ...     while high - low > 1e-14:
    ...         y = (low + high) / 2
    ...         low, high = (y, high) if y + math.exp(y) < a else (low, y)
    ...     return low
    >>> round(omega(2.0), 9), round(grad(omega)(2.0), 9)
    (0.442854401, 0.391061033)
    """
    return _decorator(residual, "root", "custom_root")


def custom_fixed_point(f: Callable[..., Any]) -> Callable[[Callable[P, R]], Solution[P, R]]:
    """The same for a solver that finds y with ``y == f(y, *args)``.

    >>> import math as plain
    >>> from pygrad import custom_fixed_point, grad, math
    >>> @custom_fixed_point(lambda y, a: a * math.cos(y))
    ... def settled(a):
    ...     y = 0.0
    ...     for _ in range(200):
    ...         y = a * plain.cos(y)
    ...     return y
    >>> round(grad(settled)(1.0), 9)
    0.441610792
    """
    return _decorator(f, "fixed point", "custom_fixed_point")


def custom_minimum(objective: Callable[..., Any]) -> Callable[[Callable[P, R]], Solution[P, R]]:
    """The same for a solver that finds y at which ``objective(y, *args)`` is least: its gradient by y is 0.

    >>> from pygrad import custom_minimum, jacobian
    >>> @custom_minimum(lambda y, a: (y[0] - a) ** 2 + (y[1] - y[0]) ** 2 + y[1] ** 2)
    ... def nearest(a):
    ...     return [2 * a / 3, a / 3]
    >>> [round(slope, 9) for slope in jacobian(nearest)(3.0)]
    [0.666666667, 0.333333333]
    """
    return _decorator(objective, "minimum", "custom_minimum")
