"""What errors of a user's function say more, of the arguments that the function was given.

Where a number of the user's has become a Value, or a number an array of them, the function fails in some
line of its own, with a message that does not know why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pygrad.core.callables import function_name
from pygrad.core.implementation import OF_VALUE, Value
from pygrad.core.structure import Array, Container, Structure, flatten

_WHOLE = re.compile(
    r"truth value of an array|0-dimensional arrays|(length|size)-1 arrays|must be real number, not "
    r"(list|tuple|dict|\w*Array\b|numpy)|takes Values and real numbers, not|non-int of type '(list|tuple)'|"
    r"unsupported operand type.*'(list|tuple|dict)'|not supported between instances of '(list|tuple|dict)'"
)


def add(error: Exception, hint: str) -> None:
    """One sentence more in its message."""
    error.args = (f"{error.args[0] if len(error.args) == 1 else error}; {hint}",)


def of_containers(error: Exception, f: Callable[..., Any], structure: Structure) -> None:
    """Where f was given all of an array or a list and took it for a number."""
    if not isinstance(structure, Array | Container) or not _WHOLE.search(str(error)):
        return
    if "vmap(grad(" in str(error):  # said by a transform inside
        return
    name = function_name(f)
    add(
        error,
        f"{name}() was given {structure}. If it is a function of one number, map its derivative: "
        f"vmap(grad({'f' if name == '<lambda>' else name}))(x) takes x item by item",
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
    if value is None and len(suspects) == 1 and "integer" in str(error):
        value = suspects[0]
    if value is None:
        return
    for key, contents in zip(names, given, strict=True):
        items, _ = flatten(contents, "")
        if any(item is value for item in items):
            name, place = _parameter(f, key)
            called = (
                f"{name}, argument {place} of {function_name(f)}(),"
                if name
                else f"argument {place}"
            )
            add(error, f"{called} is an input: {cure.format(place=place, name=name or 'n')}")
            return


def _value_in(error: BaseException) -> Any:
    """The Value that was taken for a plain number, as far as the error tells."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            break
        found = getattr(cause, OF_VALUE, None)
        if found is None and isinstance(cause, KeyError) and cause.args:
            found = cause.args[0] if isinstance(cause.args[0], Value) else None
        if found is not None:
            return found
        cause = cause.__context__
    return None


def _parameter(f: Callable[..., Any], key: Any) -> tuple[str, Any]:
    """Name and position of an argument that was given by position or name."""
    import inspect

    try:
        names = list(inspect.signature(f).parameters)
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
            f"{shown} of {name}() is static{reason}, and cannot be hashed: it is {kind}{inside}. Give "
            "numbers, arrays, or lists, tuples and dicts of these, or something hashable, such as a tuple"
        )
    return f"a static argument of {name}() cannot be hashed"


def _not_numeric(argument: Any) -> str:
    """Why it is no argument of numbers, if it is none."""
    try:
        flatten(argument, "x")
    except TypeError as error:
        found = re.match(r"x(\S+) .*not (\w+)$", str(error))
        return f", as its item {found[1]} is a {found[2]}" if found else ""
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
