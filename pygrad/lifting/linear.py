"""numpy.linalg as lifted code sees it."""

from __future__ import annotations

from types import FunctionType, ModuleType

from pygrad.lifting.quick import of_numbers


def lifted_linalg() -> ModuleType:
    """A module as numpy.linalg, with pygrad.linalg's functions in the place of some."""
    from numpy import linalg

    from pygrad import linalg as of_values

    lifted = ModuleType(linalg.__name__, linalg.__doc__)
    vars(lifted).update({k: v for k, v in vars(linalg).items() if not k.startswith("__")})
    for name in of_values.__all__:
        function = getattr(of_values, name)
        original = getattr(linalg, name, None) if isinstance(function, FunctionType) else None
        setattr(lifted, name, function if original is None else of_numbers(function, original))
    return lifted
