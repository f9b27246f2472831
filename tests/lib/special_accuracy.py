"""How accurate `pygrad.special` is: the table of docs/special.md, against mpmath.

python tests/lib/special_accuracy.py     prints the rows
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import mpmath
import numpy as np

from pygrad import grad, special

mp = mpmath.mp.clone()
mp.dps = 60


class Asked(NamedTuple):
    """A function of one number, and where it is asked: evenly between these."""

    of: Callable[[Any], Any]
    truth: Callable[[Any], Any]
    low: float
    high: float
    shown: str = ""  # how it is called

    def points(self, count: int) -> list[float]:
        return np.linspace(self.low, self.high, count).tolist()  # type: ignore[no-any-return]


def _plain(name: str, truth: Callable[[Any], Any], low: float, high: float) -> tuple[str, Asked]:
    return name, Asked(getattr(special, name), truth, low, high, f"{name}(x)")


def _three(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: f([x, 0.25, -1.5])


def _total(x: Any) -> Any:
    return mp.exp(x) + mp.exp(mp.mpf(0.25)) + mp.exp(mp.mpf(-1.5))


ASKED: dict[str, Asked] = dict(
    [
        _plain("erf", mp.erf, -5.0, 5.0),
        _plain("erfc", mp.erfc, -5.0, 25.0),
        _plain("erfcx", lambda x: mp.exp(x * x) * mp.erfc(x), -5.0, 50.0),
        _plain("erfinv", mp.erfinv, -0.999, 0.999),
        _plain("ndtr", lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, -35.0, 8.0),
        _plain("log_ndtr", lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), -35.0, 8.0),
        _plain("ndtri", lambda y: mp.sqrt(2) * mp.erfinv(2 * y - 1), 0.001, 0.999),
        _plain("gamma", mp.gamma, 0.1, 100.0),
        _plain("gammaln", lambda x: mp.log(abs(mp.gamma(x))), 2.5, 200.0),
        _plain("digamma", lambda x: mp.psi(0, x), 1.6, 100.0),
        _plain("psi", lambda x: mp.psi(0, x), 1.6, 100.0),
        _plain("expit", lambda x: 1 / (1 + mp.exp(-x)), -40.0, 40.0),
        _plain("log_expit", lambda x: -mp.log1p(mp.exp(-x)), -40.0, 40.0),
        _plain("logit", lambda p: mp.log(p / (1 - p)), 0.001, 0.999),
        _plain("entr", lambda x: -x * mp.log(x), 0.01, 0.9),
        _plain("cbrt", mp.cbrt, 0.1, 100.0),
        _plain("exprel", lambda x: mp.expm1(x) / x, -20.0, 20.5),
        _plain("sinc", lambda x: mp.sin(mp.pi * x) / (mp.pi * x), 0.05, 0.95),
        _plain("j0", lambda x: mp.besselj(0, x), 0.3, 30.0),
        _plain("j1", lambda x: mp.besselj(1, x), 0.3, 30.0),
        _plain("y0", lambda x: mp.bessely(0, x), 0.3, 30.0),
        _plain("y1", lambda x: mp.bessely(1, x), 0.3, 30.0),
        _plain("i0", lambda x: mp.besseli(0, x), 0.3, 30.0),
        _plain("i1", lambda x: mp.besseli(1, x), 0.3, 30.0),
        _plain("i0e", lambda x: mp.besseli(0, x) * mp.exp(-x), 0.3, 30.0),
        _plain("i1e", lambda x: mp.besseli(1, x) * mp.exp(-x), 2.0, 30.0),
        _plain("k0", lambda x: mp.besselk(0, x), 0.1, 30.0),
        _plain("k1", lambda x: mp.besselk(1, x), 0.1, 30.0),
        _plain("lambertw", lambda x: mp.lambertw(x).real, -0.35, 30.0),
        _plain("zeta", mp.zeta, 1.1, 30.0),
        _plain("ellipk", mp.ellipk, -5.0, 0.95),
        _plain("ellipe", mp.ellipe, -5.0, 0.95),
    ]
)
ASKED |= {
    "polygamma": Asked(
        lambda x: special.polygamma(2, x), lambda x: mp.psi(2, x), 0.1, 50.0, "polygamma(2, x)"
    ),
    "beta": Asked(
        lambda x: special.beta(x, 2.5), lambda x: mp.beta(x, 2.5), 0.1, 50.0, "beta(x, 2.5)"
    ),
    "betaln": Asked(
        lambda x: special.betaln(x, 2.5),
        lambda x: mp.log(mp.beta(x, 2.5)),
        2.0,
        50.0,
        "betaln(x, 2.5)",
    ),
    "xlogy": Asked(
        lambda x: special.xlogy(2.5, x), lambda x: 2.5 * mp.log(x), 1.5, 50.0, "xlogy(2.5, x)"
    ),
    "xlog1py": Asked(
        lambda x: special.xlog1py(2.5, x), lambda x: 2.5 * mp.log1p(x), 0.1, 50.0, "xlog1py(2.5, x)"
    ),
    "logsumexp": Asked(
        _three(special.logsumexp),
        lambda x: mp.log(_total(x)),
        -5.0,
        40.0,
        "logsumexp([x, 1/4, -3/2])",
    ),
    "softmax": Asked(
        _three(lambda v: special.softmax(v)[0]),
        lambda x: mp.exp(x) / _total(x),
        -5.0,
        10.0,
        "softmax([x, 1/4, -3/2])[0]",
    ),
    "log_softmax": Asked(
        _three(lambda v: special.log_softmax(v)[0]),
        lambda x: x - mp.log(_total(x)),
        -5.0,
        1.0,
        "log_softmax([x, 1/4, -3/2])[0]",
    ),
    "jv": Asked(
        lambda x: special.jv(2.5, x), lambda x: mp.besselj(2.5, x), 0.3, 30.0, "jv(2.5, x)"
    ),
    "gammainc": Asked(
        lambda x: special.gammainc(2.5, x),
        lambda x: mp.gammainc(2.5, 0, x, regularized=True),
        0.1,
        30.0,
        "gammainc(2.5, x)",
    ),
    "gammaincc": Asked(
        lambda x: special.gammaincc(2.5, x),
        lambda x: mp.gammainc(2.5, x, regularized=True),
        0.1,
        30.0,
        "gammaincc(2.5, x)",
    ),
}
_OSCILLATING = {"j0", "j1", "jv", "y0", "y1"}  # near their zeros, ulps are those of the amplitude


def _value_and_slope(truth: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """The slope by a central difference: of 60 digits it has 45, and is off by the square of its step."""
    step = mp.mpf(10) ** -15
    return truth(x), (truth(x + step) - truth(x - step)) / (2 * step)


def worst(name: str, every: int = 1, count: int = 25) -> tuple[float, float]:
    """Units in the last place by which value and slope are off, at most, of every so many of the points."""
    asked, found = ASKED[name], [0.0, 0.0]
    slope = grad(asked.of)
    for x in asked.points(count)[::every]:
        exactly = _value_and_slope(asked.truth, mp.mpf(x))
        for k, given in enumerate((asked.of(x), slope(x))):
            size = abs(exactly[k])
            if name in _OSCILLATING:
                size = max(size, mp.sqrt(2 / (mp.pi * abs(x))))
            found[k] = max(found[k], float(abs(given - exactly[k])) / math.ulp(float(size)))
    return found[0], found[1]


def row(name: str) -> str:
    """A line of the table, each figure rounded up."""
    asked, (value, slope) = ASKED[name], worst(name)
    figures = f"{math.ceil(10 * value) / 10:g} | {math.ceil(10 * slope) / 10:g}"
    return f"| `{asked.shown}` | {asked.low:g} to {asked.high:g} | {figures} |"


if __name__ == "__main__":
    with ProcessPoolExecutor() as processes:
        print("\n".join(processes.map(row, sorted(ASKED))))
