"""What cannot be lifted."""

from __future__ import annotations


class LiftError(ImportError):
    """Code that cannot be lifted, as it is compiled: a C extension, a builtin, what numba made.

    An ImportError, so that a package with a Python version of its compiled part takes that.
    """
