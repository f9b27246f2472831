"""What a call has said of singular derivatives."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

from pygrad import SingularDerivativeWarning


def messages(call: Callable[[], Any]) -> list[str]:
    """The warnings of a call: of that class all of them, and in the file of the test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(w.category is SingularDerivativeWarning for w in caught), list(map(str, caught))
    file = sys._getframe(1).f_code.co_filename
    assert all(w.filename == file for w in caught)
    return [str(w.message) for w in caught]
