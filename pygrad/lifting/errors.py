"""What cannot be lifted, and what does not take Values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class LiftError(ImportError):
    """Code that cannot be lifted, as it is compiled: a C extension, a builtin, what numba made.

    An ImportError, so that a package with a Python version of its compiled part takes that.
    """


def compiled(name: str, thing: Any = None) -> LiftError:
    """The error for a module that is compiled, or calls what is.

    thing: the module or its spec, which says where it is.
    """
    origin = getattr(thing, "origin", None) or getattr(thing, "__file__", None)
    top = name.partition(".")[0]
    instead = _INSTEAD.get(top, "Lift what calls it, and state its derivatives")
    return LiftError(
        f"{name} cannot be lifted: it is compiled, or built on what is ({origin}), and no Value gets "
        f"through. {instead}: Value(data, children, local_grads)",
        name=name,
        path=origin,
    )


_INSTEAD = {
    "scipy": (
        "pygrad.math has erf, erfc, gamma, lgamma and digamma, pygrad.linalg linear algebra, pygrad.scipy "
        "minimize, root, least_squares and curve_fit with exact derivatives; of other functions state the "
        "derivatives"
    ),
}


# In errors of what met a Value, or an array of some; the last is NumPy's, of arrays of objects.
_SAID_OF_VALUES = ("a Value", "pygrad.Value", "dtype('O')", "not supported for the input types")


def telling(original: Callable[..., Any], instead: str) -> Callable[..., Any]:
    """A function of SciPy's, whose error for Values names the one that takes some."""

    @functools.wraps(original)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return original(*args, **named)
        except Exception as error:
            if not _is_of_values(error):
                raise
            raise TypeError(
                f"SciPy's {original.__name__} takes plain numbers, and was given Values: {instead} takes "
                "functions of Values, and gives what has derivatives"
            ) from error

    return call


def _is_of_values(error: BaseException | None) -> bool:
    """Whether an error is of Values, or what it was raised for: SciPy may have an error of its own."""
    while error is not None:
        if any(text in str(error) for text in _SAID_OF_VALUES):
            return True
        error = error.__cause__ or error.__context__
    return False
