"""mpmath at the precision of the truth, and its numbers."""

from __future__ import annotations

from typing import Any

from mpmath import MPContext

mp = MPContext()
PRECISION = 300
mp.prec = PRECISION

Real = Any  # an mpmath number
