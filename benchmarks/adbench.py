"""ADBench's problems, written as plain scalar functions: objective, gradient or Jacobian, by size.

A mixture of Gaussians (gradient of a sum over points), bundle adjustment (Jacobian blocks of 2 by 15 of
each observation), an LSTM (gradient of a scan), and a hand, without and with places in triangles (Jacobian
by the pose, 26 wide, and by the two numbers of each place beside it). pygrad gets functions of one point,
one observation or one trip, JAX and PyTorch arrays, as adbench_arrays.py has them; all on the same cores.
The first call is that of the derivative, with all that is traced and compiled for it, in a process that has
compiled the objective.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import adbench_arrays
import adbench_models as models
import harness
from adbench_arrays import OfJax, OfTorch
from harness import Row, Side

CORES = 2


class Calls(NamedTuple):
    """What a library makes of a problem: both return arrays, or containers of arrays."""

    objective: Callable[[], Any]
    derivative: Callable[[], Any]


# -- pygrad: of one point, one observation, one trip -------------------------------------------------------


class OfPygrad:
    """The functions for the models."""

    def __init__(self) -> None:
        pygrad = importlib.import_module("pygrad")
        math = pygrad.math
        self.exp, self.log, self.sqrt, self.tanh = math.exp, math.log, math.sqrt, math.tanh
        self.sin, self.cos, self.sigmoid = math.sin, math.cos, math.sigmoid
        self.maximum, self.scan = math.maximum, pygrad.scan


def mixture_with_pygrad(d: int, K: int, points: int) -> Calls:
    """Two programs: one over points, one of what they share."""
    pygrad, m = importlib.import_module("pygrad"), OfPygrad()
    *given, x = models.mixture_data(d, K, points)
    over_points = pygrad.vmap(
        functools.partial(models.mixture_point, m),
        in_axes=(None, None, None, 0),
        reduce="sum",
        threads=CORES,
    )

    def rest(alphas: Any, means: Any, factors: Any) -> Any:
        return models.mixture_rest(m, alphas, means, factors, points)

    by = (0, 1, 2)
    sums = pygrad.compile(over_points), pygrad.compile(rest)
    slopes = [pygrad.compile(pygrad.value_and_grad(f, argnums=by)) for f in (over_points, rest)]

    def derivative() -> Any:
        (a, da), (b, db) = slopes[0](*given, x), slopes[1](*given)
        return a + b, *(p + q for p, q in zip(da, db, strict=True))

    return Calls(lambda: sums[0](*given, x) + sums[1](*given), derivative)


def bundle_with_pygrad(cameras: int, points: int, observations: int) -> Calls:
    pygrad = importlib.import_module("pygrad")
    residual = functools.partial(models.reprojection, OfPygrad())
    slopes = pygrad.jacobian(residual, argnums=(0, 1, 2))
    mapped = [pygrad.compile(pygrad.vmap(f, threads=CORES)) for f in (residual, slopes)]
    of_cameras, places, weights, seen, camera, point = models.bundle_data(
        cameras, points, observations
    )
    objective, derivative = (
        lambda f=f: f(of_cameras[camera], places[point], weights, seen) for f in mapped
    )
    return Calls(objective, derivative)


def lstm_with_pygrad(layers: int, length: int) -> Calls:
    pygrad = importlib.import_module("pygrad")
    loss, data = functools.partial(models.lstm_loss, OfPygrad()), models.lstm_data(layers, length)
    f, slopes = pygrad.compile(loss), pygrad.compile(pygrad.value_and_grad(loss, argnums=(0, 1)))

    def derivative() -> Any:
        value, gradient = slopes(*data)
        return value, *gradient

    return Calls(lambda: f(*data), derivative)


def hand_with_pygrad(points: int) -> Calls:
    """Maps over vertices, whose places and slopes points then look up.

    The bones are the same for all vertices: a program computes them once a call.
    """
    import numpy as np

    pygrad, m = importlib.import_module("pygrad"), OfPygrad()
    pose, _, hand = models.hand_data(points)
    relatives, inverses = hand.relatives.tolist(), hand.inverses.tolist()
    used, at = models.used_vertices(hand, False)

    def away(pose: Any, weights: Any, vertex: Any) -> Any:
        bones = models.bones_of(m, hand.parents, relatives, inverses, pose)
        return [-v for v in models.skinned(bones, weights, vertex)]

    distances, slopes = (
        pygrad.compile(pygrad.vmap(f, in_axes=(None, 0, 0), threads=CORES))
        for f in (away, pygrad.jacobian(away))
    )
    vertices = pose, hand.weights[used], hand.vertices[used]
    return Calls(
        lambda: hand.points + np.take(np.stack(distances(*vertices), axis=1), at, axis=0),
        lambda: np.take(slopes(*vertices), at, axis=0),
    )


def places_with_pygrad(points: int) -> Calls:
    """Maps over points, each of which computes its triangle's corners."""
    pygrad, m = importlib.import_module("pygrad"), OfPygrad()
    pose, u, hand = models.hand_data(points)
    relatives, inverses = hand.relatives.tolist(), hand.inverses.tolist()
    at = hand.triangles[hand.places]

    def distance(pose: Any, u: Any, weights: Any, corners: Any, point: Any) -> Any:
        bones = models.bones_of(m, hand.parents, relatives, inverses, pose)
        return models.distance_inside(bones, u, weights, corners, point)

    given = pose, u, hand.weights[at], hand.vertices[at], hand.points
    objective, derivative = (
        functools.partial(
            pygrad.compile(pygrad.vmap(f, in_axes=(None, 0, 0, 0, 0), threads=CORES)), *given
        )
        for f in (distance, pygrad.jacobian(distance, argnums=(0, 1)))
    )
    return Calls(objective, derivative)


