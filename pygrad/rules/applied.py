"""One call of a function with a rule: what it has computed, and the rule at work where one is wanted.

Arguments are taken apart into items. Those that are Values are inputs, by which there are derivatives; all
else stays what it is. The function runs on Values of its own, as transforms run functions, and so does the
rule, later and as often as a sweep meets the result.
"""

from __future__ import annotations

import contextlib
import functools
import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from pygrad.control.autograph.context import context, meant_for
from pygrad.control.autograph.merging import both, condition
from pygrad.core import implementation
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value
from pygrad.core.stated import NodeRule
from pygrad.core.structure import (
    RESULT,
    Static,
    Structure,
    flatten_like,
    flatten_part,
    flatten_result,
    values_in,
)
from pygrad.math import where
from pygrad.rules.described import described, named
from pygrad.rules.reads import Reads, tell_of_changes

CAPTURED = (
    "{f}() has a rule of its own, which says nothing of the derivative by {v}, a Value that {f}() uses and "
    "that is none of the arguments that it has derivatives by. Hand it over as an argument, or use "
    "stop_gradient() of it, or its number"
)
_READ = (
    "the number of a Value was read, v.data, by {rule} at {line}: what is made of a number has no "
    "derivative, so what the rule gives cannot be differentiated again. Compute with the Value itself"
)
_ROUNDING = 1e-6  # of sums that are equal but for that


def _surroundings(rows: tuple[Any, ...]) -> contextlib.AbstractContextManager[None]:
    """What a rule is called in, for the rows for which these conditions hold."""
    if not implementation.stated.body_derived():
        return meant_for(rows)
    from pygrad.control.bodies import apart  # there are loops of programs

    return apart(rows)


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
    """The arguments of a call, by some of which there are derivatives."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], without: frozenset[int]) -> None:
        self.args = list(args)
        self.without = [args[i] for i in sorted(without)]
        self.places = [i for i in range(len(args)) if i not in without]
        self.parts = [
            Argument(args[i], f"argument {i} of {function_name(f)}()") for i in self.places
        ]
        self.values = [value for part in self.parts for value in part.values]

    def used_up(self) -> int | None:
        """The place of an iterator, which f uses up."""
        for i, argument in enumerate(self.args):
            if isinstance(argument, Iterator) and not isinstance(argument, io.IOBase):
                return i
        return None

    def check_lasting(self, f: Callable[..., Any]) -> None:
        """TypeError for an iterator: the rule would find nothing in it."""
        i = self.used_up()
        if i is not None:
            raise TypeError(
                f"argument {i} of {function_name(f)}() is a {type(self.args[i]).__name__}, which can be "
                f"gone through once only, and a rule of {function_name(f)}() needs it again: give a list"
            )

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
        flatten_like(other, self.structure, what, "the function's result")


class At(NamedTuple):
    """Where a rule is at work: Values that stand for the arguments, and for what they lead to."""

    xs: list[Any]
    ys: list[Any]  # results; of rules that ask for them
    inputs: tuple[Any, ...]  # all that lead on: what the rule has made ends here
    numbers: bool  # what it gives will be used as numbers


class Rule(Protocol):
    """What the derivatives of a function are made by."""

    f: Callable[..., Any]

    @property
    def by_tangents(self) -> bool:
        """Whether the way back is to go through what along() makes of tangents."""

    @property
    def needs_results(self) -> bool: ...

    @property
    def stated(self) -> Callable[..., Any]:
        """What the user has written, for errors to name."""

    def check(self) -> None:
        """TypeError if the rule is missing."""

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        """The derivatives by xs, of those of the results, None for 0."""

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        """The tangents of the results, of those of xs, None for 0."""


class Function(Rule, Protocol):
    """What such a function is itself."""

    def compute(self, *args: Any) -> Any:
        """What it gives of Values, or of none."""

    def reads(self) -> Reads | None:
        """What its rule reads from elsewhere now."""


def seeded(items: Sequence[Any], seeds: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Those that have a seed, which are not all without, and these."""
    pairs = [(item, seed) for item, seed in zip(items, seeds, strict=True) if seed is not None]
    some, given = zip(*pairs, strict=True)
    return some, given


