"""examples/log_densities.py: against scipy.stats, derivatives, and the fit that it runs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import check_grad, grad, vmap

stats = pytest.importorskip("scipy.stats")
PATH = Path(__file__).resolve().parents[2] / "examples" / "log_densities.py"
MODULE = runpy.run_path(str(PATH))

# Densities with where they are asked; the first numbers are counts, or none.
ASKED: dict[str, tuple[tuple[float, ...], ...]] = {
    "norm_logpdf": ((0.3, -1.0, 2.0), (40.0, 0.0, 0.5)),
    "t_logpdf": ((0.3, 4.5, -1.0, 2.0), (1e5, 3.0, 0.0, 1.0)),
    "gamma_logpdf": ((0.3, 2.5, 1.7), (40.0, 0.4, 1.0)),
    "beta_logpdf": ((0.3, 2.5, 1.7), (1e-9, 0.4, 90.0)),
    "poisson_logpmf": ((3.0, 2.5), (0.0, 40.0)),
    "binom_logpmf": ((3.0, 7.0, 0.2), (0.0, 100.0, 0.9)),
}


def scipys(name: str) -> Any:
    distribution, _, kind = name.rpartition("_")
    f = getattr(getattr(stats, distribution), kind)
    if distribution == "gamma":
        return lambda x, a, scale: f(x, a, scale=scale)
    return f


@pytest.mark.parametrize("name", ASKED)
def test_values_and_derivatives(name: str) -> None:
    f = MODULE[name]
    for point in ASKED[name]:
        assert f(*point) == pytest.approx(float(scipys(name)(*point)), rel=1e-12)
    first, last = ASKED[name][0], len(ASKED[name][0]) - 1
    start = 1 + (name == "binom_logpmf") if name.endswith("pmf") else 0
    whole = first[:start]
    assert check_grad(lambda v: f(*whole, *v), list(first[start:]), order=2).verdict == "ok"
    slopes = vmap(grad(f, last), in_axes=0)(*map(np.array, zip(*ASKED[name], strict=True)))
    assert slopes == pytest.approx([grad(f, last)(*point) for point in ASKED[name]], rel=1e-12)


def test_several_numbers() -> None:
    f = MODULE["multivariate_normal_logpdf"]
    x, mean = np.array([0.3, -1.0, 2.0]), np.array([0.1, 0.2, 0.3])
    cov = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])
    expected = stats.multivariate_normal(mean, cov).logpdf(x)
    assert float(f(x, mean, cov)) == pytest.approx(expected, rel=1e-13)
    assert grad(f, 1)(x, mean, cov) == pytest.approx(np.linalg.solve(cov, x - mean), rel=1e-12)
    assert check_grad(lambda v: f(x, mean, cov * v), 1.3, order=2).verdict == "ok"


def test_the_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["log_densities.py", "--rows", "60"])
    MODULE["main"]()
    lines = capsys.readouterr().out.splitlines()
    truth = (3.0, 2.0, 0.5, 0.3)
    assert len(lines) == 4
    for line, drawn in zip(lines, truth, strict=True):
        words = line.split(":")[-1].split()
        assert abs(float(words[1]) - drawn) < 4 * float(words[3]), line
