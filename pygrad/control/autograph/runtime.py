"""What converted code calls, under the name ag__: each construct asks whether it is one of the program."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from pygrad.control.autograph.branching import either_way, located, settle, signals, staged, values
from pygrad.control.autograph.calls import Callee
from pygrad.control.autograph.context import caught, context
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.looping import for_loop, refusal_of_handlers, while_loop
from pygrad.control.autograph.merging import (
    Lost,
    Maybe,
    Temporary,
    any_of,
    bare,
    condition,
    is_staged,
    merged,
    opposite,
)
from pygrad.control.autograph.places import NOTHING
from pygrad.control.autograph.signals import BREAK, GOES_ON, Signal, returning
from pygrad.control.autograph.statements import Info
from pygrad.core.implementation import Value
from pygrad.core.swallowing import swallowed_by

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Lt": lambda a, b: a < b,
    "LtE": lambda a, b: a <= b,
    "Gt": lambda a, b: a > b,
    "GtE": lambda a, b: a >= b,
    "Eq": lambda a, b: a == b,
    "NotEq": lambda a, b: a != b,
    "Is": lambda a, b: a is b,
    "IsNot": lambda a, b: a is not b,
}


class Runtime:
    """Of one converted function."""

    BREAK, CONTINUE, Return = BREAK, GOES_ON, staticmethod(returning)
    slice = slice

    @staticmethod
    def nothing() -> None:
        """What an `if` without an `else` does otherwise."""

    def __init__(
        self, name: str, filename: str, code: CodeType, infos: list[Info], callee: Callee
    ) -> None:
        self.name, self.filename, self.code = name, filename, code
        self.infos, self.callee = infos, callee

    def line(self, number: int) -> Callable[[], str]:
        """Where a construct stands, for errors."""
        return lambda: f"{self.filename}, line {self.infos[number].line}, in {self.name}()"

    # -- functions -------------------------------------------------------------------------------

    def result(self, number: int, main: Callable[[], Any]) -> Any:
        """What the function returns."""
        running, code, deep = context.running, main.__code__, context.branches
        before = running.get(code)
        if before is not None and deep > before:
            raise self.refused(number, "it calls itself for some rows, where others do not")
        running[code] = deep if before is None else before
        try:
            signal = main() or GOES_ON
        finally:
            if before is None:
                del running[code]
        if signal.returned is True or signal.returned is False:
            return bare(signal.value) if signal.returned else None
        try:
            return merged(signal.returned, bare(signal.value), None, "what is returned")
        except AutographError as error:
            if not context.decides:
                raise located(error, self.line(number)) from error
        return bare(signal.value) if signal.returned else None

    def call(self, number: int, item: Any) -> Any:
        try:
            return self.callee.of(item)
        except AutographError as error:
            raise located(error, self.line(number)) from error

    # -- variables -------------------------------------------------------------------------------

    def ld(self, item: Any, name: str) -> Any:
        """A variable that is read, of which converted code may know more than its value."""
        kind = type(item)
        if kind is Temporary:
            item.slot.needed()
        if kind is Lost:
            raise AutographError(f"{name} is read after a loop that cannot carry it: {item.why}")
        if kind is Maybe:
            if item.value is NOTHING:
                raise self._unassigned(name)
            if item.otherwise is not None and item.assigned is not True:
                item.otherwise.slot.needed()
            self._check(item.assigned, name)
            return item.value
        return item

    def _check(self, assigned: Any, name: str) -> None:
        """UnboundLocalError, for rows that have not assigned a variable."""

        def unassigned() -> Signal:
            raise self._unassigned(name)

        staged(opposite(assigned), unassigned, lambda: GOES_ON, lambda: self.filename)

    @staticmethod
    def _unassigned(name: str) -> UnboundLocalError:
        return UnboundLocalError(
            f"cannot access local variable {name!r} where it is not associated with a value"
        )

    def item(self, number: int, container: Any, index: Any) -> Any:
        if isinstance(index, Value) and is_staged(index) and not context.decides:
            raise self.refused(
                number,
                "an item is taken by an index that the loop counts, which is a "
                "number of the program there: take items of sequences by scan(), or by `for x in xs`",
            )
        return container[index]

    # -- truths ----------------------------------------------------------------------------------

    def truth(self, number: int, test: Any) -> Any:
        """The truth of what decides at once: in a block of try, with or match."""
        if is_staged(test) and not context.decides:
            raise self.refused(
                number,
                "a block of try, with or match is left, or a case is chosen, by a "
                "number: do so outside of the loop, or choose by `if` and `where`",
            )
        return test

    def not_(self, test: Any) -> Any:
        return opposite(condition(test)) if is_staged(test) else not test

    def choose(
        self, number: int, test: Any, true: Callable[[], Any], false: Callable[[], Any]
    ) -> Any:
        """true() if test else false()"""
        if not is_staged(test):
            return true() if test else false()
        c = condition(test)
        if type(c) is bool:
            return true() if c else false()
        return self._values(number, c, true, false)

    def _values(
        self, number: int, c: Any, true: Callable[[], Any], false: Callable[[], Any]
    ) -> Any:
        pure = self.infos[number].pure
        try:
            result = values(c, true, false, pure)
        except (AutographError, RecursionError) as error:
            if not context.decides:
                raise located(error, self.line(number)) from error
            return true() if c else false()
        settle()
        return result

    def and_(self, number: int, first: Any, *others: Callable[[], Any]) -> Any:
        for at, other in enumerate(others):
            if is_staged(first):
                c = condition(first)
                if type(c) is bool:
                    if not c:
                        return first
                    first = other()
                    continue
                follow = functools.partial(self._and_rest, number, others[at:])
                return self._values(number, c, follow, functools.partial(_first, first, c, False))
            if not first:
                return first
            first = other()
        return first

    def or_(self, number: int, first: Any, *others: Callable[[], Any]) -> Any:
        for at, other in enumerate(others):
            if is_staged(first):
                c = condition(first)
                if type(c) is bool:
                    if c:
                        return first
                    first = other()
                    continue
                follow = functools.partial(self._or_rest, number, others[at:])
                return self._values(number, c, functools.partial(_first, first, c, True), follow)
            if first:
                return first
            first = other()
        return first

    def _and_rest(self, number: int, others: tuple[Callable[[], Any], ...]) -> Any:
        return self.and_(number, others[0](), *others[1:])

    def _or_rest(self, number: int, others: tuple[Callable[[], Any], ...]) -> Any:
        return self.or_(number, others[0](), *others[1:])

    def compared(self, number: int, ops: str, a: Any, b: Any, *others: Callable[[], Any]) -> Any:
        """A chain of comparisons, or `in`."""
        first, _, more = ops.partition(" ")
        found = self._compare(first, a, b)
        if not others:
            return found

        def rest() -> Any:
            return self.compared(number, more, b, others[0](), *others[1:])

        return self.and_(number, found, rest)

    @staticmethod
    def _compare(op: str, a: Any, b: Any) -> Any:
        if op not in {"In", "NotIn"}:
            return _COMPARISONS[op](a, b)
        if type(b) in {list, tuple} and (is_staged(a) or any(map(is_staged, b))):
            found: Any = False
            for item in b:
                found = any_of(found, item is a or condition(item == a))
            return found if op == "In" else opposite(found)
        return a in b if op == "In" else a not in b

    # -- branches and loops ----------------------------------------------------------------------

    def if_(
        self, number: int, test: Any, true: Callable[[], Any], false: Callable[[], Any]
    ) -> None:
        if not is_staged(test):
            (true if test else false)()
        else:
            staged(test, true, false, self.line(number))

    def branch(
        self, number: int, test: Any, true: Callable[[], Any], false: Callable[[], Any]
    ) -> Any:
        if not is_staged(test):
            return (true if test else false)()
        return staged(test, true, false, self.line(number))

    def while_(self, number: int, test: Callable[[], Any], body: Callable[[], Any]) -> Signal:
        return while_loop(self.infos[number], test, body, self.line(number))

    def for_(self, number: int, items: Any, body: Callable[[Any], Any]) -> Signal:
        return for_loop(self.infos[number], items, body, self.line(number))

    @staticmethod
    def unbroken(signal: Signal) -> Any:
        """Whether a loop has come to its end."""
        return opposite(signal.left)

    def has_returned(self, number: int, signal: Signal) -> Any:
        return self.truth(number, signal.returned)

    def after(self, number: int, signal: Signal, rest: Callable[[], Any]) -> Signal:
        """What a function does after a loop that may have returned."""
        if signal.returned is False:
            return rest() or GOES_ON
        gone = returning(bare(signal.value))
        if signal.returned is True:
            return gone
        c = signal.returned
        return either_way(  # type: ignore[no-any-return]
            lambda: signals(c, lambda: gone, lambda: rest() or GOES_ON),
            c,
            lambda: gone,
            rest,
            self.line(number),
        )

    @staticmethod
    def rolls() -> bool:
        """Whether this is in the body of a loop that stands in the program once."""
        return bool(context.bodies)

    @contextlib.contextmanager
    def trying(self, number: int, types: Callable[[], Any]) -> Iterator[None]:
        """A block whose exceptions are handled. types: gives what is caught, None for everything."""
        inside = bool(context.branches or context.bodies)
        context.trying += inside
        context.handlers.append(types)
        try:
            if context.bodies and (name := caught()):
                raise self.refused(number, refusal_of_handlers(name))
            yield
        except AutographError as error:
            context.refusal = error
            raise
        finally:
            context.trying -= inside
            context.handlers.pop()

    def within(self, number: int, managers: Callable[[], Any]) -> Any:
        """The block of a with: one of try where its managers may keep exceptions from leaving it."""
        found = [swallowed_by(manager) for manager in managers()]
        if not any(found) and None not in found:
            return contextlib.nullcontext()
        types = None if None in found else tuple([kind for kinds in found for kind in kinds or ()])
        return self.trying(number, lambda: types)

    def refused(self, number: int, why: str) -> BaseException:
        return located(AutographError(why), self.line(number))


def _first(item: Any, c: Any, truth: bool) -> Any:
    """What `and` or `or` gives where its first operand decides: that itself."""
    return truth if item is c else item