class Applied(NodeRule):
    """A call whose derivatives a rule says: what a node with such a rule holds."""

    def __init__(
        self, rule: Rule, arguments: Arguments, result: Result, reads: Reads | None = None
    ) -> None:
        """reads: what the rule read from elsewhere, had it run at the call."""
        self.rule, self.arguments, self.result = rule, arguments, result
        self.reads = reads
        # How many conditions, which come after the inputs, say for which rows it is meant.
        self.rows = 0

    @classmethod
    def to(cls, rule: Rule, numbers: list[Any]) -> Applied:
        """Of numbers that were found some other way than by a call."""
        return cls(rule, Arguments(rule.f, (), frozenset()), Result(rule.f, numbers))

    def values(self, name: str, inputs: Sequence[Any]) -> list[Any]:
        """The numbers of the result as Values, whose derivatives by the inputs are what the rule says."""
        rows, self.rows = context.rows(), len(context.rows())
        made = implementation.stated.rule_made(
            self, name, tuple(self.result.items), (*inputs, *rows)
        )
        self.result.items = list(map(number, self.result.items))
        return list(made)

    def __call__(
        self,
        reverse: int,
        numbers: int,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
    ) -> tuple[Any, ...]:
        if not self.rows:
            return self._derived(reverse, numbers, node, xs, seeds, wanted, ())
        rows = tuple(map(condition, xs[-self.rows :]))  # in a derived body those of its own
        xs, wanted = xs[: -self.rows], wanted[: -self.rows]
        if not reverse:
            seeds = seeds[: -self.rows]
        found = self._derived(reverse, numbers, node, xs, seeds, wanted, rows)
        meant = functools.reduce(both, rows)  # derivatives are 0 for others
        found = tuple([None if d is None else where(meant, d, 0.0) for d in found])
        return (*found, *[None] * self.rows) if reverse else found

    def _derived(
        self,
        reverse: int,
        numbers: int,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
        rows: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        given = [seed for seed in seeds if seed is not None]
        # An exact 0 wins over all it meets
        if numbers and all(number(seed) == 0 for seed in given):
            return (None,) * (len(xs) if reverse else len(self.result.items))
        ys = implementation.stated.rule_results(node) if self.rule.needs_results else ()
        fresh = [1.0] * sum(wanted) if reverse and self.rule.by_tangents else []
        before = count_of_reads()
        tell_of_changes(self.reads, self.rule.f)
        with implementation.Recorded() as recorded:
            inputs = recorded.begin((*xs, *ys, *given, *fresh))
            new = iter(inputs)
            at = At([next(new) for _ in xs], [next(new) for _ in ys], inputs, bool(numbers))
            arrived = [None if seed is None else next(new) for seed in seeds]
            with named(self.rule.stated, self.rule.f), _surroundings(rows):
                if not reverse:
                    found = self.rule.along(self, at, arrived)
                elif self.rule.by_tangents:
                    found = self._pulled(at, arrived, wanted, tuple(new))
                else:
                    found = self.rule.back(self, at, arrived)
            if not numbers:
                check_reads(self.rule, where_read(before, inputs))
        self._check_finite(found, [*xs, *given])
        return tuple(found)

    def _pulled(
        self, at: At, seeds: list[Any], wanted: tuple[bool, ...], fresh: tuple[Any, ...]
    ) -> list[Any]:
        """The derivatives by xs, by the way back through what the rule makes of tangents."""
        new = iter(fresh)
        items = self.rule.along(self, at, [next(new) if want else None for want in wanted])
        pairs = [
            (item, seed)
            for item, seed in zip(items, seeds, strict=True)
            if seed is not None and isinstance(item, Value)
        ]
        if not pairs:
            return [None] * len(wanted)
        outputs, weights = zip(*pairs, strict=True)
        pulled = implementation.stated.rule_way(True, outputs, fresh, at.inputs, weights)
        self._check_linear(pairs, pulled)
        found = iter(pulled)
        return [next(found) if want else None for want in wanted]

    def _check_linear(self, pairs: list[tuple[Any, Any]], pulled: Sequence[Any]) -> None:
        """ValueError if tangents that have come out are not what slopes make of those that went in."""
        terms = [number(y) * number(seed) for y, seed in pairs]
        slopes = list(map(number, pulled))  # those that went in are 1
        scale = sum(map(abs, slopes)) + sum(map(abs, terms))
        if abs(sum(terms) - sum(slopes)) > _ROUNDING * scale:
            raise ValueError(
                f"tangents that {described(self.rule.stated, self.rule.f)}, gives are not linear in "
                f"those that it is given: they come to {sum(terms)!r}, and their slopes to {sum(slopes)!r}"
            )

    def _check_finite(self, found: list[Any], given: list[Any]) -> None:
        """ValueError where nan has come of finite numbers; in a trace other rows have others."""
        if implementation.trace_active():
            return
        if not any(math.isnan(number(d)) for d in found if d is not None):
            return
        if all(math.isfinite(number(v)) for v in (*given, *self.result.items)):
            raise ValueError(
                f"{described(self.rule.stated, self.rule.f)}, gave nan at {[number(v) for v in given]}"
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
            f"{what} is the number {item!r}, and no Value: it does not depend on the derivative that the "
            "rule was given, so something was computed with v.data or float(v). Compute with the Values "
            "themselves"
        )


def count_of_reads() -> int:
    """How often the number of a Value, v.data, was read of which a note is kept."""
    return len(implementation.noted_reads() or ())


def where_read(before: int, inputs: tuple[Any, ...]) -> str | None:
    """The line where one was read that depends on inputs, since there were so many reads."""
    for v, line in (implementation.noted_reads() or ())[before:]:
        if any(implementation.connected((v,), inputs)):
            return line
    return None


def check_reads(rule: Rule, line: str | None) -> None:
    """TypeError if what a rule says was computed with a number on which its derivative depends."""
    if line is not None:
        raise TypeError(_READ.format(rule=described(rule.stated, rule.f), line=line))


def number(v: Any) -> float:
    """The number of a Value, or the number itself; nobody notes that it was read."""
    return implementation.stated.number_in(v) if isinstance(v, Value) else float(v)


def check_captured(
    f: Callable[..., Any], outputs: tuple[Any, ...], inputs: tuple[Any, ...], since: int
) -> None:
    """TypeError if outputs of f depend on Values that were there before, and are none of the inputs."""
    captured = implementation.stated.rule_captured(outputs, inputs, since)
    if captured is not None:
        raise TypeError(CAPTURED.format(f=function_name(f), v=captured))


def call(rule: Function, args: Sequence[Any], without: frozenset[int]) -> Any:
    """What the function of a rule returns, whose derivative the rule says."""
    arguments = Arguments(rule.f, args, without)
    if implementation.in_no_grad():
        return rule.compute(*args)
    lasting = arguments.used_up() is None
    if lasting and not arguments.values and not values_in(arguments.without):
        plain = rule.compute(*args)
        if not values_in(plain):
            return plain
    if arguments.values:
        arguments.check_lasting(rule.f)
    traced = implementation.trace_active()
    points = arguments.values if traced else list(map(number, arguments.values))
    with implementation.Recorded() as recorded:
        inputs = recorded.begin(tuple(points))
        since = implementation.stated.births()
        result = Result(rule.f, rule.compute(*arguments.whole(inputs)))
        outputs = tuple([v for v in result.items if isinstance(v, Value)])
        if outputs:
            check_captured(rule.f, outputs, inputs, since)
    if not arguments.values:
        return result.structure.arrange(result.items)
    rule.check()
    made = Applied(rule, arguments, result, rule.reads())
    items = made.values(function_name(rule.f), arguments.values)
    return result.structure.arrange(items)
