"""compile: a plain function as a program that is traced once and run in C from then on.

>>> from pygrad import compile, grad
>>> @compile
... def f(x):
...     return x**3 if x > 0 else -x
>>> f(2.0), f(-2.0), grad(f)(2.0)
(8.0, 2.0, 12.0)
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pygrad import _native
from pygrad.compiled.buffer import Buffer
from pygrad.compiled.fileformat import SavedFunction, decode
from pygrad.compiled.replay import Replay, fill, made_again
from pygrad.compiled.store import Store, contracting
from pygrad.compiled.training import Ending, backward
from pygrad.core.callables import (
    MethodOf,
    P,
    R,
    Transformable,
    found_by_name,
)
from pygrad.core.implementation import Value, in_no_grad
from pygrad.core.recording import as_recorded
from pygrad.core.structure import as_values, detached, flatten_result, has_static, values_in
from pygrad.core.tables import html_line, html_result
from pygrad.programs.arguments import Arguments, copy_plain, is_flat, plain_key
from pygrad.programs.captures import Captures, Variants
from pygrad.programs.direct import direct
from pygrad.programs.mapped import gradient_of_rows
from pygrad.programs.one_row import OneRowProgram
from pygrad.programs.paths import BASES, Path, Paths, reads_active
from pygrad.programs.results import as_programs_give
from pygrad.programs.sparsity import without_sparse
from pygrad.programs.table import Programs
from pygrad.programs.uncompiled import as_in_a_program, may_be_of_numbers, uncompiled
from pygrad.programs.whole import ints_among, with_ints
from pygrad.programs.worth import TooManyPaths
from pygrad.transform import Jacobian

__all__ = ["Compiled", "Loaded", "compile", "from_bytes", "jit"]


_NUMBERS = (float, int)
_NOTHING = contextlib.nullcontext()


class Compiled(MethodOf[P, R], Transformable, _native.Called):
    """What compile() returns: call it like the function."""

    __slots__ = ("_calls", "_jacobians", "_store", "_stores", "leads_on", "static", "verify")

    def __init__(
        self,
        f: Callable[..., Any],
        static_argnums: Sequence[int],
        verify: bool,
        origin: str | None = None,
    ) -> None:
        super().__init__(f)
        self.static, self.verify = frozenset(static_argnums), verify
        self.leads_on = False  # results are Values where they depend on captured ones
        make = functools.partial(Store, f, self.static, origin)
        self._stores = Variants(self.__name__, make)
        self._calls = _native.Calls()
        self._store: Store | None = None  # none before it is asked for: globals may come later
        self._jacobians: Programs[Compiled[..., Any]] = Programs()  # of f, by how they were made

    @property
    def store(self) -> Store:
        """Its programs, for what the function reads from elsewhere now."""
        store = self._store
        if store is None or not (_native.may_run(store.captures.places) or _native.trace_active()):
            self._store = store = self._stores.find()
        return store

    @property
    def programs(self) -> list[dict[str, int]]:
        """The paths traced so far: a dict of sizes for each."""
        return [
            {
                "instructions": path.instructions,
                "guards": len(path.outcomes),
                "lives": len(path.lives),
                **({} if path.result.sweeps is None else {"sweeps": path.result.sweeps}),
            }
            for path in self.store.paths()
        ]

    def _repr_html_(self) -> str:
        paths = self.store.paths()
        head = ("path", "instructions", "guards", "Values read", "bytes")
        sizes = [
            (path.instructions, len(path.outcomes), len(path.lives), path.size) for path in paths
        ]
        rows = [(f"{k}", *(f"{n:,}" for n in row)) for k, row in enumerate(sizes, start=1)]
        said = f"{self.__name__}, compiled: "
        if not rows:
            return html_line(said + "no path traced yet")
        return html_result(f"{said}{len(rows)} path{'s' * (len(rows) > 1)}", [head, *rows])

    if TYPE_CHECKING:

        def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R: ...

    else:
        __call__ = _native.Called.__call__  # of its calls what they know, the rest by Python

    def _by_python(self, /, *args: Any, **kwargs: Any) -> Any:
        store = self._store
        if store is None or store.has_rows:
            store = self.store
            if store.has_rows:
                few = store.few
                if few is not None and not (kwargs or self.verify):
                    result = few.call(store.mapped, args)
                    if result is not None:
                        return result
                return self._call_rows(store, args, kwargs)
        plain = None if kwargs else plain_key(args)
        program = store.plain.get(plain)
        if (
            program is not None
            and (path := program.paths.root) is not None
            and _native.may_run(store.captures.places)
        ):
            row = program.take(path)
            if copy_plain(args, row.inputs):
                result = self._finish(store, program, program.run, row, args, kwargs)
                self._leave_to_c(store, program, args)
                return result
            row.path.idle.append(row)
        arguments = Arguments(args, kwargs, self.static, self.store.asked)
        if any(isinstance(item, Value) for item in arguments.items) or _native.trace_active():
            if not self.static:
                self._calls.take_values()
            return self._on_values(args, kwargs)
        key, store = arguments.key(), self.store
        program = store.call_program(key, arguments)
        if program is None:
            return self._without_path(store, key, arguments)
        ints = ints_among(arguments.items)
        with with_ints(ints) if ints else _NOTHING:
            result = self._finish(store, program, program.call, arguments.items, args, kwargs)
        flat = all(is_flat(arg) for arg in args if type(arg) is list)
        tells = arguments.tells_bools or arguments.tells_ints
        if plain is not None and not arguments.static and flat and not tells:
            store.calls.shorten(plain, key, program)
        if not kwargs:
            self._leave_to_c(store, program, args)
        return result

    def _leave_to_c(self, store: Store, program: OneRowProgram, args: tuple[Any, ...]) -> None:
        """From now on C does calls like this one, if it can."""
        if not (self.verify or self.leads_on):
            make = functools.partial(Arguments, args, {}, self.static, store.asked)
            found = direct(program, store.captures.places, make)
            if found is not None:
                self._calls.add(found)

    def _finish(
        self,
        store: Store,
        program: OneRowProgram,
        call: Callable[[Any], tuple[Any, Path]],
        point: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The result of a call of a program, or of f where the program does not do."""
        try:
            result, path = call(point)
        except TooManyPaths as error:
            error.warn(f"{self.__name__}() has", "from here on")
            if program.gives_up():
                self._calls.forget()
                program.direct = None
                store.give_up(program)
            arguments = Arguments(args, kwargs, self.static, self.store.asked)
            return self._without_path(store, arguments.key(), arguments)
        if path.lives and self.leads_on and not in_no_grad():
            return self._on_values(args, kwargs)
        if path.lives and reads_active(path.lives):
            # a transform around this call needs Values, and is soon over
            store.calls.drop(program)
            self._calls.forget()
            program.direct = False
            return self._on_values(args, kwargs)
        if self.verify:
            _verify(
                result,
                self._run(Arguments(args, kwargs, self.static, self.store.asked)),
                self.__name__,
            )
        return result

    def _on_values(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What f itself gives, and inf or nan where an operation raises, as a program does: in a trace by
        where this code stands (see BASES), and else in a second run."""
        try:
            return self.f(*args, **kwargs)
        except Exception as error:
            if _native.trace_active() or not may_be_of_numbers(error):
                raise
            raised = error
        arguments = Arguments(args, kwargs, self.static, self.store.asked)
        run = functools.partial(arguments.call, self.f)
        try:
            return as_in_a_program(run, as_values(arguments.items), self.f)
        except Exception:
            raise raised from None

    def _without_path(self, store: Store, key: Any, arguments: Arguments) -> Any:
        """The same on floats, where these have the bits of Values and nothing raises."""
        if store.runs_on_floats(key, arguments):
            try:
                result = arguments.call(self.f, [*map(float, arguments.items)])
                if all(isinstance(item, _NUMBERS) for item in flatten_result(result, "")[0]):
                    return as_programs_give(result)
            except Exception:
                return self._run(arguments)
        return self._run(arguments)

    def _run(self, arguments: Arguments) -> Any:
        """f uncompiled, on Values, as a trace would run it."""
        jacobian = self.store.jacobian
        if jacobian is not None and jacobian.sparse:  # it traces by itself
            return arguments.call(self.f, arguments.items)
        run = functools.partial(uncompiled, functools.partial(arguments.call, self.f))
        return as_programs_give(detached(as_recorded(run, arguments.items)[0]))

    def _call_rows(self, store: Store, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = None
        f: Any = store.f
        if store.gradient is not None and not kwargs:
            rows, argnums, with_value = store.gradient
            try:
                result = gradient_of_rows(rows, argnums, args)
            except TooManyPaths:
                f = f.of(lambda *given: rows.row_by_row(given))
            if result is not None and not with_value:
                result = result[1]
        if result is None:
            result = f(*args, **kwargs)
            found = values_in(result)
            if found and not (values_in([args, kwargs]) or _native.depend_on_input(tuple(found))):
                result = detached(result)  # of f that a map has run row by row
        if self.verify and not values_in(result):
            _verify(result, self.f(*args, **kwargs), self.__name__)
        return result

    def buffer(self, *args: Any) -> Buffer:
        """The function bound to memory: a call without arguments reads float64 arrays given here anew.

        Arguments are numbers, flat lists of numbers and float64 arrays. Contiguous arrays are read in
        place; of the others the buffer has copies, in its ``inputs``. Results are overwritten at each call.

        >>> import numpy as np
        >>> from pygrad import compile
        >>> x = np.array([1.0, 2.0])
        >>> product = compile(lambda x: x[0] * x[1]).buffer(x)
        >>> x[1] = 5.0
        >>> product()
        array(5.)
        """
        self._paths_of_plain(args)  # before the arrays, as these are what it may not take
        inputs = [np.require(arg, np.float64, ["C", "A"]) for arg in args]
        return Buffer(lambda: self._paths_of_plain(args), inputs)

    def _paths_of_plain(self, args: tuple[Any, ...]) -> tuple[Captures, Paths]:
        """The program for plain arguments, and what it holds for."""
        plain, store = plain_key(args), self.store
        flat = plain is not None and all(is_flat(arg) for arg in args if type(arg) is list)
        program = store.plain.get(plain)
        if program is None and flat and not (store.has_rows or _native.trace_active()):
            arguments = Arguments(args, {}, self.static, store.asked)
            key = arguments.key()
            if not (arguments.static or has_static(arguments.structure)):
                program = store.call_program(key, arguments)
            if program is not None and not arguments.tells_ints:
                store.calls.shorten(plain, key, program)
        if program is None or not flat:
            raise TypeError(
                f"{self.__name__}.buffer() takes floats, flat lists of floats and float64 arrays, and "
                "no static arguments"
            )
        return store.captures, program.paths

    def backward(
        self,
        *rows: Any,
        in_axes: Any = 0,
        reduce: str = "mean",
        optim: Any = None,
        zero_grad: bool = False,
    ) -> float:
        """f over rows: its mean (or sum) is returned, and its derivatives are added to ``.grad``.

        rows and in_axes are as for vmap. The derivatives are those by every Value that f closes
        over, and by what those were computed from: a training loop needs no other change than this
        line in the place of ``loss = ...; loss.backward()``.

        With ``optim``, an optimiser, its step follows; with ``zero_grad=True`` its ``zero_grad()`` goes
        before: ``loss.backward(x, y, optim=optim, zero_grad=True)`` is the whole step of a training loop,
        with the same bits as these lines one by one. With pygrad's optimisers there is all of it or, where
        it ends by an exception or by Ctrl-C, nothing.

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
        return backward(self, self.store, rows, in_axes, reduce, Ending(optim, zero_grad))

    def transformed(self, derivative: Callable[..., Any]) -> Callable[..., Any]:
        """A derivative, compiled as this function is; a Jacobian of this function is kept here."""

        def compiled() -> Compiled[..., Any]:
            return Compiled(derivative, tuple(self.static), self.verify)

        def jacobian() -> Compiled[..., Any]:
            made = compiled()
            made.leads_on = True  # as jacobian(f) does, while compile(jacobian(f)) gives numbers
            return made

        if not isinstance(derivative, Jacobian) or derivative.f is not self:
            return compiled()
        if self.store.has_rows:
            return derivative
        key = (repr(derivative.what.argnums), derivative.what[2:])
        return self._jacobians.find(key, jacobian)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the programs traced so far, every path of them, to a file for pygrad.load().

        A file that is there is replaced by the whole of the new one, in one step, or stays as it is.
        The file keeps no Python code, and of captured Values the numbers that they have now. Arguments
        may be floats, arrays, and lists, tuples and dicts of these, static ones and static items None,
        bool, int, float, str, bytes and tuples of these.

        Raises:
            ValueError: nothing was traced yet, or too many paths were; or a captured Value is no leaf.
            TypeError: arguments or results are of other types, or the function is a transform of a vmap
                other than grad and value_and_grad.
            NotImplementedError: a loop is none that a file can have, such as 65 in one another.
        """
        from pygrad.compiled.saved import save

        save(self.store, path)

    def __reduce__(self) -> Any:
        from pygrad.compiled.saved import can_be_pickled, origin_of, to_bytes

        try:
            if self.verify and can_be_pickled(self.f):
                raise ValueError("there has to be a function to compare with")
            return from_bytes, (to_bytes(self.store), origin_of(self.store), self.leads_on)
        except (TypeError, ValueError, NotImplementedError):
            name = getattr(self, "__qualname__", "")
            if found_by_name(self.__module__, name) is self:
                return name
            if isinstance(self, Loaded) or not can_be_pickled(self.f):
                raise
        return _compiled, (self.f, tuple(sorted(self.static)), self.verify, self.leads_on)

    def __dask_tokenize__(self) -> Any:
        from pygrad.compiled.saved import token

        return token(self.store, self.f)

    def to_c(self, *args: Any, name: str | None = None, freeze: bool = True, **kwargs: Any) -> str:
        """The program as one function in C99, for computers without Python.

        ``int name(const double *in, double *out)`` reads the numbers of all arguments from in, one
        argument after the other, and writes those of the result to out; a comment at its head says
        what stands where. It needs ``<math.h>`` and no memory but the stack, keeps no state, and
        compiles as C++, too. It follows the paths through branches and loops that calls have taken
        before; where the numbers take another one it returns 1 and writes nothing, otherwise 0. Loops
        of the program, by ``while_loop``, ``fori_loop`` or ``autograph``, are loops in C; one that has
        not ended after max_trips trips returns 2 and writes nothing.

        The arguments are an example, as for a call, whose path is followed, too. They may be left out
        if the function was called before with one structure of arguments only. A ``vmap`` is
        written out, for as many rows as the example has; for it and for Jacobians and Hessians the paths
        are those of all examples so far. Arguments by name cannot be called ``name`` or ``freeze``.

        Captured Values are constants with the numbers they have now. With ``freeze=False`` they
        are read from a third array: ``int name(const double *in, const double *captured, double *out)``.

        In C, functions such as ``exp`` are those of its library; a program here has its own, within 2
        ulp. Results agree within rounding, and bit for bit where there are only arithmetic and
        roots, if the C is compiled with ``-ffp-contract=off``; never use ``-ffast-math``.

        Raises:
            ValueError: no example is given, and there was no call or several structures of
                arguments; name is no name for C; results differ in structure from path to path.
            RuntimeError: called in a trace; or the function takes too many paths.

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
                    goto path_1;
                out[0] = 0.0 + 3.0 * (in[0] * in[0]);
                return 0;
            }
        path_1:
            {
                out[0] = -1.0;
                return 0;
            }
        }
        <BLANKLINE>
        """
        from pygrad.compiled.exported import exported

        return exported(self.store, self.f, args, kwargs, name, freeze)


BASES.add(Compiled._on_values.__code__)


@overload
def compile(
    f: None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    verify: bool = False,
    autograph: bool = False,
    fma: bool = False,
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
@overload
def compile(
    f: Callable[P, R],
    *,
    static_argnums: int | Sequence[int] = (),
    verify: bool = False,
    autograph: bool = False,
    fma: bool = False,
) -> Compiled[P, R]: ...
def compile(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    verify: bool = False,
    autograph: bool = False,
    fma: bool = False,
) -> Any:
    """f as a program: traced once for each structure of arguments, run in C from then on.

    The result is called like f, with floats, float64 arrays and nested lists, tuples, dicts and
    dataclasses of these, and returns such. Loops, branches and comparisons on Values are followed: each
    path through f is traced when it is first taken. It composes on both sides: ``compile(grad(f))``,
    ``grad(compile(f))``, ``compile(value_and_grad(vmap(...)))``. Given Values it is f itself, but that it
    raises nothing of a numeric reason then either. Use it as a decorator, too.

    Values that f closes over are read anew at each call. Where something else that f names is not what
    it was, a number in its closure, among its globals or defaults, or an attribute such as
    ``self.rate``, f is traced anew. What calls cannot see, such as contents of lists and arrays, is
    frozen at the trace: ``verify=True`` runs f uncompiled beside every call and raises RuntimeError where
    they differ. Arguments that are no numbers, and
    those in ``static_argnums``, are part of the program and must be hashable; equal ones that differ, 1 and
    True or 0.0 and -0.0, have programs of their own. ``.programs`` lists the paths traced so far with their
    sizes.

    With ``autograph=True`` loops and branches of f's source that depend on Values are those of the
    program, and no paths of their own: see ``autograph``, which the function that a map or a gradient is of
    gets, too.

    Ops follow NumPy in a program: inf and nan where eager code raises, unless a handler in f catches that:
    then the path leads through it.

    With ``fma=True`` a product and the sum that it is added to or taken from are rounded once, by fused
    multiply-add. Results have other bits than those of eager code, mostly nearer to the true ones, and the
    same on every machine. That holds for derivatives, buffers, files and ``to_c``, too.

    Raises:
        TraceError: f does what a program could not repeat, such as reading ``.data`` of a Value that
            depends on its arguments; the message names the line and the cure.

    >>> import numpy as np
    >>> from pygrad import compile, grad
    >>> slope = compile(grad(lambda x: (x[0] - 1) ** 2 + x[1] ** 2))
    >>> slope(np.array([3.0, 4.0]))
    array([4., 8.])
    """
    if f is None:
        return functools.partial(
            compile, static_argnums=static_argnums, verify=verify, autograph=autograph, fma=fma
        )
    if not callable(f):
        raise TypeError(f"compile() takes a function, not {type(f).__name__}")
    if autograph:
        from pygrad.control.autograph.decorator import within  # which needs Python's compiler

        f = within(f)
    if fma:
        f = contracting(f)
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    return Compiled(f, static, verify)


jit = compile  # its second name


def _verify(result: Any, expected: Any, name: str) -> None:
    got, wanted = (flatten_result(without_sparse(t), "the result")[0] for t in (result, expected))
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


# -- from files and pickles ------------------------------------------------------------------------


class Loaded(Compiled[..., Any]):
    """A compiled function from a file or a pickle.

    ``captured`` are the Values that it uses besides its arguments, in the order in which its programs
    met them, with their labels.
    """

    __slots__ = ("captured",)

    def __init__(self, saved: SavedFunction, origin: str = "") -> None:
        self.captured = tuple([Value(number, label=label) for number, label in saved.captured])
        replay = Replay(saved, "" if self.captured else origin)
        super().__init__(made_again(saved, replay), saved.static, False, origin)
        fill(self.store, saved.entries, self.captured, replay)


def from_bytes(data: bytes, origin: str = "", leads_on: bool = False) -> Loaded:
    """A function from the contents of a file, or from a pickle, which says where it was defined, and
    whether its results lead on to captured Values."""
    loaded = Loaded(decode(data), origin)
    loaded.leads_on = leads_on
    return loaded


def _compiled(
    f: Callable[..., Any], static: tuple[int, ...], verify: bool, leads_on: bool
) -> Compiled[..., Any]:
    """From a pickle without programs."""
    compiled: Compiled[..., Any] = Compiled(f, static, verify)
    compiled.leads_on = leads_on
    return compiled
