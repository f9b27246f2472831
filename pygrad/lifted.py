"""A door for pickles: lifted modules under names that can be imported.

A function of a lifted package says that it is of ``pygrad.lifted.PACKAGE``. So it pickles by its name, as
every function does, and who unpickles it lifts the package, and finds it there.

>>> import colorsys, pickle, pygrad
>>> f = pygrad.lift(colorsys).rgb_to_hls
>>> f.__module__, pickle.loads(pickle.dumps(f)) is f
('pygrad.lifted.colorsys', True)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pygrad.core.callables import LIFTED
from pygrad.lifting import world
from pygrad.lifting.anew import DOORS, found_anew
from pygrad.lifting.errors import LiftError

__path__: list[str] = []  # it has submodules, of which the finder knows


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(LIFTED):
            return None
        return ModuleSpec(fullname, _Door(), is_package=True)


class _Door(Loader):
    """Makes a module that has what the lifted one has, which is loaded once something is asked of it."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        home, _, last = module.__name__.removeprefix(LIFTED).rpartition(".")
        rounding = DOORS.get(last)

        def find(name: str) -> Any:
            return getattr(world.load(f"{home}.{last}" if home else last, asked_for=True), name)

        def find_anew(name: str) -> Any:
            return found_anew(home, name, rounding is True)

        serve = find if rounding is None or not home else find_anew

        def found(name: str) -> Any:
            # Tools look for __file__ and the like in all of sys.modules: nothing is lifted for them.
            if name.startswith("__") and name.endswith("__") and name != "__all__":
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            try:
                return serve(name)
            except (ImportError, LiftError) as error:
                if name != "__all__":
                    raise
                raise AttributeError(
                    f"module {module.__name__!r} has no attribute {name!r}"
                ) from error

        vars(module)["__getattr__"] = found
        if rounding is None and home == "":
            find("__name__")  # a package that is not there is told of at once


sys.meta_path.append(_Finder())
