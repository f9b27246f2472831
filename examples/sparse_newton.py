"""Newton's method with 10,000 unknowns: a noisy signal smoothed, but not its edges, by sparse Hessians.

What is minimised is half the squared distance from the signal plus, times a weight, the total variation:
the sum of the steps from sample to sample, rounded off at 0 (Rudin, Osher and Fatemi 1992). Its Hessian has
three diagonals.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from typing import Any

from pygrad import compile, hessian, math, value_and_grad


def steps_and_noise(count: int, seed: int) -> tuple[Any, Any]:
    """A signal of ten levels, and the same with noise."""
    import numpy as np

    rng = np.random.default_rng(seed)
    clean = np.repeat(rng.normal(size=10), -(-count // 10))[:count]
    return clean, clean + 0.3 * rng.normal(size=count)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000, help="unknowns (%(default)s)")
    parser.add_argument("--weight", type=float, default=1.0, help="of the steps (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the noise (%(default)s)")
    options = parser.parse_args(argv)
    try:
        import numpy as np
        from scipy.sparse.linalg import spsolve
    except ImportError:
        print("sparse_newton.py uses SciPy's sparse arrays: pip install scipy", file=sys.stderr)
        return 1

    clean, noisy = steps_and_noise(options.samples, options.seed)
    data = noisy.tolist()

    def cost(x: Any) -> Any:
        distance = sum((a - b) ** 2 for a, b in zip(x, data, strict=True)) / 2
        return distance + options.weight * sum(
            math.sqrt((b - a) ** 2 + 1e-3) for a, b in pairwise(x)
        )

    slope = compile(value_and_grad(cost))
    curvature = compile(hessian(cost, sparse=True))

    x = noisy.copy()
    began = time.perf_counter()
    value, gradient = slope(x)
    matrix = curvature(x)
    print(f"traced in {time.perf_counter() - began:.2f} s")
    full = 8e-6 * matrix.shape[0] * matrix.shape[1]
    print(
        f"Hessian: {matrix.nnz} entries from {curvature.programs[0]['sweeps']} sweeps, "
        f"{1.2e-5 * matrix.nnz:.2f} MB where a full one takes {full:.0f} MB"
    )
    print("step          cost  largest slope   length")
    began = time.perf_counter()
    for step in range(100):
        print(f"{step:4}  {value:12.6f}  {abs(gradient).max():13.1e}", end="")
        if abs(gradient).max() < 1e-9:
            print()
            break
        direction = spsolve(curvature(x).tocsc(), gradient)
        length = 1.0
        while slope(x - length * direction)[0] > value - 1e-4 * length * (gradient @ direction):
            length /= 2
        x = x - length * direction
        value, gradient = slope(x)
        print(f"  {length:7}")
    seconds = time.perf_counter() - began
    print(f"{step} steps in {seconds:.2f} s, {1e3 * seconds / max(step, 1):.1f} ms each")
    for name, signal in (("noisy", noisy), ("smoothed", x)):
        print(
            f"{name:8} signal: {np.sqrt(np.mean((signal - clean) ** 2)):.3f} off, root mean square"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
