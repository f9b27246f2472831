"""Derivatives of functions: grad, jvp, vjp, jacobian, hessian, hvp, with JAX's names and order.

A transform takes a function of plain Python and returns a function that computes a derivative of it. At
every call it runs the user's function anew on Values, with Python's own control flow and exceptions, and
differentiates what was recorded. Where an argument is a float the function sees a Value; where it is a
NumPy array, an object array of Values; lists, tuples and dicts of these stay what they are. Results are
floats and new float64 arrays in the structure of the argument. Given Values, a transform returns Values:
so transforms nest, to any order, and may be used inside functions that are themselves differentiated.

>>> from pygrad import grad
>>> def f(x):
...     return x**3
>>> grad(f)(2.0), grad(grad(f))(2.0), grad(grad(grad(f)))(2.0)
(12.0, 12.0, 6.0)

Source: Griewank and Walther, Evaluating Derivatives (2nd ed., 2008).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from pygrad.core import implementation as _core
from pygrad.core.implementation import Value
from pygrad.core.structure import (
    Array,
    Container,
    Number,
    Structure,
    array_of,
    as_values,
    detached,
    flatten,
    flatten_like,
    is_array,
    values_in,
)

__all__ = [
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "value_and_grad",
    "vjp",
]

_Function = Callable[..., Any]
_Argnums = int | Sequence[int]
_Row = Sequence[Any] | int  # of seeds; an index for the row with a single 1 there

# What derivatives shall be, for reverse() and forward() of the implementation: floats; Values; Values if
# the function has used an input of another transform that runs around this one.
_NUMBERS, _VALUES, _AS_REACHED = 0, 1, 2


class _Recording:
    """One run of a function on inputs of its own; a context manager around that run."""

    def __init__(self, points: list[Any]) -> None:
        self.points = tuple(points)
        self.given_values = any(isinstance(point, Value) for point in points)
        self.inputs: tuple[Any, ...] = ()
        self.depths: list[int] = []

    def __enter__(self) -> _Recording:
        try:
            self._begin()
        except BaseException:  # an interrupt, perhaps
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        self.inputs = _core.record(self.points)
        _core.no_grad_suspend(self.depths)
        self.depth = self.depths[0]
        values = self.given_values or _core.trace_active()  # in a trace nothing may become a number
        self.kind = _NUMBERS if self.depth else _VALUES if values else _AS_REACHED

    def __exit__(self, *exc_info: object) -> None:
        _core.no_grad_resume(self.depths)
        _core.retire(self.inputs)

    def close(self, outputs: list[Any]) -> None:
        """Take what the function has computed, numbers among it."""
        self.outputs = tuple(as_values(outputs))

    def reverse(self, seeds: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of seeds, one per output, the derivatives by the inputs."""
        return self._go(_core.reverse, tuple(seeds))

    def forward(self, tangents: Iterable[_Row]) -> list[tuple[Any, ...]]:
        """For each row of tangents, one per input, the derivatives of the outputs."""
        return self._go(_core.forward, tuple(tangents))

    def _go(self, way: _Function, rows: tuple[_Row, ...]) -> list[tuple[Any, ...]]:
        kind = _VALUES if not self.depth and any(map(_has_value, rows)) else self.kind
        values, results = way(self.outputs, self.inputs, rows, True, kind)
        if self.kind == _AS_REACHED:
            self.kind = _VALUES if values else _NUMBERS
        return [self._kept(row) for row in results]

    def _kept(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Within no_grad() Values that were given lead to Values, which remember nothing."""
        return tuple(map(Value, row)) if self.depth and self.given_values else row

    def reaches_out(self, values: list[Any]) -> bool:
        """Whether one of the Values depends on an input of a transform that runs around this one."""
        if not values or self.depth:
            return False
        reaches, _ = _core.reverse(tuple(values), self.inputs, (), True, _AS_REACHED)
        return bool(reaches)

    def results(self) -> tuple[Any, ...]:
        """What the function has computed, once one way was gone: Values if the derivatives are Values."""
        if self.kind == _VALUES:
            return self.outputs
        return self._kept(tuple(y.data for y in self.outputs))


def _has_value(row: _Row) -> bool:
    return not isinstance(row, int) and any(isinstance(seed, Value) for seed in row)


# -- the user's function and its arguments -------------------------------------------------------


class _Call:
    """A function with some of its arguments to be differentiated by."""

    def __init__(
        self, f: _Function, argnums: _Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.indices = _indices(f, argnums, len(args))
        one = isinstance(argnums, int)
        chosen = args[self.indices[0]] if one else tuple(args[i] for i in self.indices)
        what = (
            f"argument {self.indices[0]} of {function_name(f)}()"
            if one
            else f"arguments of {function_name(f)}()"
        )
        self.points, self.structure = flatten(chosen, what)
        self.one = one

    def run(self, recording: _Recording) -> Any:
        """What the function returns for Values in the place of its chosen arguments."""
        arranged = self.structure.arrange(recording.inputs)
        args = list(self.args)
        for i, argument in zip(self.indices, (arranged,) if self.one else arranged, strict=True):
            args[i] = argument
        return self.f(*args, **self.kwargs)


def function_name(f: _Function) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _indices(f: _Function, argnums: _Argnums, count: int) -> list[int]:
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


def _check(f: Any, argnums: Any = 0) -> None:
    """TypeError, when the transform is made, for what is no function or no position."""
    if not callable(f):
        raise TypeError(
            f"a transform takes a function, not {type(f).__name__}: write grad(f)(x), not grad(f(x))"
        )
    for i in argnums if isinstance(argnums, (tuple, list, range)) else [argnums]:
        if not isinstance(i, int) or isinstance(i, bool):
            raise TypeError(f"argnums must be an int or a tuple of ints, not {argnums!r}")


def _split_aux(f: _Function, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"with has_aux=True {function_name(f)}() must return a pair: its value and the rest"
        )
    return result


def _scalar(f: _Function, result: Any, transform: str) -> Any:
    items, structure = flatten(result, f"the result of {function_name(f)}()")
    if not isinstance(structure, Number):
        raise TypeError(
            f"{transform}() is for functions of one output, but {function_name(f)}() returned {structure}; "
            "use jacobian() for several outputs"
        )
    return items[0]


def _vector(f: _Function, result: Any) -> tuple[list[Any], Structure]:
    return flatten(result, f"the result of {function_name(f)}()")


def _plain(tree: Any, recording: _Recording) -> Any:
    """aux as the user gets it: numbers, but for Values that a transform around this one needs."""
    if recording.kind == _VALUES or recording.reaches_out(values_in(tree)):
        return tree
    return detached(tree)


# -- one output ----------------------------------------------------------------------------------


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns f's value and its gradient: ``(value, gradient)``.

    One reverse sweep: it costs a small multiple of f, however many inputs.

    Args:
        f: a function of numbers, and of lists, tuples, dicts and arrays of them, that returns one number.
        argnums: the position of the argument to differentiate by, whose structure the gradient has; for a
            tuple of positions the gradient is a tuple.
        has_aux: f returns a pair ``(number, aux)``, and the result is ``((value, aux), gradient)``.

    Raises:
        TypeError: f returned more than one number (use jacobian), or an argument is not made of numbers.

    >>> from pygrad import value_and_grad
    >>> value_and_grad(lambda x, y: x * y * y, argnums=(0, 1))(2.0, 3.0)
    (18.0, (9.0, 12.0))
    """
    _check(f, argnums)

    @functools.wraps(f)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnums, args, kwargs)
        with _Recording(call.points) as recording:
            result, aux = _split_aux(f, call.run(recording), has_aux)
            recording.close([_scalar(f, result, "grad")])
            (row,) = recording.reverse([0])
            (value,) = recording.results()
            gradient = call.structure.arrange(row)
            return ((value, _plain(aux, recording)) if has_aux else value), gradient

    evaluate.derivative = ("value_and_grad", argnums, has_aux)  # type: ignore[attr-defined]
    return evaluate


