"""Trains a small network on rows that lie in chunks on the workers of a Dask cluster."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

from pygrad import math

HIDDEN = 8


@dataclass
class Network:
    """Two inputs, one layer of tanh, one output."""

    w: Any  # an array for each hidden neuron
    b: Any
    v: Any
    c: float = 0.0

    def __call__(self, x: Any) -> Any:
        neurons = zip(self.w, self.b, self.v, strict=True)
        return sum(v * math.tanh(w[0] * x[0] + w[1] * x[1] + b) for w, b, v in neurons) + self.c


def loss(p: Network, x: Any, y: Any) -> Any:
    """Of one row."""
    return (p(x) - y) ** 2


def start(seed: int) -> Network:
    """Small random weights."""
    import numpy as np

    normal = np.random.default_rng(seed).normal
    return Network(normal(0, 0.5, (HIDDEN, 2)), normal(0, 0.5, HIDDEN), normal(0, 0.5, HIDDEN))


def data(rows: int, chunks: int, seed: int) -> tuple[Any, Any]:
    """Points of a square and a wave over them; each chunk is made by the worker that has it."""
    import dask.array as da

    points = da.random.default_rng(seed).uniform(-2, 2, (rows, 2), chunks=(-(-rows // chunks), 2))
    return points, da.sin(2 * points[:, 0]) * da.cos(points[:, 1])


def added(a: float, p: Network, b: float, q: Network) -> Network:
    """a * p + b * q, for all parameters; q may be a gradient, which is a Network, too."""
    pairs = zip(vars(p).values(), vars(q).values(), strict=True)
    return Network(*[a * x + b * y for x, y in pairs])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of data (%(default)s)")
    parser.add_argument("--chunks", type=int, default=4, help="of rows (%(default)s)")
    parser.add_argument("--steps", type=int, default=100, help="of gradient descent (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument("--scheduler", help="address of a cluster, in place of processes here")
    parser.add_argument("--seed", type=int, default=0, help="data and weights (%(default)s)")
    options = parser.parse_args(argv)
    try:
        import dask
        from dask.distributed import Client, LocalCluster
    except ImportError:
        print("dask_gradient.py needs Dask: pip install 'pygrad-core[dask]'", file=sys.stderr)
        return 1
    from pygrad.dask import value_and_grad

    step = value_and_grad(loss)
    cluster = options.scheduler or LocalCluster(
        n_workers=options.workers, threads_per_worker=1, dashboard_address=None
    )
    with Client(cluster) as client:
        x, y = client.persist(data(options.rows, options.chunks, options.seed))
        p = start(options.seed)
        speed = added(0.0, p, 0.0, p)
        began = time.perf_counter()
        for k in range(options.steps):
            value, slopes = step(p, x, y)
            if k % 20 == 0:
                print(f"step {k:4}  mean squared error {value:.6f}")
            speed = added(0.9, speed, -0.05, slopes)  # gradient descent with momentum
            p = added(1.0, p, 1.0, speed)
        value, slopes = step(p, x, y)
        seconds = time.perf_counter() - began
        print(f"step {options.steps:4}  mean squared error {value:.6f}, in {seconds:.1f} s")
    if options.scheduler is None:
        cluster.close()

    with dask.config.set(scheduler="synchronous"):  # the same in this process alone
        alone, _ = step(p, *data(options.rows, options.chunks, options.seed))
    print(f"in one process it is the same, but for {abs(alone - value):.1g}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
