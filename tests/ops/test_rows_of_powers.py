"""What powers look up is what lanepowrows.h says of it, to the digits that their error bounds count on."""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path

from truth import mp

TEXT = (Path(__file__).resolve().parents[2] / "csrc/program/lanepowrows.h").read_text("utf-8")


def rows(name: str) -> list[list[float]]:
    found = re.search(rf"{name}\[128\] = \{{\n(.*?)\n\}};", TEXT, re.DOTALL)
    assert found
    lines = re.findall(r"\{(.*?)\}", found[1])
    assert len(lines) == 128
    return [[float.fromhex(x) for x in line.split(", ")] for line in lines]


def double(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


def test_logarithms() -> None:
    found = re.search(r"LANE_LOG_FIRST (0x\w+)", TEXT)
    assert found
    first = int(found[1], 16)
    mp.prec = 300
    for i, (inverse, log, low) in enumerate(rows("lane_log_rows")):
        start, end = (double(first + (i + k << 45)) for k in (0, 1))
        most = max(abs(start * inverse - 1.0), abs(end * inverse - 1.0))
        assert most < 0.0058
        # So that m * inverse - 1 is exact
        assert inverse * 2.0**8 % (1.0 if inverse < 1.0 else 2.0) == 0.0
        assert log * 2.0**42 == math.floor(log * 2.0**42)  # and the sum of it with k ln 2
        # And what that sum with r loses
        assert log == 0.0 or math.frexp(log)[1] >= math.frexp(most)[1]
        assert abs(mp.mpf(log) + low + mp.log(mp.mpf(inverse))) < mp.mpf(2) ** -96


def test_powers_of_two() -> None:
    mp.prec = 300
    for i, (value, low) in enumerate(rows("lane_exp_rows")):
        exactly = mp.mpf(2) ** (mp.mpf(i) / 128)
        assert value == float(exactly)
        assert abs(mp.mpf(value) * (1 + mp.mpf(low)) - exactly) < mp.mpf(2) ** -104
