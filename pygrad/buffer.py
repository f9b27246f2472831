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

from collections.abc import Sequence
from typing import Any

import numpy as np

from pygrad import value as _core
from pygrad._core import ffi, lib
from pygrad.rows import places
from pygrad.structure import Structure
from pygrad.tracing import (
    MOST_PATHS,
    Path,
    Paths,
    TooManyPaths,
    address,
    doubles,
    key_of,
    scratch,
)

_call = lib.pg_program_call


class Buffer:
    """What Compiled.buffer() returns: call it without arguments.

    ``inputs`` are the arrays that each call reads, one for each argument, and ``result`` is what it
    overwrites and returns: the structure of the function's result, with arrays of no axes for numbers.
    """

    def __init__(self, paths: Paths, inputs: Sequence[Any]) -> None:
        self._paths = paths
        self.inputs = tuple(inputs)
        path = paths.first(self._point)
        self._numbers = np.zeros(max(path.outputs, 1))
        self.result = _views(path.result, self._numbers)
        self._ready: dict[int, tuple[Any, ...]] = {}
        self._guard = ffi.new("uint32_t *")
        self._take(path)

    def __call__(self) -> Any:
        """Runs the function on what the inputs hold now; no two threads at a time."""
        if self._run():
            return self.result
        first = self._path
        try:
            while not self._run():
                self._follow(int(self._guard[0]))
            return self.result
        finally:
            self._take(first)  # where the next call begins

    def _run(self) -> int:
        if self._path.lives:
            _core.read_data(self._path.lives, self._live_address)
        return _call(self._program, self._batch, self._guard)  # type: ignore[no-any-return]

    def _follow(self, guard: int) -> None:
        """Goes on with the path that branches off at a guard."""
        try:
            path = self._paths.branch(self._path, guard, self._point)
        except TooManyPaths:
            raise RuntimeError(
                f"the function has taken {MOST_PATHS} different paths, and a buffer cannot run it "
                "uncompiled; call the compiled function itself"
            ) from None
        if key_of(path.result) != key_of(self._path.result):
            raise TypeError(
                f"a buffer holds one kind of result, but the function returned {self._path.result} "
                f"before and {path.result} here; call the compiled function itself"
            )
        self._take(path)

    def _point(self) -> list[float]:
        return [x for array in self.inputs for x in array.ravel().tolist()]

    def _take(self, path: Path) -> None:
        """Makes a path the one that the next call runs."""
        if id(path) not in self._ready:
            self._ready[id(path)] = self._bind(path)
        self._path, self._program = path, path.program
        self._live_address, self._batch, *_ = self._ready[id(path)]

    def _bind(self, path: Path) -> tuple[Any, ...]:
        """The address for live numbers, the batch, and what has to stay as long as it."""
        lives = np.empty(max(len(path.lives), 1))
        uniforms = scratch(path.uniform_bytes)
        pointers, _ = places([array.reshape(array.size) for array in self.inputs])
        targets, _ = places([self._numbers])
        batch = ffi.new("pg_batch *")
        batch.inputs = ffi.from_buffer("double **", pointers)
        batch.outputs = ffi.from_buffer("double **", targets)
        batch.lives, batch.uniforms = doubles(lives), doubles(uniforms)
        return address(lives), batch, lives, uniforms, pointers, targets


def _views(structure: Structure, numbers: Any) -> Any:
    return structure.map(lambda leaf, at: numbers[at : at + leaf.size].reshape(leaf.shape))
