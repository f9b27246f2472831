"""Derivatives of functions: grad, jvp, vjp, jacobian, hessian, hvp, with JAX's names and order.

A transform takes a function of plain Python and returns a function that computes a derivative of it. At
every call it runs the user's function anew on Values, with Python's own control flow and exceptions, and
differentiates what was recorded. Where an argument is a float the function sees a Value; where it is a
NumPy array, an object array of Values; lists, tuples, dicts, dataclasses and registered containers of these
stay what they are, and so does what is no number in them. Results are floats and new float64 arrays in the
structure of the argument. Given Values, a transform returns Values:
so transforms nest, to any order, and may be used inside functions that are themselves differentiated.

Results that depend on a Value outside, which the function uses besides the arguments chosen (another
argument, a captured Value, a parameter of a model), are Values that carry the dependence; an array holds
Values throughout if one of its numbers does. Within no_grad() all are numbers.

>>> from pygrad import grad
>>> def f(x):
...     return x**3
>>> grad(f)(2.0), grad(grad(f))(2.0), grad(grad(grad(f)))(2.0)
(12.0, 12.0, 6.0)
>>> from pygrad import Value
>>> w = Value(5.0)
>>> slope = grad(lambda x: w * x**2)(3.0)
>>> slope.backward()
>>> slope.data, w.grad
(30.0, 6.0)

Source: Griewank and Walther, Evaluating Derivatives (2nd ed., 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.callables import FunctionOf, MethodOf, P, R, Transformable, function_name
from pygrad.core.implementation import Value
from pygrad.core.jacobians import JacobianOf, record
from pygrad.core.recording import (
    Argnums,
    Call,
    Function,
    Kind,
    Recording,
    split_aux,
    without_needless_values,
)
from pygrad.core.structure import (
    RESULT,
    Number,
    Structure,
    flatten,
    flatten_like,
    flatten_numbers,
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


def _at_ints(f: Any) -> None:
    from pygrad.programs.asked import tell_of_ints  # which looks at code

    tell_of_ints(f)


Call.at_ints = staticmethod(_at_ints)


def _check(f: Any, argnums: Any = 0) -> None:
    """TypeError, when the transform is made, for what is no function or no position."""
    if not callable(f):
        raise TypeError(
            f"a transform takes a function, not {type(f).__name__}: write grad(f)(x), not grad(f(x))"
        )
    for i in argnums if isinstance(argnums, (tuple, list, range)) else [argnums]:
        if not isinstance(i, int) or isinstance(i, bool):
            raise TypeError(f"argnums must be an int or a tuple of ints, not {argnums!r}")


def _scalar(f: Function, result: Any, transform: str) -> Any:
    items, structure = _vector(f, result)
    if not isinstance(structure, Number):
        raise TypeError(
            f"{transform}() is for functions of one output, but {function_name(f)}() returned {structure}; "
            f"use jacobian() for several outputs, or vmap({transform}(f)) where f goes item by item"
        )
    return items[0]


def _vector(f: Function, result: Any) -> tuple[list[Any], Structure]:
    return flatten_numbers(result, f"the result of {function_name(f)}()", RESULT)


def _values(items: list[Any], recording: Recording) -> list[Any]:
    """What the function has computed; of what a comparison gives, that."""
    pairs = zip(items, recording.results(), strict=True)
    return [item if type(item) is bool else found for item, found in pairs]


class Derivative(MethodOf[P, R]):
    """A function that computes a derivative of f."""

    __slots__ = ()

    def of(self, f: Callable[..., Any]) -> Derivative[P, R]:
        """The same derivative of another function."""
        raise NotImplementedError

    @property
    def how(self) -> tuple[Any, ...]:
        """What it is besides a derivative of f."""
        raise NotImplementedError

    @property
    def argnums_alone(self) -> Argnums | None:
        """By which arguments, where its result is numbers that are linear in f; else None."""
        raise NotImplementedError

    def over_rows(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """Its result, in a tuple, by a program of rows, if it is a second or higher derivative of a
        reduced map that can be had so; else None."""
        chain: list[Derivative[..., Any]] = [self]
        f = self.f
        while isinstance(f, Derivative):
            chain.append(f)
            f = f.f
        if len(chain) == 1 or not isinstance(f, FunctionOf) or isinstance(f, MethodOf):
            return None  # vmap's are no methods
        from pygrad.programs.derived import derivative_of_rows  # which imports NumPy

        return derivative_of_rows(chain, f, args, kwargs)


# -- one output ----------------------------------------------------------------------------------


class Gradient(Derivative[P, R]):
    """What grad() and value_and_grad() return."""

    __slots__ = ("argnums", "has_aux", "with_value")

    def __init__(
        self, f: Callable[..., Any], argnums: Argnums, has_aux: bool, with_value: bool
    ) -> None:
        super().__init__(f)
        self.argnums, self.has_aux, self.with_value = argnums, has_aux, with_value

    def made_from(self) -> tuple[Any, ...]:
        return self.f, self.argnums, self.has_aux, self.with_value

    def of(self, f: Callable[..., Any]) -> Gradient[P, R]:
        return Gradient(f, self.argnums, self.has_aux, self.with_value)

    @property
    def how(self) -> tuple[Any, ...]:
        return "gradient", *self.made_from()[1:]

    @property
    def argnums_alone(self) -> Argnums | None:
        return None if self.has_aux else self.argnums

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        of_rows = self.over_rows(args, kwargs)
        if of_rows is not None:
            return of_rows[0]  # type: ignore[no-any-return]
        call = Call(self.f, self.argnums, args, kwargs)
        with Recording(call.points) as recording:
            result, aux = split_aux(self.f, call.run(recording), self.has_aux)
            returned = _scalar(self.f, result, "grad")
            recording.close([returned], aux)
            (row,) = recording.reverse([0])
        (value,) = _values([returned], recording)  # where a read is no user's, and is not noted
        aux = without_needless_values(aux, recording) if self.has_aux else None
        gradient = call.structure.arrange(row)
        if self.has_aux:
            found: Any = ((value, aux), gradient) if self.with_value else (gradient, aux)
        else:
            found = (value, gradient) if self.with_value else gradient
        return found  # type: ignore[no-any-return]


def value_and_grad(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Gradient[P, tuple[Any, Any]]:
    """A function that returns f's value and its gradient: ``(value, gradient)``.

    One reverse sweep: it costs a small multiple of f, however many inputs.

    Args:
        f: a function of numbers, arrays, and containers of them, such as dicts and dataclasses, that
            returns one number.
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
    return Gradient(f, argnums, has_aux, True)


