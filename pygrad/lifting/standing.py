"""Modules of Python's own as lifted code has them: like the originals, with some names that are others."""

from __future__ import annotations

import cmath
import collections
import math as standard
import sys
from collections.abc import Callable, ItemsView, ValuesView
from types import FunctionType, ModuleType
from typing import Any

from pygrad import math
from pygrad.core.implementation import chooser
from pygrad.core.ints import as_int
from pygrad.lifting.quick import of_numbers


class _Like(ModuleType):
    """What is set in it is set in the original: `sys.stdout = ...`; not so a name that is another here.

    Code that puts `builtins.__import__` back would give all others that of lifted code.
    """

    def __init__(self, original: ModuleType, changes: dict[str, Any]) -> None:
        super().__init__(original.__name__, original.__doc__)
        vars(self).update(changes, __getattr__=lambda name: getattr(original, name))
        vars(self)["__original__"], vars(self)["__changed__"] = original, frozenset(changes)
        if not hasattr(original, "__all__"):  # for `from math import *`
            vars(self)["__all__"] = [name for name in vars(original) if name[:1] != "_"]

    def __setattr__(self, name: str, item: Any) -> None:
        if name in vars(self)["__changed__"]:
            vars(self)[name] = item
        else:
            setattr(vars(self)["__original__"], name, item)

    def __delattr__(self, name: str) -> None:
        if name in vars(self)["__changed__"]:
            super().__delattr__(name)
        else:
            delattr(vars(self)["__original__"], name)

    def __dir__(self) -> list[str]:
        return dir(vars(self)["__original__"])


def like(original: ModuleType, **changes: Any) -> ModuleType:
    """A module as another one, with some names that are others."""
    return _Like(original, changes)


def lifted_math() -> ModuleType:
    """The names of math, and none of what pygrad.math has beside them. What gives ints gives no -0.0."""
    own = {name: getattr(math, name) for name in vars(standard) if name[:1] != "_"}
    for name, function in own.items():
        if isinstance(function, FunctionType):  # of lists, as fsum() is
            own[name] = of_numbers(function, getattr(standard, name))
    for function in (floor, ceil, trunc):
        plain = getattr(standard, function.__name__)
        doc = f"{function.__name__}(x, /)\n--\n\n{plain.__doc__}"
        own[function.__name__] = chooser((function, plain, function.__name__, doc))
    return _exactly(standard, own)


def _exactly(original: ModuleType, names: dict[str, Any]) -> ModuleType:
    """A module that has all names of another one. It is of no class of its own: of these Python reads names
    faster."""
    made = ModuleType(original.__name__, original.__doc__)
    vars(made).update(names, __dir__=lambda: dir(original))
    return made


def floor(x: Any, /) -> Any:
    return as_int((x.floor() + 0.0).floor())


def ceil(x: Any, /) -> Any:
    return as_int((x.ceil() + 0.0).ceil())


def trunc(x: Any, /) -> Any:
    return as_int((x.trunc() + 0.0).trunc())


def lifted_cmath() -> ModuleType:
    """cmath; what math has, too, gives for a Value what math gives: it is real, or an error."""
    return like(
        cmath,
        **{
            name: chooser((getattr(math, name), function, name, function.__doc__ or ""))
            for name, function in vars(cmath).items()
            if callable(function) and hasattr(math, name)
        },
    )


class Table(collections.ChainMap[str, ModuleType]):
    """sys.modules: under each name what an import of lifted code gives. Looking round loads nothing."""

    def __init__(
        self, modules: dict[str, ModuleType], find: Callable[[str], ModuleType | None]
    ) -> None:
        super().__init__(modules, sys.modules)
        self.find = find

    def __contains__(self, name: object) -> bool:
        return name in sys.modules or name in self.maps[0]

    def __getitem__(self, name: str) -> ModuleType:
        lifted, originals = self.maps
        if name in lifted:
            return lifted[name]
        original = originals[name]
        return self.find(name) or original

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  which calls this

    def _plain(self) -> dict[str, ModuleType]:
        return {**self.maps[1], **self.maps[0]}

    def items(self) -> ItemsView[str, ModuleType]:
        return self._plain().items()

    def values(self) -> ValuesView[ModuleType]:
        return self._plain().values()
