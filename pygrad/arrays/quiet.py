"""NumPy's arithmetic without its warnings."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function gives, without NumPy's warnings of overflow and the like.

    NumPy keeps in a context what it warns of. That of this call ends with it, also where Ctrl-C keeps NumPy
    from leaving its block.
    """
    return contextvars.copy_context().run(_quietly, function, args, kwargs)


def _quietly(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    import numpy as np

    with np.errstate(all="ignore"):
        return function(*args, **kwargs)
