"""A lifted module whose functions have loops and branches that are the program's: `lift(...,
autograph=True)`."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any

from pygrad.control.autograph.decorator import Autograph, autograph
from pygrad.lifting.builtin import MARK


def autographed(target: Any) -> Any:
    """A lifted function or module, by `autograph`."""
    return AutographedModule(target) if isinstance(target, ModuleType) else autograph(target)


class AutographedModule(ModuleType):
    """What a lifted module has, with functions by `autograph`; what is set is set there."""

    def __init__(self, lifted: ModuleType) -> None:
        super().__init__(lifted.__name__, lifted.__doc__)
        self.__dict__["_lifted"], self.__dict__["_made"] = lifted, {}

    def __getattr__(self, name: str) -> Any:
        item = getattr(self.__dict__["_lifted"], name)
        if not isinstance(item, FunctionType) or MARK not in item.__globals__:
            return item
        made: dict[FunctionType, Autograph[..., Any]] = self.__dict__["_made"]
        if item not in made:
            made[item] = autograph(item)
        return made[item]

    def __setattr__(self, name: str, item: Any) -> None:
        setattr(self.__dict__["_lifted"], name, item)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_lifted"])

    def __reduce__(self) -> Any:
        return autographed, (self.__dict__["_lifted"],)
