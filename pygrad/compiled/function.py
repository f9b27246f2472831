"""compile: a plain function as a program that is traced once and run in C from then on.

>>> from pygrad import compile, grad
>>> @compile
... def f(x):
...     return x**3 if x > 0 else -x
>>> f(2.0), f(-2.0), grad(f)(2.0)
(8.0, 2.0, 12.0)
"""

from __future__ import annotations

import array
import functools
import math
import os
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pygrad import value as _core
from pygrad.compiled.buffer import BoundPath, Buffer
from pygrad.core.implementation import Value
from pygrad.core.structure import Array, Structure, as_values, detached, flatten, values_in
from pygrad.programs.mapped import Run, cached, vmap_function
from pygrad.programs.paths import (
    MOST_STRUCTURES,
    Path,
    Paths,
    TooManyPaths,
    TraceError,
    key_of,
    reads_active,
    trace,
    warn_of_paths,
    warn_of_structures,
)
from pygrad.programs.rows import RowArguments
from pygrad.programs.sparsity import without_sparse
from pygrad.transform import JacobianOf, function_name, jacobian_of

__all__ = ["Compiled", "TraceError", "compile"]

_FLOAT64 = np.dtype(np.float64)
_NUMBERS = {float, int, bool, np.float64}


# -- one row: compile ------------------------------------------------------------------------------


class _OneRow(BoundPath):
    """A path with arrays of its own."""

    def __init__(self, path: Path, size: int) -> None:
        self.inputs = np.empty(size)
        super().__init__(path, [self.inputs], np.empty(path.outputs))


class _OneRowProgram:
    """A function compiled for one structure of arguments, called a row at a time."""

    def __init__(self, run: Callable[[Sequence[Any]], Any], size: int) -> None:
        self.f, self.size = run, size
        self.paths = Paths(self._follow)

    def _follow(self, point: Sequence[float]) -> Path:
        return trace(self._traced, point, bytes(len(point)))

    def _traced(self, inputs: tuple[Any, ...]) -> tuple[list[Any], bytes, Structure]:
        items, structure = flatten(self.f(inputs), "the result")
        outputs = as_values(items)
        return outputs, bytes(len(outputs)), structure

    def take(self, path: Path) -> _OneRow:
        try:
            return path.idle.pop()
        except IndexError:
            return _OneRow(path, self.size)

    def call(self, items: Sequence[float]) -> tuple[Any, Path]:
        """The result, and the path that led to it."""
        row = self.take(self.paths.first(lambda: items))
        row.inputs[:] = items
        return self.run(row)

    def run(self, row: _OneRow) -> tuple[Any, Path]:
        """The same for a row whose inputs are there."""
        while True:
            guard = row.run()
            path = row.path
            if guard is None:
                result = path.result.from_array(row.results)
                path.idle.append(row)
                return result, path
            inputs = row.inputs
            path = self.paths.branch(path, guard, inputs.tolist)
            other = self.take(path)
            other.inputs[:] = inputs
            row.path.idle.append(row)  # only now may another thread take it
            row = other


# Arguments that need no look at each number: floats, float64 arrays, and flat lists of floats.


