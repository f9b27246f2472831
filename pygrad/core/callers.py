"""Whose code runs: pygrad's own, or its user's, to whom warnings and reports point."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType, TracebackType
from typing import Any

# As many folders up as this module's name has packages above it.
_PACKAGE = os.path.abspath(__file__).rsplit(os.sep, __name__.count("."))[0] + os.sep


def is_pygrads(filename: str) -> bool:
    """Whether a file of code is one of pygrad's."""
    return filename.startswith(_PACKAGE)


def is_numpys(filename: str) -> bool:
    """Whether a file of code is one of NumPy's, if that is imported."""
    home = getattr(sys.modules.get("numpy"), "__file__", None)
    return home is not None and filename.startswith(os.path.dirname(home) + os.sep)


def raised_at(error: BaseException) -> TracebackType | None:
    """The innermost place of an exception's traceback: where it was raised."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at


def users_depth() -> int:
    """How many frames above the caller the user's code is."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and is_pygrads(frame.f_code.co_filename):
        frame, depth = frame.f_back, depth + 1
    return depth


def users_line() -> str:
    """The innermost line that runs now and is not pygrad's own, as path:number."""
    frame = sys._getframe(users_depth() - 1)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


# By file, where warnings remember the lines they have named: the registry of a module, which Python would
# use, takes line 3 of one notebook cell for line 3 of another.
_registries: dict[str, dict[Any, Any]] = {}


def warn_once(text: str, line: str | None = None) -> None:
    """A RuntimeWarning, once for each line of code: path:number, or the user's line that runs now."""
    path, _, number = (line or users_line()).rpartition(":")
    registry = _registries.setdefault(path, {})
    warnings.warn_explicit(text, RuntimeWarning, path, int(number), registry=registry)


def warn_of_truth() -> None:
    """Says that the truth of a Value whose number is 0 was asked for, and that it is not the number's."""
    warn_once(
        "the truth of a Value whose number is 0 was asked for. A Value is true, whatever its number, "
        "unless it depends on an input of a transform or trace that runs. Write `v != 0` to ask for the "
        "number, or `v is not None` to ask whether there is a Value"
    )


def warn_of_nan(frame: FrameType | None) -> None:
    """Says that NumPy puts nan in order among Values, if NumPy's code compares, and not for pygrad.

    It asks objects for ``<`` alone, which holds for nan on neither side.
    """
    start = frame
    while frame is not None and is_numpys(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None or frame is start or is_pygrads(frame.f_code.co_filename):
        return
    warn_once(
        "nan among Values in a list or an array of objects: NumPy compares these by < alone, so its sort, "
        "median, max and their like do not treat nan as they do among floats. Write `import pygrad.numpy "
        "as np` in the place of `import numpy as np`, or take the numbers, [v.data for v in ...]",
        f"{frame.f_code.co_filename}:{frame.f_lineno}",
    )
