"""What cannot be converted, with the line and the reason."""

from __future__ import annotations


class AutographError(RuntimeError):
    """A loop or a branch that depends on Values and cannot be one of a program; names the line and why."""
