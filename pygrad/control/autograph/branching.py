"""Branches: both are run for all rows, and each row keeps what its own has changed.

A branch is run on the state as it was. What it has changed is noted, and put back; after both each place
has the one or the other by the condition. What the other branch computes, be it nan, touches neither a row
nor its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.control.autograph import ways
from pygrad.control.autograph.context import context, is_caught
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.merging import NUMBERS, Mismatch, both, condition, merged, opposite
from pygrad.control.autograph.places import NOTHING, Change, Place, Snapshot, closures
from pygrad.control.autograph.signals import DEAD, GOES_ON, Signal, either_signal
from pygrad.control.state import either

Thunk = Callable[[], Any]
_REFUSALS = {"TraceError", "Again", "ControlError"}  # of traces: what stands above this file
_Way = tuple[Any, dict[tuple[int, Any], Change]]  # what it gives, and what it changes


def signals(c: Any, true: Thunk, false: Thunk) -> Signal:
    """What a staged branch returns, whose functions return signals. c: a condition."""
    return _both(c, true, false, either_signal, DEAD)  # type: ignore[no-any-return]


def values(
    c: Any, true: Thunk, false: Thunk, pure: bool = False, what: str = "the value of an expression"
) -> Any:
    """The value of one of two expressions. pure: evaluating them changes nothing."""

    def choose(c: Any, a: Any, b: Any, kept: Any) -> Any:
        if a is DEAD or b is DEAD:
            return b if a is DEAD else a
        return merged(c, a, b, what, kept)

    def of_numbers(a: Any, b: Any) -> Any:
        return (merged(c, a, b, what),) if isinstance(a, NUMBERS) and isinstance(b, NUMBERS) else ()

    if pure:
        first, second = lambda: _run(true, c, None)[0], lambda: _run(false, opposite(c), None)[0]
        for result in ways.run(_controls(c), first, second, of_numbers):
            return result
    return _both(c, true, false, choose, DEAD)


def _both(c: Any, true: Thunk, false: Thunk, choose: Any, dead: Any) -> Any:
    snapshot = Snapshot([true, false, context.raised])
    was = len(context.errors)

    def put_together(first: _Way, second: _Way) -> tuple[Any, list[tuple[Place, Any]]]:
        (one, changed), (other, by_other) = first, second
        names = _names(true, false)
        made = [
            (change.place, _merged_place(c, mark, changed, by_other, one, other, names, snapshot))
            for mark, change in {**by_other, **changed}.items()
        ]
        return choose(c, one, other, snapshot.has), made

    try:
        result, made = ways.run(
            _controls(c),
            lambda: _run(true, c, snapshot),
            lambda: _run(false, opposite(c), snapshot),
            put_together,
        )
    except BaseException:
        snapshot.restore()
        del context.errors[was:]
        raise
    for place, item in made:
        place.put(item)
    return result


def _controls(c: Any) -> tuple[Any, Any]:
    return both(context.active, c), both(context.active, opposite(c))


def _run(function: Thunk, c: Any, snapshot: Snapshot | None) -> _Way:
    """What a branch gives for the rows for which c holds, and what it changes; that is put back."""
    was = context.active
    context.active = both(was, c)
    context.branches += 1
    try:
        result = guarded(function)
    finally:
        context.active = was
        context.branches -= 1
    if result is None and snapshot is not None:
        result = GOES_ON
    return result, {} if snapshot is None else snapshot.undone()


def guarded(function: Thunk) -> Any:
    """What a function gives; what it raises is noted for the rows that are meant, and raised later."""
    try:
        return function()
    except Exception as error:
        if is_refusal(error):
            raise
        if context.trying or is_caught(error):
            raise AutographError(
                f"{type(error).__name__} is raised for some rows in a block of try or with, which "
                "decides what happens then"
            ) from error
        note(error)
        return DEAD


def forgive(error: BaseException) -> None:
    """What was refused while this came about is done in another way."""
    from pygrad.programs import paths  # there are traces, so there are programs

    context.refusal = None
    cause: BaseException | None = error
    seen: list[BaseException] = []  # a chain of contexts may lead back to where it began
    while cause is not None and not any(cause is one for one in seen):
        paths.forgive(cause)
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__


def is_refusal(error: BaseException) -> bool:
    """Whether an error says that a program cannot do something, and is no error of the user's function."""
    from pygrad.programs.identity import gave_a_condition  # there are traces, so there are programs

    kinds = {kind.__name__ for kind in type(error).__mro__}
    return (
        isinstance(error, AutographError | RecursionError | MemoryError)
        or not (kinds.isdisjoint(_REFUSALS))
        or bool(gave_a_condition(error))
    )


