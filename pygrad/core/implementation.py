"""Which implementation the package uses: the compiled one, or the reference.

The reference if PYGRAD_IMPL says so, or where the package was installed without a C compiler; that is said
once, in a RuntimeWarning. With PYGRAD_REQUIRE_COMPILED=1 it is an error.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from pygrad.core import distribution

_ASKED = os.environ.get("PYGRAD_IMPL", "")


def _is_in_checkout() -> bool:
    """Whether the sources of the extension are at hand: it is missing because it is not built yet."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return all(os.path.exists(os.path.join(root, name)) for name in ("build.py", "csrc"))


def _is_incomplete() -> bool:
    """Whether this is a package installed without its extension."""
    try:
        import pygrad._core  # noqa: F401
    except ModuleNotFoundError as error:
        return error.name == "pygrad._core" and not _is_in_checkout()
    except ImportError:
        return False  # it is there, and value.py says why it does not load
    return False


_REQUIRED = bool(os.environ.get("PYGRAD_REQUIRE_COMPILED"))
_INCOMPLETE = _ASKED != "reference" and _is_incomplete()
_FALLS_BACK = _INCOMPLETE and not _ASKED and not _REQUIRED

IMPLEMENTATION: str = "reference" if _FALLS_BACK else _ASKED or "compiled"

# What makes the compiled implementation run, for the texts of what needs it.
CURE = distribution.REBUILD if _FALLS_BACK else "unset PYGRAD_IMPL"

if _INCOMPLETE and not _FALLS_BACK:
    raise ImportError(
        f"pygrad was installed without its C extension ({distribution.CAUSE}), and "
        f"PYGRAD_{'IMPL' if _ASKED else 'REQUIRE_COMPILED'} asks for it: {distribution.REBUILD}"
    )


def _tell_of_singular(*what: Any) -> None:
    from pygrad.core.singular import tell  # seldom needed

    tell(*what)


# What their __all__ lists is the same of both, and all that the rest of pygrad asks of one.
if TYPE_CHECKING or IMPLEMENTATION == "compiled":
    from pygrad.value import *  # noqa: F403
    from pygrad.value import _native

    _native.set_singular(_tell_of_singular)
elif IMPLEMENTATION == "reference":
    from pygrad.reference import *  # noqa: F403
else:
    raise ImportError(
        f"PYGRAD_IMPL is {_ASKED!r}; it may be 'compiled' (the default) or 'reference'"
    )

if IMPLEMENTATION == "compiled":  # the reference, where Python sees its frames, warns by itself
    from pygrad import _native

    stated: Any = _native  # what a rule of the user's asks of an implementation

    def _warn_of_truth() -> None:
        from pygrad.core.callers import warn_of_truth

        warn_of_truth()

    def _warn_of_nan() -> None:
        if "numpy" in sys.modules:
            from pygrad.core.callers import warn_of_nan

            warn_of_nan(sys._getframe(1))

    _native.set_truth_warning(_warn_of_truth)
    _native.set_nan_warning(_warn_of_nan)
else:
    from pygrad.reference import stated as stated  # noqa: PLC0414

if _FALLS_BACK:
    warnings.warn(
        f"pygrad has no C extension here: {distribution.CAUSE}. It runs on its pure-Python reference, "
        "about a hundred times slower and without compile, vmap, explore, Taylor series and derivatives of "
        f"derivatives. To have these, {CURE}. PYGRAD_IMPL=reference runs the same without this warning.",
        RuntimeWarning,
        stacklevel=3,  # the line that imports pygrad, whose __init__ imports this
    )
