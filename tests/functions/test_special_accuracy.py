"""docs/special.md has a figure for each function of pygrad.special, and it holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import special_accuracy as accuracy

from pygrad import special

pytest.importorskip("scipy.special")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "special.md"
ROW = re.compile(r"\| `(\w+)\(.*?` \| (\S+) to (\S+) \| (\S+) \| (\S+) \|")
NAMES = """
    erf erfc erfcx erfinv ndtr log_ndtr ndtri gamma gammaln digamma psi polygamma beta betaln gammainc
    gammaincc expit logit log_expit xlogy xlog1py entr logsumexp softmax log_softmax j0 j1 jv y0 y1 i0 i1
    i0e i1e k0 k1 lambertw zeta ellipk ellipe sinc cbrt exprel
"""


def test_every_function_has_its_row() -> None:
    found = {m[1]: (float(m[2]), float(m[3])) for m in ROW.finditer(PAGE.read_text("utf-8"))}
    assert found == {name: (a.low, a.high) for name, a in accuracy.ASKED.items()}
    assert set(found) == set(special.__all__) == set(NAMES.split())


def assert_the_figures_hold(name: str, every: int) -> None:
    figures = {m[1]: (float(m[4]), float(m[5])) for m in ROW.finditer(PAGE.read_text("utf-8"))}
    value, slope = accuracy.worst(name, every)
    assert value <= figures[name][0] and slope <= figures[name][1]


@pytest.mark.parametrize("name", sorted(accuracy.ASKED))
def test_the_figures_hold_at_three_points(name: str) -> None:
    assert_the_figures_hold(name, every=12)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(accuracy.ASKED))
def test_the_figures_hold(name: str) -> None:
    assert_the_figures_hold(name, every=1)
