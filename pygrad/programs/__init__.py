"""Functions as programs: traced, run one row or many at a time, swept for Jacobians."""

from pygrad.core.implementation import CURE, IMPLEMENTATION

if IMPLEMENTATION != "compiled":
    raise ImportError(f"compile() and vmap() need the compiled implementation: {CURE}")
