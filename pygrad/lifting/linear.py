"""numpy.linalg as lifted code sees it."""

from __future__ import annotations

from types import ModuleType


def lifted_linalg() -> ModuleType:
    """A module as numpy.linalg, with pygrad.linalg's functions in the place of some."""
    from numpy import linalg

    from pygrad import linalg as of_values

    lifted = ModuleType(linalg.__name__, linalg.__doc__)
    vars(lifted).update({k: v for k, v in vars(linalg).items() if not k.startswith("__")})
    vars(lifted).update({name: getattr(of_values, name) for name in of_values.__all__})
    return lifted
