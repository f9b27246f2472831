"""Gradients over data that one machine does not hold: value_and_grad of a loss over Dask arrays.

Rows lie in the chunks of Dask arrays. Each chunk's loss and gradient are summed by one compiled program
where the chunk is, and only these sums travel; they are added up in a tree whose order depends on nothing
but the number of chunks, so the result does not depend on workers, nor on which of them dies on the way.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad import transform
from pygrad.compiled.function import Compiled, compile
from pygrad.core.distribution import install
from pygrad.core.structure import flatten_numbers, flatten_result
from pygrad.programs.mapped import vmap
from pygrad.programs.table import Programs

__all__ = ["value_and_grad"]


def _dask() -> Any:
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise ImportError(f"pygrad.dask needs Dask: {install('dask')}") from error
    return dask


# -- on the workers --------------------------------------------------------------------------------


class _Sums(NamedTuple):
    """What one chunk contributes, or several."""

    rows: int
    value: float
    slopes: Any  # an array with a number for each of the parameters


_steps: Programs[Compiled[..., Any]] = Programs()  # of this process: each is traced once


class _Step:
    """The sums of a chunk: what a worker gets. The function is compiled where it is called."""

    def __init__(self, token: str, loss: Callable[..., Any]) -> None:
        self.token, self.loss = token, loss

    def __call__(self, params: Any, *chunks: Any) -> _Sums:
        numbers, _ = flatten_numbers(params, "the parameters")
        rows = len(chunks[0])
        if rows == 0:
            return _Sums(0, 0.0, np.zeros(len(numbers)))
        value, gradient = self._compiled(len(chunks))(params, *map(np.asarray, chunks))
        slopes, _ = flatten_result(gradient, "the gradient")
        return _Sums(rows, value, np.array(slopes, dtype=np.float64))

    def _compiled(self, count: int) -> Compiled[..., Any]:
        def make() -> Compiled[..., Any]:
            mapped = vmap(self.loss, in_axes=(None, *[0] * count), reduce="sum")
            return compile(transform.value_and_grad(mapped))

        return _steps.find((self.token, count), make)


def _add_up(parts: Sequence[_Sums]) -> _Sums:
    """From the first to the last."""
    return functools.reduce(lambda a, b: _Sums(*map(operator.add, a, b)), parts)


def _finish(params: Any, reduce: str, total: _Sums) -> tuple[float, Any]:
    if total.rows == 0:
        raise ValueError("there are no rows in any chunk")
    by = total.rows if reduce == "mean" else 1
    _, structure = flatten_numbers(params, "the parameters")
    return total.value / by, structure.arrange((total.slopes / by).tolist())


# -- where the work is sent from -------------------------------------------------------------------


class value_and_grad:
    """A function of parameters and chunked arrays: the loss over all rows and its gradient.

    ``loss(params, x, y, ...)`` takes the parameters (a float, an array, or dicts, dataclasses and the like)
    and one row of each array, and returns a number: a plain function, as for ``pygrad.vmap``. The result is
    called with the parameters and Dask arrays, which are cut into the same chunks of rows and not
    along any other axis, and returns ``(value, gradient)``: the mean or the sum over all rows, and its
    derivatives by the parameters, in their structure. ``.delayed(...)`` returns the same as a
    ``dask.delayed`` object, to be computed later.

    The work is done where Dask does it: in a ``dask.distributed`` cluster once there is a Client. Every
    process traces loss once. At most ``fan_in`` sums are added up by one task.

    Raises:
        ImportError: Dask is not installed.
        TypeError: what should be Dask arrays is not.
        ValueError: chunks do not fit, or there are no rows.

    >>> import dask.array as da
    >>> from pygrad.dask import value_and_grad
    >>> def loss(p, x, y):
    ...     return (p["slope"] * x + p["start"] - y) ** 2
    >>> x = da.arange(8.0, chunks=3)
    >>> value_and_grad(loss)({"slope": 1.0, "start": 0.0}, x, 2 * x + 1)
    (25.5, {'slope': -42.0, 'start': -9.0})
    """

    def __init__(self, loss: Callable[..., Any], reduce: str = "mean", *, fan_in: int = 8) -> None:
        if reduce not in {"mean", "sum"}:
            raise ValueError(f"reduce must be 'mean' or 'sum', not {reduce!r}")
        if not isinstance(fan_in, int) or fan_in < 2:
            raise ValueError(f"fan_in must be an int of at least 2, not {fan_in!r}")
        if not callable(loss):
            raise TypeError(f"value_and_grad() takes a function, not {type(loss).__name__}")
        functools.update_wrapper(self, loss)
        self.loss, self.reduce, self.fan_in = loss, reduce, fan_in

    def __call__(self, params: Any, *arrays: Any) -> tuple[float, Any]:
        (result,) = _dask().compute(self.delayed(params, *arrays))
        value, gradient = result
        return value, gradient

    def delayed(self, params: Any, *arrays: Any) -> Any:
        """``(value, gradient)`` as a dask.delayed object."""
        dask = _dask()
        flatten_numbers(params, "the parameters")
        columns = _columns(dask, arrays)
        step = dask.delayed(_Step(dask.base.tokenize(self.loss), self.loss), traverse=False)
        given = dask.delayed(params, traverse=False)
        parts = [step(given, *chunks) for chunks in zip(*columns, strict=True)]
        together = dask.delayed(_add_up)
        while len(parts) > 1:
            groups = range(0, len(parts), self.fan_in)
            parts = [together(parts[i : i + self.fan_in]) for i in groups]
        return dask.delayed(_finish)(given, self.reduce, parts[0])


def _columns(dask: Any, arrays: Sequence[Any]) -> list[list[Any]]:
    """The chunks of each array, from the first row to the last."""
    if not arrays:
        raise ValueError("there is no array; give the rows of at least one")
    for i, array in enumerate(arrays):
        if not isinstance(array, dask.array.Array) or array.ndim == 0:
            raise TypeError(
                f"array {i} must be a Dask array with rows, not {type(array).__name__}; "
                "dask.array.from_array(x, chunks=...) makes one"
            )
        if any(count != 1 for count in array.numblocks[1:]):
            raise ValueError(
                f"array {i} is cut along other axes than its rows; rechunk it: "
                "x.rechunk({axis: -1}) for every axis but 0"
            )
        if str(array.chunks[0]) != str(arrays[0].chunks[0]):  # nan, for not known, is alike
            raise ValueError(
                f"array {i} has other chunks of rows than array 0; rechunk it: "
                "y.rechunk({0: x.chunks[0]})"
            )
    return [array.to_delayed().ravel().tolist() for array in arrays]
