"""What is no number and is refused in a number's place."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

NO_NUMBERS = [None, "1", b"1", 1j, Decimal(1), [1.0], (), object(), np.array([1.0]), print]
NO_NUMBER_IDS = [
    "None",
    "str",
    "bytes",
    "complex",
    "Decimal",
    "list",
    "tuple",
    "object",
    "ndarray",
    "function",
]
each_no_number = pytest.mark.parametrize("bad", NO_NUMBERS, ids=NO_NUMBER_IDS)


def type_name(x: object) -> str:
    return type(x).__name__
