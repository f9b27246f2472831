"""The functions that compiled programs run over lanes are within 2 units in the last place."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import truth
from digits import PRECISION
from truth import ROWS, mp

from pygrad import math as pm
from pygrad import vmap
from pygrad._core import lib

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("PYGRAD_LIBM_LANES")), reason="this build's lanes call libm"
)

RANGES = {name: row.lanes for name, row in ROWS.items() if row.lanes is not None}


def points(name: str, count: int = 400) -> list[float]:
    low, high, signed, _ = RANGES[name]
    rng = random.Random(name)
    xs = [2.0 ** rng.uniform(low, high) for _ in range(count)]
    if low == 0:
        xs = [x for x in xs if x > 1.0]
    return [x * rng.choice([-1.0, 1.0]) if signed else x for x in xs]


def ulps(given: float, exactly: Any) -> float:
    return truth.ulps(given, exactly) if 2.3e-308 < abs(exactly) < 1.7e308 else 0.0


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", RANGES)
def test_lane_functions_are_within_2_ulp(name: str, level: int) -> None:
    xs = points(name)
    lib.pg_choose_lanes(level)
    try:
        given = vmap(getattr(pm, name), errors="ignore")(np.array(xs))
    finally:
        lib.pg_choose_lanes(2)
    mp.prec = PRECISION
    value = ROWS[name].value
    worst = max(ulps(y, value(mp.mpf(x))) for x, y in zip(xs, given.tolist(), strict=True))
    print(f"{name}: {worst:.2f} ulp")
    assert worst <= RANGES[name].limit


def test_powers_and_angles_are_within_2_ulp() -> None:
    rng = random.Random(5)
    xs = np.array([2.0 ** rng.uniform(-100, 100) for _ in range(500)])
    ys = np.array([rng.uniform(-7, 7) for _ in range(500)])
    mp.prec = PRECISION
    for name, exactly in (("pow", mp.power), ("atan2", mp.atan2), ("hypot", mp.hypot)):
        given = vmap(getattr(pm, name))(xs, ys)
        found = zip(given.tolist(), xs.tolist(), ys.tolist(), strict=True)
        worst = max(ulps(z, exactly(mp.mpf(x), mp.mpf(y))) for z, x, y in found)
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
