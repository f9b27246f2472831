"""What a gradient costs, over rows, in evaluations of the function itself.

The program of value and gradient beside the program of the value: the network's mean loss by its 337
parameters; and for each row the price of an option by 5 inputs, a pendulum's angle after 200 Runge-Kutta
steps by 4, and Rosenbrock's function by 20. The same for CasADi's map, whose results have to agree.
"""

from __future__ import annotations

import functools
import importlib
import statistics
from collections.abc import Callable
from typing import Any

import compiled_models
import harness
from compiled_models import PARAMETERS, mlp_data, mlp_loss
from harness import Row, Side

# By name: the inputs' lowest and highest numbers.
RANGES = {
    "black_scholes": ([80, 80, 0.0, 0.1, 0.2], [120, 120, 0.05, 0.6, 2.0]),
    "pendulum": ([-2.0, -1.0, 5.0, 0.0], [2.0, 1.0, 15.0, 0.5]),
    "rosenbrock": ([-1.5] * 20, [1.5] * 20),
}
NETWORK = "network"
COMPARED = 20  # first numbers of each result, on which the libraries have to agree

Two = dict[str, Callable[[], Any]]  # "value" and "gradient": a call of each, which returns arrays


def inputs(model: str, rows: int) -> Any:
    import numpy as np

    low, high = RANGES[model]
    return np.random.default_rng(1337).uniform(low, high, size=(rows, len(low)))


# --- one function for each library ------------------------------------------------------------------


def with_pygrad(model: str, rows: int) -> Two:
    pygrad = importlib.import_module("pygrad")
    math = importlib.import_module("pygrad.math")
    if model == NETWORK:
        f = functools.partial(mlp_loss, math)
        mean = pygrad.vmap(f, in_axes=(None, 0, 0), reduce="mean")
        value, both = pygrad.compile(mean), pygrad.compile(pygrad.value_and_grad(mean))
        data: tuple[Any, ...] = mlp_data(rows)
    else:
        f = functools.partial(getattr(compiled_models, model), math)
        value = pygrad.compile(pygrad.vmap(f))
        both = pygrad.compile(pygrad.vmap(pygrad.value_and_grad(f)))
        data = (inputs(model, rows),)
    return {"value": lambda: [value(*data)], "gradient": lambda: both(*data)}


def with_pygrad_eagerly(model: str, rows: int) -> Two:
    import numpy as np

    pygrad = importlib.import_module("pygrad")
    f = mlp_loss if model == NETWORK else getattr(compiled_models, model)
    both = pygrad.value_and_grad(functools.partial(f, importlib.import_module("pygrad.math")))

    def call() -> list[Any]:
        if model != NETWORK:
            return [np.array(part) for part in zip(*map(both, inputs(model, rows)), strict=True)]
        p, points, targets = mlp_data(rows)
        by_row = [both(p, x, y) for x, y in zip(points, targets, strict=True)]
        return [np.mean(part, axis=0) for part in zip(*by_row, strict=True)]

    return {"value": lambda: call()[:1], "gradient": call}


def with_casadi(model: str, rows: int) -> Two:
    casadi = importlib.import_module("casadi")
    is_mean = model == NETWORK
    if is_mean:
        by, x, y = (casadi.SX.sym(*s) for s in (("p", PARAMETERS), ("x", 2), ("y", 1)))
        f = mlp_loss(casadi, casadi.vertsplit(by), casadi.vertsplit(x), y)
        p, points, targets = mlp_data(rows)
        symbols, data = [by, x, y], [p, points.T, targets.reshape(1, rows)]
    else:
        by = casadi.SX.sym("x", len(RANGES[model][0]))
        f = getattr(compiled_models, model)(casadi, casadi.vertsplit(by))
        symbols, data = [by], [inputs(model, rows).T]

    def call(*results: Any) -> Callable[[], Any]:
        row = casadi.Function("row", symbols, results)
        shared, added = ([0], list(range(len(results)))) if is_mean else ([], [])
        over_rows = row.map("over_rows", "serial", rows, shared, added)
        scale = 1.0 / rows if is_mean else 1.0
        return lambda: [scale * part.full().T for part in over_rows.call(data)]

    return {"value": call(f), "gradient": call(f, casadi.gradient(f, by))}


def side(make: Callable[[str, int], Two], *needs: str) -> Side:
    """The results of the first rows, and the times of the two calls in one process."""

    def run(model: str, rows: int, seconds: float) -> dict[str, Any]:
        import numpy as np

        calls = make(model, rows)
        parts = [*calls["value"](), *calls["gradient"]()]
        first = [np.asarray(part).ravel()[:COMPARED] for part in parts]
        times = {
            name: harness.least_seconds(call, seconds) / rows if seconds else None
            for name, call in calls.items()
        }
        return {"result": np.concatenate(first).tolist(), "times": times}

    return Side(run, (*needs, "numpy"))


# --- the comparison ---------------------------------------------------------------------------------

TIMED = {"pygrad": side(with_pygrad, "pygrad"), "CasADi map": side(with_casadi, "casadi")}
SIDES = {**TIMED, "pygrad, eager": side(with_pygrad_eagerly, "pygrad")}
WHAT = {
    NETWORK: f"network, {PARAMETERS} inputs",
    "black_scholes": "Black-Scholes, 5 inputs",
    "pendulum": "pendulum, 200 RK4 steps, 4 inputs",
    "rosenbrock": "Rosenbrock, 20 inputs",
}


def compare(quick: bool) -> list[Row]:
    table = []
    for model, what in WHAT.items():
        print(f"{what}:")
        harness.agree(__file__, SIDES, rel=1e-9, model=model, rows=100)
        rounds, seconds = (1, 0.05) if quick else (3, 0.5)
        rows = {"pygrad": 1000 if quick else 100_000, "CasADi map": 1000}
        options = {"model": model, "seconds": seconds, "cores": 1}
        by_side = {name: {**options, "rows": count} for name, count in rows.items()}
        results = harness.run_sides(__file__, TIMED, rounds, by_side)
        for name, runs in results.items():
            times = {kind: [r["times"][kind] for r in runs] for kind in ("value", "gradient")}
            harness.show_samples({f"{name}, {kind}, a row": t for kind, t in times.items()})
            ratios = [r["times"]["gradient"] / r["times"]["value"] for r in runs]
            label = f"gradient / value, {what}, {rows[name]:,} rows"
            if name == "pygrad":
                table.append(harness.figure(label, ratios, "x", at_most=3))
            else:
                print(f"{label}, {name}: {harness.quantity(statistics.median(ratios), 'x')}")
    return table


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
