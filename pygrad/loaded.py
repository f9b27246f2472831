"""A door for pickles: those of compiled functions, made by pygrad 0.1.0, ask for it by this name."""

from pygrad.compiled.function import from_bytes

__all__ = ["from_bytes"]
