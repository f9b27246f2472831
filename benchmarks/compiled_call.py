"""One call of a compiled gradient from Python: what it takes from numbers to numbers.

The loss of a small network with its 337 gradients at one point, and the gradient of Rosenbrock's function
of 200 variables. The figures include what each library does to its arguments and results. C through ctypes,
CasADi's buffer() and pygrad's buffer() work on memory that was given to them beforehand.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Callable
from typing import Any

import compiled_by_hand
import harness
from compiled_models import PARAMETERS, mlp_data, mlp_loss, mlp_losses, rosenbrock
from harness import Row, Side, timed

NETWORK, ROSENBROCK = "network", "rosenbrock"
N = 200


def point(task: str) -> list[Any]:
    """Float64 arrays to differentiate at: by the first one."""
    import numpy as np

    if task == NETWORK:
        p, points, targets = mlp_data(1)
        return [p, points[0], targets[:1]]
    return [np.where(np.arange(N) % 2, 1.2, -0.9 - 0.001 * np.arange(N))]


def model(task: str, m: Any) -> Callable[..., Any]:
    """The function in question on scalars: of the parts of each argument."""
    if task == NETWORK:
        return lambda p, x, y: mlp_loss(m, p, x, y[0])
    return lambda x: rosenbrock(m, x)


def with_pygrad(task: str, seconds: float, buffered: bool) -> dict[str, Any]:
    pygrad = importlib.import_module("pygrad")
    transform = pygrad.value_and_grad if task == NETWORK else pygrad.grad
    compiled = pygrad.compile(transform(model(task, importlib.import_module("pygrad.math"))))
    x = point(task)
    call = compiled.buffer(*x) if buffered else lambda: compiled(*x)
    return timed(call, flat(call()), seconds)


def flat(result: Any) -> list[float]:
    """Value and gradient, or gradient, as one list."""
    value, gradient = result if isinstance(result, tuple) else (None, result)
    return [float(v) for v in (*([] if value is None else [value]), *gradient)]


def with_jax(task: str, seconds: float, form: str) -> dict[str, Any]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    f = array_model(task, jax.numpy) if form == "arrays" else model(task, jax.numpy)
    call = jax.jit(jax.value_and_grad(f) if task == NETWORK else jax.grad(f))
    x: list[Any] = [jax.numpy.asarray(part) for part in point(task)]
    if form == "scalars":
        x = [list(part) for part in x]
    result = call(*x)
    return timed(lambda: jax.block_until_ready(call(*x)), flat(result), seconds)


def array_model(task: str, numpy: Any) -> Callable[..., Any]:
    """The same function as an array framework wants it."""
    if task == NETWORK:
        return lambda p, x, y: mlp_losses(numpy, p, x[None, :], y)[0]
    return lambda x: numpy.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def casadi_function(task: str) -> Any:
    casadi = importlib.import_module("casadi")
    symbols = [casadi.SX.sym("x", len(part)) for part in point(task)]
    value = model(task, casadi)(*map(casadi.vertsplit, symbols))
    gradient = casadi.gradient(value, symbols[0])
    return casadi.Function("f", symbols, [value, gradient] if task == NETWORK else [gradient])


def with_casadi_call(task: str, seconds: float) -> dict[str, Any]:
    call, x = casadi_function(task), point(task)
    result = call.call(x)
    return timed(lambda: call(*x), [v for part in result for v in part.full().ravel()], seconds)


def with_casadi_buffer(task: str, seconds: float) -> dict[str, Any]:
    """CasADi's virtual machine on memory that stays where it is."""
    import numpy as np

    f, x = casadi_function(task), point(task)
    buffer, call = f.buffer()
    results: list[Any] = [np.empty(f.numel_out(i)) for i in range(f.n_out())]
    for i, part in enumerate(x):
        buffer.set_arg(i, memoryview(part))
    for i, part in enumerate(results):
        buffer.set_res(i, memoryview(part))
    call()
    return timed(call, np.concatenate(results), seconds)


def with_c(task: str, seconds: float) -> dict[str, Any]:
    import numpy as np

    functions, pointer = compiled_by_hand.library("-O3"), compiled_by_hand.pointer
    x = point(task)
    result = np.empty(1 + PARAMETERS if task == NETWORK else N)
    size = ctypes.c_size_t(1 if task == NETWORK else N)
    call = functions.mlp if task == NETWORK else functions.rosenbrock_gradient
    arguments = [*map(pointer, x), size, pointer(result)]
    call(*arguments)
    return timed(lambda: call(*arguments), result, seconds)


BUFFERED, CASADI, BY_HAND = "pygrad buffer()", "CasADi buffer()", "C, -O3"
SIDES = {
    "pygrad": Side(functools.partial(with_pygrad, buffered=False), ("pygrad", "numpy")),
    BUFFERED: Side(functools.partial(with_pygrad, buffered=True), ("pygrad", "numpy")),
    "CasADi call": Side(with_casadi_call, ("casadi", "numpy")),
    CASADI: Side(with_casadi_buffer, ("casadi", "numpy")),
    "JAX, scalars": Side(functools.partial(with_jax, form="scalars"), ("jax",)),
    "JAX, items of an array": Side(functools.partial(with_jax, form="items"), ("jax",)),
    "JAX, arrays": Side(functools.partial(with_jax, form="arrays"), ("jax",)),
    BY_HAND: Side(with_c, ("numpy",), (compiled_by_hand.COMPILER,)),
}
WHAT = {
    NETWORK: f"network, loss + {PARAMETERS} gradients: one call",
    ROSENBROCK: f"Rosenbrock, n = {N}, gradient: one call",
}
TARGETS: dict[str, dict[str, dict[str, float]]] = {
    NETWORK: {},
    ROSENBROCK: {
        "CasADi call": {"at_most": 0.5},
        "JAX, scalars": {"at_least": 20},
        "JAX, arrays": {"at_least": 12},
    },
}
BUFFER_TARGETS: dict[str, dict[str, dict[str, float]]] = {
    NETWORK: {CASADI: {"at_most": 0.2}},
    ROSENBROCK: {CASADI: {"at_most": 0.25}, BY_HAND: {"at_most": 4}},
}


def compare(quick: bool) -> list[Row]:
    table = []
    for task, targets in TARGETS.items():
        print(f"{WHAT[task]}:")
        times = harness.race(
            __file__,
            SIDES,
            1 if quick else 3,
            rel=1e-10,
            seconds=0.05 if quick else 0.5,
            cores=1,
            task=task,
        )
        if "pygrad" not in times:
            continue
        ours, buffered = times.pop("pygrad"), times.pop(BUFFERED)
        for name, target in BUFFER_TARGETS[task].items():
            if name in times:
                what = f"{WHAT[task]}, buffer()"
                table.append(harness.versus(what, buffered, name, times[name], **target))
        for name, theirs in times.items():
            table.append(harness.versus(WHAT[task], ours, name, theirs, **targets.get(name, {})))
    return table


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
