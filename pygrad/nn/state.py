"""Names of a module's parameters, and their numbers by name."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pygrad.core.implementation import Value

_SHOWN = 4  # names in an error
_INDEX = re.compile(r"\[(\d+)\]")


class Loaded(NamedTuple):
    """What load_state_dict() has left: names without a number, and names that no parameter has."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def named(module: Any, parameters: list[Value]) -> list[tuple[str, Value]]:
    """Each parameter once, with its name."""
    names: dict[int, str] = {}
    for name, v in _values_in(module):
        names.setdefault(id(v), name)
    found: dict[str, Value] = {}
    for i, p in enumerate(parameters):
        if names.get(id(p), "") in found:  # it was here, or two ways are written alike
            if found[names[id(p)]] is p:
                continue
            names.pop(id(p))
        found[names.setdefault(id(p), f"parameters[{i}]")] = p
    return list(found.items())


def _values_in(module: Any) -> Iterator[tuple[str, Value]]:
    """Values in a module's attributes, in containers and modules there, each with the way to it."""
    seen = {id(module): module}  # kept, as others would have the id of what is gone
    left = [iter(_attributes("", module))]
    while left:
        for name, x in left[-1]:
            if isinstance(x, Value):
                yield name, x
            elif id(x) not in seen and (parts := _parts(name, x)) is not None:
                seen[id(x)] = x
                left.append(iter(parts))
                break
        else:
            left.pop()


def _attributes(name: str, module: Any) -> list[tuple[str, Any]]:
    inside = getattr(module, "__dict__", {})
    return [(f"{name}.{key}" if name else key, x) for key, x in inside.items()]


def _parts(name: str, x: Any) -> list[tuple[str, Any]] | None:
    """What a container or a module consists of; None for anything else."""
    if isinstance(x, list | tuple):
        return [(f"{name}[{i}]", part) for i, part in enumerate(x)]
    if isinstance(x, dict):
        return [(f"{name}[{key!r}]", part) for key, part in x.items()]
    if getattr(getattr(x, "dtype", None), "kind", "") == "O" and x.ndim:
        return [(f"{name}[{i}]", part) for i, part in enumerate(x)]
    if not isinstance(x, type) and callable(getattr(x, "parameters", None)):
        return _attributes(name, x)
    return None


def load(what: str, parameters: dict[str, Value], state: Any, strict: bool) -> Loaded:
    """Sets parameters to the numbers of a state: all of them, or none if there is an error."""
    if not isinstance(state, Mapping):
        raise TypeError(
            f"a state is a dict of numbers by name, as state_dict() gives it, not {type(state).__name__}"
        )
    missing = [name for name in parameters if name not in state]
    unexpected = [name for name in state if name not in parameters]
    if strict and (missing or unexpected):
        raise ValueError(_difference(what, list(parameters), list(state), missing, unexpected))
    found = {name: _number(name, state[name]) for name in parameters if name in state}
    for name, number in found.items():
        parameters[name].data = number
    return Loaded(missing, unexpected)


def _number(name: str, x: Any) -> float:
    if getattr(x, "shape", None) == () and not isinstance(x, numbers.Real):
        x = x.item()  # an array of no axes
    if isinstance(x, Value):
        raise TypeError(f"the state has a Value at {name}: give its number, .data")
    if not isinstance(x, numbers.Real):
        raise TypeError(f"the state has {x!r} at {name}, where one number belongs")
    try:
        return float(x)
    except OverflowError:
        raise ValueError(f"the number at {name} of the state is too large for a float") from None


def _difference(
    what: str, names: list[str], others: list[Any], missing: list[str], unexpected: list[Any]
) -> str:
    said = [f"the state is not one of this {what}"]
    sizes, of_state = _sizes(names), _sizes(others)
    differing = [where for where in sizes if of_state.get(where, sizes[where]) != sizes[where]]
    if differing:
        said.append(
            _listed(
                [
                    f"{where} has {sizes[where]} here and {of_state[where]} there"
                    for where in differing
                ]
            )
        )
    if missing:
        said.append(f"missing: {_listed(missing)}")
    if unexpected:
        said.append(f"unexpected: {_listed(unexpected)}")
    return "; ".join(said) + "; strict=False sets those that both have"


def _sizes(names: list[Any]) -> dict[str, int]:
    """How many items lists have, by their names."""
    sizes: dict[str, int] = {}
    for name in names:
        for found in _INDEX.finditer(str(name)):
            where = str(name)[: found.start()]
            sizes[where] = max(sizes.get(where, 0), int(found[1]) + 1)
    return sizes


def _listed(names: list[Any]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more
