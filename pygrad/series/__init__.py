"""Taylor series of functions: propagated through what a function has recorded, op by op."""

from pygrad.core.implementation import CURE, IMPLEMENTATION

if IMPLEMENTATION != "compiled":
    raise ImportError(f"jet() and taylor() need the compiled implementation: {CURE}")