# -- JAX and PyTorch: of whole arrays ----------------------------------------------------------------------


class Jax(NamedTuple):
    """What JAX offers, by the names that PyTorch has for the same."""

    m: Any = OfJax

    def gradient(self, f: Any, by: tuple[int, ...]) -> Any:
        return importlib.import_module("jax").value_and_grad(f, argnums=by)

    def forward(self, f: Any) -> Any:
        return importlib.import_module("jax").jacfwd(f)

    def blocks(self, f: Any, by: tuple[int, ...]) -> tuple[Any, Any]:
        jax = importlib.import_module("jax")
        return jax.vmap(f), jax.vmap(jax.jacrev(f, argnums=by))

    def compiled(self, f: Any, *given: Any) -> Callable[[], Any]:
        jax = importlib.import_module("jax")
        return functools.partial(_ready, jax.jit(f), *given)


def _ready(f: Any, *given: Any) -> Any:
    return importlib.import_module("jax").block_until_ready(f(*given))


class Torch(NamedTuple):
    """The same of PyTorch, which runs each operation as it comes."""

    m: Any = OfTorch

    def gradient(self, f: Any, by: tuple[int, ...]) -> Any:
        torch = importlib.import_module("torch")

        def both(*given: Any) -> Any:
            leaves = [given[k].detach().requires_grad_() for k in by]
            full = [leaves[by.index(k)] if k in by else v for k, v in enumerate(given)]
            value = f(*full)
            gradient = torch.autograd.grad(value, leaves, allow_unused=True)
            return value.detach(), gradient

        return both

    def forward(self, f: Any) -> Any:
        return importlib.import_module("torch").func.jacfwd(f)

    def blocks(self, f: Any, by: tuple[int, ...]) -> tuple[Any, Any]:
        func = importlib.import_module("torch").func
        return func.vmap(f), func.vmap(func.jacrev(f, argnums=by))

    def compiled(self, f: Any, *given: Any) -> Callable[[], Any]:
        return functools.partial(f, *given)


def mixture_with_arrays(library: Any, d: int, K: int, points: int) -> Calls:
    m = library.m()
    data = [m.array(part) for part in models.mixture_data(d, K, points)]
    f = functools.partial(adbench_arrays.mixture, m)
    both = library.compiled(library.gradient(f, (0, 1, 2)), *data)

    def derivative() -> Any:
        value, gradient = both()
        return value, *gradient

    return Calls(library.compiled(f, *data), derivative)