def _plain_key(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What plain arguments of one program have in common; None if they are not plain."""
    key: list[Any] = []
    for arg in args:
        kind = type(arg)
        if kind is float:
            key.append(None)
        elif kind is np.ndarray and arg.dtype is _FLOAT64:
            key.append(arg.shape or None)
        elif kind is list:
            key.append(len(arg))
        else:
            return None
    return tuple(key)


def _is_flat(numbers: list[Any]) -> bool:
    return _NUMBERS.issuperset(map(type, numbers))


def _copy_plain(args: tuple[Any, ...], inputs: Any) -> bool:
    """False if a list has more in it than numbers: Values, say, or lists."""
    at = 0
    for arg in args:
        kind = type(arg)
        if kind is float:
            inputs[at] = arg
            at += 1
            continue
        if kind is list:
            if not _is_flat(arg):
                return False
            numbers = array.array("d", arg)
        else:
            numbers = arg if arg.ndim == 1 else arg.ravel()
        size = len(numbers)
        inputs[at : at + size] = numbers
        at += size
    return True


class _Arguments:
    """Arguments of one call: numbers, by position or name, and the rest, which is static."""

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[int]
    ) -> None:
        count = len(args)
        fixed = {i % count for i in static if -count <= i < count}
        self.static: dict[Any, Any] = {}
        dynamic: dict[Any, Any] = {}
        for name, arg in [*enumerate(args), *kwargs.items()]:
            is_static = name in fixed or isinstance(arg, bool) or not _is_numeric(arg)
            (self.static if is_static else dynamic)[name] = arg
        self.items, self.structure = flatten(dynamic, "the arguments")

    def key(self) -> Any:
        static = tuple(
            (name, type(arg), repr(arg) if isinstance(arg, float) else arg)  # 0.0 is not -0.0
            for name, arg in self.static.items()
        )
        return (key_of(self.structure), static)

    def call(self, f: Callable[..., Any], items: Sequence[Any]) -> Any:
        """f with items in the place of the numbers."""
        given = {**self.static, **self.structure.arrange(items)}
        positions = sorted(name for name in given if isinstance(name, int))
        named = {name: arg for name, arg in given.items() if isinstance(name, str)}
        return f(*[given[i] for i in positions], **named)


class Compiled:
    """What compile() returns: call it like the function."""

    def __init__(self, f: Callable[..., Any], static_argnums: Sequence[int], verify: bool) -> None:
        functools.update_wrapper(self, f)
        self.__name__ = function_name(f)
        self.f = f
        self.static = frozenset(static_argnums)
        self.verify = verify
        self.is_mapped = _maps_rows(f)
        self.jacobian: JacobianOf | None = jacobian_of(f.f if isinstance(f, Compiled) else f)
        self.jacobians: dict[Any, Compiled] = {}  # of f, by how they were made
        self.gradient_of_rows = _is_gradient_of_rows(f)
        self.mapped: dict[Any, Any] = {}
        self.backwards: dict[Any, Any] = {}
        self.programs_by_key: dict[Any, _OneRowProgram | None] = {}
        self.plain: dict[Any, _OneRowProgram] = {}  # the same programs by _plain_key
        self.written: dict[Any, _OneRowProgram | None] = {}  # by to_c() where calls run others

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the instance is a static argument."""
        return self if instance is None else types.MethodType(self, instance)

    @property
    def programs(self) -> list[dict[str, int]]:
        """The paths traced so far: a dict of sizes for each."""
        compiled = [*self.programs_by_key.values(), *self.mapped.values()]
        return [
            {
                "instructions": path.instructions,
                "guards": len(path.outcomes),
                "lives": len(path.lives),
                **({"sweeps": path.result.sweeps} if hasattr(path.result, "sweeps") else {}),
            }
            for program in compiled
            if program is not None
            for path in program.paths.all
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_mapped:
            return self._call_mapped(args, kwargs)
        plain = None if kwargs else _plain_key(args)
        program = self.plain.get(plain)
        if program is not None and not _core.trace_active():
            row = program.take(program.paths.first(list))
            if _copy_plain(args, row.inputs):
                return self._finish(program, program.run, row, args, kwargs)
            row.path.idle.append(row)
        arguments = _Arguments(args, kwargs, self.static)
        if any(isinstance(item, Value) for item in arguments.items) or _core.trace_active():
            return self.f(*args, **kwargs)
        key = arguments.key()
        program = self._program(key, arguments)
        if program is None:
            return self._run(arguments)
        result = self._finish(program, program.call, arguments.items, args, kwargs)
        kept = self.programs_by_key.get(key) is program
        flat = all(_is_flat(arg) for arg in args if type(arg) is list)
        if kept and plain is not None and not arguments.static and flat:
            self.plain[plain] = program
        return result

    def _finish(
        self,
        program: _OneRowProgram,
        call: Callable[[Any], tuple[Any, Path]],
        point: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The result of a call of a program, or of f where the program does not do."""
        try:
            result, path = call(point)
        except TooManyPaths:
            self._drop(program, keep_out=True)
            warn_of_paths(f"{self.__name__}() has", "from here on")
            return self._run(_Arguments(args, kwargs, self.static))
        if path.lives and reads_active(path.lives):
            # a transform around this call needs Values, and is soon over
            self._drop(program)
            return self.f(*args, **kwargs)
        if self.verify:
            _verify(result, self._run(_Arguments(args, kwargs, self.static)), self.__name__)
        return result

    def _drop(self, program: _OneRowProgram, keep_out: bool = False) -> None:
        """Forgets a program; keep_out: for these arguments no other is to be made."""
        for key, other in list(self.programs_by_key.items()):
            if other is program:
                del self.programs_by_key[key]
                if keep_out:
                    self.programs_by_key[key] = None
        self.plain = {key: other for key, other in self.plain.items() if other is not program}

    def _run(self, arguments: _Arguments) -> Any:
        """f uncompiled, on Values, as a trace would run it."""
        if self.jacobian is not None and self.jacobian.sparse:  # it traces by itself
            return arguments.call(self.f, arguments.items)
        return detached(arguments.call(self.f, [Value(item) for item in arguments.items]))

    def _call_mapped(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = self._gradient_of_rows(args) if self.gradient_of_rows and not kwargs else None
        if result is None:
            with cached(self.mapped):
                result = self.f(*args, **kwargs)
        if self.verify and not values_in(result):
            _verify(result, self.f(*args, **kwargs), self.__name__)
        return result

    def _gradient_of_rows(self, args: tuple[Any, ...]) -> Any:
        """value_and_grad or grad of a reduced vmap by numbers: the program's totals are the result."""
        kind, argnum, _ = self.f.derivative  # type: ignore[attr-defined]
        vmapped = self.f.__wrapped__  # type: ignore[attr-defined]
        if _core.trace_active() or values_in(args) or not 0 <= argnum < len(args):
            return None
        arguments = RowArguments(args, vmapped.in_axes, self.__name__)
        by = arguments.ranges[argnum]
        if not by:
            return None
        run = Run(vmapped, arguments, self.mapped, wrt=by)
        try:
            _, total = run.total()
        except TooManyPaths:
            return None  # the vmap itself will say so, and run row by row
        if run.reads_active():
            return None
        value, structure = float(total[0]), arguments.structure.parts[argnum]
        if isinstance(structure, Array):
            gradient = total[1:].reshape(structure.shape)
        else:
            gradient = structure.arrange(total[1:].tolist())
        return gradient if kind == "grad" else (value, gradient)

    def buffer(self, *args: Any) -> Buffer:
        """The function bound to memory: a call without arguments reads float64 arrays given here anew.

        Arguments are numbers, flat lists and float64 arrays. Contiguous arrays are read in place;
        of the others the buffer has copies, in its ``inputs``. Results are overwritten at each call.

        >>> import numpy as np
        >>> from pygrad import compile
        >>> x = np.array([1.0, 2.0])
        >>> product = compile(lambda x: x[0] * x[1]).buffer(x)
        >>> x[1] = 5.0
        >>> product()
        array(5.)
        """
        key = _plain_key(args)
        if key is not None and key not in self.plain:
            self(*args)
        program = self.plain.get(key)
        if program is None:
            raise TypeError(
                f"{self.__name__}.buffer() takes floats, flat lists of floats and float64 arrays, and "
                "no static arguments"
            )
        if any(not isinstance(path.result, Structure) for path in program.paths.all):
            raise TypeError(
                f"{self.__name__}() sweeps many directions as rows, which no buffer holds; call it"
            )
        return Buffer(program.paths, [np.require(arg, np.float64, ["C", "A"]) for arg in args])

    def backward(self, *rows: Any, in_axes: Any = 0, reduce: str = "mean") -> float:
        """f over rows: its mean (or sum) is returned, and its derivatives are added to ``.grad``.

        rows and in_axes are as for vmap. The derivatives are those by every Value that f closes
        over, and by what those were computed from: a training loop needs no other change than this
        line in the place of ``loss = ...; loss.backward()``.

        >>> import numpy as np
        >>> from pygrad import Value, compile
        >>> w = Value(2.0)
        >>> @compile
        ... def loss(x, y):
        ...     return (w * x - y) ** 2
        >>> loss.backward(np.array([1.0, 2.0]), np.array([3.0, 5.0])), w.grad
        (1.0, -3.0)
        """
        if reduce not in {"mean", "sum"}:
            raise ValueError(f"reduce must be 'mean' or 'sum', not {reduce!r}")
        mapped = self.backwards.get(reduce)
        if mapped is None:
            mapped = self.backwards[reduce] = vmap_function(self.f, in_axes, reduce, 1, "warn")
        arguments = RowArguments(rows, in_axes, self.__name__)
        try:
            _, numbers, by, grads = Run(mapped, arguments, self.mapped, by_lives=True).reduced()
        except TooManyPaths:
            warn_of_paths(f"rows of {self.__name__}() have", "row by row")
            eager = vmap_function(self.f, in_axes, reduce, 1, "warn")
            loss = eager.row_by_row(rows, keep=True)
            loss.backward()
            return float(loss.data)
        if by:
            Value(numbers[0], by, grads).backward()
        return float(numbers[0])

    def jacobian_of_it(self, evaluate: Callable[..., Any]) -> Any:
        """What jacrev, jacfwd or hessian make of this function: compiled as well, and kept here."""
        what = jacobian_of(evaluate)
        if self.is_mapped or what is None:
            return evaluate
        key = (repr(what.argnums), what[2:])
        return self.jacobians.setdefault(key, Compiled(evaluate, tuple(self.static), self.verify))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the programs traced so far, every path of them, to a file for pygrad.load().

        The file keeps no Python code, and of captured Values the numbers that they have now. Arguments
        may be floats, arrays, and lists, tuples and dicts of these, static ones None, bool, int, float,
        str, bytes and tuples of these.

        Raises:
            ValueError: nothing was traced yet, or too many paths were; or a captured Value is no leaf.
            TypeError: arguments or results are of other types, or the function is a transform of a vmap
                other than grad and value_and_grad.
        """
        from pygrad.compiled.saved import save

        save(self, path)

    def __reduce__(self) -> Any:
        from pygrad.compiled.saved import reduced

        return reduced(self)

    def __copy__(self) -> Compiled:
        """Itself, as for every function."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        return self

    def __dask_tokenize__(self) -> Any:
        from pygrad.compiled.saved import token

        return token(self)

    def to_c(self, *args: Any, name: str | None = None, freeze: bool = True, **kwargs: Any) -> str:
        """The program as one function in C99, for computers without Python.

        ``int name(const double *in, double *out)`` reads the numbers of all arguments from in, one
        argument after the other, and writes those of the result to out; a comment at its head says
        what stands where. It needs ``<math.h>`` and no memory but the stack, keeps no state, and
        compiles as C++, too. It follows the ways through branches and loops that calls have taken
        before; where the numbers lead another one it returns 1 and writes nothing, otherwise 0.

        The arguments are an example, as for a call, whose way is followed, too. They may be left out
        if the function was called before with one structure of arguments only. A ``vmap`` is
        written out, for as many rows as the example has; for it and for Jacobians and Hessians the ways
        are those of all examples so far. Arguments by name cannot be called ``name`` or ``freeze``.

        Captured Values are constants with the numbers they have now. With ``freeze=False`` they
        are read from a third array: ``int name(const double *in, const double *captured, double *out)``.

        In C, functions such as ``exp`` are those of its library; a program here has its own, within 2
        ulp. Results agree within rounding, and bit for bit where there are only arithmetic and
        roots, if the C is compiled with ``-ffp-contract=off``; never use ``-ffast-math``.

        Raises:
            ValueError: no example is given, and there was no call or several structures of
                arguments; name is no name for C; results differ in structure from way to way.
            RuntimeError: called in a trace; or the function takes too many ways.

        >>> from pygrad import compile, grad
        >>> slope = compile(grad(lambda x: x**3 if x > 0 else -x))
        >>> slope(2.0), slope(-2.0)
        (12.0, -1.0)
        >>> text = slope.to_c(name="slope")
        >>> print(text[text.index("int slope(const double *in, double *out)\\n") :])
        int slope(const double *in, double *out)
        {
            {
                if (!(in[0] > 0.0))
                    goto way_1;
                out[0] = 0.0 + 3.0 * (in[0] * in[0]);
                return 0;
            }
        way_1:
            {
                out[0] = -1.0;
                return 0;
            }
        }
        <BLANKLINE>
        """
        from pygrad.c_code.text import exported

        return exported(self, args, kwargs, name, freeze)

    def _program(self, key: Any, arguments: _Arguments) -> _OneRowProgram | None:
        try:
            if key in self.programs_by_key:
                return self.programs_by_key[key]
        except TypeError:
            raise TypeError(
                f"a static argument of {self.__name__}() cannot be hashed; give numbers, arrays, or "
                "lists, tuples and dicts of these, or something hashable"
            ) from None
        if len(self.programs_by_key) == MOST_STRUCTURES:
            oldest = self.programs_by_key.pop(next(iter(self.programs_by_key)))
            self.plain = {k: other for k, other in self.plain.items() if other is not oldest}
            warn_of_structures(self.__name__)
        program = self._new_program(arguments)
        self.programs_by_key[key] = program
        return program

    def _new_program(self, arguments: _Arguments) -> _OneRowProgram:
        if self.jacobian is None:
            return _OneRowProgram(functools.partial(arguments.call, self.f), len(arguments.items))
        from pygrad.programs.sweeps import Sweeps

        return Sweeps(self.jacobian, arguments)


def _is_numeric(arg: Any) -> bool:
    try:
        flatten(arg, "")
    except TypeError:
        return False
    return not isinstance(arg, bool)


def _is_gradient_of_rows(f: Any) -> bool:
    kind, argnums, has_aux = getattr(f, "derivative", ("", 0, False))
    vmapped = getattr(f, "__wrapped__", None)
    return (
        kind != ""
        and not has_aux
        and isinstance(argnums, int)
        and isinstance(vmapped, vmap_function)
        and vmapped.reduce is not None
    )


def _maps_rows(f: Any) -> bool:
    """Whether f is a vmap, or transforms around one: then what is to be traced is what it maps."""
    while not isinstance(f, vmap_function) and hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    return isinstance(f, vmap_function)


def compile(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    verify: bool = False,
) -> Any:
    """f as a program: traced once for each structure of arguments, run in C from then on.

    The result is called like f, with floats, float64 arrays and nested lists, tuples and dicts of
    these, and
    returns such. Loops, branches and comparisons on Values are followed: each way through f is traced when
    is first taken. It composes both ways: ``compile(grad(f))``, ``grad(compile(f))``,
    ``compile(value_and_grad(vmap(...)))``. Given Values it is f itself. Use it as a decorator, too.

    Values that f closes over are read anew at each call. Captured plain numbers and arrays are
    frozen at the trace, as is whatever f reads from elsewhere: ``verify=True`` runs f uncompiled
    beside every call and raises RuntimeError where they differ. Arguments that are no numbers, and
    those in ``static_argnums``, are part of the program and must be hashable. ``.programs`` lists
    the paths traced so far with their sizes.

    Ops follow NumPy in a program: inf and nan where eager code raises.

    Raises:
        TraceError: f does what a program could not repeat, such as reading ``.data`` of a Value
        that depends
            on its arguments; the message names the line and the cure.

    >>> import numpy as np
    >>> from pygrad import compile, grad
    >>> slope = compile(grad(lambda x: (x[0] - 1) ** 2 + x[1] ** 2))
    >>> slope(np.array([3.0, 4.0]))
    array([4., 8.])
    """
    if f is None:
        return functools.partial(compile, static_argnums=static_argnums, verify=verify)
    if not callable(f):
        raise TypeError(f"compile() takes a function, not {type(f).__name__}")
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    return Compiled(f, static, verify)


jit = compile  # its second name


def _verify(result: Any, expected: Any, name: str) -> None:
    got, wanted = (flatten(without_sparse(t), "the result")[0] for t in (result, expected))
    if len(got) != len(wanted):
        raise RuntimeError(
            f"{name}() compiled gives {len(got)} numbers, but {len(wanted)} when run again: it uses "
            "something that has changed since it was traced"
        )
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        alike = math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        if not alike and not (math.isnan(a) and math.isnan(b)):
            raise RuntimeError(
                f"{name}() compiled gives {a!r} for number {i} of its result, but {b!r} when run again: it "
                "uses something that has changed since it was traced"
            )
