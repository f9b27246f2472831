"""Which implementation the package uses: the compiled one, or the reference if PYGRAD_IMPL says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

_CHOSEN = os.environ.get("PYGRAD_IMPL", "") or "compiled"

if TYPE_CHECKING or _CHOSEN == "compiled":
    from pygrad.value import (
        FUNCTIONS,
        Parameters,
        Value,
        dot,
        forward,
        no_grad,
        no_grad_resume,
        no_grad_suspend,
        record,
        retire,
        reverse,
        sum,
        trace_active,
        zero_grad,
    )
elif _CHOSEN == "reference":
    from pygrad.reference import (
        FUNCTIONS,
        Parameters,
        Value,
        dot,
        forward,
        no_grad,
        no_grad_resume,
        no_grad_suspend,
        record,
        retire,
        reverse,
        sum,
        trace_active,
        zero_grad,
    )
else:
    raise ImportError(
        f"PYGRAD_IMPL is {_CHOSEN!r}; it may be 'compiled' (the default) or 'reference'"
    )

IMPLEMENTATION: str = _CHOSEN

__all__ = [
    "FUNCTIONS",
    "IMPLEMENTATION",
    "Parameters",
    "Value",
    "dot",
    "forward",
    "no_grad",
    "no_grad_resume",
    "no_grad_suspend",
    "record",
    "retire",
    "reverse",
    "sum",
    "trace_active",
    "zero_grad",
]