def note(error: BaseException) -> None:
    """An error is raised, for the rows that are meant where it happens. The first of a row's counts."""
    context.errors.append(error)
    number = context.raised.cell_contents
    code = len(context.errors)
    if type(number) is int and number == 0:
        context.raised.cell_contents = code
    elif type(number) is not int:
        context.raised.cell_contents = either(number != 0, number, code)


def settle() -> None:
    """Raises what was noted, once rows may part: by guards."""
    number = context.raised.cell_contents
    if (type(number) is int and number == 0) or context.branches or context.bodies:
        return
    errors, context.errors = context.errors, []
    context.raised.cell_contents = 0
    if number != 0:
        for code, error in enumerate(errors, 1):
            if code == len(errors) or number == code:
                raise error


def _names(*functions: Thunk) -> dict[int, str]:
    return {id(cell): name for name, cell in closures(functions).items()}


def _merged_place(
    c: Any,
    mark: tuple[int, Any],
    changed: dict[tuple[int, Any], Change],
    by_other: dict[tuple[int, Any], Change],
    one: Any,
    other: Any,
    names: dict[int, str],
    snapshot: Snapshot,
) -> Any:
    """What a place has after both branches."""
    first, second = changed.get(mark), by_other.get(mark)
    change = first or second
    assert change is not None
    a = first.new if first else change.old
    b = second.new if second else change.old
    place = change.place
    of_all = place.container is context.raised
    if place.is_variable and not of_all and (_is_dead(one) or _is_dead(other)):
        return b if _is_dead(one) else a
    name = called(place, names)
    if place.is_whole:
        raise Mismatch(f"{name} grows or shrinks in a branch that only some rows take")
    made = merged(c, a, b, name, snapshot.has)
    if not place.is_variable and not _can_stand(made):
        raise Mismatch(f"{name} is made by a branch that only some rows take")
    return made


def _is_dead(result: Any) -> bool:
    return isinstance(result, Signal) and result.dead


def _can_stand(item: Any) -> bool:
    return item is NOTHING or type(item).__name__ not in {"Maybe", "Lost"}


def called(place: Place, names: dict[int, str]) -> str:
    """What errors call a place."""
    if place.is_variable:
        return names.get(id(place.container), "a variable")
    what = type(place.container).__name__
    if place.is_whole:
        return f"a {what}"
    if isinstance(place.key, str):
        return f"an attribute or item {place.key!r}"
    return f"item {place.key!r} of a {what}"


def staged(test: Any, true: Thunk, false: Thunk, line: Callable[[], str]) -> Any:
    """What a branch returns whose condition is a Value of a trace: a signal.

    Where it cannot be staged the condition decides, and makes a path of its own; in the body of a loop that
    stands in the program once it cannot.
    """
    c = condition(test)
    if type(c) is bool:
        return (true if c else false)() or GOES_ON
    return either_way(lambda: signals(c, true, false), c, true, false, line)


def either_way(both_ways: Thunk, c: Any, true: Thunk, false: Thunk, line: Callable[[], str]) -> Any:
    try:
        result = both_ways()
    except (AutographError, RecursionError) as error:
        if not context.decides:
            raise located(error, line) from error
        context.refusal = None
        return (true if c else false)() or GOES_ON
    settle()
    return result


def located(error: BaseException, line: Callable[[], str]) -> BaseException:
    """The error with the line of the construct, unless it has one."""
    if isinstance(error, RecursionError):
        error = AutographError("it calls itself, as often as a number says")
    if not isinstance(error, AutographError) or getattr(error, "located", False):
        return error
    made = AutographError(f"{line()}: {error}")
    made.located = True  # type: ignore[attr-defined]
    return made
