"""Which implementation the package uses: the compiled one, or the reference.

The reference if PYGRAD_IMPL says so, or where the package was installed without a C compiler; that is said
once, in a RuntimeWarning. With PYGRAD_REQUIRE_COMPILED=1 it is an error.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from pygrad.core import distribution

_ASKED = os.environ.get("PYGRAD_IMPL", "")


def _is_in_checkout() -> bool:
    """Whether the sources of the extension are at hand: it is missing because it is not built yet."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return all(os.path.exists(os.path.join(root, name)) for name in ("build.py", "csrc"))


def _falls_back() -> bool:
    """Whether this is a package installed without its extension, by someone who did not ask for it."""
    if _ASKED or os.environ.get("PYGRAD_REQUIRE_COMPILED"):
        return False
    try:
        import pygrad._core  # noqa: F401
    except ModuleNotFoundError as error:
        return error.name == "pygrad._core" and not _is_in_checkout()
    return False


_FALLS_BACK = _falls_back()

IMPLEMENTATION: str = "reference" if _FALLS_BACK else _ASKED or "compiled"

# What makes the compiled implementation run, for the texts of what needs it.
CURE = distribution.REBUILD if _FALLS_BACK else "unset PYGRAD_IMPL"

if TYPE_CHECKING or IMPLEMENTATION == "compiled":
    from pygrad.value import (
        FUNCTIONS,
        Parameters,
        Value,
        connected,
        dot,
        forward,
        no_grad,
        no_grad_resume,
        no_grad_suspend,
        noted_reads,
        record,
        retire,
        reverse,
        set_users_line,
        sum,
        trace_active,
        zero_grad,
    )
elif IMPLEMENTATION == "reference":
    from pygrad.reference import (
        FUNCTIONS,
        Parameters,
        Value,
        connected,
        dot,
        forward,
        no_grad,
        no_grad_resume,
        no_grad_suspend,
        noted_reads,
        record,
        retire,
        reverse,
        set_users_line,
        sum,
        trace_active,
        zero_grad,
    )
else:
    raise ImportError(
        f"PYGRAD_IMPL is {_ASKED!r}; it may be 'compiled' (the default) or 'reference'"
    )

if _FALLS_BACK:
    warnings.warn(
        "pygrad has no C extension here, as no C compiler was found when it was installed: it runs on its "
        "pure-Python reference, about a hundred times slower and without compile, vmap and derivatives of "
        f"derivatives. To mend it, {CURE}. PYGRAD_IMPL=reference runs the same without this warning.",
        RuntimeWarning,
        stacklevel=3,  # the line that imports pygrad, whose __init__ imports this
    )

__all__ = [
    "CURE",
    "FUNCTIONS",
    "IMPLEMENTATION",
    "Parameters",
    "Value",
    "connected",
    "dot",
    "forward",
    "no_grad",
    "no_grad_resume",
    "no_grad_suspend",
    "noted_reads",
    "record",
    "retire",
    "reverse",
    "set_users_line",
    "sum",
    "trace_active",
    "zero_grad",
]
