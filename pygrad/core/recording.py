"""A run of a function on inputs of its own, recorded, and swept for its derivatives.

>>> from pygrad.core.recording import Call, Recording
>>> call = Call(lambda x, y: x * y, (0, 1), (2.0, 5.0), {})
>>> with Recording(call.points) as recording:
...     recording.close([call.run(recording)])
>>> recording.reverse([0]), recording.results()
([(5.0, 2.0)], (10.0,))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.callables import function_name
from pygrad.core.callers import users_line
from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.core.structure import as_values, detached, flatten, values_in

implementation.set_users_line(users_line)

_CUT = (
    "v.data, a plain number, was read here of a Value that depends on an input of the function that is "
    "differentiated, and a result of that depends on none: its derivative is 0. Compute with the Value "
    "itself, or with pygrad.stop_gradient(v) if 0 is meant"
)
_registries: dict[
    str, dict[Any, Any]
] = {}  # by file, where warnings remember the lines they have named

Function = Callable[..., Any]
Argnums = int | Sequence[int]
_Row = Sequence[Any] | int  # of seeds; an index for the row with a single 1 there


class Kind:
    """What derivatives shall be, for reverse() and forward() of the implementation, which has the same."""

    NUMBERS = 0
    VALUES = 1
    AS_REACHED = 2  # Values if an input of a transform around this one was used


class Recording(implementation.Recorded):
    """One run of a function on inputs of its own; a context manager around that run."""

    numbers = False  # within no_grad() all there is are numbers,
    stops = False  # but in a trace Values without derivative

    def __init__(self, points: list[Any]) -> None:
        self.points = tuple(points)
        self.given_values = any(isinstance(point, Value) for point in points)
        self.inputs: tuple[Any, ...] = ()

    def __enter__(self) -> Recording:
        traced = implementation.trace_active()  # then nothing may become a number
        if implementation.in_no_grad():
            self.numbers, self.stops = not traced, traced
        values = self.given_values or traced
        self.kind = Kind.NUMBERS if self.numbers else Kind.VALUES if values else Kind.AS_REACHED
        self.inputs = self.begin(self.points)
        return self

    def close(self, outputs: list[Any]) -> None:
        """Take what the function has computed, numbers among it."""
        self.outputs = tuple(as_values(outputs))
        reads = implementation.noted_reads()
        if reads and not all(implementation.connected(self.outputs, self.inputs)):
            self._warn_of(reads)

    def _warn_of(self, reads: list[tuple[Any, str]]) -> None:
        """Some output depends on no input: says so where a number that does was read, once per line."""
        values = tuple([v for v, _ in reads])
        marks = implementation.connected(values, self.inputs)
        for (_, line), connected in zip(reads, marks, strict=True):
            if connected:
                path, _, number = line.rpartition(":")
                warnings.warn_explicit(
                    _CUT,
                    RuntimeWarning,
                    path,
                    int(number),
                    registry=_registries.setdefault(path, {}),
                )

    def reverse(self, seeds: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of seeds, one per output, the derivatives by the inputs."""
        return self._sweep(implementation.reverse, tuple(seeds))

    def forward(self, tangents: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of tangents, one per input, the derivatives of the outputs."""
        return self._sweep(implementation.forward, tuple(tangents))

    def _sweep(self, sweep: Function, rows: tuple[_Row, ...]) -> list[tuple[Any, ...]]:
        kind = Kind.VALUES if not self.numbers and any(map(_has_value, rows)) else self.kind
        values, results = sweep(self.outputs, self.inputs, rows, True, kind)
        if self.kind == Kind.AS_REACHED:
            self.kind = Kind.VALUES if values else Kind.NUMBERS
        return [self._kept(row) for row in results]

    def _kept(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Within no_grad() Values lead to Values that remember nothing; in a trace numbers do, too."""
        if self.stops:
            return tuple(map(FUNCTIONS["stop_gradient"], row))
        return tuple(map(Value, row)) if self.numbers and self.given_values else row

    def reaches_out(self, values: list[Any]) -> bool:
        """Whether one of the Values depends on an input of a transform that runs around this one."""
        if not values or self.numbers:
            return False
        reaches, _ = implementation.reverse(tuple(values), self.inputs, (), True, Kind.AS_REACHED)
        return bool(reaches)

    def results(self) -> tuple[Any, ...]:
        """What the function has computed, once there was a sweep: Values if the derivatives are Values."""
        if self.kind == Kind.VALUES:
            return self._kept(self.outputs) if self.stops else self.outputs
        return self._kept(tuple(y.data for y in self.outputs))


def outside_traces(name: str) -> None:
    """TraceError in a trace: for what takes functions and gives plain numbers."""
    if implementation.trace_active():
        from pygrad import _native

        _native.trace_refuse("numbers", f"{name}()")


def _has_value(row: _Row) -> bool:
    return not isinstance(row, int) and any(isinstance(seed, Value) for seed in row)


# -- the user's function and its arguments -------------------------------------------------------


class Call:
    """A function with some of its arguments to be differentiated by."""

    def __init__(
        self, f: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.indices = positions(f, argnums, len(args))
        one = isinstance(argnums, int)
        chosen = args[self.indices[0]] if one else tuple(args[i] for i in self.indices)
        what = (
            f"argument {self.indices[0]} of {function_name(f)}()"
            if one
            else f"arguments of {function_name(f)}()"
        )
        self.points, self.structure = flatten(chosen, what)
        self.one = one

    def run(self, recording: Recording) -> Any:
        """What the function returns for Values in the place of its chosen arguments."""
        arranged = self.structure.arrange(recording.inputs)
        args = list(self.args)
        for i, argument in zip(self.indices, (arranged,) if self.one else arranged, strict=True):
            args[i] = argument
        return self.f(*args, **self.kwargs)


def positions(f: Function, argnums: Argnums, count: int) -> list[int]:
    """argnums as a list of positions, negative ones counted from the end."""
    indices = []
    for i in [argnums] if isinstance(argnums, int) else argnums:
        if not -count <= i < count:
            raise TypeError(
                f"argnums has {i}, but {function_name(f)}() was called with {count} positional arguments; "
                "give the arguments to differentiate by position, not by name"
            )
        indices.append(i % count)
    if not indices:
        raise ValueError("argnums is empty: name at least one argument to differentiate by")
    if len(set(indices)) != len(indices):
        raise ValueError(f"argnums {argnums} names an argument twice")
    return indices


def split_aux(f: Function, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"with has_aux=True {function_name(f)}() must return a pair: its value and the rest"
        )
    return result


def without_needless_values(tree: Any, recording: Recording) -> Any:
    """aux as the user gets it: numbers, but for Values that a transform around this one needs."""
    if recording.stops:
        return detached(tree, FUNCTIONS["stop_gradient"])
    if recording.kind == Kind.VALUES or recording.reaches_out(values_in(tree)):
        return tree
    return detached(tree)
