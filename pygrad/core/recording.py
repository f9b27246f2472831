"""A run of a function on inputs of its own, recorded, and swept for its derivatives.

>>> from pygrad.core.recording import Call, Recording
>>> call = Call(lambda x, y: x * y, (0, 1), (2.0, 5.0), {})
>>> with Recording(call.points) as recording:
...     recording.close([call.run(recording)])
>>> recording.reverse([0]), recording.results()
([(5.0, 2.0)], (10.0,))
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from pygrad.core import hints, implementation
from pygrad.core.callables import P, R, function_name
from pygrad.core.callers import users_line, warn_once
from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.core.numpys_errors import MAY_BE, raise_with_cure
from pygrad.core.structure import as_values, detached, flatten_numbers, values_in
from pygrad.core.texts import reads_in_texts

implementation.set_users_line(users_line)

_CUT = (
    "v.data, a plain number, was read here of a Value that depends on an input of the function that is "
    "differentiated, and a result of that depends on none: its derivative is 0. Compute with the Value "
    "itself, or with pygrad.stop_gradient(v) if 0 is meant"
)
Function = Callable[..., Any]
Argnums = int | Sequence[int]
_Row = Sequence[Any] | int  # of seeds; an index for the row with a single 1 there


class Kind:
    """What derivatives shall be, for reverse() and forward() of the implementation, which has the same."""

    NUMBERS = 0
    VALUES = 1
    AS_REACHED = 2  # Values where they depend on Values outside, numbers where they do not
    UNWRAPPED = 3  # what stands for them among the outputs of a trace, and is of no other use


class Recording(implementation.Recorded):
    """One run of a function on inputs of its own; a context manager around that run.

    Results are Values where inputs came as Values. Else each of them is a Value if it depends on a Value
    outside, which is no input of this run and was not made for it alone: another argument, a captured one,
    a parameter of a model, an input of a transform around this one. Within no_grad() they are numbers.
    """

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

    def close(self, outputs: list[Any], aux: Any = None) -> None:
        """Take what the function has computed, numbers among it, and what it has returned besides."""
        self.outputs = tuple(as_values(outputs))
        self.returned = self.outputs if aux is None else (*self.outputs, *values_in(aux))
        reads = implementation.noted_reads() or reads_in_texts()  # the latter in a trace
        if reads and not all(implementation.connected(self.outputs, self.inputs)):
            self._warn_of(reads)

    def _warn_of(self, reads: list[tuple[Any, str]]) -> None:
        """Some output depends on no input: says so where a number that does was read, once per line."""
        values = tuple([v for v, _ in reads])
        marks = implementation.connected(values, self.inputs)
        for (_, line), connected in zip(reads, marks, strict=True):
            if connected:
                warn_once(_CUT, line)

    def reverse(self, seeds: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of seeds, one per output, the derivatives by the inputs."""
        return self._sweep(implementation.reverse, tuple(seeds))

    def jacobian(self) -> list[tuple[Any, ...]]:
        """For each output the derivatives by the inputs, by reverse sweeps.

        In a trace of rows they may go back no further than to what rows share, where that is less work in
        each row, and forward from there: the sums are then in another order.
        """
        each = tuple(range(len(self.outputs)))
        frontier = None
        if not self.numbers and implementation.trace_active():
            from pygrad import _native

            frontier = _native.frontier(self.outputs, self.inputs)
        if frontier is None:
            return self.reverse(each)
        _, rows = implementation.reverse(self.outputs, frontier, each, True, Kind.VALUES)
        standing_in = _native.by_partials(frontier, rows)
        inputs = tuple(range(len(self.inputs)))
        _, columns = implementation.forward(standing_in, self.inputs, inputs, True, Kind.VALUES)
        return [self._kept(row) for row in zip(*columns, strict=True)]

    def forward(self, tangents: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of tangents, one per input, the derivatives of the outputs."""
        return self._sweep(implementation.forward, tuple(tangents))

    def _sweep(self, sweep: Function, rows: tuple[_Row, ...]) -> list[tuple[Any, ...]]:
        kind = self.kind
        if any(map(_has_value, rows)) and not self.numbers:
            kind = Kind.VALUES
        elif kind == Kind.AS_REACHED and implementation.in_no_grad():
            kind = Kind.NUMBERS
        reached, results = sweep(self.outputs, self.inputs, rows, True, kind, self.returned)
        if kind == Kind.AS_REACHED and not reached:
            self.kind = Kind.NUMBERS
        return [self._kept(row) for row in results]

    def _kept(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Within no_grad() Values lead to Values that remember nothing; in a trace numbers do, too."""
        if self.stops:
            return tuple(map(FUNCTIONS["stop_gradient"], row))
        return tuple(map(Value, row)) if self.numbers and self.given_values else row

    def results(self) -> tuple[Any, ...]:
        """What the function has computed, once there was a sweep."""
        if self.kind == Kind.VALUES:
            return self._kept(self.outputs) if self.stops else self.outputs
        if self.kind == Kind.AS_REACHED and not implementation.in_no_grad():
            return self.settled(self.outputs)
        return self._kept(tuple(y.data for y in self.outputs))

    def settled(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Those that depend on a Value outside, and the numbers of the others."""
        return implementation.settled(values, self.inputs, self.returned)


def as_recorded(f: Callable[[tuple[Any, ...]], Any], numbers: Iterable[float]) -> Any:
    """What f returns for Values in the place of numbers, run as a transform runs it: so it takes the way
    through its comparisons that it takes there."""
    with Recording(list(numbers)) as recording:
        return f(recording.inputs)


@contextlib.contextmanager
def standing_in(items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items, with Values in the place of numbers, which are compared by number meanwhile."""
    given = list(items)
    with Recording([v for v in given if not isinstance(v, Value)]) as recording:
        fresh = iter(recording.inputs)
        yield [v if isinstance(v, Value) else next(fresh) for v in given]


def as_in_this_mode(items: list[Any]) -> list[Any]:
    """Results of a recording as the thread's mode has them: within no_grad() they lead on to nothing."""
    if not implementation.in_no_grad():
        return items
    cut = FUNCTIONS["stop_gradient"] if implementation.trace_active() else lambda v: Value(v.data)
    return [cut(v) if isinstance(v, Value) else v for v in items]


def plain(tree: Any, what: str, why: str) -> Any:
    """A result as numbers; TypeError if it depends on an input of a transform around this call."""
    if implementation.depend_on_input(tuple(values_in(tree))):
        raise TypeError(
            f"{what} depends on an input of a transform around this call, but {why}; give it numbers "
            "(v.data) or differentiate outside"
        )
    return detached(tree)


def outside_traces(name: str) -> None:
    """TraceError in a trace: for what takes functions and gives plain numbers."""
    if implementation.trace_active():
        from pygrad import _native

        _native.trace_refuse("numbers", f"{name}()")


class OnNumbers:
    """Around what runs on plain numbers, and raises where it finds others. In a trace these may be the
    trace's, which have none: then rows that come here run without a program, and raise what they raise."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        failed = kind is not None and issubclass(kind, Exception) and kind is not MemoryError
        if failed and implementation.trace_active() and not getattr(kind, "steers", False):
            without_program(self.name)


def without_program(name: str) -> None:
    """In a trace: what is called here runs on plain numbers, so rows that come here have no program."""
    from pygrad import _native

    _native.trace_refuse("solver", f"{name}()")


def on_numbers(f: Callable[P, R]) -> Callable[P, R]:
    """f within OnNumbers."""

    @functools.wraps(f)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with OnNumbers(f.__name__):
            return f(*args, **kwargs)

    return run


def _has_value(row: _Row) -> bool:
    return not isinstance(row, int) and any(isinstance(seed, Value) for seed in row)


# -- the user's function and its arguments -------------------------------------------------------


def _has_int(x: Any) -> bool:
    """Whether it is an int, or has some as an item; not in records, whose declarations say what is one."""
    if type(x) is dict:
        x = list(x.values())
    return type(x) is int or (type(x) in {list, tuple} and any(map(_has_int, x)))


class Call:
    """A function with some of its arguments to be differentiated by."""

    at_ints: ClassVar[Callable[[Function], None]] = staticmethod(lambda f: None)  # among these

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
        self.points, self.structure = flatten_numbers(chosen, what)
        if int in {*map(type, self.points)} and _has_int(chosen):
            Call.at_ints(f)
        self.one = one

    def run(self, recording: Recording) -> Any:
        """What the function returns for Values in the place of its chosen arguments."""
        arranged = self.structure.as_argument(recording.inputs)
        args = list(self.args)
        for i, argument in zip(self.indices, (arranged,) if self.one else arranged, strict=True):
            args[i] = argument
        try:
            return self.f(*args, **self.kwargs)
        except Exception as error:
            raise_with_cure(error)
            if not isinstance(error, MAY_BE):
                raise
            hints.of_containers(error, self.f, [self.structure], "vmap(grad({f}))(x)")
            raise


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
    """aux as the user gets it: numbers, but for Values that depend on one outside, and arrays with such."""
    if recording.stops:
        return detached(tree, FUNCTIONS["stop_gradient"])
    if recording.kind == Kind.VALUES:
        return tree
    values = () if recording.numbers or implementation.in_no_grad() else tuple(values_in(tree))
    settled = recording.settled(values) if values else ()
    return detached(tree, keep={id(v) for v in settled if isinstance(v, Value)})
