"""What cannot be converted, with the line and the reason."""

from __future__ import annotations

from typing import ClassVar


class AutographError(RuntimeError):
    """A loop or a branch that depends on Values and cannot be one of a program; names the line and why."""

    steers: ClassVar = True  # says how a trace goes on, if it is caught
