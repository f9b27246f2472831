"""What `compile` and `load` return, and how it is saved."""

from pygrad import programs  # noqa: F401  says what is missing, if something is
from pygrad.compiled.function import Compiled, compile
from pygrad.programs.paths import TraceError

__all__ = ["Compiled", "TraceError", "compile"]
