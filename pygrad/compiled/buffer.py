"""A compiled function bound to memory, for calls that copy nothing and make nothing.

>>> import numpy as np
>>> from pygrad import compile, grad
>>> x = np.array([1.0, 2.0])
>>> slope = compile(grad(lambda x: x[0] ** 2 * x[1])).buffer(x)
>>> slope()
array([4., 1.])
>>> x[0] = 3.0
>>> slope()
array([12.,  9.])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pygrad import _native
from pygrad.core.structure import Structure, key_of
from pygrad.programs.captures import Captures
from pygrad.programs.direct import address_of
from pygrad.programs.one_row import SINGULAR, BoundPath
from pygrad.programs.paths import Path, Paths
from pygrad.programs.worth import MOST_PATHS, NoProgram, TooManyPaths


class Buffer(_native.Bound):
    """What Compiled.buffer() returns: call it without arguments.

    ``inputs`` are the arrays that each call reads, one for each argument, and ``result`` is what it
    overwrites and returns: the structure of the function's result, with arrays of no axes for numbers.
    """

    def __init__(
        self, programs: Callable[[], tuple[Captures, Paths]], inputs: Sequence[Any]
    ) -> None:
        """programs: finds what the function's program is now, and what it holds for."""
        self._programs = programs
        self._captures, self._paths = programs()
        self.inputs = tuple(inputs)
        # Whatever is done to the arrays, these stay with the memory.
        self._sources = [array.reshape(array.size) for array in inputs]
        try:
            path = self._paths.first(self._point)
        except NoProgram as error:
            raise error.refusal from None
        self._structure = path.result.structure
        self._first: BoundPath | None = None  # where each call begins
        self._bound: dict[int, BoundPath] = {}
        self._in_c: tuple[BoundPath, Any] | None = None  # what calls in C begin with, and hold for
        self._numbers = np.zeros(path.outputs)
        self._begin(path)
        self.result = _views(self._structure, self._numbers)
        self._leave_to_c()

    if TYPE_CHECKING:

        def __call__(self) -> Any:
            """Runs the function on what the inputs hold now; no two threads at a time."""

    def _by_python(self) -> Any:
        """What C leaves to Python."""
        places = self._captures.places
        if places and not (_native.may_run(places) or _native.trace_active()):
            self._renew()
        bound = self._first or self._at_first()
        while (guard := bound.run()) is not None:
            if guard == SINGULAR:
                self._paths.look(self._point())
                break
            bound = self._follow(bound.path, guard)
        self._leave_to_c()
        return self.result

    def _leave_to_c(self) -> None:
        """From now on C does the calls that follow paths which are kept."""
        first, places = self._first, self._captures.places
        if first is None:
            self._in_c = None
            self._take_back()
        elif self._in_c is None or self._in_c[0] is not first or self._in_c[1] is not places:
            path, sources = first.path, tuple(self._sources)
            self._hand_over(places, path, address_of(path), sources, self._numbers, self.result)
            self._in_c = first, places

    def _renew(self) -> None:
        """What the function reads from elsewhere has changed: finds the program that holds now."""
        captures, paths = self._programs()
        if paths is not self._paths:
            self._paths, self._first = paths, None
        self._captures = captures

    def _at_first(self) -> BoundPath:
        """Where this call begins."""
        path = self._paths.first(self._point)
        self._require_same(path)
        return self._begin(path)

    def _begin(self, path: Path) -> BoundPath:
        """The first path of the function's program, at which each call begins if it serves others, too."""
        bound = self._bind(path)
        self._first = bound if self._paths.keeps(path) else None
        self._bound = {} if self._first is None else {id(path): bound}
        return bound

    def _follow(self, left: Path, guard: int) -> BoundPath:
        """The path that branches off another at a guard."""
        try:
            path = self._paths.branch(left, guard, self._point, always=True)
        except NoProgram as error:
            raise error.refusal from None
        except TooManyPaths:
            raise RuntimeError(
                f"the function has taken {MOST_PATHS} different paths, and a buffer cannot run it "
                "uncompiled; call the compiled function itself"
            ) from None
        bound = self._bound.get(id(path))
        if bound is None:
            self._require_same(path)
            bound = self._bind(path)
            if self._paths.keeps(path):
                self._bound[id(path)] = bound
        if id(path) in self._bound:
            self._hand_over_branch(left, guard, path, address_of(path))
        return bound

    def _require_same(self, path: Path) -> None:
        before, here = self._structure, path.result.structure
        if key_of(here) != key_of(before):
            raise TypeError(
                f"a buffer holds one kind of result, but the function returned {before} "
                f"before and {here} here; call the compiled function itself"
            )

    def _bind(self, path: Path) -> BoundPath:
        if path.result.sweeps is not None:
            raise TypeError(
                "the function sweeps many directions as rows, which no buffer holds; call it itself"
            )
        return BoundPath(path, self._sources, self._numbers)

    def _point(self) -> list[float]:
        return [x for array in self._sources for x in array.tolist()]


def _views(structure: Structure, numbers: Any) -> Any:
    return structure.map(lambda leaf, at: numbers[at : at + leaf.size].reshape(leaf.shape))
