"""What `compile` and `load` return, and how it is saved."""

from pygrad.compiled.function import Compiled, TraceError, compile

__all__ = ["Compiled", "TraceError", "compile"]
