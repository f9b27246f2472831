"""Newton-CG on Rosenbrock's function of many inputs: what exact second derivatives save, through SciPy."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pygrad
import pygrad.scipy


def rosenbrock(x: Any) -> Any:
    """A curved valley (Rosenbrock 1960); its floor ends where every input is 1."""
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.function(x)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=50, help="how many (%(default)s)")
    parser.add_argument("--steps", type=int, default=1000, help="at most so many (%(default)s)")
    options = parser.parse_args(argv)
    try:
        import numpy as np
        from scipy import optimize
    except ImportError:
        print("newton_cg.py uses SciPy's solvers: pip install scipy", file=sys.stderr)
        return 1

    start = np.tile([-1.2, 1.0], options.inputs)[: options.inputs]
    settings = {"method": "Newton-CG", "options": {"xtol": 1e-8, "maxiter": options.steps}}

    def exact() -> tuple[Any, int]:
        """Value with gradient from one run of f; products of the Hessian with vectors from another."""
        f = Counted(rosenbrock)
        return pygrad.scipy.minimize(f, start, **settings), f.calls

    def exact_gradient() -> tuple[Any, int]:
        """SciPy takes differences of exact gradients for the Hessian."""
        f, gradient = Counted(rosenbrock), Counted(pygrad.grad(rosenbrock))
        result = optimize.minimize(f, start, jac=gradient, **settings)
        return result, f.calls + gradient.calls

    def differences() -> tuple[Any, int]:
        """Differences for the gradient, and differences of these for the Hessian."""
        f = Counted(rosenbrock)
        gradient = lambda x: optimize.approx_fprime(x, f)  # noqa: E731
        return optimize.minimize(f, start, jac=gradient, **settings), f.calls

    print(f"Newton-CG, {options.inputs} inputs, the minimum is 0 where all are 1")
    print("derivatives               runs of f  steps   minimum  worst input  seconds")
    for name, run in [
        ("exact", exact),
        ("Hessian by differences", exact_gradient),
        ("both by differences", differences),
    ]:
        began = time.perf_counter()
        result, runs = run()
        seconds = time.perf_counter() - began
        miss = abs(result.x - 1).max()
        print(
            f"{name:24}  {runs:9}  {result.nit:5}  {result.fun:8.1e}  {miss:11.1e}  {seconds:7.2f}"
            + ("" if result.success else f"  {result.message}")
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