def bundle_with_arrays(library: Any, cameras: int, points: int, observations: int) -> Calls:
    m = library.m()
    data = [m.array(part) for part in models.bundle_data(cameras, points, observations)]
    mapped = library.blocks(functools.partial(adbench_arrays.reprojection, m), (0, 1, 2))

    def gathered(f: Any) -> Any:
        return lambda cameras, places, weights, seen, camera, point: f(
            cameras[camera], places[point], weights, seen
        )

    return Calls(*(library.compiled(gathered(f), *data) for f in mapped))


def lstm_with_arrays(library: Any, layers: int, length: int) -> Calls:
    m = library.m()
    data = [m.array(part) for part in models.lstm_data(layers, length)]
    loss = functools.partial(adbench_arrays.lstm_loss, m)
    both = library.compiled(library.gradient(loss, (0, 1)), *data)

    def derivative() -> Any:
        value, gradient = both()
        return value, *gradient

    return Calls(library.compiled(loss, *data), derivative)


def hand_with_arrays(library: Any, points: int, places: bool) -> Calls:
    """Places in triangles move one point each: their two columns of the Jacobian are two products."""
    import numpy as np

    m = library.m()
    pose, u, hand = models.hand_data(points)
    last = np.tile([0.0, 0.0, 0.0, 1.0], (models.BONES, 1, 1))
    relatives, inverses = (
        m.array(np.concatenate([part, last], axis=1)) for part in (hand.relatives, hand.inverses)
    )
    used, which = models.used_vertices(hand, places)
    vertices = m.array(np.column_stack([hand.vertices[used], np.ones(len(used))]))
    weights, measured, at = m.array(hand.weights[used]), m.array(hand.points), m.array(which)

    def positions(pose: Any) -> Any:
        bones = adbench_arrays.bones_of(m, hand.parents, relatives, inverses, pose)
        return adbench_arrays.skinned(m, bones, weights, vertices)[at]

    def simple(pose: Any) -> Any:
        return measured - positions(pose)

    def complicated(pose: Any, u: Any) -> Any:
        return measured - adbench_arrays.inside(m, u, positions(pose))

    def both(pose: Any, u: Any) -> Any:
        corners = positions(pose)
        along = m.stack([corners[:, 2] - corners[:, k] for k in (0, 1)], 2)
        return library.forward(lambda p: complicated(p, u))(pose), along

    given = [m.array(pose), m.array(u)] if places else [m.array(pose)]
    f, slopes = (complicated, both) if places else (simple, library.forward(simple))
    return Calls(library.compiled(f, *given), library.compiled(slopes, *given))


# -- the comparison ----------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """A problem: how each kind of library does it, and its sizes, the first of which --quick takes."""

    what: str
    with_pygrad: Callable[..., Calls]
    with_arrays: Callable[..., Calls]
    sizes: tuple[dict[str, Any], ...]


PROBLEMS = {
    "mixture": Problem(
        "GMM, gradient",
        mixture_with_pygrad,
        mixture_with_arrays,
        tuple(
            {"d": d, "K": k, "points": points}
            for d, k, points in ((2, 5, 1000), (10, 25, 1000), (20, 50, 1000), (10, 25, 10_000))
        ),
    ),
    "bundle": Problem(
        "BA, Jacobian",
        bundle_with_pygrad,
        bundle_with_arrays,
        (
            {"cameras": 10, "points": 500, "observations": 2000},
            {"cameras": 49, "points": 7776, "observations": 31843},
            {"cameras": 161, "points": 48126, "observations": 182072},
        ),
    ),
    "lstm": Problem(
        "LSTM, gradient",
        lstm_with_pygrad,
        lstm_with_arrays,
        tuple({"layers": n, "length": c} for n, c in ((2, 128), (2, 1024), (4, 1024))),
    ),
    "hand": Problem(
        "hand, Jacobian",
        hand_with_pygrad,
        functools.partial(hand_with_arrays, places=False),
        tuple({"points": points} for points in (100, 1000, 10_000)),
    ),
    "places": Problem(
        "hand with places, Jacobian",
        places_with_pygrad,
        functools.partial(hand_with_arrays, places=True),
        tuple({"points": points} for points in (100, 1000, 10_000)),
    ),
}


