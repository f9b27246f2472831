"""Containers of users' classes: new ones like them, with other contents.

>>> from collections import Counter
>>> from pygrad.core.containers import maker
>>> make = maker(Counter("aab"))
>>> make([0.5, 1.5])
Counter({'b': 1.5, 'a': 0.5})
"""

from __future__ import annotations

import copy
import functools
from operator import is_not
from typing import Any

from pygrad.core.records import Field, Maker, Opened, form_of
from pygrad.core.records import opened as opened_record
from pygrad.core.registered import registered, taken_apart

REST = "rest"  # what a registered container has beside its parts


def maker(tree: Any) -> Maker:
    """What puts new contents into a list, tuple or dict of a container's class, and what else it has.

    So a function may use what the class adds. What becomes of the container later does not matter.

    Raises:
        TypeError: the class does not let it be copied; or, when contents are given, has others then.
    """
    kind = type(tree)
    if kind in {list, tuple, dict}:
        return plain_maker(tree)
    if hasattr(kind, "_make"):  # a named tuple
        return kind._make  # type: ignore[no-any-return]
    make: Maker
    if isinstance(tree, tuple):
        make = functools.partial(_tuple, kind, dict(getattr(tree, "__dict__", {})))
    elif isinstance(tree, list):
        make = functools.partial(_list, _emptied(tree))
    else:
        make = functools.partial(_dict, _emptied(tree), tuple(tree))
    return functools.partial(_checked, kind, make)


def opened(tree: Any, as_given: bool) -> Opened | None:
    """What a record or a registered container has in it; None for all else.

    as_given: see records.py.
    """
    kind = type(tree)
    how = registered(kind)
    if how is None:
        form = form_of(kind)
        return None if form is None else opened_record(tree, form, as_given)
    parts, rest = taken_apart(tree, how)
    fields = [Field(str(i), False, False, True, True) for i in range(len(parts))]
    fields.append(Field(REST, False, True, True, True))
    names = tuple([field.name for field in fields])
    make = functools.partial(_registered, how.unflatten)
    return Opened(names, [*parts, rest], tuple(fields), make, None)


def _registered(unflatten: Any, contents: list[Any]) -> Any:
    return unflatten(contents[-1], contents[:-1])


def plain_maker(tree: Any) -> Maker:
    """What puts new contents into a plain list, tuple or dict."""
    if isinstance(tree, dict):
        return functools.partial(_plain_dict, tuple(tree))
    return list if isinstance(tree, list) else tuple


def _plain_dict(names: tuple[Any, ...], contents: list[Any]) -> dict[Any, Any]:
    return dict(zip(names, contents, strict=True))


def _emptied(tree: Any) -> Any:
    """An empty one of the same class: a defaultdict keeps its factory."""
    try:
        empty = copy.copy(tree)
        empty.clear()
    except Exception as error:  # whatever the class raises
        raise _refused(type(tree)) from error
    return empty


def _checked(kind: type, make: Maker, contents: list[Any]) -> Any:
    """What make gives, if it is of this class and has these contents."""
    try:
        new = make(contents)
        found = list(new.values() if isinstance(new, dict) else new)
    except Exception as error:
        raise _refused(kind) from error
    if type(new) is not kind or len(found) != len(contents) or any(map(is_not, found, contents)):
        raise _refused(kind)
    return new


def _dict(empty: Any, names: tuple[Any, ...], contents: list[Any]) -> Any:
    new = copy.copy(empty)
    for name, item in zip(names, contents, strict=True):
        new[name] = item  # update() of a Counter would count
    if tuple(new) != names:
        raise ValueError(f"its keys are {list(new)}")
    return new


def _list(empty: Any, contents: list[Any]) -> Any:
    new = copy.copy(empty)
    new[:] = contents
    return new


def _tuple(kind: type, attributes: dict[str, Any], contents: list[Any]) -> Any:
    try:
        new: Any = tuple.__new__(kind, contents)
    except TypeError:  # time.struct_time, for one, is made by its own class only
        return kind(contents)
    if attributes:
        new.__dict__.update(attributes)
    return new


def _refused(kind: type) -> TypeError:
    return TypeError(
        f"a {kind.__name__} does not take other contents as lists, tuples and dicts do, so neither "
        "derivatives nor programs can go through it: use a plain one in its place"
    )
