"""How a command ends: its exit code, and the errors that a command raises to end with another than 0."""

from __future__ import annotations

OK, FAILED, MISUNDERSTOOD = 0, 1, 2


class UsageError(Exception):
    """The command cannot be understood as it stands."""


class Failure(Exception):
    """The work could not be done."""