def arrays(result: Any) -> list[Any]:
    """The arrays of a result; of a list, which has one for each number of a row, those of whole rows."""
    import numpy as np

    if isinstance(result, tuple):
        return [array for part in result for array in arrays(part)]
    if isinstance(result, list):
        return [np.stack(parts, axis=1) for parts in zip(*map(arrays, result), strict=True)]
    return [np.asarray(result, dtype=float)]


def numbers(result: Any) -> list[float]:
    """Of each array all numbers, or a thousand or two of them."""
    flat = [array.ravel() for array in arrays(result)]
    return [float(v) for part in flat for v in part[:: max(1, part.size // 1000)]]


def side(library: Any, *needs: str) -> Side:
    """Times of objective, derivative and its first call; and numbers of both."""

    def run(name: str, size: dict[str, Any], seconds: float) -> dict[str, Any]:
        problem = PROBLEMS[name]
        make = functools.partial(problem.with_arrays, library) if library else problem.with_pygrad
        calls = make(**size)
        value = numbers(calls.objective())
        start = time.perf_counter()
        result = calls.derivative()
        first = time.perf_counter() - start
        times = harness.least_of_each(calls._asdict(), seconds) if seconds else {}
        return {"result": value + numbers(result), "first": first, **times}

    return Side(run, (*needs, "numpy"))


SIDES = {
    "pygrad": side(None, "pygrad"),
    "JAX": side(Jax(), "jax"),
    "PyTorch": side(Torch(), "torch"),
}
FASTER, RATIO = 2.0, 2.5  # than the better peer; of derivative and objective


def compare(quick: bool) -> list[Row]:
    rows: list[Row] = []
    for name, problem in PROBLEMS.items():
        rows += of_problem(name, problem, quick)
    return rows


def of_problem(name: str, problem: Problem, quick: bool) -> list[Row]:
    """The rows of one problem, and where a peer is better."""
    rows: list[Row] = []
    ours: list[tuple[str, float]] = []
    for size in problem.sizes[:1] if quick else problem.sizes:
        said = ", ".join(f"{key} = {value:,}" for key, value in size.items())
        what = f"{problem.what}, {said}"
        print(f"{what}:")
        given = {"name": name, "size": size, "seconds": 0.02 if quick else 1.0, "cores": CORES}
        runs = harness.run_sides(__file__, SIDES, 1, dict.fromkeys(SIDES, given))
        if "pygrad" not in runs:
            return []
        for other in [other for other in runs if other != "pygrad"]:
            first, second = runs[other][0]["result"], runs["pygrad"][0]["result"]
            if len(first) != len(second):
                raise harness.Failed(f"{other} and pygrad: {len(first)} and {len(second)} numbers")
            least = 1e-6 * max(map(abs, second))
            harness.check_equal(f"{other} and pygrad", first, second, rel=1e-9, least=least)
        times = {
            part: {side: [run[part] for run in found] for side, found in runs.items()}
            for part in ("objective", "derivative", "first")
        }
        for part, samples in times.items():
            print(f"{part}:")
            harness.show_samples(samples)
        rows += of_size(what, times)
        ours.append((said, min(times["derivative"]["pygrad"])))
    for (before, less), (after, more) in itertools.pairwise(ours):
        print(f"growth, {problem.what}: {more / less:.3g}x from {before} to {after}")
    return rows


def of_size(what: str, times: dict[str, dict[str, list[float]]]) -> list[Row]:
    derivative = times["derivative"]["pygrad"]
    ratio = [a / b for a, b in zip(derivative, times["objective"]["pygrad"], strict=True)]
    rows = [harness.figure(f"{what} / objective", ratio, "x", at_most=RATIO)]
    for part, named in (("derivative", what), ("first", f"{what}, first call")):
        peers = {name: samples for name, samples in times[part].items() if name != "pygrad"}
        if not peers:
            continue
        better = min(peers, key=lambda name: min(peers[name]))
        target = FASTER if part == "derivative" else None
        row = harness.versus(named, times[part]["pygrad"], better, peers[better], at_least=target)
        if min(peers[better]) < min(times[part]["pygrad"]):
            print(f"{better} is better: {row.what}, {row.ratio}")
        rows.append(row)
    return rows


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
