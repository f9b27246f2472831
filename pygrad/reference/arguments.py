"""Value(...): what its arguments are called, and what becomes of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pygrad.reference.arithmetic import real

# By what names each is known; the first four come by position, too.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "data": ("data",),
    "children": ("_children", "children", "_prev", "prev"),
    "op": ("_op", "op"),
    "label": ("label",),
    "local_grads": ("local_grads",),
}
_NOT_GIVEN = object()


def taken(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, str, Any, Any]:
    """data, children, op, label and local_grads; they are taken out of the keyword arguments.

    Raises:
        TypeError: data is missing, there are too many, one is given twice, or the label is no str.
    """
    if len(args) > 4:
        raise TypeError(f"Value() takes at most 4 positional arguments ({len(args)} given)")
    given = dict(zip(ARGUMENTS, args, strict=False))
    for argument, names in ARGUMENTS.items():
        for name in names:
            content = named.pop(name, _NOT_GIVEN)
            if content is not _NOT_GIVEN:
                if argument in given:
                    raise TypeError("Value() got the same argument under two names")
                given[argument] = content
    if "data" not in given:
        raise TypeError("Value() missing required argument 'data'")
    op, local_grads = given.get("op", ""), given.get("local_grads")
    if not isinstance(op, str):
        if local_grads is not None:
            raise TypeError("Value() got the same argument under two names")
        local_grads, op = tuple(op), ""
    label = given.get("label", "")
    if not isinstance(label, str):
        raise TypeError(f"label must be str, not {type(label).__name__}")
    return given["data"], given.get("children", ()), op, label, local_grads


def seed_of(seed: Any, gradient: Any) -> float:
    """The seed of backward(), which has two names.

    Raises:
        TypeError: it is no real number, or given twice.
    """
    if gradient is not None:
        if seed != 1.0:
            raise TypeError("give either seed or gradient, not both")
        seed = gradient
    return real(seed, "seed")


def partials(local_grads: Iterable[Any], count: int, kind: type) -> tuple[Any, ...]:
    """local_grads as floats and Values, which are of that kind.

    Raises:
        TypeError: one is neither.
        ValueError: there are not as many as children.
    """
    made = [
        p if isinstance(p, kind) else real(p, f"local_grads[{i}]")
        for i, p in enumerate(local_grads)
    ]
    if len(made) != count:
        raise ValueError(f"got {len(made)} local_grads for {count} children")
    return tuple(made)
