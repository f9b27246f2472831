"""The functions that compiled programs run over lanes are within 2 units in the last place."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import mpmath
import numpy as np
import pytest

from pygrad import math as pm
from pygrad import vmap
from pygrad._core import lib

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("PYGRAD_LIBM_LANES")), reason="this build's lanes call libm"
)

mp = mpmath.mp.clone()
mp.prec = 240

# Ranges of the exponent of |x| in powers of two, and whether x may be negative.
RANGES = {
    "exp": (-40, 9, True),
    "expm1": (-40, 9, True),
    "exp2": (-40, 9, True),
    "log": (-1000, 1000, False),
    "log2": (-1000, 1000, False),
    "log10": (-1000, 1000, False),
    "log1p": (-60, 100, False),
    "tanh": (-60, 8, True),
    "sinh": (-60, 9, True),
    "cosh": (-60, 9, True),
    "asinh": (-60, 500, True),
    "acosh": (0, 500, False),
    "atanh": (-60, 0, True),
    "sin": (-60, 60, True),
    "cos": (-60, 60, True),
    "tan": (-60, 60, True),
    "asin": (-60, 0, True),
    "acos": (-60, 0, True),
    "atan": (-60, 100, True),
    "sigmoid": (-60, 9, True),
    "softplus": (-60, 9, True),
    "erf": (-60, 4, True),
    "sqrt": (-1000, 1000, False),
}
TRUTH = {
    "exp2": lambda x: mp.power(2, x),
    "log2": lambda x: mp.log(x) / mp.ln2,
    "log10": mp.log10,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
}
WORST: dict[str, float] = {}


def points(name: str, count: int = 400) -> list[float]:
    low, high, signed = RANGES[name]
    rng = random.Random(name)
    xs = [2.0 ** rng.uniform(low, high) for _ in range(count)]
    if low == 0:
        xs = [x for x in xs if x > 1.0]
    return [x * rng.choice([-1.0, 1.0]) if signed else x for x in xs]


def ulps(given: float, truth: mpmath.mpf) -> float:
    size = abs(float(truth))
    if not 2.3e-308 < size < 1.7e308:
        return 0.0
    return float(abs(mp.mpf(given) - truth) / mp.mpf(float(np.spacing(size))))


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", RANGES)
def test_lane_functions_are_within_2_ulp(name: str, level: int) -> None:
    xs = points(name)
    lib.pg_choose_lanes(level)
    try:
        given = vmap(getattr(pm, name), errors="ignore")(np.array(xs))
    finally:
        lib.pg_choose_lanes(2)
    function = TRUTH.get(name) or getattr(mp, name)
    worst = max(ulps(y, function(mp.mpf(x))) for x, y in zip(xs, given.tolist(), strict=True))
    print(f"{name}: {worst:.2f} ulp")
    assert worst <= 2.0


def test_powers_and_angles_are_within_2_ulp() -> None:
    rng = random.Random(5)
    xs = np.array([2.0 ** rng.uniform(-100, 100) for _ in range(500)])
    ys = np.array([rng.uniform(-7, 7) for _ in range(500)])
    for name, truth in (("pow", mp.power), ("atan2", mp.atan2), ("hypot", mp.hypot)):
        given = vmap(getattr(pm, name))(xs, ys)
        found = zip(given.tolist(), xs.tolist(), ys.tolist(), strict=True)
        worst = max(ulps(z, truth(mp.mpf(x), mp.mpf(y))) for z, x, y in found)
        assert worst <= 2.0, (name, worst)


def test_every_set_of_instructions_gives_the_same_bits() -> None:
    for name in RANGES:
        xs = np.array(points(name))
        results = []
        for level in (0, 1, 2):
            lib.pg_choose_lanes(level)
            results.append(vmap(getattr(pm, name), errors="ignore")(xs).tobytes())
        assert len(set(results)) == 1, name


def test_a_fresh_process_uses_the_best_instructions_that_the_processor_has() -> None:
    script = (
        "import pygrad; from pygrad._core import lib\n"
        "chosen = lib.pg_lane_instructions(); lib.pg_choose_lanes(2)\n"
        "assert chosen == lib.pg_lane_instructions()"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True)
