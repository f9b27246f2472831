"""The first call of a compiled function: tracing and compiling it, and then running it.

The loss of a small network with its 337 gradients over 64 rows, from the definition of the function to the
first result; and how the time per operation grows with the length of the program, for a chain of
operations and for a tangle of them. Importing and starting the libraries is not counted.
"""

from __future__ import annotations

import functools
import importlib
import math
import time
from collections.abc import Callable
from typing import Any

import compiled_models
import compiled_rows
import harness
from compiled_models import PARAMETERS, mlp_data
from harness import Row, Side

ROWS = 64
START = [0.3, -0.2, math.cos(0.1), math.sin(0.1)]


# --- one function, several libraries ----------------------------------------------------------------


def first_call(
    start: Callable[[], Any], make: Callable[..., compiled_rows.Step], seconds: float
) -> dict[str, Any]:
    """Times the first call once, however many seconds are asked for."""
    start()
    data = mlp_data(ROWS)
    begun = time.perf_counter()
    value, gradient = make(data)()
    elapsed = time.perf_counter() - begun
    return {"result": [float(v) for v in (value, *gradient)], "seconds": elapsed}


def start_pygrad() -> None:
    pygrad = importlib.import_module("pygrad")
    pygrad.compile(pygrad.vmap(pygrad.grad(pygrad.math.sin)))([1.0])  # and all is imported


def start_jax() -> None:
    jax = compiled_rows.jax_of_doubles()
    jax.jit(jax.numpy.sin)(1.0)


def start_casadi() -> None:
    casadi = importlib.import_module("casadi")
    x = casadi.SX.sym("x")
    casadi.Function("f", [x], [casadi.sin(x)])(1.0)


def side(start: Callable[[], Any], make: Callable[..., Any], *needs: str) -> Side:
    return Side(functools.partial(first_call, start, make), (*needs, "numpy"))


NETWORK = {
    "pygrad": side(start_pygrad, compiled_rows.with_pygrad, "pygrad"),
    "JAX, scalars": side(start_jax, compiled_rows.with_jax_scalars, "jax"),
    "JAX, matrices": side(start_jax, compiled_rows.with_jax_matrices, "jax"),
    "CasADi map": side(start_casadi, compiled_rows.with_casadi, "casadi"),
}


def compare_libraries(quick: bool) -> list[Row]:
    times = harness.race(__file__, NETWORK, 1 if quick else 5, rel=1e-9, seconds=1.0)
    if "pygrad" not in times:
        return []
    ours = times.pop("pygrad")
    what = f"network, loss + {PARAMETERS} gradients: first call"
    targets = {"JAX, scalars": 100}
    return [
        harness.versus(what, ours, name, theirs, at_least=targets.get(name))
        for name, theirs in times.items()
    ]


# --- programs of growing length ---------------------------------------------------------------------


def growth(model: str, with_gradient: bool, operations: int, repeats: int) -> dict[str, Any]:
    """Seconds per operation of the least first call, and its result.

    Of the processor's time, as such calls are too long for a machine to be quiet meanwhile.
    """
    pygrad = importlib.import_module("pygrad")
    math = importlib.import_module("pygrad.math")
    f = functools.partial(getattr(compiled_models, model), math, operations=operations)
    times = []
    for _ in range(repeats):
        call = pygrad.compile(pygrad.value_and_grad(f) if with_gradient else f)
        begun = time.process_time()
        result = call(START)
        times.append((time.process_time() - begun) / operations)
    return {"seconds": min(times), "value": result[0] if with_gradient else result}


MODELS = ("recurrence", "tangle")
GROWTH = {"growth": Side(growth, ("pygrad", "numpy"))}


def compare_lengths(quick: bool) -> list[Row]:
    sizes = (1_000, 10_000) if quick else (10_000, 100_000, 1_000_000)
    if not harness.can_run("growth", GROWTH["growth"]):
        return []
    samples: dict[str, list[float]] = {}
    for model in MODELS:
        for with_gradient in (False, True):
            kind = f"{model}, value and gradient" if with_gradient else f"{model}, value"
            samples[kind] = []
            for operations in sizes:
                run = harness.run_side(
                    __file__,
                    "growth",
                    model=model,
                    with_gradient=with_gradient,
                    operations=operations,
                    repeats=max(4, 200_000 // operations),
                )
                expected = getattr(compiled_models, model)(math, START, operations)
                what = f"{kind}, {operations:,} operations: result and floats"
                harness.check_equal(what, [run["value"]], [expected], rel=1e-12)
                samples[kind].append(run["seconds"])
    head = ("first call, per operation", *(f"{size:,}" for size in sizes))
    cells = [(kind, *map(harness.quantity, times)) for kind, times in samples.items()]
    print(harness.table(head, cells))
    return [
        harness.figure(
            f"first call per operation, {sizes[-1]:,} against {sizes[i]:,} operations",
            [max(times[-1] / times[i] for times in samples.values())],
            "x",
            at_most=limit,
        )
        for i, limit in ((-2, 2), (-3, 3))
        if -i <= len(sizes)
    ]


SIDES = {**NETWORK, **GROWTH}


def compare(quick: bool) -> list[Row]:
    return compare_libraries(quick) + compare_lengths(quick)


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