def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of f.

    Args:
        f: a function of numbers, and of lists, tuples, dicts and arrays of them, that returns one number.
        argnums: the position of the argument to differentiate by, whose structure the gradient has; for a
            tuple of positions the gradient is a tuple.
        has_aux: f returns a pair ``(number, aux)``, and the result is ``(gradient, aux)``.

    Raises:
        TypeError: f returned more than one number (use jacobian), or an argument is not made of numbers.

    >>> from pygrad import grad
    >>> grad(lambda x: 3 * x**2 - 4 * x + 5)(3.0)
    14.0
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": -3.0})
    {'a': -3.0, 'b': 2.0}
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    evaluate.derivative = ("grad", argnums, has_aux)  # type: ignore[attr-defined]  # for compile()
    return evaluate


# -- products with the Jacobian ------------------------------------------------------------------


def _matching(given: Any, structure: Structure, what: str, of: str) -> list[Any]:
    """The items of a tree that must have the given structure."""
    return flatten_like(given, structure, what, of)


def jvp(f: _Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """f's value and its derivative along a direction (forward mode): ``(value, tangent)``.

    ``primals`` is the tuple of f's arguments and ``tangents`` has the same structure. The tangent has
    the structure of the value, the Jacobian times ``tangents``. TypeError for what is no tuple or list;
    ValueError if the structures differ.

    >>> from pygrad import jvp
    >>> jvp(lambda x, y: x * y, (2.0, -3.0), (1.0, 0.5))
    (-6.0, -2.0)
    """
    _check(f)
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"{name} must be a tuple of arguments of f, not {type(given).__name__}")
    call = _Call(f, range(len(primals)), tuple(primals), {})
    directions = _matching(tuple(tangents), call.structure, "tangents", "primals")
    with _Recording(call.points) as recording:
        items, structure = _vector(f, call.run(recording))
        recording.close(items)
        (row,) = recording.forward([tuple(directions)])
        return structure.arrange(recording.results()), structure.arrange(row)


