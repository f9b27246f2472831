"""Functions outside that a program calls back: Python that is in no file and in no C."""

from __future__ import annotations

from typing import Any

from pygrad.core.library import ffi, lib


def refuse_calls(program: Any, what: str) -> None:
    """NotImplementedError for a program that calls back, which names the function. what: cannot be done."""
    name = lib.pg_program_calls(program)
    if name != ffi.NULL:
        found = ffi.string(name).decode()  # type: ignore[union-attr]
        raise NotImplementedError(
            f"'{found}' is an external function, which a program calls back: it is Python, so {what}. "
            "Save or write what is made of operations, and call the rest from Python"
        )
