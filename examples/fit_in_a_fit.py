"""A fit in a fit: the penalty of a polynomial's coefficients by the gradient of what new points say.

The inner fit is penalised least squares by Gauss-Newton, which knows nothing of the outer one; its solution
depends on the penalty by the implicit function theorem. The outer one is Newton's method on the derivative
of the error at points that were not fitted, so it takes second derivatives of a solution.
"""

from __future__ import annotations

import argparse
import math
import random
from typing import Any

from pygrad import gauss_newton, grad, newton, value_and_grad


def noisy(count: int, rng: random.Random) -> list[tuple[float, float]]:
    """Points of a wave, with noise."""
    xs = [rng.uniform(-1.0, 1.0) for _ in range(count)]
    return [(x, math.sin(4.0 * x) + rng.gauss(0.0, 0.3)) for x in xs]


def polynomial(coefficients: Any, x: float) -> Any:
    total = 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--degree", type=int, default=9, help="of the polynomial (%(default)s)")
    parser.add_argument("--seed", type=int, default=2, help="of the points (%(default)s)")
    options = parser.parse_args(argv)
    rng = random.Random(options.seed)
    fitted, new = noisy(15, rng), noisy(60, rng)

    def fit(log_penalty: Any) -> Any:
        weight = (
            (0.5 * log_penalty).exp()
            if hasattr(log_penalty, "exp")
            else math.exp(0.5 * log_penalty)
        )

        def residuals(c: Any) -> list[Any]:
            misfits = [polynomial(c, x) - y for x, y in fitted]
            return misfits + [weight * each for each in c]

        return gauss_newton(residuals, [0.0] * (options.degree + 1)).x

    def error(log_penalty: Any) -> Any:
        """The mean square at the new points."""
        c = fit(log_penalty)
        return sum((polynomial(c, x) - y) ** 2 for x, y in new) / len(new)

    start = math.log(0.03)
    value, slope = value_and_grad(error)(start)
    h = 1e-4
    differences = (error(start + h) - error(start - h)) / (2.0 * h)
    print(f"penalty {math.exp(start):.4f}: error {value:.4f}, slope {slope:.8f}")
    print(f"by differences of whole fits:  slope {differences:.8f}")

    best = newton(grad(error), start)
    print(f"penalty {math.exp(best.x):.4f}: error {error(best.x):.4f}, after {best.steps} steps")
    print(f"curvature there: {grad(grad(error))(best.x):.5f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
