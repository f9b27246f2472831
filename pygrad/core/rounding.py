"""Whole numbers of a Value, made in lifted code, of so many digits that they carry its number on.

Fixed-point numbers and packages that compute with ints of any length take a number apart in that way:
`int(m * 2**53)`. What they put together again has the right value, and would have no derivative.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from pygrad.arrays.engines import MARK
from pygrad.core.callers import is_pygrads, warn_once
from pygrad.core.implementation import in_no_grad, trace_active

_DIGITS = frozenset({"_to_decimals", "_to"})  # of round(v, 9)


def tell_of_rounding(v: Any, whole: float) -> None:
    """TypeError in lifted code, and in a trace, where nobody may ask for a derivative, a warning."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_pygrads(frame.f_code.co_filename):
        if frame.f_code.co_name in _DIGITS:
            return
        frame = frame.f_back
    if frame is None or MARK not in frame.f_globals or in_no_grad():
        return
    text = (
        f"a Value was made the whole number {whole:.0f}, which has nearly all its digits and no "
        "derivative: code that computes with ints in the place of floats, as fixed-point numbers do"
    )
    cure = "state its derivative, or call it within pygrad.no_grad() and give up on one"
    if trace_active():
        warn_once(f"{text}, has no derivative here. To have one, {cure}")
    else:
        raise TypeError(f"{text}, cannot be lifted; {cure}")
