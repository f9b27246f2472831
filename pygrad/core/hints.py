"""What errors of a user's function say more, of the arguments that the function was given.

Where a number of the user's has become a Value, or a number an array of them, the function fails in some
line of its own, with a message that does not know why.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

from pygrad.core.callables import FunctionOf, function_name
from pygrad.core.callers import is_pygrads
from pygrad.core.implementation import OF_VALUE, Value
from pygrad.core.structure import Array, Container, Structure, flatten

_MANY = re.compile(
    r"truth value of an array|0-dimensional arrays|(length|size)-1 arrays|"
    r"must be real number, not (list|tuple|dict|\w*Array\b|numpy)|takes Values and real numbers, not|"
    r"non-int of type '(list|tuple)'|'(numpy\.ndarray|list|tuple|dict)' object has no attribute|"
    r"(bad|unsupported) operand type.*'(list|tuple|dict)'|instances of '(list|tuple|dict)'"
)
_COUNTS = re.compile(r"integer|unsupported operand type\(s\) for (<<|>>|&|\||\^)")


def add(error: Exception, hint: str) -> None:
    """One sentence more in its message."""
    error.args = (f"{error.args[0] if len(error.args) == 1 else error}; {hint}",)


def note(error: Exception, text: str) -> None:
    """One more note, below its message."""
    if hasattr(error, "add_note"):  # since Python 3.11
        error.add_note(text)
    else:
        add(error, text)


def of_containers(
    error: Exception, f: Callable[..., Any], structures: Iterable[Structure], cure: str
) -> None:
    """Where f was given all of an array or a list and took it for a number. cure has {f} for its name."""
    several = [s for s in structures if isinstance(s, Array | Container)]
    if not several or not _MANY.search(str(error)) or "item by item" in str(error):
        return
    name = _name_for_users(f)
    shown = "f" if name == "<lambda>" else name
    add(
        error,
        f"{name}() was given {several[0]}. If it is a function of one number, "
        f"{cure.format(f=shown)} takes it item by item",
    )


def of_an_input(
    error: Exception,
    f: Callable[..., Any],
    names: Sequence[Any],
    given: Iterable[Any],
    cure: str,
    suspects: Sequence[Any] = (),
) -> None:
    """Where f has used an input as an exponent, an index, a count or a key: which, and what to do.

    names: of its arguments, positions or keywords, whose contents are given, with Values in the place of
    numbers. cure has {place} for the argument's position, and {name} for its name. suspects: inputs that
    were ints, one of which is meant where the error does not tell.
    """
    value = _value_in(error)
    if value is None and len(suspects) == 1 and _COUNTS.search(str(error)):
        value = id(suspects[0])
    if value is None:
        return
    for key, contents in zip(names, given, strict=True):
        items, _ = flatten(contents, "")
        if any(id(item) == value for item in items):
            name, place = _parameter(f, key)
            position = f"argument {place}" if isinstance(place, int) else "an argument"
            called = f"{name}, {position}," if name else position
            if not isinstance(place, int):
                cure = "functools.partial(f, {name}=...) makes it a plain number"
            add(
                error,
                f"{called} of {_name_for_users(f)}() is an input: "
                f"{cure.format(place=place, name=name or 'n')}",
            )
            return


def _users(f: Any) -> Any:
    """The function that pygrad has made this one of to call it."""
    while True:
        if isinstance(f, functools.partial) and f.args and hasattr(f.args[0], "argnums"):
            f = f.args[0]  # what a Jacobian is of
        if isinstance(f, FunctionType | FunctionOf) or not hasattr(f, "argnums"):
            return f
        f = f.f


def _name_for_users(f: Any) -> str:
    f = _users(f)
    code = getattr(f, "__code__", None)
    return "f" if code is not None and is_pygrads(code.co_filename) else function_name(f)


def _value_in(error: BaseException) -> Any:
    """The id of the Value that was taken for a plain number, as far as the error tells."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            break
        found = getattr(cause, OF_VALUE, None)
        if found is None and isinstance(cause, KeyError) and cause.args:
            found = id(cause.args[0]) if isinstance(cause.args[0], Value) else None
        if found is not None:
            return found
        cause = cause.__context__
    return None


def _parameter(f: Callable[..., Any], key: Any) -> tuple[str, Any]:
    """Name and position of an argument that was given by position or name."""
    import inspect

    try:
        names = list(inspect.signature(_users(f)).parameters)
    except (TypeError, ValueError):
        names = []
    if isinstance(key, int):
        return (names[key] if key < len(names) else ""), key
    return key, names.index(key) if key in names else key


def of_static(name: str, f: Callable[..., Any], static: dict[Any, Any]) -> str:
    """Which of the static arguments cannot be hashed, and what in it."""
    for key, argument in static.items():
        part = _unhashable(argument, "")
        if part is None:
            continue
        where, item = part
        called, place = _parameter(f, key)
        shown = f"argument {place}" + (f" ({called})" if called and called != place else "")
        kind = f"a {type(argument).__name__}"
        inside = f", which has a {type(item).__name__} at {where}" if where else ""
        reason = _not_numeric(argument)
        return (
            f"{shown} of {name}() is a static argument{reason}, and cannot be hashed: it is {kind}{inside}"
            ". Give numbers, arrays, lists, tuples and dicts of these, or what can be hashed, as a tuple"
        )
    return f"a static argument of {name}() cannot be hashed"


def _not_numeric(argument: Any) -> str:
    """Why it is no argument of numbers, if it is none."""
    try:
        flatten(argument, "x")
    except TypeError as error:
        found = re.match(r"x(\S+) must be .*? not (\w+)(\.|$)", str(error))
        return f", as its part {found[1]} is a {found[2]}" if found else ""
    return ""


def _unhashable(x: Any, where: str) -> tuple[str, Any] | None:
    """The innermost part that keeps x from being hashed, and where it stands."""
    try:
        hash(x)
    except Exception:  # whatever its class raises
        if isinstance(x, tuple):
            for i, item in enumerate(x):
                found = _unhashable(item, f"{where}[{i}]")
                if found is not None:
                    return found
        return where, x
    return None
