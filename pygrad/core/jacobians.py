"""Jacobians as transforms and compiled sweeps compute them: what one is of, its run, its arrangement."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from pygrad.core.callables import function_name
from pygrad.core.recording import Call, Function, Recording, positions, split_aux
from pygrad.core.structure import (
    RESULT,
    Array,
    Container,
    Number,
    Structure,
    array_of,
    flatten_numbers,
    is_array,
)


def _is_flat_list(structure: Structure) -> bool:
    return (
        isinstance(structure, Container)
        and issubclass(structure.kind, (list, tuple))
        and len(structure.parts) > 0
        and all(isinstance(part, Number) for part in structure.parts)
    )


def arrange_jacobian(rows: Any, out: Structure, arg: Structure) -> Any:
    """rows[output][input] in the output's structure, with the argument's in place of its numbers.

    rows are lists or tuples, or one float64 array, which the result may share memory with.
    """
    if isinstance(arg, Array) and _is_flat_list(out):
        out = Array((out.size,), out.size)  # f built a list where it could have built an array

    def block(above: Any, i: int, beside: Any, j: int) -> Any:
        shape = above.shape + beside.shape
        if is_array(rows):
            part = rows[i : i + above.size, j : j + beside.size]  # type: ignore[call-overload]
            return part.reshape(shape) if shape else part.item()
        if not shape:
            return rows[i][j]
        items = [item for row in rows[i : i + above.size] for item in row[j : j + beside.size]]
        return array_of(items, shape)

    return out.map(lambda above, i: arg.map(lambda beside, j: block(above, i, beside, j)))


class JacobianOf(NamedTuple):
    """What a function that a transform has made is the Jacobian of, and how."""

    f: Function
    argnums: Any
    has_aux: bool
    forward: bool  # a sweep for each input, not for each output
    sparse: bool
    symmetric: bool  # it is a Hessian: f is a gradient


class Recorded(NamedTuple):
    """A function that has run, ready to be differentiated by the arguments chosen."""

    recording: Recording
    argument: Structure
    result: Structure
    aux: Any

    def jacobian(self, forward: bool) -> Any:
        """The Jacobian, by a forward sweep for each input or a reverse one for each output."""
        ins, outs = self.argument.size, self.result.size
        if forward:
            columns = self.recording.forward(range(ins))
            rows = list(zip(*columns, strict=True)) if columns else [()] * outs
        else:
            rows = self.recording.jacobian()
        return arrange_jacobian(rows, self.result, self.argument)


def record(what: JacobianOf, *args: Any, **kwargs: Any) -> Recorded:
    """Runs the function that a Jacobian is of."""
    call = Call(what.f, what.argnums, args, kwargs)
    with Recording(call.points) as recording:
        result, aux = split_aux(what.f, call.run(recording), what.has_aux)
        what_result = f"the result of {function_name(what.f)}()"
        items, structure = flatten_numbers(result, what_result, RESULT)
        recording.close(items, aux)
        return Recorded(recording, call.structure, structure, aux)


def by_itself(
    what: JacobianOf, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[JacobianOf, list[Any]]:
    """The same with the arguments it differentiates by alone, and those; the others are as given."""
    indices = positions(what.f, what.argnums, len(args))

    @functools.wraps(what.f)
    def f(*chosen: Any) -> Any:
        given = list(args)
        for i, argument in zip(indices, chosen, strict=True):
            given[i] = argument
        return what.f(*given, **kwargs)

    argnums = 0 if isinstance(what.argnums, int) else tuple(range(len(indices)))
    return what._replace(f=f, argnums=argnums), [args[i] for i in indices]


def count_inputs(what: JacobianOf, *args: Any, **kwargs: Any) -> int:
    """By how many numbers it differentiates."""
    return len(Call(what.f, what.argnums, args, kwargs).points)