def grad(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Gradient[P, Any]:
    """A function that returns the gradient of f.

    Args:
        f: a function of numbers, arrays, and containers of them, such as dicts and dataclasses, that
            returns one number.
        argnums: the position of the argument to differentiate by, whose structure the gradient has; for a
            tuple of positions the gradient is a tuple.
        has_aux: f returns a pair ``(number, aux)``, and the result is ``(gradient, aux)``.

    What depends on a Value that is not among these arguments is a Value, here and in all transforms; within
    no_grad() it is a number.

    Raises:
        TypeError: f returned more than one number (use jacobian), or an argument is not made of numbers.

    >>> from pygrad import grad
    >>> grad(lambda x: 3 * x**2 - 4 * x + 5)(3.0)
    14.0
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": -3.0})
    {'a': -3.0, 'b': 2.0}
    """
    _check(f, argnums)
    return Gradient(f, argnums, has_aux, False)


# -- products with the Jacobian ------------------------------------------------------------------


def _matching(given: Any, structure: Structure, what: str, of: str) -> list[Any]:
    """The items of a tree that must have the given structure."""
    return flatten_like(given, structure, what, of)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
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
    call = Call(f, range(len(primals)), tuple(primals), {})
    directions = _matching(tuple(tangents), call.structure, "tangents", "primals")
    with Recording(call.points) as recording:
        items, structure = _vector(f, call.run(recording))
        recording.close(items)
        (row,) = recording.forward([tuple(directions)])
    return structure.arrange(_values(items, recording)), structure.arrange(row)


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
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
    call = Call(f, range(len(primals)), primals, {})
    with Recording(call.points) as recording:
        result, aux = split_aux(f, call.run(recording), has_aux)
        items, structure = _vector(f, result)
        recording.close(items, aux)
        recording.reverse([])  # to find out now what results will be

    def pullback(cotangent: Any) -> Any:
        seeds = _matching(
            cotangent, structure, "the cotangent", f"the result of {function_name(f)}()"
        )
        (row,) = recording.reverse([tuple(seeds)])
        return call.structure.arrange(row)

    value = structure.arrange(_values(items, recording))
    if not has_aux:
        return value, pullback
    return value, pullback, without_needless_values(aux, recording)


# -- whole Jacobians -----------------------------------------------------------------------------


class Jacobian(Derivative[P, R]):
    """What jacrev(), jacfwd() and hessian() return."""

    __slots__ = ("what",)

    def __init__(self, what: JacobianOf) -> None:
        super().__init__(what.f)
        self.what = what

    def made_from(self) -> tuple[Any, ...]:
        return (self.what,)

    def of(self, f: Callable[..., Any]) -> Jacobian[P, R]:
        return Jacobian(self.what._replace(f=f))

    @property
    def how(self) -> tuple[Any, ...]:
        return "jacobian", *self.what[1:]

    @property
    def argnums_alone(self) -> Argnums | None:
        return None if self.what.has_aux or self.what.sparse else self.what.argnums

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        of_rows = self.over_rows(args, kwargs)
        if of_rows is not None:
            return of_rows[0]
        if self.what.sparse:
            from pygrad.programs.sweeps import sparse_at  # which imports NumPy

            return sparse_at(self.what, args, kwargs)
        run = record(self.what, *args, **kwargs)
        jacobian = run.jacobian(self.what.forward)
        if not self.what.has_aux:
            return jacobian
        return jacobian, without_needless_values(run.aux, run.recording)


def _jacobian(what: JacobianOf) -> Callable[..., Any]:
    _check(what.f, what.argnums)
    made: Jacobian[..., Any] = Jacobian(what)
    return what.f.transformed(made) if isinstance(what.f, Transformable) else made


def jacrev(
    f: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    sparse: bool = False,
) -> Callable[P, Any]:
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
        TypeError: sparse, given Values, or depending on others: a SciPy array holds numbers.
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
    f: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    sparse: bool = False,
) -> Callable[P, Any]:
    """The same as jacrev, by one forward sweep per input: for few inputs and many outputs.

    >>> from pygrad import jacfwd
    >>> jacfwd(lambda t: [t, t**2, t**3])(2.0)
    [1.0, 4.0, 12.0]
    """
    return _jacobian(JacobianOf(f, argnums, has_aux, True, sparse, False))


def hessian(
    f: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    sparse: bool = False,
) -> Callable[P, Any]:
    """A function that returns the Hessian of f: the forward Jacobian of its reverse one.

    For an argument array of shape (n,) and one output it is an (n, n) array, for a float a float; in
    general the argument's structure twice, as jacfwd(jacrev(f)) has it. Where an entry is singular,
    as by way of a root at 0, a SingularDerivativeWarning says so.

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


def hvp(f: Function, x: Any, v: Any) -> Any:
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
    _, (row,) = implementation.reverse((output,), tuple(items), (0,), False, Kind.VALUES)
    if not implementation.in_no_grad():
        return structure.arrange(row)
    if implementation.trace_active():
        return structure.arrange(list(map(implementation.FUNCTIONS["stop_gradient"], row)))
    return structure.arrange([Value(v.data) for v in row])
