"""Log densities of distributions, named and parametrised as scipy.stats has them, of Values and numbers.

They are made of `pygrad.special`: import them, or copy what is needed. Run, it fits two of them to data by
their exact gradients and Hessians, and prints estimates with standard errors.

    python examples/log_densities.py [--rows N] [--seed N]
"""

from __future__ import annotations

import argparse
from math import log, pi
from typing import Any

import numpy as np

from pygrad import grad, hessian, linalg, math, newton
from pygrad.special import betaln, gammaln, xlog1py, xlogy

_HALF_LOG_2PI = 0.5 * log(2 * pi)


def norm_logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The normal distribution of mean loc and standard deviation scale."""
    z = (x - loc) / scale
    return -0.5 * z * z - _HALF_LOG_2PI - math.log(scale)


def t_logpdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """Student's distribution of df degrees of freedom."""
    z = (x - loc) / scale
    constant = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * math.log(pi * df)
    return constant - 0.5 * (df + 1.0) * math.log1p(z * z / df) - math.log(scale)


def gamma_logpdf(x: Any, a: Any, scale: Any = 1.0) -> Any:
    """The gamma distribution of shape a, for x > 0."""
    z = x / scale
    return xlogy(a - 1.0, z) - z - gammaln(a) - math.log(scale)


def beta_logpdf(x: Any, a: Any, b: Any) -> Any:
    """The beta distribution, for x between 0 and 1."""
    return xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b)


def poisson_logpmf(k: Any, mu: Any) -> Any:
    """The Poisson distribution of mean mu, for whole k >= 0."""
    return xlogy(k, mu) - mu - gammaln(k + 1.0)


def binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    """The number of successes, of probability p each, among n."""
    ways = -math.log(n + 1.0) - betaln(n - k + 1.0, k + 1.0)
    return ways + xlogy(k, p) + xlog1py(n - k, -p)


def multivariate_normal_logpdf(x: Any, mean: Any, cov: Any) -> Any:
    """The normal distribution of several numbers, of covariance cov."""
    away = np.asarray(x) - np.asarray(mean)
    lower = linalg.cholesky(cov)
    z = linalg.solve(lower, away)
    logs = sum(math.log(lower[i, i]) for i in range(len(away)))
    return -0.5 * (z @ z) - logs - _HALF_LOG_2PI * len(away)


def fitted(loss: Any, start: list[float]) -> tuple[Any, Any]:
    """Where a sum of negative log densities is least, and standard errors by its Hessian."""
    found = newton(grad(loss), np.array(start)).x
    return found, np.sqrt(np.diag(np.linalg.inv(np.array(hessian(loss)(found)))))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)

    times = rng.gamma(3.0, 2.0, given.rows).tolist()
    waiting, errors = fitted(  # by logarithms, so that both stay above 0
        lambda v: -sum(gamma_logpdf(x, math.exp(v[0]), math.exp(v[1])) for x in times),
        [0.5, 1.0],
    )
    shape, scale = np.exp(waiting)
    print(f"gamma: shape {shape:.3f} +- {shape * errors[0]:.3f} (3 was drawn from)")
    print(f"       scale {scale:.3f} +- {scale * errors[1]:.3f} (2)")

    x = rng.normal(size=given.rows)
    counts = rng.poisson(np.exp(0.5 + 0.3 * x))
    (level, slope), errors = fitted(
        lambda v: (
            -sum(
                poisson_logpmf(float(k), math.exp(v[0] + v[1] * at))
                for k, at in zip(counts, x.tolist(), strict=True)
            )
        ),
        [0.0, 0.0],
    )
    print(f"poisson: level {level:.3f} +- {errors[0]:.3f} (0.5 was drawn from)")
    print(f"         slope {slope:.3f} +- {errors[1]:.3f} (0.3)")


if __name__ == "__main__":
    main()
