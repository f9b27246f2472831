"""f as a function of a flat list of numbers, with names for them: for solvers.py and models.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core.containers import REST
from pygrad.core.implementation import Value, trace_active
from pygrad.core.recording import plain
from pygrad.core.structure import (
    POINT,
    RESULT,
    Container,
    Number,
    Structure,
    flatten_numbers,
    is_array,
    look_into,
    names_in,
)
from pygrad.rules.implied import numbers_of
from pygrad.transform import jacfwd, jacobian, value_and_grad

Function = Callable[[Any], Any]
Rows = list[list[float]]
EPSILON = 2.0**-52


class Point:
    """x as a list of floats with names, and the structure to put numbers back into."""

    def __init__(self, x: Any, what: str = "x", *, is_start: bool = False) -> None:
        """is_start: of a solver, whose solution does not depend on it; in a trace it may have Values."""
        items, self.structure = flatten_numbers(x, what, POINT)
        self.names = _names(self.structure, what)
        self.keys = _names(self.structure, "x")  # comparable between x and what belongs to x
        if not items:
            raise ValueError(f"{what} is empty: it has no numbers")
        if is_start:
            items = numbers_of(items)
        for item, name in zip(items, self.names, strict=True):
            if isinstance(item, Value):
                if is_start and trace_active():
                    continue
                raise TypeError(
                    f"{name} is a Value, but results are plain numbers, through which no derivative "
                    "flows; give its number, v.data"
                )
            if not math.isfinite(item):
                raise ValueError(f"{name} must be finite, got {item}")
        self.numbers: list[Any] = [
            item if isinstance(item, Value) else float(item) for item in items
        ]

    def arrange(self, items: Sequence[Any]) -> Any:
        return self.structure.as_argument(items)

    def like(self, tree: Any, what: str) -> list[float]:
        """The numbers of a tree with the structure of x, in the order of x; keys of dicts in any order."""
        given = Point(tree, what)
        if given.keys == self.keys:
            return given.numbers
        by_key = dict(zip(given.keys, given.numbers, strict=True))
        if sorted(given.keys) != sorted(self.keys) or len(by_key) != len(self.keys):
            raise ValueError(
                f"{what} must have the structure of x, {self.structure} ({few(self.names)}), "
                f"not {given.structure} ({few(given.names)})"
            )
        return [by_key[key] for key in self.keys]


def _names(structure: Structure, root: str) -> list[str]:
    """What each number is called: x, x[0], x[0, 1]; inputs in a dict by their keys."""

    def part_of(whole: str, container: Container, key: Any) -> str:
        if container.is_opened:
            return container.place(whole or root, key)
        if not container.is_dict:
            return f"{whole or root}[{key}]"
        parent = whole or ("" if root == "x" else root)
        return f"{parent}.{key}" if parent else str(key)

    return list(names_in(structure, "" if isinstance(structure, Container) else root, part_of))


def few(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:3], "...", names[-1]])


class FlatFunction:
    """f from a list of numbers to a list of numbers, and the structure that its results had last."""

    def __init__(
        self, f: Function, point: Point, reads: Callable[[Sequence[Any]], list[Any]] | None = None
    ) -> None:
        """reads: makes floats of results, finite_floats by default; or lets them be Values."""
        self._f = f
        self._point = point
        self._reads = reads or finite_floats
        self.structure: Structure = Number()

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        result = self._f(self._point.arrange(items))
        found, self.structure = flatten_numbers(result, "the result of f", RESULT)
        if not found:
            raise ValueError("f returned no numbers")
        return found

    def with_jacobian(self, at: list[float], forward: bool = False) -> tuple[list[float], Rows]:
        """The outputs, and a row of derivatives for each."""

        def twice(items: list[Any]) -> tuple[list[Any], list[Any]]:
            found = self(items)
            return found, found

        rows, found = (jacfwd if forward else jacobian)(twice, has_aux=True)(at)
        return self._reads(found), [self._reads(row) for row in rows]


class ScalarFunction(FlatFunction):
    """The same for an f that returns one number; `cure` is advice for one that returns more."""

    def __init__(
        self,
        f: Function,
        point: Point,
        cure: str,
        reads: Callable[[Sequence[Any]], list[Any]] | None = None,
    ) -> None:
        super().__init__(f, point, reads)
        self._cure = cure

    def __call__(self, items: Sequence[Any]) -> Any:
        found = super().__call__(items)
        if not isinstance(self.structure, Number):
            raise TypeError(
                f"f must return one number here, but it returned {self.structure}; {self._cure}"
            )
        return found[0]

    def with_gradient(self, at: list[float]) -> tuple[float, list[float]]:
        value, gradient = value_and_grad(self)(at)
        return self._reads([value])[0], self._reads(gradient)


def finite_floats(items: Sequence[Any]) -> list[float]:
    """Results as floats: of Values that f has used besides its argument the numbers count."""
    return [float(item) for item in plain(list(items), "f", "results are plain numbers")]


def solver_floats(items: Sequence[Any]) -> list[float]:
    """Results as floats, for a solver whose solution has derivatives of its own."""
    return finite_floats(numbers_of(items))


def text_of(x: Any) -> str:
    """Numbers at six digits, in the structure they have."""
    if isinstance(x, dict):
        return "{" + ", ".join(f"{key}: {text_of(v)}" for key, v in x.items()) + "}"
    if isinstance(x, float):
        return f"{x:g}"
    look = look_into(x, "", RESULT)
    if look is not None and look.opened is not None:
        parts = zip(look.opened.names, look.contents, strict=True)
        inside = [f"{name}={text_of(v)}" for name, v in parts if name != REST]
        return f"{type(x).__name__}({', '.join(inside)})"
    if not (isinstance(x, (list, tuple)) or is_array(x)):
        return repr(x)
    content = [text_of(v) for v in x]
    if len(content) > 8:
        content = [*content[:3], "...", *content[-3:]]
    return "[" + ", ".join(content) + "]"
