"""One call of a function with a rule: what it has computed, and the rule at work where a derivative is wanted.

Arguments are taken apart into items. Those that are Values are inputs, by which there are derivatives; all
else stays what it is. The function runs on Values of its own, as transforms run functions, and so does the
rule, later and as often as a sweep meets the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pygrad.core import implementation
from pygrad.core.implementation import Value
from pygrad.core.callables import function_name
from pygrad.core.structure import (
    RESULT,
    Static,
    Structure,
    flatten_like,
    flatten_part,
    flatten_result,
    same,
    values_in,
)
from pygrad.rules.described import described, named

_CAPTURED = (
    "{f}() has a rule of its own, which says nothing of the derivative by {v}, a Value that {f}() uses and "
    "that is none of the arguments that it has derivatives by. Hand it over as an argument, or use "
    "stop_gradient() of it, or its number"
)
_READ = (
    "the number of a Value was read, v.data, by {rule} at {line}: what is made of a number has no derivative, "
    "so the derivative that the rule gives cannot be differentiated again. Compute with the Value itself"
)


class Argument:
    """One argument, taken apart: its items, and which of them are Values."""

    def __init__(self, argument: Any, what: str) -> None:
        self.argument = argument
        self.items: list[Any]
        self.structure: Structure
        try:
            self.items, self.structure = flatten_part(argument, what, RESULT)
        except TypeError:  # an object of any kind, without Values that could be seen
            self.items, self.structure = [], Static(argument, what)
        self.places = [i for i, item in enumerate(self.items) if isinstance(item, Value)]

    @property
    def values(self) -> list[Any]:
        return [self.items[i] for i in self.places]

    def with_values(self, values: Sequence[Any]) -> Any:
        """The argument with others in the place of its Values."""
        if not self.places:
            return self.argument
        items = list(self.items)
        for i, value in zip(self.places, values, strict=True):
            items[i] = value
        return self.structure.as_argument(items)

    def tangent(self, tangents: Sequence[Any]) -> Any:
        """Tangents of its Values, and 0 for its numbers."""
        items: list[Any] = [0.0] * len(self.items)
        for i, tangent in zip(self.places, tangents, strict=True):
            items[i] = tangent
        return self.structure.as_argument(items)


class Arguments:
    """The arguments of a call by which there are derivatives, and those by which there are none."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], without: frozenset[int]) -> None:
        self.args = list(args)
        self.without = [args[i] for i in sorted(without)]
        self.places = [i for i in range(len(args)) if i not in without]
        self.parts = [Argument(args[i], f"argument {i} of {function_name(f)}()") for i in self.places]
        self.values = [value for part in self.parts for value in part.values]

    def _each(self, values: Sequence[Any]) -> list[tuple[Argument, Sequence[Any]]]:
        found, at = [], 0
        for part in self.parts:
            count = len(part.places)
            found.append((part, values[at : at + count]))
            at += count
        return found

    def primals(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments that have derivatives, with other Values."""
        return tuple([part.with_values(some) for part, some in self._each(values)])

    def tangents(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([part.tangent(some) for part, some in self._each(values)])

    def whole(self, values: Sequence[Any]) -> list[Any]:
        """All arguments, with other Values."""
        args = list(self.args)
        for i, argument in zip(self.places, self.primals(values), strict=True):
            args[i] = argument
        return args


class Result:
    """What the function has returned, taken apart."""

    def __init__(self, f: Callable[..., Any], result: Any) -> None:
        self.items, self.structure = flatten_result(result, f"the result of {function_name(f)}()")

    def check(self, other: Any, what: str) -> None:
        """ValueError for what is not arranged as the result is."""
        _, structure = flatten_part(other, what, RESULT)
        if not same(structure, self.structure):
            raise ValueError(f"{what} must match the function's result: {self.structure}, not {structure}")


class Rule(Protocol):
    """What a function's derivative is made by."""

    f: Callable[..., Any]

    def back(self, call: Applied, xs: list[Any], seeds: list[Any]) -> list[Any]:
        """The derivatives by xs, given those by the results."""

    def along(self, call: Applied, xs: list[Any], tangents: list[Any]) -> list[Any]:
        """The tangents of the results, given those of xs."""

    def linear(self) -> Callable[..., Any] | None:
        """The user's function that gives tangents, if back() is to be made of along(); else None."""

    def check(self) -> None:
        """Raises if the rule is missing."""


class Applied:
    """A call whose derivative a rule says: what a node with such a rule holds."""

    def __init__(self, rule: Any, arguments: Arguments, result: Result) -> None:
        self.rule, self.arguments, self.result = rule, arguments, result

    def __call__(
        self,
        reverse: int,
        numbers: int,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
    ) -> tuple[Any, ...]:
        """Derivatives by xs, or of the results; see `rule_made` of the implementation.

        numbers: whether they will be used as numbers, and not be differentiated again.
        """
        given = [seed for seed in seeds if seed is not None]
        if numbers and all(_is_zero(seed) for seed in given):  # an exact 0 wins over whatever it meets
            return (None,) * (len(xs) if reverse else len(self.result.items))
        with implementation.Recorded() as recorded:
            found = self._derived(recorded, bool(reverse), bool(numbers), node, xs, seeds, wanted)
        self._check_finite(found, [*xs, *given])
        return tuple(found)

    def _derived(
        self,
        recorded: Any,
        reverse: bool,
        numbers: bool,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
    ) -> list[Any]:
        given = [seed for seed in seeds if seed is not None]
        fresh = [1.0] * sum(wanted) if reverse and self.rule.by_tangents else []
        inputs = list(recorded.begin((*xs, *given, *fresh)))
        own, rest = inputs[: len(xs)], iter(inputs[len(xs) :])
        arrived = [None if seed is None else next(rest) for seed in seeds]
        before = len(implementation.noted_reads() or ())
        with named(self.rule.stated, self.rule.f):
            if not reverse:
                found = self.rule.along(self, own, arrived)
            elif self.rule.by_tangents:
                found = self._pulled(own, arrived, wanted, list(rest), tuple(inputs))
            else:
                found = self.rule.back(self, own, arrived)
        if not numbers:
            self._check_reads(before, tuple(inputs))
        return found

    def _pulled(
        self,
        own: list[Any],
        seeds: list[Any],
        wanted: tuple[bool, ...],
        fresh: list[Any],
        inputs: tuple[Any, ...],
    ) -> list[Any]:
        """The derivatives by own, by the way back through what a rule makes of tangents."""
        new = iter(fresh)
        tangents = [next(new) if want else None for want in wanted]
        items = self.rule.along(self, own, tangents)
        pairs = [
            (item, seed)
            for item, seed in zip(items, seeds, strict=True)
            if seed is not None and isinstance(item, Value)
        ]
        if not pairs:
            return [None] * len(own)
        outputs, weights = zip(*pairs, strict=True)
        found = iter(implementation.rule_way(True, outputs, tuple(fresh), inputs, weights))
        pulled = [next(found) if want else None for want in wanted]
        self._check_linear(outputs, weights, pulled)
        return pulled

    def _check_linear(self, outputs: Any, weights: Any, pulled: list[Any]) -> None:
        """ValueError if the tangents that have come out are not what the slopes make of those that went in."""
        out = sum([_number(y) * _number(w) for y, w in zip(outputs, weights, strict=True)])
        terms = [_number(d) for d in pulled if d is not None]
        scale = sum(map(abs, terms)) + sum([abs(_number(y) * _number(w)) for y, w in zip(outputs, weights, strict=True)])
        if abs(out - sum(terms)) > 1e-6 * scale:
            raise ValueError(
                f"the tangents that {described(self.rule.stated, self.rule.f)}, gives are not linear in those "
                f"that it is given: they come to {out!r}, and their slopes to {sum(terms)!r}"
            )

    def _check_reads(self, before: int, inputs: tuple[Any, ...]) -> None:
        reads = (implementation.noted_reads() or ())[before:]
        for v, line in reads:
            if any(implementation.connected((v,), inputs)):
                raise TypeError(_READ.format(rule=described(self.rule.stated, self.rule.f), line=line))

    def _check_finite(self, found: list[Any], given: list[Any]) -> None:
        """ValueError where nan has come of numbers that are finite; in a trace there are other numbers."""
        if implementation.trace_active():
            return
        if not any(_is_nan(_number(d)) for d in found if d is not None):
            return
        if all(abs(_number(v)) < float("inf") for v in (*given, *self.result.items)):
            raise ValueError(
                f"{described(self.rule.stated, self.rule.f)}, gave nan at {[_number(v) for v in given]}"
            )

    def of_result(self, items: list[Any]) -> Any:
        """Items arranged as the result is, with 0 in the place of None."""
        return self.result.structure.as_argument([Value(0.0) if v is None else v for v in items])

    def items_of_result(self, tree: Any, what: str) -> list[Any]:
        """The derivatives in a tree that is arranged as the result is."""
        items = flatten_like(tree, self.result.structure, what, "the function's result")
        return [self.derivative(item, what) for item in items]

    def items_of_argument(self, part: Argument, tree: Any, what: str, of: str) -> list[Any]:
        """The derivatives by the Values in an argument, in a tree that is arranged as that is."""
        if not part.places:
            return []
        if tree is None:
            return [None] * len(part.places)
        items = flatten_like(tree, part.structure, what, of)
        return [self.derivative(items[i], what) for i in part.places]

    def derivative(self, item: Any, what: str) -> Any:
        """TypeError for a number that is not 0: a derivative is a multiple of what it is made of."""
        if isinstance(item, Value):
            return item
        if item == 0:
            return None
        raise TypeError(
            f"{what} is the number {item!r}, and no Value: it does not depend on the derivative that the rule "
            "was given, so something was computed with v.data or float(v). Compute with the Values themselves"
        )


def _number(v: Any) -> float:
    return implementation.number_in(v) if isinstance(v, Value) else float(v)


def _is_zero(v: Any) -> bool:
    return _number(v) == 0


def _is_nan(x: float) -> bool:
    return x != x


def call(rule: Any, args: Sequence[Any], without: frozenset[int]) -> Any:
    """What the function of a rule returns, whose derivative the rule says."""
    arguments = Arguments(rule.f, args, without)
    if implementation.in_no_grad():
        return rule.f(*args)
    if not arguments.values and not values_in(arguments.without):
        plain = rule.f(*args)
        if not values_in(plain):
            return plain
    traced = implementation.trace_active()
    points = arguments.values if traced else list(map(_number, arguments.values))
    with implementation.Recorded() as recorded:
        inputs = recorded.begin(tuple(points))
        since = implementation.births()
        result = Result(rule.f, rule.f(*arguments.whole(inputs)))
        outputs = tuple([v for v in result.items if isinstance(v, Value)])
        captured = implementation.rule_captured(outputs, inputs, since) if outputs else None
    if captured is not None:
        raise TypeError(_CAPTURED.format(f=function_name(rule.f), v=captured))
    if not arguments.values:
        return result.structure.arrange(result.items)
    rule.check()
    applied = Applied(rule, arguments, result)
    made = implementation.rule_made(
        applied, function_name(rule.f), tuple(result.items), tuple(arguments.values)
    )
    result.items = [_number(v) for v in result.items]
    return result.structure.arrange(made)
