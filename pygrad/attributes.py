"""Attributes that Value() gives to what it makes, of either implementation. Loaded where one is given."""

from __future__ import annotations

import difflib
from typing import Any

_ARGUMENTS = ("data", "children", "label", "local_grads", "requires_grad")


def set_further(v: Any, named: dict[str, Any]) -> None:
    """Keyword arguments of Value() that are none of its own are attributes that it is to have.

    >>> from pygrad import Value
    >>> Value(2.0, color="red").color
    'red'
    >>> Value(2.0, lable="x")
    Traceback (most recent call last):
        ...
    TypeError: Value() got the keyword argument 'lable': is 'label' meant? If not, assign v.lable = ...

    Raises:
        TypeError: one looks like a misspelt argument, or is a method's name.
    """
    for name, content in named.items():
        meant = [] if name in _ARGUMENTS else difflib.get_close_matches(name, _ARGUMENTS, 1, 0.79)
        if meant:
            raise TypeError(
                f"Value() got the keyword argument {name!r}: is {meant[0]!r} meant? If not, assign "
                f"v.{name} = ..."
            )
        if callable(getattr(type(v), name, None)):
            raise TypeError(f"Value() got the keyword argument {name!r}, which is a method's name")
        setattr(v, name, content)
