"""Functions as programs: traced, run one row or many at a time, swept for Jacobians."""

from pygrad.core.implementation import IMPLEMENTATION

if IMPLEMENTATION != "compiled":
    raise ImportError("compile() and vmap() need the compiled implementation: unset PYGRAD_IMPL")
try:
    import numpy  # noqa: F401
except ImportError as error:
    raise ImportError("compile() and vmap() need NumPy: pip install numpy") from error