def vjp(f: _Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """f's value at primals and a function that pulls cotangents back: ``(value, pullback)``.

    ``pullback(cotangent)``, where cotangent has the structure of the value, returns a tuple with the
    product of cotangent and Jacobian for each primal. It may be called any number of times. With
    ``has_aux=True`` f returns a pair and so does vjp a triple ``(value, pullback, aux)``.

    >>> from pygrad import vjp
    >>> value, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, -3.0)
    >>> value, pullback([1.0, 10.0])
    ([-6.0, -1.0], (7.0, 12.0))
    """
    _check(f)
    call = _Call(f, range(len(primals)), primals, {})
    with _Recording(call.points) as recording:
        result, aux = _split_aux(f, call.run(recording), has_aux)
        items, structure = _vector(f, result)
        recording.close(items)
        recording.reverse([])  # to find out now what results will be

    def pullback(cotangent: Any) -> Any:
        seeds = _matching(
            cotangent, structure, "the cotangent", f"the result of {function_name(f)}()"
        )
        (row,) = recording.reverse([tuple(seeds)])
        return call.structure.arrange(row)

    value = structure.arrange(recording.results())
    return (value, pullback, _plain(aux, recording)) if has_aux else (value, pullback)


# -- whole Jacobians -----------------------------------------------------------------------------


def _is_flat_list(structure: Structure) -> bool:
    return (
        isinstance(structure, Container)
        and not issubclass(structure.kind, dict)
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
        shape = getattr(above, "shape", ()) + getattr(beside, "shape", ())
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

    f: _Function
    argnums: Any
    has_aux: bool
    forward: bool  # a sweep for each input, not for each output
    sparse: bool
    symmetric: bool  # it is a Hessian: f is a gradient


def jacobian_of(function: Any) -> JacobianOf | None:
    """What a function is the Jacobian of, if jacrev, jacfwd or hessian has made it."""
    found = getattr(function, "jacobian", None)
    # functools.wraps copies attributes, so another function around it has this one, too.
    own = isinstance(found, JacobianOf) and getattr(function, "__wrapped__", None) is found.f
    return found if own else None


class Recorded(NamedTuple):
    """A function that has run, ready to be differentiated by the arguments chosen."""

    recording: _Recording
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
            rows = self.recording.reverse(range(outs))
        return arrange_jacobian(rows, self.result, self.argument)


def record(what: JacobianOf, *args: Any, **kwargs: Any) -> Recorded:
    """Runs the function that a Jacobian is of."""
    call = _Call(what.f, what.argnums, args, kwargs)
    with _Recording(call.points) as recording:
        result, aux = _split_aux(what.f, call.run(recording), what.has_aux)
        items, structure = _vector(what.f, result)
        recording.close(items)
        return Recorded(recording, call.structure, structure, aux)


def by_itself(
    what: JacobianOf, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[JacobianOf, list[Any]]:
    """The same with the arguments it differentiates by alone, and those; the others are as given."""
    indices = _indices(what.f, what.argnums, len(args))

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
    return len(_Call(what.f, what.argnums, args, kwargs).points)


def _jacobian(what: JacobianOf) -> _Function:
    _check(what.f, what.argnums)

    @functools.wraps(what.f)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        if what.sparse:
            from pygrad.programs.sweeps import sparse_at  # which needs NumPy and SciPy

            return sparse_at(what, args, kwargs)
        run = record(what, *args, **kwargs)
        jacobian = run.jacobian(what.forward)
        return (jacobian, _plain(run.aux, run.recording)) if what.has_aux else jacobian

    evaluate.jacobian = what  # type: ignore[attr-defined]
    compiled = sys.modules.get("pygrad.compiled.function")
    if compiled is not None and isinstance(what.f, compiled.Compiled):
        return what.f.jacobian_of_it(evaluate)  # type: ignore[no-any-return]
    return evaluate


def jacrev(
    f: _Function, argnums: _Argnums = 0, has_aux: bool = False, *, sparse: bool = False
) -> _Function:
    """A function that returns the Jacobian of f, by one reverse sweep per output.

    For an argument array of shape (n,) and a result of m numbers (an array, or a flat list or tuple) it
    is an (m, n) array. In general it has the result's structure, with the argument's structure in place
    of every number, and arrays joined: result shape + argument shape.

    With ``sparse=True`` it is a ``scipy.sparse.csr_array`` of shape (numbers in the result, numbers in
    the argument), each from left to right. Its entries are where the result can depend on the argument:
    f is traced at each call, as by vmap, and structural zeros are read off its program. Columns without
    a row in common share a forward sweep, or rows without a common column a reverse one, whichever
    makes fewer. ``compile(jacobian(f, sparse=True))`` does all of this once.

    Raises:
        TypeError: sparse, given Values: a SciPy array holds numbers.
        ImportError: sparse, and SciPy is missing.

    >>> import numpy as np
    >>> from pygrad import jacobian
    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1]])(np.array([2.0, -3.0]))
    array([[-3.,  2.],
           [ 1.,  1.]])
    """
    return _jacobian(JacobianOf(f, argnums, has_aux, False, sparse, False))


jacobian = jacrev


def jacfwd(
    f: _Function, argnums: _Argnums = 0, has_aux: bool = False, *, sparse: bool = False
) -> _Function:
    """The same as jacrev, by one forward sweep per input: for few inputs and many outputs.

    >>> from pygrad import jacfwd
    >>> jacfwd(lambda t: [t, t**2, t**3])(2.0)
    [1.0, 4.0, 12.0]
    """
    return _jacobian(JacobianOf(f, argnums, has_aux, True, sparse, False))


def hessian(
    f: _Function, argnums: _Argnums = 0, has_aux: bool = False, *, sparse: bool = False
) -> _Function:
    """A function that returns the Hessian of f: the forward Jacobian of its reverse one.

    For an argument array of shape (n,) and one output it is an (n, n) array, for a float a float; in
    general the argument's structure twice, as jacfwd(jacrev(f)) has it.

    With ``sparse=True`` f has one output and the Hessian is a ``scipy.sparse.csr_array`` of shape (n, n)
    for n numbers in the argument, exactly symmetric, from a few products with vectors: columns share one
    wherever the symmetry tells their entries apart. The rest is as for a sparse jacobian.

    >>> import numpy as np
    >>> from pygrad import hessian
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    >>> chain = hessian(lambda x: sum((b - a) ** 2 for a, b in zip(x, x[1:])), sparse=True)
    >>> chain(np.zeros(1000)).nnz
    2998
    """
    gradient = jacrev(f, argnums, has_aux)
    return _jacobian(JacobianOf(gradient, argnums, has_aux, True, sparse, sparse))


def hvp(f: _Function, x: Any, v: Any) -> Any:
    """The Hessian of f at x times v, in the structure of x, without the Hessian: forward over reverse.

    It costs a small multiple of f, whatever the size of x (Pearlmutter 1994).

    >>> from pygrad import hvp
    >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    return jvp(grad(f), (x,), (v,))[1]


# -- graphs that are there already ---------------------------------------------------------------


def gradients(output: Any, inputs: Any) -> Any:
    """The derivatives of a Value by others it was computed from, as Values, in the structure of inputs.

    They can be computed with and differentiated again, but within no_grad(). No ``.grad`` is changed. What
    the output does not depend on gets Value(0.0).

    Raises:
        TypeError: something is not a Value; or a node between them has a ``_backward`` of its own or
            partial derivatives that are plain numbers: the message names it.

    >>> from pygrad import Value, gradients
    >>> x = Value(2.0)
    >>> first = gradients(x**3, x)
    >>> second = gradients(first, x)
    >>> first.data, second.data
    (12.0, 12.0)
    """
    items, structure = flatten(inputs, "the inputs")
    for item in (output, *items):
        if not isinstance(item, Value):
            raise TypeError(
                f"gradients() is for Values, not {type(item).__name__}; for functions use grad()"
            )
    _, (row,) = _core.reverse((output,), tuple(items), (0,), False, _VALUES)
    depths: list[int] = []
    _core.no_grad_suspend(depths)
    detached = depths[0] > 0
    _core.no_grad_resume(depths)
    return structure.arrange([Value(v.data) for v in row] if detached else row)
