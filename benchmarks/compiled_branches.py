"""Rows that branch: Kepler's equation by Newton's method, a `while` loop that each row leaves in its time.

The eccentric anomaly and its derivatives by both inputs, after 2 to 6 turns. One Python function runs in
pygrad, compiled, and in a Python loop over eager gradients. JAX needs `lax.while_loop` for it, and
differentiates that forwards only; in C the three numbers go through the loop together. CasADi's symbols
and PyTorch's batches have no such loop.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from typing import Any

import compiled_by_hand
import harness
from compiled_models import kepler
from harness import Row, Side, timed

ROWS, FEW_ROWS = 100_000, 500
Calls = Callable[[], Any]  # returns the anomalies, and their derivatives by each input


def inputs(rows: int) -> tuple[Any, Any]:
    """Mean anomalies in radians, and eccentricities."""
    import numpy as np

    rng = np.random.default_rng(1337)
    return rng.uniform(0.05, 3.1, rows), rng.uniform(0.0, 0.9, rows)


def with_pygrad(rows: int) -> Calls:
    pygrad = importlib.import_module("pygrad")
    both = pygrad.value_and_grad(kepler_on_values(), argnums=(0, 1))
    call, data = pygrad.compile(pygrad.vmap(both)), inputs(rows)
    return lambda: call(*data)


def with_pygrad_eagerly(rows: int) -> Calls:
    pygrad = importlib.import_module("pygrad")
    both = pygrad.value_and_grad(kepler_on_values(), argnums=(0, 1))
    pairs = list(zip(*(column.tolist() for column in inputs(rows)), strict=True))

    def call() -> Any:
        values, slopes = zip(*[both(m, e) for m, e in pairs], strict=True)
        return values, tuple(zip(*slopes, strict=True))

    return call


def kepler_on_values() -> Callable[[Any, Any], Any]:
    math = importlib.import_module("pygrad.math")
    return lambda m, e: kepler(math, m, e)


def with_jax(rows: int) -> Calls:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy

    def anomaly(m: Any, e: Any) -> Any:
        def turn(state: Any) -> Any:
            v, _ = state
            step = (v - e * numpy.sin(v) - m) / (1.0 - e * numpy.cos(v))
            return v - step, step

        state = m + 0.85 * e, numpy.ones_like(m)
        return jax.lax.while_loop(lambda state: abs(state[1]) > 1e-12, turn, state)[0]

    def both(m: Any, e: Any) -> Any:
        return anomaly(m, e), jax.jacfwd(anomaly, argnums=(0, 1))(m, e)

    call, data = jax.jit(jax.vmap(both)), tuple(map(numpy.asarray, inputs(rows)))
    return lambda: jax.block_until_ready(call(*data))


def with_c(rows: int) -> Calls:
    import numpy as np

    function, result = compiled_by_hand.library("-O3").kepler, np.empty((rows, 3))
    pointer = compiled_by_hand.pointer
    arguments = [*map(pointer, inputs(rows)), ctypes.c_size_t(rows), pointer(result)]

    def call() -> Any:
        function(*arguments)
        return result[:, 0], (result[:, 1], result[:, 2])

    return call


def side(make: Callable[[int], Calls], *needs: str, tools: tuple[str, ...] = ()) -> Side:
    def run(rows: int, seconds: float) -> dict[str, Any]:
        call = make(rows)
        value, slopes = call()
        return timed(call, [*value, *slopes[0], *slopes[1]], seconds)

    return Side(run, (*needs, "numpy"), tools)


EAGER = "pygrad, eager loop"
SIDES = {
    "pygrad": side(with_pygrad, "pygrad"),
    EAGER: side(with_pygrad_eagerly, "pygrad"),
    "JAX, vmap(while_loop)": side(with_jax, "jax"),
    "C, -O3": side(with_c, tools=(compiled_by_hand.COMPILER,)),
}


def compare(quick: bool) -> list[Row]:
    rounds, seconds = (1, 0.05) if quick else (3, 0.5)
    settings: dict[str, Any] = {"rounds": rounds, "seconds": seconds, "cores": 1}
    rows = 2000 if quick else ROWS
    fast = {name: side for name, side in SIDES.items() if name != EAGER}
    times = harness.race(__file__, fast, rel=1e-9, per=rows, rows=rows, **settings)
    # The loop in Python takes too long for so many rows; its time for a row is the same for few.
    few = {name: SIDES[name] for name in ("pygrad", EAGER)}
    eager = harness.race(__file__, few, rel=1e-9, per=FEW_ROWS, rows=FEW_ROWS, **settings)
    if "pygrad" not in times:
        return []
    what = f"Newton until done, value + 2 slopes, {rows:,} rows: a row"
    others = {EAGER: eager[EAGER], **times}
    ours = others.pop("pygrad")
    return [harness.versus(what, ours, name, theirs) for name, theirs in others.items()]


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
