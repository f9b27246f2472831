"""A small network over many rows: its mean loss and the 337 gradients by its parameters.

2-16-16-1 with tanh, parameters as arguments. pygrad, CasADi and JAX's scalar form get the same plain
Python function of one row; JAX's matrix form and PyTorch get products of matrices. C is written by hand,
and so is backpropagation in NumPy, as an expert does it: products of matrices, into memory made beforehand.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from typing import Any

import compiled_by_hand
import harness
from compiled_models import PARAMETERS, matrices, mlp_data, mlp_loss, mlp_losses
from harness import Row, Side, timed

ROWS, MANY_ROWS = 10_000, 100_000


Data = tuple[Any, Any, Any]  # parameters, points, targets
Step = Callable[[], tuple[Any, Any]]  # returns loss and gradient

# --- one function for each library: data in, a step out ---------------------------------------------


def with_pygrad(data: Data, threads: int = 1, fma: bool = False) -> Step:
    pygrad = importlib.import_module("pygrad")
    math = importlib.import_module("pygrad.math")

    def loss(p: Any, x: Any, y: Any) -> Any:
        return mlp_loss(math, p, x, y)

    mean = pygrad.vmap(loss, (None, 0, 0), "mean", threads=threads, fma=fma)
    step = pygrad.compile(pygrad.value_and_grad(mean))
    return lambda: step(*data)


def with_jax_scalars(data: Data) -> Step:
    """jit(vmap(value_and_grad)) of the function of one row, whose arguments are scalars."""
    jax = jax_of_doubles()

    def loss(p: Any, x: Any, y: Any) -> Any:
        return mlp_loss(jax.numpy, p, x, y)

    by_row = jax.vmap(jax.value_and_grad(loss), in_axes=(None, 0, 0))
    step = jax.jit(lambda *args: jax.tree_util.tree_map(jax.numpy.mean, by_row(*args)))
    array = jax.numpy.asarray
    p, points, targets = tuple(map(array, data[0])), tuple(map(array, data[1].T)), array(data[2])
    return lambda: jax.block_until_ready(step(p, points, targets))


def with_jax_matrices(data: Data) -> Step:
    jax = jax_of_doubles()

    def loss(p: Any, points: Any, targets: Any) -> Any:
        return jax.numpy.mean(mlp_losses(jax.numpy, p, points, targets))

    step = jax.jit(jax.value_and_grad(loss))
    arguments = tuple(map(jax.numpy.asarray, data))
    return lambda: jax.block_until_ready(step(*arguments))


def jax_of_doubles() -> Any:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def with_torch(data: Data) -> Step:
    torch = importlib.import_module("torch")
    p, points, targets = map(torch.from_numpy, data)
    p.requires_grad_()

    def step() -> tuple[Any, Any]:
        p.grad = None
        loss = mlp_losses(torch, p, points, targets).mean()
        loss.backward()
        return loss.detach(), p.grad

    return step


def with_casadi(data: Data) -> Step:
    """Function.map on one core, which adds up over rows."""
    casadi = importlib.import_module("casadi")
    p, x, y = (casadi.SX.sym(*s) for s in (("p", PARAMETERS), ("x", 2), ("y", 1)))
    loss = mlp_loss(casadi, casadi.vertsplit(p), casadi.vertsplit(x), y)
    row = casadi.Function("row", [p, x, y], [loss, casadi.gradient(loss, p)])
    rows = len(data[1])
    total = row.map("total", "serial", rows, [0], [0, 1])
    arguments = data[0], data[1].T, data[2].reshape(1, rows)

    def step() -> tuple[Any, Any]:
        loss, gradient = total(*arguments)
        return float(loss) / rows, gradient.full().ravel() / rows

    return step


def with_numpy(data: Data) -> Step:
    """Backpropagation by hand; what a step needs is made once."""
    import numpy as np

    p, points, targets = data
    rows = len(points)
    layers = matrices(p)
    gradient = np.empty(PARAMETERS)
    slopes = matrices(gradient)  # views of it
    outputs = [np.empty((rows, len(biases))) for _, biases in layers]
    inputs = [points, *outputs[:-1]]
    towards = [np.empty_like(output) for output in outputs]

    def step() -> tuple[Any, Any]:
        for x, (weights, biases), output in zip(inputs, layers, outputs, strict=True):
            np.matmul(x, weights, out=output)
            np.add(output, biases, out=output)
            np.tanh(output, out=output)
        away = outputs[-1][:, 0] - targets
        towards[-1][:, 0] = away * (2.0 / rows)
        for k in reversed(range(len(layers))):
            by_output, output = towards[k], outputs[k]
            loss_by_sum = np.multiply(output, output)
            np.subtract(1.0, loss_by_sum, out=loss_by_sum)
            np.multiply(by_output, loss_by_sum, out=by_output)
            np.matmul(inputs[k].T, by_output, out=slopes[k][0])
            np.sum(by_output, axis=0, out=slopes[k][1])
            if k:
                np.matmul(by_output, layers[k][0].T, out=towards[k - 1])
        return away @ away / rows, gradient

    return step


def with_c(data: Data, flags: str) -> Step:
    import numpy as np

    result = np.empty(1 + PARAMETERS)
    function = compiled_by_hand.library(flags).mlp
    size, pointer = ctypes.c_size_t(len(data[1])), compiled_by_hand.pointer
    arguments = [*map(pointer, data), size, pointer(result)]

    def step() -> tuple[Any, Any]:
        function(*arguments)
        return result[0], result[1:]

    return step


# --- the comparison ---------------------------------------------------------------------------------


def side(make: Callable[..., Step], needs: tuple[str, ...], **settings: Any) -> Side:
    """What runs in a process of its own: the timing of the steps that `make` makes."""

    def run(rows: int, seconds: float) -> dict[str, Any]:
        step = make(mlp_data(rows), **settings)
        value, gradient = step()
        return timed(step, [value, *gradient], seconds)

    tools = (compiled_by_hand.COMPILER,) if make is with_c else ()
    return Side(run, (*needs, "numpy"), tools)


BY_HAND = "NumPy, backpropagation by hand"
SIDES = {
    "pygrad": side(with_pygrad, ("pygrad",)),
    "pygrad, 2 threads": side(with_pygrad, ("pygrad",), threads=2),
    "pygrad, fma=True": side(with_pygrad, ("pygrad",), fma=True),
    "JAX, scalars": side(with_jax_scalars, ("jax",)),
    "JAX, matrices": side(with_jax_matrices, ("jax",)),
    "PyTorch, matrices": side(with_torch, ("torch",)),
    "CasADi map": side(with_casadi, ("casadi",)),
    BY_HAND: side(with_numpy, ()),
    "C, -O3": side(with_c, (), flags="-O3"),
    "C, -O3 -march=native": side(with_c, (), flags="-O3 -march=native"),
    "C, -Ofast -march=native": side(with_c, (), flags="-Ofast -march=native"),
}
JAX = ("JAX, scalars", "JAX, matrices")
TARGETS = {"the better form of JAX": 1, "CasADi map": 30, BY_HAND: 4}


def compare(quick: bool) -> list[Row]:
    rounds, seconds = (1, 0.05) if quick else (3, 0.5)
    settings: dict[str, Any] = {"rounds": rounds, "seconds": seconds}
    rows = 500 if quick else ROWS
    one_core = [name for name in SIDES if name != "pygrad, 2 threads"]
    table = against_others(one_core, "one core", rows, cores=1, **settings)
    if len(harness.cores()) < 2:
        print("skipped: two threads, as there is one core")
        return table
    two_cores = ["pygrad, 2 threads", *JAX, "PyTorch, matrices"]
    table += against_others(two_cores, "two cores", rows, cores=2, **settings)

    many = 4000 if quick else MANY_ROWS
    both = {name: SIDES[name] for name in ("pygrad", "pygrad, 2 threads")}
    times = harness.race(__file__, both, rel=0, per=many, rows=many, **settings)
    if times:
        one, two = times["pygrad"], times["pygrad, 2 threads"]
        what = f"the same with 2 threads, {many:,} rows: a row"
        table.append(harness.versus(what, two, "one thread", one, at_least=1.7))
    return table


def against_others(names: list[str], where: str, rows: int, **settings: Any) -> list[Row]:
    """Rows of the table for the first of these sides and each of the others, and JAX's better form."""
    print(f"{rows:,} rows on {where}, seconds a row:")
    sides = {name: SIDES[name] for name in names}
    times = harness.race(__file__, sides, rel=1e-9, per=rows, rows=rows, **settings)
    if names[0] not in times:
        return []
    ours = times.pop(names[0])
    forms = [times.pop(name) for name in JAX if name in times]
    if forms:
        times = {"the better form of JAX": min(forms, key=min), **times}
    what = f"network, loss + {PARAMETERS} gradients, {rows:,} rows, {where}: a row"
    return [
        harness.versus(what, ours, name, theirs, at_least=TARGETS.get(name))
        for name, theirs in times.items()
    ]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
