"""Code that is written as text, in a module of its own."""

from __future__ import annotations

from typing import Any


def in_module(text: str, **names: Any) -> dict[str, Any]:
    """The names of a module that has these and runs the text."""
    exec(text, names)
    return names
