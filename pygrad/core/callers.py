"""Whose code runs: pygrad's own, or its user's, to whom warnings and reports point."""

from __future__ import annotations

import os
import sys

# As many folders up as this module's name has packages above it.
_PACKAGE = os.path.abspath(__file__).rsplit(os.sep, __name__.count("."))[0] + os.sep


def is_pygrads(filename: str) -> bool:
    """Whether a file of code is one of pygrad's."""
    return filename.startswith(_PACKAGE)


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
