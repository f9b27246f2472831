"""The user's function as SciPy wants it: on floats, with derivatives as arrays."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

from pygrad.arrays.engines import is_array
from pygrad.core import implementation
from pygrad.core.callables import Transformable
from pygrad.core.distribution import install
from pygrad.core.implementation import Value, no_grad, trace_active
from pygrad.core.recording import as_recorded, plain
from pygrad.core.structure import array_of, detached, values_in
from pygrad.rules.implied import numbers_of
from pygrad.transform import jacfwd, jacrev

Function = Callable[..., Any]


def scipys(part: str) -> Any:
    """scipy.optimize, say; ImportError with the cure where there is none."""
    try:
        return importlib.import_module(f"scipy.{part}")
    except ImportError as error:
        raise ImportError(f"pygrad.scipy needs SciPy: {install('scipy')}") from error


def on_values(fun: Function, x: Any) -> Any:
    """What a function returns for an object array of Values."""
    return as_recorded(lambda values: fun(array_of(values, x.shape)), x.ravel().tolist())


def one_number(result: Any, name: str) -> Any:
    """The one number, or Value, that a function returned; SciPy allows it in an array of one."""
    if isinstance(result, (list, tuple)) or (is_array(result) and result.ndim):
        if len(result) != 1 or getattr(result, "size", 1) != 1:
            raise TypeError(
                f"{name} must return one number, but it returned {len(result)}; for several there are "
                "pygrad.scipy.least_squares and pygrad.scipy.root"
            )
        return one_number(result[0], name)
    return result.item() if hasattr(result, "dtype") else result


def items(result: Any) -> list[Any]:
    """What a vector function returned as a flat list."""
    import numpy as np

    return np.asarray(result, dtype=object).ravel().tolist()  # type: ignore[no-any-return]


class Guard:
    """Lets errors of the first call through. Later ones, at points that a solver only tries, count as a
    value that is not finite: that is what NumPy's functions return outside their domain."""

    def __init__(self, refused: float = math.nan) -> None:
        self.count = 0
        self._refused = refused
        self._last: Exception | None = None
        self._shape: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """How many numbers the function has returned; 0 before it has."""
        return 0 if self._shape is None else math.prod(self._shape)

    def __call__(self, function: Callable[[], Any]) -> Any:
        """What function() returns, a float or an array."""
        import numpy as np

        try:
            result = function()
        except (ArithmeticError, ValueError) as error:
            if self._shape is None:
                raise
            self.count += 1
            self._last = error
            return np.full(self._shape, self._refused) if self._shape else self._refused
        self._shape = np.shape(result)
        return result

    def report(self, result: Any, advice: str = "") -> Any:
        """The solver's result; its message tells of errors, if there were any."""
        if self.count:
            times = "once" if self.count == 1 else f"{self.count} times"
            result.message = (
                f"{result.message} (The function raised an error {times}, which counted as "
                f"{self._refused}; the last was {type(self._last).__name__}: {self._last}{advice})"
            )
        return result


def start_of(x0: Any, name: str = "x0") -> Any:
    """Where to start, with numbers for Values that depend on an input of a transform around the solver."""
    import numpy as np

    given = np.asarray(x0, dtype=object)
    if not any(isinstance(item, Value) for item in given.ravel()):
        return x0
    found = numbers_of(given.ravel().tolist())
    if any(isinstance(item, Value) for item in found):
        raise TypeError(
            f"{name} holds Values; give numbers, v.data: a solution does not depend on it"
        )
    return np.array(found, dtype=float).reshape(given.shape)


def plain_of(given: Any, name: str) -> Any:
    """What a solver is given besides its start: arrays and containers, with numbers for Values that depend
    on an input of a transform around the solver; None and other things stay."""
    found = values_in(given)
    if not found:
        return given
    if not trace_active() and not implementation.depend_on_input(tuple(found)):
        raise TypeError(
            f"{name} holds Values, and no transform is around that differentiates by them: give numbers, "
            "v.data, or differentiate by pygrad.grad"
        )
    return as_numbers(given, name)


def as_numbers(derivative: Any, name: str = "fun") -> Any:
    """Numbers of what may be Values, for a solver whose solution has derivatives of its own. In a trace
    there are none: TypeError."""
    if trace_active():
        return plain(derivative, name, "SciPy is no part of compiled and mapped functions")
    return detached(derivative, implementation.stated.number_in)


def array(result: Any) -> Any:
    """What a vector function returned as a float64 array."""
    import numpy as np

    return np.array(as_numbers(np.asarray(result, dtype=object)), dtype=np.float64)


def as_traced(derivative: Function, of: Function) -> Function:
    """A sparse derivative: compiled if the user's function is, and else traced at each call."""
    return of.transformed(derivative) if isinstance(of, Transformable) else no_grad()(derivative)


def vector(fun: Function) -> Function:
    """A vector function on floats."""

    @functools.wraps(fun)
    def evaluate(x: Any, *args: Any, **kwargs: Any) -> Any:
        return array(on_values(lambda values: fun(values, *args, **kwargs), x))

    return evaluate


def exact_jacobian(fun: Function, forward: bool = False, sparse: bool = False) -> Function:
    """Its Jacobian, an (m, n) array."""
    if sparse:
        derivative = jacrev(lambda x, *args, **kwargs: items(fun(x, *args, **kwargs)), sparse=True)
        return as_traced(derivative, fun)

    def evaluate(x: Any, *args: Any, **kwargs: Any) -> Any:
        transform = jacfwd if forward else jacrev
        return as_numbers(transform(lambda y: items(fun(y, *args, **kwargs)))(x))

    return evaluate
